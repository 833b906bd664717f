"""
Each callback as one trace of OpenTelemetry: from the live call and its offers to the outcome.

* `callback`: from the begin of the live call, or without one from the request, to the outcome;
* `live call`: until it became the callback;
* `scheduled`, `waiting`, `held`, `resting`: each stay of the callback in this state;
* `attempt`: from the intent to dial until no leg was left;
* `agent leg`, `customer leg`: from the dialing until that leg was over;
* `conversation`: from when the two could hear each other until the attempt ended.

Times are those of history, and ids are made from those of callbacks and attempts: so whichever node hears the end of
something tells of it, and all nodes go on with the same trace. Nothing is kept in memory: what began
elsewhere, or before a restart, is read from history when it has ended.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final

import attrs

from callbackq.adapters.telemetry.needed import missing
from callbackq.adapters.telemetry.telling import told
from callbackq.errors import CallbackqError
from callbackq.events import (
    AttemptEnded,
    AttemptEvent,
    AttemptProgress,
    AttemptStarted,
    CallbackEnded,
    CallbackEvent,
    CallbackRequested,
    CallEvent,
    CallJoined,
    CallOffered,
    Event,
)
from callbackq.ids import AttemptId, CallbackId, TenantId
from callbackq.model import CallbackState, Disposition, LegState, Outcome, Role
from callbackq.policy.checks import number_within
from callbackq.ports import Commit, Store

try:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import Event as SpanEvent
    from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags
    from opentelemetry.trace.status import Status, StatusCode
except ModuleNotFoundError as error:
    raise missing(error, package="opentelemetry", extra="otel") from None

logger = logging.getLogger("callbackq")

_SCOPE: Final = InstrumentationScope("callbackq")
_PREFIX: Final = "callbackq."
_FAILED: Final = frozenset(
    {Outcome.EXPIRED, Outcome.UNREACHED, Outcome.DECLINED_BY_AGENTS, Outcome.REFUSED_BY_RULE}
)
_TROUBLE: Final = frozenset(
    {
        Disposition.CONGESTED,
        Disposition.NETWORK_FAILURE,
        Disposition.AGENT_UNAVAILABLE,
        Disposition.UNKNOWN,
    }
)
_STATES: Final = frozenset(
    {CallbackState.SCHEDULED, CallbackState.WAITING, CallbackState.HELD, CallbackState.RESTING}
)


class StoryTracer:
    """
    A listener that tells of each callback as a trace, once it, or an attempt of it, has ended.

    Give it to every service, dispatcher and runner that works on the store, by `CallbackService(listeners=...)`. No
    personal data is told: see `telemetry.telling.told`. A span is handed to *processor* as one that has ended; a span
    that is told of twice, as after a person's correction, has the same ids.

    Args:
        store: of the service: what has ended is read from it.
        processor: of the OpenTelemetry SDK: `BatchSpanProcessor(exporter)`, or that of your provider.
        resource: what the spans are of; the SDK's default, which names the service by `OTEL_SERVICE_NAME`.
        ratio: the share of callbacks that are told of, 0 to 1: the same ones on every node.

    Raises:
        ConfigurationError: *ratio* is not from 0 to 1.

    Cost: when a callback or an attempt has ended, in the thread of the command, its history is read, in about a
        millisecond. Nothing else.
    """

    def __init__(
        self,
        store: Store,
        processor: SpanProcessor,
        *,
        resource: Resource | None = None,
        ratio: float = 1.0,
    ) -> None:
        number_within("StoryTracer.ratio", ratio, 0, 1)
        self._store: Final = store
        self._processor: Final = processor
        self._resource: Final = resource or Resource.create()
        self._ratio: Final = ratio

    def __call__(self, events: tuple[Event, ...], /) -> None:
        """Hear the events of one transaction. A history that cannot be read now is not told of."""
        for event in events:
            if isinstance(event, AttemptEnded | CallbackEnded) and self._is_told(event):
                try:
                    self._tell(event)
                except CallbackqError as failure:
                    logger.warning("a trace could not be made: %s", type(failure).__name__)

    def _is_told(self, event: AttemptEnded | CallbackEnded) -> bool:
        return (trace_id_of(event.tenant_id, event.callback_id) >> 64) < self._ratio * 2**64

    def _tell(self, event: AttemptEnded | CallbackEnded) -> None:
        with self._store.transaction(event.tenant_id, commit=Commit.READ_ONLY) as tx:
            history: list[Event] = tx.history.of_callback(event.callback_id)
            call_id = next((one.call_id for one in history if isinstance(one, CallbackRequested)), None)
            whole = isinstance(event, CallbackEnded)
            of_call = tx.history.of_call(call_id) if whole and call_id is not None else []
        story = Story(
            tenant_id=event.tenant_id, callback_id=event.callback_id, history=history, of_call=of_call
        )
        spans = (
            story.of_callback() if isinstance(event, CallbackEnded) else story.of_attempt(event.attempt_id)
        )
        for span in spans:
            self._processor.on_end(self._span(story, span))

    def _span(self, story: Story, span: Span) -> ReadableSpan:
        return ReadableSpan(
            name=span.name,
            context=story.context(span.key),
            parent=None if span.parent is None else story.context(span.parent),
            resource=self._resource,
            attributes={_PREFIX + name: value for name, value in span.attributes.items()},
            events=[
                SpanEvent(
                    one.kind,
                    {_PREFIX + name: value for name, value in told(one).items()},
                    _nanoseconds(one.at),
                )
                for one in span.events
            ],
            links=[Link(context) for context in span.links],
            kind=SpanKind.INTERNAL,
            status=Status(StatusCode.ERROR if span.has_failed else StatusCode.UNSET),
            start_time=_nanoseconds(span.begins_at),
            end_time=_nanoseconds(max(span.begins_at, span.ends_at)),
            instrumentation_scope=_SCOPE,
        )


# ---------------------------------------------------------------------------- ids


def trace_id_of(tenant_id: TenantId, callback_id: CallbackId) -> int:
    """
    Return the id of the trace of a callback: the same in every process.

    >>> hex(trace_id_of(TenantId("default"), CallbackId("cb_1")))[:10]
    '0xab626b12'
    """
    return _digest("trace", tenant_id, callback_id, size=16)


def _span_id_of(tenant_id: TenantId, callback_id: CallbackId, key: str) -> int:
    return _digest("span", tenant_id, callback_id, key, size=8)


def _digest(*parts: str, size: int) -> int:
    """Return a number that is never 0, which no id may be."""
    return int.from_bytes(sha256("\n".join(parts).encode()).digest()[:size]) or 1


def _nanoseconds(at: datetime) -> int:
    whole = int(at.timestamp() // 1)
    return whole * 1_000_000_000 + at.microsecond * 1_000


# ---------------------------------------------------------------------------- stories as spans


@attrs.frozen(kw_only=True)
class Span:
    """One span, before it has ids: `key` names it within its trace, and `parent` the one it is part of."""

    key: str
    parent: str | None
    name: str
    begins_at: datetime
    ends_at: datetime
    attributes: dict[str, str | int | float | bool]
    events: Sequence[Event] = ()
    links: Sequence[SpanContext] = ()
    has_failed: bool = False


_ROOT: Final = "callback"


@attrs.frozen(kw_only=True)
class Story:
    """What history tells of one callback."""

    tenant_id: TenantId
    callback_id: CallbackId
    history: Sequence[Event]
    of_call: Sequence[Event] = ()

    def context(self, key: str) -> SpanContext:
        """Return the ids of one span."""
        return _context(self.tenant_id, self.callback_id, key)

    def of_callback(self) -> Iterator[Span]:
        """Give the spans of the callback itself, once it has ended; none where its beginning was pruned."""
        own = [event for event in self.history if isinstance(event, CallbackEvent)]
        if not own or not isinstance(own[0], CallbackRequested):
            return
        requested = own[0]
        last = next((event for event in reversed(own) if isinstance(event, CallbackEnded)), None)
        if last is None:
            return
        held = self._hold(requested)
        begins_at = min(held.begins_at, requested.at) if held is not None else requested.at
        attributes = _named(requested, _OF_CALLBACK) | _named(last, _OF_END)
        yield Span(
            key=_ROOT,
            parent=None,
            name="callback",
            begins_at=begins_at,
            ends_at=max(last.at, begins_at),
            attributes={"tenant_id": self.tenant_id, **attributes},
            events=own,
            links=[
                _context(self.tenant_id, other, _ROOT)
                for other in (requested.follows_id, last.merged_into_id)
                if other is not None
            ],
            has_failed=last.outcome in _FAILED,
        )
        if held is not None:
            yield held
        yield from self._stays(own)

    def _hold(self, requested: CallbackRequested) -> Span | None:
        """Return the span of the live call that it was made of."""
        joined = next((event for event in self.of_call if isinstance(event, CallJoined)), None)
        if joined is None:
            return None
        own = [event for event in self.of_call if isinstance(event, CallEvent) and event.at <= requested.at]
        offers = sum(isinstance(event, CallOffered) for event in own)
        return Span(
            key="live call",
            parent=_ROOT,
            name="live call",
            begins_at=joined.at,
            ends_at=requested.at,
            attributes={"queue": joined.queue, "priority": joined.priority, "offers_count": offers},
            events=own,
        )

    def _stays(self, own: Sequence[CallbackEvent]) -> Iterator[Span]:
        """Give a span for each stretch of time in one state, but for those in which it was called."""
        since = own[0]
        for event in own[1:]:
            if event.state is since.state:
                continue
            if since.state in _STATES:
                yield Span(
                    key=f"{since.state} {since.version}",
                    parent=_ROOT,
                    name=str(since.state),
                    begins_at=since.at,
                    ends_at=event.at,
                    attributes=_named(since, ("hold_reason", "last_disposition")),
                )
            since = event

    def of_attempt(self, attempt_id: AttemptId) -> Iterator[Span]:
        """Give the spans of one attempt that has ended; none where its beginning was pruned."""
        own = [
            event
            for event in self.history
            if isinstance(event, AttemptEvent) and event.attempt_id == attempt_id
        ]
        started = next((event for event in own if isinstance(event, AttemptStarted)), None)
        last = next((event for event in reversed(own) if isinstance(event, AttemptEnded)), None)
        if started is None or last is None:
            return
        starts = [event.attempt_id for event in self.history if isinstance(event, AttemptStarted)]
        key = f"attempt {attempt_id}"
        yield Span(
            key=key,
            parent=_ROOT,
            name="attempt",
            begins_at=started.at,
            ends_at=last.at,
            attributes={
                **_named(started, ("attempt_id", "queue", "mode", "node_id", "number_index", "announces")),
                **_named(
                    last, ("disposition", "answered_by", "confirmation", "agents_rung_count", "customer_rang")
                ),
                "number": starts.index(attempt_id) + 1,
            },
            events=own,
            has_failed=last.disposition in _TROUBLE,
        )
        for role in Role:
            yield from _leg(role, own, key=key)
        if last.connected_at is not None:
            yield Span(
                key=f"{key} conversation",
                parent=key,
                name="conversation",
                begins_at=last.connected_at,
                ends_at=last.at,
                attributes={},
            )


def _leg(role: Role, own: Iterable[AttemptEvent], *, key: str) -> Iterator[Span]:
    """Give the span of one leg, if it was dialed; with what became of it as events."""
    steps: list[tuple[LegState, AttemptEvent]] = []
    for event in own:
        if isinstance(event, AttemptStarted | AttemptProgress):
            state = event.agent_leg if role is Role.AGENT else event.customer_leg
            if state is not (steps[-1][0] if steps else LegState.NONE):
                steps.append((state, event))
    if not steps:
        return
    last = steps[-1][1]
    yield Span(
        key=f"{key} {role}",
        parent=key,
        name=f"{role} leg",
        begins_at=steps[0][1].at,
        ends_at=last.at,
        attributes={"leg": str(role), "answered": any(state is LegState.ANSWERED for state, _ in steps)},
        events=[event for _, event in steps],
    )


def _context(tenant_id: TenantId, callback_id: CallbackId, key: str) -> SpanContext:
    return SpanContext(
        trace_id_of(tenant_id, callback_id),
        _span_id_of(tenant_id, callback_id, key),
        is_remote=False,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )


_OF_CALLBACK: Final = (
    "callback_id",
    "queue",
    "channel",
    "mode",
    "priority",
    "purpose",
    "quoted_position",
    "quoted_wait_s",
    "quoted_wait_low_s",
    "quoted_wait_high_s",
    "quoted_by",
    "scheduled_at",
)
_OF_END: Final = ("outcome", "attempts_count", "last_disposition")


def _named(event: Event, names: Sequence[str]) -> dict[str, str | int | float | bool]:
    """Return some of what may be told of an event."""
    found = told(event)
    return {name: found[name] for name in names if name in found}

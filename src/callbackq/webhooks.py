"""
Webhooks: what happens is sent to the host's other systems, in order, until they have it.

The outbox is the history itself, with a cursor for each endpoint: so nothing is written for a webhook when something
happens, and an endpoint can be told everything again from any point. One node at a time delivers for an endpoint: who
has the lease on its row.

1. A transaction that only reads looks what there is: events behind the cursor, as far as the history is settled; and
   what failed before, and has rested.
2. A flushed transaction takes the lease. So all that is about to be sent is on the disk as well.
3. The events are sent, with no transaction open.
4. What became of them is saved over the row as it was in 2. Somebody else's row by then, or a crash, and they are sent
   once more: at least once, under the same id.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, TypeVar

import attrs

from callbackq.core import webhooks as core
from callbackq.core.instants import check_instant, check_text
from callbackq.core.webhooks import Told, Verdict
from callbackq.errors import CallbackNotFound, ConfigurationError, Conflict, NotFound
from callbackq.events import CallEvent, Event
from callbackq.ids import CallbackId, NodeId, QueueName
from callbackq.masking import without_text
from callbackq.model import Entity, Webhook, WebhookState
from callbackq.policy.webhooks import WebhookEndpoint
from callbackq.ports import Commit, HistoryLink, Transaction, WebhookSender
from callbackq.presence import new_id
from callbackq.service import CONFLICT_TRIES, CallbackService

__all__ = [
    "Webhook",
    "WebhookEndpoint",
    "WebhookRound",
    "WebhookState",
    "Webhooks",
    "close_endpoint",
    "open_endpoint",
    "replay",
    "webhook_rows",
]

logger = logging.getLogger("callbackq")

R = TypeVar("R")

_LEASE_MIN: Final = timedelta(minutes=1)
_BATCH_MAX: Final = 100
"""So many events are looked at in one round of an endpoint."""
_PASSED_MIN: Final = 50
"""After so many that are not wanted it is written down that they were passed."""
_CLOCKS_APART_MAX: Final = timedelta(minutes=5)
"""Events of several nodes may stand so far out of the order of their times."""


@attrs.frozen(kw_only=True)
class WebhookRound:
    """
    What one round of deliveries did.

    Attributes:
        delivered_count: events that endpoints have taken.
        failed_count: tries that failed. They are repeated.
        undelivered_count: events that were set aside after the longest time.
        has_more: there was more to send than one round may.
    """

    delivered_count: int = 0
    failed_count: int = 0
    undelivered_count: int = 0
    has_more: bool = False

    def __add__(self, other: WebhookRound) -> WebhookRound:
        return WebhookRound(
            delivered_count=self.delivered_count + other.delivered_count,
            failed_count=self.failed_count + other.failed_count,
            undelivered_count=self.undelivered_count + other.undelivered_count,
            has_more=self.has_more or other.has_more,
        )


@attrs.frozen(kw_only=True)
class _Plan:
    """
    What is to be sent to one endpoint.

    Attributes:
        again: events of records that it is behind with, by what they are about; none, where it has caught up.
        fresh: what stands behind the cursor, in order, and whether it is wanted.
        waits: some of it is not settled yet.
        has_more: there is more behind that.
    """

    told: Told
    again: Mapping[str, list[HistoryLink]]
    fresh: list[tuple[HistoryLink, bool]]
    waits: bool
    has_more: bool

    @property
    def is_worth_it(self) -> bool:
        """Whether there is anything to send or to write down."""
        return bool(self.again) or len(self.fresh) >= _PASSED_MIN or any(wanted for _, wanted in self.fresh)


class Webhooks:
    """
    Sends what happens to the promises of one service to endpoints.

    Any number of nodes may do so on one store. It sends when it is told to: by `deliver_due`, from a loop of yours or
    by a `runners.WebhookRunner`. From any thread; but two threads do not deliver for one endpoint at once.

    Args:
        service: whose history.
        endpoints: one or more, each with a name of its own. One that the store does not know yet is told what happens
            from now on; `replay` begins earlier.
        sender: who makes the requests: `adapters.webhooks.UrllibSender()`.
        source: the `source` of every event: a URI, or a reference as `/callbackq/<tenant>`, which it is unless given.

    Raises:
        ConfigurationError: no endpoint, or two of one name.
        StoreUnavailable, CommitUncertain, Conflict: an endpoint could not be made known; try again.
    """

    def __init__(
        self,
        service: CallbackService,
        endpoints: Iterable[WebhookEndpoint],
        *,
        sender: WebhookSender,
        source: str | None = None,
    ) -> None:
        service.refuse_within("send webhooks")
        by_name: dict[str, WebhookEndpoint] = {}
        for endpoint in endpoints:
            if endpoint.name in by_name:
                raise ConfigurationError("endpoints", endpoint.name, "one endpoint of each name")
            by_name[endpoint.name] = endpoint
        if not by_name:
            raise ConfigurationError("endpoints", "none", "one or more")
        self.endpoints: Final[Mapping[str, WebhookEndpoint]] = MappingProxyType(by_name)
        self.service: Final = service
        self._sender: Final = sender
        self._source: Final = source if source is not None else core.source_of(service.tenant_id)
        self._node_id: Final = NodeId(new_id("wh"))
        self._rounds: Final = {name: threading.Lock() for name in by_name}
        for name in by_name:
            _make_known(service, name)

    def deliver_due(self, now: datetime, *, endpoint: str | None = None) -> WebhookRound:
        """
        Send what is to be sent now, to each endpoint in its turn: one round each.

        An endpoint that fails delays nobody but those after it in this call, by `WebhookEndpoint.time_max` for each
        try; give each a thread of its own where that matters, as a `WebhookRunner` does.

        Args:
            endpoint: only to this one.

        Returns:
            What was done. While `has_more`, say it again at once.

        Raises:
            StoreUnavailable, CommitUncertain, Conflict: try again; what was sent meanwhile may be sent once more.
            NotFound: there is no endpoint of this name here.
        """
        at = check_instant(now, "now")
        chosen = self.endpoints.values() if endpoint is None else [self._endpoint(endpoint)]
        done = WebhookRound()
        for one in chosen:
            if self._rounds[one.name].acquire(blocking=False):
                try:
                    done += self._round(one, at)
                finally:
                    self._rounds[one.name].release()
        return done

    def next_wakeup(self, *, endpoint: str | None = None) -> datetime | None:
        """
        Return when something is tried again though nothing happens, or None. What happens is to be sent at once.

        Raises:
            StoreUnavailable: try again.
            NotFound: there is no endpoint of this name here.
        """
        now = self.service.now()
        names = list(self.endpoints) if endpoint is None else [self._endpoint(endpoint).name]
        with self.service.transaction(Commit.READ_ONLY) as tx:
            tolds = [told for name in names if (told := _told(tx, name)) is not None]
        times = [_wakeup(told, mine=self._node_id, now=now) for told in tolds]
        return min((at for at in times if at is not None), default=None)

    # ------------------------------------------------------------------ one round of one endpoint

    def _endpoint(self, name: str) -> WebhookEndpoint:
        if name not in self.endpoints:
            raise NotFound(f"no endpoint {name!r} is configured here")
        return self.endpoints[name]

    def _round(self, endpoint: WebhookEndpoint, now: datetime) -> WebhookRound:
        plan = self._look(endpoint, now)
        if plan is not None and plan.waits:  # What was found out now is known to who looks again.
            plan = self._look(endpoint, now)
        if plan is None or not plan.is_worth_it:
            return WebhookRound()
        plan = self._claim(endpoint, now)
        if plan is None:
            return WebhookRound()
        told, done = self._send(plan, endpoint)
        return attrs.evolve(done, has_more=plan.has_more) if self._save(plan.told, told) else WebhookRound()

    def _look(self, endpoint: WebhookEndpoint, now: datetime) -> _Plan | None:
        with self.service.transaction(Commit.READ_ONLY) as tx:
            return self._plan(tx, endpoint, now)

    def _plan(self, tx: Transaction, endpoint: WebhookEndpoint, now: datetime) -> _Plan | None:
        """Look what there is to send; None where nothing may be sent."""
        told = _told(tx, endpoint.name)
        if told is None or not _may_deliver(told.own, mine=self._node_id, now=now):
            return None
        queues = _Queues(tx)
        again = {
            about: _left_behind(tx, row, told.own, endpoint=endpoint, queues=queues)
            for about, row in told.behind.items()
            if row.rests_until_at is None or row.rests_until_at <= now
        }
        settled = tx.history.settled_number()
        found: list[HistoryLink] = []
        if not core.is_down(told, endpoint=endpoint):
            found = tx.history.links(after=told.own.position, limit=_BATCH_MAX)
        links = [link for link in found if link.history_number <= settled]
        fresh = [(link, queues.wants(endpoint, link.event)) for link in links]
        return _Plan(
            told=told,
            again=again,
            fresh=fresh,
            waits=len(links) < len(found),
            has_more=len(links) == _BATCH_MAX,
        )

    def _claim(self, endpoint: WebhookEndpoint, now: datetime) -> _Plan | None:
        """Take the lease, and look again what there is; None where somebody else was first."""
        try:
            with self.service.transaction(Commit.FLUSHED) as tx:
                plan = self._plan(tx, endpoint, now)
                if plan is None:
                    return None
                own = attrs.evolve(
                    plan.told.own,
                    version=plan.told.own.version + 1,
                    node_id=self._node_id,
                    lease_until_at=now + self._lease(endpoint),
                )
                tx.save(own)
        except Conflict:
            return None
        return attrs.evolve(plan, told=attrs.evolve(plan.told, own=own))

    def _lease(self, endpoint: WebhookEndpoint) -> timedelta:
        return max(_LEASE_MIN, 4 * endpoint.time_max)

    def _send(self, plan: _Plan, endpoint: WebhookEndpoint) -> tuple[Told, WebhookRound]:
        """Send what is planned, as far as the lease and the endpoint allow it. No transaction is open."""
        told, done = plan.told, WebhookRound()
        for about, links in plan.again.items():
            for link in links:
                if not self._may_go_on(told, endpoint):
                    return told, done
                told, one = self._try(told, link, endpoint)
                done += one
                if one.failed_count:
                    break
            else:
                if len(links) < _BATCH_MAX:
                    told = core.caught_up(told, about)
        for link, is_wanted in plan.fresh:
            if is_wanted and core.about_of(link.event) not in told.behind:
                if core.is_down(told, endpoint=endpoint) or not self._may_go_on(told, endpoint):
                    return told, done
                told, one = self._try(told, link, endpoint)
                done += one
                if told.own.state is not WebhookState.OPEN:
                    told = core.passed(told, link.history_number)  # It waits behind its own record.
                    return told, done
            told = core.passed(told, link.history_number)
        return told, done

    def _may_go_on(self, told: Told, endpoint: WebhookEndpoint) -> bool:
        now = self.service.now()
        lease_until_at, rests_until_at = told.own.lease_until_at, told.own.rests_until_at
        assert lease_until_at is not None
        is_in_time = now + endpoint.time_max < lease_until_at
        rests = rests_until_at is not None and now < rests_until_at
        return is_in_time and not rests and told.own.state is WebhookState.OPEN

    def _try(self, told: Told, link: HistoryLink, endpoint: WebhookEndpoint) -> tuple[Told, WebhookRound]:
        order = core.order(link, endpoint=endpoint, source=self._source, sent_at=self.service.now())
        try:
            answer = self._sender.send(order)
        except Exception as error:
            verdict = Verdict(problem=f"no answer: {type(error).__name__}")
            reason: str | None = without_text(error)
        else:
            verdict = core.read_answer(answer, endpoint=endpoint, now=self.service.now())
            reason = verdict.problem
        now = self.service.now()
        if verdict.problem is None:
            return core.delivered(told, link, now=now), WebhookRound(delivered_count=1)
        after = core.failed(told, link, verdict, endpoint=endpoint, now=now)
        logger.warning("webhook %s: %s was not delivered: %s", endpoint.name, order.webhook_id, reason)
        undelivered_count = len(after.undelivered) - len(told.undelivered)
        if undelivered_count:
            logger.error("webhook %s: %s is given up", endpoint.name, order.webhook_id)
        if verdict.is_gone:
            logger.error("webhook %s: the endpoint is gone, and is sent nothing more", endpoint.name)
        return after, WebhookRound(failed_count=1, undelivered_count=undelivered_count)

    def _save(self, before: Told, after: Told) -> bool:
        """Write down what became of a round, and give the lease back; say whether it was this node's still."""
        own = attrs.evolve(after.own, version=before.own.version + 1, node_id=None, lease_until_at=None)
        try:
            with self.service.transaction(Commit.RELAXED) as tx:
                tx.save(own)
                for about, row in before.behind.items():
                    if about not in after.behind:
                        tx.webhooks.remove(row)
                for about, row in after.behind.items():
                    if row != before.behind.get(about):
                        tx.save(attrs.evolve(row, version=row.version + 1))
                for row in after.undelivered:
                    tx.webhooks.remove(row)
                    tx.save(row)
        except Conflict:
            logger.warning("webhook %s: somebody else has taken it over meanwhile", own.endpoint)
            return False
        return True


# ---------------------------------------------------------------------------- looking


def _told(tx: Transaction, name: str) -> Told | None:
    rows = tx.webhooks.of_endpoint(name)
    if not rows or rows[0].about != core.ITSELF:
        return None
    return Told(own=rows[0], behind={row.about: row for row in rows if row.state is WebhookState.BEHIND})


def _may_deliver(own: Webhook, *, mine: NodeId, now: datetime) -> bool:
    if own.state is not WebhookState.OPEN:
        return False
    if own.rests_until_at is not None and now < own.rests_until_at:
        return False
    return own.lease_until_at is None or own.node_id == mine or own.lease_until_at <= now


def _wakeup(told: Told, *, mine: NodeId, now: datetime) -> datetime | None:
    at = core.due_at(told, now=now)
    lease_until_at = told.own.lease_until_at
    if at is not None and lease_until_at is not None and told.own.node_id != mine:
        return max(at, lease_until_at)
    return at


def _left_behind(
    tx: Transaction, row: Webhook, own: Webhook, *, endpoint: WebhookEndpoint, queues: _Queues
) -> list[HistoryLink]:
    """Return the events of one record between where it is and where the others are, in order."""
    if row.callback_id is not None:
        chains = tx.history.records_of(row.callback_id)
    else:
        entity, _, record_id = row.about.partition(" ")
        chains = [(Entity(entity), record_id)]
    links = [
        link
        for entity, record_id in chains
        for link in tx.history.chain(entity, record_id)
        if row.position < link.history_number <= own.position
        and core.about_of(link.event) == row.about
        and queues.wants(endpoint, link.event)
    ]
    return sorted(links, key=lambda link: link.history_number)[:_BATCH_MAX]


class _Queues:
    """In which queue something happened: what an event does not say itself, its record does."""

    def __init__(self, tx: Transaction) -> None:
        self._tx: Final = tx
        self._of_callback: Final[dict[str, QueueName | None]] = {}

    def wants(self, endpoint: WebhookEndpoint, event: Event) -> bool:
        if not endpoint.queues:
            return core.is_wanted(event, endpoint=endpoint, queue=None)
        return core.is_wanted(event, endpoint=endpoint, queue=self._of(event))

    def _of(self, event: Event) -> QueueName | None:
        said: QueueName | None = getattr(event, "queue", None)
        if said is not None:
            return said
        if isinstance(event, CallEvent):
            call = self._tx.calls.find(event.call_id)
            return call.queue if call is not None else None
        callback_id = core.callback_of(event)
        return None if callback_id is None else self._of_story(callback_id)

    def _of_story(self, callback_id: CallbackId) -> QueueName | None:
        if callback_id not in self._of_callback:
            try:
                self._of_callback[callback_id] = self._tx.callbacks.get(callback_id).queue
            except CallbackNotFound:
                self._of_callback[callback_id] = None
        return self._of_callback[callback_id]


# ---------------------------------------------------------------------------- what people and programs may say


def webhook_rows(service: CallbackService) -> list[Webhook]:
    """
    Return how far every endpoint is: its own row, and then what it is behind with and what it was not delivered.

    Raises:
        StoreUnavailable: try again.
    """
    with service.transaction(Commit.READ_ONLY) as tx:
        return [row for own in tx.webhooks.endpoints() for row in tx.webhooks.of_endpoint(own.endpoint)]


def replay(
    service: CallbackService,
    endpoint: str,
    *,
    from_number: int | None = None,
    from_at: datetime | None = None,
) -> int:
    """
    Send an endpoint everything again, from a point on: also what it has had, under the same ids, and what was given up.

    What it is behind with before that point stays; what it has not had yet is never passed over. An endpoint that was
    closed, or is gone, is open again.

    Args:
        from_number: the first `history_number`.
        from_at: or the moment from which on. A few minutes earlier may be sent too, for clocks of nodes differ.

    Returns:
        The number behind which it goes on.

    Raises:
        ValueError: neither is given, or both, or a number below 1.
        NotFound: the store knows no endpoint of this name.
        StoreUnavailable, CommitUncertain, Conflict: try again.
    """
    if (from_number is None) is (from_at is None) or (from_number is not None and from_number < 1):
        raise ValueError("say from_number, 1 or more, or from_at")
    at = check_instant(from_at, "from_at") if from_at is not None else None

    def replayed(tx: Transaction) -> int:
        own, *others = _rows_of(tx, endpoint)
        first = _number_at(tx, at - _CLOCKS_APART_MAX) if at is not None else (from_number or 0)
        position = min(first - 1, own.position)
        for row in others:
            # Of an event that was given up its own number; of a record, up to where it has been told.
            if row.position > position or (row.state is WebhookState.BEHIND and row.position == position):
                tx.webhooks.remove(row)
        _opened(tx, own, position=position)
        return position

    position = _again_if_conflict(service, replayed)
    service.changed()
    return position


def close_endpoint(service: CallbackService, endpoint: str) -> None:
    """
    Send an endpoint nothing more, on any node, until it is opened. What happens meanwhile is sent then.

    Raises:
        NotFound: the store knows no endpoint of this name.
        StoreUnavailable, CommitUncertain, Conflict: try again.
    """

    def closed(tx: Transaction) -> None:
        own = _rows_of(tx, endpoint)[0]
        tx.save(attrs.evolve(own, version=own.version + 1, state=WebhookState.DISABLED))

    _again_if_conflict(service, closed)


def open_endpoint(service: CallbackService, endpoint: str) -> None:
    """
    Send to an endpoint again that was closed, or had said that it is gone (410); and at once what rests.

    Raises:
        NotFound: the store knows no endpoint of this name.
        StoreUnavailable, CommitUncertain, Conflict: try again.
    """

    def opened(tx: Transaction) -> None:
        own, *others = _rows_of(tx, endpoint)
        _opened(tx, own, position=own.position)
        for row in others:
            if row.state is WebhookState.BEHIND:
                tx.save(attrs.evolve(row, version=row.version + 1, rests_until_at=None))

    _again_if_conflict(service, opened)
    service.changed()


# ---------------------------------------------------------------------------- inside


def _make_known(service: CallbackService, name: str) -> None:
    def known(tx: Transaction) -> None:
        if not tx.webhooks.of_endpoint(name):
            tx.save(core.new_row(service.tenant_id, name, position=tx.history.last_number()))

    _again_if_conflict(service, known)


def _rows_of(tx: Transaction, endpoint: str) -> list[Webhook]:
    rows = tx.webhooks.of_endpoint(check_text(endpoint, "endpoint"))
    if not rows:
        raise NotFound(f"this tenant has no endpoint {endpoint!r}")
    return rows


def _opened(tx: Transaction, own: Webhook, *, position: int) -> None:
    tx.save(
        attrs.evolve(
            own,
            version=own.version + 1,
            state=WebhookState.OPEN,
            position=position,
            tries_count=0,
            failing_since_at=None,
            rests_until_at=None,
            last_error=None,
        )
    )


def _number_at(tx: Transaction, at: datetime) -> int:
    """Return the number of the first event from a moment on, by halves: O(log² n)."""
    low, high = 1, tx.history.last_number() + 1
    while low < high:
        middle = (low + high) // 2
        found = tx.history.traces(after=middle - 1, limit=1)
        if not found or found[0].at >= at:
            high = middle
        else:
            low = found[0].history_number + 1
    return low


def _again_if_conflict(service: CallbackService, work: Callable[[Transaction], R]) -> R:
    def once() -> R:
        with service.transaction(Commit.FLUSHED) as tx:
            return work(tx)

    for _ in range(CONFLICT_TRIES - 1):
        try:
            return once()
        except Conflict:
            continue
    return once()

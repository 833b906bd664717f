"""
The doctor: what is in doubt, stuck or inconsistent in a store, while others go on working.

The rule: a record is listed first, and then read again with all that it is held against, in one transaction that
only reads. So nothing that goes on meanwhile looks wrong. What is wrong, `core.doctor` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, Final, TypeVar

import attrs

from callbackq.chooser import Chooser
from callbackq.core import doctor as rules
from callbackq.core.history import KEYS
from callbackq.core.lifecycle import attempt_time_max
from callbackq.core.pruning import PRUNED, Key, prunings_of
from callbackq.errors import CallbackqError, NotFound, SchemaMismatch
from callbackq.ids import (
    AgentId,
    AttemptId,
    BookingId,
    CallbackId,
    CallId,
    MessageId,
    NodeId,
    QueueName,
    SubjectId,
)
from callbackq.model import (
    Agent,
    Attempt,
    Booking,
    Callback,
    CallbackState,
    CallState,
    Diagnosis,
    Entity,
    Finding,
    LiveCall,
    Message,
    Record,
    SlotCount,
)
from callbackq.policy.checks import within
from callbackq.ports import CanTellHealth, Commit, HistoryTrace, Transaction
from callbackq.service.base import ServiceBase
from callbackq.writing import presence_max_of

STUCK_AFTER: Final = timedelta(minutes=2)
LOOKED_AT_MAX: Final = 1_000_000
_TOGETHER: Final = 50
"""So many records are read in one transaction."""
_PAGE: Final = 1_000
_FAR: Final = datetime(9999, 1, 1, tzinfo=UTC)
_UNKNOWN_LIFE: Final = timedelta(days=1)
"""So long after its end a callback is reported of which nobody knows whether it reached the customer."""
_LAST_ENDED: Final = 200
_SLOTS_BEHIND: Final = timedelta(days=1)
_SLOTS_AHEAD: Final = timedelta(days=60)
_SEATS_MAX: Final = 100_000
_WORK_MAX: Final = 100
_MOMENT: Final = timedelta(microseconds=1)

T = TypeVar("T")


class DoctorCommands(ServiceBase):
    """The command that looks after the store."""

    def doctor(
        self,
        *,
        thorough: bool = False,
        stuck_after: timedelta = STUCK_AFTER,
        limit: int = 1_000,
        progress: Callable[[int], None] | None = None,
    ) -> Diagnosis:
        """
        Look for what is in doubt, stuck or inconsistent, and say what to do about it. Nothing is changed.

        It looks at what is open: callbacks, live calls, agents, attempts, bookings, messages, nodes and the slots to
        come, at most *limit* of each, those that are due first. Others go on working meanwhile, and what they do is
        never taken for a finding. Whether agents are idle or held too long, attempts too long, or queues unknown, only
        a service with policies can tell.

        Args:
            thorough: hold every record against its whole history too, and let the store read all of itself.
            stuck_after: what should have moved so long ago is stuck; clocks may be apart by as much. 1 s to 1 day.
            limit: 1 to 1,000,000.
            progress: is told now and then how many events of the history were looked at, if *thorough*.

        Raises:
            ConfigurationError: *stuck_after* is out of its bounds.
            StoreUnavailable: it cannot look now.

        Cost: some hundred microseconds for each record that is looked at, in transactions of 50 that only read;
            *thorough*: for each event besides 0.2 ms in SQLite and 0.4 ms in PostgreSQL, as measured under load,
            and what the store takes to read itself.
        """
        within("stuck_after", stuck_after, timedelta(seconds=1), timedelta(days=1))
        most = min(max(limit, 1), LOOKED_AT_MAX)
        health = self.store.health(thorough=thorough) if isinstance(self.store, CanTellHealth) else None
        began_at = self.now()
        read = partial(self._run, Commit.READ_ONLY)
        visit = _Visit(service=self, read=read, bound=stuck_after, limit=most)
        visit.look_at_what_is_open()
        visit.look_at_queues()
        visit.look_at_slots()
        visit.look_at_nodes()
        if thorough:
            visit.look_at_history(progress)
        if health is not None:
            visit.findings += rules.ill_store(health)
        return Diagnosis(
            at=began_at,
            findings=rules.in_order(visit.findings),
            looked_at=visit.looked_at,
            cut=tuple(visit.cut),
            store=health,
        )


@attrs.define(kw_only=True)
class _Visit:
    """One visit of the doctor: what was looked at so far, and what was found."""

    service: DoctorCommands
    read: Callable[[Callable[[Transaction, datetime], Any]], Any]
    bound: timedelta
    limit: int
    findings: list[Finding] = attrs.field(factory=list[Finding])
    looked_at: dict[str, int] = attrs.field(factory=dict[str, int])
    cut: list[str] = attrs.field(factory=list[str])

    def _read(self, work: Callable[[Transaction, datetime], T]) -> T:
        """Read something in a transaction of its own."""
        result: T = self.read(work)
        return result

    def _first(self, name: str, found: Sequence[T]) -> Sequence[T]:
        """Keep as many as are to be looked at, and note how many that are."""
        if len(found) > self.limit:
            self.cut.append(name)
        found = found[: self.limit]
        self.looked_at[name] = self.looked_at.get(name, 0) + len(found)
        return found

    # ------------------------------------------------------------------ what is open

    def look_at_what_is_open(self) -> None:
        """Look at every record that has not ended, those that are due first."""
        for name, due in _OPEN.items():
            rows = self._first(name, self._read(partial(due, limit=self.limit + 1)))
            self.findings += rules.keys_twice(
                [row for row in rows if isinstance(row, Callback)],
                [row for row in rows if isinstance(row, Attempt)],
            )
            keys = [(rules.entity_of(row), str(getattr(row, KEYS[rules.entity_of(row)]))) for row in rows]
            for some in _groups(keys):
                self.findings += self._read(partial(self._examine, keys=some))

    def _examine(self, tx: Transaction, now: datetime, *, keys: Sequence[Key]) -> list[Finding]:
        """Read records again, each with what it is held against."""
        found: list[Finding] = []
        known = {(head.entity, head.record_id) for head in tx.history.heads(keys)}
        for entity, record_id in keys:
            row = row_of(tx, entity, record_id)
            if row is None:
                continue
            found += rules.overdue(row, now=now, bound=self.bound)
            if (entity, record_id) not in known:
                found += rules.history_differs(entity, record_id, (), row)
            found += _missing_person(tx, row)
            found += self._of_its_kind(tx, row, now=now)
        return found

    def _of_its_kind(self, tx: Transaction, row: Record, *, now: datetime) -> list[Finding]:
        match row:
            case Callback():
                return rules.lost_attempt(row, _attempt(tx, row.attempt_id))
            case Agent():
                return self._of_agent(tx, row, now=now)
            case Attempt():
                return self._of_attempt(tx, row, now=now)
            case Booking():
                return rules.astray_booking(row, _callback(tx, row.callback_id))
            case Message():
                return rules.doubts_of_message(row)
            case _:
                return []

    def _of_agent(self, tx: Transaction, agent: Agent, *, now: datetime) -> list[Finding]:
        call = tx.calls.find(agent.call_id) if agent.call_id is not None else None
        found = rules.astray_agent(agent, _attempt(tx, agent.attempt_id), call)
        policies = self.service.policies
        if any(queue in policies for queue in agent.queues):
            presence_max = presence_max_of(policies, agent.queues)
            found += rules.held_too_long(agent, presence_max=presence_max, now=now, bound=self.bound)
        return found

    def _of_attempt(self, tx: Transaction, attempt: Attempt, *, now: datetime) -> list[Finding]:
        found = rules.doubts_of_attempt(attempt)
        found += rules.astray_attempt(attempt, _callback(tx, attempt.callback_id))
        policy = self.service.policies.get(attempt.queue)
        if policy is not None:
            found += rules.attempt_too_long(
                attempt,
                time_max=attempt_time_max(policy),
                talk_max=policy.talk_time_max,
                now=now,
                bound=self.bound,
            )
        return found

    # ------------------------------------------------------------------ queues, agents who are free, what ended

    def look_at_queues(self) -> None:
        """Look for queues that nobody knows, agents who are idle, and ends of which nobody knows how they were."""
        in_use = self._read(lambda tx, _now: tx.queues.in_use())
        self.looked_at["queues"] = len(in_use)
        self.findings += rules.unknown_queues(in_use, known=self.service.policies)
        self.findings += self._read(self._idle_agents)
        for queue in sorted({*in_use, *self.service.policies}):
            self.findings += self._read(partial(_unknown_ends, queue=queue))

    def _idle_agents(self, tx: Transaction, now: datetime) -> list[Finding]:
        """Ask for each free agent who the dispatcher would give them."""
        policies = self.service.policies
        free = tx.agents.available() if policies else []
        chooser = Chooser(tx, policies, free, caps=self.service.caps, now=now)
        found: list[Finding] = []
        for agent in free[: self.limit]:
            if agent.since_at < now - self.bound:
                place = chooser.pick(agent).place
                if place is not None:
                    ready_at = _ready_at(tx, place)
                    found += rules.idle(agent, place, ready_at=ready_at, now=now, bound=self.bound)
        return found

    # ------------------------------------------------------------------ slots and nodes

    def look_at_slots(self) -> None:
        """Hold the counters of slots against their bookings: of those to come, and of those that have a booking."""
        now = self.service.now()
        from_at, until_at = now - _SLOTS_BEHIND, now + _SLOTS_AHEAD
        slots: dict[tuple[QueueName, datetime], None] = {}
        for queue in sorted({*self.service.policies, *self._read(lambda tx, _now: tx.queues.in_use())}):
            counts = self._read(partial(_counts, queue=queue, from_at=from_at, until_at=until_at))
            slots.update(((queue, one.slot_at), None) for one in counts)
        booked = self._read(lambda tx, _now: tx.bookings.due(now=_FAR, limit=self.limit))
        slots.update(((one.queue, one.slot_at), None) for one in booked if one.slot_at >= from_at)
        for some in _groups(self._first("slots", list(slots))):
            self.findings += self._read(partial(_count_seats, slots=some))

    def look_at_nodes(self) -> None:
        """Look for nodes that are silent, and for what those that are gone have left behind."""

        def nodes(tx: Transaction, now: datetime) -> list[Finding]:
            every = tx.nodes.all()
            self.looked_at["nodes"] = len(every)
            found = rules.ill_nodes(every, now=now, bound=self.bound)
            for node in every:
                found += rules.work_of_gone(node, tx.attempts.of_node(NodeId(node.node_id), limit=_WORK_MAX))
            return found

        self.findings += self._read(nodes)

    # ------------------------------------------------------------------ history

    def look_at_history(self, progress: Callable[[int], None] | None) -> None:
        """Hold every record that the history tells of against its chain, in the order in which they began."""
        events_count, after = 0, 0
        pending: dict[Key, int] = {}
        while traces := self._traces(after):
            keys = dict.fromkeys(_begun(traces, pending))
            for some in _groups(keys):
                lasts, found = self._read(partial(_hold_chains, keys=some))
                pending.update(lasts)
                self.findings += found
            for trace in traces:
                key = trace.entity, trace.record_id
                if trace.event_number >= pending.get(key, 0):
                    pending.pop(key, None)
            events_count += len(traces)
            after = traces[-1].history_number
            if progress is not None:
                progress(events_count)
        self.looked_at["events"] = events_count

    def _traces(self, after: int) -> list[HistoryTrace]:
        try:
            return self._read(lambda tx, _now: tx.history.traces(after=after, limit=_PAGE))
        except Exception as error:
            if not _is_about_an_event(error):
                raise
            self.findings.append(rules.unreadable(None, f"behind number {after}"))
            return []


# ---------------------------------------------------------------------------- reading


def _groups(keys: Iterable[T]) -> Iterator[Sequence[T]]:
    """Give so many at once as are read in one transaction."""
    left = iter(keys)
    while some := tuple(islice(left, _TOGETHER)):
        yield some


def _due(table: str) -> Callable[..., list[Any]]:
    """Return what lists the rows of a table that have not ended, those that are due first."""

    def listed(tx: Transaction, _now: datetime, *, limit: int) -> list[Any]:
        rows: list[Any] = getattr(tx, table).due(now=_FAR, limit=limit)
        return rows

    return listed


_OPEN: Final = {
    "callbacks": _due("callbacks"),
    "live calls": _due("calls"),
    "agents": _due("agents"),
    "attempts": _due("attempts"),
    "bookings": _due("bookings"),
    "messages": _due("messages"),
}


def _counts(
    tx: Transaction, _now: datetime, *, queue: QueueName, from_at: datetime, until_at: datetime
) -> list[SlotCount]:
    return tx.slots.between(queue, from_at=from_at, until_at=until_at)


def row_of(tx: Transaction, entity: Entity, record_id: str) -> Record | None:
    """Return the row of a record, or None where there is none."""
    try:
        match entity:
            case Entity.CALLBACK:
                return tx.callbacks.get(CallbackId(record_id))
            case Entity.CALL:
                return tx.calls.find(CallId(record_id))
            case Entity.AGENT:
                return tx.agents.find(AgentId(record_id))
            case Entity.ATTEMPT:
                return tx.attempts.get(AttemptId(record_id))
            case Entity.QUEUE:
                return tx.queues.find(QueueName(record_id))
            case Entity.BOOKING:
                return tx.bookings.get(BookingId(record_id))
            case Entity.OPT_OUT:
                return tx.opt_outs.find(record_id)
            case Entity.MESSAGE:
                return tx.messages.get(MessageId(record_id))
            case Entity.HISTORY:
                return None
    except NotFound:
        return None


def _attempt(tx: Transaction, attempt_id: AttemptId | None) -> Attempt | None:
    found = row_of(tx, Entity.ATTEMPT, attempt_id) if attempt_id is not None else None
    return found if isinstance(found, Attempt) else None


def _callback(tx: Transaction, callback_id: CallbackId | None) -> Callback | None:
    found = row_of(tx, Entity.CALLBACK, callback_id) if callback_id is not None else None
    return found if isinstance(found, Callback) else None


def _missing_person(tx: Transaction, row: Record) -> list[Finding]:
    subject_id: SubjectId | None = getattr(row, "subject_id", None)
    if subject_id is None:
        return []
    try:
        tx.subjects.get(subject_id)
    except NotFound:
        return rules.person_missing(row, subject_id)
    return []


def _ready_at(tx: Transaction, place: Callback | LiveCall) -> datetime:
    """Return since when a place has been WAITING without a break."""
    if isinstance(place, Callback):
        events, waits = tx.history.of_callback(place.callback_id), CallbackState.WAITING.value
    else:
        events, waits = tx.history.of_call(place.call_id), CallState.WAITING.value
    ready_at = place.entered_at
    for event in reversed([one for one in events if one.entity is rules.entity_of(place)]):
        if getattr(event, "state", None) != waits:
            break
        ready_at = event.at
    return ready_at


def _unknown_ends(tx: Transaction, now: datetime, *, queue: QueueName) -> list[Finding]:
    last = tx.callbacks.last_ended(queue, limit=_LAST_ENDED)
    lately = [one for one in last if one.ended_at is not None and one.ended_at >= now - _UNKNOWN_LIFE]
    return [finding for one in lately for finding in rules.doubts_of_callback(one)]


def _count_seats(
    tx: Transaction, _now: datetime, *, slots: Iterable[tuple[QueueName, datetime]]
) -> list[Finding]:
    found: list[Finding] = []
    for queue, slot_at in slots:
        until_at = slot_at + _MOMENT
        counts = tx.slots.between(queue, from_at=slot_at, until_at=until_at)
        booked = tx.bookings.between(queue, from_at=slot_at, until_at=until_at, limit=_SEATS_MAX)
        found += rules.seats_differ(queue, slot_at, counts[0] if counts else None, booked)
    return found


# ---------------------------------------------------------------------------- history


def _begun(traces: Iterable[HistoryTrace], pending: dict[Key, int]) -> Iterator[Key]:
    """Give the records that were not met before, or whose chain was thought to be over."""
    for trace in traces:
        key = trace.entity, trace.record_id
        if key not in pending:
            yield key


def _hold_chains(
    tx: Transaction, _now: datetime, *, keys: Iterable[Key]
) -> tuple[dict[Key, int], list[Finding]]:
    """Hold some records against their chains; return the number of the last event of each too."""
    lasts: dict[Key, int] = {}
    found: list[Finding] = []
    removed: dict[Key, set[tuple[int, str]]] | None = None
    for entity, record_id in keys:
        try:
            links = tx.history.chain(entity, record_id)
        except Exception as error:
            if not _is_about_an_event(error):
                raise
            found.append(rules.unreadable(entity, record_id))
            lasts[entity, record_id] = _NEVER
            continue
        if not links:
            continue  # It was pruned in this very moment.
        lasts[entity, record_id] = links[-1].event_number
        before: Iterable[tuple[int, str]] = ()
        if links[0].event_number > 1:
            if removed is None:
                removed = prunings_of(link.event for link in tx.history.chain(Entity.HISTORY, PRUNED))
            before = removed.get((entity, record_id), ())
        row = row_of(tx, entity, record_id)
        found += rules.history_differs(entity, record_id, links, row, before=before)
        found += _missing_person(tx, row) if row is not None else []
    return lasts, found


_NEVER: Final = 2**63


def _is_about_an_event(error: Exception) -> bool:
    """Whether an event cannot be read, and not the store: what was tampered with may fail in any way."""
    return isinstance(error, SchemaMismatch) or not isinstance(error, CallbackqError)

"""
The tables of one transaction in memory: callbacks, live calls, agents, attempts, bookings, slots, switches.

The rule: a verb asks one index of `TenantRows`, and turns ids into records only when they are given out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

from callbackq.errors import NotFound
from callbackq.ids import (
    AgentId,
    AttemptId,
    BookingId,
    CallbackId,
    CallId,
    LegId,
    NodeId,
    QueueName,
    SubjectId,
)
from callbackq.model import (
    Agent,
    AgentState,
    Attempt,
    Booking,
    BookingState,
    Callback,
    CallbackState,
    LiveCall,
    Message,
    Node,
    QueueControl,
    SlotCount,
    SlotDay,
)
from callbackq.stores.memory_rows import (
    ATTEMPTS_OPEN,
    ATTEMPTS_STARTED,
    ATTEMPTS_WANTING,
    CALLBACKS_ENDED,
    CALLS_ENDED,
    CALLS_OPEN,
    CALLS_TAKEN,
    RowId,
)
from callbackq.stores.memory_spots import (
    ATTEMPTS_DIALED,
    ATTEMPTS_OF_NODE,
    BOOKINGS_OF_AGENT,
    BOOKINGS_OF_CALLBACK,
    BOOKINGS_OF_QUEUE,
    CALLBACKS_IN_STATE,
    CALLBACKS_OF_QUEUE,
    CALLBACKS_OF_SUBJECT,
    CALLBACKS_OF_TICKET,
)
from callbackq.stores.rows import as_utc, check_between

if TYPE_CHECKING:
    from callbackq.stores.memory import MemoryTransaction

_RowT = TypeVar("_RowT", Callback, LiveCall, Agent, Attempt, Booking, Message, Node)
_CountT = TypeVar("_CountT", SlotCount, SlotDay)

_MOMENT: Final = timedelta(microseconds=1)


class Table(Generic[_RowT]):
    """What the tables of all kinds of record that can be due share."""

    __slots__ = ("_cls", "_not_found", "_transaction")

    def __init__(self, transaction: MemoryTransaction, cls: type[_RowT], not_found: type[NotFound]) -> None:
        self._transaction = transaction
        self._cls: type[_RowT] = cls
        self._not_found = not_found

    def _get(self, row_id: str) -> _RowT:
        row = self._find(row_id)
        if row is None:
            raise self._not_found(
                f"tenant {self._transaction.tenant_id!r} has no {_NAMES[self._cls]} {row_id!r}"
            )
        return row

    def _find(self, row_id: str) -> _RowT | None:
        rows: dict[str, _RowT] = self._transaction.tenant.rows[self._cls]
        return rows.get(row_id)

    def _holder(self, rule: str, key: str) -> _RowT | None:
        row_id = self._transaction.tenant.keys.get((rule, key))
        return None if row_id is None else self._find(row_id)

    def due(self, *, now: datetime, limit: int, queues: Collection[QueueName] | None = None) -> list[_RowT]:
        """Return those due at *now*, earliest first, then by id. O(limit + due in other queues)."""
        tenant = self._transaction.tenant
        rows: dict[str, _RowT] = tenant.rows[self._cls]
        found: list[_RowT] = []
        for due_at, row_id in tenant.due[self._cls]:
            if due_at > now or len(found) >= limit:
                break
            if is_in(rows[row_id], queues):
                found.append(rows[row_id])
        return found

    def _latest(self, what: str, queue: QueueName, limit: int) -> list[_RowT]:
        tenant = self._transaction.tenant
        rows: dict[str, _RowT] = tenant.rows[self._cls]
        times = tenant.latest.get((what, queue), ())
        return [rows[row_id] for _, row_id in islice(reversed(times), limit)]

    def _latest_by(self, what: str, key: str, since: datetime | None, limit: int) -> list[_RowT]:
        """Return the rows under *key*, the latest first, as long as they are later than *since*."""
        tenant = self._transaction.tenant
        rows: dict[str, _RowT] = tenant.rows[self._cls]
        found: list[_RowT] = []
        spots = tenant.by_key[what].irange((key,), (f"{key}\0",), reverse=True)
        for _, at, row_id in islice(spots, limit):
            if since is not None and at <= since:
                break
            found.append(rows[row_id])
        return found

    def _listed(self, what: str, queues: Collection[QueueName] | None) -> list[_RowT]:
        """Return the rows that stand in the lists of *queues*, by id."""
        tenant = self._transaction.tenant
        rows: dict[str, _RowT] = tenant.rows[self._cls]
        lists = tenant.by_queue[what]
        found = [lists.get(queue, ()) for queue in (lists if queues is None else set(queues))]
        return [rows[row_id] for row_id in merge(*found)]


def is_in(row: Any, queues: Collection[QueueName] | None) -> bool:
    """Whether a row is of one of these queues. An agent and a node are of all."""
    return queues is None or isinstance(row, Agent | Node) or row.queue in queues


_NAMES: Final[Mapping[type[Any], str]] = {
    Callback: "callback",
    LiveCall: "live call",
    Agent: "agent",
    Attempt: "attempt",
    Booking: "booking",
    Message: "message",
    Node: "node",
}


class Callbacks(Table[Callback]):
    """The callbacks of one tenant."""

    __slots__ = ()

    def get(self, callback_id: CallbackId) -> Callback:
        """Return one callback. O(1). Raises: CallbackNotFound."""
        return self._get(callback_id)

    def by_request_key(self, request_key: str) -> Callback | None:
        """Return the callback that was made under this key, ended or not. O(1)."""
        return self._holder("request_key", request_key)

    def active_by_dedup_key(self, dedup_key: str) -> Callback | None:
        """Return the callback that holds this key and has not ended. O(1)."""
        return self._holder("dedup_key", dedup_key)

    def open_count(self, queue: QueueName, *, limit: int) -> int:
        """Count the callbacks of *queue* that have not ended; stops at *limit*. O(1)."""
        return min(self._transaction.tenant.callbacks_open[queue], limit)

    def counts(self, queue: QueueName, *, limit: int) -> dict[CallbackState, int]:
        """Count the callbacks of *queue* in each state but ENDED; each count stops at *limit*. O(log n)."""
        spots = self._transaction.tenant.by_key[CALLBACKS_IN_STATE]
        return {
            state: min(spots.bisect_left((queue, f"{state}\0")) - spots.bisect_left((queue, state)), limit)
            for state in CallbackState
            if state is not CallbackState.ENDED
        }

    def in_state(self, queue: QueueName, state: CallbackState, *, limit: int) -> list[Callback]:
        """Return callbacks of *queue* in one state, the earliest entered first, then by id. O(limit + log n)."""
        tenant = self._transaction.tenant
        spots = tenant.by_key[CALLBACKS_IN_STATE].irange((queue, state), (queue, f"{state}\0"))
        return [tenant.rows[Callback][spot[-1]] for spot in islice(spots, limit)]

    def last_ended(self, queue: QueueName, *, limit: int) -> list[Callback]:
        """Return the callbacks of *queue* that ended last, the latest first. O(limit)."""
        return self._latest(CALLBACKS_ENDED, queue, limit)

    def of_subject(self, subject_id: SubjectId, *, limit: int) -> list[Callback]:
        """Return the callbacks of one person, in any queue, the latest requested first. O(limit + log n)."""
        return self._latest_by(CALLBACKS_OF_SUBJECT, subject_id, None, limit)

    def of_ticket(self, ticket_id: str, *, limit: int) -> list[Callback]:
        """Return the callbacks of one ticket, in any queue, the latest requested first. O(limit + log n)."""
        return self._latest_by(CALLBACKS_OF_TICKET, ticket_id, None, limit)

    def requested(
        self,
        queue: QueueName,
        *,
        from_at: datetime,
        before: tuple[datetime, str],
        states: Collection[CallbackState] | None = None,
        limit: int,
    ) -> list[Callback]:
        """Return callbacks of *queue*, the latest requested first. O(limit + log n + those of other states)."""
        tenant = self._transaction.tenant
        rows: dict[str, Callback] = tenant.rows[Callback]
        spots = tenant.by_key[CALLBACKS_OF_QUEUE].irange(
            (queue, from_at), (queue, *before), inclusive=(True, False), reverse=True
        )
        found = (rows[row_id] for _, _, row_id in spots)
        return list(islice((one for one in found if states is None or one.state in states), limit))


class Calls(Table[LiveCall]):
    """The live calls of one tenant."""

    __slots__ = ()

    def get(self, call_id: CallId) -> LiveCall:
        """Return one live call. O(1). Raises: CallNotFound."""
        return self._get(call_id)

    def find(self, call_id: CallId) -> LiveCall | None:
        """Return one live call, or None. O(1)."""
        return self._find(call_id)

    def open(self, queue: QueueName) -> list[LiveCall]:
        """Return the live calls of *queue* that have not ended, by id. O(found)."""
        return self._listed(CALLS_OPEN, (queue,))

    def last_taken(self, queue: QueueName, *, limit: int) -> list[LiveCall]:
        """Return the live calls of *queue* that were taken last, the latest first. O(limit)."""
        return self._latest(CALLS_TAKEN, queue, limit)

    def last_ended(self, queue: QueueName, *, limit: int) -> list[LiveCall]:
        """Return the live calls of *queue* that ended last, the latest first. O(limit)."""
        return self._latest(CALLS_ENDED, queue, limit)


class Agents(Table[Agent]):
    """The agents of one tenant."""

    __slots__ = ()

    def get(self, agent_id: AgentId) -> Agent:
        """Return one agent. O(1). Raises: AgentNotFound."""
        return self._get(agent_id)

    def find(self, agent_id: AgentId) -> Agent | None:
        """Return one agent, or None. O(1)."""
        return self._find(agent_id)

    def available(self) -> list[Agent]:
        """Return the agents in state AVAILABLE, longest first, then by id. O(available)."""
        tenant = self._transaction.tenant
        return [tenant.rows[Agent][agent_id] for _, agent_id in tenant.available]

    def staffed_count(self, queue: QueueName) -> int:
        """Count the agents that serve *queue* and are not SIGNED_OUT. O(1)."""
        return self._transaction.tenant.staffed[queue]

    def counts(self, queue: QueueName) -> dict[AgentState, int]:
        """Count the agents that serve *queue* by what they do. O(states)."""
        counts = self._transaction.tenant.staffed_states
        return {state: counts[queue, state] for state in AgentState if counts[queue, state]}

    def staffed_by_skills(self, queue: QueueName) -> dict[tuple[str, ...], int]:
        """Count the same agents by their skills. O(sets of skills of the tenant)."""
        counts = self._transaction.tenant.staffed_skills
        return {skills: count for (name, skills), count in counts.items() if name == queue and count}


class Attempts(Table[Attempt]):
    """The attempts of one tenant."""

    __slots__ = ()

    def get(self, attempt_id: AttemptId) -> Attempt:
        """Return one attempt. O(1). Raises: AttemptNotFound."""
        return self._get(attempt_id)

    def by_leg(self, leg_id: LegId) -> Attempt | None:
        """Return the attempt that has this leg, ended or not. O(1)."""
        return self._holder("leg_id", leg_id)

    def live_by_number(self, number_key: str) -> Attempt | None:
        """Return the attempt that has not ended for this number. O(1)."""
        return self._holder("number_key", number_key)

    def open_count(self, queue: QueueName, *, limit: int) -> int:
        """Count the attempts of *queue* that have not ended; stops at *limit*. O(1)."""
        return min(len(self._transaction.tenant.by_queue[ATTEMPTS_OPEN].get(queue, ())), limit)

    def open(self, queue: QueueName) -> list[Attempt]:
        """Return the attempts of *queue* that have not ended, by id. O(found)."""
        return self._listed(ATTEMPTS_OPEN, (queue,))

    def of_node(self, node_id: NodeId, *, after: AttemptId | None = None, limit: int) -> list[Attempt]:
        """Return the attempts of one node that have not ended, by id, behind *after*. O(limit + log n)."""
        tenant = self._transaction.tenant
        first = (node_id,) if after is None else (node_id, f"{after}\0")
        spots = tenant.by_key[ATTEMPTS_OF_NODE].irange(first, (f"{node_id}\0",))
        return [tenant.rows[Attempt][attempt_id] for _, attempt_id in islice(spots, limit)]

    def wanting_agent(self, *, queues: Collection[QueueName] | None = None) -> list[Attempt]:
        """Return the attempts without an agent that go on, by id. O(n log queues) in those."""
        return self._listed(ATTEMPTS_WANTING, queues)

    def dialed_to(self, number_key: str, *, since: datetime, limit: int) -> list[Attempt]:
        """Return the attempts that dialed this number after *since*, the latest first. O(limit + log n)."""
        return self._latest_by(ATTEMPTS_DIALED, number_key, since, limit)

    def last_started(self, queue: QueueName, *, limit: int) -> list[Attempt]:
        """Return the attempts of *queue* that were started last, the latest first. O(limit)."""
        return self._latest(ATTEMPTS_STARTED, queue, limit)


class Bookings(Table[Booking]):
    """The bookings of one tenant."""

    __slots__ = ()

    def get(self, booking_id: BookingId) -> Booking:
        """Return one booking. O(1). Raises: BookingNotFound."""
        return self._get(booking_id)

    def of_callback(self, callback_id: CallbackId) -> Booking | None:
        """Return the booking of a callback that has not ended, or the one that was held last. O(log n)."""
        found = self._holder("booking_callback_id", callback_id)
        if found is not None:
            return found
        latest = self._latest_by(BOOKINGS_OF_CALLBACK, callback_id, None, 1)
        return latest[0] if latest else None

    def of_slot(self, queue: QueueName, slot_at: datetime) -> list[Booking]:
        """Return the bookings of one slot that have not ended, by id. O(log n + those of the slot)."""
        slot_at = as_utc(slot_at)
        found = self._between(BOOKINGS_OF_QUEUE, queue, slot_at, slot_at + _MOMENT)
        return [booking for booking in found if booking.state is not BookingState.ENDED]

    def between(
        self,
        queue: QueueName | None,
        *,
        from_at: datetime,
        until_at: datetime,
        agent_id: AgentId | None = None,
        limit: int,
    ) -> list[Booking]:
        """
        Return the bookings in a stretch of time that stand or were used, by slot, then by id.

        O(log n + limit), and with both a queue and an agent, those of the agent in other queues.

        Raises:
            ValueError: neither a queue nor an agent is given.
        """
        check_between(queue, agent_id)
        stretch = as_utc(from_at), as_utc(until_at)
        if agent_id is None:
            return list(islice(self._between(BOOKINGS_OF_QUEUE, queue, *stretch), limit))
        found = self._between(BOOKINGS_OF_AGENT, agent_id, *stretch)
        return list(islice((booking for booking in found if queue in {None, booking.queue}), limit))

    def _between(
        self, what: str, key: str | None, from_at: datetime, until_at: datetime
    ) -> Iterator[Booking]:
        """Give the bookings under *key* in a stretch of time, by slot, then by id."""
        tenant = self._transaction.tenant
        spots = tenant.by_key[what].irange((key, from_at), (key, until_at), inclusive=(True, False))
        return (tenant.rows[Booking][row_id] for _, _, row_id in spots)


class Slots:
    """How many seats are taken, by slot and by day."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: MemoryTransaction) -> None:
        self._transaction = transaction

    def locked(self, queue: QueueName, slot_at: datetime) -> SlotCount | None:
        """Return the counter of one slot, or None. O(1). Who has a transaction is alone."""
        rows = self._transaction.tenant.rows[SlotCount]
        return cast("SlotCount | None", rows.get((queue, as_utc(slot_at))))

    def between(self, queue: QueueName, *, from_at: datetime, until_at: datetime) -> list[SlotCount]:
        """Return the counters of the slots in a stretch of time, by slot. O(log n + found)."""
        return self._in_order(
            SlotCount, (queue, as_utc(from_at)), (queue, as_utc(until_at)), is_last_in=False
        )

    def days(self, queue: QueueName, *, from_day: str, until_day: str) -> list[SlotDay]:
        """Return the counters of these days, the last one included, in order. O(log n + found)."""
        return self._in_order(SlotDay, (queue, from_day), (queue, until_day), is_last_in=True)

    def _in_order(
        self, cls: type[_CountT], first: tuple[Any, ...], last: tuple[Any, ...], *, is_last_in: bool
    ) -> list[_CountT]:
        tenant = self._transaction.tenant
        rows: dict[RowId, _CountT] = tenant.rows[cls]
        found = tenant.in_order[cls].irange(first, last, inclusive=(True, is_last_in))
        return [rows[row_id] for row_id in found]


class Queues:
    """What is switched for the queues of one tenant."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: MemoryTransaction) -> None:
        self._transaction = transaction

    def find(self, queue: QueueName) -> QueueControl | None:
        """Return what is switched for *queue* itself, or None if nothing ever was. O(1)."""
        return cast("QueueControl | None", self._transaction.tenant.rows[QueueControl].get(queue))

    def in_use(self) -> list[QueueName]:
        """Return the queues in which a callback, a live call or an attempt has not ended, in order. O(queues)."""
        tenant = self._transaction.tenant
        promised = {queue for queue, count in tenant.callbacks_open.items() if count}
        return sorted(promised.union(tenant.by_queue[CALLS_OPEN], tenant.by_queue[ATTEMPTS_OPEN]))

    def with_callbacks(self) -> list[QueueName]:
        """Return the queues of which there is a callback, ended or not, in order. O(log n) each."""
        spots = self._transaction.tenant.by_key[CALLBACKS_OF_QUEUE]
        found: list[QueueName] = []
        first: Any = next(iter(spots), None)
        while first is not None:
            found.append(first[0])
            first = next(spots.irange((f"{first[0]}\0",)), None)
        return found

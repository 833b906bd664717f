"""
One tenant's rows in memory, with every index over them.

The rule: a row changes only through `TenantRows.swap`, which moves the record and all its index entries from
the old row to the new one. So a swap played backwards undoes it, and `check` can build every index anew and
compare.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sortedcontainers import SortedList

from callbackq.ids import QueueName
from callbackq.model import (
    Agent,
    AgentState,
    Attempt,
    AttemptState,
    Booking,
    BookingState,
    Callback,
    CallbackState,
    CallState,
    Conversation,
    LiveCall,
    Message,
    Node,
    OptOut,
    Place,
    QueueControl,
    SlotCount,
    SlotDay,
    Subject,
    Tally,
    Verification,
    Webhook,
)
from callbackq.stores.lane_index import LaneIndex
from callbackq.stores.memory_history import HistoryRows
from callbackq.stores.memory_line import QueueLine, Ranks, position_of
from callbackq.stores.memory_spots import SPOT_IN
from callbackq.stores.rows import Saved, as_utc

if TYPE_CHECKING:
    _Times = SortedList[tuple[datetime, str]]
    _Ids = SortedList[str]
    _Spots = SortedList[tuple[Any, ...]]  # As in memory_spots. What bounds a search may be shorter.

T = TypeVar("T")

Row = Saved
RowId = Any
"""A text; of what is counted by slot or by day, the queue and which one."""
Key = tuple[str, str]
"""The rule that a key falls under (see `rows.UNIQUE_RULES`), and the key."""


def row_id_of(row: Row) -> RowId:
    """Return the id of a row; it is unique among the rows of its class."""
    return ID_OF[type(row)](row)


def name_of(row: Row) -> str:
    """Return the id of a row as a message may show it."""
    row_id = row_id_of(row)
    return row_id if isinstance(row_id, str) else " ".join(map(str, row_id))


def _slot_id(count: SlotCount) -> tuple[QueueName, datetime]:
    return count.queue, as_utc(count.slot_at)


ID_OF: Final[Mapping[type[Any], Callable[[Any], RowId]]] = {
    Callback: attrgetter("callback_id"),
    LiveCall: attrgetter("call_id"),
    Agent: attrgetter("agent_id"),
    Attempt: attrgetter("attempt_id"),
    Booking: attrgetter("booking_id"),
    SlotCount: _slot_id,
    SlotDay: attrgetter("queue", "day"),
    Subject: attrgetter("subject_id"),
    QueueControl: attrgetter("queue"),
    Tally: attrgetter("key"),
    Verification: attrgetter("verification_id"),
    OptOut: attrgetter("number_key"),
    Message: attrgetter("message_id"),
    Conversation: attrgetter("conversation_key"),
    Node: attrgetter("node_id"),
    Webhook: attrgetter("endpoint", "about"),
}

_COUNTS: Final = (SlotCount, SlotDay)
_IN_ORDER: Final = frozenset({*_COUNTS, Callback, LiveCall, Attempt, Booking, Message, Webhook})
"""What is also found in the order of its ids."""
_TIMELESS: Final = (Subject, QueueControl, Tally, Verification, OptOut, Conversation, Webhook, *_COUNTS)
"""What time alone never changes."""


def _seen_at(subject: Subject) -> datetime | None:
    """Return when a person was seen last, unless there is nothing left of them."""
    return (subject.seen_at or subject.created_at) if subject.erased_at is None else None


_AGE_OF: Final[Mapping[type[Any], Callable[[Any], datetime | None]]] = {
    Subject: _seen_at,
    Tally: attrgetter("over_at"),
    Verification: attrgetter("expires_at"),
    Conversation: attrgetter("over_at"),
}
"""What is found by its age, and the moment that it counts from; None: it is not found."""

CALLBACKS_ENDED: Final = "callbacks ended"
CALLS_TAKEN: Final = "live calls taken"
CALLS_ENDED: Final = "live calls ended"
ATTEMPTS_STARTED: Final = "attempts started"
_MOMENTS: Final[Mapping[type[Any], tuple[tuple[str, Callable[[Any], datetime | None]], ...]]] = {
    Callback: ((CALLBACKS_ENDED, attrgetter("ended_at")),),
    LiveCall: ((CALLS_TAKEN, attrgetter("taken_at")), (CALLS_ENDED, attrgetter("ended_at"))),
    Attempt: ((ATTEMPTS_STARTED, attrgetter("started_at")),),
}
"""The moments of a row by which the latest of its queue are found."""

CALLS_OPEN: Final = "live calls open"
ATTEMPTS_OPEN: Final = "attempts open"
ATTEMPTS_WANTING: Final = "attempts that want an agent"


def keys_of(row: Row) -> list[Key]:
    """Return the keys that no other row may hold while this one stands as it is."""
    if isinstance(row, Callback):
        keys: list[Key] = []
        if row.request_key is not None:
            keys.append(("request_key", row.request_key))
        if row.dedup_key is not None and row.state is not CallbackState.ENDED:
            keys.append(("dedup_key", row.dedup_key))
        return keys
    if isinstance(row, Attempt):
        keys = [("leg_id", row.agent_leg_id), ("leg_id", row.customer_leg_id)]
        if row.state is not AttemptState.ENDED:
            keys += (("callback_id", row.callback_id), ("number_key", row.number_key))
        return keys
    if isinstance(row, Booking):
        keys = []
        if row.state is not BookingState.ENDED:
            if row.callback_id is not None:
                keys.append(("booking_callback_id", row.callback_id))
            if row.agent_id is not None:
                keys.append(("agent_slot", f"{as_utc(row.slot_at).isoformat()} {row.agent_id}"))
        return keys
    if isinstance(row, Subject):
        keys = [("identity", row.identity)]
        if row.customer_id is not None:
            keys.append(("customer_id", row.customer_id))
        return keys
    if isinstance(row, Message):
        return [("cause", row.cause)]
    return []


def _staffing(agent: Agent | None) -> tuple[frozenset[QueueName], tuple[str, ...]]:
    """Return the queues that an agent serves now, and the skills."""
    if agent is None or agent.state is AgentState.SIGNED_OUT:
        return frozenset(), ()
    return frozenset(agent.queues), agent.skills


def _open_queue(row: Any) -> QueueName | None:
    """Return the queue in which a row is open, if it is."""
    queue: QueueName | None = None if row is None or _has_ended(row) else row.queue
    return queue


def _wanting_queue(attempt: Attempt | None) -> QueueName | None:
    """Return the queue in which an attempt wants an agent, if it does."""
    if attempt is None or attempt.agent_id is not None or attempt.announces is not None:
        return None
    return None if attempt.state in _OVER else attempt.queue


_OVER: Final = frozenset({AttemptState.ENDING, AttemptState.ENDED})

_QUEUE_IN: Final[Mapping[type[Any], tuple[tuple[str, Callable[[Any], QueueName | None]], ...]]] = {
    LiveCall: ((CALLS_OPEN, _open_queue),),
    Attempt: ((ATTEMPTS_OPEN, _open_queue), (ATTEMPTS_WANTING, _wanting_queue)),
}
"""What is listed by queue and id, and the queue under which a row stands there."""


def _recount(open_in: Counter[QueueName], before: QueueName | None, after: QueueName | None) -> None:
    if before == after:
        return
    if before is not None:
        open_in[before] -= 1
    if after is not None:
        open_in[after] += 1


class TenantRows(HistoryRows):
    """The rows of one tenant and their indexes, and its history."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[type[Any], dict[RowId, Any]] = {cls: {} for cls in ID_OF}
        self.in_order: dict[type[Any], SortedList[Any]] = {cls: SortedList() for cls in _IN_ORDER}
        self.by_age: dict[type[Any], _Times] = {cls: SortedList() for cls in _AGE_OF}
        self.keys: dict[Key, str] = {}
        self.lines: dict[QueueName, QueueLine] = {}
        self.due: dict[type[Any], _Times] = {cls: SortedList() for cls in ID_OF if cls not in _TIMELESS}
        self.latest: dict[tuple[str, QueueName], _Times] = {}
        self.by_key: dict[str, _Spots] = {
            what: SortedList() for spots in SPOT_IN.values() for what, _ in spots
        }
        self.by_queue: dict[str, dict[QueueName, _Ids]] = {
            what: {} for lists in _QUEUE_IN.values() for what, _ in lists
        }
        self.available: _Times = SortedList()
        self.staffed: Counter[QueueName] = Counter()
        self.staffed_skills: Counter[tuple[QueueName, tuple[str, ...]]] = Counter()
        self.staffed_states: Counter[tuple[QueueName, AgentState]] = Counter()
        self.callbacks_open: Counter[QueueName] = Counter()
        self.lanes = LaneIndex()

    def swap(self, old: Row | None, new: Row | None) -> None:
        """Put *new* in the place of *old*, in the table and in every index; one may be None. O(log n)."""
        row = old if new is None else new
        assert row is not None
        cls, row_id = type(row), row_id_of(row)
        if new is None:
            del self.rows[cls][row_id]
        else:
            self.rows[cls][row_id] = new
        if cls in _IN_ORDER:
            self._swap_order(old, new, cls, row_id)
        self._swap_keys(old, new, row_id)
        if cls in _AGE_OF:
            self._swap_age(old, new, cls, row_id)
        if cls not in _TIMELESS:
            self._swap_times(old, new, cls, row_id)
            self._swap_lists(old, new, cls, row_id)
        if cls is Agent:
            self._swap_agent(old, new)
        elif cls is Callback or cls is LiveCall:
            self._swap_place(old, new, cls)

    def _swap_order(self, old: Row | None, new: Row | None, cls: type[Any], row_id: RowId) -> None:
        if old is None:
            self.in_order[cls].add(row_id)
        elif new is None:
            self.in_order[cls].remove(row_id)

    def _swap_keys(self, old: Row | None, new: Row | None, row_id: str) -> None:
        before = [] if old is None else keys_of(old)
        after = [] if new is None else keys_of(new)
        if before != after:
            for key in before:
                self.keys.pop(key, None)  # Both legs may be one.
            for key in after:
                self.keys[key] = row_id

    def _swap_age(self, old: Any, new: Any, cls: type[Any], row_id: str) -> None:
        before = None if old is None else _AGE_OF[cls](old)
        after = None if new is None else _AGE_OF[cls](new)
        if before != after:
            if before is not None:
                self.by_age[cls].remove((before, row_id))
            if after is not None:
                self.by_age[cls].add((after, row_id))

    def _swap_times(self, old: Any, new: Any, cls: type[Any], row_id: str) -> None:
        before: datetime | None = None if old is None else old.due_at
        after: datetime | None = None if new is None else new.due_at
        if before != after:
            if before is not None:
                self.due[cls].remove((before, row_id))
            if after is not None:
                self.due[cls].add((after, row_id))
        for what, time_of in _MOMENTS.get(cls, ()):
            was = None if old is None else (old.queue, time_of(old))
            now = None if new is None else (new.queue, time_of(new))
            if was != now:
                if was is not None and was[1] is not None:
                    self._forget((what, was[0]), was[1], row_id)
                if now is not None and now[1] is not None:
                    self._remember((what, now[0]), now[1], row_id)

    def _swap_lists(self, old: Any, new: Any, cls: type[Any], row_id: str) -> None:
        for what, queue_of in _QUEUE_IN.get(cls, ()):
            left, came = queue_of(old), queue_of(new)
            if left != came:
                queues = self.by_queue[what]
                if left is not None:
                    queues[left].remove(row_id)
                    if not queues[left]:
                        del queues[left]
                if came is not None:
                    if came not in queues:
                        queues[came] = SortedList()
                    queues[came].add(row_id)
        for what, spot_of in SPOT_IN.get(cls, ()):
            was, now = spot_of(old), spot_of(new)
            if was != now:
                if was is not None:
                    self.by_key[what].remove(was)
                if now is not None:
                    self.by_key[what].add(now)

    def _forget(self, of: tuple[str, QueueName], at: datetime, row_id: str) -> None:
        times = self.latest[of]
        times.remove((at, row_id))
        if not times:
            del self.latest[of]

    def _remember(self, of: tuple[str, QueueName], at: datetime, row_id: str) -> None:
        if of not in self.latest:
            self.latest[of] = SortedList()
        self.latest[of].add((at, row_id))

    def _swap_agent(self, old: Any, new: Any) -> None:
        if old is not None and old.state is AgentState.AVAILABLE:
            self.available.remove((old.since_at, old.agent_id))
        if new is not None and new.state is AgentState.AVAILABLE:
            self.available.add((new.since_at, new.agent_id))
        before, after = _staffing(old), _staffing(new)
        if before != after:
            self._count_staff(before, -1)
            self._count_staff(after, 1)
        self._count_states(old, before[0], -1)
        self._count_states(new, after[0], 1)

    def _count_staff(self, staffing: tuple[frozenset[QueueName], tuple[str, ...]], change: int) -> None:
        queues, skills = staffing
        for queue in queues:
            self.staffed[queue] += change
            self.staffed_skills[queue, skills] += change

    def _count_states(self, agent: Any, queues: frozenset[QueueName], change: int) -> None:
        for queue in queues:
            self.staffed_states[queue, agent.state] += change

    def _swap_place(self, old: Any, new: Any, cls: type[Any]) -> None:
        if cls is Callback:
            _recount(self.callbacks_open, _open_queue(old), _open_queue(new))
        left = old if old is not None and _is_waiting(old) else None
        came = new if new is not None and _is_waiting(new) else None
        if left is not None and came is not None and _spot_of(left) == _spot_of(came):
            self.lines[came.queue].of_kind(came).replace(left, came)
            return
        if left is not None:
            line = self.lines[left.queue]
            line.of_kind(left).remove(left)
            if not line:
                del self.lines[left.queue]
        if came is not None:
            if came.queue not in self.lines:
                self.lines[came.queue] = QueueLine()
            self.lines[came.queue].of_kind(came).add(came)

    def check(self) -> None:
        """Build every index anew and compare. Raises: AssertionError naming what differs. O(n log n)."""
        fresh = TenantRows()
        for cls, rows in self.rows.items():
            for row_id, row in rows.items():
                assert row_id_of(row) == row_id, f"{cls.__name__} {row_id_of(row)} stands under {row_id}"
                fresh.swap(None, row)
        assert self.keys == fresh.keys, "the unique keys differ from the rows"
        assert _listed(self.lines) == _listed(fresh.lines), "the line differs from the rows"
        assert self.due == fresh.due, "the due order differs from the rows"
        assert self.latest == fresh.latest, "the latest of a queue differ from the rows"
        assert self.available == fresh.available, "the available agents differ from the rows"
        assert +self.staffed == +fresh.staffed, "the staffed counts differ from the rows"
        assert +self.staffed_skills == +fresh.staffed_skills, "the staffed skills differ from the rows"
        assert +self.staffed_states == +fresh.staffed_states, "what the staff does differs from the rows"
        assert +self.callbacks_open == +fresh.callbacks_open, "the open callbacks differ from the rows"
        for what, queues in self.by_queue.items():
            assert queues == fresh.by_queue[what], f"the {what} differ from the rows"
        for cls, ages in self.by_age.items():
            assert ages == fresh.by_age[cls], f"the ages of each {cls.__name__} differ from the rows"
        for cls, counted in self.in_order.items():
            assert counted == fresh.in_order[cls], f"the order of each {cls.__name__} differs from the rows"
        for what, spots in self.by_key.items():
            assert spots == fresh.by_key[what], f"the {what} differ from the rows"
        self.check_history()
        for skills in self.lanes.sets[1:]:
            fresh.lanes.add(skills)
        assert self.lanes.lane_of == fresh.lanes.lane_of, "the numbers of lanes differ"
        assert self.lanes.by_skill == fresh.lanes.by_skill, "the lanes by skill differ"
        for times in (*self.due.values(), *self.latest.values(), *self.by_age.values(), self.available):
            _check_order(times)
        for spots in (*self.by_key.values(), *self.in_order.values()):
            _check_order(spots)
        for queues in self.by_queue.values():
            for ids in queues.values():
                _check_order(ids)
        for line in self.lines.values():
            for half in (line.calls, line.callbacks):
                _check_half(half)


_spot_of = attrgetter("queue", "lane", "rank", "place_id")


def _is_waiting(place: Place) -> bool:
    return place.state is CallbackState.WAITING or place.state is CallState.WAITING


_ENDED: Final = frozenset({CallbackState.ENDED, CallState.ENDED, AttemptState.ENDED})


def _has_ended(row: Place | Attempt) -> bool:
    return row.state in _ENDED


def _check_order(entries: Any) -> None:
    """Run the container's own check: it verifies its order and its inner index."""
    entries._check()  # This is the name under which sortedcontainers offers it.


def _check_half(half: Ranks) -> None:
    """Verify the order of one kind of place in one queue."""
    for ranks in (half.ranks, *half.by_lane.values()):
        _check_order(ranks)
    for same in half.by_rank.values():
        assert same == sorted(same, key=position_of), "places of one rank are out of order"


def _listed(lines: Mapping[QueueName, QueueLine]) -> dict[tuple[str, str], tuple[Any, ...]]:
    """Write the lines as plain lists."""
    return {
        (queue, kind): (
            list(half.ranks),
            {lane: list(ranks) for lane, ranks in half.by_lane.items()},
            {rank: sorted(map(row_id_of, same)) for rank, same in half.by_rank.items()},
        )
        for queue, line in lines.items()
        for kind, half in (("calls", line.calls), ("callbacks", line.callbacks))
    }

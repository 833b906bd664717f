"""
One tenant's rows in memory, with every index over them.

The rule: a row changes only through `TenantRows.swap`, which moves the record and all its index entries from
the old row to the new one. So a swap played backwards undoes it, and `check` can build every index anew and
compare.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from sortedcontainers import SortedList

from callbackq.events import AgentEvent, AttemptEvent, CallbackEvent, CallEvent, Event
from callbackq.ids import PlaceId, QueueName
from callbackq.model import (
    Agent,
    AgentState,
    Attempt,
    AttemptState,
    Callback,
    CallbackState,
    CallState,
    Entity,
    LiveCall,
    Place,
    Subject,
)

if TYPE_CHECKING:
    _Ranks = SortedList[int]
    _Times = SortedList[tuple[datetime, str]]

Row = Callback | LiveCall | Agent | Attempt | Subject
Key = tuple[str, str]
"""The rule that a key falls under (see `rows.UNIQUE_RULES`), and the key."""


class Lane:
    """The places of one lane in order. Ranks are kept as bare integers; places are found by rank."""

    __slots__ = ("by_rank", "ranks")

    def __init__(self) -> None:
        self.ranks: _Ranks = SortedList()
        self.by_rank: dict[int, list[Place]] = {}

    def add(self, place: Place) -> None:
        """Let *place* stand in line. O(log n)."""
        self.ranks.add(place.rank)
        same = self.by_rank.get(place.rank)
        if same is None:
            self.by_rank[place.rank] = [place]
        else:
            insort(same, place, key=_place_id)

    def remove(self, place: Place) -> None:
        """Take *place* out of the line. O(log n)."""
        self.ranks.remove(place.rank)
        same = self.by_rank[place.rank]
        same.remove(place)
        if not same:
            del self.by_rank[place.rank]

    def head(self) -> Place:
        """Return the first place; there is one. O(1)."""
        return self.by_rank[self.ranks[0]][0]

    def count_ahead(self, rank: int, place_id: PlaceId) -> int:
        """Count the places before this one. O(log n), and O(n) in equal ranks."""
        ahead = self.ranks.bisect_left(rank)
        return ahead + sum(place.place_id < place_id for place in self.by_rank.get(rank, ()))


_place_id = attrgetter("place_id")
position_of = attrgetter("rank", "place_id")


def row_id_of(row: Row) -> str:
    """Return the id of a row; it is unique among the rows of its class."""
    return ID_OF[type(row)](row)


ID_OF: Final[Mapping[type[Any], Callable[[Any], str]]] = {
    Callback: attrgetter("callback_id"),
    LiveCall: attrgetter("call_id"),
    Agent: attrgetter("agent_id"),
    Attempt: attrgetter("attempt_id"),
    Subject: attrgetter("subject_id"),
}


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
    if isinstance(row, Subject):
        return [("identity", row.identity)]
    return []


def _staffed_queues(agent: Agent) -> Iterable[QueueName]:
    return () if agent.state is AgentState.SIGNED_OUT else set(agent.queues)


def _history_key(event: Event) -> Key | None:
    """Return whose history the event belongs to; an attempt's belongs to its callback."""
    if isinstance(event, CallbackEvent | AttemptEvent):
        return (Entity.CALLBACK, event.callback_id)
    if isinstance(event, CallEvent):
        return (Entity.CALL, event.call_id)
    if isinstance(event, AgentEvent):
        return (Entity.AGENT, event.agent_id)
    return None


class TenantRows:
    """The rows of one tenant and their indexes."""

    def __init__(self) -> None:
        self.rows: dict[type[Any], dict[str, Any]] = {cls: {} for cls in ID_OF}
        self.keys: dict[Key, str] = {}
        self.lines: dict[QueueName, dict[int, Lane]] = {}
        self.due: dict[type[Any], _Times] = {cls: SortedList() for cls in ID_OF if cls is not Subject}
        self.available: _Times = SortedList()
        self.staffed: Counter[QueueName] = Counter()
        self.lanes: list[frozenset[str]] = [frozenset()]
        self.lane_of: dict[frozenset[str], int] = {frozenset(): 0}
        self.history: list[Event] = []
        self.history_of: dict[Key, list[Event]] = {}

    def swap(self, old: Row | None, new: Row | None) -> None:
        """Put *new* in the place of *old*, in the table and in every index. O(log n)."""
        if old is not None:
            self._unindex(old)
        if new is not None:
            self.rows[type(new)][row_id_of(new)] = new
            self._index(new)
        elif old is not None:
            del self.rows[type(old)][row_id_of(old)]

    def _index(self, row: Row) -> None:
        for key in keys_of(row):
            self.keys[key] = row_id_of(row)
        if isinstance(row, Subject):
            return
        if row.due_at is not None:
            self.due[type(row)].add((row.due_at, row_id_of(row)))
        if isinstance(row, Agent):
            self.staffed.update(_staffed_queues(row))
            if row.state is AgentState.AVAILABLE:
                self.available.add((row.since_at, row.agent_id))
        elif not isinstance(row, Attempt) and row.state in _WAITING:
            self.lines.setdefault(row.queue, {}).setdefault(row.lane, Lane()).add(row)

    def _unindex(self, row: Row) -> None:
        for key in keys_of(row):
            self.keys.pop(key, None)
        if isinstance(row, Subject):
            return
        if row.due_at is not None:
            self.due[type(row)].remove((row.due_at, row_id_of(row)))
        if isinstance(row, Agent):
            self.staffed.subtract(_staffed_queues(row))
            if row.state is AgentState.AVAILABLE:
                self.available.remove((row.since_at, row.agent_id))
        elif not isinstance(row, Attempt) and row.state in _WAITING:
            lanes = self.lines[row.queue]
            lanes[row.lane].remove(row)
            if not lanes[row.lane].by_rank:
                del lanes[row.lane]
            if not lanes:
                del self.lines[row.queue]

    def append(self, event: Event) -> None:
        """Write one event. O(1)."""
        self.history.append(event)
        key = _history_key(event)
        if key is not None:
            self.history_of.setdefault(key, []).append(event)

    def take_back(self) -> None:
        """Undo the last `append`."""
        key = _history_key(self.history.pop())
        if key is not None:
            events = self.history_of[key]
            events.pop()
            if not events:
                del self.history_of[key]

    def check(self) -> None:
        """Build every index anew and compare. Raises: AssertionError naming what differs. O(n log n)."""
        fresh = TenantRows()
        for cls, rows in self.rows.items():
            for row_id, row in rows.items():
                assert row_id_of(row) == row_id, f"{cls.__name__} {row_id_of(row)} stands under {row_id}"
                fresh.swap(None, row)
        for event in self.history:
            fresh.append(event)
        assert self.keys == fresh.keys, "the unique keys differ from the rows"
        assert _listed(self.lines) == _listed(fresh.lines), "the line differs from the rows"
        assert self.due == fresh.due, "the due order differs from the rows"
        assert self.available == fresh.available, "the available agents differ from the rows"
        assert +self.staffed == +fresh.staffed, "the staffed counts differ from the rows"
        assert self.history_of == fresh.history_of, "the history by record differs from the history"
        assert self.lane_of == {skills: lane for lane, skills in enumerate(self.lanes)}, "lanes differ"
        for times in (*self.due.values(), self.available):
            _check_order(times)
        for lanes in self.lines.values():
            for lane in lanes.values():
                _check_order(lane.ranks)
                for same in lane.by_rank.values():
                    assert same == sorted(same, key=position_of), "places of one rank are out of order"


_WAITING: Final = frozenset({CallbackState.WAITING, CallState.WAITING})


def _check_order(entries: Any) -> None:
    """Run the container's own check: it verifies its order and its inner index."""
    entries._check()  # This is the name under which sortedcontainers offers it.


def _listed(lines: Mapping[QueueName, Mapping[int, Lane]]) -> dict[tuple[str, int], list[tuple[int, Any]]]:
    """Write the lines as plain lists."""
    return {
        (queue, number): [(rank, sorted(map(row_id_of, lane.by_rank.get(rank, [])))) for rank in lane.ranks]
        for queue, lanes in lines.items()
        for number, lane in lanes.items()
    }

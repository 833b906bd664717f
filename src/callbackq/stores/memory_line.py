"""
The line of one queue in memory: live calls and callbacks apart, each counted over all lanes and served by lane.

The rule: ranks are kept as bare integers, twice: over all lanes, where places are counted, and by lane, where the
head is found. A place itself is found by its rank.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from sortedcontainers import SortedList

from callbackq.ids import PlaceId
from callbackq.model import Ahead, LiveCall, Place

if TYPE_CHECKING:
    _Ranks = SortedList[int]

_place_id = attrgetter("place_id")
position_of: Final = attrgetter("rank", "place_id")


class Ranks:
    """The places of one kind, live calls or callbacks, in one queue."""

    __slots__ = ("by_lane", "by_rank", "ranks")

    def __init__(self) -> None:
        self.ranks: _Ranks = SortedList()
        self.by_lane: dict[int, _Ranks] = {}
        self.by_rank: dict[int, list[Place]] = {}

    def add(self, place: Place) -> None:
        """Let *place* stand in line. O(log n)."""
        rank = place.rank
        self.ranks.add(rank)
        lane = self.by_lane.get(place.lane)
        if lane is None:
            lane = self.by_lane[place.lane] = SortedList()
        lane.add(rank)
        same = self.by_rank.get(rank)
        if same is None:
            self.by_rank[rank] = [place]
        else:
            insort(same, place, key=_place_id)

    def remove(self, place: Place) -> None:
        """Take *place* out of the line. O(log n)."""
        rank = place.rank
        self.ranks.remove(rank)
        lane = self.by_lane[place.lane]
        lane.remove(rank)
        if not lane:
            del self.by_lane[place.lane]
        same = self.by_rank[rank]
        del same[self._index(place)]
        if not same:
            del self.by_rank[rank]

    def replace(self, old: Place, new: Place) -> None:
        """Put *new* where *old* stands; they have one lane, rank and place id. O(1), O(log n) in equal ranks."""
        self.by_rank[old.rank][self._index(old)] = new

    def _index(self, place: Place) -> int:
        same = self.by_rank[place.rank]
        return same.index(place, bisect_left(same, place.place_id, key=_place_id))

    def count_ahead(self, rank: int, place_id: PlaceId) -> int:
        """Count the places before this one. O(log n)."""
        same = self.by_rank.get(rank)
        among = 0 if same is None else bisect_left(same, place_id, key=_place_id)
        return self.ranks.bisect_left(rank) + among

    def passed(self, lane: int, rank: int, place_id: PlaceId) -> Iterator[Place]:
        """Give the places of one lane before this one. O(given), and O(n) in equal ranks."""
        last: int | None = None
        for each in self.by_lane[lane].irange(maximum=rank) if lane in self.by_lane else ():
            if each != last:
                last = each
                for place in self.by_rank[each]:
                    if place.lane == lane and (each < rank or place.place_id < place_id):
                        yield place

    def behind(self, after: tuple[int, PlaceId] | None) -> Iterator[Place]:
        """Give the places behind this one, over all lanes, in order. O(log n), then O(given)."""
        last: int | None = None
        for rank in self.ranks.islice(0 if after is None else self.ranks.bisect_left(after[0])):
            if rank != last:
                last = rank
                for place in self.by_rank[rank]:
                    if after is None or position_of(place) > after:
                        yield place


class QueueLine:
    """The places of one queue."""

    __slots__ = ("callbacks", "calls")

    def __init__(self) -> None:
        self.calls = Ranks()
        self.callbacks = Ranks()

    def of_kind(self, place: Place) -> Ranks:
        """Return the half of the line in which *place* stands."""
        return self.calls if isinstance(place, LiveCall) else self.callbacks

    def __len__(self) -> int:
        return len(self.calls.ranks) + len(self.callbacks.ranks)

    def head(self, lanes: Sequence[int], *, calls_only: bool) -> Place | None:
        """Return the first place in these lanes. O(1) for each lane, and O(n) in equal ranks."""
        halves = (self.calls,) if calls_only else (self.calls, self.callbacks)
        firsts = [
            half.by_lane[lane][0] for half in halves if half.by_lane for lane in lanes if lane in half.by_lane
        ]
        if not firsts:
            return None
        rank = min(firsts)
        same = merge(*(half.by_rank.get(rank, ()) for half in halves), key=_place_id)
        return next(place for place in same if place.lane in lanes)

    def count_ahead(self, rank: int, place_id: PlaceId) -> Ahead:
        """Count the places before this one, over all lanes. O(log n)."""
        return Ahead(
            calls=self.calls.count_ahead(rank, place_id),
            callbacks=self.callbacks.count_ahead(rank, place_id),
        )

    def count_passed(self, *, lane: int, priority: int, rank: int, place_id: PlaceId) -> Ahead:
        """Count the places of one lane and priority before this one. O(places of the lane before it)."""
        calls, callbacks = (
            sum(place.priority == priority for place in half.passed(lane, rank, place_id))
            for half in (self.calls, self.callbacks)
        )
        return Ahead(calls=calls, callbacks=callbacks)

    def places(self, after: tuple[int, PlaceId] | None, limit: int) -> list[Place]:
        """Return the places behind this one, over all lanes, in order. O(limit + log n)."""
        in_order = merge(self.calls.behind(after), self.callbacks.behind(after), key=position_of)
        return list(islice(in_order, limit))

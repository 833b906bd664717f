"""Seats of slots, from who works when."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Final

from callbackq.core.hours import OpenHours
from callbackq.core.instants import check_instant, from_microseconds, microseconds
from callbackq.errors import ConfigurationError
from callbackq.ids import QueueName
from callbackq.model.intervals import Interval
from callbackq.policy.checks import within
from callbackq.policy.hours import WeekHours
from callbackq.policy.slots import SEATS_MAX

_MICROSECOND: Final = timedelta(microseconds=1)
_Piece = tuple[int, int]
"""From when until when, in microseconds since 1970."""


class StaffPlan:
    """
    A `SlotCapacity`: as many seats as the agents who work then, and are free, can do.

    The seats of a slot are the free time of all agents in it / `handle_time` x `share_ratio`, rounded down; exact.
    An agent who works on several queues counts in full for each of them: let the shares say how they are divided.
    Nothing changes after it was built. Threads may share one.

    Args:
        agents: when each of them works. None for one who works whenever the queue is open.
        busy: when each has no time, such as `busy_times` gives it. An agent may be missing.
        handle_time: of one callback, wrap-up included. 1 s to 8 h.
        share_ratio: of their time for booked callbacks. Above 0, to 1. What its decimal digits say counts: 0.1 is a
            tenth.
        queues: who works on which queue. A queue that is missing has nobody. None: all work on all.

    Raises:
        ConfigurationError: a value is out of its bounds, or somebody in `busy` or `queues` is not in `agents`.

    >>> from datetime import UTC, time
    >>> from callbackq.policy.hours import Span, weekdays
    >>> early = WeekHours(zone="Europe/London", week=weekdays(Span(time(8), time(12))))
    >>> at = datetime(2026, 1, 5, 11, 30, tzinfo=UTC)
    >>> meeting = Interval(starts_at=at.replace(minute=45), ends_at=at.replace(hour=12))
    >>> plan = StaffPlan(
    ...     agents={"ann": early, "ben": None}, busy={"ann": [meeting]}, handle_time=timedelta(minutes=5)
    ... )
    >>> plan.seats("support", [at, at + timedelta(minutes=30)], timedelta(minutes=30))
    [4, 3]
    """

    def __init__(
        self,
        *,
        agents: Mapping[str, OpenHours | WeekHours | None],
        handle_time: timedelta,
        busy: Mapping[str, Sequence[Interval]] | None = None,
        share_ratio: float = 0.5,
        queues: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        within("StaffPlan.handle_time", handle_time, timedelta(seconds=1), timedelta(hours=8))
        self._hours = {agent: _own_hours(hours) for agent, hours in agents.items()}
        self._busy = {agent: _own_busy(times) for agent, times in (busy or {}).items()}
        self._check_known("busy", self._busy)
        self._queues: dict[str, tuple[str, ...]] | None = None
        if queues is not None:
            self._queues = {queue: tuple(sorted(set(names))) for queue, names in queues.items()}
            for queue, names in self._queues.items():
                self._check_known(f"queues[{queue!r}]", names)
        self._per_seat = Fraction(handle_time // _MICROSECOND) / _own_ratio(share_ratio)

    def seats(self, queue: QueueName, starts: Sequence[datetime], length: timedelta) -> Sequence[int]:
        """
        Return the seats of each slot: 0 to 10,000.

        Raises:
            InvalidTime: a start is naive, or outside 2000 to 2099.

        Cost: the week of 50 agents in slots of 30 minutes 3 ms, once the days are known to their hours.
        """
        begins = [microseconds(check_instant(at, "starts")) for at in starts]
        length_us = length // _MICROSECOND
        if not begins or length_us <= 0:
            return [0] * len(begins)
        names = self._hours if self._queues is None else self._queues.get(queue, ())
        first, last = min(begins), max(begins) + length_us
        free = _Free(piece for agent in names for piece in self._free(agent, first, last))
        return [self._seats_in(free.until(at + length_us) - free.until(at)) for at in begins]

    def _seats_in(self, free_us: int) -> int:
        return min(free_us * self._per_seat.denominator // self._per_seat.numerator, SEATS_MAX)

    def _free(self, agent: str, first: int, last: int) -> Iterator[_Piece]:
        """Return when an agent works and has time, between two moments."""
        hours, busy = self._hours[agent], self._busy.get(agent, [])
        works: Iterable[_Piece] = [(first, last)]
        if hours is not None:
            between = hours.intervals(from_microseconds(first), until_at=from_microseconds(last))
            works = [(microseconds(each.starts_at), microseconds(each.ends_at)) for each in between]
        return (piece for start, end in works for piece in _without(busy, start, end))

    def _check_known(self, field: str, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._hours:
                raise ConfigurationError(f"StaffPlan.{field}", name, "names that are in agents")


class _Free:
    """How much free time there was until a moment, of all agents together."""

    def __init__(self, pieces: Iterable[_Piece]) -> None:
        steps: dict[int, int] = {}
        for start, end in pieces:
            steps[start] = steps.get(start, 0) + 1
            steps[end] = steps.get(end, 0) - 1
        self._at = sorted(steps)
        self._agents = list(accumulate(steps[at] for at in self._at))
        passed = (
            agents * (later - at)
            for (at, later), agents in zip(pairwise(self._at), self._agents, strict=False)
        )
        self._before = list(accumulate(passed, initial=0))

    def until(self, at: int) -> int:
        index = bisect_right(self._at, at) - 1
        if index < 0:
            return 0
        return self._before[index] + self._agents[index] * (at - self._at[index])


def _without(busy: list[_Piece], start: int, end: int) -> Iterator[_Piece]:
    """Cut busy times, disjoint and in order, out of a piece."""
    index = max(bisect_right(busy, (start,)) - 1, 0)
    for busy_from, busy_until in busy[index:]:
        if busy_from >= end:
            break
        if busy_until <= start:
            continue
        if start < busy_from:
            yield start, busy_from
        start = busy_until
    if start < end:
        yield start, end


def _own_hours(hours: object) -> OpenHours | None:
    if hours is None or isinstance(hours, OpenHours):
        return hours
    if not isinstance(hours, WeekHours):
        raise ConfigurationError("StaffPlan.agents", hours, "WeekHours, OpenHours or None by name")
    return OpenHours(hours)


def _own_busy(times: Iterable[Interval]) -> list[_Piece]:
    """Copy busy times as disjoint pieces, in order."""
    found: list[_Piece] = []
    for start, end in sorted(_own_piece(each) for each in times):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def _own_piece(value: object) -> _Piece:
    if not isinstance(value, Interval):
        raise ConfigurationError("StaffPlan.busy", value, "a list of Interval")
    if value.starts_at.utcoffset() is None or value.ends_at.utcoffset() is None:
        raise ConfigurationError("StaffPlan.busy", value, "aware instants")
    return microseconds(value.starts_at), microseconds(value.ends_at)


def _own_ratio(ratio: object) -> Fraction:
    if isinstance(ratio, bool) or not isinstance(ratio, int | float) or not 0 < ratio <= 1:
        raise ConfigurationError("StaffPlan.share_ratio", ratio, "a number above 0, to 1")
    # As `core.seats` reads it. A ratio that is too small for these digits gives no seats by the next line.
    return Fraction(f"{ratio:.12g}")

"""
Which slots a queue has, and which of them can be booked.

The grid begins anew with each local day and with each opening within it: a slot never crosses midnight or a break.
From there slots are counted in real time, so that a day on which clocks change has slots for 23 or 25 hours. The grid
does not depend on what is asked for.

A local day begins at the first moment at which clocks show its date or a later one. So one whose midnight is skipped
begins after it, and one that is skipped as a whole has no slots. Where clocks go back past midnight, what comes
twice belongs to the later day.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from hashlib import blake2b
from itertools import accumulate
from typing import Final, Protocol

import attrs

from callbackq.core.seats import free_for, may_use_kept, promises_kept_max, usual_free
from callbackq.core.zones import instant_of, wall_of
from callbackq.errors import InvalidText
from callbackq.ids import QueueName
from callbackq.model import Slot, SlotCount, SlotDay, SlotProblem
from callbackq.model.intervals import Interval
from callbackq.model.wall import WallTime
from callbackq.policy.slots import SlotPolicy

_ONE_DAY: Final = timedelta(days=1)


class OpenTimes(Protocol):
    """When a queue is open: `core.hours.OpenHours`, or anything that says it alike."""

    def intervals(self, from_at: datetime, *, until_at: datetime) -> Iterable[Interval]:
        """Return when it is open between two instants, in order, in UTC; no two of them touch."""
        ...


@attrs.frozen
class _Always:
    def intervals(self, from_at: datetime, *, until_at: datetime) -> Iterator[Interval]:
        if from_at < until_at:
            yield Interval(starts_at=from_at, ends_at=until_at)


ALWAYS: Final[OpenTimes] = _Always()
"""Open for ever."""


# ---------------------------------------------------------------------------- days


def day_of(at: datetime, *, zone: str) -> date:
    """
    Return the local day that *at* belongs to: what clocks show, unless they went back past midnight.

    Raises:
        InvalidText: there is no such zone.
        InvalidTime: *at* is naive, or outside 2000 to 2099.

    Cost: 20 microseconds.

    >>> from datetime import UTC
    >>> day_of(datetime(2026, 3, 10, 3, tzinfo=UTC), zone="America/New_York").isoformat()
    '2026-03-09'
    """
    day = wall_of(at, zone=zone).wall_at.date()
    while _begin(day + _ONE_DAY, zone) <= at:
        day += _ONE_DAY
    return day


def days_between(from_at: datetime, *, until_at: datetime, zone: str) -> Iterator[date]:
    """
    Return the local days that have moments from *from_at* on and before *until_at*, in order, one after the other.

    A date that is skipped between two of them is returned too; it has no slots.

    Raises:
        InvalidText: there is no such zone.
        InvalidTime: *from_at* is naive, or outside 2000 to 2099.
    """
    day = day_of(from_at, zone=zone)
    begin = from_at
    while begin < until_at:
        yield day
        day += _ONE_DAY
        begin = _begin(day, zone)


def pieces_on(day: date, *, hours: OpenTimes, zone: str) -> list[Interval]:
    """
    Return when it is open on a local day. One that began the day before begins at midnight here.

    Raises:
        InvalidText: there is no such zone.
        InvalidTime: the day is outside 1999 to 2100, or outside what *hours* know.
    """
    begin, end = _begin(day, zone), _begin(day + _ONE_DAY, zone)
    return list(hours.intervals(begin, until_at=end)) if begin < end else []


def _begin(day: date, zone: str) -> datetime:
    """Return when a local day begins. A midnight that is skipped is the first moment after it."""
    return instant_of(WallTime(wall_at=datetime.combine(day, time.min), zone=zone))


# ---------------------------------------------------------------------------- the grid


def starts_on(day: date, *, hours: OpenTimes, policy: SlotPolicy, zone: str) -> list[datetime]:
    """
    Return when the slots of one local day begin, in UTC and in order.

    Raises:
        InvalidText: there is no such zone.
        InvalidTime: the day is outside 1999 to 2100, or outside what *hours* know.

    Cost: 40 microseconds, what *hours* take, and 0.5 for each slot.

    >>> policy = SlotPolicy(seats=None, length=timedelta(hours=1))
    >>> days = date(2026, 3, 28), date(2026, 3, 29)  # summer time begins on the second
    >>> [len(starts_on(day, hours=ALWAYS, policy=policy, zone="Europe/Berlin")) for day in days]
    [24, 23]
    """
    pieces = pieces_on(day, hours=hours, zone=zone)
    return [at for piece in pieces for at in starts_in(piece, policy=policy)]


def starts_in(piece: Interval, *, policy: SlotPolicy) -> list[datetime]:
    """Return when the slots of one piece of a day begin: as many as end within it."""
    step = policy.step
    count = (piece.length - policy.length) // step + 1
    return [piece.starts_at + number * step for number in range(count)]


def slot_starts(
    hours: OpenTimes, *, from_at: datetime, until_at: datetime, policy: SlotPolicy, zone: str
) -> Iterator[datetime]:
    """
    Return when slots begin, from *from_at* on and before *until_at*, in order; each day is looked at when it is needed.

    Raises:
        InvalidText: there is no such zone.
        InvalidTime: *from_at* is naive, or a day is outside what *hours* know.

    Cost: as `starts_on` for each day, and 10 microseconds.

    >>> from datetime import UTC
    >>> from_at = datetime(2026, 3, 10, 9, 10, tzinfo=UTC)
    >>> policy = SlotPolicy(seats=None)
    >>> found = slot_starts(
    ...     ALWAYS, from_at=from_at, until_at=from_at + timedelta(hours=1), policy=policy, zone="UTC"
    ... )
    >>> [f"{at:%H:%M}" for at in found]
    ['09:30', '10:00']
    """
    for day in days_between(from_at, until_at=until_at, zone=zone):
        starts = starts_on(day, hours=hours, policy=policy, zone=zone)
        yield from starts[bisect_left(starts, from_at) : bisect_left(starts, until_at)]


# ---------------------------------------------------------------------------- what is wrong with a time


def problem_with(
    at: datetime,
    *,
    starts_that_day: Container[datetime],
    hours: OpenTimes,
    policy: SlotPolicy,
    now: datetime,
) -> SlotProblem | None:
    """
    Return why no slot can be booked at *at*, the first of: PAST, TOO_SOON, BEYOND_HORIZON, CLOSED, OFF_GRID.

    None if one can, as far as its seats go: they are not looked at. *Closed* is a slot of which a part is; one that
    is only cut by midnight is off the grid.

    Args:
        starts_that_day: `starts_on` the day of *at*.
    """
    if at < now:
        return SlotProblem.PAST
    if at < now + policy.lead_min:
        return SlotProblem.TOO_SOON
    if at > now + policy.horizon:
        return SlotProblem.BEYOND_HORIZON
    if at in starts_that_day:
        return None
    wanted = Interval(starts_at=at, ends_at=at + policy.length)
    open_then = list(hours.intervals(wanted.starts_at, until_at=wanted.ends_at)) == [wanted]
    return SlotProblem.OFF_GRID if open_then else SlotProblem.CLOSED


# ---------------------------------------------------------------------------- before closing


def rooms_before_closing(
    starts: Sequence[datetime],
    *,
    counts: Mapping[datetime, SlotCount],
    closes_at: datetime,
    agents: int,
    handle_time: timedelta,
    kept_ratio: float,
) -> list[int]:
    """
    Return for each slot how many more it can take so that all promises can be kept before closing.

    From a slot s until closing `promises_kept_max` can begin; taken are all seats of s and of later slots. What is
    left is the room of s. A seat in a slot t uses up that of t and of each slot before t, so t takes the least of them.
    Counters of times that are no slots, as after a change of the grid, count like all others.

    Args:
        starts: the slots of one opening, in order.
        counts: what is taken in them, each under its time. Times before the first slot, or from closing on, are
            passed over.
        closes_at: when that opening ends.
        handle_time: above 0.
        kept_ratio: above 0, and below 1.

    Cost: that of `promises_kept_max` for each slot, mostly kept from before, and 2 microseconds.
    """
    if not starts:
        return []
    booked = {
        at: count.count for at, count in counts.items() if starts[0] <= at < closes_at and count.count > 0
    }
    times = sorted({*starts, *booked})
    later = list(accumulate(booked.get(at, 0) for at in reversed(times)))[::-1]
    rooms = (
        promises_kept_max(agents, time=closes_at - at, handle_time=handle_time, kept_ratio=kept_ratio) - taken
        for at, taken in zip(times, later, strict=True)
    )
    least = dict(zip(times, accumulate(rooms, min), strict=True))
    return [max(least[at], 0) for at in starts]


# ---------------------------------------------------------------------------- one day for one who asks


@attrs.frozen(kw_only=True)
class Asker:
    """Who asks for slots: of which queue and under which policy, with which priority, and when."""

    queue: QueueName
    policy: SlotPolicy
    priority: int
    now: datetime

    def may_book(self, at: datetime) -> bool:
        """Whether a slot that begins then is neither too soon nor beyond the horizon."""
        return self.now + self.policy.lead_min <= at <= self.now + self.policy.horizon


@attrs.frozen(kw_only=True)
class DayPlan:
    """
    The slots of one local day, before anything is known of what is taken.

    Args:
        starts: when they begin, in order.
        seats: how many each of them has, with overbooking.
        known: the day's row, if there is one.
        rules: what `rules_of` says of the day. Where `known` names other rules, or there are none, it says nothing.
    """

    day: date
    starts: Sequence[datetime]
    seats: Sequence[int]
    known: SlotDay | None = None
    rules: str = ""

    @property
    def is_full(self) -> bool:
        """Whether it is known, without any counter, that no slot has a usual seat left."""
        known = self.known
        if known is None or not self.rules or known.rules != self.rules:
            return False
        return known.full_count >= len(self.starts)


def day_slots(
    plan: DayPlan,
    *,
    counts: Mapping[datetime, SlotCount],
    asker: Asker,
    rooms: Sequence[int] | None = None,
) -> list[Slot]:
    """
    Return all slots of a day, each with what is free for the one who asks.

    Free is what the seats and the room before closing allow; nothing where it is too soon or beyond the horizon.

    Args:
        counts: what is taken, each under its time; none where nothing ever was.
        rooms: as `rooms_before_closing` says, for each slot; None: no such limit.

    Cost: 2 microseconds for each slot.
    """
    limits = plan.seats if rooms is None else rooms
    return [
        _slot(at, seats=seats, room=room, count=counts.get(at), asker=asker)
        for at, seats, room in zip(plan.starts, plan.seats, limits, strict=True)
    ]


def _slot(at: datetime, *, seats: int, room: int, count: SlotCount | None, asker: Asker) -> Slot:
    free = 0
    if asker.may_book(at):
        free = min(free_for(count, seats=seats, policy=asker.policy, priority=asker.priority), room)
    return Slot(
        queue=asker.queue,
        starts_at=at,
        ends_at=at + asker.policy.length,
        free_count=free,
        seats_count=seats,
        taken_count=0 if count is None else count.count,
    )


def next_free(
    plans: Iterable[DayPlan],
    *,
    asker: Asker,
    counts_of: Callable[[DayPlan], Mapping[datetime, SlotCount]],
    rooms_of: Callable[[DayPlan, Mapping[datetime, SlotCount]], Sequence[int]] | None = None,
) -> Iterator[Slot]:
    """
    Return the slots that are free for the one who asks, in order; each day is looked at when it is needed.

    Counters are asked for only of days that can have one: not of a day all of whose slots are too soon or beyond the
    horizon, and not of one that is known to be full, unless the one who asks may use kept seats. It ends with the first
    day that begins beyond the horizon.

    Args:
        plans: days in order. They may be endless, if some of them have slots.
        counts_of: what is taken on a day, each under its time.
        rooms_of: the rooms before closing of a day; None: no such limit.
    """
    uses_kept = may_use_kept(asker.priority, policy=asker.policy)
    latest = asker.now + asker.policy.horizon
    for plan in plans:
        if plan.starts and plan.starts[0] > latest:
            return
        if (plan.is_full and not uses_kept) or not any(map(asker.may_book, plan.starts)):
            continue
        counts = counts_of(plan)
        rooms = None if rooms_of is None else rooms_of(plan, counts)
        slots = day_slots(plan, counts=counts, asker=asker, rooms=rooms)
        yield from (slot for slot in slots if slot.free_count > 0)


# ---------------------------------------------------------------------------- days that are full


def full_count(plan: DayPlan, *, counts: Mapping[datetime, SlotCount], policy: SlotPolicy) -> int:
    """Return how many slots of a day have no usual seat left; one without any seats is such a slot."""
    return sum(
        usual_free(counts.get(at), seats=seats, policy=policy) == 0
        for at, seats in zip(plan.starts, plan.seats, strict=True)
    )


def rules_of(policy: SlotPolicy, *, seats: Sequence[int], zone: str, hours_fingerprint: str) -> str:
    """
    Return a text that names the settings under which a `SlotDay.full_count` holds: 16 hexadecimal digits.

    They are what the slots of the day and their usual seats are made of. The same in every process and on every
    machine.

    Args:
        seats: how many each slot of the day has, with overbooking. So neither the handle time nor a provider is
            named: only a change of seats matters.
        hours_fingerprint: a text that is another one when the opening hours are.

    Cost: 3 microseconds, and 0.06 for each slot.
    """
    settings = (
        "slots-1",
        zone,
        hours_fingerprint,
        policy.length // timedelta.resolution,
        policy.step // timedelta.resolution,
        policy.retry_seats,
        policy.kept_seats,
        tuple(seats),
    )
    return blake2b(repr(settings).encode(), digest_size=8).hexdigest()


def in_zone(rules: str, *, zone: str) -> str:
    """Return what `SlotDay.rules` keeps: what `rules_of` says, and before it the zone in which the day is one."""
    return f"{zone} {rules}"


def may_be_of(known: SlotDay, at: datetime) -> bool:
    """
    Whether a slot that begins then is of the day of a row, as far as is known: yes, where its rules name no zone.

    Cost: 20 microseconds.

    >>> from callbackq.ids import DEFAULT_TENANT
    >>> monday = SlotDay(
    ...     tenant_id=DEFAULT_TENANT,
    ...     queue=QueueName("support"),
    ...     day="2026-03-09",
    ...     rules="America/New_York 1a",
    ... )
    >>> at = datetime.fromisoformat("2026-03-10T03:00:00+00:00")
    >>> may_be_of(monday, at), may_be_of(monday, at + timedelta(hours=1))
    (True, False)
    """
    try:
        return day_of(at, zone=known.rules.partition(" ")[0]).isoformat() == known.day
    except InvalidText:
        return True


# ---------------------------------------------------------------------------- which one


def nearest(slots: Iterable[Slot], *, at: datetime, limit: int) -> list[Slot]:
    """Return the free slots that begin nearest to *at*, in order of time; of two equally near ones the later first."""
    free = (slot for slot in slots if slot.free_count > 0)
    found = heapq.nsmallest(limit, free, key=lambda slot: (abs(slot.starts_at - at), slot.starts_at < at))
    return sorted(found, key=lambda slot: slot.starts_at)

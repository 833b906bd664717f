"""
How many callbacks a slot takes, and how its seats are counted.

Of all seats of a slot, `retry_seats` are booked by nobody, and `kept_seats` only for priorities of `kept_priority_max`
or better. Who may use kept seats takes those first, and usual ones when they are gone; all others take usual ones.
So, whatever the order of bookings, and as long as the settings stay the same:

- all that are taken are at most seats - `retry_seats`;
- kept ones that are taken are at most `kept_seats`;
- others never get one of the last `kept_seats`.

When a slot comes to have fewer seats than are taken, nothing is free until enough were given back.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from datetime import datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate
from typing import Final, assert_never

import attrs

from callbackq.ids import QueueName, TenantId
from callbackq.model import SeatKind, SlotCount
from callbackq.policy.slots import SEATS_MAX, FixedSeats, SlotPolicy, StaffedSeats

BOOKED_MAX: Final = 1_000_000
"""No slot is booked more often, however few are reached."""
STARTS_MAX: Final = 1_000_000
"""No more calls than this are ever expected to begin in a time: more count as so many."""
_SLACK: Final = 1e-9
_LEAST: Final = 1e-20
_LEAST_FAR: Final = 1e-300


# ---------------------------------------------------------------------------- how many there are


def staffed_seats(agents: int, *, length: timedelta, handle_time: timedelta, share_ratio: float) -> int:
    """
    Return agents x length / handle time x share, rounded down; at most 10,000.

    Exact: times are whole microseconds, and the share is the decimal number of 12 digits that is nearest to it. So a
    share of 0.29 is 29/100, and one of 0.7 + 0.1, which is 0.7999999999999999, is 4/5: no seat is lost to rounding.

    Args:
        handle_time: above 0.

    Cost: 10 microseconds.

    >>> half_hour, five_minutes = timedelta(minutes=30), timedelta(minutes=5)
    >>> staffed_seats(10, length=half_hour, handle_time=five_minutes, share_ratio=0.7 + 0.1)
    48
    """
    unit = timedelta.resolution
    handled = agents * Fraction(length // unit, handle_time // unit)
    return min(math.floor(handled * Fraction(f"{share_ratio:.12g}")), SEATS_MAX)


def seats_of(policy: SlotPolicy, *, handle_time: timedelta) -> int | None:
    """
    Return how many seats each slot has, with overbooking; None where the host's provider says, slot by slot.

    >>> seats_of(SlotPolicy(seats=FixedSeats(seats=10), show_ratio=0.7), handle_time=timedelta(minutes=5))
    11
    """
    match policy.seats:
        case None:
            return None
        case FixedSeats(seats=seats):
            found = seats
        case StaffedSeats(agents=agents, share_ratio=share_ratio):
            found = staffed_seats(
                agents, length=policy.length, handle_time=handle_time, share_ratio=share_ratio
            )
        case _:
            assert_never(policy.seats)
    return with_overbooking(policy, seats=found)


def with_overbooking(policy: SlotPolicy, *, seats: int) -> int:
    """
    Return how many seats a slot of *seats* seats has when as many more are booked as the policy's risk permits.

    What is booked and what is reached is compared with the seats that can be booked: those for second attempts are
    left out before, and added again. What a provider said is taken as 0 to 10,000.

    >>> with_overbooking(SlotPolicy(seats=None, show_ratio=0.5), seats=10)
    14
    >>> with_overbooking(SlotPolicy(seats=None, show_ratio=0.5, retry_seats=10), seats=20)
    24
    """
    there = min(max(seats, 0), SEATS_MAX)
    if policy.show_ratio is None:
        return there
    retry = min(policy.retry_seats, there)
    return retry + overbooked(
        there - retry, show_ratio=policy.show_ratio, risk_ratio=policy.overbook_risk_ratio
    )


# ---------------------------------------------------------------------------- how many may be booked


def overbooked(seats: int, *, show_ratio: float, risk_ratio: float) -> int:
    """
    Return how many bookings *seats* seats bear: the most, B, with P(Bin(B, show) > seats) <= risk; at least *seats*.

    A risk that is above *risk_ratio* by less than a billionth of it is still taken as equal to it. Never more than
    1,000,000.

    Args:
        seats: 0 to 10,000.
        show_ratio: the share of booked customers who are reached. Above 0, to 1.
        risk_ratio: above 0, to 0.5.

    Cost: 0.02 ms for 20 seats, 0.7 ms for 1,000, up to 15 ms for 10,000, and 40 ms where less than 5 % are reached; the
        last 4,096 answers are kept.

    >>> [overbooked(20, show_ratio=show, risk_ratio=0.05) for show in (0.93, 0.8, 0.7, 0.5)]
    [20, 22, 24, 31]
    """
    return _overbooked(seats, show_ratio, risk_ratio)


@lru_cache(maxsize=4_096)
def _overbooked(seats: int, show_ratio: float, risk_ratio: float) -> int:
    if seats == 0:
        return 0
    # With a mean above the seats by one, more are reached than there are seats in half of all cases or more.
    most = math.ceil(min((seats + 1) / show_ratio + 1, BOOKED_MAX))
    more = range(seats + 1, most + 1)
    bearable = risk_ratio * (1 + _SLACK)
    return seats + bisect_right(
        more, bearable, key=lambda booked: risk_of(booked, seats=seats, show_ratio=show_ratio)
    )


def risk_of(booked: int, *, seats: int, show_ratio: float) -> float:
    """
    Return the probability that more of those booked are reached than there are seats: P(Bin(booked, show) > seats).

    The terms are summed about their peak and divided by their own sum, as in `promises_kept_max`: within 1e-11 of it,
    relatively; 0 where it is less than 1e-280.

    Args:
        show_ratio: the share of booked customers who are reached. Above 0, to 1.

    Cost: 10 microseconds for 20 bookings, 0.6 ms for 10,000.

    >>> round(risk_of(11, seats=10, show_ratio=0.93), 6)
    0.450104
    """
    if booked <= seats:
        return 0.0
    if show_ratio == 1:
        return 1.0
    odds = show_ratio / (1 - show_ratio)
    mode = min(math.floor((booked + 1) * show_ratio), booked)
    first, weights = _weights(mode, growth=lambda k: (booked - k + 1) / k * odds, least=_LEAST_FAR)
    return math.fsum(weights[max(seats + 1 - first, 0) :]) / math.fsum(weights)


# ---------------------------------------------------------------------------- how many can be kept


def promises_kept_max(agents: int, *, time: timedelta, handle_time: timedelta, kept_ratio: float) -> int:
    """
    Return how many promises all begin within a time with probability *kept_ratio* or more.

    While all agents are busy, calls end as a Poisson process of rate agents / handle time, and each end lets one
    begin: the most, k, with 1 - PoissonCDF(k - 1; agents x time / handle time) >= kept_ratio. The Poisson terms are
    summed about their peak, where they are largest, and divided by their own sum: no logarithm, nothing overflows.

    Args:
        time: until closing; 0 or less for none.
        handle_time: above 0.
        kept_ratio: above 0, and below 1.

    Cost: 20 microseconds for 10 ends, 0.2 ms for 1,000, 6 ms for 1,000,000; the last 4,096 answers are kept.

    >>> five_minutes = timedelta(minutes=5)
    >>> promises_kept_max(5, time=timedelta(hours=1), handle_time=five_minutes, kept_ratio=0.95)
    48
    """
    return _kept_max(_starts_expected(agents, time, handle_time), kept_ratio)


def kept_probability(promises: int, *, agents: int, time: timedelta, handle_time: timedelta) -> float:
    """
    Return the probability that so many promises all begin within a time: see `promises_kept_max`.

    Within 1e-11.

    >>> quarter, five_minutes = timedelta(minutes=15), timedelta(minutes=5)
    >>> round(kept_probability(20, agents=10, time=quarter, handle_time=five_minutes), 6)
    0.978127
    """
    if promises <= 0:
        return 1.0
    first, weights = _poisson(_starts_expected(agents, time, handle_time))
    return math.fsum(weights[max(promises - first, 0) :]) / math.fsum(weights)


@lru_cache(maxsize=4_096)
def _kept_max(expected: float, kept_ratio: float) -> int:
    first, weights = _poisson(expected)
    missed = math.fsum(weights) * (1 - kept_ratio)
    # k promises are missed if k - 1 or fewer calls end: k is the number of sums of weights that are borne.
    return first + bisect_right(list(accumulate(weights)), missed)


def _starts_expected(agents: int, time: timedelta, handle_time: timedelta) -> float:
    return min(max(agents * (time / handle_time), 0.0), float(STARTS_MAX))


def _poisson(mean: float) -> tuple[int, list[float]]:
    return _weights(math.floor(mean), growth=lambda k: mean / k, least=_LEAST)


def _weights(mode: int, *, growth: Callable[[int], float], least: float) -> tuple[int, list[float]]:
    """
    Return the weights of 0, 1, 2 ... about a peak, and the number that the first of them is of. That of the peak is 1.

    Each weight is `growth(k)` times the one of k - 1. Those before the first are below 1e-20 and fall faster and
    faster, those after the last are below *least*.
    """
    above = [1.0]
    while above[-1] > least:
        above.append(above[-1] * growth(mode + len(above)))
    below: list[float] = []
    weight, first = 1.0, mode
    while first > 0 and weight > _LEAST:
        weight /= growth(first)
        first -= 1
        below.append(weight)
    return first, below[::-1] + above


# ---------------------------------------------------------------------------- which are free


def free_for(count: SlotCount | None, *, seats: int, policy: SlotPolicy, priority: int) -> int:
    """
    Return how many seats of a slot one of that priority could still take; 0 if more are taken than there are.

    Args:
        count: what is taken; None if nothing ever was.
        seats: how many the slot has, with overbooking.

    >>> policy = SlotPolicy(seats=None, kept_seats=2, kept_priority_max=9, retry_seats=1)
    >>> (
    ...     free_for(None, seats=10, policy=policy, priority=100),
    ...     free_for(None, seats=10, policy=policy, priority=9),
    ... )
    (7, 9)
    """
    if not may_use_kept(priority, policy=policy):
        return usual_free(count, seats=seats, policy=policy)
    return max(seats - policy.retry_seats - (0 if count is None else count.count), 0)


def usual_free(count: SlotCount | None, *, seats: int, policy: SlotPolicy) -> int:
    """Return how many seats of a slot those could still take who may not use kept ones."""
    usual, kept = (0, 0) if count is None else (count.usual_count, count.kept_count)
    return max(seats - policy.retry_seats - usual - max(kept, policy.kept_seats), 0)


def may_use_kept(priority: int, *, policy: SlotPolicy) -> bool:
    """Whether there are kept seats, and one of that priority may use them."""
    return policy.kept_seats > 0 and priority <= policy.kept_priority_max


def seat_for(priority: int, *, count: SlotCount | None, policy: SlotPolicy) -> SeatKind:
    """
    Return which seat one of that priority takes, if one is free: a kept one if they may and one is left.

    >>> policy = SlotPolicy(seats=None, kept_seats=1, kept_priority_max=9)
    >>> seat_for(5, count=None, policy=policy), seat_for(10, count=None, policy=policy)
    (<SeatKind.KEPT: 'kept'>, <SeatKind.USUAL: 'usual'>)
    """
    kept_left = policy.kept_seats - (0 if count is None else count.kept_count)
    return SeatKind.KEPT if kept_left > 0 and may_use_kept(priority, policy=policy) else SeatKind.USUAL


# ---------------------------------------------------------------------------- taken and given back


def taken(
    count: SlotCount | None, *, kind: SeatKind, tenant_id: TenantId, queue: QueueName, slot_at: datetime
) -> SlotCount:
    """
    Return the counter with one seat more taken. Whether one is free is not looked at: see `free_for`.

    Args:
        count: the counter of that slot; None if there is none: then a first version is made.
    """
    if count is None:
        new = SlotCount(tenant_id=tenant_id, queue=queue, slot_at=slot_at)
        return _changed(new, kind=kind, by=1, version=1)
    return _changed(count, kind=kind, by=1, version=count.version + 1)


def given_back(count: SlotCount, *, kind: SeatKind) -> SlotCount:
    """Return the counter with one seat less taken. One of that kind was: nothing can be given back twice."""
    return _changed(count, kind=kind, by=-1, version=count.version + 1)


def _changed(count: SlotCount, *, kind: SeatKind, by: int, version: int) -> SlotCount:
    usual = count.usual_count + (by if kind == SeatKind.USUAL else 0)
    kept = count.kept_count + (by if kind == SeatKind.KEPT else 0)
    assert min(usual, kept) >= 0, f"more {kind} seats were given back than taken"
    return attrs.evolve(count, version=version, usual_count=usual, kept_count=kept)

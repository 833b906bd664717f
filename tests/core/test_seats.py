"""Seats: held against exact arithmetic, and against random sequences of bookings that never take one too many."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.seats import (
    BOOKED_MAX,
    STARTS_MAX,
    free_for,
    given_back,
    kept_probability,
    may_use_kept,
    overbooked,
    promises_kept_max,
    risk_of,
    seat_for,
    seats_of,
    staffed_seats,
    taken,
    usual_free,
    with_overbooking,
)
from callbackq.ids import DEFAULT_TENANT
from callbackq.model import SeatKind, SlotCount
from callbackq.policy.slots import SEATS_MAX, FixedSeats, SlotPolicy, StaffedSeats
from core.samples import LAW, START, SUPPORT, H, M, S

HANDLE = 5 * M
ANYBODY, GOLD = 100, 5


def a_policy(**changes: Any) -> SlotPolicy:
    return SlotPolicy(**({"seats": None} | changes))


def a_count(usual: int = 0, kept: int = 0) -> SlotCount:
    return SlotCount(
        tenant_id=DEFAULT_TENANT, queue=SUPPORT, slot_at=START, version=7, usual_count=usual, kept_count=kept
    )


# ---------------------------------------------------------------------------- staffed seats


@pytest.mark.parametrize(
    ("agents", "length", "handle_time", "share_ratio", "expected"),
    [
        (10, 30 * M, HANDLE, 0.5, 30),
        (0, 30 * M, HANDLE, 0.5, 0),
        (3, 10 * M, 7 * M, 1.0, 4),
        (3, 10 * M, 7 * M, 1, 4),
        (1, 1 * M, 24 * H, 1.0, 0),
        (100, HANDLE, HANDLE, 0.29, 29),  # 28.999999999999996 with floats
        (10, HANDLE, HANDLE, 0.7 + 0.1, 8),  # 0.7999999999999999
        (10, HANDLE, HANDLE, 0.1 + 0.2, 3),
        (10, HANDLE, HANDLE, 0.29999, 2),
        (10, HANDLE, HANDLE, 1e-5, 0),
        (SEATS_MAX, HANDLE, HANDLE, 1e-4, 1),
        (SEATS_MAX, 8 * H, S, 1.0, SEATS_MAX),
    ],
)
def test_staffed_seats(
    agents: int, length: timedelta, handle_time: timedelta, share_ratio: float, expected: int
) -> None:
    found = staffed_seats(agents, length=length, handle_time=handle_time, share_ratio=share_ratio)
    assert found == expected


@LAW
@given(
    agents=st.integers(0, 1_000),
    length_us=st.integers(60_000_000, 28_800_000_000),
    handle_us=st.integers(1_000_000, 86_400_000_000),
    hundredths=st.integers(1, 100),
)
def test_no_seat_is_lost_to_rounding(agents: int, length_us: int, handle_us: int, hundredths: int) -> None:
    found = staffed_seats(
        agents,
        length=timedelta(microseconds=length_us),
        handle_time=timedelta(microseconds=handle_us),
        share_ratio=hundredths / 100,
    )
    assert found == min(agents * length_us * hundredths // (handle_us * 100), SEATS_MAX)


def test_the_seats_of_a_policy() -> None:
    assert seats_of(a_policy(), handle_time=HANDLE) is None
    assert seats_of(a_policy(seats=FixedSeats(seats=7)), handle_time=HANDLE) == 7
    staffed = StaffedSeats(agents=10, share_ratio=0.25)
    assert seats_of(a_policy(seats=staffed), handle_time=HANDLE) == 15
    assert seats_of(a_policy(seats=staffed, show_ratio=0.5), handle_time=HANDLE) == overbooked(
        15, show_ratio=0.5, risk_ratio=0.05
    )


@pytest.mark.parametrize(
    ("provided", "changes", "expected"),
    [
        (10, {}, 10),
        (-1, {}, 0),
        (SEATS_MAX + 1, {}, SEATS_MAX),
        (10, {"show_ratio": 0.5}, 14),
        (10, {"show_ratio": 0.5, "overbook_risk_ratio": 0.02}, 13),
        (0, {"show_ratio": 0.5}, 0),
        (-1, {"show_ratio": 0.5}, 0),
        (13, {"show_ratio": 0.5, "retry_seats": 3}, 17),
        (3, {"show_ratio": 0.5, "retry_seats": 5}, 3),
    ],
)
def test_overbooking_of_what_a_provider_says(provided: int, changes: dict[str, Any], expected: int) -> None:
    assert with_overbooking(a_policy(**changes), seats=provided) == expected


# ---------------------------------------------------------------------------- overbooking


def risk_exact(booked: int, seats: int, show: Fraction) -> Fraction:
    """P(Bin(booked, show) > seats), by fractions: nothing is rounded."""
    numerator, denominator = show.numerator, show.denominator
    missing = denominator - numerator
    term = math.comb(booked, seats + 1) * numerator ** (seats + 1) * missing ** (booked - seats - 1)
    total = 0
    for k in range(seats + 1, booked + 1):
        total += term
        term = term * (booked - k) * numerator // ((k + 1) * missing)
    return Fraction(total, denominator**booked)


@pytest.mark.parametrize(
    ("seats", "show", "expected", "risk"),
    [
        (10, 0.93, 10, 0.0),
        (10, 0.8, 10, 0.0),
        (10, 0.7, 11, 0.019773),
        (10, 0.5, 14, 0.028687),
        (20, 0.8, 22, 0.047962),
        (20, 0.7, 24, 0.042398),
        (20, 0.5, 31, 0.035378),
    ],
)
def test_the_figures_of_overbooking(seats: int, show: float, expected: int, risk: float) -> None:
    assert overbooked(seats, show_ratio=show, risk_ratio=0.05) == expected
    assert risk_of(expected, seats=seats, show_ratio=show) == pytest.approx(risk, abs=5e-7)


def test_one_more_than_ten_with_93_percent() -> None:
    assert risk_of(11, seats=10, show_ratio=0.93) == pytest.approx(0.450104, abs=5e-7)


@pytest.mark.parametrize("seats", range(21))
def test_who_nearly_always_answer_are_never_overbooked(seats: int) -> None:
    assert overbooked(seats, show_ratio=0.93, risk_ratio=0.05) == seats


@LAW
@given(
    seats=st.integers(1, 40),
    tenths=st.integers(1, 9),
    risk=st.sampled_from([1e-12, 0.01, 0.05, 0.1, 0.25, 0.5]),
)
def test_the_most_that_the_risk_permits_and_not_one_more(seats: int, tenths: int, risk: float) -> None:
    booked = overbooked(seats, show_ratio=tenths / 10, risk_ratio=risk)
    show, allowed = Fraction(tenths, 10), Fraction(f"{risk}")
    assert booked == seats or risk_exact(booked, seats, show) <= allowed
    assert risk_exact(booked + 1, seats, show) > allowed


@pytest.mark.parametrize(("show", "risk", "expected"), [(0.1, 0.01, 2), (0.5, 0.25, 2), (0.5, 0.5, 3)])
def test_a_risk_that_is_just_reached_is_borne(show: float, risk: float, expected: int) -> None:
    assert overbooked(1, show_ratio=show, risk_ratio=risk) == expected


@pytest.mark.parametrize(("show", "numerator", "denominator"), [(0.8, 4, 5), (0.5, 1, 2), (0.95, 19, 20)])
def test_ten_thousand_seats(show: float, numerator: int, denominator: int) -> None:
    booked = overbooked(10_000, show_ratio=show, risk_ratio=0.05)
    exact = [risk_exact(each, 10_000, Fraction(numerator, denominator)) for each in (booked, booked + 1)]
    assert exact[0] <= Fraction(1, 20) < exact[1]
    assert risk_of(booked, seats=10_000, show_ratio=show) == pytest.approx(float(exact[0]), rel=1e-11)


@pytest.mark.parametrize(
    ("booked", "seats"), [(12, 10), (40, 20), (200, 100), (200, 199), (1_000, 600), (1_000, 950)]
)
def test_small_risks_are_exact_too(booked: int, seats: int) -> None:
    exact = float(risk_exact(booked, seats, Fraction(1, 2)))
    assert risk_of(booked, seats=seats, show_ratio=0.5) == pytest.approx(exact, rel=1e-11)


@pytest.mark.parametrize(
    ("booked", "seats", "show", "expected"),
    [
        (10, 10, 0.5, 0.0),
        (9, 10, 1.0, 0.0),
        (11, 10, 1.0, 1.0),
        (11, 10, 1, 1.0),
        (1, 0, 0.25, 0.25),
        (2, 0, 0.5, 0.75),
        (10_000, 10, 0.5, 1.0),
        (11, 10, math.nextafter(1, 0), 1.0),
        (100, 10, 1e-300, 0.0),
        (100, 10, 5e-324, 0.0),
    ],
)
def test_the_risk_at_its_edges(booked: int, seats: int, show: float, expected: float) -> None:
    assert risk_of(booked, seats=seats, show_ratio=show) == pytest.approx(expected, rel=1e-12, abs=1e-250)


@pytest.mark.parametrize(
    ("seats", "show", "expected"),
    [(0, 0.5, 0), (10, 1.0, 10), (10, 1, 10), (10_000, 1.0, 10_000), (10, 5e-324, BOOKED_MAX)],
)
def test_overbooking_at_its_edges(seats: int, show: float, expected: int) -> None:
    assert overbooked(seats, show_ratio=show, risk_ratio=0.05) == expected


@LAW
@given(booked=st.integers(0, 300), seats=st.integers(0, 300), show=st.floats(0.001, 1))
def test_a_risk_grows_with_bookings_and_falls_with_seats(booked: int, seats: int, show: float) -> None:
    risk = risk_of(booked, seats=seats, show_ratio=show)
    assert 0 <= risk <= 1
    assert risk <= risk_of(booked + 1, seats=seats, show_ratio=show) * (1 + 1e-12)
    assert risk >= risk_of(booked, seats=seats + 1, show_ratio=show) * (1 - 1e-12)


# ---------------------------------------------------------------------------- what can be kept


@pytest.mark.parametrize(
    ("agents", "seconds", "expected"),
    [
        (5, 600, 5),
        (5, 900, 9),
        (5, 1_800, 21),
        (5, 3_600, 48),
        (10, 600, 13),
        (10, 900, 21),
        (10, 1_800, 48),
        (10, 3_600, 102),
        (50, 600, 84),
        (50, 900, 130),
        (50, 1_800, 272),
        (50, 3_600, 560),
    ],
)
def test_the_figures_before_closing(agents: int, seconds: int, expected: int) -> None:
    time = timedelta(seconds=seconds)
    assert promises_kept_max(agents, time=time, handle_time=HANDLE, kept_ratio=0.95) == expected
    assert kept_probability(expected, agents=agents, time=time, handle_time=HANDLE) >= 0.95
    assert kept_probability(expected + 1, agents=agents, time=time, handle_time=HANDLE) < 0.95


def test_twenty_promises_of_ten_agents_in_a_quarter() -> None:
    assert kept_probability(20, agents=10, time=15 * M, handle_time=HANDLE) == pytest.approx(
        0.978127, abs=5e-7
    )


def kept_exact(promises: int, mean: int) -> float:
    """1 - PoissonCDF(promises - 1; mean): the sum is exact, and only exp(-mean) is rounded, to 60 digits."""
    total = sum(Fraction(mean**i, math.factorial(i)) for i in range(promises))
    with localcontext() as context:
        context.prec = 60
        return float(1 - Decimal(total.numerator) / Decimal(total.denominator) * Decimal(-mean).exp())


@LAW
@given(mean=st.integers(0, 150), promises=st.integers(0, 250))
def test_the_probability_against_exact_sums(mean: int, promises: int) -> None:
    found = kept_probability(promises, agents=mean, time=HANDLE, handle_time=HANDLE)
    assert found == pytest.approx(kept_exact(promises, mean), abs=1e-13)


@LAW
@given(
    agents=st.integers(0, 200),
    minutes=st.integers(-60, 600),
    handle_s=st.integers(1, 1_800),
    ratio=st.floats(0.5, 0.999),
)
def test_the_most_that_can_be_kept_and_not_one_more(
    agents: int, minutes: int, handle_s: int, ratio: float
) -> None:
    time, handle_time = minutes * M, handle_s * S
    most = promises_kept_max(agents, time=time, handle_time=handle_time, kept_ratio=ratio)
    kept, missed = (
        kept_probability(promises, agents=agents, time=time, handle_time=handle_time)
        for promises in (most, most + 1)
    )
    assert kept >= ratio - 1e-12
    assert missed < ratio + 1e-12
    assert most <= promises_kept_max(agents + 1, time=time + M, handle_time=handle_time, kept_ratio=ratio)


@pytest.mark.parametrize("time", [timedelta(0), -H])
def test_nothing_can_be_kept_after_closing(time: timedelta) -> None:
    assert promises_kept_max(5, time=time, handle_time=HANDLE, kept_ratio=0.5) == 0
    assert kept_probability(1, agents=5, time=time, handle_time=HANDLE) == 0
    assert kept_probability(0, agents=5, time=time, handle_time=HANDLE) == 1


def test_a_million_calls() -> None:
    """At that size the law is the normal one, skewed a little: mean - z sd + (z^2 - 1) / 6, to a half."""
    most = promises_kept_max(10_000, time=100 * HANDLE, handle_time=HANDLE, kept_ratio=0.95)
    z = 1.6448536269514722
    # The k-th comes in time unless k - 1 or fewer come: P(N <= k - 1) <= 5 %.
    assert most == pytest.approx(STARTS_MAX - z * 1_000 + (z * z - 1) / 6 + 0.5, abs=1)
    assert kept_probability(most, agents=10_000, time=100 * HANDLE, handle_time=HANDLE) == pytest.approx(
        0.95, abs=2e-4
    )
    longer = promises_kept_max(10_000, time=366 * 24 * H, handle_time=S, kept_ratio=0.95)
    assert longer == most


# ---------------------------------------------------------------------------- free, taken, given back


@pytest.mark.parametrize(
    ("usual", "kept", "seats", "for_anybody", "for_gold"),
    [
        (0, 0, 10, 7, 9),
        (7, 0, 10, 0, 2),
        (6, 2, 10, 1, 1),
        (0, 2, 10, 7, 7),
        (7, 2, 10, 0, 0),
        (0, 1, 10, 7, 8),
        (0, 5, 10, 4, 4),  # more were kept when these were booked
        (9, 2, 4, 0, 0),  # the slot came to have fewer seats
        (0, 0, 2, 0, 1),
        (0, 0, 1, 0, 0),
        (0, 0, 0, 0, 0),
    ],
)
def test_what_is_free(usual: int, kept: int, seats: int, for_anybody: int, for_gold: int) -> None:
    policy = a_policy(kept_seats=2, retry_seats=1)
    count = a_count(usual, kept)
    assert free_for(count, seats=seats, policy=policy, priority=ANYBODY) == for_anybody
    assert free_for(count, seats=seats, policy=policy, priority=GOLD) == for_gold
    assert usual_free(count, seats=seats, policy=policy) == for_anybody


def test_nobody_has_taken_anything_yet() -> None:
    policy = a_policy(kept_seats=2, retry_seats=1)
    assert free_for(None, seats=10, policy=policy, priority=ANYBODY) == 7
    assert free_for(None, seats=10, policy=policy, priority=GOLD) == 9


def test_whose_seats_are_kept() -> None:
    policy = a_policy(kept_seats=1, kept_priority_max=9)
    assert may_use_kept(9, policy=policy)
    assert not may_use_kept(10, policy=policy)
    assert not may_use_kept(0, policy=a_policy())


@pytest.mark.parametrize(
    ("priority", "kept", "expected"),
    [
        (GOLD, None, SeatKind.KEPT),
        (GOLD, 0, SeatKind.KEPT),
        (GOLD, 1, SeatKind.KEPT),
        (GOLD, 2, SeatKind.USUAL),
        (GOLD, 3, SeatKind.USUAL),
        (ANYBODY, None, SeatKind.USUAL),
        (ANYBODY, 0, SeatKind.USUAL),
    ],
)
def test_which_seat_is_taken(priority: int, kept: int | None, expected: SeatKind) -> None:
    count = None if kept is None else a_count(kept=kept)
    assert seat_for(priority, count=count, policy=a_policy(kept_seats=2)) == expected


@pytest.mark.parametrize("kind", SeatKind)
def test_a_seat_is_taken_and_given_back(kind: SeatKind) -> None:
    first = taken(None, kind=kind, tenant_id=DEFAULT_TENANT, queue=SUPPORT, slot_at=START)
    assert (first.version, first.count) == (1, 1)
    assert (first.tenant_id, first.queue, first.slot_at) == (DEFAULT_TENANT, SUPPORT, START)
    second = taken(first, kind=kind, tenant_id=DEFAULT_TENANT, queue=SUPPORT, slot_at=START)
    assert (second.version, second.count) == (2, 2)
    assert second.kept_count == (2 if kind == SeatKind.KEPT else 0)
    third = given_back(second, kind=kind)
    assert (third.version, third.count) == (3, 1)
    assert given_back(third, kind=kind).count == 0


@pytest.mark.parametrize("kind", SeatKind)
def test_no_seat_is_given_back_twice(kind: SeatKind) -> None:
    other = SeatKind.USUAL if kind == SeatKind.KEPT else SeatKind.KEPT
    with pytest.raises(AssertionError, match=f"more {kind} seats"):
        given_back(taken(None, kind=other, tenant_id=DEFAULT_TENANT, queue=SUPPORT, slot_at=START), kind=kind)


moves = st.lists(st.tuples(st.booleans(), st.sampled_from([0, 9, 10, 255]), st.integers(0, 30)), max_size=60)


@LAW
@given(seats=st.integers(0, 12), kept=st.integers(0, 8), retry=st.integers(0, 4), moves=moves)
def test_never_more_than_there_are(
    seats: int, kept: int, retry: int, moves: Sequence[tuple[bool, int, int]]
) -> None:
    policy = a_policy(kept_seats=kept, retry_seats=retry)
    count: SlotCount | None = None
    held: list[SeatKind] = []
    for takes, priority, which in moves:
        if takes and (free := free_for(count, seats=seats, policy=policy, priority=priority)) > 0:
            kind = seat_for(priority, count=count, policy=policy)
            count = taken(count, kind=kind, tenant_id=DEFAULT_TENANT, queue=SUPPORT, slot_at=START)
            held.append(kind)
            assert free_for(count, seats=seats, policy=policy, priority=priority) == free - 1
            # Others leave the kept seats alone.
            left = seats - retry - count.usual_count
            assert left >= (max(kept, count.kept_count) if priority > 9 or not kept else count.kept_count)
        elif not takes and held:
            assert count is not None
            count = given_back(count, kind=held.pop(which % len(held)))
        if count is not None:
            assert count.usual_count == held.count(SeatKind.USUAL)
            assert count.count == len(held) <= max(seats - retry, 0)
            assert count.kept_count <= kept

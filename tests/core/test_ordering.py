"""The order of a line: one integer for each place, which time never changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.ordering import (
    HEAD_START_MAX,
    RANK_MAX,
    booked_rank,
    check_head_start,
    check_priority,
    credit_us,
    rank,
)
from callbackq.errors import InvalidPriority
from callbackq.policy import STRICT_CREDIT, QueuePolicy
from core.samples import LAW, START, SUPPORT, D, H, M, S

STRICT = QueuePolicy(queue=SUPPORT)
AGEING = QueuePolicy(queue=SUPPORT, priority_credit=M)
NO_PRIORITY = QueuePolicy(queue=SUPPORT, priority_credit=timedelta(0))

FIRST_DAY = datetime(2000, 1, 1, tzinfo=UTC)
LAST_MOMENT = datetime(2099, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)

instants = st.datetimes(
    FIRST_DAY.replace(tzinfo=None), LAST_MOMENT.replace(tzinfo=None), timezones=st.just(UTC)
)
priorities = st.integers(0, 255)
credits_ = st.timedeltas(timedelta(0), timedelta(days=366))


def a_policy(credit: timedelta) -> QueuePolicy:
    return QueuePolicy(queue=SUPPORT, priority_credit=credit)


@pytest.mark.parametrize("priority", [0, 1, 100, 255])
def test_a_priority_is_returned_as_it_is(priority: int) -> None:
    """0 to 255 will do."""
    assert check_priority(priority) == priority


@pytest.mark.parametrize(
    ("priority", "shown"),
    [
        (-1, "-1"),
        (256, "256"),
        (2**53, "int"),
        pytest.param(10**5_000, "int", id="huge"),
        (1.0, "float"),
        (float("nan"), "float"),
        ("+12125550101", "str"),
        (None, "NoneType"),
        (True, "True"),
        ([1], "list"),
    ],
)
def test_what_is_no_priority_is_refused(priority: Any, shown: str) -> None:
    """Out of range, or no whole number: refused with what is allowed, and without a text that may be personal."""
    with pytest.raises(InvalidPriority) as caught:
        check_priority(priority)
    assert str(caught.value) == (f"priority is {shown}; allowed: a whole number, 0 (first) to 255 (last)")


class _Odd(timedelta):
    """A duration of another library: one may show, compare or subtract in its own way."""

    def __rsub__(self, other: Any) -> Any:
        return "odd"


@pytest.mark.parametrize(
    "head_start", [timedelta(0), H, -H, timedelta(microseconds=1), 7 * D, -7 * D, _Odd(days=-1, seconds=7)]
)
def test_a_head_start_is_taken(head_start: timedelta) -> None:
    """From 7 days later to 7 days earlier; what is kept is a plain duration."""
    read = check_head_start(head_start)
    assert read == head_start
    assert type(read) is timedelta
    assert HEAD_START_MAX == 7 * D


@pytest.mark.parametrize(
    ("head_start", "said"),
    [
        (7 * D + timedelta(microseconds=1), "a head start is 7 days, 0:00:00.000001; allowed: -7 to 7 days"),
        (-7 * D - timedelta(microseconds=1), "allowed: -7 to 7 days"),
        (timedelta.max, "allowed: -7 to 7 days"),
        (timedelta.min, "allowed: -7 to 7 days"),
        (_Odd(days=8), "a head start is 8 days, 0:00:00; allowed: -7 to 7 days"),
        (3600, "a head start is int; allowed: a timedelta"),
        (float("nan"), "a head start is float"),
        (float("inf"), "a head start is float"),
        (True, "a head start is bool"),
        (None, "a head start is NoneType"),
        ("1 h", "a head start is str"),
        (START, "a head start is datetime"),
    ],
)
def test_what_is_no_head_start_is_refused(head_start: Any, said: str) -> None:
    """Whatever a host's function answers: seconds as a number would be a guess, and nobody is ranked for years."""
    with pytest.raises(ValueError, match=r"^a head start is") as caught:
        check_head_start(head_start)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("policy", "priority", "expected"),
    [
        (STRICT, 255, 0),
        (STRICT, 254, 366 * 86_400_000_000),
        (STRICT, 0, 255 * 366 * 86_400_000_000),
        (AGEING, 254, 60_000_000),
        (AGEING, 0, 255 * 60_000_000),
        (NO_PRIORITY, 0, 0),
    ],
)
def test_the_credit_is_one_step_for_each_priority_above_the_last(
    policy: QueuePolicy, priority: int, expected: int
) -> None:
    """Whole microseconds."""
    assert credit_us(priority, policy=policy) == expected


@LAW
@given(priorities, credits_)
def test_the_credit_is_exact(priority: int, credit: timedelta) -> None:
    """Not one microsecond is lost on the way through seconds."""
    assert credit_us(priority, policy=a_policy(credit)) == (255 - priority) * (
        credit // timedelta(microseconds=1)
    )


@pytest.mark.parametrize(
    ("policy", "first", "second"),
    [
        # Who came first is first, to the microsecond.
        (STRICT, (START, 100), (START + timedelta(microseconds=1), 100)),
        # Strict: priority outweighs a wait of a year.
        (STRICT, (START + timedelta(days=365), 99), (START, 100)),
        (STRICT, (START + timedelta(days=365), 0), (START, 255)),
        # Ageing: a step of one minute outweighs 59 seconds, and not 61.
        (AGEING, (START + 59 * S, 99), (START, 100)),
        (AGEING, (START, 100), (START + 61 * S, 99)),
        (AGEING, (START + 9 * M + 59 * S, 90), (START, 100)),
        (AGEING, (START, 100), (START + 10 * M + S, 90)),
        # Without credit only time counts.
        (NO_PRIORITY, (START, 255), (START + timedelta(microseconds=1), 0)),
    ],
)
def test_the_first_place_has_the_lower_rank(
    policy: QueuePolicy, first: tuple[datetime, int], second: tuple[datetime, int]
) -> None:
    """Strict, ageing, and none: who is served first."""
    ranks = [rank(at, priority=priority, policy=policy) for at, priority in (first, second)]
    assert ranks[0] < ranks[1]


def test_a_step_that_is_just_made_up_for_is_a_tie() -> None:
    """One minute of waiting is worth one step of one minute: equal ranks, and the place id decides."""
    assert rank(START, priority=100, policy=AGEING) == rank(START + M, priority=99, policy=AGEING)


@pytest.mark.parametrize("credit", [timedelta(0), M, STRICT_CREDIT])
@pytest.mark.parametrize("at", [FIRST_DAY, START, LAST_MOMENT])
def test_every_rank_is_exact_everywhere(at: datetime, credit: timedelta) -> None:
    """For every priority, from 2000 to 2099: below 2**53, so a double, JSON and any BI tool hold it."""
    for priority in range(256):
        value = rank(at, priority=priority, policy=a_policy(credit))
        assert -(2**53) < value < 2**53
        assert int(float(value)) == value
    assert RANK_MAX == 2**53


@LAW
@given(instants, priorities, credits_)
def test_any_rank_is_exact(at: datetime, priority: int, credit: timedelta) -> None:
    """The same, for any instant and any policy."""
    assert abs(rank(at, priority=priority, policy=a_policy(credit))) < 2**53


@LAW
@given(instants, instants, priorities, credits_)
def test_an_earlier_entry_never_ranks_later(
    one: datetime, other: datetime, priority: int, credit: timedelta
) -> None:
    """Among equals in priority the order is the order of entry, exactly."""
    policy = a_policy(credit)
    ranks = rank(one, priority=priority, policy=policy), rank(other, priority=priority, policy=policy)
    assert (ranks[0] < ranks[1]) is (one < other)
    assert (ranks[0] == ranks[1]) is (one == other)


@LAW
@given(instants, priorities, priorities, credits_)
def test_a_higher_priority_never_ranks_later(at: datetime, one: int, other: int, credit: timedelta) -> None:
    """Among those who entered together, the lower number is first, or equal where priority has no credit."""
    policy = a_policy(credit)
    high, low = sorted((one, other))
    assert rank(at, priority=high, policy=policy) <= rank(at, priority=low, policy=policy)


@LAW
@given(
    st.tuples(instants, priorities),
    st.tuples(instants, priorities),
    credits_,
    st.timedeltas(timedelta(0), timedelta(days=3650)),
)
def test_the_order_of_two_places_never_changes(
    one: tuple[datetime, int], other: tuple[datetime, int], credit: timedelta, later: timedelta
) -> None:
    """By waiting time plus credit, at whatever time one looks, the order is that of the ranks."""
    policy = a_policy(credit)

    def merit(place: tuple[datetime, int], now: datetime) -> timedelta:
        at, priority = place
        return (now - at) + (255 - priority) * credit

    ranks = [rank(at, priority=priority, policy=policy) for at, priority in (one, other)]
    for now in (max(one[0], other[0]), max(one[0], other[0]) + later):
        assert (merit(one, now) > merit(other, now)) is (ranks[0] < ranks[1])
        assert (merit(one, now) == merit(other, now)) is (ranks[0] == ranks[1])


# ---------------------------------------------------------------------------- bookings


@LAW
@given(instants, st.timedeltas(-365 * D, 365 * D), priorities, credits_)
def test_a_booking_stands_before_all_that_have_no_slot(
    at: datetime, later: timedelta, priority: int, credit: timedelta
) -> None:
    """Before every place of any priority that entered a year before its time, or later; whatever the credit."""
    if FIRST_DAY <= at + later <= LAST_MOMENT:
        assert booked_rank(at) < rank(at + later, priority=priority, policy=a_policy(credit))


@LAW
@given(instants, instants)
def test_bookings_are_in_the_order_of_their_times(one: datetime, other: datetime) -> None:
    """To the microsecond, whatever their priorities are."""
    assert (booked_rank(one) < booked_rank(other)) is (one < other)
    assert (booked_rank(one) == booked_rank(other)) is (one == other)


@LAW
@given(instants)
def test_the_rank_of_a_booking_is_exact(at: datetime) -> None:
    """Whatever its time: below 2**53, so a double, JSON and any BI tool hold it."""
    for value in (booked_rank(at), booked_rank(FIRST_DAY), booked_rank(LAST_MOMENT)):
        assert -(2**53) < value < 2**53
        assert int(float(value)) == value


def test_a_booking_has_one_strict_step_more_than_the_best_priority() -> None:
    """As whole microseconds: 256 steps of 366 days."""
    best = rank(START, priority=0, policy=STRICT)
    assert best - booked_rank(START) == 366 * 86_400_000_000
    assert booked_rank(START + 366 * D) == best

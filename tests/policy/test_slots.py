"""The slots of a queue as a host writes them: every bound at both sides, and what contradicts another field."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from datetime import time, timedelta
from typing import Any

import attrs
import pytest

from callbackq.errors import ConfigurationError
from callbackq.model import GapPolicy, OverlapPolicy
from callbackq.policy import FixedSeats, QueuePolicy, SlotPolicy, Span, StaffedSeats, WeekHours, weekdays

S, M, H, D = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
US = timedelta(microseconds=1)
HOURS = WeekHours(zone="Europe/Berlin", week=weekdays(Span(time(9), time(17))))

DEFAULTS = {
    "seats": FixedSeats(seats=10_000),
    "length": 30 * M,
    "grid": None,
    "lead_min": 15 * M,
    "horizon": 4 * H,
    "hold_time": 30 * S,
    "kept_seats": 0,
    "kept_priority_max": 9,
    "retry_seats": 0,
    "show_ratio": None,
    "overbook_risk_ratio": 0.05,
    "closing_ratio": 0.95,
    "feed_max": 2 * M,
    "tolerance": 3 * M,
    "remind_before": 15 * M,
    "missing_time": GapPolicy.REFUSE,
    "double_time": OverlapPolicy.FIRST,
    "alternatives_max": 4,
}
DURATIONS = [
    ("length", M, 8 * H, "0:01:00 to 8:00:00"),
    ("grid", M, 8 * H, "0:01:00 to 8:00:00"),
    ("lead_min", 0 * S, 7 * D, "0:00:00 to 7 days, 0:00:00"),
    ("horizon", 15 * M, 366 * D, "0:15:00 to 366 days, 0:00:00"),
    ("hold_time", 5 * S, H, "0:00:05 to 1:00:00"),
    ("feed_max", 0 * S, 15 * M, "0:00:00 to 0:15:00"),
    ("tolerance", 0 * S, H, "0:00:00 to 1:00:00"),
    ("remind_before", M, 7 * D, "0:01:00 to 7 days, 0:00:00"),
]
COUNTS = [
    ("kept_seats", 10_000),
    ("kept_priority_max", 255),
    ("retry_seats", 10_000),
    ("alternatives_max", 20),
]
MEMBERS = [("missing_time", GapPolicy), ("double_time", OverlapPolicy)]
RATIOS = [("show_ratio", 1.0, "1"), ("overbook_risk_ratio", 0.5, "0.5")]
MAY_BE_NONE = {"grid", "remind_before", "show_ratio", "closing_ratio"}
NO_NUMBERS = [True, "0.5", float("nan"), float("inf"), [0.5], 1j]


def slots(**changes: Any) -> SlotPolicy:
    """Return a policy in which nothing contradicts the field that is looked at."""
    return SlotPolicy(**{**DEFAULTS, "lead_min": 0 * M, "horizon": 366 * D, **changes})


def a_queue(**changes: Any) -> QueuePolicy:
    return QueuePolicy(queue="support", **changes)


def refused(make: Callable[[], object]) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        make()
    return caught.value


def test_the_defaults_are_what_is_documented() -> None:
    """Every figure; and each field has its bounds below, or its own test."""
    policy = SlotPolicy(seats=FixedSeats(seats=10_000))
    assert attrs.asdict(policy, recurse=False) == DEFAULTS
    bounded = {name for table in (DURATIONS, COUNTS, MEMBERS, RATIOS) for name, *_ in table}
    assert set(DEFAULTS) - bounded == {"seats", "closing_ratio"}


@pytest.mark.parametrize(("field", "low", "high", "allowed"), DURATIONS)
def test_a_duration_at_its_bounds(field: str, low: timedelta, high: timedelta, allowed: str) -> None:
    """Both bounds will do; a microsecond beyond them does not; the refusal names field, value and bounds."""
    for value in (low, high):
        assert getattr(slots(**{field: value}), field) == value
    for value in (low - US, high + US, -D, timedelta.max, timedelta.min):
        error = refused(lambda value=value: slots(**{field: value}))  # type: ignore[misc]
        assert (error.field, error.allowed) == (f"SlotPolicy.{field}", allowed)
        assert str(error) == f"SlotPolicy.{field} is {value}; allowed: {allowed}"


@pytest.mark.parametrize("value", [30, 30.0, "30 s", None, True, [S]])
@pytest.mark.parametrize(("field", "low", "high", "allowed"), DURATIONS)
def test_a_duration_is_a_timedelta(
    field: str, low: timedelta, high: timedelta, allowed: str, value: Any
) -> None:
    """Seconds as a number would be a guess."""
    if value is None and field in MAY_BE_NONE:
        assert getattr(slots(**{field: None}), field) is None
        return
    error = refused(lambda: slots(**{field: value}))
    assert str(error) == f"SlotPolicy.{field} is {value!r}; allowed: a timedelta, {allowed}"


@pytest.mark.parametrize("value", [-1, 1.0, float("nan"), "1", None, True, [1]])
@pytest.mark.parametrize(("field", "most"), COUNTS)
def test_a_count_at_its_bounds(field: str, most: int, value: Any) -> None:
    """From 0 on; one more than its bound does not do; nor does what is no whole number."""
    for count in (0, most):
        assert getattr(slots(**{field: count}), field) == count
    for wrong in (value, most + 1):
        error = refused(lambda wrong=wrong: slots(**{field: wrong}))  # type: ignore[misc]
        assert str(error) == f"SlotPolicy.{field} is {wrong!r}; allowed: a whole number, 0 to {most}"


@pytest.mark.parametrize(("field", "most", "shown"), RATIOS)
def test_a_ratio_at_its_bounds(field: str, most: float, shown: str) -> None:
    """Above 0, to its bound, whole numbers too."""
    for value in (5e-324, 0.01, most / 2, most):
        assert getattr(slots(**{field: value}), field) == value
    for wrong in (0, 0.0, -0.1, most + 1e-9, 50, *NO_NUMBERS):
        error = refused(lambda wrong=wrong: slots(**{field: wrong}))  # type: ignore[misc]
        assert str(error) == f"SlotPolicy.{field} is {wrong!r}; allowed: a number above 0, to {shown}"
    if field not in MAY_BE_NONE:
        assert refused(lambda: slots(**{field: None})).field == f"SlotPolicy.{field}"


def test_the_probability_of_being_done_before_closing_at_its_bounds() -> None:
    """From one half to what nobody can promise; or no such limit."""
    for value in (None, 0.5, 0.95, 0.999):
        assert slots(closing_ratio=value).closing_ratio == value
    for wrong in (0.4999, 0.9991, 0, 1, *NO_NUMBERS):
        error = refused(lambda wrong=wrong: slots(closing_ratio=wrong))  # type: ignore[misc]
        assert str(error) == f"SlotPolicy.closing_ratio is {wrong!r}; allowed: a number, 0.5 to 0.999"


@pytest.mark.parametrize(("field", "kind"), MEMBERS)
def test_what_is_chosen_is_a_member(field: str, kind: Any) -> None:
    """Every member of the enum will do, and nothing like them: not even its text."""
    for member in kind:
        assert getattr(slots(**{field: member}), field) is member
    for wrong in (*(member.value for member in kind), None, True, 0):
        error = refused(lambda wrong=wrong: slots(**{field: wrong}))  # type: ignore[misc]
        assert str(error) == f"SlotPolicy.{field} is {wrong!r}; allowed: a member of {kind.__name__}"


# ---------------------------------------------------------------------------- seats


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda count: FixedSeats(seats=count), "FixedSeats.seats"),
        (lambda count: StaffedSeats(agents=count), "StaffedSeats.agents"),
    ],
)
def test_seats_at_their_bounds(make: Callable[[Any], object], field: str) -> None:
    """None at all is a slot that is always full."""
    name = field.partition(".")[2]
    for count in (0, 10_000):
        assert getattr(make(count), name) == count
    for wrong in (-1, 10_001, 1.0, True, None, "1"):
        error = refused(lambda wrong=wrong: make(wrong))  # type: ignore[misc]
        assert str(error) == f"{field} is {wrong!r}; allowed: a whole number, 0 to 10000"


def test_the_share_of_the_agents_at_its_bounds() -> None:
    """Above 0, to 1: half of their time, unless it is said."""
    assert StaffedSeats(agents=1).share_ratio == 0.5
    for share in (5e-324, 0.5, 1, 1.0):
        assert StaffedSeats(agents=1, share_ratio=share).share_ratio == share
    for wrong in (0, -0.5, 1.01, None, *NO_NUMBERS):
        error = refused(lambda wrong=wrong: StaffedSeats(agents=1, share_ratio=wrong))  # type: ignore[misc]
        assert str(error) == f"StaffedSeats.share_ratio is {wrong!r}; allowed: a number above 0, to 1"


@pytest.mark.parametrize("seats", [None, FixedSeats(seats=3), StaffedSeats(agents=3, share_ratio=0.25)])
def test_what_the_seats_of_a_slot_can_be(seats: Any) -> None:
    """A number, a number of agents, or what the host says."""
    assert SlotPolicy(seats=seats).seats is seats


@pytest.mark.parametrize("seats", [3, "three", True, FixedSeats, (3,), {"seats": 3}])
def test_what_are_no_seats_is_refused(seats: Any) -> None:
    """A bare number could be seats, or agents."""
    error = refused(lambda: SlotPolicy(seats=seats))
    assert error.field == "SlotPolicy.seats"
    assert "FixedSeats" in error.allowed
    assert "StaffedSeats" in error.allowed


# ---------------------------------------------------------------------------- what contradicts another field


@pytest.mark.parametrize("lead", [4 * H, 4 * H + US, 7 * D])
def test_a_slot_can_be_booked_before_it_is_beyond_the_horizon(lead: timedelta) -> None:
    """Else none ever could be."""
    assert SlotPolicy(seats=None, lead_min=4 * H - US).lead_min == 4 * H - US
    error = refused(lambda: SlotPolicy(seats=None, lead_min=lead))
    assert str(error) == f"SlotPolicy.lead_min is {lead}; allowed: less than the horizon, 4:00:00"


@pytest.mark.parametrize(
    ("kept", "retry", "field", "other"),
    [
        (6, 0, "kept_seats", "retry_seats"),
        (0, 6, "retry_seats", "kept_seats"),
        (3, 3, "retry_seats", "kept_seats"),
        (6, 6, "kept_seats", "retry_seats"),
    ],
)
def test_no_more_seats_are_kept_than_there_are(kept: int, retry: int, field: str, other: str) -> None:
    """The one that is too much is named; where nobody knows how many there are, any number will do."""
    for seats in (None, StaffedSeats(agents=1), FixedSeats(seats=12)):
        assert SlotPolicy(seats=seats, kept_seats=kept, retry_seats=retry).kept_seats == kept
    error = refused(lambda: SlotPolicy(seats=FixedSeats(seats=5), kept_seats=kept, retry_seats=retry))
    value = kept if field == "kept_seats" else retry
    assert str(error) == (f"SlotPolicy.{field} is {value}; allowed: with {other}, at most the 5 seats")


@pytest.mark.parametrize(("grid", "step"), [(None, 30 * M), (15 * M, 15 * M), (H, H)])
def test_how_far_apart_slots_begin(grid: timedelta | None, step: timedelta) -> None:
    """One begins as another ends, unless it is said."""
    assert SlotPolicy(seats=None, grid=grid).step == step


# ---------------------------------------------------------------------------- in the policy of a queue


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [("hours", HOURS, "WeekHours"), ("slots", SlotPolicy(seats=None), "SlotPolicy")],
)
def test_a_queue_has_hours_and_slots_or_none(field: str, value: Any, kind: str) -> None:
    """What was checked already; nothing else that looks like it."""
    for kept in (None, value):
        assert getattr(a_queue(**{field: kept}), field) is kept
    nonsense: list[Any] = [True, 0, "9-17", {}, [value], type(value)]
    for wrong in nonsense:
        error = refused(lambda wrong=wrong: a_queue(**{field: wrong}))  # type: ignore[misc]
        assert str(error) == f"{field} is {wrong!r}; allowed: a member of {kind}"


def test_slots_are_frozen_hashed_and_pickled() -> None:
    """A policy is checked when it is built, and never changes; its copy is equal, and so is its hash."""
    policy = slots(seats=StaffedSeats(agents=7), grid=15 * M, show_ratio=0.9)
    for copied in (copy.deepcopy(policy), pickle.loads(pickle.dumps(policy)), attrs.evolve(policy)):
        assert copied == policy
        assert hash(copied) == hash(policy) != hash(slots())
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        policy.length = H  # type: ignore[misc]
    assert refused(lambda: attrs.evolve(policy, length=0 * S)).field == "SlotPolicy.length"

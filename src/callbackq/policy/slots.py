"""How a queue's slots are cut, how many callbacks each can take, and how a booked time is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import attrs

from callbackq.errors import ConfigurationError
from callbackq.model import GapPolicy, OverlapPolicy
from callbackq.policy.checks import Shown, check_member, int_within, number_within, within

SEATS_MAX: Final = 10_000
LENGTH_MAX: Final = timedelta(hours=8)
"""No slot is longer."""
EARLY_MAX: Final = timedelta(minutes=15)
"""No booking is given to an agent earlier before its time."""


@attrs.frozen(kw_only=True)
class FixedSeats:
    """
    Every slot has the same number of seats.

    Args:
        seats: 0 to 10,000.
    """

    seats: int

    def __attrs_post_init__(self) -> None:
        int_within("FixedSeats.seats", self.seats, 0, SEATS_MAX)


@attrs.frozen(kw_only=True)
class StaffedSeats:
    """
    As many as the agents can do: agents x length of a slot / `handle_time` x share, rounded down.

    Args:
        agents: who work on this queue. 0 to 10,000.
        share_ratio: of their time for booked callbacks; the rest is for live callers and the line. Above 0, to 1.
    """

    agents: int
    share_ratio: float = 0.5

    def __attrs_post_init__(self) -> None:
        int_within("StaffedSeats.agents", self.agents, 0, SEATS_MAX)
        _check_ratio("StaffedSeats.share_ratio", self.share_ratio)


@attrs.frozen(kw_only=True)
class SlotPolicy:
    """
    The slots of one queue. Where a queue has them, a chosen time is one of them.

    Args:
        seats: how many callbacks one slot takes: `FixedSeats`, `StaffedSeats`; None: the host's `SlotCapacity` says.
        length: how long a slot is. 1 min to 8 h.
        grid: how far apart slots begin, counted from each opening; None: one begins as another ends. 1 min to 8 h.
        lead_min: how soon from now a slot may begin. 0 to 7 days.
        horizon: how far from now a slot may begin. 15 min to 366 days.
        hold_time: how long a seat is held for somebody who decides. 5 s to 1 h.
        kept_seats: so many seats of each slot are for callers of `kept_priority_max` or better. 0 to 10,000.
        kept_priority_max: 0 to 255, lower first.
        retry_seats: so many seats of each slot are booked by nobody: that is the time for second attempts. 0 to 10,000.
        show_ratio: the share of booked customers who are reached, where more are booked than there are seats; None:
            never overbook. Above 0, to 1.
        overbook_risk_ratio: the probability that more are reached than there are seats, at most. Above 0, to 0.5.
        closing_ratio: take no booking that could make it less likely than this that all bookings begin before the
            queue closes; only where the number of agents is known (`StaffedSeats`). None: no such limit. 0.5 to 0.999.
        feed_max: how long before its time a booking may be given to an agent, if all are busy. 0 to 15 min.
        tolerance: a booking that was begun later than this after its time is late. 0 to 1 h.
        remind_before: agent and customer are reminded so long before; None: not at all. 1 min to 7 days.
        missing_time: what is done with a wall-clock time that a change of clocks leaves out.
        double_time: which one is meant where the same wall-clock time comes twice, and was not said.
        alternatives_max: how many other slots are proposed where one cannot be had. 0 to 20.

    Raises:
        ConfigurationError: a value is out of its bounds, or two contradict each other.

    >>> SlotPolicy(seats=FixedSeats(seats=2), kept_seats=3)
    Traceback (most recent call last):
    ...
    callbackq.errors.ConfigurationError: SlotPolicy.kept_seats is 3; allowed: with retry_seats, at most the 2 seats
    """

    seats: FixedSeats | StaffedSeats | None
    length: timedelta = timedelta(minutes=30)
    grid: timedelta | None = None
    lead_min: timedelta = timedelta(minutes=15)
    horizon: timedelta = timedelta(hours=4)
    hold_time: timedelta = timedelta(seconds=30)
    kept_seats: int = 0
    kept_priority_max: int = 9
    retry_seats: int = 0
    show_ratio: float | None = None
    overbook_risk_ratio: float = 0.05
    closing_ratio: float | None = 0.95
    feed_max: timedelta = timedelta(minutes=2)
    tolerance: timedelta = timedelta(minutes=3)
    remind_before: timedelta | None = timedelta(minutes=15)
    missing_time: GapPolicy = GapPolicy.REFUSE
    double_time: OverlapPolicy = OverlapPolicy.FIRST
    alternatives_max: int = 4

    @property
    def step(self) -> timedelta:
        """How far apart slots begin."""
        return self.length if self.grid is None else self.grid

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.seats, FixedSeats | StaffedSeats | None):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError("SlotPolicy.seats", self.seats, "None, FixedSeats or StaffedSeats")
        for field, low, high in _BOUNDS:
            value: Any = getattr(self, field)
            if not (value is None and field in ("grid", "remind_before")):
                within(f"SlotPolicy.{field}", value, low, high)
        for field, most in _COUNTS:
            int_within(f"SlotPolicy.{field}", getattr(self, field), 0, most)
        if self.show_ratio is not None:
            _check_ratio("SlotPolicy.show_ratio", self.show_ratio)
        if self.closing_ratio is not None:
            number_within("SlotPolicy.closing_ratio", self.closing_ratio, 0.5, 0.999)  # type: ignore[arg-type]
        _check_ratio("SlotPolicy.overbook_risk_ratio", self.overbook_risk_ratio, most=0.5)
        check_member("SlotPolicy.missing_time", self.missing_time, GapPolicy)
        check_member("SlotPolicy.double_time", self.double_time, OverlapPolicy)
        self._check_together()

    def _check_together(self) -> None:
        if self.lead_min >= self.horizon:
            raise ConfigurationError(
                "SlotPolicy.lead_min", Shown(self.lead_min), f"less than the horizon, {self.horizon}"
            )
        kept = self.kept_seats + self.retry_seats
        if isinstance(self.seats, FixedSeats) and kept > self.seats.seats:
            field = "kept_seats" if self.kept_seats > self.seats.seats else "retry_seats"
            other = "retry_seats" if field == "kept_seats" else "kept_seats"
            raise ConfigurationError(
                f"SlotPolicy.{field}",
                getattr(self, field),
                f"with {other}, at most the {self.seats.seats} seats",
            )


def _check_ratio(field: str, value: object, *, most: float = 1.0) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
        raise ConfigurationError(field, value, f"a number above 0, to {most:g}")


_M: Final = timedelta(minutes=1)
_H: Final = timedelta(hours=1)
_D: Final = timedelta(days=1)
_BOUNDS: Final = (
    ("length", _M, LENGTH_MAX),
    ("grid", _M, 8 * _H),
    ("lead_min", 0 * _M, 7 * _D),
    ("horizon", 15 * _M, 366 * _D),
    ("hold_time", timedelta(seconds=5), _H),
    ("feed_max", 0 * _M, EARLY_MAX),
    ("tolerance", 0 * _M, _H),
    ("remind_before", _M, 7 * _D),
)
_COUNTS: Final = (
    ("kept_seats", SEATS_MAX),
    ("kept_priority_max", 255),
    ("retry_seats", SEATS_MAX),
    ("alternatives_max", 20),
)

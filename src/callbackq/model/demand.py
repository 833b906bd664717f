"""What is expected to come, hour by hour of the week, and how many agents that needs."""

from __future__ import annotations

import enum
import math
from datetime import datetime, timedelta
from typing import Final

import attrs

from callbackq.errors import ConfigurationError
from callbackq.ids import QueueName

_WAIT_MAX: Final = timedelta(days=1)
_RATIO_MAX: Final = 0.9999


@attrs.frozen(kw_only=True)
class StaffingTarget:
    """
    What agents are counted for: all of it is to hold in each hour. What is None is not asked for.

    Args:
        answered_ratio: of those who come and stay on the line, how many are to be answered within `answered_within`;
            those who hang up before are not. 0.8 within 20 s is called 80/20.
        mean_wait_max: how long those on the line may wait on average, whoever hangs up and whoever waits for no time
            included. Above 0.
        callback_ratio: of the callbacks, how many are to begin within `callback_within`.
        abandoned_max_ratio: of those who stay on the line, how many may hang up.
        occupancy_max_ratio: how much of their time agents may be busy at most.

    Raises:
        ConfigurationError: a figure is out of its bounds; one of two that belong together is missing; or nothing is
            asked for.

    >>> StaffingTarget(answered_ratio=0.8, answered_within=timedelta(seconds=20)).answered_ratio
    0.8
    """

    answered_ratio: float | None = None
    answered_within: timedelta | None = None
    mean_wait_max: timedelta | None = None
    callback_ratio: float | None = None
    callback_within: timedelta | None = None
    abandoned_max_ratio: float | None = None
    occupancy_max_ratio: float | None = None

    def __attrs_post_init__(self) -> None:
        for name in ("answered", "callback"):
            ratio, within = getattr(self, f"{name}_ratio"), getattr(self, f"{name}_within")
            if (ratio is None) != (within is None):
                missing = f"{name}_within" if within is None else f"{name}_ratio"
                raise ConfigurationError(
                    f"StaffingTarget.{missing}", None, "to be given with the other of the two"
                )
        for field in attrs.fields(StaffingTarget):
            value = getattr(self, field.name)
            if value is None:
                continue
            if field.name.endswith("_ratio"):
                _check_ratio(field.name, value)
            else:
                _check_wait(field.name, value)
        if all(value is None for value in attrs.astuple(self)):
            raise ConfigurationError("StaffingTarget", None, "at least one figure")


def _check_ratio(name: str, value: object) -> None:
    low = 0.0001 if name.endswith("_max_ratio") else 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= _RATIO_MAX:
        raise ConfigurationError(f"StaffingTarget.{name}", value, f"a number, {low:g} to {_RATIO_MAX}")


def _check_wait(name: str, value: object) -> None:
    low = timedelta(milliseconds=1) if name == "mean_wait_max" else timedelta(0)
    if not isinstance(value, timedelta) or not low <= value <= _WAIT_MAX:
        raise ConfigurationError(f"StaffingTarget.{name}", value, f"a timedelta, {low} to {_WAIT_MAX}")


@attrs.frozen(kw_only=True)
class Staffing:
    """
    What becomes of the waits with so many agents, once the hour has settled. Seconds, and ratios from 0 to 1.

    Args:
        load: how many agents would be busy if nobody hung up, in erlangs.
        is_stable: whether the line ends. If not, everything below is None: more come who never hang up than are served.
        wait_ratio: of all, how many find no free agent.
        mean_wait_s: of those on the line, however it ends; who waits for no time counts too.
        answered_ratio: of those on the line, how many are served within `StaffingTarget.answered_within`; None
            without one.
        abandoned_ratio: of those on the line, how many hang up.
        callback_wait_s: the mean wait of one who never hangs up, as callbacks do.
        callback_ratio: of the callbacks, how many begin within `StaffingTarget.callback_within`; None without one.
        occupancy_ratio: how much of their time agents are busy.
    """

    agents: int
    load: float
    is_stable: bool
    wait_ratio: float | None = None
    mean_wait_s: float | None = None
    answered_ratio: float | None = None
    abandoned_ratio: float | None = None
    callback_wait_s: float | None = None
    callback_ratio: float | None = None
    occupancy_ratio: float | None = None


class DemandGap(enum.StrEnum):
    """What is not known, for there is too little to know it from, or what was taken instead."""

    NO_DATA = "no_data"
    """Nobody has come in all this time."""
    FEW_WEEKS = "few_weeks"
    """There are fewer whole weeks than were asked for: the queue is young, or what is older was removed."""
    NO_TREND = "no_trend"
    """There are fewer than six weeks: whether it grows or shrinks cannot be told from chance, and is not looked at."""
    SPREAD_GUESSED = "spread_guessed"
    """One week says nothing of how weeks differ. Ranges are those of chance alone: too narrow."""
    HANDLE_TIME_GUESSED = "handle_time_guessed"
    """Fewer than 20 conversations are known: the handle time leans on that of the policy."""
    CALLBACK_TIME_GUESSED = "callback_time_guessed"
    """Fewer than 20 callbacks that were tried are over: one is taken to need as long as a live call."""
    PATIENCE_UNKNOWN = "patience_unknown"
    """Too few have hung up: nobody is taken to. Agents are counted by Erlang C, which asks for more of them."""
    NEW_HOURS = "new_hours"
    """Next week it opens at a time at which it never did: nothing is expected of that, for nothing is known."""
    TARGET_IMPOSSIBLE = "target_impossible"
    """In some hour no number of agents up to the bound is enough; `agents` is None there."""


@attrs.frozen(kw_only=True)
class Trend:
    """
    How much more come from week to week, by the slope of Theil and Sen, relative to the mean week.

    It is the median of the slopes between all pairs of weeks; up to 29 % of the weeks may be anything without moving it
    far. The range is Sen's, from the distribution of Kendall's S (P. K. Sen, "Estimates of the regression coefficient
    based on Kendall's tau", JASA 63, 1968).

    Args:
        per_week_ratio: 0.02 is 2 % of a mean week more each week.
        low_ratio, high_ratio: it is between these with probability `coverage_ratio`, weeks being independent.
        is_clear: whether the range leaves out zero. What is expected follows the trend only then.
        weeks_count: how many weeks it rests on.
    """

    per_week_ratio: float
    low_ratio: float
    high_ratio: float
    coverage_ratio: float
    is_clear: bool
    weeks_count: int


@attrs.frozen(kw_only=True)
class DemandHour:
    """
    One stretch of the week, such as Monday from 9:00 to 9:30, in the zone of the queue.

    Args:
        weekday: 0 is Monday.
        minute: of the day, at which it begins.
        weeks_count: in how many of the weeks the queue was open in it.
        calls: live calls that came in it, per week in which it was open; None if it never was.
        callbacks: callbacks that were wanted in it without a call of the kind, and calls that became one.
        expected: how many of both are expected next week; 0 where it is closed then. None where it is open, and never
            was before.
        expected_low, expected_high: between which it will be with probability `Demand.coverage_ratio`.
        open_s: for how many seconds the queue is open in it next week.
        staffing: with how many agents the target is kept for what is expected, and what becomes of the waits; None
            without a target, where it is closed, and where nothing is known.
        agents: those of `staffing`.
        agents_if_high: how many it takes if as many come as `expected_high`.
    """

    weekday: int
    minute: int
    weeks_count: int
    calls: float | None
    callbacks: float | None
    expected: float | None
    expected_low: int | None
    expected_high: int | None
    open_s: float
    staffing: Staffing | None = None
    agents: int | None = None
    agents_if_high: int | None = None

    @property
    def label(self) -> str:
        """What it is called: `"Mon 09:30"`."""
        return f"{_DAYS[self.weekday]} {self.minute // 60:02}:{self.minute % 60:02}"


_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@attrs.frozen(kw_only=True)
class Demand:
    """
    What came to a queue in the last weeks, what is expected of the next one, and how many agents that needs.

    Args:
        from_at, until_at: the weeks that were looked at: seven days each by the clock of the queue, up to the last
            midnight there.
        next_from_at: the Monday with which the next week begins.
        step: how long each of `hours` is by the clock.
        weeks_count: how many whole weeks there were to look at.
        handle_time_s: what one who comes takes of an agent's time on average: calls and callbacks together, wrap-up
            included, attempts that failed too.
        call_time_s: the same for a live call; `callback_time_s`: for a callback.
        patience_s: how long one who waits on the line does so on average before hanging up; None if unknown.
        callback_ratio: of those who had to wait, how many did so as a callback.
        spread_ratio: the variance of what comes in a stretch, over what chance alone would give; 1 at least.
        trend: None if there are too few weeks.
        coverage_ratio: how likely what comes is within the range that is given.
        gaps: what is not known.
    """

    queue: QueueName
    zone: str
    made_at: datetime
    from_at: datetime
    until_at: datetime
    next_from_at: datetime
    step: timedelta
    weeks_count: int
    calls_count: int
    callbacks_count: int
    handle_time_s: float
    call_time_s: float
    callback_time_s: float
    patience_s: float | None
    callback_ratio: float
    spread_ratio: float
    coverage_ratio: float
    trend: Trend | None
    target: StaffingTarget | None
    hours: tuple[DemandHour, ...]
    gaps: tuple[DemandGap, ...]

    @property
    def arrivals_count(self) -> int:
        """How many came: live calls and callbacks, each person once."""
        return self.calls_count + self.callbacks_count

    @property
    def expected(self) -> float | None:
        """How many are expected in the whole of next week; None if nothing is known."""
        opened = [hour for hour in self.hours if hour.open_s]
        known = [hour.expected for hour in opened if hour.expected is not None]
        return math.fsum(known) if known or not opened else None

    @property
    def agent_hours(self) -> float | None:
        """How many hours of agents next week needs; None without a target, or where it cannot be kept."""
        needed = [
            (hour.agents, hour.open_s) for hour in self.hours if hour.open_s and hour.expected is not None
        ]
        if self.target is None or not needed:
            return None
        total = 0.0
        for agents, open_s in needed:
            if agents is None:
                return None
            total += agents * open_s / 3_600
        return total

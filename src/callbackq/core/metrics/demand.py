"""
Demand: what came hour by hour of the week, what is expected of the next one, and how many agents that needs.

One person is one arrival, who needs one agent once:

- a live call counts when it entered; one that became a callback does not, for its callback does;
- a callback counts when its caller entered, if it began as a call; else at the time that was chosen, or when it was
  asked for;
- a live call with which somebody came back for their callback counts if it was taken; else its callback does;
- a callback that was given back, merged, refused or served in another way before anybody was dialed does not count.

What is expected in a stretch of the next week is what came in it per second open, times how long it is open then. It
follows the trend of the weeks where that is clear (`core.metrics.trend`). The range is that of the gamma law with the
mean m and the variance v = f m (1 + m / n) + (m s)^2, rounded outwards to whole numbers: f is the variance of what came
over that of chance alone (Pearson's statistic over its degrees of freedom, 1 at least), n how many came in the stretch,
s the error of the trend so far ahead.

Days are those of the clock in the queue's zone. Where it is changed, a stretch lasts as long as it lasts: no time on
the skipped hour, twice that on the one that comes twice.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from statistics import NormalDist
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import attrs

from callbackq.core.metrics.staffing import Load, agents_for
from callbackq.core.metrics.trend import Slope, theil_sen
from callbackq.core.metrics.weeks import Weeks, minute_of, open_seconds
from callbackq.core.quantiles import gamma_quantile
from callbackq.core.rates import LEFT_UNSEEN, patience_of, shrunk_mean
from callbackq.core.slots import OpenTimes
from callbackq.errors import ConfigurationError
from callbackq.ids import QueueName
from callbackq.model.demand import Demand, DemandGap, DemandHour, Staffing, StaffingTarget, Trend
from callbackq.model.figures import CallbackFacts, CallFacts
from callbackq.model.words import CallOutcome, Disposition, Outcome
from callbackq.policy import QueuePolicy

COVERAGE_RATIO: Final = 0.9
STEPS: Final = (timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=1))
SAMPLES_MIN: Final = 20
"""With fewer conversations a time leans on what was known before."""
WAITED_MIN_S: Final = 1.0
"""Who was taken sooner did not have to wait."""

_DAY: Final = timedelta(days=1)
_MINUTES_A_DAY: Final = 1_440
_EMPTY_SHAPE: Final = 0.5
"""Where nobody ever came: Jeffreys' prior of the rate of a Poisson law is a gamma law of this shape."""
_NOT_DIALED_FOR: Final = frozenset(
    {Outcome.CANCELLED, Outcome.REPLACED, Outcome.REFUSED_BY_RULE, Outcome.SERVED_ELSEWHERE}
)


class Stretch(NamedTuple):
    """One stretch of the week: Monday is weekday 0, `minute` is of the day."""

    weekday: int
    minute: int


# ---------------------------------------------------------------------------- what came


class _Came:
    """What is counted of the facts, in one pass over them."""

    def __init__(self, weeks: Weeks, step: timedelta, *, wrap_up_s: float) -> None:
        self._zone: Final = ZoneInfo(weeks.zone)
        self._weeks: Final = weeks
        self._step_minutes: Final = step // timedelta(minutes=1)
        self._wrap_up_s: Final = wrap_up_s
        self.calls: Final = defaultdict[tuple[date, int], int](int)
        self.callbacks: Final = defaultdict[tuple[date, int], int](int)
        self.first_day: date | None = None
        self.talks_count = self.tried_count = 0
        self.talks_s = self.tried_s = 0.0
        self.waited_count = self.abandons_count = 0
        self.waited_s = 0.0

    def call(self, facts: CallFacts) -> None:
        """Count a live call."""
        if facts.callback_id is not None or (facts.returns_for_id is not None and facts.taken_at is None):
            return
        if not self._arrives(facts.entered_at, self.calls):
            return
        left_at = facts.taken_at or facts.ended_at
        if left_at is not None and facts.outcome not in LEFT_UNSEEN:
            waited_s = max((left_at - facts.entered_at).total_seconds(), 0.0)
            self.waited_s += waited_s
            self.waited_count += waited_s >= WAITED_MIN_S or facts.taken_at is None
            self.abandons_count += facts.outcome is CallOutcome.ABANDONED
        if facts.outcome is CallOutcome.SERVED and facts.taken_at is not None and facts.ended_at is not None:
            self.talks_count += 1
            self.talks_s += max((facts.ended_at - facts.taken_at).total_seconds(), 0.0) + self._wrap_up_s

    def callback(self, facts: CallbackFacts) -> None:
        """Count a callback."""
        tried = [one for one in facts.attempts if not one.is_announcement]
        if facts.outcome in _NOT_DIALED_FOR and not tried:
            return
        at = facts.requested_at if facts.scheduled_at is None else facts.scheduled_at
        if not self._arrives(at if facts.call_id is None else facts.entered_at, self.callbacks):
            return
        if facts.outcome is None or not tried:
            return
        spans = [(one.started_at, one.ended_at, one.disposition) for one in tried]
        if any(ended_at is None for _, ended_at, _ in spans):
            return
        self.tried_count += 1
        for started_at, ended_at, disposition in spans:
            assert ended_at is not None
            self.tried_s += max((ended_at - started_at).total_seconds(), 0.0)
            self.tried_s += self._wrap_up_s * (disposition is Disposition.CONNECTED)

    def _arrives(self, at: datetime, counts: dict[tuple[date, int], int]) -> bool:
        """Count one who came; say whether it was within the weeks."""
        local = at.astimezone(self._zone)
        day = local.date()
        if day >= self._weeks.until_day:
            return False
        if self.first_day is None or day < self.first_day:
            self.first_day = day
        if day < self._weeks.from_day:
            return False
        counts[day, minute_of(local, self._step_minutes)] += 1
        return True


# ---------------------------------------------------------------------------- by stretch of the week


@attrs.frozen(kw_only=True)
class _Cell:
    """What came in a stretch in one of the weeks, and for how long it was open."""

    week: int
    stretch: Stretch
    calls: int
    callbacks: int
    open_s: float

    @property
    def count(self) -> int:
        return self.calls + self.callbacks


@attrs.frozen(kw_only=True)
class _Profile:
    """What comes in one stretch of a mean week."""

    calls: int = 0
    callbacks: int = 0
    open_s: float = 0.0
    weeks_count: int = 0

    @property
    def count(self) -> int:
        return self.calls + self.callbacks

    @property
    def per_second(self) -> float:
        return self.count / self.open_s

    def with_cell(self, cell: _Cell) -> _Profile:
        return _Profile(
            calls=self.calls + cell.calls,
            callbacks=self.callbacks + cell.callbacks,
            open_s=self.open_s + cell.open_s,
            weeks_count=self.weeks_count + 1,
        )


def _cells(came: _Came, past: Mapping[tuple[date, int], float], weeks: Weeks, step: timedelta) -> list[_Cell]:
    """
    Return what is known, stretch by stretch. What lies before the first day of which anything is known is not.

    A stretch in which somebody came was open, whatever the hours say.
    """
    first_day = weeks.until_day if came.first_day is None else max(came.first_day, weeks.from_day)
    keys = sorted(key for key in {*past, *came.calls, *came.callbacks} if key[0] >= first_day)
    return [
        _Cell(
            week=weeks.week_of(day),
            stretch=Stretch(day.weekday(), minute),
            calls=came.calls.get((day, minute), 0),
            callbacks=came.callbacks.get((day, minute), 0),
            open_s=past.get((day, minute), 0.0) or step.total_seconds(),
        )
        for day, minute in keys
    ]


def _profiles(cells: Iterable[_Cell]) -> dict[Stretch, _Profile]:
    found: dict[Stretch, _Profile] = {}
    for cell in cells:
        found[cell.stretch] = found.get(cell.stretch, _Profile()).with_cell(cell)
    return found


def _whole_weeks(came: _Came, weeks: Weeks) -> range:
    """Return the weeks from whose first day on something is known."""
    if came.first_day is None:
        return range(weeks.count, weeks.count)
    return range(max(weeks.week_of(came.first_day - _DAY) + 1, 0), weeks.count)


def _levels(
    cells: Iterable[_Cell], profiles: Mapping[Stretch, _Profile], whole: range
) -> list[tuple[float, float]]:
    """Return how much came in each whole week, over what comes in the same stretches of a mean one."""
    came, mean = defaultdict[int, float](float), defaultdict[int, float](float)
    for cell in cells:
        came[cell.week] += cell.count
        mean[cell.week] += profiles[cell.stretch].per_second * cell.open_s
    return [(float(week), came[week] / mean[week]) for week in whole if mean[week] > 0]


def _spread(
    cells: Iterable[_Cell], profiles: Mapping[Stretch, _Profile], slope: Slope | None
) -> float | None:
    """Return Pearson's statistic over its degrees of freedom, 1 at least; None where there are none."""
    terms: list[float] = []
    for cell in cells:
        level = 1.0 if slope is None else max(slope.at_zero + slope.per_unit * cell.week, 0.0)
        mean = profiles[cell.stretch].per_second * cell.open_s * level
        if mean > 0:
            terms.append((cell.count - mean) ** 2 / mean)
    free = len(terms) - sum(1 for profile in profiles.values() if profile.count) - (slope is not None)
    return max(math.fsum(terms) / free, 1.0) if free > 0 else None


# ---------------------------------------------------------------------------- what is expected


@attrs.frozen(kw_only=True)
class _Ahead:
    """What the next week is like: its level, the error of that, and how far weeks differ."""

    level: float
    error: float
    spread: float


def _ahead(slope: Slope | None, weeks: Weeks, whole: range, spread: float) -> _Ahead:
    if slope is None:
        return _Ahead(level=1.0, error=0.0, spread=spread)
    z = NormalDist().inv_cdf((1 + COVERAGE_RATIO) / 2)
    middle = (whole.start + whole.stop - 1) / 2
    error = (slope.high - slope.low) / (2 * z) * (weeks.ahead - middle)
    return _Ahead(level=max(slope.at_zero + slope.per_unit * weeks.ahead, 0.0), error=error, spread=spread)


def _expected(profile: _Profile, ahead: _Ahead, open_s: float) -> tuple[float, int, int]:
    """Return how many are expected in a stretch that is open so long, and between which numbers."""
    low, high = (1 - COVERAGE_RATIO) / 2, (1 + COVERAGE_RATIO) / 2
    mean = profile.per_second * ahead.level * open_s
    if mean <= 0:
        return 0.0, 0, math.ceil(gamma_quantile(_EMPTY_SHAPE, high) * open_s / profile.open_s)
    error = mean / ahead.level * ahead.error
    variance = ahead.spread * mean * (1 + mean / profile.count) + error * error
    shape, scale = mean * mean / variance, variance / mean
    if shape < _SHAPE_MIN:
        return mean, 0, math.ceil(mean + NormalDist().inv_cdf(high) * math.sqrt(variance))
    return (
        mean,
        math.floor(scale * gamma_quantile(shape, low)),
        math.ceil(scale * gamma_quantile(shape, high)),
    )


_SHAPE_MIN: Final = 1e-3


class _Times(NamedTuple):
    """What one who comes takes of an agent's time, and how long they wait."""

    call_s: float
    callback_s: float
    mean_s: float
    patience_s: float | None
    callback_ratio: float


def _times(came: _Came, policy: QueuePolicy) -> _Times:
    call_s = shrunk_mean(policy.handle_time.total_seconds(), total=came.talks_s, count=came.talks_count)
    callback_s = shrunk_mean(call_s, total=came.tried_s, count=came.tried_count)
    calls, callbacks = sum(came.calls.values()), sum(came.callbacks.values())
    both = calls + callbacks
    patience = patience_of(came.abandons_count, came.waited_s)
    waited = came.waited_count + callbacks
    return _Times(
        call_s=call_s,
        callback_s=callback_s,
        mean_s=(calls * call_s + callbacks * callback_s) / both if both else call_s,
        patience_s=1 / patience if patience else None,
        callback_ratio=callbacks / waited if waited else 0.0,
    )


# ---------------------------------------------------------------------------- all of it


def demand(
    *,
    queue: QueueName,
    facts: Iterable[CallFacts | CallbackFacts],
    times: OpenTimes,
    policy: QueuePolicy,
    weeks: Weeks,
    now: datetime,
    step: timedelta = timedelta(hours=1),
    target: StaffingTarget | None = None,
) -> Demand:
    """
    Return what came to a queue, what is expected of the next week, and how many agents that needs.

    Args:
        facts: of the live calls of the queue that entered from `weeks.asked_from_at` to `weeks.until_at`, and of its
            callbacks that were asked for then; in any order, others do no harm. They are read once.
        times: when the queue is open; of the next week as well.
        policy: its handle time and wrap-up are taken where too little is known.
        step: how long a stretch is: 15 or 30 minutes, or an hour.
        target: without one no agents are counted.

    Raises:
        ConfigurationError: *step* is none of those.

    Cost: O(facts), 2 to 3 microseconds for each; and 10 ms with a target for each stretch that is open, less where two
        stretches expect as many.
    """
    if step not in STEPS:
        raise ConfigurationError("step", step, "15 or 30 minutes, or an hour")
    came = _Came(weeks, step, wrap_up_s=policy.wrap_up.total_seconds())
    for one in facts:
        if isinstance(one, CallFacts):
            came.call(one)
        else:
            came.callback(one)
    zone = weeks.zone
    past = open_seconds(times, from_at=weeks.from_at, until_at=weeks.until_at, zone=zone, step=step)
    coming = open_seconds(
        times, from_at=weeks.next_from_at, until_at=weeks.next_until_at, zone=zone, step=step
    )
    cells = _cells(came, past, weeks, step)
    profiles, whole = _profiles(cells), _whole_weeks(came, weeks)
    slope = theil_sen(_levels(cells, profiles, whole), coverage_ratio=COVERAGE_RATIO)
    followed = slope if slope is not None and slope.is_clear else None
    spread = _spread(cells, profiles, followed)
    ahead = _ahead(followed, weeks, whole, spread or 1.0)
    taken = _times(came, policy)
    opened = {Stretch(day.weekday(), minute): open_s for (day, minute), open_s in coming.items()}
    hours = tuple(
        _hour(stretch, profiles.get(stretch), opened.get(stretch, 0.0), ahead, taken, target)
        for stretch in _stretches(step)
    )
    return Demand(
        queue=queue,
        zone=zone,
        made_at=now,
        from_at=weeks.from_at,
        until_at=weeks.until_at,
        next_from_at=weeks.next_from_at,
        step=step,
        weeks_count=len(whole),
        calls_count=sum(came.calls.values()),
        callbacks_count=sum(came.callbacks.values()),
        handle_time_s=taken.mean_s,
        call_time_s=taken.call_s,
        callback_time_s=taken.callback_s,
        patience_s=taken.patience_s,
        callback_ratio=taken.callback_ratio,
        spread_ratio=spread or 1.0,
        coverage_ratio=COVERAGE_RATIO,
        trend=_trend(slope, whole),
        target=target,
        hours=hours,
        gaps=tuple(_gaps(came, weeks, whole, slope, spread, taken, hours, target)),
    )


def _stretches(step: timedelta) -> Iterator[Stretch]:
    minutes = range(0, _MINUTES_A_DAY, step // timedelta(minutes=1))
    return (Stretch(weekday, minute) for weekday in range(7) for minute in minutes)


def _trend(slope: Slope | None, whole: range) -> Trend | None:
    if slope is None:
        return None
    return Trend(
        per_week_ratio=slope.per_unit,
        low_ratio=slope.low,
        high_ratio=slope.high,
        coverage_ratio=COVERAGE_RATIO,
        is_clear=slope.is_clear,
        weeks_count=len(whole),
    )


def _hour(
    stretch: Stretch,
    profile: _Profile | None,
    open_s: float,
    ahead: _Ahead,
    times: _Times,
    target: StaffingTarget | None,
) -> DemandHour:
    hour = DemandHour(
        weekday=stretch.weekday,
        minute=stretch.minute,
        weeks_count=0,
        calls=None,
        callbacks=None,
        expected=None if open_s else 0.0,
        expected_low=None if open_s else 0,
        expected_high=None if open_s else 0,
        open_s=open_s,
    )
    if profile is None:
        return hour
    count = profile.weeks_count
    hour = attrs.evolve(
        hour, weeks_count=count, calls=profile.calls / count, callbacks=profile.callbacks / count
    )
    if not open_s:
        return hour
    expected, low, high = _expected(profile, ahead, open_s)
    hour = attrs.evolve(hour, expected=expected, expected_low=low, expected_high=high)
    if target is None:
        return hour
    staffing = _needed(expected, open_s, times, target)
    busy = _needed(high, open_s, times, target)
    return attrs.evolve(
        hour,
        staffing=staffing,
        agents=None if staffing is None else staffing.agents,
        agents_if_high=None if busy is None else busy.agents,
    )


def _needed(count: float, open_s: float, times: _Times, target: StaffingTarget) -> Staffing | None:
    load = Load(
        per_hour=count * 3_600 / open_s,
        handle_time_s=times.mean_s,
        patience_s=times.patience_s,
        callback_ratio=times.callback_ratio,
    )
    return agents_for(load, target)


def _gaps(
    came: _Came,
    weeks: Weeks,
    whole: range,
    slope: Slope | None,
    spread: float | None,
    times: _Times,
    hours: Sequence[DemandHour],
    target: StaffingTarget | None,
) -> Iterator[DemandGap]:
    """Say what is not known."""
    if not (came.calls or came.callbacks):
        yield DemandGap.NO_DATA
    if len(whole) < weeks.count:
        yield DemandGap.FEW_WEEKS
    if slope is None:
        yield DemandGap.NO_TREND
    if spread is None:
        yield DemandGap.SPREAD_GUESSED
    if came.talks_count < SAMPLES_MIN:
        yield DemandGap.HANDLE_TIME_GUESSED
    if came.tried_count < SAMPLES_MIN:
        yield DemandGap.CALLBACK_TIME_GUESSED
    if times.patience_s is None:
        yield DemandGap.PATIENCE_UNKNOWN
    if any(hour.expected is None for hour in hours):
        yield DemandGap.NEW_HOURS
    if target is not None and any(
        hour.agents is None and hour.expected is not None and hour.open_s for hour in hours
    ):
        yield DemandGap.TARGET_IMPOSSIBLE

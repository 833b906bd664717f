"""What came, what is expected, and how many agents that needs: counted by hand, and against weeks that were drawn."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest

from callbackq.core.hours import OpenHours
from callbackq.core.metrics.demand import demand
from callbackq.core.metrics.staffing import Load, agents_for
from callbackq.core.metrics.weeks import Weeks, open_seconds, weeks_before
from callbackq.core.slots import ALWAYS, OpenTimes
from callbackq.errors import ConfigurationError, InvalidText
from callbackq.ids import AttemptId, CallbackId, CallId, QueueName
from callbackq.model import CallOutcome, Channel, Disposition, Mode, Outcome
from callbackq.model.demand import Demand, DemandGap, DemandHour, StaffingTarget
from callbackq.model.figures import AttemptFacts, CallbackFacts, CallFacts
from callbackq.policy import QueuePolicy
from callbackq.policy.hours import Closure, Span, WeekHours, weekdays

H, M, S = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
SUPPORT = QueueName("support")
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 6, 15, 7, tzinfo=UTC)
"""A Monday, 9:00 in Berlin; no clock is changed within the eight weeks before."""
POLICY = QueuePolicy(queue=SUPPORT, handle_time=5 * M, wrap_up=30 * S)
NINE_TO_FIVE = OpenHours(WeekHours(zone="Europe/Berlin", week=weekdays(Span(time(9), time(17)))))
TARGET = StaffingTarget(answered_ratio=0.8, answered_within=20 * S)

Facts = CallFacts | CallbackFacts


def call(entered_at: datetime, **changes: Any) -> CallFacts:
    """Return a live call that waited 10 s and talked for four and a half minutes, unless it is said otherwise."""
    fields: dict[str, Any] = {
        "call_id": CallId(f"call-{entered_at.isoformat()}"),
        "queue": SUPPORT,
        "entered_at": entered_at,
        "taken_at": entered_at + 10 * S,
        "ended_at": entered_at + 10 * S + 4.5 * M,
        "outcome": CallOutcome.SERVED,
    }
    return CallFacts(**{**fields, **changes})


def hung_up(entered_at: datetime, after: timedelta) -> CallFacts:
    return call(entered_at, taken_at=None, ended_at=entered_at + after, outcome=CallOutcome.ABANDONED)


def attempt(started_at: datetime, took: timedelta | None, **changes: Any) -> AttemptFacts:
    fields: dict[str, Any] = {
        "attempt_id": AttemptId("at_1"),
        "started_at": started_at,
        "ended_at": None if took is None else started_at + took,
        "disposition": Disposition.CONNECTED,
    }
    return AttemptFacts(**{**fields, **changes})


def callback(requested_at: datetime, **changes: Any) -> CallbackFacts:
    """Return a callback from the web that was done at once, by an attempt of seven minutes."""
    fields: dict[str, Any] = {
        "callback_id": CallbackId(f"cb-{requested_at.isoformat()}"),
        "queue": SUPPORT,
        "channel": Channel.WEB,
        "mode": Mode.AGENT_FIRST,
        "entered_at": requested_at,
        "requested_at": requested_at,
        "outcome": Outcome.COMPLETED,
        "ended_at": requested_at + M,
        "attempts": (attempt(requested_at, 7 * M),),
    }
    return CallbackFacts(**{**fields, **changes})


def asked(
    facts: Iterable[Facts], *, weeks: int = 2, now: datetime = NOW, zone: str = "Europe/Berlin", **more: Any
) -> Demand:
    fields: dict[str, Any] = {"times": NINE_TO_FIVE, "policy": POLICY, **more}
    looked_at = weeks_before(now, weeks=weeks, zone=zone)
    return demand(queue=SUPPORT, facts=facts, weeks=looked_at, now=now, **fields)


def at(found: Demand, label: str) -> DemandHour:
    return next(hour for hour in found.hours if hour.label == label)


def local(day: int, hour: int, minute: int = 0, *, month: int = 6) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


def every_weekday(per_hour: int, *, weeks: int, before: datetime = NOW) -> Iterator[CallFacts]:
    """Give the same number of calls in each open hour of so many weeks, and one a week before them."""
    today = before.astimezone(BERLIN).date()
    yield call(before - timedelta(weeks=weeks, days=1))
    for back in range(1, 7 * weeks + 1):
        day = today - timedelta(days=back)
        if day.weekday() < 5:
            for hour in range(9, 17):
                start = datetime.combine(day, time(hour), BERLIN).astimezone(UTC)
                for number in range(per_hour):
                    yield call(start + number * H / per_hour)


# ---------------------------------------------------------------------------- what counts, and when


def test_one_person_is_one_arrival() -> None:
    """Calls when they enter, callbacks with their call, or when they are wanted; nobody twice."""
    monday = local(8, 9, 30)
    found = asked(
        [
            call(local(1, 9)),
            call(monday),
            call(monday, taken_at=None, outcome=CallOutcome.CONVERTED, callback_id=CallbackId("cb")),
            callback(monday + 2 * H, call_id=CallId("x"), entered_at=monday, channel=Channel.IN_QUEUE),
            callback(local(8, 12), scheduled_at=local(9, 10)),
            callback(local(8, 12), scheduled_at=local(16, 10)),
            callback(local(8, 12)),
            call(
                local(10, 11), returns_for_id=CallbackId("cb"), taken_at=None, outcome=CallOutcome.ABANDONED
            ),
            call(local(10, 12), returns_for_id=CallbackId("cb")),
        ]
    )
    assert (found.calls_count, found.callbacks_count, found.arrivals_count) == (3, 3, 6)
    counts = {h.label: (h.calls, h.callbacks) for h in found.hours if h.calls or h.callbacks}
    assert counts == {
        "Mon 09:00": (1.0, 0.5),
        "Mon 12:00": (0.0, 0.5),
        "Tue 10:00": (0.0, 0.5),
        "Wed 12:00": (0.5, 0.0),
    }


@pytest.mark.parametrize(
    "outcome", [Outcome.CANCELLED, Outcome.REPLACED, Outcome.REFUSED_BY_RULE, Outcome.SERVED_ELSEWHERE]
)
def test_what_was_over_before_anybody_was_dialed_needed_no_agent(outcome: Outcome) -> None:
    """Unless somebody had been dialed; an announcement is a call without an agent."""
    told = attempt(local(8, 9), M, is_announcement=True)
    found = asked(
        [
            callback(local(8, 9), outcome=outcome, attempts=()),
            callback(local(8, 9), outcome=outcome, attempts=(told,)),
            callback(local(8, 9), outcome=outcome),
            callback(local(8, 9), outcome=Outcome.EXPIRED, attempts=()),
        ]
    )
    assert found.callbacks_count == 2


def test_only_whole_days_up_to_midnight_are_looked_at() -> None:
    """The day of the asking has begun, and is none."""
    found = asked(
        [call(local(1, 0)), call(local(14, 23, 59)), call(local(15, 0)), call(local(31, 23, month=5))]
    )
    assert (found.from_at, found.until_at) == (local(1, 0), local(15, 0))
    assert found.next_from_at == local(22, 0)
    assert found.calls_count == 2
    assert (found.made_at, found.zone, found.step, found.queue) == (NOW, "Europe/Berlin", H, SUPPORT)


# ---------------------------------------------------------------------------- clocks and hours


@pytest.mark.parametrize(
    ("day", "open_hours"),
    [(date(2026, 3, 29), {0: 1, 1: 1, 2: 0, 3: 1}), (date(2026, 10, 25), {0: 1, 1: 1, 2: 2, 3: 1})],
)
def test_an_hour_lasts_as_long_as_it_lasts(day: date, open_hours: dict[int, int]) -> None:
    """On the days on which clocks are changed one hour is missing, and one comes twice."""
    start = datetime.combine(day, time(0), BERLIN).astimezone(UTC)
    end = datetime.combine(day, time(4), BERLIN).astimezone(UTC)
    found = open_seconds(ALWAYS, from_at=start, until_at=end, zone="Europe/Berlin", step=H)
    assert found == {(day, hour * 60): hours * 3_600.0 for hour, hours in open_hours.items() if hours}


def test_closed_hours_are_known_to_the_second() -> None:
    """A queue that opens at 9:10 is open for 20 minutes of the first half hour."""
    hours = OpenHours(WeekHours(zone="Asia/Kathmandu", week=weekdays(Span(time(9, 10), time(10, 20)))))
    monday = datetime(2026, 6, 8, tzinfo=ZoneInfo("Asia/Kathmandu")).astimezone(UTC)
    found = open_seconds(hours, from_at=monday, until_at=monday + 24 * H, zone="Asia/Kathmandu", step=30 * M)
    day = date(2026, 6, 8)
    assert found == {(day, 540): 1_200.0, (day, 570): 1_800.0, (day, 600): 1_200.0}


def test_over_a_change_of_clocks_the_hours_of_the_week_stay_what_they_are() -> None:
    """Nine o'clock is nine o'clock, in winter and in summer; the skipped hour expects nobody, the doubled one twice."""
    now = datetime(2026, 10, 19, 8, tzinfo=UTC)
    always = [
        call(datetime.combine(now.date() - timedelta(days=back), time(hour, 30), BERLIN).astimezone(UTC))
        for back in range(30)
        for hour in (2, 9)
    ]
    found = asked(always, weeks=4, now=now, times=ALWAYS)
    assert {h.expected for h in found.hours if h.minute == 540} == {1.0}
    assert at(found, "Mon 02:00").expected == 1.0
    coming = asked(always, weeks=4, now=now, times=ALWAYS)
    assert coming.next_from_at == datetime(2026, 10, 25, 23, tzinfo=UTC)
    sunday = attrs.evolve(weeks_before(now, weeks=4, zone="Europe/Berlin"), next_day=date(2026, 10, 19))
    twice = demand(queue=SUPPORT, facts=always, times=ALWAYS, policy=POLICY, weeks=sunday, now=now)
    assert (at(twice, "Sun 02:00").expected, at(twice, "Sun 02:00").open_s) == (2.0, 7_200.0)


def test_a_holiday_of_the_next_week_expects_nobody() -> None:
    """And an hour of the week in which it was never open knows nothing of itself."""
    holiday = Closure(from_at=local(23, 0), until_at=local(24, 0))
    hours = OpenHours(
        WeekHours(zone="Europe/Berlin", week=weekdays(Span(time(9), time(17))), closures=(holiday,))
    )
    found = asked(every_weekday(2, weeks=2), times=hours, target=TARGET)
    closed, opened = at(found, "Tue 09:00"), at(found, "Wed 09:00")
    assert (closed.calls, closed.expected, closed.open_s, closed.agents) == (2.0, 0.0, 0.0, None)
    assert (opened.calls, opened.expected, opened.open_s) == (2.0, 2.0, 3_600.0)
    never = at(found, "Sat 09:00")
    assert (never.calls, never.expected, never.expected_low, never.expected_high) == (None, 0.0, 0, 0)
    assert DemandGap.NEW_HOURS not in found.gaps


def test_a_moment_that_is_open_expects_next_to_nobody() -> None:
    """The law of a mean that is almost 0 has no quantiles to speak of."""

    @attrs.frozen
    class Moment:
        def intervals(self, from_at: datetime, *, until_at: datetime) -> Any:
            until = from_at + 0.1 * S if from_at > NOW else until_at
            return ALWAYS.intervals(from_at, until_at=until)

    found = at(asked([call(local(1, 0)), call(local(8, 0))], times=Moment()), "Mon 00:00")
    assert found.expected == pytest.approx(0.1 / 3_600)
    assert (found.expected_low, found.expected_high) == (0, 1)


def test_hours_that_are_new_say_so() -> None:
    """What opens next week for the first time has no past; a stretch in which somebody came was open."""

    @attrs.frozen
    class Later:
        def intervals(self, from_at: datetime, *, until_at: datetime) -> Any:
            times: OpenTimes = ALWAYS if from_at > NOW else NINE_TO_FIVE
            return times.intervals(from_at, until_at=until_at)

    found = asked([*every_weekday(2, weeks=2), call(local(13, 20))], times=Later(), target=TARGET)
    new = at(found, "Sun 20:00")
    assert (new.expected, new.expected_low, new.expected_high, new.agents) == (None, None, None, None)
    assert DemandGap.NEW_HOURS in found.gaps
    assert at(found, "Sat 20:00").expected == 1.0
    assert found.expected == 81.0


# ---------------------------------------------------------------------------- what each takes


def test_callbacks_take_what_their_attempts_took() -> None:
    """Failed ones too, and wrap-up after a conversation; those that still go on are left out."""
    tried = [
        callback(
            local(8, 9),
            attempts=(
                attempt(local(8, 9), 45 * S, disposition=Disposition.NO_ANSWER),
                attempt(local(8, 10), 8 * M),
            ),
        )
        for _ in range(32)
    ]
    going_on = callback(local(8, 9), attempts=(attempt(local(8, 9), None),))
    found = asked([*tried, going_on, *(call(local(8, 9)) for _ in range(72))])
    call_s = (8 * 300 + 72 * 300) / 80
    callback_s = (8 * call_s + 32 * (45 + 480 + 30)) / 40
    assert found.call_time_s == pytest.approx(call_s)
    assert found.callback_time_s == pytest.approx(callback_s)
    assert found.handle_time_s == pytest.approx((72 * call_s + 33 * callback_s) / 105)
    assert found.callback_ratio == pytest.approx(33 / 105)
    assert DemandGap.HANDLE_TIME_GUESSED not in found.gaps
    assert DemandGap.CALLBACK_TIME_GUESSED not in found.gaps


def test_patience_is_that_of_those_who_hung_up() -> None:
    """Per second that all waited; who left unseen, or waited no time, says nothing of it."""
    leave = [hung_up(local(8, 9), 50 * S) for _ in range(6)]
    lost = call(local(8, 9), taken_at=None, outcome=CallOutcome.LOST)
    at_once = call(local(8, 9), taken_at=local(8, 9))
    waits = call(local(8, 9), taken_at=None, ended_at=None, outcome=None)
    found = asked([*leave, lost, at_once, waits, call(local(8, 9)), callback(local(8, 9))])
    assert found.patience_s == pytest.approx(310 / 6)
    assert found.callback_ratio == pytest.approx(1 / 8)
    assert DemandGap.PATIENCE_UNKNOWN not in found.gaps
    assert asked(leave[:4]).patience_s is None


# ---------------------------------------------------------------------------- what is expected


def test_without_data_nothing_is_said() -> None:
    """And it is said that nothing is."""
    found = asked([], target=TARGET)
    assert found.expected is None
    assert {hour.expected for hour in found.hours if hour.open_s} == {None}
    assert (found.trend, found.agent_hours, found.weeks_count, found.spread_ratio) == (None, None, 0, 1.0)
    assert (found.handle_time_s, found.callback_time_s, found.callback_ratio) == (300.0, 300.0, 0.0)
    assert set(found.gaps) == set(DemandGap) - {DemandGap.TARGET_IMPOSSIBLE}


def test_a_young_queue_has_fewer_weeks() -> None:
    """Days before the first arrival are not days on which nobody came."""
    first = local(3, 9)
    calls = [call(first + day * 24 * H) for day in (0, 1, 2, 5, 6, 7, 8, 9)]
    found = asked(calls, weeks=4)
    assert found.weeks_count == 1
    assert DemandGap.FEW_WEEKS in found.gaps
    assert (at(found, "Mon 09:00").weeks_count, at(found, "Wed 09:00").weeks_count) == (1, 2)
    assert {h.expected for h in found.hours if h.open_s and h.minute == 540} == {1.0}
    older = asked([*calls, call(first - 28 * 24 * H)], weeks=4)
    assert older.weeks_count == 4
    assert at(older, "Mon 09:00").expected == 0.25
    assert DemandGap.FEW_WEEKS not in older.gaps


def grown(per_week: float, *, weeks: int = 8) -> list[Facts]:
    """Return calls of which there are so many more in each week; 40 hours of 10 in the first one."""
    today = NOW.astimezone(BERLIN).date()
    found: list[Facts] = [call(NOW - timedelta(weeks=weeks, days=1))]
    for back in range(7 * weeks, 0, -1):
        day = today - timedelta(days=back)
        if day.weekday() < 5:
            count = round(10 * (1 + per_week * ((7 * weeks - back) // 7)))
            start = datetime.combine(day, time(9), BERLIN).astimezone(UTC)
            found += [call(start + hour * H + number * S) for hour in range(8) for number in range(count)]
    return found


def test_a_clear_trend_is_followed_into_the_next_week() -> None:
    """Two more of ten each week: ten in the first week, 24 in the eighth, 28 in the one after the next."""
    found = asked(grown(0.2), weeks=8)
    assert found.trend is not None
    assert found.trend.is_clear
    assert found.trend.weeks_count == 8
    assert found.trend.per_week_ratio == pytest.approx(2 / 17)
    assert found.trend.low_ratio == pytest.approx(2 / 17)
    assert found.trend.high_ratio == pytest.approx(2 / 17)
    assert at(found, "Mon 09:00").expected == pytest.approx(28.0)
    assert at(found, "Mon 09:00").calls == pytest.approx(17.0)
    assert found.spread_ratio == 1.0


def test_a_trend_that_may_be_chance_is_not_followed() -> None:
    """Without a change the next week is the mean one; what shrinks to nothing expects nobody."""
    flat = asked(grown(0.0), weeks=8)
    assert flat.trend is not None
    assert not flat.trend.is_clear
    assert flat.expected == pytest.approx(400.0)
    assert DemandGap.NO_TREND not in flat.gaps
    gone = asked(grown(-0.13), weeks=8, target=TARGET)
    assert gone.trend is not None
    assert gone.trend.is_clear
    assert gone.expected == 0.0
    assert at(gone, "Mon 09:00").agents == 0
    assert at(gone, "Mon 09:00").expected_high == 1


def test_ranges_hold_as_often_as_they_say() -> None:
    """Poisson weeks, 40 stretches of 6 in the mean: 90 % or more hold, within two standard errors (0.7 %)."""
    chance = random.Random(5)

    def drawn(start: datetime) -> int:
        count, clock = 0, chance.expovariate(6.0)
        while clock < 1:
            count, clock = count + 1, clock + chance.expovariate(6.0)
        return count

    facts = [*every_weekday(1, weeks=8)]
    starts = [one.entered_at for one in facts[1:]]
    held = told = 0
    for _ in range(4):
        came = [facts[0], *(call(start + n * S) for start in starts for n in range(drawn(start)))]
        found = asked(came, weeks=8)
        for hour in found.hours:
            if hour.open_s:
                assert hour.expected_low is not None
                assert hour.expected_high is not None
                for _ in range(10):
                    told += 1
                    held += hour.expected_low <= drawn(NOW) <= hour.expected_high
    assert held / told >= 0.886
    assert found.spread_ratio == pytest.approx(1.0, abs=0.2)


def test_weeks_that_differ_more_than_by_chance_widen_the_range() -> None:
    """Every second day is busy, at random: Pearson's statistic sees it."""
    steady = asked(every_weekday(10, weeks=8), weeks=8)
    chance = random.Random(3)
    days = {day: chance.choice((2, 18)) for day in range(60)}
    wild = [
        one
        for one in every_weekday(18, weeks=8)
        if (one.entered_at.minute * 60 + one.entered_at.second) * 18
        < 3_600 * days[(NOW - one.entered_at).days]
    ]
    found = asked(wild, weeks=8)
    assert steady.spread_ratio == 1.0
    assert found.spread_ratio > 3
    width = [
        (hour.expected_high or 0) - (hour.expected_low or 0)
        for hour in (at(found, "Mon 09:00"), at(steady, "Mon 09:00"))
    ]
    assert width[0] > 1.5 * width[1]


# ---------------------------------------------------------------------------- agents


def test_agents_are_those_that_the_target_needs_in_each_hour() -> None:
    """By the load of that hour, with the measured times; more if many come."""
    found = asked([*every_weekday(60, weeks=2), callback(local(8, 9))], target=TARGET)
    hour = at(found, "Tue 10:00")
    assert (hour.expected, hour.agents) == (60.0, 8)
    load = Load(per_hour=60.0, handle_time_s=found.handle_time_s, callback_ratio=found.callback_ratio)
    assert hour.staffing == agents_for(load, TARGET)
    assert hour.agents_if_high is not None
    assert hour.agents_if_high > 8
    assert found.agent_hours == pytest.approx(sum(h.agents or 0 for h in found.hours))
    assert asked(every_weekday(60, weeks=2)).agent_hours is None
    halves = asked(every_weekday(60, weeks=2), target=TARGET, step=30 * M)
    assert len(halves.hours) == 336
    assert at(halves, "Tue 10:30").expected == 30.0
    assert halves.agent_hours == pytest.approx(320.0)


def test_a_target_that_cannot_be_kept_says_so() -> None:
    """Agents who are busy for a ten-thousandth of their time: so many there are not."""
    idle = StaffingTarget(occupancy_max_ratio=0.0001)
    found = asked([*every_weekday(300, weeks=1)], weeks=1, target=idle)
    assert at(found, "Mon 09:00").agents is None
    assert at(found, "Mon 09:00").expected == 300.0
    assert at(found, "Mon 09:00").staffing is None
    assert DemandGap.TARGET_IMPOSSIBLE in found.gaps
    assert found.agent_hours is None


# ---------------------------------------------------------------------------- bounds


@pytest.mark.parametrize("step", [timedelta(minutes=20), timedelta(0), timedelta(hours=2)])
def test_a_day_is_cut_into_quarters_halves_or_hours(step: timedelta) -> None:
    """Every change of clocks falls between them."""
    with pytest.raises(ConfigurationError, match=r"^step is .*; allowed: 15 or 30 minutes, or an hour"):
        asked([], step=step)


@pytest.mark.parametrize("weeks", [0, 105, 1.5, True])
def test_some_weeks_are_looked_at(weeks: int) -> None:
    """One to 104, and whole ones."""
    with pytest.raises(ConfigurationError, match=r"^weeks is .*; allowed: a whole number, 1 to 104"):
        weeks_before(NOW, weeks=weeks, zone="UTC")


def test_a_zone_is_one() -> None:
    """A name that none has is refused."""
    with pytest.raises(InvalidText, match=r"^zone is not known here"):
        weeks_before(NOW, weeks=2, zone="Atlantis")


def test_weeks_begin_and_end_at_midnight_of_their_zone() -> None:
    """Where midnight is skipped, with the first moment of the day."""
    found = weeks_before(datetime(2025, 9, 7, 12, tzinfo=UTC), weeks=1, zone="America/Santiago")
    assert found == Weeks(
        zone="America/Santiago",
        from_day=date(2025, 8, 31),
        until_day=date(2025, 9, 7),
        next_day=date(2025, 9, 8),
    )
    assert found.until_at == datetime(2025, 9, 7, 4, tzinfo=UTC)
    assert (found.count, math.floor(found.ahead)) == (1, 1)
    assert found.asked_from_at == datetime(2025, 8, 24, 4, tzinfo=UTC)
    assert found.next_until_at - found.next_from_at == timedelta(days=7)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "StaffingTarget is None; allowed: at least one figure"),
        ({"answered_ratio": 0.8}, r"answered_within is None; allowed: to be given with the other"),
        ({"callback_within": M}, r"callback_ratio is None; allowed: to be given with the other"),
        ({"answered_ratio": 1.0, "answered_within": S}, r"answered_ratio is 1.0; allowed: a number, 0 to"),
        ({"abandoned_max_ratio": 0.0}, r"abandoned_max_ratio is 0.0; allowed: a number, 0.0001 to"),
        ({"occupancy_max_ratio": True}, r"occupancy_max_ratio is True"),
        ({"mean_wait_max": timedelta(0)}, r"mean_wait_max is .*; allowed: a timedelta"),
        ({"mean_wait_max": 20}, r"mean_wait_max is 20; allowed: a timedelta"),
        ({"callback_ratio": 0.9, "callback_within": timedelta(days=2)}, r"callback_within is .*; allowed"),
    ],
)
def test_a_target_is_checked(fields: dict[str, Any], message: str) -> None:
    """In words that name the field."""
    with pytest.raises(ConfigurationError, match=message):
        StaffingTarget(**fields)

"""Slots: laws over random openings, every zone and its changes of clocks; and full days of which nobody asks more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import count, pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.hours import OpenHours
from callbackq.core.seats import promises_kept_max
from callbackq.core.slots import (
    ALWAYS,
    Asker,
    DayPlan,
    OpenTimes,
    day_of,
    day_slots,
    days_between,
    full_count,
    may_be_of,
    nearest,
    next_free,
    pieces_on,
    problem_with,
    rooms_before_closing,
    rules_of,
    slot_starts,
    starts_in,
    starts_on,
)
from callbackq.errors import InvalidText, InvalidTime
from callbackq.ids import DEFAULT_TENANT
from callbackq.model import Slot, SlotCount, SlotDay, SlotProblem, TimeWindow
from callbackq.model.intervals import Interval
from callbackq.policy.hours import Span, WeekHours
from callbackq.policy.slots import SlotPolicy
from core.samples import LAW, START, SUPPORT, D, H, M

MICROSECOND = timedelta(microseconds=1)
ANYBODY, GOLD = 100, 5


class Openings:
    """Open in the intervals that it was given, which are disjoint and in order."""

    def __init__(self, intervals: Iterable[Interval]) -> None:
        self.held = list(intervals)

    def intervals(self, from_at: datetime, *, until_at: datetime) -> Iterator[Interval]:
        for each in self.held:
            starts_at, ends_at = max(each.starts_at, from_at), min(each.ends_at, until_at)
            if starts_at < ends_at:
                yield Interval(starts_at=starts_at, ends_at=ends_at)


def opened(*pairs: tuple[datetime, datetime]) -> Openings:
    return Openings(Interval(starts_at=starts_at, ends_at=ends_at) for starts_at, ends_at in pairs)


def a_policy(**changes: Any) -> SlotPolicy:
    return SlotPolicy(**({"seats": None} | changes))


def a_count(at: datetime, usual: int = 0, kept: int = 0) -> SlotCount:
    return SlotCount(tenant_id=DEFAULT_TENANT, queue=SUPPORT, slot_at=at, usual_count=usual, kept_count=kept)


def counted(counts: Mapping[datetime, int]) -> dict[datetime, SlotCount]:
    return {at: a_count(at, taken) for at, taken in counts.items()}


def clocks(starts: Iterable[datetime], zone: str = "UTC") -> list[str]:
    return [f"{at.astimezone(ZoneInfo(zone)):%H:%M}" for at in starts]


def an_asker(*, priority: int = ANYBODY, now: datetime = START, **changes: Any) -> Asker:
    return Asker(queue=SUPPORT, policy=a_policy(**changes), priority=priority, now=now)


# ---------------------------------------------------------------------------- days in every zone

ZONES = sorted(available_timezones() - {"Factory", "localtime", "posixrules"})


def changes_of(zone: str) -> Iterator[date]:
    """Return the dates of this century's changes of clocks, up to 2035, as UTC has them."""
    rules, at = ZoneInfo(zone), datetime(2000, 1, 10, tzinfo=UTC)
    while at.year < 2035:
        if at.astimezone(rules).utcoffset() != (at + 4 * D).astimezone(rules).utcoffset():
            days = (at + number * D for number in range(4))
            yield from (
                day.date()
                for day in days
                if day.astimezone(rules).utcoffset() != (day + D).astimezone(rules).utcoffset()
            )
        at += 4 * D


def dates_shown(zone: str, from_at: datetime, until_at: datetime) -> list[tuple[datetime, date]]:
    """Return at which minutes clocks come to show a later date than any before."""
    rules, at = ZoneInfo(zone), from_at
    found: list[tuple[datetime, date]] = []
    latest = (from_at - M).astimezone(rules).date()
    while at < until_at:
        shown = at.astimezone(rules).date()
        if shown > latest:
            found.append((at, shown))
            latest = shown
        at += M
    return found


HARD_DAYS = [
    ("Asia/Beirut", date(2026, 3, 29), 23),  # No midnight.
    ("Africa/Cairo", date(2026, 4, 24), 23),
    ("America/Santiago", date(2026, 9, 6), 23),
    ("Asia/Gaza", date(2012, 3, 30), 23),
    ("America/Havana", date(2026, 11, 1), 25),  # Midnight comes twice.
    ("Europe/Berlin", date(2026, 3, 29), 23),
    ("Europe/Berlin", date(2026, 10, 25), 25),
    ("Asia/Beirut", date(2026, 10, 24), 25),
    ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
    ("Antarctica/Troll", date(2026, 3, 29), 22),
    ("Pacific/Apia", date(2011, 12, 29), 24),
    ("Pacific/Apia", date(2011, 12, 30), 0),  # There was none.
    ("Pacific/Apia", date(2011, 12, 31), 24),
    ("America/St_Johns", date(2006, 10, 28), 24),  # At 00:01 clocks went back to 23:01.
    ("America/St_Johns", date(2006, 10, 29), 25),
    ("Antarctica/Casey", date(2010, 3, 5), 27),  # At 02:00 clocks went back to 23:00.
]


@pytest.mark.parametrize(("zone", "day", "hours"), HARD_DAYS)
def test_days_of_other_lengths(zone: str, day: date, hours: float) -> None:
    pieces = pieces_on(day, hours=ALWAYS, zone=zone)
    assert sum((piece.length for piece in pieces), timedelta(0)) == hours * H
    starts = starts_on(day, hours=ALWAYS, policy=a_policy(length=30 * M), zone=zone)
    assert len(starts) == hours * 2
    assert all(later - earlier == 30 * M for earlier, later in pairwise(starts))
    assert all(day_of(at, zone=zone) == day for at in starts)


@pytest.mark.parametrize(("zone", "day", "hours"), HARD_DAYS)
def test_a_day_begins_when_its_date_is_first_shown(zone: str, day: date, hours: float) -> None:
    noon = datetime.combine(day, time(12), UTC)
    shown = {each: at for at, each in dates_shown(zone, noon - 3 * D, noon + 2 * D)}
    starts = starts_on(day, hours=ALWAYS, policy=a_policy(), zone=zone)
    assert starts[:1] == ([shown[day]] if hours else [])
    assert (day in shown) == (hours > 0)


@pytest.mark.parametrize("offset", range(8))
def test_days_of_every_zone_about_every_change(offset: int) -> None:
    """A day begins where clocks first show its date, the days leave nothing out, and every slot is of its own day."""
    policy, tried = a_policy(length=30 * M), 0
    for zone in ZONES[offset::8]:
        rules = ZoneInfo(zone)
        for changed in changes_of(zone):
            if changed.year not in {2000, 2006, 2011, 2018, 2026, 2027}:
                continue
            days = [changed + number * D for number in range(-1, 4)]
            found = [starts_on(day, hours=ALWAYS, policy=policy, zone=zone) for day in days]
            for day, starts, following in zip(days, found, found[1:], strict=False):
                if not starts:
                    continue
                shown = starts[0].astimezone(rules)
                assert shown.date() == day, zone
                assert (starts[0] - MICROSECOND).astimezone(rules).date() < day, zone
                assert {day_of(at, zone=zone) for at in (starts[0], starts[-1] + 29 * M)} == {day}, zone
                assert all(at.tzinfo is UTC for at in starts)
                if following:
                    assert following[0] - starts[-1] < 60 * M
            tried += 1
    assert tried > 100


def test_days_without_a_zone_or_time() -> None:
    with pytest.raises(InvalidText):
        day_of(START, zone="Berlin")
    with pytest.raises(InvalidTime):
        day_of(START.replace(tzinfo=None), zone="UTC")


def test_days_between_two_instants() -> None:
    def between(from_at: datetime, until_at: datetime, zone: str) -> list[str]:
        return [f"{day:%m-%d}" for day in days_between(from_at, until_at=until_at, zone=zone)]

    midnight = datetime(2026, 1, 6, tzinfo=UTC)
    assert between(midnight - H, midnight, "UTC") == ["01-05"]
    assert between(midnight - H, midnight + MICROSECOND, "UTC") == ["01-05", "01-06"]
    assert between(midnight - H, midnight + H, "Europe/Berlin") == ["01-06"]
    assert between(midnight, midnight, "UTC") == []
    assert between(midnight, midnight - D, "UTC") == []
    apia = datetime(2011, 12, 30, 8, tzinfo=UTC)
    assert between(apia, apia + 4 * H, "Pacific/Apia") == ["12-29", "12-30", "12-31"]


# ---------------------------------------------------------------------------- the grid


def test_the_grid_begins_with_each_opening() -> None:
    day = datetime(2026, 1, 5, tzinfo=UTC)
    hours = opened((day + 9 * H, day + 12 * H + 20 * M), (day + 13 * H + 10 * M, day + 14 * H + 10 * M))
    starts = starts_on(day.date(), hours=hours, policy=a_policy(length=40 * M), zone="UTC")
    assert clocks(starts) == ["09:00", "09:40", "10:20", "11:00", "11:40", "13:10"]
    closer = starts_on(day.date(), hours=hours, policy=a_policy(length=60 * M, grid=30 * M), zone="UTC")
    assert clocks(closer) == ["09:00", "09:30", "10:00", "10:30", "11:00", "13:10"]
    apart = starts_on(day.date(), hours=hours, policy=a_policy(length=20 * M, grid=90 * M), zone="UTC")
    assert clocks(apart) == ["09:00", "10:30", "12:00", "13:10"]


def test_an_opening_that_is_shorter_than_a_slot_has_none() -> None:
    piece = Interval(starts_at=START, ends_at=START + 29 * M)
    assert starts_in(piece, policy=a_policy()) == []
    assert starts_in(attrs.evolve(piece, ends_at=START + 30 * M), policy=a_policy()) == [START]
    hours_apart = a_policy(length=M, grid=8 * H)
    assert starts_in(attrs.evolve(piece, ends_at=START + 30 * M), policy=hours_apart) == [START]
    assert starts_in(attrs.evolve(piece, ends_at=START), policy=hours_apart) == []


def test_a_slot_never_crosses_midnight() -> None:
    night = datetime(2026, 1, 5, 22, 20, tzinfo=UTC)
    hours = opened((night, night + 4 * H))
    found = slot_starts(hours, from_at=night, until_at=night + D, policy=a_policy(), zone="UTC")
    assert clocks(found) == ["22:20", "22:50", "23:20", "00:00", "00:30", "01:00", "01:30"]


def test_hours_after_a_gap_begin_there() -> None:
    hours = OpenHours(WeekHours(zone="Europe/Berlin", week={6: [Span(time(2, 30), time(5))]}))
    starts = starts_on(date(2026, 3, 29), hours=hours, policy=a_policy(length=H), zone="Europe/Berlin")
    assert clocks(starts, "Europe/Berlin") == ["03:00", "04:00"]


def test_always_is_open() -> None:
    assert list(ALWAYS.intervals(START, until_at=START + H)) == [Interval(starts_at=START, ends_at=START + H)]
    assert list(ALWAYS.intervals(START, until_at=START)) == []


def test_days_are_looked_at_one_by_one() -> None:
    starts = slot_starts(ALWAYS, from_at=START, until_at=START + 10_000 * D, policy=a_policy(), zone="UTC")
    assert next(starts) == START


some_zones = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Asia/Beirut", "Asia/Kathmandu", "Australia/Lord_Howe"]
)
lengths = st.integers(10, 480).map(lambda minutes: minutes * M)


@st.composite
def openings(draw: st.DrawFn, *, unit: timedelta = M) -> Openings:
    """Random openings over some ten days about a change of clocks in Beirut, Berlin, or New York."""
    at = draw(st.sampled_from([datetime(2026, 3, 5, tzinfo=UTC), datetime(2026, 3, 26, tzinfo=UTC)]))
    held: list[Interval] = []
    for closed, is_open in draw(
        st.lists(
            st.tuples(st.integers(1, 900 * M // unit), st.integers(1, 3_000 * M // unit)),
            min_size=1,
            max_size=8,
        )
    ):
        at += closed * unit
        held.append(Interval(starts_at=at, ends_at=at + is_open * unit))
        at += is_open * unit
    return Openings(held)


def all_starts(hours: OpenTimes, policy: SlotPolicy, zone: str) -> list[datetime]:
    from_at = datetime(2026, 3, 1, tzinfo=UTC)
    return list(slot_starts(hours, from_at=from_at, until_at=from_at + 45 * D, policy=policy, zone=zone))


@LAW
@given(hours=openings(), length=lengths, grid=st.none() | lengths, zone=some_zones)
def test_a_slot_is_open_from_end_to_end(
    hours: Openings, length: timedelta, grid: timedelta | None, zone: str
) -> None:
    policy = a_policy(length=length, grid=grid)
    starts = all_starts(hours, policy, zone)
    for at in starts:
        assert any(each.starts_at <= at and at + length <= each.ends_at for each in hours.held)
        assert day_of(at, zone=zone) == day_of(at + length - MICROSECOND, zone=zone)
    assert all(later > earlier for earlier, later in pairwise(starts))
    if grid is None or grid >= length:
        assert all(later - earlier >= length for earlier, later in pairwise(starts))


@LAW
@given(hours=openings(unit=30 * M), zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata"]))
def test_whole_slots_leave_no_time_open(hours: Openings, zone: str) -> None:
    from_at, until_at = hours.held[0].starts_at, hours.held[-1].ends_at
    policy = a_policy(length=30 * M)
    starts = slot_starts(hours, from_at=from_at, until_at=until_at, policy=policy, zone=zone)
    open_time = sum((each.length for each in hours.held), timedelta(0))
    assert sum(1 for _ in starts) * 30 * M == open_time


@LAW
@given(hours=openings(), length=lengths, grid=st.none() | lengths, zone=some_zones, data=st.data())
def test_the_grid_does_not_depend_on_what_is_asked(
    hours: Openings, length: timedelta, grid: timedelta | None, zone: str, data: st.DataObject
) -> None:
    policy = a_policy(length=length, grid=grid)
    first = datetime(2026, 3, 5, tzinfo=UTC)
    cuts = sorted(data.draw(st.lists(st.integers(0, 40 * 1_440 * 60), min_size=2, max_size=5)))
    times = [first + timedelta(seconds=cut) for cut in cuts]
    parts = [
        at
        for from_at, until_at in pairwise(times)
        for at in slot_starts(hours, from_at=from_at, until_at=until_at, policy=policy, zone=zone)
    ]
    assert parts == list(slot_starts(hours, from_at=times[0], until_at=times[-1], policy=policy, zone=zone))
    assert parts == [at for at in all_starts(hours, policy, zone) if times[0] <= at < times[-1]]


spans = st.lists(st.integers(0, 1_439), min_size=2, max_size=6, unique=True).map(
    lambda minutes: [
        Span(time(*divmod(low, 60)), time(*divmod(high, 60)))
        for low, high in zip(sorted(minutes)[::2], sorted(minutes)[1::2], strict=False)
    ]
)


@LAW
@given(spans=spans, length=lengths, zone=st.sampled_from(["Europe/Berlin", "Asia/Beirut", "UTC"]))
def test_slots_of_real_hours(spans: Sequence[Span], length: timedelta, zone: str) -> None:
    hours = OpenHours(WeekHours(zone=zone, week=dict.fromkeys(range(7), spans)))
    policy = a_policy(length=length)
    for day in (date(2026, 3, 28), date(2026, 3, 29), date(2026, 10, 25)):
        starts = starts_on(day, hours=hours, policy=policy, zone=zone)
        for at in starts:
            assert hours.open_time_between(at, until_at=at + length) == length
            assert at.astimezone(ZoneInfo(zone)).date() == day
        left = sum((piece.length % length for piece in pieces_on(day, hours=hours, zone=zone)), timedelta(0))
        begin, end = (pieces_on(each, hours=ALWAYS, zone=zone)[0].starts_at for each in (day, day + D))
        assert hours.open_time_between(begin, until_at=end) == len(starts) * length + left


# ---------------------------------------------------------------------------- what is wrong with a time

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
SHOP = opened((NINE, NINE + 3 * H), (NINE + 4 * H, NINE + 30 * H))


@pytest.mark.parametrize(
    ("at", "now", "expected"),
    [
        (NINE, NINE, SlotProblem.TOO_SOON),
        (NINE, NINE + MICROSECOND, SlotProblem.PAST),
        (NINE - D, NINE, SlotProblem.PAST),  # closed too
        (NINE, NINE - 15 * M, None),
        (NINE, NINE - 15 * M + MICROSECOND, SlotProblem.TOO_SOON),
        (NINE + M, NINE, SlotProblem.TOO_SOON),  # off the grid too
        (NINE + 2 * H, NINE - 2 * H, None),
        (NINE + 2 * H, NINE - 2 * H - MICROSECOND, SlotProblem.BEYOND_HORIZON),
        (NINE + D, NINE, SlotProblem.BEYOND_HORIZON),
        (NINE - M, NINE - H, SlotProblem.CLOSED),
        (NINE + 2 * H + 30 * M, NINE, None),
        (NINE + 2 * H + 31 * M, NINE, SlotProblem.CLOSED),  # it would not end before the break
        (NINE + 3 * H, NINE, SlotProblem.CLOSED),
        (NINE + 3 * H + 45 * M, NINE, SlotProblem.CLOSED),
        (NINE + 4 * H, NINE, None),
        (NINE + M, NINE - H, SlotProblem.OFF_GRID),
        (NINE + 14 * H + 45 * M, NINE + 12 * H, SlotProblem.OFF_GRID),  # cut by midnight
    ],
)
def test_what_is_wrong_with_a_time(at: datetime, now: datetime, expected: SlotProblem | None) -> None:
    policy = a_policy()
    starts = starts_on(day_of(at, zone="UTC"), hours=SHOP, policy=policy, zone="UTC")
    assert problem_with(at, starts_that_day=starts, hours=SHOP, policy=policy, now=now) == expected


@LAW
@given(minute=st.integers(0, 3_000), asked=st.integers(0, 3_000))
def test_nothing_is_wrong_with_what_is_offered(minute: int, asked: int) -> None:
    policy, at, now = a_policy(), NINE - 8 * H + minute * M, NINE - 10 * H + asked * M
    starts = starts_on(day_of(at, zone="UTC"), hours=SHOP, policy=policy, zone="UTC")
    problem = problem_with(at, starts_that_day=starts, hours=SHOP, policy=policy, now=now)
    asker = Asker(queue=SUPPORT, policy=policy, priority=ANYBODY, now=now)
    assert (problem is None) == (at in starts and asker.may_book(at))


# ---------------------------------------------------------------------------- before closing

CLOSES = START + 3 * H


def rooms_of(
    starts: Sequence[datetime], counts: Mapping[datetime, int], *, agents: int = 5, **changes: Any
) -> list[int]:
    asked: dict[str, Any] = {"closes_at": CLOSES, "handle_time": 5 * M, "kept_ratio": 0.95} | changes
    return rooms_before_closing(starts, counts=counted(counts), agents=agents, **asked)


def test_rooms_before_closing() -> None:
    starts = [CLOSES - minutes * M for minutes in (60, 30, 15, 10)]
    assert rooms_of(starts, {}) == [48, 21, 9, 5]
    assert rooms_of(starts, {starts[3]: 3}) == [45, 18, 6, 2]
    assert rooms_of(starts, {starts[0]: 40}) == [8, 8, 8, 5]
    assert rooms_of(starts, {starts[2]: 20}) == [28, 1, 0, 0]
    assert rooms_of([], {START: 1}) == []


def test_what_is_booked_outside_the_grid_is_counted() -> None:
    starts = [CLOSES - minutes * M for minutes in (60, 30)]
    assert rooms_of(starts, {CLOSES - 10 * M: 5}) == [43, 16]
    assert rooms_of(starts, {CLOSES - 15 * M: 9, CLOSES - 45 * M: 10}) == [29, 12]
    # From 40 minutes before closing 30 can begin.
    assert promises_kept_max(5, time=40 * M, handle_time=5 * M, kept_ratio=0.95) == 30
    assert rooms_of(starts, {CLOSES - 40 * M: 25}) == [23, 5]
    # Other openings of the day are none of it, and a counter may stand at zero.
    assert rooms_of(starts, {CLOSES: 9, CLOSES - 61 * M: 9, CLOSES - 5 * M: 0}) == [48, 21]


room_counts = st.dictionaries(st.integers(0, 35).map(lambda five: START + five * 5 * M), st.integers(0, 9))


@LAW
@given(counts=room_counts, agents=st.integers(0, 6), more=st.integers(0, 35))
def test_one_booking_more_never_makes_room(counts: dict[datetime, int], agents: int, more: int) -> None:
    starts = [START + number * 15 * M for number in range(12)]
    before = rooms_of(starts, counts, agents=agents)
    at = START + more * 5 * M
    after = rooms_of(starts, counts | {at: counts.get(at, 0) + 1}, agents=agents)
    assert all(fewer <= room for fewer, room in zip(after, before, strict=True))
    assert all(0 <= later <= earlier for earlier, later in pairwise(before))


@LAW
@given(agents=st.integers(0, 6), order=st.lists(st.integers(0, 11), max_size=80))
def test_all_that_is_booked_within_its_room_can_be_kept(agents: int, order: Sequence[int]) -> None:
    starts = [START + number * 15 * M for number in range(12)]
    booked = dict.fromkeys(starts, 0)
    for number in order:
        if rooms_of(starts, booked, agents=agents)[number] > 0:
            booked[starts[number]] += 1
    for at in starts:
        most = promises_kept_max(agents, time=CLOSES - at, handle_time=5 * M, kept_ratio=0.95)
        assert sum(taken for slot_at, taken in booked.items() if slot_at >= at) <= most


# ---------------------------------------------------------------------------- one day for one who asks


def a_plan(*, first: datetime = START, number: int = 4, seats: int = 3, **changes: Any) -> DayPlan:
    fields: dict[str, Any] = {
        "day": first.date(),
        "starts": [first + each * 30 * M for each in range(number)],
        "seats": [seats] * number,
        "rules": "now",
    }
    return DayPlan(**(fields | changes))


def a_day_row(full: int, *, rules: str = "now") -> SlotDay:
    return SlotDay(tenant_id=DEFAULT_TENANT, queue=SUPPORT, day="2026-01-05", full_count=full, rules=rules)


def test_the_slots_of_a_day() -> None:
    plan = a_plan()
    counts = {plan.starts[1]: a_count(plan.starts[1], 1, 1), plan.starts[2]: a_count(plan.starts[2], 5)}
    slots = day_slots(plan, counts=counts, asker=an_asker(kept_seats=1))
    assert [slot.free_count for slot in slots] == [0, 1, 0, 2]  # the first is too soon
    assert [slot.taken_count for slot in slots] == [0, 2, 5, 0]
    assert [slot.seats_count for slot in slots] == [3] * 4
    assert [slot.starts_at for slot in slots] == list(plan.starts)
    assert all(slot.ends_at - slot.starts_at == 30 * M and slot.queue == SUPPORT for slot in slots)
    gold = day_slots(plan, counts=counts, asker=an_asker(kept_seats=1, priority=GOLD))
    assert [slot.free_count for slot in gold] == [0, 1, 0, 3]


def test_slots_are_free_within_lead_and_horizon_and_room() -> None:
    plan = a_plan(number=6)
    asker = an_asker(lead_min=30 * M, horizon=2 * H)
    assert [slot.free_count for slot in day_slots(plan, counts={}, asker=asker)] == [0, 3, 3, 3, 3, 0]
    limited = day_slots(plan, counts={}, asker=asker, rooms=[9, 9, 2, 1, 0, 0])
    assert [slot.free_count for slot in limited] == [0, 3, 2, 1, 0, 0]
    past = attrs.evolve(asker, now=START + 4 * H)
    assert not any(slot.free_count for slot in day_slots(plan, counts={}, asker=past))


class Counters:
    """Counters of any day; it notes for which they were asked."""

    def __init__(self, counts: Mapping[datetime, int] | None = None) -> None:
        self.counts = counted(counts or {})
        self.asked: list[date] = []

    def of(self, plan: DayPlan) -> Mapping[datetime, SlotCount]:
        self.asked.append(plan.day)
        return {at: self.counts[at] for at in plan.starts if at in self.counts}


def some_days(full: Sequence[int | None], *, rules: str = "now") -> list[DayPlan]:
    """Return a plan for each day, of which so many of 4 slots are known to be full; None: nothing is known."""
    return [
        a_plan(
            first=START + number * D,
            known=None if known is None else a_day_row(known, rules=rules),
        )
        for number, known in enumerate(full)
    ]


def test_counters_of_full_days_are_never_asked_for() -> None:
    plans, counters = some_days([4, 4, 3, 5, None, 0, 4]), Counters()
    asker = an_asker(horizon=300 * D, now=START - D)
    found = list(next_free(plans, asker=asker, counts_of=counters.of))
    assert counters.asked == [plans[2].day, plans[4].day, plans[5].day]
    assert [slot.starts_at for slot in found] == [at for n in (2, 4, 5) for at in plans[n].starts]


def test_a_hundred_full_days_cost_no_counters() -> None:
    plans, counters = some_days([4] * 100 + [3]), Counters()
    counters.counts = counted(dict.fromkeys(plans[100].starts[:3], 3))
    first = next(next_free(plans, asker=an_asker(horizon=300 * D), counts_of=counters.of))
    assert first.starts_at == plans[100].starts[3]
    assert counters.asked == [plans[100].day]


def test_what_was_counted_under_other_rules_says_nothing() -> None:
    plans, counters = some_days([4, 4], rules="before"), Counters()
    assert len(list(next_free(plans, asker=an_asker(horizon=30 * D), counts_of=counters.of))) == 7
    assert len(counters.asked) == 2


def test_a_day_that_names_no_rules_is_not_taken_to_be_full() -> None:
    assert a_plan(known=a_day_row(4)).is_full
    assert not a_plan(known=a_day_row(4, rules=""), rules="").is_full
    assert not a_plan().is_full


def test_full_days_have_kept_seats_for_those_who_may_use_them() -> None:
    plans = some_days([4])
    counters = Counters(dict.fromkeys(plans[0].starts, 2))
    usual = an_asker(kept_seats=1, now=START - H)
    assert list(next_free(plans, asker=usual, counts_of=counters.of)) == []
    assert counters.asked == []
    gold = attrs.evolve(usual, priority=GOLD)
    assert [slot.free_count for slot in next_free(plans, asker=gold, counts_of=counters.of)] == [1] * 4


def test_days_are_looked_at_when_they_are_needed() -> None:
    counters = Counters()
    endless = (a_plan(first=START + number * D) for number in count())
    slots = next_free(endless, asker=an_asker(horizon=300 * D), counts_of=counters.of)
    assert counters.asked == []
    assert next(slots).starts_at == START + 30 * M
    assert len(counters.asked) == 1


def test_days_that_cannot_be_booked_are_not_asked_for() -> None:
    counters = Counters()
    shut = a_plan(number=0)
    endless = (a_plan(first=START + number * D) if number != 1 else shut for number in count())
    asker = an_asker(now=START + 2 * H, horizon=2 * D, lead_min=D)
    found = list(next_free(endless, asker=asker, counts_of=counters.of))
    assert counters.asked == [(START + 2 * D).date()]
    assert found[0].starts_at == START + 2 * D
    gold = attrs.evolve(asker, policy=attrs.evolve(asker.policy, kept_seats=1), priority=GOLD)
    assert list(next_free([shut], asker=gold, counts_of=counters.of)) == []


def test_rooms_are_asked_for_day_by_day() -> None:
    plans, counters = some_days([None, None]), Counters()
    rooms = {plans[0].day: [9, 1, 0, 0], plans[1].day: [0, 0, 2, 0]}

    def of(plan: DayPlan, counts: Mapping[datetime, SlotCount]) -> list[int]:
        assert counts == {}
        return rooms[plan.day]

    found = next_free(plans, asker=an_asker(horizon=9 * D), counts_of=counters.of, rooms_of=of)
    assert [(slot.starts_at, slot.free_count) for slot in found] == [
        (plans[0].starts[1], 1),
        (plans[1].starts[2], 2),
    ]


@LAW
@given(
    taken=st.lists(st.integers(0, 3), min_size=20, max_size=20),
    now=st.integers(-100, 8_000),
    horizon=st.integers(1, 100),
    kept=st.integers(0, 2),
    priority=st.sampled_from([ANYBODY, GOLD]),
)
def test_skipping_days_changes_nothing(
    taken: Sequence[int], now: int, horizon: int, kept: int, priority: int
) -> None:
    asker = an_asker(now=START + now * M, horizon=horizon * H, kept_seats=kept, priority=priority)
    plain = some_days([None] * 5)
    starts = [at for plan in plain for at in plan.starts]
    counters = Counters(dict(zip(starts, taken, strict=True)))
    known = [
        attrs.evolve(plan, known=a_day_row(full_count(plan, counts=counters.counts, policy=asker.policy)))
        for plan in plain
    ]
    found = list(next_free(known, asker=asker, counts_of=counters.of))
    every = [slot for plan in plain for slot in day_slots(plan, counts=counters.counts, asker=asker)]
    assert found == [slot for slot in every if slot.free_count]


# ---------------------------------------------------------------------------- days that are full


def test_how_many_slots_are_full() -> None:
    plan = a_plan(number=5, seats=3)
    plan = attrs.evolve(plan, seats=[3, 3, 3, 1, 3])
    counts = {
        plan.starts[1]: a_count(plan.starts[1], 1),
        plan.starts[2]: a_count(plan.starts[2], 2),
        plan.starts[4]: a_count(plan.starts[4], 1, 2),
    }
    assert full_count(plan, counts=counts, policy=a_policy(kept_seats=1)) == 3
    assert full_count(plan, counts=counts, policy=a_policy()) == 1
    assert full_count(a_plan(number=0), counts={}, policy=a_policy()) == 0


def test_rules_are_the_same_everywhere() -> None:
    assert rules_of(a_policy(), seats=[1, 2], zone="UTC", hours_fingerprint="h1") == "acaac88f5b547b72"


@pytest.mark.parametrize(
    "changes",
    [
        {"policy": a_policy(length=20 * M, grid=30 * M)},
        {"policy": a_policy(grid=15 * M)},
        {"policy": a_policy(kept_seats=1)},
        {"policy": a_policy(retry_seats=1)},
        {"seats": [1, 3]},
        {"seats": [1, 2, 2]},
        {"zone": "Europe/Berlin"},
        {"hours_fingerprint": "h2"},
    ],
)
def test_other_settings_are_other_rules(changes: dict[str, Any]) -> None:
    asked: dict[str, Any] = {
        "policy": a_policy(),
        "seats": [1, 2],
        "zone": "UTC",
        "hours_fingerprint": "h1",
    }
    first, second = asked, asked | changes
    assert rules_of(first.pop("policy"), **first) != rules_of(second.pop("policy"), **second)


@pytest.mark.parametrize(
    "policy", [a_policy(grid=30 * M), a_policy(lead_min=M), a_policy(kept_priority_max=1, tolerance=M)]
)
def test_settings_that_make_no_slot_full_are_no_rules(policy: SlotPolicy) -> None:
    def rules(of: SlotPolicy, seats: Sequence[int]) -> str:
        return rules_of(of, seats=seats, zone="UTC", hours_fingerprint="h1")

    assert rules(policy, (1, 2)) == rules(a_policy(), [1, 2])


# ---------------------------------------------------------------------------- which one


def some_slots(free: Mapping[int, int]) -> list[Slot]:
    """Return slots of so many minutes after the start, with so many free seats."""
    return [
        Slot(
            queue=SUPPORT,
            starts_at=START + minutes * M,
            ends_at=START + minutes * M + 30 * M,
            free_count=seats,
            seats_count=3,
            taken_count=3 - seats,
        )
        for minutes, seats in free.items()
    ]


@pytest.mark.parametrize(("minutes", "has"), [(29, False), (30, True), (89, True), (90, False)])
def test_the_end_of_a_window_is_not_in_it(minutes: int, has: bool) -> None:
    """Its begin is."""
    assert TimeWindow(from_at=START + 30 * M, until_at=START + 90 * M).has(START + minutes * M) is has


def test_a_day_in_a_zone_that_nobody_knows_may_be_any() -> None:
    """Another node counted it, with other zone data: a seat that is given back may be one of its slots."""
    known = SlotDay(tenant_id=DEFAULT_TENANT, queue=SUPPORT, day="2026-01-05", rules="America/Not_Yet 1a")
    assert may_be_of(known, START)
    assert may_be_of(known, START + 9 * D)


@pytest.mark.parametrize(
    ("at", "limit", "expected"),
    [
        (60, 1, [90]),  # both are as near
        (60, 2, [30, 90]),
        (60, 3, [30, 90, 120]),
        (75, 2, [90, 120]),
        (90, 1, [90]),
        (-600, 2, [30, 90]),
        (900, 2, [120, 150]),
        (60, 9, [30, 90, 120, 150]),
        (60, 0, []),
    ],
)
def test_the_nearest_slots(at: int, limit: int, expected: list[int]) -> None:
    slots = some_slots({0: 0, 30: 1, 60: 0, 90: 2, 120: 1, 150: 1})
    found = nearest(iter(slots), at=START + at * M, limit=limit)
    assert [slot.starts_at for slot in found] == [START + minutes * M for minutes in expected]

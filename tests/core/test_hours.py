"""Opening hours: exact figures on the days when clocks are changed, and laws over every zone that there is."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.hours import LOOK_AHEAD, OpenHours
from callbackq.errors import ConfigurationError, InvalidTime
from callbackq.model import Opening
from callbackq.model.intervals import Interval
from callbackq.policy.hours import WHOLE_DAY, Closure, Span, WeekHours, weekdays
from core.samples import LAW, D, H, M, S

US = timedelta(microseconds=1)
DAY = Span(time(9), time(17))
NIGHT = Span(time(22), time(2))
ALWAYS = WeekHours(zone="America/New_York", week=dict.fromkeys(range(7), (WHOLE_DAY,)))


def at(text: str) -> datetime:
    """Read an instant: `2026-03-08 07:00` in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def span(text: str) -> Span:
    """Read a span: `09:00-17:00`."""
    opens, closes = text.split("-")
    return Span(time.fromisoformat(opens), time.fromisoformat(closes))


def on_date(zone: str, day: str, *spans: str) -> OpenHours:
    """Return hours that are open on one date alone."""
    special = {date.fromisoformat(day): [span(text) for text in spans]}
    return OpenHours(WeekHours(zone=zone, week={}, special=special))


def found_in(hours: OpenHours, from_at: datetime, until_at: datetime) -> list[tuple[datetime, datetime]]:
    return [(found.starts_at, found.ends_at) for found in hours.intervals(from_at, until_at=until_at)]


# ---------------------------------------------------------------------------- days on which clocks are changed


@pytest.mark.parametrize(
    ("zone", "day", "spans", "expected"),
    [
        # Forward at 02:00, which is 07:00 UTC: there is no 02:30.
        ("America/New_York", "2026-03-08", ["00:00-04:00"], ["03-08 05:00 03-08 08:00"]),
        ("America/New_York", "2026-03-08", ["00:00-00:00"], ["03-08 05:00 03-09 04:00"]),
        ("America/New_York", "2026-03-08", ["02:30-04:00"], ["03-08 07:00 03-08 08:00"]),
        ("America/New_York", "2026-03-08", ["01:00-02:30"], ["03-08 06:00 03-08 07:00"]),
        ("America/New_York", "2026-03-08", ["02:00-03:00"], []),
        ("America/New_York", "2026-03-08", ["02:10:00.000001-02:50"], []),
        ("America/New_York", "2026-03-08", ["01:00-02:20", "02:40-04:00"], ["03-08 06:00 03-08 08:00"]),
        ("America/New_York", "2026-03-07", ["22:00-02:30"], ["03-08 03:00 03-08 07:00"]),
        # Back at 02:00, which is 06:00 UTC: 01:00 to 02:00 comes twice.
        ("America/New_York", "2026-11-01", ["00:00-00:00"], ["11-01 04:00 11-02 05:00"]),
        ("America/New_York", "2026-11-01", ["01:30-03:00"], ["11-01 05:30 11-01 08:00"]),
        ("America/New_York", "2026-11-01", ["00:00-01:30"], ["11-01 04:00 11-01 06:30"]),
        ("America/New_York", "2026-11-01", ["01:15-01:45"], ["11-01 05:15 11-01 06:45"]),
        ("America/New_York", "2026-11-01", ["01:00-02:00"], ["11-01 05:00 11-01 07:00"]),
        ("America/New_York", "2026-11-01", ["02:00-03:00"], ["11-01 07:00 11-01 08:00"]),
        ("America/New_York", "2026-11-01", ["00:30-01:15", "01:45-02:30"], ["11-01 04:30 11-01 07:30"]),
        ("America/New_York", "2026-10-31", ["22:00-01:30"], ["11-01 02:00 11-01 06:30"]),
        # London three weeks later than New York, and one week earlier.
        ("Europe/London", "2026-03-29", ["00:30-02:30"], ["03-29 00:30 03-29 01:30"]),
        ("Europe/London", "2026-10-25", ["00:30-02:30"], ["10-24 23:30 10-25 02:30"]),
        # 30 minutes.
        ("Australia/Lord_Howe", "2026-04-05", ["01:30-02:00"], ["04-04 14:30 04-04 15:30"]),
        ("Australia/Lord_Howe", "2026-04-05", ["01:45-03:00"], ["04-04 14:45 04-04 16:30"]),
        ("Australia/Lord_Howe", "2026-10-04", ["02:15-03:00"], ["10-03 15:30 10-03 16:00"]),
        ("Australia/Lord_Howe", "2026-10-04", ["01:00-02:15"], ["10-03 14:30 10-03 15:30"]),
        # A whole day that never was.
        ("Pacific/Apia", "2011-12-29", ["22:00-02:00"], ["12-30 08:00 12-30 10:00"]),
        ("Pacific/Apia", "2011-12-30", ["00:00-00:00"], []),
        ("Pacific/Apia", "2011-12-30", ["09:00-17:00"], []),
        ("Pacific/Apia", "2011-12-30", ["22:00-02:00"], ["12-30 10:00 12-30 12:00"]),
        ("Pacific/Apia", "2011-12-31", ["00:00-09:00"], ["12-30 10:00 12-30 19:00"]),
        # Two hours.
        ("Antarctica/Troll", "2016-03-27", ["02:30-04:00"], ["03-27 01:00 03-27 02:00"]),
        ("Antarctica/Troll", "2016-10-30", ["02:00-02:30"], ["10-30 00:00 10-30 02:30"]),
        # On the evening before, at 22:00: clocks skip the last hour of a Saturday, and repeat it.
        ("America/Nuuk", "2024-03-30", ["22:00-23:30"], ["03-31 00:00 03-31 01:00"]),
        ("America/Nuuk", "2024-03-30", ["23:00-00:00"], []),
        ("America/Nuuk", "2024-10-26", ["23:30-00:00"], ["10-27 00:30 10-27 02:00"]),
        # At midnight: the day begins at 01:00; and the one before has its last hour twice.
        ("America/Asuncion", "2023-10-01", ["00:00-02:00"], ["10-01 04:00 10-01 05:00"]),
        ("America/Asuncion", "2023-03-25", ["23:30-01:00"], ["03-26 02:30 03-26 05:00"]),
        # One minute after midnight: the last hour of the day before comes twice, and the first minute of this one.
        ("America/St_Johns", "2006-10-29", ["00:00-08:00"], ["10-29 02:30 10-29 11:30"]),
        ("America/St_Johns", "2006-10-28", ["20:00-23:30"], ["10-28 22:30 10-29 03:00"]),
        # Winter time in summer: Ramadan.
        ("Africa/Casablanca", "2023-03-19", ["02:30-04:00"], ["03-19 01:30 03-19 04:00"]),
        ("Africa/Casablanca", "2023-04-23", ["02:30-04:00"], ["04-23 02:00 04-23 03:00"]),
        ("Africa/El_Aaiun", "2023-04-23", ["02:30-04:00"], ["04-23 02:00 04-23 03:00"]),
        ("Asia/Gaza", "2023-04-29", ["02:30-04:00"], ["04-29 00:00 04-29 01:00"]),
        ("Asia/Gaza", "2023-10-28", ["01:30-02:00"], ["10-27 22:30 10-28 00:00"]),
        # The end of a year, and of a leap February.
        ("Asia/Tokyo", "2026-12-31", ["22:00-02:00"], ["12-31 13:00 12-31 17:00"]),
        ("America/New_York", "2028-02-29", ["22:00-02:00"], ["03-01 03:00 03-01 07:00"]),
        ("UTC", "2028-02-28", ["22:00-02:00"], ["02-28 22:00 02-29 02:00"]),
        ("UTC", "2027-02-28", ["22:00-02:00"], ["02-28 22:00 03-01 02:00"]),
    ],
)
def test_one_date_in_utc(zone: str, day: str, spans: list[str], expected: list[str]) -> None:
    hours = on_date(zone, day, *spans)
    year = day[:4]
    pieces = [(at(f"{year}-{text[:11]}"), at(f"{year}-{text[12:]}")) for text in expected]
    noon = at(f"{day} 12:00")
    assert found_in(hours, noon - 5 * D, noon + 5 * D) == pieces
    length = sum((ends_at - starts_at for starts_at, ends_at in pieces), 0 * S)
    assert hours.open_time_between(noon - 5 * D, until_at=noon + 5 * D) == length


def test_days_that_overlap_where_an_hour_comes_twice_are_one() -> None:
    """The 29th begins, and then the last hour of the 28th comes again."""
    hours = OpenHours(
        WeekHours(
            zone="America/St_Johns",
            week={5: [span("20:00-23:30")], 6: [span("00:00-08:00")]},
        )
    )
    sunday = at("2006-10-29 00:00")
    assert found_in(hours, sunday - D, sunday + D) == [(at("2006-10-28 22:30"), at("2006-10-29 11:30"))]


def test_london_and_new_york_do_not_change_their_clocks_together() -> None:
    """From 9 to 17 in both: 3 h a day; 4 h in the three weeks of spring, and in the week of autumn, between."""
    london, new_york = (
        OpenHours(WeekHours(zone=zone, week=weekdays(DAY))) for zone in ("Europe/London", "America/New_York")
    )

    def both(monday: str) -> timedelta:
        starts_at = at(f"{monday} 00:00")
        return sum(
            (
                new_york.open_time_between(piece.starts_at, until_at=piece.ends_at)
                for piece in london.intervals(starts_at, until_at=starts_at + 5 * D)
            ),
            0 * S,
        )

    assert [both(monday) / H for monday in ("2026-03-02", "2026-03-09", "2026-03-23", "2026-03-30")] == [
        15,
        20,
        20,
        15,
    ]
    assert [both(monday) / H for monday in ("2026-10-19", "2026-10-26", "2026-11-02")] == [15, 20, 15]


# ---------------------------------------------------------------------------- a week in Berlin

BERLIN: Final = OpenHours(
    WeekHours(
        zone="Europe/Berlin",
        week={**weekdays(span("09:00-12:00"), span("13:00-17:00")), 4: [NIGHT]},
        holidays=[date(2026, 1, 6), date(2026, 1, 10), date(2026, 1, 7)],
        special={date(2026, 1, 7): [span("10:00-11:00")], date(2026, 1, 8): []},
        closures=[
            Closure(from_at=at("2026-01-09 22:30"), until_at=at("2026-01-09 23:00")),
            Closure(from_at=at("2026-01-05 11:00"), until_at=at("2026-01-05 11:30")),
            Closure(from_at=at("2026-01-05 13:00"), until_at=at("2026-01-05 13:20")),
            Closure(from_at=at("2026-01-05 13:10"), until_at=at("2026-01-05 13:30")),
            Closure(from_at=at("2026-01-05 13:30"), until_at=at("2026-01-05 13:40")),
        ],
    )
)


def test_breaks_holidays_special_dates_and_closures() -> None:
    """Saturday the 10th is a holiday; the night of Friday goes on. The 7th is special, though it is a holiday."""
    week = at("2026-01-05 00:00")
    assert found_in(BERLIN, week, week + 7 * D) == [
        (at(f"2026-01-{text[:8]}"), at(f"2026-01-{text[9:]}"))
        for text in (
            "05 08:00 05 11:00",
            "05 12:00 05 13:00",
            "05 13:40 05 16:00",
            "07 09:00 07 10:00",
            "09 21:00 09 22:30",
            "09 23:00 10 01:00",
        )
    ]


@pytest.mark.parametrize(
    ("now", "is_open", "changes_at", "next_opening"),
    [
        ("05 07:59", False, "05 08:00", "05 08:00"),
        ("05 08:00", True, "05 11:00", "05 08:00"),
        ("05 10:59", True, "05 11:00", "05 10:59"),
        ("05 11:00", False, "05 12:00", "05 12:00"),
        ("05 13:00", False, "05 13:40", "05 13:40"),
        ("05 13:35", False, "05 13:40", "05 13:40"),
        ("05 16:00", False, "07 09:00", "07 09:00"),
        ("07 10:00", False, "09 21:00", "09 21:00"),
        ("09 23:30", True, "10 01:00", "09 23:30"),
        ("10 01:00", False, "12 08:00", "12 08:00"),
    ],
)
def test_what_is_said_of_a_moment(now: str, is_open: bool, changes_at: str, next_opening: str) -> None:
    moment = at(f"2026-01-{now}")
    for zone in ("UTC", "Pacific/Chatham"):
        there = moment.astimezone(ZoneInfo(zone))
        assert BERLIN.opening(there) == Opening(is_open=is_open, changes_at=at(f"2026-01-{changes_at}"))
        assert BERLIN.is_open(there) is is_open
        assert BERLIN.next_opening(there) == at(f"2026-01-{next_opening}")


def test_answers_are_in_utc() -> None:
    there = at("2026-01-05 10:00").astimezone(ZoneInfo("Asia/Kathmandu"))
    found = next(BERLIN.intervals(there, until_at=there + H))
    told = (BERLIN.opening(there).changes_at, BERLIN.next_opening(there), found.starts_at, found.ends_at)
    assert [moment.tzinfo for moment in told if moment] == [UTC] * 4


@pytest.mark.parametrize(
    ("closures", "expected"),
    [
        ([("08:00", "09:00")], ["09:00 17:00"]),
        ([("08:00", "09:30")], ["09:30 17:00"]),
        ([("09:00", "17:00")], []),
        ([("08:00", "18:00"), ("08:30", "09:30")], []),
        ([("16:00", "17:00")], ["09:00 16:00"]),
        ([("16:00", "18:00")], ["09:00 16:00"]),
        ([("17:00", "18:00")], ["09:00 17:00"]),
        ([("12:00", "13:00")], ["09:00 12:00", "13:00 17:00"]),
        ([("12:00", "13:00"), ("13:00", "14:00")], ["09:00 12:00", "14:00 17:00"]),
        ([("14:00", "15:00"), ("12:00", "16:00"), ("13:00", "13:30")], ["09:00 12:00", "16:00 17:00"]),
    ],
)
def test_a_closure_cuts_what_it_covers(closures: list[tuple[str, str]], expected: list[str]) -> None:
    shut = [
        Closure(from_at=at(f"2026-01-05 {one}"), until_at=at(f"2026-01-05 {other}"))
        for one, other in closures
    ]
    hours = OpenHours(WeekHours(zone="UTC", week={0: [DAY]}, closures=shut))
    day = at("2026-01-05 00:00")
    assert found_in(hours, day, day + D) == [
        (at(f"2026-01-05 {text[:5]}"), at(f"2026-01-05 {text[6:]}")) for text in expected
    ]


# ---------------------------------------------------------------------------- far away


def test_what_is_always_open_is_one_interval_and_does_not_change() -> None:
    hours = OpenHours(ALWAYS)
    start, end = at("2026-01-01 12:34"), at("2028-12-31 01:00")
    assert list(hours.intervals(start, until_at=end)) == [Interval(starts_at=start, ends_at=end)]
    assert hours.open_time_between(start, until_at=end) == end - start
    assert hours.opening(start) == Opening(is_open=True, changes_at=None)
    assert hours.next_opening(start) == start


def test_a_change_is_looked_for_400_days_ahead() -> None:
    start = at("2026-01-01 09:00")
    hours = on_date("UTC", "2027-02-05", "09:00-17:00")
    assert at("2027-02-05 09:00") == start + LOOK_AHEAD
    assert hours.opening(start) == Opening(is_open=False, changes_at=None)
    assert hours.next_opening(start) is None
    assert hours.opening(start + US) == Opening(is_open=False, changes_at=start + LOOK_AHEAD)
    assert hours.next_opening(start + US) == start + LOOK_AHEAD


def test_what_is_over_does_not_open_again() -> None:
    hours = on_date("UTC", "2026-01-05", "09:00-17:00")
    assert hours.opening(at("2026-01-05 17:00")) == Opening(is_open=False, changes_at=None)
    assert hours.next_opening(at("2026-01-05 17:00")) is None
    assert hours.opening(at("2026-01-05 10:00")).changes_at == at("2026-01-05 17:00")


def test_a_whole_leap_year_and_the_years_at_the_edges() -> None:
    daily = OpenHours(WeekHours(zone="Europe/London", week=dict.fromkeys(range(7), (DAY,))))
    assert daily.open_time_between(at("2028-01-01 00:00"), until_at=at("2029-01-01 00:00")) == 366 * 8 * H
    assert daily.open_time_between(at("2027-01-01 00:00"), until_at=at("2028-01-01 00:00")) == 365 * 8 * H
    assert daily.opening(at("2000-01-01 00:00")).changes_at == at("2000-01-01 09:00")
    assert daily.opening(at("2099-12-31 23:00")).changes_at == at("2100-01-01 09:00")
    assert OpenHours(ALWAYS).opening(at("2099-12-31 23:00")).changes_at is None


def test_nothing_lies_between_an_instant_and_an_earlier_one() -> None:
    start = at("2026-01-05 10:00")
    for hours in (BERLIN, OpenHours(ALWAYS)):
        for end in (start, start - US, start - 40 * D):
            assert list(hours.intervals(start, until_at=end)) == []
            assert hours.open_time_between(start, until_at=end) == 0 * S


# ---------------------------------------------------------------------------- what is asked


@pytest.mark.parametrize(
    "moment",
    [
        at("2026-01-05 00:00").replace(tzinfo=None),
        at("1999-12-31 23:59"),
        at("2100-01-01 00:00"),
        None,
        date(2026, 1, 5),
    ],
)
def test_only_instants_are_looked_at(moment: Any) -> None:
    fine = at("2026-01-05 00:00")
    for ask in (
        lambda: BERLIN.opening(moment),
        lambda: BERLIN.is_open(moment),
        lambda: BERLIN.next_opening(moment),
        lambda: BERLIN.intervals(moment, until_at=fine),
        lambda: BERLIN.intervals(fine, until_at=moment),
        lambda: BERLIN.open_time_between(moment, until_at=fine),
        lambda: BERLIN.open_time_between(fine, until_at=moment),
    ):
        with pytest.raises(InvalidTime):
            ask()


def test_the_spans_of_a_date() -> None:
    assert BERLIN.spans_on(date(2026, 1, 5)) == (span("09:00-12:00"), span("13:00-17:00"))
    assert BERLIN.spans_on(date(2026, 1, 6)) == ()
    assert BERLIN.spans_on(date(2026, 1, 7)) == (span("10:00-11:00"),)
    for day in (None, "2026-01-05", at("2026-01-05 00:00")):
        wrong: Any = day
        with pytest.raises(InvalidTime, match="a date without a time"):
            BERLIN.spans_on(wrong)


@pytest.mark.parametrize("hours", [None, "9-17", {}])
def test_hours_are_week_hours(hours: Any) -> None:
    with pytest.raises(ConfigurationError):
        OpenHours(hours)


def test_threads_may_share_one() -> None:
    start = at("2026-01-01 00:00")
    moments = [start + count * 37 * H for count in range(2_000)]
    fresh = OpenHours(BERLIN._hours)
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(fresh.opening, moments)) == [BERLIN.opening(moment) for moment in moments]


# ---------------------------------------------------------------------------- the laws
#
# The definition, in the words of the clock on the wall: a span is open at a moment if the clock shows its opening
# time or later now, or showed a later one at some time before; and if it shows less than its closing time now, or
# will again. Where no clock was or will be set back near that moment, that is: it shows a time within the span.

ZONES: Final = sorted(
    key
    for key in available_timezones()
    if not re.match(r"localtime$|posixrules$|Factory$|posix/|right/", key)
)
FIRST, LAST = at("2020-01-01 00:00"), at("2040-01-01 00:00")
NEAR: Final = 3 * D
Change = tuple[datetime, timedelta, timedelta]


@cache
def changes(key: str) -> tuple[Change, ...]:
    """Return when the clocks of a zone are changed, from 2019 to 2041: from which offset to which."""
    zone = ZoneInfo(key)

    def offset(moment: datetime) -> timedelta:
        return moment.astimezone(zone).utcoffset() or 0 * S

    moments = [FIRST - 365 * D + count * D for count in range(22 * 365)]
    found: list[Change] = []
    for (one, before), (other, after) in pairwise((moment, offset(moment)) for moment in moments):
        if before != after:
            low, high = one, other
            while high - low > S:
                middle = low + (high - low) // S // 2 * S
                low, high = (middle, high) if offset(middle) == before else (low, middle)
            found.append((high, before, after))
    return tuple(found)


def near(key: str, moment: datetime) -> list[Change]:
    every = changes(key)
    start = bisect_left(every, moment - 2 * NEAR, key=lambda change: change[0])
    end = bisect_left(every, moment + 2 * NEAR, key=lambda change: change[0])
    return list(every[start:end])


def planned(hours: WeekHours, day: date) -> Sequence[Span]:
    if day in list(hours.special):
        return hours.special[day]
    if day in hours.holidays or day.weekday() not in list(hours.week):
        return ()
    return hours.week[day.weekday()]


def walls(hours: WeekHours, around: datetime) -> list[tuple[datetime, datetime]]:
    """Return the spans of the days around an instant, as the clock on the wall has them."""
    today = around.astimezone(ZoneInfo(hours.zone)).date()
    found: list[tuple[datetime, datetime]] = []
    for shift in range(-6, 7):
        day = today + shift * D
        for each in planned(hours, day):
            closing_day = day if each.opens < each.closes else day + D
            found.append((datetime.combine(day, each.opens), datetime.combine(closing_day, each.closes)))
    return found


def definition(hours: WeekHours, around: datetime) -> Callable[[datetime], bool]:
    """Return the definition of what is open, for the 3 days before and after an instant."""
    zone, spans = ZoneInfo(hours.zone), walls(hours, around)
    set_back = [
        (changed, changed.replace(tzinfo=None) + before, changed.replace(tzinfo=None) + after)
        for changed, before, after in near(hours.zone, around)
        if after < before
    ]

    def is_open(moment: datetime) -> bool:
        now = moment.astimezone(zone).replace(tzinfo=None)
        shown_before = [high for changed, high, _ in set_back if changed <= moment]
        shown_again = [low for changed, _, low in set_back if changed > moment]
        return not any(closure.from_at <= moment < closure.until_at for closure in hours.closures) and any(
            (opens <= now or any(opens < shown for shown in shown_before))
            and (now < closes or any(shown < closes for shown in shown_again))
            for opens, closes in spans
        )

    return is_open


def candidates(hours: WeekHours, around: datetime) -> list[datetime]:
    """Return every moment within 3 days at which anything could change by the definition."""
    changed = near(hours.zone, around)
    offsets = {around.astimezone(ZoneInfo(hours.zone)).utcoffset() or 0 * S}
    offsets.update(offset for _, *both in changed for offset in both)
    found = {moment for moment, _, _ in changed}
    found.update(moment for closure in hours.closures for moment in (closure.from_at, closure.until_at))
    for pair in walls(hours, around):
        found.update(wall.replace(tzinfo=UTC) - offset for wall in pair for offset in offsets)
    start, end = around - NEAR, around + NEAR
    return sorted({start, end} | {moment for moment in found if start < moment < end})


def expected_near(hours: WeekHours, around: datetime) -> list[tuple[datetime, datetime]]:
    """Return when it is open within 3 days, by the definition."""
    is_open = definition(hours, around)
    found: list[tuple[datetime, datetime]] = []
    for moment, following in pairwise(candidates(hours, around)):
        if is_open(moment):
            if found and found[-1][1] == moment:
                found[-1] = (found[-1][0], following)
            else:
                found.append((moment, following))
    return found


MINUTES: Final = st.one_of(
    st.integers(0, 7 * 24 * 60 - 1),
    st.builds(
        lambda day, hour, minute: (day * 24 + hour) * 60 + minute,
        st.integers(0, 6),
        st.sampled_from([0, 1, 2, 3, 9, 12, 17, 22, 23]),
        st.sampled_from([0, 1, 15, 30, 59]),
    ),
)


def clock(minute: int) -> time:
    return time(minute // 60 % 24, minute % 60)


def week_of(minutes: list[int], turn: int) -> dict[int, list[Span]]:
    """Cut the circle of a week at some minutes: open between every second pair, where that is 24 h at most."""
    ordered = sorted(minutes)
    turned = [*ordered[turn:], *(minute + 7 * 24 * 60 for minute in ordered[:turn])]
    week: dict[int, list[Span]] = {}
    for opens, closes in zip(turned[::2], turned[1::2], strict=False):
        if 0 < closes - opens <= 24 * 60:
            week.setdefault(opens // (24 * 60) % 7, []).append(Span(clock(opens), clock(closes)))
    return week


@st.composite
def moments(draw: st.DrawFn, key: str) -> datetime:
    """Draw an instant from 2020 to 2039; often one that is near a change of clocks."""
    usual = [changed for changed, _, _ in changes(key) if FIRST + 2 * NEAR < changed < LAST - 2 * NEAR]
    if usual and draw(st.booleans()):
        return draw(st.sampled_from(usual)) + draw(st.integers(-30 * 60, 30 * 60)) * M
    return FIRST + draw(st.integers(0, (LAST - FIRST) // S)) * S


@st.composite
def scenes(draw: st.DrawFn) -> tuple[WeekHours, datetime]:
    """Draw hours in any zone, and an instant with holidays, special dates and closures around it."""
    key = draw(st.sampled_from(ZONES))
    around = draw(moments(key))
    today = around.astimezone(ZoneInfo(key)).date()
    week = week_of(draw(st.lists(MINUTES, min_size=2, max_size=24)), draw(st.integers(0, 1)))
    week = week or {draw(st.integers(0, 6)): [WHOLE_DAY]}
    dates = st.integers(-4, 4).map(lambda shift: today + shift * D)
    fields: dict[str, Any] = {"zone": key, "week": week, "holidays": draw(st.sets(dates, max_size=3))}
    fields["closures"] = [
        Closure(from_at=around + from_ * M, until_at=around + (from_ + length) * M)
        for from_, length in draw(
            st.lists(st.tuples(st.integers(-4_000, 4_000), st.integers(1, 2_000)), max_size=3)
        )
    ]
    hours = WeekHours(**fields)
    for day in draw(st.lists(dates, max_size=3, unique=True)):
        minutes = sorted(draw(st.lists(st.integers(0, 24 * 60 - 1), max_size=4, unique=True)))
        spans = [
            Span(clock(opens), clock(closes))
            for opens, closes in zip(minutes[::2], minutes[1::2], strict=False)
        ]
        try:
            hours = WeekHours(**{**fields, "special": {**hours.special, day: spans}})
        except ConfigurationError:  # It does not fit between its neighbors.
            continue
    return hours, around


@LAW
@given(scenes())
def test_law_it_is_open_when_the_definition_says_so(scene: tuple[WeekHours, datetime]) -> None:
    hours, around = scene
    found, is_open = OpenHours(hours), definition(hours, around)
    for moment in candidates(hours, around)[1:]:
        for exactly in (moment - US, moment):
            assert found.is_open(exactly) is is_open(exactly), exactly


@LAW
@given(scenes())
def test_law_the_intervals_are_those_of_the_definition(scene: tuple[WeekHours, datetime]) -> None:
    hours, around = scene
    assert found_in(OpenHours(hours), around - NEAR, around + NEAR) == expected_near(hours, around)


@LAW
@given(scenes())
def test_law_away_from_changes_it_is_what_the_clock_shows(scene: tuple[WeekHours, datetime]) -> None:
    """And on every day the clock decides one way: what it shows within a span is open, if nothing is closed."""
    hours, around = scene
    found = OpenHours(hours)
    calm = not any(abs(changed - around) < 2 * D for changed, _, _ in near(hours.zone, around))
    now = around.astimezone(ZoneInfo(hours.zone)).replace(tzinfo=None)
    shown = any(opens <= now < closes for opens, closes in walls(hours, around))
    closed = any(closure.from_at <= around < closure.until_at for closure in hours.closures)
    if closed or shown or calm:
        assert found.is_open(around) is (shown and not closed)


@LAW
@given(scenes(), st.integers(0, 800 * 24 * 60), st.floats(0, 1))
def test_law_intervals_are_in_order_and_apart_and_add_up(
    scene: tuple[WeekHours, datetime], minutes: int, share: float
) -> None:
    hours, start = scene
    found = OpenHours(hours)
    end = start + minutes * M
    pieces = list(found.intervals(start, until_at=end))
    for piece in pieces:
        assert start <= piece.starts_at < piece.ends_at <= end
        assert found.is_open(piece.starts_at)
        assert found.is_open(piece.ends_at - US)
        assert piece.starts_at == start or not found.is_open(piece.starts_at - US)
        assert piece.ends_at == end or not found.is_open(piece.ends_at)
    for one, other in pairwise(pieces):
        assert one.ends_at < other.starts_at
    total = found.open_time_between(start, until_at=end)
    assert total == sum((piece.length for piece in pieces), 0 * S)
    middle = start + (end - start) * share
    assert total == found.open_time_between(start, until_at=middle) + found.open_time_between(
        middle, until_at=end
    )


@LAW
@given(scenes())
def test_law_the_next_change_is_the_first(scene: tuple[WeekHours, datetime]) -> None:
    hours, now = scene
    found, is_open = OpenHours(hours), definition(hours, now)
    opening = found.opening(now)
    assert opening.is_open is found.is_open(now) is is_open(now)
    until_at = opening.changes_at or now + LOOK_AHEAD
    whole = [(now, until_at)] if opening.is_open else []
    assert found_in(found, now, until_at) == whole
    if opening.changes_at is not None:
        assert now < opening.changes_at < now + LOOK_AHEAD
        assert definition(hours, opening.changes_at)(opening.changes_at) is not opening.is_open
    for moment in candidates(hours, now):
        if now <= moment < until_at:
            assert is_open(moment) is opening.is_open


@LAW
@given(scenes())
def test_law_the_next_opening_is_open_and_nothing_before_is(scene: tuple[WeekHours, datetime]) -> None:
    hours, now = scene
    found, is_open = OpenHours(hours), definition(hours, now)
    opens_at = found.next_opening(now)
    until_at = opens_at or now + LOOK_AHEAD
    assert now <= until_at
    assert found_in(found, now, until_at) == []
    if opens_at is not None:
        assert definition(hours, opens_at)(opens_at)
    for moment in candidates(hours, now):
        if now <= moment < until_at:
            assert not is_open(moment)


def zones_that_differ() -> list[str]:
    """Return one of all zones that have the same offset every fifth day: most are names for each other."""
    days = [FIRST + count * 5 * D for count in range(20 * 73)]
    return list(
        {tuple(day.astimezone(ZoneInfo(key)).utcoffset() for day in days): key for key in ZONES}.values()
    )


def test_every_change_of_clocks_in_every_zone() -> None:
    """What is open around each of 20 years: from before it to a third of it, and from two thirds of it to after it."""
    for key in zones_that_differ():
        for changed, before, after in changes(key):
            gap_from, gap_until = sorted(changed.replace(tzinfo=None) + offset for offset in (before, after))
            size = gap_until - gap_from
            cuts = [gap_from - size, gap_from + size / 3, gap_from + size * 2 / 3, gap_until + size]
            special: dict[date, list[Span]] = {}
            for opens, closes in (cuts[:2], cuts[2:]):
                special.setdefault(opens.date(), []).append(Span(opens.time(), closes.time()))
            hours = WeekHours(zone=key, week={}, special=special)
            found = found_in(OpenHours(hours), changed - NEAR, changed + NEAR)
            assert found == expected_near(hours, changed), (key, changed)
            # What is skipped joins the two. What comes twice is open twice, and the break with it.
            length = 2 * size if after > before else 4 * size
            assert [ends_at - starts_at for starts_at, ends_at in found] == [length], (key, changed)

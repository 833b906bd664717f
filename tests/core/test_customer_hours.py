"""The hours in which a customer wants to be called: what is read, what is refused, and when it is next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.customer_hours import WEEKDAYS, open_at, read_hours
from callbackq.errors import InvalidText
from callbackq.policy.hours import SPANS_MAX

WORK = {"monday": "09:00-12:00,14:00-18:00"}
BERLIN = "Europe/Berlin"
MONDAY = datetime(2026, 7, 6, tzinfo=ZoneInfo(BERLIN))


def at(hour: int, minute: int = 0, *, day: int = 0) -> datetime:
    """Return a time of the week of that Monday, on the clocks of Berlin."""
    return (MONDAY + timedelta(days=day)).replace(hour=hour, minute=minute).astimezone(UTC)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({}, {}),
        (WORK, WORK),
        ({"monday": " 14:00-18:00 , 09:00-12:00"}, WORK),
        ({"monday": "09:00-12:00,14:00-18:00,09:00-12:00"}, WORK),
        ({"sunday": "00:00-24:00"}, {"sunday": "00:00-24:00"}),
        (
            {"friday": "22:00-02:00", "saturday": "02:00-03:00"},
            {"friday": "22:00-02:00", "saturday": "02:00-03:00"},
        ),
        (
            {"sunday": "10:00-11:00", "monday": "08:00-09:00"},
            {"monday": "08:00-09:00", "sunday": "10:00-11:00"},
        ),
    ],
)
def test_hours_are_read_and_put_in_order(given: dict[str, str], read: dict[str, str]) -> None:
    """B10: by day from Monday on, the spans of a day in order, without spaces."""
    found = read_hours(given)
    assert found == read
    assert list(found) == list(read)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "hours are NoneType; allowed: texts by day of the week"),
        ("09:00-12:00", "hours are str; allowed: texts by day of the week"),
        ([("monday", "09:00-12:00")], "hours are list;"),
        ({"Monday": "09:00-12:00"}, "hours are of other days than these: monday, tuesday"),
        ({0: "09:00-12:00"}, "hours are of other days"),
        ({"monday": None}, "hours of monday are no text"),
        (
            {"monday": "09:00-12:00," * SPANS_MAX + "13:00-14:00"},
            "hours of monday are no text of at most 240",
        ),
        ({"monday": ""}, "hours of monday cannot be read; allowed: such as '09:00-12:00,14:00-18:00'"),
        ({"monday": "9:00-12:00"}, "hours of monday cannot be read"),
        ({"monday": "09:00-12:60"}, "hours of monday cannot be read"),
        ({"monday": "24:00-12:00"}, "hours of monday cannot be read"),
        ({"monday": "09:00-24:01"}, "hours of monday cannot be read"),
        ({"monday": "09:00-12:00,"}, "hours of monday cannot be read"),
        ({"monday": "09:00-12:00\n"}, "hours of monday cannot be read"),
        ({"monday": "\u0660\u0669:00-12:00"}, "hours of monday cannot be read"),
        ({"monday": "09:00-12:00,11:00-13:00"}, "hours overlap; allowed: at most 20 spans a day"),
        ({"sunday": "22:00-02:00", "monday": "01:00-03:00"}, "hours overlap"),
    ],
)
def test_hours_that_cannot_be_are_refused(given: Any, message: str) -> None:
    """B10: each problem in words, and never what was given: it is personal."""
    with pytest.raises(InvalidText) as caught:
        read_hours(given)
    assert str(caught.value).startswith(message)
    assert "11:00" not in str(caught.value)


@pytest.mark.parametrize(
    ("now", "opens_at"),
    [
        (at(8, 59), at(9)),
        (at(9), None),
        (at(11, 59), None),
        (at(12), at(14)),
        (at(13), at(14)),
        (at(17, 59), None),
        (at(18), at(9, day=7)),
        (at(9, day=3), at(9, day=7)),
    ],
)
def test_the_customer_is_called_in_these_hours(now: datetime, opens_at: datetime | None) -> None:
    """B10: None is now; else the next moment at which a span begins, in UTC."""
    assert open_at(WORK, zone=BERLIN, now=now) == opens_at


def test_a_night_that_runs_over_midnight_is_one_span() -> None:
    """From Friday evening until early on Saturday."""
    night = {"friday": "22:00-02:00"}
    assert open_at(night, zone=BERLIN, now=at(1, 59, day=5)) is None
    assert open_at(night, zone=BERLIN, now=at(2, day=5)) == at(22, day=11)
    whole = {"sunday": "00:00-24:00"}
    assert open_at(whole, zone=BERLIN, now=at(23, 59, day=6)) is None
    assert open_at(whole, zone=BERLIN, now=at(0, day=7)) == at(0, day=13)


def test_no_hours_are_every_hour() -> None:
    """Who prefers nothing is called whenever it is allowed."""
    assert open_at({}, zone=BERLIN, now=at(3)) is None


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../etc/passwd"])
def test_a_zone_that_is_not_known_here_stops_nobody(zone: str) -> None:
    """The machine of another node may have had it: the wish is left aside, and the line goes on."""
    assert open_at(WORK, zone=zone, now=at(3)) is None


spans = st.tuples(st.integers(0, 23), st.integers(1, 24)).filter(lambda span: span[0] < span[1])
weeks = st.dictionaries(
    st.sampled_from(WEEKDAYS),
    spans.map(lambda span: f"{span[0]:02}:00-{span[1]:02}:00"),
    min_size=1,
)


@given(weeks, st.integers(0, 7 * 24 * 4 - 1))
def test_the_next_moment_is_open_and_none_before_it(week: dict[str, str], quarter: int) -> None:
    """Against the clock on the wall, asked every quarter of an hour; in a week in which no clock is changed."""
    now = MONDAY + timedelta(minutes=15) * quarter

    def is_open(moment: datetime) -> bool:
        text = week.get(WEEKDAYS[moment.weekday()])
        if text is None:
            return False
        opens, closes = text.split("-")
        return opens <= f"{moment:%H:%M}" < closes

    expected = now
    while not is_open(expected):
        expected += timedelta(minutes=15)
    found = open_at(read_hours(week), zone=BERLIN, now=now)
    assert found == (None if expected == now else expected)

"""Callbacks that are repeated by a rule: which rules are read, and which times they have on the wall."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from itertools import islice
from time import process_time
from typing import Any

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.series import RULE_LENGTH_MAX, next_wall, read_rule
from callbackq.errors import InvalidText
from core.samples import LAW, D, S


def wall(text: str) -> datetime:
    """Read what the clock on a wall shows: a time without a zone."""
    return datetime.fromisoformat(text)


MONDAY = wall("2026-01-05T10:00")
LEAP_DAY = wall("2024-02-29T10:00")
CPU_MAX_S = 2.0
"""So long the worst rule may take; what is measured is 0.1 s."""


def times(rule: str, *, from_wall: datetime = MONDAY, most: int = 4) -> list[str]:
    """Return the next times of a series, the first one excepted: `2026-01-12 10:00`."""
    text, at = read_rule(rule, from_wall=from_wall), from_wall
    found: list[str] = []
    while len(found) < most:
        again = next_wall(text, after=at)
        if again is None:
            break
        assert again > at
        at = again
        found.append(f"{at:%Y-%m-%d %H:%M}")
    return found


@pytest.mark.parametrize(
    ("rule", "from_wall", "expected"),
    [
        ("FREQ=DAILY", MONDAY, ["2026-01-06 10:00", "2026-01-07 10:00", "2026-01-08 10:00"]),
        ("FREQ=DAILY;INTERVAL=99", MONDAY, ["2026-04-14 10:00", "2026-07-22 10:00", "2026-10-29 10:00"]),
        (
            "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR",
            wall("2026-01-08T10:00"),
            ["2026-01-09 10:00", "2026-01-12 10:00", "2026-01-13 10:00"],
        ),
        ("FREQ=DAILY;BYMONTHDAY=-1", MONDAY, ["2026-01-31 10:00", "2026-02-28 10:00", "2026-03-31 10:00"]),
        ("FREQ=DAILY;BYDAY=FR;BYMONTHDAY=13", MONDAY, ["2026-02-13 10:00", "2026-03-13 10:00"]),
        ("FREQ=WEEKLY", MONDAY, ["2026-01-12 10:00", "2026-01-19 10:00", "2026-01-26 10:00"]),
        ("FREQ=WEEKLY;INTERVAL=2", MONDAY, ["2026-01-19 10:00", "2026-02-02 10:00"]),
        ("BYDAY=MO,TH;FREQ=WEEKLY", MONDAY, ["2026-01-08 10:00", "2026-01-12 10:00", "2026-01-15 10:00"]),
        # Which days are one week is said by its first day.
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU;WKST=MO", MONDAY, ["2026-01-11 10:00", "2026-01-25 10:00"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU;WKST=SU", MONDAY, ["2026-01-18 10:00", "2026-02-01 10:00"]),
        # The first Monday, and the last Friday.
        ("FREQ=MONTHLY;BYDAY=1MO", MONDAY, ["2026-02-02 10:00", "2026-03-02 10:00", "2026-04-06 10:00"]),
        ("FREQ=MONTHLY;BYDAY=+1MO", MONDAY, ["2026-02-02 10:00", "2026-03-02 10:00"]),
        ("FREQ=MONTHLY;BYDAY=-1FR", MONDAY, ["2026-01-30 10:00", "2026-02-27 10:00"]),
        ("FREQ=MONTHLY;BYDAY=5MO", MONDAY, ["2026-03-30 10:00", "2026-06-29 10:00"]),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", MONDAY, ["2026-02-13 10:00", "2026-03-13 10:00"]),
        ("FREQ=MONTHLY;BYDAY=SU;BYMONTHDAY=-1", MONDAY, ["2026-05-31 10:00", "2027-01-31 10:00"]),
        # A month without a 31st is passed over; the last of the month is -1.
        ("FREQ=MONTHLY", wall("2026-01-31T10:00"), ["2026-03-31 10:00", "2026-05-31 10:00"]),
        ("FREQ=MONTHLY;BYMONTHDAY=31", MONDAY, ["2026-01-31 10:00", "2026-03-31 10:00"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", MONDAY, ["2026-01-31 10:00", "2026-02-28 10:00"]),
        ("FREQ=MONTHLY;BYMONTHDAY=1,15", MONDAY, ["2026-01-15 10:00", "2026-02-01 10:00"]),
        # Leap days, the eight years without one included.
        ("FREQ=YEARLY", LEAP_DAY, ["2028-02-29 10:00", "2032-02-29 10:00"]),
        ("FREQ=YEARLY", wall("2096-02-29T10:00"), ["2104-02-29 10:00", "2108-02-29 10:00"]),
        ("FREQ=YEARLY;INTERVAL=8", MONDAY, ["2034-01-05 10:00", "2042-01-05 10:00"]),
        ("FREQ=YEARLY;BYDAY=1MO", MONDAY, ["2027-01-04 10:00", "2028-01-03 10:00"]),
        # The seconds are kept, and what is finer than they is not.
        ("FREQ=DAILY", wall("2026-01-05T23:59:59.999999"), ["2026-01-06 23:59"]),
    ],
)
def test_the_times_of_a_rule(rule: str, from_wall: datetime, expected: list[str]) -> None:
    """On the customer's wall, whatever the zone does meanwhile."""
    assert times(rule, from_wall=from_wall, most=len(expected)) == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        # COUNT counts the times of the rule, the first booking among them where the rule has it.
        ("FREQ=WEEKLY;COUNT=3", ["2026-01-12 10:00", "2026-01-19 10:00"]),
        ("FREQ=DAILY;COUNT=2", ["2026-01-06 10:00"]),
        ("FREQ=WEEKLY;BYDAY=TU;COUNT=2", ["2026-01-06 10:00", "2026-01-13 10:00"]),
        ("FREQ=DAILY;BYDAY=TU;COUNT=2", ["2026-01-06 10:00", "2026-01-13 10:00"]),
        ("FREQ=MONTHLY;BYDAY=MO;BYMONTHDAY=5,12;COUNT=2", ["2026-01-12 10:00"]),
        # A date counts to its end; a time to the second.
        ("FREQ=WEEKLY;UNTIL=20260119", ["2026-01-12 10:00", "2026-01-19 10:00"]),
        ("FREQ=WEEKLY;UNTIL=20260118", ["2026-01-12 10:00"]),
        ("FREQ=WEEKLY;UNTIL=20260119T100000", ["2026-01-12 10:00", "2026-01-19 10:00"]),
        ("FREQ=WEEKLY;UNTIL=20260119T095959", ["2026-01-12 10:00"]),
        # Whichever comes first.
        ("FREQ=WEEKLY;COUNT=9;UNTIL=20260112", ["2026-01-12 10:00"]),
        ("FREQ=WEEKLY;COUNT=2;UNTIL=20270101", ["2026-01-12 10:00"]),
    ],
)
def test_where_a_series_ends(rule: str, expected: list[str]) -> None:
    """After so many times, or at a date; and then there is none."""
    assert times(rule, most=99) == expected


def test_what_is_kept_is_the_rule_and_where_it_began() -> None:
    """As RFC 5545 writes it, in two lines; times that were missed do not move those that follow."""
    text = read_rule("FREQ=WEEKLY", from_wall=MONDAY)
    assert text == "DTSTART:20260105T100000\nRRULE:FREQ=WEEKLY"
    assert next_wall(text, after=MONDAY + 100 * D) == wall("2026-04-20T10:00")
    assert next_wall(text, after=MONDAY - D) == MONDAY
    assert next_wall(text, after=MONDAY - S) == MONDAY


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        *((nonsense, "repeats is no rule") for nonsense in (None, 7, b"FREQ=DAILY", ["FREQ=DAILY"], "")),
        ("FREQ", "repeats is no rule"),
        ("every Monday", "repeats is no rule"),
        ("freq=daily", "repeats is no rule"),
        ("FREQ=DAILY;", "repeats is no rule"),
        (";FREQ=DAILY", "repeats is no rule"),
        (" FREQ=DAILY", "repeats is no rule"),
        ("FREQ=DAILY\n", "repeats is no rule"),
        ("FREQ=DAILY\nEXDATE:20260106", "repeats is no rule"),
        ("FREQ=DAILY;COUNT=٣", "repeats is no rule"),
        ("RRULE:FREQ=DAILY", "repeats is no rule"),
        ("FREQ=DAILY;BYDAY=" + ",".join(["MO"] * 62), "repeats is no rule"),
        ("COUNT=3", "repeats has no FREQ, or a part twice"),
        ("FREQ=DAILY;FREQ=DAILY", "repeats has no FREQ, or a part twice"),
        ("FREQ=DAILY;COUNT=2;COUNT=3", "repeats has no FREQ, or a part twice"),
        ("FREQ=HOURLY", "repeats has FREQ=HOURLY"),
        ("FREQ=MINUTELY", "repeats has FREQ=MINUTELY"),
        ("FREQ=SECONDLY;BYSECOND=1", "repeats has FREQ=SECONDLY"),
        ("FREQ=DAILY;BYHOUR=9,10", "repeats has BYHOUR=9,10"),
        ("FREQ=YEARLY;BYEASTER=0", "repeats has BYEASTER=0"),
        ("FREQ=YEARLY;BYSETPOS=1", "repeats has BYSETPOS=1"),
        ("FREQ=DAILY;DTSTART=19700101", "repeats has DTSTART=19700101"),
        ("FREQ=DAILY;" + "X" * 99 + "=" + "1" * 70, f"repeats has {'X' * 12}={'1' * 12};"),
        *(
            (f"FREQ=DAILY;{part}", f"repeats has {part}")
            for part in (
                "INTERVAL=0",
                "INTERVAL=100",
                "INTERVAL=-1",
                "COUNT=0",
                "COUNT=1",
                "COUNT=10000",
                "UNTIL=2026010",
                "WKST=1MO",
                "BYDAY=XX",
                "BYDAY=0MO",
                "BYDAY=6MO",
                "BYDAY=MO,",
                "BYMONTHDAY=0",
                "BYMONTHDAY=32",
                "BYMONTHDAY=-32",
                "BYMONTHDAY=+1",
            )
        ),
        ("FREQ=DAILY;UNTIL=20260119T100000Z", "repeats has UNTIL=20260119T100;"),
        ("FREQ=DAILY;UNTIL=20260230", "repeats cannot be read"),
        ("FREQ=DAILY;UNTIL=20261301", "repeats cannot be read"),
        ("FREQ=DAILY;UNTIL=20260119T240000", "repeats cannot be read"),
        ("FREQ=DAILY;UNTIL=00000101", "repeats cannot be read"),
        # What RFC 5545 forbids: the first Monday of a week, and the 13th of a week.
        ("FREQ=WEEKLY;BYDAY=1MO", "repeats counts days of the week; allowed: with FREQ=MONTHLY"),
        ("FREQ=DAILY;BYDAY=MO,-1FR", "repeats counts days of the week"),
        ("FREQ=WEEKLY;BYMONTHDAY=13", "repeats has BYMONTHDAY; allowed: with FREQ=DAILY"),
        # dateutil finds no time for it, and looks for long.
        (
            "FREQ=MONTHLY;BYDAY=TU,1MO",
            "repeats counts some days of the week; allowed: all of them, as in 1MO",
        ),
        # What never happens again.
        ("FREQ=DAILY;UNTIL=20260105", "repeats never happens again"),
        ("FREQ=DAILY;UNTIL=20251231", "repeats never happens again"),
        ("FREQ=YEARLY;INTERVAL=9", "repeats never happens again"),
        ("FREQ=MONTHLY;BYDAY=1MO;BYMONTHDAY=20", "repeats never happens again"),
        ("FREQ=DAILY;INTERVAL=7;BYDAY=TU", "repeats never happens again"),
    ],
)
def test_what_is_no_rule_is_refused(rule: Any, said: str) -> None:
    """It says what is wrong, and what is allowed; and shows no more than the beginning of a part."""
    with pytest.raises(InvalidText, match=re.escape(said)) as caught:
        read_rule(rule, from_wall=MONDAY)
    assert "allowed: " in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_rule_has_200_characters_at_most() -> None:
    """One more, and it is refused; they are enough for every day of a month."""
    days = "FREQ=MONTHLY;BYMONTHDAY=" + ",".join(str(day) for day in range(1, 32))
    assert len(days) < RULE_LENGTH_MAX == 200
    full = days + ",1" * ((RULE_LENGTH_MAX - len(days)) // 2)
    assert times(full, most=1) == ["2026-01-06 10:00"]
    with pytest.raises(InvalidText, match="repeats is no rule"):
        read_rule(full + ",1", from_wall=MONDAY)


# ---------------------------------------------------------------------------- laws

DAYS = st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"])
COUNTED = st.builds("{}{}{}".format, st.sampled_from(["", "+", "-"]), st.integers(1, 5), DAYS)


def listed(values: st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    return st.lists(values, min_size=1, max_size=4).map(lambda found: ",".join(str(one) for one in found))


PARTS = {
    "FREQ": st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    "INTERVAL": st.integers(1, 99) | st.sampled_from([7, 12, 14, 24, 28, 84]),
    "COUNT": st.integers(2, 9_999),
    "UNTIL": st.datetimes(wall("2000-01-01T00:00"), wall("2110-01-01T00:00")).map(
        lambda at: f"{at:%Y%m%dT%H%M%S}"
    )
    | st.integers(0, 99_999_999).map(lambda number: f"{number:08}"),
    "BYDAY": listed(DAYS) | listed(DAYS | COUNTED),
    "BYMONTHDAY": listed(st.integers(1, 31) | st.integers(-31, -1)),
    "WKST": DAYS,
}
RULES = st.fixed_dictionaries(
    {"FREQ": PARTS["FREQ"]},
    optional={name: values for name, values in PARTS.items() if name != "FREQ"},
).map(lambda parts: ";".join(f"{name}={value}" for name, value in parts.items()))
WALLS = st.datetimes(wall("2020-01-01T00:00"), wall("2100-01-01T00:00")).map(
    lambda at: at.replace(microsecond=0)
)


def read(rule: str, from_wall: datetime) -> str | None:
    """Return what is kept of a rule, or None if it is refused; in time."""
    begun = process_time()
    try:
        return read_rule(rule, from_wall=from_wall)
    except InvalidText:
        return None
    finally:
        assert process_time() - begun < CPU_MAX_S


@LAW
@given(RULES, WALLS, st.timedeltas(timedelta(0), timedelta(days=4000)))
def test_any_rule_goes_on_or_is_refused_in_time(rule: str, from_wall: datetime, later: timedelta) -> None:
    """A time of the series comes after the one before it, and none of them takes long to find."""
    text = read(rule, from_wall)
    if text is None:
        return
    assert "\n" in text
    for after in (from_wall, from_wall + later):
        begun = process_time()
        at = next_wall(text, after=after)
        assert process_time() - begun < CPU_MAX_S
        assert at is None or (at > after and at.time() == from_wall.time())


@LAW
@given(RULES, WALLS)
def test_the_times_are_those_of_the_standard(rule: str, from_wall: datetime) -> None:
    """The same times as dateutil has for the rule as it was written, as far as the series goes."""
    text = read(rule, from_wall)
    if text is None:
        return
    after = from_wall
    for again in _by_dateutil(rule, from_wall):
        found = next_wall(text, after=after)
        assert found == again
        after = again
    assert after > from_wall


def _by_dateutil(rule: str, from_wall: datetime, *, most: int = 5) -> list[datetime]:
    count = re.search(r"COUNT=(\d+)", rule)
    endless = re.sub(r"(^|;)COUNT=\d+", "", rule).lstrip(";")
    to_the_end_of_the_day = re.sub(r"(UNTIL=\d{8})(?!T|\d)", r"\1T235959", endless)
    written = rrulestr(f"DTSTART:{from_wall:%Y%m%dT%H%M%S}\nRRULE:{to_the_end_of_the_day}")
    found: list[datetime] = []
    for at in islice(written, int(count[1]) if count else None):
        if at <= from_wall:
            continue
        if at - (found[-1] if found else from_wall) > timedelta(days=8 * 366) or len(found) == most:
            break
        found.append(at)
    return found


@pytest.mark.parametrize("from_wall", [MONDAY, wall("2026-02-05T10:00"), LEAP_DAY, wall("2026-01-31T10:00")])
@pytest.mark.parametrize(
    "rule",
    [
        *(f"FREQ=DAILY;INTERVAL={days};BYDAY=TU" for days in (1, 7, 14, 91)),
        "FREQ=DAILY;INTERVAL=7;BYDAY=WE;BYMONTHDAY=31",
        "FREQ=MONTHLY;BYDAY=1MO;BYMONTHDAY=20",
        "FREQ=MONTHLY;BYDAY=TU,1MO",
        "FREQ=MONTHLY;INTERVAL=84;BYDAY=-5MO,5TU",
        "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=30",
        "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=-31",
        "FREQ=MONTHLY;INTERVAL=12;BYDAY=5MO,-5MO",
        "FREQ=YEARLY;BYDAY=1MO;BYMONTHDAY=20",
        "FREQ=YEARLY;INTERVAL=99;BYDAY=5SU;BYMONTHDAY=-31",
        "FREQ=DAILY;COUNT=9999",
    ],
)
def test_no_rule_takes_long(rule: str, from_wall: datetime) -> None:
    """Rules that never come to a time: it is not looked for up to the year 9999."""
    begun = process_time()
    read(rule, from_wall)
    assert process_time() - begun < CPU_MAX_S / 4


@LAW
@given(st.text(max_size=250) | st.text("FREQ=DAILYWKMONTHUSCBIVTE0123456789;,+-\n", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No other error comes out, whatever is written."""
    read(text, MONDAY)


@LAW
@given(st.text(max_size=30), RULES)
def test_what_is_added_to_a_rule_is_read_or_refused(text: str, rule: str) -> None:
    """The same where it begins well."""
    for written in (rule + text, f"{rule};{text}", f"{text};{rule}"):
        read(written, MONDAY)

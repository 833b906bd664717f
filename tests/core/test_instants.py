"""Instants and texts from outside: whatever comes in, only the named errors come out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.instants import (
    TEXT_MAX,
    check_instant,
    check_name,
    check_text,
    from_microseconds,
    microseconds,
    optional_text,
    read_entered_at,
    read_member,
)
from callbackq.errors import InvalidText, InvalidTime
from core.samples import LAW, START

EAST = timezone(timedelta(hours=14))
WEST = timezone(-timedelta(hours=12))


class _NoOffset(tzinfo):
    """A zone that does not know its offset: such a time is naive."""

    def utcoffset(self, dt: datetime | None) -> None:
        return None


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), 0),
        (datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC), 1),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), -1),
        (datetime(2026, 1, 5, 9, 0, tzinfo=UTC), 1_767_603_600_000_000),
        (datetime(2026, 1, 5, 10, 0, tzinfo=timezone(timedelta(hours=1))), 1_767_603_600_000_000),
        (datetime(2099, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), 4_102_444_799_999_999),
    ],
)
def test_microseconds_are_counted_from_1970(at: datetime, expected: int) -> None:
    """The count is exact, in any zone, before and after 1970."""
    assert microseconds(at) == expected
    assert from_microseconds(expected) == at
    assert from_microseconds(expected).tzinfo is UTC


@LAW
@given(st.datetimes(timezones=st.just(UTC)))
def test_microseconds_lose_nothing(at: datetime) -> None:
    """The instant comes back from its count, to the microsecond."""
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds(at)) == at
    assert from_microseconds(microseconds(at)) == at


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (START, START),
        (datetime(2026, 1, 5, 22, 0, tzinfo=EAST), START),
        (datetime(2000, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC)),
        (datetime(1999, 12, 31, 12, 0, tzinfo=WEST), datetime(2000, 1, 1, tzinfo=UTC)),
        (
            datetime(2099, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
            datetime(2099, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        ),
        (datetime(2100, 1, 1, 13, 59, tzinfo=EAST), datetime(2099, 12, 31, 23, 59, tzinfo=UTC)),
    ],
)
def test_an_instant_is_brought_to_utc(value: datetime, expected: datetime) -> None:
    """Any zone will do; what counts is the instant in UTC."""
    read = check_instant(value, "entered_at")
    assert read == expected
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            START.replace(tzinfo=None),
            "entered_at is 2026-01-05T08:00:00 without a zone; allowed: an aware datetime",
        ),
        (datetime(2026, 1, 5, tzinfo=_NoOffset()), "without a zone"),
        (
            datetime(1, 1, 1, tzinfo=EAST),
            "entered_at is 0001-01-01T00:00:00+14:00; allowed: years 2000 to 2099",
        ),
        (datetime(1, 1, 1, tzinfo=UTC), "allowed: years 2000 to 2099"),
        (datetime(9999, 12, 31, 23, 59, tzinfo=WEST), "allowed: years 2000 to 2099"),
        (datetime(9999, 12, 31, 23, 59, tzinfo=UTC), "allowed: years 2000 to 2099"),
        (datetime(2000, 1, 1, 13, 59, tzinfo=EAST), "allowed: years 2000 to 2099"),
        (datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), "allowed: years 2000 to 2099"),
        (datetime(2100, 1, 1, tzinfo=UTC), "allowed: years 2000 to 2099"),
        (date(2026, 1, 5), "entered_at is date; allowed: an aware datetime"),
        ("2026-01-05T08:00:00Z", "entered_at is str"),
        (1_767_603_600, "entered_at is int"),
        (float("nan"), "entered_at is float"),
        (None, "entered_at is NoneType"),
        (timedelta(hours=1), "entered_at is timedelta"),
    ],
)
def test_what_is_no_instant_is_refused(value: Any, said: str) -> None:
    """Naive, far away, or no datetime at all: refused, with the field's name and what is allowed."""
    with pytest.raises(InvalidTime) as caught:
        check_instant(value, "entered_at")
    assert said in str(caught.value)


@LAW
@given(
    st.datetimes(),
    st.none() | st.integers(-24 * 60 + 1, 24 * 60 - 1).map(lambda m: timezone(timedelta(minutes=m))),
)
def test_an_instant_is_read_or_refused(value: datetime, zone: timezone | None) -> None:
    """Only `InvalidTime` comes out, and what is read is the same instant, from 2000 to 2099."""
    aware = value.replace(tzinfo=zone)
    try:
        read = check_instant(aware, "at")
    except InvalidTime:
        assert zone is None or not 2000 < value.year < 2099
        return
    assert read == aware
    assert 2000 <= read.year <= 2099


US, S, DAYS = timedelta(microseconds=1), timedelta(seconds=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (START, START),
        (START - US, START - US),
        (START - 30 * DAYS, START - 30 * DAYS),
        ((START - S).astimezone(EAST), START - S),
        # The clock of the PBX is a little ahead: the caller did not enter in the future.
        (START + US, START),
        (START + 5 * S, START),
        ((START + 5 * S).astimezone(WEST), START),
    ],
)
def test_a_caller_entered_now_or_lately(value: datetime, expected: datetime) -> None:
    """At the very bounds, in any zone: 30 days before, and 5 s after, which is now."""
    read = read_entered_at(value, now=START)
    assert read == expected
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (START + 5 * S + US, "2026-01-05T08:00:05.000001+00:00"),
        (START + 400 * DAYS, "2027-02-09T08:00:00+00:00"),
        (START - 30 * DAYS - US, "2025-12-06T07:59:59.999999+00:00"),
        (datetime(2000, 1, 1, tzinfo=UTC), "2000-01-01T00:00:00+00:00"),
    ],
)
def test_a_caller_entered_neither_later_nor_long_ago(value: datetime, shown: str) -> None:
    """One microsecond beyond either bound; and both times are shown."""
    with pytest.raises(InvalidTime) as caught:
        read_entered_at(value, now=START)
    assert str(caught.value) == (
        f"entered_at is {shown}; allowed: from 30 days before now, 2026-01-05T08:00:00+00:00, to 5 s after it"
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (START.replace(tzinfo=None), "entered_at is 2026-01-05T08:00:00 without a zone"),
        (datetime(1999, 12, 31, tzinfo=UTC), "allowed: years 2000 to 2099"),
        (None, "entered_at is NoneType; allowed: an aware datetime"),
    ],
)
def test_what_is_no_instant_is_no_time_of_entering(value: Any, said: str) -> None:
    """As for any instant."""
    with pytest.raises(InvalidTime) as caught:
        read_entered_at(value, now=START)
    assert said in str(caught.value)


@LAW
@given(st.timedeltas(-31 * DAYS, 31 * DAYS))
def test_nobody_enters_after_now(ago: timedelta) -> None:
    """What is read is never after now, never more than 30 days before, and never later than what was said."""
    try:
        read = read_entered_at(START + ago, now=START)
    except InvalidTime:
        assert not -30 * DAYS <= ago <= 5 * S
        return
    assert START - 30 * DAYS <= read <= START
    assert read == min(START + ago, START)


@pytest.mark.parametrize(
    "value", ["a", "x" * TEXT_MAX, "Müller-Lüdenscheidt", "山田 太郎", "O'Brien; DROP TABLE", "🙂"]
)
def test_a_text_is_returned_as_it_is(value: str) -> None:
    """Any printable text from 1 to 200 characters is left alone."""
    assert check_text(value, "name") is value


@pytest.mark.parametrize(
    "value", ["山田\u3000太郎", "Jean\u00a0Dupont", "\u0645\u06cc\u200c\u062e", "O'Brien", "x" * TEXT_MAX]
)
def test_a_name_may_have_the_spaces_and_joiners_of_its_script(value: str) -> None:
    """What people are called is not refused for its script."""
    assert check_name(value) is value


@pytest.mark.parametrize(
    "value", ["", " \u3000", "a\nb", "a\x1b[31m", "a\u202eb", "a\u2066b", "a\u2028", "\ud800", 7, None]
)
def test_what_is_no_name_is_refused(value: Any) -> None:
    """Line breaks, control characters, halves of characters, and what turns the direction of a line."""
    with pytest.raises(InvalidText, match=r"^name "):
        check_name(value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "name has 0 characters; allowed: 1 to 200"),
        ("x" * 201, "name has 201 characters; allowed: 1 to 200"),
        ("x" * 10_000_000, "name has 10000000 characters; allowed: 1 to 200"),
        ("secret\n", "name has unprintable characters"),
        ("secret\x00", "name has unprintable characters"),
        ("secret\x1b[31m", "name has unprintable characters"),
        ("secret\x7f", "name has unprintable characters"),
        ("secret\ud800", "name has unprintable characters"),
        ("secret\u202e", "name has unprintable characters"),
        ("secret\u2028", "name has unprintable characters"),
        ("   ", "name is blank; allowed: letters, digits and signs"),
        (b"secret", "name is bytes; allowed: text"),
        (None, "name is NoneType; allowed: text"),
        (7, "name is int; allowed: text"),
        (["secret"], "name is list; allowed: text"),
    ],
)
def test_what_is_no_text_is_refused_and_not_shown(value: Any, said: str) -> None:
    """Too long, unprintable, or no text: refused without showing it, for it may be personal."""
    with pytest.raises(InvalidText) as caught:
        check_text(value, "name")
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_text_may_have_a_limit_of_its_own() -> None:
    """A field with its own limit is held to that one."""
    assert check_text("x" * 35, "language", length_max=35)
    with pytest.raises(InvalidText, match="language has 36 characters; allowed: 1 to 35"):
        check_text("x" * 36, "language", length_max=35)


def test_an_instant_of_another_library_becomes_a_plain_one() -> None:
    """A subclass may show, compare or subtract in its own way: it is not kept."""

    class Odd(datetime):
        pass

    plain = check_instant(Odd(2026, 1, 5, 8, 30, 15, 250, tzinfo=UTC), "at")
    assert type(plain) is datetime
    assert plain == datetime(2026, 1, 5, 8, 30, 15, 250, tzinfo=UTC)


def test_text_may_be_missing_and_is_checked_if_it_is_there() -> None:
    assert optional_text(None, "reason") is None
    assert optional_text("moved", "reason") == "moved"
    with pytest.raises(InvalidText, match="reason has 3 characters; allowed: 1 to 2"):
        optional_text("abc", "reason", length_max=2)


class _Way(StrEnum):
    POST = "post"
    HAND = "hand"


@pytest.mark.parametrize("value", ["post", _Way.POST])
def test_a_word_is_read_as_the_member_it_names(value: object) -> None:
    assert read_member(value, "way", _Way) is _Way.POST


@pytest.mark.parametrize("value", ["POST", "", None, 1, object(), ["post"]])
def test_what_is_no_member_is_refused_with_the_members(value: object) -> None:
    with pytest.raises(InvalidText, match="way is none of: post, hand"):
        read_member(value, "way", _Way)


def test_a_member_that_is_not_allowed_here_is_refused() -> None:
    with pytest.raises(InvalidText, match=r"way is none of: hand$"):
        read_member("post", "way", _Way, allowed=[_Way.HAND])

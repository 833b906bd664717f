"""Instants and texts from outside: whatever comes in, only the named errors come out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.instants import (
    TEXT_MAX,
    check_instant,
    check_name,
    check_not_future,
    check_text,
    from_microseconds,
    microseconds,
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


def test_now_is_not_the_future() -> None:
    """Now and earlier will do."""
    assert check_not_future(START, "entered_at", now=START) == START
    earlier = START - timedelta(days=400)
    assert check_not_future(earlier, "entered_at", now=START) == earlier
    assert check_not_future(START.astimezone(EAST), "entered_at", now=START).tzinfo is UTC


def test_the_future_is_refused() -> None:
    """One microsecond after now is the future; and both times are shown."""
    with pytest.raises(InvalidTime) as caught:
        check_not_future(START + timedelta(microseconds=1), "entered_at", now=START)
    assert str(caught.value) == (
        "entered_at is 2026-01-05T08:00:00.000001+00:00, after now, 2026-01-05T08:00:00+00:00; "
        "allowed: now or earlier"
    )
    with pytest.raises(InvalidTime, match="without a zone"):
        check_not_future(START.replace(tzinfo=None), "entered_at", now=START)


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

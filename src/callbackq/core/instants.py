"""What may come in from outside: instants and texts, checked once, where they enter."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeVar
from unicodedata import category

from callbackq.errors import InvalidText, InvalidTime

_Word = TypeVar("_Word", bound=StrEnum)

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
TEXT_MAX: Final = 200
CONTEXT_FIELDS_MAX: Final = 50
CONTEXT_TEXT_MAX: Final = 2_000
_NOT_IN_NAMES: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_DIRECTIONS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def microseconds(at: datetime) -> int:
    """
    Return the whole microseconds from 1970 to *at*; exact.

    >>> microseconds(datetime(1970, 1, 2, tzinfo=UTC))
    86400000000
    """
    return (at - _EPOCH) // _MICROSECOND


def from_microseconds(count: int) -> datetime:
    """
    Return the instant so many whole microseconds after 1970; the reverse of `microseconds`.

    >>> from_microseconds(86_400_000_000).isoformat()
    '1970-01-02T00:00:00+00:00'
    """
    return _EPOCH + count * _MICROSECOND


def check_instant(value: object, name: str) -> datetime:
    """
    Return *value* in UTC.

    Raises:
        InvalidTime: it is naive, or outside 2000 to 2100.
    """
    if not isinstance(value, datetime):
        raise InvalidTime(f"{name} is {type(value).__name__}; allowed: an aware datetime")
    if value.tzinfo is None or value.utcoffset() is None:
        raise InvalidTime(f"{name} is {value.isoformat()} without a zone; allowed: an aware datetime")
    try:
        in_utc = value.astimezone(UTC)
    except OverflowError as error:
        raise InvalidTime(f"{name} is {value.isoformat()}; allowed: years 2000 to 2099") from error
    if not EARLIEST <= in_utc < LATEST:
        raise InvalidTime(f"{name} is {value.isoformat()}; allowed: years 2000 to 2099")
    return in_utc if type(in_utc) is datetime else _plain(in_utc)


def _plain(at: datetime) -> datetime:
    """Return a datetime of the standard library: a subclass may compare, print or subtract in its own way."""
    return datetime(
        at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond, tzinfo=UTC, fold=at.fold
    )


CLOCK_SKEW_MAX: Final = timedelta(seconds=5)
"""A PBX's clock may be so much ahead of ours."""
ENTERED_BEFORE_MAX: Final = timedelta(days=30)
"""Nobody waits longer: what is said to have entered before is a mistake, and would stand before every priority."""


def read_entered_at(value: object, *, now: datetime) -> datetime:
    """
    Return when a caller entered the queue, in UTC: *now* for what a clock that is a little ahead says.

    Raises:
        InvalidTime: naive, more than 5 s after *now*, or more than 30 days before.
    """
    at = check_instant(value, "entered_at")
    if not now - ENTERED_BEFORE_MAX <= at <= now + CLOCK_SKEW_MAX:
        raise InvalidTime(
            f"entered_at is {at.isoformat()}; allowed: from 30 days before now, {now.isoformat()}, to 5 s after it"
        )
    return min(at, now)


def check_text(value: object, name: str, *, length_max: int = TEXT_MAX) -> str:
    """
    Return *value* as it is.

    Raises:
        InvalidText: it is not text, is empty or longer than *length_max*, or has unprintable characters. The
            text itself is not shown, for it may be personal.
    """
    text = _sized(value, name, length_max)
    if not text.isprintable():
        raise InvalidText(f"{name} has unprintable characters; allowed: letters, digits, signs and spaces")
    return text


def optional_text(value: object, name: str, *, length_max: int = TEXT_MAX) -> str | None:
    """Return *value* as it is, and None for None. Raises: InvalidText."""
    return None if value is None else check_text(value, name, length_max=length_max)


def read_member(
    value: object, name: str, kind: type[_Word], *, allowed: Collection[_Word] | None = None
) -> _Word:
    """Return *value*, a member or its word, as a member. Raises: InvalidText."""
    members = tuple(kind) if allowed is None else tuple(allowed)
    for member in members:
        if value == member and isinstance(value, str):
            return member
    raise InvalidText(f"{name} is none of: {', '.join(members)}")


def check_name(value: object) -> str:
    """
    Return a person's name as it is: any script, its joiners and its wide spaces.

    Raises:
        InvalidText: it is no text, is blank or too long, or has characters that break lines, control a terminal,
            or turn the direction of what follows.
    """
    text = _sized(value, "name", TEXT_MAX)
    if any(character in _DIRECTIONS or category(character) in _NOT_IN_NAMES for character in text):
        raise InvalidText("name has unprintable characters; allowed: letters, signs and spaces")
    return text


def _sized(value: object, name: str, length_max: int) -> str:
    if not isinstance(value, str):
        raise InvalidText(f"{name} is {type(value).__name__}; allowed: text")
    if not value or len(value) > length_max:
        raise InvalidText(f"{name} has {len(value)} characters; allowed: 1 to {length_max}")
    if value.isspace():
        raise InvalidText(f"{name} is blank; allowed: letters, digits and signs")
    return value

"""Durations as people write them: `45 s`, `2 min`, `1 h 30 min`; or as ISO 8601 does: `PT45S`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

LENGTH_MAX: Final = 100
_SECOND: Final = 1_000_000
_UNITS: Final = {
    "ms": 1_000,
    "s": _SECOND,
    "min": 60 * _SECOND,
    "h": 3_600 * _SECOND,
    "days": 86_400 * _SECOND,
    "weeks": 7 * 86_400 * _SECOND,
}
_NAMES: Final = {
    **{name: name for name in _UNITS},
    **dict.fromkeys(("sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("mins", "minute", "minutes"), "min"),
    **dict.fromkeys(("hour", "hours"), "h"),
    **dict.fromkeys(("d", "day"), "days"),
    **dict.fromkeys(("w", "week"), "weeks"),
}
_PART: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?) *([a-z]+)(?: +|,|$|(?=[0-9]))+", re.ASCII)
_NUMBER: Final = r"([0-9]+(?:[.,][0-9]+)?)"
_ISO: Final = re.compile(
    rf"P(?=[0-9T])(?:{_NUMBER}W)?(?:{_NUMBER}D)?(?:T(?=[0-9])(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?",
    re.ASCII,
)
_ISO_UNITS: Final = ("weeks", "days", "h", "min", "s")
DURATION_PATTERN: Final = (
    r"^(?:P[0-9TWDHMS.,]+|[0-9]+(?:\.[0-9]+)? *[a-z]+(?:(?: |,)*[0-9]+(?:\.[0-9]+)? *[a-z]+)*)$"
)
"""What a duration looks like, for a JSON Schema: every duration matches, and little else."""


def read_duration(text: str) -> timedelta | None:
    """
    Return the duration that is written; None: it is none.

    The units are `weeks`, `days`, `h`, `min`, `s` and `ms`, each once, the longest first; in words as well.

    >>> read_duration("1 h 30 min") == read_duration("1.5h") == read_duration("PT1H30M") == timedelta(
    ...     hours=1.5
    ... )
    True
    >>> read_duration("90"), read_duration("-5 s"), read_duration("1 month"), read_duration("5 s 1 min")
    (None, None, None, None)
    """
    if len(text) > LENGTH_MAX:
        return None
    parts = _iso_parts(text) if text.startswith("P") else _parts(text.strip())
    if parts is None:
        return None
    microseconds = 0
    for number, unit in parts:
        whole, _, rest = number.partition(".")
        count, left = divmod(int(whole + rest) * _UNITS[unit], 10 ** len(rest))
        if left:
            return None
        microseconds += count
    try:
        return timedelta(microseconds=microseconds)
    except OverflowError:
        return None


def _parts(text: str) -> list[tuple[str, str]] | None:
    """Read numbers with their units; the length of each unit is less than that of the one before."""
    if text == "0":
        return []
    found: list[tuple[str, str]] = []
    at, shortest = 0, None
    while at < len(text):
        part = _PART.match(text, at)
        unit = None if part is None else _NAMES.get(part[2])
        if part is None or unit is None or (shortest is not None and _UNITS[unit] >= shortest):
            return None
        found.append((part[1], unit))
        at, shortest = part.end(), _UNITS[unit]
    return found or None


def _iso_parts(text: str) -> list[tuple[str, str]] | None:
    part = _ISO.fullmatch(text)
    if part is None:
        return None
    numbers = zip(part.groups(), _ISO_UNITS, strict=True)
    return [(number.replace(",", "."), unit) for number, unit in numbers if number is not None]


def duration_text(value: timedelta) -> str:
    """
    Write a duration as `read_duration` reads it.

    >>> duration_text(timedelta(minutes=90)), duration_text(timedelta(hours=24)), duration_text(timedelta(0))
    ('1 h 30 min', '24 h', '0 s')
    >>> duration_text(timedelta(seconds=90)), duration_text(timedelta(days=90, microseconds=5))
    ('90 s', '90 days 0.000005 s')
    """
    microseconds = value // timedelta(microseconds=1)
    for unit, most in (("s", 119), ("min", 89), ("h", 48)):
        count, rest = divmod(microseconds, _UNITS[unit])
        if not rest and count <= most and not (unit != "h" and count and count % 60 == 0):
            return f"{count} {unit}"
    said: list[str] = []
    for unit in ("days", "h", "min"):
        count, microseconds = divmod(microseconds, _UNITS[unit])
        if count:
            said.append(f"{count} {'day' if unit == 'days' and count == 1 else unit}")
    seconds, rest = divmod(microseconds, _SECOND)
    if seconds or rest:
        said.append(f"{seconds}{f'.{rest:06d}'.rstrip('0') if rest else ''} s")
    return " ".join(said)

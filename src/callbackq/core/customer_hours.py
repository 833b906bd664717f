"""
The hours in which a customer wants to be called: read from text, and asked for an instant.

They are a wish about the clock on the customer's wall, as opening hours are about a queue's: `core.hours` makes
instants of both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, time
from functools import lru_cache
from typing import Any, Final, cast

from callbackq.core.hours import OpenHours
from callbackq.errors import ConfigurationError, InvalidText
from callbackq.policy.hours import SPANS_MAX, Span, WeekHours

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ALLOWED: Final = "such as '09:00-12:00,14:00-18:00', with times from 00:00 to 24:00"
_SPAN: Final = re.compile(
    r"([01][0-9]|2[0-3]):([0-5][0-9])-(?:([01][0-9]|2[0-3]):([0-5][0-9])|24:00)", re.ASCII
)
_TEXT_MAX: Final = 12 * SPANS_MAX
_CACHE_SIZE: Final = 4_096


def read_hours(hours: object) -> Mapping[str, str]:
    """
    Read the hours in which a customer wants to be called.

    Args:
        hours: by day of the week, in English and lower case: spans from one time of day to another, with commas
            between them. One that ends at or before it begins ends on the next day. A day that is missing is one on
            which the customer does not want to be called; no day at all means that every hour is as good.

    Returns:
        The same, from Monday on, without spaces, the spans of a day in order.

    Raises:
        InvalidText: it is no such thing. What was given is not shown, for it is personal.

    >>> read_hours({"friday": "14:00-18:00, 09:00-12:00"})
    {'friday': '09:00-12:00,14:00-18:00'}
    """
    if not isinstance(hours, Mapping):
        raise InvalidText(f"hours are {type(hours).__name__}; allowed: texts by day of the week")
    given = cast("Mapping[Any, object]", hours)
    if not set(given) <= set(WEEKDAYS):
        raise InvalidText(f"hours are of other days than these: {', '.join(WEEKDAYS)}")
    read = {day: _read_day(day, given[day]) for day in WEEKDAYS if day in given}
    if read:
        _check_order(read)
    return read


def _read_day(day: str, text: object) -> str:
    if not isinstance(text, str) or len(text) > _TEXT_MAX:
        raise InvalidText(
            f"hours of {day} are no text of at most {_TEXT_MAX} characters; allowed: {_ALLOWED}"
        )
    spans = [span.strip(" ") for span in text.split(",")]
    if not all(_SPAN.fullmatch(span) for span in spans):
        raise InvalidText(f"hours of {day} cannot be read; allowed: {_ALLOWED}")
    return ",".join(sorted(set(spans)))


def _check_order(hours: Mapping[str, str]) -> None:
    try:
        WeekHours(zone="UTC", week=_week(hours.items()))
    except ConfigurationError:
        raise InvalidText(
            f"hours overlap; allowed: at most {SPANS_MAX} spans a day, one after the other"
        ) from None


def open_at(hours: Mapping[str, str], *, zone: str, now: datetime) -> datetime | None:
    """
    Return when a customer wants to be called next; None: now is as good as any.

    Args:
        hours: as `read_hours` returns them.
        zone: on whose clocks. One that this machine does not know says nothing about when: a wish that cannot be
            understood must not stop the line.

    Raises:
        InvalidTime: *now* is naive, or outside 2000 to 2099.

    Cost: microseconds; some hundred the first time for these hours.

    >>> from datetime import UTC
    >>> sunday = datetime(2026, 7, 5, 20, tzinfo=UTC)
    >>> open_at({"monday": "09:00-12:00"}, zone="Europe/Berlin", now=sunday).isoformat()
    '2026-07-06T07:00:00+00:00'
    """
    if not hours:
        return None
    known = _open_hours(tuple(sorted(hours.items())), zone)
    opens_at = known.next_opening(now) if known is not None else None
    return None if opens_at is None or opens_at <= now else opens_at


@lru_cache(maxsize=_CACHE_SIZE)
def _open_hours(hours: tuple[tuple[str, str], ...], zone: str) -> OpenHours | None:
    try:
        return OpenHours(WeekHours(zone=zone, week=_week(hours)))
    except ConfigurationError:
        return None


def _week(hours: Iterable[tuple[str, str]]) -> dict[int, tuple[Span, ...]]:
    return {WEEKDAYS.index(day): _spans(text) for day, text in hours}


def _spans(text: str) -> tuple[Span, ...]:
    return tuple(Span(*map(_time, span.split("-"))) for span in text.split(","))


def _time(text: str) -> time:
    return time(0) if text == "24:00" else time.fromisoformat(text)

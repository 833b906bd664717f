"""Instants as a report writes them: in its own zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from callbackq.model.figures import FiguresReport

_MOMENT: Final = timedelta(microseconds=1)


def zone_of(name: str) -> tzinfo:
    """Return the zone of a name; UTC where this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def in_zone(at: datetime, zone: str) -> datetime:
    """Return an instant as the clocks of a zone show it."""
    return at.astimezone(zone_of(zone))


def stretch_of(report: FiguresReport) -> str:
    """Write which stretch a report is of: one day, several whole days, or from a time to a time."""
    return stretch(report.from_at, report.until_at, zone=report.zone)


def stretch(from_at: datetime, until_at: datetime, *, zone: str) -> str:
    """
    Write a stretch of time as people say it.

    >>> monday, noon = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 5, 12, tzinfo=UTC)
    >>> stretch(monday, monday + timedelta(days=1), zone="UTC")
    'Monday 5 January 2026'
    >>> stretch(monday, monday + timedelta(days=7), zone="UTC")
    'Monday 5 January 2026 to Sunday 11 January 2026'
    >>> stretch(monday, noon, zone="UTC")
    'Monday 5 January 2026, 00:00 to 12:00'
    >>> stretch(noon, monday + timedelta(days=1), zone="UTC")
    'Monday 5 January 2026, 12:00 to 24:00'
    """
    begin, end = in_zone(from_at, zone), in_zone(until_at, zone)
    last = in_zone(until_at - _MOMENT, zone)
    if _is_midnight(begin) and _is_midnight(end):
        return day(begin) if begin.date() == last.date() else f"{day(begin)} to {day(last)}"
    if begin.date() == last.date():
        return f"{day(begin)}, {begin:%H:%M} to {'24:00' if _is_midnight(end) else f'{end:%H:%M}'}"
    return f"{day(begin)}, {begin:%H:%M} to {day(end)}, {end:%H:%M}"


def short_stretch(from_at: datetime, until_at: datetime, *, zone: str) -> str:
    """
    Write a stretch of time in few letters, by its days.

    >>> monday = datetime(2026, 1, 5, tzinfo=UTC)
    >>> short_stretch(monday, monday + timedelta(days=1), zone="UTC")
    'Mon 5 Jan'
    >>> short_stretch(monday, monday + timedelta(days=7), zone="UTC")
    'Mon 5 to Sun 11 Jan'
    """
    begin, last = in_zone(from_at, zone), in_zone(max(from_at, until_at - _MOMENT), zone)
    end = f"{last:%a} {last.day} {last:%b}"
    if begin.date() == last.date():
        return end
    return f"{begin:%a} {begin.day}{f' {begin:%b}' if begin.month != last.month else ''} to {end}"


def day(at: datetime) -> str:
    """Write a day: `Monday 5 January 2026`."""
    return f"{at:%A} {at.day} {at:%B} {at.year}"


def _is_midnight(at: datetime) -> bool:
    return (at.hour, at.minute, at.second, at.microsecond) == (0, 0, 0, 0)

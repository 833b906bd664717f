"""Moments as people write and read them: `--since 7d`, `--since 2026-01-31`, and times on the clocks of a zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from callbackq.cli.common import refuse
from callbackq.core.instants import check_instant
from callbackq.errors import InvalidTime
from callbackq.model.wall import zone_keys

_AGE: Final = re.compile(r"(?P<count>\d{1,6})(?P<unit>[mhdw])")
_UNITS: Final = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_NEAR: Final = timedelta(days=180)


def read_moment(text: str | None, option: str, *, zone: tzinfo, now: datetime) -> datetime | None:
    """
    Read an age such as `90m`, `24h`, `7d` or `2w`, a day, or a time. What has no zone is on the clocks of *zone*.

    >>> read_moment("2h", "--since", zone=UTC, now=datetime(2026, 1, 5, 8, tzinfo=UTC))
    datetime.datetime(2026, 1, 5, 6, 0, tzinfo=datetime.timezone.utc)
    >>> read_moment(
    ...     "2026-01-05", "--since", zone=ZoneInfo("Europe/Berlin"), now=datetime(2026, 1, 5, tzinfo=UTC)
    ... )
    datetime.datetime(2026, 1, 4, 23, 0, tzinfo=datetime.timezone.utc)
    """
    if text is None:
        return None
    text = text.strip()
    age = _AGE.fullmatch(text)
    try:
        if age is not None:
            read = now - int(age["count"]) * _UNITS[age["unit"]]
        else:
            read = datetime.fromisoformat(text)
            read = read if read.tzinfo is not None else read.replace(tzinfo=zone)
    except OverflowError:
        refuse(f"{option} is longer ago than there are years.")
    except ValueError:
        refuse(
            f"{option} cannot be read: write an age as 90m, 24h, 7d or 2w, a day as 2026-01-31,"
            " or a time as 2026-01-31T18:00."
        )
    try:
        return check_instant(read, option)
    except InvalidTime as error:
        refuse(f"{error}.")


def read_zone(key: str | None) -> tzinfo | None:
    """Read the key of a zone, such as Europe/Berlin."""
    if key is None or key == "UTC":
        return None if key is None else UTC
    if key not in zone_keys():
        refuse("--zone cannot be read: write a key of the IANA database, as Europe/Berlin.")
    return ZoneInfo(key)


def name_of_zone(zone: tzinfo) -> str:
    """
    Return how a zone is called.

    >>> name_of_zone(UTC), name_of_zone(ZoneInfo("Europe/Berlin"))
    ('UTC', 'Europe/Berlin')
    """
    return zone.key if isinstance(zone, ZoneInfo) else "UTC"


def shown(at: datetime | None, zone: tzinfo, *, seconds: bool = False) -> str:
    """
    Write an instant as the clocks of a zone show it.

    >>> shown(datetime(2026, 1, 5, 8, tzinfo=UTC), UTC), shown(None, UTC)
    ('2026-01-05 08:00', '-')
    """
    if at is None:
        return "-"
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def shortly(at: datetime | None, zone: tzinfo, *, now: datetime) -> str:
    """
    Write an instant in eleven characters or less: with its time where it is near, with its year where it is not.

    >>> shortly(datetime(2026, 1, 5, 8, tzinfo=UTC), UTC, now=datetime(2026, 3, 1, tzinfo=UTC))
    '01-05 08:00'
    >>> shortly(datetime(2024, 1, 5, 8, tzinfo=UTC), UTC, now=datetime(2026, 3, 1, tzinfo=UTC))
    '2024-01-05'
    """
    if at is None:
        return "-"
    is_near = abs(at - now) < _NEAR
    return at.astimezone(zone).strftime("%m-%d %H:%M" if is_near else "%Y-%m-%d")


def iso(at: datetime | None) -> str | None:
    """Write an instant in UTC, as data."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")

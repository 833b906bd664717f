"""A time of day that a person was promised: the wall clock, its zone, and which of two where it comes twice."""

from __future__ import annotations

import enum
from datetime import UTC, datetime
from functools import cache
from typing import Final

import attrs

from callbackq.errors import ConfigurationError, InvalidTime

ZONES_ALLOWED: Final = "an IANA key, such as 'Europe/Berlin'"
_NO_PLACES: Final = frozenset({"Factory", "localtime", "posixrules"})
"""Keys that name no place, and mean something else on every machine that has them."""


@cache
def zone_keys() -> frozenset[str]:
    """
    Return the keys of all zones whose rules this machine has. No other key is ever read: not a path, not a folder.

    Some file systems take another spelling for the same file, so a key is looked up here first.

    Raises:
        ConfigurationError: the machine has no zone data.

    Cost: 10 to 300 ms the first time.
    """
    from zoneinfo import available_timezones

    try:
        found = available_timezones()
    except OSError as error:
        raise _no_zone_data() from error
    if "UTC" not in found:
        raise _no_zone_data()
    return frozenset(found) - _NO_PLACES


def _no_zone_data() -> ConfigurationError:
    return ConfigurationError("zone data of this machine", None, "the system's, or the package tzdata")


def _naive(value: object) -> datetime:
    """Return a plain datetime without zone and fold: its fold is a field of the promise."""
    if not isinstance(value, datetime):
        raise InvalidTime(f"wall_at is {type(value).__name__}; allowed: a datetime without a zone")
    if value.tzinfo is not None:
        raise InvalidTime(f"wall_at is {value.isoformat()}; allowed: a datetime without a zone")
    if not 1999 <= value.year <= 2100:
        raise InvalidTime(f"wall_at is {value.isoformat()}; allowed: years 1999 to 2100")
    plain = datetime(
        value.year,
        value.month,
        value.day,
        value.hour,
        value.minute,
        value.second,
        value.microsecond,
        tzinfo=UTC,
    )
    return plain.replace(tzinfo=None)


def _first_or_second(value: object) -> int:
    if value not in (0, 1):
        raise InvalidTime(
            "fold is neither 0 nor 1; allowed: 0, the first of two equal times, and 1, the second"
        )
    return 1 if value else 0


@attrs.frozen(kw_only=True)
class WallTime:
    """
    A time as the clock on a customer's wall shows it. It IS the promise; the instant in UTC is derived from it.

    When a country changes its rules, the wall clock of a promise stays and its instant moves.

    Args:
        wall_at: date and time of day; naive.
        zone: an IANA key, such as `"America/New_York"`.
        fold: which one, where clocks go back and the time comes twice: 0 the first, 1 the second. 0 elsewhere.

    Raises:
        InvalidTime: `wall_at` has a zone or is outside 1999 to 2100, or `fold` is neither 0 nor 1.
    """

    wall_at: datetime = attrs.field(converter=_naive)
    zone: str
    fold: int = attrs.field(default=0, converter=_first_or_second)


class GapPolicy(enum.StrEnum):
    """What is done with a time that is missing, because clocks go forward over it."""

    REFUSE = "refuse"
    LATER = "later"
    """It becomes the first instant after the gap."""


class OverlapPolicy(enum.StrEnum):
    """What is done with a time that comes twice, because clocks go back, where nobody said which one."""

    FIRST = "first"
    SECOND = "second"
    REFUSE = "refuse"

"""
Zones of customers: which one, what its clocks show, and which instant a time on them is.

`zoneinfo` and `phonenumbers` are imported on first use. The rules of a zone are read once, and kept until
`forget_zones`. On a machine without any zone data every function raises `ConfigurationError`.
"""

from __future__ import annotations

import enum
from bisect import bisect_left
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final, assert_never

import attrs

from callbackq.core.instants import check_instant
from callbackq.errors import InvalidText, InvalidTime
from callbackq.model.wall import ZONES_ALLOWED, GapPolicy, OverlapPolicy, WallTime, zone_keys

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

OTHERS_MAX: Final = 50
"""So many other zones of a customer are listed."""
_NUMBER_MAX: Final = 16
_RULES_CACHE_SIZE: Final = 1_024
_NUMBERS_CACHE_SIZE: Final = 65_536
_SECOND: Final = timedelta(seconds=1)


# ---------------------------------------------------------------------------- keys and rules


def check_zone(key: object, what: str = "zone") -> str:
    """
    Return *key*, the IANA key of a zone whose rules this machine has.

    Raises:
        InvalidText: it is not text, or no such key: a path, a folder of zones, another spelling, or a name that
            means something else on every machine (`localtime`). It is not shown, for it may be anything.

    Cost: less than a microsecond. The first of a zone reads its rules, up to 4 ms; the very first reads the list of
    all zones, 10 to 300 ms.

    >>> check_zone("Europe/Berlin")
    'Europe/Berlin'
    >>> check_zone("Berlin")
    Traceback (most recent call last):
    ...
    callbackq.errors.InvalidText: zone is not known here; allowed: an IANA key, such as 'Europe/Berlin'
    """
    _zone(key, what)
    assert isinstance(key, str)
    return key


def forget_zones() -> None:
    """
    Forget the rules that were read: they are read anew after the zone data of the machine were updated.

    Promises keep their wall clock. Derive their instants again, by `instant_of`.
    """
    zone_keys.cache_clear()
    _rules.cache_clear()
    _zones_of.cache_clear()


def _zone(key: object, what: str = "zone") -> ZoneInfo:
    if not isinstance(key, str):
        raise InvalidText(f"{what} is {type(key).__name__}; allowed: text")
    found = _find(key)
    if found is None:
        raise InvalidText(f"{what} is not known here; allowed: {ZONES_ALLOWED}")
    return found


def _find(key: str) -> ZoneInfo | None:
    """Return the rules of a zone; None if there are none, or if they cannot be read now."""
    if key not in zone_keys():
        return None
    try:
        return _rules(key)
    except (LookupError, OSError, ValueError):
        return None


@lru_cache(maxsize=_RULES_CACHE_SIZE)
def _rules(key: str) -> ZoneInfo:
    from zoneinfo import ZoneInfo

    return ZoneInfo.no_cache(key)


# ---------------------------------------------------------------------------- promises and their instants


def read_wall(
    wall_at: datetime,
    *,
    zone: str,
    fold: int | None = None,
    gap: GapPolicy = GapPolicy.REFUSE,
    overlap: OverlapPolicy = OverlapPolicy.FIRST,
) -> tuple[WallTime, datetime]:
    """
    Return the promise of a time that a person named, and its instant under the rules of today.

    The promise is what will be shown of the instant: under `GapPolicy.LATER` it has the time after the gap.

    Args:
        wall_at: date and time of day in *zone*; naive.
        fold: which one, where the time comes twice: 0 the first, 1 the second. None leaves it to *overlap*. Of no
            effect elsewhere.

    Raises:
        InvalidText: there is no such zone.
        InvalidTime: *wall_at* has a zone, is outside 2000 to 2100, is missing on that day, or comes twice; or *fold*
            is no fold.

    Cost: 20 µs.

    >>> wall, at = read_wall(datetime(2026, 7, 1, 15), zone="America/New_York")
    >>> at.isoformat()
    '2026-07-01T19:00:00+00:00'
    >>> read_wall(datetime(2026, 3, 8, 2, 30), zone="America/New_York")
    Traceback (most recent call last):
    ...
    callbackq.errors.InvalidTime: 02:30 does not exist in America/New_York on 2026-03-08: clocks go from 02:00 to 03:00
    """
    rules = _zone(zone)
    asked = WallTime(wall_at=wall_at, zone=zone, fold=0 if fold is None else fold)
    readings = _readings(asked.wall_at, rules)
    if not readings:
        at = _read_missing(asked.wall_at, rules, zone, gap)
    elif fold is None and len(readings) > 1:
        at = _read_twice(asked.wall_at, readings, zone, overlap)
    else:
        at = readings[-1 if asked.fold else 0]
    return wall_of(check_instant(at, "wall_at"), zone=zone), at


def _read_missing(wall_at: datetime, rules: ZoneInfo, zone: str, gap: GapPolicy) -> datetime:
    after = end_of_gap(wall_at, rules=rules)
    if gap == GapPolicy.LATER:
        return after
    day = wall_at.date()
    goes_from = _on_day(_shown(after - _SECOND, rules) + _SECOND, day)
    raise InvalidTime(
        f"{wall_at:%H:%M} does not exist in {zone} on {day}: clocks go from {goes_from} to "
        f"{_on_day(_shown(after, rules), day)}"
    )


def _on_day(wall_at: datetime, day: date) -> str:
    return f"{wall_at:%H:%M}" if wall_at.date() == day else f"{wall_at:%Y-%m-%d %H:%M}"


def _read_twice(
    wall_at: datetime, readings: tuple[datetime, ...], zone: str, overlap: OverlapPolicy
) -> datetime:
    if overlap == OverlapPolicy.REFUSE:
        first, second = (offset_text(at, zone=zone) for at in readings)
        raise InvalidTime(
            f"{wall_at:%H:%M} comes twice in {zone} on {wall_at.date()}, at {first} and at {second}; allowed: fold 0 "
            f"for the first, 1 for the second"
        )
    return readings[1 if overlap == OverlapPolicy.SECOND else 0]


def instant_of(wall: WallTime) -> datetime:
    """
    Return the instant of a promise, in UTC, under the rules of today. They may not be those of the day it was made.

    A time that has come to be missing is the first instant after the gap. Where a time does not come twice, its fold
    has no effect.

    Raises:
        InvalidText: this machine has no rules of that zone. No time raises.

    Cost: 10 µs; 50 µs for a missing time.

    >>> instant_of(
    ...     WallTime(wall_at=datetime(2026, 11, 1, 1, 30), zone="America/New_York", fold=1)
    ... ).isoformat()
    '2026-11-01T06:30:00+00:00'
    """
    rules = _zone(wall.zone)
    readings = _readings(wall.wall_at, rules)
    if not readings:
        return end_of_gap(wall.wall_at, rules=rules)
    return readings[-1 if wall.fold else 0]


def wall_of(at: datetime, *, zone: str) -> WallTime:
    """
    Return what clocks in *zone* show at an instant; the reverse of `instant_of`.

    Raises:
        InvalidText: there is no such zone.
        InvalidTime: *at* is naive, or outside 2000 to 2100.

    >>> wall_of(datetime(2026, 11, 1, 6, 30, tzinfo=UTC), zone="America/New_York").fold
    1
    """
    local = _local(at, zone)
    return WallTime(wall_at=local.replace(tzinfo=None), zone=zone, fold=local.fold)


def _local(at: datetime, zone: str) -> datetime:
    return check_instant(at, "at").astimezone(_zone(zone))


def _shown(at: datetime, rules: ZoneInfo) -> datetime:
    return at.astimezone(rules).replace(tzinfo=None)


def _as_fold(wall_at: datetime, rules: ZoneInfo, fold: int) -> datetime:
    return wall_at.replace(tzinfo=rules, fold=fold).astimezone(UTC)


def _readings(wall_at: datetime, rules: ZoneInfo) -> tuple[datetime, ...]:
    """Return the instants at which clocks show *wall_at*: one; two where they go back, none where they skip it."""
    ways = {_as_fold(wall_at, rules, fold) for fold in (0, 1)}
    return tuple(sorted(at for at in ways if _shown(at, rules) == wall_at))


def end_of_gap(wall_at: datetime, *, rules: ZoneInfo) -> datetime:
    """
    Return the first instant at which clocks show more than *wall_at*, which they skip.

    The two ways to read it lie on both sides. Clocks change at whole seconds.
    """
    asked = wall_at.replace(microsecond=0)
    low, high = sorted(_as_fold(asked, rules, fold) for fold in (0, 1))
    seconds = range((high - low) // _SECOND)
    return low + bisect_left(seconds, asked, key=lambda s: _shown(low + s * _SECOND, rules)) * _SECOND


# ---------------------------------------------------------------------------- texts


class ShowDate(enum.StrEnum):
    """Whether a time is shown with its date."""

    OTHER_DAY = "other_day"
    """Unless it is the day of the telling."""
    ALWAYS = "always"
    NEVER = "never"


class _Style(enum.Enum):
    AMERICAN = enum.auto()
    ENGLISH = enum.auto()
    ISO = enum.auto()


_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def text_of_time(
    at: datetime,
    *,
    zone: str,
    language: str = "en",
    show_date: ShowDate = ShowDate.OTHER_DAY,
    now: datetime | None = None,
) -> str:
    """
    Return a time as a customer in *zone* reads it, to the minute, with the abbreviation that is right on that date.

    Where clocks go back, two instants show the same time: their abbreviations differ, or else the offset is added.

    Args:
        language: `en` and `en-US` have 12 hours, all others 24. Other languages than English have dates in figures:
            nothing is translated.
        now: when it is told. The date is left out on the same day in *zone*, the year in the same year. None: both
            are shown.

    Raises:
        InvalidText: there is no such zone.
        InvalidTime: *at* or *now* is naive, or outside 2000 to 2100.

    Cost: 40 µs.

    >>> at, now = datetime(2026, 3, 10, 19, tzinfo=UTC), datetime(2026, 3, 9, 19, tzinfo=UTC)
    >>> text_of_time(at, zone="America/New_York", now=at)
    '3:00 PM EDT'
    >>> text_of_time(at, zone="America/New_York", now=now)
    'Tuesday, March 10, 3:00 PM EDT'
    >>> text_of_time(at, zone="Europe/London", language="en-GB", now=now)
    'Tuesday 10 March, 19:00 GMT'
    >>> text_of_time(at, zone="Asia/Kathmandu", language="ne", now=now)
    '2026-03-11, 00:45 UTC+5:45'
    """
    local, style = _local(at, zone), _style(language)
    clock = f"{_clock(local, style)} {label_of_time(at, zone=zone)}"
    told = None if now is None else _local(now, zone).date()
    same_day = show_date == ShowDate.OTHER_DAY and local.date() == told
    if same_day or show_date == ShowDate.NEVER:
        return clock
    with_year = told is None or told.year != local.year
    return f"{_date(local, style, year=f'{local.year}' if with_year else '')}, {clock}"


def text_of_date(at: datetime, *, zone: str, language: str = "en", now: datetime | None = None) -> str:
    """
    Return the date of *at* as a customer in *zone* reads it, in the way of `text_of_time`.

    Args:
        now: when it is told: the year is left out in the same year. None: it is shown.

    Raises:
        InvalidText: there is no such zone.
        InvalidTime: *at* or *now* is naive, or outside 2000 to 2100.

    >>> at = datetime(2026, 3, 10, 19, tzinfo=UTC)
    >>> text_of_date(at, zone="America/New_York", now=at)
    'Tuesday, March 10'
    """
    local = _local(at, zone)
    with_year = now is None or _local(now, zone).year != local.year
    return _date(local, _style(language), year=f"{local.year}" if with_year else "")


def _style(language: str) -> _Style:
    parts = language.replace("_", "-").lower().split("-")
    if parts in (["en"], ["en", "us"]):
        return _Style.AMERICAN
    return _Style.ENGLISH if parts[0] == "en" else _Style.ISO


def _clock(local: datetime, style: _Style) -> str:
    if style is not _Style.AMERICAN:
        return f"{local:%H:%M}"
    return f"{local.hour % 12 or 12}:{local:%M} {'AM' if local.hour < 12 else 'PM'}"


def _date(local: datetime, style: _Style, *, year: str) -> str:
    weekday, month = _WEEKDAYS[local.weekday()], _MONTHS[local.month - 1]
    match style:
        case _Style.AMERICAN:
            return ", ".join(filter(None, (weekday, f"{month} {local.day}", year)))
        case _Style.ENGLISH:
            return " ".join(filter(None, (weekday, f"{local.day}", month, year)))
        case _Style.ISO:
            return f"{local.date()}"
        case _:
            assert_never(style)


def label_of_time(at: datetime, *, zone: str) -> str:
    """
    Return what goes with a time: `abbreviation`; with the offset, where the same time and abbreviation come twice.

    Raises:
        InvalidText: there is no such zone.
        InvalidTime: *at* is naive, or outside 2000 to 2100.
    """
    wall = wall_of(at, zone=zone)
    readings = _readings(wall.wall_at, _zone(zone))
    name = abbreviation(at, zone=zone)
    alike = [each for each in readings if abbreviation(each, zone=zone) == name]
    return f"{name} ({offset_text(at, zone=zone)})" if len(alike) > 1 else name


def abbreviation(at: datetime, *, zone: str) -> str:
    """
    Return what the time of *zone* is called at an instant: EST in winter, EDT in summer; its offset if it has no name.

    Raises:
        InvalidText: there is no such zone.
        InvalidTime: *at* is naive, or outside 2000 to 2100.

    >>> abbreviation(datetime(2026, 7, 1, tzinfo=UTC), zone="America/New_York")
    'EDT'
    >>> abbreviation(datetime(2026, 7, 1, tzinfo=UTC), zone="America/Sao_Paulo")
    'UTC-3'
    """
    name = _local(at, zone).tzname() or ""
    return name if name.isalpha() else offset_text(at, zone=zone)


def offset_text(at: datetime, *, zone: str) -> str:
    """
    Return how far clocks in *zone* are from UTC at an instant.

    Raises:
        InvalidText: there is no such zone.
        InvalidTime: *at* is naive, or outside 2000 to 2100.

    >>> offset_text(datetime(2026, 7, 1, tzinfo=UTC), zone="Asia/Kolkata")
    'UTC+5:30'
    """
    ahead_s = _offset(_local(at, zone)) // _SECOND
    hours, rest_s = divmod(abs(ahead_s), 3_600)
    minutes, seconds = divmod(rest_s, 60)
    if not ahead_s:
        return "UTC"
    sign = "+" if ahead_s > 0 else "-"
    return f"UTC{sign}{hours}" + (f":{minutes:02}" if rest_s else "") + (f":{seconds:02}" if seconds else "")


def _offset(local: datetime) -> timedelta:
    offset = local.utcoffset()
    assert offset is not None
    return offset


# ---------------------------------------------------------------------------- the zone of a customer


class ZoneSource(enum.StrEnum):
    """Who says in which zone a customer is."""

    CHOSEN = "chosen"
    """The customer."""
    RECORDS = "records"
    """The company's records, such as its CRM."""
    NUMBER = "number"
    """The phone number."""
    QUEUE = "queue"
    """Nobody: it is the queue's own."""


@attrs.frozen(kw_only=True)
class CustomerZone:
    """
    In which zone times are shown to a customer.

    Args:
        certain: its clocks show what the customer's do. If not, it is the queue's zone: say its name with every time.
        others: if not certain, where else the number may be: sorted, and at most 50.
    """

    zone: str
    certain: bool
    source: ZoneSource
    others: tuple[str, ...] = ()


def zones_of_number(e164: str) -> frozenset[str]:
    """
    Return the zones in which a number may be, of those whose rules this machine has.

    A toll-free number may be in every zone of its countries, and so may many a mobile. Empty means that nothing is
    known, not that nothing is forbidden: so for satellite phones, and for a text that is no valid number in E.164.

    Cost: up to 100 ms the first time, tens of microseconds for a new number, less than one while it is in the cache.

    >>> sorted(zones_of_number("+12125550123"))
    ['America/New_York']
    """
    return _zones_of(e164) if len(e164) <= _NUMBER_MAX else frozenset()


@lru_cache(maxsize=_NUMBERS_CACHE_SIZE)
def _zones_of(e164: str) -> frozenset[str]:
    import phonenumbers
    from phonenumbers.timezone import time_zones_for_number

    try:
        parsed = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return frozenset()
    return frozenset(_usable(time_zones_for_number(parsed)))


def _usable(keys: Iterable[str]) -> list[str]:
    return sorted(zone_keys().intersection(keys))


def zone_of_customer(
    *, chosen: str | None, known: str | None, number_zones: frozenset[str], at: datetime, queue_zone: str
) -> CustomerZone:
    """
    Return the zone in which the time *at* is shown to a customer.

    What the customer chose goes before what the records say, and that before the number. The number is enough if all
    its zones show the same time at that instant: the first by name stands for them. Else it is the queue's zone.

    Args:
        known: from the company's records. One that is no zone is as good as none: it may be somebody's free text.
        number_zones: from `zones_of_number`. What is no zone is left out.

    Raises:
        InvalidText: *chosen* or *queue_zone* is no zone.
        InvalidTime: *at* is naive, or outside 2000 to 2100.

    Cost: 3 µs for each zone of the number.

    >>> zones = zones_of_number("+12125550123")
    >>> at = datetime(2026, 7, 1, tzinfo=UTC)
    >>> zone_of_customer(chosen=None, known=None, number_zones=zones, at=at, queue_zone="Europe/London").zone
    'America/New_York'
    """
    at = check_instant(at, "at")
    check_zone(queue_zone, "queue_zone")
    if chosen is not None:
        return CustomerZone(zone=check_zone(chosen, "chosen"), certain=True, source=ZoneSource.CHOSEN)
    if known is not None and _find(known) is not None:
        return CustomerZone(zone=known, certain=True, source=ZoneSource.RECORDS)
    zones = _usable(number_zones)
    if len({_offset(_local(at, zone)) for zone in zones}) == 1:
        return CustomerZone(zone=zones[0], certain=True, source=ZoneSource.NUMBER)
    others = tuple(zone for zone in zones if zone != queue_zone)[:OTHERS_MAX]
    return CustomerZone(zone=queue_zone, certain=False, source=ZoneSource.QUEUE, others=others)

"""
Times as calendars write them, and the clocks that they are read from.

A time that comes twice is the first of the two, and one that is skipped is read with the offset before the change: as
`zoneinfo` does with fold 0.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import attrs

from callbackq.adapters.calendars.lines import Component, Line, shown
from callbackq.adapters.calendars.needed import needed
from callbackq.adapters.calendars.rules import Looked, read_rule
from callbackq.core.zones import check_zone
from callbackq.errors import InvalidText, InvalidTime

_YEARS: Final = range(1900, 2200)
_TIME: Final = re.compile(
    r"([0-9]{4})([0-9]{2})([0-9]{2})(?:T([0-9]{2})([0-9]{2})([0-9]{2})(Z?))?", re.IGNORECASE
)
_OFFSET: Final = re.compile(r"([+-])([0-9]{2})([0-9]{2})([0-9]{2})?")
_DURATION: Final = re.compile(
    r"\+?P(?:([0-9]{1,7})W)?(?:([0-9]{1,7})D)?"
    r"(?:T(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})S)?)?",
    re.IGNORECASE,
)
_LENGTH_MAX: Final = timedelta(days=36_600)
_ONSETS_MAX: Final = 20_000
_EARLIEST: Final = datetime(1970, 1, 1)  # noqa: DTZ001
"""Rules of zones are read from then on, or from their beginning."""


class Clock(Protocol):
    """Says which instant a wall clock shows, and what it shows at an instant."""

    def instant(self, wall: datetime) -> datetime:
        """Return the instant, in UTC, of a naive time."""
        ...

    def shows(self, at: datetime) -> datetime:
        """Return the naive time that it shows."""
        ...


@attrs.frozen
class ZoneClock:
    """The clock of an IANA zone."""

    zone: tzinfo

    def instant(self, wall: datetime) -> datetime:
        """Return the instant, in UTC, of a naive time."""
        return wall.replace(tzinfo=self.zone, fold=0).astimezone(UTC)

    def shows(self, at: datetime) -> datetime:
        """Return the naive time that it shows."""
        return at.astimezone(self.zone).replace(tzinfo=None, fold=0)


UTC_CLOCK: Final = ZoneClock(UTC)


@attrs.frozen(order=True)
class Change:
    """A clock is changed: at an instant, naive and in UTC, from one offset to another."""

    at: datetime
    before: timedelta
    after: timedelta


class TableClock:
    """The clock of a VTIMEZONE: its changes, in order. Before the first it has the offset from which that goes."""

    def __init__(self, changes: Iterable[Change]) -> None:
        self._changes = sorted(set(changes))
        self._ats = [change.at for change in self._changes]
        self._walls = [change.at + max(change.before, change.after) for change in self._changes]

    def instant(self, wall: datetime) -> datetime:
        """Return the instant, in UTC, of a naive time."""
        return (wall - self._offset(bisect_right(self._walls, wall))).replace(tzinfo=UTC)

    def shows(self, at: datetime) -> datetime:
        """Return the naive time that it shows."""
        naive = at.astimezone(UTC).replace(tzinfo=None)
        return naive + self._offset(bisect_right(self._ats, naive))

    def _offset(self, count: int) -> timedelta:
        return self._changes[count - 1].after if count else self._changes[0].before


@attrs.frozen
class Written:
    """A date, or a time, as it was written."""

    wall: datetime
    clock: Clock
    is_date: bool

    @property
    def at(self) -> datetime:
        """The instant; of a date its midnight."""
        return self.clock.instant(self.wall)


@attrs.frozen
class Length:
    """How long something is: days that the wall clock counts, and then time that passes."""

    days: timedelta
    exact: timedelta

    def end(self, wall: datetime, clock: Clock) -> datetime:
        """Return when it ends, if it begins at *wall*."""
        return clock.instant(wall + self.days) + self.exact


# ---------------------------------------------------------------------------- reading them


def read_time(text: str, clock: Clock, *, years: range = _YEARS) -> Written:
    """
    Read a date, or a date and time.

    Raises:
        InvalidTime: it is none.
    """
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise InvalidTime(f"{shown(text)} is no time; allowed: 20260310 or 20260310T100000")
    try:
        numbers = [int(found[index] or 0) for index in range(1, 7)]
        wall = datetime(*numbers)  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError as error:
        raise InvalidTime(f"{shown(text)} is not in the calendar") from error
    if wall.year not in years:
        raise InvalidTime(f"{shown(text)} is out of range; allowed: {years.start} to {years.stop - 1}")
    return Written(wall, UTC_CLOCK if found[7] else clock, is_date=found[4] is None)


def read_duration(text: str) -> Length:
    """
    Read a length, such as `PT1H30M`.

    Raises:
        InvalidTime: it is none, is negative, or is longer than 100 years.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        raise InvalidTime(f"{shown(text)} is no length of an event; allowed: PT1H30M, P1D")
    weeks, days, hours, minutes, seconds = (int(number or 0) for number in found.groups())
    length = Length(
        timedelta(weeks=weeks, days=days), timedelta(hours=hours, minutes=minutes, seconds=seconds)
    )
    return checked(length)


def checked(length: Length) -> Length:
    """Refuse a length that is negative, or longer than 100 years. Raises: InvalidTime."""
    if min(length.days, length.exact) < timedelta(0):
        raise InvalidTime("it ends before it begins")
    if length.days + length.exact > _LENGTH_MAX:
        raise InvalidTime(f"it is longer than {_LENGTH_MAX.days:,} days")
    return length


def read_length(start: Written, end: Line | None, duration: Line | None, clocks: Clocks) -> Length:
    """
    Return how long an event is: up to its end, or its duration; else a day, or no time at all.

    Raises:
        InvalidText: it has both.
        InvalidTime: its end is before its start, or only one of the two is a date.
    """
    if end is not None and duration is not None:
        raise InvalidText("it has both DTEND and DURATION; allowed: one")
    if duration is not None:
        return read_duration(duration.value)
    one_day = timedelta(days=1)
    if end is None:
        return Length(one_day if start.is_date else timedelta(0), timedelta(0))
    until = clocks.read(end)
    if until.is_date != start.is_date:
        raise InvalidTime("of DTSTART and DTEND only one is a date; allowed: two dates, or two times")
    if start.is_date:
        # Some programs give the day itself as the end of a whole day.
        days = until.wall - start.wall
        return checked(Length(days or one_day, timedelta(0)))
    return checked(Length(timedelta(0), until.at - start.at))


# ---------------------------------------------------------------------------- which clock


class Clocks:
    """The clocks of one VCALENDAR: by IANA key, by its own VTIMEZONE, or by the name that Windows gives a zone."""

    def __init__(self, calendar: Component, *, zone: str, until_year: int, looked: Looked) -> None:
        self._own = [part for part in calendar.parts if part.name == "VTIMEZONE"]
        self._default: Clock = ZoneClock(ZoneInfo(check_zone(zone)))
        self._until_year = until_year
        self._looked = looked
        self._found: dict[str, Clock] = {}

    def read(self, line: Line) -> Written:
        """Read the one time of a line. Raises: InvalidTime, InvalidText."""
        return read_time(line.value, self.of(line))

    def read_all(self, line: Line) -> list[Written]:
        """Read the times of a line. Raises: InvalidTime, InvalidText."""
        clock = self.of(line)
        return [read_time(text, clock) for text in line.value.split(",")]

    def of(self, line: Line) -> Clock:
        """Return the clock that a line names; that of the reader if it names none."""
        key = line.params.get("TZID")
        if key is None:
            return self._default
        if key not in self._found:
            self._found[key] = self._find(key)
        return self._found[key]

    def _find(self, key: str) -> Clock:
        parts = key.strip().split("/")
        for count in (len(parts), 3, 2):  # Some programs write /example.org/2026a/Europe/Berlin.
            clock = _zone_clock("/".join(parts[-count:]))
            if clock is not None:
                return clock
        for own in self._own:
            name = own.one("TZID")
            if name is not None and name.value.strip() == key.strip():
                return TableClock(_changes(own, until_year=self._until_year, looked=self._looked))
        windows = needed("icalendar.timezone.windows_to_olson").WINDOWS_TO_OLSON
        clock = _zone_clock(windows.get(key.strip(), ""))
        if clock is None:
            allowed = "an IANA key, a zone of Windows, or one that has a VTIMEZONE"
            raise InvalidTime(f"the zone {shown(key)} is not known; allowed: {allowed}")
        return clock


def _zone_clock(key: str) -> ZoneClock | None:
    try:
        return ZoneClock(ZoneInfo(check_zone(key)))
    except InvalidText:
        return None


def _changes(zone: Component, *, until_year: int, looked: Looked) -> list[Change]:
    """Return when the clocks of a VTIMEZONE are changed, until the end of a year."""
    found: list[Change] = []
    for part in zone.parts:
        if part.name in ("STANDARD", "DAYLIGHT"):
            before, after = _offset(part, "TZOFFSETFROM"), _offset(part, "TZOFFSETTO")
            onsets = _onsets(part, before, until_year=until_year, looked=looked)
            found.extend(Change(onset - before, before, after) for onset in onsets)
            if len(found) > _ONSETS_MAX:
                raise InvalidText(f"its VTIMEZONE has more than {_ONSETS_MAX:,} changes")
    if not found:
        raise InvalidText("its VTIMEZONE has neither STANDARD nor DAYLIGHT")
    return found


def _onsets(part: Component, before: timedelta, *, until_year: int, looked: Looked) -> list[datetime]:
    line = part.one("DTSTART")
    if line is None:
        raise InvalidText("its VTIMEZONE has a part without DTSTART")
    years = range(2, 2200)
    clock = TableClock([Change(datetime(2, 1, 1), before, before)])  # noqa: DTZ001
    start = read_time(line.value, clock, years=years).wall
    found = [start]
    for rdate in part.all("RDATE"):
        found.extend(
            read_time(text.partition("/")[0], clock, years=years).wall for text in rdate.value.split(",")
        )
    for rrule in part.all("RRULE"):
        rule = read_rule(rrule.value)
        if rule.freq != "YEARLY":
            raise InvalidText(f"its VTIMEZONE has the rule {shown(rrule.value)}; allowed: FREQ=YEARLY")
        limit = until_limit(rule.until, clock, years=years)
        end = min(datetime(until_year + 1, 1, 1), limit.wall_max)  # noqa: DTZ001
        found.extend(wall for wall in rule.walls(start, _EARLIEST, end, looked) if limit.includes(wall))
    return found


def _offset(part: Component, name: str) -> timedelta:
    line = part.one(name)
    found = None if line is None else _OFFSET.fullmatch(line.value.strip())
    if found is None or int(found[2]) > 23 or int(found[3]) > 59 or int(found[4] or 0) > 59:
        raise InvalidText(f"its VTIMEZONE has no {name} that can be read; allowed: +0100")
    offset = timedelta(hours=int(found[2]), minutes=int(found[3]), seconds=int(found[4] or 0))
    return -offset if found[1] == "-" else offset


# ---------------------------------------------------------------------------- the end of a rule


@attrs.frozen
class Limit:
    """Until when a rule holds. No time after `wall_max` is in it."""

    wall_max: datetime
    includes: Callable[[datetime], bool]


def until_limit(until: str | None, clock: Clock, *, years: range = _YEARS) -> Limit:
    """
    Return what UNTIL of a rule says. A date is meant with all of its day.

    Raises:
        InvalidTime: it is no time.
    """
    if until is None:
        return Limit(datetime(2300, 1, 1), lambda _: True)  # noqa: DTZ001
    written = read_time(until, clock, years=years)
    if written.is_date:
        day: date = written.wall.date()
        return Limit(written.wall + timedelta(days=1), lambda wall: wall.date() <= day)
    # Around a change two instants may show the same time. So instants are compared, and the bound is a day later.
    bound = clock.shows(written.at) + timedelta(days=1)
    return Limit(bound, lambda wall: clock.instant(wall) <= written.at)

"""Busy times and closures, read from iCalendar data."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

import attrs

from callbackq.adapters.calendars.clocks import (
    Clocks,
    Length,
    Written,
    read_duration,
    read_length,
    read_time,
    until_limit,
)
from callbackq.adapters.calendars.lines import Component, Line, read_components, shown
from callbackq.adapters.calendars.rules import Looked, read_rule
from callbackq.core.instants import check_instant
from callbackq.core.zones import check_zone
from callbackq.errors import InvalidText, InvalidTime
from callbackq.model.intervals import Interval
from callbackq.policy.hours import Closure

RANGE_MAX: Final = timedelta(days=400)
OCCURRENCES_MAX: Final = 20_000
"""So often may one event be in the range."""

_ONE_DAY: Final = timedelta(days=1)
_Piece = tuple[datetime, datetime]


def busy_times(text: str | bytes, *, from_at: datetime, until_at: datetime, zone: str) -> list[Interval]:
    """
    Return when somebody is busy by a calendar: in order, without overlaps, cut to the range.

    Busy are all events but those that are cancelled (`STATUS:CANCELLED`, or all of a `METHOD:CANCEL`) and those that
    are shown as free (`TRANSP:TRANSPARENT`); a tentative one is busy. So are the times of VFREEBUSY, except free ones.
    Of several versions of an event the one with the highest SEQUENCE counts, then the newest DTSTAMP.

    A zone is looked up by its IANA key in the rules of this machine; then in the text's own VTIMEZONE; then by the
    name that Windows gives it. A time that comes twice is the first of the two, and one that is skipped is read with
    the offset before the change, as `zoneinfo` does with fold 0. A DTSTART that its rule does not give counts as well.

    Args:
        text: of an iCalendar file, at most 10 MB.
        from_at, until_at: the range, at most 400 days.
        zone: an IANA key, for whole days and for times that have no zone.

    Raises:
        InvalidText: the text is no iCalendar data, or an event says nonsense, or what is not supported (EXRULE,
            RANGE=THISANDFUTURE, RSCALE), or is in the range more than 20,000 times. Names it by its UID.
        InvalidTime: a time of an event is none, its zone is not known, or it ends before it begins; or *from_at*,
            *until_at* and the range.
        ModuleNotFoundError: the package icalendar is not installed, and a zone of Windows was named.

    Cost: 45 µs for each event, 140 µs for one with a weekly rule that is some years old, 6 ms for a VTIMEZONE that is
        needed. Nonsense costs no more than some seconds: rules are looked at a million times at most.
    """
    from_at, until_at = check_instant(from_at, "from_at"), check_instant(until_at, "until_at")
    if not timedelta(0) < until_at - from_at <= RANGE_MAX:
        raise InvalidTime(
            f"from_at to until_at is {until_at - from_at}; allowed: more than 0, {RANGE_MAX.days} days"
        )
    check_zone(zone)
    pieces: list[_Piece] = []
    looked = Looked()
    for calendar in read_components(text):
        if calendar.word("METHOD") != "CANCEL":
            clocks = Clocks(calendar, zone=zone, until_year=until_at.year + 1, looked=looked)
            pieces.extend(_Reader(clocks, looked, from_at, until_at).pieces(calendar))
    return _merged(pieces, from_at, until_at)


def closures_of(
    text: str | bytes, *, from_at: datetime, until_at: datetime, zone: str
) -> tuple[Closure, ...]:
    """
    Return the `busy_times` of a calendar as closures, for `WeekHours(closures=...)`.

    An event that is shown as free closes nothing: many programs do that with whole days unless they are told.

    Raises:
        InvalidText, InvalidTime: as `busy_times`.
    """
    found = busy_times(text, from_at=from_at, until_at=until_at, zone=zone)
    return tuple(Closure(from_at=each.starts_at, until_at=each.ends_at) for each in found)


def _merged(pieces: list[_Piece], from_at: datetime, until_at: datetime) -> list[Interval]:
    found: list[_Piece] = []
    for starts_at, ends_at in sorted(pieces):
        start, end = max(starts_at, from_at), min(ends_at, until_at)
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return [Interval(starts_at=start, ends_at=end) for start, end in found]


# ---------------------------------------------------------------------------- events


@attrs.frozen
class _Event:
    """One version of an event, or of one of its recurrences: `instead_of` is when that would have begun."""

    component: Component
    instead_of: datetime | None
    sequence: int
    stamp: str

    @property
    def is_free(self) -> bool:
        return self.component.word("STATUS") == "CANCELLED" or self.component.word("TRANSP") == "TRANSPARENT"


@attrs.define
class _Gone:
    """The recurrences that do not take place, by their instant or by their day."""

    instants: set[datetime] = attrs.field(factory=set[datetime])
    days: set[date] = attrs.field(factory=set[date])


@attrs.frozen
class _Reader:
    clocks: Clocks
    looked: Looked
    from_at: datetime
    until_at: datetime

    def pieces(self, calendar: Component) -> Iterator[_Piece]:
        """Return when the events of a calendar are, of those near the range."""
        events: dict[str, list[Component]] = {}
        for number, part in enumerate(calendar.parts, 1):
            if part.name == "VFREEBUSY":
                yield from self._named(f"VFREEBUSY {number}", [part])
            elif part.name == "VEVENT":
                uid = next((line.value for line in part.all("UID")), "")
                events.setdefault(
                    f"event {shown(uid)}" if uid else f"event {number} without a UID", []
                ).append(part)
        for name, versions in events.items():
            yield from self._named(name, versions)

    def _named(self, name: str, parts: list[Component]) -> list[_Piece]:
        """Read all of one UID. What is wrong is said with its name."""
        try:
            if parts[0].name == "VFREEBUSY":
                return list(self._free_busy(parts[0]))
            return list(self._event(self._versions(parts)))
        except (InvalidText, InvalidTime) as error:
            raise type(error)(f"{name}: {error}") from error

    def _versions(self, parts: list[Component]) -> list[_Event]:
        """Return the newest version of the event, and that of each recurrence that was changed."""
        newest: dict[datetime | None, list[_Event]] = {}
        for part in parts:
            event = self._version(part)
            others = newest.setdefault(event.instead_of, [event])
            rank, best = (event.sequence, event.stamp), (others[0].sequence, others[0].stamp)
            if rank > best:
                newest[event.instead_of] = [event]
            elif rank == best and others[0] is not event:
                others.append(event)
        return [event for versions in newest.values() for event in versions]

    def _version(self, part: Component) -> _Event:
        line, number = part.one("RECURRENCE-ID"), part.word("SEQUENCE") or "0"
        if line is not None and "RANGE" in line.params:
            raise InvalidText("its RECURRENCE-ID has a RANGE; allowed: one recurrence")
        if not (number.isascii() and number.isdigit() and len(number) <= 10):
            raise InvalidText(f"its SEQUENCE is {shown(number)}; allowed: a whole number")
        instead_of = None if line is None else self.clocks.read(line).at
        return _Event(part, instead_of, int(number), part.word("DTSTAMP"))

    def _event(self, versions: list[_Event]) -> Iterator[_Piece]:
        replaced = {event.instead_of for event in versions if event.instead_of is not None}
        for event in versions:
            if not event.is_free:
                yield from self._times(event.component, replaced if event.instead_of is None else set())

    def _times(self, event: Component, replaced: set[datetime]) -> Iterator[_Piece]:
        line = event.one("DTSTART")
        if line is None:
            raise InvalidText("it has no DTSTART")
        start = self.clocks.read(line)
        length = read_length(start, event.one("DTEND"), event.one("DURATION"), self.clocks)
        if event.all("EXRULE"):
            raise InvalidText("it has an EXRULE, which is not supported; allowed: EXDATE")
        gone = self._gone(event, replaced)
        clock = start.clock
        for wall in self._walls(event, start, length):
            at = clock.instant(wall)
            if at not in gone.instants and wall.date() not in gone.days:
                yield at, length.end(wall, clock)
        yield from self._extra(event, length, gone)

    def _gone(self, event: Component, replaced: set[datetime]) -> _Gone:
        gone = _Gone(set(replaced))
        for line in event.all("EXDATE"):
            for written in self.clocks.read_all(line):
                if written.is_date:
                    gone.days.add(written.wall.date())
                else:
                    gone.instants.add(written.at)
        return gone

    def _walls(self, event: Component, start: Written, length: Length) -> set[datetime]:
        """Return when it begins, by its own clock, at those times from which it may reach into the range."""
        first = start.clock.shows(self.from_at) - length.days - length.exact - 2 * _ONE_DAY
        last = start.clock.shows(self.until_at) + 2 * _ONE_DAY
        found = {start.wall}
        for line in event.all("RRULE"):
            rule = read_rule(line.value)
            limit = until_limit(rule.until, start.clock)
            for wall in rule.walls(start.wall, first, min(last, limit.wall_max), self.looked):
                if limit.includes(wall):
                    found.add(wall)
                if len(found) > OCCURRENCES_MAX:
                    raise InvalidText(f"it is in the range more than {OCCURRENCES_MAX:,} times")
        return found

    def _extra(self, event: Component, length: Length, gone: _Gone) -> Iterator[_Piece]:
        """Return the recurrences that have no rule."""
        for line in event.all("RDATE"):
            clock = self.clocks.of(line)
            for text in line.value.split(","):
                begins, slash, ends = text.partition("/")
                written = read_time(begins, clock)
                if written.at in gone.instants or written.wall.date() in gone.days:
                    continue
                yield (
                    _period(written, ends) if slash else (written.at, length.end(written.wall, written.clock))
                )

    def _free_busy(self, part: Component) -> Iterator[_Piece]:
        for line in part.all("FREEBUSY"):
            if line.params.get("FBTYPE", "BUSY").upper() != "FREE":
                yield from self._periods(line)

    def _periods(self, line: Line) -> Iterator[_Piece]:
        clock = self.clocks.of(line)
        for text in line.value.split(","):
            begins, _, ends = text.partition("/")
            yield _period(read_time(begins, clock), ends)


def _period(start: Written, ends: str) -> _Piece:
    if ends.strip()[:1].upper() in ("P", "+"):
        return start.at, read_duration(ends).end(start.wall, start.clock)
    until = read_time(ends, start.clock).at
    if until < start.at:
        raise InvalidTime(f"a period ends at {until.astimezone(UTC):%Y%m%dT%H%M%SZ}, before it begins")
    return start.at, until

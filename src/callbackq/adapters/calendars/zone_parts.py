"""
The zones of an exported calendar, as VTIMEZONE components that Outlook understands too.

Outlook knows one yearly rule for the beginning of summer time and one for its end, and takes no list of dates. So only
a zone whose clocks follow such rules in all the years that matter is written; times of the others are written in UTC.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import attrs

from callbackq.adapters.calendars.clocks import Change, Clock, TableClock, ZoneClock
from callbackq.adapters.calendars.needed import needed
from callbackq.core.zones import check_zone
from callbackq.errors import InvalidText

_SECOND: Final = timedelta(seconds=1)
_MINUTE: Final = timedelta(minutes=1)
_ONE_DAY: Final = timedelta(days=1)
_DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@attrs.frozen
class YearlyChange:
    """The clocks are changed every year, from *onset* on, on such a day of that month. Never, if `week` is None."""

    onset: datetime
    before: timedelta
    after: timedelta
    week: int | None
    name: str


@attrs.frozen
class ZoneParts:
    """A zone that can be written: its key, its one or two changes, and a clock that goes by nothing else."""

    key: str
    changes: tuple[YearlyChange, ...]
    clock: Clock

    def component(self) -> Any:
        """Return it as a component of the package icalendar."""
        icalendar = needed("icalendar")
        zone = icalendar.Timezone()
        zone.add("tzid", self.key)
        for change in self.changes:
            is_summer = change.after > change.before
            part = icalendar.TimezoneDaylight() if is_summer else icalendar.TimezoneStandard()
            part.add("dtstart", change.onset)
            part.add("tzoffsetfrom", change.before)
            part.add("tzoffsetto", change.after)
            part.add("tzname", change.name)
            if change.week is not None:
                day = f"{change.week}{_DAYS[change.onset.weekday()]}"
                part.add("rrule", {"freq": "yearly", "bymonth": change.onset.month, "byday": day})
            zone.add_component(part)
        return zone


@lru_cache(maxsize=256)
def zone_parts(key: str, first_year: int, last_year: int) -> ZoneParts | None:
    """
    Return how a zone is written for some years; None if it has to be UTC.

    Cost: about a millisecond for each year; a microsecond while it is in the cache.
    """
    try:
        zone = ZoneInfo(check_zone(key))
    except InvalidText:
        return None
    years = range(first_year - 1, last_year + 2)
    found = _changes(zone, years)
    if any(offset % _MINUTE for change in found for offset in (change.before, change.after)):
        return None
    if not found:
        return _without_changes(key, zone, years)
    by_year = [[change for change in found if (change.at + change.before).year == year] for year in years]
    if any(len(changes) != 2 for changes in by_year):
        return None
    yearly = [_yearly(zone, [changes[index] for changes in by_year]) for index in (0, 1)]
    rules = tuple(rule for rule in yearly if rule is not None)
    if len(rules) != 2 or (rules[0].after > rules[0].before) == (rules[1].after > rules[1].before):
        return None
    return ZoneParts(key, rules, TableClock(found))


def _without_changes(key: str, zone: ZoneInfo, years: range) -> ZoneParts | None:
    noon = datetime(years.start, 1, 2, 12, tzinfo=zone)
    offset = noon.utcoffset() or timedelta(0)
    if offset % _MINUTE:
        return None
    rule = YearlyChange(datetime(1970, 1, 1), offset, offset, None, _name(noon))  # noqa: DTZ001
    return ZoneParts(key, (rule,), ZoneClock(zone))


def _yearly(zone: ZoneInfo, changes: Sequence[Change]) -> YearlyChange | None:
    """Return the one rule that the changes of all years follow, if there is one."""
    onsets = [change.at + change.before for change in changes]
    kinds = {
        (onset.month, onset.weekday(), onset.time(), change.before, change.after)
        for onset, change in zip(onsets, changes, strict=True)
    }
    if len(kinds) != 1:
        return None
    weeks = {(onset.day - 1) // 7 + 1 for onset in onsets}
    if all((onset + 7 * _ONE_DAY).month != onset.month for onset in onsets):
        week = -1
    elif len(weeks) == 1 and max(weeks) < 5:
        week = weeks.pop()
    else:
        return None
    first = changes[0]
    name = _name(first.at.replace(tzinfo=UTC).astimezone(zone))
    return YearlyChange(onsets[0], first.before, first.after, week, name)


def _changes(zone: ZoneInfo, years: range) -> list[Change]:
    """Return when the clocks of a zone are changed in some years, by what they show."""
    day = datetime(years.start, 1, 1, tzinfo=UTC) - _ONE_DAY
    last = datetime(years.stop, 1, 1, tzinfo=UTC) + _ONE_DAY
    found: list[Change] = []
    before = _offset(day, zone)
    while day < last:
        after = _offset(day + _ONE_DAY, zone)
        if after != before:
            found.append(_change(day, before, after, zone))
        before = after
        day += _ONE_DAY
    return [change for change in found if (change.at + change.before).year in years]


def _change(day: datetime, before: timedelta, after: timedelta, zone: ZoneInfo) -> Change:
    seconds = range(_ONE_DAY // _SECOND)
    passed = bisect_left(seconds, True, key=lambda count: _offset(day + count * _SECOND, zone) != before)
    return Change((day + passed * _SECOND).replace(tzinfo=None), before, after)


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)


def _name(local: datetime) -> str:
    name = local.tzname() or ""
    return name if name.isalnum() else f"UTC{local:%z}"

"""Weeks by the clock of a zone: which are looked at, and for how long a queue is open in each stretch of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import attrs

from callbackq.core.slots import OpenTimes
from callbackq.core.zones import check_zone, instant_of
from callbackq.model.wall import WallTime
from callbackq.policy.checks import int_within

WEEKS_MAX: Final = 104
_CELL: Final = timedelta(minutes=15)
"""Every offset of today is a whole number of these, so that no change of clocks falls within one."""
_DAY: Final = timedelta(days=1)


@attrs.frozen(kw_only=True)
class Weeks:
    """
    The weeks that are looked at, and the next one, by the clock of a zone.

    Args:
        from_day: the first day of the first week; each has seven days.
        until_day: the day after the last one: that of the asking.
        next_day: the Monday with which the next week begins.
    """

    zone: str
    from_day: date
    until_day: date
    next_day: date

    @property
    def count(self) -> int:
        """How many there are."""
        return (self.until_day - self.from_day).days // 7

    @property
    def ahead(self) -> float:
        """Where the next week lies, if the first one is number 0."""
        return (self.next_day - self.from_day).days / 7

    @property
    def from_at(self) -> datetime:
        """When the first day begins."""
        return midnight(self.from_day, zone=self.zone)

    @property
    def until_at(self) -> datetime:
        """When the day of the asking begins."""
        return midnight(self.until_day, zone=self.zone)

    @property
    def next_from_at(self) -> datetime:
        """When the next week begins."""
        return midnight(self.next_day, zone=self.zone)

    @property
    def next_until_at(self) -> datetime:
        """When the next week is over."""
        return midnight(self.next_day + 7 * _DAY, zone=self.zone)

    @property
    def asked_from_at(self) -> datetime:
        """A week before `from_at`: whether anybody came then says whether the queue was there from the first day on."""
        return midnight(self.from_day - 7 * _DAY, zone=self.zone)

    def week_of(self, day: date) -> int:
        """Return the number of the week in which a day lies; it is negative before the first one."""
        return (day - self.from_day).days // 7


def midnight(day: date, *, zone: str) -> datetime:
    """Return when a day begins: at the first of two midnights, and at the end of what is skipped."""
    return instant_of(WallTime(wall_at=datetime.combine(day, time(0)), zone=zone, fold=0))


def weeks_before(now: datetime, *, weeks: int, zone: str) -> Weeks:
    """
    Return the last whole weeks before *now*, up to the last midnight.

    Raises:
        ConfigurationError: *weeks* is no number of weeks.
        InvalidText: there is no such zone.

    >>> found = weeks_before(datetime(2026, 1, 14, 9, tzinfo=UTC), weeks=2, zone="Europe/Berlin")
    >>> found.from_at.isoformat(), str(found.next_day)
    ('2025-12-30T23:00:00+00:00', '2026-01-19')
    """
    int_within("weeks", weeks, 1, WEEKS_MAX)
    today = now.astimezone(ZoneInfo(check_zone(zone))).date()
    return Weeks(
        zone=zone,
        from_day=today - 7 * weeks * _DAY,
        until_day=today,
        next_day=today + (7 - today.weekday()) * _DAY,
    )


def minute_of(local: datetime, step_minutes: int) -> int:
    """Return the minute of the day at which the stretch of a local time begins."""
    minute = local.hour * 60 + local.minute
    return minute - minute % step_minutes


def open_seconds(
    times: OpenTimes, *, from_at: datetime, until_at: datetime, zone: str, step: timedelta
) -> Mapping[tuple[date, int], float]:
    """
    Return for how many seconds it is open in each stretch of each day, by the day and the minute at which it begins.

    Cost: about 1 microsecond for each quarter of an hour that it is open.
    """
    rules, step_minutes = ZoneInfo(zone), step // timedelta(minutes=1)
    found = defaultdict[tuple[date, int], float](float)
    for interval in times.intervals(from_at, until_at=until_at):
        at, ends_at = interval.starts_at.astimezone(UTC), interval.ends_at.astimezone(UTC)
        while at < ends_at:
            cell_ends_at = min(at - (at - datetime.min.replace(tzinfo=UTC)) % _CELL + _CELL, ends_at)
            local = at.astimezone(rules)
            found[local.date(), minute_of(local, step_minutes)] += (cell_ends_at - at).total_seconds()
            at = cell_ends_at
    return found

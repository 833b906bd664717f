"""Recurrence rules of calendars, within bounds: whatever a rule says, finding its times ends soon."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from math import prod
from typing import Any, Final

import attrs

from callbackq.adapters.calendars.lines import shown
from callbackq.errors import InvalidText

LOOKED_MAX: Final = 1_000_000
"""So many times are looked at for one calendar: some seconds."""

_TEXT_MAX: Final = 1_000
_TIMES_A_DAY_MAX: Final = 1_440
_NUMBER: Final = r"[+-]?[0-9]{1,3}"
_DAY: Final = r"(?:[+-]?[0-9]{1,2})?(?:MO|TU|WE|TH|FR|SA|SU)"

_UNITS: Final[Mapping[str, timedelta]] = {
    "SECONDLY": timedelta(seconds=1),
    "MINUTELY": timedelta(minutes=1),
    "HOURLY": timedelta(hours=1),
    "DAILY": timedelta(days=1),
    "WEEKLY": timedelta(weeks=1),
}
_FREQS: Final = (*_UNITS, "MONTHLY", "YEARLY")

_RANGES: Final[Mapping[str, tuple[int, int, bool]]] = {
    "BYSECOND": (0, 59, False),
    "BYMINUTE": (0, 59, False),
    "BYHOUR": (0, 23, False),
    "BYMONTHDAY": (1, 31, True),
    "BYYEARDAY": (1, 366, True),
    "BYWEEKNO": (1, 53, True),
    "BYMONTH": (1, 12, False),
    "BYSETPOS": (1, 366, True),
}
"""The least, the greatest, and whether it may be counted from the end."""

# dateutil looks for the next time until the year 9999, and for a rule that has none that takes seconds. Dates repeat
# every 400 years with their weekdays. So rules are moved to where that year is near.
_MOVED_YEARS: Final = 19 * 400


@attrs.define
class Looked:
    """How many times were looked at for one calendar."""

    count: int = 0

    def at(self, more: int) -> None:
        """Count. Raises: InvalidText if it were too many."""
        self.count += more
        if self.count > LOOKED_MAX:
            raise InvalidText(f"the rules of this calendar take too long: more than {LOOKED_MAX:,} times")


@attrs.frozen
class Rule:
    """
    A rule that was checked.

    `text` is without UNTIL, which is for somebody to say who knows the clock.
    """

    freq: str
    interval: int
    counted: bool
    until: str | None
    text: str

    def walls(self, start: datetime, first: datetime, last: datetime, looked: Looked) -> Iterator[datetime]:
        """
        Return the times of the rule from *first* to *last*, in order. All are naive.

        Raises:
            InvalidText: it says nonsense, never gives a time, or too many were looked at.
        """
        start = self._near(start, first)
        if self.freq in _UNITS:
            looked.at(max((last - start).days, 0))
        if start > last:
            return
        found = False
        for moved in self._moved(start):
            found = True
            looked.at(1)
            wall = moved.replace(year=moved.year - _MOVED_YEARS)
            if wall > last:
                return
            if wall >= first:
                yield wall
        if not found:
            raise InvalidText(f"the rule {shown(self.text)} never gives a time")

    def _moved(self, start: datetime) -> Iterator[datetime]:
        from dateutil.rrule import rrulestr

        try:
            rule: Any = rrulestr(self.text, dtstart=start.replace(year=start.year + _MOVED_YEARS))
        except (ValueError, TypeError) as error:
            raise InvalidText(f"the rule {shown(self.text)} contradicts itself") from error
        return iter(rule)

    def _near(self, start: datetime, first: datetime) -> datetime:
        """Pass over whole periods before *first*, where none has to be counted."""
        if self.counted:
            return start
        unit = _UNITS.get(self.freq)
        if unit is None:
            years = (first.year - start.year) // self.interval - 1
            is_yearly = self.freq == "YEARLY" and start.day <= 28 and years > 0
            return start.replace(year=start.year + years * self.interval) if is_yearly else start
        period = self.interval * unit
        return start + max((first - start) // period - 1, 0) * period


def read_rule(text: str) -> Rule:
    """
    Read a rule, without `RRULE:`.

    Raises:
        InvalidText: it is none, or says what is not supported.
    """
    if len(text) > _TEXT_MAX:
        raise InvalidText(f"a rule has {len(text):,} characters; allowed: {_TEXT_MAX:,}")
    parts: dict[str, str] = {}
    for part in text.strip().upper().rstrip(";").split(";"):
        key, _, value = part.partition("=")
        if key in parts or not _is_good(key, value):
            raise InvalidText(f"the rule {shown(text)} cannot be read at {shown(part)}")
        parts[key] = value
    if "FREQ" not in parts:
        raise InvalidText(f"the rule {shown(text)} has no FREQ")
    if "COUNT" in parts and "UNTIL" in parts:
        raise InvalidText(f"the rule {shown(text)} has both COUNT and UNTIL; allowed: one")
    if (
        prod(parts.get(key, "").count(",") + 1 for key in ("BYHOUR", "BYMINUTE", "BYSECOND"))
        > _TIMES_A_DAY_MAX
    ):
        raise InvalidText(f"the rule {shown(text)} has more than {_TIMES_A_DAY_MAX:,} times a day")
    until = parts.pop("UNTIL", None)
    return Rule(
        freq=parts["FREQ"],
        interval=int(parts.get("INTERVAL", "1")),
        counted="COUNT" in parts,
        until=until,
        text=";".join(f"{key}={value}" for key, value in parts.items()),
    )


def _is_good(key: str, value: str) -> bool:
    if key in _RANGES:
        return all(_is_within(number, *_RANGES[key]) for number in value.split(","))
    match key:
        case "FREQ":
            return value in _FREQS
        case "INTERVAL" | "COUNT":
            return re.fullmatch(r"[0-9]{1,6}", value) is not None and int(value) > 0
        case "UNTIL":
            return True
        case "BYDAY":
            return all(
                re.fullmatch(_DAY, day) and (len(day) == 2 or 1 <= abs(int(day[:-2])) <= 53)
                for day in value.split(",")
            )
        case "WKST":
            return re.fullmatch("MO|TU|WE|TH|FR|SA|SU", value) is not None
        case _:
            return False


def _is_within(text: str, least: int, most: int, from_end: bool) -> bool:
    if re.fullmatch(_NUMBER, text) is None:
        return False
    number = int(text)
    return least <= (abs(number) if from_end else number) <= most

"""
Callbacks that are repeated by a rule: every Monday at 10:00.

A rule is read as RFC 5545 writes it, and is kept with the wall-clock time from which it counts. All of it happens on
the customer's wall clock: each time becomes an instant only when it is booked, so that ten o'clock stays ten o'clock.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import datetime, timedelta
from itertools import islice
from types import MappingProxyType
from typing import Final

from callbackq.errors import InvalidText

RULE_LENGTH_MAX: Final = 200
_FREQUENCIES: Final = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_DAY: Final = "(MO|TU|WE|TH|FR|SA|SU)"
_PARTS: Final = MappingProxyType(
    {
        "FREQ": re.compile("|".join(_FREQUENCIES)),
        "INTERVAL": re.compile("[1-9][0-9]?"),
        "COUNT": re.compile("[2-9]|[1-9][0-9]{1,3}"),
        "UNTIL": re.compile("[0-9]{8}(T[0-9]{6})?"),
        "BYDAY": re.compile(f"([+-]?[1-5])?{_DAY}(,([+-]?[1-5])?{_DAY})*"),
        "BYMONTHDAY": re.compile("-?([1-9]|[12][0-9]|3[01])(,-?([1-9]|[12][0-9]|3[01]))*"),
        "WKST": re.compile(_DAY),
    }
)
_RULE: Final = re.compile(r"[A-Z]+=[A-Z0-9,+\-]+(;[A-Z]+=[A-Z0-9,+\-]+)*")
_COUNT_MAX: Final = 9_999
_LOOKED_AHEAD: Final = timedelta(days=8 * 366)
"""A rule that has no time for so long has none: leap days are eight years apart at most."""
_ALLOWED: Final = (
    f"such as 'FREQ=WEEKLY;BYDAY=MO;COUNT=10', as RFC 5545 writes it, daily or rarer: {', '.join(_PARTS)}"
)


def read_rule(rule: object, *, from_wall: datetime) -> str:
    r"""
    Return the text that is kept: the rule, and the wall-clock time from which it counts.

    The first callback of the series is the one that is booked with it, whether the rule would have that time or not.

    Args:
        rule: without `RRULE:`. `UNTIL` is a wall-clock time, or a date.
        from_wall: naive: the time on the customer's wall of the first callback.

    Raises:
        InvalidText: it is no such rule, is too frequent, or never happens again.

    >>> read_rule("FREQ=WEEKLY;COUNT=3", from_wall=datetime(2026, 1, 5, 10))
    'DTSTART:20260105T100000\nRRULE:FREQ=WEEKLY;COUNT=3'
    """
    if not isinstance(rule, str) or len(rule) > RULE_LENGTH_MAX or _RULE.fullmatch(rule) is None:
        raise InvalidText(f"repeats is no rule; allowed: {_ALLOWED}")
    parts = [(name, value) for name, _, value in (part.partition("=") for part in rule.split(";"))]
    names = [name for name, _ in parts]
    if "FREQ" not in names or len(set(names)) != len(names):
        raise InvalidText(f"repeats has no FREQ, or a part twice; allowed: {_ALLOWED}")
    for name, value in parts:
        if name not in _PARTS or _PARTS[name].fullmatch(value) is None:
            raise InvalidText(f"repeats has {name[:12]}={value[:12]}; allowed: {_ALLOWED}")
    _check_together(dict(parts))
    text = f"DTSTART:{from_wall:%Y%m%dT%H%M%S}\nRRULE:{rule}"
    try:
        again = next_wall(text, after=from_wall)
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise InvalidText(f"repeats cannot be read; allowed: {_ALLOWED}") from error
    if again is None:
        raise InvalidText("repeats never happens again; allowed: a rule with a second time")
    return text


def _check_together(parts: dict[str, str]) -> None:
    """Refuse what RFC 5545 forbids, as the first Monday of each week, and what dateutil would find no time for."""
    days = parts["BYDAY"].split(",") if "BYDAY" in parts else []
    counted = [day for day in days if len(day) > len("MO")]
    if counted and parts["FREQ"] in ("DAILY", "WEEKLY"):
        raise InvalidText("repeats counts days of the week; allowed: with FREQ=MONTHLY or FREQ=YEARLY")
    if counted and len(counted) < len(days):
        raise InvalidText(
            "repeats counts some days of the week; allowed: all of them, as in 1MO,-1FR, or none"
        )
    if parts["FREQ"] == "WEEKLY" and "BYMONTHDAY" in parts:
        raise InvalidText("repeats has BYMONTHDAY; allowed: with FREQ=DAILY, FREQ=MONTHLY or FREQ=YEARLY")


def _read_until(text: str) -> datetime:
    """Read a date, which counts to its end, or a wall-clock time. Raises: ValueError."""
    whole_day = "T" not in text
    at = datetime.strptime(text, "%Y%m%d" if whole_day else "%Y%m%dT%H%M%S")  # noqa: DTZ007
    return at + timedelta(days=1, seconds=-1) if whole_day else at


def next_wall(repeats: str, *, after: datetime) -> datetime | None:
    """
    Return the first time of the series after *after*, on the wall clock; None if it is over.

    Args:
        repeats: as `read_rule` made it.
        after: naive, in the same zone.

    >>> rule = read_rule("FREQ=WEEKLY;COUNT=2", from_wall=datetime(2026, 1, 5, 10))
    >>> next_wall(rule, after=datetime(2026, 1, 5, 10))
    datetime.datetime(2026, 1, 12, 10, 0)
    >>> next_wall(rule, after=datetime(2026, 1, 12, 10)) is None
    True
    """
    from dateutil.rrule import rrulestr  # on first use

    start, _, rule = repeats.partition("\nRRULE:")
    parts = dict(part.split("=", 1) for part in rule.split(";"))
    count = int(parts.pop("COUNT", _COUNT_MAX))
    until = after + _LOOKED_AHEAD
    if "UNTIL" in parts:
        until = min(until, _read_until(parts.pop("UNTIL")))
    days, month_days = _taken_out(parts)
    endless = ";".join(f"{name}={value}" for name, value in parts.items())
    times = rrulestr(f"{start}\nRRULE:{endless};UNTIL={until:%Y%m%dT%H%M%S}", ignoretz=True)
    wanted = (at for at in times if _is_on(at, days=days, month_days=month_days))
    return next((at for at in islice(wanted, count) if at > after), None)


_DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def _taken_out(parts: dict[str, str]) -> tuple[frozenset[str], frozenset[int]]:
    """
    Take what only leaves times out of the rule; it is asked of each time instead.

    For dateutil looks for a first time up to the year 9999, and only times that it finds can be too late.
    """
    by_day = "BYDAY" in parts
    days = parts.pop("BYDAY").split(",") if by_day and parts["FREQ"] == "DAILY" else []
    month_days = parts.pop("BYMONTHDAY").split(",") if by_day and "BYMONTHDAY" in parts else []
    return frozenset(days), frozenset(map(int, month_days))


def _is_on(at: datetime, *, days: frozenset[str], month_days: frozenset[int]) -> bool:
    """Whether it is on one of the days, where any are named; those of the month count from its end if negative."""
    from_end = at.day - monthrange(at.year, at.month)[1] - 1
    on_day = not days or _DAYS[at.weekday()] in days
    return on_day and (not month_days or at.day in month_days or from_end in month_days)

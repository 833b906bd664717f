"""The rules of places about when people may be called, as data files with their source and date."""

from __future__ import annotations

import re
from calendar import isleap
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import attrs

from callbackq.errors import ConfigurationError
from callbackq.model import Purpose
from callbackq.policy.checks import Frozen, check_member, int_within, own_names, text_of_file
from callbackq.policy.hours import Span, own_spans
from callbackq.policy.limits import Limit

CLOSED_ON_MAX: Final = 60
"""So many days of the year are closed by one rule for one purpose."""

_KEY: Final = re.compile(r"[a-z0-9][a-z0-9_.\-]{0,63}")
_REGION: Final = re.compile(r"[A-Z]{2}|001")
_AREA_CODE: Final = re.compile(r"[0-9]{1,8}")
_DAY_OF_YEAR: Final = re.compile(r"(\d\d)-(\d\d)", re.ASCII)
_AFTER_EASTER: Final = re.compile(r"easter(?:([+-]\d{1,3}))?", re.ASCII)
_IN_ITS_YEAR: Final = range(-80, 251)
"""From the first of January before the earliest Easter to the last of December after the latest."""
_MIDNIGHT: Final = time(0)
_CLOSED_ALLOWED: Final = "'MM-DD', or 'easter' with days before or after, such as 'easter+1', -80 to 250"


# ---------------------------------------------------------------------------- one rule


def _by_purpose(field: str, given: object) -> Mapping[Purpose, Any]:
    if not isinstance(given, Mapping):
        raise ConfigurationError(field, type(given).__name__, "a mapping by Purpose")
    for purpose in cast("Mapping[object, object]", given):
        if not isinstance(purpose, Purpose):
            raise ConfigurationError(field, purpose, "a mapping by Purpose")
    return cast("Mapping[Purpose, Any]", given)


def _own_week(week: object) -> Mapping[Purpose, Mapping[int, tuple[Span, ...]]]:
    held: dict[Purpose, Mapping[int, tuple[Span, ...]]] = {}
    for purpose, days in _by_purpose("CallingRule.week", week).items():
        field = f"CallingRule.week[{purpose}]"
        if not isinstance(days, Mapping):
            raise ConfigurationError(field, type(days).__name__, "spans by day of the week, 0 (Monday) to 6")
        found: dict[int, tuple[Span, ...]] = {}
        for day, spans in cast("Mapping[int, object]", days).items():
            int_within(field, day, 0, 6)
            found[day] = _within_a_day(f"{field}[{day}]", own_spans(f"{field}[{day}]", spans))
        held[purpose] = Frozen(found)
    return Frozen(held)


def _within_a_day(field: str, spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """Refuse what goes beyond midnight: the day after has spans of its own, and may be a holiday."""
    for span in spans:
        if span.runs_over and span.closes != _MIDNIGHT:
            raise ConfigurationError(field, str(span), "spans that end at midnight at the latest")
    return spans


def _own_limits(limits: object) -> Mapping[Purpose, tuple[Limit, ...]]:
    held: dict[Purpose, tuple[Limit, ...]] = {}
    for purpose, given in _by_purpose("CallingRule.limits", limits).items():
        if not isinstance(given, list | tuple):
            raise ConfigurationError(
                f"CallingRule.limits[{purpose}]", type(given).__name__, "a tuple of Limit"
            )
        for limit in cast("list[object]", given):
            check_member(f"CallingRule.limits[{purpose}]", limit, Limit)
        held[purpose] = tuple(cast("list[Limit]", given))
    return Frozen(held)


def _own_closed_on(closed_on: object) -> Mapping[Purpose, tuple[str, ...]]:
    held: dict[Purpose, tuple[str, ...]] = {}
    for purpose, given in _by_purpose("CallingRule.closed_on", closed_on).items():
        field = f"CallingRule.closed_on[{purpose}]"
        if not isinstance(given, list | tuple):
            raise ConfigurationError(field, type(given).__name__, f"a list of {_CLOSED_ALLOWED}")
        days = tuple(cast("list[object]", given))
        if len(days) > CLOSED_ON_MAX:
            raise ConfigurationError(field, f"a list of {len(days)}", f"{CLOSED_ON_MAX} entries")
        for day in days:
            if not isinstance(day, str) or not _is_closed_day(day):
                raise ConfigurationError(field, day, _CLOSED_ALLOWED)
        held[purpose] = cast("tuple[str, ...]", days)
    return Frozen(held)


def _is_closed_day(text: str) -> bool:
    fixed = _DAY_OF_YEAR.fullmatch(text)
    if fixed is None:
        moving = _AFTER_EASTER.fullmatch(text)
        return moving is not None and int(moving[1] or 0) in _IN_ITS_YEAR
    try:
        date(2000, int(fixed[1]), int(fixed[2]))
    except ValueError:
        return False
    return True


def closed_dates(closed_on: Iterable[str], *, year: int) -> frozenset[date]:
    """
    Return the dates of one year, from entries of `CallingRule.closed_on`.

    >>> [day.isoformat() for day in sorted(closed_dates(["easter+1", "12-25"], year=2026))]
    ['2026-04-06', '2026-12-25']
    """
    found: set[date] = set()
    for text in closed_on:
        if text.startswith("easter"):
            found.add(_easter(year) + timedelta(days=int(text.removeprefix("easter") or 0)))
        elif text != "02-29" or isleap(year):
            found.add(date.fromisoformat(f"{year}-{text}"))
    return frozenset(found)


@cache
def _easter(year: int) -> date:
    from dateutil.easter import easter

    return easter(year)


_NONE: Final[Mapping[Any, Any]] = Frozen({})


@attrs.frozen(kw_only=True, repr=False, cache_hash=True)
class CallingRule:
    """
    When numbers of one place may be called, and how often.

    A rule says nothing about a purpose that is missing from `week`: then other rules of the place decide, or else
    those without a region.

    Args:
        key: its name: `"us"`, `"us-fl"`, `"fr"`, `"default"`. Small letters, digits, `_`, `.`, `-`; 1 to 64.
        region: the two letters of the country, or `"001"`; None: every region that no other rule is about.
        area_codes: national numbers begin with one of these; empty: all numbers of the region. A number with an area
            code of no rule of its region may be in any of their places: so list the rest in a rule with an empty week.
        week: spans of each day of the week (0 is Monday) for each purpose that the rule is about, on the clock of the
            person who is called; a day that is missing is closed. No span goes beyond midnight.
        closed_on: days of the year that are closed, for a purpose: `"12-25"`, or by Easter: `"easter+1"`. Up to 60.
        limits: how often one number may be called for a purpose.
        source: where the rule is written.
        as_of: the date at which it was read.

    Raises:
        ConfigurationError: a value is none of those. Names the rule, the field, the value and what is allowed.

    >>> CallingRule(
    ...     key="au",
    ...     region="AU",
    ...     week={Purpose.SERVICE: {day: [Span(time(9), time(20))] for day in range(5)}},
    ...     source="our lawyer",
    ...     as_of=date(2026, 3, 1),
    ... )
    CallingRule('au')
    """

    key: str
    region: str | None = None
    area_codes: tuple[str, ...] = attrs.field(default=(), converter=own_names)
    week: Mapping[Purpose, Mapping[int, tuple[Span, ...]]] = attrs.field(converter=_own_week)
    closed_on: Mapping[Purpose, tuple[str, ...]] = attrs.field(default=_NONE, converter=_own_closed_on)
    limits: Mapping[Purpose, tuple[Limit, ...]] = attrs.field(default=_NONE, converter=_own_limits)
    source: str
    as_of: date

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.key, str) or not _KEY.fullmatch(self.key):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(
                "CallingRule.key", self.key, "1 to 64 small letters, digits, '_', '.', '-'"
            )
        self._check_place()
        for field in ("closed_on", "limits"):
            for purpose in getattr(self, field):
                if purpose not in self.week:
                    raise ConfigurationError(f"CallingRule.{field}", str(purpose), "the purposes of week")
        if not isinstance(self.source, str) or not self.source or not self.source.isprintable():  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError("CallingRule.source", self.source, "a text on one line")
        if not isinstance(self.as_of, date) or isinstance(self.as_of, datetime):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError("CallingRule.as_of", self.as_of, "a date without a time")

    def _check_place(self) -> None:
        region, codes = self.region, self.area_codes
        if region is not None and not (isinstance(region, str) and _REGION.fullmatch(region)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError("CallingRule.region", region, "two capital letters, '001', or None")
        if not isinstance(codes, tuple):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError("CallingRule.area_codes", codes, "a list of 1 to 8 digits each")
        for code in codes:
            if not isinstance(code, str) or not _AREA_CODE.fullmatch(code):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ConfigurationError("CallingRule.area_codes", code, "1 to 8 digits")
        if codes and region is None:
            raise ConfigurationError("CallingRule.area_codes", codes, "none, where there is no region")
        if not self.week and not codes:
            raise ConfigurationError(
                "CallingRule.week", {}, "a purpose at least, where there are no area codes"
            )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.key!r})"


# ---------------------------------------------------------------------------- files


@cache
def built_in_rules() -> tuple[CallingRule, ...]:
    """
    Return the rules that come with callbackq. They are from public sources, each with its date, and no legal advice.

    Cost: 10 ms the first time.

    >>> [rule.key for rule in built_in_rules() if rule.region != "US"]
    ['default', 'fr', 'gb']
    """
    from importlib.resources import files

    folder = files("callbackq.policy") / "calling_rules"
    found = sorted(
        (each for each in folder.iterdir() if each.name.endswith(".toml")), key=lambda each: each.name
    )
    return tuple(
        rule for file in found for rule in _rules_in(file.read_text(encoding="utf-8"), file=file.name)
    )


def read_rules(path: str | Path) -> tuple[CallingRule, ...]:
    """
    Return the rules of a file of your own, in the format of the built-in ones: TOML, a table for each rule.

    Raises:
        ConfigurationError: it is no such file. Names the file, the field, the value and what is allowed.
        OSError: it cannot be read.
    """
    file = Path(path)
    return _rules_in(text_of_file(file), file=file.name)


def _rules_in(text: str, *, file: str) -> tuple[CallingRule, ...]:
    import tomllib

    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(file, str(error), "TOML") from error
    found: list[CallingRule] = []
    for key, table in tables.items():
        try:
            found.append(_rule_of(key, _table("rule", table, _RULE_FIELDS)))
        except ConfigurationError as error:
            raise ConfigurationError(f"{file} [{key}]: {error.field}", error.value, error.allowed) from error
    return tuple(found)


_PURPOSES: Final = frozenset(map(str, Purpose))
_RULE_FIELDS: Final = frozenset({"region", "area_codes", "source", "as_of"}) | _PURPOSES
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAYS: Final = Frozen(
    {"every_day": range(7), "weekdays": range(5)}
    | {name: range(i, i + 1) for i, name in enumerate(_WEEKDAYS)}
)
"""What each name is of. A later one wins over an earlier one, in any order of the file."""
_PURPOSE_FIELDS: Final = frozenset({*_DAYS, "closed_on", "limits"})
_PERIODS: Final = frozenset({"minutes", "hours", "days"})


def _table(field: str, value: object, allowed: frozenset[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigurationError(field, value, f"a table of {', '.join(sorted(allowed))}")
    table = cast("dict[str, Any]", value)
    for name in table:
        if name not in allowed:
            raise ConfigurationError(field, name, f"a table of {', '.join(sorted(allowed))}")
    return table


def _rule_of(key: str, table: dict[str, Any]) -> CallingRule:
    for field in ("source", "as_of"):
        if field not in table:
            raise ConfigurationError(field, None, "a text" if field == "source" else "a date")
    purposes = {
        purpose: _table(purpose, table[purpose], _PURPOSE_FIELDS) for purpose in Purpose if purpose in table
    }
    return CallingRule(
        key=key,
        region=table.get("region"),
        area_codes=table.get("area_codes", ()),
        week={purpose: _week_of(purpose, given) for purpose, given in purposes.items()},
        closed_on={it: given["closed_on"] for it, given in purposes.items() if "closed_on" in given},
        limits={it: _limits_of(it, given["limits"]) for it, given in purposes.items() if "limits" in given},
        source=table["source"],
        as_of=table["as_of"],
    )


def _week_of(purpose: Purpose, given: dict[str, Any]) -> dict[int, list[Span]]:
    week: dict[int, list[Span]] = {}
    for name, days in _DAYS.items():
        if name in given:
            field = f"{purpose}.{name}"
            if not isinstance(given[name], list):
                raise ConfigurationError(field, given[name], _SPANS_ALLOWED)
            spans = [_span_of(field, text) for text in given[name]]
            week |= dict.fromkeys(days, spans)
    if not week:
        raise ConfigurationError(str(purpose), given, f"a day at least: {', '.join(_DAYS)}")
    return week


_SPANS_ALLOWED: Final = "a list of spans, such as ['08:00-20:00']; '24:00' ends a day"
_SPAN: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)", re.ASCII)


def _span_of(field: str, text: object) -> Span:
    found = _SPAN.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ConfigurationError(field, text, _SPANS_ALLOWED)
    return Span(time(int(found[1]), int(found[2])), time(int(found[3] or 0), int(found[4] or 0)))


def _limits_of(purpose: Purpose, given: object) -> list[Limit]:
    field = f"{purpose}.limits"
    if not isinstance(given, list):
        raise ConfigurationError(field, given, _LIMITS_ALLOWED)
    return [_limit_of(field, each) for each in cast("list[object]", given)]


_LIMITS_ALLOWED: Final = "a list such as [{ most = 3, hours = 24 }], by minutes, hours or days"


def _limit_of(field: str, given: object) -> Limit:
    table = _table(field, given, _PERIODS | {"most"})
    periods = _PERIODS & table.keys()
    if len(periods) != 1 or "most" not in table:
        raise ConfigurationError(field, table, _LIMITS_ALLOWED)
    (unit,) = periods
    int_within(field, table[unit], 1, 100_000)
    return Limit(table["most"], timedelta(**{unit: table[unit]}))

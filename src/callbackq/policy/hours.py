"""
When a queue is open: hours by day of the week, holidays, special dates and closures.

Hours are what the clock on the wall shows. Which instants they are is in `core.hours`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from typing import Final, TypeVar, cast

import attrs

from callbackq.errors import ConfigurationError
from callbackq.policy.checks import NAME_LENGTH_MAX, Frozen, check_zone_key, int_within, is_name

T = TypeVar("T")

SPANS_MAX: Final = 20
"""So many spans can open on one day."""

ENTRIES_MAX: Final = 5_000
"""So many holidays, so many special dates, and so many closures."""

_YEARS: Final = range(1900, 2200)
_ONE_DAY: Final = timedelta(days=1)


# ---------------------------------------------------------------------------- spans and closures


def _own_time(value: time) -> time:
    """Forget which of two equal times was meant: the rules of `core.hours` decide."""
    return value.replace(fold=0) if isinstance(value, time) else value  # pyright: ignore[reportUnnecessaryIsInstance]


@attrs.frozen
class Span:
    """
    From one time of day to another.

    Args:
        opens: naive.
        closes: naive. One that is not after `opens` is of the next day.

    Raises:
        ConfigurationError: a time is none, or has a zone.

    >>> night, whole_day = Span(time(22), time(2)), Span(time(0), time(0))
    >>> night.runs_over, whole_day.runs_over, Span(time(9), time(17)).runs_over
    (True, True, False)
    """

    opens: time = attrs.field(converter=_own_time)
    closes: time = attrs.field(converter=_own_time)

    def __attrs_post_init__(self) -> None:
        for field in ("opens", "closes"):
            value: object = getattr(self, field)
            if not isinstance(value, time) or value.tzinfo is not None:
                raise ConfigurationError(f"Span.{field}", value, "a time without a zone")

    @property
    def runs_over(self) -> bool:
        """Whether it closes on the day after."""
        return self.closes <= self.opens

    def __str__(self) -> str:
        return f"{self.opens}-{self.closes}"


WHOLE_DAY: Final = Span(time(0), time(0))
"""From midnight to midnight."""


def weekdays(*spans: Span) -> Mapping[int, tuple[Span, ...]]:
    """
    Return the same spans for Monday to Friday, for `WeekHours.week`.

    >>> week = {**weekdays(Span(time(9), time(17))), 5: (Span(time(10), time(14)),)}
    >>> sorted(week)
    [0, 1, 2, 3, 4, 5]
    """
    return dict.fromkeys(range(5), spans)


def _own_from_at(value: datetime) -> datetime:
    return _in_utc("Closure.from_at", value)


def _own_until_at(value: datetime) -> datetime:
    return _in_utc("Closure.until_at", value)


def _in_utc(field: str, value: object) -> datetime:
    if isinstance(value, datetime) and value.utcoffset() is not None:
        try:
            return value.astimezone(UTC)
        except OverflowError:
            pass
    raise ConfigurationError(field, value, "an aware datetime")


@attrs.frozen(kw_only=True)
class Closure:
    """
    A time in which nothing is open, whatever the hours say: a fire alarm, a strike, a party.

    Args:
        from_at: aware, in any zone; kept in UTC.
        until_at: the same; open again from then on, if the hours say so.
        reason: for people. 1 to 64 characters.

    Raises:
        ConfigurationError: an instant is naive, or it ends before it has begun.

    >>> from datetime import timezone
    >>> cest = timezone(timedelta(hours=2))
    >>> noon, one = (datetime(2026, 7, 1, hour, tzinfo=cest) for hour in (12, 13))
    >>> Closure(from_at=noon, until_at=one, reason="fire alarm").from_at.isoformat()
    '2026-07-01T10:00:00+00:00'
    """

    from_at: datetime = attrs.field(converter=_own_from_at)
    until_at: datetime = attrs.field(converter=_own_until_at)
    reason: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.until_at <= self.from_at:
            raise ConfigurationError("Closure.until_at", self.until_at, f"after from_at, {self.from_at}")
        if self.reason is not None and not is_name(self.reason):
            allowed = f"None, or a text of 1 to {NAME_LENGTH_MAX} characters"
            raise ConfigurationError("Closure.reason", self.reason, allowed)


# ---------------------------------------------------------------------------- what a host gives


def _own_week(week: Mapping[int, Sequence[Span]]) -> Mapping[int, tuple[Span, ...]]:
    """Copy the host's week, so that it cannot change after the check."""
    given = _as_mapping("WeekHours.week", week, "spans by day of the week, 0 (Monday) to 6")
    for day in given:
        int_within("WeekHours.week", day, 0, 6)
    return Frozen({day: own_spans(f"WeekHours.week[{day}]", spans) for day, spans in week.items()})


def _own_special(special: Mapping[date, Sequence[Span]]) -> Mapping[date, tuple[Span, ...]]:
    """Copy the host's dates and their spans."""
    given = _as_mapping("WeekHours.special", special, "spans by date")
    _up_to_max("WeekHours.special", given)
    for day in given:
        _check_date("WeekHours.special", day)
    return Frozen({day: own_spans(f"WeekHours.special[{day}]", spans) for day, spans in special.items()})


def _own_holidays(days: Iterable[date]) -> frozenset[date]:
    """Copy dates, or the keys of a mapping by date."""
    given = _as_iterable("WeekHours.holidays", days, "dates")
    for day in given:
        _check_date("WeekHours.holidays", day)
    return frozenset(cast("tuple[date, ...]", given))


def _own_closures(closures: Iterable[Closure]) -> tuple[Closure, ...]:
    """Copy closures, the first first."""
    given = _as_iterable("WeekHours.closures", closures, "closures")
    for closure in given:
        if not isinstance(closure, Closure):
            raise ConfigurationError("WeekHours.closures", closure, "a Closure")
    return tuple(sorted(cast("tuple[Closure, ...]", given), key=lambda closure: closure.from_at))


def own_spans(field: str, spans: object) -> tuple[Span, ...]:
    """Copy the spans of one day, in the order of the clock."""
    if not isinstance(spans, list | tuple):
        raise ConfigurationError(field, spans, "a list of Span")
    given = cast("Sequence[object]", spans)
    if len(given) > SPANS_MAX:
        raise ConfigurationError(field, f"a list of {len(given)}", f"{SPANS_MAX} spans a day")
    found: list[Span] = []
    for span in given:
        if not isinstance(span, Span):
            raise ConfigurationError(field, span, "a Span")
        found.append(span)
    found.sort(key=lambda span: span.opens)
    for earlier, later in pairwise(found):
        if earlier.runs_over or earlier.closes > later.opens:
            raise ConfigurationError(field, str(later), f"no span that overlaps {earlier}")
    return tuple(found)


def _as_mapping(field: str, value: object, allowed: str) -> Mapping[object, object]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(field, value, allowed)
    return cast("Mapping[object, object]", value)


def _as_iterable(field: str, value: object, allowed: str) -> tuple[object, ...]:
    if not isinstance(value, Iterable) or isinstance(value, str | bytes):
        raise ConfigurationError(field, value, f"a list of {allowed}")
    return _up_to_max(field, cast("Iterable[object]", value))


def _up_to_max(field: str, values: Iterable[T]) -> tuple[T, ...]:
    found = tuple(islice(values, ENTRIES_MAX + 1))
    if len(found) > ENTRIES_MAX:
        raise ConfigurationError(field, f"more than {ENTRIES_MAX:,}", f"{ENTRIES_MAX:,} entries")
    return found


def _check_date(field: str, value: object) -> None:
    if not isinstance(value, date) or isinstance(value, datetime) or value.year not in _YEARS:
        raise ConfigurationError(
            field, value, f"a date without a time, of {_YEARS.start} to {_YEARS.stop - 1}"
        )


# ---------------------------------------------------------------------------- hours

_NO_SPECIAL: Final[Mapping[date, tuple[Span, ...]]] = Frozen({})


@attrs.frozen(kw_only=True)
class WeekHours:
    """
    The opening hours of a queue, as its company would write them on the door.

    A span belongs to the date on which it opens. So a holiday does not cut the night shift of the day before, and
    has none of its own that would run into the next day.

    Args:
        zone: an IANA key, such as `"Europe/Berlin"`.
        week: up to 20 spans by day of the week; 0 is Monday. A break is what lies between two spans. A day that is
            missing is closed.
        holidays: closed all day. Any dates, or a mapping by date, such as those of the package `holidays`: of its
            lists the years that were asked for. Up to 5,000.
        special: the spans of a date, in place of those of its week; none: closed. They win over `holidays`. Up to
            5,000 dates.
        closures: nothing is open in them. They may overlap. Up to 5,000.

    Raises:
        ConfigurationError: a value is none of those; spans overlap, or run into those of the next day; or no day has
            a span. Names the field, the value and what is allowed.

    >>> shop = WeekHours(
    ...     zone="Europe/Berlin",
    ...     week=weekdays(Span(time(9), time(12)), Span(time(13), time(17))),
    ...     holidays=[date(2026, 12, 25)],
    ...     special={date(2026, 12, 24): [Span(time(9), time(12))]},
    ... )
    >>> [str(span) for span in shop.spans_on(date(2026, 12, 24))], shop.spans_on(date(2026, 12, 25))
    (['09:00:00-12:00:00'], ())
    """

    zone: str
    week: Mapping[int, tuple[Span, ...]] = attrs.field(converter=_own_week)
    holidays: frozenset[date] = attrs.field(default=frozenset(), converter=_own_holidays)
    special: Mapping[date, tuple[Span, ...]] = attrs.field(default=_NO_SPECIAL, converter=_own_special)
    closures: tuple[Closure, ...] = attrs.field(default=(), converter=_own_closures)

    def __attrs_post_init__(self) -> None:
        check_zone_key("WeekHours.zone", self.zone)
        if not any((*self.week.values(), *self.special.values())):
            raise ConfigurationError("WeekHours.week", dict(self.week), "a span on one day at least")
        for day, spans in self.week.items():
            _check_night(f"WeekHours.week[{day}]", self.week.get((day - 1) % 7, ()), spans)
        for date_, spans in self.special.items():
            field = f"WeekHours.special[{date_}]"
            _check_night(field, self.spans_on(date_ - _ONE_DAY), spans)
            _check_night(field, spans, self.spans_on(date_ + _ONE_DAY))

    def spans_on(self, day: date) -> tuple[Span, ...]:
        """Return the spans that open on *day*, in the order of the clock. Closures are not looked at."""
        if day in self.special:
            return self.special[day]
        return () if day in self.holidays else self.week.get(day.weekday(), ())


def _check_night(field: str, before: tuple[Span, ...], after: tuple[Span, ...]) -> None:
    """Check that the last span of a day ends before the first of the next one begins."""
    if before and after and before[-1].runs_over and before[-1].closes > after[0].opens:
        raise ConfigurationError(
            field, str(after[0]), f"no span that overlaps {before[-1]}, which opens the day before"
        )

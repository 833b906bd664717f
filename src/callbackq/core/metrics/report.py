"""
The report: cells added up to parts, and every figure worked out for each of them.

The rule: figures are worked out of counts alone, at the end, so a part and the whole know the same figures by the same
formulas, and counts of parts add up to those of the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

import attrs

from callbackq.core.metrics.cells import Cell, Cells, LocalHour
from callbackq.core.metrics.counts import (
    ATTEMPT_BINS,
    ATTEMPTS_SHOWN,
    BIN_WIDTH,
    HOUR_BINS,
    MILLION,
    QUOTE_BINS,
    QUOTES_FROM_MIN,
    Counts,
)
from callbackq.core.metrics.definition import Definition
from callbackq.core.metrics.definitions import DEFINITIONS
from callbackq.core.zones import instant_of
from callbackq.ids import QueueName, TenantId
from callbackq.model.figures import (
    AttemptBin,
    Figure,
    FigureSet,
    FiguresReport,
    FigureUnit,
    Grain,
    HostFigures,
    HourBin,
    QuoteBin,
    Target,
    WaitBin,
)
from callbackq.model.wall import WallTime
from callbackq.model.words import Channel

LIVE_CALLS: Final = "live calls"
"""What the part of the channels is called that holds the callers on the line."""
FILLED_MAX: Final = timedelta(days=400)
"""In a longer stretch hours and days in which nothing began are left out."""
NO_HOST: Final = HostFigures()

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LONGEST_QUOTE_S: Final = 86_400.0


@attrs.frozen(kw_only=True)
class Stretch:
    """What a report is about, besides what was counted."""

    tenant_id: TenantId
    from_at: datetime
    until_at: datetime
    made_at: datetime
    grain: Grain = Grain.DAY
    queues: tuple[QueueName, ...] = ()
    """Queues that are in the report though nothing began in them."""


# ---------------------------------------------------------------------------- figures


def figures_of(counts: Counts, *, host: HostFigures = NO_HOST, is_whole: bool = True) -> tuple[Figure, ...]:
    """
    Work out every figure of some counts, in the order of `DEFINITIONS`.

    Args:
        host: what only the host knows.
        is_whole: whether what the host gives for the whole stretch, such as the staffed time, is for these counts.

    Cost: a tenth of a millisecond.
    """
    known = host if is_whole else attrs.evolve(host, staffed_s=None)
    return tuple(_figure(definition, counts, known) for definition in DEFINITIONS.values())


def _figure(definition: Definition, counts: Counts, host: HostFigures) -> Figure:
    worked = definition.work(counts, host)
    target = definition.target
    if target is not None and definition.unit is FigureUnit.SCORE:
        target = _scaled(target, host.scores_max / NO_HOST.scores_max)
    share = worked.value
    if target is not None and target.of is not None:
        share = worked.numerator / worked.denominator if worked.numerator and worked.denominator else None
        if worked.denominator and not worked.numerator:
            share = 0.0
    return Figure(
        name=definition.name,
        title=definition.title,
        group=definition.group,
        unit=definition.unit,
        value=worked.value,
        numerator=worked.numerator,
        denominator=worked.denominator,
        target=target,
        is_met=None if target is None or share is None else is_met(target, share),
        missing=worked.missing,
    )


def _scaled(target: Target, by: float) -> Target:
    """Return the target on the host's own scale."""
    more, less = target.more_than, target.less_than
    return attrs.evolve(
        target,
        more_than=None if more is None else more * by,
        less_than=None if less is None else less * by,
    )


def is_met(target: Target, value: float) -> bool:
    """
    Say whether a value is what a target asks for.

    >>> is_met(Target(less_than=0.05, source="S2"), 0.042)
    True
    """
    return (target.more_than is None or value > target.more_than) and (
        target.less_than is None or value < target.less_than
    )


# ---------------------------------------------------------------------------- parts of the time


@attrs.frozen(order=True)
class _Period:
    """One stretch of local time. `key` orders them."""

    key: tuple[int, ...]
    label: str = attrs.field(order=False)
    begins: datetime | None = attrs.field(order=False)
    """On the clocks of the queue; None if it is none that begins once."""
    lasts: timedelta = attrs.field(order=False, default=_HOUR)


def _hour(hour: LocalHour) -> _Period:
    wall = hour.wall_at
    again = " (again)" if hour.fold else ""
    key = (wall.year, wall.month, wall.day, wall.hour, hour.fold)
    return _Period(key, f"{wall:%Y-%m-%d %H:00}{again}", wall)


def _day(hour: LocalHour) -> _Period:
    begins = hour.wall_at.replace(hour=0)
    return _Period((begins.year, begins.month, begins.day), f"{begins:%Y-%m-%d}", begins, _DAY)


def _week(hour: LocalHour) -> _Period:
    year, week, weekday = hour.wall_at.isocalendar()
    begins = hour.wall_at.replace(hour=0) - (weekday - 1) * _DAY
    return _Period((year, week), f"{year}-W{week:02}", begins, 7 * _DAY)


def _hour_of_week(hour: LocalHour) -> _Period:
    weekday, of_day = hour.wall_at.weekday(), hour.wall_at.hour
    return _Period((weekday, of_day), f"{_DAYS[weekday]} {of_day:02}", None)


_PERIOD_OF: Final[Mapping[Grain, Callable[[LocalHour], _Period]]] = {
    Grain.HOUR: _hour,
    Grain.DAY: _day,
    Grain.WEEK: _week,
    Grain.HOUR_OF_WEEK: _hour_of_week,
}


def _bounds(period: _Period, hour: LocalHour, zone: str | None) -> tuple[datetime | None, datetime | None]:
    """Return when a period begins and ends, where all queues are in one zone, and it comes once."""
    if zone is None or period.begins is None:
        return None, None
    if period.lasts == _HOUR:
        return hour.begins_at, hour.begins_at + _HOUR
    begin, end = period.begins, period.begins + period.lasts
    return instant_of(WallTime(wall_at=begin, zone=zone)), instant_of(WallTime(wall_at=end, zone=zone))


# ---------------------------------------------------------------------------- the report


def make_report(cells: Cells, stretch: Stretch, *, host: HostFigures = NO_HOST) -> FiguresReport:
    """
    Return the figures of what was counted.

    Args:
        cells: those of the stretch, and no others.
        host: what only the host knows.

    Cost: O(cells), and a tenth of a millisecond for each part.
    """
    return report_of(cells, cells.counted(), stretch, host=host)


def report_of(
    cells: Cells, some: Iterable[tuple[Cell, Counts]], stretch: Stretch, *, host: HostFigures
) -> FiguresReport:
    """Return the figures of some of the cells. See `make_report`."""
    whole = Counts()
    queues: dict[QueueName, Counts] = {queue: Counts() for queue in stretch.queues}
    channels: dict[Channel | None, Counts] = {}
    of_day: dict[int, Counts] = {}
    period_of = _PERIOD_OF[stretch.grain]
    periods: dict[_Period, tuple[LocalHour, Counts]] = {}
    for cell, counts in some:
        whole.add(counts)
        queues.setdefault(cell.queue, Counts()).add(counts)
        channels.setdefault(cell.channel, Counts()).add(counts)
        of_day.setdefault(cell.hour.wall_at.hour, Counts()).add(counts)
        periods.setdefault(period_of(cell.hour), (cell.hour, Counts()))[1].add(counts)
    zones = sorted({cells.hours_of(queue).zone for queue in queues}) or ["UTC"]
    for hour in _hours_between(cells, queues, stretch):
        periods.setdefault(period_of(hour), (hour, Counts()))
    return FiguresReport(
        tenant_id=stretch.tenant_id,
        zone=", ".join(zones),
        from_at=stretch.from_at,
        until_at=stretch.until_at,
        made_at=stretch.made_at,
        grain=stretch.grain,
        calls_count=whole.inbound,
        callbacks_count=whole.callbacks,
        not_ended_count=whole.callbacks - whole.settled,
        whole=FigureSet(
            label="whole",
            from_at=stretch.from_at,
            until_at=stretch.until_at,
            figures=figures_of(whole, host=host),
        ),
        periods=_period_sets(periods, zones[0] if len(zones) == 1 else None, host),
        queues=tuple(
            FigureSet(label=queue, queue=queue, figures=figures_of(counts, host=host, is_whole=False))
            for queue, counts in sorted(queues.items())
        ),
        channels=tuple(
            FigureSet(
                label=channel.value if channel is not None else LIVE_CALLS,
                channel=channel,
                figures=figures_of(counts, host=host, is_whole=False),
            )
            for channel, counts in sorted(channels.items(), key=lambda item: item[0] or "")
        ),
        quotes=_quotes(whole),
        attempts=_attempts(whole),
        hours_of_day=_hours_of_day(whole),
        waits_of_day=tuple(_waits(hour, counts) for hour, counts in sorted(of_day.items())),
    )


def _hours_between(cells: Cells, queues: Iterable[QueueName], stretch: Stretch) -> Iterable[LocalHour]:
    """Give every local hour of the stretch up to now, on the clocks of each queue, so that none is left out."""
    if stretch.until_at - stretch.from_at > FILLED_MAX:
        return
    until_at = min(stretch.until_at, stretch.made_at)
    zones = {cells.hours_of(queue).zone: cells.hours_of(queue) for queue in queues}
    for hours in zones.values():
        at = stretch.from_at
        while at < until_at:
            hour = hours.of(at)
            yield hour
            at = hour.begins_at + _HOUR


def _period_sets(
    periods: Mapping[_Period, tuple[LocalHour, Counts]], zone: str | None, host: HostFigures
) -> tuple[FigureSet, ...]:
    found: list[FigureSet] = []
    for period in sorted(periods):
        hour, counts = periods[period]
        from_at, until_at = _bounds(period, hour, zone)
        figures = figures_of(counts, host=host, is_whole=False)
        found.append(FigureSet(label=period.label, from_at=from_at, until_at=until_at, figures=figures))
    return tuple(found)


# ---------------------------------------------------------------------------- what is told apart otherwise


def _quotes(counts: Counts) -> tuple[QuoteBin, ...]:
    """Return the groups of quotes of which there are some."""
    found: list[QuoteBin] = []
    for group, from_min in enumerate(QUOTES_FROM_MIN):
        count, within, quoted_us, wait_us = _bin(counts, QUOTE_BINS, group)
        if count:
            last = group + 1 == len(QUOTES_FROM_MIN)
            found.append(
                QuoteBin(
                    quoted_from_s=from_min * 60.0,
                    quoted_until_s=_LONGEST_QUOTE_S if last else QUOTES_FROM_MIN[group + 1] * 60.0,
                    count=count,
                    within_range_count=within,
                    mean_quoted_s=quoted_us / count / MILLION,
                    mean_wait_s=wait_us / count / MILLION,
                )
            )
    return tuple(found)


def _attempts(counts: Counts) -> tuple[AttemptBin, ...]:
    """Return the first attempts, the second ones, and so on, as far as there are any."""
    bins = [(number, _bin(counts, ATTEMPT_BINS, number)) for number in range(1, ATTEMPTS_SHOWN + 1)]
    return tuple(
        AttemptBin(number=number, count=count, answered_count=answered, connected_count=connected)
        for number, (count, answered, connected, _) in bins
        if count
    )


def _hours_of_day(counts: Counts) -> tuple[HourBin, ...]:
    """Return all hours of the day."""
    bins = [(hour, _bin(counts, HOUR_BINS, hour)) for hour in range(24)]
    return tuple(
        HourBin(
            hour=hour,
            first_count=first,
            first_answered_count=first_answered,
            retries_count=retries,
            retries_answered_count=retries_answered,
        )
        for hour, (first, first_answered, retries, retries_answered) in bins
    )


def _waits(hour: int, counts: Counts) -> WaitBin:
    """Return how long those waited who came in one hour of the day."""
    return WaitBin(
        hour=hour,
        calls_count=counts.inbound,
        served_live_count=counts.served,
        mean_wait_live_s=counts.answer_wait_us / counts.served / MILLION if counts.served else None,
        called_back_count=counts.waits,
        mean_wait_callback_s=counts.wait_us / counts.waits / MILLION if counts.waits else None,
    )


def _bin(counts: Counts, where: int, number: int) -> tuple[int, int, int, int]:
    place = where + BIN_WIDTH * number
    first, second, third, fourth = (counts.bins.get(place + offset, 0) for offset in range(4))
    return first, second, third, fourth

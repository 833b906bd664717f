"""
How much is counted under one key, against limits over rolling windows of time.

A tally keeps the moments at which something was counted. While they are few each is kept as it is. Where they become
many, those in one cell of a grid become one, at the latest of them: what was counted then counts a little longer, and
never shorter. The grids of several limits lie in each other, so that no moment ever leaves its cell.

Clocks go back: those of two nodes differ, or one is set right. A moment that lies ahead counts like one that has
passed, as long as it lies less than the period ahead, or little more. What has passed is kept for two periods. So
nothing is forgotten that counts again when a clock goes back by a period or less, and one that was wrong by years
stops nobody.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

import attrs

from callbackq.core.instants import from_microseconds, microseconds
from callbackq.ids import TenantId
from callbackq.model import Tally
from callbackq.policy.limits import Limit

EXACT_MAX: Final = 64
"""So many moments in a window are kept as they are; beyond, a window has so many cells."""
_SLACK: Final = 32
"""So many moments are added, at least, before cells are made one again."""
_MICROSECOND: Final = timedelta(microseconds=1)


@attrs.frozen(kw_only=True)
class Reached:
    """
    A limit is reached: nothing more is counted before `again_at`.

    If nothing else is counted meanwhile, so much more fits at `again_at`, and not a moment before. Of several limits
    `limit` is the one that is waited for. `never`: what was to be counted is more than the limit at once; then
    `again_at` is one period from now, and at that time it does not fit either.
    """

    limit: Limit
    again_at: datetime
    never: bool = False


@attrs.frozen
class _Window:
    """One limit, in microseconds. What lies `ahead` of now by less counts too; `cell` is the size of its grid."""

    limit: Limit
    most: int
    period: int
    ahead: int
    cell: int


@attrs.frozen
class _Windows:
    """All limits of one key, the shortest first. With more moments than `room` those in one cell are made one."""

    each: tuple[_Window, ...]
    room: int

    @property
    def longest(self) -> _Window:
        return self.each[-1]


def count(
    tally: Tally | None,
    limits: Sequence[Limit],
    *,
    tenant_id: TenantId,
    key: str,
    weight: int = 1,
    now: datetime,
) -> Tally | Reached:
    """
    Count *weight* at *now*, if every one of *limits* lets it.

    Never more than `Limit.most` in any rolling period of the instants that are given as *now*, also where they go back
    by the longest period or less. Exact up to 64 moments in a window; beyond, a moment counts up to a 64th of its
    period longer.

    Args:
        tally: what was counted before under this key; None if nothing was.
        limits: one or more, in any order; all count the same.
        weight: how much is counted: 1 for a request, or more. At least 1.

    Returns:
        The tally to save, or `Reached`, and then nothing is to be saved.

    Raises:
        ValueError: there is no limit, or *weight* is less than 1.

    Cost: a few microseconds, whatever is counted in a window.

    >>> from datetime import UTC
    >>> nine, hour = datetime(2026, 1, 5, 9, tzinfo=UTC), timedelta(hours=1)
    >>> one = count(None, [Limit(1, hour)], tenant_id=TenantId("acme"), key="all", now=nine)
    >>> count(one, [Limit(1, hour)], tenant_id=TenantId("acme"), key="all", now=nine + hour / 2).again_at.hour
    10
    """
    if weight < 1 or not limits:
        raise ValueError(f"{weight} is counted against {len(limits)} limits; allowed: 1 or more, and of both")
    windows = _windows(tuple(limits))
    for window in windows.each:
        if weight > window.most:
            return Reached(limit=window.limit, again_at=now + window.limit.period, never=True)
    at = microseconds(now)
    moments, weights = (tally.moments, tally.weights) if tally is not None else ((), ())
    reached, again_at = _first_fit(windows, moments, weights, weight=weight, at=at)
    if reached is not None:
        return Reached(limit=reached, again_at=from_microseconds(again_at))
    moments, weights = _with(windows, moments, weights, weight=weight, at=at)
    return Tally(
        tenant_id=tenant_id,
        key=key,
        version=tally.version + 1 if tally is not None else 1,
        moments=moments,
        weights=weights,
        over_at=from_microseconds(moments[-1] + 2 * windows.longest.period),
    )


@lru_cache(maxsize=1024)
def _windows(limits: tuple[Limit, ...]) -> _Windows:
    """Return the windows. A cell of each is made of whole cells of the one before."""
    ordered = sorted(limits, key=lambda limit: limit.period)
    periods = [limit.period // _MICROSECOND for limit in ordered]
    cells: list[int] = []
    for period in periods:
        inner = cells[-1] if cells else 1
        cells.append(inner * max(1, period // EXACT_MAX // inner))
    each = tuple(
        _Window(limit, limit.most, period, period + cells[-1], cell)
        for limit, period, cell in zip(ordered, periods, cells, strict=True)
    )
    between = zip([0, *periods], [*periods, 2 * periods[-1]], [*cells, cells[-1]], strict=True)
    filled = sum(max(EXACT_MAX, (until - after) // cell + 2) for after, until, cell in between)
    return _Windows(each, filled + _SLACK)


def _first_fit(
    windows: _Windows, moments: tuple[int, ...], weights: tuple[int, ...], *, weight: int, at: int
) -> tuple[Limit | None, int]:
    """
    Return the limit that is waited for, if any, and when so much more fits into every window, from *at* on.

    Every window is looked at again at the later time: what lay ahead may have entered it.
    """
    reached: Limit | None = None
    settled = False
    while not settled:
        settled = True
        for window in windows.each:
            free_at = _free_at(window, moments, weights, weight=weight, at=at)
            if free_at > at:
                reached, at, settled = window.limit, free_at, False
    return reached, at


def _free_at(
    window: _Window, moments: tuple[int, ...], weights: tuple[int, ...], *, weight: int, at: int
) -> int:
    """Return when so much more fits into one window, from *at* on, if none of those ahead entered it meanwhile."""
    low = bisect_right(moments, at - window.period)
    total = sum(weights[low : bisect_left(moments, at + window.ahead)])
    while total + weight > window.most:
        at = moments[low] + window.period
        total -= weights[low]
        low += 1
    return at


def _with(
    windows: _Windows, moments: tuple[int, ...], weights: tuple[int, ...], *, weight: int, at: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return moments and weights with one more, without those that nobody needs any more."""
    longest = windows.longest
    low = bisect_right(moments, at - 2 * longest.period)
    high = bisect_left(moments, at + longest.ahead)
    here = bisect_right(moments, at, low, high)
    moments = (*moments[low:here], at, *moments[here:high])
    weights = (*weights[low:here], weight, *weights[here:high])
    if len(moments) <= windows.room:
        return moments, weights
    return _thinned(windows, moments, weights)


def _thinned(
    windows: _Windows, moments: tuple[int, ...], weights: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """
    Return the same with the moments of one cell made one, at the latest of them, wherever a window has many.

    What is in a shorter window stays as that one needs it.
    """
    kept: list[tuple[int, int]] = []
    latest, end = moments[-1], len(moments)
    for window in windows.each:
        start = bisect_right(moments, latest - window.period)
        cell = window.cell if len(moments) - start > EXACT_MAX else 1
        kept += _cells(moments, weights, start, end, cell)
        end = start
    kept += _cells(moments, weights, 0, end, windows.longest.cell)
    kept.reverse()
    return tuple(at for at, _ in kept), tuple(weight for _, weight in kept)


def _cells(
    moments: tuple[int, ...], weights: tuple[int, ...], start: int, end: int, cell: int
) -> list[tuple[int, int]]:
    """Return the moments from *start* to *end*, the latest first, with those of one cell made one."""
    kept: list[tuple[int, int]] = []
    for index in range(end - 1, start - 1, -1):
        at, weight = moments[index], weights[index]
        if kept and kept[-1][0] // cell == at // cell:
            kept[-1] = (kept[-1][0], kept[-1][1] + weight)
        else:
            kept.append((at, weight))
    return kept

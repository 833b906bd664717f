"""
How good the quotes were: what callers were told, against what came.

An error is what was quoted less what came: it is positive where the wait was shorter than said. A callback's wait
goes from its request until both can hear each other; a live call's from its offer until an agent took it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, TypeVar

import attrs

from callbackq.model import Callback, LiveCall, Outcome

UNNAMED: Final = "unnamed"
"""The estimator of a quote that names none."""
PUNCTUAL_WITHIN: Final = timedelta(minutes=5)

_KeyT = TypeVar("_KeyT", bound=Hashable)
_ValueT = TypeVar("_ValueT")


@attrs.frozen(kw_only=True)
class QuoteScore:
    """
    How far some quoted waits were from what came. Seconds, and ratios from 0 to 1.

    Args:
        count: how many.
        bias_s: mean error; positive where quotes were too long.
        mae_s: mean size of an error.
        rmse_s: root of the mean square of errors.
        coverage_ratio: share that came within the range that was quoted; None if none was.
        sooner_ratio: share that came before the range began.
        later_ratio: share that came after it was over.
    """

    count: int
    bias_s: float
    mae_s: float
    rmse_s: float
    coverage_ratio: float | None
    sooner_ratio: float | None
    later_ratio: float | None


@attrs.frozen(kw_only=True)
class PunctualityScore:
    """
    How punctual callbacks at a chosen time were. Seconds after that time; before it they are negative.

    Args:
        count: how many.
        late_s: mean lateness.
        mae_s: mean distance from the chosen time.
        latest_s: the worst of them.
        punctual_ratio: share that came within the tolerance, before or after.
    """

    count: int
    late_s: float
    mae_s: float
    latest_s: float
    punctual_ratio: float


@attrs.frozen(kw_only=True)
class QuoteReport:
    """
    The scores of a queue's quotes; None, or no entry, where there were none.

    An hour of the week is 0 to 167, Monday from midnight is 0, by the local time of the quote, or of the chosen time.
    """

    overall: QuoteScore | None
    by_estimator: Mapping[str, QuoteScore]
    by_hour: Mapping[int, QuoteScore]
    punctuality: PunctualityScore | None
    punctuality_by_hour: Mapping[int, PunctualityScore]


@attrs.frozen(kw_only=True)
class _Quote:
    at: datetime
    estimator: str
    wait_s: float
    low_s: float | None
    high_s: float | None
    came_s: float


def score_quotes(
    callbacks: Iterable[Callback],
    calls: Iterable[LiveCall],
    *,
    zone: tzinfo = UTC,
    punctual_within: timedelta = PUNCTUAL_WITHIN,
) -> QuoteReport:
    """
    Score what was quoted to callers whose wait is over; all others are left out.

    Args:
        callbacks: of one queue or of many; those that are COMPLETED count.
        calls: live calls; those that got a quote and were taken afterwards count.
        zone: in which hours of the week are told apart.
        punctual_within: how far from the chosen time is punctual.

    Cost: O(rows).

    >>> score_quotes([], []).overall is None
    True
    """
    completed = [callback for callback in callbacks if callback.outcome is Outcome.COMPLETED]
    quotes = [*_callback_quotes(completed), *_call_quotes(calls)]
    late = [
        (callback.scheduled_at, (callback.ended_at - callback.scheduled_at).total_seconds())
        for callback in completed
        if callback.scheduled_at is not None and callback.ended_at is not None
    ]
    within_s = punctual_within.total_seconds()
    hours = _grouped((_hour_of_week(quote.at, zone), quote) for quote in quotes)
    late_hours = _grouped((_hour_of_week(at, zone), late_s) for at, late_s in late)
    return QuoteReport(
        overall=_score(quotes) if quotes else None,
        by_estimator={
            name: _score(found) for name, found in _grouped((q.estimator, q) for q in quotes).items()
        },
        by_hour={hour: _score(found) for hour, found in sorted(hours.items())},
        punctuality=_punctuality([late_s for _, late_s in late], within_s) if late else None,
        punctuality_by_hour={
            hour: _punctuality(found, within_s) for hour, found in sorted(late_hours.items())
        },
    )


def _callback_quotes(completed: Iterable[Callback]) -> Iterator[_Quote]:
    for callback in completed:
        if callback.scheduled_at is None and callback.ended_at is not None:
            yield from _quotes(callback, callback.requested_at, callback.ended_at)


def _call_quotes(calls: Iterable[LiveCall]) -> Iterator[_Quote]:
    for call in calls:
        if call.quoted_at is not None and call.taken_at is not None and call.quoted_at <= call.taken_at:
            yield from _quotes(call, call.quoted_at, call.taken_at)


def _quotes(place: Callback | LiveCall, quoted_at: datetime, came_at: datetime) -> Iterator[_Quote]:
    """Return what was quoted for the place, if a wait was."""
    if place.quoted_wait_s is None:
        return
    yield _Quote(
        at=quoted_at,
        estimator=place.quoted_by or UNNAMED,
        wait_s=place.quoted_wait_s,
        low_s=place.quoted_wait_low_s,
        high_s=place.quoted_wait_high_s,
        came_s=(came_at - quoted_at).total_seconds(),
    )


def _hour_of_week(at: datetime, zone: tzinfo) -> int:
    local = at.astimezone(zone)
    return local.weekday() * 24 + local.hour


def _grouped(pairs: Iterable[tuple[_KeyT, _ValueT]]) -> dict[_KeyT, list[_ValueT]]:
    groups: defaultdict[_KeyT, list[_ValueT]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups


def _score(quotes: list[_Quote]) -> QuoteScore:
    errors = [quote.wait_s - quote.came_s for quote in quotes]
    sooner = [quote.came_s < quote.low_s for quote in quotes if quote.low_s is not None]
    later = [quote.came_s > quote.high_s for quote in quotes if quote.high_s is not None]
    return QuoteScore(
        count=len(errors),
        bias_s=math.fsum(errors) / len(errors),
        mae_s=math.fsum(map(abs, errors)) / len(errors),
        rmse_s=math.sqrt(math.fsum(error * error for error in errors) / len(errors)),
        coverage_ratio=_ratio(
            [
                quote.low_s <= quote.came_s <= quote.high_s
                for quote in quotes
                if quote.low_s is not None and quote.high_s is not None
            ]
        ),
        sooner_ratio=_ratio(sooner),
        later_ratio=_ratio(later),
    )


def _ratio(cases: list[bool]) -> float | None:
    return sum(cases) / len(cases) if cases else None


def _punctuality(late: list[float], within_s: float) -> PunctualityScore:
    return PunctualityScore(
        count=len(late),
        late_s=math.fsum(late) / len(late),
        mae_s=math.fsum(map(abs, late)) / len(late),
        latest_s=max(late),
        punctual_ratio=sum(abs(late_s) <= within_s for late_s in late) / len(late),
    )

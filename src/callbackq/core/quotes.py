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
from typing import Final, Protocol, TypeVar

import attrs

from callbackq.ids import QueueName
from callbackq.model import LiveCall, Outcome

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
    The scores of quotes; None, or no entry, where there were none.

    An hour of the week is 0 to 167, Monday from midnight is 0, by the local time of the quote, or of the chosen time.
    """

    overall: QuoteScore | None
    by_estimator: Mapping[str, QuoteScore]
    by_hour: Mapping[int, QuoteScore]
    punctuality: PunctualityScore | None
    punctuality_by_hour: Mapping[int, PunctualityScore]
    by_queue: Mapping[QueueName, QuoteScore] = attrs.field(factory=dict[QueueName, QuoteScore])
    punctuality_by_queue: Mapping[QueueName, PunctualityScore] = attrs.field(
        factory=dict[QueueName, PunctualityScore]
    )


class QuotedWait(Protocol):
    """What was quoted of one wait, and by whom."""

    @property
    def queue(self) -> QueueName:
        """Where they waited."""
        ...

    @property
    def quoted_wait_s(self) -> float | None:
        """What was said; None if nothing was."""
        ...

    @property
    def quoted_wait_low_s(self) -> float | None:
        """From when."""
        ...

    @property
    def quoted_wait_high_s(self) -> float | None:
        """Until when."""
        ...

    @property
    def quoted_by(self) -> str | None:
        """The estimator."""
        ...


class QuotedCallback(QuotedWait, Protocol):
    """What the score of a callback's quote needs of it: a `Callback`, or its `CallbackFacts`."""

    @property
    def requested_at(self) -> datetime:
        """When the quote was given."""
        ...

    @property
    def scheduled_at(self) -> datetime | None:
        """The time that was chosen; None if it was to be as soon as possible."""
        ...

    @property
    def outcome(self) -> Outcome | None:
        """How it ended."""
        ...

    @property
    def ended_at(self) -> datetime | None:
        """When it ended: of one that is COMPLETED, when both could hear each other."""
        ...


class _Everywhere(defaultdict[QueueName, tzinfo]):
    """One zone for all queues."""

    def __init__(self, zone: tzinfo) -> None:
        super().__init__(lambda: zone)


@attrs.frozen(kw_only=True)
class _Lateness:
    queue: QueueName
    hour: int
    late_s: float


@attrs.frozen(kw_only=True)
class _Quote:
    queue: QueueName
    hour: int
    estimator: str
    wait_s: float
    low_s: float | None
    high_s: float | None
    came_s: float


def score_quotes(
    callbacks: Iterable[QuotedCallback],
    calls: Iterable[LiveCall] = (),
    *,
    zone: tzinfo | Mapping[QueueName, tzinfo] = UTC,
    punctual_within: timedelta = PUNCTUAL_WITHIN,
) -> QuoteReport:
    """
    Score what was quoted to callers whose wait is over; all others are left out.

    Args:
        callbacks: of one queue or of many; those that are COMPLETED count.
        calls: live calls; those that got a quote and were taken afterwards count.
        zone: in which hours of the week are told apart: one for all, or one for each queue.
        punctual_within: how far from the chosen time is punctual.

    Cost: O(rows).

    >>> score_quotes([]).overall is None
    True
    """
    zones = zone if isinstance(zone, Mapping) else _Everywhere(zone)
    completed = [callback for callback in callbacks if callback.outcome is Outcome.COMPLETED]
    quotes = [*_callback_quotes(completed, zones), *_call_quotes(calls, zones)]
    late = list(_latenesses(completed, zones))
    within_s = punctual_within.total_seconds()
    hours, late_hours = _grouped((q.hour, q) for q in quotes), _grouped((one.hour, one) for one in late)
    queues, late_queues = _grouped((q.queue, q) for q in quotes), _grouped((one.queue, one) for one in late)
    return QuoteReport(
        overall=_score(quotes) if quotes else None,
        by_estimator={
            name: _score(found) for name, found in _grouped((q.estimator, q) for q in quotes).items()
        },
        by_hour={hour: _score(found) for hour, found in sorted(hours.items())},
        punctuality=_punctuality(late, within_s) if late else None,
        punctuality_by_hour={
            hour: _punctuality(found, within_s) for hour, found in sorted(late_hours.items())
        },
        by_queue={queue: _score(found) for queue, found in sorted(queues.items())},
        punctuality_by_queue={
            queue: _punctuality(found, within_s) for queue, found in sorted(late_queues.items())
        },
    )


def _latenesses(
    completed: Iterable[QuotedCallback], zones: Mapping[QueueName, tzinfo]
) -> Iterator[_Lateness]:
    for callback in completed:
        if callback.scheduled_at is not None and callback.ended_at is not None:
            yield _Lateness(
                queue=callback.queue,
                hour=_hour_of_week(callback.scheduled_at, zones[callback.queue]),
                late_s=(callback.ended_at - callback.scheduled_at).total_seconds(),
            )


def _callback_quotes(
    completed: Iterable[QuotedCallback], zones: Mapping[QueueName, tzinfo]
) -> Iterator[_Quote]:
    for callback in completed:
        if callback.scheduled_at is None and callback.ended_at is not None:
            yield from _quotes(callback, callback.requested_at, callback.ended_at, zones)


def _call_quotes(calls: Iterable[LiveCall], zones: Mapping[QueueName, tzinfo]) -> Iterator[_Quote]:
    for call in calls:
        if call.quoted_at is not None and call.taken_at is not None and call.quoted_at <= call.taken_at:
            yield from _quotes(call, call.quoted_at, call.taken_at, zones)


def _quotes(
    place: QuotedWait, quoted_at: datetime, came_at: datetime, zones: Mapping[QueueName, tzinfo]
) -> Iterator[_Quote]:
    """Return what was quoted for the place, if a wait was."""
    if place.quoted_wait_s is None:
        return
    yield _Quote(
        queue=place.queue,
        hour=_hour_of_week(quoted_at, zones[place.queue]),
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


def _punctuality(found: list[_Lateness], within_s: float) -> PunctualityScore:
    late = [one.late_s for one in found]
    return PunctualityScore(
        count=len(late),
        late_s=math.fsum(late) / len(late),
        mae_s=math.fsum(map(abs, late)) / len(late),
        latest_s=max(late),
        punctual_ratio=sum(abs(late_s) <= within_s for late_s in late) / len(late),
    )

"""
How a queue went lately: rates for the estimators, measured from the queue's own rows.

The rule: with no rows every figure is the policy's, or a prior that is written here; rows take its place little by
little. What cannot be (an end before its beginning) or does not count is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from callbackq.model import AnsweredBy, Attempt, CallOutcome, Disposition, LegState, LiveCall, Rates
from callbackq.policy import STRICT_CREDIT, QueuePolicy

PRIOR_WEIGHT: Final = 8
"""A prior counts as much as so many rows."""
ANSWER_RATIO_PRIOR: Final = 0.93
"""Of callbacks that were asked for; Hathaway, Emadi and Deshpande, "Don't call us, we'll call you", 2021."""
ABANDONS_MIN: Final = 5
"""With fewer callers who gave up, patience is not measured."""
SPAN_MIN_S: Final = 300.0
"""Who leaves the line all at once, as when the agents sign in, says no more of the rate than this span would."""
PASSED_ROWS_MIN: Final = 20
"""With fewer rows, nobody is taken to overtake."""

_ANSWERED: Final = frozenset({AnsweredBy.HUMAN, AnsweredBy.UNKNOWN})
_NOT_DIALED: Final = frozenset({LegState.NONE, LegState.INTENDED})
_OUR_DOING: Final = frozenset({Disposition.CANCELLED_BY_US, Disposition.AGENT_UNAVAILABLE})
LEFT_UNSEEN: Final = frozenset({CallOutcome.EXPIRED, CallOutcome.LOST})
"""How live calls end of which nobody knows when they left."""


def measure(
    *,
    taken: Sequence[LiveCall],
    ended: Sequence[LiveCall],
    attempts: Sequence[Attempt],
    now: datetime,
    policy: QueuePolicy,
    priority: int,
) -> Rates:
    """
    Return the rates of one queue for a place of *priority*, from its latest rows.

    - Handle time: mean talk and the policy's wrap-up of served calls and connected attempts, shrunk towards
      `policy.handle_time`, which counts as `PRIOR_WEIGHT` rows.
    - Patience: callers who gave up, per second that callers waited, with or without success. It is the maximum
      likelihood estimate for exponential patience; 0 with fewer than `ABANDONS_MIN` of them.
    - Answers: share of the attempts whose customer was dialed that a person answered, shrunk in the same way.
      Attempts that were ended from our side before an answer say nothing.
    - Overtaking: how many callers of a better priority leave the line per second, in the time that the rows span,
      which in the long run is how many arrive. How much later they may come is the mean of their head starts.

    Args:
        taken: live calls that were taken last, as `CallTable.last_taken` gives them.
        ended: live calls that ended last, as `CallTable.last_ended` gives them. A call may be in both.
        attempts: attempts that were started last, as `AttemptTable.last_started` gives them.
        now: aware, in any zone.
        policy: of the queue.
        priority: of the place whose wait is estimated.

    Cost: O(rows); 1 ms for 200 rows of each kind.

    >>> from datetime import UTC
    >>> policy = QueuePolicy(queue="support")
    >>> now = datetime(2026, 1, 5, 8, tzinfo=UTC)
    >>> measure(taken=[], ended=[], attempts=[], now=now, policy=policy, priority=100).handle_time_s
    300.0
    """
    talks = _talks(taken, ended, attempts)
    prior_s, wrap_up_s = policy.handle_time.total_seconds(), policy.wrap_up.total_seconds()
    answers = [_answered(attempt) for attempt in attempts if _tells_of_answers(attempt)]
    reconnects = list(
        _spans((attempt.started_at, attempt.connected_at) for attempt in attempts if attempt.connected_at)
    )
    overtaking_rate, overtaking_max_s = _overtaking(taken, ended, now=now, policy=policy, priority=priority)
    return Rates(
        handle_time_s=_shrunk(prior_s, [talk + wrap_up_s for talk in talks]),
        patience_rate=_patience_rate(ended),
        answer_ratio=_shrunk(ANSWER_RATIO_PRIOR, answers),
        reconnect_s=math.fsum(reconnects) / len(reconnects) if reconnects else None,
        overtaking_rate=overtaking_rate,
        overtaking_max_s=overtaking_max_s,
        samples_count=len(talks),
    )


def _shrunk(prior: float, values: Sequence[float]) -> float:
    return shrunk_mean(prior, total=math.fsum(values), count=len(values))


def shrunk_mean(prior: float, *, total: float, count: int) -> float:
    """Return the mean of *count* values that sum to *total*, and of `PRIOR_WEIGHT` times the prior."""
    return (PRIOR_WEIGHT * prior + total) / (PRIOR_WEIGHT + count)


def _spans(pairs: Iterable[tuple[datetime, datetime | None]]) -> Iterable[float]:
    """Return the seconds from first to second of each pair that has both, in this order."""
    for begin, end in pairs:
        if end is not None and begin <= end:
            yield (end - begin).total_seconds()


def _talks(taken: Sequence[LiveCall], ended: Sequence[LiveCall], attempts: Sequence[Attempt]) -> list[float]:
    """Return the talk of each served call, though it be in both lists, and of each connected attempt."""
    served = {call.call_id: call for call in (*ended, *taken) if call.outcome is CallOutcome.SERVED}
    calls = ((call.taken_at, call.ended_at) for call in served.values() if call.taken_at)
    connected = (
        (attempt.connected_at, attempt.ended_at)
        for attempt in attempts
        if attempt.connected_at and attempt.disposition is Disposition.CONNECTED
    )
    return [*_spans(calls), *_spans(connected)]


def _patience_rate(ended: Sequence[LiveCall]) -> float:
    """Return how many gave up per second of waiting. Of expired and lost calls nobody knows when they left."""
    seen = [call for call in ended if call.outcome not in LEFT_UNSEEN]
    abandons_count = sum(call.outcome is CallOutcome.ABANDONED for call in seen)
    waited_s = math.fsum(_spans((call.entered_at, call.taken_at or call.ended_at) for call in seen))
    return patience_of(abandons_count, waited_s)


def patience_of(abandons_count: int, waited_s: float) -> float:
    """Return how many give up per second of waiting; 0 where fewer than `ABANDONS_MIN` did."""
    return abandons_count / waited_s if abandons_count >= ABANDONS_MIN and waited_s > 0 else 0.0


def _tells_of_answers(attempt: Attempt) -> bool:
    """Whether the customer was dialed, and the attempt ran its course or was answered."""
    if attempt.ended_at is None or attempt.customer_leg in _NOT_DIALED:
        return False
    return attempt.answered_by is not None or attempt.disposition not in _OUR_DOING


def _answered(attempt: Attempt) -> bool:
    return attempt.answered_by in _ANSWERED


def _overtaking(
    taken: Sequence[LiveCall], ended: Sequence[LiveCall], *, now: datetime, policy: QueuePolicy, priority: int
) -> tuple[float, float]:
    """Return how many of a better priority leave the line per second, and their mean head start in seconds."""
    unserved = [call for call in ended if call.taken_at is None]
    rate = _better_rate(taken, [call.taken_at for call in taken], now=now, priority=priority)
    rate += _better_rate(unserved, [call.ended_at for call in ended], now=now, priority=priority)
    if policy.priority_credit == STRICT_CREDIT:
        return rate, math.inf
    steps = [priority - call.priority for call in (*taken, *unserved) if call.priority < priority]
    mean_steps = sum(steps) / len(steps) if steps else 0.0
    return rate, mean_steps * policy.priority_credit.total_seconds()


def _better_rate(
    calls: Sequence[LiveCall], left: Sequence[datetime | None], *, now: datetime, priority: int
) -> float:
    """Return how many of *calls* have a better priority, per second since the first instant in *left*."""
    known = [at for at in left if at is not None and at <= now]
    if len(known) < PASSED_ROWS_MIN:
        return 0.0
    span_s = max((now - min(known)).total_seconds(), SPAN_MIN_S)
    return sum(call.priority < priority for call in calls) / span_s

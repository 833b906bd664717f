"""How long a place will wait: the estimator, and the rates that it rests on, measured from the queue's own rows."""

from __future__ import annotations

import logging
import math
from datetime import datetime, timedelta
from typing import Final

import attrs

from callbackq.core.estimate import BestAvailable
from callbackq.core.placing import open_skills
from callbackq.core.rates import measure
from callbackq.facts import agents_able_count, free_agents_count, position_behind
from callbackq.ids import PlaceId, QueueName
from callbackq.model import Ahead, Attempt, EstimateFacts, LiveCall, Position, Rates, Wait
from callbackq.policy import QueuePolicy
from callbackq.ports import Estimator, Transaction

logger = logging.getLogger("callbackq")

ROWS_MAX: Final = 200
"""So many of the last calls and attempts are looked at."""
MEASURED_FOR: Final = timedelta(seconds=30)
"""Rates are used for so long, and then measured anew."""

UNKNOWN: Final = Wait(mean_s=None, low_s=None, high_s=None)


@attrs.frozen(kw_only=True)
class _Sample:
    """The last rows of one queue, and what was made of them."""

    at: datetime
    taken: list[LiveCall]
    ended: list[LiveCall]
    attempts: list[Attempt]
    rates: dict[int, Rates] = attrs.field(factory=dict[int, Rates])


class Gauge:
    """
    Estimates waits for the queues of one service. Keeps each queue's rates for 30 s; safe in threads.

    Args:
        estimator: the host's, or `BestAvailable`, which also stands in when the host's raises or answers nonsense.
    """

    def __init__(self, estimator: Estimator | None) -> None:
        self._estimator: Final[Estimator] = estimator or BestAvailable()
        self._samples: dict[QueueName, _Sample] = {}

    def rates(self, tx: Transaction, *, policy: QueuePolicy, priority: int, now: datetime) -> Rates:
        """Return how the queue went of late. Cost: a look at some hundred rows twice a minute."""
        sample = self._sample(tx, policy, now)
        found = sample.rates.get(priority)
        if found is None:
            found = sample.rates[priority] = measure(
                taken=sample.taken,
                ended=sample.ended,
                attempts=sample.attempts,
                now=now,
                policy=policy,
                priority=priority,
            )
        return found

    def look(
        self,
        tx: Transaction,
        *,
        rank: int,
        place_id: PlaceId,
        priority: int,
        lane: int,
        policy: QueuePolicy,
        now: datetime,
    ) -> tuple[Position, Wait, EstimateFacts]:
        """Return where a place stands, how long it will wait, and what that rests on."""
        ahead = tx.line.count_ahead(policy.queue, rank=rank, place_id=place_id)
        facts = self._facts(tx, ahead, priority=priority, lane=lane, policy=policy, now=now)
        return position_behind(ahead), self._wait(facts), facts

    def _facts(
        self, tx: Transaction, ahead: Ahead, *, priority: int, lane: int, policy: QueuePolicy, now: datetime
    ) -> EstimateFacts:
        first = tx.line.places(policy.queue, limit=1)
        sample = self._sample(tx, policy, now)
        return EstimateFacts(
            ahead=ahead,
            agents=agents_able_count(tx, policy.queue, open_skills(tx.lanes.skills_of(lane)) if lane else ()),
            agents_free=free_agents_count(tx, policy.queue, lane=lane),
            rates=self.rates(tx, policy=policy, priority=priority, now=now),
            head_waited_s=max(0.0, (now - first[0].entered_at).total_seconds()) if first else None,
            last_waits_s=tuple(
                (call.taken_at - call.entered_at).total_seconds() for call in sample.taken if call.taken_at
            ),
        )

    def _wait(self, facts: EstimateFacts) -> Wait:
        if facts.agents <= 0:
            return UNKNOWN
        try:
            wait = self._estimator.estimate(facts)
            if wait is None or _is_sound(wait):
                return wait or UNKNOWN
            logger.warning("estimator %s answered nonsense", self._estimator.name)
        except Exception as error:
            logger.warning("an estimator failed: %s", type(error).__name__)
        return BestAvailable().estimate(facts) or UNKNOWN

    def _sample(self, tx: Transaction, policy: QueuePolicy, now: datetime) -> _Sample:
        kept = self._samples.get(policy.queue)
        if kept is None or not timedelta(0) <= now - kept.at < MEASURED_FOR:
            kept = self._samples[policy.queue] = _Sample(
                at=now,
                taken=tx.calls.last_taken(policy.queue, limit=ROWS_MAX),
                ended=tx.calls.last_ended(policy.queue, limit=ROWS_MAX),
                attempts=tx.attempts.last_started(policy.queue, limit=ROWS_MAX),
            )
        return kept


def _is_sound(wait: object) -> bool:
    if not isinstance(wait, Wait):
        return False
    values = (wait.low_s, wait.mean_s, wait.high_s)
    if wait.mean_s is None:
        return values == (None, None, None)
    known = [value for value in values if value is not None]
    return all(_is_seconds(value) for value in known) and known == sorted(known)


def _is_seconds(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and 0 <= value <= _SECONDS_MAX
    )


_SECONDS_MAX: Final = timedelta(days=366).total_seconds()


def with_reconnect(wait: Wait, rates: Rates) -> Wait:
    """Return the wait until both can hear each other: the measured time to ring and answer is added, if known."""
    extra = rates.reconnect_s
    if not extra or wait.mean_s is None:
        return wait
    return attrs.evolve(
        wait,
        mean_s=wait.mean_s + extra,
        low_s=wait.low_s + extra if wait.low_s is not None else None,
        high_s=wait.high_s + extra if wait.high_s is not None else None,
    )

"""How long a place will wait: the estimator, and the rates that it rests on, measured from the queue's own rows."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import attrs

from callbackq.chooser import Chooser
from callbackq.core.estimate import BestAvailable
from callbackq.core.placing import open_skills
from callbackq.core.rates import measure
from callbackq.facts import agents_able_count, capped_now, dialing_paused, lanes_of_agent, position_behind
from callbackq.ids import PlaceId, QueueName
from callbackq.model import Ahead, Attempt, EstimateFacts, LiveCall, Position, Rates, Wait
from callbackq.policy import Caps, QueuePolicy
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
        estimator: the host's, or `BestAvailable`, which also stands in when the host's has no data, raises, or
            answers nonsense.
    """

    def __init__(
        self, estimator: Estimator | None, *, policies: Mapping[QueueName, QueuePolicy], caps: Caps
    ) -> None:
        self._policies: Final = policies
        self._caps: Final = caps
        self._estimator: Final[Estimator] = estimator or BestAvailable()
        self._samples: dict[QueueName, _Sample] = {}

    def rates(self, tx: Transaction, *, policy: QueuePolicy, priority: int, now: datetime) -> Rates:
        """Return how the queue went lately. Cost: a look at some hundred rows twice a minute."""
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
            agents_free=self.agents_free(tx, policy.queue, lane=lane, now=now),
            rates=self.rates(tx, policy=policy, priority=priority, now=now),
            head_waited_s=max(0.0, (now - first[0].entered_at).total_seconds()) if first else None,
            last_waits_s=tuple(
                (call.taken_at - call.entered_at).total_seconds() for call in sample.taken if call.taken_at
            ),
        )

    def waits(
        self, tx: Transaction, aheads: Mapping[int, Ahead], *, policy: QueuePolicy, now: datetime
    ) -> dict[int, Wait]:
        """
        Return how long callbacks that any agent can serve will wait behind so many, until both can hear each other.

        Args:
            aheads: who stands ahead, by any number; the waits are returned by the same ones.
        """
        if not aheads:
            return {}
        priority = policy.priority_default
        facts = self._facts(tx, Ahead(), priority=priority, lane=0, policy=policy, now=now)
        return {
            number: with_reconnect(self._wait(attrs.evolve(facts, ahead=ahead)), facts.rates)
            for number, ahead in aheads.items()
        }

    def is_closed(self, tx: Transaction, queue: QueueName, *, now: datetime) -> bool:
        """Whether no callback of the queue may be started now: dialing is paused, or a cap is reached."""
        if dialing_paused(tx, queue):
            return True
        return capped_now(tx, queue, policies=self._policies, caps=self._caps, now=now) is not None

    def agents_free(self, tx: Transaction, queue: QueueName, *, lane: int, now: datetime) -> int:
        """Count the agents without work who can serve the place, and whom nothing keeps from this queue."""
        free = tx.agents.available()
        chooser = Chooser(tx, self._policies, free, caps=self._caps, now=now)
        able = [agent for agent in free if queue in agent.queues and lane in lanes_of_agent(tx, agent)]
        return sum(chooser.may_serve(agent, queue) for agent in able)

    def _wait(self, facts: EstimateFacts) -> Wait:
        if facts.agents <= 0:
            return UNKNOWN
        try:
            wait = self._estimator.estimate(facts)
            if wait is not None and _is_sound(wait):
                return wait
            if wait is not None:
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
    if not _is_name(wait.estimator):
        return False
    values = (wait.low_s, wait.mean_s, wait.high_s)
    if wait.mean_s is None:
        return values == (None, None, None)
    known = [value for value in values if value is not None]
    return all(_is_seconds(value) for value in known) and known == sorted(known)


def _is_name(name: object) -> bool:
    return name is None or (isinstance(name, str) and len(name) <= _NAME_MAX and name.isprintable())


def _is_seconds(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and 0 <= value <= _SECONDS_MAX
    )


_NAME_MAX: Final = 64
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

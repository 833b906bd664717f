"""Reads the heads of the lines for the agents who are free, and lets `core.choosing` say who is next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from callbackq.core.choosing import Pick, keeps, pick
from callbackq.facts import capped_now, dialing_paused, lanes_of_agent
from callbackq.ids import QueueName
from callbackq.model import Agent, Callback, Place
from callbackq.policy import Caps, QueuePolicy
from callbackq.ports import Transaction


class Chooser:
    """
    Chooses for one free agent after the other, within one transaction.

    Each line is looked at once for all agents who can serve the same lanes, until a place of it moves.
    """

    def __init__(
        self,
        tx: Transaction,
        policies: Mapping[QueueName, QueuePolicy],
        free: Sequence[Agent],
        *,
        caps: Caps,
        now: datetime,
    ) -> None:
        self._tx: Final = tx
        self._policies: Final = policies
        self._caps: Final = caps
        self._now: Final = now
        self._heads: dict[tuple[QueueName, tuple[int, ...]], Place | None] = {}
        self._closed: dict[QueueName, bool] = {}
        self._keeping: Final = {name for name, policy in policies.items() if policy.agents_kept}
        self._free: Final = Counter(
            name for agent in free for name in self._keeping.intersection(agent.queues)
        )

    def pick(self, agent: Agent) -> Pick:
        """Return who is next for *agent*. O(log n) for each queue and lane that nobody was asked for before."""
        lanes = lanes_of_agent(self._tx, agent)
        queues = [queue for queue in agent.queues if queue in self._policies]
        heads = (self._head(queue, lanes) for queue in queues)
        return pick(
            [head for head in heads if head is not None],
            serves=[self._policies[queue] for queue in queues],
            free_counts=self._free,
            policies=self._policies,
        )

    def may_serve(self, agent: Agent, queue: QueueName) -> bool:
        """Whether nothing keeps this agent, who is free, from a place of *queue* that is first in its line."""
        picked = self.pick(agent)
        if picked.kept_for is not None or picked.place is None:
            return picked.kept_for is None and not keeps(
                queue,
                serves=[self._policies[name] for name in agent.queues if name in self._policies],
                free_counts=self._free,
                policies=self._policies,
            )
        return picked.place.queue == queue

    def moved(self, queue: QueueName) -> None:
        """A live call of this queue is no longer where it was."""
        self._heads = {key: head for key, head in self._heads.items() if key[0] != queue}

    def started(self, queue: QueueName) -> None:
        """A callback of this queue is no longer where it was. It may have been the last that a cap allows."""
        self.moved(queue)
        if self._has_caps:
            self._heads, self._closed = {}, {}

    def at_work(self, agent: Agent) -> None:
        """This agent is free no more."""
        self._free.subtract(self._keeping.intersection(agent.queues))

    def passes(self, place: Place) -> bool:
        """Whether a place may pass earlier ones of its class: a live call does where no callback may be started."""
        return not isinstance(place, Callback) and self._is_closed(place.queue)

    def _head(self, queue: QueueName, lanes: tuple[int, ...]) -> Place | None:
        key = (queue, lanes)
        if key not in self._heads:
            calls_only = self._is_closed(queue)
            self._heads[key] = self._tx.line.head(queue, lanes=lanes, calls_only=calls_only)
        return self._heads[key]

    @property
    def _has_caps(self) -> bool:
        none = Caps()
        return self._caps != none or any(policy.caps != none for policy in self._policies.values())

    def _is_closed(self, queue: QueueName) -> bool:
        """Whether no callback of the queue may be started: dialing is paused, or a cap is reached."""
        if queue not in self._closed:
            self._closed[queue] = (
                dialing_paused(self._tx, queue)
                or capped_now(self._tx, queue, policies=self._policies, caps=self._caps, now=self._now)
                is not None
            )
        return self._closed[queue]

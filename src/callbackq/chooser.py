"""Reads the heads of the lines for the agents who are free, and lets `core.choosing` say who is next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from callbackq.core.choosing import Pick, pick
from callbackq.facts import dialing_paused, lanes_of_agent
from callbackq.ids import QueueName
from callbackq.model import Agent, Callback, Place
from callbackq.policy import QueuePolicy
from callbackq.ports import Transaction


class Chooser:
    """
    Chooses for one free agent after the other, within one transaction.

    Each line is looked at once for all agents who can serve the same lanes, until a place of it moves.
    """

    def __init__(
        self, tx: Transaction, policies: Mapping[QueueName, QueuePolicy], free: Sequence[Agent]
    ) -> None:
        self._tx: Final = tx
        self._policies: Final = policies
        self._heads: dict[tuple[QueueName, tuple[int, ...]], Place | None] = {}
        self._paused: dict[QueueName, bool] = {}
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

    def moved(self, queue: QueueName) -> None:
        """A place of this queue is no longer where it was."""
        self._heads = {key: head for key, head in self._heads.items() if key[0] != queue}

    def at_work(self, agent: Agent) -> None:
        """This agent is free no more."""
        self._free.subtract(self._keeping.intersection(agent.queues))

    def passes(self, place: Place) -> bool:
        """Whether a place may pass earlier ones of its class: a live call does while dialing is paused."""
        return not isinstance(place, Callback) and self._is_paused(place.queue)

    def _head(self, queue: QueueName, lanes: tuple[int, ...]) -> Place | None:
        key = (queue, lanes)
        if key not in self._heads:
            calls_only = self._is_paused(queue)
            self._heads[key] = self._tx.line.head(queue, lanes=lanes, calls_only=calls_only)
        return self._heads[key]

    def _is_paused(self, queue: QueueName) -> bool:
        if queue not in self._paused:
            self._paused[queue] = dialing_paused(self._tx, queue)
        return self._paused[queue]

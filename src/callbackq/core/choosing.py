"""
Who is next for an agent who is free: which of the first places of the queues that the agent serves.

The first of a queue that is served first comes before that of any other; within one turn it is the lower rank, then
the lower `place_id`. Agents who serve a queue with `agents_kept` are not given places of queues that come after it
when too few of them would be left. Live calls that the host's own ACD gives out are waited for, never given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from callbackq.ids import QueueName
from callbackq.model import Callback, Place
from callbackq.policy import Acd, QueuePolicy


@attrs.frozen(kw_only=True)
class Pick:
    """
    What an agent is given, or why nothing.

    Args:
        place: who is next; None if nobody.
        first: who would be next if nothing forbade it.
        kept_for: the queue for which this agent is kept free.
        acd_goes_first: the first is a live call, and the host's own ACD gives it out.
    """

    place: Place | None = None
    first: Place | None = None
    kept_for: QueueName | None = None
    acd_goes_first: bool = False


def pick(
    heads: Iterable[Place],
    *,
    serves: Iterable[QueuePolicy],
    free_counts: Mapping[QueueName, int],
    policies: Mapping[QueueName, QueuePolicy],
) -> Pick:
    """
    Choose for one agent.

    Args:
        heads: the first place of each queue that the agent serves and has the skills for.
        serves: the policies of all queues that the agent serves.
        free_counts: how many agents are free now who serve each queue that keeps some, this one included.
        policies: of the queues of the heads.
    """
    first = min(heads, key=lambda place: _turn(place, policies[place.queue]), default=None)
    if first is None:
        return Pick()
    policy = policies[first.queue]
    if policy.acd is Acd.HOST and not isinstance(first, Callback):
        return Pick(first=first, acd_goes_first=True)
    kept_for = keeps(first.queue, serves=serves, free_counts=free_counts, policies=policies)
    if kept_for is not None:
        return Pick(first=first, kept_for=kept_for)
    return Pick(place=first, first=first)


def keeps(
    queue: QueueName,
    *,
    serves: Iterable[QueuePolicy],
    free_counts: Mapping[QueueName, int],
    policies: Mapping[QueueName, QueuePolicy],
) -> QueueName | None:
    """Return the queue for which an agent is kept free of places of *queue*; None if there is none."""
    mine = policies[queue].served_first
    for other in serves:
        comes_before = other.agents_kept and other.served_first < mine
        if comes_before and free_counts[other.queue] <= other.agents_kept:
            return other.queue
    return None


def _turn(place: Place, policy: QueuePolicy) -> tuple[int, int, str]:
    return policy.served_first, place.rank, place.place_id

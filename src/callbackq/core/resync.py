"""What to do with one live call when the PBX says, all at once, which calls it has: a table of both sides."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Final

from callbackq.ids import AgentId, QueueName
from callbackq.model import CallOutcome, CallState, LiveCall


class Step(enum.StrEnum):
    """What makes the two sides agree."""

    KEEP = "keep"
    JOIN = "join"
    REJOIN = "rejoin"
    MOVE = "move"
    GIVE_BACK = "give_back"
    SERVE = "serve"
    CHANGE_AGENT = "change_agent"
    LEAVE = "leave"


_GUESSED: Final = frozenset({CallOutcome.LOST, CallOutcome.EXPIRED})
"""How a call ended of which nobody said that it did. The PBX knows better."""


def is_newer(call: LiveCall, as_of: datetime | None) -> bool:
    """Whether the call joined, or was given to its agent, after the PBX was asked: the snapshot does not know it."""
    return as_of is not None and max(call.entered_at, call.taken_at or call.entered_at) > as_of


def steps(call: LiveCall | None, *, queue: QueueName, agent_id: AgentId | None) -> tuple[Step, ...]:
    """
    Return what is to be done, in order, with a call that the PBX has in *queue* now.

    Args:
        call: what is known of it here; None if nothing.
        agent_id: with whom it is there; None while it waits.

    A call that was left, served or turned into a callback here cannot come back: its place is gone, or taken. It is
    left to the host (LEAVE).

    >>> [step.value for step in steps(None, queue=QueueName("support"), agent_id=AgentId("ann"))]
    ['join', 'serve']
    """
    found: list[Step] = []
    if call is None:
        found.append(Step.JOIN)
    elif call.state is CallState.ENDED:
        if call.outcome not in _GUESSED:
            return (Step.LEAVE,)
        found.append(Step.REJOIN)
    elif call.state is CallState.TAKEN:
        if agent_id is None:
            found.append(Step.GIVE_BACK)
        elif agent_id != call.agent_id:
            found.append(Step.CHANGE_AGENT)
    if call is not None and call.queue != queue:
        found.append(Step.MOVE)
    if agent_id is not None and (call is None or call.state is not CallState.TAKEN):
        found.append(Step.SERVE)
    return tuple(found) or (Step.KEEP,)

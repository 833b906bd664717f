"""
The life of a live call: it joins the line, and is taken by an agent, leaves, or becomes a callback.

Everything that changes a live call's state is in this file (what is offered to it is in `core.offering`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import attrs

from callbackq.core.decision import Decision, head
from callbackq.core.ordering import rank
from callbackq.effects import ConnectCall
from callbackq.errors import CallHasEnded
from callbackq.events import CallEnded, CallJoined, CallReturned, CallTaken
from callbackq.ids import AgentId, CallbackId, CallId, PlaceId, SubjectId, TenantId
from callbackq.model import CallOutcome, CallState, DueReason, LiveCall
from callbackq.policy import QueuePolicy

ENDED_BY_LEAVING: Final = {CallState.WAITING: CallOutcome.ABANDONED, CallState.TAKEN: CallOutcome.SERVED}


@attrs.frozen(kw_only=True)
class Joining:
    """Who joined, read and checked."""

    tenant_id: TenantId
    call_id: CallId
    subject_id: SubjectId | None
    priority: int
    lane: int
    entered_at: datetime


def join(joining: Joining, *, policy: QueuePolicy, now: datetime) -> Decision:
    """Give the caller a place, by the time of entering the queue."""
    call = LiveCall(
        tenant_id=joining.tenant_id,
        call_id=joining.call_id,
        version=1,
        state=CallState.WAITING,
        queue=policy.queue,
        subject_id=joining.subject_id,
        priority=joining.priority,
        lane=joining.lane,
        place_id=PlaceId(joining.call_id),
        entered_at=joining.entered_at,
        ranked_at=joining.entered_at,
        rank=rank(joining.entered_at, priority=joining.priority, policy=policy),
        due_at=now + policy.call_life,
        due_reason=DueReason.EXPIRES,
    )
    event = CallJoined(
        **head(call, at=now),
        queue=call.queue,
        subject_id=call.subject_id,
        priority=call.priority,
        lane=call.lane,
        place_id=call.place_id,
        entered_at=call.entered_at,
        ranked_at=call.ranked_at,
        rank=call.rank,
    )
    return Decision(records=(call,), events=(event,))


def take(call: LiveCall, agent_id: AgentId, *, policy: QueuePolicy, now: datetime) -> Decision:
    """Give the caller to an agent."""
    record = _next(
        call,
        CallState.TAKEN,
        due=(now + policy.talk_time_max, DueReason.TALK_OVERDUE),
        agent_id=agent_id,
        taken_at=now,
    )
    event = CallTaken(**head(record, at=now), agent_id=agent_id, taken_at=now)
    effect = ConnectCall(call_id=call.call_id, agent_id=agent_id, queue=call.queue)
    return Decision(records=(record,), events=(event,), effects=(effect,))


def give_back(call: LiveCall, *, policy: QueuePolicy, now: datetime) -> Decision:
    """The agent could not be connected: the caller stands in line with the place of before."""
    due = (now + policy.call_life, DueReason.EXPIRES)
    record = _next(call, CallState.WAITING, due=due, agent_id=None, taken_at=None)
    return Decision(records=(record,), events=(CallReturned(**head(record, at=now)),))


def leave(call: LiveCall, *, now: datetime) -> Decision:
    """The line is dead: abandoned if waiting, served if taken. Leaving twice is a no-op."""
    if call.state is CallState.ENDED:
        return Decision()
    return _end(call, ENDED_BY_LEAVING[call.state], now=now)


def convert(call: LiveCall, callback_id: CallbackId, *, now: datetime) -> Decision:
    """
    The caller hangs up and keeps the place as a callback.

    Raises:
        CallHasEnded: the call is over or with an agent; there is no place to keep.
    """
    check_waiting(call)
    return _end(call, CallOutcome.CONVERTED, now=now, callback_id=callback_id)


def check_waiting(call: LiveCall) -> None:
    """
    Check that the call has a place in line.

    Raises:
        CallHasEnded: it is over, or with an agent.
    """
    if call.state is not CallState.WAITING:
        raise CallHasEnded(
            f"live call {call.call_id} is {call.state}; only a waiting one can become a callback, or be offered one"
        )


def due(call: LiveCall, *, now: datetime) -> Decision:
    """Do what time alone does: a call of which nothing was heard for so long is over, nobody knows how."""
    return _end(call, CallOutcome.EXPIRED, now=now)


def _end(
    call: LiveCall, outcome: CallOutcome, *, now: datetime, callback_id: CallbackId | None = None
) -> Decision:
    record = _next(
        call, CallState.ENDED, due=(None, None), outcome=outcome, ended_at=now, callback_id=callback_id
    )
    event = CallEnded(**head(record, at=now), outcome=outcome, ended_at=now, callback_id=callback_id)
    return Decision(records=(record,), events=(event,))


def _next(
    call: LiveCall,
    state: CallState,
    *,
    due: tuple[datetime | None, DueReason | None],
    **changes: Any,
) -> LiveCall:
    return attrs.evolve(
        call, version=call.version + 1, state=state, due_at=due[0], due_reason=due[1], **changes
    )

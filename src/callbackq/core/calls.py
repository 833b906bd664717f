"""
The life of a live call: it joins the line, and is taken by an agent, leaves, or becomes a callback.

Everything that changes a live call's state is in this file (what is offered to it is in `core.offering`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import attrs

from callbackq.core.decision import Decision, head, told
from callbackq.core.placing import Stand, opened
from callbackq.effects import ConnectCall
from callbackq.errors import CallHasEnded
from callbackq.events import (
    CallEnded,
    CallJoined,
    CallMoved,
    CallOpened,
    CallPlaced,
    CallRejoined,
    CallReturned,
    CallTaken,
)
from callbackq.ids import AgentId, CallbackId, CallId, PlaceId, SubjectId, TenantId
from callbackq.model import Ahead, CallOutcome, CallState, DueReason, LiveCall, Subject
from callbackq.policy import QueuePolicy

ENDED_BY_LEAVING: Final = {CallState.WAITING: CallOutcome.ABANDONED, CallState.TAKEN: CallOutcome.SERVED}


@attrs.frozen(kw_only=True)
class Joining:
    """Who joined, read and checked."""

    tenant_id: TenantId
    call_id: CallId
    subject_id: SubjectId | None
    stand: Stand
    preferred_agent_id: AgentId | None = None
    entered_at: datetime
    returns_for_id: CallbackId | None = None


def join(joining: Joining, *, policy: QueuePolicy, now: datetime) -> Decision:
    """Give the caller a place, by the time of entering the queue."""
    stand = joining.stand
    due = _due_in_line(stand.preferred_until_at, policy=policy, now=now)
    call = LiveCall(
        tenant_id=joining.tenant_id,
        call_id=joining.call_id,
        version=1,
        state=CallState.WAITING,
        queue=policy.queue,
        subject_id=joining.subject_id,
        priority=stand.priority,
        lane=stand.lane,
        place_id=PlaceId(joining.call_id),
        entered_at=joining.entered_at,
        ranked_at=stand.ranked_at,
        rank=stand.rank,
        preferred_agent_id=joining.preferred_agent_id,
        preferred_until_at=stand.preferred_until_at,
        returns_for_id=joining.returns_for_id,
        due_at=due[0],
        due_reason=due[1],
    )
    event = told(CallJoined, call, at=now)
    return Decision(records=(call,), events=(event,))


def _due_in_line(
    preferred_until_at: datetime | None, *, policy: QueuePolicy, now: datetime
) -> tuple[datetime, DueReason]:
    life = (now + policy.call_life, DueReason.EXPIRES)
    if preferred_until_at is None or preferred_until_at > life[0]:
        return life
    return (preferred_until_at, DueReason.PREFERENCE_OVER)


def place(
    call: LiveCall,
    kind: type[CallPlaced],
    *,
    stand: Stand,
    policy: QueuePolicy,
    reason: str | None = None,
    now: datetime,
) -> Decision:
    """
    Give the caller another place: *kind* names why.

    Another rank or priority is no sign of life: when the call is taken for lost does not change with it.

    Raises:
        CallHasEnded: the call is over, or with an agent; one with an agent can still be moved to another queue.
    """
    with_agent = call.state is CallState.TAKEN and kind is CallMoved
    if not with_agent:
        check_waiting(call)
    due: tuple[datetime | None, DueReason | None] = (call.due_at, call.due_reason)
    if not with_agent and (stand.queue, stand.preferred_until_at) != (call.queue, call.preferred_until_at):
        due = _due_in_line(stand.preferred_until_at, policy=policy, now=now)
    record = _next(
        call,
        call.state,
        due=due,
        queue=stand.queue,
        priority=stand.priority,
        lane=stand.lane,
        ranked_at=stand.ranked_at,
        rank=stand.rank,
        preferred_until_at=stand.preferred_until_at,
    )
    event = told(kind, record, at=now, reason=reason)
    return Decision(records=(record,), events=(event,))


def take(
    call: LiveCall,
    agent_id: AgentId,
    *,
    subject: Subject | None,
    overtook: Ahead,
    policy: QueuePolicy,
    now: datetime,
) -> Decision:
    """Give the caller, who may be known as *subject*, to an agent."""
    decision = served(call, agent_id, overtook=overtook, policy=policy, now=now)
    effect = ConnectCall(
        call_id=call.call_id,
        agent_id=agent_id,
        queue=call.queue,
        number=(subject.number or None) if subject else None,
        name=subject.name if subject else None,
        language=subject.language if subject else None,
        entered_at=call.entered_at,
        priority=call.priority,
        context=dict(subject.contexts.get(call.call_id, {})) if subject else {},
    )
    return attrs.evolve(decision, effects=(effect,))


def served(
    call: LiveCall, agent_id: AgentId | None, *, overtook: Ahead, policy: QueuePolicy, now: datetime
) -> Decision:
    """The caller is with an agent: one whom callbackq chose, or whom the host's own ACD did."""
    record = _next(
        call,
        CallState.TAKEN,
        due=(now + policy.talk_time_max, DueReason.TALK_OVERDUE),
        agent_id=agent_id,
        taken_at=now,
        overtook_calls_count=call.overtook_calls_count + overtook.calls,
        overtook_callbacks_count=call.overtook_callbacks_count + overtook.callbacks,
    )
    event = CallTaken(
        **head(record, at=now),
        agent_id=agent_id,
        taken_at=now,
        overtook_calls_count=record.overtook_calls_count,
        overtook_callbacks_count=record.overtook_callbacks_count,
    )
    return Decision(records=(record,), events=(event,))


def give_back(call: LiveCall, *, policy: QueuePolicy, now: datetime) -> Decision:
    """The agent could not be connected: the caller stands in line with the place of before."""
    due = _due_in_line(call.preferred_until_at, policy=policy, now=now)
    record = _next(call, CallState.WAITING, due=due, agent_id=None, taken_at=None)
    return Decision(records=(record,), events=(CallReturned(**head(record, at=now)),))


def rejoin(call: LiveCall, *, policy: QueuePolicy, now: datetime) -> Decision:
    """The PBX has it though it was taken for lost: the caller stands in line with the place of before."""
    record = _next(
        call,
        CallState.WAITING,
        due=_due_in_line(call.preferred_until_at, policy=policy, now=now),
        agent_id=None,
        taken_at=None,
        outcome=None,
        ended_at=None,
    )
    return Decision(records=(record,), events=(CallRejoined(**head(record, at=now)),))


def leave(call: LiveCall, *, now: datetime) -> Decision:
    """The line is dead: abandoned if waiting, served if taken. Leaving twice is a no-op."""
    if call.state is CallState.ENDED:
        return Decision()
    return _end(call, ENDED_BY_LEAVING[call.state], now=now)


def convert(call: LiveCall, callback_id: CallbackId, *, abandoned: bool = False, now: datetime) -> Decision:
    """
    The caller hangs up and keeps the place as a callback: having asked, or, if *abandoned*, by policy alone.

    Raises:
        CallHasEnded: the call is over or with an agent; there is no place to keep.
    """
    check_waiting(call)
    outcome = CallOutcome.ABANDONED if abandoned else CallOutcome.CONVERTED
    return _end(call, outcome, now=now, callback_id=callback_id)


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


def due(call: LiveCall, *, lane: int, policy: QueuePolicy, now: datetime) -> Decision:
    """
    Do what time alone does: the preferred agent did not come; or nothing was heard of the call for so long.

    Args:
        lane: of its skills alone.
    """
    if call.due_reason is DueReason.PREFERENCE_OVER:
        return place(call, CallOpened, stand=opened(call, lane=lane), policy=policy, now=now)
    return _end(call, CallOutcome.EXPIRED, now=now)


def lose(call: LiveCall, *, now: datetime) -> Decision:
    """The PBX does not know it any more: it is over, nobody knows how; served, if it was with an agent."""
    outcome = CallOutcome.SERVED if call.state is CallState.TAKEN else CallOutcome.LOST
    return _end(call, outcome, now=now)


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

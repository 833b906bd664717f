"""
What an agent does next. Everything that changes an agent's state is in this file.

AVAILABLE agents are given work: RESERVED for an attempt, then BUSY when it is connected; or BUSY with a live call.
After it comes WRAP_UP where policy asks for it, or COOLING_DOWN after a reservation that was declined or ran out.
An agent who wants to go while at work is `leaving`, and SIGNED_OUT when the work is over.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs

from callbackq.core.decision import Decision, head
from callbackq.events import (
    AgentAvailable,
    AgentConnected,
    AgentEvent,
    AgentFreed,
    AgentLeaving,
    AgentReserved,
    AgentSignedIn,
    AgentSignedOut,
    AgentTookCall,
)
from callbackq.ids import AgentId, AttemptId, CallId, QueueName, TenantId
from callbackq.model import Agent, AgentState, DueReason

AT_WORK = (AgentState.RESERVED, AgentState.BUSY)
_STAYS = (*AT_WORK, AgentState.COOLING_DOWN)


@attrs.frozen(kw_only=True)
class Presence:
    """Who an agent is, and what can be given to them."""

    tenant_id: TenantId
    agent_id: AgentId
    queues: tuple[QueueName, ...]
    skills: tuple[str, ...]
    presence_max: timedelta


def sign_in(agent: Agent | None, presence: Presence, *, now: datetime) -> Decision:
    """
    Take down an agent's queues and skills. Makes AVAILABLE who was signed out or wrapping up.

    An agent at work stays at work, and one who is cooling down cools down: that pause is policy's, not theirs.
    """
    due = (now + presence.presence_max, DueReason.PRESENCE_OVER)
    if agent is None:
        record = Agent(
            tenant_id=presence.tenant_id,
            agent_id=presence.agent_id,
            version=1,
            state=AgentState.AVAILABLE,
            queues=presence.queues,
            skills=presence.skills,
            since_at=now,
            due_at=due[0],
            due_reason=due[1],
        )
    elif agent.state in _STAYS:
        record = _next(
            agent,
            agent.state,
            now,
            due=(agent.due_at, agent.due_reason),
            since_at=agent.since_at,
            queues=presence.queues,
            skills=presence.skills,
            leaving=False,
        )
    else:
        stays = agent.state is AgentState.AVAILABLE
        record = _next(
            agent,
            AgentState.AVAILABLE,
            now,
            due=due,
            since_at=agent.since_at if stays else now,
            queues=presence.queues,
            skills=presence.skills,
            leaving=False,
        )
    event = AgentSignedIn(
        **head(record, at=now), queues=record.queues, skills=record.skills, leaving=record.leaving
    )
    return Decision(records=(record,), events=(event,))


def reserve(agent: Agent, attempt_id: AttemptId, *, presence_max: timedelta, now: datetime) -> Decision:
    """Hold the agent for one attempt."""
    record = _next(
        agent,
        AgentState.RESERVED,
        now,
        due=(now + presence_max, DueReason.PRESENCE_OVER),
        attempt_id=attempt_id,
    )
    return _told(record, AgentReserved(**head(record, at=now), attempt_id=attempt_id))


def take_call(agent: Agent, call_id: CallId, *, presence_max: timedelta, now: datetime) -> Decision:
    """Give the agent a live call."""
    record = _next(
        agent, AgentState.BUSY, now, due=(now + presence_max, DueReason.PRESENCE_OVER), call_id=call_id
    )
    return _told(record, AgentTookCall(**head(record, at=now), call_id=call_id))


def connected(agent: Agent, *, now: datetime) -> Decision:
    """The agent and the customer of the attempt can hear each other."""
    record = _next(agent, AgentState.BUSY, now, due=(agent.due_at, agent.due_reason))
    return _told(record, AgentConnected(**head(record, at=now)))


def freed(
    agent: Agent, *, pause: timedelta, reason: DueReason, presence_max: timedelta, now: datetime
) -> Decision:
    """
    The work is over.

    Args:
        pause: wrap-up or cool-down; zero makes the agent AVAILABLE at once.
        reason: WRAP_UP_OVER or COOL_DOWN_OVER: which of the two it is.
    """
    state, due_at, due_reason = AgentState.AVAILABLE, now + presence_max, DueReason.PRESENCE_OVER
    if agent.leaving:
        return _sign_out(agent, now=now)
    if pause:
        state = AgentState.COOLING_DOWN if reason is DueReason.COOL_DOWN_OVER else AgentState.WRAP_UP
        due_at, due_reason = now + pause, reason
    record = _next(agent, state, now, due=(due_at, due_reason), attempt_id=None, call_id=None)
    return _told(record, AgentFreed(**head(record, at=now)))


def sign_out(agent: Agent, *, now: datetime) -> Decision:
    """Take no more calls: at once, or when the present work is over. Signing out twice is a no-op."""
    if agent.state is AgentState.SIGNED_OUT or agent.leaving:
        return Decision()
    if agent.state in AT_WORK:
        record = _next(
            agent,
            agent.state,
            now,
            due=(agent.due_at, agent.due_reason),
            since_at=agent.since_at,
            leaving=True,
        )
        return _told(record, AgentLeaving(**head(record, at=now)))
    return _sign_out(agent, now=now)


def due(agent: Agent, *, presence_max: timedelta, now: datetime) -> Decision:
    """
    Do what time alone does to an agent whose `due_at` has come.

    An agent at work of whom nothing was heard is looked at again later: the work has its own deadline.
    """
    if agent.state in AT_WORK:
        record = _next(
            agent,
            agent.state,
            now,
            due=(now + presence_max, DueReason.PRESENCE_OVER),
            since_at=agent.since_at,
            leaving=True,
        )
        return _told(record, AgentLeaving(**head(record, at=now)))
    if agent.due_reason is DueReason.PRESENCE_OVER:
        return _sign_out(agent, now=now)
    record = _next(agent, AgentState.AVAILABLE, now, due=(now + presence_max, DueReason.PRESENCE_OVER))
    return _told(record, AgentAvailable(**head(record, at=now)))


def _sign_out(agent: Agent, *, now: datetime) -> Decision:
    record = _next(
        agent,
        AgentState.SIGNED_OUT,
        now,
        due=(None, None),
        attempt_id=None,
        call_id=None,
        leaving=False,
    )
    return _told(record, AgentSignedOut(**head(record, at=now)))


def _next(
    agent: Agent,
    state: AgentState,
    now: datetime,
    *,
    due: tuple[datetime | None, DueReason | None],
    **changes: Any,
) -> Agent:
    changes.setdefault("since_at", now)
    return attrs.evolve(
        agent, version=agent.version + 1, state=state, due_at=due[0], due_reason=due[1], **changes
    )


def _told(record: Agent, event: AgentEvent) -> Decision:
    return Decision(records=(record,), events=(event,))

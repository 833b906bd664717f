"""What happens to agents."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import attrs

from callbackq.events.base import Event
from callbackq.ids import (
    AgentId,
    AttemptId,
    CallId,
    QueueName,
)
from callbackq.model import AgentState, Entity


@attrs.frozen(kw_only=True)
class AgentEvent(Event):
    """Something happened to an agent."""

    entity: ClassVar[Entity] = Entity.AGENT
    agent_id: AgentId
    state: AgentState
    since_at: datetime


@attrs.frozen(kw_only=True)
class AgentSignedIn(AgentEvent):
    """The agent said which queues and skills to count on; takes calls as soon as the state allows."""

    queues: tuple[QueueName, ...]
    skills: tuple[str, ...]
    leaving: bool


@attrs.frozen(kw_only=True)
class AgentReserved(AgentEvent):
    """The agent is held for one attempt."""

    attempt_id: AttemptId


@attrs.frozen(kw_only=True)
class AgentTookCall(AgentEvent):
    """The agent was given a live call."""

    call_id: CallId


@attrs.frozen(kw_only=True)
class AgentConnected(AgentEvent):
    """The agent talks to the customer of the attempt."""


@attrs.frozen(kw_only=True)
class AgentFreed(AgentEvent):
    """The call or attempt is over; wrap-up and cool-down come first where policy asks for them."""

    attempt_id: None = None
    call_id: None = None
    leaving: bool = False


@attrs.frozen(kw_only=True)
class AgentAvailable(AgentEvent):
    """Wrap-up or cool-down is over."""


@attrs.frozen(kw_only=True)
class AgentLeaving(AgentEvent):
    """The agent wants to go, and is signed out when the present call is over."""

    leaving: bool = True


@attrs.frozen(kw_only=True)
class AgentSignedOut(AgentEvent):
    """The agent takes no more calls."""

    attempt_id: None = None
    call_id: None = None
    leaving: bool = False

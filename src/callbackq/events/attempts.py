"""What happens to attempts, and the reports that changed nothing."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import attrs

from callbackq.events.base import Event
from callbackq.ids import (
    AgentId,
    AttemptId,
    CallbackId,
    LegId,
    NodeId,
    QueueName,
    SubjectId,
)
from callbackq.model import (
    Announcement,
    AnsweredBy,
    AttemptState,
    Cause,
    Confirmation,
    Disposition,
    Entity,
    LegState,
    Mode,
    ReportKind,
    Role,
)


@attrs.frozen(kw_only=True)
class AttemptEvent(Event):
    """Something happened to an attempt."""

    entity: ClassVar[Entity] = Entity.ATTEMPT
    attempt_id: AttemptId
    callback_id: CallbackId
    state: AttemptState


@attrs.frozen(kw_only=True)
class AttemptStarted(AttemptEvent):
    """The intent to dial was recorded. Only after it is durable is anybody dialed."""

    queue: QueueName
    subject_id: SubjectId
    number_key: str
    mode: Mode
    agent_id: AgentId | None
    node_id: NodeId
    agent_leg_id: LegId
    agent_leg: LegState
    customer_leg_id: LegId
    customer_leg: LegState
    started_at: datetime
    agents_rung_count: int = 0
    agent_until_at: datetime | None = None
    customer_until_at: datetime | None = None
    number_index: int = 0
    announces: Announcement | None = None


@attrs.frozen(kw_only=True)
class AttemptProgress(AttemptEvent):
    """What a report, a deadline or a person made of the attempt and its legs. `by` is the person."""

    cause: str
    agent_id: AgentId | None
    agent_leg: LegState
    agents_rung_count: int
    agent_until_at: datetime | None
    customer_leg: LegState
    customer_until_at: datetime | None
    customer_rang: bool
    customer_answered_at: datetime | None
    answered_by: AnsweredBy | None
    confirmation: Confirmation | None
    recording_id: str | None
    disposition: Disposition | None
    connected_at: datetime | None
    raw_cause: str | None = None
    by: str | None = None
    reason: str | None = None


@attrs.frozen(kw_only=True)
class AttemptMoved(AttemptProgress):
    """The attempt, or one of its legs, went on."""


@attrs.frozen(kw_only=True)
class AttemptTakenOver(AttemptProgress):
    """A node took the attempt over from one that is silent, has left, or had its name before. `cause` says so."""

    node_id: NodeId
    from_node_id: NodeId


@attrs.frozen(kw_only=True)
class AttemptEnded(AttemptProgress):
    """No leg is left: the attempt is over."""

    ended_at: datetime


@attrs.frozen(kw_only=True)
class ReportIgnored(AttemptEvent):
    """A report came twice, late or out of order. It is kept here, and changed nothing."""

    leg_id: LegId
    role: Role
    report: ReportKind
    leg_cause: Cause
    reason: str
    raw_cause: str | None = None

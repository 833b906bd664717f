"""
History events, in the past tense. One is written with every change, in the same transaction.

Every field that an event shares with its record by name is the value that the record had after the event;
that is the whole law by which `core.history.fold` builds the record again.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import ClassVar

import attrs

from callbackq.ids import (
    AgentId,
    AttemptId,
    CallbackId,
    CallId,
    LegId,
    NodeId,
    OfferId,
    PlaceId,
    QueueName,
    SubjectId,
    TenantId,
)
from callbackq.model import (
    AgentState,
    AnsweredBy,
    AttemptState,
    CallbackState,
    CallOutcome,
    CallState,
    Cause,
    Channel,
    Confirmation,
    Disposition,
    DueReason,
    Entity,
    HoldReason,
    LegState,
    Mode,
    NoticeKind,
    OfferReason,
    Outcome,
    ReportKind,
    Role,
)


@attrs.frozen(kw_only=True)
class Event:
    """
    The head of every event.

    `version` is the version of the record after the event; `at` is when it happened.
    """

    entity: ClassVar[Entity]
    kind: ClassVar[str]

    tenant_id: TenantId
    version: int
    at: datetime
    due_at: datetime | None
    due_reason: DueReason | None

    def __init_subclass__(cls) -> None:
        cls.kind = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


# ---------------------------------------------------------------------------- callbacks


@attrs.frozen(kw_only=True)
class CallbackEvent(Event):
    """Something happened to a callback."""

    entity: ClassVar[Entity] = Entity.CALLBACK
    callback_id: CallbackId
    state: CallbackState


@attrs.frozen(kw_only=True)
class CallbackRequested(CallbackEvent):
    """The promise was made."""

    queue: QueueName
    subject_id: SubjectId
    call_id: CallId | None
    channel: Channel
    mode: Mode
    priority: int
    lane: int
    place_id: PlaceId
    entered_at: datetime
    requested_at: datetime
    ranked_at: datetime
    rank: int
    scheduled_at: datetime | None
    expires_at: datetime
    dedup_key: str | None
    request_key: str | None
    offer_id: OfferId | None
    quoted_position: int | None
    quoted_position_exact: bool
    quoted_wait_s: float | None
    quoted_wait_low_s: float | None
    quoted_wait_high_s: float | None
    quoted_by: str | None = None
    preferred_agent_id: AgentId | None = None
    preferred_until_at: datetime | None = None
    owner_id: AgentId | None = None
    ticket_id: str | None = None
    caller_id: str | None = None
    media: str | None = None


@attrs.frozen(kw_only=True)
class CallbackPlaced(CallbackEvent):
    """The callback has another place in line than before, or the same one in another queue or lane."""

    queue: QueueName
    mode: Mode
    priority: int
    lane: int
    ranked_at: datetime
    rank: int
    preferred_until_at: datetime | None = None
    dedup_key: str | None = None
    reason: str | None = None
    by: str | None = None


@attrs.frozen(kw_only=True)
class CallbackReady(CallbackPlaced):
    """Its time came, its rest or its hold is over: it stands in line."""

    hold_reason: HoldReason | None = None


@attrs.frozen(kw_only=True)
class CallbackMoved(CallbackPlaced):
    """It was moved to another queue. Its entry time stays."""


@attrs.frozen(kw_only=True)
class CallbackPrioritized(CallbackPlaced):
    """It was given another priority."""


@attrs.frozen(kw_only=True)
class CallbackReranked(CallbackPlaced):
    """The host's function, or other credits of the policy, gave it another rank."""


@attrs.frozen(kw_only=True)
class CallbackOpened(CallbackPlaced):
    """Its preferred agent did not come in time: any agent who has the skills may serve it."""


@attrs.frozen(kw_only=True)
class CallbackRequeued(CallbackPlaced):
    """Its turn came and could not be used within the response window."""

    turn_at: None = None


@attrs.frozen(kw_only=True)
class CallbackMerged(CallbackPlaced):
    """Another callback of the same person was merged into it: the better place and priority of the two."""

    merged_id: CallbackId
    owner_id: AgentId | None = None
    ticket_id: str | None = None


@attrs.frozen(kw_only=True)
class CallbackWaitedLong(CallbackEvent):
    """It has waited longer than the policy's longest virtual wait. It keeps its place."""

    waited_long_at: datetime


@attrs.frozen(kw_only=True)
class CallbackTicketed(CallbackEvent):
    """A ticket was opened for it."""

    ticket_id: str


@attrs.frozen(kw_only=True)
class CallbackCalledIn(CallbackEvent):
    """The customer called in while waiting, and holds both places, or was told of this one."""

    called_in_id: CallId


@attrs.frozen(kw_only=True)
class CallbackRenumbered(CallbackEvent):
    """The number to call was changed or corrected. The place is as it was."""

    number_index: int = 0
    attempts_count: int = 0
    dedup_key: str | None = None
    by: str | None = None


@attrs.frozen(kw_only=True)
class CallbackHeld(CallbackEvent):
    """A rule forbids dialing for now."""

    hold_reason: HoldReason


@attrs.frozen(kw_only=True)
class CallbackFailed(CallbackEvent):
    """The attempt counted and failed, and nobody is dialed before the number is corrected."""

    attempt_id: None = None
    attempts_count: int
    last_disposition: Disposition
    hold_reason: HoldReason


@attrs.frozen(kw_only=True)
class CallbackReopened(CallbackEvent):
    """It was taken for done, and a person said that it was not: somebody else answered, or a machine."""

    attempt_id: None = None
    number_index: int
    last_disposition: Disposition
    hold_reason: HoldReason | None
    expires_at: datetime
    dedup_key: str | None
    outcome: None = None
    ended_at: None = None
    by: str
    reason: str | None = None


@attrs.frozen(kw_only=True)
class CallbackScored(CallbackEvent):
    """The host reported how the callback went."""

    score: float | None
    resolved: bool | None
    by: str | None = None


@attrs.frozen(kw_only=True)
class CallbackAttempted(CallbackEvent):
    """An agent was reserved, and an attempt was started."""

    attempt_id: AttemptId
    agent_id: AgentId | None
    number_index: int = 0
    turn_at: datetime | None = None
    overtook_calls_count: int = 0
    overtook_callbacks_count: int = 0


@attrs.frozen(kw_only=True)
class CallbackWatched(CallbackEvent):
    """The attempt outlasted its time, and its own deadlines are yet to end it."""


@attrs.frozen(kw_only=True)
class CallbackReturned(CallbackEvent):
    """The attempt did not count; the place is as it was."""

    attempt_id: None = None
    last_disposition: Disposition


@attrs.frozen(kw_only=True)
class CallbackRested(CallbackEvent):
    """The attempt counted and failed; it is tried again when the rest is over."""

    attempt_id: None = None
    attempts_count: int
    last_disposition: Disposition
    number_index: int = 0
    notice: NoticeKind | None = None


@attrs.frozen(kw_only=True)
class CallbackEnded(CallbackEvent):
    """The promise came to its end."""

    attempts_count: int
    last_disposition: Disposition | None
    hold_reason: None = None
    outcome: Outcome
    ended_at: datetime
    merged_into_id: CallbackId | None = None
    reason: str | None = None
    by: str | None = None
    notices: tuple[NoticeKind, ...] = ()
    follow_up_due_at: datetime | None = None
    no_shows_count: int | None = None


# ---------------------------------------------------------------------------- live calls


@attrs.frozen(kw_only=True)
class CallEvent(Event):
    """Something happened to a live call."""

    entity: ClassVar[Entity] = Entity.CALL
    call_id: CallId
    state: CallState


@attrs.frozen(kw_only=True)
class CallJoined(CallEvent):
    """A caller took a place in line."""

    queue: QueueName
    subject_id: SubjectId | None
    priority: int
    lane: int
    place_id: PlaceId
    entered_at: datetime
    ranked_at: datetime
    rank: int
    preferred_agent_id: AgentId | None = None
    preferred_until_at: datetime | None = None
    returns_for_id: CallbackId | None = None


@attrs.frozen(kw_only=True)
class CallPlaced(CallEvent):
    """The live call has another place in line than before, or the same one in another queue or lane."""

    queue: QueueName
    priority: int
    lane: int
    ranked_at: datetime
    rank: int
    preferred_until_at: datetime | None = None
    reason: str | None = None


@attrs.frozen(kw_only=True)
class CallMoved(CallPlaced):
    """It was moved to another queue. Its entry time stays."""


@attrs.frozen(kw_only=True)
class CallPrioritized(CallPlaced):
    """It was given another priority."""


@attrs.frozen(kw_only=True)
class CallReranked(CallPlaced):
    """The host's function, or other credits of the policy, gave it another rank."""


@attrs.frozen(kw_only=True)
class CallOpened(CallPlaced):
    """Its preferred agent did not come in time: any agent who has the skills may serve it."""


@attrs.frozen(kw_only=True)
class CallOffered(CallEvent):
    """A callback was offered, with what was quoted."""

    offers_count: int
    offer_id: OfferId
    reason: OfferReason
    quoted_at: datetime
    quoted_position: int
    quoted_wait_s: float | None
    quoted_wait_low_s: float | None
    quoted_wait_high_s: float | None
    quoted_by: str | None
    offer_until_at: datetime | None = None


@attrs.frozen(kw_only=True)
class CallDeclined(CallEvent):
    """The caller declined a callback and keeps holding. The place is as it was, and the offer is gone."""

    offer_id: None = None
    offer_until_at: None = None
    declined_offer_id: OfferId
    declines_count: int
    declined_at: datetime


@attrs.frozen(kw_only=True)
class CallTaken(CallEvent):
    """The caller was given to an agent: by callbackq, or by the host's own ACD (the agent may be unknown then)."""

    agent_id: AgentId | None
    taken_at: datetime
    overtook_calls_count: int = 0
    overtook_callbacks_count: int = 0


@attrs.frozen(kw_only=True)
class CallReturned(CallEvent):
    """The agent could not be connected; the place is as it was."""

    agent_id: None = None
    taken_at: None = None


@attrs.frozen(kw_only=True)
class CallRejoined(CallEvent):
    """It was taken for lost, and the PBX still has it; the place is as it was."""

    agent_id: None = None
    taken_at: None = None
    outcome: None = None
    ended_at: None = None


@attrs.frozen(kw_only=True)
class CallEnded(CallEvent):
    """The live call is over: served, abandoned, or turned into a callback."""

    outcome: CallOutcome
    ended_at: datetime
    callback_id: CallbackId | None = None


# ---------------------------------------------------------------------------- agents


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


# ---------------------------------------------------------------------------- queues


@attrs.frozen(kw_only=True)
class QueueSwitched(Event):
    """Offering or dialing was paused or resumed, for one queue or for all."""

    entity: ClassVar[Entity] = Entity.QUEUE
    queue: QueueName
    offering_paused: bool
    dialing_paused: bool
    reason: str | None
    changed_at: datetime


# ---------------------------------------------------------------------------- attempts


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

"""What happens to callbacks."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import attrs

from callbackq.events.base import Event
from callbackq.ids import (
    AgentId,
    AttemptId,
    BookingId,
    CallbackId,
    CallId,
    OfferId,
    PlaceId,
    QueueName,
    SubjectId,
    VerificationId,
)
from callbackq.model import (
    CallbackState,
    Channel,
    Disposition,
    Entity,
    HoldReason,
    Mode,
    NoticeKind,
    Outcome,
    Purpose,
)


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
    booking_id: BookingId | None = None
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
    purpose: Purpose = Purpose.REQUESTED
    consent_at: datetime | None = None
    consent_ref: str | None = None
    verification_id: VerificationId | None = None
    follows_id: CallbackId | None = None


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
    expires_at: datetime
    number_index: int
    purpose: Purpose
    consent_at: datetime | None = None
    consent_ref: str | None = None


@attrs.frozen(kw_only=True)
class CallbackWaitedLong(CallbackEvent):
    """It has waited longer than the policy's longest virtual wait. It keeps its place."""

    waited_long_at: datetime


@attrs.frozen(kw_only=True)
class CallbackRescheduled(CallbackEvent):
    """It was given another time: by a person, or because the rules of its zone have changed."""

    scheduled_at: datetime
    booking_id: BookingId | None
    lane: int
    ranked_at: datetime
    rank: int
    preferred_until_at: datetime | None
    expires_at: datetime
    attempts_count: int
    number_index: int
    hold_reason: HoldReason | None
    turn_at: datetime | None
    waited_long_at: datetime | None
    reason: str | None = None
    by: str | None = None


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
    """An attempt failed, and is the last of its kind: the number is to be corrected, or the customer to be told."""

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
class CallbackTicketReopened(CallbackEvent):
    """Its ticket was opened again: what was talked of was not resolved by it after all."""

    ticket_id: str | None
    resolved: bool = False
    by: str | None = None
    reason: str | None = None


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
class CallbackAnnounced(CallbackEvent):
    """The customer is called, by no agent, to be told what becomes of it: an attempt of their leg alone was started."""

    attempt_id: AttemptId
    number_index: int = 0
    hold_reason: None = None


@attrs.frozen(kw_only=True)
class CallbackWatched(CallbackEvent):
    """It was looked at, and will be again: an attempt outlasts its time, or a booking need not join the line yet."""


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

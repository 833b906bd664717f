"""What happens to live calls."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import attrs

from callbackq.events.base import Event
from callbackq.ids import (
    AgentId,
    CallbackId,
    CallId,
    OfferId,
    PlaceId,
    QueueName,
    SubjectId,
)
from callbackq.model import (
    CallOutcome,
    CallState,
    Entity,
    OfferReason,
)


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

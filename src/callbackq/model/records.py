"""
The records: frozen rows that the store keeps.

Four kinds of record have a life of their own: callbacks, live calls, agents and attempts. Each that has
not ended carries one `due_at` with a `due_reason`: the earliest moment at which time alone changes it.
What is switched on and off for a whole queue stands in `QueueControl`.
Names, numbers and free context live in `Subject` only.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import attrs

from callbackq.ids import (
    AgentId,
    AttemptId,
    BookingId,
    CallbackId,
    CallId,
    LegId,
    NodeId,
    OfferId,
    PlaceId,
    QueueName,
    SubjectId,
    TenantId,
    VerificationId,
)
from callbackq.masking import repr_masked
from callbackq.model.bookings import Booking
from callbackq.model.guards import OptOut
from callbackq.model.messages import Message
from callbackq.model.words import (
    AgentState,
    Announcement,
    AnsweredBy,
    AttemptState,
    CallbackState,
    CallOutcome,
    CallState,
    Channel,
    Confirmation,
    Disposition,
    DueReason,
    HoldReason,
    LegState,
    Mode,
    Outcome,
    Purpose,
)


@attrs.frozen(kw_only=True)
class Subject:
    """
    The person behind callbacks and live calls. The only record that holds personal data.

    `identity` is what makes two requests the same person: `tel:+12125550123` or `tel:+12125550123;ext=7`
    unless the host supplies its own. `alternatives` are other numbers of the same person, in the order in which they
    are tried; `wrong_numbers` are those at which somebody else answered; `record_number` is the one that the host's
    own records have. `flagged_at` is when the person was flagged for missing callbacks at times they had chosen.
    `contexts` holds the free fields of each request, by callback or call id.

    `customer_id` is the host's own id of the customer, where it gave one: no two persons have the same. `tier` is
    what the host calls the customer's class of service. `preferred_number`, `language`, `zone`, `channel` and `hours`
    are preferences, used on every channel where a request says nothing else; `hours` are those in which the customer
    wants to be called: `{"monday": "09:00-12:00,14:00-18:00"}`, in `zone`. `email` is where messages go that are sent
    by e-mail, and `pending_number` a new number that the customer gave by message and has not proved yet. `seen_at`
    is about when anything was last heard of the person. After `erased_at` nothing of the above is there any more,
    and `number` is empty.
    """

    tenant_id: TenantId
    subject_id: SubjectId
    version: int = 1
    identity: str = attrs.field(repr=False)
    number: str = attrs.field(repr=repr_masked)
    extension: str | None = attrs.field(default=None, repr=False)
    name: str | None = attrs.field(default=None, repr=False)
    language: str | None = None
    alternatives: tuple[str, ...] = attrs.field(default=(), repr=False)
    wrong_numbers: tuple[str, ...] = attrs.field(default=(), repr=False)
    record_number: str | None = attrs.field(default=None, repr=False)
    flagged_at: datetime | None = None
    contexts: Mapping[str, Mapping[str, str]] = attrs.field(factory=dict[str, Mapping[str, str]], repr=False)
    customer_id: str | None = attrs.field(default=None, repr=False)
    tier: str | None = None
    preferred_number: str | None = attrs.field(default=None, repr=False)
    zone: str | None = attrs.field(default=None, repr=False)
    channel: str | None = None
    hours: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)
    email: str | None = attrs.field(default=None, repr=False)
    pending_number: str | None = attrs.field(default=None, repr=False)
    created_at: datetime
    seen_at: datetime | None = None
    erased_at: datetime | None = None


@attrs.frozen(kw_only=True)
class Callback:
    """
    The promise to call one customer back.

    `entered_at` is when the caller first entered the queue, and is never rewritten. `ranked_at` is what policy
    orders by; `rank` is the integer, in microseconds, that every store sorts by; ties go by `place_id`.
    `lane` is the set of skills that the place needs, as a number; while it waits for its preferred agent alone,
    until `preferred_until_at`, that agent is part of the set. `owner_id` is the agent who asked for it.
    `turn_at` is when its turn first came, and `waited_long_at` when it was said to have waited too long.
    `caller_id` and `media` are handed to the telephony as they are. `called_in_id` is the live call with which
    the customer came back while waiting. `number_index` says which of the person's numbers is dialed next: 0 is the
    main one, n the n-th alternative. `score` and `resolved` are what the host reported of it afterwards.
    `booking_id` is the seat in a slot that is booked for it, where its queue has slots.
    `purpose` is why the customer is called; `consent_at` is when the customer agreed to it, and `consent_ref` the
    host's own reference to how. `verification_id` is the one-time code by which the customer proved that the number
    is theirs. `follows_id` is an earlier callback of the person that had just ended when this one was asked for.
    `dedup_key` is the key that no other callback may hold while this one has not ended; `None` where duplicates
    are allowed. `quoted_*` is what the customer was told, and by which estimator. `overtook_*` counts the places
    of its class (queue, priority, lane) that stood before it, ready, when it was started.
    """

    tenant_id: TenantId
    callback_id: CallbackId
    version: int
    state: CallbackState
    queue: QueueName
    subject_id: SubjectId
    call_id: CallId | None = None
    channel: Channel
    mode: Mode
    priority: int
    lane: int = 0
    place_id: PlaceId
    entered_at: datetime
    requested_at: datetime
    ranked_at: datetime
    rank: int
    scheduled_at: datetime | None = None
    booking_id: BookingId | None = None
    expires_at: datetime
    preferred_agent_id: AgentId | None = None
    preferred_until_at: datetime | None = None
    owner_id: AgentId | None = None
    ticket_id: str | None = None
    caller_id: str | None = None
    media: str | None = None
    called_in_id: CallId | None = None
    purpose: Purpose = Purpose.REQUESTED
    consent_at: datetime | None = None
    consent_ref: str | None = None
    verification_id: VerificationId | None = None
    follows_id: CallbackId | None = None
    number_index: int = 0
    turn_at: datetime | None = None
    waited_long_at: datetime | None = None
    dedup_key: str | None = None
    request_key: str | None = None
    attempt_id: AttemptId | None = None
    attempts_count: int = 0
    last_disposition: Disposition | None = None
    hold_reason: HoldReason | None = None
    offer_id: OfferId | None = None
    quoted_position: int | None = None
    quoted_position_exact: bool = True
    quoted_wait_s: float | None = None
    quoted_wait_low_s: float | None = None
    quoted_wait_high_s: float | None = None
    quoted_by: str | None = None
    overtook_calls_count: int = 0
    overtook_callbacks_count: int = 0
    merged_into_id: CallbackId | None = None
    score: float | None = None
    resolved: bool | None = None
    outcome: Outcome | None = None
    ended_at: datetime | None = None
    due_at: datetime | None
    due_reason: DueReason | None


@attrs.frozen(kw_only=True)
class LiveCall:
    """
    A caller who is on the line, waiting or being served. It stands in one line with the callbacks.

    `callback_id` is the callback that it was turned into, `returns_for_id` one that its caller was waiting for, or had
    missed, when calling in. `quoted_*` is what the last offer said; `offer_id` stands until `offer_until_at`, or until
    it is declined. The rest is as in `Callback`.
    """

    tenant_id: TenantId
    call_id: CallId
    version: int
    state: CallState
    queue: QueueName
    subject_id: SubjectId | None = None
    priority: int
    lane: int = 0
    place_id: PlaceId
    entered_at: datetime
    ranked_at: datetime
    rank: int
    preferred_agent_id: AgentId | None = None
    preferred_until_at: datetime | None = None
    offers_count: int = 0
    declines_count: int = 0
    declined_at: datetime | None = None
    quoted_at: datetime | None = None
    quoted_position: int | None = None
    quoted_wait_s: float | None = None
    quoted_wait_low_s: float | None = None
    quoted_wait_high_s: float | None = None
    quoted_by: str | None = None
    offer_id: OfferId | None = None
    offer_until_at: datetime | None = None
    overtook_calls_count: int = 0
    overtook_callbacks_count: int = 0
    agent_id: AgentId | None = None
    taken_at: datetime | None = None
    callback_id: CallbackId | None = None
    returns_for_id: CallbackId | None = None
    outcome: CallOutcome | None = None
    ended_at: datetime | None = None
    due_at: datetime | None
    due_reason: DueReason | None


@attrs.frozen(kw_only=True)
class Agent:
    """
    A human who takes calls.

    `since_at` is when the present state began; the agent who has been AVAILABLE longest is chosen first.
    `leaving` says that the agent asked to go while busy, and is signed out as soon as the call is over.
    """

    tenant_id: TenantId
    agent_id: AgentId
    version: int
    state: AgentState
    queues: tuple[QueueName, ...]
    skills: tuple[str, ...] = ()
    since_at: datetime
    attempt_id: AttemptId | None = None
    call_id: CallId | None = None
    leaving: bool = False
    due_at: datetime | None
    due_reason: DueReason | None


@attrs.frozen(kw_only=True)
class Attempt:
    """
    One try to connect one callback.

    The core chooses the leg ids before anything is dialed; a leg id is dialed at most once. `number_key` is a
    keyed digest of the number, so that one number never has two live attempts, and no number stands in this row.
    `agent_id` is None while an agent is looked for. The first agent who is rung has the leg `agent_leg_id`, the n-th
    has `agent_leg_id.n`; `agent_leg` is the state of the latest, and `agents_rung_count` says which that is.
    `agent_until_at` and `customer_until_at` are by when each leg must have gone on; `due_at` is the earlier one.
    `announces` is what an attempt is for that has no agent, and never gets one: the customer is told that, and it is
    over; its `agent_leg_id` is never dialed.
    `recording_id` is the telephony's own name for a recording.
    """

    tenant_id: TenantId
    attempt_id: AttemptId
    version: int
    state: AttemptState
    callback_id: CallbackId
    queue: QueueName
    subject_id: SubjectId
    number_key: str
    mode: Mode
    announces: Announcement | None = None
    agent_id: AgentId | None
    node_id: NodeId
    agent_leg_id: LegId
    agent_leg: LegState
    agents_rung_count: int = 0
    agent_until_at: datetime | None = None
    customer_leg_id: LegId
    customer_leg: LegState
    customer_until_at: datetime | None = None
    customer_rang: bool = False
    customer_answered_at: datetime | None = None
    number_index: int = 0
    answered_by: AnsweredBy | None = None
    confirmation: Confirmation | None = None
    recording_id: str | None = None
    disposition: Disposition | None = None
    started_at: datetime
    connected_at: datetime | None = None
    ended_at: datetime | None = None
    due_at: datetime | None
    due_reason: DueReason | None


@attrs.frozen(kw_only=True)
class QueueControl:
    """
    What is switched for one queue, or for all of them (`queue` is `ALL_QUEUES`), at run time and on every node.

    A queue is paused if its own row says so, or the one for all. There is no row until something is switched.
    """

    tenant_id: TenantId
    queue: QueueName
    version: int
    offering_paused: bool = False
    dialing_paused: bool = False
    reason: str | None = None
    changed_at: datetime


ALL_QUEUES: Final = QueueName("*")

Record = Callback | LiveCall | Agent | Attempt | QueueControl | Booking | OptOut | Message
Place = Callback | LiveCall

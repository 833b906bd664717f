"""
The records: frozen rows that the store keeps, and the values that the host is given.

A record that changes is a new record with a version one higher. Instants are aware UTC and end in `_at`.
Four kinds of record have a life of their own: callbacks, live calls, agents and attempts. Each that has
not ended carries one `due_at` with a `due_reason`: the earliest moment at which time alone changes it.
Names, numbers and free context live in `Subject` only.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime

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
from callbackq.masking import repr_masked

# ---------------------------------------------------------------------------- words


class Entity(enum.StrEnum):
    """The four kinds of record that have a history."""

    CALLBACK = "callback"
    CALL = "call"
    AGENT = "agent"
    ATTEMPT = "attempt"


class CallbackState(enum.StrEnum):
    """Where a callback stands. `core.lifecycle` holds the table of transitions."""

    SCHEDULED = "scheduled"
    WAITING = "waiting"
    ATTEMPTING = "attempting"
    RESTING = "resting"
    HELD = "held"
    ENDED = "ended"


class CallState(enum.StrEnum):
    """Where a live call stands."""

    WAITING = "waiting"
    TAKEN = "taken"
    ENDED = "ended"


class AgentState(enum.StrEnum):
    """What an agent does. Only an AVAILABLE agent is given a live call or an attempt."""

    AVAILABLE = "available"
    RESERVED = "reserved"
    BUSY = "busy"
    WRAP_UP = "wrap_up"
    COOLING_DOWN = "cooling_down"
    SIGNED_OUT = "signed_out"


class AttemptState(enum.StrEnum):
    """Where an attempt stands. `core.attempt` holds the table of transitions."""

    INTENDED = "intended"
    AGENT_ON_LINE = "agent_on_line"
    JOINING = "joining"
    CONNECTED = "connected"
    ENDING = "ending"
    ENDED = "ended"


class LegState(enum.StrEnum):
    """What is known of one leg. It only ever moves down this list."""

    NONE = "none"
    INTENDED = "intended"
    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"


class Role(enum.StrEnum):
    """Whose leg it is."""

    AGENT = "agent"
    CUSTOMER = "customer"


class Mode(enum.StrEnum):
    """Which leg starts when."""

    AGENT_FIRST = "agent_first"
    CUSTOMER_FIRST = "customer_first"
    SIMULTANEOUS = "simultaneous"


class Channel(enum.StrEnum):
    """How a callback was asked for."""

    IN_QUEUE = "in_queue"
    WEB = "web"
    MESSAGE = "message"
    AGENT = "agent"
    EVENT = "event"


class Disposition(enum.StrEnum):
    """How one attempt ended."""

    CONNECTED = "connected"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    MACHINE = "machine"
    FAX = "fax"
    REJECTED = "rejected"
    INVALID_NUMBER = "invalid_number"
    UNREACHABLE = "unreachable"
    CONGESTED = "congested"
    NETWORK_FAILURE = "network_failure"
    ANSWERED_THEN_LEFT = "answered_then_left"
    WRONG_PERSON = "wrong_person"
    DECLINED_BY_CUSTOMER = "declined_by_customer"
    AGENT_UNAVAILABLE = "agent_unavailable"
    CANCELLED_BY_US = "cancelled_by_us"
    UNKNOWN = "unknown"


class Outcome(enum.StrEnum):
    """How a callback ended."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    UNREACHED = "unreached"
    DECLINED_BY_AGENTS = "declined_by_agents"
    REPLACED = "replaced"
    REFUSED_BY_RULE = "refused_by_rule"
    SERVED_ELSEWHERE = "served_elsewhere"


class CallOutcome(enum.StrEnum):
    """How a live call ended."""

    SERVED = "served"
    ABANDONED = "abandoned"
    CONVERTED = "converted"
    EXPIRED = "expired"


class DueReason(enum.StrEnum):
    """Why a record is looked at when its `due_at` has come."""

    EXPIRES = "expires"
    SCHEDULED = "scheduled"
    REST_OVER = "rest_over"
    HOLD_OVER = "hold_over"
    ATTEMPT_OVERDUE = "attempt_overdue"
    AGENT_RING_OVER = "agent_ring_over"
    RING_OVER = "ring_over"
    JOIN_OVERDUE = "join_overdue"
    TALK_OVERDUE = "talk_overdue"
    HANG_UP_WANTED = "hang_up_wanted"
    HANG_UP_OVERDUE = "hang_up_overdue"
    LEG_IN_DOUBT = "leg_in_doubt"
    WRAP_UP_OVER = "wrap_up_over"
    COOL_DOWN_OVER = "cool_down_over"
    PRESENCE_OVER = "presence_over"


class HoldReason(enum.StrEnum):
    """Which rule forbids dialing a callback that is HELD."""

    NUMBER_IN_USE = "number_in_use"


class ReportKind(enum.StrEnum):
    """What the telephony reports of a leg."""

    RINGING = "ringing"
    ANSWERED = "answered"
    BRIDGED = "bridged"
    ENDED = "ended"
    UNCERTAIN = "uncertain"


class Cause(enum.StrEnum):
    """Why a leg ended, in the telephony's words made ours."""

    NORMAL = "normal"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    REJECTED = "rejected"
    INVALID_NUMBER = "invalid_number"
    UNREACHABLE = "unreachable"
    CONGESTED = "congested"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class AnsweredBy(enum.StrEnum):
    """Who or what answered the customer's phone."""

    UNKNOWN = "unknown"
    HUMAN = "human"
    MACHINE = "machine"
    FAX = "fax"


# ---------------------------------------------------------------------------- records


@attrs.frozen(kw_only=True)
class Subject:
    """
    The person behind callbacks and live calls. The only record that holds personal data.

    `identity` is what makes two requests the same person: `tel:+12125550123` or `tel:+12125550123;ext=7`
    unless the host supplies its own. `contexts` holds the free fields of each request, by callback or call id.
    """

    tenant_id: TenantId
    subject_id: SubjectId
    version: int = 1
    identity: str = attrs.field(repr=False)
    number: str = attrs.field(repr=repr_masked)
    extension: str | None = attrs.field(default=None, repr=False)
    name: str | None = attrs.field(default=None, repr=False)
    language: str | None = None
    contexts: Mapping[str, Mapping[str, str]] = attrs.field(factory=dict[str, Mapping[str, str]], repr=False)
    created_at: datetime


@attrs.frozen(kw_only=True)
class Callback:
    """
    The promise to call one customer back.

    `entered_at` is when the caller first entered the queue, and is never rewritten. `ranked_at` is what policy
    orders by; `rank` is the integer, in microseconds, that every store sorts by; ties go by `place_id`.
    `lane` is the set of skills that the place needs, as a number. `dedup_key` is the key that no other
    callback may hold while this one has not ended; `None` where duplicates are allowed.
    `quoted_*` is what the customer was told.
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
    expires_at: datetime
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
    outcome: Outcome | None = None
    ended_at: datetime | None = None
    due_at: datetime | None
    due_reason: DueReason | None


@attrs.frozen(kw_only=True)
class LiveCall:
    """A caller who is on the line, waiting or being served. It stands in one line with the callbacks."""

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
    offers_count: int = 0
    agent_id: AgentId | None = None
    taken_at: datetime | None = None
    callback_id: CallbackId | None = None
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
    agent_id: AgentId | None
    node_id: NodeId
    agent_leg_id: LegId
    agent_leg: LegState
    customer_leg_id: LegId
    customer_leg: LegState
    customer_rang: bool = False
    answered_by: AnsweredBy | None = None
    disposition: Disposition | None = None
    started_at: datetime
    connected_at: datetime | None = None
    ended_at: datetime | None = None
    due_at: datetime | None
    due_reason: DueReason | None


Record = Callback | LiveCall | Agent | Attempt
Place = Callback | LiveCall


# ---------------------------------------------------------------------------- values for the host


def _short_and_clean(text: str | None) -> str | None:
    if text is None:
        return None
    return "".join(character if character.isprintable() else "?" for character in str(text)[:200])


@attrs.frozen(kw_only=True)
class Report:
    """
    What the telephony says of one leg. May come twice, late, or out of order.

    Args:
        leg_id: the id that the dial effect carried.
        kind: what happened; a member, or its value as text.
        cause: why the leg ended; only for ENDED.
        answered_by: who answered; only for ANSWERED of the customer's leg.
        raw_cause: the PBX's own words, kept in history; cut at 200 characters. Must hold no number.

    Raises:
        ValueError: kind, cause or answered_by is no member of its enum.
    """

    leg_id: LegId
    kind: ReportKind = attrs.field(converter=ReportKind)
    cause: Cause = attrs.field(default=Cause.UNKNOWN, converter=Cause)
    answered_by: AnsweredBy = attrs.field(default=AnsweredBy.UNKNOWN, converter=AnsweredBy)
    raw_cause: str | None = attrs.field(default=None, converter=_short_and_clean)


@attrs.frozen(kw_only=True)
class Position:
    """How many stand ahead, plus one. Counts live calls and callbacks that are WAITING in the same queue."""

    number: int
    exact: bool = True


@attrs.frozen(kw_only=True)
class Wait:
    """
    An estimated wait in seconds: the mean, and a range that holds with probability `coverage_ratio`.

    All three are `None` when nobody is staffed: unknown is a legal estimate, and is said as such.
    """

    mean_s: float | None
    low_s: float | None
    high_s: float | None
    coverage_ratio: float = 0.9

    @property
    def known(self) -> bool:
        """Whether there is an estimate at all."""
        return self.mean_s is not None


class Choice(enum.StrEnum):
    """What an offer lets the caller choose."""

    STAY = "stay"
    CALLBACK_NOW = "callback_now"


@attrs.frozen(kw_only=True)
class Offer:
    """A callback proposed to a live caller, with all that can be said to them."""

    offer_id: OfferId
    call_id: CallId
    queue: QueueName
    position: Position
    wait: Wait
    expected_at: datetime | None
    choices: tuple[Choice, ...]
    expires_at: datetime


class NoOfferReason(enum.StrEnum):
    """Why no callback was offered."""

    ABOUT_TO_BE_SERVED = "about_to_be_served"
    NOBODY_STAFFED = "nobody_staffed"
    ALREADY_HAS_CALLBACK = "already_has_callback"


@attrs.frozen(kw_only=True)
class NoOffer:
    """No callback is offered now, and why. The caller keeps the place on hold."""

    call_id: CallId
    queue: QueueName
    reason: NoOfferReason
    position: Position
    wait: Wait


@attrs.frozen(kw_only=True)
class Receipt:
    """
    What the customer is told once the promise is durable. The same request gives the same receipt.

    To cancel, call `service.cancel(receipt.callback_id)`.
    """

    callback_id: CallbackId
    queue: QueueName
    number_masked: str
    position: Position | None
    wait: Wait
    expected_at: datetime | None
    entered_at: datetime
    requested_at: datetime
    expires_at: datetime


@attrs.frozen(kw_only=True)
class Explanation:
    """
    Why a callback is or is not being dialed now.

    `rule` names the rule that decides, `values` what it looked at, `next_change_at` when time alone can change it.
    """

    callback_id: CallbackId
    at: datetime
    state: CallbackState
    rule: str
    text: str
    values: Mapping[str, str]
    next_change_at: datetime | None

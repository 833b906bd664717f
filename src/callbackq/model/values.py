"""The values that pass between host and engine: reports, positions, estimates, offers, receipts, explanations."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import attrs

from callbackq.ids import (
    BookingId,
    CallbackId,
    CallId,
    LegId,
    OfferId,
    QueueName,
)
from callbackq.masking import repr_masked
from callbackq.model.words import (
    AnsweredBy,
    CallbackState,
    Cause,
    Channel,
    Disposition,
    LegState,
    Outcome,
    ReportKind,
)


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
        answered_by: who answered; for ANSWERED and DETECTED of the customer's leg.
        digits: what the customer pressed; only for DIGIT.
        recording_id: the telephony's own name for a recording of the conversation; with any kind.
        raw_cause: the PBX's own words, kept in history; cut at 200 characters. Must hold no number.

    Raises:
        ValueError: kind, cause or answered_by is no member of its enum.
    """

    leg_id: LegId
    kind: ReportKind = attrs.field(converter=ReportKind)
    cause: Cause = attrs.field(default=Cause.UNKNOWN, converter=Cause)
    answered_by: AnsweredBy = attrs.field(default=AnsweredBy.UNKNOWN, converter=AnsweredBy)
    digits: str | None = attrs.field(default=None, converter=_short_and_clean, repr=False)
    recording_id: str | None = attrs.field(default=None, converter=_short_and_clean)
    raw_cause: str | None = attrs.field(default=None, converter=_short_and_clean)


@attrs.frozen(kw_only=True)
class Position:
    """
    How many stand ahead, plus one. Counts live calls and callbacks that are WAITING in the same queue.

    `exact` is false where the store counts only up to a bound and estimates beyond (`POSITION_EXACT_MAX`).
    """

    number: int
    exact: bool = True


POSITION_EXACT_MAX: Final = 10_000
"""SQL stores count so many places ahead, and estimate beyond. In memory every position is exact."""


@attrs.frozen(kw_only=True)
class Ahead:
    """
    How many live calls and how many callbacks stand before a place.

    Where `exact` is false, there are more than `POSITION_EXACT_MAX` of one kind, and the two counts are estimates.
    """

    calls: int = 0
    callbacks: int = 0
    exact: bool = True

    @property
    def count(self) -> int:
        """Both together."""
        return self.calls + self.callbacks


@attrs.frozen(kw_only=True)
class Wait:
    """
    An estimated wait in seconds: the mean, and a range that holds with probability `coverage_ratio`.

    All three are `None` when nobody is staffed: unknown is a legal estimate, and is said as such. `estimator` is
    the name of the one that found it.
    """

    mean_s: float | None
    low_s: float | None
    high_s: float | None
    coverage_ratio: float = 0.9
    estimator: str | None = None

    @property
    def known(self) -> bool:
        """Whether there is an estimate at all."""
        return self.mean_s is not None


@attrs.frozen(kw_only=True)
class Rates:
    """
    How a queue went lately, as its own history shows it. Seconds, and events per second.

    Args:
        handle_time_s: mean time of one call with its wrap-up.
        patience_rate: how many of those who wait on the line give up, per second of waiting (theta); 0 if none does.
        answer_ratio: share of the calls back that a person answers, 0 to 1.
        reconnect_s: mean time from the start of an attempt until both can hear each other; None if unknown.
        overtaking_rate: arrivals per second of places that go before this one though they come later.
        overtaking_max_s: how much later they may come and still go before; infinite under strict priority.
        samples_count: how many served calls the figures rest on.
    """

    handle_time_s: float
    patience_rate: float = 0.0
    answer_ratio: float = 1.0
    reconnect_s: float | None = None
    overtaking_rate: float = 0.0
    overtaking_max_s: float = math.inf
    samples_count: int = 0


@attrs.frozen(kw_only=True)
class EstimateFacts:
    """
    What an estimator may look at: the line as it stands before one place, and how it went lately.

    Args:
        ahead: who stands before the place, by rank.
        agents: how many agents are staffed who serve the queue and have the skills.
        agents_free: how many of them have no work.
        rates: how the queue went lately.
        head_waited_s: how long the live call or callback at the head of the line has waited; None if nobody waits.
        last_waits_s: how long those waited who were served last, the newest first; may be empty.
    """

    ahead: Ahead
    agents: int
    agents_free: int = 0
    rates: Rates
    head_waited_s: float | None = None
    last_waits_s: tuple[float, ...] = ()


class Choice(enum.StrEnum):
    """What a caller can choose."""

    STAY = "stay"
    CALLBACK_NOW = "callback_now"
    SCHEDULE = "schedule"
    OTHER_CHANNEL = "other_channel"


class OfferReason(enum.StrEnum):
    """Which rule made the offer."""

    ASKED = "asked"
    EXPECTED_WAIT = "expected_wait"
    WAITED = "waited"
    DEPTH = "depth"
    LOAD = "load"


@attrs.frozen(kw_only=True)
class Offer:
    """
    A callback proposed to a live caller, with all that can be said to them.

    `core.speech` turns it into phrases that any IVR can speak. `channels` names other ways to reach the company,
    as the policy lists them. `slots` are times that were free a moment ago, where the queue has slots.
    """

    offer_id: OfferId
    call_id: CallId
    queue: QueueName
    reason: OfferReason
    position: Position
    wait: Wait
    expected_at: datetime | None
    choices: tuple[Choice, ...]
    channels: tuple[str, ...] = ()
    expires_at: datetime
    slots: tuple[datetime, ...] = ()


class NoOfferReason(enum.StrEnum):
    """Why no callback was offered."""

    ABOUT_TO_BE_SERVED = "about_to_be_served"
    WAIT_IS_SHORT = "wait_is_short"
    WAIT_TOO_LONG = "wait_too_long"
    NOBODY_STAFFED = "nobody_staffed"
    WAIT_UNKNOWN = "wait_unknown"
    QUEUE_CLOSED = "queue_closed"
    CLOSING_TOO_SOON = "closing_too_soon"
    HOURS_UNKNOWN = "hours_unknown"
    TOO_MANY_PENDING = "too_many_pending"
    OFFERING_PAUSED = "offering_paused"
    NOT_IN_ROLLOUT = "not_in_rollout"
    DECLINED_BEFORE = "declined_before"
    ALREADY_HAS_CALLBACK = "already_has_callback"


@attrs.frozen(kw_only=True)
class NoOffer:
    """
    No callback is offered now, and why. The caller keeps the place on hold.

    `next_best` lists what can be proposed instead, the best first. `again_at` is when asking again can have
    another answer by time alone; None if time alone changes nothing. `slots` are times that were free a moment ago,
    where a chosen time is among the next best, and the queue has slots.
    """

    call_id: CallId
    queue: QueueName
    reason: NoOfferReason
    position: Position
    wait: Wait
    next_best: tuple[Choice, ...] = (Choice.STAY,)
    channels: tuple[str, ...] = ()
    again_at: datetime | None = None
    slots: tuple[datetime, ...] = ()


@attrs.frozen(kw_only=True)
class Receipt:
    """
    What the customer is told once the promise is durable. The same request gives the same receipt.

    To cancel, call `service.cancel(receipt.callback_id)`. Of a booked slot, `expected_at` is its start, and `zone` the
    customer's, in which it is said.

    `provisional`: it was given within a transaction of the host's, and counts once that is committed.
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
    booking_id: BookingId | None = None
    zone: str | None = None
    provisional: bool = False


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


@attrs.frozen(kw_only=True)
class Opening:
    """Whether a queue is open, and when that changes next; None if it is not known to change."""

    is_open: bool
    changes_at: datetime | None = None


@attrs.frozen(kw_only=True)
class TicketOrder:
    """What a help desk needs to know to open a ticket for a callback."""

    callback_id: CallbackId
    queue: QueueName
    channel: Channel
    number: str = attrs.field(repr=repr_masked)
    name: str | None = attrs.field(default=None, repr=False)
    requested_at: datetime
    scheduled_at: datetime | None = None
    context: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)


# ---------------------------------------------------------------------------- what an agent sees


@attrs.frozen(kw_only=True)
class PastAttempt:
    """An earlier attempt of the same callback, for the agent's screen."""

    at: datetime
    disposition: Disposition


@attrs.frozen(kw_only=True)
class PastCallback:
    """An earlier callback of the same person, in any queue, for the agent's screen."""

    callback_id: CallbackId
    queue: QueueName
    requested_at: datetime
    outcome: Outcome | None
    ticket_id: str | None = None


# ---------------------------------------------------------------------------- what the telephony has


@attrs.frozen(kw_only=True)
class LegSnapshot:
    """
    One leg as the telephony has it now: RINGING (or being dialed), or ANSWERED, and whether it is in a bridge.

    Args:
        joined: it is in a bridge with the other leg of its attempt.
    """

    state: LegState = attrs.field(converter=LegState)
    joined: bool = False


@attrs.frozen(kw_only=True)
class TelephonySnapshot:
    """
    Every leg that the telephony has, of those that it was told to dial. A leg that is missing is gone.

    Args:
        as_of: when the telephony was asked, in its caller's clock: legs dialed later are not in it.
    """

    legs: Mapping[LegId, LegSnapshot]
    as_of: datetime


# ---------------------------------------------------------------------------- many at once


@attrs.frozen(kw_only=True)
class CallSnapshot:
    """
    One live call as the PBX has it, for `resync_calls`. The fields are those of `call_joined`.

    `agent_id` is the agent with whom the caller talks; None while the caller waits.
    """

    call_id: str
    number: str | None = attrs.field(default=None, repr=False)
    priority: int | None = None
    skills: Sequence[str] = ()
    preferred_agent: str | None = None
    entered_at: datetime | None = None
    name: str | None = attrs.field(default=None, repr=False)
    language: str | None = None
    context: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)
    customer_id: str | None = attrs.field(default=None, repr=False)
    tier: str | None = None
    agent_id: str | None = None


@attrs.frozen(kw_only=True)
class Resynced:
    """
    What `resync_calls` did: how many joined, moved here, stood in line again, were with an agent, and were over.

    `unresolved` has the ids of calls that had been left, served or turned into a callback here.
    """

    joined_count: int
    moved_count: int
    returned_count: int
    served_count: int
    ended_count: int
    unresolved: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Person:
    """One person to be called because of a business event, for `request_many`."""

    number: str = attrs.field(repr=False)
    priority: int | None = None
    skills: Sequence[str] = ()
    preferred_agent: str | None = None
    name: str | None = attrs.field(default=None, repr=False)
    language: str | None = None
    context: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)
    customer_id: str | None = attrs.field(default=None, repr=False)
    tier: str | None = None


@attrs.frozen(kw_only=True)
class Triggered:
    """
    What `request_many` did, by the index of each person: a receipt, or the error that refused the request.

    Every index is in one of the two.
    """

    receipts: Mapping[int, Receipt]
    refused: Mapping[int, Exception]


@attrs.frozen(kw_only=True)
class Reranked:
    """
    What `rerank` did.

    `failed` has, by the id of the call or callback, the class of the error: those places keep their last good rank.
    """

    looked_at_count: int
    reranked_count: int
    failed: Mapping[str, str]


@attrs.frozen(kw_only=True)
class Overtakes:
    """
    Who passed whom within a class (queue, priority, lane), among the last to be served.

    `calls_count` live calls and `callbacks_count` callbacks were looked at; the others count places passed.
    """

    calls_count: int
    callbacks_count: int
    calls_passed_by_calls: int
    callbacks_passed_by_calls: int
    calls_passed_by_callbacks: int
    callbacks_passed_by_callbacks: int

"""How a promise is made: from what was asked for, read and checked, to the record and its first event."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs

from callbackq.core.decision import Decision, told
from callbackq.core.lifecycle import TRANSITIONS, Command, dedup_key_or_none, due_in_line, move
from callbackq.core.placing import Stand
from callbackq.events import CallbackRequested, CallbackRescheduled, CallbackWatched
from callbackq.ids import (
    AgentId,
    BookingId,
    CallbackId,
    CallId,
    OfferId,
    PlaceId,
    SubjectId,
    TenantId,
    VerificationId,
)
from callbackq.model import Callback, Channel, DueReason, Position, Purpose, Wait
from callbackq.policy import QueuePolicy


@attrs.frozen(kw_only=True)
class Asked:
    """What was asked for, read and checked: the facts of a new promise."""

    tenant_id: TenantId
    callback_id: CallbackId
    subject_id: SubjectId
    channel: Channel
    request_key: str | None
    stand: Stand
    place_id: PlaceId
    entered_at: datetime
    scheduled_at: datetime | None
    booking_id: BookingId | None = None
    lead: timedelta = timedelta(0)
    """How long before a chosen time it stands in line, so that the phone rings about then."""
    call_id: CallId | None = None
    offer_id: OfferId | None = None
    preferred_agent_id: AgentId | None = None
    owner_id: AgentId | None = None
    ticket_id: str | None = None
    caller_id: str | None = None
    media: str | None = None
    purpose: Purpose = Purpose.REQUESTED
    consent_at: datetime | None = None
    consent_ref: str | None = None
    verification_id: VerificationId | None = None
    follows_id: CallbackId | None = None
    position: Position | None
    wait: Wait


def request(asked: Asked, *, policy: QueuePolicy, now: datetime) -> Decision:
    """Make the promise. One for a chosen time is ranked from that time, and lives from that time on."""
    expires_at = (asked.scheduled_at or now) + policy.callback_life
    command = Command.REQUEST if asked.scheduled_at is None else Command.SCHEDULE
    stand = asked.stand
    callback = Callback(
        tenant_id=asked.tenant_id,
        callback_id=asked.callback_id,
        version=1,
        state=TRANSITIONS[None, command],
        queue=policy.queue,
        subject_id=asked.subject_id,
        call_id=asked.call_id,
        channel=asked.channel,
        mode=policy.mode,
        priority=stand.priority,
        lane=stand.lane,
        place_id=asked.place_id,
        entered_at=asked.entered_at,
        requested_at=now,
        ranked_at=stand.ranked_at,
        rank=stand.rank,
        scheduled_at=asked.scheduled_at,
        booking_id=asked.booking_id,
        expires_at=expires_at,
        preferred_agent_id=asked.preferred_agent_id,
        preferred_until_at=stand.preferred_until_at,
        owner_id=asked.owner_id,
        ticket_id=asked.ticket_id,
        caller_id=asked.caller_id,
        media=asked.media,
        purpose=asked.purpose,
        consent_at=asked.consent_at,
        consent_ref=asked.consent_ref,
        verification_id=asked.verification_id,
        follows_id=asked.follows_id,
        dedup_key=dedup_key_or_none(asked.subject_id, policy=policy),
        request_key=asked.request_key,
        offer_id=asked.offer_id,
        quoted_position=asked.position.number if asked.position else None,
        quoted_position_exact=asked.position.exact if asked.position else True,
        quoted_wait_s=asked.wait.mean_s,
        quoted_wait_low_s=asked.wait.low_s,
        quoted_wait_high_s=asked.wait.high_s,
        quoted_by=asked.wait.estimator,
        due_at=expires_at,
        due_reason=DueReason.EXPIRES,
    )
    if asked.scheduled_at is None:
        due = due_in_line(callback, policy=policy)
    else:
        due = (
            _look_at(callback, asked.scheduled_at, asked.lead, policy=policy, now=now),
            DueReason.SCHEDULED,
        )
    callback = attrs.evolve(callback, due_at=due[0], due_reason=due[1])
    return Decision(records=(callback,), events=(told(CallbackRequested, callback, at=now),))


def _look_at(
    callback: Callback, at: datetime, lead: timedelta, *, policy: QueuePolicy, now: datetime
) -> datetime:
    """Return when it is first looked at: a booking as early as it may be given to an agent."""
    if callback.booking_id is not None and policy.slots is not None:
        lead = policy.slots.feed_max
    return max(now, at - lead)


def look_again(callback: Callback, *, at: datetime, now: datetime) -> Decision:
    """An agent is free, or will be: the booking need not join the line yet."""
    record = move(callback, Command.WATCH, due=(at, DueReason.SCHEDULED))
    return Decision(records=(record,), events=(told(CallbackWatched, record, at=now),))


def reschedule(
    callback: Callback,
    *,
    scheduled_at: datetime,
    booking_id: BookingId | None,
    stand: Stand,
    lead: timedelta = timedelta(0),
    policy: QueuePolicy,
    by: str | None = None,
    reason: str | None = None,
    now: datetime,
) -> Decision:
    """
    Give a promise another time. It is scheduled again, with all its attempts, and lives from that time on.

    Raises:
        NotPossibleNow: it is being attempted, or has ended.
    """
    again = attrs.evolve(callback, booking_id=booking_id)
    record = move(
        again,
        Command.RESCHEDULE,
        due=(_look_at(again, scheduled_at, lead, policy=policy, now=now), DueReason.SCHEDULED),
        scheduled_at=scheduled_at,
        lane=stand.lane,
        ranked_at=stand.ranked_at,
        rank=stand.rank,
        preferred_until_at=stand.preferred_until_at,
        expires_at=max(callback.expires_at, scheduled_at + policy.callback_life),
        attempts_count=0,
        number_index=0,
        hold_reason=None,
        turn_at=None,
        waited_long_at=None,
    )
    event = told(CallbackRescheduled, record, at=now, by=by, reason=reason)
    return Decision(records=(record,), events=(event,))

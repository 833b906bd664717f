"""
The life of a callback. Everything that changes a callback's state is in this file.

A callback is a promise. It is SCHEDULED for a time or WAITING in line. When its turn has come and an agent is
reserved for it, it is ATTEMPTING: one attempt is under way, and the attempt has a machine of its own
(`core.attempt`). An attempt that did not count gives the place back (WAITING). One that counted and failed
leaves it RESTING, and then WAITING again with the place it had. A rule that forbids dialing takes it out of the
line for a stated time (HELD). It is ENDED once, with one outcome; nothing leaves ENDED.

The promise is kept at the moment when both can hear each other: the callback ends as COMPLETED there, and the
conversation is the attempt's own affair.

Rule 1: TRANSITIONS is the whole truth. A pair that is not in it cannot happen, and trying it is refused.
Rule 2: every state but ENDED has a `due_at`, so nothing is forgotten.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, assert_never

import attrs

from callbackq.core.decision import Decision, head
from callbackq.core.ordering import rank
from callbackq.core.retry import End, GoBack, NextStep, Rest
from callbackq.errors import NotPossibleNow
from callbackq.events import (
    CallbackAttempted,
    CallbackEnded,
    CallbackHeld,
    CallbackReady,
    CallbackRequested,
    CallbackRested,
    CallbackReturned,
    CallbackWatched,
)
from callbackq.ids import AgentId, AttemptId, CallbackId, OfferId, PlaceId, SubjectId, TenantId
from callbackq.model import (
    Callback,
    CallbackState,
    Channel,
    Disposition,
    DueReason,
    HoldReason,
    LiveCall,
    Outcome,
    Position,
    Wait,
)
from callbackq.policy import Duplicates, QueuePolicy


class Command(enum.StrEnum):
    """What can be done to a callback."""

    REQUEST = "request"
    SCHEDULE = "schedule"
    READY = "ready"
    HOLD = "hold"
    ATTEMPT = "attempt"
    LOOK_AGAIN = "look again"
    GIVE_BACK = "give back"
    REST = "rest"
    COMPLETE = "complete"
    GIVE_UP = "give up"
    CANCEL = "cancel"
    EXPIRE = "expire"


_S = CallbackState
TRANSITIONS: Final[Mapping[tuple[CallbackState | None, Command], CallbackState]] = MappingProxyType(
    {
        (None, Command.REQUEST): _S.WAITING,
        (None, Command.SCHEDULE): _S.SCHEDULED,
        (_S.SCHEDULED, Command.READY): _S.WAITING,
        (_S.SCHEDULED, Command.CANCEL): _S.ENDED,
        (_S.SCHEDULED, Command.EXPIRE): _S.ENDED,
        (_S.WAITING, Command.ATTEMPT): _S.ATTEMPTING,
        (_S.WAITING, Command.HOLD): _S.HELD,
        (_S.WAITING, Command.CANCEL): _S.ENDED,
        (_S.WAITING, Command.EXPIRE): _S.ENDED,
        (_S.ATTEMPTING, Command.LOOK_AGAIN): _S.ATTEMPTING,
        (_S.ATTEMPTING, Command.GIVE_BACK): _S.WAITING,
        (_S.ATTEMPTING, Command.REST): _S.RESTING,
        (_S.ATTEMPTING, Command.COMPLETE): _S.ENDED,
        (_S.ATTEMPTING, Command.GIVE_UP): _S.ENDED,
        (_S.ATTEMPTING, Command.CANCEL): _S.ENDED,
        (_S.RESTING, Command.READY): _S.WAITING,
        (_S.RESTING, Command.CANCEL): _S.ENDED,
        (_S.RESTING, Command.EXPIRE): _S.ENDED,
        (_S.HELD, Command.READY): _S.WAITING,
        (_S.HELD, Command.CANCEL): _S.ENDED,
        (_S.HELD, Command.EXPIRE): _S.ENDED,
    }
)


@attrs.frozen(kw_only=True)
class Spot:
    """Where in line: what orders it, and what breaks its ties."""

    place_id: PlaceId
    ranked_at: datetime
    rank: int


def spot_of(
    call: LiveCall | None, callback_id: CallbackId, *, ranked_at: datetime, priority: int, policy: QueuePolicy
) -> Spot:
    """Return the place of a new promise: the live call's own, or one by *ranked_at*."""
    if call is not None:
        return Spot(place_id=call.place_id, ranked_at=call.ranked_at, rank=call.rank)
    ranked = rank(ranked_at, priority=priority, policy=policy)
    return Spot(place_id=PlaceId(callback_id), ranked_at=ranked_at, rank=ranked)


@attrs.frozen(kw_only=True)
class Asked:
    """What was asked for, read and checked: the facts of a new promise."""

    tenant_id: TenantId
    callback_id: CallbackId
    subject_id: SubjectId
    channel: Channel
    request_key: str | None
    priority: int
    lane: int
    entered_at: datetime
    scheduled_at: datetime | None
    call: LiveCall | None
    offer_id: OfferId | None = None
    position: Position | None
    wait: Wait


def request(asked: Asked, *, policy: QueuePolicy, now: datetime) -> Decision:
    """
    Make the promise. A live call gives its place: entry time, rank, and what breaks its ties.

    One for a chosen time is ranked from that time, and lives from that time on.
    """
    spot = spot_of(
        asked.call if asked.scheduled_at is None else None,
        asked.callback_id,
        ranked_at=asked.scheduled_at or asked.entered_at,
        priority=asked.priority,
        policy=policy,
    )
    expires_at = (asked.scheduled_at or now) + policy.callback_life
    command = Command.REQUEST if asked.scheduled_at is None else Command.SCHEDULE
    due = (expires_at, DueReason.EXPIRES)
    if asked.scheduled_at is not None:
        due = (asked.scheduled_at, DueReason.SCHEDULED)
    one_per_person = policy.duplicates is Duplicates.REFUSE
    callback = Callback(
        tenant_id=asked.tenant_id,
        callback_id=asked.callback_id,
        version=1,
        state=TRANSITIONS[None, command],
        queue=policy.queue,
        subject_id=asked.subject_id,
        call_id=asked.call.call_id if asked.call else None,
        channel=asked.channel,
        mode=policy.mode,
        priority=asked.priority,
        lane=asked.lane,
        place_id=spot.place_id,
        entered_at=asked.entered_at,
        requested_at=now,
        ranked_at=spot.ranked_at,
        rank=spot.rank,
        scheduled_at=asked.scheduled_at,
        expires_at=expires_at,
        dedup_key=dedup_key(asked.subject_id, policy=policy) if one_per_person else None,
        request_key=asked.request_key,
        offer_id=asked.offer_id,
        quoted_position=asked.position.number if asked.position else None,
        quoted_position_exact=asked.position.exact if asked.position else True,
        quoted_wait_s=asked.wait.mean_s,
        quoted_wait_low_s=asked.wait.low_s,
        quoted_wait_high_s=asked.wait.high_s,
        due_at=due[0],
        due_reason=due[1],
    )
    return Decision(records=(callback,), events=(_requested(callback, now=now),))


def dedup_key(subject_id: SubjectId, *, policy: QueuePolicy) -> str:
    """Return the key that at most one active callback may hold: one person in one queue."""
    return f"{policy.queue}/{subject_id}"


def ready(callback: Callback, *, now: datetime) -> Decision:
    """Its time has come, or its rest or hold is over: it stands in line, with the rank it has."""
    record = _move(callback, Command.READY, due=_expiry(callback), hold_reason=None)
    return Decision(records=(record,), events=(CallbackReady(**head(record, at=now)),))


def hold(callback: Callback, *, reason: HoldReason, until: datetime, now: datetime) -> Decision:
    """Take it out of the line, for a rule forbids dialing now. Looked at again at *until*."""
    due = min((until, DueReason.HOLD_OVER), _expiry(callback))
    record = _move(callback, Command.HOLD, due=due, hold_reason=reason)
    return Decision(records=(record,), events=(CallbackHeld(**head(record, at=now), hold_reason=reason),))


def hold_for_number(callback: Callback, *, policy: QueuePolicy, now: datetime) -> Decision:
    """Hold it while its number is in another live attempt: nobody's phone rings twice at once."""
    until = now + policy.number_in_use_hold
    return hold(callback, reason=HoldReason.NUMBER_IN_USE, until=until, now=now)


def look_again(callback: Callback, *, at: datetime, now: datetime) -> Decision:
    """The attempt is still under way though it should be over: look again at *at*."""
    record = _move(callback, Command.LOOK_AGAIN, due=(at, DueReason.ATTEMPT_OVERDUE))
    return Decision(records=(record,), events=(CallbackWatched(**head(record, at=now)),))


def attempt(
    callback: Callback, *, attempt_id: AttemptId, agent_id: AgentId, policy: QueuePolicy, now: datetime
) -> Decision:
    """Start an attempt. Due when every deadline of the attempt must long be over."""
    overdue_at = now + attempt_time_max(policy)
    record = _move(
        callback, Command.ATTEMPT, due=(overdue_at, DueReason.ATTEMPT_OVERDUE), attempt_id=attempt_id
    )
    event = CallbackAttempted(**head(record, at=now), attempt_id=attempt_id, agent_id=agent_id)
    return Decision(records=(record,), events=(event,))


def attempt_time_max(policy: QueuePolicy) -> timedelta:
    """Return the longest time that an attempt may take until it is connected or over, with a minute to spare."""
    longest = (
        policy.agent_ring_time + 2 * policy.ring_time + policy.join_time_max + 5 * policy.hang_up_time_max
    )
    return longest + timedelta(minutes=1)


def complete(callback: Callback, *, now: datetime) -> Decision:
    """Both can hear each other: the promise is kept."""
    return _end(
        callback,
        Command.COMPLETE,
        outcome=Outcome.COMPLETED,
        now=now,
        attempts_count=callback.attempts_count + 1,
        last_disposition=Disposition.CONNECTED,
    )


def attempt_failed(
    callback: Callback, *, disposition: Disposition, step: NextStep, now: datetime
) -> Decision:
    """Do what `core.retry` found: give the place back, rest, or end."""
    match step:
        case GoBack():
            record = _move(
                callback,
                Command.GIVE_BACK,
                due=_expiry(callback),
                attempt_id=None,
                last_disposition=disposition,
            )
            event = CallbackReturned(**head(record, at=now), last_disposition=disposition)
            return Decision(records=(record,), events=(event,))
        case Rest(rest):
            due = min((now + rest, DueReason.REST_OVER), _expiry(callback))
            count = callback.attempts_count + 1
            record = _move(
                callback,
                Command.REST,
                due=due,
                attempt_id=None,
                attempts_count=count,
                last_disposition=disposition,
            )
            rested = CallbackRested(
                **head(record, at=now), attempts_count=count, last_disposition=disposition
            )
            return Decision(records=(record,), events=(rested,))
        case End(outcome, reason):
            return _end(
                callback,
                Command.GIVE_UP,
                outcome=outcome,
                now=now,
                reason=reason,
                attempts_count=callback.attempts_count + 1,
                last_disposition=disposition,
            )
        case _:
            assert_never(step)


def cancel(callback: Callback, *, reason: str | None, now: datetime) -> Decision:
    """
    End the promise at the customer's or an operator's wish. Cancelling twice is a no-op.

    Raises:
        NotPossibleNow: it has ended in another way.
    """
    if callback.outcome is Outcome.CANCELLED:
        return Decision()
    return _end(callback, Command.CANCEL, outcome=Outcome.CANCELLED, now=now, reason=reason)


def expire(callback: Callback, *, now: datetime) -> Decision:
    """Its life is over, and it was not done."""
    return _end(callback, Command.EXPIRE, outcome=Outcome.EXPIRED, now=now, reason="callback_life")


def due(callback: Callback, *, now: datetime) -> Decision:
    """Do what time alone does to a callback whose `due_at` has come (an overdue attempt excepted)."""
    if now >= callback.expires_at:
        return expire(callback, now=now)
    return ready(callback, now=now)


def _expiry(callback: Callback) -> tuple[datetime, DueReason]:
    return (callback.expires_at, DueReason.EXPIRES)


def _move(
    callback: Callback, command: Command, *, due: tuple[datetime | None, DueReason | None], **changes: Any
) -> Callback:
    state = TRANSITIONS.get((callback.state, command))
    if state is None:
        allowed = sorted(str(before) for before, name in TRANSITIONS if name is command and before)
        raise NotPossibleNow(str(command), str(callback.state), ", ".join(allowed))
    return attrs.evolve(
        callback, version=callback.version + 1, state=state, due_at=due[0], due_reason=due[1], **changes
    )


def _end(
    callback: Callback,
    command: Command,
    *,
    outcome: Outcome,
    now: datetime,
    reason: str | None = None,
    **changes: Any,
) -> Decision:
    record = _move(
        callback, command, due=(None, None), outcome=outcome, ended_at=now, hold_reason=None, **changes
    )
    event = CallbackEnded(
        **head(record, at=now),
        attempts_count=record.attempts_count,
        last_disposition=record.last_disposition,
        outcome=outcome,
        ended_at=now,
        reason=reason,
    )
    return Decision(records=(record,), events=(event,))


def _requested(callback: Callback, *, now: datetime) -> CallbackRequested:
    return CallbackRequested(
        **head(callback, at=now),
        queue=callback.queue,
        subject_id=callback.subject_id,
        call_id=callback.call_id,
        channel=callback.channel,
        mode=callback.mode,
        priority=callback.priority,
        lane=callback.lane,
        place_id=callback.place_id,
        entered_at=callback.entered_at,
        requested_at=callback.requested_at,
        ranked_at=callback.ranked_at,
        rank=callback.rank,
        scheduled_at=callback.scheduled_at,
        expires_at=callback.expires_at,
        dedup_key=callback.dedup_key,
        request_key=callback.request_key,
        offer_id=callback.offer_id,
        quoted_position=callback.quoted_position,
        quoted_position_exact=callback.quoted_position_exact,
        quoted_wait_s=callback.quoted_wait_s,
        quoted_wait_low_s=callback.quoted_wait_low_s,
        quoted_wait_high_s=callback.quoted_wait_high_s,
    )

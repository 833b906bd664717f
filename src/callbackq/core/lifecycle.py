"""
The life of a callback. Everything that changes a callback's state is in this file.

A callback is a promise. It is SCHEDULED for a time or WAITING in line. When its turn has come and an agent is
reserved for it, it is ATTEMPTING: one attempt is under way, and the attempt has a machine of its own
(`core.attempt`). An attempt that did not count gives the place back (WAITING). One that counted and failed
leaves it RESTING, and then WAITING again with the place it had, or where policy says. A rule that forbids dialing
takes it out of the line for a stated time (HELD). It is ENDED once, with one outcome; nothing leaves ENDED.

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

from callbackq.core.decision import Decision, head, told
from callbackq.core.placing import Stand, opened, put
from callbackq.core.retry import End, GoBack, NextStep, Rest
from callbackq.errors import NotPossibleNow
from callbackq.events import (
    CallbackAttempted,
    CallbackEnded,
    CallbackHeld,
    CallbackMerged,
    CallbackOpened,
    CallbackPlaced,
    CallbackReady,
    CallbackRequested,
    CallbackRequeued,
    CallbackRested,
    CallbackReturned,
    CallbackTicketed,
    CallbackWaitedLong,
    CallbackWatched,
)
from callbackq.ids import (
    AgentId,
    AttemptId,
    CallbackId,
    CallId,
    OfferId,
    PlaceId,
    QueueName,
    SubjectId,
    TenantId,
)
from callbackq.model import (
    Ahead,
    Callback,
    CallbackState,
    Channel,
    Disposition,
    DueReason,
    HoldReason,
    Outcome,
    Position,
    Wait,
)
from callbackq.policy import Duplicates, PlaceAfter, QueuePolicy


class Command(enum.StrEnum):
    """What can be done to a callback."""

    REQUEST = "request"
    SCHEDULE = "schedule"
    READY = "ready"
    PLACE = "place"
    OPEN = "open"
    REQUEUE = "requeue"
    MARK_LONG_WAIT = "mark long wait"
    TICKET = "ticket"
    HOLD = "hold"
    ATTEMPT = "attempt"
    LOOK_AGAIN = "look again"
    GIVE_BACK = "give back"
    REST = "rest"
    COMPLETE = "complete"
    GIVE_UP = "give up"
    MERGE = "merge"
    CANCEL = "cancel"
    EXPIRE = "expire"


_S = CallbackState
TRANSITIONS: Final[Mapping[tuple[CallbackState | None, Command], CallbackState]] = MappingProxyType(
    {
        (None, Command.REQUEST): _S.WAITING,
        (None, Command.SCHEDULE): _S.SCHEDULED,
        (_S.SCHEDULED, Command.READY): _S.WAITING,
        (_S.SCHEDULED, Command.PLACE): _S.SCHEDULED,
        (_S.SCHEDULED, Command.TICKET): _S.SCHEDULED,
        (_S.SCHEDULED, Command.MERGE): _S.ENDED,
        (_S.SCHEDULED, Command.CANCEL): _S.ENDED,
        (_S.SCHEDULED, Command.EXPIRE): _S.ENDED,
        (_S.WAITING, Command.ATTEMPT): _S.ATTEMPTING,
        (_S.WAITING, Command.HOLD): _S.HELD,
        (_S.WAITING, Command.PLACE): _S.WAITING,
        (_S.WAITING, Command.OPEN): _S.WAITING,
        (_S.WAITING, Command.REQUEUE): _S.WAITING,
        (_S.WAITING, Command.MARK_LONG_WAIT): _S.WAITING,
        (_S.WAITING, Command.TICKET): _S.WAITING,
        (_S.WAITING, Command.MERGE): _S.ENDED,
        (_S.WAITING, Command.CANCEL): _S.ENDED,
        (_S.WAITING, Command.EXPIRE): _S.ENDED,
        (_S.ATTEMPTING, Command.LOOK_AGAIN): _S.ATTEMPTING,
        (_S.ATTEMPTING, Command.TICKET): _S.ATTEMPTING,
        (_S.ATTEMPTING, Command.GIVE_BACK): _S.WAITING,
        (_S.ATTEMPTING, Command.REST): _S.RESTING,
        (_S.ATTEMPTING, Command.COMPLETE): _S.ENDED,
        (_S.ATTEMPTING, Command.GIVE_UP): _S.ENDED,
        (_S.ATTEMPTING, Command.CANCEL): _S.ENDED,
        (_S.RESTING, Command.READY): _S.WAITING,
        (_S.RESTING, Command.PLACE): _S.RESTING,
        (_S.RESTING, Command.TICKET): _S.RESTING,
        (_S.RESTING, Command.MERGE): _S.ENDED,
        (_S.RESTING, Command.CANCEL): _S.ENDED,
        (_S.RESTING, Command.EXPIRE): _S.ENDED,
        (_S.HELD, Command.READY): _S.WAITING,
        (_S.HELD, Command.PLACE): _S.HELD,
        (_S.HELD, Command.TICKET): _S.HELD,
        (_S.HELD, Command.MERGE): _S.ENDED,
        (_S.HELD, Command.CANCEL): _S.ENDED,
        (_S.HELD, Command.EXPIRE): _S.ENDED,
    }
)


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
    lead: timedelta = timedelta(0)
    """How long before a chosen time it stands in line, so that the phone rings about then."""
    call_id: CallId | None = None
    offer_id: OfferId | None = None
    preferred_agent_id: AgentId | None = None
    owner_id: AgentId | None = None
    ticket_id: str | None = None
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
        expires_at=expires_at,
        preferred_agent_id=asked.preferred_agent_id,
        preferred_until_at=stand.preferred_until_at,
        owner_id=asked.owner_id,
        ticket_id=asked.ticket_id,
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
        due = _due_in_line(callback, policy=policy)
    else:
        due = (max(now, asked.scheduled_at - asked.lead), DueReason.SCHEDULED)
    callback = attrs.evolve(callback, due_at=due[0], due_reason=due[1])
    return Decision(records=(callback,), events=(told(CallbackRequested, callback, at=now),))


def dedup_key(subject_id: SubjectId, *, policy: QueuePolicy) -> str:
    """Return the key that at most one active callback may hold: one person in one queue."""
    return f"{policy.queue}/{subject_id}"


def dedup_key_or_none(subject_id: SubjectId, *, policy: QueuePolicy) -> str | None:
    """Return the same key; none where policy allows a person several callbacks."""
    return dedup_key(subject_id, policy=policy) if policy.duplicates is Duplicates.REFUSE else None


def ready(callback: Callback, *, stand: Stand, policy: QueuePolicy, now: datetime) -> Decision:
    """Its time has come, or its rest or hold is over: it stands in line, where *stand* says."""
    return _place(
        callback, Command.READY, CallbackReady, stand=stand, policy=policy, now=now, hold_reason=None
    )


def where_after(callback: Callback, *, policy: QueuePolicy) -> PlaceAfter:
    """Return where in line it stands when its rest is over: by the rule for the last disposition."""
    disposition = callback.last_disposition
    if callback.state is not CallbackState.RESTING or disposition is None:
        return PlaceAfter.KEEP
    rule = policy.retry_rules.get(disposition)
    return rule.place if rule is not None else PlaceAfter.KEEP


def place(
    callback: Callback,
    kind: type[CallbackPlaced],
    *,
    stand: Stand,
    policy: QueuePolicy,
    reason: str | None = None,
    now: datetime,
) -> Decision:
    """
    Give it another place, at an operator's or a rule's word: *kind* names which.

    Raises:
        NotPossibleNow: it is being attempted, or has ended.
    """
    return _place(callback, Command.PLACE, kind, stand=stand, policy=policy, reason=reason, now=now)


def merge(
    callback: Callback, into: Callback, *, stand: Stand, policy: QueuePolicy, now: datetime
) -> Decision:
    """
    Let one promise to a person take up another: *callback* ends as REPLACED, *into* has the better place.

    Raises:
        NotPossibleNow: one of them is being attempted, or has ended.
    """
    ended = _end(
        callback,
        Command.MERGE,
        outcome=Outcome.REPLACED,
        now=now,
        reason="merged",
        merged_into_id=into.callback_id,
    )
    kept = _place(
        into,
        Command.PLACE,
        CallbackMerged,
        stand=stand,
        policy=policy,
        reason="merged",
        now=now,
        more={"merged_id": callback.callback_id},
        owner_id=into.owner_id or callback.owner_id,
        ticket_id=into.ticket_id or callback.ticket_id,
    )
    return ended + kept


def ticket(callback: Callback, ticket_id: str, *, now: datetime) -> Decision:
    """Keep the id of the ticket that was opened for it; one that has ended, or has one, is left as it is."""
    if callback.state is CallbackState.ENDED or callback.ticket_id is not None:
        return Decision()
    due = (callback.due_at, callback.due_reason)
    record = _move(callback, Command.TICKET, due=due, ticket_id=ticket_id)
    return Decision(
        records=(record,), events=(CallbackTicketed(**head(record, at=now), ticket_id=ticket_id),)
    )


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
    callback: Callback,
    *,
    attempt_id: AttemptId,
    agent_id: AgentId,
    overtook: Ahead,
    policy: QueuePolicy,
    now: datetime,
) -> Decision:
    """Start an attempt. Due when every deadline of the attempt must long be over."""
    overdue_at = now + attempt_time_max(policy)
    record = _move(
        callback,
        Command.ATTEMPT,
        due=(overdue_at, DueReason.ATTEMPT_OVERDUE),
        attempt_id=attempt_id,
        turn_at=callback.turn_at or now,
        overtook_calls_count=callback.overtook_calls_count + overtook.calls,
        overtook_callbacks_count=callback.overtook_callbacks_count + overtook.callbacks,
    )
    event = CallbackAttempted(
        **head(record, at=now),
        attempt_id=attempt_id,
        agent_id=agent_id,
        turn_at=record.turn_at,
        overtook_calls_count=record.overtook_calls_count,
        overtook_callbacks_count=record.overtook_callbacks_count,
    )
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
    callback: Callback, *, disposition: Disposition, step: NextStep, policy: QueuePolicy, now: datetime
) -> Decision:
    """Do what `core.retry` found: give the place back, rest, or end."""
    match step:
        case GoBack():
            record = _move(
                callback,
                Command.GIVE_BACK,
                due=_due_in_line(callback, policy=policy),
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


def open_to_all(callback: Callback, *, stand: Stand, policy: QueuePolicy, now: datetime) -> Decision:
    """Its preferred agent did not come, or went away: any agent may serve it who has the skills."""
    return _place(callback, Command.OPEN, CallbackOpened, stand=stand, policy=policy, now=now)


@attrs.frozen(kw_only=True)
class DueFacts:
    """
    What time's rules look at besides the record, read in the same transaction.

    Args:
        lane: of its skills alone.
        stand: where it stands when it joins the line now.
        first_rank: as in `core.placing.put`.
    """

    lane: int
    stand: Stand
    first_rank: int | None = None


def due(callback: Callback, *, facts: DueFacts, policy: QueuePolicy, now: datetime) -> Decision:
    """Do what time alone does to a callback whose `due_at` has come (an overdue attempt excepted)."""
    if now >= callback.expires_at:
        return expire(callback, now=now)
    match callback.due_reason:
        case DueReason.PREFERENCE_OVER:
            stand = opened(callback, lane=facts.lane)
            return open_to_all(callback, stand=stand, policy=policy, now=now)
        case DueReason.WAITED_LONG:
            return _mark_long_wait(callback, policy=policy, now=now)
        case DueReason.WINDOW_OVER:
            where = policy.place_after_window
            stand = put(callback, where, first_rank=facts.first_rank, policy=policy, now=now)
            again = attrs.evolve(callback, turn_at=None)
            reason = "response_window"
            return _place(
                again, Command.REQUEUE, CallbackRequeued, stand=stand, policy=policy, reason=reason, now=now
            )
        case _:
            return ready(callback, stand=facts.stand, policy=policy, now=now)


def _mark_long_wait(callback: Callback, *, policy: QueuePolicy, now: datetime) -> Decision:
    marked = attrs.evolve(callback, waited_long_at=now)
    record = _move(marked, Command.MARK_LONG_WAIT, due=_due_in_line(marked, policy=policy))
    return Decision(
        records=(record,), events=(CallbackWaitedLong(**head(record, at=now), waited_long_at=now),)
    )


def _expiry(callback: Callback) -> tuple[datetime, DueReason]:
    return (callback.expires_at, DueReason.EXPIRES)


def _due_in_line(callback: Callback, *, policy: QueuePolicy) -> tuple[datetime, DueReason]:
    """Return the earliest of the clocks of a callback that stands in line."""
    clocks = [_expiry(callback)]
    if callback.preferred_until_at is not None:
        clocks.append((callback.preferred_until_at, DueReason.PREFERENCE_OVER))
    if callback.waited_long_at is None:
        since_at = callback.scheduled_at or callback.requested_at
        clocks.append((since_at + policy.virtual_wait_max, DueReason.WAITED_LONG))
    if callback.turn_at is not None and policy.response_window is not None:
        clocks.append((callback.turn_at + policy.response_window, DueReason.WINDOW_OVER))
    return min(clocks, key=lambda clock: clock[0])


def _place(
    callback: Callback,
    command: Command,
    kind: type[CallbackPlaced],
    *,
    stand: Stand,
    policy: QueuePolicy,
    now: datetime,
    reason: str | None = None,
    more: Mapping[str, Any] = MappingProxyType({}),
    **changes: Any,
) -> Decision:
    """Let it stand where *stand* says, with the clocks of its state."""
    placed = attrs.evolve(
        callback,
        queue=stand.queue,
        mode=policy.mode,
        priority=stand.priority,
        lane=stand.lane,
        ranked_at=stand.ranked_at,
        rank=stand.rank,
        preferred_until_at=stand.preferred_until_at,
        dedup_key=_dedup_key_in(stand.queue, callback, policy=policy),
    )
    in_line = TRANSITIONS.get((callback.state, command)) is CallbackState.WAITING
    due = _due_in_line(placed, policy=policy) if in_line else (placed.due_at, placed.due_reason)
    record = _move(placed, command, due=due, **changes)
    event = told(kind, record, at=now, reason=reason, **more)
    return Decision(records=(record,), events=(event,))


def _dedup_key_in(queue: QueueName, callback: Callback, *, policy: QueuePolicy) -> str | None:
    """In its own queue a callback keeps the key that it has: policy may have changed, and others may hold it."""
    if queue == callback.queue:
        return callback.dedup_key
    return dedup_key_or_none(callback.subject_id, policy=policy)


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
        merged_into_id=record.merged_into_id,
        reason=reason,
    )
    return Decision(records=(record,), events=(event,))

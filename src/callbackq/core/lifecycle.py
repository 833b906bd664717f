"""
The life of a callback, but for its first step (`promising`) and what people say of it (`settling`).

A callback is a promise. It is SCHEDULED for a time or WAITING in line. When its turn has come and an agent is
reserved for it, it is ATTEMPTING: one attempt is under way, and the attempt has a machine of its own
(`core.attempt`). An attempt that did not count gives the place back (WAITING). One that counted and failed
leaves it RESTING, and then WAITING again with the place it had, or where policy says. A rule that forbids dialing
takes it out of the line for a stated time (HELD); so does a last call, which tells that nobody can take it
(`core.announcing`). It is ENDED with one outcome, and nothing leaves ENDED by itself.

The promise is kept at the moment when both can hear each other: the callback ends as COMPLETED there, and the
conversation is the attempt's own affair. Only a person who was in it can say that it was none, for somebody else had
answered, or a machine: then the promise is taken up again (`core.settling`).

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
from callbackq.core.retry import Correct, End, GoBack, NextStep, Rest, Tell
from callbackq.errors import NotPossibleNow
from callbackq.events import (
    CallbackAttempted,
    CallbackEnded,
    CallbackFailed,
    CallbackHeld,
    CallbackOpened,
    CallbackPlaced,
    CallbackReady,
    CallbackRequeued,
    CallbackRested,
    CallbackReturned,
    CallbackTicketed,
    CallbackWaitedLong,
    CallbackWatched,
)
from callbackq.ids import AgentId, AttemptId, QueueName, SubjectId
from callbackq.model import (
    Ahead,
    Callback,
    CallbackState,
    Disposition,
    DueReason,
    HoldReason,
    Outcome,
)
from callbackq.policy import Duplicates, DuplicateScope, PlaceAfter, QueuePolicy


class Command(enum.StrEnum):
    """What can be done to a callback."""

    REQUEST = "request"
    SCHEDULE = "schedule"
    WATCH = "watch"
    RESCHEDULE = "reschedule"
    READY = "ready"
    PLACE = "place"
    OPEN = "open"
    REQUEUE = "requeue"
    MARK_LONG_WAIT = "mark long wait"
    TICKET = "ticket"
    HOLD = "hold"
    ATTEMPT = "attempt"
    TELL = "tell"
    LOOK_AGAIN = "look again"
    GIVE_BACK = "give back"
    REST = "rest"
    COMPLETE = "complete"
    GIVE_UP = "give up"
    REFUSE = "refuse"
    MERGE = "merge"
    CANCEL = "cancel"
    EXPIRE = "expire"
    FAIL = "fail"
    RETRY = "retry"
    CORRECT = "correct"
    RENUMBER = "renumber"
    CALL_IN = "call in"
    DONE = "mark done"
    REVISE = "revise"
    SCORE = "score"


_S = CallbackState
TRANSITIONS: Final[Mapping[tuple[CallbackState | None, Command], CallbackState]] = MappingProxyType(
    {
        (None, Command.REQUEST): _S.WAITING,
        (None, Command.SCHEDULE): _S.SCHEDULED,
        (_S.SCHEDULED, Command.READY): _S.WAITING,
        (_S.SCHEDULED, Command.WATCH): _S.SCHEDULED,
        (_S.SCHEDULED, Command.RESCHEDULE): _S.SCHEDULED,
        (_S.SCHEDULED, Command.PLACE): _S.SCHEDULED,
        (_S.SCHEDULED, Command.TICKET): _S.SCHEDULED,
        (_S.SCHEDULED, Command.MERGE): _S.ENDED,
        (_S.SCHEDULED, Command.RENUMBER): _S.SCHEDULED,
        (_S.SCHEDULED, Command.CALL_IN): _S.SCHEDULED,
        (_S.SCHEDULED, Command.DONE): _S.ENDED,
        (_S.SCHEDULED, Command.CANCEL): _S.ENDED,
        (_S.SCHEDULED, Command.EXPIRE): _S.ENDED,
        (_S.WAITING, Command.ATTEMPT): _S.ATTEMPTING,
        (_S.WAITING, Command.RESCHEDULE): _S.SCHEDULED,
        (_S.WAITING, Command.HOLD): _S.HELD,
        (_S.WAITING, Command.PLACE): _S.WAITING,
        (_S.WAITING, Command.OPEN): _S.WAITING,
        (_S.WAITING, Command.REQUEUE): _S.WAITING,
        (_S.WAITING, Command.MARK_LONG_WAIT): _S.WAITING,
        (_S.WAITING, Command.TICKET): _S.WAITING,
        (_S.WAITING, Command.REFUSE): _S.ENDED,
        (_S.WAITING, Command.MERGE): _S.ENDED,
        (_S.WAITING, Command.RENUMBER): _S.WAITING,
        (_S.WAITING, Command.CALL_IN): _S.WAITING,
        (_S.WAITING, Command.DONE): _S.ENDED,
        (_S.WAITING, Command.CANCEL): _S.ENDED,
        (_S.WAITING, Command.EXPIRE): _S.ENDED,
        (_S.ATTEMPTING, Command.LOOK_AGAIN): _S.ATTEMPTING,
        (_S.ATTEMPTING, Command.TICKET): _S.ATTEMPTING,
        (_S.ATTEMPTING, Command.GIVE_BACK): _S.WAITING,
        (_S.ATTEMPTING, Command.REST): _S.RESTING,
        (_S.ATTEMPTING, Command.FAIL): _S.HELD,
        (_S.ATTEMPTING, Command.CALL_IN): _S.ATTEMPTING,
        (_S.ATTEMPTING, Command.DONE): _S.ENDED,
        (_S.ATTEMPTING, Command.COMPLETE): _S.ENDED,
        (_S.ATTEMPTING, Command.GIVE_UP): _S.ENDED,
        (_S.ATTEMPTING, Command.CANCEL): _S.ENDED,
        (_S.RESTING, Command.READY): _S.WAITING,
        (_S.RESTING, Command.RESCHEDULE): _S.SCHEDULED,
        (_S.RESTING, Command.PLACE): _S.RESTING,
        (_S.RESTING, Command.TICKET): _S.RESTING,
        (_S.RESTING, Command.MERGE): _S.ENDED,
        (_S.RESTING, Command.RENUMBER): _S.RESTING,
        (_S.RESTING, Command.CALL_IN): _S.RESTING,
        (_S.RESTING, Command.DONE): _S.ENDED,
        (_S.RESTING, Command.CANCEL): _S.ENDED,
        (_S.RESTING, Command.EXPIRE): _S.ENDED,
        (_S.HELD, Command.READY): _S.WAITING,
        (_S.HELD, Command.RESCHEDULE): _S.SCHEDULED,
        (_S.HELD, Command.PLACE): _S.HELD,
        (_S.HELD, Command.TICKET): _S.HELD,
        (_S.HELD, Command.HOLD): _S.HELD,
        (_S.HELD, Command.TELL): _S.ATTEMPTING,
        (_S.HELD, Command.GIVE_UP): _S.ENDED,
        (_S.HELD, Command.MERGE): _S.ENDED,
        (_S.HELD, Command.RENUMBER): _S.HELD,
        (_S.HELD, Command.CALL_IN): _S.HELD,
        (_S.HELD, Command.DONE): _S.ENDED,
        (_S.HELD, Command.CANCEL): _S.ENDED,
        (_S.HELD, Command.EXPIRE): _S.ENDED,
        (_S.ENDED, Command.RETRY): _S.RESTING,
        (_S.ENDED, Command.CORRECT): _S.HELD,
        (_S.ENDED, Command.REVISE): _S.ENDED,
        (_S.ENDED, Command.CALL_IN): _S.ENDED,
        (_S.ENDED, Command.SCORE): _S.ENDED,
    }
)


def dedup_key(subject_id: SubjectId, *, policy: QueuePolicy) -> str:
    """Return the key that at most one active callback may hold: one person in one queue, or in all of them."""
    everywhere = policy.duplicates_over is DuplicateScope.EVERYWHERE
    return f"{'*' if everywhere else policy.queue}/{subject_id}"


def dedup_key_or_none(subject_id: SubjectId, *, policy: QueuePolicy) -> str | None:
    """Return the same key; none where policy allows a person several callbacks."""
    return None if policy.duplicates is Duplicates.ALLOW else dedup_key(subject_id, policy=policy)


def ready(
    callback: Callback,
    *,
    stand: Stand,
    policy: QueuePolicy,
    now: datetime,
    by: str | None = None,
    reason: str | None = None,
) -> Decision:
    """Its time has come, its rest or hold is over, or a person says so: it stands in line, where *stand* says."""
    return _place(
        callback,
        Command.READY,
        CallbackReady,
        stand=stand,
        policy=policy,
        now=now,
        by=by,
        reason=reason,
        hold_reason=None,
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
    by: str | None = None,
    more: Mapping[str, Any] = MappingProxyType({}),
    now: datetime,
) -> Decision:
    """
    Give it another place, at an operator's or a rule's word: *kind* names which.

    Args:
        more: what only the event tells.

    Raises:
        NotPossibleNow: it is being attempted, or has ended.
    """
    command = Command.PLACE
    return _place(
        callback, command, kind, stand=stand, policy=policy, reason=reason, by=by, now=now, more=more
    )


def ticket(callback: Callback, ticket_id: str, *, now: datetime) -> Decision:
    """Keep the id of the ticket that was opened for it; one that has ended, or has one, is left as it is."""
    if callback.state is CallbackState.ENDED or callback.ticket_id is not None:
        return Decision()
    due = (callback.due_at, callback.due_reason)
    record = move(callback, Command.TICKET, due=due, ticket_id=ticket_id)
    event = CallbackTicketed(**head(record, at=now), ticket_id=ticket_id)
    return Decision(records=(record,), events=(event,))


def hold(callback: Callback, *, reason: HoldReason, until: datetime, now: datetime) -> Decision:
    """Take it out of the line, for a rule forbids dialing now. Looked at again at *until*, while it lives."""
    due = min((until, DueReason.HOLD_OVER), expiry(callback))
    record = move(callback, Command.HOLD, due=due, hold_reason=reason)
    return Decision(records=(record,), events=(CallbackHeld(**head(record, at=now), hold_reason=reason),))


def look_again(callback: Callback, *, at: datetime, now: datetime) -> Decision:
    """The attempt is still under way though it should be over: look again at *at*."""
    record = move(callback, Command.LOOK_AGAIN, due=(at, DueReason.ATTEMPT_OVERDUE))
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
    record = move(
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
        number_index=record.number_index,
        turn_at=record.turn_at,
        overtook_calls_count=record.overtook_calls_count,
        overtook_callbacks_count=record.overtook_callbacks_count,
    )
    return Decision(records=(record,), events=(event,))


VOICEMAIL_TIME_MAX: Final = timedelta(minutes=2)
"""So long an agent may speak to a machine before the callback takes the attempt for lost."""

ALONE_TIME_MAX: Final = timedelta(minutes=2)
"""So long after having answered a customer may be on the line alone, whom nobody could be told to hang up."""


def attempt_time_max(policy: QueuePolicy) -> timedelta:
    """Return the longest time that an attempt may take until it is connected or over, with a minute to spare."""
    longest = (
        policy.agent_ring_time + 2 * policy.ring_time + policy.join_time_max + 5 * policy.hang_up_time_max
    )
    longest += (
        policy.confirm_time_max + 2 * policy.prompt_time_max + policy.customer_hold_max + VOICEMAIL_TIME_MAX
    )
    return longest + ALONE_TIME_MAX + timedelta(minutes=1)


def complete(callback: Callback, *, now: datetime) -> Decision:
    """Both can hear each other: the promise is kept."""
    return end(
        callback,
        Command.COMPLETE,
        outcome=Outcome.COMPLETED,
        now=now,
        attempts_count=callback.attempts_count + 1,
        last_disposition=Disposition.CONNECTED,
    )


def attempt_failed(
    callback: Callback,
    *,
    disposition: Disposition,
    step: NextStep,
    policy: QueuePolicy,
    now: datetime,
    counted: bool = True,
    ending: Mapping[str, Any] = MappingProxyType({}),
) -> Decision:
    """
    Do what `core.retry` found: give the place back, rest, wait for a correction, tell the customer, or end.

    Args:
        counted: whether the attempt counts.
        ending: what else the event of the end tells: whom it was said to.
    """
    match step:
        case GoBack():
            record = move(
                callback,
                Command.GIVE_BACK,
                due=due_in_line(callback, policy=policy),
                attempt_id=None,
                last_disposition=disposition,
            )
            event = CallbackReturned(**head(record, at=now), last_disposition=disposition)
            return Decision(records=(record,), events=(event,))
        case Rest(rest, number_index, notice):
            record = move(
                callback,
                Command.REST,
                due=min((now + rest, DueReason.REST_OVER), expiry(callback)),
                attempt_id=None,
                attempts_count=callback.attempts_count + 1,
                last_disposition=disposition,
                number_index=number_index,
            )
            rested = told(CallbackRested, record, at=now, notice=notice)
            return Decision(records=(record,), events=(rested,))
        case Correct() | Tell():
            wrong = isinstance(step, Correct)
            record = move(
                callback,
                Command.FAIL,
                due=expiry(callback) if wrong else (now, DueReason.TO_BE_TOLD),
                attempt_id=None,
                attempts_count=callback.attempts_count + counted,
                last_disposition=disposition,
                hold_reason=HoldReason.WRONG_NUMBER if wrong else HoldReason.TO_BE_TOLD,
            )
            return Decision(records=(record,), events=(told(CallbackFailed, record, at=now),))
        case End(outcome, reason):
            return end(
                callback,
                Command.GIVE_UP,
                outcome=outcome,
                now=now,
                reason=reason,
                more=ending,
                attempts_count=callback.attempts_count + counted,
                last_disposition=disposition,
            )
        case _:
            assert_never(step)


def cancel(callback: Callback, *, reason: str | None, by: str | None = None, now: datetime) -> Decision:
    """
    End the promise at the customer's or an operator's wish. Cancelling twice is a no-op.

    Raises:
        NotPossibleNow: it has ended in another way.
    """
    if callback.outcome is Outcome.CANCELLED:
        return Decision()
    outcome, more = Outcome.CANCELLED, {"by": by}
    return end(callback, Command.CANCEL, outcome=outcome, now=now, reason=reason, more=more)


def expire(
    callback: Callback, *, ending: Mapping[str, Any] = MappingProxyType({}), now: datetime
) -> Decision:
    """Its life is over, and it was not done. *ending* is what else the event tells: whom it was said to."""
    reason = "callback_life"
    return end(callback, Command.EXPIRE, outcome=Outcome.EXPIRED, now=now, reason=reason, more=ending)


def refuse(callback: Callback, *, reason: str, ending: Mapping[str, Any], now: datetime) -> Decision:
    """A rule forbids calling this person: *reason* names it, *ending* is what else the event tells."""
    return end(callback, Command.REFUSE, outcome=Outcome.REFUSED_BY_RULE, now=now, reason=reason, more=ending)


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
            return open_to_all(callback, stand=opened(callback, lane=facts.lane), policy=policy, now=now)
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
    record = move(marked, Command.MARK_LONG_WAIT, due=due_in_line(marked, policy=policy))
    event = CallbackWaitedLong(**head(record, at=now), waited_long_at=now)
    return Decision(records=(record,), events=(event,))


def expiry(callback: Callback) -> tuple[datetime, DueReason]:
    """Return the last of its clocks: when its life is over."""
    return (callback.expires_at, DueReason.EXPIRES)


def due_in_line(callback: Callback, *, policy: QueuePolicy) -> tuple[datetime, DueReason]:
    """Return the earliest of the clocks of a callback that stands in line."""
    clocks = [expiry(callback)]
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
    by: str | None = None,
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
    due = due_in_line(placed, policy=policy) if in_line else (placed.due_at, placed.due_reason)
    record = move(placed, command, due=due, **changes)
    event = told(kind, record, at=now, reason=reason, by=by, **more)
    return Decision(records=(record,), events=(event,))


def _dedup_key_in(queue: QueueName, callback: Callback, *, policy: QueuePolicy) -> str | None:
    """In its own queue a callback keeps the key that it has: policy may have changed, and others may hold it."""
    if queue == callback.queue:
        return callback.dedup_key
    return dedup_key_or_none(callback.subject_id, policy=policy)


def move(
    callback: Callback, command: Command, *, due: tuple[datetime | None, DueReason | None], **changes: Any
) -> Callback:
    """Return the next version of the record. Raises: NotPossibleNow, where TRANSITIONS does not have it."""
    state = TRANSITIONS.get((callback.state, command))
    if state is None:
        allowed = sorted(str(before) for before, name in TRANSITIONS if name is command and before)
        raise NotPossibleNow(str(command), str(callback.state), ", ".join(allowed))
    return attrs.evolve(
        callback, version=callback.version + 1, state=state, due_at=due[0], due_reason=due[1], **changes
    )


def end(
    callback: Callback,
    command: Command,
    *,
    outcome: Outcome,
    now: datetime,
    reason: str | None = None,
    more: Mapping[str, Any] = MappingProxyType({}),
    **changes: Any,
) -> Decision:
    """
    End the promise with an outcome.

    Args:
        more: what only the event tells.
    """
    record = move(
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
        **more,
    )
    return Decision(records=(record,), events=(event,))

"""What an attempt's progress means for its callback and its agent: decided together, committed together."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs

from callbackq.core import agents, announcing, lifecycle, settling
from callbackq.core.decision import Decision
from callbackq.core.legs import Context
from callbackq.core.notices import Told, notices, one_notice, told_of, told_of_expiry
from callbackq.core.retry import NO_FAILURES, End, Failures, NextStep, Rest, counts, next_step
from callbackq.effects import ReleaseAgent
from callbackq.model import (
    Agent,
    AnsweredBy,
    Attempt,
    AttemptState,
    Callback,
    CallbackState,
    Disposition,
    DueReason,
    NoticeKind,
    Outcome,
    Subject,
)


@attrs.frozen(kw_only=True)
class After:
    """
    An attempt before and after a decision, with the agent who was reserved for it before.

    Args:
        failures: what the rules for failed attempts look at; read where the attempt has ended.
        no_shows_count: chosen times that the customer would have missed with this one; None if it is none.
        dedup_held_by: another callback that holds the same dedup key by now.
    """

    before: Attempt
    after: Attempt
    agent: Agent | None
    failures: Failures = NO_FAILURES
    no_shows_count: int | None = None
    dedup_held_by: Callback | None = None
    by: str | None = None


def follow(moved: After, context: Context) -> Decision:
    """Return what becomes of the callback and of the agent; mostly nothing while the attempt is under way."""
    lost = _agent_lost(moved, context)
    if moved.after.state is moved.before.state:
        return lost
    if moved.after.state is AttemptState.CONNECTED:
        return _callback_kept(moved, context) + _agent_connected(moved, context)
    if moved.after.state is AttemptState.ENDED:
        freed = lost if lost.records else _agent_freed(moved, context)
        of_callback = _callback_failed(moved, context)
        return of_callback + freed + _after_talk(moved, of_callback, context)
    return lost


def corrected(moved: After, context: Context) -> Decision:
    """A person says of an attempt that is over that it was no conversation: the promise is taken up again."""
    return _taken_up_again(moved, context)


def expired(callback: Callback, subject: Subject, *, now: datetime) -> Decision:
    """Its life is over. Where the customer was tried, or waited for another number, somebody is told."""
    if announcing.is_to_be_told(callback):
        return announcing.untold(callback, subject, now=now)
    told = told_of_expiry(callback, now=now)
    decision = lifecycle.expire(callback, ending=told.as_fields(), now=now)
    record = next(record for record in decision.records if isinstance(record, Callback))
    return decision + Decision(effects=notices(record, subject, told))


def refused(callback: Callback, subject: Subject, *, reason: str, now: datetime) -> Decision:
    """A rule forbids calling this person at all. It is over, and the company is told; *reason* names the rule."""
    told = Told(kinds=(NoticeKind.REFUSED_BY_RULE,))
    decision = lifecycle.refuse(callback, reason=reason, ending=told.as_fields(), now=now)
    note = f"Callback refused by a rule: {reason.replace('_', ' ')}."
    effects = (attrs.evolve(notice, note=note) for notice in notices(_callback_of(decision), subject, told))
    return decision + Decision(effects=tuple(effects))


def still_due_at(attempt: Attempt, context: Context) -> datetime | None:
    """
    Return when to look again at an attempt whose own deadlines will end it; None if they cannot be relied on.

    After a time in which no node was there both the callback and its attempt are due: the attempt goes first.
    """
    longest = lifecycle.attempt_time_max(context.policy)
    if attempt.due_at is None or attempt.due_at > context.now + longest:
        return None
    return attempt.due_at + longest


def disposition_if_lost(attempt: Attempt) -> Disposition:
    """Return how an attempt ended that should long be over: unknown, but where a machine had answered."""
    machine = attempt.answered_by is AnsweredBy.MACHINE
    return Disposition.MACHINE if machine else Disposition.UNKNOWN


def overdue(attempt: Attempt, context: Context, *, failures: Failures) -> Decision:
    """The attempt should long be over: the callback goes on as after one of which nothing is known, or a voicemail."""
    unknown = attrs.evolve(attempt, disposition=disposition_if_lost(attempt))
    step = next_step(context.callback, unknown, failures=failures, policy=context.policy, now=context.now)
    return _failed(unknown, step, context, no_shows_count=None)


def _is_attempting(context: Context, attempt: Attempt) -> bool:
    callback = context.callback
    return callback.state is CallbackState.ATTEMPTING and callback.attempt_id == attempt.attempt_id


# ---------------------------------------------------------------------------- the callback


def _callback_kept(moved: After, context: Context) -> Decision:
    """A machine that an agent speaks to is no promise kept."""
    if not _is_attempting(context, moved.after) or moved.after.answered_by is AnsweredBy.MACHINE:
        return Decision()
    return lifecycle.complete(context.callback, now=context.now)


def _callback_failed(moved: After, context: Context) -> Decision:
    attempt = moved.after
    if not _is_attempting(context, attempt):
        return _taken_up_again(moved, context)
    if attempt.disposition is Disposition.CONNECTED:
        return lifecycle.complete(context.callback, now=context.now)
    step = next_step(
        context.callback, attempt, failures=moved.failures, policy=context.policy, now=context.now
    )
    return _failed(attempt, step, context, no_shows_count=moved.no_shows_count)


def _failed(attempt: Attempt, step: NextStep, context: Context, *, no_shows_count: int | None) -> Decision:
    assert attempt.disposition is not None
    told = Told()
    if isinstance(step, End):
        told = told_of(step, no_shows_count=no_shows_count, policy=context.policy, now=context.now)
    last = context.callback.last_disposition if attempt.announces is not None else None
    decision = lifecycle.attempt_failed(
        context.callback,
        disposition=last or attempt.disposition,
        step=step,
        policy=context.policy,
        now=context.now,
        counted=counts(attempt),
        ending=told.as_fields(),
    )
    return decision + _told(decision, step, told, attempt, context)


def _told(decision: Decision, step: NextStep, told: Told, attempt: Attempt, context: Context) -> Decision:
    callback = _callback_of(decision)
    effects = notices(callback, context.subject, told)
    if isinstance(step, Rest) and step.notice is not None:
        effects += (one_notice(step.notice, callback, context.subject),)
    return Decision(effects=effects) + _number_wrong(decision, attempt, context)


def _number_wrong(decision: Decision, attempt: Attempt, context: Context) -> Decision:
    if attempt.disposition is not Disposition.WRONG_PERSON:
        return Decision()
    # The number that was dialed, and not the one that is next.
    dialed = attrs.evolve(_callback_of(decision), number_index=attempt.number_index)
    return Decision(effects=(one_notice(NoticeKind.NUMBER_WRONG, dialed, context.subject),))


def _callback_of(decision: Decision) -> Callback:
    return next(record for record in decision.records if isinstance(record, Callback))


def _taken_up_again(moved: After, context: Context) -> Decision:
    """It was taken for done, and a person said otherwise."""
    attempt, callback = moved.after, context.callback
    if not settling.may_reopen(callback, attempt) or context.subject.erased_at is not None:
        return Decision()
    life = context.policy.callback_life
    lives_until = max(callback.expires_at, context.now + life)  # As `reopen` will let it.
    step = next_step(
        attrs.evolve(callback, attempts_count=callback.attempts_count - 1, expires_at=lives_until),
        attempt,
        failures=moved.failures,
        policy=context.policy,
        now=context.now,
    )
    told, held_by = Told(), moved.dedup_held_by
    if isinstance(step, End) and held_by is None:
        told = told_of(step, no_shows_count=None, policy=context.policy, now=context.now)
    decision = settling.reopen(
        callback,
        attempt,
        step=step,
        held_by=held_by,
        by=moved.by or "agent",
        life=life,
        ending=told.as_fields(),
        now=context.now,
    )
    if held_by is not None:  # The other one goes on: there is nothing to tell the customer.
        return decision + _number_wrong(decision, attempt, context)
    return decision + _told(decision, step, told, attempt, context)


def _after_talk(moved: After, of_callback: Decision, context: Context) -> Decision:
    """They talked: the ticket says so, and the customer may be asked how it was."""
    changed = (record for record in of_callback.records if isinstance(record, Callback))
    callback = next(changed, context.callback)
    kept = callback.outcome is Outcome.COMPLETED and callback.attempt_id == moved.after.attempt_id
    if moved.after.disposition is not Disposition.CONNECTED or not kept:
        return Decision()
    kinds: list[NoticeKind] = []
    if callback.ticket_id is not None:
        kinds.append(NoticeKind.TICKET_NOTE)
    if context.policy.survey:
        kinds.append(NoticeKind.SURVEY)
    return Decision(effects=notices(callback, context.subject, Told(kinds=tuple(kinds))))


# ---------------------------------------------------------------------------- the agent


def _agent_connected(moved: After, context: Context) -> Decision:
    if moved.agent is None or moved.agent.attempt_id != moved.after.attempt_id:
        return Decision()
    return agents.connected(moved.agent, now=context.now)


def _agent_lost(moved: After, context: Context) -> Decision:
    """The agent declined or did not pick up, and the attempt goes on without: they cool down."""
    if moved.agent is None or moved.agent.agent_id == moved.after.agent_id:
        return Decision()
    return _freed(moved, context, pause=context.policy.agent_cool_down, reason=DueReason.COOL_DOWN_OVER)


def _agent_freed(moved: After, context: Context) -> Decision:
    policy = context.policy
    pause, reason = timedelta(0), DueReason.WRAP_UP_OVER
    if moved.after.connected_at is not None:
        pause = policy.wrap_up
    elif moved.after.disposition is Disposition.AGENT_UNAVAILABLE:
        pause, reason = policy.agent_cool_down, DueReason.COOL_DOWN_OVER
    return _freed(moved, context, pause=pause, reason=reason)


def _freed(moved: After, context: Context, *, pause: timedelta, reason: DueReason) -> Decision:
    agent, attempt_id = moved.agent, moved.after.attempt_id
    if agent is None or agent.attempt_id != attempt_id:
        return Decision()
    presence_max = context.policy.agent_presence_max
    freed = agents.freed(agent, pause=pause, reason=reason, presence_max=presence_max, now=context.now)
    release = ReleaseAgent(agent_id=agent.agent_id, attempt_id=attempt_id)
    return freed + Decision(effects=(release,))

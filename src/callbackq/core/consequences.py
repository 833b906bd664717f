"""What an attempt's progress means for its callback and its agent: decided together, committed together."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs

from callbackq.core import agents, lifecycle
from callbackq.core.attempt import Context
from callbackq.core.decision import Decision
from callbackq.core.retry import next_step
from callbackq.model import Agent, Attempt, AttemptState, CallbackState, Disposition, DueReason


@attrs.frozen(kw_only=True)
class After:
    """An attempt before and after a decision, with the agent who was reserved for it."""

    before: Attempt
    after: Attempt
    agent: Agent | None
    failures_count: int
    """Earlier attempts of the callback that counted and ended with the same disposition."""


def follow(moved: After, context: Context) -> Decision:
    """Return what becomes of the callback and of the agent; nothing while the attempt is under way."""
    if moved.after.state is moved.before.state:
        return Decision()
    if moved.after.state is AttemptState.CONNECTED:
        return _callback_kept(moved, context) + _agent_connected(moved, context)
    if moved.after.state is AttemptState.ENDED:
        return _callback_failed(moved, context) + _agent_freed(moved, context)
    return Decision()


def still_due_at(attempt: Attempt, context: Context) -> datetime | None:
    """
    Return when to look again at an attempt whose own deadlines will end it; None if they cannot be relied on.

    After a time in which no node was there both the callback and its attempt are due: the attempt goes first.
    """
    longest = lifecycle.attempt_time_max(context.policy)
    if attempt.due_at is None or attempt.due_at > context.now + longest:
        return None
    return attempt.due_at + longest


def overdue(attempt: Attempt, context: Context, *, failures_count: int) -> Decision:
    """The attempt should long be over: the callback goes on as after one of which nothing is known."""
    unknown = attrs.evolve(attempt, disposition=Disposition.UNKNOWN)
    step = next_step(context.callback, unknown, failures_count=failures_count, policy=context.policy)
    return lifecycle.attempt_failed(
        context.callback,
        disposition=Disposition.UNKNOWN,
        step=step,
        policy=context.policy,
        now=context.now,
    )


def _is_attempting(context: Context, attempt: Attempt) -> bool:
    callback = context.callback
    return callback.state is CallbackState.ATTEMPTING and callback.attempt_id == attempt.attempt_id


def _callback_kept(moved: After, context: Context) -> Decision:
    if not _is_attempting(context, moved.after):
        return Decision()
    return lifecycle.complete(context.callback, now=context.now)


def _agent_connected(moved: After, context: Context) -> Decision:
    if moved.agent is None or moved.agent.attempt_id != moved.after.attempt_id:
        return Decision()
    return agents.connected(moved.agent, now=context.now)


def _callback_failed(moved: After, context: Context) -> Decision:
    attempt = moved.after
    if not _is_attempting(context, attempt):
        return Decision()
    assert attempt.disposition is not None
    step = next_step(context.callback, attempt, failures_count=moved.failures_count, policy=context.policy)
    return lifecycle.attempt_failed(
        context.callback,
        disposition=attempt.disposition,
        step=step,
        policy=context.policy,
        now=context.now,
    )


def _agent_freed(moved: After, context: Context) -> Decision:
    if moved.agent is None or moved.agent.attempt_id != moved.after.attempt_id:
        return Decision()
    policy = context.policy
    pause, reason = timedelta(0), DueReason.WRAP_UP_OVER
    if moved.after.connected_at is not None:
        pause = policy.wrap_up
    elif moved.after.disposition is Disposition.AGENT_UNAVAILABLE:
        pause, reason = policy.agent_cool_down, DueReason.COOL_DOWN_OVER
    return agents.freed(
        moved.agent, pause=pause, reason=reason, presence_max=policy.agent_presence_max, now=context.now
    )

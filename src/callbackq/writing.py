"""How decisions are written down: records and their history, together, in the transaction they were taken in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from callbackq.core import agents, attempt, calls, lifecycle
from callbackq.core.attempt import Context
from callbackq.core.consequences import After, follow
from callbackq.core.decision import Decision
from callbackq.core.placing import opened
from callbackq.effects import Effect
from callbackq.errors import UnknownQueue
from callbackq.events import CallbackRested, CallOpened
from callbackq.facts import open_lane
from callbackq.ids import AttemptId, CallbackId, QueueName
from callbackq.model import (
    Attempt,
    AttemptState,
    Callback,
    CallbackState,
    CallState,
    Disposition,
    DueReason,
    LiveCall,
    Place,
)
from callbackq.policy import AGENT_PRESENCE_MAX, QueuePolicy
from callbackq.ports import Transaction


def write(tx: Transaction, decision: Decision) -> None:
    """Save every record of a decision and append its events."""
    for record in decision.records:
        tx.save(record)
    if decision.events:
        tx.history.append(decision.events)


def policy_of(policies: Mapping[QueueName, QueuePolicy], queue: object) -> QueuePolicy:
    """Return the policy of a queue. Raises: UnknownQueue."""
    policy = policies.get(QueueName(queue)) if isinstance(queue, str) else None
    if policy is None:
        shown = repr(queue[:64]) if isinstance(queue, str) else type(queue).__name__
        known = ", ".join(sorted(policies)) or "none"
        raise UnknownQueue(f"queue {shown} is not configured; known: {known}")
    return policy


def policy_or_default(policies: Mapping[QueueName, QueuePolicy], queue: QueueName) -> QueuePolicy:
    """Return the policy of a queue, or the defaults: what was begun is wound up though the queue is gone."""
    return policies.get(queue) or QueuePolicy(queue=queue)


def attempt_context(
    tx: Transaction, of: Attempt, *, policies: Mapping[QueueName, QueuePolicy], now: datetime
) -> Context:
    """Read what the rules of an attempt look at."""
    return Context(
        callback=tx.callbacks.get(of.callback_id),
        subject=tx.subjects.get(of.subject_id),
        policy=policy_or_default(policies, of.queue),
        now=now,
    )


def move_attempt(
    tx: Transaction, before: Attempt, decision: Decision, context: Context
) -> tuple[Effect, ...]:
    """Write a decision about an attempt, and what follows from it for callback and agent; return the effects."""
    after = next((record for record in decision.records if isinstance(record, Attempt)), before)
    write(tx, decision)
    moved = After(
        before=before,
        after=after,
        agent=tx.agents.get(after.agent_id) if after.agent_id else None,
        failures_count=_failures_of(tx, after),
    )
    consequence = follow(moved, context)
    write(tx, consequence)
    _open_if_declined(tx, after, context)
    return decision.effects + consequence.effects


def _open_if_declined(tx: Transaction, attempt: Attempt, context: Context) -> None:
    """The preferred agent did not take it: it waits for nobody any more."""
    if attempt.state is not AttemptState.ENDED or attempt.disposition is not Disposition.AGENT_UNAVAILABLE:
        return
    callback = tx.callbacks.get(attempt.callback_id)
    if callback.state is CallbackState.WAITING and callback.preferred_until_at is not None:
        open_places(tx, [callback], policy=context.policy, now=context.now)


def open_places(
    tx: Transaction,
    places: Iterable[Place],
    *,
    policy: QueuePolicy | None = None,
    now: datetime,
    policies: Mapping[QueueName, QueuePolicy] | None = None,
) -> None:
    """Let any agent serve these places who has the skills: their preferred agent is not to be waited for."""
    for place in places:
        of = policy or policy_or_default(policies or {}, place.queue)
        stand = opened(place, lane=open_lane(tx, place))
        if isinstance(place, Callback):
            write(tx, lifecycle.open_to_all(place, stand=stand, policy=of, now=now))
        else:
            write(tx, calls.place(place, CallOpened, stand=stand, policy=of, now=now))


def presence_max_of(policies: Mapping[QueueName, QueuePolicy], queues: Sequence[QueueName]) -> timedelta:
    """Return how long an agent of these queues is believed to be there when nothing is heard."""
    known = (policies[queue].agent_presence_max for queue in queues if queue in policies)
    return min(known, default=AGENT_PRESENCE_MAX)


def free_agent_of_call(
    tx: Transaction,
    call: LiveCall,
    *,
    policies: Mapping[QueueName, QueuePolicy],
    cooled_down: bool,
    now: datetime,
) -> None:
    """Free the agent whom *call*, as it was before, had taken; after a cool-down, or after the wrap-up."""
    agent = tx.agents.find(call.agent_id) if call.state is CallState.TAKEN and call.agent_id else None
    if agent is None or agent.call_id != call.call_id:
        return
    policy = policy_or_default(policies, call.queue)
    decision = agents.freed(
        agent,
        pause=policy.agent_cool_down if cooled_down else policy.wrap_up,
        reason=DueReason.COOL_DOWN_OVER if cooled_down else DueReason.WRAP_UP_OVER,
        presence_max=presence_max_of(policies, agent.queues),
        now=now,
    )
    write(tx, decision)


def call_off(
    tx: Transaction,
    attempt_id: AttemptId,
    disposition: Disposition,
    *,
    policies: Mapping[QueueName, QueuePolicy],
    now: datetime,
) -> None:
    """End an attempt before its time, if it can still be. Its legs are hung up by the next step."""
    before = tx.attempts.get(attempt_id)
    if attempt.may_call_off(before, disposition):
        context = attempt_context(tx, before, policies=policies, now=now)
        move_attempt(tx, before, attempt.call_off(before, disposition, context), context)


def _failures_of(tx: Transaction, ended: Attempt) -> int:
    over = ended.state is AttemptState.ENDED and ended.disposition is not Disposition.CONNECTED
    if not over or not tx.callbacks.get(ended.callback_id).attempts_count:
        return 0
    return failures_count(tx, ended.callback_id, ended.disposition)


def failures_count(tx: Transaction, callback_id: CallbackId, disposition: Disposition | None) -> int:
    """Count the attempts of a callback that counted and ended with this disposition."""
    return sum(
        isinstance(event, CallbackRested) and event.last_disposition is disposition
        for event in tx.history.of_callback(callback_id)
    )

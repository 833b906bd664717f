"""What an explanation looks at, read in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

from callbackq.chooser import Chooser
from callbackq.core.announcing import is_to_be_told
from callbackq.core.explain import ClosedHours, ExplainFacts
from callbackq.core.legs import number_at, with_usable_number
from callbackq.facts import agents_able_count, capped_now, control_of, lanes_of_agent, skills_of
from callbackq.ids import QueueName
from callbackq.model import AgentState, Callback, CallbackState, HoldReason, Mode
from callbackq.permission import closed_by
from callbackq.policy import Caps, QueuePolicy
from callbackq.ports import Transaction


def explain_facts(
    tx: Transaction,
    callback: Callback,
    *,
    policies: Mapping[QueueName, QueuePolicy],
    caps: Caps,
    now: datetime,
) -> ExplainFacts:
    """Return what decides over a callback now. Cost: as for a step of the dispatcher that starts nothing."""
    skills = skills_of(tx, callback)
    preferred = tx.agents.find(callback.preferred_agent_id) if callback.preferred_agent_id else None
    facts = ExplainFacts(
        ahead=tx.line.count_ahead(callback.queue, rank=callback.rank, place_id=callback.place_id),
        agents_staffed=tx.agents.staffed_count(callback.queue),
        agents_able=agents_able_count(tx, callback.queue, skills),
        agents_available=0,
        attempt=tx.attempts.get(callback.attempt_id) if callback.attempt_id else None,
        queue_is_known=callback.queue in policies,
        control=control_of(tx, callback.queue),
        preferred_signed_in=preferred is not None and preferred.state is not AgentState.SIGNED_OUT,
        skills=skills,
    )
    if callback.state is CallbackState.HELD and facts.queue_is_known:
        closed = _closed_hours(tx, callback, policy=policies[callback.queue], now=now)
        capped = None
        if is_to_be_told(callback):
            capped = capped_now(tx, callback.queue, policies=policies, caps=caps, now=now)
        return attrs.evolve(facts, closed=closed, capped=capped)
    if callback.state is not CallbackState.WAITING or not facts.queue_is_known:
        return facts
    reached = capped_now(tx, callback.queue, policies=policies, caps=caps, now=now)
    chooser = Chooser(tx, policies, tx.agents.available(), caps=caps, now=now)
    return _with_free_agents(tx, callback, attrs.evolve(facts, capped=reached), chooser)


def _closed_hours(
    tx: Transaction, callback: Callback, *, policy: QueuePolicy, now: datetime
) -> ClosedHours | None:
    """Return the hours for which a callback is held, as far as they forbid a call now."""
    for_hours = callback.hold_reason in (HoldReason.CALLING_HOURS, HoldReason.CUSTOMER_HOURS)
    if not for_hours and not is_to_be_told(callback):
        return None
    subject = tx.subjects.get(callback.subject_id)
    mode = Mode.CUSTOMER_FIRST if is_to_be_told(callback) else callback.mode
    chosen = with_usable_number(attrs.evolve(callback, mode=mode), subject)
    number = number_at(subject, chosen.number_index)
    return closed_by(chosen, subject, number, policy=policy, now=now)


def _with_free_agents(
    tx: Transaction, callback: Callback, facts: ExplainFacts, chooser: Chooser
) -> ExplainFacts:
    """Ask for each free agent who can serve it what that agent would be given."""
    free = tx.agents.available()
    able = [
        agent
        for agent in free
        if callback.queue in agent.queues and callback.lane in lanes_of_agent(tx, agent)
    ]
    picks = [chooser.pick(agent) for agent in able]
    others = [one.place.queue for one in picks if one.place is not None and one.place.queue != callback.queue]
    kept = [one.kept_for for one in picks if one.kept_for is not None]
    is_left = any(one.place is not None and one.place.queue == callback.queue for one in picks)
    return attrs.evolve(
        facts,
        agents_available=len(able),
        live_call_first=bool(picks) and all(one.acd_goes_first for one in picks),
        kept_for=kept[0] if kept and not is_left else None,
        goes_first=others[0] if others and not is_left else None,
    )

"""Why a callback is or is not being dialed now: the rule, what it looked at, and when that can change."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

import attrs

from callbackq.model import Attempt, AttemptState, Callback, CallbackState, Explanation


@attrs.frozen(kw_only=True)
class ExplainFacts:
    """What is known besides the record, read in the same transaction."""

    ahead: int
    agents_available: int
    """How many are free who serve its queue and have its skills."""
    agents_staffed: int
    attempt: Attempt | None
    queue_is_known: bool = True


_ATTEMPT_TEXT = {
    AttemptState.INTENDED: "agent {agent} is being asked to take it",
    AttemptState.AGENT_ON_LINE: "agent {agent} is on the line, and the customer's phone is being dialed",
    AttemptState.JOINING: "the customer answered, and is being joined to agent {agent}",
    AttemptState.CONNECTED: "the customer talks to agent {agent}",
    AttemptState.ENDING: "the attempt with agent {agent} is over, and its legs are being hung up",
    AttemptState.ENDED: "the attempt with agent {agent} has just ended",
}


def explain(callback: Callback, *, facts: ExplainFacts, now: datetime) -> Explanation:
    """Explain *callback*. Every state has its words; a state without is a bug that the types show."""
    rule, text, values = _why(callback, facts)
    return Explanation(
        callback_id=callback.callback_id,
        at=now,
        state=callback.state,
        rule=rule,
        text=text,
        values=values,
        next_change_at=callback.due_at,
    )


def _why(callback: Callback, facts: ExplainFacts) -> tuple[str, str, dict[str, str]]:
    until = callback.due_at.isoformat() if callback.due_at else ""
    match callback.state:
        case CallbackState.SCHEDULED:
            return "scheduled", f"not dialed: it is scheduled for {until}", {"scheduled_at": until}
        case CallbackState.WAITING:
            return _why_waiting(facts)
        case CallbackState.ATTEMPTING:
            return _why_attempting(facts)
        case CallbackState.RESTING:
            values = {"last_disposition": str(callback.last_disposition), "rest_until": until}
            text = f"not dialed: resting until {until} after {callback.last_disposition}"
            return "rest", f"{text}, attempt {callback.attempts_count}", values
        case CallbackState.HELD:
            values = {"hold_reason": str(callback.hold_reason), "held_until": until}
            return "hold", f"not dialed: held until {until}, {callback.hold_reason}", values
        case CallbackState.ENDED:
            ended_at = callback.ended_at.isoformat() if callback.ended_at else ""
            values = {"outcome": str(callback.outcome), "ended_at": ended_at}
            return "ended", f"not dialed: it ended as {callback.outcome} at {ended_at}", values
        case _:
            assert_never(callback.state)


def _why_waiting(facts: ExplainFacts) -> tuple[str, str, dict[str, str]]:
    values = {
        "ahead": str(facts.ahead),
        "agents_available": str(facts.agents_available),
        "agents_staffed": str(facts.agents_staffed),
    }
    if not facts.queue_is_known:
        return "queue_not_configured", "not dialed: no policy is configured here for its queue", values
    if not facts.agents_staffed:
        return "nobody_staffed", "not dialed: no agent is signed in for its queue", values
    if facts.agents_available and not facts.ahead:
        return "next_step", "about to be dialed: it is first in line and an agent is available", values
    if facts.agents_available:
        text = (
            f"not dialed: {facts.ahead} ahead of it, and {facts.agents_available} available; at the next step"
        )
        return "next_step", text, values
    text = f"not dialed: {facts.ahead} ahead of it, and of {facts.agents_staffed} agents none is free who can serve it"
    return "no_agent_available", text, values


def _why_attempting(facts: ExplainFacts) -> tuple[str, str, dict[str, str]]:
    attempt = facts.attempt
    assert attempt is not None
    values = {
        "attempt_id": attempt.attempt_id,
        "attempt_state": str(attempt.state),
        "agent_id": attempt.agent_id or "",
    }
    return (
        "attempting",
        "being dialed: " + _ATTEMPT_TEXT[attempt.state].format(agent=attempt.agent_id),
        values,
    )

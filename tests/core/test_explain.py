"""Why a callback is or is not being dialed now: every state has its rule, its words and its figures."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from callbackq.core.explain import ExplainFacts, explain
from callbackq.model import (
    AttemptState,
    CallbackState,
    Disposition,
    DueReason,
    Explanation,
    HoldReason,
    Outcome,
)
from core.samples import ANN, ATTEMPT_ID, CALLBACK_ID, START, D, M, a_callback, an_attempt

NOW = START + M
NOBODY = ExplainFacts(ahead=0, agents_available=0, agents_staffed=0, attempt=None)


def test_an_explanation_says_of_what_and_when() -> None:
    """Callback, state, the time of asking, and when time alone can change it."""
    why = explain(a_callback(), facts=NOBODY, now=NOW)
    assert why == Explanation(
        callback_id=CALLBACK_ID,
        at=NOW,
        state=CallbackState.WAITING,
        rule="nobody_staffed",
        text="not dialed: no agent is signed in for its queue",
        values={"ahead": "0", "agents_available": "0", "agents_staffed": "0"},
        next_change_at=START + D,
    )


@pytest.mark.parametrize(
    ("ahead", "available", "staffed", "rule", "text"),
    [
        (0, 0, 0, "nobody_staffed", "not dialed: no agent is signed in for its queue"),
        (7, 0, 0, "nobody_staffed", "not dialed: no agent is signed in for its queue"),
        (0, 1, 1, "next_step", "about to be dialed: it is first in line and an agent is available"),
        (2, 1, 3, "next_step", "not dialed: 2 ahead of it, and 1 available; at the next step"),
        (
            2,
            0,
            3,
            "no_agent_available",
            "not dialed: 2 ahead of it, and of 3 agents none is free who can serve it",
        ),
        (
            0,
            0,
            3,
            "no_agent_available",
            "not dialed: 0 ahead of it, and of 3 agents none is free who can serve it",
        ),
    ],
)
def test_why_a_waiting_callback_waits(ahead: int, available: int, staffed: int, rule: str, text: str) -> None:
    """The line and the agents decide, and both are shown as figures."""
    facts = ExplainFacts(ahead=ahead, agents_available=available, agents_staffed=staffed, attempt=None)
    why = explain(a_callback(), facts=facts, now=NOW)
    assert (why.rule, why.text) == (rule, text)
    assert why.values == {
        "ahead": str(ahead),
        "agents_available": str(available),
        "agents_staffed": str(staffed),
    }


@pytest.mark.parametrize(
    ("changes", "rule", "text", "values"),
    [
        (
            {
                "state": CallbackState.SCHEDULED,
                "due_at": START + 2 * D,
                "due_reason": DueReason.SCHEDULED,
            },
            "scheduled",
            "not dialed: it is scheduled for 2026-01-07T08:00:00+00:00",
            {"scheduled_at": "2026-01-07T08:00:00+00:00"},
        ),
        (
            {
                "state": CallbackState.RESTING,
                "due_at": START + 3 * M,
                "due_reason": DueReason.REST_OVER,
                "last_disposition": Disposition.BUSY,
                "attempts_count": 1,
            },
            "rest",
            "not dialed: resting until 2026-01-05T08:03:00+00:00 after busy, attempt 1",
            {"last_disposition": "busy", "rest_until": "2026-01-05T08:03:00+00:00"},
        ),
        (
            {
                "state": CallbackState.HELD,
                "due_at": START + 3 * M,
                "due_reason": DueReason.HOLD_OVER,
                "hold_reason": HoldReason.NUMBER_IN_USE,
            },
            "hold",
            "not dialed: held until 2026-01-05T08:03:00+00:00, number_in_use",
            {"hold_reason": "number_in_use", "held_until": "2026-01-05T08:03:00+00:00"},
        ),
        (
            {
                "state": CallbackState.ENDED,
                "due_at": None,
                "due_reason": None,
                "outcome": Outcome.UNREACHED,
                "ended_at": START + M,
            },
            "ended",
            "not dialed: it ended as unreached at 2026-01-05T08:01:00+00:00",
            {"outcome": "unreached", "ended_at": "2026-01-05T08:01:00+00:00"},
        ),
    ],
    ids=["scheduled", "resting", "held", "ended"],
)
def test_why_a_callback_is_not_dialed(
    changes: dict[str, Any], rule: str, text: str, values: dict[str, str]
) -> None:
    """Booked, resting, held, ended: until when, and why."""
    callback = a_callback(**changes)
    why = explain(callback, facts=NOBODY, now=NOW)
    assert (why.state, why.rule, why.text, why.values) == (callback.state, rule, text, values)
    assert why.next_change_at == callback.due_at


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (AttemptState.INTENDED, "being dialed: agent ann is being asked to take it"),
        (
            AttemptState.AGENT_ON_LINE,
            "being dialed: agent ann is on the line, and the customer's phone is being dialed",
        ),
        (AttemptState.JOINING, "being dialed: the customer answered, and is being joined to agent ann"),
        (AttemptState.CONNECTED, "being dialed: the customer talks to agent ann"),
        (
            AttemptState.ENDING,
            "being dialed: the attempt with agent ann is over, and its legs are being hung up",
        ),
        (AttemptState.ENDED, "being dialed: the attempt with agent ann has just ended"),
    ],
)
def test_how_far_an_attempt_is(state: AttemptState, text: str) -> None:
    """Each state of the attempt in words, with whom."""
    facts = attrs.evolve(NOBODY, attempt=an_attempt(state=state))
    why = explain(a_callback(state=CallbackState.ATTEMPTING, attempt_id=ATTEMPT_ID), facts=facts, now=NOW)
    assert (why.rule, why.text) == ("attempting", text)
    assert why.values == {"attempt_id": ATTEMPT_ID, "attempt_state": state.value, "agent_id": ANN}


def test_an_agent_is_named_as_the_host_names_them() -> None:
    """A name with braces is a name, not a template."""
    attempt = an_attempt(agent_id="{0}{agent}{")
    facts = attrs.evolve(NOBODY, attempt=attempt)
    why = explain(a_callback(state=CallbackState.ATTEMPTING, attempt_id=ATTEMPT_ID), facts=facts, now=NOW)
    assert why.text == "being dialed: agent {0}{agent}{ is being asked to take it"


def test_an_attempt_that_is_missing_is_a_bug() -> None:
    """A callback that is ATTEMPTING has an attempt: without it nothing is made up."""
    with pytest.raises(AssertionError):
        explain(a_callback(state=CallbackState.ATTEMPTING), facts=NOBODY, now=NOW)


def test_a_queue_without_a_policy_is_the_reason() -> None:
    """Whatever the agents do: this node dials nobody there."""
    facts = ExplainFacts(ahead=0, agents_available=3, agents_staffed=3, attempt=None, queue_is_known=False)
    why = explain(a_callback(), facts=facts, now=NOW)
    assert (why.rule, why.text) == (
        "queue_not_configured",
        "not dialed: no policy is configured here for its queue",
    )

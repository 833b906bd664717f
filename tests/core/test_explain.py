"""Why a callback is or is not being dialed now: every rule has its words, its figures, and its next moment."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest

from callbackq.core.capping import Cap, Capped
from callbackq.core.explain import ClosedHours, ExplainFacts, Rule, explain, explain_no_offer, explain_offer
from callbackq.ids import DEFAULT_TENANT, AgentId, CallbackId, OfferId, QueueName
from callbackq.model import (
    Ahead,
    AttemptState,
    CallbackState,
    Disposition,
    DueReason,
    Explanation,
    HoldReason,
    LegState,
    NoOffer,
    NoOfferReason,
    Offer,
    OfferReason,
    Outcome,
    Position,
    QueueControl,
    Wait,
)
from core.samples import (
    ANN,
    ATTEMPT_ID,
    CALL_ID,
    CALLBACK_ID,
    START,
    SUPPORT,
    D,
    H,
    M,
    S,
    a_callback,
    an_attempt,
)

NOW = START + M
SALES = QueueName("sales")
NOBODY = ExplainFacts(ahead=Ahead(), agents_staffed=0, agents_able=0, agents_available=0, attempt=None)
FREE = attrs.evolve(NOBODY, agents_staffed=3, agents_able=2, agents_available=1)
PAUSED = QueueControl(
    tenant_id=DEFAULT_TENANT,
    queue=SUPPORT,
    version=1,
    dialing_paused=True,
    reason="fire drill",
    changed_at=START + S,
)
EXPIRES = {"due_at": "2026-01-06T08:00:00+00:00", "due_reason": "expires", "then": "it expires"}
LINE = {
    "ahead": "0",
    "ahead_calls": "0",
    "ahead_callbacks": "0",
    "ahead_exact": "true",
    "agents_staffed": "0",
    "agents_able": "0",
    "agents_available": "0",
    "skills": "",
}
LINE_FREE = {**LINE, "agents_staffed": "3", "agents_able": "2", "agents_available": "1"}


def why(facts: ExplainFacts = NOBODY, *, now: datetime = NOW, **changes: Any) -> Explanation:
    return explain(a_callback(**changes), facts=facts, now=now)


def test_an_explanation_says_of_what_and_when() -> None:
    """K6: callback, state, the time of asking, the rule, and when time alone can change it."""
    assert why() == Explanation(
        callback_id=CALLBACK_ID,
        at=NOW,
        state=CallbackState.WAITING,
        rule="nobody_staffed",
        text="not dialed: no agent is signed in for its queue",
        values={**LINE, **EXPIRES},
        next_change_at=START + D,
    )


# ---------------------------------------------------------------------------- in line

PREFERRED = {"preferred_agent_id": ANN, "preferred_until_at": START + 3 * M}
WAITING: list[tuple[Rule, ExplainFacts, dict[str, Any], str, dict[str, str]]] = [
    (
        Rule.QUEUE_NOT_CONFIGURED,
        attrs.evolve(FREE, queue_is_known=False, control=PAUSED),
        {},
        "not dialed: no policy is configured here for its queue",
        {**LINE_FREE, "paused_at": "2026-01-05T08:00:01+00:00", "paused_reason": "fire drill"},
    ),
    (
        Rule.DUE,
        attrs.evolve(FREE, control=PAUSED),
        {"due_at": NOW, "due_reason": DueReason.WAITED_LONG},
        "not dialed: since 2026-01-05T08:01:00+00:00 it waits for a step of a dispatcher, and then it has waited"
        " longer than the longest virtual wait, and keeps its place",
        {
            **LINE_FREE,
            "paused_at": "2026-01-05T08:00:01+00:00",
            "paused_reason": "fire drill",
            "due_at": "2026-01-05T08:01:00+00:00",
            "due_reason": "waited_long",
            "then": "it has waited longer than the longest virtual wait, and keeps its place",
        },
    ),
    (
        Rule.CAP_REACHED,
        attrs.evolve(FREE, capped=Capped(cap=Cap.AT_ONCE, limit=30)),
        {},
        "not dialed: as many attempts as its caps allow, attempts_at_once_max 30",
        {**LINE_FREE, "cap": "attempts_at_once_max", "cap_limit": "30"},
    ),
    (
        Rule.DIALING_PAUSED,
        attrs.evolve(FREE, control=PAUSED),
        {},
        "not dialed: dialing is paused, for the reason: fire drill",
        {**LINE_FREE, "paused_at": "2026-01-05T08:00:01+00:00", "paused_reason": "fire drill"},
    ),
    (
        Rule.DIALING_PAUSED,
        attrs.evolve(NOBODY, control=attrs.evolve(PAUSED, reason=None)),
        PREFERRED,
        "not dialed: dialing is paused, no reason given",
        {
            **LINE,
            "preferred_agent_id": "ann",
            "preferred_until_at": "2026-01-05T08:03:00+00:00",
            "preferred_signed_in": "false",
            "paused_at": "2026-01-05T08:00:01+00:00",
            "paused_reason": "",
        },
    ),
    (
        Rule.PREFERRED_AGENT,
        attrs.evolve(NOBODY, agents_staffed=3, agents_able=1, preferred_signed_in=True),
        PREFERRED,
        "not dialed: it waits for agent ann alone, until 2026-01-05T08:03:00+00:00;"
        " that agent is signed in and not free",
        {
            **LINE,
            "agents_staffed": "3",
            "agents_able": "1",
            "preferred_agent_id": "ann",
            "preferred_until_at": "2026-01-05T08:03:00+00:00",
            "preferred_signed_in": "true",
        },
    ),
    (
        Rule.PREFERRED_AGENT,
        NOBODY,
        PREFERRED,
        "not dialed: it waits for agent ann alone, until 2026-01-05T08:03:00+00:00;"
        " that agent is not signed in",
        {
            **LINE,
            "preferred_agent_id": "ann",
            "preferred_until_at": "2026-01-05T08:03:00+00:00",
            "preferred_signed_in": "false",
        },
    ),
    (
        Rule.NOBODY_STAFFED,
        attrs.evolve(NOBODY, ahead=Ahead(calls=7), control=attrs.evolve(PAUSED, dialing_paused=False)),
        {},
        "not dialed: no agent is signed in for its queue",
        {**LINE, "ahead": "7", "ahead_calls": "7"},
    ),
    (
        Rule.NOBODY_HAS_SKILLS,
        attrs.evolve(NOBODY, agents_staffed=3, skills=("french", "german")),
        {},
        "not dialed: no agent has the skills french, german, of 3 signed in for its queue",
        {**LINE, "agents_staffed": "3", "skills": "french, german"},
    ),
    (
        Rule.NO_AGENT_AVAILABLE,
        attrs.evolve(FREE, agents_available=0, ahead=Ahead(calls=1, callbacks=1), live_call_first=True),
        {},
        "not dialed: 2 ahead of it, and no agent is free, of 2 who can serve it",
        {**LINE_FREE, "agents_available": "0", "ahead": "2", "ahead_calls": "1", "ahead_callbacks": "1"},
    ),
    (
        Rule.EARLIER_LIVE_CALL,
        attrs.evolve(FREE, live_call_first=True, kept_for=SALES, goes_first=SALES),
        {},
        "not dialed: a live call that came earlier waits for the host's own ACD",
        {**LINE_FREE, "kept_for": "sales", "goes_first": "sales"},
    ),
    (
        Rule.AGENTS_KEPT,
        attrs.evolve(FREE, kept_for=SALES, goes_first=SALES),
        {},
        "not dialed: the agents who are free are kept for queue sales",
        {**LINE_FREE, "kept_for": "sales", "goes_first": "sales"},
    ),
    (
        Rule.OTHER_QUEUE_FIRST,
        attrs.evolve(FREE, goes_first=SALES, ahead=Ahead(calls=9)),
        {},
        "not dialed: the agents who are free serve queue sales first",
        {**LINE_FREE, "goes_first": "sales", "ahead": "9", "ahead_calls": "9"},
    ),
    (
        Rule.AHEAD_IN_LINE,
        attrs.evolve(FREE, ahead=Ahead(callbacks=1)),
        {},
        "not dialed: 1 ahead of it, and 1 agents free who can serve it",
        {**LINE_FREE, "ahead": "1", "ahead_callbacks": "1"},
    ),
    (
        Rule.AHEAD_IN_LINE,
        attrs.evolve(FREE, ahead=Ahead(calls=12_000, callbacks=1_000, exact=False)),
        {},
        "not dialed: about 13000 ahead of it, and 1 agents free who can serve it",
        {
            **LINE_FREE,
            "ahead": "13000",
            "ahead_calls": "12000",
            "ahead_callbacks": "1000",
            "ahead_exact": "false",
        },
    ),
    (
        Rule.NEXT_STEP,
        FREE,
        {},
        "about to be dialed: 0 ahead of it, and an agent is free for it",
        LINE_FREE,
    ),
    (
        Rule.NEXT_STEP,
        attrs.evolve(FREE, agents_available=2, ahead=Ahead(calls=1), preferred_signed_in=True),
        PREFERRED,
        "about to be dialed: 1 ahead of it, and an agent is free for it",
        {
            **LINE_FREE,
            "agents_available": "2",
            "ahead": "1",
            "ahead_calls": "1",
            "preferred_agent_id": "ann",
            "preferred_until_at": "2026-01-05T08:03:00+00:00",
            "preferred_signed_in": "true",
        },
    ),
]


@pytest.mark.parametrize(
    ("rule", "facts", "changes", "text", "values"), WAITING, ids=[case[0] for case in WAITING]
)
def test_why_a_waiting_callback_waits(
    rule: Rule, facts: ExplainFacts, changes: dict[str, Any], text: str, values: dict[str, str]
) -> None:
    """K6: the first rule that holds, in words and with all figures."""
    explained = why(facts, **changes)
    assert (explained.rule, explained.text) == (rule, text)
    assert explained.values == {**EXPIRES, **values}


# ---------------------------------------------------------------------------- out of line

ASKED_AGAIN = {"due_at": START + 3 * M, "due_reason": DueReason.HOLD_OVER}
HELD_WORDS = {
    HoldReason.CALLING_HOURS: "the rules of the places where its number may be did not permit a call",
    HoldReason.CUSTOMER_HOURS: "the customer wants to be called at other hours",
    HoldReason.COST_CEILING: "it would cost more than its queue may spend in 24 hours",
    HoldReason.DO_NOT_CALL_UNKNOWN: "the do-not-call list could not be asked, and nobody is called without",
}
OUT_OF_LINE: list[tuple[Rule, dict[str, Any], str, dict[str, str]]] = [
    (
        Rule.SCHEDULED,
        {
            "state": CallbackState.SCHEDULED,
            "scheduled_at": START + 2 * D,
            "due_at": START + 2 * D - 2 * M,
            "due_reason": DueReason.SCHEDULED,
        },
        "not dialed: it is scheduled for 2026-01-07T08:00:00+00:00",
        {
            "scheduled_at": "2026-01-07T08:00:00+00:00",
            "due_at": "2026-01-07T07:58:00+00:00",
            "due_reason": "scheduled",
            "then": "its time comes, and it stands in line",
        },
    ),
    (
        Rule.REST,
        {
            "state": CallbackState.RESTING,
            "due_at": START + 3 * M,
            "due_reason": DueReason.REST_OVER,
            "last_disposition": Disposition.BUSY,
            "attempts_count": 1,
        },
        "not dialed: it rests after busy, attempts so far: 1;"
        " at 2026-01-05T08:03:00+00:00 its rest is over, and it stands in line",
        {
            "last_disposition": "busy",
            "attempts_count": "1",
            "due_at": "2026-01-05T08:03:00+00:00",
            "due_reason": "rest_over",
            "then": "its rest is over, and it stands in line",
        },
    ),
    (
        Rule.REST,
        {
            "state": CallbackState.RESTING,
            "due_at": START + 3 * M,
            "due_reason": DueReason.EXPIRES,
            "last_disposition": Disposition.NO_ANSWER,
            "attempts_count": 2,
        },
        "not dialed: it rests after no_answer, attempts so far: 2; at 2026-01-05T08:03:00+00:00 it expires",
        {
            "last_disposition": "no_answer",
            "attempts_count": "2",
            "due_at": "2026-01-05T08:03:00+00:00",
            "due_reason": "expires",
            "then": "it expires",
        },
    ),
    (
        Rule.NUMBER_LIMIT,
        {
            "state": CallbackState.HELD,
            "due_at": START + 3 * M,
            "due_reason": DueReason.HOLD_OVER,
            "hold_reason": HoldReason.NUMBER_LIMIT,
        },
        "not dialed: its number was dialed as often as its caps, or the rules of its place, allow;"
        " at 2026-01-05T08:03:00+00:00 it stands in line again, and the rule is asked again",
        {
            "hold_reason": "number_limit",
            "due_at": "2026-01-05T08:03:00+00:00",
            "due_reason": "hold_over",
            "then": "it stands in line again, and the rule is asked again",
        },
    ),
    *(
        (
            Rule(reason),
            {"state": CallbackState.HELD, **ASKED_AGAIN, "hold_reason": reason},
            f"not dialed: {words}; at 2026-01-05T08:03:00+00:00 it stands in line again,"
            " and the rule is asked again",
            {
                "hold_reason": reason.value,
                "due_at": "2026-01-05T08:03:00+00:00",
                "due_reason": "hold_over",
                "then": "it stands in line again, and the rule is asked again",
            },
        )
        for reason, words in HELD_WORDS.items()
    ),
    (
        Rule.TO_BE_TOLD,
        {
            "state": CallbackState.HELD,
            "due_at": START + 3 * M,
            "due_reason": DueReason.TO_BE_TOLD,
            "hold_reason": HoldReason.TO_BE_TOLD,
        },
        "not dialed: every agent declined it, and the customer is to be called and told so;"
        " at 2026-01-05T08:03:00+00:00 the customer is called and told that nobody can take it,"
        " if every rule permits it",
        {
            "hold_reason": "to_be_told",
            "due_at": "2026-01-05T08:03:00+00:00",
            "due_reason": "to_be_told",
            "then": "the customer is called and told that nobody can take it, if every rule permits it",
        },
    ),
    (
        Rule.WRONG_NUMBER,
        {
            "state": CallbackState.HELD,
            "due_at": START + D,
            "due_reason": DueReason.EXPIRES,
            "hold_reason": HoldReason.WRONG_NUMBER,
        },
        "not dialed: somebody else answered its number, and it waits for the right one;"
        " at 2026-01-06T08:00:00+00:00 it expires",
        {"hold_reason": "wrong_number", **EXPIRES},
    ),
    (
        Rule.NUMBER_IN_USE,
        {
            "state": CallbackState.HELD,
            "due_at": START + 3 * M,
            "due_reason": DueReason.HOLD_OVER,
            "hold_reason": HoldReason.NUMBER_IN_USE,
        },
        "not dialed: its number is in another call; at 2026-01-05T08:03:00+00:00 it stands in line again,"
        " and the rule is asked again",
        {
            "hold_reason": "number_in_use",
            "due_at": "2026-01-05T08:03:00+00:00",
            "due_reason": "hold_over",
            "then": "it stands in line again, and the rule is asked again",
        },
    ),
]


@pytest.mark.parametrize(
    ("rule", "changes", "text", "values"), OUT_OF_LINE, ids=[case[0] for case in OUT_OF_LINE]
)
def test_why_a_callback_is_not_in_line(
    rule: Rule, changes: dict[str, Any], text: str, values: dict[str, str]
) -> None:
    """K6: booked, resting or held: after what, until when, and what comes then."""
    explained = why(**changes)
    assert (explained.rule, explained.text, explained.values) == (rule, text, values)
    assert explained.next_change_at == changes["due_at"]


@pytest.mark.parametrize("changes", [case[1] for case in OUT_OF_LINE])
def test_a_time_that_has_passed_waits_for_a_step(changes: dict[str, Any]) -> None:
    """K6: no dispatcher runs, or it is behind: that is the reason then, and the next change can come now."""
    just_before = why(**changes, now=changes["due_at"] - S)
    assert just_before.rule not in (Rule.DUE, Rule.QUEUE_NOT_CONFIGURED)
    late = changes["due_at"] + M
    explained = why(**changes, now=late)
    assert explained.rule == Rule.DUE
    assert explained.text.startswith(f"not dialed: since {changes['due_at'].isoformat()} it waits for a step")
    assert explained.next_change_at == late
    elsewhere = why(attrs.evolve(NOBODY, queue_is_known=False), **changes, now=late)
    assert elsewhere.rule == Rule.QUEUE_NOT_CONFIGURED


# ---------------------------------------------------------------------------- attempts

ATTEMPTING = {
    "state": CallbackState.ATTEMPTING,
    "attempt_id": ATTEMPT_ID,
    "due_at": START + 5 * M,
    "due_reason": DueReason.ATTEMPT_OVERDUE,
}


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (AttemptState.INTENDED, "agent ann is being asked to take it"),
        (AttemptState.AGENT_ON_LINE, "agent ann is on the line, and the customer's phone is being dialed"),
        (AttemptState.JOINING, "the customer answered, and is being joined to agent ann"),
        (AttemptState.CONNECTED, "the customer talks to agent ann"),
        (AttemptState.ENDING, "the attempt with agent ann is over, and its legs are being hung up"),
    ],
)
def test_how_far_an_attempt_is(state: AttemptState, text: str) -> None:
    """K6: each state of the attempt in words, with whom, and its own deadline."""
    facts = attrs.evolve(NOBODY, attempt=an_attempt(state=state, due_at=START + 2 * M))
    explained = why(facts, **ATTEMPTING)
    assert (explained.rule, explained.text) == (Rule.ATTEMPTING, f"being dialed: {text}")
    assert explained.values == {
        "attempt_id": ATTEMPT_ID,
        "attempt_state": state.value,
        "agent_id": ANN,
        "attempts_count": "0",
        "due_at": "2026-01-05T08:02:00+00:00",
        "due_reason": "agent_ring_over",
        "then": "the agent has not accepted in time",
    }
    assert explained.next_change_at == START + 2 * M


_A, _L = AttemptState, LegState
RINGS: dict[str, Any] = {"customer_leg": _L.RINGING}
ANSWERED: dict[str, Any] = {"customer_leg": _L.ANSWERED}
NO_AGENT: dict[str, Any] = {"agent_id": None, "agent_leg": _L.NONE}
LOOKED_FOR = "an agent is looked for"
ASKED = "agent ann is being asked to take it"
WITH_AGENT = (_A.AGENT_ON_LINE, _A.JOINING, _A.CONNECTED)
"""No attempt gets here, or stays here, without one."""


@pytest.mark.parametrize(
    ("state", "legs", "text"),
    [
        (_A.INTENDED, {"agent_leg": _L.RINGING}, ASKED),
        (_A.INTENDED, {**RINGS, "agent_leg": _L.RINGING}, f"the customer's phone is being dialed; {ASKED}"),
        (
            _A.INTENDED,
            {"customer_leg": _L.INTENDED, "agent_leg": _L.NONE},
            "the customer's phone is being dialed; agent ann is kept for it",
        ),
        (_A.INTENDED, {**RINGS, **NO_AGENT}, f"the customer's phone is being dialed; {LOOKED_FOR}"),
        (
            _A.CONFIRMING,
            {**ANSWERED, "agent_leg": _L.ANSWERED},
            "the customer answered, and is asked to press a key; agent ann is on the line",
        ),
        (
            _A.CONFIRMING,
            {**ANSWERED, "agent_leg": _L.NONE},
            "the customer answered, and is asked to press a key; agent ann is kept for it",
        ),
        (
            _A.CONFIRMING,
            {**ANSWERED, **NO_AGENT},
            f"the customer answered, and is asked to press a key; {LOOKED_FOR}",
        ),
        (
            _A.CUSTOMER_ON_LINE,
            {**ANSWERED, "agent_leg": _L.RINGING},
            f"the customer answered, and holds; {ASKED}",
        ),
        (
            _A.CUSTOMER_ON_LINE,
            {**ANSWERED, "agent_leg": _L.INTENDED},
            f"the customer answered, and holds; {ASKED}",
        ),
        (_A.CUSTOMER_ON_LINE, {**ANSWERED, **NO_AGENT}, f"the customer answered, and holds; {LOOKED_FOR}"),
        (_A.ENDING, {**ANSWERED, **NO_AGENT}, "the attempt is over, and its legs are being hung up"),
        (_A.ENDED, {"customer_leg": _L.ENDED, **NO_AGENT}, "the attempt has just ended"),
    ],
)
def test_how_far_each_leg_is(state: AttemptState, legs: dict[str, Any], text: str) -> None:
    """K6: in any mode, and while no agent is found."""
    facts = attrs.evolve(NOBODY, attempt=an_attempt(state=state, **legs))
    explained = why(facts, **ATTEMPTING, now=START)
    assert explained.text == f"being dialed: {text}"
    assert explained.values["agent_id"] == (legs.get("agent_id", ANN) or "")


@pytest.mark.parametrize("leg", list(LegState))
@pytest.mark.parametrize("state", list(AttemptState))
def test_every_leg_of_every_state_has_its_words(state: AttemptState, leg: LegState) -> None:
    """K6: whatever was reported of whom."""
    for agent_id in (ANN, None) if state not in WITH_AGENT else (ANN,):
        attempt = an_attempt(state=state, agent_id=agent_id, agent_leg=leg, customer_leg=leg)
        text = why(attrs.evolve(NOBODY, attempt=attempt), **ATTEMPTING, now=START).text
        assert re.fullmatch(r"being dialed: [^{}]+", text)
        assert "None" not in text
        assert ("agent ann" in text) is (agent_id is not None)


@pytest.mark.parametrize(
    ("reason", "then"),
    [
        (DueReason.CONFIRM_OVER, "the customer has pressed no key in time"),
        (DueReason.CUSTOMER_HOLD_OVER, "the customer has held for an agent as long as anybody may"),
    ],
)
def test_what_ends_the_patience_with_a_customer(reason: DueReason, then: str) -> None:
    """K6: the two deadlines of who answered before the two are joined."""
    attempt = an_attempt(state=AttemptState.CONFIRMING, due_reason=reason)
    assert why(attrs.evolve(NOBODY, attempt=attempt), **ATTEMPTING, now=START).values["then"] == then


@pytest.mark.parametrize("due_at", [START + 9 * M, None])
def test_the_earlier_deadline_of_the_two_comes_next(due_at: datetime | None) -> None:
    """K6: that of the callback, if the attempt's is later or gone."""
    ended = an_attempt(state=AttemptState.ENDED, due_at=due_at)
    explained = why(attrs.evolve(NOBODY, attempt=ended), **ATTEMPTING)
    assert explained.text == "being dialed: the attempt with agent ann has just ended"
    assert explained.values["due_reason"] == "attempt_overdue"
    assert explained.next_change_at == START + 5 * M


def test_of_two_deadlines_at_once_the_attempt_says_what_happens() -> None:
    """K6: it knows more."""
    explained = why(attrs.evolve(NOBODY, attempt=an_attempt(due_at=START + 5 * M)), **ATTEMPTING)
    assert explained.values["due_reason"] == "agent_ring_over"


def test_an_attempt_that_is_overdue() -> None:
    """K6: its deadline has passed, and nobody has made a step since."""
    facts = attrs.evolve(NOBODY, attempt=an_attempt(due_at=START + M))
    assert why(facts, **ATTEMPTING, now=START + M - S).rule == Rule.ATTEMPTING
    explained = why(facts, **ATTEMPTING, now=START + M)
    assert explained.rule == Rule.ATTEMPT_OVERDUE
    assert explained.text == (
        "being dialed: agent ann is being asked to take it;"
        " since 2026-01-05T08:01:00+00:00 that waits for a step of a dispatcher"
    )
    assert explained.values["overdue_at"] == "2026-01-05T08:01:00+00:00"
    assert explained.next_change_at == START + M


def test_an_agent_is_named_as_the_host_names_them() -> None:
    """A name with braces is a name, not a template."""
    odd = AgentId("{0}{agent_id}{")
    facts = attrs.evolve(NOBODY, attempt=an_attempt(agent_id=odd))
    explained = why(facts, **ATTEMPTING, now=START)
    assert explained.text == "being dialed: agent {0}{agent_id}{ is being asked to take it"
    alone = why(preferred_agent_id=odd, preferred_until_at=START + 3 * M)
    assert "waits for agent {0}{agent_id}{ alone" in alone.text
    paused = attrs.evolve(NOBODY, control=attrs.evolve(PAUSED, reason="{due_at}"))
    assert why(paused).text == "not dialed: dialing is paused, for the reason: {due_at}"


def test_an_attempt_that_is_missing_is_a_bug() -> None:
    """A callback that is ATTEMPTING has an attempt: without it nothing is made up."""
    with pytest.raises(AssertionError):
        why(**ATTEMPTING)


# ---------------------------------------------------------------------------- ended

ENDED: dict[str, Any] = {
    "state": CallbackState.ENDED,
    "due_at": None,
    "due_reason": None,
    "outcome": Outcome.UNREACHED,
    "ended_at": START + M,
    "attempts_count": 2,
}


def test_how_a_callback_ended() -> None:
    """K6: as what, when, and what that means; nothing changes any more."""
    explained = why(**ENDED)
    assert explained.rule == Rule.ENDED
    assert explained.text == (
        "not dialed: it ended as unreached at 2026-01-05T08:01:00+00:00:"
        " the customer was not reached, and no attempt is left"
    )
    assert explained.values == {
        "outcome": "unreached",
        "ended_at": "2026-01-05T08:01:00+00:00",
        "attempts_count": "2",
    }
    assert explained.next_change_at is None


def test_into_which_one_it_was_merged() -> None:
    """D12: the callback that has its place now."""
    explained = why(**{**ENDED, "outcome": Outcome.REPLACED}, merged_into_id=CallbackId("cb_2"))
    assert explained.text.endswith(": another callback of the same person has its place, cb_2")
    assert explained.values["merged_into_id"] == "cb_2"


def test_the_attempt_that_outlives_a_kept_promise_changes_nothing() -> None:
    """K6: the conversation is the attempt's own affair."""
    talking = an_attempt(state=AttemptState.CONNECTED, due_at=START + D)
    explained = why(attrs.evolve(NOBODY, attempt=talking), **{**ENDED, "outcome": Outcome.COMPLETED})
    assert explained.next_change_at is None
    assert "due_at" not in explained.values


# ---------------------------------------------------------------------------- nothing is left out


CLOSED: list[tuple[ClosedHours, str, dict[str, str]]] = [
    (
        ClosedHours(
            reason=HoldReason.CALLING_HOURS,
            rule_key="us-fl",
            zone="America/New_York",
            opens_at=START + 3 * M,
        ),
        "the rules of us-fl in America/New_York permit a call from 2026-01-05T08:03:00+00:00",
        {"rule_key": "us-fl", "zone": "America/New_York", "opens_at": "2026-01-05T08:03:00+00:00"},
    ),
    (
        ClosedHours(reason=HoldReason.CALLING_HOURS, opens_at=START + 3 * M),
        "the rules of its place permit a call from 2026-01-05T08:03:00+00:00",
        {"opens_at": "2026-01-05T08:03:00+00:00"},
    ),
    (
        ClosedHours(reason=HoldReason.CALLING_HOURS, rule_key="default"),
        "the rules of default permit a call at no time in sight",
        {"rule_key": "default"},
    ),
    (
        ClosedHours(reason=HoldReason.CUSTOMER_HOURS, zone="Europe/Paris", opens_at=START + H),
        "the customer in Europe/Paris wants to be called from 2026-01-05T09:00:00+00:00",
        {"zone": "Europe/Paris", "opens_at": "2026-01-05T09:00:00+00:00"},
    ),
]


@pytest.mark.parametrize(("closed", "words", "values"), CLOSED)
def test_hours_that_forbid_a_call_are_told_with_their_rule(
    closed: ClosedHours, words: str, values: dict[str, str]
) -> None:
    """K6: whose rule, on whose clock, and from when it permits a call."""
    held: dict[str, Any] = {"state": CallbackState.HELD, **ASKED_AGAIN, "hold_reason": closed.reason}
    explained = why(attrs.evolve(NOBODY, closed=closed), **held)
    then = "it stands in line again, and the rule is asked again"
    assert explained.rule == Rule(closed.reason)
    assert explained.text == f"not dialed: {words}; at 2026-01-05T08:03:00+00:00 {then}"
    told = {
        name: explained.values[name] for name in ("rule_key", "zone", "opens_at") if name in explained.values
    }
    assert told == values


def test_hours_of_another_kind_than_it_is_held_for_are_not_told() -> None:
    """K6: what holds it is named; what would hold it next is not its reason yet."""
    held: dict[str, Any] = {
        "state": CallbackState.HELD,
        **ASKED_AGAIN,
        "hold_reason": HoldReason.CUSTOMER_HOURS,
    }
    explained = why(attrs.evolve(NOBODY, closed=CLOSED[0][0]), **held)
    assert explained == why(**held)


def test_every_rule_is_shown_above() -> None:
    """K6: a new rule needs its words and a case."""
    shown = {case[0] for case in WAITING} | {case[0] for case in OUT_OF_LINE}
    assert shown | {Rule.ATTEMPTING, Rule.ATTEMPT_OVERDUE, Rule.ENDED} == set(Rule)


STATES: dict[CallbackState, dict[str, Any]] = {
    CallbackState.SCHEDULED: OUT_OF_LINE[0][1],
    CallbackState.WAITING: {},
    CallbackState.ATTEMPTING: ATTEMPTING,
    CallbackState.RESTING: OUT_OF_LINE[1][1],
    CallbackState.HELD: OUT_OF_LINE[-1][1],
    CallbackState.ENDED: ENDED,
}


@pytest.mark.parametrize("state", list(CallbackState))
def test_every_state_is_explained(state: CallbackState) -> None:
    """K6: a new state needs its rule."""
    explained = why(attrs.evolve(NOBODY, attempt=an_attempt()), **STATES[state])
    assert explained.state is state
    assert explained.text


@pytest.mark.parametrize("reason", list(HoldReason))
def test_every_hold_is_explained(reason: HoldReason) -> None:
    """K6: a new reason to hold a callback is a rule with words of its own."""
    explained = why(**{**OUT_OF_LINE[-1][1], "hold_reason": reason})
    assert explained.rule == Rule(reason)
    assert explained.values["hold_reason"] == reason


@pytest.mark.parametrize("state", list(AttemptState))
def test_every_state_of_an_attempt_is_explained(state: AttemptState) -> None:
    """K6: a new state needs its words."""
    explained = why(attrs.evolve(NOBODY, attempt=an_attempt(state=state)), **ATTEMPTING, now=START)
    assert "agent ann" in explained.text


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_is_explained(outcome: Outcome) -> None:
    """K6: a new outcome needs its words."""
    assert re.search(rf"ended as {outcome} at \S+: \w+", why(**{**ENDED, "outcome": outcome}).text)


OF_AGENTS_ONLY = {DueReason.WRAP_UP_OVER, DueReason.COOL_DOWN_OVER, DueReason.PRESENCE_OVER}
OF_MESSAGES_ONLY = {
    DueReason.MESSAGE_WAITS,
    DueReason.SEND_OVERDUE,
    DueReason.RECEIPT_OVERDUE,
    DueReason.UNCERTAIN_TOO_LONG,
}


OF_NODES_ONLY = {DueReason.LEASE_OVER, DueReason.HANDED_OVER}


@pytest.mark.parametrize("reason", sorted({*DueReason} - OF_AGENTS_ONLY - OF_MESSAGES_ONLY - OF_NODES_ONLY))
def test_every_deadline_is_explained(reason: DueReason) -> None:
    """K6: a new deadline of a callback or an attempt needs its words; agents and messages have their own."""
    of_callback = why(due_reason=reason)
    assert of_callback.values["then"]
    of_attempt = attrs.evolve(NOBODY, attempt=an_attempt(due_reason=reason))
    assert why(of_attempt, **ATTEMPTING, now=START).values["then"] == of_callback.values["then"]


def test_no_name_and_no_number_appears() -> None:
    """K5, K6: ids, counts and instants only; the keys of numbers neither."""
    attempt = an_attempt(number_key="0a1b2c")
    for state, changes in STATES.items():
        explained = why(attrs.evolve(NOBODY, attempt=attempt), **changes)
        for text in (explained.text, *explained.values.values()):
            assert "0a1b2c" not in text, state
            assert "su_1" not in text, state


# ---------------------------------------------------------------------------- offers

WAIT = Wait(mean_s=60.0, low_s=30.0, high_s=90.0)


@pytest.mark.parametrize("reason", list(NoOfferReason))
def test_every_reason_for_no_offer_is_explained(reason: NoOfferReason) -> None:
    """K6: a new reason needs its words; and when time alone can change it."""
    no_offer = NoOffer(call_id=CALL_ID, queue=SUPPORT, reason=reason, position=Position(number=1), wait=WAIT)
    text = explain_no_offer(no_offer)
    assert re.fullmatch(r"not offered: [^;{}]+", text)
    later = explain_no_offer(attrs.evolve(no_offer, again_at=START + M))
    assert later == f"{text}; it can change at 2026-01-05T08:01:00+00:00"


@pytest.mark.parametrize("reason", list(OfferReason))
def test_every_reason_for_an_offer_is_explained(reason: OfferReason) -> None:
    """K6: a new reason needs its words."""
    offer = Offer(
        offer_id=OfferId("of_1"),
        call_id=CALL_ID,
        queue=SUPPORT,
        reason=reason,
        position=Position(number=1),
        wait=WAIT,
        expected_at=None,
        choices=(),
        expires_at=START + M,
    )
    assert re.fullmatch(r"offered: [^{}]+", explain_offer(offer))


def test_a_cap_per_minute_says_when_it_opens() -> None:
    """The next change is when the window leaves the first attempt behind, if nothing else comes before."""
    until_at = NOW + 20 * S
    facts = attrs.evolve(FREE, capped=Capped(cap=Cap.PER_MIN, limit=3, until_at=until_at))
    explained = explain(a_callback(), facts=facts, now=NOW)
    assert (explained.rule, explained.next_change_at) == ("cap_reached", until_at)


@pytest.mark.parametrize(
    ("due_in", "opens_in", "next_in"),
    [(60 * S, 20 * S, 20 * S), (10 * S, 20 * S, 10 * S), (60 * S, None, 60 * S), (60 * S, -1 * S, 0 * S)],
)
def test_a_cap_is_one_of_the_moments_at_which_something_changes(
    due_in: timedelta, opens_in: timedelta | None, next_in: timedelta
) -> None:
    """The earlier of the two; never what has passed."""
    cap = Capped(cap=Cap.PER_MIN, limit=3, until_at=None if opens_in is None else NOW + opens_in)
    callback = a_callback(due_at=NOW + due_in)
    explained = explain(callback, facts=attrs.evolve(FREE, capped=cap), now=NOW)
    assert (explained.rule, explained.next_change_at) == ("cap_reached", NOW + next_in)
    # Where another rule is the answer, the cap is no reason for a change.
    over = explain(callback, facts=attrs.evolve(FREE, capped=cap, queue_is_known=False), now=NOW)
    assert over.next_change_at == NOW + due_in

"""
The life of an attempt: the whole matrix of situations and reports, drawn by hand, and every deadline.

The laws that hold along all sequences of them are in `test_attempt_laws`.
"""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from callbackq.core import attempt
from callbackq.core.attempt import Context
from callbackq.core.decision import Decision
from callbackq.effects import Bridge, Dial, HangUp, Prompt
from callbackq.ids import AgentId, NodeId
from callbackq.model import (
    AnsweredBy,
    Attempt,
    AttemptState,
    Cause,
    Channel,
    Disposition,
    DueReason,
    LegState,
    Report,
    ReportKind,
    Role,
)
from callbackq.policy import QueuePolicy
from core.samples import (
    AGENT_LEG,
    ANN,
    ATTEMPT_ID,
    CALLBACK_ID,
    CUSTOMER_LEG,
    NUMBER,
    START,
    SUPPORT,
    Book,
    H,
    M,
    S,
    a_callback,
    a_subject,
    an_attempt,
    changed,
    only_event,
    only_record,
)

POLICY = QueuePolicy(
    queue=SUPPORT,
    agent_ring_time=20 * S,
    ring_time=45 * S,
    join_time_max=12 * S,
    talk_time_max=4 * H,
    hang_up_time_max=10 * S,
)
NOW = START + M
CALLBACK = a_callback(
    attempts_count=1, scheduled_at=START + H, priority=50, owner_id=AgentId("bob"), ticket_id="T-1"
)
CONTEXT = Context(callback=CALLBACK, subject=a_subject(), policy=POLICY, now=NOW)

_A, _L, _K = AttemptState, LegState, ReportKind
LEG = {Role.AGENT: AGENT_LEG, Role.CUSTOMER: CUSTOMER_LEG}
DUE = {
    _A.INTENDED: DueReason.AGENT_RING_OVER,
    _A.AGENT_ON_LINE: DueReason.RING_OVER,
    _A.JOINING: DueReason.JOIN_OVERDUE,
    _A.CONNECTED: DueReason.TALK_OVERDUE,
    _A.ENDING: DueReason.HANG_UP_OVERDUE,
    _A.ENDED: None,
}

# What is done in each situation with each report.
#
# -     ignored: no rule for it.           =     ignored: the leg is already there, or further.
# -! =! ignored, and this leg is told to hang up (again).
# note  the leg moves on.                  rang  the same, and the customer's phone rang.
# dial  the customer is dialed.            join  the legs are bridged.          talk  they talk.
# again the leg moves on, and is told to hang up (again).
# more  the leg is gone; the other one is still to go.
# over  the attempt is ENDED, as was known.          over:x   ENDED, with disposition x.
# a:x   ENDING with disposition x: the agent's leg is hung up.       c:x   the customer's leg is.
OF_THE_AGENT = """
    state          agent     customer    ringing  answered  bridged  ended                   uncertain

    intended       intended  none        note     dial      -        over:agent_unavailable  -
    intended       ringing   none        =        dial      -        over:agent_unavailable  -

    agent_on_line  answered  intended    =        =         -        c:agent_unavailable     -
    agent_on_line  answered  ringing     =        =         -        c:agent_unavailable     -

    joining        answered  answered    =        =         talk     c:agent_unavailable     -

    connected      answered  answered    =        =         -        c:connected             -

    ending         intended  none        -        again     -        over                    -
    ending         ringing   none        =        again     -        over                    -
    ending         answered  none        =        =!        -        over                    -
    ending         answered  intended    =        =!        -        more                    -
    ending         answered  ringing     =        =!        -        more                    -
    ending         answered  answered    =        =!        -        more                    -
    ending         answered  ended       =        =!        -        over                    -
    ending         ended     intended    =        =!        -        =                       -
    ending         ended     ringing     =        =!        -        =                       -
    ending         ended     answered    =        =!        -        =                       -

    ended          ended     none        =        =!        -        =                       -
    ended          ended     ended       =        =!        -        =                       -
"""
OF_THE_CUSTOMER = """
    state          agent     customer    ringing  answered  bridged  ended                 uncertain

    intended       intended  none        -        -         -        -                     -
    intended       ringing   none        -        -         -        -                     -

    agent_on_line  answered  intended    rang     join      -        a:unknown             -
    agent_on_line  answered  ringing     =        join      -        a:unknown             -

    joining        answered  answered    =        =         talk     a:answered_then_left  -

    connected      answered  answered    =        =         -        a:connected           -

    ending         intended  none        -        -!        -        -                     -
    ending         ringing   none        -        -!        -        -                     -
    ending         answered  none        -        -!        -        -                     -
    ending         answered  intended    rang     again     -        more                  -
    ending         answered  ringing     =        again     -        more                  -
    ending         answered  answered    =        =!        -        more                  -
    ending         answered  ended       =        =!        -        =                     -
    ending         ended     intended    rang     again     -        over                  -
    ending         ended     ringing     =        again     -        over                  -
    ending         ended     answered    =        =!        -        over                  -

    ended          ended     none        -        -!        -        -                     -
    ended          ended     ended       =        =!        -        =                     -
"""

Situation = tuple[AttemptState, LegState, LegState]


def cells() -> dict[tuple[Situation, Role, ReportKind], str]:
    """Read the two tables: (situation, whose leg, what is reported) -> what is done."""
    read = {}
    for role, table in ((Role.AGENT, OF_THE_AGENT), (Role.CUSTOMER, OF_THE_CUSTOMER)):
        heading, *lines = [line.split() for line in table.splitlines() if line.strip()]
        kinds = [ReportKind(name) for name in heading[3:]]
        for state, agent_leg, customer_leg, *codes in lines:
            here = _A(state), _L(agent_leg), _L(customer_leg)
            for kind, code in zip(kinds, codes, strict=True):
                read[here, role, kind] = code
    return read


CELLS = cells()
SITUATIONS = list(dict.fromkeys(here for here, _, _ in CELLS))


def situation(state: AttemptState, agent_leg: LegState, customer_leg: LegState, **changes: Any) -> Attempt:
    """Return an attempt in this situation, as it would have got there."""
    over = state is _A.ENDED
    answered = state in {_A.JOINING, _A.CONNECTED}
    fields: dict[str, Any] = {
        "version": 5,
        "state": state,
        "agent_leg": agent_leg,
        "customer_leg": customer_leg,
        "customer_rang": customer_leg in {_L.RINGING, _L.ANSWERED},
        "answered_by": AnsweredBy.HUMAN if answered else None,
        "disposition": Disposition.BUSY if state in {_A.ENDING, _A.ENDED} else None,
        "connected_at": START if state is _A.CONNECTED else None,
        "ended_at": START if over else None,
        "due_at": None if over else NOW,
        "due_reason": DUE[state],
    }
    return an_attempt(**{**fields, **changes})


def said(role: Role, kind: ReportKind, **more: Any) -> Report:
    return Report(leg_id=LEG[role], kind=kind, **more)


def told(before: Attempt, role: Role, kind: ReportKind, **more: Any) -> Decision:
    return attempt.report(before, said(role, kind, **more), CONTEXT)


def hung_up(decision: Decision) -> list[str]:
    return [effect.leg_id for effect in decision.effects if isinstance(effect, HangUp)]


# ---------------------------------------------------------------------------- the matrix


def test_the_matrix_is_complete() -> None:
    """Every state, either leg, every kind of report; 18 situations of 10 reports."""
    assert {(here[0], role, kind) for here, role, kind in CELLS} == {
        (state, role, kind) for state in AttemptState for role in Role for kind in ReportKind
    }
    assert len(CELLS) == 18 * 10


MOVES_TO = {
    _K.RINGING: _L.RINGING,
    _K.ANSWERED: _L.ANSWERED,
    _K.ENDED: _L.ENDED,
}


def expected(code: str, before: Attempt, role: Role, kind: ReportKind) -> dict[str, Any]:
    """Return what the code in a cell says of the fields that change."""
    name, _, disposition = code.partition(":")
    leg = {f"{role}_leg": MOVES_TO[kind]} if kind in MOVES_TO else {}
    rang = {"customer_rang": True}
    fields = {
        "note": leg,
        "rang": {**leg, **rang},
        "dial": {
            **leg,
            "state": _A.AGENT_ON_LINE,
            "customer_leg": _L.INTENDED,
            "due_at": NOW + 55 * S,
            "due_reason": DueReason.RING_OVER,
        },
        "join": {
            **leg,
            **rang,
            "answered_by": AnsweredBy.UNKNOWN,
            "state": _A.JOINING,
            "due_at": NOW + 12 * S,
            "due_reason": DueReason.JOIN_OVERDUE,
        },
        "talk": {
            "state": _A.CONNECTED,
            "connected_at": NOW,
            "due_at": NOW + 4 * H,
            "due_reason": DueReason.TALK_OVERDUE,
        },
        "again": {**leg, **(rang if role is Role.CUSTOMER else {})},
        "more": leg,
        "over": {**leg, "state": _A.ENDED, "ended_at": NOW, "due_at": None, "due_reason": None},
        "a": {
            **leg,
            "state": _A.ENDING,
            "due_at": NOW + 10 * S,
            "due_reason": DueReason.HANG_UP_OVERDUE,
        },
    }
    fields["c"] = fields["a"]
    changes = fields[name] | ({"disposition": Disposition(disposition)} if disposition else {})
    return {field: value for field, value in changes.items() if getattr(before, field) != value}


EFFECTS: dict[str, list[tuple[type, Role | None]]] = {
    "dial": [(Dial, Role.CUSTOMER)],
    "join": [(Bridge, None)],
    "a": [(HangUp, Role.AGENT)],
    "c": [(HangUp, Role.CUSTOMER)],
}


@pytest.mark.parametrize(
    ("here", "role", "kind", "code"),
    [
        pytest.param(here, role, kind, code, id=f"{here[0]}-{here[1]}-{here[2]}-{role}-{kind}")
        for (here, role, kind), code in CELLS.items()
    ],
)
def test_what_a_report_does(here: Situation, role: Role, kind: ReportKind, code: str) -> None:
    """Each cell of the matrix: the fields that change, and no other; the effects; and what history says."""
    before = situation(*here)
    decision = told(before, role, kind)
    event = only_event(decision)
    if code[0] in "-=":
        assert decision.records == ()
        assert (event.kind, event.version, event.report) == ("report_ignored", before.version, kind)
        assert event.leg_id == LEG[role]
        assert (
            event.reason
            == {
                "-": "no rule in this state",
                "=": "the leg is already there or further",
            }[code[0]]
        )
        assert decision.effects == ((HangUp(leg_id=LEG[role]),) if code[1:] == "!" else ())
        return
    after = only_record(decision)
    assert changed(before, after) == expected(code, before, role, kind)
    assert event.kind == ("attempt_ended" if code.startswith("over") else "attempt_moved")
    name = code.partition(":")[0]
    effects = [(HangUp, role)] if name == "again" else EFFECTS.get(name, [])
    assert [type(effect) for effect in decision.effects] == [kind for kind, _ in effects]
    for effect, (_, whose) in zip(decision.effects, effects, strict=True):
        if whose is not None:
            assert getattr(effect, "leg_id", None) == LEG[whose]


def test_the_table_of_rules_holds_nothing_else() -> None:
    """A rule that no situation reaches would be a rule without a test."""
    used = {
        (here[0], Role.CUSTOMER if kind is _K.BRIDGED else role, kind)
        for (here, role, kind), code in CELLS.items()
        if code[0] not in "-="
    }
    assert set(attempt.RULES) == used


def test_a_bridge_may_be_reported_of_either_leg() -> None:
    """It is one bridge: said of the agent's leg it does the same, and moves no leg."""
    joining = situation(_A.JOINING, _L.ANSWERED, _L.ANSWERED)
    by_agent, by_customer = (only_record(told(joining, role, _K.BRIDGED)) for role in Role)
    assert by_agent == by_customer
    assert (by_agent.agent_leg, by_agent.customer_leg) == (_L.ANSWERED, _L.ANSWERED)


def test_a_bridge_that_is_told_of_twice_is_one() -> None:
    """The second is kept in history, as said of the customer's leg."""
    connected = situation(_A.CONNECTED, _L.ANSWERED, _L.ANSWERED)
    event = only_event(told(connected, Role.AGENT, _K.BRIDGED))
    assert (event.leg_id, event.role, event.reason) == (AGENT_LEG, Role.CUSTOMER, "no rule in this state")


# ---------------------------------------------------------------------------- start and effects


def start() -> Decision:
    return attempt.start(
        attrs.evolve(CONTEXT, now=START),
        attempt_id=ATTEMPT_ID,
        agent_id=ANN,
        agent_leg_id=AGENT_LEG,
        customer_leg_id=CUSTOMER_LEG,
        node_id=NodeId("node"),
        number_key="digest",
    )


def test_an_attempt_starts_with_its_intent() -> None:
    """Both leg ids are recorded; the agent is rung, the customer not yet; and no number stands in the row."""
    decision = start()
    assert only_record(decision) == an_attempt()
    assert only_event(decision).kind == "attempt_started"
    assert NUMBER not in str(attrs.asdict(only_record(decision)))
    assert [effect.leg_id for effect in decision.effects if isinstance(effect, Dial)] == [AGENT_LEG]
    Book().write(decision)


def dialed(role: Role) -> Dial:
    return Dial(
        leg_id=LEG[role],
        role=role,
        attempt_id=ATTEMPT_ID,
        callback_id=CALLBACK_ID,
        queue=SUPPORT,
        agent_id=ANN,
        number=NUMBER,
        extension="7",
        name="Mary Major",
        language="en",
        entered_at=START,
        requested_at=START,
        scheduled_at=START + H,
        channel=Channel.WEB,
        priority=50,
        owner_id=AgentId("bob"),
        ticket_id="T-1",
        attempt_number=2,
        ring_time=(20 if role is Role.AGENT else 45) * S,
        context={"topic": "invoice"},
    )


def test_a_dial_tells_all_that_an_agent_should_see() -> None:
    """Who, since when, for when, by which channel, how urgent, whose, the how-manieth attempt, and the context."""
    assert start().effects == (dialed(Role.AGENT),)
    on_line = told(an_attempt(), Role.AGENT, _K.ANSWERED)
    assert on_line.effects == (dialed(Role.CUSTOMER),)


def test_a_callback_without_context_is_dialed_with_none() -> None:
    """Contexts of other callbacks of the same person are not shown."""
    others = attrs.evolve(CONTEXT, subject=a_subject(contexts={"cb_other": {"topic": "private"}}))
    (effect,) = attempt.report(an_attempt(), said(Role.AGENT, _K.ANSWERED), others).effects
    assert isinstance(effect, Dial)
    assert effect.context == {}


def test_a_bridge_joins_the_two_legs() -> None:
    """It names both."""
    ringing = situation(_A.AGENT_ON_LINE, _L.ANSWERED, _L.RINGING)
    decision = told(ringing, Role.CUSTOMER, _K.ANSWERED)
    assert decision.effects == (
        Bridge(attempt_id=ATTEMPT_ID, agent_leg_id=AGENT_LEG, customer_leg_id=CUSTOMER_LEG),
    )


@pytest.mark.parametrize(
    ("here", "role", "more", "hang_up"),
    [
        # The agent waits on the line, and is told why nothing comes of it.
        (
            (_A.AGENT_ON_LINE, _L.ANSWERED, _L.RINGING),
            (Role.CUSTOMER, _K.ENDED),
            {"cause": Cause.BUSY},
            HangUp(leg_id=AGENT_LEG, prompt=Prompt.CUSTOMER_NOT_REACHED),
        ),
        # The customer answered, and is told that nothing comes of it.
        (
            (_A.JOINING, _L.ANSWERED, _L.ANSWERED),
            (Role.AGENT, _K.ENDED),
            {},
            HangUp(leg_id=CUSTOMER_LEG, prompt=Prompt.COULD_NOT_CONNECT),
        ),
        # Nothing is said to a phone that only rings.
        (
            (_A.AGENT_ON_LINE, _L.ANSWERED, _L.RINGING),
            (Role.AGENT, _K.ENDED),
            {},
            HangUp(leg_id=CUSTOMER_LEG),
        ),
        # After a conversation nothing is said.
        ((_A.CONNECTED, _L.ANSWERED, _L.ANSWERED), (Role.AGENT, _K.ENDED), {}, HangUp(leg_id=CUSTOMER_LEG)),
        ((_A.CONNECTED, _L.ANSWERED, _L.ANSWERED), (Role.CUSTOMER, _K.ENDED), {}, HangUp(leg_id=AGENT_LEG)),
    ],
)
def test_what_is_said_to_who_is_left(
    here: Situation, role: tuple[Role, ReportKind], more: dict[str, Any], hang_up: HangUp
) -> None:
    """A prompt for a leg that was answered; none for one that only rings."""
    assert told(situation(*here), *role, **more).effects == (hang_up,)


# ---------------------------------------------------------------------------- dispositions


@pytest.mark.parametrize(
    ("cause", "disposition"),
    [
        (Cause.NORMAL, Disposition.ANSWERED_THEN_LEFT),
        (Cause.NO_ANSWER, Disposition.NO_ANSWER),
        (Cause.BUSY, Disposition.BUSY),
        (Cause.REJECTED, Disposition.REJECTED),
        (Cause.INVALID_NUMBER, Disposition.INVALID_NUMBER),
        (Cause.UNREACHABLE, Disposition.UNREACHABLE),
        (Cause.CONGESTED, Disposition.CONGESTED),
        (Cause.FAILED, Disposition.NETWORK_FAILURE),
        (Cause.CANCELLED, Disposition.UNKNOWN),
        (Cause.UNKNOWN, Disposition.UNKNOWN),
    ],
)
@pytest.mark.parametrize("leg", [_L.INTENDED, _L.RINGING])
def test_what_a_cause_means_before_the_answer(leg: LegState, cause: Cause, disposition: Disposition) -> None:
    """In the telephony's words and in ours; whether or not ringing was reported before."""
    before = situation(_A.AGENT_ON_LINE, _L.ANSWERED, leg)
    decision = told(before, Role.CUSTOMER, _K.ENDED, cause=cause)
    after = only_record(decision)
    assert (after.state, after.disposition) == (_A.ENDING, disposition)
    assert after.customer_rang is (leg is _L.RINGING)
    assert only_event(decision).cause == f"customer ended {cause.value}"


def test_every_cause_has_a_meaning() -> None:
    """None is forgotten."""
    assert set(attempt.CUSTOMER_DISPOSITION) == set(Cause)


@pytest.mark.parametrize("cause", Cause)
def test_what_a_cause_means_after_the_answer(cause: Cause) -> None:
    """The customer answered and left before the bridge, whatever the network calls it."""
    joining = situation(_A.JOINING, _L.ANSWERED, _L.ANSWERED)
    after = only_record(told(joining, Role.CUSTOMER, _K.ENDED, cause=cause))
    assert after.disposition is Disposition.ANSWERED_THEN_LEFT


@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize(
    ("here", "disposition"),
    [
        ((_A.INTENDED, _L.RINGING, _L.NONE), Disposition.AGENT_UNAVAILABLE),
        ((_A.AGENT_ON_LINE, _L.ANSWERED, _L.RINGING), Disposition.AGENT_UNAVAILABLE),
        ((_A.JOINING, _L.ANSWERED, _L.ANSWERED), Disposition.AGENT_UNAVAILABLE),
        ((_A.CONNECTED, _L.ANSWERED, _L.ANSWERED), Disposition.CONNECTED),
    ],
)
def test_what_it_means_that_the_agent_is_gone(
    here: Situation, disposition: Disposition, cause: Cause
) -> None:
    """Declined, timed out, left or failed is all one: the agent is unavailable, unless they talked."""
    assert only_record(told(situation(*here), Role.AGENT, _K.ENDED, cause=cause)).disposition is disposition


@pytest.mark.parametrize(
    ("answered_by", "disposition"),
    [(AnsweredBy.MACHINE, Disposition.MACHINE), (AnsweredBy.FAX, Disposition.FAX)],
)
@pytest.mark.parametrize("leg", [_L.INTENDED, _L.RINGING])
def test_an_agent_is_not_joined_to_a_machine(
    leg: LegState, answered_by: AnsweredBy, disposition: Disposition
) -> None:
    """Both legs are hung up, and the agent is told."""
    before = situation(_A.AGENT_ON_LINE, _L.ANSWERED, leg)
    decision = told(before, Role.CUSTOMER, _K.ANSWERED, answered_by=answered_by)
    after = only_record(decision)
    assert (after.state, after.disposition, after.answered_by) == (_A.ENDING, disposition, answered_by)
    assert after.customer_rang
    assert decision.effects == (
        HangUp(leg_id=AGENT_LEG, prompt=Prompt.CUSTOMER_NOT_REACHED),
        HangUp(leg_id=CUSTOMER_LEG),
    )


@pytest.mark.parametrize("answered_by", [AnsweredBy.HUMAN, AnsweredBy.UNKNOWN])
def test_who_may_be_a_person_is_joined(answered_by: AnsweredBy) -> None:
    """In doubt it is a person."""
    before = situation(_A.AGENT_ON_LINE, _L.ANSWERED, _L.RINGING)
    after = only_record(told(before, Role.CUSTOMER, _K.ANSWERED, answered_by=answered_by))
    assert (after.state, after.answered_by) == (_A.JOINING, answered_by)


def test_who_answers_too_late_rang() -> None:
    """The phone was heard to ring, so the attempt counts; but nobody talked to them."""
    ending = situation(_A.ENDING, _L.ENDED, _L.INTENDED, disposition=Disposition.AGENT_UNAVAILABLE)
    after = only_record(told(ending, Role.CUSTOMER, _K.ANSWERED))
    assert after.customer_rang
    assert after.disposition is Disposition.AGENT_UNAVAILABLE
    assert after.answered_by is None


# ---------------------------------------------------------------------------- history


@pytest.mark.parametrize(
    ("here", "role", "kind", "cause"),
    [
        ((_A.INTENDED, _L.INTENDED, _L.NONE), Role.AGENT, _K.RINGING, "agent ringing"),
        ((_A.INTENDED, _L.INTENDED, _L.NONE), Role.AGENT, _K.ANSWERED, "agent answered"),
        ((_A.INTENDED, _L.INTENDED, _L.NONE), Role.AGENT, _K.ENDED, "agent ended rejected"),
        ((_A.JOINING, _L.ANSWERED, _L.ANSWERED), Role.AGENT, _K.BRIDGED, "customer bridged"),
        ((_A.CONNECTED, _L.ANSWERED, _L.ANSWERED), Role.CUSTOMER, _K.ENDED, "customer ended rejected"),
        ((_A.CONNECTED, _L.ANSWERED, _L.ANSWERED), Role.CUSTOMER, _K.ANSWERED, None),
        ((_A.ENDED, _L.ENDED, _L.ENDED), Role.CUSTOMER, _K.ENDED, None),
    ],
)
def test_history_keeps_the_telephonys_own_words(
    here: Situation, role: Role, kind: ReportKind, cause: str | None
) -> None:
    """What was done, by whom, and the PBX's raw cause; also of a report that was ignored."""
    report = said(role, kind, cause=Cause.REJECTED, raw_cause="SIP 603")
    event = only_event(attempt.report(situation(*here), report, CONTEXT))
    assert event.raw_cause == "SIP 603"
    if cause is not None:
        assert event.cause == cause
    else:
        assert (event.role, event.report, event.leg_cause) == (role, kind, Cause.REJECTED)


# ---------------------------------------------------------------------------- time


def due_in(here: Situation, reason: DueReason, **changes: Any) -> Decision:
    before = situation(*here, due_reason=reason, **changes)
    return attempt.deadline(before, CONTEXT)


ENDING = {"state": _A.ENDING, "due_at": NOW + 10 * S, "due_reason": DueReason.HANG_UP_OVERDUE}
OVER = {"state": _A.ENDED, "ended_at": NOW, "due_at": None, "due_reason": None}
GONE = {"agent_leg": _L.ENDED, "customer_leg": _L.ENDED}
NOT_REACHED = HangUp(leg_id=AGENT_LEG, prompt=Prompt.CUSTOMER_NOT_REACHED)
COULD_NOT = HangUp(leg_id=AGENT_LEG, prompt=Prompt.COULD_NOT_CONNECT)
COULD_NOT_CUSTOMER = HangUp(leg_id=CUSTOMER_LEG, prompt=Prompt.COULD_NOT_CONNECT)
HANG_UP_AGENT = HangUp(leg_id=AGENT_LEG)
HANG_UP_CUSTOMER = HangUp(leg_id=CUSTOMER_LEG)

DEADLINES: list[tuple[DueReason, Situation, dict[str, Any], tuple[HangUp, ...]]] = [
    *(
        (
            DueReason.AGENT_RING_OVER,
            (_A.INTENDED, leg, _L.NONE),
            {**ENDING, "disposition": Disposition.AGENT_UNAVAILABLE},
            (HANG_UP_AGENT,),
        )
        for leg in (_L.INTENDED, _L.RINGING)
    ),
    (
        DueReason.RING_OVER,
        (_A.AGENT_ON_LINE, _L.ANSWERED, _L.RINGING),
        {**ENDING, "disposition": Disposition.NO_ANSWER},
        (NOT_REACHED, HANG_UP_CUSTOMER),
    ),
    (
        DueReason.RING_OVER,
        (_A.AGENT_ON_LINE, _L.ANSWERED, _L.INTENDED),
        {**ENDING, "disposition": Disposition.UNKNOWN},
        (NOT_REACHED, HANG_UP_CUSTOMER),
    ),
    (
        DueReason.JOIN_OVERDUE,
        (_A.JOINING, _L.ANSWERED, _L.ANSWERED),
        {**ENDING, "disposition": Disposition.UNKNOWN},
        (COULD_NOT, COULD_NOT_CUSTOMER),
    ),
    (
        DueReason.TALK_OVERDUE,
        (_A.CONNECTED, _L.ANSWERED, _L.ANSWERED),
        {**ENDING, "disposition": Disposition.CONNECTED},
        (HANG_UP_AGENT, HANG_UP_CUSTOMER),
    ),
    (
        DueReason.HANG_UP_WANTED,
        (_A.ENDING, _L.INTENDED, _L.NONE),
        {"due_at": NOW + 10 * S, "due_reason": DueReason.HANG_UP_OVERDUE},
        (HANG_UP_AGENT,),
    ),
    (
        DueReason.HANG_UP_WANTED,
        (_A.ENDING, _L.ANSWERED, _L.RINGING),
        {"due_at": NOW + 10 * S, "due_reason": DueReason.HANG_UP_OVERDUE},
        (HANG_UP_AGENT, HANG_UP_CUSTOMER),
    ),
    (
        DueReason.HANG_UP_WANTED,
        (_A.ENDING, _L.ENDED, _L.ANSWERED),
        {"due_at": NOW + 10 * S, "due_reason": DueReason.HANG_UP_OVERDUE},
        (HANG_UP_CUSTOMER,),
    ),
    # The customer's leg is not in the world, or known to be gone: there is nothing to wait for.
    *(
        (DueReason.HANG_UP_OVERDUE, (_A.ENDING, agent_leg, customer_leg), {**OVER, **GONE}, (HANG_UP_AGENT,))
        for agent_leg, customer_leg in (
            (_L.INTENDED, _L.NONE),
            (_L.RINGING, _L.NONE),
            (_L.ANSWERED, _L.NONE),
            (_L.ANSWERED, _L.ENDED),
        )
    ),
    # It may ring on: it is hung up again, and the number is kept until it cannot; then the attempt is over.
    *(
        (reason, (_A.ENDING, agent_leg, customer_leg), changes, effects)
        for reason, changes in (
            (
                DueReason.HANG_UP_OVERDUE,
                {"due_at": NOW + 55 * S, "due_reason": DueReason.LEG_IN_DOUBT},
            ),
            (DueReason.LEG_IN_DOUBT, {**OVER, **GONE}),
        )
        for agent_leg, customer_leg, effects in (
            (_L.ANSWERED, _L.INTENDED, (HANG_UP_AGENT, HANG_UP_CUSTOMER)),
            (_L.ANSWERED, _L.RINGING, (HANG_UP_AGENT, HANG_UP_CUSTOMER)),
            (_L.ANSWERED, _L.ANSWERED, (HANG_UP_AGENT, HANG_UP_CUSTOMER)),
            (_L.ENDED, _L.INTENDED, (HANG_UP_CUSTOMER,)),
            (_L.ENDED, _L.RINGING, (HANG_UP_CUSTOMER,)),
            (_L.ENDED, _L.ANSWERED, (HANG_UP_CUSTOMER,)),
        )
    ),
]


@pytest.mark.parametrize(("reason", "here", "changes", "effects"), DEADLINES)
def test_what_a_deadline_does(
    reason: DueReason, here: Situation, changes: dict[str, Any], effects: tuple[HangUp, ...]
) -> None:
    """The report that was waited for did not come: the fields that change, and no other; and who is hung up."""
    before = situation(*here, due_reason=reason)
    decision = attempt.deadline(before, CONTEXT)
    after = only_record(decision)
    wanted = {name: value for name, value in changes.items() if getattr(before, name) != value}
    assert changed(before, after) == wanted
    assert decision.effects == effects
    event = only_event(decision)
    assert (event.cause, event.raw_cause, event.at) == (reason.value, None, NOW)
    assert event.kind == ("attempt_ended" if after.state is _A.ENDED else "attempt_moved")


def test_a_customer_s_leg_that_is_lost_is_an_unknown_ending() -> None:
    """The agent went away, and nobody knows whether the customer's phone rang: it counts, and rests as in doubt."""
    lost = situation(_A.ENDING, _L.ENDED, _L.INTENDED, disposition=Disposition.AGENT_UNAVAILABLE)
    after = only_record(attempt.deadline(attrs.evolve(lost, due_reason=DueReason.HANG_UP_OVERDUE), CONTEXT))
    assert after.disposition is Disposition.UNKNOWN
    known = situation(_A.ENDING, _L.ANSWERED, _L.NONE, disposition=Disposition.AGENT_UNAVAILABLE)
    after = only_record(attempt.deadline(attrs.evolve(known, due_reason=DueReason.HANG_UP_OVERDUE), CONTEXT))
    assert after.disposition is Disposition.AGENT_UNAVAILABLE


@pytest.mark.parametrize("here", SITUATIONS)
def test_a_leg_is_wanted_while_its_attempt_is_under_way(here: Situation) -> None:
    """Before it ends, and while nobody ends it."""
    state, agent_leg, customer_leg = here
    under_way = state not in {_A.ENDING, _A.ENDED}
    found = situation(*here)
    assert attempt.wants(found, AGENT_LEG) is (under_way and attempt.is_live(agent_leg))
    assert attempt.wants(found, CUSTOMER_LEG) is (under_way and attempt.is_live(customer_leg))


def test_every_deadline_was_looked_at() -> None:
    """In every situation in which an attempt can wait; and no other reason is known."""
    assert set(attempt.DEADLINES) == {reason for reason, *_ in DEADLINES}
    waiting = {here for here in SITUATIONS if here[0] is not _A.ENDED}
    assert {here for reason, here, *_ in DEADLINES if reason is not DueReason.HANG_UP_WANTED} == waiting


def test_an_attempt_that_has_ended_has_no_deadline() -> None:
    """Asking for one is a bug."""
    with pytest.raises(AssertionError):
        attempt.deadline(situation(_A.ENDED, _L.ENDED, _L.ENDED), CONTEXT)


# ---------------------------------------------------------------------------- calling off

WANTED = {"state": _A.ENDING, "due_at": NOW, "due_reason": DueReason.HANG_UP_WANTED}


@pytest.mark.parametrize("disposition", [Disposition.CANCELLED_BY_US, Disposition.AGENT_UNAVAILABLE])
@pytest.mark.parametrize(
    "here", [here for here in SITUATIONS if here[0] in {_A.INTENDED, _A.AGENT_ON_LINE, _A.JOINING}]
)
def test_calling_off_wants_the_legs_hung_up(here: Situation, disposition: Disposition) -> None:
    """ENDING, due at once; the node that reaches the telephony does it, so there is no effect here."""
    before = situation(*here)
    decision = attempt.call_off(before, disposition, CONTEXT)
    after = only_record(decision)
    assert changed(before, after) == {
        name: value
        for name, value in {**WANTED, "disposition": disposition}.items()
        if getattr(before, name) != value
    }
    assert decision.effects == ()
    assert only_event(decision).cause == f"called off: {disposition.value}"
    live = [leg for leg, at in ((AGENT_LEG, here[1]), (CUSTOMER_LEG, here[2])) if at is not _L.NONE]
    assert hung_up(attempt.deadline(after, CONTEXT)) == live


@pytest.mark.parametrize("here", [here for here in SITUATIONS if here[0] is _A.ENDING])
def test_calling_off_what_is_ending_keeps_its_disposition(here: Situation) -> None:
    """What became of it is known already; what is left is hung up at once."""
    before = situation(*here)
    after = only_record(attempt.call_off(before, Disposition.UNKNOWN, CONTEXT))
    assert changed(before, after) == {"due_reason": DueReason.HANG_UP_WANTED}


@pytest.mark.parametrize("here", [here for here in SITUATIONS if here[0] is _A.ENDED])
def test_calling_off_what_has_ended_changes_nothing(here: Situation) -> None:
    """Nothing leaves ENDED, and nothing rewrites how it ended."""
    assert attempt.call_off(situation(*here), Disposition.UNKNOWN, CONTEXT) == Decision()


# ---------------------------------------------------------------------------- whole stories


def story(*steps: tuple[Role, ReportKind] | DueReason) -> tuple[Attempt, list[str]]:
    """Lead an attempt from its start through reports and deadlines; return it, and the effects' names."""
    book = Book()
    (record,) = book.write(start()).records
    for step in steps:
        assert isinstance(record, Attempt)
        if isinstance(step, DueReason):
            assert record.due_reason is step
            assert record.due_at is not None
            decision = attempt.deadline(record, attrs.evolve(CONTEXT, now=record.due_at))
        else:
            decision = attempt.report(record, said(*step), attrs.evolve(CONTEXT, now=START))
        book.write(decision)
        record = decision.records[0] if decision.records else record
    assert isinstance(record, Attempt)
    return record, [
        f"{type(effect).__name__} {getattr(effect, 'leg_id', '')}".strip() for effect in book.effects
    ]


def test_they_talk() -> None:
    """Agent rings and accepts, customer rings and answers, they are bridged, one hangs up, the other is hung up."""
    record, effects = story(
        (Role.AGENT, _K.RINGING),
        (Role.AGENT, _K.ANSWERED),
        (Role.CUSTOMER, _K.RINGING),
        (Role.CUSTOMER, _K.ANSWERED),
        (Role.CUSTOMER, _K.BRIDGED),
        (Role.CUSTOMER, _K.ENDED),
        (Role.AGENT, _K.ENDED),
    )
    assert (record.state, record.disposition, record.version) == (_A.ENDED, Disposition.CONNECTED, 8)
    assert effects == ["Dial leg_agent", "Dial leg_customer", "Bridge", "HangUp leg_agent"]


def test_the_customer_answers_as_the_agent_hangs_up() -> None:
    """The answer comes after the agent left: the customer is hung up again, and the attempt counts."""
    record, effects = story(
        (Role.AGENT, _K.ANSWERED),
        (Role.AGENT, _K.ENDED),
        (Role.CUSTOMER, _K.ANSWERED),
        (Role.CUSTOMER, _K.ENDED),
    )
    assert (record.state, record.disposition) == (_A.ENDED, Disposition.AGENT_UNAVAILABLE)
    assert record.customer_rang
    assert effects == [
        "Dial leg_agent",
        "Dial leg_customer",
        "HangUp leg_customer",
        "HangUp leg_customer",
    ]


def test_the_end_comes_before_the_answer() -> None:
    """Reports in the wrong order: the leg is gone, and what comes late moves nothing."""
    record, effects = story(
        (Role.AGENT, _K.ENDED),
        (Role.AGENT, _K.ANSWERED),
        (Role.AGENT, _K.RINGING),
    )
    assert (record.state, record.disposition) == (_A.ENDED, Disposition.AGENT_UNAVAILABLE)
    assert effects == ["Dial leg_agent", "HangUp leg_agent"]


def test_nothing_is_heard_of_the_telephony() -> None:
    """No report at all: the agent's leg is hung up, hung up again, and given up."""
    record, effects = story(DueReason.AGENT_RING_OVER, DueReason.HANG_UP_OVERDUE)
    assert (record.state, record.disposition) == (_A.ENDED, Disposition.AGENT_UNAVAILABLE)
    assert record.ended_at == START + (20 + 10 + 10) * S
    assert effects == ["Dial leg_agent", "HangUp leg_agent", "HangUp leg_agent"]


def test_a_dial_in_doubt_is_waited_for() -> None:
    """It may ring: it is neither dialed again nor given up before its time."""
    record, effects = story(
        (Role.AGENT, _K.UNCERTAIN), (Role.AGENT, _K.ANSWERED), (Role.CUSTOMER, _K.UNCERTAIN)
    )
    assert (record.state, record.customer_leg) == (_A.AGENT_ON_LINE, _L.INTENDED)
    assert effects == ["Dial leg_agent", "Dial leg_customer"]
    record, _ = story(
        (Role.AGENT, _K.ANSWERED),
        (Role.CUSTOMER, _K.UNCERTAIN),
        DueReason.RING_OVER,
        DueReason.HANG_UP_OVERDUE,
        DueReason.LEG_IN_DOUBT,
    )
    assert (record.disposition, record.customer_rang) == (Disposition.UNKNOWN, False)


def test_is_live() -> None:
    """A leg is in the world from the intent to dial until its end."""
    assert [leg for leg in LegState if attempt.is_live(leg)] == [_L.INTENDED, _L.RINGING, _L.ANSWERED]


@pytest.mark.parametrize("state", AttemptState)
@pytest.mark.parametrize("disposition", [Disposition.CANCELLED_BY_US, Disposition.AGENT_UNAVAILABLE])
def test_when_an_attempt_may_be_called_off(state: AttemptState, disposition: Disposition) -> None:
    """Until the two talk; and for an agent who goes, only before accepting."""
    before_talk = {_A.INTENDED, _A.AGENT_ON_LINE, _A.JOINING}
    allowed = {_A.INTENDED} if disposition is Disposition.AGENT_UNAVAILABLE else before_talk
    assert attempt.may_call_off(an_attempt(state=state), disposition) is (state in allowed)

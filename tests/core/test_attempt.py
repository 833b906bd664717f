"""
The life of an attempt: the whole matrix of situations and reports, drawn by hand, and every deadline.

What happens along the way, race by race, is in `test_modes`; the laws that hold along all of it in `test_attempt_laws`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest

from callbackq.core import attempt, legs
from callbackq.core.decision import Decision
from callbackq.core.legs import Context
from callbackq.effects import Bridge, Dial, HangUp, Prompt, ReserveAgent
from callbackq.ids import AgentId, LegId, NodeId
from callbackq.model import (
    AnsweredBy,
    Attempt,
    AttemptState,
    Cause,
    Channel,
    Confirmation,
    Disposition,
    DueReason,
    LegState,
    Mode,
    Outcome,
    PastAttempt,
    PastCallback,
    Report,
    ReportKind,
    Role,
)
from callbackq.policy import Confirm, QueuePolicy
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
    shown,
)

POLICY = QueuePolicy(
    queue=SUPPORT,
    agent_ring_time=20 * S,
    ring_time=45 * S,
    confirm_time_max=8 * S,
    customer_hold_max=25 * S,
    join_time_max=12 * S,
    talk_time_max=4 * H,
    hang_up_time_max=10 * S,
    prompt_time_max=28 * S,
)
ASKING = attrs.evolve(POLICY, confirm=Confirm.UNLESS_HUMAN)
NOW = START + M
CALLBACK = a_callback(
    attempts_count=1, scheduled_at=START + H, priority=50, owner_id=AgentId("bob"), ticket_id="T-1"
)
SUBJECT = a_subject(extension=None)
CONTEXT = Context(callback=CALLBACK, subject=SUBJECT, policy=POLICY, now=NOW)

_A, _L, _K = AttemptState, LegState, ReportKind
US = timedelta(microseconds=1)
BEFORE_JOINING = (_A.INTENDED, _A.AGENT_ON_LINE, _A.CONFIRMING, _A.CUSTOMER_ON_LINE)
LEG = {Role.AGENT: AGENT_LEG, Role.CUSTOMER: CUSTOMER_LEG}
CUSTOMER_DUE = {
    _A.INTENDED: DueReason.RING_OVER,
    _A.AGENT_ON_LINE: DueReason.RING_OVER,
    _A.CONFIRMING: DueReason.CONFIRM_OVER,
    _A.CUSTOMER_ON_LINE: DueReason.CUSTOMER_HOLD_OVER,
}
DUE = {
    _A.JOINING: DueReason.JOIN_OVERDUE,
    _A.CONNECTED: DueReason.TALK_OVERDUE,
    _A.ENDING: DueReason.HANG_UP_OVERDUE,
}

# What is done in each situation with each report, in the modes a(gent first), c(ustomer first), s(imultaneous).
# The agent's leg is "reserved" where an agent waits to be rung, and "wanted" where another agent is looked for.
#
# -     ignored: no rule for it.           =     ignored: the leg is already there, or further.
# 0     ignored: it was not dialed.        x     ignored: it is of an earlier agent.
# ~     ignored: nothing new.
# ...!  ignored, and this leg is told to hang up (again).     ...!s  the same, and that we are sorry.
# note  the leg moves on.                  rang  the same, and the customer's phone rang.
# dial  the customer is dialed.            on    the customer's phone rings on: the agent is there.
# ask   the customer is to press a key.    there the agent is there, while the customer is asked.
# twice the customer is asked again.       keys  the question is over: from now on a key is waited for.
# hold  the customer holds for the agent.  fetch the same, and the agent is rung.
# next  another agent is looked for.
# join  the legs are bridged.              talk  they talk.
# again the leg moves on, and is told to hang up (again).
# more  the leg is gone; the other one is still to go.
# over  the attempt is ENDED, as was known.          over:x   ENDED, with disposition x.
# c+    the customer's leg is told to hang up again, for it is there still; ac+ both are.
# a:x   ENDING with disposition x: the agent's leg is hung up.   c:x   the customer's leg is.   ac:x   both are.
# a":x  the same, and something is said first: there is time for that. So does `again` to a customer.
OF_THE_AGENT = """
  modes  state             agent     customer  ringing answered bridged unbridged    ended

  c      intended          reserved  intended  0       0!       0       0            0
  c      intended          reserved  ringing   0       0!       0       0            0
  cs     intended          wanted    intended  x       x!       x       x            x
  cs     intended          wanted    ringing   x       x!       x       x            x
  a      intended          intended  none      note    dial     -       -            over:agent_unavailable
  a      intended          ringing   none      =       dial     -       -            over:agent_unavailable
  s      intended          intended  intended  note    on       -       -            next
  s      intended          intended  ringing   note    on       -       -            next
  s      intended          ringing   intended  =       on       -       -            next
  s      intended          ringing   ringing   =       on       -       -            next

  as     agent_on_line     answered  intended  =       =        -       -            c:agent_unavailable
  as     agent_on_line     answered  ringing   =       =        -       -            c:agent_unavailable

  c      confirming        reserved  answered  0       0!       0       0            0
  cs     confirming        wanted    answered  x       x!       x       x            x
  s      confirming        intended  answered  note    there    -       -            next
  s      confirming        ringing   answered  =       there    -       -            next
  as     confirming        answered  answered  =       =        -       -            c":agent_unavailable

  cs     customer_on_line  wanted    answered  x       x!       x       x            x
  cs     customer_on_line  intended  answered  note    join     -       -            next
  cs     customer_on_line  ringing   answered  =       join     -       -            next

  acs    joining           answered  answered  =       =        talk    -            c":unknown

  acs    connected         answered  answered  =       =        -       ac:connected c:connected

  cs     ending            none      intended  x       x!       x       x            x
  cs     ending            none      ringing   x       x!       x       x            x
  cs     ending            none      answered  x       x!       x       x            x
  a      ending            intended  none      -       again    ~       ~            over
  s      ending            intended  intended  -       again    ~       ~            more
  s      ending            intended  ringing   -       again    ~       ~            more
  cs     ending            intended  answered  -       again    ~       ~            more
  cs     ending            intended  ended     -       again    ~       ~            over
  a      ending            ringing   none      =       again    ~       ~            over
  s      ending            ringing   intended  =       again    ~       ~            more
  s      ending            ringing   ringing   =       again    ~       ~            more
  cs     ending            ringing   answered  =       again    ~       ~            more
  cs     ending            ringing   ended     =       again    ~       ~            over
  a      ending            answered  none      =       =!       ~       ~            over
  as     ending            answered  intended  =       =!       ~       ~            more
  as     ending            answered  ringing   =       =!       ~       ~            more
  acs    ending            answered  answered  =       =!       ~       ~            more
  acs    ending            answered  ended     =       =!       ~       ~            over
  as     ending            ended     intended  =       =!       ~       ~            =
  as     ending            ended     ringing   =       =!       ~       ~            =
  acs    ending            ended     answered  =       =!       ~       ~            =

  cs     ended             none      ended     x       x!       x       x            x
  a      ended             ended     none      =       =!       -       -            =
  acs    ended             ended     ended     =       =!       -       -            =
"""
# "person" and "anybody": the phone was answered, by a person or by nobody knows whom; the latter is asked to press a
# key, for the policy says so. "=machine" and "=person": what answered is found out only now. 1, 2, 9: the key pressed.
# "played": a prompt is over. "uncertain": nobody knows, or the leg is there still.
OF_THE_CUSTOMER = """
  state             agent     customer  ringing person anybody =machine    =person 1     2         9     played bridged unbridged    uncertain ended

  intended          reserved  intended  rang    fetch  ask     -           -       -     -         -     -      -       -            -         over:unknown
  intended          reserved  ringing   =       fetch  ask     -           -       -     -         -     -      -       -            -         over:unknown
  intended          wanted    intended  rang    hold   ask     -           -       -     -         -     -      -       -            -         over:unknown
  intended          wanted    ringing   =       hold   ask     -           -       -     -         -     -      -       -            -         over:unknown
  intended          intended  none      0       0!s    0!s     0           0       0     0         0     0      0       0            0         0
  intended          ringing   none      0       0!s    0!s     0           0       0     0         0     0      0       0            0         0
  intended          intended  intended  rang    hold   ask     -           -       -     -         -     -      -       -            -         a:unknown
  intended          intended  ringing   =       hold   ask     -           -       -     -         -     -      -       -            -         a:unknown
  intended          ringing   intended  rang    hold   ask     -           -       -     -         -     -      -       -            -         a:unknown
  intended          ringing   ringing   =       hold   ask     -           -       -     -         -     -      -       -            -         a:unknown

  agent_on_line     answered  intended  rang    join   ask     -           -       -     -         -     -      -       -            -         a":unknown
  agent_on_line     answered  ringing   =       join   ask     -           -       -     -         -     -      -       -            -         a":unknown

  confirming        reserved  answered  =       =      =       c":machine  fetch   fetch c":later  twice keys   -       -            -         over:left
  confirming        wanted    answered  =       =      =       c":machine  hold    hold  c":later  twice keys   -       -            -         over:left
  confirming        intended  answered  =       =      =       ac":machine hold    hold  ac":later twice keys   -       -            -         a:left
  confirming        ringing   answered  =       =      =       ac":machine hold    hold  ac":later twice keys   -       -            -         a:left
  confirming        answered  answered  =       =      =       ac":machine join    join  ac":later twice keys   -       -            -         a":left

  customer_on_line  wanted    answered  =       =      =       c":machine  ~       -     -         -     -      -       -            -         over:left
  customer_on_line  intended  answered  =       =      =       ac":machine ~       -     -         -     -      -       -            -         a:left
  customer_on_line  ringing   answered  =       =      =       ac":machine ~       -     -         -     -      -       -            -         a:left

  joining           answered  answered  =       =      =       ac":machine ~       -     -         -     -      talk    -            -         a":unknown

  connected         answered  answered  =       =      =       -           -       -     -         -     -      -       ac:connected -         a:connected

  ending            none      intended  rang    again  again   -           -       -     -         -     -      ~       ~            c+        over
  ending            none      ringing   =       again  again   -           -       -     -         -     -      ~       ~            c+        over
  ending            none      answered  =       =!     =!      -           -       -     -         -     -      ~       ~            c+        over
  ending            intended  none      0       0!s    0!s     0           0       0     0         0     0      0       0            0         0
  ending            intended  intended  rang    again  again   -           -       -     -         -     -      ~       ~            ac+       more
  ending            intended  ringing   =       again  again   -           -       -     -         -     -      ~       ~            ac+       more
  ending            intended  answered  =       =!     =!      -           -       -     -         -     -      ~       ~            ac+       more
  ending            intended  ended     =       =!s    =!s     -           -       -     -         -     -      ~       ~            ~         =
  ending            ringing   none      0       0!s    0!s     0           0       0     0         0     0      0       0            0         0
  ending            ringing   intended  rang    again  again   -           -       -     -         -     -      ~       ~            ac+       more
  ending            ringing   ringing   =       again  again   -           -       -     -         -     -      ~       ~            ac+       more
  ending            ringing   answered  =       =!     =!      -           -       -     -         -     -      ~       ~            ac+       more
  ending            ringing   ended     =       =!s    =!s     -           -       -     -         -     -      ~       ~            ~         =
  ending            answered  none      0       0!s    0!s     0           0       0     0         0     0      0       0            0         0
  ending            answered  intended  rang    again  again   -           -       -     -         -     -      ~       ~            ac+       more
  ending            answered  ringing   =       again  again   -           -       -     -         -     -      ~       ~            ac+       more
  ending            answered  answered  =       =!     =!      -           -       -     -         -     -      ~       ~            ac+       more
  ending            answered  ended     =       =!s    =!s     -           -       -     -         -     -      ~       ~            ~         =
  ending            ended     intended  rang    again  again   -           -       -     -         -     -      ~       ~            c+        over
  ending            ended     ringing   =       again  again   -           -       -     -         -     -      ~       ~            c+        over
  ending            ended     answered  =       =!     =!      -           -       -     -         -     -      ~       ~            c+        over

  ended             none      ended     =       =!s    =!s     -           -       -     -         -     -      -       -            -         =
  ended             ended     none      0       0!s    0!s     0           0       0     0         0     0      0       0            0         0
  ended             ended     ended     =       =!s    =!s     -           -       -     -         -     -      -       -            -         =
"""  # noqa: E501
HEARD: dict[str, Report] = {
    "ringing": Report(leg_id=CUSTOMER_LEG, kind=_K.RINGING),
    "answered": Report(leg_id=CUSTOMER_LEG, kind=_K.ANSWERED),
    "person": Report(leg_id=CUSTOMER_LEG, kind=_K.ANSWERED, answered_by=AnsweredBy.HUMAN),
    "anybody": Report(leg_id=CUSTOMER_LEG, kind=_K.ANSWERED, answered_by=AnsweredBy.UNKNOWN),
    "=machine": Report(leg_id=CUSTOMER_LEG, kind=_K.DETECTED, answered_by=AnsweredBy.MACHINE),
    "=person": Report(leg_id=CUSTOMER_LEG, kind=_K.DETECTED, answered_by=AnsweredBy.HUMAN),
    **{key: Report(leg_id=CUSTOMER_LEG, kind=_K.DIGIT, digits=key) for key in "129"},
    "played": Report(leg_id=CUSTOMER_LEG, kind=_K.PLAYED),
    "bridged": Report(leg_id=CUSTOMER_LEG, kind=_K.BRIDGED),
    "unbridged": Report(leg_id=CUSTOMER_LEG, kind=_K.UNBRIDGED),
    "uncertain": Report(leg_id=CUSTOMER_LEG, kind=_K.UNCERTAIN),
    "ended": Report(leg_id=CUSTOMER_LEG, kind=_K.ENDED),
}
DISPOSITION = {"left": Disposition.ANSWERED_THEN_LEFT, "later": Disposition.DECLINED_BY_CUSTOMER}
IGNORED = {
    "-": "no rule in this state",
    "=": "the leg is already there or further",
    "0": "the leg was not dialed",
    "x": "the leg of an earlier agent",
    "~": "nothing new",
}
MODES = {"a": Mode.AGENT_FIRST, "c": Mode.CUSTOMER_FIRST, "s": Mode.SIMULTANEOUS}

Situation = tuple[AttemptState, str, LegState]
"""The state; the agent's leg, or "reserved" or "wanted"; the customer's leg."""


def rows(table: str) -> list[list[str]]:
    return [line.split() for line in table.splitlines() if line.strip()]


def situations() -> dict[Situation, list[Mode]]:
    """Read every situation, and the modes in which it comes to it."""
    return {
        (_A(state), agent, _L(customer)): [MODES[letter] for letter in modes]
        for modes, state, agent, customer, *_ in rows(OF_THE_AGENT)[1:]
    }


def cells() -> dict[tuple[Situation, Role, str], str]:
    """Read the two tables: (situation, whose leg, what is heard of it) -> what is done."""
    read = {}
    for role, first in ((Role.AGENT, 1), (Role.CUSTOMER, 0)):
        heading, *lines = rows(OF_THE_AGENT if role is Role.AGENT else OF_THE_CUSTOMER)
        for line in lines:
            state, agent, customer, *codes = line[first:]
            for heard, code in zip(heading[first + 3 :], codes, strict=True):
                read[(_A(state), agent, _L(customer)), role, heard] = code
    return read


SITUATIONS = situations()
CELLS = cells()


def leg_of_agent(agent: str) -> LegState:
    return _L.NONE if agent in {"reserved", "wanted"} else _L(agent)


def due_of(
    state: AttemptState, agent_until_at: datetime | None, customer_until_at: datetime | None
) -> dict[str, Any]:
    """Return when an attempt is due before the two are joined: at the earlier of the clocks of its legs."""
    clocks = ((agent_until_at, DueReason.AGENT_RING_OVER), (customer_until_at, CUSTOMER_DUE[state]))
    at, reason = min((at, reason) for at, reason in clocks if at is not None)
    return {
        "agent_until_at": agent_until_at,
        "customer_until_at": customer_until_at,
        "due_at": at,
        "due_reason": reason,
    }


def situation(
    state: AttemptState, agent: str, customer: LegState, *, mode: Mode = Mode.AGENT_FIRST, **changes: Any
) -> Attempt:
    """Return an attempt in this situation, as it would have got there."""
    answered = customer is _L.ANSWERED
    fields: dict[str, Any] = {
        "version": 5,
        "mode": mode,
        "state": state,
        "agent_id": None if agent in {"wanted", "none"} else ANN,
        "agent_leg": leg_of_agent(agent),
        "agents_rung_count": 0 if agent == "reserved" else 1,
        "customer_leg": customer,
        "customer_rang": customer in {_L.RINGING, _L.ANSWERED},
        "customer_answered_at": START if answered else None,
        "answered_by": AnsweredBy.HUMAN if answered else None,
        "disposition": Disposition.BUSY if state in {_A.ENDING, _A.ENDED} else None,
        "connected_at": START if state is _A.CONNECTED else None,
        "ended_at": START if state is _A.ENDED else None,
        "agent_until_at": None,
        "customer_until_at": None,
        "due_at": None if state is _A.ENDED else NOW,
        "due_reason": DUE.get(state),
    }
    if state is _A.CONFIRMING:
        fields["answered_by"] = AnsweredBy.UNKNOWN
    if state in BEFORE_JOINING:
        rings = agent in {"intended", "ringing"}
        fields |= due_of(
            state, NOW + 5 * S if rings else None, NOW + 9 * S if legs.is_live(customer) else None
        )
    return an_attempt(**{**fields, **changes})


def in_mode(mode: Mode, policy: QueuePolicy = POLICY, **changes: Any) -> Context:
    return attrs.evolve(CONTEXT, callback=attrs.evolve(CALLBACK, mode=mode), policy=policy, **changes)


def said(role: Role, kind: ReportKind, **more: Any) -> Report:
    return Report(leg_id=LEG[role], kind=kind, **more)


def told(before: Attempt, role: Role, kind: ReportKind, **more: Any) -> Decision:
    return attempt.report(before, said(role, kind, **more), in_mode(before.mode))


def hung_up(decision: Decision) -> list[str]:
    return [effect.leg_id for effect in decision.effects if isinstance(effect, HangUp)]


# ---------------------------------------------------------------------------- the matrix


def test_the_matrix_is_complete() -> None:
    """Every state, either leg, every kind of report that can mean something; 46 situations of 18 reports."""
    customer_says = set(ReportKind)
    agent_says = customer_says - {_K.DETECTED, _K.DIGIT, _K.PLAYED, _K.UNCERTAIN}
    said_of = {Role.CUSTOMER: customer_says, Role.AGENT: agent_says}
    assert {(here[0], role, HEARD[heard].kind) for here, role, heard in CELLS} == {
        (state, role, kind) for state in AttemptState for role in Role for kind in said_of[role]
    }
    assert {here for here, _, _ in CELLS} == set(SITUATIONS)
    assert len(CELLS) == len(SITUATIONS) * 18 == 46 * 18


@pytest.mark.parametrize("here", SITUATIONS)
@pytest.mark.parametrize("kind", [_K.DETECTED, _K.DIGIT, _K.PLAYED, _K.UNCERTAIN])
def test_what_means_nothing_is_kept_in_history_only(here: Situation, kind: ReportKind) -> None:
    """What the agent has heard or pressed, or that nobody knows of the agent: nothing is ever done."""
    for mode in SITUATIONS[here]:
        before = situation(*here, mode=mode)
        report = said(Role.AGENT, kind, answered_by=AnsweredBy.MACHINE, digits="1")
        decision = attempt.report(before, report, in_mode(mode, ASKING))
        assert (decision.records, decision.effects) == ((), ())
        assert (only_event(decision).kind, only_event(decision).report) == ("report_ignored", kind)


MOVES_TO = {
    _K.RINGING: _L.RINGING,
    _K.ANSWERED: _L.ANSWERED,
    _K.ENDED: _L.ENDED,
}


def learned(role: Role, report: Report) -> dict[str, Any]:
    """Return what is known of leg and customer by the report, whatever is done then."""
    known: dict[str, Any] = {}
    if report.kind in MOVES_TO:
        known[f"{role}_leg"] = MOVES_TO[report.kind]
    if role is Role.AGENT:
        return known
    if report.kind is _K.ANSWERED:
        known |= {"customer_rang": True, "customer_answered_at": NOW, "answered_by": report.answered_by}
    if report.kind is _K.DETECTED:
        known["answered_by"] = report.answered_by
    if report.kind is _K.DIGIT:
        keys: dict[str, dict[str, Any]] = {
            "1": {"confirmation": Confirmation.ACCEPTED, "answered_by": AnsweredBy.HUMAN},
            "2": {"confirmation": Confirmation.LATER},
        }
        known |= keys.get(report.digits or "", {})
    return known


def read_code(code: str) -> tuple[str, bool, str]:
    """Take `ac":later` apart: what is done, whether something is said first, and the disposition."""
    name, _, disposition = code.partition(":")
    return name.rstrip('"'), name.endswith('"'), disposition


def expected(code: str, before: Attempt, role: Role, report: Report) -> dict[str, Any]:
    """Return what the code in a cell says of the fields that change."""
    name, told_first, disposition = read_code(code)
    agent_until_at, customer_until_at = before.agent_until_at, before.customer_until_at
    leg = {f"{role}_leg": MOVES_TO[report.kind]} if report.kind in MOVES_TO else {}
    no_clocks = {"agent_until_at": None, "customer_until_at": None}
    rang = {"customer_rang": True}
    ending = {
        "state": _A.ENDING,
        **no_clocks,
        "due_at": NOW + (38 if told_first else 10) * S,
        "due_reason": DueReason.HANG_UP_OVERDUE,
    }
    holding = {"state": _A.CUSTOMER_ON_LINE, **due_of(_A.CUSTOMER_ON_LINE, agent_until_at, NOW + 25 * S)}
    changes: dict[str, Any]
    match name:
        case "note" | "more" | "twice":
            changes = leg
        case "rang":
            changes = leg | rang
        case "again":
            changes = leg | (rang | {"due_at": NOW + 38 * S} if role is Role.CUSTOMER else {})
        case "dial":
            changes = leg | {"state": _A.AGENT_ON_LINE, "customer_leg": _L.INTENDED}
            changes |= due_of(_A.AGENT_ON_LINE, None, NOW + 55 * S)
        case "on":
            changes = leg | {"state": _A.AGENT_ON_LINE} | due_of(_A.AGENT_ON_LINE, None, customer_until_at)
        case "there":
            changes = leg | due_of(before.state, None, customer_until_at)
        case "next":
            changes = {"agent_id": None, "agent_leg": _L.NONE}
            changes |= due_of(before.state, None, customer_until_at)
        case "ask":
            changes = learned(role, report) | {"state": _A.CONFIRMING}
            changes |= due_of(_A.CONFIRMING, agent_until_at, NOW + 36 * S)
        case "keys":
            changes = due_of(_A.CONFIRMING, agent_until_at, NOW + 8 * S)
        case "hold":
            changes = learned(role, report) | holding
        case "fetch":
            changes = learned(role, report) | holding | {"agent_leg": _L.INTENDED, "agents_rung_count": 1}
            changes |= due_of(_A.CUSTOMER_ON_LINE, NOW + 30 * S, NOW + 25 * S)
        case "join":
            changes = learned(role, report) | {"state": _A.JOINING, **no_clocks}
            changes |= {"due_at": NOW + 12 * S, "due_reason": DueReason.JOIN_OVERDUE}
        case "talk":
            changes = {"state": _A.CONNECTED, "connected_at": NOW}
            changes |= {"due_at": NOW + 4 * H, "due_reason": DueReason.TALK_OVERDUE}
        case "over":
            changes = leg | {"state": _A.ENDED, "ended_at": NOW, **no_clocks}
            changes |= {"due_at": None, "due_reason": None}
        case "c+" | "ac+":
            changes = {"due_at": NOW + 10 * S}
        case "a" | "c" | "ac":
            changes = learned(role, report) | ending
        case _:
            raise AssertionError(f"no such code: {code}")
    if disposition:
        changes |= {"disposition": DISPOSITION.get(disposition) or Disposition(disposition)}
    return {field: value for field, value in changes.items() if getattr(before, field) != value}


EFFECTS = {
    "dial": ["Dial leg_customer"],
    "ask": ["Play leg_customer press_to_connect"],
    "twice": ["Play leg_customer press_to_connect"],
    "hold": ["Play leg_customer please_hold"],
    "fetch": ["Play leg_customer please_hold", "Dial leg_agent"],
    "join": ["Bridge"],
    "a": ["HangUp leg_agent"],
    "c": ["HangUp leg_customer"],
    "ac": ["HangUp leg_agent", "HangUp leg_customer"],
    "c+": ["HangUp leg_customer"],
    "ac+": ["HangUp leg_agent", "HangUp leg_customer"],
}


def effects_of(code: str, role: Role, report: Report) -> list[str]:
    """Return what the code says that is done; what is played to a customer who is asked, or holds, is stopped."""
    name, *_ = read_code(code)
    if name == "again":
        return [f"HangUp {LEG[role]}" + (" could_not_connect" if role is Role.CUSTOMER else "")]
    answers_now = role is Role.CUSTOMER and report.kind is _K.ANSWERED
    stopped = ["StopPlay leg_customer"] if name in {"hold", "fetch", "join"} and not answers_now else []
    return stopped + EFFECTS.get(name, [])


@pytest.mark.parametrize(
    ("mode", "here", "role", "heard", "code"),
    [
        pytest.param(mode, here, role, heard, code, id=f"{mode}-{'-'.join(here)}-{role}-{heard}")
        for (here, role, heard), code in CELLS.items()
        for mode in SITUATIONS[here]
    ],
)
def test_what_a_report_does(mode: Mode, here: Situation, role: Role, heard: str, code: str) -> None:
    """Each cell of the matrix: the fields that change, and no other; the effects; and what history says."""
    before = situation(*here, mode=mode)
    report = attrs.evolve(HEARD[heard], leg_id=LEG[role])
    decision = attempt.report(before, report, in_mode(mode, ASKING))
    event = only_event(decision)
    if code[0] in IGNORED:
        assert decision.records == ()
        assert (event.kind, event.version, event.report) == ("report_ignored", before.version, report.kind)
        assert (event.leg_id, event.reason) == (LEG[role], IGNORED[code[0]])
        sorry = " could_not_connect" if code[1:] == "!s" else ""
        assert shown(decision.effects) == ([f"HangUp {LEG[role]}{sorry}"] if code[1:] else [])
        return
    after = only_record(decision)
    assert changed(before, after) == expected(code, before, role, report)
    assert event.kind == ("attempt_ended" if code.startswith("over") else "attempt_moved")
    name, told_first, _ = read_code(code)
    told_why = name in {"a", "c", "ac"}  # What a leg is told at its end has its own test.
    effects = [" ".join(line.split()[:2]) if told_why else line for line in shown(decision.effects)]
    assert effects == effects_of(code, role, report)
    if told_why:
        assert any(getattr(effect, "prompt", None) for effect in decision.effects) is told_first


def test_the_table_of_rules_holds_nothing_else() -> None:
    """A rule that no situation reaches would be a rule without a test."""
    of_both = {_K.BRIDGED, _K.UNBRIDGED}
    used = {
        (here[0], Role.CUSTOMER if HEARD[heard].kind in of_both else role, HEARD[heard].kind)
        for (here, role, heard), code in CELLS.items()
        if code[0] not in "-=0x"
    }
    assert set(attempt.RULES) == used


def test_a_bridge_may_be_reported_of_either_leg() -> None:
    """It is one bridge: said of the agent's leg it does the same, and moves no leg."""
    joining = situation(_A.JOINING, "answered", _L.ANSWERED)
    by_agent, by_customer = (only_record(told(joining, role, _K.BRIDGED)) for role in Role)
    assert by_agent == by_customer
    assert (by_agent.agent_leg, by_agent.customer_leg) == (_L.ANSWERED, _L.ANSWERED)


def test_a_bridge_that_is_told_of_twice_is_one() -> None:
    """The second is kept in history, as said of the customer's leg."""
    connected = situation(_A.CONNECTED, "answered", _L.ANSWERED)
    event = only_event(told(connected, Role.AGENT, _K.BRIDGED))
    assert (event.leg_id, event.role, event.reason) == (AGENT_LEG, Role.CUSTOMER, "no rule in this state")


# ---------------------------------------------------------------------------- start and effects


def start(context: Context = CONTEXT, **more: Any) -> Decision:
    fields: dict[str, Any] = {
        "attempt_id": ATTEMPT_ID,
        "agent_id": ANN,
        "agent_leg_id": AGENT_LEG,
        "customer_leg_id": CUSTOMER_LEG,
        "node_id": NodeId("node"),
        "number_key": "digest",
    }
    return attempt.start(attrs.evolve(context, now=START), **{**fields, **more})


def test_an_attempt_starts_with_its_intent() -> None:
    """Both leg ids are recorded; the agent is rung, the customer not yet; and no number stands in the row."""
    decision = start()
    assert only_record(decision) == an_attempt()
    assert only_event(decision).kind == "attempt_started"
    assert NUMBER not in str(attrs.asdict(only_record(decision)))
    assert shown(decision.effects) == ["ReserveAgent ann", "Dial leg_agent"]
    Book().write(decision)


@pytest.mark.parametrize(
    ("mode", "changes", "effects"),
    [
        (
            Mode.CUSTOMER_FIRST,
            {
                "agent_leg": _L.NONE,
                "agents_rung_count": 0,
                "agent_until_at": None,
                "customer_leg": _L.INTENDED,
                "customer_until_at": START + 55 * S,
                "due_at": START + 55 * S,
                "due_reason": DueReason.RING_OVER,
            },
            ["ReserveAgent ann", "Dial leg_customer"],
        ),
        (
            Mode.SIMULTANEOUS,
            {"customer_leg": _L.INTENDED, "customer_until_at": START + 55 * S},
            ["ReserveAgent ann", "Dial leg_agent", "Dial leg_customer"],
        ),
    ],
)
def test_how_the_other_modes_start(mode: Mode, changes: dict[str, Any], effects: list[str]) -> None:
    """The customer is dialed alone, an agent being kept for them; or both at once, and each leg has its clock."""
    decision = start(in_mode(mode))
    assert only_record(decision) == an_attempt(mode=mode, **changes)
    assert shown(decision.effects) == effects
    Book().write(decision)


def test_every_mode_has_its_start() -> None:
    """Whose leg goes first; none is forgotten."""
    assert dict(attempt.STARTS) == {
        Mode.AGENT_FIRST: (Role.AGENT,),
        Mode.CUSTOMER_FIRST: (Role.CUSTOMER,),
        Mode.SIMULTANEOUS: (Role.AGENT, Role.CUSTOMER),
    }


def dialed(role: Role, **changes: Any) -> Dial:
    fields: dict[str, Any] = {
        "leg_id": LEG[role],
        "role": role,
        "attempt_id": ATTEMPT_ID,
        "callback_id": CALLBACK_ID,
        "queue": SUPPORT,
        "agent_id": ANN,
        "number": NUMBER,
        "name": "Mary Major",
        "language": "en",
        "entered_at": START,
        "requested_at": START,
        "scheduled_at": START + H,
        "channel": Channel.WEB,
        "priority": 50,
        "owner_id": AgentId("bob"),
        "ticket_id": "T-1",
        "attempt_number": 2,
        "ring_time": (20 if role is Role.AGENT else 45) * S,
        "context": {"topic": "invoice"},
    }
    return Dial(**{**fields, **changes})


def test_a_dial_tells_all_that_an_agent_should_see() -> None:
    """Who, since when, for when, by which channel, how urgent, whose, the how-manieth attempt, and the context."""
    reserve = ReserveAgent(agent_id=ANN, attempt_id=ATTEMPT_ID)
    extended = attrs.evolve(CONTEXT, subject=a_subject())
    assert start(extended).effects == (reserve, dialed(Role.AGENT, extension="7"))
    on_line = attempt.report(an_attempt(), said(Role.AGENT, _K.ANSWERED), extended)
    assert on_line.effects == (dialed(Role.CUSTOMER, extension="7"),)
    assert start().effects == (reserve, dialed(Role.AGENT))


PAST = (
    PastCallback(callback_id=CALLBACK_ID, queue=SUPPORT, requested_at=START - H, outcome=Outcome.COMPLETED),
)
TRIED = (PastAttempt(at=START - M, disposition=Disposition.BUSY),)
WISHES: dict[str, Any] = {"dial_prefix": "9", "route": "cheap", "record": True}


@pytest.mark.parametrize("role", Role)
def test_a_dial_hands_the_hosts_wishes_through(role: Role) -> None:
    """Numbers to show, prefix, route, media, recording, detection, what it is about, and what was before."""
    callback = attrs.evolve(CALLBACK, mode=Mode.SIMULTANEOUS, caller_id="+12125550000", media="video")
    context = Context(
        callback=callback,
        subject=attrs.evolve(SUBJECT, contexts={CALLBACK_ID: {"reason": "broken"}}, record_number="+1"),
        policy=attrs.evolve(POLICY, **WISHES, detect=True, caller_id="+12125550001"),
        now=START,
        past=PAST,
        attempts=TRIED,
    )
    dials = {effect.role: effect for effect in start(context).effects if isinstance(effect, Dial)}
    assert dials[role] == dialed(
        role,
        **WISHES,
        mode=Mode.SIMULTANEOUS,
        caller_id="+12125550000",
        media="video",
        detect=role is Role.CUSTOMER,
        reason="broken",
        number_differs=True,
        past=PAST,
        attempts=TRIED,
        context={"reason": "broken"},
    )


def test_a_callback_without_context_is_dialed_with_none() -> None:
    """Contexts of other callbacks of the same person are not shown."""
    others = attrs.evolve(CONTEXT, subject=a_subject(contexts={"cb_other": {"topic": "private"}}))
    (effect,) = attempt.report(an_attempt(), said(Role.AGENT, _K.ANSWERED), others).effects
    assert isinstance(effect, Dial)
    assert (effect.context, effect.reason) == ({}, None)


def test_a_bridge_joins_the_two_legs() -> None:
    """It names both."""
    ringing = situation(_A.AGENT_ON_LINE, "answered", _L.RINGING)
    decision = told(ringing, Role.CUSTOMER, _K.ANSWERED)
    assert decision.effects == (
        Bridge(attempt_id=ATTEMPT_ID, agent_leg_id=AGENT_LEG, customer_leg_id=CUSTOMER_LEG),
    )


CUSTOMER_RINGS = (_A.AGENT_ON_LINE, "answered", _L.RINGING)
ASKED = (_A.CONFIRMING, "answered", _L.ANSWERED)
ASKED_ALONE = (_A.CONFIRMING, "ringing", _L.ANSWERED)
HOLDS = (_A.CUSTOMER_ON_LINE, "ringing", _L.ANSWERED)
JOINING = (_A.JOINING, "answered", _L.ANSWERED)
CONNECTED = (_A.CONNECTED, "answered", _L.ANSWERED)


@pytest.mark.parametrize(
    ("here", "role", "more", "hang_ups"),
    [
        # The agent waits on the line, and is told why nothing comes of it.
        (
            CUSTOMER_RINGS,
            (Role.CUSTOMER, _K.ENDED),
            {"cause": Cause.BUSY},
            ["HangUp leg_agent customer_not_reached"],
        ),
        (ASKED, (Role.CUSTOMER, _K.ENDED), {}, ["HangUp leg_agent customer_left"]),
        (JOINING, (Role.CUSTOMER, _K.ENDED), {}, ["HangUp leg_agent customer_left"]),
        (JOINING, (Role.CUSTOMER, _K.ENDED), {"cause": Cause.NORMAL}, ["HangUp leg_agent customer_left"]),
        # The customer answered, and is told that nothing comes of it.
        (JOINING, (Role.AGENT, _K.ENDED), {}, ["HangUp leg_customer could_not_connect"]),
        (
            JOINING,
            (Role.AGENT, _K.ENDED),
            {"cause": Cause.NORMAL},
            ["HangUp leg_customer could_not_connect"],
        ),
        (ASKED, (Role.AGENT, _K.ENDED), {}, ["HangUp leg_customer could_not_connect"]),
        # The customer chose, and is told what follows; the agent, if one is there, that it was the customer's wish.
        (
            ASKED,
            (Role.CUSTOMER, _K.DIGIT),
            {"digits": "2"},
            ["HangUp leg_agent customer_declined", "HangUp leg_customer call_later"],
        ),
        (
            ASKED,
            (Role.CUSTOMER, _K.DIGIT),
            {"digits": "3"},
            ["HangUp leg_agent customer_declined", "HangUp leg_customer called_off"],
        ),
        (
            ASKED_ALONE,
            (Role.CUSTOMER, _K.DIGIT),
            {"digits": "3"},
            ["HangUp leg_agent", "HangUp leg_customer called_off"],
        ),
        # A machine is left a message; a fax is not.
        (
            ASKED,
            (Role.CUSTOMER, _K.DETECTED),
            {"answered_by": AnsweredBy.MACHINE},
            ["HangUp leg_agent customer_not_reached", "HangUp leg_customer voicemail"],
        ),
        (
            HOLDS,
            (Role.CUSTOMER, _K.DETECTED),
            {"answered_by": AnsweredBy.FAX},
            ["HangUp leg_agent", "HangUp leg_customer"],
        ),
        # Nothing is said to a phone that only rings.
        (CUSTOMER_RINGS, (Role.AGENT, _K.ENDED), {}, ["HangUp leg_customer"]),
        (HOLDS, (Role.CUSTOMER, _K.ENDED), {}, ["HangUp leg_agent"]),
        # After a conversation nothing is said.
        (CONNECTED, (Role.AGENT, _K.ENDED), {}, ["HangUp leg_customer"]),
        (CONNECTED, (Role.CUSTOMER, _K.ENDED), {}, ["HangUp leg_agent"]),
        (CONNECTED, (Role.CUSTOMER, _K.UNBRIDGED), {}, ["HangUp leg_agent", "HangUp leg_customer"]),
    ],
)
def test_what_is_said_to_who_is_left(
    here: Situation, role: tuple[Role, ReportKind], more: dict[str, Any], hang_ups: list[str]
) -> None:
    """A prompt for a leg that was answered; none for one that only rings."""
    assert shown(told(situation(*here), *role, **more).effects) == hang_ups


def test_what_is_said_is_said_in_words_too() -> None:
    """For telephony that speaks rather than plays files: the text of the prompt, and its language."""
    decision = told(situation(*JOINING), Role.AGENT, _K.ENDED)
    assert decision.effects == (
        HangUp(
            leg_id=CUSTOMER_LEG,
            prompt=Prompt.COULD_NOT_CONNECT,
            text="We are sorry, we could not connect you. We will get back to you.",
            language="en",
        ),
    )


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
@pytest.mark.parametrize(
    ("state", "agent"), [(_A.AGENT_ON_LINE, "answered"), (_A.INTENDED, "ringing"), (_A.INTENDED, "reserved")]
)
@pytest.mark.parametrize("leg", [_L.INTENDED, _L.RINGING])
def test_what_a_cause_means_before_the_answer(
    leg: LegState, state: AttemptState, agent: str, cause: Cause, disposition: Disposition
) -> None:
    """In the telephony's words and in ours; whether or not ringing was reported before; whoever was rung first."""
    before = situation(state, agent, leg)
    decision = told(before, Role.CUSTOMER, _K.ENDED, cause=cause)
    after = only_record(decision)
    assert (after.state, after.disposition) == (_A.ENDED if agent == "reserved" else _A.ENDING, disposition)
    assert after.customer_rang is (leg is _L.RINGING)
    assert only_event(decision).cause == f"customer ended {cause.value}"


def test_every_cause_has_a_meaning() -> None:
    """None is forgotten."""
    assert set(attempt.CUSTOMER_DISPOSITION) == set(Cause)


JUST_ASKED = {"due_at": NOW + POLICY.join_time_max}
"""What is so of an attempt whose bridge has just been asked for."""


def ended_at(here: Situation, role: Role, cause: Cause, **changes: Any) -> Disposition:
    """Return what an end means; of two who are being joined, in the moment in which the bridge is asked for."""
    just = JUST_ASKED if here is JOINING else {}
    after = only_record(told(situation(*here, **{**just, **changes}), role, _K.ENDED, cause=cause))
    assert isinstance(after, Attempt)
    assert after.disposition is not None
    return after.disposition


@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize("here", [ASKED, HOLDS, JOINING])
def test_what_a_cause_means_after_the_answer(here: Situation, cause: Cause) -> None:
    """The customer answered and left before the bridge, whatever it is called; in doubt they may have talked."""
    in_doubt = here is JOINING and cause is Cause.UNKNOWN
    expected = Disposition.UNKNOWN if in_doubt else Disposition.ANSWERED_THEN_LEFT
    assert ended_at(here, Role.CUSTOMER, cause) is expected


@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize(
    ("here", "disposition"),
    [
        ((_A.INTENDED, "ringing", _L.NONE), Disposition.AGENT_UNAVAILABLE),
        (CUSTOMER_RINGS, Disposition.AGENT_UNAVAILABLE),
        (ASKED, Disposition.AGENT_UNAVAILABLE),
        (JOINING, Disposition.AGENT_UNAVAILABLE),
        (CONNECTED, Disposition.CONNECTED),
    ],
)
def test_what_it_means_that_the_agent_is_gone(
    here: Situation, disposition: Disposition, cause: Cause
) -> None:
    """Declined, timed out, left or failed is all one: the agent is unavailable, unless they talked, or may have."""
    in_doubt = here is JOINING and cause is Cause.UNKNOWN
    assert ended_at(here, Role.AGENT, cause) is (Disposition.UNKNOWN if in_doubt else disposition)


LEFT = {Role.AGENT: Disposition.AGENT_UNAVAILABLE, Role.CUSTOMER: Disposition.ANSWERED_THEN_LEFT}
ONLY_A_MACHINE = {Role.AGENT: Disposition.AGENT_UNAVAILABLE, Role.CUSTOMER: Disposition.MACHINE}


@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(
    ("waited", "answered_by", "meaning"),
    [
        (0 * S, AnsweredBy.HUMAN, LEFT),
        (2 * S - US, AnsweredBy.HUMAN, LEFT),
        (2 * S - US, AnsweredBy.UNKNOWN, LEFT),
        (2 * S, AnsweredBy.HUMAN, None),
        (2 * S, AnsweredBy.UNKNOWN, None),
        (12 * S, AnsweredBy.HUMAN, None),
        (0 * S, AnsweredBy.MACHINE, ONLY_A_MACHINE),
        (2 * S, AnsweredBy.MACHINE, ONLY_A_MACHINE),
        (12 * S, AnsweredBy.MACHINE, ONLY_A_MACHINE),
    ],
)
def test_who_is_gone_while_they_are_being_joined(
    waited: timedelta,
    answered_by: AnsweredBy,
    meaning: dict[Role, Disposition] | None,
    role: Role,
    cause: Cause,
) -> None:
    """Two seconds after the bridge was asked for they may hear each other: in doubt. With a machine nobody talks."""
    due_at = NOW - waited + POLICY.join_time_max
    found = ended_at(JOINING, role, cause, answered_by=answered_by, due_at=due_at)
    unknown_why = cause is Cause.UNKNOWN and answered_by is not AnsweredBy.MACHINE
    assert found is (Disposition.UNKNOWN if meaning is None or unknown_why else meaning[role])


@pytest.mark.parametrize(
    ("answered_by", "disposition", "left"),
    [
        (AnsweredBy.MACHINE, Disposition.MACHINE, " voicemail"),
        (AnsweredBy.FAX, Disposition.FAX, ""),
    ],
)
@pytest.mark.parametrize("leg", [_L.INTENDED, _L.RINGING])
def test_an_agent_is_not_joined_to_a_machine(
    leg: LegState, answered_by: AnsweredBy, disposition: Disposition, left: str
) -> None:
    """Both legs are hung up, and the agent is told; a machine is left a message, by the default policy."""
    before = situation(_A.AGENT_ON_LINE, "answered", leg)
    decision = told(before, Role.CUSTOMER, _K.ANSWERED, answered_by=answered_by)
    after = only_record(decision)
    assert (after.state, after.disposition, after.answered_by) == (_A.ENDING, disposition, answered_by)
    assert after.customer_rang
    assert shown(decision.effects) == [
        "HangUp leg_agent customer_not_reached",
        f"HangUp leg_customer{left}",
    ]


@pytest.mark.parametrize("answered_by", [AnsweredBy.HUMAN, AnsweredBy.UNKNOWN])
def test_who_may_be_a_person_is_joined(answered_by: AnsweredBy) -> None:
    """In doubt it is a person."""
    decision = told(situation(*CUSTOMER_RINGS), Role.CUSTOMER, _K.ANSWERED, answered_by=answered_by)
    after = only_record(decision)
    assert (after.state, after.answered_by) == (_A.JOINING, answered_by)


def test_who_answers_too_late_rang() -> None:
    """The phone was heard to ring, so the attempt counts; but nobody talked to them."""
    ending = situation(_A.ENDING, "ended", _L.INTENDED, disposition=Disposition.AGENT_UNAVAILABLE)
    after = only_record(told(ending, Role.CUSTOMER, _K.ANSWERED))
    assert after.customer_rang
    assert after.disposition is Disposition.AGENT_UNAVAILABLE
    assert after.answered_by is None


# ---------------------------------------------------------------------------- history


@pytest.mark.parametrize(
    ("here", "role", "kind", "cause"),
    [
        ((_A.INTENDED, "intended", _L.NONE), Role.AGENT, _K.RINGING, "agent ringing"),
        ((_A.INTENDED, "intended", _L.NONE), Role.AGENT, _K.ANSWERED, "agent answered"),
        ((_A.INTENDED, "intended", _L.NONE), Role.AGENT, _K.ENDED, "agent ended rejected"),
        (JOINING, Role.AGENT, _K.BRIDGED, "customer bridged"),
        (CONNECTED, Role.CUSTOMER, _K.ENDED, "customer ended rejected"),
        (CONNECTED, Role.CUSTOMER, _K.ANSWERED, None),
        ((_A.ENDED, "ended", _L.ENDED), Role.CUSTOMER, _K.ENDED, None),
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


def test_a_recordings_name_is_kept() -> None:
    """With whatever it comes that changes something; and what says nothing of a recording takes it away from none."""
    connected = only_record(told(situation(*JOINING), Role.CUSTOMER, _K.BRIDGED, recording_id="rec_1"))
    assert connected.recording_id == "rec_1"
    assert only_record(told(connected, Role.CUSTOMER, _K.ENDED)).recording_id == "rec_1"


@pytest.mark.parametrize("known", [None, "rec_0"])
@pytest.mark.parametrize(
    ("mode", "here", "role", "heard", "code"),
    [
        pytest.param(modes[0], here, role, heard, code, id=f"{'-'.join(here)}-{role}-{heard}")
        for (here, role, heard), code in CELLS.items()
        for modes in [SITUATIONS[here]]
    ],
)
def test_a_recording_is_kept_with_whatever_it_comes(
    mode: Mode, here: Situation, role: Role, heard: str, code: str, known: str | None
) -> None:
    """Each cell again: all else is as without it; and an attempt that is over keeps even what comes then."""
    before = situation(*here, mode=mode, recording_id=known)
    report = attrs.evolve(HEARD[heard], leg_id=LEG[role])
    plain = attempt.report(before, report, in_mode(mode, ASKING))
    named = attrs.evolve(report, recording_id="rec_1", raw_cause="SIP 200")
    decision = attempt.report(before, named, in_mode(mode, ASKING))
    assert decision.effects == plain.effects
    expects = changed(before, only_record(plain)) if plain.records else {}
    after = only_record(decision)
    assert changed(before, after) == {**expects, "recording_id": "rec_1"}
    event = only_event(decision)
    assert (event.version, event.recording_id, event.raw_cause) == (after.version, "rec_1", "SIP 200")
    if code[0] in "-=0x":
        assert event.cause == "recording"
    if here[0] is _A.ENDED:
        assert (event.kind, event.ended_at) == ("attempt_ended", START)
    again = attempt.report(after, named, in_mode(mode, ASKING))
    if not plain.records:  # What is known of a recording already is not told twice.
        assert (again.records, only_event(again).kind) == ((), "report_ignored")


# ---------------------------------------------------------------------------- time


ENDING: dict[str, Any] = {
    "state": _A.ENDING,
    "agent_until_at": None,
    "customer_until_at": None,
    "due_at": NOW + 10 * S,
    "due_reason": DueReason.HANG_UP_OVERDUE,
}
OVER = {"state": _A.ENDED, "ended_at": NOW, "due_at": None, "due_reason": None}
GONE = {"agent_leg": _L.ENDED, "customer_leg": _L.ENDED}
AGENT, CUSTOMER = "HangUp leg_agent", "HangUp leg_customer"
NOT_REACHED, SORRY = " customer_not_reached", " could_not_connect"


def ends_as(disposition: Disposition) -> dict[str, Any]:
    return {**ENDING, "disposition": disposition}


def looks_for_another(state: AttemptState) -> dict[str, Any]:
    return {"agent_id": None, "agent_leg": _L.NONE, **due_of(state, None, NOW + 9 * S)}


LATER = {"due_at": NOW + 10 * S, "due_reason": DueReason.HANG_UP_OVERDUE}
SILENT = {**ends_as(Disposition.MACHINE), "confirmation": Confirmation.SILENT}
NOT_NEEDED = " no_longer_needed"
IN_DOUBT = {"due_at": NOW + 55 * S, "due_reason": DueReason.LEG_IN_DOUBT}
DEADLINES: list[tuple[DueReason, Situation, dict[str, Any], list[str]]] = [
    # The agent did not pick up: it is over where nobody waits for them, and else another one is looked for.
    *(
        (
            DueReason.AGENT_RING_OVER,
            (_A.INTENDED, leg, _L.NONE),
            ends_as(Disposition.AGENT_UNAVAILABLE),
            [AGENT],
        )
        for leg in ("intended", "ringing")
    ),
    *(
        (DueReason.AGENT_RING_OVER, (state, leg, customer), looks_for_another(state), [AGENT])
        for leg in ("intended", "ringing")
        for state, customer in (
            (_A.INTENDED, _L.INTENDED),
            (_A.INTENDED, _L.RINGING),
            (_A.CONFIRMING, _L.ANSWERED),
            (_A.CUSTOMER_ON_LINE, _L.ANSWERED),
        )
    ),
    # The customer did not answer: whether the phone rang tells no answer from a dial of which nothing is known.
    *(
        (DueReason.RING_OVER, (state, agent, leg), ends_as(disposition), hang_ups)
        for leg, disposition in ((_L.RINGING, Disposition.NO_ANSWER), (_L.INTENDED, Disposition.UNKNOWN))
        for state, agent, hang_ups in (
            (_A.AGENT_ON_LINE, "answered", [AGENT + NOT_REACHED, CUSTOMER]),
            (_A.INTENDED, "intended", [AGENT, CUSTOMER]),
            (_A.INTENDED, "ringing", [AGENT, CUSTOMER]),
            (_A.INTENDED, "reserved", [CUSTOMER]),
            (_A.INTENDED, "wanted", [CUSTOMER]),
        )
    ),
    # No key was pressed by who may be one: it is taken for a machine.
    *(
        (DueReason.CONFIRM_OVER, (_A.CONFIRMING, agent, _L.ANSWERED), SILENT, hang_ups)
        for agent, hang_ups in (
            ("answered", [AGENT + NOT_REACHED, CUSTOMER + " voicemail"]),
            ("ringing", [AGENT, CUSTOMER + " voicemail"]),
            ("intended", [AGENT, CUSTOMER + " voicemail"]),
            ("reserved", [CUSTOMER + " voicemail"]),
            ("wanted", [CUSTOMER + " voicemail"]),
        )
    ),
    # Nobody came for the customer who holds.
    *(
        (
            DueReason.CUSTOMER_HOLD_OVER,
            (_A.CUSTOMER_ON_LINE, agent, _L.ANSWERED),
            ends_as(Disposition.AGENT_UNAVAILABLE),
            hang_ups,
        )
        for agent, hang_ups in (
            ("ringing", [AGENT, CUSTOMER + SORRY]),
            ("intended", [AGENT, CUSTOMER + SORRY]),
            ("wanted", [CUSTOMER + SORRY]),
        )
    ),
    (DueReason.JOIN_OVERDUE, JOINING, ends_as(Disposition.UNKNOWN), [AGENT + SORRY, CUSTOMER + SORRY]),
    (DueReason.TALK_OVERDUE, CONNECTED, ends_as(Disposition.CONNECTED), [AGENT, CUSTOMER]),
    (DueReason.HANG_UP_WANTED, (_A.ENDING, "intended", _L.NONE), LATER, [AGENT]),
    (DueReason.HANG_UP_WANTED, (_A.ENDING, "ringing", _L.RINGING), LATER, [AGENT, CUSTOMER]),
    (DueReason.HANG_UP_WANTED, (_A.ENDING, "answered", _L.RINGING), LATER, [AGENT + NOT_NEEDED, CUSTOMER]),
    (DueReason.HANG_UP_WANTED, (_A.ENDING, "intended", _L.ANSWERED), LATER, [AGENT, CUSTOMER + SORRY]),
    (
        DueReason.HANG_UP_WANTED,
        (_A.ENDING, "answered", _L.ANSWERED),
        LATER,
        [AGENT + NOT_NEEDED, CUSTOMER + SORRY],
    ),
    (DueReason.HANG_UP_WANTED, (_A.ENDING, "ended", _L.ANSWERED), LATER, [CUSTOMER + SORRY]),
    (DueReason.HANG_UP_WANTED, (_A.ENDING, "none", _L.ANSWERED), LATER, [CUSTOMER + SORRY]),
    # The customer's leg is not in the world, or known to be gone: there is nothing to wait for.
    *(
        (DueReason.HANG_UP_OVERDUE, (_A.ENDING, agent, customer), {**OVER, **GONE}, [AGENT])
        for agent in ("intended", "ringing", "answered")
        for customer in (_L.NONE, _L.ENDED)
    ),
    # It may ring on: it is hung up again, it is looked up whether it is there, and the number is kept until it cannot
    # be; then the attempt is over. Who answered may hold on: the same again, for two minutes.
    *(
        (reason, (_A.ENDING, agent, customer), changes, [*hang_ups, *more])
        for reason, changes, more, legs_there in (
            (DueReason.HANG_UP_OVERDUE, IN_DOUBT, ["LookUp"], (_L.INTENDED, _L.RINGING, _L.ANSWERED)),
            (DueReason.LEG_IN_DOUBT, {**OVER, **GONE}, [], (_L.INTENDED, _L.RINGING)),
            (DueReason.LEG_IN_DOUBT, IN_DOUBT, ["LookUp"], (_L.ANSWERED,)),
        )
        for agent, hang_ups in (
            ("none", [CUSTOMER]),
            ("intended", [AGENT, CUSTOMER]),
            ("ringing", [AGENT, CUSTOMER]),
            ("answered", [AGENT, CUSTOMER]),
            ("ended", [CUSTOMER]),
        )
        for customer in legs_there
    ),
]


@pytest.mark.parametrize(("reason", "here", "changes", "hang_ups"), DEADLINES)
def test_what_a_deadline_does(
    reason: DueReason, here: Situation, changes: dict[str, Any], hang_ups: list[str]
) -> None:
    """
    The report that was waited for did not come: the fields that change, and no other; and who is hung up.

    Where something is said to one of them first, there is time for that.
    """
    if any(len(line.split()) > 2 for line in hang_ups):
        changes = {**changes, "due_at": NOW + 38 * S}
    for mode in SITUATIONS[here]:
        before = situation(*here, mode=mode, due_reason=reason)
        decision = attempt.deadline(before, in_mode(mode))
        after = only_record(decision)
        wanted = {name: value for name, value in changes.items() if getattr(before, name) != value}
        assert changed(before, after) == wanted
        assert shown(decision.effects) == hang_ups
        event = only_event(decision)
        assert (event.cause, event.raw_cause, event.at) == (reason.value, None, NOW)
        assert event.kind == ("attempt_ended" if after.state is _A.ENDED else "attempt_moved")


@pytest.mark.parametrize("here", [here for here in SITUATIONS if here[0] is _A.CONFIRMING])
def test_a_person_who_presses_nothing_has_left(here: Situation) -> None:
    """Known to be one: no machine is told of, and no message left; whoever is there hears that nothing comes of it."""
    for mode in SITUATIONS[here]:
        before = situation(*here, mode=mode, answered_by=AnsweredBy.HUMAN, due_reason=DueReason.CONFIRM_OVER)
        decision = attempt.deadline(before, in_mode(mode))
        after = only_record(decision)
        assert (after.disposition, after.confirmation) == (
            Disposition.ANSWERED_THEN_LEFT,
            Confirmation.SILENT,
        )
        assert (after.answered_by, after.due_at) == (AnsweredBy.HUMAN, NOW + 38 * S)
        agent = {
            "answered": ["HangUp leg_agent customer_left"],
            "ringing": ["HangUp leg_agent"],
            "intended": ["HangUp leg_agent"],
        }
        assert shown(decision.effects) == [*agent.get(here[1], []), "HangUp leg_customer could_not_connect"]


@pytest.mark.parametrize("disposition", Disposition)
def test_what_is_said_when_the_attempt_is_called_off(disposition: Disposition) -> None:
    """By a cancellation the customer is told that we do not call again; else that we could not connect them."""
    called_off = only_record(attempt.call_off(situation(*JOINING), disposition, CONTEXT))
    decision = attempt.deadline(called_off, CONTEXT)
    cancelled = disposition is Disposition.CANCELLED_BY_US
    # They have talked, or nobody is there who could listen.
    silent = disposition in {Disposition.CONNECTED, Disposition.MACHINE, Disposition.FAX}
    said = (
        ["", ""]
        if silent
        else [" no_longer_needed", f" {'called_off' if cancelled else 'could_not_connect'}"]
    )
    assert shown(decision.effects) == [f"HangUp leg_agent{said[0]}", f"HangUp leg_customer{said[1]}"]
    after = only_record(decision)
    # Where nothing is said, no time is given to say it.
    assert (after.disposition, after.due_at) == (disposition, NOW + (10 * S if silent else 38 * S))
    assert after.due_reason is DueReason.HANG_UP_OVERDUE


@pytest.mark.parametrize(
    ("played_after", "until"),
    [
        (0, 8),  # A question that is over at once, as from a telephony that cannot tell how long it plays.
        (5, 13),
        (28, 36),
        (30, 36),  # It took longer than any may: no time is won by that.
        (35, 36),
    ],
)
def test_a_key_is_waited_for_when_the_question_was_played(played_after: int, until: int) -> None:
    """`confirm_time_max` from then on, and at the latest when it would have been over anyway; and once."""
    context = in_mode(Mode.AGENT_FIRST, ASKING)
    (asked,) = attempt.report(situation(*CUSTOMER_RINGS), said(Role.CUSTOMER, _K.ANSWERED), context).records
    assert isinstance(asked, Attempt)
    assert (asked.due_at, asked.customer_until_at) == (NOW + 36 * S, NOW + 36 * S)
    later = attrs.evolve(context, now=NOW + played_after * S)
    decision = attempt.report(asked, said(Role.CUSTOMER, _K.PLAYED), later)
    after = decision.records[0] if decision.records else asked
    assert bool(decision.records) is (until < 36)
    assert isinstance(after, Attempt)
    assert (after.due_at, after.customer_until_at) == (NOW + until * S, NOW + until * S)
    assert (after.due_reason, decision.effects) == (DueReason.CONFIRM_OVER, ())
    # Asked again, it is played to its end again.
    twice = attempt.report(
        after, said(Role.CUSTOMER, _K.PLAYED), attrs.evolve(context, now=NOW + (until - 1) * S)
    )
    assert (twice.records, only_event(twice).reason) == ((), "nothing new")


def test_the_agents_clock_runs_while_the_customer_is_asked() -> None:
    """Simultaneous: how long a question plays is nothing to the agent whose phone rings."""
    asked = situation(*ASKED_ALONE, mode=Mode.SIMULTANEOUS)
    after = only_record(told(asked, Role.CUSTOMER, _K.PLAYED))
    assert (after.due_at, after.due_reason) == (NOW + 5 * S, DueReason.AGENT_RING_OVER)
    assert (after.agent_until_at, after.customer_until_at) == (NOW + 5 * S, NOW + 8 * S)


@pytest.mark.parametrize(
    ("reason", "due_in", "then"),
    [
        (DueReason.HANG_UP_OVERDUE, 3, 38),
        (DueReason.HANG_UP_OVERDUE, 38, 38),
        (DueReason.LEG_IN_DOUBT, 55, 55),
        (DueReason.LEG_IN_DOUBT, 2, 38),
        # It is hung up by the next step, whatever it says.
        (DueReason.HANG_UP_WANTED, 0, 0),
    ],
)
def test_who_answers_too_late_has_time_to_hear_why(reason: DueReason, due_in: int, then: int) -> None:
    """They are not hung up again in the middle of a word; and nothing is over earlier for that."""
    due_at = NOW + due_in * S
    ending = situation(_A.ENDING, "ended", _L.RINGING, due_at=due_at, due_reason=reason)
    decision = told(ending, Role.CUSTOMER, _K.ANSWERED)
    after = only_record(decision)
    assert (after.due_at, after.due_reason) == (NOW + then * S, reason)
    assert (after.customer_leg, after.customer_rang) == (_L.ANSWERED, True)
    assert shown(decision.effects) == ["HangUp leg_customer could_not_connect"]


def test_a_customer_s_leg_that_is_lost_is_an_unknown_ending() -> None:
    """The agent went away, and nobody knows whether the customer's phone rang: it counts, and rests as in doubt."""
    lost = situation(_A.ENDING, "ended", _L.INTENDED, disposition=Disposition.AGENT_UNAVAILABLE)
    after = only_record(attempt.deadline(lost, CONTEXT))
    assert after.disposition is Disposition.UNKNOWN
    known = situation(_A.ENDING, "answered", _L.NONE, disposition=Disposition.AGENT_UNAVAILABLE)
    after = only_record(attempt.deadline(known, CONTEXT))
    assert after.disposition is Disposition.AGENT_UNAVAILABLE


@pytest.mark.parametrize("here", SITUATIONS)
def test_a_leg_is_wanted_while_its_attempt_is_under_way(here: Situation) -> None:
    """Before it ends, and while nobody ends it; the leg of an earlier agent never is."""
    state, agent, customer_leg = here
    under_way = state not in {_A.ENDING, _A.ENDED}
    found = situation(*here)
    live = {"intended", "ringing", "answered"}
    assert attempt.wants(found, AGENT_LEG) is (under_way and agent in live)
    assert attempt.wants(found, CUSTOMER_LEG) is (under_way and customer_leg in live)
    third = attrs.evolve(found, agents_rung_count=3)
    assert attempt.wants(third, AGENT_LEG) is attempt.wants(third, LegId(f"{AGENT_LEG}.2")) is False
    assert attempt.wants(third, LegId(f"{AGENT_LEG}.3")) is (under_way and agent in live)


def test_every_deadline_was_looked_at() -> None:
    """In every situation in which an attempt can wait, for each leg that has a clock; and no other reason is known."""
    assert set(attempt.DEADLINES) == {reason for reason, *_ in DEADLINES}
    clocks = set()
    for here in SITUATIONS:
        state, agent, customer = here
        if state in BEFORE_JOINING and agent in {"intended", "ringing"}:
            clocks.add((DueReason.AGENT_RING_OVER, here))
        if state in BEFORE_JOINING and customer is not _L.NONE:
            clocks.add((CUSTOMER_DUE[state], here))
        if state in DUE:
            clocks.add((DUE[state], here))
    looked_at = {(reason, here) for reason, here, *_ in DEADLINES}
    assert clocks == {
        (reason, here)
        for reason, here in looked_at
        if reason not in {DueReason.HANG_UP_WANTED, DueReason.LEG_IN_DOUBT}
    }
    assert {here for reason, here in looked_at if reason is DueReason.LEG_IN_DOUBT} == {
        (state, agent, customer)
        for state, agent, customer in SITUATIONS
        if state is _A.ENDING and legs.is_live(customer)
    }


def test_an_attempt_that_has_ended_has_no_deadline() -> None:
    """Asking for one is a bug."""
    with pytest.raises(AssertionError):
        attempt.deadline(situation(_A.ENDED, "ended", _L.ENDED), CONTEXT)


# ---------------------------------------------------------------------------- calling off

WANTED = {
    "state": _A.ENDING,
    "agent_until_at": None,
    "customer_until_at": None,
    "due_at": NOW,
    "due_reason": DueReason.HANG_UP_WANTED,
}
IN_MODES = [(mode, here) for here, modes in SITUATIONS.items() for mode in modes]


@pytest.mark.parametrize("disposition", [Disposition.CANCELLED_BY_US, Disposition.AGENT_UNAVAILABLE])
@pytest.mark.parametrize(
    ("mode", "here"),
    [(mode, here) for mode, here in IN_MODES if here[0] in {*BEFORE_JOINING, _A.JOINING, _A.CONNECTED}],
)
def test_calling_off_wants_the_legs_hung_up(mode: Mode, here: Situation, disposition: Disposition) -> None:
    """ENDING, due at once; the node that reaches the telephony does it, so there is no effect here."""
    before = situation(*here, mode=mode)
    decision = attempt.call_off(before, disposition, in_mode(mode))
    after = only_record(decision)
    assert changed(before, after) == {
        name: value
        for name, value in {**WANTED, "disposition": disposition}.items()
        if getattr(before, name) != value
    }
    assert decision.effects == ()
    assert only_event(decision).cause == f"called off: {disposition.value}"
    leg_states = ((AGENT_LEG, leg_of_agent(here[1])), (CUSTOMER_LEG, here[2]))
    live = [leg for leg, at in leg_states if at is not _L.NONE]
    assert hung_up(attempt.deadline(after, CONTEXT)) == live != []


@pytest.mark.parametrize("here", [here for here in SITUATIONS if here[0] is _A.ENDING])
def test_calling_off_what_is_ending_keeps_its_disposition(here: Situation) -> None:
    """What became of it is known already; what is left is hung up at once."""
    before = situation(*here)
    after = only_record(attempt.call_off(before, Disposition.UNKNOWN, CONTEXT))
    assert changed(before, after) == {"due_reason": DueReason.HANG_UP_WANTED}


@pytest.mark.parametrize(
    "here", [here for here in SITUATIONS if here[0] in {_A.CONFIRMING, _A.CONNECTED, _A.ENDING}]
)
def test_a_person_who_calls_off_knows_better(here: Situation) -> None:
    """Whatever was taken for how it went before; and history says who said so, and why."""
    before = situation(*here, disposition=Disposition.BUSY)
    decision = attempt.call_off(before, Disposition.WRONG_PERSON, CONTEXT, by="ann", reason="a neighbour")
    after = only_record(decision)
    assert (after.state, after.disposition, after.due_at) == (_A.ENDING, Disposition.WRONG_PERSON, NOW)
    event = only_event(decision)
    assert (event.by, event.reason, event.disposition) == ("ann", "a neighbour", Disposition.WRONG_PERSON)


@pytest.mark.parametrize("by", [None, "ann"])
@pytest.mark.parametrize("here", [here for here in SITUATIONS if here[0] is _A.ENDED])
def test_calling_off_what_has_ended_changes_nothing(here: Situation, by: str | None) -> None:
    """Nothing leaves ENDED, and nothing rewrites how it ended."""
    assert attempt.call_off(situation(*here), Disposition.UNKNOWN, CONTEXT, by=by) == Decision()


@pytest.mark.parametrize("state", AttemptState)
def test_when_an_attempt_may_be_called_off(state: AttemptState) -> None:
    """Until the two talk."""
    before_talk = {*BEFORE_JOINING, _A.JOINING}
    assert attempt.may_call_off(an_attempt(state=state)) is (state in before_talk)


# ---------------------------------------------------------------------------- the agent goes away

# What is done: "over" it is called off, "rung" the agent's phone is to be hung up at once and another agent is
# looked for then, "next" another one is looked for, "-" nothing.
AGENT_LEFT = {
    (_A.INTENDED, "intended", _L.NONE): "over",
    (_A.INTENDED, "ringing", _L.NONE): "over",
    (_A.INTENDED, "intended", _L.INTENDED): "rung",
    (_A.INTENDED, "intended", _L.RINGING): "rung",
    (_A.INTENDED, "ringing", _L.INTENDED): "rung",
    (_A.INTENDED, "ringing", _L.RINGING): "rung",
    (_A.INTENDED, "reserved", _L.INTENDED): "next",
    (_A.INTENDED, "reserved", _L.RINGING): "next",
    (_A.CONFIRMING, "intended", _L.ANSWERED): "rung",
    (_A.CONFIRMING, "ringing", _L.ANSWERED): "rung",
    (_A.CONFIRMING, "reserved", _L.ANSWERED): "next",
    (_A.CUSTOMER_ON_LINE, "intended", _L.ANSWERED): "rung",
    (_A.CUSTOMER_ON_LINE, "ringing", _L.ANSWERED): "rung",
}


@pytest.mark.parametrize(("mode", "here"), IN_MODES)
def test_what_it_means_that_the_agent_leaves(mode: Mode, here: Situation) -> None:
    """Before having accepted: another one comes, if a customer may wait for one. Who has accepted finishes first."""
    before = situation(*here, mode=mode)
    decision = attempt.agent_left(before, in_mode(mode))
    code = AGENT_LEFT.get(here, "-")
    if code == "-":
        assert decision == Decision()
        return
    after = only_record(decision)
    assert decision.effects == ()
    assert only_event(decision).cause == ("called off: agent_unavailable" if code == "over" else "agent left")
    cases: dict[str, dict[str, Any]] = {
        "over": {**WANTED, "disposition": Disposition.AGENT_UNAVAILABLE},
        "rung": {"agent_until_at": NOW, "due_at": NOW, "due_reason": DueReason.AGENT_RING_OVER},
        "next": {"agent_id": None},
    }
    assert changed(before, after) == {
        name: value for name, value in cases[code].items() if getattr(before, name) != value
    }
    if code != "next":
        assert hung_up(attempt.deadline(after, in_mode(mode))) == [AGENT_LEG]
    if code == "rung":
        assert attempt.wants_agent(only_record(attempt.deadline(after, in_mode(mode))))


# ---------------------------------------------------------------------------- another agent


@pytest.mark.parametrize(("mode", "here"), IN_MODES)
def test_when_an_agent_is_looked_for(mode: Mode, here: Situation) -> None:
    """While there is none, and the customer's phone rings or is answered."""
    assert attempt.wants_agent(situation(*here, mode=mode)) is (here[1] == "wanted")


@pytest.mark.parametrize(("mode", "here"), [(mode, here) for mode, here in IN_MODES if here[1] == "wanted"])
def test_the_next_agent_has_a_leg_of_their_own(mode: Mode, here: Situation) -> None:
    """They are kept for the attempt; and rung at once, unless in customer first nobody has said yes yet."""
    before = situation(*here, mode=mode)
    decision = attempt.found_agent(before, AgentId("bob"), in_mode(mode))
    rings = mode is Mode.SIMULTANEOUS or here[0] is _A.CUSTOMER_ON_LINE
    wanted: dict[str, Any] = {"agent_id": "bob"}
    if rings:
        wanted |= {"agent_leg": _L.INTENDED, "agents_rung_count": 2}
        wanted |= due_of(here[0], NOW + 30 * S, NOW + 9 * S)
    after = only_record(decision)
    assert changed(before, after) == {
        name: value for name, value in wanted.items() if getattr(before, name) != value
    }
    assert shown(decision.effects) == ["ReserveAgent bob", *(["Dial leg_agent.2"] if rings else [])]
    assert only_event(decision).cause == "agent found"


# ---------------------------------------------------------------------------- what a person says


def test_what_is_said_during_the_talk_is_how_it_will_have_ended() -> None:
    """The talk goes on; when it is over, the word stands, and the telephony's does not."""
    before = situation(*CONNECTED)
    decision = attempt.dispose(before, Disposition.WRONG_PERSON, CONTEXT, by="ann", reason="a neighbour")
    after = only_record(decision)
    assert changed(before, after) == {"disposition": Disposition.WRONG_PERSON}
    assert decision.effects == ()
    event = only_event(decision)
    assert (event.cause, event.by, event.reason) == ("said: wrong_person", "ann", "a neighbour")
    for ended in (
        told(after, Role.CUSTOMER, _K.ENDED),
        told(after, Role.CUSTOMER, _K.UNBRIDGED),
        attempt.deadline(after, CONTEXT),
        attempt.call_off(after, Disposition.UNKNOWN, CONTEXT),
    ):
        assert only_record(ended).disposition is Disposition.WRONG_PERSON


def test_what_is_said_after_the_talk_is_how_it_ended() -> None:
    """Only the disposition is rewritten, and told: it ended when it ended."""
    before = situation(_A.ENDED, "ended", _L.ENDED, disposition=Disposition.CONNECTED)
    decision = attempt.dispose(before, Disposition.MACHINE, CONTEXT, by="ann")
    assert changed(before, only_record(decision)) == {"disposition": Disposition.MACHINE}
    assert only_event(decision).kind == "attempt_ended"


# ---------------------------------------------------------------------------- a leg that does not go away


@pytest.mark.parametrize("heard_of", [True, False])
def test_who_answered_is_told_to_hang_up_for_two_minutes(heard_of: bool) -> None:
    """Nobody redials a person who may still be holding the line; nor is a lost word kept waiting for ever."""
    answered: dict[str, Any] = {} if heard_of else {"customer_answered_at": None}
    ending = situation(_A.ENDING, "ended", _L.ANSWERED, due_reason=DueReason.LEG_IN_DOUBT, **answered)
    for later, is_over in ((2 * M - S, False), (2 * M, True)):
        after = only_record(attempt.deadline(ending, attrs.evolve(CONTEXT, now=START + later)))
        assert (after.state is _A.ENDED) is is_over


@pytest.mark.parametrize(("after", "is_told"), [(H, True), (4 * H - S, True), (4 * H, False)])
def test_a_leg_that_is_still_there_is_told_to_end_as_long_as_anybody_talks(
    after: timedelta, is_told: bool
) -> None:
    """Its number is kept so long; and then no longer, whatever the telephony says."""
    in_doubt = situation(_A.ENDING, "ended", _L.ANSWERED, due_reason=DueReason.LEG_IN_DOUBT)
    context = attrs.evolve(CONTEXT, now=START + after)
    decision = attempt.report(in_doubt, said(Role.CUSTOMER, _K.UNCERTAIN), context)
    assert bool(decision.records) is is_told
    assert hung_up(decision) == ([CUSTOMER_LEG] if is_told else [])
    if is_told:
        after_it = only_record(decision)
        assert (after_it.due_at, after_it.due_reason) == (
            START + after + 10 * S,
            DueReason.HANG_UP_OVERDUE,
        )


# ---------------------------------------------------------------------------- a bridge that is reported late


@pytest.mark.parametrize("kind", [_K.BRIDGED, _K.UNBRIDGED])
@pytest.mark.parametrize("disposition", Disposition)
@pytest.mark.parametrize(
    ("answered_by", "may_have_talked"),
    [(AnsweredBy.HUMAN, True), (AnsweredBy.UNKNOWN, True), (AnsweredBy.MACHINE, False), (None, False)],
)
def test_a_bridge_that_is_reported_after_the_end(
    answered_by: AnsweredBy | None, may_have_talked: bool, disposition: Disposition, kind: ReportKind
) -> None:
    """Who had answered may have talked for a moment, or not: it is in doubt, unless it is known to have ended else."""
    before = situation(
        _A.ENDING,
        "answered",
        _L.ENDED,
        customer_answered_at=START if answered_by else None,
        answered_by=answered_by,
        disposition=disposition,
    )
    decision = told(before, Role.CUSTOMER, kind)
    open_still = {Disposition.AGENT_UNAVAILABLE, Disposition.ANSWERED_THEN_LEFT}
    if may_have_talked and disposition in open_still:
        assert changed(before, only_record(decision)) == {"disposition": Disposition.UNKNOWN}
    else:
        assert decision.records == ()
        assert only_event(decision).reason == "nothing new"
    assert decision.effects == ()


# ---------------------------------------------------------------------------- whole stories


def story(*steps: tuple[Role, ReportKind] | DueReason) -> tuple[Attempt, list[str]]:
    """Lead an attempt from its start through reports and deadlines; return it, and its effects, read."""
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
    return record, shown(book.effects)


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
    assert effects == [
        "ReserveAgent ann",
        "Dial leg_agent",
        "Dial leg_customer",
        "Bridge",
        "HangUp leg_agent",
    ]


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
        "ReserveAgent ann",
        "Dial leg_agent",
        "Dial leg_customer",
        "HangUp leg_customer",
        "HangUp leg_customer could_not_connect",
    ]


def test_the_end_comes_before_the_answer() -> None:
    """Reports in the wrong order: the leg is gone, and what comes late moves nothing."""
    record, effects = story(
        (Role.AGENT, _K.ENDED),
        (Role.AGENT, _K.ANSWERED),
        (Role.AGENT, _K.RINGING),
    )
    assert (record.state, record.disposition) == (_A.ENDED, Disposition.AGENT_UNAVAILABLE)
    assert effects == ["ReserveAgent ann", "Dial leg_agent", "HangUp leg_agent"]


def test_nothing_is_heard_of_the_telephony() -> None:
    """No report at all: the agent's leg is hung up, hung up again, and given up."""
    record, effects = story(DueReason.AGENT_RING_OVER, DueReason.HANG_UP_OVERDUE)
    assert (record.state, record.disposition) == (_A.ENDED, Disposition.AGENT_UNAVAILABLE)
    assert record.ended_at == START + (20 + 10 + 10) * S
    assert effects == ["ReserveAgent ann", "Dial leg_agent", "HangUp leg_agent", "HangUp leg_agent"]


def test_a_dial_in_doubt_is_waited_for() -> None:
    """It may ring: it is neither dialed again nor given up before its time."""
    record, effects = story(
        (Role.AGENT, _K.UNCERTAIN), (Role.AGENT, _K.ANSWERED), (Role.CUSTOMER, _K.UNCERTAIN)
    )
    assert (record.state, record.customer_leg) == (_A.AGENT_ON_LINE, _L.INTENDED)
    assert effects == ["ReserveAgent ann", "Dial leg_agent", "Dial leg_customer"]
    record, _ = story(
        (Role.AGENT, _K.ANSWERED),
        (Role.CUSTOMER, _K.UNCERTAIN),
        DueReason.RING_OVER,
        DueReason.HANG_UP_OVERDUE,
        DueReason.LEG_IN_DOUBT,
    )
    assert (record.disposition, record.customer_rang) == (Disposition.UNKNOWN, False)

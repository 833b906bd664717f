"""Each checker for storms finds what it is for, in a tiny account made by hand, and nothing in an honest one."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from callbackq.testing import storm_checkers
from callbackq.testing.checkers import (
    ATTEMPTS,
    Finding,
    attempts_above_agents,
    attempts_over_max,
    dialed_after_connected,
)
from callbackq.testing.clock import START
from callbackq.testing.storm_checkers import (
    StormEvidence,
    agents_on_two_legs,
    check_storm,
    conversations_cut,
    left_alone,
    left_hanging,
    legs_called_off,
    told_twice,
    wrong_numbers_dialed,
)

NUMBER = "+12125550101"
OTHER = "+12125550102"
MINUTE = timedelta(minutes=1)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def leg(what: str, seconds: float, leg_id: str = "leg_2", **more: Any) -> Any:
    """One line of the carrier's log, of a customer's leg."""
    line = {"role": "customer", "number": NUMBER, "callback_id": "cb_1", "cause": None, "agent_id": "anna"}
    return SimpleNamespace(what=what, at=at(seconds), leg_id=leg_id, **(line | more))


def said(what: str, seconds: float, **more: Any) -> Any:
    """One line of the world's journal."""
    line = {
        "call_id": "",
        "number": NUMBER,
        "skills": (),
        "callback_id": "cb_1",
        "leg_id": None,
        "note": None,
    }
    return SimpleNamespace(what=what, at=at(seconds), **(line | more))


def which(findings: Sequence[Finding]) -> list[str]:
    return [finding.which for finding in findings]


def test_checkers_share_no_code_with_what_they_check() -> None:
    """Nothing is taken from callbackq but the other checkers."""
    tree = ast.parse(inspect.getsource(storm_checkers))
    names = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name for name in names if name.startswith("callbackq")} == {"callbackq.testing.checkers"}


# ---------------------------------------------------------------------------- the carrier's log


@pytest.mark.parametrize("parted", ["answered", "unbridged"])
def test_a_customer_who_is_left_alone_is_found(parted: str) -> None:
    """From the answer, or from the end of a bridge, to the next one or to the end."""
    carrier = [leg("dialed", 0), leg(parted, 5)]
    assert which(left_alone([*carrier, leg("ended", 66)], alone_max=MINUTE, ended_at=at(99))) == ["leg_2"]
    assert which(left_alone([*carrier, leg("bridged", 66)], alone_max=MINUTE, ended_at=at(99))) == ["leg_2"]
    assert which(left_alone(carrier, alone_max=MINUTE, ended_at=at(66))) == ["leg_2"]


def test_who_is_joined_or_gone_in_time_is_not_alone() -> None:
    """Ringing is not being alone; nor is talking; and agents are not looked at."""
    carrier = [
        leg("dialed", 0),
        leg("answered", 90),
        leg("bridged", 150),
        leg("ended", 999),
        leg("answered", 90, "leg_1", role="agent"),
        leg("answered", 90, "leg_4"),
        leg("ended", 100, "leg_4"),
    ]
    assert left_alone(carrier, alone_max=MINUTE, ended_at=at(9999)) == []


def test_an_agent_who_is_rung_twice_is_found() -> None:
    """A second leg to an agent whose first one has not ended."""
    carrier = [leg("dialed", 0, "leg_1", role="agent"), leg("dialed", 9, "leg_3", role="agent")]
    assert which(agents_on_two_legs(carrier)) == ["leg_3"]
    ended = leg("ended", 5, "leg_1", role="agent")
    assert agents_on_two_legs([carrier[0], ended, carrier[1]]) == []
    other = leg("dialed", 9, "leg_3", role="agent", agent_id="bert")
    assert agents_on_two_legs([carrier[0], other, leg("dialed", 9)]) == []


def test_a_wrong_number_that_is_dialed_again_is_found() -> None:
    """For that callback, after it was said."""
    world = [said("corrected", 50, leg_id="leg_2", note=NUMBER)]
    carrier = [leg("dialed", 0), leg("dialed", 60, "leg_4")]
    assert which(wrong_numbers_dialed(carrier, world=world)) == ["leg_4"]
    other = [leg("dialed", 60, "leg_4", number=OTHER), leg("dialed", 60, "leg_6", callback_id="cb_2")]
    assert wrong_numbers_dialed([carrier[0], *other], world=world) == []


def test_the_last_word_about_a_number_counts() -> None:
    """It was a machine and not another person; or its owner asks to be called there."""
    carrier = [leg("dialed", 60, "leg_4")]
    wrong = said("corrected", 40, leg_id="leg_2", note=NUMBER)
    machine = said("corrected", 50, leg_id="leg_2")
    assert wrong_numbers_dialed(carrier, world=[wrong, machine]) == []
    assert wrong_numbers_dialed(carrier, world=[wrong, said("promised", 50, number=f"{NUMBER};ext=7")]) == []
    assert which(wrong_numbers_dialed(carrier, world=[said("promised", 30), wrong])) == ["leg_4"]
    other_leg = said("corrected", 50, leg_id="leg_6")
    assert which(wrong_numbers_dialed(carrier, world=[wrong, other_leg])) == ["leg_4"]


def test_dialing_after_a_conversation_needs_a_correction() -> None:
    """One after the conversation, and before the dialing."""
    carrier = [leg("bridged", 10), leg("dialed", 60, "leg_4")]
    connected = said("connected", 10, leg_id="leg_2")
    assert which(dialed_after_connected(carrier, world=[connected])) == ["leg_4"]
    assert dialed_after_connected(carrier, world=[connected, said("corrected", 30)]) == []
    assert dialed_after_connected(carrier, world=[connected, said("settled", 30)]) == []
    for seconds in (5, 70):
        world = [connected, said("corrected", seconds)]
        assert which(dialed_after_connected(carrier, world=world)) == ["leg_4"]


def test_a_conversation_with_a_machine_is_none() -> None:
    """The world says so by giving no leg."""
    carrier = [leg("bridged", 10), leg("dialed", 60, "leg_4")]
    assert dialed_after_connected(carrier, world=[said("connected", 10)]) == []


# ---------------------------------------------------------------------------- attempts and policy

TWICE = (leg("dialed", 0), leg("ended", 9), leg("dialed", 60, "leg_4"), leg("ended", 69, "leg_4"))


def test_attempts_count_anew_after_a_correction() -> None:
    """And only after it."""
    assert which(attempts_over_max(TWICE, attempts_max=1)) == ["cb_1"]
    assert attempts_over_max(TWICE, attempts_max=1, world=[said("corrected", 30)]) == []
    assert which(attempts_over_max(TWICE, attempts_max=1, world=[said("settled", 30)])) == ["cb_1"]
    assert which(attempts_over_max(TWICE, attempts_max=1, world=[said("corrected", 70)])) == ["cb_1"]


def test_an_attempt_while_its_customer_calls_does_not_count() -> None:
    """Another caller, or one at another time, changes nothing."""
    promised = said("promised", -99)
    assert attempts_over_max(TWICE, attempts_max=1, world=[promised, said("joined", 5)]) == []
    unheard = [promised, said("joined", 30)]  # The end was not told: they called while it seemed to ring.
    assert attempts_over_max(TWICE, attempts_max=1, world=unheard, told={}, by_us={"leg_2": at(31)}) == []
    for joined in (said("joined", 30), said("joined", 5, number=OTHER)):
        assert which(attempts_over_max(TWICE, attempts_max=1, world=[promised, joined])) == ["cb_1"]


def test_what_was_taken_back_before_it_was_told_that_it_rang_does_not_count() -> None:
    """By us, as the network says or as the rows say. What was told later comes too late."""
    rang = leg("ringing", 3)
    by_us = [TWICE[0], rang, leg("ended", 9, cause="cancelled"), *TWICE[2:]]
    assert attempts_over_max(by_us, attempts_max=1, told={}) == []
    assert attempts_over_max(by_us, attempts_max=1, told={"leg_2": at(9)}) == []
    assert which(attempts_over_max(by_us, attempts_max=1, told={"leg_2": at(3)})) == ["cb_1"]
    assert which(attempts_over_max(by_us, attempts_max=1)) == ["cb_1"]
    assert attempts_over_max(TWICE, attempts_max=1, told={}, by_us={"leg_2": at(9)}) == []
    assert which(attempts_over_max(TWICE, attempts_max=1, told={"leg_2": at(3)}, by_us={"leg_2": at(9)})) == [
        "cb_1"
    ]


def event(entity: str, state: str, **more: Any) -> Any:
    return SimpleNamespace(entity=entity, kind=f"{entity}_moved", state=state, at=START, **more)


@pytest.mark.parametrize("state", ["confirming", "customer_on_line"])
def test_an_attempt_that_holds_a_customer_needs_an_agent_of_its_own(state: str) -> None:
    """In every mode; one that looks for another agent has none, and one whose agent is taken is found."""
    there = event("agent", "available", agent_id="anna")
    first = event("attempt", state, attempt_id="at_1", agent_id="anna")
    second = event("attempt", state, attempt_id="at_2", agent_id="anna")
    assert attempts_above_agents([there, first]) == []
    assert {finding.which for finding in attempts_above_agents([there, first, second])} == {"at_2"}
    without = event("attempt", state, attempt_id="at_1", agent_id=None)
    assert attempts_above_agents([there, first, without, second]) == []
    gone = event("agent", "signed_out", agent_id="anna")
    assert which(attempts_above_agents([there, first, gone])) == ["anna"]


def test_an_attempt_whose_conversation_ends_holds_no_agent() -> None:
    """The agent was busy with it; an ignored report says nothing of an agent."""
    history = [
        event("agent", "available", agent_id="anna"),
        event("attempt", "joining", attempt_id="at_1", agent_id="anna"),
        event("attempt", "connected", attempt_id="at_1", agent_id="anna"),
        event("agent", "busy", agent_id="anna"),
        event("attempt", "ending", attempt_id="at_1", agent_id="anna"),
        event("attempt", "ending", attempt_id="at_1"),
    ]
    assert attempts_above_agents(history) == []


# ---------------------------------------------------------------------------- when all is over


def row(**fields: Any) -> Any:
    known = {
        "attempt_id": None, "agent_id": "anna", "callback_id": "cb_1", "state": "ended", "ended_at": START,
        "queue": "support", "customer_leg_id": "leg_2", "disposition": "connected", "outcome": "completed",
        "due_at": None, "entered_at": START,
    }  # fmt: skip
    return SimpleNamespace(**(known | fields))


def test_what_is_left_hanging_is_found() -> None:
    """An attempt or a promise that is open, an agent who is held."""
    open_attempt = row(attempt_id="at_1", state="joining", ended_at=None)
    assert which(left_hanging([open_attempt], agents=[], ended_at=at(9))) == ["at_1"]
    open_callback = row(state="resting", ended_at=None)
    assert which(left_hanging([], agents=[], callbacks=[open_callback], ended_at=at(9))) == ["cb_1"]
    held = row(attempt_id="at_1", state="reserved")
    assert which(left_hanging([], agents=[held], ended_at=at(9))) == ["anna"]
    over = row(attempt_id="at_1")
    assert left_hanging([over], agents=[row()], callbacks=[row()], ended_at=at(9)) == []


def test_what_is_told_twice_is_found() -> None:
    """By its id."""
    notices = [SimpleNamespace(notice_id=f"cb_1.{number}.unreached") for number in (3, 4, 3)]
    (finding,) = told_twice(notices)
    assert (finding.which, finding.what) == ("cb_1.3.unreached", "2 times")
    assert told_twice(notices[:2]) == []


def test_a_conversation_that_is_cut_short_is_found() -> None:
    """If it was known as one, and somebody hung up on it."""
    connected = said("connected", 10, leg_id="leg_2")
    cut = said("parted", 20, leg_id="leg_2", note="hung up while they talked")
    assert which(conversations_cut([connected, cut])) == ["leg_2"]
    assert conversations_cut([cut]) == []
    assert conversations_cut([connected, said("parted", 20, leg_id="leg_2")]) == []


# ---------------------------------------------------------------------------- all of them


def evidence(**changes: Any) -> StormEvidence:
    """An account of one callback, which was kept."""
    accounts: dict[str, Any] = {
        "carrier": [
            leg("dialed", 0),
            leg("answered", 5),
            leg("bridged", 6),
            leg("ended", 90),
        ],
        "world": [said("promised", 0, call_id="call-1"), said("connected", 6, leg_id="leg_2")],
        "history": [],
        "callbacks": [row()],
        "ended_at": at(999),
        "attempts_max": 9,
        "attempts_max_of": {"support": 1, "sales": 0},
        "attempts": [row(attempt_id="at_1")],
        "agents": [row()],
        "told": {"leg_2": at(5)},
        "notices": [],
        "alone_max": MINUTE,
        "calm": True,
    }
    return StormEvidence(**(accounts | changes))


def test_an_honest_account_has_no_findings() -> None:
    assert check_storm(evidence()).all == ()


def test_every_check_is_run() -> None:
    """Each broken account is found by the check for it, among all."""
    again = [leg("dialed", 0), leg("ended", 9), leg("dialed", 60, "leg_4"), leg("ended", 99, "leg_4")]
    alone = [leg("dialed", 0), leg("answered", 5), leg("ended", 90)]
    rung = [leg("dialed", 0, "leg_1", role="agent"), leg("dialed", 0, "leg_3", role="agent")]
    cut = said("parted", 20, leg_id="leg_2", note="cut")
    for broken, check in (
        ({"carrier": again}, ATTEMPTS),
        ({"carrier": alone}, storm_checkers.ALONE),
        ({"carrier": rung}, storm_checkers.RUNG_TWICE),
        ({"attempts": [row(attempt_id="at_1", ended_at=None)]}, storm_checkers.HANGING),
        ({"notices": [SimpleNamespace(notice_id="n")] * 2}, storm_checkers.NOTICE_TWICE),
        ({"world": [*evidence().world, cut]}, storm_checkers.CUT),
    ):
        findings = check_storm(evidence(**broken))
        assert check in {finding.check for finding in findings.all}, broken
    wild = check_storm(evidence(carrier=[*alone, *rung], calm=False, alone_max=None, world=[]))
    assert wild.count(storm_checkers.ALONE, storm_checkers.RUNG_TWICE) == 0


def test_a_leg_that_was_called_off_because_its_owner_was_calling_us_is_no_attempt() -> None:
    """Whenever the network dialed it: who says so has seen that call written down."""
    again = [leg("dialed", 0), leg("ended", 9), leg("dialed", 60, "leg_4"), leg("ended", 99, "leg_4")]
    for called_off, checks in (((), {ATTEMPTS}), (("leg_9",), {ATTEMPTS}), (("leg_4",), set())):
        findings = check_storm(evidence(carrier=again, called_off=called_off))
        assert {finding.check for finding in findings.all} == checks


def test_what_was_called_off_is_told_by_the_history() -> None:
    """The customer called in while it was going on, and it ended because of us; not before, and not otherwise."""

    def event(kind: str, **more: Any) -> Any:
        return SimpleNamespace(**({"kind": kind, "callback_id": "cb_1"} | more))

    started = event("attempt_started", attempt_id="at_1", customer_leg_id="leg_2")
    called = event("callback_called_in")
    ended = event("attempt_ended", attempt_id="at_1", disposition="cancelled_by_us")
    other = event("attempt_ended", attempt_id="at_1", disposition="no_answer")
    assert legs_called_off([started, called, ended]) == {"leg_2"}
    assert legs_called_off([called, started, ended]) == set()
    assert legs_called_off([started, called, other]) == set()
    assert legs_called_off([started, ended, called]) == set()

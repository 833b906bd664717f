"""Each checker finds its violation in a doctored account, and nothing in an honest one."""

from __future__ import annotations

import ast
import inspect
from collections import Counter
from collections.abc import Sequence
from datetime import time, timedelta
from functools import cache
from random import Random
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from callbackq.events import AgentReserved, AttemptStarted, CallbackRequested, CallJoined, CallTaken
from callbackq.model import AgentState, Cause, Outcome, Role
from callbackq.policy import QueuePolicy
from callbackq.simulation import (
    ContactCenter,
    Happened,
    RateCurve,
    Temper,
    draw_callers,
    on_duty,
    poisson_arrivals,
)
from callbackq.simulation.people import AT_ANY_HOUR
from callbackq.stores.memory import MemoryStore
from callbackq.testing import checkers
from callbackq.testing.checkers import Evidence, Finding, check_all
from callbackq.testing.clock import START
from callbackq.testing.telephony import Carried

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


@cache
def honest() -> Evidence:
    """An hour of three busy agents: callbacks that are answered, missed and retried, live calls, people who give up."""
    random = Random(11)
    arrivals = poisson_arrivals(RateCurve([(0, 80)]), starts_at=START, length=HOUR, random=random)
    temper = Temper(answer_ratio=0.6, decline_ratio=0.1)
    center = ContactCenter(
        MemoryStore(pepper=bytes(32)),
        policies=[QueuePolicy(queue="support", offer_wait_min=timedelta(0), calling=AT_ANY_HOUR)],
        callers=draw_callers(arrivals, temper=temper, random=random),
        shifts=on_duty(3, starts_at=START, ends_at=START + HOUR),
    )
    report = center.run()
    assert min(report.connected, report.unreached, report.abandoned, report.served_live) > 0
    return center.evidence()


def doctored(accounts: Sequence[Any], index: int, *put: Any) -> list[Any]:
    """Put something in the place of one line."""
    return [*accounts[:index], *put, *accounts[index + 1 :]]


def index_of(accounts: Sequence[Any], **fields: Any) -> int:
    """Return the first line that has these fields."""
    return next(
        index
        for index, line in enumerate(accounts)
        if all(getattr(line, name, None) == value for name, value in fields.items())
    )


def checks_of(findings: Sequence[Finding]) -> set[str]:
    return {finding.check for finding in findings}


def test_an_honest_run_has_no_findings() -> None:
    """Nothing is found where nothing is wrong."""
    findings = check_all(honest())
    assert findings.all == ()
    assert (findings.lost, findings.double_dialed, findings.overtaken) == (0, 0, 0)


def test_checkers_share_no_code_with_what_they_check() -> None:
    """The module takes nothing from callbackq, and needs no test framework."""
    tree = ast.parse(inspect.getsource(checkers))
    names = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert not [name for name in names if name.split(".")[0] in {"callbackq", "pytest", "hypothesis"}]


# ---------------------------------------------------------------------------- the carrier's log


def test_a_leg_that_is_dialed_twice_is_found() -> None:
    """The same leg id again, at whatever time."""
    carrier = honest().carrier
    dialed = carrier[index_of(carrier, what=Carried.DIALED)]
    (finding,) = checkers.legs_dialed_twice([*carrier, dialed])
    assert finding.which == dialed.leg_id


def test_a_number_on_two_live_legs_is_found_and_shown_masked() -> None:
    """A second leg to a number whose first leg has not ended."""
    carrier = honest().carrier
    index = index_of(carrier, what=Carried.DIALED, role=Role.CUSTOMER)
    second = attrs.evolve(carrier[index], leg_id="leg_other")
    finding = checkers.numbers_on_two_legs(doctored(carrier, index, carrier[index], second))[0]
    assert finding.which == "leg_other"
    assert carrier[index].number not in str(finding)
    assert checkers.numbers_on_two_legs([*carrier, second]) == []


def test_a_customer_who_was_connected_and_is_dialed_again_is_found() -> None:
    """Only the world knows who was connected: a bridge that never came about allows another try."""
    evidence = honest()
    bridged = evidence.carrier[index_of(evidence.carrier, what=Carried.BRIDGED)]
    again = attrs.evolve(bridged, what=Carried.DIALED, leg_id="leg_other")
    carrier = [*evidence.carrier, again]
    (finding,) = checkers.dialed_after_connected(carrier, world=evidence.world)
    assert finding.which == "leg_other"
    unheard = [line for line in evidence.world if line.leg_id != bridged.leg_id]
    assert checkers.dialed_after_connected(carrier, world=unheard) == []


def test_attempts_over_the_maximum_are_found() -> None:
    """Every dialing of the customer counts, but for one that was taken back before it rang."""
    carrier = honest().carrier
    findings = checkers.attempts_over_max(carrier, attempts_max=1)
    assert findings
    ended = carrier[index_of(carrier, what=Carried.ENDED, role=Role.CUSTOMER, callback_id=findings[0].which)]
    dial = attrs.evolve(ended, what=Carried.DIALED, leg_id="leg_other", cause=None)
    assert len(checkers.attempts_over_max([*carrier, dial], attempts_max=2)) == 1
    back = attrs.evolve(ended, leg_id="leg_other", cause=Cause.CANCELLED)
    assert checkers.attempts_over_max([*carrier, dial, back], attempts_max=2) == []


def test_a_second_call_that_only_tells_something_is_found() -> None:
    """One comes on top of all attempts, and is none of them; two are one too many, but for one that was taken back."""
    carrier = honest().carrier
    (first, *_) = checkers.attempts_over_max(carrier, attempts_max=1)
    ended = carrier[index_of(carrier, what=Carried.ENDED, role=Role.CUSTOMER, callback_id=first.which)]
    dials = [line for line in carrier if line.what is Carried.DIALED and line.role is Role.CUSTOMER]
    most = max(Counter(line.callback_id for line in dials).values())
    tells = [
        attrs.evolve(ended, what=Carried.DIALED, leg_id=leg_id, cause=None) for leg_id in ("leg_x", "leg_y")
    ]
    announced = {"leg_x", "leg_y"}

    def found(*lines: Any) -> list[str]:
        findings = checkers.attempts_over_max([*carrier, *lines], attempts_max=most, announced=announced)
        return [finding.what for finding in findings]

    assert found(tells[0]) == []
    assert found(*tells) == ["dialed 2 times to be told; allowed: 1"]
    back = attrs.evolve(ended, leg_id="leg_x", cause=Cause.CANCELLED)
    assert found(tells[0], back, tells[1]) == []


def test_an_attempt_that_was_called_off_while_a_busy_tone_was_on_its_way_is_none() -> None:
    """The customer called us, and the history says so: the carrier's word came too late to count, and nothing rang."""
    carrier = honest().carrier
    (first, *_) = checkers.attempts_over_max(carrier, attempts_max=1)
    ended = carrier[index_of(carrier, what=Carried.ENDED, role=Role.CUSTOMER, callback_id=first.which)]
    dial = attrs.evolve(ended, what=Carried.DIALED, leg_id="leg_other", cause=None)
    busy = attrs.evolve(ended, leg_id="leg_other", cause=Cause.BUSY)
    started = SimpleNamespace(kind="attempt_started", attempt_id="at_9", customer_leg_id="leg_other")
    over = SimpleNamespace(
        kind="attempt_ended",
        attempt_id="at_9",
        disposition="cancelled_by_us",
        at=busy.at + timedelta(seconds=3),
    )
    for history, found in (([started, over], 0), ([started], 1), ([], 1)):
        by_us = checkers._ended_by_us(history)
        again = checkers.attempts_over_max([*carrier, dial, busy], attempts_max=2, by_us=by_us)
        assert len(again) == found


def test_a_dial_outside_the_hours_of_any_zone_is_found() -> None:
    """One zone that forbids it is enough; who asked for a call at about that time is called all the same."""
    carrier = honest().carrier
    line = carrier[index_of(carrier, what=Carried.DIALED, role=Role.CUSTOMER)]
    assert line.number is not None
    now = line.at.time()
    open_now = {line.at.weekday(): [(time(0), time(1)), (now, time(0))]}
    closed_now = {line.at.weekday(): [(time(0), now)]}
    of_all = {"UTC": open_now, "Etc/GMT": open_now}
    assert checkers.dialed_after_hours([line], weeks={line.number: of_all}) == []
    assert checkers.dialed_after_hours([line], weeks={}) == []
    for week in (closed_now, {}, {(line.at.weekday() + 1) % 7: [(time(0), time(0))]}):
        weeks = {line.number: {**of_all, "Africa/Abidjan": week}}
        (finding,) = checkers.dialed_after_hours([line], weeks=weeks)
        assert (finding.check, finding.which, finding.at) == (checkers.AFTER_HOURS, line.leg_id, line.at)
        assert "Africa/Abidjan" in finding.what
        assert line.number not in str(finding)
        wanted = {line.callback_id: [(line.at, line.at + SECOND)]}
        assert checkers.dialed_after_hours([line], weeks=weeks, asked=wanted) == []
        too_late = {line.callback_id: [(line.at - HOUR, line.at)]}
        assert len(checkers.dialed_after_hours([line], weeks=weeks, asked=too_late)) == 1
    ringing = attrs.evolve(line, what=Carried.RINGING)
    to_agent = attrs.evolve(line, role=Role.AGENT)
    assert checkers.dialed_after_hours([ringing, to_agent], weeks={line.number: {"UTC": {}}}) == []


# ---------------------------------------------------------------------------- the order of the line


def joined_behind_somebody(history: Sequence[Any]) -> int:
    """Return the joining of a live caller who waited while another one was served."""
    for index, event in enumerate(history):
        if not isinstance(event, CallJoined):
            continue
        for later in history[index + 1 :]:
            if later.entity == "call" and later.kind in ("call_taken", "call_ended"):
                if later.call_id == event.call_id:
                    break
                if later.kind == "call_taken":
                    return index
    raise LookupError("nobody waited")


def test_a_place_that_is_overtaken_is_found() -> None:
    """Somebody who waited is given an earlier rank than was kept to."""
    history = honest().history
    index = joined_behind_somebody(history)
    earlier = attrs.evolve(history[index], ranked_at=history[index].ranked_at - HOUR)
    findings = checkers.places_overtaken(doctored(history, index, earlier))
    assert findings
    assert {finding.which for finding in findings} == {history[index].call_id}


def test_a_place_of_another_class_may_pass() -> None:
    """Another priority is another class; so is another lane, and another queue."""
    history = honest().history
    index = joined_behind_somebody(history)
    for other in ({"priority": 1}, {"lane": 7}, {"queue": "sales"}):
        changed = attrs.evolve(history[index], ranked_at=history[index].ranked_at - HOUR, **other)
        assert checkers.places_overtaken(doctored(history, index, changed)) == []


def test_a_tie_goes_by_the_place_id() -> None:
    """Of two places of one instant the one with the lower id comes first."""

    def joined(call_id: str) -> SimpleNamespace:
        return SimpleNamespace(
            kind="call_joined", entity="call", call_id=call_id, state="waiting", queue="support", priority=1,
            lane=0, ranked_at=START, place_id=call_id, at=START,
        )  # fmt: skip

    def taken(call_id: str) -> SimpleNamespace:
        return SimpleNamespace(kind="call_taken", entity="call", call_id=call_id, state="taken", at=START)

    both = [joined("call-1"), joined("call-2")]
    assert checkers.places_overtaken([*both, taken("call-1"), taken("call-2")]) == []
    (finding,) = checkers.places_overtaken([*both, taken("call-2"), taken("call-1")])
    assert finding.which == "call-1"


# ---------------------------------------------------------------------------- promises


def test_two_active_callbacks_of_one_person_are_found() -> None:
    """A second request before the first has ended; in another queue it is allowed."""
    history = honest().history
    index = index_of(history, kind="callback_requested")
    second = attrs.evolve(history[index], callback_id="cb_other")
    assert isinstance(second, CallbackRequested)
    (finding,) = checkers.two_active_callbacks(doctored(history, index, history[index], second))
    assert finding.which == "cb_other"
    elsewhere = attrs.evolve(second, queue="sales")
    assert checkers.two_active_callbacks(doctored(history, index, history[index], elsewhere)) == []
    assert checkers.two_active_callbacks([*history, second]) == []


@pytest.mark.parametrize("account", ["history", "callbacks", "world"])
def test_an_entry_time_that_is_rewritten_is_found(account: str) -> None:
    """In the callback's first event, in its row, or against what the world saw."""
    evidence = honest()
    found = {"history": {"kind": "callback_requested"}, "callbacks": {}, "world": {"what": Happened.JOINED}}
    lines = list(getattr(evidence, account))
    index = index_of(lines, **found[account])
    name = "at" if account == "world" else "entered_at"
    lines[index] = attrs.evolve(lines[index], **{name: getattr(lines[index], name) + SECOND})
    assert checks_of(check_all(attrs.evolve(evidence, **{account: lines})).all) == {checkers.ENTRY}


def test_a_promise_that_is_lost_is_found() -> None:
    """Its row is gone, or has neither ended nor anything due."""
    evidence = honest()
    row = next(row for row in evidence.callbacks if row.outcome is Outcome.UNREACHED)
    others = [other for other in evidence.callbacks if other is not row]
    forgotten = attrs.evolve(row, outcome=None, due_at=None)
    overdue = attrs.evolve(row, outcome=None, due_at=evidence.ended_at)
    for rows in (others, [*others, forgotten], [*others, overdue]):
        (finding,) = checkers.promises_lost(evidence.world, callbacks=rows, ended_at=evidence.ended_at)
        assert (finding.check, finding.which) == (checkers.LOST, row.callback_id)
    due = attrs.evolve(row, outcome=None, due_at=evidence.ended_at + SECOND)
    assert checkers.promises_lost(evidence.world, callbacks=[*others, due], ended_at=evidence.ended_at) == []


def test_a_promise_that_is_only_said_to_be_kept_is_found() -> None:
    """The row says completed, and the world saw nobody talk."""
    evidence = honest()
    kept = next(row for row in evidence.callbacks if row.outcome is Outcome.COMPLETED)
    world = [
        line
        for line in evidence.world
        if not (line.what is Happened.CONNECTED and line.callback_id == kept.callback_id)
    ]
    findings = check_all(attrs.evolve(evidence, world=world))
    assert checks_of(findings.all) == {checkers.NEVER_CONNECTED}
    assert findings.lost == 1


# ---------------------------------------------------------------------------- agents


def test_more_attempts_than_agents_are_found() -> None:
    """An attempt for which nobody was reserved."""
    history = honest().history
    index = index_of(history, kind="agent_reserved")
    assert isinstance(history[index], AgentReserved)
    away = attrs.evolve(history[index], state=AgentState.SIGNED_OUT)
    everybody_away = [
        event
        for event in doctored(history, index, away)
        if event.kind != "agent_signed_in" or event.agent_id == away.agent_id
    ]
    assert checkers.IN_FLIGHT in checks_of(checkers.attempts_above_agents(everybody_away))


def test_an_agent_in_two_attempts_is_found() -> None:
    """A second attempt for an agent who is reserved for one."""
    history = honest().history
    index = index_of(history, kind="attempt_started")
    second = attrs.evolve(history[index], attempt_id="at_other", callback_id="cb_other")
    assert isinstance(second, AttemptStarted)
    findings = checkers.attempts_above_agents(doctored(history, index, history[index], second))
    assert (checkers.AGENT_TWICE, "at_other") in {(finding.check, finding.which) for finding in findings}


def test_an_agent_who_is_left_free_beside_a_ready_place_is_found() -> None:
    """A caller who waited and was never given to the agent who became free."""
    history = honest().history
    waited = next(event for event in history if event.kind == "call_offered")
    index = index_of(history, kind="call_taken", call_id=waited.call_id)
    taken = history[index]
    assert isinstance(taken, CallTaken)
    idle = [
        event
        for event in history
        if event is not taken and not (event.kind == "agent_took_call" and event.call_id == waited.call_id)
    ]
    findings = checkers.agents_left_free(idle, world=honest().world)
    assert findings[0].which == taken.agent_id
    assert waited.call_id in findings[0].what


def test_an_agent_without_the_skill_may_stay_free() -> None:
    """Skills come from the world's journal, by the id under which the place joined."""
    at = START + SECOND
    history = [
        SimpleNamespace(
            kind="agent_signed_in", entity="agent", agent_id="agent-1", state="available", queues=("support",),
            skills=("hebrew",), at=START,
        ),
        SimpleNamespace(
            kind="call_joined", entity="call", call_id="call-1", state="waiting", queue="support", priority=1,
            lane=3, ranked_at=at, place_id="call-1", at=at,
        ),
    ]  # fmt: skip
    joined = SimpleNamespace(what="joined", call_id="call-1", skills=("russian",), at=at)
    assert checkers.agents_left_free(history, world=[joined]) == []
    joined.skills = ("hebrew",)
    assert len(checkers.agents_left_free(history, world=[joined])) == 1

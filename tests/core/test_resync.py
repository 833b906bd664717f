"""What is done with a live call that the PBX has: every combination of what is known on both sides."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from callbackq.core import calls, placing
from callbackq.core.resync import Step, is_newer, steps
from callbackq.events import CallMoved
from callbackq.ids import AgentId, QueueName
from callbackq.model import Ahead, CallOutcome, CallState, DueReason, LiveCall
from callbackq.policy import QueuePolicy
from core.samples import ANN, START, SUPPORT, H, M, a_call, only_record

POLICY = QueuePolicy(queue=SUPPORT)
SALES = QueueName("sales")
BOB = AgentId("bob")
NOW = START + M
US = timedelta(microseconds=1)


def over(outcome: CallOutcome) -> dict[str, Any]:
    return {
        "state": CallState.ENDED,
        "outcome": outcome,
        "ended_at": START,
        "due_at": None,
        "due_reason": None,
    }


def with_agent(agent_id: AgentId | None) -> dict[str, Any]:
    return {
        "state": CallState.TAKEN,
        "agent_id": agent_id,
        "taken_at": START,
        "due_at": START + H,
        "due_reason": DueReason.TALK_OVERDUE,
    }


HERE: dict[str, dict[str, Any]] = {
    "waiting": {},
    "taken by ann": with_agent(ANN),
    # The host's own ACD gave it to somebody, and did not say to whom.
    "taken by somebody": with_agent(None),
    **{outcome.value: over(outcome) for outcome in CallOutcome},
}
"""What may be known of a call here."""

# What is done, by what is known here, the queue that it has here, and the agent whom the PBX names.
#
# Each row: it waits there; it is with Ann there; it is with Bob there.
TABLE: dict[tuple[str, str], tuple[str, str, str]] = {
    ("waiting", "support"): ("keep", "serve", "serve"),
    ("waiting", "sales"): ("move", "move serve", "move serve"),
    ("taken by ann", "support"): ("give_back", "keep", "change_agent"),
    ("taken by ann", "sales"): ("give_back move", "move", "change_agent move"),
    ("taken by somebody", "support"): ("give_back", "change_agent", "change_agent"),
    ("taken by somebody", "sales"): ("give_back move", "change_agent move", "change_agent move"),
    # Nobody said that it ended: the PBX knows better.
    ("lost", "support"): ("rejoin", "rejoin serve", "rejoin serve"),
    ("lost", "sales"): ("rejoin move", "rejoin move serve", "rejoin move serve"),
    ("expired", "support"): ("rejoin", "rejoin serve", "rejoin serve"),
    ("expired", "sales"): ("rejoin move", "rejoin move serve", "rejoin move serve"),
    # Its place is gone, or taken.
    ("served", "support"): ("leave", "leave", "leave"),
    ("served", "sales"): ("leave", "leave", "leave"),
    ("abandoned", "support"): ("leave", "leave", "leave"),
    ("abandoned", "sales"): ("leave", "leave", "leave"),
    ("converted", "support"): ("leave", "leave", "leave"),
    ("converted", "sales"): ("leave", "leave", "leave"),
}
CASES = [
    (a_call(queue=QueueName(queue), **HERE[here]), agent_id, expected)
    for (here, queue), row in TABLE.items()
    for agent_id, expected in zip((None, ANN, BOB), row, strict=True)
]


def test_the_table_is_whole() -> None:
    """A new outcome or state needs its rows."""
    assert set(TABLE) == set(product(HERE, ("support", "sales")))
    assert {call.state for call, _, _ in CASES} == set(CallState)
    assert {call.outcome for call, _, _ in CASES} == {None, *CallOutcome}


@pytest.mark.parametrize(("call", "agent_id", "expected"), CASES)
def test_what_is_done_with_a_call_that_is_known(
    call: LiveCall, agent_id: AgentId | None, expected: str
) -> None:
    """In order; always something."""
    assert [step.value for step in steps(call, queue=SUPPORT, agent_id=agent_id)] == expected.split()


@pytest.mark.parametrize(("agent_id", "expected"), [(None, [Step.JOIN]), (ANN, [Step.JOIN, Step.SERVE])])
def test_what_is_done_with_a_call_that_is_new(agent_id: AgentId | None, expected: list[Step]) -> None:
    """It joins; and is with its agent, if it has one."""
    assert list(steps(None, queue=SUPPORT, agent_id=agent_id)) == expected


def test_every_step_is_taken_somewhere() -> None:
    """No member that no row has."""
    found = {step for _, _, expected in CASES for step in expected.split()}
    assert found | {"join"} == {step.value for step in Step}


def done(call: LiveCall, step: Step, agent_id: AgentId | None) -> LiveCall:
    """Do one step as the service does."""
    record: LiveCall
    match step:
        case Step.REJOIN:
            record = only_record(calls.rejoin(call, policy=POLICY, now=NOW))
        case Step.GIVE_BACK:
            record = only_record(calls.give_back(call, policy=POLICY, now=NOW))
        case Step.MOVE:
            stand = placing.moved(call, priority=call.priority, lane=call.lane, policy=POLICY)
            record = only_record(calls.place(call, CallMoved, stand=stand, policy=POLICY, now=NOW))
        case Step.SERVE | Step.CHANGE_AGENT:
            record = only_record(calls.served(call, agent_id, overtook=Ahead(), policy=POLICY, now=NOW))
        case _:
            record = call
    return record


@pytest.mark.parametrize(("call", "agent_id", "expected"), CASES)
def test_afterwards_both_sides_agree(call: LiveCall, agent_id: AgentId | None, expected: str) -> None:
    """Each step is possible after the one before; then nothing is left to do, and nobody lost the place."""
    after = call
    for step in steps(call, queue=SUPPORT, agent_id=agent_id):
        after = done(after, step, agent_id)
    again = steps(after, queue=SUPPORT, agent_id=agent_id)
    assert again == ((Step.LEAVE,) if expected == "leave" else (Step.KEEP,))
    assert (after.entered_at, after.place_id, after.ranked_at) == (
        call.entered_at,
        call.place_id,
        call.ranked_at,
    )
    if expected == "leave":
        assert after == call
    else:
        assert after.state is (CallState.WAITING if agent_id is None else CallState.TAKEN)
        assert after.agent_id == agent_id
        assert after.outcome is None
        assert after.queue == SUPPORT


@pytest.mark.parametrize(
    ("entered_at", "taken_at", "as_of", "expected"),
    [
        # Nobody says when the PBX was asked.
        (START, None, None, False),
        (START, NOW, None, False),
        (START, None, START - US, True),
        (START, None, START, False),
        (START, None, NOW, False),
        # It was there when the PBX was asked, and was given to an agent since.
        (START, NOW, NOW - US, True),
        (START, NOW, START, True),
        (START, NOW, NOW, False),
        # The clock of the PBX is ahead of ours.
        (NOW, START, START, True),
    ],
)
def test_what_the_snapshot_cannot_know_yet(
    entered_at: datetime, taken_at: datetime | None, as_of: datetime | None, expected: bool
) -> None:
    """Later than it, to the microsecond; what was at the same instant it knows."""
    call = a_call(entered_at=entered_at, taken_at=taken_at)
    assert is_newer(call, as_of) is expected

"""What an agent does next: each step changes what it must, and nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core import agents
from callbackq.core.decision import Decision
from callbackq.events import AgentEvent
from callbackq.ids import DEFAULT_TENANT, AttemptId, CallId, QueueName
from callbackq.model import Agent, AgentState, DueReason, Entity
from core.samples import (
    ANN,
    ATTEMPT_ID,
    CALL_ID,
    LAW,
    START,
    SUPPORT,
    Book,
    H,
    M,
    S,
    an_agent,
    changed,
    only_record,
)

SALES = QueueName("sales")
PRESENCE_MAX = 16 * H
NOW = START + M
PRESENCE = agents.Presence(
    tenant_id=DEFAULT_TENANT,
    agent_id=ANN,
    queues=(SUPPORT, SALES),
    skills=("billing",),
    presence_max=PRESENCE_MAX,
)
_A, _D = AgentState, DueReason

AVAILABLE = an_agent()
RESERVED = an_agent(state=_A.RESERVED, attempt_id=ATTEMPT_ID)
TALKING = an_agent(state=_A.BUSY, attempt_id=ATTEMPT_ID)
ON_CALL = an_agent(state=_A.BUSY, call_id=CALL_ID)
WRAPPING_UP = an_agent(state=_A.WRAP_UP, due_at=START + 2 * M, due_reason=_D.WRAP_UP_OVER)
COOLING = an_agent(state=_A.COOLING_DOWN, due_at=START + 2 * M, due_reason=_D.COOL_DOWN_OVER)
GONE = an_agent(state=_A.SIGNED_OUT, due_at=None, due_reason=None)
AT_WORK = [RESERVED, TALKING, ON_CALL]


def leaving(agent: Agent) -> Agent:
    return attrs.evolve(agent, leaving=True)


def sign_in(agent: Agent | None) -> Decision:
    return agents.sign_in(agent, PRESENCE, now=NOW)


def reserve(agent: Agent) -> Decision:
    return agents.reserve(agent, AttemptId("at_2"), presence_max=PRESENCE_MAX, now=NOW)


def take_call(agent: Agent) -> Decision:
    return agents.take_call(agent, CallId("call-2"), presence_max=PRESENCE_MAX, now=NOW)


def connected(agent: Agent) -> Decision:
    return agents.connected(agent, now=NOW)


def freed(agent: Agent) -> Decision:
    return agents.freed(agent, pause=timedelta(0), reason=_D.WRAP_UP_OVER, presence_max=PRESENCE_MAX, now=NOW)


def freed_after_work(agent: Agent) -> Decision:
    return agents.freed(agent, pause=30 * S, reason=_D.WRAP_UP_OVER, presence_max=PRESENCE_MAX, now=NOW)


def freed_after_declining(agent: Agent) -> Decision:
    return agents.freed(agent, pause=20 * S, reason=_D.COOL_DOWN_OVER, presence_max=PRESENCE_MAX, now=NOW)


def sign_out(agent: Agent) -> Decision:
    return agents.sign_out(agent, now=NOW)


def due(agent: Agent) -> Decision:
    return agents.due(agent, presence_max=PRESENCE_MAX, now=NOW)


PRESENT = {"due_at": NOW + PRESENCE_MAX, "due_reason": _D.PRESENCE_OVER}
PRESENT_AGAIN = {"due_at": NOW + PRESENCE_MAX}
SAID = {"queues": (SUPPORT, SALES), "skills": ("billing",)}
SIGNED_OUT = {"state": _A.SIGNED_OUT, "since_at": NOW, "due_at": None, "due_reason": None}
FREE = {"state": _A.AVAILABLE, "since_at": NOW, **PRESENT_AGAIN}

STEPS: list[tuple[Agent, Any, list[str], dict[str, Any]]] = [
    # Signing in. At work, or cooling down, only what was said changes.
    (AVAILABLE, sign_in, ["agent_signed_in"], {**SAID, **PRESENT_AGAIN}),
    (RESERVED, sign_in, ["agent_signed_in"], SAID),
    (TALKING, sign_in, ["agent_signed_in"], SAID),
    (ON_CALL, sign_in, ["agent_signed_in"], SAID),
    (leaving(ON_CALL), sign_in, ["agent_signed_in"], {**SAID, "leaving": False}),
    (COOLING, sign_in, ["agent_signed_in"], SAID),
    (WRAPPING_UP, sign_in, ["agent_signed_in"], {**SAID, "state": _A.AVAILABLE, "since_at": NOW, **PRESENT}),
    (GONE, sign_in, ["agent_signed_in"], {**SAID, "state": _A.AVAILABLE, "since_at": NOW, **PRESENT}),
    # Work.
    (
        AVAILABLE,
        reserve,
        ["agent_reserved"],
        {"state": _A.RESERVED, "attempt_id": "at_2", "since_at": NOW, **PRESENT_AGAIN},
    ),
    (
        AVAILABLE,
        take_call,
        ["agent_took_call"],
        {"state": _A.BUSY, "call_id": "call-2", "since_at": NOW, **PRESENT_AGAIN},
    ),
    (RESERVED, connected, ["agent_connected"], {"state": _A.BUSY, "since_at": NOW}),
    (leaving(RESERVED), connected, ["agent_connected"], {"state": _A.BUSY, "since_at": NOW}),
    # The work is over: free at once, or after a pause.
    (RESERVED, freed, ["agent_freed"], {**FREE, "attempt_id": None}),
    (TALKING, freed, ["agent_freed"], {**FREE, "attempt_id": None}),
    (ON_CALL, freed, ["agent_freed"], {**FREE, "call_id": None}),
    (
        ON_CALL,
        freed_after_work,
        ["agent_freed"],
        {
            "state": _A.WRAP_UP,
            "call_id": None,
            "since_at": NOW,
            "due_at": NOW + 30 * S,
            "due_reason": _D.WRAP_UP_OVER,
        },
    ),
    (
        RESERVED,
        freed_after_declining,
        ["agent_freed"],
        {
            "state": _A.COOLING_DOWN,
            "attempt_id": None,
            "since_at": NOW,
            "due_at": NOW + 20 * S,
            "due_reason": _D.COOL_DOWN_OVER,
        },
    ),
    # Who wants to go is gone as soon as the work is over, without a pause.
    *(
        (
            leaving(agent),
            step,
            ["agent_signed_out"],
            {**SIGNED_OUT, "leaving": False, key: None},
        )
        for agent, key in ((RESERVED, "attempt_id"), (TALKING, "attempt_id"), (ON_CALL, "call_id"))
        for step in (freed, freed_after_work, freed_after_declining)
    ),
    # Signing out: at once, or after the work.
    (AVAILABLE, sign_out, ["agent_signed_out"], SIGNED_OUT),
    (WRAPPING_UP, sign_out, ["agent_signed_out"], SIGNED_OUT),
    (COOLING, sign_out, ["agent_signed_out"], SIGNED_OUT),
    *((agent, sign_out, ["agent_leaving"], {"leaving": True}) for agent in AT_WORK),
    # Time.
    (AVAILABLE, due, ["agent_signed_out"], SIGNED_OUT),
    (WRAPPING_UP, due, ["agent_available"], {"state": _A.AVAILABLE, "since_at": NOW, **PRESENT}),
    (COOLING, due, ["agent_available"], {"state": _A.AVAILABLE, "since_at": NOW, **PRESENT}),
    *((agent, due, ["agent_leaving"], {"leaving": True, **PRESENT_AGAIN}) for agent in AT_WORK),
    (leaving(ON_CALL), due, ["agent_leaving"], PRESENT_AGAIN),
]


def test_a_new_agent_is_available() -> None:
    """Who signs in for the first time takes calls at once."""
    decision = sign_in(None)
    assert only_record(decision) == Agent(
        tenant_id=DEFAULT_TENANT,
        agent_id=ANN,
        version=1,
        state=_A.AVAILABLE,
        queues=(SUPPORT, SALES),
        skills=("billing",),
        since_at=NOW,
        due_at=NOW + PRESENCE_MAX,
        due_reason=_D.PRESENCE_OVER,
    )
    Book().write(decision)


@pytest.mark.parametrize(("before", "step", "kinds", "changes"), STEPS)
def test_what_a_step_changes(before: Agent, step: Any, kinds: list[str], changes: dict[str, Any]) -> None:
    """The fields that change, and no other; and the events say every one of them."""
    decision = step(before)
    assert changed(before, only_record(decision)) == changes
    assert [event.kind for event in decision.events] == kinds
    told: dict[str, Any] = {}
    for event in decision.events:
        assert isinstance(event, AgentEvent)
        assert event.version == before.version + 1
        assert event.at == NOW
        told |= attrs.asdict(event, recurse=False)
    assert {name: told[name] for name in changes} == changes
    assert decision.effects == ()


@pytest.mark.parametrize("agent", [GONE, *map(leaving, AT_WORK)])
def test_signing_out_twice_changes_nothing(agent: Agent) -> None:
    """Who is gone, or about to go, has said it already."""
    assert sign_out(agent) == Decision()


def test_an_agent_who_keeps_saying_it_stays_first() -> None:
    """Saying the same again does not send an agent to the end of those who are free."""
    once = only_record(agents.sign_in(AVAILABLE, PRESENCE, now=START + M))
    twice = only_record(agents.sign_in(once, PRESENCE, now=START + 2 * M))
    assert once.since_at == twice.since_at == START


COMMANDS = st.lists(
    st.tuples(
        st.sampled_from(["in", "out", "reserve", "call", "connected", "free", "wrap up", "cool down", "due"]),
        st.integers(0, 7200),
    ),
    max_size=30,
)


@LAW
@given(COMMANDS)
def test_whatever_happens_history_tells_it(steps: list[tuple[str, int]]) -> None:
    """Along any sequence that the service allows: fold(history) is the agent; and who is not at work has no work."""
    book, now = Book(), START
    book.write(agents.sign_in(None, PRESENCE, now=now))
    for name, seconds in steps:
        now += seconds * S
        book.write(_command(_agent(book), name, now=now))
        agent = _agent(book)
        at_work = agent.state in (_A.RESERVED, _A.BUSY)
        assert (agent.attempt_id is not None or agent.call_id is not None) is at_work
        assert agent.attempt_id is None or agent.call_id is None
        assert at_work or not agent.leaving
        assert agent.since_at <= now


def _command(agent: Agent, name: str, *, now: datetime) -> Decision:
    at_work = agent.state in (_A.RESERVED, _A.BUSY)
    pauses = {"free": timedelta(0), "wrap up": 30 * S, "cool down": 20 * S}
    if name == "in":
        return agents.sign_in(agent, PRESENCE, now=now)
    if name == "out":
        return agents.sign_out(agent, now=now)
    if name == "due" and agent.due_at is not None:
        return agents.due(agent, presence_max=PRESENCE_MAX, now=now)
    if name == "reserve" and agent.state is _A.AVAILABLE:
        return agents.reserve(agent, ATTEMPT_ID, presence_max=PRESENCE_MAX, now=now)
    if name == "call" and agent.state is _A.AVAILABLE:
        return agents.take_call(agent, CALL_ID, presence_max=PRESENCE_MAX, now=now)
    if name == "connected" and agent.state is _A.RESERVED:
        return agents.connected(agent, now=now)
    if name in pauses and at_work:
        reason = _D.COOL_DOWN_OVER if name == "cool down" else _D.WRAP_UP_OVER
        return agents.freed(agent, pause=pauses[name], reason=reason, presence_max=PRESENCE_MAX, now=now)
    return Decision()


def _agent(book: Book) -> Agent:
    record = book.records[Entity.AGENT, ANN]
    assert isinstance(record, Agent)
    return record

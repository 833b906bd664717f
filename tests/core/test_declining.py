"""Who has declined a callback: read from the events that the machines write, and from nothing else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from callbackq.core import attempt, lifecycle
from callbackq.core.decision import Decision
from callbackq.core.legs import Context, agent_leg_id
from callbackq.events import Event
from callbackq.facts import all_declined
from callbackq.ids import AgentId, AttemptId, LegId, NodeId
from callbackq.model import (
    Agent,
    AgentState,
    Attempt,
    CallbackState,
    Cause,
    Disposition,
    DueReason,
    Mode,
    Report,
    ReportKind,
)
from callbackq.policy import QueuePolicy
from core.samples import ANN, START, SUPPORT, S, a_callback, a_stand, a_subject, an_agent

POLICY = QueuePolicy(queue=SUPPORT)
BEN = AgentId("ben")
LATIN = 5
"""The lane of those who need it."""
_K = ReportKind
AGENT_FIRST, CUSTOMER_FIRST, SIMULTANEOUS = Mode.AGENT_FIRST, Mode.CUSTOMER_FIRST, Mode.SIMULTANEOUS


class Story:
    """A callback that is given to one agent after another; what is written down is what is read."""

    def __init__(self, mode: Mode = AGENT_FIRST, *agents: Agent, lane: int = 0) -> None:
        self.mode, self.lane, self.now = mode, lane, START
        self.agents = {agent.agent_id: agent for agent in agents or (an_agent(),)}
        self.events: list[Event] = []
        self.attempts_count = 0
        self.attempt: Attempt

    @property
    def context(self) -> Context:
        return Context(
            callback=a_callback(mode=self.mode, lane=self.lane),
            subject=a_subject(extension=None),
            policy=POLICY,
            now=self.now,
        )

    def _write(self, decision: Decision) -> None:
        self.events += decision.events
        for record in decision.records:
            if isinstance(record, Attempt):
                self.attempt = record
        self.now += S

    def given_to(self, agent_id: AgentId = ANN) -> Story:
        """A new attempt."""
        self.attempts_count += 1
        decision = attempt.start(
            self.context,
            attempt_id=AttemptId(f"at_{self.attempts_count}"),
            agent_id=agent_id,
            agent_leg_id=LegId(f"leg_agent_{self.attempts_count}"),
            customer_leg_id=LegId(f"leg_customer_{self.attempts_count}"),
            node_id=NodeId("node"),
            number_key="digest",
        )
        self._write(decision)
        return self

    def agent(self, kind: ReportKind, cause: Cause = Cause.UNKNOWN) -> Story:
        said = Report(leg_id=agent_leg_id(self.attempt), kind=kind, cause=cause)
        self._write(attempt.report(self.attempt, said, self.context))
        return self

    def customer(self, kind: ReportKind, cause: Cause = Cause.UNKNOWN) -> Story:
        said = Report(leg_id=self.attempt.customer_leg_id, kind=kind, cause=cause)
        self._write(attempt.report(self.attempt, said, self.context))
        return self

    def silence(self, reason: DueReason) -> Story:
        """Nothing is heard until the deadline, which has this reason."""
        assert self.attempt.due_reason is reason
        assert self.attempt.due_at is not None
        self.now = max(self.now, self.attempt.due_at)
        self._write(attempt.deadline(self.attempt, self.context))
        return self

    def found(self, agent_id: AgentId) -> Story:
        self._write(attempt.found_agent(self.attempt, agent_id, self.context))
        return self

    def agent_leaves(self) -> Story:
        self._write(attempt.agent_left(self.attempt, self.context))
        return self

    def called_off(self, disposition: Disposition) -> Story:
        self._write(attempt.call_off(self.attempt, disposition, self.context))
        return self

    def in_line_again(self, state: CallbackState) -> Story:
        """It was out of the line, and has joined it again."""
        out = a_callback(state=state, version=9)
        self._write(lifecycle.ready(out, stand=a_stand(), policy=POLICY, now=self.now))
        return self

    @property
    def all_declined(self) -> bool:
        """Ask with a store that holds these events and agents."""
        staffed: dict[tuple[str, ...], int] = {}
        for agent in self.agents.values():
            if agent.state is not AgentState.SIGNED_OUT and SUPPORT in agent.queues:
                staffed[agent.skills] = staffed.get(agent.skills, 0) + 1
        store: Any = SimpleNamespace(
            history=SimpleNamespace(of_callback=lambda _: tuple(self.events)),
            agents=SimpleNamespace(find=self.agents.get, staffed_by_skills=lambda _: staffed),
            lanes=SimpleNamespace(skills_of=lambda lane: ("latin",) if lane == LATIN else ()),
        )
        return all_declined(store, self.context.callback)


def declined_by(*agent_ids: AgentId, agents: tuple[Agent, ...] = (), lane: int = 0) -> Story:
    """Return a callback that these agents declined, one after another."""
    story = Story(AGENT_FIRST, *agents, lane=lane)
    for agent_id in agent_ids:
        story.given_to(agent_id).agent(_K.ENDED, Cause.REJECTED)
    return story


def test_nobody_has_declined_what_nobody_was_asked() -> None:
    """Also where nobody is there who could be."""
    assert not Story().all_declined
    assert not Story(AGENT_FIRST, an_agent(state=AgentState.SIGNED_OUT)).all_declined


# ---------------------------------------------------------------------------- what is a decline


@pytest.mark.parametrize("cause", Cause)
def test_a_phone_that_rang_and_was_not_picked_up(cause: Cause) -> None:
    """F5: declined, busy, out of reach. One that ended as a call ends normally had been picked up."""
    story = Story().given_to().agent(_K.RINGING)
    assert not story.all_declined
    story.agent(_K.ENDED, cause)
    assert story.attempt.disposition is Disposition.AGENT_UNAVAILABLE
    assert story.all_declined is (cause is not Cause.NORMAL)


@pytest.mark.parametrize("mode", [AGENT_FIRST, SIMULTANEOUS])
def test_a_phone_that_rang_until_it_was_over(mode: Mode) -> None:
    """F5: who lets it pass has declined it."""
    story = Story(mode).given_to().agent(_K.RINGING).silence(DueReason.AGENT_RING_OVER)
    assert story.all_declined


@pytest.mark.parametrize("mode", [AGENT_FIRST, SIMULTANEOUS])
def test_who_accepted_has_not_declined(mode: Mode) -> None:
    """They hung up while the customer's phone rang: what failed was something else."""
    story = Story(mode).given_to().agent(_K.ANSWERED).customer(_K.RINGING)
    story.agent(_K.ENDED, Cause.NORMAL)
    assert story.attempt.disposition is Disposition.AGENT_UNAVAILABLE
    assert not story.all_declined
    story.customer(_K.ENDED, Cause.CANCELLED)
    assert not story.all_declined


@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize("mode", [CUSTOMER_FIRST, SIMULTANEOUS])
def test_who_leaves_the_customer_to_another_has_declined(mode: Mode, cause: Cause) -> None:
    """F4, F5: the attempt goes on without them, however their phone ended: it was never picked up."""
    story = Story(mode).given_to().customer(_K.ANSWERED).agent(_K.ENDED, cause)
    assert attempt.wants_agent(story.attempt)
    assert story.all_declined
    # What is told of the attempt after that is nobody's doing.
    story.customer(_K.ENDED, Cause.NORMAL)
    assert story.all_declined


def test_each_who_was_found_for_it_is_asked() -> None:
    """F4: all in one attempt; who was found last is not taken for who declined before."""
    story = Story(CUSTOMER_FIRST, an_agent(), an_agent(agent_id=BEN)).given_to().customer(_K.ANSWERED)
    story.agent(_K.ENDED, Cause.BUSY)
    assert not story.all_declined
    story.found(BEN)
    assert not story.all_declined
    story.agent(_K.ENDED, Cause.NO_ANSWER)
    assert story.all_declined


@pytest.mark.parametrize("disposition", [Disposition.CANCELLED_BY_US, Disposition.UNKNOWN])
def test_what_was_called_off_was_not_declined(disposition: Disposition) -> None:
    """Their phone stopped ringing by our word."""
    story = Story().given_to().agent(_K.RINGING).called_off(disposition)
    story.silence(DueReason.HANG_UP_WANTED).agent(_K.ENDED, Cause.CANCELLED)
    assert not story.all_declined


def test_who_went_away_has_not_declined() -> None:
    """Neither before their phone rang (customer first) nor while it did."""
    for story in (
        Story(CUSTOMER_FIRST).given_to().customer(_K.RINGING).agent_leaves(),
        Story(AGENT_FIRST).given_to().agent(_K.RINGING).agent_leaves(),
    ):
        assert not story.all_declined


# ---------------------------------------------------------------------------- who is asked

TWO = (an_agent(), an_agent(agent_id=BEN))


def test_all_who_are_there_must_have_declined() -> None:
    """F5: and the same one twice is one."""
    assert not declined_by(ANN, agents=TWO).all_declined
    assert not declined_by(ANN, ANN, agents=TWO).all_declined
    assert declined_by(ANN, BEN, agents=TWO).all_declined


@pytest.mark.parametrize(
    "changes",
    [
        {"state": AgentState.SIGNED_OUT},
        {"queues": ("sales",)},
    ],
)
def test_who_is_not_there_is_not_asked(changes: dict[str, Any]) -> None:
    """Neither are they waited for, nor does what they declined count."""
    gone = an_agent(agent_id=BEN, **changes)
    assert declined_by(ANN, agents=(TWO[0], gone)).all_declined
    assert not declined_by(BEN, agents=(TWO[0], gone)).all_declined
    assert not declined_by(BEN, agents=(gone,)).all_declined


def test_who_is_leaving_has_declined_nothing() -> None:
    """F5: the last one of the day goes home: nobody is left, and the promise waits for the morning."""
    leaving = an_agent(leaving=True)
    assert not declined_by(ANN, agents=(leaving,)).all_declined
    assert not declined_by(ANN, BEN, agents=(leaving, TWO[1])).all_declined
    assert declined_by(ANN, BEN, agents=(attrs.evolve(leaving, leaving=False), TWO[1])).all_declined


def test_who_is_not_able_to_is_not_asked() -> None:
    """F5: of two, only one can; what the other one declined, before a skill was asked for, is nothing to it."""
    able = an_agent(agent_id=BEN, skills=("latin",))
    assert declined_by(BEN, agents=(an_agent(), able), lane=LATIN).all_declined
    assert not declined_by(ANN, agents=(an_agent(), able), lane=LATIN).all_declined


def test_who_is_gone_for_good_is_nobody() -> None:
    """The record of an agent may have been removed."""
    assert not declined_by(BEN, agents=(an_agent(),)).all_declined


@pytest.mark.parametrize("state", [CallbackState.SCHEDULED, CallbackState.RESTING, CallbackState.HELD])
def test_what_was_out_of_the_line_is_asked_anew(state: CallbackState) -> None:
    """F5: who declined it an hour ago may take it now; from then on each has a word again."""
    story = declined_by(ANN, BEN, agents=TWO)
    assert story.all_declined
    story.in_line_again(state)
    assert not story.all_declined
    story.given_to(BEN).agent(_K.ENDED, Cause.REJECTED)
    assert not story.all_declined
    story.given_to(ANN).agent(_K.ENDED, Cause.REJECTED)
    assert story.all_declined

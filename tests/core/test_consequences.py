"""What an attempt's progress means for its callback and its agent: decided together."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core import agents, attempt, lifecycle
from callbackq.core.attempt import Context
from callbackq.core.consequences import After, follow, overdue, still_due_at
from callbackq.core.decision import Decision
from callbackq.core.lifecycle import Asked
from callbackq.ids import DEFAULT_TENANT, AttemptId, CallId, NodeId, PlaceId, SubjectId
from callbackq.model import (
    Agent,
    AgentState,
    Ahead,
    AnsweredBy,
    Attempt,
    AttemptState,
    Callback,
    CallbackState,
    Cause,
    Channel,
    Disposition,
    DueReason,
    Entity,
    LegState,
    Outcome,
    Report,
    ReportKind,
    Wait,
)
from callbackq.policy import QueuePolicy, RetryRule
from core.samples import (
    AGENT_LEG,
    ANN,
    ATTEMPT_ID,
    CALLBACK_ID,
    CUSTOMER_LEG,
    LAW,
    START,
    SUPPORT,
    Book,
    H,
    M,
    S,
    a_callback,
    a_stand,
    a_subject,
    an_agent,
    an_attempt,
    only_record,
)

POLICY = QueuePolicy(queue=SUPPORT, wrap_up=15 * S, agent_cool_down=30 * S, agent_presence_max=8 * H)
NO_WRAP_UP = attrs.evolve(POLICY, wrap_up=timedelta(0))
NOW = START + M

ATTEMPTING = a_callback(
    state=CallbackState.ATTEMPTING,
    attempt_id=ATTEMPT_ID,
    turn_at=NOW,
    due_reason=DueReason.ATTEMPT_OVERDUE,
)
RESERVED = an_agent(state=AgentState.RESERVED, attempt_id=ATTEMPT_ID)
TALKING = an_agent(state=AgentState.BUSY, attempt_id=ATTEMPT_ID)
_A, _D = AttemptState, Disposition


def context(callback: Callback = ATTEMPTING, policy: QueuePolicy = POLICY) -> Context:
    return Context(callback=callback, subject=a_subject(), policy=policy, now=NOW)


def moved(
    before: AttemptState,
    after: AttemptState,
    *,
    agent: Agent | None = RESERVED,
    failures: int = 0,
    **changes: Any,
) -> After:
    return After(
        before=an_attempt(state=before),
        after=an_attempt(state=after, **changes),
        agent=agent,
        failures_count=failures,
    )


def ended(disposition: Disposition, **more: Any) -> After:
    return moved(_A.ENDING, _A.ENDED, disposition=disposition, **more)


def parts(decision: Decision) -> tuple[Callback | None, Agent | None]:
    """Return the callback and the agent of a decision about the two."""
    callbacks = [record for record in decision.records if isinstance(record, Callback)]
    those = [record for record in decision.records if isinstance(record, Agent)]
    assert len(callbacks) + len(those) == len(decision.records) == len(decision.events)
    return (callbacks or [None])[0], (those or [None])[0]


@pytest.mark.parametrize("state", AttemptState)
def test_nothing_follows_from_what_moved_nothing(state: AttemptState) -> None:
    """A note, or a report that was ignored, leaves callback and agent alone."""
    assert follow(moved(state, state, disposition=_D.BUSY), context()) == Decision()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (_A.INTENDED, _A.AGENT_ON_LINE),
        (_A.AGENT_ON_LINE, _A.JOINING),
        (_A.INTENDED, _A.ENDING),
        (_A.AGENT_ON_LINE, _A.ENDING),
        (_A.JOINING, _A.ENDING),
        (_A.CONNECTED, _A.ENDING),
    ],
)
def test_nothing_follows_while_it_is_under_way(before: AttemptState, after: AttemptState) -> None:
    """Only the connection and the end are told: the agent is not free while a leg is left."""
    assert follow(moved(before, after, disposition=_D.BUSY), context()) == Decision()


def test_the_promise_is_kept_when_they_can_hear_each_other() -> None:
    """The callback is COMPLETED, and the agent BUSY with the same attempt."""
    callback, agent = parts(follow(moved(_A.JOINING, _A.CONNECTED, connected_at=NOW), context()))
    assert callback is not None
    assert agent is not None
    assert (callback.state, callback.outcome) == (CallbackState.ENDED, Outcome.COMPLETED)
    assert (callback.attempts_count, callback.ended_at) == (1, NOW)
    assert (agent.state, agent.attempt_id) == (AgentState.BUSY, ATTEMPT_ID)


REST, END, BACK = CallbackState.RESTING, CallbackState.ENDED, CallbackState.WAITING
FREE, COOL = AgentState.AVAILABLE, AgentState.COOLING_DOWN


@pytest.mark.parametrize(
    ("disposition", "rang", "callback_state", "due_in", "agent_state"),
    [
        (_D.NO_ANSWER, True, REST, 2 * M, FREE),
        (_D.NO_ANSWER, False, REST, 2 * M, FREE),
        (_D.BUSY, False, REST, 3 * M, FREE),
        (_D.UNREACHABLE, False, REST, 5 * M, FREE),
        (_D.CONGESTED, False, REST, 5 * M, FREE),
        (_D.NETWORK_FAILURE, False, REST, 5 * M, FREE),
        (_D.UNKNOWN, False, REST, 5 * M, FREE),
        (_D.ANSWERED_THEN_LEFT, True, REST, 2 * M, FREE),
        (_D.MACHINE, True, END, None, FREE),
        (_D.FAX, True, END, None, FREE),
        (_D.REJECTED, True, END, None, FREE),
        (_D.INVALID_NUMBER, False, END, None, FREE),
        # The agent went away. It counts, and is tried again at once, if the phone rang; or the place is as it was.
        (_D.AGENT_UNAVAILABLE, True, REST, timedelta(0), COOL),
        (_D.AGENT_UNAVAILABLE, False, BACK, 10 * M, COOL),
        (_D.CANCELLED_BY_US, False, BACK, 10 * M, FREE),
    ],
)
def test_what_follows_from_a_failed_attempt(
    disposition: Disposition,
    rang: bool,
    callback_state: CallbackState,
    due_in: timedelta | None,
    agent_state: AgentState,
) -> None:
    """The callback rests, ends, or has its place back; the agent is free at once, or cools down who declined."""
    decision = follow(ended(disposition, customer_rang=rang), context())
    callback, agent = parts(decision)
    assert callback is not None
    assert agent is not None
    assert (callback.state, callback.last_disposition) == (callback_state, disposition)
    assert callback.due_at == (NOW + due_in if due_in is not None else None)
    assert callback.attempts_count == (0 if callback_state is BACK else 1)
    assert (agent.state, agent.attempt_id) == (agent_state, None)
    assert agent.due_at == (NOW + 30 * S if agent_state is COOL else NOW + 8 * H)
    assert decision.effects == ()


def test_earlier_failures_count() -> None:
    """The same disposition as often as its rule allows, and no more."""
    policy = attrs.evolve(POLICY, attempts_max=10)
    twice, _ = parts(follow(ended(_D.NO_ANSWER, failures=1), context(policy=policy)))
    assert twice is not None
    assert (twice.state, twice.outcome) == (CallbackState.ENDED, Outcome.UNREACHED)
    once, _ = parts(follow(ended(_D.NO_ANSWER, failures=0), context(policy=policy)))
    assert once is not None
    assert once.state is CallbackState.RESTING


@pytest.mark.parametrize(
    ("policy", "state", "due_in", "reason"),
    [
        (POLICY, AgentState.WRAP_UP, 15 * S, DueReason.WRAP_UP_OVER),
        (NO_WRAP_UP, AgentState.AVAILABLE, 8 * H, DueReason.PRESENCE_OVER),
    ],
)
def test_after_a_conversation_comes_the_wrap_up(
    policy: QueuePolicy, state: AgentState, due_in: timedelta, reason: DueReason
) -> None:
    """If policy asks for it. The callback is COMPLETED already, and stays so."""
    done = a_callback(state=CallbackState.ENDED, outcome=Outcome.COMPLETED, attempt_id=ATTEMPT_ID)
    over = moved(_A.CONNECTED, _A.ENDED, agent=TALKING, disposition=_D.CONNECTED, connected_at=START)
    callback, agent = parts(follow(over, context(done, policy)))
    assert callback is None
    assert agent is not None
    assert (agent.state, agent.due_at, agent.due_reason) == (state, NOW + due_in, reason)


def test_a_bridge_of_an_attempt_that_was_let_go_keeps_nothing() -> None:
    """The callback went on without it: it is not said to be kept. The two talk all the same."""
    gone = a_callback(state=CallbackState.RESTING)
    callback, agent = parts(follow(moved(_A.JOINING, _A.CONNECTED, agent=RESERVED), context(gone)))
    assert callback is None
    assert agent is not None
    assert agent.state is AgentState.BUSY


@pytest.mark.parametrize("agent", [None, an_agent(state=AgentState.BUSY, call_id=CallId("call-2"))])
def test_a_bridge_moves_nobody_who_is_not_in_the_attempt(agent: Agent | None) -> None:
    """No agent yet, or one who is at something else: only the callback is kept."""
    callback, changed_agent = parts(follow(moved(_A.JOINING, _A.CONNECTED, agent=agent), context(ATTEMPTING)))
    assert callback is not None
    assert callback.outcome is Outcome.COMPLETED
    assert changed_agent is None


def test_an_agent_who_wanted_to_go_is_gone() -> None:
    """After the attempt, without cooling down."""
    leaving = attrs.evolve(RESERVED, leaving=True)
    _, agent = parts(follow(ended(_D.AGENT_UNAVAILABLE, agent=leaving), context()))
    assert agent is not None
    assert (agent.state, agent.attempt_id, agent.leaving) == (AgentState.SIGNED_OUT, None, False)


@pytest.mark.parametrize(
    "agent",
    [
        an_agent(state=AgentState.RESERVED, attempt_id=AttemptId("at_2")),
        an_agent(state=AgentState.BUSY, call_id=CallId("call-2")),
        an_agent(),
    ],
)
def test_an_agent_who_is_at_something_else_is_left_alone(agent: Agent) -> None:
    """The attempt frees who is reserved for it, and nobody else."""
    callback, freed = parts(follow(ended(_D.BUSY, agent=agent), context()))
    assert callback is not None
    assert freed is None


@pytest.mark.parametrize(
    "callback",
    [
        a_callback(state=CallbackState.ENDED, outcome=Outcome.CANCELLED, attempt_id=ATTEMPT_ID),
        a_callback(state=CallbackState.ATTEMPTING, attempt_id=AttemptId("at_2")),
        a_callback(state=CallbackState.WAITING),
        a_callback(state=CallbackState.RESTING),
    ],
)
def test_a_callback_that_went_on_is_left_alone(callback: Callback) -> None:
    """Cancelled, or in another attempt: what becomes of this one is nothing to it. The agent is free."""
    touched, agent = parts(follow(ended(_D.BUSY, customer_rang=True), context(callback)))
    assert touched is None
    assert agent is not None
    assert agent.state is AgentState.AVAILABLE


# ---------------------------------------------------------------------------- overdue


@pytest.mark.parametrize(
    ("attempts_count", "failures_count", "answered_by", "state", "reason"),
    [
        (0, 0, None, CallbackState.RESTING, None),
        (0, 1, None, CallbackState.ENDED, "no_retry_after_unknown"),
        (1, 0, None, CallbackState.ENDED, "attempts_used_up"),
        (0, 0, AnsweredBy.HUMAN, CallbackState.ENDED, "in_doubt_after_answer"),
    ],
)
def test_an_attempt_that_should_long_be_over(
    attempts_count: int,
    failures_count: int,
    answered_by: AnsweredBy | None,
    state: CallbackState,
    reason: str | None,
) -> None:
    """The callback goes on as after one of which nothing is known, whatever the attempt's row says."""
    callback = attrs.evolve(ATTEMPTING, attempts_count=attempts_count)
    stuck = an_attempt(state=_A.ENDING, disposition=_D.BUSY, answered_by=answered_by)
    decision = overdue(stuck, context(callback), failures_count=failures_count)
    after = only_record(decision)
    assert (after.state, after.last_disposition) == (state, _D.UNKNOWN)
    assert after.attempts_count == attempts_count + 1
    if state is CallbackState.RESTING:
        assert (after.due_at, after.due_reason) == (NOW + 5 * M, DueReason.REST_OVER)
    else:
        assert [getattr(event, "reason", None) for event in decision.events] == [reason]


@pytest.mark.parametrize(
    ("due_at", "again_at"),
    [(NOW, True), (NOW - H, True), (NOW + M, True), (NOW + 24 * H, False), (None, False)],
)
def test_an_attempt_that_its_own_deadlines_will_end_is_waited_for(
    due_at: datetime | None, again_at: bool
) -> None:
    """After a time in which no node was there; but not for ever."""
    callback = context(ATTEMPTING)
    found = still_due_at(an_attempt(due_at=due_at), callback)
    longest = lifecycle.attempt_time_max(callback.policy)
    assert found == (due_at + longest if again_at and due_at else None)


# ---------------------------------------------------------------------------- together

POLICIES = [
    POLICY,
    NO_WRAP_UP,
    attrs.evolve(
        POLICY, attempts_max=5, retry_rules={_D.AGENT_UNAVAILABLE: RetryRule(retries_max=4, rest=S)}
    ),
]
REPORTS = [
    Report(leg_id=leg, kind=kind, cause=cause, answered_by=by)
    for leg in (AGENT_LEG, CUSTOMER_LEG)
    for kind, cause, by in (
        (ReportKind.RINGING, Cause.UNKNOWN, AnsweredBy.UNKNOWN),
        (ReportKind.ANSWERED, Cause.UNKNOWN, AnsweredBy.HUMAN),
        (ReportKind.ANSWERED, Cause.UNKNOWN, AnsweredBy.MACHINE),
        (ReportKind.BRIDGED, Cause.UNKNOWN, AnsweredBy.UNKNOWN),
        (ReportKind.ENDED, Cause.BUSY, AnsweredBy.UNKNOWN),
        (ReportKind.ENDED, Cause.NORMAL, AnsweredBy.UNKNOWN),
    )
]
OTHERS = ["cancel", "agent leaves", "agent says it again", "deadline"]


@LAW
@given(
    st.sampled_from(POLICIES),
    st.integers(0, 4),
    st.lists(st.sampled_from([*REPORTS, *OTHERS]), max_size=14),
)
def test_callback_agent_and_attempt_agree(policy: QueuePolicy, lead: int, steps: list[Report | str]) -> None:
    """Whatever is reported, cancelled or left: the three records go together, and history tells each of them."""
    happy = [REPORTS[1], REPORTS[6], REPORTS[7], REPORTS[9]]
    room = _Room(policy)
    for step in [*happy[:lead], *steps]:
        room.take(step)
        room.check()
    while room.attempt.due_at is not None:
        room.take("deadline")
        room.check()


class _Room:
    """One callback, one agent, one attempt, written down as the service does."""

    def __init__(self, policy: QueuePolicy) -> None:
        self.policy, self.now, self.book = policy, START, Book()
        asked = Asked(
            tenant_id=DEFAULT_TENANT,
            callback_id=CALLBACK_ID,
            subject_id=SubjectId("su_1"),
            channel=Channel.WEB,
            request_key=None,
            stand=a_stand(),
            place_id=PlaceId(CALLBACK_ID),
            entered_at=START,
            scheduled_at=None,
            position=None,
            wait=Wait(mean_s=None, low_s=None, high_s=None),
        )
        self.presence = agents.Presence(
            tenant_id=DEFAULT_TENANT, agent_id=ANN, queues=(SUPPORT,), skills=(), presence_max=8 * H
        )
        self.book.write(lifecycle.request(asked, policy=policy, now=START))
        self.book.write(agents.sign_in(None, self.presence, now=START))
        started = lifecycle.attempt(
            self.callback,
            attempt_id=ATTEMPT_ID,
            agent_id=ANN,
            overtook=Ahead(),
            policy=policy,
            now=START,
        )
        started += agents.reserve(self.agent, ATTEMPT_ID, presence_max=8 * H, now=START)
        started += attempt.start(
            self.context,
            attempt_id=ATTEMPT_ID,
            agent_id=ANN,
            agent_leg_id=AGENT_LEG,
            customer_leg_id=CUSTOMER_LEG,
            node_id=NodeId("node"),
            number_key="digest",
        )
        self.book.write(started)

    @property
    def callback(self) -> Callback:
        record = self.book.records[Entity.CALLBACK, CALLBACK_ID]
        assert isinstance(record, Callback)
        return record

    @property
    def agent(self) -> Agent:
        record = self.book.records[Entity.AGENT, ANN]
        assert isinstance(record, Agent)
        return record

    @property
    def attempt(self) -> Attempt:
        record = self.book.records[Entity.ATTEMPT, ATTEMPT_ID]
        assert isinstance(record, Attempt)
        return record

    @property
    def context(self) -> Context:
        return Context(callback=self.callback, subject=a_subject(), policy=self.policy, now=self.now)

    def take(self, step: Report | str) -> None:
        before, early = self.attempt, (_A.INTENDED, _A.AGENT_ON_LINE, _A.JOINING)
        if isinstance(step, Report):
            self.now += S
            self.move(attempt.report(before, step, self.context))
        elif step == "deadline" and before.due_at is not None:
            self.now = max(self.now, before.due_at)
            self.move(attempt.deadline(before, self.context))
        elif step == "cancel" and self.callback.state is CallbackState.ATTEMPTING:
            self.book.write(lifecycle.cancel(self.callback, reason=None, now=self.now))
            if before.state in early:
                self.move(attempt.call_off(before, _D.CANCELLED_BY_US, self.context))
        elif step == "agent leaves":
            self.book.write(agents.sign_out(self.agent, now=self.now))
            if before.state is _A.INTENDED:
                self.move(attempt.call_off(before, _D.AGENT_UNAVAILABLE, self.context))
        elif step == "agent says it again":
            self.book.write(agents.sign_in(self.agent, self.presence, now=self.now))

    def move(self, decision: Decision) -> None:
        before, context = self.attempt, self.context
        self.book.write(decision)
        after = After(before=before, after=self.attempt, agent=self.agent, failures_count=0)
        self.book.write(follow(after, context))

    def check(self) -> None:
        """Under way: ATTEMPTING, or ended by a person. Over: the agent is free, and the callback went on."""
        callback, agent, now = self.callback, self.agent, self.attempt
        assert (callback.state is CallbackState.ATTEMPTING) <= (callback.attempt_id == ATTEMPT_ID)
        if now.connected_at is not None:
            assert callback.outcome is Outcome.COMPLETED
        if now.state is _A.ENDED:
            assert callback.state is not CallbackState.ATTEMPTING
            assert agent.attempt_id is None
            assert agent.state not in {AgentState.RESERVED, AgentState.BUSY}
        else:
            assert agent.attempt_id == ATTEMPT_ID
            assert (agent.state is AgentState.BUSY) is (now.connected_at is not None)
            assert callback.state in {CallbackState.ATTEMPTING, CallbackState.ENDED}
        if callback.outcome is Outcome.COMPLETED:
            assert (now.agent_leg, now.customer_leg) != (LegState.NONE, LegState.NONE)
            assert now.connected_at is not None

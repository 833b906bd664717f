"""What an attempt's progress means for its callback and its agent: decided together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType, SimpleNamespace
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq import facts
from callbackq.core import agents, attempt, legs, lifecycle, promising, settling
from callbackq.core.attempt import Context
from callbackq.core.consequences import After, corrected, expired, follow, overdue, refused, still_due_at
from callbackq.core.decision import Decision
from callbackq.core.retry import Failures
from callbackq.effects import Notice, ReleaseAgent
from callbackq.errors import NotPossibleNow
from callbackq.events import CallbackEnded, CallbackEvent, CallbackReopened, CallbackRested
from callbackq.ids import DEFAULT_TENANT, AgentId, AttemptId, CallbackId, CallId, NodeId
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
    Confirmation,
    Disposition,
    DueReason,
    Entity,
    HoldReason,
    LegState,
    Mode,
    NoticeKind,
    Outcome,
    Report,
    ReportKind,
)
from callbackq.policy import Confirm, NumberChoice, QueuePolicy, RetryRule, SteppedRest, Voicemail
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
    D,
    H,
    M,
    S,
    a_callback,
    a_subject,
    an_agent,
    an_attempt,
    asked_for,
    changed,
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
    facts: Mapping[str, Any] = MappingProxyType({}),
    **changes: Any,
) -> After:
    return After(
        before=an_attempt(state=before), after=an_attempt(state=after, **changes), agent=agent, **facts
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
        (_A.INTENDED, _A.CONFIRMING),
        (_A.INTENDED, _A.CUSTOMER_ON_LINE),
        (_A.AGENT_ON_LINE, _A.CONFIRMING),
        (_A.CONFIRMING, _A.CUSTOMER_ON_LINE),
        (_A.CONFIRMING, _A.JOINING),
        (_A.CUSTOMER_ON_LINE, _A.JOINING),
        (_A.AGENT_ON_LINE, _A.JOINING),
        (_A.INTENDED, _A.ENDING),
        (_A.CONFIRMING, _A.ENDING),
        (_A.CUSTOMER_ON_LINE, _A.ENDING),
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
HELD = CallbackState.HELD
RELEASE = ReleaseAgent(agent_id=ANN, attempt_id=ATTEMPT_ID)
_K = NoticeKind


def told(decision: Decision) -> list[NoticeKind]:
    """Return who is told what, in order."""
    return [effect.kind for effect in decision.effects if isinstance(effect, Notice)]


def ending(decision: Decision) -> CallbackEnded:
    """Return the event of the end."""
    (event,) = (event for event in decision.events if isinstance(event, CallbackEnded))
    return event


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
        (_D.DECLINED_BY_CUSTOMER, True, REST, 15 * M, FREE),
        (_D.WRONG_PERSON, True, HELD, START + D - NOW, FREE),
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
    # The PBX's own queues may give the agent calls again; and of an end, everybody concerned is told.
    assert decision.effects[-1] == RELEASE
    expected = [_K.UNREACHED, _K.TICKET_NOTE, _K.FOLLOW_UP] if callback_state is END else []
    expected += [_K.NUMBER_WRONG] if disposition is _D.WRONG_PERSON else []
    assert told(decision) == expected
    assert len(decision.effects) == len(expected) + 1


def test_earlier_failures_count() -> None:
    """The same disposition as often as its rule allows, and no more."""
    policy = attrs.evolve(POLICY, attempts_max=10)
    twice, _ = parts(
        follow(ended(_D.NO_ANSWER, facts={"failures": Failures(same_count=1)}), context(policy=policy))
    )
    assert twice is not None
    assert (twice.state, twice.outcome) == (CallbackState.ENDED, Outcome.UNREACHED)
    once, _ = parts(follow(ended(_D.NO_ANSWER), context(policy=policy)))
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


# ---------------------------------------------------------------------------- who is told


def ruled(**rules: RetryRule) -> QueuePolicy:
    by_disposition = {_D(name): rule for name, rule in rules.items()}
    return attrs.evolve(POLICY, attempts_max=5, retry_rules=by_disposition)


def test_a_retry_may_tell_the_customer() -> None:
    """G6: we missed you, and call again; the record says which number is next, and history whom was told."""
    policy = ruled(busy=RetryRule(retries_max=1, rest=M, notice=_K.MISSED, number=NumberChoice.NEXT))
    over = ended(_D.BUSY, facts={"failures": Failures(usable=(0, 1))})
    decision = follow(over, attrs.evolve(context(policy=policy), subject=TWO_NUMBERS))
    assert told(decision) == [_K.MISSED]
    (notice,) = (effect for effect in decision.effects if isinstance(effect, Notice))
    assert (notice.number, notice.notice_id) == ("+12125550124", "cb_1.2.missed")
    (event,) = (event for event in decision.events if isinstance(event, CallbackRested))
    assert (event.notice, event.number_index) == (_K.MISSED, 1)


TWO_NUMBERS = a_subject(alternatives=("+12125550124",))


@pytest.mark.parametrize(
    ("usable", "index", "state", "next_index"),
    [((1,), 0, REST, 1), ((), 0, HELD, 0), ((0,), 1, HELD, 0), ((), 1, HELD, 0)],
)
def test_the_number_that_is_wrong_is_named(
    usable: tuple[int, ...], index: int, state: CallbackState, next_index: int
) -> None:
    """C9: the one at which somebody else answered, and not the one that is next; the customer is told nothing."""
    over = ended(_D.WRONG_PERSON, number_index=index, facts={"failures": Failures(usable=usable)})
    decision = follow(over, attrs.evolve(context(), subject=TWO_NUMBERS))
    callback, _ = parts(decision)
    assert callback is not None
    assert (callback.state, callback.number_index) == (state, next_index)
    (notice,) = (effect for effect in decision.effects if isinstance(effect, Notice))
    assert (notice.kind, notice.number) == (_K.NUMBER_WRONG, f"+1212555012{3 + index}")


@pytest.mark.parametrize(
    ("no_shows_count", "kinds", "note"),
    [
        (None, [_K.UNREACHED, _K.TICKET_NOTE, _K.FOLLOW_UP], "Callback unreached after 2 attempts"),
        (2, [_K.UNREACHED, _K.TICKET_NOTE, _K.FOLLOW_UP], "Callback unreached after 2 attempts"),
        (3, [_K.NO_SHOWS, _K.TICKET_NOTE, _K.FOLLOW_UP, _K.CUSTOMER_FLAGGED], "Missed 3 callbacks"),
    ],
)
def test_the_third_no_show_changes_the_approach(
    no_shows_count: int | None, kinds: list[NoticeKind], note: str
) -> None:
    """G7, S2: another message, a note, a follow-up within a day, and a flag; history says all of it."""
    callback = attrs.evolve(ATTEMPTING, attempts_count=1)
    decision = follow(ended(_D.NO_ANSWER, facts={"no_shows_count": no_shows_count}), context(callback))
    assert told(decision) == kinds
    end = ending(decision)
    assert (list(end.notices), end.no_shows_count, end.follow_up_due_at) == (kinds, no_shows_count, NOW + D)
    (ticket,) = (one for one in decision.effects if isinstance(one, Notice) and one.note)
    assert ticket.note is not None
    assert ticket.note.startswith(note)


def test_a_chosen_time_that_is_tried_again_is_not_missed_yet() -> None:
    """G7: a no-show is the end, not the first attempt."""
    decision = follow(ended(_D.NO_ANSWER, facts={"no_shows_count": 3}), context())
    callback, _ = parts(decision)
    assert callback is not None
    assert (callback.state, told(decision)) == (REST, [])


@pytest.mark.parametrize("disposition", [None, *_D])
@pytest.mark.parametrize("channel", [Channel.WEB, Channel.EVENT])
@pytest.mark.parametrize("scheduled_at", [None, START])
def test_only_what_the_customer_missed_is_a_no_show(
    scheduled_at: datetime | None, channel: Channel, disposition: Disposition | None
) -> None:
    """G7: neither what they declined by key nor what our lines or agents failed at; nor what they never chose."""
    missed = {_D.NO_ANSWER, _D.BUSY, _D.MACHINE, _D.FAX, _D.REJECTED, _D.UNREACHABLE, _D.ANSWERED_THEN_LEFT}
    assert missed == facts.MISSED
    callback = attrs.evolve(ATTEMPTING, scheduled_at=scheduled_at, channel=channel)
    chosen = scheduled_at is not None and channel is Channel.WEB
    expected = 1 if chosen and disposition in missed else None
    assert no_shows_of(callback, disposition, earlier=[]) == expected


CHOSEN = a_callback(
    callback_id=CallbackId("cb_0"),
    state=CallbackState.ENDED,
    scheduled_at=START,
    outcome=Outcome.UNREACHED,
    last_disposition=_D.NO_ANSWER,
    ended_at=START,
)


@pytest.mark.parametrize(
    ("changes", "is_counted"),
    [
        ({}, True),
        ({"last_disposition": _D.ANSWERED_THEN_LEFT}, True),
        ({"last_disposition": _D.DECLINED_BY_CUSTOMER}, False),
        ({"last_disposition": _D.AGENT_UNAVAILABLE}, False),
        ({"last_disposition": _D.NETWORK_FAILURE}, False),
        ({"last_disposition": _D.UNKNOWN}, False),
        ({"last_disposition": None}, False),
        ({"outcome": Outcome.EXPIRED}, False),
        ({"outcome": Outcome.DECLINED_BY_AGENTS}, False),
        ({"scheduled_at": None}, False),
        ({"channel": Channel.EVENT}, False),
        ({"ended_at": None}, False),
        ({"ended_at": NOW - 10 * D}, False),
        ({"ended_at": NOW - 10 * D + S}, True),
        ({"callback_id": CALLBACK_ID}, False),
    ],
)
def test_which_earlier_times_count(changes: dict[str, Any], is_counted: bool) -> None:
    """G7: by the same measure as this one, within the window; and this one once."""
    now_missed = attrs.evolve(ATTEMPTING, scheduled_at=START)
    earlier = [CHOSEN, attrs.evolve(CHOSEN, **{"callback_id": CallbackId("cb_9"), **changes})]
    assert no_shows_of(now_missed, _D.NO_ANSWER, earlier=earlier) == 2 + is_counted


def no_shows_of(
    callback: Callback, disposition: Disposition | None, *, earlier: list[Callback]
) -> int | None:
    """Count with a store that holds nothing but *earlier*."""
    store: Any = SimpleNamespace(callbacks=SimpleNamespace(of_subject=lambda _, limit: earlier[:limit]))
    policy = attrs.evolve(POLICY, no_shows_window=10 * D)
    return facts.no_shows_count(store, callback, disposition=disposition, policy=policy, now=NOW)


def test_whose_agents_all_went_away_is_told_so() -> None:
    """Their phone rang, and it is tried no more: nobody could take it, and somebody follows it up."""
    callback = attrs.evolve(ATTEMPTING, attempts_count=1)
    decision = follow(ended(_D.AGENT_UNAVAILABLE, customer_rang=True), context(callback))
    assert ending(decision).reason == "attempts_used_up"
    assert told(decision) == [_K.NO_AGENT, _K.TICKET_NOTE, _K.FOLLOW_UP]


@pytest.mark.parametrize("answered_by", [AnsweredBy.HUMAN, AnsweredBy.UNKNOWN])
@pytest.mark.parametrize("gone", [AGENT_LEG, CUSTOMER_LEG])
def test_a_bridge_that_comes_too_late_keeps_no_promise(gone: str, answered_by: AnsweredBy) -> None:
    """They may have talked, or not: the customer is not dialed again by itself, and somebody follows it up."""
    room = _Room(POLICY)
    answer = attrs.evolve(REPORTS[10], answered_by=answered_by)
    end = next(one for one in REPORTS if one.cause is Cause.NORMAL and one.leg_id == gone)
    other = next(one for one in REPORTS if one.cause is Cause.NORMAL and one.leg_id != gone)
    for step in (REPORTS[1], answer, end, REPORTS[12], other):
        room.take(step)
        room.check()
    assert (room.attempt.state, room.attempt.disposition) == (_A.ENDED, _D.UNKNOWN)
    assert room.attempt.connected_at is None
    assert (room.callback.state, room.callback.outcome) == (CallbackState.ENDED, Outcome.UNREACHED)
    (event,) = (one for one in room.book.events if isinstance(one, CallbackEnded))
    assert event.reason == "in_doubt_after_answer"
    assert room.agent.state is FREE


def test_a_recording_that_comes_when_all_is_over_moves_nobody() -> None:
    """Callback and agent went on long ago."""
    room = _Room(POLICY)
    for step in (REPORTS[1], REPORTS[10], REPORTS[12], REPORTS[14], REPORTS[5]):
        room.take(step)
    assert room.attempt.state is _A.ENDED
    before = (room.callback, room.agent)
    room.take(attrs.evolve(REPORTS[14], recording_id="rec_1"))
    room.check()
    assert room.attempt.recording_id == "rec_1"
    assert (room.callback, room.agent) == before


def test_what_all_declined_ends_and_is_no_no_show() -> None:
    """F5: the customer hears that nobody could take it; the attempt counts as little as it did."""
    facts = {"failures": Failures(all_declined=True), "no_shows_count": 3}
    decision = follow(ended(_D.AGENT_UNAVAILABLE, facts=facts), context())
    callback, agent = parts(decision)
    assert callback is not None
    assert agent is not None
    assert (callback.outcome, callback.attempts_count) == (Outcome.DECLINED_BY_AGENTS, 0)
    assert agent.state is COOL
    assert told(decision) == [_K.NO_AGENT, _K.TICKET_NOTE, _K.FOLLOW_UP]
    assert ending(decision).no_shows_count is None


def test_who_cancels_by_key_is_left_alone() -> None:
    """Key 3: cancelled; only the ticket hears of it, also of a chosen time."""
    over = ended(
        _D.DECLINED_BY_CUSTOMER,
        customer_rang=True,
        confirmation=Confirmation.CANCEL,
        facts={"no_shows_count": 3},
    )
    decision = follow(over, context())
    callback, agent = parts(decision)
    assert callback is not None
    assert agent is not None
    assert (callback.outcome, callback.attempts_count, agent.state) == (Outcome.CANCELLED, 1, FREE)
    assert told(decision) == [_K.TICKET_NOTE]
    assert ending(decision).follow_up_due_at is None


# ---------------------------------------------------------------------------- without an agent


@pytest.mark.parametrize("state", [_A.INTENDED, _A.CONFIRMING, _A.CUSTOMER_ON_LINE])
@pytest.mark.parametrize("found", [None, AgentId("bob")])
def test_an_agent_who_is_lost_cools_down_while_the_attempt_goes_on(
    state: AttemptState, found: AgentId | None
) -> None:
    """F4: nobody else is concerned: the customer's phone rings, and another agent is looked for or there already."""
    decision = follow(moved(state, state, agent_id=found), context())
    callback, agent = parts(decision)
    assert callback is None
    assert agent is not None
    assert (agent.state, agent.attempt_id, agent.due_at) == (COOL, None, NOW + 30 * S)
    assert decision.effects == (RELEASE,)


def test_an_agent_who_is_lost_with_the_attempt_is_freed_once() -> None:
    """Both at once: the callback goes on as the end says, and the agent cools down."""
    lost = moved(_A.CUSTOMER_ON_LINE, _A.ENDED, disposition=_D.BUSY, agent_id=None)
    callback, agent = parts(follow(lost, context()))
    assert callback is not None
    assert agent is not None
    assert (callback.state, agent.state, agent.version) == (REST, COOL, 2)


def test_an_attempt_may_end_without_an_agent() -> None:
    """The customer hung up while one was looked for: there is nobody to free."""
    over = moved(_A.CUSTOMER_ON_LINE, _A.ENDED, agent=None, agent_id=None, disposition=_D.ANSWERED_THEN_LEFT)
    callback, agent = parts(follow(over, context()))
    assert callback is not None
    assert (callback.state, agent) == (REST, None)


# ---------------------------------------------------------------------------- voicemail


def test_a_machine_that_an_agent_speaks_to_keeps_no_promise() -> None:
    """G5: the agent is busy with it; when it is over the callback goes on as after any machine."""
    machine = {"answered_by": AnsweredBy.MACHINE, "customer_rang": True, "connected_at": NOW}
    callback, agent = parts(follow(moved(_A.JOINING, _A.CONNECTED, **machine), context()))
    assert callback is None
    assert agent is not None
    assert agent.state is AgentState.BUSY
    over = moved(_A.CONNECTED, _A.ENDED, agent=TALKING, disposition=_D.MACHINE, **machine)
    decision = follow(over, context())
    callback, agent = parts(decision)
    assert callback is not None
    assert agent is not None
    assert (callback.outcome, callback.last_disposition) == (Outcome.UNREACHED, _D.MACHINE)
    assert (callback.attempts_count, agent.state) == (1, AgentState.WRAP_UP)
    assert told(decision) == [_K.UNREACHED, _K.TICKET_NOTE, _K.FOLLOW_UP]


# ---------------------------------------------------------------------------- taken up again

DONE = a_callback(
    version=4,
    state=CallbackState.ENDED,
    outcome=Outcome.COMPLETED,
    attempt_id=ATTEMPT_ID,
    attempts_count=1,
    last_disposition=_D.CONNECTED,
    ended_at=START,
    dedup_key="support/su_1",
    due_at=None,
    due_reason=None,
)
ASKED_AGAIN = a_callback(callback_id=CallbackId("cb_2"), dedup_key="support/su_1")


def over(disposition: Disposition, **facts: Any) -> After:
    """Return a conversation that ended, of which a person has said what it was."""
    fields = {"connected_at": START, "customer_rang": True, "answered_by": AnsweredBy.HUMAN}
    return moved(_A.CONNECTED, _A.ENDED, agent=TALKING, facts=facts, disposition=disposition, **fields)


def said_later(disposition: Disposition, **facts: Any) -> After:
    """Return the same, said when all was over."""
    before = over(disposition, **facts)
    return attrs.evolve(before, before=before.after, agent=None)


REOPENED: dict[Disposition, tuple[CallbackState, Outcome | None, list[NoticeKind]]] = {
    _D.ANSWERED_THEN_LEFT: (REST, None, []),
    _D.WRONG_PERSON: (HELD, None, [_K.NUMBER_WRONG]),
    _D.MACHINE: (END, Outcome.UNREACHED, [_K.UNREACHED, _K.TICKET_NOTE, _K.FOLLOW_UP]),
    _D.FAX: (END, Outcome.UNREACHED, [_K.UNREACHED, _K.TICKET_NOTE, _K.FOLLOW_UP]),
    # It was answered, and nobody knows what was said: never dialed again by itself.
    _D.UNKNOWN: (END, Outcome.UNREACHED, [_K.UNREACHED, _K.TICKET_NOTE, _K.FOLLOW_UP]),
}


def test_every_correction_was_looked_at() -> None:
    """What can be said afterwards is in the table above."""
    assert set(REOPENED) == settling.NO_CONVERSATION


@pytest.mark.parametrize("disposition", REOPENED)
@pytest.mark.parametrize("later", [False, True])
def test_what_was_no_conversation_is_taken_up_again(disposition: Disposition, later: bool) -> None:
    """C9, N7: said while they talked, or afterwards: the same becomes of the callback. Its attempt counts once."""
    state, outcome, kinds = REOPENED[disposition]
    facts = {"failures": Failures(usable=())} if disposition is _D.WRONG_PERSON else {}
    if later:
        decision = corrected(said_later(disposition, by="bob", **facts), context(DONE))
    else:
        decision = follow(over(disposition, by="bob", **facts), context(DONE))
    callback, agent = parts(decision)
    assert callback is not None
    assert (callback.state, callback.outcome, callback.attempts_count) == (state, outcome, 1)
    assert (callback.last_disposition, callback.version) == (disposition, 5)
    assert told(decision) == kinds
    (event,) = (event for event in decision.events if isinstance(event, CallbackEvent))
    assert getattr(event, "by", None) == "bob"
    if outcome is not None:
        assert list(ending(decision).notices) == kinds
        assert ending(decision).no_shows_count is None
    if later:
        assert agent is None
    else:
        assert agent is not None
        assert agent.state is AgentState.WRAP_UP


def test_who_said_so_is_the_agent_unless_somebody_else_did() -> None:
    """History never says nobody."""
    decision = corrected(said_later(_D.ANSWERED_THEN_LEFT), context(DONE))
    (event,) = (event for event in decision.events if isinstance(event, CallbackReopened))
    assert (event.by, event.reason) == ("agent", "answered_then_left")


@pytest.mark.parametrize(
    ("attempts_count", "state"), [(1, REST), (2, END)], ids=["one is left", "none is left"]
)
def test_the_attempt_that_was_taken_for_kept_is_one_of_those_that_count(
    attempts_count: int, state: CallbackState
) -> None:
    """S2: two in all, this one included, and not counted twice."""
    done = attrs.evolve(DONE, attempts_count=attempts_count)
    callback, _ = parts(corrected(said_later(_D.ANSWERED_THEN_LEFT), context(done)))
    assert callback is not None
    assert (callback.state, callback.attempts_count) == (state, attempts_count)


def test_a_no_show_is_not_said_of_who_answered() -> None:
    """G7: somebody was reached at the chosen time."""
    decision = corrected(said_later(_D.FAX, no_shows_count=3), context(DONE))
    assert told(decision) == [_K.UNREACHED, _K.TICKET_NOTE, _K.FOLLOW_UP]


@pytest.mark.parametrize("disposition", REOPENED)
def test_who_asked_again_is_called_for_that(disposition: Disposition) -> None:
    """The other callback stands for this one; the customer is told nothing, for the call is still to come."""
    policy = ruled(answered_then_left=RetryRule(retries_max=3, rest=M, notice=_K.MISSED))
    said = said_later(disposition, by="bob", dedup_held_by=ASKED_AGAIN)
    decision = corrected(said, context(DONE, policy))
    callback, _ = parts(decision)
    assert callback is not None
    assert (callback.outcome, callback.merged_into_id) == (Outcome.REPLACED, "cb_2")
    assert told(decision) == ([_K.NUMBER_WRONG] if disposition is _D.WRONG_PERSON else [])
    assert (ending(decision).by, ending(decision).notices) == ("bob", ())


@pytest.mark.parametrize("survey", [False, True])
@pytest.mark.parametrize("ticket_id", [None, "T-1"])
def test_after_a_conversation_the_ticket_and_the_customer_are_told(
    ticket_id: str | None, survey: bool
) -> None:
    """F13: a note if there is a ticket, a survey if policy asks for one; nothing while they talk."""
    done, policy = attrs.evolve(DONE, ticket_id=ticket_id), attrs.evolve(POLICY, survey=survey)
    expected = ([_K.TICKET_NOTE] if ticket_id else []) + ([_K.SURVEY] if survey else [])
    decision = follow(over(_D.CONNECTED), context(done, policy))
    assert told(decision) == expected
    assert parts(decision)[0] is None
    for effect in decision.effects:
        if isinstance(effect, Notice) and effect.kind is _K.TICKET_NOTE:
            assert effect.note == "Callback completed after 1 attempt; the last ended as connected."
            assert effect.ticket_id == "T-1"
    ending_now = attrs.evolve(over(_D.CONNECTED), after=an_attempt(state=_A.ENDING))
    assert told(follow(ending_now, context(done, policy))) == []


def test_a_conversation_that_is_settled_at_its_end_is_told_as_well() -> None:
    """F13, N7: a person said that they talked: the callback is completed by that, and the note counts it."""
    callback = attrs.evolve(ATTEMPTING, ticket_id="T-1")
    decision = follow(ended(_D.CONNECTED), context(callback, attrs.evolve(POLICY, survey=True)))
    assert told(decision) == [_K.TICKET_NOTE, _K.SURVEY]
    note = next(effect for effect in decision.effects if isinstance(effect, Notice))
    assert note.note == "Callback completed after 1 attempt; the last ended as connected."
    assert told(follow(ended(_D.CONNECTED), context())) == []


@pytest.mark.parametrize("disposition", [_D.ANSWERED_THEN_LEFT, _D.WRONG_PERSON, _D.MACHINE])
def test_who_was_not_there_is_asked_nothing(disposition: Disposition) -> None:
    """F13: no survey, where it was no conversation after all, or the promise was not kept by it."""
    policy = attrs.evolve(POLICY, survey=True)
    assert _K.SURVEY not in told(follow(over(disposition), context(DONE, policy)))
    cancelled = attrs.evolve(DONE, outcome=Outcome.CANCELLED, ticket_id="T-1")
    assert told(follow(over(_D.CONNECTED), context(cancelled, policy))) == []


def test_a_person_may_say_that_it_was_one() -> None:
    """N7: an attempt in doubt that was settled as connected keeps the promise."""
    callback, agent = parts(follow(ended(_D.CONNECTED), context()))
    assert callback is not None
    assert agent is not None
    assert (callback.outcome, callback.attempts_count, callback.ended_at) == (Outcome.COMPLETED, 1, NOW)
    assert agent.state is FREE


@pytest.mark.parametrize("disposition", [_D.CONNECTED, _D.BUSY, _D.NO_ANSWER, _D.CANCELLED_BY_US])
def test_a_conversation_stays_one(disposition: Disposition) -> None:
    """What else is said of it takes nothing back."""
    assert corrected(said_later(disposition), context(DONE)) == Decision()


@pytest.mark.parametrize(
    "callback",
    [
        attrs.evolve(DONE, outcome=Outcome.CANCELLED),
        attrs.evolve(DONE, attempt_id=AttemptId("at_2")),
        a_callback(),
    ],
)
def test_only_what_this_attempt_kept_is_taken_back(callback: Callback) -> None:
    """A callback that ended in another way, or went on, is left alone."""
    assert corrected(said_later(_D.WRONG_PERSON), context(callback)) == Decision()


LAST_MINUTE = {"expires_at": NOW + S}


@pytest.mark.parametrize("life_left", [S, timedelta(0), -D])
def test_what_is_taken_up_again_has_time_again(life_left: timedelta) -> None:
    """C9: it lives as long as a new one from now on: a rest is not refused for the life that it had before."""
    done = attrs.evolve(DONE, expires_at=NOW + life_left)
    callback, _ = parts(corrected(said_later(_D.ANSWERED_THEN_LEFT), context(done)))
    assert callback is not None
    assert (callback.state, callback.due_at, callback.due_reason) == (REST, NOW + 2 * M, DueReason.REST_OVER)
    assert callback.expires_at == NOW + D


def test_a_rest_that_outlives_even_the_new_life_is_its_end() -> None:
    """It ends as any other, and somebody is told now."""
    rule = RetryRule(retries_max=3, rest=SteppedRest(rests=(M, H)))
    policy = attrs.evolve(ruled(answered_then_left=rule), callback_life=H)
    done = attrs.evolve(DONE, expires_at=NOW)
    said = said_later(_D.ANSWERED_THEN_LEFT, failures=Failures(same_count=1))
    decision = corrected(said, context(done, policy))
    assert ending(decision).reason == "no_time_left"
    assert told(decision) == [_K.UNREACHED, _K.TICKET_NOTE, _K.FOLLOW_UP]


# ---------------------------------------------------------------------------- no time left


@pytest.mark.parametrize(
    ("disposition", "rang", "kinds"),
    [
        (_D.NO_ANSWER, True, [_K.UNREACHED, _K.TICKET_NOTE, _K.FOLLOW_UP]),
        (_D.UNKNOWN, False, [_K.UNREACHED, _K.TICKET_NOTE, _K.FOLLOW_UP]),
        (_D.DECLINED_BY_CUSTOMER, True, [_K.UNREACHED, _K.TICKET_NOTE, _K.FOLLOW_UP]),
    ],
)
def test_what_cannot_be_tried_again_in_time_is_told_now(
    disposition: Disposition, rang: bool, kinds: list[NoticeKind]
) -> None:
    """G6: not when its life is over, in the middle of a rest; the agent is free all the same."""
    decision = follow(
        ended(disposition, customer_rang=rang), context(attrs.evolve(ATTEMPTING, **LAST_MINUTE))
    )
    callback, agent = parts(decision)
    assert callback is not None
    assert agent is not None
    assert (callback.state, callback.outcome, callback.attempts_count) == (END, Outcome.UNREACHED, 1)
    assert (ending(decision).reason, told(decision), agent.state) == ("no_time_left", kinds, FREE)
    assert ending(decision).follow_up_due_at == NOW + D


def test_without_time_for_the_next_number_the_right_one_is_asked_for() -> None:
    """C9: nobody writes to who is not the customer; when its life is over, somebody follows it up."""
    rule = RetryRule(retries_max=1, rest=M, number=NumberChoice.OTHER)
    late = context(attrs.evolve(ATTEMPTING, **LAST_MINUTE), ruled(wrong_person=rule))
    over = ended(_D.WRONG_PERSON, customer_rang=True, facts={"failures": Failures(usable=(1,))})
    decision = follow(over, attrs.evolve(late, subject=TWO_NUMBERS))
    held, _ = parts(decision)
    assert held is not None
    assert (held.state, held.due_at, held.due_reason) == (HELD, NOW + S, DueReason.EXPIRES)
    assert told(decision) == [_K.NUMBER_WRONG]
    assert told(expired(held, TWO_NUMBERS, now=NOW + S)) == [_K.TICKET_NOTE, _K.FOLLOW_UP]


# ---------------------------------------------------------------------------- expired


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({}, []),
        ({"state": CallbackState.SCHEDULED}, []),
        ({"state": HELD, "hold_reason": HoldReason.NUMBER_LIMIT}, []),
        ({"attempts_count": 1}, [_K.UNREACHED, _K.TICKET_NOTE, _K.FOLLOW_UP]),
        ({"state": REST, "attempts_count": 2}, [_K.UNREACHED, _K.TICKET_NOTE, _K.FOLLOW_UP]),
        (
            {"state": HELD, "hold_reason": HoldReason.NUMBER_IN_USE, "attempts_count": 1},
            [_K.UNREACHED, _K.TICKET_NOTE, _K.FOLLOW_UP],
        ),
        ({"state": HELD, "hold_reason": HoldReason.WRONG_NUMBER}, [_K.TICKET_NOTE, _K.FOLLOW_UP]),
        (
            {"state": HELD, "hold_reason": HoldReason.WRONG_NUMBER, "attempts_count": 1},
            [_K.TICKET_NOTE, _K.FOLLOW_UP],
        ),
    ],
)
def test_whose_life_is_over_is_not_forgotten(changes: dict[str, Any], kinds: list[NoticeKind]) -> None:
    """G6: who was tried, or waits for another number, is told, and followed up; history says whom."""
    before = a_callback(**changes, ticket_id="T-1", last_disposition=_D.NO_ANSWER)
    now = before.expires_at
    decision = expired(before, a_subject(), now=now)
    record, end = only_record(decision), ending(decision)
    assert changed(before, record) == {
        "state": END,
        "outcome": Outcome.EXPIRED,
        "ended_at": now,
        "due_at": None,
        "due_reason": None,
        **({"hold_reason": None} if before.hold_reason else {}),
    }
    assert told(decision) == kinds == list(end.notices)
    assert (end.reason, end.no_shows_count) == ("callback_life", None)
    assert end.follow_up_due_at == (now + D if kinds else None)
    for effect in decision.effects:
        assert isinstance(effect, Notice)
        # Of the record that has ended, so that its id is another one than any notice had before.
        assert effect.notice_id == f"cb_1.{before.version + 1}.{effect.kind}"
        assert (effect.ticket_id, effect.attempts_count) == ("T-1", before.attempts_count)
        assert effect.follow_up_due_at == (now + D if effect.kind is _K.FOLLOW_UP else None)
        assert (effect.note is not None) is (effect.kind is _K.TICKET_NOTE)
        assert effect.note is None or effect.note.startswith("Callback expired after")


@pytest.mark.parametrize("state", [CallbackState.ATTEMPTING, END])
def test_only_what_waits_expires(state: CallbackState) -> None:
    """An attempt under way may still succeed; what is over is over. Nobody is told of either."""
    with pytest.raises(NotPossibleNow, match=r"^cannot expire in state"):
        expired(a_callback(state=state, attempts_count=1), a_subject(), now=START + D)


def test_whom_a_rule_forbids_to_call_the_company_is_told_of() -> None:
    """K2: it is over; the company is told once, with the name of the rule and without a number in words."""
    before = a_callback(ticket_id="T-1")
    decision = refused(before, a_subject(), reason="number_premium_rate", now=NOW)
    assert changed(before, only_record(decision)) == {
        "state": END,
        "outcome": Outcome.REFUSED_BY_RULE,
        "ended_at": NOW,
        "due_at": None,
        "due_reason": None,
    }
    end = ending(decision)
    assert (end.reason, end.notices) == ("number_premium_rate", (_K.REFUSED_BY_RULE,))
    (notice,) = decision.effects
    assert isinstance(notice, Notice)
    assert (notice.kind, notice.ticket_id) == (_K.REFUSED_BY_RULE, "T-1")
    assert notice.note == "Callback refused by a rule: number premium rate."


# ---------------------------------------------------------------------------- overdue


@pytest.mark.parametrize(
    ("attempts_count", "failures_count", "answered_by", "state", "reason"),
    [
        (0, 0, None, CallbackState.RESTING, None),
        (0, 1, None, CallbackState.ENDED, "no_retry_after_unknown"),
        (1, 0, None, CallbackState.ENDED, "attempts_used_up"),
        *(
            (0, 0, by, CallbackState.ENDED, "in_doubt_after_answer")
            for by in (AnsweredBy.HUMAN, AnsweredBy.UNKNOWN)
        ),
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
    decision = overdue(stuck, context(callback), failures=Failures(same_count=failures_count))
    after = only_record(decision)
    assert (after.state, after.last_disposition) == (state, _D.UNKNOWN)
    assert after.attempts_count == attempts_count + 1
    if state is CallbackState.RESTING:
        assert (after.due_at, after.due_reason) == (NOW + 5 * M, DueReason.REST_OVER)
        assert decision.effects == ()
    else:
        assert told(decision) == [_K.UNREACHED, _K.TICKET_NOTE, _K.FOLLOW_UP]
        assert [getattr(event, "reason", None) for event in decision.events] == [reason]


@pytest.mark.parametrize("disposition", [None, _D.UNKNOWN, _D.MACHINE, _D.AGENT_UNAVAILABLE])
def test_a_machine_that_answered_is_known_to_be_one(disposition: Disposition | None) -> None:
    """G5: a voicemail whose end was never reported goes on by the rule for machines, and not by that for doubt."""
    stuck = an_attempt(state=_A.CONNECTED, disposition=disposition, answered_by=AnsweredBy.MACHINE)
    decision = overdue(stuck, context(), failures=Failures())
    after = only_record(decision)
    assert (after.state, after.outcome, after.last_disposition) == (END, Outcome.UNREACHED, _D.MACHINE)
    assert after.attempts_count == 1
    assert ending(decision).reason == "no_retry_after_machine"
    assert told(decision) == [_K.UNREACHED, _K.TICKET_NOTE, _K.FOLLOW_UP]
    again = context(policy=ruled(machine=RetryRule(retries_max=2, rest=7 * M, notice=_K.MISSED)))
    for same_count, state in ((0, REST), (1, REST), (2, END)):
        decision = overdue(stuck, again, failures=Failures(same_count=same_count))
        after = only_record(decision)
        assert (after.state, after.last_disposition) == (state, _D.MACHINE)
        assert after.due_at == (NOW + 7 * M if state is REST else None)


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
    attrs.evolve(POLICY, confirm=Confirm.ALWAYS),
    attrs.evolve(POLICY, mode=Mode.CUSTOMER_FIRST),
    attrs.evolve(POLICY, mode=Mode.SIMULTANEOUS),
    attrs.evolve(POLICY, mode=Mode.SIMULTANEOUS, confirm=Confirm.UNLESS_HUMAN),
    attrs.evolve(POLICY, retry_rules={_D.MACHINE: RetryRule(voicemail=Voicemail.AGENT)}),
]
REPORTS = [
    Report(leg_id=leg, kind=kind, cause=cause, answered_by=by, digits=digits)
    for leg in (AGENT_LEG, CUSTOMER_LEG)
    for kind, cause, by, digits in (
        (ReportKind.RINGING, Cause.UNKNOWN, AnsweredBy.UNKNOWN, None),
        (ReportKind.ANSWERED, Cause.UNKNOWN, AnsweredBy.HUMAN, None),
        (ReportKind.ANSWERED, Cause.UNKNOWN, AnsweredBy.MACHINE, None),
        (ReportKind.BRIDGED, Cause.UNKNOWN, AnsweredBy.UNKNOWN, None),
        (ReportKind.ENDED, Cause.BUSY, AnsweredBy.UNKNOWN, None),
        (ReportKind.ENDED, Cause.NORMAL, AnsweredBy.UNKNOWN, None),
        (ReportKind.DIGIT, Cause.UNKNOWN, AnsweredBy.UNKNOWN, "1"),
        (ReportKind.DIGIT, Cause.UNKNOWN, AnsweredBy.UNKNOWN, "2"),
        (ReportKind.DIGIT, Cause.UNKNOWN, AnsweredBy.UNKNOWN, "3"),
    )
]
OTHERS = ["cancel", "agent leaves", "agent says it again", "an agent is found", "deadline"]
SAID = {"it was somebody else": _D.WRONG_PERSON, "the customer had left": _D.ANSWERED_THEN_LEFT}
OTHERS += SAID


@LAW
@given(
    st.sampled_from(POLICIES),
    st.integers(0, 4),
    st.lists(st.sampled_from([*REPORTS, *OTHERS]), max_size=14),
)
def test_callback_agent_and_attempt_agree(policy: QueuePolicy, lead: int, steps: list[Report | str]) -> None:
    """Whatever is reported, cancelled, left or said: the three go together, and history tells each of them."""
    happy = [REPORTS[1], REPORTS[9], REPORTS[10], REPORTS[12]]
    if policy.mode is Mode.CUSTOMER_FIRST:
        happy = [REPORTS[9], REPORTS[10], REPORTS[1], REPORTS[12]]
    if policy.confirm is Confirm.ALWAYS:
        happy.insert(3, REPORTS[15])
    room = _Room(policy)
    for step in [*happy[:lead], *steps]:
        room.take(step)
        room.check()
    for _ in range(20):
        if room.attempt.due_at is None:
            break
        room.take("deadline")
        room.check()
    assert room.attempt.state is _A.ENDED


def test_the_room_can_do_it_all() -> None:
    """Else the law above would say less than it seems to: a promise kept in each mode, and an agent lost and found."""
    for policy, steps in (
        (POLICY, [1, 9, 10, 12]),
        (POLICIES[3], [1, 9, 10, 15, 12]),
        (POLICIES[4], [9, 10, 1, 12]),
        (POLICIES[5], [9, 1, 10, 12]),
        (POLICIES[5], [9, 5, "an agent is found", 10, 1, 12]),
    ):
        room = _Room(policy)
        for step in steps:
            room.take(REPORTS[step] if isinstance(step, int) else step)
            room.check()
        assert (room.attempt.state, room.callback.outcome) == (_A.CONNECTED, Outcome.COMPLETED), steps
    room.take("it was somebody else")
    room.take(REPORTS[14])
    room.take(REPORTS[5])
    assert room.attempt.state is _A.ENDED
    assert room.callback.state is CallbackState.HELD


class _Room:
    """One callback, one agent, one attempt, written down as the service does."""

    def __init__(self, policy: QueuePolicy) -> None:
        self.policy, self.now, self.book = policy, START, Book()
        self.presence = agents.Presence(
            tenant_id=DEFAULT_TENANT, agent_id=ANN, queues=(SUPPORT,), skills=(), presence_max=8 * H
        )
        self.book.write(promising.request(asked_for(), policy=policy, now=START))
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
        before = self.attempt
        if isinstance(step, Report):
            self.now += S
            leg_id = legs.agent_leg_id(before) if step.leg_id == AGENT_LEG else step.leg_id
            self.move(attempt.report(before, attrs.evolve(step, leg_id=leg_id), self.context))
        elif step == "deadline" and before.due_at is not None:
            self.now = max(self.now, before.due_at)
            self.move(attempt.deadline(before, self.context))
        elif step == "cancel" and self.callback.state is CallbackState.ATTEMPTING:
            self.book.write(lifecycle.cancel(self.callback, reason=None, now=self.now))
            if attempt.may_call_off(before):
                self.move(attempt.call_off(before, _D.CANCELLED_BY_US, self.context))
        elif step == "agent leaves":
            self.book.write(agents.sign_out(self.agent, now=self.now))
            self.move(attempt.agent_left(before, self.context))
        elif step == "agent says it again":
            self.book.write(agents.sign_in(self.agent, self.presence, now=self.now))
        elif step == "an agent is found":
            self._find()
        elif step in SAID and before.connected_at is not None and self.callback.outcome is Outcome.COMPLETED:
            self.move(attempt.dispose(before, SAID[step], self.context, by="bob"))
            if before.state is _A.ENDED:
                after = After(before=self.attempt, after=self.attempt, agent=None, by="bob")
                self.book.write(corrected(after, self.context))

    def _find(self) -> None:
        if self.agent.state is AgentState.COOLING_DOWN:
            assert self.agent.due_at is not None
            self.now = max(self.now, self.agent.due_at)
            self.book.write(agents.due(self.agent, presence_max=8 * H, now=self.now))
        if attempt.wants_agent(self.attempt) and self.agent.state is AgentState.AVAILABLE:
            self.book.write(
                attempt.found_agent(self.attempt, ANN, self.context)
                + agents.reserve(self.agent, ATTEMPT_ID, presence_max=8 * H, now=self.now)
            )

    def move(self, decision: Decision) -> None:
        before, context = self.attempt, self.context
        self.book.write(decision)
        agent = self.agent if before.agent_id is not None else None
        after = After(before=before, after=self.attempt, agent=agent)
        self.book.write(follow(after, context))

    def check(self) -> None:
        """Under way: ATTEMPTING, or ended by a person. Over: the agent is free, and the callback went on."""
        callback, agent, now = self.callback, self.agent, self.attempt
        assert (callback.state is CallbackState.ATTEMPTING) <= (callback.attempt_id == ATTEMPT_ID)
        talked = now.connected_at is not None and now.answered_by is not AnsweredBy.MACHINE
        if talked and now.disposition in {None, _D.CONNECTED}:
            assert callback.outcome is Outcome.COMPLETED
        if talked and now.state is _A.ENDED and now.disposition in SAID.values():
            assert callback.outcome is not Outcome.COMPLETED
            assert callback.last_disposition is now.disposition
        if now.state is _A.ENDED:
            assert callback.state is not CallbackState.ATTEMPTING
        else:
            assert callback.state in {CallbackState.ATTEMPTING, CallbackState.ENDED}
        if now.state is _A.ENDED or now.agent_id is None:
            assert agent.attempt_id is None
            assert agent.state not in {AgentState.RESERVED, AgentState.BUSY}
        else:
            assert agent.attempt_id == ATTEMPT_ID
            assert (agent.state is AgentState.BUSY) is (now.connected_at is not None)
        if callback.outcome is Outcome.COMPLETED:
            assert (now.agent_leg, now.customer_leg) != (LegState.NONE, LegState.NONE)
            assert now.connected_at is not None

"""The life of a live call: each step changes what it must, and nothing else; the place is never rewritten."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core import calls, placing
from callbackq.core.decision import Decision
from callbackq.core.ordering import rank
from callbackq.effects import ConnectCall
from callbackq.errors import CallHasEnded
from callbackq.events import CallMoved, CallPrioritized, CallReranked
from callbackq.ids import DEFAULT_TENANT, AgentId, CallbackId, PlaceId, SubjectId
from callbackq.model import Ahead, CallOutcome, CallState, DueReason, Entity, LiveCall, Subject
from callbackq.policy import QueuePolicy
from core.samples import (
    ANN,
    CALL_ID,
    CALLBACK_ID,
    LAW,
    NUMBER,
    START,
    SUPPORT,
    Book,
    H,
    M,
    S,
    a_call,
    a_stand,
    a_subject,
    changed,
    only_event,
    only_record,
)

POLICY = QueuePolicy(queue=SUPPORT, call_life=2 * H, talk_time_max=H)
SALES = QueuePolicy(queue="sales", call_life=H, priority_credit=M)
NOW = START + M
NOBODY = Ahead()
STAND = a_stand(priority=50, lane=3, ranked_at=START - 5 * M)
PREFERRED = {"preferred_agent_id": ANN, "preferred_until_at": START + 2 * M, "lane": 9}
JOINING = calls.Joining(
    tenant_id=DEFAULT_TENANT,
    call_id=CALL_ID,
    subject_id=SubjectId("su_1"),
    stand=STAND,
    entered_at=START - 5 * M,
)
TAKEN = a_call(
    state=CallState.TAKEN,
    agent_id=ANN,
    taken_at=START,
    due_at=START + H,
    due_reason=DueReason.TALK_OVERDUE,
)
ENDED = a_call(
    state=CallState.ENDED, outcome=CallOutcome.SERVED, ended_at=START, due_at=None, due_reason=None
)
LOST = attrs.evolve(ENDED, outcome=CallOutcome.LOST)


def test_a_caller_joins_with_a_place() -> None:
    """The place is taken by the time of entering the queue, under the call's own id."""
    decision = calls.join(JOINING, policy=POLICY, now=START)
    assert only_record(decision) == LiveCall(
        tenant_id=DEFAULT_TENANT,
        call_id=CALL_ID,
        version=1,
        state=CallState.WAITING,
        queue=SUPPORT,
        subject_id=SubjectId("su_1"),
        priority=50,
        lane=3,
        place_id=PlaceId(CALL_ID),
        entered_at=START - 5 * M,
        ranked_at=START - 5 * M,
        rank=rank(START - 5 * M, priority=50, policy=POLICY),
        due_at=START + 2 * H,
        due_reason=DueReason.EXPIRES,
    )
    assert only_event(decision).kind == "call_joined"
    Book().write(decision)


@pytest.mark.parametrize(
    ("after", "due_at", "reason"),
    [
        (2 * M, START + 2 * M, DueReason.PREFERENCE_OVER),
        (2 * H, START + 2 * H, DueReason.PREFERENCE_OVER),
        (3 * H, START + 2 * H, DueReason.EXPIRES),
    ],
)
def test_a_caller_may_wait_for_one_agent_alone(after: timedelta, due_at: datetime, reason: DueReason) -> None:
    """For a bounded time; and a call of which nothing is heard is over by then all the same."""
    stand = attrs.evolve(STAND, lane=9, preferred_until_at=START + after)
    joining = attrs.evolve(JOINING, stand=stand, preferred_agent_id=ANN)
    decision = calls.join(joining, policy=POLICY, now=START)
    call = only_record(decision)
    assert (call.lane, call.preferred_agent_id, call.preferred_until_at) == (9, ANN, START + after)
    assert (call.due_at, call.due_reason) == (due_at, reason)
    Book().write(decision)


Step = Callable[[LiveCall], Decision]


def take(call: LiveCall) -> Decision:
    return calls.take(call, ANN, subject=None, overtook=Ahead(calls=1, callbacks=2), policy=POLICY, now=NOW)


def served(call: LiveCall) -> Decision:
    return calls.served(call, None, overtook=NOBODY, policy=POLICY, now=NOW)


def lose(call: LiveCall) -> Decision:
    return calls.lose(call, now=NOW)


def abandon(call: LiveCall) -> Decision:
    return calls.convert(call, CALLBACK_ID, abandoned=True, now=NOW)


def prioritize(call: LiveCall) -> Decision:
    stand = placing.prioritized(call, priority=7, policy=POLICY)
    return calls.place(call, CallPrioritized, stand=stand, policy=POLICY, reason="a VIP", now=NOW)


def rerank(call: LiveCall) -> Decision:
    stand = placing.with_head_start(call, H, policy=POLICY)
    return calls.place(call, CallReranked, stand=stand, policy=POLICY, now=NOW)


def move(call: LiveCall) -> Decision:
    stand = placing.moved(call, priority=60, lane=4, policy=SALES)
    return calls.place(call, CallMoved, stand=stand, policy=SALES, now=NOW)


def give_back(call: LiveCall) -> Decision:
    return calls.give_back(call, policy=POLICY, now=NOW)


def rejoin(call: LiveCall) -> Decision:
    return calls.rejoin(call, policy=POLICY, now=NOW)


def leave(call: LiveCall) -> Decision:
    return calls.leave(call, now=NOW)


def convert(call: LiveCall) -> Decision:
    return calls.convert(call, CALLBACK_ID, now=NOW)


def due(call: LiveCall) -> Decision:
    return calls.due(call, lane=4, policy=POLICY, now=NOW)


def ended(outcome: CallOutcome, **more: Any) -> dict[str, Any]:
    over = {"state": CallState.ENDED, "outcome": outcome, "ended_at": NOW, "due_at": None, "due_reason": None}
    return {**over, **more}


@pytest.mark.parametrize(
    ("before", "step", "kind", "changes"),
    [
        (
            a_call(),
            take,
            "call_taken",
            {
                "state": CallState.TAKEN,
                "agent_id": ANN,
                "taken_at": NOW,
                "due_at": NOW + H,
                "due_reason": DueReason.TALK_OVERDUE,
                "overtook_calls_count": 1,
                "overtook_callbacks_count": 2,
            },
        ),
        (
            # The host's own ACD gave the caller to somebody; it did not say to whom.
            a_call(overtook_calls_count=3),
            served,
            "call_taken",
            {
                "state": CallState.TAKEN,
                "taken_at": NOW,
                "due_at": NOW + H,
                "due_reason": DueReason.TALK_OVERDUE,
            },
        ),
        (
            TAKEN,
            give_back,
            "call_returned",
            {
                "state": CallState.WAITING,
                "agent_id": None,
                "taken_at": None,
                "due_at": NOW + 2 * H,
                "due_reason": DueReason.EXPIRES,
            },
        ),
        (
            # It waits for its preferred agent as long as it did: not at all, if that time is over.
            attrs.evolve(TAKEN, preferred_until_at=START, lane=9),
            give_back,
            "call_returned",
            {
                "state": CallState.WAITING,
                "agent_id": None,
                "taken_at": None,
                "due_at": START,
                "due_reason": DueReason.PREFERENCE_OVER,
            },
        ),
        (
            a_call(),
            prioritize,
            "call_prioritized",
            {"priority": 7, "rank": rank(START, priority=7, policy=POLICY)},
        ),
        (
            a_call(**PREFERRED, due_at=START + 2 * M, due_reason=DueReason.PREFERENCE_OVER),
            prioritize,
            "call_prioritized",
            {"priority": 7, "rank": rank(START, priority=7, policy=POLICY)},
        ),
        (
            a_call(),
            rerank,
            "call_reranked",
            {"ranked_at": START - H, "rank": rank(START - H, priority=100, policy=POLICY)},
        ),
        (
            a_call(**PREFERRED, due_at=START + 2 * M, due_reason=DueReason.PREFERENCE_OVER),
            move,
            "call_moved",
            {
                "queue": "sales",
                "priority": 60,
                "lane": 4,
                "rank": rank(START, priority=60, policy=SALES),
                "preferred_until_at": None,
                "due_at": NOW + H,
                "due_reason": DueReason.EXPIRES,
            },
        ),
        (
            a_call(),
            move,
            "call_moved",
            {
                "queue": "sales",
                "priority": 60,
                "lane": 4,
                "rank": rank(START, priority=60, policy=SALES),
                "due_at": NOW + H,
            },
        ),
        (
            # Who talks already can be said to talk in another queue; how long that may take is as it was.
            attrs.evolve(TAKEN, **PREFERRED),
            move,
            "call_moved",
            {
                "queue": "sales",
                "priority": 60,
                "lane": 4,
                "rank": rank(START, priority=60, policy=SALES),
                "preferred_until_at": None,
            },
        ),
        (
            a_call(**PREFERRED, due_at=START + 2 * M, due_reason=DueReason.PREFERENCE_OVER),
            due,
            "call_opened",
            {
                "lane": 4,
                "preferred_until_at": None,
                "due_at": NOW + 2 * H,
                "due_reason": DueReason.EXPIRES,
            },
        ),
        (
            LOST,
            rejoin,
            "call_rejoined",
            {
                "state": CallState.WAITING,
                "outcome": None,
                "ended_at": None,
                "due_at": NOW + 2 * H,
                "due_reason": DueReason.EXPIRES,
            },
        ),
        (
            # It was with an agent for so long that it was taken for over.
            attrs.evolve(LOST, outcome=CallOutcome.EXPIRED, agent_id=ANN, taken_at=START - H),
            rejoin,
            "call_rejoined",
            {
                "state": CallState.WAITING,
                "outcome": None,
                "ended_at": None,
                "agent_id": None,
                "taken_at": None,
                "due_at": NOW + 2 * H,
                "due_reason": DueReason.EXPIRES,
            },
        ),
        (
            # It waits for its preferred agent as long as it did.
            attrs.evolve(LOST, **PREFERRED),
            rejoin,
            "call_rejoined",
            {
                "state": CallState.WAITING,
                "outcome": None,
                "ended_at": None,
                "due_at": START + 2 * M,
                "due_reason": DueReason.PREFERENCE_OVER,
            },
        ),
        (a_call(), leave, "call_ended", ended(CallOutcome.ABANDONED)),
        (TAKEN, leave, "call_ended", ended(CallOutcome.SERVED)),
        (a_call(), convert, "call_ended", ended(CallOutcome.CONVERTED, callback_id=CALLBACK_ID)),
        (a_call(), abandon, "call_ended", ended(CallOutcome.ABANDONED, callback_id=CALLBACK_ID)),
        (a_call(), lose, "call_ended", ended(CallOutcome.LOST)),
        (TAKEN, lose, "call_ended", ended(CallOutcome.SERVED)),
        (a_call(), due, "call_ended", ended(CallOutcome.EXPIRED)),
        (TAKEN, due, "call_ended", ended(CallOutcome.EXPIRED)),
    ],
)
def test_what_a_step_changes(before: LiveCall, step: Step, kind: str, changes: dict[str, Any]) -> None:
    """The fields that change, and no other; the event says the same, and tells its kind."""
    decision = step(before)
    record, event = only_record(decision), only_event(decision)
    assert changed(before, record) == changes
    assert event.kind == kind
    assert event.at == NOW
    told = attrs.asdict(event, recurse=False)
    assert {name: told[name] for name in changes} == changes


@pytest.mark.parametrize(
    ("subject", "told"),
    [
        (None, {}),
        (
            a_subject(contexts={CALL_ID: {"topic": "invoice"}, CALLBACK_ID: {"topic": "private"}}),
            {"number": NUMBER, "name": "Mary Major", "language": "en", "context": {"topic": "invoice"}},
        ),
        # Of another of the same person nothing is shown.
        (a_subject(), {"number": NUMBER, "name": "Mary Major", "language": "en"}),
        # The number is withheld.
        (a_subject(number=None, extension=None, name=None, language=None, contexts={}), {}),
    ],
)
def test_who_is_connected_is_told_to_the_agent(subject: Subject | None, told: dict[str, Any]) -> None:
    """Who, since when, how urgent, and the context of this very call; as far as it is known."""
    call = a_call(priority=50, entered_at=START - 5 * M)
    decision = calls.take(call, ANN, subject=subject, overtook=NOBODY, policy=POLICY, now=NOW)
    assert decision.effects == (
        ConnectCall(
            call_id=CALL_ID, agent_id=ANN, queue=SUPPORT, entered_at=START - 5 * M, priority=50, **told
        ),
    )


def test_taking_a_call_connects_it() -> None:
    """The effect names the call, the agent and the queue; no other step has one, nor what the host's ACD did."""
    assert take(a_call()).effects == (
        ConnectCall(call_id=CALL_ID, agent_id=ANN, queue=SUPPORT, entered_at=START, priority=100),
    )
    steps = (served, leave, convert, abandon, due, lose, prioritize, rerank, move)
    for decision in (give_back(TAKEN), leave(TAKEN), rejoin(LOST), *(step(a_call()) for step in steps)):
        assert decision.effects == ()


def test_whom_the_foreign_acd_chose_is_kept_if_it_says_so() -> None:
    """Told to history too, and overtaking is counted on."""
    call = a_call(overtook_calls_count=3, overtook_callbacks_count=4)
    decision = calls.served(call, ANN, overtook=Ahead(calls=1, callbacks=2), policy=POLICY, now=NOW)
    taken, event = only_record(decision), only_event(decision)
    for told in (taken, event):
        assert (told.agent_id, told.overtook_calls_count, told.overtook_callbacks_count) == (ANN, 4, 6)


def test_history_says_why_a_caller_was_placed() -> None:
    """In the operator's words, if there are any."""
    assert (only_event(prioritize(a_call())).reason, only_event(move(a_call())).reason) == ("a VIP", None)


@pytest.mark.parametrize("reason", [DueReason.EXPIRES, DueReason.PREFERENCE_OVER])
def test_a_new_rank_is_no_sign_of_life(reason: DueReason) -> None:
    """A call of which nothing is heard is over in its time, however often the line is ranked anew."""
    call = a_call(due_reason=reason, due_at=START + H, preferred_until_at=START + H)
    for _ in range(3):
        call = only_record(rerank(call))
        assert (call.due_at, call.due_reason) == (START + H, reason)


def test_leaving_twice_changes_nothing() -> None:
    """A dead line stays dead."""
    assert leave(ENDED) == Decision()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (TAKEN, "live call call-1 is taken; only a waiting one can become a callback, or be offered one"),
        (ENDED, "live call call-1 is ended; only a waiting one can become a callback, or be offered one"),
    ],
)
def test_only_a_waiting_caller_has_a_place_to_give(call: LiveCall, said: str) -> None:
    """Who talks already, or is gone, keeps no place, and is given no other."""
    for step in (convert, abandon, prioritize, rerank, *((move,) if call is ENDED else ())):
        with pytest.raises(CallHasEnded) as caught:
            step(call)
        assert str(caught.value) == said
    with pytest.raises(CallHasEnded):
        calls.check_waiting(call)


STEPS = ["take", "served", "give_back", "rejoin", "leave", "convert", "abandon", "lose", "place", "due"]


@LAW
@given(st.booleans(), st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 900))))
def test_whatever_happens_the_place_is_as_it_was(preferred: bool, steps: list[tuple[str, int]]) -> None:
    """Along any sequence that the service allows: fold(history) is the record, and the entry stays."""
    stand = attrs.evolve(STAND, lane=9, preferred_until_at=START + 2 * M) if preferred else STAND
    book = Book()
    book.write(calls.join(attrs.evolve(JOINING, stand=stand), policy=POLICY, now=START))
    first, now = _call(book), START
    for name, seconds in steps:
        before, now = _call(book), now + seconds * S
        if name == "due" and before.due_at is not None:
            now = max(now, before.due_at)
        book.write(_step(before, name, now))
        _check_laws(first, before, _call(book), now)


def _step(call: LiveCall, name: str, now: datetime) -> Decision:
    waits, taken = call.state is CallState.WAITING, call.state is CallState.TAKEN
    match name:
        case "take" if waits:
            return calls.take(call, AgentId("bob"), subject=None, overtook=NOBODY, policy=POLICY, now=now)
        case "served" if waits:
            return calls.served(call, None, overtook=Ahead(calls=1), policy=POLICY, now=now)
        case "give_back" if taken:
            return calls.give_back(call, policy=POLICY, now=now)
        case "rejoin" if call.outcome in {CallOutcome.LOST, CallOutcome.EXPIRED}:
            return calls.rejoin(call, policy=POLICY, now=now)
        case "leave":
            return calls.leave(call, now=now)
        case "convert" | "abandon" if waits:
            return calls.convert(call, CallbackId("cb_2"), abandoned=name == "abandon", now=now)
        case "lose" if waits or taken:
            return calls.lose(call, now=now)
        case "place" if waits:
            stand = placing.with_head_start(call, now - START, policy=POLICY)
            return calls.place(call, CallReranked, stand=stand, policy=POLICY, now=now)
        case "due" if call.due_at is not None:
            return calls.due(call, lane=3, policy=POLICY, now=now)
        case _:
            return Decision()


def _check_laws(first: LiveCall, before: LiveCall, after: LiveCall, now: datetime) -> None:
    for field in ("entered_at", "place_id", "priority", "queue", "subject_id", "preferred_agent_id"):
        assert getattr(after, field) == getattr(first, field)
    assert after.rank == rank(after.ranked_at, priority=after.priority, policy=POLICY)
    assert (after.lane == 9) is (after.preferred_until_at is not None)
    assert (after.outcome is None) is (after.state is not CallState.ENDED)
    became = after.outcome is CallOutcome.CONVERTED
    assert became <= (after.callback_id is not None) <= (became or after.outcome is CallOutcome.ABANDONED)
    if before.state is CallState.ENDED and after != before:
        assert before.outcome in {CallOutcome.LOST, CallOutcome.EXPIRED}
        assert after.state is CallState.WAITING
    if after.state is CallState.WAITING:
        assert (after.agent_id, after.taken_at, after.ended_at) == (None, None, None)
    if after.state is CallState.WAITING and after.preferred_until_at is not None:
        assert after.due_at is not None
        assert after.due_at <= after.preferred_until_at
    if after.due_at is not None:
        assert after.due_at <= now + max(POLICY.call_life, POLICY.talk_time_max)


def test_nobody_is_kept_in_line_for_ever() -> None:
    """If only time goes on, a caller of whom nothing is heard is out of the line, also after a preferred agent."""
    stand = attrs.evolve(STAND, lane=9, preferred_until_at=START + 2 * M)
    book = Book()
    book.write(calls.join(attrs.evolve(JOINING, stand=stand), policy=POLICY, now=START))
    for at in (START + 2 * M, START + 2 * M + 2 * H):
        call = _call(book)
        assert call.due_at == at
        book.write(calls.due(call, lane=3, policy=POLICY, now=at))
    assert _call(book).outcome is CallOutcome.EXPIRED


def _call(book: Book) -> LiveCall:
    record = book.records[Entity.CALL, CALL_ID]
    assert isinstance(record, LiveCall)
    return record

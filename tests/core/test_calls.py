"""The life of a live call: each step changes what it must, and nothing else; the place is never rewritten."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core import calls
from callbackq.core.decision import Decision
from callbackq.core.ordering import rank
from callbackq.effects import ConnectCall
from callbackq.errors import CallHasEnded
from callbackq.ids import DEFAULT_TENANT, AgentId, CallbackId, SubjectId
from callbackq.model import CallOutcome, CallState, DueReason, Entity, LiveCall
from callbackq.policy import QueuePolicy
from core.samples import (
    ANN,
    CALL_ID,
    CALLBACK_ID,
    LAW,
    START,
    SUPPORT,
    Book,
    H,
    M,
    S,
    a_call,
    changed,
    only_event,
    only_record,
)

POLICY = QueuePolicy(queue=SUPPORT, call_life=2 * H, talk_time_max=H)
NOW = START + M
JOINING = calls.Joining(
    tenant_id=DEFAULT_TENANT,
    call_id=CALL_ID,
    subject_id=SubjectId("su_1"),
    priority=50,
    lane=3,
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
        place_id=CALL_ID,
        entered_at=START - 5 * M,
        ranked_at=START - 5 * M,
        rank=rank(START - 5 * M, priority=50, policy=POLICY),
        due_at=START + 2 * H,
        due_reason=DueReason.EXPIRES,
    )
    assert only_event(decision).kind == "call_joined"
    Book().write(decision)


Step = Callable[[LiveCall], Decision]


def take(call: LiveCall) -> Decision:
    return calls.take(call, ANN, policy=POLICY, now=NOW)


def give_back(call: LiveCall) -> Decision:
    return calls.give_back(call, policy=POLICY, now=NOW)


def leave(call: LiveCall) -> Decision:
    return calls.leave(call, now=NOW)


def convert(call: LiveCall) -> Decision:
    return calls.convert(call, CALLBACK_ID, now=NOW)


def due(call: LiveCall) -> Decision:
    return calls.due(call, now=NOW)


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
        (a_call(), leave, "call_ended", ended(CallOutcome.ABANDONED)),
        (TAKEN, leave, "call_ended", ended(CallOutcome.SERVED)),
        (a_call(), convert, "call_ended", ended(CallOutcome.CONVERTED, callback_id=CALLBACK_ID)),
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


def test_taking_a_call_connects_it() -> None:
    """The effect names the call, the agent and the queue; no other step has one."""
    assert take(a_call()).effects == (ConnectCall(call_id=CALL_ID, agent_id=ANN, queue=SUPPORT),)
    for decision in (give_back(TAKEN), leave(TAKEN), leave(a_call()), convert(a_call()), due(a_call())):
        assert decision.effects == ()


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
    """Who talks already, or is gone, keeps no place."""
    with pytest.raises(CallHasEnded) as caught:
        convert(call)
    assert str(caught.value) == said


@LAW
@given(
    st.lists(
        st.tuples(st.sampled_from(["take", "give_back", "leave", "convert", "due"]), st.integers(0, 900))
    )
)
def test_whatever_happens_the_place_is_as_it_was(steps: list[tuple[str, int]]) -> None:
    """Along any sequence that the service allows: fold(history) is the record, and entry and rank stay."""
    book = Book()
    book.write(calls.join(JOINING, policy=POLICY, now=START))
    first, now = _call(book), START
    for name, seconds in steps:
        call, now = _call(book), now + seconds * S
        if name == "take" and call.state is CallState.WAITING:
            book.write(calls.take(call, AgentId("bob"), policy=POLICY, now=now))
        elif name == "give_back" and call.state is CallState.TAKEN:
            book.write(calls.give_back(call, policy=POLICY, now=now))
        elif name == "leave":
            book.write(calls.leave(call, now=now))
        elif name == "convert" and call.state is CallState.WAITING:
            book.write(calls.convert(call, CallbackId("cb_2"), now=now))
        elif name == "due" and call.due_at is not None:
            now = max(now, call.due_at)
            book.write(calls.due(call, now=now))
            assert _call(book).state is CallState.ENDED
        after = _call(book)
        for field in ("entered_at", "ranked_at", "rank", "place_id", "priority", "lane", "queue"):
            assert getattr(after, field) == getattr(first, field)
        assert (after.outcome is None) is (after.state is not CallState.ENDED)
        assert (after.callback_id is not None) is (after.outcome is CallOutcome.CONVERTED)
        if after.due_at is not None:
            assert now < after.due_at <= now + max(POLICY.call_life, POLICY.talk_time_max, timedelta(0))


def _call(book: Book) -> LiveCall:
    record = book.records[Entity.CALL, CALL_ID]
    assert isinstance(record, LiveCall)
    return record

"""Decisions: added up in order, and the head that every event of a record has."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from callbackq.core.decision import Decision, head
from callbackq.effects import HangUp
from callbackq.events import CallbackWaitedLong, CallReturned
from callbackq.ids import DEFAULT_TENANT, LegId
from callbackq.model import (
    AgentState,
    AttemptState,
    BookingState,
    CallbackState,
    CallState,
    DueReason,
    MessageState,
    OptOut,
    Record,
)
from core.samples import (
    ANN,
    ATTEMPT_ID,
    BOOKING_ID,
    CALL_ID,
    CALLBACK_ID,
    MESSAGE_ID,
    START,
    SUPPORT,
    H,
    M,
    a_booking,
    a_call,
    a_callback,
    a_control,
    a_message,
    an_agent,
    an_attempt,
)

NOW = START + M

COMMON: dict[str, Any] = {"tenant_id": DEFAULT_TENANT, "version": 1, "at": NOW}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (
            a_callback(),
            {
                "state": CallbackState.WAITING,
                "due_at": START + 24 * H,
                "due_reason": DueReason.EXPIRES,
                "callback_id": CALLBACK_ID,
            },
        ),
        (
            OptOut(tenant_id=DEFAULT_TENANT, number_key="5e8f", version=1, changed_at=NOW),
            {"due_at": None, "due_reason": None, "number_key": "5e8f"},
        ),
        (
            a_call(),
            {
                "state": CallState.WAITING,
                "due_at": START + 8 * H,
                "due_reason": DueReason.EXPIRES,
                "call_id": CALL_ID,
            },
        ),
        (
            an_agent(),
            {
                "state": AgentState.AVAILABLE,
                "due_at": START + 16 * H,
                "due_reason": DueReason.PRESENCE_OVER,
                "agent_id": ANN,
                "since_at": START,
            },
        ),
        (
            an_attempt(due_at=None, due_reason=None),
            {
                "state": AttemptState.INTENDED,
                "due_at": None,
                "due_reason": None,
                "attempt_id": ATTEMPT_ID,
                "callback_id": CALLBACK_ID,
            },
        ),
        (
            a_booking(due_at=NOW, due_reason=DueReason.REMINDER, callback_id=CALLBACK_ID),
            {
                "state": BookingState.BOOKED,
                "due_at": NOW,
                "due_reason": DueReason.REMINDER,
                "booking_id": BOOKING_ID,
                "callback_id": CALLBACK_ID,
            },
        ),
        (
            a_message(due_at=NOW),
            {
                "state": MessageState.WAITING,
                "due_at": NOW,
                "due_reason": DueReason.MESSAGE_WAITS,
                "message_id": MESSAGE_ID,
                "callback_id": CALLBACK_ID,
            },
        ),
        (a_control(), {"due_at": None, "due_reason": None, "queue": SUPPORT}),
    ],
    ids=["callback", "opt out", "call", "agent", "attempt", "booking", "message", "queue"],
)
def test_the_head_names_the_record_and_says_how_it_stands(record: Record, expected: dict[str, Any]) -> None:
    """Version, state and due time are those of the record; the time is that of the decision."""
    assert head(record, at=NOW) == {**COMMON, **expected}


def test_decisions_that_belong_together_add_up_in_order() -> None:
    """Records, events and effects keep their order: what is decided first is written first."""
    callback, call = a_callback(), a_call()
    first = Decision(
        records=(callback,),
        events=(CallbackWaitedLong(**head(callback, at=NOW), waited_long_at=NOW),),
        effects=(HangUp(leg_id=LegId("one")),),
    )
    second = Decision(
        records=(call,),
        events=(CallReturned(**head(call, at=NOW)),),
        effects=(HangUp(leg_id=LegId("two")),),
    )
    both = first + second
    assert both.records == (callback, call)
    assert both.events == first.events + second.events
    assert [effect.leg_id for effect in both.effects if isinstance(effect, HangUp)] == ["one", "two"]
    assert first + second != second + first


def test_nothing_decided_changes_nothing() -> None:
    """An empty decision is empty, and adds nothing to another."""
    callback = a_callback()
    decision = Decision(
        records=(callback,), events=(CallbackWaitedLong(**head(callback, at=NOW), waited_long_at=NOW),)
    )
    assert Decision() == Decision(records=(), events=(), effects=())
    assert decision + Decision() == Decision() + decision == decision


def test_a_decision_is_frozen() -> None:
    """What was decided is not changed afterwards."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Decision().records = (a_callback(),)  # type: ignore[misc]

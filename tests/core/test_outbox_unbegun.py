"""A send that was given out, and that nobody began: it is no try, and no word against what is known of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from callbackq.core import outbox
from callbackq.core.decision import Decision
from callbackq.model import Delivery, DeliveryKind, DueReason, Message, MessageState
from callbackq.policy import Messages
from callbackq.testing import START
from callbackq.testing.builders import make_message

POLICY = Messages(channels=("sms", "whatsapp"), tries_max=3, rest=timedelta(seconds=30))


def sending(state: MessageState = MessageState.SENDING, **changes: object) -> Message:
    return make_message(
        state=state,
        channel="sms",
        **{"sends_count": 9, "tries_count": 3, "best_before_at": START + timedelta(hours=1), **changes},
    )


def unbegun(message: Message) -> Decision:
    report = Delivery(kind=DeliveryKind.REFUSED, send_id=message.send_id, problem=outbox.NOT_WANTED)
    return outbox.delivered(message, report, channels=POLICY.channels, policy=POLICY, now=START)


@pytest.mark.parametrize(
    "message",
    [sending(), sending(MessageState.UNCERTAIN, problem=str(DueReason.SEND_OVERDUE))],
    ids=["in time", "too late"],
)
def test_it_is_given_out_again_by_the_same_channel_however_often(message: Message) -> None:
    """After a rest; the tries stay as they were before it."""
    (after,) = unbegun(message).records
    assert isinstance(after, Message)
    assert (after.state, after.tries_count, after.channels_over) == (MessageState.WAITING, 2, ())
    assert after.due_at == START + POLICY.rest


@pytest.mark.parametrize(
    "message",
    [sending(MessageState.SENT), sending(MessageState.UNCERTAIN, problem="timeout")],
    ids=["taken", "in doubt"],
)
def test_where_somebody_told_of_the_send_it_changes_nothing(message: Message) -> None:
    """Who found it not wanted was not the one who sent it."""
    decision = unbegun(message)
    assert decision.records == ()
    assert [event.kind for event in decision.events] == ["message_delivery_ignored"]

"""The outbox: its whole table, and its laws over any order of reports, deadlines and words of people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core import outbox
from callbackq.core.decision import Decision
from callbackq.core.history import fold
from callbackq.core.outbox import TRANSITIONS, Born, Command, next_channel, read_send_id
from callbackq.errors import NotPossibleNow
from callbackq.events import (
    MessageDeliveryIgnored,
    MessageEnded,
    MessageHeld,
    MessageInDoubt,
    MessageQueued,
    MessageRequeued,
    MessageSending,
    MessageSent,
)
from callbackq.ids import DEFAULT_TENANT, SubjectId
from callbackq.model import (
    Delivery,
    DeliveryKind,
    DueReason,
    Entity,
    Message,
    MessageEnd,
    MessageKind,
    MessageState,
)
from callbackq.policy import Messages
from core.samples import (
    BOOKING_ID,
    CALLBACK_ID,
    LAW,
    MESSAGE_ID,
    START,
    SUPPORT,
    Book,
    D,
    H,
    M,
    S,
    a_message,
    changed,
    only_event,
    only_record,
)

POLICY: Final = Messages(channels=("whatsapp", "sms"))
NOW: Final = START + H
_K = DeliveryKind
_S = MessageState
_C = Command

POSSIBLE: Final = {
    (None, _C.QUEUE): _S.WAITING,
    (None, _C.SEND): _S.SENDING,
    (_S.WAITING, _C.HOLD): _S.WAITING,
    (_S.WAITING, _C.SEND): _S.SENDING,
    (_S.WAITING, _C.WITHDRAW): _S.ENDED,
    (_S.UNCERTAIN, _C.SETTLE): _S.ENDED,
    (_S.SENDING, _C.DOUBT): _S.UNCERTAIN,
    **{(state, _C.ACCEPT): _S.SENT for state in (_S.WAITING, _S.SENDING, _S.UNCERTAIN)},
    **{(state, _C.DELIVER): _S.ENDED for state in (_S.WAITING, _S.SENDING, _S.SENT, _S.UNCERTAIN)},
    **{(state, _C.OPT_OUT): _S.ENDED for state in (_S.WAITING, _S.SENDING, _S.SENT, _S.UNCERTAIN)},
    **{(state, _C.REQUEUE): _S.WAITING for state in (_S.SENDING, _S.SENT, _S.UNCERTAIN)},
    **{(state, _C.FAIL): _S.ENDED for state in (_S.SENDING, _S.SENT, _S.UNCERTAIN)},
    **{(state, _C.TIME_OUT): _S.ENDED for state in (_S.SENT, _S.UNCERTAIN)},
}


def born(**changes: Any) -> Born:
    """Return the reminder of a booking, which is of use for twelve hours."""
    fields: dict[str, Any] = {
        "kind": MessageKind.REMINDER,
        "cause": "bk_1.2.reminder",
        "queue": SUPPORT,
        "callback_id": CALLBACK_ID,
        "booking_id": BOOKING_ID,
        "subject_id": SubjectId("su_1"),
        "due_at": START + M,
        "best_before_at": START + 12 * H,
    }
    return Born(**{**fields, **changes})


def given_out(state: MessageState = _S.SENDING, **changes: Any) -> Message:
    """Return a message of which one send by WhatsApp was given out, in this state."""
    due = {
        _S.WAITING: (NOW + M, DueReason.MESSAGE_WAITS),
        _S.SENDING: (NOW - S, DueReason.SEND_OVERDUE),
        _S.SENT: (NOW + 72 * H, DueReason.RECEIPT_OVERDUE),
        _S.UNCERTAIN: (NOW + D, DueReason.UNCERTAIN_TOO_LONG),
        _S.ENDED: (None, None),
    }[state]
    fields: dict[str, Any] = {
        "version": 2,
        "state": state,
        "channel": "whatsapp",
        "address_key": "digest",
        "sends_count": 1,
        "tries_count": 1,
        "sent_at": START if state is _S.SENT else None,
        "provider_key": "SM1" if state is _S.SENT else None,
        "due_at": due[0],
        "due_reason": due[1],
    }
    return a_message(**{**fields, **changes})


def send(message: Message, channel: str = "whatsapp") -> Decision:
    return outbox.send(
        message,
        channel=channel,
        address_key=f"key of {channel}",
        choices=("2026-01-05T15:00:00+00:00",),
        segments_count=2,
        policy=POLICY,
        now=NOW,
    )


def report(message: Message, kind: DeliveryKind, *, policy: Messages = POLICY, **more: Any) -> Decision:
    """Let a report of the latest send come in."""
    delivery = Delivery(kind=kind, **({"send_id": message.send_id} | more))
    return outbox.delivered(message, delivery, channels=policy.channels, policy=policy, now=NOW)


def is_ignored(decision: Decision, message: Message, kind: DeliveryKind) -> bool:
    """Whether it changed nothing, and the history says what came."""
    event = only_event(decision)
    assert type(event) is MessageDeliveryIgnored
    assert (event.version, event.state, event.delivery) == (message.version, message.state, kind)
    return decision.records == () == decision.effects


# ---------------------------------------------------------------------------- the table


def test_the_table_is_the_one_that_is_meant() -> None:
    """Every pair that can happen, and no other; nothing leaves ENDED."""
    assert dict(TRANSITIONS) == POSSIBLE
    assert {command for _, command in TRANSITIONS} == set(Command)
    assert not [command for before, command in TRANSITIONS if before is _S.ENDED]


CALLS: Final[dict[Command, Callable[[Message], Decision]]] = {
    _C.HOLD: lambda message: outbox.hold(message, until=NOW, now=NOW),
    _C.SEND: send,
    _C.WITHDRAW: lambda message: outbox.withdraw(message, "moved", now=NOW),
    _C.SETTLE: lambda message: outbox.settle(message, sent=True, by="ann", reason=None, now=NOW),
}


@pytest.mark.parametrize("state", MessageState)
@pytest.mark.parametrize("command", CALLS)
def test_a_command_is_refused_where_the_table_does_not_have_it(command: Command, state: MessageState) -> None:
    """The error says in which states it is possible."""
    if (state, command) in TRANSITIONS:
        assert only_record(CALLS[command](given_out(state))).state is TRANSITIONS[state, command]
        return
    with pytest.raises(NotPossibleNow) as caught:
        CALLS[command](given_out(state))
    assert caught.value.state == state
    assert caught.value.command == f"{command} a message"
    allowed = sorted(str(before) for before, possible in TRANSITIONS if possible is command and before)
    assert str(caught.value).endswith(f"allowed in: {', '.join(allowed)}")


# ---------------------------------------------------------------------------- wait and send


def test_a_message_waits_for_its_time() -> None:
    """It is made of what was born, and the event tells all of it."""
    decision = outbox.queue(born(), tenant_id=DEFAULT_TENANT, message_id=MESSAGE_ID, now=START)
    message = only_record(decision)
    assert message == a_message(
        message_kind=MessageKind.REMINDER,
        cause="bk_1.2.reminder",
        booking_id=BOOKING_ID,
        due_at=START + M,
    )
    assert type(only_event(decision)) is MessageQueued
    assert fold(decision.events) == {(Entity.MESSAGE, MESSAGE_ID): message}


def test_it_is_held_until_the_hours_permit_it() -> None:
    """Nothing but its time changes."""
    message = a_message()
    decision = outbox.hold(message, until=START + 12 * H - S, now=NOW)
    assert changed(message, only_record(decision)) == {"due_at": START + 12 * H - S}
    assert type(only_event(decision)) is MessageHeld


def test_what_would_be_held_too_long_is_withdrawn() -> None:
    """A reminder after the call is worse than none."""
    message = a_message()
    decision = outbox.hold(message, until=START + 12 * H, now=NOW)
    assert changed(message, only_record(decision)) == {
        "state": _S.ENDED,
        "ended_as": MessageEnd.WITHDRAWN,
        "ended_at": NOW,
        "problem": outbox.TOO_LATE,
        "due_at": None,
        "due_reason": None,
    }


def test_it_is_too_late_when_its_time_has_come() -> None:
    """A moment before, it is still sent: a hold or a rest until then would be for nothing."""
    message = a_message()
    assert not outbox.is_too_late(message, now=message.best_before_at - S)
    assert outbox.is_too_late(message, now=message.best_before_at)


def test_the_intent_to_send_is_written_down() -> None:
    """How, to whom, which number of send it is, and until when its result is waited for."""
    message = a_message()
    decision = send(message)
    assert changed(message, only_record(decision)) == {
        "state": _S.SENDING,
        "channel": "whatsapp",
        "address_key": "key of whatsapp",
        "choices": ("2026-01-05T15:00:00+00:00",),
        "sends_count": 1,
        "tries_count": 1,
        "due_at": NOW + POLICY.send_time_max,
        "due_reason": DueReason.SEND_OVERDUE,
    }
    event = only_event(decision)
    assert type(event) is MessageSending
    assert event.segments_count == 2
    assert only_record(decision).send_id == "ms_1.1"


def test_tries_are_counted_by_channel_and_sends_over_all() -> None:
    """The name that the provider gave to an earlier send is forgotten."""
    waiting = given_out(_S.WAITING, tries_count=2, sends_count=2, provider_key="SM1")
    again = only_record(send(waiting))
    assert (again.tries_count, again.sends_count, again.provider_key) == (3, 3, None)
    other = only_record(send(waiting, "sms"))
    assert (other.tries_count, other.sends_count, other.channel) == (1, 3, "sms")


def test_a_channel_that_was_given_up_is_not_used_again() -> None:
    """Whoever chooses it is wrong."""
    with pytest.raises(NotPossibleNow, match="send by whatsapp"):
        send(given_out(_S.WAITING, channels_over=("whatsapp",)))


def test_an_answer_is_given_out_at_once() -> None:
    """One record in its first version, of which two events tell: the history builds it."""
    decision = outbox.answer(
        born(kind=MessageKind.STATUS, is_answer=True, subject_id=None),
        tenant_id=DEFAULT_TENANT,
        message_id=MESSAGE_ID,
        channel="sms",
        address_key="digest",
        choices=(),
        segments_count=1,
        policy=POLICY,
        now=NOW,
    )
    message = only_record(decision)
    assert (message.version, message.state, message.send_id) == (1, _S.SENDING, "ms_1.1")
    assert (message.is_answer, message.subject_id, message.due_at) == (True, None, NOW + M)
    assert [type(event) for event in decision.events] == [MessageQueued, MessageSending]
    assert [(event.version, event.at) for event in decision.events] == [(1, NOW), (1, NOW)]
    assert fold(decision.events) == {(Entity.MESSAGE, MESSAGE_ID): message}


def test_a_message_is_withdrawn_with_its_reason() -> None:
    """Who did it, if anybody, stands in the history alone."""
    decision = outbox.withdraw(a_message(), "moved", now=NOW, by="ann", reason="another day")
    record, event = only_record(decision), only_event(decision)
    assert (record.ended_as, record.problem) == (MessageEnd.WITHDRAWN, "moved")
    assert (type(event), event.by, event.reason) == (MessageEnded, "ann", "another day")


# ---------------------------------------------------------------------------- reports

LIVE: Final = (_S.SENDING, _S.SENT, _S.UNCERTAIN)


@pytest.mark.parametrize("state", [_S.WAITING, _S.SENDING, _S.UNCERTAIN])
def test_the_provider_has_taken_it(state: MessageState) -> None:
    """Even if it was said to be refused before: it is not sent a second time."""
    message = given_out(state)
    decision = report(message, _K.ACCEPTED, provider_id="SM2")
    expected = {
        "state": _S.SENT,
        "provider_key": "SM2",
        "sent_at": NOW,
        "due_at": NOW + POLICY.receipt_time_max,
        "due_reason": DueReason.RECEIPT_OVERDUE,
    }
    assert changed(message, only_record(decision)) == expected
    assert type(only_event(decision)) is MessageSent


@pytest.mark.parametrize("state", [_S.WAITING, *LIVE])
def test_it_has_arrived(state: MessageState) -> None:
    """Whatever was known before; when it was sent is not known any better than now, if nobody said."""
    message = given_out(state)
    record = only_record(report(message, _K.DELIVERED))
    assert (record.state, record.ended_as, record.ended_at) == (_S.ENDED, MessageEnd.DELIVERED, NOW)
    assert record.sent_at == (START if state is _S.SENT else NOW)
    assert record.provider_key == message.provider_key


@pytest.mark.parametrize("state", LIVE)
@pytest.mark.parametrize("kind", [_K.UNDELIVERED, _K.IMPOSSIBLE])
def test_what_did_not_arrive_goes_by_the_next_channel_at_once(
    state: MessageState, kind: DeliveryKind
) -> None:
    """The one that it was sent by is given up."""
    message = given_out(state)
    decision = report(message, kind, problem="30003")
    assert changed(message, only_record(decision)) == {
        "state": _S.WAITING,
        "tries_count": 0,
        "channels_over": ("whatsapp",),
        "problem": "30003",
        "due_at": NOW,
        "due_reason": DueReason.MESSAGE_WAITS,
    }
    assert type(only_event(decision)) is MessageRequeued


@pytest.mark.parametrize("state", LIVE)
@pytest.mark.parametrize("kind", [_K.UNDELIVERED, _K.IMPOSSIBLE, _K.REFUSED])
def test_without_another_channel_it_has_failed(state: MessageState, kind: DeliveryKind) -> None:
    """The problem is the provider's code, or else what was reported."""
    last = given_out(state, channel="sms", tries_count=3, sends_count=4, channels_over=("whatsapp",))
    record = only_record(report(last, kind))
    assert (record.state, record.ended_as, record.problem) == (_S.ENDED, MessageEnd.FAILED, kind)


@pytest.mark.parametrize("state", [_S.SENDING, _S.UNCERTAIN])
@pytest.mark.parametrize(("tries", "rest"), [(1, 30 * S), (2, 60 * S)])
def test_a_refused_send_is_tried_again_after_a_rest(state: MessageState, tries: int, rest: timedelta) -> None:
    """Twice as long each time, by the same channel."""
    record = only_record(report(given_out(state, tries_count=tries), _K.REFUSED))
    assert (record.state, record.due_at) == (_S.WAITING, NOW + rest)
    assert (record.tries_count, record.channels_over, record.problem) == (tries, (), "refused")


def test_a_rest_does_not_outlast_its_use() -> None:
    """Then it is looked at when its use is over, and withdrawn; at once, where that has passed."""
    soon = given_out(best_before_at=NOW + S)
    assert only_record(report(soon, _K.REFUSED)).due_at == NOW + S
    over = given_out(best_before_at=NOW - S)
    assert only_record(report(over, _K.REFUSED)).due_at == NOW


def test_when_its_tries_are_used_up_the_next_channel_is_tried() -> None:
    """At once."""
    record = only_record(report(given_out(tries_count=3, sends_count=3), _K.REFUSED))
    assert (record.state, record.due_at, record.channels_over) == (_S.WAITING, NOW, ("whatsapp",))


def test_a_refusal_of_what_was_taken_is_no_leave_to_repeat_it() -> None:
    """The provider has said two things of one send: its channel is not trusted with another."""
    record = only_record(report(given_out(_S.SENT), _K.REFUSED))
    assert (record.state, record.channels_over, record.due_at) == (_S.WAITING, ("whatsapp",), NOW)


def test_sends_are_counted_where_channels_change_in_between() -> None:
    """Who changes their mind about the channel each time is not sent more than all tries together."""
    turning = given_out(channel="sms", tries_count=1, sends_count=6)
    assert only_record(report(turning, _K.REFUSED)).ended_as is MessageEnd.FAILED
    assert only_record(report(attrs.evolve(turning, sends_count=5), _K.REFUSED)).state is _S.WAITING


@pytest.mark.parametrize("kind", [_K.UNDELIVERED, _K.IMPOSSIBLE, _K.REFUSED])
def test_an_answer_to_a_stranger_cannot_be_sent_again(kind: DeliveryKind) -> None:
    """The address stands nowhere."""
    answer = given_out(is_answer=True, subject_id=None)
    assert only_record(report(answer, kind)).ended_as is MessageEnd.FAILED


@pytest.mark.parametrize("state", [_S.WAITING, *LIVE])
def test_nothing_is_sent_to_who_opted_out(state: MessageState) -> None:
    """It was certainly not sent, and no other channel is tried."""
    record = only_record(report(given_out(state), _K.OPTED_OUT, problem="21610"))
    assert (record.state, record.ended_as) == (_S.ENDED, MessageEnd.WITHDRAWN)
    assert record.problem == outbox.OPTED_OUT


def test_a_send_of_which_nobody_knows_is_left_alone() -> None:
    """It waits for a receipt, a person or time."""
    message = given_out()
    decision = report(message, _K.UNCERTAIN, problem="timeout")
    assert changed(message, only_record(decision)) == {
        "state": _S.UNCERTAIN,
        "problem": "timeout",
        "due_at": NOW + POLICY.uncertain_life,
        "due_reason": DueReason.UNCERTAIN_TOO_LONG,
    }
    assert type(only_event(decision)) is MessageInDoubt


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        *((_S.WAITING, kind) for kind in (_K.UNDELIVERED, _K.REFUSED, _K.IMPOSSIBLE, _K.UNCERTAIN)),
        (_S.SENT, _K.ACCEPTED),
        (_S.SENT, _K.UNCERTAIN),
        (_S.UNCERTAIN, _K.UNCERTAIN),
        *((_S.ENDED, kind) for kind in _K),
    ],
)
def test_what_tells_nothing_new_is_ignored(state: MessageState, kind: DeliveryKind) -> None:
    """Twice, out of order, or after the end."""
    message = given_out(state)
    assert is_ignored(report(message, kind), message, kind)


@pytest.mark.parametrize("kind", DeliveryKind)
@pytest.mark.parametrize("send_id", ["ms_1.1", "ms_1.3", "ms_2.2", "", "ms_1"])
def test_a_report_of_another_send_is_ignored(kind: DeliveryKind, send_id: str) -> None:
    """An earlier one of the same message too: what is known of it is known."""
    message = given_out(sends_count=2)
    assert is_ignored(report(message, kind, send_id=send_id), message, kind)


@pytest.mark.parametrize("kind", DeliveryKind)
def test_what_was_never_sent_has_no_reports(kind: DeliveryKind) -> None:
    """Not even of its send number 0."""
    message = a_message()
    assert message.send_id == "ms_1.0"
    assert is_ignored(report(message, kind), message, kind)


@pytest.mark.parametrize(
    ("provider_id", "channel", "fits"),
    [
        ("SM1", None, True),
        ("SM1", "whatsapp", True),
        ("SM1", "sms", False),
        ("SM2", "whatsapp", False),
        (None, "whatsapp", False),
    ],
)
def test_a_receipt_names_a_send_as_the_provider_does(
    provider_id: str | None, channel: str | None, *, fits: bool
) -> None:
    """By the name that it gave to the latest send, on its channel."""
    message = given_out(_S.SENT)
    decision = report(message, _K.DELIVERED, send_id=None, provider_id=provider_id, channel=channel)
    if fits:
        assert only_record(decision).ended_as is MessageEnd.DELIVERED
    else:
        assert is_ignored(decision, message, _K.DELIVERED)


def test_a_receipt_without_any_name_is_of_no_send() -> None:
    """Not even of one that the provider has given no name to yet."""
    message = given_out()
    assert is_ignored(report(message, _K.DELIVERED, send_id=None), message, _K.DELIVERED)


def test_channels_that_are_not_usable_any_more_take_no_tries_from_the_others() -> None:
    """All that were used count, and not only those that are left."""
    left = given_out(channel="sms", tries_count=1, sends_count=4, channels_over=("whatsapp",))
    delivery = Delivery(kind=_K.REFUSED, send_id=left.send_id)
    decision = outbox.delivered(left, delivery, channels=("sms",), policy=POLICY, now=NOW)
    assert only_record(decision).state is _S.WAITING


# ---------------------------------------------------------------------------- time and people


def test_a_send_that_takes_too_long_is_in_doubt() -> None:
    """It may have been sent: it is not repeated."""
    record = only_record(outbox.due(given_out(), policy=POLICY, now=NOW))
    assert (record.state, record.problem) == (_S.UNCERTAIN, "send_overdue")
    assert record.due_at == NOW + POLICY.uncertain_life


@pytest.mark.parametrize(("state", "end"), [(_S.SENT, MessageEnd.SENT), (_S.UNCERTAIN, MessageEnd.UNCERTAIN)])
def test_without_news_it_ends_as_what_is_known(state: MessageState, end: MessageEnd) -> None:
    """Taken, or not known; the problem is kept."""
    record = only_record(outbox.due(given_out(state, problem="timeout"), policy=POLICY, now=NOW))
    assert (record.state, record.ended_as, record.problem) == (_S.ENDED, end, "timeout")


@pytest.mark.parametrize("state", [_S.WAITING, _S.ENDED])
def test_time_alone_does_nothing_to_what_waits_or_is_over(state: MessageState) -> None:
    """What waits is to be sent, or withdrawn."""
    with pytest.raises(NotPossibleNow):
        outbox.due(given_out(state), policy=POLICY, now=NOW)


@pytest.mark.parametrize(
    ("sent", "end", "problem"),
    [(True, MessageEnd.SENT, "timeout"), (False, MessageEnd.WITHDRAWN, outbox.NOT_SENT)],
)
def test_a_person_says_what_became_of_it(*, sent: bool, end: MessageEnd, problem: str) -> None:
    """It is over either way, and the history says who said so."""
    message = given_out(_S.UNCERTAIN, problem="timeout")
    decision = outbox.settle(message, sent=sent, by="ann", reason="looked it up", now=NOW)
    record, event = only_record(decision), only_event(decision)
    assert (record.state, record.ended_as, record.problem) == (_S.ENDED, end, problem)
    assert (event.by, event.reason) == ("ann", "looked it up")


# ---------------------------------------------------------------------------- channels and ids


def test_the_next_channel_is_the_first_that_was_not_given_up() -> None:
    """In the order of preference."""
    assert next_channel(("whatsapp", "sms"), ()) == "whatsapp"
    assert next_channel(("whatsapp", "sms", "email"), ("whatsapp", "sms")) == "email"
    assert next_channel(("sms",), ("sms",)) is None
    assert next_channel((), ()) is None


@pytest.mark.parametrize("text", ["ms_1.1", "ms_01JABC.3", "ms_a-b_c.10", "ms_1.9999"])
def test_the_id_of_a_send_is_read(text: str) -> None:
    """The message, and the number of the send: and back again."""
    read = read_send_id(text)
    assert read is not None
    assert f"{read[0]}.{read[1]}" == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ms_1",
        "ms_1.",
        "ms_1.0",
        "ms_1.01",
        "ms_.1",
        "cb_1.1",
        "ms_1.1\n",
        "ms_1.1.1",
        "ms_1.\u0661",
        "ms_1.-1",
    ],
)
def test_what_is_no_id_of_a_send_is_not_read(text: str) -> None:
    """Nor anything that would be a second spelling of one."""
    assert read_send_id(text) is None


# ---------------------------------------------------------------------------- the laws


CERTAINLY_NOT: Final = (_K.REFUSED, _K.IMPOSSIBLE, _K.UNDELIVERED)
CHANNELS: Final = ("whatsapp", "sms", "email")


class Post:
    """An outbox with one message, to which anything is done in any order; it holds the laws after each step."""

    def __init__(self, *, tries_max: int, stranger: bool) -> None:
        self.policy = Messages(channels=CHANNELS, tries_max=tries_max)
        self.book = Book()
        self.now = START
        self.given_out: list[str] = []
        self.said: DeliveryKind | None = None
        self.book.write(
            outbox.queue(
                born(subject_id=None if stranger else SubjectId("su_1")),
                tenant_id=DEFAULT_TENANT,
                message_id=MESSAGE_ID,
                now=START,
            )
        )

    @property
    def message(self) -> Message:
        record = self.book.records[Entity.MESSAGE, MESSAGE_ID]
        assert isinstance(record, Message)
        return record

    def write(self, decision: Decision) -> None:
        self.book.write(decision)
        if not decision.records:
            assert [type(event) for event in decision.events] == [MessageDeliveryIgnored]

    def step(self, what: int, number: int) -> None:
        """Do one thing, if it can be done."""
        self.now += number * M
        try:
            self._do(what, number)
        except NotPossibleNow:
            assert self.message.state is not _S.WAITING or what not in (0, 1, 2)
        assert self.book.records == fold(self.book.events)

    def _do(self, what: int, number: int) -> None:
        message = self.message
        match what:
            case 0:
                self._send(number)
            case 1:
                self.write(outbox.hold(message, until=self.now + number * H, now=self.now))
            case 2:
                if number == 0:
                    self.write(outbox.withdraw(message, "moved", now=self.now))
            case 3:
                self.write(outbox.due(message, policy=self.policy, now=self.now))
            case 4:
                self.write(outbox.settle(message, sent=number > 2, by="ann", reason=None, now=self.now))
            case _:
                self._report(list(DeliveryKind)[what - 5], number)

    def _send(self, number: int) -> None:
        message = self.message
        free = [channel for channel in CHANNELS if channel not in message.channels_over] or CHANNELS
        channel = free[number % len(free)]  # The customer may change their mind about it.
        decision = outbox.send(
            message,
            channel=channel,
            address_key="digest",
            choices=(),
            segments_count=1,
            policy=self.policy,
            now=self.now,
        )
        assert self.given_out == [] or self.said in CERTAINLY_NOT
        self.write(decision)
        self.given_out.append(self.message.send_id)
        self.said = None
        assert len(set(self.given_out)) == len(self.given_out) <= self.policy.tries_max * len(CHANNELS)

    def _report(self, kind: DeliveryKind, number: int) -> None:
        before = self.message
        send_id = f"{MESSAGE_ID}.{max(0, before.sends_count - max(0, number - 2))}"
        delivery = Delivery(kind=kind, send_id=send_id)
        decision = outbox.delivered(before, delivery, channels=CHANNELS, policy=self.policy, now=self.now)
        self.write(decision)
        if decision.records:
            assert send_id == before.send_id
            self.said = kind


_REPORTS: Final = [5 + number for number, _ in enumerate(DeliveryKind)]
_REFUSALS: Final = [5 + list(DeliveryKind).index(kind) for kind in (*CERTAINLY_NOT, _K.UNCERTAIN)]
STEPS: Final = st.lists(
    # Mostly what keeps it alive: else few would be sent a second time.
    st.tuples(st.sampled_from([0] * 8 + _REFUSALS * 2 + _REPORTS + [1, 2, 3, 4]), st.integers(0, 4)),
    min_size=8,
    max_size=60,
)


@LAW
@given(STEPS, st.integers(1, 3), st.booleans())
def test_nothing_is_sent_twice_and_nothing_is_forgotten(
    steps: list[tuple[int, int]], tries_max: int, stranger: bool
) -> None:
    """
    Whatever comes in whatever order.

    Each send is given out once, and only after it is certain that the one before reached nobody; there are no more
    than the tries of all channels; the history builds the record, and what lives is due (as `Book` checks).
    """
    post = Post(tries_max=tries_max, stranger=stranger)
    for what, number in steps:
        post.step(what, number)
    assert len(post.given_out) <= (1 if stranger else tries_max * len(CHANNELS))


@LAW
@given(st.integers(1, 3), st.lists(st.sampled_from(CERTAINLY_NOT), min_size=9, max_size=9))
def test_who_is_never_reached_is_tried_by_every_channel(tries_max: int, kinds: list[DeliveryKind]) -> None:
    """In order of preference, until it has failed: never left hanging."""
    post = Post(tries_max=tries_max, stranger=False)
    used: list[str] = []
    for kind in kinds:
        if post.message.state is _S.ENDED:
            break
        post.step(0, 0)
        used.append(post.message.channel or "")
        post.step(5 + list(DeliveryKind).index(kind), 0)
    assert post.message.ended_as is MessageEnd.FAILED
    assert list(dict.fromkeys(used)) == list(CHANNELS)
    assert all(used.count(channel) <= tries_max for channel in CHANNELS)

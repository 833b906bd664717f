"""
The life of one message in the outbox.

A message is WAITING until it may be sent. When it is given out it is SENDING: the intent is durable, and nothing else
is given out for it until it is known what became of this send. The provider takes it (SENT), and a receipt may say
that it arrived. A send that certainly did not reach anybody gives the message back (WAITING): for the same channel
after a rest, or for the next one. A send of which nobody knows leaves it UNCERTAIN: it is never repeated, and a
receipt, a person or time settles it. It is ENDED with one end, and nothing leaves ENDED.

::

    WAITING ── send ──> SENDING ── accept ──> SENT ── deliver, time ──> ENDED
       ^  │ hold          │  │                 │
       │  └ withdraw ──>  │  └── doubt ──> UNCERTAIN ── settle, time, deliver ──> ENDED
       └──── requeue ─────┴────────────────────┘
                 (refused, impossible, or not delivered: for certain)

Of contradictions the later word counts where it forbids a send, and only a certain word permits one:

- *Taken* or *delivered*, after a send was said to be refused: it is not sent again.
- *Refused* after it was taken: it did not arrive, so the next channel is tried. The same one is not, for it has said
  two things of one send.
- *Uncertain* takes nothing away from what is known already.

Rule 1: TRANSITIONS is the whole truth. A pair that is not in it cannot happen, and trying it is refused.
Rule 2: every state but ENDED has a `due_at`, so nothing is forgotten.
Rule 3: each (message, number of the send) is given out once.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

import attrs

from callbackq.core.decision import Decision, told
from callbackq.errors import NotPossibleNow
from callbackq.events import (
    MessageDeliveryIgnored,
    MessageEnded,
    MessageEvent,
    MessageHeld,
    MessageInDoubt,
    MessageQueued,
    MessageRequeued,
    MessageSending,
    MessageSent,
)
from callbackq.ids import BookingId, CallbackId, MessageId, QueueName, SubjectId, TenantId
from callbackq.model import (
    Delivery,
    DeliveryKind,
    DueReason,
    Message,
    MessageEnd,
    MessageKind,
    MessageState,
)
from callbackq.policy import Messages

TOO_LATE: Final = "too_late"
"""The problem of a message that was withdrawn because nobody needs it any more: its `best_before_at` has come."""
OPTED_OUT: Final = "opted_out"
"""The problem of a message whose receiver wants none."""
NOT_SENT: Final = "not_sent"
"""The problem of a message of which a person said that it was not sent."""
NOT_WANTED: Final = "not_wanted"
"""The problem of a send that was given out, and that nobody began: it was not wanted, or its time was over by then."""


class Command(enum.StrEnum):
    """What can be done to a message."""

    QUEUE = "queue"
    HOLD = "hold"
    SEND = "send"
    WITHDRAW = "withdraw"
    ACCEPT = "accept"
    DELIVER = "deliver"
    REQUEUE = "queue again"
    FAIL = "fail"
    DOUBT = "doubt"
    OPT_OUT = "opt out"
    TIME_OUT = "end for want of news"
    SETTLE = "settle"


_S = MessageState
TRANSITIONS: Final[Mapping[tuple[MessageState | None, Command], MessageState]] = MappingProxyType(
    {
        (None, Command.QUEUE): _S.WAITING,
        (None, Command.SEND): _S.SENDING,
        (_S.WAITING, Command.HOLD): _S.WAITING,
        (_S.WAITING, Command.SEND): _S.SENDING,
        (_S.WAITING, Command.WITHDRAW): _S.ENDED,
        (_S.WAITING, Command.ACCEPT): _S.SENT,
        (_S.WAITING, Command.DELIVER): _S.ENDED,
        (_S.WAITING, Command.OPT_OUT): _S.ENDED,
        (_S.SENDING, Command.ACCEPT): _S.SENT,
        (_S.SENDING, Command.DELIVER): _S.ENDED,
        (_S.SENDING, Command.REQUEUE): _S.WAITING,
        (_S.SENDING, Command.FAIL): _S.ENDED,
        (_S.SENDING, Command.DOUBT): _S.UNCERTAIN,
        (_S.SENDING, Command.OPT_OUT): _S.ENDED,
        (_S.SENT, Command.DELIVER): _S.ENDED,
        (_S.SENT, Command.REQUEUE): _S.WAITING,
        (_S.SENT, Command.FAIL): _S.ENDED,
        (_S.SENT, Command.OPT_OUT): _S.ENDED,
        (_S.SENT, Command.TIME_OUT): _S.ENDED,
        (_S.UNCERTAIN, Command.ACCEPT): _S.SENT,
        (_S.UNCERTAIN, Command.DELIVER): _S.ENDED,
        (_S.UNCERTAIN, Command.REQUEUE): _S.WAITING,
        (_S.UNCERTAIN, Command.FAIL): _S.ENDED,
        (_S.UNCERTAIN, Command.OPT_OUT): _S.ENDED,
        (_S.UNCERTAIN, Command.TIME_OUT): _S.ENDED,
        (_S.UNCERTAIN, Command.SETTLE): _S.ENDED,
    }
)


@attrs.frozen(kw_only=True)
class Born:
    """
    A message that is to be: what it tells, of what, and to whom.

    Args:
        cause: what it tells of; no two messages have the same.
        subject_id: to whom; None for a stranger, who is answered at once or not at all.
        due_at: when it is to be sent.
        best_before_at: from then on it is not sent any more.
    """

    kind: MessageKind
    cause: str
    queue: QueueName
    callback_id: CallbackId | None = None
    booking_id: BookingId | None = None
    subject_id: SubjectId | None = None
    is_answer: bool = False
    due_at: datetime
    best_before_at: datetime


# ---------------------------------------------------------------------------- wait and send


def queue(born: Born, *, tenant_id: TenantId, message_id: MessageId, now: datetime) -> Decision:
    """Put a message into the outbox: it waits for its time."""
    message = Message(
        tenant_id=tenant_id,
        message_id=message_id,
        version=1,
        state=TRANSITIONS[None, Command.QUEUE],
        message_kind=born.kind,
        cause=born.cause,
        queue=born.queue,
        callback_id=born.callback_id,
        booking_id=born.booking_id,
        subject_id=born.subject_id,
        is_answer=born.is_answer,
        created_at=now,
        best_before_at=born.best_before_at,
        due_at=born.due_at,
        due_reason=DueReason.MESSAGE_WAITS,
    )
    return _decided(message, MessageQueued, now=now)


def answer(
    born: Born,
    *,
    tenant_id: TenantId,
    message_id: MessageId,
    channel: str,
    address_key: str,
    choices: tuple[str, ...],
    segments_count: int,
    policy: Messages,
    now: datetime,
) -> Decision:
    """
    Put a message into the outbox that is given out at once: one record, its intent made with it.

    Two events tell of its first version: that it was queued, and that it is being sent.
    """
    queued = queue(born, tenant_id=tenant_id, message_id=message_id, now=now)
    (waiting,) = queued.records
    assert isinstance(waiting, Message)
    sent = send(
        waiting,
        channel=channel,
        address_key=address_key,
        choices=choices,
        segments_count=segments_count,
        policy=policy,
        now=now,
    )
    (sending,) = sent.records
    assert isinstance(sending, Message)
    message = attrs.evolve(sending, version=1)
    event = told(MessageSending, message, at=now, segments_count=segments_count)
    return Decision(records=(message,), events=(*queued.events, event))


def is_too_late(message: Message, *, now: datetime) -> bool:
    """Whether it is not sent any more, for its `best_before_at` has come."""
    return now >= message.best_before_at


def hold(message: Message, *, until: datetime, now: datetime) -> Decision:
    """
    Let it wait until the hours permit it; withdraw it where it would come too late then.

    Raises:
        NotPossibleNow: it is not waiting.
    """
    if until >= message.best_before_at:
        return withdraw(message, TOO_LATE, now=now)
    record = _move(message, Command.HOLD, due=(until, DueReason.MESSAGE_WAITS))
    return _decided(record, MessageHeld, now=now)


def send(
    message: Message,
    *,
    channel: str,
    address_key: str,
    choices: tuple[str, ...],
    segments_count: int,
    policy: Messages,
    now: datetime,
) -> Decision:
    """
    Give it out to be sent by *channel*: the intent. It must be durable before anybody sends it.

    Raises:
        NotPossibleNow: it is not waiting, or this channel was given up.
    """
    if channel in message.channels_over:
        raise NotPossibleNow(f"send by {channel}", str(message.state), "channels that were not given up")
    record = _move(
        message,
        Command.SEND,
        due=(now + policy.send_time_max, DueReason.SEND_OVERDUE),
        channel=channel,
        address_key=address_key,
        choices=choices,
        sends_count=message.sends_count + 1,
        tries_count=message.tries_count + 1 if channel == message.channel else 1,
        provider_key=None,
    )
    return _decided(record, MessageSending, now=now, segments_count=segments_count)


def withdraw(
    message: Message, problem: str, *, now: datetime, by: str | None = None, reason: str | None = None
) -> Decision:
    """
    Take back a message that waits: it is not true any more, or comes too late, or nobody wants it.

    Args:
        problem: which of these, as one word.

    Raises:
        NotPossibleNow: it is not waiting: it may have been sent.
    """
    return _end(
        message, Command.WITHDRAW, MessageEnd.WITHDRAWN, problem=problem, now=now, by=by, reason=reason
    )


# ---------------------------------------------------------------------------- what becomes of a send


def delivered(
    message: Message,
    delivery: Delivery,
    *,
    channels: Sequence[str],
    policy: Messages,
    now: datetime,
) -> Decision:
    """
    Take note of what is known of one send.

    A report of an earlier send, or one that tells nothing new, or that comes after the end, changes nothing: it is
    kept in the history, and the decision has no record.

    Args:
        channels: by which it may be sent, in order of preference.
    """
    command = _COMMANDS.get((message.state, delivery.kind))
    is_news = _is_of_latest(message, delivery) and not (_is_unbegun(delivery) and _was_begun(message))
    if command is None or not is_news:
        ignored = told(MessageDeliveryIgnored, message, at=now, delivery=delivery.kind)
        return Decision(events=(ignored,))
    match command:
        case Command.ACCEPT:
            return _accepted(message, delivery, policy=policy, now=now)
        case Command.DELIVER:
            return _arrived(message, delivery, now=now)
        case Command.OPT_OUT:
            return _end(message, command, MessageEnd.WITHDRAWN, problem=OPTED_OUT, now=now)
        case Command.DOUBT:
            return _doubt(message, problem=delivery.problem, policy=policy, now=now)
        case _:
            return _again(message, delivery, channels=channels, policy=policy, now=now)


_COMMANDS: Final[Mapping[tuple[MessageState, DeliveryKind], Command]] = MappingProxyType(
    {
        (_S.WAITING, DeliveryKind.ACCEPTED): Command.ACCEPT,
        (_S.WAITING, DeliveryKind.DELIVERED): Command.DELIVER,
        (_S.WAITING, DeliveryKind.OPTED_OUT): Command.OPT_OUT,
        (_S.SENDING, DeliveryKind.ACCEPTED): Command.ACCEPT,
        (_S.SENDING, DeliveryKind.DELIVERED): Command.DELIVER,
        (_S.SENDING, DeliveryKind.UNDELIVERED): Command.REQUEUE,
        (_S.SENDING, DeliveryKind.REFUSED): Command.REQUEUE,
        (_S.SENDING, DeliveryKind.IMPOSSIBLE): Command.REQUEUE,
        (_S.SENDING, DeliveryKind.OPTED_OUT): Command.OPT_OUT,
        (_S.SENDING, DeliveryKind.UNCERTAIN): Command.DOUBT,
        (_S.SENT, DeliveryKind.DELIVERED): Command.DELIVER,
        (_S.SENT, DeliveryKind.UNDELIVERED): Command.REQUEUE,
        (_S.SENT, DeliveryKind.REFUSED): Command.REQUEUE,
        (_S.SENT, DeliveryKind.IMPOSSIBLE): Command.REQUEUE,
        (_S.SENT, DeliveryKind.OPTED_OUT): Command.OPT_OUT,
        (_S.UNCERTAIN, DeliveryKind.ACCEPTED): Command.ACCEPT,
        (_S.UNCERTAIN, DeliveryKind.DELIVERED): Command.DELIVER,
        (_S.UNCERTAIN, DeliveryKind.UNDELIVERED): Command.REQUEUE,
        (_S.UNCERTAIN, DeliveryKind.REFUSED): Command.REQUEUE,
        (_S.UNCERTAIN, DeliveryKind.IMPOSSIBLE): Command.REQUEUE,
        (_S.UNCERTAIN, DeliveryKind.OPTED_OUT): Command.OPT_OUT,
    }
)
"""What a report of the latest send does. A pair that is not in it tells nothing new: it is ignored."""


def _is_of_latest(message: Message, delivery: Delivery) -> bool:
    """Whether the report is of the latest send, which must have been given out."""
    if message.sends_count == 0:
        return False
    if delivery.send_id is not None:
        return delivery.send_id == message.send_id
    if delivery.channel is not None and delivery.channel != message.channel:
        return False
    return delivery.provider_id is not None and delivery.provider_id == message.provider_key


def _is_unbegun(delivery: Delivery) -> bool:
    return delivery.kind is DeliveryKind.REFUSED and delivery.problem == NOT_WANTED


def _was_begun(message: Message) -> bool:
    """Whether somebody told what became of the latest send: then another word that nobody began it is not of it."""
    if message.state is MessageState.UNCERTAIN:
        return message.problem != DueReason.SEND_OVERDUE
    return message.state is not MessageState.SENDING


def _arrived(message: Message, delivery: Delivery, *, now: datetime) -> Decision:
    return _end(
        message,
        Command.DELIVER,
        MessageEnd.DELIVERED,
        problem=message.problem,
        now=now,
        sent_at=message.sent_at or now,
        provider_key=delivery.provider_id or message.provider_key,
    )


def _accepted(message: Message, delivery: Delivery, *, policy: Messages, now: datetime) -> Decision:
    due = (now + policy.receipt_time_max, DueReason.RECEIPT_OVERDUE)
    provider_key = delivery.provider_id or message.provider_key
    record = _move(message, Command.ACCEPT, due=due, sent_at=now, provider_key=provider_key)
    return _decided(record, MessageSent, now=now)


def _doubt(message: Message, *, problem: str | None, policy: Messages, now: datetime) -> Decision:
    due = (now + policy.uncertain_life, DueReason.UNCERTAIN_TOO_LONG)
    record = _move(message, Command.DOUBT, due=due, problem=problem)
    return _decided(record, MessageInDoubt, now=now)


def _again(
    message: Message, delivery: Delivery, *, channels: Sequence[str], policy: Messages, now: datetime
) -> Decision:
    """It certainly did not reach anybody: by the same channel after a rest, by the next one now, or it has failed."""
    assert message.channel is not None
    problem = delivery.problem or str(delivery.kind)
    over = message.channels_over
    may_repeat = delivery.kind is DeliveryKind.REFUSED and message.state is not MessageState.SENT
    rest = timedelta(0)
    is_unbegun = _is_unbegun(delivery)
    if is_unbegun:  # Nobody tried.
        rest, tries = policy.rest, max(message.tries_count - 1, 0)
    elif may_repeat and message.tries_count < policy.tries_max:
        rest, tries = policy.rest * 2 ** (message.tries_count - 1), message.tries_count
    else:
        over, tries = (*over, message.channel), 0
    # Who changes their mind about the channel between tries is not sent more than all tries together.
    most = policy.tries_max * len({*channels, *over, message.channel})
    used_up = message.sends_count >= most and not is_unbegun
    if message.subject_id is None or next_channel(channels, over) is None or used_up:
        return _end(message, Command.FAIL, MessageEnd.FAILED, problem=problem, now=now)
    # A rest that would outlast its use ends with it: then it is looked at, and withdrawn.
    due_at = min(now + rest, max(now, message.best_before_at))
    record = _move(
        message,
        Command.REQUEUE,
        due=(due_at, DueReason.MESSAGE_WAITS),
        tries_count=tries,
        channels_over=over,
        problem=problem,
    )
    return _decided(record, MessageRequeued, now=now)


def due(message: Message, *, policy: Messages, now: datetime) -> Decision:
    """
    Do what time alone does to a message that was given out, and whose `due_at` has come.

    Raises:
        NotPossibleNow: it waits, and is to be sent; or it has ended.
    """
    if message.state is MessageState.SENDING:
        return _doubt(message, problem=DueReason.SEND_OVERDUE, policy=policy, now=now)
    how = MessageEnd.SENT if message.state is MessageState.SENT else MessageEnd.UNCERTAIN
    return _end(message, Command.TIME_OUT, how, problem=message.problem, now=now)


def settle(message: Message, *, sent: bool, by: str, reason: str | None, now: datetime) -> Decision:
    """
    Let a person say whether a message was sent of which nobody knew.

    One that was not is over as well, and not sent again by itself: a day may have passed, and what it tells may not
    be what the customer should hear now. Who has looked into it knows how to reach the customer.

    Raises:
        NotPossibleNow: it is not UNCERTAIN.
    """
    how, problem = (MessageEnd.SENT, message.problem) if sent else (MessageEnd.WITHDRAWN, NOT_SENT)
    return _end(message, Command.SETTLE, how, problem=problem, now=now, by=by, reason=reason)


# ---------------------------------------------------------------------------- channels and ids


def next_channel(channels: Sequence[str], over: Collection[str]) -> str | None:
    """
    Return the first channel that was not given up; None if none is left.

    >>> next_channel(("whatsapp", "sms"), ("whatsapp",))
    'sms'
    """
    return next((channel for channel in channels if channel not in over), None)


_SEND_ID: Final = re.compile(r"(?P<id>ms_[0-9A-Za-z_\-]{1,64})\.(?P<count>[1-9][0-9]{0,3})", re.ASCII)


def read_send_id(text: str) -> tuple[MessageId, int] | None:
    """
    Return the message, and the number of the send, that the id of a send names; None if it is none.

    >>> read_send_id("ms_01J.3")
    ('ms_01J', 3)
    >>> read_send_id("ms_01J") is None
    True
    """
    match = _SEND_ID.fullmatch(text)
    return (MessageId(match["id"]), int(match["count"])) if match else None


# ---------------------------------------------------------------------------- the record


def _move(
    message: Message, command: Command, *, due: tuple[datetime | None, DueReason | None], **changes: Any
) -> Message:
    state = TRANSITIONS.get((message.state, command))
    if state is None:
        allowed = sorted(str(before) for before, name in TRANSITIONS if name is command and before)
        raise NotPossibleNow(f"{command} a message", str(message.state), ", ".join(allowed))
    return attrs.evolve(
        message, version=message.version + 1, state=state, due_at=due[0], due_reason=due[1], **changes
    )


def _end(
    message: Message,
    command: Command,
    how: MessageEnd,
    *,
    problem: str | None,
    now: datetime,
    by: str | None = None,
    reason: str | None = None,
    **changes: Any,
) -> Decision:
    record = _move(message, command, due=(None, None), ended_as=how, ended_at=now, problem=problem, **changes)
    return _decided(record, MessageEnded, now=now, by=by, reason=reason)


def _decided(message: Message, kind: type[MessageEvent], *, now: datetime, **more: Any) -> Decision:
    return Decision(records=(message,), events=(told(kind, message, at=now, **more),))

"""What happens to messages. None of these events holds a text, a number or an address."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import attrs

from callbackq.events.base import Event
from callbackq.ids import BookingId, CallbackId, MessageId, QueueName, SubjectId
from callbackq.model import DeliveryKind, Entity, MessageEnd, MessageKind, MessageState


@attrs.frozen(kw_only=True)
class MessageEvent(Event):
    """Something happened to a message."""

    entity: ClassVar[Entity] = Entity.MESSAGE
    message_id: MessageId
    callback_id: CallbackId | None
    state: MessageState


@attrs.frozen(kw_only=True)
class MessageQueued(MessageEvent):
    """It is to be sent: what a message begins with."""

    message_kind: MessageKind
    cause: str
    queue: QueueName
    booking_id: BookingId | None
    subject_id: SubjectId | None
    is_answer: bool
    created_at: datetime
    best_before_at: datetime


@attrs.frozen(kw_only=True)
class MessageHeld(MessageEvent):
    """It is due, and the hours do not permit it: it waits until they do."""


@attrs.frozen(kw_only=True)
class MessageSending(MessageEvent):
    """It is given out to be sent, once: the intent."""

    channel: str
    address_key: str
    choices: tuple[str, ...]
    sends_count: int
    tries_count: int
    provider_key: None = None
    segments_count: int


@attrs.frozen(kw_only=True)
class MessageSent(MessageEvent):
    """The provider has taken it."""

    provider_key: str | None
    sent_at: datetime


@attrs.frozen(kw_only=True)
class MessageRequeued(MessageEvent):
    """It was certainly not sent, or did not arrive: it is tried again, here or by the next channel."""

    tries_count: int
    channels_over: tuple[str, ...]
    problem: str | None


@attrs.frozen(kw_only=True)
class MessageInDoubt(MessageEvent):
    """Nobody knows whether it was sent. It is not repeated."""

    problem: str | None


@attrs.frozen(kw_only=True)
class MessageEnded(MessageEvent):
    """It is over: delivered, sent, failed, withdrawn, or never cleared up."""

    ended_as: MessageEnd
    ended_at: datetime
    sent_at: datetime | None
    provider_key: str | None
    problem: str | None
    by: str | None = None
    reason: str | None = None


@attrs.frozen(kw_only=True)
class MessageDeliveryIgnored(MessageEvent):
    """A report of a send came twice, late, or after the end: it changes nothing."""

    delivery: DeliveryKind

"""What customers write, and what became of what was written to them: from Twilio's forms to the runner."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from callbackq.adapters.twilio.forms import Form
from callbackq.adapters.twilio.telling import blocking
from callbackq.errors import CallbackqError, Conflict, MessageNotFound, StoreError
from callbackq.model import SMS, Delivery, DeliveryKind, Inbound

logger = logging.getLogger("callbackq")

WHATSAPP: Final = "whatsapp"
OPTED_OUT: Final = 21610
"""Twilio's error code of a message to somebody who replied STOP."""

DELIVERIES: Final[Mapping[str, DeliveryKind]] = {
    "accepted": DeliveryKind.ACCEPTED,
    "scheduled": DeliveryKind.ACCEPTED,
    "queued": DeliveryKind.ACCEPTED,
    "sending": DeliveryKind.ACCEPTED,
    "sent": DeliveryKind.ACCEPTED,
    "delivered": DeliveryKind.DELIVERED,
    "read": DeliveryKind.DELIVERED,
    "undelivered": DeliveryKind.UNDELIVERED,
    "failed": DeliveryKind.UNDELIVERED,
    "canceled": DeliveryKind.UNDELIVERED,
}
"""Twilio's status of a message -> what it means."""

IMPOSSIBLE: Final = frozenset(
    {21211, 21214, 21217, 21265, 21408, 21612, 21614, 21617, 21635, 30005, 30006, 63003, 63016}
)
"""Error codes of messages that can never arrive: no such number, a landline, a forbidden country, too long."""


class Mailbox:
    """Gives messages and receipts to a runner."""

    def __init__(self, runner: object, *, queues: Mapping[str, str], queue: str | None) -> None:
        self._received: Final = blocking(runner, "message_received")
        self._delivery: Final = blocking(runner, "delivery")
        self._queues: Final = {channel_of(number)[1]: name for number, name in queues.items()}
        self._queue: Final = queue

    def received(self, form: Form) -> None:
        """A customer wrote. Raises: StoreError, Conflict: it could not be taken now."""
        channel, sender = channel_of(form.short("From"))
        queue = self._queues.get(channel_of(form.short("To"))[1], self._queue)
        sid = form.short("MessageSid") or form.short("SmsSid")
        if queue is None or not sid or not sender:
            logger.warning("a message was left alone: it is to a number of no queue, or has no id")
            return
        answers_id = form.short("OriginalRepliedMessageSid") or None
        inbound = Inbound(
            inbound_id=sid,
            sender=sender,
            text=form.text("Body"),
            queue=queue,
            channel=channel,
            answers_id=answers_id,
        )
        try:
            self._received(inbound)
        except (StoreError, Conflict):
            raise
        except CallbackqError as error:
            logger.warning("a message was not taken: %s", type(error).__name__)

    def receipt(self, query: Form, form: Form) -> bool:
        """Take a receipt; say whether the message is known. Raises: as `received`."""
        kind = DELIVERIES.get((form.short("MessageStatus") or form.short("SmsStatus")).lower())
        if kind is None:
            return True
        code = form.number("ErrorCode")
        if kind is DeliveryKind.UNDELIVERED:
            kind = DeliveryKind.OPTED_OUT if code == OPTED_OUT else kind
            kind = DeliveryKind.IMPOSSIBLE if code in IMPOSSIBLE else kind
        channel = query.short("channel") or channel_of(form.short("To"))[0]
        sid = form.short("MessageSid") or form.short("SmsSid")
        report = Delivery(
            kind=kind,
            send_id=query.short("send") or None,
            provider_id=sid or None,
            channel=channel,
            problem=str(code) if code else None,
        )
        try:
            self._delivery(report)
        except MessageNotFound:
            return False
        except (StoreError, Conflict):
            raise
        except CallbackqError as error:
            logger.warning("a receipt was not taken: %s", type(error).__name__)
        return True


def channel_of(address: str) -> tuple[str, str]:
    """
    Return the channel of an address as Twilio writes it, and the address as callbackq does.

    >>> channel_of("whatsapp:+12125550101"), channel_of("+12125550101")
    (('whatsapp', '+12125550101'), ('sms', '+12125550101'))
    """
    prefix, found, rest = address.partition(":")
    return (WHATSAPP, rest) if found and prefix == WHATSAPP else (SMS, address)

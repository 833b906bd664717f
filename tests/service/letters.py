"""Short ways to send, read and answer messages: what the tests of messages need besides `scenes`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from callbackq import (
    DEFAULT_TENANT,
    Commit,
    Effect,
    Event,
    Heard,
    Notices,
    QueuePolicy,
    SendMessage,
    Store,
)
from callbackq.model import Message, MessageKind
from callbackq.policy import Messages
from callbackq.testing import ManualClock, VirtualHost
from service.scenes import ZERO, sign_in

NOON: Final = datetime(2026, 1, 5, 17, tzinfo=UTC)
"""A Monday, 12 PM in New York: no quiet hours there, nor in Berlin or California."""
IN_MEMORY: Final = pytest.mark.parametrize("store", ["memory"], indirect=True)
"""For tests of words alone: what follows from them on the other stores, others test."""
COMPANY: Final[Mapping[str, Any]] = {"company": "Acme", "company_number": "555-0199"}


def post_office(
    store: Store,
    *,
    at: datetime = NOON,
    messages: Messages | None = None,
    agents: Iterable[str] = (),
    notices: Notices | None = None,
    **policy: Any,
) -> VirtualHost:
    """Open a house whose queues `support` and `sales` send messages; people are called at any hour."""
    shared = {"calling": None, "messages": messages or Messages(), **COMPANY}
    queues = [
        QueuePolicy(queue="support", **{**shared, **policy}),
        QueuePolicy(queue="sales", **shared),
    ]
    host = VirtualHost(store, queues, clock=ManualClock(at), notices=notices)
    sign_in(host, *agents)
    return host


def kinds_to(host: VirtualHost, to: str | None) -> list[MessageKind]:
    """Return the kinds of what was sent to a number or address, in order."""
    return [order.kind for order in host.messenger.sent_to(to)]


def orders_in(effects: Iterable[Effect]) -> list[SendMessage]:
    """Return the messages that are to be sent."""
    return [effect for effect in effects if isinstance(effect, SendMessage)]


def writes(host: VirtualHost, text: str, sender: str, **inbound: Any) -> Heard:
    """Let somebody write, and what follows be sent."""
    heard = host.reply(text, sender=sender, **inbound)
    host.run_for(ZERO)
    return heard


def answers(host: VirtualHost, text: str, sender: str, **inbound: Any) -> list[MessageKind]:
    """Let somebody write; return the kinds of what is sent to them because of it."""
    before = len(host.messenger.sent_to(sender))
    writes(host, text, sender, **inbound)
    return kinds_to(host, sender)[before:]


def message_of(host: VirtualHost, callback_id: str, kind: MessageKind) -> Message:
    """Return the one message of a kind about a callback."""
    (found,) = (one for one in host.service.messages_of(callback_id) if one.message_kind is kind)
    return found


def told_of(store: Store, message_id: str) -> list[Event]:
    """Return what the history says of one message, in order."""
    with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        return [event for event in tx.history.all() if getattr(event, "message_id", None) == message_id]

"""
The tables of one transaction in memory that are about messages: the outbox, and what was said to whom.

The rule: as in `memory_tables` and `memory_guards`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import cast

from callbackq.ids import CallbackId, MessageId
from callbackq.model import Conversation, Message
from callbackq.stores.memory_guards import Guard
from callbackq.stores.memory_spots import (
    MESSAGES_OF_CALLBACK,
    MESSAGES_OF_PROVIDER,
    MESSAGES_TO,
    MESSAGES_UNCERTAIN,
    MESSAGES_WAITING,
)
from callbackq.stores.memory_tables import Table


class Messages(Table[Message]):
    """The outbox of one tenant."""

    __slots__ = ()

    def get(self, message_id: MessageId) -> Message:
        """Return one message. O(1). Raises: MessageNotFound."""
        return self._get(message_id)

    def by_cause(self, cause: str) -> Message | None:
        """Return the message that tells of this cause, ended or not. O(1)."""
        return self._holder("cause", cause)

    def by_provider(self, channel: str, provider_key: str) -> Message | None:
        """Return the message that the provider of this channel calls so, the highest id of several. O(log n)."""
        for message in self._under(MESSAGES_OF_PROVIDER, channel, provider_key, is_last_first=True):
            return message
        return None

    def of_callback(self, callback_id: CallbackId, *, limit: int) -> list[Message]:
        """Return the messages about one callback, the latest created first. O(limit + log n)."""
        return self._latest_by(MESSAGES_OF_CALLBACK, callback_id, None, limit)

    def waiting_of(self, callback_id: CallbackId) -> list[Message]:
        """Return the messages about one callback that are WAITING, by id. O(found + log n)."""
        return list(self._under(MESSAGES_WAITING, callback_id))

    def last_to(self, address_key: str, *, limit: int) -> list[Message]:
        """Return the messages that were sent last to this address, the latest first. O(limit + log n)."""
        return self._latest_by(MESSAGES_TO, address_key, None, limit)

    def uncertain(self, *, limit: int) -> list[Message]:
        """Return the messages in state UNCERTAIN, by `due_at`, then by id. O(limit)."""
        return list(islice(self._under(MESSAGES_UNCERTAIN), limit))

    def _under(self, what: str, *key: str, is_last_first: bool = False) -> Iterator[Message]:
        """Give the messages that are listed under *key*, by what follows it."""
        tenant = self._transaction.tenant
        last = (*key[:-1], f"{key[-1]}\0") if key else None
        spots = tenant.by_key[what].irange(key or None, last, reverse=is_last_first)
        return (tenant.rows[Message][spot[-1]] for spot in spots)


class Conversations(Guard):
    """What was said last to and by each address."""

    __slots__ = ()

    def find(self, conversation_key: str) -> Conversation | None:
        """Return one conversation, or None. O(1)."""
        rows = self._transaction.tenant.rows[Conversation]
        return cast("Conversation | None", rows.get(conversation_key))

    def forget(self, *, over_before: datetime, limit: int) -> int:
        """Delete conversations whose `over_at` is before *over_before*; return how many. O(log n) each."""
        return self._forget(Conversation, over_before, limit)

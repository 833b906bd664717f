"""
The tables of one transaction in PostgreSQL that are about messages: the outbox, and what was said to whom.

The rule: as in `postgres_tables`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from callbackq.errors import MessageNotFound
from callbackq.ids import CallbackId, MessageId, QueueName
from callbackq.model import Conversation, Message
from callbackq.stores import postgres_statements as sql
from callbackq.stores.postgres_session import Part, present


class Messages(Part):
    """The outbox of one tenant."""

    __slots__ = ()

    def get(self, message_id: MessageId) -> Message:
        """Return one message. O(log n). Raises: MessageNotFound."""
        found = self._session.row(sql.MESSAGES, message_id)
        return present(found, MessageNotFound, "message", message_id)

    def by_cause(self, cause: str) -> Message | None:
        """Return the message that tells of this cause, ended or not. O(log n)."""
        return self._session.record(sql.MESSAGES, sql.BY_CAUSE, cause)

    def by_provider(self, channel: str, provider_key: str) -> Message | None:
        """Return the message that the provider of this channel calls so, the highest id of several. O(log n)."""
        return self._session.record(sql.MESSAGES, sql.BY_PROVIDER, channel, provider_key)

    def of_callback(self, callback_id: CallbackId, *, limit: int) -> list[Message]:
        """Return the messages about one callback, the latest created first. O(log n + limit)."""
        return self._session.records(sql.MESSAGES, sql.MESSAGES_OF_CALLBACK, callback_id, limit)

    def waiting_of(self, callback_id: CallbackId) -> list[Message]:
        """Return the messages about one callback that are WAITING, by id. O(log n + found)."""
        return self._session.records(sql.MESSAGES, sql.MESSAGES_WAITING, callback_id)

    def last_to(self, address_key: str, *, limit: int) -> list[Message]:
        """Return the messages that were sent last to this address, the latest first. O(log n + limit)."""
        return self._session.records(sql.MESSAGES, sql.MESSAGES_TO, address_key, limit)

    def uncertain(self, *, limit: int) -> list[Message]:
        """Return the messages in state UNCERTAIN, by `due_at`, then by id. O(log n + limit)."""
        return self._session.records(sql.MESSAGES, sql.MESSAGES_UNCERTAIN, limit)

    def due(self, *, now: datetime, limit: int, queues: Collection[QueueName] | None = None) -> list[Message]:
        """Return those due at *now*, earliest first, then by id. O(limit + log n + due in other queues)."""
        return self._session.due_in(sql.MESSAGES, now=now, limit=limit, queues=queues)


class Conversations(Part):
    """What was said last to and by each address."""

    __slots__ = ()

    def find(self, conversation_key: str) -> Conversation | None:
        """Return one conversation, or None. O(log n)."""
        return self._session.record(sql.CONVERSATIONS, sql.CONVERSATIONS.get, conversation_key)

    def forget(self, *, over_before: datetime, limit: int) -> int:
        """Delete conversations whose `over_at` is before *over_before*; return how many. O(log n) each."""
        return self._session.forget(sql.FORGET_CONVERSATIONS, over_before, limit)

"""
The history of one SQLite transaction: what happened, in order, and as a chain for each record.

The rule: nobody else writes while this transaction may, so the numbers and the heads of the chains are read once, and
reckoned from then on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from callbackq.events import Event
from callbackq.events.chain import digest_of, record_id_of
from callbackq.ids import AgentId, CallbackId, CallId, QueueName
from callbackq.model import ChainHead, Entity
from callbackq.ports import HistoryLink
from callbackq.stores import sqlite_statements as sql
from callbackq.stores.rows import EVENT_COLUMNS, Value, check_event, decode_event, encode_event
from callbackq.stores.sqlite_pruning import OldHistory
from callbackq.stores.sqlite_session import Session

_ENTITY: Final = EVENT_COLUMNS.index("entity")


class History(OldHistory):
    """What happened to one tenant's records."""

    __slots__ = ("_appended", "_heads", "_last_number")

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._appended: list[Event] = []
        self._last_number: int | None = None
        self._heads: dict[tuple[Entity, str], tuple[int, str]] = {}

    def append(self, events: Sequence[Event]) -> None:
        """
        Write events after all earlier ones, each linked to the chain of its record. O(log n) each.

        Raises:
            ValueError: an event is another tenant's.
            UniquenessViolated: something else has written to the same chain.
        """
        session = self._session
        session.refuse_if_read_only()
        for event in events:
            check_event(event, tenant_id=session.tenant_id)
        for event in events:
            record_id = record_id_of(event)
            last_number, previous = self._head(event.entity, record_id)
            digest = digest_of(previous, event)
            row = encode_event(event)
            row += (self._next_number(), record_id, last_number + 1, digest)
            session.write(sql.INSERT_EVENT, row)
            self._heads[event.entity, record_id] = last_number + 1, digest
            self._appended.append(event)

    def appended(self) -> Sequence[Event]:
        """Return the events that this transaction has written, oldest first. O(those)."""
        self._session.refuse_if_over()
        return tuple(self._appended)

    def remove(self, heads: Sequence[ChainHead]) -> int:
        """Delete of each of these chains its events up to number `events_count`; return how many. O(log n) each."""
        self._heads.clear()  # The ends of chains that are known here may be about to go.
        return super().remove(heads)

    def _head(self, entity: Entity, record_id: str) -> tuple[int, str]:
        """Return the number and the digest of the last event of a record. O(log n) once, then O(1)."""
        head = self._heads.get((entity, record_id))
        if head is None:
            session = self._session
            found = session.one(sql.CHAIN_HEAD, session.tenant_id, entity.value, record_id)
            head = (0, "") if found is None else cast("tuple[int, str]", found)
        return head

    def _next_number(self) -> int:
        """Return the number of the next event: nobody else writes now. O(log n) once, then O(1)."""
        if self._last_number is None:
            row = self._session.one(sql.LAST_HISTORY_NUMBER, self._session.tenant_id)
            self._last_number = 0 if row is None or row[0] is None else cast("int", row[0])
        self._last_number += 1
        return self._last_number

    def of_callback(self, callback_id: CallbackId) -> list[Event]:
        """Return the events of one callback, its attempts, booking and messages, oldest first. O(log n + found)."""
        return self._read(sql.HISTORY_OF_CALLBACK, callback_id)

    def of_call(self, call_id: CallId) -> list[Event]:
        """Return the events of one live call, oldest first. O(log n + found)."""
        return self._of(Entity.CALL, call_id)

    def of_agent(self, agent_id: AgentId) -> list[Event]:
        """Return the events of one agent, oldest first. O(log n + found)."""
        return self._of(Entity.AGENT, agent_id)

    def of_queue(self, queue: QueueName) -> list[Event]:
        """Return the events of one queue's controls, oldest first. O(log n + found)."""
        return self._of(Entity.QUEUE, queue)

    def all(self) -> list[Event]:
        """Return every event of the tenant, oldest first. O(n)."""
        return self._read(sql.HISTORY)

    def links(self, *, after: int = 0, limit: int) -> list[HistoryLink]:
        """Return events with their places in their chains, behind *after*. O(limit + log n)."""
        session = self._session
        return [
            HistoryLink(
                history_number=history_number,
                entity=Entity(columns[_ENTITY]),
                record_id=record_id,
                event_number=event_number,
                digest=digest,
                event=event,
            )
            for *columns, history_number, record_id, event_number, digest in session.all(
                sql.LINKS, session.tenant_id, after, limit
            )
            for event in (decode_event(columns),)
        ]

    def last_number(self) -> int:
        """Return the number of the last event; 0 if there is none. O(log n)."""
        row = self._session.one(sql.LAST_HISTORY_NUMBER, self._session.tenant_id)
        return 0 if row is None or row[0] is None else cast("int", row[0])

    def settled_number(self) -> int:
        """Return the number of the last event that others have written: they write one after the other. O(log n)."""
        return max(0, self.last_number() - len(self._appended))

    def _of(self, entity: Entity, record_id: str) -> list[Event]:
        return self._read(sql.HISTORY_OF_RECORD, entity.value, record_id)

    def _read(self, statement: str, *parameters: Value) -> list[Event]:
        session = self._session
        return [decode_event(row) for row in session.all(statement, session.tenant_id, *parameters)]

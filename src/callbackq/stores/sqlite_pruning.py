"""
What is old, in one SQLite transaction: how it is found by record, and how it leaves the store.

The rule: as in `sqlite_tables`. What is deleted becomes zeros in the file, and its pages are used again; the file does
not get smaller by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from callbackq.errors import StaleVersion
from callbackq.ids import CallbackId, QueueName
from callbackq.model import ChainHead, Entity
from callbackq.ports import Ended, HistoryLink, HistoryTrace
from callbackq.stores import sqlite_statements as sql
from callbackq.stores.rows import CHAIN_COLUMNS, EVENT_COLUMNS, check_ended, decode_event, decode_instant
from callbackq.stores.sqlite_session import Part, Session

_CHAIN: Final = "INDEXED BY callbackq_history_chain WHERE tenant_id = ? AND entity = ? AND record_id = ?"
_LINKS: Final = f"""
    SELECT {", ".join(EVENT_COLUMNS)}, history_number, {", ".join(CHAIN_COLUMNS)} FROM callbackq_history
    {_CHAIN} ORDER BY event_number"""
_TRACES: Final = """
    SELECT history_number, entity, record_id, event_number, digest, kind, state, callback_id, at FROM callbackq_history
     WHERE tenant_id = ? AND history_number > ? ORDER BY history_number LIMIT ?"""
_RECORDS: Final = """
    SELECT DISTINCT entity, record_id FROM callbackq_history INDEXED BY callbackq_history_callback
     WHERE tenant_id = ? AND callback_id = ? AND entity IN ('callback', 'attempt', 'booking', 'message')
     ORDER BY entity, record_id"""
_REMOVE: Final = f"DELETE FROM callbackq_history {_CHAIN} AND event_number <= ?"


def _queues_of(table: str) -> str:
    """Return a statement that walks from one queue to the next, by the index of what is open."""
    found = f"callbackq_{table} INDEXED BY callbackq_{table}_open WHERE tenant_id = ?1 AND state <> 'ended'"
    return f"""
        WITH RECURSIVE queues(queue) AS (
            SELECT (SELECT min(queue) FROM {found})
            UNION ALL
            SELECT (SELECT min(queue) FROM {found} AND queue > queues.queue) FROM queues WHERE queue IS NOT NULL
        ) SELECT queue FROM queues WHERE queue IS NOT NULL"""


QUEUES_IN_USE: Final = tuple(_queues_of(table) for table in ("callbacks", "calls", "attempts"))


def queues_in_use(session: Session) -> list[QueueName]:
    """Return the queues in which something has not ended, in order. O(log n) each."""
    found = {row[0] for statement in QUEUES_IN_USE for row in session.all(statement, session.tenant_id)}
    return sorted(found)


def remove_record(session: Session, record: Ended) -> None:
    """
    Delete one record that has ended, or a counter of seats. O(log n).

    Raises:
        StaleVersion: it is not stored, or not as *record* is.
        ValueError: the record is another tenant's, or has not ended.
        RuntimeError: the transaction is READ_ONLY.
    """
    session.refuse_if_read_only()
    check_ended(record, tenant_id=session.tenant_id)
    statements: sql.Statements[Any] = sql.OF_CLASS[type(record)]
    values = statements.rows.encode(record)
    own = values[: 1 + len(statements.rows.key)]
    if session.write(statements.remove, (*own, record.version)) != 1:
        name = statements.rows.key_of(values)
        raise StaleVersion(f"{name}: version {record.version} was to be removed, and is not stored")


class OldHistory(Part):
    """The verbs of the history that are about one record, or about what is old."""

    __slots__ = ()

    def chain(self, entity: Entity, record_id: str) -> list[HistoryLink]:
        """Return the events of one record with their places, in their order. O(log n + found)."""
        session = self._session
        return [
            HistoryLink(
                history_number=history_number,
                entity=entity,
                record_id=record_id,
                event_number=event_number,
                digest=digest,
                event=decode_event(columns),
            )
            for *columns, history_number, _, event_number, digest in session.all(
                _LINKS, session.tenant_id, entity.value, record_id
            )
        ]

    def heads(self, chains: Sequence[tuple[Entity, str]]) -> list[ChainHead]:
        """Return the last link of each of these chains that is there, in their order. O(log n) each."""
        session = self._session
        found = [
            (key, session.one(sql.CHAIN_HEAD, session.tenant_id, key[0].value, key[1])) for key in chains
        ]
        return [
            ChainHead(entity=entity, record_id=record_id, events_count=row[0], digest=row[1])
            for (entity, record_id), row in found
            if row is not None
        ]

    def traces(self, *, after: int = 0, limit: int) -> list[HistoryTrace]:
        """Return where events stand, oldest first, behind *after*. O(log n + limit)."""
        session = self._session
        return [
            HistoryTrace(
                history_number=history_number,
                entity=Entity(entity),
                record_id=record_id,
                event_number=event_number,
                digest=digest,
                kind=kind,
                state=state,
                callback_id=callback_id,
                at=decode_instant(at),
            )
            for history_number, entity, record_id, event_number, digest, kind, state, callback_id, at in (
                session.all(_TRACES, session.tenant_id, after, limit)
            )
        ]

    def records_of(self, callback_id: CallbackId) -> list[tuple[Entity, str]]:
        """Return which records' events name a callback, sorted. O(log n + its events)."""
        session = self._session
        found = session.all(_RECORDS, session.tenant_id, callback_id)
        return [(Entity(entity), record_id) for entity, record_id in found]

    def remove(self, heads: Sequence[ChainHead]) -> int:
        """Delete of each of these chains its events up to number `events_count`; return how many. O(log n) each."""
        session = self._session
        session.refuse_if_read_only()
        own = session.tenant_id
        return sum(
            session.write(_REMOVE, (own, one.entity.value, one.record_id, one.events_count)) for one in heads
        )

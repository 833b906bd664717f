"""
What is old, in one transaction of PostgreSQL: how it is found by record, and how it leaves the store.

The rule: as in `postgres_tables`. A record that somebody else has changed meanwhile is not removed: that is a conflict.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from callbackq.errors import StaleVersion
from callbackq.ids import CallbackId, QueueName
from callbackq.model import Attempt, ChainHead, Entity
from callbackq.ports import Ended, HistoryLink, HistoryTrace
from callbackq.stores import postgres_statements as sql
from callbackq.stores.postgres_session import Part, Session
from callbackq.stores.postgres_statements import Statements
from callbackq.stores.postgres_walks import queues_walk
from callbackq.stores.rows import CHAIN_COLUMNS, EVENT_COLUMNS, EventCodec, check_ended

_EVENTS: Final = EventCodec(native=True)

_LINKS: Final = f"""
    SELECT {", ".join(EVENT_COLUMNS)}, history_number, {", ".join(CHAIN_COLUMNS)} FROM callbackq_history
     WHERE tenant_id = $1 AND entity = $2 AND record_id = $3 ORDER BY event_number"""
_TRACES: Final = """
    SELECT history_number, entity, record_id, event_number, digest, kind, state, callback_id, at FROM callbackq_history
     WHERE tenant_id = $1 AND history_number > $2 ORDER BY history_number LIMIT $3"""
_RECORDS: Final = """
    SELECT DISTINCT entity, record_id FROM callbackq_history
     WHERE tenant_id = $1 AND callback_id = $2 AND entity IN ('callback', 'attempt', 'booking', 'message')
     ORDER BY entity, record_id"""
# Chain by chain, by its key: OFFSET keeps the planner from reading the whole history for them.
_HEADS: Final = """
    SELECT wanted.entity, wanted.record_id, head.event_number, head.digest
      FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS wanted(entity, record_id, place) CROSS JOIN LATERAL (
        SELECT event_number, digest FROM callbackq_history
         WHERE tenant_id = $1 AND entity = wanted.entity AND record_id = wanted.record_id
         ORDER BY event_number DESC LIMIT 1
      ) AS head ORDER BY wanted.place"""
_REMOVE: Final = """
    DELETE FROM callbackq_history WHERE tenant_id = $1 AND history_number = ANY (ARRAY(
        SELECT old.history_number
          FROM unnest($2::text[], $3::text[], $4::bigint[]) AS gone(entity, record_id, last) CROSS JOIN LATERAL (
            SELECT history_number FROM callbackq_history
             WHERE tenant_id = $1 AND entity = gone.entity AND record_id = gone.record_id
               AND event_number <= gone.last OFFSET 0
          ) AS old))"""
_REMOVE_LEGS: Final = (
    "DELETE FROM callbackq_legs WHERE tenant_id = $1 AND leg_id = ANY ($2) AND attempt_id = $3"
)


QUEUES_IN_USE: Final = tuple(
    queues_walk(table, "state <> 'ended' AND version > 0") for table in ("callbacks", "calls", "attempts")
)


def queues_in_use(session: Session) -> list[QueueName]:
    """Return the queues in which something has not ended, in order. O(log n) each."""
    return sorted({row[0] for statement in QUEUES_IN_USE for row in session.all(statement)})


def remove_record(session: Session, record: Ended) -> None:
    """
    Delete one record that has ended, or a counter of seats. O(log n).

    Raises:
        StaleVersion: it is not stored, or not as *record* is; or another transaction has changed it meanwhile.
        ValueError: the record is another tenant's, or has not ended.
        RuntimeError: the transaction is READ_ONLY.
    """
    session.refuse_if_read_only()
    check_ended(record, tenant_id=session.tenant_id)
    statements: Statements[Any] = sql.OF_CLASS[type(record)]
    values = statements.rows.encode(record)
    if session.write(statements.remove.text, statements.remove.of(values)) != 1:
        name = statements.rows.key_of(values)
        raise StaleVersion(f"{name}: version {record.version} was to be removed, and is not stored")
    if isinstance(record, Attempt):
        legs = [record.agent_leg_id, record.customer_leg_id]
        session.write(_REMOVE_LEGS, (session.tenant_id, legs, record.attempt_id))


class OldHistory(Part):
    """The verbs of the history that are about one record, or about what is old."""

    __slots__ = ()

    def chain(self, entity: Entity, record_id: str) -> list[HistoryLink]:
        """Return the events of one record with their places, in their order. O(log n + found)."""
        return [
            HistoryLink(
                history_number=history_number,
                entity=entity,
                record_id=record_id,
                event_number=event_number,
                digest=digest,
                event=_EVENTS.decode(columns),
            )
            for *columns, history_number, _, event_number, digest in self._session.all(
                _LINKS, entity.value, record_id
            )
        ]

    def heads(self, chains: Sequence[tuple[Entity, str]]) -> list[ChainHead]:
        """Return the last link of each of these chains that is there, in their order. O(log n) each, in one journey."""
        entities, record_ids = [entity.value for entity, _ in chains], [record_id for _, record_id in chains]
        return [
            ChainHead(entity=Entity(entity), record_id=record_id, events_count=count, digest=digest)
            for entity, record_id, count, digest in self._session.all(_HEADS, entities, record_ids)
        ]

    def traces(self, *, after: int = 0, limit: int) -> list[HistoryTrace]:
        """Return where events stand, oldest first, behind *after*. O(log n + limit)."""
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
                at=at,
            )
            for history_number, entity, record_id, event_number, digest, kind, state, callback_id, at in (
                self._session.all(_TRACES, after, limit)
            )
        ]

    def records_of(self, callback_id: CallbackId) -> list[tuple[Entity, str]]:
        """Return which records' events name a callback, sorted. O(log n + its events)."""
        return [(Entity(entity), record_id) for entity, record_id in self._session.all(_RECORDS, callback_id)]

    def remove(self, heads: Sequence[ChainHead]) -> int:
        """Delete of each of these chains its events up to number `events_count`; return how many. In one journey."""
        session = self._session
        session.refuse_if_read_only()
        if not heads:
            return 0
        entities, record_ids = [one.entity.value for one in heads], [one.record_id for one in heads]
        counts = [one.events_count for one in heads]
        return session.write(_REMOVE, (session.tenant_id, entities, record_ids, counts))

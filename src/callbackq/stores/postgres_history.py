"""
The history of one transaction in PostgreSQL: what happened, in order, and as a chain for each record.

The rule: the server itself links an event to the last one of its record that the transaction sees. Who saw too little
meets the unique index of the chain, which lets nobody go on from the same event twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from callbackq.events import Event, ReportIgnored
from callbackq.events.chain import record_id_of, text_of
from callbackq.ids import AgentId, CallbackId, CallId, QueueName
from callbackq.model import Entity
from callbackq.ports import HistoryLink
from callbackq.stores import postgres_statements as sql
from callbackq.stores.postgres_pruning import OldHistory
from callbackq.stores.postgres_session import Session
from callbackq.stores.postgres_settling import HISTORY, LAST_NUMBER, WRITERS, Settling
from callbackq.stores.rows import EVENT_COLUMNS, EventCodec, check_event

_EVENTS: Final = EventCodec(native=True)
_ENTITY: Final = EVENT_COLUMNS.index("entity")


class History(OldHistory):
    """What happened to one tenant's records."""

    __slots__ = ("_appended", "_settled", "_settling")

    def __init__(self, session: Session, settling: Settling | None = None) -> None:
        super().__init__(session)
        self._appended: list[Event] = []
        self._settling = settling
        # Before the first question, by which it is settled what this transaction sees.
        self._settled = settling.known(session.tenant_id) if settling is not None else 0

    def append(self, events: Sequence[Event]) -> None:
        """
        Write events after all earlier ones of their records, each linked to its chain. O(log n) each, in one journey.

        Of two transactions that run at once, either may be the one whose events come first among all.

        Raises:
            ValueError: an event is another tenant's.
            UniquenessViolated: another transaction has gone on with the same chain.
        """
        session = self._session
        session.refuse_if_read_only()
        rows = self.rows_of(events)
        for event in events:
            if isinstance(event, ReportIgnored):
                # It comes without its record, whose version must still be the one that it names.
                session.fetch(sql.KEEP_ATTEMPT, (session.tenant_id, event.attempt_id))
        if len(rows) == 1:
            session.put(sql.INSERT_EVENT, rows[0])
        elif rows:
            session.write_all(sql.INSERT_EVENT, rows)
        self.was_written(events)

    def rows_of(self, events: Sequence[Event]) -> list[list[Any]]:
        """Return what is written of each event. Raises: ValueError: one is another tenant's."""
        for event in events:
            check_event(event, tenant_id=self._session.tenant_id)
        return [[*_EVENTS.encode(event), record_id_of(event), text_of(event)] for event in events]

    def may_join(self, events: Sequence[Event]) -> bool:
        """Whether each of these is of another record: then none need see another, and one statement writes all."""
        return len({(event.entity, record_id_of(event)) for event in events}) == len(events)

    def was_written(self, events: Sequence[Event]) -> None:
        """Keep what this transaction has written."""
        self._appended.extend(events)

    def appended(self) -> Sequence[Event]:
        """Return the events that this transaction has written, oldest first. O(those)."""
        self._session.refuse_if_over()
        return tuple(self._appended)

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
        """Return every event of the tenant, in the order of their numbers. O(n)."""
        return self._read(sql.HISTORY)

    def links(self, *, after: int = 0, limit: int) -> list[HistoryLink]:
        """
        Return events with their places in their chains, behind *after*. O(limit + log n).

        Of two transactions that run at once, the one that commits later may have the lower numbers.
        """
        return [
            HistoryLink(
                history_number=history_number,
                entity=Entity(columns[_ENTITY]),
                record_id=record_id,
                event_number=event_number,
                digest=digest,
                event=event,
            )
            for *columns, history_number, record_id, event_number, digest in self._session.all(
                sql.LINKS, after, limit
            )
            for event in (_EVENTS.decode(columns),)
        ]

    def last_number(self) -> int:
        """Return the number of the last event that this transaction sees; 0 if there is none. O(log n)."""
        rows = self._session.all(LAST_NUMBER)
        return (rows[0][0] or 0) if rows else 0

    def settled_number(self) -> int:
        """
        Return up to which number nothing is added any more, as it was known when this transaction began.

        What is found out now serves those that begin after it. 0 in a transaction of the host's. O(log n), and a look
        at who is writing.
        """
        session = self._session
        session.refuse_if_over()
        if self._settling is not None:
            last = self.last_number()
            writers = frozenset(writer for (writer,) in session.fetch(WRITERS, (HISTORY,)))
            self._settling.look(session.tenant_id, last, writers)
        return self._settled

    def _of(self, entity: Entity, record_id: str) -> list[Event]:
        return self._read(sql.HISTORY_OF_RECORD, entity.value, record_id)

    def _read(self, statement: str, *parameters: str) -> list[Event]:
        return [_EVENTS.decode(row) for row in self._session.all(statement, *parameters)]

"""The history of a store: what can be asked of it, and how what is old leaves it. Provisional before 1.0."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import attrs

from callbackq.events import Event
from callbackq.ids import AgentId, CallbackId, CallId, QueueName
from callbackq.model import ChainHead, Entity


@attrs.frozen(kw_only=True)
class HistoryLink:
    """
    One event of the history, as it is stored.

    The events of one record (`entity`, `record_id`) are a chain: `event_number` counts them from 1, and `digest` is
    the SHA-256, in hex, of the digest before it and of the event, as `events.chain.digest_of` computes it.
    """

    history_number: int
    entity: Entity
    record_id: str
    event_number: int
    digest: str
    event: Event


@attrs.frozen(kw_only=True)
class HistoryTrace:
    """Where one event stands, and what it is about; not what it says. `state` is that of its record after it."""

    history_number: int
    entity: Entity
    record_id: str
    event_number: int
    digest: str
    kind: str
    state: str | None
    callback_id: CallbackId | None
    at: datetime


class HistoryTable(Protocol):
    """What happened, in order."""

    def append(self, events: Sequence[Event]) -> None:
        """
        Write events after all earlier ones, each with its number and digest in the chain of its record.

        Raises:
            UniquenessViolated: another transaction has gone on with the same chain.
        """
        ...

    def appended(self) -> Sequence[Event]:
        """Return the events that this transaction has written so far, oldest first. O(those)."""
        ...

    def of_callback(self, callback_id: CallbackId) -> list[Event]:
        """
        Return the events of one callback, of its attempts, its booking and its messages, oldest first.

        Events of a booking that name no callback, as those of a seat that is only held, are found by `all` alone.
        """
        ...

    def of_call(self, call_id: CallId) -> list[Event]:
        """Return the events of one live call, oldest first."""
        ...

    def of_agent(self, agent_id: AgentId) -> list[Event]:
        """Return the events of one agent, oldest first."""
        ...

    def of_queue(self, queue: QueueName) -> list[Event]:
        """Return the events of one queue's controls (`Entity.QUEUE`), oldest first."""
        ...

    def all(self) -> list[Event]:
        """Return every event of the tenant, oldest first. For checks and exports."""
        ...

    def links(self, *, after: int = 0, limit: int) -> list[HistoryLink]:
        """
        Return events with their places in the history and in their chains, oldest first.

        While others write, an event may still appear before one that was returned; never one of the same record.
        O(limit + log n).

        Args:
            after: only those behind this `history_number`.
            limit: at most so many.
        """
        ...

    def last_number(self) -> int:
        """Return the `history_number` of the last event that this transaction sees; 0 if there is none. O(log n)."""
        ...

    def settled_number(self) -> int:
        """
        Return a `history_number` up to which nothing is added any more: this transaction sees all there will ever be.

        Of two transactions that run at once, the one that commits later may have written the lower numbers. Who reads
        the history as it grows reads up to this one, so that nothing appears behind its back. It never goes back, and
        comes as far as the last event that is committed, if it is asked again and again and no transaction lasts for
        ever. 0 is always true. O(log n).
        """
        ...

    # ------------------------------------------------------------------ by record, and what is old

    def chain(self, entity: Entity, record_id: str) -> list[HistoryLink]:
        """Return the events of one record with their places, in the order of the chain. O(those + log n)."""
        ...

    def heads(self, chains: Sequence[tuple[Entity, str]]) -> list[ChainHead]:
        """Return the last link of each of these chains that is there, in their order. O(log n) each."""
        ...

    def traces(self, *, after: int = 0, limit: int) -> list[HistoryTrace]:
        """Return where events stand, oldest first, behind this `history_number`. O(limit + log n)."""
        ...

    def records_of(self, callback_id: CallbackId) -> list[tuple[Entity, str]]:
        """
        Return which records' events name a callback: its own, its attempts, bookings and messages. Sorted; each once.

        O(events + log n).
        """
        ...

    def remove(self, heads: Sequence[ChainHead]) -> int:
        """
        Delete of each of these chains its events up to number `events_count`; return how many. O(log n) each.

        A chain of which something is left goes on as it did: what is appended is linked to its last event.
        """
        ...

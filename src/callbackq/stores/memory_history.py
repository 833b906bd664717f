"""
The history of one tenant in memory: its events in order, the chains of its records, and who finds what in it.

The rule: an event stands under its number for ever. One that is removed leaves a gap, so that no other one moves, and
what was removed is put back as it was where a transaction is undone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

import attrs

from callbackq.events import (
    AgentEvent,
    AttemptEvent,
    BookingEvent,
    CallbackEvent,
    CallEvent,
    Event,
    HistoryPruned,
    MessageEvent,
    OptOutChanged,
    QueueSwitched,
)
from callbackq.events.chain import digest_of, record_id_of
from callbackq.ids import AgentId, CallbackId, CallId, QueueName
from callbackq.model import ChainHead, Entity
from callbackq.ports import HistoryLink, HistoryTrace
from callbackq.stores.rows import check_event

if TYPE_CHECKING:
    from callbackq.stores.memory import MemoryTransaction

T = TypeVar("T")

Key = tuple[str, str]
"""An entity, and the id of a record."""

_GONE: Final = (0, "")
"""The place of an event in its chain that was removed."""


def _pop(lists: dict[Key, list[T]], key: Key) -> None:
    """Take the last one out of a list, and the list with it if it was the only one."""
    lists[key].pop()
    if not lists[key]:
        del lists[key]


def _history_key(event: Event) -> Key:
    """Return whose history the event belongs to; of an attempt, a booking and a message that is their callback."""
    if isinstance(event, CallbackEvent | AttemptEvent):
        return (Entity.CALLBACK, event.callback_id)
    if isinstance(event, CallEvent):
        return (Entity.CALL, event.call_id)
    if isinstance(event, BookingEvent):
        if event.callback_id is None:  # A seat that is only held.
            return (Entity.BOOKING, event.booking_id)
        return (Entity.CALLBACK, event.callback_id)
    if isinstance(event, MessageEvent):
        if event.callback_id is None:  # An answer to a stranger, or about no callback.
            return (Entity.MESSAGE, event.message_id)
        return (Entity.CALLBACK, event.callback_id)
    if isinstance(event, AgentEvent):
        return (Entity.AGENT, event.agent_id)
    if isinstance(event, OptOutChanged):
        return (Entity.OPT_OUT, event.number_key)
    if isinstance(event, HistoryPruned):
        return (Entity.HISTORY, event.history_id)
    assert isinstance(event, QueueSwitched), f"no record has the history of a {event.kind}"
    return (Entity.QUEUE, event.queue)


@attrs.define
class Chain:
    """The events of one record: which they are, their digests, and how many were removed before them."""

    numbers: list[int] = attrs.field(factory=list[int])
    digests: list[str] = attrs.field(factory=list[str])
    removed_count: int = 0
    removed_digest: str = ""

    @property
    def head(self) -> tuple[int, str]:
        """How many events there were, and the digest of the last one."""
        last = self.digests[-1] if self.digests else self.removed_digest
        return self.removed_count + len(self.digests), last

    def add(self, number: int, event: Event) -> tuple[int, str]:
        """Link one event to the last one; return its place."""
        count, previous = self.head
        digest = digest_of(previous, event)
        self.numbers.append(number)
        self.digests.append(digest)
        return count + 1, digest


@attrs.define
class Removed:
    """What one call of `remove` took away, and how long the history was then."""

    length: int
    start: int
    events: dict[int, tuple[Event, tuple[int, str]]]
    chains: dict[Key, Chain]
    history_of: dict[Key, list[Event]]


class HistoryRows:
    """The events of one tenant and their indexes."""

    def __init__(self) -> None:
        self.history: list[Event | None] = []
        self.history_start = 0
        self.seals: list[tuple[int, str]] = []
        self.chains: dict[Key, Chain] = {}
        self.history_of: dict[Key, list[Event]] = {}

    def append(self, event: Event) -> None:
        """Write one event. O(1)."""
        self.history.append(event)
        self.history_of.setdefault(_history_key(event), []).append(event)

    def take_back(self) -> None:
        """Undo the last `append`."""
        event = self.history.pop()
        assert event is not None
        _pop(self.history_of, _history_key(event))
        if len(self.seals) > len(self.history):
            self.seals.pop()
            key = (event.entity, record_id_of(event))
            chain = self.chains[key]
            chain.numbers.pop()
            chain.digests.pop()
            if not chain.digests and not chain.removed_count:
                del self.chains[key]

    def reckoned(self) -> list[tuple[int, str]]:
        """
        Return the number and the digest of every event in the chain of its record. O(events since it was last asked).

        Nobody can change events in memory, so digests wait until somebody wants to see them.
        """
        for number, event in enumerate(
            islice(self.history, len(self.seals), None), start=len(self.seals) + 1
        ):
            assert event is not None
            chain = self.chains.setdefault((event.entity, record_id_of(event)), Chain())
            self.seals.append(chain.add(number, event))
        return self.seals

    def numbered(self, after: int) -> Iterator[tuple[int, Event]]:
        """Give the events behind a number, with theirs."""
        first = max(after, self.history_start)
        for number, event in enumerate(islice(self.history, first, None), start=first + 1):
            if event is not None:
                yield number, event

    def chain_of(self, key: Key) -> Chain:
        """Return the chain of a record; an empty one if there is none."""
        self.reckoned()
        return self.chains.get(key, Chain())

    def remove(self, heads: Sequence[ChainHead]) -> Removed:
        """Take away the first events of chains. O(those, and the other events of the callbacks that they are about)."""
        self.reckoned()
        gone = Removed(
            length=len(self.history), start=self.history_start, events={}, chains={}, history_of={}
        )
        for head in heads:
            key = (head.entity, head.record_id)
            chain = self.chains.get(key)
            if chain is None or head.events_count <= chain.removed_count:
                continue
            gone.chains.setdefault(key, chain)
            self._shorten(key, chain, head.events_count - chain.removed_count, gone)
        ids = {id(event) for event, _ in gone.events.values()}
        for whose in {_history_key(event) for event, _ in gone.events.values()}:
            gone.history_of[whose] = self.history_of[whose]
            left = [event for event in self.history_of[whose] if id(event) not in ids]
            if left:
                self.history_of[whose] = left
            else:
                del self.history_of[whose]
        while self.history_start < len(self.history) and self.history[self.history_start] is None:
            self.history_start += 1
        return gone

    def _shorten(self, key: Key, chain: Chain, count: int, gone: Removed) -> None:
        for number in chain.numbers[:count]:
            event = self.history[number - 1]
            assert event is not None
            gone.events[number] = event, self.seals[number - 1]
            self.history[number - 1], self.seals[number - 1] = None, _GONE
        if count >= len(chain.digests):
            del self.chains[key]
            return
        self.chains[key] = Chain(
            chain.numbers[count:],
            chain.digests[count:],
            chain.removed_count + count,
            chain.digests[count - 1],
        )

    def put_back(self, gone: Removed) -> None:
        """Undo one `remove`, after all that was appended since was taken back."""
        for number, (event, seal) in gone.events.items():
            self.history[number - 1], self.seals[number - 1] = event, seal
        self.chains.update(gone.chains)
        self.history_of.update(gone.history_of)
        self.history_start = gone.start

    def check_history(self) -> None:
        """Build the indexes of the history anew and compare. Raises: AssertionError naming what differs. O(n)."""
        fresh = HistoryRows()
        for key, chain in self.chains.items():
            if chain.removed_count:
                fresh.chains[key] = Chain([], [], chain.removed_count, chain.removed_digest)
        for number, event in enumerate(self.history, start=1):
            if event is None:
                fresh.history.append(None)
                fresh.seals.append(_GONE)
            else:
                fresh.append(event)
                chain = fresh.chains.setdefault((event.entity, record_id_of(event)), Chain())
                fresh.seals.append(chain.add(number, event))
        assert self.history_of == fresh.history_of, "the history by record differs from the history"
        assert self.reckoned() == fresh.seals, "the digests differ from the history"
        assert self.chains == fresh.chains, "the chains differ from the history"
        assert all(event is None for event in self.history[: self.history_start]), (
            "the history begins too late"
        )


class History:
    """What happened to one tenant's records."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: MemoryTransaction) -> None:
        self._transaction = transaction

    def append(self, events: Sequence[Event]) -> None:
        """Write events after all earlier ones. O(events). Raises: ValueError for another tenant's event."""
        transaction = self._transaction
        transaction.refuse_if_read_only()
        tenant = transaction.tenant
        for event in events:
            check_event(event, tenant_id=transaction.tenant_id)
        for event in events:
            tenant.append(event)

    def appended(self) -> Sequence[Event]:
        """Return the events that this transaction has written, oldest first. O(those)."""
        transaction = self._transaction
        written = transaction.tenant.history[transaction.history_count :]
        return tuple(event for event in written if event is not None)

    def of_callback(self, callback_id: CallbackId) -> list[Event]:
        """Return the events of one callback, its attempts, booking and messages, oldest first. O(found)."""
        return self._of(Entity.CALLBACK, callback_id)

    def of_call(self, call_id: CallId) -> list[Event]:
        """Return the events of one live call, oldest first. O(found)."""
        return self._of(Entity.CALL, call_id)

    def of_agent(self, agent_id: AgentId) -> list[Event]:
        """Return the events of one agent, oldest first. O(found)."""
        return self._of(Entity.AGENT, agent_id)

    def of_queue(self, queue: QueueName) -> list[Event]:
        """Return the events of one queue's controls, oldest first. O(found)."""
        return self._of(Entity.QUEUE, queue)

    def all(self) -> list[Event]:
        """Return every event of the tenant, oldest first. O(n)."""
        return [event for _, event in self._transaction.tenant.numbered(0)]

    def links(self, *, after: int = 0, limit: int) -> list[HistoryLink]:
        """Return events with their places in their chains, behind *after*. O(limit + events since the last time)."""
        tenant = self._transaction.tenant
        seals = tenant.reckoned()
        return [_link(number, event, seals) for number, event in islice(tenant.numbered(after), limit)]

    def last_number(self) -> int:
        """Return the number of the last event; 0 if there is none. O(1)."""
        tenant = self._transaction.tenant
        return len(tenant.history) if tenant.history_start < len(tenant.history) else 0

    def settled_number(self) -> int:
        """Return the number of the last event when this transaction began: nobody else writes. O(1)."""
        transaction = self._transaction
        return min(transaction.history_count, len(transaction.tenant.history))

    def chain(self, entity: Entity, record_id: str) -> list[HistoryLink]:
        """Return the events of one record with their places, in their order. O(found + events since the last time)."""
        tenant = self._transaction.tenant
        numbers, seals = tenant.chain_of((entity, record_id)).numbers, tenant.reckoned()
        events = [(number, tenant.history[number - 1]) for number in numbers]
        return [_link(number, event, seals) for number, event in events if event is not None]

    def heads(self, chains: Sequence[tuple[Entity, str]]) -> list[ChainHead]:
        """Return the last link of each of these chains that is there. O(chains + events since the last time)."""
        tenant = self._transaction.tenant
        found = [(key, tenant.chain_of(key).head) for key in chains]
        return [
            ChainHead(entity=entity, record_id=record_id, events_count=count, digest=digest)
            for (entity, record_id), (count, digest) in found
            if count
        ]

    def traces(self, *, after: int = 0, limit: int) -> list[HistoryTrace]:
        """Return where events stand, oldest first, behind *after*. O(limit + events since the last time)."""
        tenant = self._transaction.tenant
        seals = tenant.reckoned()
        return [
            HistoryTrace(
                history_number=number,
                entity=event.entity,
                record_id=record_id_of(event),
                event_number=seals[number - 1][0],
                digest=seals[number - 1][1],
                kind=event.kind,
                state=getattr(event, "state", None),
                callback_id=getattr(event, "callback_id", None),
                at=event.at,
            )
            for number, event in islice(tenant.numbered(after), limit)
        ]

    def records_of(self, callback_id: CallbackId) -> list[tuple[Entity, str]]:
        """Return which records' events name a callback, sorted. O(its events)."""
        return sorted({(event.entity, record_id_of(event)) for event in self.of_callback(callback_id)})

    def remove(self, heads: Sequence[ChainHead]) -> int:
        """Delete of each of these chains its events up to number `events_count`; return how many. O(those)."""
        self._transaction.refuse_if_read_only()
        return self._transaction.remove_events(heads)

    def _of(self, entity: Entity, row_id: str) -> list[Event]:
        return list(self._transaction.tenant.history_of.get((entity, row_id), ()))


def _link(number: int, event: Event, seals: Sequence[tuple[int, str]]) -> HistoryLink:
    event_number, digest = seals[number - 1]
    return HistoryLink(
        history_number=number,
        entity=event.entity,
        record_id=record_id_of(event),
        event_number=event_number,
        digest=digest,
        event=event,
    )

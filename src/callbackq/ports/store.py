"""What a store does: transactions over the tables of `ports.tables`. Provisional before 1.0: it may gain verbs."""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol, TypeVar, runtime_checkable

from callbackq.events import Event
from callbackq.ids import LegId, QueueName, TenantId
from callbackq.model import (
    Attempt,
    Booking,
    Callback,
    Conversation,
    LiveCall,
    Message,
    Node,
    Record,
    SlotCount,
    SlotDay,
    StoreHealth,
    Subject,
    Tally,
    Verification,
    Webhook,
)
from callbackq.ports.history import HistoryTable
from callbackq.ports.tables import (
    AgentTable,
    AttemptTable,
    BookingTable,
    CallbackTable,
    CallTable,
    ConversationTable,
    Lanes,
    Line,
    MessageTable,
    NodeTable,
    OptOutTable,
    QueueTable,
    SlotTable,
    SubjectTable,
    TallyTable,
    VerificationTable,
)
from callbackq.ports.webhooks import WebhookTable


class Commit(enum.Enum):
    """How much a transaction's end must withstand."""

    READ_ONLY = "read_only"
    """Nothing is written."""
    RELAXED = "relaxed"
    """Survives the end of the process; the last of them may be lost with the power. For live calls and agents."""
    FLUSHED = "flushed"
    """Survives the loss of power. For every promise, and every intent to dial."""


Ended = Callback | LiveCall | Attempt | Booking | Message | SlotCount | SlotDay
"""What `Transaction.remove` takes."""

ListedT = TypeVar("ListedT", Callback, LiveCall, Attempt, Booking, Message)
"""What `Transaction.page` returns."""


class Transaction(Protocol):
    """
    One tenant's rows, for the length of one transaction.

    All writes are seen by later reads of the same transaction; nothing is seen by others before the commit. An
    exception that leaves the block undoes everything.
    """

    @property
    def callbacks(self) -> CallbackTable:
        """The callbacks."""
        ...

    @property
    def calls(self) -> CallTable:
        """The live calls."""
        ...

    @property
    def agents(self) -> AgentTable:
        """The agents."""
        ...

    @property
    def attempts(self) -> AttemptTable:
        """The attempts."""
        ...

    @property
    def bookings(self) -> BookingTable:
        """The bookings."""
        ...

    @property
    def slots(self) -> SlotTable:
        """The seats of slots that are taken."""
        ...

    @property
    def subjects(self) -> SubjectTable:
        """The persons."""
        ...

    @property
    def tallies(self) -> TallyTable:
        """What was counted lately."""
        ...

    @property
    def verifications(self) -> VerificationTable:
        """The one-time codes."""
        ...

    @property
    def opt_outs(self) -> OptOutTable:
        """Who wants to be left alone."""
        ...

    @property
    def messages(self) -> MessageTable:
        """The outbox."""
        ...

    @property
    def conversations(self) -> ConversationTable:
        """What was said last to and by each address."""
        ...

    @property
    def nodes(self) -> NodeTable:
        """The processes that run a dispatcher."""
        ...

    @property
    def webhooks(self) -> WebhookTable:
        """How far each endpoint was told what happened."""
        ...

    @property
    def queues(self) -> QueueTable:
        """What is switched for the queues."""
        ...

    @property
    def lanes(self) -> Lanes:
        """The sets of skills."""
        ...

    @property
    def line(self) -> Line:
        """The places in line."""
        ...

    @property
    def history(self) -> HistoryTable:
        """The events."""
        ...

    def save(
        self,
        record: Record | Subject | SlotCount | SlotDay | Tally | Verification | Conversation | Node | Webhook,
    ) -> None:
        """
        Write a record: version 1 is inserted, version n takes the place of version n-1.

        Raises:
            StaleVersion: the stored version is not n-1.
            UniquenessViolated: another row holds the id; or the request key; or, while it has not ended, the
                dedup key of a callback, or the callback or number key of an attempt, or the callback of a booking,
                or its agent and slot; or a leg id; or an identity; or a customer id; or the cause of a message.
            ValueError: the record is another tenant's; or it has not ended and lacks `due_at` or `due_reason`; or
                it has ended and has one; or it counts fewer than none.
            RuntimeError: the transaction is READ_ONLY, or over.
        """
        ...

    def remove(self, record: Ended) -> None:
        """
        Delete a record that has ended, or a counter of seats, for good; its history stays until that is removed too.

        Raises:
            StaleVersion: it is not stored, or not as *record* is.
            ValueError: the record is another tenant's, or has not ended.
            RuntimeError: the transaction is READ_ONLY, or over.
        """
        ...

    def page(
        self, kind: type[ListedT], *, after: str = "", since: datetime | None = None, limit: int
    ) -> list[ListedT]:
        """
        Return records of one kind, ended or not, by their ids.

        Who goes on behind the last id of each page meets every record once that is there all the while. Cost:
        O(limit + log n), and those between that are older than *since*.

        Args:
            kind: `Callback`, `LiveCall`, `Attempt`, `Booking` or `Message`.
            after: only those behind this id; from the first if empty.
            since: only those of this moment or later: by `requested_at`, `entered_at`, `started_at`, `held_at` or
                `created_at`.
            limit: at most so many.
        """
        ...

    def next_due_at(self, *, queues: Collection[QueueName] | None = None) -> datetime | None:
        """
        Return the earliest `due_at` of all records that have not ended; of nodes none is looked at.

        Args:
            queues: only callbacks, live calls, attempts, bookings and messages of these queues, and every agent; all
                if None.
        """
        ...


@runtime_checkable
class CanTellHealth(Protocol):
    """A store that can say how its own database is. Optional: `doctor` asks a store that has it."""

    def health(self, *, thorough: bool = False) -> StoreHealth:
        """
        Return what is wrong with the database and the disk under it. Nothing is changed.

        Args:
            thorough: also what takes long, such as reading every page.

        Raises:
            StoreUnavailable: it cannot be asked now.
        """
        ...


@runtime_checkable
class CanSaveAll(Protocol):
    """A transaction that writes a whole decision at once. None needs to: without it each record is saved by itself."""

    def save_all(self, records: Sequence[Record | Subject], events: Sequence[Event]) -> None:
        """
        Write records and events as `Transaction.save` and `history.append` would, in this order.

        Raises:
            StaleVersion, UniquenessViolated: as `save`; some of it may be written, and nothing more can be done here.
            ValueError: as `save`.
            RuntimeError: the transaction is READ_ONLY, or over.
        """
        ...


@runtime_checkable
class CanWorkAhead(Protocol):
    """A transaction that can do for several commands at once what each would do by itself. None needs to."""

    def work_ahead(self, legs: Collection[LegId] = ()) -> None:
        """
        From here on what `save_all` refuses may be told later: by another verb, or at the end of the block.

        Args:
            legs: of which there are reports. What those look at may be read at once.

        Raises:
            RuntimeError: the transaction is READ_ONLY, or over.
        """
        ...


class Store(Protocol):
    """
    Keeps records by key, version, order and uniqueness. Knows no policy and reads no clock.

    Safe to share between threads. `callbackq.testing.contracts.StoreContract` says exactly what is asked.
    """

    @property
    def pepper(self) -> bytes:
        """32 secret bytes of this store, made once, that key the digests of phone numbers."""
        ...

    def transaction(self, tenant_id: TenantId, *, commit: Commit) -> AbstractContextManager[Transaction]:
        """
        Open a transaction on one tenant's rows; a tenant can reach no row of another.

        When the block ends the changes are committed as *commit* asks, and visible to all.

        Raises:
            StoreUnavailable: nothing was written; try again. A closed store is unavailable for good.
            CommitUncertain: the commit may have happened; read first.
            RuntimeError: this thread has a transaction of this store open already.
        """
        ...

    def scrub(self) -> bool:
        """
        Let nothing remain in the store's own files of what was deleted or overwritten in committed transactions.

        Returns:
            False where somebody was still reading older data: call again when they are done.

        Raises:
            StoreUnavailable: try again.
            RuntimeError: this thread has a transaction of this store open.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections. Closing twice is no error."""
        ...


@runtime_checkable
class CanShareFlushes(Protocol):
    """A store whose commands can share a flush of the disk. No store needs it."""

    def together(self, commands: Sequence[Callable[[], object]]) -> list[Exception | None]:
        """
        Run *commands* one after the other in this thread, and let their transactions share flushes.

        Within a command, a transaction that ends is not on the disk yet: so nothing may leave the process before this
        returns, and each command has one transaction that must be there. A command raises nothing.

        Returns:
            For each command, once it is known: None, or the error of the flush that was to hold what it wrote or saw.
            What it returned counts only with None.

        Raises:
            RuntimeError: this thread has a transaction open, or does this already.
        """
        ...

    def when_flushed(self, tell: Callable[[], object]) -> None:
        """
        Call *tell*, in this thread, once what its last transaction wrote is committed for good.

        Outside `together` that is at once. Within it, it is after all its commands, in their order, when no transaction
        is open any more; and never, if what the command wrote or saw was undone.
        """
        ...

"""What a store does: transactions over the tables of `ports.tables`. Provisional before 1.0: it may gain verbs."""

from __future__ import annotations

import enum
from collections.abc import Collection
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from callbackq.ids import QueueName, TenantId
from callbackq.model import Conversation, Record, SlotCount, SlotDay, Subject, Tally, Verification
from callbackq.ports.tables import (
    AgentTable,
    AttemptTable,
    BookingTable,
    CallbackTable,
    CallTable,
    ConversationTable,
    HistoryTable,
    Lanes,
    Line,
    MessageTable,
    OptOutTable,
    QueueTable,
    SlotTable,
    SubjectTable,
    TallyTable,
    VerificationTable,
)


class Commit(enum.Enum):
    """How much a transaction's end must withstand."""

    READ_ONLY = "read_only"
    """Nothing is written."""
    RELAXED = "relaxed"
    """Survives the end of the process; the last of them may be lost with the power. For live calls and agents."""
    FLUSHED = "flushed"
    """Survives the loss of power. For every promise, and every intent to dial."""


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
        self, record: Record | Subject | SlotCount | SlotDay | Tally | Verification | Conversation
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

    def next_due_at(self, *, queues: Collection[QueueName] | None = None) -> datetime | None:
        """
        Return the earliest `due_at` of all records that have not ended.

        Args:
            queues: only callbacks, live calls, attempts, bookings and messages of these queues, and every agent; all
                if None.
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

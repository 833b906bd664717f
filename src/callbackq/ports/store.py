"""What a store does. Provisional before 1.0: it may gain verbs."""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from callbackq.events import Event
from callbackq.ids import (
    AgentId,
    AttemptId,
    BookingId,
    CallbackId,
    CallId,
    LegId,
    PlaceId,
    QueueName,
    SubjectId,
    TenantId,
)
from callbackq.model import (
    Agent,
    Ahead,
    Attempt,
    Booking,
    Callback,
    LiveCall,
    Place,
    QueueControl,
    Record,
    SlotCount,
    SlotDay,
    Subject,
)


class Commit(enum.Enum):
    """How much a transaction's end must withstand."""

    READ_ONLY = "read_only"
    """Nothing is written."""
    RELAXED = "relaxed"
    """Survives the end of the process; the last of them may be lost with the power. For live calls and agents."""
    FLUSHED = "flushed"
    """Survives the loss of power. For every promise, and every intent to dial."""


class CallbackTable(Protocol):
    """The callbacks of one tenant."""

    def get(self, callback_id: CallbackId) -> Callback:
        """Return one callback. Raises: CallbackNotFound."""
        ...

    def by_request_key(self, request_key: str) -> Callback | None:
        """Return the callback that was made under this key, ended or not."""
        ...

    def active_by_dedup_key(self, dedup_key: str) -> Callback | None:
        """Return the callback that holds this key and has not ended."""
        ...

    def due(
        self, *, now: datetime, limit: int, queues: Collection[QueueName] | None = None
    ) -> list[Callback]:
        """
        Return those with `due_at` at or before *now*, earliest first, then by id.

        Args:
            queues: only of these queues; of all if None.
        """
        ...

    def open_count(self, queue: QueueName, *, limit: int) -> int:
        """Count the callbacks of *queue* that have not ended; stops at *limit*. O(counted) at most."""
        ...

    def last_ended(self, queue: QueueName, *, limit: int) -> list[Callback]:
        """Return the callbacks of *queue* that ended last: the latest `ended_at` first, then the highest id."""
        ...

    def of_subject(self, subject_id: SubjectId, *, limit: int) -> list[Callback]:
        """Return the callbacks of one person, in any queue: the latest `requested_at` first, then the highest id."""
        ...


class CallTable(Protocol):
    """The live calls of one tenant."""

    def get(self, call_id: CallId) -> LiveCall:
        """Return one live call. Raises: CallNotFound."""
        ...

    def find(self, call_id: CallId) -> LiveCall | None:
        """Return one live call, or None."""
        ...

    def due(
        self, *, now: datetime, limit: int, queues: Collection[QueueName] | None = None
    ) -> list[LiveCall]:
        """
        Return those with `due_at` at or before *now*, earliest first, then by id.

        Args:
            queues: only of these queues; of all if None.
        """
        ...

    def open(self, queue: QueueName) -> list[LiveCall]:
        """Return the live calls of *queue* that have not ended, by id."""
        ...

    def last_taken(self, queue: QueueName, *, limit: int) -> list[LiveCall]:
        """
        Return the live calls of *queue* that were taken last: the latest `taken_at` first, then the highest id.

        They may be over or not; those that have no `taken_at` are left out.
        """
        ...

    def last_ended(self, queue: QueueName, *, limit: int) -> list[LiveCall]:
        """Return the live calls of *queue* that ended last: the latest `ended_at` first, then the highest id."""
        ...


class AgentTable(Protocol):
    """The agents of one tenant."""

    def get(self, agent_id: AgentId) -> Agent:
        """Return one agent. Raises: AgentNotFound."""
        ...

    def find(self, agent_id: AgentId) -> Agent | None:
        """Return one agent, or None."""
        ...

    def available(self) -> list[Agent]:
        """Return the agents in state AVAILABLE, the one with the earliest `since_at` first, then by id."""
        ...

    def staffed_count(self, queue: QueueName) -> int:
        """Count the agents that serve *queue* and are not SIGNED_OUT."""
        ...

    def staffed_by_skills(self, queue: QueueName) -> Mapping[tuple[str, ...], int]:
        """Count the same agents by their skills, as they stand in the records. O(sets of skills) in memory."""
        ...

    def due(self, *, now: datetime, limit: int) -> list[Agent]:
        """Return those with `due_at` at or before *now*, earliest first, then by id."""
        ...


class AttemptTable(Protocol):
    """The attempts of one tenant."""

    def get(self, attempt_id: AttemptId) -> Attempt:
        """Return one attempt. Raises: AttemptNotFound."""
        ...

    def by_leg(self, leg_id: LegId) -> Attempt | None:
        """Return the attempt that has this leg, ended or not."""
        ...

    def live_by_number(self, number_key: str) -> Attempt | None:
        """Return the attempt that has not ended for this number."""
        ...

    def open_count(self, queue: QueueName, *, limit: int) -> int:
        """Count the attempts of *queue* that have not ended; stops at *limit*. O(counted) at most."""
        ...

    def open(self, queue: QueueName) -> list[Attempt]:
        """Return the attempts of *queue* that have not ended, by id."""
        ...

    def wanting_agent(self, *, queues: Collection[QueueName] | None = None) -> list[Attempt]:
        """
        Return the attempts without an agent (`agent_id` is None) that are neither ENDING nor ENDED, by id.

        Args:
            queues: only of these queues; of all if None. O(those returned).
        """
        ...

    def dialed_to(self, number_key: str, *, since: datetime, limit: int) -> list[Attempt]:
        """
        Return the attempts to this number, in any queue, that started after *since* and whose customer was dialed.

        The latest `started_at` first, then the highest id. "Dialed" is a `customer_leg` other than NONE.
        """
        ...

    def last_started(self, queue: QueueName, *, limit: int) -> list[Attempt]:
        """Return the attempts of *queue* that were started last: the latest `started_at` first, then the highest id."""
        ...

    def due(self, *, now: datetime, limit: int, queues: Collection[QueueName] | None = None) -> list[Attempt]:
        """
        Return those with `due_at` at or before *now*, earliest first, then by id.

        Args:
            queues: only of these queues; of all if None.
        """
        ...


class BookingTable(Protocol):
    """The bookings of one tenant."""

    def get(self, booking_id: BookingId) -> Booking:
        """Return one booking. Raises: BookingNotFound."""
        ...

    def of_callback(self, callback_id: CallbackId) -> Booking | None:
        """Return the booking of a callback that has not ended, or else the one that was made last."""
        ...

    def of_slot(self, queue: QueueName, slot_at: datetime) -> list[Booking]:
        """Return the bookings of one slot that have not ended, by id."""
        ...

    def between(
        self,
        queue: QueueName | None,
        *,
        from_at: datetime,
        until_at: datetime,
        agent_id: AgentId | None = None,
        limit: int,
    ) -> list[Booking]:
        """
        Return the bookings whose slot begins from *from_at* to before *until_at*, by `slot_at`, then by id.

        Ended ones are left out, but for those that were used. O(limit + log n) for a queue, and for an agent.

        Args:
            queue: of this queue; of all if None, and then an agent is given.
            agent_id: only those that stand in this agent's calendar.
        """
        ...

    def due(self, *, now: datetime, limit: int, queues: Collection[QueueName] | None = None) -> list[Booking]:
        """
        Return those with `due_at` at or before *now*, earliest first, then by id.

        Args:
            queues: only of these queues; of all if None.
        """
        ...


class SlotTable(Protocol):
    """How many seats are taken, by slot and by day."""

    def locked(self, queue: QueueName, slot_at: datetime) -> SlotCount | None:
        """
        Return the counter of one slot, or None if no seat of it was ever taken.

        Until the transaction ends nobody else changes it: others who ask for it wait. Where there is none yet, two
        may find none; the second to save one meets `UniquenessViolated`, and tries again.

        Ask for it before anything else, if you can: in some stores a transaction that has looked at something sees the
        moment at which it did, and whoever had to wait is then told that he is late. Who needs several asks for them
        in the order of their queues and times, so that no two wait for each other. Who only reads does not wait.

        Raises:
            StaleVersion: somebody else has changed it since this transaction began to look.
        """
        ...

    def between(self, queue: QueueName, *, from_at: datetime, until_at: datetime) -> list[SlotCount]:
        """Return the counters of the slots from *from_at* to before *until_at*, by `slot_at`. O(those returned)."""
        ...

    def days(self, queue: QueueName, *, from_day: str, until_day: str) -> list[SlotDay]:
        """Return the counters of the days from *from_day* to *until_day*, both included, in order."""
        ...


class SubjectTable(Protocol):
    """The persons of one tenant: the one table that holds personal data."""

    def get(self, subject_id: SubjectId) -> Subject:
        """Return one person. Raises: LookupError (a bug if it happens)."""
        ...

    def by_identity(self, identity: str) -> Subject | None:
        """Return the person known by *identity*."""
        ...


class QueueTable(Protocol):
    """What is switched for the queues of one tenant."""

    def find(self, queue: QueueName) -> QueueControl | None:
        """Return what is switched for *queue* itself, or None if nothing ever was."""
        ...


class Lanes(Protocol):
    """Sets of skills, interned as small numbers. Lane 0 needs no skill."""

    def skills_of(self, lane: int) -> tuple[str, ...]:
        """Return the skills of a lane, sorted. Raises: LookupError if nothing was interned under it."""
        ...

    def intern(self, skills: Sequence[str]) -> int:
        """Return the number of this set of skills, the same one every time."""
        ...

    def served_by(self, skills: Sequence[str]) -> tuple[int, ...]:
        """Return every lane whose skills are all among *skills*, lowest first; lane 0 always."""
        ...


class Line(Protocol):
    """The WAITING places, live calls and callbacks in one order: by `rank`, then by `place_id`."""

    def head(self, queue: QueueName, *, lanes: Sequence[int], calls_only: bool = False) -> Place | None:
        """
        Return the first place of *queue* in these lanes; the first live call if *calls_only*.

        O(log n) for each lane.
        """
        ...

    def count_ahead(self, queue: QueueName, *, rank: int, place_id: PlaceId) -> Ahead:
        """
        Count the places of *queue*, over all lanes, that stand before this one.

        Exact as long as there are no more than `model.POSITION_EXACT_MAX` of one kind. Beyond, a store may
        estimate: never fewer than that bound in all, and marked by `exact`.
        """
        ...

    def count_passed(
        self, queue: QueueName, *, lane: int, priority: int, rank: int, place_id: PlaceId
    ) -> Ahead:
        """
        Count the places of *queue*, of one lane and one priority, that stand before this one. Exact.

        These are the ones of its class that it passes if it is served now. O(log n + counted); near the head of
        its lane, where it is mostly asked, that is little.
        """
        ...

    def places(
        self, queue: QueueName, *, after: tuple[int, PlaceId] | None = None, limit: int
    ) -> list[Place]:
        """
        Return places of *queue*, over all lanes, in order.

        Args:
            after: only those behind this rank and place id; from the head if None.
            limit: at most so many. O(limit + log n).
        """
        ...

    def waiting_count(self, queue: QueueName) -> int:
        """Count the places of *queue*."""
        ...

    def is_empty(self) -> bool:
        """Whether no place waits in any queue."""
        ...


class HistoryTable(Protocol):
    """What happened, in order."""

    def append(self, events: Sequence[Event]) -> None:
        """Write events after all earlier ones."""
        ...

    def of_callback(self, callback_id: CallbackId) -> list[Event]:
        """
        Return the events of one callback, of all its attempts, and of its booking, oldest first.

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

    def save(self, record: Record | Subject | SlotCount | SlotDay) -> None:
        """
        Write a record: version 1 is inserted, version n takes the place of version n-1.

        Raises:
            StaleVersion: the stored version is not n-1.
            UniquenessViolated: another row holds the id; or the request key; or, while it has not ended, the
                dedup key of a callback, or the callback or number key of an attempt, or the callback of a booking,
                or its agent and slot; or a leg id; or an identity.
            ValueError: the record is another tenant's; or it has not ended and lacks `due_at` or `due_reason`; or
                it has ended and has one; or it counts fewer than none.
            RuntimeError: the transaction is READ_ONLY, or over.
        """
        ...

    def next_due_at(self, *, queues: Collection[QueueName] | None = None) -> datetime | None:
        """
        Return the earliest `due_at` of all records that have not ended.

        Args:
            queues: only callbacks, live calls, attempts and bookings of these queues, and every agent; all if None.
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

    def close(self) -> None:
        """Let go of files and connections. Closing twice is no error."""
        ...

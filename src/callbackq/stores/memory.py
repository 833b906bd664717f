"""
The store in memory: the reference for all others, for tests, simulations and replays.

The rule: every write goes through `TenantRows.swap` and leaves its reverse in an undo log; played backwards,
that is the rollback. `MemoryStore.check` verifies every index against the records.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Any, Final, Generic, TypeVar, cast

from callbackq.errors import (
    AgentNotFound,
    AttemptNotFound,
    CallbackNotFound,
    CallNotFound,
    NotFound,
    StaleVersion,
    StoreUnavailable,
    UniquenessViolated,
)
from callbackq.events import Event
from callbackq.ids import (
    AgentId,
    AttemptId,
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
    Callback,
    Entity,
    LiveCall,
    Place,
    QueueControl,
    Record,
    Subject,
)
from callbackq.ports import Commit
from callbackq.stores.memory_rows import (
    ATTEMPTS_DIALED,
    ATTEMPTS_OPEN,
    ATTEMPTS_STARTED,
    ATTEMPTS_WANTING,
    CALLBACKS_ENDED,
    CALLBACKS_OF_SUBJECT,
    CALLS_ENDED,
    CALLS_OPEN,
    CALLS_TAKEN,
    Row,
    TenantRows,
    keys_of,
    row_id_of,
)
from callbackq.stores.pepper import PEPPER_BYTES, check_pepper
from callbackq.stores.rows import UNIQUE_RULES, check_event, check_record

_RowT = TypeVar("_RowT", Callback, LiveCall, Agent, Attempt)


# ---------------------------------------------------------------------------- tables


class _Table(Generic[_RowT]):
    """What the tables of all four kinds of record share."""

    __slots__ = ("_cls", "_not_found", "_transaction")

    def __init__(self, transaction: MemoryTransaction, cls: type[_RowT], not_found: type[NotFound]) -> None:
        self._transaction = transaction
        self._cls: type[_RowT] = cls
        self._not_found = not_found

    def _get(self, row_id: str) -> _RowT:
        row = self._find(row_id)
        if row is None:
            raise self._not_found(
                f"tenant {self._transaction.tenant_id!r} has no {_NAMES[self._cls]} {row_id!r}"
            )
        return row

    def _find(self, row_id: str) -> _RowT | None:
        rows: dict[str, _RowT] = self._transaction.tenant.rows[self._cls]
        return rows.get(row_id)

    def _holder(self, rule: str, key: str) -> _RowT | None:
        row_id = self._transaction.tenant.keys.get((rule, key))
        return None if row_id is None else self._find(row_id)

    def due(self, *, now: datetime, limit: int, queues: Collection[QueueName] | None = None) -> list[_RowT]:
        """Return those due at *now*, earliest first, then by id. O(limit + due in other queues)."""
        tenant = self._transaction.tenant
        rows: dict[str, _RowT] = tenant.rows[self._cls]
        found: list[_RowT] = []
        for due_at, row_id in tenant.due[self._cls]:
            if due_at > now or len(found) >= limit:
                break
            if _is_in(rows[row_id], queues):
                found.append(rows[row_id])
        return found

    def _latest(self, what: str, queue: QueueName, limit: int) -> list[_RowT]:
        tenant = self._transaction.tenant
        rows: dict[str, _RowT] = tenant.rows[self._cls]
        times = tenant.latest.get((what, queue), ())
        return [rows[row_id] for _, row_id in islice(reversed(times), limit)]

    def _latest_by(self, what: str, key: str, since: datetime | None, limit: int) -> list[_RowT]:
        """Return the rows under *key*, the latest first, as long as they are later than *since*."""
        tenant = self._transaction.tenant
        rows: dict[str, _RowT] = tenant.rows[self._cls]
        found: list[_RowT] = []
        spots = tenant.by_key[what].irange((key,), (f"{key}\0",), reverse=True)
        for _, at, row_id in islice(spots, limit):
            if since is not None and at <= since:
                break
            found.append(rows[row_id])
        return found

    def _listed(self, what: str, queues: Collection[QueueName] | None) -> list[_RowT]:
        """Return the rows that stand in the lists of *queues*, by id."""
        tenant = self._transaction.tenant
        rows: dict[str, _RowT] = tenant.rows[self._cls]
        lists = tenant.by_queue[what]
        found = [lists.get(queue, ()) for queue in (lists if queues is None else set(queues))]
        return [rows[row_id] for row_id in merge(*found)]


def _is_in(row: Any, queues: Collection[QueueName] | None) -> bool:
    return queues is None or isinstance(row, Agent) or row.queue in queues


_NAMES: Final[Mapping[type[Any], str]] = {
    Callback: "callback",
    LiveCall: "live call",
    Agent: "agent",
    Attempt: "attempt",
}


class _Callbacks(_Table[Callback]):
    """The callbacks of one tenant."""

    __slots__ = ()

    def get(self, callback_id: CallbackId) -> Callback:
        """Return one callback. O(1). Raises: CallbackNotFound."""
        return self._get(callback_id)

    def by_request_key(self, request_key: str) -> Callback | None:
        """Return the callback that was made under this key, ended or not. O(1)."""
        return self._holder("request_key", request_key)

    def active_by_dedup_key(self, dedup_key: str) -> Callback | None:
        """Return the callback that holds this key and has not ended. O(1)."""
        return self._holder("dedup_key", dedup_key)

    def open_count(self, queue: QueueName, *, limit: int) -> int:
        """Count the callbacks of *queue* that have not ended; stops at *limit*. O(1)."""
        return min(self._transaction.tenant.callbacks_open[queue], limit)

    def last_ended(self, queue: QueueName, *, limit: int) -> list[Callback]:
        """Return the callbacks of *queue* that ended last, the latest first. O(limit)."""
        return self._latest(CALLBACKS_ENDED, queue, limit)

    def of_subject(self, subject_id: SubjectId, *, limit: int) -> list[Callback]:
        """Return the callbacks of one person, in any queue, the latest requested first. O(limit + log n)."""
        return self._latest_by(CALLBACKS_OF_SUBJECT, subject_id, None, limit)


class _Calls(_Table[LiveCall]):
    """The live calls of one tenant."""

    __slots__ = ()

    def get(self, call_id: CallId) -> LiveCall:
        """Return one live call. O(1). Raises: CallNotFound."""
        return self._get(call_id)

    def find(self, call_id: CallId) -> LiveCall | None:
        """Return one live call, or None. O(1)."""
        return self._find(call_id)

    def open(self, queue: QueueName) -> list[LiveCall]:
        """Return the live calls of *queue* that have not ended, by id. O(found)."""
        return self._listed(CALLS_OPEN, (queue,))

    def last_taken(self, queue: QueueName, *, limit: int) -> list[LiveCall]:
        """Return the live calls of *queue* that were taken last, the latest first. O(limit)."""
        return self._latest(CALLS_TAKEN, queue, limit)

    def last_ended(self, queue: QueueName, *, limit: int) -> list[LiveCall]:
        """Return the live calls of *queue* that ended last, the latest first. O(limit)."""
        return self._latest(CALLS_ENDED, queue, limit)


class _Agents(_Table[Agent]):
    """The agents of one tenant."""

    __slots__ = ()

    def get(self, agent_id: AgentId) -> Agent:
        """Return one agent. O(1). Raises: AgentNotFound."""
        return self._get(agent_id)

    def find(self, agent_id: AgentId) -> Agent | None:
        """Return one agent, or None. O(1)."""
        return self._find(agent_id)

    def available(self) -> list[Agent]:
        """Return the agents in state AVAILABLE, longest first, then by id. O(available)."""
        tenant = self._transaction.tenant
        return [tenant.rows[Agent][agent_id] for _, agent_id in tenant.available]

    def staffed_count(self, queue: QueueName) -> int:
        """Count the agents that serve *queue* and are not SIGNED_OUT. O(1)."""
        return self._transaction.tenant.staffed[queue]

    def staffed_by_skills(self, queue: QueueName) -> dict[tuple[str, ...], int]:
        """Count the same agents by their skills. O(sets of skills of the tenant)."""
        counts = self._transaction.tenant.staffed_skills
        return {skills: count for (name, skills), count in counts.items() if name == queue and count}


class _Attempts(_Table[Attempt]):
    """The attempts of one tenant."""

    __slots__ = ()

    def get(self, attempt_id: AttemptId) -> Attempt:
        """Return one attempt. O(1). Raises: AttemptNotFound."""
        return self._get(attempt_id)

    def by_leg(self, leg_id: LegId) -> Attempt | None:
        """Return the attempt that has this leg, ended or not. O(1)."""
        return self._holder("leg_id", leg_id)

    def live_by_number(self, number_key: str) -> Attempt | None:
        """Return the attempt that has not ended for this number. O(1)."""
        return self._holder("number_key", number_key)

    def open_count(self, queue: QueueName, *, limit: int) -> int:
        """Count the attempts of *queue* that have not ended; stops at *limit*. O(1)."""
        return min(len(self._transaction.tenant.by_queue[ATTEMPTS_OPEN].get(queue, ())), limit)

    def open(self, queue: QueueName) -> list[Attempt]:
        """Return the attempts of *queue* that have not ended, by id. O(found)."""
        return self._listed(ATTEMPTS_OPEN, (queue,))

    def wanting_agent(self, *, queues: Collection[QueueName] | None = None) -> list[Attempt]:
        """Return the attempts without an agent that go on, by id. O(n log queues) in those."""
        return self._listed(ATTEMPTS_WANTING, queues)

    def dialed_to(self, number_key: str, *, since: datetime, limit: int) -> list[Attempt]:
        """Return the attempts that dialed this number after *since*, the latest first. O(limit + log n)."""
        return self._latest_by(ATTEMPTS_DIALED, number_key, since, limit)

    def last_started(self, queue: QueueName, *, limit: int) -> list[Attempt]:
        """Return the attempts of *queue* that were started last, the latest first. O(limit)."""
        return self._latest(ATTEMPTS_STARTED, queue, limit)


class _Subjects:
    """The persons of one tenant."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: MemoryTransaction) -> None:
        self._transaction = transaction

    def get(self, subject_id: SubjectId) -> Subject:
        """Return one person. O(1). Raises: NotFound."""
        subject: Subject | None = self._transaction.tenant.rows[Subject].get(subject_id)
        if subject is None:
            raise NotFound(f"tenant {self._transaction.tenant_id!r} has no subject {subject_id!r}")
        return subject

    def by_identity(self, identity: str) -> Subject | None:
        """Return the person known by *identity*. O(1)."""
        tenant = self._transaction.tenant
        subject_id = tenant.keys.get(("identity", identity))
        return None if subject_id is None else cast("Subject", tenant.rows[Subject][subject_id])


class _Queues:
    """What is switched for the queues of one tenant."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: MemoryTransaction) -> None:
        self._transaction = transaction

    def find(self, queue: QueueName) -> QueueControl | None:
        """Return what is switched for *queue* itself, or None if nothing ever was. O(1)."""
        return cast("QueueControl | None", self._transaction.tenant.rows[QueueControl].get(queue))


class _Lanes:
    """The sets of skills of one tenant."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: MemoryTransaction) -> None:
        self._transaction = transaction

    def skills_of(self, lane: int) -> tuple[str, ...]:
        """Return the skills of a lane, sorted. O(its skills). Raises: NotFound."""
        skills = self._transaction.tenant.lanes.skills_of(lane)
        if skills is None:
            raise NotFound(f"tenant {self._transaction.tenant_id!r} has no lane {lane}")
        return skills

    def intern(self, skills: Sequence[str]) -> int:
        """Return the number of this set of skills, the same one every time. O(skills)."""
        lanes = self._transaction.tenant.lanes
        lane = lanes.lane_of.get(frozenset(skills))
        if lane is None:
            self._transaction.refuse_if_read_only()
            lane = lanes.add(skills)
        return lane

    def served_by(self, skills: Sequence[str]) -> tuple[int, ...]:
        """Return every lane whose skills are all among *skills*, lowest first. O(lanes with one of them)."""
        return self._transaction.tenant.lanes.served_by(skills)


class _Line:
    """The waiting places of one tenant."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: MemoryTransaction) -> None:
        self._transaction = transaction

    def head(self, queue: QueueName, *, lanes: Sequence[int], calls_only: bool = False) -> Place | None:
        """Return the first place, or live call, of *queue* in these lanes. O(1) for each lane."""
        line = self._transaction.tenant.lines.get(queue)
        return None if line is None else line.head(lanes, calls_only=calls_only)

    def count_ahead(self, queue: QueueName, *, rank: int, place_id: PlaceId) -> Ahead:
        """Count the places of *queue* before this one: always exact. O(log n)."""
        line = self._transaction.tenant.lines.get(queue)
        return Ahead() if line is None else line.count_ahead(rank, place_id)

    def count_passed(
        self, queue: QueueName, *, lane: int, priority: int, rank: int, place_id: PlaceId
    ) -> Ahead:
        """Count the places of one lane and priority before this one. O(places of the lane before it)."""
        line = self._transaction.tenant.lines.get(queue)
        if line is None:
            return Ahead()
        return line.count_passed(lane=lane, priority=priority, rank=rank, place_id=place_id)

    def places(
        self, queue: QueueName, *, after: tuple[int, PlaceId] | None = None, limit: int
    ) -> list[Place]:
        """Return places of *queue* in order, behind *after*. O(limit + log n)."""
        line = self._transaction.tenant.lines.get(queue)
        return [] if line is None else line.places(after, limit)

    def waiting_count(self, queue: QueueName) -> int:
        """Count the places of *queue*. O(1)."""
        return len(self._transaction.tenant.lines.get(queue, ()))

    def is_empty(self) -> bool:
        """Whether no place waits in any queue. O(1)."""
        return not self._transaction.tenant.lines


class _History:
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
            tenant.append(event)

    def of_callback(self, callback_id: CallbackId) -> list[Event]:
        """Return the events of one callback and of all its attempts, oldest first. O(found)."""
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
        return list(self._transaction.tenant.history)

    def _of(self, entity: Entity, row_id: str) -> list[Event]:
        return list(self._transaction.tenant.history_of.get((entity, row_id), ()))


# ---------------------------------------------------------------------------- transaction and store


class MemoryTransaction:
    """One tenant's rows, while the store's lock is held."""

    __slots__ = (
        "_history_count",
        "_lanes_count",
        "_read_only",
        "_rows",
        "_undo",
        "agents",
        "attempts",
        "callbacks",
        "calls",
        "history",
        "lanes",
        "line",
        "queues",
        "subjects",
        "tenant_id",
    )

    def __init__(self, rows: TenantRows, tenant_id: TenantId, *, commit: Commit) -> None:
        self.tenant_id = tenant_id
        self.callbacks = _Callbacks(self, Callback, CallbackNotFound)
        self.calls = _Calls(self, LiveCall, CallNotFound)
        self.agents = _Agents(self, Agent, AgentNotFound)
        self.attempts = _Attempts(self, Attempt, AttemptNotFound)
        self.subjects = _Subjects(self)
        self.queues = _Queues(self)
        self.lanes = _Lanes(self)
        self.line = _Line(self)
        self.history = _History(self)
        self._rows: TenantRows | None = rows
        self._read_only = commit is Commit.READ_ONLY
        self._undo: list[tuple[Row | None, Row]] = []
        self._history_count = len(rows.history)
        self._lanes_count = len(rows.lanes)

    @property
    def tenant(self) -> TenantRows:
        """The rows. Raises: RuntimeError when the block has ended."""
        if self._rows is None:
            msg = "this transaction is over"
            raise RuntimeError(msg)
        return self._rows

    def refuse_if_read_only(self) -> None:
        """Raise RuntimeError in a READ_ONLY transaction."""
        if self._read_only:
            msg = "this transaction was opened with Commit.READ_ONLY, so it can write nothing"
            raise RuntimeError(msg)

    def save(self, record: Record | Subject) -> None:
        """
        Write a record: version 1 is inserted, version n takes the place of version n-1. O(log n).

        Raises:
            StaleVersion: the stored version is not n-1.
            UniquenessViolated: another row holds one of its keys; the message names which.
            ValueError: the record is another tenant's, or `due_at` does not fit its state.
            RuntimeError: the transaction is READ_ONLY.
        """
        tenant = self.tenant
        self.refuse_if_read_only()
        check_record(record, tenant_id=self.tenant_id)
        row_id = row_id_of(record)
        old: Row | None = tenant.rows[type(record)].get(row_id)
        if record.version == 1:
            if old is not None:
                raise UniquenessViolated(f"{row_id}: {UNIQUE_RULES['id']}")
        elif old is None or old.version != record.version - 1:
            found = "none" if old is None else f"version {old.version}"
            raise StaleVersion(f"{row_id}: version {record.version} was to be written, but {found} is stored")
        for key in keys_of(record):
            if tenant.keys.get(key, row_id) != row_id:
                raise UniquenessViolated(f"{row_id}: {UNIQUE_RULES[key[0]]}")
        tenant.swap(old, record)
        self._undo.append((old, record))

    def next_due_at(self, *, queues: Collection[QueueName] | None = None) -> datetime | None:
        """Return the earliest `due_at` of these queues and of all agents. O(1 + due in other queues)."""
        rows = self.tenant.rows
        firsts = (
            next((due_at for due_at, row_id in times if _is_in(rows[kind][row_id], queues)), None)
            for kind, times in self.tenant.due.items()
        )
        return min((due_at for due_at in firsts if due_at is not None), default=None)

    def end(self, *, undo: bool) -> None:
        """Let go of the rows, after putting everything back where *undo* says so. O(what was written)."""
        rows, self._rows = self.tenant, None
        if not undo:
            return
        for old, new in reversed(self._undo):
            rows.swap(new, old)
        while len(rows.history) > self._history_count:
            rows.take_back()
        while len(rows.lanes) > self._lanes_count:
            rows.lanes.take_back()


class MemoryStore:
    """
    Keeps everything in this process's memory. Nothing survives its end, whatever `Commit` asks.

    Safe to share between threads: one transaction at a time, over all tenants. A forked child has a copy.

    Args:
        pepper: 32 secret bytes that key the digests of phone numbers. Made at random when not given.

    Raises:
        ConfigurationError: the pepper has another length.
    """

    def __init__(self, *, pepper: bytes | None = None) -> None:
        check_pepper(pepper)
        self._pepper = os.urandom(PEPPER_BYTES) if pepper is None else pepper
        self._lock = threading.RLock()
        self._tenants: dict[TenantId, TenantRows] = {}
        self._is_busy = False
        self._is_closed = False

    @property
    def pepper(self) -> bytes:
        """The secret bytes of this store."""
        return self._pepper

    @contextmanager
    def transaction(self, tenant_id: TenantId, *, commit: Commit) -> Generator[MemoryTransaction]:
        """
        Open a transaction; an exception that leaves the block undoes all of it. Cost: a few microseconds.

        Raises:
            RuntimeError: this thread has a transaction open already.
            StoreUnavailable: the store was closed.
        """
        with self._lock:
            self._refuse_if_busy()
            if self._is_closed:
                raise StoreUnavailable("this store was closed")
            rows = self._tenants.get(tenant_id)
            if rows is None:
                rows = self._tenants[tenant_id] = TenantRows()
            transaction = MemoryTransaction(rows, tenant_id, commit=commit)
            self._is_busy = True
            try:
                yield transaction
            except BaseException:
                transaction.end(undo=True)
                raise
            else:
                transaction.end(undo=False)
            finally:
                self._is_busy = False

    def check(self) -> None:
        """Verify every index against the records. O(n log n). Raises: AssertionError naming what differs."""
        with self._lock:
            for tenant in self._tenants.values():
                tenant.check()

    def close(self) -> None:
        """Refuse every later transaction. The records stay in memory until the store itself goes."""
        with self._lock:
            self._refuse_if_busy()
            self._is_closed = True

    def _refuse_if_busy(self) -> None:
        if self._is_busy:  # The lock is this thread's own.
            msg = "this thread has a transaction of this store open; end it first"
            raise RuntimeError(msg)

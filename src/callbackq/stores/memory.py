"""
The store in memory: the reference for all others, for tests, simulations and replays.

The rule: every write goes through `TenantRows.swap` and leaves its reverse in an undo log; played backwards,
that is the rollback. `MemoryStore.check` verifies every index against the records. The verbs of each table are in
`memory_tables`, `memory_guards`, `memory_messages` and `memory_history`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from operator import attrgetter

from callbackq.errors import (
    AgentNotFound,
    AttemptNotFound,
    BookingNotFound,
    CallbackNotFound,
    CallNotFound,
    MessageNotFound,
    NotFound,
    StaleVersion,
    StoreUnavailable,
    UniquenessViolated,
)
from callbackq.ids import PlaceId, QueueName, TenantId
from callbackq.model import (
    Agent,
    Ahead,
    Attempt,
    Booking,
    Callback,
    CallbackState,
    ChainHead,
    LiveCall,
    Message,
    Node,
    Place,
    Severity,
    StoreHealth,
    StoreProblem,
)
from callbackq.ports import Commit, Ended, ListedT
from callbackq.stores.memory_figures import Facts
from callbackq.stores.memory_guards import OptOuts, Subjects, Tallies, Verifications
from callbackq.stores.memory_history import History, Removed
from callbackq.stores.memory_messages import Conversations, Messages
from callbackq.stores.memory_nodes import Nodes
from callbackq.stores.memory_rows import Row, RowId, TenantRows, keys_of, name_of, row_id_of
from callbackq.stores.memory_spots import CALLBACKS_IN_STATE, CALLS_WAITING
from callbackq.stores.memory_tables import (
    Agents,
    Attempts,
    Bookings,
    Callbacks,
    Calls,
    Queues,
    Slots,
    is_in,
)
from callbackq.stores.memory_webhooks import Webhooks
from callbackq.stores.pepper import PEPPER_BYTES, check_pepper
from callbackq.stores.rows import MOMENTS, UNIQUE_RULES, Saved, check_ended, check_record

# ---------------------------------------------------------------------------- lanes, the line


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

    def oldest(self, queue: QueueName) -> tuple[datetime | None, datetime | None]:
        """Return the earliest entry of the live calls, and of the callbacks, that wait in *queue*. O(log n)."""
        by_key = self._transaction.tenant.by_key
        waiting = CallbackState.WAITING
        calls = by_key[CALLS_WAITING].irange((queue,), (f"{queue}\0",))
        callbacks = by_key[CALLBACKS_IN_STATE].irange((queue, waiting), (queue, f"{waiting}\0"))
        return next((at for _, at, _ in calls), None), next((at for _, _, at, _ in callbacks), None)

    def is_empty(self) -> bool:
        """Whether no place waits in any queue. O(1)."""
        return not self._transaction.tenant.lines


# ---------------------------------------------------------------------------- transaction and store


class MemoryTransaction:
    """One tenant's rows, while the store's lock is held."""

    __slots__ = (
        "_lanes_count",
        "_read_only",
        "_removed",
        "_rows",
        "_undo",
        "agents",
        "attempts",
        "bookings",
        "callbacks",
        "calls",
        "conversations",
        "history",
        "history_count",
        "lanes",
        "line",
        "messages",
        "nodes",
        "opt_outs",
        "queues",
        "slots",
        "subjects",
        "tallies",
        "tenant_id",
        "verifications",
        "webhooks",
    )

    def __init__(self, rows: TenantRows, tenant_id: TenantId, *, commit: Commit) -> None:
        self.tenant_id = tenant_id
        self.callbacks = Callbacks(self, Callback, CallbackNotFound)
        self.calls = Calls(self, LiveCall, CallNotFound)
        self.agents = Agents(self, Agent, AgentNotFound)
        self.attempts = Attempts(self, Attempt, AttemptNotFound)
        self.bookings = Bookings(self, Booking, BookingNotFound)
        self.slots = Slots(self)
        self.subjects = Subjects(self)
        self.tallies = Tallies(self)
        self.verifications = Verifications(self)
        self.opt_outs = OptOuts(self)
        self.messages = Messages(self, Message, MessageNotFound)
        self.conversations = Conversations(self)
        self.nodes = Nodes(self, Node, NotFound)
        self.webhooks = Webhooks(self)
        self.queues = Queues(self)
        self.lanes = _Lanes(self)
        self.line = _Line(self)
        self.history = History(self)
        self._rows: TenantRows | None = rows
        self._read_only = commit is Commit.READ_ONLY
        self._undo: list[tuple[Row | None, Row | None]] = []
        self._removed: list[Removed] = []
        self.history_count = len(rows.history)
        self._lanes_count = len(rows.lanes)

    @property
    def tenant(self) -> TenantRows:
        """The rows. Raises: RuntimeError when the block has ended."""
        if self._rows is None:
            msg = "this transaction is over"
            raise RuntimeError(msg)
        return self._rows

    @property
    def facts(self) -> Facts:
        """What figures are counted from."""
        return Facts(self)

    def refuse_if_read_only(self) -> None:
        """Raise RuntimeError in a READ_ONLY transaction."""
        if self._read_only:
            msg = "this transaction was opened with Commit.READ_ONLY, so it can write nothing"
            raise RuntimeError(msg)

    def save(self, record: Saved) -> None:
        """
        Write a record: version 1 is inserted, version n takes the place of version n-1. O(log n).

        Raises:
            StaleVersion: the stored version is not n-1.
            UniquenessViolated: another row holds one of its keys; the message names which.
            ValueError: the record is another tenant's, or `due_at` does not fit its state, or it counts
                fewer than none.
            RuntimeError: the transaction is READ_ONLY.
        """
        tenant = self.tenant
        self.refuse_if_read_only()
        check_record(record, tenant_id=self.tenant_id)
        row_id, name = row_id_of(record), name_of(record)
        old: Row | None = tenant.rows[type(record)].get(row_id)
        if record.version == 1:
            if old is not None:
                raise UniquenessViolated(f"{name}: {UNIQUE_RULES['id']}")
        elif old is None or old.version != record.version - 1:
            found = "none" if old is None else f"version {old.version}"
            raise StaleVersion(f"{name}: version {record.version} was to be written, but {found} is stored")
        for key in keys_of(record):
            if tenant.keys.get(key, row_id) != row_id:
                raise UniquenessViolated(f"{name}: {UNIQUE_RULES[key[0]]}")
        tenant.swap(old, record)
        self._undo.append((old, record))

    def delete(self, row: Row) -> None:
        """Take a row out for good. O(log n)."""
        self.tenant.swap(row, None)
        self._undo.append((row, None))

    def remove(self, record: Ended) -> None:
        """Delete a record that has ended, or a counter of seats. O(log n). Raises: StaleVersion, ValueError."""
        tenant = self.tenant
        self.refuse_if_read_only()
        check_ended(record, tenant_id=self.tenant_id)
        old: Row | None = tenant.rows[type(record)].get(row_id_of(record))
        if old is None or old.version != record.version:
            raise StaleVersion(
                f"{name_of(record)}: version {record.version} was to be removed, and is not stored"
            )
        self.delete(old)

    def remove_events(self, heads: Sequence[ChainHead]) -> int:
        """Delete the first events of chains; return how many. O(those)."""
        gone = self.tenant.remove(heads)
        self._removed.append(gone)
        return len(gone.events)

    def page(
        self, kind: type[ListedT], *, after: str = "", since: datetime | None = None, limit: int
    ) -> list[ListedT]:
        """Return records of one kind by their ids, behind *after*. O(limit + log n + older ones between)."""
        rows: dict[RowId, ListedT] = self.tenant.rows[kind]
        moment_of = attrgetter(MOMENTS[kind])
        ids = self.tenant.in_order[kind].irange(after, inclusive=(False, True))
        found = (rows[row_id] for row_id in ids)
        return list(islice((one for one in found if since is None or moment_of(one) >= since), limit))

    def next_due_at(self, *, queues: Collection[QueueName] | None = None) -> datetime | None:
        """Return the earliest `due_at` of these queues and of all agents. O(1 + due in other queues)."""
        rows = self.tenant.rows
        firsts = (
            next((due_at for due_at, row_id in times if is_in(rows[kind][row_id], queues)), None)
            for kind, times in self.tenant.due.items()
            if kind is not Node
        )
        return min((due_at for due_at in firsts if due_at is not None), default=None)

    def end(self, *, undo: bool) -> None:
        """Let go of the rows, after putting everything back where *undo* says so. O(what was written)."""
        rows, self._rows = self.tenant, None
        if not undo:
            return
        for old, new in reversed(self._undo):
            rows.swap(new, old)
        for gone in reversed(self._removed):
            while len(rows.history) > gone.length:
                rows.take_back()
            rows.put_back(gone)
        while len(rows.history) > self.history_count:
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

    def health(self, *, thorough: bool = False) -> StoreHealth:
        """Verify every index, if *thorough*: see `ports.CanTellHealth`. O(n log n)."""
        try:
            if thorough:
                self.check()
        except AssertionError as error:
            what = f"an index in memory is wrong: {str(error).partition(chr(10))[0]}"
            remedy = "this is a bug; nothing in this process can be trusted"
            return StoreHealth(problems=(StoreProblem(severity=Severity.ERROR, what=what, remedy=remedy),))
        return StoreHealth()

    def scrub(self) -> bool:
        """Do nothing: there is no file. Raises: RuntimeError, StoreUnavailable as `transaction` does."""
        with self._lock:
            self._refuse_if_busy()
            if self._is_closed:
                raise StoreUnavailable("this store was closed")
        return True

    def close(self) -> None:
        """Refuse every later transaction. The records stay in memory until the store itself goes."""
        with self._lock:
            self._refuse_if_busy()
            self._is_closed = True

    def _refuse_if_busy(self) -> None:
        if self._is_busy:  # The lock is this thread's own.
            msg = "this thread has a transaction of this store open; end it first"
            raise RuntimeError(msg)

"""
One SQLite transaction: the verbs of `ports.Transaction` as statements.

The rule: the text of every statement is made once, when the module is imported, so that SQLite compiles it once
per connection; and every statement names the tenant, and is served by an index of `schema/sqlite.sql`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, Final, Generic, cast

from callbackq.errors import (
    AgentNotFound,
    AttemptNotFound,
    CallbackNotFound,
    CallNotFound,
    NotFound,
    StaleVersion,
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
from callbackq.model import Agent, Attempt, Callback, LiveCall, Place, Record, Subject
from callbackq.ports import Commit
from callbackq.stores.rows import (
    AGENT_ROWS,
    ATTEMPT_ROWS,
    CALL_ROWS,
    CALLBACK_ROWS,
    EVENT_COLUMNS,
    SUBJECT_ROWS,
    RecordRows,
    RecordT,
    Value,
    check_event,
    check_record,
    decode_event,
    decode_instant,
    encode_event,
    encode_instant,
    from_json,
    to_json,
)
from callbackq.stores.sqlite_errors import translate

_Row = tuple[Any, ...]

LaneCache = dict[TenantId, list[frozenset[str]]]
"""The sets of skills by lane, as last read. Lanes are only ever added, so their count tells whether it holds."""


_IN_QUEUES: Final = "AND queue IN (SELECT value FROM json_each(?))"


class _Statements(Generic[RecordT]):
    """The statements that every table of records has. The first three columns are tenant, id and version."""

    def __init__(self, table: str, rows: RecordRows[RecordT]) -> None:
        columns = ", ".join(rows.columns)
        key = rows.columns[1]
        changes = ", ".join(f"{column} = ?" for column in rows.columns[2:])
        marks = ", ".join("?" * len(rows.columns))
        self.rows: RecordRows[RecordT] = rows
        self.select: str = f"SELECT {columns} FROM {table} WHERE tenant_id = ?"
        self.get: str = f"{self.select} AND {key} = ?"
        due = f"{self.select} AND due_at IS NOT NULL AND due_at <= ?"
        first = f"ORDER BY due_at, {key} LIMIT ?"
        self.due: str = f"{due} {first}"
        self.due_in: str = f"{due} {_IN_QUEUES} {first}"
        self.insert: str = f"INSERT INTO {table} ({columns}) VALUES ({marks})"
        self.update: str = f"UPDATE {table} SET {changes} WHERE tenant_id = ? AND {key} = ? AND version = ?"
        self.version: str = f"SELECT version FROM {table} WHERE tenant_id = ? AND {key} = ?"


CALLBACKS: Final = _Statements("callbackq_callbacks", CALLBACK_ROWS)
CALLS: Final = _Statements("callbackq_calls", CALL_ROWS)
AGENTS: Final = _Statements("callbackq_agents", AGENT_ROWS)
ATTEMPTS: Final = _Statements("callbackq_attempts", ATTEMPT_ROWS)
SUBJECTS: Final = _Statements("callbackq_subjects", SUBJECT_ROWS)
_OF_CLASS: Final[dict[type[Any], _Statements[Any]]] = {
    Callback: CALLBACKS,
    LiveCall: CALLS,
    Agent: AGENTS,
    Attempt: ATTEMPTS,
    Subject: SUBJECTS,
}

BY_REQUEST_KEY: Final = f"{CALLBACKS.select} AND request_key = ?"
BY_DEDUP_KEY: Final = f"{CALLBACKS.select} AND state <> 'ended' AND dedup_key = ?"
BY_AGENT_LEG: Final = f"{ATTEMPTS.select} AND agent_leg_id = ?"
BY_CUSTOMER_LEG: Final = f"{ATTEMPTS.select} AND customer_leg_id = ?"
BY_NUMBER_KEY: Final = f"{ATTEMPTS.select} AND state <> 'ended' AND number_key = ?"
BY_IDENTITY: Final = f"{SUBJECTS.select} AND identity = ?"
AVAILABLE: Final = f"{AGENTS.select} AND state = 'available' ORDER BY since_at, agent_id"
STAFFED_COUNT: Final = "SELECT count(*) FROM callbackq_agent_queues WHERE tenant_id = ? AND queue = ?"

_FIRST: Final = " AND queue = ? AND lane = ? AND state = 'waiting' ORDER BY rank, place_id LIMIT 1"
HEAD_CALLBACK: Final = CALLBACKS.select + _FIRST
HEAD_CALL: Final = CALLS.select + _FIRST


def _place_of(rows: RecordRows[RecordT]) -> Callable[[_Row], tuple[int, str]]:
    return itemgetter(rows.columns.index("rank"), rows.columns.index("place_id"))


_HEADS: Final[tuple[tuple[str, Callable[[_Row], tuple[int, str]], Callable[[_Row], Place]], ...]] = (
    (HEAD_CALLBACK, _place_of(CALLBACK_ROWS), CALLBACK_ROWS.decode),
    (HEAD_CALL, _place_of(CALL_ROWS), CALL_ROWS.decode),
)

_BEFORE: Final = "tenant_id = ? AND queue = ? AND state = 'waiting' AND rank < ?"
_AMONG: Final = "tenant_id = ? AND queue = ? AND state = 'waiting' AND rank = ? AND place_id < ?"
_CALLBACKS_AHEAD: Final = "FROM callbackq_callbacks INDEXED BY callbackq_callbacks_ahead WHERE"
_CALLS_AHEAD: Final = "FROM callbackq_calls INDEXED BY callbackq_calls_ahead WHERE"
COUNT_AHEAD: Final = f"""
    SELECT (SELECT count(*) {_CALLBACKS_AHEAD} {_BEFORE}) + (SELECT count(*) {_CALLBACKS_AHEAD} {_AMONG})
         + (SELECT count(*) {_CALLS_AHEAD} {_BEFORE}) + (SELECT count(*) {_CALLS_AHEAD} {_AMONG})"""
WAITING_COUNT: Final = f"""
    SELECT (SELECT count(*) {_CALLBACKS_AHEAD} tenant_id = ? AND queue = ? AND state = 'waiting')
         + (SELECT count(*) {_CALLS_AHEAD} tenant_id = ? AND queue = ? AND state = 'waiting')"""
ANY_WAITING: Final = f"""
    SELECT EXISTS (SELECT 1 {_CALLBACKS_AHEAD} tenant_id = ? AND state = 'waiting')
        OR EXISTS (SELECT 1 {_CALLS_AHEAD} tenant_id = ? AND state = 'waiting')"""

_EARLIEST: Final = "SELECT min(due_at) AS due_at FROM {} WHERE tenant_id = ? AND due_at IS NOT NULL"
_QUEUED: Final = ("callbackq_callbacks", "callbackq_calls", "callbackq_attempts")
_EARLIEST_AGENT: Final = _EARLIEST.format("callbackq_agents")
NEXT_DUE_AT: Final = "SELECT min(due_at) FROM ({})".format(
    " UNION ALL ".join([_EARLIEST_AGENT, *(_EARLIEST.format(table) for table in _QUEUED)])
)
_EARLIEST_IN: Final = (
    "SELECT * FROM (SELECT due_at FROM {} WHERE tenant_id = ? AND due_at IS NOT NULL"
    " AND queue IN (SELECT value FROM json_each(?)) ORDER BY due_at LIMIT 1)"
)
NEXT_DUE_AT_IN: Final = "SELECT min(due_at) FROM ({})".format(
    " UNION ALL ".join([_EARLIEST_AGENT, *(_EARLIEST_IN.format(table) for table in _QUEUED)])
)

LANE_COUNT: Final = "SELECT coalesce(max(lane), 0) FROM callbackq_lanes WHERE tenant_id = ?"
LANES: Final = "SELECT skills FROM callbackq_lanes WHERE tenant_id = ? ORDER BY lane"
LANE_OF: Final = "SELECT lane FROM callbackq_lanes WHERE tenant_id = ? AND skills = ?"
INSERT_LANE: Final = "INSERT INTO callbackq_lanes (tenant_id, lane, skills) VALUES (?, ?, ?)"

_EVENTS: Final = f"SELECT {', '.join(EVENT_COLUMNS)} FROM callbackq_history"
HISTORY: Final = f"{_EVENTS} WHERE tenant_id = ? ORDER BY history_number"
HISTORY_OF_CALLBACK: Final = f"""{_EVENTS} INDEXED BY callbackq_history_callback
    WHERE tenant_id = ? AND callback_id = ? AND entity IN ('callback', 'attempt') ORDER BY history_number"""
HISTORY_OF_CALL: Final = f"""{_EVENTS} INDEXED BY callbackq_history_call
    WHERE tenant_id = ? AND call_id = ? AND entity = 'call' ORDER BY history_number"""
HISTORY_OF_AGENT: Final = f"""{_EVENTS} INDEXED BY callbackq_history_agent
    WHERE tenant_id = ? AND agent_id = ? AND entity = 'agent' ORDER BY history_number"""
LAST_HISTORY_NUMBER: Final = "SELECT max(history_number) FROM callbackq_history WHERE tenant_id = ?"
INSERT_EVENT: Final = (
    f"INSERT INTO callbackq_history ({', '.join(EVENT_COLUMNS)}, history_number)"
    f" VALUES ({', '.join('?' * len(EVENT_COLUMNS))}, ?)"
)


# ---------------------------------------------------------------------------- tables


class _Part:
    """One noun of a transaction."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: SQLiteTransaction) -> None:
        self._transaction = transaction


class _Callbacks(_Part):
    """The callbacks of one tenant."""

    __slots__ = ()

    def get(self, callback_id: CallbackId) -> Callback:
        """Return one callback. O(log n). Raises: CallbackNotFound."""
        found = self._transaction.record(CALLBACKS, CALLBACKS.get, callback_id)
        return _present(found, CallbackNotFound, "callback", callback_id)

    def by_request_key(self, request_key: str) -> Callback | None:
        """Return the callback that was made under this key, ended or not. O(log n)."""
        return self._transaction.record(CALLBACKS, BY_REQUEST_KEY, request_key)

    def active_by_dedup_key(self, dedup_key: str) -> Callback | None:
        """Return the callback that holds this key and has not ended. O(log n)."""
        return self._transaction.record(CALLBACKS, BY_DEDUP_KEY, dedup_key)

    def due(
        self, *, now: datetime, limit: int, queues: Collection[QueueName] | None = None
    ) -> list[Callback]:
        """Return those due at *now*, earliest first, then by id. O(limit + log n + due in other queues)."""
        return self._transaction.due_in(CALLBACKS, now=now, limit=limit, queues=queues)


class _Calls(_Part):
    """The live calls of one tenant."""

    __slots__ = ()

    def get(self, call_id: CallId) -> LiveCall:
        """Return one live call. O(log n). Raises: CallNotFound."""
        return _present(self.find(call_id), CallNotFound, "live call", call_id)

    def find(self, call_id: CallId) -> LiveCall | None:
        """Return one live call, or None. O(log n)."""
        return self._transaction.record(CALLS, CALLS.get, call_id)

    def due(
        self, *, now: datetime, limit: int, queues: Collection[QueueName] | None = None
    ) -> list[LiveCall]:
        """Return those due at *now*, earliest first, then by id. O(limit + log n + due in other queues)."""
        return self._transaction.due_in(CALLS, now=now, limit=limit, queues=queues)


class _Agents(_Part):
    """The agents of one tenant."""

    __slots__ = ()

    def get(self, agent_id: AgentId) -> Agent:
        """Return one agent. O(log n). Raises: AgentNotFound."""
        return _present(self.find(agent_id), AgentNotFound, "agent", agent_id)

    def find(self, agent_id: AgentId) -> Agent | None:
        """Return one agent, or None. O(log n)."""
        return self._transaction.record(AGENTS, AGENTS.get, agent_id)

    def available(self) -> list[Agent]:
        """Return the agents in state AVAILABLE, longest first, then by id. O(available)."""
        return self._transaction.records(AGENTS, AVAILABLE)

    def staffed_count(self, queue: QueueName) -> int:
        """Count the agents that serve *queue* and are not SIGNED_OUT. O(counted)."""
        return self._transaction.number(STAFFED_COUNT, self._transaction.tenant_id, queue)

    def due(self, *, now: datetime, limit: int) -> list[Agent]:
        """Return those with `due_at` at or before *now*, earliest first, then by id. O(limit + log n)."""
        return self._transaction.records(AGENTS, AGENTS.due, encode_instant(now), limit)


class _Attempts(_Part):
    """The attempts of one tenant."""

    __slots__ = ()

    def get(self, attempt_id: AttemptId) -> Attempt:
        """Return one attempt. O(log n). Raises: AttemptNotFound."""
        found = self._transaction.record(ATTEMPTS, ATTEMPTS.get, attempt_id)
        return _present(found, AttemptNotFound, "attempt", attempt_id)

    def by_leg(self, leg_id: LegId) -> Attempt | None:
        """Return the attempt that has this leg, ended or not. O(log n)."""
        found = self._transaction.record(ATTEMPTS, BY_CUSTOMER_LEG, leg_id)
        return found or self._transaction.record(ATTEMPTS, BY_AGENT_LEG, leg_id)

    def live_by_number(self, number_key: str) -> Attempt | None:
        """Return the attempt that has not ended for this number. O(log n)."""
        return self._transaction.record(ATTEMPTS, BY_NUMBER_KEY, number_key)

    def due(self, *, now: datetime, limit: int, queues: Collection[QueueName] | None = None) -> list[Attempt]:
        """Return those due at *now*, earliest first, then by id. O(limit + log n + due in other queues)."""
        return self._transaction.due_in(ATTEMPTS, now=now, limit=limit, queues=queues)


class _Subjects(_Part):
    """The persons of one tenant."""

    __slots__ = ()

    def get(self, subject_id: SubjectId) -> Subject:
        """Return one person. O(log n). Raises: NotFound."""
        found = self._transaction.record(SUBJECTS, SUBJECTS.get, subject_id)
        return _present(found, NotFound, "subject", subject_id)

    def by_identity(self, identity: str) -> Subject | None:
        """Return the person known by *identity*. O(log n)."""
        return self._transaction.record(SUBJECTS, BY_IDENTITY, identity)


def _present(found: RecordT | None, not_found: type[NotFound], name: str, row_id: str) -> RecordT:
    if found is None:
        raise not_found(f"this tenant has no {name} {row_id!r}")
    return found


class _Lanes(_Part):
    """The sets of skills of one tenant."""

    __slots__ = ()

    def intern(self, skills: Sequence[str]) -> int:
        """Return the number of this set of skills, the same one every time. O(log n)."""
        if not skills:
            return 0
        transaction = self._transaction
        wanted = to_json(sorted(set(skills)))
        found = transaction.one(LANE_OF, transaction.tenant_id, wanted)
        if found is not None:
            return cast("int", found[0])
        transaction.refuse_if_read_only()
        lane = 1 + transaction.number(LANE_COUNT, transaction.tenant_id)
        transaction.write(INSERT_LANE, (transaction.tenant_id, lane, wanted))
        return lane

    def served_by(self, skills: Sequence[str]) -> tuple[int, ...]:
        """Return every lane whose skills are all among *skills*, lowest first. O(lanes of the tenant)."""
        if not skills:
            return (0,)
        had = frozenset(skills)
        return tuple(lane for lane, needed in enumerate(self._known()) if needed <= had)

    def _known(self) -> list[frozenset[str]]:
        transaction = self._transaction
        known = transaction.lane_cache.get(transaction.tenant_id)
        if known is None or len(known) != 1 + transaction.number(LANE_COUNT, transaction.tenant_id):
            rows = transaction.all(LANES, transaction.tenant_id)
            known = [frozenset[str](), *(frozenset[str](from_json(skills)) for (skills,) in rows)]
            transaction.lane_cache[transaction.tenant_id] = known
        return known


class _Line(_Part):
    """The waiting places of one tenant."""

    __slots__ = ()

    def head(self, queue: QueueName, *, lanes: Sequence[int]) -> Place | None:
        """Return the first place of *queue* in these lanes. O(log n) for each lane."""
        transaction = self._transaction
        first: tuple[Any, ...] | None = None
        for lane in lanes:
            for sql, place_of, decode in _HEADS:
                row = transaction.one(sql, transaction.tenant_id, queue, lane)
                if row is not None and (first is None or place_of(row) < first[0]):
                    first = (place_of(row), decode, row)
        return None if first is None else first[1](first[2])

    def count_ahead(self, queue: QueueName, *, rank: int, place_id: PlaceId) -> int:
        """Count the places of *queue* before this one. O(log n + counted): cheap near the head."""
        before = (self._transaction.tenant_id, queue, rank)
        among = (*before, place_id)
        return self._transaction.number(COUNT_AHEAD, *before, *among, *before, *among)

    def waiting_count(self, queue: QueueName) -> int:
        """Count the places of *queue*. O(counted)."""
        tenant_id = self._transaction.tenant_id
        return self._transaction.number(WAITING_COUNT, tenant_id, queue, tenant_id, queue)

    def is_empty(self) -> bool:
        """Whether no place waits in any queue. O(log n)."""
        tenant_id = self._transaction.tenant_id
        return not self._transaction.number(ANY_WAITING, tenant_id, tenant_id)


class _History(_Part):
    """What happened to one tenant's records."""

    __slots__ = ()

    def append(self, events: Sequence[Event]) -> None:
        """Write events after all earlier ones. O(log n). Raises: ValueError for another tenant's event."""
        transaction = self._transaction
        transaction.refuse_if_read_only()
        for event in events:
            check_event(event, tenant_id=transaction.tenant_id)
            row = encode_event(event)
            row.append(transaction.next_history_number())
            transaction.write(INSERT_EVENT, row)

    def of_callback(self, callback_id: CallbackId) -> list[Event]:
        """Return the events of one callback and of all its attempts, oldest first. O(log n + found)."""
        return self._read(HISTORY_OF_CALLBACK, callback_id)

    def of_call(self, call_id: CallId) -> list[Event]:
        """Return the events of one live call, oldest first. O(log n + found)."""
        return self._read(HISTORY_OF_CALL, call_id)

    def of_agent(self, agent_id: AgentId) -> list[Event]:
        """Return the events of one agent, oldest first. O(log n + found)."""
        return self._read(HISTORY_OF_AGENT, agent_id)

    def all(self) -> list[Event]:
        """Return every event of the tenant, oldest first. O(n)."""
        return self._read(HISTORY)

    def _read(self, sql: str, *parameters: Value) -> list[Event]:
        transaction = self._transaction
        return [decode_event(row) for row in transaction.all(sql, transaction.tenant_id, *parameters)]


# ---------------------------------------------------------------------------- transaction


class SQLiteTransaction:
    """One tenant's rows, while the store's lock is held and SQLite's own transaction is open."""

    __slots__ = (
        "_connection",
        "_history_number",
        "_path",
        "_read_only",
        "agents",
        "attempts",
        "callbacks",
        "calls",
        "history",
        "lane_cache",
        "lanes",
        "line",
        "subjects",
        "tenant_id",
    )

    def __init__(
        self,
        connection: sqlite3.Connection,
        tenant_id: TenantId,
        *,
        commit: Commit,
        lane_cache: LaneCache,
        path: str,
    ) -> None:
        self.tenant_id = tenant_id
        self.lane_cache = lane_cache
        self.callbacks = _Callbacks(self)
        self.calls = _Calls(self)
        self.agents = _Agents(self)
        self.attempts = _Attempts(self)
        self.subjects = _Subjects(self)
        self.lanes = _Lanes(self)
        self.line = _Line(self)
        self.history = _History(self)
        self._connection: sqlite3.Connection | None = connection
        self._history_number: int | None = None
        self._path = path
        self._read_only = commit is Commit.READ_ONLY

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
            StoreUnavailable: the file cannot be written now.
        """
        self.refuse_if_read_only()
        check_record(record, tenant_id=self.tenant_id)
        statements = _OF_CLASS[type(record)]
        values = statements.rows.encode(record)
        row_id = values[1]
        try:
            if record.version == 1:
                self.write(statements.insert, values)
                return
            before = record.version - 1
            changed = self.write(statements.update, (*values[2:], self.tenant_id, row_id, before))
        except UniquenessViolated as error:
            raise UniquenessViolated(f"{row_id}: {error}") from error.__cause__
        if changed != 1:
            found = self.one(statements.version, self.tenant_id, row_id)
            stored = "none" if found is None else f"version {found[0]}"
            raise StaleVersion(
                f"{row_id}: version {record.version} was to be written, but {stored} is stored"
            )

    def due_in(
        self,
        statements: _Statements[RecordT],
        *,
        now: datetime,
        limit: int,
        queues: Collection[QueueName] | None,
    ) -> list[RecordT]:
        """Return the rows of one table that are due, of these queues."""
        if queues is None:
            return self.records(statements, statements.due, encode_instant(now), limit)
        names = json.dumps(list(queues))
        return self.records(statements, statements.due_in, encode_instant(now), names, limit)

    def next_due_at(self, *, queues: Collection[QueueName] | None = None) -> datetime | None:
        """Return the earliest `due_at` of these queues and of all agents. O(log n + due in other queues)."""
        if queues is None:
            row = self.one(NEXT_DUE_AT, *[self.tenant_id] * 4)
        else:
            of_queues = (self.tenant_id, json.dumps(list(queues)))
            row = self.one(NEXT_DUE_AT_IN, self.tenant_id, *of_queues * 3)
        return None if row is None or row[0] is None else decode_instant(row[0])

    def next_history_number(self) -> int:
        """Return the number of the next event: nobody else writes now. O(log n) once, then O(1)."""
        if self._history_number is None:
            row = self.one(LAST_HISTORY_NUMBER, self.tenant_id)
            self._history_number = 0 if row is None or row[0] is None else cast("int", row[0])
        self._history_number += 1
        return self._history_number

    def end(self) -> None:
        """Let go of the connection."""
        self._connection = None

    # ------------------------------------------------------------------------ statements

    def write(self, sql: str, parameters: Sequence[Value]) -> int:
        """Run one statement that writes, and return how many rows it changed."""
        try:
            return self._open.execute(sql, parameters).rowcount
        except sqlite3.Error as error:
            raise translate(error, self._path) from error

    def one(self, sql: str, *parameters: Value) -> _Row | None:
        """Return the first row that one statement finds, or None."""
        try:
            return cast("_Row | None", self._open.execute(sql, parameters).fetchone())
        except sqlite3.Error as error:
            raise translate(error, self._path) from error

    def all(self, sql: str, *parameters: Value) -> list[_Row]:
        """Return all rows that one statement finds."""
        try:
            return self._open.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise translate(error, self._path) from error

    def number(self, sql: str, *parameters: Value) -> int:
        """Return the one number that one statement computes."""
        row = self.one(sql, *parameters)
        assert row is not None
        return cast("int", row[0])

    def record(self, of: _Statements[RecordT], sql: str, key: Value) -> RecordT | None:
        """Return the record that *sql* finds by *key*, or None."""
        row = self.one(sql, self.tenant_id, key)
        return None if row is None else of.rows.decode(row)

    def records(self, of: _Statements[RecordT], sql: str, *parameters: Value) -> list[RecordT]:
        """Return the records that *sql* finds."""
        return [of.rows.decode(row) for row in self.all(sql, self.tenant_id, *parameters)]

    @property
    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            msg = "this transaction is over"
            raise RuntimeError(msg)
        return self._connection

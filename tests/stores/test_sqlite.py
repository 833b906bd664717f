"""The store in SQLite: files, processes, errors, durability, plans, and columns that a DBA can read."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import types
import typing
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from callbackq import events
from callbackq.errors import (
    CommitUncertain,
    ConfigurationError,
    SchemaMismatch,
    StaleVersion,
    StoreUnavailable,
    UniquenessViolated,
)
from callbackq.ids import CallbackId, CallId, PlaceId, SubjectId
from callbackq.model import (
    Agent,
    AgentState,
    Ahead,
    Attempt,
    AttemptState,
    Booking,
    BookingState,
    Callback,
    CallbackState,
    CallState,
    Conversation,
    LiveCall,
    Message,
    MessageState,
    Node,
    OptOut,
    QueueControl,
    SlotCount,
    SlotDay,
    Subject,
    Tally,
    Verification,
    Webhook,
)
from callbackq.ports import Commit
from callbackq.stores import Flush, SQLiteStore, sqlite_line
from callbackq.stores import sqlite_statements as statements
from callbackq.stores.migrations import SCHEMA_VERSION, known_scripts
from callbackq.stores.rows import CHAIN_COLUMNS, EVENT_COLUMNS
from callbackq.stores.sqlite_errors import translate
from callbackq.stores.sqlite_file import use_wal
from callbackq.testing.builders import (
    QUEUE,
    SLOT_AT,
    make_agent,
    make_attempt,
    make_booking,
    make_call,
    make_callback,
    make_conversation,
    make_event,
    make_message,
    make_queue_control,
    make_slot_count,
    make_slot_day,
    make_subject,
    next_version,
)
from callbackq.testing.clock import START
from callbackq.testing.store_contract.base import TENANT, append, ask, at_once, put
from callbackq.testing.store_contract.bookings import take_seat

RACER = Path(__file__).with_name("racer.py")
TABLES: dict[str, type[Any]] = {
    "callbackq_callbacks": Callback,
    "callbackq_calls": LiveCall,
    "callbackq_agents": Agent,
    "callbackq_attempts": Attempt,
    "callbackq_bookings": Booking,
    "callbackq_slots": SlotCount,
    "callbackq_slot_days": SlotDay,
    "callbackq_subjects": Subject,
    "callbackq_queues": QueueControl,
    "callbackq_tallies": Tally,
    "callbackq_verifications": Verification,
    "callbackq_opt_outs": OptOut,
    "callbackq_messages": Message,
    "callbackq_conversations": Conversation,
    "callbackq_nodes": Node,
    "callbackq_webhooks": Webhook,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "callbackq.db"


@pytest.fixture
def store(path: Path):
    store = SQLiteStore(path)
    yield store
    store.close()


@pytest.fixture
def dba(store: SQLiteStore, path: Path):
    """Another connection to the file, as any database tool opens one."""
    connection = sqlite3.connect(path, isolation_level=None)
    yield connection
    connection.close()


def start_racer(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(RACER), *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def connection_of(store: SQLiteStore) -> sqlite3.Connection:
    connection = store._commits.connection
    assert connection is not None
    return connection


# ---------------------------------------------------------------------------- files


def test_everything_is_there_when_the_file_is_opened_again(path: Path) -> None:
    """Rows, history, lanes, order, counts and the pepper outlive the store."""
    with SQLiteStoreOnce(path) as store:
        put(store, make_callback("cb_1", rank=2), make_call("call_1", rank=1), make_agent("mia"))
        put(store, make_attempt("at_1"), make_subject("su_1", contexts={"cb_1": {"order": "7"}}))
        put(store, make_queue_control(QUEUE, reason="storm"))
        put(store, make_booking("bk_1"), make_slot_count(usual_count=1), make_slot_day(full_count=1))
        put(store, make_message("ms_1", choices=("a", "b")), make_conversation("k", heard_ids=("x",)))
        append(store, make_event(events.CallbackReady), make_event(events.CallJoined))
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            fr = tx.lanes.intern(("fr",))
        pepper = store.pepper
    with SQLiteStoreOnce(path) as store, store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
        assert store.pepper == pepper
        assert tx.line.head(QUEUE, lanes=(0,)) == make_call("call_1", rank=1)
        assert tx.line.count_ahead(QUEUE, rank=2, place_id=PlaceId("cb_1")) == Ahead(calls=1)
        assert tx.queues.find(QUEUE) == make_queue_control(QUEUE, reason="storm")
        assert tx.agents.available() == [make_agent("mia")]
        assert tx.agents.staffed_count(QUEUE) == 1
        assert tx.attempts.live_by_number("number_at_1") == make_attempt("at_1")
        assert tx.subjects.get(SubjectId("su_1")).contexts == {"cb_1": {"order": "7"}}
        assert tx.bookings.of_slot(QUEUE, SLOT_AT) == [make_booking("bk_1")]
        assert tx.messages.by_cause("cause_ms_1") == make_message("ms_1", choices=("a", "b"))
        assert tx.conversations.find("k") == make_conversation("k", heard_ids=("x",))
        assert tx.slots.locked(QUEUE, SLOT_AT) == make_slot_count(usual_count=1)
        assert tx.slots.days(QUEUE, from_day="2026", until_day="2027") == [make_slot_day(full_count=1)]
        assert tx.history.all() == [make_event(events.CallbackReady), make_event(events.CallJoined)]
        assert tx.lanes.served_by(("fr",)) == (0, fr)


class SQLiteStoreOnce(SQLiteStore):
    """A store that closes at the end of its block."""

    def __enter__(self) -> SQLiteStoreOnce:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def test_closing_leaves_one_file(path: Path) -> None:
    """The log is copied into the file, so that a closed file can be copied as it is."""
    with SQLiteStoreOnce(path) as store:
        put(store, make_callback("cb_1"))
        assert len(list(path.parent.iterdir())) == 3
    assert list(path.parent.iterdir()) == [path]


def test_a_store_may_live_in_memory_only() -> None:
    """SQLite's own name for no file works too."""
    with SQLiteStoreOnce(":memory:") as store:
        put(store, make_callback("cb_1"))
        assert ask(store, lambda tx: tx.line.waiting_count(QUEUE)) == 1


def test_a_file_that_is_no_database_is_refused_with_its_path(path: Path) -> None:
    """The sentence says what is wrong with which file, and the driver's error is kept."""
    path.write_bytes(b"name,number\n" * 500)
    with pytest.raises(StoreUnavailable, match=r"callbackq\.db: it is not an SQLite database") as caught:
        SQLiteStore(path)
    assert isinstance(caught.value.__cause__, sqlite3.Error)
    assert path.read_bytes() == b"name,number\n" * 500


def test_a_folder_that_is_missing_is_said(tmp_path: Path) -> None:
    """A file cannot be made in a folder that is not there."""
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        SQLiteStore(tmp_path / "nowhere" / "callbackq.db")


def test_a_file_of_a_newer_version_is_refused(path: Path) -> None:
    """Nothing is touched in tables that this version does not know."""
    SQLiteStore(path).close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE callbackq_meta SET value = '99' WHERE name <> 'pepper'")
    connection.commit()
    connection.close()
    with pytest.raises(SchemaMismatch, match=rf"schema version 99 .* reads version {SCHEMA_VERSION}"):
        SQLiteStore(path)


def test_the_host_s_own_tables_may_stand_in_the_same_file(path: Path) -> None:
    """All names begin with callbackq_, so nothing collides."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
    connection.close()
    with SQLiteStoreOnce(path) as store:
        put(store, make_callback("cb_1"))
        names = (
            connection_of(store).execute("SELECT name FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        )
    assert all(name == "orders" or name.startswith("callbackq_") for (name,) in names)


# ---------------------------------------------------------------------------- pepper


def test_a_pepper_made_at_random_stays_with_the_file(path: Path) -> None:
    """It may be given again, too."""
    with SQLiteStoreOnce(path) as store:
        pepper = store.pepper
    with SQLiteStoreOnce(path, pepper=pepper) as store:
        assert store.pepper == pepper


def test_a_pepper_of_the_host_is_not_written(path: Path) -> None:
    """The file holds a fingerprint, and cannot be opened without the pepper."""
    pepper = bytes(range(32))
    with SQLiteStoreOnce(path, pepper=pepper) as store:
        assert store.pepper == pepper
    content = path.read_bytes()
    assert pepper not in content
    assert pepper.hex().encode() not in content
    with pytest.raises(ConfigurationError, match="pepper is 'none'"):
        SQLiteStore(path)


@pytest.mark.parametrize("first", [None, b"a" * 32])
def test_another_pepper_is_refused_and_not_shown(path: Path, first: bytes | None) -> None:
    """With another pepper every known number would be a stranger."""
    SQLiteStore(path, pepper=first).close()
    with pytest.raises(ConfigurationError, match="another one") as caught:
        SQLiteStore(path, pepper=b"b" * 32)
    assert "bbb" not in str(caught.value)


def test_a_short_pepper_is_refused(path: Path) -> None:
    """No file is made for it."""
    with pytest.raises(ConfigurationError, match="5 bytes"):
        SQLiteStore(path, pepper=b"short")
    assert not path.exists()


# ---------------------------------------------------------------------------- durability


def synchronous(store: SQLiteStore, commit: Commit) -> int:
    """Return SQLite's setting during a transaction: 1 is NORMAL, 2 is FULL."""
    with store.transaction(TENANT, commit=commit):
        return connection_of(store).execute("PRAGMA synchronous").fetchone()[0]


def test_promises_wait_for_the_disk_and_live_calls_do_not(store: SQLiteStore) -> None:
    """Each transaction runs under the setting it asked for, in any order."""
    order = [Commit.FLUSHED, Commit.RELAXED, Commit.RELAXED, Commit.FLUSHED, Commit.FLUSHED, Commit.RELAXED]
    assert [synchronous(store, commit) for commit in order] == [2, 1, 1, 2, 2, 1]


def test_reading_does_not_change_the_setting(store: SQLiteStore) -> None:
    """A reading transaction costs no pragma."""
    assert [synchronous(store, commit) for commit in (Commit.RELAXED, Commit.READ_ONLY)] == [1, 1]
    assert [synchronous(store, commit) for commit in (Commit.FLUSHED, Commit.READ_ONLY)] == [2, 2]


def test_the_setting_is_changed_only_when_it_differs(store: SQLiteStore) -> None:
    """Ten transactions of one kind set it once."""
    seen: list[str] = []
    connection_of(store).set_trace_callback(seen.append)
    for _ in range(10):
        put(store)
    assert sum("synchronous" in statement for statement in seen) == 1


def test_a_relaxed_store_waits_for_no_commit(path: Path) -> None:
    """For simulations: FLUSHED is NORMAL."""
    with SQLiteStoreOnce(path, flush=Flush.RELAXED) as store:
        assert [synchronous(store, commit) for commit in (Commit.FLUSHED, Commit.RELAXED)] == [1, 1]


def test_the_log_is_written_ahead(store: SQLiteStore, dba: sqlite3.Connection) -> None:
    """Readers of other processes do not stop writers, nor the other way round."""
    assert dba.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        tx.save(make_callback("cb_1"))
        assert dba.execute("SELECT count(*) FROM callbackq_callbacks").fetchone() == (0,)
    assert dba.execute("SELECT count(*) FROM callbackq_callbacks").fetchone() == (1,)


def test_a_killed_process_loses_nothing_that_was_committed(path: Path) -> None:
    """Relaxed commits are there; the transaction that was open is not."""
    racer = start_racer("die", str(path), "x")
    racer.communicate(timeout=60)
    assert racer.returncode == 9
    with SQLiteStoreOnce(path) as store, store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
        assert tx.line.waiting_count(QUEUE) == 20
        assert [event.version for event in tx.history.all()] == list(range(20))
        assert tx.line.head(QUEUE, lanes=(0,)) == make_callback("cb_00", rank=0)


# ---------------------------------------------------------------------------- several at once


def test_four_processes_race_on_one_file(path: Path) -> None:
    """They make the file together, lose no increment, share no place, seat or key, and agree on the pepper."""
    racers = [start_racer("race", str(path), f"racer_{number}") for number in range(4)]
    opened = [racer.stdout.readline().split() for racer in racers if racer.stdout]
    with SQLiteStoreOnce(path) as store:
        put(store, make_call("counter", queue="other"))
        put(store, *(make_call(f"call_{number:03}", rank=number) for number in range(80)))
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()
        answers = [racer.communicate(timeout=120)[0].split() for racer in racers]
        assert [racer.returncode for racer in racers] == [0] * 4
        assert opened == [["open", store.pepper.hex()]] * 4
        assert ask(store, lambda tx: tx.calls.get(CallId("counter"))).offers_count == 4 * 25
        assert sum(int(answer[1]) for answer in answers) == 10
        assert sum(int(answer[2]) for answer in answers) == 30
        assert ask(store, lambda tx: tx.slots.locked(QUEUE, SLOT_AT)) == make_slot_count(
            version=30, usual_count=30
        )
        taken = [call_id for answer in answers for call_id in answer[3:]]
        assert sorted(taken) == [f"call_{number:03}" for number in range(80)]
        assert len(ask(store, lambda tx: tx.history.all())) == 40
    check = sqlite3.connect(path)
    assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    check.close()


def test_two_stores_on_one_file_see_each_other(store: SQLiteStore, path: Path) -> None:
    """Commits, versions and lanes of one are those of the other."""
    with SQLiteStoreOnce(path) as second:
        callback = make_callback("cb_1")
        put(store, callback)
        put(second, next_version(callback, state=CallbackState.HELD))
        with pytest.raises(StaleVersion):
            put(store, next_version(callback))
        assert ask(store, lambda tx: tx.lanes.served_by(("fr",))) == (0,)
        with second.transaction(TENANT, commit=Commit.RELAXED) as tx:
            fr = tx.lanes.intern(("fr",))
        assert ask(store, lambda tx: tx.lanes.served_by(("fr",))) == (0, fr)


def test_seats_never_exceed_the_limit_over_several_stores(store: SQLiteStore, path: Path) -> None:
    """Sixteen threads on four stores: each seat is given once."""
    others = [SQLiteStore(path) for _ in range(3)]
    stores = [store, *others]
    taken = at_once(lambda number: [take_seat(stores[number % 4], limit=25) for _ in range(3)])
    assert sum(map(sum, taken)) == 25
    for each in stores:
        assert ask(each, lambda tx: tx.slots.locked(QUEUE, SLOT_AT)) == make_slot_count(
            version=25, usual_count=25
        )
    for other in others:
        other.close()


@pytest.mark.parametrize("commit", [Commit.RELAXED, Commit.FLUSHED])
def test_who_may_write_is_alone_before_the_first_question(
    store: SQLiteStore, dba: sqlite3.Connection, commit: Commit
) -> None:
    """The lock is taken by BEGIN: so a counter that was read is the newest one until the end."""
    dba.execute("PRAGMA busy_timeout = 0")
    seen: list[str] = []
    connection_of(store).set_trace_callback(seen.append)
    with store.transaction(TENANT, commit=commit) as tx:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            dba.execute("BEGIN IMMEDIATE")
        assert tx.slots.locked(QUEUE, SLOT_AT) is None
        tx.save(make_slot_count(usual_count=1))
    statements_seen = [each for each in seen if not each.startswith("PRAGMA")]
    assert statements_seen[0] == "BEGIN IMMEDIATE"
    assert statements_seen[1].startswith("SELECT")
    with store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
        assert tx.slots.locked(QUEUE, SLOT_AT) is not None
        dba.execute("BEGIN IMMEDIATE")
        dba.execute("ROLLBACK")


def test_a_store_is_not_carried_over_a_fork(store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child is told, and its close leaves the parent's file alone."""
    parent = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: parent + 1)
    with pytest.raises(RuntimeError, match="fork"):
        put(store)
    connection = connection_of(store)
    store.close()
    assert connection.execute("SELECT count(*) FROM callbackq_meta").fetchone() == (3,)
    connection.close()


# ---------------------------------------------------------------------------- errors


@pytest.fixture
def impatient(path: Path):
    """A store that waits for a lock for a moment only."""
    store = SQLiteStore(path, lock_wait_max=timedelta(milliseconds=50))
    yield store
    store.close()


def test_a_locked_file_is_unavailable_for_writing_only(impatient: SQLiteStore, path: Path) -> None:
    """Nothing was written, reading goes on, and writing works again when the lock is gone."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked") as caught:
        put(impatient, make_callback("cb_1"))
    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
    assert caught.value.retry_safe
    assert ask(impatient, lambda tx: tx.line.waiting_count(QUEUE)) == 0
    other.execute("ROLLBACK")
    other.close()
    put(impatient, make_callback("cb_1"))


def test_a_full_disk_is_unavailable_and_undoes_the_block(store: SQLiteStore) -> None:
    """The block is undone as a whole; smaller blocks may still fit."""
    put(store, make_subject("su_1"))
    pages = connection_of(store).execute("PRAGMA page_count").fetchone()[0]
    connection_of(store).execute(f"PRAGMA max_page_count = {pages}").fetchall()
    with pytest.raises(StoreUnavailable, match="disk is full"):
        put(store, *(make_callback(f"cb_{number}") for number in range(500)))
    assert ask(store, lambda tx: tx.line.waiting_count(QUEUE)) == 0
    connection_of(store).execute("PRAGMA max_page_count = 1000000").fetchall()
    put(store, make_callback("cb_1"))


def test_a_block_that_hides_the_full_disk_does_not_commit_half(store: SQLiteStore) -> None:
    """SQLite undoes the transaction by itself then; the store does not call that a success."""
    pages = connection_of(store).execute("PRAGMA page_count").fetchone()[0]
    connection_of(store).execute(f"PRAGMA max_page_count = {pages}").fetchall()

    def save_until_full() -> None:
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            for number in range(500):
                try:
                    tx.save(make_callback(f"cb_{number}"))
                except StoreUnavailable:
                    return

    with pytest.raises(StoreUnavailable, match="undid"):
        save_until_full()
    assert ask(store, lambda tx: tx.line.is_empty())


class BrokenCommit:
    """A connection whose COMMIT fails as told."""

    def __init__(self, connection: sqlite3.Connection, code: int) -> None:
        self.connection = connection
        self.code = code

    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        if sql == "COMMIT":
            raise error_of(self.code)
        return self.connection.execute(sql, parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


def error_of(code: int, text: str = "as told") -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error


def test_a_commit_that_fails_on_the_disk_is_uncertain(
    store: SQLiteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asked must read before trying again; the store itself goes on."""
    broken = BrokenCommit(connection_of(store), sqlite3.SQLITE_IOERR_FSYNC)
    with monkeypatch.context() as patch:
        patch.setattr(store._commits, "connection", broken)
        with pytest.raises(CommitUncertain, match="may have happened") as caught:
            put(store, make_callback("cb_1"))
    assert not caught.value.retry_safe
    assert isinstance(caught.value.__cause__, sqlite3.Error)
    put(store, make_callback("cb_2"))


@pytest.mark.parametrize("code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL])
def test_a_commit_that_is_refused_wrote_nothing(
    store: SQLiteStore, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """Only a failure of the disk leaves doubt."""
    with monkeypatch.context() as patch:
        patch.setattr(store._commits, "connection", BrokenCommit(connection_of(store), code))
        with pytest.raises(StoreUnavailable):
            put(store, make_callback("cb_1"))
    assert ask(store, lambda tx: tx.line.is_empty())


@pytest.mark.parametrize(
    ("code", "text", "wanted", "says"),
    [
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "", StoreUnavailable, "locked"),
        (sqlite3.SQLITE_LOCKED, "", StoreUnavailable, "locked"),
        (sqlite3.SQLITE_IOERR_READ, "", StoreUnavailable, "reading or writing"),
        (sqlite3.SQLITE_CORRUPT, "", StoreUnavailable, "damaged"),
        (sqlite3.SQLITE_READONLY, "", StoreUnavailable, "may not be written"),
        (sqlite3.SQLITE_CONSTRAINT_TRIGGER, "leg_id", UniquenessViolated, "leg id"),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, "… failed: t.tenant_id, t.dedup_key", UniquenessViolated, "dedup"),
        (
            sqlite3.SQLITE_CONSTRAINT_UNIQUE,
            "… failed: a.b, callbackq_attempts.callback_id",
            UniquenessViolated,
            "attempt",
        ),
        (
            sqlite3.SQLITE_CONSTRAINT_UNIQUE,
            "… failed: a.b, callbackq_bookings.callback_id",
            UniquenessViolated,
            "booking",
        ),
        (
            sqlite3.SQLITE_CONSTRAINT_UNIQUE,
            "… failed: a.b, callbackq_bookings.slot_at",
            UniquenessViolated,
            "agent",
        ),
        (sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, "… failed: t.tenant_id, t.x", UniquenessViolated, "this id"),
        (sqlite3.SQLITE_CONSTRAINT_CHECK, "callback_state", ValueError, "callback_state"),
        (sqlite3.SQLITE_ERROR, "no such table", sqlite3.OperationalError, "no such table"),
    ],
)
def test_every_error_of_sqlite_has_one_meaning(
    code: int, text: str, wanted: type[Exception], says: str
) -> None:
    """What is not foreseen is let through as it is: it is a bug."""
    translated = translate(error_of(code, text), "f.db")
    assert isinstance(translated, wanted)
    assert says in str(translated)


def test_a_file_where_a_log_is_impossible_is_refused(path: Path) -> None:
    """Without write-ahead logging the promises of `Commit` would not hold."""
    answer = types.SimpleNamespace(fetchone=lambda: ("delete",))
    with pytest.raises(StoreUnavailable, match="write-ahead"):
        use_wal(types.SimpleNamespace(execute=lambda _: answer), str(path), lock_wait_s=0)  # type: ignore[arg-type]


# ---------------------------------------------------------------------------- plans

WAITING = "USING INDEX callbackq_{}_line (tenant_id=? AND queue=? AND lane=?)"
AHEAD = "USING COVERING INDEX callbackq_{}_ahead (tenant_id=? AND queue=?"
DUE = "USING INDEX callbackq_{}_due (tenant_id=? AND due_at>? AND due_at<?)"
SEATS = "USING INDEX callbackq_bookings_{} (tenant_id=? AND {}=? AND slot_at>? AND slot_at<?)"
CHAIN = "USING INDEX callbackq_history_chain (tenant_id=? AND entity=? AND record_id=?)"
PLANS: dict[str, tuple[str, list[str]]] = {
    "head of callbacks": (statements.HEAD_CALLBACK, [WAITING.format("callbacks")]),
    "head of calls": (statements.HEAD_CALL, [WAITING.format("calls")]),
    "count_ahead": (
        statements.COUNT_AHEAD,
        [
            AHEAD.format(table) + rest
            for table in ("calls", "callbacks")
            for rest in (" AND rank<?)", " AND rank=? AND place_id<?)")
        ],
    ),
    **{
        f"sample of {table}": (
            sql,
            [
                f"USING COVERING INDEX callbackq_{table}_sample (tenant_id=? AND queue=?{rest}"
                for rest in (" AND rank<?)", " AND rank=? AND place_id<?)")
            ],
        )
        for table, sql in (("calls", statements.SAMPLE_CALLS), ("callbacks", statements.SAMPLE_CALLBACKS))
    },
    "first call that is not counted": (statements.NTH_CALL, [AHEAD.format("calls") + ")"]),
    "first callback that is not counted": (statements.NTH_CALLBACK, [AHEAD.format("callbacks") + ")"]),
    "count_passed": (
        statements.COUNT_PASSED,
        [
            f"USING INDEX callbackq_{table}_line (tenant_id=? AND queue=? AND lane=? AND {rest}"
            for table in ("calls", "callbacks")
            for rest in ("rank<?)", "rank=? AND place_id<?)")
        ],
    ),
    **{
        f"page of {name}": (sql, [f"USING INDEX callbackq_{table}_ahead (tenant_id=? AND queue=? AND {rest}"])
        for name, table, rest, sql in (
            ("calls of one rank", "calls", "rank=? AND place_id>?)", statements.PAGE_CALLS_AMONG),
            ("calls", "calls", "rank>?)", statements.PAGE_CALLS_BEHIND),
            ("callbacks of one rank", "callbacks", "rank=? AND place_id>?)", statements.PAGE_CALLBACKS_AMONG),
            ("callbacks", "callbacks", "rank>?)", statements.PAGE_CALLBACKS_BEHIND),
        )
    },
    **{
        name: (sql, [f"USING INDEX callbackq_{index} (tenant_id=? AND queue=?{rest}"])
        for name, index, rest, sql in (
            ("open callbacks", "callbacks_open", ")", statements.CALLBACKS_OPEN_COUNT),
            ("number of open attempts", "attempts_open", ")", statements.ATTEMPTS_OPEN_COUNT),
            ("open attempts", "attempts_open", ")", statements.ATTEMPTS_OPEN),
            ("attempts wanting an agent, of queues", "attempts_wanting", ")", statements.ATTEMPTS_WANTING_IN),
            ("open calls", "calls_open", ")", statements.CALLS_OPEN),
            ("ended callbacks", "callbacks_ended", " AND ended_at>?)", statements.CALLBACKS_ENDED),
            ("taken calls", "calls_taken", " AND taken_at>?)", statements.CALLS_TAKEN),
            ("ended calls", "calls_ended", " AND ended_at>?)", statements.CALLS_ENDED),
            ("started attempts", "attempts_started", ")", statements.ATTEMPTS_STARTED),
        )
    },
    "attempts wanting an agent": (
        statements.ATTEMPTS_WANTING,
        ["USING INDEX callbackq_attempts_wanting (tenant_id=?)"],
    ),
    "attempts that dialed a number": (
        statements.ATTEMPTS_DIALED,
        ["USING INDEX callbackq_attempts_dialed (tenant_id=? AND number_key=? AND started_at>?)"],
    ),
    "callbacks of a person": (
        statements.CALLBACKS_OF_SUBJECT,
        ["USING INDEX callbackq_callbacks_subject (tenant_id=? AND subject_id=?)"],
    ),
    "callbacks of a ticket": (
        statements.CALLBACKS_OF_TICKET,
        ["USING INDEX callbackq_callbacks_ticket (tenant_id=? AND ticket_id=?)"],
    ),
    "waiting_count": (statements.WAITING_COUNT, [AHEAD.format("callbacks"), AHEAD.format("calls")]),
    "is_empty": (
        statements.ANY_WAITING,
        [f"USING COVERING INDEX callbackq_{table}_ahead (tenant_id=?)" for table in ("callbacks", "calls")],
    ),
    "due callbacks": (statements.CALLBACKS.due, [DUE.format("callbacks")]),
    "due calls": (statements.CALLS.due, [DUE.format("calls")]),
    "due agents": (statements.AGENTS.due, [DUE.format("agents")]),
    "due attempts": (statements.ATTEMPTS.due, [DUE.format("attempts")]),
    "due bookings": (statements.BOOKINGS.due, [DUE.format("bookings")]),
    "due bookings of queues": (statements.BOOKINGS.due_in, [DUE.format("bookings")]),
    "bookings of a slot": (
        statements.BOOKINGS_OF_SLOT,
        ["USING INDEX callbackq_bookings_slot (tenant_id=? AND queue=? AND slot_at=?)"],
    ),
    "bookings of a queue": (statements.BOOKINGS_BETWEEN, [SEATS.format("slot", "queue")]),
    "bookings of an agent": (statements.BOOKINGS_OF_AGENT, [SEATS.format("agent", "agent_id")]),
    "bookings of an agent, of one queue": (
        statements.BOOKINGS_OF_AGENT_IN,
        [SEATS.format("agent", "agent_id")],
    ),
    "living booking of a callback": (
        statements.BOOKING_OPEN,
        ["USING INDEX callbackq_bookings_callback_id (tenant_id=? AND callback_id=?)"],
    ),
    "last booking of a callback": (
        statements.BOOKINGS_OF_CALLBACK,
        ["USING INDEX callbackq_bookings_callback (tenant_id=? AND callback_id=?)"],
    ),
    "counter of a slot": (
        statements.SLOTS.get,
        ["USING PRIMARY KEY (tenant_id=? AND queue=? AND slot_at=?)"],
    ),
    "counters of slots": (
        statements.SLOTS_BETWEEN,
        ["USING PRIMARY KEY (tenant_id=? AND queue=? AND slot_at>? AND slot_at<?)"],
    ),
    "counters of days": (
        statements.DAYS_BETWEEN,
        ["USING PRIMARY KEY (tenant_id=? AND queue=? AND day>? AND day<?)"],
    ),
    "next_due_at": (
        statements.NEXT_DUE_AT,
        [
            f"USING COVERING INDEX callbackq_{table}_due (tenant_id=?"
            for table in ("agents", "callbacks", "calls", "attempts", "bookings", "messages")
        ],
    ),
    "next_due_at of queues": (
        statements.NEXT_DUE_AT_IN,
        [
            "USING COVERING INDEX callbackq_agents_due (tenant_id=?",
            *(
                f"USING INDEX callbackq_{table}_due (tenant_id=?"
                for table in ("callbacks", "calls", "attempts", "bookings", "messages")
            ),
        ],
    ),
    "due callbacks of queues": (statements.CALLBACKS.due_in, [DUE.format("callbacks")]),
    "due calls of queues": (statements.CALLS.due_in, [DUE.format("calls")]),
    "due attempts of queues": (statements.ATTEMPTS.due_in, [DUE.format("attempts")]),
    "dedup key": (statements.BY_DEDUP_KEY, ["USING INDEX callbackq_callbacks_dedup_key (tenant_id=? AND"]),
    "request key": (
        statements.BY_REQUEST_KEY,
        ["USING INDEX callbackq_callbacks_request_key (tenant_id=?"],
    ),
    "number key": (
        statements.BY_NUMBER_KEY,
        ["USING INDEX callbackq_attempts_number_key (tenant_id=? AND"],
    ),
    "agent leg": (statements.BY_AGENT_LEG, ["USING INDEX callbackq_attempts_agent_leg_id (tenant_id=?"]),
    "customer leg": (statements.BY_CUSTOMER_LEG, ["USING INDEX callbackq_attempts_customer_leg_id (ten"]),
    "identity": (
        statements.BY_IDENTITY,
        ["USING INDEX callbackq_subjects_identity (tenant_id=? AND ident"],
    ),
    "customer id": (
        statements.BY_CUSTOMER,
        ["USING INDEX callbackq_subjects_customer_id (tenant_id=? AND customer_id=?)"],
    ),
    "persons who hold a number": (
        statements.HOLDING,
        ["USING INDEX sqlite_autoindex_callbackq_subjects_1 (tenant_id=?)"],
    ),
    "persons unseen": (
        statements.UNSEEN,
        ["USING INDEX callbackq_subjects_unseen (tenant_id=? AND <expr><?)"],
    ),
    "tallies": (statements.TALLIES_OF, ["USING PRIMARY KEY (tenant_id=? AND key=?)"]),
    "tallies to be forgotten": (
        statements.FORGET_TALLIES,
        [
            "USING PRIMARY KEY (tenant_id=? AND key=?)",
            "USING COVERING INDEX callbackq_tallies_over (tenant_id=? AND over_at<?)",
        ],
    ),
    "codes to be forgotten": (
        statements.FORGET_VERIFICATIONS,
        [
            "USING INDEX sqlite_autoindex_callbackq_verifications_1 (tenant_id=? AND verification_id=?)",
            "USING COVERING INDEX callbackq_verifications_expires (tenant_id=? AND expires_at<?)",
        ],
    ),
    "message": (
        statements.MESSAGES.get,
        ["USING INDEX sqlite_autoindex_callbackq_messages_1 (tenant_id=? AND message_id=?)"],
    ),
    "cause": (statements.BY_CAUSE, ["USING INDEX callbackq_messages_cause (tenant_id=? AND cause=?)"]),
    "what a provider calls a message": (
        statements.BY_PROVIDER,
        ["USING INDEX callbackq_messages_provider (tenant_id=? AND channel=? AND provider_key=?)"],
    ),
    "messages about a callback": (
        statements.MESSAGES_OF_CALLBACK,
        ["USING INDEX callbackq_messages_callback (tenant_id=? AND callback_id=?)"],
    ),
    "messages that wait": (
        statements.MESSAGES_WAITING,
        ["USING INDEX callbackq_messages_waiting (tenant_id=? AND callback_id=?)"],
    ),
    "messages to an address": (
        statements.MESSAGES_TO,
        ["USING INDEX callbackq_messages_to (tenant_id=? AND address_key=?"],
    ),
    "messages in doubt": (
        statements.MESSAGES_UNCERTAIN,
        ["USING INDEX callbackq_messages_uncertain (tenant_id=?)"],
    ),
    "due messages": (statements.MESSAGES.due, [DUE.format("messages")]),
    "due messages of queues": (statements.MESSAGES.due_in, [DUE.format("messages")]),
    "conversation": (
        statements.CONVERSATIONS.get,
        ["USING PRIMARY KEY (tenant_id=? AND conversation_key=?)"],
    ),
    "conversations to be forgotten": (
        statements.FORGET_CONVERSATIONS,
        [
            "USING PRIMARY KEY (tenant_id=? AND conversation_key=?)",
            "USING COVERING INDEX callbackq_conversations_over (tenant_id=? AND over_at<?)",
        ],
    ),
    "opt-out": (statements.OPT_OUTS.get, ["USING PRIMARY KEY (tenant_id=? AND number_key=?)"]),
    "available": (statements.AVAILABLE, ["USING INDEX callbackq_agents_available (tenant_id=?)"]),
    "callbacks by state": (
        statements.CALLBACKS_COUNTS,
        ["USING COVERING INDEX callbackq_callbacks_states (tenant_id=? AND queue=? AND state=?)"] * 5,
    ),
    "callbacks in a state": (
        statements.CALLBACKS_IN_STATE,
        ["USING INDEX callbackq_callbacks_states (tenant_id=? AND queue=? AND state=?)"],
    ),
    "who entered first": (
        statements.OLDEST,
        [
            "USING COVERING INDEX callbackq_calls_entered (tenant_id=? AND queue=?)",
            "USING COVERING INDEX callbackq_callbacks_states (tenant_id=? AND queue=? AND state=?)",
        ],
    ),
    "staff by state": (
        statements.STAFFED_STATES,
        [
            "USING PRIMARY KEY (tenant_id=? AND queue=?)",
            "USING INDEX sqlite_autoindex_callbackq_agents_1 (tenant_id=? AND agent_id=?)",
        ],
    ),
    "staffed_count": (statements.STAFFED_COUNT, ["USING PRIMARY KEY (tenant_id=? AND queue=?)"]),
    "staffed_by_skills": (
        statements.STAFFED_SKILLS,
        [
            "USING PRIMARY KEY (tenant_id=? AND queue=?)",
            "USING INDEX sqlite_autoindex_callbackq_agents_1 (tenant_id=? AND agent_id=?)",
        ],
    ),
    "history of a callback": (
        statements.HISTORY_OF_CALLBACK,
        ["USING INDEX callbackq_history_callback (tenant_id=? AND callback_id=?)"],
    ),
    "history of a record": (statements.HISTORY_OF_RECORD, [CHAIN]),
    "last event of a record": (statements.CHAIN_HEAD, [CHAIN]),
    "places in the history": (
        statements.LINKS,
        ["USING INDEX sqlite_autoindex_callbackq_history_1 (tenant_id=? AND history_number>?)"],
    ),
    "a queue's switches": (
        statements.QUEUES.get,
        ["USING INDEX sqlite_autoindex_callbackq_queues_1 (tenant_id=? AND queue=?)"],
    ),
    "new lanes": (
        statements.LANES_AFTER,
        ["USING INDEX sqlite_autoindex_callbackq_lanes_1 (tenant_id=? AND lane>?)"],
    ),
    "last number of the history": (
        statements.LAST_HISTORY_NUMBER,
        ["USING COVERING INDEX sqlite_autoindex_callbackq_history_1 (tenant_id=?)"],
    ),
}


@pytest.mark.parametrize("name", PLANS)
def test_every_question_is_answered_by_its_index(store: SQLiteStore, name: str) -> None:
    """SQLite's own plan names the index, sorts nothing and scans nothing."""
    sql, wanted = PLANS[name]
    rows = connection_of(store).execute(f"EXPLAIN QUERY PLAN {sql}", ["x"] * sql.count("?")).fetchall()
    plan = [row[3] for row in rows]
    searches = [step for step in plan if step.startswith("SEARCH callbackq_")]
    assert len(searches) == len(wanted)
    for step, index in zip(searches, wanted, strict=True):
        assert index in step
    assert not [step for step in plan if step.startswith("SCAN callbackq_") or "TEMP B-TREE" in step]


def test_plans_stay_when_sqlite_has_gathered_statistics(store: SQLiteStore) -> None:
    """ANALYZE, by whomever, does not turn a search into a scan."""
    put(store, *(make_callback(f"cb_{number:04}", rank=number) for number in range(300)))
    connection_of(store).execute("ANALYZE")
    for name in PLANS:
        test_every_question_is_answered_by_its_index(store, name)


@pytest.mark.parametrize(
    ("name", "spot_of"),
    [
        ("callbacks made one after the other", lambda n: (n, f"cb_{n:06}")),
        (
            "ids of our own, a second apart",
            lambda n: (n * 1_000_000, f"cb_{n:012x}{n * n * 0x9E3779B97F4A7C15 % 2**64:016x}"),
        ),
        ("ids of a PBX that all end alike", lambda n: (n * 1_000_000, f"{n}@pbx.example.com")),
        ("all of one rank", lambda n: (7, f"cb_{n:06}")),
        ("a hundred of each rank", lambda n: (n // 100 * 300_000_000, f"call-{n:06}")),
        ("three priorities", lambda n: (n % 3 * 10**13 + n, f"cb_{n:06}")),
    ],
)
def test_far_back_the_estimate_is_near(
    store: SQLiteStore, monkeypatch: pytest.MonkeyPatch, name: str, spot_of: Callable[[int], tuple[int, str]]
) -> None:
    """Whatever ids and ranks look like, it never falls short of the bound, nor goes down on the way back."""
    bound, count = 200, 4_000
    monkeypatch.setattr(sqlite_line, "POSITION_EXACT_MAX", bound)
    spots = sorted(spot_of(n) for n in range(count))
    put(
        store,
        *(make_callback(f"cb_{n}", rank=rank, place_id=place_id) for n, (rank, place_id) in enumerate(spots)),
    )
    put(store, make_call("call_1", rank=spots[0][0], place_id=PlaceId("")))
    found = {
        n: ask(
            store, lambda tx, n=n: tx.line.count_ahead(QUEUE, rank=spots[n][0], place_id=PlaceId(spots[n][1]))
        )
        for n in (0, bound, bound + 1, *range(300, count, 100))
    }
    assert [found[0], found[bound]] == [Ahead(calls=1), Ahead(calls=1, callbacks=bound)]
    far = [(n, ahead) for n, ahead in found.items() if n > bound]
    assert all(not ahead.exact and ahead.calls == 1 and ahead.callbacks > bound for _, ahead in far)
    counts = [ahead.callbacks for _, ahead in far]
    assert counts == sorted(counts)
    for n, ahead in far:
        assert abs(ahead.callbacks - n) <= 3 * 5.6 * (n - bound) ** 0.5


def test_no_comparison_of_row_values(store: SQLiteStore) -> None:
    """SQLite would use the first column of one only, and read everything behind it."""
    texts = [value for value in vars(statements).values() if isinstance(value, str)]
    assert not [text for text in texts if re.search(r"\)\s*[<>]=?\s*\(", text)]


# ---------------------------------------------------------------------------- for a DBA


def is_optional(hint: Any) -> bool:
    return hint is types.NoneType or types.NoneType in typing.get_args(hint)


@pytest.mark.parametrize("table", TABLES)
def test_the_table_has_a_column_for_each_field(dba: sqlite3.Connection, table: str) -> None:
    """In the same order, of a fitting type, and NOT NULL where the field cannot be None."""
    cls = TABLES[table]
    hints = typing.get_type_hints(cls)
    wanted = [(field.name, not is_optional(hints[field.name])) for field in attrs.fields(cls)]
    columns = dba.execute(f"PRAGMA table_info({table})").fetchall()
    assert [(name, bool(not_null)) for _, name, _, not_null, _, _ in columns] == wanted


def test_the_history_has_a_column_for_each_part_of_an_event(dba: sqlite3.Connection) -> None:
    """And its number, by which it is ordered."""
    columns = [row[1] for row in dba.execute("PRAGMA table_info(callbackq_history)")]
    assert sorted(columns) == sorted([*EVENT_COLUMNS, "history_number", *CHAIN_COLUMNS])


@pytest.mark.parametrize(
    ("table", "states"),
    [
        ("callbackq_callbacks", CallbackState),
        ("callbackq_calls", CallState),
        ("callbackq_agents", AgentState),
        ("callbackq_attempts", AttemptState),
        ("callbackq_bookings", BookingState),
        ("callbackq_messages", MessageState),
    ],
)
def test_the_database_knows_the_states(dba: sqlite3.Connection, table: str, states: Any) -> None:
    """The CHECK lists exactly the states of the model."""
    (sql,) = dba.execute("SELECT sql FROM sqlite_master WHERE name = ?", [table]).fetchone()
    found = re.search(r"state IN \(([^)]*)\)", sql)
    assert found is not None
    assert re.findall(r"'(\w+)'", found[1]) == [state.value for state in states]


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("UPDATE callbackq_callbacks SET state = 'asleep'", "callback_state"),
        ("UPDATE callbackq_callbacks SET due_at = NULL", "callback_due"),
        ("UPDATE callbackq_callbacks SET state = 'ended'", "callback_due"),
        ("UPDATE callbackq_callbacks SET resolved = 2", "callback_resolved"),
        ("UPDATE callbackq_agents SET leaving = 7", "agent_leaving"),
        ("UPDATE callbackq_agents SET due_at = NULL", "agent_due"),
        ("UPDATE callbackq_queues SET offering_paused = 7", "queue_offering_paused"),
        ("UPDATE callbackq_queues SET dialing_paused = -1", "queue_dialing_paused"),
        ("UPDATE callbackq_attempts SET state = 'ended'", "attempt_due"),
        ("UPDATE callbackq_bookings SET state = 'asleep'", "booking_state"),
        ("UPDATE callbackq_bookings SET due_at = NULL", "booking_due"),
        ("UPDATE callbackq_bookings SET state = 'ended'", "booking_due"),
        ("UPDATE callbackq_messages SET state = 'asleep'", "message_state"),
        ("UPDATE callbackq_messages SET due_at = NULL", "message_due"),
        ("UPDATE callbackq_messages SET state = 'ended'", "message_due"),
        ("UPDATE callbackq_messages SET is_answer = 2", "message_is_answer"),
        ("UPDATE callbackq_conversations SET tries_count = -1", "conversation_tries"),
        ("UPDATE callbackq_slots SET usual_count = -1", "slot_counts"),
        ("UPDATE callbackq_slots SET kept_count = -1", "slot_counts"),
        ("UPDATE callbackq_slot_days SET full_count = -1", "slot_day_count"),
        ("UPDATE callbackq_calls SET state = 'asleep', due_at = NULL", "call_"),
    ],
)
def test_the_database_itself_refuses_broken_rows(
    store: SQLiteStore, dba: sqlite3.Connection, sql: str, rule: str
) -> None:
    """Whoever writes past the library meets the same rules, by name."""
    put(store, make_callback("cb_1"), make_call("call_1"), make_agent("mia"), make_attempt("at_1"))
    put(store, make_queue_control(QUEUE), make_booking("bk_1"), make_slot_count(), make_slot_day())
    put(store, make_message("ms_1"), make_conversation("k"))
    with pytest.raises(sqlite3.IntegrityError, match=rule):
        dba.execute(sql)


def test_tenant_id_leads_every_key_and_index(dba: sqlite3.Connection) -> None:
    """No index of the living or the dead mixes tenants."""
    tables = [
        name
        for (name,) in dba.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        if name != "callbackq_meta"
    ]
    assert len(tables) == 19
    for table in tables:
        indexes = dba.execute(f"PRAGMA index_list({table})").fetchall()
        assert any(origin == "pk" for _, _, _, origin, _ in indexes)
        for _, name, _, _, _ in indexes:
            assert dba.execute(f"PRAGMA index_info({name})").fetchone()[2] == "tenant_id", name


def test_the_schema_is_explained_and_made_of_known_names(dba: sqlite3.Connection) -> None:
    """Every table says in a comment what it holds."""
    script = "\n".join(file.text for file in known_scripts("sqlite"))
    for (name,) in dba.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"):
        assert re.search(rf"-- [^\n]+\nCREATE (TABLE|VIEW) {name}\b", script), name


def test_columns_can_be_read_without_the_library(store: SQLiteStore, dba: sqlite3.Connection) -> None:
    """A report in plain SQL: states, times and their differences, JSON only where it says so."""
    late = START + timedelta(minutes=90)
    put(
        store,
        make_callback("cb_1", dedup_key="d", ranked_at=START, expires_at=late, quoted_wait_s=92.5),
        make_agent("mia", queues=(QUEUE, "sales"), skills=("fr",)),
    )
    append(store, make_event(events.CallOffered, quoted_position=4, at=START))
    assert dba.execute(
        """
        SELECT queue, state, entered_at, quoted_wait_s,
               round((julianday(expires_at) - julianday(entered_at)) * 24 * 60) AS life_minutes
          FROM callbackq_callbacks
         WHERE tenant_id = 'default' AND state <> 'ended' AND entered_at >= '2026-01-05'
        """
    ).fetchall() == [("support", "waiting", "2026-01-05T08:00:00.000000Z", 92.5, 90.0)]
    assert dba.execute("SELECT agent_id, queues, skills, leaving FROM callbackq_agents").fetchall() == [
        ("mia", '["support","sales"]', '["fr"]', 0)
    ]
    assert dba.execute(
        "SELECT kind, call_id, strftime('%H:%M', at), json_extract(detail, '$.quoted_position')"
        " FROM callbackq_history"
    ).fetchall() == [("call_offered", "call_id_1", "08:00", 4)]


def test_the_line_can_be_read_in_order(store: SQLiteStore, dba: sqlite3.Connection) -> None:
    """A view numbers the places of each queue as the engine would serve them."""
    put(
        store,
        make_callback("cb_1", rank=2),
        make_call("call_1", rank=1),
        make_callback("cb_2", rank=2, place_id=PlaceId("a")),
        make_callback("cb_3", rank=0, state=CallbackState.HELD),
        make_callback("cb_4", rank=9, queue="sales"),
        make_agent("mia", queues=("sales",)),
    )
    assert dba.execute("SELECT queue, position, entity, id FROM callbackq_v_line").fetchall() == [
        ("sales", 1, "callback", "cb_4"),
        ("support", 1, "call", "call_1"),
        ("support", 2, "callback", "cb_2"),
        ("support", 3, "callback", "cb_1"),
    ]
    assert dba.execute(
        "SELECT queue, callbacks_waiting, calls_waiting, agents_staffed FROM callbackq_v_queues ORDER BY queue"
    ).fetchall() == [("sales", 1, 0, 1), ("support", 2, 1, 0)]


def test_what_is_due_and_who_is_dialed_can_be_read(store: SQLiteStore, dba: sqlite3.Connection) -> None:
    """Two more views: times in order, and the attempts under way."""
    put(
        store,
        make_callback("cb_1", state=CallbackState.ATTEMPTING, due_at=START + timedelta(hours=1)),
        make_attempt("at_1", callback_id=CallbackId("cb_1"), due_at=START + timedelta(minutes=1)),
        make_agent("mia", due_at=START + timedelta(minutes=2)),
        make_booking("bk_1", due_at=START + timedelta(minutes=3)),
        make_message("ms_1", due_at=START + timedelta(minutes=4)),
        make_call("call_1", state=CallState.ENDED),
    )
    assert dba.execute("SELECT entity, id FROM callbackq_v_due").fetchall() == [
        ("attempt", "at_1"),
        ("agent", "mia"),
        ("booking", "bk_1"),
        ("message", "ms_1"),
        ("callback", "cb_1"),
    ]
    assert dba.execute("SELECT callback_id, agent_id, state FROM callbackq_v_attempts").fetchall() == [
        ("cb_1", "agent_1", "intended")
    ]


def test_numbers_and_names_stand_in_one_table_only(store: SQLiteStore, dba: sqlite3.Connection) -> None:
    """Whoever is erased there is erased."""
    put(
        store,
        make_subject("su_1", number="+12125550123", name="Ada Lovelace", identity="tel:+12125550123"),
        make_subject("su_2", number="+12125550199", alternatives=("+12125550123",)),
        make_subject("su_3", number="+12125550199", wrong_numbers=("+12125550123",)),
        make_subject("su_4", number="+12125550199", record_number="+12125550123"),
        make_subject("su_5", number="+12125550199", pending_number="+12125550123", email="Ada@example.com"),
        make_message("ms_1"),
        make_conversation("k"),
    )
    put(store, make_callback("cb_1"), make_call("call_1"), make_attempt("at_1"))
    append(store, make_event(events.CallbackRequested))
    ask_all: Callable[[str], str] = lambda table: repr(dba.execute(f"SELECT * FROM {table}").fetchall())  # noqa: E731
    tables = [name for (name,) in dba.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    holding = [table for table in tables if "2125550123" in ask_all(table) or "Ada" in ask_all(table)]
    assert holding == ["callbackq_subjects"]

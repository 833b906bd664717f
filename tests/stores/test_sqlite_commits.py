"""Group commit in SQLite: who shares a flush, who waits for it, and what becomes of each when it fails."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from callbackq.core.history import fold
from callbackq.errors import CallbackNotFound, CommitUncertain, StoreUnavailable
from callbackq.ids import CallbackId
from callbackq.model import Entity
from callbackq.ports import CanShareFlushes, Commit, Transaction
from callbackq.stores import Flush, MemoryStore, SQLiteStore, sqlite_commits
from callbackq.testing.builders import QUEUE, make_callback
from callbackq.testing.store_contract.base import TENANT, PlannedError, ask, at_once, put
from stores.slow_disk import TIMEOUT_S, Caller, SlowDisk, connection_of

PROMISER = Path(__file__).with_name("promiser.py")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "callbackq.db"


@pytest.fixture
def store(path: Path):
    store = SQLiteStore(path)
    yield store
    store.close()


@pytest.fixture
def disk(store: SQLiteStore):
    disk = SlowDisk(store)
    yield disk
    disk.let_go()


def promise(store: SQLiteStore, key: str, *, commit: Commit = Commit.FLUSHED) -> str:
    """Save one callback."""
    with store.transaction(TENANT, commit=commit) as tx:
        tx.save(make_callback(key))
    return key


def refuse(store: SQLiteStore, key: str, *, error: BaseException | None = None) -> None:
    """Save one callback, and fail."""
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        tx.save(make_callback(key))
        raise PlannedError if error is None else error


def promised(path: Path) -> list[str]:
    """Return the callbacks that another connection finds in the file."""
    other = sqlite3.connect(path)
    found = other.execute("SELECT callback_id FROM callbackq_callbacks ORDER BY callback_id").fetchall()
    other.close()
    return [key for (key,) in found]


def make(store: SQLiteStore, *names: str) -> list[Callable[[], str]]:
    return [partial(promise, store, name) for name in names]


# ---------------------------------------------------------------------------- sharing


def test_a_lone_caller_commits_directly(store: SQLiteStore, disk: SlowDisk) -> None:
    """One BEGIN, one COMMIT, in its own thread: no savepoint, and nobody is waited for."""
    seen: list[str] = []
    disk.behind.set_trace_callback(seen.append)
    promise(store, "cb_1")
    others = [each for each in seen if not each.startswith(("INSERT", "PRAGMA"))]
    assert others == ["BEGIN IMMEDIATE", "COMMIT"]
    assert disk.commits == 1


def test_those_who_wait_share_one_flush(store: SQLiteStore, disk: SlowDisk, path: Path) -> None:
    """While the first waits for the disk eight pile up: they need one flush, and not eight."""
    names = [f"cb_{number}" for number in range(8)]
    callers = disk.behind_a_flush(*make(store, *names), first=partial(promise, store, "cb_first"))
    disk.let_go()
    assert [caller.end() for caller in callers] == ["cb_first", *names]
    assert disk.commits == 2
    assert promised(path) == [*names, "cb_first"]


def test_nobody_goes_on_before_the_flush(store: SQLiteStore, disk: SlowDisk, path: Path) -> None:
    """A receipt that was given while the flush was under way might be lost with the power."""
    names = ["cb_1", "cb_2", "cb_3"]
    first, *others = disk.behind_a_flush(*make(store, *names), first=partial(promise, store, "cb_0"))
    reached = threading.Event()
    real = disk.execute

    def second_commit(sql: str, parameters: object = ()) -> sqlite3.Cursor:
        if sql == "COMMIT" and disk.commits == 1:
            reached.set()
            assert go_on.wait(TIMEOUT_S)
        return real(sql, parameters)

    go_on = threading.Event()
    disk.execute = second_commit  # type: ignore[method-assign]
    disk.let_go()
    assert first.end() == "cb_0"
    assert reached.wait(TIMEOUT_S)
    assert [caller.is_done for caller in others] == [False, False, False]
    assert promised(path) == ["cb_0"]
    go_on.set()
    assert [caller.end() for caller in others] == names
    assert promised(path) == ["cb_0", *names]


def test_a_group_is_bounded(store: SQLiteStore, disk: SlowDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is unlocked after so many, whoever waits: other processes want their turn too."""
    monkeypatch.setattr(sqlite_commits, "GROUP_MAX", 3)
    names = [f"cb_{number}" for number in range(7)]
    callers = disk.behind_a_flush(*make(store, *names), first=partial(promise, store, "cb_first"))
    disk.let_go()
    assert [caller.end() for caller in callers] == ["cb_first", *names]
    assert disk.commits == 1 + 3  # 3, 3 and 1


def test_relaxed_commands_open_no_group(store: SQLiteStore, disk: SlowDisk) -> None:
    """Live calls wait for no flush, and for no group either."""
    relaxed = [partial(promise, store, f"cb_{number}", commit=Commit.RELAXED) for number in range(3)]
    callers = disk.behind_a_flush(*relaxed, first=partial(promise, store, "cb_first"))
    disk.let_go()
    assert [caller.error for caller in callers if caller.end() is None] == []
    assert disk.commits == 4


def test_a_store_that_waits_for_no_flush_has_no_groups(path: Path) -> None:
    """There is nothing to share."""
    store = SQLiteStore(path, flush=Flush.RELAXED)
    disk = SlowDisk(store)
    callers = disk.behind_a_flush(*make(store, "cb_1", "cb_2"), first=partial(promise, store, "cb_0"))
    disk.let_go()
    assert [caller.end() for caller in callers] == ["cb_0", "cb_1", "cb_2"]
    assert disk.commits == 3
    store.close()


def test_32_threads_lose_nothing(store: SQLiteStore, path: Path) -> None:
    """Writers of both kinds, readers, and commands that fail, all at once."""

    def work(number: int) -> int:
        done = 0
        for turn in range(6):
            key = f"cb_{number:02}_{turn}"
            if turn == 4:
                with pytest.raises(PlannedError):
                    refuse(store, key)
                continue
            promise(store, key, commit=Commit.RELAXED if turn % 2 else Commit.FLUSHED)
            assert ask(store, lambda tx, key=key: tx.callbacks.get(CallbackId(key))).callback_id == key  # type: ignore[misc]
            done += 1
        return done

    assert sum(at_once(work, count=32)) == 32 * 5
    assert len(promised(path)) == 32 * 5
    assert connection_of(store).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_another_store_on_the_file_has_its_turn_among_groups(store: SQLiteStore, path: Path) -> None:
    """Groups end, and whoever waits for the lock of the file asks often: nobody waits until nobody else wants it."""
    is_over = threading.Event()

    def hammer(number: int) -> int:
        count = 0
        while not is_over.is_set():
            promise(store, f"cb_{number:02}_{count}")
            count += 1
        return count

    hammering = [Caller(partial(hammer, number)) for number in range(8)]
    other = SQLiteStore(path)
    for number in range(15):
        promise(other, f"cb_other_{number}")
    is_over.set()
    done = [caller.end() for caller in hammering]
    other.close()
    assert min(count for count in done if isinstance(count, int)) > 0
    assert len(promised(path)) == 15 + sum(count for count in done if isinstance(count, int))


def test_a_killed_process_loses_no_receipt_that_was_given(path: Path) -> None:
    """Eight threads share flushes when it is killed: what any of them has said is there, and the books agree."""
    SQLiteStore(path).close()
    process = subprocess.Popen(
        [sys.executable, str(PROMISER), str(path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    given = [process.stdout.readline().strip() for _ in range(60)]
    process.kill()
    given += process.communicate(timeout=TIMEOUT_S)[0].split()
    store = SQLiteStore(path)
    assert set(given) <= set(promised(path))
    with store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
        for (entity, key), record in fold(tx.history.all()).items():
            assert entity is Entity.CALLBACK
            assert tx.callbacks.get(CallbackId(key)) == record
    store.close()


# ---------------------------------------------------------------------------- failing


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        (sqlite3.SQLITE_IOERR_FSYNC, CommitUncertain),
        (sqlite3.SQLITE_FULL, StoreUnavailable),
        (sqlite3.SQLITE_BUSY, StoreUnavailable),
    ],
)
def test_a_flush_that_fails_fails_for_all(
    store: SQLiteStore, disk: SlowDisk, path: Path, code: int, wanted: type[Exception]
) -> None:
    """Whoever is in the group is told, each by an error of its own; nothing of it stands, and work goes on."""
    names = ["cb_1", "cb_2", "cb_3"]
    callers = disk.behind_a_flush(*make(store, *names), first=partial(promise, store, "cb_0"))
    disk.failure = code
    disk.let_go()
    errors = [caller.end() for caller in callers]
    assert [type(error) for error in errors] == [wanted] * 4
    assert len(set(map(id, errors))) == 4
    assert {type(error.__cause__) for error in errors if isinstance(error, Exception)} == {
        sqlite3.OperationalError
    }
    disk.failure = None
    assert promised(path) == []
    promise(store, "cb_1")
    assert promised(path) == ["cb_1"]


def test_a_command_that_fails_undoes_itself_only(store: SQLiteStore, disk: SlowDisk, path: Path) -> None:
    """Those before and behind it in the group stay."""
    calls = [*make(store, "cb_1"), partial(refuse, store, "cb_2"), *make(store, "cb_3")]
    callers = disk.behind_a_flush(*calls, first=partial(promise, store, "cb_0"))
    disk.let_go()
    done = [caller.end() for caller in callers]
    assert [*done[:2], done[3]] == ["cb_0", "cb_1", "cb_3"]
    assert isinstance(done[2], PlannedError)
    assert disk.commits == 2
    assert promised(path) == ["cb_0", "cb_1", "cb_3"]


def test_the_last_of_a_group_fails_and_the_others_are_flushed(
    store: SQLiteStore, disk: SlowDisk, path: Path
) -> None:
    """Whoever has the turn owes the others their flush, also where its own command failed."""
    calls = [*make(store, "cb_1", "cb_2"), partial(refuse, store, "cb_3")]
    callers = disk.behind_a_flush(*calls, first=partial(promise, store, "cb_0"))
    disk.let_go()
    assert [type(caller.end()) for caller in callers] == [str, str, str, PlannedError]
    assert promised(path) == ["cb_0", "cb_1", "cb_2"]


def look(store: SQLiteStore) -> bool:
    """Read, and commit nothing."""
    return ask(store, lambda tx: tx.line.is_empty())


def get(store: SQLiteStore, key: str) -> object:
    return ask(store, lambda tx: tx.callbacks.get(CallbackId(key)))


def find(store: SQLiteStore, key: str, *, commit: Commit) -> bool:
    with store.transaction(TENANT, commit=commit) as tx:
        return tx.callbacks.get(CallbackId(key)).callback_id == key


@pytest.mark.parametrize("commit", [Commit.READ_ONLY, Commit.RELAXED])
def test_who_saw_rows_of_a_group_waits_for_them(store: SQLiteStore, disk: SlowDisk, commit: Commit) -> None:
    """A reader who told of a promise that was then undone would have told of nothing."""
    calls = [*make(store, "cb_1"), partial(find, store, "cb_1", commit=commit), *make(store, "cb_2")]
    callers = disk.behind_a_flush(*calls, first=partial(promise, store, "cb_0"))
    disk.failure = sqlite3.SQLITE_FULL
    disk.let_go()
    assert [type(caller.end()) for caller in callers] == [StoreUnavailable] * 4


def test_who_saw_rows_of_a_group_sees_them_when_they_stand(store: SQLiteStore, disk: SlowDisk) -> None:
    """It shares the one flush."""
    calls = [
        *make(store, "cb_1"),
        partial(find, store, "cb_1", commit=Commit.READ_ONLY),
        *make(store, "cb_2"),
    ]
    callers = disk.behind_a_flush(*calls, first=partial(promise, store, "cb_0"))
    disk.let_go()
    assert [caller.end() for caller in callers] == ["cb_0", "cb_1", True, "cb_2"]
    assert disk.commits == 2


def test_a_refusal_that_rests_on_rows_of_a_group_waits_too(store: SQLiteStore, disk: SlowDisk) -> None:
    """What a command was refused for may be undone; then it is told that instead."""
    calls = [*make(store, "cb_1"), partial(get, store, "cb_none")]
    callers = disk.behind_a_flush(*calls, first=partial(promise, store, "cb_0"))
    disk.let_go()
    assert [type(caller.end()) for caller in callers] == [str, str, CallbackNotFound]
    callers = disk.behind_a_flush(
        *make(store, "cb_2"), partial(get, store, "cb_none"), first=partial(get, store, "cb_0")
    )
    disk.failure = sqlite3.SQLITE_IOERR_FSYNC
    disk.let_go()
    ends = [caller.end() for caller in callers]
    assert [type(end) for end in ends[1:]] == [CommitUncertain] * 2
    assert isinstance(ends[2], CommitUncertain)
    assert isinstance(ends[2].__context__, CallbackNotFound)


def test_an_error_that_undoes_the_whole_group_is_told_to_all(
    store: SQLiteStore, disk: SlowDisk, path: Path
) -> None:
    """SQLite rolls back everything by itself where the disk is full: those before are undone as well."""
    pages = disk.behind.execute("PRAGMA page_count").fetchone()[0]
    disk.behind.execute(f"PRAGMA max_page_count = {pages}").fetchall()

    def too_much() -> None:
        put_flushed(store, *(f"cb_more_{number}" for number in range(500)))

    callers = disk.behind_a_flush(*make(store, "cb_1"), too_much, first=partial(look, store))
    disk.let_go()
    ends = [caller.end() for caller in callers]
    assert [type(end) for end in ends] == [bool, StoreUnavailable, StoreUnavailable]
    assert "undid" in str(ends[1])
    assert "full" in str(ends[2])
    assert promised(path) == []
    disk.behind.execute("PRAGMA max_page_count = 1000000").fetchall()
    promise(store, "cb_1")


def test_nothing_is_written_after_sqlite_has_undone_a_transaction(store: SQLiteStore, path: Path) -> None:
    """A block that catches the error and goes on would write each further row for good, by itself."""
    connection = connection_of(store)
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}").fetchall()

    def go_on() -> None:
        with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
            with pytest.raises(StoreUnavailable, match="full"):
                save_all(tx, *(f"cb_{number}" for number in range(500)))
            connection.execute("PRAGMA max_page_count = 1000000").fetchall()
            tx.save(make_callback("cb_later"))

    with pytest.raises(StoreUnavailable, match="undid"):
        go_on()
    assert promised(path) == []


def put_flushed(store: SQLiteStore, *names: str) -> None:
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        save_all(tx, *names)


def save_all(tx: Transaction, *names: str) -> None:
    for name in names:
        tx.save(make_callback(name))


def test_a_savepoint_that_cannot_be_undone_undoes_the_group(
    store: SQLiteStore, disk: SlowDisk, path: Path
) -> None:
    """Rather nothing than half a command."""
    real = disk.execute

    def stubborn(sql: str, parameters: object = ()) -> sqlite3.Cursor:
        return real("ROLLBACK TO nothing" if sql.startswith("ROLLBACK TO") else sql, parameters)

    calls = [*make(store, "cb_1"), partial(refuse, store, "cb_2")]
    callers = disk.behind_a_flush(*calls, first=partial(promise, store, "cb_0"))
    disk.execute = stubborn  # type: ignore[method-assign]
    disk.let_go()
    assert [type(caller.end()) for caller in callers] == [str, StoreUnavailable, PlannedError]
    assert promised(path) == ["cb_0"]


def test_lanes_of_a_group_that_failed_are_forgotten(store: SQLiteStore, disk: SlowDisk) -> None:
    """Their numbers go to whoever comes next."""

    def intern(*skills: str) -> int:
        with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
            return tx.lanes.intern(skills)

    callers = disk.behind_a_flush(
        partial(intern, "fr"), partial(intern, "de"), first=partial(promise, store, "cb_0")
    )
    disk.failure = sqlite3.SQLITE_FULL
    disk.let_go()
    assert [type(caller.end()) for caller in callers] == [StoreUnavailable] * 3
    disk.failure = None
    assert ask(store, lambda tx: tx.lanes.served_by(("fr", "de"))) == (0,)
    assert intern("en") == 1
    assert ask(store, lambda tx: tx.lanes.skills_of(1)) == ("en",)


# ---------------------------------------------------------------------------- interrupted


def test_an_interruption_within_a_command_undoes_it_only(
    store: SQLiteStore, disk: SlowDisk, path: Path
) -> None:
    """It waits for nothing, and the others have their flush."""
    stop = partial(refuse, store, "cb_2", error=KeyboardInterrupt())
    callers = disk.behind_a_flush(*make(store, "cb_1"), stop, first=partial(promise, store, "cb_0"))
    disk.let_go()
    assert [type(caller.end()) for caller in callers] == [str, str, KeyboardInterrupt]
    assert promised(path) == ["cb_0", "cb_1"]


def test_who_is_interrupted_while_it_waits_leaves_the_queue(
    store: SQLiteStore, disk: SlowDisk, path: Path
) -> None:
    """Nobody waits for a thread that has gone."""
    disk.hold()
    first = Caller(partial(promise, store, "cb_0"))
    assert disk.is_reached.wait(TIMEOUT_S)
    main = threading.main_thread().ident
    assert main is not None
    has_left = threading.Event()

    def interrupt() -> None:
        while not store._commits.turns.is_wanted():
            first.thread.join(0.001)
        # One that comes a moment before a thread falls asleep does not wake it: so another one may be needed.
        while not has_left.is_set():
            signal.pthread_kill(main, signal.SIGINT)
            has_left.wait(TIMEOUT_S / 3)

    # A process that was started in the background may have been told to ignore this signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    interrupter = Caller(interrupt)
    with pytest.raises(KeyboardInterrupt):
        promise(store, "cb_main")
    has_left.set()
    interrupter.end()
    signal.signal(signal.SIGINT, before)
    assert not store._commits.turns.is_wanted()
    disk.let_go()
    assert first.end() == "cb_0"
    promise(store, "cb_1")
    assert promised(path) == ["cb_0", "cb_1"]


def test_who_is_interrupted_when_its_turn_comes_flushes_for_the_others(
    store: SQLiteStore, disk: SlowDisk, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A group was left to it; the group's members would wait for ever."""

    class Stopped(sqlite_commits._Turn):
        def __init__(self, thread_id: int) -> None:
            super().__init__(thread_id)
            lock = self.comes
            self.comes = self  # type: ignore[assignment]
            self.release = lock.release
            self.acquire = lambda: (lock.acquire(), stop())

    def stop() -> None:
        raise KeyboardInterrupt

    disk.hold()
    first = Caller(partial(promise, store, "cb_0"))
    assert disk.is_reached.wait(TIMEOUT_S)
    callers = [Caller(call) for call in make(store, "cb_1")]
    while len(store._commits.turns._waiting) < 1:
        first.thread.join(0.001)
    monkeypatch.setattr(sqlite_commits, "_Turn", Stopped)
    callers.append(Caller(partial(promise, store, "cb_stopped")))
    while len(store._commits.turns._waiting) < 2:
        first.thread.join(0.001)
    disk.let_go()
    assert first.end() == "cb_0"
    assert [type(caller.end()) for caller in callers] == [str, KeyboardInterrupt]
    assert promised(path) == ["cb_0", "cb_1"]


@pytest.mark.parametrize("name", ["_flush", "_over"])
def test_who_is_interrupted_around_its_flush_leaves_nobody_waiting(
    store: SQLiteStore, disk: SlowDisk, path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Right before it, and when the rows are on the disk and nobody was told yet."""
    callers = disk.behind_a_flush(*make(store, "cb_1", "cb_2"), first=partial(look, store))
    real = getattr(sqlite_commits.Commits, name)
    signals = [KeyboardInterrupt()]

    def interrupted(commits: sqlite_commits.Commits, group: sqlite_commits.Group) -> None:
        if signals:
            raise signals.pop()
        real(commits, group)

    monkeypatch.setattr(sqlite_commits.Commits, name, interrupted)
    disk.let_go()
    assert [type(caller.end()) for caller in callers] == [bool, str, KeyboardInterrupt]
    assert promised(path) == ["cb_1", "cb_2"]
    promise(store, "cb_3")


def test_who_is_interrupted_while_undoing_leaves_no_half_command(
    store: SQLiteStore, disk: SlowDisk, path: Path
) -> None:
    """Its group is undone with it, and told so; the store goes on."""
    real = disk.execute

    def interrupted(sql: str, parameters: object = ()) -> sqlite3.Cursor:
        if sql.startswith("ROLLBACK TO"):
            raise KeyboardInterrupt
        return real(sql, parameters)

    calls = [*make(store, "cb_1"), partial(refuse, store, "cb_2")]
    callers = disk.behind_a_flush(*calls, first=partial(promise, store, "cb_0"))
    disk.execute = interrupted  # type: ignore[method-assign]
    disk.let_go()
    assert [type(caller.end()) for caller in callers] == [str, StoreUnavailable, KeyboardInterrupt]
    promise(store, "cb_3")
    assert promised(path) == ["cb_0", "cb_3"]


def test_who_is_interrupted_before_the_block_of_a_command_has_no_rows(store: SQLiteStore, path: Path) -> None:
    """The transaction has begun, and `with` was not there yet to end it. What came before in the batch is flushed."""
    begun: list[AbstractContextManager[Transaction]] = []

    def begin() -> None:
        begun.append(store.transaction(TENANT, commit=Commit.FLUSHED))
        begun[0].__enter__().save(make_callback("cb_2"))
        raise KeyboardInterrupt

    caller = Caller(lambda: store.together([*make(store, "cb_1"), begin]))
    assert isinstance(caller.end(), KeyboardInterrupt)
    assert promised(path) == ["cb_1"]
    promise(store, "cb_3")


def test_an_interrupted_flush_that_did_not_happen_fails_for_all(
    store: SQLiteStore, disk: SlowDisk, path: Path
) -> None:
    """The interruption goes to the thread that had it; the others are told that nothing was written."""
    real = disk.execute

    def interrupted(sql: str, parameters: object = ()) -> sqlite3.Cursor:
        if sql == "COMMIT":
            raise KeyboardInterrupt
        return real(sql, parameters)

    callers = disk.behind_a_flush(*make(store, "cb_1", "cb_2"), first=partial(look, store))
    disk.execute = interrupted  # type: ignore[method-assign]
    disk.let_go()
    assert [type(caller.end()) for caller in callers[1:]] == [StoreUnavailable, KeyboardInterrupt]
    assert promised(path) == []


# ---------------------------------------------------------------------------- rules


def test_a_thread_has_one_transaction_at_a_time(store: SQLiteStore) -> None:
    """And the one that is open goes on."""
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        tx.save(make_callback("cb_1"))
        for again in (
            lambda: put(store, make_callback("cb_2")),
            lambda: store.together([]),
            store.scrub,
            store.close,
        ):
            with pytest.raises(RuntimeError, match="transaction"):
                again()
        tx.save(make_callback("cb_3"))
    assert ask(store, lambda tx: tx.line.waiting_count(QUEUE)) == 2


def test_closing_waits_for_the_group(store: SQLiteStore, disk: SlowDisk, path: Path) -> None:
    """Those in the queue before it are done, those behind it are told."""
    calls = [*make(store, "cb_1", "cb_2"), store.close, *make(store, "cb_3")]
    callers = disk.behind_a_flush(*calls, first=partial(promise, store, "cb_0"))
    disk.let_go()
    assert [type(caller.end()) for caller in callers] == [str, str, str, type(None), StoreUnavailable]
    assert promised(path) == ["cb_0", "cb_1", "cb_2"]


def test_scrubbing_waits_for_the_group(store: SQLiteStore, disk: SlowDisk, path: Path) -> None:
    """It has the file alone."""
    callers = disk.behind_a_flush(
        *make(store, "cb_1"), store.scrub, *make(store, "cb_2"), first=partial(promise, store, "cb_0")
    )
    disk.let_go()
    assert [caller.end() for caller in callers] == ["cb_0", "cb_1", True, "cb_2"]
    assert promised(path) == ["cb_0", "cb_1", "cb_2"]


# ---------------------------------------------------------------------------- together


def test_which_stores_share_flushes() -> None:
    """It is optional: the memory has nothing to flush."""
    assert issubclass(SQLiteStore, CanShareFlushes)
    assert not issubclass(MemoryStore, CanShareFlushes)


def test_commands_of_one_thread_share_one_flush(store: SQLiteStore, disk: SlowDisk, path: Path) -> None:
    """As many as wait, in their order; what one wrote the next one reads."""
    seen: list[int] = []

    def look() -> None:
        seen.append(ask(store, lambda tx: tx.line.waiting_count(QUEUE)))

    assert store.together([*make(store, "cb_1", "cb_2"), look, *make(store, "cb_3"), look]) == [None] * 5
    assert seen == [2, 3]
    assert disk.commits == 1
    assert promised(path) == ["cb_1", "cb_2", "cb_3"]


def test_many_commands_of_one_thread_share_bounded_flushes(
    store: SQLiteStore, disk: SlowDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is unlocked in between."""
    monkeypatch.setattr(sqlite_commits, "GROUP_MAX", 4)
    assert store.together(make(store, *(f"cb_{number}" for number in range(10)))) == [None] * 10
    assert disk.commits == 3


def test_a_shared_flush_that_fails_names_whom_it_concerns(
    store: SQLiteStore, disk: SlowDisk, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first two have their flush, and stand; the others do not."""
    monkeypatch.setattr(sqlite_commits, "GROUP_MAX", 2)

    def fail_from_now() -> None:
        disk.failure = sqlite3.SQLITE_IOERR_FSYNC

    errors = store.together(
        [*make(store, "cb_1", "cb_2"), fail_from_now, *make(store, "cb_3", "cb_4", "cb_5")]
    )
    assert [type(error) for error in errors] == [
        type(None),
        type(None),
        type(None),
        CommitUncertain,
        CommitUncertain,
        CommitUncertain,
    ]
    disk.failure = None
    assert promised(path) == ["cb_1", "cb_2"]


def test_another_thread_that_comes_between_flushes_for_both(
    store: SQLiteStore, disk: SlowDisk, path: Path
) -> None:
    """It does not wait for the next command of the first one, which may take its time."""
    between = lambda: Caller(partial(promise, store, "cb_between")).end()  # noqa: E731
    commands: list[Callable[[], object]] = [*make(store, "cb_1"), between, *make(store, "cb_2")]
    assert store.together(commands) == [None] * 3
    assert promised(path) == ["cb_1", "cb_2", "cb_between"]
    assert disk.commits == 2


def test_an_open_group_of_one_thread_is_left_to_those_who_wait(
    store: SQLiteStore, disk: SlowDisk, path: Path
) -> None:
    """The end of the batch is one more turn, behind the others."""
    batch = partial(store.together, make(store, "cb_1", "cb_2"))
    callers = disk.behind_a_flush(batch, *make(store, "cb_3", "cb_4"), first=partial(promise, store, "cb_0"))
    disk.let_go()
    assert [caller.end() for caller in callers] == ["cb_0", [None, None], "cb_3", "cb_4"]
    assert promised(path) == ["cb_0", "cb_1", "cb_2", "cb_3", "cb_4"]
    assert disk.commits <= 3


def test_an_interrupted_batch_ends_with_its_flush(store: SQLiteStore, path: Path) -> None:
    """What was done stands; the rest was not begun."""

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.together([*make(store, "cb_1"), stop, *make(store, "cb_2")])
    assert promised(path) == ["cb_1"]
    promise(store, "cb_3")
    assert promised(path) == ["cb_1", "cb_3"]


def test_together_is_not_nested(store: SQLiteStore) -> None:
    """One thread shares one flush at a time."""
    errors: list[Exception] = []

    def again() -> None:
        try:
            store.together([])
        except RuntimeError as error:
            errors.append(error)

    assert store.together([again]) == [None]
    assert "already" in str(errors[0])


def test_a_scrub_within_a_batch_commits_what_was_before(
    store: SQLiteStore, disk: SlowDisk, path: Path
) -> None:
    """It must have the file alone."""
    assert store.together([*make(store, "cb_1"), store.scrub, *make(store, "cb_2")]) == [None] * 3
    assert promised(path) == ["cb_1", "cb_2"]


def test_readers_alone_need_no_flush(store: SQLiteStore, disk: SlowDisk) -> None:
    """A batch that reads opens no group."""
    seen: list[str] = []
    disk.behind.set_trace_callback(seen.append)
    assert store.together([partial(look, store)] * 3) == [None] * 3
    assert seen.count("BEGIN") == disk.commits == 3

"""
The store in one SQLite file: the default. Any number of threads, and several processes on one machine.

The rule: a store has one connection, and one command at a time uses it. How commands take turns and share a flush is
in `sqlite_commits`, how the file is opened and watched in `sqlite_file`, how it is copied in `sqlite_backup`. What
SQLite's errors mean is in `sqlite_errors`, the verbs are in `sqlite_tables`, the statements in `sqlite_statements`,
the tables and indexes in `schema/sqlite/`, and `sqlite_opening` makes them and brings them forward.
"""

from __future__ import annotations

import enum
import os
import sqlite3
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

from callbackq.errors import ConfigurationError, StoreUnavailable
from callbackq.ids import TenantId
from callbackq.model import StoreHealth
from callbackq.ports import Commit
from callbackq.stores.pepper import check_pepper
from callbackq.stores.sqlite_backup import copy, snapshot
from callbackq.stores.sqlite_commits import Commits, roll_back
from callbackq.stores.sqlite_errors import translate
from callbackq.stores.sqlite_file import NamedFile, connect, never_close_in_a_child
from callbackq.stores.sqlite_health import health_of_file
from callbackq.stores.sqlite_opening import prepare
from callbackq.stores.sqlite_session import LaneCache
from callbackq.stores.sqlite_tables import SQLiteTransaction

_LOCK_WAIT_MAX: Final = timedelta(seconds=5)
_SCRUBBED: Final = (
    "callbackq_subjects",
    "callbackq_tallies",
    "callbackq_verifications",
    "callbackq_conversations",
)
"""The tables of which nothing may remain that was deleted or overwritten."""
_SCRUB_TIMEOUT_MS: Final = 200
"""How long readers of older data are waited for, while everybody else waits too."""


class Flush(enum.Enum):
    """What a commit that was asked to be FLUSHED waits for."""

    FULL = "full"
    """The disk: a promise survives the loss of power."""
    RELAXED = "relaxed"
    """
    Nothing. A killed process loses nothing; a power cut may lose the last commits, but does not damage the file.
    For simulations and replays.
    """


class SQLiteStore:
    """
    Keeps everything in one SQLite file, which is made if it does not exist.

    Safe to share between threads: one transaction at a time, and those that wait share a flush of the disk. Several
    processes on one machine may open the same file. Not to be carried over a fork: open it in each process.

    Args:
        path: the file. Two more, ending in `-wal` and `-shm`, stand beside it while it is open.
        pepper: 32 secret bytes that key the digests of phone numbers, when the host keeps them elsewhere. When
            not given they are made at random and kept in the file.
        flush: whether promises wait for the disk.
        lock_wait_max: how long a command waits for another process that has the file locked.
        migrate: whether tables are made where there are none, and brought forward where an older release made them.

    Raises:
        StoreUnavailable: the file cannot be opened, or is not an SQLite database.
        SchemaMismatch: a release of callbackq made its tables with which this one cannot work; or they are older, and
            *migrate* is false.
        ConfigurationError: the pepper has another length, or is not the one that the file was made with.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        pepper: bytes | None = None,
        flush: Flush = Flush.FULL,
        lock_wait_max: timedelta = _LOCK_WAIT_MAX,
        migrate: bool = True,
    ) -> None:
        check_pepper(pepper)
        if lock_wait_max < timedelta():
            raise ConfigurationError("lock_wait_max", lock_wait_max, "none, or more")
        self._path = os.fspath(path)
        self._process_id = os.getpid()
        self._lane_cache: LaneCache = {}
        self._lock_wait_s = lock_wait_max.total_seconds()
        connection: sqlite3.Connection | None = None
        try:
            connection = connect(self._path, lock_wait_s=self._lock_wait_s)
            self._pepper = prepare(connection, self._path, pepper=pepper, migrate=migrate)
            connection.execute("PRAGMA busy_timeout = 0")  # From here on `Commits` waits: more eagerly.
            self._file = NamedFile(connection, self._path)
        except BaseException as error:
            if connection is not None:
                connection.close()
            if isinstance(error, sqlite3.Error):
                raise translate(error, self._path) from error
            raise
        self._commits = Commits(
            connection,
            path=self._path,
            is_flushed=flush is Flush.FULL,
            lock_wait_s=self._lock_wait_s,
            check_file=self._file.check,
            when_undone=self._lane_cache.clear,
        )
        never_close_in_a_child(self._commits)

    @property
    def pepper(self) -> bytes:
        """The secret bytes of this store: the same ones whenever the file is opened."""
        return self._pepper

    @contextmanager
    def transaction(self, tenant_id: TenantId, *, commit: Commit) -> Generator[SQLiteTransaction]:
        """
        Open a transaction; an exception that leaves the block undoes all of it.

        Cost: some tens of microseconds, and with FLUSHED one flush of the disk.

        Raises:
            RuntimeError: this thread has a transaction open already, or the store was opened before a fork.
            StoreUnavailable: nothing was written: the file is locked, full, damaged or closed.
            CommitUncertain: the disk failed during the commit.
        """
        self._refuse_after_fork()  # Before any lock: one may be held by a thread that is not there.
        commits, me = self._commits, threading.get_ident()
        commits.turns.refuse_if_had(me)
        try:
            transaction = SQLiteTransaction(
                commits.begin(commit, me),
                tenant_id,
                commit=commit,
                lane_cache=self._lane_cache,
                path=self._path,
            )
            try:
                yield transaction
            finally:
                transaction.end()
            group = commits.end(commit, me)
            commits.leave(me)
        except BaseException as error:
            if commits.turns.is_had_by(me):
                self._lane_cache.pop(tenant_id, None)
            try:
                group = commits.undo(me)
            finally:
                commits.leave(me)
            if isinstance(error, Exception):
                commits.wait(group, me)
            raise
        commits.wait(group, me)

    def together(self, commands: Sequence[Callable[[], object]]) -> list[Exception | None]:
        """
        Run *commands* one after the other in this thread, and let them share flushes: see `ports.CanShareFlushes`.

        Cost: what the commands cost, and one flush for up to 64 of them.

        Raises:
            RuntimeError: this thread has a transaction open, or the store was opened before a fork.
        """
        self._refuse_after_fork()
        return self._commits.together(commands)

    def when_flushed(self, tell: Callable[[], object]) -> None:
        """
        Call *tell* once what the last transaction of this thread wrote is committed: see `ports.CanShareFlushes`.

        At once, unless this thread is within `together`.
        """
        self._commits.when_flushed(tell)

    def scrub(self) -> bool:
        """
        Let nothing remain in the files of what was deleted or overwritten: see `ports.Store`.

        SQLite writes zeros over what is deleted, but where it moves rows from one page to another it leaves a copy in
        the room between them. So the tables from which rows must go without a trace are written anew: persons,
        tallies, one-time codes and conversations.

        Cost: O(persons), about 20 µs for each; then the log is copied into the file and emptied, which waits for the
        disk. Others wait for so long, and the file needs room for a second copy of these tables.

        Returns:
            False where another connection was still reading older data: call again when it is done.

        Raises:
            RuntimeError: this thread has a transaction open, or the store was opened before a fork.
            StoreUnavailable: the file cannot be written now, or the store was closed.
        """
        self._refuse_after_fork()
        with self._commits.alone() as connection:
            try:
                _write_anew(self._commits, connection)
                return _empty_log(connection)
            except sqlite3.Error as error:
                raise translate(error, self._path) from error

    def backup(
        self,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> int:
        """
        Copy everything that is committed by now into another file, while commands go on.

        What is committed meanwhile is not in it. The copy stands at *path* when it is whole and on the disk, and
        nothing of it does before. It opens as a store, with the same pepper, unless that is the host's own.

        Args:
            path: the copy, on a disk of this machine. Its directory must exist.
            overwrite: whether a copy that is there may be replaced, in one moment. Never one that is open.
            progress: told after each mebibyte how many bytes are copied, and how many there are, in this thread. What
                it raises ends the backup.

        Returns:
            The size of the copy in bytes.

        Raises:
            ConfigurationError: the name is taken, or cannot be a copy's.
            StoreUnavailable: the copy cannot be written, or the store not be read. Nothing of it is left.
            RuntimeError: this thread has a transaction open, or the store was opened before a fork.

        Cost: O(size). The log of the store grows until it is done. On a store in memory all others wait.
        """
        self._refuse_after_fork()
        self._commits.turns.refuse_if_had(threading.get_ident())
        self._commits.refuse_if_closed()
        self._file.check()
        name = self._file.name
        reading = snapshot(name, lock_wait_s=self._lock_wait_s) if name else self._commits.alone()
        return copy(reading, name, Path(path).absolute(), overwrite=overwrite, progress=progress)

    def health(self, *, thorough: bool = False) -> StoreHealth:
        """
        Say how the file is, and the disk under it: see `ports.CanTellHealth`. Of a store in memory nothing is said.

        Raises:
            StoreUnavailable: it cannot be read now, or the store was closed.
        """
        self._refuse_after_fork()
        self._commits.refuse_if_closed()
        return health_of_file(self._file.name, thorough=thorough) if self._file.name else StoreHealth()

    def close(self) -> None:
        """Close the file. Later transactions raise StoreUnavailable. Closing twice is no error."""
        if os.getpid() != self._process_id:
            return  # The file is the parent's.
        with suppress(StoreUnavailable), self._commits.alone() as connection:
            self._commits.connection = None
            connection.close()

    def _refuse_after_fork(self) -> None:
        if os.getpid() != self._process_id:
            msg = "this store was opened before a fork; open one in each process"
            raise RuntimeError(msg)


def _write_anew(commits: Commits, connection: sqlite3.Connection) -> None:
    """Write the tables from which rows go without a trace into clean pages."""
    try:
        commits.patiently(connection, "BEGIN IMMEDIATE")
        for table in _SCRUBBED:
            connection.execute(f"CREATE TABLE callbackq_scrub AS SELECT * FROM {table}")
            connection.execute(f"DELETE FROM {table}")
            connection.execute(f"INSERT INTO {table} SELECT * FROM callbackq_scrub ORDER BY rowid")
            connection.execute("DROP TABLE callbackq_scrub")
        connection.execute("COMMIT")
    except BaseException:
        roll_back(connection)
        raise


def _empty_log(connection: sqlite3.Connection) -> bool:
    """Copy the log into the file, and cut it to nothing; say whether nobody was in the way."""
    connection.execute(f"PRAGMA busy_timeout = {_SCRUB_TIMEOUT_MS}")
    try:
        (is_blocked, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.execute("PRAGMA busy_timeout = 0")
    return not is_blocked

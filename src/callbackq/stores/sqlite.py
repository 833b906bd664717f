"""
The store in one SQLite file: the default. Any number of threads, and several processes on one machine.

The rule: a store has one connection under one lock, and a transaction holds both from its first statement to
its commit. What SQLite's errors mean is in `sqlite_errors`, the verbs are in `sqlite_tables`, the statements in
`sqlite_statements`, the tables and indexes in `schema/sqlite.sql`.
"""

from __future__ import annotations

import enum
import hashlib
import os
import sqlite3
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from importlib import resources
from typing import Final

from callbackq.errors import ConfigurationError, SchemaMismatch, StoreUnavailable
from callbackq.ids import TenantId
from callbackq.ports import Commit
from callbackq.stores.pepper import PEPPER_BYTES, check_pepper
from callbackq.stores.sqlite_errors import is_busy, translate, translate_commit
from callbackq.stores.sqlite_session import LaneCache
from callbackq.stores.sqlite_tables import SQLiteTransaction

SCHEMA_VERSION: Final = 6

_BUSY_TIMEOUT_S: Final = 5.0
_STATEMENTS_KEPT: Final = 256
_WAL_PAGES: Final = 4_000
"""How long the log grows before it is copied into the file: 16 MB. Each copy waits for the disk twice."""
_SCRUBBED: Final = (
    "callbackq_subjects",
    "callbackq_tallies",
    "callbackq_verifications",
    "callbackq_conversations",
)
"""The tables of which nothing may remain that was deleted or overwritten."""
_SCRUB_TIMEOUT_MS: Final = 200
"""How long readers of older data are waited for, while everybody else waits too."""
_WAL_TRIES: Final = 500
_WAL_PAUSE_S: Final = 0.01


class Flush(enum.Enum):
    """What a commit that was asked to be FLUSHED waits for."""

    FULL = "full"
    """The disk: a promise survives the loss of power."""
    RELAXED = "relaxed"
    """
    Nothing. A killed process loses nothing; a power cut may lose the last commits, but does not damage the file.
    For simulations and replays.
    """


class _Synchronous(enum.Enum):
    """SQLite's own word for when it waits. Under write-ahead logging neither can damage the file."""

    NORMAL = "PRAGMA synchronous = NORMAL"
    FULL = "PRAGMA synchronous = FULL"


class SQLiteStore:
    """
    Keeps everything in one SQLite file, which is made if it does not exist.

    Safe to share between threads: one transaction at a time. Several processes on one machine may open the same
    file; a writer waits for another process up to 5 s. Not to be carried over a fork: open it in each process.

    Args:
        path: the file. Two more, ending in `-wal` and `-shm`, stand beside it while it is open.
        pepper: 32 secret bytes that key the digests of phone numbers, when the host keeps them elsewhere. When
            not given they are made at random and kept in the file.
        flush: whether promises wait for the disk.

    Raises:
        StoreUnavailable: the file cannot be opened, or is not an SQLite database.
        SchemaMismatch: another version of callbackq made its tables.
        ConfigurationError: the pepper has another length, or is not the one that the file was made with.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        pepper: bytes | None = None,
        flush: Flush = Flush.FULL,
    ) -> None:
        check_pepper(pepper)
        self._path = os.fspath(path)
        self._flush = flush
        self._lock = threading.RLock()
        self._is_busy = False
        self._process_id = os.getpid()
        self._lane_cache: LaneCache = {}
        self._synchronous = _Synchronous.FULL
        self._connection: sqlite3.Connection | None = None
        try:
            self._connection = _connect(self._path)
            self._pepper = _prepare(self._connection, self._path, pepper)
        except BaseException as error:
            self.close()
            if isinstance(error, sqlite3.Error):
                raise translate(error, self._path) from error
            raise

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
        self._usable()  # Before the lock: after a fork it may be held by a thread that is not there.
        with self._lock:
            self._refuse_if_busy()
            connection = self._usable()
            transaction = SQLiteTransaction(
                connection, tenant_id, commit=commit, lane_cache=self._lane_cache, path=self._path
            )
            self._is_busy = True
            try:
                self._begin(connection, commit)
                yield transaction
                transaction.end()
                self._commit(connection)
            except BaseException:
                transaction.end()
                self._lane_cache.pop(tenant_id, None)
                _roll_back(connection)
                raise
            finally:
                self._is_busy = False

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
        self._usable()
        with self._lock:
            self._refuse_if_busy()
            connection = self._usable()
            try:
                _write_anew(connection)
                return _empty_log(connection)
            except sqlite3.Error as error:
                raise translate(error, self._path) from error

    def close(self) -> None:
        """Close the file. Later transactions raise StoreUnavailable. Closing twice is no error."""
        with self._lock:
            self._refuse_if_busy()
            connection, self._connection = self._connection, None
            if connection is not None and os.getpid() == self._process_id:
                connection.close()

    def _refuse_if_busy(self) -> None:
        if self._is_busy:  # The lock is this thread's own.
            msg = "this thread has a transaction of this store open; end it first"
            raise RuntimeError(msg)

    def _usable(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreUnavailable(f"{self._path}: this store was closed")
        if os.getpid() != self._process_id:
            msg = "this store was opened before a fork; open one in each process"
            raise RuntimeError(msg)
        return self._connection

    def _begin(self, connection: sqlite3.Connection, commit: Commit) -> None:
        try:
            if commit is Commit.READ_ONLY:
                connection.execute("BEGIN")
                return
            is_full = commit is Commit.FLUSHED and self._flush is Flush.FULL
            wanted = _Synchronous.FULL if is_full else _Synchronous.NORMAL
            if wanted is not self._synchronous:
                connection.execute(wanted.value)
                self._synchronous = wanted
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise translate(error, self._path) from error

    def _commit(self, connection: sqlite3.Connection) -> None:
        if not connection.in_transaction:
            # An error such as a full disk made SQLite roll back by itself, and the block went on.
            raise StoreUnavailable(f"{self._path}: an error undid this transaction")
        try:
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise translate_commit(error, self._path) from error


def _roll_back(connection: sqlite3.Connection) -> None:
    """Undo what is open. An error here changes nothing: what was not committed is gone."""
    if connection.in_transaction:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")


def _write_anew(connection: sqlite3.Connection) -> None:
    """Write the tables from which rows go without a trace into clean pages."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        for table in _SCRUBBED:
            connection.execute(f"CREATE TABLE callbackq_scrub AS SELECT * FROM {table}")
            connection.execute(f"DELETE FROM {table}")
            connection.execute(f"INSERT INTO {table} SELECT * FROM callbackq_scrub ORDER BY rowid")
            connection.execute("DROP TABLE callbackq_scrub")
        connection.execute("COMMIT")
    except BaseException:
        _roll_back(connection)
        raise


def _empty_log(connection: sqlite3.Connection) -> bool:
    """Copy the log into the file, and cut it to nothing; say whether nobody was in the way."""
    connection.execute(f"PRAGMA busy_timeout = {_SCRUB_TIMEOUT_MS}")
    try:
        (is_blocked, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_S * 1000:.0f}")
    return not is_blocked


# ---------------------------------------------------------------------------- opening


def _connect(path: str) -> sqlite3.Connection:
    """Open the file with write-ahead logging."""
    connection = sqlite3.connect(
        path,
        timeout=_BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_STATEMENTS_KEPT,
    )
    try:
        _use_wal(connection, path)
        connection.execute(_Synchronous.FULL.value)
        connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
        connection.execute("PRAGMA secure_delete = ON")  # What is deleted or overwritten becomes zeros.
        # Elsewhere a flush is a flush; macOS needs to be told.
        connection.execute("PRAGMA fullfsync = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection, path: str) -> None:
    """Turn write-ahead logging on. SQLite does not wait for a lock here, so two openers take turns."""
    for tries_left in reversed(range(_WAL_TRIES)):
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if not (tries_left and is_busy(error)):
                raise
            time.sleep(_WAL_PAUSE_S)
            continue
        if mode not in {"wal", "memory"}:
            raise StoreUnavailable(f"{path}: write-ahead logging is not possible there")
        return


def _prepare(connection: sqlite3.Connection, path: str, pepper: bytes | None) -> bytes:
    """Make the tables where there are none, check their version, and return the pepper."""
    if not _has_tables(connection):
        connection.execute("BEGIN IMMEDIATE")
        try:
            if not _has_tables(connection):  # Another process may have been first.
                _make_tables(connection, pepper)
            connection.execute("COMMIT")
        except BaseException:
            _roll_back(connection)
            raise
    meta: dict[str, str] = dict(connection.execute("SELECT name, value FROM callbackq_meta").fetchall())
    version = meta.get("schema_version")
    if version != str(SCHEMA_VERSION):
        raise SchemaMismatch(
            f"{path} holds schema version {version} of callbackq; this release reads version {SCHEMA_VERSION}"
        )
    return _agreed_pepper(meta, pepper)


def _has_tables(connection: sqlite3.Connection) -> bool:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'callbackq_meta'")
    return found.fetchone() is not None


def _make_tables(connection: sqlite3.Connection, pepper: bytes | None) -> None:
    script = resources.files("callbackq.stores").joinpath("schema", "sqlite.sql").read_text(encoding="utf-8")
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""
    known = (
        ("pepper", os.urandom(PEPPER_BYTES).hex())
        if pepper is None
        else ("pepper_fingerprint", _fingerprint(pepper))
    )
    connection.executemany(
        "INSERT INTO callbackq_meta (name, value) VALUES (?, ?)",
        [("schema_version", str(SCHEMA_VERSION)), known],
    )


def _agreed_pepper(meta: dict[str, str], given: bytes | None) -> bytes:
    """Return the pepper that the file was made with. Another one would make every number a stranger."""
    stored = meta.get("pepper")
    pepper = bytes.fromhex(stored) if given is None and stored is not None else given
    fingerprint = _fingerprint(bytes.fromhex(stored)) if stored is not None else meta["pepper_fingerprint"]
    if pepper is None or _fingerprint(pepper) != fingerprint:
        was = "none" if given is None else "another one"
        raise ConfigurationError("pepper", was, "the one that the file was made with")
    return pepper


def _fingerprint(pepper: bytes) -> str:
    return hashlib.sha256(b"callbackq pepper " + pepper).hexdigest()

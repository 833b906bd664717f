"""
The file of an SQLite store: how it is opened, and whether it is still the one that was opened.

The rule: a promise is not given into a file that nobody will find again. SQLite goes on writing to a file that was
deleted or replaced, and to a log that was; so its name is looked at before anything is written.
"""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Final, Protocol
from weakref import WeakSet

from callbackq.errors import StoreUnavailable
from callbackq.stores.sqlite_errors import is_busy

_STATEMENTS_KEPT: Final = 256
_WAL_PAGES: Final = 4_000
"""How long the log grows before it is copied into the file: 16 MB. Each copy waits for the disk twice."""
_WAL_PAUSE_S: Final = 0.01
_SMALLEST_PAGE: Final = 512
_IN_MEMORY: Final = ":memory:"


def connect(path: str, *, lock_wait_s: float) -> sqlite3.Connection:
    """
    Open the file with write-ahead logging.

    Raises:
        sqlite3.Error: what SQLite says.
        StoreUnavailable: it can be seen without SQLite why it cannot be opened.
    """
    _refuse_if_hopeless(path)
    connection = sqlite3.connect(
        path,
        timeout=lock_wait_s,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_STATEMENTS_KEPT,
    )
    try:
        use_wal(connection, path, lock_wait_s=lock_wait_s)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
        connection.execute("PRAGMA secure_delete = ON")  # What is deleted or overwritten becomes zeros.
        # Elsewhere a flush is a flush; macOS needs to be told.
        connection.execute("PRAGMA fullfsync = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def use_wal(connection: sqlite3.Connection, path: str, *, lock_wait_s: float) -> None:
    """Turn write-ahead logging on. SQLite does not wait for a lock here, so two openers take turns."""
    until = time.monotonic() + lock_wait_s
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() >= until:
                raise
            time.sleep(_WAL_PAUSE_S)
            continue
        if mode not in {"wal", "memory"}:
            raise StoreUnavailable(f"{path}: write-ahead logging is not possible there")
        return


def _refuse_if_hopeless(path: str) -> None:
    """Say what SQLite would only call a file that cannot be opened."""
    if path == _IN_MEMORY:
        return
    file = Path(path)
    folder = file.absolute().parent
    if not folder.is_dir():
        raise StoreUnavailable(f"{path}: it cannot be opened or made: there is no such directory")
    if file.is_dir():
        raise StoreUnavailable(f"{path}: it is a directory")
    if file.exists() and not os.access(file, os.R_OK | os.W_OK):
        raise StoreUnavailable(f"{path}: it may not be read and written")
    if file.exists() and 0 < file.stat().st_size < _SMALLEST_PAGE:
        # SQLite would take it for an empty one, and write over it.
        raise StoreUnavailable(f"{path}: it is not an SQLite database")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StoreUnavailable(f"{path}: its directory may not be written, where its log must stand")


class NamedFile:
    """
    Which file, log and index of the log a connection has open.

    Args:
        connection: one that has read already, so that its log is there.
        path: the file, as a message may show it.
    """

    __slots__ = ("_known", "_path", "name")

    def __init__(self, connection: sqlite3.Connection, path: str) -> None:
        self._path = path
        self.name: Final[str] = next(
            row[2] for row in connection.execute("PRAGMA database_list") if row[1] == "main"
        )
        """The whole name of the file; nothing where there is none."""
        parts = [("", "the file"), ("-wal", "its log"), ("-shm", "the index of its log")] if self.name else []
        self._known = [(self.name + end, what, _identity(self.name + end)) for end, what in parts]
        given = os.path.abspath(path)  # noqa: PTH100 - As it was given, with its symbolic links.
        if self.name and given != self.name:
            # A link that leads elsewhere by now would lead everybody else there.
            self._known.append((given, "the file", _identity(self.name)))

    def check(self) -> None:
        """
        Look whether the names still lead to what was opened.

        Raises:
            StoreUnavailable: nothing was written.
        """
        for name, what, known in self._known:
            found = _identity(name)
            if found != known:
                how = "deleted or moved" if found is None else "replaced by another one"
                raise StoreUnavailable(f"{self._path}: {what} was {how} while it was open; {_REMEDY}")


_REMEDY: Final = "put it back, or open the store again"


def _identity(name: str) -> tuple[int, int] | None:
    try:
        found = os.stat(name)  # noqa: PTH116 - A Path would cost twice as much, before each command.
    except OSError:
        return None
    return found.st_dev, found.st_ino


# ---------------------------------------------------------------------------- fork


class HasConnection(Protocol):
    """Whatever keeps a connection for as long as it is open."""

    connection: sqlite3.Connection | None


_open_here: WeakSet[HasConnection] = WeakSet()


def never_close_in_a_child(keeper: HasConnection) -> None:
    """
    See to it that a child that is forked while this connection is open never closes it.

    A child has the memory of the log's index in common with its parent. If it closed the connection, at its own end
    for example, SQLite would undo there what a thread of the parent was just writing.
    """
    _open_here.add(keeper)


def _keep_for_good() -> None:
    """In a new child: take a reference to each connection that is never given back."""
    import ctypes  # Takes as long to import as all the rest of this module.

    for keeper in list(_open_here):
        if keeper.connection is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(keeper.connection))
    _open_here.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_keep_for_good)

"""
A copy of an SQLite store, made while commands go on.

The rule: the copy is what was committed when it began, read by a connection of its own that keeps to that moment. It
is written under another name, and has its own when all of it is on the disk: so whoever finds it finds the whole.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Final

from callbackq.errors import ConfigurationError, StoreUnavailable
from callbackq.stores.sqlite_errors import translate

_STEP_PAGES: Final = 256
"""One mebibyte in each step, with pages of the usual size."""
_LOCK_WAIT_S: Final = 5.0
_WRITING: Final = {
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_TRUNCATE,
}
"""Errors of the copy. The store itself is only read."""
_BESIDE: Final = ("-wal", "-journal")
_PARTS: Final = (*_BESIDE, "-shm")

Progress = Callable[[int, int], None]
"""Told after each step how many bytes are copied, and how many there are."""


def copy(
    reading: AbstractContextManager[sqlite3.Connection],
    source: str,
    target: Path,
    *,
    overwrite: bool,
    progress: Progress | None,
) -> int:
    """
    Copy what a connection sees now, and return the size in bytes.

    Args:
        reading: a connection that stays with what it sees.
        source: the file, or nothing where there is none.
        target: the name of the copy.
        overwrite: whether a file of that name may be replaced.
        progress: told of each step.

    Raises:
        ConfigurationError: the name is taken, or the store's own.
        StoreUnavailable: the copy cannot be written, or the store not be read. Nothing of it is left.
    """
    _refuse_name(source, target, overwrite=overwrite)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        # Nobody else may read it before it has the rights of the store's own file.
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        try:
            _write(reading, draft, source, progress)
            size = draft.stat().st_size
            _put_in_place(draft, target, like=source, overwrite=overwrite)
        finally:
            for leftover in (draft, *(draft.with_name(draft.name + end) for end in _BESIDE)):
                leftover.unlink(missing_ok=True)
    except OSError as error:
        raise StoreUnavailable(f"{target}: the copy cannot be written: {error.strerror}") from error
    return size


def copy_file(source: Path, target: Path, *, overwrite: bool, progress: Progress | None) -> int:
    """
    Copy a file that is no store of this process: it may be another release's.

    Raises:
        ConfigurationError, StoreUnavailable: as `copy`.
    """
    name = str(source.resolve())
    reading = snapshot(name, lock_wait_s=_LOCK_WAIT_S)
    return copy(reading, name, target.absolute(), overwrite=overwrite, progress=progress)


def _refuse_name(source: str, target: Path, *, overwrite: bool) -> None:
    if source and target.exists() and target.samefile(source):
        raise ConfigurationError("path", str(target), "another file than the store's own")
    if source and str(target.resolve()) in {f"{Path(source).resolve()}{end}" for end in _PARTS}:
        # As a log it would be thrown away, or written into the store.
        raise ConfigurationError("path", str(target), "another name than that of a log of the store's own")
    if target.is_dir():
        raise ConfigurationError("path", str(target), "the name of a file; this is a directory")
    if target.exists() and not target.is_file():
        raise ConfigurationError("path", str(target), "the name of a file; this is a device, pipe or socket")
    if not overwrite and target.exists():
        raise ConfigurationError("path", str(target), "a name that is not taken, unless with overwrite")
    for end in _BESIDE:
        beside = target.with_name(target.name + end)
        if beside.exists() and beside.stat().st_size:
            # SQLite would take it for the log of the copy, and write pages of another file into it.
            allowed = f"a name without {target.name}{end} beside it: somebody has that file open, or had"
            raise ConfigurationError("path", str(target), allowed)


@contextmanager
def snapshot(path: str, *, lock_wait_s: float) -> Generator[sqlite3.Connection]:
    """Give a connection that reads the file as it is now, whatever is written meanwhile."""
    with closing(sqlite3.connect(path, timeout=lock_wait_s, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT 1 FROM callbackq_meta LIMIT 1").fetchone()
        yield connection


def _write(
    reading: AbstractContextManager[sqlite3.Connection], draft: Path, source: str, progress: Progress | None
) -> None:
    def told(_status: int, remaining: int, total: int) -> None:
        if progress is not None:
            progress((total - remaining) * page_size, total * page_size)

    try:
        with reading as reader, closing(sqlite3.connect(draft, isolation_level=None)) as writer:
            (page_size,) = reader.execute("PRAGMA page_size").fetchone()
            # It is flushed once, at the end; and what is not finished is thrown away.
            writer.execute("PRAGMA journal_mode = OFF")
            writer.execute("PRAGMA synchronous = OFF")
            reader.backup(writer, pages=_STEP_PAGES, progress=told)
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0)
        is_written = code & 0xFF == sqlite3.SQLITE_FULL or code in _WRITING
        raise translate(error, f"{draft.parent}, for the copy" if is_written else source) from error


def _put_in_place(draft: Path, target: Path, *, like: str, overwrite: bool) -> None:
    """Give the copy its name, when it is on the disk."""
    if like:
        draft.chmod(Path(like).stat().st_mode & 0o777)
    _flush(draft)
    if overwrite:
        draft.replace(target)
    else:
        try:
            target.hardlink_to(draft)  # Unlike a new name, it takes no other file's place.
        except FileExistsError:
            raise ConfigurationError("path", str(target), "a name that is not taken meanwhile") from None
        except OSError:  # There are no links there.
            draft.replace(target)
    if os.name != "nt":
        _flush(target.parent)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

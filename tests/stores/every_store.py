"""An empty store of each kind, for tests that must hold on every one."""

from __future__ import annotations

import atexit
import functools
import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import cast

from callbackq.ports import Store
from callbackq.stores import Flush, MemoryStore, SQLiteStore
from stores.postgres_server import fresh_store
from stores.shared_file import Sharers

_numbers = itertools.count(1)


@contextmanager
def memory() -> Iterator[MemoryStore]:
    """Give a store in memory, and look through its indexes at the end."""
    with closing(MemoryStore()) as store:
        yield store
        store.check()


@functools.cache
def folder() -> Path:
    """Return a folder that is removed when the process ends."""
    made = Path(tempfile.mkdtemp(prefix="callbackq-files-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


@functools.cache
def empty_file() -> Path:
    """Return a file with tables and nothing in them: a copy is had ten times sooner than new tables."""
    path = folder() / "empty.db"
    SQLiteStore(path).close()
    return path


@contextmanager
def sqlite() -> Iterator[SQLiteStore]:
    """Give a store in a file of its own, which waits for no disk."""
    path = folder() / f"{next(_numbers)}.db"
    shutil.copy(empty_file(), path)
    with closing(SQLiteStore(path, flush=Flush.RELAXED)) as store:
        yield store
    path.unlink()


@functools.cache
def sharers() -> Sharers:
    """Return the processes that share files, for as long as this process lives."""
    started = Sharers()
    atexit.register(started.close)
    return started


@contextmanager
def shared() -> Iterator[Store]:
    """Give a store in a file that two other processes share: each transaction runs in the other one."""
    store = sharers().fresh_store()
    try:
        yield cast("Store", store)
    finally:
        store.close()


FRESH: dict[str, Callable[[], AbstractContextManager[Store]]] = {
    "memory": memory,
    "sqlite": sqlite,
    "sqlite_shared": shared,
    "postgres": fresh_store,
}

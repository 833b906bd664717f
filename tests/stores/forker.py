"""A process that forks with a store open, in three ways. `test_sqlite_forks` starts it."""

from __future__ import annotations

import faulthandler
import gc
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

from callbackq.ports import Commit
from callbackq.stores import Flush, SQLiteStore
from callbackq.testing.builders import QUEUE, make_callback
from callbackq.testing.store_contract.base import TENANT, ask, put

FORKS = 3
TOGETHER = 20
HANGS_AFTER_S = 30
_TRY_TO_WRITE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
try:
    connection.execute("BEGIN IMMEDIATE")
except sqlite3.OperationalError as error:
    sys.exit(f"refused: {error}")
"""


def child(store: SQLiteStore) -> int:
    """Try what a child may not, and return how often that was said. It ends as any process does."""
    signal.alarm(HANGS_AFTER_S)
    refused = 0
    for work in (
        lambda: put(store, make_callback("cb_child")),
        lambda: ask(store, lambda tx: tx.line.is_empty()),
        lambda: store.together([]),
        store.scrub,
        lambda: store.backup("copy.db"),
    ):
        try:
            work()
        except RuntimeError as error:
            refused += "opened before a fork" in str(error)
    store.close()
    gc.collect()
    return refused


def fork_while_writing(path: str) -> None:
    """Fork, again and again, while a thread writes more than the connection's memory holds."""
    store = SQLiteStore(path, flush=Flush.RELAXED)
    connection = store._commits.connection
    assert connection is not None
    connection.execute("PRAGMA cache_size = 10")
    written = 0
    is_over = threading.Event()

    def write() -> None:
        nonlocal written
        while not is_over.is_set():
            put(store, *(make_callback(f"cb_{written}_{number}", rank=number) for number in range(TOGETHER)))
            written += 1

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    for _ in range(FORKS):
        before = written
        while written == before:
            assert writer.is_alive(), "the writer has failed"
            writer.join(0.001)
        pid = os.fork()
        if pid == 0:
            sys.exit(child(store))
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) == 5, status
    is_over.set()
    writer.join()
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    print(written * TOGETHER, ask(store, lambda tx: tx.line.waiting_count(QUEUE)), flush=True)
    store.close()


def keep_the_lock(path: str) -> None:
    """Fork within a transaction: the child's end, which closes its descriptors, takes no lock from the parent."""
    store = SQLiteStore(path)
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        tx.save(make_callback("cb_1"))
        pid = os.fork()
        if pid == 0:
            signal.alarm(HANGS_AFTER_S)
            sys.exit(0)
        os.waitpid(pid, 0)
        other = subprocess.run(
            [sys.executable, "-c", _TRY_TO_WRITE, path], capture_output=True, text=True, check=False
        )
        print(other.stderr.strip(), flush=True)
    store.close()
    check = sqlite3.connect(path)
    print(*check.execute("SELECT count(*) FROM callbackq_callbacks").fetchone(), flush=True)


def open_in_each(path: str) -> None:
    """Do as a web server that loads the program before it forks: what is opened is opened in the child."""
    store = SQLiteStore(path)
    put(store, make_callback("cb_parent"))
    store.close()
    children: list[int] = []
    for number in range(3):
        pid = os.fork()
        if pid == 0:
            signal.alarm(HANGS_AFTER_S)
            own = SQLiteStore(path)
            for turn in range(5):
                put(own, make_callback(f"cb_{number}_{turn}"))
            own.close()
            sys.exit(0)
        children.append(pid)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    again = SQLiteStore(path)
    print(*codes, ask(again, lambda tx: tx.line.waiting_count(QUEUE)))
    again.close()


if __name__ == "__main__":
    # Whoever hangs, parent or child, says where, and ends.
    faulthandler.register(signal.SIGALRM, chain=True)
    signal.alarm(3 * HANGS_AFTER_S)
    folder = Path(sys.argv[1])
    for name, part in (("write", fork_while_writing), ("lock", keep_the_lock), ("each", open_in_each)):
        part(str(folder / f"{name}.db"))

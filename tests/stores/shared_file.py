"""
One SQLite file shared by processes: a store whose transactions run, by turns, in two other processes.

What is here knows no verb of a store: it hands names, arguments, results and errors over a socket. Run as a program it
is one of the processes.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, KeysView
from contextlib import contextmanager, suppress
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

from callbackq.errors import StoreUnavailable
from callbackq.ids import DEFAULT_TENANT, TenantId
from callbackq.ports import Commit
from callbackq.stores import Flush, SQLiteStore
from callbackq.stores.sqlite_tables import SQLiteTransaction
from callbackq.testing.builders import make_callback
from callbackq.testing.store_contract.base import put

START_TIMEOUT_S = 60.0
NOISE = TenantId("noise")
FEW = 50
"""So many saves of one transaction are answered one by one."""
MANY = 500
"""Of more, so many go in one message: a long line is not built in a thousand messages."""


# ---------------------------------------------------------------------------- in the other process


class _Left(Exception):
    """The block was left by an exception, which is raised again where the block stands."""


class Host:
    """Keeps the stores of one process, and runs what it is asked for."""

    def __init__(self) -> None:
        self.stores: dict[str, SQLiteStore] = {}
        self._is_calm = threading.Event()
        self._writer: threading.Thread | None = None

    def serve(self, connection: Connection) -> None:
        """Do what one connection asks for, until it is closed."""
        with suppress(EOFError, OSError):
            while True:
                verb, *arguments = connection.recv()
                _reply(connection, lambda verb=verb, given=arguments: getattr(self, verb)(connection, *given))  # type: ignore[misc]

    def open(self, _connection: Connection, path: str) -> bytes:
        """Open a file, if it is not open, and return its pepper."""
        if path not in self.stores:
            self.stores[path] = SQLiteStore(path, flush=Flush.RELAXED)
        return self.stores[path].pepper

    def scrub(self, _connection: Connection, path: str) -> bool:
        """Scrub a file."""
        return self.stores[path].scrub()

    def disturb(self, _connection: Connection, path: str) -> None:
        """Write rows of another tenant into a file, again and again, until `calm`."""
        store = SQLiteStore(path, flush=Flush.RELAXED)
        self._is_calm.clear()

        def write() -> None:
            numbers = itertools.count()
            while not self._is_calm.wait(0.002):
                put(store, make_callback(f"cb_{next(numbers)}", tenant_id=NOISE), tenant_id=NOISE)
            store.close()

        self._writer = threading.Thread(target=write)
        self._writer.start()

    def calm(self, _connection: Connection) -> None:
        """Write no more."""
        self._is_calm.set()
        if self._writer is not None:
            self._writer.join()

    def empty(self, connection: Connection, path: str) -> None:
        """Remove all rows of a file, and what is remembered of them. Who shares it forgets by itself."""
        store = self.stores[path]
        with store.transaction(DEFAULT_TENANT, commit=Commit.RELAXED):
            its_own = store._commits.connection
            assert its_own is not None
            tables = its_own.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (table,) in tables:
                if table.startswith("callbackq_") and table != "callbackq_meta":
                    its_own.execute(f"DELETE FROM {table}")
        self.forget(connection, path)

    def forget(self, _connection: Connection, path: str) -> None:
        """Forget what is remembered of rows."""
        self.stores[path]._lane_cache.clear()

    def transaction(self, connection: Connection, path: str, tenant_id: TenantId, commit: Commit) -> None:
        """Run one transaction: calls on it, until it is left."""
        with suppress(_Left), self.stores[path].transaction(tenant_id, commit=commit) as tx:
            connection.send((True, None))
            while True:
                verb, *arguments = connection.recv()
                if verb == "end":
                    break
                if verb == "leave":
                    raise _Left
                if verb == "saves":
                    _reply(connection, lambda records=arguments[0]: [tx.save(record) for record in records])  # type: ignore[misc]
                    continue
                table, method, given, named = arguments
                of: Any = tx if table is None else getattr(tx, table)
                _reply(
                    connection,
                    lambda of=of, method=method, given=given, named=named: getattr(of, method)(
                        *given, **named
                    ),  # type: ignore[misc]
                )


def _reply(connection: Connection, work: Callable[[], object]) -> None:
    try:
        answer = (True, work())
    except (EOFError, OSError):
        raise
    except BaseException as error:
        answer = (False, error)
    connection.send(answer)


def main(address: str) -> None:
    """Serve until nobody holds the standard input open."""
    host = Host()

    def accept(listener: Listener) -> None:
        while True:
            threading.Thread(target=host.serve, args=[listener.accept()], daemon=True).start()

    with Listener(address, family="AF_UNIX") as listener:
        print("ready", flush=True)
        threading.Thread(target=accept, args=[listener], daemon=True).start()
        sys.stdin.read()
    os._exit(0)


# ---------------------------------------------------------------------------- in the test's own process


class Process:
    """One of the other processes, and connections to it."""

    def __init__(self, folder: Path, name: str) -> None:
        self._address = str(folder / name)
        self._idle: list[Connection] = []
        self._process = subprocess.Popen(
            [sys.executable, __file__, self._address],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_until_ready(self) -> None:
        """Wait until it listens."""
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Have a connection that nobody else uses meanwhile."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = Client(self._address, family="AF_UNIX")
        yield connection
        self._idle.append(connection)

    def ask(self, *message: object) -> Any:
        """Ask for one thing."""
        with self.connection() as connection:
            connection.send(message)
            return _answer(connection)

    def end(self) -> None:
        """Let it end."""
        for connection in self._idle:
            connection.close()
        self._process.communicate(timeout=START_TIMEOUT_S)


def _answer(connection: Connection) -> Any:
    is_good, answer = connection.recv()
    if not is_good:
        raise answer
    return answer


class _Table:
    """The verbs of one noun, in the other process."""

    def __init__(self, transaction: RemoteTransaction, name: str) -> None:
        self._transaction = transaction
        self._name = name

    def __call__(self, *given: Any, **named: Any) -> Any:
        """It was a verb of the transaction itself."""
        return self._transaction.call(None, self._name, given, named)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return lambda *given, **named: self._transaction.call(self._name, method, given, named)


class RemoteTransaction:
    """A transaction that runs in the other process."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self.tenant_id = tenant_id
        self._connection: Connection | None = connection
        self._saves_count = 0
        self._unsaved: list[Any] = []

    def __getattr__(self, table: str) -> Any:
        if table.startswith("_") or not hasattr(SQLiteTransaction, table):
            raise AttributeError(table)
        return _Table(self, table)

    def call(self, table: str | None, method: str, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Make one call there."""
        if self._connection is None:
            msg = "this transaction is over"
            raise RuntimeError(msg)
        if method == "save":
            self._saves_count += 1
            if self._saves_count > FEW:
                self._unsaved.extend(given)
                if len(self._unsaved) == MANY:
                    self.send_saves()
                return None
        self.send_saves()
        # What a caller may look through, but not send.
        named = {
            name: tuple(value) if isinstance(value, KeysView) else value for name, value in named.items()
        }
        self._connection.send(("call", table, method, given, named))
        return _answer(self._connection)

    def send_saves(self) -> None:
        """Send the records that were not sent yet."""
        if self._unsaved and self._connection is not None:
            self._connection.send(("saves", self._unsaved))
            self._unsaved = []
            _answer(self._connection)

    def over(self) -> None:
        """Let go of the connection."""
        self._connection = None


class SharedFileStore:
    """The store: every transaction is the next process's."""

    def __init__(self, path: Path, processes: list[Process], *, given_back: Callable[[Path], None]) -> None:
        self._path = str(path)
        self._processes = processes
        self._given_back = given_back
        self._turns = itertools.cycle(processes)
        self._lock = threading.Lock()
        self._busy: set[int] = set()
        self._is_closed = False
        (self.pepper,) = {process.ask("open", self._path) for process in processes}

    @contextmanager
    def transaction(self, tenant_id: TenantId, *, commit: Commit) -> Iterator[RemoteTransaction]:
        """Run a transaction in the next process."""
        me = threading.get_ident()
        self._refuse_if_busy(me)
        self._busy.add(me)
        try:
            with self._next().connection() as connection:
                connection.send(("transaction", self._path, tenant_id, commit))
                _answer(connection)
                transaction = RemoteTransaction(connection, tenant_id)
                try:
                    yield transaction
                    transaction.send_saves()
                except BaseException:
                    transaction.over()
                    connection.send(("leave",))
                    _answer(connection)
                    raise
                transaction.over()
                connection.send(("end",))
                _answer(connection)
        finally:
            self._busy.discard(me)

    def scrub(self) -> bool:
        """Scrub the file, from the next process."""
        self._refuse_if_busy(threading.get_ident())
        return self._next().ask("scrub", self._path)

    def close(self) -> None:
        """Close it everywhere."""
        self._refuse_if_busy(threading.get_ident())
        if not self._is_closed:
            self._is_closed = True
            self._given_back(Path(self._path))

    def _next(self) -> Process:
        if self._is_closed:
            raise StoreUnavailable(f"{self._path}: this store was closed")
        with self._lock:
            return next(self._turns)

    def _refuse_if_busy(self, me: int) -> None:
        if me in self._busy:
            msg = "this thread has a transaction of this store open; end it first"
            raise RuntimeError(msg)


class Sharers:
    """The processes, for as many stores as are wanted; each has a file of its own."""

    def __init__(self, count: int = 2) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="callbackq"))
        self._numbers = itertools.count(1)
        self._processes = [Process(self._folder, f"process_{number}") for number in range(count)]
        self._free: list[Path] = []
        for process in self._processes:
            process.wait_until_ready()

    def fresh_store(self) -> SharedFileStore:
        """Return a store on a file that holds nothing, which each process opens, or has open still."""
        if self._free:
            path = self._free.pop()
            first, *others = self._processes
            first.ask("empty", str(path))
            for other in others:
                other.ask("forget", str(path))
        else:
            path = self._folder / f"shared_{next(self._numbers)}.db"
            SQLiteStore(path).close()
        return SharedFileStore(path, self._processes, given_back=self._free.append)

    @contextmanager
    def disturbing(self, path: Path) -> Iterator[None]:
        """Let one of the processes write other rows into a file meanwhile."""
        self._processes[0].ask("disturb", str(path))
        try:
            yield
        finally:
            self._processes[0].ask("calm")

    def close(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.end()
        shutil.rmtree(self._folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])

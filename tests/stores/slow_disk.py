"""A connection to SQLite whose COMMIT waits, is counted, or fails, as a test says."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import Any

from callbackq.stores import SQLiteStore

TIMEOUT_S = 30.0


class SlowDisk:
    """
    Stands between a store and its connection.

    Attributes:
        commits: how many COMMITs were run.
        is_reached: set when a COMMIT has come; cleared by `hold`.
        failure: the code with which each COMMIT fails, or None. It fails before it does anything.
    """

    def __init__(self, store: SQLiteStore) -> None:
        self.store = store
        self.behind = connection_of(store)
        self.commits = 0
        self.is_reached = threading.Event()
        self.failure: int | None = None
        self._may_go = threading.Event()
        self._may_go.set()
        store._commits.connection = self  # type: ignore[assignment]

    def hold(self) -> None:
        """Let the next COMMIT wait for `let_go`."""
        self.is_reached.clear()
        self._may_go.clear()

    def let_go(self) -> None:
        """Let all go on."""
        self._may_go.set()

    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        """Run a statement."""
        if sql == "COMMIT":
            self.is_reached.set()
            assert self._may_go.wait(TIMEOUT_S)
            self.commits += 1
            if self.failure is not None:
                raise error_of(self.failure)
        return self.behind.execute(sql, parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.behind, name)

    # ------------------------------------------------------------------ a queue of callers

    def behind_a_flush(self, *calls: Callable[[], object], first: Callable[[], object]) -> list[Caller]:
        """Start *first*, and when its flush is under way *calls*, one after the other. All wait when this returns."""
        self.hold()
        callers = [Caller(first)]
        assert self.is_reached.wait(TIMEOUT_S)
        for number, call in enumerate(calls, 1):
            callers.append(Caller(call))
            while len(self.store._commits.turns._waiting) < number:
                callers[-1].thread.join(0.001)
        self.is_reached.clear()
        return callers


class Caller:
    """A thread that makes one call."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call
        self.result: object = None
        self.error: BaseException | None = None
        self.is_done = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.result = self._call()
        except BaseException as error:
            self.error = error
        self.is_done = True

    def end(self) -> object:
        """Wait for its end, and return what the call returned or raised."""
        self.thread.join(TIMEOUT_S)
        assert self.is_done
        return self.result if self.error is None else self.error


def connection_of(store: SQLiteStore) -> sqlite3.Connection:
    """Return the store's own connection."""
    connection = store._commits.connection
    assert connection is not None
    return connection


def error_of(code: int, text: str = "as told") -> sqlite3.OperationalError:
    """Return an error of SQLite."""
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error

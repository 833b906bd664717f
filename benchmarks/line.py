"""The line on every store: joins against 100,000 a minute, and what a position costs at any depth."""

from __future__ import annotations

import itertools
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from harness import median_us, ratio, table

from callbackq import CallbackService, CallSnapshot, MemoryStore, QueuePolicy, SQLiteStore, Store
from callbackq.testing import ManualClock

BATCH = 200
JOINS_PER_MIN = 100_000
DEPTHS = (1_000, 10_000, 100_000)
FILLED_AT_ONCE = 20_000


@contextmanager
def postgres() -> Iterator[Store]:
    """The server that the tests use."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "stores"))
    from postgres_server import fresh_store

    with fresh_store() as store:
        yield store


@contextmanager
def sqlite() -> Iterator[Store]:
    """A file on the disk."""
    with tempfile.TemporaryDirectory() as folder:
        store = SQLiteStore(Path(folder) / "callbacks.db")
        yield store
        store.close()


@contextmanager
def memory() -> Iterator[Store]:
    """In memory."""
    yield MemoryStore()


STORES = {"memory": (memory, DEPTHS), "sqlite": (sqlite, DEPTHS), "postgres": (postgres, DEPTHS[:2])}


class Line:
    """One queue that fills up with live calls, one microsecond apart."""

    def __init__(self, store: Store) -> None:
        self.clock = ManualClock()
        self.service = CallbackService(store, [QueuePolicy(queue="support")], clock=self.clock)
        self.counter = itertools.count()
        self.open: list[CallSnapshot] = []

    def _next_id(self) -> str:
        self.clock.advance(timedelta(microseconds=1))
        return f"call-{next(self.counter):08d}"

    def fill(self, depth: int) -> None:
        """Let callers join until so many wait."""
        while len(self.open) < depth:
            count = min(FILLED_AT_ONCE, depth - len(self.open))
            for _ in range(count):
                key = self._next_id()
                self.open.append(CallSnapshot(call_id=key, entered_at=self.clock.now()))
                self.service.call_joined("support", call_id=key)

    def join(self) -> int:
        """Join, one transaction each."""
        for _ in range(BATCH):
            key = self._next_id()
            self.open.append(CallSnapshot(call_id=key))
            self.service.call_joined("support", call_id=key)
        return BATCH

    def position_of(self, index: int) -> Callable[[], int]:
        """Return work that asks where one caller stands."""
        key = self.open[index].call_id

        def work() -> int:
            for _ in range(5):
                assert self.service.call_position(key) is not None
            return 5

        return work


def rows(name: str) -> Iterator[list[str]]:
    opener, depths = STORES[name]
    with opener() as store:
        line = Line(store)
        for depth in depths:
            line.fill(depth)
            join_us = median_us(line.join)
            first = median_us(line.position_of(0))
            last = median_us(line.position_of(depth - 1))
            said = line.service.call_position(line.open[depth - 1].call_id)
            assert said is not None
            off = abs(said.number / depth - 1)
            yield [
                name,
                f"{depth:,}",
                f"{join_us:.0f}",
                ratio(60e6 / JOINS_PER_MIN, join_us),
                f"{first:.0f}",
                f"{last:.0f}",
                "exact" if said.exact else f"off by {off:.1%}",
            ]


def run() -> str:
    heads = ["store", "waiting", "join us", "of 100k/min", "position us: first", "last", "last is"]
    title = "The line (a join is one commit; 1 in 'of 100k/min' is 100,000 joins a minute from one caller)"
    found = [row for name in STORES for row in rows(name)]
    return table(title, heads, found)

"""On SQLite: what a promise costs beside a bare insert, flushed and not; what many callers gain by shared flushes."""

from __future__ import annotations

import asyncio
import itertools
import os
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from harness import median_us, ratio, table

from callbackq import CallbackService, QueuePolicy, SQLiteStore
from callbackq.aio import AsyncCallbackService
from callbackq.testing import ManualClock

BATCH = 200
COLUMNS = 15
CALLERS = (1, 4, 16, 64)
SHARED_REQUESTS = 960


def bare(path: Path, synchronous: str) -> Callable[[], int]:
    """Return work that inserts one row of 15 columns with four indexes in each commit."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma journal_mode=wal")
    connection.execute(f"pragma synchronous={synchronous}")
    names = ", ".join(f"c{n}" for n in range(COLUMNS))
    connection.execute(f"create table if not exists t (id integer primary key, {names})")
    for n in range(4):
        connection.execute(f"create index if not exists i{n} on t (c{n}, id)")
    marks = ", ".join("?" for _ in range(COLUMNS))
    counter = itertools.count()

    def work() -> int:
        for _ in range(BATCH):
            value = f"value-{next(counter):09d}"
            connection.execute("begin immediate")
            connection.execute(f"insert into t ({names}) values ({marks})", [value] * COLUMNS)
            connection.execute("commit")
        return BATCH

    return work


def run() -> str:
    rows: list[list[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        full_us = median_us(bare(Path(folder) / "bare-full.db", "full"))
        normal_us = median_us(bare(Path(folder) / "bare-normal.db", "normal"))
        clock = ManualClock()
        store = SQLiteStore(Path(folder) / "callbacks.db")
        service = CallbackService(store, [QueuePolicy(queue="support")], clock=clock)
        counter = itertools.count()

        def number() -> int:
            clock.advance(timedelta(microseconds=1))
            return next(counter)

        def request() -> int:
            for _ in range(BATCH):
                service.request("support", number=f"+1212{2_000_000 + number():07d}")
            return BATCH

        def join() -> int:
            for _ in range(BATCH):
                service.call_joined("support", call_id=f"call-{number()}")
            return BATCH

        first = service.request("support", number="+12125550100").callback_id

        def position() -> int:
            return sum(bool(service.position(first)) for _ in range(BATCH))

        for name, work, limit_us in (
            ("request, flushed", request, full_us),
            ("live call joins, relaxed", join, normal_us),
        ):
            cost = median_us(work)
            rows.append([name, f"{cost:.0f}", f"{limit_us:.0f}", ratio(limit_us, cost)])
        rows.append(["position, first in line", f"{median_us(position):.0f}", "", ""])
        store.close()
    one = table("SQLite, one caller (bare: one row, four indexes)", ["", "us", "bare us", "of bare"], rows)
    return f"{one}\n{many_callers()}"


# ---------------------------------------------------------------------------- many callers


def flushes_per_s(folder: Path) -> float:
    """Return how often this disk writes and flushes a page in a second."""
    descriptor = os.open(folder / "flushes", os.O_CREAT | os.O_RDWR)
    count, started = 0, time.perf_counter()
    while time.perf_counter() - started < 0.3:
        os.write(descriptor, b"x" * 4_096)
        os.fdatasync(descriptor) if hasattr(os, "fdatasync") else os.fsync(descriptor)
        count += 1
    os.close(descriptor)
    return count / (time.perf_counter() - started)


class Line:
    """A service on a file of its own, which everybody asks for callbacks."""

    def __init__(self, path: Path) -> None:
        self.store = SQLiteStore(path)
        self.service = CallbackService(self.store, [QueuePolicy(queue="support")], clock=ManualClock())
        self._numbers = itertools.count(2_000_000)
        self.service.request("support", number=self.number())

    def number(self) -> str:
        return f"+1212{next(self._numbers):07d}"

    def by_threads(self, callers: int) -> float:
        """Return how many requests a second are promised to so many threads."""

        def ask() -> None:
            for _ in range(SHARED_REQUESTS // callers):
                self.service.request("support", number=self.number())

        threads = [threading.Thread(target=ask) for _ in range(callers)]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return SHARED_REQUESTS / (time.perf_counter() - started)

    async def by_tasks(self, callers: int) -> float:
        """The same, to so many tasks of one event loop."""
        async with AsyncCallbackService(self.service) as service:

            async def ask() -> None:
                for _ in range(SHARED_REQUESTS // callers):
                    await service.request("support", number=self.number())

            started = time.perf_counter()
            await asyncio.gather(*(ask() for _ in range(callers)))
            return SHARED_REQUESTS / (time.perf_counter() - started)


def many_callers() -> str:
    """Return what 1 to 64 callers get who each wait for their own flush, of what one bare loop gets in the same run."""
    rows: list[list[str]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        flushes = [flushes_per_s(folder)]
        direct = Line(folder / "direct.db")
        started = time.perf_counter()
        for _ in range(BATCH):
            direct.service.request("support", number=direct.number())
        one_per_s = BATCH / (time.perf_counter() - started)
        direct.store.close()
        for callers in CALLERS:
            by_threads, by_tasks = (
                Line(folder / f"threads-{callers}.db"),
                Line(folder / f"tasks-{callers}.db"),
            )
            threads_per_s = by_threads.by_threads(callers)
            tasks_per_s = asyncio.run(by_tasks.by_tasks(callers))
            rows.append(
                [
                    str(callers),
                    f"{threads_per_s:.0f}",
                    f"{threads_per_s / one_per_s:.2f}",
                    f"{tasks_per_s:.0f}",
                    f"{tasks_per_s / one_per_s:.2f}",
                ]
            )
            by_threads.store.close()
            by_tasks.store.close()
        flushes.append(flushes_per_s(folder))
    title = (
        f"SQLite, callers at once (one caller: {one_per_s:.0f} requests/s; "
        f"this disk: {flushes[0]:.0f} flushes/s before, {flushes[1]:.0f} after)"
    )
    heads = ["callers", "threads/s", "of one", "asyncio/s", "of one"]
    return table(title, heads, rows)

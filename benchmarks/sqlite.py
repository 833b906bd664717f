"""On SQLite: what a promise costs beside a bare insert of one row, flushed and not."""

from __future__ import annotations

import itertools
import sqlite3
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from harness import median_us, ratio, table

from callbackq import CallbackService, QueuePolicy, SQLiteStore
from callbackq.testing import ManualClock

BATCH = 200
COLUMNS = 15


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
    return table("SQLite, one caller (bare: one row, four indexes)", ["", "us", "bare us", "of bare"], rows)

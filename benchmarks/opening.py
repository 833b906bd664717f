"""Opening a store where very many callbacks wait: until the first is given to an agent, and its position is known."""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import attrs
from harness import table

from callbackq import CallbackService, Dispatcher, QueuePolicy, SQLiteStore
from callbackq.model import Callback
from callbackq.testing import ManualClock

DEPTHS = (1_000, int(os.environ.get("CALLBACKQ_BENCH_WAITING", "1_000_000")))
NUMBER = "+12125550101"
OWN = {"callback_id", "place_id", "rank", "dedup_key", "request_key"}

Open = Callable[[], Any]


def copies(numbers: str) -> str:
    """Return what puts copies of the one callback behind it, a microsecond apart, each with an id of its own."""
    rest = ", ".join(field.name for field in attrs.fields(Callback) if field.name not in OWN)
    return (
        f"INSERT INTO callbackq_callbacks (callback_id, place_id, rank, {rest})"
        f" SELECT 'cb_copy' || number, 'cb_copy' || number, rank + number, {rest}"
        f" FROM callbackq_callbacks, {numbers}"
    )


@contextmanager
def sqlite(depth: int) -> Iterator[Open]:
    """A file on the disk."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "callbacks.db"
        begin(SQLiteStore(path))
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("PRAGMA synchronous = OFF")
            count = f"(WITH RECURSIVE n (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM n LIMIT {depth - 1})"
            connection.execute(copies(f"{count} SELECT number FROM n)"))
        yield lambda: SQLiteStore(path)


@contextmanager
def postgres(depth: int) -> Iterator[Open]:
    """The server that the tests use."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "stores"))
    from postgres_server import admin, conninfo, fresh_schema

    from callbackq.stores import PostgresStore

    with fresh_schema() as schema:
        begin(PostgresStore(conninfo(), schema=schema))
        admin().execute(f"SET search_path = {schema}")
        admin().execute(copies(f"generate_series(1, {depth - 1}) AS number"))
        admin().execute("RESET search_path")
        yield lambda: PostgresStore(conninfo(), schema=schema)


def service_of(store: Any) -> CallbackService:
    return CallbackService(store, [QueuePolicy(queue="support", calling=None)], clock=ManualClock())


def begin(store: Any) -> None:
    """Let one customer ask, and close."""
    service_of(store).request("support", number=NUMBER)
    store.close()


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    found = work()
    return found, time.perf_counter() - started


def row(name: str, depth: int, open_store: Open) -> list[str]:
    store, opened_s = timed(open_store)
    with closing(store):
        service = service_of(store)
        dispatcher = Dispatcher(service, node_id="bench")
        _, first_s = timed(lambda: dispatcher.step(service.now()))
        service.agent_available("mia", queues=["support"])
        effects, claim_s = timed(lambda: dispatcher.step(service.now()))
        assert effects
        near, near_s = timed(lambda: service.position("cb_copy9"))
        far, far_s = timed(lambda: service.position(f"cb_copy{depth - 1}"))
        assert near is not None
        assert far is not None
        assert near.exact
        assert near.number == 9
        shown = "exact" if far.exact else f"off by {abs(far.number / (depth - 1) - 1):.1%}"
    spans = (opened_s, first_s, claim_s, near_s, far_s)
    return [name, f"{depth:,}", *(f"{span * 1e3:.1f}" for span in spans), shown]


def run() -> str:
    rows: list[list[str]] = []
    for name, kind in (("sqlite", sqlite), ("postgres", postgres)):
        for depth in DEPTHS:
            with kind(depth) as open_store:
                rows.append(row(name, depth, open_store))
    heads = [
        "store",
        "waiting",
        "open ms",
        "first step",
        "a claim",
        "position of 9th",
        "of the last",
        "last is",
    ]
    return table("Opening a store (a step claims the head for an agent; all in ms, once)", heads, rows)

"""
A report of figures over very many callbacks: how long it takes, beside a bare loop that reads the same columns.

`service.figures` counts in one process, `callbackq report` in as many as there are processors, up to 4. That command is
timed as a whole, with its own start and that of its helpers. What PostgreSQL's own processes take is in no CPU here.

Each callback was made from a live call, and has one or two attempts. They are spread over 30 days and 4 queues.
`CALLBACKQ_BENCH_CALLBACKS` says how many there are, 100,000 otherwise. PostgreSQL is measured where
`CALLBACKQ_BENCH_POSTGRES` says where one is, in a schema of its own, which is dropped afterwards.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from harness import table

from callbackq import CallbackService, QueuePolicy, SQLiteStore, Store
from callbackq.model import (
    AttemptState,
    CallbackState,
    CallOutcome,
    CallState,
    Disposition,
    LegState,
    Outcome,
)
from callbackq.model.figures import FiguresReport, Grain
from callbackq.stores import PostgresStore, postgres_statements, sqlite_statements
from callbackq.stores.sqlite_figures import ATTEMPT_GISTS, CALL_GISTS, CALLBACK_GISTS
from callbackq.testing import ManualClock
from callbackq.testing.builders import make_attempt, make_call, make_callback
from callbackq.testing.clock import START

CALLBACKS = int(os.environ.get("CALLBACKQ_BENCH_CALLBACKS", "100000"))
QUEUES = ("billing", "sales", "support", "vip")
DAYS = 30
_SCHEMA = "callbackq_bench_figures"
_MINUTE = timedelta(minutes=1)

Rows = tuple[list[Sequence[Any]], list[Sequence[Any]], list[Sequence[Any]]]


def rows_of(statements: Any, *, count: int, together: int = 10_000) -> Iterator[Rows]:
    """Give rows of live calls, callbacks and attempts, some at a time."""
    for first in range(0, count, together):
        calls: list[Sequence[Any]] = []
        callbacks: list[Sequence[Any]] = []
        attempts: list[Sequence[Any]] = []
        for number in range(first, min(first + together, count)):
            _story(statements, number, count, calls, callbacks, attempts)
        yield calls, callbacks, attempts


def _story(
    statements: Any, number: int, count: int, calls: list[Any], callbacks: list[Any], attempts: list[Any]
) -> None:
    at = START + timedelta(days=DAYS) * number / count
    queue, tries = QUEUES[number % 4], 1 + (number % 4 == 0)
    callback_id = f"cb_019b8d627a80{number:016x}"
    call = make_call(
        f"call_{number:012}",
        queue=queue,
        entered_at=at,
        place_id=f"call_{number:012}",
        state=CallState.ENDED,
        offers_count=1,
        outcome=CallOutcome.CONVERTED,
        ended_at=at + _MINUTE,
        callback_id=callback_id,
    )
    calls.append(statements.CALLS.rows.encode(call))
    for tried in range(1, tries + 1):
        begun_at = at + (3 + 5 * tried) * _MINUTE
        won = tried == tries
        attempt = make_attempt(
            f"at_019b8d627a80{number:015x}{tried}",
            callback_id=callback_id,
            queue=queue,
            number_key=f"key {number} {tried}",
            agent_leg_id=f"la_{number}_{tried}",
            customer_leg_id=f"lc_{number}_{tried}",
            state=AttemptState.ENDED,
            customer_leg=LegState.ENDED,
            customer_rang=True,
            customer_answered_at=begun_at + _MINUTE / 4 if won else None,
            connected_at=begun_at + _MINUTE / 4 if won else None,
            started_at=begun_at,
            ended_at=begun_at + 4 * _MINUTE,
            disposition=Disposition.CONNECTED if won else Disposition.NO_ANSWER,
        )
        attempts.append(statements.ATTEMPTS.rows.encode(attempt))
    callback = make_callback(
        callback_id,
        queue=queue,
        call_id=call.call_id,
        subject_id=f"su_{number:012}",
        entered_at=at,
        requested_at=at + _MINUTE,
        state=CallbackState.ENDED,
        attempts_count=tries,
        quoted_wait_s=600.0,
        quoted_wait_low_s=300.0,
        quoted_wait_high_s=900.0,
        outcome=Outcome.COMPLETED,
        last_disposition=Disposition.CONNECTED,
        ended_at=at + (4 + 5 * tries) * _MINUTE,
        score=float(number % 5) + 1,
        resolved=number % 10 != 0,
    )
    callbacks.append(statements.CALLBACKS.rows.encode(callback))


def fill_sqlite(path: Path, count: int) -> None:
    """Write rows into a file that has its tables."""
    own = sqlite_statements
    with closing(sqlite3.connect(path)) as connection:
        for calls, callbacks, attempts in rows_of(own, count=count):
            connection.executemany(own.CALLS.insert, calls)
            connection.executemany(own.CALLBACKS.insert, callbacks)
            connection.executemany(own.ATTEMPTS.insert, attempts)
            connection.commit()


def fill_postgres(connection: Any, count: int) -> None:
    """Copy rows into a schema that has its tables."""
    own: Any = postgres_statements
    for parts in rows_of(own, count=count):
        for statements, rows in zip((own.CALLS, own.CALLBACKS, own.ATTEMPTS), parts, strict=True):
            columns = ", ".join(statements.rows.columns)
            with connection.cursor().copy(
                f"COPY {_SCHEMA}.{statements.table} ({columns}) FROM STDIN"
            ) as copy:
                for row in rows:
                    copy.write_row(row)
    connection.execute("VACUUM ANALYZE")  # As autovacuum does.


# ---------------------------------------------------------------------------- what is timed


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Return what came of it, how long it took, and how much of that was ours, in seconds."""
    began, ours = time.perf_counter(), time.process_time()
    found = work()
    return found, time.perf_counter() - began, time.process_time() - ours


def report(service: CallbackService, *, loud: bool) -> FiguresReport:
    """Make the report of all days, by day."""

    def show(done: int, total: int) -> None:
        if loud and done % 100_000 < 4_000:
            print(f"\r{done:,} of {total:,}", end="", file=sys.stderr, flush=True)

    until_at = START + timedelta(days=DAYS + 1)
    return service.figures(from_at=START, until_at=until_at, grain=Grain.DAY, progress=show)


def bare(path: Path) -> int:
    """Read the same columns of the same rows, and do nothing with them."""
    count = 0
    with closing(sqlite3.connect(path)) as connection:
        for queue in QUEUES:
            for statement in (CALL_GISTS, CALLBACK_GISTS):
                begin = ("", "")
                while True:
                    asked = ("default", queue, *begin, "9", 2_000)
                    rows = connection.execute(statement, asked).fetchall()
                    if not rows:
                        break
                    count += len(rows)
                    begin = (rows[-1][1], rows[-1][0])
                    if statement is CALLBACK_GISTS:
                        ids = json.dumps([row[0] for row in rows])
                        count += len(connection.execute(ATTEMPT_GISTS, ("default", ids)).fetchall())
    return count


def measure(name: str, store: Store, *, loud: bool) -> list[str]:
    """Time the report, and check that it counted all."""
    clock = ManualClock(START + timedelta(days=DAYS + 2))
    service = CallbackService(store, [QueuePolicy(queue=queue) for queue in QUEUES], clock=clock)
    made, took_s, ours_s = timed(lambda: report(service, loud=loud))
    assert (made.calls_count, made.callbacks_count) == (CALLBACKS, CALLBACKS)
    return row(f"{name}, service.figures", took_s, ours_s)


def command(name: str, *store: str) -> list[str]:
    """Time `callbackq report` over the same days, and check that it counted all."""
    days = ["--from", f"{START:%Y-%m-%d}", "--until", f"{START + timedelta(days=DAYS + 1):%Y-%m-%d}"]
    begun = os.times()
    called = [sys.executable, "-m", "callbackq.cli", "report", *store, *days, "--json"]
    made = json.loads(subprocess.run(called, check=True, capture_output=True).stdout)
    over = os.times()
    assert (made["calls_count"], made["callbacks_count"]) == (CALLBACKS, CALLBACKS)
    ours_s = over.children_user + over.children_system - begun.children_user - begun.children_system
    return row(f"{name}, callbackq report", over.elapsed - begun.elapsed, ours_s)


def row(name: str, took_s: float, ours_s: float) -> list[str]:
    """Return one line of the table."""
    return [
        name,
        f"{CALLBACKS:,}",
        f"{took_s:.1f}",
        f"{ours_s:.1f}",
        f"{ours_s / (2 * CALLBACKS) * 1e6:.1f}",
    ]


def run(*, loud: bool = False) -> str:
    rows: list[list[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        with closing(SQLiteStore(path)) as store:
            fill_sqlite(path, CALLBACKS)
            rows.append(measure("SQLite", store, loud=loud))
            rows.append(command("SQLite", str(path)))
            _, took_s, ours_s = timed(lambda: bare(path))
            rows.append(row("SQLite, bare loop", took_s, ours_s))
    where = os.environ.get("CALLBACKQ_BENCH_POSTGRES")
    if where is not None:
        rows += _postgres(where, loud=loud)
    title = "A report by day over callbacks, each with its live call and one or two attempts"
    return table(title, ["store", "callbacks", "s", "s of CPU", "µs of CPU a story"], rows)


def _postgres(where: str, *, loud: bool) -> list[list[str]]:
    import psycopg

    with psycopg.connect(where, autocommit=True) as admin:
        admin.execute(f"DROP SCHEMA IF EXISTS {_SCHEMA} CASCADE")
        try:
            with closing(PostgresStore(where, schema=_SCHEMA)) as store:
                fill_postgres(admin, CALLBACKS)
                return [
                    measure("PostgreSQL", store, loud=loud),
                    command("PostgreSQL", where, "--schema", _SCHEMA),
                ]
        finally:
            admin.execute(f"DROP SCHEMA IF EXISTS {_SCHEMA} CASCADE")


if __name__ == "__main__":
    print(run(loud=True))

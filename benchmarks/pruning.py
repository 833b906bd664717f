"""
How many rows and events `prune` removes in a second, and how long the doctor looks, on SQLite and PostgreSQL.

    python -m benchmarks.pruning --callbacks 2000
    python -m benchmarks.pruning --callbacks 2000 --postgres postgresql:///callbackq_bench

A center of made-up people is played in virtual time, half a year ago: each callback has its live history, attempts and
agents. Then the doctor looks at all of it, thoroughly, and then it is pruned. PostgreSQL is asked in a schema of its
own, which is dropped afterwards.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from callbackq import Commit, QueueName, QueuePolicy, SQLiteStore, Store, SystemClock
from callbackq.stores.sqlite import Flush
from callbackq.testing import ManualClock, VirtualHost

_SCHEMA = "callbackq_bench_pruning"
_DAY = timedelta(days=1)


def lived_in(store: Store, callbacks_count: int) -> VirtualHost:
    """Let so many callbacks be asked for and done, half a year ago."""
    clock = ManualClock(SystemClock().now() - 183 * _DAY)
    policies = [QueuePolicy(queue=QueueName("support"), calling=None)]
    host = VirtualHost(store, policies, clock=clock)
    for number in range(20):
        host.service.agent_available(f"agent {number}", queues=["support"])
    for number in range(callbacks_count):
        host.service.request("support", number=f"+1212555{number % 10_000:04d}", request_key=f"key {number}")
        if number % 20 == 19:
            host.run_for(timedelta(minutes=6))
    host.run_for(_DAY)
    clock.advance(SystemClock().now() - clock.now())
    return host


def measure(name: str, store: Store, callbacks_count: int) -> None:
    """Fill a store, look at it, prune it, and print how long it took."""
    host = lived_in(store, callbacks_count)
    with store.transaction(host.service.tenant_id, commit=Commit.READ_ONLY) as tx:
        events_count = len(tx.history.all())
    began = time.perf_counter()
    diagnosis = host.service.doctor(thorough=True)
    looked_s = time.perf_counter() - began
    wrong = [one for one in diagnosis.findings if one.entity is not None]
    began = time.perf_counter()
    done: Any = host.service.prune(ended_before=host.clock.now() - 120 * _DAY, limit=10_000)
    pruned_s = time.perf_counter() - began
    rows = done.callbacks_count + done.rows_count
    print(f"{name}: {events_count:,} events, {len(wrong)} findings in {looked_s:.1f} s,", end=" ")
    print(f"{events_count / looked_s:,.0f} events/s looked at")
    print(f"{name}: {rows:,} rows and {done.events_count:,} events pruned in {pruned_s:.1f} s:", end=" ")
    print(f"{rows / pruned_s:,.0f} rows/s and {done.events_count / pruned_s:,.0f} events/s", end=", ")
    print(f"{done.callbacks_count / pruned_s:,.0f} callbacks/s")
    assert host.service.verify_history().is_whole


def main() -> None:
    """Measure the stores that were asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--callbacks", type=int, default=2_000)
    parser.add_argument("--postgres", help="where a database is; without it SQLite alone is measured")
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        store = SQLiteStore(folder / "bench.db", flush=Flush.RELAXED)
        stack.callback(store.close)
        measure("SQLite", store, asked.callbacks)
        if asked.postgres is not None:
            import psycopg

            from callbackq.stores.postgres import PostgresStore

            with psycopg.connect(asked.postgres, autocommit=True) as admin:
                admin.execute(f"DROP SCHEMA IF EXISTS {_SCHEMA} CASCADE")
                other = PostgresStore(asked.postgres, schema=_SCHEMA)
                try:
                    measure("PostgreSQL", other, asked.callbacks)
                finally:
                    other.close()
                    admin.execute(f"DROP SCHEMA IF EXISTS {_SCHEMA} CASCADE")


if __name__ == "__main__":
    main()

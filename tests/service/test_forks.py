"""A web server that loads the application and then forks; and a pool of threads that all use one service."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from callbackq import CallbackService, QueuePolicy, Store, SystemClock, ThreadRunner
from callbackq.stores import PostgresStore
from service.conftest import check_fold
from stores.postgres_server import conninfo, fresh_schema, fresh_store

PRELOADING = """
    import asyncio, json, os, sys, threading
    from callbackq import (
        CallbackService, Dispatcher, QueuePolicy, SQLiteStore, SystemClock, ThreadRunner
    )
    from callbackq.aio import AsyncCallbackService
    from callbackq.stores import PostgresStore

    conninfo, schema, folder = sys.argv[1:]
    POLICY = QueuePolicy(queue="support")

    class Phones:
        def __init__(self):
            self.dialed = threading.Semaphore(0)
        def dial(self, order):
            self.dialed.release()
        def __getattr__(self, name):
            if name not in {"bridge", "hang_up", "play", "stop_play", "send_digits", "connect_call"}:
                raise AttributeError(name)
            return lambda order: None

    def opened():
        return PostgresStore(conninfo, schema=schema), SQLiteStore(f"{folder}/callbacks.db")

    def services(stores):
        return [CallbackService(store, [POLICY], clock=SystemClock()) for store in stores]

    def said(call):
        try:
            call()
        except Exception as error:
            return [type(error).__name__, str(error)]
        return None

    async def awaited(service):
        await service.request("support", number="+12125550109")

    stores = opened()
    before = services(stores)
    for service in before:
        service.request("support", number="+12125550100")
    phones = Phones()
    runner = ThreadRunner(before[0], phones)
    runner.start()
    hop = AsyncCallbackService(before[0])
    asyncio.run(awaited(hop))

    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        carried = [said(lambda: service.request("support", number="+12125550101")) for service in before]
        carried += [said(store.scrub) for store in stores]
        carried.append(said(lambda: stores[0].listen("default")))
        carried.append(said(runner.start))
        carried.append(said(lambda: asyncio.run(asyncio.wait_for(awaited(hop), 20))))
        stores[0].tell("default")
        for store in stores:
            store.close()
        own = opened()
        for service in services(own):
            service.request("support", number="+12125550102")
        with ThreadRunner(services(own)[0], Phones()):
            pass
        for store in own:
            store.close()
        os.write(writes, json.dumps(carried).encode())
        sys.exit(0)  # As a child ends that ends well: what it has is collected.
    os.close(writes)
    heard = b"".join(iter(lambda: os.read(reads, 65536), b""))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, heard

    for service in before:
        service.request("support", number="+12125550103")
    before[0].agent_available("ann", queues=["support"])
    dialed = phones.dialed.acquire(timeout=30)
    asyncio.run(hop.close())
    runner.stop()
    lines = [len(service.line("support")) for service in before]
    for store in stores:
        store.close()
    print(json.dumps({"carried": json.loads(heard), "dialed": dialed, "lines": lines}))
"""


def test_a_server_that_loads_and_then_forks(tmp_path: Path) -> None:
    """What was opened before says so in the child, and does not hang; the parent notices nothing; the child opens."""
    with fresh_schema() as schema:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(PRELOADING), conninfo(), schema, str(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [each[0] for each in found["carried"]] == ["RuntimeError"] * 7
    assert all("fork" in each[1] for each in found["carried"])
    assert found["dialed"] is True
    assert found["lines"] == [3, 3]
    assert "Exception" not in done.stderr


def test_32_threads_use_one_service_and_one_store_while_a_runner_runs() -> None:
    """Each gets a receipt of its own, ten connections are enough, and nobody meets an error."""
    with fresh_store() as store:
        service = CallbackService(store, [QueuePolicy(queue="support")], clock=SystemClock())
        start = threading.Barrier(32)

        def come_and_go(number: int) -> str:
            start.wait(30)
            receipt = service.request("support", number=f"+121255501{number:02}")
            service.agent_available(f"agent_{number}", queues=["support"])
            service.agent_unavailable(f"agent_{number}")
            return receipt.callback_id

        with ThreadRunner(service, _Silent()), ThreadPoolExecutor(32) as threads:
            done = list(threads.map(come_and_go, range(32)))
        assert len(set(done)) == 32
        assert all(service.get(callback_id) for callback_id in done)
        check_fold(store)
        assert _connections(store) <= 10


def _connections(store: Store) -> int:
    assert isinstance(store, PostgresStore)
    return len(store._connections._idle)  # type: ignore[union-attr]


class _Silent:
    """A telephony that does nothing."""

    def dial(self, order: object) -> None: ...

    bridge = hang_up = play = stop_play = send_digits = connect_call = dial

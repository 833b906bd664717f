"""Nodes are woken by what other nodes write, and not only by looking again: LISTEN and NOTIFY."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from psycopg.conninfo import make_conninfo

from callbackq import (
    AsyncRunner,
    CallbackService,
    Dial,
    QueuePolicy,
    StoreUnavailable,
    SystemClock,
    TelephonyDown,
    TelephonySnapshot,
    TenantId,
    ThreadRunner,
)
from callbackq.aio import AsyncCallbackService
from callbackq.ports import CanListen
from callbackq.runners.listening import Ears
from callbackq.stores import MemoryStore, PostgresStore
from callbackq.stores.postgres_connections import Connections
from callbackq.stores.postgres_notify import Teller, channel_of
from callbackq.testing.store_contract.base import OTHER_TENANT, TENANT
from stores.postgres_server import admin, conninfo, fresh_store

ADA, BOB = "+12125550101", "+12125550102"
TIMEOUT_S = 30.0
AN_HOUR = timedelta(hours=1)


@pytest.fixture
def store() -> Iterator[PostgresStore]:
    with fresh_store() as store:
        yield store


@pytest.fixture
def other(store: PostgresStore) -> Iterator[PostgresStore]:
    """What another process has: a store of its own on the same tables."""
    other = PostgresStore(conninfo(), schema=store._schema)
    yield other
    other.close()


def service_on(store: Any, tenant_id: str = TENANT) -> CallbackService:
    return CallbackService(store, [QueuePolicy(queue="support")], clock=SystemClock(), tenant_id=tenant_id)


class Silent:
    """A telephony that takes every order, and reports nothing. It may be down."""

    def __init__(self) -> None:
        self.dialed = threading.Semaphore(0)
        self.is_down = False

    def dial(self, order: Dial) -> None:
        self.dialed.release()

    def snapshot(self) -> TelephonySnapshot:
        if self.is_down:
            raise TelephonyDown
        return TelephonySnapshot(as_of=SystemClock().now(), legs={})

    def __getattr__(self, name: str) -> Callable[[Any], None]:
        if name not in {"bridge", "hang_up", "play", "stop_play", "send_digits", "connect_call"}:
            raise AttributeError(name)
        return lambda _order: None


class Hearing:
    """Somebody who listens, in a thread, and counts what is heard."""

    def __init__(self, store: PostgresStore, tenant_id: TenantId = TENANT) -> None:
        self._listening = store.listen(tenant_id)
        self.heard = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._main, daemon=True)
        self._thread.start()

    def _main(self) -> None:
        while self._listening.wait():
            self.heard.release()
        self._listening.close()

    def close(self) -> None:
        self._listening.stop()
        self._thread.join(TIMEOUT_S)
        assert not self._thread.is_alive()


@pytest.fixture
def hearing(other: PostgresStore) -> Iterator[Hearing]:
    hearing = Hearing(other)
    yield hearing
    hearing.close()


def listeners(schema: str) -> list[int]:
    """Return the server's processes that listen for the tenant."""
    found = admin().execute(
        "SELECT pid FROM pg_stat_activity WHERE query = %s", [f"LISTEN {channel_of(schema, TENANT)}"]
    )
    return [pid for (pid,) in found.fetchall()]


def wait_for_listener(schema: str, *, besides: int | None = None) -> int:
    """Return the process of whoever listens, as soon as somebody does."""
    for _ in range(3000):
        found = [pid for pid in listeners(schema) if pid != besides]
        if found:
            return found[0]
        threading.Event().wait(0.01)
    raise AssertionError("nobody listens")


# ---------------------------------------------------------------------------- runners


CHILD = """
    import sys
    from callbackq import CallbackService, QueuePolicy, SystemClock
    from callbackq.stores import PostgresStore

    store = PostgresStore(sys.argv[1], schema=sys.argv[2])
    service = CallbackService(store, [QueuePolicy(queue="support")], clock=SystemClock())
    print(service.request("support", number="+12125550101").callback_id)
"""


def test_a_command_in_another_process_wakes_a_runner_that_looks_once_an_hour(store: PostgresStore) -> None:
    """The request is made by a process without a runner; the agent's phone rings here."""
    service, telephony = service_on(store), Silent()
    service.agent_available("ann", queues=["support"])
    with ThreadRunner(service, telephony, idle_max=AN_HOUR, lease=None):
        wait_for_listener(store._schema)
        program = [sys.executable, "-c", textwrap.dedent(CHILD), conninfo(), store._schema]
        subprocess.run(program, check=True, capture_output=True)
        assert telephony.dialed.acquire(timeout=TIMEOUT_S)
    assert listeners(store._schema) == []


def test_an_asyncio_runner_is_woken_as_well(store: PostgresStore, other: PostgresStore) -> None:
    """By another store on the same tables, as another process has one."""
    telephony = Silent()

    async def story() -> None:
        async with AsyncCallbackService(service_on(store)) as service:
            await service.agent_available("ann", queues=["support"])
            async with AsyncRunner(service, telephony, idle_max=AN_HOUR, lease=None):
                await asyncio.to_thread(wait_for_listener, store._schema)
                await asyncio.to_thread(service_on(other).request, "support", number=ADA)
                assert await asyncio.to_thread(telephony.dialed.acquire, timeout=TIMEOUT_S)

    asyncio.run(story())
    assert listeners(store._schema) == []


def test_a_runner_whose_connection_is_cut_listens_again(
    store: PostgresStore, other: PostgresStore, caplog: pytest.LogCaptureFixture
) -> None:
    """What was written meanwhile is looked up; what is written later is heard. One line in the log."""
    caplog.set_level(logging.WARNING, "callbackq")
    service, telephony = service_on(store), Silent()
    service.agent_available("ann", queues=["support"])
    service.agent_available("bob", queues=["support"])
    with ThreadRunner(service, telephony, idle_max=AN_HOUR, lease=None):
        first = wait_for_listener(store._schema)
        admin().execute("SELECT pg_terminate_backend(%s, 10000)", [first])
        service_on(other).request("support", number=ADA)
        assert telephony.dialed.acquire(timeout=TIMEOUT_S)
        wait_for_listener(store._schema, besides=first)
        service_on(other).request("support", number=BOB)
        assert telephony.dialed.acquire(timeout=TIMEOUT_S)
    said = [record for record in caplog.records if "cannot be heard" in record.message]
    assert len(said) == 1


def test_who_does_all_that_follows_tells_nobody(store: PostgresStore, hearing: Hearing) -> None:
    """While its telephony is there a runner does it all; when it is gone others are told, also of what was before."""
    service, telephony = service_on(store), Silent()
    with ThreadRunner(service, telephony, idle_max=AN_HOUR, lease=None) as runner:
        wait_until(lambda: runner.telephony_is_up)
        service.agent_available("ann", queues=["support"])
        service.request("support", number=ADA)
        assert telephony.dialed.acquire(timeout=TIMEOUT_S)
        assert not hearing.heard.acquire(blocking=False)
        telephony.is_down = True
        runner.telephony_down()
        service.request("support", number=BOB)
        assert hearing.heard.acquire(timeout=TIMEOUT_S)


def test_a_runner_that_stops_leaves_the_rest_to_others(store: PostgresStore, hearing: Hearing) -> None:
    """They are told of what it wrote and told nobody."""
    service = service_on(store)
    with ThreadRunner(service, Silent(), idle_max=AN_HOUR, lease=None) as runner:
        wait_until(lambda: runner.telephony_is_up)
        service.request("support", number=ADA)
        assert not hearing.heard.acquire(blocking=False)
    assert hearing.heard.acquire(timeout=TIMEOUT_S)


def wait_until(is_so: Callable[[], bool]) -> None:
    for _ in range(3000):
        if is_so():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never was")


# ---------------------------------------------------------------------------- who is told, and how often


def test_only_what_was_written_is_told(store: PostgresStore, hearing: Hearing) -> None:
    """Neither questions nor refusals nor commands that change nothing; and never another tenant."""
    service = service_on(store)
    receipt = service.request("support", number=ADA)
    assert hearing.heard.acquire(timeout=TIMEOUT_S)
    service.get(receipt.callback_id)
    service.cancel(receipt.callback_id)
    assert hearing.heard.acquire(timeout=TIMEOUT_S)
    service.cancel(receipt.callback_id)
    service_on(store, OTHER_TENANT).request("support", number=ADA)
    store.tell(TENANT)
    service.request("support", number=BOB)
    assert hearing.heard.acquire(timeout=TIMEOUT_S)
    assert not hearing.heard.acquire(blocking=False)


def test_several_who_tell_at_once_say_it_together() -> None:
    """While one is speaking one more waits, and speaks for all the others."""
    lending = _Lending()
    teller = Teller(lending)  # type: ignore[arg-type]
    with ThreadPoolExecutor(10) as threads:
        lending.may_speak.clear()
        teller.wrote(TENANT)
        first = threads.submit(teller.tell, TENANT)
        assert lending.speaks.acquire(timeout=TIMEOUT_S)
        others = []
        for number in range(9):
            teller.wrote(TenantId(f"tenant_{number}"))
            others.append(threads.submit(teller.tell, TenantId(f"tenant_{number}")))
        wait_until(lambda: sum(each.done() for each in others) == 8)
        lending.may_speak.set()
        first.result(TIMEOUT_S)
    assert [said.count("pg_notify") for said in lending.said] == [1, 9]


def test_where_no_connection_is_free_the_next_one_who_has_one_says_it() -> None:
    """Nobody waits for a connection in order to tell."""
    lending = _Lending()
    teller = Teller(lending)  # type: ignore[arg-type]
    lending.is_empty = True
    teller.wrote(TENANT)
    teller.tell(TENANT)
    assert lending.said == []
    lending.is_empty = False
    teller.pay()
    teller.pay()
    assert len(lending.said) == 1


def test_who_is_interrupted_while_telling_does_not_silence_the_others() -> None:
    """Such as by the signal of a timeout: waiting to speak, and speaking. What was not said is said by the next one."""
    lending = _Lending()
    teller = Teller(lending)  # type: ignore[arg-type]
    teller.wrote(TENANT)
    teller._speaking = _Interrupting()  # type: ignore[assignment,misc]
    with pytest.raises(KeyboardInterrupt):
        teller.tell(TENANT)
    teller._speaking = threading.Lock()  # type: ignore[misc]
    lending.error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        teller.pay()
    lending.error = None
    teller.pay()
    assert len(lending.said) == 1


class _Interrupting:
    """A lock, and a signal that comes while it is waited for."""

    def __enter__(self) -> None:
        raise KeyboardInterrupt

    def __exit__(self, *_error: object) -> None: ...


class _Lending:
    """What a teller needs of the connections; it may be told to speak slowly, or to lend nothing."""

    name, schema = "here", "public"

    def __init__(self) -> None:
        self.said: list[str] = []
        self.speaks = threading.Semaphore(0)
        self.may_speak = threading.Event()
        self.may_speak.set()
        self.is_empty = False
        self.error: BaseException | None = None

    def take(self, *, waits: bool = True) -> tuple[Any, bool]:
        if self.is_empty:
            raise StoreUnavailable
        return self, True

    def give_back(self, connection: Any) -> None: ...

    def execute(self, words: bytes, *, prepare: bool) -> None:
        if self.error is not None:
            raise self.error
        self.said.append(words.decode())
        self.speaks.release()
        assert self.may_speak.wait(TIMEOUT_S)


def test_connections_that_were_cut_do_not_keep_from_telling(store: PostgresStore, hearing: Hearing) -> None:
    """The next one is taken; and where the server is gone it is said later, without an error."""
    service = service_on(store)
    service.request("support", number=ADA)
    assert hearing.heard.acquire(timeout=TIMEOUT_S)
    for connection in store._connections._idle:  # type: ignore[union-attr]
        admin().execute("SELECT pg_terminate_backend(%s, 10000)", [connection.info.backend_pid])
    store._teller.wrote(TENANT)
    store.tell(TENANT)
    assert hearing.heard.acquire(timeout=TIMEOUT_S)


def test_a_store_of_a_closed_or_unreachable_server_tells_and_hears_nothing(store: PostgresStore) -> None:
    """Telling never raises; listening says why not."""
    nowhere = Connections(make_conninfo(port="1"), name="nowhere", schema="public", connections_max=1)
    teller = Teller(nowhere)
    teller.wrote(TENANT)
    teller.tell(TENANT)
    assert teller._owed == {channel_of("public", TENANT)}
    store.close()
    store.tell(TENANT)
    with pytest.raises(StoreUnavailable, match="closed"):
        store.listen(TENANT)


def test_who_listens_hears_that_the_connection_is_lost(store: PostgresStore) -> None:
    """A clear error in the thread that waits; closing it afterwards is none."""
    listening = store.listen(TENANT)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(listening.wait)
        admin().execute("SELECT pg_terminate_backend(%s, 10000)", [wait_for_listener(store._schema)])
        with pytest.raises(StoreUnavailable, match="the connection was lost"):
            waiting.result(TIMEOUT_S)
    listening.close()


def test_where_nobody_says_anything_one_looks_all_the_same(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server is asked whether it is there; what it was told meanwhile is not lost."""
    monkeypatch.setattr("callbackq.stores.postgres_notify._SILENT_MAX_S", 0.01)
    listening = store.listen(TENANT)
    assert listening.wait()
    assert listening.wait()
    listening.close()


def test_who_listens_may_be_stopped_at_any_time(store: PostgresStore) -> None:
    """Before it waits, while it waits, and when it is closed."""
    listening = store.listen(TENANT)
    listening.stop()
    assert not listening.wait()
    assert not listening.wait()
    listening.close()
    listening.close()
    listening.stop()


def test_a_channel_names_no_tenant() -> None:
    """It is seen by whoever may look at the server; and each schema and tenant has its own."""
    names = {channel_of(schema, tenant) for schema in ("a", "b") for tenant in (TENANT, OTHER_TENANT)}
    assert len(names) == 4
    assert all(len(name) < 64 and TENANT not in name for name in names)


# ---------------------------------------------------------------------------- any store that can


def test_a_store_need_not_be_able_to_listen() -> None:
    """The one in memory is not; runners look again by themselves."""
    assert not isinstance(MemoryStore(), CanListen)
    service_on(MemoryStore()).changed()


class _Deaf:
    """A store that can be heard at the third try, and is lost then."""

    def __init__(self) -> None:
        self.tries_count = 0
        self.closed = threading.Event()

    def listen(self, tenant_id: TenantId) -> Any:
        self.tries_count += 1
        if self.tries_count < 3:
            raise StoreUnavailable
        return self

    def tell(self, tenant_id: TenantId) -> None: ...

    def wait(self) -> bool:
        raise StoreUnavailable

    def stop(self) -> None: ...

    def close(self) -> None:
        self.closed.set()
        raise StoreUnavailable


def test_ears_try_again_until_they_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever hears nothing is woken once, to look by itself."""
    monkeypatch.setattr("callbackq.runners.listening._AGAIN_AFTER", timedelta(milliseconds=1))
    woken = threading.Semaphore(0)
    deaf = _Deaf()
    ears = Ears(deaf, TENANT, heard=woken.release)
    ears.open()
    assert deaf.closed.wait(TIMEOUT_S)
    assert woken.acquire(timeout=TIMEOUT_S)
    assert woken.acquire(timeout=TIMEOUT_S)
    ears.close()
    ears.join(TIMEOUT_S)
    assert not ears.are_open

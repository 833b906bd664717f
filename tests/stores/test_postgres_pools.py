"""Connections out of a pool of the host's: used for one transaction each, and given back as they were."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from callbackq import (
    CallbackService,
    ConfigurationError,
    DuplicateCallback,
    QueuePolicy,
    StoreUnavailable,
)
from callbackq.ports import Commit
from callbackq.stores import PostgresStore
from callbackq.testing import ManualClock
from callbackq.testing.builders import make_callback
from callbackq.testing.store_contract.base import TENANT
from stores.postgres_server import admin, conninfo, fresh_schema

ADA, BOB = "+12125550101", "+12125550102"
TIMEOUT_S = 30.0

Connection = psycopg.Connection[Any]


class Pool:
    """
    A pool as a host may have written one: connections with rows as dictionaries, settings and no autocommit.

    Attributes:
        lent_count: how many are out.
        all: every connection that was made.
    """

    def __init__(self, *, size: int = 3, autocommit: bool = False) -> None:
        self.all: list[Connection] = []
        self.lent_count = 0
        self._autocommit = autocommit
        self._free: queue.LifoQueue[Connection | None] = queue.LifoQueue()
        self._lock = threading.Lock()
        for _ in range(size):
            self._free.put(None)

    def getconn(self, timeout: float | None = None) -> Connection:
        try:
            connection = self._free.get(timeout=timeout) if timeout else self._free.get_nowait()
        except queue.Empty:
            raise psycopg.OperationalError("the pool is empty") from None
        with self._lock:
            self.lent_count += 1
        if connection is None or connection.closed:
            connection = self._made()
        return connection

    def _made(self) -> Connection:
        connection = psycopg.connect(conninfo(), row_factory=dict_row, autocommit=True)
        connection.execute(
            "SET search_path = pg_catalog; SET TimeZone = 'Asia/Tokyo'; SET lock_timeout = '7s'; SET jit = on"
        )
        connection.autocommit = self._autocommit
        self.all.append(connection)
        return connection

    def putconn(self, conn: Connection) -> None:
        with self._lock:
            self.lent_count -= 1
        self._free.put(conn)

    def close(self) -> None:
        for connection in self.all:
            connection.close()


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool()
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def tables() -> Iterator[str]:
    """A schema with tables in it."""
    with fresh_schema() as schema:
        PostgresStore(conninfo(), schema=schema).close()
        yield schema


@pytest.fixture
def schema(tables: str) -> Iterator[str]:
    """The schema; what a test has written there is gone after it."""
    yield tables
    names = admin().execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [tables]).fetchall()
    emptied = (f'DELETE FROM "{tables}".{name}' for (name,) in names if name != "callbackq_meta")
    admin().execute("; ".join(emptied))


@pytest.fixture
def store(pool: Pool, schema: str) -> Iterator[PostgresStore]:
    store = PostgresStore(pool=pool, schema=schema)
    yield store
    store.close()


def service_on(store: PostgresStore) -> CallbackService:
    return CallbackService(store, [QueuePolicy(queue="support")], clock=ManualClock())


ASKED = "SELECT name, setting FROM pg_settings WHERE name !~ '^(transaction|plpgsql)' ORDER BY name"


@pytest.mark.parametrize("autocommit", [False, True])
def test_a_connection_comes_back_as_it_was(schema: str, autocommit: bool) -> None:
    """Rows, settings, autocommit and adapters are the host's again; and nothing is open."""
    pool = Pool(size=1, autocommit=autocommit)
    connection = pool.getconn()
    before = connection.execute(ASKED).fetchall()
    connection.rollback()
    pool.putconn(connection)
    store = PostgresStore(pool=pool, schema=schema)
    service = service_on(store)
    made = service.request("support", number=ADA, context={"order": "7"})
    with pytest.raises(DuplicateCallback):
        service.request("support", number=ADA)
    assert service.context(made.callback_id) == {"order": "7"}
    store.scrub()
    assert not connection._notice_handlers
    assert (pool.lent_count, len(pool.all)) == (0, 1)
    assert connection.info.transaction_status is TransactionStatus.IDLE
    assert connection.autocommit is autocommit
    assert connection.execute(ASKED).fetchall() == before
    connection.rollback()
    service.cancel(made.callback_id)
    store.close()
    assert not connection.closed
    pool.close()


def test_what_the_host_left_on_a_connection_is_not_taken_for_ours(schema: str) -> None:
    """A temporary table of the same name, and settings in another encoding."""
    pool = Pool(size=1, autocommit=True)
    connection = pool.getconn()
    connection.execute("SET client_encoding = 'LATIN1'")
    connection.execute('SET search_path = "größe"')
    connection.execute(
        f'CREATE TEMPORARY TABLE callbackq_callbacks (LIKE "{schema}".callbackq_callbacks INCLUDING ALL)'
    )
    pool.putconn(connection)
    service = service_on(PostgresStore(pool=pool, schema=schema))
    made = service.request("support", number=ADA)
    assert connection.execute("SHOW search_path").fetchone() == {"search_path": '"größe"'}
    pool.close()
    found = admin().execute(f'SELECT callback_id FROM "{schema}".callbackq_callbacks').fetchall()
    assert found == [(made.callback_id,)]


def test_many_threads_share_the_pool(store: PostgresStore, pool: Pool) -> None:
    """32 threads over three connections: each promise is made once, and every connection comes back."""
    service = service_on(store)
    with ThreadPoolExecutor(32) as threads:
        made = list(
            threads.map(lambda number: service.request("support", number=f"+121255501{number:02}"), range(40))
        )
    assert len({receipt.callback_id for receipt in made}) == 40
    assert len(service.line("support")) == 40
    assert (pool.lent_count, len(pool.all)) == (0, 3)


def test_connections_that_were_lost_are_replaced(store: PostgresStore, pool: Pool) -> None:
    """All of the pool's are cut: the next command takes new ones, and nothing is noticed."""
    service = service_on(store)
    service.request("support", number=ADA)
    for connection in pool.all:
        admin().execute("SELECT pg_terminate_backend(%s, 10000)", [connection.info.backend_pid])
    service.request("support", number=BOB)
    assert len(service.line("support")) == 2
    assert pool.lent_count == 0


def test_a_connection_that_is_lost_in_a_transaction_goes_back_closed(
    store: PostgresStore, pool: Pool
) -> None:
    """The pool throws it away; nothing was written."""

    def write_and_lose() -> None:
        with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
            tx.save(make_callback("cb_1"))
            lost = next(
                each for each in pool.all if each.info.transaction_status is not TransactionStatus.IDLE
            )
            admin().execute("SELECT pg_terminate_backend(%s, 10000)", [lost.info.backend_pid])
            seen.append(lost)
            tx.callbacks.by_request_key("k")

    seen: list[Connection] = []
    with pytest.raises(StoreUnavailable):
        write_and_lose()
    assert seen[0].closed
    assert service_on(store).line("support") == []
    assert pool.lent_count == 0


def test_a_pool_that_lends_none_makes_the_store_unavailable(store: PostgresStore, pool: Pool) -> None:
    """Said after the time that a store waits; and as soon as one is back, all is well."""
    lent = [pool.getconn() for _ in range(3)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("callbackq.stores.postgres_pools.WAIT_S", 0.01)
        with pytest.raises(StoreUnavailable, match="pool of the host lends no connection"):
            service_on(store).request("support", number=ADA)
    for connection in lent:
        pool.putconn(connection)
    service_on(store).request("support", number=ADA)


def test_a_pool_that_lends_only_lost_connections_is_given_up(pool: Pool, schema: str) -> None:
    """Such as one that never replaces them."""
    lost = psycopg.connect(conninfo())
    admin().execute("SELECT pg_terminate_backend(%s, 10000)", [lost.info.backend_pid])

    class Stale(Pool):
        def _made(self) -> Connection:
            return lost

    stale = Stale()
    with pytest.raises(StoreUnavailable, match="only connections that were lost"):
        PostgresStore(pool=stale, schema=schema)
    assert stale.lent_count == 0
    lost.close()


def test_a_connection_in_a_transaction_is_a_mistake_of_the_pool(store: PostgresStore, pool: Pool) -> None:
    """Ours would become part of it. It goes back as it is."""
    connection = pool.getconn()
    connection.execute("SELECT 1")
    pool.putconn(connection)
    with pytest.raises(RuntimeError, match="lent a connection on which a transaction is open"):
        service_on(store).request("support", number=ADA)
    assert pool.lent_count == 0
    connection.rollback()
    service_on(store).request("support", number=ADA)


def test_a_role_that_cannot_set_what_we_need_is_told_so(store: PostgresStore, pool: Pool) -> None:
    """The connection goes back, closed, whatever the error was."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("callbackq.stores.postgres_pools.SETTINGS", {"no.such\nname": "x"})
        with pytest.raises(psycopg.Error):
            service_on(store).request("support", number=ADA)
    assert pool.lent_count == 0
    service_on(store).request("support", number=ADA)


def test_either_a_pool_or_a_connection_string(pool: Pool) -> None:
    """Both would leave it open which is meant; what the string holds is not shown."""
    with pytest.raises(ConfigurationError, match="conninfo is 'not shown'") as caught:
        PostgresStore("postgresql://ann:secret@here/db", pool=pool)
    assert "secret" not in str(caught.value)


def test_a_closed_store_borrows_no_more(pool: Pool, schema: str) -> None:
    """The pool stays open: it is the host's."""
    store = PostgresStore(pool=pool, schema=schema)
    store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        service_on(store).request("support", number=ADA)
    with pytest.raises(StoreUnavailable, match="closed"):
        store.listen(TENANT)
    assert pool.getconn().execute("SELECT 1 AS one").fetchone() == {"one": 1}


def test_who_listens_has_a_connection_of_the_pool(store: PostgresStore, pool: Pool) -> None:
    """One is out until it is closed, and comes back without a LISTEN."""
    listening = store.listen(TENANT)
    assert pool.lent_count == 1
    with ThreadPoolExecutor(1) as threads:
        heard = threads.submit(listening.wait)
        service = service_on(store)
        service.request("support", number=ADA)
        assert heard.result(TIMEOUT_S)
    listening.close()
    listening.close()
    assert pool.lent_count == 0
    for connection in pool.all:
        assert connection.execute("SELECT pg_listening_channels()").fetchall() == []

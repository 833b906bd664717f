"""
What goes wrong with a real PostgreSQL server: it stops, crashes, starves, is cut off, or answers no more.

Each time: a request fails with the error that is documented, nothing is half done, a receipt that was given is there
afterwards, and work resumes by itself, in the same process, with the same store.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from callbackq import (
    CallbackService,
    CommitUncertain,
    Dial,
    QueuePolicy,
    Receipt,
    StoreError,
    StoreUnavailable,
    SystemClock,
    ThreadRunner,
)
from callbackq.ports import Commit
from callbackq.stores import PostgresStore, postgres_connections
from callbackq.stores.postgres_connections import own_connection
from callbackq.testing.store_contract.base import TENANT
from service.conftest import check_fold
from stores.own_server import OwnServer, Wire, own_server

TIMEOUT_S = 30.0
AN_HOUR = timedelta(hours=1)
SCHEMA = "callbacks"

_numbers = itertools.count()


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    with own_server() as server:
        PostgresStore(server.conninfo, schema=SCHEMA).close()
        yield server


@pytest.fixture
def wire(server: OwnServer) -> Iterator[Wire]:
    wire = Wire(server)
    yield wire
    wire.close()


@pytest.fixture
def store(server: OwnServer) -> Iterator[PostgresStore]:
    """A node of the server, reached directly; the law of history holds when the test is over."""
    store = PostgresStore(server.conninfo, schema=SCHEMA)
    yield store
    check_fold(store)
    store.close()


@pytest.fixture
def far(wire: Wire) -> Iterator[PostgresStore]:
    """A node that reaches the server by a wire."""
    store = opened_by(wire)
    yield store
    store.close()


def opened_by(wire: Wire, **options: Any) -> PostgresStore:
    return PostgresStore(make_conninfo(wire.conninfo, connect_timeout="2"), schema=SCHEMA, **options)


def service_on(store: PostgresStore) -> CallbackService:
    return CallbackService(store, [QueuePolicy(queue="support")], clock=SystemClock())


def somebody() -> str:
    """Return a number that was not used yet."""
    return f"+1212555{next(_numbers):04}"


def somebody_free(service: CallbackService) -> None:
    """Let an agent come who was not there before: whoever waits is called."""
    service.agent_available(f"agent_{next(_numbers)}", queues=["support"])


def ask(service: CallbackService, **options: Any) -> Receipt:
    return service.request("support", number=somebody(), **options)


def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    give_up_at = time.monotonic() + TIMEOUT_S
    while not is_so():
        assert time.monotonic() < give_up_at
        time.sleep(0.005)


class Phones:
    """A telephony that notes who is dialed."""

    def __init__(self) -> None:
        self.dialed = threading.Semaphore(0)

    def dial(self, order: Dial) -> None:
        self.dialed.release()

    def __getattr__(self, name: str) -> Callable[[Any], None]:
        if name not in {"bridge", "hang_up", "play", "stop_play", "send_digits", "connect_call"}:
            raise AttributeError(name)
        return lambda _order: None


# ---------------------------------------------------------------------------- stopped


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_the_server_is_stopped_and_started_again(server: OwnServer, store: PostgresStore, how: str) -> None:
    """In good order, or as a crash: what was promised is there, and a runner that ran all the time dials."""
    service, phones = service_on(store), Phones()
    given = [ask(service) for _ in range(3)]
    with ThreadRunner(service, phones, idle_max=AN_HOUR, lease=None):
        server.stop(how)
        with pytest.raises(StoreUnavailable):
            ask(service)
        with pytest.raises(StoreUnavailable):
            service.get(given[0].callback_id)
        server.start()
        until(lambda: _is_there(service, given))
        somebody_free(service)
        assert phones.dialed.acquire(timeout=TIMEOUT_S)
        given.append(ask(service))
    assert _is_there(service, given)


def _is_there(service: CallbackService, given: list[Receipt]) -> bool:
    try:
        return [service.receipt(each.callback_id).callback_id for each in given] == [
            each.callback_id for each in given
        ]
    except StoreUnavailable:
        return False


def test_a_server_that_is_not_there_is_said_when_a_store_is_opened(server: OwnServer) -> None:
    """At once, and clearly; the password is not in it."""
    server.stop("fast")
    try:
        with pytest.raises(StoreUnavailable) as caught:
            PostgresStore(make_conninfo(server.conninfo, password="secret"), schema=SCHEMA)
    finally:
        server.start()
    assert "secret" not in str(caught.value)


def test_a_standby_takes_nothing_until_it_is_promoted(server: OwnServer, store: PostgresStore) -> None:
    """It can be read; a request is refused; and after the failover the same store goes on."""
    service = service_on(store)
    given = ask(service)
    server.stop("fast")
    server.be_standby()
    server.start()
    try:
        assert service.get(given.callback_id).callback_id == given.callback_id
        with pytest.raises(StoreUnavailable, match="a standby"):
            ask(service)
    finally:
        with server.admin() as admin:
            assert admin.execute("SELECT pg_promote()").fetchone() == (True,)
    assert _is_there(service, [given, ask(service)])


# ---------------------------------------------------------------------------- cut


def test_the_connection_is_cut_at_every_point_of_a_command(
    server: OwnServer, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each message to the server in turn: the request is there as a whole or not at all, and can be repeated."""
    service = service_on(store)
    plain = own_connection().wait
    cutting: list[int | None] = [None]
    with server.admin() as admin:

        def wait(connection: Any, *args: Any, **kwargs: Any) -> Any:
            if cutting[0] is not None:
                cutting[0] -= 1
                if cutting[0] < 0:
                    cutting[0] = None
                    admin.execute("SELECT pg_terminate_backend(%s, 10000)", [connection.process_id])
            return plain(connection, *args, **kwargs)

        monkeypatch.setattr(own_connection(), "wait", wait)
        ends: list[str] = []
        for point in itertools.count():
            number, key = somebody(), f"cut {point}"
            cutting[0] = point
            try:
                service.request("support", number=number, request_key=key)
                ends.append("made")
            except StoreError as error:
                ends.append(type(error).__name__)
            is_over, cutting[0] = cutting[0] is not None, None
            made = _made_under(store, key)
            assert made <= (ends[-1] != "StoreUnavailable")
            receipt = service.request("support", number=number, request_key=key)
            assert service.get(receipt.callback_id).request_key == key
            if is_over:
                break
    assert set(ends) <= {"made", "StoreUnavailable", "CommitUncertain"}
    assert ends.count("StoreUnavailable") >= 5
    assert ends.count("CommitUncertain") <= 1  # See below for the commit itself.


def _made_under(store: PostgresStore, key: str) -> bool:
    with store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
        return tx.callbacks.by_request_key(key) is not None


@pytest.mark.parametrize("is_heard", [False, True])
def test_the_wire_is_cut_during_the_commit(wire: Wire, far: PostgresStore, is_heard: bool) -> None:
    """Nobody knows whether it was committed, and that is what is said. The same key again finds out."""
    service, number = service_on(far), somebody()
    ask(service)
    wire.cut_at(b"COMMIT", is_heard=is_heard)
    with pytest.raises(CommitUncertain) as caught:
        service.request("support", number=number, request_key=number)
    assert not caught.value.retry_safe
    made = _made_under(far, number)
    assert made is is_heard
    receipt = service.request("support", number=number, request_key=number)
    assert service.get(receipt.callback_id).request_key == number


def test_one_node_of_two_is_cut_off(wire: Wire, far: PostgresStore, store: PostgresStore) -> None:
    """The other goes on. The first says clearly that it cannot, and comes back by itself when it can."""
    cut_off, other, phones = service_on(far), service_on(store), Phones()
    ask(cut_off)
    with ThreadRunner(cut_off, phones, idle_max=AN_HOUR, lease=None):
        wire.cut()
        with pytest.raises(StoreUnavailable):
            ask(cut_off)
        given = ask(other)
        somebody_free(other)
        assert not phones.dialed.acquire(blocking=False)
        wire.mend()
        assert phones.dialed.acquire(timeout=TIMEOUT_S)
    assert _is_there(cut_off, [given, ask(cut_off)])


# ---------------------------------------------------------------------------- no answer


def test_a_server_that_answers_no_more_is_given_up(wire: Wire) -> None:
    """What is sent is taken, and nothing comes back: after the stated time, and not after that of every connection."""
    store = opened_by(wire, answer_time_max=timedelta(milliseconds=100))
    service = service_on(store)
    with ExitStack() as stack:
        for _ in range(3):  # So that there are three connections.
            stack.enter_context(_OpenElsewhere(store))
    assert len(_idle(store)) == 3
    wire.swallow()
    began_at = time.monotonic()
    with pytest.raises(StoreUnavailable):
        ask(service)
    took_s = time.monotonic() - began_at
    assert took_s < 0.1 + 2 * 2.0 + 2.0  # The time for an answer, and twice that for a connection.
    assert _idle(store) == []
    wire.mend()
    ask(service)
    store.close()


def test_no_answer_to_a_commit_leaves_it_uncertain(wire: Wire) -> None:
    """Nobody knows: the same request key finds out."""
    store = opened_by(wire, answer_time_max=timedelta(milliseconds=100))
    service, number = service_on(store), somebody()
    wire.swallow_at(b"COMMIT")
    with pytest.raises(CommitUncertain):
        service.request("support", number=number, request_key=number)
    wire.mend()
    receipt = service.request("support", number=number, request_key=number)
    assert service.get(receipt.callback_id).request_key == number
    store.close()


def test_who_listens_to_a_server_that_is_gone_without_a_word(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is noticed, though nothing would ever be heard: the server is asked now and then."""
    monkeypatch.setattr("callbackq.stores.postgres_notify._SILENT_MAX_S", 0.05)
    store = opened_by(wire, answer_time_max=timedelta(milliseconds=100))
    listening = store.listen(TENANT)
    wire.swallow()
    with pytest.raises(StoreUnavailable, match="the connection was lost"):
        listening.wait()
    listening.close()
    store.close()


def test_a_process_of_the_server_that_hangs_is_given_up(server: OwnServer) -> None:
    """The server itself says that it is not at work, and another connection is taken."""
    store = PostgresStore(
        server.conninfo, schema=SCHEMA, answer_time_max=timedelta(milliseconds=100), connections_max=1
    )
    service = service_on(store)
    ask(service)
    frozen = _idle(store)[0].info.backend_pid
    server.freeze(frozen)
    try:
        ask(service)
    finally:
        server.thaw(frozen)
    store.close()


def test_who_is_at_work_for_long_is_waited_for(server: OwnServer) -> None:
    """A statement may take its time, as long as the server says that it is at it."""
    store = PostgresStore(server.conninfo, schema=SCHEMA, answer_time_max=timedelta(milliseconds=50))
    with store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
        assert tx._session.fetch("SELECT 1 FROM pg_sleep(0.4)", ()) == [(1,)]
    store.close()


def _idle(store: PostgresStore) -> list[Any]:
    return store._connections._idle  # type: ignore[union-attr]


class _OpenElsewhere:
    """A transaction that is open in another thread, for a block."""

    def __init__(self, store: PostgresStore) -> None:
        self._store, self._is_open, self._is_over = store, threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._main)

    def _main(self) -> None:
        with self._store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
            tx.line.is_empty()
            self._is_open.set()
            self._is_over.wait(TIMEOUT_S)

    def __enter__(self) -> None:
        self._thread.start()
        assert self._is_open.wait(TIMEOUT_S)

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join(TIMEOUT_S)


# ---------------------------------------------------------------------------- starved


def test_a_full_disk(server: OwnServer, store: PostgresStore) -> None:
    """Files cannot grow: nothing more is promised, nothing is torn; and where there is room again, it goes on."""
    service, number = service_on(store), somebody()
    given = [ask(service)]
    with server.admin() as admin:
        admin.execute(f"SET search_path = {SCHEMA}")
        admin.execute(_FILL)
        (size,) = admin.execute("SELECT pg_relation_size('callbackq_callbacks')").fetchone() or (0,)
        admin.execute("SELECT pg_switch_wal()")
    server.stop("fast")
    server.start(file_size_max=size + 4096)
    try:
        with pytest.raises(StoreUnavailable, match=r"disk is full|failed within"):
            given.extend(ask(service) for _ in range(200))
        with suppress(StoreUnavailable):
            service.request("support", number=number, request_key=number)
        assert _is_there(service, given)
    finally:
        server.stop("fast")
        server.start()
    given.append(service.request("support", number=number, request_key=number))
    assert _is_there(service, given)


_FILL = """
    DO $$
    DECLARE one callbackq_callbacks;
    BEGIN
        SELECT * INTO one FROM callbackq_callbacks LIMIT 1;
        one.tenant_id = 'fill';
        one.request_key = NULL;
        one.dedup_key = NULL;
        FOR number IN 1 .. 6000 LOOP
            one.callback_id = 'x' || number;
            one.place_id = 'x' || number;
            INSERT INTO callbackq_callbacks VALUES (one.*);
        END LOOP;
    END $$
"""


def test_a_server_that_takes_no_more_connections(server: OwnServer, store: PostgresStore) -> None:
    """Who has a connection goes on, who needs a new one is told; and later gets it."""
    service = service_on(store)
    ask(service)
    other = PostgresStore(server.conninfo, schema=SCHEMA)
    for connection in _idle(other):
        connection.close()
    with ExitStack() as stack:
        with suppress(psycopg.OperationalError):
            while True:
                stack.enter_context(psycopg.connect(server.conninfo))
        given = ask(service)
        with pytest.raises(StoreUnavailable, match="too many clients"):
            ask(service_on(other))
    until(lambda: _is_there(service_on(other), [given]))
    ask(service_on(other))
    other.close()


def test_a_transaction_that_is_idle_for_too_long(server: OwnServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server ends it, with all that it has written."""
    settings = {**postgres_connections.SETTINGS, "idle_in_transaction_session_timeout": "20ms"}
    monkeypatch.setattr(postgres_connections, "SETTINGS", settings)
    store = PostgresStore(server.conninfo, schema=SCHEMA)

    def linger(admin: psycopg.Connection[Any]) -> None:
        with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
            tx.lanes.intern(("slow",))
            process_id = tx._session._connection.info.backend_pid  # type: ignore[union-attr]
            gone = "SELECT 1 FROM pg_stat_activity WHERE pid = %s"
            until(lambda: admin.execute(gone, [process_id]).fetchone() is None)
            tx.line.is_empty()

    with server.admin() as admin, pytest.raises(StoreUnavailable):
        linger(admin)
    with store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
        assert tx.lanes.served_by(("slow",)) == (0,)
    store.close()


def test_a_role_without_rights(server: OwnServer) -> None:
    """It is told so, and not more; when it has been given the rights, the same store goes on."""
    with server.admin() as admin:
        admin.execute("CREATE ROLE clerk LOGIN")
        admin.execute(f"GRANT USAGE ON SCHEMA {SCHEMA} TO clerk")
        admin.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO clerk")
        store = PostgresStore(make_conninfo(server.conninfo, user="clerk"), schema=SCHEMA)
        service = service_on(store)
        with pytest.raises(StoreUnavailable, match="the role may not do this"):
            ask(service)
        admin.execute(f"GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {SCHEMA} TO clerk")
        assert _is_there(service, [ask(service)])
        store.close()


def test_a_role_that_is_not_let_in(server: OwnServer) -> None:
    """Neither an unknown one, nor one that has lost its right to come."""
    with pytest.raises(StoreUnavailable, match="nobody_we_know"):
        PostgresStore(make_conninfo(server.conninfo, user="nobody_we_know"), schema=SCHEMA)

"""A transaction of the host's is joined: what was promised in it stands or falls with the host's own rows."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.adapt import Dumper, Loader
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from callbackq import (
    CallbackNotFound,
    CallbackService,
    CallHasEnded,
    ConfigurationError,
    Conflict,
    Dispatcher,
    DuplicateCallback,
    Limit,
    Person,
    QueuePolicy,
    RequestLimits,
    StaleVersion,
    StoreUnavailable,
    TenantId,
    TooManyRequests,
)
from callbackq.policy import Duplicates
from callbackq.ports import Commit
from callbackq.stores import PostgresStore
from callbackq.stores.postgres_joined import JoinedStore
from callbackq.testing import ManualClock
from callbackq.testing.builders import make_callback, next_version
from callbackq.testing.store_contract.base import TENANT, put
from callbackq.testing.store_contract.chain import ChainContract
from callbackq.testing.store_contract.guards import TallyContract
from callbackq.testing.store_contract.keys import KeyContract
from callbackq.testing.store_contract.lanes import LaneContract
from callbackq.testing.store_contract.transactions import ThreadContract
from service.conftest import check_fold
from stores.postgres_server import admin, conninfo, fresh_schema, fresh_store

ADA, BOB = "+12125550101", "+12125550102"
TIMEOUT_S = 30.0
POLICY = QueuePolicy(queue="support", duplicates=Duplicates.ALLOW)
SNAPSHOTS = (psycopg.IsolationLevel.REPEATABLE_READ, psycopg.IsolationLevel.SERIALIZABLE)

Connection = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def orders() -> Iterator[str]:
    """A table of the host's own, in a schema of its own."""
    with fresh_schema() as schema:
        admin().execute(f"CREATE SCHEMA {schema}")
        admin().execute(f"CREATE TABLE {schema}.orders (name text PRIMARY KEY, callback_id text)")
        yield schema


@pytest.fixture
def store(orders: str) -> Iterator[PostgresStore]:
    with fresh_store() as store:
        yield store
        admin().execute(f"DELETE FROM {orders}.orders")
        check_fold(store)


@pytest.fixture
def host(orders: str) -> Iterator[Connection]:
    """A connection as a host has one: with its own schema, rows as dictionaries, and no autocommit."""
    with connected(orders) as connection:
        yield connection


@contextmanager
def connected(orders: str, **options: Any) -> Iterator[Connection]:
    connection = psycopg.connect(
        make_conninfo(conninfo(), options=f"-c search_path={orders}"), row_factory=dict_row, **options
    )
    with connection:
        yield connection
        if not connection.closed:
            connection.rollback()


def service_on(store: PostgresStore, policy: QueuePolicy = POLICY, **options: Any) -> CallbackService:
    return CallbackService(store, [policy], clock=ManualClock(), **options)


def waiting(service: CallbackService) -> int:
    return len(service.line("support"))


def orders_kept(orders: str) -> list[tuple[str, str | None]]:
    return admin().execute(f"SELECT name, callback_id FROM {orders}.orders ORDER BY name").fetchall()


# ---------------------------------------------------------------------------- together or not at all


def test_both_are_there_after_the_commit(store: PostgresStore, host: Connection, orders: str) -> None:
    """The callback and the host's row; and before it neither, for anybody else."""
    service = service_on(store)
    inside = service.within(store.joined(host))
    receipt = inside.request("support", number=ADA)
    host.execute("INSERT INTO orders VALUES ('first', %s)", [receipt.callback_id])
    assert receipt.provisional
    assert inside.is_provisional
    assert inside.get(receipt.callback_id).callback_id == receipt.callback_id
    with pytest.raises(CallbackNotFound):
        service.get(receipt.callback_id)
    assert orders_kept(orders) == []
    host.commit()
    assert not service.receipt(receipt.callback_id).provisional
    assert orders_kept(orders) == [("first", receipt.callback_id)]
    assert waiting(service) == 1


def test_neither_is_there_after_the_rollback(store: PostgresStore, host: Connection, orders: str) -> None:
    """Nothing of the promise is left: no person, no event, no message."""
    service = service_on(store)
    receipt = service.within(store.joined(host)).request("support", number=ADA, name="Ada")
    host.execute("INSERT INTO orders VALUES ('first', %s)", [receipt.callback_id])
    host.rollback()
    assert waiting(service) == 0
    assert orders_kept(orders) == []
    with store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
        assert tx.history.all() == []
        assert tx.subjects.by_identity(f"tel:{ADA}") is None


CHILD = """
    import sys, psycopg
    from callbackq import CallbackService, QueuePolicy, SystemClock
    from callbackq.stores import PostgresStore

    conninfo, schema, orders = sys.argv[1:]
    store = PostgresStore(conninfo, schema=schema)
    service = CallbackService(store, [QueuePolicy(queue="support")], clock=SystemClock())
    with psycopg.connect(conninfo, options=f"-c search_path={orders}") as host:
        receipt = service.within(store.joined(host)).request("support", number="+12125550101")
        host.execute("INSERT INTO orders VALUES ('killed', %s)", [receipt.callback_id])
        print("here", flush=True)
        sys.stdin.read()
"""


def test_who_is_killed_before_the_commit_leaves_neither(store: PostgresStore, orders: str) -> None:
    """A process dies by SIGKILL after its writes."""
    program = textwrap.dedent(CHILD)
    child = subprocess.Popen(
        [sys.executable, "-c", program, conninfo(), store._schema, orders],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"here\n"
        child.kill()
    assert len(orders_kept(orders)) == waiting(service_on(store)) == 0


def test_several_commands_in_one_transaction(store: PostgresStore, host: Connection) -> None:
    """Each sees what those before it have written."""
    service = service_on(store)
    inside = service.within(store.joined(host))
    first = inside.request("support", number=ADA, request_key="a")
    again = inside.request("support", number=ADA, request_key="a")
    second = inside.request("support", number=BOB, skills=["fr"])
    inside.put_first(second.callback_id)
    inside.cancel(first.callback_id)
    assert again == first
    assert [each.callback_id for each in inside.line("support")] == [second.callback_id]
    assert waiting(service) == 0
    host.commit()
    assert [each.callback_id for each in service.line("support")] == [second.callback_id]


def test_many_requests_are_marked_as_well(store: PostgresStore, host: Connection) -> None:
    """Every receipt that is given in the host's transaction says that it is provisional."""
    inside = service_on(store).within(store.joined(host))
    triggered = inside.request_many(
        "support", event_key="outage", people=[Person(number=ADA), Person(number=BOB)]
    )
    assert [receipt.provisional for receipt in triggered.receipts.values()] == [True, True]
    inside.call_joined("support", call_id="c", number="+12125550103")
    answer = inside.request_spoken("support", call_id="c")
    assert answer.receipt is not None
    assert answer.receipt.provisional


@pytest.mark.parametrize("level", [None, *SNAPSHOTS])
def test_a_refused_command_leaves_the_transaction_usable(
    store: PostgresStore, host: Connection, orders: str, level: psycopg.IsolationLevel | None
) -> None:
    """What was written before and after it is committed, and of the command itself nothing."""
    host.isolation_level = level
    service = service_on(store, QueuePolicy(queue="support"))
    inside = service.within(store.joined(host))
    host.execute("INSERT INTO orders VALUES ('before')")
    inside.request("support", number=ADA)
    with pytest.raises(DuplicateCallback):
        inside.request("support", number=ADA)
    with pytest.raises(CallbackNotFound):
        inside.cancel("cb_nothing")
    host.execute("INSERT INTO orders VALUES ('later')")
    inside.request("support", number=BOB)
    host.commit()
    assert waiting(service) == 2
    assert orders_kept(orders) == [("before", None), ("later", None)]


def test_an_error_of_the_server_undoes_only_the_savepoint(
    store: PostgresStore, host: Connection, orders: str
) -> None:
    """A row that breaks a rule of the database is an error of PostgreSQL's; the host goes on all the same."""
    joined = store.joined(host)
    host.execute("INSERT INTO orders VALUES ('before')")
    with (
        pytest.raises(ValueError, match="slot_counts"),
        joined.transaction(TENANT, commit=Commit.FLUSHED) as tx,
    ):
        tx._session.write(
            "INSERT INTO callbackq_slots (tenant_id, queue, slot_at, version, usual_count, kept_count)"
            " VALUES ($1, 'q', now(), 1, -1, 0)",
            (TENANT,),
        )
    host.execute("INSERT INTO orders VALUES ('later')")
    host.commit()
    assert [name for name, _ in orders_kept(orders)] == ["before", "later"]


def test_who_rolls_back_to_a_savepoint_takes_the_promise_back(
    store: PostgresStore, host: Connection, orders: str
) -> None:
    """A block of the host's within its transaction fails: what was promised in it is gone, and the rest stands."""
    service = service_on(store)
    inside = service.within(store.joined(host))
    inside.request("support", number=ADA)
    with host.transaction(force_rollback=True):
        inside.request("support", number=BOB)
    host.commit()
    assert waiting(service) == 1


def test_a_new_set_of_skills_outlives_a_rollback(store: PostgresStore, host: Connection) -> None:
    """What is known of lanes is what was committed: no number is believed to be a lane that was undone."""
    service = service_on(store)
    joined = store.joined(host)
    service.within(joined).request("support", number=ADA, skills=["fr"])
    with joined.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        undone = tx.lanes.intern(("it",))
    host.rollback()
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        assert tx.lanes.intern(("es",)) == undone
        assert tx.lanes.served_by(("fr", "it")) == (0, tx.lanes.intern(("fr",)))


def test_a_limit_that_was_reached_in_vain_is_forgotten(store: PostgresStore, host: Connection) -> None:
    """The host takes back the request that reached it: outside nobody is refused for it."""
    limits = RequestLimits(per_number=(Limit(1, timedelta(hours=1)),))
    service = service_on(store, QueuePolicy(queue="support", limits=limits, duplicates=Duplicates.ALLOW))
    inside = service.within(store.joined(host))
    inside.request("support", number=ADA)
    with pytest.raises(TooManyRequests):
        inside.request("support", number=ADA)
    host.rollback()
    assert not service.request("support", number=ADA).provisional


# ---------------------------------------------------------------------------- others at the same time


def test_somebody_else_was_first(store: PostgresStore, host: Connection) -> None:
    """In READ COMMITTED the command is tried again by itself, over what was committed meanwhile."""
    service = service_on(store)
    made = service.request("support", number=ADA)
    inside = service.within(_Interrupted(store.joined(host), [lambda: service.put_first(made.callback_id)]))
    inside.cancel(made.callback_id)
    host.commit()
    assert service.get(made.callback_id).outcome == "cancelled"


def test_who_always_comes_second_is_told_so(store: PostgresStore, host: Connection, orders: str) -> None:
    """A Conflict, as outside; the host's transaction goes on, and the command may be given again."""
    service = service_on(store)
    made = service.request("support", number=ADA)
    always = [lambda: service.put_first(made.callback_id)] * 20
    inside = service.within(_Interrupted(store.joined(host), always))
    host.execute("INSERT INTO orders VALUES ('before')")
    with pytest.raises(Conflict) as caught:
        inside.cancel(made.callback_id)
    assert "begin it anew" not in str(caught.value)
    service.within(store.joined(host)).cancel(made.callback_id)
    host.commit()
    assert orders_kept(orders) == [("before", None)]
    assert waiting(service) == 0


@pytest.mark.parametrize("level", SNAPSHOTS)
def test_a_transaction_that_sees_one_moment_must_begin_anew(
    store: PostgresStore, host: Connection, level: psycopg.IsolationLevel
) -> None:
    """It would see the same again. The error says so; in a new transaction the same command is done."""
    host.isolation_level = level
    service = service_on(store)
    made = service.request("support", number=ADA)
    inside = service.within(store.joined(host))
    assert inside.get(made.callback_id).version == 1
    service.put_first(made.callback_id)
    with pytest.raises(Conflict, match=r"roll it back, and begin it anew") as caught:
        inside.cancel(made.callback_id)
    assert caught.value.retry_safe
    host.rollback()
    inside.cancel(made.callback_id)
    host.commit()
    assert waiting(service) == 0


def test_a_second_press_at_the_same_moment_gets_the_same_receipt(
    store: PostgresStore, host: Connection
) -> None:
    """
    Between two questions of one command somebody commits: the first finds no request, the next no call any more.

    That refusal is not believed. A transaction of our own would have seen one moment.
    """
    service = service_on(store)
    service.call_joined("support", call_id="c", number=ADA)
    receipts: list[Any] = []
    press = [lambda: receipts.append(service.request("support", call_id="c"))]
    inside = service.within(_Interrupted(store.joined(host), press, after="by_request_key"))
    again = inside.request("support", call_id="c")
    host.commit()
    assert again.callback_id == receipts[0].callback_id
    with pytest.raises(CallHasEnded):
        inside.request("support", call_id="c", request_key="another")


def test_who_was_in_the_way_may_be_gone_a_moment_later(store: PostgresStore, host: Connection) -> None:
    """A row is refused for another one, which ends before it can be said which: a Conflict, to be tried again."""
    first = make_callback("cb_1", dedup_key="d")
    put(store, first)
    joined = store.joined(host)
    with joined.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        put_row = tx._session.put

        def refused(statement: str, parameters: Any) -> int:
            changed = put_row(statement, parameters)
            put(store, next_version(first, dedup_key=None))
            return changed

        tx._session = _Patched(tx._session, put=refused)  # type: ignore[assignment]
        with pytest.raises(StaleVersion, match="not any more"):
            tx.save(make_callback("cb_2", dedup_key="d"))
    put(joined, make_callback("cb_2", dedup_key="d"))
    host.commit()


def test_one_of_two_hosts_promises(store: PostgresStore, orders: str) -> None:
    """Two transactions of hosts ask for one person: the second waits for the first, and then is refused."""
    service = service_on(store, QueuePolicy(queue="support"))
    refused: list[Exception] = []

    def second() -> None:
        with connected(orders, application_name="second") as host:
            try:
                service.within(store.joined(host)).request("support", number=ADA)
            except DuplicateCallback as error:
                refused.append(error)

    with connected(orders) as first:
        service.within(store.joined(first)).request("support", number=ADA)
        thread = threading.Thread(target=second)
        thread.start()
        waits = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'second' AND wait_event_type = 'Lock'"
        while admin().execute(waits).fetchone() != (1,):
            assert thread.is_alive()
        first.commit()
        thread.join(TIMEOUT_S)
    assert len(refused) == 1
    assert waiting(service) == 1


def test_turns_are_kept_until_the_end_of_the_host(store: PostgresStore, host: Connection) -> None:
    """A counter that was used in the host's transaction is kept from everybody until that has ended."""
    with store.joined(host).transaction(TENANT, commit=Commit.FLUSHED) as tx:
        tx.tallies.locked(["k"])
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = %s"
    pid = host.info.backend_pid
    assert admin().execute(held, [pid]).fetchone() == (1,)
    host.commit()
    assert admin().execute(held, [pid]).fetchone() == (0,)


# ---------------------------------------------------------------------------- the host's connection


class _Loud(Loader):
    def load(self, data: Any) -> str:
        return f"loud {bytes(data).decode()}"


class _Wrong(Dumper):
    def dump(self, obj: Any) -> bytes:
        return b"wrong"


def test_a_temporary_table_of_the_same_name_is_no_place_for_a_promise(
    store: PostgresStore, host: Connection
) -> None:
    """The server looks for temporary tables first, unless it is told otherwise: they go with the connection."""
    like = f'"{store._schema}".callbackq_callbacks'
    host.execute(f"CREATE TEMPORARY TABLE callbackq_callbacks (LIKE {like} INCLUDING ALL)")
    service = service_on(store)
    receipt = service.within(store.joined(host)).request("support", number=ADA)
    host.commit()
    assert service.receipt(receipt.callback_id).callback_id == receipt.callback_id


def test_settings_are_read_in_whatever_encoding_the_host_has(store: PostgresStore, orders: str) -> None:
    """A schema of the host's may have a name that is other bytes in ours."""
    with connected(orders, client_encoding="latin1") as host:
        host.execute('SET search_path = "größe", public')
        service = service_on(store)
        service.within(store.joined(host)).request("support", number=ADA)
        assert host.execute("SHOW search_path").fetchone() == {"search_path": '"größe", public'}
        host.commit()
    assert waiting(service) == 1


@pytest.mark.parametrize("end", ["commit", "refused", "rollback"])
def test_the_connection_is_left_as_it_was(
    store: PostgresStore, host: Connection, orders: str, end: str
) -> None:
    """Settings, rows, adapters, prepared statements: the host notices nothing of what we need for ourselves."""
    host.adapters.register_loader("text", _Loud)
    for kind in (str, int, datetime, list, bool):
        host.adapters.register_dumper(kind, _Wrong)
    host.execute(
        "SET lock_timeout = '7s'; SET LOCAL jit = on; SET enable_seqscan = on; SET TimeZone = 'Asia/Tokyo'"
    )
    host.execute("SET LOCAL search_path = pg_temp, public; SET synchronous_commit = local")
    host.execute("SET client_encoding = 'LATIN1'")
    asked = "SELECT name, setting FROM pg_settings WHERE name !~ '^(transaction|plpgsql)' ORDER BY name"
    before = host.execute(asked).fetchall()
    service = service_on(store, QueuePolicy(queue="support"))
    inside = service.within(store.joined(host))
    receipt = inside.request("support", number=ADA, name="Zoë", context={"order": "ÄÖ→"}, skills=["fr"])
    if end == "refused":
        with pytest.raises(DuplicateCallback):
            inside.request("support", number=ADA)
    assert host.execute(asked).fetchall() == before
    assert inside.context(receipt.callback_id) == {"order": "ÄÖ→"}
    if end == "rollback":
        host.rollback()
    else:
        host.commit()
    assert host.execute("SELECT 'x'::text AS text").fetchone() == {"text": "loud x"}
    assert host.execute("SHOW search_path").fetchone() == {"search_path": f"loud {orders}"}
    assert waiting(service) == (0 if end == "rollback" else 1)


def test_adapters_of_the_whole_process_change_nothing(orders: str) -> None:
    """A host registers its own for every connection there will be: ours are not among them."""
    program = """
        import sys, psycopg
        from psycopg.adapt import Dumper, Loader

        class Wrong(Dumper):
            def dump(self, obj): return b"wrong"

        class Loud(Loader):
            def load(self, data): return "loud"

        for kind in (str, int, list, bool, float):
            psycopg.adapters.register_dumper(kind, Wrong)
        for name in ("text", "int8", "bool", "float8", "jsonb", "timestamptz"):
            psycopg.adapters.register_loader(name, Loud)

        from callbackq import CallbackService, QueuePolicy, SystemClock
        from callbackq.stores import PostgresStore
        store = PostgresStore(sys.argv[1], schema=sys.argv[2])
        service = CallbackService(store, [QueuePolicy(queue="support")], clock=SystemClock())
        receipt = service.request("support", number="+12125550101", context={"order": "7"})
        assert service.context(receipt.callback_id) == {"order": "7"}
        with psycopg.connect(sys.argv[1]) as host:
            service.within(store.joined(host)).cancel(receipt.callback_id)
        print(service.get(receipt.callback_id).outcome.value)
    """
    with fresh_schema() as schema:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program), conninfo(), schema],
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout == "cancelled\n"


@pytest.mark.parametrize(("found", "left"), [("off", "on"), ("local", "local"), ("on", "on")])
def test_a_promise_waits_for_the_disk_whatever_the_host_has_set(
    store: PostgresStore, host: Connection, found: str, left: str
) -> None:
    """Only where it would not be durable the host's transaction is made to wait; the next one is as before."""
    host.execute(f"SET synchronous_commit = {found}")
    host.commit()
    inside = service_on(store).within(store.joined(host))
    inside.call_joined("support", call_id="c", number=BOB)
    assert host.execute("SHOW synchronous_commit").fetchone() == {"synchronous_commit": found}
    inside.request("support", number=ADA)
    assert host.execute("SHOW synchronous_commit").fetchone() == {"synchronous_commit": left}
    host.commit()
    assert host.execute("SHOW synchronous_commit").fetchone() == {"synchronous_commit": found}


def test_a_transaction_of_a_connection_that_commits_by_itself(store: PostgresStore, orders: str) -> None:
    """Joined within a block of the driver's, refused outside: there each savepoint would be an error."""
    service = service_on(store)
    with connected(orders, autocommit=True) as host:
        with pytest.raises(RuntimeError, match=r"no transaction is open .*`with connection\.transaction"):
            store.joined(host)
        with host.transaction():
            joined = store.joined(host)
            service.within(joined).request("support", number=ADA)
        with pytest.raises(RuntimeError, match="no transaction is open"):
            service.within(joined).request("support", number=BOB)
    assert waiting(service) == 1


def test_a_transaction_that_has_failed_is_not_joined(store: PostgresStore, host: Connection) -> None:
    """The host must roll back first; then the same store goes on."""
    joined = store.joined(host)
    inside = service_on(store).within(joined)
    with pytest.raises(psycopg.errors.UndefinedTable):
        host.execute("SELECT 1 FROM nothing")
    with pytest.raises(RuntimeError, match="your transaction has failed: roll it back"):
        inside.request("support", number=ADA)
    host.rollback()
    assert inside.request("support", number=ADA).provisional


def test_a_pipeline_is_not_joined(store: PostgresStore, host: Connection) -> None:
    """Answers would come later than they are needed."""
    with host.pipeline(), pytest.raises(RuntimeError, match="leave the pipeline first"):
        store.joined(host)


def test_a_connection_that_is_busy_or_closed_is_not_joined(store: PostgresStore, host: Connection) -> None:
    """During a COPY nothing else can be said; and on a closed one nothing at all."""
    joined = store.joined(host)
    with (
        host.cursor() as cursor,
        cursor.copy("COPY orders FROM STDIN"),
        pytest.raises(RuntimeError, match="statement of yours is under way"),
    ):
        store.joined(host)
    host.close()
    with pytest.raises(StoreUnavailable, match="closed"), joined.transaction(TENANT, commit=Commit.FLUSHED):
        pass


def test_what_is_no_connection_is_refused(store: PostgresStore) -> None:
    """Such as a session of an ORM: the driver's own connection is inside it."""
    with pytest.raises(ConfigurationError, match=r"connection is 'object'.*psycopg\.Connection"):
        store.joined(object())  # type: ignore[arg-type]


def test_a_connection_to_other_tables_is_refused(store: PostgresStore, host: Connection, orders: str) -> None:
    """Where there are none of ours, or those of another store: nothing is written, and the host goes on."""
    with fresh_schema() as schema:
        other = PostgresStore(conninfo(), schema=schema)
        inside = JoinedStore(
            host, name="here", schema=schema, pepper=store.pepper, lane_cache=store._lane_cache
        )
        with pytest.raises(ConfigurationError, match="pepper"):
            service_on(inside).request("support", number=ADA)  # type: ignore[arg-type]
        nowhere = JoinedStore(
            host, name="here", schema="nowhere", pepper=store.pepper, lane_cache=store._lane_cache
        )
        with pytest.raises(ConfigurationError, match="one to here, schema nowhere"):
            service_on(nowhere).request("support", number=ADA)  # type: ignore[arg-type]
        host.execute("INSERT INTO orders VALUES ('goes on')")
        host.commit()
        other.close()
    assert orders_kept(orders) == [("goes on", None)]


def test_a_role_without_rights_is_told_so(store: PostgresStore, host: Connection, orders: str) -> None:
    """The host's role has to have them; its transaction goes on."""
    admin().execute(f"CREATE ROLE {orders}_clerk")
    admin().execute(f"GRANT ALL ON SCHEMA {orders}, {store._schema} TO {orders}_clerk")
    try:
        host.execute(f"SET LOCAL ROLE {orders}_clerk")
        with pytest.raises(StoreUnavailable, match="the role may not do this"):
            service_on(store).within(store.joined(host)).request("support", number=ADA)
        assert host.execute("SELECT 1 AS one").fetchone() == {"one": 1}
        host.rollback()
    finally:
        admin().execute(f"DROP OWNED BY {orders}_clerk; DROP ROLE {orders}_clerk")


def test_a_lost_connection_loses_both(store: PostgresStore, host: Connection, orders: str) -> None:
    """The server undoes the host's transaction as a whole; a new connection is joined as any other."""
    service = service_on(store)
    joined = store.joined(host)
    service.within(joined).request("support", number=ADA)
    admin().execute("SELECT pg_terminate_backend(%s, 10000)", [host.info.backend_pid])
    with pytest.raises(StoreUnavailable):
        service.within(joined).request("support", number=BOB)
    with connected(orders) as anew:
        service.within(store.joined(anew)).request("support", number=BOB)
        anew.commit()
    assert waiting(service) == 1


def test_another_one_waits_for_a_lock_no_longer_than_outside(
    store: PostgresStore, host: Connection, orders: str
) -> None:
    """Somebody keeps a row for too long: given up within the time, and the host's own limit is not touched."""
    service = service_on(store)
    made = service.request("support", number=ADA)
    host.execute("SET lock_timeout = '1min'")
    inside = service.within(store.joined(host))
    with connected(orders) as other:
        service.within(store.joined(other)).put_first(made.callback_id)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("callbackq.stores.postgres_joined.NEEDED", {"lock_timeout": "20ms"})
            with pytest.raises(StoreUnavailable, match="keeps a row or a lock for too long"):
                inside.cancel(made.callback_id)
    assert host.execute("SHOW lock_timeout").fetchone() == {"lock_timeout": "1min"}


# ---------------------------------------------------------------------------- what is not done in there


def test_nothing_is_driven_or_sent_within(store: PostgresStore, host: Connection) -> None:
    """A dispatcher would dial before the promise is durable, and a code would be sent for nothing."""
    inside = service_on(store).within(store.joined(host))
    with pytest.raises(RuntimeError, match="cannot be driven"):
        Dispatcher(inside)
    with pytest.raises(RuntimeError, match="cannot send a code"):
        inside.send_code("support", number=ADA)
    with pytest.raises(RuntimeError, match="cannot be told of changes"):
        inside.when_changed(lambda: None)
    with pytest.raises(RuntimeError, match="cannot be joined once more"):
        inside.within(store.joined(host))


def test_no_ticket_is_opened_before_the_commit(store: PostgresStore, host: Connection) -> None:
    """Asked again under the same key when it is durable, the help desk is told."""
    opened: list[str] = []

    class Desk:
        def open(self, order: Any) -> str:
            opened.append(order.callback_id)
            return "T-1"

    service = service_on(store, tickets=Desk())
    receipt = service.within(store.joined(host)).request("support", number=ADA, request_key="k")
    assert opened == []
    host.commit()
    service.request("support", number=ADA, request_key="k")
    assert opened == [receipt.callback_id]


def test_runners_are_woken_when_the_host_says_so(store: PostgresStore, host: Connection) -> None:
    """Not by a command that may still be undone."""
    woken: list[int] = []
    service = service_on(store)
    service.when_changed(lambda: woken.append(1))
    service.within(store.joined(host)).request("support", number=ADA)
    assert woken == []
    host.commit()
    service.changed()
    assert woken == [1]


def test_who_listens_is_told_with_the_commit(store: PostgresStore, host: Connection) -> None:
    """By the server itself: once for a transaction that wrote, and never for one that was undone."""
    inside = service_on(store).within(store.joined(host))
    listening = store.listen(TENANT)
    heard = threading.Event()

    def hear() -> None:
        if listening.wait():
            heard.set()
        listening.close()

    threading.Thread(target=hear, daemon=True).start()
    inside.request("support", number=ADA)
    host.rollback()
    inside.line("support")
    host.commit()
    assert not heard.is_set()
    inside.request("support", number=ADA)
    host.commit()
    assert heard.wait(TIMEOUT_S)


def test_erasing_cleans_the_files_later(store: PostgresStore, host: Connection) -> None:
    """The person is gone with the commit; the files cannot be cleaned within a transaction, and it says so."""
    service = service_on(store)
    service.request("support", number=ADA)
    inside = service.within(store.joined(host))
    assert inside.erase(number=ADA, reason="asked").more
    host.commit()
    assert service.erase(number=ADA, reason="asked").subjects_count == 0


def test_a_joined_store_is_closed_without_the_connection(store: PostgresStore, host: Connection) -> None:
    """The transaction goes on; the store is of no more use."""
    joined = store.joined(host)
    put(joined, make_callback("cb_1"))
    joined.close()
    joined.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        put(joined, next_version(make_callback("cb_1")))
    host.commit()
    with store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
        assert tx.callbacks.get("cb_1").version == 1  # type: ignore[arg-type]


def test_one_transaction_at_a_time(store: PostgresStore, host: Connection) -> None:
    """A second one within the first is a mistake, and told."""
    joined = store.joined(host)
    with (
        joined.transaction(TENANT, commit=Commit.FLUSHED),
        pytest.raises(RuntimeError, match="open already"),
        joined.transaction(TENANT, commit=Commit.FLUSHED),
    ):
        pass


def test_a_joined_store_shows_nothing_of_a_number(store: PostgresStore, host: Connection) -> None:
    """Neither in a receipt nor in an error."""
    inside = service_on(store, QueuePolicy(queue="support")).within(store.joined(host))
    receipt = inside.request("support", number=ADA)
    with pytest.raises(DuplicateCallback) as caught:
        inside.request("support", number=ADA)
    assert ADA[5:] not in json.dumps([repr(receipt), repr(caught.value), repr(inside.store)])


# ---------------------------------------------------------------------------- as any store


class _Hosted:
    """A store, each of whose transactions is one of a host's, that joins it and commits at once."""

    def __init__(self, store: PostgresStore) -> None:
        self._store = store
        self._free: list[Connection] = []
        self.pepper = store.pepper

    @contextmanager
    def transaction(self, tenant_id: TenantId, *, commit: Commit) -> Iterator[Any]:
        host = self._free.pop() if self._free else psycopg.connect(conninfo(), row_factory=dict_row)
        try:
            with host.transaction(), self._store.joined(host).transaction(tenant_id, commit=commit) as tx:
                yield tx
        finally:
            self._free.append(host)

    def close(self) -> None:
        for host in self._free:
            host.close()


class TestInTransactionsOfAHost(KeyContract, ThreadContract, ChainContract, LaneContract, TallyContract):
    """What must hold while many fight over one store holds in the transactions of hosts, in READ COMMITTED."""

    @pytest.fixture(autouse=True)
    def _fresh(self) -> Iterator[None]:
        with fresh_store() as store:
            self.opened = _Hosted(store)
            yield

    def open_store(self) -> Any:
        return self.opened


# ---------------------------------------------------------------------------- an interruption


class _Interrupted:
    """A joined store: in each of its transactions, after the first question of a kind, somebody else does something."""

    def __init__(self, behind: JoinedStore, actions: list[Callable[[], Any]], *, after: str = "get") -> None:
        self._behind, self._actions, self._after = behind, list(actions), after
        self.pepper = behind.pepper

    @contextmanager
    def transaction(self, tenant_id: Any, *, commit: Commit) -> Iterator[Any]:
        with self._behind.transaction(tenant_id, commit=commit) as tx:
            yield _Watched(tx, self._after, self._act)

    def _act(self) -> None:
        if self._actions:
            self._actions.pop(0)()


class _Patched:
    def __init__(self, behind: Any, **changes: Any) -> None:
        self._behind = behind
        self.__dict__.update(changes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)


class _Watched:
    def __init__(self, tx: Any, after: str, act: Callable[[], None]) -> None:
        self._tx, self._after, self._act = tx, after, act

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._tx, name)
        return _WatchedTable(found, self._after, self._act) if name == "callbacks" else found


class _WatchedTable:
    def __init__(self, table: Any, after: str, act: Callable[[], None]) -> None:
        self._table, self._after, self._act = table, after, act

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._table, name)
        if name != self._after:
            return verb

        def watched(*args: Any, **kwargs: Any) -> Any:
            answer = verb(*args, **kwargs)
            self._act()
            return answer

        return watched


# ---------------------------------------------------------------------------- listeners


def test_listeners_are_told_when_the_host_says_that_it_has_committed(
    store: PostgresStore, host: Connection
) -> None:
    """Of all commands at once, as of one transaction; before it of none; and what was rolled back never."""
    heard: list[list[str]] = []
    woken: list[int] = []
    service = service_on(store, listeners=[lambda events: heard.append([one.kind for one in events])])
    service.when_changed(lambda: woken.append(len(heard)))
    inside = service.within(store.joined(host))
    first = inside.request("support", number=ADA)
    inside.cancel(first.callback_id)
    host.commit()
    assert (heard, woken) == ([], [])
    inside.committed()
    assert (heard, woken) == ([["callback_requested", "callback_ended"]], [1])
    inside.committed()
    assert len(heard) == 1
    service.within(store.joined(host)).request("support", number=BOB)
    host.rollback()
    service.within(store.joined(host)).committed()
    assert len(heard) == 1

"""The store in PostgreSQL: nodes, lost connections, errors, durability, plans, and columns that a DBA can read."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
import types
import typing
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.pq import ExecStatus
from psycopg.rows import dict_row

from callbackq import events
from callbackq.errors import (
    CallbackNotFound,
    CommitUncertain,
    ConfigurationError,
    Conflict,
    InvalidText,
    SchemaMismatch,
    StaleVersion,
    StoreUnavailable,
    UniquenessViolated,
)
from callbackq.ids import AgentId, CallbackId, CallId, LegId, PlaceId, QueueName, SubjectId, TenantId
from callbackq.model import (
    POSITION_EXACT_MAX,
    Agent,
    AgentState,
    Attempt,
    AttemptState,
    Booking,
    BookingState,
    Callback,
    CallbackState,
    CallState,
    Conversation,
    LiveCall,
    Message,
    MessageState,
    Node,
    OptOut,
    QueueControl,
    Record,
    SlotCount,
    SlotDay,
    Subject,
    Tally,
    Verification,
    Webhook,
)
from callbackq.ports import Commit, Transaction
from callbackq.stores import PostgresStore, postgres, postgres_connections
from callbackq.stores import postgres_counting as counting
from callbackq.stores import postgres_statements as sql
from callbackq.stores.migrations import SCHEMA_VERSION, known_scripts
from callbackq.stores.postgres_errors import translate, translate_commit
from callbackq.stores.postgres_webhooks import WEBHOOKS_OF
from callbackq.stores.rows import CHAIN_COLUMNS, EVENT_COLUMNS
from callbackq.testing.builders import (
    QUEUE,
    SLOT_AT,
    make_agent,
    make_attempt,
    make_booking,
    make_call,
    make_callback,
    make_conversation,
    make_event,
    make_message,
    make_queue_control,
    make_slot_count,
    make_slot_day,
    make_subject,
    make_tally,
    next_version,
)
from callbackq.testing.clock import START
from callbackq.testing.store_contract.base import TENANT, append, ask, at_once, put
from callbackq.testing.store_contract.bookings import take_seat
from callbackq.testing.store_contract.chain import check_chains
from stores.postgres_server import admin, conninfo, fresh_schema, fresh_store

TIMEOUT_S = 30.0
TABLES: dict[str, type[Any]] = {
    "callbackq_callbacks": Callback,
    "callbackq_calls": LiveCall,
    "callbackq_agents": Agent,
    "callbackq_attempts": Attempt,
    "callbackq_bookings": Booking,
    "callbackq_slots": SlotCount,
    "callbackq_slot_days": SlotDay,
    "callbackq_subjects": Subject,
    "callbackq_queues": QueueControl,
    "callbackq_tallies": Tally,
    "callbackq_verifications": Verification,
    "callbackq_opt_outs": OptOut,
    "callbackq_messages": Message,
    "callbackq_conversations": Conversation,
    "callbackq_nodes": Node,
    "callbackq_webhooks": Webhook,
}


@pytest.fixture
def store() -> Iterator[PostgresStore]:
    with fresh_store() as store:
        yield store


@pytest.fixture
def schema() -> Iterator[str]:
    """A schema that does not exist yet."""
    with fresh_schema() as name:
        yield name


@pytest.fixture
def node(store: PostgresStore) -> Iterator[PostgresStore]:
    """A second node on the tables of the first."""
    with opened(store._schema, application_name=store._schema) as second:
        yield second


@pytest.fixture
def dba(store: PostgresStore) -> Iterator[psycopg.Connection[Any]]:
    """Another connection to the tables, as any database tool opens one."""
    with psycopg.connect(
        conninfo(), autocommit=True, options=f"-c search_path={store._schema}"
    ) as connection:
        yield connection


@contextmanager
def opened(schema: str, *, application_name: str = "test", **options: Any) -> Iterator[PostgresStore]:
    """Open a store for a block."""
    store = PostgresStore(
        make_conninfo(conninfo(), application_name=application_name), schema=schema, **options
    )
    try:
        yield store
    finally:
        store.close()


@pytest.fixture
def aside() -> Iterator[Callable[..., Future[Any]]]:
    """Do something in a thread of its own."""
    with ThreadPoolExecutor(4) as threads:
        yield threads.submit


def do(store: PostgresStore, work: Callable[[Any], object], *, commit: Commit = Commit.FLUSHED) -> None:
    """Do *work* in one transaction."""
    with store.transaction(TENANT, commit=commit) as tx:
        work(tx)


def wait_until_blocked(node: PostgresStore) -> None:
    """Return when a connection of this node waits for another one."""
    until = time.monotonic() + TIMEOUT_S
    asked = "SELECT 1 FROM pg_stat_activity WHERE application_name = %s AND wait_event_type = 'Lock'"
    while admin().execute(asked, [node._schema]).fetchone() is None:
        assert time.monotonic() < until
        time.sleep(0.005)


def backend_of(tx: Transaction) -> int:
    """Return the server's process that a transaction talks to."""
    return typing.cast("Any", tx)._session._connection.info.backend_pid


def setting(store: PostgresStore, name: str, commit: Commit) -> str:
    """Return what a setting is within a transaction."""
    with store.transaction(TENANT, commit=commit) as tx:
        return str(tx._session.fetch(f"SELECT current_setting('{name}')", ())[0][0])


# ---------------------------------------------------------------------------- opening


def test_everything_is_there_when_the_tables_are_opened_again(schema: str) -> None:
    """Rows, history, lanes, order, counts, switches and the pepper outlive the store."""
    with opened(schema) as store:
        put(store, make_callback("cb_1", rank=2), make_call("call_1", rank=1), make_agent("mia"))
        put(store, make_attempt("at_1"), make_subject("su_1", contexts={"cb_1": {"order": "7"}}))
        put(store, make_queue_control(QUEUE, dialing_paused=True))
        append(store, make_event(events.CallbackReady), make_event(events.CallJoined))
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            fr = tx.lanes.intern(("fr",))
        pepper = store.pepper
    with opened(schema) as store, store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
        assert store.pepper == pepper
        assert tx.line.head(QUEUE, lanes=(0,)) == make_call("call_1", rank=1)
        assert tx.line.count_ahead(QUEUE, rank=2, place_id=PlaceId("cb_1")).calls == 1
        assert tx.agents.available() == [make_agent("mia")]
        assert tx.agents.staffed_count(QUEUE) == 1
        assert tx.attempts.live_by_number("number_at_1") == make_attempt("at_1")
        assert tx.subjects.get(SubjectId("su_1")).contexts == {"cb_1": {"order": "7"}}
        assert tx.queues.find(QUEUE) == make_queue_control(QUEUE, dialing_paused=True)
        assert tx.history.all() == [make_event(events.CallbackReady), make_event(events.CallJoined)]
        assert tx.lanes.skills_of(fr) == ("fr",)
        assert tx.lanes.served_by(("fr",)) == (0, fr)


def test_several_who_open_at_once_make_the_tables_once(
    schema: str, aside: Callable[..., Future[Any]]
) -> None:
    """They take turns, and agree on the pepper."""
    start = threading.Barrier(4)

    def open_it() -> bytes:
        start.wait(TIMEOUT_S)
        with opened(schema) as store:
            put(store, make_callback(f"cb_{threading.get_ident()}"))
            return store.pepper

    opening = [aside(open_it) for _ in range(4)]
    assert len({each.result(TIMEOUT_S) for each in opening}) == 1
    with opened(schema) as store:
        assert ask(store, lambda tx: tx.line.waiting_count(QUEUE)) == 4


def test_a_schema_of_the_host_keeps_its_own_tables(schema: str) -> None:
    """All names begin with callbackq_, so nothing collides."""
    admin().execute(f"CREATE SCHEMA {schema}")
    admin().execute(f"CREATE TABLE {schema}.orders (id bigint PRIMARY KEY)")
    with opened(schema) as store:
        put(store, make_callback("cb_1"))
    found = admin().execute(
        "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%(schema)s)"
        " UNION SELECT proname FROM pg_proc WHERE pronamespace = to_regnamespace(%(schema)s)",
        {"schema": schema},
    )
    names = {name for (name,) in found}
    assert {name for name in names if not name.startswith("callbackq_")} == {"orders", "orders_pkey"}


def test_two_schemas_of_one_database_are_two_stores(store: PostgresStore, schema: str) -> None:
    """Not even their turns are shared."""
    with opened(schema) as other, store.transaction(TENANT, commit=Commit.RELAXED) as tx:
        assert tx.line.is_empty()
        put(other, make_callback("cb_1"))
        with other.transaction(TENANT, commit=Commit.RELAXED) as other_tx:
            assert not other_tx.line.is_empty()
        assert tx.line.is_empty()


def test_tables_of_another_version_are_refused(schema: str) -> None:
    """Nothing is touched in tables that this version does not know."""
    with opened(schema):
        pass
    admin().execute(f"UPDATE {schema}.callbackq_meta SET value = '99' WHERE name <> 'pepper'")
    with pytest.raises(SchemaMismatch, match=rf"schema version 99 .* reads version {SCHEMA_VERSION}"):
        PostgresStore(conninfo(), schema=schema)


@pytest.mark.parametrize("name", ["", "Public", "pg_mine", "a b", 'a"b', "ä", "1a", "x" * 64])
def test_only_a_small_name_is_a_schema(name: str) -> None:
    """Whatever would need quotes is refused."""
    with pytest.raises(ConfigurationError, match="schema"):
        PostgresStore(conninfo(), schema=name)


def test_at_least_one_connection_is_needed() -> None:
    """None is a mistake, said at once."""
    with pytest.raises(ConfigurationError, match="connections_max"):
        PostgresStore(conninfo(), connections_max=0)


def test_a_database_that_is_not_in_utf_8_is_refused() -> None:
    """Most names could not be stored in it."""
    name = f"callbackq_test_latin_{os.getpid()}"
    admin().execute(
        f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
    )
    try:
        with pytest.raises(ConfigurationError, match="UTF8"):
            PostgresStore(make_conninfo(conninfo(), dbname=name))
    finally:
        admin().execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_server_that_is_too_old_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is made."""
    monkeypatch.setattr(postgres, "_SERVER_VERSION_MIN", 99)
    with pytest.raises(ConfigurationError, match="PostgreSQL 99 or newer"):
        PostgresStore(conninfo())


def test_a_role_needs_few_rights_once_the_tables_are_there(schema: str) -> None:
    """It makes nothing, and reads and writes rows; what it lacks is said."""
    role = f"{schema}_role"
    admin().execute(f"CREATE ROLE {role}")
    as_role = make_conninfo(conninfo(), options=f"-c role={role}")
    try:
        with pytest.raises(SchemaMismatch, match=f"callbackq migrate postgresql://... --schema {schema}"):
            PostgresStore(as_role, schema=schema)
        with opened(schema):
            pass
        with pytest.raises(StoreUnavailable, match="the role may not do this"):
            PostgresStore(as_role, schema=schema)
        admin().execute(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
        admin().execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}")
        store = PostgresStore(as_role, schema=schema)
        agent, attempt = make_agent("mia"), make_attempt("at_1")
        put(store, make_callback("cb_1"), agent, attempt, next_version(agent, queues=("sales",)))
        put(store, next_version(attempt, agent_leg_id=LegId("new")))
        append(store, make_event(events.CallbackReady))
        assert ask(store, lambda tx: tx.agents.staffed_count(QueueName("sales"))) == 1
        store.close()
    finally:
        admin().execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        admin().execute(f"DROP ROLE {role}")


# ---------------------------------------------------------------------------- scrubbing


def test_old_versions_of_persons_are_removed(store: PostgresStore, dba: psycopg.Connection[Any]) -> None:
    """The server itself counts none any more."""
    subject = make_subject("su_1", name="Ada")
    put(store, subject)
    put(store, next_version(subject, name=None))
    assert store.scrub() is True
    assert dba.execute("SELECT pg_stat_get_dead_tuples('callbackq_subjects'::regclass)").fetchone() == (0,)
    assert dba.execute("SELECT name FROM callbackq_subjects").fetchall() == [(None,)]


def test_a_reader_of_older_data_is_in_the_way(store: PostgresStore, dba: psycopg.Connection[Any]) -> None:
    """Then the answer is no; when he is done it is yes."""
    subject = make_subject("su_1", name="Ada")
    put(store, subject)
    with dba.transaction():
        dba.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        assert dba.execute("SELECT name FROM callbackq_subjects").fetchall() == [("Ada",)]
        put(store, next_version(subject, name=None))
        assert store.scrub() is False
        assert dba.execute("SELECT name FROM callbackq_subjects").fetchall() == [("Ada",)]
    assert store.scrub() is True


def test_a_role_that_does_not_own_the_tables_is_told(schema: str) -> None:
    """The server only warns, and does nothing: that is no scrubbing."""
    role = f"{schema}_role"
    admin().execute(f"CREATE ROLE {role}")
    try:
        with opened(schema):
            pass
        admin().execute(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
        admin().execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}")
        store = PostgresStore(make_conninfo(conninfo(), options=f"-c role={role}"), schema=schema)
        with pytest.raises(StoreUnavailable, match="does not own"):
            store.scrub()
        store.close()
    finally:
        admin().execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        admin().execute(f"DROP ROLE {role}")


def test_a_server_that_is_gone_cannot_be_scrubbed(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it says comes out as everywhere."""

    def fail(*_arguments: object) -> bool:
        raise psycopg.errors.AdminShutdown

    monkeypatch.setattr(postgres, "_vacuum", fail)
    with pytest.raises(StoreUnavailable, match="stopping"):
        store.scrub()


# ---------------------------------------------------------------------------- pepper


def test_a_pepper_of_the_host_is_not_written(schema: str) -> None:
    """The database holds a fingerprint, and cannot be opened without the pepper."""
    pepper = bytes(range(32))
    with opened(schema, pepper=pepper) as store:
        assert store.pepper == pepper
    meta = admin().execute(f"SELECT * FROM {schema}.callbackq_meta").fetchall()
    assert pepper.hex() not in repr(meta)
    with opened(schema, pepper=pepper):
        pass
    with pytest.raises(ConfigurationError, match="pepper is 'none'"):
        PostgresStore(conninfo(), schema=schema)


@pytest.mark.parametrize("first", [None, b"a" * 32])
def test_another_pepper_is_refused_and_not_shown(schema: str, first: bytes | None) -> None:
    """With another pepper every known number would be a stranger."""
    with opened(schema, pepper=first) as store:
        known = store.pepper
    with pytest.raises(ConfigurationError, match="another one") as caught:
        PostgresStore(conninfo(), schema=schema, pepper=b"b" * 32)
    assert "bbb" not in str(caught.value)
    with opened(schema, pepper=known):
        pass


def test_a_short_pepper_is_refused() -> None:
    """Before any connection is made."""
    with pytest.raises(ConfigurationError, match="5 bytes"):
        PostgresStore("host=nowhere", pepper=b"short")


# ---------------------------------------------------------------------------- without a server, without a driver


def test_a_server_that_is_not_there_is_named_without_its_password(schema: str) -> None:
    """Host, port and database help; the password is nowhere in the error, nor in what caused it."""
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:1, calls") as caught:
        PostgresStore("postgresql://ann:s3cret@127.0.0.1:1/calls", schema=schema)
    assert caught.value.retry_safe
    assert isinstance(caught.value.__cause__, psycopg.Error)
    assert "s3cret" not in f"{caught.value} {caught.value.__cause__}"


def test_a_database_that_is_not_there_is_said() -> None:
    """The server's own words are kept."""
    with pytest.raises(StoreUnavailable, match=r'"nowhere" does not exist'):
        PostgresStore(make_conninfo(conninfo(), dbname="nowhere"))


@pytest.mark.parametrize("text", ["host=x s3cret", "postgresql://a:s3cret@[::1", "pasword=s3cret"])
def test_a_connection_string_that_cannot_be_read_is_not_shown(text: str) -> None:
    """It may hold a password, also where one does not expect it."""
    with pytest.raises(ConfigurationError, match="conninfo") as caught:
        PostgresStore(text)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_missing_driver_is_said_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence can be copied into a shell."""
    for name in [name for name in sys.modules if name.split(".")[0] == "psycopg"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'callbackq\[postgres\]'"):
        PostgresStore("")


def test_the_driver_is_imported_when_a_store_is_opened() -> None:
    """Whoever keeps records elsewhere needs no psycopg, and does not wait for it."""
    script = (
        "import sys, callbackq, callbackq.stores\n"
        "lazy = {'psycopg', 'callbackq.stores.postgres'} & set(sys.modules)\n"
        "from callbackq.stores import PostgresStore\n"
        "print(sorted(lazy), 'psycopg' in sys.modules, PostgresStore.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[] False PostgresStore\n"


def test_stores_have_no_other_name() -> None:
    """A mistake in an import is a mistake."""
    with pytest.raises(ImportError, match="PostgreStore"):
        exec("from callbackq.stores import PostgreStore")


# ---------------------------------------------------------------------------- durability and what is seen


def test_promises_wait_for_the_disk_and_live_calls_do_not(store: PostgresStore) -> None:
    """Each transaction runs under the setting it asked for, in any order, on one connection."""
    order = [Commit.FLUSHED, Commit.RELAXED, Commit.RELAXED, Commit.FLUSHED, Commit.READ_ONLY, Commit.RELAXED]
    assert [setting(store, "synchronous_commit", commit) for commit in order] == [
        "on", "off", "off", "on", "on", "off",
    ]  # fmt: skip


def test_a_claim_runs_under_the_setting_that_it_asked_for(store: PostgresStore) -> None:
    """Waiting for a turn changes nothing about that."""
    for commit, expected in ((Commit.RELAXED, "off"), (Commit.FLUSHED, "on")):
        with store.transaction(TENANT, commit=commit) as tx:
            tx.line.is_empty()
            found = tx._session.fetch("SELECT current_setting('synchronous_commit')", ())
            assert found == [(expected,)]
            assert tx._session.fetch("SELECT current_setting('transaction_isolation')", ()) == [
                ("repeatable read",)
            ]


@pytest.mark.parametrize(
    ("commit", "is_read_only"), [(Commit.READ_ONLY, "on"), (Commit.RELAXED, "off"), (Commit.FLUSHED, "off")]
)
def test_the_server_itself_knows_who_only_reads(
    store: PostgresStore, commit: Commit, is_read_only: str
) -> None:
    """And that a transaction sees one moment."""
    assert setting(store, "transaction_read_only", commit) == is_read_only
    assert setting(store, "transaction_isolation", commit) == "repeatable read"


def test_the_server_itself_refuses_to_write_while_reading(store: PostgresStore) -> None:
    """Should the store's own check ever fail."""
    with (
        pytest.raises(StoreUnavailable, match="read-only"),
        store.transaction(TENANT, commit=Commit.READ_ONLY) as tx,
    ):
        tx._session.write(sql.INSERT_LANE, (TENANT, 1, "[]"))


def test_a_transaction_sees_one_moment(store: PostgresStore, node: PostgresStore) -> None:
    """
    Somebody presses twice, and the second command is overtaken by the first between two of its questions.

    It must not find a live call that has ended where it found no request: then it would refuse instead of giving
    the same receipt. It sees neither, is told that it is late, and finds both when it tries again.
    """
    call = make_call("call_1")
    put(store, call)

    def press(tx: Transaction) -> None:
        tx.save(next_version(call, state=CallState.ENDED))
        tx.save(make_callback("cb_1", request_key="call:call_1"))

    def press_again(tx: Transaction) -> None:
        assert tx.callbacks.by_request_key("call:call_1") is None
        do(store, press)
        assert tx.calls.get(CallId("call_1")) == call
        assert tx.line.waiting_count(QUEUE) == 1
        press(tx)

    with pytest.raises(StaleVersion, match=r"call_1: .* changed"):
        do(node, press_again)
    assert ask(node, lambda tx: tx.callbacks.by_request_key("call:call_1")) == make_callback(
        "cb_1", request_key="call:call_1"
    )


def test_a_reader_is_not_disturbed_by_writers(store: PostgresStore, node: PostgresStore) -> None:
    """A report over many tables adds up, however long it takes."""
    callback = make_callback("cb_1")
    put(store, callback)
    with node.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
        assert tx.line.waiting_count(QUEUE) == 1
        put(store, next_version(callback, state=CallbackState.ENDED), make_call("call_1"))
        append(store, make_event(events.CallbackReady))
        assert tx.callbacks.get(CallbackId("cb_1")) == callback
        assert tx.history.all() == []
    assert len(ask(node, lambda tx: tx.history.all())) == 1


# ---------------------------------------------------------------------------- several nodes


def test_of_two_who_save_one_version_one_wins(
    store: PostgresStore, node: PostgresStore, aside: Callable[..., Future[Any]]
) -> None:
    """The second waits for the first, and then is told that it is late."""
    row = make_callback("cb_1")
    put(store, row)
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        tx.save(next_version(row, state=CallbackState.HELD))
        late = aside(put, node, next_version(row, state=CallbackState.ENDED))
        wait_until_blocked(node)
    with pytest.raises(StaleVersion, match="cb_1"):
        late.result(TIMEOUT_S)
    assert ask(node, lambda tx: tx.callbacks.get(CallbackId("cb_1"))).state is CallbackState.HELD


def test_who_waited_for_somebody_who_gave_up_goes_on(
    store: PostgresStore, node: PostgresStore, aside: Callable[..., Future[Any]]
) -> None:
    """A version, and a key, that were never committed are free."""
    row = make_callback("cb_1")
    put(store, row)
    for mine, late_row in (
        (next_version(row, state=CallbackState.HELD), next_version(row, priority=3)),
        (make_callback("cb_3", dedup_key="d"), make_callback("cb_2", dedup_key="d")),
    ):
        with suppress(PlannedError), store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
            tx.save(mine)
            late = aside(put, node, late_row)
            wait_until_blocked(node)
            raise PlannedError
        late.result(TIMEOUT_S)
    assert ask(store, lambda tx: tx.callbacks.get(CallbackId("cb_1"))).priority == 3
    assert ask(store, lambda tx: tx.callbacks.active_by_dedup_key("d")) == make_callback(
        "cb_2", dedup_key="d"
    )


class PlannedError(Exception):
    """The failure that a test wants."""


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        (make_callback("cb_1", dedup_key="d"), make_callback("cb_2", dedup_key="d"), "cb_2: .* dedup key"),
        (make_callback("cb_1", request_key="r"), make_callback("cb_2", request_key="r"), "request key"),
        (make_callback("cb_1"), make_callback("cb_1", priority=3), "cb_1: another row has this id"),
        (make_attempt("at_1", number_key="n"), make_attempt("at_2", number_key="n"), "number key"),
        (
            make_attempt("at_1", callback_id=CallbackId("cb")),
            make_attempt("at_2", callback_id=CallbackId("cb")),
            "holds this callback",
        ),
        (
            make_attempt("at_1", agent_leg_id=LegId("x")),
            make_attempt("at_2", customer_leg_id=LegId("x")),
            "at_2: .* leg id",
        ),
        (
            make_subject("su_1", identity="tel:+12125550123"),
            make_subject("su_2", identity="tel:+12125550123"),
            "identity",
        ),
        (
            make_booking("bk_1", callback_id=CallbackId("cb")),
            make_booking("bk_2", callback_id=CallbackId("cb")),
            "bk_2: another booking .* this callback",
        ),
        (
            make_booking("bk_1", agent_id=AgentId("mia")),
            make_booking("bk_2", agent_id=AgentId("mia")),
            "bk_2: another booking .* this agent",
        ),
        (make_slot_count(), make_slot_count(usual_count=1), "support .*: another row has this id"),
        (make_slot_day(), make_slot_day(full_count=1), "support 2026-01-05: another row has this id"),
        (make_queue_control(QUEUE), make_queue_control(QUEUE, dialing_paused=True), "id"),
        (make_message("ms_1", cause="c"), make_message("ms_2", cause="c"), "ms_2: another message .* cause"),
        (make_conversation("k"), make_conversation("k", tries_count=1), "k: another row has this id"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_of_two_who_take_one_key_at_once_one_wins(
    store: PostgresStore,
    node: PostgresStore,
    aside: Callable[..., Future[Any]],
    first: Record,
    second: Record,
    says: str,
) -> None:
    """Neither sees the other's row, and yet the rule holds; what the key was is not told."""
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        tx.save(first)
        late = aside(put, node, second)
        wait_until_blocked(node)
    with pytest.raises(UniquenessViolated, match=says) as caught:
        late.result(TIMEOUT_S)
    assert caught.value.__cause__ is None
    assert "12125550123" not in repr(caught.value.__context__)


def test_who_waits_for_a_counter_sees_the_newest(
    store: PostgresStore, node: PostgresStore, aside: Callable[..., Future[Any]]
) -> None:
    """Whoever asks for it first waits before looking: so there is no conflict, also where there was none yet."""

    def take() -> SlotCount | None:
        with node.transaction(TENANT, commit=Commit.FLUSHED) as tx:
            found = tx.slots.locked(QUEUE, SLOT_AT)
            assert found is not None
            tx.save(next_version(found, usual_count=found.usual_count + 1))
            return found

    count: SlotCount | None = None
    for number in range(1, 6, 2):
        with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
            count = tx.slots.locked(QUEUE, SLOT_AT)
            other = aside(take)
            wait_until_blocked(node)
            mine = next_version(count, usual_count=number) if count else make_slot_count(usual_count=number)
            tx.save(mine)
        assert other.result(TIMEOUT_S) == mine
    final = ask(node, lambda tx: tx.slots.locked(QUEUE, SLOT_AT))
    assert final == make_slot_count(version=6, usual_count=6)


def test_who_has_looked_before_is_told_that_the_counter_has_changed(
    store: PostgresStore, node: PostgresStore, aside: Callable[..., Future[Any]]
) -> None:
    """He waits as well, but what he sees is settled. A new attempt finds the newest."""
    put(store, make_slot_count(), make_call("call_1"))

    def take_late() -> None:
        with node.transaction(TENANT, commit=Commit.FLUSHED) as tx:
            assert tx.calls.find(CallId("call_1")) is not None
            tx.slots.locked(QUEUE, SLOT_AT)

    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        count = tx.slots.locked(QUEUE, SLOT_AT)
        assert count is not None
        late = aside(take_late)
        wait_until_blocked(node)
        tx.save(next_version(count, usual_count=1))
    with pytest.raises(StaleVersion, match="changed"):
        late.result(TIMEOUT_S)
    take_late()


def test_whoever_was_late_for_a_counter_is_not_late_again(store: PostgresStore, node: PostgresStore) -> None:
    """However many want it, and whatever they look at before: the second attempt waits before it looks."""
    later = SLOT_AT + timedelta(hours=1)

    def move(number: int) -> int:
        for tries in range(1, 9):
            try:
                with (store, node)[number % 2].transaction(TENANT, commit=Commit.FLUSHED) as tx:
                    tx.calls.open(QUEUE)
                    time.sleep(0.01)
                    for slot_at in (SLOT_AT, later)[number // 2 % 2 :]:
                        count = tx.slots.locked(QUEUE, slot_at)
                        known = count or make_slot_count(slot_at=slot_at, version=0)
                        tx.save(next_version(known, usual_count=known.usual_count + 1))
            except Conflict:
                continue
            return tries
        return 9

    tries = at_once(move)
    assert max(tries) <= 3, tries
    counts = ask(
        node, lambda tx: tx.slots.between(QUEUE, from_at=SLOT_AT, until_at=later + timedelta(hours=1))
    )
    assert [count.usual_count for count in counts] == [8, 16]


def test_whoever_was_late_for_the_counter_of_a_day_is_not_late_for_it_for_ever(
    store: PostgresStore, node: PostgresStore
) -> None:
    """Each slot has a turn, and the day they share has none at first: so who lost waits for the day's the next time."""
    date = SLOT_AT.date().isoformat()

    def move(number: int) -> int:
        slot_at = SLOT_AT + number * timedelta(hours=1)
        for tries in range(1, 17):
            try:
                with (store, node)[number % 2].transaction(TENANT, commit=Commit.FLUSHED) as tx:
                    tx.slots.locked(QUEUE, slot_at)
                    known = tx.slots.days(QUEUE, from_day=date, until_day=date)
                    day = known[0] if known else make_slot_day(version=0)
                    time.sleep(0.01)
                    tx.save(next_version(day, full_count=day.full_count + 1))
            except Conflict:
                continue
            return tries
        return 17

    tries = at_once(move)
    assert max(tries) <= 6, tries
    (day,) = ask(node, lambda tx: tx.slots.days(QUEUE, from_day=date, until_day=date))
    assert day.full_count == len(tries)


def test_what_somebody_was_late_for_is_forgotten_in_time(store: PostgresStore, node: PostgresStore) -> None:
    """By the next transaction of that thread that may write, also in another tenant."""
    put(store, make_slot_count())
    for tenant_id in (TENANT, TenantId("other")):
        with pytest.raises(StaleVersion):
            do(node, lambda tx: tx.save(next_version(tx.slots.locked(QUEUE, SLOT_AT), version=7)))
        assert len(node._late) == 1
        ask(node, lambda tx: tx.calls.open(QUEUE))
        assert len(node._late) == 1
        with node.transaction(tenant_id, commit=Commit.FLUSHED) as tx:
            assert len(tx._session.kept) == (tenant_id == TENANT)
            assert not node._late


def test_who_waited_for_a_counter_that_was_not_changed_goes_on(
    store: PostgresStore, node: PostgresStore, aside: Callable[..., Future[Any]]
) -> None:
    """Whether he had looked before or not: nothing that he sees is out of date."""
    count = make_slot_count()
    put(store, count, make_call("call_1"))

    def take_late() -> SlotCount | None:
        with node.transaction(TENANT, commit=Commit.FLUSHED) as tx:
            assert tx.calls.find(CallId("call_1")) is not None
            return tx.slots.locked(QUEUE, SLOT_AT)

    with suppress(PlannedError), store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        assert tx.slots.locked(QUEUE, SLOT_AT) == count
        late = aside(take_late)
        wait_until_blocked(node)
        tx.save(next_version(count, usual_count=1))
        raise PlannedError
    assert late.result(TIMEOUT_S) == count


def test_a_counter_keeps_nobody_from_anything_else(store: PostgresStore, node: PostgresStore) -> None:
    """Another slot, another queue, another tenant, and whoever only reads: none of them waits."""
    count = make_slot_count()
    put(store, count)
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        assert tx.slots.locked(QUEUE, SLOT_AT) == count
        assert ask(node, lambda tx: tx.slots.locked(QUEUE, SLOT_AT)) == count
        with node.transaction(TENANT, commit=Commit.FLUSHED) as other:
            assert other.slots.locked(QUEUE, SLOT_AT + timedelta(hours=1)) is None
            assert other.slots.locked(QueueName("sales"), SLOT_AT) is None
            assert other.slots.between(QUEUE, from_at=SLOT_AT, until_at=SLOT_AT + timedelta(hours=1)) == [
                count
            ]
        with node.transaction(TenantId("other"), commit=Commit.FLUSHED) as other:
            assert other.slots.locked(QUEUE, SLOT_AT) is None


def test_who_did_not_ask_for_the_counter_waits_for_whoever_did(
    store: PostgresStore, node: PostgresStore, aside: Callable[..., Future[Any]]
) -> None:
    """The row itself is locked too: a change past `locked` comes second, and is refused."""
    count = make_slot_count()
    put(store, count)
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        tx.slots.locked(QUEUE, SLOT_AT)
        late = aside(put, node, next_version(count, usual_count=9))
        wait_until_blocked(node)
        tx.save(next_version(count, usual_count=1))
    with pytest.raises(StaleVersion, match=r"support .*changed"):
        late.result(TIMEOUT_S)


@pytest.mark.parametrize("is_first", [True, False])
def test_seats_never_exceed_the_limit_over_several_nodes(
    store: PostgresStore, node: PostgresStore, is_first: bool
) -> None:
    """Sixteen threads on two nodes: each seat is given once."""
    look: Callable[[Transaction], object] = lambda tx: None if is_first else tx.calls.open(QUEUE)  # noqa: E731
    stores = (store, node)
    taken = at_once(lambda number: [take_seat(stores[number % 2], limit=25, before=look) for _ in range(3)])
    assert sum(map(sum, taken)) == 25
    assert ask(node, lambda tx: tx.slots.locked(QUEUE, SLOT_AT)) == make_slot_count(
        version=25, usual_count=25
    )


def test_who_waits_for_tallies_sees_the_newest(
    store: PostgresStore, node: PostgresStore, aside: Callable[..., Future[Any]]
) -> None:
    """Several at once: whoever asks for them first waits for all before looking, so nobody is late."""

    def count_late() -> dict[str, Tally]:
        with node.transaction(TENANT, commit=Commit.FLUSHED) as tx:
            return tx.tallies.locked(["c", "b", "x"])

    put(store, make_tally("b"))
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        found = tx.tallies.locked(["a", "b", "c"])
        late = aside(count_late)
        wait_until_blocked(node)
        changed = next_version(found["b"], moments=(1,), weights=(2,))
        tx.save(changed)
        tx.save(make_tally("c"))
    assert late.result(TIMEOUT_S) == {"b": changed, "c": make_tally("c")}


def test_who_has_looked_before_is_told_that_a_tally_has_changed(
    store: PostgresStore, node: PostgresStore, aside: Callable[..., Future[Any]]
) -> None:
    """He waits as well. The next transaction of his thread waits for all of them before it looks."""
    put(store, make_tally("a"), make_tally("b"), make_call("call_1"))

    def count_late() -> str:
        with suppress(StaleVersion), node.transaction(TENANT, commit=Commit.FLUSHED) as tx:
            assert tx.calls.find(CallId("call_1")) is not None
            tx.tallies.locked(["a"])
            tx.tallies.locked(["b", "a"])
            return "was told nothing"
        with node.transaction(TENANT, commit=Commit.FLUSHED) as tx:
            assert tx.calls.find(CallId("call_1")) is not None
            assert tx._session.kept == {("tally", "a"), ("tally", "b")}
            return f"sees version {tx.tallies.locked(['b', 'a'])['b'].version}"

    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        found = tx.tallies.locked(["b"])
        late = aside(count_late)
        wait_until_blocked(node)
        tx.save(next_version(found["b"], moments=(1,), weights=(1,)))
    assert late.result(TIMEOUT_S) == "sees version 2"


def test_a_tally_that_somebody_counts_under_is_not_forgotten(
    store: PostgresStore, node: PostgresStore
) -> None:
    """Whoever forgets passes it over, and waits for nobody."""
    put(store, make_tally("a"), make_tally("b"))
    late = START + timedelta(days=30)
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        tx.tallies.locked(["a"])
        with node.transaction(TENANT, commit=Commit.FLUSHED) as other:
            assert other.tallies.forget(over_before=late, limit=9) == 1
    assert list(ask(store, lambda tx: tx.tallies.locked(["a", "b"]))) == ["a"]


def test_of_two_who_go_on_with_one_history_one_is_told(
    store: PostgresStore, node: PostgresStore, aside: Callable[..., Future[Any]]
) -> None:
    """The second waits for the first, and then meets the index; nothing of it is written."""
    append(store, make_event(events.CallbackReady))

    def go_on() -> None:
        append(node, make_event(events.CallJoined), make_event(events.CallbackReady, version=3))

    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        tx.history.append([make_event(events.CallbackReady, version=2)])
        late = aside(go_on)
        wait_until_blocked(node)
    with pytest.raises(UniquenessViolated, match="another transaction has gone on with this history"):
        late.result(TIMEOUT_S)
    go_on()
    links = ask(store, lambda tx: tx.history.links(limit=9))
    check_chains(links)
    assert [(link.record_id, link.event_number) for link in links] == [
        ("callback_id_1", 1),
        ("callback_id_1", 2),
        ("call_id_1", 1),
        ("callback_id_1", 3),
    ]


def test_who_sees_too_little_of_a_history_does_not_write_it(
    store: PostgresStore, node: PostgresStore
) -> None:
    """What was written since the transaction began to look would be passed over: so it is told."""

    def look_and_write(tx: Transaction) -> None:
        assert tx.line.is_empty()
        append(store, make_event(events.CallbackReady))
        tx.history.append([make_event(events.CallbackReady, version=2)])

    with pytest.raises(UniquenessViolated):
        do(node, look_and_write)
    assert len(ask(store, lambda tx: tx.history.all())) == 1


def test_two_who_want_two_counters_crosswise_are_parted(
    store: PostgresStore, node: PostgresStore, aside: Callable[..., Future[Any]]
) -> None:
    """Whoever moves a booking keeps two slots: one of two goes on, and the other is told to try again."""
    first, second = SLOT_AT, SLOT_AT + timedelta(hours=1)
    meet = threading.Barrier(2)

    def move(at: PostgresStore, order: list[datetime]) -> str:
        try:
            with at.transaction(TENANT, commit=Commit.FLUSHED) as tx:
                tx.slots.locked(QUEUE, order[0])
                meet.wait(TIMEOUT_S)
                tx.slots.locked(QUEUE, order[1])
        except Conflict:
            return "late"
        return "moved"

    ends = [aside(move, store, [first, second]), aside(move, node, [second, first])]
    assert sorted(end.result(TIMEOUT_S) for end in ends) == ["late", "moved"]


def test_every_place_is_claimed_once_by_two_nodes(
    store: PostgresStore, node: PostgresStore, aside: Callable[..., Future[Any]]
) -> None:
    """Nobody is told that he was late, nobody is passed, and nobody is left."""
    put(store, *(make_call(f"call_{number:03}", rank=number) for number in range(60)))
    order: list[str] = []

    def claim(at: PostgresStore) -> int:
        count = 0
        while True:
            with at.transaction(TENANT, commit=Commit.RELAXED) as tx:
                head = tx.line.head(QUEUE, lanes=(0,))
                if head is None:
                    return count
                tx.save(next_version(head, state=CallState.TAKEN))
                order.append(head.place_id)
            count += 1

    claims = [aside(claim, at) for at in (store, node, store, node)]
    assert sum(each.result(TIMEOUT_S) for each in claims) == 60
    assert order == [f"call_{number:03}" for number in range(60)]


def test_two_dispatchers_take_turns_and_commands_go_on(
    store: PostgresStore, node: PostgresStore, aside: Callable[..., Future[Any]]
) -> None:
    """While one node looks for work another waits to do so; who only reads or commands does not."""
    put(store, make_call("call_1"))
    with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
        assert len(tx.calls.due(now=START + timedelta(days=9), limit=9)) == 1
        other = aside(lambda: _due_count(node))
        wait_until_blocked(node)
        put(node, make_callback("cb_1"))
        with node.transaction(TENANT, commit=Commit.FLUSHED) as command:
            assert command.calls.find(CallId("call_1")) is not None
            assert not command.line.is_empty()  # Not the first question: no turn.
        assert ask(node, lambda tx: len(tx.calls.due(now=START + timedelta(days=9), limit=9))) == 1
        with node.transaction(TenantId("other"), commit=Commit.RELAXED) as elsewhere:
            assert elsewhere.line.is_empty()
        tx.save(next_version(make_call("call_1"), state=CallState.ENDED))
    assert other.result(TIMEOUT_S) == 0


def _due_count(store: PostgresStore) -> int:
    with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
        return len(tx.calls.due(now=START + timedelta(days=9), limit=9))


def test_of_two_who_look_for_attempts_without_an_agent_one_waits(
    store: PostgresStore, node: PostgresStore, aside: Callable[..., Future[Any]]
) -> None:
    """So no attempt is given two agents."""

    def look() -> int:
        with node.transaction(TENANT, commit=Commit.RELAXED) as tx:
            return len(tx.attempts.wanting_agent(queues=[QUEUE]))

    put(store, make_attempt("at_1", agent_id=None))
    with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
        (wanting,) = tx.attempts.wanting_agent()
        other = aside(look)
        wait_until_blocked(node)
        tx.save(next_version(wanting, agent_id="mia"))
    assert other.result(TIMEOUT_S) == 0


def test_a_turn_ends_with_its_transaction(store: PostgresStore) -> None:
    """However it ends, no lock is left behind."""
    for commit in Commit:
        with suppress(PlannedError), store.transaction(TENANT, commit=commit) as tx:
            tx.line.is_empty()
            tx.lanes.served_by(("fr",))
            raise PlannedError
        with store.transaction(TENANT, commit=commit) as tx:
            tx.agents.available()
    asked = (
        "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE locktype = 'advisory' AND datname = current_database() AND pid <> pg_backend_pid()"
        " AND query NOT LIKE '%%callbackq_test_other%%'"
    )
    with opened(store._schema, application_name="lonely") as other:
        with other.transaction(TENANT, commit=Commit.RELAXED) as tx:
            tx.line.is_empty()
        of_mine = asked + " AND application_name = 'lonely'"
        assert admin().execute(of_mine).fetchone() == (0,)


def test_a_set_of_skills_has_one_number_on_two_nodes(
    store: PostgresStore, node: PostgresStore, aside: Callable[..., Future[Any]]
) -> None:
    """Whoever interns first in a transaction waits for the other, and then knows."""

    def intern(at: PostgresStore, *skills: str) -> int:
        with at.transaction(TENANT, commit=Commit.RELAXED) as tx:
            return tx.lanes.intern(skills)

    with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
        fr = tx.lanes.intern(("fr",))
        same, other = aside(intern, node, "fr"), aside(intern, node, "de")
        wait_until_blocked(node)
    assert same.result(TIMEOUT_S) == fr
    assert {fr, other.result(TIMEOUT_S)} == {1, 2}
    for at in (store, node):
        assert ask(at, lambda tx: tx.lanes.served_by(("de", "fr"))) == (0, 1, 2)


def test_two_who_intern_in_the_middle_of_something_are_told(
    store: PostgresStore, node: PostgresStore, aside: Callable[..., Future[Any]]
) -> None:
    """What a transaction sees is settled then, so the second tries again, and finds the lane."""

    def intern_late(at: PostgresStore) -> int:
        with at.transaction(TENANT, commit=Commit.RELAXED) as tx:
            assert tx.callbacks.by_request_key("r") is None
            return tx.lanes.intern(("fr",))

    with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
        fr = tx.lanes.intern(("fr",))
        late = aside(intern_late, node)
        wait_until_blocked(node)
    with pytest.raises(Conflict):
        late.result(TIMEOUT_S)
    assert intern_late(node) == fr


def test_lanes_of_another_node_are_seen(store: PostgresStore, node: PostgresStore) -> None:
    """What is remembered of lanes is never too old; an undone lane of mine is no lane of yours."""
    assert ask(node, lambda tx: tx.lanes.served_by(("fr", "de"))) == (0,)
    with suppress(PlannedError), node.transaction(TENANT, commit=Commit.RELAXED) as tx:
        assert tx.lanes.intern(("de",)) == 1
        assert tx.lanes.intern(("de", "fr")) == 2
        assert tx.lanes.intern(("de",)) == 1
        assert tx.lanes.skills_of(2) == ("de", "fr")
        raise PlannedError
    with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
        assert tx.lanes.intern(("fr",)) == 1
    assert ask(node, lambda tx: tx.lanes.served_by(("fr", "de"))) == (0, 1)
    assert ask(node, lambda tx: tx.lanes.skills_of(1)) == ("fr",)


def test_two_who_wait_for_each_other_are_parted(
    store: PostgresStore, node: PostgresStore, aside: Callable[..., Future[Any]]
) -> None:
    """One of them is told that it may try again, and the other is done."""
    rows = [make_callback(f"cb_{number}") for number in range(2)]
    put(store, *rows)
    both_have_one = threading.Barrier(2)

    def save(at: PostgresStore, order: list[Callback]) -> str:
        try:
            with at.transaction(TENANT, commit=Commit.FLUSHED) as tx:
                tx.save(next_version(order[0], state=CallbackState.HELD))
                both_have_one.wait(TIMEOUT_S)
                tx.save(next_version(order[1], state=CallbackState.HELD))
        except Conflict as conflict:
            return f"may try again: {conflict.retry_safe}"
        return "done"

    saving = [aside(save, store, rows), aside(save, node, rows[::-1])]
    assert sorted(each.result(TIMEOUT_S) for each in saving) == ["done", "may try again: True"]


def test_a_block_that_hides_a_conflict_does_not_commit_half(
    store: PostgresStore, node: PostgresStore
) -> None:
    """The server undoes the transaction then; the store does not call that a success."""
    row = make_callback("cb_1")
    put(store, row)

    def hide() -> None:
        with node.transaction(TENANT, commit=Commit.FLUSHED) as tx:
            tx.save(make_callback("cb_2"))
            put(store, next_version(row))
            with suppress(StaleVersion):
                tx.save(next_version(row, state=CallbackState.HELD))

    with pytest.raises(Conflict, match="undid"):
        hide()
    with pytest.raises(CallbackNotFound):
        ask(store, lambda tx: tx.callbacks.get(CallbackId("cb_2")))


def test_a_block_that_was_undone_answers_no_more(store: PostgresStore, node: PostgresStore) -> None:
    """Every later verb says so, and whether it is worth trying again."""
    row = make_callback("cb_1")
    put(store, row)

    def be_late(tx: Transaction) -> None:
        tx.line.waiting_count(QUEUE)
        put(store, next_version(row))
        with suppress(StaleVersion):
            tx.save(next_version(row, state=CallbackState.HELD))
        tx.line.waiting_count(QUEUE)

    def write_what_cannot_be_written(tx: Transaction) -> None:
        with suppress(InvalidText):
            tx.save(make_subject("su_1", contexts={"cb_1": {"a": "\x00"}}))
        tx.line.waiting_count(QUEUE)

    with pytest.raises(Conflict, match="undid"):
        do(node, be_late)
    with pytest.raises(StoreUnavailable, match="undid"):
        do(node, write_what_cannot_be_written)


# ---------------------------------------------------------------------------- connections


def terminate(*backends: int) -> None:
    """End connections as an administrator would, and wait until they are gone."""
    for backend in backends:
        admin().execute("SELECT pg_terminate_backend(%s, 10000)", [backend])


def test_a_connection_lost_in_the_middle_costs_that_transaction(store: PostgresStore) -> None:
    """Nothing was written; the next transaction goes on over another connection."""
    put(store, make_callback("cb_1"))

    def lose_it(tx: Transaction) -> None:
        tx.save(make_callback("cb_2"))
        terminate(backend_of(tx))
        tx.save(make_callback("cb_3"))

    with pytest.raises(StoreUnavailable) as caught:
        do(store, lose_it)
    assert caught.value.retry_safe
    assert isinstance(caught.value.__cause__, psycopg.Error)
    assert ask(store, lambda tx: tx.line.waiting_count(QUEUE)) == 1
    put(store, make_callback("cb_2"))


def test_connections_lost_while_nobody_used_them_cost_nothing(
    store: PostgresStore, aside: Callable[..., Future[Any]]
) -> None:
    """A server that was started again is not even noticed, by whatever a transaction begins with."""
    start = threading.Barrier(3)

    def use() -> int:
        with store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
            tx.line.waiting_count(QUEUE)
            start.wait(TIMEOUT_S)
            return backend_of(tx)

    for begin in (lambda tx: tx.line.waiting_count(QUEUE), lambda tx: tx.line.is_empty()):
        backends = {each.result(TIMEOUT_S) for each in [aside(use) for _ in range(3)]}
        assert len(backends) == 3
        terminate(*backends)
        with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
            begin(tx)
            assert backend_of(tx) not in backends


def test_a_connection_lost_before_the_commit_leaves_doubt_if_something_was_written(
    store: PostgresStore,
) -> None:
    """From here it cannot be told from a connection that was lost during the commit."""

    def write(tx: Transaction) -> None:
        tx.save(make_callback("cb_1"))
        terminate(backend_of(tx))

    def read(tx: Transaction) -> None:
        tx.line.waiting_count(QUEUE)
        terminate(backend_of(tx))

    with pytest.raises(CommitUncertain) as caught:
        do(store, write)
    assert not caught.value.retry_safe
    assert isinstance(caught.value.__cause__, psycopg.Error)
    with pytest.raises(StoreUnavailable):
        do(store, read)
    assert ask(store, lambda tx: tx.line.is_empty())


class BrokenCommit:
    """A connection whose next COMMIT fails as told, after or before it was done."""

    def __init__(
        self, connection: Any, error: psycopg.Error | None, *, is_done: bool = False, tag: str | None = None
    ) -> None:
        self.connection = connection
        self.error = error
        self.is_done = is_done
        self.tag = tag
        self.is_over = False

    def wait(self, exchange: Any) -> Any:
        if self.is_over:
            return self.connection.wait(exchange)
        self.is_over = True
        if self.is_done:
            self.connection.wait(exchange)
        if self.error is not None:
            raise self.error
        self.connection.pgconn.exec_(b"ROLLBACK")
        assert self.tag is not None
        return [types.SimpleNamespace(status=ExecStatus.COMMAND_OK, command_status=self.tag.encode())]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


def commit_over(store: PostgresStore, **how: Any) -> None:
    """Save a callback over a connection whose COMMIT is broken."""
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        tx.save(make_callback("cb_1"))
        tx._session._connection = BrokenCommit(tx._session._connection, **how)


@pytest.mark.parametrize("is_done", [True, False])
def test_a_connection_lost_during_the_commit_leaves_doubt(store: PostgresStore, is_done: bool) -> None:
    """Whether the promise stands is found by reading."""
    lost = psycopg.OperationalError("server closed the connection unexpectedly")
    with pytest.raises(CommitUncertain, match="may have happened"):
        commit_over(store, error=lost, is_done=is_done)
    assert ask(store, lambda tx: tx.line.waiting_count(QUEUE)) == int(is_done)


def test_a_commit_that_the_server_refuses_wrote_nothing(store: PostgresStore) -> None:
    """Only a lost connection leaves doubt."""
    with pytest.raises(StoreUnavailable, match="disk is full"):
        commit_over(store, error=error_of("53100"))
    with pytest.raises(StoreUnavailable, match="undid"):
        commit_over(store, error=None, tag="ROLLBACK")
    assert ask(store, lambda tx: tx.line.is_empty())


def test_more_transactions_than_connections_wait(
    store: PostgresStore, aside: Callable[..., Future[Any]]
) -> None:
    """They come to their turn, and no more connections are made than were allowed."""
    with opened(store._schema, application_name="few", connections_max=2) as few:
        start = threading.Barrier(4)

        def work(number: int) -> None:
            start.wait(TIMEOUT_S)
            for each in range(20):
                put(few, make_callback(f"cb_{number}_{each}"))

        for each in [aside(work, number) for number in range(4)]:
            each.result(TIMEOUT_S)
        asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'few'"
        assert admin().execute(asked).fetchone() == (2,)
    assert ask(store, lambda tx: tx.line.waiting_count(QUEUE)) == 80


def test_waiting_for_a_connection_has_an_end(
    store: PostgresStore, aside: Callable[..., Future[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then it is said how many there are."""
    monkeypatch.setattr(postgres_connections, "WAIT_S", 0.05)
    with (
        opened(store._schema, connections_max=1) as lonely,
        lonely.transaction(TENANT, commit=Commit.READ_ONLY) as tx,
    ):
        tx.line.is_empty()
        with pytest.raises(StoreUnavailable, match="all 1 connections are in use"):
            aside(ask, lonely, lambda tx: tx.line.is_empty()).result(TIMEOUT_S)


def test_waiting_for_a_row_has_an_end(
    store: PostgresStore, aside: Callable[..., Future[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that stands still keeps the others from its rows only, and not for ever."""
    impatient = {**postgres_connections.SETTINGS, "lock_timeout": "50ms"}
    monkeypatch.setattr(postgres_connections, "SETTINGS", impatient)
    row = make_callback("cb_1")
    put(store, row)
    with (
        opened(store._schema) as other,
        store.transaction(TENANT, commit=Commit.RELAXED) as tx,
    ):
        tx.line.is_empty()
        tx.save(next_version(row))
        for work in (lambda: put(other, next_version(row)), lambda: _due_count(other)):
            with pytest.raises(StoreUnavailable, match="too long"):
                aside(work).result(TIMEOUT_S)
        put(other, make_callback("cb_2"))
    assert _due_count(store) == 0


def test_a_transaction_that_asks_nothing_takes_no_connection(store: PostgresStore) -> None:
    """It costs nothing, and cannot fail."""
    with opened(store._schema, connections_max=1) as lonely:
        terminate(_backend_of(lonely))
        before = lonely._connections._idle[:]
        for commit in Commit:
            with lonely.transaction(TENANT, commit=commit):
                pass
        assert lonely._connections._idle == before


def _backend_of(store: PostgresStore) -> int:
    with store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
        tx.line.is_empty()
        return backend_of(tx)


def test_closing_lets_the_transactions_of_other_threads_end(
    store: PostgresStore, aside: Callable[..., Future[Any]]
) -> None:
    """Nothing that was promised is torn; afterwards nothing is left open."""
    with opened(store._schema, application_name="closing") as closing:
        with closing.transaction(TENANT, commit=Commit.FLUSHED) as tx:
            tx.save(make_callback("cb_1"))
            aside(closing.close).result(TIMEOUT_S)
            tx.save(make_callback("cb_2"))
        with (
            pytest.raises(StoreUnavailable, match="closed"),
            closing.transaction(TENANT, commit=Commit.READ_ONLY),
        ):
            pass
        asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'closing'"
        until = time.monotonic() + TIMEOUT_S
        while admin().execute(asked).fetchone() != (0,):
            assert time.monotonic() < until
            time.sleep(0.005)
    assert ask(store, lambda tx: tx.line.waiting_count(QUEUE)) == 2


def test_a_store_is_not_carried_over_a_fork(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child is told, and its close leaves the parent's connections alone."""
    with opened(store._schema) as carried:
        backend = _backend_of(carried)
        (connection,) = carried._connections._idle
        with monkeypatch.context() as child:
            child.setattr(os, "getpid", lambda: -1)
            with (
                pytest.raises(RuntimeError, match="fork"),
                carried.transaction(TENANT, commit=Commit.READ_ONLY),
            ):
                pass
            carried.close()
            carried.close()
        assert connection.execute("SELECT pg_backend_pid()").fetchone() == (backend,)
        connection.close()


# ---------------------------------------------------------------------------- errors


def error_of(code: str | None, *, kind: type[psycopg.Error] = psycopg.OperationalError) -> psycopg.Error:
    """Return an error as the driver builds it from the server's code."""
    return psycopg.errors.lookup(code)("as told") if code else kind("as told")


@pytest.mark.parametrize(
    ("code", "wanted", "says"),
    [
        ("40001", StaleVersion, "changed"),
        ("40P01", Conflict, "waited"),
        ("23505", UniquenessViolated, "key"),
        ("23514", ValueError, "rule of the schema"),
        ("23502", ValueError, "rule of the schema"),
        ("22021", InvalidText, "character"),
        ("54000", InvalidText, "too long"),
        ("53100", StoreUnavailable, "disk is full"),
        ("53300", StoreUnavailable, "no more connections"),
        ("53200", StoreUnavailable, "memory"),
        ("55P03", StoreUnavailable, "too long"),
        ("57014", StoreUnavailable, "took too long"),
        ("57P01", StoreUnavailable, "stopping"),
        ("57P03", StoreUnavailable, "no connections now"),
        ("25006", StoreUnavailable, "read-only"),
        ("0A000", StoreUnavailable, "standby"),
        ("25P03", StoreUnavailable, "idle"),
        ("28P01", StoreUnavailable, "access"),
        ("42501", StoreUnavailable, "role"),
        ("08006", StoreUnavailable, "connection"),
        ("58030", StoreUnavailable, "files"),
        ("XX000", StoreUnavailable, "failed within"),
        ("XX001", StoreUnavailable, "damaged"),
        (None, StoreUnavailable, "lost"),
        ("42P01", psycopg.errors.UndefinedTable, "as told"),
    ],
)
def test_every_error_of_the_server_has_one_meaning(
    code: str | None, wanted: type[Exception], says: str
) -> None:
    """What is not foreseen is let through as it is: it is a bug."""
    translated = translate(error_of(code), "the server")
    assert type(translated) is wanted
    assert says in str(translated)
    if isinstance(translated, StoreUnavailable):
        assert translated.__cause__ is not None


def test_an_error_of_the_driver_itself_is_a_bug() -> None:
    """Such as too few parameters."""
    error = error_of(None, kind=psycopg.ProgrammingError)
    assert translate(error, "the server") is error


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        (None, CommitUncertain),
        ("57P01", CommitUncertain),
        ("08006", CommitUncertain),
        ("25P03", StoreUnavailable),
        ("40001", StaleVersion),
        ("53100", StoreUnavailable),
    ],
)
def test_only_a_lost_connection_makes_a_commit_uncertain(code: str | None, wanted: type[Exception]) -> None:
    """Whatever the server says of the commit it says because it is there, or was before it had heard of it."""
    assert type(translate_commit(error_of(code), "the server")) is wanted


# ---------------------------------------------------------------------------- texts and times

STRANGE = [
    "o'hara",
    'a"b',
    "a;b--",
    "%s",
    "$1",
    "{x}",
    "\\",
    "東京",
    "👩‍🚀",
    "é",
    "e\u0301",
    "\t",
    " ",
    "\u202e",
    "🏳️‍🌈",
]


@pytest.mark.parametrize("name", STRANGE)
def test_any_name_is_a_name(store: PostgresStore, name: str) -> None:
    """Quotes, signs, scripts and emoji come back as they were, wherever they stand."""
    subject = make_subject(name, identity=name, name=name, contexts={name: {name: name}})
    callback = make_callback(name, queue=name, dedup_key=name, request_key=name, owner_id=name)
    agent = make_agent(name, queues=(name, "x"), skills=(name,))
    event = make_event(events.CallbackEnded, callback_id=name, reason=name)
    control = make_queue_control(name, reason=name)
    booking = make_booking(name, queue=name, agent_id=name)
    counts = make_slot_count(name), make_slot_day(name, day=name, rules=name)
    tenant_id = TenantId(name)
    rows = [
        attrs.evolve(row, tenant_id=tenant_id)
        for row in (subject, callback, agent, control, booking, *counts)
    ]
    put(store, *rows, tenant_id=tenant_id)
    append(store, attrs.evolve(event, tenant_id=tenant_id), tenant_id=tenant_id)
    with store.transaction(tenant_id, commit=Commit.RELAXED) as tx:
        lane = tx.lanes.intern((name,))
    queue = QueueName(name)
    with store.transaction(tenant_id, commit=Commit.READ_ONLY) as tx:
        assert tx.subjects.by_identity(name) == rows[0]
        assert tx.callbacks.active_by_dedup_key(name) == tx.callbacks.by_request_key(name) == rows[1]
        assert tx.agents.available() == [rows[2]]
        assert tx.agents.staffed_count(queue) == 1
        assert tx.queues.find(queue) == rows[3]
        assert tx.bookings.of_slot(queue, SLOT_AT) == [rows[4]]
        assert tx.slots.locked(queue, SLOT_AT) == rows[5]
        assert tx.slots.days(queue, from_day=name, until_day=name) == [rows[6]]
        assert tx.line.head(queue, lanes=(0,)) == rows[1]
        assert tx.callbacks.due(now=START + timedelta(days=9), limit=9, queues=[queue]) == [rows[1]]
        assert tx.lanes.skills_of(lane) == (name,)
        (found,) = tx.history.all()
        assert isinstance(found, events.CallbackEnded)
        assert (found.callback_id, found.reason) == (name, name)


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_a_text_that_cannot_be_stored_is_refused_and_never_found(store: PostgresStore, text: str) -> None:
    """A refused row leaves the rest of the block."""
    queue = QueueName(text)
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        tx.save(make_callback("cb_1"))
        for row in (make_callback(text), make_subject("su_1", name=text), make_agent("mia", queues=("q",))):
            if not isinstance(row, Agent):
                with pytest.raises(InvalidText):
                    tx.save(row)
        with pytest.raises(InvalidText):
            tx.history.append([make_event(events.CallbackReady, callback_id=CallbackId(text))])
        with pytest.raises(CallbackNotFound):
            tx.callbacks.get(CallbackId(text))
        assert tx.attempts.by_leg(LegId(text)) is None
        assert tx.line.waiting_count(queue) == tx.agents.staffed_count(queue) == 0
        assert tx.line.count_ahead(queue, rank=1, place_id=PlaceId(text)).count == 0
        assert tx.callbacks.due(now=START, limit=9, queues=[queue]) == []
        assert tx.next_due_at(queues=[queue]) is None
        assert tx.history.of_callback(CallbackId(text)) == []
        assert tx.bookings.of_callback(CallbackId(text)) is None
        assert tx.bookings.of_slot(queue, SLOT_AT) == []
        assert tx.slots.locked(queue, SLOT_AT) is None
        assert tx.slots.days(queue, from_day=text, until_day=text) == []
        with pytest.raises(InvalidText):
            tx.save(make_slot_count(text))
    assert ask(store, lambda tx: tx.line.waiting_count(QUEUE)) == 1
    with pytest.raises(InvalidText):
        put(store, make_subject("su_1", contexts={"cb_1": {"a": text}}))
    good, bad = make_event(events.CallbackReady), make_event(events.CallbackReady, callback_id=text)
    with pytest.raises(InvalidText):
        append(store, good, bad)
    assert ask(store, lambda tx: tx.history.all()) == []
    with pytest.raises(InvalidText), store.transaction(TENANT, commit=Commit.RELAXED) as tx:
        tx.lanes.intern((text,))


def test_a_key_that_is_too_long_for_an_index_is_refused(store: PostgresStore) -> None:
    """By the store, in its own words; what intake lets through is short enough."""
    long = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(4_000))
    with pytest.raises(InvalidText, match="too long"):
        put(store, make_callback("cb_1", request_key=long))
    longest = "".join(chr(0x1F300 + number * 7 % 700) for number in range(200))
    put(store, make_callback(longest, queue=longest, place_id=PlaceId(longest), request_key=longest))
    assert ask(store, lambda tx: tx.callbacks.by_request_key(longest)) is not None


def test_instants_come_back_in_utc_to_the_microsecond(store: PostgresStore) -> None:
    """Whatever the zone of the server, of the session, or of whoever wrote them."""
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    odd = START + timedelta(microseconds=1)
    put(store, make_callback("cb_1", entered_at=first, requested_at=last, ranked_at=odd))
    with store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
        found = tx.callbacks.get(CallbackId("cb_1"))
        assert (found.entered_at, found.requested_at, found.ranked_at) == (first, last, odd)
        assert found.entered_at.tzinfo is UTC
        due_at = tx.next_due_at()
        assert due_at is not None
        assert due_at.tzinfo is UTC


def test_a_naive_instant_is_refused(store: PostgresStore) -> None:
    """Nobody would know which instant it is."""
    with pytest.raises(ValueError, match="aware"):
        put(store, make_callback("cb_1", entered_at=START.replace(tzinfo=None)))
    with pytest.raises(ValueError, match="aware"):
        append(store, make_event(events.CallbackReady, at=START.replace(tzinfo=None)))


# ---------------------------------------------------------------------------- plans

KEYS: dict[str, tuple[str, list[str]]] = {
    "callback": (sql.CALLBACKS.get, ["callbacks_pkey"]),
    "request key": (sql.BY_REQUEST_KEY, ["callbacks_request_key"]),
    "dedup key": (sql.BY_DEDUP_KEY, ["callbacks_dedup_key"]),
    "number key": (sql.BY_NUMBER_KEY, ["attempts_number_key"]),
    "identity": (sql.BY_IDENTITY, ["subjects_identity"]),
    "leg": (sql.BY_LEG, ["attempts_pkey", "legs_pkey"]),
    "booking": (sql.BOOKINGS.get, ["bookings_pkey"]),
    "booking of a callback": (sql.BOOKINGS_OF_CALLBACK, ["bookings_callback", "bookings_callback_id"]),
    "counter of a slot": (sql.SLOTS.get, ["slots_pkey"]),
    "counter of a slot, locked": (sql.SLOT_LOCKED, ["slots_pkey"]),
    "counters of slots": (sql.SLOTS_BETWEEN, ["slots_pkey"]),
    "counters of days": (sql.DAYS_BETWEEN, ["slot_days_pkey"]),
    "switches": (sql.QUEUES.get, ["queues_pkey"]),
    "lanes": (sql.LANES_FROM, ["lanes_pkey"]),
    "history": (sql.HISTORY, ["history_pkey"]),
    "history of a callback": (sql.HISTORY_OF_CALLBACK, ["history_callback"]),
    "history of a record": (sql.HISTORY_OF_RECORD, ["history_chain"]),
    "places in the history": (sql.LINKS, ["history_pkey"]),
    "webhooks of an endpoint": (WEBHOOKS_OF, ["webhooks_pkey"]),
    "customer id": (sql.BY_CUSTOMER, ["subjects_customer_id"]),
    "persons who hold a number": (sql.HOLDING, ["subjects_pkey"]),
    "persons unseen": (sql.UNSEEN, ["subjects_unseen"]),
    "tallies": (sql.TALLIES_OF, ["tallies_pkey"]),
    "tallies, locked": (sql.TALLIES_LOCKED, ["tallies_pkey"]),
    "code": (sql.VERIFICATIONS.get, ["verifications_pkey"]),
    "opt-out": (sql.OPT_OUTS.get, ["opt_outs_pkey"]),
    "message": (sql.MESSAGES.get, ["messages_pkey"]),
    "cause": (sql.BY_CAUSE, ["messages_cause"]),
    "what a provider calls a message": (sql.BY_PROVIDER, ["messages_provider"]),
    "conversation": (sql.CONVERSATIONS.get, ["conversations_pkey"]),
}
DUE_INDEXES = ["agents_due", "attempts_due", "bookings_due", "callbacks_due", "calls_due", "messages_due"]
WORK: dict[str, tuple[str, list[str]]] = {
    "head of callbacks": (sql.HEAD_CALLBACK, ["callbacks_line"]),
    "head of calls": (sql.HEAD_CALL, ["calls_line"]),
    "count_ahead": (sql.COUNT_AHEAD, ["callbacks_ahead"] * 2 + ["calls_ahead"] * 2),
    "estimate of callbacks": (sql.ESTIMATE_CALLBACKS, ["callbacks_ahead", "callbacks_sample"]),
    "estimate of calls": (sql.ESTIMATE_CALLS, ["calls_ahead", "calls_sample"]),
    "count_passed": (sql.COUNT_PASSED, ["callbacks_line"] * 2 + ["calls_line"] * 2),
    "page of callbacks": (sql.PAGE_CALLBACKS, ["callbacks_ahead"]),
    "page of callbacks behind": (sql.PAGE_CALLBACKS_BEHIND, ["callbacks_ahead"]),
    "page of calls": (sql.PAGE_CALLS, ["calls_ahead"]),
    "page of calls behind": (sql.PAGE_CALLS_BEHIND, ["calls_ahead"]),
    "waiting_count": (sql.WAITING_COUNT, ["callbacks_ahead", "calls_ahead"]),
    "is_empty": (sql.ANY_WAITING, ["callbacks_ahead", "calls_ahead"]),
    "due callbacks": (sql.CALLBACKS.due, ["callbacks_due"]),
    "due calls": (sql.CALLS.due, ["calls_due"]),
    "due agents": (sql.AGENTS.due, ["agents_due"]),
    "due attempts": (sql.ATTEMPTS.due, ["attempts_due"]),
    "due bookings": (sql.BOOKINGS.due, ["bookings_due"]),
    "due bookings of queues": (sql.BOOKINGS.due_in, ["bookings_due"]),
    "bookings of a slot": (sql.BOOKINGS_OF_SLOT, ["bookings_slot"]),
    "bookings of a queue": (sql.BOOKINGS_BETWEEN, ["bookings_slot"]),
    "bookings of an agent": (sql.BOOKINGS_OF_AGENT, ["bookings_agent"]),
    "bookings of an agent, of one queue": (sql.BOOKINGS_OF_AGENT_IN, ["bookings_agent"]),
    "due messages": (sql.MESSAGES.due, ["messages_due"]),
    "due messages of queues": (sql.MESSAGES.due_in, ["messages_due"]),
    "messages about a callback": (sql.MESSAGES_OF_CALLBACK, ["messages_callback"]),
    "messages that wait": (sql.MESSAGES_WAITING, ["messages_waiting"]),
    "messages to an address": (sql.MESSAGES_TO, ["messages_to"]),
    "messages in doubt": (sql.MESSAGES_UNCERTAIN, ["messages_uncertain"]),
    "due callbacks of queues": (sql.CALLBACKS.due_in, ["callbacks_due"]),
    "due calls of queues": (sql.CALLS.due_in, ["calls_due"]),
    "due attempts of queues": (sql.ATTEMPTS.due_in, ["attempts_due"]),
    "next_due_at": (sql.NEXT_DUE_AT, DUE_INDEXES),
    "next_due_at of queues": (sql.NEXT_DUE_AT_IN, DUE_INDEXES),
    "available": (sql.AVAILABLE, ["agents_available"]),
    "callbacks by state": (counting.CALLBACKS_COUNTS, ["callbacks_states"] * 5),
    "callbacks in a state": (counting.CALLBACKS_IN_STATE, ["callbacks_states"]),
    "who entered first": (counting.OLDEST, ["callbacks_states", "calls_entered"]),
    "staff by state": (counting.STAFFED_STATES, ["agent_queues_pkey", "agents_pkey"]),
    "staffed_count": (sql.STAFFED_COUNT, ["agent_queues_pkey"]),
    "staffed_by_skills": (sql.STAFFED_SKILLS, ["agent_queues_pkey", "agents_pkey"]),
    "open_count": (sql.OPEN_COUNT, ["callbacks_open"]),
    "number of open attempts": (sql.OPEN_ATTEMPTS_COUNT, ["attempts_open"]),
    "open attempts": (sql.OPEN_ATTEMPTS, ["attempts_open"]),
    "attempts wanting an agent": (sql.WANTING_ATTEMPTS, ["attempts_wanting"]),
    "attempts wanting an agent, of queues": (sql.WANTING_ATTEMPTS_IN, ["attempts_wanting"]),
    "attempts that dialed a number": (sql.DIALED_ATTEMPTS, ["attempts_dialed"]),
    "callbacks of a person": (sql.CALLBACKS_OF_SUBJECT, ["callbacks_subject"]),
    "callbacks of a ticket": (sql.CALLBACKS_OF_TICKET, ["callbacks_ticket"]),
    "open calls": (sql.OPEN_CALLS, ["calls_open"]),
    "last ended callbacks": (sql.LAST_ENDED_CALLBACKS, ["callbacks_ended"]),
    "last ended calls": (sql.LAST_ENDED_CALLS, ["calls_ended"]),
    "last taken calls": (sql.LAST_TAKEN_CALLS, ["calls_taken"]),
    "last started attempts": (sql.LAST_STARTED_ATTEMPTS, ["attempts_started"]),
}
WRITES: dict[str, tuple[str, list[str]]] = {
    "update of a callback": (
        sql.CALLBACKS.update.text,
        ["callbacks_dedup_key", "callbacks_pkey", "callbacks_request_key"],
    ),
    "insert of a callback": (
        sql.CALLBACKS.insert.text,
        ["callbacks_dedup_key", "callbacks_pkey", "callbacks_request_key"],
    ),
    "update of a call": (sql.CALLS.update.text, ["calls_pkey"]),
    "update of an attempt": (
        sql.ATTEMPTS.update.text,
        ["attempts_callback_id", "attempts_number_key", "attempts_pkey", "legs_pkey"],
    ),
    "update of a booking": (
        sql.BOOKINGS.update.text,
        ["bookings_agent_slot", "bookings_callback_id", "bookings_pkey"],
    ),
    "insert of a booking": (
        sql.BOOKINGS.insert.text,
        ["bookings_agent_slot", "bookings_callback_id", "bookings_pkey"],
    ),
    "update of a counter": (sql.SLOTS.update.text, ["slots_pkey"]),
    "update of a day": (sql.SLOT_DAYS.update.text, ["slot_days_pkey"]),
    "update of a subject": (
        sql.SUBJECTS.update.text,
        ["subjects_customer_id", "subjects_identity", "subjects_pkey"],
    ),
    "update of a tally": (sql.TALLIES.update.text, ["tallies_pkey"]),
    "update of a code": (sql.VERIFICATIONS.update.text, ["verifications_pkey"]),
    "update of a message": (sql.MESSAGES.update.text, ["messages_cause", "messages_pkey"]),
    "insert of a message": (sql.MESSAGES.insert.text, ["messages_cause", "messages_pkey"]),
    "update of a conversation": (sql.CONVERSATIONS.update.text, ["conversations_pkey"]),
    "conversations to be forgotten": (
        sql.FORGET_CONVERSATIONS,
        ["conversations_over", "conversations_pkey"],
    ),
    "update of an opt-out": (sql.OPT_OUTS.update.text, ["opt_outs_pkey"]),
    "an event": (sql.INSERT_EVENT, ["history_chain"]),
    "tallies to be forgotten": (sql.FORGET_TALLIES, ["tallies_over", "tallies_pkey"]),
    "codes to be forgotten": (sql.FORGET_VERIFICATIONS, ["verifications_expires", "verifications_pkey"]),
}
PLANS = {**KEYS, **WORK, **WRITES}


def plan_of(store: PostgresStore, statement: str) -> list[str]:
    """Return the plan that the server keeps for a prepared statement, on a connection of the store."""
    with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
        tx.line.is_empty()
        connection = tx._session._connection
        connection.execute(f"PREPARE asked AS {statement}".encode())
        nulls = ", ".join(["NULL"] * len(set(re.findall(r"\$\d+", statement))))
        rows = connection.execute(f"EXPLAIN (COSTS OFF) EXECUTE asked ({nulls})".encode()).fetchall()
        connection.execute("DEALLOCATE asked")
    return [row[0] for row in rows]


def check_plan(store: PostgresStore, name: str) -> None:
    statement, wanted = PLANS[name]
    plan = plan_of(store, statement)
    used = [found for line in plan for found in re.findall(r"using callbackq_(\w+) on", line)]
    text = "\n".join(plan)
    assert sorted(used) == sorted(wanted), text
    assert "Seq Scan" not in text
    assert "Bitmap" not in text
    # The heads of several lanes are put in order, agents by skills, and tallies by key. Nothing else has to be.
    is_sorted = name.startswith("head of") or name in {
        "staffed_by_skills",
        "staff by state",
        "tallies, locked",
    }
    assert "Sort" not in text or is_sorted, text
    # By its key alone all of a tenant is read for the whole history, and to find all who hold a number.
    is_whole = re.search(r"_pkey on .*\n +Index Cond: \(tenant_id = [^ ]+\)$", text, re.MULTILINE) is not None
    assert is_whole is (name in {"history", "persons who hold a number"}), text


@pytest.fixture(scope="module")
def new_tables() -> Iterator[str]:
    """A schema with tables in which nothing has ever been."""
    with fresh_schema() as name:
        with opened(name):
            pass
        yield name


@pytest.mark.parametrize("name", PLANS)
def test_every_question_is_answered_by_its_index(new_tables: str, name: str) -> None:
    """The server's own plan names the index: also while it knows nothing of the tables."""
    with opened(new_tables) as store:
        check_plan(store, name)


def grow_attempts(schema: str) -> None:
    """Put many attempts beside the one: all over but each tenth, which wants an agent."""
    own = {"attempt_id", "callback_id", "number_key", "agent_leg_id", "customer_leg_id"}
    changed = {"state", "due_at", "agent_id", "customer_leg", "started_at"}
    rest = ", ".join(field.name for field in attrs.fields(Attempt) if field.name not in own | changed)
    admin().execute(
        f"INSERT INTO {schema}.callbackq_attempts ({', '.join(sorted(own))}, state, due_at, agent_id,"
        f" customer_leg, started_at, {rest})"
        f" SELECT 'a' || number, 'x' || number, 'x' || number, 'c' || number, 'n' || number,"
        f"        CASE WHEN number % 10 = 0 THEN state ELSE 'ended' END,"
        f"        CASE WHEN number % 10 = 0 THEN due_at END,"
        f"        CASE WHEN number % 10 > 0 THEN agent_id END,"
        f"        CASE WHEN number % 10 > 0 THEN 'ended' ELSE 'none' END,"
        f"        started_at + number * interval '1 second', {rest}"
        f"   FROM {schema}.callbackq_attempts, generate_series(1, 10000) AS number".encode()
    )


def grow_bookings(schema: str) -> None:
    """Put many bookings and counters beside the one: seven of ten bookings are over, half of these were used."""
    own = {"booking_id", "callback_id"}
    changed = {"state", "ended_as", "due_at", "agent_id", "slot_at", "held_at"}
    rest = ", ".join(field.name for field in attrs.fields(Booking) if field.name not in own | changed)
    admin().execute(
        f"INSERT INTO {schema}.callbackq_bookings ({', '.join(sorted(own))}, state, ended_as, due_at, agent_id,"
        f" slot_at, held_at, {rest})"
        f" SELECT 'x' || number, 'x' || number,"
        f"        CASE WHEN number % 10 > 6 THEN state ELSE 'ended' END,"
        f"        CASE WHEN number % 10 < 4 THEN 'used' WHEN number % 10 < 7 THEN 'released' END,"
        f"        CASE WHEN number % 10 > 6 THEN due_at END,"
        f"        CASE WHEN number % 3 > 0 THEN 'agent_' || number % 7 END,"
        f"        slot_at + number * interval '15 minutes', held_at + number * interval '1 second', {rest}"
        f"   FROM {schema}.callbackq_bookings, generate_series(1, 10000) AS number".encode()
    )
    admin().execute(
        f"INSERT INTO {schema}.callbackq_slots (tenant_id, queue, slot_at, version, usual_count, kept_count)"
        f" SELECT tenant_id, queue, slot_at + number * interval '15 minutes', 1, 1, 0"
        f"   FROM {schema}.callbackq_slots, generate_series(1, 10000) AS number".encode()
    )
    admin().execute(
        f"INSERT INTO {schema}.callbackq_slot_days (tenant_id, queue, day, version, full_count, rules)"
        f" SELECT tenant_id, queue, day || number, 1, 1, ''"
        f"   FROM {schema}.callbackq_slot_days, generate_series(1, 2000) AS number".encode()
    )


def grow_messages(schema: str) -> None:
    """Put many messages beside the one: nine of ten are over, most of them were sent to one of many addresses."""
    own = {"message_id", "cause", "provider_key"}
    changed = {"state", "due_at", "callback_id", "channel", "address_key", "sent_at", "created_at"}
    rest = ", ".join(field.name for field in attrs.fields(Message) if field.name not in own | changed)
    admin().execute(
        f"INSERT INTO {schema}.callbackq_messages (message_id, cause, provider_key, state, due_at, callback_id,"
        f" channel, address_key, sent_at, created_at, {rest})"
        f" SELECT 'x' || number, 'x' || number, 'p' || number,"
        f"        CASE WHEN number % 10 > 0 THEN 'ended' WHEN number % 30 = 0 THEN 'uncertain' ELSE state END,"
        f"        CASE WHEN number % 10 = 0 THEN due_at END,"
        f"        CASE WHEN number % 7 > 0 THEN 'cb_' || number / 3 END, 'sms', 'a' || number / 4,"
        f"        CASE WHEN number % 10 > 1 THEN created_at END,"
        f"        created_at + number * interval '1 second', {rest}"
        f"   FROM {schema}.callbackq_messages, generate_series(1, 10000) AS number".encode()
    )
    admin().execute(
        f"INSERT INTO {schema}.callbackq_conversations"
        f" (tenant_id, conversation_key, version, choices, tries_count, heard_ids, over_at)"
        f" SELECT tenant_id, 'k' || number, 1, '[]', 0, '[]', over_at + number * interval '1 second'"
        f"   FROM {schema}.callbackq_conversations, generate_series(1, 5000) AS number".encode()
    )


def test_plans_stay_while_the_tables_grow(schema: str) -> None:
    """Before the server has looked at what is in them, and after."""
    with opened(schema) as store:
        put(store, make_callback("cb", rank=-1), make_call("call"), make_agent("mia"), make_subject("su"))
        put(store, make_attempt("at"), make_queue_control(QUEUE))
        put(store, make_booking("bk", agent_id=AgentId("mia")), make_slot_count(), make_slot_day())
        put(store, make_message("ms"), make_conversation("k"))
        append(store, make_event(events.CallbackReady), make_event(events.CallJoined))
    for table, cls in TABLES.items():
        own, place = f"{table.removeprefix('callbackq_').removesuffix('s')}_id", "place_id"
        if cls not in {Callback, LiveCall}:
            continue
        last = {"state", "due_at", "ended_at"}
        rest = ", ".join(
            field.name for field in attrs.fields(cls) if field.name not in {own, place, "rank", *last}
        )
        admin().execute(
            f"INSERT INTO {schema}.{table} ({own}, place_id, rank, state, due_at, ended_at, {rest})"
            f" SELECT 'x' || number, 'x' || number, number,"
            f"        CASE WHEN number %% 5 = 0 THEN state ELSE 'ended' END,"
            f"        CASE WHEN number %% 5 = 0 THEN due_at END,"
            f"        CASE WHEN number %% 5 > 0 THEN entered_at END, {rest}"
            f"   FROM {schema}.{table}, generate_series(1, 10000) AS number".replace("%%", "%").encode()
        )
    grow_attempts(schema)
    grow_bookings(schema)
    grow_messages(schema)
    for _ in range(2):
        with opened(schema) as store:
            for name in PLANS:
                check_plan(store, name)
        admin().execute("; ".join(f"ANALYZE {schema}.{table}" for table in [*TABLES, "callbackq_history"]))


def test_each_statement_is_prepared_once(store: PostgresStore) -> None:
    """Whatever is None in a row, and however great its numbers are: the statement is the same."""
    with opened(store._schema, connections_max=1) as lonely:
        for number in range(40):
            put(
                lonely,
                make_callback(
                    f"cb_{number}",
                    rank=10**number if number < 15 else number,
                    scheduled_at=START if number % 2 else None,
                    quoted_wait_s=1.5 if number % 3 else None,
                    quoted_position=number if number % 5 else None,
                    ticket_id="t" if number % 7 else None,
                ),
            )
            ask(lonely, lambda tx, number=number: tx.callbacks.get(CallbackId(f"cb_{number}")))
        with lonely.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
            found = tx._session.fetch("SELECT statement FROM pg_prepared_statements", ())
    texts = [text for (text,) in found]
    assert sorted(texts) == sorted([sql.CALLBACKS.insert.text, sql.CALLBACKS.get])


def test_the_first_of_very_many_are_counted_and_the_rest_is_estimated(
    store: PostgresStore, dba: psycopg.Connection[Any]
) -> None:
    """Exact up to the bound, marked beyond, and near the truth though many share one rank."""
    put(store, make_callback("cb_0", rank=-1))
    columns = ", ".join(
        name for name in sql.CALLBACKS.rows.columns if name not in {"callback_id", "place_id", "rank"}
    )
    dba.execute(
        f"INSERT INTO callbackq_callbacks (callback_id, place_id, rank, {columns})"
        f" SELECT 'x' || number, md5(number::text), number / 5000, {columns}"
        f"   FROM callbackq_callbacks, generate_series(0, 29999) AS number"
    )
    for rank, place_id, count in (
        (0, "", 1),
        (1, "", 5_001),
        (1, "~", 10_001),
        (4, "", 20_001),
        (6, "", 30_001),
    ):
        with store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
            found = tx.line.count_ahead(QUEUE, rank=rank, place_id=PlaceId(place_id))
        assert (found.exact, found.calls) == (count <= POSITION_EXACT_MAX, 0)
        assert abs(found.count - count) <= (0 if found.exact else 0.15 * count)
        assert found.exact or found.count > POSITION_EXACT_MAX


# ---------------------------------------------------------------------------- for a DBA


def is_optional(hint: Any) -> bool:
    return hint is types.NoneType or types.NoneType in typing.get_args(hint)


def type_of(hint: Any) -> str:
    """Return the type of the column for a field."""
    inner = [each for each in typing.get_args(hint) if each is not types.NoneType]
    origin = typing.get_origin(hint)
    if len(inner) == 1 and origin in {types.UnionType, typing.Union}:
        return type_of(inner[0])
    if isinstance(hint, typing.NewType):
        return type_of(hint.__supertype__)
    if origin is not None:
        return "jsonb"
    plain = {
        int: "bigint",
        timedelta: "bigint",
        float: "double precision",
        bool: "boolean",
        datetime: "timestamp with time zone",
    }
    return plain.get(hint, "text")


@pytest.mark.parametrize("table", TABLES)
def test_the_table_has_a_column_for_each_field(dba: psycopg.Connection[Any], table: str) -> None:
    """In the same order, of the fitting type, and NOT NULL where the field cannot be None."""
    cls = TABLES[table]
    hints = typing.get_type_hints(cls)
    wanted = [
        (field.name, type_of(hints[field.name]), not is_optional(hints[field.name]))
        for field in attrs.fields(cls)
    ]
    found = dba.execute(
        "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute"
        " WHERE attrelid = to_regclass(%s) AND attnum > 0 ORDER BY attnum",
        [table],
    )
    assert found.fetchall() == wanted


def test_the_history_has_a_column_for_each_part_of_an_event(dba: psycopg.Connection[Any]) -> None:
    """And its number, by which it is ordered."""
    found = dba.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'callbackq_history'::regclass AND attnum > 0"
    )
    assert sorted(name for (name,) in found) == sorted([*EVENT_COLUMNS, "history_number", *CHAIN_COLUMNS])


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("callback_state", CallbackState),
        ("call_state", CallState),
        ("agent_state", AgentState),
        ("attempt_state", AttemptState),
        ("booking_state", BookingState),
        ("message_state", MessageState),
    ],
)
def test_the_database_knows_the_states(dba: psycopg.Connection[Any], name: str, states: Any) -> None:
    """The CHECK lists exactly the states of the model."""
    asked = (
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conname = %s AND connamespace = to_regnamespace(current_schema())"
    )
    row = dba.execute(asked, [name]).fetchone()
    assert row is not None
    assert re.findall(r"'(\w+)'", row[0]) == [state.value for state in states]


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("UPDATE callbackq_callbacks SET state = 'asleep'", "callback_state"),
        ("UPDATE callbackq_callbacks SET due_at = NULL", "callback_due"),
        ("UPDATE callbackq_callbacks SET state = 'ended'", "callback_due"),
        ("UPDATE callbackq_agents SET queues = '7'", "agent_lists"),
        ("UPDATE callbackq_agents SET due_at = NULL", "agent_due"),
        ("UPDATE callbackq_attempts SET state = 'ended'", "attempt_due"),
        (
            "UPDATE callbackq_attempts SET customer_leg_id = 'leg_at_2_agent' WHERE attempt_id = 'at_1'",
            "legs_pkey",
        ),
        ("UPDATE callbackq_bookings SET state = 'asleep'", "booking_state"),
        ("UPDATE callbackq_bookings SET due_at = NULL", "booking_due"),
        ("UPDATE callbackq_bookings SET state = 'ended'", "booking_due"),
        ("UPDATE callbackq_messages SET state = 'asleep'", "message_state"),
        ("UPDATE callbackq_messages SET due_at = NULL", "message_due"),
        ("UPDATE callbackq_messages SET state = 'ended'", "message_due"),
        ("UPDATE callbackq_messages SET choices = '7'", "message_lists"),
        ("UPDATE callbackq_messages SET channels_over = '{}'", "message_lists"),
        ("UPDATE callbackq_conversations SET tries_count = -1", "conversation_tries"),
        ("UPDATE callbackq_conversations SET choices = '{}'", "conversation_lists"),
        ("UPDATE callbackq_conversations SET heard_ids = 'null'", "conversation_lists"),
        ("UPDATE callbackq_slots SET usual_count = -1", "slot_counts"),
        ("UPDATE callbackq_slots SET kept_count = -1", "slot_counts"),
        ("UPDATE callbackq_slot_days SET full_count = -1", "slot_day_count"),
        ("UPDATE callbackq_calls SET state = 'asleep', due_at = NULL", "call_"),
        ("UPDATE callbackq_subjects SET contexts = '[]'", "subject_contexts"),
        ("UPDATE callbackq_subjects SET alternatives = '{}'", "subject_lists"),
        ("UPDATE callbackq_subjects SET wrong_numbers = 'null'", "subject_lists"),
    ],
)
def test_the_database_itself_refuses_broken_rows(
    store: PostgresStore, dba: psycopg.Connection[Any], statement: str, rule: str
) -> None:
    """Whoever writes past the library meets the same rules, by name."""
    put(store, make_callback("cb_1"), make_call("call_1"), make_agent("mia"), make_subject("su_1"))
    put(store, make_attempt("at_1"), make_attempt("at_2"))
    put(store, make_booking("bk_1"), make_slot_count(), make_slot_day())
    put(store, make_message("ms_1"), make_conversation("k"))
    with pytest.raises(psycopg.IntegrityError, match=rule):
        dba.execute(statement.encode())


def test_staffing_and_legs_follow_whoever_writes(store: PostgresStore, dba: psycopg.Connection[Any]) -> None:
    """The triggers find their tables, whatever the session of the DBA looks at first."""
    put(store, make_agent("mia", queues=(QUEUE, "x", QUEUE)), make_attempt("at_1"))
    dba.execute("SET search_path = pg_catalog")
    dba.execute(f"UPDATE {store._schema}.callbackq_agents SET queues = '[\"sales\"]'".encode())
    dba.execute(f"UPDATE {store._schema}.callbackq_attempts SET agent_leg_id = 'new'".encode())
    assert ask(store, lambda tx: tx.agents.staffed_count(QueueName("sales"))) == 1
    assert ask(store, lambda tx: tx.agents.staffed_count(QUEUE)) == 0
    assert ask(store, lambda tx: tx.attempts.by_leg(LegId("new"))) is not None
    assert ask(store, lambda tx: tx.attempts.by_leg(LegId("leg_at_1_agent"))) is None


def test_tenant_id_leads_every_key_and_index(dba: psycopg.Connection[Any]) -> None:
    """No index of the living or the dead mixes tenants."""
    found = dba.execute(
        "SELECT index.indexrelid::regclass::text, attname FROM pg_index AS index"
        "  JOIN pg_class AS class ON class.oid = index.indrelid"
        "  JOIN pg_attribute ON attrelid = class.oid AND attnum = index.indkey[0]"
        " WHERE class.relnamespace = to_regnamespace(current_schema()) AND class.relkind = 'r'"
    )
    leading = dict(found.fetchall())
    assert leading.pop("callbackq_meta_pkey") == "name"
    assert len(leading) > 30
    assert set(leading.values()) == {"tenant_id"}


def test_texts_are_compared_as_the_other_stores_do(dba: psycopg.Connection[Any]) -> None:
    """By their code points, in a database of whatever language."""
    found = dba.execute(
        "SELECT DISTINCT collname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
        "  JOIN pg_collation ON pg_collation.oid = attcollation"
        " WHERE relnamespace = to_regnamespace(current_schema()) AND relkind IN ('r', 'i')"
        "   AND NOT (relname = 'callbackq_meta' AND attname = 'value')"
    )
    assert found.fetchall() == [("C",)]


def test_tables_and_views_are_explained(dba: psycopg.Connection[Any]) -> None:
    """Each column too. A database tool shows it; and what stands in the scripts is what is in the database."""
    found = dba.execute(
        "SELECT relname, obj_description(oid, 'pg_class') FROM pg_class"
        " WHERE relnamespace = to_regnamespace(current_schema()) AND relkind IN ('r', 'v')"
    )
    comments = dict(found.fetchall())
    assert len(comments) == 27
    assert all(comments.values())
    found = dba.execute(
        "SELECT relname || '.' || attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
        " WHERE relnamespace = to_regnamespace(current_schema()) AND relkind IN ('r', 'v') AND attnum > 0"
        "   AND col_description(attrelid, attnum) IS NULL"
    )
    assert found.fetchall() == []
    script = "\n".join(file.text for file in known_scripts("postgres"))
    assert set(re.findall(r"CREATE (?:TABLE|VIEW) (\w+)", script)) == set(comments)


def test_columns_can_be_read_without_the_library(store: PostgresStore, dba: psycopg.Connection[Any]) -> None:
    """A report in plain SQL: states, times and their differences, JSON only where it says so."""
    late = START + timedelta(minutes=90)
    put(
        store,
        make_callback("cb_1", dedup_key="d", ranked_at=START, expires_at=late, quoted_wait_s=92.5),
        make_agent("mia", queues=(QUEUE, "sales"), skills=("fr",)),
    )
    append(store, make_event(events.CallOffered, quoted_position=4, at=START))
    assert dba.execute(
        """
        SELECT queue, state, entered_at, quoted_wait_s, expires_at - entered_at
          FROM callbackq_callbacks
         WHERE tenant_id = 'default' AND state <> 'ended' AND entered_at >= '2026-01-05T00:00Z'
        """
    ).fetchall() == [("support", "waiting", START, 92.5, timedelta(minutes=90))]
    assert dba.execute(
        "SELECT agent_id, queues, skills, leaving FROM callbackq_agents WHERE queues ? 'sales'"
    ).fetchall() == [("mia", ["support", "sales"], ["fr"], False)]
    assert dba.execute(
        "SELECT kind, call_id, at, detail ->> 'quoted_position' FROM callbackq_history"
    ).fetchall() == [("call_offered", "call_id_1", START, "4")]


def test_the_line_can_be_read_in_order(store: PostgresStore, dba: psycopg.Connection[Any]) -> None:
    """A view numbers the places of each queue as the engine would serve them."""
    put(
        store,
        make_callback("cb_1", rank=2),
        make_call("call_1", rank=1),
        make_callback("cb_2", rank=2, place_id=PlaceId("a")),
        make_callback("cb_3", rank=0, state=CallbackState.HELD),
        make_callback("cb_4", rank=9, queue="sales"),
        make_agent("mia", queues=("sales",)),
    )
    assert dba.execute("SELECT queue, position, entity, id FROM callbackq_v_line").fetchall() == [
        ("sales", 1, "callback", "cb_4"),
        ("support", 1, "call", "call_1"),
        ("support", 2, "callback", "cb_2"),
        ("support", 3, "callback", "cb_1"),
    ]
    assert dba.execute(
        "SELECT queue, callbacks_waiting, calls_waiting, agents_staffed FROM callbackq_v_queues ORDER BY queue"
    ).fetchall() == [("sales", 1, 0, 1), ("support", 2, 1, 0)]


def test_what_is_due_and_who_is_dialed_can_be_read(
    store: PostgresStore, dba: psycopg.Connection[Any]
) -> None:
    """Two more views: times in order, and the attempts under way."""
    put(
        store,
        make_callback("cb_1", state=CallbackState.ATTEMPTING, due_at=START + timedelta(hours=1)),
        make_attempt("at_1", callback_id=CallbackId("cb_1"), due_at=START + timedelta(minutes=1)),
        make_agent("mia", due_at=START + timedelta(minutes=2)),
        make_booking("bk_1", due_at=START + timedelta(minutes=3)),
        make_message("ms_1", due_at=START + timedelta(minutes=4)),
        make_call("call_1", state=CallState.ENDED),
    )
    assert dba.execute("SELECT entity, id FROM callbackq_v_due").fetchall() == [
        ("attempt", "at_1"),
        ("agent", "mia"),
        ("booking", "bk_1"),
        ("message", "ms_1"),
        ("callback", "cb_1"),
    ]
    assert dba.execute("SELECT callback_id, agent_id, state FROM callbackq_v_attempts").fetchall() == [
        ("cb_1", "agent_1", "intended")
    ]


def test_numbers_and_names_stand_in_one_table_only(
    store: PostgresStore, dba: psycopg.Connection[Any]
) -> None:
    """Whoever is erased there is erased."""
    put(
        store,
        make_subject("su_1", number="+12125550123", name="Ada Lovelace", identity="tel:+12125550123"),
        make_subject("su_2", number="+12125550199", alternatives=("+12125550123",)),
        make_subject("su_3", number="+12125550199", wrong_numbers=("+12125550123",)),
        make_subject("su_4", number="+12125550199", record_number="+12125550123"),
        make_subject("su_5", number="+12125550199", pending_number="+12125550123", email="Ada@example.com"),
        make_message("ms_1"),
        make_conversation("k"),
    )
    put(store, make_callback("cb_1"), make_call("call_1"), make_attempt("at_1"))
    append(store, make_event(events.CallbackRequested))
    names = dba.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()").fetchall()
    with dba.cursor(row_factory=dict_row) as cursor:
        shown = {name: repr(cursor.execute(f"SELECT * FROM {name}".encode()).fetchall()) for (name,) in names}
    assert [name for name, rows in shown.items() if "2125550123" in rows or "Ada" in rows] == [
        "callbackq_subjects"
    ]

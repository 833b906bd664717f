"""What stores say of their own health: nothing while they are well, and each thing that is wrong by its name."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from callbackq import Commit, MemoryStore, Severity, SQLiteStore
from callbackq.errors import StoreUnavailable
from callbackq.ports import CanTellHealth
from callbackq.stores import postgres_health, sqlite_health
from callbackq.stores.postgres import PostgresStore
from callbackq.stores.schema_objects import objects_of
from callbackq.testing.builders import make_callback
from stores.postgres_server import admin, conninfo, fresh_schema, fresh_store

TESTING = {"fsync is off", "full_page_writes is off", "autovacuum is off"}
"""What the server of the tests is told, so that it is quick."""


def whats(store: CanTellHealth, *, thorough: bool = False) -> list[str]:
    """Return what is wrong, without what is so on purpose."""
    problems = store.health(thorough=thorough).problems
    return [one.what for one in problems if not any(one.what.startswith(known) for known in TESTING)]


# ---------------------------------------------------------------------------- SQLite


@pytest.fixture
def file(tmp_path: Path) -> Iterator[SQLiteStore]:
    """A store in a file, with some rows."""
    with closing(SQLiteStore(tmp_path / "callbacks.db")) as store:
        with store.transaction(make_callback().tenant_id, commit=Commit.FLUSHED) as tx:
            for number in range(300):
                tx.save(make_callback(f"cb_{number}"))
        yield store


def hands(store: SQLiteStore) -> sqlite3.Connection:
    return sqlite3.connect(store._path)


def test_a_file_that_is_well(file: SQLiteStore) -> None:
    """Nothing is wrong, and the figures say how it is."""
    health = file.health(thorough=True)
    assert health.problems == ()
    assert health.figures["journal_mode"] == "wal"
    assert health.figures["file_bytes"] > 100_000
    assert {"schema_version", "unused_bytes", "log_bytes", "disk_free_bytes"} <= set(health.figures)


def test_an_index_that_is_missing(file: SQLiteStore) -> None:
    """Whoever dropped it dropped a rule with it."""
    with closing(hands(file)) as connection, connection:
        connection.execute("DROP INDEX callbackq_callbacks_dedup_key")
        connection.execute("DROP TRIGGER callbackq_agents_updated")
    (index, trigger) = sorted(file.health().problems, key=lambda one: one.what)
    assert index.what == "the index callbackq_callbacks_dedup_key is missing"
    assert trigger.what == "the trigger callbackq_agents_updated is missing"
    assert index.severity is Severity.ERROR


def test_an_index_that_does_not_agree_with_its_table(file: SQLiteStore) -> None:
    """Found by reading all of it; and nothing of what stands there is shown."""
    with closing(hands(file)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(sql, 'WHERE state <> ''ended''', 'WHERE state = ''ended''') "
            "WHERE name = 'callbackq_callbacks_open'"
        )
    assert file.health().problems == ()
    found = whats(file, thorough=True)
    assert found == ["the file is damaged: index callbackq_callbacks_open does not agree with its table"]


def test_pages_that_are_damaged(file: SQLiteStore) -> None:
    """The file must be restored: that is said, and not what is left of the rows."""
    path = Path(file._path)
    with closing(hands(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        (root,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'callbackq_callbacks'"
        ).fetchone()
    with path.open("r+b") as raw:
        raw.seek((root - 1) * size)
        raw.write(b"\xff" * size)
    found = whats(file, thorough=True)
    assert found
    assert all(what.startswith("the file is damaged") for what in found)
    assert not any("cb_" in what for what in found)


def test_a_disk_that_is_nearly_full_and_a_log_that_is_too_long(
    file: SQLiteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limits are made so that they are reached."""
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=5 * 2**20))
    monkeypatch.setattr(sqlite_health, "_LOG_MAX", 1)
    full, long = whats(file)
    assert full == "the disk has 5 MB left; when it is full nothing can be promised"
    assert long.startswith("the log has 0 MB: somebody reads for very long")


def test_a_journal_that_is_none_of_ours(file: SQLiteStore, tmp_path: Path) -> None:
    """As after a copy by another tool."""
    copy = tmp_path / "copy.db"
    with closing(hands(file)) as connection, closing(sqlite3.connect(copy)) as other:
        connection.backup(other)
        other.execute("PRAGMA journal_mode = DELETE")
    (found,) = sqlite_health.health_of_file(str(copy), thorough=False).problems
    assert found.what.startswith("the journal is delete, not wal")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """That is an error; and so is a store that was closed."""
    with pytest.raises(StoreUnavailable):
        sqlite_health.health_of_file(str(tmp_path / "none.db"), thorough=False)
    (tmp_path / "text.db").write_text("no database at all, but long enough to be looked at " * 50)
    with pytest.raises(StoreUnavailable):
        sqlite_health.health_of_file(str(tmp_path / "text.db"), thorough=False)
    (damaged,) = sqlite_health.health_of_file(str(tmp_path / "text.db"), thorough=True).problems
    assert damaged.what == "the file is damaged"
    store = SQLiteStore(tmp_path / "callbacks.db")
    store.close()
    with pytest.raises(StoreUnavailable):
        store.health()


def test_of_a_store_in_memory_nothing_is_said() -> None:
    """But its own indexes are verified, where that is asked for."""
    with closing(SQLiteStore(":memory:")) as store:
        assert store.health(thorough=True).figures == {}
    memory = MemoryStore()
    with memory.transaction(make_callback().tenant_id, commit=Commit.RELAXED) as tx:
        tx.save(make_callback(request_key="key"))
    assert memory.health(thorough=True).problems == ()
    memory._tenants[make_callback().tenant_id].keys.clear()
    assert memory.health().problems == ()
    assert whats(memory, thorough=True) == [
        "an index in memory is wrong: the unique keys differ from the rows"
    ]


# ---------------------------------------------------------------------------- PostgreSQL


@pytest.fixture
def server() -> Iterator[Any]:
    """A store on a real server."""
    with fresh_store() as store:
        yield store


def test_a_database_that_is_well(server: PostgresStore) -> None:
    """But for what the server of the tests was told, each by its name."""
    health = server.health(thorough=True)
    assert whats(server, thorough=True) == []
    assert len(health.problems) == len(TESTING)
    assert {"schema_version", "server_version", "oldest_transaction_s", "connections", "tables_bytes"} <= set(
        health.figures
    )
    assert "tables_bytes" not in server.health().figures


@pytest.fixture
def own_schema() -> Iterator[tuple[PostgresStore, str]]:
    """A store in a schema that is dropped afterwards, for what is done to it is not undone."""
    with fresh_schema() as schema, closing(PostgresStore(conninfo(), schema=schema)) as store:
        yield store, schema


def test_an_index_that_is_missing_or_was_never_finished(own_schema: tuple[PostgresStore, str]) -> None:
    """Found in the catalog."""
    server, schema = own_schema
    admin().execute(f'DROP INDEX "{schema}".callbackq_callbacks_dedup_key')
    admin().execute(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = "
        f"'\"{schema}\".callbackq_attempts_number_key'::regclass"
    )
    assert whats(server) == [
        "the index callbackq_callbacks_dedup_key is missing",
        "the index callbackq_attempts_number_key is not valid, and not used",
    ]


NO_WAIT = (
    "synchronous_commit is off for this role: a power cut loses what you wrote last; promises turn it on"
)


def test_a_role_whose_commits_do_not_wait(server: PostgresStore) -> None:
    """Told of the role, though the store's own connections set it to on: only what else it writes may be lost."""
    place = make_conninfo(conninfo(), options="-c synchronous_commit=off")
    with closing(PostgresStore(place, schema=server._schema)) as store:
        (problem,) = [one for one in store.health().problems if one.what == NO_WAIT]
        assert problem.severity is Severity.WARNING
        with store.transaction(make_callback().tenant_id, commit=Commit.FLUSHED) as tx:
            (found,) = cast("Any", tx)._session.fetch("SELECT current_setting('synchronous_commit')", ())
    assert found == ("on",)
    assert NO_WAIT not in whats(server)


def test_a_role_that_only_reads(server: Any) -> None:
    """It can make no promise."""
    options = "-c default_transaction_read_only=on"
    with psycopg.connect(conninfo(), options=options, autocommit=True) as connection:
        health = postgres_health.health_of_server(_Raw(connection), server._schema, thorough=False)
    assert "default_transaction_read_only is on for this role" in [one.what for one in health.problems]


class _Raw:
    """A connection that takes statements as the store's own do: with $1, as bytes."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def execute(self, sql: bytes, values: Any, *, prepare: bool) -> Any:
        return psycopg.RawCursor(self._connection).execute(sql, list(values), prepare=prepare)


def test_what_holds_others_up(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction that is open for long, rows that nobody cleaned up, and too many connections."""
    monkeypatch.setattr(postgres_health, "_OLDEST_MAX_S", 0)
    monkeypatch.setattr(postgres_health, "_IN_USE_MAX_RATIO", 0.0)
    monkeypatch.setattr(postgres_health, "_AGE_MAX", 0)
    monkeypatch.setattr(postgres_health, "_DEAD_MIN", -1)
    with psycopg.connect(conninfo()) as reader:
        reader.execute("SELECT 1")
        found = whats(server)
    assert any(what.startswith("a transaction has been open for 0 minutes") for what in found)
    assert any("connections are in use" in what for what in found)
    assert any(what.startswith("transaction ids are running out") for what in found)


def test_prepared_transactions_and_dead_rows_are_told() -> None:
    """As the server counts them."""

    def ask(sql: str, *_values: object) -> list[tuple[Any, ...]]:
        if sql is postgres_health._PREPARED:
            return [(2,)]
        return [("callbackq_callbacks", 90_000, 10_000)] if sql is postgres_health._DEAD else [(0.0,)]

    (prepared,) = postgres_health._held_up(ask)
    assert prepared.what.startswith("2 prepared transactions wait for somebody to settle them")
    (dead,) = postgres_health._bloated(ask, "public")
    assert dead.what == "callbackq_callbacks holds 90,000 dead rows, and 10,000 living"


def test_a_server_that_is_gone_is_an_error(server: Any) -> None:
    """Nothing can be said of it."""
    server.close()
    with pytest.raises(StoreUnavailable):
        server.health()


# ---------------------------------------------------------------------------- what there must be


def test_which_tables_and_indexes_there_must_be() -> None:
    """As the numbered files of the schema make them, up to a version."""
    for dialect in ("sqlite", "postgres"):
        now = objects_of(dialect, version=7)
        assert set(now.values()) == {"table", "index", "trigger", "view"}
        assert now["callbackq_nodes"] == "table"
        assert "callbackq_nodes" not in objects_of(dialect, version=6)

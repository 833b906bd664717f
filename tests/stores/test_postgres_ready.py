"""Statements that a connection has prepared: what comes out is what a cursor of ours gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import attrs
import pytest
from psycopg.pq import PipelineStatus, TransactionStatus

from callbackq import StoreUnavailable
from callbackq.errors import InvalidText
from callbackq.ids import CallbackId
from callbackq.ports import Commit
from callbackq.stores import PostgresStore, postgres_ready
from callbackq.stores import postgres_statements as sql
from callbackq.testing.builders import make_callback
from stores.postgres_server import conninfo

TENANT = make_callback("cb_1").tenant_id
KINDS = "SELECT $1::text, $2::bigint, $3::float8, $4::boolean, $5::timestamptz, $6::jsonb, $1::text IS NULL"


@pytest.fixture(name="store")
def _store() -> Iterator[PostgresStore]:
    with closing(PostgresStore(conninfo(), schema="ready", connections_max=1)) as store:
        yield store


def _ask(store: PostgresStore, statement: str, *parameters: Any, times: int = 3) -> list[Any]:
    with store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
        return [tx._session.fetch(statement, parameters) for _ in range(times)]


@pytest.mark.parametrize(
    "values",
    [
        ("ä", 2**62, 1.5, True, datetime(2026, 1, 5, 8, 0, 0, 1, UTC), '{"a": [1]}'),
        ("", -1, -0.1, False, datetime(1999, 12, 31, tzinfo=UTC), "[]"),
        (None, None, None, None, None, None),
    ],
)
def test_a_prepared_statement_gives_what_a_cursor_gives(
    store: PostgresStore, values: tuple[Any, ...]
) -> None:
    """The first time it is run by a cursor, then prepared: the answers are the same, and of the same types."""
    by_cursor, *prepared = _ask(store, KINDS, *values)
    assert by_cursor == [(*values, values[0] is None)]
    assert prepared == [by_cursor, by_cursor]
    assert [type(value) for value in prepared[1][0]] == [type(value) for value in by_cursor[0]]


def test_what_cannot_be_stored_is_refused_alike(store: PostgresStore) -> None:
    """A NUL and half a character: found nowhere, written nowhere, and the transaction goes on."""
    for text in ("a\0", "\ud800"):
        assert _ask(store, "SELECT 1 WHERE $1::text IS NOT NULL", text) == [[], [], []]
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        for number in range(3):
            with pytest.raises(InvalidText):
                tx.save(make_callback(f"cb_{number}", request_key="\0"))
        assert tx.callbacks.by_request_key("a") is None


def test_beyond_so_many_statements_a_cursor_does_it(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of anything but texts is left to it too."""
    monkeypatch.setattr(postgres_ready, "_PREPARED_MAX", 1)
    for number in range(3):
        assert _ask(store, f"SELECT {number} + $1::bigint", 1) == [[(number + 1,)]] * 3
    assert _ask(store, "SELECT cardinality($1::bigint[])", [1, 2]) == [[(2,)]] * 3
    with store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
        session = tx._session
        session.fetch("SELECT 0 + $1::bigint", (1,))
        ready, connection = session._ready, session._connection
        assert ready is not None
        assert connection is not None
        asked = [("SELECT 0 + $1::bigint", (number,)) for number in (1, 2)]
        assert ready.fetch_each(connection, asked) == ([[(1,)], [(2,)]], None)
        assert ready.fetch_each(connection, [*asked, ("SELECT 1", ())]) is None
        assert ready.fetch_each(connection, [*asked, ("SELECT 0 + $1::bigint", ([1],))]) is None


@pytest.mark.parametrize("texts", [[], [""], ["a", "b"], ['"', "\\", "{a,b}", "NULL", "ä", ' " \\" ', "\n"]])
def test_texts_are_sent_as_a_list(store: PostgresStore, texts: list[str]) -> None:
    """Whatever stands in them; what cannot be stored is found nowhere."""
    for statement in ("SELECT unnest($1::text[])", "SELECT wanted FROM unnest($1::text[]) AS wanted"):
        assert _ask(store, statement, texts) == [[(text,) for text in texts]] * 3
    assert _ask(store, "SELECT unnest($1::text[])", [*texts, "a\0"]) == [[]] * 3


def _divide_by_nothing(tx: Any, divide: str) -> None:
    tx._session.fetch(divide, (1,))
    connection = tx._session._connection
    found = tx._session._ready.fetch_each(connection, [(divide, (number,)) for number in (1, 2, 0, 3)])
    assert found[0] == [[(6,)], [(3,)]]
    assert found[1].sqlstate == "22012"
    assert connection.info.transaction_status == TransactionStatus.INERROR
    assert connection.pgconn.pipeline_status == PipelineStatus.OFF


def test_several_statements_are_one_journey_and_end_at_the_first_that_is_refused(
    store: PostgresStore,
) -> None:
    """What came before it is told; what comes behind it is not run."""
    divide = "SELECT 6 / $1::bigint"
    assert _ask(store, divide, 3, times=2) == [[(2,)]] * 2
    with pytest.raises(StoreUnavailable), store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
        _divide_by_nothing(tx, divide)
    assert _ask(store, divide, 3) == [[(2,)]] * 3


def test_a_connection_whose_statements_were_dropped_comes_back(store: PostgresStore) -> None:
    """Nothing was written by the transaction that finds it out; the next one prepares them anew."""
    _ask(store, "SELECT $1::text", "a")
    with store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
        tx._session.put("DEALLOCATE ALL", ())
    with pytest.raises(StoreUnavailable):
        _ask(store, "SELECT $1::text", "a")
    assert _ask(store, "SELECT $1::text", "a") == [[("a",)]] * 3


def test_an_instant_of_another_zone_is_read_in_utc(store: PostgresStore) -> None:
    """What was written is only taken for what is read where it is the same to the letter."""
    abroad = timezone(timedelta(hours=2))
    record = make_callback("cb_zone")
    record = attrs.evolve(record, due_at=record.due_at and record.due_at.astimezone(abroad))
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        tx.save(record)
    with store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
        found = tx.callbacks.get(CallbackId("cb_zone"))
    assert found == record
    assert found.due_at is not None
    assert found.due_at.tzinfo is UTC
    sql.CALLBACKS.remember(found, sql.CALLBACKS.rows.encode(found))
    assert sql.CALLBACKS.decode(sql.CALLBACKS.rows.encode(found)) is found

"""
Every statement of the two stores in SQL has its index: the database's own plans say so.

Which index that is stands in `test_sqlite.py` and `test_postgres.py`. Here no statement can be forgotten: all that
stand in the modules are looked at, and the contract of stores runs no other (`conftest.py`).
"""

from __future__ import annotations

import gzip
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from callbackq.stores import PostgresStore, SQLiteStore
from stores.golden.fill import SCHEMA
from stores.postgres_server import admin, conninfo, fresh_schema
from stores.statements import statements_of
from stores.test_postgres import plan_of

GOLDEN = Path(__file__).parent / "golden"
POSTGRES, SQLITE = statements_of("postgres"), statements_of("sqlite")

WHOLE = {
    "HISTORY": "all of it, for who reads all of it",
    "HOLDING": "numbers stand in no index: who holds one is looked for when a person is erased, or by hand",
    "FORGET_NODES": "some tens of rows",
    "LAST_HISTORY_NUMBER": "one row: the last",
    "LAST_NUMBER": "one row: the last",
    "LOOK": "the last lane, and whether there is a row of any queue: one row of each",
    "NODES_ALL": "some tens of rows",
    "NODES_PRESENT": "some tens of rows",
    "WEBHOOKS_THEMSELVES": "some rows for each endpoint",
}
"""What reads all rows of a tenant in a table, and why it may."""

SORTS = {
    "HEAD_CALLBACK": "the heads of as many lanes as the agent has",
    "HEAD_CALL": "the same",
    "HEAD_CALLBACKS": "the first of as many lanes, for as many agents as are free",
    "STAFFED_SKILLS": "agents who are signed in, counted by their skills",
    "STAFFED_STATES": "agents who are signed in, counted by what they do",
    "REQUESTED_OPEN": "the open callbacks of one queue",
    "TALLIES_OF": "some keys",
    "TALLIES_LOCKED": "some keys, locked in their order",
    "FORGET_NODES": "some tens of rows",
    "_RECORDS": "the events of one callback",
    "ATTEMPT_GISTS": "the attempts of one page of callbacks",
}
"""What puts rows in order that an index does not, and why it may."""


def name_of(where: str) -> str:
    return where.split(".", 1)[1]


# ---------------------------------------------------------------------------- SQLite


@pytest.fixture(scope="module", params=["new", "grown"])
def file(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[sqlite3.Connection]:
    """A file with nothing in it; and one with rows, of which SQLite has gathered what there is."""
    path = tmp_path_factory.mktemp("plans") / "callbacks.db"
    if request.param == "grown":
        path.write_bytes(gzip.decompress((GOLDEN / "sqlite_6.db.gz").read_bytes()))
    SQLiteStore(path).close()
    with closing(sqlite3.connect(path)) as connection:
        if request.param == "grown":
            connection.execute("ANALYZE")
        yield connection


def explain(file: sqlite3.Connection, how: str, sql: str) -> list[tuple[Any, ...]]:
    """Return what SQLite says of a statement. Its parameters are numbered, or counted."""
    numbers = [int(number) for number in re.findall(r"\?(\d+)", sql)] or [sql.count("?")]
    return file.execute(f"{how} {sql}", ["1"] * max(numbers)).fetchall()


def test_every_statement_of_sqlite_searches_by_an_index(file: sqlite3.Connection) -> None:
    """Each search begins with the tenant; no table is read from end to end, and none is sorted."""
    for where, sql in SQLITE.items():
        check_sqlite_plan(name_of(where), sql, [row[3] for row in explain(file, "EXPLAIN QUERY PLAN", sql)])


def check_sqlite_plan(name: str, sql: str, plan: list[str]) -> None:
    text = f"{name}\n" + "\n".join(plan)
    read = [step for step in plan if step.startswith(("SEARCH ", "SCAN "))]
    searches = [step for step in read if "tenant_id=?" in step]
    assert searches or sql.lstrip().startswith("INSERT"), text
    made = re.findall(r"(?:CO-ROUTINE|MATERIALIZE) (\S+)", text)  # By other parts of the statement.
    of_none = {
        "SCAN CONSTANT ROW",
        *(f"SCAN {name} VIRTUAL TABLE INDEX 1:" for name in ("json_each", "wanted")),
    }
    of_none |= {f"{how} {name}" for how in ("SCAN", "SEARCH") for name in made}
    assert set(read) <= {*searches, *of_none}, text
    assert "TEMP B-TREE" not in text or name in SORTS, text
    is_whole = any(re.search(r"(autoindex_\w+_1|PRIMARY KEY) \(tenant_id=\?\)$", step) for step in searches)
    assert not is_whole or name in WHOLE, text


# ---------------------------------------------------------------------------- PostgreSQL


@pytest.fixture(scope="module", params=["new", "grown"])
def tables(request: pytest.FixtureRequest) -> Iterator[PostgresStore]:
    """Tables with nothing in them; and some with rows, of which the server has gathered what there is."""
    with fresh_schema() as schema:
        if request.param == "grown":
            dump = (GOLDEN / "postgres_6.sql").read_text(encoding="utf-8")
            admin().execute(dump.replace(SCHEMA, schema).encode())
        with closing(PostgresStore(conninfo(), schema=schema)) as store:
            if request.param == "grown":
                found = admin().execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
                for (table,) in found.fetchall():
                    admin().execute(f"ANALYZE {schema}.{table}".encode())
            yield store


def test_every_statement_of_postgres_searches_by_an_index(tables: PostgresStore) -> None:
    """Each search begins with the tenant; no table is read from end to end, and none is sorted."""
    for where, sql in POSTGRES.items():
        check_postgres_plan(name_of(where), plan_of(tables, sql))


def check_postgres_plan(name: str, plan: list[str]) -> None:
    text = f"{name}\n" + "\n".join(plan)
    assert "Seq Scan" not in text, text
    assert "Bitmap" not in text, text
    assert "Sort" not in text or name in SORTS, text
    conditions = [line.split("Index Cond: ")[1] for line in plan if "Index Cond: " in line]
    assert len(conditions) == sum(" using callbackq_" in line for line in plan), text
    assert all("tenant_id = " in condition for condition in conditions), text
    is_whole = any(
        re.search(r"using callbackq_\w+_pkey ", line)
        and re.search(r"Index Cond: \(tenant_id = [^ ]+\)$", after)
        for line, after in pairwise(plan)
    )
    assert not is_whole or name in WHOLE, text


# ---------------------------------------------------------------------------- side by side


def test_every_statement_lists_its_columns() -> None:
    """So that an older release neither sees nor harms the columns that a newer one has added."""
    for where, sql in {**SQLITE, **POSTGRES}.items():
        assert not re.search(r"(SELECT|RETURNING)\s+(\w+\.)?\*\s+FROM\s+callbackq_", sql), where
        assert not re.search(r"RETURNING\s+(\w+\.)?\*", sql), where
        for begun in re.findall(r"INSERT INTO callbackq_\w+(?: AS \w+)?\s*(.)", sql):
            assert begun == "(", where


@pytest.mark.parametrize(
    "packed", sorted(GOLDEN.glob("statements_*.json.gz")), ids=lambda packed: packed.name
)
def test_statements_of_older_releases_run_on_newer_tables(
    packed: Path, file: sqlite3.Connection, tables: PostgresStore
) -> None:
    """All of them, as they were: an older node goes on beside newer ones."""
    older = json.loads(gzip.decompress(packed.read_bytes()))
    assert min(len(older["sqlite"]), len(older["postgres"])) > 130
    for sql in older["sqlite"]:
        assert explain(file, "EXPLAIN", sql)
    for sql in older["postgres"]:
        assert plan_of(tables, sql)


def test_what_is_allowed_is_there() -> None:
    """A name in the lists above that no statement has any more is taken out."""
    names = {name_of(where) for where in [*SQLITE, *POSTGRES]}
    assert {*WHOLE, *SORTS} <= names

"""Databases of older releases are brought forward when they are opened; `golden/` keeps one of each version."""

from __future__ import annotations

import gzip
import re
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from callbackq.errors import ConfigurationError, SchemaMismatch, StoreUnavailable
from callbackq.ids import DEFAULT_TENANT, CallbackId
from callbackq.model import CallbackState, Channel
from callbackq.ports import Commit
from callbackq.stores import PostgresStore, SQLiteStore, postgres_opening, sqlite_opening
from callbackq.stores.migrations import SCHEMA_VERSION, Plan, Script, known_scripts, plan, read_script
from callbackq.testing import ManualClock, VirtualHost
from callbackq.testing.builders import START
from service.conftest import check_fold
from stores.golden.fill import CUSTOMERS, POLICIES, SCHEMA
from stores.postgres_server import admin, conninfo, fresh_schema

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(GOLDEN.glob("sqlite_*.db.gz"))
DUMPS = sorted(GOLDEN.glob("postgres_*.sql"))
ENDED_AT = START + timedelta(hours=7, minutes=16)
"""Somewhat after the last row of the golden files."""


# ---------------------------------------------------------------------------- the plan


def script(version: int, text: str = "SELECT 1;", *, kind: str = "additive", name: str = "more") -> Script:
    """Return a numbered file as a later release may have it."""
    return read_script(f"{version:04}_{name}.sql", f"-- migration: {kind}\n{text}\n")


KNOWN = [script(6, kind="breaking", name="baseline"), script(7)]


def meta(version: int, compatible_from: int | None = None) -> dict[str, str]:
    rows = {"schema_version": str(version), "pepper": "00" * 32}
    return rows if compatible_from is None else {**rows, "compatible_from": str(compatible_from)}


def steps_of(found: Plan) -> list[tuple[int, int, list[str], list[str]]]:
    """Return the steps in a shape that can be read at a glance."""
    return [
        (
            step.version,
            step.compatible_from,
            [file.name for file in step.outside],
            [file.name for file in step.scripts],
        )
        for step in found.steps
    ]


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_the_files_are_numbered_up_to_the_version_of_this_release(dialect: Any) -> None:
    """Without a gap, and the first of them makes all that was there before they were counted."""
    files = known_scripts(dialect)
    assert sorted({file.version for file in files}) == list(range(6, SCHEMA_VERSION + 1))
    assert [file.kind for file in files if file.version == 6] == ["breaking"]
    assert [file.name for file in files] == sorted(file.name for file in files)


def test_both_dialects_say_the_same_of_each_version() -> None:
    """What may go on beside a version does not hang on where the rows are."""
    breaking = [
        {file.version for file in known_scripts(dialect) if file.kind == "breaking"}
        for dialect in ("sqlite", "postgres")
    ]
    assert breaking[0] == breaking[1]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("7_nodes.sql", "-- migration: additive"),
        ("0007 nodes.sql", "-- migration: additive"),
        ("0007_nodes.sql", "CREATE TABLE x (y);"),
        ("0007_nodes.sql", "-- migration: daring"),
        ("0007_nodes.sql", "-- migration: additive\n-- migration: breaking"),
    ],
)
def test_a_file_without_number_or_kind_is_refused(name: str, text: str) -> None:
    with pytest.raises(ValueError, match="wanted a name such as"):
        read_script(name, text)


def test_a_new_database_runs_all_files_in_one_step() -> None:
    """Also those that would run outside a transaction: nobody is kept waiting by a table that holds nothing."""
    outside = script(8, "CREATE INDEX CONCURRENTLY a ON b (c);", kind="outside a transaction")
    found = plan(None, [*KNOWN, outside], where="here")
    assert found.is_new
    assert found.breaks is None
    assert steps_of(found) == [(8, 6, [], ["0006_baseline.sql", "0007_more.sql", "0008_more.sql"])]
    assert "CREATE INDEX a ON b (c);" in outside.text_for_new_tables()


def test_an_older_database_runs_what_it_has_not_run() -> None:
    """In one step; older releases may go on until a version breaks with them."""
    assert steps_of(plan(meta(6), KNOWN, where="here")) == [(7, 6, [], ["0007_more.sql"])]
    later = [*KNOWN, script(8), script(9, kind="breaking"), script(10)]
    found = plan(meta(7, 6), later, where="here")
    assert steps_of(found) == [(10, 9, [], ["0008_more.sql", "0009_more.sql", "0010_more.sql"])]
    assert found.breaks == 9


def test_a_file_outside_a_transaction_begins_a_step_of_its_own() -> None:
    """It may need what earlier versions made, and comes before the transaction of its own."""
    later = [
        *KNOWN,
        script(8, kind="outside a transaction", name="index"),
        script(8, name="rest"),
        script(9),
        script(10, kind="outside a transaction"),
    ]
    assert steps_of(plan(meta(6), later, where="here")) == [
        (7, 6, [], ["0007_more.sql"]),
        (9, 6, ["0008_index.sql"], ["0008_rest.sql", "0009_more.sql"]),
        (10, 6, ["0010_more.sql"], []),
    ]


def test_a_newer_database_is_used_only_if_it_says_so() -> None:
    """So that old and new nodes run side by side, and none breaks what it does not know."""
    assert plan(meta(9, 7), KNOWN, where="here").steps == ()
    assert plan(meta(7, 6), KNOWN, where="here").steps == ()
    with pytest.raises(
        SchemaMismatch, match=r"^here holds schema version 9 .* usable from version 8 on; this"
    ):
        plan(meta(9, 8), KNOWN, where="here")


@pytest.mark.parametrize("version", ["5", "0", "", "-6", "6.0", "seven", "\uff16"])
def test_a_database_that_cannot_be_brought_forward_is_refused(version: str) -> None:
    with pytest.raises(SchemaMismatch, match="this release reads version 7, and migrates from 6 on"):
        plan({"schema_version": version}, KNOWN, where="here")


def test_statements_outside_a_transaction_are_told_apart() -> None:
    text = "-- One; and\nCREATE INDEX a\n    ON b (c);\n\n-- two.\nDROP INDEX d;\n"
    found = script(8, text, kind="outside a transaction").statements()
    assert found == ("CREATE INDEX a\n    ON b (c)", "DROP INDEX d")


# ---------------------------------------------------------------------------- golden SQLite files


def unpacked(packed: Path, folder: Path) -> Path:
    path = folder / "callbacks.db"
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    return path


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    """A file of the oldest version that can be brought forward."""
    return unpacked(GOLDEN / "sqlite_6.db.gz", tmp_path)


def schema_of_file(path: Path) -> dict[str, str]:
    """Return what makes each table, view, index and trigger, without comments and layout."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT type || ' ' || name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return {name: " ".join(re.sub(r"--[^\n]*", "", sql).split()) for name, sql in rows.fetchall()}


def meta_of_file(path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT name, value FROM callbackq_meta").fetchall())


def check_that_it_goes_on(store: Any) -> None:
    """What is in the store is whole; the attempt ends, and everybody who waits is called back."""
    check_fold(store)
    clock = ManualClock(ENDED_AT)
    host = VirtualHost(store, POLICIES, clock=clock, ids=Numbered())
    assert host.service.verify_history().is_whole
    assert host.service.get("cb_000013").state is CallbackState.WAITING
    assert host.service.position("cb_000013") is not None
    receipt = host.service.request("support", number=CUSTOMERS[20], channel=Channel.AGENT)
    assert host.service.receipt(receipt.callback_id).position is not None
    host.driver.telephony_up()  # It knows none of the legs: what was under way ends.
    host.service.agent_available("zoe", queues=["support"])
    host.run_for(timedelta(minutes=30))
    assert host.service.get("cb_000013").state is CallbackState.ENDED
    assert host.service.get(receipt.callback_id).state is CallbackState.ENDED
    assert host.service.verify_history().is_whole
    check_fold(store)


class Numbered:
    """Ids that a golden file does not hold."""

    def __init__(self) -> None:
        self._count = 0

    def new(self, prefix: str, *, now: datetime) -> str:
        self._count += 1
        return f"{prefix}_later_{self._count}"


@pytest.mark.parametrize("packed", FILES, ids=lambda packed: packed.name)
def test_a_golden_file_is_brought_forward_and_goes_on(packed: Path, tmp_path: Path) -> None:
    """Every row is there, under the same pepper; and the schema is that of a new file."""
    path = unpacked(packed, tmp_path)
    pepper = meta_of_file(path)["pepper"]
    store = SQLiteStore(path)
    assert store.pepper.hex() == pepper
    check_that_it_goes_on(store)
    store.close()
    assert meta_of_file(path) == {
        "schema_version": str(SCHEMA_VERSION),
        "compatible_from": "6",
        "pepper": pepper,
    }
    SQLiteStore(tmp_path / "new.db").close()
    assert schema_of_file(path) == schema_of_file(tmp_path / "new.db")


def test_each_version_has_its_golden_files() -> None:
    """And every table of each holds something."""
    versions = [str(version) for version in range(6, SCHEMA_VERSION + 1)]
    assert [re.findall(r"\d+", packed.name)[0] for packed in FILES] == versions
    assert [re.findall(r"\d+", dump.name)[0] for dump in DUMPS] == versions


@pytest.mark.parametrize("packed", FILES, ids=lambda packed: packed.name)
def test_every_table_of_a_golden_file_holds_something(packed: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(unpacked(packed, tmp_path))) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        empty = [
            name
            for (name,) in tables
            if connection.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone() is None
        ]
    assert len(tables) >= 18
    assert empty == []


# ---------------------------------------------------------------------------- migrating a file


def prepare_file(path: Path, known: Sequence[Script], **settings: Any) -> bytes:
    """Open a file as a release does that has these scripts."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return sqlite_opening.prepare(
            connection, str(path), **{"pepper": None, "migrate": True, "known": known, **settings}
        )


def test_an_error_in_the_middle_leaves_the_old_version_whole(old_file: Path) -> None:
    """Whatever was done before it in the same migration is undone."""
    before = schema_of_file(old_file), meta_of_file(old_file)
    later = [
        *known_scripts("sqlite"),
        script(
            SCHEMA_VERSION + 1,
            "CREATE TABLE half (a);\nDELETE FROM callbackq_history;\nINSERT INTO nowhere VALUES (1);",
        ),
    ]
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        prepare_file(old_file, later)
    assert (schema_of_file(old_file), meta_of_file(old_file)) == before
    check_that_it_goes_on(SQLiteStore(old_file))


def test_whoever_is_killed_while_migrating_leaves_the_old_version_whole(old_file: Path) -> None:
    """What is written at that moment: the file and its log are copied, and opened elsewhere."""
    copies: list[Path] = []

    def copy(name: str) -> None:
        folder = old_file.parent / name
        folder.mkdir()
        for file in old_file.parent.glob("callbacks.db*"):
            (folder / file.name).write_bytes(file.read_bytes())
        copies.append(folder / old_file.name)

    before = schema_of_file(old_file)
    known = [*known_scripts("sqlite"), script(SCHEMA_VERSION + 1, "CREATE TABLE late (a);")]
    with closing(sqlite3.connect(old_file)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    prepare_file(old_file, known, progress=copy)
    assert len(copies) == len(known) - 1
    for path in copies:
        assert schema_of_file(path) == before
        assert meta_of_file(path)["schema_version"] == "6"
    assert meta_of_file(old_file)["schema_version"] == str(SCHEMA_VERSION + 1)


def test_several_who_open_at_once_migrate_once(old_file: Path) -> None:
    """The others wait, and find it done."""
    begun: list[str] = []
    barrier = threading.Barrier(6)

    def open_it() -> bytes:
        barrier.wait()
        return prepare_file(old_file, known_scripts("sqlite"), progress=begun.append)

    with ThreadPoolExecutor(6) as threads:
        peppers = {future.result() for future in [threads.submit(open_it) for _ in range(6)]}
    assert begun == [file.name for file in known_scripts("sqlite") if file.version > 6]
    assert len(peppers) == 1


def test_a_host_may_forbid_changes_to_the_tables(old_file: Path, tmp_path: Path) -> None:
    """Then it is told what to run."""
    with pytest.raises(
        SchemaMismatch, match=rf"holds schema version 6, .* run `callbackq migrate {old_file}`"
    ):
        SQLiteStore(old_file, migrate=False)
    assert meta_of_file(old_file)["schema_version"] == "6"
    new = tmp_path / "new.db"
    with pytest.raises(
        SchemaMismatch, match=rf"has no tables of callbackq, .* run `callbackq migrate {new} --create`"
    ):
        SQLiteStore(new, migrate=False)
    SQLiteStore(old_file).close()
    SQLiteStore(old_file, migrate=False).close()


def test_another_pepper_migrates_nothing(old_file: Path) -> None:
    with pytest.raises(ConfigurationError, match="pepper"):
        SQLiteStore(old_file, pepper=bytes(32))
    assert meta_of_file(old_file)["schema_version"] == "6"


def test_a_newer_file_that_says_so_is_used_as_it_is(old_file: Path) -> None:
    """By an older release, whose statements neither see nor harm what was added."""
    added = script(
        SCHEMA_VERSION + 1,
        "ALTER TABLE callbackq_callbacks ADD COLUMN mood TEXT;\n"
        "ALTER TABLE callbackq_history ADD COLUMN weight INTEGER NOT NULL DEFAULT 7;\n"
        "ALTER TABLE callbackq_subjects ADD COLUMN shoe_size TEXT;\n"
        "CREATE TABLE callbackq_moods (tenant_id TEXT NOT NULL, mood TEXT NOT NULL, PRIMARY KEY (tenant_id, mood));",
    )
    prepare_file(old_file, [*known_scripts("sqlite"), added])
    with closing(sqlite3.connect(old_file)) as connection:
        connection.execute("UPDATE callbackq_callbacks SET mood = 'good'")
        connection.execute("UPDATE callbackq_subjects SET shoe_size = '39'")
        connection.commit()
    schema = schema_of_file(old_file)
    store = SQLiteStore(old_file)
    check_that_it_goes_on(store)
    store.scrub()
    store.close()
    assert schema_of_file(old_file) == schema
    with closing(sqlite3.connect(old_file)) as connection:
        moods = connection.execute(
            "SELECT count(*) FILTER (WHERE mood = 'good'), count(*) FROM callbackq_callbacks"
        )
        assert moods.fetchone() == (12, 13)
        shoes = connection.execute("SELECT count(*) FROM callbackq_subjects WHERE shoe_size = '39'")
        assert shoes.fetchone() == (14,)


def test_a_breaking_migration_waits_for_older_nodes(old_file: Path) -> None:
    """They are named; when all are gone it goes through, and older releases are kept out."""
    SQLiteStore(old_file).close()
    with closing(sqlite3.connect(old_file, isolation_level=None)) as connection:
        connection.execute(
            "INSERT INTO callbackq_nodes (tenant_id, node_id, version, state, instance_id, started_at, seen_at,"
            " lease_until_at, schema_version, release, fingerprints, due_at)"
            " VALUES ('default', 'east-1', 1, 'up', 'i', '', '', '', ?, '', '{}', '')",
            [SCHEMA_VERSION],
        )
    later = [*known_scripts("sqlite"), script(SCHEMA_VERSION + 1, kind="breaking")]
    with pytest.raises(
        SchemaMismatch, match=rf"these nodes are up with older ones: east-1 \({SCHEMA_VERSION}\)"
    ):
        prepare_file(old_file, later)
    assert meta_of_file(old_file)["schema_version"] == str(SCHEMA_VERSION)
    with closing(sqlite3.connect(old_file, isolation_level=None)) as connection:
        connection.execute("UPDATE callbackq_nodes SET state = 'gone', due_at = NULL")
    prepare_file(old_file, later)
    with pytest.raises(SchemaMismatch, match=rf"usable from version {SCHEMA_VERSION + 1} on"):
        SQLiteStore(old_file)


def test_files_from_before_nodes_stood_there_can_be_broken_with(old_file: Path) -> None:
    """Of who has them open nothing is known."""
    prepare_file(old_file, [*known_scripts("sqlite"), script(SCHEMA_VERSION + 1, kind="breaking")])
    assert meta_of_file(old_file)["compatible_from"] == str(SCHEMA_VERSION + 1)


# ---------------------------------------------------------------------------- golden PostgreSQL


@contextmanager
def restored(dump: Path) -> Iterator[str]:
    """Give a schema that holds what a golden dump does."""
    with fresh_schema() as schema:
        admin().execute(dump.read_text(encoding="utf-8").replace(SCHEMA, schema).encode())
        yield schema


@pytest.fixture
def old_schema() -> Iterator[str]:
    """Tables of the oldest version that can be brought forward."""
    with restored(GOLDEN / "postgres_6.sql") as schema:
        yield schema


_CATALOG = """
    SELECT 'column ' || relname || '.' || attname,
           concat_ws(' ', attnum, format_type(atttypid, atttypmod), collname, attnotnull, attidentity,
                     pg_get_expr(adbin, adrelid), col_description(attrelid, attnum))
      FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
      LEFT JOIN pg_collation ON pg_collation.oid = attcollation
      LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
     WHERE relnamespace = to_regnamespace($1) AND relkind IN ('r', 'v', 'p') AND attnum > 0
    UNION ALL
    SELECT relkind::text || ' ' || relname, concat_ws(' ', obj_description(oid, 'pg_class'), reloptions) FROM pg_class
     WHERE relnamespace = to_regnamespace($1)
    UNION ALL
    SELECT 'index ' || relname, pg_get_indexdef(pg_class.oid) || ' ' || indisvalid
      FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid WHERE relnamespace = to_regnamespace($1)
    UNION ALL
    SELECT 'rule ' || conrelid::regclass || ' ' || conname, pg_get_constraintdef(oid) FROM pg_constraint
     WHERE connamespace = to_regnamespace($1)
    UNION ALL
    SELECT 'trigger ' || tgname, pg_get_triggerdef(oid) FROM pg_trigger
     WHERE tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = to_regnamespace($1)) AND NOT tgisinternal
    UNION ALL
    SELECT 'function ' || proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = to_regnamespace($1)
    UNION ALL
    SELECT 'view ' || relname, pg_get_viewdef(oid) FROM pg_class
     WHERE relnamespace = to_regnamespace($1) AND relkind = 'v'
"""


def schema_in_server(schema: str) -> dict[str, str]:
    """Return all that the catalog says of a schema, without its name."""
    rows = psycopg.RawCursor(admin()).execute(_CATALOG, [schema]).fetchall()
    return {name.replace(f"{schema}.", ""): text.replace(schema, "here") for name, text in rows}


def without_views(catalog: dict[str, str]) -> dict[str, str]:
    """Leave out the text of views: pg_dump writes it in another way, which means the same."""
    return {name: text for name, text in catalog.items() if not name.startswith("view ")}


def meta_in_server(schema: str) -> dict[str, str]:
    return dict(admin().execute(f"SELECT name, value FROM {schema}.callbackq_meta".encode()).fetchall())


@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.name)
def test_a_golden_dump_is_brought_forward_and_goes_on(dump: Path) -> None:
    """Every row is there, under the same pepper; and the schema, comments too, is that of new tables."""
    with restored(dump) as schema, fresh_schema() as new:
        pepper = meta_in_server(schema)["pepper"]
        store = PostgresStore(conninfo(), schema=schema)
        assert store.pepper.hex() == pepper
        check_that_it_goes_on(store)
        store.close()
        PostgresStore(conninfo(), schema=new).close()
        assert without_views(schema_in_server(schema)) == without_views(schema_in_server(new))
        assert meta_in_server(schema) == {
            "schema_version": str(SCHEMA_VERSION),
            "compatible_from": "6",
            "pepper": pepper,
        }


@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.name)
def test_every_table_of_a_golden_dump_holds_something(dump: Path) -> None:
    text = dump.read_text(encoding="utf-8")
    tables = set(re.findall(rf"^CREATE TABLE {SCHEMA}\.(\w+)", text, re.MULTILINE))
    assert len(tables) >= 19
    assert tables == set(re.findall(rf"^INSERT INTO {SCHEMA}\.(\w+)", text, re.MULTILINE))


# ---------------------------------------------------------------------------- migrating in PostgreSQL


def prepare_in_server(schema: str, known: Sequence[Script], **settings: Any) -> bytes:
    """Open tables as a release does that has these scripts."""
    with psycopg.connect(conninfo(), autocommit=True) as connection:
        return postgres_opening.prepare(
            connection,
            name="here",
            schema=schema,
            **{"pepper": None, "migrate": True, "known": known, **settings},
        )


def test_old_tables_become_exactly_what_new_ones_are() -> None:
    """Columns, types, indexes, rules, triggers, views and comments."""
    with fresh_schema() as old, fresh_schema() as new:
        prepare_in_server(old, [file for file in known_scripts("postgres") if file.version == 6])
        PostgresStore(conninfo(), schema=old).close()
        PostgresStore(conninfo(), schema=new).close()
        catalog = schema_in_server(new)
        assert len(catalog) > 700
        assert schema_in_server(old) == catalog


def check_whole(schema: str) -> int:
    """
    Return the version of tables that some step left behind, after a check that they are whole.

    They are those that this version makes; besides there may be indexes that are built outside a transaction.
    """
    version = int(meta_in_server(schema)["schema_version"])
    known = known_scripts("postgres")
    with fresh_schema() as same:
        prepare_in_server(same, [file for file in known if file.version <= version])
        wanted = schema_in_server(same).keys()
    texts = "".join(file.text for file in known if file.kind == "outside a transaction")
    outside = set(re.findall(r"INDEX CONCURRENTLY IF NOT EXISTS (\w+)", texts))
    found = schema_in_server(schema).keys()
    assert wanted <= found
    assert {name.split()[-1] for name in found - wanted} <= outside
    return version


def test_an_error_in_the_middle_leaves_old_tables_whole(old_schema: str) -> None:
    """Of what is done outside a transaction, only an index remains; and it is used again."""
    later = [
        *known_scripts("postgres"),
        script(SCHEMA_VERSION + 1, "CREATE TABLE half (a int);\nINSERT INTO nowhere VALUES (1);"),
    ]
    with pytest.raises(psycopg.errors.UndefinedTable, match="nowhere"):
        prepare_in_server(old_schema, later)
    assert check_whole(old_schema) == SCHEMA_VERSION - 1
    with closing(PostgresStore(conninfo(), schema=old_schema)) as store:
        check_fold(store)
    assert meta_in_server(old_schema)["schema_version"] == str(SCHEMA_VERSION)


@pytest.mark.parametrize("cut_at", [file.name for file in known_scripts("postgres") if file.version > 6])
def test_a_connection_that_is_cut_while_migrating_leaves_old_tables_whole(
    old_schema: str, cut_at: str
) -> None:
    """Whichever file it was about to run. The next one who opens goes on."""
    with psycopg.connect(conninfo(), autocommit=True) as connection:

        def cut(name: str) -> None:
            if name == cut_at:
                admin().execute("SELECT pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])

        with pytest.raises(psycopg.OperationalError):
            postgres_opening.prepare(
                connection, name="here", schema=old_schema, pepper=None, migrate=True, progress=cut
            )
    assert check_whole(old_schema) == int(cut_at[:4]) - 1
    PostgresStore(conninfo(), schema=old_schema).close()
    assert meta_in_server(old_schema)["schema_version"] == str(SCHEMA_VERSION)


def test_several_who_open_tables_at_once_migrate_once(old_schema: str) -> None:
    """Though an index is built without a lock, which waits for whoever else is in the middle of something."""
    begun: list[str] = []
    barrier = threading.Barrier(4)

    def open_it() -> bytes:
        barrier.wait()
        return prepare_in_server(old_schema, known_scripts("postgres"), progress=begun.append)

    with ThreadPoolExecutor(4) as threads:
        peppers = {future.result() for future in [threads.submit(open_it) for _ in range(4)]}
    wanted = plan({"schema_version": "6"}, known_scripts("postgres"), where="here")
    assert begun == [file.name for file in wanted.scripts]
    assert len(peppers) == 1


def test_waiting_for_another_opener_has_an_end(old_schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_opening, "_TURN_WAIT_S", 0.0)
    number = postgres_opening.turn_number(old_schema, "schema")
    with psycopg.connect(conninfo(), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [number])
        with pytest.raises(StoreUnavailable, match="another process is changing the tables"):
            PostgresStore(conninfo(), schema=old_schema)
    assert meta_in_server(old_schema)["schema_version"] == "6"


def test_settings_of_a_connection_are_left_as_they_were(old_schema: str) -> None:
    """Also the lock is given back: it would last as long as a connection of the host's pool."""
    with psycopg.connect(conninfo(), autocommit=True) as connection:
        connection.execute("SET statement_timeout = '70s'")
        postgres_opening.prepare(connection, name="here", schema=old_schema, pepper=None, migrate=True)
        shown = [
            connection.execute(f"SHOW {name}".encode()).fetchone()
            for name in ("statement_timeout", "lock_timeout", "search_path")
        ]
        assert shown == [("70s",), ("0",), ('"$user", public',)]
        kept = connection.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        )
        assert kept.fetchone() == (0,)


def test_an_index_that_was_left_half_built_is_built_again(old_schema: str) -> None:
    """As it is left where the server was stopped, or a rule of uniqueness found two alike."""
    later = [
        *known_scripts("postgres"),
        script(
            SCHEMA_VERSION + 1,
            "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS callbackq_calls_again ON callbackq_calls (tenant_id);",
            kind="outside a transaction",
        ),
    ]
    with pytest.raises(psycopg.errors.UniqueViolation):
        prepare_in_server(old_schema, later)
    assert schema_in_server(old_schema)["index callbackq_calls_again"].endswith(" false")
    assert meta_in_server(old_schema)["schema_version"] == str(SCHEMA_VERSION)
    admin().execute(f"DELETE FROM {old_schema}.callbackq_calls")
    prepare_in_server(old_schema, later)
    assert schema_in_server(old_schema)["index callbackq_calls_again"].endswith(" true")
    assert meta_in_server(old_schema)["schema_version"] == str(SCHEMA_VERSION + 1)


def test_a_host_may_forbid_changes_to_tables(old_schema: str) -> None:
    command = f"run `callbackq migrate postgresql://... --schema {old_schema}` first"
    with pytest.raises(SchemaMismatch, match=re.escape(command)):
        PostgresStore(conninfo(), schema=old_schema, migrate=False)
    assert meta_in_server(old_schema)["schema_version"] == "6"
    PostgresStore(conninfo(), schema=old_schema).close()
    PostgresStore(conninfo(), schema=old_schema, migrate=False).close()


def test_another_pepper_migrates_no_table(old_schema: str) -> None:
    with pytest.raises(ConfigurationError, match="pepper"):
        PostgresStore(conninfo(), schema=old_schema, pepper=bytes(32))
    assert meta_in_server(old_schema)["schema_version"] == "6"


def test_newer_tables_that_say_so_are_used_as_they_are(old_schema: str) -> None:
    """By an older release, also by one that has them open while they change."""
    added = script(
        SCHEMA_VERSION + 1,
        "ALTER TABLE callbackq_callbacks ADD COLUMN mood text;\n"
        "ALTER TABLE callbackq_history ADD COLUMN weight bigint NOT NULL DEFAULT 7;\n"
        "CREATE TABLE callbackq_moods (tenant_id text NOT NULL, mood text NOT NULL, PRIMARY KEY (tenant_id, mood));",
    )
    with closing(PostgresStore(conninfo(), schema=old_schema)) as running:
        with running.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
            for _ in range(10):  # Often enough to be prepared on the server.
                assert tx.callbacks.get(CallbackId("cb_000013")).priority == 100
        prepare_in_server(old_schema, [*known_scripts("postgres"), added])
        with running.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
            assert tx.callbacks.get(CallbackId("cb_000013")).priority == 100
        with closing(PostgresStore(conninfo(), schema=old_schema)) as opened_later:
            check_that_it_goes_on(opened_later)
    assert meta_in_server(old_schema)["schema_version"] == str(SCHEMA_VERSION + 1)


def test_a_breaking_migration_of_tables_waits_for_older_nodes(old_schema: str) -> None:
    PostgresStore(conninfo(), schema=old_schema).close()
    admin().execute(
        f"INSERT INTO {old_schema}.callbackq_nodes (tenant_id, node_id, version, state, instance_id, started_at,"
        " seen_at, lease_until_at, schema_version, release, fingerprints, due_at)"
        f" VALUES ('default', 'east-1', 1, 'draining', 'i', now(), now(), now(), {SCHEMA_VERSION}, '', '{{}}', now())"
    )
    later = [*known_scripts("postgres"), script(SCHEMA_VERSION + 1, kind="breaking")]
    with pytest.raises(
        SchemaMismatch, match=rf"these nodes are up with older ones: east-1 \({SCHEMA_VERSION}\)"
    ):
        prepare_in_server(old_schema, later)
    admin().execute(f"UPDATE {old_schema}.callbackq_nodes SET state = 'gone', due_at = NULL")
    prepare_in_server(old_schema, later)
    with pytest.raises(SchemaMismatch, match=rf"usable from version {SCHEMA_VERSION + 1} on"):
        PostgresStore(conninfo(), schema=old_schema)


def test_tables_from_before_nodes_stood_there_can_be_broken_with(old_schema: str) -> None:
    """Of who has them open nothing is known."""
    prepare_in_server(old_schema, [*known_scripts("postgres"), script(SCHEMA_VERSION + 1, kind="breaking")])
    assert meta_in_server(old_schema)["compatible_from"] == str(SCHEMA_VERSION + 1)

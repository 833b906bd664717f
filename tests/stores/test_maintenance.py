"""The scripts for who looks after a PostgreSQL database: shipped with the package, run here on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from importlib import resources
from pathlib import Path

import psycopg
import pytest

from callbackq.stores import PostgresStore
from stores.golden.fill import SCHEMA
from stores.postgres_server import admin, conninfo, fresh_schema
from stores.test_migrations import check_that_it_goes_on, schema_in_server

GOLDEN = Path(__file__).parent / "golden"


def script(name: str) -> str:
    """Return the text of a script, as it is shipped."""
    folder = resources.files("callbackq.stores").joinpath("schema", "postgres", "maintenance")
    return folder.joinpath(f"{name}.sql").read_text(encoding="utf-8")


def run(schema: str, name: str, **settings: int) -> None:
    """Run a script as a DBA would."""
    with psycopg.connect(conninfo(), autocommit=True) as connection:
        connection.execute(f"SET search_path = {schema}".encode())
        for setting, value in settings.items():
            connection.execute(f"SET callbackq.{setting} = {value}".encode())
        connection.execute(script(name).encode())


def counts(schema: str) -> dict[str, int]:
    """Return how many events stand in each partition, oldest first."""
    found = admin().execute(
        "SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = %s::regclass ORDER BY 1",
        [f"{schema}.callbackq_history"],
    )
    return {
        name.removeprefix("callbackq_history"): admin()
        .execute(f"SELECT count(*) FROM {schema}.{name}".encode())
        .fetchone()[0]  # type: ignore[index]
        for (name,) in found.fetchall()
    }


@pytest.fixture
def schema() -> Iterator[str]:
    """Tables of this release, with rows in them."""
    with fresh_schema() as name:
        dump = (GOLDEN / "postgres_6.sql").read_text(encoding="utf-8")
        admin().execute(dump.replace(SCHEMA, name).encode())
        PostgresStore(conninfo(), schema=name).close()
        yield name


# ---------------------------------------------------------------------------- partitions of the history


def test_a_store_goes_on_with_its_history_in_partitions(schema: str) -> None:
    """No event is lost, chains go on over the border, and there is always room behind the last one."""
    before = admin().execute(f"SELECT count(*) FROM {schema}.callbackq_history".encode()).fetchone()
    (count,) = before or (0,)
    run(schema, "history_partitions", partition_rows=20)
    assert counts(schema) == {"0": count, "1": 0, "2": 0}
    run(schema, "history_next", partition_rows=20)
    assert counts(schema) == {"0": count, "1": 0, "2": 0}
    with closing(PostgresStore(conninfo(), schema=schema)) as store:
        check_that_it_goes_on(store)
    grown = counts(schema)
    assert (grown["0"], grown["1"]) == (count + 20, 20)
    assert grown["2"] > 20
    run(schema, "history_next", partition_rows=20)
    assert counts(schema) == {**grown, "3": 0}


def test_partitions_are_made_once(schema: str) -> None:
    """Comments, rules and the index that finds the events of a callback are those that there were."""
    before = schema_in_server(schema)
    run(schema, "history_partitions")
    made = schema_in_server(schema)
    for name, text in before.items():
        if name.startswith("column callbackq_history."):
            assert made[name].split()[:1] == text.split()[:1]
            assert made[name].split()[-2:] == text.split()[-2:]
    assert made["index callbackq_history0_chain"].startswith("CREATE UNIQUE INDEX")
    run(schema, "history_partitions")
    assert schema_in_server(schema) == made


def test_two_events_at_one_place_are_refused_within_a_partition(schema: str) -> None:
    """And two with one number everywhere."""
    run(schema, "history_partitions")
    row = (
        "INSERT INTO {0}.callbackq_history (tenant_id, entity, kind, version, at, record_id, event_number, digest{1})"
        " VALUES ('default', 'call', 'call_joined', 1, now(), 'chan-9', 1, 'x'{2})"
    )
    admin().execute(row.format(schema, "", "").encode())
    with pytest.raises(psycopg.errors.UniqueViolation, match="callbackq_history0_chain"):
        admin().execute(row.format(schema, "", "").encode())
    with pytest.raises(psycopg.errors.UniqueViolation, match="callbackq_history0_pkey"):
        admin().execute(row.format(schema, ", history_number", ", 1").encode())


def test_a_role_keeps_its_rights_on_partitions(schema: str) -> None:
    """It writes through the table, and the sequence gives it numbers."""
    role = f"{schema}_role"
    admin().execute(f"CREATE ROLE {role}".encode())
    try:
        admin().execute(f"GRANT USAGE ON SCHEMA {schema} TO {role}".encode())
        admin().execute(
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}".encode()
        )
        run(schema, "history_partitions")
        as_role = f"{conninfo()}{'&' if '?' in conninfo() else '?'}options=-c%20role%3D{role}"
        with closing(PostgresStore(as_role, schema=schema, migrate=False)) as store:
            check_that_it_goes_on(store)
    finally:
        admin().execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())


def test_partitions_that_were_pruned_empty_are_dropped(schema: str) -> None:
    """The two newest stay, empty or not; and one in which something stands."""
    run(schema, "history_partitions", partition_rows=20)
    with closing(PostgresStore(conninfo(), schema=schema)) as store:
        check_that_it_goes_on(store)
    run(schema, "history_next", partition_rows=20)
    run(schema, "history_drop_empty")
    assert list(counts(schema)) == ["0", "1", "2", "3"]
    admin().execute(f"DELETE FROM {schema}.callbackq_history1".encode())
    run(schema, "history_drop_empty")
    assert list(counts(schema)) == ["0", "2", "3"]
    for _ in range(2):  # The one before the last is in use and full: one more, and then no other.
        run(schema, "history_next", partition_rows=20)
        assert list(counts(schema)) == ["0", "2", "3", "4"]


def test_partitions_are_found_well_until_one_lacks_its_index(schema: str) -> None:
    """As the doctor sees them."""
    run(schema, "history_partitions")
    with closing(PostgresStore(conninfo(), schema=schema)) as store:
        before = [problem.what for problem in store.health().problems if "missing" in problem.what]
        admin().execute(f"DROP INDEX {schema}.callbackq_history1_chain".encode())
        after = [problem.what for problem in store.health().problems if "missing" in problem.what]
    assert (before, after) == ([], ["the index callbackq_history_chain is missing"])


def test_a_history_without_partitions_has_no_next_one(schema: str) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match=r"run history_partitions\.sql first"):
        run(schema, "history_next")


def test_partitions_hold_something(schema: str) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="must be 1 or more"):
        run(schema, "history_partitions", partition_rows=0)


# ---------------------------------------------------------------------------- autovacuum


def test_autovacuum_is_set_for_every_table_that_changes(schema: str) -> None:
    """Partitions too; a second run changes nothing. What is written once in a while keeps the server's settings."""
    run(schema, "history_partitions")
    asked = (
        "SELECT relname, reloptions FROM pg_class"
        " WHERE relnamespace = to_regnamespace(%s) AND relkind = 'r' ORDER BY relname"
    )
    for _ in range(2):
        run(schema, "autovacuum")
        options = dict(admin().execute(asked, [schema]).fetchall())
    plain = {name.removeprefix("callbackq_") for name, found in options.items() if found is None}
    assert plain == {"lanes", "meta", "opt_outs", "queues"}
    for name, found in options.items():
        assert found is None or "autovacuum_vacuum_scale_factor=0" in found, name
    assert "autovacuum_vacuum_insert_threshold=1000000" in options["callbackq_history0"]

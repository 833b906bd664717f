"""`callbackq migrate`: what it says it would do, what it does, and what it refuses."""

from __future__ import annotations

import gzip
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from callbackq import SQLiteStore
from callbackq.cli.app import app
from callbackq.stores.migrations import SCHEMA_VERSION, known_scripts
from stores.golden.fill import SCHEMA
from stores.postgres_server import admin, conninfo, fresh_schema

if TYPE_CHECKING:
    from click.testing import Result

GOLDEN = Path(__file__).parent.parent / "stores" / "golden"


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["migrate", *map(str, arguments)])


def figures(result: Result, code: int = 0) -> dict[str, Any]:
    """Read the JSON; nothing else may stand on stdout."""
    assert result.exit_code == code, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def later_files(dialect: Any) -> list[str]:
    """Return the files behind version 6 as they are run: of each version those outside a transaction first."""
    later = [file for file in known_scripts(dialect) if file.version > 6]
    later.sort(key=lambda file: (file.version, file.kind != "outside a transaction"))
    return [file.name for file in later]


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    path = tmp_path / "callbacks.db"
    path.write_bytes(gzip.decompress((GOLDEN / "sqlite_6.db.gz").read_bytes()))
    return path


def test_migrate_says_first_and_does_then(old_file: Path) -> None:
    """With --check nothing is changed, and the code tells a script that there is something to do."""
    before = old_file.read_bytes()
    wanted = {
        "found": 6,
        "version": SCHEMA_VERSION,
        "files": later_files("sqlite"),
        "outside_a_transaction": [],
        "breaks_before": None,
        "migrated": False,
    }
    assert figures(invoke(old_file, "--check", "--json"), 1) == wanted
    assert old_file.read_bytes() == before
    done = invoke(old_file, "--json")
    assert figures(done) == {**wanted, "migrated": True}
    assert done.stderr.splitlines() == [f"{name} ..." for name in later_files("sqlite")]
    assert figures(invoke(old_file, "--check", "--json"))["files"] == []
    SQLiteStore(old_file, migrate=False).close()


def test_migrate_says_it_in_words(old_file: Path) -> None:
    would, did, nothing = invoke(old_file, "--check"), invoke(old_file), invoke(old_file)
    files = "".join(f"  {name}\n" for name in later_files("sqlite"))
    assert (
        would.stdout == f"{old_file} has schema version 6, and would have version {SCHEMA_VERSION}:\n{files}"
    )
    assert did.stdout == f"{old_file} had schema version 6, and has version {SCHEMA_VERSION} now:\n{files}"
    assert nothing.stdout == f"{old_file} has schema version {SCHEMA_VERSION}: nothing is to be done.\n"


def test_migrate_makes_tables_only_if_asked(tmp_path: Path) -> None:
    """A name that was mistyped makes no file."""
    path = tmp_path / "callbacks.db"
    refused = invoke(path)
    assert (refused.exit_code, refused.stderr) == (
        2,
        f"{path} holds no tables of callbackq: with --create they are made.\n",
    )
    assert not path.exists()
    assert figures(invoke(path, "--create", "--json"))["found"] is None
    SQLiteStore(path, migrate=False).close()


def test_migrate_in_postgres(tmp_path: Path) -> None:
    """What runs outside a transaction is marked; new tables are made if asked."""
    dump = (GOLDEN / "postgres_6.sql").read_text(encoding="utf-8")
    with fresh_schema() as schema:
        named = (conninfo(), "--schema", schema)
        assert "--create" in invoke(*named).stderr
        made = figures(invoke(*named, "--create", "--json"))
        assert (made["found"], made["outside_a_transaction"]) == (None, [])
    with fresh_schema() as schema:
        named = (conninfo(), "--schema", schema)
        admin().execute(dump.replace(SCHEMA, schema).encode())
        would = invoke(*named, "--check")
        assert would.exit_code == 1
        assert "  0007_attempts_by_node.sql, outside a transaction\n" in would.stdout
        assert figures(invoke(*named, "--json"))["files"] == later_files("postgres")
        assert "nothing is to be done" in invoke(*named).stdout


def test_a_role_that_may_not_migrate_is_told() -> None:
    with fresh_schema() as schema:
        role = f"{schema}_role"
        admin().execute(f"CREATE ROLE {role} LOGIN")
        try:
            admin().execute(f"CREATE SCHEMA {schema}; GRANT USAGE ON SCHEMA {schema} TO {role}")
            where = f"{conninfo()}{'&' if '?' in conninfo() else '?'}options=-c%20role%3D{role}"
            refused = invoke(where, "--schema", schema, "--create")
            assert refused.exit_code == 2
            assert "as a role that may" in refused.stderr
        finally:
            admin().execute(f"DROP SCHEMA {schema}; DROP ROLE {role}")


@pytest.mark.parametrize("text", ["no database at all, but long enough to look at", ""])
def test_migrate_refuses_what_is_no_store(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(text, encoding="utf-8")
    refused = invoke(path, "--create")
    assert (refused.exit_code, refused.stderr) == (
        2,
        f"{path} is no database of callbackq: name one that is there.\n",
    )


def test_migrate_refuses_a_server_that_is_not_there_without_its_password(tmp_path: Path) -> None:
    refused = invoke(f"postgresql://callbacks:very-secret@/x?host={tmp_path}")
    assert (refused.exit_code, refused.stderr) == (2, "PostgreSQL cannot be reached: OperationalError.\n")


def test_migrate_refuses_what_a_newer_release_closed(old_file: Path) -> None:
    with closing(sqlite3.connect(old_file)) as connection, connection:
        connection.execute("UPDATE callbackq_meta SET value = '99' WHERE name = 'schema_version'")
    refused = invoke(old_file)
    assert refused.exit_code == 2
    assert "holds schema version 99 of callbackq" in refused.stderr


def test_other_commands_change_no_tables(old_file: Path) -> None:
    """They name the command that does."""
    refused = CliRunner().invoke(app, ["verify", str(old_file)])
    assert refused.exit_code == 2
    assert f"run `callbackq migrate {old_file}` first" in refused.stderr

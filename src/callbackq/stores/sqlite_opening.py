"""
Opening an SQLite file: the tables are made where there are none, and brought forward where they are older.

The rule: all that is done to a file is one transaction, so a file is of one version or of another; whoever else opens
it waits. What is to be done is said by `migrations`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from callbackq.stores.migrations import (
    Plan,
    Script,
    in_the_way,
    known_scripts,
    plan,
    rows_of_meta,
    to_be_migrated,
)
from callbackq.stores.pepper import agreed_pepper, row_of_new_pepper
from callbackq.stores.sqlite_errors import translate

_TURN_TIMEOUT_MS: Final = 60_000
"""How long another opener is waited for, who may be making an index over many rows."""

_Progress = Callable[[str], None]


def prepare(
    connection: sqlite3.Connection,
    path: str,
    *,
    pepper: bytes | None,
    migrate: bool,
    known: Sequence[Script] | None = None,
    progress: _Progress | None = None,
) -> bytes:
    """
    Make the tables, or bring them forward, and return the pepper.

    Args:
        connection: in autocommit; nothing is open on it.
        path: the file, as a message may show it.
        pepper: the host's own.
        migrate: whether tables may be made and changed.
        known: the numbered files; those of this release if not given.
        progress: told the name of each file before it is run.

    Raises:
        sqlite3.Error: what SQLite says; nothing was changed.
        SchemaMismatch: this release cannot use the file, or *migrate* is false and there is something to do.
        ConfigurationError: the pepper is not the one that the file was made with.
    """
    scripts = known_scripts("sqlite") if known is None else known
    wanted = plan(_meta(connection), scripts, where=path)
    if wanted.steps:
        if not migrate:
            raise to_be_migrated(wanted, where=path, command=f"callbackq migrate {path}")
        _in_turn(connection, path, scripts, pepper=pepper, progress=progress)
    return agreed_pepper(_meta(connection) or {}, pepper, made="file was")


def look(path: Path) -> Plan:
    """
    Return what a file needs, and change nothing.

    Raises:
        StoreUnavailable: it cannot be read.
        SchemaMismatch: this release cannot use it.
    """
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return plan(_meta(connection), known_scripts("sqlite"), where=str(path))
    except sqlite3.Error as error:
        raise translate(error, str(path)) from error


def migrate(path: Path, *, pepper: bytes | None, progress: _Progress) -> None:
    """
    Bring a file forward that holds tables, for a command.

    Raises:
        StoreUnavailable: it cannot be written, or somebody kept it locked for a minute.
        SchemaMismatch: this release cannot use it.
        ConfigurationError: the pepper is not the one that the file was made with.
    """
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA fullfsync = ON")
            prepare(connection, str(path), pepper=pepper, migrate=True, progress=progress)
    except sqlite3.Error as error:
        raise translate(error, str(path)) from error


def _meta(connection: sqlite3.Connection) -> dict[str, str] | None:
    """Return what the file says of itself, or None if it holds no tables."""
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'callbackq_meta'")
    if found.fetchone() is None:
        return None
    return dict(connection.execute("SELECT name, value FROM callbackq_meta").fetchall())


def _in_turn(
    connection: sqlite3.Connection,
    path: str,
    scripts: Sequence[Script],
    *,
    pepper: bytes | None,
    progress: _Progress | None,
) -> None:
    """Do what is still to be done when it is this opener's turn: another one may have been first."""
    (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute(f"PRAGMA busy_timeout = {_TURN_TIMEOUT_MS}")
    try:
        connection.execute("BEGIN IMMEDIATE")
        meta = _meta(connection)
        wanted = plan(meta, scripts, where=path)
        _refuse_if_in_use(connection, wanted, path)
        if meta is not None:
            agreed_pepper(meta, pepper, made="file was")
        for script in wanted.scripts:
            if progress is not None:
                progress(script.name)
            _run(connection, script.text)
        rows = [row for step in wanted.steps for row in rows_of_meta(step)]
        if wanted.is_new:
            rows.append(row_of_new_pepper(pepper))
        connection.executemany("INSERT OR REPLACE INTO callbackq_meta (name, value) VALUES (?, ?)", rows)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience}")


def _refuse_if_in_use(connection: sqlite3.Connection, wanted: Plan, path: str) -> None:
    """Refuse to break with an older release of which a node is up."""
    if wanted.breaks_with_nodes is None:
        return
    older = connection.execute(
        "SELECT node_id, schema_version FROM callbackq_nodes WHERE state <> 'gone' AND schema_version < ?",
        [wanted.breaks_with_nodes],
    ).fetchall()
    if older:
        raise in_the_way(older, wanted.breaks_with_nodes, where=path)


def _run(connection: sqlite3.Connection, text: str) -> None:
    """Run a script, statement by statement: the module's own way would commit before it."""
    statement = ""
    for line in text.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""

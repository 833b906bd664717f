"""
Opening tables in PostgreSQL: they are made where there are none, and brought forward where they are older.

The rule: each step of a `migrations.Plan` is one transaction, with its version, so the tables are of one version or of
another. Only what a file says is done before it, outside a transaction, and is harmless if it is done again. Openers
take turns by an advisory lock of the session. They ask for it again and again instead of waiting in a statement:
whoever builds an index without a lock waits for every statement that began before, and would wait for them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, cast

from callbackq.errors import StoreUnavailable
from callbackq.stores.migrations import (
    Plan,
    Script,
    Step,
    in_the_way,
    known_scripts,
    plan,
    rows_of_meta,
    to_be_migrated,
)
from callbackq.stores.pepper import agreed_pepper, row_of_new_pepper
from callbackq.stores.postgres_connections import own_cursor
from callbackq.stores.postgres_errors import driver_error, translate
from callbackq.stores.postgres_session import turn_number

if TYPE_CHECKING:
    from callbackq.stores.postgres_connections import Connection

_SERVER: Final = "PostgreSQL"
_TURN_WAIT_S: Final = 60.0
_TURN_PAUSE_S: Final = 0.05
_MAY_NOT: Final = "42501"
_PATIENT: Final[Mapping[str, str]] = {"statement_timeout": "0", "lock_timeout": "0"}
"""For statements outside a transaction: they take long, and keep nobody waiting."""
_INDEX: Final = re.compile(r"CREATE (?:UNIQUE )?INDEX CONCURRENTLY IF NOT EXISTS (\w+)")

_Progress = Callable[[str], None]


def prepare(
    connection: Connection,
    *,
    name: str,
    schema: str,
    pepper: bytes | None,
    migrate: bool,
    known: Sequence[Script] | None = None,
    progress: _Progress | None = None,
) -> bytes:
    """
    Make the tables, or bring them forward, and return the pepper.

    Args:
        connection: in autocommit; nothing is open on it.
        name: the server and the database, as a message may show them.
        schema: where the tables are. A valid name.
        pepper: the host's own.
        migrate: whether tables may be made and changed.
        known: the numbered files; those of this release if not given.
        progress: told the name of each file before it is run.

    Raises:
        psycopg.Error: what the server says; the tables are of the version that they were.
        StoreUnavailable: another opener takes longer than a minute.
        SchemaMismatch: this release cannot use the tables; or *migrate* is false, or the role may not change them, and
            there is something to do.
        ConfigurationError: the pepper is not the one that the tables were made with.
    """
    scripts = known_scripts("postgres") if known is None else known
    where = f"{name}, schema {schema}"
    meta = _meta(connection, schema)
    wanted = plan(meta, scripts, where=where)
    if wanted.steps:
        command = f"callbackq migrate postgresql://... --schema {schema}"
        if not migrate:
            raise to_be_migrated(wanted, where=where, command=command)
        try:
            with _turn(connection, name=name, schema=schema):
                _bring_forward(
                    connection, scripts, where=where, schema=schema, pepper=pepper, progress=progress
                )
        except driver_error() as error:
            if error.sqlstate != _MAY_NOT:
                raise
            raise to_be_migrated(wanted, where=where, command=command) from error
        meta = _meta(connection, schema)
    return agreed_pepper(meta or {}, pepper, made="tables were")


def look(conninfo: str, *, schema: str) -> Plan:
    """
    Return what tables need, and change nothing.

    Raises:
        StoreUnavailable: the server cannot be reached, or lets nobody in.
        SchemaMismatch: this release cannot use the tables.
    """
    with _connected(conninfo) as connection:
        return plan(_meta(connection, schema), known_scripts("postgres"), where=f"{_SERVER}, schema {schema}")


def migrate(conninfo: str, *, schema: str, pepper: bytes | None, progress: _Progress) -> None:
    """
    Make tables, or bring them forward, for a command.

    Raises:
        StoreUnavailable: the server cannot be reached, or another opener takes longer than a minute.
        SchemaMismatch: this release cannot use the tables, or the role may not change them.
        ConfigurationError: the pepper is not the one that the tables were made with.
    """
    with _connected(conninfo) as connection:
        prepare(connection, name=_SERVER, schema=schema, pepper=pepper, migrate=True, progress=progress)


@contextmanager
def _connected(conninfo: str) -> Generator[Connection]:
    """Give a connection for a while; what the server says becomes an error of ours."""
    import psycopg

    try:
        connection = psycopg.connect(conninfo, autocommit=True)
    except psycopg.Error as error:
        raise StoreUnavailable(f"{_SERVER} cannot be reached: {type(error).__name__}") from error
    with connection:
        connection.execute("SET client_encoding = 'UTF8'; SET TimeZone = 'UTC'; SET lock_timeout = '5s'")
        try:
            yield connection
        except psycopg.Error as error:
            raise translate(error, _SERVER) from error


# ---------------------------------------------------------------------------- asking


def _ask(connection: Connection, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Ask with numbered parameters, on any connection of the host's."""
    from psycopg.rows import tuple_row

    cursor = own_cursor()(connection, row_factory=tuple_row)
    cursor.execute(sql.encode(), values or None, prepare=False)
    return cursor.fetchall() if cursor.description else []


def _meta(connection: Connection, schema: str) -> dict[str, str] | None:
    """
    Return what the tables say of themselves, or None if there are none.

    The catalog itself is asked: what a session has looked up it may remember for too long.
    """
    found = _ask(
        connection,
        "SELECT EXISTS (SELECT 1 FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
        " WHERE nspname = $1 AND relname = 'callbackq_meta')",
        schema,
    )
    if found != [(True,)]:
        return None
    return dict(
        cast("list[tuple[str, str]]", _ask(connection, f'SELECT name, value FROM "{schema}".callbackq_meta'))
    )


# ---------------------------------------------------------------------------- turns and settings


@contextmanager
def _turn(connection: Connection, *, name: str, schema: str) -> Generator[None]:
    """Wait until no other opener changes these tables."""
    number = turn_number(schema, "schema")
    give_up_at = time.monotonic() + _TURN_WAIT_S
    while _ask(connection, "SELECT pg_try_advisory_lock($1)", number) != [(True,)]:
        if time.monotonic() > give_up_at:
            raise StoreUnavailable(
                f"{name}: another process is changing the tables of schema {schema}; try later"
            )
        time.sleep(_TURN_PAUSE_S)
    try:
        yield
    finally:
        with suppress(driver_error()):  # A connection that was lost holds no lock.
            _ask(connection, "SELECT pg_advisory_unlock($1)", number)


@contextmanager
def _settings(connection: Connection, settings: Mapping[str, str]) -> Generator[None]:
    """Change settings of the session for a while."""
    before = {key: _ask(connection, "SELECT current_setting($1)", key)[0][0] for key in settings}
    try:
        for key, value in settings.items():
            _ask(connection, "SELECT set_config($1, $2, false)", key, value)
        yield
    finally:
        with suppress(driver_error()):
            for key, value in before.items():
                _ask(connection, "SELECT set_config($1, $2, false)", key, value)


# ---------------------------------------------------------------------------- running


def _bring_forward(
    connection: Connection,
    scripts: Sequence[Script],
    *,
    where: str,
    schema: str,
    pepper: bytes | None,
    progress: _Progress | None,
) -> None:
    """Do what is still to be done: another opener may have been first."""
    meta = _meta(connection, schema)
    wanted = plan(meta, scripts, where=where)
    if meta is not None:
        agreed_pepper(meta, pepper, made="tables were")
        _refuse_if_in_use(connection, wanted, where=where, schema=schema)
    with _settings(connection, {"search_path": f'"{schema}"'}):
        for step in wanted.steps:
            for script in step.outside:
                _tell(progress, script)
                _run_outside(connection, script, schema)
            with connection.transaction():
                if wanted.is_new:
                    _make_schema(connection, schema)
                elif wanted.breaks_with_nodes is not None:
                    _ask(connection, "LOCK TABLE callbackq_nodes IN SHARE MODE")
                    _refuse_if_in_use(connection, wanted, where=where, schema=schema)
                _run_step(connection, step, pepper=pepper, is_new=wanted.is_new, progress=progress)


def _run_step(
    connection: Connection, step: Step, *, pepper: bytes | None, is_new: bool, progress: _Progress | None
) -> None:
    """Run the scripts of a step, and say so in the tables."""
    for script in step.scripts:
        _tell(progress, script)
        _ask(connection, script.text_for_new_tables() if is_new else script.text)
    for row in (*rows_of_meta(step), *([row_of_new_pepper(pepper)] if is_new else [])):
        _ask(
            connection,
            "INSERT INTO callbackq_meta (name, value) VALUES ($1, $2)"
            " ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value",
            *row,
        )


def _run_outside(connection: Connection, script: Script, schema: str) -> None:
    """Run each statement by itself. An index that was left half built is built again."""
    with _settings(connection, _PATIENT):
        for statement in script.statements():
            index = _INDEX.match(statement)
            if index is not None and _is_half_built(connection, schema, index[1]):
                _ask(connection, f'DROP INDEX CONCURRENTLY "{schema}".{index[1]}')
            _ask(connection, statement)


def _is_half_built(connection: Connection, schema: str, index: str) -> bool:
    return bool(
        _ask(
            connection,
            "SELECT 1 FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
            "  JOIN pg_namespace ON pg_namespace.oid = relnamespace"
            " WHERE nspname = $1 AND relname = $2 AND NOT indisvalid",
            schema,
            index,
        )
    )


def _make_schema(connection: Connection, schema: str) -> None:
    """Make the schema where there is none. To ask first asks for no right that is not needed."""
    if not _ask(connection, "SELECT 1 FROM pg_namespace WHERE nspname = $1", schema):
        _ask(connection, f'CREATE SCHEMA "{schema}"')


def _refuse_if_in_use(connection: Connection, wanted: Plan, *, where: str, schema: str) -> None:
    """Refuse to break with an older release of which a node is up."""
    if wanted.breaks_with_nodes is None:
        return
    older = _ask(
        connection,
        f'SELECT node_id, schema_version FROM "{schema}".callbackq_nodes'
        " WHERE state <> 'gone' AND schema_version < $1",
        wanted.breaks_with_nodes,
    )
    if older:
        raise in_the_way(cast("list[tuple[str, int]]", older), wanted.breaks_with_nodes, where=where)


def _tell(progress: _Progress | None, script: Script) -> None:
    if progress is not None:
        progress(script.name)

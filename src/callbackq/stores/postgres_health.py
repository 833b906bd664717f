"""How a database of PostgreSQL is, for the tables of one store: what it says of itself. Nothing is changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from callbackq.model import Severity, StoreHealth, StoreProblem
from callbackq.stores.schema_objects import objects_of

if TYPE_CHECKING:
    from callbackq.stores.postgres_connections import Connection

_DEAD_MIN: Final = 50_000
_OLDEST_MAX_S: Final = 300
_PREPARED_MAX_S: Final = 60
_AGE_MAX: Final = 1_000_000_000
_IN_USE_MAX_RATIO: Final = 0.9

Row = tuple[Any, ...]

_META: Final = "SELECT value FROM \"{}\".callbackq_meta WHERE name = 'schema_version'"
_THERE: Final = """
    SELECT relname FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)
    UNION ALL
    SELECT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
     WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)
    UNION ALL
    SELECT 'callbackq_history_chain' FROM pg_class AS whole
     WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)
       AND relname = 'callbackq_history' AND relkind = 'p' AND NOT EXISTS (
        SELECT 1 FROM pg_inherits JOIN pg_class AS part ON part.oid = inhrelid
         WHERE inhparent = whole.oid AND NOT EXISTS (
            SELECT 1 FROM pg_index JOIN pg_class AS own ON own.oid = indexrelid
             WHERE indrelid = part.oid AND indisunique AND own.relname = part.relname || '_chain'))"""
"""What is there, by name. A history in partitions has its chains in an index of each of them."""
_INVALID: Final = """
    SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
     WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) AND NOT (indisvalid AND indisready)
       AND relname LIKE 'callbackq%'"""
_DEAD: Final = """
    SELECT relname, n_dead_tup, n_live_tup FROM pg_stat_user_tables
     WHERE schemaname = $1 AND relname LIKE 'callbackq%' AND n_dead_tup > $2 AND n_dead_tup > n_live_tup"""
_OLDEST: Final = """
    SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float8 FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""
_PREPARED: Final = """
    SELECT count(*) FROM pg_prepared_xacts
     WHERE database = current_database() AND clock_timestamp() - prepared > make_interval(secs => $1)"""
_SETTINGS: Final = """
    SELECT current_setting('fsync'), (SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit'),
           current_setting('full_page_writes'), current_setting('autovacuum'),
           current_setting('default_transaction_read_only'), pg_is_in_recovery()"""
"""Our own connections set `synchronous_commit`: what the role has is what a RESET would bring back."""
_FIGURES: Final = """
    SELECT current_setting('server_version'),
           (SELECT age(datfrozenxid) FROM pg_database WHERE datname = current_database()),
           (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
           current_setting('max_connections')::int,
           (SELECT coalesce(sum(pg_total_relation_size(pg_class.oid)), 0)::bigint FROM pg_class
             WHERE relkind IN ('r', 'p') AND relname LIKE 'callbackq%'
               AND relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1))"""


@attrs.frozen
class _Setting:
    """A setting that weakens a promise, and what follows from it."""

    is_bad: Callable[[Any], bool]
    severity: Severity
    what: str
    remedy: str


_ON: Final = "set it to on for the server, the database and the role"
_BAD_SETTINGS: Final[tuple[_Setting, ...]] = (
    _Setting(
        lambda value: value == "off",
        Severity.ERROR,
        "fsync is off: a power cut destroys the database",
        _ON,
    ),
    _Setting(
        lambda value: value == "off",
        Severity.WARNING,
        "synchronous_commit is off for this role: a power cut loses what you wrote last; promises turn it on",
        _ON,
    ),
    _Setting(
        lambda value: value == "off",
        Severity.WARNING,
        "full_page_writes is off: a power cut may damage pages, unless the disk writes them whole",
        _ON,
    ),
    _Setting(
        lambda value: value == "off",
        Severity.WARNING,
        "autovacuum is off: tables and indexes grow without end",
        _ON,
    ),
    _Setting(
        lambda value: value == "on",
        Severity.ERROR,
        "default_transaction_read_only is on for this role",
        "set it to off for the role",
    ),
    _Setting(
        bool,
        Severity.ERROR,
        "this server is a standby: nothing can be written here",
        "connect to the primary",
    ),
)


def health_of_server(connection: Connection, schema: str, *, thorough: bool) -> StoreHealth:
    """
    Ask the server how the store's tables are, and whether its settings keep what is promised.

    Args:
        thorough: also how large the tables are. A long look at very many of them.
    """

    def ask(sql: str, *values: object) -> Sequence[Row]:
        return connection.execute(sql.encode(), values, prepare=False).fetchall()

    version = int(ask(_META.format(schema))[0][0])
    problems = [*_broken_schema(ask, schema, version=version), *_bloated(ask, schema), *_held_up(ask)]
    for setting, value in zip(_BAD_SETTINGS, ask(_SETTINGS)[0], strict=True):
        if setting.is_bad(value):
            problems.append(StoreProblem(severity=setting.severity, what=setting.what, remedy=setting.remedy))
    release, age, in_use, most, size = ask(_FIGURES, schema)[0]
    figures: dict[str, str | int | float] = {
        "schema_version": version,
        "server_version": str(release),
        "oldest_transaction_s": round(float(ask(_OLDEST)[0][0]), 3),
        "transaction_ids_age": int(age),
        "connections": int(in_use),
        "connections_max": int(most),
    }
    if thorough:
        figures["tables_bytes"] = int(size)
    if in_use >= most * _IN_USE_MAX_RATIO:
        what = f"{in_use} of {most} connections are in use"
        problems.append(_warning(what, "give the pools fewer connections, or the server more"))
    if age > _AGE_MAX:
        what = "transaction ids are running out: the server will refuse to write"
        problems.append(_warning(what, "let the server vacuum, and end what keeps old versions"))
    return StoreHealth(problems=tuple(problems), figures=figures)


_Ask = Callable[..., Sequence[Row]]


def _broken_schema(ask: _Ask, schema: str, *, version: int) -> list[StoreProblem]:
    """Name what the schema needs and is not there, and indexes that were never finished."""
    there = {str(name) for (name,) in ask(_THERE, schema)}
    missing = [
        (f"the {kind} {name} is missing", "make it again, as the schema says")
        for name, kind in objects_of("postgres", version=version).items()
        if name not in there
    ]
    invalid = [
        (f"the index {name} is not valid, and not used", "REINDEX INDEX CONCURRENTLY, or drop it and migrate")
        for (name,) in ask(_INVALID, schema)
    ]
    return [
        StoreProblem(severity=Severity.ERROR, what=what, remedy=remedy)
        for what, remedy in (*missing, *invalid)
    ]


def _bloated(ask: _Ask, schema: str) -> list[StoreProblem]:
    return [
        _warning(
            f"{table} holds {dead:,} dead rows, and {live:,} living",
            "VACUUM it, and see why autovacuum is late",
        )
        for table, dead, live in ask(_DEAD, schema, _DEAD_MIN)
    ]


def _held_up(ask: _Ask) -> list[StoreProblem]:
    """Say what keeps old versions of rows, or locks, for long."""
    problems: list[StoreProblem] = []
    oldest_s = float(ask(_OLDEST)[0][0])
    if oldest_s > _OLDEST_MAX_S:
        what = f"a transaction has been open for {oldest_s / 60:.0f} minutes: what it may see cannot be cleaned up"
        problems.append(_warning(what, "end it: pg_stat_activity says whose it is"))
    prepared = int(ask(_PREPARED, _PREPARED_MAX_S)[0][0])
    if prepared:
        what = f"{prepared} prepared transactions wait for somebody to settle them, and keep their locks"
        problems.append(_warning(what, "COMMIT PREPARED or ROLLBACK PREPARED: pg_prepared_xacts names them"))
    return problems


def _warning(what: str, remedy: str) -> StoreProblem:
    return StoreProblem(severity=Severity.WARNING, what=what, remedy=remedy)

"""
The store in PostgreSQL, for any number of threads, processes and machines. Needs the extra `postgres`.

Why it is correct:

* A transaction sees one moment: `REPEATABLE READ`, from its first question to its end. A command reads several rows
  and decides upon all of them. Would each question see what was committed last, a second press of the same button
  could find no request under its key, and then a live call that has ended: a refusal instead of the same receipt.
* A row is written only over the version that was read. Whoever comes second gets a `Conflict`, and so does the loser
  of a deadlock; nothing of that transaction is written, and `CallbackService` and `Dispatcher` try again. Keys that
  must be unique are unique indexes, so they hold whatever a transaction sees. `SERIALIZABLE` would add conflicts
  between transactions that only look at the same line.
* Looking for work goes by turns: a transaction that writes, and whose first verb is one that a dispatcher begins
  with (`due`, `available`, `wanting_agent`, `head`, `is_empty`), waits for the tenant's turn before it looks. So no two
  nodes find the same head, and no place is passed by a later one. Commands need no turn, and wait for no dispatcher,
  unless both want the same row.
* The counter of a slot is kept by turns too: whoever begins with `slots.locked` waits for the slot's turn before it
  looks, and so sees the newest count. So are the tallies of limits, of which `tallies.locked` keeps several at once. A
  transaction that has looked at something before cannot see what was changed since: it waits as well, and then gets a
  `Conflict` if there was a change. When the same thread tries again, it waits for these turns before it looks: so
  whoever was late once is not late for the same counters again. The counter of a day, which the slots of that day
  share, is written rarely and last: only who was late for it waits for its turn the next time.
* A transaction that works ahead (`ports.CanWorkAhead`) sends its decisions several at once, at the latest before its
  COMMIT, and looks at what became of each before that. So it is refused later, but for the same reasons.
* `FLUSHED` waits for the disk (and for the standbys, where the server is told so), `RELAXED` for nothing
  (`synchronous_commit` off: the server keeps it in memory for a moment).

A connection is lost at times. Before COMMIT that is a `StoreUnavailable`: the server undoes what it has. During COMMIT
it is a `CommitUncertain`.

The pool of connections is a list and a counter, in `postgres_connections`. The one of `psycopg_pool` runs threads of
its own, and keeps trying for half a minute where a caller must be told at once that the server is gone. A host that has
it may give it all the same: `postgres_pools`.

A transaction of the host's can be joined: `postgres_joined`. Other processes are told of what was written:
`postgres_notify`.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from callbackq.errors import ConfigurationError, Conflict, StoreUnavailable
from callbackq.ids import TenantId
from callbackq.model import StoreHealth
from callbackq.ports import Commit
from callbackq.stores.pepper import check_pepper
from callbackq.stores.postgres_connections import Connections
from callbackq.stores.postgres_errors import driver_error, translate
from callbackq.stores.postgres_guests import Guest
from callbackq.stores.postgres_health import health_of_server
from callbackq.stores.postgres_joined import JoinedStore, check_connection
from callbackq.stores.postgres_lanes import LaneCache
from callbackq.stores.postgres_notify import Listening, Teller
from callbackq.stores.postgres_opening import prepare
from callbackq.stores.postgres_pools import ConnectionPool, HostPool
from callbackq.stores.postgres_session import Session, Turn
from callbackq.stores.postgres_settling import Settling
from callbackq.stores.postgres_tables import PostgresTransaction

if TYPE_CHECKING:
    import psycopg
    from psycopg.errors import Diagnostic

    from callbackq.stores.postgres_connections import Connection

_SERVER_VERSION_MIN: Final = 14
_SCHEMA_NAME: Final = re.compile(r"(?!pg_)[a-z_][a-z0-9_]{0,62}")


class PostgresStore:
    """
    Keeps everything in one schema of a PostgreSQL database (14 or newer). The tables are made if there are none.

    Safe to share between threads, and several transactions run at once: each has a connection, of which there are as
    many as were ever needed at once. Any number of stores, in any number of processes, may work on one schema. Not to
    be carried over a fork: open one in each process.

    Args:
        conninfo: where the server is, as libpq takes it: `"postgresql://user@host:5432/database"`, or
            `"host=... dbname=..."`. What it leaves open is taken from the environment (`PGHOST`, `PGPASSWORD` ...).
        schema: where the tables are: a small name, made if it does not exist. In `public`, where other tools look
            first, nothing collides: all names begin with `callbackq_`.
        pepper: 32 secret bytes that key the digests of phone numbers, when the host keeps them elsewhere. When
            not given they are made at random and kept in the database.
        connections_max: how many connections there may be at once; further transactions wait for one, up to 5 s.
        answer_time_max: how long an answer of the server may be late before it is asked, over another connection,
            whether it is still at work on it. Where it is not, or cannot be asked, the connection is given up.
        pool: where connections are borrowed instead, such as a `psycopg_pool.ConnectionPool`. Each is given back as it
            was. Instead of *conninfo* and what is said of connections of our own; the pool stays the host's, and is not
            closed here.
        migrate: whether tables are made where there are none, and brought forward where an older release made them.
            With False the role needs no right to change tables.

    Raises:
        StoreUnavailable: the server cannot be reached, or lets nobody in.
        SchemaMismatch: a release of callbackq made its tables with which this one cannot work; or they are older, and
            *migrate* is false or the role may not change them.
        ConfigurationError: *conninfo* cannot be read, or is given with a *pool*; the schema is no small name; the
            database holds no UTF-8, or the server is too old; the pepper has another length, or is not the one that the
            tables were made with.
        ModuleNotFoundError: psycopg is not installed.
    """

    def __init__(
        self,
        conninfo: str = "",
        *,
        schema: str = "public",
        pepper: bytes | None = None,
        connections_max: int = 10,
        migrate: bool = True,
        answer_time_max: timedelta = timedelta(seconds=10),
        pool: ConnectionPool | None = None,
    ) -> None:
        check_pepper(pepper)
        if not _SCHEMA_NAME.fullmatch(schema):
            raise ConfigurationError(
                "schema", schema, "small letters, digits and _, 63 at most; not pg_ at the start"
            )
        if connections_max < 1:
            raise ConfigurationError("connections_max", connections_max, "1 or more")
        if answer_time_max <= timedelta(0):
            raise ConfigurationError("answer_time_max", answer_time_max, "more than nothing")
        if pool is not None and conninfo:
            raise ConfigurationError("conninfo", "not shown", "nothing, where a pool is given")
        name = _shown_name(conninfo) if pool is None else "PostgreSQL, by the pool of the host"
        self._connections: Final = (
            Connections(
                conninfo,
                name=name,
                schema=schema,
                connections_max=connections_max,
                patience_s=answer_time_max.total_seconds(),
            )
            if pool is None
            else HostPool(pool, name=name, schema=schema)
        )
        self._name: Final = name
        self._schema: Final = schema
        self._process_id = os.getpid()
        self._lane_cache = LaneCache()
        self._settling: Final = Settling()
        self._teller: Final = Teller(self._connections)
        self._lock = threading.Lock()
        self._busy_threads: set[int] = set()
        self._late: dict[int, tuple[TenantId, frozenset[Turn]]] = {}
        self._is_closed = False
        self._pepper = self._prepare(pepper, migrate=migrate)

    @property
    def pepper(self) -> bytes:
        """The secret bytes of this store: the same ones whenever the database is opened."""
        return self._pepper

    @contextmanager
    def transaction(self, tenant_id: TenantId, *, commit: Commit) -> Generator[PostgresTransaction]:
        """
        Open a transaction; an exception that leaves the block undoes all of it.

        It begins with the first question: until then no connection is taken. A row that is refused because of what
        this transaction can see leaves the block as it was. Of what was written at the same moment elsewhere the
        server tells by an error, and that undoes the block even if it is caught.

        Cost: two journeys to the server, and one for each verb; with FLUSHED one flush of its disk.

        Raises:
            RuntimeError: this thread has a transaction open already, or the store was opened before a fork.
            StoreUnavailable: nothing was written: the server is gone, full, read-only, or keeps a lock for too long;
                or the store was closed.
            Conflict: nothing was written: another transaction was first.
            CommitUncertain: the connection was lost during the commit.
        """
        self._refuse_if_unusable()
        thread = self._enter()
        kept = frozenset[Turn]() if commit is Commit.READ_ONLY else self._was_late_for(thread, tenant_id)
        session = Session(self._connections, tenant_id, commit=commit, kept=kept)
        try:
            yield PostgresTransaction(session, self._lane_cache, self._settling)
            session.settle()
            session.end()
            session.commit()
            if session.wrote:
                self._teller.wrote(tenant_id)
        except BaseException as error:
            session.end()
            session.roll_back()
            late_for = session.kept | session.wanted_next
            if isinstance(error, Conflict) and late_for:
                self._late[thread] = tenant_id, late_for
            raise
        finally:
            self._leave(thread)
            self._teller.pay()

    def joined(self, connection: psycopg.Connection[Any]) -> JoinedStore:
        """
        Return a store that works in the transaction that is open on *connection*, or is opened there next.

        Each of its transactions is a savepoint there. It commits nothing: what it wrote becomes durable with the
        host's COMMIT, together with the host's own rows, or is gone with the ROLLBACK. Give it to
        `CallbackService.within`.

        Args:
            connection: of psycopg, to the same database, with the right to use the tables. It is not closed here, and
                its cursors, adapters and settings are left as they are. One that commits by itself must have a
                transaction open.

        Raises:
            RuntimeError: no transaction is open on it and it commits by itself; or the one that is open has failed.
            StoreUnavailable: it is closed; or this store was closed.
            ConfigurationError: it is no connection of psycopg, or one that must be awaited.
        """
        self._refuse_if_unusable()
        check_connection(connection)
        return JoinedStore(
            connection,
            name=self._name,
            schema=self._schema,
            pepper=self._pepper,
            lane_cache=self._lane_cache,
        )

    def tell(self, tenant_id: TenantId) -> None:
        """Tell other processes of what was written; see `ports.CanListen`. It never raises, and waits for no disk."""
        if not self._is_closed and os.getpid() == self._process_id:
            self._teller.tell(tenant_id)

    def listen(self, tenant_id: TenantId) -> Listening:
        """
        Hear of what other processes write; see `ports.CanListen`.

        Cost: a connection of its own, until it is closed; with a pool, one of the pool's.

        Raises:
            StoreUnavailable: the server cannot be reached; or the store was closed.
            RuntimeError: the store was opened before a fork.
        """
        self._refuse_if_unusable()
        return Listening(self._connections, tenant_id)

    def scrub(self) -> bool:
        """
        Let the server remove all versions of persons' rows that were deleted or overwritten: see `ports.Store`.

        No question finds them then, and their room is used again. What they held may stay in the server's files until
        it is: in the table's own, in the log, in copies and backups. Only the server's administrator reaches those.

        Cost: a connection of its own, and a VACUUM of one table; the engine goes on meanwhile.

        Returns:
            False where somebody was still reading older data: call again when they are done. PostgreSQL 14 may tell
            it late.

        Raises:
            RuntimeError: this thread has a transaction open, or the store was opened before a fork.
            StoreUnavailable: the server is gone, or keeps a lock for too long; the role does not own the table; or
                the store was closed.
        """
        self._refuse_if_unusable()
        self._refuse_if_busy()
        connection = self._connections.aside()
        failure: Exception
        try:
            return _vacuum(connection, self._name)
        except driver_error() as error:
            failure = translate(error, self._name)
        finally:
            self._connections.done(connection)
        raise failure

    def health(self, *, thorough: bool = False) -> StoreHealth:
        """
        Say how the tables are, and whether the server's settings keep what is promised: see `ports.CanTellHealth`.

        Raises:
            RuntimeError: this thread has a transaction open, or the store was opened before a fork.
            StoreUnavailable: the server is gone, or the store was closed.
        """
        self._refuse_if_unusable()
        self._refuse_if_busy()
        connection = self._connections.aside()
        failure: Exception
        try:
            return health_of_server(connection, self._schema, thorough=thorough)
        except driver_error() as error:
            failure = translate(error, self._name)
        finally:
            self._connections.done(connection)
        raise failure

    def close(self) -> None:
        """
        Close the connections. Later transactions raise StoreUnavailable. Closing twice is no error.

        Transactions of other threads end as they would have, and their connections are closed then.
        """
        if os.getpid() != self._process_id:
            self._is_closed = True
            self._connections.abandon()
            return
        self._refuse_if_busy()
        self._is_closed = True
        self._connections.close()

    # ------------------------------------------------------------------------ who may

    def _enter(self) -> int:
        self._refuse_if_busy()
        thread = threading.get_ident()
        with self._lock:
            self._busy_threads.add(thread)
        return thread

    def _was_late_for(self, thread: int, tenant_id: TenantId) -> frozenset[Turn]:
        """Return the counters that this thread has just had a conflict over."""
        of, kept = self._late.pop(thread, (tenant_id, frozenset[Turn]()))
        return kept if of == tenant_id else frozenset()

    def _leave(self, thread: int) -> None:
        with self._lock:
            self._busy_threads.discard(thread)

    def _refuse_if_busy(self) -> None:
        with self._lock:
            is_busy = threading.get_ident() in self._busy_threads
        if is_busy:
            msg = "this thread has a transaction of this store open; end it first"
            raise RuntimeError(msg)

    def _refuse_if_unusable(self) -> None:
        if self._is_closed:
            raise StoreUnavailable(f"{self._name}: this store was closed")
        if os.getpid() != self._process_id:  # Before any lock: it may be held by a thread that is not there.
            msg = "this store was opened before a fork; open one in each process"
            raise RuntimeError(msg)

    # ------------------------------------------------------------------------ opening

    def _prepare(self, pepper: bytes | None, *, migrate: bool) -> bytes:
        """Make the tables where there are none, bring older ones forward, and return the pepper."""
        connection, _ = self._connections.take()
        failure: Exception
        try:
            _check_server(connection)
            agreed = prepare(
                connection.host if isinstance(connection, Guest) else connection,
                name=self._name,
                schema=self._schema,
                pepper=pepper,
                migrate=migrate,
            )
        except BaseException as error:
            connection.close()
            if not isinstance(error, driver_error()):
                raise
            failure = translate(error, self._name)
        else:
            return agreed
        finally:
            self._connections.give_back(connection)
        raise failure


def _shown_name(conninfo: str) -> str:
    """Return where a store is, as messages may show it: without user and password."""
    try:
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict
    except ModuleNotFoundError as error:
        if error.name != "psycopg":
            raise
        msg = "PostgresStore needs psycopg: pip install 'callbackq[postgres]'"
        raise ModuleNotFoundError(msg, name="psycopg") from None
    try:
        parts = conninfo_to_dict(conninfo)
    except ProgrammingError:
        parts = None
    if parts is None:  # What libpq says of it may show the password.
        raise ConfigurationError("conninfo", "not shown", "a connection string or URI of libpq")
    host = parts.get("host") or parts.get("hostaddr") or os.environ.get("PGHOST") or "the local socket"
    port = parts.get("port") or os.environ.get("PGPORT") or "5432"
    database = parts.get("dbname") or os.environ.get("PGDATABASE") or "the user's database"
    return f"PostgreSQL at {host}:{port}, {database}"


def _check_server(connection: Connection) -> None:
    version = connection.info.server_version // 10_000
    if version < _SERVER_VERSION_MIN:
        raise ConfigurationError(
            "conninfo", f"PostgreSQL {version}", f"PostgreSQL {_SERVER_VERSION_MIN} or newer"
        )
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise ConfigurationError("conninfo", f"a database in {encoding}", "a database in UTF8")


def _vacuum(connection: Connection, name: str) -> bool:
    """Remove old versions of persons' rows, also from the indexes; say whether all could go."""
    warnings: list[str] = []

    def heard(said: Diagnostic) -> None:
        warnings.append(said.severity_nonlocalized or "")

    connection.add_notice_handler(heard)
    try:
        connection.execute(b"VACUUM (INDEX_CLEANUP ON) callbackq_subjects", prepare=False)
    finally:
        connection.remove_notice_handler(heard)
    if "WARNING" in warnings:
        raise StoreUnavailable(f"{name}: the role may not vacuum callbackq_subjects, which it does not own")
    kept = connection.execute(
        b"SELECT pg_stat_get_dead_tuples('callbackq_subjects'::regclass)", prepare=False
    )
    return kept.fetchone() == (0,)

"""
Connections to PostgreSQL: how they are made, what is sent over them, and who uses which.

The rule: a connection belongs to one thread at a time, and comes back only when no transaction is open on it; one that
was lost is not kept. Whether one was lost is noticed when it is used. No thread is started here.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from callbackq.errors import StoreUnavailable
from callbackq.stores.rows import encode_instant

if TYPE_CHECKING:
    import psycopg
    from psycopg.abc import Buffer

    Connection = psycopg.Connection[tuple[Any, ...]]

_WAIT_S: Final = 5.0
"""How long a thread waits for a connection that another one uses."""

_PREPARED_MAX: Final = 250

_DEFAULTS: Final[Mapping[str, str | int]] = {
    "fallback_application_name": "callbackq",
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""What a connection string leaves open: a server that has gone silent is given up after half a minute."""

_SETTINGS: Final = """
    SET client_encoding = 'UTF8';
    SET TimeZone = 'UTC';
    SET default_transaction_isolation = 'read committed';
    SET synchronous_commit = on;
    SET lock_timeout = '5s';
    SET idle_in_transaction_session_timeout = '60s';
    SET jit = off;
    SET plan_cache_mode = force_generic_plan;
    SET enable_seqscan = off;
    SET enable_bitmapscan = off;
"""
"""
For each connection. Every statement has its index, so the planner need not wonder: not while its statistics are old,
nor while the tables are small and about to grow.
"""

# ---------------------------------------------------------------------------- values

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


@functools.cache
def _converters() -> tuple[Mapping[type, type[Any]], Mapping[str, type[Any]]]:
    """
    Return how values are sent, by type, and read, by the name of PostgreSQL's type.

    All are sent as text of no stated type, as None is: so a statement is the same whatever is None in it, and is
    prepared once. Instants are read in UTC, and JSON as it stands.
    """
    from psycopg.adapt import Dumper, Loader
    from psycopg.pq import Format

    class NumberDumper(Dumper):
        def dump(self, obj: Any) -> Buffer | None:
            return repr(obj).encode()

    class FlagDumper(Dumper):
        def dump(self, obj: Any) -> Buffer | None:
            return b"t" if obj else b"f"

    class InstantDumper(Dumper):
        def dump(self, obj: Any) -> Buffer | None:
            return encode_instant(obj).encode()

    class InstantLoader(Loader):
        format = Format.BINARY

        def load(self, data: Buffer) -> datetime:
            return _EPOCH + timedelta(microseconds=int.from_bytes(data, "big", signed=True))

    class JsonLoader(Loader):
        format = Format.BINARY

        def load(self, data: Buffer) -> str:
            return bytes(data).decode()

    class JsonbLoader(Loader):
        format = Format.BINARY

        def load(self, data: Buffer) -> str:
            return bytes(data[1:]).decode()  # The first byte is the version of the format.

    dumpers = {int: NumberDumper, float: NumberDumper, bool: FlagDumper, datetime: InstantDumper}
    loaders = {"timestamptz": InstantLoader, "json": JsonLoader, "jsonb": JsonbLoader}
    return dumpers, loaders


# ---------------------------------------------------------------------------- connections


class Connections:
    """
    Connections to one database, for the transactions of one store. They are made when they are needed.

    Args:
        conninfo: libpq's connection string.
        name: the server and the database, as a message may show them.
        schema: where the tables are. A valid name.
        connections_max: how many there may be at once.
    """

    def __init__(self, conninfo: str, *, name: str, schema: str, connections_max: int) -> None:
        self.name: Final = name
        self.schema: Final = schema
        self._conninfo = conninfo
        self._connections_max = connections_max
        self._permits = threading.BoundedSemaphore(connections_max)
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._is_closed = False

    def open(self) -> Connection:
        """Make a connection. Raises: StoreUnavailable."""
        import psycopg
        from psycopg.conninfo import conninfo_to_dict

        if self._is_closed:
            raise StoreUnavailable(f"{self.name}: this store was closed")

        given = conninfo_to_dict(self._conninfo)
        defaults = {key: value for key, value in _DEFAULTS.items() if key not in given}
        connection: Connection | None = None
        try:
            connection = psycopg.connect(self._conninfo, autocommit=True, **cast("dict[str, Any]", defaults))
            self._set_up(connection)
        except psycopg.Error as error:
            # libpq's text names the host, the user and the database, never the password.
            said = " ".join(str(error).split())
            if connection is not None:
                connection.close()
            raise StoreUnavailable(f"{self.name}: {said}") from error
        return connection

    def _set_up(self, connection: Connection) -> None:
        from psycopg import RawCursor

        connection.cursor_factory = RawCursor
        connection.prepared_max = _PREPARED_MAX
        dumpers, loaders = _converters()
        for cls, dumper in dumpers.items():
            connection.adapters.register_dumper(cls, dumper)
        for name, loader in loaders.items():
            connection.adapters.register_loader(name, loader)
        connection.execute(f'{_SETTINGS} SET search_path = "{self.schema}"'.encode())

    def take(self) -> tuple[Connection, bool]:
        """
        Return a connection, and whether it has been used before. It must be given back.

        Raises:
            StoreUnavailable: all are in use, and stay so; the server cannot be reached; or this store was closed.
        """
        if not self._permits.acquire(timeout=_WAIT_S):
            raise StoreUnavailable(f"{self.name}: all {self._connections_max} connections are in use")
        try:
            with self._lock:
                if self._idle:
                    return self._idle.pop(), True
            return self.open(), False
        except BaseException:
            self._permits.release()
            raise

    def give_back(self, connection: Connection) -> None:
        """Take a connection back. Only one on which nothing is open is kept."""
        from psycopg.pq import TransactionStatus

        is_well = connection.info.transaction_status is TransactionStatus.IDLE
        with self._lock:
            is_kept = is_well and not self._is_closed
            if is_kept:
                self._idle.append(connection)
        if not is_kept:
            connection.close()
        self._permits.release()

    def close(self) -> None:
        """Close those that are not in use now; the others are closed when they come back."""
        with self._lock:
            self._is_closed = True
        self._close_idle()

    def abandon(self) -> None:
        """Let go of connections that another process uses, without a word to the server."""
        self._is_closed = True
        self._idle = []

    def _close_idle(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

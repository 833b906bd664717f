"""
Connections to PostgreSQL: how they are made, what is sent over them, and who uses which.

The rule: a connection belongs to one thread at a time, and comes back only when no transaction is open on it; one that
was lost is not kept. Whether one was lost is noticed when it is used. No thread is started here.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from callbackq.errors import StoreUnavailable
from callbackq.stores.postgres_ready import Ready
from callbackq.stores.rows import encode_instant

Row = tuple[Any, ...]

if TYPE_CHECKING:
    import psycopg
    from psycopg.abc import Buffer

    Connection = psycopg.Connection[Row]

WAIT_S: Final = 5.0
"""How long a thread waits for a connection that another one uses."""

_PREPARED_MAX: Final = 250
_PREPARED_AFTER: Final = 1
"""All statements come again: what is done once is not planned a second time."""

_PATIENCE_S: Final = 10.0
"""How long an answer may be late before it is asked whether the server is still at it."""

_DEFAULTS: Final[Mapping[str, str | int]] = {
    "fallback_application_name": "callbackq",
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""What a connection string leaves open: a server that has gone silent is given up after half a minute."""

NEEDED: Final[Mapping[str, str]] = {
    "client_encoding": "UTF8",
    "TimeZone": "UTC",
    "lock_timeout": "5s",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
}
"""
The settings that our statements need on any connection. Every statement has its index, so the planner need not wonder:
not while its statistics are old, nor while the tables are small and about to grow.
"""

SETTINGS: Final[Mapping[str, str]] = {
    **NEEDED,
    "default_transaction_isolation": "read committed",
    "synchronous_commit": "on",
    "idle_in_transaction_session_timeout": "60s",
}
"""Those of a connection on which we begin transactions of our own."""


def path_to(schema: str) -> str:
    """
    Return the `search_path` under which our names mean the tables of this schema.

    Temporary tables are looked for first unless the path says otherwise: a host may have one of the same name.
    """
    return f'"{schema}", pg_temp'


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


@functools.cache
def own_cursor() -> type[psycopg.RawCursor[Any]]:
    """Return the class of our cursors: they send and read values as above, whatever the host has registered."""
    from psycopg import RawCursor
    from psycopg.adapt import AdaptersMap
    from psycopg.postgres import register_default_adapters, types

    own = AdaptersMap(types=types)
    register_default_adapters(own)
    dumpers, loaders = _converters()
    for cls, dumper in dumpers.items():
        own.register_dumper(cls, dumper)
    for name, loader in loaders.items():
        own.register_loader(name, loader)

    class OwnCursor(RawCursor[Any]):
        @property
        def adapters(self) -> AdaptersMap:
            return own

    return OwnCursor


# ---------------------------------------------------------------------------- patience


class Own(Protocol):
    """
    A connection of our own, which does not wait for ever.

    Attributes:
        patience_s: how long it waits for an answer before it asks whether the server is still at it.
        is_at_work: asks a server, over another connection, whether one of its processes works on a statement; None
            if nothing more is to be asked.
        process_id: the server's process, of which it is asked.
        gave_up: whether the server answered no more. Then this connection is closed.
        ready: what it has prepared.
    """

    patience_s: float
    is_at_work: Callable[[int], bool] | None
    process_id: int
    gave_up: bool
    ready: Ready | None


@functools.cache
def own_connection() -> type[psycopg.Connection[Row]]:
    """Return the class of our connections. Each is an `Own`."""
    import psycopg

    class OwnConnection(psycopg.Connection[Row]):
        patience_s = _PATIENCE_S
        is_at_work: Callable[[int], bool] | None = None
        process_id = 0
        gave_up = False
        ready: Ready | None = None

        def wait(self, gen: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return super().wait(self._watched(gen), *args, **kwargs)
            finally:
                if self.gave_up:
                    self.close()

        def _watched(self, asking: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
            """Pass an exchange with the server on, and look at the clock whenever there is nothing new."""
            look_at = time.monotonic() + self.patience_s
            try:
                wanted = next(asking)
                while True:
                    wanted = asking.send((yield wanted))
                    if (
                        time.monotonic() > look_at
                    ):  # The driver comes by ten times a second, with or without news.
                        if self.is_at_work is None or not self.is_at_work(self.process_id):
                            self.gave_up = True
                            raise psycopg.OperationalError("the server answers no more")
                        look_at = time.monotonic() + self.patience_s
            except StopIteration as end:
                return end.value

    return OwnConnection


# ---------------------------------------------------------------------------- connections


class Lending(Protocol):
    """What gives out connections."""

    @property
    def name(self) -> str:
        """The server and the database, as a message may show them."""
        ...

    @property
    def schema(self) -> str:
        """Where the tables are."""
        ...

    def take(self, *, waits: bool = True) -> tuple[Connection, bool]:
        """Return a connection, and whether it may have been lost since. Raises: StoreUnavailable."""
        ...

    def give_back(self, connection: Connection) -> None:
        """Take a connection back."""
        ...

    def aside(self) -> Connection:
        """Return a connection for what takes long. Raises: StoreUnavailable."""
        ...

    def done(self, connection: Connection) -> None:
        """Let go of a connection that was for what takes long."""
        ...


class Connections:
    """
    Connections to one database, for the transactions of one store. They are made when they are needed.

    Args:
        conninfo: libpq's connection string.
        name: the server and the database, as a message may show them.
        schema: where the tables are. A valid name.
        connections_max: how many there may be at once.
        patience_s: how long an answer may be late before it is asked whether the server is still at it.
    """

    def __init__(
        self,
        conninfo: str,
        *,
        name: str,
        schema: str,
        connections_max: int,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self.name: Final = name
        self.schema: Final = schema
        self._patience_s = patience_s
        self._conninfo = conninfo
        self._connections_max = connections_max
        self._permits = threading.BoundedSemaphore(connections_max)
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._is_closed = False

    def open(self) -> Connection:
        """Make a connection. Raises: StoreUnavailable."""
        import psycopg

        if self._is_closed:
            raise StoreUnavailable(f"{self.name}: this store was closed")

        connection: Connection | None = None
        try:
            connection = self._connected()
            self._set_up(connection)
        except psycopg.Error as error:
            # libpq's text names the host, the user and the database, never the password.
            said = " ".join(str(error).split())
            if connection is not None:
                connection.close()
            raise StoreUnavailable(f"{self.name}: {said}") from error
        return connection

    def _connected(self) -> Connection:
        from psycopg.conninfo import conninfo_to_dict

        given = conninfo_to_dict(self._conninfo)
        defaults = {key: value for key, value in _DEFAULTS.items() if key not in given}
        connection = own_connection().connect(
            self._conninfo, autocommit=True, **cast("dict[str, Any]", defaults)
        )
        cast("Own", connection).patience_s = self._patience_s
        return connection

    def _set_up(self, connection: Connection) -> None:
        connection.cursor_factory = own_cursor()
        connection.prepared_max = _PREPARED_MAX
        connection.prepare_threshold = _PREPARED_AFTER
        wanted = {"search_path": path_to(self.schema), **SETTINGS}
        settings = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in wanted.items())
        row = connection.execute(f"SELECT pg_backend_pid(), {settings}".encode(), prepare=False).fetchone()
        assert row is not None
        own = cast("Own", connection)
        own.process_id, own.is_at_work = row[0], self._is_at_work
        own.ready = Ready(connection.cursor().adapters)

    def _is_at_work(self, process_id: int) -> bool:
        """Ask the server whether one of its processes works on a statement. False where it cannot be asked."""
        import psycopg

        try:
            with self._connected() as asking:
                found = asking.execute(
                    "SELECT state FROM pg_stat_activity WHERE pid = %s", [process_id], prepare=False
                )
                return found.fetchone() == ("active",)
        except psycopg.Error:
            return False

    def take(self, *, waits: bool = True) -> tuple[Connection, bool]:
        """
        Return a connection, and whether it has been used before. It must be given back.

        Args:
            waits: whether to wait for one, where all are in use.

        Raises:
            StoreUnavailable: all are in use, and stay so; the server cannot be reached; or this store was closed.
        """
        if not self._permits.acquire(timeout=WAIT_S if waits else 0.0):
            raise StoreUnavailable(f"{self.name}: all {self._connections_max} connections are in use")
        try:
            with self._lock:
                if self._idle:
                    return self._idle.pop(), True
            return self.open(), False
        except BaseException:
            self._permits.release()
            raise

    def aside(self) -> Connection:
        """Make a connection that does not count, for what takes long. `done` ends it. Raises: StoreUnavailable."""
        return self.open()

    def done(self, connection: Connection) -> None:
        """Let go of a connection that did not count."""
        connection.close()

    def give_back(self, connection: Connection) -> None:
        """Take a connection back. Only one on which nothing is open is kept."""
        from psycopg.pq import TransactionStatus

        if cast("Own", connection).gave_up:
            self._close_idle()  # They lead to the same server, and it would take as long to learn that of each.
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

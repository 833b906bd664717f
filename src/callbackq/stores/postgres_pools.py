"""
Connections out of a pool of the host's: borrowed for one transaction each, and given back as they were.

The rule: what a connection of the pool is like, in the driver and on the server, is the host's affair. While we have it
its settings are ours; before it goes back they are put back, and one that cannot be put right is closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from callbackq.errors import StoreUnavailable
from callbackq.stores.postgres_connections import SETTINGS, WAIT_S, path_to
from callbackq.stores.postgres_errors import driver_error, is_lost, translate
from callbackq.stores.postgres_guests import Guest

if TYPE_CHECKING:
    import psycopg

    from callbackq.stores.postgres_connections import Connection

_STALE_MAX: Final = 100
"""So many lost connections in a row are given back before the server is believed to be gone."""


class ConnectionPool(Protocol):
    """A pool of psycopg connections, such as `psycopg_pool.ConnectionPool`. It must be safe in threads."""

    def getconn(self, timeout: float | None = None) -> psycopg.Connection[Any]:
        """
        Lend a connection on which nothing is open.

        Args:
            timeout: how many seconds to wait for one.

        Raises:
            psycopg.OperationalError: there is none, or the server cannot be reached.
        """
        ...

    def putconn(self, conn: psycopg.Connection[Any]) -> None:
        """Take back a connection that `getconn` lent, in whatever state: one that is closed is to be thrown away."""
        ...


class _Lent(Guest):
    """A connection of the pool, and what it was like."""

    __slots__ = ("before", "committed_itself")

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        super().__init__(connection)
        self.committed_itself = connection.autocommit
        self.before: dict[str, str] = {}

    def make_ours(self, schema: str) -> None:
        """Take down what it is like, and set what we need: one journey to the server."""
        self.host.autocommit = True
        wanted = {"search_path": path_to(schema), **SETTINGS}
        asked = self.execute(self.exchanging(tuple(wanted), wanted), prepare=False)
        found = cast("tuple[str, ...]", asked.fetchone())
        self.before = dict(zip(wanted, found[: len(wanted)], strict=True))

    def put_back(self) -> None:
        """Make it what it was: one journey to the server."""
        self.execute(self.setting(self.before), prepare=False)
        self.host.autocommit = self.committed_itself


class HostPool:
    """
    The pool of the host's, as a store uses one.

    Args:
        pool: the host's.
        name: the server and the database, as a message may show them.
        schema: where the tables are. A valid name.
    """

    def __init__(self, pool: ConnectionPool, *, name: str, schema: str) -> None:
        self.name: Final = name
        self.schema: Final = schema
        self._pool: Final = pool
        self._is_closed = False

    def take(self, *, waits: bool = True) -> tuple[Connection, bool]:
        """
        Return a connection, and whether it may be lost without our knowing. It must be given back.

        Args:
            waits: whether to wait for one, where the pool has none to lend.

        Raises:
            StoreUnavailable: the pool lends none, the server cannot be reached, or this store was closed.
            RuntimeError: the pool lends a connection on which something is open.
        """
        for _ in range(_STALE_MAX):
            lent = self._lend(WAIT_S if waits else 0.0)
            try:
                lent.make_ours(self.schema)
            except driver_error() as error:
                lent.close()
                self._pool.putconn(lent.host)
                if not is_lost(error):
                    raise translate(error, self.name) from error
            except BaseException:
                lent.close()
                self._pool.putconn(lent.host)
                raise
            else:
                return cast("Connection", lent), False
        raise StoreUnavailable(f"{self.name}: the pool lends only connections that were lost")

    def _lend(self, wait_s: float) -> _Lent:
        from psycopg.pq import TransactionStatus

        if self._is_closed:
            raise StoreUnavailable(f"{self.name}: this store was closed")
        try:
            connection = self._pool.getconn(timeout=wait_s)
        except driver_error() as error:
            raise StoreUnavailable(f"{self.name}: the pool of the host lends no connection") from error
        if connection.info.transaction_status in {TransactionStatus.IDLE, TransactionStatus.UNKNOWN}:
            return _Lent(connection)
        self._pool.putconn(connection)
        msg = "the pool lent a connection on which a transaction is open"
        raise RuntimeError(msg)

    def give_back(self, connection: Connection) -> None:
        """Give a connection back, as it was. One on which something is open, or that is lost, is closed before."""
        from psycopg.pq import TransactionStatus

        lent = cast("_Lent", connection)
        try:
            if lent.status is TransactionStatus.IDLE:
                lent.put_back()
            else:
                lent.close()
        except driver_error():
            lent.close()
        except BaseException:
            lent.close()
            raise
        finally:
            self._pool.putconn(lent.host)

    def aside(self) -> Connection:
        """Return a connection for what takes long. `done` gives it back. Raises: StoreUnavailable."""
        return self.take()[0]

    def done(self, connection: Connection) -> None:
        """Give a connection back that was taken for what takes long."""
        self.give_back(connection)

    def close(self) -> None:
        """Borrow none any more. The pool and its connections are the host's."""
        self._is_closed = True

    def abandon(self) -> None:
        """Borrow none any more."""
        self._is_closed = True

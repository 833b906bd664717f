"""
A connection of the host's, spoken to by us: with cursors of our own, and with the settings that we need.

The rule: the host finds it as it was. Row factories, cursor classes and adapters of the connection are not touched, nor
are those that the host registers for the whole process heard of. Settings of the session are put back.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final, cast

from callbackq.stores.postgres_connections import own_cursor

if TYPE_CHECKING:
    import psycopg
    from psycopg.pq import TransactionStatus

    Cursor = psycopg.RawCursor[tuple[Any, ...]]


class Guest:
    """
    A connection of the host's, in what the store needs of one.

    Args:
        connection: the host's. It is used by one thread at a time.
    """

    __slots__ = ("_connection",)

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection: Final = connection

    @property
    def info(self) -> psycopg.ConnectionInfo:
        """What the driver knows of it."""
        return self._connection.info

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._connection.closed

    @property
    def pgconn(self) -> Any:
        """What libpq knows of it."""
        return self._connection.pgconn

    @property
    def lock(self) -> Any:
        """Who has it speaks."""
        return self._connection.lock

    def wait(self, exchange: Any) -> Any:
        """Wait for the end of an exchange with the server."""
        return self._connection.wait(exchange)

    @property
    def host(self) -> psycopg.Connection[Any]:
        """The connection, as the host knows it."""
        return self._connection

    @property
    def status(self) -> TransactionStatus:
        """Whether a transaction is open on it, and whether that has failed."""
        return self._connection.info.transaction_status

    def cursor(self, *, binary: bool = False) -> Cursor:
        """Return a cursor of our own."""
        from psycopg.pq import Format
        from psycopg.rows import tuple_row

        cursor = own_cursor()(self._connection, row_factory=tuple_row)
        cursor.format = Format.BINARY if binary else Format.TEXT
        return cast("Cursor", cursor)

    def execute(
        self, query: str | bytes, params: Sequence[Any] | None = None, *, prepare: bool | None = None
    ) -> Cursor:
        """Run a statement with a cursor of our own."""
        text = query.encode() if isinstance(query, str) else query
        return self.cursor().execute(text, params, prepare=prepare)

    def transaction(self) -> AbstractContextManager[Any]:
        """Open a transaction, or a savepoint in one."""
        return self._connection.transaction()

    def add_notice_handler(self, callback: Any) -> None:
        """Have the server's notices told."""
        self._connection.add_notice_handler(callback)

    def remove_notice_handler(self, callback: Any) -> None:
        """Tell them no more."""
        self._connection.remove_notice_handler(callback)

    def notifies(self, *, timeout: float) -> Generator[psycopg.Notify]:
        """Give out what was notified."""
        return self._connection.notifies(timeout=timeout)

    def fileno(self) -> int:
        """Return its socket."""
        return self._connection.fileno()

    def close(self) -> None:
        """Close it: it is of no use to anybody."""
        self._connection.close()

    # ------------------------------------------------------------------------ settings

    def setting(self, settings: Mapping[str, str], *, is_local: bool = False) -> str:
        """Return the statement that sets these: for the session, or only for the transaction."""
        return f"SELECT {', '.join(self._set(settings, is_local))}"

    def exchanging(self, names: Sequence[str], settings: Mapping[str, str], *, is_local: bool = False) -> str:
        """
        Return the statement that asks for the settings of these names, in this order, and then sets these.

        One row tells of both: so it comes in the encoding that is set, in which the driver will read it.
        """
        asked = (f"current_setting('{name}')" for name in names)
        return f"SELECT {', '.join((*asked, *self._set(settings, is_local)))}"

    def _set(self, settings: Mapping[str, str], is_local: bool) -> list[str]:
        from psycopg.pq import Escaping

        quoted, scope = Escaping(self._connection.pgconn).escape_literal, "true" if is_local else "false"
        return [
            f"set_config('{name}', {bytes(quoted(value.encode())).decode()}, {scope})"
            for name, value in settings.items()
        ]

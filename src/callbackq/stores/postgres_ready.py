"""
The statements that one connection of ours has prepared, and how they are run: with less ado than by a cursor.

The rule: what comes out is what a cursor of ours would give, value by value and error by error. Whatever is not known
here, such as a list among the parameters, is left to the cursor.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import attrs

from callbackq.stores.rows import encode_instant

if TYPE_CHECKING:
    import psycopg
    from psycopg.abc import Transformer

    from callbackq.stores.postgres_connections import Connection

Row = tuple[Any, ...]

_PREPARED_MAX: Final = 250
"""So many statements are prepared on one connection. Any other is left to the cursor."""

_BINARY: Final = 1
_NOT_PREPARED: Final = "26000"


@attrs.frozen(kw_only=True)
class Driver:
    """What is needed of psycopg: looked up once, for an import takes its time."""

    execute: Callable[[Any], Generator[Any, Any, list[Any]]]
    error_of: Callable[..., psycopg.Error]
    well: frozenset[int]
    with_rows: int
    refused: type[psycopg.Error]
    lost: type[psycopg.Error]
    reading: Callable[[Any], Transformer]


@cache
def driver() -> Driver:
    """Return what is needed of psycopg."""
    from psycopg import DataError, OperationalError, generators
    from psycopg.adapt import Transformer
    from psycopg.errors import error_from_result
    from psycopg.pq import ExecStatus

    return Driver(
        execute=generators.execute,
        error_of=error_from_result,
        well=frozenset({ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK}),
        with_rows=ExecStatus.TUPLES_OK,
        refused=DataError,
        lost=OperationalError,
        reading=Transformer,
    )


def command(connection: Connection, sql: bytes) -> Any:
    """Run statements that have no parameters, in one journey, and return the last result."""
    own = driver()

    def exchange() -> Generator[Any, Any, list[Any]]:
        connection.pgconn.send_query(sql)
        return (yield from own.execute(connection.pgconn))

    with connection.lock:
        results = connection.wait(exchange())
    for result in results:
        if result.status not in own.well:
            raise own.error_of(result, encoding=connection.info.encoding)
    return results[-1]


# ---------------------------------------------------------------------------- values


def _sent_text(value: str) -> bytes:
    sent = value.encode()
    if b"\0" in sent:
        msg = "PostgreSQL text fields cannot contain NUL (0x00) bytes"
        raise driver().refused(msg)
    return sent


_SENT: Final[Mapping[type, Callable[[Any], bytes | None]]] = {
    str: _sent_text,
    type(None): lambda _none: None,
    int: lambda number: b"%d" % number,
    float: lambda number: repr(number).encode(),
    bool: lambda flag: b"t" if flag else b"f",
    datetime: lambda instant: encode_instant(instant).encode(),
}
"""How values are sent: as text, of no stated type. The same as by a cursor of ours."""


@attrs.frozen
class _Context:
    """How values are read: as a cursor of ours does, in UTF-8."""

    adapters: Any
    connection: None = None


# ---------------------------------------------------------------------------- statements


@attrs.define
class _Prepared:
    """A statement by its name on the server."""

    name: bytes
    transformer: Transformer
    is_met: bool = False
    """Whether it is known how its rows are read."""

    def rows(self, result: Any) -> list[Row]:
        """Return the rows of a result."""
        transformer = self.transformer
        transformer.set_pgresult(result, set_loaders=not self.is_met)
        self.is_met = True
        try:
            return transformer.load_rows(0, result.ntuples, tuple)
        finally:
            transformer.set_pgresult(None, set_loaders=False)


class Ready:
    """
    What one connection has prepared. A statement is prepared when it comes for the second time.

    Args:
        adapters: how values are read.
    """

    __slots__ = ("_context", "_count", "_known")

    def __init__(self, adapters: Any) -> None:
        self._context: Final = _Context(adapters)
        self._known: Final[dict[str, _Prepared | None]] = {}
        self._count = 0

    def fetch(self, connection: Connection, statement: str, parameters: Sequence[Any]) -> list[Row] | None:
        """Run one statement, and return its rows; None if it was not run, and a cursor must do it."""
        found = self._run(connection, statement, parameters)
        return None if found is None else found[0].rows(found[1])

    def count(self, connection: Connection, statement: str, parameters: Sequence[Any]) -> int | None:
        """Run one statement, and return how many rows it has written; None as with `fetch`."""
        found = self._run(connection, statement, parameters)
        if found is None:
            return None
        result = found[1]
        return int(result.ntuples if result.status == driver().with_rows else result.command_tuples or 0)

    def _run(
        self, connection: Connection, statement: str, parameters: Sequence[Any]
    ) -> tuple[_Prepared, Any] | None:
        known = self._known.get(statement)
        if known is None and statement not in self._known:
            if len(self._known) < _PREPARED_MAX:
                self._known[statement] = None
            return None
        try:
            values = [_SENT[type(value)](value) for value in parameters]
        except KeyError:
            return None
        own, pgconn = driver(), connection.pgconn
        with connection.lock:
            prepared = known or self._prepare(connection, statement)

            def exchange() -> Generator[Any, Any, list[Any]]:
                pgconn.send_query_prepared(prepared.name, values, result_format=_BINARY)
                return (yield from own.execute(pgconn))

            (result,) = connection.wait(exchange())
        if result.status not in own.well:
            error = own.error_of(result, encoding=connection.info.encoding)
            if error.sqlstate == _NOT_PREPARED:
                # Somebody has dropped them all. Nothing was written, and the next one prepares them anew.
                self._known.clear()
                raise own.lost(str(error)) from error
            raise error
        return prepared, result

    def _prepare(self, connection: Connection, statement: str) -> _Prepared:
        own, pgconn = driver(), connection.pgconn
        self._count += 1
        name = b"own_%d" % self._count

        def exchange() -> Generator[Any, Any, list[Any]]:
            pgconn.send_prepare(name, statement.encode())
            return (yield from own.execute(pgconn))

        (result,) = connection.wait(exchange())
        if result.status not in own.well:
            raise own.error_of(result, encoding=connection.info.encoding)
        prepared = self._known[statement] = _Prepared(name, own.reading(self._context))
        return prepared

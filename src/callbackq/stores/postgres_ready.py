"""
The statements that one connection of ours has prepared, and how they are run: with less ado than by a cursor.

The rule: what comes out is what a cursor of ours would give, value by value and error by error. Whatever is not known
here, such as a mapping among the parameters, is left to the cursor.
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
    send: Callable[[Any], Generator[Any, Any, None]]
    answers: Callable[[Any], Generator[Any, Any, list[Any]]]
    has_pipelines: bool
    error_of: Callable[..., psycopg.Error]
    well: frozenset[int]
    with_rows: int
    refused: type[psycopg.Error]
    lost: type[psycopg.Error]
    reading: Callable[[Any], Transformer]


@cache
def driver() -> Driver:
    """Return what is needed of psycopg."""
    from psycopg import DataError, OperationalError, Pipeline, generators
    from psycopg.adapt import Transformer
    from psycopg.errors import error_from_result
    from psycopg.pq import ExecStatus

    return Driver(
        execute=generators.execute,
        send=generators.send,
        answers=generators.fetch_many,
        has_pipelines=Pipeline.is_supported(),
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


def _sent_list(values: list[Any]) -> bytes:
    """Return an array of texts. Raises: KeyError for any other."""
    if not all(type(value) is str for value in values):
        raise KeyError(list)
    quoted = (_sent_text(value).replace(b"\\", b"\\\\").replace(b'"', b'\\"') for value in values)
    return b"{%s}" % b",".join(b'"%s"' % value for value in quoted)


_SENT: Final[Mapping[type, Callable[[Any], bytes | None]]] = {
    str: _sent_text,
    type(None): lambda _none: None,
    int: lambda number: b"%d" % number,
    float: lambda number: repr(number).encode(),
    bool: lambda flag: b"t" if flag else b"f",
    datetime: lambda instant: encode_instant(instant).encode(),
    list: _sent_list,
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


@attrs.frozen(kw_only=True)
class Later:
    """
    A statement that writes, and need not be run before something else is.

    Attributes:
        check: looks at the one row that it gives. It raises where something was not written as it should be.
        named: returns what the server refused, with the name of what was refused.
    """

    statement: str
    parameters: Sequence[Any]
    check: Callable[[Row], None]
    named: Callable[[Exception], Exception]


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

    def can_send(self, parameters: Sequence[Any]) -> bool:
        """Whether these values can be sent: whether they are known here, and can be stored."""
        try:
            for value in parameters:
                _SENT[type(value)](value)
        except (KeyError, UnicodeEncodeError, driver().refused):
            return False
        return True

    def fetch_each(
        self, connection: Connection, asked: Sequence[tuple[str, Sequence[Any]]]
    ) -> tuple[list[list[Row]], psycopg.Error | None] | None:
        """
        Run several statements in one journey, each as `fetch` would.

        Returns:
            The rows of each, up to the first that was refused, and its error; None if nothing was run, and each must
            be run by itself.

        Raises:
            psycopg.Error: the connection was lost, or a value cannot be sent; nobody knows what was run.
        """
        if not driver().has_pipelines or any(self._known.get(statement) is None for statement, _ in asked):
            return None
        try:
            sent = [
                (self._known[statement], [_SENT[type(value)](value) for value in parameters])
                for statement, parameters in asked
            ]
        except KeyError:
            return None
        found: list[list[Row]] = []
        for (prepared, _), result in zip(sent, _exchange_all(connection, sent), strict=False):
            assert prepared is not None
            if result.status not in driver().well:
                return found, self._error_of(connection, result)
            found.append(prepared.rows(result))
        return found, None

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
            raise self._error_of(connection, result)
        return prepared, result

    def _error_of(self, connection: Connection, result: Any) -> psycopg.Error:
        own = driver()
        error = own.error_of(result, encoding=connection.info.encoding)
        if error.sqlstate != _NOT_PREPARED:
            return error
        # Somebody has dropped them all. Nothing was written, and the next one prepares them anew.
        self._known.clear()
        lost = own.lost(str(error))
        lost.__cause__ = error
        return lost

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


def _exchange_all(
    connection: Connection, sent: Sequence[tuple[_Prepared | None, list[bytes | None]]]
) -> list[Any]:
    """Run prepared statements in one journey, and return what the server says of each."""
    own, pgconn = driver(), connection.pgconn

    def exchange() -> Generator[Any, Any, list[Any]]:
        for prepared, values in sent:
            assert prepared is not None
            pgconn.send_query_prepared(prepared.name, values, result_format=_BINARY)
        pgconn.pipeline_sync()
        yield from own.send(pgconn)
        results: list[Any] = []
        for _ in sent:
            results.extend((yield from own.answers(pgconn)))
        yield from own.answers(pgconn)  # Where they end.
        return results

    with connection.lock:
        pgconn.enter_pipeline_mode()
        try:
            return connection.wait(exchange())
        finally:
            try:
                pgconn.exit_pipeline_mode()
            except (
                own.lost
            ):  # It was interrupted, or lost: answers are left of which nobody knows what they are of.
                connection.close()

"""
What one transaction does in PostgreSQL: it begins with its first statement, for one tenant, and ends once.

The rule: nothing runs once the transaction is over, and every error comes out as `postgres_errors` says. Nothing is
tried again that might have been done: only where nothing was asked yet does a lost connection give way to another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, cast

from callbackq.errors import Conflict, InvalidText, NotFound, StoreUnavailable
from callbackq.ids import QueueName, SubjectId, TenantId
from callbackq.model import Callback
from callbackq.ports import Commit
from callbackq.stores import postgres_statements as sql
from callbackq.stores.postgres_connections import Lending
from callbackq.stores.postgres_errors import driver_error, is_lost, translate, translate_commit
from callbackq.stores.postgres_ready import Later, Ready, command
from callbackq.stores.postgres_seen import Look, Seen
from callbackq.stores.postgres_statements import Statements
from callbackq.stores.rows import RecordT, as_utc

if TYPE_CHECKING:
    import psycopg

    from callbackq.stores.postgres_connections import Connection

    Cursor = psycopg.RawCursor[tuple[Any, ...]]

Row = tuple[Any, ...]

Turn = tuple[str, ...]
"""The name of what is done by turns."""

LINE: Final = "line"
"""The turn of whoever looks for work."""

DAY: Final = "day"
"""The turn of whoever was late for the counter of a day; its queue and the day belong to the name."""

SLOT: Final = "slot"
"""The turn of whoever counts the seats of a slot; its queue and its time belong to the name."""

TALLY: Final = "tally"
"""The turn of whoever counts under a key, which belongs to the name."""

LANES: Final = "lanes"
"""The turn of whoever adds a set of skills."""

_LATER_MAX: Final = 64
"""So many decisions are put off, at most."""

_HALF: Final = "a text holds half a character"

_BEGIN: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ"
_BEGINNINGS: Final[Mapping[Commit, str]] = {
    Commit.READ_ONLY: f"{_BEGIN} READ ONLY",
    Commit.RELAXED: f"{_BEGIN} READ WRITE; SET LOCAL synchronous_commit = off",
    Commit.FLUSHED: f"{_BEGIN} READ WRITE",
}


_KEEP: Final = (
    "SELECT 1 FROM unnest($1::bigint[]) AS wanted(number), LATERAL pg_advisory_xact_lock(wanted.number)"
)


_LOOKED_FOR: Final = (
    "has_callbacks",
    "has_calls",
    "has_wanting",
    "has_available",
    "has_controls",
    "lanes_count",
)


def turn_number(*names: str) -> int:
    """Return the number of an advisory lock: 64 bits out of the names of what it guards."""
    digest = hashlib.blake2b(repr(("callbackq", *names)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _beginning(commit: Commit, turns: Sequence[int]) -> str:
    """
    Return what begins a transaction: one message.

    What a transaction sees is settled by its first question. So whoever has to wait for a turn must wait before: the
    lock is the session's until the transaction, which sees all that was done in earlier turns, has taken it over.
    """
    if not turns:
        return _BEGINNINGS[commit]
    waits = " ".join(f"SELECT pg_advisory_lock({turn});" for turn in turns)
    taken = ", ".join(f"pg_advisory_xact_lock({turn}), pg_advisory_unlock({turn})" for turn in turns)
    return f"BEGIN; {waits} COMMIT; {_BEGINNINGS[commit]}; SELECT {taken}"


class Session:
    """
    Runs the statements of one transaction. It must be ended, by `commit` or by `roll_back`.

    Args:
        kept: what to keep from the beginning; see `keep`.

    Attributes:
        kept: what it keeps, or was late for.
        wanted_next: what the next transaction of this thread should keep as well, if this one ends in a conflict.
        seen: what is known already.
        writes_behind: whether decisions are written when something else is asked, several in one journey. What is
            refused is told then: by the next question, or by the commit.
    """

    __slots__ = (
        "_commit",
        "_connection",
        "_connections",
        "_cursor",
        "_failure",
        "_is_over",
        "_later",
        "_ready",
        "_wrote",
        "kept",
        "seen",
        "tenant_id",
        "wanted_next",
        "writes_behind",
    )

    def __init__(
        self, connections: Lending, tenant_id: TenantId, *, commit: Commit, kept: Collection[Turn] = ()
    ) -> None:
        self.tenant_id = tenant_id
        self.kept = frozenset(kept)
        self.wanted_next: frozenset[Turn] = frozenset()
        self.seen: Final = Seen()
        self._connections = connections
        self._commit = commit
        self._is_over = False
        self._connection: Connection | None = None
        self._cursor: Cursor | None = None
        self._ready: Ready | None = None
        self._failure: Exception | None = None
        self._wrote = False
        self._later: list[Later] = []
        self.writes_behind = False

    def settle(self) -> None:
        """Run what was put off. To be said before the end. Raises: Conflict, StoreUnavailable, InvalidText."""
        if self._later:
            self._use()

    def end(self) -> None:
        """Refuse everything from now on, but to commit or to roll back."""
        self._is_over = True

    @property
    def wrote(self) -> bool:
        """Whether it was asked to write something."""
        return self._wrote

    @property
    def only_reads(self) -> bool:
        """Whether nothing may be written."""
        return self._commit is Commit.READ_ONLY

    def refuse_if_over(self) -> None:
        """Raise RuntimeError after the block."""
        if self._is_over:
            msg = "this transaction is over"
            raise RuntimeError(msg)

    def refuse_if_read_only(self) -> None:
        """Raise RuntimeError in a READ_ONLY transaction, and after the block."""
        self.refuse_if_over()
        if self.only_reads:
            msg = "this transaction was opened with Commit.READ_ONLY, so it can write nothing"
            raise RuntimeError(msg)

    def take_turn(self, name: str) -> None:
        """
        Wait for the tenant's turn of this name, if nothing was asked yet and something may be written.

        It lasts until the end. Raises: StoreUnavailable: somebody else keeps it for too long.
        """
        self.refuse_if_over()
        if not self.only_reads and self._connection is None:
            self._begin({(name,)})

    def keep(self, *turns: Turn) -> None:
        """
        Wait until nobody else of the tenant keeps what has these names, and keep it until the end.

        Whoever begins with it sees all that was done before. Later on it is as good, but for what is seen: that is
        settled by then. Nothing in a transaction that only reads.

        Raises:
            StoreUnavailable: somebody else keeps it for too long.
            Conflict: two wait for each other.
        """
        self.refuse_if_over()
        if self.only_reads:
            return
        new = sorted(set(turns) - self.kept)
        self.kept = self.kept.union(new)
        if self._connection is None:
            self._begin()
        elif new:
            self.fetch(_KEEP, ([self._number_of(turn) for turn in new],))

    def _number_of(self, turn: Turn) -> int:
        return turn_number(self._connections.schema, self.tenant_id, *turn)

    def _begin(self, turns: Collection[Turn] = ()) -> None:
        # In the order of their names, in which they are asked for too: so that nobody waits crosswise.
        in_order = [self._number_of(turn) for turn in sorted(self.kept.union(turns))]
        sql = _beginning(self._commit, in_order).encode()
        failure: Exception | None = None
        while self._connection is None:
            connection, was_used = self._connections.take()
            try:
                command(connection, sql)
                self._ready = getattr(connection, "ready", None)
                self._connection = connection
            except driver_error() as error:
                if not (was_used and is_lost(error)):
                    failure = translate(error, self._connections.name)
            finally:
                if self._connection is None:
                    connection.close()  # What it may hold, such as a lock of its session, is let go.
                    self._connections.give_back(connection)
            if failure is not None:
                raise failure

    # ------------------------------------------------------------------------ statements

    def write(self, statement: str, parameters: Sequence[Any]) -> int:
        """Run one statement that writes whichever rows, and return how many it changed. Nothing is known then."""
        self.seen.clear()
        return self.put(statement, parameters)

    def put(self, statement: str, parameters: Sequence[Any]) -> int:
        """Run one statement that writes a row of which `seen` is told, or history; return how many it changed."""
        connection = self._use()
        failure: Exception
        try:
            self._wrote = True
            if self._ready is not None:
                count = self._ready.count(connection, statement, parameters)
                if count is not None:
                    return count
            return self._by_cursor(statement, parameters).rowcount
        except driver_error() as error:
            failure = self._failed(error)
        except UnicodeEncodeError:
            failure = InvalidText(_HALF)
        raise failure

    def undo(self, failure: Exception) -> None:
        """Let nothing more be done: a part of what belongs together was written, and the rest was refused."""
        self._failure = failure

    def write_all(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """
        Run one statement that writes history for each of several rows, in order, without waiting in between.

        An error undoes the transaction: some of the rows may have been written before it.
        """
        connection = self._use()
        try:
            self._wrote = True
            if self._cursor is None:
                self._cursor = cast("Cursor", connection.cursor(binary=True))
            self._cursor.executemany(statement.encode(), rows)
        except driver_error() as error:
            self._failure = translate(error, self._connections.name)
        except UnicodeEncodeError:
            self._failure = InvalidText(_HALF)
        if self._failure is not None:
            raise self._failure

    def put_together(self, statement: str, parameters: Sequence[Any]) -> Row:
        """Run one statement that writes rows of which `seen` is told, and history; return the one row that it gives."""
        connection = self._use()
        failure: Exception
        try:
            self._wrote = True
            found = self._found(connection, statement, parameters)
        except driver_error() as error:
            failure = self._failed(error)
        except UnicodeEncodeError:
            failure = InvalidText(_HALF)
        else:
            return found[0]
        raise failure

    def put_later(self, later: Later) -> None:
        """Run one statement before anything else is asked, and before the commit."""
        self.refuse_if_undone()
        self._wrote = True
        self._later.append(later)
        if len(self._later) >= _LATER_MAX:
            self._use()

    def _put_what_waits(self, *then: tuple[str, Sequence[Any]]) -> list[Row] | None:
        """
        Run what was put off, in one journey if that can be. Whatever is refused undoes the transaction.

        Args:
            then: a question that may go with it.

        Returns:
            What the question has found; None if it is still to be asked.
        """
        waiting, self._later = self._later, []
        try:
            found = self._rows_of(waiting, then)
            for later, rows in zip(waiting, found, strict=False):
                later.check(rows[0])
        except BaseException as error:
            if self._failure is None:
                interrupted = StoreUnavailable("this transaction was interrupted")
                self._failure = error if isinstance(error, Exception) else interrupted
            raise
        return found[-1] if len(found) > len(waiting) else None

    def _rows_of(
        self, waiting: Sequence[Later], then: Sequence[tuple[str, Sequence[Any]]]
    ) -> list[list[Row]]:
        """Run these statements, and return the rows of each. Raises: what stands for the first error."""
        connection = self._use()
        found = None
        failure: Exception
        asked = [*((later.statement, later.parameters) for later in waiting), *then]
        try:
            if self._ready is not None and len(asked) > 1:
                found = self._ready.fetch_each(connection, asked)
        except driver_error() as error:
            failure = self._failed(error)
        except UnicodeEncodeError:
            failure = InvalidText(_HALF)
        else:
            if found is None:
                return [[self._row_of(later)] for later in waiting]
            rows, refusal = found
            if refusal is None:
                return rows
            failure = self._failed(refusal)
            if len(rows) < len(waiting):
                failure = waiting[len(rows)].named(failure)
        raise failure

    def _row_of(self, later: Later) -> Row:
        try:
            return self.put_together(later.statement, later.parameters)
        except Conflict as refusal:
            raise later.named(refusal) from None

    def fetch(self, statement: str, parameters: Sequence[Any]) -> list[Row]:
        """Return all rows that one statement finds. A text that cannot be stored is in none of them."""
        if self._later and self._ready is not None and self._ready.can_send(parameters):
            self.refuse_if_undone()
            found = self._put_what_waits((statement, parameters))
            if found is not None:
                return found
        connection = self._use()
        failure: Exception
        try:
            return self._found(connection, statement, parameters)
        except driver_error() as error:
            failure = self._failed(error)
        except UnicodeEncodeError:
            return []
        if isinstance(failure, InvalidText) and self._failure is None:
            return []
        raise failure

    def all(self, statement: str, *parameters: Any) -> list[Row]:
        """Return all rows of this tenant that one statement finds."""
        return self.fetch(statement, (self.tenant_id, *parameters))

    def numbers(self, statement: str, *parameters: Any) -> list[int]:
        """Return the numbers that one statement computes, or zeros where nothing can be found."""
        rows = self.all(statement, *parameters)
        return list(rows[0]) if rows else [0, 0]

    def row(self, of: Statements[RecordT], *key: Any) -> RecordT | None:
        """Return the record that has this key, or None. It is asked for once."""
        self.refuse_if_undone()
        if not self.seen.knows(of, *key):
            rows = self.all(of.get, *key)
            self.seen.add(of, rows[0] if rows else None, *key)
        return self.seen.find(of, *key)

    def rows_beside(self, of: Sequence[Statements[Any]], row: Sequence[Any]) -> list[Row | None]:
        """Take a row apart that was joined of several; None for each that there is not. The others are known then."""
        parts: list[Row | None] = []
        start = 0
        for each in of:
            part = tuple(row[start : (start := start + len(each.rows.columns))])
            parts.append(part if part[0] is not None else None)
            if part[0] is not None:
                self.seen.add_row(each, part)
        return parts

    def alone(self, subject_id: SubjectId) -> Callback | None:
        """Return the only callback that a person ever had, if it is known to be."""
        self.refuse_if_undone()
        return self.seen.alone(subject_id)

    def is_idle(self, number_key: str) -> bool:
        """Whether it is known that no attempt holds this number."""
        self.refuse_if_undone()
        return self.seen.is_idle(number_key)

    @property
    def may_start(self) -> bool:
        """Whether a callback may be started here: only where the disk is waited for."""
        return self._commit is Commit.FLUSHED

    def kept_records(self, of: Statements[RecordT], statement: str) -> list[RecordT]:
        """Return the records that a statement finds. They are known then."""
        rows = self.all(statement)
        for row in rows:
            self.seen.add_row(of, row)
        return [of.rows.decode(row) for row in rows]

    def record(self, of: Statements[RecordT], statement: str, *key: Any) -> RecordT | None:
        """Return the record that a statement finds by *key*, or None."""
        rows = self.all(statement, *key)
        return of.rows.decode(rows[0]) if rows else None

    def records(self, of: Statements[RecordT], statement: str, *parameters: Any) -> list[RecordT]:
        """Return the records that a statement finds."""
        return [of.rows.decode(row) for row in self.all(statement, *parameters)]

    def forget(self, statement: str, before: datetime, limit: int) -> int:
        """Delete rows that are older than a moment, at most *limit*, and return how many."""
        self.refuse_if_read_only()
        return self.write(statement, (self.tenant_id, as_utc(before), limit))

    def due_in(
        self,
        of: Statements[RecordT],
        *,
        now: datetime,
        limit: int,
        queues: Collection[QueueName] | None,
    ) -> list[RecordT]:
        """Return the rows of one table that are due, of these queues."""
        self.take_turn(LINE)
        look = self.look() if of.table in sql.LOOKED_AT else None
        if look is not None:
            earliest = look.due_at[of.table]
            if earliest is None or earliest > as_utc(now):
                return []
        if queues is None:
            return self.records(of, of.due, as_utc(now), limit)
        return self.records(of, of.due_in, as_utc(now), limit, list(queues))

    def look(self) -> Look | None:
        """Return what there is to do, asked once; None in a transaction that only reads: it wants one thing."""
        self.refuse_if_undone()
        if self.only_reads:
            return None
        if self.seen.look is None:
            rows = self.all(sql.LOOK)
            if not rows:
                return None
            count = len(sql.LOOKED_AT)
            self.seen.look = Look(
                due_at=dict(zip(sql.LOOKED_AT, rows[0][:count], strict=True)),
                **dict(zip(_LOOKED_FOR, rows[0][count:], strict=True)),
            )
        return self.seen.look

    def refuse_if_undone(self) -> None:
        """Raise RuntimeError after the block, and what stands for the error that has undone the transaction."""
        self.refuse_if_over()
        if self._failure is not None:
            raise self._undone()

    def _use(self) -> Connection:
        self.refuse_if_undone()
        if self._connection is None:
            self._begin()
        if self._later:
            self._put_what_waits()
        assert self._connection is not None
        return self._connection

    def _by_cursor(self, statement: str, parameters: Sequence[Any]) -> Cursor:
        """Run one statement as the driver does it."""
        if self._cursor is None:
            self._cursor = cast("Cursor", self._use().cursor(binary=True))
        return self._cursor.execute(statement.encode(), parameters)

    def _found(self, connection: Connection, statement: str, parameters: Sequence[Any]) -> list[Row]:
        """Run one statement, and return its rows."""
        if self._ready is not None:
            found = self._ready.fetch(connection, statement, parameters)
            if found is not None:
                return found
        return self._by_cursor(statement, parameters).fetchall()

    def _failed(self, error: psycopg.Error) -> Exception:
        """Return what stands for an error, and remember it if it has undone the transaction."""
        from psycopg.pq import TransactionStatus

        failure = translate(error, self._connections.name)
        assert self._connection is not None
        if self._connection.info.transaction_status is not TransactionStatus.INTRANS:
            self._failure = failure
        return failure

    def _undone(self) -> Exception:
        kind = Conflict if isinstance(self._failure, Conflict) else StoreUnavailable
        return kind(f"an error undid this transaction: {type(self._failure).__name__}")

    # ------------------------------------------------------------------------ the end

    def commit(self) -> None:
        """
        End the transaction, and let go of the connection if that went well.

        Raises:
            StoreUnavailable, Conflict: an error has undone it before, or does so now.
            CommitUncertain: the connection was lost meanwhile.
        """
        connection = self._connection
        if connection is None:
            return
        if self._failure is not None:
            raise self._undone()
        failure: Exception
        try:
            ended = command(connection, b"COMMIT")
        except driver_error() as error:
            name = self._connections.name
            failure = translate_commit(error, name) if self._wrote else translate(error, name)
        else:
            if ended.command_status == b"COMMIT":
                self._let_go()
                return
            failure = StoreUnavailable(f"{self._connections.name}: the server undid this transaction")
        raise failure

    def roll_back(self) -> None:
        """Undo what is open. An error here changes nothing: what was not committed is gone."""
        connection = self._connection
        if connection is None:
            return
        try:
            if not connection.closed:
                command(connection, b"ROLLBACK")
        except driver_error():
            connection.close()
        except BaseException:
            connection.close()
            raise
        finally:
            self._let_go()

    def _let_go(self) -> None:
        connection, self._connection, self._cursor = self._connection, None, None
        self._ready = None
        assert connection is not None
        self._connections.give_back(connection)


class Part:
    """One noun of a transaction."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session


def present(found: RecordT | None, not_found: type[NotFound], name: str, row_id: str) -> RecordT:
    """Return the record that was found. Raises: the error of its table where there is none."""
    if found is None:
        raise not_found(f"this tenant has no {name} {row_id!r}")
    return found

"""
How statements are run in one SQLite transaction: for one tenant, while the store's lock is held.

The rule: nothing runs once the transaction is over, and every error of SQLite comes out as `sqlite_errors` says.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, cast

from callbackq.errors import NotFound, StoreUnavailable
from callbackq.ids import QueueName, TenantId
from callbackq.ports import Commit
from callbackq.stores.lane_index import LaneIndex
from callbackq.stores.rows import RecordT, Value, encode_instant
from callbackq.stores.sqlite_errors import translate
from callbackq.stores.sqlite_statements import Statements

Row = tuple[Any, ...]

LaneCache = dict[TenantId, LaneIndex]
"""The sets of skills by lane, as last read. Lanes are only ever added, so only newer ones need to be read."""


class Session:
    """Runs the statements of one transaction."""

    __slots__ = ("_connection", "_path", "_read_only", "lane_cache", "tenant_id")

    def __init__(
        self,
        connection: sqlite3.Connection,
        tenant_id: TenantId,
        *,
        commit: Commit,
        lane_cache: LaneCache,
        path: str,
    ) -> None:
        self.tenant_id = tenant_id
        self.lane_cache = lane_cache
        self._connection: sqlite3.Connection | None = connection
        self._path = path
        self._read_only = commit is Commit.READ_ONLY

    def refuse_if_read_only(self) -> None:
        """Raise RuntimeError in a READ_ONLY transaction."""
        if self._read_only:
            msg = "this transaction was opened with Commit.READ_ONLY, so it can write nothing"
            raise RuntimeError(msg)

    def refuse_if_over(self) -> None:
        """Raise RuntimeError after the block."""
        if self._connection is None:
            msg = "this transaction is over"
            raise RuntimeError(msg)

    def end(self) -> None:
        """Let go of the connection."""
        self._connection = None

    def write(self, statement: str, parameters: Sequence[Value]) -> int:
        """Run one statement that writes, and return how many rows it changed."""
        try:
            return self._open.execute(statement, parameters).rowcount
        except sqlite3.Error as error:
            raise translate(error, self._path) from error

    def one(self, statement: str, *parameters: Value) -> Row | None:
        """Return the first row that one statement finds, or None."""
        try:
            return cast("Row | None", self._open.execute(statement, parameters).fetchone())
        except sqlite3.Error as error:
            raise translate(error, self._path) from error

    def all(self, statement: str, *parameters: Value) -> list[Row]:
        """Return all rows that one statement finds."""
        try:
            return self._open.execute(statement, parameters).fetchall()
        except sqlite3.Error as error:
            raise translate(error, self._path) from error

    def number(self, statement: str, *parameters: Value) -> int:
        """Return the one number that one statement computes."""
        row = self.one(statement, *parameters)
        assert row is not None
        return cast("int", row[0])

    def record(self, of: Statements[RecordT], statement: str, *key: Value) -> RecordT | None:
        """Return the record that *statement* finds by *key*, or None."""
        row = self.one(statement, self.tenant_id, *key)
        return None if row is None else of.rows.decode(row)

    def records(self, of: Statements[RecordT], statement: str, *parameters: Value) -> list[RecordT]:
        """Return the records that *statement* finds."""
        return [of.rows.decode(row) for row in self.all(statement, self.tenant_id, *parameters)]

    def forget(self, statement: str, before: datetime, limit: int) -> int:
        """Delete rows that are older than a moment, at most *limit*, and return how many."""
        self.refuse_if_read_only()
        return self.write(statement, (self.tenant_id, self.tenant_id, encode_instant(before), limit))

    def due_in(
        self,
        statements: Statements[RecordT],
        *,
        now: datetime,
        limit: int,
        queues: Collection[QueueName] | None,
    ) -> list[RecordT]:
        """Return the rows of one table that are due, of these queues."""
        if queues is None:
            return self.records(statements, statements.due, encode_instant(now), limit)
        names = json.dumps(list(queues))
        return self.records(statements, statements.due_in, encode_instant(now), names, limit)

    @property
    def _open(self) -> sqlite3.Connection:
        self.refuse_if_over()
        assert self._connection is not None
        if not self._connection.in_transaction:
            # At an error such as a full disk SQLite rolls back by itself. What came now would stand, and alone.
            raise StoreUnavailable(f"{self._path}: an error undid this transaction")
        return self._connection


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

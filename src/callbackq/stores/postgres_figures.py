"""
What figures are counted from, in one transaction of PostgreSQL: a few columns of many rows, page by page.

The rule: as in `postgres_tables`. A page begins behind the last row of the one before.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from callbackq.ids import QueueName
from callbackq.model.figures import CallbackFacts, CallbackGist, CallFacts, CallGist
from callbackq.ports.figures import Behind
from callbackq.stores.facts_rows import (
    ATTEMPT_COLUMNS,
    ATTEMPT_GIST_COLUMNS,
    CALL_COLUMNS,
    CALL_GIST_COLUMNS,
    CALLBACK_COLUMNS,
    CALLBACK_GIST_COLUMNS,
    FactsRows,
)
from callbackq.stores.postgres_session import Part
from callbackq.stores.postgres_walks import queues_walk
from callbackq.stores.rows import as_utc

_ROWS: Final = FactsRows(native=True)


def _page(columns: tuple[str, ...], table: str, moment: str, key: str) -> str:
    return f"""
    SELECT {", ".join(columns)} FROM callbackq_{table}
     WHERE tenant_id = $1 AND queue = $2 AND ({moment}, {key}) > ($3, $4) AND {moment} < $5
       AND {moment} > '-infinity'
     ORDER BY {moment}, {key} LIMIT $6"""


def _count(table: str, moment: str) -> str:
    return f"""
    SELECT count(*) FROM callbackq_{table}
     WHERE tenant_id = $1 AND queue = $2 AND {moment} >= $3 AND {moment} < $4
       AND {moment} > '-infinity'"""


CALLS_PAGE: Final = _page(CALL_COLUMNS, "calls", "entered_at", "call_id")
CALLBACKS_PAGE: Final = _page(CALLBACK_COLUMNS, "callbacks", "requested_at", "callback_id")
# Callback by callback, by its key: OFFSET keeps the planner from reading all attempts for them.
ATTEMPTS_OF: Final = f"""
    SELECT {", ".join(f"found.{column}" for column in ATTEMPT_COLUMNS)}
      FROM unnest($2::text[]) AS wanted(callback_id) CROSS JOIN LATERAL (
        SELECT {", ".join(ATTEMPT_COLUMNS)} FROM callbackq_attempts
         WHERE tenant_id = $1 AND callback_id = wanted.callback_id AND started_at > '-infinity'
         ORDER BY started_at, attempt_id OFFSET 0
      ) AS found"""
CALL_GISTS: Final = _page(CALL_GIST_COLUMNS, "calls", "entered_at", "call_id")
CALLBACK_GISTS: Final = _page(CALLBACK_GIST_COLUMNS, "callbacks", "requested_at", "callback_id")
ATTEMPT_GISTS: Final = f"""
    SELECT wanted.place - 1, {", ".join(ATTEMPT_GIST_COLUMNS)}
      FROM unnest($2::text[]) WITH ORDINALITY AS wanted(callback_id, place) CROSS JOIN LATERAL (
        SELECT {", ".join(ATTEMPT_COLUMNS)} FROM callbackq_attempts
         WHERE tenant_id = $1 AND callback_id = wanted.callback_id AND started_at > '-infinity'
         ORDER BY started_at, attempt_id OFFSET 0
      ) AS found"""
CALLS_COUNT: Final = _count("calls", "entered_at")
CALLBACKS_COUNT: Final = _count("callbacks", "requested_at")


QUEUES_SEEN: Final = tuple(
    queues_walk(table, f"{moment} > '-infinity'")
    for table, moment in (("calls", "entered_at"), ("callbacks", "requested_at"))
)


class Facts(Part):
    """The facts of stories, of one tenant."""

    __slots__ = ()

    def queues(self) -> list[QueueName]:
        """Return the queues of which there is a live call or a callback, in order. O(log n) each."""
        return sorted({row[0] for statement in QUEUES_SEEN for row in self._session.all(statement)})

    def count(self, queue: QueueName, *, from_at: datetime, until_at: datetime) -> int:
        """Count the live calls that entered in a stretch, and the callbacks that were asked for. O(those)."""
        stretch = (queue, as_utc(from_at), as_utc(until_at))
        found = [self._session.all(statement, *stretch) for statement in (CALLS_COUNT, CALLBACKS_COUNT)]
        return sum(row[0] for rows in found for row in rows)

    def calls(
        self,
        queue: QueueName,
        *,
        from_at: datetime,
        until_at: datetime,
        after: Behind | None = None,
        limit: int,
    ) -> list[CallFacts]:
        """Return the facts of live calls that entered in a stretch, in order. O(limit + log n)."""
        begin = _begin(from_at, after)
        rows = self._session.all(CALLS_PAGE, queue, *begin, as_utc(until_at), limit)
        return [_ROWS.call(row) for row in rows]

    def callbacks(
        self,
        queue: QueueName,
        *,
        from_at: datetime,
        until_at: datetime,
        after: Behind | None = None,
        limit: int,
    ) -> list[CallbackFacts]:
        """Return the facts of callbacks that were asked for in a stretch, in order. O(limit + log n), log n each."""
        begin = _begin(from_at, after)
        rows = self._session.all(CALLBACKS_PAGE, queue, *begin, as_utc(until_at), limit)
        return _ROWS.callbacks(rows, self._session.all(ATTEMPTS_OF, [row[0] for row in rows]))

    def call_gists(
        self,
        queue: QueueName,
        *,
        from_at: datetime,
        until_at: datetime,
        after: Behind | None = None,
        limit: int,
    ) -> list[CallGist]:
        """Return what counts of live calls that entered in a stretch, in order. O(limit + log n)."""
        begin = _begin(from_at, after)
        rows = self._session.all(CALL_GISTS, queue, *begin, as_utc(until_at), limit)
        return list(map(_ROWS.call_gist, rows))

    def callback_gists(
        self,
        queue: QueueName,
        *,
        from_at: datetime,
        until_at: datetime,
        after: Behind | None = None,
        limit: int,
    ) -> list[CallbackGist]:
        """Return what counts of callbacks that were asked for in a stretch, in order. O(limit + log n), log n each."""
        begin = _begin(from_at, after)
        rows = self._session.all(CALLBACK_GISTS, queue, *begin, as_utc(until_at), limit)
        return _ROWS.callback_gists(rows, self._session.all(ATTEMPT_GISTS, [row[0] for row in rows]))


def _begin(from_at: datetime, after: Behind | None) -> Behind:
    """Return behind what a page begins: before all ids of a moment, or behind the last one that is known."""
    return (as_utc(from_at), "") if after is None else (as_utc(after[0]), after[1])

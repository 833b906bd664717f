"""
What figures are counted from, in one SQLite transaction: a few columns of many rows, page by page.

The rule: as in `sqlite_tables`. A page begins behind the last row of the one before.
"""

from __future__ import annotations

import json
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
from callbackq.stores.rows import encode_instant
from callbackq.stores.sqlite_session import Part

_ROWS: Final = FactsRows()
_CALLS: Final = "callbackq_calls INDEXED BY callbackq_calls_joined WHERE tenant_id = ?"
_CALLBACKS: Final = "callbackq_callbacks INDEXED BY callbackq_callbacks_requested WHERE tenant_id = ?"


def _page(columns: tuple[str, ...], found: str, moment: str, key: str) -> str:
    return f"""
    SELECT {", ".join(columns)} FROM {found} AND queue = ? AND ({moment}, {key}) > (?, ?) AND {moment} < ?
     ORDER BY {moment}, {key} LIMIT ?"""


CALLS_PAGE: Final = _page(CALL_COLUMNS, _CALLS, "entered_at", "call_id")
CALLBACKS_PAGE: Final = _page(CALLBACK_COLUMNS, _CALLBACKS, "requested_at", "callback_id")
ATTEMPTS_OF: Final = f"""
    SELECT {", ".join(ATTEMPT_COLUMNS)} FROM callbackq_attempts INDEXED BY callbackq_attempts_of
     WHERE tenant_id = ? AND callback_id IN (SELECT value FROM json_each(?))
     ORDER BY callback_id, started_at, attempt_id"""
CALL_GISTS: Final = _page(CALL_GIST_COLUMNS, _CALLS, "entered_at", "call_id")
CALLBACK_GISTS: Final = _page(CALLBACK_GIST_COLUMNS, _CALLBACKS, "requested_at", "callback_id")
ATTEMPT_GISTS: Final = f"""
    SELECT wanted.key, {", ".join(ATTEMPT_GIST_COLUMNS)}
      FROM json_each(?2) AS wanted CROSS JOIN callbackq_attempts INDEXED BY callbackq_attempts_of
     WHERE tenant_id = ?1 AND callback_id = wanted.value
     ORDER BY wanted.key, started_at, attempt_id"""
CALLS_COUNT: Final = f"SELECT count(*) FROM {_CALLS} AND queue = ? AND entered_at >= ? AND entered_at < ?"
CALLBACKS_COUNT: Final = (
    f"SELECT count(*) FROM {_CALLBACKS} AND queue = ? AND requested_at >= ? AND requested_at < ?"
)


def _queues_of(found: str) -> str:
    """Return a statement that walks from one queue to the next."""
    first = f"SELECT min(queue) FROM {found}1"
    return f"""
    WITH RECURSIVE queues(queue) AS (
        SELECT ({first})
        UNION ALL
        SELECT ({first} AND queue > queues.queue) FROM queues WHERE queue IS NOT NULL
    ) SELECT queue FROM queues WHERE queue IS NOT NULL"""


QUEUES_SEEN: Final = (_queues_of(_CALLS), _queues_of(_CALLBACKS))


class Facts(Part):
    """The facts of stories, of one tenant."""

    __slots__ = ()

    def queues(self) -> list[QueueName]:
        """Return the queues of which there is a live call or a callback, in order. O(log n) each."""
        session = self._session
        found = {row[0] for statement in QUEUES_SEEN for row in session.all(statement, session.tenant_id)}
        return sorted(found)

    def count(self, queue: QueueName, *, from_at: datetime, until_at: datetime) -> int:
        """Count the live calls that entered in a stretch, and the callbacks that were asked for. O(those)."""
        session = self._session
        stretch = (session.tenant_id, queue, encode_instant(from_at), encode_instant(until_at))
        return session.number(CALLS_COUNT, *stretch) + session.number(CALLBACKS_COUNT, *stretch)

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
        session = self._session
        begin = _begin(from_at, after)
        rows = session.all(CALLS_PAGE, session.tenant_id, queue, *begin, encode_instant(until_at), limit)
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
        session = self._session
        begin = _begin(from_at, after)
        rows = session.all(CALLBACKS_PAGE, session.tenant_id, queue, *begin, encode_instant(until_at), limit)
        ids = json.dumps([row[0] for row in rows])
        return _ROWS.callbacks(rows, session.all(ATTEMPTS_OF, session.tenant_id, ids))

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
        session = self._session
        begin = _begin(from_at, after)
        rows = session.all(CALL_GISTS, session.tenant_id, queue, *begin, encode_instant(until_at), limit)
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
        session = self._session
        begin = _begin(from_at, after)
        rows = session.all(CALLBACK_GISTS, session.tenant_id, queue, *begin, encode_instant(until_at), limit)
        ids = json.dumps([row[0] for row in rows])
        return _ROWS.callback_gists(rows, session.all(ATTEMPT_GISTS, session.tenant_id, ids))


def _begin(from_at: datetime, after: Behind | None) -> tuple[str, str]:
    """Return behind what a page begins: before all ids of a moment, or behind the last one that is known."""
    return (encode_instant(from_at), "") if after is None else (encode_instant(after[0]), after[1])

"""
Lists in one SQLite transaction: callbacks as they were asked for, and all records of a kind, page by page.

The rule: as in `sqlite_tables`. A page begins behind the last row of the one before, so none costs more than another.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from callbackq.ids import QueueName
from callbackq.model import Callback, CallbackState
from callbackq.ports import ListedT
from callbackq.stores import sqlite_statements as sql
from callbackq.stores.rows import MOMENTS, encode_instant
from callbackq.stores.sqlite_session import Session

_BEHIND: Final = "requested_at >= ? AND (requested_at, callback_id) < (?, ?)"
_LATEST: Final = "ORDER BY requested_at DESC, callback_id DESC LIMIT ?"
_OF_STATE: Final = "state IN (SELECT value FROM json_each(?))"
REQUESTED: Final = sql.CALLBACKS.by("requested", f"{_BEHIND} {_LATEST}")
REQUESTED_IN: Final = sql.CALLBACKS.by("requested", f"{_BEHIND} AND {_OF_STATE} {_LATEST}")
REQUESTED_OPEN: Final = sql.CALLBACKS.by("open", f"state <> 'ended' AND {_BEHIND} AND {_OF_STATE} {_LATEST}")


def _page_of(kind: type[Any]) -> str:
    statements = sql.OF_CLASS[kind]
    key = statements.rows.key[0]
    since = f"(?2 IS NULL OR {MOMENTS[kind]} >= ?2)"
    text = statements.select.replace("tenant_id = ?", "tenant_id = ?1")
    return f"{text} AND {key} > ?3 AND {since} ORDER BY {key} LIMIT ?4"


PAGES: Final = {kind: _page_of(kind) for kind in MOMENTS}
QUEUES_WITH_CALLBACKS: Final = """
    WITH RECURSIVE queues(queue) AS (
        SELECT (SELECT min(queue) FROM callbackq_callbacks INDEXED BY callbackq_callbacks_requested
                 WHERE tenant_id = ?1)
        UNION ALL
        SELECT (SELECT min(queue) FROM callbackq_callbacks INDEXED BY callbackq_callbacks_requested
                 WHERE tenant_id = ?1 AND queue > queues.queue) FROM queues WHERE queue IS NOT NULL
    ) SELECT queue FROM queues WHERE queue IS NOT NULL"""


def requested(
    session: Session,
    queue: QueueName,
    *,
    from_at: datetime,
    before: tuple[datetime, str],
    states: Collection[CallbackState] | None,
    limit: int,
) -> list[Callback]:
    """Return callbacks of a queue, the latest requested first."""
    behind = encode_instant(from_at), encode_instant(before[0]), before[1]
    if states is None:
        return session.records(sql.CALLBACKS, REQUESTED, queue, *behind, limit)
    statement = REQUESTED_IN if CallbackState.ENDED in states else REQUESTED_OPEN
    wanted = json.dumps([state.value for state in states])
    return session.records(sql.CALLBACKS, statement, queue, *behind, wanted, limit)


def page(
    session: Session, kind: type[ListedT], *, after: str, since: datetime | None, limit: int
) -> list[ListedT]:
    """Return records of one kind by their ids, behind *after*."""
    moment = None if since is None else encode_instant(since)
    return session.records(sql.OF_CLASS[kind], PAGES[kind], moment, after, limit)


def queues_with_callbacks(session: Session) -> list[QueueName]:
    """Return the queues of which there is a callback, in order. O(log n) each."""
    return [row[0] for row in session.all(QUEUES_WITH_CALLBACKS, session.tenant_id)]

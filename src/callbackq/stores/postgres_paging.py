"""
Lists in one transaction of PostgreSQL: callbacks as they were asked for, and all records of a kind, page by page.

The rule: as in `postgres_tables`. A page begins behind the last row of the one before, so none costs more than another.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from callbackq.ids import QueueName
from callbackq.model import Callback, CallbackState
from callbackq.ports import ListedT
from callbackq.stores import postgres_statements as sql
from callbackq.stores.postgres_session import Session
from callbackq.stores.postgres_walks import queues_walk
from callbackq.stores.rows import MOMENTS, as_utc

_BEHIND: Final = (
    f"{sql.CALLBACKS.select} AND queue = $2 AND requested_at >= $3 AND (requested_at, callback_id) < ($4, $5)"
    " AND requested_at > '-infinity'"
)
_LATEST: Final = "ORDER BY requested_at DESC, callback_id DESC LIMIT $6"
REQUESTED: Final = f"{_BEHIND} {_LATEST}"
REQUESTED_IN: Final = f"{_BEHIND} AND state = ANY ($7) {_LATEST}"
REQUESTED_OPEN: Final = f"{_BEHIND} AND state <> 'ended' AND version > 0 AND state = ANY ($7) {_LATEST}"


def _page_of(kind: type[Any], *, since: bool) -> str:
    statements = sql.OF_CLASS[kind]
    key = statements.rows.key[0]
    later = f" AND {MOMENTS[kind]} >= $4" if since else ""
    return f"{statements.select} AND {key} > $2{later} ORDER BY {key} LIMIT $3"


PAGES: Final = {kind: _page_of(kind, since=False) for kind in MOMENTS}
PAGES_SINCE: Final = {kind: _page_of(kind, since=True) for kind in MOMENTS}
QUEUES_WITH_CALLBACKS: Final = queues_walk("callbacks", "requested_at > '-infinity'")


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
    behind = queue, as_utc(from_at), as_utc(before[0]), before[1], limit
    if states is None:
        return session.records(sql.CALLBACKS, REQUESTED, *behind)
    statement = REQUESTED_IN if CallbackState.ENDED in states else REQUESTED_OPEN
    return session.records(sql.CALLBACKS, statement, *behind, [state.value for state in states])


def page(
    session: Session, kind: type[ListedT], *, after: str, since: datetime | None, limit: int
) -> list[ListedT]:
    """Return records of one kind by their ids, behind *after*."""
    if since is None:
        return session.records(sql.OF_CLASS[kind], PAGES[kind], after, limit)
    return session.records(sql.OF_CLASS[kind], PAGES_SINCE[kind], after, limit, as_utc(since))


def queues_with_callbacks(session: Session) -> list[QueueName]:
    """Return the queues of which there is a callback, in order. O(log n) each."""
    return [row[0] for row in session.all(QUEUES_WITH_CALLBACKS)]

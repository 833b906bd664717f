"""
The line in PostgreSQL: the first place of some lanes, pages of the line, and how many stand before a place.

The rule: each question is one statement for each kind of place, however many lanes there are; and what would take
long where very many wait is bounded: there the first are counted, and the rest is estimated.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Final

from callbackq.ids import PlaceId, QueueName
from callbackq.model import POSITION_EXACT_MAX, Ahead, Callback, Place
from callbackq.stores import postgres_statements as sql
from callbackq.stores.postgres_counting import OLDEST
from callbackq.stores.postgres_seen import Heads
from callbackq.stores.postgres_session import LINE, Part

_position_of: Final = attrgetter("rank", "place_id")
_HEADS_MAX: Final = 50
_SUBJECT: Final = sql.CALLBACKS.rows.columns.index("subject_id")


class Line(Part):
    """The waiting places of one tenant."""

    __slots__ = ()

    def head(self, queue: QueueName, *, lanes: Sequence[int], calls_only: bool = False) -> Place | None:
        """Return the first place, or live call, of *queue* in these lanes. O(log n) for each lane."""
        session = self._session
        session.take_turn(LINE)
        session.refuse_if_undone()
        look = session.seen.look
        wanted = "{" + ",".join(map(str, lanes)) + "}"
        heads: list[Place] = []
        if look is None or look.has_calls is not False:
            heads.extend(session.records(sql.CALLS, sql.HEAD_CALL, queue, wanted))
        if not calls_only and (look is None or look.has_callbacks is not False):
            first = self._first_callback(queue, wanted)
            heads.extend([first] if first is not None else [])
        return min(heads, key=_position_of, default=None)

    def _first_callback(self, queue: QueueName, wanted: str) -> Callback | None:
        """
        Return the first callback of some lanes, with all that is looked at before it is started.

        As many are read at once as there are free agents; where none may be started, it is only looked who is first.
        """
        session = self._session
        if not session.may_start:
            return next(iter(session.records(sql.CALLBACKS, sql.HEAD_CALLBACK, queue, wanted)), None)
        heads = session.seen.heads(queue, wanted)
        if heads is None:
            limit = min(max(session.seen.free_count, 1), _HEADS_MAX)
            rows = session.all(sql.HEAD_CALLBACKS, queue, wanted, limit)
            for row in rows:
                session.rows_beside(sql.OF_HEAD, row)
                if row[-1] == 1:
                    session.seen.add_alone(row[_SUBJECT], row[1])
            found = [session.row(sql.CALLBACKS, row[1]) for row in rows]
            heads = Heads((one for one in found if one is not None), is_all=len(rows) < limit)
            session.seen.add_heads(queue, wanted, heads)
        return heads.first

    def count_ahead(self, queue: QueueName, *, rank: int, place_id: PlaceId) -> Ahead:
        """
        Count the places of *queue* before this one. O(log n + counted), up to `POSITION_EXACT_MAX` of each kind.

        Beyond, one place in 64 is counted and stands for all: O(log n + counted / 64) then. At 100,000 places that is
        off by some 3 %, however their ranks are spread.
        """
        calls, callbacks = self._session.numbers(sql.COUNT_AHEAD, queue, rank, place_id)
        is_exact = max(calls, callbacks) <= POSITION_EXACT_MAX
        if calls > POSITION_EXACT_MAX:
            calls = self._estimate(sql.ESTIMATE_CALLS, queue, rank, place_id)
        if callbacks > POSITION_EXACT_MAX:
            callbacks = self._estimate(sql.ESTIMATE_CALLBACKS, queue, rank, place_id)
        return Ahead(calls=calls, callbacks=callbacks, exact=is_exact)

    def _estimate(self, statement: str, queue: QueueName, rank: int, place_id: PlaceId) -> int:
        """Return the number of those that are counted, and about how many stand behind them."""
        return POSITION_EXACT_MAX + max(self._session.numbers(statement, queue, rank, place_id)[0], 1)

    def count_passed(
        self, queue: QueueName, *, lane: int, priority: int, rank: int, place_id: PlaceId
    ) -> Ahead:
        """Count the places of one lane and priority before this one. O(log n + places of the lane before it)."""
        calls, callbacks = self._session.numbers(sql.COUNT_PASSED, queue, lane, priority, rank, place_id)
        return Ahead(calls=calls, callbacks=callbacks)

    def places(
        self, queue: QueueName, *, after: tuple[int, PlaceId] | None = None, limit: int
    ) -> list[Place]:
        """Return places of *queue* in order, behind *after*. O(limit + log n)."""
        session = self._session
        if after is None:
            calls = session.records(sql.CALLS, sql.PAGE_CALLS, queue, limit)
            callbacks = session.records(sql.CALLBACKS, sql.PAGE_CALLBACKS, queue, limit)
        else:
            calls = session.records(sql.CALLS, sql.PAGE_CALLS_BEHIND, queue, limit, *after)
            callbacks = session.records(sql.CALLBACKS, sql.PAGE_CALLBACKS_BEHIND, queue, limit, *after)
        places: list[Place] = [*calls, *callbacks]
        return sorted(places, key=_position_of)[:limit]

    def waiting_count(self, queue: QueueName) -> int:
        """Count the places of *queue*. O(counted)."""
        return self._session.numbers(sql.WAITING_COUNT, queue)[0]

    def oldest(self, queue: QueueName) -> tuple[datetime | None, datetime | None]:
        """Return the earliest entry of the live calls, and of the callbacks, that wait in *queue*. O(log n)."""
        found = self._session.all(OLDEST, queue)
        return (found[0][0], found[0][1]) if found else (None, None)

    def is_empty(self) -> bool:
        """Whether no place waits in any queue. O(log n)."""
        session = self._session
        session.take_turn(LINE)
        look = session.seen.look
        if look is not None and look.has_callbacks is not None and look.has_calls is not None:
            session.refuse_if_undone()
            return not (look.has_callbacks or look.has_calls)
        return not session.numbers(sql.ANY_WAITING)[0]

"""
The line in PostgreSQL: the first place of some lanes, pages of the line, and how many stand before a place.

The rule: each question is one statement for each kind of place, however many lanes there are; and what would take
long where very many wait is bounded: there the first are counted, and the rest is estimated.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Final

from callbackq.ids import PlaceId, QueueName
from callbackq.model import POSITION_EXACT_MAX, Ahead, Place
from callbackq.stores import postgres_statements as sql
from callbackq.stores.postgres_session import LINE, Part

_position_of: Final = attrgetter("rank", "place_id")


class Line(Part):
    """The waiting places of one tenant."""

    __slots__ = ()

    def head(self, queue: QueueName, *, lanes: Sequence[int], calls_only: bool = False) -> Place | None:
        """Return the first place, or live call, of *queue* in these lanes. O(log n) for each lane."""
        session = self._session
        session.take_turn(LINE)
        wanted = "{" + ",".join(map(str, lanes)) + "}"
        heads: list[Place] = [*session.records(sql.CALLS, sql.HEAD_CALL, queue, wanted)]
        if not calls_only:
            heads.extend(session.records(sql.CALLBACKS, sql.HEAD_CALLBACK, queue, wanted))
        return min(heads, key=_position_of, default=None)

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

    def is_empty(self) -> bool:
        """Whether no place waits in any queue. O(log n)."""
        self._session.take_turn(LINE)
        return not self._session.numbers(sql.ANY_WAITING)[0]

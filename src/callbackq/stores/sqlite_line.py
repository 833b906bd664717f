"""
The line in SQLite: the first place of a lane, pages of the line, and how many stand before a place.

The rule: what is asked at every turn is answered by an index without reading a row that is not given out, and
what would take long where very many wait is bounded: there the first are counted and the rest is estimated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Final, cast

import attrs

from callbackq.ids import PlaceId, QueueName
from callbackq.model import POSITION_EXACT_MAX, Ahead, Place
from callbackq.stores import sqlite_statements as sql
from callbackq.stores.rows import CALL_ROWS, CALLBACK_ROWS, RecordRows, RecordT, decode_instant
from callbackq.stores.sqlite_session import Part, Row


@attrs.frozen
class _Kind:
    """One kind of place: its statements, and how its rows are read."""

    head: str
    page_among: str
    page_behind: str
    sample: str
    nth: str
    place_of: Callable[[Row], tuple[int, str]]
    decode: Callable[[Row], Place]


def _place_of(rows: RecordRows[RecordT]) -> Callable[[Row], tuple[int, str]]:
    return itemgetter(rows.columns.index("rank"), rows.columns.index("place_id"))


_CALLS: Final = _Kind(
    head=sql.HEAD_CALL,
    page_among=sql.PAGE_CALLS_AMONG,
    page_behind=sql.PAGE_CALLS_BEHIND,
    sample=sql.SAMPLE_CALLS,
    nth=sql.NTH_CALL,
    place_of=_place_of(CALL_ROWS),
    decode=CALL_ROWS.decode,
)
_CALLBACKS: Final = _Kind(
    head=sql.HEAD_CALLBACK,
    page_among=sql.PAGE_CALLBACKS_AMONG,
    page_behind=sql.PAGE_CALLBACKS_BEHIND,
    sample=sql.SAMPLE_CALLBACKS,
    nth=sql.NTH_CALLBACK,
    place_of=_place_of(CALLBACK_ROWS),
    decode=CALLBACK_ROWS.decode,
)


class Line(Part):
    """The waiting places of one tenant."""

    __slots__ = ()

    def head(self, queue: QueueName, *, lanes: Sequence[int], calls_only: bool = False) -> Place | None:
        """Return the first place, or live call, of *queue* in these lanes. O(log n) for each lane."""
        session = self._session
        first: tuple[tuple[int, str], _Kind, Row] | None = None
        for kind in (_CALLS,) if calls_only else (_CALLS, _CALLBACKS):
            for lane in lanes:
                row = session.one(kind.head, session.tenant_id, queue, lane)
                if row is not None and (first is None or kind.place_of(row) < first[0]):
                    first = (kind.place_of(row), kind, row)
        return None if first is None else first[1].decode(first[2])

    def count_ahead(self, queue: QueueName, *, rank: int, place_id: PlaceId) -> Ahead:
        """
        Count the places of *queue* before this one: O(log n + counted), exact up to 10,000 of each kind.

        Beyond, the first 10,000 are counted and the rest is estimated from a fixed sample of one place in 31,
        which costs O(log n + rest / 31). With n of the rest, the estimate is off by about 5.6 times its root.
        """
        of_queue = (self._session.tenant_id, queue)
        before = (*of_queue, rank, POSITION_EXACT_MAX + 1)
        among = (*of_queue, rank, place_id, POSITION_EXACT_MAX + 1)
        row = self._session.one(sql.COUNT_AHEAD, *before, *among, *before, *among)
        calls, callbacks = cast("tuple[int, int]", row)
        if calls <= POSITION_EXACT_MAX and callbacks <= POSITION_EXACT_MAX:
            return Ahead(calls=calls, callbacks=callbacks)
        spot = (rank, place_id)
        return Ahead(
            calls=self._estimated(_CALLS, queue, spot) if calls > POSITION_EXACT_MAX else calls,
            callbacks=self._estimated(_CALLBACKS, queue, spot)
            if callbacks > POSITION_EXACT_MAX
            else callbacks,
            exact=False,
        )

    def _estimated(self, kind: _Kind, queue: QueueName, spot: tuple[int, str]) -> int:
        """Estimate how many places of a kind stand before *spot*; more do than are counted exactly."""
        session = self._session
        of_queue = (session.tenant_id, queue)
        edge = session.one(kind.nth, *of_queue, POSITION_EXACT_MAX)
        assert edge is not None

        def sampled(rank: int, place_id: str) -> int:
            return session.number(kind.sample, *of_queue, rank, *of_queue, rank, place_id)

        behind_edge = sampled(*spot) - sampled(*edge)
        return max(POSITION_EXACT_MAX + 1, POSITION_EXACT_MAX + sql.SAMPLE_OF * behind_edge)

    def count_passed(
        self, queue: QueueName, *, lane: int, priority: int, rank: int, place_id: PlaceId
    ) -> Ahead:
        """Count the places of one lane and priority before this one. O(log n + places of the lane before it)."""
        of_queue, of_class = (self._session.tenant_id, queue), (lane, priority)
        before = (*of_queue, rank, *of_class)
        among = (*of_queue, rank, place_id, *of_class)
        row = self._session.one(sql.COUNT_PASSED, *before, *among, *before, *among)
        calls, callbacks = cast("tuple[int, int]", row)
        return Ahead(calls=calls, callbacks=callbacks)

    def places(
        self, queue: QueueName, *, after: tuple[int, PlaceId] | None = None, limit: int
    ) -> list[Place]:
        """Return places of *queue* in order, behind *after*. O(log n + limit)."""
        found: list[tuple[tuple[int, str], _Kind, Row]] = []
        for kind in (_CALLS, _CALLBACKS):
            found += ((kind.place_of(row), kind, row) for row in self._page(kind, queue, after, limit))
        found.sort(key=itemgetter(0))
        return [kind.decode(row) for _, kind, row in found[:limit]]

    def _page(
        self, kind: _Kind, queue: QueueName, after: tuple[int, PlaceId] | None, limit: int
    ) -> list[Row]:
        """Return rows of one kind: the rest of one rank, and then higher ranks if there is room."""
        session = self._session
        of_queue = (session.tenant_id, queue)
        if after is None:
            return session.all(kind.page_behind, *of_queue, sql.BEFORE_ALL_RANKS, limit)
        rows = session.all(kind.page_among, *of_queue, *after, limit)
        if len(rows) < limit:
            rows += session.all(kind.page_behind, *of_queue, after[0], limit - len(rows))
        return rows

    def waiting_count(self, queue: QueueName) -> int:
        """Count the places of *queue*. O(counted)."""
        tenant_id = self._session.tenant_id
        return self._session.number(sql.WAITING_COUNT, tenant_id, queue, tenant_id, queue)

    def oldest(self, queue: QueueName) -> tuple[datetime | None, datetime | None]:
        """Return the earliest entry of the live calls, and of the callbacks, that wait in *queue*. O(log n)."""
        of_queue = (self._session.tenant_id, queue)
        row = self._session.one(sql.OLDEST, *of_queue, *of_queue)
        calls_at, callbacks_at = cast("tuple[str | None, str | None]", row)
        return (
            None if calls_at is None else decode_instant(calls_at),
            None if callbacks_at is None else decode_instant(callbacks_at),
        )

    def is_empty(self) -> bool:
        """Whether no place waits in any queue. O(log n)."""
        tenant_id = self._session.tenant_id
        return not self._session.number(sql.ANY_WAITING, tenant_id, tenant_id)

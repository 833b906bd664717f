"""
What figures are counted from, in memory.

The rule: no index is kept for it. Each page looks at all rows of its kind, as reports are rare and rows here are few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from heapq import nsmallest
from typing import TYPE_CHECKING, Final, TypeVar

from callbackq.ids import CallbackId, QueueName
from callbackq.model import Attempt, Callback, LiveCall
from callbackq.model.figures import AttemptFacts, CallbackFacts, CallFacts
from callbackq.model.words import LegState
from callbackq.ports.figures import Behind

if TYPE_CHECKING:
    from callbackq.stores.memory import MemoryTransaction

_RowT = TypeVar("_RowT", Callback, LiveCall)

_NOT_DIALED: Final = frozenset({LegState.NONE, LegState.INTENDED})


class Facts:
    """The facts of stories, of one tenant."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: MemoryTransaction) -> None:
        self._transaction = transaction

    def queues(self) -> list[QueueName]:
        """Return the queues of which there is a live call or a callback, in order. O(n)."""
        rows = self._transaction.tenant.rows
        return sorted({row.queue for kind in (LiveCall, Callback) for row in rows[kind].values()})

    def count(self, queue: QueueName, *, from_at: datetime, until_at: datetime) -> int:
        """Count the live calls that entered in a stretch, and the callbacks that were asked for. O(n)."""
        rows = self._transaction.tenant.rows
        moments: Iterable[datetime] = (
            *(row.entered_at for row in rows[LiveCall].values() if row.queue == queue),
            *(row.requested_at for row in rows[Callback].values() if row.queue == queue),
        )
        return sum(from_at <= at < until_at for at in moments)

    def calls(
        self,
        queue: QueueName,
        *,
        from_at: datetime,
        until_at: datetime,
        after: Behind | None = None,
        limit: int,
    ) -> list[CallFacts]:
        """Return the facts of live calls that entered in a stretch, in order. O(n)."""
        rows: Iterable[LiveCall] = self._transaction.tenant.rows[LiveCall].values()
        in_queue = (row for row in rows if row.queue == queue)
        page = _page(in_queue, _entered, from_at, until_at, after, limit)
        return [_call(row) for row in page]

    def callbacks(
        self,
        queue: QueueName,
        *,
        from_at: datetime,
        until_at: datetime,
        after: Behind | None = None,
        limit: int,
    ) -> list[CallbackFacts]:
        """Return the facts of callbacks that were asked for in a stretch, in order. O(n)."""
        tenant = self._transaction.tenant
        rows: Iterable[Callback] = tenant.rows[Callback].values()
        in_queue = (row for row in rows if row.queue == queue)
        page = _page(in_queue, _requested, from_at, until_at, after, limit)
        of: dict[CallbackId, list[Attempt]] = {row.callback_id: [] for row in page}
        attempts: Iterable[Attempt] = tenant.rows[Attempt].values() if page else ()
        for attempt in attempts:
            if attempt.callback_id in of:
                of[attempt.callback_id].append(attempt)
        return [_callback(row, of[row.callback_id]) for row in page]


def _entered(call: LiveCall) -> Behind:
    return call.entered_at, call.call_id


def _requested(callback: Callback) -> Behind:
    return callback.requested_at, callback.callback_id


def _page(
    rows: Iterable[_RowT],
    where: Callable[[_RowT], Behind],
    from_at: datetime,
    until_at: datetime,
    after: Behind | None,
    limit: int,
) -> Sequence[_RowT]:
    begin = (from_at, "") if after is None else after
    return nsmallest(limit, (row for row in rows if begin < where(row) < (until_at, "")), key=where)


def _call(row: LiveCall) -> CallFacts:
    return CallFacts(
        call_id=row.call_id,
        queue=row.queue,
        entered_at=row.entered_at,
        offers_count=row.offers_count,
        declines_count=row.declines_count,
        taken_at=row.taken_at,
        outcome=row.outcome,
        ended_at=row.ended_at,
        callback_id=row.callback_id,
        returns_for_id=row.returns_for_id,
        overtook_calls_count=row.overtook_calls_count,
        overtook_callbacks_count=row.overtook_callbacks_count,
    )


def _callback(row: Callback, attempts: Iterable[Attempt]) -> CallbackFacts:
    in_order = sorted(attempts, key=lambda attempt: (attempt.started_at, attempt.attempt_id))
    return CallbackFacts(
        callback_id=row.callback_id,
        queue=row.queue,
        channel=row.channel,
        mode=row.mode,
        call_id=row.call_id,
        entered_at=row.entered_at,
        requested_at=row.requested_at,
        scheduled_at=row.scheduled_at,
        is_booked=row.booking_id is not None,
        follows_id=row.follows_id,
        quoted_wait_s=row.quoted_wait_s,
        quoted_wait_low_s=row.quoted_wait_low_s,
        quoted_wait_high_s=row.quoted_wait_high_s,
        quoted_by=row.quoted_by,
        outcome=row.outcome,
        last_disposition=row.last_disposition,
        ended_at=row.ended_at,
        score=row.score,
        resolved=row.resolved,
        overtook_calls_count=row.overtook_calls_count,
        overtook_callbacks_count=row.overtook_callbacks_count,
        attempts=tuple(_attempt(attempt) for attempt in in_order),
    )


def _attempt(row: Attempt) -> AttemptFacts:
    return AttemptFacts(
        attempt_id=row.attempt_id,
        started_at=row.started_at,
        is_announcement=row.announces is not None,
        customer_dialed=row.customer_leg not in _NOT_DIALED,
        customer_rang=row.customer_rang,
        customer_answered_at=row.customer_answered_at,
        connected_at=row.connected_at,
        ended_at=row.ended_at,
        disposition=row.disposition,
    )

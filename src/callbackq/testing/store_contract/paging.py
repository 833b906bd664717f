"""Lists: the callbacks of a queue as they were asked for, and all records of a kind, page by page."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callbackq.ids import QueueName
from callbackq.model import (
    Attempt,
    Booking,
    Callback,
    CallbackState,
    LiveCall,
    Message,
)
from callbackq.ports import Store, Transaction
from callbackq.testing.builders import (
    QUEUE,
    make_attempt,
    make_booking,
    make_call,
    make_callback,
    make_message,
    next_version,
)
from callbackq.testing.clock import START
from callbackq.testing.store_contract.base import (
    EXAMPLES,
    OTHER_TENANT,
    ContractBase,
    ask,
    fresh_tenant,
    put,
)

SALES: Final = QueueName("sales")
SECOND: Final = timedelta(seconds=1)
ALWAYS: Final = datetime(1, 1, 1, tzinfo=UTC)
NEVER: Final = datetime(9999, 12, 31, tzinfo=UTC)
FEW: Final = settings(EXAMPLES, max_examples=8)

_KINDS: Final[tuple[tuple[type[Any], Callable[..., Any], str, str], ...]] = (
    (Callback, make_callback, "requested_at", "callback_id"),
    (LiveCall, make_call, "entered_at", "call_id"),
    (Attempt, make_attempt, "started_at", "attempt_id"),
    (Booking, make_booking, "held_at", "booking_id"),
    (Message, make_message, "created_at", "message_id"),
)
each_kind = pytest.mark.parametrize(
    ("kind", "make", "moment", "key"), _KINDS, ids=[kind.__name__ for kind, *_ in _KINDS]
)


def _ids(
    tx: Transaction,
    queue: QueueName = QUEUE,
    *,
    from_at: datetime = ALWAYS,
    before: tuple[datetime, str] = (NEVER, ""),
    states: Collection[CallbackState] | None = None,
    limit: int = 9,
) -> list[str]:
    found = tx.callbacks.requested(queue, from_at=from_at, before=before, states=states, limit=limit)
    return [one.callback_id for one in found]


class PagingContract(ContractBase):
    """Whoever turns the pages meets everything once."""

    def test_callbacks_come_as_they_were_asked_for_the_latest_first(self, store: Store) -> None:
        """Ended or not, of one queue, the higher id first of two that came at once."""
        put(
            store,
            make_callback("cb_1", requested_at=START + SECOND),
            make_callback("cb_2", requested_at=START, state=CallbackState.ENDED),
            make_callback("cb_3", requested_at=START + SECOND),
            make_callback("cb_4", requested_at=START, queue=SALES),
        )
        assert ask(store, _ids) == ["cb_3", "cb_1", "cb_2"]
        assert ask(store, lambda tx: _ids(tx, SALES)) == ["cb_4"]
        assert ask(store, lambda tx: _ids(tx, QueueName("none"))) == []
        assert ask(store, lambda tx: _ids(tx, limit=0)) == []

    def test_a_stretch_of_time_has_its_first_moment_and_not_its_last(self, store: Store) -> None:
        """From is in it, and until is not, for no id comes before the empty one."""
        put(store, *(make_callback(f"cb_{n}", requested_at=START + n * SECOND) for n in range(4)))
        found = ask(store, lambda tx: _ids(tx, from_at=START + SECOND, before=(START + 3 * SECOND, "")))
        assert found == ["cb_2", "cb_1"]

    def test_a_callback_is_listed_as_it_is_now(self, store: Store) -> None:
        """In its present state and queue."""
        callback = make_callback("cb_1")
        held = [CallbackState.HELD]
        put(store, callback)
        for changes, here, there in (
            ({"state": CallbackState.HELD}, ["cb_1"], []),
            ({"queue": SALES}, [], ["cb_1"]),
            ({"state": CallbackState.ENDED}, [], []),
        ):
            callback = next_version(callback, **changes)
            put(store, callback)
            assert ask(store, lambda tx: _ids(tx, states=held)) == here
            assert ask(store, lambda tx: _ids(tx, SALES, states=held)) == there
        assert ask(store, lambda tx: _ids(tx, SALES, states=[CallbackState.ENDED])) == ["cb_1"]

    @FEW
    @given(
        drawn=st.lists(
            st.tuples(st.integers(0, 3), st.sampled_from(CallbackState), st.booleans()), max_size=12
        ),
        states=st.none() | st.sets(st.sampled_from(CallbackState)),
        limit=st.integers(1, 5),
    )
    def test_the_pages_of_a_queue_are_a_plain_sort(
        self,
        store: Store,
        drawn: list[tuple[int, CallbackState, bool]],
        states: set[CallbackState] | None,
        limit: int,
    ) -> None:
        """Each page begins behind the last callback of the one before."""
        tenant_id = fresh_tenant()
        rows = [
            make_callback(
                f"cb_{n:02}",
                tenant_id=tenant_id,
                requested_at=START + second * SECOND,
                state=state,
                queue=QUEUE if is_mine else SALES,
            )
            for n, (second, state, is_mine) in enumerate(drawn)
        ]
        put(store, *rows, tenant_id=tenant_id)
        wanted = [one for one in rows if one.queue == QUEUE and (states is None or one.state in states)]
        found: list[Callback] = []
        before = (NEVER, "")

        def page(tx: Transaction) -> list[Callback]:
            return tx.callbacks.requested(QUEUE, from_at=ALWAYS, before=before, states=states, limit=limit)

        while some := ask(store, page, tenant_id=tenant_id):
            found += some
            before = (some[-1].requested_at, some[-1].callback_id)
        assert found == sorted(wanted, key=lambda one: (one.requested_at, one.callback_id), reverse=True)

    def test_the_queues_of_callbacks_are_those_that_ever_had_one(self, store: Store) -> None:
        """Open or ended; a live call makes none, and neither does another tenant's."""
        assert ask(store, lambda tx: tx.queues.with_callbacks()) == []
        put(
            store,
            make_callback("cb_1", queue=SALES, state=CallbackState.ENDED),
            make_callback("cb_2", queue=QUEUE),
            make_callback("cb_3", queue=QueueName("sales2")),
            make_call("call_1", queue=QueueName("calls")),
        )
        put(
            store,
            make_callback("cb_1", tenant_id=OTHER_TENANT, queue=QueueName("theirs")),
            tenant_id=OTHER_TENANT,
        )
        assert ask(store, lambda tx: tx.queues.with_callbacks()) == sorted([QUEUE, SALES, "sales2"])

    @each_kind
    def test_pages_of_a_kind_come_by_id(
        self, store: Store, kind: type[Any], make: Callable[..., Any], moment: str, key: str
    ) -> None:
        """The next page begins behind the last id of the one before; the one behind the last is empty."""
        rows = {row_id: make(row_id, **{moment: START}) for row_id in ("x_2", "x_10", "x_1")}
        put(store, *rows.values())
        put(store, make("x_0", tenant_id=OTHER_TENANT), tenant_id=OTHER_TENANT)
        first = ask(store, lambda tx: tx.page(kind, limit=2))
        assert first == [rows["x_1"], rows["x_10"]]
        second = ask(store, lambda tx: tx.page(kind, after=getattr(first[-1], key), limit=2))
        assert second == [rows["x_2"]]
        assert ask(store, lambda tx: tx.page(kind, after="x_2", limit=2)) == []

    @each_kind
    def test_pages_leave_out_what_is_older(
        self, store: Store, kind: type[Any], make: Callable[..., Any], moment: str, key: str
    ) -> None:
        """By the moment from which a record counts; at that moment it is in."""
        put(store, *(make(f"x_{n}", **{moment: START + n % 3 * SECOND}) for n in range(6)))
        found = ask(store, lambda tx: tx.page(kind, since=START + SECOND, limit=3))
        assert [getattr(one, key) for one in found] == ["x_1", "x_2", "x_4"]
        assert ask(store, lambda tx: tx.page(kind, since=START + 3 * SECOND, limit=3)) == []

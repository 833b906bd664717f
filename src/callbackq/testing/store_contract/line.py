"""The line: live calls and callbacks in one order, by rank and then by place id, over lanes of skills."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.ids import PlaceId, QueueName
from callbackq.model import POSITION_EXACT_MAX, Ahead, CallbackState, CallState, LiveCall, Place
from callbackq.ports import Commit, Store, Transaction
from callbackq.testing.builders import QUEUE, make_call, make_callback, next_version
from callbackq.testing.store_contract.base import (
    EXAMPLES,
    TENANT,
    ContractBase,
    ask,
    fresh_tenant,
    put,
)

SALES: Final = QueueName("sales")


@attrs.frozen(kw_only=True)
class _Drawn:
    """A place that a property has drawn."""

    place_id: str
    rank: int
    lane: int
    priority: int
    is_call: bool
    waits: bool

    @property
    def spot(self) -> tuple[int, str]:
        return self.rank, self.place_id


def _ahead(places: Iterable[_Drawn]) -> Ahead:
    """Count places by kind."""
    kinds = Counter(place.is_call for place in places)
    return Ahead(calls=kinds[True], callbacks=kinds[False])


_PLACES: Final = st.lists(
    st.builds(
        _Drawn,
        place_id=st.text("ab9_", min_size=1, max_size=4),
        rank=st.sampled_from([0, 0, 1, 1, 4]) | st.integers(-(2**53) + 1, 2**53 - 1),
        lane=st.sampled_from([0, 0, 1, 2]),
        priority=st.integers(0, 1),
        is_call=st.booleans(),
        waits=st.sampled_from([True, True, True, False]),
    ),
    max_size=25,
    unique_by=lambda place: place.place_id,
)


def _place(drawn: _Drawn, tenant_id: str) -> Place:
    fields: dict[str, Any] = {
        "tenant_id": tenant_id,
        "place_id": PlaceId(drawn.place_id),
        "rank": drawn.rank,
        "lane": drawn.lane,
        "priority": drawn.priority,
    }
    if drawn.is_call:
        fields["state"] = CallState.WAITING if drawn.waits else CallState.TAKEN
        return make_call(f"call_{drawn.place_id}", **fields)
    fields["state"] = CallbackState.WAITING if drawn.waits else CallbackState.HELD
    return make_callback(f"cb_{drawn.place_id}", **fields)


def _end(tx: Transaction, place: Place) -> None:
    """Take a place out of the line for good."""
    if isinstance(place, LiveCall):
        tx.save(next_version(place, state=CallState.ENDED))
    else:
        tx.save(next_version(place, state=CallbackState.ENDED))


def _head(tx: Transaction, *lanes: int, queue: QueueName = QUEUE) -> str | None:
    """Return the place id of the first in these lanes; lane 0 unless told."""
    place = tx.line.head(queue, lanes=lanes or (0,))
    return None if place is None else place.place_id


def _counted(store: Store, *, rank: int, place_id: str) -> Ahead:
    return ask(store, lambda tx: tx.line.count_ahead(QUEUE, rank=rank, place_id=PlaceId(place_id)))


class LineContract(ContractBase):
    """Places stand in one order, and are counted in it."""

    @EXAMPLES
    @given(drawn=_PLACES, lanes=st.sets(st.integers(0, 3)), probe=st.integers(-1, 5))
    def test_the_line_is_a_plain_sort(
        self, store: Store, drawn: list[_Drawn], lanes: set[int], probe: int
    ) -> None:
        """Heads, counts and the order of service equal those of a naive sort, whatever stands in line."""
        tenant_id = fresh_tenant()
        places = [_place(each, tenant_id) for each in drawn]
        put(store, *places, tenant_id=tenant_id)
        waiting = [each for each in drawn if each.waits]
        served = sorted(each.spot for each in waiting if each.lane in lanes)
        calls = sorted(each.spot for each in waiting if each.lane in lanes and each.is_call)
        with store.transaction(tenant_id, commit=Commit.RELAXED) as tx:
            assert tx.line.waiting_count(QUEUE) == len(waiting)
            assert tx.line.is_empty() is (not waiting)
            for rank, place_id in [*(each.spot for each in waiting), (probe, "a9")]:
                ahead = tx.line.count_ahead(QUEUE, rank=rank, place_id=PlaceId(place_id))
                assert ahead == _ahead(each for each in waiting if each.spot < (rank, place_id))
            taken: list[tuple[int, str]] = []
            while (place := tx.line.head(QUEUE, lanes=sorted(lanes))) is not None:
                call = tx.line.head(QUEUE, lanes=sorted(lanes), calls_only=True)
                assert (None if call is None else (call.rank, call.place_id)) == (calls[0] if calls else None)
                assert place in places
                taken.append((place.rank, place.place_id))
                if place == call:
                    del calls[0]
                _end(tx, place)
            assert taken == served
            assert tx.line.waiting_count(QUEUE) == len(waiting) - len(served)

    @EXAMPLES
    @given(drawn=_PLACES, lane=st.integers(0, 3), priority=st.integers(0, 2), probe=st.integers(-1, 5))
    def test_who_is_passed_is_a_plain_filter(
        self, store: Store, drawn: list[_Drawn], lane: int, priority: int, probe: int
    ) -> None:
        """Those of one lane and one priority that stand before a place, by kind, and exactly."""
        tenant_id = fresh_tenant()
        put(store, *(_place(each, tenant_id) for each in drawn), tenant_id=tenant_id)
        peers = [each for each in drawn if each.waits and (each.lane, each.priority) == (lane, priority)]
        with store.transaction(tenant_id, commit=Commit.READ_ONLY) as tx:
            for spot in [*(each.spot for each in drawn), (probe, "a9")]:
                rank, place_id = spot[0], PlaceId(spot[1])
                passed = tx.line.count_passed(
                    QUEUE, lane=lane, priority=priority, rank=rank, place_id=place_id
                )
                assert passed == _ahead(each for each in peers if each.spot < spot)

    @EXAMPLES
    @given(drawn=_PLACES, limit=st.integers(1, 5), probe=st.integers(-1, 5))
    def test_pages_of_the_line_are_a_plain_sort(
        self, store: Store, drawn: list[_Drawn], limit: int, probe: int
    ) -> None:
        """Page by page the whole line comes in order, over all lanes, and from any place on."""
        tenant_id = fresh_tenant()
        places = [_place(each, tenant_id) for each in drawn]
        put(store, *places, tenant_id=tenant_id)
        order = sorted(
            (place for place, each in zip(places, drawn, strict=True) if each.waits),
            key=lambda place: (place.rank, place.place_id),
        )
        with store.transaction(tenant_id, commit=Commit.READ_ONLY) as tx:
            found = page = tx.line.places(QUEUE, limit=limit)
            while page:
                assert len(page) <= limit
                page = tx.line.places(QUEUE, after=(page[-1].rank, page[-1].place_id), limit=limit)
                found = found + page
            assert found == order
            after = (probe, PlaceId("a9"))
            behind = [place for place in order if (place.rank, place.place_id) > after]
            assert tx.line.places(QUEUE, after=after, limit=limit) == behind[:limit]

    def test_the_lowest_rank_is_first(self, store: Store) -> None:
        """Order follows the rank, not the time of writing."""
        put(
            store, make_callback("cb_1", rank=7), make_callback("cb_2", rank=3), make_callback("cb_3", rank=5)
        )
        assert ask(store, _head) == "cb_2"

    def test_equal_ranks_go_by_place_id(self, store: Store) -> None:
        """Ties are broken by the id under which the place was first taken."""
        put(
            store,
            make_callback("cb_1", rank=1, place_id=PlaceId("p_3")),
            make_call("call_1", rank=1, place_id=PlaceId("p_1")),
            make_callback("cb_2", rank=1, place_id=PlaceId("p_2")),
        )
        assert ask(store, _head) == "p_1"
        assert _counted(store, rank=1, place_id="p_3") == Ahead(calls=1, callbacks=1)

    def test_live_calls_and_callbacks_stand_in_one_line(self, store: Store) -> None:
        """The head is of either class."""
        call, callback = make_call("call_1", rank=1), make_callback("cb_1", rank=2)
        put(store, call, callback)
        assert ask(store, lambda tx: tx.line.head(QUEUE, lanes=(0,))) == call
        put(store, next_version(call, state=CallState.TAKEN))
        assert ask(store, lambda tx: tx.line.head(QUEUE, lanes=(0,))) == callback

    def test_a_converted_call_hands_its_place_to_the_callback(self, store: Store) -> None:
        """In one transaction the call leaves and the callback stands in the very same place."""
        call = make_call("call_1", rank=2, place_id=PlaceId("p_1"))
        put(store, make_call("call_0", rank=1), call, make_call("call_2", rank=3))
        with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
            tx.save(next_version(call, state=CallState.ENDED))
            tx.save(make_callback("cb_1", rank=2, place_id=PlaceId("p_1")))
        assert _counted(store, rank=2, place_id="p_1") == Ahead(calls=1)
        assert ask(store, lambda tx: tx.line.waiting_count(QUEUE)) == 3

    def test_an_empty_queue_has_no_head(self, store: Store) -> None:
        """Nobody waits, in a queue that was never named either."""
        assert ask(store, _head) is None
        assert ask(store, lambda tx: tx.line.waiting_count(QUEUE)) == 0
        assert ask(store, lambda tx: tx.line.places(QUEUE, limit=9)) == []
        assert _counted(store, rank=1, place_id="p") == Ahead()
        passed = ask(
            store,
            lambda tx: tx.line.count_passed(QUEUE, lane=0, priority=100, rank=1, place_id=PlaceId("p")),
        )
        assert passed == Ahead()

    def test_without_lanes_there_is_no_head(self, store: Store) -> None:
        """An agent who can serve no lane is given nobody."""
        put(store, make_callback("cb_1"))
        assert ask(store, lambda tx: tx.line.head(QUEUE, lanes=())) is None
        assert ask(store, lambda tx: tx.line.head(QUEUE, lanes=(), calls_only=True)) is None

    def test_the_head_is_the_first_of_the_lanes_asked_for(self, store: Store) -> None:
        """Places of other lanes are passed over; the order of the lanes does not matter."""
        ranks = {0: 30, 1: 10, 2: 20}
        put(store, *(make_callback(f"cb_{lane}", lane=lane, rank=rank) for lane, rank in ranks.items()))
        assert ask(store, lambda tx: _head(tx, 0)) == "cb_0"
        assert ask(store, lambda tx: _head(tx, 0, 2)) == "cb_2"
        assert ask(store, lambda tx: _head(tx, 2, 1, 0)) == "cb_1"
        assert ask(store, lambda tx: _head(tx, 3)) is None

    def test_position_counts_over_all_lanes(self, store: Store) -> None:
        """A place of another lane stands ahead like any other."""
        put(store, *(make_callback(f"cb_{lane}", lane=lane, rank=lane) for lane in range(4)))
        assert _counted(store, rank=3, place_id="cb_3") == Ahead(callbacks=3)

    def test_callbacks_may_be_passed_over_for_a_live_call(self, store: Store) -> None:
        """Where the head of the live calls is asked for, callbacks before it do not stand in its way."""
        put(
            store,
            make_callback("cb_1", rank=1),
            make_call("call_1", rank=3),
            make_call("call_2", rank=2, lane=1),
        )
        assert ask(store, lambda tx: tx.line.head(QUEUE, lanes=(0,), calls_only=True)) == make_call(
            "call_1", rank=3
        )
        first = ask(store, lambda tx: tx.line.head(QUEUE, lanes=(0, 1), calls_only=True))
        assert first == make_call("call_2", rank=2, lane=1)
        assert ask(store, lambda tx: tx.line.head(QUEUE, lanes=(2,), calls_only=True)) is None

    def test_whom_it_passes_are_those_of_its_lane_and_priority(self, store: Store) -> None:
        """Others before it may need other skills, or have another priority."""
        peers: list[Place] = [
            make_call("call_1", rank=1, lane=1, priority=5),
            make_callback("cb_10", rank=2, lane=1, priority=5),
            make_callback("cb_11", rank=2, lane=1, priority=5),
        ]
        others: list[Place] = [
            make_call("call_2", rank=1, lane=2, priority=5),
            make_callback("cb_1", rank=1, lane=1, priority=6),
            make_callback("cb_2", rank=1, lane=1, priority=5, queue=SALES),
            make_callback("cb_3", rank=1, lane=1, priority=5, state=CallbackState.HELD),
            make_callback("cb_5", rank=2, lane=1, priority=5),
        ]
        put(store, *peers, *others)
        passed = ask(
            store,
            lambda tx: tx.line.count_passed(QUEUE, lane=1, priority=5, rank=2, place_id=PlaceId("cb_4")),
        )
        assert passed == Ahead(calls=1, callbacks=2)

    def test_pages_go_over_lanes_and_equal_ranks(self, store: Store) -> None:
        """A page may end between two places of one rank, in two lanes, of two kinds."""
        ids = ["p_1", "p_2", "p_3", "p_4"]
        put(
            store,
            make_call("call_1", rank=1, place_id=PlaceId("p_3"), lane=1),
            make_callback("cb_1", rank=1, place_id=PlaceId("p_2")),
            make_callback("cb_2", rank=2, place_id=PlaceId("p_4"), lane=1),
            make_callback("cb_3", rank=1, place_id=PlaceId("p_1"), lane=2),
            make_callback("cb_4", rank=1, place_id=PlaceId("p_0"), queue=SALES),
        )
        with store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
            assert [place.place_id for place in tx.line.places(QUEUE, limit=2)] == ids[:2]
            rest = tx.line.places(QUEUE, after=(1, PlaceId("p_2")), limit=9)
            assert [place.place_id for place in rest] == ids[2:]
            assert tx.line.places(QUEUE, after=(2, PlaceId("p_4")), limit=9) == []

    def test_far_back_a_position_may_be_an_estimate(self, store: Store) -> None:
        """
        Up to the bound it is exact. Beyond, it is exact or marked, above the bound, and off by a fifth at most.

        The one test that needs many rows.
        """
        count = POSITION_EXACT_MAX + 2_000
        put(store, *(make_callback(f"cb_{number:05}", rank=number) for number in range(count)))
        put(store, *(make_call(f"call_{number}", rank=number) for number in range(3)))
        assert _counted(store, rank=0, place_id="a") == Ahead()
        near = _counted(store, rank=POSITION_EXACT_MAX - 3, place_id="cb_")
        assert near == Ahead(calls=3, callbacks=POSITION_EXACT_MAX - 3)
        far = _counted(store, rank=count, place_id="cb_")
        if far.exact:
            assert far == Ahead(calls=3, callbacks=count)
        assert far.count >= POSITION_EXACT_MAX
        assert abs(far.count - count) <= 0.2 * count

    def test_position_of_a_place_that_is_not_in_line(self, store: Store) -> None:
        """The question may be asked for a place that is still to be taken."""
        put(store, make_callback("cb_1", rank=1), make_callback("cb_2", rank=5))
        assert _counted(store, rank=3, place_id="new") == Ahead(callbacks=1)

    def test_queues_are_lines_of_their_own(self, store: Store) -> None:
        """No queue counts or serves another's places."""
        put(store, make_callback("cb_1", rank=1), make_callback("cb_2", rank=2, queue=SALES))
        assert ask(store, lambda tx: _head(tx, queue=SALES)) == "cb_2"
        assert ask(store, lambda tx: tx.line.count_ahead(SALES, rank=2, place_id=PlaceId("cb_2"))) == Ahead()
        assert ask(store, lambda tx: [tx.line.waiting_count(queue) for queue in (QUEUE, SALES)]) == [1, 1]
        assert [place.place_id for place in ask(store, lambda tx: tx.line.places(SALES, limit=9))] == ["cb_2"]

    @pytest.mark.parametrize(
        "state", [state for state in CallbackState if state is not CallbackState.WAITING]
    )
    def test_only_waiting_callbacks_stand_in_line(self, store: Store, state: CallbackState) -> None:
        """A callback in any other state is neither head nor counted."""
        put(store, make_callback("cb_1", state=state))
        assert ask(store, _head) is None
        assert ask(store, lambda tx: tx.line.waiting_count(QUEUE)) == 0
        assert ask(store, lambda tx: tx.line.places(QUEUE, limit=9)) == []
        assert ask(store, lambda tx: tx.line.is_empty())

    @pytest.mark.parametrize("state", [state for state in CallState if state is not CallState.WAITING])
    def test_only_waiting_calls_stand_in_line(self, store: Store, state: CallState) -> None:
        """A live call in any other state is neither head nor counted."""
        put(store, make_call("call_1", state=state))
        assert ask(store, _head) is None
        assert ask(store, lambda tx: tx.line.waiting_count(QUEUE)) == 0
        assert ask(store, lambda tx: tx.line.places(QUEUE, limit=9)) == []
        assert ask(store, lambda tx: tx.line.is_empty())

    def test_a_place_that_comes_back_stands_where_it_stood(self, store: Store) -> None:
        """Leaving WAITING and coming back does not cost the place."""
        first = make_callback("cb_1", rank=1)
        held = next_version(first, state=CallbackState.HELD)
        put(store, first, make_callback("cb_2", rank=2), held)
        assert ask(store, _head) == "cb_2"
        put(store, next_version(held, state=CallbackState.WAITING))
        assert ask(store, _head) == "cb_1"

    def test_a_new_rank_lane_or_queue_moves_the_place(self, store: Store) -> None:
        """The place is found where its newest version puts it, and nowhere else."""
        place = make_callback("cb_1", rank=1)
        put(store, place, make_callback("cb_2", rank=2))
        place = next_version(place, rank=3)
        put(store, place)
        assert ask(store, _head) == "cb_2"
        place = next_version(place, lane=1)
        put(store, place)
        assert ask(store, lambda tx: _head(tx, 1)) == "cb_1"
        put(store, next_version(place, queue=SALES))
        assert ask(store, lambda tx: _head(tx, 1)) is None
        assert ask(store, lambda tx: _head(tx, 1, queue=SALES)) == "cb_1"
        assert ask(store, lambda tx: tx.line.waiting_count(QUEUE)) == 1

    def test_the_line_is_empty_when_nobody_waits_anywhere(self, store: Store) -> None:
        """One place in any queue, of either class, is enough to be looked at."""
        assert ask(store, lambda tx: tx.line.is_empty())
        callback, call = make_callback("cb_1", queue=SALES), make_call("call_1")
        put(store, callback)
        assert not ask(store, lambda tx: tx.line.is_empty())
        put(store, next_version(callback, state=CallbackState.ENDED), call)
        assert not ask(store, lambda tx: tx.line.is_empty())
        put(store, next_version(call, state=CallState.ENDED))
        assert ask(store, lambda tx: tx.line.is_empty())

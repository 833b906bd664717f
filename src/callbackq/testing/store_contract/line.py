"""The line: live calls and callbacks in one order, by rank and then by place id, over lanes of skills."""

from __future__ import annotations

from typing import Any, Final

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.ids import PlaceId, QueueName
from callbackq.model import CallbackState, CallState, LiveCall, Place
from callbackq.ports import Commit, Store, Transaction
from callbackq.testing.builders import QUEUE, make_call, make_callback, next_version
from callbackq.testing.store_contract.base import (
    EXAMPLES,
    TENANT,
    ContractBase,
    PlannedError,
    ask,
    fail_after,
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
    is_call: bool
    waits: bool


_PLACES: Final = st.lists(
    st.builds(
        _Drawn,
        place_id=st.text("ab9_", min_size=1, max_size=4),
        rank=st.integers(0, 4) | st.integers(-(2**53) + 1, 2**53 - 1),
        lane=st.integers(0, 2),
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
        order = sorted((each.rank, each.place_id) for each in drawn if each.waits)
        served = sorted((each.rank, each.place_id) for each in drawn if each.waits and each.lane in lanes)
        with store.transaction(tenant_id, commit=Commit.RELAXED) as tx:
            assert tx.line.waiting_count(QUEUE) == len(order)
            assert tx.line.is_empty() is (not order)
            for rank, place_id in [*order, (probe, "a9")]:
                ahead = tx.line.count_ahead(QUEUE, rank=rank, place_id=PlaceId(place_id))
                assert ahead == sum(other < (rank, place_id) for other in order)
            taken: list[tuple[int, str]] = []
            while (place := tx.line.head(QUEUE, lanes=sorted(lanes))) is not None:
                assert place in places
                taken.append((place.rank, place.place_id))
                _end(tx, place)
            assert taken == served
            assert tx.line.waiting_count(QUEUE) == len(order) - len(served)

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
        assert ask(store, lambda tx: tx.line.count_ahead(QUEUE, rank=1, place_id=PlaceId("p_3"))) == 2

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
        assert ask(store, lambda tx: tx.line.count_ahead(QUEUE, rank=2, place_id=PlaceId("p_1"))) == 1
        assert ask(store, lambda tx: tx.line.waiting_count(QUEUE)) == 3

    def test_an_empty_queue_has_no_head(self, store: Store) -> None:
        """Nobody waits, in a queue that was never named either."""
        assert ask(store, _head) is None
        assert ask(store, lambda tx: tx.line.waiting_count(QUEUE)) == 0
        assert ask(store, lambda tx: tx.line.count_ahead(QUEUE, rank=1, place_id=PlaceId("p"))) == 0

    def test_without_lanes_there_is_no_head(self, store: Store) -> None:
        """An agent who can serve no lane is given nobody."""
        put(store, make_callback("cb_1"))
        assert ask(store, lambda tx: tx.line.head(QUEUE, lanes=())) is None

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
        assert ask(store, lambda tx: tx.line.count_ahead(QUEUE, rank=3, place_id=PlaceId("cb_3"))) == 3

    def test_position_of_a_place_that_is_not_in_line(self, store: Store) -> None:
        """The question may be asked for a place that is still to be taken."""
        put(store, make_callback("cb_1", rank=1), make_callback("cb_2", rank=5))
        assert ask(store, lambda tx: tx.line.count_ahead(QUEUE, rank=3, place_id=PlaceId("new"))) == 1

    def test_queues_are_lines_of_their_own(self, store: Store) -> None:
        """No queue counts or serves another's places."""
        put(store, make_callback("cb_1", rank=1), make_callback("cb_2", rank=2, queue=SALES))
        assert ask(store, lambda tx: _head(tx, queue=SALES)) == "cb_2"
        assert ask(store, lambda tx: tx.line.count_ahead(SALES, rank=2, place_id=PlaceId("cb_2"))) == 0
        assert ask(store, lambda tx: [tx.line.waiting_count(queue) for queue in (QUEUE, SALES)]) == [1, 1]

    @pytest.mark.parametrize(
        "state", [state for state in CallbackState if state is not CallbackState.WAITING]
    )
    def test_only_waiting_callbacks_stand_in_line(self, store: Store, state: CallbackState) -> None:
        """A callback in any other state is neither head nor counted."""
        put(store, make_callback("cb_1", state=state))
        assert ask(store, _head) is None
        assert ask(store, lambda tx: tx.line.waiting_count(QUEUE)) == 0
        assert ask(store, lambda tx: tx.line.is_empty())

    @pytest.mark.parametrize("state", [state for state in CallState if state is not CallState.WAITING])
    def test_only_waiting_calls_stand_in_line(self, store: Store, state: CallState) -> None:
        """A live call in any other state is neither head nor counted."""
        put(store, make_call("call_1", state=state))
        assert ask(store, _head) is None
        assert ask(store, lambda tx: tx.line.waiting_count(QUEUE)) == 0
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


class LaneContract(ContractBase):
    """Sets of skills are small numbers."""

    def test_no_skill_is_lane_0(self, store: Store) -> None:
        """Lane 0 is there before anything is written, and everybody serves it."""
        assert ask(store, lambda tx: tx.lanes.intern(())) == 0
        assert ask(store, lambda tx: tx.lanes.served_by(())) == (0,)
        assert ask(store, lambda tx: tx.lanes.served_by(("fr",))) == (0,)

    def test_a_set_of_skills_has_one_number(self, store: Store) -> None:
        """Order and repetition do not matter, nor does the transaction."""
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            lane = tx.lanes.intern(("fr", "vip"))
            assert tx.lanes.intern(("vip", "fr", "fr")) == lane
        assert lane > 0
        assert ask(store, lambda tx: tx.lanes.intern(("vip", "fr"))) == lane

    def test_different_sets_have_different_numbers(self, store: Store) -> None:
        """No two sets share a lane, and case matters."""
        sets = [(), ("fr",), ("FR",), ("vip",), ("fr", "vip"), ("f", "r"), ("",)]
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            assert len({tx.lanes.intern(skills) for skills in sets}) == len(sets)

    def test_a_lane_is_served_by_whoever_has_all_its_skills(self, store: Store) -> None:
        """Lanes come lowest first."""
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            fr, vip, both = (tx.lanes.intern(skills) for skills in (("fr",), ("vip",), ("fr", "vip")))
            assert tx.lanes.served_by(("fr",)) == (0, fr)
            assert tx.lanes.served_by(("vip", "fr", "de")) == tuple(sorted((0, fr, vip, both)))
        assert ask(store, lambda tx: tx.lanes.served_by(("vip",))) == (0, vip)

    def test_a_lane_of_a_later_transaction_is_served(self, store: Store) -> None:
        """What is remembered of lanes is never too old."""
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            fr = tx.lanes.intern(("fr",))
            assert tx.lanes.served_by(("fr", "vip")) == (0, fr)
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            vip = tx.lanes.intern(("vip",))
        assert ask(store, lambda tx: tx.lanes.served_by(("fr", "vip"))) == (0, fr, vip)

    def test_a_lane_that_was_undone_is_forgotten(self, store: Store) -> None:
        """Its number may go to another set, and is then served by whoever has that one's skills."""
        undone: list[tuple[int, ...]] = []

        def intern_and_serve(tx: Transaction) -> None:
            tx.lanes.intern(("fr",))
            undone.append(tx.lanes.served_by(("fr",)))

        with pytest.raises(PlannedError):
            fail_after(store, intern_and_serve)
        assert len(undone[0]) == 2
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            vip = tx.lanes.intern(("vip",))
        assert ask(store, lambda tx: tx.lanes.served_by(("fr",))) == (0,)
        assert ask(store, lambda tx: tx.lanes.served_by(("vip",))) == (0, vip)

    def test_a_new_lane_is_a_write(self, store: Store) -> None:
        """A READ_ONLY transaction may ask for a known set, and is refused a new one."""
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            fr = tx.lanes.intern(("fr",))
        assert ask(store, lambda tx: tx.lanes.intern(("fr",))) == fr
        with pytest.raises(RuntimeError):
            ask(store, lambda tx: tx.lanes.intern(("vip",)))
        assert ask(store, lambda tx: tx.lanes.served_by(("fr", "vip"))) == (0, fr)

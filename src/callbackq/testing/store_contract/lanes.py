"""Lanes: sets of skills are small numbers, and an agent serves every lane whose skills the agent has."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.ports import Commit, Store, Transaction
from callbackq.testing.store_contract.base import (
    EXAMPLES,
    TENANT,
    ContractBase,
    PlannedError,
    ask,
    fail_after,
    fresh_tenant,
)

_SETS: Final = st.lists(st.sampled_from(["de", "en", "fr", "vip", "agent:mia", "agent:noa"]), max_size=5)


class LaneContract(ContractBase):
    """Sets of skills are small numbers."""

    def test_no_skill_is_lane_0(self, store: Store) -> None:
        """Lane 0 is there before anything is written, and everybody serves it."""
        assert ask(store, lambda tx: tx.lanes.intern(())) == 0
        assert ask(store, lambda tx: tx.lanes.skills_of(0)) == ()
        assert ask(store, lambda tx: tx.lanes.served_by(())) == (0,)
        assert ask(store, lambda tx: tx.lanes.served_by(("fr",))) == (0,)

    def test_a_set_of_skills_has_one_number(self, store: Store) -> None:
        """Order and repetition do not matter, nor does the transaction."""
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            lane = tx.lanes.intern(("fr", "vip"))
            assert tx.lanes.intern(("vip", "fr", "fr")) == lane
            assert tx.lanes.skills_of(lane) == ("fr", "vip")
        assert lane > 0
        assert ask(store, lambda tx: tx.lanes.intern(("vip", "fr"))) == lane

    def test_different_sets_have_different_numbers(self, store: Store) -> None:
        """No two sets share a lane, and case matters."""
        sets = [(), ("fr",), ("FR",), ("vip",), ("fr", "vip"), ("f", "r"), ("",)]
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            assert len({tx.lanes.intern(skills) for skills in sets}) == len(sets)

    @EXAMPLES
    @given(drawn=st.lists(_SETS, max_size=12), asked=st.lists(_SETS, min_size=1, max_size=4))
    def test_lanes_are_a_plain_list_of_sets(
        self, store: Store, drawn: list[list[str]], asked: list[list[str]]
    ) -> None:
        """Whatever was interned, in one transaction or several, comes back, and is served as a naive filter says."""
        tenant_id = fresh_tenant()
        sets: dict[int, set[str]] = {0: set()}
        for skills in drawn:
            with store.transaction(tenant_id, commit=Commit.RELAXED) as tx:
                sets[tx.lanes.intern(skills)] = set(skills)
                assert tx.lanes.served_by(skills)[-1] <= max(sets)
        assert len(sets) == len({frozenset(skills) for skills in ([], *drawn)})
        with store.transaction(tenant_id, commit=Commit.READ_ONLY) as tx:
            for lane, needed in sets.items():
                assert tx.lanes.skills_of(lane) == tuple(sorted(needed))
            for skills in (*asked, *drawn):
                served = tx.lanes.served_by(skills)
                assert served == tuple(sorted(lane for lane, needed in sets.items() if needed <= set(skills)))

    def test_a_number_that_no_set_has_is_not_found(self, store: Store) -> None:
        """Neither beyond the last lane nor below the first."""
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            fr = tx.lanes.intern(("fr",))
        with store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
            for lane in (fr + 1, -1):
                with pytest.raises(LookupError):
                    tx.lanes.skills_of(lane)

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
        assert ask(store, lambda tx: tx.lanes.skills_of(vip)) == ("vip",)

    def test_a_new_lane_is_a_write(self, store: Store) -> None:
        """A READ_ONLY transaction may ask for a known set, and is refused a new one."""
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            fr = tx.lanes.intern(("fr",))
        assert ask(store, lambda tx: tx.lanes.intern(("fr",))) == fr
        with pytest.raises(RuntimeError):
            ask(store, lambda tx: tx.lanes.intern(("vip",)))
        assert ask(store, lambda tx: tx.lanes.served_by(("fr", "vip"))) == (0, fr)

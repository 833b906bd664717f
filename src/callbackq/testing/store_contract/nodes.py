"""Nodes: who is there, who has gone, and what each of them has begun."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pytest

from callbackq.errors import Conflict, UniquenessViolated
from callbackq.ids import AttemptId, NodeId
from callbackq.model import Attempt, AttemptState, NodeState
from callbackq.ports import Commit, Store
from callbackq.testing.builders import make_attempt, make_node, next_version
from callbackq.testing.clock import START
from callbackq.testing.store_contract.base import (
    TENANT,
    THREADS,
    ContractBase,
    PlannedError,
    ask,
    at_once,
    fail_after,
    put,
)

_HOUR: Final = timedelta(hours=1)
_MINE: Final = NodeId("mine")


class NodeContract(ContractBase):
    """The processes that run a dispatcher."""

    def test_those_that_have_gone_are_not_present(self, store: Store) -> None:
        """All come by id; a node that is draining is there still."""
        up = make_node("c")
        draining = make_node("a", state=NodeState.DRAINING)
        gone = make_node("b", state=NodeState.GONE)
        put(store, up, draining, gone)
        assert ask(store, lambda tx: tx.nodes.present()) == [draining, up]
        assert ask(store, lambda tx: tx.nodes.all()) == [draining, gone, up]
        again = next_version(gone, state=NodeState.UP)
        put(store, again)
        assert ask(store, lambda tx: tx.nodes.present()) == [draining, again, up]

    def test_there_is_nobody_in_an_empty_store(self, store: Store) -> None:
        """No node, no answer."""
        assert ask(store, lambda tx: tx.nodes.find(_MINE)) is None
        assert ask(store, lambda tx: (tx.nodes.present(), tx.nodes.all())) == ([], [])

    def test_digests_are_kept_by_queue(self, store: Store) -> None:
        """They are read as they were written, whatever the names of the queues."""
        node = make_node(_MINE, fingerprints={"support": "0a", 'an "odd" one': "0b", "": "0c"})
        put(store, node)
        found = ask(store, lambda tx: tx.nodes.find(_MINE))
        assert found is not None
        assert (found.fingerprints, found.lease) == (node.fingerprints, timedelta(seconds=15))

    def test_those_long_gone_are_forgotten(self, store: Store) -> None:
        """The longest gone first, at most so many; never one that is there, however long it has been silent."""
        put(
            store,
            *(make_node(f"n{n}", state=NodeState.GONE, seen_at=START + n * _HOUR) for n in (3, 1, 2, 0)),
        )
        put(store, make_node("here"), make_node("slow", state=NodeState.DRAINING))
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            assert tx.nodes.forget(gone_before=START + 3 * _HOUR, limit=2) == 2
            assert [node.node_id for node in tx.nodes.all()] == ["here", "n2", "n3", "slow"]
            assert tx.nodes.forget(gone_before=START + 3 * _HOUR, limit=2) == 1
            assert tx.nodes.forget(gone_before=START + 3 * _HOUR, limit=2) == 0
        assert [node.node_id for node in ask(store, lambda tx: tx.nodes.all())] == ["here", "n3", "slow"]
        put(store, make_node("n1"))

    def test_forgetting_can_be_undone_and_is_no_reading(self, store: Store) -> None:
        """A rollback gives back what was forgotten; and who may only read may forget nothing."""
        gone = make_node(_MINE, state=NodeState.GONE)
        put(store, gone)
        with pytest.raises(PlannedError):
            fail_after(store, lambda tx: tx.nodes.forget(gone_before=START + _HOUR, limit=9))
        with pytest.raises(RuntimeError):
            ask(store, lambda tx: tx.nodes.forget(gone_before=START + _HOUR, limit=9))
        assert ask(store, lambda tx: tx.nodes.find(_MINE)) == gone

    def test_one_of_many_beats_the_same_version(self, store: Store) -> None:
        """Two processes of one name: the second to write learns that it is not alone."""
        node = make_node(_MINE)
        put(store, node)

        def beat(number: int) -> bool:
            try:
                put(store, next_version(node, instance_id=f"in_{number}"))
            except Conflict:
                return False
            return True

        assert at_once(beat).count(True) == 1
        found = ask(store, lambda tx: tx.nodes.find(_MINE))
        assert found is not None
        assert found.version == 2

    def test_one_of_many_is_the_first_of_its_name(self, store: Store) -> None:
        """A new name is given once, though many ask for it in the same moment."""

        def come(number: int) -> bool:
            try:
                put(store, make_node(_MINE, instance_id=f"in_{number}"))
            except (UniquenessViolated, Conflict):
                return False
            return True

        assert [come(0), *at_once(come, count=THREADS)].count(True) == 1


class AttemptsOfNodeContract(ContractBase):
    """What a node has begun and not ended."""

    def test_open_attempts_of_one_node_come_by_id(self, store: Store) -> None:
        """None of another node, and none that has ended; page by page, if asked."""
        begun = [make_attempt(f"at_{n}", **_of(_MINE)) for n in (3, 1, 2, 4)]
        put(store, *begun, make_attempt("at_0", **_of("minem")), make_attempt("at_5", **_of("min")))
        put(store, make_attempt("at_6", state=AttemptState.ENDED, **_of(_MINE)))
        assert _ids(store) == ["at_1", "at_2", "at_3", "at_4"]
        assert _ids(store, limit=2) == ["at_1", "at_2"]
        assert _ids(store, after=AttemptId("at_2"), limit=1) == ["at_3"]
        assert _ids(store, after=AttemptId("at_4")) == []

    def test_an_attempt_that_is_taken_over_changes_its_list(self, store: Store) -> None:
        """And one that ends leaves it."""
        first, second = make_attempt("at_1", **_of("old")), make_attempt("at_2", **_of("old"))
        put(store, first, second)
        taken: Attempt = next_version(first, node_id=_MINE)
        put(store, taken, next_version(second, state=AttemptState.ENDED))
        assert _ids(store) == ["at_1"]
        assert ask(store, lambda tx: tx.attempts.of_node(NodeId("old"), limit=9)) == []
        put(store, next_version(taken, state=AttemptState.ENDED))
        assert _ids(store) == []


def _of(node_id: str) -> dict[str, Any]:
    return {"node_id": NodeId(node_id)}


def _ids(store: Store, *, after: AttemptId | None = None, limit: int = 9) -> list[str]:
    found = ask(store, lambda tx: tx.attempts.of_node(_MINE, after=after, limit=limit))
    return [attempt.attempt_id for attempt in found]

"""What a wallboard counts: callbacks by their states, agents by theirs, and who entered first."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from callbackq.ids import QueueName
from callbackq.model import AgentState, CallbackState, CallState
from callbackq.ports import Commit, Store
from callbackq.testing.builders import make_agent, make_call, make_callback, next_version
from callbackq.testing.clock import START
from callbackq.testing.store_contract.base import TENANT, ContractBase, ask, put

SECOND: Final = timedelta(seconds=1)
_BOARD: Final = QueueName("board")
_OTHER: Final = QueueName("other")
_NONE: Final = QueueName("none")


class CountContract(ContractBase):
    """What is there in one queue, counted."""

    def test_callbacks_are_counted_by_state_and_listed_by_entry(self, store: Store) -> None:
        """Every state but the end is named; each count stops at the limit, and other queues are not in it."""
        states = [state for state in CallbackState if state is not CallbackState.ENDED]
        rows = [
            make_callback(
                f"cb_{place}{number}", queue=_BOARD, state=state, entered_at=START - number * SECOND
            )
            for place, state in enumerate(states)
            for number in range(place + 1)
        ]
        ended = make_callback("cb_over", queue=_BOARD, state=CallbackState.ENDED, ended_at=START)
        put(store, *rows, ended, make_callback("cb_other", queue=_OTHER))
        counts = {state: place + 1 for place, state in enumerate(states)}
        assert dict(ask(store, lambda tx: tx.callbacks.counts(_BOARD, limit=9))) == counts
        cut = {state: min(count, 2) for state, count in counts.items()}
        assert dict(ask(store, lambda tx: tx.callbacks.counts(_BOARD, limit=2))) == cut
        assert set(ask(store, lambda tx: tx.callbacks.counts(_NONE, limit=9)).values()) == {0}
        with store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
            for place, state in enumerate(states):
                found = tx.callbacks.in_state(_BOARD, state, limit=9)
                assert [one.callback_id for one in found] == [f"cb_{place}{n}" for n in range(place, -1, -1)]
                assert tx.callbacks.in_state(_BOARD, state, limit=1) == found[:1]

    def test_counts_follow_every_change(self, store: Store) -> None:
        """Another state, another queue, the end: counted at once, and two who entered together go by id."""
        one, two = make_callback("cb_b", queue=_BOARD), make_callback("cb_a", queue=_BOARD)
        put(store, one, two)

        def waiting() -> list[str]:
            found = ask(store, lambda tx: tx.callbacks.in_state(_BOARD, CallbackState.WAITING, limit=9))
            assert ask(store, lambda tx: tx.callbacks.counts(_BOARD, limit=9))[CallbackState.WAITING] == len(
                found
            )
            return [callback.callback_id for callback in found]

        assert waiting() == ["cb_a", "cb_b"]
        for changes, wanted in (
            ({"state": CallbackState.HELD}, ["cb_a"]),
            ({"state": CallbackState.WAITING}, ["cb_a", "cb_b"]),
            ({"queue": _OTHER}, ["cb_a"]),
            ({"queue": _BOARD, "entered_at": START - SECOND}, ["cb_b", "cb_a"]),
            (
                {"state": CallbackState.ENDED, "ended_at": START, "due_at": None, "due_reason": None},
                ["cb_a"],
            ),
        ):
            one = next_version(one, **changes)
            put(store, one)
            assert waiting() == wanted

    def test_who_entered_first_is_found_whatever_the_ranks(self, store: Store) -> None:
        """Live calls and callbacks apart; only those that wait."""
        assert ask(store, lambda tx: tx.line.oldest(_BOARD)) == (None, None)
        call = make_call("call_1", queue=_BOARD, rank=9, entered_at=START - 9 * SECOND)
        put(
            store,
            call,
            make_call("call_2", queue=_BOARD, rank=1, entered_at=START - 2 * SECOND),
            make_call("call_3", queue=_OTHER, entered_at=START - 99 * SECOND),
            make_callback("cb_1", queue=_BOARD, rank=5, entered_at=START - 5 * SECOND),
            make_callback("cb_2", queue=_BOARD, rank=2, entered_at=START - 1 * SECOND),
            make_callback("cb_3", queue=_BOARD, state=CallbackState.HELD, entered_at=START - 99 * SECOND),
        )
        found = START - 9 * SECOND, START - 5 * SECOND
        assert ask(store, lambda tx: tx.line.oldest(_BOARD)) == found
        put(store, next_version(call, state=CallState.TAKEN, taken_at=START))
        assert ask(store, lambda tx: tx.line.oldest(_BOARD)) == (START - 2 * SECOND, START - 5 * SECOND)

    def test_agents_are_counted_by_what_they_do(self, store: Store) -> None:
        """Once in each queue that they serve; who is signed out is in none, and every change counts at once."""
        agent = make_agent("a", queues=(_BOARD, _OTHER, _BOARD))
        put(store, agent, make_agent("b", queues=(_BOARD,), state=AgentState.BUSY))
        for changes, board, other in (
            ({}, {AgentState.AVAILABLE: 1, AgentState.BUSY: 1}, {AgentState.AVAILABLE: 1}),
            ({"state": AgentState.BUSY}, {AgentState.BUSY: 2}, {AgentState.BUSY: 1}),
            ({"queues": (_OTHER,)}, {AgentState.BUSY: 1}, {AgentState.BUSY: 1}),
            ({"state": AgentState.SIGNED_OUT}, {AgentState.BUSY: 1}, {}),
        ):
            if changes:
                agent = next_version(agent, **changes)
                put(store, agent)
            assert dict(ask(store, lambda tx: tx.agents.counts(_BOARD))) == board
            assert dict(ask(store, lambda tx: tx.agents.counts(_OTHER))) == other
        assert dict(ask(store, lambda tx: tx.agents.counts(_NONE))) == {}

"""Time and agents: what is due and when, who is available, how many are staffed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.ids import AgentId, QueueName
from callbackq.model import AgentState, Node, Record
from callbackq.ports import Store, Transaction
from callbackq.testing.builders import (
    QUEUE,
    make_agent,
    make_attempt,
    make_booking,
    make_call,
    make_callback,
    make_message,
    make_node,
    next_version,
)
from callbackq.testing.clock import START
from callbackq.testing.store_contract.base import (
    EXAMPLES,
    RECORD_KINDS,
    ContractBase,
    Kind,
    ask,
    each_record_kind,
    fresh_tenant,
    put,
)

SALES: Final = QueueName("sales")
SECOND: Final = timedelta(seconds=1)

_DUE_OF: Final[dict[str, Callable[[Transaction, datetime, int], Sequence[Record | Node]]]] = {
    "callback": lambda tx, now, limit: tx.callbacks.due(now=now, limit=limit),
    "call": lambda tx, now, limit: tx.calls.due(now=now, limit=limit),
    "agent": lambda tx, now, limit: tx.agents.due(now=now, limit=limit),
    "attempt": lambda tx, now, limit: tx.attempts.due(now=now, limit=limit),
    "booking": lambda tx, now, limit: tx.bookings.due(now=now, limit=limit),
    "message": lambda tx, now, limit: tx.messages.due(now=now, limit=limit),
    "node": lambda tx, now, limit: tx.nodes.due(now=now, limit=limit),
}

_WAKING: Final = tuple(kind for kind in RECORD_KINDS if kind.name != "node")


def _due(store: Store, kind: Kind, *, now: datetime, limit: int = 100) -> list[Any]:
    return list(ask(store, lambda tx: _DUE_OF[kind.name](tx, now, limit)))


class DueContract(ContractBase):
    """What time alone changes is found in time, and in order."""

    @each_record_kind
    def test_due_rows_come_earliest_first_then_by_id(self, store: Store, kind: Kind) -> None:
        """The row that was due first is first; the id settles ties."""
        late, early = START + SECOND, START
        rows = [kind.make(f"x_{n}", due_at=at) for n, at in ((3, early), (1, late), (2, early))]
        put(store, *rows)
        assert _due(store, kind, now=late) == [rows[2], rows[0], rows[1]]

    @each_record_kind
    def test_a_row_is_due_from_its_very_microsecond(self, store: Store, kind: Kind) -> None:
        """A row is due at its time, and not a microsecond before."""
        row = kind.make("x_1", due_at=START)
        put(store, row)
        assert _due(store, kind, now=START - timedelta(microseconds=1)) == []
        assert _due(store, kind, now=START) == [row]

    @each_record_kind
    def test_no_more_are_given_than_asked_for(self, store: Store, kind: Kind) -> None:
        """The limit cuts the end, never the beginning."""
        rows = [kind.make(f"x_{n}", due_at=START + n * SECOND) for n in range(5)]
        put(store, *reversed(rows))
        assert _due(store, kind, now=START + 9 * SECOND, limit=2) == rows[:2]

    def test_due_rows_of_other_queues_are_left_out(self, store: Store) -> None:
        """A node asks for the queues that it knows; the limit counts these only; agents belong to no queue."""
        for n in range(3):
            put(store, make_callback(f"cb_{n}", due_at=START, queue=SALES, dedup_key=f"s{n}"))
            put(store, make_call(f"ca_{n}", due_at=START, queue=SALES))
            put(store, make_booking(f"bk_{n}", due_at=START, queue=SALES))
            put(store, make_message(f"ms_{n}", due_at=START, queue=SALES))
            put(
                store,
                make_attempt(f"at_{n}", due_at=START, queue=SALES, callback_id=f"x{n}", number_key=f"s{n}"),
            )
        late = START + SECOND
        callback = make_callback("cb_9", due_at=late)
        call = make_call("ca_9", due_at=late)
        attempt = make_attempt("at_9", due_at=late)
        booking = make_booking("bk_9", due_at=late)
        message = make_message("ms_9", due_at=late)
        put(store, callback, call, attempt, booking, message)
        queues = {QUEUE}

        def answers(tx: Transaction) -> list[Sequence[Record]]:
            tables = (tx.callbacks, tx.calls, tx.attempts, tx.bookings, tx.messages)
            return [table.due(now=late, limit=2, queues=queues) for table in tables]

        assert ask(store, answers) == [[callback], [call], [attempt], [booking], [message]]
        assert ask(store, lambda tx: tx.next_due_at(queues=queues)) == late
        assert ask(store, lambda tx: tx.next_due_at(queues={SALES})) == START
        assert ask(store, lambda tx: tx.next_due_at(queues=())) is None
        put(store, make_agent("ag_1", due_at=START + 5 * SECOND))
        assert ask(store, lambda tx: tx.next_due_at(queues=())) == START + 5 * SECOND
        assert ask(store, lambda tx: tx.callbacks.due(now=late, limit=9, queues=())) == []

    @each_record_kind
    def test_a_changed_due_time_counts(self, store: Store, kind: Kind) -> None:
        """Only the time of the newest version counts."""
        row = kind.make("x_1", due_at=START)
        later = next_version(row, due_at=START + SECOND)
        put(store, row, later)
        assert _due(store, kind, now=START) == []
        assert _due(store, kind, now=START + SECOND) == [later]

    @each_record_kind
    def test_what_has_ended_is_never_due(self, store: Store, kind: Kind) -> None:
        """An ended row is not looked at again."""
        row = kind.make("x_1", due_at=START)
        put(store, row, next_version(row, state=kind.last_state))
        assert _due(store, kind, now=START + SECOND) == []
        assert ask(store, lambda tx: tx.next_due_at()) is None

    def test_nothing_is_due_in_an_empty_store(self, store: Store) -> None:
        """No row, no time."""
        assert ask(store, lambda tx: tx.next_due_at()) is None
        for kind in RECORD_KINDS:
            assert _due(store, kind, now=START) == []

    @pytest.mark.parametrize("kind", _WAKING, ids=str)
    def test_the_next_due_time_is_the_earliest_of_all_tables(self, store: Store, kind: Kind) -> None:
        """Whichever table holds it, the earliest time is found; but nodes wake nobody in this way."""
        put(store, make_node("x_3", due_at=START))
        put(store, *(other.make("x_1", due_at=START + 2 * SECOND) for other in RECORD_KINDS))
        put(store, kind.make("x_2", due_at=START + SECOND))
        assert ask(store, lambda tx: tx.next_due_at()) == START + SECOND

    @EXAMPLES
    @given(seconds=st.lists(st.integers(0, 5), max_size=12), now=st.integers(-1, 6), limit=st.integers(1, 14))
    def test_due_is_a_plain_sort(self, store: Store, seconds: list[int], now: int, limit: int) -> None:
        """What is due equals a naive filter and sort."""
        tenant_id = fresh_tenant()
        rows = [
            make_callback(f"cb_{n:02}", tenant_id=tenant_id, due_at=START + second * SECOND)
            for n, second in enumerate(seconds)
        ]
        put(store, *rows, tenant_id=tenant_id)
        wanted = sorted((second, f"cb_{n:02}") for n, second in enumerate(seconds) if second <= now)
        found = ask(
            store,
            lambda tx: tx.callbacks.due(now=START + now * SECOND, limit=limit),
            tenant_id=tenant_id,
        )
        assert [row.callback_id for row in found] == [callback_id for _, callback_id in wanted[:limit]]

    def test_the_next_due_time_looks_at_all_tables_at_once(self, store: Store) -> None:
        """The earliest time moves on as rows move on."""
        agent, attempt = make_agent(due_at=START), make_attempt(due_at=START + SECOND)
        put(store, agent, attempt, make_call(due_at=START + 3 * SECOND))
        assert ask(store, lambda tx: tx.next_due_at()) == START
        put(store, next_version(agent, state=AgentState.SIGNED_OUT))
        assert ask(store, lambda tx: tx.next_due_at()) == START + SECOND


class AgentContract(ContractBase):
    """Agents are found by how long they are available, and counted by queue."""

    def test_the_longest_available_agent_is_first(self, store: Store) -> None:
        """Order is by the time since when, then by id."""
        put(
            store,
            make_agent("c", since_at=START),
            make_agent("a", since_at=START + SECOND),
            make_agent("b", since_at=START),
        )
        assert [agent.agent_id for agent in ask(store, lambda tx: tx.agents.available())] == ["b", "c", "a"]

    @pytest.mark.parametrize("state", [state for state in AgentState if state is not AgentState.AVAILABLE])
    def test_only_available_agents_are_available(self, store: Store, state: AgentState) -> None:
        """An agent in any other state is given nothing."""
        put(store, make_agent("a", state=state))
        assert ask(store, lambda tx: tx.agents.available()) == []

    def test_an_agent_who_comes_back_is_last(self, store: Store) -> None:
        """The newest `since_at` counts."""
        agent = make_agent("a", since_at=START)
        busy = next_version(agent, state=AgentState.BUSY)
        back = next_version(busy, state=AgentState.AVAILABLE, since_at=START + 2 * SECOND)
        put(store, agent, make_agent("b", since_at=START + SECOND), busy, back)
        assert [agent.agent_id for agent in ask(store, lambda tx: tx.agents.available())] == ["b", "a"]

    @pytest.mark.parametrize("state", list(AgentState))
    def test_whoever_is_not_signed_out_is_staffed(self, store: Store, state: AgentState) -> None:
        """Busy agents count too: they will be back."""
        put(store, make_agent("a", state=state))
        assert ask(store, lambda tx: tx.agents.staffed_count(QUEUE)) == (state is not AgentState.SIGNED_OUT)

    def test_an_agent_is_staffed_in_each_queue_once(self, store: Store) -> None:
        """A queue that is named twice counts once."""
        put(store, make_agent("a", queues=(QUEUE, SALES, QUEUE)), make_agent("b", queues=(SALES,)))
        assert ask(store, lambda tx: tx.agents.staffed_count(QUEUE)) == 1
        assert ask(store, lambda tx: tx.agents.staffed_count(SALES)) == 2
        assert ask(store, lambda tx: tx.agents.staffed_count(QueueName("none"))) == 0

    def test_the_staff_is_counted_by_skills(self, store: Store) -> None:
        """As they stand in the records, whatever the agents do; who is signed out counts in none."""
        agent = make_agent("a", queues=(QUEUE,), skills=("fr", "vip"))
        put(store, agent, make_agent("b", queues=(QUEUE, SALES), skills=()))
        put(store, make_agent("c", queues=(QUEUE,), skills=("fr", "vip"), state=AgentState.BUSY))
        for changes, counts in (
            ({}, {("fr", "vip"): 2, (): 1}),
            ({"skills": ("de",)}, {("fr", "vip"): 1, (): 1, ("de",): 1}),
            ({"state": AgentState.SIGNED_OUT}, {("fr", "vip"): 1, (): 1}),
        ):
            if changes:
                agent = next_version(agent, **changes)
                put(store, agent)
            assert dict(ask(store, lambda tx: tx.agents.staffed_by_skills(QUEUE))) == counts
        assert dict(ask(store, lambda tx: tx.agents.staffed_by_skills(SALES))) == {(): 1}
        assert dict(ask(store, lambda tx: tx.agents.staffed_by_skills(QueueName("none")))) == {}

    def test_staffing_follows_every_change(self, store: Store) -> None:
        """Other queues, signing out and coming back are counted at once."""
        agent = make_agent("a", queues=(QUEUE,))
        put(store, agent)
        for changes, counts in (
            ({"queues": (SALES,)}, [0, 1]),
            ({"state": AgentState.SIGNED_OUT}, [0, 0]),
            ({"queues": (QUEUE, SALES)}, [0, 0]),
            ({"state": AgentState.AVAILABLE}, [1, 1]),
            ({"queues": ()}, [0, 0]),
        ):
            agent = next_version(agent, **changes)
            put(store, agent)
            found = ask(store, lambda tx: [tx.agents.staffed_count(queue) for queue in (QUEUE, SALES)])
            assert found == counts

    def test_skills_and_queues_keep_their_order(self, store: Store) -> None:
        """The lists come back as they were given."""
        agent = make_agent("a", queues=(SALES, QUEUE), skills=("vip", "fr"), leaving=True)
        put(store, agent)
        assert ask(store, lambda tx: tx.agents.get(AgentId("a"))) == agent

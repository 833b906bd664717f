"""One queue's rows: what is open in it, what was taken, ended or started in it last, and what is switched for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.errors import StaleVersion, UniquenessViolated
from callbackq.ids import QueueName, TenantId
from callbackq.model import ALL_QUEUES, AttemptState, CallbackState, CallState, Record
from callbackq.ports import Store, Transaction
from callbackq.testing.builders import (
    QUEUE,
    make_attempt,
    make_call,
    make_callback,
    make_queue_control,
    next_version,
)
from callbackq.testing.clock import START
from callbackq.testing.store_contract.attempts import (
    DialedContract,
    OpenAttemptContract,
    PersonContract,
    WantingAgentContract,
)
from callbackq.testing.store_contract.base import (
    EXAMPLES,
    TENANT,
    ContractBase,
    ask,
    exact,
    fresh_tenant,
    put,
)

SALES: Final = QueueName("sales")
SECOND: Final = timedelta(seconds=1)


@attrs.frozen(kw_only=True)
class _Latest:
    """A verb that gives the latest rows of a queue, and a row that it gives."""

    name: str
    make: Callable[..., Any]
    field: str
    last: Callable[[Transaction, QueueName, int], Sequence[Record]]

    def __str__(self) -> str:
        return self.name

    def row(self, row_id: str, at: datetime, **changes: Any) -> Any:
        return self.make(row_id, **{self.field: at, **changes})


def _ended_callback(callback_id: str, **changes: Any) -> Any:
    return make_callback(callback_id, **{"state": CallbackState.ENDED, **changes})


def _taken_call(call_id: str, **changes: Any) -> Any:
    return make_call(call_id, **{"state": CallState.TAKEN, **changes})


def _ended_call(call_id: str, **changes: Any) -> Any:
    return make_call(call_id, **{"state": CallState.ENDED, **changes})


_VERBS: Final = (
    _Latest(
        name="callbacks.last_ended",
        make=_ended_callback,
        field="ended_at",
        last=lambda tx, queue, limit: tx.callbacks.last_ended(queue, limit=limit),
    ),
    _Latest(
        name="calls.last_taken",
        make=_taken_call,
        field="taken_at",
        last=lambda tx, queue, limit: tx.calls.last_taken(queue, limit=limit),
    ),
    _Latest(
        name="calls.last_ended",
        make=_ended_call,
        field="ended_at",
        last=lambda tx, queue, limit: tx.calls.last_ended(queue, limit=limit),
    ),
    _Latest(
        name="attempts.last_started",
        make=make_attempt,
        field="started_at",
        last=lambda tx, queue, limit: tx.attempts.last_started(queue, limit=limit),
    ),
)
each_verb = pytest.mark.parametrize("verb", _VERBS, ids=str)


def _last(
    store: Store,
    verb: _Latest,
    queue: QueueName = QUEUE,
    *,
    limit: int = 100,
    tenant_id: TenantId = TENANT,
) -> list[Any]:
    return list(ask(store, lambda tx: verb.last(tx, queue, limit), tenant_id=tenant_id))


class LatestContract(DialedContract, PersonContract):
    """What happened last in a queue is found without looking at the rest; also for one number, and one person."""

    @each_verb
    def test_the_latest_row_is_first_then_the_highest_id(self, store: Store, verb: _Latest) -> None:
        """The order is by time, then by id, both downwards; the limit cuts the oldest."""
        rows = [verb.row(f"x_{n}", START + second * SECOND) for n, second in ((3, 0), (1, 5), (4, 0), (2, 9))]
        put(store, *rows)
        assert _last(store, verb) == [rows[3], rows[1], rows[2], rows[0]]
        assert _last(store, verb, limit=3) == [rows[3], rows[1], rows[2]]
        assert _last(store, verb, limit=1) == [rows[3]]

    @each_verb
    def test_the_latest_rows_are_those_of_the_queue(self, store: Store, verb: _Latest) -> None:
        """Other queues' rows are left out, and do not count towards the limit."""
        mine = verb.row("x_1", START)
        put(store, mine, *(verb.row(f"x_{n}", START + n * SECOND, queue=SALES) for n in (2, 3)))
        assert _last(store, verb, limit=1) == [mine]
        assert len(_last(store, verb, SALES)) == 2
        assert _last(store, verb, QueueName("none")) == []

    @each_verb
    def test_the_newest_version_says_when(self, store: Store, verb: _Latest) -> None:
        """A row stands once, under the queue and the time of its newest version."""
        early, late = verb.row("x_1", START), verb.row("x_2", START + SECOND)
        put(store, early, late)
        early = next_version(early, **{verb.field: START + 2 * SECOND})
        put(store, early)
        assert _last(store, verb) == [early, late]
        early = next_version(early, queue=SALES)
        put(store, early)
        assert _last(store, verb) == [late]
        assert _last(store, verb, SALES) == [early]

    @EXAMPLES
    @given(
        drawn=st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=12),
        limit=st.integers(1, 14),
        verb=st.sampled_from(_VERBS),
    )
    def test_the_latest_are_a_plain_sort(
        self, store: Store, drawn: list[tuple[int, bool]], limit: int, verb: _Latest
    ) -> None:
        """They equal a naive filter and sort, whenever the rows were written."""
        tenant_id = fresh_tenant()
        rows = [
            verb.row(
                f"x_{n:02}",
                START + second * SECOND,
                tenant_id=tenant_id,
                queue=QUEUE if is_mine else SALES,
            )
            for n, (second, is_mine) in enumerate(drawn)
        ]
        put(store, *rows, tenant_id=tenant_id)
        order = sorted(
            ((second, f"x_{n:02}", n) for n, (second, is_mine) in enumerate(drawn) if is_mine), reverse=True
        )
        found = _last(store, verb, limit=limit, tenant_id=tenant_id)
        assert found == [rows[n] for _, _, n in order[:limit]]

    def test_what_has_no_such_time_is_left_out(self, store: Store) -> None:
        """A call that was never taken, or was given back, and rows that ended at no known time."""
        taken = make_call("call_1", state=CallState.TAKEN, taken_at=START)
        put(store, taken, make_call("call_2"), make_call("call_3", state=CallState.ENDED))
        put(store, make_callback("cb_1"), make_callback("cb_2", state=CallbackState.ENDED))
        put(store, next_version(taken, state=CallState.WAITING, taken_at=None))
        assert [_last(store, verb) for verb in _VERBS] == [[]] * len(_VERBS)

    def test_a_taken_call_stays_among_the_taken_when_it_is_over(self, store: Store) -> None:
        """It has two moments, and is found by both."""
        taken = make_call("call_1", state=CallState.TAKEN, taken_at=START)
        ended = next_version(taken, state=CallState.ENDED, ended_at=START + SECOND)
        put(store, taken, ended)
        assert ask(store, lambda tx: tx.calls.last_taken(QUEUE, limit=9)) == [ended]
        assert ask(store, lambda tx: tx.calls.last_ended(QUEUE, limit=9)) == [ended]

    def test_an_attempt_is_found_from_start_to_end(self, store: Store) -> None:
        """Ended or not: what counts is when it was started."""
        attempt = make_attempt("at_1", started_at=START)
        put(store, attempt, make_attempt("at_2", started_at=START + SECOND))
        ended = next_version(attempt, state=AttemptState.ENDED, ended_at=START + 9 * SECOND)
        put(store, ended)
        found = ask(store, lambda tx: tx.attempts.last_started(QUEUE, limit=9))
        assert [each.attempt_id for each in found] == ["at_2", "at_1"]
        assert found[1] == ended


class OpenContract(OpenAttemptContract, WantingAgentContract):
    """What is open in a queue is counted or listed, whatever it is waiting for; also if it is an agent."""

    @pytest.mark.parametrize("state", list(CallbackState))
    def test_a_callback_is_open_until_it_has_ended(self, store: Store, state: CallbackState) -> None:
        """In every state but ENDED it counts."""
        put(store, make_callback("cb_1", state=state))
        found = ask(store, lambda tx: tx.callbacks.open_count(QUEUE, limit=9))
        assert found == (state is not CallbackState.ENDED)

    def test_counting_open_callbacks_stops_at_the_limit(self, store: Store) -> None:
        """The answer is never more than was asked for, and counts this queue only."""
        put(store, *(make_callback(f"cb_{n}") for n in range(5)), make_callback("cb_9", queue=SALES))
        counts = ask(store, lambda tx: [tx.callbacks.open_count(QUEUE, limit=n) for n in (1, 4, 5, 6, 99)])
        assert counts == [1, 4, 5, 5, 5]
        assert ask(store, lambda tx: tx.callbacks.open_count(SALES, limit=9)) == 1
        assert ask(store, lambda tx: tx.callbacks.open_count(QueueName("none"), limit=9)) == 0

    def test_open_callbacks_are_counted_where_they_are_now(self, store: Store) -> None:
        """Moving and ending are counted at once."""
        callback = make_callback("cb_1")
        put(store, callback)
        for changes, counts in (
            ({"queue": SALES}, [0, 1]),
            ({"state": CallbackState.HELD}, [0, 1]),
            ({"queue": QUEUE}, [1, 0]),
            ({"state": CallbackState.ENDED}, [0, 0]),
        ):
            callback = next_version(callback, **changes)
            put(store, callback)
            found = ask(
                store, lambda tx: [tx.callbacks.open_count(queue, limit=9) for queue in (QUEUE, SALES)]
            )
            assert found == counts

    @pytest.mark.parametrize("state", list(AttemptState))
    def test_an_attempt_is_open_until_it_has_ended(self, store: Store, state: AttemptState) -> None:
        """In every state but ENDED it counts, in its queue, up to the limit."""
        put(store, make_attempt("at_1", state=state), make_attempt("at_2", queue=SALES))
        counts = ask(
            store,
            lambda tx: [
                tx.attempts.open_count(queue, limit=n) for queue in (QUEUE, SALES) for n in (0, 1, 9)
            ],
        )
        here = int(state is not AttemptState.ENDED)
        assert counts == [0, here, here, 0, 1, 1]

    def test_open_live_calls_come_by_id(self, store: Store) -> None:
        """Whoever waits or is being served, of this queue, as it stands now."""
        rows = {
            "call_2": make_call("call_2", rank=1),
            "call_9": make_call("call_9", state=CallState.TAKEN),
            "call_10": make_call("call_10", rank=2),
        }
        put(
            store,
            *rows.values(),
            make_call("call_1", queue=SALES),
            make_call("call_3", state=CallState.ENDED),
        )
        assert ask(store, lambda tx: tx.calls.open(QUEUE)) == [
            rows[call_id] for call_id in ("call_10", "call_2", "call_9")
        ]
        taken = next_version(rows["call_2"], state=CallState.TAKEN)
        put(store, taken, next_version(rows["call_9"], state=CallState.ENDED))
        put(store, next_version(rows["call_10"], queue=SALES))
        assert ask(store, lambda tx: tx.calls.open(QUEUE)) == [taken]
        assert [call.call_id for call in ask(store, lambda tx: tx.calls.open(SALES))] == ["call_1", "call_10"]
        assert ask(store, lambda tx: tx.calls.open(QueueName("none"))) == []


class SwitchContract(ContractBase):
    """What is switched for a queue is one row with versions."""

    def test_a_queue_for_which_nothing_was_switched_has_no_row(self, store: Store) -> None:
        """Rows of other queues, and the one for all, are not its own."""
        put(store, make_queue_control("sales"), make_queue_control(ALL_QUEUES))
        assert ask(store, lambda tx: tx.queues.find(QUEUE)) is None

    @pytest.mark.parametrize("queue", [QUEUE, ALL_QUEUES])
    @pytest.mark.parametrize("field", ["offering_paused", "dialing_paused"])
    def test_each_switch_is_kept_by_itself(self, store: Store, queue: QueueName, field: str) -> None:
        """For one queue, or for all of them, which is a name like any other here."""
        control = make_queue_control(queue, **{field: True}, reason="storm")
        put(store, control)
        found = ask(store, lambda tx: tx.queues.find(queue))
        assert found is not None
        assert exact(found) == exact(control)

    def test_of_two_who_switch_first_one_is_refused(self, store: Store) -> None:
        """Version 1 is written once."""
        first = make_queue_control(QUEUE, dialing_paused=True)
        put(store, first)
        with pytest.raises(UniquenessViolated, match="id"):
            put(store, make_queue_control(QUEUE, offering_paused=True))
        assert ask(store, lambda tx: tx.queues.find(QUEUE)) == first

    def test_of_two_who_switch_the_same_version_one_is_refused(self, store: Store) -> None:
        """Whoever comes second reads again."""
        control = make_queue_control(QUEUE)
        paused = next_version(control, dialing_paused=True, changed_at=START + SECOND)
        put(store, control, paused)
        with pytest.raises(StaleVersion):
            put(store, next_version(control, offering_paused=True))
        assert ask(store, lambda tx: tx.queues.find(QUEUE)) == paused

    def test_a_switch_is_never_due(self, store: Store) -> None:
        """Time alone changes nothing about it."""
        put(store, make_queue_control(QUEUE, dialing_paused=True))
        assert ask(store, lambda tx: tx.next_due_at()) is None
        assert ask(store, lambda tx: tx.line.is_empty())

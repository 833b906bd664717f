"""Attempts and persons: who is dialed, who still wants an agent, how often one number rang, what one person asked."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.ids import AgentId, QueueName, SubjectId, TenantId
from callbackq.model import Announcement, Attempt, AttemptState, Callback, CallbackState, LegState
from callbackq.ports import Store, Transaction
from callbackq.testing.builders import QUEUE, make_attempt, make_callback, next_version
from callbackq.testing.clock import START
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
SECOND: Final = timedelta(seconds=1)
MICROSECOND: Final = timedelta(microseconds=1)
ADA: Final = SubjectId("su_ada")
BEN: Final = SubjectId("su_ben")
_EARLY: Final = START - timedelta(days=1)
_OVER: Final = {AttemptState.ENDING, AttemptState.ENDED}


def _open(store: Store, queue: QueueName = QUEUE) -> list[Attempt]:
    return ask(store, lambda tx: tx.attempts.open(queue))


def _wanting(
    store: Store, queues: Collection[QueueName] | None = None, *, tenant_id: TenantId = TENANT
) -> list[Attempt]:
    return ask(store, lambda tx: tx.attempts.wanting_agent(queues=queues), tenant_id=tenant_id)


def _dialed(
    store: Store,
    number_key: str = "n",
    *,
    since: datetime = _EARLY,
    limit: int = 100,
    tenant_id: TenantId = TENANT,
) -> list[Attempt]:
    return ask(
        store, lambda tx: tx.attempts.dialed_to(number_key, since=since, limit=limit), tenant_id=tenant_id
    )


def _asked(
    store: Store, subject_id: SubjectId = ADA, *, limit: int = 100, tenant_id: TenantId = TENANT
) -> list[Callback]:
    return ask(store, lambda tx: tx.callbacks.of_subject(subject_id, limit=limit), tenant_id=tenant_id)


def _dial(attempt_id: str, at: datetime = START, **changes: Any) -> Attempt:
    """Build an attempt that dialed the number `n` and is over, for only one that is not over may hold a number."""
    over = {"state": AttemptState.ENDED, "customer_leg": LegState.ENDED}
    return make_attempt(attempt_id, **{"number_key": "n", "started_at": at, **over, **changes})


class OpenAttemptContract(ContractBase):
    """The attempts of a queue that are not over are listed."""

    @pytest.mark.parametrize("state", list(AttemptState))
    def test_an_attempt_is_listed_until_it_has_ended(self, store: Store, state: AttemptState) -> None:
        """In every state but ENDED, with an agent or without."""
        rows = [make_attempt("at_1", state=state), make_attempt("at_2", state=state, agent_id=None)]
        put(store, *rows)
        assert _open(store) == ([] if state is AttemptState.ENDED else rows)

    def test_open_attempts_come_by_id_as_they_are_now(self, store: Store) -> None:
        """Of this queue only; what ends or moves is gone from it at once."""
        rows = {row_id: make_attempt(row_id) for row_id in ("at_2", "at_9", "at_10")}
        put(store, *rows.values(), make_attempt("at_1", queue=SALES))
        assert _open(store) == [rows[row_id] for row_id in ("at_10", "at_2", "at_9")]
        joining = next_version(rows["at_2"], state=AttemptState.JOINING)
        put(store, joining, next_version(rows["at_9"], state=AttemptState.ENDED))
        put(store, next_version(rows["at_10"], queue=SALES))
        assert _open(store) == [joining]
        assert [attempt.attempt_id for attempt in _open(store, SALES)] == ["at_1", "at_10"]
        assert _open(store, QueueName("none")) == []


class WantingAgentContract(ContractBase):
    """Attempts for which an agent is looked for are found without looking at the others."""

    @pytest.mark.parametrize("state", list(AttemptState))
    def test_an_agent_is_wanted_until_the_end_is_near(self, store: Store, state: AttemptState) -> None:
        """In every state but ENDING and ENDED, as long as there is none."""
        row = make_attempt("at_1", state=state, agent_id=None)
        put(store, row, make_attempt("at_2", state=state))
        assert _wanting(store) == ([] if state in _OVER else [row])

    @pytest.mark.parametrize("state", list(AttemptState))
    @pytest.mark.parametrize("what", list(Announcement))
    def test_what_is_announced_needs_no_agent(
        self, store: Store, state: AttemptState, what: Announcement
    ) -> None:
        """An attempt that only tells the customer something is open as every other, and wants nobody, ever."""
        row = make_attempt("at_1", state=state, agent_id=None, announces=what)
        other = make_attempt("at_2", agent_id=None)
        put(store, row, other)
        assert _wanting(store) == [other]
        assert _wanting(store, {QUEUE}) == [other]
        assert _open(store) == ([other] if state is AttemptState.ENDED else [row, other])
        assert ask(store, lambda tx: tx.attempts.get(row.attempt_id)) == row
        if state is not AttemptState.ENDED:
            put(store, next_version(row, customer_leg=LegState.RINGING))
            assert _wanting(store) == [other]

    def test_whoever_gets_an_agent_wants_none(self, store: Store) -> None:
        """One who loses the agent again is back, at the place of the id, as the newest version has it."""
        first, second = make_attempt("at_1", agent_id=None), make_attempt("at_2", agent_id=None)
        put(store, second, first)
        assert _wanting(store) == [first, second]
        first = next_version(first, agent_id=AgentId("mia"))
        put(store, first)
        assert _wanting(store) == [second]
        first = next_version(first, agent_id=None, agents_rung_count=1)
        second = next_version(second, state=AttemptState.CUSTOMER_ON_LINE)
        put(store, first, second)
        assert _wanting(store) == [first, second]
        put(store, next_version(second, state=AttemptState.ENDING))
        assert _wanting(store) == [first]
        put(store, next_version(first, state=AttemptState.ENDED))
        assert _wanting(store) == []

    def test_queues_that_are_not_asked_for_are_left_out(self, store: Store) -> None:
        """All are in one order, by id; naming a queue twice or in vain changes nothing."""
        queues = {"at_10": SALES, "at_2": QUEUE, "at_30": QUEUE, "at_4": SALES, "at_5": QueueName("third")}
        rows = [make_attempt(row_id, queue=queue, agent_id=None) for row_id, queue in queues.items()]
        put(store, *reversed(rows))
        assert _wanting(store) == rows
        assert _wanting(store, {QUEUE, SALES}) == rows[:4]
        assert _wanting(store, [SALES, QUEUE, SALES, QueueName("none")]) == rows[:4]
        assert _wanting(store, (QUEUE,)) == [rows[1], rows[2]]
        assert _wanting(store, ()) == []
        moved = next_version(rows[1], queue=SALES)
        put(store, moved)
        assert _wanting(store, {QUEUE}) == [rows[2]]
        assert _wanting(store, {SALES}) == [rows[0], moved, rows[3]]

    def test_ids_are_compared_by_their_characters(self, store: Store) -> None:
        """In one order everywhere, whatever the language of the machine."""
        ids = ["AT_1", "at-1", "at_1", "at_1_", "ät_1", "東", "\U0001f600"]
        put(store, *(make_attempt(row_id, agent_id=None) for row_id in reversed(ids)))
        assert [attempt.attempt_id for attempt in _wanting(store)] == ids
        assert [attempt.attempt_id for attempt in _open(store)] == ids

    def test_the_callbacks_of_a_ticket_the_latest_requested_first(self, store: Store) -> None:
        """Of any queue and any person; two of one moment by their ids, and none of another ticket."""
        put(
            store,
            make_callback("cb_1", ticket_id="T", requested_at=START),
            make_callback("cb_2", ticket_id="T", requested_at=START, queue=SALES, subject_id=ADA),
            make_callback("cb_3", ticket_id="T", requested_at=START - timedelta(hours=1)),
            make_callback("cb_4", ticket_id="T2"),
            make_callback("cb_5"),
        )

        def ids(limit: int) -> list[str]:
            return [
                one.callback_id for one in ask(store, lambda tx: tx.callbacks.of_ticket("T", limit=limit))
            ]

        assert ids(9) == ["cb_2", "cb_1", "cb_3"]
        assert ids(1) == ["cb_2"]
        assert ids(0) == []
        put(store, next_version(make_callback("cb_5"), ticket_id="T", state=CallbackState.ENDED))
        assert ids(1) == ["cb_5"]

    def test_a_block_that_was_undone_changes_nothing(self, store: Store) -> None:
        """Inside it the new rows are seen; after it the old ones."""
        row = make_attempt("at_1", agent_id=None, number_key="n", subject_id=ADA)
        put(store, row)

        def write(tx: Transaction) -> None:
            taken = next_version(row, agent_id=AgentId("mia"), customer_leg=LegState.RINGING)
            tx.save(taken)
            tx.save(make_callback("cb_1", subject_id=ADA))
            assert tx.attempts.wanting_agent() == []
            assert tx.attempts.open(QUEUE) == [taken]
            assert tx.attempts.dialed_to("n", since=_EARLY, limit=9) == [taken]
            assert len(tx.callbacks.of_subject(ADA, limit=9)) == 1

        with pytest.raises(PlannedError):
            fail_after(store, write)
        assert _wanting(store) == _open(store) == [row]
        assert _dialed(store) == []
        assert _asked(store) == []

    @EXAMPLES
    @given(
        drawn=st.lists(
            st.tuples(st.sampled_from(AttemptState), st.booleans(), st.sampled_from([QUEUE, SALES])),
            max_size=10,
        )
    )
    def test_who_wants_an_agent_is_a_plain_filter(
        self, store: Store, drawn: list[tuple[AttemptState, bool, QueueName]]
    ) -> None:
        """It equals a naive filter, whichever way the rows came to be as they are."""
        tenant_id = fresh_tenant()
        rows: list[Attempt] = []
        for n, (state, is_wanting, queue) in enumerate(drawn):
            # Each was in the opposite case before.
            before = make_attempt(
                f"at_{n}", tenant_id=tenant_id, agent_id=AgentId("mia") if is_wanting else None
            )
            agent_id = None if is_wanting else AgentId("mia")
            rows.append(next_version(before, state=state, queue=queue, agent_id=agent_id))
            put(store, before, rows[-1], tenant_id=tenant_id)
        wanted = [row for row in rows if row.agent_id is None and row.state not in _OVER]
        assert _wanting(store, tenant_id=tenant_id) == wanted
        here = [row for row in wanted if row.queue == QUEUE]
        assert _wanting(store, [QUEUE], tenant_id=tenant_id) == here


class DialedContract(ContractBase):
    """How often and when one number was dialed lately is found without looking at other numbers."""

    @pytest.mark.parametrize("leg", list(LegState))
    def test_a_number_is_dialed_once_its_leg_is_intended(self, store: Store, leg: LegState) -> None:
        """Whatever became of the leg; an attempt that never came to the customer does not count."""
        row = _dial("at_1", customer_leg=leg)
        put(store, row)
        assert _dialed(store) == ([] if leg is LegState.NONE else [row])

    def test_what_started_at_the_very_moment_is_left_out(self, store: Store) -> None:
        """Only what started after it counts, be it a microsecond."""
        before, at, after = (_dial(f"at_{n}", START + n * MICROSECOND) for n in (-1, 0, 1))
        put(store, before, at, after)
        assert _dialed(store, since=START) == [after]
        assert _dialed(store, since=START - MICROSECOND) == [after, at]
        assert _dialed(store, since=START + MICROSECOND) == []

    def test_the_latest_is_first_then_the_highest_id(self, store: Store) -> None:
        """The limit cuts the oldest. Queues, agents and outcomes make no difference."""
        rows = [
            _dial("at_3", START, queue=SALES),
            _dial("at_1", START + 5 * SECOND, agent_id=None),
            _dial("at_4", START),
            _dial("at_2", START + 9 * SECOND, state=AttemptState.CONNECTED, customer_leg=LegState.ANSWERED),
        ]
        put(store, *rows, _dial("at_9", START + 7 * SECOND, number_key="m"))
        assert _dialed(store) == [rows[3], rows[1], rows[2], rows[0]]
        assert _dialed(store, limit=3) == [rows[3], rows[1], rows[2]]
        assert _dialed(store, limit=1) == [rows[3]]
        assert _dialed(store, since=START, limit=9) == [rows[3], rows[1]]

    def test_numbers_that_begin_alike_are_different(self, store: Store) -> None:
        """A number is known by the whole of its key."""
        keys = ["n", "n ", "n\x01", "na", "N", "", "%"]
        put(store, *(_dial(f"at_{n}", number_key=key) for n, key in enumerate(keys)))
        for n, key in enumerate(keys):
            assert [attempt.attempt_id for attempt in _dialed(store, key)] == [f"at_{n}"]
        assert _dialed(store, "x") == []

    def test_a_number_counts_from_the_moment_it_is_dialed(self, store: Store) -> None:
        """An agent is rung first: the number has not rung yet. It stays when the attempt is over."""
        row = make_attempt("at_1", number_key="n", started_at=START)
        put(store, row)
        assert _dialed(store) == []
        row = next_version(row, customer_leg=LegState.INTENDED, number_key="n", number_index=1)
        put(store, row)
        assert _dialed(store) == [row]
        row = next_version(row, state=AttemptState.ENDED, customer_leg=LegState.ENDED)
        put(store, row)
        assert _dialed(store) == [row]
        row = next_version(row, number_key="m", started_at=START + SECOND)
        put(store, row)
        assert _dialed(store) == []
        assert _dialed(store, "m", since=START) == [row]

    @EXAMPLES
    @given(
        drawn=st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["n", "m"]), st.booleans()), max_size=12),
        since=st.integers(-1, 5),
        limit=st.integers(1, 9),
    )
    def test_what_was_dialed_is_a_plain_sort(
        self, store: Store, drawn: list[tuple[int, str, bool]], since: int, limit: int
    ) -> None:
        """It equals a naive filter and sort."""
        tenant_id = fresh_tenant()
        rows = [
            _dial(
                f"at_{n:02}",
                START + second * SECOND,
                tenant_id=tenant_id,
                number_key=key,
                customer_leg=LegState.ENDED if is_dialed else LegState.NONE,
            )
            for n, (second, key, is_dialed) in enumerate(drawn)
        ]
        put(store, *rows, tenant_id=tenant_id)
        order = sorted(
            (
                (second, n)
                for n, (second, key, is_dialed) in enumerate(drawn)
                if key == "n" and is_dialed and second > since
            ),
            reverse=True,
        )
        found = _dialed(store, since=START + since * SECOND, limit=limit, tenant_id=tenant_id)
        assert found == [rows[n] for _, n in order[:limit]]


class PersonContract(ContractBase):
    """What one person asked for is found, in whichever queue, ended or not."""

    def test_the_latest_request_is_first_then_the_highest_id(self, store: Store) -> None:
        """The order is by the moment of the request, then by id, both downwards; the limit cuts the oldest."""
        spots = ((3, 0), (1, 5), (4, 0), (2, 9))
        rows = [
            make_callback(f"cb_{n}", subject_id=ADA, requested_at=START + second * SECOND)
            for n, second in spots
        ]
        put(store, *rows)
        assert _asked(store) == [rows[3], rows[1], rows[2], rows[0]]
        assert _asked(store, limit=3) == [rows[3], rows[1], rows[2]]
        assert _asked(store, limit=1) == [rows[3]]

    def test_a_person_s_callbacks_are_those_of_all_queues(self, store: Store) -> None:
        """In every state; other persons' are left out, and do not count towards the limit."""
        rows = [
            make_callback(
                f"cb_{n}",
                subject_id=ADA,
                requested_at=START - n * SECOND,
                queue=QUEUE if n % 2 else SALES,
                state=state,
            )
            for n, state in enumerate(CallbackState)
        ]
        put(store, *rows, make_callback("cb_9", subject_id=BEN, requested_at=START + SECOND))
        assert _asked(store) == rows
        assert _asked(store, limit=2) == rows[:2]
        assert [callback.callback_id for callback in _asked(store, BEN)] == ["cb_9"]
        assert _asked(store, SubjectId("su_")) == []

    def test_the_newest_version_says_whose_it_is_and_since_when(self, store: Store) -> None:
        """A callback stands once."""
        first = make_callback("cb_1", subject_id=ADA, requested_at=START)
        second = make_callback("cb_2", subject_id=ADA, requested_at=START + SECOND)
        put(store, first, second)
        first = next_version(first, requested_at=START + 2 * SECOND)
        second = next_version(second, state=CallbackState.ENDED)
        put(store, first, second)
        assert _asked(store) == [first, second]
        first = next_version(first, subject_id=BEN)
        put(store, first)
        assert _asked(store) == [second]
        assert _asked(store, BEN) == [first]

    @EXAMPLES
    @given(drawn=st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=12), limit=st.integers(1, 14))
    def test_what_a_person_asked_is_a_plain_sort(
        self, store: Store, drawn: list[tuple[int, bool]], limit: int
    ) -> None:
        """It equals a naive filter and sort."""
        tenant_id = fresh_tenant()
        rows = [
            make_callback(
                f"cb_{n:02}",
                tenant_id=tenant_id,
                subject_id=ADA if is_hers else BEN,
                requested_at=START + second * SECOND,
            )
            for n, (second, is_hers) in enumerate(drawn)
        ]
        put(store, *rows, tenant_id=tenant_id)
        order = sorted(((second, n) for n, (second, is_hers) in enumerate(drawn) if is_hers), reverse=True)
        found = _asked(store, limit=limit, tenant_id=tenant_id)
        assert found == [rows[n] for _, n in order[:limit]]

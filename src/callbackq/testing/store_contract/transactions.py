"""Transactions: all or nothing, seen by itself at once and by others only whole, and safe between threads."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from callbackq import events
from callbackq.errors import StaleVersion, StoreUnavailable, UniquenessViolated
from callbackq.ids import AgentId, CallbackId, CallId, PlaceId, QueueName
from callbackq.model import AgentState, Ahead, CallbackState, CallState, LiveCall
from callbackq.ports import Commit, Store, Transaction
from callbackq.testing.builders import (
    QUEUE,
    make_agent,
    make_attempt,
    make_call,
    make_callback,
    make_event,
    make_queue_control,
    make_subject,
    next_version,
)
from callbackq.testing.clock import START
from callbackq.testing.store_contract.base import (
    KINDS,
    TENANT,
    THREADS,
    TIMEOUT_S,
    ContractBase,
    Kind,
    PlannedError,
    append,
    ask,
    at_once,
    each_kind,
    fail_after,
    put,
)

each_writing = pytest.mark.parametrize("commit", [Commit.RELAXED, Commit.FLUSHED])


class TransactionContract(ContractBase):
    """A transaction happens as a whole, or not at all."""

    # ------------------------------------------------------------------------ committing

    @each_writing
    def test_what_was_committed_is_seen_by_all(self, store: Store, commit: Commit) -> None:
        """However it was committed, a later transaction and another thread see it."""
        callback, event = make_callback("cb_1"), make_event(events.CallbackReady)
        with store.transaction(TENANT, commit=commit) as tx:
            tx.save(callback)
            tx.history.append([event])
        late = START + timedelta(days=9)
        seen = at_once(
            lambda _: ask(store, lambda tx: (*tx.callbacks.due(now=late, limit=9), *tx.history.all())),
            count=1,
        )
        assert seen == [(callback, event)]
        assert ask(store, lambda tx: tx.callbacks.get(CallbackId("cb_1"))) == callback

    def test_commits_of_different_strength_may_follow_each_other(self, store: Store) -> None:
        """Relaxed, flushed and reading transactions take turns and lose nothing."""
        for number in range(12):
            commit = (Commit.RELAXED, Commit.FLUSHED)[number % 2]
            with store.transaction(TENANT, commit=commit) as tx:
                tx.save(make_callback(f"cb_{number}", rank=number))
            assert ask(store, lambda tx: tx.line.waiting_count(QUEUE)) == number + 1

    def test_an_empty_block_is_no_error(self, store: Store) -> None:
        """A transaction that does nothing changes nothing."""
        for commit in Commit:
            with store.transaction(TENANT, commit=commit):
                pass
        assert ask(store, lambda tx: tx.line.is_empty())

    def test_writes_are_seen_by_later_reads_of_the_block(self, store: Store) -> None:
        """Rows, keys, the line, times, counts and history answer with what was just written."""
        callback, agent = (
            make_callback("cb_1", dedup_key="d", request_key="r", due_at=START),
            make_agent("mia"),
        )
        event = make_event(events.CallbackReady, callback_id=CallbackId("cb_1"))
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            tx.save(callback)
            tx.save(agent)
            tx.save(make_subject("su_1", identity="i"))
            tx.history.append([event])
            assert tx.callbacks.get(CallbackId("cb_1")) == callback
            assert tx.callbacks.active_by_dedup_key("d") == callback
            assert tx.callbacks.by_request_key("r") == callback
            assert tx.line.head(QUEUE, lanes=(0,)) == callback
            assert tx.line.waiting_count(QUEUE) == 1
            assert tx.callbacks.due(now=START, limit=1) == [callback]
            assert tx.next_due_at() == START
            assert tx.agents.available() == [agent]
            assert tx.agents.staffed_count(QUEUE) == 1
            assert tx.subjects.by_identity("i") == make_subject("su_1", identity="i")
            assert tx.history.of_callback(CallbackId("cb_1")) == [event]
            ended = next_version(callback, state=CallbackState.ENDED)
            tx.save(ended)
            assert tx.callbacks.active_by_dedup_key("d") is None
            assert tx.line.head(QUEUE, lanes=(0,)) is None
            assert tx.callbacks.due(now=START, limit=1) == []

    def test_new_orders_and_switches_are_seen_by_later_reads_of_the_block(self, store: Store) -> None:
        """What is open, what was last, what is switched, and whole stretches of the line."""
        call, attempt, control = make_call("call_1", rank=1), make_attempt("at_1"), make_queue_control(QUEUE)
        event = make_event(events.QueueSwitched)
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            for record in (call, make_callback("cb_1", rank=2), attempt, control):
                tx.save(record)
            tx.history.append([event])
            both = [call, make_callback("cb_1", rank=2)]
            fr = tx.lanes.intern(("fr",))
            assert tx.lanes.skills_of(fr) == ("fr",)
            assert tx.calls.open(QUEUE) == [call]
            assert tx.callbacks.open_count(QUEUE, limit=9) == 1
            assert tx.attempts.last_started(QUEUE, limit=9) == [attempt]
            assert tx.queues.find(QUEUE) == control
            assert tx.line.places(QUEUE, limit=9) == both
            assert tx.line.count_ahead(QUEUE, rank=3, place_id=PlaceId("z")) == Ahead(calls=1, callbacks=1)
            assert tx.history.of_queue(QueueName("queue_1")) == [event]
            taken = next_version(call, state=CallState.TAKEN, taken_at=START)
            ended = next_version(taken, state=CallState.ENDED, ended_at=START)
            tx.save(taken)
            assert tx.calls.last_taken(QUEUE, limit=9) == [taken]
            tx.save(ended)
            assert tx.calls.last_taken(QUEUE, limit=9) == tx.calls.last_ended(QUEUE, limit=9) == [ended]
            assert tx.calls.open(QUEUE) == []
            assert tx.line.places(QUEUE, limit=9) == both[1:]

    # ------------------------------------------------------------------------ undoing

    @each_kind
    @each_writing
    def test_an_exception_undoes_a_new_row(self, store: Store, kind: Kind, commit: Commit) -> None:
        """Nothing of an inserted row is left, in any table."""
        with pytest.raises(PlannedError):
            fail_after(store, lambda tx: tx.save(kind.make("x_1")), commit=commit)
        with pytest.raises(kind.not_found):
            ask(store, lambda tx: kind.get(tx, "x_1"))
        put(store, kind.make("x_1"))

    @each_kind
    @each_writing
    def test_an_exception_undoes_a_changed_row(self, store: Store, kind: Kind, commit: Commit) -> None:
        """A row that was changed several times stands as before the block."""
        row = kind.make("x_1")
        put(store, row)

        def change_twice(tx: Transaction) -> None:
            second = next_version(row, **kind.change)
            tx.save(second)
            tx.save(next_version(second))

        with pytest.raises(PlannedError):
            fail_after(store, change_twice, commit=commit)
        assert ask(store, lambda tx: kind.get(tx, "x_1")) == row

    def test_an_exception_undoes_every_order_and_count(self, store: Store) -> None:
        """Line, times, agents, lanes and history answer as before the block."""
        callback, agent = make_callback("cb_1", rank=5, due_at=START), make_agent("mia")
        put(store, callback, agent)
        append(store, make_event(events.CallbackReady))

        def write_everywhere(tx: Transaction) -> None:
            tx.save(next_version(callback, state=CallbackState.ENDED))
            tx.save(make_call("call_1", rank=1, due_at=START - timedelta(days=1)))
            tx.save(next_version(agent, state=AgentState.SIGNED_OUT))
            tx.save(make_agent("noa"))
            tx.history.append([make_event(events.CallbackReady), make_event(events.CallJoined)])
            tx.lanes.intern(("fr",))

        with pytest.raises(PlannedError):
            fail_after(store, write_everywhere)
        with store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
            assert tx.line.head(QUEUE, lanes=(0,)) == callback
            assert tx.line.waiting_count(QUEUE) == 1
            assert tx.line.count_ahead(QUEUE, rank=9, place_id=PlaceId("z")) == Ahead(callbacks=1)
            assert tx.next_due_at() == START
            assert tx.agents.available() == [agent]
            assert tx.agents.staffed_count(QUEUE) == 1
            assert tx.lanes.served_by(("fr",)) == (0,)
            assert tx.history.all() == [make_event(events.CallbackReady)]
            assert tx.history.of_callback(CallbackId("callback_id_1")) == [make_event(events.CallbackReady)]

    def test_an_exception_undoes_what_was_last_open_or_switched(self, store: Store) -> None:
        """Every list by time, every open row, every switch and every set of skills is as before the block."""
        callback, call = make_callback("cb_1"), make_call("call_1")
        attempt, control = make_attempt("at_1"), make_queue_control(QUEUE, reason="lunch")
        put(store, callback, call, attempt, control)
        append(store, make_event(events.QueueSwitched))

        def write_everywhere(tx: Transaction) -> None:
            tx.save(next_version(callback, state=CallbackState.ENDED, ended_at=START))
            taken = next_version(call, state=CallState.TAKEN, taken_at=START)
            tx.save(taken)
            tx.save(next_version(taken, state=CallState.ENDED, ended_at=START))
            tx.save(make_callback("cb_2"))
            tx.save(make_call("call_2"))
            tx.save(make_attempt("at_2", started_at=START + timedelta(days=1)))
            tx.save(next_version(attempt, started_at=START + timedelta(days=2)))
            tx.save(next_version(control, dialing_paused=True))
            tx.history.append([make_event(events.QueueSwitched)])
            undone.append(tx.lanes.intern(("fr",)))

        undone: list[int] = []
        with pytest.raises(PlannedError):
            fail_after(store, write_everywhere)
        with store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
            assert tx.callbacks.open_count(QUEUE, limit=9) == 1
            assert tx.callbacks.last_ended(QUEUE, limit=9) == []
            assert tx.calls.open(QUEUE) == [call]
            assert tx.calls.last_taken(QUEUE, limit=9) == tx.calls.last_ended(QUEUE, limit=9) == []
            assert tx.attempts.last_started(QUEUE, limit=9) == [attempt]
            assert tx.queues.find(QUEUE) == control
            assert len(tx.line.places(QUEUE, limit=9)) == 2
            assert len(tx.history.of_queue(QueueName("queue_1"))) == 1
            with pytest.raises(LookupError):
                tx.lanes.skills_of(undone[0])

    def test_an_exception_gives_keys_back(self, store: Store) -> None:
        """A key taken or let go in an undone block is as it was."""
        holder = make_callback("cb_1", dedup_key="held")
        put(store, holder)

        def move_keys(tx: Transaction) -> None:
            tx.save(next_version(holder, state=CallbackState.ENDED))
            tx.save(make_callback("cb_2", dedup_key="held"))
            tx.save(make_callback("cb_3", dedup_key="new", request_key="r"))

        with pytest.raises(PlannedError):
            fail_after(store, move_keys)
        assert ask(store, lambda tx: tx.callbacks.active_by_dedup_key("held")) == holder
        with pytest.raises(UniquenessViolated):
            put(store, make_callback("cb_2", dedup_key="held"))
        put(store, make_callback("cb_4", dedup_key="new", request_key="r"))

    @pytest.mark.parametrize("error", [PlannedError, KeyboardInterrupt, StopIteration, SystemExit])
    def test_whatever_leaves_the_block_undoes_it_and_goes_on(
        self, store: Store, error: type[BaseException]
    ) -> None:
        """The exception itself comes out, and the store can be used again."""
        raised = error("planned")
        with pytest.raises(error) as caught:
            fail_after(store, lambda tx: tx.save(make_callback("cb_1")), error=raised)
        assert caught.value is raised
        assert ask(store, lambda tx: tx.line.is_empty())
        put(store, make_callback("cb_1"))

    def test_a_refused_save_that_is_not_caught_undoes_the_block(self, store: Store) -> None:
        """A conflict anywhere undoes what came before it."""
        put(store, make_callback("cb_1"))
        with pytest.raises(UniquenessViolated):
            put(store, make_callback("cb_2"), make_callback("cb_1"))
        assert ask(store, lambda tx: tx.line.waiting_count(QUEUE)) == 1

    def test_leaving_early_commits(self, store: Store) -> None:
        """A return out of the block is no failure."""

        def save_and_return() -> str:
            with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
                tx.save(make_callback("cb_1"))
                return "done"

        assert save_and_return() == "done"
        assert ask(store, lambda tx: tx.line.waiting_count(QUEUE)) == 1

    # ------------------------------------------------------------------------ reading only

    @each_kind
    def test_a_reading_transaction_refuses_to_save(self, store: Store, kind: Kind) -> None:
        """READ_ONLY means it, with a clear error."""
        with pytest.raises(RuntimeError, match="READ_ONLY"):
            ask(store, lambda tx: tx.save(kind.make("x_1")))
        with pytest.raises(kind.not_found):
            ask(store, lambda tx: kind.get(tx, "x_1"))

    def test_a_reading_transaction_refuses_events(self, store: Store) -> None:
        """History is written with rows, never while reading."""
        with pytest.raises(RuntimeError, match="READ_ONLY"):
            ask(store, lambda tx: tx.history.append([make_event(events.CallbackReady)]))
        assert ask(store, lambda tx: tx.history.all()) == []

    # ------------------------------------------------------------------------ misuse

    @pytest.mark.parametrize("inner", list(Commit))
    def test_a_transaction_inside_another_is_refused(self, store: Store, inner: Commit) -> None:
        """The same thread is told at once, instead of waiting for itself; the outer block goes on."""
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            tx.save(make_callback("cb_1"))
            with pytest.raises(RuntimeError, match="transaction"), store.transaction(TENANT, commit=inner):
                pass
            tx.save(make_callback("cb_2"))
        assert ask(store, lambda tx: tx.line.waiting_count(QUEUE)) == 2

    def test_a_transaction_that_is_over_cannot_be_used(self, store: Store) -> None:
        """Neither to read nor to write."""
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            line = tx.line
        with pytest.raises(RuntimeError, match="over"):
            tx.save(make_callback("cb_1"))
        with pytest.raises(RuntimeError, match="over"):
            line.is_empty()
        assert ask(store, lambda tx: tx.line.is_empty())

    def test_closing_twice_is_no_error(self, store: Store) -> None:
        """Whoever shuts down need not know whether somebody else did."""
        store.close()
        store.close()

    def test_a_closed_store_is_unavailable(self, store: Store) -> None:
        """A transaction of a closed store says so."""
        store.close()
        with pytest.raises(StoreUnavailable), store.transaction(TENANT, commit=Commit.READ_ONLY):
            pass

    def test_a_store_cannot_be_closed_inside_a_transaction(self, store: Store) -> None:
        """The thread that has one open is told, and the block goes on."""
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            with pytest.raises(RuntimeError, match="transaction"):
                store.close()
            tx.save(make_callback("cb_1"))
        assert ask(store, lambda tx: tx.line.waiting_count(QUEUE)) == 1

    def test_the_pepper_is_32_bytes_and_stays(self, store: Store) -> None:
        """The digests of numbers stay comparable."""
        pepper = store.pepper
        put(store, make_callback("cb_1"))
        assert len(pepper) == 32
        assert store.pepper == pepper


class ThreadContract(ContractBase):
    """One store serves many threads."""

    def test_one_of_many_gets_the_dedup_key(self, store: Store) -> None:
        """Of sixteen threads that ask for one person at once, one makes the callback."""

        def request(number: int) -> bool:
            try:
                put(store, make_callback(f"cb_{number}", dedup_key="d"))
            except UniquenessViolated:
                return False
            return True

        assert sorted(at_once(request)) == [*[False] * (THREADS - 1), True]
        assert ask(store, lambda tx: tx.line.waiting_count(QUEUE)) == 1

    def test_compare_and_set_loses_no_increment(self, store: Store) -> None:
        """Whoever was late reads again; in the end all have counted."""
        put(store, make_call("call_1"))
        rounds = 10

        def count(_: int) -> None:
            for _round in range(rounds):
                while True:
                    call = ask(store, lambda tx: tx.calls.get(CallId("call_1")))
                    try:
                        put(store, next_version(call, offers_count=call.offers_count + 1))
                    except StaleVersion:
                        continue
                    break

        at_once(count)
        call = ask(store, lambda tx: tx.calls.get(CallId("call_1")))
        assert (call.offers_count, call.version) == (THREADS * rounds, THREADS * rounds + 1)

    def test_every_place_is_claimed_once(self, store: Store) -> None:
        """Threads that claim the head in one transaction each get different places, and all are served."""
        put(store, *(make_call(f"call_{number:03}", rank=number) for number in range(60)))

        def claim(_: int) -> list[str]:
            taken: list[str] = []
            while True:
                with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
                    head = tx.line.head(QUEUE, lanes=(0,))
                    if head is None:
                        return taken
                    assert isinstance(head, LiveCall)
                    tx.save(next_version(head, state=CallState.TAKEN))
                taken.append(head.call_id)

        taken = at_once(claim)
        assert all(each == sorted(each) for each in taken)
        assert sorted(call_id for each in taken for call_id in each) == [f"call_{n:03}" for n in range(60)]

    def test_no_event_is_lost_between_threads(self, store: Store) -> None:
        """All events are there, and each thread's own stand in its order."""

        def write(number: int) -> None:
            for version in range(5):
                append(
                    store, make_event(events.AgentAvailable, agent_id=AgentId(f"a{number}"), version=version)
                )

        at_once(write)
        with store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
            assert len(tx.history.all()) == THREADS * 5
            for number in range(THREADS):
                own = tx.history.of_agent(AgentId(f"a{number}"))
                assert [event.version for event in own] == list(range(5))

    def test_a_set_of_skills_has_one_number_for_all_threads(self, store: Store) -> None:
        """Interning at once gives one lane."""

        def intern(_: int) -> int:
            with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
                return tx.lanes.intern(("fr", "vip"))

        assert len(set(at_once(intern))) == 1

    def test_nobody_sees_what_is_not_committed(self, store: Store) -> None:
        """A reader in another thread sees what was before, however long it has to wait for that."""
        row = make_callback("cb_1")
        put(store, row)
        is_written = threading.Event()

        is_asking = threading.Event()

        def write_and_wait(tx: Transaction) -> None:
            tx.save(next_version(row, state=CallbackState.ENDED))
            is_written.set()
            is_asking.wait(TIMEOUT_S)

        def work(number: int) -> object:
            if number == 0:
                with pytest.raises(PlannedError):
                    fail_after(store, write_and_wait)
                return None
            is_written.wait(TIMEOUT_S)
            is_asking.set()
            return ask(store, lambda tx: tx.callbacks.get(CallbackId("cb_1")))

        assert at_once(work, count=2)[1] == row

    def test_all_tables_can_be_writtenat_once(self, store: Store) -> None:
        """Sixteen threads write to all tables; all of it is there."""
        at_once(lambda number: put(store, *(kind.make(f"x_{number}") for kind in KINDS)))
        with store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
            for number in range(THREADS):
                assert [kind.get(tx, f"x_{number}").version for kind in KINDS] == [1] * len(KINDS)

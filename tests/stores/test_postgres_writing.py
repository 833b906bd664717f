"""What a transaction in PostgreSQL asks for once, and writes at once: it comes to the same as one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from datetime import timedelta
from threading import Thread
from typing import Any

import attrs
import pytest

from callbackq import (
    AgentState,
    AttemptState,
    CallbackService,
    CallbackState,
    Commit,
    Conflict,
    QueuePolicy,
    StaleVersion,
    UniquenessViolated,
    events,
)
from callbackq.errors import InvalidText
from callbackq.ids import AgentId, AttemptId, CallbackId, LegId
from callbackq.model import Agent, Attempt, Callback
from callbackq.ports import CanSaveAll, CanWorkAhead, Transaction
from callbackq.stores import PostgresStore, postgres_ready
from callbackq.stores.postgres_connections import own_connection
from callbackq.stores.postgres_ready import Ready
from callbackq.stores.postgres_session import Session
from callbackq.testing import START, ManualClock
from callbackq.testing.builders import (
    QUEUE,
    make_agent,
    make_attempt,
    make_callback,
    make_event,
    make_subject,
    next_version,
)
from callbackq.testing.store_contract.base import TENANT, ask, put
from stores.postgres_server import admin, fresh_store

AT = AttemptId("at_1")
CB = CallbackId("cb_1")
ANN = AgentId("ann")


@pytest.fixture
def store() -> Iterator[PostgresStore]:
    """A store that holds nothing."""
    with fresh_store() as opened:
        yield opened


@pytest.fixture
def journeys(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that were run, as they are run."""
    asked: list[str] = []
    for name in ("fetch", "put", "put_together", "write", "write_all"):
        run = getattr(Session, name)

        def watched(session: Any, statement: str, *rest: Any, run: Any = run) -> Any:
            asked.append(statement)
            return run(session, statement, *rest)

        monkeypatch.setattr(Session, name, watched)
    return asked


def save_all(tx: Transaction, *records: Any, told: tuple[Any, ...] = ()) -> None:
    """Write a decision."""
    assert isinstance(tx, CanSaveAll)
    tx.save_all(records, told)


def begun() -> tuple[Callback, Attempt, Agent]:
    """What stands in the store when an attempt was begun."""
    return (
        make_callback(CB, state=CallbackState.ATTEMPTING, attempt_id=AT),
        make_attempt(AT, callback_id=CB, agent_id=ANN),
        make_agent(ANN, state=AgentState.RESERVED, attempt_id=AT),
    )


def ended(callback: Callback, attempt: Attempt, agent: Agent) -> tuple[Callback, Attempt, Agent]:
    """What stands there when it is over."""
    over: dict[str, Any] = {"ended_at": START, "due_at": None, "due_reason": None}
    return (
        next_version(callback, state=CallbackState.ENDED, **over),
        next_version(attempt, state=AttemptState.ENDED, **over),
        next_version(agent, state=AgentState.AVAILABLE, attempt_id=None),
    )


def told_of(version: int) -> tuple[Any, ...]:
    """One event of each."""
    return (
        make_event(events.CallbackReady, callback_id=CB, version=version),
        make_event(events.AgentAvailable, agent_id=ANN, version=version),
    )


def test_a_decision_is_one_statement_and_comes_to_the_same(store: PostgresStore, journeys: list[str]) -> None:
    """Rows, history and chain are those that each part would have written by itself."""
    first, told = begun(), (told_of(1), told_of(2))
    second = ended(*first)
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        save_all(tx, *first, told=told[0])
        save_all(tx, *second, told=told[1])
    assert len(journeys) == 2
    with fresh_store() as other:
        with other.transaction(TENANT, commit=Commit.FLUSHED) as tx:
            for records, events_told in ((first, told[0]), (second, told[1])):
                for record in records:
                    tx.save(record)
                tx.history.append(events_told)
        both = [
            ask(
                each,
                lambda tx: (
                    [tx.callbacks.get(CB), tx.attempts.get(AT), tx.agents.get(ANN)],
                    [(link.event, link.digest) for link in tx.history.links(limit=10)],
                ),
            )
            for each in (store, other)
        ]
    assert both[0] == both[1]
    assert both[0][0] == list(second)


def test_a_refused_part_undoes_the_whole_decision(store: PostgresStore) -> None:
    """Also for who catches it: half a decision is never committed."""
    callback, attempt, agent = begun()
    put(store, callback, attempt, agent)
    stale = attrs.evolve(agent, version=5)
    with (
        pytest.raises(Conflict, match="undid"),
        store.transaction(TENANT, commit=Commit.FLUSHED) as tx,
        suppress(StaleVersion),
    ):
        save_all(tx, next_version(callback), stale, told=told_of(2))
    with (
        pytest.raises(StaleVersion, match="ann: version 5 was to be written, but version 1 is stored"),
        store.transaction(TENANT, commit=Commit.FLUSHED) as tx,
    ):
        save_all(tx, next_version(callback), stale, told=told_of(2))
    assert ask(store, lambda tx: (tx.callbacks.get(CB).version, tx.history.all())) == (1, [])


def test_a_key_that_is_taken_is_named(store: PostgresStore) -> None:
    """As it is for a record that is saved by itself."""
    put(store, make_attempt("at_0", number_key="key"))
    with (
        pytest.raises(UniquenessViolated, match=r"at_1: another attempt .* holds this number key"),
        store.transaction(TENANT, commit=Commit.FLUSHED) as tx,
    ):
        save_all(tx, make_attempt(AT, number_key="key", callback_id=CB), make_agent(ANN))


def test_two_records_of_a_table_see_each_other(store: PostgresStore) -> None:
    """They are written one after the other, and so are two events of one record."""
    over = ended(*begun())[1]
    put(store, attrs.evolve(over, version=1, number_key="key"))
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        told = (told_of(1)[0], told_of(2)[0])
        save_all(
            tx, make_attempt("at_2", number_key="key"), make_attempt("at_3", callback_id="cb_3"), told=told
        )
    assert ask(store, lambda tx: [link.event_number for link in tx.history.links(limit=9)]) == [1, 2]
    with (
        pytest.raises(UniquenessViolated, match="number key"),
        store.transaction(TENANT, commit=Commit.FLUSHED) as tx,
    ):
        save_all(
            tx, make_attempt("at_4", number_key="n", callback_id="cb_4"), make_attempt("at_5", number_key="n")
        )


def test_only_what_has_changed_is_written_and_all_of_it_is_read(
    store: PostgresStore, journeys: list[str]
) -> None:
    """A row that was read is known: the statement names the columns that differ, and checks no key that is the same."""
    put(store, *begun())
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        before = tx.callbacks.get(CB)
        journeys.clear()
        tx.save(next_version(before, due_at=START + timedelta(hours=2)))
        assert journeys[0].startswith("UPDATE callbackq_callbacks SET version = $1, due_at = $2 WHERE")
        tx.save(attrs.evolve(before, version=3, dedup_key="another"))
        assert "NOT EXISTS" in journeys[1]
    assert ask(store, lambda tx: tx.callbacks.get(CB)) == attrs.evolve(before, version=3, dedup_key="another")


def test_a_row_is_asked_for_once_and_seen_as_it_was_written(
    store: PostgresStore, journeys: list[str]
) -> None:
    """Within a transaction; the next one asks again."""
    put(store, *begun(), make_subject("su_1"))
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        journeys.clear()
        attempt = tx.attempts.by_leg(LegId("leg_at_1_agent")) or tx.attempts.get(AT)
        assert tx.callbacks.get(attempt.callback_id) == tx.callbacks.get(attempt.callback_id)
        assert tx.agents.find(AgentId("nobody")) is tx.agents.find(AgentId("nobody")) is None
        asked_count = len(journeys)
        tx.save(next_version(tx.callbacks.get(CB), due_at=START + timedelta(hours=3)))
        assert tx.callbacks.get(CB).due_at == START + timedelta(hours=3)
        assert len(journeys) == asked_count + 1
    with pytest.raises(RuntimeError, match="over"):
        tx.callbacks.get(CB)
    assert ask(store, lambda tx: tx.callbacks.get(CB)).version == 2


def test_an_attempt_comes_with_all_that_is_looked_at(store: PostgresStore, journeys: list[str]) -> None:
    """By its leg: the callback, the person and the agent, in one journey."""
    callback, attempt, agent = begun()
    person = make_subject(attempt.subject_id)
    put(store, callback, attempt, agent, person)
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        journeys.clear()
        assert tx.attempts.by_leg(attempt.customer_leg_id) == attempt
        assert tx.callbacks.get(CB) == callback
        assert tx.subjects.get(attempt.subject_id) == person
        assert tx.agents.get(ANN) == agent
    assert len(journeys) == 1


def test_who_looks_for_work_asks_once_what_there_is(store: PostgresStore, journeys: list[str]) -> None:
    """And sees what it writes itself, as if it had asked each time."""
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        assert tx.agents.due(now=START, limit=9) == []
        assert tx.callbacks.due(now=START, limit=9) == []
        assert tx.attempts.due(now=START, limit=9, queues=[QUEUE]) == []
        assert tx.line.is_empty()
        assert tx.attempts.wanting_agent() == []
        assert tx.agents.available() == []
        assert tx.line.head(QUEUE, lanes=(0,)) is None
        assert len(journeys) == 1
        waiting = make_callback(CB, due_at=START)
        tx.save(waiting)
        tx.save(make_agent(ANN, due_at=START))
        tx.save(make_attempt(AT, agent_id=None, callback_id="cb_2", due_at=START))
        assert tx.callbacks.due(now=START, limit=9) == [waiting]
        assert [agent.agent_id for agent in tx.agents.due(now=START, limit=9)] == [ANN]
        assert [attempt.attempt_id for attempt in tx.attempts.due(now=START, limit=9)] == [AT]
        assert [attempt.attempt_id for attempt in tx.attempts.wanting_agent()] == [AT]
        assert [agent.agent_id for agent in tx.agents.available()] == [ANN]
        assert not tx.line.is_empty()
        assert tx.line.head(QUEUE, lanes=(0,)) == waiting


def test_the_next_head_is_known_when_the_first_has_gone(store: PostgresStore, journeys: list[str]) -> None:
    """As many are read at once as there are free agents; one who comes to stand before them is seen."""
    for number in range(4):
        put(
            store,
            make_callback(f"cb_{number}", rank=number, place_id=f"pl_{number}", subject_id=f"su_{number}"),
        )
        put(store, make_agent(f"agent_{number}"), make_subject(f"su_{number}"))
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        assert len(tx.agents.available()) == 4
        journeys.clear()
        for number in range(3):
            head = tx.line.head(QUEUE, lanes=(0,), calls_only=False)
            assert isinstance(head, Callback)
            assert head.callback_id == f"cb_{number}"
            assert tx.callbacks.of_subject(head.subject_id, limit=5) == [head]
            taken = next_version(head, state=CallbackState.ATTEMPTING)
            tx.save(taken)
            assert tx.callbacks.of_subject(head.subject_id, limit=5) == [taken]
        assert (
            sum("unnest" in statement and "callbackq_callbacks" in statement for statement in journeys) == 1
        )
        tx.save(make_callback("cb_new", rank=-1, place_id="pl_new", subject_id="su_0"))
        head = tx.line.head(QUEUE, lanes=(0,))
        assert head is not None
        assert head.place_id == "pl_new"
        assert {
            one.callback_id for one in tx.callbacks.of_subject(make_subject("su_0").subject_id, limit=5)
        } == {
            "cb_0",
            "cb_new",
        }


def test_a_function_of_the_host_is_not_taken_for_the_servers(store: PostgresStore) -> None:
    """The server prefers one that fits more closely, wherever it is. The digest of an event is no affair of it."""
    function = f'"{store._schema}".concat(text, text, text)'
    admin().execute(f"CREATE FUNCTION {function} RETURNS text LANGUAGE sql AS $$ SELECT 'another' $$")
    try:
        service = CallbackService(store, [QueuePolicy(queue="support")], clock=ManualClock())
        service.request("support", number="+12125550101")
    finally:
        admin().execute(f"DROP FUNCTION {function}")
    assert service.verify_history().is_whole


# ---------------------------------------------------------------------------- ahead


def many(count: int) -> list[tuple[Callback, Attempt, Agent]]:
    """What stands in the store when several attempts were begun."""
    return [
        (
            make_callback(
                f"cb_{n}", state=CallbackState.ATTEMPTING, attempt_id=f"at_{n}", subject_id=f"su_{n}"
            ),
            make_attempt(f"at_{n}", callback_id=f"cb_{n}", agent_id=f"agent_{n}", subject_id=f"su_{n}"),
            make_agent(f"agent_{n}", state=AgentState.RESERVED, attempt_id=f"at_{n}"),
        )
        for n in range(count)
    ]


def told_to(number: int, version: int) -> Any:
    return make_event(events.CallbackReady, callback_id=f"cb_{number}", version=version)


def ready_for(store: PostgresStore, *, times: int = 2) -> None:
    """Let the connection prepare the statement that moves a callback."""
    for _ in range(times):
        with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
            callback = tx.callbacks.get(CallbackId("cb_0"))
            told = (told_to(0, callback.version + 1),)
            save_all(tx, next_version(callback, due_at=callback.due_at), told=told)


@pytest.fixture
def pipelined(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many statements were run in each journey of several."""
    counts: list[int] = []
    run = Ready.fetch_each

    def counted(ready: Ready, connection: Any, asked: Any) -> Any:
        found = run(ready, connection, asked)
        if found is not None:
            counts.append(len(asked))
        return found

    monkeypatch.setattr(Ready, "fetch_each", counted)
    return counts


def test_what_reports_look_at_is_read_at_once(store: PostgresStore, journeys: list[str]) -> None:
    """Of all legs: the attempts, callbacks, persons and agents. A leg of nobody is asked for when it is needed."""
    begun_all = many(3)
    for callback, attempt, agent in begun_all:
        put(store, callback, attempt, agent, make_subject(attempt.subject_id))
    journeys.clear()
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        legs = [leg for _, attempt, _ in begun_all for leg in (attempt.agent_leg_id, attempt.customer_leg_id)]
        tx.work_ahead([leg for leg in (*legs, LegId("leg_of_nobody")) if leg is not None])
        for callback, attempt, agent in begun_all:
            assert tx.attempts.by_leg(attempt.customer_leg_id) == attempt
            assert tx.callbacks.get(callback.callback_id) == callback
            assert tx.subjects.get(attempt.subject_id) == make_subject(attempt.subject_id)
            assert tx.agents.get(agent.agent_id) == agent
        assert len(journeys) == 1
        moved = next_version(begun_all[0][1], state=AttemptState.AGENT_ON_LINE)
        tx.save(moved)
        assert tx.attempts.by_leg(moved.customer_leg_id) == moved
        assert tx.attempts.by_leg(LegId("leg_of_nobody")) is None


def test_decisions_wait_for_the_next_question_and_go_in_one_journey(
    store: PostgresStore, pipelined: list[int]
) -> None:
    """Whatever is asked sees them, and so does everybody after the end; the chains are whole."""
    begun_all = many(4)
    for records in begun_all:
        put(store, *records)
    ready_for(store)
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        tx.work_ahead()
        for number, (callback, _, _) in enumerate(begun_all[1:], start=1):
            tx.callbacks.get(callback.callback_id)
            save_all(tx, next_version(callback, due_at=callback.due_at), told=(told_to(number, 2),))
        assert tx.callbacks.get(CallbackId("cb_3")).version == 2
        assert tx.callbacks.by_request_key("\0") is None
        assert [link.event_number for link in tx.history.links(limit=9)] == [1, 2, 1, 1, 1]
        last = next_version(tx.callbacks.get(CallbackId("cb_3")))
        save_all(tx, attrs.evolve(last, due_at=begun_all[3][0].due_at), told=(told_to(3, 3),))
    assert ask(store, lambda tx: tx.callbacks.get(CallbackId("cb_3")).version) == 3
    assert ask(store, lambda tx: [link.event_number for link in tx.history.links(limit=9)]) == [
        1,
        2,
        1,
        1,
        1,
        2,
    ]
    assert pipelined == [2, 2]  # A decision, and the question behind it.


def move(tx: Any, *numbers: int, meanwhile: Callable[[], object] = list) -> None:
    """Move callbacks, each in a decision of its own, when something was done after they were read."""
    tx.work_ahead()
    callbacks = [tx.callbacks.get(CallbackId(f"cb_{number}")) for number in numbers]
    meanwhile()
    for number, callback in zip(numbers, callbacks, strict=True):
        told = (told_to(number, callback.version + 1),)
        save_all(tx, next_version(callback, due_at=callback.due_at), told=told)


def move_and_be_refused(tx: Any, *, asks: bool = False, catches: bool = False) -> None:
    """Move two, and one that is stored otherwise."""
    move(tx, 0, 2)
    save_all(tx, make_callback("cb_1", version=5), told=(told_to(1, 5),))
    with suppress(StaleVersion) if catches else nullcontext():
        if asks or catches:
            tx.history.all()


def save_ahead(store: PostgresStore, *records: Any) -> None:
    """Write each in a decision of its own, all of which are put off."""
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        tx.work_ahead()
        for record in records:
            save_all(tx, record)


def test_what_is_put_off_is_refused_later_and_undoes_all(store: PostgresStore) -> None:
    """By the next question, or by the end; what another has written meanwhile is named as ever."""
    for records in many(3):
        put(store, *records)
    ready_for(store)
    before = ask(store, lambda tx: tx.history.all())
    for asks in (False, True):
        with (
            pytest.raises(StaleVersion, match="cb_1: version 5 was to be written, but version 1 is stored"),
            store.transaction(TENANT, commit=Commit.FLUSHED) as tx,
        ):
            move_and_be_refused(tx, asks=asks)
    with pytest.raises(Conflict, match="undid"), store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        move_and_be_refused(tx, catches=True)
    assert ask(store, lambda tx: tx.history.all()) == before


def test_a_row_that_was_changed_meanwhile_is_a_conflict_of_all(
    store: PostgresStore, pipelined: list[int]
) -> None:
    """The server itself refuses one of several that are on their way: nothing of the transaction is written."""
    for records in many(3):
        put(store, *records)
    ready_for(store)

    def another() -> None:
        with store.transaction(TENANT, commit=Commit.FLUSHED) as other:
            move(other, 1)

    def meanwhile() -> None:
        thread = Thread(target=another)
        thread.start()
        thread.join()

    with (
        pytest.raises(StaleVersion, match="cb_1: another transaction has changed the row"),
        store.transaction(TENANT, commit=Commit.FLUSHED) as tx,
    ):
        move(tx, 0, 1, 2, meanwhile=meanwhile)
    assert pipelined == [3]
    versions = ask(store, lambda tx: [tx.callbacks.get(CallbackId(f"cb_{n}")).version for n in range(3)])
    assert versions == [3, 2, 1]


def test_a_text_that_cannot_be_stored_undoes_what_goes_with_it(store: PostgresStore) -> None:
    """It is found when the decisions are sent: none of them is, whichever it was."""
    for prepared in (False, True):
        if prepared:
            write_some(store, 3)
        for text in ("\0", "\ud800"):
            with pytest.raises(InvalidText):
                save_ahead(
                    store, make_callback("cb_8", request_key="key"), make_callback(CB, request_key=text)
                )
    assert ask(store, lambda tx: tx.callbacks.by_request_key("key")) is None


def write_some(store: PostgresStore, count: int) -> None:
    """Let a connection prepare the statement that makes a callback; leave none."""
    for number in range(count):
        with suppress(ZeroDivisionError), store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
            save_all(tx, make_callback(f"cb_w{number}"))
            raise ZeroDivisionError


def test_more_than_can_wait_are_sent_before_the_end(store: PostgresStore, pipelined: list[int]) -> None:
    """A long transaction keeps few of them; and a driver without pipelines writes the same."""
    write_some(store, 3)
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        tx.work_ahead()
        for number in range(100):
            save_all(tx, make_callback(f"cb_{number}", place_id=f"pl_{number}", rank=number))
        assert pipelined == [64]
    assert pipelined == [64, 36]
    assert ask(store, lambda tx: tx.callbacks.open_count(QUEUE, limit=200)) == 100


def test_an_old_library_does_the_same_in_more_journeys(
    store: PostgresStore, pipelined: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One by one; and what is refused is told with its name."""
    old = attrs.evolve(postgres_ready.driver(), has_pipelines=False)
    monkeypatch.setattr(postgres_ready, "driver", lambda: old)
    write_some(store, 3)
    save_ahead(store, *(make_callback(f"cb_{number}") for number in range(5)))
    with pytest.raises(UniquenessViolated, match="cb_2: another row has this id"):
        save_ahead(store, make_callback("cb_7"), make_callback("cb_2"))
    assert pipelined == []
    assert ask(store, lambda tx: tx.callbacks.open_count(QUEUE, limit=200)) == 5


def test_who_only_reads_puts_nothing_off(store: PostgresStore) -> None:
    """Nor does anybody after the end."""
    with (
        pytest.raises(RuntimeError, match="READ_ONLY"),
        store.transaction(TENANT, commit=Commit.READ_ONLY) as tx,
    ):
        tx.work_ahead()
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        assert isinstance(tx, CanWorkAhead)
    with pytest.raises(RuntimeError, match="over"):
        tx.work_ahead()


def test_an_interrupted_journey_leaves_a_connection_that_is_not_used_again(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows what the answers are of that may be left on it: nothing is written, and the next one is well."""
    write_some(store, 3)
    wait = own_connection().wait

    def interrupted(connection: Any, asking: Any, *rest: Any, **named: Any) -> Any:
        if connection.pgconn.pipeline_status:
            next(asking, None)
            raise KeyboardInterrupt
        return wait(connection, asking, *rest, **named)

    with monkeypatch.context() as patched:
        patched.setattr(own_connection(), "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            save_ahead(store, *(make_callback(f"cb_{number}") for number in range(3)))
    assert ask(store, lambda tx: tx.callbacks.open_count(QUEUE, limit=9)) == 0
    put(store, make_callback("cb_1"))
    assert ask(store, lambda tx: tx.callbacks.open_count(QUEUE, limit=9)) == 1

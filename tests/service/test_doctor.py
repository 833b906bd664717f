"""The doctor finds what is made wrong, and nothing while all is well: on every store, also while the engine runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from callbackq import (
    DEFAULT_TENANT,
    CallbackService,
    Commit,
    Diagnosis,
    Entity,
    FindingKind,
    FixedSeats,
    MemoryStore,
    QueueName,
    Severity,
    SlotPolicy,
    SQLiteStore,
    Store,
    aio,
)
from callbackq.errors import ConfigurationError, StoreUnavailable
from callbackq.events import CallbackReady
from callbackq.ids import AgentId, AttemptId, CallbackId, SubjectId
from callbackq.model import (
    AttemptState,
    CallbackState,
    ChainHead,
    Disposition,
    DueReason,
    MessageState,
    NodeState,
    Outcome,
)
from callbackq.service import doctoring
from callbackq.simulation.storm import Storm
from callbackq.stores.postgres import PostgresStore
from callbackq.testing import NEVER_ANSWERS, ManualClock, VirtualHost
from callbackq.testing.builders import make_callback, make_event, make_node
from service.letters import NOON, post_office
from service.scenes import BOB, DAN, EVE, HOUR, KIM, MINUTE, ZERO, promised
from stores.postgres_server import admin, conninfo, fresh_schema

DAY = timedelta(days=1)
Kind = FindingKind


# ---------------------------------------------------------------------------- a house in which all is well


class House:
    """
    A house at a moment at which something of each kind is open.

    A callback is being attempted, with an agent reserved; one waits in a queue that nobody serves; one is booked; one
    was called off; and their messages.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.host: VirtualHost = post_office(store, slots=SlotPolicy(seats=FixedSeats(seats=2)))
        service = self.host.service
        self.waiting = promised(self.host, EVE, queue="sales")
        slot = service.free_slots("support", limit=5)[-1].starts_at
        self.booked = promised(self.host, DAN, scheduled_at=slot)
        self.over = promised(self.host, KIM)
        service.cancel(self.over)
        service.agent_available("ann", queues=["support"])
        self.host.telephony.person(BOB, NEVER_ANSWERS)
        self.tried = promised(self.host, BOB)
        self.host.run_for(ZERO)
        self.attempt_id = service.get(self.tried).attempt_id
        self.message_id = service.messages_of(self.waiting)[0].message_id
        assert service.get(self.tried).state is CallbackState.ATTEMPTING

    def doctor(
        self, *, later: timedelta = ZERO, queues: tuple[str, ...] = ("support", "sales"), **how: Any
    ) -> Diagnosis:
        """Call the doctor, with policies for these queues. What a test server's settings are is left out."""
        policies = [one for name, one in self.host.service.policies.items() if name in queues]
        service = CallbackService(self.store, policies, clock=ManualClock(self.host.clock.now() + later))
        found = service.doctor(**how)
        left = tuple(one for one in found.findings if one.kind is not Kind.STORE)
        return attrs.evolve(found, findings=left)

    def change(self, table: str, record_id: object, **changes: Any) -> None:
        """Change a row below the service: no history tells of it."""
        with self.store.transaction(DEFAULT_TENANT, commit=Commit.RELAXED) as tx:
            row = getattr(tx, table).get(record_id)
            tx.save(attrs.evolve(row, version=row.version + 1, **changes))


@pytest.fixture
def house() -> House:
    """A house in memory, in which much may be made wrong."""
    return House(MemoryStore())


ENDED = {"due_at": None, "due_reason": None}


def _count_one_more(house: House) -> None:
    booking = house.host.service.booking(house.booked)
    assert booking is not None
    with house.store.transaction(DEFAULT_TENANT, commit=Commit.RELAXED) as tx:
        (count,) = tx.slots.between(
            QueueName("support"), from_at=booking.slot_at, until_at=booking.slot_at + MINUTE
        )
        tx.save(attrs.evolve(count, version=count.version + 1, usual_count=count.usual_count + 1))


def _save(*rows: Any) -> Callable[[House], None]:
    def made(house: House) -> None:
        with house.store.transaction(DEFAULT_TENANT, commit=Commit.RELAXED) as tx:
            for row in rows:
                tx.save(row)

    return made


def _node(node_id: str, **changes: Any) -> Any:
    there = {"seen_at": NOON, "lease_until_at": NOON + MINUTE, "due_at": NOON + MINUTE}
    return make_node(node_id, **{**there, **changes})


def _gone_node(house: House) -> None:
    with house.store.transaction(DEFAULT_TENANT, commit=Commit.RELAXED) as tx:
        attempt = tx.attempts.get(AttemptId(str(house.attempt_id)))
        tx.save(make_node(attempt.node_id, state=NodeState.GONE, seen_at=NOON))


def _idle(house: House) -> None:
    """Nobody steps though an agent came an hour ago, when a callback had been waiting for long."""
    clock = ManualClock(house.host.clock.now() - HOUR)
    earlier = CallbackService(house.store, house.host.service.policies.values(), clock=clock)
    earlier.agent_available("zoe", queues=["sales"])


def _drop_events(house: House) -> None:
    with house.store.transaction(DEFAULT_TENANT, commit=Commit.RELAXED) as tx:
        tx.history.remove(tx.history.heads([(Entity.CALLBACK, house.waiting)]))


def _drop_first_event(house: House) -> None:
    with house.store.transaction(DEFAULT_TENANT, commit=Commit.RELAXED) as tx:
        tx.history.remove(
            [ChainHead(entity=Entity.CALLBACK, record_id=house.over, events_count=1, digest="")]
        )


def _tell_of_nobody(house: House) -> None:
    with house.store.transaction(DEFAULT_TENANT, commit=Commit.RELAXED) as tx:
        tx.history.append([make_event(CallbackReady, callback_id=CallbackId("cb_nobody"))])


WRONG: dict[str, tuple[Callable[[House], object], dict[str, Any], set[Kind]]] = {
    # what is wrong: how it is made, how the doctor looks, and what he finds
    "a leg may ring on": (
        lambda house: house.change("attempts", house.attempt_id, due_reason=DueReason.LEG_IN_DOUBT),
        {},
        {Kind.ATTEMPT_IN_DOUBT},
    ),
    "nobody knows how it ended": (
        lambda house: house.change(
            "callbacks",
            house.over,
            outcome=Outcome.UNREACHED,
            last_disposition=Disposition.UNKNOWN,
        ),
        {},
        {Kind.CALLBACK_UNKNOWN},
    ),
    "a message may have been sent": (
        lambda house: house.change("messages", house.message_id, state=MessageState.UNCERTAIN),
        {},
        {Kind.MESSAGE_UNCERTAIN},
    ),
    "nobody steps": (lambda _: None, {"later": 10 * MINUTE}, {Kind.OVERDUE}),
    "an agent is idle": (
        _idle,
        {"later": 90 * MINUTE, "stuck_after": HOUR},
        {Kind.AGENT_IDLE, Kind.ATTEMPT_TOO_LONG, Kind.OVERDUE},
    ),
    "a queue is unknown": (lambda _: None, {"queues": ("support",)}, {Kind.QUEUE_UNKNOWN}),
    "an agent is held": (
        lambda house: house.change("agents", AgentId("ann"), since_at=NOON - 9 * DAY),
        {},
        {Kind.AGENT_HELD},
    ),
    "an attempt is too long": (
        lambda house: house.change("attempts", house.attempt_id, started_at=NOON - DAY),
        {},
        {Kind.ATTEMPT_TOO_LONG},
    ),
    "a node is silent": (_save(_node("n1", lease_until_at=NOON - HOUR)), {}, {Kind.NODE_SILENT}),
    "a node left work": (_gone_node, {}, {Kind.NODE_LEFT_WORK}),
    "clocks are apart": (_save(_node("n1", seen_at=NOON + HOUR)), {}, {Kind.CLOCKS_APART}),
    "policies differ": (
        _save(_node("n1", fingerprints={"support": "a"}), _node("n2", fingerprints={"support": "b"})),
        {},
        {Kind.POLICIES_DIFFER},
    ),
    "an attempt is lost": (
        lambda house: house.change(
            "attempts", house.attempt_id, state=AttemptState.ENDED, ended_at=NOON, **ENDED
        ),
        {},
        {Kind.ATTEMPT_LOST, Kind.AGENT_ASTRAY},
    ),
    "an attempt is astray": (
        lambda house: house.change(
            "callbacks", house.tried, state=CallbackState.WAITING, due_reason=DueReason.EXPIRES
        ),
        {},
        {Kind.ATTEMPT_ASTRAY},
    ),
    "an agent is astray": (
        lambda house: house.change("agents", AgentId("ann"), attempt_id=AttemptId("at_nobody")),
        {},
        {Kind.AGENT_ASTRAY},
    ),
    "a booking is astray": (
        lambda house: house.change(
            "callbacks",
            house.booked,
            state=CallbackState.ENDED,
            outcome=Outcome.CANCELLED,
            ended_at=NOON,
            **ENDED,
        ),
        {},
        {Kind.BOOKING_ASTRAY},
    ),
    "seats are counted wrong": (_count_one_more, {}, {Kind.SEATS_DIFFER}),
    "a person is missing": (
        lambda house: house.change("callbacks", house.waiting, subject_id=SubjectId("su_nobody")),
        {},
        {Kind.PERSON_MISSING},
    ),
    "the person of one that is over is missing": (
        lambda house: house.change("callbacks", house.over, subject_id=SubjectId("su_nobody")),
        {"thorough": True},
        {Kind.PERSON_MISSING, Kind.HISTORY_DIFFERS},
    ),
    "a row has no history": (
        _save(make_callback("cb_new", due_at=NOON + DAY)),
        {},
        {Kind.HISTORY_MISSING, Kind.PERSON_MISSING},
    ),
    "a history was dropped": (_drop_events, {}, {Kind.HISTORY_MISSING}),
    "a row differs": (
        lambda house: house.change("callbacks", house.over, score=5.0),
        {"thorough": True},
        {Kind.HISTORY_DIFFERS},
    ),
    "a chain is cut": (_drop_first_event, {"thorough": True}, {Kind.CHAIN_BROKEN}),
    "a row is missing": (_tell_of_nobody, {"thorough": True}, {Kind.ROW_MISSING}),
}


def check_wrong(house: House, name: str) -> None:
    """Make one thing wrong, and see exactly that found; where it is asked for, by whom."""
    spoil, how, expected = WRONG[name]
    spoil(house)
    found = house.doctor(**how)
    assert {one.kind for one in found.findings} == expected, name
    assert not found.is_well
    assert all(one.remedy and one.record_id and one.what for one in found.findings)
    assert all("555" not in str(one) and "+1" not in str(one) for one in found.findings)


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_found_and_nothing_else(house: House, name: str) -> None:
    """Each thing that can be wrong, made so below the service."""
    assert house.doctor(thorough=True).findings == ()
    check_wrong(house, name)


_ONE_AFTER_THE_OTHER = (
    "a leg may ring on",
    "nobody knows how it ended",
    "a message may have been sent",
    "a node is silent",
    "seats are counted wrong",
    "an agent is astray",
    "a person is missing",
    "a row has no history",
    "a row is missing",
    "a chain is cut",
)


@pytest.fixture(params=["sqlite", "postgres"])
def hands(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, Callable[[str], None]]]:
    """A store that has a database, and a way to write into it by SQL."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            path = tmp_path / "callbacks.db"
            opened: Store = stack.enter_context(closing(SQLiteStore(path)))

            def write(statement: str) -> None:
                with closing(sqlite3.connect(path)) as connection, connection:
                    connection.execute(statement)

        else:
            # A schema of its own, for what is done to it by SQL is not undone.
            schema = stack.enter_context(fresh_schema())
            opened = stack.enter_context(closing(PostgresStore(conninfo(), schema=schema)))

            def write(statement: str) -> None:
                admin().execute(f'SET search_path TO "{schema}"; {statement}; RESET search_path')

        yield opened, write


def test_what_is_wrong_in_a_database_is_found(hands: tuple[Store, Callable[[str], None]]) -> None:
    """One thing after the other: what was found stays found, and only what was made wrong is new."""
    house = House(hands[0])
    assert house.doctor(thorough=True).findings == ()
    before: set[tuple[Kind, str]] = set()
    for name in _ONE_AFTER_THE_OTHER:
        spoil, how, expected = WRONG[name]
        spoil(house)
        now = {(one.kind, one.record_id) for one in house.doctor(**how).findings}
        differ = {Kind.HISTORY_DIFFERS} if "thorough" in how else set[Kind]()  # What was changed before.
        assert {kind for kind, _ in now - before} - differ == expected, name
        before |= now


def test_two_callbacks_under_one_key_are_found_and_the_index_that_is_missing(
    hands: tuple[Store, Callable[[str], None]],
) -> None:
    """Whoever drops a unique index drops a rule with it."""
    store, write = hands
    house = House(store)
    write("DROP INDEX callbackq_callbacks_dedup_key")
    write("UPDATE callbackq_callbacks SET dedup_key = 'same' WHERE state <> 'ended'")
    found = house.host.service.doctor()
    assert Kind.KEY_TWICE in {one.kind for one in found.findings}
    assert "the index callbackq_callbacks_dedup_key is missing" in {one.what for one in found.findings}


@pytest.mark.parametrize("column", ["kind = 'nonsense'", "detail = '[]'"])
def test_an_event_that_cannot_be_read_is_found(
    hands: tuple[Store, Callable[[str], None]], column: str
) -> None:
    """The record that it is about is named, and the others are looked at all the same."""
    store, write = hands
    house = House(store)
    write(f"UPDATE callbackq_history SET {column} WHERE record_id = '{house.over}' AND event_number = 1")
    found = house.doctor(thorough=True).findings
    assert [(one.kind, one.entity, one.record_id) for one in found] == [
        (Kind.CHAIN_BROKEN, Entity.CALLBACK, house.over)
    ]


# ---------------------------------------------------------------------------- how it looks


def test_it_says_how_much_it_looked_at(house: House) -> None:
    """And of what there was more than that: those that are due first were looked at."""
    found = house.doctor(thorough=True)
    assert found.cut == ()
    assert found.looked_at["callbacks"] == 3
    others = {"live calls", "agents", "attempts", "bookings", "messages", "queues", "slots", "nodes"}
    assert others <= set(found.looked_at)
    with house.store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        assert found.looked_at["events"] == len(tx.history.all())
    some = house.doctor(limit=2)
    assert (some.cut[0], some.looked_at["callbacks"]) == ("callbacks", 2)
    assert "events" not in some.looked_at
    with pytest.raises(ConfigurationError):
        house.doctor(stuck_after=ZERO)


def test_it_tells_how_far_it_has_come(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """In events of the history, page by page."""
    monkeypatch.setattr(doctoring, "_PAGE", 5)
    told: list[int] = []
    found = house.doctor(thorough=True, progress=told.append)
    assert found.findings == ()
    assert told == [*range(5, found.looked_at["events"], 5), found.looked_at["events"]]


def test_a_store_that_cannot_tell_its_health_is_asked_nothing(house: House) -> None:
    """What is not offered is not missed."""

    class Plain:
        def __init__(self, store: Any) -> None:
            self.transaction, self.pepper, self.scrub, self.close = (
                store.transaction,
                store.pepper,
                store.scrub,
                store.close,
            )

    service = CallbackService(Plain(house.store), [], clock=house.host.clock)
    assert service.doctor().store is None
    assert house.doctor().store is not None


def test_a_store_that_is_gone_is_no_finding(house: House) -> None:
    """It cannot look: that is an error."""
    house.store.close()
    with pytest.raises(StoreUnavailable):
        house.doctor()


def test_it_can_be_awaited() -> None:
    """As every other method of the service."""
    import asyncio

    async def ask() -> Diagnosis:
        host = post_office(MemoryStore())
        async with aio.AsyncCallbackService(host.service) as service:
            return await service.doctor(thorough=True)

    assert asyncio.run(ask()).is_well


# ---------------------------------------------------------------------------- no false alarm


@pytest.mark.parametrize("seed", [3, 17, 29, 41])
def test_while_a_storm_rages_and_after_it_the_doctor_finds_only_what_is_true(seed: int) -> None:
    """Every few minutes of an hour in which nearly everything goes wrong: nothing stuck, nothing inconsistent."""
    rows = MemoryStore()
    storm = Storm(seed, people=25, store=rows)
    service = CallbackService(rows, storm.policies, clock=storm.clock)
    visits: list[Diagnosis] = []

    def visit() -> None:
        visits.append(service.doctor(thorough=len(visits) % 8 == 0))
        if len(visits) < 24:
            storm.clock.plan(storm.clock.now() + timedelta(seconds=157), visit)

    visit()
    storm.run()
    visits.append(service.doctor(thorough=True))
    found = [one for seen in visits for one in seen.findings]
    assert [one for one in found if one.severity is not Severity.NOTICE] == []
    assert max(seen.looked_at["attempts"] for seen in visits) > 0
    with rows.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        for one in visits[-1].findings:
            callback = tx.callbacks.get(CallbackId(one.record_id))
            assert (callback.outcome, callback.last_disposition) == ("unreached", "unknown")

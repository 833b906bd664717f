"""The store in memory finds its own broken indexes, and all other stores answer exactly as it does."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing, nullcontext
from datetime import timedelta
from typing import Any, ClassVar, cast

import attrs
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from callbackq import events
from callbackq.errors import CallbackqError, ConfigurationError
from callbackq.ids import (
    AgentId,
    AttemptId,
    BookingId,
    CallbackId,
    CallId,
    LegId,
    MessageId,
    NodeId,
    PlaceId,
    QueueName,
    SubjectId,
    TenantId,
)
from callbackq.model import (
    SMS,
    Agent,
    AgentState,
    Attempt,
    AttemptState,
    Booking,
    BookingEnd,
    BookingState,
    Callback,
    CallbackState,
    CallState,
    Conversation,
    LegState,
    LiveCall,
    Message,
    MessageState,
    Node,
    NodeState,
    QueueControl,
    SlotCount,
    SlotDay,
    Subject,
    Tally,
    Verification,
    Webhook,
)
from callbackq.ports import Commit, Store, Transaction
from callbackq.stores import Flush, MemoryStore, SQLiteStore
from callbackq.stores.lane_index import LaneIndex
from callbackq.stores.memory_line import QueueLine
from callbackq.stores.memory_rows import (
    ATTEMPTS_OPEN,
    ATTEMPTS_WANTING,
    CALLS_OPEN,
    CALLS_TAKEN,
    TenantRows,
)
from callbackq.stores.memory_spots import (
    ATTEMPTS_DIALED,
    ATTEMPTS_OF_NODE,
    BOOKINGS_OF_AGENT,
    BOOKINGS_OF_CALLBACK,
    BOOKINGS_OF_QUEUE,
    CALLBACKS_IN_STATE,
    CALLBACKS_OF_SUBJECT,
    CALLBACKS_OF_TICKET,
    CALLS_WAITING,
    MESSAGES_OF_CALLBACK,
    MESSAGES_OF_PROVIDER,
    MESSAGES_TO,
    MESSAGES_UNCERTAIN,
    MESSAGES_WAITING,
)
from callbackq.testing.builders import (
    QUEUE,
    SLOT_AT,
    make_agent,
    make_attempt,
    make_booking,
    make_call,
    make_callback,
    make_conversation,
    make_event,
    make_message,
    make_node,
    make_opt_out,
    make_queue_control,
    make_slot_count,
    make_slot_day,
    make_subject,
    make_tally,
    make_verification,
    make_webhook,
    next_version,
)
from callbackq.testing.clock import START
from callbackq.testing.store_contract.base import TENANT, put
from stores.every_store import FRESH

# ---------------------------------------------------------------------------- check


SENT = {"channel": SMS, "address_key": "ann"}


def full_store() -> tuple[MemoryStore, TenantRows]:
    """Return a store with something in every index, and its rows."""
    store = MemoryStore()
    put(
        store,
        make_callback("cb_1", rank=1, dedup_key="d"),
        make_callback("cb_2", rank=1),
        make_call("call_1", rank=2),
        make_call("call_2", state=CallState.ENDED, taken_at=START, ended_at=START),
        make_callback("cb_4", state=CallbackState.ENDED, ended_at=START),
        make_agent("mia"),
        make_agent("noa", since_at=START + timedelta(seconds=1)),
        make_attempt("at_1", customer_leg=LegState.RINGING),
        make_attempt("at_2", agent_id=None),
        make_booking("bk_1", agent_id=AgentId("mia")),
        make_slot_count(usual_count=1),
        make_slot_day(),
        make_subject("su_1"),
        make_queue_control(QUEUE),
        make_tally(),
        make_verification(),
        make_opt_out(),
        make_message("ms_1", cause="c"),
        make_message("ms_2", state=MessageState.UNCERTAIN, provider_key="p", sent_at=START, **SENT),
        make_conversation("k"),
        make_node("node_1"),
        make_webhook(),
    )
    with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
        tx.lanes.intern(("fr",))
        tx.history.append([make_event(events.CallbackReady)])
    return store, store._tenants[TENANT]


def line_of(tenant: TenantRows) -> QueueLine:
    return tenant.lines[QUEUE]


def swap_places(tenant: TenantRows) -> None:
    line_of(tenant).callbacks.by_rank[1].reverse()


BREAKAGES: dict[str, Callable[[TenantRows], object]] = {
    "a row under another's id": lambda tenant: tenant.rows[Callback].update(cb_3=make_callback("cb_1")),
    "a row that no index knows": lambda tenant: tenant.rows[Callback].update(cb_3=make_callback("cb_3")),
    "a row that is gone": lambda tenant: tenant.rows[LiveCall].pop("call_1"),
    "a key of nobody": lambda tenant: tenant.keys.update({("dedup_key", "x"): "cb_1"}),
    "a key forgotten": lambda tenant: tenant.keys.pop(("dedup_key", "d")),
    "a place counted twice": lambda tenant: line_of(tenant).callbacks.ranks.add(1),
    "a place not counted": lambda tenant: line_of(tenant).calls.ranks.remove(2),
    "a place not served": lambda tenant: line_of(tenant).calls.by_lane[0].remove(2),
    "a place not found": lambda tenant: line_of(tenant).calls.by_rank.pop(2),
    "places of one rank in the wrong order": swap_places,
    "a line that nobody stands in": lambda tenant: tenant.lines.update(sales=QueueLine()),
    "a moment forgotten": lambda tenant: tenant.latest[CALLS_TAKEN, QUEUE].pop(),
    "a moment of nobody": lambda tenant: tenant.latest[CALLS_TAKEN, QUEUE].add((START, "call_9")),
    "an open callback counted twice": lambda tenant: tenant.callbacks_open.update([QUEUE]),
    "an agent who does two things": lambda tenant: tenant.staffed_states.update([(QUEUE, AgentState.BUSY)]),
    "a callback in no state": lambda tenant: tenant.by_key[CALLBACKS_IN_STATE].pop(),
    "a live call that does not wait": lambda tenant: tenant.by_key[CALLS_WAITING].pop(),
    "a callback that its person does not know": lambda tenant: tenant.by_key[CALLBACKS_OF_SUBJECT].pop(),
    "a callback of nobody": lambda tenant: tenant.by_key[CALLBACKS_OF_SUBJECT].add(("su_9", START, "cb_9")),
    "a ticket of nobody": lambda tenant: tenant.by_key[CALLBACKS_OF_TICKET].add(("T1", START, "cb_9")),
    "a dialed number forgotten": lambda tenant: tenant.by_key[ATTEMPTS_DIALED].clear(),
    "a number that was not dialed": lambda tenant: tenant.by_key[ATTEMPTS_DIALED].add(("n", START, "at_2")),
    "a booking that its slot does not know": lambda tenant: tenant.by_key[BOOKINGS_OF_QUEUE].pop(),
    "a booking of nobody": lambda tenant: tenant.by_key[BOOKINGS_OF_QUEUE].add((QUEUE, SLOT_AT, "bk_9")),
    "a calendar forgotten": lambda tenant: tenant.by_key[BOOKINGS_OF_AGENT].clear(),
    "a booking that its callback does not know": lambda tenant: tenant.by_key[BOOKINGS_OF_CALLBACK].pop(),
    "a time of a booking forgotten": lambda tenant: tenant.due[Booking].pop(),
    "a time of an agent that is free": lambda tenant: tenant.keys.pop(
        ("agent_slot", f"{SLOT_AT.isoformat()} mia")
    ),
    "a counter under another's slot": lambda tenant: tenant.rows[SlotCount].update(
        {(QUEUE, SLOT_AT + timedelta(hours=1)): make_slot_count()}
    ),
    "a counter that is out of order": lambda tenant: tenant.in_order[SlotCount].clear(),
    "a day of nobody": lambda tenant: tenant.in_order[SlotDay].add((QUEUE, "2026-02-01")),
    "an open attempt forgotten": lambda tenant: tenant.by_queue[ATTEMPTS_OPEN][QUEUE].pop(),
    "an attempt that wants an agent forgotten": lambda tenant: tenant.by_queue[ATTEMPTS_WANTING].clear(),
    "an attempt that wants two agents": lambda tenant: tenant.by_queue[ATTEMPTS_WANTING][QUEUE].add("at_1"),
    "an attempt that is open in two queues": lambda tenant: tenant.by_queue[ATTEMPTS_OPEN].update(
        sales=tenant.by_queue[ATTEMPTS_WANTING][QUEUE].copy()
    ),
    "an open call forgotten": lambda tenant: tenant.by_queue[CALLS_OPEN][QUEUE].clear(),
    "a time of nobody": lambda tenant: tenant.due[Agent].add((START, "ida")),
    "a time forgotten": lambda tenant: tenant.due[Attempt].pop(),
    "an available agent forgotten": lambda tenant: tenant.available.pop(),
    "an agent counted twice": lambda tenant: tenant.staffed.update([QUEUE]),
    "an agent of other skills": lambda tenant: tenant.staffed_skills.update([(QUEUE, ("fr",))]),
    "an event that its record does not know": lambda tenant: tenant.history_of.clear(),
    "an event that was changed": lambda tenant: tenant.history.__setitem__(
        0, attrs.evolve(tenant.history[0], version=9)
    ),
    "an event that was put in": lambda tenant: tenant.history.append(make_event(events.CallbackReady)),
    "a digest of something else": lambda tenant: tenant.reckoned().__setitem__(0, (1, "5e8f")),
    "a chain that goes on from somewhere else": lambda tenant: (tenant.reckoned(), tenant.chains.clear()),
    "a person who is not forgotten in time": lambda tenant: tenant.by_age[Subject].pop(),
    "a tally that is not forgotten in time": lambda tenant: tenant.by_age[Tally].clear(),
    "a code of nobody": lambda tenant: tenant.by_age[Verification].add((START, "vf_9")),
    "a conversation that is not forgotten in time": lambda tenant: tenant.by_age[Conversation].clear(),
    "an attempt that its node does not know": lambda tenant: tenant.by_key[ATTEMPTS_OF_NODE].pop(),
    "an endpoint that nobody finds": lambda tenant: tenant.in_order[Webhook].clear(),
    "a lost node of whom nobody learns": lambda tenant: tenant.due[Node].clear(),
    "a message that its callback does not know": lambda tenant: tenant.by_key[MESSAGES_OF_CALLBACK].pop(),
    "a message that is not withdrawn": lambda tenant: tenant.by_key[MESSAGES_WAITING].clear(),
    "a message that waits twice": lambda tenant: tenant.by_key[MESSAGES_WAITING].add(("cb_1", "ms_2")),
    "a message that gets no receipt": lambda tenant: tenant.by_key[MESSAGES_OF_PROVIDER].clear(),
    "a message that nobody was sent": lambda tenant: tenant.by_key[MESSAGES_TO].add(("bob", START, "ms_1")),
    "a message that is not in doubt": lambda tenant: tenant.by_key[MESSAGES_UNCERTAIN].add((START, "ms_1")),
    "a time of a message forgotten": lambda tenant: tenant.due[Message].pop(),
    "a cause that may be told of again": lambda tenant: tenant.keys.pop(("cause", "c")),
    "a customer who is nobody": lambda tenant: tenant.keys.update({("customer_id", "x"): "su_1"}),
    "a lane that has two numbers": lambda tenant: tenant.lanes.sets.append(frozenset({"fr"})),
    "a lane that nobody is led to": lambda tenant: tenant.lanes.by_skill.pop("fr"),
}


def test_a_sound_store_passes_its_check() -> None:
    """Nothing is wrong before something is broken."""
    store, _ = full_store()
    store.check()


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_check_finds_what_is_broken(breakage: str) -> None:
    """Each index is really looked at."""
    store, tenant = full_store()
    BREAKAGES[breakage](tenant)
    with pytest.raises(AssertionError):
        store.check()


def test_nothing_is_kept_of_places_that_left() -> None:
    """An emptied line takes no memory."""
    store, tenant = full_store()
    put(
        store,
        next_version(make_callback("cb_1", rank=1, dedup_key="d"), state=CallbackState.ENDED),
        next_version(make_callback("cb_2", rank=1), state=CallbackState.ENDED),
        next_version(make_call("call_1", rank=2), state=CallState.ENDED),
    )
    put(
        store,
        next_version(make_attempt("at_1"), state=AttemptState.ENDED),
        next_version(make_attempt("at_2", agent_id=None), state=AttemptState.ENDED),
        next_version(make_booking("bk_1", agent_id=AgentId("mia")), state=BookingState.ENDED),
    )
    assert not tenant.by_key[BOOKINGS_OF_QUEUE]
    assert not tenant.by_key[BOOKINGS_OF_AGENT]
    assert tenant.lines == {}
    assert all(queues == {} for queues in tenant.by_queue.values())


def test_a_lane_of_a_preferred_agent_is_in_nobody_else_s_way() -> None:
    """However many such lanes there are, each is looked at by its own agent only."""
    index = LaneIndex()
    both = index.add(("fr", "vip"))
    own = [index.add(("fr", "vip", f"agent:{number}")) for number in range(1_000)]
    assert sum(len(index.by_skill.get(skill, ())) for skill in ("fr", "vip")) == 1
    assert index.served_by(("vip", "fr")) == (0, both)
    assert index.served_by(("fr", "vip", "agent:7")) == (0, both, own[7])
    assert index.served_by(("fr", "agent:7")) == (0,)


def test_lanes_are_taken_back_in_the_reverse_order() -> None:
    """What is left is as if they had never been there."""
    index, fresh = LaneIndex(), LaneIndex()
    index.add(("fr",))
    fresh.add(("fr",))
    for skills in (("fr", "vip"), ("vip",), ("de", "fr", "vip")):
        index.add(skills)
    for _ in range(3):
        index.take_back()
    assert (index.sets, index.lane_of, index.by_skill) == (fresh.sets, fresh.lane_of, fresh.by_skill)


def test_the_pepper_is_random_or_the_host_s() -> None:
    """Two stores differ unless told; a short pepper is refused without being shown."""
    assert MemoryStore().pepper != MemoryStore().pepper
    assert MemoryStore(pepper=b"p" * 32).pepper == b"p" * 32
    with pytest.raises(ConfigurationError, match="5 bytes") as caught:
        MemoryStore(pepper=b"short")
    assert "short" not in str(caught.value)


# ---------------------------------------------------------------------------- both stores side by side

TENANTS = (TENANT, TenantId("other"))
QUEUES = (QUEUE, QueueName("sales"))
SKILLS = ((), ("fr",), ("vip",), ("fr", "vip"))
KEYS = st.sampled_from([None, "k1", "k2"])
TIMES = st.integers(0, 4).map(lambda second: START + timedelta(seconds=second))
NUMBERS = st.integers(1, 4)

Command = Callable[[Transaction], object]


def stored(tx: Transaction, cls: type[Any], row_id: str) -> Any:
    """Return the row of this id, or None."""
    get: dict[type[Any], Callable[[Any], Any]] = {
        Callback: tx.callbacks.get,
        LiveCall: tx.calls.get,
        Agent: tx.agents.get,
        Attempt: tx.attempts.get,
        Booking: tx.bookings.get,
        Message: tx.messages.get,
        Conversation: tx.conversations.find,
        Node: tx.nodes.find,
        QueueControl: tx.queues.find,
    }
    try:
        return get[cls](row_id)
    except LookupError:
        return None


def save_count(row: SlotCount | SlotDay, version_offset: int) -> Command:
    """Save a counter as `save` does. What is stored is asked for under a lock."""

    def command(tx: Transaction) -> None:
        if isinstance(row, SlotCount):
            old: Any = tx.slots.locked(row.queue, row.slot_at)
        else:
            old = next(iter(tx.slots.days(row.queue, from_day=row.day, until_day=row.day)), None)
        version = (old.version if old else 0) + 1 + version_offset
        tx.save(attrs.evolve(row, tenant_id=tx.tenant_id, version=version))  # type: ignore[attr-defined]

    return command


def save(row: Any, version_offset: int) -> Command:
    """Save *row* as the next version of what is stored; with an offset, as a stale or a skipped one."""

    def command(tx: Transaction) -> None:
        row_id = attrs.astuple(row, recurse=False)[1]
        old = stored(tx, type(row), row_id)
        version = (old.version if old else 0) + 1 + version_offset
        tx.save(attrs.evolve(row, tenant_id=tx.tenant_id, version=version))  # type: ignore[attr-defined]

    return command


@st.composite
def messages(draw: st.DrawFn, number: int, queue: str) -> Message:
    """Draw a message: sent or not, by whatever channel, and called whatever by its provider."""
    state = draw(st.sampled_from(MessageState))
    fields = {
        "cause": f"c{draw(NUMBERS)}",
        "queue": queue,
        "callback_id": draw(st.none() | NUMBERS.map(lambda n: CallbackId(f"cb_{n}"))),
        "channel": draw(st.sampled_from([None, SMS, "email"])),
        "provider_key": draw(KEYS),
        "address_key": draw(KEYS),
        "sent_at": draw(st.none() | TIMES),
        "created_at": draw(TIMES),
    }
    return make_message(f"ms_{number}", state=state, **fields, **due(state, draw(TIMES)))


@st.composite
def commands(draw: st.DrawFn) -> Command:
    """Draw one thing to do in a transaction."""
    number, rank, at = draw(NUMBERS), draw(st.integers(1, 3)), draw(TIMES)
    queue = draw(st.sampled_from(QUEUES))
    place = {
        "queue": queue,
        "lane": draw(st.integers(0, 2)),
        "rank": rank,
        "priority": draw(st.integers(0, 1)),
    }
    kinds = ["callback", "callback", "call", "call", "agent", "attempt", "subject", "queue", "event", "lane"]
    kind = draw(
        st.sampled_from(
            [*kinds, "booking", "booking", "slot", "day", *["message"] * 3, "conversation", "node"]
        )
    )
    offset = draw(st.sampled_from([0, 0, 0, 0, -1, 1]))
    if kind == "callback":
        state, dedup, request = draw(st.sampled_from(CallbackState)), draw(KEYS), draw(KEYS)
        place |= {"dedup_key": dedup, "request_key": request, "ended_at": draw(st.none() | TIMES)}
        place |= {"subject_id": f"su_{draw(NUMBERS)}", "requested_at": draw(TIMES)}
        return save(make_callback(f"cb_{number}", state=state, **place, **due(state, at)), offset)
    if kind == "call":
        state = draw(st.sampled_from(CallState))
        place |= {"taken_at": draw(st.none() | TIMES), "ended_at": draw(st.none() | TIMES)}
        return save(make_call(f"call_{number}", state=state, **place, **due(state, at)), offset)
    if kind == "agent":
        state, queues = draw(st.sampled_from(AgentState)), tuple(draw(st.lists(st.sampled_from(QUEUES))))
        had = {"queues": queues, "skills": draw(st.sampled_from(SKILLS))}
        return save(make_agent(f"agent_{number}", state=state, since_at=at, **had, **due(state, at)), offset)
    if kind == "attempt":
        state = draw(st.sampled_from(AttemptState))
        legs = {
            "agent_leg_id": LegId(f"leg_{draw(NUMBERS)}"),
            "customer_leg_id": LegId(f"leg_{4 + draw(NUMBERS)}"),
        }
        keys = {"callback_id": CallbackId(f"cb_{draw(NUMBERS)}"), "number_key": f"n{draw(NUMBERS)}"}
        keys |= {"queue": queue, "started_at": draw(TIMES), "agent_id": draw(KEYS)}
        keys |= {"node_id": draw(st.sampled_from(["node_1", "node_2"]))}
        keys |= {"customer_leg": draw(st.sampled_from([LegState.NONE, LegState.RINGING]))}
        return save(make_attempt(f"at_{number}", state=state, **keys, **legs, **due(state, at)), offset)
    if kind == "booking":
        state, end = draw(st.sampled_from(BookingState)), draw(st.sampled_from([None, *BookingEnd]))
        seat = {
            "queue": queue,
            "slot_at": at,
            "ended_as": end,
            "agent_id": draw(KEYS),
            "held_at": draw(TIMES),
        }
        seat |= {"callback_id": draw(st.none() | NUMBERS.map(lambda n: CallbackId(f"cb_{n}")))}
        return save(make_booking(f"bk_{number}", state=state, **seat, **due(state, at)), offset)
    if kind == "message":
        return save(draw(messages(number, queue)), offset)
    if kind == "conversation":
        return draw(
            st.just(save(make_conversation(f"k{number}", over_at=at), offset))
            | st.just(lambda tx: tx.conversations.forget(over_before=at, limit=rank))
        )
    if kind == "node":
        state = draw(st.sampled_from(NodeState))
        node = make_node(f"node_{number}", state=state, seen_at=at, **due(state, at))
        return draw(
            st.just(save(node, offset)) | st.just(lambda tx: tx.nodes.forget(gone_before=at, limit=rank))
        )
    if kind == "slot":
        return save_count(make_slot_count(queue, slot_at=at, usual_count=draw(st.integers(0, 2))), offset)
    if kind == "day":
        return save_count(make_slot_day(queue, day=f"2026-01-0{number}", full_count=rank), offset)
    if kind == "queue":
        return save(make_queue_control(queue, dialing_paused=draw(st.booleans())), offset)
    if kind == "subject":
        identity = f"i{draw(NUMBERS)}"
        return lambda tx: tx.save(
            make_subject(f"su_{number}", identity=identity, tenant_id=tx.tenant_id)  # type: ignore[attr-defined]
        )
    if kind == "event":
        classes = [events.CallbackReady, events.AttemptStarted, events.CallJoined, events.QueueSwitched]
        classes += [events.BookingMade, events.MessageQueued]
        cls = draw(st.sampled_from(classes))
        return lambda tx: tx.history.append([make_event(cls, version=number, tenant_id=tx.tenant_id)])  # type: ignore[attr-defined]
    skills = draw(st.sampled_from(SKILLS))
    return lambda tx: (tx.lanes.intern(skills), tx.lanes.served_by(("fr",)))


def due(state: Any, at: Any) -> dict[str, Any]:
    """Return the `due_at` that fits *state*."""
    return {} if state in {"ended", "signed_out", "gone"} else {"due_at": at}


_AFTER = ((1, None), (2, None), (1, AttemptId("at_2")))


def answers(tx: Transaction) -> dict[str, object]:
    """Ask everything that can be asked."""
    line = {
        (queue, rank): tx.line.count_ahead(queue, rank=rank, place_id=PlaceId("cb_3"))
        for queue in QUEUES
        for rank in (1, 2, 3, 4)
    }
    late = START + timedelta(seconds=9)
    return {
        "heads": [
            tx.line.head(queue, lanes=lanes, calls_only=calls_only)
            for queue in QUEUES
            for lanes in ((0,), (1, 2), (2, 0, 1))
            for calls_only in (False, True)
        ],
        "ahead": line,
        "passed": [
            tx.line.count_passed(queue, lane=lane, priority=priority, rank=2, place_id=PlaceId("cb_3"))
            for queue in QUEUES
            for lane in (0, 1, 2)
            for priority in (0, 1)
        ],
        "pages": [
            tx.line.places(queue, after=after, limit=limit)
            for queue in QUEUES
            for after, limit in ((None, 9), (None, 2), ((1, PlaceId("cb_2")), 3), ((2, PlaceId("call_2")), 9))
        ],
        "open": [(tx.callbacks.open_count(queue, limit=3), tx.calls.open(queue)) for queue in QUEUES],
        "latest": [
            verb(queue, limit=3)
            for verb in (
                tx.callbacks.last_ended,
                tx.calls.last_taken,
                tx.calls.last_ended,
                tx.attempts.last_started,
            )
            for queue in QUEUES
        ],
        "persons": [tx.callbacks.of_subject(SubjectId(f"su_{n}"), limit=2) for n in range(1, 5)],
        "attempts": [(tx.attempts.open(queue), tx.attempts.open_count(queue, limit=2)) for queue in QUEUES],
        "wanting": [tx.attempts.wanting_agent(queues=queues) for queues in (None, QUEUES, QUEUES[:1], ())],
        "dialed": [
            tx.attempts.dialed_to(f"n{n}", since=START + timedelta(seconds=second), limit=2)
            for n in range(1, 5)
            for second in (-1, 1, 3)
        ],
        "bookings": [
            tx.bookings.between(
                queue, from_at=START + timedelta(seconds=1), until_at=until_at, agent_id=agent_id, limit=limit
            )
            for queue, agent_id in ((QUEUE, None), (QUEUE, AgentId("k1")), (None, AgentId("k1")))
            for until_at, limit in ((late, 9), (START + timedelta(seconds=3), 2))
        ],
        "booked": [tx.bookings.of_callback(CallbackId(f"cb_{n}")) for n in range(1, 5)],
        "slots": [
            (
                tx.bookings.of_slot(queue, START + timedelta(seconds=2)),
                tx.slots.locked(queue, START + timedelta(seconds=2)),
                tx.slots.between(queue, from_at=START, until_at=START + timedelta(seconds=4)),
                tx.slots.days(queue, from_day="2026-01-02", until_day="2026-01-03"),
            )
            for queue in QUEUES
        ],
        "messages": [
            (
                stored(tx, Message, MessageId(f"ms_{n}")),
                tx.messages.by_cause(f"c{n}"),
                tx.messages.of_callback(CallbackId(f"cb_{n}"), limit=2),
                tx.messages.waiting_of(CallbackId(f"cb_{n}")),
                tx.conversations.find(f"k{n}"),
            )
            for n in range(1, 5)
        ],
        "sent": [
            (tx.messages.last_to(key, limit=2), tx.messages.by_provider(channel, key))
            for key in ("k1", "k2")
            for channel in (SMS, "email")
        ],
        "in doubt": [tx.messages.uncertain(limit=limit) for limit in (2, 9)],
        "written": tx.history.appended(),
        "switched": [tx.queues.find(queue) for queue in QUEUES],
        "waiting": [tx.line.waiting_count(queue) for queue in QUEUES],
        "empty": tx.line.is_empty(),
        "due": [
            table.due(now=now, limit=limit)
            for table in (tx.callbacks, tx.calls, tx.agents, tx.attempts, tx.bookings, tx.messages, tx.nodes)
            for now, limit in ((late, 9), (START + timedelta(seconds=1), 2))
        ],
        "next": [tx.next_due_at(queues=queues) for queues in (None, QUEUES[:1], ())],
        "available": tx.agents.available(),
        "staffed": [(tx.agents.staffed_count(queue), tx.agents.staffed_by_skills(queue)) for queue in QUEUES],
        "nodes": [
            tx.nodes.present(),
            tx.nodes.all(),
            *(tx.attempts.of_node(NodeId(f"node_{n}"), after=after, limit=2) for n, after in _AFTER),
        ],
        "keys": [
            (tx.callbacks.by_request_key(key), tx.callbacks.active_by_dedup_key(key)) for key in ("k1", "k2")
        ],
        "legs": [tx.attempts.by_leg(LegId(f"leg_{n}")) for n in range(1, 9)],
        "numbers": [tx.attempts.live_by_number(f"n{n}") for n in range(1, 5)],
        "identities": [tx.subjects.by_identity(f"i{n}") for n in range(1, 5)],
        "rows": [
            (
                stored(tx, Callback, CallbackId(f"cb_{n}")),
                tx.calls.find(CallId(f"call_{n}")),
                tx.agents.find(AgentId(f"agent_{n}")),
                stored(tx, Attempt, AttemptId(f"at_{n}")),
                stored(tx, Booking, BookingId(f"bk_{n}")),
            )
            for n in range(1, 5)
        ],
        "lanes": [
            (served := tx.lanes.served_by(skills), [tx.lanes.skills_of(lane) for lane in served])
            for skills in SKILLS
        ],
        "history": tx.history.all(),
        "history of": [
            tx.history.of_callback(CallbackId("callback_id_1")),
            tx.history.of_call(CallId("call_id_1")),
            tx.history.of_queue(QueueName("queue_1")),
        ],
    }


class PlannedError(Exception):
    """The failure that the machine wants."""


def outcome(tx: Transaction, command: Command) -> object:
    """Do *command*; return what it gave, or how it was refused. Of several rules broken, any may be named."""
    try:
        return command(tx)
    except CallbackqError as error:
        return type(error)


class Within:
    """A transaction that says whose it is."""

    def __init__(self, tx: Transaction, tenant_id: TenantId) -> None:
        self.tenant_id = tenant_id
        self._tx = tx

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)


class BothStores(RuleBasedStateMachine):
    """Whatever is done to the memory and to another store, both answer alike."""

    kind: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.open = ExitStack()
        self.memory = MemoryStore()
        self.other = self.open.enter_context(FRESH[self.kind]())
        self.is_changed = False

    def run(self, store: Store, tenant_id: TenantId, todo: list[Command], fails: bool) -> list[object]:
        """Do all of *todo* in one transaction, and fail at its end if so planned; return what came out."""
        seen: list[object] = []
        with (
            pytest.raises(PlannedError) if fails else nullcontext(),
            store.transaction(tenant_id, commit=Commit.RELAXED) as tx,
        ):
            seen += [outcome(cast("Transaction", Within(tx, tenant_id)), command) for command in todo]
            seen.append(answers(tx))
            if fails:
                raise PlannedError
        return seen

    @rule(
        tenant_id=st.sampled_from(TENANTS),
        todo=st.lists(commands(), min_size=1, max_size=6),
        fails=st.sampled_from([False, False, False, True]),
    )
    def transaction(self, tenant_id: TenantId, todo: list[Command], fails: bool) -> None:
        """One transaction of several commands, committed or undone."""
        found = [self.run(store, tenant_id, todo, fails) for store in (self.memory, self.other)]
        assert found[0] == found[1]
        self.is_changed = True

    @precondition(lambda self: self.is_changed and isinstance(self.other, SQLiteStore))
    @rule()
    def reopen(self) -> None:
        """What was committed is still there when the file is opened again."""
        assert isinstance(self.other, SQLiteStore)
        self.other.close()
        self.other = self.open.enter_context(closing(SQLiteStore(self.other._path, flush=Flush.RELAXED)))

    @invariant()
    def all_answers_are_equal(self) -> None:
        """Every verb of every tenant answers alike, and the indexes in memory are sound."""
        self.memory.check()
        for tenant_id in TENANTS:
            found: list[dict[str, object]] = []
            for store in (self.memory, self.other):
                with store.transaction(tenant_id, commit=Commit.READ_ONLY) as tx:
                    found.append(answers(tx))
            for question, answer in found[0].items():
                assert found[1][question] == answer, question

    def teardown(self) -> None:
        """Remove what was made."""
        self.open.close()


@pytest.mark.parametrize(("kind", "examples"), [("sqlite", 40), ("sqlite_shared", 2), ("postgres", 3)])
def test_every_store_answers_as_the_memory_does(kind: str, examples: int) -> None:
    """Whatever is done, committed or undone, in any tenant."""

    class TheseStores(BothStores):
        pass

    TheseStores.kind = kind
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        TheseStores,
        settings=settings(
            max_examples=examples,
            stateful_step_count=12,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )

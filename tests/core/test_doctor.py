"""What the doctor makes of records: each thing that is wrong is named, and nothing that is well."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest

from callbackq import events
from callbackq.core import doctor
from callbackq.core.doctor import TREATMENTS
from callbackq.events import Event
from callbackq.events.chain import digest_of
from callbackq.ids import AgentId, AttemptId, CallbackId, CallId, NodeId, QueueName
from callbackq.model import (
    AgentState,
    AttemptState,
    BookingEnd,
    BookingState,
    CallbackState,
    CallState,
    Disposition,
    DueReason,
    Entity,
    Finding,
    FindingKind,
    MessageState,
    NodeState,
    Outcome,
    SeatKind,
    Severity,
    StoreHealth,
    StoreProblem,
)
from callbackq.ports import HistoryLink
from callbackq.testing.builders import (
    QUEUE,
    SLOT_AT,
    make_agent,
    make_attempt,
    make_booking,
    make_call,
    make_callback,
    make_event,
    make_message,
    make_node,
    make_slot_count,
)
from callbackq.testing.clock import START

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NOW = START + 12 * HOUR
AT_ONE = AttemptId("at_1")
Kinds = list[FindingKind]


def kinds(findings: list[Finding]) -> Kinds:
    return [one.kind for one in findings]


def test_every_kind_of_finding_has_its_treatment() -> None:
    """How bad it is and what to do: a verb that a service has, or something else."""
    from callbackq.service import CallbackService

    assert set(TREATMENTS) == set(FindingKind)
    for treatment in TREATMENTS.values():
        assert treatment.remedy
        assert treatment.verb is None or callable(getattr(CallbackService, treatment.verb))
    assert {one.severity for one in TREATMENTS.values()} == set(Severity)


def test_findings_stand_in_order_and_once() -> None:
    """The worst first, then by kind and id."""
    found = [
        doctor.found(FindingKind.OVERDUE, "late", make_callback("cb_2")),
        doctor.found(FindingKind.MESSAGE_UNCERTAIN, "who knows", make_message()),
        doctor.found(FindingKind.OVERDUE, "late", make_callback("cb_1")),
        doctor.found(FindingKind.OVERDUE, "late", make_callback("cb_1")),
        doctor.found(FindingKind.SEATS_DIFFER, "counted", name="support 9"),
    ]
    assert [(one.severity, one.entity, one.record_id) for one in doctor.in_order(found)] == [
        (Severity.ERROR, None, "support 9"),
        (Severity.WARNING, Entity.CALLBACK, "cb_1"),
        (Severity.WARNING, Entity.CALLBACK, "cb_2"),
        (Severity.NOTICE, Entity.MESSAGE, "ms_1"),
    ]


# ---------------------------------------------------------------------------- in doubt


def test_an_attempt_whose_leg_may_ring_on_is_in_doubt() -> None:
    """Since the customer answered, or the attempt began."""
    doubtful = make_attempt(state=AttemptState.ENDING, due_reason=DueReason.LEG_IN_DOUBT)
    (found,) = doctor.doubts_of_attempt(doubtful)
    assert (found.kind, found.others, found.since_at) == (
        FindingKind.ATTEMPT_IN_DOUBT,
        (doubtful.callback_id,),
        START,
    )
    answered = attrs.evolve(doubtful, customer_answered_at=START + MINUTE)
    assert doctor.doubts_of_attempt(answered)[0].since_at == START + MINUTE
    assert doctor.doubts_of_attempt(make_attempt()) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"last_disposition": Disposition.UNKNOWN, "outcome": Outcome.UNREACHED}, True),
        ({"last_disposition": Disposition.UNKNOWN, "outcome": Outcome.UNREACHED, "attempt_id": AT_ONE}, True),
        ({"last_disposition": Disposition.UNKNOWN, "outcome": Outcome.SERVED_ELSEWHERE}, False),
        ({"last_disposition": Disposition.BUSY, "outcome": Outcome.UNREACHED}, False),
    ],
)
def test_a_callback_that_ended_nobody_knows_how(changes: dict[str, Any], *, expected: bool) -> None:
    """As long as nobody has said what became of it."""
    ended = make_callback(state=CallbackState.ENDED, ended_at=NOW, **changes)
    found = doctor.doubts_of_callback(ended)
    assert kinds(found) == [FindingKind.CALLBACK_UNKNOWN] * expected
    if found:
        assert found[0].others == ((AT_ONE,) if "attempt_id" in changes else ())


def test_a_message_of_which_nobody_knows_whether_it_was_sent() -> None:
    """It names the callback that it is about, if there is one."""
    message = make_message(state=MessageState.UNCERTAIN, callback_id=None)
    assert doctor.doubts_of_message(message)[0].others == ()
    about = attrs.evolve(message, callback_id=CallbackId("cb_1"))
    assert doctor.doubts_of_message(about)[0].others == ("cb_1",)
    assert doctor.doubts_of_message(make_message()) == []


# ---------------------------------------------------------------------------- stuck


def test_what_was_due_longer_ago_than_the_bound_is_overdue() -> None:
    """Not what is due just then, nor what has ended."""
    late = make_callback(due_at=NOW - 2 * MINUTE)
    (found,) = doctor.overdue(late, now=NOW, bound=MINUTE)
    assert (found.record_id, found.since_at) == ("cb_1", NOW - 2 * MINUTE)
    assert doctor.overdue(late, now=NOW, bound=2 * MINUTE) == []
    assert doctor.overdue(make_callback(state=CallbackState.ENDED), now=NOW, bound=MINUTE) == []


def test_queues_that_no_policy_knows() -> None:
    """Where nothing is known at all, nothing is said."""
    in_use = [QueueName("old"), QueueName("support")]
    found = doctor.unknown_queues(in_use, known=[QUEUE])
    assert [(one.record_id, one.entity) for one in found] == [("old", None)]
    assert doctor.unknown_queues(in_use, known=[]) == []


def test_an_agent_who_is_free_beside_a_place() -> None:
    """Since both are there; a callback or a live call."""
    agent = make_agent(since_at=NOW - HOUR)
    for place in (make_callback(), make_call()):
        (found,) = doctor.idle(agent, place, ready_at=NOW - 3 * MINUTE, now=NOW, bound=2 * MINUTE)
        assert (found.since_at, found.record_id) == (NOW - 3 * MINUTE, "agent_1")
        assert found.others == (place.place_id,)
        assert doctor.idle(agent, place, ready_at=NOW - MINUTE, now=NOW, bound=2 * MINUTE) == []
    fresh = make_agent(since_at=NOW)
    assert doctor.idle(fresh, make_callback(), ready_at=START, now=NOW, bound=MINUTE) == []


def test_an_agent_at_work_for_longer_than_anybody_stays() -> None:
    """Twice the time for which somebody is believed to be there."""
    held = make_agent(state=AgentState.RESERVED, attempt_id=AT_ONE)
    (found,) = doctor.held_too_long(held, presence_max=5 * HOUR, now=NOW, bound=MINUTE)
    assert found.others == ("at_1",)
    assert doctor.held_too_long(held, presence_max=6 * HOUR, now=NOW, bound=MINUTE) == []
    nothing = attrs.evolve(held, attempt_id=None)
    assert doctor.held_too_long(nothing, presence_max=HOUR, now=NOW, bound=MINUTE)[0].others == ()
    assert doctor.held_too_long(make_agent(), presence_max=HOUR, now=NOW, bound=MINUTE) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"started_at": NOW - 4 * MINUTE}, False),
        ({"state": AttemptState.CONNECTED, "connected_at": START}, True),
        ({"state": AttemptState.CONNECTED, "connected_at": NOW - HOUR, "started_at": NOW - HOUR}, False),
        ({"state": AttemptState.ENDING, "started_at": NOW - HOUR}, False),
        ({"state": AttemptState.ENDING, "started_at": NOW - 3 * HOUR}, True),
    ],
)
def test_an_attempt_that_goes_on_for_too_long(changes: dict[str, Any], *, expected: bool) -> None:
    """Until it must be connected, or for as long as anybody talks; one that is hung up may take as long."""
    found = doctor.attempt_too_long(
        make_attempt(**changes), time_max=5 * MINUTE, talk_max=2 * HOUR, now=NOW, bound=MINUTE
    )
    assert kinds(found) == [FindingKind.ATTEMPT_TOO_LONG] * expected


def test_nodes_that_are_silent_ahead_or_of_another_mind() -> None:
    """A node that is gone is silent by right; and who is silent, or begins nothing more, has no say in what differs."""
    well = make_node(
        "n1", seen_at=NOW, lease_until_at=NOW + MINUTE, fingerprints={"support": "a", "sales": "x"}
    )
    silent = attrs.evolve(
        well, node_id=NodeId("n2"), lease_until_at=NOW - HOUR, fingerprints={"support": "b"}
    )
    gone = attrs.evolve(silent, node_id=NodeId("n3"), state=NodeState.GONE, due_at=None, due_reason=None)
    ahead = attrs.evolve(well, node_id=NodeId("n4"), seen_at=NOW + HOUR, fingerprints={"support": "c"})
    drains = attrs.evolve(well, node_id=NodeId("n6"), state=NodeState.DRAINING, fingerprints={"sales": "y"})
    found = doctor.ill_nodes([well, silent, gone, ahead, drains], now=NOW, bound=MINUTE)
    assert [(one.kind, one.record_id) for one in found] == [
        (FindingKind.NODE_SILENT, "n2"),
        (FindingKind.CLOCKS_APART, "n4"),
        (FindingKind.POLICIES_DIFFER, "support"),
    ]
    assert found[-1].others == ("n1", "n4")
    assert doctor.ill_nodes([well, attrs.evolve(well, node_id=NodeId("n5"))], now=NOW, bound=MINUTE) == []


def test_attempts_that_a_node_has_left_behind() -> None:
    """Only of one that is gone."""
    gone = make_node(state=NodeState.GONE)
    (found,) = doctor.work_of_gone(gone, [make_attempt()])
    assert (found.kind, found.record_id) == (FindingKind.NODE_LEFT_WORK, "at_1")
    assert doctor.work_of_gone(make_node(), [make_attempt()]) == []


# ---------------------------------------------------------------------------- inconsistent


def test_a_callback_and_the_attempt_that_it_names() -> None:
    """It must be there, be its own, and go on."""
    callback = make_callback(state=CallbackState.ATTEMPTING, attempt_id=AT_ONE)
    own = make_attempt(callback_id=callback.callback_id)
    assert doctor.lost_attempt(callback, own) == []
    assert doctor.lost_attempt(make_callback(), None) == []
    over = attrs.evolve(own, state=AttemptState.ENDED, ended_at=NOW)
    wrong = [doctor.lost_attempt(callback, one) for one in (None, make_attempt(), over)]
    assert [kinds(found) for found in wrong] == [[FindingKind.ATTEMPT_LOST]] * 3
    assert [found[0].since_at for found in wrong] == [None, None, NOW]
    nameless = attrs.evolve(callback, attempt_id=None)
    assert doctor.lost_attempt(nameless, None)[0].others == ()


@pytest.mark.parametrize(
    ("attempt", "callback", "expected"),
    [
        ({}, {"state": CallbackState.ATTEMPTING, "attempt_id": AT_ONE}, False),
        ({}, {"state": CallbackState.ATTEMPTING, "attempt_id": AttemptId("at_2")}, True),
        ({}, {"state": CallbackState.WAITING}, True),
        ({"state": AttemptState.JOINING}, {"state": CallbackState.ENDED}, True),
        ({"state": AttemptState.CONNECTED}, {"state": CallbackState.ENDED}, False),
        ({"state": AttemptState.ENDING}, {"state": CallbackState.WAITING}, False),
        ({"state": AttemptState.ENDING}, None, True),
        ({"state": AttemptState.ENDED}, None, False),
    ],
)
def test_an_attempt_and_the_callback_that_it_is_for(
    attempt: dict[str, Any], callback: dict[str, Any] | None, *, expected: bool
) -> None:
    """Until they are joined the callback waits for it; after that it may be over."""
    theirs = make_callback(**callback) if callback is not None else None
    found = doctor.astray_attempt(make_attempt(**attempt), theirs)
    assert kinds(found) == [FindingKind.ATTEMPT_ASTRAY] * expected


ANN = AgentId("agent_1")
TRIED = {"attempt_id": AT_ONE, "state": AgentState.RESERVED}
TALKS = {"call_id": CallId("call_1"), "state": AgentState.BUSY}


@pytest.mark.parametrize(
    ("agent", "attempt", "call", "expected"),
    [
        ({}, None, None, False),
        (TRIED, {}, None, False),
        (TRIED, None, None, True),
        (TRIED, {"state": AttemptState.ENDED}, None, True),
        (TRIED, {"agent_id": AgentId("bea")}, None, True),
        (TALKS, None, {"agent_id": ANN, "state": CallState.TAKEN}, False),
        (TALKS, None, None, True),
        (TALKS, None, {"agent_id": ANN, "state": CallState.ENDED}, True),
        (TALKS, None, {"agent_id": AgentId("bea"), "state": CallState.TAKEN}, True),
        ({"state": AgentState.BUSY}, None, None, True),
    ],
)
def test_an_agent_at_work_and_the_work(
    agent: dict[str, Any], attempt: dict[str, Any] | None, call: dict[str, Any] | None, *, expected: bool
) -> None:
    """It must be there, go on, and be theirs."""
    found = doctor.astray_agent(
        make_agent(**agent),
        make_attempt(**attempt) if attempt is not None else None,
        make_call(**call) if call is not None else None,
    )
    assert kinds(found) == [FindingKind.AGENT_ASTRAY] * expected


def test_a_booking_and_the_callback_that_it_is_for() -> None:
    """A series outlives its callback for a moment; what is only held has none."""
    booked, over = make_booking(), make_callback(state=CallbackState.ENDED, ended_at=NOW)
    assert doctor.astray_booking(booked, make_callback()) == []
    assert doctor.astray_booking(make_booking(state=BookingState.HELD), None) == []
    assert doctor.astray_booking(attrs.evolve(booked, repeats="RRULE:FREQ=DAILY"), over) == []
    missing = doctor.astray_booking(attrs.evolve(booked, callback_id=None), None)
    assert kinds(doctor.astray_booking(booked, over)) == [FindingKind.BOOKING_ASTRAY]
    assert (kinds(missing), missing[0].others) == ([FindingKind.BOOKING_ASTRAY], ())


def test_the_counter_of_a_slot_and_its_bookings() -> None:
    """Seats for everybody and kept ones; those that were used count, and those that were passed on do not."""
    bookings = [
        make_booking("bk_1"),
        make_booking("bk_2", seat=SeatKind.KEPT, state=BookingState.HELD),
        make_booking("bk_3", state=BookingState.ENDED, ended_as=BookingEnd.USED),
        make_booking("bk_4", state=BookingState.ENDED, ended_as=BookingEnd.USED, callback_id=None),
        make_booking("bk_5", state=BookingState.ENDED, ended_as=BookingEnd.RELEASED),
    ]
    right = make_slot_count(usual_count=2, kept_count=1)
    assert doctor.seats_differ(QUEUE, SLOT_AT, right, bookings) == []
    assert doctor.seats_differ(QUEUE, SLOT_AT, None, []) == []
    for wrong in (attrs.evolve(right, usual_count=3), attrs.evolve(right, kept_count=0), None):
        (found,) = doctor.seats_differ(QUEUE, SLOT_AT, wrong, bookings)
        assert (found.kind, found.record_id) == (
            FindingKind.SEATS_DIFFER,
            f"support {SLOT_AT.isoformat()}",
        )


def test_a_person_who_is_not_there() -> None:
    """It names the record, and the id of the person."""
    (found,) = doctor.person_missing(make_callback(), "su_1")
    assert (found.kind, found.record_id, found.others) == (FindingKind.PERSON_MISSING, "cb_1", ("su_1",))


def test_two_that_hold_one_key() -> None:
    """Two callbacks under one dedup key; two attempts for one number, or one callback. What has ended holds none."""
    callbacks = [
        make_callback("cb_1", dedup_key="key"),
        make_callback("cb_2", dedup_key="key"),
        make_callback("cb_3", dedup_key="key", state=CallbackState.ENDED),
        make_callback("cb_4"),
        make_callback("cb_5"),
    ]
    attempts = [
        make_attempt("at_1", number_key="n"),
        make_attempt("at_2", number_key="n"),
        make_attempt("at_3", number_key="n", state=AttemptState.ENDED),
        make_attempt("at_4", callback_id=CallbackId("cb_at_1")),
    ]
    found = doctor.keys_twice(callbacks, attempts)
    assert [(one.record_id, one.others) for one in found] == [
        ("cb_2", ("cb_1",)),
        ("at_2", ("at_1",)),
        ("at_4", ("at_1",)),
    ]


# ---------------------------------------------------------------------------- history


def linked(*told: Event, first: int = 1, previous: str = "") -> list[HistoryLink]:
    """Return events as a chain."""
    links: list[HistoryLink] = []
    for number, event in enumerate(told, start=first):
        previous = digest_of(previous, event)
        links.append(
            HistoryLink(
                history_number=number,
                entity=event.entity,
                record_id="ann",
                event_number=number,
                digest=previous,
                event=event,
            )
        )
    return links


def signed_in(version: int = 1, **changes: Any) -> Event:
    return make_event(
        events.AgentSignedIn,
        agent_id=AgentId("ann"),
        version=version,
        queues=(QUEUE,),
        skills=(),
        leaving=False,
        due_at=NOW,
        due_reason=DueReason.PRESENCE_OVER,
        **changes,
    )


CHAIN = linked(signed_in(), signed_in(2))
ROW = make_agent("ann", version=2, due_at=NOW, due_reason=DueReason.PRESENCE_OVER)
GAP = linked(signed_in(), signed_in(3))
UNTOLD = linked(make_event(events.AgentAvailable, agent_id=AgentId("ann")))
_MOVED: Callable[..., list[HistoryLink]] = lambda links: [attrs.evolve(links[0], digest="5e8f"), *links[1:]]  # noqa: E731


@pytest.mark.parametrize(
    ("links", "row", "expected"),
    [
        (CHAIN, ROW, None),
        ([], None, None),
        ([], ROW, FindingKind.HISTORY_MISSING),
        (CHAIN, None, FindingKind.ROW_MISSING),
        (CHAIN, attrs.evolve(ROW, leaving=True), FindingKind.HISTORY_DIFFERS),
        (GAP, ROW, FindingKind.HISTORY_DIFFERS),
        (UNTOLD, ROW, FindingKind.HISTORY_DIFFERS),
        (CHAIN[1:], ROW, FindingKind.CHAIN_BROKEN),
        ([CHAIN[0], attrs.evolve(CHAIN[1], event_number=3)], ROW, FindingKind.CHAIN_BROKEN),
        (_MOVED(CHAIN), ROW, FindingKind.CHAIN_BROKEN),
    ],
)
def test_a_record_and_its_history(links: list[HistoryLink], row: Any, expected: FindingKind | None) -> None:
    """The chain must be as it was written, and build the row."""
    found = doctor.history_differs(Entity.AGENT, "ann", links, row)
    assert kinds(found) == ([expected] if expected is not None else [])
    if found:
        assert (found[0].entity, found[0].record_id) == (Entity.AGENT, "ann")


def test_a_record_whose_first_events_were_pruned() -> None:
    """It goes on from the digest that the pruning told; another one explains nothing."""
    links = linked(signed_in(2), first=2, previous="5e8f")
    assert doctor.history_differs(Entity.AGENT, "ann", links, ROW, before=[(1, "5e8f")]) == []
    for wrong in ([(1, "77aa")], [(2, "5e8f")], []):
        found = doctor.history_differs(Entity.AGENT, "ann", links, ROW, before=wrong)
        assert kinds(found) == [FindingKind.CHAIN_BROKEN]


def test_the_history_of_the_history_has_no_row() -> None:
    """It is held against itself alone."""
    links = linked(make_event(events.HistoryPruned))
    assert doctor.history_differs(Entity.HISTORY, "pruned", links, None) == []
    assert kinds(doctor.history_differs(Entity.HISTORY, "pruned", _MOVED(links), None)) == [
        FindingKind.CHAIN_BROKEN
    ]


def test_a_history_that_cannot_be_read() -> None:
    """Of a record, or behind a number."""
    assert doctor.unreadable(Entity.CALLBACK, "cb_1").entity is Entity.CALLBACK
    assert doctor.unreadable(None, "behind number 7").kind is FindingKind.CHAIN_BROKEN


def test_only_the_names_of_fields_are_told() -> None:
    """Not what they say."""
    (found,) = doctor.history_differs(Entity.AGENT, "ann", CHAIN, attrs.evolve(ROW, skills=("secret",)))
    assert "skills" in found.what
    assert "secret" not in found.what


def test_what_a_store_says_of_itself() -> None:
    """With its own severity and remedy."""
    problem = StoreProblem(severity=Severity.ERROR, what="the disk is full", remedy="make room")
    (found,) = doctor.ill_store(StoreHealth(problems=(problem,)))
    assert (found.severity, found.what, found.remedy) == (Severity.ERROR, "the disk is full", "make room")
    assert doctor.ill_store(StoreHealth()) == []

"""History as a second account: the records are built again from events alone, and a gap is seen."""

from __future__ import annotations

import attrs
import pytest

from callbackq.core import agents, attempt, calls
from callbackq.core.decision import Decision
from callbackq.core.history import KEYS, RECORDS, fold
from callbackq.effects import Dial
from callbackq.events import Event
from callbackq.ids import DEFAULT_TENANT, AttemptId, LegId, NodeId
from callbackq.model import Agent, Attempt, Callback, Entity, LiveCall, Report, ReportKind
from core.samples import (
    ANN,
    ATTEMPT_ID,
    CALL_ID,
    CALLBACK_ID,
    POLICY,
    START,
    SUPPORT,
    H,
    M,
    S,
    a_callback,
    a_subject,
    changed,
)

JOINING = calls.Joining(
    tenant_id=DEFAULT_TENANT, call_id=CALL_ID, subject_id=None, priority=100, lane=0, entered_at=START
)
PRESENCE = agents.Presence(
    tenant_id=DEFAULT_TENANT, agent_id=ANN, queues=(SUPPORT,), skills=("billing",), presence_max=H
)


def a_call_that_was_served() -> list[Event]:
    joined = calls.join(JOINING, policy=POLICY, now=START)
    (call,) = joined.records
    assert isinstance(call, LiveCall)
    taken = calls.take(call, ANN, policy=POLICY, now=START + S)
    (call,) = taken.records
    assert isinstance(call, LiveCall)
    return [*joined.events, *taken.events, *calls.leave(call, now=START + M).events]


def test_nothing_happened() -> None:
    """No events, no records."""
    assert fold([]) == {}


def test_every_entity_has_its_record_and_its_key() -> None:
    """The four kinds of record, each built from the events that name it."""
    assert dict(RECORDS) == {
        Entity.CALLBACK: Callback,
        Entity.CALL: LiveCall,
        Entity.AGENT: Agent,
        Entity.ATTEMPT: Attempt,
    }
    assert dict(KEYS) == {
        Entity.CALLBACK: "callback_id",
        Entity.CALL: "call_id",
        Entity.AGENT: "agent_id",
        Entity.ATTEMPT: "attempt_id",
    }


def test_a_record_is_built_from_its_events() -> None:
    """Field by field what the events say last; and for what they never say, the default."""
    record = fold(a_call_that_was_served())[Entity.CALL, CALL_ID]
    assert isinstance(record, LiveCall)
    assert (record.version, record.state, record.outcome) == (3, "ended", "served")
    assert (record.agent_id, record.taken_at, record.ended_at) == (ANN, START + S, START + M)
    assert (record.offers_count, record.callback_id, record.due_at) == (0, None, None)


def test_records_that_are_told_of_in_turn_are_kept_apart() -> None:
    """Events of several records stand in one history; each builds its own, and only its own."""
    call_events = a_call_that_was_served()
    agent_events = agents.sign_in(None, PRESENCE, now=START).events
    mixed = fold([call_events[0], *agent_events, *call_events[1:]])
    assert mixed == {**fold(call_events), **fold(agent_events)}
    assert set(mixed) == {(Entity.CALL, CALL_ID), (Entity.AGENT, ANN)}


def test_an_attempt_is_not_its_callback() -> None:
    """Events of an attempt name the callback too: they build the attempt."""
    context = attempt.Context(callback=a_callback(), subject=a_subject(), policy=POLICY, now=START)
    started = _start(context)
    assert fold(started.events) == {(Entity.ATTEMPT, ATTEMPT_ID): started.records[0]}
    assert isinstance(started.effects[0], Dial)


def test_an_ignored_report_is_told_and_changes_nothing() -> None:
    """Two events may tell of one version: the second, of what was ignored."""
    context = attempt.Context(callback=a_callback(), subject=a_subject(), policy=POLICY, now=START)
    started = _start(context)
    (record,) = started.records
    assert isinstance(record, Attempt)
    late = attempt.report(record, Report(leg_id=LegId("two"), kind=ReportKind.ENDED), context)
    assert not late.records
    assert fold([*started.events, *late.events]) == fold(started.events)


def _start(context: attempt.Context) -> Decision:
    return attempt.start(
        context,
        attempt_id=AttemptId(ATTEMPT_ID),
        agent_id=ANN,
        agent_leg_id=LegId("one"),
        customer_leg_id=LegId("two"),
        node_id=NodeId("node"),
        number_key="digest",
    )


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ([1], "from version 0 to 2"),
        ([0, 2], "from version 1 to 3"),
        ([0, 1, 0], "from version 2 to 1"),
        ([0, 2, 1], "from version 1 to 3"),
    ],
)
def test_a_gap_in_history_is_seen(order: list[int], said: str) -> None:
    """An event that is missing, or stands in the wrong place, is found by the versions."""
    events = a_call_that_was_served()
    with pytest.raises(AssertionError) as caught:
        fold([events[number] for number in order])
    assert said in str(caught.value)
    assert CALL_ID in str(caught.value)


def test_a_forged_event_is_seen() -> None:
    """History is an account of its own: changed by one field, it builds another record."""
    events = a_call_that_was_served()
    honest = fold(events)
    forged = fold([attrs.evolve(events[0], priority=0), *events[1:]])
    assert forged != honest
    assert CALLBACK_ID not in {key for _, key in honest}
    before, after = honest[Entity.CALL, CALL_ID], forged[Entity.CALL, CALL_ID]
    assert changed(attrs.evolve(before, version=before.version - 1), after) == {"priority": 0}

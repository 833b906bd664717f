"""Events: their names are stored, they tell all of their record, and they hold nobody's data."""

from __future__ import annotations

import enum
import inspect
import json
from datetime import timedelta, timezone
from hashlib import sha256
from types import MappingProxyType
from typing import Any

import attrs
import pytest

from callbackq import events, model
from callbackq.events import (
    AgentEvent,
    AttemptEvent,
    AttemptProgress,
    BookingEvent,
    BookingSeated,
    CallbackEvent,
    CallbackPlaced,
    CallEvent,
    CallPlaced,
    Event,
    MessageEvent,
)
from callbackq.events.chain import RECORD_IDS, digest_of, text_of
from callbackq.model import (
    Agent,
    Attempt,
    Booking,
    Callback,
    Entity,
    LiveCall,
    Message,
    OptOut,
    QueueControl,
    Subject,
)
from callbackq.testing.builders import make_event
from callbackq.testing.clock import START

HEADS = (
    Event,
    CallbackEvent,
    CallbackPlaced,
    CallEvent,
    CallPlaced,
    AgentEvent,
    AttemptEvent,
    AttemptProgress,
    BookingEvent,
    BookingSeated,
    MessageEvent,
)
EVENTS: list[type[Event]] = [
    value
    for value in vars(events).values()
    if inspect.isclass(value) and issubclass(value, Event) and value not in HEADS
]

# Kinds are stored: a name that changes is a history that cannot be read.
KINDS = {
    Entity.CALLBACK: {
        "callback_requested",
        "callback_ready",
        "callback_moved",
        "callback_prioritized",
        "callback_reranked",
        "callback_opened",
        "callback_requeued",
        "callback_merged",
        "callback_waited_long",
        "callback_rescheduled",
        "callback_ticketed",
        "callback_held",
        "callback_called_in",
        "callback_renumbered",
        "callback_failed",
        "callback_reopened",
        "callback_scored",
        "callback_ticket_reopened",
        "callback_announced",
        "callback_attempted",
        "callback_returned",
        "callback_watched",
        "callback_rested",
        "callback_ended",
    },
    Entity.CALL: {
        "call_joined",
        "call_moved",
        "call_prioritized",
        "call_reranked",
        "call_opened",
        "call_offered",
        "call_declined",
        "call_taken",
        "call_returned",
        "call_rejoined",
        "call_ended",
    },
    Entity.AGENT: {
        "agent_signed_in",
        "agent_reserved",
        "agent_took_call",
        "agent_connected",
        "agent_freed",
        "agent_available",
        "agent_leaving",
        "agent_signed_out",
    },
    Entity.ATTEMPT: {
        "attempt_started",
        "attempt_moved",
        "attempt_taken_over",
        "attempt_ended",
        "report_ignored",
    },
    Entity.QUEUE: {"queue_switched"},
    Entity.BOOKING: {
        "booking_held",
        "booking_made",
        "booking_moved",
        "booking_reminded",
        "booking_late",
        "booking_watched",
        "booking_ended",
    },
    Entity.OPT_OUT: {"opt_out_changed"},
    Entity.MESSAGE: {
        "message_queued",
        "message_held",
        "message_sending",
        "message_sent",
        "message_requeued",
        "message_in_doubt",
        "message_ended",
        "message_delivery_ignored",
    },
    Entity.HISTORY: {"history_pruned"},
}
WITHOUT_ROW = {Entity.HISTORY}
"""What is told of, and has no record."""
RECORDS: dict[Entity, tuple[type[Any], type[Event]]] = {
    Entity.CALLBACK: (Callback, events.CallbackRequested),
    Entity.CALL: (LiveCall, events.CallJoined),
    Entity.AGENT: (Agent, events.AgentSignedIn),
    Entity.ATTEMPT: (Attempt, events.AttemptStarted),
    Entity.QUEUE: (QueueControl, events.QueueSwitched),
    Entity.BOOKING: (Booking, events.BookingHeld),
    Entity.OPT_OUT: (OptOut, events.OptOutChanged),
    Entity.MESSAGE: (Message, events.MessageQueued),
}
KEYS_OF = {entity: f"{entity}_id" for entity in Entity} | {
    Entity.QUEUE: "queue",
    Entity.OPT_OUT: "number_key",
}


def names(cls: type[Any]) -> set[str]:
    return set(attrs.fields_dict(cls))


def test_the_names_that_are_stored() -> None:
    """Each kind once, under its entity; none comes or goes unnoticed."""
    stored: dict[Entity, set[str]] = {entity: set() for entity in Entity}
    for event in EVENTS:
        assert event.kind not in stored[event.entity]
        stored[event.entity].add(event.kind)
    assert stored == KINDS


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_is_frozen_and_built_by_name(event: type[Event]) -> None:
    """History is not rewritten, not even in memory."""
    assert all(field.kw_only for field in attrs.fields(event))
    assert event.__setattr__ is attrs.frozen(type("Empty", (), {})).__setattr__
    assert inspect.getdoc(event)


@pytest.mark.parametrize("event", [event for event in EVENTS if event.entity not in WITHOUT_ROW])
def test_an_event_tells_of_its_record_by_its_fields(event: type[Event]) -> None:
    """It has the key, the state and the version; a field of the record's name has the record's type."""
    record, _ = RECORDS[event.entity]
    shared = names(event) & names(record)
    head = {"tenant_id", "version", "state", "due_at", "due_reason", KEYS_OF[event.entity]}
    if record in {QueueControl, OptOut}:  # These have no life of their own: neither states nor a due time.
        head = {"tenant_id", "version", KEYS_OF[event.entity]}
    assert head <= shared
    for name in shared:
        told, kept = attrs.fields_dict(event)[name].type, attrs.fields_dict(record)[name].type
        assert _is_part_of(str(told), str(kept)), (name, told, kept)


def _is_part_of(told: str, kept: str) -> bool:
    return set(told.split(" | ")) <= set(kept.split(" | "))


@pytest.mark.parametrize("entity", sorted(set(Entity) - WITHOUT_ROW))
def test_events_tell_all_of_a_record(entity: Entity) -> None:
    """The first one, all that has no default; the others, all that has: else no history could build the record."""
    record, first = RECORDS[entity]
    required = {field.name for field in attrs.fields(record) if field.default is attrs.NOTHING}
    assert required <= names(first)
    told = set().union(*(names(event) for event in EVENTS if event.entity is entity))
    assert names(record) <= told


@pytest.mark.parametrize("event", EVENTS)
def test_a_kind_is_the_name_of_its_class(event: type[Event]) -> None:
    """In small letters, and it begins with its entity; of a report, with the report."""
    assert event.kind.replace("_", "") == event.__name__.lower()
    assert event.kind.startswith((f"{event.entity}_", "report_"))


@pytest.mark.parametrize(
    "event", [event for event in EVENTS if issubclass(event, CallbackPlaced | CallPlaced)]
)
def test_what_places_tells_where_it_stands_and_never_when_it_entered(event: type[Event]) -> None:
    """Queue, priority, lane and rank; the time of entry is told once, when the place is taken."""
    assert {"queue", "priority", "lane", "ranked_at", "rank", "preferred_until_at", "reason"} <= names(event)
    assert names(event).isdisjoint({"entered_at", "place_id"})


def test_no_event_has_a_field_for_personal_data() -> None:
    """Numbers, names and free context live in the subject alone; history holds ids."""
    harmless = {"created_at", "seen_at", "erased_at", "zone"}  # A booking has the zone of its wall.
    personal = names(Subject) - names(Callback) - harmless | {"context"}
    assert personal == {
        "identity",
        "number",
        "extension",
        "alternatives",
        "wrong_numbers",
        "record_number",
        "flagged_at",
        "name",
        "language",
        "contexts",
        "context",
        "customer_id",
        "tier",
        "preferred_number",
        "pending_number",
        "email",
        "hours",
    }
    for event in EVENTS:
        assert names(event).isdisjoint(personal), event
    for record, _ in RECORDS.values():
        assert names(record).isdisjoint(personal), record


@pytest.mark.parametrize(
    "cls", [value for value in vars(model).values() if inspect.isclass(value) and attrs.has(value)]
)
def test_records_and_values_are_frozen_and_built_by_name(cls: type[Any]) -> None:
    """What was handed out is not changed afterwards; and no two fields can be mixed up."""
    assert all(field.kw_only for field in attrs.fields(cls))
    assert cls.__setattr__ is attrs.frozen(type("Empty", (), {})).__setattr__


# ---------------------------------------------------------------------------- the chain


def test_every_event_names_its_record() -> None:
    """By the field that is the key of the record."""
    assert dict(RECORD_IDS) == KEYS_OF


def test_the_text_of_an_event_is_the_same_for_ever() -> None:
    """Fields in order, instants in UTC, what is as it mostly is left out: else old digests would no longer fit."""
    event = make_event(
        events.CallbackReady,
        version=2,
        at=START.astimezone(timezone(timedelta(hours=9))),
        due_at=None,
        reason='"Straße"',
    )
    assert text_of(event) == (
        '{"at":"2026-01-05T08:00:00.000000Z","callback_id":"callback_id_1","due_at":null,"due_reason":"expires",'
        '"entity":"callback","kind":"callback_ready","lane":1,"mode":"agent_first","priority":1,"queue":"queue_1",'
        '"rank":1,"ranked_at":"2026-01-05T08:00:00.000000Z","reason":"\\"Stra\\u00dfe\\"","state":"scheduled",'
        '"tenant_id":"default","version":2}'
    )
    first = digest_of("", event)
    assert first == sha256(f"\n{text_of(event)}".encode()).hexdigest()
    assert digest_of(first, event) == sha256(f"{first}\n{text_of(event)}".encode()).hexdigest()


@pytest.mark.parametrize("event", EVENTS)
def test_a_field_with_its_default_changes_no_digest(event: type[Event]) -> None:
    """So an event class may gain one, and the digests of its old events still fit."""
    plain = make_event(event)
    text = json.loads(text_of(plain))
    required = {field.name for field in attrs.fields(event) if field.default is attrs.NOTHING}
    assert text.keys() == required | {"entity", "kind"}
    for field in attrs.fields(event):
        if field.default is None and field.type != "None":
            changed = attrs.evolve(plain, **{field.name: "x"})
            assert digest_of("", changed) != digest_of("", plain)


def test_what_has_no_plain_form_is_refused() -> None:
    """Nothing is sealed that could not be read again."""
    for broken, error in (
        (START.replace(tzinfo=None), ValueError),
        (float("nan"), ValueError),
        (b"x", TypeError),
    ):
        with pytest.raises(error):
            text_of(make_event(events.CallbackReady, at=broken))


def test_lengths_and_mappings_have_a_plain_form() -> None:
    """Whole microseconds, and an object in the order of its keys; in order of nothing else."""
    event = make_event(
        events.CallbackReady,
        at=START,
        reason=MappingProxyType({"b": timedelta(seconds=1), "a": (Entity.CALL, Size.SMALL)}),
    )
    assert '"reason":{"a":["call",1],"b":1000000}' in text_of(event)


class Size(enum.Enum):
    """An enum that is no text."""

    SMALL = 1

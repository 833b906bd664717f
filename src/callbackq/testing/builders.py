"""
Records and events made from next to nothing, for tests of stores and of whatever reads one.

The rule: a builder fills in all that a test does not care for, the same way every time, and keeps what belongs
together together: a record that has ended has no `due_at`, and a rank follows from `ranked_at`.
"""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import attrs

from callbackq.events import Event
from callbackq.ids import (
    DEFAULT_TENANT,
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
    VerificationId,
)
from callbackq.model import (
    Agent,
    AgentState,
    Attempt,
    AttemptState,
    Booking,
    BookingState,
    Callback,
    CallbackState,
    CallState,
    Channel,
    Conversation,
    DueReason,
    LegState,
    LiveCall,
    Message,
    MessageKind,
    MessageState,
    Mode,
    Node,
    NodeState,
    OptOut,
    QueueControl,
    Record,
    SeatKind,
    SlotCount,
    SlotDay,
    Subject,
    Tally,
    Verification,
    Webhook,
    WebhookState,
)
from callbackq.testing.clock import START

QUEUE: Final = QueueName("support")
"""The queue of every record that names none."""

SLOT_AT: Final = START + timedelta(hours=6)
"""When the slot begins of every booking and counter that names none."""

_Row = Record | Subject | SlotCount | SlotDay | Tally | Verification | Conversation | Node | Webhook
_EPOCH: Final = START.replace(year=1970, day=1, hour=0)
_LIFE: Final = timedelta(hours=24)
_LAST_STATES: Final = frozenset(
    {
        CallbackState.ENDED,
        CallState.ENDED,
        AttemptState.ENDED,
        AgentState.SIGNED_OUT,
        BookingState.ENDED,
        MessageState.ENDED,
        NodeState.GONE,
    }
)

_RecordT = TypeVar(
    "_RecordT",
    Callback,
    LiveCall,
    Agent,
    Attempt,
    Booking,
    SlotCount,
    SlotDay,
    Subject,
    QueueControl,
    Tally,
    Verification,
    OptOut,
    Message,
    Conversation,
    Node,
    Webhook,
)
_EventT = TypeVar("_EventT", bound=Event)


def rank_of(at: datetime) -> int:
    """
    Return the rank of a place that has no credit: whole microseconds from 1970.

    >>> rank_of(START)
    1767600000000000
    """
    return (at - _EPOCH) // timedelta(microseconds=1)


def _due(state: enum.Enum, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `due_at` and `due_reason` as they fit *state*."""
    if state in _LAST_STATES:
        return {"due_at": None, "due_reason": None}
    due_at = changes.get("due_at", START + _LIFE)
    return {"due_at": due_at, "due_reason": DueReason.EXPIRES}


def make_callback(callback_id: str = "cb_1", **changes: Any) -> Callback:
    """
    Build a WAITING callback of version 1.

    >>> make_callback("cb_7", state=CallbackState.ENDED).due_at is None
    True
    """
    ranked_at: datetime = changes.get("ranked_at", START)
    state = changes.get("state", CallbackState.WAITING)
    fields: dict[str, Any] = {
        "tenant_id": DEFAULT_TENANT,
        "callback_id": CallbackId(callback_id),
        "version": 1,
        "state": state,
        "queue": QUEUE,
        "subject_id": SubjectId("su_1"),
        "channel": Channel.WEB,
        "mode": Mode.AGENT_FIRST,
        "priority": 100,
        "place_id": PlaceId(callback_id),
        "entered_at": START,
        "requested_at": START,
        "ranked_at": ranked_at,
        "rank": rank_of(ranked_at),
        "expires_at": START + _LIFE,
        **_due(state, changes),
    }
    return Callback(**{**fields, **changes})


def make_call(call_id: str = "call_1", **changes: Any) -> LiveCall:
    """
    Build a WAITING live call of version 1.

    >>> make_call(queue="sales").queue
    'sales'
    """
    ranked_at: datetime = changes.get("ranked_at", START)
    state = changes.get("state", CallState.WAITING)
    fields: dict[str, Any] = {
        "tenant_id": DEFAULT_TENANT,
        "call_id": CallId(call_id),
        "version": 1,
        "state": state,
        "queue": QUEUE,
        "priority": 100,
        "place_id": PlaceId(call_id),
        "entered_at": START,
        "ranked_at": ranked_at,
        "rank": rank_of(ranked_at),
        **_due(state, changes),
    }
    return LiveCall(**{**fields, **changes})


def make_agent(agent_id: str = "agent_1", **changes: Any) -> Agent:
    """
    Build an AVAILABLE agent of version 1, who serves `QUEUE`.

    >>> make_agent("mia", skills=("fr",)).skills
    ('fr',)
    """
    state = changes.get("state", AgentState.AVAILABLE)
    fields: dict[str, Any] = {
        "tenant_id": DEFAULT_TENANT,
        "agent_id": AgentId(agent_id),
        "version": 1,
        "state": state,
        "queues": (QUEUE,),
        "since_at": START,
        **_due(state, changes),
    }
    return Agent(**{**fields, **changes})


def make_attempt(attempt_id: str = "at_1", **changes: Any) -> Attempt:
    """
    Build an INTENDED attempt of version 1. Its callback, number key and legs are its own unless given.

    >>> make_attempt("at_7").customer_leg_id
    'leg_at_7_customer'
    """
    state = changes.get("state", AttemptState.INTENDED)
    fields: dict[str, Any] = {
        "tenant_id": DEFAULT_TENANT,
        "attempt_id": AttemptId(attempt_id),
        "version": 1,
        "state": state,
        "callback_id": CallbackId(f"cb_{attempt_id}"),
        "queue": QUEUE,
        "subject_id": SubjectId("su_1"),
        "number_key": f"number_{attempt_id}",
        "mode": Mode.AGENT_FIRST,
        "agent_id": AgentId("agent_1"),
        "node_id": NodeId("node_1"),
        "agent_leg_id": LegId(f"leg_{attempt_id}_agent"),
        "agent_leg": LegState.INTENDED,
        "customer_leg_id": LegId(f"leg_{attempt_id}_customer"),
        "customer_leg": LegState.NONE,
        "started_at": START,
        **_due(state, changes),
    }
    return Attempt(**{**fields, **changes})


def make_booking(booking_id: str = "bk_1", **changes: Any) -> Booking:
    """
    Build a BOOKED booking of version 1, of the slot at `SLOT_AT`. Its callback is its own unless given.

    >>> make_booking("bk_7").callback_id, make_booking().agent_id
    ('cb_bk_7', None)
    """
    state = changes.get("state", BookingState.BOOKED)
    slot_at: datetime = changes.get("slot_at", SLOT_AT)
    fields: dict[str, Any] = {
        "tenant_id": DEFAULT_TENANT,
        "booking_id": BookingId(booking_id),
        "version": 1,
        "state": state,
        "queue": QUEUE,
        "slot_at": slot_at,
        "length": timedelta(minutes=15),
        "seat": SeatKind.USUAL,
        "wall_at": slot_at.replace(tzinfo=None).isoformat(),
        "zone": "UTC",
        "callback_id": CallbackId(f"cb_{booking_id}"),
        "held_at": START,
        **_due(state, changes),
    }
    return Booking(**{**fields, **changes})


def make_slot_count(queue: str = QUEUE, **changes: Any) -> SlotCount:
    """
    Build version 1 of the counter of the slot at `SLOT_AT`: no seat is taken.

    >>> make_slot_count(kept_count=2).count
    2
    """
    fields: dict[str, Any] = {"tenant_id": DEFAULT_TENANT, "queue": QueueName(queue), "slot_at": SLOT_AT}
    return SlotCount(**{**fields, **changes})


def make_slot_day(queue: str = QUEUE, **changes: Any) -> SlotDay:
    """
    Build version 1 of the counter of a day: no slot is full.

    >>> make_slot_day().day
    '2026-01-05'
    """
    day = SLOT_AT.date().isoformat()
    fields: dict[str, Any] = {"tenant_id": DEFAULT_TENANT, "queue": QueueName(queue), "day": day}
    return SlotDay(**{**fields, **changes})


def make_subject(subject_id: str = "su_1", **changes: Any) -> Subject:
    """
    Build a subject of version 1, whose identity is its own unless given.

    >>> make_subject("su_7").identity
    'id:su_7'
    """
    fields: dict[str, Any] = {
        "tenant_id": DEFAULT_TENANT,
        "subject_id": SubjectId(subject_id),
        "identity": f"id:{subject_id}",
        "number": "+12125550123",
        "created_at": START,
    }
    return Subject(**{**fields, **changes})


def make_queue_control(queue: str = QUEUE, **changes: Any) -> QueueControl:
    """
    Build version 1 of what is switched for a queue: nothing is paused.

    >>> make_queue_control("sales", dialing_paused=True).offering_paused
    False
    """
    fields: dict[str, Any] = {
        "tenant_id": DEFAULT_TENANT,
        "queue": QueueName(queue),
        "version": 1,
        "changed_at": START,
    }
    return QueueControl(**{**fields, **changes})


def make_tally(key: str = "key_1", **changes: Any) -> Tally:
    """
    Build version 1 of a tally that has counted nothing.

    >>> make_tally(moments=(5,), weights=(2,)).weights
    (2,)
    """
    fields: dict[str, Any] = {"tenant_id": DEFAULT_TENANT, "key": key, "over_at": START + _LIFE}
    return Tally(**{**fields, **changes})


def make_verification(verification_id: str = "vf_1", **changes: Any) -> Verification:
    """
    Build version 1 of a one-time code that was just sent.

    >>> make_verification("vf_7").number_key
    'number_vf_7'
    """
    fields: dict[str, Any] = {
        "tenant_id": DEFAULT_TENANT,
        "verification_id": VerificationId(verification_id),
        "number_key": f"number_{verification_id}",
        "queue": QUEUE,
        "code_hash": "5e8f",
        "sent_at": START,
        "expires_at": START + timedelta(minutes=10),
    }
    return Verification(**{**fields, **changes})


def make_opt_out(number_key: str = "number_1", **changes: Any) -> OptOut:
    """
    Build version 1 of what is known of a number: calls and messages may be made.

    >>> make_opt_out(calls_at=START).messages_at is None
    True
    """
    fields: dict[str, Any] = {
        "tenant_id": DEFAULT_TENANT,
        "number_key": number_key,
        "version": 1,
        "changed_at": START,
    }
    return OptOut(**{**fields, **changes})


def make_message(message_id: str = "ms_1", **changes: Any) -> Message:
    """
    Build a WAITING message of version 1 about the callback `cb_1`. Its cause is its own unless given.

    >>> make_message("ms_7").cause, make_message().send_id
    ('cause_ms_7', 'ms_1.0')
    """
    state = changes.get("state", MessageState.WAITING)
    fields: dict[str, Any] = {
        "tenant_id": DEFAULT_TENANT,
        "message_id": MessageId(message_id),
        "version": 1,
        "state": state,
        "message_kind": MessageKind.CONFIRMATION,
        "cause": f"cause_{message_id}",
        "queue": QUEUE,
        "callback_id": CallbackId("cb_1"),
        "subject_id": SubjectId("su_1"),
        "created_at": START,
        "best_before_at": START + _LIFE,
        **_due(state, changes),
    }
    return Message(**{**fields, **changes})


def make_conversation(conversation_key: str = "conversation_1", **changes: Any) -> Conversation:
    """
    Build version 1 of a conversation in which nothing is asked.

    >>> make_conversation(heard_ids=("sms_1",)).question is None
    True
    """
    fields: dict[str, Any] = {
        "tenant_id": DEFAULT_TENANT,
        "conversation_key": conversation_key,
        "over_at": START + _LIFE,
    }
    return Conversation(**{**fields, **changes})


def make_node(node_id: str = "node_1", **changes: Any) -> Node:
    """
    Build version 1 of a node that is UP, with a lease of 15 seconds.

    >>> make_node(state=NodeState.GONE).due_at is None
    True
    """
    state = changes.get("state", NodeState.UP)
    fields: dict[str, Any] = {
        "tenant_id": DEFAULT_TENANT,
        "node_id": NodeId(node_id),
        "version": 1,
        "state": state,
        "instance_id": f"in_{node_id}",
        "started_at": START,
        "seen_at": START,
        "lease_until_at": START + timedelta(seconds=15),
        "schema_version": 7,
        "release": "1.0",
        **_due(state, changes),
    }
    return Node(**{**fields, **changes})


def make_webhook(endpoint: str = "crm", **changes: Any) -> Webhook:
    """
    Build version 1 of the own row of an endpoint that was told nothing yet.

    >>> make_webhook(position=7).about
    ''
    """
    fields: dict[str, Any] = {
        "tenant_id": DEFAULT_TENANT,
        "endpoint": endpoint,
        "about": "",
        "version": 1,
        "state": WebhookState.OPEN,
        "position": 0,
    }
    return Webhook(**{**fields, **changes})


def next_version(record: _RecordT, **changes: Any) -> _RecordT:
    """
    Build what follows *record*: the version is one higher, and `due_at` fits the state.

    >>> ended = next_version(make_callback(), state=CallbackState.ENDED)
    >>> ended.version, ended.due_at
    (2, None)
    """
    plain: _Row = record
    due: dict[str, Any] = {}
    if isinstance(plain, Callback | LiveCall | Agent | Attempt | Booking | Message | Node):
        state = changes.get("state", plain.state)
        if (state in _LAST_STATES) is not (plain.due_at is None):
            due = _due(state, changes)
    return attrs.evolve(record, **{"version": plain.version + 1, **due, **changes})


def filled(record: _RecordT) -> _RecordT:
    """
    Fill every field of *record* that has a default, by its type alone: none is left None, empty or as it was.

    Numbers and times tell the fields apart. The state stays, so what is filled need not make sense together.

    >>> callback = filled(make_callback())
    >>> callback.ticket_id, callback.quoted_position_exact, callback.version
    ('ticket_id_1', False, 1)
    """
    plain: _Row = record
    hints = typing.get_type_hints(type(plain))
    fields: dict[str, Any] = {}
    for position, field in enumerate(attrs.fields(type(plain)), start=2):
        if field.default is attrs.NOTHING or field.name == "version":
            continue
        value = _sample(hints[field.name], field.name)
        if isinstance(value, bool):
            value = field.default is not True
        elif isinstance(value, int | float | timedelta):
            value *= position
        elif isinstance(value, datetime):
            value += timedelta(microseconds=position)
        fields[field.name] = value
    return attrs.evolve(record, **fields)


def make_event(event_class: type[_EventT], **changes: Any) -> _EventT:
    """
    Build an event of any class, each field filled by its type alone.

    >>> from callbackq.events import CallbackReady
    >>> make_event(CallbackReady, version=7).version
    7
    """
    hints = typing.get_type_hints(event_class)
    fields: dict[str, Any] = {
        field.name: _sample(hints[field.name], field.name)
        for field in attrs.fields(event_class)
        if field.default is attrs.NOTHING
    }
    fields["tenant_id"] = DEFAULT_TENANT
    fields.update(changes)
    return event_class(**fields)


def _sample(hint: Any, name: str) -> Any:
    """Return a value of the type *hint*; a text says where it stands."""
    while isinstance(hint, typing.NewType):
        hint = hint.__supertype__
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType or origin is typing.Union:
        return _sample(arguments[0], name)
    if origin is tuple:
        return (_sample(arguments[0], name),)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {name: _sample(arguments[1], name)}
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return next(iter(hint))
    samples: dict[Any, Any] = {
        str: f"{name}_1",
        int: 1,
        float: 1.5,
        bool: True,
        datetime: START,
        timedelta: timedelta(seconds=90),
        types.NoneType: None,
    }
    return samples[hint]

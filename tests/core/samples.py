"""Records as the tests of the core need them: all valid, any field to be overridden; and a book that holds the laws."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs
from hypothesis import settings

from callbackq.core.decision import Decision
from callbackq.core.history import fold
from callbackq.core.ordering import rank
from callbackq.core.placing import Stand
from callbackq.core.promising import Asked
from callbackq.effects import Dial, Effect
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
    DueReason,
    Entity,
    LegState,
    LiveCall,
    Message,
    MessageKind,
    MessageState,
    Mode,
    Place,
    QueueControl,
    Record,
    SeatKind,
    Subject,
    Wait,
)
from callbackq.policy import QueuePolicy

LAW: Final = settings(derandomize=True, deadline=None, max_examples=200)
"""A law is tried on the same examples every time."""

START: Final = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
NEVER: Final = datetime(2026, 1, 6, 8, 0, tzinfo=UTC)
S: Final = timedelta(seconds=1)
M: Final = timedelta(minutes=1)
H: Final = timedelta(hours=1)
D: Final = timedelta(days=1)

SUPPORT: Final = QueueName("support")
POLICY: Final = QueuePolicy(queue=SUPPORT)
NUMBER: Final = "+12125550123"
ANN: Final = AgentId("ann")
CALLBACK_ID: Final = CallbackId("cb_1")
CALL_ID: Final = CallId("call-1")
ATTEMPT_ID: Final = AttemptId("at_1")
BOOKING_ID: Final = BookingId("bk_1")
MESSAGE_ID: Final = MessageId("ms_1")
AGENT_LEG: Final = LegId("leg_agent")
CUSTOMER_LEG: Final = LegId("leg_customer")


def a_subject(**changes: Any) -> Subject:
    """Return a person with a number, an extension and a name."""
    fields: dict[str, Any] = {
        "tenant_id": DEFAULT_TENANT,
        "subject_id": SubjectId("su_1"),
        "identity": f"tel:{NUMBER};ext=7",
        "number": NUMBER,
        "extension": "7",
        "name": "Mary Major",
        "language": "en",
        "contexts": {CALLBACK_ID: {"topic": "invoice"}},
        "created_at": START,
        "seen_at": START,
    }
    return Subject(**{**fields, **changes})


def rank_of(changes: Mapping[str, Any], policy: QueuePolicy = POLICY) -> int:
    """Return the rank that follows from the fields of a place."""
    return rank(changes.get("ranked_at", START), priority=changes.get("priority", 100), policy=policy)


def a_stand(**changes: Any) -> Stand:
    """Return where a place stands that was just taken."""
    fields: dict[str, Any] = {
        "queue": SUPPORT,
        "priority": 100,
        "lane": 0,
        "ranked_at": START,
        "rank": rank_of(changes),
    }
    return Stand(**{**fields, **changes})


def asked_for(**changes: Any) -> Asked:
    """Return what was asked for on a web page: a callback as soon as possible."""
    fields: dict[str, Any] = {
        "tenant_id": DEFAULT_TENANT,
        "callback_id": CALLBACK_ID,
        "subject_id": SubjectId("su_1"),
        "channel": Channel.WEB,
        "request_key": None,
        "stand": a_stand(),
        "place_id": PlaceId(CALLBACK_ID),
        "entered_at": START,
        "scheduled_at": None,
        "position": None,
        "wait": Wait(mean_s=None, low_s=None, high_s=None),
    }
    return Asked(**{**fields, **changes})


def a_callback(**changes: Any) -> Callback:
    """Return a callback that is WAITING."""
    fields: dict[str, Any] = {
        "tenant_id": DEFAULT_TENANT,
        "callback_id": CALLBACK_ID,
        "version": 1,
        "state": CallbackState.WAITING,
        "queue": SUPPORT,
        "subject_id": SubjectId("su_1"),
        "channel": Channel.WEB,
        "mode": Mode.AGENT_FIRST,
        "priority": 100,
        "place_id": PlaceId(CALLBACK_ID),
        "entered_at": START,
        "requested_at": START,
        "ranked_at": START,
        "rank": rank_of(changes),
        "expires_at": START + D,
        "due_at": START + D,
        "due_reason": DueReason.EXPIRES,
    }
    return Callback(**{**fields, **changes})


def a_call(**changes: Any) -> LiveCall:
    """Return a live call that is WAITING."""
    fields: dict[str, Any] = {
        "tenant_id": DEFAULT_TENANT,
        "call_id": CALL_ID,
        "version": 1,
        "state": CallState.WAITING,
        "queue": SUPPORT,
        "priority": 100,
        "place_id": PlaceId(CALL_ID),
        "entered_at": START,
        "ranked_at": START,
        "rank": rank_of(changes),
        "due_at": START + 8 * H,
        "due_reason": DueReason.EXPIRES,
    }
    return LiveCall(**{**fields, **changes})


def an_agent(**changes: Any) -> Agent:
    """Return an agent who is AVAILABLE."""
    fields: dict[str, Any] = {
        "tenant_id": DEFAULT_TENANT,
        "agent_id": ANN,
        "version": 1,
        "state": AgentState.AVAILABLE,
        "queues": (SUPPORT,),
        "since_at": START,
        "due_at": START + 16 * H,
        "due_reason": DueReason.PRESENCE_OVER,
    }
    return Agent(**{**fields, **changes})


def an_attempt(**changes: Any) -> Attempt:
    """Return an attempt that is INTENDED, its agent's leg about to be dialed."""
    fields: dict[str, Any] = {
        "tenant_id": DEFAULT_TENANT,
        "attempt_id": ATTEMPT_ID,
        "version": 1,
        "state": AttemptState.INTENDED,
        "callback_id": CALLBACK_ID,
        "queue": SUPPORT,
        "subject_id": SubjectId("su_1"),
        "number_key": "digest",
        "mode": Mode.AGENT_FIRST,
        "agent_id": ANN,
        "node_id": NodeId("node"),
        "agent_leg_id": AGENT_LEG,
        "agent_leg": LegState.INTENDED,
        "agents_rung_count": 1,
        "agent_until_at": START + 30 * S,
        "customer_leg_id": CUSTOMER_LEG,
        "customer_leg": LegState.NONE,
        "started_at": START,
        "due_at": START + 30 * S,
        "due_reason": DueReason.AGENT_RING_OVER,
    }
    return Attempt(**{**fields, **changes})


def a_control(**changes: Any) -> QueueControl:
    """Return the control of a queue in which offering and dialing are paused."""
    fields: dict[str, Any] = {
        "tenant_id": DEFAULT_TENANT,
        "queue": SUPPORT,
        "version": 1,
        "offering_paused": True,
        "dialing_paused": True,
        "reason": "storm",
        "changed_at": START,
    }
    return QueueControl(**{**fields, **changes})


def a_booking(**changes: Any) -> Booking:
    """Return a seat that is BOOKED for a callback, at six o'clock in New York: three hours from the start."""
    fields: dict[str, Any] = {
        "tenant_id": DEFAULT_TENANT,
        "booking_id": BOOKING_ID,
        "version": 1,
        "state": BookingState.BOOKED,
        "queue": SUPPORT,
        "slot_at": START + 3 * H,
        "length": 30 * M,
        "seat": SeatKind.USUAL,
        "wall_at": "2026-01-05T06:00:00",
        "zone": "America/New_York",
        "callback_id": CALLBACK_ID,
        "held_at": START,
        "booked_at": START,
        "due_at": START + 3 * H - 15 * M,
        "due_reason": DueReason.REMINDER,
    }
    return Booking(**{**fields, **changes})


def a_message(**changes: Any) -> Message:
    """Return a message that is WAITING: the confirmation of the callback."""
    fields: dict[str, Any] = {
        "tenant_id": DEFAULT_TENANT,
        "message_id": MESSAGE_ID,
        "version": 1,
        "state": MessageState.WAITING,
        "message_kind": MessageKind.CONFIRMATION,
        "cause": f"{CALLBACK_ID}.1.confirmation",
        "queue": SUPPORT,
        "callback_id": CALLBACK_ID,
        "subject_id": SubjectId("su_1"),
        "created_at": START,
        "best_before_at": START + 12 * H,
        "due_at": START,
        "due_reason": DueReason.MESSAGE_WAITS,
    }
    return Message(**{**fields, **changes})


def changed(before: Record, after: Record) -> dict[str, Any]:
    """Return the fields of *after* that differ from *before*, the version excepted: it must be one higher."""
    assert after.version == before.version + 1
    old, new = attrs.asdict(before, recurse=False), attrs.asdict(after, recurse=False)
    assert old.keys() == new.keys()
    return {name: new[name] for name in new if new[name] != old[name] and name != "version"}


def only_record(decision: Decision) -> Any:
    """Return the one record of a decision about one record."""
    (record,) = decision.records
    return record


def only_event(decision: Decision) -> Any:
    """Return the one event of a decision that has one."""
    (event,) = decision.events
    return event


def shown(effects: Iterable[Effect]) -> list[str]:
    """Return effects as lines that can be read: `HangUp leg_agent customer_not_reached`."""
    lines = []
    for effect in effects:
        whose = getattr(effect, "leg_id", None) or getattr(effect, "agent_id", None)
        told = (whose, getattr(effect, "digits", None), getattr(effect, "prompt", None))
        lines.append(" ".join([type(effect).__name__, *(str(word) for word in told if word is not None)]))
    return lines


def key_of(record: Record) -> tuple[Entity, str]:
    """Return the key of a record, as `fold` gives it."""
    match record:
        case Callback():
            return Entity.CALLBACK, record.callback_id
        case LiveCall():
            return Entity.CALL, record.call_id
        case Agent():
            return Entity.AGENT, record.agent_id
        case Attempt():
            return Entity.ATTEMPT, record.attempt_id
        case QueueControl():
            return Entity.QUEUE, record.queue
        case Booking():
            return Entity.BOOKING, record.booking_id
        case Message():
            return Entity.MESSAGE, record.message_id


class Book:
    """
    Writes decisions down as the service does, and holds what must be true after each.

    Versions go up by one; `fold(history)` is the records; no leg is dialed twice; a record is due until it ended;
    and of a place neither the entry time nor what breaks its ties is ever rewritten.
    """

    def __init__(self) -> None:
        self.records: dict[tuple[Entity, str], Record] = {}
        self.events: list[Event] = []
        self.effects: list[Effect] = []

    def write(self, decision: Decision) -> Decision:
        """Write one decision down, check the laws, and return it."""
        for record in decision.records:
            known = self.records.get(key_of(record))
            assert record.version == (known.version if known else 0) + 1
            if isinstance(known, Place):
                assert isinstance(record, Place)
                assert (record.entered_at, record.place_id) == (known.entered_at, known.place_id)
            self.records[key_of(record)] = record
        self.events += decision.events
        self.effects += decision.effects
        self._check()
        return decision

    def _check(self) -> None:
        assert fold(self.events) == self.records
        dialed = [effect.leg_id for effect in self.effects if isinstance(effect, Dial)]
        assert len(dialed) == len(set(dialed))
        for record in self.records.values():
            if isinstance(record, QueueControl):
                continue
            over = record.state in ("ended", "signed_out")
            assert (record.due_at is None) is over
            assert (record.due_reason is None) is over

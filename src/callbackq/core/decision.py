"""A decision: what a rule found, as data. The service writes it down; drivers perform its effects."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any, TypeVar, assert_never

import attrs

from callbackq.effects import Effect
from callbackq.events import Event
from callbackq.model import Agent, Attempt, Booking, Callback, LiveCall, Message, OptOut, QueueControl, Record


@attrs.frozen(kw_only=True)
class Decision:
    """
    New records, the events that tell of them, and what the world must do once they are durable.

    Decisions about several records that belong together are added up, and are committed together.
    """

    records: tuple[Record, ...] = ()
    events: tuple[Event, ...] = ()
    effects: tuple[Effect, ...] = ()

    def __add__(self, other: Decision) -> Decision:
        return Decision(
            records=self.records + other.records,
            events=self.events + other.events,
            effects=self.effects + other.effects,
        )


def head(record: Record, *, at: datetime) -> dict[str, Any]:
    """Return the head of an event that tells of *record* as it is now."""
    fields: dict[str, Any] = {
        "tenant_id": record.tenant_id,
        "version": record.version,
        "at": at,
    }
    if isinstance(record, QueueControl):
        return {**fields, "due_at": None, "due_reason": None, "queue": record.queue}
    if isinstance(record, OptOut):
        return {**fields, "due_at": None, "due_reason": None, "number_key": record.number_key}
    fields |= {"due_at": record.due_at, "due_reason": record.due_reason, "state": record.state}
    match record:
        case Callback():
            fields["callback_id"] = record.callback_id
        case LiveCall():
            fields["call_id"] = record.call_id
        case Agent():
            fields["agent_id"] = record.agent_id
            fields["since_at"] = record.since_at
        case Attempt():
            fields["attempt_id"] = record.attempt_id
            fields["callback_id"] = record.callback_id
        case Booking():
            fields["booking_id"] = record.booking_id
            fields["callback_id"] = record.callback_id
        case Message():
            fields["message_id"] = record.message_id
            fields["callback_id"] = record.callback_id
        case _:
            assert_never(record)
    return fields


_EventT = TypeVar("_EventT", bound=Event)


def told(kind: type[_EventT], record: Record, *, at: datetime, **more: Any) -> _EventT:
    """
    Return the event that tells of *record* as it is now: each field that the two share by name is the record's.

    Args:
        more: the fields that the record does not have.
    """
    build: Any = kind
    of: Any = type(record)
    event: _EventT = build(at=at, **{name: getattr(record, name) for name in _shared(build, of)}, **more)
    return event


@cache
def _shared(kind: Any, of: Any) -> tuple[str, ...]:
    had = attrs.fields_dict(of)
    return tuple(name for name in attrs.fields_dict(kind) if name in had)

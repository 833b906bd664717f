"""A decision: what a rule found, as data. The service writes it down; drivers perform its effects."""

from __future__ import annotations

from datetime import datetime
from typing import Any, assert_never

import attrs

from callbackq.effects import Effect
from callbackq.events import Event
from callbackq.model import Agent, Attempt, Callback, LiveCall, Record


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
        "due_at": record.due_at,
        "due_reason": record.due_reason,
        "state": record.state,
    }
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
        case _:
            assert_never(record)
    return fields

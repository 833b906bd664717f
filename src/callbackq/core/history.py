"""
History as a second, independent account: `fold(events)` builds the record again.

The law is one line: a field that an event shares with its record by name is the record's value after the event.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

import attrs

from callbackq.events import Event, HistoryPruned
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
    Record,
)

RECORDS: Final[Mapping[Entity, Callable[..., Record]]] = MappingProxyType(
    {
        Entity.CALLBACK: Callback,
        Entity.CALL: LiveCall,
        Entity.AGENT: Agent,
        Entity.ATTEMPT: Attempt,
        Entity.QUEUE: QueueControl,
        Entity.BOOKING: Booking,
        Entity.OPT_OUT: OptOut,
        Entity.MESSAGE: Message,
    }
)
KEYS: Final[Mapping[Entity, str]] = MappingProxyType(
    {
        Entity.CALLBACK: "callback_id",
        Entity.CALL: "call_id",
        Entity.AGENT: "agent_id",
        Entity.ATTEMPT: "attempt_id",
        Entity.QUEUE: "queue",
        Entity.BOOKING: "booking_id",
        Entity.OPT_OUT: "number_key",
        Entity.MESSAGE: "message_id",
    }
)


def fold(
    events: Iterable[Event], *, cut: Collection[tuple[Entity, str]] = ()
) -> dict[tuple[Entity, str], Record]:
    """
    Build every record that *events* (of one tenant, oldest first) tell of.

    Args:
        cut: of which records the first events were pruned, besides those of which *events* tell so.

    Raises:
        AssertionError: the versions of a record do not follow one another: the history has a gap.

    Cost: O(n).
    """
    fields: dict[tuple[Entity, str], dict[str, Any]] = {}
    every = tuple(events)
    shortened = {*cut, *(key for event in every if isinstance(event, HistoryPruned) for key in cut_of(event))}
    for event in every:
        if isinstance(event, HistoryPruned):
            continue
        key = (event.entity, getattr(event, KEYS[event.entity]))
        known = fields.get(key)
        if known is None:
            known = fields[key] = {"version": event.version - 1 if key in shortened else 0}
        step = event.version - known["version"]
        if step not in (0, 1):
            raise AssertionError(f"{key} goes from version {known['version']} to {event.version}")
        kind: Any = type(event)
        for name in _shared(kind):
            known[name] = getattr(event, name)
    return {key: RECORDS[key[0]](**values) for key, values in fields.items()}


def cut_of(pruning: HistoryPruned) -> Iterator[tuple[Entity, str]]:
    """Give the records of which a pruning has removed the first events."""
    for name in pruning.cut:
        entity, _, record_id = name.partition(" ")
        yield Entity(entity), record_id


@cache
def _shared(kind: Any) -> tuple[str, ...]:
    record: Any = RECORDS[kind.entity]
    return tuple(name for name in attrs.fields_dict(kind) if name in attrs.fields_dict(record))

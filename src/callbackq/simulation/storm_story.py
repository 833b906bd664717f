"""
The story of one callback in a storm: what its history says, beside what really happened, in one order.

Made for reading when a checker has found something: the seed and the callback are all that is needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import attrs

from callbackq.effects import Notice
from callbackq.events import (
    AgentEvent,
    AgentFreed,
    AgentReserved,
    AgentSignedOut,
    AttemptEvent,
    AttemptStarted,
    CallbackEvent,
    Event,
)
from callbackq.ids import AgentId, AttemptId, CallbackId, LegId
from callbackq.masking import mask_number
from callbackq.model import Report, ReportKind
from callbackq.simulation.storm_tape import Incident, Seen, Tape, Taped
from callbackq.simulation.world import WorldLine
from callbackq.testing.telephony import CarrierEntry

_IDS: Final = ("callback_id", "attempt_id", "agent_leg_id", "customer_leg_id", "place_id")
_TOLD_BY_EVENTS: Final = (
    "cause", "report", "leg_cause", "disposition", "outcome", "hold_reason", "reason", "number_index", "agent_id",
    "attempts_count", "by",
)  # fmt: skip
"""Which fields of an event are shown, where it has them and they say something."""


@attrs.frozen(kw_only=True)
class StoryLine:
    """
    One line: what the history says, or what was seen.

    Args:
        is_history: the history says it.
        who: whose it is: the callback, an attempt, an agent; or network, told, world, notice, incident.
    """

    at: datetime
    is_history: bool
    who: str
    what: str


def story_of(tape: Tape, which: str) -> list[StoryLine]:
    """
    Return the story of a callback, in order of time. Numbers are masked.

    Args:
        which: its id; or that of one of its attempts or legs.

    Raises:
        LookupError: there is no such callback in this world.
    """
    lines = tape.in_order()
    cast = _cast_of(lines, which)
    told = [line for line in (_line(one, cast) for one in lines) if line is not None]
    times = {line.at for line in told if line.who != "incident"}
    first, last = min(times), max(times)
    return [line for line in told if line.at in times or (first <= line.at <= last and _is_serious(line))]


def callback_of(history: Iterable[Event], which: str) -> CallbackId | None:
    """Return the callback that an id is of: its own, one of an attempt, a leg or a place; None if there is none."""
    wanted = {which, _first(which)}
    for event in history:
        if not isinstance(event, CallbackEvent | AttemptEvent):
            continue
        if any(getattr(event, name, None) in wanted for name in _IDS):
            return event.callback_id
    return None


# ---------------------------------------------------------------------------- who is in it


@attrs.define(kw_only=True)
class _Cast:
    """Who is in the story."""

    callback_id: CallbackId
    attempts: set[AttemptId]
    legs: set[LegId]
    held: set[AgentId] = attrs.field(factory=set[AgentId])


def _cast_of(lines: Iterable[Taped | Event], which: str) -> _Cast:
    events = [line for line in lines if isinstance(line, Event)]
    callback_id = callback_of(events, which)
    if callback_id is None:
        raise LookupError(f"there is no callback {which!r} in this world")
    mine = [
        event for event in events if isinstance(event, AttemptStarted) and event.callback_id == callback_id
    ]
    legs = {leg_id for event in mine for leg_id in (event.agent_leg_id, event.customer_leg_id)}
    return _Cast(callback_id=callback_id, attempts={event.attempt_id for event in mine}, legs=legs)


def _line(one: Taped | Event, cast: _Cast) -> StoryLine | None:
    if isinstance(one, Event):
        if not _concerns(one, cast):
            return None
        return StoryLine(at=one.at, is_history=True, who=_whose(one), what=words_of_event(one))
    found = _words_of_seen(one.what, cast)
    if found is None:
        return None
    return StoryLine(at=one.at, is_history=False, who=found[0], what=found[1])


def _concerns(event: Event, cast: _Cast) -> bool:
    """Whether an event is of the callback, of an attempt of it, or of an agent as long as one is held for it."""
    if not isinstance(event, AgentEvent):
        return getattr(event, "callback_id", None) == cast.callback_id
    agent_id = event.agent_id
    if isinstance(event, AgentReserved) and event.attempt_id in cast.attempts:
        cast.held.add(agent_id)
    concerns = agent_id in cast.held
    if isinstance(event, AgentFreed | AgentSignedOut):
        cast.held.discard(agent_id)
    return concerns


# ---------------------------------------------------------------------------- words


def _whose(event: Event) -> str:
    if isinstance(event, AttemptEvent):
        return event.attempt_id
    return (
        event.agent_id if isinstance(event, AgentEvent) else str(getattr(event, "callback_id", event.entity))
    )


def words_of_event(event: Event) -> str:
    """Say what an event tells, in one line."""
    parts = [event.kind.replace("_", " ")]
    state = getattr(event, "state", None)
    if state is not None:
        parts.append(f"[{state}]")
    for name in _TOLD_BY_EVENTS:
        value = getattr(event, name, None)
        if value is not None and not (isinstance(event, AgentEvent) and name == "agent_id"):
            parts.append(f"{name.removesuffix('_id').replace('_', ' ')}={value}")
    parts += _words_of_legs(event)
    if event.due_at is not None:
        parts.append(f"until {event.due_at:%H:%M:%S} {event.due_reason}")
    return " ".join(parts)


def _words_of_legs(event: Any) -> list[str]:
    if not hasattr(event, "customer_leg"):
        return []
    return [f"legs: agent {event.agent_leg}, customer {event.customer_leg}"]


def _words_of_seen(what: Seen, cast: _Cast) -> tuple[str, str] | None:
    match what:
        case CarrierEntry():
            return ("network", words_of_entry(what)) if _is_mine(what, cast) else None
        case Report():
            return ("told", words_of_report(what)) if _first(what.leg_id) in cast.legs else None
        case Notice():
            return (
                ("notice", f"{what.kind} ({what.notice_id})")
                if what.callback_id == cast.callback_id
                else None
            )
        case WorldLine():
            return ("world", str(what.what)) if what.callback_id == cast.callback_id else None
        case Incident():
            return ("incident", ("!! " if what.serious else "") + what.what)


def _is_mine(entry: CarrierEntry, cast: _Cast) -> bool:
    return entry.callback_id == cast.callback_id or entry.attempt_id in cast.attempts


def words_of_entry(entry: CarrierEntry) -> str:
    """Say what the network did, in one line. Numbers are masked."""
    parts = [str(entry.what), entry.leg_id or "", str(entry.role or ""), entry.agent_id or ""]
    if entry.number is not None:
        parts.append(mask_number(entry.number))
    parts += [str(more) for more in (entry.cause, entry.prompt) if more is not None]
    return " ".join(part for part in parts if part)


def words_of_report(report: Report) -> str:
    """Say what is told of a leg, in one line."""
    parts = [report.leg_id, str(report.kind)]
    if report.kind is ReportKind.ENDED:
        parts.append(str(report.cause))
    elif report.kind in (ReportKind.ANSWERED, ReportKind.DETECTED):
        parts.append(f"by {report.answered_by}")
    elif report.digits is not None:
        parts.append(repr(report.digits))
    return " ".join(parts)


def _first(leg_id: str) -> str:
    return leg_id.split(".", maxsplit=1)[0]


def _is_serious(line: StoryLine) -> bool:
    return line.what.startswith("!! ")

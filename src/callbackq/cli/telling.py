"""`callbackq show`: all that a store holds of one callback, as a story with times on the clocks of its queue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

import attrs
from rich.console import Console
from rich.markup import escape

from callbackq.cli.common import minutes, page, print_json
from callbackq.cli.kept import Kept, service_of
from callbackq.cli.listing import Line, lines_of, place_in_words, state_in_words, words
from callbackq.cli.moments import iso, name_of_zone, read_zone, shown
from callbackq.errors import NotFound
from callbackq.events import AttemptEvent, BookingEvent, CallbackEvent, Event, MessageEvent
from callbackq.events.chain import record_id_of
from callbackq.ids import AttemptId, BookingId
from callbackq.model import Attempt, Booking, Explanation, Message
from callbackq.ports import Commit
from callbackq.service import CallbackService

HIDDEN: Final = frozenset(
    {
        "tenant_id", "version", "dedup_key", "request_key", "number_key", "address_key", "provider_key",
        "caller_id", "media", "place_id", "rank", "lane", "choices", "cause",
    }
)  # fmt: skip
"""What nobody is shown: keyed digests, what is handed to the telephony as it is, and what is only for the engine."""

_TOLD: Final = (
    "state", "queue", "priority", "channel", "scheduled_at", "slot_at", "hold_reason", "outcome", "disposition",
    "last_disposition", "agent_id", "node_id", "from_node_id", "agent_leg", "customer_leg", "answered_by",
    "confirmation", "number_index", "attempts_count", "message_kind", "problem", "ended_as", "merged_id",
    "merged_into_id", "ticket_id", "score", "resolved", "notice", "reason", "by",
)  # fmt: skip
"""What a line of the story tells of its event, in this order, where the event has it and it says something."""

_SILENT: Final = frozenset({"None", "", "()", "none"})
_COUNTS: Final = frozenset({"number_index", "attempts_count"})


@attrs.frozen(kw_only=True)
class Told:
    """All of one callback."""

    line: Line
    why: Explanation
    attempts: Sequence[Attempt]
    bookings: Sequence[Booking]
    messages: Sequence[Message]
    history: Sequence[Event]


def run(kept: Kept, *, callback_id: str, zone: str | None, as_json: bool) -> None:
    """Read all of it, and tell it."""
    with service_of(kept) as service:
        told = _read(service, callback_id)
        clocks = zone_of(service, told.line.callback.queue, zone)
    if as_json:
        print_json(_figures(told))
    else:
        _tell(page(), told, clocks)


def zone_of(service: CallbackService, queue: str, asked: str | None = None) -> tzinfo:
    """Return the zone that was asked for, or else that of the queue's hours, or else UTC."""
    policy = next((one for name, one in service.policies.items() if name == queue), None)
    key = asked or (policy.hours.zone if policy is not None and policy.hours is not None else None)
    return read_zone(key) or UTC


def _read(service: CallbackService, callback_id: str) -> Told:
    callback = service.get(callback_id)
    history = service.history(callback_id)
    attempt_ids = dict.fromkeys(one.attempt_id for one in history if isinstance(one, AttemptEvent))
    booking_ids = dict.fromkeys(one.booking_id for one in history if isinstance(one, BookingEvent))
    with service.transaction(Commit.READ_ONLY) as tx:
        attempts = _there(tx.attempts.get, attempt_ids)
        bookings = _there(tx.bookings.get, booking_ids)
    (line,) = lines_of(service, [callback])
    return Told(
        line=line,
        why=service.explain(callback_id),
        attempts=attempts,
        bookings=bookings,
        messages=service.messages_of(callback_id),
        history=history,
    )


def _there(get: Any, ids: Iterable[AttemptId | BookingId]) -> list[Any]:
    """Return the records that are there. Others were pruned, and history tells of them still."""
    found: list[Any] = []
    for record_id in ids:
        try:
            found.append(get(record_id))
        except NotFound:
            continue
    return found


# ---------------------------------------------------------------------------- as data


def _figures(told: Told) -> Mapping[str, Any]:
    return {
        **fields_of(told.line.callback),
        "number_masked": told.line.number_masked,
        "position": told.line.position.number if told.line.position else None,
        "position_is_exact": told.line.position.exact if told.line.position else None,
        "explanation": {"rule": told.why.rule, "text": told.why.text},
        "all_attempts": [fields_of(one) for one in told.attempts],
        "bookings": [fields_of(one) for one in told.bookings],
        "messages": [fields_of(one) for one in told.messages],
        "history": [{"entity": one.entity.value, "kind": one.kind, **fields_of(one)} for one in told.history],
    }


def fields_of(record: Any) -> dict[str, Any]:
    """Return what a record or an event holds, as data; without what nobody is shown."""
    return {
        field.name if not isinstance(value, timedelta) else f"{field.name}_s": plain(value)
        for field in attrs.fields(record.__class__)
        if field.name not in HIDDEN
        for value in (getattr(record, field.name),)
    }


def plain(value: Any) -> Any:
    """
    Write a value as data.

    >>> plain(datetime(2026, 1, 5, 8, tzinfo=UTC)), plain(timedelta(minutes=1)), plain(("a",))
    ('2026-01-05T08:00:00Z', 60.0, ['a'])
    """
    match value:
        case datetime():
            return iso(value)
        case timedelta():
            return value.total_seconds()
        case tuple():
            return [plain(one) for one in value]  # pyright: ignore[reportUnknownVariableType]
        case Mapping():
            return dict(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        case str() | None | bool() | int() | float():
            return value if type(value) in (str, type(None), bool, int, float) else str(value)
        case _:
            return str(value)


# ---------------------------------------------------------------------------- as a story


def _tell(console: Console, told: Told, zone: tzinfo) -> None:
    callback, position = told.line.callback, told.line.position
    console.print(f"[bold]{escape(callback.callback_id)}[/bold], {state_in_words(callback)}", soft_wrap=True)
    console.print(f"It is {escape(told.why.text)}.", soft_wrap=True)
    entered = shown(callback.entered_at, zone)
    facts = {
        "queue": callback.queue,
        "number": told.line.number_masked,
        "requested": f"{shown(callback.requested_at, zone)}, by {words(callback.channel)}",
        "entered": entered if callback.entered_at != callback.requested_at else None,
        "scheduled": shown(callback.scheduled_at, zone) if callback.scheduled_at else None,
        "place": f"{place_in_words(position)}, priority {callback.priority}" if position else None,
        "quoted": _quoted(callback.quoted_position, callback.quoted_wait_s),
        "expires": shown(callback.expires_at, zone) if callback.ended_at is None else None,
        "tries": str(callback.attempts_count),
        "ticket": callback.ticket_id,
        "live call": callback.call_id,
    }
    for name, fact in facts.items():
        if fact is not None:
            console.print(f"  {name:<10} {escape(fact)}", soft_wrap=True)
    _list(console, "Attempts", [_attempt(one, zone) for one in told.attempts])
    _list(console, "Bookings", [_booking(one, zone) for one in told.bookings])
    _list(console, "Messages", [_message(one, zone) for one in reversed(told.messages)])
    _list(console, f"What happened, times of {name_of_zone(zone)}", _story(told.history, zone))


def _list(console: Console, heading: str, lines: Sequence[str]) -> None:
    if lines:
        console.print(f"\n[bold]{heading}[/bold]")
    for line in lines:
        console.print(f"  {escape(line)}", soft_wrap=True)


def _quoted(position: int | None, wait_s: float | None) -> str | None:
    parts = [
        *([f"place {position:,}"] if position is not None else []),
        *([f"a wait of {minutes(wait_s)}"] if wait_s is not None else []),
    ]
    return ", ".join(parts) or None


def _attempt(one: Attempt, zone: tzinfo) -> str:
    came = words(one.disposition) if one.disposition is not None else words(one.state)
    talked = (
        f", talked {minutes((one.ended_at - one.connected_at).total_seconds())}"
        if one.connected_at is not None and one.ended_at is not None
        else ""
    )
    agent = f" with agent {one.agent_id}" if one.agent_id is not None else ""
    return f"{shown(one.started_at, zone, seconds=True)} {one.attempt_id}: {came}{agent}{talked}"


def _booking(one: Booking, zone: tzinfo) -> str:
    came = words(one.ended_as) if one.ended_as is not None else words(one.state)
    return f"{shown(one.slot_at, zone)} {one.booking_id}: {came}"


def _message(one: Message, zone: tzinfo) -> str:
    came = words(one.ended_as) if one.ended_as is not None else words(one.state)
    way = f" by {one.channel}" if one.channel is not None else ""
    return f"{shown(one.created_at, zone, seconds=True)} {words(one.message_kind)}{way}: {came}"


def _story(history: Sequence[Event], zone: tzinfo) -> list[str]:
    """Tell what happened, a line for each event; the day is said when it begins."""
    lines: list[str] = []
    known: dict[str, dict[str, object]] = {}
    day = ""
    for event in history:
        today, time = shown(event.at, zone, seconds=True).split(" ")
        if today != day:
            lines.append(today)
            day = today
        indent = "" if isinstance(event, CallbackEvent) else "  "
        lines.append(f"{time}  {indent}{_told(event, known.setdefault(record_id_of(event), {}), zone)}")
    return lines


def _told(event: Event, known: dict[str, object], zone: tzinfo) -> str:
    """Say in one line what an event tells that was not *known* of its record before."""
    told: list[str] = []
    for name in _TOLD:
        value = getattr(event, name, None)
        if value == known.get(name) or (name in _COUNTS and value == 0):
            continue
        known[name] = value
        if str(value) not in _SILENT:
            told.append(f"{words(name.removesuffix('_id').removesuffix('_at'))} {_value(value, zone)}")
    if event.due_at is not None and isinstance(event, CallbackEvent | MessageEvent):
        told.append(f"next {shown(event.due_at, zone, seconds=True)} {words(event.due_reason)}")
    return words(event.kind) + (f": {', '.join(told)}" if told else "")


def _value(value: object, zone: tzinfo) -> str:
    return shown(value, zone) if isinstance(value, datetime) else words(value)

"""`callbackq list`: a page of the callbacks in a store, with their places in line, and what happens next to each."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

import attrs
from rich.markup import escape

from callbackq.cli.common import new_table, print_json, refuse, wide_page
from callbackq.cli.kept import Kept, service_of
from callbackq.cli.moments import iso, name_of_zone, read_moment, read_zone, shortly
from callbackq.facts import position_of
from callbackq.ids import CallbackId
from callbackq.masking import mask_number
from callbackq.model import Callback, CallbackState, Position
from callbackq.ports import Commit, Transaction
from callbackq.service import CallbackService

STATES = tuple(state.value for state in CallbackState)
_WIDE = 120
_COLUMNS = (
    ("callback", 16, False),
    ("queue", 9, False),
    ("requested", 11, False),
    ("state", 9, False),
    ("place", 5, True),
    ("next", 11, False),
    ("tries", 5, True),
)
"""The columns of the table, how wide each is in a terminal that is not, and whether it holds numbers."""
_STYLES = {
    CallbackState.ATTEMPTING: "green",
    CallbackState.HELD: "yellow",
    CallbackState.RESTING: "yellow",
    CallbackState.ENDED: "dim",
}


@attrs.frozen(kw_only=True)
class Asked:
    """What is to be listed."""

    queues: Sequence[str]
    states: Sequence[str]
    since: str | None
    until: str | None
    number: str | None
    customer_id: str | None
    after: str | None
    limit: int
    zone: str | None
    as_json: bool


@attrs.frozen(kw_only=True)
class Line:
    """One callback, and what does not stand in its row."""

    callback: Callback
    number_masked: str
    position: Position | None


def run(kept: Kept, asked: Asked) -> None:
    """Find the page, and show it."""
    zone = read_zone(asked.zone)
    number = sys.stdin.readline().strip() if asked.number == "-" else asked.number
    with service_of(kept) as service:
        now, clocks = service.now(), zone or _zone_of_all(service)
        found = service.find(
            queues=asked.queues or None,
            states=_open_too(asked.states),
            from_at=read_moment(asked.since, "--since", zone=clocks, now=now),
            until_at=read_moment(asked.until, "--until", zone=clocks, now=now),
            number=number,
            customer_id=asked.customer_id,
            after=asked.after,
            limit=asked.limit,
        )
        lines = lines_of(service, found)
    is_last = len(found) < asked.limit
    if asked.as_json:
        print_json({"callbacks": [_figures(one) for one in lines], "next": None if is_last else _last(found)})
    else:
        _show(lines, zone=clocks, now=now, after=None if is_last else _last(found))


def _open_too(states: Sequence[str]) -> set[str] | None:
    """Return the states that are asked for; `open` are all but ENDED."""
    if not states:
        return None
    unknown = [one for one in states if one not in {*STATES, "open"}]
    if unknown:
        refuse(f"There is no state {unknown[0]!r}: allowed are open, {', '.join(STATES)}.")
    wanted = set(states) - {"open"}
    return wanted | (set(STATES) - {CallbackState.ENDED.value} if "open" in states else set[str]())


def _zone_of_all(service: CallbackService) -> tzinfo:
    """Return the zone of the queues, where they have one in common; else UTC."""
    zones = {policy.hours.zone if policy.hours else "UTC" for policy in service.policies.values()}
    read = read_zone(zones.pop() if len(zones) == 1 else "UTC")
    assert read is not None
    return read


def lines_of(service: CallbackService, found: Sequence[Callback]) -> list[Line]:
    """Read what does not stand in the rows: the place in line, and the number, which is masked at once."""
    with service.transaction(Commit.READ_ONLY) as tx:
        return [
            Line(
                callback=one,
                number_masked=mask_number(tx.subjects.get(one.subject_id).number),
                position=_position(tx, one),
            )
            for one in found
        ]


def _position(tx: Transaction, callback: Callback) -> Position | None:
    is_out = callback.state in {CallbackState.ENDED, CallbackState.SCHEDULED}
    return None if is_out else position_of(tx, callback)


def _last(found: Sequence[Callback]) -> CallbackId:
    return found[-1].callback_id


# ---------------------------------------------------------------------------- what is shown


def _figures(line: Line) -> Mapping[str, Any]:
    one = line.callback
    return {
        "callback_id": one.callback_id,
        "queue": one.queue,
        "state": one.state.value,
        "outcome": one.outcome.value if one.outcome else None,
        "number_masked": line.number_masked,
        "channel": one.channel.value,
        "priority": one.priority,
        "position": line.position.number if line.position else None,
        "position_is_exact": line.position.exact if line.position else None,
        "attempts": one.attempts_count,
        "last_disposition": one.last_disposition.value if one.last_disposition else None,
        "hold_reason": one.hold_reason.value if one.hold_reason else None,
        "requested_at": iso(one.requested_at),
        "due_at": iso(one.due_at),
        "due_reason": one.due_reason.value if one.due_reason else None,
        "ended_at": iso(one.ended_at),
    }


def _show(lines: Sequence[Line], *, zone: tzinfo, now: datetime, after: CallbackId | None) -> None:
    console = wide_page()
    if not lines:
        console.print("No callback fits.")
        return
    table = new_table(console)
    table.padding = (0, 1 if console.is_terminal else 2, 0, 0)
    is_narrow = console.width < _WIDE
    for heading, width, is_number in _COLUMNS:
        table.add_column(
            heading,
            width=width if is_narrow else None,
            overflow="fold",
            justify="right" if is_number else "left",
        )
    for line in lines:
        one = line.callback
        table.add_row(
            escape(one.callback_id),
            f"{escape(one.queue)} {line.number_masked}",
            shortly(one.requested_at, zone, now=now),
            state_in_words(one),
            place_in_words(line.position),
            next_in_words(one, zone, now=now),
            str(one.attempts_count),
            style=_STYLES.get(one.state),
        )
    console.print(table)
    console.print(f"Times are of {name_of_zone(zone)}.")
    if after is not None:
        console.print(f"There may be more: --after {escape(after)}", soft_wrap=True)


def state_in_words(callback: Callback) -> str:
    """Say what a callback is, and why it is held, or how it ended."""
    why = callback.outcome or callback.hold_reason
    return f"{callback.state.value}: {words(why)}" if why else words(callback.state)


def place_in_words(position: Position | None) -> str:
    """Write a position; one that is estimated is marked."""
    if position is None:
        return "-"
    return f"{position.number:,}" if position.exact else f"~{position.number:,}"


def next_in_words(callback: Callback, zone: tzinfo, *, now: datetime) -> str:
    """Say when time alone changes a callback next, and why; when it ended, if it did."""
    if callback.due_at is None or callback.due_reason is None:
        return f"{shortly(callback.ended_at, zone, now=now)} ended"
    return f"{shortly(callback.due_at, zone, now=now)} {words(callback.due_reason)}"


def words(value: object) -> str:
    """
    Write a word of the engine as people do.

    >>> words(CallbackState.WAITING), words("rest_over")
    ('waiting', 'rest over')
    """
    return str(value).replace("_", " ")

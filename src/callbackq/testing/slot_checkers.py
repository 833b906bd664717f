"""
Checkers for slots that trust nobody: what the history says of seats is held against what there was, and what is stored.

As in `checkers`, nothing is taken from callbackq but what a finding is. The account of the seats is made of the events
of bookings alone: `booking_held` and `booking_made` take a seat, and one that is booked out of a hold takes no second;
`booking_moved` gives one back and takes another; `booking_ended` gives it back, unless it was used. A hold that is
used without ever being booked passes its seat on to the booking that is moved there: from then on that one has it.

An *event* has `at`, `kind`, `entity`, and the fields of its kind. Each check is one pass in the order of the account.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from callbackq.testing.checkers import Finding, Findings

OVER_CAPACITY = "more seats taken than there are"
OUTSIDE = "slot outside the hours"
APART = "callback and booking that do not stand or end together"
COUNTER = "counter of a slot that is not what the events say"
UNKNOWN = "event of a booking that has ended or never begun"

Where = tuple[str, datetime]
"""A queue, and when the slot begins."""
Intervals = Sequence[tuple[datetime, datetime]]
"""From when until when it is open, in order; none touches the next."""


@attrs.frozen(kw_only=True)
class SlotEvidence:
    """
    The accounts of one run.

    Args:
        history: every event of the store, oldest first.
        callbacks: every callback's row, as it is at the end.
        counters: every counter of a slot: `queue`, `slot_at`, `usual_count`, `kept_count`.
        open: when each queue was open.
        capacity: how many seats a slot has, by its queue and its begin.
        kept: how many of them are kept for some; none, if not given.
    """

    history: Sequence[Any]
    callbacks: Sequence[Any]
    counters: Sequence[Any]
    open: Mapping[str, Intervals]
    capacity: Callable[[str, datetime], int]
    kept: Callable[[str, datetime], int] = lambda _queue, _at: 0


def check_slots(evidence: SlotEvidence) -> Findings:
    """Run every check."""
    history = evidence.history
    return Findings(
        (
            *seats_over_capacity(history, capacity=evidence.capacity, kept=evidence.kept),
            *seats_unknown(history),
            *booked_outside(history, open=evidence.open),
            *bookings_apart(history, callbacks=evidence.callbacks),
            *counters_off(history, counters=evidence.counters),
        )
    )


# ---------------------------------------------------------------------------- the account of the seats


@attrs.frozen
class _Seat:
    """What one booking has: a seat of some kind in one slot."""

    where: Where
    kind: str
    is_booked: bool


class _Account:
    """Who has which seat, as the events say."""

    def __init__(self) -> None:
        self.seats: dict[str, _Seat] = {}
        self.taken: Counter[Where] = Counter()
        self.kinds: Counter[tuple[Where, str]] = Counter()
        self.standing: dict[str, str] = {}
        """The bookings that have not ended: whose they are, by booking."""
        self.ended: set[str] = set()
        self.is_unknown = False
        """Whether the last event was of a booking that had ended, or never begun."""

    def follow(self, event: Any) -> Where | None:
        """Note what an event says; return the slot in which a seat was taken by it, if one was."""
        self.is_unknown = False
        if event.entity != "booking":
            return None
        key: str = event.booking_id
        before = self.seats.get(key)
        if key in self.ended:
            self.is_unknown = True
        elif event.kind in ("booking_held", "booking_made"):
            return self._take(key, (event.queue, event.slot_at), event)
        elif before is None:
            self.is_unknown = True
        elif event.kind == "booking_moved":
            return self._take(key, (before.where[0], event.slot_at), event)
        elif event.kind == "booking_ended":
            self.ended.add(key)
            self.standing.pop(key, None)
            if event.ended_as != "used" or not before.is_booked:
                self._give_back(key)
        return None

    def _take(self, key: str, where: Where, event: Any) -> Where | None:
        before = self.seats.get(key)
        self._give_back(key)
        booked = event.kind != "booking_held"
        self.seats[key] = _Seat(where, event.seat, booked)
        self.taken[where] += 1
        self.kinds[where, event.seat] += 1
        if booked:
            self.standing[key] = event.callback_id
        return None if before is not None and before.where == where else where

    def _give_back(self, key: str) -> None:
        seat = self.seats.pop(key, None)
        if seat is not None:
            self.taken[seat.where] -= 1
            self.kinds[seat.where, seat.kind] -= 1


def _told(history: Iterable[Any]) -> _Account:
    account = _Account()
    for event in history:
        account.follow(event)
    return account


# ---------------------------------------------------------------------------- checks


def seats_over_capacity(
    history: Iterable[Any],
    *,
    capacity: Callable[[str, datetime], int],
    kept: Callable[[str, datetime], int] = lambda _queue, _at: 0,
) -> list[Finding]:
    """
    At no moment are more seats of a slot taken than it has. Looked at whenever one is taken.

    Args:
        capacity: how many seats a slot has.
        kept: how many of them are kept for some: no more are taken as kept ones, and no more of the others as usual.
    """
    account, findings = _Account(), list[Finding]()
    for event in history:
        where = account.follow(event)
        if where is None:
            continue
        there, kept_there, kind = capacity(*where), kept(*where), event.seat
        of_kind = kept_there if kind == "kept" else there - kept_there
        for taken, most, what in (
            (account.taken[where], there, "seats"),
            (account.kinds[where, kind], of_kind, f"{kind} seats"),
        ):
            if taken > most:
                said = f"{taken} {what} are taken at {where[1].isoformat()}; there are {most}"
                findings.append(Finding(check=OVER_CAPACITY, what=said, which=event.booking_id, at=event.at))
                break
    return findings


def seats_unknown(history: Iterable[Any]) -> list[Finding]:
    """Nothing happens to a booking that never took a seat, or has ended: so no seat is given back twice."""
    account, findings = _Account(), list[Finding]()
    for event in history:
        account.follow(event)
        if account.is_unknown:
            findings.append(Finding(check=UNKNOWN, what=event.kind, which=event.booking_id, at=event.at))
    return findings


def booked_outside(history: Iterable[Any], *, open: Mapping[str, Intervals]) -> list[Finding]:  # noqa: A002
    """Every slot in which a seat is taken lies within the hours, from its begin to its end."""
    findings: list[Finding] = []
    account = _Account()
    for event in history:
        where = account.follow(event)
        if where is not None and not _within(open.get(where[0], ()), where[1], event.length):
            what = f"{where[1].isoformat()} for {event.length}, in {where[0]}"
            findings.append(Finding(check=OUTSIDE, what=what, which=event.booking_id, at=event.at))
    return findings


def _within(intervals: Intervals, begin: datetime, length: timedelta) -> bool:
    index = bisect_right(intervals, begin, key=lambda each: each[0]) - 1
    return index >= 0 and begin + length <= intervals[index][1]


def bookings_apart(history: Iterable[Any], *, callbacks: Iterable[Any]) -> list[Finding]:
    """
    A booked callback waits with its booking, and ends with it.

    One that has not ended has a booking that stands, its own, if it has one at all; a booking that stands has such a
    callback. To be asked when nothing is left to be done: a series is carried on by the next step.
    """
    account = _told(history)
    rows = {row.callback_id: row for row in callbacks}
    findings: list[Finding] = []

    def found(which: str, what: str) -> None:
        findings.append(Finding(check=APART, what=what, which=which, at=None))

    for callback_id, row in rows.items():
        if row.booking_id is None or row.ended_at is not None:
            continue
        if account.standing.get(row.booking_id) != callback_id:
            found(callback_id, f"waits, and {row.booking_id} is not booked for it")
    for booking_id, callback_id in account.standing.items():
        row = rows.get(callback_id)
        if row is None:
            found(booking_id, f"booked for {callback_id}, and there is no such row")
        elif row.ended_at is not None:
            found(booking_id, f"stands, and {callback_id} has ended")
        elif row.booking_id != booking_id:
            found(booking_id, f"stands, and {callback_id} has another")
    return findings


def counters_off(history: Iterable[Any], *, counters: Iterable[Any]) -> list[Finding]:
    """What the counters say is taken is what the events say, by kind of seat; a counter that is missing says 0."""
    said = Counter[tuple[Where, str]]()
    for row in counters:
        where = (row.queue, row.slot_at)
        said[where, "usual"], said[where, "kept"] = row.usual_count, row.kept_count
    account = _told(history)
    findings: list[Finding] = []
    for where, kind in sorted({*said, *account.kinds}):
        counted, known = said[where, kind], account.kinds[where, kind]
        if counted != known:
            what = f"{counted} {kind} seats are counted, {known} are taken"
            which = f"{where[0]} at {where[1].isoformat()}"
            findings.append(Finding(check=COUNTER, what=what, which=which, at=None))
    return findings

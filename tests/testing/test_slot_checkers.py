"""Each checker for slots finds what it is for, in a tiny account made by hand, and nothing in an honest one."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from callbackq.testing import slot_checkers
from callbackq.testing.checkers import Finding
from callbackq.testing.clock import START
from callbackq.testing.slot_checkers import (
    APART,
    COUNTER,
    OUTSIDE,
    OVER_CAPACITY,
    UNKNOWN,
    SlotEvidence,
    booked_outside,
    bookings_apart,
    check_slots,
    counters_off,
    seats_over_capacity,
    seats_unknown,
)

HALF_HOUR = timedelta(minutes=30)
NINE = START + timedelta(hours=1)
HALF_PAST = NINE + HALF_HOUR
OPEN = {"support": [(NINE, NINE + 8 * HALF_HOUR)]}


def event(kind: str, booking_id: str, slot_at: datetime = NINE, **more: Any) -> Any:
    """One event of a booking; of a callback of the same number."""
    fields = {
        "entity": "booking",
        "at": START,
        "queue": "support",
        "slot_at": slot_at,
        "length": HALF_HOUR,
        "seat": "usual",
        "callback_id": None if kind == "booking_held" else booking_id.replace("bk", "cb"),
    }
    return SimpleNamespace(kind=kind, booking_id=booking_id, **(fields | more))


def held(booking_id: str, slot_at: datetime = NINE, **more: Any) -> Any:
    return event("booking_held", booking_id, slot_at, **more)


def booked(booking_id: str, slot_at: datetime = NINE, **more: Any) -> Any:
    return event("booking_made", booking_id, slot_at, **more)


def moved(booking_id: str, slot_at: datetime, **more: Any) -> Any:
    return event("booking_moved", booking_id, slot_at, **more)


def ended(booking_id: str, how: str = "called_off") -> Any:
    return event("booking_ended", booking_id, ended_as=how)


def callback(number: int, booking_id: str | None = None, **more: Any) -> Any:
    """The row of a callback; it has the booking of its number."""
    fields = {"callback_id": f"cb_{number}", "booking_id": booking_id or f"bk_{number}", "ended_at": None}
    return SimpleNamespace(**(fields | more))


def counter(usual: int, kept: int = 0, slot_at: datetime = NINE) -> Any:
    return SimpleNamespace(queue="support", slot_at=slot_at, usual_count=usual, kept_count=kept)


def which(findings: Sequence[Finding]) -> list[str]:
    return [finding.which for finding in findings]


def over(history: Sequence[Any], seats: int = 1) -> list[str]:
    """Return who took too many of so many seats."""
    return which(seats_over_capacity(history, capacity=lambda _queue, _at: seats))


def test_checkers_share_no_code_with_what_they_check() -> None:
    """Nothing is taken from callbackq but the other checkers."""
    tree = ast.parse(inspect.getsource(slot_checkers))
    names = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name for name in names if name.startswith("callbackq")} == {"callbackq.testing.checkers"}


# ---------------------------------------------------------------------------- capacity


@pytest.mark.parametrize("first", [held, booked])
def test_a_seat_too_many_is_found(first: Any) -> None:
    """A hold takes one as well as a booking; each slot and each queue has its own."""
    assert over([first("bk_1"), held("bk_2")]) == ["bk_2"]
    assert over([first("bk_1"), booked("bk_2")]) == ["bk_2"]
    assert over([first("bk_1"), booked("bk_2")], seats=2) == []
    assert over([first("bk_1"), booked("bk_2", HALF_PAST), booked("bk_3", queue="sales")]) == []


def test_a_seat_of_the_wrong_kind_is_found() -> None:
    """Who takes a usual seat has none of those that are kept; and no more are kept than there are."""

    def of_kinds(*kinds: str) -> list[str]:
        history = [booked(f"bk_{number}", seat=kind) for number, kind in enumerate(kinds, 1)]
        return which(seats_over_capacity(history, capacity=lambda *_: 3, kept=lambda *_: 1))

    assert of_kinds("kept", "usual", "usual") == []
    assert of_kinds("usual", "usual", "usual") == ["bk_3"]
    assert of_kinds("kept", "kept") == ["bk_2"]
    assert of_kinds("usual", "kept", "usual", "usual") == ["bk_4"]


def test_a_seat_that_is_moved_to_a_full_slot_is_found() -> None:
    """And the one that it had is free for another."""
    history = [booked("bk_1"), booked("bk_2", HALF_PAST), moved("bk_1", HALF_PAST)]
    assert over(history) == ["bk_1"]
    assert over([*history[:1], moved("bk_1", HALF_PAST), booked("bk_3")]) == []


def test_who_is_booked_out_of_a_hold_takes_no_second_seat() -> None:
    """The same booking has it; another one there is too many."""
    assert over([held("bk_1"), booked("bk_1")]) == []
    assert over([held("bk_1"), booked("bk_1"), booked("bk_2")]) == ["bk_2"]


@pytest.mark.parametrize("how", ["hold_over", "released", "called_off"])
def test_a_seat_is_free_again_after_every_end_but_one(how: str) -> None:
    """A seat that was used is not: the next one there is too many."""
    assert over([booked("bk_1"), ended("bk_1", how), booked("bk_2")]) == []
    assert over([booked("bk_1"), ended("bk_1", "used"), booked("bk_2")]) == ["bk_2"]


def test_a_hold_that_is_used_passes_its_seat_on() -> None:
    """To the booking that moves there: one seat, and no more."""
    history = [booked("bk_1"), held("bk_2", HALF_PAST), ended("bk_2", "used"), moved("bk_1", HALF_PAST)]
    assert over(history) == []
    assert counters_off(history, counters=[counter(0), counter(1, slot_at=HALF_PAST)]) == []
    assert over([*history, booked("bk_3", HALF_PAST)]) == ["bk_3"]


def test_an_event_of_a_booking_that_is_over_is_found() -> None:
    """It ended twice, was moved or booked after its end, or never began."""
    assert which(seats_unknown([held("bk_1"), booked("bk_1"), ended("bk_1")])) == []
    assert which(seats_unknown([booked("bk_1"), ended("bk_1"), ended("bk_1")])) == ["bk_1"]
    assert which(seats_unknown([booked("bk_1"), ended("bk_1", "used"), ended("bk_1")])) == ["bk_1"]
    assert which(seats_unknown([held("bk_1"), ended("bk_1"), booked("bk_1")])) == ["bk_1"]
    assert which(seats_unknown([moved("bk_1", NINE)])) == ["bk_1"]


# ---------------------------------------------------------------------------- hours


@pytest.mark.parametrize(
    ("slot_at", "is_found"),
    [
        (NINE, False),
        (NINE + 7 * HALF_HOUR, False),
        (NINE - timedelta.resolution, True),
        (NINE + 7 * HALF_HOUR + timedelta.resolution, True),
        (NINE + 8 * HALF_HOUR, True),
        (NINE - timedelta(days=1), True),
    ],
)
def test_a_slot_outside_the_hours_is_found(slot_at: datetime, is_found: bool) -> None:
    """All of it lies within one interval: also where a booking is held, or moved to."""
    there = [slot_at] if is_found else []
    for history in (
        [booked("bk_1", slot_at)],
        [held("bk_1", slot_at)],
        [booked("bk_1"), moved("bk_1", slot_at)],
    ):
        found = booked_outside(history, open=OPEN)
        assert [slot_at for _ in found] == there
        assert which(found) == ["bk_1"] * is_found
    assert which(booked_outside([booked("bk_1", queue="sales")], open=OPEN)) == ["bk_1"]


def test_a_slot_over_a_break_is_found() -> None:
    """Two intervals do not become one."""
    quarter = HALF_HOUR / 2
    opened = {"support": [(NINE, NINE + quarter), (NINE + 1.2 * quarter, NINE + 9 * HALF_HOUR)]}
    assert which(booked_outside([booked("bk_1")], open=opened)) == ["bk_1"]


# ---------------------------------------------------------------------------- callbacks and counters


def test_a_callback_without_its_booking_is_found() -> None:
    """It waits, and its booking is not there, is over, or is another's."""
    booking = booked("bk_1")
    assert bookings_apart([booking], callbacks=[callback(1)]) == []
    assert which(bookings_apart([], callbacks=[callback(1)])) == ["cb_1"]
    assert which(bookings_apart([booking, ended("bk_1")], callbacks=[callback(1)])) == ["cb_1"]
    assert which(bookings_apart([held("bk_1")], callbacks=[callback(1)])) == ["cb_1"]
    found = bookings_apart([booking], callbacks=[callback(1), callback(2, "bk_1")])
    assert which(found) == ["cb_2"]
    assert bookings_apart([], callbacks=[SimpleNamespace(callback_id="cb_1", booking_id=None)]) == []


def test_a_booking_without_its_callback_is_found() -> None:
    """Its callback has ended, has another booking, or is not there."""
    booking = booked("bk_1")
    assert which(bookings_apart([booking], callbacks=[])) == ["bk_1"]
    over = callback(1, ended_at=NINE)
    assert which(bookings_apart([booking], callbacks=[over])) == ["bk_1"]
    assert bookings_apart([booking, ended("bk_1", "used")], callbacks=[over]) == []
    assert "bk_1" in which(bookings_apart([booking], callbacks=[callback(1, "bk_2")]))


def test_a_counter_that_is_wrong_is_found() -> None:
    """Too many, too few, of the wrong kind, or missing."""
    history = [
        booked("bk_1"),
        booked("bk_2", seat="kept"),
        held("bk_3", HALF_PAST),
        ended("bk_3", "released"),
    ]
    assert counters_off(history, counters=[counter(1, 1), counter(0, slot_at=HALF_PAST)]) == []
    assert len(counters_off(history, counters=[counter(2, 1)])) == 1
    assert len(counters_off(history, counters=[counter(2, 0)])) == 2
    assert len(counters_off(history, counters=[counter(1, 1), counter(1, slot_at=HALF_PAST)])) == 1
    assert len(counters_off(history, counters=[])) == 2
    assert len(counters_off([], counters=[counter(1)])) == 1


def test_all_checks_are_run() -> None:
    """Each of them on the evidence that it is for; and an honest account has no findings."""
    honest = SlotEvidence(
        history=[held("bk_1"), booked("bk_1")],
        callbacks=[callback(1)],
        counters=[counter(1)],
        open=OPEN,
        capacity=lambda _queue, _at: 1,
    )
    assert check_slots(honest).all == ()
    early = NINE - HALF_HOUR
    wrong = [booked("bk_1", early), booked("bk_2", early), ended("bk_2"), ended("bk_2")]
    found = check_slots(attrs.evolve(honest, history=wrong, callbacks=[]))
    assert {finding.check for finding in found.all} == {OVER_CAPACITY, OUTSIDE, APART, COUNTER, UNKNOWN}

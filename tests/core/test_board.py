"""What stands on a wallboard: each promise, when it is at risk, and the wait between two that are known."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from callbackq.core import board
from callbackq.ids import BookingId, CallbackId
from callbackq.model import (
    AgentState,
    Ahead,
    AttemptState,
    Callback,
    CallbackState,
    DueReason,
    HoldReason,
    Outcome,
    Wait,
)
from callbackq.model.board import PromiseAtRisk, PromiseKind
from callbackq.policy import FixedSeats, QueuePolicy, SlotPolicy
from callbackq.testing.builders import SLOT_AT, make_attempt, make_booking, make_call, make_callback
from callbackq.testing.clock import START

MINUTE = timedelta(minutes=1)
POLICY = QueuePolicy(queue="support", response_window=10 * MINUTE)
SLOTS = QueuePolicy(
    queue="support", slots=SlotPolicy(seats=FixedSeats(seats=2), tolerance=3 * MINUTE), response_window=None
)
FAR = START + timedelta(days=1)


def callback(**changes: Any) -> Callback:
    """Return one that waits, was asked for at START, and was told 5 to 20 minutes."""
    fields = {"requested_at": START, "expires_at": FAR, "quoted_wait_high_s": 1200.0, **changes}
    return make_callback("cb_1", **fields)


def risk(of: Callback, *, minutes: float, wait_minutes: float | None = None, **more: Any) -> Any:
    """Return which promise is at risk so many minutes after START, and whether it is missed."""
    found = board.at_risk(
        of,
        wait_s=None if wait_minutes is None else 60 * wait_minutes,
        now=START + minutes * MINUTE,
        **{"policy": POLICY, **more},
    )
    return None if found is None else (found.kind, found.is_missed)


@pytest.mark.parametrize(
    ("minutes", "wait_minutes", "wanted"),
    [
        (10, 9, None),
        (10, 10, None),  # Just in time.
        (10, 11, (PromiseKind.QUOTED, False)),
        (20, 0, (PromiseKind.QUOTED, True)),
        (10, None, None),  # Nobody can say.
        (21, None, (PromiseKind.QUOTED, True)),
        (10, 10**9, (PromiseKind.QUOTED, False)),
    ],
)
def test_the_quoted_range_of_one_that_waits(minutes: int, wait_minutes: float | None, wanted: Any) -> None:
    """At risk where its place will wait past the high end; missed where that has passed."""
    assert risk(callback(), minutes=minutes, wait_minutes=wait_minutes) == wanted


def test_one_to_which_nothing_was_quoted_may_only_expire() -> None:
    """It was promised no time but the end of its life."""
    plain = callback(quoted_wait_high_s=None, expires_at=START + 60 * MINUTE)
    assert risk(plain, minutes=30, wait_minutes=29) is None
    assert risk(plain, minutes=30, wait_minutes=31) == (PromiseKind.EXPIRY, False)
    assert risk(plain, minutes=60, wait_minutes=0) == (PromiseKind.EXPIRY, True)


@pytest.mark.parametrize("state", [CallbackState.RESTING, CallbackState.HELD])
def test_one_that_rests_or_is_held_is_not_expected_before_that_is_over(state: CallbackState) -> None:
    """However short the line is. Its last clock says nothing of when it goes on."""
    back_at = {"due_at": START + 25 * MINUTE, "due_reason": DueReason.REST_OVER}
    assert risk(callback(state=state, **back_at), minutes=10) == (PromiseKind.QUOTED, False)
    back_at["due_at"] = START + 15 * MINUTE
    assert risk(callback(state=state, **back_at), minutes=10) is None
    back_at = {"due_at": FAR, "due_reason": DueReason.EXPIRES}
    assert risk(callback(state=state, **back_at), minutes=10) is None


def test_one_that_is_to_be_told_that_nobody_can_take_it_misses_what_was_promised() -> None:
    """Nobody will talk to this customer."""
    lost = callback(state=CallbackState.HELD, hold_reason=HoldReason.TO_BE_TOLD)
    found = board.at_risk(lost, wait_s=None, policy=POLICY, now=START)
    assert found is not None
    assert (found.kind, found.is_missed, found.expected_at) == (PromiseKind.QUOTED, False, None)


def test_one_that_is_being_called_is_expected_now() -> None:
    """Until the time has passed all the same."""
    called = callback(state=CallbackState.ATTEMPTING)
    assert risk(called, minutes=19) is None
    assert risk(called, minutes=21) == (PromiseKind.QUOTED, True)


def test_an_ended_one_promises_nothing_any_more() -> None:
    """It was kept, or it was not: the figures tell."""
    over = callback(state=CallbackState.ENDED, outcome=Outcome.COMPLETED, ended_at=START)
    assert risk(over, minutes=99) is None


def test_a_chosen_time_is_tolerated_by_five_minutes() -> None:
    """And what was quoted says nothing any more."""
    chosen = callback(scheduled_at=START + 60 * MINUTE)
    assert risk(chosen, minutes=60, wait_minutes=5) is None
    assert risk(chosen, minutes=60, wait_minutes=6) == (PromiseKind.CHOSEN, False)
    waits = callback(scheduled_at=START + 60 * MINUTE, state=CallbackState.SCHEDULED)
    assert risk(waits, minutes=0) is None
    assert risk(waits, minutes=65) == (PromiseKind.CHOSEN, True)


def test_a_booked_time_is_tolerated_as_its_slots_are_and_kept_when_its_turn_comes() -> None:
    """The customer's window is longer than the slot."""
    booked = callback(scheduled_at=SLOT_AT, booking_id=BookingId("bk_1"))
    late = (SLOT_AT - START) / MINUTE + 4
    assert risk(booked, minutes=late, policy=SLOTS) == (PromiseKind.BOOKED, True)
    assert risk(booked, minutes=late - 5, wait_minutes=5, policy=SLOTS) == (PromiseKind.BOOKED, False)
    assert risk(booked, minutes=late, policy=POLICY) == (PromiseKind.BOOKED, True)
    window = make_booking("bk_1", window_until_at=SLOT_AT + 30 * MINUTE)
    assert risk(booked, minutes=late, booking=window, policy=SLOTS) is None
    begun = callback(scheduled_at=SLOT_AT, booking_id=BookingId("bk_1"), turn_at=SLOT_AT)
    assert risk(begun, minutes=late, policy=SLOTS) is None


def test_the_response_window_begins_with_its_turn() -> None:
    """A callback counts by the promise that is to be kept first."""
    turn = callback(turn_at=START + 5 * MINUTE, expires_at=START + 17 * MINUTE)
    assert risk(turn, minutes=8, wait_minutes=8) == (PromiseKind.WINDOW, False)
    assert risk(turn, minutes=16, wait_minutes=0) == (PromiseKind.WINDOW, True)
    endless = QueuePolicy(queue="support", response_window=None)
    assert risk(turn, minutes=8, wait_minutes=8, policy=endless) is None
    assert risk(turn, minutes=8, wait_minutes=10, policy=endless) == (PromiseKind.EXPIRY, False)


def test_missed_promises_come_first() -> None:
    """Then those that are to be kept first."""

    def one(name: str, minutes: int, *, missed: bool = False) -> PromiseAtRisk:
        return PromiseAtRisk(
            callback_id=CallbackId(name),
            kind=PromiseKind.QUOTED,
            until_at=START + minutes * MINUTE,
            expected_at=None,
            is_missed=missed,
        )

    ordered = board.by_urgency([one("late", 9), one("soon", 1), one("missed", 5, missed=True)])
    assert [found.callback_id for found in ordered] == ["missed", "soon", "late"]


def test_agents_and_attempts_are_counted_in_the_words_of_a_wallboard() -> None:
    """An attempt that is ending is neither in flight nor connected."""
    staff = board.staff({AgentState.RESERVED: 1, AgentState.WRAP_UP: 2, AgentState.COOLING_DOWN: 3})
    assert (staff.free_count, staff.reserved_count, staff.talking_count) == (0, 1, 0)
    assert (staff.wrap_up_count, staff.away_count, staff.staffed_count) == (2, 3, 6)
    found = board.attempts(
        [
            make_attempt("at_1", state=AttemptState.INTENDED),
            make_attempt("at_2", state=AttemptState.CONNECTED),
            make_attempt("at_3", state=AttemptState.ENDING, due_reason=DueReason.LEG_IN_DOUBT),
            make_attempt("at_4", state=AttemptState.JOINING),
        ]
    )
    assert (found.in_flight, found.connected, found.in_doubt) == (2, 1, 1)


def test_waits_are_asked_for_at_some_positions_and_grow_evenly_between() -> None:
    """At the first and the last at any rate; what is unknown stays so."""
    places = [make_call(f"c{n}") if n % 2 else make_callback(f"cb_{n}") for n in range(11)]
    found = board.aheads(places)
    assert list(found) == [1, 2, 3, 4, 6, 8, 11]
    assert found[1] == Ahead()
    assert found[6] == Ahead(calls=2, callbacks=3)
    assert board.aheads([]) == {}

    def wait(mean_s: float | None) -> Wait:
        return Wait(mean_s=mean_s, low_s=None, high_s=None)

    waits = {1: wait(0.0), 2: wait(10.0), 4: wait(50.0), 8: wait(None)}
    seen = [board.wait_at(position, waits) for position in (1, 2, 3, 4, 5, 8, 9)]
    assert seen == [0.0, 10.0, 30.0, 50.0, None, None, None]
    assert board.wait_at(99, {1: wait(1.0), 2: wait(3.0)}) == 3.0
    assert board.wait_at(1, {}) is None


def test_the_first_places_name_callbacks_and_no_live_call() -> None:
    """With what is at risk; ten of them."""
    places = [make_call("c0"), callback(attempts_count=2), *(make_call(f"c{n}") for n in range(1, 20))]
    found = board.at_risk(places[1], wait_s=9999.0, policy=POLICY, now=START)  # type: ignore[arg-type]
    assert found is not None
    shown = board.first_places(places, [found])
    assert [place.number for place in shown] == list(range(1, 11))
    assert [place.callback_id for place in shown[:3]] == [None, "cb_1", None]
    assert (shown[1].attempts_count, shown[1].at_risk) == (2, PromiseKind.QUOTED)
    assert shown[0].at_risk is None

"""Hold, book, move and give back: one seat for one promise, and the counters never lie."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from callbackq import (
    DEFAULT_TENANT,
    BookingNotFound,
    CallbackNotFound,
    CallbackState,
    CalledIn,
    CallOutcome,
    Commit,
    Disposition,
    Duplicates,
    HoldReason,
    InvalidTime,
    NotPossibleNow,
    Outcome,
    RequestRefused,
    SlotProblem,
    Store,
)
from callbackq.model import BookingEnd, BookingState, SeatKind
from callbackq.testing import IS_BUSY, NEVER_ANSWERS, START, Behaviour, VirtualHost
from service.scenes import BOB, DAN, EVE, HOUR, KIM, MINUTE, SECOND, kinds, rows
from service.test_slots import (
    at,
    book,
    check_alternatives,
    check_books,
    opened_store,
    refusal,
    slot_house,
    starts,
    taken,
    window,
)
from stores.every_store import FRESH

NINE, HALF_PAST, TEN = at("09:00"), at("09:30"), at("10:00")


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind."""
    with opened_store(request.param, tmp_path) as opened:
        yield opened


def hold(host: VirtualHost, **fields: Any) -> str:
    """Hold a seat at nine, unless another time is named; return its id."""
    return host.service.hold_slot("support", **(fields or {"slot_at": NINE})).booking_id


def book_held(host: VirtualHost, booking_id: str, number: str = BOB, **fields: Any) -> str:
    """Book what is held; return the callback's id."""
    return host.service.request("support", number=number, booking_id=booking_id, **fields).callback_id


def booking_of(store: Store, booking_id: str) -> Any:
    """Return the row of a booking."""
    with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        return tx.bookings.get(booking_id)  # type: ignore[arg-type]


def slot_of(host: VirtualHost, callback_id: str) -> Any:
    """Return the time that is booked for a callback."""
    line = host.service.booking(callback_id)
    assert line is not None
    return line.slot_at


# ---------------------------------------------------------------------------- hold


def test_a_hold_ends_at_its_time_and_gives_its_seat_back(store: Store) -> None:
    """H3: it is kept for exactly 30 seconds; then the dispatcher gives it back by itself."""
    host = slot_house(store)
    made = host.service.hold_slot("support", slot_at=NINE)
    assert (made.expires_at, made.ends_at) == (START + 30 * SECOND, HALF_PAST)
    host.run_until(made.expires_at - timedelta.resolution)
    assert taken(host, NINE) == 1
    host.run_until(made.expires_at)
    assert taken(host, NINE) == 0
    over = booking_of(store, made.booking_id)
    assert (over.ended_as, over.ended_at) == (BookingEnd.HOLD_OVER, made.expires_at)
    assert refusal(lambda: book_held(host, made.booking_id)).reason == SlotProblem.HOLD_OVER
    assert starts(host.service.free_slots("support", limit=1)) == ["08:30"]


def test_a_hold_that_is_over_gives_way_though_nobody_swept_it(store: Store) -> None:
    """H3: no dispatcher runs: until its time it keeps the seat, and then the next one to ask gets it at once."""
    host = slot_house(store)
    held = hold(host)
    host.clock.move_to(START + 30 * SECOND - timedelta.resolution)
    assert refusal(lambda: book(host, NINE, EVE)).reason == SlotProblem.FULL
    host.clock.advance(timedelta.resolution)
    assert refusal(lambda: book_held(host, held)).reason == SlotProblem.HOLD_OVER
    book(host, NINE, EVE)
    assert booking_of(store, held).ended_as is BookingEnd.HOLD_OVER
    assert refusal(lambda: book_held(host, held)).reason == SlotProblem.HOLD_OVER
    host.run_for(MINUTE)
    assert taken(host, NINE) == 1


@pytest.mark.parametrize("owner", [None, "ann"])
def test_holds_that_are_over_are_in_nobodys_way(store: Store, owner: str | None) -> None:
    """H3: nor for those who want any slot of a window, nor in the calendar of an agent."""
    host = slot_house(store, seats=1 if owner is None else 3)
    holds = [hold(host, slot_at=when, owner=owner) for when in (NINE, HALF_PAST)]
    morning = [window("09:00", "10:00")]
    refused = refusal(lambda: host.service.request("support", number=BOB, windows=morning, owner=owner))
    assert refused.reason == SlotProblem.NONE_IN_WINDOW
    host.clock.advance(30 * SECOND)
    receipt = host.service.request("support", number=BOB, windows=morning, owner=owner)
    assert receipt.expected_at == NINE
    assert [booking_of(store, one).ended_as for one in holds] == [BookingEnd.HOLD_OVER] * 2
    book(host, HALF_PAST, EVE, owner=owner)


def test_release_gives_the_seat_back_once(store: Store) -> None:
    """H3: twice changes nothing, nor after the hold is over."""
    host = slot_house(store)
    held = hold(host)
    host.service.release_slot(held)
    assert taken(host, NINE) == 0
    ended = booking_of(store, held)
    host.service.release_slot(held)
    assert booking_of(store, held) == ended
    assert ended.ended_as is BookingEnd.RELEASED
    second = hold(host)
    host.run_for(MINUTE)
    host.service.release_slot(second)
    assert booking_of(store, second).ended_as is BookingEnd.HOLD_OVER
    assert taken(host, NINE) == 0
    with pytest.raises(BookingNotFound):
        host.service.release_slot("bk_none")


def test_what_is_booked_is_not_released(store: Store) -> None:
    """H3: its callback is cancelled, or moved."""
    host = slot_house(store)
    held = hold(host)
    book_held(host, held)
    with pytest.raises(NotPossibleNow, match="release"):
        host.service.release_slot(held)
    assert taken(host, NINE) == 1


def test_a_hold_is_booked_though_its_slot_is_full(store: Store) -> None:
    """H3: its seat is kept for the one who decides, and nobody else gets it; the clock of the hold is gone."""
    host = slot_house(store)
    held = hold(host)
    assert refusal(lambda: book(host, NINE, EVE)).reason == SlotProblem.FULL
    callback_id = book_held(host, held)
    assert taken(host, NINE) == 1
    assert host.service.get(callback_id).booking_id == held
    host.run_for(10 * MINUTE)
    assert booking_of(store, held).state is BookingState.BOOKED
    assert slot_of(host, callback_id) == NINE
    assert kinds(host, callback_id)[:2] == ["callback_requested", "booking_made"]


def test_a_hold_serves_one_request_in_its_queue(store: Store) -> None:
    """H3: not in another queue, not twice, not with another time as well; a stranger's id is not found."""
    host = slot_house(store)
    held = hold(host)
    with pytest.raises(NotPossibleNow, match="queue support"):
        host.service.request("sales", number=BOB, booking_id=held)
    with pytest.raises(BookingNotFound):
        book_held(host, "bk_none")
    with pytest.raises(InvalidTime, match="only one"):
        book_held(host, held, scheduled_at=TEN)
    with pytest.raises(InvalidTime, match="only one"):
        book_held(host, held, windows=[window("09:00", "10:00")])
    book_held(host, held)
    with pytest.raises(NotPossibleNow, match="booked"):
        book_held(host, held, EVE)
    assert [taken(host, when) for when in (NINE, TEN)] == [1, 0]
    assert len(host.service.booked("support")) == 1


def test_the_zone_of_a_hold_is_that_of_its_booking(store: Store) -> None:
    """H11: what was said when it was held counts, unless it is said again."""
    host = slot_house(store, seats=2)
    first = book_held(host, hold(host, slot_at=NINE, zone="Europe/Berlin"))
    second = book_held(host, hold(host, slot_at=NINE, zone="Europe/Berlin"), EVE, zone="Asia/Tokyo")
    lines = [host.service.booking(one) for one in (first, second)]
    assert [line.customer_time for line in lines if line] == ["10:00 AM CET", "6:00 PM JST"]
    assert [line.agent_time for line in lines if line] == ["9:00 AM UTC"] * 2


def test_any_slot_of_a_window_is_held(store: Store) -> None:
    """H5: the first window first, and the first slot of it that is free."""
    host = slot_house(store)
    wanted = [window("10:00", "11:00"), window("09:00", "10:00")]
    found = [host.service.hold_slot("support", windows=wanted).slot_at for _ in range(4)]
    assert found == [TEN, at("10:30"), NINE, HALF_PAST]
    refused = refusal(lambda: host.service.hold_slot("support", windows=wanted))
    assert refused.reason == SlotProblem.NONE_IN_WINDOW
    check_alternatives(host, refused)


# ---------------------------------------------------------------------------- book


@pytest.mark.parametrize("how", ["exact", "window", "held"])
def test_the_same_request_again_takes_no_second_seat(store: Store, how: str) -> None:
    """B8: the same key gives the same receipt, whatever has happened since."""
    host = slot_house(store, seats=2)
    asked: dict[str, Any] = {
        "exact": {"scheduled_at": NINE},
        "window": {"windows": [window("09:00", "11:00")]},
        "held": {"booking_id": hold(host) if how == "held" else None},
    }[how]
    ask = lambda: host.service.request("support", number=BOB, request_key="form-1", **asked)  # noqa: E731
    first = ask()
    assert (first.booking_id, first.expected_at) == (host.service.get(first.callback_id).booking_id, NINE)
    written = rows(host, store)
    assert ask() == first
    assert rows(host, store) == written
    host.service.cancel(first.callback_id)
    assert ask() == first
    assert taken(host, NINE) == 0


def test_a_refused_request_writes_nothing(store: Store) -> None:
    """H9: a person who has a callback already takes no second seat, and a hold stays held."""
    host = slot_house(store, seats=2)
    book(host, NINE)
    held = hold(host, slot_at=TEN)
    written = rows(host, store)
    for asked in ({"scheduled_at": HALF_PAST}, {"booking_id": held}):
        with pytest.raises(RequestRefused, match="already has"):
            host.service.request("support", number=BOB, **asked)
    assert rows(host, store) == written
    assert [taken(host, when) for when in (NINE, HALF_PAST, TEN)] == [1, 0, 1]


def test_a_live_caller_chooses_a_slot(store: Store) -> None:
    """H4: the live call is converted, its priority and context go with it, and the line is one shorter."""
    host = slot_house(store, seats=2, kept_seats=1)
    host.service.call_joined("support", call_id="bob", number=BOB, priority=5, context={"issue": "bill"})
    held = hold(host, slot_at=NINE, call_id="bob", priority=5)
    receipt = host.service.request("support", call_id="bob", booking_id=held)
    assert host.service.call_left("bob").outcome is CallOutcome.CONVERTED
    assert receipt.position is None
    callback = host.service.get(receipt.callback_id)
    assert (callback.state, callback.priority, callback.scheduled_at) == (CallbackState.SCHEDULED, 5, NINE)
    (line,) = host.service.booked("support")
    assert (line.context, line.priority, line.number_masked) == ({"issue": "bill"}, 5, "+1…01")
    booking = booking_of(store, held)
    assert (booking.call_id, booking.seat) == ("bob", SeatKind.KEPT)
    assert host.service.request("support", call_id="bob", booking_id=held) == receipt


def test_the_slot_is_full_and_the_caller_stays_in_line(store: Store) -> None:
    """H4: nothing is lost by asking."""
    host = slot_house(store)
    book(host, NINE, EVE)
    host.service.call_joined("support", call_id="bob", number=BOB)
    refused = refusal(lambda: host.service.request("support", call_id="bob", scheduled_at=NINE))
    assert refused.reason == SlotProblem.FULL
    assert host.service.call_position("bob") is not None
    receipt = host.service.request("support", call_id="bob", scheduled_at=refused.alternatives[0])
    assert receipt.expected_at == refused.alternatives[0]


# ---------------------------------------------------------------------------- the day's view


def test_the_day_of_a_queue_and_of_an_agent(store: Store) -> None:
    """H7: in order of time; numbers are masked; what was cancelled is not in it, but can be looked up."""
    host = slot_house(store, seats=2)
    late = book(host, TEN, BOB, owner="ann", name="Bob", context={"issue": "bill"}, ticket_id="T-1")
    early = book(host, NINE, EVE, zone="Asia/Tokyo")
    gone = book(host, NINE, KIM)
    host.service.cancel(gone)
    day = host.service.booked("support")
    assert [line.callback_id for line in day] == [early, late]
    assert [line.callback_id for line in host.service.booked(agent="ann")] == [late]
    assert (day[1].name, day[1].context, day[1].ticket_id) == ("Bob", {"issue": "bill"}, "T-1")
    assert (day[0].customer_time, day[0].agent_time) == ("6:00 PM JST", "9:00 AM UTC")
    assert BOB not in repr(day)
    assert len(host.service.booked("support", limit=1)) == 1
    off = host.service.booking(gone)
    assert off is not None
    assert off.called_off
    with pytest.raises(CallbackNotFound):
        host.service.booking("cb_none")
    assert host.service.booking(host.service.request("sales", number=DAN).callback_id) is None


# ---------------------------------------------------------------------------- reschedule


@pytest.mark.parametrize("how", ["exact", "window", "held"])
def test_another_time_frees_the_old_seat_and_takes_the_new(store: Store, how: str) -> None:
    """H9: the callback and its booking keep their ids, and history says by whom and why."""
    host = slot_house(store)
    callback_id = book(host, NINE, zone="Asia/Tokyo")
    booking_id = host.service.get(callback_id).booking_id
    asked: dict[str, Any] = {
        "exact": {"scheduled_at": TEN},
        "window": {"windows": [window("10:00", "11:00")]},
        "held": {"booking_id": hold(host, slot_at=TEN) if how == "held" else None},
    }[how]
    receipt = host.service.reschedule(callback_id, by="eva", reason="asked for it", **asked)
    assert (receipt.callback_id, receipt.expected_at) == (callback_id, TEN)
    callback = host.service.get(callback_id)
    assert (callback.scheduled_at, callback.booking_id) == (TEN, booking_id)
    assert callback.expires_at == TEN + 24 * HOUR
    assert [taken(host, when) for when in (NINE, TEN)] == [0, 1]
    (line,) = host.service.booked("support")
    assert (line.slot_at, line.moves_count) == (TEN, 1)
    zone = "UTC" if how == "held" else "JST"
    assert line.customer_time.endswith(zone)
    moved: Any = host.service.history(callback_id)[-1]
    assert (moved.kind, moved.by, moved.reason) == ("booking_moved", "eva", "asked for it")
    book(host, NINE, EVE)
    if how == "held":
        assert booking_of(store, asked["booking_id"]).callback_id is None
        with pytest.raises(RequestRefused):
            book_held(host, asked["booking_id"], KIM)


@pytest.mark.parametrize("how", ["exact", "window", "over", "two", "none", "past"])
def test_another_time_that_cannot_be_had_changes_nothing(store: Store, how: str) -> None:
    """H9: the old time stands: seat, clocks, history."""
    host = slot_house(store)
    callback_id = book(host, NINE)
    book(host, TEN, EVE)
    over = hold(host, slot_at=at("11:00"))
    host.clock.advance(MINUTE)
    asked: dict[str, Any] = {
        "exact": {"scheduled_at": TEN},
        "window": {"windows": [window("10:00", "10:30")]},
        "over": {"booking_id": over},
        "two": {"scheduled_at": at("11:30"), "booking_id": over},
        "none": {},
        "past": {"scheduled_at": at("07:00")},
    }[how]
    written = rows(host, store)
    before = host.service.get(callback_id)
    with pytest.raises(RequestRefused):
        host.service.reschedule(callback_id, **asked)
    assert rows(host, store) == written
    assert host.service.get(callback_id) == before
    assert [taken(host, when) for when in (NINE, TEN)] == [1, 1]
    assert slot_of(host, callback_id) == NINE


def test_the_same_time_again_keeps_the_seat(store: Store) -> None:
    """H9: its slot is full, of itself: it keeps its seat, and needs no other."""
    host = slot_house(store)
    callback_id = book(host, NINE)
    host.service.reschedule(callback_id, scheduled_at=NINE, zone="Asia/Tokyo")
    assert taken(host, NINE) == 1
    line = host.service.booking(callback_id)
    assert line is not None
    assert (line.slot_at, line.customer_time) == (NINE, "6:00 PM JST")


def test_an_agents_booking_moves_to_a_time_that_overlaps_its_own(store: Store) -> None:
    """B4: the booking that moves is in nobody's way; another one of the agent's is."""
    host = slot_house(store, seats=3, grid=15 * MINUTE)
    callback_id = book(host, NINE, owner="ann")
    book(host, TEN, EVE, owner="ann")
    host.service.reschedule(callback_id, scheduled_at=at("09:15"))
    assert slot_of(host, callback_id) == at("09:15")
    refused = refusal(lambda: host.service.reschedule(callback_id, scheduled_at=at("09:45")))
    assert refused.reason == SlotProblem.AGENT_BUSY
    assert [line.slot_at for line in host.service.booked(agent="ann")] == [at("09:15"), TEN]


def test_a_booking_that_went_to_another_queue_is_moved_there(store: Store) -> None:
    """H9: its seat is of the queue that it is in now; the other one gets its own back."""
    host = slot_house(store)
    callback_id = book(host, NINE)
    host.service.move(callback_id, queue="sales")
    assert [taken(host, NINE, queue) for queue in ("support", "sales")] == [1, 0]
    host.service.reschedule(callback_id, scheduled_at=TEN)
    assert [taken(host, when, "support") for when in (NINE, TEN)] == [0, 0]
    assert [taken(host, when, "sales") for when in (NINE, TEN)] == [0, 1]
    assert [line.callback_id for line in host.service.booked("sales")] == [callback_id]
    host.service.cancel(callback_id)
    assert taken(host, TEN, "sales") == 0


def test_moves_are_counted_and_the_reminder_moves_too(store: Store) -> None:
    """H9: a calendar sees each of them as a later version."""
    host = slot_house(store, remind_before=15 * MINUTE)
    callback_id = book(host, NINE)
    for count, when in enumerate((TEN, HALF_PAST, at("11:00")), 1):
        host.service.reschedule(callback_id, scheduled_at=when)
        line = host.service.booking(callback_id)
        assert line is not None
        assert line.moves_count == count
    row = booking_of(store, line.booking_id)
    assert (row.due_at, row.due_reason) == (at("10:45"), "reminder")


def test_one_that_waits_can_be_given_a_time(store: Store) -> None:
    """H9: it leaves the line, and stands in it again at its time."""
    host = slot_house(store)
    receipt = host.service.request("support", number=BOB)
    host.service.reschedule(receipt.callback_id, scheduled_at=NINE)
    callback = host.service.get(receipt.callback_id)
    assert (callback.state, callback.scheduled_at) == (CallbackState.SCHEDULED, NINE)
    assert callback.booking_id is not None
    assert taken(host, NINE) == 1
    host.service.agent_available("ann", queues=["support"])
    host.run_until(NINE - SECOND)
    assert host.telephony.dialed(BOB) == 0
    host.run_until(NINE + SECOND)
    assert host.service.get(receipt.callback_id).outcome is Outcome.COMPLETED


def test_one_that_rests_can_be_given_a_time(store: Store) -> None:
    """H9: its attempts count anew."""
    host = slot_house(store)
    host.telephony.person(BOB, IS_BUSY, Behaviour())
    host.service.agent_available("ann", queues=["support"])
    receipt = host.service.request("support", number=BOB)
    host.run_for(MINUTE)
    resting = host.service.get(receipt.callback_id)
    assert (resting.state, resting.attempts_count) == (CallbackState.RESTING, 1)
    host.service.reschedule(receipt.callback_id, windows=[window("09:00", "10:00")])
    scheduled = host.service.get(receipt.callback_id)
    assert (scheduled.state, scheduled.attempts_count) == (CallbackState.SCHEDULED, 0)
    host.run_until(NINE + SECOND)
    assert host.service.get(receipt.callback_id).outcome is Outcome.COMPLETED


def test_one_that_is_held_can_be_given_a_time(store: Store) -> None:
    """H9: a number that is somebody else's: it waits for a better one, at a time of its own."""
    host = slot_house(store)
    host.service.agent_available("ann", queues=["support"])
    receipt = host.service.request("support", number=BOB)
    host.run_for(SECOND)
    said = host.service.set_disposition(receipt.callback_id, Disposition.WRONG_PERSON, by="ann")
    host.driver.perform(said.effects)
    host.run_for(5 * MINUTE)
    held = host.service.get(receipt.callback_id)
    assert (held.state, held.hold_reason) == (CallbackState.HELD, HoldReason.WRONG_NUMBER)
    host.service.reschedule(receipt.callback_id, scheduled_at=NINE)
    scheduled = host.service.get(receipt.callback_id)
    assert (scheduled.state, scheduled.hold_reason) == (CallbackState.SCHEDULED, None)
    assert taken(host, NINE) == 1


def test_one_that_is_attempted_or_over_gets_no_other_time(store: Store) -> None:
    """H9: `NotPossibleNow`, and nothing is changed."""
    host = slot_house(store)
    host.telephony.person(BOB, NEVER_ANSWERS)
    host.service.agent_available("ann", queues=["support"])
    receipt = host.service.request("support", number=BOB)
    host.run_for(2 * SECOND)
    assert host.service.get(receipt.callback_id).state is CallbackState.ATTEMPTING
    over = book(host, NINE, EVE)
    host.service.cancel(over)
    held = hold(host, slot_at=HALF_PAST)
    written = rows(host, store)
    for callback_id in (receipt.callback_id, over):
        for asked in ({"scheduled_at": NINE}, {"windows": [window("09:00", "10:00")]}, {"booking_id": held}):
            with pytest.raises(NotPossibleNow):
                host.service.reschedule(callback_id, **asked)
    assert rows(host, store) == written
    assert [taken(host, when) for when in (NINE, HALF_PAST)] == [0, 1]


# ---------------------------------------------------------------------------- how a booking ends


def test_cancel_frees_a_seat_before_its_time_only(store: Store) -> None:
    """H9: a past one was used: nobody else could have had it."""
    host = slot_house(store)
    first, second = book(host, NINE), book(host, HALF_PAST, EVE)
    host.service.cancel(first)
    assert taken(host, NINE) == 0
    host.run_until(HALF_PAST)
    host.service.cancel(second)
    line = host.service.booking(second)
    assert line is not None
    assert not line.called_off
    assert taken(host, HALF_PAST) == 1


def test_whatever_ends_a_callback_ends_its_booking(store: Store) -> None:
    """H9: done otherwise, merged, called in: before its time the seat is free again, later it was used."""
    host = slot_house(store, seats=4, policy={"duplicates": Duplicates.ALLOW, "called_in": CalledIn.RESTORE})
    service = host.service
    done, merged, into = book(host, NINE), book(host, NINE, EVE), book(host, TEN, EVE)
    service.mark_done(done, by="eva")
    service.merge(merged, into=into)
    assert [taken(host, when) for when in (NINE, TEN)] == [0, 1]
    later = book(host, NINE, KIM)
    service.call_joined("support", call_id="kim", number=KIM)
    assert service.get(later).state is CallbackState.SCHEDULED, "another matter: its time stands"
    assert taken(host, NINE) == 1
    host.run_until(NINE + MINUTE)
    service.call_joined("support", call_id="kim again", number=KIM)
    assert service.get(later).outcome is Outcome.REPLACED
    assert taken(host, NINE) == 1


def test_one_that_is_called_before_its_time_gives_its_seat_back(store: Store) -> None:
    """H9: somebody called at once after all: the seat is free for others when it is done."""
    host = slot_house(store)
    callback_id = book(host, NINE)
    host.service.agent_available("ann", queues=["support"])
    host.service.call_now(callback_id, by="eva")
    host.run_for(MINUTE)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    assert taken(host, NINE) == 0
    book(host, NINE, EVE)


def test_a_life_that_is_over_ends_its_booking_as_used(store: Store) -> None:
    """H9: nobody came to call: it expires a life after its time, and its seat was used."""
    host = slot_house(store, policy={"callback_life": 2 * HOUR})
    callback_id = book(host, NINE)
    host.run_until(NINE + 2 * HOUR)
    assert host.service.get(callback_id).outcome is Outcome.EXPIRED
    line = host.service.booking(callback_id)
    assert line is not None
    assert booking_of(store, line.booking_id).ended_as is BookingEnd.USED
    assert taken(host, NINE) == 1


def test_a_callback_that_is_completed_has_used_its_seat(store: Store) -> None:
    """H9: and its customer can have another one."""
    host = slot_house(store)
    callback_id = book(host, NINE)
    host.service.agent_available("ann", queues=["support"])
    host.run_until(NINE + MINUTE)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    assert taken(host, NINE) == 1
    book(host, TEN)


# ---------------------------------------------------------------------------- owner's calendar


def test_an_agents_own_calendar_has_one_booking_at_a_time(store: Store) -> None:
    """B4: another follow-up at an overlapping time is refused, in another queue too; others may have the slot."""
    host = slot_house(store, seats=3, grid=15 * MINUTE)
    first = book(host, TEN, owner="ann")
    callback = host.service.get(first)
    assert (callback.owner_id, callback.preferred_agent_id) == ("ann", "ann")
    for queue, when in (("support", TEN), ("support", at("09:45")), ("sales", at("10:15")), ("sales", TEN)):
        refused = refusal(
            lambda asked=(queue, when): host.service.request(
                asked[0], number=EVE, scheduled_at=asked[1], owner="ann"
            )
        )
        assert refused.reason == SlotProblem.AGENT_BUSY
        check_alternatives(host, refused, queue=queue, owner="ann")
    book(host, TEN, EVE, owner="ben")
    book(host, TEN, KIM)
    book(host, at("10:30"), DAN, owner="ann")
    assert [line.slot_at for line in host.service.booked(agent="ann")] == [TEN, at("10:30")]


def test_a_window_passes_over_what_the_agent_has(store: Store) -> None:
    """B4: the first slot of the window in which the agent is free."""
    host = slot_house(store, seats=3)
    book(host, NINE, owner="ann")
    receipt = host.service.request("support", number=EVE, windows=[window("09:00", "11:00")], owner="ann")
    assert receipt.expected_at == HALF_PAST


def test_a_cancelled_follow_up_frees_the_agent(store: Store) -> None:
    """B4: and so does a hold that is released."""
    host = slot_house(store, seats=3)
    host.service.cancel(book(host, NINE, owner="ann"))
    held = hold(host, slot_at=NINE, owner="ann")
    assert refusal(lambda: book(host, NINE, EVE, owner="ann")).reason == SlotProblem.AGENT_BUSY
    host.service.release_slot(held)
    book(host, NINE, EVE, owner="ann")


# ---------------------------------------------------------------------------- arbitrary commands


SLOTS = [NINE, HALF_PAST, TEN, at("10:30")]
NUMBERS = [f"+1212555{number}" for number in range(1000, 1008)]


class AnyCommands(RuleBasedStateMachine):
    """Any commands in any order: after each, counters and bookings agree, and history gives the rows."""

    kind: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.open = ExitStack()
        self.store = self.open.enter_context(FRESH[self.kind]())
        self.host = slot_house(
            self.store,
            seats=3,
            kept_seats=1,
            grid=30 * MINUTE,
            policy={"duplicates": Duplicates.ALLOW, "callback_life": HOUR},
            remind_before=15 * MINUTE,
        )
        self.service = self.host.service
        self.service.agent_available("ann", queues=["support", "sales"])
        self.callbacks: list[str] = []
        self.holds: list[str] = []

    def attempt(self, work: Any) -> Any:
        """Do it, or be refused: a command may not be possible now."""
        try:
            return work()
        except RequestRefused:
            return None

    def one_of(self, known: list[str], choice: int) -> str | None:
        return known[choice % len(known)] if known else None

    @rule(
        when=st.sampled_from(SLOTS),
        number=st.sampled_from(NUMBERS),
        priority=st.sampled_from([5, 100]),
        owner=st.sampled_from([None, "ann"]),
        repeats=st.sampled_from([None, None, "FREQ=DAILY"]),
    )
    def book(self, when: Any, number: str, priority: int, owner: str | None, repeats: str | None) -> None:
        asked = {"scheduled_at": when, "priority": priority, "owner": owner, "repeats": repeats}
        made = self.attempt(lambda: self.service.request("support", number=number, **asked))
        if made is not None:
            self.callbacks.append(made.callback_id)

    @rule(number=st.sampled_from(NUMBERS))
    def ask_for_now(self, number: str) -> None:
        self.callbacks.append(self.service.request("support", number=number).callback_id)

    @rule(when=st.sampled_from(SLOTS), priority=st.sampled_from([5, 100]))
    def hold(self, when: Any, priority: int) -> None:
        made = self.attempt(lambda: self.service.hold_slot("support", slot_at=when, priority=priority))
        if made is not None:
            self.holds.append(made.booking_id)

    @rule(choice=st.integers(0, 9), number=st.sampled_from(NUMBERS))
    def book_hold(self, choice: int, number: str) -> None:
        held = self.one_of(self.holds, choice)
        if held is not None:
            made = self.attempt(lambda: self.service.request("support", number=number, booking_id=held))
            if made is not None:
                self.callbacks.append(made.callback_id)

    @rule(choice=st.integers(0, 9))
    def release(self, choice: int) -> None:
        held = self.one_of(self.holds, choice)
        if held is not None:
            self.attempt(lambda: self.service.release_slot(held))

    @rule(choice=st.integers(0, 9), when=st.sampled_from(SLOTS))
    def reschedule(self, choice: int, when: Any) -> None:
        callback_id = self.one_of(self.callbacks, choice)
        if callback_id is not None:
            self.attempt(lambda: self.service.reschedule(callback_id, scheduled_at=when))

    @rule(choice=st.integers(0, 9), held=st.integers(0, 9))
    def reschedule_to_hold(self, choice: int, held: int) -> None:
        callback_id, booking_id = self.one_of(self.callbacks, choice), self.one_of(self.holds, held)
        if callback_id is not None and booking_id is not None:
            self.attempt(lambda: self.service.reschedule(callback_id, booking_id=booking_id))

    @rule(choice=st.integers(0, 9), how=st.sampled_from(["cancel", "done", "now", "move", "first", "merge"]))
    def command(self, choice: int, how: str) -> None:
        key = self.one_of(self.callbacks, choice)
        if key is None:
            return
        service = self.service
        self.attempt(
            {
                "cancel": lambda: service.cancel(key),
                "done": lambda: service.mark_done(key, by="eva"),
                "now": lambda: service.call_now(key, by="eva"),
                "move": lambda: service.move(key, queue="sales"),
                "first": lambda: service.put_first(key),
                "merge": lambda: service.merge(key, into=self.callbacks[choice // 2 % len(self.callbacks)]),
            }[how]
        )

    @rule(choice=st.integers(0, 9), said=st.sampled_from([Disposition.BUSY, Disposition.WRONG_PERSON]))
    def correct(self, choice: int, said: Disposition) -> None:
        key = self.one_of(self.callbacks, choice)
        if key is not None:
            self.attempt(lambda: self.service.set_disposition(key, said, by="eva"))

    @rule(number=st.sampled_from(NUMBERS), answers=st.booleans())
    def change_phone(self, number: str, answers: bool) -> None:
        self.host.telephony.person(number, Behaviour() if answers else IS_BUSY)

    @rule(number=st.sampled_from(NUMBERS))
    def call_in(self, number: str) -> None:
        self.service.call_joined(
            "support", call_id=self.host.service.ids.new("call", now=START), number=number
        )

    @rule(comes=st.booleans())
    def agent(self, comes: bool) -> None:
        if comes:
            self.attempt(lambda: self.service.agent_available("ann", queues=["support", "sales"]))
        else:
            self.attempt(lambda: self.service.agent_unavailable("ann"))

    @rule(span=st.sampled_from([SECOND, 31 * SECOND, 10 * MINUTE, 31 * MINUTE, 3 * HOUR]))
    def time_passes(self, span: timedelta) -> None:
        self.host.run_for(span)

    @invariant()
    def books_agree(self) -> None:
        check_books(self.store)

    def teardown(self) -> None:
        self.open.close()


@pytest.mark.parametrize(
    ("kind", "examples"), [("memory", 80), ("sqlite", 6), ("sqlite_shared", 3), ("postgres", 3)]
)
def test_after_any_commands_the_books_agree(kind: str, examples: int) -> None:
    """H3, H9: sum of counters == bookings that have not given their seat back; fold(history) == rows."""

    class TheseCommands(AnyCommands):
        pass

    TheseCommands.kind = kind
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        TheseCommands,
        settings=settings(
            derandomize=True,
            deadline=None,
            max_examples=examples,
            stateful_step_count=30,
            suppress_health_check=list(HealthCheck),
        ),
    )

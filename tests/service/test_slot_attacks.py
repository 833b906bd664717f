"""What broke slots and bookings when it was tried on purpose: hosts that lie, machines that know less, late readers."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from threading import Thread
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest

from callbackq import (
    DEFAULT_TENANT,
    BookingId,
    CallbackId,
    CallbackState,
    Commit,
    Dispatcher,
    InvalidText,
    InvalidTime,
    MemoryStore,
    Opening,
    Outcome,
    QueueName,
    QueuePolicy,
    SlotPolicy,
    SlotUnavailable,
    Span,
    StaffedSeats,
    TimeWindow,
    WeekHours,
)
from callbackq.core import lifecycle
from callbackq.service import CallbackService
from callbackq.testing import ManualClock
from callbackq.writing import write
from service.test_slots import BOB, HOUR, MINUTE, NY, at, book, check_books, slot_house, starts
from stores.postgres_server import fresh_store

SUPPORT = QueueName("support")
NINE, TEN = at("09:00"), at("10:00")


# ---------------------------------------------------------------------------- hosts


class OnTheWallOfNewYork:
    """Hours from half past midnight to five, said in the time of New York, as a host may."""

    def opening(self, queue: QueueName, at: datetime) -> Opening:
        """Say whether it is open, and until when, with the zone of the wall."""
        wall = at.astimezone(ZoneInfo(NY))
        opens = wall.replace(hour=0, minute=30, second=0, microsecond=0)
        closes = opens.replace(hour=5, minute=0)
        if wall < opens:
            return Opening(is_open=False, changes_at=opens)
        if wall < closes:
            return Opening(is_open=True, changes_at=closes)
        return Opening(is_open=False, changes_at=opens + timedelta(days=1))


def test_hours_that_are_said_in_a_zone_give_slots_in_real_time() -> None:
    """The grid of a host's hours does not depend on the zone of its answers, on the day clocks go back as well."""
    now = datetime(2026, 10, 31, 12, tzinfo=UTC)
    policy = SlotPolicy(seats=StaffedSeats(agents=9), length=HOUR, horizon=timedelta(days=2))
    service = CallbackService(
        MemoryStore(),
        [QueuePolicy(queue=SUPPORT, slots=policy)],
        clock=ManualClock(now),
        hours=OnTheWallOfNewYork(),
    )

    slots = service.slots("support", until_at=datetime(2026, 11, 1, 12, tzinfo=UTC))

    assert starts(slots) == ["04:30", "05:30", "06:30", "07:30", "08:30"]
    assert all(slot.starts_at.tzinfo is UTC and slot.ends_at - slot.starts_at == HOUR for slot in slots)
    for slot in slots:
        assert service.hold_slot("support", slot_at=slot.starts_at).slot_at == slot.starts_at


class HoursThatFail:
    """Hours that are open all day, and fail each so-many-th time."""

    def __init__(self, each: int) -> None:
        self.each, self.asked_count = each, 0

    def opening(self, queue: QueueName, at: datetime) -> Opening:
        """Fail, or say that it closes at five."""
        self.asked_count += 1
        if self.asked_count % self.each == 0:
            raise OSError("no hours today")
        closes = at.replace(hour=17, minute=0)
        return Opening(is_open=at < closes, changes_at=closes if at < closes else None)


@pytest.mark.parametrize("each", range(1, 12))
def test_hours_that_fail_between_two_questions_cost_slots_and_no_error(each: int) -> None:
    """Where the room before closing is asked for and the hours are gone by now, there is none."""
    service = CallbackService(
        MemoryStore(),
        [QueuePolicy(queue=SUPPORT, slots=SlotPolicy(seats=StaffedSeats(agents=3)))],
        clock=ManualClock(at("08:00")),
        hours=HoursThatFail(each),
    )

    for _ in range(12):
        assert {slot.free_count for slot in service.slots("support")} <= {0, 9}
        service.free_slots("support")
        try:
            booking_id = service.hold_slot("support", slot_at=TEN).booking_id
        except SlotUnavailable:
            continue
        service.release_slot(booking_id)


# ---------------------------------------------------------------------------- arguments


@pytest.mark.parametrize("windows", [None, 5, TEN, object()])
def test_windows_that_are_no_list_are_refused(windows: Any) -> None:
    """Every command that takes windows says what is allowed."""
    service = slot_house(MemoryStore()).service
    with pytest.raises(InvalidTime):
        service.free_slots("support", windows=windows)
    with pytest.raises(InvalidTime):
        service.hold_slot("support", windows=windows)
    with pytest.raises(InvalidTime):
        service.request("support", number=BOB, windows=windows)
    with pytest.raises(InvalidTime):
        service.reschedule("cb_000001", windows=windows)


def test_windows_may_come_one_by_one() -> None:
    """Windows that can be read only once are as good as a list; none of them is as good as an empty one."""
    service = slot_house(MemoryStore()).service
    windows: Any = (TimeWindow(from_at=TEN, until_at=TEN + HOUR) for _ in range(1))
    assert service.hold_slot("support", windows=windows).slot_at == TEN
    nothing: Any = iter(())
    with pytest.raises(InvalidTime):
        service.hold_slot("support", windows=nothing)


@pytest.mark.parametrize("zone", ["", 0, [], "America/Not_Yet"])
def test_a_zone_that_is_none_is_refused_when_a_booking_moves(zone: Any) -> None:
    """It is not passed over in favour of the zone that the booking has."""
    host = slot_house(MemoryStore())
    callback_id = book(host, NINE)
    with pytest.raises(InvalidText):
        host.service.reschedule(callback_id, scheduled_at=TEN, zone=zone)
    assert host.service.get(callback_id).scheduled_at == NINE


# ---------------------------------------------------------------------------- steps


def test_a_zone_that_this_machine_does_not_know_stops_no_step(caplog: pytest.LogCaptureFixture) -> None:
    """A booking whose zone is newer than this machine stays where it is, and everybody else is called."""
    host = slot_house(MemoryStore(), seats=2, remind_before=4 * MINUTE)
    strange, usual = book(host, NINE), book(host, NINE, "+12125550177")
    key = BookingId(host.service.get(strange).booking_id or "")
    with host.service.store.transaction(DEFAULT_TENANT, commit=Commit.FLUSHED) as tx:
        booking = tx.bookings.get(key)
        tx.save(attrs.evolve(booking, version=booking.version + 1, zone="America/Not_Yet"))

    host.clock.advance(NINE - 5 * MINUTE - host.clock.now())
    host.service.agent_available("ann", queues=["support"])
    with caplog.at_level(logging.WARNING, "callbackq"):
        host.run_until(NINE + HOUR)

    assert [host.service.get(one).outcome for one in (strange, usual)] == [Outcome.COMPLETED] * 2
    shown = [one.customer_time for one in host.service.booked("support", from_at=NINE)]
    assert shown == ["9:00 AM UTC", "4:00 AM EST"]
    assert "a step failed" not in caplog.text
    assert f"{key} stays where it is" in caplog.text


def test_an_attempt_that_ends_in_the_step_in_which_its_callback_is_overdue_fails_no_step(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """After a long standstill both are due at once: the callback is looked at as it is by then."""
    clock = ManualClock(at("08:00"))
    service = CallbackService(MemoryStore(), [QueuePolicy(queue=SUPPORT)], clock=clock)
    dispatcher = Dispatcher(service)
    service.agent_available("ann", queues=["support"])
    callback_id = service.request("support", number=BOB).callback_id
    with caplog.at_level(logging.ERROR, "callbackq"):
        for _ in range(3):
            dispatcher.step(clock.now())
            clock.advance(HOUR)

    assert service.get(callback_id).state is not CallbackState.ENDED
    assert "a step failed" not in caplog.text


# ---------------------------------------------------------------------------- full days


@pytest.fixture
def postgres() -> Iterator[Any]:
    """An empty store that lets two transactions write at once."""
    with fresh_store() as store:
        yield store
        check_books(store)


def test_a_seat_that_comes_back_while_its_day_is_counted_is_found(postgres: Any) -> None:
    """Two slots of a day: the last seat of one is taken while one of the other is given back, and not hidden by it."""
    one_hour = WeekHours(zone="UTC", week={0: (Span(time(9), time(10)),)})
    service = slot_house(postgres, seats=2, policy={"hours": one_hour}).service
    slots = service.free_slots("support")
    assert starts(slots) == ["09:00", "09:30"]
    people = iter(range(1000, 2000))
    booked = [
        service.request("support", number=f"+1212555{next(people)}", scheduled_at=slot.starts_at).callback_id
        for slot in slots
        for _ in range(2)
    ]
    service.cancel(booked[0])  # From now on the row of the day says nothing.
    late: list[str | None] = []

    def take_the_last() -> None:
        number = f"+1212555{next(people)}"
        late.append(service.request("support", number=number, scheduled_at=slots[0].starts_at).booking_id)

    with postgres.transaction(DEFAULT_TENANT, commit=Commit.FLUSHED) as tx:
        callback = tx.callbacks.get(CallbackId(booked[2]))
        write(tx, lifecycle.cancel(callback, reason=None, now=service.now()))
        other = Thread(target=take_the_last)
        other.start()
        other.join(1)
    other.join(20)

    assert len(late) == 1
    assert [slot.starts_at for slot in service.free_slots("support")] == [slots[1].starts_at]

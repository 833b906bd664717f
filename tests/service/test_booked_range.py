"""Between when a booked callback is expected, as the queue's own past says; and bookings that are begun early."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from callbackq import (
    BookingEnd,
    CallbackNotFound,
    Choice,
    Commit,
    FixedSeats,
    MemoryStore,
    NoOffer,
    NoOfferReason,
    NoticeKind,
    Offer,
    QueuePolicy,
    SlotPolicy,
)
from callbackq.core.bookings import delay_range
from callbackq.testing import Behaviour, FakeNotices, VirtualHost

M = timedelta(minutes=1)
BOB = "+12125550101"


def host_with_slots(**slots: object) -> VirtualHost:
    """Return a host whose queue has a slot every five minutes, with one seat."""
    fields = {"length": 5 * M, "lead_min": timedelta(0), "horizon": timedelta(days=7), **slots}
    policy = QueuePolicy(
        queue="support",
        slots=SlotPolicy(seats=FixedSeats(seats=1), **fields),  # type: ignore[arg-type]
        agent_presence_max=timedelta(days=7),
    )
    return VirtualHost(MemoryStore(), [policy])


def book(host: VirtualHost, at: datetime, number: str) -> str:
    """Book a slot for somebody."""
    return host.service.request("support", number=number, scheduled_at=at).callback_id


@pytest.mark.parametrize(("bookings_count", "known"), [(18, False), (19, True)])
def test_the_range_is_what_the_past_was_like(bookings_count: int, known: bool) -> None:
    """With 19 bookings it goes from the earliest to the latest, and holds for nine of ten at least."""
    host = host_with_slots()
    host.service.agent_available("ann", queues=["support"])
    first_at = host.clock.now() + 10 * M
    for number in range(bookings_count):
        book(host, first_at + number * 5 * M, f"+1212555{1000 + number}")
    host.run_for((bookings_count + 3) * 5 * M)
    at = host.clock.now().replace(second=0, microsecond=0) + timedelta(hours=1)
    callback_id = book(host, at, BOB)
    found = host.service.expected_between(callback_id)
    assert (found is not None) is known
    if found is not None:
        assert (found.coverage_ratio, found.sample_count) == (0.9, 19)
        # With one agent, who talks for three of five minutes, most were begun when the agent was free again.
        assert (found.from_at, found.until_at) == (at - 2 * M, at)


def test_only_booked_callbacks_have_a_range() -> None:
    """One that stands in line has none; one that does not exist is named."""
    host = host_with_slots()
    assert host.service.expected_between(host.service.request("support", number=BOB).callback_id) is None
    with pytest.raises(CallbackNotFound):
        host.service.expected_between("cb_9")


def test_the_least_and_the_greatest_of_the_past() -> None:
    """For a smaller share the ends are left out: 2 of 19 on each side for 80 %."""
    delays = [float(n * n) for n in range(19)]
    assert delay_range(delays, coverage_ratio=0.9) == (0.0, 324.0)
    assert delay_range(delays, coverage_ratio=0.8) == (1.0, 289.0)


@pytest.mark.parametrize(
    ("before", "end"), [(90, BookingEnd.USED), (3600, BookingEnd.CALLED_OFF)], ids=["a little", "an hour"]
)
def test_what_was_begun_a_little_early_was_used(before: int, end: BookingEnd) -> None:
    """It was this booking that was kept; one that was called an hour before gives its seat back."""
    host = host_with_slots(feed_max=2 * M, remind_before=None)
    at = host.clock.now() + timedelta(hours=2)
    callback_id = book(host, at, BOB)
    host.run_for(at - timedelta(seconds=before) - host.clock.now())
    host.service.agent_available("ann", queues=["support"])
    host.service.call_now(callback_id, by="boss")
    host.run_for(M)
    assert host.service.get(callback_id).outcome is not None
    service = host.service
    key = service.get(callback_id).callback_id
    with service.store.transaction(service.tenant_id, commit=Commit.READ_ONLY) as tx:
        booking = tx.bookings.of_callback(key)
    assert booking is not None
    assert booking.ended_as is end
    (slot,) = service.slots("support", from_at=at, until_at=at + M)
    assert slot.taken_count == (1 if end is BookingEnd.USED else 0)


def test_an_offer_names_slots_and_no_slots_are_no_choice() -> None:
    """Who may choose a time hears which; where none is free, choosing one is no choice."""
    policy = QueuePolicy(
        queue="support",
        slots=SlotPolicy(seats=FixedSeats(seats=1), length=timedelta(hours=1), lead_min=timedelta(0)),
    )
    host = VirtualHost(MemoryStore(), [policy])
    service = host.service
    service.call_joined("support", call_id="live", number=BOB)
    free = service.free_slots("support")
    refused = service.offer("live", asked=True)
    assert isinstance(refused, NoOffer)
    assert (refused.reason, refused.slots) == (NoOfferReason.NOBODY_STAFFED, tuple(s.starts_at for s in free))
    assert Choice.SCHEDULE in refused.next_best
    service.call_joined("support", call_id="next", number="+12125550102")
    service.agent_available("ann", queues=["support"])
    host.run_for(timedelta(seconds=1))
    offered = service.offer("next", asked=True)
    assert isinstance(offered, Offer)
    assert offered.slots == tuple(slot.starts_at for slot in service.free_slots("support"))
    assert Choice.SCHEDULE in offered.choices
    for number, slot in enumerate(service.free_slots("support", limit=9)):
        book(host, slot.starts_at, f"+1212555{2000 + number}")
    again = service.offer("next", asked=True)
    assert isinstance(again, Offer)
    assert again.slots == ()
    assert Choice.SCHEDULE not in again.choices


def test_a_turn_that_could_not_be_used_is_offered_other_times() -> None:
    """When the response window is over the place is queued again, and the customer hears of free slots."""
    policy = QueuePolicy(
        queue="support",
        response_window=2 * M,
        slots=SlotPolicy(seats=FixedSeats(seats=1), length=timedelta(hours=1), lead_min=timedelta(0)),
    )
    notices = FakeNotices()
    host = VirtualHost(MemoryStore(), [policy], notices=notices)
    host.telephony.agent("ann", Behaviour(answers_after=None))
    host.service.request("support", number=BOB)
    host.service.agent_available("ann", queues=["support"])
    host.run_for(5 * M)
    told = [notice for notice in notices.told if notice.kind is NoticeKind.OTHER_TIME]
    assert told
    assert told[0].alternatives == tuple(slot.starts_at for slot in host.service.free_slots("support"))


def test_times_of_a_series_that_passed_meanwhile_are_told() -> None:
    """Nobody serves a daily callback for a whole day: the next day's, which passed with it, is not lost in silence."""
    policy = QueuePolicy(
        queue="support",
        slots=SlotPolicy(seats=FixedSeats(seats=1), lead_min=timedelta(0), horizon=timedelta(days=7)),
    )
    notices = FakeNotices()
    host = VirtualHost(MemoryStore(), [policy], notices=notices)
    first_at = host.clock.now() + timedelta(hours=1)
    host.service.request(
        "support", number=BOB, scheduled_at=first_at, zone="UTC", repeats="FREQ=DAILY;COUNT=3"
    )
    host.run_for(timedelta(days=1, hours=2))
    told = [notice.notice_id for notice in notices.told if notice.kind is NoticeKind.NOT_REPEATED]
    assert [notice_id.rpartition(".")[2] for notice_id in told] == ["20260106T0900"]
    (booked,) = host.service.booked("support", until_at=first_at + timedelta(days=7))
    assert booked.slot_at == first_at + timedelta(days=2)


class Whole:
    """A whole number that is no int, as some libraries have them."""

    def __index__(self) -> int:
        return 2


class Plan:
    """Two seats for each slot, in such numbers."""

    def seats(self, queue: str, starts: object, length: timedelta) -> list[Whole]:
        return [Whole() for _ in starts]  # type: ignore[attr-defined]


def test_whole_numbers_of_any_kind_are_seats() -> None:
    """A workforce system answers in its own numbers."""
    policy = QueuePolicy(queue="support", slots=SlotPolicy(seats=None))
    host = VirtualHost(MemoryStore(), [policy], capacity=Plan())  # type: ignore[arg-type]
    assert {slot.seats_count for slot in host.service.slots("support")} == {2}

"""How a slot is booked: what was asked for becomes a seat, and the seat a booking of a callback."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from callbackq.core import bookings
from callbackq.core.bookings import Seat, wall_of_booking
from callbackq.core.requests import receipt_of
from callbackq.core.zones import check_zone, instant_of, wall_of, zone_of_customer, zones_of_number
from callbackq.errors import BookingNotFound, InvalidText, InvalidTime, NotPossibleNow, SlotUnavailable
from callbackq.ids import AgentId, BookingId, QueueName
from callbackq.model import Booking, BookingState, Callback, Receipt, SlotProblem, Subject
from callbackq.ports import Transaction
from callbackq.seating import Seating, SlotWish
from callbackq.writing import write

logger = logging.getLogger("callbackq")


def slot_wish(
    queue: QueueName,
    *,
    at: object,
    windows: Sequence[object],
    zone: str | None,
    number: str | None,
    agent_id: AgentId | None,
    priority: int,
    seating: Seating,
) -> SlotWish:
    """
    Read which slot is wanted: one by its start, or any in the windows.

    Raises:
        InvalidTime, InvalidText: there is no such time or zone, or neither start nor windows.
    """
    chosen = check_zone(zone) if zone is not None else None
    if (at is None) == (not windows):
        raise InvalidTime("a slot needs scheduled_at, or windows, and not both")
    slot_at = seating.read_at(queue, at, zone=chosen) if at is not None else None
    spans = seating.read_windows(queue, windows, zone=chosen)
    shown_at = slot_at or spans[0].from_at
    customer = zone_of_customer(
        chosen=chosen,
        known=None,
        number_zones=zones_of_number(number) if number is not None and chosen is None else frozenset(),
        at=shown_at,
        queue_zone=seating.zone(queue),
    )
    return SlotWish(at=slot_at, windows=spans, zone=customer.zone, agent_id=agent_id, priority=priority)


def held_seat(
    tx: Transaction, booking_id: BookingId, *, queue: QueueName, zone: str | None, now: datetime
) -> Seat:
    """
    Return the seat that is held under this id.

    Raises:
        BookingNotFound: there is none.
        SlotUnavailable: it is held no longer.
        NotPossibleNow: it is held in another queue, or booked already.
    """
    held = tx.bookings.get(booking_id)
    if held.queue != queue:
        raise NotPossibleNow("book", f"held in queue {held.queue}", f"queue {queue}")
    if held.state is BookingState.BOOKED:
        raise NotPossibleNow("book", str(held.state), str(BookingState.HELD))
    if held.state is BookingState.ENDED or (held.due_at is not None and held.due_at <= now):
        detail = f"{held.slot_at.isoformat()} in queue {queue}"
        raise SlotUnavailable(SlotProblem.HOLD_OVER, detail, slot_at=held.slot_at)
    return Seat(
        queue=queue,
        slot_at=held.slot_at,
        length=held.length,
        kind=held.seat,
        wall=wall_of(held.slot_at, zone=check_zone(zone)) if zone is not None else wall_of_booking(held),
        window_until_at=held.window_until_at,
        agent_id=held.agent_id,
    )


def book_seat(
    tx: Transaction,
    seat: Seat,
    *,
    callback: Callback,
    booking_id: BookingId,
    repeats: str | None = None,
    series_id: BookingId | None = None,
    is_taken: bool = False,
    seating: Seating,
    now: datetime,
) -> None:
    """
    Book a seat for a callback: the one that is held under this id, or one that is taken now.

    Args:
        is_taken: the seat was taken in this transaction.

    Raises:
        SlotUnavailable: the last seat is gone.
    """
    policy = seating.policy(seat.queue)
    held = find_booking(tx, booking_id)
    if held is not None:
        write(
            tx,
            bookings.confirm(
                held, callback=callback, wall=seat.wall, repeats=repeats, policy=policy, now=now
            ),
        )
        return
    if not is_taken:
        seat = seating.take(tx, seat, priority=callback.priority, now=now)
    decision = bookings.book(
        seat,
        tenant_id=callback.tenant_id,
        booking_id=booking_id,
        callback=callback,
        repeats=repeats,
        series_id=series_id or (booking_id if repeats is not None else None),
        policy=policy,
        now=now,
    )
    write(tx, decision)


def receipt_for(tx: Transaction, callback: Callback, subject: Subject) -> Receipt:
    """Return what the customer was told, with the zone of the booking, if there is one."""
    booking = find_booking(tx, callback.booking_id) if callback.booking_id is not None else None
    return receipt_of(callback, subject, zone=booking.zone if booking is not None else None)


def find_booking(tx: Transaction, booking_id: BookingId) -> Booking | None:
    """Return a booking, or None."""
    try:
        return tx.bookings.get(booking_id)
    except BookingNotFound:
        return None


def instant_kept(booking: Booking) -> datetime:
    """Return when its wall-clock time is; its slot's time, where this machine has no rules of that zone."""
    try:
        return instant_of(wall_of_booking(booking))
    except InvalidText:
        logger.warning("%s stays where it is: this machine does not know its zone", booking.booking_id)
        return booking.slot_at


def other_times(
    tx: Transaction, callback: Callback, *, seating: Seating, now: datetime
) -> tuple[datetime, ...]:
    """Return times that are free now and could be offered to a customer; none where the queue has no slots."""
    if not seating.has_slots(callback.queue):
        return ()
    return seating.alternatives(tx, callback.queue, at=now, priority=callback.priority, now=now)

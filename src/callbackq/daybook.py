"""The bookings of a day as a host is shown them: one line for each, with both times and no whole number."""

from __future__ import annotations

from datetime import datetime

from callbackq.core.legs import number_at
from callbackq.core.zones import text_of_time
from callbackq.errors import InvalidText
from callbackq.events import BookingEnded, BookingMade, BookingMoved
from callbackq.masking import mask_number
from callbackq.model import BookedCallback, Booking, BookingEnd
from callbackq.ports import Transaction


def booked_callback(tx: Transaction, booking: Booking, *, zone: str, now: datetime) -> BookedCallback:
    """
    Return one line of a day's bookings.

    Args:
        zone: the one of the agents, who read its time in it.
    """
    assert booking.callback_id is not None
    callback = tx.callbacks.get(booking.callback_id)
    subject = tx.subjects.get(callback.subject_id)
    moved_at = [
        event.at
        for event in tx.history.of_callback(callback.callback_id)
        if isinstance(event, BookingMade | BookingMoved | BookingEnded)
    ]
    return BookedCallback(
        booking_id=booking.booking_id,
        callback_id=callback.callback_id,
        queue=booking.queue,
        slot_at=booking.slot_at,
        ends_at=booking.slot_at + booking.length,
        window_until_at=booking.window_until_at,
        state=callback.state,
        outcome=callback.outcome,
        called_off=booking.ended_as is BookingEnd.CALLED_OFF,
        agent_id=booking.agent_id,
        zone=booking.zone,
        fold=booking.fold,
        customer_time=_customer_time(booking, language=subject.language or "en", zone=zone, now=now),
        agent_time=text_of_time(booking.slot_at, zone=zone, now=now),
        number_masked=mask_number(number_at(subject, callback.number_index)),
        name=subject.name,
        language=subject.language,
        ticket_id=callback.ticket_id,
        priority=callback.priority,
        attempts_count=callback.attempts_count,
        context=dict(subject.contexts.get(callback.callback_id, {})),
        repeats=booking.repeats,
        changed_at=max(moved_at, default=booking.held_at),
        moves_count=booking.moves_count,
    )


def _customer_time(booking: Booking, *, language: str, zone: str, now: datetime) -> str:
    """Return the booked time on the customer's wall; on the agents', where this machine has no rules of that zone."""
    try:
        return text_of_time(booking.slot_at, zone=booking.zone, language=language, now=now)
    except InvalidText:
        return text_of_time(booking.slot_at, zone=zone, language=language, now=now)

"""
Where a row in memory is listed besides its table: under a key, then by a moment or by its id.

The rule: a list holds what its function returns for a row as it is now, and nothing for a row of which it returns
None. A spot ends in the id of the row, so no two rows have the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from callbackq.model import (
    Attempt,
    AttemptState,
    Booking,
    BookingEnd,
    BookingState,
    Callback,
    CallbackState,
    CallState,
    LegState,
    LiveCall,
    Message,
    MessageState,
)

CALLBACKS_OF_SUBJECT: Final = "callbacks of a person"
CALLBACKS_OF_TICKET: Final = "callbacks of a ticket"
CALLBACKS_OF_QUEUE: Final = "callbacks of a queue"
CALLBACKS_IN_STATE: Final = "callbacks in a state"
CALLS_WAITING: Final = "live calls that wait"
ATTEMPTS_DIALED: Final = "attempts that dialed a number"
ATTEMPTS_OF_NODE: Final = "attempts of a node"
BOOKINGS_OF_QUEUE: Final = "bookings of a queue"
BOOKINGS_OF_AGENT: Final = "bookings of an agent"
BOOKINGS_OF_CALLBACK: Final = "bookings of a callback"
MESSAGES_OF_CALLBACK: Final = "messages about a callback"
MESSAGES_WAITING: Final = "messages about a callback that wait"
MESSAGES_OF_PROVIDER: Final = "messages by the provider's name"
MESSAGES_TO: Final = "messages to an address"
MESSAGES_UNCERTAIN: Final = "messages of which nobody knows"

_Spot = tuple[str, datetime, str]


def _of_subject(callback: Callback | None) -> _Spot | None:
    """Return where a callback stands among all those of its person."""
    if callback is None:
        return None
    return callback.subject_id, callback.requested_at, callback.callback_id


def _of_ticket(callback: Callback | None) -> _Spot | None:
    """Return where a callback stands among all those of its ticket, if it has one."""
    if callback is None or callback.ticket_id is None:
        return None
    return callback.ticket_id, callback.requested_at, callback.callback_id


def _in_state(callback: Callback | None) -> tuple[str, str, datetime, str] | None:
    """Return where a callback stands among those of its queue and state, if it has not ended."""
    if callback is None or callback.state is CallbackState.ENDED:
        return None
    return callback.queue, callback.state, callback.entered_at, callback.callback_id


def _on_hold(call: LiveCall | None) -> _Spot | None:
    """Return where a live call stands among those of its queue that wait, if it does."""
    if call is None or call.state is not CallState.WAITING:
        return None
    return call.queue, call.entered_at, call.call_id


def _requested(callback: Callback | None) -> _Spot | None:
    """Return where a callback stands among all those of its queue."""
    if callback is None:
        return None
    return callback.queue, callback.requested_at, callback.callback_id


def _dialed(attempt: Attempt | None) -> _Spot | None:
    """Return where an attempt stands among those that dialed its number, if it did."""
    if attempt is None or attempt.customer_leg is LegState.NONE:
        return None
    return attempt.number_key, attempt.started_at, attempt.attempt_id


def _of_node(attempt: Attempt | None) -> tuple[str, str] | None:
    """Return where an attempt stands among those of its node that have not ended, if it has not."""
    if attempt is None or attempt.state is AttemptState.ENDED:
        return None
    return attempt.node_id, attempt.attempt_id


def _stands(booking: Booking | None) -> bool:
    """Whether a booking has not ended, or was used."""
    return booking is not None and (
        booking.state is not BookingState.ENDED or booking.ended_as is BookingEnd.USED
    )


def _of_queue(booking: Booking | None) -> _Spot | None:
    """Return where a booking stands among those of its queue, if it does."""
    if booking is None or not _stands(booking):
        return None
    return booking.queue, booking.slot_at, booking.booking_id


def _of_agent(booking: Booking | None) -> _Spot | None:
    """Return where a booking stands in the calendar of its agent, if it does."""
    if booking is None or booking.agent_id is None or not _stands(booking):
        return None
    return booking.agent_id, booking.slot_at, booking.booking_id


def _of_callback(booking: Booking | None) -> _Spot | None:
    """Return where a booking stands among all those of its callback."""
    if booking is None or booking.callback_id is None:
        return None
    return booking.callback_id, booking.held_at, booking.booking_id


def _about(message: Message | None) -> _Spot | None:
    """Return where a message stands among all those about its callback."""
    if message is None or message.callback_id is None:
        return None
    return message.callback_id, message.created_at, message.message_id


def _waiting(message: Message | None) -> tuple[str, str] | None:
    """Return where a message stands among those about its callback that wait, if it does."""
    if message is None or message.callback_id is None or message.state is not MessageState.WAITING:
        return None
    return message.callback_id, message.message_id


def _named(message: Message | None) -> tuple[str, str, str] | None:
    """Return where a message stands among those that the provider of its channel calls so."""
    if message is None or message.channel is None or message.provider_key is None:
        return None
    return message.channel, message.provider_key, message.message_id


def _to(message: Message | None) -> _Spot | None:
    """Return where a message stands among those that were sent to its address, if it was."""
    if message is None or message.address_key is None or message.sent_at is None:
        return None
    return message.address_key, message.sent_at, message.message_id


def _uncertain(message: Message | None) -> tuple[datetime, str] | None:
    """Return where a message stands among those of which nobody knows whether they were sent, if it does."""
    if message is None or message.state is not MessageState.UNCERTAIN:
        return None
    assert message.due_at is not None
    return message.due_at, message.message_id


SPOT_IN: Final[Mapping[type[Any], tuple[tuple[str, Callable[[Any], tuple[Any, ...] | None]], ...]]] = {
    Callback: (
        (CALLBACKS_OF_SUBJECT, _of_subject),
        (CALLBACKS_OF_TICKET, _of_ticket),
        (CALLBACKS_OF_QUEUE, _requested),
        (CALLBACKS_IN_STATE, _in_state),
    ),
    LiveCall: ((CALLS_WAITING, _on_hold),),
    Attempt: ((ATTEMPTS_DIALED, _dialed), (ATTEMPTS_OF_NODE, _of_node)),
    Booking: (
        (BOOKINGS_OF_QUEUE, _of_queue),
        (BOOKINGS_OF_AGENT, _of_agent),
        (BOOKINGS_OF_CALLBACK, _of_callback),
    ),
    Message: (
        (MESSAGES_OF_CALLBACK, _about),
        (MESSAGES_WAITING, _waiting),
        (MESSAGES_OF_PROVIDER, _named),
        (MESSAGES_TO, _to),
        (MESSAGES_UNCERTAIN, _uncertain),
    ),
}
"""What is listed under a key, and where a row stands there."""

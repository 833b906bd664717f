"""What happens to bookings."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

import attrs

from callbackq.events.base import Event
from callbackq.ids import AgentId, BookingId, CallbackId, CallId, QueueName
from callbackq.model import BookingEnd, BookingState, Entity, NoticeKind, SeatKind


@attrs.frozen(kw_only=True)
class BookingEvent(Event):
    """Something happened to a booking."""

    entity: ClassVar[Entity] = Entity.BOOKING
    booking_id: BookingId
    callback_id: CallbackId | None
    state: BookingState


@attrs.frozen(kw_only=True)
class BookingSeated(BookingEvent):
    """A seat was taken: what a booking begins with."""

    queue: QueueName
    slot_at: datetime
    length: timedelta
    seat: SeatKind
    wall_at: str
    zone: str
    fold: int
    window_until_at: datetime | None
    call_id: CallId | None
    agent_id: AgentId | None
    held_at: datetime


@attrs.frozen(kw_only=True)
class BookingHeld(BookingSeated):
    """A seat was taken for somebody who decides."""


@attrs.frozen(kw_only=True)
class BookingMade(BookingSeated):
    """A seat was booked for a callback; one that had been held, or at once."""

    booked_at: datetime
    repeats: str | None
    series_id: BookingId | None


@attrs.frozen(kw_only=True)
class BookingMoved(BookingEvent):
    """It has another slot: rescheduled, or its wall-clock time was kept when the rules of its zone changed."""

    queue: QueueName
    slot_at: datetime
    length: timedelta
    seat: SeatKind
    wall_at: str
    zone: str
    fold: int
    window_until_at: datetime | None
    agent_id: AgentId | None
    moves_count: int
    reminded_at: datetime | None
    late_at: datetime | None
    reason: str | None = None
    by: str | None = None


@attrs.frozen(kw_only=True)
class BookingReminded(BookingEvent):
    """Agent and customer were reminded."""

    reminded_at: datetime
    notices: tuple[NoticeKind, ...] = ()


@attrs.frozen(kw_only=True)
class BookingLate(BookingEvent):
    """Its time has passed by more than is tolerated, and nobody was dialed."""

    late_at: datetime
    notices: tuple[NoticeKind, ...] = ()


@attrs.frozen(kw_only=True)
class BookingWatched(BookingEvent):
    """It was looked at, and will be again."""


@attrs.frozen(kw_only=True)
class BookingEnded(BookingEvent):
    """It is over: used, or its seat is free again."""

    ended_as: BookingEnd
    ended_at: datetime

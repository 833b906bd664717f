"""
Bookings: seats in slots, how many of them are taken, and what a host is shown of them.

A booking keeps the wall-clock time that was promised, its zone and its fold; `slot_at`, in UTC, is derived from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import attrs

from callbackq.ids import AgentId, BookingId, CallbackId, CallId, QueueName, TenantId
from callbackq.model.words import BookingEnd, BookingState, CallbackState, DueReason, Outcome, SeatKind


@attrs.frozen(kw_only=True)
class Booking:
    """
    One seat in one slot: held for somebody who decides, or booked for a callback.

    `wall_at` is the time on the wall in `zone`, as ISO text (`2026-03-10T15:00:00`); `fold` is 1 for the second of two
    hours that read the same. `window_until_at` is the end of the time window that the customer gave, if it was one:
    until then the callback is not late. `agent_id` is the agent whose own calendar it stands in. `moves_count` is how
    often it was rescheduled. `repeats` is the rule of a series, as RFC 5545 writes it, from its first wall-clock time
    on (`DTSTART:…` and `RRULE:…`, in two lines), and `series_id` its first booking. `reminded_at` is when agent and
    customer were reminded, `late_at` when it was said to be late. `ended_as` says whether its seat was used.
    """

    tenant_id: TenantId
    booking_id: BookingId
    version: int
    state: BookingState
    queue: QueueName
    slot_at: datetime
    length: timedelta
    seat: SeatKind
    wall_at: str
    zone: str
    fold: int = 0
    window_until_at: datetime | None = None
    callback_id: CallbackId | None = None
    call_id: CallId | None = None
    agent_id: AgentId | None = None
    held_at: datetime
    booked_at: datetime | None = None
    moves_count: int = 0
    repeats: str | None = None
    series_id: BookingId | None = None
    reminded_at: datetime | None = None
    late_at: datetime | None = None
    ended_as: BookingEnd | None = None
    ended_at: datetime | None = None
    due_at: datetime | None
    due_reason: DueReason | None


@attrs.frozen(kw_only=True)
class SlotCount:
    """How many seats of one slot are taken. A counter: bookings that have not given their seat back add up to it."""

    tenant_id: TenantId
    queue: QueueName
    slot_at: datetime
    version: int = 1
    usual_count: int = 0
    kept_count: int = 0

    @property
    def count(self) -> int:
        """All seats that are taken."""
        return self.usual_count + self.kept_count


@attrs.frozen(kw_only=True)
class SlotDay:
    """
    How many slots of one day have no usual seat left, so that full days are passed over.

    `day` is the date in the queue's zone. `rules` names the settings under which they were counted: under others
    the count says nothing.
    """

    tenant_id: TenantId
    queue: QueueName
    day: str
    version: int = 1
    full_count: int = 0
    rules: str = ""


@attrs.frozen(kw_only=True)
class Slot:
    """
    A bookable time of one queue.

    Args:
        free_count: how many seats the one who asks could still take; 0 where it is full, or no longer bookable.
        seats_count: how many seats it has, overbooking included; those kept for others are in it.
        taken_count: how many of them are held or booked.
    """

    queue: QueueName
    starts_at: datetime
    ends_at: datetime
    free_count: int
    seats_count: int
    taken_count: int


@attrs.frozen(kw_only=True)
class SlotHold:
    """A seat that is kept for somebody who decides, until `expires_at`."""

    booking_id: BookingId
    queue: QueueName
    slot_at: datetime
    ends_at: datetime
    expires_at: datetime


@attrs.frozen(kw_only=True)
class TimeWindow:
    """A stretch of time in which a call suits: "any time between 2 and 5". Aware instants; the end is not in it."""

    from_at: datetime
    until_at: datetime

    def has(self, at: datetime) -> bool:
        """Whether *at* is in it."""
        return self.from_at <= at < self.until_at


@attrs.frozen(kw_only=True)
class BookedCallback:
    """
    One line of a day's bookings: what an agent, or whoever plans, wants to see of it.

    Args:
        zone: the customer's, in which `customer_time` reads.
        customer_time, agent_time: the booked time as each of the two reads it: "3:00 PM EST".
        number_masked: the last two digits only.
        changed_at: when the booking was made or last moved; `moves_count` is how often it was.
        called_off: it was cancelled; kept for calendars that must hear of it.
    """

    booking_id: BookingId
    callback_id: CallbackId
    queue: QueueName
    slot_at: datetime
    ends_at: datetime
    window_until_at: datetime | None = None
    state: CallbackState
    outcome: Outcome | None = None
    called_off: bool = False
    agent_id: AgentId | None = None
    zone: str
    fold: int = 0
    customer_time: str
    agent_time: str
    number_masked: str
    name: str | None = attrs.field(default=None, repr=False)
    language: str | None = None
    ticket_id: str | None = None
    priority: int
    attempts_count: int = 0
    context: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)
    repeats: str | None = None
    changed_at: datetime
    moves_count: int = 0


@attrs.frozen(kw_only=True)
class Crowded:
    """
    A slot in which more is booked than it has seats by now.

    Args:
        over: the bookings that were made last, as many as are too many.
        alternatives: other slots that were free a moment ago; aware, in UTC.
    """

    slot: Slot
    over: tuple[BookedCallback, ...]
    alternatives: tuple[datetime, ...]


@attrs.frozen(kw_only=True)
class Punctuality:
    """
    How well booked times were kept.

    Args:
        booked_count: bookings looked at, also those whose time is still to come.
        begun_count: those whose turn came; `not_begun_count` those that are late by now, and have had none.
        on_time_count: begun by their time and what is tolerated; the ratio is of all that were, or should have been,
            begun, and None where that is nothing.
        mean_delay_s, delay_max_s: from the slot's time, or the end of the customer's window, to the turn; negative if
            it came before.
    """

    booked_count: int
    begun_count: int
    not_begun_count: int
    on_time_count: int
    on_time_ratio: float | None
    mean_delay_s: float | None
    delay_max_s: float | None


@attrs.frozen(kw_only=True)
class ExpectedRange:
    """
    Between when a booked callback is expected to be begun, as the queue's own past says.

    Args:
        coverage_ratio: the share of such callbacks that are begun within it, at least.
        sample_count: how many bookings of the past it rests on.
    """

    from_at: datetime
    until_at: datetime
    coverage_ratio: float
    sample_count: int

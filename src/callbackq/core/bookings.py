"""
The life of a booking: one seat in one slot.

A seat is HELD for a short while for somebody who decides, or BOOKED for a callback, at once or out of a hold. Until its
time it may be moved to another slot; agent and customer are reminded before it, and told if it is late. It is ENDED
with the hold, or with its callback. What was not used by then gives its seat back.

Rule 1: TRANSITIONS is the whole truth. A pair that is not in it cannot happen, and trying it is refused.
Rule 2: the wall-clock time, its zone and its fold are the promise; `slot_at` follows from them.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from statistics import fmean
from types import MappingProxyType
from typing import Any, Final

import attrs

from callbackq.core.decision import Decision, told
from callbackq.errors import NotPossibleNow
from callbackq.events import (
    BookingEnded,
    BookingHeld,
    BookingLate,
    BookingMade,
    BookingMoved,
    BookingReminded,
    BookingWatched,
)
from callbackq.ids import AgentId, BookingId, CallId, QueueName, TenantId
from callbackq.model import (
    Booking,
    BookingEnd,
    BookingState,
    Callback,
    CallbackState,
    DueReason,
    NoticeKind,
    Punctuality,
    SeatKind,
    WallTime,
)
from callbackq.policy import SlotPolicy
from callbackq.policy.slots import EARLY_MAX


class Command(enum.StrEnum):
    """What can be done to a booking."""

    HOLD = "hold a slot"
    BOOK = "book"
    MOVE = "move"
    REMIND = "remind"
    MARK_LATE = "mark late"
    WATCH = "watch"
    END = "end"


_S = BookingState
TRANSITIONS: Final[Mapping[tuple[BookingState | None, Command], BookingState]] = MappingProxyType(
    {
        (None, Command.HOLD): _S.HELD,
        (None, Command.BOOK): _S.BOOKED,
        (_S.HELD, Command.BOOK): _S.BOOKED,
        (_S.HELD, Command.END): _S.ENDED,
        (_S.BOOKED, Command.MOVE): _S.BOOKED,
        (_S.BOOKED, Command.REMIND): _S.BOOKED,
        (_S.BOOKED, Command.MARK_LATE): _S.BOOKED,
        (_S.BOOKED, Command.WATCH): _S.BOOKED,
        (_S.BOOKED, Command.END): _S.ENDED,
    }
)


@attrs.frozen(kw_only=True)
class Seat:
    """
    A seat that was found free, and what the one who takes it was promised.

    Args:
        wall: the time as the customer's clock shows it.
        window_until_at: the end of the customer's time window, if it was one.
        agent_id: in whose own calendar it stands.
    """

    queue: QueueName
    slot_at: datetime
    length: timedelta
    kind: SeatKind
    wall: WallTime
    window_until_at: datetime | None = None
    agent_id: AgentId | None = None

    def as_fields(self) -> dict[str, Any]:
        """Return the fields of the record."""
        return {
            "slot_at": self.slot_at,
            "length": self.length,
            "seat": self.kind,
            "wall_at": self.wall.wall_at.isoformat(),
            "zone": self.wall.zone,
            "fold": self.wall.fold,
            "window_until_at": self.window_until_at,
            "agent_id": self.agent_id,
        }


def seat_of(booking: Booking) -> Seat:
    """Return the seat that a booking has."""
    return Seat(
        queue=booking.queue,
        slot_at=booking.slot_at,
        length=booking.length,
        kind=booking.seat,
        wall=wall_of_booking(booking),
        window_until_at=booking.window_until_at,
        agent_id=booking.agent_id,
    )


def wall_of_booking(booking: Booking) -> WallTime:
    """Return the time that was promised, as the customer's clock shows it."""
    return WallTime(wall_at=datetime.fromisoformat(booking.wall_at), zone=booking.zone, fold=booking.fold)


# ---------------------------------------------------------------------------- hold and book


def hold(
    seat: Seat,
    *,
    tenant_id: TenantId,
    booking_id: BookingId,
    call_id: CallId | None,
    policy: SlotPolicy,
    now: datetime,
) -> Decision:
    """Keep the seat for somebody who decides, for `policy.hold_time`."""
    booking = Booking(
        tenant_id=tenant_id,
        booking_id=booking_id,
        version=1,
        state=TRANSITIONS[None, Command.HOLD],
        queue=seat.queue,
        call_id=call_id,
        held_at=now,
        due_at=now + policy.hold_time,
        due_reason=DueReason.SLOT_HOLD_OVER,
        **seat.as_fields(),
    )
    return Decision(records=(booking,), events=(told(BookingHeld, booking, at=now),))


def book(
    seat: Seat,
    *,
    tenant_id: TenantId,
    booking_id: BookingId,
    callback: Callback,
    repeats: str | None = None,
    series_id: BookingId | None = None,
    policy: SlotPolicy,
    now: datetime,
) -> Decision:
    """Book a seat that nobody holds for a callback."""
    booking = Booking(
        tenant_id=tenant_id,
        booking_id=booking_id,
        version=1,
        state=TRANSITIONS[None, Command.BOOK],
        queue=seat.queue,
        callback_id=callback.callback_id,
        call_id=callback.call_id,
        held_at=now,
        booked_at=now,
        repeats=repeats,
        series_id=series_id,
        due_at=now,
        due_reason=DueReason.SLOT_OVERDUE,
        **seat.as_fields(),
    )
    booking = _clocked(booking, expires_at=callback.expires_at, policy=policy)
    return Decision(records=(booking,), events=(told(BookingMade, booking, at=now),))


def confirm(
    booking: Booking,
    *,
    callback: Callback,
    wall: WallTime,
    repeats: str | None = None,
    policy: SlotPolicy,
    now: datetime,
) -> Decision:
    """
    Book the seat that is held.

    Raises:
        NotPossibleNow: it is booked already, or over.
    """
    record = _move(
        booking,
        Command.BOOK,
        callback_id=callback.callback_id,
        call_id=callback.call_id or booking.call_id,
        booked_at=now,
        wall_at=wall.wall_at.isoformat(),
        zone=wall.zone,
        fold=wall.fold,
        repeats=repeats,
        series_id=booking.booking_id if repeats is not None else None,
    )
    record = _clocked(record, expires_at=callback.expires_at, policy=policy)
    return Decision(records=(record,), events=(told(BookingMade, record, at=now),))


def move(
    booking: Booking,
    seat: Seat,
    *,
    expires_at: datetime,
    policy: SlotPolicy,
    by: str | None = None,
    reason: str | None = None,
    now: datetime,
) -> Decision:
    """
    Move a booking to another slot. It is reminded of again, and late only after its new time.

    Raises:
        NotPossibleNow: it is not booked.
    """
    moved = _move(
        booking,
        Command.MOVE,
        queue=seat.queue,
        moves_count=booking.moves_count + 1,
        reminded_at=None,
        late_at=None,
        **seat.as_fields(),
    )
    record = _clocked(moved, expires_at=expires_at, policy=policy, now=now)
    return Decision(records=(record,), events=(told(BookingMoved, record, at=now, by=by, reason=reason),))


# ---------------------------------------------------------------------------- what time does


_REMINDERS: Final[tuple[NoticeKind, ...]] = (NoticeKind.AGENT_REMINDER, NoticeKind.REMINDER)
_LATE: Final[tuple[NoticeKind, ...]] = (NoticeKind.LATE,)
WATCH_EVERY: Final = timedelta(minutes=1)
"""How often a booking is looked at whose callback should be over, and is not."""


def due(
    booking: Booking,
    *,
    callback: Callback | None,
    owner_is_there: bool | None = None,
    policy: SlotPolicy,
    now: datetime,
) -> tuple[Decision, tuple[NoticeKind, ...]]:
    """
    Do what time alone does to a booking whose `due_at` has come.

    Args:
        callback: the one that it is booked for; None if it is only held.
        owner_is_there: whether the agent who shall call is signed in; None if it may be anybody.

    Returns:
        The decision, and who is to be told. The seat is to be given back where it ended unused.
    """
    if booking.state is BookingState.HELD:
        return end(booking, BookingEnd.HOLD_OVER, now=now), ()
    assert callback is not None
    if callback.state is CallbackState.ENDED:
        return end(booking, end_of(booking, now=now, turn_at=callback.turn_at), now=now), ()
    expires_at = callback.expires_at
    if booking.due_reason is DueReason.REMINDER and now < booking.slot_at:
        record = _move(booking, Command.REMIND, reminded_at=now)
        record = _clocked(record, expires_at=expires_at, policy=policy)
        kinds = _REMINDERS if owner_is_there is not False else (*_REMINDERS, NoticeKind.BACKUP_AGENT)
        return _with_notices(record, BookingReminded, kinds, now=now), kinds
    if _is_late(booking, callback, policy=policy, now=now):
        record = _move(booking, Command.MARK_LATE, late_at=now)
        record = _clocked(record, expires_at=expires_at, policy=policy, now=now)
        return _with_notices(record, BookingLate, _LATE, now=now), _LATE
    record = _clocked(_move(booking, Command.WATCH), expires_at=expires_at, policy=policy, now=now)
    if callback.state is CallbackState.ATTEMPTING and _may_be_late(booking, callback, policy=policy, now=now):
        # The attempt may end without having counted, as when the agent declines: then it is late still.
        record = attrs.evolve(record, due_at=now + WATCH_EVERY, due_reason=DueReason.SLOT_OVERDUE)
    return Decision(records=(record,), events=(told(BookingWatched, record, at=now),)), ()


def _with_notices(
    record: Booking, kind: type[Any], kinds: tuple[NoticeKind, ...], *, now: datetime
) -> Decision:
    return Decision(records=(record,), events=(told(kind, record, at=now, notices=kinds),))


def _is_late(booking: Booking, callback: Callback, *, policy: SlotPolicy, now: datetime) -> bool:
    """Its time is over by more than is tolerated, and nobody was dialed for it, or is being dialed."""
    being_dialed = callback.state is CallbackState.ATTEMPTING
    return not being_dialed and _may_be_late(booking, callback, policy=policy, now=now)


def _may_be_late(booking: Booking, callback: Callback, *, policy: SlotPolicy, now: datetime) -> bool:
    over = now >= late_from(booking, policy=policy)
    return over and booking.late_at is None and callback.attempts_count == 0


def late_from(booking: Booking, *, policy: SlotPolicy) -> datetime:
    """Return when a callback that was not begun is late: after the slot's time, or the end of the window."""
    return (booking.window_until_at or booking.slot_at) + policy.tolerance


def end(booking: Booking, how: BookingEnd, *, now: datetime) -> Decision:
    """
    End it: its hold is over, its callback is.

    Raises:
        NotPossibleNow: it has ended.
    """
    record = _move(booking, Command.END, ended_as=how, ended_at=now, due_at=None, due_reason=None)
    return Decision(records=(record,), events=(told(BookingEnded, record, at=now),))


def end_of(booking: Booking, *, now: datetime, turn_at: datetime | None = None) -> BookingEnd:
    """
    Return how a booking ends with its callback: before its time it was called off, and its seat is free again.

    Args:
        turn_at: when its customer's turn came, if it has. One that was begun a little early was used.
    """
    begun = turn_at is not None and turn_at >= booking.slot_at - EARLY_MAX
    return BookingEnd.USED if begun or now >= booking.slot_at else BookingEnd.CALLED_OFF


def wake(booking: Booking, *, now: datetime) -> Decision:
    """Let it be looked at by the next step: its callback is over, and the series goes on."""
    record = _move(booking, Command.WATCH, due_at=now, due_reason=DueReason.CALLBACK_OVER)
    return Decision(records=(record,), events=(told(BookingWatched, record, at=now),))


def _move(booking: Booking, command: Command, **changes: Any) -> Booking:
    state = TRANSITIONS.get((booking.state, command))
    if state is None:
        allowed = sorted(str(before) for before, name in TRANSITIONS if name is command and before)
        raise NotPossibleNow(str(command), str(booking.state), ", ".join(allowed))
    return attrs.evolve(booking, version=booking.version + 1, state=state, **changes)


def _clocked(
    booking: Booking, *, expires_at: datetime, policy: SlotPolicy, now: datetime | None = None
) -> Booking:
    """Return it with its next clock: the reminder, lateness, or the end of its callback's life."""
    since = now or booking.booked_at or booking.held_at
    over_at = expires_at if now is None else max(expires_at, now + WATCH_EVERY)
    clocks = [(over_at, DueReason.CALLBACK_OVER)]
    if booking.reminded_at is None and policy.remind_before is not None:
        remind_at = booking.slot_at - policy.remind_before
        if remind_at > since:
            clocks.append((remind_at, DueReason.REMINDER))
    late_at = late_from(booking, policy=policy)
    if booking.late_at is None and (now is None or late_at > now):
        clocks.append((late_at, DueReason.SLOT_OVERDUE))
    due_at, due_reason = min(clocks, key=lambda clock: clock[0])
    return attrs.evolve(booking, due_at=due_at, due_reason=due_reason)


# ---------------------------------------------------------------------------- when it is given to the line

LOOK_EVERY: Final = timedelta(seconds=30)
"""How often it is looked at whether a booking must join the line, once its time is near."""


@attrs.frozen(kw_only=True)
class FeedFacts:
    """
    What decides when a booking joins the line.

    Args:
        agents_free: how many agents are free who can serve it.
        agents: how many are there who can.
        reconnect: how long it took lately to ring and answer.
        handle_time: how long a call takes them.
    """

    agents_free: int
    agents: int
    reconnect: timedelta
    handle_time: timedelta


def feed_at(slot_at: datetime, *, facts: FeedFacts, policy: SlotPolicy) -> datetime:
    """
    Return when a booking must join the line, at whose head it will stand, to be begun at its time.

    With a free agent: so early as the phones take to be answered. With none: earlier by the time until the next of
    the busy ones is expected to be free, handle time / agents; never earlier than `policy.feed_max`.
    """
    needed = facts.reconnect
    if facts.agents_free <= 0 and facts.agents > 0:
        needed += facts.handle_time / facts.agents
    return slot_at - min(needed, policy.feed_max)


# ---------------------------------------------------------------------------- how well times were kept


def punctuality(
    begun: Sequence[tuple[Booking, datetime | None]], *, policy: SlotPolicy, now: datetime
) -> Punctuality:
    """
    Measure how well booked times were kept.

    Args:
        begun: bookings, each with when its customer's turn first came; None where it has not, or had passed again.
    """
    delays = [
        (at - (one.window_until_at or one.slot_at)).total_seconds() for one, at in begun if at is not None
    ]
    over = [one for one, at in begun if at is None and now >= late_from(one, policy=policy)]
    tolerated = policy.tolerance.total_seconds()
    on_time = sum(delay <= tolerated for delay in delays)
    known = len(delays) + len(over)
    return Punctuality(
        booked_count=len(begun),
        begun_count=len(delays),
        not_begun_count=len(over),
        on_time_count=on_time,
        on_time_ratio=on_time / known if known else None,
        mean_delay_s=fmean(delays) if delays else None,
        delay_max_s=max(delays, default=None),
    )


def delay_range(delays: Sequence[float], *, coverage_ratio: float) -> tuple[float, float] | None:
    """
    Return the range that the next delay is in with this probability at least; None if too few are known.

    The k-th least and the k-th greatest of n: whatever their distribution, as long as it stays the same, the next
    one lies between them with probability (n + 1 - 2k) / (n + 1) (order statistics; Wilks, 1941). 19 are needed
    for 90 %.

    >>> delay_range([float(n) for n in range(19)], coverage_ratio=0.9)
    (0.0, 18.0)
    >>> delay_range([0.0] * 18, coverage_ratio=0.9) is None
    True
    """
    count = len(delays)
    k = int((count + 1) * (1 - coverage_ratio) / 2 + _SLACK)
    if k < 1:
        return None
    ordered = sorted(delays)
    return ordered[k - 1], ordered[count - k]


_SLACK: Final = 1e-9

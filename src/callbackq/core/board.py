"""
What stands on a wallboard: what the staff does, and which promises are at risk.

A callback that has not ended makes these promises:

| promise | to be kept by | kept when |
|---|---|---|
| `quoted` | `requested_at` and the high end of the wait that was quoted; not where a time was chosen | they talk |
| `chosen` | the chosen time and `PUNCTUAL_WITHIN`; not where a slot was booked | they talk |
| `booked` | the slot's time, or the end of the window, and the slot's `tolerance` | its turn comes |
| `window` | `turn_at` and `response_window`, once its turn has come | they talk |
| `expiry` | `expires_at` | they talk |

A promise is **missed** where that moment has passed, and it was not kept. It is **at risk** where it is missed, or
where the callback is expected later than that moment:

* one that waits is expected after the mean wait of its place, as the queue's estimator says, and the time that it takes
  to reach somebody;
* one that rests, is held or is scheduled is not expected before that is over; one that is to be told that nobody can
  take it is not expected at all;
* one that is being called is expected now.

Where the wait is unknown, for nobody is staffed, a callback in line is not at risk before a promise is missed: nobody
can say. What is paused, and when the queue closes, is not looked at.

A callback counts once, by the promise that was missed first, or else by the one that is to be kept first.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import attrs

from callbackq.core.bookings import late_from
from callbackq.core.quotes import PUNCTUAL_WITHIN
from callbackq.model import (
    AgentState,
    Ahead,
    Attempt,
    AttemptState,
    Booking,
    Callback,
    CallbackState,
    DueReason,
    HoldReason,
    LiveCall,
    Place,
    Wait,
)
from callbackq.model.board import BoardPlace, PromiseAtRisk, PromiseKind, StaffCounts
from callbackq.policy import QueuePolicy

SHOWN_MAX: Final = 10
"""So many of the first places, and of the promises at risk, are shown."""

_SPANS: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
"""The positions whose wait is estimated. Between two of them it is taken to grow evenly."""

# ---------------------------------------------------------------------------- the staff, and attempts


def staff(counts: Mapping[AgentState, int]) -> StaffCounts:
    """
    Return what agents do, in the words of a wallboard.

    >>> staff({AgentState.AVAILABLE: 2, AgentState.BUSY: 3}).staffed_count
    5
    """
    return StaffCounts(
        free_count=counts.get(AgentState.AVAILABLE, 0),
        reserved_count=counts.get(AgentState.RESERVED, 0),
        talking_count=counts.get(AgentState.BUSY, 0),
        wrap_up_count=counts.get(AgentState.WRAP_UP, 0),
        away_count=counts.get(AgentState.COOLING_DOWN, 0),
    )


@attrs.frozen(kw_only=True)
class AttemptCounts:
    """Attempts that have not ended."""

    in_flight: int
    connected: int
    in_doubt: int


def attempts(found: Sequence[Attempt]) -> AttemptCounts:
    """Count attempts that have not ended. One that is ending is neither in flight nor connected. O(n)."""
    states = [attempt.state for attempt in found]
    over = states.count(AttemptState.ENDING)
    connected = states.count(AttemptState.CONNECTED)
    return AttemptCounts(
        in_flight=len(states) - connected - over,
        connected=connected,
        in_doubt=sum(attempt.due_reason is DueReason.LEG_IN_DOUBT for attempt in found),
    )


# ---------------------------------------------------------------------------- the wait of each place


def aheads(places: Sequence[Place]) -> dict[int, Ahead]:
    """Return who stands ahead at some positions of a line, the first and the last of these places among them. O(n)."""
    wanted = {*(span for span in _SPANS if span <= len(places)), len(places)} - {0}
    found: dict[int, Ahead] = {}
    calls = 0
    for number, place in enumerate(places, start=1):
        if number in wanted:
            found[number] = Ahead(calls=calls, callbacks=number - 1 - calls)
        calls += isinstance(place, LiveCall)
    return found


def wait_at(position: int, waits: Mapping[int, Wait]) -> float | None:
    """
    Return the mean wait at a position, in seconds; between two that are known it grows evenly. None if unknown.

    Args:
        waits: by position, in ascending order.

    >>> known = Wait(mean_s=60.0, low_s=None, high_s=None), Wait(mean_s=120.0, low_s=None, high_s=None)
    >>> wait_at(3, {2: known[0], 4: known[1]})
    90.0
    """
    positions = list(waits)
    if not positions:
        return None
    after = min(bisect_left(positions, position), len(positions) - 1)
    before = max(after - 1, 0) if positions[after] != position else after
    low_s, high_s = waits[positions[before]].mean_s, waits[positions[after]].mean_s
    if low_s is None or high_s is None:
        return None
    span = positions[after] - positions[before]
    share = min(max((position - positions[before]) / span, 0.0), 1.0) if span else 0.0
    return low_s + share * (high_s - low_s)


# ---------------------------------------------------------------------------- promises


def promises(
    callback: Callback, *, booking: Booking | None = None, policy: QueuePolicy
) -> tuple[tuple[PromiseKind, datetime], ...]:
    """
    Return the promises of a callback that are not kept yet, and by when each is to be.

    Args:
        booking: that of its slot, which has a window perhaps; without it the slot's time counts.
    """
    if callback.state is CallbackState.ENDED:
        return ()
    found = [(PromiseKind.EXPIRY, callback.expires_at)]
    if callback.scheduled_at is None:
        if callback.quoted_wait_high_s is not None:
            most = timedelta(seconds=callback.quoted_wait_high_s)
            found.append((PromiseKind.QUOTED, callback.requested_at + most))
    elif callback.booking_id is None:
        found.append((PromiseKind.CHOSEN, callback.scheduled_at + PUNCTUAL_WITHIN))
    elif callback.turn_at is None:
        found.append((PromiseKind.BOOKED, _booked_until(callback.scheduled_at, booking, policy=policy)))
    if callback.turn_at is not None and policy.response_window is not None:
        found.append((PromiseKind.WINDOW, callback.turn_at + policy.response_window))
    return tuple(sorted(found, key=lambda promise: promise[1]))


def _booked_until(scheduled_at: datetime, booking: Booking | None, *, policy: QueuePolicy) -> datetime:
    tolerance = policy.slots.tolerance if policy.slots is not None else timedelta(0)
    if booking is None or policy.slots is None:
        return scheduled_at + tolerance
    return late_from(booking, policy=policy.slots)


def at_risk(
    callback: Callback,
    *,
    wait_s: float | None,
    booking: Booking | None = None,
    policy: QueuePolicy,
    now: datetime,
) -> PromiseAtRisk | None:
    """
    Return the promise of a callback that is at risk, the one to be kept first; None if none is.

    Args:
        wait_s: for how long it will wait still, of one that stands in line; None if that is unknown.
        booking: as in `promises`.
    """
    expected_at = _expected_at(callback, wait_s=wait_s, now=now)
    is_hopeless = callback.hold_reason is HoldReason.TO_BE_TOLD
    for kind, until_at in promises(callback, booking=booking, policy=policy):
        is_missed = until_at <= now
        if is_missed or is_hopeless or (expected_at is not None and expected_at > until_at):
            return PromiseAtRisk(
                callback_id=callback.callback_id,
                kind=kind,
                until_at=until_at,
                expected_at=None if is_hopeless else expected_at,
                is_missed=is_missed,
            )
    return None


def _expected_at(callback: Callback, *, wait_s: float | None, now: datetime) -> datetime | None:
    """Return when they are expected to talk, or the earliest moment at which they can."""
    match callback.state:
        case CallbackState.WAITING:
            return None if wait_s is None else now + timedelta(seconds=min(wait_s, _WAIT_MAX_S))
        case CallbackState.SCHEDULED:
            return max(now, callback.scheduled_at or now)
        case CallbackState.RESTING | CallbackState.HELD if callback.due_reason is not DueReason.EXPIRES:
            return max(now, callback.due_at or now)
        case _:
            return now


_WAIT_MAX_S: Final = timedelta(days=366).total_seconds()


def by_urgency(found: Sequence[PromiseAtRisk]) -> list[PromiseAtRisk]:
    """Return promises at risk in the order in which somebody should look at them. O(n log n)."""
    return sorted(found, key=lambda risk: (not risk.is_missed, risk.until_at, risk.callback_id))


def first_places(places: Sequence[Place], risks: Sequence[PromiseAtRisk]) -> tuple[BoardPlace, ...]:
    """Return the first places of a line as they are shown. O(n)."""
    kinds = {risk.callback_id: risk.kind for risk in risks}
    return tuple(
        BoardPlace(
            number=number,
            callback_id=place.callback_id if isinstance(place, Callback) else None,
            priority=place.priority,
            entered_at=place.entered_at,
            attempts_count=place.attempts_count if isinstance(place, Callback) else 0,
            at_risk=kinds.get(place.callback_id) if isinstance(place, Callback) else None,
        )
        for number, place in enumerate(places[:SHOWN_MAX], start=1)
    )

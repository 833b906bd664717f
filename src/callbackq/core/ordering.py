"""
The order of a line: one integer for each place, the same for live calls and callbacks.

`rank = ranked_at - credit(priority)`, in microseconds. A lower rank is served first; ties go by `place_id`.
Bookings are a class of their own, before all others: ranked from their slot's time, whatever their priority.
The order of two waiting places never changes with time, so every store can keep it in one index.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from callbackq.core.instants import microseconds
from callbackq.errors import InvalidPriority
from callbackq.policy import PRIORITY_MAX, STRICT_CREDIT, QueuePolicy

RANK_MAX: Final = 2**53
"""Ranks lie strictly between minus this and this: exact in a double, in JSON and in any BI tool."""


def check_priority(priority: object) -> int:
    """
    Return *priority* as it is.

    Raises:
        InvalidPriority: it is not a whole number from 0 to 255.
    """
    if isinstance(priority, bool) or not isinstance(priority, int) or not 0 <= priority <= PRIORITY_MAX:
        raise InvalidPriority(
            f"priority is {_shown(priority)}; allowed: a whole number, 0 (first) to {PRIORITY_MAX} (last)"
        )
    return int(priority)


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, int) and abs(value) < 10**9 else type(value).__name__


HEAD_START_MAX: Final = timedelta(days=7)
"""How much earlier or later than it entered a place may be ranked by a host's function."""


def check_head_start(head_start: object) -> timedelta:
    """
    Return what a host's function answered, as a timedelta of the standard library.

    Raises:
        ValueError: it is no timedelta, or not within 7 days.
    """
    if not isinstance(head_start, timedelta):
        raise ValueError(f"a head start is {type(head_start).__name__}; allowed: a timedelta")  # noqa: TRY004
    plain = timedelta(head_start.days, head_start.seconds, head_start.microseconds)
    if not -HEAD_START_MAX <= plain <= HEAD_START_MAX:
        raise ValueError(f"a head start is {plain}; allowed: -7 to 7 days")
    return plain


def credit_us(priority: int, *, policy: QueuePolicy) -> int:
    """
    Return the head start of *priority*, in microseconds: one `priority_credit` for each step above the lowest.

    >>> credit_us(255, policy=QueuePolicy(queue="support"))
    0
    """
    step_us = round(policy.priority_credit.total_seconds() * 1_000_000)
    return (PRIORITY_MAX - priority) * step_us


BOOKED_CREDIT: Final = (PRIORITY_MAX + 1) * STRICT_CREDIT
"""The head start of a booking that is in line: one strict step more than the best priority has."""


def booked_rank(ranked_at: datetime) -> int:
    """
    Return the integer by which a booking is ordered once its time has come: among bookings, by their times.

    >>> from datetime import UTC
    >>> at = datetime(2026, 1, 5, 15, tzinfo=UTC)
    >>> booked_rank(at) < rank(at - timedelta(days=30), priority=0, policy=QueuePolicy(queue="support"))
    True
    """
    found = microseconds(ranked_at) - round(BOOKED_CREDIT.total_seconds()) * 1_000_000
    assert -RANK_MAX < found < RANK_MAX
    return found


def rank(ranked_at: datetime, *, priority: int, policy: QueuePolicy) -> int:
    """
    Return the integer by which the place is ordered.

    >>> from datetime import UTC, timedelta
    >>> strict = QueuePolicy(queue="support")
    >>> early, late = datetime(2026, 1, 5, 8, tzinfo=UTC), datetime(2026, 1, 5, 9, tzinfo=UTC)
    >>> rank(late, priority=1, policy=strict) < rank(early, priority=10, policy=strict)
    True
    >>> ageing = QueuePolicy(queue="support", priority_credit=timedelta(minutes=1))
    >>> rank(late, priority=1, policy=ageing) < rank(early, priority=10, policy=ageing)
    False
    """
    found = microseconds(ranked_at) - credit_us(priority, policy=policy)
    assert -RANK_MAX < found < RANK_MAX
    return found

"""
The day that the demo plays: ten agents, twelve hours, and four short rushes that they cannot keep up with.

Between the rushes there is time to spare: that is where callbacks help most, for the promises wait for it.

Everything follows from the seed. Rates, breaks and the people's habits are in this file; change them here.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

import attrs

from callbackq.policy import QueuePolicy
from callbackq.ports import Store
from callbackq.simulation.arrivals import RateCurve, poisson_arrivals
from callbackq.simulation.center import ContactCenter
from callbackq.simulation.people import AT_ANY_HOUR, Caller, Temper, draw_callers
from callbackq.simulation.staffing import Shift, on_duty

OPENS_AT: Final = datetime(2026, 1, 5, 8, tzinfo=UTC)
OPEN_FOR: Final = timedelta(hours=12)
AGENTS: Final = 10
BREAKS_FROM: Final = OPENS_AT + timedelta(hours=3, minutes=30)
CALLS_PER_HOUR: Final = RateCurve(
    (
        *((0, 50), (0.9, 90), (1, 190), (1.6, 190), (1.7, 75)),
        *((3, 80), (3.1, 165), (3.5, 165), (3.6, 70)),
        *((6, 85), (6.1, 180), (6.6, 180), (6.7, 80)),
        *((9, 85), (9.1, 170), (9.5, 170), (9.6, 70), (12, 35)),
    )
)
TEMPER: Final = Temper(service_mean=timedelta(minutes=5), service_sd=timedelta(minutes=5))
POLICY: Final = QueuePolicy(
    queue="support",
    handle_time=timedelta(minutes=5),
    offer_wait_min=timedelta(minutes=1),
    calling=AT_ANY_HOUR,
)
OFFER_AFTER: Final = timedelta(seconds=10)
PICK_UP: Final = timedelta(seconds=4)


@attrs.frozen(kw_only=True)
class BusyDay:
    """Who calls, and who is on duty."""

    callers: tuple[Caller, ...]
    shifts: tuple[Shift, ...]

    def center(self, store: Store, *, accept_ratio: float) -> ContactCenter:
        """Return a center in which these people meet, ready to run."""
        return ContactCenter(
            store,
            policies=[POLICY],
            callers=self.callers,
            shifts=self.shifts,
            accept_ratio=accept_ratio,
            offer_after=OFFER_AFTER,
            pick_up=PICK_UP,
        )


def busy_day(seed: int) -> BusyDay:
    """
    Draw the day of a seed.

    >>> busy_day(7) == busy_day(7)
    True
    """
    arrivals = poisson_arrivals(
        CALLS_PER_HOUR, starts_at=OPENS_AT, length=OPEN_FOR, random=Random(f"{seed} arrivals")
    )
    callers = draw_callers(arrivals, temper=TEMPER, random=Random(f"{seed} people"))
    shifts = on_duty(
        AGENTS,
        starts_at=OPENS_AT,
        ends_at=OPENS_AT + OPEN_FOR,
        breaks_from=BREAKS_FROM,
        break_length=timedelta(minutes=30),
    )
    return BusyDay(callers=tuple(callers), shifts=tuple(shifts))

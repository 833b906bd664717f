"""
What goes wrong between the parts, seeded. Wrappers around a port: they change when and how often, never what.

Nothing here needs pytest.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Final

from callbackq.model import Report
from callbackq.testing.clock import ManualClock


class ShuffledReports:
    """
    Lets reports come twice, late, and so in another order. None is lost.

    Put it between the network and who takes its reports:
    `telephony.on_report = ShuffledReports(telephony.on_report, clock=clock, random=Random(7))`.

    Args:
        deliver: who takes the reports.
        clock: late ones are planned on it.
        random: where chance comes from.
        twice_ratio: the share of reports that come twice. 0 to 1.
        late_ratio: the share of deliveries that are late. 0 to 1.
        late_max: how late at most; uniform.

    >>> clock, heard = ManualClock(), []
    >>> report = ShuffledReports(heard.append, clock=clock, random=Random(7), twice_ratio=1)
    >>> report("answered")
    >>> clock.advance(timedelta(minutes=1))
    >>> heard
    ['answered', 'answered']
    """

    def __init__(
        self,
        deliver: Callable[[Report], object],
        *,
        clock: ManualClock,
        random: Random,
        twice_ratio: float = 0.2,
        late_ratio: float = 0.3,
        late_max: timedelta = timedelta(seconds=20),
    ) -> None:
        self._deliver: Final = deliver
        self._clock: Final = clock
        self._random: Final = random
        self._twice_ratio: Final = twice_ratio
        self._late_ratio: Final = late_ratio
        self._late_max: Final = late_max

    def __call__(self, report: Report) -> None:
        """Deliver *report*, once or twice, now or later."""

        def deliver() -> None:
            self._deliver(report)

        for _ in range(2 if self._random.random() < self._twice_ratio else 1):
            if self._random.random() < self._late_ratio:
                self._clock.plan(self._clock.now() + self._late_max * self._random.random(), deliver)
            else:
                deliver()

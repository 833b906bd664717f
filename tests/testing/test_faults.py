"""Faults are seeded, lose nothing, and do what their ratios say."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from random import Random

import pytest

from callbackq.ids import LegId
from callbackq.model import Report, ReportKind
from callbackq.testing.clock import ManualClock
from callbackq.testing.faults import ShuffledReports

SENT = [Report(leg_id=LegId(f"leg_{index}"), kind=ReportKind.RINGING) for index in range(200)]


def heard(seed: int, **ratios: float) -> list[Report]:
    """Send 200 reports, one a second, and wait until all have arrived."""
    clock, arrived = ManualClock(), list[Report]()
    deliver = ShuffledReports(arrived.append, clock=clock, random=Random(seed), **ratios)
    for report in SENT:
        deliver(report)
        clock.advance(timedelta(seconds=1))
    clock.advance(timedelta(seconds=20))
    return arrived


def test_nothing_is_lost_and_nothing_comes_thrice() -> None:
    """Every report comes once or twice; some come twice, and some late."""
    arrived = heard(7)
    counts = Counter(report.leg_id for report in arrived)
    assert set(counts) == {report.leg_id for report in SENT}
    assert set(counts.values()) == {1, 2}
    assert list(counts) != [report.leg_id for report in SENT]


def test_the_same_seed_does_the_same() -> None:
    """A failure can be played again."""
    assert heard(7) == heard(7) != heard(8)


@pytest.mark.parametrize(("twice", "copies"), [(0.0, 1), (1.0, 2)])
def test_ratios_are_kept(twice: float, copies: int) -> None:
    """Nothing late: all in order, as often as asked."""
    assert heard(7, twice_ratio=twice, late_ratio=0.0) == [report for report in SENT for _ in range(copies)]

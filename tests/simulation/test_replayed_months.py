"""A month of the real log, replayed: without callbacks the model must be like the life that the log shows."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest

from callbackq.simulation.anonymous_bank import BankLog, read_log
from callbackq.simulation.replaying import (
    PAUSE_MAX,
    center_of_log,
    compare_with_log,
    habits_of_log,
    pauses_of_log,
)
from callbackq.stores.memory import MemoryStore


@cache
def month(number: int) -> BankLog:
    folder = os.environ.get("CALLBACKQ_DATA")
    if not folder:
        pytest.skip("CALLBACKQ_DATA is not set: the folder with anonymous_bank_1999_01.csv.gz")
    return read_log(Path(folder) / f"anonymous_bank_1999_{number:02d}.csv.gz")


def test_agents_pause_alike_in_both_months() -> None:
    """Some 9.6 s, and hardly any pause ends in the minute after the first."""
    for number in (1, 8):
        law = pauses_of_log(month(number))
        assert law.mean_of_ended_by_s(PAUSE_MAX.total_seconds()) == pytest.approx(9.57, abs=0.01)
        ends_first = law.share_beyond(0) - law.share_beyond(60)
        ends_second = law.share_beyond(60) - law.share_beyond(120)
        assert ends_second < ends_first / 30


def test_a_month_without_callbacks_is_like_the_log() -> None:
    """
    Within 15 %: who gives up, of those who find nobody free; how long these hold; and how many there are.

    Pause and patience are January's: so August is a month of which only its own calls, and who was there to take
    them, were known.
    """
    log = month(8)
    center = center_of_log(log, MemoryStore(), accept_ratio=None, seed=7, habits=habits_of_log(month(1)))
    report = center.run()
    assert report.findings == ()
    compared = compare_with_log(log, without=report, with_callbacks=report)
    for name in ("queued", "abandoned", "abandoned_of_queued_ratio", "mean_hold_queued_s", "served"):
        off = compared[name].off_percent
        assert off is not None
        assert abs(off) < 15, (name, off)

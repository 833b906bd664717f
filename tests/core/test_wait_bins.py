"""Waits by the hour of the day: in the zone of the queue, and their parts add up to the whole."""

from __future__ import annotations

import pytest

from callbackq.core.metrics import Cells, Stretch, make_report
from callbackq.ids import CallbackId, CallId, TenantId
from callbackq.model.figures import WaitBin
from core.figure_samples import call_facts, callback_facts, completed
from core.samples import START, D, H, M, S


def report_of(*facts: object, zone: str = "UTC") -> tuple[WaitBin, ...]:
    cells = Cells(lambda _queue: zone)
    for one in facts:
        cells.add(one)  # type: ignore[arg-type]
    stretch = Stretch(tenant_id=TenantId("default"), from_at=START - D, until_at=START + D, made_at=START + D)
    return make_report(cells, stretch).waits_of_day


def test_waits_are_told_apart_by_the_hour_in_which_people_came() -> None:
    """Means over those who were served, none where nobody was; hours of other days fall together."""
    calls = [
        call_facts(
            call_id=CallId(f"call-{number}"), entered_at=START + offset, taken_at=START + offset + wait
        )
        for number, (offset, wait) in enumerate(
            ((0 * H, 30 * S), (1 * M, 90 * S), (2 * H, 0 * S), (2 * H - D, 8 * S))
        )
    ]
    waiting = call_facts(call_id=CallId("call-9"), entered_at=START + 5 * H)
    one = completed(callback_id=CallbackId("cb_1"), requested_at=START)
    bins = report_of(
        *calls, waiting, one, callback_facts(callback_id=CallbackId("cb_2"), requested_at=START + 5 * H)
    )
    assert one.ended_at is not None
    wait_s = (one.ended_at - START).total_seconds()
    hour = START.hour
    assert [
        (each.hour, each.calls_count, each.served_live_count, each.mean_wait_live_s) for each in bins
    ] == [
        (hour, 2, 2, 60.0),
        (hour + 2, 2, 2, 4.0),
        (hour + 5, 1, 0, None),
    ]
    assert [(each.called_back_count, each.mean_wait_callback_s) for each in bins] == [
        (1, pytest.approx(wait_s)),
        (0, None),
        (0, None),
    ]


def test_hours_are_those_of_the_queue() -> None:
    """On its clocks."""
    (here,), (there,) = (report_of(call_facts(), zone=zone) for zone in ("UTC", "Asia/Tokyo"))
    assert there.hour == (here.hour + 9) % 24

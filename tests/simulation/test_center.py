"""The simulated center itself: seeds, people, shifts, and what is counted."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

import attrs
import pytest

from callbackq.errors import ConfigurationError
from callbackq.policy import QueuePolicy
from callbackq.simulation import (
    Caller,
    ContactCenter,
    Happened,
    RateCurve,
    Response,
    Shift,
    Temper,
    Try,
    draw_callers,
    on_duty,
    poisson_arrivals,
)
from callbackq.simulation.busy_day import busy_day
from callbackq.simulation.people import AT_ANY_HOUR, fictional_number
from callbackq.simulation.report import compare
from callbackq.simulation.staffing import shifts_of_services
from callbackq.stores.memory import MemoryStore
from simulation.small_centers import MORNING, STORES, a_store

MINUTE = timedelta(minutes=1)
POLICY = QueuePolicy(queue="support", offer_wait_min=timedelta(0), calling=AT_ANY_HOUR)


def caller(index: int, *, after: timedelta, service: timedelta = MINUTE, **fields: object) -> Caller:
    """Somebody who waits for ever and accepts no callback, unless told otherwise."""
    return attrs.evolve(
        Caller(
            call_id=f"call-{index}",
            number=fictional_number(index),
            joins_at=MORNING + after,
            patience=None,
            service=service,
        ),
        **fields,
    )


def center_of(*callers: Caller, shifts: list[Shift] | None = None) -> ContactCenter:
    """One agent, who picks up at once, for an hour."""
    return ContactCenter(
        MemoryStore(),
        policies=[POLICY],
        callers=callers,
        shifts=shifts or on_duty(1, starts_at=MORNING, ends_at=MORNING + 60 * MINUTE),
        offer_after=timedelta(seconds=10),
        pick_up=timedelta(0),
    )


def what_happened(center: ContactCenter, call_id: str) -> list[tuple[Happened, float]]:
    """Return what happened to one person, with the seconds since morning."""
    return [
        (line.what, (line.at - MORNING).total_seconds())
        for line in center.journal.lines()
        if line.call_id == call_id and line.what is not Happened.TOLD
    ]


def log_of(seed: int, kind: str) -> list[str]:
    with a_store(kind) as store:
        center = busy_day(seed).center(store, accept_ratio=0.37)
        center.run()
        return center.log_lines()


def test_the_same_seed_gives_the_same_log_on_every_store() -> None:
    """Byte for byte; and every line is JSON without a number in it."""
    logs = [log_of(7, kind) for kind in (*STORES, "memory")]
    assert logs[0] == logs[1] == logs[2]
    assert log_of(8, "memory") != logs[0]
    assert json.loads(logs[0][0])["kind"] == "agent_signed_in"
    assert not any("+1" in line for line in logs[0])


def test_a_caller_who_accepts_keeps_the_place() -> None:
    """The second caller hangs up after ten seconds, and is called back before the third is served."""
    center = center_of(
        caller(1, after=0 * MINUTE, service=5 * MINUTE),
        caller(2, after=1 * MINUTE, acceptance=0.0),
        caller(3, after=2 * MINUTE),
    )
    report = center.run()
    assert what_happened(center, "call-2") == [
        (Happened.JOINED, 60),
        (Happened.WAITS, 60),
        (Happened.PROMISED, 70),
        (Happened.CONNECTED, 300),
    ]
    assert what_happened(center, "call-3")[2] == (Happened.CONNECTED, 360)
    assert (report.calls, report.offers, report.accepted, report.connected) == (3, 2, 1, 1)
    assert (report.served_live, report.queued, report.unserved) == (2, 2, 0)
    assert (report.mean_wait_s, report.mean_wait_callback_s, report.mean_wait_live_s) == (160, 240, 120)
    assert report.longest_wait_s == 240
    assert report.mean_hold_queued_s == 125
    assert report.occupancy_ratio == pytest.approx(7 / 60)


def test_a_caller_whose_patience_runs_out_gives_up() -> None:
    """And is served no more; one who was served before that stays."""
    center = center_of(
        caller(1, after=0 * MINUTE, service=5 * MINUTE, patience=MINUTE),
        caller(2, after=1 * MINUTE, patience=MINUTE),
    )
    report = center.run()
    assert what_happened(center, "call-2")[-1] == (Happened.HUNG_UP, 120)
    assert (report.abandoned, report.served_live) == (1, 1)


@pytest.mark.parametrize(
    ("responses", "outcome"),
    [
        ([Response.MISSES, Response.ANSWERS], "connected"),
        ([Response.IS_BUSY, Response.MISSES], "unreached"),
        ([Response.REJECTS], "unreached"),
    ],
)
def test_customers_answer_miss_are_busy_or_reject(responses: list[Response], outcome: str) -> None:
    """What a customer does at the first and second try decides how the promise ends."""
    tries = tuple(Try(response=response, ring=timedelta(seconds=5)) for response in responses)
    center = center_of(
        caller(1, after=0 * MINUTE, service=5 * MINUTE),
        caller(2, after=1 * MINUTE, acceptance=0.0, tries=tries),
    )
    report = center.run()
    assert getattr(report, outcome) == 1
    assert report.attempts == len(responses)
    assert report.findings == ()


def test_an_agent_who_declines_is_left_alone() -> None:
    """The customer is not dialed, and the place is kept for the next try."""
    center = center_of(
        caller(1, after=0 * MINUTE, service=5 * MINUTE),
        caller(2, after=1 * MINUTE, acceptance=0.0, tries=(Try(agent_declines=True), Try())),
    )
    report = center.run()
    assert what_happened(center, "call-2")[-1] == (Happened.CONNECTED, 330)
    assert report.attempts == 1


def test_the_last_agent_stays_until_the_line_is_empty() -> None:
    """Two go at the end of their shift; the third serves who is left, and then goes."""
    shifts = on_duty(3, starts_at=MORNING, ends_at=MORNING + 10 * MINUTE)
    callers = [caller(index, after=9 * MINUTE, service=5 * MINUTE) for index in range(5)]
    center = center_of(*callers, shifts=shifts)
    report = center.run()
    assert report.served_live == 5
    assert report.ended_at == MORNING + 24 * MINUTE


def test_progress_is_told() -> None:
    """From nothing to all, for as many callers as there are."""
    told: list[tuple[int, int]] = []
    callers = [caller(index, after=index * MINUTE) for index in range(120)]
    center_of(*callers).run(progress=lambda done, total: told.append((done, total)))
    assert told == [(0, 120), (50, 120), (100, 120), (120, 120)]


def test_a_center_without_people_ends_at_once() -> None:
    """Nothing happens, and the report has no means."""
    report = ContactCenter(MemoryStore(), policies=[POLICY], callers=[], shifts=[]).run()
    assert (report.calls, report.mean_wait_s, report.occupancy_ratio, report.hours) == (0, None, None, ())


def test_the_same_people_call_with_callbacks_and_without() -> None:
    """Whether offers are accepted changes nobody's patience, service or arrival."""
    day = busy_day(3)
    runs = [day.center(MemoryStore(), accept_ratio=ratio) for ratio in (0.37, 0.0)]
    reports = [run.run() for run in runs]
    assert reports[0].calls == reports[1].calls == len(day.callers)
    assert reports[1].accepted == 0 < reports[0].accepted
    same = compare(runs[0].journal.lines(), without=runs[1].journal.lines())
    assert same.people == reports[0].accepted
    assert same.hold_s == pytest.approx(10)
    assert same.reached_without < same.reached


def test_every_caller_takes_the_same_draws() -> None:
    """Another answer ratio leaves everything else about the people as it was."""
    arrivals = [MORNING + index * MINUTE for index in range(50)]
    some, all_ = (
        draw_callers(arrivals, temper=Temper(answer_ratio=ratio), random=Random(5)) for ratio in (0.1, 1)
    )
    unlike = [(left, right) for left, right in zip(some, all_, strict=True) if left != right]
    assert unlike
    assert all(attrs.evolve(left, tries=right.tries) == right for left, right in unlike)


def test_draws_have_the_means_asked_for() -> None:
    """20,000 callers: each mean within four standard errors, and the standard error below two per cent of it."""
    count = 20_000
    callers = draw_callers([MORNING] * count, temper=Temper(), random=Random(1))
    services = [caller.service.total_seconds() for caller in callers]
    patience = [caller.patience.total_seconds() for caller in callers if caller.patience]
    for values, mean, sd in ((services, 185, 238), (patience, 450, 450)):
        standard_error = sd / count**0.5
        assert standard_error < 0.02 * mean
        assert abs(sum(values) / count - mean) < 4 * standard_error


def test_arrivals_follow_the_curve() -> None:
    """The number of arrivals in each hour is within four standard deviations of the rate."""
    curve = RateCurve([(0, 0), (1, 1000), (2, 1000), (2.5, 0)])
    arrivals = poisson_arrivals(curve, starts_at=MORNING, length=timedelta(hours=4), random=Random(2))
    assert arrivals == sorted(arrivals)
    hours = [sum((at - MORNING) // timedelta(hours=1) == hour for at in arrivals) for hour in range(4)]
    for count, mean in zip(hours, (500, 1000, 250, 0), strict=True):
        assert abs(count - mean) <= 4 * mean**0.5


@pytest.mark.parametrize("points", [[], [(1, 5), (0, 5)], [(0, 5), (0, 6)], [(0, -1)]])
def test_a_curve_that_makes_no_sense_is_refused(points: list[tuple[float, float]]) -> None:
    """No points, out of order, twice the same hour, or a rate below zero."""
    with pytest.raises(ConfigurationError, match="points"):
        RateCurve(points)


def test_a_rate_of_zero_brings_nobody() -> None:
    """And does not look for arrivals for ever."""
    assert poisson_arrivals(RateCurve([(0, 0)]), starts_at=MORNING, length=MINUTE, random=Random(1)) == []


def test_a_ratio_beyond_one_is_refused() -> None:
    """Named with its field."""
    with pytest.raises(ConfigurationError, match="answer_ratio"):
        Temper(answer_ratio=1.5)


def test_breaks_come_one_after_another() -> None:
    """Each agent has two shifts; at no time are two away."""
    shifts = on_duty(3, starts_at=MORNING, ends_at=MORNING + 300 * MINUTE, breaks_from=MORNING + 60 * MINUTE)
    away = [
        (first.ends_at, second.starts_at) for first, second in zip(shifts[::2], shifts[1::2], strict=True)
    ]
    assert [(end - start) for start, end in away] == [30 * MINUTE] * 3
    assert all(left[1] <= right[0] for left, right in pairwise(away))


def test_shifts_are_inferred_from_services() -> None:
    """A gap above the limit is a break; services that overlap are one row."""

    def at(minute: float) -> datetime:
        return MORNING + minute * MINUTE

    services = [
        ("dana", at(0), at(3)),
        ("dana", at(8), at(10)),
        ("dana", at(9), at(9.5)),
        ("dana", at(15.1), at(16)),
        ("avi", at(2), at(4)),
    ]
    shifts = shifts_of_services(services, break_min=5 * MINUTE)
    assert [(shift.agent_id, shift.starts_at, shift.ends_at) for shift in shifts] == [
        ("dana", at(0), at(10)),
        ("avi", at(2), at(4)),
        ("dana", at(15.1), at(16)),
    ]

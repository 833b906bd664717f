"""Demand and the scores of quotes, asked of a service on every store, and awaited."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time, timedelta

import pytest

from callbackq import (
    CallOutcome,
    CallState,
    ConfigurationError,
    Demand,
    InvalidTime,
    MemoryStore,
    QueuePolicy,
    QuoteReport,
    Span,
    StaffingTarget,
    Store,
    UnknownQueue,
    WeekHours,
    weekdays,
)
from callbackq.aio import AsyncCallbackService
from callbackq.ids import AttemptId, CallbackId, SubjectId
from callbackq.model import AttemptState, CallbackState, Disposition, LegState, Outcome, Record
from callbackq.model.demand import DemandGap
from callbackq.service import CallbackService
from callbackq.testing import ManualClock
from callbackq.testing.builders import make_attempt, make_call, make_callback
from callbackq.testing.store_contract.base import put
from service.scenes import EVE, house, promised
from service.test_figures import WithoutFacts

NOW = datetime(2026, 6, 15, 7, tzinfo=UTC)
H, M, S = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
HOURS = WeekHours(zone="Europe/Berlin", week=weekdays(Span(time(9), time(17))))
POLICIES = [
    QueuePolicy(queue="support", hours=HOURS, handle_time=5 * M, wrap_up=30 * S),
    QueuePolicy(queue="sales"),
]
TARGET = StaffingTarget(
    answered_ratio=0.8, answered_within=20 * S, callback_ratio=0.9, callback_within=15 * M
)
EMPTY = QuoteReport(overall=None, by_estimator={}, by_hour={}, punctuality=None, punctuality_by_hour={})


def service_of(store: Store) -> CallbackService:
    return CallbackService(store, POLICIES, clock=ManualClock(NOW))


def a_call(number: int, at: datetime) -> Record:
    """Return a live call that was served after ten seconds, for four and a half minutes."""
    return make_call(
        f"call_{number}",
        state=CallState.ENDED,
        entered_at=at,
        taken_at=at + 10 * S,
        outcome=CallOutcome.SERVED,
        ended_at=at + 10 * S + 4.5 * M,
    )


def a_callback(number: int, at: datetime, *, took: timedelta = 4 * M) -> list[Record]:
    """Return a callback that was promised within 100 s and done after 90, and its one attempt."""
    done_at = at + 90 * S
    return [
        make_callback(
            f"cb_{number}",
            state=CallbackState.ENDED,
            entered_at=at,
            requested_at=at,
            outcome=Outcome.COMPLETED,
            ended_at=done_at,
            attempt_id=AttemptId(f"at_{number}"),
            quoted_wait_s=100.0,
            quoted_wait_low_s=60.0,
            quoted_wait_high_s=150.0,
            quoted_by="ql",
        ),
        make_attempt(
            f"at_{number}",
            state=AttemptState.ENDED,
            callback_id=CallbackId(f"cb_{number}"),
            subject_id=SubjectId("su_1"),
            started_at=done_at - 30 * S,
            connected_at=done_at,
            ended_at=done_at - 30 * S + took,
            customer_leg=LegState.ENDED,
            disposition=Disposition.CONNECTED,
        ),
    ]


def filled(store: Store) -> CallbackService:
    """Fill two weeks: on each weekday at 9 in Berlin two calls, and a callback; and a call before."""
    days = [NOW.replace(day=day) for day in range(1, 13) if NOW.replace(day=day).weekday() < 5]
    put(store, a_call(0, NOW - 15 * 24 * H))
    for number, day in enumerate(days, start=1):
        put(store, a_call(2 * number, day), a_call(2 * number + 1, day + M), *a_callback(number, day + 2 * M))
    put(store, make_callback("cb_other", queue="sales", requested_at=NOW - 24 * H))
    return service_of(store)


def monday_at_nine(found: Demand) -> tuple[float | None, float | None, float | None]:
    hour = next(one for one in found.hours if one.label == "Mon 09:00")
    return hour.calls, hour.callbacks, hour.expected


def test_demand_is_counted_from_what_the_store_has(store: Store) -> None:
    """L9: by hour of the week in the zone of the queue; with the agents that a target needs."""
    found = filled(store).demand("support", weeks=2, target=TARGET)
    assert (found.zone, found.weeks_count) == ("Europe/Berlin", 2)
    assert (found.calls_count, found.callbacks_count) == (20, 10)
    assert monday_at_nine(found) == (2.0, 1.0, 3.0)
    assert found.expected == 15.0
    assert found.call_time_s == 300.0
    assert found.callback_time_s == pytest.approx((8 * 300 + 10 * 270) / 18)
    assert found.agent_hours == pytest.approx(sum(hour.agents or 0 for hour in found.hours))
    assert found.agent_hours >= 5
    assert DemandGap.NO_TREND in found.gaps
    assert DemandGap.FEW_WEEKS not in found.gaps


def test_demand_is_the_same_where_a_store_gives_no_facts() -> None:
    """Then it is counted from the whole history."""
    store = MemoryStore()
    host = house(store, agents=("ann", "ben"))
    promised(host)
    host.run_for(26 * H)
    promised(host, number=EVE)
    host.run_for(26 * H)
    found = host.service.demand("support", weeks=1)
    assert (found.callbacks_count, found.weeks_count) == (2, 0)
    other = CallbackService(WithoutFacts(store), host.service.policies.values(), clock=host.clock)
    assert other.demand("support", weeks=1) == found


def test_quotes_of_a_stretch_are_scored_by_queue_and_estimator(store: Store) -> None:
    """E5: from what stands with the callbacks."""
    service = filled(store)
    found = service.quote_scores(from_at=NOW - 14 * 24 * H, until_at=NOW)
    assert found.overall is not None
    assert (found.overall.count, found.overall.bias_s, found.overall.coverage_ratio) == (10, 10.0, 1.0)
    assert found.by_estimator == {"ql": found.overall}
    assert found.by_queue == {"support": found.overall}
    assert set(found.by_hour) == {day * 24 + 9 for day in range(5)}
    of_sales = service.quote_scores(from_at=NOW - 14 * 24 * H, until_at=NOW, queues=["sales"])
    assert of_sales == EMPTY
    early = service.quote_scores(from_at=NOW - 14 * 24 * H, until_at=NOW - 13 * 24 * H)
    assert early.overall is not None
    assert early.overall.count == 1


def test_what_cannot_be_planned_is_refused() -> None:
    """In words, before anything is read."""
    service = service_of(MemoryStore())
    with pytest.raises(UnknownQueue):
        service.demand("none")
    with pytest.raises(ConfigurationError, match=r"^weeks is 0"):
        service.demand("support", weeks=0)
    with pytest.raises(ConfigurationError, match=r"^step is "):
        service.demand("support", step=20 * M)
    with pytest.raises(UnknownQueue):
        service.quote_scores(from_at=NOW - H, until_at=NOW, queues=["none"])
    for until_at in (NOW - H, NOW.replace(tzinfo=None)):
        with pytest.raises(InvalidTime):
            service.quote_scores(from_at=NOW - H, until_at=until_at)


def test_what_is_planned_can_be_awaited() -> None:
    """The same names, and the same answers."""

    async def ask() -> tuple[Demand, QuoteReport]:
        async with AsyncCallbackService(service) as awaited:
            return (
                await awaited.demand("support", weeks=2),
                await awaited.quote_scores(from_at=NOW - H, until_at=NOW),
            )

    service = filled(MemoryStore())
    found, scores = asyncio.run(ask())
    assert found == service.demand("support", weeks=2)
    assert scores == EMPTY

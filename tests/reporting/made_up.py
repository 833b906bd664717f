"""Reports that are made up: of a week like the one that S2 shows, and of nothing at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from callbackq.core.metrics.definitions import DEFINITIONS
from callbackq.ids import DEFAULT_TENANT, QueueName
from callbackq.model.figures import (
    AttemptBin,
    Figure,
    FigureSet,
    FiguresReport,
    Grain,
    HourBin,
    QuoteBin,
    WaitBin,
)

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
MISSING = {
    "resolution_rate": "report what was resolved",
    "agent_money_saved": "give cost_of_agent_hour in HostFigures",
    "net_saved": "not in it: agent_money_saved; see there",
}


def figure(
    name: str, value: float | None, numerator: float | None = None, denominator: float | None = None
) -> Figure:
    """Make a figure of the core's definition; whether it meets its target follows."""
    one = DEFINITIONS[name]
    target, is_met = one.target, None
    judged = value
    if target is not None and target.of is not None and numerator is not None and denominator:
        judged = numerator / denominator
    if target is not None and judged is not None:
        is_met = (
            judged > target.more_than if target.more_than is not None else judged < (target.less_than or 0)
        )
    return Figure(
        name=name,
        title=one.title,
        group=one.group,
        unit=one.unit,
        value=value,
        numerator=numerator,
        denominator=denominator,
        target=target,
        is_met=is_met,
        missing=MISSING.get(name),
    )


def s2_figures(
    *, calls: int, offers: int, accepted: int, scheduled: int, executed: int
) -> tuple[Figure, ...]:
    """Make all figures of S2's dashboard, and some that it does not have, with the names and titles of the core."""
    values: dict[str, tuple[float | None, float | None, float | None]] = {
        "inbound_calls": (calls, None, None),
        "offers": (offers, offers, calls),
        "accepted": (accepted, accepted, offers),
        "callbacks": (accepted + 12, None, None),
        "scheduled": (scheduled, None, None),
        "immediate_executed": (executed, None, None),
        "executed": (executed + 10, None, None),
        "answered": (executed - 40, None, None),
        "completed": (executed - 50, None, None),
        "cancelled": (21, None, None),
        "expired": (0, None, None),
        "unreached": (49, None, None),
        "callbacks_open": (4, None, None),
        "adoption_rate": (0.384, 384, 1000),
        "acceptance_rate": (accepted / offers, accepted, offers),
        "answer_rate": (0.87, 87, 100),
        "resolution_rate": (None, 0, 0),
        "first_call_resolution": (0.82, 82, 100),
        "request_to_call": (655.0, 6550, 10),
        "callback_wait": (724.0, 7240, 10),
        "csat": (4.6, 46, 10),
        "abandon_rate": (0.042, 42, 1000),
        "hold_to_callback_rate": (accepted / offers, accepted, offers),
        "service_level": (0.613, 613, 1000),
        "speed_of_answer": (93.4, 934, 10),
        "punctuality": (0.93, 93, 100),
        "quote_bias": (-83.0, -830, 10),
        "abandon_cost": (420.0, None, None),
        "abandons_avoided": (200.0, None, None),
        "abandon_money_saved": (2_000.0, None, None),
        "agent_money_saved": (None, None, None),
        "net_saved": (1_812.5, None, None),
    }
    return tuple(figure(name, *told) for name, told in values.items())


def s2_week(**changes: Any) -> FiguresReport:
    """Make the week that S2 shows, with bins that look like it."""
    day = FigureSet(
        label="2026-01-09",
        from_at=MONDAY + timedelta(days=4),
        until_at=MONDAY + timedelta(days=5),
        figures=s2_figures(calls=340, offers=120, accepted=85, scheduled=25, executed=78),
    )
    week = s2_figures(calls=1_850, offers=680, accepted=470, scheduled=130, executed=430)
    told: dict[str, Any] = {
        "tenant_id": DEFAULT_TENANT,
        "zone": "UTC",
        "from_at": MONDAY,
        "until_at": MONDAY + timedelta(days=5),
        "made_at": MONDAY + timedelta(days=5, hours=1),
        "grain": Grain.DAY,
        "calls_count": 1_850,
        "callbacks_count": 470,
        "not_ended_count": 4,
        "whole": FigureSet(label="whole", figures=week),
        "periods": (day,),
        "queues": (FigureSet(label="support", queue=QueueName("support"), figures=week),),
        "channels": (),
        "quotes": tuple(
            QuoteBin(
                quoted_from_s=60.0 * low,
                quoted_until_s=60.0 * high,
                count=number,
                within_range_count=round(number * 0.8),
                mean_quoted_s=30.0 * (low + high),
                mean_wait_s=30.0 * (low + high) * 1.07 + 20,
            )
            for low, high, number in (
                (1, 2, 40),
                (2, 3, 60),
                (3, 5, 120),
                (5, 7, 90),
                (7, 10, 60),
                (10, 15, 30),
            )
        ),
        "attempts": (
            AttemptBin(number=1, count=430, answered_count=340, connected_count=331),
            AttemptBin(number=2, count=82, answered_count=38, connected_count=36),
            AttemptBin(number=3, count=9, answered_count=2, connected_count=2),
        ),
        "hours_of_day": tuple(
            HourBin(
                hour=hour,
                first_count=20 + 17 * (hour % 5),
                first_answered_count=15 + 14 * (hour % 5),
                retries_count=3 * (hour % 4),
                retries_answered_count=hour % 4,
            )
            for hour in range(8, 20)
        ),
        "waits_of_day": tuple(
            WaitBin(
                hour=hour,
                calls_count=150,
                served_live_count=100,
                mean_wait_live_s=None if hour == 12 else 40.0 + 20 * (hour % 5),
                called_back_count=40,
                mean_wait_callback_s=240.0 + 90 * (hour % 6),
            )
            for hour in range(8, 20)
        ),
    }
    return FiguresReport(**(told | changes))


def empty() -> FiguresReport:
    """Make a report of a stretch in which nothing was."""
    return s2_week(
        calls_count=0,
        callbacks_count=0,
        not_ended_count=0,
        whole=FigureSet(label="whole", figures=()),
        periods=(),
        queues=(),
        quotes=(),
        attempts=(),
        hours_of_day=(),
        waits_of_day=(),
    )

"""The strongest test of the order of the line: service starts equal the FIFO recursion, to the microsecond."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callbackq.policy import QueuePolicy
from callbackq.simulation import Caller, ContactCenter, Happened, on_duty
from callbackq.simulation.people import AT_ANY_HOUR, fictional_number
from simulation.small_centers import MORNING, STORES, a_store

POLICY = QueuePolicy(queue="support", offer_wait_min=timedelta(0), calling=AT_ANY_HOUR)
SECOND = 1_000_000


@attrs.frozen
class Plan:
    """Arrivals and services in microseconds, who accepts, how many agents, and when an offer is made."""

    gaps: list[int]
    services: list[int]
    accepts: list[bool]
    agents: int
    offer_after: int

    @property
    def arrivals(self) -> list[int]:
        return [sum(self.gaps[: index + 1]) for index in range(len(self.gaps))]


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Few agents and short gaps, so that most callers wait; round figures, so that much happens at one instant."""
    size = draw(st.integers(1, 25))
    times = st.one_of(st.integers(0, 300 * SECOND), st.sampled_from([0, SECOND, 60 * SECOND, 120 * SECOND]))
    return Plan(
        gaps=draw(st.lists(times, min_size=size, max_size=size)),
        services=draw(st.lists(times.map(lambda time: 2 * time), min_size=size, max_size=size)),
        accepts=draw(st.lists(st.booleans(), min_size=size, max_size=size)),
        agents=draw(st.integers(1, 4)),
        offer_after=draw(st.sampled_from([0, 1, 30 * SECOND, 61 * SECOND])),
    )


def fifo_starts(plan: Plan) -> list[int]:
    """Kiefer and Wolfowitz: each caller takes the agent who is free first."""
    free_at = [0] * plan.agents
    starts: list[int] = []
    for arrival, service in zip(plan.arrivals, plan.services, strict=True):
        first = min(range(plan.agents), key=free_at.__getitem__)
        starts.append(arrival + max(0, free_at[first] - arrival))
        free_at[first] = max(free_at[first], arrival) + service
    return starts


def engine_starts(plan: Plan, kind: str) -> tuple[list[int], int]:
    """Run the same people through the real engine; nobody's phone takes time to ring or to be picked up."""
    callers = [
        Caller(
            call_id=f"call-{index:03d}",
            number=fictional_number(index),
            joins_at=MORNING + timedelta(microseconds=arrival),
            patience=None,
            service=timedelta(microseconds=service),
            acceptance=0.0 if accepts else 1.0,
        )
        for index, (arrival, service, accepts) in enumerate(
            zip(plan.arrivals, plan.services, plan.accepts, strict=True)
        )
    ]
    with a_store(kind) as store:
        center = ContactCenter(
            store,
            policies=[POLICY],
            callers=callers,
            shifts=on_duty(plan.agents, starts_at=MORNING, ends_at=MORNING + timedelta(hours=12)),
            accept_ratio=0.5,
            offer_after=timedelta(microseconds=plan.offer_after),
            asked=True,
            pick_up=timedelta(0),
        )
        report = center.run()
        connected = {
            line.call_id: line.at for line in center.journal.lines() if line.what is Happened.CONNECTED
        }
        assert report.findings == ()
    starts = [(connected[caller.call_id] - MORNING) // timedelta(microseconds=1) for caller in callers]
    return starts, report.connected


@pytest.mark.parametrize("kind", STORES)
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(plan=plans())
def test_service_starts_equal_the_fifo_recursion(kind: str, plan: Plan) -> None:
    """With zero ring time, everybody answering and nobody leaving, a callback is exactly as good as holding."""
    starts, _ = engine_starts(plan, kind)
    assert starts == fifo_starts(plan)


def test_the_recursion_is_not_compared_with_live_calls_only() -> None:
    """The property above would be empty if nobody were ever called back."""
    plan = Plan(gaps=[0] * 6, services=[100 * SECOND] * 6, accepts=[True] * 6, agents=2, offer_after=0)
    starts, called_back = engine_starts(plan, "memory")
    assert starts == [time * SECOND for time in (0, 0, 100, 100, 200, 200)]
    assert called_back == 4

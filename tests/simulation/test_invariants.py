"""Random centers, honest and faulty: the checkers find nothing, and the history tells all."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callbackq.model import Disposition
from callbackq.policy import QueuePolicy, RetryRule
from callbackq.simulation import (
    Caller,
    ContactCenter,
    RateCurve,
    Shift,
    Temper,
    draw_callers,
    poisson_arrivals,
)
from callbackq.simulation.people import AT_ANY_HOUR, fictional_number
from callbackq.testing.faults import ShuffledReports
from simulation.small_centers import MORNING, STORES, a_store, assert_history_tells_all

SKILLS = ((), ("hebrew",), ("russian",), ("hebrew", "russian"))
AN_HOUR = timedelta(hours=1)


@attrs.frozen(kw_only=True)
class World:
    """What a random center is made from; all the rest follows from the seed."""

    seed: int
    calls_per_hour: int
    agents: int
    accept_ratio: float
    temper: Temper
    attempts_max: int
    credit: timedelta
    persons: int
    asked: bool
    wrap_up: timedelta
    late_max: timedelta | None


@st.composite
def worlds(draw: st.DrawFn, *, faulty: bool) -> World:
    """Small, busy and unlucky: every branch is taken often."""
    return World(
        seed=draw(st.integers(0, 2**32)),
        calls_per_hour=draw(st.integers(10, 60)),
        agents=draw(st.integers(1, 4)),
        accept_ratio=draw(st.sampled_from([0.0, 0.37, 1.0])),
        temper=Temper(
            answer_ratio=draw(st.sampled_from([0.0, 0.5, 0.93, 1.0])),
            decline_ratio=draw(st.sampled_from([0.0, 0.5])),
            patience_mean=draw(st.sampled_from([timedelta(seconds=100), timedelta(seconds=450), None])),
            ring_min=draw(st.sampled_from([timedelta(0), timedelta(seconds=6)])),
        ),
        attempts_max=draw(st.integers(1, 3)),
        credit=draw(st.sampled_from([timedelta(0), timedelta(seconds=90), timedelta(days=366)])),
        persons=draw(st.sampled_from([3, 10, 1000])),
        asked=draw(st.booleans()),
        wrap_up=draw(st.sampled_from([timedelta(0), timedelta(seconds=20)])),
        late_max=timedelta(seconds=draw(st.sampled_from([1, 5, 30, 120]))) if faulty else None,
    )


def policies_of(world: World) -> list[QueuePolicy]:
    rules = {
        Disposition.NO_ANSWER: RetryRule(retries_max=2, rest=timedelta(seconds=40)),
        Disposition.BUSY: RetryRule(retries_max=1, rest=timedelta(0)),
        Disposition.AGENT_UNAVAILABLE: RetryRule(retries_max=1),
        Disposition.UNKNOWN: RetryRule(retries_max=1, rest=timedelta(minutes=5)),
    }
    return [
        QueuePolicy(
            queue=queue,
            attempts_max=world.attempts_max,
            retry_rules=rules,
            priority_credit=world.credit,
            offer_wait_min=timedelta(seconds=60),
            wrap_up=world.wrap_up,
            calling=AT_ANY_HOUR,
        )
        for queue in ("support", "sales")
    ]


def callers_of(world: World, random: Random) -> list[Caller]:
    curve = RateCurve([(0.0, world.calls_per_hour)])
    arrivals = poisson_arrivals(curve, starts_at=MORNING, length=AN_HOUR, random=random)
    callers = draw_callers(arrivals, temper=world.temper, random=random)
    return [
        attrs.evolve(
            caller,
            number=fictional_number(random.randrange(world.persons)),
            queue=random.choice(("support", "support", "sales")),
            priority=random.choice((None, None, 50, 200)),
            skills=random.choice(SKILLS[:2]) if random.random() < 0.5 else (),
        )
        for caller in callers
    ]


def shifts_of(world: World, random: Random) -> list[Shift]:
    """Agents come, go in the middle of everything, and come back; the first one can do all and stays."""
    queues, day_ends = ("support", "sales"), MORNING + 3 * AN_HOUR
    shifts = [
        Shift(agent_id="agent-00", starts_at=MORNING, ends_at=day_ends, queues=queues, skills=SKILLS[3])
    ]
    for index in range(1, world.agents):
        away_at = MORNING + AN_HOUR * random.random()
        back_at = away_at + AN_HOUR * random.random()
        who = Shift(
            agent_id=f"agent-{index:02d}",
            starts_at=MORNING,
            ends_at=away_at,
            queues=queues[: random.randint(1, 2)],
            skills=random.choice(SKILLS),
        )
        shifts += [who, attrs.evolve(who, starts_at=back_at, ends_at=day_ends)]
    return shifts


def run_and_check(world: World, kind: str) -> ContactCenter:
    random = Random(world.seed)
    with a_store(kind) as store:
        center = ContactCenter(
            store,
            policies=policies_of(world),
            callers=callers_of(world, random),
            shifts=shifts_of(world, random),
            accept_ratio=world.accept_ratio,
            asked=world.asked,
        )
        if world.late_max is not None:
            center.deliver = ShuffledReports(
                center.deliver, clock=center.host.clock, random=random, late_max=world.late_max
            )
        report = center.run()
        assert [str(finding) for finding in report.findings] == []
        assert report.open == 0
        assert report.unserved == 0
        assert report.accepted == sum(
            callback.outcome is not None and callback.ended_at is not None for callback in center.callbacks()
        )
        assert_history_tells_all(center, store)
        return center


@pytest.mark.parametrize("kind", STORES)
@settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(world=worlds(faulty=False))
def test_no_invariant_is_broken(kind: str, world: World) -> None:
    """Whatever people and agents do, the checkers find nothing and every promise ends."""
    run_and_check(world, kind)


@pytest.mark.parametrize("kind", STORES)
@settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(world=worlds(faulty=True))
def test_no_invariant_is_broken_by_reports_that_go_astray(kind: str, world: World) -> None:
    """Reports that come twice, late and in another order change what is known, and break no rule."""
    run_and_check(world, kind)

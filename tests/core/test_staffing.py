"""Agents and waits against exact figures, and against a birth and death chain summed state by state."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callbackq.core.metrics.staffing import AGENTS_MAX, Load, agents_for, is_kept, staffing
from callbackq.errors import ConfigurationError
from callbackq.model.demand import Staffing, StaffingTarget

S = timedelta(seconds=1)
SOME = settings(derandomize=True, deadline=None, max_examples=25)
WITHIN_20 = StaffingTarget(
    answered_ratio=0.8, answered_within=20 * S, callback_ratio=0.5, callback_within=20 * S
)


def near(value: float | None, expected: float, rel: float = 2e-8) -> bool:
    return value is not None and math.isclose(value, expected, rel_tol=rel, abs_tol=5e-9)


# ---------------------------------------------------------------------------- exact figures


@pytest.mark.parametrize(
    ("per_hour", "handle_time_s", "agents", "wait_ratio", "mean_wait_s", "within_20"),
    [
        (48 * 60, 60, 50, 0.69445561, 20.83366834, 0.64345460),
        (200, 180, 14, 0.1741319335950498, 7.835937011777, 0.8883500191794669),
        (1_000, 120, 40, 0.19073729, 3.43327, 0.93721062),
        (720, 10, 3, 0.44444444, 4.44444444, None),
    ],
)
def test_erlang_c(
    per_hour: float, handle_time_s: float, agents: int, wait_ratio: float, mean_wait_s: float, within_20: Any
) -> None:
    """Nobody hangs up; published by two calculators, and by hand for three servers."""
    found = staffing(Load(per_hour=per_hour, handle_time_s=handle_time_s), agents, target=WITHIN_20)
    assert near(found.wait_ratio, wait_ratio)
    assert near(found.mean_wait_s, mean_wait_s, rel=1e-6)
    assert found.callback_wait_s == found.mean_wait_s
    assert found.abandoned_ratio == 0
    assert near(found.occupancy_ratio, per_hour * handle_time_s / 3_600 / agents)
    if within_20 is not None:
        assert near(found.answered_ratio, within_20)
        assert near(found.callback_ratio, within_20)


def test_erlang_a() -> None:
    """Some hang up: the same center with a mean patience of two minutes, and two of a hundred agents."""
    load = Load(per_hour=48 * 60, handle_time_s=60, patience_s=120)
    found = staffing(load, 50, target=WITHIN_20)
    assert near(found.wait_ratio, 0.46777407)
    assert near(found.abandoned_ratio, 0.03091225, rel=1e-7)
    assert near(found.mean_wait_s, 3.70947, rel=1e-6)
    assert near(found.occupancy_ratio, 0.93032424)
    assert near(found.answered_ratio, 0.94301895)
    equal = staffing(Load(per_hour=100, handle_time_s=3_600, patience_s=3_600), 100)
    assert near(equal.wait_ratio, 0.51329880)
    assert near(equal.abandoned_ratio, 0.03986100, rel=2e-7)
    over = staffing(Load(per_hour=140, handle_time_s=3_600, patience_s=3_600), 100)
    assert near(over.abandoned_ratio, 0.28571787)


@pytest.mark.parametrize(
    ("ratio", "wait_ratio", "on_line", "offered_min", "occupancy", "longer_half_min"),
    [
        (0.0, 0.467774, 0.030912, 0.065421, 0.930324, 0.004052),
        (0.25, 0.493671, 0.036508, 0.077842, 0.933714, 0.009604),
        (0.37, 0.508771, 0.040193, 0.086120, 0.935691, 0.014761),
        (0.5, 0.527986, 0.045402, 0.097957, 0.938207, 0.023905),
        (0.75, 0.579191, 0.062874, 0.138873, 0.944910, 0.065505),
        (1.0, 0.694456, None, 0.347228, 0.960000, 0.255476),
    ],
)
def test_callbacks_keep_their_place_and_never_hang_up(
    ratio: float,
    wait_ratio: float,
    on_line: float | None,
    offered_min: float,
    occupancy: float,
    longer_half_min: float,
) -> None:
    """F4: the more wait as a callback, the fewer are lost in all, and the longer the line is for those on it."""
    load = Load(per_hour=48 * 60, handle_time_s=60, patience_s=120, callback_ratio=ratio)
    found = staffing(load, 50, target=StaffingTarget(callback_ratio=0.9, callback_within=30 * S))
    assert found.wait_ratio == pytest.approx(wait_ratio, abs=6e-7)
    assert found.callback_wait_s == pytest.approx(offered_min * 60, abs=4e-5)
    assert found.occupancy_ratio == pytest.approx(occupancy, abs=6e-7)
    assert found.callback_ratio == pytest.approx(1 - longer_half_min, abs=6e-7)
    if on_line is not None:
        assert found.abandoned_ratio == pytest.approx(on_line, abs=6e-7)
        assert found.mean_wait_s == pytest.approx(on_line * 120, abs=8e-5)


def test_without_hanging_up_nobody_cares_who_waits_as_a_callback() -> None:
    """F1: places are kept, so the waits are those of one line."""
    alone = staffing(Load(per_hour=48 * 60, handle_time_s=60), 50)
    assert staffing(Load(per_hour=48 * 60, handle_time_s=60, callback_ratio=0.4), 50) == alone


# ---------------------------------------------------------------------------- against a chain


def chain(load: Load, agents: int) -> tuple[float, float]:
    """Return P(wait) and P(hangs up) of Erlang A from its birth and death chain."""
    rate, service = load.per_hour / 3_600, 1 / load.handle_time_s
    theta = 1 / load.patience_s if load.patience_s else 0.0
    weights, state = [0.0], 0
    while state < agents or weights[-1] > max(weights) - 60:
        state += 1
        leave = min(state, agents) * service + max(state - agents, 0) * theta
        weights.append(weights[-1] + math.log(rate / leave))
    highest = max(weights)
    chances = [math.exp(weight - highest) for weight in weights]
    total = math.fsum(chances)
    waiting = math.fsum(chances[agents:]) / total
    queue = math.fsum(count * chance for count, chance in enumerate(chances[agents:])) / total
    return waiting, theta * queue / rate


@SOME
@given(
    agents=st.integers(1, 150),
    used=st.floats(0.05, 3.0),
    patience=st.floats(0.05, 20.0),
    handle_time_s=st.floats(10.0, 2_000.0),
)
def test_a_chain_says_the_same(agents: int, used: float, patience: float, handle_time_s: float) -> None:
    """Two methods, one answer, also far below and far above what the agents can do; and parts add up."""
    load = Load(
        per_hour=used * agents / handle_time_s * 3_600,
        handle_time_s=handle_time_s,
        patience_s=patience * handle_time_s,
    )
    found = staffing(load, agents, target=WITHIN_20)
    waiting, abandoned = chain(load, agents)
    assert near(found.wait_ratio, waiting, rel=1e-7)
    assert near(found.abandoned_ratio, abandoned, rel=1e-7)
    assert found.answered_ratio is not None
    assert found.abandoned_ratio is not None
    assert 0 <= found.answered_ratio <= 1 - found.abandoned_ratio + 1e-9


@pytest.mark.parametrize("callback_ratio", [0.0, 0.3])
def test_a_very_large_load_overflows_nothing(callback_ratio: float) -> None:
    """Fifty thousand agents, with a fifth more to do than they can: a fifth of those who can hang up."""
    load = Load(per_hour=600_000, handle_time_s=300, patience_s=200, callback_ratio=callback_ratio)
    found = staffing(load, 40_000, target=WITHIN_20)
    assert found.wait_ratio == pytest.approx(1.0)
    assert found.abandoned_ratio == pytest.approx(0.2 / (1 - callback_ratio), rel=1e-6)
    assert found.answered_ratio == pytest.approx(0.0, abs=1e-9)
    quiet = staffing(load, AGENTS_MAX, target=WITHIN_20)
    assert (quiet.wait_ratio, quiet.answered_ratio, quiet.callback_ratio) == (0.0, 1.0, 1.0)


# ---------------------------------------------------------------------------- when nobody comes, or too many


def test_where_nobody_comes_nobody_is_needed() -> None:
    """And nobody waits."""
    load = Load(per_hour=0, handle_time_s=300, patience_s=60)
    found = agents_for(load, WITHIN_20)
    assert found == Staffing(
        agents=0,
        load=0,
        is_stable=True,
        wait_ratio=0,
        mean_wait_s=0,
        answered_ratio=1,
        abandoned_ratio=0,
        callback_wait_s=0,
        callback_ratio=1,
        occupancy_ratio=0,
    )


@pytest.mark.parametrize(
    ("load", "agents"),
    [
        (Load(per_hour=10, handle_time_s=3_600), 10),
        (Load(per_hour=10, handle_time_s=3_600, patience_s=7_200, callback_ratio=1.0), 10),
        (Load(per_hour=30, handle_time_s=3_600, patience_s=7_200, callback_ratio=0.5), 15),
        (Load(per_hour=1, handle_time_s=60, patience_s=60), 0),
    ],
)
def test_a_line_that_does_not_end_has_no_figures(load: Load, agents: int) -> None:
    """F3: who never hangs up must be served."""
    found = staffing(load, agents, target=WITHIN_20)
    assert found == Staffing(agents=agents, load=load.per_hour * load.handle_time_s / 3_600, is_stable=False)
    assert not is_kept(WITHIN_20, found)


# ---------------------------------------------------------------------------- how many


TARGETS = {
    "answered": StaffingTarget(answered_ratio=0.8, answered_within=20 * S),
    "mean wait": StaffingTarget(mean_wait_max=10 * S),
    "callbacks": StaffingTarget(callback_ratio=0.9, callback_within=60 * S),
    "abandoned": StaffingTarget(abandoned_max_ratio=0.03),
    "occupancy": StaffingTarget(occupancy_max_ratio=0.75),
    "all": StaffingTarget(
        answered_ratio=0.9,
        answered_within=10 * S,
        mean_wait_max=20 * S,
        callback_ratio=0.95,
        callback_within=30 * S,
        abandoned_max_ratio=0.05,
        occupancy_max_ratio=0.9,
    ),
}


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("per_hour", [0.5, 60.0, 700.0])
def test_one_agent_fewer_does_not_keep_the_target(target: StaffingTarget, per_hour: float) -> None:
    """The answer is the least, whatever is asked for."""
    load = Load(per_hour=per_hour, handle_time_s=240, patience_s=180, callback_ratio=0.2)
    found = agents_for(load, target)
    assert found is not None
    assert is_kept(target, found)
    assert found == staffing(load, found.agents, target=target)
    assert found.agents == 0 or not is_kept(target, staffing(load, found.agents - 1, target=target))


def test_so_many_agents_there_are_not() -> None:
    """Where the bound is too low, there is no answer."""
    load = Load(per_hour=200, handle_time_s=180)
    assert agents_for(load, TARGETS["answered"], agents_max=13) is None
    found = agents_for(load, TARGETS["answered"], agents_max=14)
    assert found is not None
    assert found.agents == 14


@pytest.mark.parametrize(
    "fields",
    [
        {"per_hour": -1.0},
        {"per_hour": math.nan},
        {"per_hour": True},
        {"handle_time_s": 0},
        {"patience_s": 0},
        {"patience_s": "60"},
        {"callback_ratio": 1.1},
    ],
)
def test_a_load_is_checked(fields: dict[str, Any]) -> None:
    """In words."""
    with pytest.raises(ConfigurationError, match=rf"^Load\.{next(iter(fields))} is .*; allowed: a number, "):
        Load(**{"per_hour": 10.0, "handle_time_s": 60.0, **fields})


@pytest.mark.parametrize("agents", [-1, AGENTS_MAX + 1, True, 1.5])
def test_a_number_of_agents_is_checked(agents: Any) -> None:
    """In words."""
    load = Load(per_hour=10, handle_time_s=60)
    with pytest.raises(ConfigurationError, match=r"^agents is .*; allowed: a whole number"):
        staffing(load, agents)
    with pytest.raises(ConfigurationError, match=r"^agents_max is .*; allowed: a whole number"):
        agents_for(load, TARGETS["answered"], agents_max=agents)

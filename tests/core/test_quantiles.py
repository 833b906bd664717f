"""The laws of waiting: held against published figures, exact arithmetic, and the chain itself, run through time."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from fractions import Fraction
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.quantiles import (
    Moments,
    erlang_quantile,
    gamma_quantile,
    passage_moments,
    passed_moments,
)
from core.samples import LAW

TAILS = (0.05, 0.95)
RATIOS = (0.001, 0.05, 0.5, 0.9, 0.95, 0.999)


# ---------------------------------------------------------------------------- Erlang


def erlang_cdf(stages: int, x: float) -> float:
    """P(Erlang(stages, 1) <= x), each term of the Poisson sum by its logarithm: nothing overflows or drifts."""
    terms = (math.exp(i * math.log(x) - x - math.lgamma(i + 1)) for i in range(stages))
    return 1 - math.fsum(terms)


def erlang_cdf_exact(stages: int, x: float) -> float:
    """Return the same by fractions: the sum is exact, and only exp(-x) is rounded, to 60 digits."""
    at = Fraction(x)
    term = total = Fraction(1)
    for i in range(1, stages):
        term = term * at / i
        total += term
    with localcontext() as context:
        context.prec = 60
        return float(1 - Decimal(total.numerator) / Decimal(total.denominator) * (-Decimal(x)).exp())


@pytest.mark.parametrize(
    ("stages", "ratio", "expected"),
    [
        (5, 0.05, 1.970150),
        (5, 0.50, 4.670909),
        (5, 0.90, 7.993590),
        (5, 0.95, 9.153519),
        (10, 0.05, 5.425406),
        (10, 0.50, 9.668715),
        (10, 0.90, 14.205990),
        (10, 0.95, 15.705216),
        (20, 0.05, 13.254652),
        (20, 0.50, 19.667672),
        (20, 0.90, 25.902529),
        (20, 0.95, 27.879240),
    ],
)
def test_quantiles_are_those_of_the_tables(stages: int, ratio: float, expected: float) -> None:
    """Erlang(k, 1), to the last digit that is printed."""
    assert erlang_quantile(stages, ratio) == pytest.approx(expected, abs=5.1e-7)


@pytest.mark.parametrize("ratio", RATIOS)
def test_one_stage_is_an_exponential(ratio: float) -> None:
    """Whose quantile is a logarithm."""
    assert erlang_quantile(1, ratio) == pytest.approx(-math.log1p(-ratio), rel=1e-10)


@pytest.mark.parametrize("stages", [1, 2, 3, 7, 20, 50, 100, 199, 200])
@pytest.mark.parametrize("ratio", [0.05, 0.5, 0.95])
def test_up_to_200_stages_the_quantile_is_exact(stages: int, ratio: float) -> None:
    """The distribution at the quantile, in exact arithmetic, is the ratio: on either side of what is claimed."""
    x = erlang_quantile(stages, ratio)
    assert erlang_cdf_exact(stages, x * (1 - 1e-10)) < ratio < erlang_cdf_exact(stages, x * (1 + 1e-10))


def test_the_sum_by_logarithms_is_the_exact_sum() -> None:
    """The measure for many stages is itself measured."""
    for stages, x in ((1, 0.05), (10, 15.7), (201, 178.0), (400, 433.0)):
        assert erlang_cdf(stages, x) == pytest.approx(erlang_cdf_exact(stages, x), abs=1e-12)


@pytest.mark.parametrize("stages", [201, 202, 250, 300, 400, 500, 700, 1000, 1500, 2000])
@pytest.mark.parametrize("ratio", [0.001, 0.01, 0.05, 0.5, 0.95, 0.99, 0.999])
def test_above_200_stages_the_quantile_is_within_a_thousandth(stages: int, ratio: float) -> None:
    """The true quantile lies within 0.1 %; for the two that a range is made of, within 0.001 %."""
    x = erlang_quantile(stages, ratio)
    near = 1e-5 if ratio in (*TAILS, 0.5) else 1e-3
    assert erlang_cdf(stages, x * (1 - near)) < ratio < erlang_cdf(stages, x * (1 + near))


@pytest.mark.parametrize("ratio", [0.05, 0.5, 0.95])
def test_quantiles_grow_with_the_stages(ratio: float) -> None:
    """Also from the exact branch to the other one: whoever stands further back is never told less."""
    quantiles = [erlang_quantile(stages, ratio) for stages in (*range(1, 30), *range(195, 206))]
    assert quantiles == sorted(set(quantiles))


# ---------------------------------------------------------------------------- gamma


def half_gamma_cdf(halves: int, x: float) -> float:
    """P(Gamma(halves + 1/2, 1) <= x): an error function, less a finite sum. DLMF 8.8.5."""
    terms = (math.exp((i + 0.5) * math.log(x) - x - math.lgamma(i + 1.5)) for i in range(halves))
    return math.erf(math.sqrt(x)) - math.fsum(terms)


@pytest.mark.parametrize("ratio", RATIOS)
def test_half_a_stage_is_the_square_of_a_normal(ratio: float) -> None:
    """Gamma(1/2, 1) is half of a chi-square with one degree of freedom."""
    z = NormalDist().inv_cdf((1 + ratio) / 2)
    assert gamma_quantile(0.5, ratio) == pytest.approx(z * z / 2, rel=1e-10)


@pytest.mark.parametrize("halves", [0, 1, 2, 5, 12, 40, 199])
@pytest.mark.parametrize("ratio", [0.05, 0.5, 0.95])
def test_halves_of_stages_are_exact(halves: int, ratio: float) -> None:
    """As far as the measure itself goes, which differences limit to 1e-13."""
    x = gamma_quantile(halves + 0.5, ratio)
    assert half_gamma_cdf(halves, x) == pytest.approx(ratio, abs=1e-12)


@pytest.mark.parametrize("shape", [1e-4, 1e-3, 0.01, 0.1, 0.3, 0.9])
@pytest.mark.parametrize("ratio", RATIOS)
def test_small_shapes_are_exact(shape: float, ratio: float) -> None:
    """By Kummer's other series, whose signs alternate. Where nothing is left above zero, it is zero."""
    x = gamma_quantile(shape, ratio)
    if x < 1e-300:
        assert math.log(ratio) / shape < -600
        return
    terms = ((-x) ** k / math.factorial(k) / (shape + k) for k in range(60))
    found = math.exp(shape * math.log(x) - math.lgamma(shape)) * math.fsum(terms)
    assert found == pytest.approx(ratio, rel=1e-10)


@LAW
@given(st.floats(1e-4, 1e6), st.floats(1e-6, 1 - 1e-6))
def test_there_is_a_quantile_for_every_shape(shape: float, ratio: float) -> None:
    """It is finite, not negative, and no less for a larger ratio."""
    x = gamma_quantile(shape, ratio)
    assert 0 <= x < math.inf
    assert x <= gamma_quantile(shape, (1 + ratio) / 2) * (1 + 1e-9)


# ---------------------------------------------------------------------------- moments, exactly


def test_a_line_that_gives_up_is_the_published_sum() -> None:
    """9 ahead, 10 agents, calls of 300 s, patience of 120 s; and 39 ahead, 100 agents, both of one unit."""
    found = passage_moments(10, step=300 / (10 * 120))
    assert found.mean * 30 == pytest.approx(161.616051, abs=5e-7)
    assert found.variance * 900 == pytest.approx(3020.8707, abs=5e-5)
    assert passage_moments(40, step=1 / 100).mean / 100 == pytest.approx(0.33790489, abs=5e-9)


@pytest.mark.parametrize(
    ("ahead", "agents", "mu", "passing", "mean", "variance"),
    [
        (5, 10, 1, 4, 1.000000, 0.388889),
        (5, 10, 1, 7, 2.000000, 3.777778),
        (0, 10, 1, 4, 0.166667, 0.064815),
        (9, 20, 1 / 3, 3, 2.727273, 1.960932),
    ],
)
def test_low_priority_is_the_published_mean_and_variance(
    ahead: int, agents: int, mu: float, passing: float, mean: float, variance: float
) -> None:
    """(m + 1) / (s mu - lam), and (m + 1) (1 + rho) / ((s mu)^2 (1 - rho)^3)."""
    rate = agents * mu
    found = passage_moments(ahead + 1, passing=passing / rate)
    rho = passing / rate
    assert found.mean / rate == pytest.approx((ahead + 1) / (rate - passing), rel=1e-12)
    assert found.variance / rate**2 == pytest.approx(
        (ahead + 1) * (1 + rho) / (rate**2 * (1 - rho) ** 3), rel=1e-9
    )
    assert found.mean / rate == pytest.approx(mean, abs=5.1e-7)
    assert found.variance / rate**2 == pytest.approx(variance, abs=1.1e-6)
    assert passed_moments(ahead + 1, passing=rho) == found


@LAW
@given(st.integers(0, 400), st.floats(0, 10))
def test_without_passing_the_moments_are_sums(stages: int, step: float) -> None:
    """Of 1/(1 + i step), and of the squares; exact up to 200 stages, and as near as is said above."""
    found = passage_moments(stages, step=step)
    near = 1e-12 if stages <= 200 else 1e-6
    assert found.mean == pytest.approx(math.fsum(1 / (1 + i * step) for i in range(stages)), rel=near)
    assert found.variance == pytest.approx(math.fsum((1 + i * step) ** -2 for i in range(stages)), rel=near)


@pytest.mark.parametrize("stages", [1.25, 9.72, 150.5])
def test_a_part_of_a_stage_is_that_part_of_the_next(stages: float) -> None:
    """Between two whole numbers the moments go straight."""
    whole = math.floor(stages)
    low, high = (passage_moments(n, step=0.1, passing=0.3) for n in (whole, whole + 1))
    found = passage_moments(stages, step=0.1, passing=0.3)
    part = stages - whole
    assert found.mean == pytest.approx((1 - part) * low.mean + part * high.mean, rel=1e-12)
    assert found.variance == pytest.approx((1 - part) * low.variance + part * high.variance, rel=1e-12)


def test_no_stages_take_no_time() -> None:
    """Whatever the rates."""
    assert passage_moments(0) == passage_moments(0, step=0.1, passing=0.5) == Moments(0.0, 0.0)


# ---------------------------------------------------------------------------- moments, far back


def chain_sums(stages: float, *, step: float, passing: float, above: int) -> Moments:
    """Return the moments by the recursion alone, begun *above* levels higher up."""
    level = math.ceil(stages) + (above if passing else 0)
    down = 1 + step * level
    time = 1 / (down - passing)
    spread = time**2 * (down + passing) / (down - passing)
    means: list[float] = []
    spreads: list[float] = []
    for i in reversed(range(level)):
        down = 1 + step * i
        time, spread = (1 + passing * time) / down, passing / down * (spread + time**2)
        spread += time**2
        if i < stages:
            means.append(min(stages - i, 1.0) * time)
            spreads.append(min(stages - i, 1.0) * spread)
    return Moments(math.fsum(means), math.fsum(spreads))


@pytest.mark.parametrize("step", [1e-9, 1e-6, 1e-4, 0.01, 1.0, 10.0])
@pytest.mark.parametrize("stages", [201, 1000, 1500.5, 20_000])
def test_far_back_the_sums_are_near(stages: float, step: float) -> None:
    """Within 1e-7, and 1e-6 for the variance."""
    found = passage_moments(stages, step=step)
    expected = chain_sums(stages, step=step, passing=0, above=0)
    assert found.mean == pytest.approx(expected.mean, rel=1e-7)
    assert found.variance == pytest.approx(expected.variance, rel=1e-6)


@pytest.mark.parametrize("step", [1e-7, 1e-5, 1e-4, 0.01, 1.0])
@pytest.mark.parametrize("stages", [0.3, 50, 1000, 5000])
@pytest.mark.parametrize(
    ("passing", "mean_near", "variance_near"), [(0.5, 1e-4, 5e-4), (0.9, 1e-3, 3e-3), (0.99, 0.01, 0.05)]
)
def test_far_back_the_sums_are_near_where_some_pass(
    stages: float, step: float, passing: float, mean_near: float, variance_near: float
) -> None:
    """As near as is said, against a recursion that begins 4,000 levels higher up."""
    found = passage_moments(stages, step=step, passing=passing)
    expected = chain_sums(stages, step=step, passing=passing, above=4_000)
    assert found.mean == pytest.approx(expected.mean, rel=mean_near)
    assert found.variance == pytest.approx(expected.variance, rel=variance_near)


def test_a_huge_line_costs_no_more_than_a_long_one() -> None:
    """A thousand million places: a logarithm."""
    found = passage_moments(1e9, step=0.01)
    assert found.mean == pytest.approx(100 * (math.log(1e9) + math.log(0.01)), rel=0.01)
    assert passage_moments(1e9).mean == pytest.approx(1e9, rel=1e-12)


# ---------------------------------------------------------------------------- against the chain, run through time


def run_chain(stages: int, *, step: float, passing: float, passing_max: float) -> Moments:
    """
    Return the moments of the wait from the chain's own differential equations.

    Runge and Kutta's fourth order while the line can be passed; then stage by stage.
    """
    top = stages + 60 + (0 if step else int(passing * passing_max))
    down = [0.0, *(1 + step * level for level in range(top))]
    line = [0.0] * (top + 1)
    line[stages] = 1.0

    def flow(line: list[float]) -> list[float]:
        change = [0.0] * (top + 1)
        for level in range(1, top):
            change[level] -= line[level] * (down[level] + passing)
            change[level - 1] += line[level] * down[level]
            change[level + 1] += line[level] * passing
        return change

    def moved(line: list[float], change: list[float], by: float) -> list[float]:
        return [x + by * y for x, y in zip(line, change, strict=True)]

    steps = int(passing_max * max(10, max(down) + passing))
    by = passing_max / steps
    mean = square = 0.0
    for number in range(steps):
        before = sum(line[1:])
        one = flow(line)
        two = flow(moved(line, one, by / 2))
        three = flow(moved(line, two, by / 2))
        four = flow(moved(line, three, by))
        line = [
            x + by / 6 * (a + 2 * b + 2 * c + d)
            for x, a, b, c, d in zip(line, one, two, three, four, strict=True)
        ]
        after = sum(line[1:])
        mean += by * (before + after) / 2
        square += by * (before * number * by + after * (number + 1) * by)
    rest = rest_spread = 0.0
    for level in range(1, top):
        rest += 1 / down[level]
        rest_spread += down[level] ** -2
        mean += line[level] * rest
        square += line[level] * ((passing_max + rest) ** 2 + rest_spread - passing_max**2)
    return Moments(mean, square - mean**2)


@pytest.mark.parametrize(("stages", "step", "passing"), [(3, 0.0, 0.3), (6, 0.05, 0.6), (4, 0.2, 0.9)])
def test_passing_without_end_is_the_chain(stages: int, step: float, passing: float) -> None:
    """Mean and variance of the passage, from the chain's own equations over a time in which it is long over."""
    expected = run_chain(stages, step=step, passing=passing, passing_max=120.0)
    found = passage_moments(stages, step=step, passing=passing)
    assert found.mean == pytest.approx(expected.mean, rel=2e-3)
    assert found.variance == pytest.approx(expected.variance, rel=1e-2)


@pytest.mark.parametrize("step", [0.0, 0.02, 0.1])
@pytest.mark.parametrize("passing", [0.3, 0.8, 1.2])
@pytest.mark.parametrize(("stages", "limit", "low", "high"), [(3, 10, -0.01, 0.5), (10, 10, -0.01, 0.07)])
def test_passing_for_a_while_is_near_the_chain(
    stages: int, step: float, passing: float, limit: float, low: float, high: float
) -> None:
    """A fluid is too long for a short line, never too short."""
    found = passed_moments(stages, step=step, passing=passing, passing_max=limit)
    assert found is not None
    expected = run_chain(stages, step=step, passing=passing, passing_max=limit)
    assert low < found.mean / expected.mean - 1 < high


@pytest.mark.parametrize("step", [0.0, 0.02])
def test_a_long_line_passed_for_a_while_is_the_chain(step: float) -> None:
    """30 stages, passed for 10 units: mean within 0.2 %, variance within 1 %."""
    found = passed_moments(30, step=step, passing=0.8, passing_max=10)
    assert found is not None
    expected = run_chain(30, step=step, passing=0.8, passing_max=10)
    assert found.mean == pytest.approx(expected.mean, rel=2e-3)
    assert found.variance == pytest.approx(expected.variance, rel=1e-2)


# ---------------------------------------------------------------------------- passing for a while


@LAW
@given(st.integers(1, 60), st.floats(0, 3), st.floats(0, 100))
def test_the_mean_solves_its_equation(stages: int, passing: float, limit: float) -> None:
    """E = n + passing min(E, limit), where nobody gives up."""
    found = passed_moments(stages, passing=passing, passing_max=limit)
    assert found is not None
    if passing < 0.95:
        assert found.mean == pytest.approx(stages + passing * min(found.mean, limit), rel=1e-9)
    else:
        assert found.mean == pytest.approx(stages + passing * limit, rel=1e-2)


def test_as_many_pass_as_are_served_and_the_line_never_ends() -> None:
    """Under strict priority nothing can be said; with a head start it ends."""
    assert passed_moments(5, passing=1.0) is None
    assert passed_moments(5, step=0.5, passing=2.0) is None
    found = passed_moments(5, passing=2.0, passing_max=10.0)
    assert found == Moments(25.0, 45.0)


def test_the_limit_does_not_matter_when_the_line_ends_before() -> None:
    """With half as many passing, 6 stages take 12 units."""
    assert passed_moments(6, passing=0.5, passing_max=12.1) == passage_moments(6, passing=0.5)
    shorter = passed_moments(6, passing=0.5, passing_max=11.9)
    assert shorter is not None
    assert shorter.mean == pytest.approx(6 + 0.5 * 11.9)


@pytest.mark.parametrize("limit", [math.inf, 3.0])
def test_doubt_about_the_stages_widens(limit: float) -> None:
    """One stage more takes 1 / (1 - passing), or 1 once nobody passes."""
    sure = passed_moments(20, passing=0.5, passing_max=limit)
    unsure = passed_moments(20, passing=0.5, passing_max=limit, doubt=4.0)
    assert sure is not None
    assert unsure is not None
    assert unsure.mean == sure.mean
    assert unsure.variance - sure.variance == pytest.approx(16.0 if limit == math.inf else 4.0)


@pytest.mark.parametrize("passing", [0.5, 1.5])
def test_a_tiny_step_is_like_none(passing: float) -> None:
    """From one formula to the other nothing jumps."""
    none, tiny = (passed_moments(50, step=step, passing=passing, passing_max=20.0) for step in (0.0, 1e-9))
    assert none is not None
    assert tiny is not None
    assert tiny.mean == pytest.approx(none.mean, rel=1e-6)
    assert tiny.variance == pytest.approx(none.variance, rel=1e-6)


@LAW
@given(st.integers(1, 100), st.floats(0.01, 0.99))
def test_from_one_case_to_the_other_the_mean_does_not_jump(stages: int, passing: float) -> None:
    """At a limit just below the mean as a fluid nothing is left, or by rounding a little less than nothing."""
    whole = passed_moments(stages, passing=passing)
    assert whole is not None
    found = passed_moments(stages, passing=passing, passing_max=math.nextafter(whole.mean, 0))
    assert found is not None
    assert found.mean == pytest.approx(whole.mean, rel=1e-6)


# ---------------------------------------------------------------------------- a gamma law instead of the true one


def stages_cdf(rates: list[float], at: float) -> float:
    """Return the probability that exponential stages of these rates are over: the chain, sampled at its fastest."""
    fastest = max(rates)
    line = [0.0] * len(rates) + [1.0]
    weight = total = math.exp(-fastest * at)
    found, number = 0.0, 0
    while total < 1 - 1e-12:
        before = line[:]
        for left, rate in enumerate(rates, 1):
            line[left] -= before[left] * rate / fastest
            line[left - 1] += before[left] * rate / fastest
        number += 1
        weight *= fastest * at / number
        total += weight
        found += weight * line[0]
    return found


@pytest.mark.parametrize("step", [0.01, 0.1, 0.25, 1.0])
@pytest.mark.parametrize("stages", [2, 4, 10, 20])
def test_a_gamma_law_of_the_same_moments_has_nearly_the_same_range(stages: int, step: float) -> None:
    """The high end within 1.5 %; the low end within 2 % up to a step of 1/4, and up to 11 % too low at 1."""
    rates = [1 + step * i for i in range(stages)]
    mean, variance = passage_moments(stages, step=step)
    low, high = (variance / mean * gamma_quantile(mean**2 / variance, ratio) for ratio in TAILS)
    below = 0.89 if step == 1.0 else 0.98
    assert stages_cdf(rates, low) <= 0.05 * (1 + 1e-6) <= stages_cdf(rates, low / below)
    assert stages_cdf(rates, high / 1.0015) < 0.95 < stages_cdf(rates, high / 0.985)

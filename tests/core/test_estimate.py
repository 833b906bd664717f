"""How long a place will wait: held against published figures, the Poisson sum, and arithmetic of many digits."""

from __future__ import annotations

import math
from datetime import timedelta
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.estimate import COVERAGE_RATIO, erlang_quantile, queue_length_wait
from callbackq.model import Wait
from core.samples import LAW, M, S

TAILS = (0.05, 0.95)


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


@pytest.mark.parametrize("ratio", [0.001, 0.05, 0.5, 0.9, 0.95, 0.999])
def test_one_stage_is_an_exponential(ratio: float) -> None:
    """Whose quantile is a logarithm."""
    expected = -math.log1p(-ratio)
    assert erlang_quantile(1, ratio) == pytest.approx(expected, abs=1e-10 * max(1.0, expected))


@pytest.mark.parametrize("stages", [1, 2, 3, 7, 20, 50, 100, 199, 200])
@pytest.mark.parametrize("ratio", [0.05, 0.5, 0.95])
def test_up_to_200_stages_the_quantile_is_exact(stages: int, ratio: float) -> None:
    """The distribution at the quantile, in exact arithmetic, is the ratio: on either side of what is claimed."""
    x = erlang_quantile(stages, ratio)
    claimed = 1e-10 * max(1.0, x)
    assert erlang_cdf_exact(stages, x - claimed) < ratio < erlang_cdf_exact(stages, x + claimed)


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


@LAW
@given(st.integers(0, 400), st.integers(1, 500), st.timedeltas(timedelta(seconds=1), timedelta(hours=24)))
def test_the_mean_is_the_queue_length_formula(ahead: int, agents: int, handle_time: timedelta) -> None:
    """QL = (q + 1) / (s mu), for any figures; and the mean lies in its range."""
    wait = queue_length_wait(ahead=ahead, agents=agents, handle_time=handle_time)
    assert wait.known
    assert wait.mean_s is not None
    assert wait.low_s is not None
    assert wait.high_s is not None
    exact = Fraction(ahead + 1) * (handle_time // timedelta(microseconds=1)) / agents / 1_000_000
    assert wait.mean_s == pytest.approx(float(exact), rel=1e-12)
    assert 0 < wait.low_s < wait.mean_s < wait.high_s


@pytest.mark.parametrize("ahead", [0, 1, 4, 9, 19, 49, 99, 199, 200, 500, 1000])
def test_the_range_covers_what_it_says(ahead: int) -> None:
    """The Poisson sum over the range is 90 %, and as much is left out on either side."""
    wait = queue_length_wait(ahead=ahead, agents=10, handle_time=5 * M)
    assert wait.coverage_ratio == COVERAGE_RATIO == 0.9
    assert wait.low_s is not None
    assert wait.high_s is not None
    below = erlang_cdf(ahead + 1, wait.low_s / 30)
    above = 1 - erlang_cdf(ahead + 1, wait.high_s / 30)
    assert below == pytest.approx(0.05, abs=1e-5)
    assert above == pytest.approx(0.05, abs=1e-5)


@pytest.mark.parametrize(
    ("ahead", "agents", "handle_time", "expected"),
    [
        (4, 10, 5 * M, (150.0, 30 * 1.970150, 30 * 9.153519)),
        (9, 1, S, (10.0, 5.425406, 15.705216)),
        (19, 100, 10 * M, (120.0, 6 * 13.254652, 6 * 27.879240)),
        (0, 1, 5 * M, (300.0, 300 * 0.0512932943876, 300 * 2.99573227355)),
    ],
)
def test_a_wait_is_in_seconds(
    ahead: int, agents: int, handle_time: timedelta, expected: tuple[float, float, float]
) -> None:
    """Mean, low and high: the tables, times the mean time between two completions."""
    wait = queue_length_wait(ahead=ahead, agents=agents, handle_time=handle_time)
    assert (wait.mean_s, wait.low_s, wait.high_s) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("ahead", "free", "stages"),
    [(0, 1, 0), (2, 3, 0), (0, 10, 0), (3, 3, 1), (4, 1, 4), (4, 4, 1), (9, 0, 10)],
)
def test_a_free_agent_serves_one_place_at_once(ahead: int, free: int, stages: int) -> None:
    """Each spares one completion; nobody waits for whom a free agent is left."""
    wait = queue_length_wait(ahead=ahead, agents=10, free=free, handle_time=5 * M)
    assert wait.known
    if not stages:
        assert wait == Wait(mean_s=0.0, low_s=0.0, high_s=0.0, coverage_ratio=0.9)
        return
    assert wait == queue_length_wait(ahead=stages - 1, agents=10, handle_time=5 * M)
    assert wait.mean_s == pytest.approx(30.0 * stages)


@pytest.mark.parametrize("agents", [0, -1])
def test_nobody_staffed_is_unknown(agents: int) -> None:
    """Unknown is a legal estimate, and is said as such."""
    wait = queue_length_wait(ahead=3, agents=agents, handle_time=5 * M)
    assert wait == Wait(mean_s=None, low_s=None, high_s=None, coverage_ratio=0.9)
    assert not wait.known

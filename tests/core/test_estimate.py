"""How long a place will wait: held against published figures, the Poisson sum, and whatever a host may hand in."""

from __future__ import annotations

import math
from datetime import timedelta
from fractions import Fraction
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.estimate import (
    COVERAGE_RATIO,
    SAMPLES_MIN,
    BestAvailable,
    HeadOfLine,
    LastToEnterService,
    QueueLength,
    QueueLengthMarkov,
    expected_at,
    unknown_wait,
)
from callbackq.core.quantiles import erlang_quantile, gamma_quantile
from callbackq.model import Ahead, EstimateFacts, Rates, Wait
from callbackq.ports import Estimator
from core.samples import LAW, START, D, M, S

QL, QLM, HOL, LES = QueueLength(), QueueLengthMarkov(), HeadOfLine(), LastToEnterService()
SINGLE: tuple[Estimator, ...] = (QL, QLM, HOL, LES)
EVERY: tuple[Estimator, ...] = (*SINGLE, BestAvailable())


def facts(
    calls: int = 0,
    callbacks: int = 0,
    *,
    agents: int = 10,
    agents_free: int = 0,
    head: float | None = None,
    last: tuple[float, ...] = (),
    **rates: Any,
) -> EstimateFacts:
    """Return facts of a line; a call takes 300 s unless *rates* say otherwise."""
    return EstimateFacts(
        ahead=Ahead(calls=calls, callbacks=callbacks),
        agents=agents,
        agents_free=agents_free,
        rates=Rates(**{"handle_time_s": 300.0, **rates}),
        head_waited_s=head,
        last_waits_s=last,
    )


def mean_of(estimator: Estimator, given_facts: EstimateFacts) -> float:
    """Return the mean of an estimate that is there, and known; in its range."""
    wait = estimator.estimate(given_facts)
    assert wait is not None
    assert wait.mean_s is not None
    assert wait.low_s is not None
    assert wait.high_s is not None
    assert wait.low_s <= wait.mean_s <= wait.high_s
    assert wait.coverage_ratio == COVERAGE_RATIO == 0.9
    return wait.mean_s


def erlang_cdf(stages: int, x: float) -> float:
    """P(Erlang(stages, 1) <= x), each term of the Poisson sum by its logarithm."""
    return 1 - math.fsum(math.exp(i * math.log(x) - x - math.lgamma(i + 1)) for i in range(stages))


# ---------------------------------------------------------------------------- the queue-length formula


def queue_length_wait(*, ahead: int, agents: int, free: int = 0, handle_time: timedelta) -> Wait:
    """Return the plain queue-length estimate of so many live calls ahead."""
    facts = EstimateFacts(
        ahead=Ahead(calls=ahead),
        agents=agents,
        agents_free=free,
        rates=Rates(handle_time_s=handle_time.total_seconds()),
    )
    wait = QueueLength().estimate(facts)
    assert wait is not None
    return wait


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
        assert wait == Wait(mean_s=0.0, low_s=0.0, high_s=0.0, coverage_ratio=0.9, estimator="ql")
        return
    assert wait == queue_length_wait(ahead=stages - 1, agents=10, handle_time=5 * M)
    assert wait.mean_s == pytest.approx(30.0 * stages)


@pytest.mark.parametrize("agents", [0, -1])
def test_nobody_staffed_is_unknown(agents: int) -> None:
    """Unknown is a legal estimate, and is said as such."""
    wait = queue_length_wait(ahead=3, agents=agents, handle_time=5 * M)
    assert wait == Wait(mean_s=None, low_s=None, high_s=None, coverage_ratio=0.9, estimator="ql")
    assert not wait.known


def test_when_it_is_expected() -> None:
    """A wait from now; nothing for an unknown one, or one beyond a year."""
    wait = queue_length_wait(ahead=0, agents=1, handle_time=5 * M)
    assert expected_at(START, wait) == START + 5 * M
    assert expected_at(START, unknown_wait()) is None
    assert expected_at(START, attrs.evolve(wait, mean_s=(367 * D).total_seconds())) is None


# ---------------------------------------------------------------------------- what all estimators share


def test_every_estimator_has_a_name_of_its_own() -> None:
    """It is kept with what was quoted."""
    assert [estimator.name for estimator in EVERY] == ["ql", "qlm", "hol", "les", "best"]


@pytest.mark.parametrize("estimator", EVERY)
@pytest.mark.parametrize("agents", [0, -3])
def test_with_nobody_staffed_every_estimate_is_unknown(estimator: Estimator, agents: int) -> None:
    """Also where the data would be there."""
    wait = estimator.estimate(facts(3, agents=agents, head=60.0, last=(50.0,)))
    assert wait is not None
    assert (wait.mean_s, wait.low_s, wait.high_s, wait.known) == (None, None, None, False)
    assert wait.estimator == (estimator.name if estimator in SINGLE else "ql")


@pytest.mark.parametrize("estimator", SINGLE)
def test_whoever_has_a_free_agent_does_not_wait(estimator: Estimator) -> None:
    """One who is not taken by those ahead, live calls and callbacks alike."""
    zero = Wait(mean_s=0.0, low_s=0.0, high_s=0.0, coverage_ratio=0.9, estimator=estimator.name)
    assert estimator.estimate(facts(1, 1, agents_free=3)) == zero
    assert estimator.estimate(facts(1, 1, agents_free=2, head=60.0, last=(60.0,))) != zero


def test_free_agents_spare_completions() -> None:
    """In both queue-length estimates, one each."""
    for estimator in (QL, QLM):
        assert mean_of(estimator, facts(6, agents_free=2)) == pytest.approx(150.0)


# ---------------------------------------------------------------------------- ql


@pytest.mark.parametrize(("calls", "callbacks"), [(0, 0), (4, 0), (0, 4), (9, 10)])
def test_ql_is_the_queue_length_formula(calls: int, callbacks: int) -> None:
    """Every place ahead counts for one."""
    expected = queue_length_wait(ahead=calls + callbacks, agents=10, handle_time=5 * M)
    given_facts = facts(calls, callbacks, answer_ratio=0.5, patience_rate=0.01)
    assert QL.estimate(given_facts) == attrs.evolve(expected, estimator="ql")


# ---------------------------------------------------------------------------- qlm


def test_qlm_is_the_published_sum() -> None:
    """9 ahead, 10 agents, 300 s a call: 161.616051 s with 120 s of patience; ql says 300 s."""
    given_facts = facts(9, patience_rate=1 / 120)
    assert mean_of(QLM, given_facts) == pytest.approx(161.616051, abs=5e-7)
    assert mean_of(QL, given_facts) == 300.0
    wait = QLM.estimate(given_facts)
    assert wait is not None
    shape = 161.616051**2 / 3020.8707
    assert (wait.low_s, wait.high_s) == pytest.approx(
        [gamma_quantile(shape, ratio) * 161.616051 / shape for ratio in (0.05, 0.95)]
    )
    assert mean_of(QLM, facts(39, agents=100, handle_time_s=1.0, patience_rate=1.0)) == pytest.approx(
        0.33790489, abs=5e-9
    )


@pytest.mark.parametrize(
    ("calls", "callbacks", "exact", "approximate", "ql", "as_if_online", "ignoring"),
    [
        (6, 4, 0.9646, 0.9384, 1.10, 0.8945, 0.70),
        (10, 10, 1.6845, 1.6484, 2.10, 1.4616, 1.10),
        (5, 20, 2.2396, 2.1964, 2.60, 1.6944, 0.60),
    ],
)
def test_callbacks_ahead_count_as_far_as_they_are_answered(
    calls: int,
    callbacks: int,
    exact: float,
    approximate: float,
    ql: float,
    as_if_online: float,
    ignoring: float,
) -> None:
    """They do not give up, and 93 % of them are answered: within 3 % of the exact mean."""
    rates = {"handle_time_s": 1.0, "patience_rate": 0.5, "answer_ratio": 0.93}
    given_facts = facts(calls, callbacks, **rates)
    found = mean_of(QLM, given_facts)
    assert found == pytest.approx(approximate, abs=5.1e-5)
    assert found == pytest.approx(exact, rel=0.03)
    assert mean_of(QL, given_facts) == pytest.approx(ql)
    assert mean_of(QLM, facts(calls + callbacks, **rates)) == pytest.approx(as_if_online, abs=5.1e-5)
    assert mean_of(QL, facts(calls, **rates)) == pytest.approx(ignoring)


def test_callbacks_that_may_not_be_answered_widen_the_range() -> None:
    """Ten that answer every other time are no surer than five that always do."""
    unsure, sure = QLM.estimate(facts(0, 10, answer_ratio=0.5)), QLM.estimate(facts(5))
    assert unsure is not None
    assert sure is not None
    assert unsure.mean_s == pytest.approx(sure.mean_s)
    assert unsure.low_s is not None
    assert sure.low_s is not None
    assert unsure.high_s is not None
    assert sure.high_s is not None
    assert unsure.low_s < sure.low_s
    assert unsure.high_s > sure.high_s
    # Its law: six exponential stages of 30 s, and 2.5 stages^2 of doubt about their number.
    assert erlang_quantile(6, 0.95) * 30 == pytest.approx(sure.high_s, rel=1e-6)


@pytest.mark.parametrize("calls", [0, 1, 7, 150, 250, 100_000])
def test_where_nobody_gives_up_qlm_is_ql(calls: int) -> None:
    """Mean and range."""
    one, other = QLM.estimate(facts(calls)), QL.estimate(facts(calls))
    assert one is not None
    assert other is not None
    assert (one.mean_s, one.low_s, one.high_s) == pytest.approx(
        (other.mean_s, other.low_s, other.high_s), rel=1e-6
    )


def test_callbacks_that_nobody_answers_do_not_count() -> None:
    """Then only the free agents and the place itself are left."""
    never = facts(0, 5, answer_ratio=0.0, patience_rate=0.01)
    assert mean_of(QLM, never) == pytest.approx(30.0)
    assert mean_of(QLM, attrs.evolve(never, agents_free=1)) == 0.0


def test_a_huge_line_is_estimated_like_any_other() -> None:
    """A million ahead: 120 s of patience times a logarithm, (ln(q + s mu / theta) - ln(s mu / theta))."""
    found = mean_of(QLM, facts(1_000_000, patience_rate=1 / 120))
    assert found == pytest.approx(120 * math.log(1 + 1_000_001 / 4), rel=2e-2)
    assert found == pytest.approx(math.fsum(1 / (1 / 30 + i / 120) for i in range(1_000_001)), rel=1e-7)


# ---------------------------------------------------------------------------- who comes later and goes first


@pytest.mark.parametrize(
    ("ahead", "agents", "handle_time_s", "rate", "expected"),
    [
        (5, 10, 1, 4, 1.000000),
        (5, 10, 1, 7, 2.000000),
        (0, 10, 1, 4, 0.166667),
        (9, 20, 3, 3, 2.727273),
    ],
)
@pytest.mark.parametrize("estimator", [QL, QLM])
def test_low_priority_waits_for_those_who_pass(
    estimator: Estimator, ahead: int, agents: int, handle_time_s: float, rate: float, expected: float
) -> None:
    """(m + 1) / (s mu - lam), where the naive formula says .6, .6, .1 and 1.5."""
    given_facts = facts(ahead, agents=agents, handle_time_s=handle_time_s, overtaking_rate=rate)
    assert mean_of(estimator, given_facts) == pytest.approx(expected, abs=5.1e-7)


@pytest.mark.parametrize("estimator", [QL, QLM])
@pytest.mark.parametrize(
    ("longest_s", "expected"), [(math.inf, 360.0), (400.0, 360.0), (60.0, 210.0), (0.0, 180.0)]
)
def test_a_head_start_lets_pass_for_a_limited_time(
    estimator: Estimator, longest_s: float, expected: float
) -> None:
    """5 ahead, one completion in 30 s, one arrival in 60 s: E = (6 + E' / 60) 30, E' = min(E, head start)."""
    given_facts = facts(5, overtaking_rate=1 / 60, overtaking_max_s=longest_s)
    assert mean_of(estimator, given_facts) == pytest.approx(expected)


@pytest.mark.parametrize("estimator", [QL, QLM])
def test_a_line_that_does_not_end_is_unknown(estimator: Estimator) -> None:
    """As many pass as are served; those who give up do not make it a promise. A head start ends it."""
    endless = facts(5, overtaking_rate=1 / 30, patience_rate=1 / 60)
    wait = estimator.estimate(endless)
    assert wait == unknown_wait(estimator.name)
    ending = facts(5, overtaking_rate=1 / 30, overtaking_max_s=90.0)
    assert mean_of(estimator, ending) == pytest.approx(30 * 6 + 90)


def test_those_who_pass_widen_the_range() -> None:
    """The busy periods that they begin have long tails; the mean stays within."""
    calm, passed = QL.estimate(facts(11)), QL.estimate(facts(5, overtaking_rate=1 / 60))
    assert calm is not None
    assert passed is not None
    assert passed.mean_s == calm.mean_s == 360.0
    assert calm.high_s is not None
    assert passed.high_s is not None
    assert passed.high_s > calm.high_s + 60
    tight = QL.estimate(facts(0, overtaking_rate=0.99999 / 30))
    assert tight is not None
    assert tight.high_s == tight.mean_s


# ---------------------------------------------------------------------------- hol and les


def test_delay_history_says_what_was_last_seen() -> None:
    """The age of the head; the wait of the one served last."""
    given_facts = facts(9, head=240.0, last=(250.0, 10.0))
    assert mean_of(HOL, given_facts) == 240.0
    assert mean_of(LES, given_facts) == 250.0


@pytest.mark.parametrize("missing", [None, math.nan, math.inf, -1.0, 1e10])
def test_without_their_datum_they_say_nothing(missing: float | None) -> None:
    """Nobody waits, or nobody was served; or it makes no sense."""
    assert HOL.estimate(facts(9, head=missing)) is None
    assert LES.estimate(facts(9, last=() if missing is None else (missing,))) is None


@pytest.mark.parametrize(("waited", "mean", "variance"), [(0.0, 2, 2), (60.0, 4, 6), (300.0, 12, 22)])
def test_the_range_of_delay_history(waited: float, mean: float, variance: float) -> None:
    """Poisson(w / 30 s) + 2 completions of 30 s each, and Poisson(1) more in doubt; the mean is never outside."""
    for wait, doubt in (
        (HOL.estimate(facts(9, head=waited)), 0),
        (LES.estimate(facts(9, last=(waited,))), 2),
    ):
        shape, scale = mean**2 / (variance + doubt), 30 * (variance + doubt) / mean
        low, high = (scale * gamma_quantile(shape, ratio) for ratio in (0.05, 0.95))
        assert wait is not None
        assert (wait.mean_s, wait.low_s, wait.high_s) == pytest.approx((waited, min(low, waited), high))


@pytest.mark.parametrize("handle_time_s", [0.0, -1.0, math.nan, math.inf])
def test_without_a_handle_time_history_makes_one(handle_time_s: float) -> None:
    """240 s for 10 completions are 24 s each. The queue-length estimates say nothing."""
    given_facts = facts(9, head=240.0, last=(0.0,), handle_time_s=handle_time_s)
    assert QL.estimate(given_facts) is None
    assert QLM.estimate(given_facts) is None
    assert HOL.estimate(given_facts) == HOL.estimate(facts(9, head=240.0, handle_time_s=240.0))
    assert LES.estimate(given_facts) == Wait(
        mean_s=0.0, low_s=0.0, high_s=0.0, coverage_ratio=0.9, estimator="les"
    )


# ---------------------------------------------------------------------------- the choice


@pytest.mark.parametrize(
    ("rates", "chosen"),
    [
        ({"samples_count": SAMPLES_MIN, "patience_rate": 0.01}, QLM),
        ({"samples_count": SAMPLES_MIN}, QLM),
        ({"samples_count": SAMPLES_MIN - 1, "patience_rate": 0.01}, QL),
        ({"samples_count": 0}, QL),
        ({"handle_time_s": math.nan, "samples_count": 500}, HOL),
    ],
)
def test_the_best_is_chosen_by_what_data_there_is(rates: dict[str, Any], chosen: Estimator) -> None:
    """And the wait bears its name."""
    given_facts = facts(9, head=240.0, last=(250.0,), **rates)
    wait = BestAvailable().estimate(given_facts)
    assert wait == chosen.estimate(given_facts)
    assert wait.estimator == chosen.name


def test_the_last_resort_is_who_was_served_last() -> None:
    """With no handle time and nobody waiting; and without that, it is unknown."""
    nothing = facts(0, handle_time_s=math.nan, last=(250.0,))
    assert BestAvailable().estimate(nothing).estimator == "les"
    assert BestAvailable().estimate(attrs.evolve(nothing, last_waits_s=())) == unknown_wait()


def test_how_much_is_enough_can_be_said() -> None:
    """`samples_min`."""
    given_facts = facts(9, samples_count=5)
    assert BestAvailable(samples_min=5).estimate(given_facts).estimator == "qlm"
    assert BestAvailable(samples_min=6).estimate(given_facts).estimator == "ql"


# ---------------------------------------------------------------------------- whatever is handed in

ANY_FLOAT = st.one_of(st.floats(), st.sampled_from([0.0, 1e-300, 5e-324, 1e300, 1.7e308, 1.0, 300.0]))
ANY_COUNT = st.one_of(st.integers(-5, 50), st.sampled_from([10**6, 10**9, 10**15, 10**400, -(10**400)]))


@LAW
@given(
    st.builds(
        EstimateFacts,
        ahead=st.builds(Ahead, calls=ANY_COUNT, callbacks=ANY_COUNT),
        agents=ANY_COUNT,
        agents_free=ANY_COUNT,
        rates=st.builds(
            Rates,
            handle_time_s=ANY_FLOAT,
            patience_rate=ANY_FLOAT,
            answer_ratio=ANY_FLOAT,
            overtaking_rate=ANY_FLOAT,
            overtaking_max_s=ANY_FLOAT,
            samples_count=st.integers(0, 100),
        ),
        head_waited_s=st.none() | ANY_FLOAT,
        last_waits_s=st.lists(ANY_FLOAT, max_size=2).map(tuple),
    )
)
def test_no_facts_are_too_odd(odd: EstimateFacts) -> None:
    """An estimate, unknown, or nothing: never an error, never a figure that is none."""
    for estimator in EVERY:
        wait = estimator.estimate(odd)
        if wait is None:
            continue
        figures = (wait.low_s, wait.mean_s, wait.high_s)
        if not wait.known:
            assert figures == (None, None, None)
            continue
        found = [figure for figure in figures if figure is not None]
        assert found == sorted(found)
        assert len(found) == 3
        assert 0 <= found[0] <= found[2] < math.inf


@LAW
@given(
    st.integers(0, 3_000),
    st.integers(0, 50),
    st.integers(1, 100),
    st.floats(0, 1),
    st.floats(0, 1),
    st.sampled_from([(0.0, math.inf), (0.001, math.inf), (0.02, 90.0)]),
)
def test_nobody_further_back_is_told_less(
    calls: int,
    callbacks: int,
    agents: int,
    patience: float,
    answered: float,
    passing: tuple[float, float],
) -> None:
    """One callback more ahead, or one caller more in a line of callers: both queue-length estimates are longer."""
    rates: dict[str, Any] = {
        "patience_rate": patience,
        "answer_ratio": answered,
        "overtaking_rate": passing[0],
        "overtaking_max_s": passing[1],
    }

    def found(estimator: Estimator, calls: int, callbacks: int) -> float:
        wait = estimator.estimate(facts(calls, callbacks, agents=agents, **rates))
        assert wait is not None
        return math.inf if wait.mean_s is None else wait.mean_s

    nearly = 1 - (1e-6 if passing[1] == math.inf else 1e-2)
    for estimator in (QL, QLM):
        assert found(estimator, calls, callbacks + 1) >= found(estimator, calls, callbacks) * nearly
        assert found(estimator, calls + 1, 0) >= found(estimator, calls, 0) * nearly

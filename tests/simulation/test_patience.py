"""How long callers hold: the estimate against figures worked out by hand, against laws that are known, and a log."""

from __future__ import annotations

import math
import os
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.simulation.anonymous_bank import read_log
from callbackq.simulation.patience import Held, patience_laws
from callbackq.simulation.replaying import habits_of_log
from callbackq.simulation.survival import Lasting, Seen, exponential_mean_s, kaplan_meier

PUBLISHED = [
    Seen(0.8, True), Seen(1.0, False), Seen(2.7, False), Seen(3.1, True),
    Seen(5.4, True), Seen(7.0, False), Seen(9.2, True), Seen(12.1, False),
]  # fmt: skip
cases = st.lists(st.builds(Seen, st.integers(0, 50), st.booleans()), max_size=30)


# ---------------------------------------------------------------------------- the estimate


def test_the_example_of_kaplan_and_meier() -> None:
    """Eight cases of which four were lost sight of: 7/8, 7/10, 21/40 and 21/80 remain (JASA 53, 1958, 457-481)."""
    law = kaplan_meier(PUBLISHED)
    assert law.times_s == (0.8, 3.1, 5.4, 9.2)
    assert law.beyond_ratio == pytest.approx((7 / 8, 7 / 10, 21 / 40, 21 / 80))
    assert (law.cases, law.ended, law.longest_s) == (8, 4, 12.1)
    assert law.tail_mean_s == pytest.approx(41.3 / 4)
    assert [law.share_beyond(at) for at in (0, 0.79, 0.8, 9.1, 12.1)] == pytest.approx(
        [1, 1, 7 / 8, 21 / 40, 21 / 80]
    )


def test_beyond_the_longest_case_the_tail_is_exponential() -> None:
    """With the mean of an exponential law of all the cases."""
    law = kaplan_meier(PUBLISHED)
    assert law.share_beyond(12.1 + 41.3 / 4) == pytest.approx(21 / 80 / math.e)


def test_a_case_last_seen_as_another_ends_was_still_there() -> None:
    """Three cases at one instant, of which one ended: a third ends."""
    law = kaplan_meier([Seen(5, False), Seen(5, True), Seen(5, False), Seen(9, True)])
    assert law.beyond_ratio == pytest.approx((3 / 4, 0))


def test_who_met_a_free_agent_tells_nothing_of_longer_waits() -> None:
    """Cases censored at zero change no share after it."""
    law, more = kaplan_meier(PUBLISHED), kaplan_meier([*PUBLISHED, *[Seen(0, False)] * 100])
    assert (more.times_s, more.beyond_ratio) == (law.times_s, pytest.approx(law.beyond_ratio))


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30), st.integers(0, 50))
def test_without_censoring_it_is_the_share_that_was_seen(lengths: list[int], after: int) -> None:
    """The plain share of cases that lasted longer; and the tail's mean is the plain mean."""
    law = kaplan_meier(Seen(length, True) for length in lengths)
    assert law.share_beyond(after) == pytest.approx(sum(it > after for it in lengths) / len(lengths))
    assert law.tail_mean_s == pytest.approx(sum(lengths) / len(lengths))


@given(cases)
def test_shares_fall_from_one_to_no_less_than_zero(rows: list[Seen]) -> None:
    """Whatever the cases."""
    shares = [kaplan_meier(rows).share_beyond(at) for at in range(0, 120, 3)]
    assert all(1 >= before >= after >= 0 for before, after in pairwise(shares))


def test_a_censored_exponential_law_is_found_again() -> None:
    """Patience of mean 300 s, seen through waits of mean 200 s; leaving out who was served would give 120 s."""
    random = Random(11)
    rows: list[Seen] = []
    for _ in range(20_000):
        patience, wait = random.expovariate(1 / 300), random.expovariate(1 / 200)
        rows.append(Seen(min(patience, wait), patience < wait))
    law = kaplan_meier(rows)
    assert law.tail_mean_s == pytest.approx(300, rel=0.03)  # standard error 1.1 %
    assert [law.share_beyond(at) for at in (60, 300, 600)] == pytest.approx(
        [math.exp(-0.2), math.exp(-1), math.exp(-2)], abs=0.02
    )
    hung_up = [row.for_s for row in rows if row.ended]
    assert sum(hung_up) / len(hung_up) == pytest.approx(120, rel=0.03)


def test_where_nobody_hung_up_everybody_holds_for_ever() -> None:
    """There is no law of what was never seen."""
    law = kaplan_meier([Seen(10, False), Seen(20, False)])
    assert (law.tail_mean_s, law.draw_s(0.5), law.draw_s(0.5, exceeding_s=10)) == (None, None, None)
    assert law.share_beyond(1_000) == 1
    assert law.mean_of_ended_by_s(60) is None


def test_of_nothing_there_is_a_law_too() -> None:
    """Nothing ever ends."""
    assert kaplan_meier([]).draw_s(0.3) is None
    assert exponential_mean_s([]) is None


# ---------------------------------------------------------------------------- drawing from it


def even(law: Lasting, *, exceeding_s: float | None = None, draws: int = 4_000) -> list[float]:
    """Draw with chances spread evenly: what comes is the law itself."""
    drawn = [law.draw_s((index + 0.5) / draws, exceeding_s=exceeding_s) for index in range(draws)]
    return [value for value in drawn if value is not None]


@pytest.mark.parametrize("exceeding_s", [None, 0, 0.8, 4, 9.2, 11, 12.1, 30])
def test_draws_follow_the_law_of_those_who_last_longer(exceeding_s: float | None) -> None:
    """All of them exceed what they are known to exceed, and their shares are those of the law, the tail included."""
    law = kaplan_meier(PUBLISHED)
    drawn = even(law, exceeding_s=exceeding_s)
    assert len(drawn) == 4_000
    left = 1.0
    if exceeding_s is not None:
        assert min(drawn) > exceeding_s
        left = law.share_beyond(exceeding_s)
    for after in (3.1, 6, 9.2, 14, 25, 60):
        if after >= (exceeding_s or 0):
            share = sum(value > after for value in drawn) / len(drawn)
            assert share == pytest.approx(law.share_beyond(after) / left, abs=0.001)


def test_who_exceeds_all_that_ended_is_in_the_tail() -> None:
    """Also where the longest case of all ended, so that the law by itself would leave nobody."""
    law = kaplan_meier([Seen(10, True), Seen(20, True)])
    assert law.draw_s(0.0, exceeding_s=50) == 50
    assert law.draw_s(1 - 1 / math.e, exceeding_s=50) == pytest.approx(50 + 15)


@given(cases, st.floats(0, 1, exclude_max=True), st.integers(0, 60))
def test_a_draw_exceeds_what_it_must(rows: list[Seen], chance: float, exceeding: int) -> None:
    """Whatever the cases; only a chance of nothing in the tail gives the very wait."""
    drawn = kaplan_meier(rows).draw_s(chance, exceeding_s=exceeding)
    assert drawn is None or drawn >= exceeding
    assert (drawn is None) == (not any(row.ended for row in rows))


# ---------------------------------------------------------------------------- callers


def test_kinds_with_enough_cases_have_laws_of_their_own() -> None:
    """The others share the law of all."""
    callers = [Held("PS", 100, True)] * 3 + [Held("PS", 50, False)] + [Held("NW", 20, True)] * 2
    laws = patience_laws(callers, hung_up_min=3)
    assert set(laws.by_kind) == {"PS"}
    assert laws.of("PS").times_s == (100,)
    assert laws.of("NW") is laws.of("unheard of") is laws.overall
    assert laws.overall.times_s == (20, 100)


def test_who_hung_up_has_the_patience_of_the_log_and_who_was_served_more() -> None:
    """Drawn from the law of the kind."""
    callers = [Held("PS", wait, True) for wait in (10, 20, 30, 40)]
    laws = patience_laws(callers, hung_up_min=1)
    assert laws.patience_s(Held("PS", 25, hung_up=True), chance=0.9) == 25
    assert [laws.patience_s(Held("PS", 25, hung_up=False), chance=it) for it in (0, 0.4, 0.6)] == [30, 30, 40]
    assert laws.patience_s(Held("PS", 0, hung_up=False), chance=0.3) == 20


@pytest.mark.parametrize(
    ("month", "means"),
    [
        ("01", {"PS": 451.6, "NW": 213.7, "NE": 851.7, "IN": 390.4, "TT": 279.0}),
        ("08", {"PS": 464.2, "NW": 252.6, "NE": 919.5, "IN": 428.3, "TT": 209.9, "PE": 439.1}),
    ],
)
def test_the_real_log_says_how_patient_callers_are(month: str, means: dict[str, float]) -> None:
    """Seconds on hold for each caller who gave up: prospects (NW) give up first, stock traders (NE) last."""
    folder = os.environ.get("CALLBACKQ_DATA")
    if not folder:
        pytest.skip("CALLBACKQ_DATA is not set: the folder with anonymous_bank_1999_01.csv.gz")
    habits = habits_of_log(read_log(Path(folder) / f"anonymous_bank_1999_{month}.csv.gz"))
    found = {kind: law.tail_mean_s for kind, law in habits.patience.by_kind.items()}
    assert found == pytest.approx(means, abs=0.05)

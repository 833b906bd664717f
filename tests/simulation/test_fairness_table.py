"""
What it costs whom if callbacks do not keep the place: the engine's order against two habits of real systems.

Every cell lies within 3 standard errors of its reference, and the standard error is at most 2 % of the value; it
comes from independent runs of one line. Of the cells that are simulated, not solved, the reference has an error
of its own, of which only the last digit printed is counted here.
"""

from __future__ import annotations

from itertools import islice
from random import Random
from statistics import mean

import attrs
import pytest

from callbackq.simulation.baselines import Discipline, Turn, serve
from callbackq.simulation.line_model import MINUTE_US, Newcomer, Outcome, draw_newcomers, overtakes
from simulation.batches import Cell, check_cells, check_controls, estimate
from simulation.mixed_patience import solve

ARRIVALS_PER_MIN = 9.5
SERVICE_MEAN_MIN = 1.0
PATIENCE_MEAN_MIN = 2.0
AGENTS = 10
ACCEPT = 0.37
RUNS = 40
WARM_UP = 4_000
"""Callers of each run who do not count: the line starts empty."""
COOL_DOWN = 1_000
"""Callers at the end of each run who do not count: nobody comes after them."""

LIVE_WAIT, LIVE_SHARE, LIVE_MEAN = "wait live", "share overtaken live", "overtakes live"
CALLBACK_WAIT, CALLBACK_SHARE, CALLBACK_MEAN = (
    "wait callback",
    "share overtaken callback",
    "overtakes callback",
)
ABANDONED = "P(Ab)"


@attrs.frozen(kw_only=True)
class Row:
    """One discipline: callers a run, cells that are solved, cells that are simulated (value, last digit)."""

    discipline: Discipline
    accept: float = ACCEPT
    callers: int = 12_000
    exact: dict[str, float]
    simulated: dict[str, tuple[float, float]]
    zero: tuple[str, ...] = ()


ROWS = {
    "keep place": Row(
        discipline=Discipline.BY_ENTRY,
        exact={CALLBACK_WAIT: 0.443162, ABANDONED: 0.069835},
        simulated={LIVE_WAIT: (0.1644, 1e-4)},
        zero=(LIVE_SHARE, LIVE_MEAN, CALLBACK_SHARE, CALLBACK_MEAN),
    ),
    "callbacks first": Row(
        discipline=Discipline.CALLBACKS_FIRST,
        exact={},
        simulated={
            LIVE_WAIT: (0.1770, 1e-4),
            LIVE_SHARE: (0.2125, 1e-4),
            LIVE_MEAN: (0.579, 1e-3),
            CALLBACK_WAIT: (0.1543, 1e-4),
            ABANDONED: (0.0794, 1e-4),
        },
        zero=(CALLBACK_SHARE, CALLBACK_MEAN),
    ),
    "callbacks last": Row(
        discipline=Discipline.CALLBACKS_LAST,
        callers=36_000,
        exact={CALLBACK_WAIT: 1.836271, ABANDONED: 0.039943},
        simulated={LIVE_WAIT: (0.1034, 1e-4), CALLBACK_SHARE: (0.8395, 1e-4), CALLBACK_MEAN: (9.97, 1e-2)},
        zero=(LIVE_SHARE, LIVE_MEAN),
    ),
    "no callbacks": Row(
        discipline=Discipline.BY_ENTRY,
        accept=0.0,
        exact={ABANDONED: 0.084452},
        simulated={LIVE_WAIT: (0.1596, 1e-4)},
        zero=(LIVE_SHARE, LIVE_MEAN),
    ),
}
"""Waits in minutes, of those who were served; `live` is who was served on the line, at once or after a wait."""


def people(accept: float, size: int, *, seed: str) -> list[Newcomer]:
    drawn = draw_newcomers(
        arrivals_per_min=ARRIVALS_PER_MIN,
        service_mean_min=SERVICE_MEAN_MIN,
        patience_mean_min=PATIENCE_MEAN_MIN,
        accept_ratio=accept,
        random=Random(seed),
    )
    return list(islice(drawn, size))


def one_run(row: Row, number: int) -> dict[str, float]:
    """Serve one line, and count from how it was served who was overtaken."""
    turns = serve(
        people(row.accept, WARM_UP + row.callers + COOL_DOWN, seed=f"fairness, run {number}"),
        agents=AGENTS,
        discipline=row.discipline,
    )
    counts = overtakes(
        joined_us=[turn.newcomer.joins_us for turn in turns],
        ended_us=[turn.ends_us for turn in turns],
        served=[turn.outcome is not Outcome.ABANDONED for turn in turns],
    )
    counted = list(zip(turns, counts, strict=True))[WARM_UP:-COOL_DOWN]
    live = [(turn, count) for turn, count in counted if turn.outcome is Outcome.SERVED_LIVE]
    called_back = [(turn, count) for turn, count in counted if turn.outcome is Outcome.CALLED_BACK]
    span_us = counted[-1][0].newcomer.joins_us - turns[WARM_UP - 1].newcomer.joins_us
    values = {
        ABANDONED: 1 - (len(live) + len(called_back)) / len(counted),
        "gaps": span_us / MINUTE_US / len(counted) - 1 / ARRIVALS_PER_MIN,
        "services": mean(turn.newcomer.service_us for turn, _ in counted) / MINUTE_US - SERVICE_MEAN_MIN,
    }
    values |= dict(zip((LIVE_WAIT, LIVE_SHARE, LIVE_MEAN), wait_and_overtakes(live), strict=True))
    if called_back:
        named = zip(
            (CALLBACK_WAIT, CALLBACK_SHARE, CALLBACK_MEAN), wait_and_overtakes(called_back), strict=True
        )
        values |= dict(named)
    return values


def wait_and_overtakes(counted: list[tuple[Turn, int]]) -> tuple[float, float, float]:
    """Return the mean wait in minutes, the share of those overtaken, and the mean count over all."""
    return (
        mean(turn.wait_us for turn, _ in counted) / MINUTE_US,
        mean(count > 0 for _, count in counted),
        mean(count for _, count in counted),
    )


@pytest.mark.parametrize("name", ROWS)
def test_every_cell_of_the_row_is_met(name: str) -> None:
    row = ROWS[name]
    runs = [one_run(row, number) for number in range(RUNS)]
    columns = {key: [run[key] for run in runs] for key in runs[0]}
    controls = {key: columns[key] for key in ("gaps", "services")}
    check_controls(controls)
    for key in row.zero:
        assert columns[key] == [0.0] * RUNS
    references = {key: (value, 0.0) for key, value in row.exact.items()} | row.simulated
    check_cells(
        [
            Cell(
                name=f"{name}, {key}",
                reference=value,
                found=estimate(columns[key], list(controls.values())),
                error=error,
            )
            for key, (value, error) in references.items()
        ]
    )


def test_the_exact_cells_of_the_engines_order_are_what_the_formulas_say() -> None:
    """The wait of a callback is that of a place which did not come up at once."""
    with_callbacks, without = (
        solve(arrivals=9.5, service=1.0, patience=0.5, agents=10, accept=accept, late=0.0)
        for accept in (ACCEPT, 0.0)
    )
    wait = with_callbacks.place_wait / with_callbacks.all_busy_ratio
    assert wait == pytest.approx(ROWS["keep place"].exact[CALLBACK_WAIT], abs=0.6e-6)
    assert with_callbacks.abandoned_ratio == pytest.approx(ROWS["keep place"].exact[ABANDONED], abs=0.6e-6)
    assert without.abandoned_ratio == pytest.approx(ROWS["no callbacks"].exact[ABANDONED], abs=0.6e-6)

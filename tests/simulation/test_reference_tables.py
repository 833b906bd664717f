"""
The figures of a line that keeps the place, simulated, against their exact values.

Every cell lies within 3 standard errors of its reference, and the standard error is at most 2 % of the value; it
comes from batch means. The line starts empty; two batches pass before the first one that counts.

Plain simulation would need 11 to 17 million callers a row for that. Controls of known mean bring it down to one to
four million: the realised times between arrivals and services; and, while all agents are busy, how the line moves
from one caller to the next beyond what is expected. See `CONTROLS`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from random import Random

import attrs
import pytest

from callbackq.simulation.line_model import MINUTE_US, Outcome, Passage, draw_newcomers, keep_place
from simulation.batches import Cell, check_cells, check_controls, estimate
from simulation.mixed_patience import solve

ARRIVALS_PER_MIN = 48.0
SERVICE_MEAN_MIN = 1.0
PATIENCE_MEAN_MIN = 2.0
AGENTS = 50
LATE_MIN = 0.5
BATCHES = 40
WARM_UP_BATCHES = 2

NAMES = ("P(V>0)", "P(Ab)", "P(Ab) live", "E[V]", "E[W] live", "occupancy", "P(V>0.5)")
TABLE: dict[float, tuple[float | None, ...]] = {
    0.00: (0.467774, 0.030912, 0.030912, 0.065421, 0.061824, 0.930324, 0.004052),
    0.25: (0.493671, 0.027381, 0.036508, 0.077842, 0.073015, 0.933714, 0.009604),
    0.37: (0.508771, 0.025321, 0.040193, 0.086120, 0.080386, 0.935691, 0.014761),
    0.50: (0.527986, 0.022701, 0.045402, 0.097957, 0.090805, 0.938207, 0.023905),
    0.75: (0.579191, 0.015718, 0.062874, 0.138873, 0.125748, 0.944910, 0.065505),
    1.00: (0.694456, None, None, 0.347228, None, 0.960000, 0.255476),
}
"""V is the wait of whoever stays, W the time on hold of who does not accept; both with zeros, in minutes."""
CALLERS = {
    0.00: 4_400_000,
    0.25: 2_400_000,
    0.37: 1_200_000,
    0.50: 1_000_000,
    0.75: 1_000_000,
    1.00: 1_600_000,
}
"""How many callers it takes until the cell P(V>0.5) is known to 2 %, with something to spare."""
CONTROLS = ("gaps", "services", "moves", "moves v", "moves u^3", "moves late", "stays u^3")
"""
What the people brought, with a mean of zero by what is known of them alone:

- `gaps`, `services`: the mean time between arrivals, and of the services, less its expectation.
- `moves ...`: while all agents are busy, from one caller to the next the time until an agent is free falls by the
  time between the two arrivals; and it grows, if the first one stays, by the time until one more agent is free. The
  former has mean 1/lambda, the latter 1/(n mu), as n exponential services are under way; both are independent of
  all before. So the move less its mean stays zero times any weight that is known by then: 1, the wait v of the
  first one, u^3 with u = min(v, 0.5), or whether v > 0.5.
- `stays u^3`: whether the first one stays, less the probability of that given v, weighted in the same way.
"""

SMALL_TABLE: dict[float, tuple[float, ...]] = {
    0.00: (0.619655, 0.103913, 0.103913, 0.240808, 0.207826),
    0.25: (0.655198, 0.094203, 0.125604, 0.298181, 0.251207),
    0.37: (0.676130, 0.088484, 0.140451, 0.339015, 0.280901),
    0.50: (0.703042, 0.081131, 0.162262, 0.401459, 0.324525),
    0.75: (0.777018, 0.060920, 0.243681, 0.664457, 0.487363),
}
"""The first columns for 10 calls a minute and 10 agents."""


def run(accept: float) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Let the people of one row through the line; return figures and controls by name, one value for each batch."""
    newcomers = draw_newcomers(
        arrivals_per_min=ARRIVALS_PER_MIN,
        service_mean_min=SERVICE_MEAN_MIN,
        patience_mean_min=PATIENCE_MEAN_MIN,
        accept_ratio=accept,
        random=Random(f"place kept, {accept:.2f} accept"),
    )
    passages, size = keep_place(newcomers, agents=AGENTS), CALLERS[accept] // BATCHES
    figures: dict[str, list[float]] = {name: [] for name in NAMES}
    controls: dict[str, list[float]] = {name: [] for name in CONTROLS if accept < 1 or name != "stays u^3"}
    last = next(passages)
    for number in range(WARM_UP_BATCHES + BATCHES):
        values, last = one_batch(passages, size, accept, last)
        if number >= WARM_UP_BATCHES:
            for name, column in (figures | controls).items():
                column.append(values[name])
    return figures, controls


def one_batch(
    passages: Iterator[Passage], size: int, accept: float, last: Passage
) -> tuple[dict[str, float], Passage]:
    """Sum up the next *size* callers after *last*. The one loop of this file that must be fast."""
    began_us, gap, release = last.newcomer.joins_us, 1 / ARRIVALS_PER_MIN, SERVICE_MEAN_MIN / AGENTS
    before, stayed, abandoned = (
        last.free_in_us / MINUTE_US,
        last.outcome is not Outcome.ABANDONED,
        Outcome.ABANDONED,
    )
    waited = late = lost = live = services_us = served_us = 0
    place = hold = moves = moves_v = moves_u3 = moves_late = stays_u3 = 0.0
    for passage in islice(passages, size):
        newcomer, free_in_us, wait_us, outcome = passage
        _, service_us, _, accepts = newcomer
        now = free_in_us / MINUTE_US
        if before > 0:
            move = now - before + gap - (release if stayed else 0.0)
            u3 = min(before, LATE_MIN) ** 3
            moves += move
            moves_v += before * move
            moves_u3 += u3 * move
            if before > LATE_MIN:
                moves_late += move
            stays_u3 += u3 * (stayed - accept - (1 - accept) * math.exp(-before / PATIENCE_MEAN_MIN))
        before, stayed = now, outcome is not abandoned
        services_us += service_us
        served_us += service_us if stayed else 0
        lost += not stayed
        live += not accepts
        if now > 0:
            waited += 1
            place += now
            late += now > LATE_MIN
            hold += 0 if accepts else wait_us
    span_min = (passage.newcomer.joins_us - began_us) / MINUTE_US
    values = {
        "P(V>0)": waited / size,
        "P(Ab)": lost / size,
        "P(Ab) live": lost / live if live else 0.0,
        "E[V]": place / size,
        "E[W] live": hold / MINUTE_US / live if live else 0.0,
        "occupancy": served_us / MINUTE_US / AGENTS / span_min,
        "P(V>0.5)": late / size,
        "gaps": span_min / size - gap,
        "services": services_us / MINUTE_US / size - SERVICE_MEAN_MIN,
        "moves": moves / size,
        "moves v": moves_v / size,
        "moves u^3": moves_u3 / size,
        "moves late": moves_late / size,
        "stays u^3": stays_u3 / size,
    }
    return values, passage


def controls_of(name: str, controls: dict[str, list[float]]) -> list[list[float]]:
    """Return the controls that a figure is estimated with. Occupancy needs none."""
    chosen = {"occupancy": (), "P(V>0.5)": ("moves", "moves u^3", "moves late", "stays u^3")}
    return [
        controls[key] for key in chosen.get(name, ("gaps", "services", "moves", "moves v")) if key in controls
    ]


@pytest.mark.parametrize("accept", TABLE)
def test_every_cell_of_the_table_is_met(accept: float) -> None:
    figures, controls = run(accept)
    check_controls(controls)
    check_cells(
        [
            Cell(
                name=name,
                reference=reference,
                found=estimate(figures[name], controls_of(name, controls)),
            )
            for name, reference in zip(NAMES, TABLE[accept], strict=True)
            if reference is not None
        ]
    )


@pytest.mark.parametrize("accept", TABLE)
def test_the_table_is_what_the_formulas_say(accept: float) -> None:
    """To the last digit; nobody who accepts abandons."""
    solved = attrs.astuple(
        solve(arrivals=48.0, service=1.0, patience=0.5, agents=50, accept=accept, late=LATE_MIN)
    )
    for value, reference in zip(solved, TABLE[accept], strict=True):
        assert (value or 0.0) == pytest.approx(reference or 0.0, abs=0.6e-6)


@pytest.mark.parametrize("accept", SMALL_TABLE)
def test_the_small_table_is_what_the_formulas_say(accept: float) -> None:
    solved = attrs.astuple(
        solve(arrivals=10, service=1, patience=0.5, agents=10, accept=accept, late=LATE_MIN)
    )
    assert solved[:5] == pytest.approx(SMALL_TABLE[accept], abs=0.6e-6)

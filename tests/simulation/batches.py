"""
Estimates with an honest error: batch means, controls of known mean, and the rule that every cell must meet.

A control is a mean over the batch whose expectation is known to be zero. What a figure owes to the chance that
the controls show is taken out by regression over the batches (Lavenberg and Welch, Management Science 27, 1981).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import mean

import attrs

DISTANCE_MAX = 3.0
"""How far an estimate may lie from its reference, in standard errors."""
ERROR_MAX = 0.02
"""How large a standard error may be, as a share of the estimate."""
CONTROL_DISTANCE_MAX = 4.0
"""How far from zero a control may lie, in standard errors: further, and its mean is not what it was said to be."""


@attrs.frozen
class Estimate:
    """A value and its standard error."""

    value: float
    error: float

    @property
    def error_ratio(self) -> float:
        return abs(self.error / self.value) if self.value else math.inf

    def distance(self, reference: float, *, reference_error: float = 0.0) -> float:
        """Return how far the reference lies off, in standard errors (both together, if it has one)."""
        return (self.value - reference) / math.hypot(self.error, reference_error)


def estimate(figures: Sequence[float], controls: Sequence[Sequence[float]] = ()) -> Estimate:
    """
    Estimate from one figure for each batch, and what each control came to in the same batches.

    The estimate is the intercept of the least-squares fit of the figures to the controls; without controls, the
    mean of the batches. The error counts that the coefficients are estimated too.
    """
    size = len(figures)
    rows = [[*values, figure] for *values, figure in zip(*controls, figures, strict=True)]
    means = [mean(column) for column in zip(*rows, strict=True)]
    rows = [[value - middle for value, middle in zip(row, means, strict=True)] for row in rows]
    count = len(controls)
    # The normal equations, with the means of the controls as a second right side.
    table = [
        [sum(row[i] * row[j] for row in rows) for j in range(count + 1)] + [means[i]] for i in range(count)
    ]
    for i in range(count):
        table[i] = [value / table[i][i] for value in table[i]]
        for j in range(count):
            if j != i:
                factor = table[j][i]
                table[j] = [a - factor * b for a, b in zip(table[j], table[i], strict=True)]
    slopes = [row[count] for row in table]
    rest = sum((row[count] - _dot(slopes, row)) ** 2 for row in rows) / (size - 1 - count)
    lever = 1 / size + _dot([row[count + 1] for row in table], means)
    return Estimate(means[count] - _dot(slopes, means), math.sqrt(rest * lever))


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=False))


@attrs.frozen(kw_only=True)
class Cell:
    """One cell of a reference table against its estimate; `error` is the reference's own, zero if it is exact."""

    name: str
    reference: float
    found: Estimate
    error: float = 0.0

    @property
    def distance(self) -> float:
        return self.found.distance(self.reference, reference_error=self.error)

    @property
    def holds(self) -> bool:
        return abs(self.distance) <= DISTANCE_MAX and self.found.error_ratio <= ERROR_MAX

    def __str__(self) -> str:
        return (
            f"{'  ' if self.holds else '* '}{self.name}: {self.found.value:.6f}, reference {self.reference}, "
            f"SE {self.found.error:.6f} = {self.found.error_ratio:.2%}, {self.distance:+.2f} SE away"
        )


def check_cells(cells: Sequence[Cell]) -> None:
    """Fail with every cell if one of them lies too far off or is not precise enough."""
    table = "\n".join(map(str, cells))
    print(table)
    assert all(cell.holds for cell in cells), f"cells that do not hold are starred:\n{table}"


def check_controls(controls: Mapping[str, Sequence[float]]) -> None:
    """Fail if a control has not the mean of zero that the estimates count on."""
    off = {name: estimate(values).distance(0.0) for name, values in controls.items()}
    assert all(abs(distance) <= CONTROL_DISTANCE_MAX for distance in off.values()), f"in SE from zero: {off}"

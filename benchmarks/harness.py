"""Timing: the median of several runs, in microseconds, and a table of ratios."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence


def median_us(work: Callable[[], int], *, runs: int = 5) -> float:
    """Run *work*, which returns how many operations it did, and return the median cost of one."""
    costs: list[float] = []
    for _ in range(runs):
        started = time.perf_counter()
        count = work()
        costs.append((time.perf_counter() - started) / count * 1e6)
    return statistics.median(costs)


def table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a plain table."""
    body = [list(heads), *(list(row) for row in rows)]
    widths = [max(len(row[column]) for row in body) for column in range(len(heads))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in body]
    return "\n".join([title, lines[0], "-" * len(lines[0]), *lines[1:], ""])


def ratio(limit_us: float, ours_us: float) -> str:
    """Return our speed as a share of the limit's."""
    return f"{limit_us / ours_us:.3f}"

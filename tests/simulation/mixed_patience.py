"""
The line that keeps the place, solved: M/M/n with the patience of two kinds of people. An oracle for the simulation.

Zeltyn and Mandelbaum (Queueing Systems 51, 2005) reduce M/M/n+G to a few integrals, their building blocks. Here
the share p never abandons, and the patience of the others is exponential.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import attrs


@attrs.frozen(kw_only=True)
class Figures:
    """
    A row of the table. Times in the unit of the rates.

    Args:
        all_busy_ratio: callers who find no agent free.
        abandoned_ratio: of all callers.
        abandoned_live_ratio: of those who do not accept a callback; None if everybody accepts.
        place_wait: mean wait of whoever stays, zeros included.
        live_wait: mean time on hold of those who do not accept, served or not, zeros included; or None.
        occupancy: share of the agents' time in conversation.
        late_ratio: places that take longer than a given time to come up.
    """

    all_busy_ratio: float
    abandoned_ratio: float
    abandoned_live_ratio: float | None
    place_wait: float
    live_wait: float | None
    occupancy: float
    late_ratio: float


def solve(
    *, arrivals: float, service: float, patience: float, agents: int, accept: float, late: float
) -> Figures:
    """Return the figures for these rates per time unit, and for *late* in that unit."""
    lost = 1 - accept

    def impatient(x: float) -> float:
        return (1 - math.exp(-patience * x)) / patience

    def density(x: float) -> float:
        return math.exp(arrivals * (accept * x + lost * impatient(x)) - agents * service * x)

    load, term, idle = arrivals / service, 1.0, 0.0
    for busy in range(agents, 0, -1):
        idle += term
        term *= (busy - 1) / load
    block = _integral(density, 0.0)
    whole = idle + arrivals * block
    live_wait = arrivals * _integral(lambda x: impatient(x) * density(x), 0.0) / whole
    abandoned = (1 + (arrivals - agents * service) * block) / whole
    return Figures(
        all_busy_ratio=arrivals * block / whole,
        abandoned_ratio=abandoned,
        abandoned_live_ratio=abandoned / lost if lost else None,
        place_wait=arrivals * _integral(lambda x: x * density(x), 0.0) / whole,
        live_wait=live_wait if lost else None,
        occupancy=load * (1 - abandoned) / agents,
        late_ratio=arrivals * _integral(density, late) / whole,
    )


def _integral(
    function: Callable[[float], float], low: float, *, length: float = 30.0, steps: int = 60_000
) -> float:
    """Simpson's rule. Beyond *length* nothing is left of the densities that are asked for here."""
    width = length / steps
    inner = sum((4 if step % 2 else 2) * function(low + step * width) for step in range(1, steps))
    return width / 3 * (function(low) + inner + function(low + length))

"""
One line in virtual time without the engine: for figures that take millions of callers.

The rule: whoever entered first is served first, live or called back, as the engine orders its places. All else is
left out: phones do not ring, everybody answers, there is one priority and one skill. On the same people the real
engine serves and loses exactly the same callers at the same microseconds; the tests hold the two together.
Instants and durations are whole microseconds, as the engine's are, so nothing is rounded on the way.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Iterator, Sequence
from heapq import heapreplace
from random import Random
from typing import Final, NamedTuple

from callbackq.errors import ConfigurationError

FOR_EVER_US: Final = 2**62
"""The patience of whoever never hangs up."""
MINUTE_US: Final = 60_000_000
"""Microseconds in a minute."""


class Outcome(enum.Enum):
    """How the wait of a caller ended."""

    SERVED_LIVE = "served live"
    CALLED_BACK = "called back"
    ABANDONED = "abandoned"


class Newcomer(NamedTuple):
    """
    One caller who enters the line.

    Args:
        joins_us: when, since the start.
        service_us: how long the conversation takes, live or called back.
        patience_us: how long the caller stays on hold; `FOR_EVER_US` if for ever.
        accepts: a callback, if all agents are busy. Who accepts never abandons.
    """

    joins_us: int
    service_us: int
    patience_us: int
    accepts: bool


class Passage(NamedTuple):
    """
    What became of a caller.

    Args:
        free_in_us: from joining until an agent is free for this place. Below zero: so long had one been free.
        wait_us: from joining until served or gone.
    """

    newcomer: Newcomer
    free_in_us: int
    wait_us: int
    outcome: Outcome

    @property
    def ends_us(self) -> int:
        """When the wait ended, since the start."""
        return self.newcomer.joins_us + self.wait_us


def draw_newcomers(
    *,
    arrivals_per_min: float,
    service_mean_min: float,
    patience_mean_min: float | None,
    accept_ratio: float,
    random: Random,
) -> Iterator[Newcomer]:
    """
    Yield callers without end: a Poisson stream, exponential services, exponential patience.

    Every caller takes four draws, whatever the arguments are: with one seed, lines that differ in the share that
    accepts see the same people.

    Args:
        patience_mean_min: None if nobody ever hangs up.
        accept_ratio: the share that accepts a callback.

    Raises:
        ConfigurationError: a rate or mean that is not above 0, or a share that is not from 0 to 1.

    Cost: about 1 µs each.

    >>> people = draw_newcomers(
    ...     arrivals_per_min=48.0,
    ...     service_mean_min=1.0,
    ...     patience_mean_min=None,
    ...     accept_ratio=1.0,
    ...     random=Random(1),
    ... )
    >>> next(people).accepts, next(people).patience_us == FOR_EVER_US
    (True, True)
    """
    for name, value in (
        ("arrivals_per_min", arrivals_per_min),
        ("service_mean_min", service_mean_min),
        ("patience_mean_min", 1.0 if patience_mean_min is None else patience_mean_min),
    ):
        if not 0 < value < math.inf:
            raise ConfigurationError(name, value, "above 0")
    if not 0 <= accept_ratio <= 1:
        raise ConfigurationError("accept_ratio", accept_ratio, "0 to 1")
    gap_us, service_us = MINUTE_US / arrivals_per_min, MINUTE_US * service_mean_min
    patience_us = None if patience_mean_min is None else MINUTE_US * patience_mean_min
    return _drawn(gap_us, service_us, patience_us, accept_ratio, random)


def _drawn(
    gap_us: float, service_us: float, patience_us: float | None, accept_ratio: float, random: Random
) -> Iterator[Newcomer]:
    draw, log, now_us = random.random, math.log, 0.0
    while True:
        # One minus the draw is above 0 and at most 1: its logarithm exists.
        now_us -= log(1.0 - draw()) * gap_us
        service, patience, acceptance = 1.0 - draw(), 1.0 - draw(), draw()
        yield Newcomer(
            int(now_us),
            int(-log(service) * service_us),
            FOR_EVER_US if patience_us is None else int(-log(patience) * patience_us),
            acceptance < accept_ratio,
        )


def keep_place(newcomers: Iterable[Newcomer], *, agents: int) -> Iterator[Passage]:
    """
    Serve a line in the order of entry; yield what became of each caller, in that order.

    The recursion of Kiefer and Wolfowitz (1955), with abandonment. F holds when each agent is done with all who
    entered before; so the place of the caller who joins at t comes up after `V = max(0, min F - t)`. Who accepted,
    or is patient for so long, is served then by that agent; anybody else has hung up, and is skipped. With the
    callers of `draw_newcomers` that is M/M/n+G (Zeltyn and Mandelbaum, 2005), where the share p that accepts, and
    the others with exponential patience of rate theta, make `P(patience > u) = p + (1 - p) exp(-theta u)`.

    Whose patience ends in the very microsecond in which an agent is free is served here. In the engine it
    depends on which of the two it hears of first.

    Args:
        newcomers: in the order of joining.
        agents: all on duty from the start, and for good.

    Raises:
        ConfigurationError: no agent.

    Cost: O(log agents), about 0.6 µs, for each caller; nothing is kept of who has passed.

    >>> minute = MINUTE_US
    >>> people = [
    ...     Newcomer(0 * minute, 5 * minute, FOR_EVER_US, accepts=False),
    ...     Newcomer(1 * minute, 2 * minute, 3 * minute, accepts=True),
    ...     Newcomer(2 * minute, 2 * minute, 3 * minute, accepts=False),
    ... ]
    >>> [(passage.wait_us // minute, passage.outcome.value) for passage in keep_place(people, agents=1)]
    [(0, 'served live'), (4, 'called back'), (3, 'abandoned')]
    """
    if agents < 1:
        raise ConfigurationError("agents", agents, "1 or more")
    return _kept(newcomers, [0] * agents)


def _kept(newcomers: Iterable[Newcomer], free_at_us: list[int]) -> Iterator[Passage]:
    live, called_back, abandoned = Outcome.SERVED_LIVE, Outcome.CALLED_BACK, Outcome.ABANDONED
    for newcomer in newcomers:
        joins_us, service_us, patience_us, accepts = newcomer
        first_us = free_at_us[0]
        wait_us = first_us - joins_us
        if wait_us <= 0:
            heapreplace(free_at_us, joins_us + service_us)
            yield Passage(newcomer, wait_us, 0, live)
        elif accepts:
            heapreplace(free_at_us, first_us + service_us)
            yield Passage(newcomer, wait_us, wait_us, called_back)
        elif wait_us <= patience_us:
            heapreplace(free_at_us, first_us + service_us)
            yield Passage(newcomer, wait_us, wait_us, live)
        else:
            yield Passage(newcomer, wait_us, patience_us, abandoned)


def overtakes(*, joined_us: Sequence[int], ended_us: Sequence[int], served: Sequence[bool]) -> list[int]:
    """
    Count for each caller how many who entered later were served while he still waited.

    Where first come is first served, that never happens: each such event is an injustice in the sense of Larson
    (Operations Research 35, 1987). The count knows nothing of how the line was served.

    Args:
        joined_us: when each entered, in order.
        ended_us: when the wait of each ended.
        served: whether it ended with an agent.

    Cost: O(n) times how many enter during a wait.

    >>> overtakes(joined_us=[0, 1, 2], ended_us=[9, 4, 3], served=[True, True, False])
    [1, 0, 0]
    """
    counts: list[int] = []
    for index, ends_us in enumerate(ended_us):
        count = 0
        for later in range(index + 1, len(joined_us)):
            if joined_us[later] >= ends_us:
                break
            if served[later] and ended_us[later] < ends_us:
                count += 1
        counts.append(count)
    return counts

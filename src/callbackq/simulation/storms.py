"""
Many storms, one after the other or on several processors, added up.

What comes of them does not depend on how many processes there are: worlds are counted in the order of their seeds,
and those that were begun too many are left out.
"""

from __future__ import annotations

import traceback
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing
from itertools import count
from multiprocessing import get_context
from typing import Final

import attrs

from callbackq.simulation.storm import PEOPLE, Storm, StormReport

WORLDS_WITH_FINDINGS_MAX: Final = 20
"""So many worlds in which something was found are enough to look at: no more are begun."""
_AHEAD: Final = 3
"""So many worlds are begun for each process before they are counted."""


@attrs.frozen(kw_only=True)
class World:
    """
    What came of one seed: a report, or the error that ended it. Of both one is None.

    Args:
        error: a traceback.
    """

    seed: int
    report: StormReport | None = None
    error: str | None = None

    @property
    def is_well(self) -> bool:
        """Whether it came to its end, and nothing was found."""
        return self.report is not None and not self.report.findings.all


@attrs.frozen(kw_only=True)
class StormsReport:
    """
    What came of all worlds.

    Args:
        attempts_asked: so many attempts there should be; there are fewer if too much was found before.
        bad: the worlds with findings or an error.
    """

    seed: int
    attempts_asked: int
    worlds_count: int = 0
    attempts_count: int = 0
    callbacks_count: int = 0
    modes: Counter[str] = attrs.field(factory=Counter[str])
    dispositions: Counter[str] = attrs.field(factory=Counter[str])
    outcomes: Counter[str] = attrs.field(factory=Counter[str])
    went_wrong: Counter[str] = attrs.field(factory=Counter[str])
    bad: tuple[World, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether no further world is needed."""
        return self.attempts_count >= self.attempts_asked or len(self.bad) >= WORLDS_WITH_FINDINGS_MAX

    @property
    def findings_count(self) -> int:
        """How many things were found. A world that ended by an error is one."""
        return sum(len(world.report.findings.all) if world.report is not None else 1 for world in self.bad)

    def plus(self, world: World) -> StormsReport:
        """Count one more world."""
        bad = self.bad if world.is_well else (*self.bad, world)
        report = world.report
        if report is None:
            return attrs.evolve(self, worlds_count=self.worlds_count + 1, bad=bad)
        return attrs.evolve(
            self,
            worlds_count=self.worlds_count + 1,
            attempts_count=self.attempts_count + report.attempts_count,
            callbacks_count=self.callbacks_count + report.callbacks_count,
            modes=self.modes + report.modes,
            dispositions=self.dispositions + report.dispositions,
            outcomes=self.outcomes + report.outcomes,
            went_wrong=self.went_wrong + report.went_wrong,
            bad=bad,
        )


def one_world(seed: int, *, people: int = PEOPLE) -> World:
    """Let one world rage. Never raises: an error is part of what came of it."""
    try:
        return World(seed=seed, report=Storm(seed, people=people).run())
    except Exception:
        return World(seed=seed, error=traceback.format_exc())


def many_storms(
    seed: int,
    *,
    attempts: int,
    processes: int = 1,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> StormsReport:
    """
    Let the worlds *seed*, *seed* + 1 … rage until they have made so many attempts together.

    Args:
        attempts: at least so many are made, unless too much is found before; 1 or more.
        processes: how many run at once; 1 runs all in this process.
        progress: told how many attempts are counted, and of how many.

    Cost: about 3 ms for each attempt and process.
    """
    report = StormsReport(seed=seed, attempts_asked=attempts)
    with closing(_worlds(seed, processes)) as worlds:
        for world in worlds:
            report = report.plus(world)
            progress(min(report.attempts_count, attempts), attempts)
            if report.is_over:
                break
    return report


def _worlds(seed: int, processes: int) -> Generator[World]:
    """Give what came of each seed, in their order, without end."""
    if processes == 1:
        yield from map(one_world, count(seed))
        return
    seeds: Iterator[int] = count(seed)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        begun: deque[Future[World]] = deque()
        try:
            while True:
                while len(begun) < _AHEAD * processes:
                    begun.append(pool.submit(one_world, next(seeds)))
                yield begun.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

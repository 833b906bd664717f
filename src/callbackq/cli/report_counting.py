"""
Counting of `callbackq report`, by several processes where there is much to count.

What is counted adds up, whoever counted it: so each process counts some stretches of time, on a connection of its own,
and gives back integers by hour, queue and channel. The figures are worked out of the sums, here.
"""

from __future__ import annotations

import gc
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from datetime import datetime, timedelta
from functools import partial
from multiprocessing import get_context
from typing import Final

from callbackq.cli.kept import Kept, service_of
from callbackq.core.metrics.cells import CountsByCell
from callbackq.model.figures import FiguresReport, Grain, HostFigures
from callbackq.service import CallbackService

ALONE_MAX: Final = 100_000
"""Up to so many stories one process counts sooner than several are started."""
PART: Final = 25_000
"""So many stories are counted by one process at a time: the bar moves when it is done."""
PROCESSES_MAX: Final = 4
"""Hosts may be at work on the same machine: not all of it is taken."""
_CUTS: Final = 128
_SHORTEST: Final = timedelta(minutes=1)

Progress = Callable[[int, int], object]
Bounds = tuple[datetime, datetime]


def count(
    kept: Kept,
    service: CallbackService,
    bounds: Bounds,
    *,
    queues: tuple[str, ...] | None,
    grain: Grain,
    host: HostFigures,
    progress: Progress,
) -> FiguresReport:
    """
    Return the figures of a stretch of time.

    Args:
        kept: the store of *service*, as other processes open it.
        progress: told how many live calls and callbacks were counted, and how many there are.

    Raises:
        InvalidTime, InvalidText: as `service.figures`.
    """
    asked = partial(
        service.figures, from_at=bounds[0], until_at=bounds[1], queues=queues, grain=grain, host=host
    )
    helpers = min(os.cpu_count() or 1, PROCESSES_MAX) - 1
    if not helpers or _how_many(service, bounds, queues) <= ALONE_MAX:
        return asked(progress=progress)
    parts = parts_of(partial(_how_many, service, queues=queues), bounds)
    return asked(counted=_counted(kept, service, queues, parts, progress, helpers=helpers))


def _how_many(service: CallbackService, bounds: Bounds, queues: tuple[str, ...] | None) -> int:
    return service.stories_count(from_at=bounds[0], until_at=bounds[1], queues=queues) or 0


def parts_of(how_many: Callable[[Bounds], int], bounds: Bounds) -> Iterator[tuple[Bounds, int]]:
    """
    Cut a stretch of time into parts of about `PART` stories each, and say how many there are in each.

    Cost: all are counted once, or twice where they lie close together.
    """
    begin, end = bounds
    each = max((end - begin) / _CUTS, _SHORTEST)
    part_begin, found = begin, 0
    while begin < end:
        cut = min(begin + each, end)
        many = how_many((begin, cut))
        if found and found + many > PART:
            yield (part_begin, begin), found
            part_begin, found = begin, 0
        if many > 2 * PART and each > _SHORTEST:
            yield from parts_of(how_many, (begin, cut))
            part_begin = cut
        else:
            found += many
        begin = cut
    if found:
        yield (part_begin, end), found


def _counted(
    kept: Kept,
    service: CallbackService,
    queues: tuple[str, ...] | None,
    parts: Iterable[tuple[Bounds, int]],
    progress: Progress,
    *,
    helpers: int,
) -> Iterator[CountsByCell]:
    """Give what each part counts: counted by helpers, and here meanwhile, as helpers take a while to start."""
    left, given = deque(parts), dict[Future[CountsByCell], int]()
    done, total = 0, sum(many for _, many in left)
    # What is counted are tuples and integers, which make no cycles: nothing has to be looked for, here or there.
    collects = gc.isenabled()
    gc.disable()
    pool = ProcessPoolExecutor(helpers, mp_context=get_context("spawn"), initializer=gc.disable)
    try:
        while left or given:
            while left and len(given) <= helpers:
                bounds, many = left.popleft()
                given[pool.submit(_count_part, kept, queues, bounds)] = many
            if left:
                bounds, many = left.popleft()
                yield service.figure_counts(from_at=bounds[0], until_at=bounds[1], queues=queues)
                done += many
            over, _ = wait(given, timeout=0 if left else None, return_when=FIRST_COMPLETED)
            for one in over:
                yield one.result()
                done += given.pop(one)
            progress(done, total)
    finally:
        pool.shutdown(cancel_futures=True)
        if collects:
            gc.enable()


def _count_part(kept: Kept, queues: tuple[str, ...] | None, bounds: Bounds) -> CountsByCell:
    with service_of(kept) as service:
        return service.figure_counts(from_at=bounds[0], until_at=bounds[1], queues=queues)

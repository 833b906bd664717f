"""Where an adapter's reports go: to its runner, in order, and once more where the store could not take them."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final, Protocol

from callbackq.errors import AttemptNotFound, Conflict, StoreError
from callbackq.model import Report, TelephonySnapshot

logger = logging.getLogger("callbackq")

_WAITS_S: Final = (0.05, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 10.0)
"""What the store could not take is given again after these, and then every 10 s."""
_WAITING_MAX: Final = 10_000


class Switchboard(Protocol):
    """What an adapter tells. Both `ThreadRunner` and `AsyncRunner` are one."""

    def report(self, report: Report, /) -> object:
        """Take what happened to a leg. May be awaitable."""
        ...

    def telephony_down(self) -> None:
        """The connection is lost."""
        ...

    def telephony_up(self, snapshot: TelephonySnapshot | None = None) -> None:
        """The connection is there again."""
        ...


class Teller:
    """
    Gives reports to a switchboard, from the event loop of an adapter, without making the loop wait for a store.

    They arrive in the order in which they were told. Where the store is away, or has a conflict, they wait and are
    given again, in their order, and so does all that is told meanwhile: an end that overtook its conversation would be
    believed to be a call that nobody took. 10,000 may wait. One that meets nothing but conflicts is given up at last.
    """

    def __init__(self, switchboard: Switchboard) -> None:
        self._switchboard: Final = switchboard
        self._tasks: Final[set[asyncio.Task[None]]] = set()
        self._number: Final = count()
        self._waiting: Final[list[tuple[int, Report]]] = []
        self._gives_again = False
        self._is_closing = False
        self._thread: ThreadPoolExecutor | None = None

    @property
    def switchboard(self) -> Switchboard:
        """Who is told."""
        return self._switchboard

    def tell(self, report: Report | None) -> None:
        """Give a report, if it is one. Returns at once; must be called in the adapter's loop."""
        if report is None:
            return
        if self._gives_again:  # It must not overtake what the store could not take.
            self._keep(next(self._number), report)
        else:
            self._begin(self._give(next(self._number), report))

    async def close(self) -> None:
        """Wait until all that was told has arrived; half a minute at most where the store is away."""
        self._is_closing = True
        while self._tasks:
            await asyncio.wait(self._tasks)
        self._is_closing = False
        if self._thread is not None:
            self._thread.shutdown(wait=False)
            self._thread = None

    # ------------------------------------------------------------------ inside

    def _begin(self, doing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _keep(self, number: int, report: Report) -> None:
        if len(self._waiting) >= _WAITING_MAX:
            _log_lost(report, "too many wait for the store")
            return
        heappush(self._waiting, (number, report))
        if not self._gives_again:
            self._gives_again = True
            self._begin(self._give_again())

    async def _give(self, number: int, report: Report) -> None:
        try:
            error = await self._refusal(report)
        except asyncio.CancelledError:
            _log_lost(report, "the event loop ends")
            raise
        if error is not None:
            self._keep(number, report)

    async def _give_again(self) -> None:
        """Give what waits, in its order, until nothing is left."""
        tries_count = 0
        try:
            while self._waiting:
                await asyncio.sleep(_WAITS_S[min(tries_count, len(_WAITS_S) - 1)])
                first = self._waiting[0]
                error = await self._gave_all()
                tries_count = tries_count + 1 if self._waiting[:1] == [first] else 0
                if tries_count >= len(_WAITS_S) and (self._is_closing or isinstance(error, Conflict)):
                    for _, report in self._given_up(all_of_them=self._is_closing):
                        _log_lost(report, type(error).__name__)
                    tries_count = 0
        finally:
            self._gives_again = False
            for _, report in self._given_up(all_of_them=True):
                _log_lost(report, "the event loop ends")

    async def _gave_all(self) -> Exception | None:
        """Give what waits; return why the first that waits now could not be taken."""
        while self._waiting:
            number, report = heappop(self._waiting)
            try:
                error = await self._refusal(report)
            except asyncio.CancelledError:
                heappush(self._waiting, (number, report))
                raise
            if error is not None:
                heappush(self._waiting, (number, report))
                return error
        return None

    def _given_up(self, *, all_of_them: bool) -> list[tuple[int, Report]]:
        found = sorted(self._waiting) if all_of_them else self._waiting[:1]
        del self._waiting[: len(found)]
        self._waiting.sort()
        return found

    async def _refusal(self, report: Report) -> Exception | None:
        """Give a report once. Return why it is to be given again; None: it was taken, or never will be."""
        try:
            await self._give_once(report)
        except AttemptNotFound:
            logger.info("report of a leg that no attempt has: %s %s", report.kind, report.leg_id)
        except (StoreError, Conflict) as error:
            return error
        except Exception as error:
            logger.error(  # noqa: TRY400 - a traceback may hold what is said to nobody
                "%s of %s was not taken: %s", report.kind, report.leg_id, type(error).__name__
            )
        return None

    async def _give_once(self, report: Report) -> None:
        give = self._switchboard.report
        if inspect.iscoroutinefunction(give):
            await give(report)
            return
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="callbackq-reports")
        result = await asyncio.get_running_loop().run_in_executor(self._thread, give, report)
        if isinstance(result, Awaitable):
            await result


def _log_lost(report: Report, why: str) -> None:
    logger.error("%s of %s is lost: %s", report.kind, report.leg_id, why)

"""
A connection that is kept: made again when it is lost, with waits that grow, and never in a hot loop.

It knows no protocol: a *session* connects, says that it came up, and serves until it is lost.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final

import attrs

from callbackq.errors import TelephonyDown

logger = logging.getLogger("callbackq")

Session = Callable[[Callable[[], None]], Awaitable[None]]
"""Connects, calls what it was given once it is up, and serves; returns or raises when the connection is over."""

_STEADY_S: Final = 5.0
"""Who stayed up so long is tried again at once-ish; who is thrown out sooner waits longer each time."""


class LoginRefused(TelephonyDown):
    """
    The other side knows no such user, or it is another password. Nothing was done.

    Trying again is of no use before the settings, or the PBX's, are mended. An adapter that is open goes on trying,
    with its longest wait.
    """

    retry_safe = False


class ReplacedByAnother(TelephonyDown):
    """Another process has taken this one's place at the PBX. It is not fought for: end one of the two."""

    retry_safe = False


@attrs.frozen(kw_only=True)
class Waits:
    """
    How long to wait before the next try: twice as long each time, up to a bound, and half of it by chance.

    >>> [
    ...     Waits(first_s=1.0, max_s=8.0).after(failures_count, chance=1.0)
    ...     for failures_count in (1, 2, 3, 4, 5)
    ... ]
    [1.0, 2.0, 4.0, 8.0, 8.0]
    """

    first_s: float = 0.5
    max_s: float = 30.0

    def after(self, failures_count: int, *, chance: float) -> float:
        """Return the wait after so many failures, in seconds; *chance* from 0 to 1 halves it at most."""
        whole = min(self.max_s, self.first_s * 2.0 ** min(failures_count - 1, 30))
        return whole * (0.5 + 0.5 * chance)


class Connection:
    """
    Keeps a session going in a task of the running loop.

    Args:
        name: for the log, such as `Asterisk (ARI)`. Must hold no secret.
        session: see `Session`. What it raises is logged by its type and, for a `TelephonyDown`, its words.
        went_down: called when a session that was up is over, before anything else. What it raises is logged.
        waits: how long to wait between tries.
        chance: for the part of the waits that is left to it.
    """

    def __init__(
        self,
        name: str,
        session: Session,
        *,
        went_down: Callable[[], None],
        waits: Waits | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self._name: Final = name
        self._session: Final = session
        self._went_down: Final = went_down
        self._waits: Final = waits or Waits()
        self._chance: Final = chance or random.Random()
        self._task: asyncio.Task[None] | None = None
        self._first: asyncio.Future[None] | None = None
        self._is_up = False
        self._up_at_s = 0.0
        self._failures_count = 0

    @property
    def is_up(self) -> bool:
        """Whether the session is up now."""
        return self._is_up

    async def open(self) -> None:
        """
        Start, and wait for the first try. Who opens it beside somebody else waits for the same try.

        A PBX that cannot be reached yet is no error: it is tried again, and is down until then. So is being closed
        meanwhile. One that is tried no more, because another process took its place, begins anew.

        Raises:
            LoginRefused: it was reached, and knows no such user or another password. Nothing is left running.
        """
        if self._task is not None and self._task.cancelling() and not self._task.done():
            await asyncio.wait({self._task})  # It is being closed.
        if self._task is not None and not self._task.done() and self._first is not None:
            await asyncio.shield(self._first)
            return
        loop = asyncio.get_running_loop()
        self._first = loop.create_future()
        self._task = loop.create_task(self._keep())
        try:
            await asyncio.shield(self._first)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """End the session, and try no more."""
        task = self._task
        if task is None:
            return
        task.cancel()
        await asyncio.wait({task})
        if self._task is task:
            self._task = None

    async def _keep(self) -> None:
        try:
            while (wait_s := await self._once()) is not None:
                await asyncio.sleep(wait_s)
        finally:
            self._over()
            self._first_is_known()  # Who waits for it waits no more.

    async def _once(self) -> float | None:
        """Hold one session; return after how many seconds the next one is tried, or None: no more."""
        error: Exception | None = None
        try:
            await self._session(self._came_up)
        except Exception as caught:
            error = caught
        except asyncio.CancelledError:
            if _is_cancelled():
                raise
            error = TelephonyDown("a part of it was cancelled")
        was_up = self._over()
        if _is_cancelled():  # And the session made something else of that, in cleaning up.
            return None
        if was_up and asyncio.get_running_loop().time() - self._up_at_s >= _STEADY_S:
            self._failures_count = 0
        self._failures_count += 1
        is_final = self._is_final(error)
        self._log(error, was_up=was_up, is_final=is_final)
        return None if is_final else self._wait_s(error)

    def _came_up(self) -> None:
        self._is_up = True
        self._up_at_s = asyncio.get_running_loop().time()
        logger.info("%s: connected", self._name)
        self._first_is_known()

    def _over(self) -> bool:
        was_up, self._is_up = self._is_up, False
        if was_up:
            try:
                self._went_down()
            except Exception as error:
                # Whatever is wrong there, the connection is made again.
                logger.error("%s: %s in went_down", self._name, type(error).__name__)  # noqa: TRY400
        return was_up

    def _is_final(self, error: Exception | None) -> bool:
        """Whether to try no more: another one is there, or who opened it is told that the login is wrong."""
        if isinstance(error, LoginRefused) and self._first is not None and not self._first.done():
            self._first.set_exception(error)
            return True
        self._first_is_known()
        return isinstance(error, ReplacedByAnother)

    def _first_is_known(self) -> None:
        if self._first is not None and not self._first.done():
            self._first.set_result(None)

    def _wait_s(self, error: Exception | None) -> float:
        if isinstance(error, LoginRefused):
            return self._waits.max_s
        return self._waits.after(self._failures_count, chance=self._chance.random())

    def _log(self, error: Exception | None, *, was_up: bool, is_final: bool) -> None:
        what = "the connection is lost" if was_up else "no connection"
        said = "it ended" if error is None else type(error).__name__
        said = str(error) if isinstance(error, TelephonyDown) else said
        needs_somebody = isinstance(error, LoginRefused | ReplacedByAnother)
        then = "It is not tried again" if is_final else "It is tried again"
        if was_up or self._failures_count & (self._failures_count - 1) == 0:  # The 1st, 2nd, 4th, 8th … time.
            level = logging.ERROR if needs_somebody else logging.WARNING
            logger.log(level, "%s: %s (%s). %s.", self._name, what, said, then)


def _is_cancelled() -> bool:
    """Whether somebody wants this task to end, and not only a part of what it does."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0

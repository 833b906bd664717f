"""Gives commands to the service from the events of a PBX: in order, without waiting, and once more where it failed."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from callbackq.errors import Conflict, StoreError
from callbackq.masking import mask_number

logger = logging.getLogger("callbackq")

Command = Callable[[], Awaitable[object]]

_WAITS_S: Final = (0.05, 0.2, 0.5, 1.0, 2.0, 5.0)
"""A command that the store could not take is given again after these; then everything is read anew."""


class Lines:
    """
    Commands that are given in order, those of one key after another, those of different keys side by side.

    Args:
        lost: called when a command was given up, because the store was away for too long.
    """

    def __init__(self, *, lost: Callable[[], None]) -> None:
        self._lost: Final = lost
        self._lines: Final[dict[str, deque[Command]]] = {}
        self._tasks: Final[set[asyncio.Task[None]]] = set()

    def put(self, key: str, command: Command) -> None:
        """Give a command after those of the same key. Returns at once; must be called in the loop."""
        line = self._lines.get(key)
        if line is not None:
            line.append(command)
            return
        self._lines[key] = deque((command,))
        task = asyncio.get_running_loop().create_task(self._work(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drained(self, *, time_max_s: float) -> bool:
        """Wait until all that was put is done, but no longer than that; say whether it is."""
        end_s = asyncio.get_running_loop().time() + time_max_s
        while self._tasks:
            left_s = end_s - asyncio.get_running_loop().time()
            if left_s <= 0:
                return False
            await asyncio.wait(set(self._tasks), timeout=left_s)
        return True

    async def close(self) -> None:
        """Finish what was put, for a few seconds, and drop the rest."""
        await self.drained(time_max_s=5.0)
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _work(self, key: str) -> None:
        line = self._lines[key]
        try:
            while line:
                await self._give(key, line.popleft())
        finally:
            del self._lines[key]

    async def _give(self, key: str, command: Command) -> None:
        for wait_s in (*_WAITS_S, None):
            try:
                await command()
            except (StoreError, Conflict) as error:
                if wait_s is not None:
                    await asyncio.sleep(wait_s)
                    continue
                logger.warning("what Asterisk said of %s is lost: %s", _shown(key), type(error).__name__)
                self._lost()
            except Exception as error:
                # The type only: an error's text may hold a number.
                name = type(error).__name__
                logger.error("what Asterisk said of %s was not taken: %s", _shown(key), name)  # noqa: TRY400
            return


def _shown(key: str) -> str:
    """Return what can be logged: an agent's id may be a phone number."""
    kind, _, name = key.partition(" ")
    return key if kind == "call" else f"{kind} {mask_number(name)}"

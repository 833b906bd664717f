"""One daemon thread for what an adapter does besides: what must be done later, and again."""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Final

logger = logging.getLogger("callbackq")

_IDLE_MAX_S: Final = 3600.0


class Chores:
    """
    Does what it is given when its time has come, in one thread, which starts with the first chore. Safe in threads.

    What a chore raises is logged by its type. After `close` nothing is done any more, until `open`.
    """

    def __init__(self, name: str) -> None:
        self._name: Final = name
        self._due: Final[list[tuple[float, int, Callable[[], object]]]] = []
        self._number: Final = count()
        self._changed: Final = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    @property
    def is_closed(self) -> bool:
        """Whether nothing is done any more."""
        return self._is_closed

    def open(self) -> None:
        """Take chores again, after `close`."""
        with self._changed:
            self._is_closed = False

    def later(self, wait_s: float, chore: Callable[[], object]) -> None:
        """Do something after so many seconds."""
        with self._changed:
            if self._is_closed:
                return
            heapq.heappush(self._due, (time.monotonic() + wait_s, next(self._number), chore))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Do nothing more, and wait for what is being done."""
        with self._changed:
            self._is_closed = True
            self._due.clear()
            thread, self._thread = self._thread, None
            self._changed.notify()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while (chore := self._next()) is not None:
            try:
                chore()
            except BaseException as error:  # Whoever raises SystemExit must not end what others need.
                logger.error("%s: %s", self._name, type(error).__name__)  # noqa: TRY400

    def _next(self) -> Callable[[], object] | None:
        with self._changed:
            while not self._is_closed:
                wait_s = self._due[0][0] - time.monotonic() if self._due else _IDLE_MAX_S
                if wait_s <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait_s)
            return None

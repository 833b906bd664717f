"""The time of a `TwilioDouble`: what happens later, in one thread, faster than real time."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Final


class DoubleClock:
    """
    Lets things happen after so many seconds of the double's time, one after the other. Safe in threads.

    Args:
        speed: how many of the double's seconds pass in a real one.
    """

    def __init__(self, speed: float) -> None:
        self.speed: Final = speed
        self._due: Final[list[tuple[float, int, Callable[[], None]]]] = []
        self._number: Final = count()
        self._changed: Final = threading.Condition()
        self._is_busy = False
        self._is_closed = False
        self.failures: Final[list[BaseException]] = []
        self._thread: Final = threading.Thread(target=self._run, name="twilio-double", daemon=True)
        self._thread.start()

    def later(self, wait_s: float, what: Callable[[], None]) -> None:
        """Let something happen after so many seconds of the double's time."""
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + wait_s / self.speed, next(self._number), what))
            self._changed.notify_all()

    def sleep(self, seconds: float) -> None:
        """Let so many seconds of the double's time pass."""
        time.sleep(seconds / self.speed)

    def settle(self, *, time_max_s: float = 10.0) -> None:
        """Wait until nothing happens that is due. In real seconds."""
        end_s = time.monotonic() + time_max_s
        with self._changed:
            while (self._is_busy or self._is_due()) and time.monotonic() < end_s:
                self._changed.wait(0.05)

    def close(self) -> None:
        """Let nothing more happen."""
        with self._changed:
            self._is_closed = True
            self._due.clear()
            self._changed.notify_all()
        self._thread.join()

    def _is_due(self) -> bool:
        return bool(self._due) and self._due[0][0] <= time.monotonic()

    def _run(self) -> None:
        while (what := self._next()) is not None:
            try:
                what()
            except Exception as error:
                self.failures.append(error)
            with self._changed:
                self._is_busy = False
                self._changed.notify_all()

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            while not self._is_closed:
                wait_s = self._due[0][0] - time.monotonic() if self._due else None
                if wait_s is not None and wait_s <= 0:
                    self._is_busy = True
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait_s)
            return None

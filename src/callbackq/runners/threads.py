"""Daemon threads, made when there is something to do, and gone when there has been nothing for a while."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Condition, Thread
from typing import Final


class Pools:
    """
    Where methods that block are called: each kind in threads of its own, so that neither can stall the other.

    Args:
        threads_max: so many calls of each kind at once.

    Attributes:
        calls: for the telephony and the notices.
        messages: for the messengers.
    """

    def __init__(self, *, threads_max: int) -> None:
        self.calls: Final = DaemonThreads(name="callbackq-calls", threads_max=threads_max)
        self.messages: Final = DaemonThreads(name="callbackq-messages", threads_max=threads_max)

    def close(self) -> None:
        """Let their threads end."""
        self.calls.close()
        self.messages.close()


class DaemonThreads:
    """
    Runs calls in threads that never keep the process alive. Safe in threads.

    Args:
        name: of each thread.
        threads_max: so many calls at once; the rest waits in line.
        idle_s: a thread without work ends after this.
    """

    def __init__(self, *, name: str, threads_max: int, idle_s: float = 5.0) -> None:
        self._name: Final = name
        self._threads_max: Final = threads_max
        self._idle_s: Final = idle_s
        self._changed: Final = Condition()
        self._waiting: Final = deque[Callable[[], None]]()
        self._count = 0
        self._idle_count = 0
        self._closed = False

    @property
    def count(self) -> int:
        """How many threads there are now."""
        return self._count

    def submit(self, call: Callable[[], None]) -> None:
        """Run *call*, which must not raise, as soon as a thread is free. Raises: RuntimeError, if there can be none."""
        with self._changed:
            self._waiting.append(call)
            if self._idle_count >= len(self._waiting):
                self._changed.notify()
            elif self._count < self._threads_max:
                self._begin(call)

    def close(self) -> None:
        """Let idle threads end now, and the others when their call returns. What waits in line is still done."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _begin(self, call: Callable[[], None]) -> None:
        self._count += 1
        try:
            Thread(target=self._work, name=self._name, daemon=True).start()
        except BaseException:
            self._count -= 1
            if self._count:
                return  # One of the others takes it.
            self._waiting.remove(call)
            raise

    def _work(self) -> None:
        while True:
            with self._changed:
                if not self._waiting and not self._closed:
                    self._idle_count += 1
                    self._changed.wait(self._idle_s)
                    self._idle_count -= 1
                if not self._waiting:
                    self._count -= 1
                    return
                call = self._waiting.popleft()
            call()
            del call  # What it holds is not kept for as long as the thread is idle.

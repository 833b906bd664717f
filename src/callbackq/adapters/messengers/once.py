"""Each send id one time in a process, however many threads ask."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import Final

from callbackq.errors import MessageRefused

_KNOWN_MAX: Final = 65_536


class Once:
    """
    Sends each id once, and says the same of it again. Safe in threads.

    Who asks while it is being sent waits for its end. What was certainly not sent may be tried again. Only so many of
    the latest ids are known: a runner never repeats one, so that this guards against mistakes alone.

    >>> once = Once()
    >>> [once.send("msg_1.1", lambda: print("sent") or "id-7") for _ in range(2)]
    sent
    ['id-7', 'id-7']
    """

    def __init__(self, known_max: int = _KNOWN_MAX) -> None:
        self._known_max: Final = known_max
        self._lock: Final = Lock()
        self._ends: Final = dict[str, Future[str | None]]()

    def send(self, send_id: str, call: Callable[[], str | None]) -> str | None:
        """Return what *call* returned for this id. Raises: what it raised."""
        with self._lock:
            known = self._ends.get(send_id)
            end = known or Future[str | None]()
            self._ends[send_id] = end
            self._forget_oldest()
        if known is not None:
            return known.result()
        try:
            value = call()
        except BaseException as error:
            if isinstance(error, MessageRefused):
                with self._lock:
                    self._ends.pop(send_id, None)
            end.set_exception(error)
            raise
        end.set_result(value)
        return value

    def _forget_oldest(self) -> None:
        if len(self._ends) > self._known_max:
            del self._ends[next(iter(self._ends))]

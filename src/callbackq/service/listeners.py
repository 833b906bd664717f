"""
Who is told, in this process, what happened.

The rule: after the commit, in the thread that made it, outside any transaction and lock, and once for each transaction.
Nothing that a listener does changes what was done.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable
from typing import Final

from callbackq.errors import ConfigurationError
from callbackq.events import Event
from callbackq.masking import without_text
from callbackq.ports import Listener

logger = logging.getLogger("callbackq")

_MEANT_FOR_THE_PROCESS: Final = (KeyboardInterrupt, SystemExit, GeneratorExit)


class Listeners:
    """
    The listeners of one service.

    Two threads that commit at once may tell in either order; the `version` of an event orders those of one record.

    Raises:
        ConfigurationError: one of them cannot be called.
    """

    def __init__(self, listeners: Iterable[Listener]) -> None:
        self._all: Final = tuple(listeners)
        for listener in self._all:
            if not callable(listener):
                kind = type(listener).__name__
                raise ConfigurationError("listeners", kind, "functions that take a tuple of events")
        self._here: Final = threading.local()

    @property
    def are_there(self) -> bool:
        """Whether there is anybody to tell."""
        return bool(self._all)

    def tell(self, events: tuple[Event, ...]) -> None:
        """
        Tell every listener, in the order in which they were given, of the events of one transaction.

        A listener that gives a command makes new events: they are told when all have heard of the present ones, so that
        each listener hears what one thread does in the order in which it was done.
        """
        waiting: deque[tuple[Event, ...]] | None = getattr(self._here, "waiting", None)
        if waiting is not None:
            waiting.append(events)
            return
        waiting = self._here.waiting = deque([events])
        try:
            while waiting:
                some = waiting.popleft()
                for listener in self._all:
                    _tell(listener, some)
        finally:
            self._here.waiting = None


def _tell(listener: Listener, events: tuple[Event, ...]) -> None:
    try:
        listener(events)
    except _MEANT_FOR_THE_PROCESS:
        raise
    except BaseException as error:
        logger.error("a listener failed: %s", without_text(error))  # noqa: TRY400

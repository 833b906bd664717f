"""
Reports that pile up: what came while others were being taken is taken together next.

The rule: nobody waits for a pile to grow. Who comes alone is taken alone, at once; who comes while the store is at work
on others shares the next transaction with all who came meanwhile.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from threading import RLock
from typing import Final

from callbackq.effects import Reported
from callbackq.model import Report
from callbackq.service import CallbackService
from callbackq.service.reports import TOGETHER_MAX


class Piled:
    """One report, and what came of it."""

    __slots__ = ("_outcome", "_pile", "report")

    def __init__(self, report: Report, pile: Pile) -> None:
        self.report: Final = report
        self._pile: Final = pile
        self._outcome: Reported | Exception | None = None

    @property
    def is_taken(self) -> bool:
        """Whether it is known what came of it."""
        return self._outcome is not None

    def came(self, outcome: Reported | Exception) -> None:
        """Take note of what came of it."""
        self._outcome = outcome

    def taken(self) -> Reported:
        """
        Take it, with all others that wait, unless one of them has done that; blocks until it is done.

        Raises: as `CallbackService.report`.
        """
        self._pile.take(self)
        assert self._outcome is not None
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome

    def withdraw(self) -> None:
        """Take it from the pile, if it lies there still: nobody will ask what came of it."""
        self._pile.remove(self)


class Pile:
    """
    The reports that wait to be taken. Safe in threads.

    Args:
        service: takes them.
    """

    def __init__(self, service: CallbackService) -> None:
        self._service: Final = service
        self._waiting: Final = deque[Piled]()
        self._taking: Final = RLock()

    def add(self, report: Report) -> Piled:
        """Put a report on the pile; `taken` must be called of what is returned. Returns at once."""
        piled = Piled(report, self)
        self._waiting.append(piled)
        return piled

    def remove(self, piled: Piled) -> None:
        """Take one from the pile, if it lies there still."""
        with suppress(ValueError):
            self._waiting.remove(piled)

    def take(self, mine: Piled) -> None:
        """Take reports, the oldest first, until this one is taken. Raises: RuntimeError: it was withdrawn."""
        with self._taking:
            while not mine.is_taken:
                if not self._waiting:
                    msg = "this report was withdrawn before it was taken"
                    raise RuntimeError(msg)
                self._take_some(mine)

    def _take_some(self, mine: Piled) -> None:
        some = [self._waiting.popleft() for _ in range(min(TOGETHER_MAX, len(self._waiting)))]
        try:
            outcomes = self._service.report_all([piled.report for piled in some])
        except Exception as error:
            for piled in some:
                piled.came(error)
        except BaseException:  # This thread was interrupted: the others are taken by those who wait for them.
            self._waiting.extendleft(piled for piled in reversed(some) if piled is not mine)
            raise
        else:
            for piled, outcome in zip(some, outcomes, strict=True):
                piled.came(outcome)

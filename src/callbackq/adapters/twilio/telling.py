"""Where reports go: to the runner, in the thread that heard them; later again, where the store could not take them."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from functools import partial
from threading import Lock
from typing import Any, Final, Protocol, cast

from callbackq.adapters.twilio.chores import Chores
from callbackq.errors import AttemptNotFound, Conflict, StoreError
from callbackq.ids import LegId
from callbackq.model import Report, TelephonySnapshot

logger = logging.getLogger("callbackq")

_WAITS_S: Final = (0.05, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_WAITING_MAX: Final = 10_000


class TwilioRunner(Protocol):
    """What Twilio's events are told to: a `ThreadRunner` or an `AsyncRunner` (or a test)."""

    def report(self, report: Report, /) -> object:
        """Take what happened to a leg."""
        ...

    def telephony_down(self) -> None:
        """The API cannot be reached."""
        ...

    def telephony_up(self, snapshot: TelephonySnapshot | None = None) -> None:
        """The API can be reached again."""
        ...


def blocking(runner: object, method: str) -> Callable[[Any], Any]:
    """Return a runner's method as it is to be called in a thread that is not its loop's."""
    found: Callable[[Any], Any] | None = getattr(runner, f"{method}_from_thread", None)
    return found or cast("Callable[[Any], Any]", getattr(runner, method))


class Teller:
    """
    Gives reports to a runner. Safe in threads. What the store cannot take waits, and all that comes after it.

    Args:
        nobody_has: is told of a leg that no attempt ever had.
    """

    def __init__(self, chores: Chores, *, nobody_has: Callable[[LegId], None]) -> None:
        self._chores: Final = chores
        self._nobody_has: Final = nobody_has
        self._waiting: Final[deque[Report]] = deque()
        self._lock: Final = Lock()
        self.runner: TwilioRunner | None = None
        self._report: Callable[[Report], object] | None = None

    def attach(self, runner: TwilioRunner) -> None:
        """Say who is told."""
        self.runner, self._report = runner, blocking(runner, "report")

    def open(self) -> None:
        """Go on giving what was left by `close`."""
        if self._waiting:
            self._chores.later(0, partial(self._give_again, 1))

    def close(self) -> None:
        """Give what waits once more, now that the chores are closed, and name what is lost."""
        while self._waiting and self._took(self._waiting[0]):
            self._waiting.popleft()
        with self._lock:
            left = tuple(self._waiting)
            self._waiting.clear()
        for report in left:
            _log_lost(report)

    def tell(self, report: Report | None) -> None:
        """Give a report, if it is one. What the runner raises goes no further."""
        if report is None:
            return
        with self._lock:
            if self._waiting:  # It must not overtake what the store could not take.
                self._keep(report)
                return
        if not self._took(report):
            if self._chores.is_closed:
                _log_lost(report)
                return
            with self._lock:
                self._keep(report)
                if len(self._waiting) == 1:
                    self._chores.later(_WAITS_S[0], partial(self._give_again, 1))

    def _keep(self, report: Report) -> None:
        if len(self._waiting) < _WAITING_MAX:
            self._waiting.append(report)
        else:
            logger.error("%s of %s is lost: too many wait for the store", report.kind, report.leg_id)

    def _give_again(self, tries_count: int) -> None:
        """Give what waits, in its order, until the store cannot take it or nothing is left."""
        while self._waiting:
            if not self._took(self._waiting[0]):
                wait_s = _WAITS_S[min(tries_count, len(_WAITS_S) - 1)]
                self._chores.later(wait_s, partial(self._give_again, tries_count + 1))
                return
            with self._lock:
                self._waiting.popleft()

    def _took(self, report: Report) -> bool:
        """Give one report to the runner. False: the store could not take it now."""
        if self._report is None:
            logger.warning("report before attach(): %s %s", report.kind, report.leg_id)
            return True
        try:
            self._report(report)
        except AttemptNotFound:
            logger.info("report of a leg that no attempt has: %s %s", report.kind, report.leg_id)
            self._nobody_has(report.leg_id)
        except (StoreError, Conflict):
            return False
        except Exception as error:
            name = type(error).__name__
            logger.error("%s of %s was not taken: %s", report.kind, report.leg_id, name)  # noqa: TRY400
        return True


def _log_lost(report: Report) -> None:
    logger.error("%s of %s is lost: the store could not take it", report.kind, report.leg_id)

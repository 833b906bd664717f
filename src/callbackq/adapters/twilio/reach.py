"""Whether Twilio's API can be reached: told to the runner, and tried again after growing waits."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from threading import Lock
from typing import Final, TypeVar

from callbackq.adapters.connection import LoginRefused, Waits
from callbackq.adapters.twilio.api import TwilioApi, TwilioRefused, TwilioUnreachable, TwilioUnsure
from callbackq.adapters.twilio.chores import Chores
from callbackq.adapters.twilio.telling import Teller
from callbackq.errors import AdapterError, TelephonyDown

logger = logging.getLogger("callbackq")

T = TypeVar("T")

_WAITS: Final = Waits()


class Reach:
    """
    Asks the API, and knows whether it answers. Safe in threads.

    Args:
        came_back: is called when it answers again, in the thread of the chores.
    """

    def __init__(
        self, api: TwilioApi, chores: Chores, teller: Teller, *, came_back: Callable[[], None]
    ) -> None:
        self._api: Final = api
        self._chores: Final = chores
        self._teller: Final = teller
        self._came_back: Final = came_back
        self._lock: Final = Lock()
        self._chance: Final = random.Random()
        self._failures_count = 0

    @property
    def is_up(self) -> bool:
        """Whether it answered at the last try."""
        return self._failures_count == 0

    def open(self) -> None:
        """See whether it answers. Raises: LoginRefused: it knows no such account, or another token."""
        was_up, self._failures_count = self.is_up, 0  # Who was closed while it was down asked nobody since.
        try:
            self._api.check()
        except (TwilioUnreachable, TwilioUnsure, TwilioRefused) as error:
            self._went_down(error)
            return
        if not was_up:
            self._came_up()
            self._chores.later(0, self._came_back)

    def asked(self, ask: Callable[[], T]) -> T:
        """Return what the API answers. Raises: TelephonyDown: nothing was done; AdapterError: another failure."""
        try:
            return ask()
        except TwilioUnreachable as error:
            self.lost_by(error)
            raise TelephonyDown(str(error)) from None
        except TwilioRefused as error:
            self.lost_by(error)
            raise

    def lost_by(self, error: AdapterError) -> None:
        """Note an error, if it says that the API cannot be used now."""
        if isinstance(error, TwilioUnreachable) or (isinstance(error, TwilioRefused) and error.is_login):
            self._went_down(error)

    def _went_down(self, error: AdapterError) -> None:
        with self._lock:
            if self._failures_count:
                return
            self._failures_count = 1
        level = logging.ERROR if isinstance(error, TwilioRefused) else logging.WARNING
        logger.log(level, "%s. Nobody is dialed until it answers; it is asked again.", error)
        self._ask_again()
        if self._teller.runner is not None:
            self._teller.runner.telephony_down()

    def _ask_again(self) -> None:
        wait_s = _WAITS.after(self._failures_count, chance=self._chance.random())
        self._chores.later(wait_s, self._probe)

    def _probe(self) -> None:
        try:
            self._api.check()
        except AdapterError as error:
            self._failures_count += 1
            if self._failures_count & (self._failures_count - 1) == 0:  # The 2nd, 4th, 8th … time.
                logger.warning("%s. It is asked again.", error)
            if isinstance(error, LoginRefused):
                self._chores.later(_WAITS.max_s, self._probe)
            else:
                self._ask_again()
            return
        self._came_up()
        self._came_back()

    def _came_up(self) -> None:
        self._failures_count = 0
        logger.info("Twilio: reached again")
        if self._teller.runner is not None:
            self._teller.runner.telephony_up()

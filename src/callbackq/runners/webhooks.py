"""Webhooks from threads of their own: one for each endpoint, so that a slow one delays no other, and not the engine."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from types import TracebackType
from typing import Final, Self

from callbackq.errors import ConfigurationError, Conflict, StoreError
from callbackq.masking import without_text
from callbackq.webhooks import Webhooks

logger = logging.getLogger("callbackq")

_IDLE_MIN: Final = timedelta(milliseconds=10)


class WebhookRunner:
    """
    Sends webhooks as soon as something happens, and again when it is time.

    What this process commits it hears of at once; what others commit it finds when it looks, each `idle_max`.

    Args:
        webhooks: what is sent where.
        idle_max: how often it looks though it has heard of nothing. 10 ms or more.

    Use it as a context manager, or call `start` and `stop`.

    Raises:
        ConfigurationError: *idle_max* is too short.
    """

    def __init__(self, webhooks: Webhooks, *, idle_max: timedelta = timedelta(seconds=1)) -> None:
        if idle_max < _IDLE_MIN:
            raise ConfigurationError("idle_max", idle_max, f"{_IDLE_MIN} or more")
        self._webhooks: Final = webhooks
        self._idle_max: Final = idle_max
        self._wakes: Final = {name: threading.Event() for name in webhooks.endpoints}
        self._threads: list[threading.Thread] = []
        self._stopping = False

    def start(self) -> None:
        """
        Begin to send.

        Raises:
            RuntimeError: it has begun already.
        """
        if self._threads:
            raise RuntimeError("this runner was started already")
        self._stopping = False
        self._forget = self._webhooks.service.when_changed(self._wake)
        for name in self._wakes:
            thread = threading.Thread(
                target=self._run, args=(name,), name=f"callbackq-webhook-{name}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def stop(self, *, timeout: timedelta = timedelta(seconds=30)) -> bool:
        """
        Send nothing more, and wait for requests that are under way; but no longer than that, in all.

        Returns:
            Whether all of them have ended. What had not is sent once more, by whoever delivers next.
        """
        if not self._threads:
            return True
        self._stopping = True
        self._forget()
        self._wake()
        left_s = timeout.total_seconds()
        for thread in self._threads:
            thread.join(left_s / len(self._threads))
        have_ended = not any(thread.is_alive() for thread in self._threads)
        self._threads = []
        return have_ended

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wake(self) -> None:
        for wake in self._wakes.values():
            wake.set()

    def _run(self, name: str) -> None:
        wake = self._wakes[name]
        while not self._stopping:
            wake.clear()
            wake.wait(self._round(name))

    def _round(self, name: str) -> float:
        """Deliver once; return for how many seconds there is nothing to do."""
        idle_s = self._idle_max.total_seconds()
        try:
            service = self._webhooks.service
            if self._webhooks.deliver_due(service.now(), endpoint=name).has_more:
                return 0
            due_at = self._webhooks.next_wakeup(endpoint=name)
            if due_at is None:
                return idle_s
            return min(idle_s, max(_IDLE_MIN.total_seconds(), (due_at - service.now()).total_seconds()))
        except (StoreError, Conflict) as error:
            logger.warning("the store failed, webhooks wait: %s", type(error).__name__)
        except Exception as error:  # The next round tries again; a loop that ended would send nothing.
            logger.error("webhooks wait: %s", without_text(error))  # noqa: TRY400
        return idle_s

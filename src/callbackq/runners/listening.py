"""
Ears: a thread that hears what other processes write, and wakes a runner of this one.

The rule: whoever is woken once too often loses a look at the store, whoever is not woken loses time. So a runner is
woken when its ears open, when they hear, and when they are lost; and while they are closed it looks often.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from callbackq.errors import StoreError
from callbackq.ids import TenantId
from callbackq.ports import CanListen, Listening

logger = logging.getLogger("callbackq")

_AGAIN_AFTER: Final = timedelta(seconds=1)


class Ears:
    """
    Hears for one runner. `open` and `close` may be called from any thread, one after the other.

    Args:
        store: what other processes write to.
        tenant_id: of whom to hear.
        heard: called in the thread of the ears; it returns at once, and never raises.
    """

    def __init__(self, store: CanListen, tenant_id: TenantId, *, heard: Callable[[], None]) -> None:
        self._store: Final = store
        self._tenant_id: Final = tenant_id
        self._heard: Final = heard
        self._closing: Final = threading.Event()
        self._lock: Final = threading.Lock()
        self._listening: Listening | None = None
        self._thread: Final = threading.Thread(target=self._main, name="callbackq-listening", daemon=True)

    @property
    def are_open(self) -> bool:
        """Whether everything that others write is heard now."""
        return self._listening is not None

    def open(self) -> None:
        """Begin to listen. Returns at once."""
        self._thread.start()

    def close(self) -> None:
        """Listen no more. Returns at once; the thread ends soon."""
        self._closing.set()
        with self._lock:
            if self._listening is not None:
                self._listening.stop()

    def join(self, timeout_s: float) -> None:
        """Wait until the thread has ended."""
        self._thread.join(timeout_s)

    def _main(self) -> None:
        was_lost = False
        while not self._closing.is_set():
            try:
                listening = self._store.listen(self._tenant_id)
            except Exception as error:
                was_lost = self._log_once(error, was_lost=was_lost)
                self._closing.wait(_AGAIN_AFTER.total_seconds())
                continue
            was_lost = False
            try:
                self._hear(listening)
            except Exception as error:
                was_lost = self._log_once(error, was_lost=was_lost)
            finally:
                with self._lock:
                    self._listening = None
                self._let_go(listening)
                self._heard()

    def _hear(self, listening: Listening) -> None:
        with self._lock:
            self._listening = listening
        if self._closing.is_set():
            return
        self._heard()
        while listening.wait():
            self._heard()

    def _let_go(self, listening: Listening) -> None:
        try:
            listening.close()
        except StoreError as error:
            self._log_once(error, was_lost=False)

    def _log_once(self, error: Exception, *, was_lost: bool) -> bool:
        if not was_lost:
            logger.warning("other processes cannot be heard, so it is looked often: %s", type(error).__name__)
        return True

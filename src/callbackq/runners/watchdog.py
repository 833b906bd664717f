"""Whether a runner still steps: it says so itself when it has not for longer than its lease."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Final

from callbackq.ids import NodeId

logger = logging.getLogger("callbackq")


class Watchdog:
    """
    Watches the steps of one node from the loop, which a step that blocks does not block.

    By then the other nodes have seen it too: they take over what this one began, and no caller is left behind. What is
    said here is for whoever looks after the machine.

    Args:
        loop: in which time is measured.
        node_id: the name that is said.
        lease: how long steps may fail or block; None: it watches nothing.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, node_id: NodeId, lease: timedelta | None) -> None:
        self._loop: Final = loop
        self._node_id: Final = node_id
        self._lease_s: Final = None if lease is None else lease.total_seconds()
        self._timer: asyncio.TimerHandle | None = None
        self._has_barked = False

    def stepped(self) -> None:
        """Say that a step has succeeded, or that the first one is about to begin."""
        if self._lease_s is None:
            return
        self.end()
        if self._has_barked:
            self._has_barked = False
            logger.warning("node %s steps again", self._node_id)
        self._timer = self._loop.call_later(self._lease_s, self._bark)

    def end(self) -> None:
        """Watch no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _bark(self) -> None:
        self._has_barked = True
        logger.error(
            "node %s has made no step for %s s, its lease: other nodes take over what it began",
            self._node_id,
            self._lease_s,
        )

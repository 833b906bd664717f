"""How fast legs are placed: FreeSWITCH takes only so many new sessions in a second, and refuses the rest."""

from __future__ import annotations

import asyncio
from typing import Final

from callbackq.errors import DialRefused

WAIT_MAX_S: Final = 8.0
"""Who would have to wait longer for a turn is refused: a runner gives up a dial after ten seconds."""


class Pace:
    """
    Gives turns, at most so many in a second. Belongs to one loop.

    Args:
        per_s: how many.
    """

    def __init__(self, per_s: float) -> None:
        self._gap_s: Final = 1.0 / per_s
        self._next_s = 0.0

    async def turn(self) -> None:
        """
        Wait for a turn.

        Raises:
            DialRefused: too many wait already.
        """
        now_s = asyncio.get_running_loop().time()
        at_s = max(now_s, self._next_s)
        if at_s - now_s > WAIT_MAX_S:
            raise DialRefused("not dialed: so many legs are being placed that FreeSWITCH would refuse more")
        self._next_s = at_s + self._gap_s
        if at_s > now_s:
            await asyncio.sleep(at_s - now_s)

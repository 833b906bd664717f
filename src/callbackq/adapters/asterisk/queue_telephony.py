"""`WithQueues`: one telephony out of two: legs are moved over ARI, and agents are reserved in app_queue over AMI."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final, Protocol

from callbackq.adapters.asterisk.queues import AsteriskQueues
from callbackq.effects import (
    Bridge,
    ConnectCall,
    Dial,
    HangUp,
    Play,
    ReleaseAgent,
    ReserveAgent,
    SendDigits,
    StopPlay,
)
from callbackq.model import TelephonySnapshot
from callbackq.ports import AsyncTelephony


class MovesLegs(AsyncTelephony, Protocol):
    """A telephony that can say which legs it has, such as `AriTelephony`."""

    def snapshot(self) -> Awaitable[TelephonySnapshot] | TelephonySnapshot:
        """See `CanSnapshot.snapshot`."""
        ...


class WithQueues:
    """
    A telephony whose agents are members of app_queue.

    Give it to the runner; open and close its two parts yourself, and `attach` the runner to the one that moves legs.
    Live callers are app_queue's: nobody is asked to connect them.

    Args:
        legs: moves legs.
        queues: reserves agents.
    """

    def __init__(self, legs: MovesLegs, queues: AsteriskQueues) -> None:
        self._legs: Final = legs
        self._queues: Final = queues

    async def dial(self, order: Dial) -> None:
        """See `Telephony.dial`."""
        await _done(self._legs.dial(order))

    async def bridge(self, order: Bridge) -> None:
        """See `Telephony.bridge`."""
        await _done(self._legs.bridge(order))

    async def hang_up(self, order: HangUp) -> None:
        """See `Telephony.hang_up`."""
        await _done(self._legs.hang_up(order))

    async def play(self, order: Play) -> None:
        """See `Telephony.play`."""
        await _done(self._legs.play(order))

    async def stop_play(self, order: StopPlay) -> None:
        """See `Telephony.stop_play`."""
        await _done(self._legs.stop_play(order))

    async def send_digits(self, order: SendDigits) -> None:
        """See `Telephony.send_digits`."""
        await _done(self._legs.send_digits(order))

    async def connect_call(self, order: ConnectCall) -> None:
        """See `Telephony.connect_call`. It is asked of queues that callbackq serves itself, never of app_queue's."""
        await _done(self._legs.connect_call(order))

    async def snapshot(self) -> TelephonySnapshot:
        """See `CanSnapshot.snapshot`."""
        found = self._legs.snapshot()
        return found if isinstance(found, TelephonySnapshot) else await found

    async def reserve_agent(self, order: ReserveAgent) -> None:
        """See `AsteriskQueues.reserve_agent`."""
        await self._queues.reserve_agent(order)

    async def release_agent(self, order: ReleaseAgent) -> None:
        """See `AsteriskQueues.release_agent`."""
        await self._queues.release_agent(order)


async def _done(result: Awaitable[None] | None) -> None:
    if result is not None:
        await result

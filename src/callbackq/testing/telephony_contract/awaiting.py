"""An asynchronous adapter, as the contract needs it: with methods that block, on a loop that runs while they do."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, Final, TypeVar

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
from callbackq.ports import AsyncTelephony, CanReserve, CanSnapshot

T = TypeVar("T")


class Waiting:
    """
    An event loop that runs while somebody waits, and stands still otherwise: no thread, and nothing by surprise.

    Args:
        patience: what is awaited for longer has failed.
    """

    def __init__(self, *, patience: timedelta = timedelta(seconds=10)) -> None:
        self.loop: Final = asyncio.new_event_loop()
        self._patience_s: Final = patience.total_seconds()

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run until it is done; return what it returns. Raises: what it raises; TimeoutError: it took too long."""
        return self.loop.run_until_complete(asyncio.wait_for(coroutine, self._patience_s))

    def let_pass(self, duration: timedelta) -> None:
        """Let so much real time pass in the loop."""
        self.loop.run_until_complete(asyncio.sleep(duration.total_seconds()))

    def close(self) -> None:
        """Close the loop. Tasks that are left are an error of whoever left them: they are named."""
        left = [task.get_name() for task in asyncio.all_tasks(self.loop)]
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()
        assert not left, f"tasks that nobody ended: {left}"


class Blocking:
    """
    An `AsyncTelephony` whose methods return when they are done: a `Telephony`, with snapshots and reservations.

    Args:
        telephony: the adapter. One that cannot give a snapshot, or reserve, raises TypeError when it is asked.
        waiting: the loop to which it belongs.
    """

    def __init__(self, telephony: AsyncTelephony, waiting: Waiting) -> None:
        self._telephony: Final = telephony
        self._waiting: Final = waiting

    def dial(self, order: Dial) -> None:
        """See `Telephony.dial`."""
        self._do(self._telephony.dial, order)

    def bridge(self, order: Bridge) -> None:
        """See `Telephony.bridge`."""
        self._do(self._telephony.bridge, order)

    def hang_up(self, order: HangUp) -> None:
        """See `Telephony.hang_up`."""
        self._do(self._telephony.hang_up, order)

    def play(self, order: Play) -> None:
        """See `Telephony.play`."""
        self._do(self._telephony.play, order)

    def stop_play(self, order: StopPlay) -> None:
        """See `Telephony.stop_play`."""
        self._do(self._telephony.stop_play, order)

    def send_digits(self, order: SendDigits) -> None:
        """See `Telephony.send_digits`."""
        self._do(self._telephony.send_digits, order)

    def connect_call(self, order: ConnectCall) -> None:
        """See `Telephony.connect_call`."""
        self._do(self._telephony.connect_call, order)

    def snapshot(self) -> TelephonySnapshot:
        """See `CanSnapshot.snapshot`."""
        if not isinstance(self._telephony, CanSnapshot):
            raise TypeError("this telephony gives no snapshot")
        found: TelephonySnapshot = self._do(self._telephony.snapshot)
        return found

    def reserve_agent(self, order: ReserveAgent) -> None:
        """See `CanReserve.reserve_agent`."""
        if not isinstance(self._telephony, CanReserve):
            raise TypeError("this telephony reserves nobody")
        self._do(self._telephony.reserve_agent, order)

    def release_agent(self, order: ReleaseAgent) -> None:
        """See `CanReserve.release_agent`."""
        if not isinstance(self._telephony, CanReserve):
            raise TypeError("this telephony reserves nobody")
        self._do(self._telephony.release_agent, order)

    def _do(self, method: Any, *args: Any) -> Any:
        async def call() -> Any:
            result = method(*args)
            return await result if inspect.isawaitable(result) else result

        return self._waiting.wait(call())

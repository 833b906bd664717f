"""
A host with an event loop: every command is awaited, and so is the adapter. The loop never waits for the disk.

`AsyncRunner` steps the dispatcher and performs its effects, in tasks of your loop.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import callbackq as cq
from callbackq.aio import AsyncCallbackService
from callbackq.runners import AsyncRunner


class ToyTelephony:
    """An imaginary phone system: everybody answers after 50 ms, and talks for 200 ms."""

    runner: AsyncRunner
    """Set by `main`: the runner needs the telephony, and the telephony the runner."""

    def __init__(self) -> None:
        self._reports: set[asyncio.Task[cq.Reported]] = set()

    async def dial(self, order: cq.Dial) -> None:
        print("asked to Dial the", order.role)
        self._report(0.05, order.leg_id, cq.ReportKind.ANSWERED)

    async def bridge(self, order: cq.Bridge) -> None:
        print("asked to Bridge the two")
        self._report(0.01, order.customer_leg_id, cq.ReportKind.BRIDGED)
        self._report(0.2, order.customer_leg_id, cq.ReportKind.ENDED)

    async def hang_up(self, order: cq.HangUp) -> None:
        print("asked to HangUp a leg")
        self._report(0.01, order.leg_id, cq.ReportKind.ENDED)

    async def play(self, order: cq.Play) -> None:
        print("asked to Play", order.prompt)

    async def stop_play(self, order: cq.StopPlay) -> None: ...

    async def send_digits(self, order: cq.SendDigits) -> None:
        print("asked to press", order.digits)

    async def connect_call(self, order: cq.ConnectCall) -> None:
        print("asked to connect", order.call_id, "to", order.agent_id)

    def _report(self, seconds: float, leg_id: cq.LegId, kind: cq.ReportKind) -> None:
        async def later() -> cq.Reported:
            await asyncio.sleep(seconds)
            return await self.runner.report(cq.Report(leg_id=leg_id, kind=kind, cause=cq.Cause.NORMAL))

        task = asyncio.create_task(later())
        self._reports.add(task)
        task.add_done_callback(self._reports.discard)


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = cq.SQLiteStore(Path(folder) / "callbacks.db")
        service = cq.CallbackService(store, [cq.QueuePolicy(queue="support")], clock=cq.SystemClock())
        telephony = ToyTelephony()
        callbacks = AsyncCallbackService(service)
        telephony.runner = AsyncRunner(callbacks, telephony)
        async with callbacks, telephony.runner:
            receipt = await callbacks.request("support", number="+1 212 555 0101")
            await callbacks.agent_available("ann", queues=["support"])
            while (await callbacks.get(receipt.callback_id)).state is not cq.CallbackState.ENDED:
                await asyncio.sleep(0.02)
            print("outcome:", (await callbacks.get(receipt.callback_id)).outcome)
            await asyncio.sleep(0.4)  # The conversation goes on a little.
        store.close()


if __name__ == "__main__":
    asyncio.run(main())

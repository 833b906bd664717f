"""
A host with an event loop: `AsyncCallbackService` awaits every command, and the loop never waits for the disk.

You write the loop that steps the dispatcher and performs its effects: `Host.drive` and `Host.perform` are all of it.
"""

import asyncio
import tempfile
from contextlib import suppress
from pathlib import Path

import callbackq as cq
from callbackq.aio import AsyncCallbackService


class Host:
    """An imaginary phone system: everybody answers after 50 ms, and talks for 200 ms."""

    def __init__(self, service: cq.CallbackService, callbacks: AsyncCallbackService) -> None:
        self.clock, self.callbacks = service.clock, callbacks
        self.dispatcher = callbacks.dispatcher(cq.Dispatcher(service))
        self.wake = asyncio.Event()
        self.tasks: set[asyncio.Task[None]] = set()
        loop = asyncio.get_running_loop()
        service.when_changed(lambda: loop.call_soon_threadsafe(self.wake.set))

    async def drive(self) -> None:
        """Step when something changed or is due; sleep in between."""
        while True:
            self.wake.clear()
            self.perform(await self.dispatcher.step(self.clock.now()))
            due_at = await self.dispatcher.next_wakeup()
            pause_s = (due_at - self.clock.now()).total_seconds() if due_at else 1.0
            with suppress(TimeoutError):
                await asyncio.wait_for(self.wake.wait(), min(1.0, max(0.0, pause_s)))

    def perform(self, effects: tuple[cq.Effect, ...]) -> None:
        for effect in effects:
            print("asked to", type(effect).__name__)
            match effect:
                case cq.Dial():
                    self.report(0.05, effect.leg_id, cq.ReportKind.ANSWERED)
                case cq.Bridge():
                    self.report(0.01, effect.customer_leg_id, cq.ReportKind.BRIDGED)
                    self.report(0.2, effect.customer_leg_id, cq.ReportKind.ENDED)
                case cq.HangUp():
                    self.report(0.01, effect.leg_id, cq.ReportKind.ENDED)

    def report(self, seconds: float, leg_id: cq.LegId, kind: cq.ReportKind) -> None:
        said = cq.Report(leg_id=leg_id, kind=kind, cause=cq.Cause.NORMAL)

        async def tell() -> None:
            await asyncio.sleep(seconds)
            self.perform((await self.callbacks.report(said)).effects)

        task = asyncio.create_task(tell())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = cq.SQLiteStore(Path(folder) / "callbacks.db")
        service = cq.CallbackService(store, [cq.QueuePolicy(queue="support")], clock=cq.SystemClock())
        async with AsyncCallbackService(service) as callbacks:
            host = Host(service, callbacks)
            driving = asyncio.create_task(host.drive())
            receipt = await callbacks.request("support", number="+1 212 555 0101")
            await callbacks.agent_available("ann", queues=["support"])
            while (await callbacks.get(receipt.callback_id)).state is not cq.CallbackState.ENDED:
                await asyncio.sleep(0.02)
            print("outcome:", (await callbacks.get(receipt.callback_id)).outcome)
            await asyncio.sleep(0.4)  # The conversation goes on a little.
            driving.cancel()
        store.close()


if __name__ == "__main__":
    asyncio.run(main())

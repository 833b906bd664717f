"""`AsyncRunner`: drives a dispatcher from tasks of the host's event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Final, Self

from callbackq.aio import AsyncCallbackService
from callbackq.effects import Delivered, Effect, Heard, Reported
from callbackq.model import Delivery, Inbound, Report
from callbackq.ports import AsyncMessenger, AsyncNotices, AsyncTelephony
from callbackq.runners.base import LEASE_DEFAULT, RunnerBase, command_thread
from callbackq.runners.engine import Engine
from callbackq.runners.lines import Ask, in_thread
from callbackq.service import CallbackService


class AsyncRunner(RunnerBase):
    """
    Drives a dispatcher in an asyncio host: steps when something changed or is due, and sleeps in between.

    The event loop never waits for the store, nor for a method of the adapter that blocks. All else is as
    `ThreadRunner` says: effects of one attempt are performed in order, those of different attempts side by side.

    Args:
        service: whose promises. Of an `AsyncCallbackService` the thread is shared; a plain service is given commands
            in a thread that the runner owns.
        telephony: the host's adapter. Coroutine functions are awaited in the host's loop; plain methods are called
            in threads. If it can give a snapshot it is asked for one before anything is dialed.
        node_id, lease, idle_max, notices, messenger, call_time_max, threads_max: see `ThreadRunner`.

    Use it as an async context manager, or call `start` and `stop`. It belongs to the loop in which it was started;
    what is no coroutine may be called from any thread. It is not to be carried over a fork.

    Raises:
        ConfigurationError: a value is out of its bounds.
    """

    def __init__(
        self,
        service: CallbackService | AsyncCallbackService,
        telephony: AsyncTelephony,
        *,
        node_id: str | None = None,
        lease: timedelta | None = LEASE_DEFAULT,
        idle_max: timedelta = timedelta(seconds=1),
        notices: AsyncNotices | None = None,
        messenger: AsyncMessenger | Mapping[str, AsyncMessenger] | None = None,
        call_time_max: timedelta = timedelta(seconds=10),
        threads_max: int = 64,
    ) -> None:
        plain = service.sync if isinstance(service, AsyncCallbackService) else service
        super().__init__(
            plain,
            telephony,
            node_id=node_id,
            lease=lease,
            idle_max=idle_max,
            notices=notices,
            messenger=messenger,
            call_time_max=call_time_max,
            threads_max=threads_max,
        )
        self._ask: Final[Ask] = (
            service.hop.run
            if isinstance(service, AsyncCallbackService)
            else partial(in_thread, command_thread())
        )
        self._calls: Final = self._pools()
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """
        Start stepping. Starting twice changes nothing.

        Raises:
            RuntimeError: it was made before a fork.
            ConfigurationError: another node is up that orders the line of a queue of this one by other settings.
        """
        self._check_process()
        if self._running is not None and not self._running.done():
            return
        await self._ask(self._register)
        if self._running is not None and not self._running.done():
            return  # Two who start it at once both register it; it steps once.
        self._begin()
        self._engine = self._make_engine(self._ask, self._calls, owns_loop=False)
        self._running = asyncio.get_running_loop().create_task(self._engine.run())

    async def drain(self, *, timeout: timedelta = timedelta(minutes=5)) -> bool:
        """
        Begin nothing more, finish what was begun, and stop: see `ThreadRunner.drain`.

        Returns:
            True if nothing was left; False if something was handed over, or the runner was not running.
        """
        running, engine = self._running, self._engine
        if running is None or engine is None:
            return False
        engine.drain()
        await asyncio.wait({running}, timeout=timeout.total_seconds())
        await self.stop()
        await engine.closed.wait()  # Who drains it beside this one may have been the first to stop it.
        return not engine.handed_over

    async def stop(self, *, timeout: timedelta = timedelta(seconds=10)) -> None:
        """
        Stop stepping, wait until what was given out is performed, and cancel what is left after *timeout*.

        Attempts go on in the telephony. Reports are still taken, and performed, as long as the loop runs. What is not
        over is handed over to other nodes, if there are any.
        """
        running, self._running = self._running, None
        if running is None or self._engine is None:
            return
        loop = asyncio.get_running_loop()
        end_s = loop.time() + timeout.total_seconds()
        self._engine.stop()
        try:
            await asyncio.wait({running}, timeout=timeout.total_seconds())
        finally:
            running.cancel()
            await self._engine.close(timeout_s=max(0.0, end_s - loop.time()))

    async def report(self, report: Report) -> Reported:
        """
        Take a report of the telephony. What it asks for is performed soon, in other tasks.

        Reports that come while others are being taken share the next transaction.

        Who is cancelled takes nothing back: the report is taken, and what it asks for is performed.

        Raises:
            AttemptNotFound: no attempt ever had this leg.
            RuntimeError: the runner was never started.
        """
        return await self._started().report(report)

    def report_from_thread(self, report: Report) -> Reported:
        """Take a report in this thread, which is not the loop's. Raises: as `report`."""
        engine = self._started()
        reported = self._pile.add(report).taken()
        engine.hand_over(reported.effects, reported.attempt_id)
        return reported

    async def message_received(self, inbound: Inbound) -> Heard:
        """
        Take what a customer wrote. The answers are sent soon, in other tasks, though who awaits this may go.

        Raises:
            RuntimeError: the runner was never started. Else as `CallbackService.message_received`.
        """
        return await self._started().message_received(inbound)

    def message_received_from_thread(self, inbound: Inbound) -> Heard:
        """Take what a customer wrote in this thread, which is not the loop's. Raises: as `message_received`."""
        engine = self._started()
        heard = self._service.message_received(inbound)
        engine.hand_over(heard.effects)
        return heard

    async def delivery(self, report: Delivery) -> Delivered:
        """Take a receipt of a provider. Raises: as `CallbackService.delivery`; RuntimeError: it was never started."""
        return await self._started().delivery(report)

    def delivery_from_thread(self, report: Delivery) -> Delivered:
        """Take a receipt in this thread, which is not the loop's. Raises: as `CallbackService.delivery`."""
        self._check_process()
        return self._service.delivery(report)

    def perform(self, effects: Iterable[Effect]) -> None:
        """Let effects be performed that a command returned, such as `Settled.effects`. Returns at once."""
        self._started().hand_over(tuple(effects))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _started(self) -> Engine:
        self._check_process()
        if self._engine is None:
            raise RuntimeError("this runner was never started")
        return self._engine

"""`ThreadRunner`: drives a dispatcher from threads of its own, for programs without an event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Final, Self

from callbackq.effects import Delivered, Effect, Heard, Reported, SendMessage
from callbackq.ids import AttemptId
from callbackq.model import Delivery, Inbound, Report
from callbackq.ports import AsyncMessenger, AsyncNotices, AsyncTelephony
from callbackq.runners.base import LEASE_DEFAULT, RunnerBase, command_thread
from callbackq.runners.lines import Lines, in_thread
from callbackq.runners.sending import send_time_max
from callbackq.service import CallbackService

_STOP_TIME: Final = timedelta(seconds=10)


def _seconds(timeout: timedelta) -> float:
    """Return for how long to wait: no longer than threads can."""
    return min(timeout.total_seconds(), threading.TIMEOUT_MAX)


class ThreadRunner(RunnerBase):
    """
    Drives a dispatcher from daemon threads: steps when something changed or is due, and sleeps in between.

    Effects of one attempt are performed in order, those of different attempts side by side: a method of the adapter
    that blocks stalls neither the steps, nor reports, nor anybody else's attempt.

    Args:
        service: whose promises.
        telephony: the host's adapter. Plain methods are called in threads; coroutine functions are awaited in an
            event loop that the runner owns. If it can give a snapshot it is asked for one before anything is dialed.
        node_id: the name of this process, shown and logged; one that no other has, unless given.
        lease: how long it may be silent before other nodes take over what it began; None: no other knows of it.
        idle_max: it steps at least this often, for what other processes did. A store that tells it of that, as
            `PostgresStore` does, lets it be long.
        notices: who tells customers and the company's own systems what happened; nobody if None.
        messenger: who sends the messages to customers: for all channels, or by channel, each blocking or awaited;
            nobody if None. Without one this node sends none, and leaves them to others. A send may take as long as
            `Messages.send_time_max` says.
        call_time_max: a method that takes longer is named in the log, and its leg is uncertain. A coroutine is
            cancelled; a thread cannot be, and what it brings is dealt with when it comes back.
        threads_max: so many methods may block at once, and as many sends besides. When all do, the next waits until one
            comes back; a dial or a message that had to wait asks whether it is still wanted. 1 to 1,000.

    Use it as a context manager, or call `start` and `stop`. All methods are safe in threads. It is not to be carried
    over a fork: make one in each process.

    Raises:
        ConfigurationError: a value is out of its bounds.
    """

    def __init__(
        self,
        service: CallbackService,
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
        super().__init__(
            service,
            telephony,
            node_id=node_id,
            lease=lease,
            idle_max=idle_max,
            notices=notices,
            messenger=messenger,
            call_time_max=call_time_max,
            threads_max=threads_max,
        )
        self._lock: Final = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop_within_s = 0.0

    def start(self) -> None:
        """
        Start stepping. Starting twice changes nothing.

        Raises:
            RuntimeError: it was made before a fork.
            ConfigurationError: another node is up that orders the line of a queue of this one by other settings.
        """
        self._check_process()
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            self._register()
            self._begin()
            started = threading.Event()
            self._thread = threading.Thread(
                target=self._main, args=(started,), name="callbackq-runner", daemon=True
            )
            self._thread.start()
            started.wait()  # It holds no lock until then.

    def drain(self, *, timeout: timedelta = timedelta(minutes=5)) -> bool:
        """
        Begin nothing more, finish what was begun, and stop: for a deploy.

        No attempt is begun, no live call taken, no message given out. Conversations go on, their ends are heard, and
        legs are hung up. What is not over after *timeout* is handed over: other nodes take it over within a third of
        their lease, and nobody is cut off. Blocks for so long, and then as `stop` does.

        Returns:
            True if nothing was left; False if something was handed over, or the runner was not running.
        """
        with self._lock:
            thread, engine = self._thread, self._engine
            self._stop_within_s = _STOP_TIME.total_seconds()
        if thread is None or engine is None:
            return False
        engine.drain()
        thread.join(_seconds(timeout))
        self.stop()
        return not engine.handed_over

    def stop(self, *, timeout: timedelta = _STOP_TIME) -> None:
        """
        Stop stepping, and wait until what was given out is performed: at most *timeout*, whatever blocks.

        Attempts go on in the telephony. Reports are still taken, and performed, until the store is closed. What is not
        over is handed over to other nodes, if there are any: see `drain`.
        """
        with self._lock:
            thread, self._thread = self._thread, None
            engine, self._engine = self._engine, None
            self._stop_within_s = timeout.total_seconds()
        if engine is not None:
            engine.stop()
        if thread is not None:
            thread.join(_seconds(timeout))

    def report(self, report: Report) -> Reported:
        """
        Take a report of the telephony, from any thread. What it asks for is performed soon, in another thread.

        Reports that come while others are being taken share the next transaction. Of several that have come at once
        `report_all` makes one.

        Raises:
            AttemptNotFound: no attempt ever had this leg.
        """
        self._check_process()
        reported = self._pile.add(report).taken()
        self._hand_over(reported.effects, reported.attempt_id)
        return reported

    def report_all(self, reports: Sequence[Report]) -> tuple[Reported | Exception, ...]:
        """Take several reports, in this order, from any thread: see `CallbackService.report_all`."""
        self._check_process()
        done = self._service.report_all(reports)
        for one in done:
            if isinstance(one, Reported):
                self._hand_over(one.effects, one.attempt_id)
        return done

    def message_received(self, inbound: Inbound) -> Heard:
        """
        Take what a customer wrote, from any thread. The answers are sent soon, in another thread.

        Raises: as `CallbackService.message_received`.
        """
        self._check_process()
        heard = self._service.message_received(inbound)
        self._hand_over(heard.effects, None)
        return heard

    def delivery(self, report: Delivery) -> Delivered:
        """Take a receipt of a provider, from any thread. Raises: as `CallbackService.delivery`."""
        self._check_process()
        return self._service.delivery(report)

    def perform(self, effects: Iterable[Effect]) -> None:
        """Let effects be performed that a command returned, such as `Settled.effects`. Returns at once."""
        self._check_process()
        self._hand_over(tuple(effects), None)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # ------------------------------------------------------------------ inside

    def _hand_over(self, effects: tuple[Effect, ...], attempt_id: AttemptId | None) -> None:
        if not effects:
            return
        with self._lock:
            if self._engine is not None:
                self._engine.hand_over(effects, attempt_id)
                return
        late = partial(self._perform_alone, effects, attempt_id)
        threading.Thread(target=lambda: asyncio.run(late()), name="callbackq-late", daemon=True).start()

    def _main(self, started: threading.Event) -> None:
        try:
            asyncio.run(self._run(started))
        finally:
            started.set()

    async def _run(self, started: threading.Event) -> None:
        commands, pools = command_thread(), self._pools()
        engine = self._make_engine(partial(in_thread, commands), pools, owns_loop=True)
        self._engine = engine
        started.set()
        try:
            await engine.run()
            await engine.close(timeout_s=self._stop_within_s)
        finally:
            commands.close()
            pools.close()
            with self._lock:
                if self._engine is engine:
                    self._engine = None

    async def _perform_alone(self, effects: tuple[Effect, ...], attempt_id: AttemptId | None) -> None:
        """Perform what a late report asks for, when no loop runs any more."""
        commands, pools = command_thread(), self._pools()
        ask = partial(in_thread, commands)
        lines = Lines(self._service, self._host, ask=ask, pools=pools, owns_loop=True, lost=self._link.lost)
        lines.add(effects, attempt_id)
        await lines.drained(timeout_s=self._longest(effects).total_seconds() * (len(effects) + 1))
        commands.close()
        pools.close()

    def _longest(self, effects: Iterable[Effect]) -> timedelta:
        """Return how long one of these may take."""
        sends = [send_time_max(self._service, one) for one in effects if isinstance(one, SendMessage)]
        return max([self._host.call_time_max, *(known for known in sends if known is not None)])

"""
Drivers: the code that performs effects, and the only code that sleeps.

A `Driver` is for a host with its own loop: it performs what a step or a report returns, through the telephony port,
holding no lock and no transaction. A `ThreadRunner` drives one from a thread of its own.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Final, Self

from callbackq.dispatcher import Dispatcher
from callbackq.effects import Bridge, ConnectCall, Dial, Effect, HangUp, Reported
from callbackq.errors import CallbackqError, ConfigurationError, DialRefused, StoreError
from callbackq.model import Cause, Report, ReportKind
from callbackq.ports import Telephony
from callbackq.service import CallbackService

logger = logging.getLogger("callbackq")

_IDLE_MAX: Final = timedelta(days=1)
_PAUSE_MIN_S: Final = 0.005
"""Between two steps at least this, so that a record which cannot be moved never makes a loop without rest."""


class Driver:
    """
    Performs effects through a telephony port. May be used from several threads.

    Args:
        service: takes the reports.
        dispatcher: of the same service.
        telephony: the host's adapter. An exception out of it is bounded: a refused dial ends the leg, any other
            one leaves the leg in doubt until its deadline, and is logged without numbers.
    """

    def __init__(self, service: CallbackService, dispatcher: Dispatcher, telephony: Telephony) -> None:
        self._service: Final = service
        self._dispatcher: Final = dispatcher
        self._telephony: Final = telephony

    def step(self, now: datetime) -> int:
        """Step the dispatcher, perform what it returns, and say how many effects there were."""
        effects = self._dispatcher.step(now)
        self.perform(effects)
        return len(effects)

    def next_wakeup(self) -> datetime | None:
        """Return when to step again though nobody said anything."""
        return self._dispatcher.next_wakeup()

    def report(self, report: Report) -> Reported:
        """
        Take a report of the telephony, and perform what it asks for.

        Raises:
            AttemptNotFound: no attempt ever had this leg.
        """
        reported = self._service.report(report)
        self.perform(reported.effects)
        return reported

    def perform(self, effects: Iterable[Effect]) -> None:
        """Perform effects in order. Never raises what the adapter raises."""
        for effect in effects:
            match effect:
                case Dial():
                    self._dial(effect)
                case ConnectCall():
                    self._connect(effect)
                case Bridge() | HangUp():
                    self._repeatable(effect)

    def _dial(self, order: Dial) -> None:
        if not self._is_wanted(order, if_unknown=False):
            return
        try:
            self._telephony.dial(order)
        except DialRefused:
            self._tell(Report(leg_id=order.leg_id, kind=ReportKind.ENDED, cause=Cause.FAILED))
            return
        except BaseException as error:
            # It may ring: the safe side is to take it for dialed, and to let its deadline decide.
            _raise_if_meant_for_the_process(error)
            _log_failure("dial", order.leg_id, error)
            self._tell(Report(leg_id=order.leg_id, kind=ReportKind.UNCERTAIN))
        if not self._is_wanted(order, if_unknown=True):
            # The attempt ended while this thread was dialing.
            self._repeatable(HangUp(leg_id=order.leg_id))

    def _is_wanted(self, order: Dial, *, if_unknown: bool) -> bool:
        """Ask the store. Where it cannot say: do not begin to dial, and do not hang up who is being dialed."""
        try:
            return self._service.leg_is_wanted(order.leg_id)
        except CallbackqError as error:
            _log_failure("look-up", order.leg_id, error)
            return if_unknown

    def _connect(self, order: ConnectCall) -> None:
        try:
            self._telephony.connect_call(order)
        except BaseException as error:
            _raise_if_meant_for_the_process(error)
            _log_failure("connect_call", order.call_id, error)
            try:
                self._service.call_returned(order.call_id)
            except CallbackqError as second:
                _log_failure("call_returned", order.call_id, second)

    def _repeatable(self, order: Bridge | HangUp) -> None:
        try:
            if isinstance(order, Bridge):
                self._telephony.bridge(order)
            else:
                self._telephony.hang_up(order)
        except BaseException as error:
            # The attempt's deadline hangs up what is left.
            _raise_if_meant_for_the_process(error)
            if isinstance(order, Bridge):
                _log_failure("bridge", order.attempt_id, error)
            else:
                _log_failure("hang_up", order.leg_id, error)

    def _tell(self, report: Report) -> None:
        try:
            self.report(report)
        except CallbackqError as error:
            _log_failure("report", report.leg_id, error)


def _raise_if_meant_for_the_process(error: BaseException) -> None:
    """Let through what asks the process to end. A cancelled task of the adapter is no such thing."""
    if isinstance(error, (KeyboardInterrupt, SystemExit, GeneratorExit)):
        raise error


def _log_failure(what: str, which: str, error: BaseException) -> None:
    """Log what failed and where, not the error's text: an adapter's text may hold a number."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place is not None else "?"
    logger.warning("failed: %s of %s: %s at %s", what, which, type(error).__name__, where)


class ThreadRunner:
    """
    Drives a dispatcher from one daemon thread: steps when something changed or is due, and sleeps in between.

    Args:
        service: whose promises.
        telephony: the host's adapter; its methods are called from the runner's thread and from the threads that
            report. A method that blocks keeps the runner from stepping.
        node_id: the name of this process.
        idle_max: it steps at least this often, for what other processes did.

    Use it as a context manager, or call `start` and `stop`.
    """

    def __init__(
        self,
        service: CallbackService,
        telephony: Telephony,
        *,
        node_id: str | None = None,
        idle_max: timedelta = timedelta(seconds=1),
    ) -> None:
        if not timedelta(0) < idle_max <= _IDLE_MAX:
            raise ConfigurationError("idle_max", idle_max, f"more than zero, at most {_IDLE_MAX}")
        self._service: Final = service
        self._driver: Final = Driver(service, Dispatcher(service, node_id=node_id), telephony)
        self._idle_max_s: Final = idle_max.total_seconds()
        self._wake: Final = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._unsubscribe: Callable[[], None] | None = None

    def start(self) -> None:
        """Start the thread. Starting twice changes nothing."""
        if self._thread is None or not self._thread.is_alive():
            self._unsubscribe = self._service.when_changed(self._wake.set)
            self._stopping = threading.Event()
            self._thread = threading.Thread(
                target=self._loop, args=(self._stopping,), name="callbackq-runner", daemon=True
            )
            self._thread.start()

    def stop(self, *, timeout: timedelta = timedelta(seconds=10)) -> None:
        """Stop stepping, and wait for the step under way. Attempts go on in the telephony; reports are still taken."""
        thread, self._thread = self._thread, None
        if self._unsubscribe is not None:
            self._unsubscribe()
        if thread is not None:
            self._stopping.set()
            self._wake.set()
            thread.join(timeout.total_seconds())

    def report(self, report: Report) -> Reported:
        """Take a report of the telephony, from any thread. Raises: AttemptNotFound."""
        return self._driver.report(report)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _loop(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            self._wake.clear()
            try:
                self._driver.step(self._service.clock.now())
                pause_s = self._pause_s()
            except StoreError as error:
                logger.warning("the store failed, the runner goes on: %s", type(error).__name__)
                pause_s = self._idle_max_s
            except BaseException as error:  # The next step tries again; a thread that died would try nothing.
                # The type only: an error's text may hold a number.
                logger.error("a step failed, the runner goes on: %s", type(error).__name__)  # noqa: TRY400
                pause_s = self._idle_max_s
            self._wake.wait(pause_s)

    def _pause_s(self) -> float:
        due_at = self._driver.next_wakeup()
        if due_at is None:
            return self._idle_max_s
        pause_s = (due_at - self._service.clock.now()).total_seconds()
        return min(self._idle_max_s, max(_PAUSE_MIN_S, pause_s))

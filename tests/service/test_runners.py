"""Drivers: effects are performed, and what an adapter does wrong is bounded."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest

from callbackq import (
    Bridge,
    CallbackService,
    CallbackState,
    Cause,
    Commit,
    ConfigurationError,
    ConnectCall,
    Dial,
    DialRefused,
    Dispatcher,
    Disposition,
    Driver,
    HangUp,
    MemoryStore,
    Outcome,
    QueueName,
    QueuePolicy,
    Report,
    ReportKind,
    ReserveAgent,
    Store,
    StoreUnavailable,
    SystemClock,
    ThreadRunner,
)
from callbackq.testing import Behaviour, ManualClock, VirtualHost

BOB = "+12125550101"
MINUTE = timedelta(minutes=1)


class Broken:
    """A telephony that fails at one method, and does the rest through another one."""

    def __init__(self, host: VirtualHost, method: str, error: BaseException) -> None:
        self._good = host.telephony
        self._method = method
        self._error = error
        self.failures = 1

    def _maybe_fail(self, method: str) -> None:
        if method == self._method and self.failures:
            self.failures -= 1
            raise self._error

    def dial(self, order: Dial) -> None:
        if order.role == "customer":
            self._maybe_fail("dial")
        self._good.dial(order)

    def bridge(self, order: Bridge) -> None:
        self._maybe_fail("bridge")
        self._good.bridge(order)

    def hang_up(self, order: HangUp) -> None:
        self._maybe_fail("hang_up")
        self._good.hang_up(order)

    def connect_call(self, order: ConnectCall) -> None:
        self._maybe_fail("connect_call")
        self._good.connect_call(order)


def broken_host(make_host: Callable[..., VirtualHost], method: str, error: BaseException) -> VirtualHost:
    """Return a host whose telephony fails once at *method*."""
    host = make_host()
    driver = Driver(host.service, Dispatcher(host.service), Broken(host, method, error))
    host.driver = driver  # type: ignore[misc]
    host.telephony.on_report = driver.report
    return host


def test_refused_dial_ends_the_attempt_at_once(make_host: Callable[..., VirtualHost]) -> None:
    """Certainly not placed: it counts as a network failure, and is tried again by the core alone."""
    host = broken_host(make_host, "dial", DialRefused())
    callback_id = host.service.request("support", number=BOB).callback_id
    host.service.agent_available("ann", queues=["support"])
    host.run_for(timedelta(seconds=1))
    callback = host.service.get(callback_id)
    assert callback.state is CallbackState.RESTING
    assert callback.last_disposition is Disposition.NETWORK_FAILURE
    host.run_for(timedelta(minutes=10))
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


@pytest.mark.parametrize("error", [RuntimeError("lost +12125550101"), OSError(), asyncio.CancelledError()])
def test_any_other_error_of_a_dial_leaves_it_in_doubt(
    make_host: Callable[..., VirtualHost], error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    """It may ring: nobody is dialed again before its deadline, and the log holds no number."""
    host = broken_host(make_host, "dial", error)
    callback_id = host.service.request("support", number=BOB).callback_id
    host.service.agent_available("ann", queues=["support"])
    with caplog.at_level(logging.WARNING):
        host.run_for(timedelta(seconds=50))
    assert host.service.get(callback_id).state is CallbackState.ATTEMPTING
    # Ringing, hanging up, and once more as long as the phone could still ring.
    host.run_until(lambda: host.service.get(callback_id).last_disposition is not None, time_max=5 * MINUTE)
    callback = host.service.get(callback_id)
    assert callback.last_disposition is Disposition.UNKNOWN
    assert host.telephony.dialed(BOB) == 0
    assert "failed: dial of leg_" in caplog.text
    assert type(error).__name__ in caplog.text
    assert "5550101" not in caplog.text


@pytest.mark.parametrize("method", ["bridge", "hang_up", "connect_call"])
def test_repeatable_effects_that_fail_lose_nothing(
    make_host: Callable[..., VirtualHost], method: str
) -> None:
    """The deadline finds what a failed bridge or hang-up left; a live call stands in line again."""
    host = broken_host(make_host, method, RuntimeError())
    if method == "hang_up":
        host.telephony.person(BOB)
    callback_id = host.service.request("support", number=BOB).callback_id
    host.run_for(timedelta(seconds=1))
    host.service.agent_available("ann", queues=["support"])
    host.service.call_joined("support", call_id="live")
    host.run_until(lambda: host.service.get(callback_id).state is CallbackState.ENDED)
    ended = host.service.get(callback_id)
    host.run_for(timedelta(hours=1))
    if method == "bridge":
        # The customer answered and may have heard us: that is never dialed again automatically.
        assert ended.outcome is Outcome.UNREACHED
    else:
        assert ended.outcome is Outcome.COMPLETED
    assert host.telephony.live_legs() == []
    assert [entry.call_id for entry in host.telephony.log if entry.call_id] == ["live"]


class InstantTelephony:
    """Real time: everybody answers at once, and the customer hangs up after a moment."""

    def __init__(self) -> None:
        self.report: Callable[[Report], object] = lambda _report: None
        self.dialed: list[str] = []
        self._threads: list[threading.Thread] = []

    def join(self) -> None:
        """Wait until nobody reports any more."""
        for thread in self._threads:  # The list grows while reports lead to more.
            thread.join()

    def _later(self, *reports: Report) -> None:
        def tell() -> None:
            for report in reports:
                self.report(report)

        thread = threading.Thread(target=tell, daemon=True)
        thread.start()
        self._threads.append(thread)

    def dial(self, order: Dial) -> None:
        self.dialed.append(order.leg_id)
        self._later(Report(leg_id=order.leg_id, kind=ReportKind.ANSWERED))

    def bridge(self, order: Bridge) -> None:
        leg_id = order.customer_leg_id
        bridged = Report(leg_id=leg_id, kind=ReportKind.BRIDGED)
        self._later(bridged, Report(leg_id=leg_id, kind=ReportKind.ENDED, cause=Cause.NORMAL))

    def hang_up(self, order: HangUp) -> None:
        self._later(Report(leg_id=order.leg_id, kind=ReportKind.ENDED, cause=Cause.NORMAL))

    def connect_call(self, order: ConnectCall) -> None:
        return None


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait in real time for a condition, at most 20 seconds."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "the condition did not come about"
        time.sleep(0.005)


def test_thread_runner_keeps_promises_in_real_time(store: Store) -> None:
    """Ten promises and three agents, reports from many threads: all completed, each leg dialed once."""
    service = CallbackService(store, [QueuePolicy(queue="support")], clock=SystemClock())
    telephony = InstantTelephony()
    with ThreadRunner(service, telephony, idle_max=timedelta(milliseconds=50)) as runner:
        telephony.report = runner.report
        runner.start()
        ids = [service.request("support", number=f"+121255501{n:02d}").callback_id for n in range(10)]
        for name in ("a", "b", "c"):
            service.agent_available(name, queues=["support"])
        wait_for(lambda: all(service.get(one).outcome is Outcome.COMPLETED for one in ids))
        wait_for(lambda: open_attempts(service) == 0)
    runner.stop()
    telephony.join()
    assert len(telephony.dialed) == len(set(telephony.dialed)) == 20
    # Reports still under way find their attempt, though the runner is stopped.
    with pytest.raises(LookupError):
        runner.report(Report(leg_id=telephony_leg("none"), kind=ReportKind.RINGING))


def open_attempts(service: CallbackService) -> int:
    """Count the attempts that are not over."""
    with service.store.transaction(service.tenant_id, commit=Commit.READ_ONLY) as tx:
        return len(tx.attempts.open(QueueName("support")))


def telephony_leg(name: str) -> object:
    """Return a leg id that nobody dialed."""
    return f"leg_{name}"


@pytest.mark.parametrize("error", [StoreUnavailable(), RuntimeError("+12125550101"), SystemExit()])
def test_runner_goes_on_when_a_step_fails(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    """A store that is gone for a moment, or a bug, stops nothing for good; the log holds no number."""
    store = MemoryStore()
    service = CallbackService(store, [QueuePolicy(queue="support")], clock=SystemClock())
    failures = iter([True, True])

    class Flaky(Dispatcher):
        def step(self, now, **on_this_node):  # type: ignore[no-untyped-def]
            if next(failures, False):
                raise error
            return super().step(now, **on_this_node)

    runner = ThreadRunner(service, InstantTelephony(), idle_max=timedelta(milliseconds=10))
    runner._dispatcher = Flaky(service)  # type: ignore[misc]
    with caplog.at_level(logging.WARNING), runner:
        service.call_joined("support", call_id="live")
        service.agent_available("ann", queues=["support"])
        wait_for(lambda: service.call_position("live") is None)
    assert "failed, the runner goes on" in caplog.text
    assert "5550101" not in caplog.text


def test_driver_says_how_much_it_did(make_host: Callable[..., VirtualHost]) -> None:
    """A host with its own loop can tell whether anything happened, and when to come again."""
    host = make_host()
    assert host.driver.step(host.clock.now()) == 0
    assert host.driver.next_wakeup() is None
    host.service.call_joined("support", call_id="1")
    host.service.agent_available("ann", queues=["support"])
    assert host.driver.step(host.clock.now()) == 1
    assert host.driver.next_wakeup() is not None


def test_several_services_in_one_process_share_nothing() -> None:
    """M1: no global: two services with the same ids go their own ways."""
    clock = ManualClock()
    first, second = (
        CallbackService(MemoryStore(), [QueuePolicy(queue="support")], clock=clock) for _ in range(2)
    )
    first.call_joined("support", call_id="1")
    assert second.call_joined("support", call_id="1").version == 1
    first.call_left("1")
    assert second.call_position("1") is not None


def test_nothing_starts_by_itself() -> None:
    """M1: a service and a dispatcher make no thread."""
    before = threading.active_count()
    service = CallbackService(MemoryStore(), [QueuePolicy(queue="support")], clock=SystemClock())
    service.request("support", number=BOB)
    Dispatcher(service).step(service.clock.now())
    assert threading.active_count() == before


def test_one_effect_that_fails_twice_keeps_none_of_the_others(make_host: Callable[..., VirtualHost]) -> None:
    """The live call cannot be connected, and cannot be given back: the dial beside it is still made."""
    host = make_host()
    host.service.call_joined("support", call_id="live")
    host.run_for(timedelta(seconds=1))
    host.service.request("support", number=BOB)
    for name in ("ann", "ben"):
        host.service.agent_available(name, queues=["support"])
    effects = Dispatcher(host.service).step(host.clock.now())
    assert [type(effect) for effect in effects] == [ConnectCall, ReserveAgent, Dial]

    class StoreGone(CallbackService):
        def call_returned(self, call_id):  # type: ignore[no-untyped-def]
            raise StoreUnavailable

    gone = StoreGone(host.service.store, host.service.policies.values(), clock=host.clock)
    Driver(gone, Dispatcher(gone), Broken(host, "connect_call", RuntimeError())).perform(effects)
    assert len(host.telephony.live_legs()) == 1


def test_runner_can_be_stopped_and_started_again() -> None:
    """One loop at a time, and a service that is left alone by runners that stopped."""
    service = CallbackService(MemoryStore(), [QueuePolicy(queue="support")], clock=SystemClock())
    runner = ThreadRunner(service, InstantTelephony(), idle_max=timedelta(milliseconds=10))
    for round_ in range(3):
        runner.start()
        runner.start()
        service.call_joined("support", call_id=f"live-{round_}")
        service.agent_available(f"ann-{round_}", queues=["support"])
        wait_for(lambda round_=round_: service.call_position(f"live-{round_}") is None)  # type: ignore[misc]
        runner.stop()
        runner.stop()
    assert service._wakers == []
    assert not [thread for thread in threading.enumerate() if thread.name == "callbackq-runner"]


def test_a_pause_of_nothing_is_refused() -> None:
    """A runner that never rests would take a whole processor."""
    service = CallbackService(MemoryStore(), [QueuePolicy(queue="support")], clock=SystemClock())
    with pytest.raises(ConfigurationError, match="idle_max"):
        ThreadRunner(service, InstantTelephony(), idle_max=timedelta(0))


def test_a_dial_that_comes_late_rings_for_no_attempt_that_is_over(
    make_host: Callable[..., VirtualHost],
) -> None:
    """Whoever was held up between the commit and the dial asks once more, before and after."""
    host = make_host()
    host.service.request("support", number=BOB)
    host.service.agent_available("ann", queues=["support"])
    _, late = Dispatcher(host.service).step(host.clock.now())
    assert isinstance(late, Dial)
    host.service.agent_unavailable("ann")
    host.driver.perform([late])
    assert host.telephony.log == []

    class Slow(Broken):
        def dial(self, order: Dial) -> None:
            host.service.agent_unavailable("ben")
            super().dial(order)

    host.run_for(timedelta(minutes=1))
    host.service.agent_available("ben", queues=["support"])
    _, dial = Dispatcher(host.service).step(host.clock.now())
    assert isinstance(dial, Dial)
    Driver(host.service, Dispatcher(host.service), Slow(host, "none", RuntimeError())).perform([dial])
    assert host.telephony.live_legs() == []


def test_a_hang_up_that_is_lost_keeps_the_number(make_host: Callable[..., VirtualHost]) -> None:
    """Agents come and go while the customer's phone may ring: nobody dials that number a second time meanwhile."""
    host = make_host()
    host.telephony.person(BOB, Behaviour(answers_after=None))
    tell = host.telephony.on_report
    host.telephony.on_report = lambda report: (
        None
        if report.kind is ReportKind.ENDED and report.leg_id == host.telephony.leg_of(BOB)
        else tell(report)
    )
    host.service.request("support", number=BOB)
    for n in range(5):
        host.service.agent_available(f"agent-{n}", queues=["support"])
    dialed_at: list[float] = []
    for _ in range(300):
        before = host.telephony.dialed(BOB)
        host.run_for(timedelta(seconds=1))
        if host.telephony.dialed(BOB) > before:
            dialed_at.append(host.clock.now().timestamp())
        for n in range(5):
            host.telephony.hang_up_by(f"agent-{n}")
    assert len(dialed_at) <= 2
    assert all(later - earlier > 45 for earlier, later in pairwise(dialed_at))


@pytest.mark.parametrize(("failing_look_ups", "dialed"), [({1}, 0), ({2}, 1)], ids=["before", "after"])
def test_a_store_that_cannot_say_begins_no_dial_and_ends_none(
    make_host: Callable[..., VirtualHost], failing_look_ups: set[int], dialed: int
) -> None:
    """Before the dial doubt means no; after it, the phone that rings is left to ring."""
    host = make_host()
    host.service.request("support", number=BOB)
    host.service.agent_available("ann", queues=["support"])
    effects = Dispatcher(host.service).step(host.clock.now())
    asked = 0

    class Forgetful(CallbackService):
        def leg_is_wanted(self, leg_id: str) -> bool:
            nonlocal asked
            asked += 1
            if asked in failing_look_ups:
                raise StoreUnavailable
            return super().leg_is_wanted(leg_id)

    doubtful = Forgetful(host.service.store, host.service.policies.values(), clock=host.clock)
    Driver(doubtful, Dispatcher(doubtful), host.telephony).perform(effects)
    assert len(host.telephony.live_legs()) == dialed

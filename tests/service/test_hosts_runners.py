"""What runners do besides: mixed adapters, order, stopping, cancelling, forks, and threads that come and go."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import attrs
import pytest

from callbackq import (
    AttemptId,
    Bridge,
    CallbackService,
    CallbackState,
    ConfigurationError,
    Dial,
    Dispatcher,
    Disposition,
    Driver,
    Effect,
    HangUp,
    LegId,
    LookUp,
    MemoryStore,
    Outcome,
    QueuePolicy,
    ReleaseAgent,
    Report,
    ReportKind,
    ReserveAgent,
    Role,
    StopPlay,
    SystemClock,
    TelephonySnapshot,
    ThreadRunner,
)
from callbackq.aio import AsyncCallbackService
from callbackq.runners import AsyncRunner
from callbackq.runners.hands import at_once
from callbackq.runners.lines import Host, Lines
from callbackq.runners.sending import Messengers
from callbackq.runners.threads import DaemonThreads, Pools
from callbackq.testing import VirtualHost
from service.hosts import (
    ADAPTERS,
    HOSTS,
    METHODS,
    Trouble,
    open_house,
)
from service.hosts_network import (
    RINGS_ON,
    FastClock,
    Network,
    wait_for,
)

BOB = "+12125550101"
SOON = timedelta(milliseconds=10)
MINUTE = timedelta(minutes=1)
PATIENT = {"agent_ring_time": 4 * MINUTE, "ring_time": 4 * MINUTE, "join_time_max": 5 * MINUTE}


def new_service() -> CallbackService:
    return CallbackService(MemoryStore(), [QueuePolicy(queue="support", **PATIENT)], clock=SystemClock())


class Recorder:
    """A telephony that only notes what it is told, in a list; a method may wait for an event first."""

    def __init__(self) -> None:
        self.orders: list[Any] = []
        self.wait_before: dict[type, threading.Event] = {}
        for name in METHODS:
            if name not in ("snapshot", "tell"):
                setattr(self, name, self._take)

    def _take(self, order: Any) -> None:
        event = self.wait_before.get(type(order))
        if event is not None:
            event.wait(60)
        self.orders.append(order)

    def kinds(self) -> list[type]:
        return [type(order) for order in self.orders]


def decorated(method: Callable[..., Any]) -> Callable[..., Any]:
    """Hide that a method is a coroutine function, as many decorators do."""

    def plain(*args: Any) -> Any:
        return method(*args)

    return plain


# ---------------------------------------------------------------------------- drivers


def test_a_driver_takes_no_adapter_that_must_be_awaited() -> None:
    """It says so when it is built, and names the method."""

    class Awaiting(Recorder):
        async def hang_up(self, order: HangUp) -> None: ...

    service, awaiting = new_service(), Awaiting()
    del awaiting.hang_up
    with pytest.raises(ConfigurationError, match="hang_up"):
        Driver(service, Dispatcher(service), awaiting)  # type: ignore[arg-type]


def test_a_driver_treats_a_hidden_coroutine_as_uncertain(caplog: pytest.LogCaptureFixture) -> None:
    """A plain function that returns one: nothing was dialed, and nothing is left that was never awaited."""
    host = VirtualHost(MemoryStore(), [QueuePolicy(queue="support")])

    async def dial(_order: Dial) -> None:
        raise AssertionError("nobody awaits it")

    telephony = Recorder()
    telephony.dial = decorated(dial)  # type: ignore[attr-defined]
    driver = Driver(host.service, Dispatcher(host.service), telephony)  # type: ignore[arg-type]
    host.service.request("support", number=BOB)
    host.service.agent_available("ann", queues=["support"])
    driver.step(host.clock.now())
    assert "failed: dial of leg_" in caplog.text
    assert telephony.kinds() == [ReserveAgent]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_meant_for_the_process_passes(error: type[BaseException]) -> None:
    """A driver keeps nobody from ending the process."""
    host = VirtualHost(MemoryStore(), [QueuePolicy(queue="support")])

    def dial(_order: Dial) -> None:
        raise error

    telephony = Recorder()
    telephony.dial = dial  # type: ignore[attr-defined]
    driver = Driver(host.service, Dispatcher(host.service), telephony)  # type: ignore[arg-type]
    host.service.request("support", number=BOB)
    host.service.agent_available("ann", queues=["support"])
    with pytest.raises(error):
        driver.step(host.clock.now())


def test_programs_never_pause_with_hands_that_do_all_at_once() -> None:
    """One that does is a bug, and says so."""

    async def pauses() -> None:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="paused"):
        at_once(pauses())


# ---------------------------------------------------------------------------- mixed adapters


class Caller:
    """An object with a coroutine for its call."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method

    async def __call__(self, *args: Any) -> Any:
        await asyncio.sleep(0)
        return self._method(*args)


@pytest.mark.parametrize("host", HOSTS)
def test_an_adapter_may_mix_plain_methods_and_coroutines(host: str) -> None:
    """Each method is taken for what it is, or for what it turns out to be."""
    with open_house(host, "awaiting", **PATIENT) as house:
        network, telephony = house.network, house.runner._host.telephony
        loops: set[str] = set()

        async def bridge(order: Bridge) -> None:
            await asyncio.sleep(0)
            loops.add(threading.current_thread().name)
            network.bridge(order)

        def hang_up(order: HangUp) -> None:
            loops.add(threading.current_thread().name)
            network.hang_up(order)

        telephony.bridge = decorated(bridge)
        telephony.hang_up = hang_up
        telephony.dial = functools.partial(telephony.dial)
        telephony.release_agent = Caller(network.release_agent)
        one = house.request(BOB)
        house.agents("ann")
        house.until_ended(one)
        house.until_quiet()
        assert house.outcome(one) is Outcome.COMPLETED
        assert len(loops) == 2
        assert "callbackq-calls" in loops


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
def test_no_error_of_an_adapter_ends_a_thread_runner(adapter: str, error: type[BaseException]) -> None:
    """Its threads are its own: what asks the process to end cannot do so there, and must not end the runner."""
    failures = iter([error()])
    trouble = Trouble()
    trouble.error_of = lambda method, _order: next(failures, None) if method == "reserve_agent" else None
    with open_house("threads", adapter, trouble=trouble, **PATIENT) as house:
        one = house.request(BOB)
        house.agents("ann")
        house.until_ended(one)
        house.until_quiet()


# ---------------------------------------------------------------------------- order


def dial_order(leg_id: str, attempt_id: str) -> Dial:
    service = new_service()
    service.request("support", number=BOB)
    service.agent_available("ann", queues=["support"])
    dial = Dispatcher(service).step(service.now())[-1]
    assert isinstance(dial, Dial)
    return attrs.evolve(dial, leg_id=LegId(leg_id), attempt_id=attempt_id)


def perform_in_lines(telephony: Recorder, work: Callable[[Lines], Any], *, call_time_max: timedelta) -> None:
    """Do *work* with lines, and wait until they are drained."""

    async def story() -> None:
        host = Host(
            telephony=telephony,  # type: ignore[arg-type]
            notices=None,
            messengers=Messengers(None),
            idle_max=SOON,
            call_time_max=call_time_max,
            threads_max=8,
        )
        service = new_service()
        pools = Pools(threads_max=8)

        async def ask(command: Callable[[], Any]) -> Any:
            return command()

        service.leg_is_wanted = lambda _leg_id: True  # type: ignore[method-assign]
        lines = Lines(service, host, ask=ask, pools=pools, owns_loop=False, lost=lambda _now: None)
        await work(lines)
        assert await lines.drained(timeout_s=60)
        pools.close()

    asyncio.run(story())


@pytest.mark.parametrize("given", [None, "at_1"], ids=["by leg", "by attempt"])
def test_effects_of_one_attempt_are_performed_in_order(given: str | None) -> None:
    """Though the first takes its time, and its leg alone says which attempt it is of."""
    telephony = Recorder()
    slow = telephony.wait_before[Dial] = threading.Event()
    first: list[Effect] = [dial_order("leg_1", "at_1")]
    then: list[Effect] = [
        StopPlay(leg_id=LegId("leg_1")),
        Bridge(attempt_id="at_1", agent_leg_id=LegId("leg_0"), customer_leg_id=LegId("leg_1")),  # type: ignore[arg-type]
        HangUp(leg_id=LegId("leg_1")),
    ]

    async def work(lines: Lines) -> None:
        lines.add(first)
        lines.add(then, given)  # type: ignore[arg-type]
        lines.add([HangUp(leg_id=LegId("leg_of_another"))])
        while telephony.kinds() != [HangUp]:
            await asyncio.sleep(0.001)
        slow.set()

    perform_in_lines(telephony, work, call_time_max=MINUTE)
    assert telephony.kinds() == [HangUp, Dial, StopPlay, Bridge, HangUp]


def test_an_agent_is_released_before_being_reserved_again() -> None:
    """By different attempts: else the second reservation would be taken back by the first release."""
    telephony = Recorder()
    slow = telephony.wait_before[HangUp] = threading.Event()

    async def work(lines: Lines) -> None:
        lines.add([HangUp(leg_id=LegId("leg_1")), ReleaseAgent(agent_id="ann", attempt_id="at_1")], "at_1")  # type: ignore[arg-type]
        lines.add([ReserveAgent(agent_id="ann", attempt_id="at_2")], "at_2")  # type: ignore[arg-type]
        lines.add([ReserveAgent(agent_id="ben", attempt_id="at_3")], "at_3")  # type: ignore[arg-type]
        while telephony.kinds() != [ReserveAgent]:
            await asyncio.sleep(0.001)
        slow.set()

    perform_in_lines(telephony, work, call_time_max=MINUTE)
    assert telephony.kinds() == [ReserveAgent, HangUp, ReleaseAgent, ReserveAgent]


def test_a_call_that_takes_too_long_lets_the_next_one_pass(caplog: pytest.LogCaptureFixture) -> None:
    """Said once in the log; nobody waits for it any more, and what it brings is dealt with."""
    telephony = Recorder()
    slow = telephony.wait_before[Bridge] = threading.Event()

    async def work(lines: Lines) -> None:
        bridge = Bridge(attempt_id="at_1", agent_leg_id=LegId("a"), customer_leg_id=LegId("b"))  # type: ignore[arg-type]
        lines.add([bridge, HangUp(leg_id=LegId("a"))], "at_1")  # type: ignore[arg-type]
        while not telephony.orders:
            await asyncio.sleep(0.001)
        assert await lines.drained(timeout_s=60)
        slow.set()
        while len(telephony.orders) < 2:
            await asyncio.sleep(0.001)

    perform_in_lines(telephony, work, call_time_max=timedelta(milliseconds=20))
    assert telephony.kinds() == [HangUp, Bridge]
    assert caplog.text.count("late: bridge of at_1 takes more than 0.02 s") == 1


# ---------------------------------------------------------------------------- start and stop


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("idle_max", timedelta(0)),
        ("call_time_max", timedelta(days=2)),
        ("threads_max", 0),
        ("threads_max", 1_001),
    ],
)
@pytest.mark.parametrize("kind", [ThreadRunner, AsyncRunner])
def test_bounds_are_checked(kind: Any, field: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=field):
        kind(new_service(), Recorder(), **{field: value})


@pytest.mark.parametrize("kind", [ThreadRunner, AsyncRunner])
def test_a_runner_is_not_carried_over_a_fork(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so in place of doing nothing for ever."""
    runner = kind(new_service(), Recorder())
    monkeypatch.setattr("os.getpid", lambda: -1)
    with pytest.raises(RuntimeError, match="fork"):
        runner.perform([])
    with pytest.raises(RuntimeError, match="fork"):
        asyncio.run(runner.start()) if kind is AsyncRunner else runner.start()


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_stopping_waits_for_nobody_who_blocks(host: str, adapter: str) -> None:
    """The adapter blocks for longer than anybody waits; the house is closed all the same, and no task is left."""
    never = threading.Event()
    trouble = Trouble()
    trouble.blocks = lambda method, _order: never if method == "dial" else None
    with open_house(host, adapter, trouble=trouble, **PATIENT) as house:
        stop = house.runner.stop
        house.runner.stop = functools.partial(stop, timeout=timedelta(milliseconds=50))
        house.request(BOB)
        house.agents("ann")
        wait_for(lambda: trouble.blocked_count == 1)
    never.set()


def test_reports_that_come_after_the_end_are_performed() -> None:
    """The attempt goes on in the telephony: who answers then is joined all the same."""
    clock = FastClock()
    network = Network(clock)
    service = CallbackService(MemoryStore(), [QueuePolicy(queue="support", **PATIENT)], clock=clock)
    runner = ThreadRunner(service, network, idle_max=SOON)
    network.report = runner.report
    with ExitStack() as stack:
        stack.callback(network.close)
        with runner:
            one = service.request("support", number=BOB).callback_id
            network.person("ann", RINGS_ON)
            service.agent_available("ann", queues=["support"])
            wait_for(lambda: network.is_ringing("ann"))
        network.answer("ann")
        wait_for(lambda: service.get(one).outcome is Outcome.COMPLETED)
        wait_for(lambda: network.live_legs() == [])
        wait_for(lambda: not [t for t in threading.enumerate() if t.name == "callbackq-late"])


@pytest.mark.parametrize("host", HOSTS)
def test_effects_of_a_persons_word_can_be_handed_over(host: str) -> None:
    """Settled by hand while the phone rings: the legs are hung up."""
    with open_house(host, "blocking", **PATIENT) as house:
        house.network.person(BOB, RINGS_ON)
        one = house.request(BOB)
        house.agents("ann")
        wait_for(lambda: house.network.is_ringing(BOB))
        settled = house.do("settle", one, disposition=Disposition.BUSY, by="the supervisor")
        house.runner.perform(settled.effects)
        wait_for(lambda: house.network.live_legs() == [])
        wait_for(lambda: house.open_attempts() == 0)
        house.do("cancel", one)


def test_an_async_runner_must_be_started() -> None:
    """Its loop is the one in which it was started."""
    service = new_service()

    async def story() -> None:
        runner = AsyncRunner(service, Recorder())  # type: ignore[arg-type]
        with pytest.raises(RuntimeError, match="never started"):
            await runner.report(Report(leg_id=LegId("leg_1"), kind=ReportKind.RINGING))
        await runner.stop()
        await runner.start()
        await runner.start()
        with pytest.raises(LookupError):
            await runner.report(Report(leg_id=LegId("leg_1"), kind=ReportKind.RINGING))
        await runner.stop()
        await runner.stop()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert service._wakers == []

    asyncio.run(story())


def test_a_report_whose_awaiter_has_gone_is_taken_and_performed() -> None:
    """Cancelled at once: the customer is dialed all the same."""
    telephony = Recorder()
    service = new_service()

    async def until(count: int) -> None:
        while len([order for order in telephony.orders if isinstance(order, Dial)]) < count:
            await asyncio.sleep(0.001)

    async def story() -> None:
        async with (
            AsyncCallbackService(service) as callbacks,
            AsyncRunner(callbacks, telephony, idle_max=SOON) as runner,  # type: ignore[arg-type]
        ):
            await callbacks.request("support", number=BOB)
            await callbacks.agent_available("ann", queues=["support"])
            await until(1)
            leg_id = telephony.orders[-1].leg_id
            gone = asyncio.ensure_future(runner.report(Report(leg_id=leg_id, kind=ReportKind.ANSWERED)))
            await asyncio.sleep(0)
            gone.cancel()
            await until(2)
            assert telephony.orders[-1].role is Role.CUSTOMER

    asyncio.run(asyncio.wait_for(story(), 60))


@pytest.mark.parametrize("shared", [True, False], ids=["shared thread", "own thread"])
def test_the_event_loop_never_waits_for_the_store(shared: bool) -> None:
    """Every transaction is made in one other thread: of commands, of steps and of reports."""
    seen: set[str] = set()

    class Watched(MemoryStore):
        def transaction(self, tenant_id: Any, *, commit: Any) -> Any:
            seen.add(threading.current_thread().name)
            return super().transaction(tenant_id, commit=commit)

    service = CallbackService(Watched(), [QueuePolicy(queue="support")], clock=SystemClock())
    telephony = Recorder()

    async def story() -> None:
        callbacks = AsyncCallbackService(service)
        given = callbacks if shared else service
        async with callbacks, AsyncRunner(given, telephony, idle_max=SOON) as runner:  # type: ignore[arg-type]
            await callbacks.request("support", number=BOB)
            await callbacks.agent_available("ann", queues=["support"])
            while Dial not in telephony.kinds():
                await asyncio.sleep(0.001)
            leg_id = telephony.orders[-1].leg_id
            await runner.report(Report(leg_id=leg_id, kind=ReportKind.ANSWERED))

    asyncio.run(asyncio.wait_for(story(), 60))
    assert len(seen) == (1 if shared else 2)
    assert threading.current_thread().name not in seen


def test_a_thread_runner_uses_the_loop_of_an_awaiting_adapter_again_after_a_stop() -> None:
    """Stopped and started: another loop, and the same adapter."""
    with open_house("threads", "awaiting", **PATIENT) as house:
        for n in range(3):
            one = house.request(f"+121255501{n:02d}")
            house.agents(f"agent-{n}")
            house.until_ended(one)
            house.runner.stop()
            house.runner.start()
        house.until_quiet()
        assert house.service.get(one).state is CallbackState.ENDED


# ---------------------------------------------------------------------------- threads


def test_threads_come_on_demand_and_go_when_idle() -> None:
    """No more than there is to do, and no more than are allowed."""
    threads = DaemonThreads(name="few", threads_max=2, idle_s=0.02)
    assert threads.count == 0
    free, begun, done = threading.Event(), [], []

    def work(number: int) -> None:
        begun.append(number)
        free.wait(60)
        done.append(number)

    for number in range(5):
        threads.submit(functools.partial(work, number))
    wait_for(lambda: len(begun) == 2)
    assert threads.count == 2
    free.set()
    wait_for(lambda: len(done) == 5)
    assert sorted(done) == list(range(5))
    wait_for(lambda: threads.count == 0)
    threads.submit(functools.partial(work, 5))
    wait_for(lambda: 5 in done)
    threads.close()
    wait_for(lambda: threads.count == 0)
    threads.submit(functools.partial(work, 6))  # Closed for idling, not for work.
    wait_for(lambda: 6 in done)


def test_a_process_that_can_make_no_thread_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The call is not made, and not kept for later."""
    threads = DaemonThreads(name="none", threads_max=2)
    monkeypatch.setattr(threading.Thread, "start", _no_thread)
    with pytest.raises(RuntimeError, match="can't start"):
        threads.submit(lambda: None)
    assert threads.count == 0
    assert not threads._waiting


def _no_thread(_thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_many_look_ups_ask_once_more() -> None:
    """Each learns of all attempts: those that were given out before one asks have their answer from it."""
    telephony = Recorder()
    asked: list[int] = []
    slow = threading.Event()

    def snapshot() -> TelephonySnapshot:
        asked.append(1)
        slow.wait(60)
        return TelephonySnapshot(legs={}, as_of=SystemClock().now())

    telephony.snapshot = snapshot  # type: ignore[attr-defined]
    look_ups = [LookUp(attempt_id=AttemptId(f"at_{n}")) for n in range(50)]

    async def work(lines: Lines) -> None:
        lines.add(look_ups[:1])
        while not asked:
            await asyncio.sleep(0.001)
        lines.add(look_ups[1:])
        await asyncio.sleep(0.01)
        slow.set()

    perform_in_lines(telephony, work, call_time_max=MINUTE)
    assert len(asked) == 2

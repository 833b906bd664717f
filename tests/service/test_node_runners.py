"""N6 in real time: runners that are drained, hand over, are not let in, and notice that they stand still."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from callbackq import (
    Bridge,
    CallbackService,
    CallbackState,
    Commit,
    ConfigurationError,
    Dial,
    HangUp,
    LegId,
    LegSnapshot,
    LegState,
    MemoryStore,
    NodeState,
    Outcome,
    QueuePolicy,
    Report,
    ReportKind,
    Role,
    StoreUnavailable,
    SystemClock,
    TelephonySnapshot,
    ThreadRunner,
)
from callbackq.model import DueReason
from callbackq.runners import AsyncRunner
from service.hosts import HOSTS
from service.hosts_network import PATIENCE_S, wait_for

BOB, EVE = "+12125550101", "+12125550102"
SOON = timedelta(milliseconds=20)
LONG_ENOUGH = timedelta(seconds=PATIENCE_S)
SUPPORT = QueuePolicy(queue="support", calling=None)

each_host = pytest.mark.parametrize("kind", HOSTS)


class Switchboard:
    """A phone system in which everybody picks up at once, and talks until `hang_up_all`."""

    def __init__(self) -> None:
        self.report: Callable[[Report], object] = lambda _report: None
        self.dialed: list[Dial] = []
        self.up: list[LegId] = []

    def dial(self, order: Dial) -> None:
        self.dialed.append(order)
        self.up.append(order.leg_id)
        self.report(Report(leg_id=order.leg_id, kind=ReportKind.ANSWERED))

    def bridge(self, order: Bridge) -> None:
        self.report(Report(leg_id=order.customer_leg_id, kind=ReportKind.BRIDGED))

    def hang_up(self, order: HangUp) -> None:
        if order.leg_id in self.up:
            self.up.remove(order.leg_id)
            self.report(Report(leg_id=order.leg_id, kind=ReportKind.ENDED))

    def play(self, order: object) -> None: ...

    stop_play = send_digits = connect_call = play

    def hang_up_all(self) -> None:
        """Let every customer hang up."""
        for order in self.dialed:
            if order.role is Role.CUSTOMER:
                self.hang_up(HangUp(leg_id=order.leg_id))


class Host:
    """A runner of either kind, used from this thread."""

    def __init__(self, kind: str, service: CallbackService, phones: Switchboard, **settings: Any) -> None:
        settings = {"idle_max": SOON, **settings}
        self._loop: asyncio.AbstractEventLoop | None = None
        self.runner: Any
        if kind == "threads":
            self.runner = ThreadRunner(service, phones, **settings)
            return
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

        async def made() -> AsyncRunner:
            return AsyncRunner(service, phones, **settings)

        self.runner = self._done(made())

    def _done(self, work: Any) -> Any:
        if self._loop is None:
            return work
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    def start(self) -> None:
        self._done(self.runner.start())

    def drain(self, timeout: timedelta = LONG_ENOUGH) -> bool:
        drained: bool = self._done(self.runner.drain(timeout=timeout))
        return drained

    def drain_at_once(self, times: int) -> list[bool]:
        """Drain from several sides, none of which comes when another one is done."""
        if self._loop is not None:

            async def all_at_once() -> list[bool]:
                return list(await asyncio.gather(*(self.runner.drain() for _ in range(times))))

            told: list[bool] = self._done(all_at_once())
            return told
        engine, all_are_in = self.runner._engine, threading.Barrier(times)
        begin = engine.drain

        def begin_together() -> None:
            all_are_in.wait(PATIENCE_S)
            begin()

        engine.drain = begin_together
        with ThreadPoolExecutor(times) as callers:
            return list(callers.map(lambda _: self.drain(), range(times)))

    def stop(self) -> None:
        self._done(self.runner.stop())

    def report(self, report: Report) -> None:
        (self.runner.report if self._loop is None else self.runner.report_from_thread)(report)

    def close(self) -> None:
        self.stop()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(PATIENCE_S)
            self._loop.close()


@contextmanager
def opened(kind: str, service: CallbackService, phones: Switchboard, **settings: Any) -> Iterator[Host]:
    """Make a host, and stop it in the end."""
    host = Host(kind, service, phones, **settings)
    try:
        yield host
    finally:
        host.close()


def new_service(store: Any = None, policy: QueuePolicy = SUPPORT) -> CallbackService:
    return CallbackService(store or MemoryStore(), [policy], clock=SystemClock())


def connected(service: CallbackService, number: str, agent_id: str) -> str:
    """Promise a callback, and wait until the two talk."""
    callback_id = service.request("support", number=number).callback_id
    service.agent_available(agent_id, queues=["support"])
    wait_for(lambda: service.get(callback_id).state is CallbackState.ENDED)
    return callback_id


def states(service: CallbackService) -> list[NodeState]:
    return [node.state for node in service.nodes()]


@each_host
def test_a_runner_is_drained(kind: str) -> None:
    """It begins nothing more, hears the end of the conversation, and then it is gone."""
    service, phones = new_service(), Switchboard()
    with opened(kind, service, phones) as host:
        phones.report = host.report
        host.start()
        connected(service, BOB, "ann")
        assert states(service) == [NodeState.UP]
        done: list[bool] = []
        draining = threading.Thread(target=lambda: done.append(host.drain()))
        draining.start()
        wait_for(lambda: states(service) == [NodeState.DRAINING])
        waiting = service.request("support", number=EVE).callback_id
        service.agent_available("ben", queues=["support"])
        phones.hang_up_all()
        draining.join(PATIENCE_S)
        assert done == [True]
        assert states(service) == [NodeState.GONE]
        assert service.get(waiting).state is CallbackState.WAITING
        assert phones.up == []
        host.start()
        wait_for(lambda: service.get(waiting).outcome is Outcome.COMPLETED)
        assert states(service) == [NodeState.UP]


@each_host
def test_what_is_not_over_in_time_is_handed_over(kind: str) -> None:
    """Nobody is cut off: another runner takes it over long before the lease is over, and hears the end."""
    store, phones = MemoryStore(), Switchboard()
    service = new_service(store)
    hour = timedelta(hours=1)
    with opened(kind, service, phones, lease=hour) as old:
        phones.report = old.report
        old.start()
        connected(service, BOB, "ann")
        assert old.drain(SOON) is False
        (left,) = service.nodes()
        assert (left.state, left.due_reason) == (NodeState.DRAINING, DueReason.HANDED_OVER)
        with opened(kind, service, phones, lease=hour) as new:
            phones.report = new.report
            new.start()
            wait_for(lambda: NodeState.GONE in states(service))
            assert len(phones.up) == 2
            with store.transaction(service.tenant_id, commit=Commit.READ_ONLY) as tx:
                (attempt,) = tx.attempts.open(SUPPORT.queue)
            assert attempt.node_id in {node.node_id for node in service.nodes() if node.state is NodeState.UP}
            phones.hang_up_all()
            wait_for(lambda: phones.up == [])
            assert new.drain() is True


@each_host
def test_who_does_not_run_cannot_be_drained(kind: str) -> None:
    """There is nobody to finish anything."""
    with opened(kind, new_service(), Switchboard()) as host:
        assert host.drain() is False


@each_host
def test_a_runner_that_stops_is_gone(kind: str) -> None:
    """Others need not wait for its lease. One without a lease was never there."""
    service = new_service()
    with opened(kind, service, Switchboard()) as host:
        host.start()
        assert states(service) == [NodeState.UP]
        host.stop()
        assert states(service) == [NodeState.GONE]
    with opened(kind, service, Switchboard(), lease=None) as host:
        host.start()
        assert states(service) == [NodeState.GONE]


@each_host
def test_a_runner_with_another_order_is_not_started(kind: str) -> None:
    """It says why; when the other one has gone it may."""
    store = MemoryStore()
    ageing = QueuePolicy(queue="support", calling=None, priority_credit=timedelta(minutes=1))
    first, second = new_service(store), new_service(store, ageing)
    with opened(kind, first, Switchboard()) as old, opened(kind, second, Switchboard()) as new:
        old.start()
        with pytest.raises(ConfigurationError, match="priority_credit"):
            new.start()
        assert old.drain() is True
        new.start()
        assert states(second).count(NodeState.UP) == 1


@each_host
def test_a_runner_is_drained_for_however_long(kind: str) -> None:
    """Longer than a thread can wait."""
    with opened(kind, new_service(), Switchboard()) as host:
        host.start()
        assert host.drain(timedelta.max) is True


@each_host
def test_all_who_drain_a_runner_at_once_are_told_the_same(kind: str) -> None:
    """A signal comes twice, and each waits until it is known whether anything was handed over."""
    with opened(kind, new_service(), Switchboard()) as host:
        host.start()
        assert host.drain_at_once(3) == [True] * 3
        assert host.drain() is False


def test_two_who_start_a_runner_at_once_start_it_once() -> None:
    """The loop goes on to the other one while the first is made known to other nodes."""

    async def started() -> list[str]:
        runner = AsyncRunner(new_service(), Switchboard())
        await asyncio.gather(runner.start(), runner.start())
        running = [repr(task.get_coro()) for task in asyncio.all_tasks()]
        await runner.stop()
        return [name for name in running if "Engine.run" in name]

    assert len(asyncio.run(started())) == 1


class Shaky:
    """A store that fails, or blocks, as long as it is told to."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.pepper = self.store.pepper
        self.is_broken = False
        self.goes_on = threading.Event()
        self.goes_on.set()

    def transaction(self, tenant_id: Any, *, commit: Commit) -> Any:
        if self.is_broken:
            raise StoreUnavailable("it is broken")
        if threading.current_thread() is not threading.main_thread():
            self.goes_on.wait(PATIENCE_S)
        return self.store.transaction(tenant_id, commit=commit)

    def scrub(self) -> bool:
        return self.store.scrub()

    def close(self) -> None:
        self.store.close()


@each_host
def test_a_runner_starts_though_the_store_is_down(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """It says so, and is known to others as soon as it can be."""
    store = Shaky()
    service = new_service(store)
    with opened(kind, service, Switchboard()) as host:
        store.is_broken = True
        host.start()
        assert "is not known to others before its first step: StoreUnavailable" in caplog.text
        store.is_broken = False
        wait_for(lambda: states(service) == [NodeState.UP])


@each_host
def test_a_runner_that_is_not_let_in_later_says_why(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """The store was down when it started; another node with another order is up when it comes back."""
    store = Shaky()
    ageing = QueuePolicy(queue="support", calling=None, priority_credit=timedelta(minutes=1))
    service, other = new_service(store, ageing), new_service(store.store)
    with opened(kind, service, Switchboard()) as late, opened(kind, other, Switchboard()) as first:
        store.is_broken = True
        late.start()
        first.start()
        store.is_broken = False
        wait_for(lambda: "this node gives nothing out: priority_credit is" in caplog.text)
        assert len(service.nodes()) == 1


@each_host
@pytest.mark.parametrize("how", ["blocks", "fails"])
def test_a_runner_notices_that_it_makes_no_step(
    kind: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The others see it by its silence; the log says it once, and says when it is over."""
    store = Shaky()
    with opened(kind, new_service(store), Switchboard(), lease=timedelta(milliseconds=200)) as host:
        host.start()
        with caplog.at_level(logging.WARNING):
            if how == "blocks":
                store.goes_on.clear()
            else:
                store.is_broken = True
            wait_for(lambda: "has made no step for 0.2 s" in caplog.text)
            store.is_broken = False
            store.goes_on.set()
            wait_for(lambda: "steps again" in caplog.text)


class SlowSwitchboard(Switchboard):
    """Its first dial takes a while; until it is done nothing of it can be seen."""

    def __init__(self) -> None:
        super().__init__()
        self.is_dialing, self.may_go_on = threading.Event(), threading.Event()

    def dial(self, order: Dial) -> None:
        self.is_dialing.set()
        self.may_go_on.wait(PATIENCE_S)
        super().dial(order)

    def snapshot(self) -> TelephonySnapshot:
        legs = {leg_id: LegSnapshot(state=LegState.ANSWERED) for leg_id in self.up}
        return TelephonySnapshot(legs=legs, as_of=SystemClock().now())


def test_who_comes_up_does_not_believe_the_slow_dial_of_another_node_to_be_gone() -> None:
    """It is in no account yet. An attempt that ended for that would be followed by a second call."""
    service, phones = new_service(), SlowSwitchboard()
    with opened("threads", service, phones) as one, opened("threads", service, phones) as other:
        phones.report = one.report
        one.start()
        callback_id = service.request("support", number=BOB).callback_id
        service.agent_available("ann", queues=["support"])
        assert phones.is_dialing.wait(PATIENCE_S)
        other.start()
        wait_for(lambda: other.runner.telephony_is_up)
        assert service.get(callback_id).state is CallbackState.ATTEMPTING
        phones.may_go_on.set()
        wait_for(lambda: service.get(callback_id).state is CallbackState.ENDED)
        phones.hang_up_all()
    assert [order.role for order in phones.dialed] == [Role.AGENT, Role.CUSTOMER]

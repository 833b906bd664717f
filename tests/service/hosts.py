"""
Hosts in real time for the scenarios of `test_hosts_*`: two adapters, two runners.

An adapter of the network blocks or awaits; a host drives it from threads or from an event loop. A scenario is written
once, against `House`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import attrs

from callbackq import (
    AgentState,
    CallbackService,
    CallbackState,
    Commit,
    MemoryStore,
    Outcome,
    QueuePolicy,
    Report,
    ThreadRunner,
)
from callbackq.aio import AsyncCallbackService
from callbackq.runners import AsyncRunner
from callbackq.testing import Carried, CarrierEntry
from callbackq.testing.checkers import (
    dialed_after_connected,
    entries_rewritten,
    legs_dialed_twice,
    numbers_on_two_legs,
    two_active_callbacks,
)
from service.conftest import check_fold
from service.hosts_network import PATIENCE_S, FastClock, Network, wait_for

SOON = timedelta(milliseconds=20)

# ---------------------------------------------------------------------------- two adapters

METHODS = (
    "dial",
    "bridge",
    "hang_up",
    "play",
    "stop_play",
    "send_digits",
    "connect_call",
    "reserve_agent",
    "release_agent",
    "snapshot",
    "tell",
)


class Trouble:
    """
    What is wrong with an adapter.

    Attributes:
        raises: the error of each method that raises; `error_of` may choose.
        blocks: for an order, the event that its method waits for; None if it does not.
    """

    def __init__(self) -> None:
        self.error_of: Callable[[str, Any], BaseException | None] = lambda _method, _order: None
        self.blocks: Callable[[str, Any], threading.Event | None] = lambda _method, _order: None
        self.blocked_count = 0


class BlockingAdapter:
    """An adapter of plain methods; each may block."""

    def __init__(self, network: Network, trouble: Trouble) -> None:
        for name in METHODS:
            setattr(self, name, self._method(name, getattr(network, name), trouble))

    def _method(self, name: str, real: Callable[..., Any], trouble: Trouble) -> Callable[..., Any]:
        def method(*order: Any) -> Any:
            event = trouble.blocks(name, *order or (None,))
            if event is not None:
                trouble.blocked_count += 1
                event.wait(PATIENCE_S)
            error = trouble.error_of(name, *order or (None,))
            if error is not None:
                raise error
            return real(*order)

        return method


class AwaitingAdapter:
    """The same, of coroutine functions; each may wait."""

    def __init__(self, network: Network, trouble: Trouble) -> None:
        for name in METHODS:
            setattr(self, name, self._method(name, getattr(network, name), trouble))

    def _method(self, name: str, real: Callable[..., Any], trouble: Trouble) -> Callable[..., Any]:
        async def method(*order: Any) -> Any:
            await asyncio.sleep(0)
            event = trouble.blocks(name, *order or (None,))
            if event is not None:
                trouble.blocked_count += 1
                while not event.is_set():
                    await asyncio.sleep(0.005)
            error = trouble.error_of(name, *order or (None,))
            if error is not None:
                raise error
            return real(*order)

        return method


# ---------------------------------------------------------------------------- two hosts

HOSTS = ("threads", "asyncio")
ADAPTERS = ("blocking", "awaiting")


class House:
    """
    A contact center in real time. Commands are given through `do`: the service's, or the awaited ones.

    Attributes:
        clock: its time.
        network, trouble: the world, and what is wrong with the adapter.
        service: for reading.
        runner: the runner.
    """

    def __init__(
        self,
        clock: FastClock,
        network: Network,
        trouble: Trouble,
        service: CallbackService,
        store: MemoryStore,
    ) -> None:
        self.clock, self.network, self.trouble = clock, network, trouble
        self.service, self.store = service, store
        self.runner: Any = None
        self.do: Callable[..., Any] = lambda name, *args, **kwargs: getattr(service, name)(*args, **kwargs)

    def request(self, number: str) -> str:
        """Ask for a callback; return its id."""
        receipt = self.do("request", "support", number=number)
        return str(receipt.callback_id)

    def agents(self, *names: str) -> None:
        """Sign agents in."""
        for name in names:
            self.do("agent_available", name, queues=["support"])

    def outcome(self, callback_id: str) -> Outcome | None:
        return self.service.get(callback_id).outcome

    def until_ended(self, *callback_ids: str) -> None:
        """Wait until callbacks have ended."""
        left = list(callback_ids)

        def all_ended() -> bool:
            while left and self.service.get(left[-1]).state is CallbackState.ENDED:
                left.pop()
            return not left

        wait_for(all_ended, f"the end of {callback_ids[:3]}")

    def rows(self, read: Callable[[Any], Any]) -> Any:
        """Read from the store."""
        with self.store.transaction(self.service.tenant_id, commit=Commit.READ_ONLY) as tx:
            return read(tx)

    def history(self) -> list[Any]:
        return list(self.rows(lambda tx: tx.history.all()))

    def open_attempts(self) -> int:
        """Count attempts that are not over."""
        return len(self.rows(lambda tx: tx.attempts.open("support")))

    def until_quiet(self) -> None:
        """Wait until no attempt is under way, no phone rings, and no agent is held by anything."""
        held = (AgentState.RESERVED, AgentState.BUSY)

        def quiet() -> bool:
            agents = {event.agent_id: event.state for event in self.history() if event.entity == "agent"}
            return (
                self.open_attempts() == 0
                and self.network.live_legs() == []
                and not any(state in held for state in agents.values())
                and self.network.reserved == {}
            )

        wait_for(quiet, "quiet")

    def check(self) -> None:
        """Hold what happened against what must never happen."""
        history = self.history()
        log = list(self.network.log)
        rows = self.rows(
            lambda tx: [
                tx.callbacks.get(event.callback_id) for event in history if event.kind == "callback_requested"
            ]
        )
        assert legs_dialed_twice(log) == []
        assert numbers_on_two_legs(log) == []
        assert two_active_callbacks(history) == []
        assert entries_rewritten(history, callbacks=rows, world=[]) == []
        assert dialed_after_connected(log, world=_connected(log, history)) == []
        check_fold(self.store)
        assert self.network.errors == []


def _connected(log: list[CarrierEntry], history: list[Any]) -> list[Any]:
    """Return who was connected for good, by the attempts' own account."""
    done = {event.callback_id for event in history if event.kind == "callback_ended"}
    return [
        attrs.evolve(line, what="connected")
        for line in log
        if line.what is Carried.BRIDGED and line.callback_id in done
    ]


@contextmanager
def open_house(
    host: str,
    adapter: str,
    *,
    speed: float = 1.0,
    call_time_max: timedelta = timedelta(seconds=10),
    threads_max: int = 64,
    trouble: Trouble | None = None,
    **policy: Any,
) -> Iterator[House]:
    """Open a contact center of one host and one adapter, and end with the checks."""
    clock = FastClock(speed)
    network, trouble = Network(clock), trouble or Trouble()
    store = MemoryStore()
    service = CallbackService(store, [QueuePolicy(queue="support", calling=None, **policy)], clock=clock)
    house = House(clock, network, trouble, service, store)
    telephony = (BlockingAdapter if adapter == "blocking" else AwaitingAdapter)(network, trouble)
    settings: dict[str, Any] = {
        "idle_max": SOON,
        "call_time_max": call_time_max,
        "threads_max": threads_max,
        "notices": telephony,
    }
    opened = _threads if host == "threads" else _event_loop
    try:
        with opened(house, telephony, adapter, settings):
            yield house
        house.check()
    finally:
        network.close()


@contextmanager
def _threads(house: House, telephony: Any, _adapter: str, settings: dict[str, Any]) -> Iterator[None]:
    runner = ThreadRunner(house.service, telephony, **settings)
    house.runner = runner
    house.network.report = runner.report
    with runner:
        yield


@contextmanager
def _event_loop(house: House, telephony: Any, adapter: str, settings: dict[str, Any]) -> Iterator[None]:
    """Run the host's event loop in a thread, and give all commands in it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="host", daemon=True)
    thread.start()

    def in_loop(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(PATIENCE_S)

    async def do(name: str, *args: Any, **kwargs: Any) -> Any:
        return await getattr(callbacks, name)(*args, **kwargs)

    async def report(said: Report) -> None:
        await runner.report(said)

    async def open_() -> tuple[AsyncCallbackService, AsyncRunner]:
        callbacks = AsyncCallbackService(house.service)
        return callbacks, await AsyncRunner(callbacks, telephony, **settings).__aenter__()

    async def close() -> list[Any]:
        await runner.__aexit__(None, None, None)
        await callbacks.close()
        return [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]

    callbacks, runner = in_loop(open_())
    house.runner = runner
    house.do = lambda name, *args, **kwargs: in_loop(do(name, *args, **kwargs))
    # An adapter that blocks has threads, and reports from them.
    house.network.report = (
        runner.report_from_thread if adapter == "blocking" else lambda said: in_loop(report(said))
    )
    try:
        yield
    finally:
        house.network.report = house.service.report
        left = in_loop(close())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE_S)
        loop.close()
    assert left == []

"""The asyncio face: the same names, awaited, and no code twice."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from callbackq import (
    CallbackNotFound,
    CallbackService,
    Dispatcher,
    DuplicateCallback,
    MemoryStore,
    QueuePolicy,
    Receipt,
    SQLiteStore,
    Store,
)
from callbackq.aio import AsyncCallbackService, AsyncDispatcher
from callbackq.testing import START, ManualClock

BOB = "+12125550101"
NOT_COMMANDS = {
    "committed",
    "figure_counts",
    "figures_in_steps",
    "live_figures",
    "now",
    "post",
    "refuse_within",
    "stories_count",
    "tell_others",
    "transaction",
    "when_changed",
    "within",
    "zone_of",
}


def public_methods(kind: type) -> set[str]:
    """Return the names of the methods that a host calls."""
    return {name for name in dir(kind) if callable(getattr(kind, name)) and not name.startswith("_")}


def test_every_name_of_the_service_is_there() -> None:
    """A new method of the service must be added to its face."""
    face = {name for name in vars(AsyncCallbackService) if not name.startswith("_")} - {"close", "dispatcher"}
    assert face == public_methods(CallbackService) - NOT_COMMANDS
    step = {name for name in vars(AsyncDispatcher) if not name.startswith("_")}
    assert step == public_methods(Dispatcher)
    assert AsyncCallbackService.request.__doc__ == CallbackService.request.__doc__


def test_figures_are_read_page_by_page() -> None:
    """Awaited, they are those of the service; who wants to know is told how far it is."""

    async def story() -> None:
        sync = service_on(MemoryStore())
        told: list[tuple[int, int]] = []
        stretch = {"from_at": START - timedelta(days=1), "until_at": START + timedelta(days=1)}
        async with AsyncCallbackService(sync) as service:
            await service.call_joined("support", call_id="call-1")
            found = await service.figures(**stretch, progress=lambda *pair: told.append(pair))
            assert found == await service.figures(**stretch)
            assert await service.feed_figures(live := sync.live_figures()) > 0
        assert found == sync.figures(**stretch)
        assert (found.calls_count, live.stories_count, told) == (1, 1, [(1, 1)])

    asyncio.run(story())


def service_on(store: Store) -> CallbackService:
    """Return a service on a clock that stands still."""
    return CallbackService(store, [QueuePolicy(queue="support")], clock=ManualClock())


def test_a_callback_from_asyncio(tmp_path: Path) -> None:
    """Requests, errors and steps, awaited, on SQLite, whose connection is used from the service's own thread."""

    async def story() -> None:
        store = SQLiteStore(tmp_path / "callbacks.db")
        async with AsyncCallbackService(service_on(store)) as service:
            receipt = await service.request("support", number=BOB)
            with pytest.raises(DuplicateCallback):
                await service.request("support", number=BOB)
            with pytest.raises(CallbackNotFound):
                await service.get("cb_nothing")
            await service.agent_available("ann", queues=["support"])
            dispatcher = service.dispatcher(Dispatcher(service.sync))
            effects = await dispatcher.step(service.sync.clock.now())
            assert len(effects) == 2  # reserve the agent, and ring
            assert await dispatcher.next_wakeup() is not None
            assert (await service.get(receipt.callback_id)).attempt_id is not None
        store.close()

    asyncio.run(story())


def test_commands_awaited_together_share_a_thread() -> None:
    """Two hundred requests at once: one thread, never the loop's, and one promise to each person."""
    seen: set[str] = set()

    async def story() -> list[object]:
        plain = service_on(MemoryStore())
        plain.when_changed(lambda: seen.add(threading.current_thread().name))
        async with AsyncCallbackService(plain) as service:
            numbers = [f"+121255501{n % 100:02d}" for n in range(200)]
            asked = (service.request("support", number=number) for number in numbers)
            return await asyncio.gather(*asked, return_exceptions=True)

    answers = asyncio.run(story())
    assert sum(isinstance(answer, Receipt) for answer in answers) == 100
    assert sum(isinstance(answer, DuplicateCallback) for answer in answers) == 100
    assert len(seen) == 1
    assert threading.current_thread().name not in seen


def test_cancelled_coroutine_does_not_break_the_others() -> None:
    """A command is done or refused though nobody waits for it any more."""

    async def story() -> None:
        async with AsyncCallbackService(service_on(MemoryStore())) as service:
            lost = asyncio.ensure_future(service.request("support", number=BOB, request_key="k"))
            lost.cancel()
            with pytest.raises(asyncio.CancelledError):
                await lost
            receipt = await service.request("support", number=BOB, request_key="k")
            assert (await service.get(receipt.callback_id)).request_key == "k"

    asyncio.run(story())


def test_a_closed_service_says_so_every_time() -> None:
    """It never leaves a coroutine waiting."""

    async def story() -> None:
        service = AsyncCallbackService(service_on(MemoryStore()))
        await service.close()
        for _ in range(3):
            with pytest.raises(RuntimeError, match="closed"):
                await service.request("support", number=BOB)

    asyncio.run(asyncio.wait_for(story(), timeout=10))

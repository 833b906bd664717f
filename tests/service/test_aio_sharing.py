"""Commands that are awaited together share a flush where the store can, and no awaiter goes on before it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from callbackq import (
    CallbackService,
    CommitUncertain,
    Dial,
    Dispatcher,
    QueuePolicy,
    SQLiteStore,
    TicketOrder,
)
from callbackq.aio import AsyncCallbackService
from callbackq.testing import ManualClock
from stores.slow_disk import SlowDisk


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SlowDisk]:
    """A store whose flushes are counted."""
    store = SQLiteStore(tmp_path / "callbackq.db")
    yield SlowDisk(store)
    store.close()


class Desk:
    """Opens tickets, and remembers how many flushes had been made by then."""

    def __init__(self, disk: SlowDisk) -> None:
        self.disk = disk
        self.commits: list[int] = []

    def open(self, order: TicketOrder) -> str:
        """Open one."""
        self.commits.append(self.disk.commits)
        return f"ticket_{order.callback_id}"


def service_of(disk: SlowDisk, **parts: object) -> CallbackService:
    return CallbackService(disk.store, [QueuePolicy(queue="support")], clock=ManualClock(), **parts)  # type: ignore[arg-type]


def number(n: int) -> str:
    return f"+1212555{n:04d}"


def test_what_is_awaited_together_shares_flushes(disk: SlowDisk) -> None:
    """While the first waits for the disk all others pile up, and are one batch."""

    async def work() -> int:
        async with AsyncCallbackService(service_of(disk)) as service:
            disk.hold()
            first = asyncio.ensure_future(service.request("support", number=number(0)))
            await asyncio.to_thread(disk.is_reached.wait)
            others = [
                asyncio.ensure_future(service.request("support", number=number(n))) for n in range(1, 31)
            ]
            await asyncio.sleep(0)
            assert not first.done()
            disk.let_go()
            receipts = await asyncio.gather(first, *others)
            line = await service.line("support")
            assert {place.place_id for place in line} == {
                (await service.get(one.callback_id)).place_id for one in receipts
            }
            return len(line)

    assert asyncio.run(work()) == 31
    assert (
        disk.commits == 2 + 1 + 31
    )  # The first, the thirty; and what was read: the line, and each of its places.


def test_no_awaiter_goes_on_before_its_rows_are_on_the_disk(disk: SlowDisk) -> None:
    """And then all do."""

    async def work() -> None:
        async with AsyncCallbackService(service_of(disk)) as service:
            disk.hold()
            asked = [asyncio.ensure_future(service.request("support", number=number(n))) for n in range(20)]
            for _ in range(2):  # The first alone, or some; then the rest.
                await asyncio.to_thread(disk.is_reached.wait)
            assert not any(one.done() for one in asked[1:])
            disk.let_go()
            assert len({receipt.callback_id for receipt in await asyncio.gather(*asked)}) == 20

    asyncio.run(work())
    assert disk.commits <= 3


def test_a_flush_that_fails_is_told_to_all_of_it(disk: SlowDisk) -> None:
    """To those as well who were refused, or only looked: what they saw is gone."""

    async def work() -> list[object]:
        async with AsyncCallbackService(service_of(disk)) as service:
            receipt = await service.request("support", number=number(0))
            disk.hold()
            first = asyncio.ensure_future(service.request("support", number=number(1)))
            await asyncio.to_thread(disk.is_reached.wait)
            others = [
                asyncio.ensure_future(service.request("support", number=number(2))),
                asyncio.ensure_future(service.cancel("cb_none")),
                asyncio.ensure_future(service.position(receipt.callback_id)),
            ]
            await asyncio.sleep(0)
            disk.failure = sqlite3.SQLITE_IOERR_FSYNC
            disk.let_go()
            ends = await asyncio.gather(first, *others, return_exceptions=True)
            disk.failure = None
            assert len(await service.line("support")) == 1
            return [*ends, (await service.request("support", number=number(1))).position]

    *ends, position = asyncio.run(work())
    assert [type(end) for end in ends] == [CommitUncertain] * 4
    assert position is not None


def test_a_command_that_is_refused_leaves_the_others_of_its_batch(disk: SlowDisk) -> None:
    """Each awaiter has its own answer."""

    async def work() -> list[object]:
        async with AsyncCallbackService(service_of(disk)) as service:
            disk.hold()
            first = asyncio.ensure_future(service.request("support", number=number(0)))
            await asyncio.to_thread(disk.is_reached.wait)
            others = [
                asyncio.ensure_future(service.request("support", number=number(1))),
                asyncio.ensure_future(service.cancel("cb_none")),
                asyncio.ensure_future(service.request("support", number=number(2))),
            ]
            await asyncio.sleep(0)
            disk.let_go()
            return list(await asyncio.gather(first, *others, return_exceptions=True))

    ends = asyncio.run(work())
    assert [type(end).__name__ for end in ends] == ["Receipt", "Receipt", "CallbackNotFound", "Receipt"]
    assert disk.commits == 2


def test_nobody_outside_is_told_before_the_flush(disk: SlowDisk) -> None:
    """A ticket is opened for a promise that stands: so such requests share no flush."""
    desk = Desk(disk)

    async def work() -> None:
        async with AsyncCallbackService(service_of(disk, tickets=desk)) as service:
            await asyncio.gather(*(service.request("support", number=number(n)) for n in range(4)))

    asyncio.run(work())
    assert len(desk.commits) == 4
    assert desk.commits[0] >= 1
    assert all(later > earlier for earlier, later in zip(desk.commits, desk.commits[1:], strict=False))


def test_a_step_shares_no_flush(disk: SlowDisk) -> None:
    """What its first transaction has committed must reach the world, though the second one fails."""

    async def work() -> int:
        async with AsyncCallbackService(service_of(disk)) as service:
            dispatcher = service.dispatcher(Dispatcher(service.sync))
            now = service.sync.clock.now()
            disk.hold()
            first = asyncio.ensure_future(service.request("support", number=number(0)))
            await asyncio.to_thread(disk.is_reached.wait)
            others = [
                asyncio.ensure_future(service.agent_available("ann", queues=["support"])),
                asyncio.ensure_future(service.request("support", number=number(1))),
                asyncio.ensure_future(dispatcher.step(now)),
                asyncio.ensure_future(service.request("support", number=number(2))),
            ]
            await asyncio.sleep(0)
            disk.let_go()
            await asyncio.gather(first, *others)
            return sum(isinstance(effect, Dial) for effect in await others[2])

    assert asyncio.run(work()) == 1
    assert disk.commits >= 4


def test_a_closed_store_is_told_to_everybody(disk: SlowDisk) -> None:
    """The batch ends; nobody waits for ever."""

    async def work() -> list[object]:
        async with AsyncCallbackService(service_of(disk)) as service:
            disk.store.close()
            asked = [service.request("support", number=number(n)) for n in range(5)]
            return list(await asyncio.gather(*asked, return_exceptions=True))

    assert [type(end).__name__ for end in asyncio.run(work())] == ["StoreUnavailable"] * 5


def test_a_batch_that_the_store_cannot_begin_is_told_to_everybody(
    disk: SlowDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a fork, for example."""

    def refused(_commands: object) -> list[Exception | None]:
        msg = "not here"
        raise RuntimeError(msg)

    async def work() -> list[object]:
        async with AsyncCallbackService(service_of(disk)) as service:
            disk.hold()
            first = asyncio.ensure_future(service.request("support", number=number(0)))
            await asyncio.to_thread(disk.is_reached.wait)
            monkeypatch.setattr(disk.store, "together", refused)
            asked = [asyncio.ensure_future(service.request("support", number=number(n))) for n in range(1, 4)]
            await asyncio.sleep(0)
            disk.let_go()
            return list(await asyncio.gather(first, *asked, return_exceptions=True))

    assert [type(end).__name__ for end in asyncio.run(work())] == ["Receipt", *["RuntimeError"] * 3]

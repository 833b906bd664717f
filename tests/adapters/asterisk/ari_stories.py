"""How a test of the adapter is told: an Asterisk that is not there, the adapter, and who it tells, in one loop."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import attrs

from adapters.asterisk.ari_far_end import Board, phone_of, settings_for
from callbackq import Bridge, Cause, Channel, Dial, LegId, ReportKind, Role
from callbackq.adapters.asterisk.ari_telephony import AriTelephony
from callbackq.ids import AgentId, AttemptId, CallbackId, QueueName
from callbackq.testing.doubles.ari import AriDouble

_numbers = count(1)
PATIENCE_S = 5.0


def told(story: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run a coroutine function as a test. No task may be left of it."""

    async def tell(*args: Any, **others: Any) -> None:
        before = asyncio.all_tasks()
        await story(*args, **others)
        await asyncio.sleep(0)
        left = asyncio.all_tasks() - before
        assert not left, f"tasks that nobody ended: {left}"

    @functools.wraps(story)
    def run(*args: Any, **others: Any) -> None:
        asyncio.run(asyncio.wait_for(tell(*args, **others), 120))

    return run


@attrs.define
class Story:
    """What a test is given."""

    double: AriDouble
    adapter: AriTelephony
    board: Board

    def kinds(self, leg_id: LegId) -> list[ReportKind]:
        return [report.kind for report in self.board.reports if report.leg_id == leg_id]

    def causes(self, leg_id: LegId) -> list[Cause]:
        ended = [report for report in self.board.reports if report.kind is ReportKind.ENDED]
        return [report.cause for report in ended if report.leg_id == leg_id]

    async def has(self, leg_id: LegId, kind: ReportKind) -> None:
        """Wait until something was reported of a leg."""
        await until(lambda: kind in self.kinds(leg_id))

    async def answered(self, *, role: Role = Role.CUSTOMER, **others: Any) -> LegId:
        """Dial, and let it be answered."""
        order = a_dial(role=role, **others)
        await self.adapter.dial(order)
        await self.has(order.leg_id, ReportKind.RINGING)
        self.double.answer(order.leg_id)
        await self.has(order.leg_id, ReportKind.ANSWERED)
        return order.leg_id

    async def both(self, **others: Any) -> Bridge:
        """Have an agent and a customer on the line."""
        agent = await self.answered(role=Role.AGENT, **others)
        customer = await self.answered(**others)
        name = AttemptId(f"at_{next(_numbers)}")
        return Bridge(attempt_id=name, agent_leg_id=agent, customer_leg_id=customer)

    async def joined(self, **others: Any) -> Bridge:
        """Have an agent and a customer talk."""
        order = await self.both(**others)
        await self.adapter.bridge(order)
        await self.has(order.customer_leg_id, ReportKind.BRIDGED)
        return order


@asynccontextmanager
async def asterisk(
    double: AriDouble | None = None,
    *,
    speak: Any = None,
    on_caller: Any = None,
    **settings: Any,
) -> AsyncIterator[Story]:
    """Open a double and an adapter that is connected to it."""
    at = double or AriDouble()
    async with at:
        at.world.phone_of = phone_of
        at.world.play_time_s = 0.05
        board = Board()
        adapter = AriTelephony(settings_for(at, **settings), speak=speak, on_caller=on_caller)
        adapter.attach(board)
        async with adapter:
            yield Story(at, adapter, board)


async def until(condition: Callable[[], object], *, patience_s: float = PATIENCE_S) -> None:
    """Wait until something is so."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + patience_s
    while not condition():
        assert loop.time() < end_s, "it never came about"
        await asyncio.sleep(0.002)


async def a_moment(seconds: float = 0.03) -> None:
    """Let a little time pass, in which something could happen that must not."""
    await asyncio.sleep(seconds)


def a_dial(
    *, role: Role = Role.CUSTOMER, ring_time: timedelta = timedelta(seconds=30), **others: Any
) -> Dial:
    """Return an order under a leg id that was never used."""
    number, now = next(_numbers), datetime.now(UTC)
    given: dict[str, Any] = {
        "leg_id": LegId(f"leg_{number}"),
        "attempt_id": AttemptId(f"at_of_{number}"),
        "callback_id": CallbackId(f"cb_{number}"),
        "queue": QueueName("support"),
        "agent_id": AgentId("ann"),
        "number": "+12125550101",
        "entered_at": now,
        "requested_at": now,
        "channel": Channel.WEB,
        "priority": 100,
        "attempt_number": 1,
    }
    return Dial(role=role, ring_time=ring_time, **(given | others))

"""Phones that are rung by callbackq itself, beside the queues of a double: the other half of the telephony."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.asterisk.ami_scene import Scene
from callbackq import (
    Bridge,
    Cause,
    ConnectCall,
    Dial,
    HangUp,
    LegId,
    Play,
    ReleaseAgent,
    Report,
    ReportKind,
    ReserveAgent,
    Role,
    SendDigits,
    StopPlay,
)
from callbackq.runners import AsyncRunner
from callbackq.testing.doubles.ami_queue import BUSY, IN_USE, NOT_IN_USE


class Phones:
    """
    A telephony whose agents are members of app_queue: their phones ring, and app_queue sees it.

    Attributes:
        dialed: every leg that was dialed, in order.
        connected: live callers whom callbackq wanted to connect: app_queue does that.
        agents_answer: whether agents pick up at once. Customers do, always.
    """

    def __init__(self, at: Scene) -> None:
        self._at = at
        self.runner: AsyncRunner
        self.dialed: list[Dial] = []
        self.connected: list[ConnectCall] = []
        self.live: dict[LegId, Dial] = {}
        self.agents_answer = True

    def _set(self, order: Dial, status: int) -> None:
        if order.role is Role.AGENT:
            self._at.double.queue.set_device(f"PJSIP/{order.agent_id}", status)

    async def dial(self, order: Dial) -> None:
        self.dialed.append(order)
        self.live[order.leg_id] = order
        self._set(order, BUSY)
        self._later(order.leg_id, ReportKind.RINGING)
        if self.agents_answer or order.role is Role.CUSTOMER:
            self._set(order, IN_USE)
            self._later(order.leg_id, ReportKind.ANSWERED)

    async def bridge(self, order: Bridge) -> None:
        self._later(order.customer_leg_id, ReportKind.BRIDGED)

    async def hang_up(self, order: HangUp) -> None:
        if all(dialed.leg_id != order.leg_id for dialed in self.dialed):
            self._later(order.leg_id, ReportKind.ENDED)  # It was never placed.
        self.end(order.leg_id)

    def end(self, leg_id: LegId) -> None:
        """Let a leg end: its phone is idle a moment after that was reported."""
        order = self.live.pop(leg_id, None)
        if order is not None:
            self._later(leg_id, ReportKind.ENDED)
            asyncio.get_running_loop().call_later(0.01, self._set, order, NOT_IN_USE)

    def end_all(self) -> None:
        """Let customers hang up."""
        for leg_id, order in list(self.live.items()):
            if order.role is Role.CUSTOMER:
                self.end(leg_id)

    async def play(self, order: Play) -> None: ...

    async def stop_play(self, order: StopPlay) -> None: ...

    async def send_digits(self, order: SendDigits) -> None: ...

    async def connect_call(self, order: ConnectCall) -> None:
        self.connected.append(order)

    async def reserve_agent(self, order: ReserveAgent) -> None:
        await self._at.queues.reserve_agent(order)

    async def release_agent(self, order: ReleaseAgent) -> None:
        await self._at.queues.release_agent(order)

    def _later(self, leg_id: LegId, kind: ReportKind) -> None:
        async def tell() -> None:
            await self.runner.report(Report(leg_id=leg_id, kind=kind, cause=Cause.NORMAL))

        self._tasks = {*getattr(self, "_tasks", ()), asyncio.get_running_loop().create_task(tell())}


@asynccontextmanager
async def driven(at: Scene) -> AsyncIterator[Phones]:
    """Let a runner drive the service of a scene."""
    phones = Phones(at)
    phones.runner = AsyncRunner(at.aio, phones)
    async with phones.runner:
        yield phones
        await asyncio.sleep(0.03)

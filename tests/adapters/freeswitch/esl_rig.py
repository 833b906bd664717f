"""A double of FreeSWITCH and an adapter that is connected to it, for tests that are coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import uuid4

import attrs

from adapters.freeswitch.esl_far_end import Board, settings_for
from callbackq import (
    AgentId,
    AttemptId,
    Bridge,
    CallbackId,
    Channel,
    Dial,
    HangUp,
    LegId,
    QueueName,
    Report,
    ReportKind,
    Role,
)
from callbackq.adapters.freeswitch import EslTelephony
from callbackq.testing.doubles.esl import EslChannel, EslDouble

PATIENCE_S = 10.0


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a test."""

    async def in_time() -> None:
        async with asyncio.timeout(2 * PATIENCE_S):
            await coroutine

    asyncio.run(in_time())


async def until(condition: Callable[[], object]) -> None:
    """Wait until something holds; fail if it does not soon."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.002)


def order(*, role: Role = Role.CUSTOMER, ring_s: float = 30, **others: Any) -> Dial:
    """Return an order to dial, under a leg id that was never used."""
    now = datetime.now(UTC)
    plain = Dial(
        leg_id=LegId(f"leg_{uuid4().hex}"),
        role=role,
        attempt_id=AttemptId(f"at_{uuid4().hex}"),
        callback_id=CallbackId(f"cb_{uuid4().hex}"),
        queue=QueueName("support"),
        agent_id=AgentId("ann"),
        number="+12125550101",
        entered_at=now,
        requested_at=now,
        channel=Channel.WEB,
        priority=100,
        attempt_number=1,
        ring_time=timedelta(seconds=ring_s),
    )
    return attrs.evolve(plain, **others)


class Rig:
    """The two, and who is told."""

    def __init__(self, double: EslDouble | None = None, **settings: object) -> None:
        self.double = double or EslDouble()
        self.board = Board()
        self._settings = settings
        self.adapter: EslTelephony

    async def __aenter__(self) -> Self:
        await self.double.start()
        self.adapter = EslTelephony(settings_for(self.double, **self._settings))
        self.adapter.attach(self.board)
        await self.adapter.open()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.adapter.close()
        self.double.phones.forget_all()
        await self.double.stop()

    @property
    def phones(self):
        return self.double.phones

    def kinds(self, leg_id: LegId) -> list[ReportKind]:
        return [report.kind for report in self.board.reports if report.leg_id == leg_id]

    def end_of(self, leg_id: LegId) -> Report:
        return next(
            report
            for report in self.board.reports
            if report.leg_id == leg_id and report.kind is ReportKind.ENDED
        )

    def channel(self, leg_id: LegId) -> EslChannel:
        found = self.phones.of_leg(leg_id)
        assert found is not None
        return found

    async def ringing(self, **others: Any) -> LegId:
        """Dial, and wait until the phone rings."""
        dialed = order(**others)
        await self.adapter.dial(dialed)
        await until(lambda: ReportKind.RINGING in self.kinds(dialed.leg_id))
        return dialed.leg_id

    async def answered(self, **others: Any) -> LegId:
        """Dial, and let it be answered."""
        leg_id = await self.ringing(**others)
        self.phones.answer(self.channel(leg_id))
        await until(lambda: ReportKind.ANSWERED in self.kinds(leg_id))
        return leg_id

    async def joined(self, **others: Any) -> tuple[LegId, LegId]:
        """Have two legs that are joined: the agent's, and the customer's."""
        agent, customer = await self.answered(role=Role.AGENT), await self.answered(**others)
        await self.adapter.bridge(bridge(agent, customer))
        await until(lambda: ReportKind.BRIDGED in self.kinds(customer) + self.kinds(agent))
        return agent, customer

    async def hang_up(self, leg_id: LegId, **others: Any) -> None:
        await self.adapter.hang_up(HangUp(leg_id=leg_id, **others))

    async def ended(self, leg_id: LegId) -> Report:
        """Wait for the end of a leg, and a moment longer: it is said once."""
        await until(lambda: ReportKind.ENDED in self.kinds(leg_id))
        await asyncio.sleep(0.02)
        assert self.kinds(leg_id).count(ReportKind.ENDED) == 1
        assert self.kinds(leg_id)[-1] is ReportKind.ENDED
        return self.end_of(leg_id)


def bridge(agent: LegId, customer: LegId) -> Bridge:
    return Bridge(attempt_id=AttemptId("at_joining"), agent_leg_id=agent, customer_leg_id=customer)

"""A service, an Asterisk that is not there, and its queues, in one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import attrs

from callbackq import (
    Acd,
    Agent,
    AgentNotFound,
    AgentState,
    CallbackService,
    CallNotFound,
    LiveCall,
    MemoryStore,
    QueuePolicy,
    SystemClock,
)
from callbackq.adapters.asterisk.ami_settings import AmiSettings
from callbackq.adapters.asterisk.queue_settings import QueueSettings
from callbackq.adapters.asterisk.queues import AsteriskQueues
from callbackq.adapters.connection import Waits
from callbackq.aio import AsyncCallbackService
from callbackq.testing.doubles.ami import AmiDouble

BOB, EVE = "+12125550101", "+12125550102"
SECRET = "the-ami-secret"
ANN, BEN = "PJSIP/ann", "PJSIP/ben"
QUICK = Waits(first_s=0.01, max_s=0.05)
PATIENCE_S = 5.0


def ami_settings(double: AmiDouble, **others: Any) -> AmiSettings:
    """Settings that reach a double, and wait for little."""
    given = {"username": double.username, "secret": double.secret, "waits": QUICK, **others}
    return AmiSettings(url=double.url, **given)


def queue_settings(**others: Any) -> QueueSettings:
    """Settings of the queue `support`; everything is read anew every 0.2 s."""
    given: dict[str, Any] = {
        "queues": ["support"],
        "busy_after": timedelta(seconds=0.05),
        "resync_every": timedelta(seconds=0.2),
        **others,
    }
    return QueueSettings(**given)


def policy(queue: str = "support", **others: Any) -> QueuePolicy:
    """A queue whose live callers are app_queue's."""
    return QueuePolicy(queue=queue, **{"acd": Acd.HOST, "default_region": "US", **others})


@attrs.frozen
class Scene:
    """All that a test needs."""

    double: AmiDouble
    service: CallbackService
    queues: AsteriskQueues
    aio: AsyncCallbackService

    async def until(self, condition: Callable[[], bool], *, what: str = "it happens") -> None:
        """Wait until a condition holds."""
        await until(condition, what=what)

    def call(self, call_id: str) -> LiveCall | None:
        """Return a live call; None if it never joined."""
        try:
            return self.service.call(call_id)
        except CallNotFound:
            return None

    def agent(self, agent_id: str = "ann") -> Agent | None:
        """Return an agent; None if they never were there."""
        try:
            return self.service.agent(agent_id)
        except AgentNotFound:
            return None

    def is_available(self, agent_id: str = "ann") -> bool:
        """Return whether an agent can be given a call."""
        agent = self.agent(agent_id)
        return agent is not None and agent.state is AgentState.AVAILABLE

    async def joined(self, queue: str = "support", **how: Any) -> str:
        """Let a caller join, and wait until the service knows."""
        call_id = self.double.queue.join(queue, **how)
        await self.until(lambda: self.call(call_id) is not None, what="the caller joins")
        return call_id

    async def settled(self) -> None:
        """Wait until all that was said is told."""
        await asyncio.sleep(0.03)
        await self.queues.in_step()


async def until(condition: Callable[[], bool], *, what: str = "it happens") -> None:
    """Wait until a condition holds."""
    end_s = asyncio.get_running_loop().time() + PATIENCE_S
    while not condition():
        assert asyncio.get_running_loop().time() < end_s, what
        await asyncio.sleep(0.005)


@asynccontextmanager
async def scene(
    double: AmiDouble | None = None,
    *,
    policies: Mapping[str, Any] | None = None,
    ami: Mapping[str, Any] | None = None,
    service: CallbackService | None = None,
    **queues: Any,
) -> AsyncIterator[Scene]:
    """Open everything, with Ann in the queue `support`, and close it afterwards."""
    asterisk = double or AmiDouble()
    if not asterisk.queue.queues:
        asterisk.queue.add_member("support", ANN, name="Ann Lee")
    plain = service or CallbackService(MemoryStore(), [policy(**(policies or {}))], clock=SystemClock())
    async with asterisk, AsyncCallbackService(plain) as aio:
        found = AsteriskQueues(ami_settings(asterisk, **(ami or {})), aio, queues=queue_settings(**queues))
        async with found:
            await asyncio.wait_for(found.in_step(), PATIENCE_S)
            yield Scene(asterisk, plain, found, aio)


def play(story: Callable[[], Coroutine[Any, Any, None]] | Coroutine[Any, Any, None]) -> None:
    """Run a story to its end, bounded."""
    told: Awaitable[None] = story if isinstance(story, Coroutine) else story()

    async def bounded() -> None:
        await asyncio.wait_for(told, 30)

    asyncio.run(bounded())

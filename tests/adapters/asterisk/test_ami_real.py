"""
The same over a real Asterisk, where `CALLBACKQ_AMI_URL` says how to reach one: `ami://user:secret@host:port`.

Its dialplan needs what the how-to page for queues has not: a context `phones`, in which `answer` answers and stays, and
`bye-2` answers and hangs up after 2 s; and `enter-queue`, in which an extension is the queue that is entered. Its queue
`support` has the members `PJSIP/agent1` and `PJSIP/agent2`, which answer; nobody serves the queue `quiet`. The user
needs write permissions agent, call, originate, command and reporting.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from uuid import uuid4

import attrs
import pytest

from adapters.asterisk.ami_scene import BOB, play, policy, until
from callbackq import (
    AgentId,
    AgentState,
    AttemptId,
    CallbackqError,
    CallbackService,
    CallNotFound,
    CallOutcome,
    CallState,
    LiveCall,
    MemoryStore,
    ReleaseAgent,
    ReserveAgent,
    SystemClock,
)
from callbackq.adapters.asterisk.ami import Ami, AmiRefused
from callbackq.adapters.asterisk.ami_settings import AmiSettings
from callbackq.adapters.asterisk.queue_settings import QueueSettings
from callbackq.adapters.asterisk.queues import AsteriskQueues
from callbackq.adapters.connection import LoginRefused
from callbackq.aio import AsyncCallbackService

pytestmark = pytest.mark.skipif(
    "CALLBACKQ_AMI_URL" not in os.environ, reason="no address of a real Asterisk is given"
)

AGENT = "PJSIP/agent1"


@attrs.frozen
class Real:
    """A real Asterisk, its queues, and a second connection that plays callers and persons."""

    service: CallbackService
    queues: AsteriskQueues
    hand: Ami
    calls: list[str]

    async def join(self, queue: str, *, phone: str = "answer") -> str:
        """Let a caller enter a queue."""
        call_id = f"caller-{uuid4().hex[:8]}"
        self.calls.append(call_id)
        await self.hand.act(
            "Originate",
            Channel=f"Local/{phone}@phones/n",
            Context="enter-queue",
            Exten=queue,
            Priority="1",
            Async="true",
            ChannelId=call_id,
            OtherChannelId=f"{call_id};2",
            CallerID="Bob <12125550101>",
        )
        await until(lambda: self.find(call_id) is not None, what="the caller joins")
        return call_id

    def find(self, call_id: str) -> LiveCall | None:
        try:
            return self.service.call(call_id)
        except CallNotFound:
            return None

    async def hang_up(self, call_id: str) -> None:
        await self.hand.act("Hangup", Channel=call_id)

    def line(self, queue: str) -> list[str]:
        return [place.call_id for place in self.service.line(queue) if isinstance(place, LiveCall)]

    async def pause(self, *, is_paused: bool, reason: str = "") -> None:
        await self.hand.act("QueuePause", Interface=AGENT, Paused=str(is_paused).lower(), Reason=reason)


@asynccontextmanager
async def real() -> AsyncIterator[Real]:
    """Open everything, and hang up afterwards what is left."""
    settings = AmiSettings.from_env(os.environ)
    policies = [policy("support"), policy("quiet")]
    service = CallbackService(MemoryStore(), policies, clock=SystemClock())
    hand = Ami(settings, on_event=lambda _: None, on_up=lambda: None, on_down=lambda: None, now_s=lambda: 0.0)
    await hand.open()
    async with AsyncCallbackService(service) as aio:
        given = QueueSettings(queues=["support", "quiet"], busy_after=timedelta(seconds=0.2))
        queues = AsteriskQueues(settings, aio, queues=given)
        found = Real(service, queues, hand, [])
        async with queues:
            await asyncio.wait_for(queues.in_step(), 5)
            try:
                yield found
            finally:
                for call_id in found.calls:
                    with suppress(CallbackqError):
                        await found.hang_up(call_id)
                await found.pause(is_paused=False)
    await hand.close()


def reserving() -> tuple[ReserveAgent, ReleaseAgent]:
    agent_id, attempt_id = AgentId("agent1"), AttemptId("at_real")
    return (
        ReserveAgent(agent_id=agent_id, attempt_id=attempt_id),
        ReleaseAgent(agent_id=agent_id, attempt_id=attempt_id),
    )


def test_a_wrong_secret_is_refused() -> None:
    """After the second for which Asterisk makes everybody wait."""

    async def story() -> None:
        settings = attrs.evolve(AmiSettings.from_env(os.environ), secret="not-this-one")
        ami = Ami(
            settings, on_event=lambda _: None, on_up=lambda: None, on_down=lambda: None, now_s=lambda: 0.0
        )
        with pytest.raises(LoginRefused):
            await ami.open()

    play(story)


def test_a_caller_becomes_a_callback_and_keeps_the_place() -> None:
    """Withdrawn after the promise; who hangs up is gone."""

    async def story() -> None:
        async with real() as at:
            assert at.queues.version is not None
            first, second, third = [await at.join("quiet") for _ in range(3)]
            assert at.line("quiet") == [first, second, third]
            entered_at = at.service.call(second).entered_at
            receipt = at.service.request("quiet", call_id=second, number=BOB)
            await at.queues.withdraw(second)
            await until(lambda: len(at.queues.waiting("quiet")) == 2)
            await at.hang_up(third)
            await until(lambda: at.line("quiet") == [first])
            assert at.service.call(second).outcome is CallOutcome.CONVERTED
            assert at.service.call(third).outcome is CallOutcome.ABANDONED
            assert receipt.entered_at == entered_at
            assert at.service.position(receipt.callback_id).number == 2

    play(story)


def test_a_caller_is_put_back_at_a_place() -> None:
    """By the argument of `Queue()` that this version has; the dialplan is the how-to's."""

    async def story() -> None:
        async with real() as at:
            line = "dialplan add extension s,1,Queue,${CALLBACKQ_QUEUE} into callbackq-put-back"
            with suppress(AmiRefused):  # It is there already.
                await at.hand.act("Command", Command=line)
            first, second = [await at.join("quiet") for _ in range(2)]
            await at.queues.put_back(second, position=1)
            await asyncio.sleep(0.3)
            found: list[str] = []

            def take(entries: list[object]) -> None:
                found.extend(one.get("uniqueid") for one in entries if one.event == "QueueEntry")  # type: ignore[attr-defined]

            await at.hand.read_list("QueueStatus", take=take, Queue="quiet")  # type: ignore[arg-type]
            assert found == [second, first]
            assert at.line("quiet") == [first, second]

    play(story)


def test_a_process_goes_on_where_another_stopped() -> None:
    """Callers who wait are known by how long they have waited."""

    async def story() -> None:
        async with real() as at:
            call_id = await at.join("quiet")
            await asyncio.sleep(1.1)
            entered_at = at.service.call(call_id).entered_at
            await at.queues.close()
            service = CallbackService(MemoryStore(), [policy("quiet")], clock=SystemClock())
            async with AsyncCallbackService(service) as aio:
                settings = AmiSettings.from_env(os.environ)
                async with AsteriskQueues(settings, aio, queues=QueueSettings(queues=["quiet"])) as queues:
                    await asyncio.wait_for(queues.in_step(), 5)
                    assert abs(service.call(call_id).entered_at - entered_at) < timedelta(seconds=1.5)

    play(story)


def test_an_agent_serves_a_caller_of_the_queue() -> None:
    """Available, busy, available; the call is served."""

    async def story() -> None:
        async with real() as at:
            agents = ("agent1", "agent2")
            await until(lambda: all(at.service.agent(one).state is AgentState.AVAILABLE for one in agents))
            call_id = await at.join("support", phone="bye-2")
            await until(lambda: at.service.call(call_id).state is CallState.TAKEN)
            by = at.service.call(call_id).agent_id
            assert by in agents
            assert at.service.agent(by).state is AgentState.BUSY
            await until(lambda: at.service.call(call_id).outcome is CallOutcome.SERVED)
            await until(lambda: at.service.agent(by).state is AgentState.AVAILABLE)

    play(story)


def test_an_agent_is_reserved_and_a_persons_pause_stays() -> None:
    """Ours ends with the release; one that was made meanwhile does not."""

    async def story() -> None:
        async with real() as at:
            reserve, release = reserving()
            await until(lambda: at.service.agent("agent1").state is AgentState.AVAILABLE)
            await at.queues.reserve_agent(reserve)
            [member] = at.queues._members.members_of("agent1")
            assert (member.is_paused, member.reason) == (True, "callbackq:at_real")
            await at.queues.release_agent(release)
            await asyncio.sleep(0.1)
            assert not at.queues._members.members_of("agent1")[0].is_paused
            await at.queues.reserve_agent(reserve)
            await at.pause(is_paused=True, reason="lunch")
            await until(lambda: at.service.agent("agent1").state is AgentState.SIGNED_OUT)
            await at.queues.release_agent(release)
            await asyncio.sleep(0.1)
            assert at.queues._members.members_of("agent1")[0].reason == "lunch"
            await at.pause(is_paused=False)
            await until(lambda: at.service.agent("agent1").state is AgentState.AVAILABLE)

    play(story)

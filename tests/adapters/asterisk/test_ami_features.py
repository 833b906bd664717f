"""What a caller in app_queue, and an administrator on a bad day, can count on: with the real service."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from adapters.asterisk.ami_phones import driven
from adapters.asterisk.ami_scene import (
    ANN,
    BEN,
    BOB,
    PATIENCE_S,
    Scene,
    ami_settings,
    play,
    policy,
    queue_settings,
    scene,
    until,
)
from callbackq import (
    AgentState,
    CallbackService,
    CallOutcome,
    CallState,
    Choice,
    LiveCall,
    MemoryStore,
    Offer,
    Outcome,
    Receipt,
    ReserveAgent,
    StoreUnavailable,
    SystemClock,
)
from callbackq.adapters.asterisk.queue_telling import Lines
from callbackq.adapters.asterisk.queues import AsteriskQueues
from callbackq.adapters.connection import Waits
from callbackq.aio import AsyncCallbackService
from callbackq.core.keypad import begin, enter
from callbackq.ids import AgentId, AttemptId
from callbackq.testing.doubles.ami import AmiDouble
from callbackq.testing.doubles.ami_queue import NOT_IN_USE
from callbackq.testing.doubles.mischief import BAD_DAY, Mischief


def waits(at: Scene) -> list[str]:
    return [place.call_id for place in at.service.line("support") if isinstance(place, LiveCall)]


# ---------------------------------------------------------------------------- A4, B1, C1


def test_a_caller_asks_by_key_at_any_time() -> None:
    """Row A4: without an offer, also while an agent's phone rings; the key is looked up in the queue's policy."""

    async def story() -> None:
        async with scene() as at:
            call_id = await at.joined()
            at.double.queue.ring(call_id, ANN)
            assert at.service.choice_of("support", said="3") is Choice.CALLBACK_NOW
            at.double.queue.exit_by_key(call_id, key="3")
            at.double.queue.set_device(ANN, NOT_IN_USE)
            await at.settled()
            offer = await at.aio.offer(call_id, asked=True)
            assert isinstance(offer, Offer)
            answer = await at.aio.request_spoken("support", call_id=call_id, offer_id=offer.offer_id)
            assert answer.success
            assert answer.then.value == "hang_up"

    play(story)


def test_a_place_in_app_queue_becomes_a_callbacks_place() -> None:
    """Row B1: the third of five asks, hangs up, and is called as the third, by the agent whom app_queue had."""

    async def story() -> None:
        async with scene() as at, driven(at) as phones:
            calls = [await at.joined(waited_s=0) for _ in range(5)]
            entered_at = at.service.call(calls[2]).entered_at
            at.double.queue.exit_by_key(calls[2])
            await at.settled()
            receipt = await at.aio.request("support", call_id=calls[2])
            at.double.queue.hang_up(calls[2])
            await at.settled()
            assert receipt.entered_at == entered_at
            assert receipt.position is not None
            assert receipt.position.number == 3
            for call_id in calls[:2]:
                assert phones.dialed == []
                at.double.queue.connect(call_id, ANN)
                await at.until(lambda one=call_id: at.service.call(one).state is CallState.TAKEN)
                at.double.queue.hang_up(call_id)
                await at.until(lambda one=call_id: at.service.call(one).outcome is CallOutcome.SERVED)
            await at.until(lambda: len(phones.dialed) == 2)
            assert [order.callback_id for order in phones.dialed] == [receipt.callback_id] * 2
            assert at.double.queue.is_paused(ANN)
            await at.until(lambda: at.service.agent("ann").state is AgentState.BUSY)
            phones.end_all()
            await at.until(lambda: at.service.get(receipt.callback_id).outcome is Outcome.COMPLETED)
            await at.until(lambda: not at.double.queue.is_paused(ANN))
            assert waits(at) == calls[3:]
            assert phones.connected == []

    play(story)


def test_the_caller_id_is_the_number_and_another_is_keyed_in() -> None:
    """Row C1: `#` alone for the caller's own; digits and `#` for another; the star to keep holding, back in place."""

    async def story() -> None:
        async with scene() as at:
            own, other, holds = [await at.joined(number=f"212555010{n}") for n in (1, 2, 3)]
            for call_id in (own, other, holds):
                at.double.queue.exit_by_key(call_id)
            await at.settled()
            for call_id, keys in ((own, "#"), (other, "2125550199#1"), (holds, "*")):
                caller_id = at.double.queue.channels[call_id].number
                step = begin(caller_id=caller_id, region="US")
                for key in keys:
                    step = enter(step.dialogue, key)
                number = getattr(step.done, "text", None)
                if call_id == holds:
                    await at.queues.put_back(call_id)
                else:
                    receipt = await at.aio.request("support", call_id=call_id, number=number)
                    assert receipt.number_masked == ("+1…01" if call_id == own else "+1…99")
                    at.double.queue.hang_up(call_id)
            await at.settled()
            assert waits(at) == [holds]
            assert at.service.call_position(holds).number == 3
            assert at.double.queue.position(holds) == 1

    play(story)


# ---------------------------------------------------------------------------- N2


@pytest.mark.parametrize("seed", range(4))
def test_events_that_are_doubled_late_and_shuffled_change_nothing(seed: int) -> None:
    """Row N2: sixty things that callers and agents do, and afterwards both sides agree."""
    chance = random.Random(seed)
    mischief = Mischief(seed, rates=BAD_DAY)
    double = AmiDouble(mischief=mischief, cuts=True, seed=seed)
    promised: dict[str, Receipt] = {}

    async def act(at: Scene) -> None:
        queue = double.queue
        waiting = [entry.channel.uniqueid for entry in queue.queues["support"]]
        talking = list(queue.talking)
        busy = {interface for _, interface in queue.talking.values()}
        idle = [one for one in (ANN, BEN) if one not in busy and not queue.is_paused(one)]
        what = chance.random()
        if what < 0.4 or not waiting:
            queue.join("support", number=f"+1212555{1000 + len(promised) + chance.randrange(8000)}")
        elif what < 0.55:
            queue.hang_up(chance.choice(waiting))
        elif what < 0.7:
            call_id = chance.choice(waiting)
            queue.exit_by_key(call_id)
            if at.call(call_id) is not None:  # Over ARI it is known before, or after.
                number = f"+1212556{len(promised):04}"
                promised[call_id] = await at.aio.request("support", call_id=call_id, number=number)
            queue.hang_up(call_id)
        elif what < 0.85 and idle:
            queue.connect(waiting[0], chance.choice(idle))
        elif talking:
            queue.hang_up(chance.choice(talking))

    async def story() -> None:
        for interface in (ANN, BEN):
            double.queue.add_member("support", interface)
        async with scene(double) as at:
            for _ in range(60):
                await act(at)
                await asyncio.sleep(0.002)
            double.queue.set_device(BEN, 5)
            mischief.rates = type(BAD_DAY)()
            await asyncio.sleep(0.45)  # What is late has come; and everything was read once more.
            await at.queues.resync()
            await at.settled()
            assert mischief.doubled_count
            assert mischief.delayed_count
            truth = [entry.channel.uniqueid for entry in double.queue.queues["support"]]
            assert {one.partition("/")[0] for one in waits(at)} == set(truth)
            for call_id in double.queue.talking:
                assert at.service.call(at.queues.call_id_of(call_id)).state is CallState.TAKEN
            for call_id, receipt in promised.items():
                assert at.service.call(call_id).outcome is CallOutcome.CONVERTED
                assert at.service.get(receipt.callback_id).entered_at == receipt.entered_at
            assert not at.is_available("ben")
            talks = any(interface == ANN for _, interface in double.queue.talking.values())
            assert at.is_available("ann") is not talks

    play(story)


# ---------------------------------------------------------------------------- N3


def test_an_asterisk_that_answers_nothing_holds_nobody_up() -> None:
    """Row N3: reserving returns in a bounded time, raises nothing, and is made up for."""

    async def story() -> None:
        brief = timedelta(seconds=0.1)
        async with scene(ami={"action_time_max": brief, "heartbeat": timedelta(seconds=30)}) as at:
            await at.until(at.is_available)
            at.double.is_mute = True
            order = ReserveAgent(agent_id=AgentId("ann"), attempt_id=AttemptId("at_1"))
            await asyncio.wait_for(at.queues.reserve_agent(order), 2)
            at.double.is_mute = False
            await at.until(lambda: at.queues.is_up)
            assert not at.double.queue.is_paused(ANN)
            assert at.is_available()

    play(story)


def test_an_asterisk_without_queues_is_asked_again_with_growing_waits(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Row N3: the module is not loaded yet. It is said once, twice, four times …, and mended by itself."""
    monkeypatch.setattr("callbackq.adapters.asterisk.queues._TRIES", Waits(first_s=0.01, max_s=0.1))

    async def story() -> None:
        double = AmiDouble(denied=["QueueStatus"])
        double.queue.add_member("support", ANN)
        service = CallbackService(MemoryStore(), [policy()], clock=SystemClock())
        async with double, AsyncCallbackService(service) as aio:
            queues = AsteriskQueues(ami_settings(double), aio, queues=queue_settings())
            await queues.open()
            await until(lambda: double.count("QueueStatus") >= 5)
            assert not queues.is_up
            assert double.connections_count == 1
            double.denied.clear()
            await asyncio.wait_for(queues.in_step(), PATIENCE_S)
            assert queues.is_up
            await queues.close()

    play(story)
    assert 3 <= caplog.text.count("Asterisk refused QueueStatus") <= 4


def test_functions_of_the_host_that_raise_harm_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    """Row N3: a member whom the host cannot name, and skills that cannot be read: told by type, the rest goes on."""

    def skills(agent_id: str) -> list[str]:
        if agent_id == "ben":
            raise LookupError("+12125550101")
        return []

    async def story() -> None:
        double = AmiDouble()
        double.queue.add_member("support", ANN)
        double.queue.add_member("support", BEN)
        async with scene(double, skills=skills) as at:
            await at.until(at.is_available)
            assert at.agent("ben") is None
            assert await at.joined()
        async with scene(double, agents=lambda member: {ANN: "+12125550101"}[member.interface]) as at:
            await at.until(lambda: at.is_available("+12125550101"))
            double.queue.pause(BEN)
            assert await at.joined()
            assert double.logins_count == 2

    play(story)
    assert "LookupError" in caplog.text
    assert "KeyError" in caplog.text
    assert "2125550101" not in caplog.text


def test_a_caller_whose_details_are_refused_has_a_place_all_the_same() -> None:
    """Row N3: such as a queue's clock that is wrong by hours."""

    async def story() -> None:
        async with scene() as at:
            read = at.queues._callers.joined
            hours = timedelta(hours=2_000)
            at.queues._callers.joined = lambda event, *, at: read(event, at=at - hours)  # type: ignore[method-assign]
            call_id = await at.joined()
            assert waits(at) == [call_id]

    play(story)


def test_a_store_that_is_away_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row N4: a caller who comes and goes while it is away: told once it is back, in that order."""

    async def story() -> None:
        async with scene() as at:
            failures = 3

            def failing(name: str) -> Callable[..., Any]:
                method = getattr(at.service, name)

                def call(*args: Any, **kwargs: Any) -> Any:
                    nonlocal failures
                    if failures:
                        failures -= 1
                        raise StoreUnavailable
                    return method(*args, **kwargs)

                return call

            joined = failing("call_joined")
            monkeypatch.setattr(
                type(at.aio),
                "call_joined",
                lambda self, *args, **kwargs: asyncio.to_thread(joined, *args, **kwargs),
            )
            call_id = at.double.queue.join("support")
            at.double.queue.hang_up(call_id)
            await at.until(lambda: at.call(call_id) is not None)
            await at.until(lambda: at.service.call(call_id).outcome is CallOutcome.ABANDONED)
            assert failures == 0

    play(story)


def test_what_was_given_up_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row N4: a store that is away for too long: the command is dropped, and somebody is told that it was."""

    async def story() -> None:
        lost: list[str] = []
        lines = Lines(lost=lambda: lost.append("lost"))
        tries = 0

        async def away() -> None:
            nonlocal tries
            tries += 1
            raise StoreUnavailable

        monkeypatch.setattr("callbackq.adapters.asterisk.queue_telling._WAITS_S", (0.001, 0.001))
        lines.put("call 1", away)
        assert await lines.drained(time_max_s=PATIENCE_S)
        assert (tries, lost) == (3, ["lost"])
        lines.put("call 1", lambda: asyncio.sleep(60))
        assert not await lines.drained(time_max_s=0.01)
        monkeypatch.setattr(lines, "drained", lambda time_max_s: asyncio.sleep(0))
        await lines.close()

    play(story)


def test_asterisk_restarts_in_the_middle_of_ten_callbacks() -> None:
    """Nobody is called twice, nobody is forgotten, and the agents are reserved again by themselves."""

    async def story() -> None:
        double = AmiDouble()
        names = [f"agent{n}" for n in range(5)]
        for name in names:
            double.queue.add_member("support", f"PJSIP/{name}")
        async with scene(double) as at, driven(at) as phones:
            receipts = [await at.aio.request("support", number=f"+121255501{n:02}") for n in range(10)]
            await at.until(lambda: len(phones.live) == 10)
            await at.until(lambda: all(at.service.agent(name).state is AgentState.BUSY for name in names))
            await double.restart()
            assert not any(double.queue.is_paused(f"PJSIP/{name}") for name in names)
            await at.until(lambda: all(double.queue.is_paused(f"PJSIP/{name}") for name in names))
            for dialed_count in (10, 20):
                await at.until(lambda least=dialed_count: len(phones.dialed) >= least)
                await at.until(lambda: all(at.service.agent(name).state is AgentState.BUSY for name in names))
                phones.end_all()
            for receipt in receipts:
                await at.until(
                    lambda one=receipt: at.service.get(one.callback_id).outcome is Outcome.COMPLETED
                )
            await at.until(lambda: all(at.is_available(name) for name in names))
            legs = [order.leg_id for order in phones.dialed]
            assert len(legs) == len(set(legs)) == 20
            assert len({order.number for order in phones.dialed}) == 10

    play(story)


def test_callbackq_never_connects_a_caller_of_app_queue() -> None:
    """An agent is free, and the next is a live caller: app_queue gives them to each other, nobody else."""

    async def story() -> None:
        service = CallbackService(MemoryStore(), [policy()], clock=SystemClock())
        async with scene(service=service) as at, driven(at) as phones:
            await at.until(at.is_available)
            await at.joined()
            receipt = await at.aio.request("support", number=BOB)
            await asyncio.sleep(0.1)
            assert phones.connected == []
            assert phones.dialed == []
            assert at.service.explain(receipt.callback_id).rule == "earlier_live_call"
            assert at.service.agent("ann").state is AgentState.AVAILABLE

    play(story)

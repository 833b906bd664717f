"""Whole callbacks over FreeSWITCH: the real service and runner, on good days, on bad ones, and over its restart."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import attrs
import pytest

from adapters.freeswitch.esl_far_end import settings_for
from adapters.freeswitch.esl_rig import run, until
from callbackq import (
    CallbackId,
    CallbackService,
    CallbackState,
    MemoryStore,
    Outcome,
    QueuePolicy,
    SystemClock,
)
from callbackq.adapters.freeswitch import EslTelephony
from callbackq.runners import AsyncRunner
from callbackq.testing.doubles.esl import EslDouble, EslPhone
from callbackq.testing.doubles.mischief import BAD_DAY, Mischief

POLICY = QueuePolicy(queue="support", wrap_up=timedelta(0), agent_cool_down=timedelta(seconds=1))
TALKS = EslPhone(answers_after_s=0.01, talks_s=0.03)
WAITS = EslPhone(answers_after_s=0.01)


@attrs.define
class House:
    """All that takes part."""

    service: CallbackService
    double: EslDouble
    telephony: EslTelephony
    runner: AsyncRunner

    def call_each(self, count: int) -> list[CallbackId]:
        """Promise so many callbacks, to as many numbers."""
        return [
            self.service.request("support", number=f"+1212555{number:04}").callback_id
            for number in range(count)
        ]

    def staff(self, count: int) -> None:
        for number in range(count):
            self.service.agent_available(f"agent{number}", queues=["support"])

    def outcomes(self, callbacks: list[CallbackId]) -> Counter[Outcome | None]:
        return Counter(self.service.get(one).outcome for one in callbacks)

    def over(self, callbacks: list[CallbackId]) -> bool:
        return all(self.service.get(one).state is CallbackState.ENDED for one in callbacks)

    def resting(self, callbacks: list[CallbackId]) -> list[CallbackId]:
        return [one for one in callbacks if self.service.get(one).state is CallbackState.RESTING]

    def settled(self, callbacks: list[CallbackId]) -> bool:
        """Whether nothing is going on."""
        states = {self.service.get(one).state for one in callbacks}
        return states <= {CallbackState.ENDED, CallbackState.RESTING, CallbackState.HELD}

    def rung(self) -> Counter[str]:
        """How often each leg was placed."""
        return Counter(one.leg_id for one in self.double.phones.placed)

    def answered(self) -> Counter[str]:
        """How often each customer picked up."""
        return Counter(
            one.address
            for one in self.double.phones.placed
            if one.answered_at and one.address.startswith("sofia")
        )


@asynccontextmanager
async def house(double: EslDouble, policy: QueuePolicy = POLICY) -> AsyncIterator[House]:
    async with double:
        service = CallbackService(MemoryStore(), [policy], clock=SystemClock())
        telephony = EslTelephony(settings_for(double))
        runner = AsyncRunner(service, telephony, idle_max=timedelta(seconds=0.05))
        telephony.attach(runner)
        async with telephony, runner:
            yield House(service, double, telephony, runner)


def customer_talks(address: str) -> EslPhone:
    """Agents pick up and wait; customers pick up, talk, and hang up."""
    return TALKS if address.startswith("sofia/") else WAITS


def test_a_callback_from_the_promise_to_the_end() -> None:
    async def test() -> None:
        async with house(EslDouble(phone_of=customer_talks)) as there:
            callbacks = there.call_each(1)
            there.staff(1)
            await until(lambda: there.over(callbacks))
            assert there.outcomes(callbacks) == {Outcome.COMPLETED: 1}
            await until(lambda: not any(there.double.phones.live()))
            assert [one.address for one in there.double.phones.placed] == [
                "user/agent0",
                "sofia/gateway/trunk/+12125550000",
            ]

    run(test())


@pytest.mark.parametrize("seed", [1])
def test_a_hundred_callbacks_on_a_bad_day(seed: int) -> None:
    """Events twice, late and shuffled: none is lost, and nobody's phone rings twice."""

    async def test() -> None:
        double = EslDouble(phone_of=customer_talks, mischief=Mischief(seed, rates=BAD_DAY), seed=seed)
        async with house(double) as there:
            callbacks = there.call_each(100)
            there.staff(25)
            await until(lambda: there.over(callbacks))
            assert there.outcomes(callbacks) == {Outcome.COMPLETED: 100}
            assert set(there.rung().values()) == {1}
            assert sorted(there.answered().values()) == [1] * 100
            await until(lambda: not any(double.phones.live()))
            assert double.mischief.doubled_count > 0

    run(test())


def test_the_connection_is_lost_while_phones_ring_and_the_customers_are_picked_up() -> None:
    """They are answered while nobody listens, and sit parked in silence: each is joined to the agent who waits."""

    async def test() -> None:
        async with house(EslDouble(phone_of=customer_talks)) as there:
            there.double.phone_of = lambda address: (
                EslPhone(talks_s=0.03) if address.startswith("sofia/") else WAITS
            )
            callbacks = there.call_each(3)
            there.staff(3)
            customers = lambda: [one for one in there.double.phones.live() if one.address[0] == "s"]  # noqa: E731
            await until(lambda: len(customers()) == 3 and all(one.progress_at for one in customers()))
            await there.double.stop()
            await until(lambda: not there.telephony.is_up)
            for one in customers():
                there.double.phones.answer(one)
            await asyncio.sleep(0.02)
            assert all(one.parked for one in customers())
            await there.double.start()
            await until(lambda: there.over(callbacks))
            assert there.outcomes(callbacks) == {Outcome.COMPLETED: 3}
            assert set(there.rung().values()) == {1}
            await until(lambda: not any(there.double.phones.live()))

    run(test())


@pytest.mark.parametrize("falls_after_s", [0.0, 0.06])
def test_freeswitch_restarts_in_the_middle_of_ten_callbacks(falls_after_s: float) -> None:
    """It recovers by itself: each promise is kept, no leg is placed twice, and who had talked is not called again."""

    async def test() -> None:
        policy = (
            attrs.evolve(
                POLICY, rests=(timedelta(seconds=15),) if False else POLICY.rests, answered_before_max=None
            )
            if False
            else POLICY
        )
        async with house(EslDouble(phone_of=customer_talks), policy) as there:
            callbacks = there.call_each(10)
            there.staff(5)
            await until(lambda: len(there.double.phones.placed) >= 5)
            await asyncio.sleep(falls_after_s)
            await there.double.crash()
            await until(lambda: not there.telephony.is_up)
            talked = set(there.answered())
            await asyncio.sleep(0.05)
            await there.double.start()
            await until(lambda: there.telephony.is_up and there.runner.telephony_is_up)
            await until(lambda: there.settled(callbacks))
            for one in there.resting(callbacks):  # Nobody waits for the end of a rest here.
                there.service.call_now(one, by="the test")
            await until(lambda: there.settled(callbacks) and not there.resting(callbacks))
            assert there.over(callbacks)
            assert set(there.rung().values()) == {1}
            assert set(there.answered().values()) == {1}  # Also of those who talked when it fell.
            assert there.outcomes(callbacks)[Outcome.COMPLETED] >= 10 - len(talked)
            assert len(there.answered()) == 10

    run(test())

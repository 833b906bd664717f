"""Many callbacks at once through a real service and runner, on a bad day; and a restart of Asterisk in the middle."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import attrs
import pytest

from adapters.asterisk.ari_far_end import settings_for
from adapters.asterisk.ari_stories import told, until
from callbackq import CallbackService, CallbackState, MemoryStore, Outcome, QueuePolicy, SystemClock
from callbackq.adapters.asterisk.ari_telephony import AriTelephony
from callbackq.runners import AsyncRunner
from callbackq.testing.doubles.ari import AriDouble, AriPhone
from callbackq.testing.doubles.mischief import BAD_DAY
from untraced import untraced

MANY = 300


@pytest.fixture(autouse=True)
def many_untraced():
    with untraced(when=True):
        yield


@attrs.define
class Center:
    """A contact center: the promises, the runner, the adapter, and the Asterisk."""

    double: AriDouble
    service: CallbackService
    telephony: AriTelephony
    runner: AsyncRunner
    callback_ids: list[str] = attrs.field(factory=list)

    def promise(self, count: int) -> None:
        """So many customers are to be called back, and so many agents are there."""
        for index in range(count):
            receipt = self.service.request("support", number=f"+1212555{index:04}")
            self.callback_ids.append(receipt.callback_id)
        for index in range(count):
            self.service.agent_available(f"agent{index}", queues=["support"])

    def states(self) -> Counter[CallbackState]:
        return Counter(self.service.get(callback_id).state for callback_id in self.callback_ids)

    def outcomes(self) -> Counter[Outcome | None]:
        return Counter(self.service.get(callback_id).outcome for callback_id in self.callback_ids)

    def customers_dialed(self) -> Counter[str]:
        """How often the phone of each customer rang."""
        legs = [order for order in self.double.world.orders if order["appArgs"] == "leg,customer"]
        return Counter(str(order["endpoint"]) for order in legs)


@asynccontextmanager
async def center(double: AriDouble, *policies: QueuePolicy) -> AsyncIterator[Center]:
    async with double:
        service = CallbackService(MemoryStore(), policies, clock=SystemClock())
        telephony = AriTelephony(settings_for(double))
        runner = AsyncRunner(service, telephony)
        telephony.attach(runner)
        async with telephony, runner:
            yield Center(double, service, telephony, runner)


def everybody_answers(endpoint: str, _channel: str) -> AriPhone:
    """Agents answer and wait; customers answer, talk a little while, and hang up."""
    return AriPhone(answers_after_s=0.02, talks_s=0.2 if "+" in endpoint else None)


@told
async def test_300_callbacks_at_once_on_a_bad_day() -> None:
    """Events shuffled, one in twenty doubled, one in twenty late: nobody is lost, and nobody dialed twice."""
    double = AriDouble(seed=300, rates=BAD_DAY)
    double.world.phone_of = everybody_answers
    async with center(double, QueuePolicy(queue="support", wrap_up=timedelta(minutes=5))) as at:
        at.promise(MANY)
        began_s = time.perf_counter()
        await until(lambda: at.states() == {CallbackState.ENDED: MANY}, patience_s=100)
        print(f"{MANY} callbacks in {time.perf_counter() - began_s:.2f} s", double.mischief.doubled_count)
        assert at.outcomes() == {Outcome.COMPLETED: MANY}
        assert set(double.world.dialed.values()) == {1}
        assert len(double.world.dialed) == 2 * MANY
        assert len(at.customers_dialed()) == MANY
        posts = sum(request == ("POST", "/channels") for request in double.requests)
        assert posts == 2 * MANY
        assert double.mischief.doubled_count > 100
        assert double.mischief.delayed_count > 100
        await until(lambda: not double.world.channels)
        await until(lambda: not double.world.bridges)
        hands = at.telephony._hands
        await until(lambda: (len(hands.meetings), len(hands.sounds), len(hands.wishes)) == (0, 0, 0))


@told
async def test_asterisk_restarts_in_the_middle_of_ten_callbacks() -> None:
    """All calls are gone, and the adapter finds back by itself. Whoever was on the line is not called a second time."""
    double = AriDouble()
    double.world.phone_of = lambda endpoint, _: AriPhone(
        answers_after_s=0.01 if "+" not in endpoint else None
    )
    async with center(double, QueuePolicy(queue="support")) as at:
        at.promise(10)
        await until(lambda: sum(at.customers_dialed().values()) == 10)
        legs = [channel for channel in double.world.channels.values() if channel.args == ("leg", "customer")]
        for leg in legs[:5]:  # Five of them talk, and five phones ring, when it is killed.
            double.answer(leg.channel)
        await until(lambda: sum(len(inside) == 2 for inside in double.world.bridges.values()) == 5)
        await until(lambda: at.outcomes()[Outcome.COMPLETED] == 5)  # And it was heard of.
        dialed = Counter(double.world.dialed)
        await double.restart()
        await until(lambda: at.telephony.is_up and at.runner.telephony_is_up)
        await until(lambda: at.service.open_attempts() == {})
        assert at.outcomes()[Outcome.COMPLETED] == 5
        assert double.world.dialed == dialed
        assert set(at.customers_dialed().values()) == {1}
        hands = at.telephony._hands
        assert (len(hands.meetings), len(hands.sounds), len(hands.wishes)) == (0, 0, 0)

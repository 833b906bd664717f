"""Ten callbacks with a real service, a real runner and a Twilio that misbehaves: all kept, nobody called twice."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import attrs
import pytest

from adapters.twilio.far_end import settings_of
from callbackq import (
    Callback,
    CallbackService,
    CallbackState,
    Confirm,
    Disposition,
    MemoryStore,
    Outcome,
    QueuePolicy,
    RetryRule,
    SystemClock,
    ThreadRunner,
)
from callbackq.adapters.twilio import TwilioTelephony, TwilioWebhooks
from callbackq.aio import AsyncCallbackService
from callbackq.runners import AsyncRunner
from callbackq.testing.doubles.mischief import HONEST, Rates
from callbackq.testing.doubles.twilio import AUTH_TOKEN, Failure, TwilioDouble

AGENTS = {f"agent{n}": f"+121255502{n:02}" for n in range(5)}
SOON = RetryRule(retries_max=5, rest=timedelta(milliseconds=50))
POLICY = QueuePolicy(
    queue="support",
    agent_ring_time=timedelta(seconds=5),
    ring_time=timedelta(seconds=15),
    hang_up_time_max=timedelta(seconds=1),
    agent_cool_down=timedelta(seconds=1),
    number_in_use_hold=timedelta(seconds=1),
    retry_rules={Disposition.NETWORK_FAILURE: SOON, Disposition.AGENT_UNAVAILABLE: SOON},
)
NUMBERS = [f"+121255501{n:02}" for n in range(10)]
BAD = Rates(doubled_ratio=0.3, delayed_ratio=0.3, shuffled_ratio=1.0, delay_max_s=0.05, shuffle_max_s=0.02)


def until(condition: Callable[[], bool], *, time_max_s: float = 30.0) -> bool:
    """Wait until something is so; say whether it is."""
    end_s = time.monotonic() + time_max_s
    while not condition() and time.monotonic() < end_s:
        time.sleep(0.02)
    return condition()


def is_in_doubt(callback: Callback) -> bool:
    """Whether a dial was on its way when Twilio went away: it rests for longer than a phone rings."""
    rests = callback.state is CallbackState.RESTING
    return rests and callback.last_disposition is Disposition.UNKNOWN


@pytest.mark.parametrize("rates", [HONEST, BAD], ids=["honest", "bad day"])
def test_ten_callbacks_and_an_outage(rates: Rates, caplog: pytest.LogCaptureFixture) -> None:
    """The API is away in the middle, and one reply is lost: nobody is called twice, and all are reached."""
    with TwilioDouble(seed=11, rates=rates, speed=20) as double, caplog.at_level(logging.DEBUG, "callbackq"):
        double.answers_after_s, double.talk_s = 2.0, 6.0
        settings = settings_of(double)
        service = CallbackService(MemoryStore(), [POLICY], clock=SystemClock())
        telephony = TwilioTelephony(settings, agents=AGENTS)
        runner = ThreadRunner(service, telephony)
        telephony.attach(runner, service=service)
        double.serve(TwilioWebhooks(settings, telephony=telephony, runner=runner))
        receipts = [service.request("support", number=number) for number in NUMBERS[:5]]

        def ended_count() -> int:
            found = [service.get(receipt.callback_id) for receipt in receipts]
            return sum(one.state is CallbackState.ENDED or is_in_doubt(one) for one in found)

        with telephony, runner:
            for agent_id in AGENTS:
                service.agent_available(agent_id, queues=["support"])
            assert until(lambda: ended_count() >= 2)
            double.failures.append(Failure(done=True, of="/Calls.json"))
            receipts += [service.request("support", number=number) for number in NUMBERS[5:]]
            assert until(lambda: not double.failures)
            double.go_away()
            assert until(lambda: not telephony.is_up)
            double.come_back()
            assert until(lambda: ended_count() == len(NUMBERS))
        left = [service.get(receipt.callback_id) for receipt in receipts]
        called = Counter(call.to for call in double.placed if call.to in NUMBERS)
        legs = Counter(call.leg_id for call in double.placed)
    ended = Counter((one.outcome, one.last_disposition) for one in left if not is_in_doubt(one))
    assert set(ended) == {(Outcome.COMPLETED, Disposition.CONNECTED)}, ended
    assert sum(map(is_in_doubt, left)) <= 2, "only what was on its way when Twilio went away"
    assert set(legs.values()) == {1}, "a leg id was dialed twice"
    assert max(called.values()) == 1, "somebody was called twice"
    assert not [secret for secret in (AUTH_TOKEN, *NUMBERS) if secret in caplog.text]


@contextmanager
def at_work(policy: QueuePolicy) -> Iterator[tuple[TwilioDouble, CallbackService]]:
    """Open a Twilio, a service and a runner, with one agent who is free."""
    with TwilioDouble(speed=20) as double:
        settings = settings_of(double)
        service = CallbackService(MemoryStore(), [policy], clock=SystemClock())
        telephony = TwilioTelephony(settings, agents=AGENTS)
        runner = ThreadRunner(service, telephony)
        telephony.attach(runner, service=service)
        double.serve(TwilioWebhooks(settings, telephony=telephony, runner=runner))
        with telephony, runner:
            service.agent_available("agent0", queues=["support"])
            yield double, service


def customer_leg(double: TwilioDouble, number: str) -> str:
    """Wait until a number is called, and rings; return the leg."""
    assert until(lambda: any(call.to == number and call.status == "ringing" for call in double.placed))
    return next(call.leg_id for call in double.placed if call.to == number)


def recordings_count(service: CallbackService, callback_id: str) -> int:
    """Return how many recordings the history of a callback names."""
    names = {getattr(event, "recording_id", None) for event in service.history(callback_id)}
    return sum(name is not None and name.startswith("RE") for name in names)


@pytest.mark.parametrize("rates", [HONEST, BAD], ids=["honest", "bad day"])
def test_press_1_to_connect(rates: Rates) -> None:
    """The customer is asked, presses a key while it is said, and is connected, with a recording."""
    with at_work(attrs.evolve(POLICY, confirm=Confirm.ALWAYS, record=True)) as (double, service):
        double.misbehave(3, rates)
        receipt = service.request("support", number=NUMBERS[0])
        double.answer(customer_leg(double, AGENTS["agent0"]))
        customer = customer_leg(double, NUMBERS[0])
        double.answer(customer)
        assert until(lambda: bool(double.call(customer).said))
        double.press(customer, "1")
        assert until(lambda: double.call(customer).room is not None)
        assert until(lambda: service.get(receipt.callback_id).outcome is Outcome.COMPLETED)
        double.hang_up(customer)
        assert until(lambda: all(call.is_over for call in double.placed))
        assert until(lambda: recordings_count(service, receipt.callback_id) == 1)


def test_a_machine_is_no_customer() -> None:
    """What Twilio detects is the disposition; nobody is connected to a machine."""
    with at_work(attrs.evolve(POLICY, detect=True, confirm=Confirm.UNLESS_HUMAN)) as (double, service):
        double.answered_by[NUMBERS[0]] = "machine_start"
        receipt = service.request("support", number=NUMBERS[0])
        double.answer(customer_leg(double, AGENTS["agent0"]))
        double.answer(customer_leg(double, NUMBERS[0]))
        assert until(lambda: service.get(receipt.callback_id).last_disposition is not None)
        assert service.get(receipt.callback_id).last_disposition is Disposition.MACHINE
        assert not any(call.room for call in double.placed)


def test_in_an_event_loop() -> None:
    """With an `AsyncRunner` the adapter is called in threads, and reports come from them: one callback is kept."""

    async def main(double: TwilioDouble) -> Outcome | None:
        settings = settings_of(double)
        service = CallbackService(MemoryStore(), [POLICY], clock=SystemClock())
        telephony = TwilioTelephony(settings, agents=AGENTS)
        callbacks = AsyncCallbackService(service)
        runner = AsyncRunner(callbacks, telephony)
        telephony.attach(runner, service=service)
        double.serve(TwilioWebhooks(settings, telephony=telephony, runner=runner))
        async with callbacks, runner:
            receipt = await callbacks.request("support", number=NUMBERS[0])
            await callbacks.agent_available("agent0", queues=["support"])
            for _ in range(1_000):
                found = await callbacks.get(receipt.callback_id)
                if found.state is CallbackState.ENDED:
                    break
                await asyncio.sleep(0.02)
        telephony.close()
        return found.outcome

    with TwilioDouble(speed=20) as double:
        double.answers_after_s, double.talk_s = 1.0, 4.0
        assert asyncio.run(main(double)) is Outcome.COMPLETED

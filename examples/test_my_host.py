"""
The tests that a host writes for its own code, with the fixtures that callbackq brings to pytest.

`pytest test_my_host.py` collects it; run as a script it does the same. The code under test is `Menu`, what a caller
on hold hears and presses. Nothing is mocked but the phone network, and time is moved by hand.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta

import pytest

from callbackq import CallbackService, CallbackState, DuplicateCallback, NoOffer, Outcome
from callbackq.testing import ANSWERS, NEVER_ANSWERS, FakeTelephony, ManualClock, VirtualHost

CALLER = "+12125550101"


class Menu:
    """The part of an imaginary phone system that talks to callers on hold."""

    def __init__(self, callbacks: CallbackService) -> None:
        self.callbacks = callbacks

    def announce(self, call_id: str) -> str:
        offer = self.callbacks.offer(call_id)
        if isinstance(offer, NoOffer):
            return "please hold"
        return f"you are number {offer.position.number}; press 3 and we call you back"

    def pressed_3(self, call_id: str, queue: str) -> str:
        try:
            receipt = self.callbacks.request(queue, call_id=call_id)
        except DuplicateCallback as error:
            receipt = self.callbacks.receipt(error.existing_id)
        return f"we will call {receipt.number_masked}; goodbye"


@pytest.fixture
def menu(virtual_host: VirtualHost) -> Menu:
    virtual_host.service.agent_available("ann", queues=["support"])
    virtual_host.service.call_joined("support", call_id="earlier")
    virtual_host.run_for(timedelta(seconds=20))  # Ann takes the earlier call.
    virtual_host.service.call_joined("support", call_id="call-1", number=CALLER)
    return Menu(virtual_host.service)


def test_caller_is_told_the_place(menu: Menu) -> None:
    assert menu.announce("call-1") == "you are number 1; press 3 and we call you back"


def test_pressing_3_twice_is_one_callback(menu: Menu) -> None:
    assert menu.pressed_3("call-1", "support") == "we will call +1…01; goodbye"
    assert menu.pressed_3("call-1", "support") == "we will call +1…01; goodbye"


@pytest.mark.usefixtures("menu")
def test_who_misses_the_first_call_gets_a_second(
    callback_service: CallbackService,
    fake_telephony: FakeTelephony,
    manual_clock: ManualClock,
    run_until: Callable[[Callable[[], bool]], None],
) -> None:
    fake_telephony.person(CALLER, NEVER_ANSWERS, ANSWERS)
    receipt = callback_service.request("support", call_id="call-1")
    callback_service.call_left("earlier")
    called_at = manual_clock.now()
    run_until(lambda: callback_service.get(receipt.callback_id).state is CallbackState.ENDED)
    assert callback_service.get(receipt.callback_id).outcome is Outcome.COMPLETED
    assert fake_telephony.dialed(CALLER) == 2
    assert manual_clock.now() - called_at == timedelta(minutes=2, seconds=45)


if __name__ == "__main__":
    sys.exit(subprocess.call([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]))

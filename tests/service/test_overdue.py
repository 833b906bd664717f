"""An attempt that should long be over ends first; its callback goes on after it, and never beside it."""

from __future__ import annotations

from datetime import timedelta

from callbackq.model import AnsweredBy, CallbackState, Disposition
from callbackq.policy import NumberChoice, QueuePolicy, RetryRule, Voicemail
from callbackq.stores.memory import MemoryStore
from callbackq.testing.clock import ManualClock
from callbackq.testing.faults import Fault, FaultyTelephony
from callbackq.testing.host import VirtualHost
from callbackq.testing.telephony import ANSWERS, Behaviour, Carried

MAIN, OTHER = "+12125550101", "+12125550102"
SECOND = timedelta(seconds=1)
AGENT = Behaviour(answers_after=SECOND, talks_for=None)


def test_a_voicemail_without_end_is_ended_before_the_next_number_is_dialed() -> None:
    """
    The agent speaks to a machine, and of its end nothing is heard; hanging up fails at first.

    Found by a storm: the callback rested, and its next attempt met its first one, at another number.
    """
    from random import Random

    rule = RetryRule(retries_max=2, rest=SECOND, number=NumberChoice.NEXT, voicemail=Voicemail.AGENT)
    policy = QueuePolicy(queue="support", attempts_max=3, retry_rules={Disposition.MACHINE: rule})

    def network(clock: ManualClock) -> FaultyTelephony:
        return FaultyTelephony(clock, random=Random(7))

    host = VirtualHost(MemoryStore(pepper=bytes(32)), [policy], telephony=network)
    telephony = host.telephony
    assert isinstance(telephony, FaultyTelephony)
    telephony.agent("anna", AGENT)
    telephony.person(MAIN, Behaviour(answered_by=AnsweredBy.MACHINE, talks_for=None))
    telephony.person(OTHER, ANSWERS)
    host.service.agent_available("anna", queues=["support"])
    receipt = host.service.request("support", number=MAIN, alternatives=[OTHER])
    host.run_for(timedelta(minutes=2))
    assert host.service.get(receipt.callback_id).state is CallbackState.ATTEMPTING

    telephony.ratios[Fault.HANG_UP_FAILS] = 1.0
    host.run_until(lambda: host.service.get(receipt.callback_id).due_at is None, time_max=timedelta(hours=3))

    assert telephony.dialed(OTHER) == 1
    dialed = [entry for entry in telephony.log if entry.what is Carried.DIALED]
    ended = {entry.leg_id: entry.at for entry in telephony.log if entry.what is Carried.ENDED}
    first, second = (entry for entry in dialed if entry.number)
    assert first.leg_id is not None
    assert ended[first.leg_id] <= second.at
    history = host.service.history(receipt.callback_id)
    over = [event for event in history if event.kind == "attempt_ended"]
    assert over[0].disposition is Disposition.MACHINE  # type: ignore[attr-defined]

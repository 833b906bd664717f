"""
K3, K4, C7: what fraudsters try, each stopped. `docs/explanation/attacks.md` names these tests.

Every test runs on every store.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from callbackq import (
    Access,
    CallbackNotFound,
    Channel,
    CodeOrder,
    CodeWrong,
    DuplicateCallback,
    Duplicates,
    DuplicateScope,
    InvalidNumber,
    Limit,
    NotVerified,
    NumberPolicy,
    NumberRefused,
    Person,
    QueuePolicy,
    RandomIds,
    RegionRule,
    RequestLimits,
    Store,
    TooManyRequests,
    Verify,
)
from callbackq.testing import VirtualHost
from service.scenes import BOB, DAN, EVE, HOUR, MINUTE, SECOND, whom

Maker = Callable[..., VirtualHost]

PREMIUM = ("+19005551234", "+448712345678", "+499001234567", "+33891234567", "+979123456789")
"""Premium-rate and shared-cost numbers: of the United States, Britain, Germany, France, and of no country."""
SATELLITE = "+881612345678"
DAY = timedelta(days=1)


class Phones:
    """Keeps the codes that were sent, as the phones of their owners would."""

    def __init__(self) -> None:
        self.orders: list[CodeOrder] = []

    def send(self, order: CodeOrder) -> None:
        """Keep it."""
        self.orders.append(order)


def house(store: Store, *, codes: Phones | None = None, **policy: Any) -> VirtualHost:
    """Return a host with one queue and one agent."""
    support = QueuePolicy(queue="support", **{"calling": None, **policy})
    host = VirtualHost(store, [support], codes=codes)
    host.service.agent_available("ann", queues=["support"])
    return host


# ---------------------------------------------------------------------------- premium pumping


@pytest.mark.parametrize("number", [*PREMIUM, SATELLITE])
@pytest.mark.parametrize("channel", [Channel.WEB, Channel.MESSAGE, Channel.AGENT])
def test_a_premium_number_is_refused_on_every_channel(store: Store, number: str, channel: Channel) -> None:
    """K4: a form, a message and an agent who was talked into it: nothing is stored, nobody is dialed."""
    host = house(store)
    with pytest.raises(NumberRefused):
        host.service.request("support", number=number, channel=channel)
    host.run_for(HOUR)
    assert whom(host) == []


def test_a_premium_caller_id_is_no_way_in(store: Store) -> None:
    """K4: the number that a caller claims to have is looked at like any other."""
    host = house(store)
    host.service.agent_unavailable("ann")
    host.service.call_joined("support", call_id="one", number=PREMIUM[0])
    with pytest.raises(NumberRefused):
        host.service.request("support", call_id="one")
    assert host.service.call("one").state == "waiting"


def test_a_business_event_calls_no_premium_number(store: Store) -> None:
    """K4: a poisoned list of customers: the others are called."""
    host = house(store)
    done = host.service.request_many(
        "support", people=[Person(number=number) for number in (BOB, *PREMIUM)], event_key="outage"
    )
    assert list(done.receipts) == [0]
    assert {type(error) for error in done.refused.values()} == {NumberRefused}


def test_no_code_is_sent_to_a_premium_number(store: Store) -> None:
    """K4, C7: sending is what they want."""
    phones = Phones()
    host = house(store, codes=phones, verify=Verify())
    for number in (*PREMIUM, SATELLITE):
        with pytest.raises(InvalidNumber):
            host.service.send_code("support", number=number)
    assert phones.orders == []


def test_a_dear_region_costs_no_more_than_its_ceiling(store: Store) -> None:
    """K4: valid mobile numbers of a country that costs much: so many a day, and the rest waits."""
    dear = NumberPolicy(regions={"CU": RegionRule(cost=100)}, cost_day_max=250)
    host = house(store, numbers=dear)
    for last in range(5):
        host.service.request("support", number=f"+53 5 123456{last}")
    host.run_for(12 * HOUR)
    assert len([who for who in whom(host) if who.startswith("+53")]) == 2


def test_a_closed_region_is_refused_with_other_ways(store: Store) -> None:
    """C5: only where the company has customers; the others hear how to reach it."""
    only_here = NumberPolicy(
        regions={"US": RegionRule()},
        other_regions=RegionRule(access=Access.REFUSE, alternatives=("email", "chat")),
    )
    host = house(store, numbers=only_here)
    with pytest.raises(NumberRefused) as caught:
        host.service.request("support", number="+53 5 1234567")
    assert (caught.value.problem, caught.value.alternatives) == ("region_not_served", ("email", "chat"))


# ---------------------------------------------------------------------------- by a side door


@pytest.mark.parametrize("number", [*PREMIUM, SATELLITE])
def test_a_premium_number_is_no_alternative(store: Store, number: str) -> None:
    """K4, C6: a good first number, and the real one behind it."""
    host = house(store)
    with pytest.raises(NumberRefused):
        host.service.request("support", number=BOB, alternatives=[EVE, number])


def test_a_number_cannot_be_changed_to_a_premium_one(store: Store) -> None:
    """K4, C10: a good number when it is asked for, and another one afterwards. The old one stays."""
    host = house(store)
    host.service.agent_unavailable("ann")
    receipt = host.service.request("support", number=BOB)
    for number in (*PREMIUM, SATELLITE):
        with pytest.raises(NumberRefused):
            host.service.change_number(receipt.callback_id, number)
    host.service.agent_available("ann", queues=["support"])
    host.run_for(MINUTE)
    assert [who for who in whom(host) if who != "ann"] == [BOB]


def test_a_preferred_premium_number_is_not_called(store: Store) -> None:
    """K4, B10: the preference of a stolen account."""
    host = house(store)
    host.service.set_preferences(number=BOB, preferred_number=PREMIUM[0])
    host.service.agent_unavailable("ann")
    host.service.call_joined("support", call_id="one", number=BOB)
    with pytest.raises(NumberRefused):
        host.service.request("support", call_id="one")


@pytest.mark.parametrize(
    "written",
    [
        "+12125550101;ext=9,,19005551234",
        "+12125550101 ext. 9#19005551234",
        "+12125550101;isub=1;postd=p19005551234",
        "+12125550101,,19005551234",
        "tel:+12125550101;phone-context=+1900",
    ],
)
def test_no_other_number_hides_in_an_extension(store: Store, written: str) -> None:
    """K4, C2: pauses and further digits are refused, or left out: nobody presses them after the answer."""
    host = house(store)
    try:
        host.service.request("support", number=written)
    except InvalidNumber:
        return
    host.run_for(MINUTE)
    assert [who for who in whom(host) if who != "ann"] == [BOB]
    assert not [entry for entry in host.telephony.log if "1900" in str(entry)]


def test_extensions_do_not_multiply_a_number(store: Store) -> None:
    """K3: the limit of a number counts them together, and so does the one that it rings."""
    limits = RequestLimits(per_number=Limit(3, DAY))
    host = VirtualHost(store, [QueuePolicy(queue="support", calling=None, limits=limits)])
    for extension in range(3):
        host.service.request("support", number=f"{BOB};ext={extension}1")
    with pytest.raises(TooManyRequests):
        host.service.request("support", number=f"{BOB};ext=99")


# ---------------------------------------------------------------------------- spoofed caller ids


def test_a_spoofed_caller_id_gives_the_victim_one_callback(store: Store) -> None:
    """J1, K3: many calls with somebody else's number: one promise, and one phone call."""
    host = house(store, duplicates=Duplicates.REFUSE)
    host.service.agent_unavailable("ann")
    for number in range(20):
        host.service.call_joined("support", call_id=f"c{number}", number=BOB)
        if number:
            with pytest.raises(DuplicateCallback):
                host.service.request("support", call_id=f"c{number}")
        else:
            host.service.request("support", call_id=f"c{number}")
        host.service.call_left(f"c{number}")
    host.service.agent_available("ann", queues=["support"])
    host.run_for(HOUR)
    assert [who for who in whom(host) if who != "ann"] == [BOB]


def test_a_spoofed_caller_id_must_be_proved_where_the_policy_says_so(store: Store) -> None:
    """C7: the code goes to the phone of the victim, and the caller does not have it."""
    phones = Phones()
    host = house(store, codes=phones, verify=Verify(channels={Channel.IN_QUEUE}))
    host.service.agent_unavailable("ann")
    host.service.call_joined("support", call_id="one", number=BOB)
    with pytest.raises(NotVerified):
        host.service.request("support", call_id="one")
    sent = host.service.send_code("support", number=BOB)
    wrong = "000000" if phones.orders[0].code != "000000" else "000001"
    for _ in range(3):
        with pytest.raises(CodeWrong):
            host.service.enter_code(sent.verification_id, code=wrong)
    with pytest.raises(CodeWrong) as caught:
        host.service.enter_code(sent.verification_id, code=phones.orders[0].code)
    assert caught.value.tries_left == 0
    with pytest.raises(NotVerified):
        host.service.request("support", call_id="one", verification_id=sent.verification_id)
    assert host.service.call("one").state == "waiting"


# ---------------------------------------------------------------------------- codes


def test_a_code_serves_one_request_of_one_number(store: Store) -> None:
    """C7: replayed for another request, or for another number, it is worth nothing."""
    phones = Phones()
    host = house(store, codes=phones, verify=Verify())
    sent = host.service.send_code("support", number=BOB)
    host.service.enter_code(sent.verification_id, code=phones.orders[0].code)
    with pytest.raises(NotVerified):
        host.service.request("support", number=EVE, verification_id=sent.verification_id)
    receipt = host.service.request("support", number=BOB, verification_id=sent.verification_id)
    host.service.cancel(receipt.callback_id)
    with pytest.raises(NotVerified):
        host.service.request("support", number=BOB, verification_id=sent.verification_id)


def test_codes_are_not_sent_for_ever(store: Store) -> None:
    """C7, K3: bombing a phone with codes: so many an hour to one number, whoever asks."""
    phones = Phones()
    host = house(store, codes=phones, verify=Verify(codes_max=Limit(3, HOUR)))
    for _ in range(3):
        host.service.send_code("support", number=BOB)
    with pytest.raises(TooManyRequests):
        host.service.send_code("support", number=BOB)
    assert len(phones.orders) == 3


# ---------------------------------------------------------------------------- bulk


def test_a_script_that_fills_in_the_form_is_stopped(store: Store) -> None:
    """K3: new numbers all the time, from one address; and new addresses all the time: the queue and all have limits."""
    limits = RequestLimits(per_source=Limit(5, HOUR), in_queue=Limit(20, HOUR))
    host = VirtualHost(
        store, [QueuePolicy(queue="support", calling=None, limits=limits)], limits=[Limit(50, DAY)]
    )
    stopped: list[str] = []
    for turn in range(60):
        try:
            host.service.request("support", number=f"+1212555{1000 + turn}", source=f"203.0.113.{turn // 10}")
        except TooManyRequests as refused:
            stopped.append(refused.limit)
    assert stopped.count("per_source") == 20
    assert stopped.count("in_queue") == 20
    assert len(stopped) == 40


def test_one_person_does_not_ask_again_and_again(store: Store) -> None:
    """K3: asking, cancelling and asking again is counted."""
    limits = RequestLimits(per_number=Limit(6, DAY))
    host = VirtualHost(store, [QueuePolicy(queue="support", calling=None, limits=limits)])
    for _ in range(6):
        host.service.cancel(host.service.request("support", number=BOB).callback_id)
        host.clock.advance(MINUTE)
    with pytest.raises(TooManyRequests) as caught:
        host.service.request("support", number=BOB)
    assert caught.value.again_at == host.clock.now() + DAY - 6 * MINUTE


def test_one_number_is_not_rung_from_many_queues(store: Store) -> None:
    """J2: a callback in each of many queues would be a call from each."""
    queues = [
        QueuePolicy(queue=f"q{number}", calling=None, duplicates_over=DuplicateScope.EVERYWHERE)
        for number in range(10)
    ]
    host = VirtualHost(store, queues)
    host.service.agent_available("ann", queues=[policy.queue for policy in queues])
    host.service.agent_unavailable("ann")
    refused = 0
    for policy in queues:
        try:
            host.service.request(policy.queue, number=BOB)
        except DuplicateCallback:
            refused += 1
    assert refused == 9


# ---------------------------------------------------------------------------- commands from somewhere else


def test_a_message_from_another_number_has_power_over_nothing(store: Store) -> None:
    """C10: who writes from a number has the callbacks of that number before them, and no others."""
    host = house(store)
    host.service.agent_unavailable("ann")
    receipt = host.service.request("support", number=BOB)
    assert [one.callback_id for one in host.service.callbacks_of(number=BOB)] == [receipt.callback_id]
    assert host.service.callbacks_of(number=EVE) == []
    assert host.service.callbacks_of(customer_id="c-1") == []
    host.service.request("support", number=DAN, customer_id="c-1")
    assert [one.queue for one in host.service.callbacks_of(customer_id="c-1")] == ["support"]
    host.service.cancel(receipt.callback_id)
    again = host.service.request("support", number=BOB)
    found = [one.callback_id for one in host.service.callbacks_of(number="(212) 555-0101", queue="support")]
    assert found == [again.callback_id, receipt.callback_id]


def test_ids_cannot_be_guessed(store: Store) -> None:
    """N7: 64 random bits; a receipt tells its own id, and no number."""
    host = VirtualHost(store, [QueuePolicy(queue="support", calling=None)], ids=RandomIds())
    first = host.service.request("support", number=BOB)
    second = host.service.request("support", number=EVE)
    tails = {one.callback_id[-16:] for one in (first, second)}
    assert len(tails) == 2
    assert "2125550101" not in str(first)
    with pytest.raises(CallbackNotFound):
        host.service.cancel(first.callback_id[:-1])


def test_what_attackers_write_is_not_written_into_the_log(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """K5: line breaks, escapes and numbers stay out of logs and errors."""
    caplog.set_level(logging.DEBUG, logger="callbackq")
    host = house(store)
    for text in ("+1212555\r\nINFO admin", "\x1b[31m+12125550101", "'; DROP TABLE x; --", "9" * 10_000):
        with pytest.raises(InvalidNumber) as caught:
            host.service.request("support", number=text)
        assert str(caught.value).isprintable()
        assert "5550101" not in str(caught.value)
    assert "DROP" not in caplog.text
    assert "5550101" not in caplog.text
    host.run_for(SECOND)

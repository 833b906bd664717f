"""J2, B10, C8: who asks, by the host's own id, by the number, by both, or by neither."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from callbackq import (
    CallSnapshot,
    Channel,
    DuplicateCallback,
    Duplicates,
    FixedSeats,
    InvalidText,
    InvalidTime,
    NumberNeeded,
    Person,
    Purpose,
    RequestKeyReused,
    SlotPolicy,
    Store,
)
from callbackq.testing import START, VirtualHost
from service.scenes import BOB, DAN, EVE, MINUTE, subject_of

Maker = Callable[..., VirtualHost]


def test_one_customer_with_two_numbers_is_one_person(make_host: Maker, store: Store) -> None:
    """J2: the host's own id goes before the number."""
    host = make_host()
    first = host.service.request("support", number=BOB, customer_id="c-1")
    with pytest.raises(DuplicateCallback) as caught:
        host.service.request("support", number=EVE, customer_id="c-1")
    assert caught.value.existing_id == first.callback_id
    assert subject_of(host, store, first.callback_id).number == BOB


def test_two_customers_with_one_number_are_two_persons(make_host: Maker, store: Store) -> None:
    """J2: a household, or a switchboard: nobody is kept out by the other."""
    host = make_host()
    receipts = [host.service.request("support", number=BOB, customer_id=who) for who in ("c-1", "c-2")]
    people = [subject_of(host, store, receipt.callback_id) for receipt in receipts]
    assert [person.customer_id for person in people] == ["c-1", "c-2"]
    assert {person.number for person in people} == {BOB}
    assert people[0].subject_id != people[1].subject_id


def test_who_was_known_by_the_number_becomes_the_customer(make_host: Maker, store: Store) -> None:
    """J2: a caller who logs in afterwards has the callback already."""
    host = make_host()
    first = host.service.request("support", number=BOB)
    with pytest.raises(DuplicateCallback):
        host.service.request("support", number=BOB, customer_id="c-1")
    host.service.cancel(first.callback_id)
    second = host.service.request("support", number=BOB, customer_id="c-1")
    person = subject_of(host, store, second.callback_id)
    assert (person.customer_id, person.subject_id) == ("c-1", host.service.get(first.callback_id).subject_id)
    with pytest.raises(DuplicateCallback):
        host.service.request("support", number=BOB)


def test_a_known_customer_needs_no_number(make_host: Maker, store: Store) -> None:
    """B10: the last one is called; a stranger is asked for one."""
    host = make_host()
    with pytest.raises(NumberNeeded):
        host.service.request("support", customer_id="c-1")
    host.service.cancel(host.service.request("support", number=BOB, customer_id="c-1").callback_id)
    receipt = host.service.request("support", customer_id="c-1")
    assert receipt.number_masked == "+1…01"
    assert subject_of(host, store, receipt.callback_id).number == BOB


def test_a_customer_gives_another_number(make_host: Maker, store: Store) -> None:
    """C1: it is called from now on, and the person is still known by what they were known by."""
    host = make_host()
    host.service.cancel(host.service.request("support", number=BOB, customer_id="c-1").callback_id)
    receipt = host.service.request("support", number=EVE, customer_id="c-1")
    assert subject_of(host, store, receipt.callback_id).number == EVE
    with pytest.raises(DuplicateCallback):
        host.service.request("support", number=BOB)


def test_a_live_call_brings_the_customer_along(make_host: Maker, store: Store) -> None:
    """J2: the PBX says who calls; another number for the callback changes nothing about that."""
    host = make_host()
    host.service.call_joined("support", call_id="one", number=BOB, customer_id="c-1", tier="gold")
    receipt = host.service.request("support", call_id="one", number=EVE, context={"topic": "invoice"})
    person = subject_of(host, store, receipt.callback_id)
    assert (person.customer_id, person.tier, person.number) == ("c-1", "gold", EVE)
    assert host.service.call_joined(
        "support", call_id="two", number=DAN, customer_id="c-1"
    ).returns_for_id == (receipt.callback_id)


def test_a_known_customer_is_called_where_they_call_from(make_host: Maker, store: Store) -> None:
    """C1: the caller id is the default, also of a customer who was called at another number before."""
    host = make_host()
    host.service.cancel(host.service.request("support", number=BOB, customer_id="c-1").callback_id)
    host.service.call_joined("support", call_id="one", number=DAN, customer_id="c-1")
    receipt = host.service.request("support", call_id="one")
    assert subject_of(host, store, receipt.callback_id).number == DAN


def test_a_callback_that_waits_is_not_redirected_by_a_call(make_host: Maker, store: Store) -> None:
    """C1, G8: who asked to be called at one number is called there, from wherever they ask how long it takes."""
    host = make_host()
    receipt = host.service.request("support", number=BOB, customer_id="c-1")
    host.service.call_joined("support", call_id="one", number=DAN, customer_id="c-1")
    assert subject_of(host, store, receipt.callback_id).number == BOB


def test_a_withheld_caller_who_is_known_is_called_at_the_number_of_before(
    make_host: Maker, store: Store
) -> None:
    """C8: no caller id, but a customer id: nobody has to type."""
    host = make_host()
    host.service.cancel(host.service.request("support", number=BOB, customer_id="c-1").callback_id)
    host.service.call_joined("support", call_id="one", number="anonymous", customer_id="c-1")
    receipt = host.service.request("support", call_id="one")
    assert subject_of(host, store, receipt.callback_id).number == BOB


@pytest.mark.parametrize("number", [None, "anonymous", "Restricted", "unknown", "0", "200"])
def test_a_withheld_caller_is_asked_for_a_number_and_never_stored_as_one(
    make_host: Maker, store: Store, number: str | None
) -> None:
    """C8: whatever the PBX writes for it."""
    host = make_host()
    host.service.call_joined("support", call_id="one", number=number, customer_id="c-9")
    with pytest.raises(NumberNeeded):
        host.service.request("support", call_id="one")
    receipt = host.service.request("support", call_id="one", number=BOB)
    assert subject_of(host, store, receipt.callback_id).number == BOB


def test_customers_are_told_apart_when_calls_are_resynced(make_host: Maker) -> None:
    """J2: a snapshot of the PBX says the same as `call_joined`."""
    host = make_host()
    receipt = host.service.request("support", number=BOB, customer_id="c-1")
    host.service.resync_calls("support", calls=[CallSnapshot(call_id="one", number=DAN, customer_id="c-1")])
    assert host.service.get(receipt.callback_id).called_in_id == "one"


def test_a_business_event_names_customers(make_host: Maker, store: Store) -> None:
    """B5, J2: two customers of one number are both called, one customer with two numbers once."""
    host = make_host()
    people = [
        Person(number=BOB, customer_id="c-1"),
        Person(number=BOB, customer_id="c-2", tier="gold"),
        Person(number=EVE, customer_id="c-1"),
    ]
    done = host.service.request_many("support", people=people, event_key="outage")
    assert sorted(done.receipts) == [0, 1, 2]
    assert done.receipts[2] == done.receipts[0] != done.receipts[1]
    assert subject_of(host, store, done.receipts[1].callback_id).tier == "gold"


def test_the_same_key_of_another_customer_is_refused(make_host: Maker) -> None:
    """B8: a key serves one request; the same customer gets the same receipt, whatever became of the number."""
    host = make_host()
    first = host.service.request("support", number=BOB, customer_id="c-1", request_key="form-1")
    host.service.change_number(first.callback_id, EVE)
    again = host.service.request("support", number=BOB, customer_id="c-1", request_key="form-1")
    assert again.callback_id == first.callback_id
    with pytest.raises(RequestKeyReused):
        host.service.request("support", number=BOB, customer_id="c-2", request_key="form-1")


@pytest.mark.parametrize("customer_id", ["", " ", "x" * 201, "a\nb", 7])
def test_what_is_no_customer_id_is_refused(make_host: Maker, customer_id: Any) -> None:
    """J2: an id is a text of 1 to 200 characters that can be shown."""
    host = make_host()
    with pytest.raises(InvalidText, match="customer_id"):
        host.service.request("support", number=BOB, customer_id=customer_id)
    with pytest.raises(InvalidText, match="customer_id"):
        host.service.call_joined("support", call_id="one", number=BOB, customer_id=customer_id)


def test_an_id_does_not_stand_in_a_repr() -> None:
    """K5: a customer id can be an e-mail address."""
    for shown in (Person(number=BOB, customer_id="mary@x"), CallSnapshot(call_id="c", customer_id="mary@x")):
        assert "mary" not in repr(shown)


# ---------------------------------------------------------------------------- preferences


def test_preferences_are_used_on_every_channel(make_host: Maker, store: Store) -> None:
    """B10: number and language of the customer, by call, form, agent and event, where nothing else is said."""
    host = make_host(duplicates=Duplicates.ALLOW)
    host.service.request("support", number=BOB, customer_id="c-1")
    host.service.set_preferences(customer_id="c-1", preferred_number=EVE, language="fr")
    host.service.call_joined("support", call_id="one", number=BOB)
    host.service.call_joined("support", call_id="two", number=DAN, customer_id="c-1")
    receipts = [
        host.service.request("support", call_id="one"),
        host.service.request("support", call_id="two"),
        host.service.request("support", customer_id="c-1"),
        host.service.request("support", customer_id="c-1", channel=Channel.MESSAGE),
        host.service.request("support", customer_id="c-1", owner="ann"),
    ]
    assert {receipt.number_masked for receipt in receipts} == {"+1…02"}
    person = subject_of(host, store, receipts[0].callback_id)
    assert (person.number, person.language, person.customer_id) == (EVE, "fr", "c-1")
    given = host.service.request("support", customer_id="c-1", number=DAN, language="de")
    person = subject_of(host, store, given.callback_id)
    assert (person.number, person.language) == (DAN, "de")
    assert host.service.request("support", customer_id="c-1").number_masked == "+1…02"


def test_a_booked_time_is_in_the_zone_that_the_customer_prefers(make_host: Maker) -> None:
    """B10, H11: unless the request says another one."""
    slots = SlotPolicy(seats=FixedSeats(seats=5))
    host = make_host(slots=slots, duplicates=Duplicates.ALLOW)
    host.service.set_preferences(number=BOB, zone="Asia/Tokyo")
    at = host.clock.now() + 60 * MINUTE
    assert host.service.request("support", number=BOB, scheduled_at=at).zone == "Asia/Tokyo"
    said = host.service.request("support", number=BOB, scheduled_at=at, zone="Europe/Paris")
    assert said.zone == "Europe/Paris"
    assert host.service.request("support", number=EVE, scheduled_at=at).zone == "America/New_York"


# ---------------------------------------------------------------------------- why they are called, and by whose leave


def test_a_requested_callback_carries_its_own_consent(make_host: Maker) -> None:
    """K2: with its time and its channel, and the host's reference to how it was given."""
    host = make_host()
    receipt = host.service.request("support", number=BOB, consent_ref="form v3")
    made = host.service.get(receipt.callback_id)
    assert (made.purpose, made.consent_at, made.consent_ref, made.channel) == (
        Purpose.REQUESTED,
        host.clock.now(),
        "form v3",
        Channel.WEB,
    )


def test_who_did_not_ask_has_not_consented(make_host: Maker) -> None:
    """K2: an agent's follow-up and a business event are for service, unless the host says what for."""
    host = make_host()
    follow_up = host.service.request("support", number=BOB, owner="ann")
    given_at = host.clock.now() - 30 * MINUTE
    offer = host.service.request(
        "support", number=EVE, channel=Channel.AGENT, purpose=Purpose.SALES, consent_at=given_at
    )
    event = host.service.request_many("sales", people=[Person(number=DAN)], event_key="outage")
    made = [host.service.get(one.callback_id) for one in (follow_up, offer, event.receipts[0])]
    assert [(one.purpose, one.consent_at) for one in made] == [
        (Purpose.SERVICE, None),
        (Purpose.SALES, given_at),
        (Purpose.SERVICE, None),
    ]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"purpose": "sales"}, InvalidText),
        ({"purpose": "fun"}, InvalidText),
        ({"purpose": "fun", "owner": "ann"}, InvalidText),
        ({"consent_at": START.replace(tzinfo=None)}, InvalidTime),
        ({"consent_at": "yesterday"}, InvalidTime),
        ({"consent_ref": ""}, InvalidText),
        ({"tier": "x" * 65}, InvalidText),
        ({"source": "\x00"}, InvalidText),
        ({"verification_id": ""}, InvalidText),
    ],
)
def test_what_cannot_be_said_of_a_request_is_refused(
    make_host: Maker, fields: dict[str, Any], error: type[Exception]
) -> None:
    """K2: a customer who asks is not sold to, and nobody consented in the future, or at no time."""
    host = make_host()
    with pytest.raises(error):
        host.service.request("support", number=BOB, **fields)


def test_nobody_consents_in_the_future(make_host: Maker) -> None:
    """K2: not a moment after now."""
    host = make_host()
    with pytest.raises(InvalidTime, match="not after now"):
        host.service.request("support", number=BOB, consent_at=host.clock.now() + timedelta(microseconds=1))

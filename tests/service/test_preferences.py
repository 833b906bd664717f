"""What a customer prefers is kept with the person: set piece by piece, read again, and gone with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from callbackq import (
    DEFAULT_TENANT,
    Commit,
    InvalidNumber,
    InvalidText,
    NumberNeeded,
    Preferences,
    RequestRefused,
    Store,
    Subject,
    UnknownQueue,
)
from callbackq.policy import Messages
from service.letters import post_office
from service.scenes import BOB, EVE, KIM, ZERO, house, promised, subject_of
from service.traces import everything_in

HOURS = {"friday": "14:00-18:00, 09:00-12:00", "monday": "09:00-12:00"}
SPOKEN: dict[str, Any] = {
    "language": "fr-CA",
    "zone": "America/Montreal",
    "channel": "sms",
    "hours": HOURS,
    "tier": "gold",
}
READ = Preferences(
    number_masked="+1…02",
    language="fr-CA",
    zone="America/Montreal",
    channel="sms",
    hours={"monday": "09:00-12:00", "friday": "09:00-12:00,14:00-18:00"},
    tier="gold",
)


def customer(store: Store, customer_id: str) -> Subject | None:
    """Return the record of a customer."""
    with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        return tx.subjects.by_customer(customer_id)


def test_preferences_are_kept_and_read_again(store: Store) -> None:
    """By the number, in any spelling; the preferred number is shown masked."""
    service = house(store).service
    assert service.preferences(number=BOB) is None
    assert service.set_preferences(number=BOB, preferred_number=EVE, **SPOKEN) == READ
    assert service.preferences(number="212 555 0101", queue="support") == READ
    assert service.preferences(number=EVE) is None


def test_what_is_not_given_stays_and_none_takes_it_back(store: Store) -> None:
    """Piece by piece."""
    service = house(store).service
    service.set_preferences(number=BOB, preferred_number=EVE, **SPOKEN)
    after = service.set_preferences(number=BOB, language=None, preferred_number=None)
    assert (after.language, after.number_masked, after.tier) == (None, None, "gold")
    after = service.set_preferences(number=BOB, hours=None, zone=None, channel=None, tier=None)
    assert after == Preferences()
    assert service.preferences(number=BOB) == Preferences()


def test_the_same_again_writes_nothing(store: Store) -> None:
    """The record keeps its version."""
    host = house(store)
    callback_id = promised(host)
    host.service.set_preferences(number=BOB, **SPOKEN)
    version = subject_of(host, store, callback_id).version
    host.service.set_preferences(number=BOB, **SPOKEN)
    assert subject_of(host, store, callback_id).version == version


def test_a_customer_who_is_not_known_is_made_with_the_preferred_number(store: Store) -> None:
    """Without one there is nothing to call."""
    host = house(store)
    with pytest.raises(NumberNeeded):
        host.service.set_preferences(customer_id="c-1", language="en")
    assert customer(store, "c-1") is None
    host.service.set_preferences(customer_id="c-1", preferred_number=BOB, language="en")
    made = customer(store, "c-1")
    assert made is not None
    assert (made.number, made.preferred_number, made.language) == (BOB, BOB, "en")
    assert made.seen_at == host.clock.now()
    again = host.service.set_preferences(customer_id="c-1", preferred_number=KIM)
    assert (again.number_masked, again.language) == ("+1…04", "en")
    known = customer(store, "c-1")
    assert known is not None
    assert (known.subject_id, known.number) == (made.subject_id, BOB)


def test_two_customers_may_prefer_one_number(store: Store) -> None:
    """They stay two persons, each with their own preferences."""
    service = house(store).service
    service.set_preferences(customer_id="c-1", preferred_number=BOB, language="en")
    service.set_preferences(customer_id="c-2", preferred_number=BOB, language="fr")
    read = [service.preferences(customer_id=one) for one in ("c-1", "c-2")]
    assert [one and one.language for one in read] == ["en", "fr"]


def test_preferences_go_with_the_person(store: Store) -> None:
    """And the next person at that number has none."""
    host = house(store, agents=())
    host.service.set_preferences(number=BOB, **SPOKEN)
    host.service.erase(number=BOB)
    assert host.service.preferences(number=BOB) is None
    promised(host)
    assert host.service.preferences(number=BOB) == Preferences()


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, RequestRefused),
        ({"number": BOB, "customer_id": "c-1"}, RequestRefused),
        ({"number": "nobody"}, InvalidNumber),
        ({"number": BOB, "preferred_number": "212 555 0102 ext. 7", "queue": "support"}, InvalidNumber),
        ({"number": BOB, "preferred_number": "555"}, InvalidNumber),
        ({"number": BOB, "queue": "nowhere"}, UnknownQueue),
        ({"customer_id": ""}, InvalidText),
        ({"number": BOB, "language": "x" * 36}, InvalidText),
        ({"number": BOB, "zone": "Berlin"}, InvalidText),
        ({"number": BOB, "hours": {"monday": "nine to five"}}, InvalidText),
        ({"number": BOB, "channel": ""}, InvalidText),
        ({"number": BOB, "tier": "a\nb"}, InvalidText),
    ],
)
def test_what_cannot_be_read_changes_nothing(
    store: Store, fields: dict[str, Any], error: type[Exception]
) -> None:
    """No person is made, and what was given is not shown."""
    host = house(store, agents=())
    with pytest.raises(error) as refused:
        host.service.set_preferences(**fields)
    assert BOB[-4:] not in str(refused.value)
    assert host.service.preferences(number=BOB) is None


def test_an_address_is_kept_and_shown_masked(store: Store, tmp_path: Path) -> None:
    """Where messages go that are sent by e-mail; it goes with None, and with the person."""
    host = house(store, agents=())
    service = host.service
    kept = service.set_preferences(number=BOB, preferred_number=BOB, email="Ada.Lovelace@Example.COM")
    assert kept.email_masked == "A\u2026@example.com"
    assert "Lovelace" not in repr(kept)
    person = subject_of(host, store, promised(host))
    assert person.email == "Ada.Lovelace@example.com"
    assert "Lovelace" not in repr(person)
    assert service.set_preferences(number=BOB, language="en").email_masked == kept.email_masked
    assert service.set_preferences(number=BOB, email=None).email_masked is None
    service.set_preferences(number=BOB, email="Ada.Lovelace@Example.COM")
    service.erase(number=BOB)
    assert b"Lovelace" not in everything_in(store, tmp_path)


def test_what_is_no_address_changes_nothing(store: Store) -> None:
    """And it is not shown."""
    service = house(store, agents=()).service
    service.set_preferences(number=BOB, preferred_number=BOB, email="ada@example.com")
    for address in ("nobody", "a b@c.de", "x@y.z\nBcc: w@y.z", ""):
        with pytest.raises(InvalidText) as refused:
            service.set_preferences(number=BOB, email=address)
        assert not address or address not in str(refused.value)
    after = service.preferences(number=BOB)
    assert after is not None
    assert after.email_masked == "a\u2026@example.com"


def test_the_channel_that_is_preferred_is_the_first_that_is_used(store: Store) -> None:
    """Where it is among those of the queue: e-mail, though SMS goes first for others."""
    host = post_office(store, messages=Messages(channels=("sms", "email")))
    for number, prefers in ((BOB, "email"), (EVE, None)):
        host.service.set_preferences(
            number=number, preferred_number=number, email=f"{number[-4:]}@example.com", channel=prefers
        )
        promised(host, number)
    host.run_for(ZERO)
    assert {(order.channel, order.to) for order in host.messenger.sent} == {
        ("email", "0101@example.com"),
        ("sms", EVE),
    }

"""What a customer prefers is kept with the person: set piece by piece, read again, and gone with them."""

from __future__ import annotations

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
from service.scenes import BOB, EVE, KIM, house, promised, subject_of

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

"""What a caller on hold is offered, and told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from callbackq import CallNotFound, Choice, NoOffer, NoOfferReason, Offer
from callbackq.testing import START, VirtualHost

BOB = "+12125550101"


def test_offer_is_a_value_with_all_that_can_be_said(host: VirtualHost) -> None:
    """A9: position, wait as point and range, expected time, choices, expiry."""
    host.service.call_joined("support", call_id="first", number="+12125550100")
    host.run_for(timedelta(seconds=1))
    host.service.call_joined("support", call_id="bob", number=BOB)
    offer = host.service.offer("bob")
    assert isinstance(offer, Offer)
    assert offer.position.number == 2
    assert offer.position.exact
    assert offer.wait.mean_s == 600
    assert offer.wait.low_s is not None
    assert offer.wait.high_s is not None
    assert 0 < offer.wait.low_s < 600 < offer.wait.high_s
    assert offer.wait.coverage_ratio == 0.9
    assert offer.expected_at == START + timedelta(minutes=10, seconds=1)
    assert offer.expires_at == START + timedelta(seconds=61)
    assert offer.choices == (Choice.STAY, Choice.CALLBACK_NOW)


def test_nobody_staffed_is_said_as_such(make_host: Callable[..., VirtualHost]) -> None:
    """A9: unknown is a legal wait, and no offer is made on it."""
    host = make_host()
    host.service.call_joined("support", call_id="bob", number=BOB)
    answer = host.service.offer("bob", asked=True)
    assert isinstance(answer, NoOffer)
    assert answer.reason is NoOfferReason.NOBODY_STAFFED
    assert not answer.wait.known


def test_short_wait_is_offered_only_when_asked_for(make_host: Callable[..., VirtualHost]) -> None:
    """A9: no offer to a caller who is about to be served, unless the caller asks."""
    host = make_host(offer_wait_min=timedelta(minutes=10))
    host.service.agent_available("ann", queues=["support"])
    host.service.call_joined("support", call_id="busy")
    host.run_for(timedelta(0))
    host.service.call_joined("support", call_id="bob", number=BOB)
    answer = host.service.offer("bob")
    assert isinstance(answer, NoOffer)
    assert answer.reason is NoOfferReason.ABOUT_TO_BE_SERVED
    assert isinstance(host.service.offer("bob", asked=True), Offer)


def test_who_has_a_callback_is_offered_none(host: VirtualHost) -> None:
    """A9: one promise to a person."""
    host.service.request("support", number=BOB)
    host.service.call_joined("support", call_id="bob", number=BOB)
    answer = host.service.offer("bob")
    assert isinstance(answer, NoOffer)
    assert answer.reason is NoOfferReason.ALREADY_HAS_CALLBACK


def test_what_was_quoted_is_kept(host: VirtualHost) -> None:
    """A9: offers are counted on the call."""
    host.service.call_joined("support", call_id="bob", number=BOB)
    host.service.offer("bob")
    host.service.offer("bob")
    assert host.service.call_left("bob").offers_count == 2


def test_unknown_call_is_said(host: VirtualHost) -> None:
    """An offer needs a call that joined."""
    with pytest.raises(CallNotFound, match="nobody"):
        host.service.offer("nobody")


def test_caller_for_whom_an_agent_is_free_is_about_to_be_served(
    make_host: Callable[..., VirtualHost],
) -> None:
    """A9: the wait is zero, and no offer is made; unless the free agent lacks the skill."""
    host = make_host()
    host.service.agent_available("ann", queues=["support"])
    host.service.call_joined("support", call_id="bob", number=BOB)
    answer = host.service.offer("bob")
    assert isinstance(answer, NoOffer)
    assert answer.reason is NoOfferReason.ABOUT_TO_BE_SERVED
    assert answer.wait.mean_s == answer.wait.high_s == 0
    host.run_for(timedelta(0))
    host.service.agent_available("ben", queues=["support"])
    host.service.call_joined("support", call_id="german", skills=["german"])
    assert isinstance(host.service.offer("german"), Offer)

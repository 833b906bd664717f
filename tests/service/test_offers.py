"""What a caller on hold is offered, and told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from callbackq import (
    KEYS_S2,
    AfterRefusal,
    CallbackState,
    CallNotFound,
    Choice,
    DuplicateCallback,
    NoOffer,
    NoOfferReason,
    NumberNeeded,
    Offer,
    OfferReason,
    Opening,
    QueuePolicy,
    RequestRefused,
    Store,
    Then,
    UnknownQueue,
)
from callbackq.testing import START, FakeHours, VirtualHost

BOB = "+12125550101"
SECOND = timedelta(seconds=1)


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
    assert offer.choices == (Choice.STAY, Choice.CALLBACK_NOW, Choice.SCHEDULE)


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
    assert answer.reason is NoOfferReason.WAIT_IS_SHORT
    assert answer.again_at == START + timedelta(seconds=90)
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
    first = made(host)
    assert made(host).offer_id == first.offer_id, "it stands until it expires"
    assert host.service.call("bob").offers_count == 1
    host.clock.advance(timedelta(seconds=60))
    assert made(host).offer_id != first.offer_id
    row = host.service.call("bob")
    assert (row.offers_count, row.quoted_wait_s) == (2, 300)


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
    answer = host.service.offer("german")
    assert isinstance(answer, NoOffer)
    assert answer.reason is NoOfferReason.NOBODY_STAFFED
    host.service.agent_available("uwe", queues=["support"], skills=["german"])
    assert host.service.offer("german").wait.mean_s == 0


# ---------------------------------------------------------------------------- which rule makes the offer


def with_line(make_host: Callable[..., VirtualHost], ahead: int = 0, **policy: Any) -> VirtualHost:
    """Return a host with one busy agent, *ahead* callers waiting, and then `bob`."""
    host = make_host(**policy)
    host.service.agent_available("ann", queues=["support"])
    host.service.call_joined("support", call_id="busy")
    host.run_for(timedelta(0))
    for index in range(ahead):
        host.service.call_joined("support", call_id=f"ahead-{index}")
        host.clock.advance(SECOND)
    host.service.call_joined("support", call_id="bob", number=BOB)
    return host


NO_TRIGGER: dict[str, Any] = {"offer_wait_min": None, "offer_waited_min": None}


def made(host: VirtualHost, **asked: Any) -> Offer:
    """Return the offer that is made to bob."""
    offer = host.service.offer("bob", **asked)
    assert isinstance(offer, Offer), offer
    return offer


def refused(host: VirtualHost, **asked: Any) -> NoOffer:
    """Return the refusal that bob gets."""
    answer = host.service.offer("bob", **asked)
    assert isinstance(answer, NoOffer), answer
    return answer


def test_offer_by_expected_wait(make_host: Callable[..., VirtualHost]) -> None:
    """A1: the default is two minutes."""
    assert made(with_line(make_host)).reason is OfferReason.EXPECTED_WAIT


def test_offer_by_time_waited(make_host: Callable[..., VirtualHost]) -> None:
    """A2: after 90 seconds on hold, however short the rest may be."""
    host = with_line(make_host, offer_wait_min=None)
    answer = refused(host)
    assert (answer.reason, answer.again_at) == (NoOfferReason.WAIT_IS_SHORT, START + timedelta(seconds=90))
    host.clock.advance(timedelta(seconds=90))
    assert made(host).reason is OfferReason.WAITED


def test_offer_by_depth_and_by_load(make_host: Callable[..., VirtualHost]) -> None:
    """A3: from a position on; from so many places to each staffed agent on."""
    host = with_line(make_host, ahead=2, offer_position_min=3, **NO_TRIGGER)
    assert made(host).reason is OfferReason.DEPTH
    host.service.call_left("ahead-0")
    assert refused(host).reason is NoOfferReason.WAIT_IS_SHORT


def test_offer_by_load(make_host: Callable[..., VirtualHost]) -> None:
    """A3: two agents halve it."""
    host = with_line(make_host, ahead=2, offer_load_min=3, **NO_TRIGGER)
    assert made(host).reason is OfferReason.LOAD
    host.service.agent_available("ben", queues=["support"], skills=["rare"])
    assert refused(host).reason in (NoOfferReason.WAIT_IS_SHORT, NoOfferReason.ABOUT_TO_BE_SERVED)


def test_the_caller_may_ask_at_any_time(make_host: Callable[..., VirtualHost]) -> None:
    """A4: by the queue's key or word; the map is policy's."""
    host = with_line(make_host, **NO_TRIGGER)
    assert host.service.choice_of("support", said="3") is Choice.CALLBACK_NOW
    assert host.service.choice_of("support", said="9") is None
    assert made(host, asked=True).reason is OfferReason.ASKED


def test_the_menu_of_the_handbook_is_a_preset(make_host: Callable[..., VirtualHost]) -> None:
    """A4: 1 hold, 2 or "callback" now, 3 or "schedule" a time."""
    host = make_host(keys=KEYS_S2)
    said = [
        host.service.choice_of("support", said=word) for word in ("1", " CallBack ", "2", "3", "Schedule")
    ]
    now, later = Choice.CALLBACK_NOW, Choice.SCHEDULE
    assert said == [Choice.STAY, now, now, later, later]


def test_no_offer_to_who_is_about_to_be_served(make_host: Callable[..., VirtualHost]) -> None:
    """A5: by expected wait and by position."""
    host = with_line(make_host, served_soon_position=1)
    assert refused(host).reason is NoOfferReason.ABOUT_TO_BE_SERVED
    assert made(host, asked=True).position.number == 1


def test_a_wait_that_is_too_long_is_answered_with_a_time(make_host: Callable[..., VirtualHost]) -> None:
    """A6: longer than the longest virtual wait: propose a slot, staying, another channel."""
    host = with_line(
        make_host, ahead=3, virtual_wait_max=timedelta(minutes=19), other_channels=["chat", "email"]
    )
    answer = refused(host)
    assert answer.reason is NoOfferReason.WAIT_TOO_LONG
    assert answer.next_best == (Choice.SCHEDULE, Choice.STAY, Choice.OTHER_CHANNEL)
    assert answer.channels == ("chat", "email")
    assert answer.wait.mean_s == 1200


def test_no_offer_beyond_the_limit_of_pending_callbacks(make_host: Callable[..., VirtualHost]) -> None:
    """A6: those that have not ended are counted, whatever their state."""
    host = with_line(make_host, pending_max=2)
    first = host.service.request("support", number="+12125550111")
    host.service.request("support", number="+12125550112", scheduled_at=START + timedelta(hours=2))
    assert refused(host, asked=True).reason is NoOfferReason.TOO_MANY_PENDING
    host.service.cancel(first.callback_id)
    made(host)


def test_a_queue_that_is_closed_or_closes_too_soon(store: Store) -> None:
    """A6, A8: the margin before closing counts from when the call is likely to begin."""
    hours = FakeHours({"support": Opening(is_open=False, changes_at=START + timedelta(hours=1))})
    policy = QueuePolicy(queue="support", offer_closing_margin=timedelta(minutes=5))
    host = VirtualHost(store, [policy], hours=hours)
    host.service.agent_available("ann", queues=["support"])
    host.service.call_joined("support", call_id="busy")
    host.run_for(timedelta(0))
    host.service.call_joined("support", call_id="bob", number=BOB)
    answer = refused(host, asked=True)
    assert (answer.reason, answer.again_at) == (NoOfferReason.QUEUE_CLOSED, START + timedelta(hours=1))
    likely_s = answer.wait.high_s
    assert likely_s is not None
    closes_at = START + timedelta(seconds=likely_s) + timedelta(minutes=5)
    hours.openings["support"] = Opening(is_open=True, changes_at=closes_at - SECOND)
    assert refused(host).reason is NoOfferReason.CLOSING_TOO_SOON
    hours.openings["support"] = Opening(is_open=True, changes_at=closes_at + SECOND)
    made(host)
    assert hours.asked[0] == ("support", START)


@pytest.mark.parametrize("nonsense", [ZeroDivisionError("hours"), "open", None])
def test_hours_that_fail_offer_nothing(store: Store, nonsense: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A8: what raises or answers nonsense is reported, and is no reason to promise a call at night."""
    hours = FakeHours()
    host = VirtualHost(store, [QueuePolicy(queue="support")], hours=hours)
    host.service.call_joined("support", call_id="bob", number=BOB)
    if isinstance(nonsense, Exception):
        hours.error = nonsense
    else:
        hours.openings["support"] = nonsense
    assert refused(host, asked=True).reason is NoOfferReason.HOURS_UNKNOWN
    assert "the hours of queue support" in caplog.text


def test_rollout_by_a_stable_share_of_callers(make_host: Callable[..., VirtualHost]) -> None:
    """A7: the same caller, the same answer, on every call; raising the share only adds callers."""
    chosen: dict[float, set[int]] = {}
    for share in (0.2, 0.6, 0.6):
        host = make_host(offer_ratio=share)
        chosen.setdefault(share, set())
        for index in range(60):
            call_id = f"{share} {len(chosen)} {index} {host.clock.now()} {id(host)}"
            host.service.call_joined("support", call_id=call_id, number=f"+1212555{index + 100:04d}")
            answer = host.service.offer(call_id, asked=True)
            assert isinstance(answer, NoOffer)
            if answer.reason is not NoOfferReason.NOT_IN_ROLLOUT:
                chosen[share].add(index)
            host.service.call_left(call_id)
    assert chosen[0.2] < chosen[0.6]
    assert 2 <= len(chosen[0.2]) <= 24
    assert 24 <= len(chosen[0.6]) <= 48


def test_rollout_by_segment(make_host: Callable[..., VirtualHost]) -> None:
    """A7: named segments only."""
    host = with_line(make_host, offer_segments=["staff", "gold"])
    assert refused(host, asked=True).reason is NoOfferReason.NOT_IN_ROLLOUT
    assert refused(host, segments=["silver"]).reason is NoOfferReason.NOT_IN_ROLLOUT
    made(host, segments=["silver", "gold"])


def test_offering_and_dialing_are_paused_apart(make_host: Callable[..., VirtualHost]) -> None:
    """A10: per queue and for all, at run time, on every node; places are kept, live callers are served past them."""
    host = with_line(make_host)
    service = host.service
    receipt = service.request("support", number="+12125550111")
    host.clock.advance(SECOND)
    service.call_joined("support", call_id="late")
    service.pause("support", offering=True)
    assert refused(host).reason is NoOfferReason.OFFERING_PAUSED
    service.pause(None, dialing=True, reason="carrier down")
    service.call_left("bob")
    service.call_left("busy")
    host.run_for(SECOND)
    assert service.call_position("late") is None, "served past the callback"
    why = service.explain(receipt.callback_id)
    assert why.rule == "dialing_paused"
    assert "carrier down" in why.text
    assert service.overtakes("support").callbacks_passed_by_calls == 1
    service.call_left("late")
    host.run_for(SECOND)
    assert service.get(receipt.callback_id).state is CallbackState.WAITING
    service.resume("support", dialing=True)
    host.run_for(SECOND)
    assert service.get(receipt.callback_id).state is CallbackState.WAITING, "still paused for all queues"
    service.resume(None, dialing=True)
    host.run_for(SECOND)
    assert service.get(receipt.callback_id).state is CallbackState.ENDED
    control = service.control("support")
    assert control is not None
    assert (control.offering_paused, control.dialing_paused) == (True, False)
    assert service.control("sales") is not None


def test_pausing_is_refused_for_a_queue_that_is_not_there(host: VirtualHost) -> None:
    """A10: and pausing twice changes nothing."""
    with pytest.raises(UnknownQueue):
        host.service.pause("nowhere", dialing=True)
    first = host.service.pause("support", dialing=True)
    assert host.service.pause("support", dialing=True) == first
    for switch in (host.service.pause, host.service.resume):
        with pytest.raises(RequestRefused, match="nothing to switch"):
            switch("support")
    assert host.service.control("support") == first
    assert host.service.control(None) is None
    host.service.pause(None, offering=True, reason="new menu")
    merged = host.service.control("support")
    assert merged is not None
    assert (merged.offering_paused, merged.dialing_paused, merged.reason) == (True, True, None)
    assert [event.kind for event in host.service.queue_history(None)] == ["queue_switched"]
    assert len(host.service.queue_history("support")) == 1


def test_a_decline_leaves_the_place_and_is_counted(make_host: Callable[..., VirtualHost]) -> None:
    """A11: the offer comes again by policy: later, and not more often than it may."""
    host = with_line(make_host, ahead=1, declines_max=2, offer_again_after=timedelta(minutes=5))
    before = host.service.call_position("bob")
    offer = made(host)
    call = host.service.offer_declined("bob", offer_id=offer.offer_id)
    assert (call.declines_count, host.service.call_position("bob")) == (1, before)
    answer = refused(host)
    assert answer.reason is NoOfferReason.DECLINED_BEFORE
    assert answer.again_at == host.clock.now() + timedelta(minutes=5)
    host.clock.advance(timedelta(minutes=5))
    made(host)
    host.service.offer_declined("bob")
    answer = refused(host)
    assert (answer.reason, answer.again_at) == (NoOfferReason.DECLINED_BEFORE, None)
    made(host, asked=True)


def test_each_offer_is_declined_once(make_host: Callable[..., VirtualHost]) -> None:
    """A11: a key that is pressed three times is one decline, and another offer's id is none."""
    host = with_line(make_host)
    offer = made(host)
    assert host.service.offer_declined("bob", offer_id="of_other").declines_count == 0
    for _ in range(3):
        call = host.service.offer_declined("bob", offer_id=offer.offer_id)
    assert call.declines_count == 1
    assert [event.kind for event in host.service.call_history("bob")] == [
        "call_joined",
        "call_offered",
        "call_declined",
    ]


def test_agents_who_are_kept_serve_nobody_here_soon(store: Store) -> None:
    """A5, D4: a caller who waits beside kept agents is not about to be served, and is offered a callback."""
    policies = [QueuePolicy(queue="support"), QueuePolicy(queue="premium", served_first=10, agents_kept=2)]
    host = VirtualHost(store, policies)
    for agent in ("ann", "ben"):
        host.service.agent_available(agent, queues=["support", "premium"])
    host.service.call_joined("support", call_id="bob", number=BOB)
    host.run_for(timedelta(seconds=90))
    assert host.service.call_position("bob") is not None
    assert made(host).reason in (OfferReason.EXPECTED_WAIT, OfferReason.WAITED)


def test_while_dialing_is_paused_no_time_is_promised(host: VirtualHost) -> None:
    """A10: the wait is unknown, and said as such."""
    host.service.pause("support", dialing=True)
    receipt = host.service.request("support", number=BOB)
    assert not receipt.wait.known
    assert receipt.expected_at is None


def test_a_request_ends_in_one_of_two_spoken_answers(make_host: Callable[..., VirtualHost]) -> None:
    """A12: after success the call is ended; after an error the caller keeps the place on hold."""
    host = with_line(make_host)
    host.service.call_joined("support", call_id="withheld")
    host.service.call_joined("support", call_id="bob again", number=BOB)
    success = host.service.request_spoken("support", call_id="bob")
    assert (success.success, success.then) == (True, Then.HANG_UP)
    assert success.receipt is not None
    for call_id, error in (("withheld", NumberNeeded), ("bob again", DuplicateCallback)):
        failure = host.service.request_spoken("support", call_id=call_id)
        assert (failure.success, failure.then, type(failure.error)) == (False, Then.KEEP_HOLDING, error)
        assert failure.says
        assert host.service.call_position(call_id) is not None


def test_hanging_up_after_an_error_is_a_setting(make_host: Callable[..., VirtualHost]) -> None:
    """A12: as one handbook wants it."""
    host = make_host(after_refusal=AfterRefusal.HANG_UP)
    host.service.call_joined("support", call_id="withheld")
    assert host.service.request_spoken("support", call_id="withheld").then is Then.HANG_UP

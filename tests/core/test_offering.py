"""Whether a caller is offered a callback, and what is said."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from callbackq.core.decision import Decision
from callbackq.core.estimate import queue_length_wait
from callbackq.core.offering import LineFacts, consider_offer
from callbackq.events import CallOffered
from callbackq.ids import OfferId
from callbackq.model import Choice, NoOffer, NoOfferReason, Offer, Position, Wait
from callbackq.policy import QueuePolicy
from core.samples import CALL_ID, START, SUPPORT, H, M, S, a_call, changed, only_event, only_record

POLICY = QueuePolicy(queue=SUPPORT, handle_time=5 * M, offer_wait_min=2 * M, offer_life=60 * S)
NOW = START + M
CALL = a_call(offers_count=1)


def consider(
    facts: LineFacts, *, asked: bool = False, policy: QueuePolicy = POLICY
) -> tuple[Offer | NoOffer, Decision]:
    return consider_offer(CALL, facts=facts, asked=asked, offer_id=OfferId("of_1"), policy=policy, now=NOW)


def test_an_offer_says_all_that_can_be_said() -> None:
    """Position, wait and range, the expected time, the choices, and how long it stands."""
    answer, _ = consider(LineFacts(ahead=4, agents_staffed=10))
    wait = queue_length_wait(ahead=4, agents=10, handle_time=5 * M)
    assert wait.mean_s == 150.0
    assert answer == Offer(
        offer_id=OfferId("of_1"),
        call_id=CALL_ID,
        queue=SUPPORT,
        position=Position(number=5),
        wait=wait,
        expected_at=NOW + 150 * S,
        choices=(Choice.STAY, Choice.CALLBACK_NOW),
        expires_at=NOW + 60 * S,
    )


def test_an_offer_is_written_down_with_what_was_quoted() -> None:
    """The call counts it, and changes in nothing else; history holds the figures that were said."""
    answer, decision = consider(LineFacts(ahead=4, agents_staffed=10))
    record, event = only_record(decision), only_event(decision)
    assert changed(CALL, record) == {"offers_count": 2}
    assert event == CallOffered(
        tenant_id=CALL.tenant_id,
        version=2,
        at=NOW,
        due_at=CALL.due_at,
        due_reason=CALL.due_reason,
        call_id=CALL_ID,
        state=CALL.state,
        offers_count=2,
        offer_id=OfferId("of_1"),
        position=5,
        wait_s=150.0,
        wait_low_s=answer.wait.low_s,
        wait_high_s=answer.wait.high_s,
    )
    assert decision.effects == ()


_R = NoOfferReason


@pytest.mark.parametrize(
    ("ahead", "staffed", "has_callback", "asked", "reason"),
    [
        # 5 minutes over 10 agents: half a minute for each place; offered from 2 minutes on.
        (4, 10, False, False, None),
        (3, 10, False, False, None),
        (2, 10, False, False, _R.ABOUT_TO_BE_SERVED),
        (0, 10, False, False, _R.ABOUT_TO_BE_SERVED),
        # Who asks is not refused for a short wait.
        (2, 10, False, True, None),
        (0, 10, False, True, None),
        # Nobody there: the wait is unknown, and no promise is made.
        (4, 0, False, False, _R.NOBODY_STAFFED),
        (4, 0, False, True, _R.NOBODY_STAFFED),
        # One person, one callback. That is said first.
        (4, 10, True, False, _R.ALREADY_HAS_CALLBACK),
        (4, 10, True, True, _R.ALREADY_HAS_CALLBACK),
        (0, 10, True, False, _R.ALREADY_HAS_CALLBACK),
        (4, 0, True, True, _R.ALREADY_HAS_CALLBACK),
    ],
)
def test_who_is_offered_a_callback(
    ahead: int, staffed: int, has_callback: bool, asked: bool, reason: NoOfferReason | None
) -> None:
    """The threshold at both sides; who asks; nobody staffed; who has one already."""
    facts = LineFacts(ahead=ahead, agents_staffed=staffed, has_active_callback=has_callback)
    answer, decision = consider(facts, asked=asked)
    assert answer.position == Position(number=ahead + 1)
    if reason is None:
        assert isinstance(answer, Offer)
        assert len(decision.events) == 1
        return
    assert answer == NoOffer(
        call_id=CALL_ID, queue=SUPPORT, reason=reason, position=answer.position, wait=answer.wait
    )
    assert decision == Decision()


def test_free_agents_shorten_the_wait_and_not_the_position() -> None:
    """Five stand before the caller, three agents are free: the wait is that of the third, the position the sixth."""
    facts = LineFacts(ahead=5, agents_staffed=10, agents_free=3)
    answer, decision = consider(facts)
    assert isinstance(answer, NoOffer)
    assert answer.reason is NoOfferReason.ABOUT_TO_BE_SERVED
    assert answer.position == Position(number=6)
    assert answer.wait == queue_length_wait(ahead=2, agents=10, handle_time=5 * M)
    assert decision == Decision()
    assert isinstance(consider(attrs.evolve(facts, agents_free=0))[0], Offer)


def test_an_unknown_wait_is_said_as_such() -> None:
    """With nobody staffed no figure is made up."""
    answer, _ = consider(LineFacts(ahead=4, agents_staffed=0))
    assert answer.wait == Wait(mean_s=None, low_s=None, high_s=None)


@pytest.mark.parametrize("life", [5 * S, H])
def test_the_settings_are_those_of_the_queue(life: timedelta) -> None:
    """Handle time, threshold and the life of an offer are the policy's."""
    policy = attrs.evolve(POLICY, handle_time=M, offer_wait_min=timedelta(0), offer_life=life)
    answer, _ = consider(LineFacts(ahead=0, agents_staffed=6), policy=policy)
    assert isinstance(answer, Offer)
    assert answer.expected_at == NOW + 10 * S
    assert answer.expires_at == NOW + life

"""Whether a caller is offered a callback, and what is said."""

from __future__ import annotations

from datetime import datetime

import attrs

from callbackq.core.decision import Decision, head
from callbackq.core.estimate import expected_at, queue_length_wait
from callbackq.events import CallOffered
from callbackq.ids import OfferId
from callbackq.model import Choice, LiveCall, NoOffer, NoOfferReason, Offer, Position
from callbackq.policy import QueuePolicy


@attrs.frozen(kw_only=True)
class LineFacts:
    """What a rule needs to know of the line beyond the record, read in the same transaction."""

    ahead: int
    agents_staffed: int
    agents_free: int = 0
    has_active_callback: bool = False


def consider_offer(
    call: LiveCall, *, facts: LineFacts, asked: bool, offer_id: OfferId, policy: QueuePolicy, now: datetime
) -> tuple[Offer | NoOffer, Decision]:
    """
    Decide whether *call* is offered a callback now.

    Args:
        asked: the caller asked for it. Then only a caller whose callback exists already, or for whom nobody is
            staffed, is refused.
    """
    position = Position(number=facts.ahead + 1)
    wait = queue_length_wait(
        ahead=facts.ahead,
        agents=facts.agents_staffed,
        free=facts.agents_free,
        handle_time=policy.handle_time,
    )
    reason: NoOfferReason | None = None
    if facts.has_active_callback:
        reason = NoOfferReason.ALREADY_HAS_CALLBACK
    elif wait.mean_s is None:
        reason = NoOfferReason.NOBODY_STAFFED
    elif not asked and wait.mean_s < policy.offer_wait_min.total_seconds():
        reason = NoOfferReason.ABOUT_TO_BE_SERVED
    if reason is not None or wait.mean_s is None:
        assert reason is not None
        refused = NoOffer(call_id=call.call_id, queue=call.queue, reason=reason, position=position, wait=wait)
        return refused, Decision()
    offer = Offer(
        offer_id=offer_id,
        call_id=call.call_id,
        queue=call.queue,
        position=position,
        wait=wait,
        expected_at=expected_at(now, wait),
        choices=(Choice.STAY, Choice.CALLBACK_NOW),
        expires_at=now + policy.offer_life,
    )
    return offer, _offered(call, offer, now=now)


def _offered(call: LiveCall, offer: Offer, *, now: datetime) -> Decision:
    record = attrs.evolve(call, version=call.version + 1, offers_count=call.offers_count + 1)
    event = CallOffered(
        **head(record, at=now),
        offers_count=record.offers_count,
        offer_id=offer.offer_id,
        position=offer.position.number,
        wait_s=offer.wait.mean_s,
        wait_low_s=offer.wait.low_s,
        wait_high_s=offer.wait.high_s,
    )
    return Decision(records=(record,), events=(event,))

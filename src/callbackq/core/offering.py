"""
Whether a caller is offered a callback, and what is quoted.

Two tables are the whole truth, and their order is the order of the rules. The first of REFUSALS that holds is the
answer: no offer, for this reason. If none holds, there is an offer, for the first of TRIGGERS that holds; the last
refusal says that none does. Whoever asks is refused only what cannot be kept, never for a short wait.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

import attrs

from callbackq.core.decision import Decision, head, told
from callbackq.core.estimate import expected_at
from callbackq.events import CallDeclined, CallOffered
from callbackq.ids import OfferId, QueueName
from callbackq.model import (
    Choice,
    LiveCall,
    NoOffer,
    NoOfferReason,
    Offer,
    OfferReason,
    Opening,
    Position,
    Wait,
)
from callbackq.policy import Acd, QueuePolicy


@attrs.frozen(kw_only=True)
class OfferFacts:
    """
    What the rules look at beyond the live call, read in the same transaction.

    Args:
        position: where the call stands.
        wait: how long it will wait, as estimated; unknown where nobody can serve it.
        waiting_count: how many places the line of the queue has.
        agents_staffed: how many agents are signed in who serve the queue.
        agents_able: how many of them have the skills.
        agents_free: how many agents are free who may be given this very call: who serve the queue, have the skills,
            and are kept for no other queue.
        pending_count: how many callbacks of the queue have not ended; may stop at `policy.pending_max`.
        opening: whether the queue is open; open for ever where the host has no hours; None where its hours raised,
            or answered nonsense.
        offering_paused: offering is switched off, for the queue or for all.
        in_rollout: the caller is one of those who are offered callbacks, as `in_rollout` says.
        has_active_callback: the caller has a callback that forbids another one.
    """

    position: Position
    wait: Wait
    waiting_count: int
    agents_staffed: int
    agents_able: int
    agents_free: int = 0
    pending_count: int
    opening: Opening | None
    offering_paused: bool
    in_rollout: bool
    has_active_callback: bool


@attrs.frozen(kw_only=True)
class Case:
    """All that one rule may look at."""

    call: LiveCall
    facts: OfferFacts
    asked: bool
    policy: QueuePolicy
    now: datetime

    @property
    def mean_s(self) -> float:
        """The estimated wait in seconds. Only for the rules that come after WAIT_UNKNOWN."""
        mean_s = self.facts.wait.mean_s
        assert mean_s is not None
        return mean_s

    @property
    def opening(self) -> Opening:
        """Whether the queue is open. Only for the rules that come after HOURS_UNKNOWN."""
        assert self.facts.opening is not None
        return self.facts.opening


# ---------------------------------------------------------------------------- triggers


def _wait_is_long(case: Case) -> bool:
    least = case.policy.offer_wait_min
    return least is not None and case.mean_s >= least.total_seconds()


def _waited(case: Case) -> bool:
    least = case.policy.offer_waited_min
    return least is not None and case.now - case.call.entered_at >= least


def _line_is_deep(case: Case) -> bool:
    least = case.policy.offer_position_min
    return least is not None and case.facts.position.number >= least


def _load_is_high(case: Case) -> bool:
    least = case.policy.offer_load_min
    return least is not None and case.facts.waiting_count / case.facts.agents_staffed >= least


TRIGGERS: Final[Mapping[OfferReason, Callable[[Case], bool]]] = MappingProxyType(
    {
        OfferReason.ASKED: lambda case: case.asked,
        OfferReason.EXPECTED_WAIT: _wait_is_long,
        OfferReason.WAITED: _waited,
        OfferReason.DEPTH: _line_is_deep,
        OfferReason.LOAD: _load_is_high,
    }
)
"""What makes an offer; any one suffices, and the first that holds is named."""


def _trigger(case: Case) -> OfferReason | None:
    return next((reason for reason, holds in TRIGGERS.items() if holds(case)), None)


# ---------------------------------------------------------------------------- refusals


def _closing_too_soon(case: Case) -> bool:
    """By the time that the wait is over with high probability, the last moment to begin a callback has passed."""
    closes_at = case.opening.changes_at
    if closes_at is None:
        return False
    high_s = case.facts.wait.high_s
    begun_s = case.mean_s if high_s is None else high_s
    return closes_at - case.policy.offer_closing_margin < case.now + timedelta(seconds=begun_s)


def _declined_before(case: Case) -> bool:
    call = case.call
    if case.asked or call.declined_at is None:
        return False
    again_at = _again_after_decline(case)
    return again_at is None or case.now < again_at


def _again_after_decline(case: Case) -> datetime | None:
    call = case.call
    if call.declined_at is None or call.declines_count >= case.policy.declines_max:
        return None
    return call.declined_at + case.policy.offer_again_after


def _about_to_be_served(case: Case) -> bool:
    """
    Say whether an agent is about to come: to whoever did not ask, soon; to whoever asked, at the next step.

    There is a free agent for the caller and for everybody ahead. A callback made now would be dialed while the caller
    still hangs up. With the host's own ACD nobody here knows whom the free agents serve.
    """
    at_next_step = case.policy.acd is Acd.CALLBACKQ and case.facts.agents_free >= case.facts.position.number
    soon = (
        case.mean_s < case.policy.served_soon_wait.total_seconds()
        or case.facts.position.number <= case.policy.served_soon_position
    )
    return at_next_step or (soon and not case.asked)


def _again_when_waited(case: Case) -> datetime | None:
    least = case.policy.offer_waited_min
    return None if least is None else case.call.entered_at + least


def _not_by_time(_case: Case) -> None:
    """Time alone changes nothing."""


@attrs.frozen(kw_only=True)
class Refusal:
    """
    One rule that makes no offer.

    Args:
        holds: whether it does.
        next_best: what can be proposed instead, the best first; another channel only where the policy names one.
        again_at: when time alone can change the answer; what has passed is not said.
    """

    holds: Callable[[Case], bool]
    next_best: tuple[Choice, ...] = (Choice.STAY,)
    again_at: Callable[[Case], datetime | None] = _not_by_time


_HOLD_OR_WRITE: Final = (Choice.STAY, Choice.OTHER_CHANNEL)
_ANOTHER_TIME: Final = (Choice.SCHEDULE, Choice.OTHER_CHANNEL, Choice.STAY)
_TIME_OR_HOLD: Final = (Choice.SCHEDULE, Choice.STAY, Choice.OTHER_CHANNEL)

REFUSALS: Final[Mapping[NoOfferReason, Refusal]] = MappingProxyType(
    {
        # Whoever asks or not. First what has nothing to do with the line, then what could not be kept.
        NoOfferReason.ALREADY_HAS_CALLBACK: Refusal(holds=lambda case: case.facts.has_active_callback),
        NoOfferReason.OFFERING_PAUSED: Refusal(
            holds=lambda case: case.facts.offering_paused, next_best=_HOLD_OR_WRITE
        ),
        NoOfferReason.NOT_IN_ROLLOUT: Refusal(
            holds=lambda case: not case.facts.in_rollout, next_best=_HOLD_OR_WRITE
        ),
        NoOfferReason.HOURS_UNKNOWN: Refusal(
            holds=lambda case: case.facts.opening is None, next_best=_HOLD_OR_WRITE
        ),
        NoOfferReason.QUEUE_CLOSED: Refusal(
            holds=lambda case: not case.opening.is_open,
            next_best=_ANOTHER_TIME,
            again_at=lambda case: case.opening.changes_at,
        ),
        NoOfferReason.TOO_MANY_PENDING: Refusal(
            holds=lambda case: case.facts.pending_count >= case.policy.pending_max, next_best=_HOLD_OR_WRITE
        ),
        NoOfferReason.NOBODY_STAFFED: Refusal(
            holds=lambda case: case.facts.agents_able <= 0, next_best=_ANOTHER_TIME
        ),
        NoOfferReason.WAIT_UNKNOWN: Refusal(
            holds=lambda case: not case.facts.wait.known, next_best=_TIME_OR_HOLD
        ),
        NoOfferReason.CLOSING_TOO_SOON: Refusal(holds=_closing_too_soon, next_best=_TIME_OR_HOLD),
        NoOfferReason.WAIT_TOO_LONG: Refusal(
            holds=lambda case: case.mean_s > case.policy.virtual_wait_max.total_seconds(),
            next_best=_TIME_OR_HOLD,
        ),
        # Only who did not ask; but for the caller who is being connected already.
        NoOfferReason.DECLINED_BEFORE: Refusal(holds=_declined_before, again_at=_again_after_decline),
        NoOfferReason.ABOUT_TO_BE_SERVED: Refusal(holds=_about_to_be_served),
        NoOfferReason.WAIT_IS_SHORT: Refusal(
            holds=lambda case: _trigger(case) is None, again_at=_again_when_waited
        ),
    }
)
"""Why no offer is made; the first that holds is the answer."""


# ---------------------------------------------------------------------------- commands


def consider_offer(
    call: LiveCall, *, facts: OfferFacts, asked: bool, offer_id: OfferId, policy: QueuePolicy, now: datetime
) -> tuple[Offer | NoOffer, Decision]:
    """
    Decide whether *call* is offered a callback now.

    Args:
        asked: the caller asked for it, so neither a short wait nor an earlier decline is a reason to refuse.
        offer_id: the name of the offer, if there is one.

    Returns:
        The answer, and the decision that keeps what was quoted. Without an offer nothing changes; while an offer
        stands it is given again, with what holds now, and not counted again.
    """
    case = Case(call=call, facts=facts, asked=asked, policy=policy, now=now)
    refused = next((reason for reason, refusal in REFUSALS.items() if refusal.holds(case)), None)
    if refused is not None:
        return _refused(case, refused), Decision()
    made_for = _trigger(case)
    assert made_for is not None
    stands = call.offer_until_at is not None and now < call.offer_until_at
    standing_id, until_at = (call.offer_id, call.offer_until_at) if stands else (None, None)
    choices = _possible((Choice.STAY, Choice.CALLBACK_NOW, Choice.SCHEDULE, Choice.OTHER_CHANNEL), policy)
    offer = Offer(
        offer_id=standing_id or offer_id,
        call_id=call.call_id,
        queue=call.queue,
        reason=made_for,
        position=facts.position,
        wait=facts.wait,
        expected_at=expected_at(now, facts.wait),
        choices=choices,
        channels=policy.other_channels,
        expires_at=until_at or now + policy.offer_life,
    )
    return offer, Decision() if stands else _offered(call, offer, now=now)


def decline(call: LiveCall, *, offer_id: OfferId | None, now: datetime) -> Decision:
    """
    Count that the caller declined a callback. The place in line is untouched.

    Each offer is declined once at most: the key that is pressed twice counts once, and so does no other offer's id.
    """
    if call.offer_id is None or offer_id not in (None, call.offer_id):
        return Decision()
    record = attrs.evolve(
        call,
        version=call.version + 1,
        offer_id=None,
        offer_until_at=None,
        declines_count=call.declines_count + 1,
        declined_at=now,
    )
    event = CallDeclined(
        **head(record, at=now),
        declined_offer_id=call.offer_id,
        declines_count=record.declines_count,
        declined_at=now,
    )
    return Decision(records=(record,), events=(event,))


def _refused(case: Case, reason: NoOfferReason) -> NoOffer:
    refusal = REFUSALS[reason]
    next_best = _possible(refusal.next_best, case.policy)
    again_at = refusal.again_at(case)
    return NoOffer(
        call_id=case.call.call_id,
        queue=case.call.queue,
        reason=reason,
        position=case.facts.position,
        wait=case.facts.wait,
        next_best=next_best,
        channels=case.policy.other_channels if Choice.OTHER_CHANNEL in next_best else (),
        again_at=again_at if again_at is not None and again_at > case.now else None,
    )


def _possible(choices: tuple[Choice, ...], policy: QueuePolicy) -> tuple[Choice, ...]:
    """Leave out another channel where the policy names none."""
    return tuple(choice for choice in choices if choice is not Choice.OTHER_CHANNEL or policy.other_channels)


def _offered(call: LiveCall, offer: Offer, *, now: datetime) -> Decision:
    record = attrs.evolve(
        call,
        version=call.version + 1,
        offers_count=call.offers_count + 1,
        offer_id=offer.offer_id,
        offer_until_at=offer.expires_at,
        quoted_at=now,
        quoted_position=offer.position.number,
        quoted_wait_s=offer.wait.mean_s,
        quoted_wait_low_s=offer.wait.low_s,
        quoted_wait_high_s=offer.wait.high_s,
        quoted_by=offer.wait.estimator,
    )
    event = told(CallOffered, record, at=now, reason=offer.reason)
    return Decision(records=(record,), events=(event,))


# ---------------------------------------------------------------------------- what callers say, and which callers


def choice_of(said: str, policy: QueuePolicy) -> Choice | None:
    """
    Return what a key or a word means in this queue; None if it means nothing. Case and blanks do not matter.

    >>> choice_of("3", QueuePolicy(queue="support")).value
    'callback_now'
    >>> from callbackq.policy import KEYS_S2
    >>> choice_of(" Callback ", QueuePolicy(queue="support", keys=KEYS_S2)).value
    'callback_now'
    """
    wanted = _plain(said)
    return next((choice for key, choice in policy.keys.items() if _plain(key) == wanted), None)


def _plain(said: str) -> str:
    return " ".join(said.lower().split())


_SHARE_BITS: Final = 53
"""As many bits as a float between 0.5 and 1 tells apart."""


def rollout_share(identity: str, *, pepper: bytes, tenant_id: str, queue: QueueName) -> float:
    """
    Return a number in [0, 1) that belongs to a person in one queue: the same on every node, at any time.

    Args:
        identity: as `Subject.identity`. For a caller without a number, the call id: then it stays for that call.
        pepper: the store's; without it nobody can tell who is in the rollout.

    >>> rollout_share("tel:+12125550123", pepper=bytes(32), tenant_id="acme", queue=QueueName("support")) < 1
    True
    """
    text = f"{tenant_id}\x00{queue}\x00{identity}"
    digest = hashlib.blake2b(text.encode(), key=pepper, digest_size=8, person=b"rollout").digest()
    return (int.from_bytes(digest) >> (8 * len(digest) - _SHARE_BITS)) / (1 << _SHARE_BITS)


def in_rollout(share: float, *, segments: Collection[str], policy: QueuePolicy) -> bool:
    """
    Say whether a caller is one of those who are offered callbacks. A higher `offer_ratio` only adds callers.

    Args:
        share: as `rollout_share` gives it.
        segments: the caller's, as the host names them. Where the policy names some, the caller needs one of them.

    >>> half = QueuePolicy(queue="support", offer_ratio=0.5)
    >>> in_rollout(0.49, segments=(), policy=half), in_rollout(0.5, segments=(), policy=half)
    (True, False)
    """
    named = policy.offer_segments
    return share < policy.offer_ratio and (not named or not set(named).isdisjoint(segments))

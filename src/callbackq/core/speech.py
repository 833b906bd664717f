"""
What a caller is told, as values that any IVR can speak.

The rules say *what* is told: phrases in their order, with their figures. The host says *how*: it maps each phrase to
a recording or to a text of its language. `text_of` is the English that callbackq brings, for logs, tests and
text-to-speech. Figures are rounded to what a person can use, and always so that the promise is not better than the
estimate: a range of minutes outwards, a single figure and a time up. Of a number only the last digits are said.

Every request of a caller ends in an `Answer`: success, and the call is over; or failure, and the caller holds on.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

import attrs

from callbackq.core.phrases import Phrase, Say, text_of
from callbackq.core.slot_speech import (
    choices_after,
    dated,
    say_other_slots,
    say_slot_problem,
    say_slots,
    say_times,
    slot_of,
)
from callbackq.errors import (
    CallbackqError,
    CallForbidden,
    CallHasEnded,
    CallNotFound,
    CodeWrong,
    CommitUncertain,
    Conflict,
    DuplicateCallback,
    InvalidNumber,
    InvalidPriority,
    InvalidText,
    InvalidTime,
    NoShowsTooMany,
    NotPossibleNow,
    NotVerified,
    NumberNeeded,
    NumberRefused,
    RequestKeyReused,
    RequestRefused,
    SlotUnavailable,
    StoreUnavailable,
    TooManyRequests,
    UnknownQueue,
)
from callbackq.model import Choice, NoOffer, NoOfferReason, NumberProblem, Offer, Position, Receipt, Wait
from callbackq.policy import AfterRefusal, PlaceFrom, QueuePolicy

__all__ = [
    "Answer",
    "Phrase",
    "Say",
    "Then",
    "answer_failure",
    "answer_success",
    "say_no_offer",
    "say_offer",
    "say_place",
    "say_receipt",
    "say_refusal",
    "say_slots",
    "say_wait",
    "slot_of",
    "text_of",
]


# ---------------------------------------------------------------------------- where the caller stands


def say_place(position: Position | None, wait: Wait, *, policy: QueuePolicy) -> tuple[Say, ...]:
    """Say where a place stands and how long it will wait. Good for announcements while the caller holds, too."""
    says = (say_wait(wait, policy=policy),)
    if position is None:
        return says
    phrase = Phrase.POSITION if position.exact else Phrase.POSITION_ABOUT
    return (Say(phrase, number=position.number), *says)


def say_wait(wait: Wait, *, policy: QueuePolicy) -> Say:
    """
    Say a wait in whole minutes: the range, rounded outwards; or the mean, rounded up, where there is no range.

    A wait beyond `policy.virtual_wait_max` is said to be more than that, and no figure is made up for an unknown one.

    >>> policy = QueuePolicy(queue="support")
    >>> text_of([say_wait(Wait(mean_s=170, low_s=130, high_s=200), policy=policy)])
    'The estimated wait is between 2 and 4 minutes.'
    >>> text_of([say_wait(Wait(mean_s=20, low_s=5, high_s=40), policy=policy)])
    'The estimated wait is less than a minute.'
    """
    if wait.mean_s is None:
        return Say(Phrase.WAIT_UNKNOWN)
    longest_s = policy.virtual_wait_max.total_seconds()
    if wait.mean_s > longest_s:
        return Say(Phrase.WAIT_MORE_THAN, number=math.floor(longest_s / 60))
    if wait.high_s is None:
        return Say(Phrase.WAIT_ABOUT, number=_minutes_up(wait.mean_s))
    least, most = math.floor((wait.low_s or 0) / 60), _minutes_up(wait.high_s)
    if least == 0:
        return Say(Phrase.WAIT_LESS_THAN, number=most)
    if least == most:
        return Say(Phrase.WAIT_ABOUT, number=most)
    return Say(Phrase.WAIT_BETWEEN, number=least, number_max=most)


def _minutes_up(seconds: float) -> int:
    return max(1, math.ceil(seconds / 60))


def _whole_minute(at: datetime) -> datetime:
    """Round up: who is told a time too early waits for a call that does not come."""
    whole = at.replace(second=0, microsecond=0)
    return whole if whole == at else whole + timedelta(minutes=1)


def _expected(
    expected_at: datetime | None, *, zone: str | None = None, now: datetime | None = None
) -> tuple[Say, ...]:
    return (_at(Phrase.EXPECTED_AT, expected_at, zone=zone, now=now),) if expected_at is not None else ()


def _at(phrase: Phrase, at: datetime, *, zone: str | None, now: datetime | None) -> Say:
    """Say a time; without its date where it is known that it is of the day of the telling."""
    whole = _whole_minute(at)
    return Say(phrase, at=whole, zone=zone, dated=zone is None or dated(whole, zone=zone, now=now))


def _slots_zone(zone: str | None, policy: QueuePolicy) -> str:
    """Return the zone in which slots are said: the customer's, or the queue's own."""
    return zone or (policy.hours.zone if policy.hours is not None else "UTC")


# ---------------------------------------------------------------------------- offers

_NO_OFFER: Final[Mapping[NoOfferReason, Phrase]] = MappingProxyType(
    {
        NoOfferReason.ABOUT_TO_BE_SERVED: Phrase.SERVED_SOON,
        NoOfferReason.WAIT_IS_SHORT: Phrase.WAIT_IS_SHORT,
        NoOfferReason.WAIT_TOO_LONG: Phrase.WAIT_TOO_LONG,
        NoOfferReason.NOBODY_STAFFED: Phrase.NOBODY_THERE,
        NoOfferReason.QUEUE_CLOSED: Phrase.CLOSED,
        NoOfferReason.CLOSING_TOO_SOON: Phrase.CLOSING_SOON,
        NoOfferReason.TOO_MANY_PENDING: Phrase.CALLBACKS_ARE_FULL,
        NoOfferReason.ALREADY_HAS_CALLBACK: Phrase.ALREADY_HAS_CALLBACK,
        # What is the company's own affair is no caller's.
        NoOfferReason.HOURS_UNKNOWN: Phrase.NO_CALLBACK_NOW,
        NoOfferReason.OFFERING_PAUSED: Phrase.NO_CALLBACK_NOW,
        NoOfferReason.NOT_IN_ROLLOUT: Phrase.NO_CALLBACK_NOW,
        NoOfferReason.DECLINED_BEFORE: Phrase.NO_CALLBACK_NOW,
        NoOfferReason.WAIT_UNKNOWN: Phrase.NO_CALLBACK_NOW,
    }
)
_CHOOSE: Final[Mapping[Choice, Phrase]] = MappingProxyType(
    {
        Choice.STAY: Phrase.CHOOSE_STAY,
        Choice.CALLBACK_NOW: Phrase.CHOOSE_CALLBACK,
        Choice.SCHEDULE: Phrase.CHOOSE_TIME,
        Choice.OTHER_CHANNEL: Phrase.CHOOSE_OTHER_CHANNEL,
    }
)
_KEYPAD: Final = frozenset("0123456789*#")


def say_offer(
    offer: Offer, *, policy: QueuePolicy, zone: str | None = None, now: datetime | None = None
) -> tuple[Say, ...]:
    """
    Say where the caller stands, that a callback can be had and about when, at which times, and how each is chosen.

    Args:
        zone: the caller's, in which times are said. None: whoever speaks knows it; slots are said in the queue's.
        now: when it is told: the date is left out for times of that day. None: it is said.

    Raises:
        InvalidText: there is no such zone.
    """
    kept = (Say(Phrase.PLACE_IS_KEPT),) if policy.place_from is PlaceFrom.ENTERED else ()
    return (
        *say_place(offer.position, offer.wait, policy=policy),
        Say(Phrase.CALLBACK_OFFERED),
        *kept,
        *_expected(offer.expected_at, zone=zone, now=now),
        *say_times(offer.slots, zone=_slots_zone(zone, policy), now=now),
        *_choices(_bookable(offer.choices, offer.slots, policy), offer.channels, policy),
    )


def say_no_offer(
    no_offer: NoOffer, *, policy: QueuePolicy, zone: str | None = None, now: datetime | None = None
) -> tuple[Say, ...]:
    """
    Say why there is no callback, where the caller stands, and what can be chosen instead, with the times of slots.

    It is meant for a caller who asked. To anybody else, `say_place` is enough.

    Args:
        zone, now: as in `say_offer`.

    Raises:
        InvalidText: there is no such zone.
    """
    opens_at = no_offer.again_at if no_offer.reason is NoOfferReason.QUEUE_CLOSED else None
    opens = (_at(Phrase.OPENS_AT, opens_at, zone=zone, now=now),) if opens_at is not None else ()
    return (
        Say(_NO_OFFER[no_offer.reason]),
        *opens,
        *say_place(no_offer.position, no_offer.wait, policy=policy),
        *say_times(no_offer.slots, zone=_slots_zone(zone, policy), now=now),
        *_choices(_bookable(no_offer.next_best, no_offer.slots, policy), no_offer.channels, policy),
    )


def _bookable(
    choices: Sequence[Choice], slots: Sequence[datetime], policy: QueuePolicy
) -> tuple[Choice, ...]:
    """Leave out a chosen time where the queue has slots, and none of them is free."""
    none_free = policy.slots is not None and not slots
    return tuple(choice for choice in choices if not (none_free and choice is Choice.SCHEDULE))


def _choices(choices: Sequence[Choice], channels: tuple[str, ...], policy: QueuePolicy) -> tuple[Say, ...]:
    """Say how each choice is made. One without a key or a word is left out; staying needs neither."""
    says: list[Say] = []
    for choice in choices:
        if choice is Choice.OTHER_CHANNEL:
            says.append(Say(Phrase.OTHER_CHANNELS, names=channels))
        key, word = _said_by(choice, policy)
        if key or word or choice is Choice.STAY:
            says.append(Say(_CHOOSE[choice], key=key, word=word))
    return tuple(says)


def _said_by(choice: Choice, policy: QueuePolicy) -> tuple[str | None, str | None]:
    """Return the first keys of the phone and the first word that make a choice."""
    said = [key for key, meant in policy.keys.items() if meant is choice]
    key = next((each for each in said if set(each) <= _KEYPAD), None)
    word = next((each for each in said if not set(each) <= _KEYPAD), None)
    return key, word


# ---------------------------------------------------------------------------- promises and refusals


def say_receipt(receipt: Receipt, *, policy: QueuePolicy) -> tuple[Say, ...]:
    """
    Say what was promised: for when, or from which place; and which number is called, by its last digits.

    A booked time is said in the zone of its booking.
    """
    digits = tuple(character for character in receipt.number_masked.partition("…")[2] if character.isdigit())
    number = (Say(Phrase.NUMBER_ENDS_WITH, digits=digits),) if digits else ()
    if receipt.position is None and receipt.expected_at is not None:
        phrase = Phrase.PROMISED_FOR if receipt.booking_id is None else Phrase.SCHEDULED_FOR
        return (_at(phrase, receipt.expected_at, zone=receipt.zone, now=receipt.requested_at), *number)
    waited = receipt.entered_at < receipt.requested_at
    kept = (Say(Phrase.PLACE_IS_KEPT),) if waited and policy.place_from is PlaceFrom.ENTERED else ()
    return (
        Say(Phrase.PROMISED),
        *kept,
        *say_place(receipt.position, receipt.wait, policy=policy),
        *_expected(receipt.expected_at),
        *number,
    )


_REFUSAL: Final[Mapping[type[CallbackqError], Phrase]] = MappingProxyType(
    {
        InvalidNumber: Phrase.INVALID_NUMBER,
        NumberNeeded: Phrase.NUMBER_NEEDED,
        NumberRefused: Phrase.NUMBER_REFUSED,
        NotVerified: Phrase.NOT_VERIFIED,
        CodeWrong: Phrase.CODE_WRONG,
        TooManyRequests: Phrase.TOO_MANY_REQUESTS,
        CallForbidden: Phrase.CALL_FORBIDDEN,
        InvalidTime: Phrase.INVALID_TIME,
        InvalidText: Phrase.INVALID_TEXT,
        InvalidPriority: Phrase.INVALID_PRIORITY,
        DuplicateCallback: Phrase.ALREADY_HAS_CALLBACK,
        RequestKeyReused: Phrase.REQUEST_KEY_REUSED,
        CallHasEnded: Phrase.CALL_HAS_ENDED,
        NoShowsTooMany: Phrase.NO_SHOWS_TOO_MANY,
        NotPossibleNow: Phrase.NOT_POSSIBLE_NOW,
        RequestRefused: Phrase.REFUSED,
        UnknownQueue: Phrase.UNKNOWN_QUEUE,
        CallNotFound: Phrase.CALL_NOT_FOUND,
        Conflict: Phrase.TRY_AGAIN,
        StoreUnavailable: Phrase.TRY_AGAIN,
        CommitUncertain: Phrase.UNCERTAIN,
        CallbackqError: Phrase.FAILED,
    }
)
"""By class; an error that is not named is said as its nearest base."""


_ABOUT_REGIONS: Final = (NumberProblem.REGION_NOT_SERVED, NumberProblem.TIER_NEEDED)


def say_refusal(error: CallbackqError) -> tuple[Say, ...]:
    """
    Say why a request was not taken. Nothing of the error itself is said: it may hold what is not for the caller.

    >>> text_of(say_refusal(InvalidNumber("+1…23 is not a phone number")))
    'That number cannot be called.'
    """
    if isinstance(error, SlotUnavailable):
        return (say_slot_problem(error),)
    if isinstance(error, NumberRefused) and error.problem in _ABOUT_REGIONS:
        instead = (Say(Phrase.OTHER_CHANNELS, names=error.alternatives),) if error.alternatives else ()
        return (Say(Phrase.REGION_NOT_SERVED), *instead)
    return (Say(next(_REFUSAL[kind] for kind in type(error).__mro__ if kind in _REFUSAL)),)


class Then(enum.StrEnum):
    """What the host does with the live call once the answer was said."""

    HANG_UP = "hang_up"
    KEEP_HOLDING = "keep_holding"


@attrs.frozen(kw_only=True)
class Answer:
    """
    How a request of a caller ended. Say `says`, and do `then`.

    `receipt` is there on success, `error` on failure. A failure stored nothing, unless the error says otherwise.
    `choices` is what the caller was asked to choose from, and `slots` are the times that were said: where a slot could
    not be had. To read them out with keys, use `say_slots(answer.slots, by_key=True, ...)`.
    """

    success: bool
    says: tuple[Say, ...]
    then: Then
    receipt: Receipt | None = None
    error: CallbackqError | None = None
    choices: tuple[Choice, ...] = ()
    slots: tuple[datetime, ...] = ()


_NO_PLACE: Final = (CallHasEnded, CallNotFound, RequestKeyReused)
"""After these the caller has no place: the call is over here, was never here, or gave its place to a callback."""


def answer_success(receipt: Receipt, policy: QueuePolicy) -> Answer:
    """Answer with the promise. The live call gave its place, and is ended."""
    says = (*say_receipt(receipt, policy=policy), Say(Phrase.GOODBYE))
    return Answer(success=True, says=says, then=Then.HANG_UP, receipt=receipt)


def answer_failure(
    error: CallbackqError, policy: QueuePolicy, *, zone: str | None = None, now: datetime | None = None
) -> Answer:
    """
    Answer that there is no promise. Whether the caller holds on is `policy.after_refusal`.

    Where the call waits no longer (`CallHasEnded`) it is left alone whatever the policy says: the caller may be
    talking to an agent by now. A call that gave its place to a callback (`RequestKeyReused`) is hung up. Who could not
    have a slot and holds on is told of others, and what there is to choose.

    Args:
        zone: the caller's, in which times are said; the queue's if None.
        now: when it is told: the date is left out for times of that day. None: it is said.

    Raises:
        InvalidText: there is no such zone.
    """
    hang_up = isinstance(error, RequestKeyReused) or (
        policy.after_refusal is AfterRefusal.HANG_UP and not isinstance(error, CallHasEnded)
    )
    says = say_refusal(error)
    if hang_up:
        return Answer(success=False, says=(*says, Say(Phrase.GOODBYE)), then=Then.HANG_UP, error=error)
    if isinstance(error, SlotUnavailable):
        return _answer_no_slot(error, policy, zone=_slots_zone(zone, policy), now=now)
    if not isinstance(error, _NO_PLACE):
        says = (*says, Say(Phrase.KEEP_HOLDING))
    return Answer(success=False, says=says, then=Then.KEEP_HOLDING, error=error)


def _answer_no_slot(
    error: SlotUnavailable, policy: QueuePolicy, *, zone: str, now: datetime | None
) -> Answer:
    """Answer that this time cannot be had, with others, and what the caller can choose while holding."""
    says = say_other_slots(error, zone=zone, now=now)
    choices = choices_after(error, channels=policy.other_channels)
    if len(choices) == 1:
        ask: tuple[Say, ...] = (Say(Phrase.KEEP_HOLDING),)
    else:
        ask = _choices(choices, policy.other_channels, policy)
    return Answer(
        success=False,
        says=(*says, *ask),
        then=Then.KEEP_HOLDING,
        error=error,
        choices=choices,
        slots=tuple(sorted(error.alternatives)),
    )

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
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import Final

import attrs

from callbackq.errors import (
    CallbackqError,
    CallHasEnded,
    CallNotFound,
    CommitUncertain,
    Conflict,
    DuplicateCallback,
    InvalidNumber,
    InvalidPriority,
    InvalidText,
    InvalidTime,
    NoShowsTooMany,
    NotPossibleNow,
    NumberNeeded,
    RequestKeyReused,
    RequestRefused,
    StoreUnavailable,
    UnknownQueue,
)
from callbackq.model import Choice, NoOffer, NoOfferReason, Offer, Position, Receipt, Wait
from callbackq.policy import AfterRefusal, PlaceFrom, QueuePolicy


class Phrase(enum.StrEnum):
    """One thing that is said. Each stands for a recording, and `text_of` has an English sentence for it."""

    # Where the caller stands.
    POSITION = "position"
    POSITION_ABOUT = "position_about"
    WAIT_LESS_THAN = "wait_less_than"
    WAIT_ABOUT = "wait_about"
    WAIT_BETWEEN = "wait_between"
    WAIT_MORE_THAN = "wait_more_than"
    WAIT_UNKNOWN = "wait_unknown"
    # What the caller can do.
    CALLBACK_OFFERED = "callback_offered"
    PLACE_IS_KEPT = "place_is_kept"
    EXPECTED_AT = "expected_at"
    CHOOSE_STAY = "choose_stay"
    CHOOSE_CALLBACK = "choose_callback"
    CHOOSE_TIME = "choose_time"
    CHOOSE_OTHER_CHANNEL = "choose_other_channel"
    OTHER_CHANNELS = "other_channels"
    # Why no callback is offered.
    ALREADY_HAS_CALLBACK = "already_has_callback"
    NO_CALLBACK_NOW = "no_callback_now"
    CALLBACKS_ARE_FULL = "callbacks_are_full"
    CLOSED = "closed"
    OPENS_AT = "opens_at"
    CLOSING_SOON = "closing_soon"
    NOBODY_THERE = "nobody_there"
    WAIT_TOO_LONG = "wait_too_long"
    WAIT_IS_SHORT = "wait_is_short"
    SERVED_SOON = "served_soon"
    # The promise.
    PROMISED = "promised"
    PROMISED_FOR = "promised_for"
    NUMBER_ENDS_WITH = "number_ends_with"
    GOODBYE = "goodbye"
    # What went wrong.
    INVALID_NUMBER = "invalid_number"
    NUMBER_NEEDED = "number_needed"
    INVALID_TIME = "invalid_time"
    INVALID_TEXT = "invalid_text"
    INVALID_PRIORITY = "invalid_priority"
    REQUEST_KEY_REUSED = "request_key_reused"
    CALL_HAS_ENDED = "call_has_ended"
    NO_SHOWS_TOO_MANY = "no_shows_too_many"
    NOT_POSSIBLE_NOW = "not_possible_now"
    REFUSED = "refused"
    UNKNOWN_QUEUE = "unknown_queue"
    CALL_NOT_FOUND = "call_not_found"
    TRY_AGAIN = "try_again"
    UNCERTAIN = "uncertain"
    FAILED = "failed"
    KEEP_HOLDING = "keep_holding"


@attrs.frozen
class Say:
    """
    One phrase with its figures. What a phrase does not need is None, or empty.

    Args:
        phrase: what is said.
        number: a position, or whole minutes; of a range the lower end.
        number_max: whole minutes: the upper end of a range.
        at: an instant, aware, a whole minute; to be said in the caller's zone.
        digits: the last digits of a number, to be said one by one.
        key: the keys of the phone that choose it, such as `"3"`.
        word: the word that chooses it.
        names: other ways to reach the company, as the policy names them.
    """

    phrase: Phrase
    number: int | None = attrs.field(default=None, kw_only=True)
    number_max: int | None = attrs.field(default=None, kw_only=True)
    at: datetime | None = attrs.field(default=None, kw_only=True)
    digits: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    key: str | None = attrs.field(default=None, kw_only=True)
    word: str | None = attrs.field(default=None, kw_only=True)
    names: tuple[str, ...] = attrs.field(default=(), kw_only=True)


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


def _expected(expected_at: datetime | None) -> tuple[Say, ...]:
    return (Say(Phrase.EXPECTED_AT, at=_whole_minute(expected_at)),) if expected_at is not None else ()


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


def say_offer(offer: Offer, *, policy: QueuePolicy) -> tuple[Say, ...]:
    """Say where the caller stands, that a callback can be had and about when, and how each choice is made."""
    kept = (Say(Phrase.PLACE_IS_KEPT),) if policy.place_from is PlaceFrom.ENTERED else ()
    return (
        *say_place(offer.position, offer.wait, policy=policy),
        Say(Phrase.CALLBACK_OFFERED),
        *kept,
        *_expected(offer.expected_at),
        *_choices(offer.choices, offer.channels, policy),
    )


def say_no_offer(no_offer: NoOffer, *, policy: QueuePolicy) -> tuple[Say, ...]:
    """
    Say why there is no callback, where the caller stands, and what can be chosen instead.

    It is meant for a caller who asked. To anybody else, `say_place` is enough.
    """
    opens_at = no_offer.again_at if no_offer.reason is NoOfferReason.QUEUE_CLOSED else None
    opens = (Say(Phrase.OPENS_AT, at=_whole_minute(opens_at)),) if opens_at is not None else ()
    return (
        Say(_NO_OFFER[no_offer.reason]),
        *opens,
        *say_place(no_offer.position, no_offer.wait, policy=policy),
        *_choices(no_offer.next_best, no_offer.channels, policy),
    )


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
    """Say what was promised: for when, or from which place; and which number is called, by its last digits."""
    digits = tuple(character for character in receipt.number_masked.partition("…")[2] if character.isdigit())
    number = (Say(Phrase.NUMBER_ENDS_WITH, digits=digits),) if digits else ()
    if receipt.position is None and receipt.expected_at is not None:
        return (Say(Phrase.PROMISED_FOR, at=_whole_minute(receipt.expected_at)), *number)
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


def say_refusal(error: CallbackqError) -> tuple[Say, ...]:
    """
    Say why a request was not taken. Nothing of the error itself is said: it may hold what is not for the caller.

    >>> text_of(say_refusal(InvalidNumber("+1…23 is not a phone number")))
    'That number cannot be called.'
    """
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
    """

    success: bool
    says: tuple[Say, ...]
    then: Then
    receipt: Receipt | None = None
    error: CallbackqError | None = None


_NO_PLACE: Final = (CallHasEnded, CallNotFound, RequestKeyReused)
"""After these the caller has no place: the call is over here, was never here, or gave its place to a callback."""


def answer_success(receipt: Receipt, policy: QueuePolicy) -> Answer:
    """Answer with the promise. The live call gave its place, and is ended."""
    says = (*say_receipt(receipt, policy=policy), Say(Phrase.GOODBYE))
    return Answer(success=True, says=says, then=Then.HANG_UP, receipt=receipt)


def answer_failure(error: CallbackqError, policy: QueuePolicy) -> Answer:
    """
    Answer that there is no promise. Whether the caller holds on is `policy.after_refusal`.

    Where the call waits no longer (`CallHasEnded`) it is left alone whatever the policy says: the caller may be
    talking to an agent by now. A call that gave its place to a callback (`RequestKeyReused`) is hung up.
    """
    hang_up = isinstance(error, RequestKeyReused) or (
        policy.after_refusal is AfterRefusal.HANG_UP and not isinstance(error, CallHasEnded)
    )
    says = say_refusal(error)
    if hang_up:
        return Answer(success=False, says=(*says, Say(Phrase.GOODBYE)), then=Then.HANG_UP, error=error)
    if not isinstance(error, _NO_PLACE):
        says = (*says, Say(Phrase.KEEP_HOLDING))
    return Answer(success=False, says=says, then=Then.KEEP_HOLDING, error=error)


# ---------------------------------------------------------------------------- English

_TEXT: Final[Mapping[Phrase, str]] = MappingProxyType(
    {
        Phrase.POSITION: "You are number {number} in line.",
        Phrase.POSITION_ABOUT: "You are about number {number} in line.",
        Phrase.WAIT_LESS_THAN: "The estimated wait is less than {minutes}.",
        Phrase.WAIT_ABOUT: "The estimated wait is about {minutes}.",
        Phrase.WAIT_BETWEEN: "The estimated wait is between {number} and {number_max} minutes.",
        Phrase.WAIT_MORE_THAN: "The estimated wait is more than {minutes}.",
        Phrase.WAIT_UNKNOWN: "We cannot say how long the wait will be.",
        Phrase.CALLBACK_OFFERED: "You can hang up now and be called back when it is your turn.",
        Phrase.PLACE_IS_KEPT: "You keep your place in line.",
        Phrase.EXPECTED_AT: "We expect to call you at {at}.",
        Phrase.CHOOSE_STAY: "{how} to keep holding.",
        Phrase.CHOOSE_CALLBACK: "{how} to be called back.",
        Phrase.CHOOSE_TIME: "{how} to choose a time for a call.",
        Phrase.CHOOSE_OTHER_CHANNEL: "{how} to use one of these ways.",
        Phrase.OTHER_CHANNELS: "You can also reach us by {names}.",
        Phrase.ALREADY_HAS_CALLBACK: "You have a callback already: we will call you.",
        Phrase.NO_CALLBACK_NOW: "We cannot offer a callback at the moment.",
        Phrase.CALLBACKS_ARE_FULL: "All callbacks are taken at the moment.",
        Phrase.CLOSED: "We are closed.",
        Phrase.OPENS_AT: "We open at {at}.",
        Phrase.CLOSING_SOON: "We close before it would be your turn for a callback.",
        Phrase.NOBODY_THERE: "Nobody is there to take calls at the moment.",
        Phrase.WAIT_TOO_LONG: "The wait is too long for a callback as soon as possible.",
        Phrase.WAIT_IS_SHORT: "Your wait will be short.",
        Phrase.SERVED_SOON: "You will be served in a moment.",
        Phrase.PROMISED: "We will call you back.",
        Phrase.PROMISED_FOR: "We will call you at {at}.",
        Phrase.NUMBER_ENDS_WITH: "We will call the number that ends with {digits}.",
        Phrase.GOODBYE: "Goodbye.",
        Phrase.INVALID_NUMBER: "That number cannot be called.",
        Phrase.NUMBER_NEEDED: "Please enter the number at which we should call you.",
        Phrase.INVALID_TIME: "We cannot call you at that time.",
        Phrase.INVALID_TEXT: "We could not understand that.",
        Phrase.INVALID_PRIORITY: "Something is wrong with your request.",
        Phrase.REQUEST_KEY_REUSED: "This request was made before with something else in it.",
        Phrase.CALL_HAS_ENDED: "It is your turn already.",
        Phrase.NO_SHOWS_TOO_MANY: (
            "We could not reach you at the times that you chose. Please confirm that we should call once more."
        ),
        Phrase.NOT_POSSIBLE_NOW: "That is not possible at the moment.",
        Phrase.REFUSED: "We cannot take this request.",
        Phrase.UNKNOWN_QUEUE: "There are no callbacks for this line.",
        Phrase.CALL_NOT_FOUND: "We could not find your call.",
        Phrase.TRY_AGAIN: "Something went wrong. Please try again.",
        Phrase.UNCERTAIN: "We are not sure that we took your request. Please try again.",
        Phrase.FAILED: "Something went wrong.",
        Phrase.KEEP_HOLDING: "Please hold on: you keep your place in line.",
    }
)
_KEY_NAMES: Final[Mapping[str, str]] = MappingProxyType({"*": "star", "#": "hash"})
_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def text_of(says: Iterable[Say], *, zone: tzinfo = UTC) -> str:
    """
    Return phrases as English sentences.

    Args:
        zone: the caller's; every time is shown in it, with its abbreviation.

    >>> text_of([Say(Phrase.POSITION, number=37), Say(Phrase.CHOOSE_CALLBACK, key="3")])
    'You are number 37 in line. Press 3 to be called back.'
    """
    return " ".join(_sentence(say, zone) for say in says)


def _sentence(say: Say, zone: tzinfo) -> str:
    figures = {name: show(say, zone) for name, show in _FIGURES.items()}
    return _TEXT[say.phrase].format_map(figures)


def _shown_minutes(say: Say, _zone: tzinfo) -> str:
    return "a minute" if say.number == 1 else f"{say.number} minutes"


def _shown_at(say: Say, zone: tzinfo) -> str:
    if say.at is None:
        return ""
    local = say.at.astimezone(zone)
    return f"{local:%H:%M %Z} on {local.day} {_MONTHS[local.month - 1]}"


def _shown_names(say: Say, _zone: tzinfo) -> str:
    *others, last = say.names or ("",)
    return f"{', '.join(others)} or {last}" if others else last


def _shown_how(say: Say, _zone: tzinfo) -> str:
    key = " ".join(_KEY_NAMES.get(each, each) for each in say.key or "")
    if say.key and say.word:
        return f'Press {key}, or say "{say.word}",'
    if say.key:
        return f"Press {key}"
    return f'Say "{say.word}"' if say.word else "Stay on the line"


_FIGURES: Final[Mapping[str, Callable[[Say, tzinfo], str]]] = MappingProxyType(
    {
        "number": lambda say, _zone: str(say.number),
        "number_max": lambda say, _zone: str(say.number_max),
        "minutes": _shown_minutes,
        "at": _shown_at,
        "digits": lambda say, _zone: " ".join(say.digits),
        "names": _shown_names,
        "how": _shown_how,
    }
)

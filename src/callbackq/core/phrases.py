"""The words of what a caller is told: phrases with their figures, and the English that callbackq brings for them."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

import attrs

from callbackq.core.zones import check_zone, label_of_time, text_of_date


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
    SCHEDULED_FOR = "scheduled_for"
    NUMBER_ENDS_WITH = "number_ends_with"
    GOODBYE = "goodbye"
    # Slots.
    SLOTS = "slots"
    SLOTS_BY_KEY = "slots_by_key"
    SELECT_SLOT = "select_slot"
    BOOK_THAT = "book_that"
    NO_SLOTS = "no_slots"
    NEXT_SLOT = "next_slot"
    BOOK_OR_HOLD = "book_or_hold"
    # Why a slot cannot be had.
    HOUR_IS_FULL = "hour_is_full"
    SLOT_FULL = "slot_full"
    SLOT_PAST = "slot_past"
    SLOT_TOO_SOON = "slot_too_soon"
    SLOT_TOO_FAR = "slot_too_far"
    SLOT_CLOSED = "slot_closed"
    SLOT_OFF_GRID = "slot_off_grid"
    SLOT_BEFORE_CLOSING = "slot_before_closing"
    SLOT_AGENT_BUSY = "slot_agent_busy"
    SLOT_NONE_IN_WINDOW = "slot_none_in_window"
    SLOT_HOLD_OVER = "slot_hold_over"
    SLOT_UNAVAILABLE = "slot_unavailable"
    # What went wrong.
    INVALID_NUMBER = "invalid_number"
    NUMBER_NEEDED = "number_needed"
    NUMBER_REFUSED = "number_refused"
    REGION_NOT_SERVED = "region_not_served"
    NOT_VERIFIED = "not_verified"
    CODE_WRONG = "code_wrong"
    TOO_MANY_REQUESTS = "too_many_requests"
    CALL_FORBIDDEN = "call_forbidden"
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
        ats: several instants of one local day, in order.
        keys: the key of the phone that chooses each of *ats*; empty where none does.
        zone: the zone in which the times are said; None: whoever speaks knows it.
        dated: whether the date is said with the times; False on the day itself.
        digits: the last digits of a number, to be said one by one.
        key: the keys of the phone that choose it, such as `"3"`.
        word: the word that chooses it.
        names: other ways to reach the company, as the policy names them.
    """

    phrase: Phrase
    number: int | None = attrs.field(default=None, kw_only=True)
    number_max: int | None = attrs.field(default=None, kw_only=True)
    at: datetime | None = attrs.field(default=None, kw_only=True)
    ats: tuple[datetime, ...] = attrs.field(default=(), kw_only=True)
    keys: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    zone: str | None = attrs.field(default=None, kw_only=True)
    dated: bool = attrs.field(default=True, kw_only=True)
    digits: tuple[str, ...] = attrs.field(default=(), kw_only=True)
    key: str | None = attrs.field(default=None, kw_only=True)
    word: str | None = attrs.field(default=None, kw_only=True)
    names: tuple[str, ...] = attrs.field(default=(), kw_only=True)


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
        Phrase.SCHEDULED_FOR: "You're scheduled for a callback at {at}.",
        Phrase.SLOTS: "We have availability{on} at {times}.",
        Phrase.SLOTS_BY_KEY: "{times_by_key}.",
        Phrase.SELECT_SLOT: "Please select your preferred time.",
        Phrase.BOOK_THAT: "Would you like to book that?",
        Phrase.NO_SLOTS: "We have no time to offer for a callback.",
        Phrase.NEXT_SLOT: "Next available: {at}.",
        Phrase.BOOK_OR_HOLD: "Would you like to book that or stay on hold?",
        Phrase.HOUR_IS_FULL: "All callback slots in the next hour are filled.",
        Phrase.SLOT_FULL: "That time is taken.",
        Phrase.SLOT_PAST: "That time is over.",
        Phrase.SLOT_TOO_SOON: "That is too soon for a callback at a chosen time.",
        Phrase.SLOT_TOO_FAR: "That is too far ahead for a callback.",
        Phrase.SLOT_CLOSED: "We are closed at that time.",
        Phrase.SLOT_OFF_GRID: "We do not begin callbacks at exactly that time.",
        Phrase.SLOT_BEFORE_CLOSING: "At that time we can take no more callbacks before we close.",
        Phrase.SLOT_AGENT_BUSY: "The person who should call you is busy at that time.",
        Phrase.SLOT_NONE_IN_WINDOW: "We are free at no time within the hours that you gave.",
        Phrase.SLOT_HOLD_OVER: "We could not keep that time for you any longer.",
        Phrase.SLOT_UNAVAILABLE: "That time cannot be had.",
        Phrase.NUMBER_ENDS_WITH: "We will call the number that ends with {digits}.",
        Phrase.GOODBYE: "Goodbye.",
        Phrase.INVALID_NUMBER: "That number cannot be called.",
        Phrase.NUMBER_NEEDED: "Please enter the number at which we should call you.",
        Phrase.NUMBER_REFUSED: "We cannot call that number. Please give another one.",
        Phrase.REGION_NOT_SERVED: "We do not call numbers of that country.",
        Phrase.NOT_VERIFIED: "We have to check first that this number is yours.",
        Phrase.CODE_WRONG: "That is not the code that we sent.",
        Phrase.TOO_MANY_REQUESTS: "Too many callbacks were asked for. Please try again later.",
        Phrase.CALL_FORBIDDEN: "We are not allowed to call that number.",
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


def text_of(says: Iterable[Say], *, zone: tzinfo | str = UTC) -> str:
    """
    Return phrases as English sentences.

    Args:
        zone: the caller's, best as its key, `"America/New_York"`; every time that has no zone of its own is shown in
            it, with the abbreviation that is right on that date.

    Raises:
        InvalidText: there is no such zone.

    >>> text_of([Say(Phrase.POSITION, number=37), Say(Phrase.CHOOSE_CALLBACK, key="3")])
    'You are number 37 in line. Press 3 to be called back.'
    """
    return " ".join(_sentence(say, _zone_of(say.zone or zone)) for say in says)


def _zone_of(zone: tzinfo | str) -> tzinfo:
    return ZoneInfo(check_zone(zone)) if isinstance(zone, str) else zone


def _sentence(say: Say, zone: tzinfo) -> str:
    text = _TEXT[say.phrase]
    return text.format_map(
        {name: show(say, zone) for name, show in _FIGURES.items() if f"{{{name}}}" in text}
    )


def _shown_minutes(say: Say, _zone: tzinfo) -> str:
    return "a minute" if say.number == 1 else f"{say.number} minutes"


def _clock(at: datetime, zone: tzinfo) -> str:
    local = at.astimezone(zone)
    return f"{local.hour % 12 or 12}:{local:%M} {'AM' if local.hour < 12 else 'PM'}"


def _label(at: datetime, zone: tzinfo) -> str:
    key = "UTC" if zone is UTC else getattr(zone, "key", None)
    return label_of_time(at, zone=key) if key else at.astimezone(zone).tzname() or ""


def _on(at: datetime, zone: tzinfo) -> str:
    """Return the date, with a weekday and without a year: nothing is booked or expected so far ahead."""
    local_day = at.astimezone(zone).replace(tzinfo=UTC)
    return f" on {text_of_date(local_day, zone='UTC', now=local_day)}"


def _shown_at(say: Say, zone: tzinfo) -> str:
    if say.at is None:
        return ""
    return f"{_clock(say.at, zone)} {_label(say.at, zone)}{_on(say.at, zone) if say.dated else ''}"


def _shown_on(say: Say, zone: tzinfo) -> str:
    return _on(say.ats[0], zone) if say.ats and say.dated else ""


def _labelled(say: Say, zone: tzinfo) -> list[str]:
    """Return the times of one day; where all have the same abbreviation, only the last is said with it."""
    labels = [_label(at, zone) for at in say.ats]
    same, last = len(set(labels)) == 1, len(labels) - 1
    return [
        _clock(at, zone) if same and index != last else f"{_clock(at, zone)} {labels[index]}"
        for index, at in enumerate(say.ats)
    ]


def _shown_times(say: Say, zone: tzinfo) -> str:
    return _one_of(_labelled(say, zone))


def _shown_times_by_key(say: Say, zone: tzinfo) -> str:
    times = zip(_labelled(say, zone), say.keys, strict=True)
    text = _one_of([f"for {time} press {_spelled(key)}" for time, key in times])
    on = _shown_on(say, zone)
    begun = f"{on}, {text}".strip() if on else text
    return begun[:1].upper() + begun[1:]


def _one_of(texts: Sequence[str]) -> str:
    """Return "a", "a or b", "a, b, or c"."""
    *others, last = texts or ("",)
    if len(others) < 2:
        return " or ".join((*others, last))
    return f"{', '.join(others)}, or {last}"


def _spelled(key: str) -> str:
    return " ".join(_KEY_NAMES.get(each, each) for each in key)


def _shown_names(say: Say, _zone: tzinfo) -> str:
    *others, last = say.names or ("",)
    return f"{', '.join(others)} or {last}" if others else last


def _shown_how(say: Say, _zone: tzinfo) -> str:
    key = _spelled(say.key or "")
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
        "on": _shown_on,
        "times": _shown_times,
        "times_by_key": _shown_times_by_key,
        "digits": lambda say, _zone: " ".join(say.digits),
        "names": _shown_names,
        "how": _shown_how,
    }
)

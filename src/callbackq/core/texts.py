"""
What a message says: a template of the customer's language, filled in.

Nothing is cut. A time is shown in the customer's zone with the abbreviation that is right on its date. Of a number
only the last digits are shown. A name that is longer than people's names are, or that holds what no name holds (digits,
braces, an address of the web), is left out whole. What is filled in is never read as a template.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final, assert_never

import attrs

from callbackq.core.zones import ShowDate, check_zone, text_of_time, wall_of
from callbackq.errors import InvalidText
from callbackq.masking import repr_masked
from callbackq.model import CallbackState, MessageKind, ReplyWish, Wait
from callbackq.policy import Catalogue, Messages, QueuePolicy
from callbackq.policy.catalogue import REPLIES, REPLY_NAMES, languages_of
from callbackq.policy.segments import segments_of
from callbackq.policy.templates import fill

NAME_SHOWN_MAX: Final = 40
"""A longer name is left out whole."""
DIGITS_SHOWN: Final = 4
"""So many digits of a number are shown, and never more than half of them."""

_MINUTE_S: Final = 60
_HOUR_S: Final = 3_600
_MINUTES_SAID_MAX: Final = 120
_NAME: Final = re.compile(r"(?:[^\W\d_]\.)+|[^\W\d_]+(?:['’\-][^\W\d_]+)*[.,]?")
_NO_MESSAGES: Final = Messages()


@attrs.frozen(kw_only=True)
class TextFacts:
    """
    What a message may tell. All may be missing.

    Args:
        name: of the customer.
        number: in E.164, that will be called.
        at: the instant that was promised, that is wanted, or at which it is tried next. One that is over is told only
            where that is the point, as in LATE.
        zone: the key of the customer's zone; None, or one that is not known here: the queue's own.
        now: when it is told: a time of the same day has no date. None: all have one.
        choices: times to choose from, in the order of their numbers.
        callbacks: callbacks to choose from: what their queue is called, and when they are.
        position: in line.
        wait: how long it will take.
        link: to a page on which the callback can be changed.
        code: the one-time code.
        other_channels: other ways to reach the company; none: those of the policy.
        state: of the callback, for STATUS; None: there is none.
        can_answer: whether what the customer answers would be read: not in a push message, for instance.
        can_choose: whether another time can be had by answering: not where the queue has no slots, for instance. Where
            the callback is over: whether a new one can.
        can_request: whether a callback can be asked for by answering: not by mail, which tells no number.
    """

    name: str | None = attrs.field(default=None, repr=False)
    number: str | None = attrs.field(default=None, repr=repr_masked)
    at: datetime | None = None
    zone: str | None = None
    now: datetime | None = None
    choices: tuple[datetime, ...] = ()
    callbacks: tuple[tuple[str, datetime | None], ...] = ()
    position: int | None = None
    wait: Wait | None = None
    link: str | None = attrs.field(default=None, repr=False)
    code: str | None = attrs.field(default=None, repr=False)
    other_channels: tuple[str, ...] = ()
    state: CallbackState | None = None
    can_answer: bool = True
    can_choose: bool = True
    can_request: bool = True


@attrs.frozen(kw_only=True)
class Text:
    """
    A message as the customer reads it.

    `title` is the subject line, for channels that have one; it may be empty. `segments_count` is in how many parts an
    SMS goes out. `language` is the one in which it is written, which need not be the one that was asked for.
    """

    text: str = attrs.field(repr=False)
    title: str = attrs.field(repr=False)
    segments_count: int
    language: str


def text_of(kind: MessageKind, facts: TextFacts, *, policy: QueuePolicy, language: str | None) -> Text:
    """
    Return the text of a message.

    Args:
        language: of the customer, such as `fr-CA`; else `fr`, else English. None: that of the policy.

    Raises:
        ValueError: VERIFICATION without a code, or WHICH without callbacks.
        InvalidTime: a time is naive, or outside 2000 to 2100.

    Cost: 100 microseconds, and 80 for each time.

    >>> from datetime import UTC
    >>> facts = TextFacts(
    ...     at=datetime(2026, 1, 5, 20, tzinfo=UTC),
    ...     zone="America/New_York",
    ...     now=datetime(2026, 1, 5, 15, tzinfo=UTC),
    ...     number="+12125550123",
    ... )
    >>> policy = QueuePolicy(queue="support", company="Acme")
    >>> print(text_of(MessageKind.REMINDER, facts, policy=policy, language="de").text)
    Erinnerung an Ihren Rückruf von Acme: 15:00 EST, Nummer mit der Endung 0123. Bitte halten Sie Ihr ...
    """
    messages = policy.messages or _NO_MESSAGES
    facts = _still_true(kind, facts)
    if not _is_read(facts, messages):
        facts = attrs.evolve(facts, choices=())
    asked = language or policy.language
    catalogue = messages.catalogue(asked)
    name = name_of_template(kind, facts)
    values = _values(facts, policy=policy, messages=messages, catalogue=catalogue, asked=asked)
    try:
        text = fill(catalogue.texts[name], values)
    except LookupError as error:
        raise ValueError(f"{kind} needs {error.args[0]}") from None
    title = catalogue.titles.get(str(kind))
    shown = fill(title, values) if title else values["company"] or ""
    return Text(
        text=text,
        title=" ".join(shown.split()),
        segments_count=segments_of(text).count,
        language=catalogue.language,
    )


# ---------------------------------------------------------------------------- which template

_OF_THE_PAST: Final = frozenset(
    {MessageKind.LATE, MessageKind.SLOTS_FULL, MessageKind.CANCELLED, MessageKind.RESCHEDULE}
)
"""They may tell of a time that is over. All others tell when somebody is called."""


def _still_true(kind: MessageKind, facts: TextFacts) -> TextFacts:
    """Leave out a time that is over, where it would be told as one that is to come."""
    over = facts.at is not None and facts.now is not None and facts.at <= facts.now
    return attrs.evolve(facts, at=None) if over and kind not in _OF_THE_PAST else facts


def _is_read(facts: TextFacts, messages: Messages) -> bool:
    """Whether what the customer answers is read: where it is not, nothing is offered."""
    return facts.can_answer and messages.answers


def _by_choices(kind: MessageKind) -> Callable[[TextFacts], str]:
    return lambda facts: str(kind) if facts.choices else f"{kind}.none"


def _by_time(kind: MessageKind, otherwise: str) -> Callable[[TextFacts], str]:
    return lambda facts: str(kind) if facts.at is not None else f"{kind}.{otherwise}"


def _confirmation(facts: TextFacts) -> str:
    if facts.at is not None:
        return "confirmation"
    return "confirmation.turn" if wait_text(facts.wait) is None else "confirmation.wait"


def _slipped(facts: TextFacts) -> str:
    return "slipped.unknown" if wait_text(facts.wait) is None else "slipped"


def _status(facts: TextFacts) -> str:
    match facts.state:
        case CallbackState.SCHEDULED:
            return "status" if facts.at is not None else "status.later"
        case CallbackState.WAITING:
            return "status.turn"
        case CallbackState.ATTEMPTING:
            return "status.calling"
        case CallbackState.RESTING | CallbackState.HELD:
            return "status.later"
        case CallbackState.ENDED | None:
            return "status.over"
        case _:
            assert_never(facts.state)


_VARIANT: Final[Mapping[MessageKind, Callable[[TextFacts], str]]] = MappingProxyType(
    {
        MessageKind.CONFIRMATION: _confirmation,
        MessageKind.REMINDER: _by_time(MessageKind.REMINDER, "soon"),
        MessageKind.AGENT_CHANGED: _by_time(MessageKind.AGENT_CHANGED, "turn"),
        MessageKind.RESCHEDULE: _by_choices(MessageKind.RESCHEDULE),
        MessageKind.SLOTS_FULL: _by_choices(MessageKind.SLOTS_FULL),
        MessageKind.OTHER_TIMES: _by_choices(MessageKind.OTHER_TIMES),
        MessageKind.LATE: _by_choices(MessageKind.LATE),
        MessageKind.SLIPPED: _slipped,
        MessageKind.STATUS: _status,
    }
)


def name_of_template(kind: MessageKind, facts: TextFacts) -> str:
    """
    Return which template tells these facts.

    >>> name_of_template(MessageKind.REMINDER, TextFacts())
    'reminder.soon'
    """
    which = _VARIANT.get(kind)
    return str(kind) if which is None else which(facts)


# ---------------------------------------------------------------------------- values


def _values(
    facts: TextFacts, *, policy: QueuePolicy, messages: Messages, catalogue: Catalogue, asked: str
) -> dict[str, str | None]:
    zone = _zone(facts, policy)

    def time_text(at: datetime) -> str:
        return text_of_instant(at, zone=zone, now=facts.now, catalogue=catalogue, asked=asked)

    answered = _is_read(facts, messages)
    replies = REPLIES[messages.wording]
    call_me = catalogue.words.get(ReplyWish.CALL, ())
    found: dict[str, str | None] = {
        "company": policy.company,
        "company_number": policy.company_number,
        "name": name_shown(facts.name),
        "time": None if facts.at is None else time_text(facts.at),
        "number_end": number_end(facts.number),
        "choices": _numbered([time_text(at) for at in facts.choices]),
        "callbacks": _numbered(
            [
                _plain(label) if at is None else f"{_plain(label)}: {time_text(at)}"
                for label, at in facts.callbacks
            ]
        ),
        "position": None if facts.position is None else str(facts.position),
        "wait": wait_text(facts.wait),
        "link": facts.link,
        "code": facts.code,
        "other_channels": ", ".join(facts.other_channels or policy.other_channels),
        "call_me": call_me[0] if call_me and answered and messages.requests and facts.can_request else None,
    }
    for name, wish in REPLY_NAMES.items():
        offered = answered and (facts.can_choose or wish is not ReplyWish.OTHER_TIME)
        found[name] = replies[wish] if offered else None
    return {name: (value and _plain(value)) or None for name, value in found.items()}


def _plain(value: str) -> str:
    """Return a text on one line and without braces: a text of ours never looks as if it was not filled in."""
    return "".join(" " if not each.isprintable() else each for each in value if each not in "{}").strip()


def _numbered(texts: Sequence[str]) -> str:
    return ", ".join(f"{number}) {text}" for number, text in enumerate(texts, start=1))


def _zone(facts: TextFacts, policy: QueuePolicy) -> str:
    own = policy.hours.zone if policy.hours is not None else "UTC"
    if facts.zone is None:
        return own
    try:
        return check_zone(facts.zone)
    except InvalidText:
        return own


def text_of_instant(
    at: datetime, *, zone: str, now: datetime | None, catalogue: Catalogue, asked: str | None = None
) -> str:
    """
    Return a time in the words of a catalogue: with its date where it is not of the day of the telling.

    Args:
        asked: the customer's language: `en-GB` reads other clocks than `en`.

    Raises:
        InvalidText: there is no such zone.
        InvalidTime: a time is naive, or outside 2000 to 2100.
    """
    same = asked is not None and languages_of(asked)[-1] == languages_of(catalogue.language)[-1]
    language = asked if asked is not None and same else catalogue.language
    dates = catalogue.dates
    if dates is None:
        return text_of_time(at, zone=zone, language=language, now=now)
    clock = text_of_time(at, zone=zone, language=language, show_date=ShowDate.NEVER)
    day = wall_of(at, zone=zone).wall_at.date()
    told = None if now is None else wall_of(now, zone=zone).wall_at.date()
    if day == told:
        return clock
    template = dates.date if told is not None and told.year == day.year else dates.date_with_year
    date = fill(
        template,
        {
            "weekday": dates.weekdays[day.weekday()],
            "day": str(day.day),
            "month": dates.months[day.month - 1],
            "year": str(day.year),
        },
    )
    return fill(dates.date_and_time, {"date": date, "clock": clock})


def name_shown(name: str | None) -> str | None:
    """
    Return a name as it can be shown; None where it is none: it is never cut.

    >>> name_shown("  Mary-Ann  O'Neil Jr. "), name_shown("{company}"), name_shown("win at evil.example")
    ("Mary-Ann O'Neil Jr.", None, None)
    """
    if name is None or len(name) > 4 * NAME_SHOWN_MAX:
        return None
    words = unicodedata.normalize("NFC", name).split()
    whole = " ".join(words)
    if not 1 <= len(whole) <= NAME_SHOWN_MAX or not all(
        _NAME.fullmatch(_without_marks(word)) for word in words
    ):
        return None
    return whole


def _without_marks(word: str) -> str:
    """Leave out the marks that a letter bears, as many scripts write their vowels."""
    return "".join(each for each in word if not unicodedata.category(each).startswith("M"))


def number_end(number: str | None) -> str | None:
    """
    Return the last digits of a number: enough for its owner to know it, too few for anybody else.

    >>> number_end("+12125550123"), number_end("+290123"), number_end("anonymous")
    ('0123', '123', None)
    """
    digits = "".join(each for each in number or "" if each in "0123456789")
    shown = min(DIGITS_SHOWN, len(digits) // 2)
    return digits[-shown:] if shown else None


def wait_text(wait: Wait | None) -> str | None:
    """
    Return an estimated wait in figures that need no plural: the range, rounded outwards, or the mean, rounded up.

    >>> (
    ...     wait_text(Wait(mean_s=700, low_s=600, high_s=850)),
    ...     wait_text(Wait(mean_s=700, low_s=None, high_s=None)),
    ... )
    ('10-15 min', '12 min')
    >>> (
    ...     wait_text(Wait(mean_s=9000, low_s=7300, high_s=11000)),
    ...     wait_text(Wait(mean_s=None, low_s=None, high_s=None)),
    ... )
    ('2-4 h', None)
    """
    if wait is None or wait.mean_s is None or not math.isfinite(wait.mean_s):
        return None
    low_s, high_s = wait.mean_s, wait.mean_s
    has_range = False
    if wait.low_s is not None and wait.high_s is not None and math.isfinite(wait.high_s):
        has_range, low_s, high_s = True, wait.low_s, wait.high_s
    unit_s, unit = (_MINUTE_S, "min") if high_s <= _MINUTES_SAID_MAX * _MINUTE_S else (_HOUR_S, "h")
    most = max(1, math.ceil(high_s / unit_s))
    least = max(1, math.floor(low_s / unit_s)) if has_range else most
    return f"{most} {unit}" if least >= most else f"{least}-{most} {unit}"

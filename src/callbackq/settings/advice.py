"""What settings say that cannot be meant, though each is allowed; and what they need of the host."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Final

import attrs

from callbackq.model import Choice, Disposition, Mode, Purpose
from callbackq.policy import AllDeclined, Caps, QueuePolicy, Span, Voicemail, Wording
from callbackq.policy.forms import duration_text as said
from callbackq.settings.model import TenantSettings
from callbackq.settings.special import WEEKDAYS, SpanForm

_DAY: Final = timedelta(days=1)


class Weight(enum.StrEnum):
    """How much a remark matters."""

    CONTRADICTION = "contradiction"
    """A setting that another one makes useless, or turns against what it is for."""
    NOTE = "note"
    """What the host must do besides, or should know."""


@attrs.frozen(kw_only=True)
class Remark:
    """
    One thing to know of the settings of a queue.

    Args:
        key: the setting that it is about, as it is written in a file.
        words: a sentence.
    """

    queue: str
    weight: Weight
    key: str
    words: str


_Found = Iterator[tuple[Weight, str, str]]
_NO: Final = Weight.CONTRADICTION
_NOTE: Final = Weight.NOTE


def remarks(settings: TenantSettings, *, today: date | None = None) -> tuple[Remark, ...]:
    """
    Return what is to be said of settings: contradictions first, in the order of the queues.

    Args:
        today: to tell which dates are over; None: that is not looked at.

    >>> policy = QueuePolicy(queue="support", keys={"3": Choice.SCHEDULE})
    >>> [(each.key, str(each.weight)) for each in remarks(TenantSettings(policies=[policy]))]
    [('keys', 'contradiction')]
    """
    found: list[Remark] = []
    for policy in settings.policies:
        looks: list[_Found] = [look(policy) for look in _LOOKS]
        looks += [_over_all(policy, settings.caps), _dates_over(policy, today)]
        found += [
            Remark(queue=str(policy.queue), weight=weight, key=key, words=words)
            for look in looks
            for weight, key, words in look
        ]
    return tuple(sorted(found, key=lambda remark: remark.weight is not Weight.CONTRADICTION))


# ---------------------------------------------------------------------------- offers


def _offers(policy: QueuePolicy) -> _Found:
    if policy.slots is None and Choice.SCHEDULE in policy.keys.values():
        key = next(key for key, choice in policy.keys.items() if choice is Choice.SCHEDULE)
        yield _NO, "keys", f"Key {key!r} asks for a chosen time, and the queue has no slots."
    if policy.offer_wait_min is not None and policy.offer_wait_min > policy.virtual_wait_max:
        yield (
            _NO,
            "offer_wait_min",
            f"Offers begin at {said(policy.offer_wait_min)} of waiting, and end at virtual_wait_max, "
            f"{said(policy.virtual_wait_max)}: none is ever made for this reason.",
        )
    if policy.offer_position_min is not None and policy.offer_position_min <= policy.served_soon_position:
        words = f"No offer is made up to place {policy.served_soon_position}, served_soon_position."
        yield _NO, "offer_position_min", words
    unasked = (
        policy.offer_wait_min,
        policy.offer_waited_min,
        policy.offer_position_min,
        policy.offer_load_min,
    )
    if all(reason is None for reason in unasked) or not policy.offer_ratio:
        key = "offer_ratio" if not policy.offer_ratio else "offer_wait_min"
        yield _NOTE, key, "Nobody is offered a callback by itself: callers have to ask."


def _hours(policy: QueuePolicy) -> _Found:
    if policy.hours is None:
        if policy.slots is not None:
            yield _NOTE, "hours", "Slots are offered at any hour, unless the host has Hours of its own."
        return
    longest = max(
        (
            _length(span)
            for spans in (*policy.hours.week.values(), *policy.hours.special.values())
            for span in spans
        ),
        default=_DAY,
    )
    if policy.offer_closing_margin >= longest:
        words = f"No time of a day is further from closing than {said(policy.offer_closing_margin)}."
        yield _NO, "offer_closing_margin", words
    if policy.slots is not None and policy.slots.length > longest:
        words = f"No slot of {said(policy.slots.length)} fits into any opening of the queue."
        yield _NO, "slots.length", words
    yield from _calling_hours(policy)


def _length(span: Span) -> timedelta:
    return (_since_midnight(span.closes) - _since_midnight(span.opens)) % _DAY or _DAY


def _since_midnight(clock: object) -> timedelta:
    return timedelta(
        hours=getattr(clock, "hour", 0),
        minutes=getattr(clock, "minute", 0),
        seconds=getattr(clock, "second", 0),
        microseconds=getattr(clock, "microsecond", 0),
    )


def _calling_hours(policy: QueuePolicy) -> _Found:
    """Name the first opening of the week in which numbers of the queue's own region may not all be called."""
    hours, calling = policy.hours, policy.calling
    if hours is None or calling is None:
        return
    rules = [rule for rule in calling.rules if rule.region == policy.default_region and not rule.area_codes]
    rules = rules or [rule for rule in calling.rules if rule.region is None]
    for rule in rules:
        week = rule.week.get(Purpose.REQUESTED)
        for day, spans in sorted(hours.week.items()) if week is not None else ():
            for span in spans:
                if week is not None and not any(_is_within(span, may) for may in week.get(day, ())):
                    yield (
                        _NOTE,
                        "hours.week",
                        f"The queue is open on {WEEKDAYS[day].capitalize()} {SpanForm().text(span)}, and numbers "
                        f"of {policy.default_region} may be called "
                        f"{_allowed(week.get(day, ()))} there: what was asked for longer ago than "
                        f"{said(calling.asked_life)} waits until then.",
                    )
                    return


def _allowed(spans: tuple[Span, ...]) -> str:
    return " and ".join(SpanForm().text(span) for span in spans) or "not at all"


def _is_within(span: Span, may: Span) -> bool:
    opens, begins = _since_midnight(span.opens), _since_midnight(may.opens)
    return begins <= opens and opens + _length(span) <= begins + _length(may)


# ---------------------------------------------------------------------------- dialing and retries


def _retries(policy: QueuePolicy) -> _Found:
    usual = QueuePolicy(queue=policy.queue)
    for disposition, rule in policy.retry_rules.items():
        key = f"retry_rules.{disposition}"
        if rule.retries_max >= policy.attempts_max > 1 and disposition is not Disposition.AGENT_UNAVAILABLE:
            most = policy.attempts_max - 1
            words = (
                f"{rule.retries_max} retries, and attempts_max {policy.attempts_max} leaves {most} at most."
            )
            yield _NO, f"{key}.retries_max", words
        is_usual = (rule, policy.response_window) == (
            usual.retry_rules.get(disposition),
            usual.response_window,
        )
        window = None if is_usual or not rule.retries_max else policy.response_window
        if window is not None and rule.shortest_rest > window:
            yield (
                _NOTE,
                f"{key}.rest",
                f"The rest of {said(rule.shortest_rest)} is longer than the response window of "
                f"{said(window)}: then the callback stands in line again.",
            )
        if rule.voicemail is not Voicemail.NOTHING and disposition is not Disposition.MACHINE:
            yield _NO, f"{key}.voicemail", "Only a machine hears a voicemail."
    machine = policy.retry_rules.get(Disposition.MACHINE)
    is_usual = machine is None or machine == usual.retry_rules[Disposition.MACHINE]
    if (
        machine is not None
        and not is_usual
        and machine.voicemail is not Voicemail.NOTHING
        and not policy.detect
    ):
        words = "Only telephony that tells machines from people leaves a voicemail; detect = true asks it to."
        yield _NOTE, "detect", words


def _dialing(policy: QueuePolicy) -> _Found:
    if policy.ring_on_max is not None and policy.mode is not Mode.SIMULTANEOUS:
        yield _NO, "ring_on_max", f"It counts in mode 'simultaneous' only; the mode is '{policy.mode}'."
    if policy.all_declined is AllDeclined.TELL and policy.company is None:
        yield (
            _NOTE,
            "company",
            "The customer who is told that nobody can take the call does not hear by whom.",
        )


def _over_all(policy: QueuePolicy, caps: Caps) -> _Found:
    for field in ("attempts_at_once_max", "attempts_per_minute_max"):
        own, whole = getattr(policy.caps, field), getattr(caps, field)
        if own is not None and whole is not None and own > whole:
            yield _NO, f"caps.{field}", f"{own:,} is more than the {whole:,} over all queues."


# ---------------------------------------------------------------------------- what the host must give


def _needs(policy: QueuePolicy) -> _Found:
    if policy.slots is not None and policy.slots.seats is None:
        words = "The service needs a SlotCapacity (capacity=...), or say how many seats: slots.seats = { agents = 10 }."
        yield _NOTE, "slots.seats", words
    if policy.verify is not None:
        yield _NOTE, "verify", "The service needs a CodeSender (codes=...) for one-time codes."
    if policy.messages is not None:
        yield (
            _NOTE,
            "messages",
            "The runner needs a messenger for: " + ", ".join(policy.messages.channels) + ".",
        )


def _messages(policy: QueuePolicy) -> _Found:
    messages = policy.messages
    if messages is None:
        if policy.survey:
            yield _NOTE, "survey", "There are no messages: the host is given a notice SURVEY to act on."
        return
    if messages.wording is Wording.S2 and messages.answers:
        words = "Texts say CANCEL, which most carriers take for an opt-out: such a customer gets no message any more."
        yield _NOTE, "messages.wording", words
    if policy.company is None:
        yield _NOTE, "company", "Messages do not say who writes: there is no company."
    if messages.slip_margin is not None and messages.slip_margin >= policy.callback_life:
        yield _NO, "messages.slip_margin", "A callback expires before its customer is told that it is late."
    quiet = timedelta(0)
    if messages.quiet_from is not None and messages.quiet_until is not None:
        quiet = _length(Span(messages.quiet_from, messages.quiet_until))
    if messages.message_life <= quiet:
        words = f"What quiet hours hold back is withdrawn before they are over, after {said(quiet)}."
        yield _NOTE, "messages.message_life", words


def _dates_over(policy: QueuePolicy, today: date | None) -> _Found:
    if today is None or policy.hours is None:
        return
    held = policy.hours.holidays
    if held and max(held) < today:
        yield _NOTE, "hours.holidays", f"All holidays are over: the last one was {max(held).isoformat()}."


_LOOKS: Final[tuple[Callable[[QueuePolicy], _Found], ...]] = (
    _offers,
    _hours,
    _retries,
    _dialing,
    _needs,
    _messages,
)

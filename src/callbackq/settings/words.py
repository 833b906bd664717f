"""What the policy of a queue means, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any, Final

from callbackq.model import Choice, Disposition, Mode
from callbackq.policy import (
    STRICT_CREDIT,
    AllDeclined,
    CallingPolicy,
    ExponentialRest,
    FixedSeats,
    NextBusinessDay,
    NumberChoice,
    PlaceFrom,
    QueuePolicy,
    RetryRule,
    Span,
    StaffedSeats,
    SteppedRest,
    Voicemail,
)
from callbackq.policy.forms import duration_text as said
from callbackq.settings.special import WEEKDAYS, SpanForm

_MODES: Final = {
    Mode.AGENT_FIRST: "the agent is rung first, and then the customer",
    Mode.CUSTOMER_FIRST: "the customer is called while an agent is reserved, and then the agent is rung",
    Mode.SIMULTANEOUS: "agent and customer are rung at once",
}


def policy_words(policy: QueuePolicy) -> tuple[tuple[str, str], ...]:
    """
    Return what a policy means: sentences, each with what it is about.

    >>> dict(policy_words(QueuePolicy(queue="support")))["open"]
    'At any hour, unless the host says otherwise.'
    """
    return tuple((topic, sentence(policy)) for topic, sentence in _TOPICS.items())


def _listed(words: Sequence[str], *, last: str = "and") -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


# ---------------------------------------------------------------------------- one sentence for each topic


def _open(policy: QueuePolicy) -> str:
    if policy.hours is None:
        return "At any hour, unless the host says otherwise."
    hours, span = policy.hours, SpanForm()
    parts: list[str] = []

    def spans_of(day: int) -> tuple[Span, ...]:
        return hours.week.get(day, ())

    for spans, days in groupby(range(7), key=spans_of):
        names = [WEEKDAYS[day].capitalize() for day in days]
        when = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
        if spans:
            parts.append(f"{when} {_listed([span.text(one) for one in spans])}")
    counts = [
        f"{len(held):,} {what if len(held) == 1 else more}"
        for held, what, more in (
            (hours.holidays, "holiday", "holidays"),
            (hours.special, "special date", "special dates"),
            (hours.closures, "closure", "closures"),
        )
        if held
    ]
    besides = f"; besides {_listed(counts)}" if counts else ""
    return f"{'; '.join(parts) or 'On no day of the week'}, in {hours.zone}{besides}."


def _offers(policy: QueuePolicy) -> str:
    reasons = [
        text
        for value, text in (
            (policy.offer_wait_min, f"would wait {said(policy.offer_wait_min or timedelta(0))}"),
            (policy.offer_waited_min, f"has waited {said(policy.offer_waited_min or timedelta(0))}"),
            (policy.offer_position_min, f"stands at place {policy.offer_position_min} or behind"),
            (policy.offer_load_min, f"comes when {policy.offer_load_min:g} places wait for each agent")
            if policy.offer_load_min is not None
            else (None, ""),
        )
        if value is not None
    ]
    whom = f"To who {_listed(reasons, last='or')}" if reasons else "To nobody by itself"
    share = "" if policy.offer_ratio == 1 else f", to {100 * policy.offer_ratio:g} % of callers"
    segments = f", of the segments {_listed(policy.offer_segments)}" if policy.offer_segments else ""
    longest = f"; none when the wait is longer than {said(policy.virtual_wait_max)}"
    return f"{whom}{share}{segments}{longest}."


def _menu(policy: QueuePolicy) -> str:
    meanings = {
        Choice.STAY: "stay on hold",
        Choice.CALLBACK_NOW: "a callback",
        Choice.SCHEDULE: "a chosen time",
    }
    if not policy.keys:
        return "No key asks for a callback."
    by_choice: dict[Choice, list[str]] = {}
    for key, choice in policy.keys.items():
        by_choice.setdefault(choice, []).append(key)
    parts = [
        f"{_listed(keys, last='or')}: {meanings.get(choice, str(choice).replace('_', ' '))}"
        for choice, keys in by_choice.items()
    ]
    return "; ".join(parts) + "."


def _order(policy: QueuePolicy) -> str:
    since = "entering the queue" if policy.place_from is PlaceFrom.ENTERED else "asking for the callback"
    if policy.priority_credit >= STRICT_CREDIT:
        priority = "a better priority always goes first"
    elif not policy.priority_credit:
        priority = "priority counts for nothing"
    else:
        priority = f"one step of priority is worth {said(policy.priority_credit)} of waiting"
    return f"The place counts from {since}; {priority}."


def _dialing(policy: QueuePolicy) -> str:
    caps = [
        f"{count:,} {what}"
        for count, what in (
            (policy.caps.attempts_at_once_max, "at once"),
            (policy.caps.attempts_per_minute_max, "a minute"),
        )
        if count is not None
    ]
    most = f"; at most {_listed(caps)}" if caps else ""
    return (
        f"{_MODES[policy.mode][:1].upper()}{_MODES[policy.mode][1:]}: the agent for "
        f"{said(policy.agent_ring_time)}, the customer for {said(policy.ring_time)}. A customer who answers waits "
        f"{said(policy.customer_hold_max)} for an agent at most{most}."
    )


def rest_words(rest: Any) -> str:
    """Say when it is tried again."""
    if isinstance(rest, SteppedRest):
        return f"after {_listed([said(each) for each in rest.rests], last='and then')}"
    if isinstance(rest, ExponentialRest):
        longest = f"{said(rest.rest_max)} at most"
        return f"after {said(rest.first)}, then {rest.factor:g} times as long each time, {longest}"
    if isinstance(rest, NextBusinessDay):
        return f"at {rest.at:%H:%M} of the next business day in {rest.zone}"
    return f"after {said(rest)}" if rest else "at once"


def _rule(rule: RetryRule, most: int) -> str:
    voicemail = "" if rule.voicemail is Voicemail.NOTHING else "a voicemail; "
    if not most:
        return f"{voicemail}not again"
    other = "" if rule.number is NumberChoice.SAME else f", the {rule.number} number"
    return f"{voicemail}again {rest_words(rule.rest)}, {_times(most)}{other}"


def _retries(policy: QueuePolicy) -> str:
    by_rule: dict[str, list[str]] = {}
    for disposition, rule in policy.retry_rules.items():
        counts = disposition is not Disposition.AGENT_UNAVAILABLE
        most = min(rule.retries_max, policy.attempts_max - 1) if counts else rule.retries_max
        by_rule.setdefault(_rule(rule, most), []).append(str(disposition).replace("_", " "))
    parts = [f"{_listed(names)}: {rule}" for rule, names in by_rule.items()]
    whole = "1 attempt" if policy.attempts_max == 1 else f"{policy.attempts_max} attempts"
    return f"{whole} at most. {'; '.join(parts) or 'Nothing is tried again'}."


def _declined(policy: QueuePolicy) -> str:
    return {
        AllDeclined.KEEP_WAITING: "It keeps its place, and the agents are asked again.",
        AllDeclined.TELL: "The customer is called and told so, and it is over.",
        AllDeclined.END: "It is over, and the customer is told by a message or notice.",
    }[policy.all_declined]


def _slots(policy: QueuePolicy) -> str:
    slots = policy.slots
    if slots is None:
        return "None: a chosen time is any time."
    if isinstance(slots.seats, FixedSeats):
        seats = f"{slots.seats.seats:,} seats each"
    elif isinstance(slots.seats, StaffedSeats):
        share = f"{100 * slots.seats.share_ratio:g} %"
        seats = f"as many seats as {slots.seats.agents:,} agents can do in {share} of their time"
    else:
        seats = "as many seats as the host says"
    remind = "" if slots.remind_before is None else f"; a reminder {said(slots.remind_before)} before"
    return (
        f"Every {said(slots.step)}, {said(slots.length)} long, up to {said(slots.horizon)} from now, "
        f"with {seats}{remind}."
    )


def _messages(policy: QueuePolicy) -> str:
    messages = policy.messages
    if messages is None:
        return "None by callbackq: notices are the host's to send."
    quiet = (
        "at any hour"
        if messages.quiet_from is None or messages.quiet_until is None
        else f"none from {messages.quiet_from:%H:%M} to {messages.quiet_until:%H:%M}"
    )
    answers = "answers are read" if messages.answers else "answers are not read"
    return f"By {_listed(messages.channels, last='or else')}, {quiet}; {answers}."


def _numbers(policy: QueuePolicy) -> str:
    numbers = policy.numbers
    regions = [f"{region}: {rule.access}" for region, rule in sorted(numbers.regions.items())]
    which = "Every other region" if regions else "Every region"
    rules = "; ".join([*regions, f"{which}: {numbers.other_regions.access}"])
    return (
        f"Read as numbers of {policy.default_region}. {rules}. Never: "
        f"{_listed(sorted(str(each).replace('_', ' ') for each in numbers.types_refused)) or 'no type'}."
    )


def _calling(policy: QueuePolicy) -> str:
    if policy.calling is None:
        return "At any hour, wherever the number is."
    rules = policy.calling.rules
    own = "the built-in rules" if rules == CallingPolicy().rules else f"{len(rules):,} rules"
    asked = said(policy.calling.asked_life)
    return f"By {own} of the places where the number may be; at any hour within {asked} after asking."


def _life(policy: QueuePolicy) -> str:
    window = (
        "" if policy.response_window is None else f" Its turn lasts {said(policy.response_window)} at most."
    )
    return f"A callback that was not done within {said(policy.callback_life)} expires.{window}"


_TOPICS: Final[Mapping[str, Callable[[QueuePolicy], str]]] = {
    "open": _open,
    "offers": _offers,
    "keys": _menu,
    "order": _order,
    "dialing": _dialing,
    "retries": _retries,
    "if all agents decline": _declined,
    "slots": _slots,
    "messages": _messages,
    "numbers": _numbers,
    "calling hours": _calling,
    "life": _life,
}


def differences(data: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """
    Give each value of plain data with its key, as it is written in a file.

    >>> list(differences({"keypad": {"confirm": False}, "survey": True}))
    [('keypad.confirm', False), ('survey', True)]
    """
    for key, value in data.items():
        if isinstance(value, dict) and value:
            yield from differences(value, f"{path}{key}.")  # pyright: ignore[reportUnknownArgumentType]
        else:
            yield f"{path}{key}", value

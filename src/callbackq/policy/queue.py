"""
The settings of one queue. A policy is checked when it is built, and never fails later.

Every figure is a default. Durations are `timedelta`; bounds are written with each field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final, cast

import attrs

from callbackq.effects import Prompt
from callbackq.errors import ConfigurationError
from callbackq.ids import QueueName
from callbackq.model import Choice, Confirmation, Disposition, Mode
from callbackq.policy.calling import CallingPolicy
from callbackq.policy.caps import Caps
from callbackq.policy.checks import (
    NAME_LENGTH_MAX,
    NAMES_ALLOWED,
    Shown,
    check_member,
    int_within,
    is_name,
    own_names,
    within,
)
from callbackq.policy.hours import WeekHours
from callbackq.policy.keypad import KeypadPolicy
from callbackq.policy.keys import CONFIRM_KEYS, KEYS_DEFAULT, own_confirm_keys, own_keys
from callbackq.policy.limits import NO_LIMITS, RequestLimits
from callbackq.policy.messages import Messages
from callbackq.policy.numbers import NumberPolicy
from callbackq.policy.prompts import NO_PROMPTS, own_prompts
from callbackq.policy.retries import RETRY_S2, RULES_ALLOWED, RetryRule, own_rules
from callbackq.policy.slots import SlotPolicy
from callbackq.policy.verifying import Verify
from callbackq.policy.words import (
    Acd,
    AfterRefusal,
    AllDeclined,
    CalledIn,
    Confirm,
    Duplicates,
    DuplicateScope,
    PlaceAfter,
    PlaceFrom,
)

PRIORITY_MAX: Final = 255
STRICT_CREDIT: Final = timedelta(days=366)
"""One step of priority outweighs any wait of a year or less. All 255 of them keep ranks below 2**53."""

_NO_CAPS: Final = Caps()
_ANY_NUMBER: Final = NumberPolicy()
_KEYPAD: Final = KeypadPolicy()
AGENT_PRESENCE_MAX: Final = timedelta(hours=16)
"""How long an agent is believed to be there, unless a policy says otherwise."""

_QUEUE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}")
_REGION = re.compile(r"[A-Z]{2}")


@attrs.frozen(kw_only=True)
class QueuePolicy:
    """
    How one queue treats its callbacks.

    Args:
        queue: its name: letters, digits, `_`, `.`, `-`; 1 to 64.
        default_region: two letters; how a number without a country code is read.
        mode: which leg starts when: the agent's, the customer's, or both at once. An agent is reserved in each.
        duplicates: what a second request of the same person gets.
        duplicates_over: whether a callback in another queue is a duplicate too.
        follows_within: a request so long after an earlier callback of the person ended is linked to it. 0 to 30 days.
        numbers: which numbers are called: types, regions, ranges, and what they may cost.
        calling: when people may be called, by the rules of the places where their number may be; None: at any hour.
        limits: how many requests are taken from one number, from one source, and in all.
        keypad: how a caller is asked for a number by key: tries, read-back, words. See `callbackq.core.keypad`.
        verify: when a number must be proved by a one-time code; None: never.
        priority_default: 0 to 255, lower first.
        priority_credit: the head start of one step of priority. The default is strict: priority always wins.
            A smaller one ages: a step is worth that much waiting. 0 to 366 days.
        place_from: from when a live caller's callback holds its place: from entering the queue, or from asking.
        acd: who gives live callers to agents: callbackq, or the host's own ACD.
        served_first: of several queues, agents serve the one with the lower number first, whatever the order within:
            a premium queue has less than 100. 0 to 255.
        agents_kept: so many free agents who serve this queue are not given places of queues that come after it.
            0 to 10,000.
        preferred_agent_time: how long a place waits for its preferred agent alone, if that agent is signed in.
            0 to 12 h, and less than `callback_life`.
        offer_wait_min: offer a callback when the estimated wait is at least this; never for this reason if None.
            0 to 24 h.
        offer_waited_min: offer one to who has waited so long already; never for this reason if None. 0 to 24 h.
        offer_position_min: offer one from this position on; never for this reason if None. 1 to 1,000,000.
        offer_load_min: offer one when so many places wait for each staffed agent; never for this reason if None.
            Above 0, to 10,000.
        served_soon_wait: offer none to who is expected to be served within this. 0 to 1 h.
        served_soon_position: offer none up to this position. 0 to 1,000,000.
        virtual_wait_max: offer none as soon as possible when the estimated wait is longer; propose a time instead.
            A callback that has waited so long is marked in history. 1 min to 7 days.
        pending_max: offer none while so many callbacks of the queue have not ended. 1 to 1,000,000.
        offer_closing_margin: offer none that is likely to begin later than this before closing. 0 to 24 h.
        offer_ratio: share of callers who are offered one, by number: the same caller, the same answer. 0 to 1.
        offer_segments: offer only to callers of these segments, as the host names them; to all if empty.
        offer_life: how long an offer stands. 5 s to 1 h.
        declines_max: who declined so often is offered no more. 1 to 100.
        offer_again_after: how long after a decline the next offer may come. 0 to 24 h.
        keys: what a caller's key or word means.
        other_channels: other ways to reach the company, to be named where no callback is offered.
        after_refusal: what the host does with a live caller whose request was refused.
        abandoned_wait_min: a live caller who hangs up after waiting so long is called back without having asked;
            None: never. 0 to 24 h.
        response_window: how long after its turn first came a callback may take, attempts and rests included; then
            it is queued again as `place_after_window` says. None: as long as it lives. 1 min to 24 h.
        place_after_window: where in line it stands when the response window is over.
        handle_time: mean time of one call with its wrap-up, for estimates. 1 s to 24 h.
        callback_life: a callback that was not done by then expires. 1 min to 30 days.
        call_life: a live call that is still waiting by then is taken for lost. 1 min to 7 days.
        attempts_max: attempts that count, in all. 1 to 100.
        retry_rules: what follows each disposition; one that is missing ends the callback.
        hours: when it is open; always, if None and the service has no `Hours` of the host.
        slots: its slots; None: it has none, and a chosen time is any time.
        caps: how many callbacks are dialed at once and per minute; besides, never more than there are free agents.
        called_in: what happens when a customer who waits for a callback, or has just missed one, calls in.
        missed_life: how long a missed callback is remembered for that. 0 to 30 days.
        messages: what customers read and answer; None: callbackq sends no messages, and the notices for customers are
            the host's to send.
        all_declined: what becomes of a callback that every agent who could serve it has declined.
        confirm: of whom it is asked to press a key before being connected.
        confirm_keys: what those keys mean.
        confirm_time_max: how long a key is waited for; then it is taken for a machine. 1 s to 2 min.
        detect: whether the telephony should find out who answered: a person, a machine, a fax.
        customer_hold_max: how long a customer who answered waits for an agent. 1 s to 5 min.
        ring_on_max: in mode `simultaneous`, how long the customer's phone rings on once the agent is there, but never
            less than 15 s in all. Three rings are 18 s. None: as long as `ring_time`. 5 s to 5 min.
        survey: whether the customer is asked afterwards how it was: with the notice SURVEY.
        no_shows_max: who missed so many callbacks for chosen times within `no_shows_window` is flagged, and books
            one more only with `confirmed=True`. 1 to 100.
        no_shows_window: 1 to 365 days.
        caller_id, dial_prefix, route, record: handed to the telephony with each dial: the number to show, digits
            before the number, a hint for the route, and whether to record. Texts of 1 to 64 characters, or None.
        company, company_number: what prompts call the company, and the number to call. Texts as those, or None.
        language: of prompts to agents, and to customers who have none of their own: `en`, `fr-CA`. 1 to 64 characters.
        prompt_time_max: how long a prompt may take, before a leg is hung up or a key is waited for. 1 s to 5 min.
        prompts: the words of prompts by language and `Prompt`, where they should differ from the built-in ones.
        agent_ring_time: how long an agent may take to accept. 5 s to 5 min.
        ring_time: how long the customer's phone rings. 15 s to 5 min.
        join_time_max: how long the bridge may take. 1 s to 5 min.
        talk_time_max: a conversation whose end was never reported is hung up by then. 1 min to 24 h.
        hang_up_time_max: how long a leg may take to end. 1 s to 5 min.
        wrap_up: the agent's pause after each call. 0 to 1 h.
        agent_cool_down: the agent's pause after declining or letting a reservation pass. 1 s to 1 h.
        agent_presence_max: an agent of whom nothing was heard so long is signed out. 1 min to 7 days.
        number_in_use_hold: how long a callback steps aside while its number is in another call. 1 s to 1 h.

    Raises:
        ConfigurationError: a value is out of its bounds, or two contradict each other. Names the field, the
            value and what is allowed.

    >>> QueuePolicy(queue="support", ring_time=timedelta(seconds=5))
    Traceback (most recent call last):
    ...
    callbackq.errors.ConfigurationError: ring_time is 0:00:05; allowed: 0:00:15 to 0:05:00
    """

    queue: QueueName = attrs.field(converter=QueueName)
    default_region: str = "US"
    mode: Mode = Mode.AGENT_FIRST
    duplicates: Duplicates = Duplicates.REFUSE
    duplicates_over: DuplicateScope = DuplicateScope.QUEUE
    follows_within: timedelta = timedelta(hours=24)
    numbers: NumberPolicy = _ANY_NUMBER
    calling: CallingPolicy | None = attrs.field(factory=CallingPolicy)
    limits: RequestLimits = NO_LIMITS
    keypad: KeypadPolicy = _KEYPAD
    verify: Verify | None = None
    priority_default: int = 100
    priority_credit: timedelta = STRICT_CREDIT
    place_from: PlaceFrom = PlaceFrom.ENTERED
    acd: Acd = Acd.CALLBACKQ
    served_first: int = 100
    agents_kept: int = 0
    preferred_agent_time: timedelta = timedelta(minutes=2)
    offer_wait_min: timedelta | None = timedelta(minutes=2)
    offer_waited_min: timedelta | None = timedelta(seconds=90)
    offer_position_min: int | None = None
    offer_load_min: float | None = None
    served_soon_wait: timedelta = timedelta(seconds=30)
    served_soon_position: int = 0
    virtual_wait_max: timedelta = timedelta(minutes=45)
    pending_max: int = 10_000
    offer_closing_margin: timedelta = timedelta(minutes=2)
    offer_ratio: float = 1.0
    offer_segments: tuple[str, ...] = attrs.field(default=(), converter=own_names)
    offer_life: timedelta = timedelta(seconds=60)
    declines_max: int = 2
    offer_again_after: timedelta = timedelta(minutes=5)
    keys: Mapping[str, Choice] = attrs.field(default=KEYS_DEFAULT, converter=own_keys)
    other_channels: tuple[str, ...] = attrs.field(default=(), converter=own_names)
    after_refusal: AfterRefusal = AfterRefusal.KEEP_HOLDING
    abandoned_wait_min: timedelta | None = None
    response_window: timedelta | None = timedelta(minutes=10)
    place_after_window: PlaceAfter = PlaceAfter.KEEP
    handle_time: timedelta = timedelta(minutes=5)
    callback_life: timedelta = timedelta(hours=24)
    call_life: timedelta = timedelta(hours=8)
    attempts_max: int = 2
    retry_rules: Mapping[Disposition, RetryRule] = attrs.field(default=RETRY_S2, converter=own_rules)
    hours: WeekHours | None = None
    slots: SlotPolicy | None = None
    caps: Caps = _NO_CAPS
    called_in: CalledIn = CalledIn.KEEP_BOTH
    missed_life: timedelta = timedelta(hours=24)
    messages: Messages | None = None
    all_declined: AllDeclined = AllDeclined.KEEP_WAITING
    confirm: Confirm = Confirm.NEVER
    confirm_keys: Mapping[str, Confirmation] = attrs.field(default=CONFIRM_KEYS, converter=own_confirm_keys)
    confirm_time_max: timedelta = timedelta(seconds=10)
    detect: bool = False
    customer_hold_max: timedelta = timedelta(seconds=30)
    ring_on_max: timedelta | None = None
    survey: bool = False
    no_shows_max: int = 3
    no_shows_window: timedelta = timedelta(days=90)
    caller_id: str | None = None
    dial_prefix: str | None = None
    route: str | None = None
    record: bool = False
    company: str | None = None
    company_number: str | None = None
    language: str = "en"
    prompt_time_max: timedelta = timedelta(seconds=30)
    prompts: Mapping[str, Mapping[Prompt, str]] = attrs.field(default=NO_PROMPTS, converter=own_prompts)
    agent_ring_time: timedelta = timedelta(seconds=20)
    ring_time: timedelta = timedelta(seconds=45)
    join_time_max: timedelta = timedelta(seconds=10)
    talk_time_max: timedelta = timedelta(hours=4)
    hang_up_time_max: timedelta = timedelta(seconds=10)
    wrap_up: timedelta = timedelta(0)
    agent_cool_down: timedelta = timedelta(seconds=30)
    agent_presence_max: timedelta = AGENT_PRESENCE_MAX
    number_in_use_hold: timedelta = timedelta(seconds=30)

    def __attrs_post_init__(self) -> None:
        _check_names(self)
        for field, least, most in _INT_BOUNDS:
            if not (field in _MAY_BE_NONE and getattr(self, field) is None):
                int_within(field, getattr(self, field), least, most)
        for field, low, high in _BOUNDS:
            if not (field in _MAY_BE_NONE and getattr(self, field) is None):
                within(field, getattr(self, field), low, high)
        for field, kind in _MEMBERS:
            check_member(field, getattr(self, field), kind)
        if self.preferred_agent_time >= self.callback_life:
            raise ConfigurationError(
                "preferred_agent_time",
                Shown(self.preferred_agent_time),
                f"less than callback_life, {self.callback_life}",
            )
        for field, kind in _OPTIONAL:
            if getattr(self, field) is not None:
                check_member(field, getattr(self, field), kind)
        _check_shares(self)
        _check_retry_rules(self)


_S: Final = timedelta(seconds=1)
_M: Final = timedelta(minutes=1)
_H: Final = timedelta(hours=1)
_D: Final = timedelta(days=1)
_MEMBERS: Final[tuple[tuple[str, type[Any]], ...]] = (
    ("caps", Caps),
    ("duplicates", Duplicates),
    ("duplicates_over", DuplicateScope),
    ("numbers", NumberPolicy),
    ("keypad", KeypadPolicy),
    ("limits", RequestLimits),
    ("place_from", PlaceFrom),
    ("acd", Acd),
    ("after_refusal", AfterRefusal),
    ("place_after_window", PlaceAfter),
    ("mode", Mode),
    ("called_in", CalledIn),
    ("all_declined", AllDeclined),
    ("confirm", Confirm),
    ("detect", bool),
    ("record", bool),
    ("survey", bool),
)
_OPTIONAL: Final[tuple[tuple[str, type[Any]], ...]] = (
    ("hours", WeekHours),
    ("slots", SlotPolicy),
    ("calling", CallingPolicy),
    ("verify", Verify),
    ("messages", Messages),
)
_MAY_BE_NONE: Final = frozenset(
    {
        "offer_wait_min",
        "offer_waited_min",
        "offer_position_min",
        "abandoned_wait_min",
        "response_window",
        "ring_on_max",
    }
)
_INT_BOUNDS: Final = (
    ("priority_default", 0, PRIORITY_MAX),
    ("attempts_max", 1, 100),
    ("served_first", 0, 255),
    ("agents_kept", 0, 10_000),
    ("offer_position_min", 1, 1_000_000),
    ("served_soon_position", 0, 1_000_000),
    ("pending_max", 1, 1_000_000),
    ("declines_max", 1, 100),
    ("no_shows_max", 1, 100),
)
_BOUNDS: Final = (
    ("priority_credit", 0 * _S, STRICT_CREDIT),
    ("preferred_agent_time", 0 * _S, 12 * _H),
    ("offer_wait_min", 0 * _S, _D),
    ("offer_waited_min", 0 * _S, _D),
    ("served_soon_wait", 0 * _S, _H),
    ("virtual_wait_max", _M, 7 * _D),
    ("offer_closing_margin", 0 * _S, _D),
    ("offer_again_after", 0 * _S, _D),
    ("abandoned_wait_min", 0 * _S, _D),
    ("response_window", _M, _D),
    ("offer_life", 5 * _S, _H),
    ("handle_time", _S, _D),
    ("callback_life", _M, 30 * _D),
    ("call_life", _M, 7 * _D),
    ("agent_ring_time", 5 * _S, 5 * _M),
    ("ring_time", 15 * _S, 5 * _M),
    ("join_time_max", _S, 5 * _M),
    ("talk_time_max", _M, _D),
    ("hang_up_time_max", _S, 5 * _M),
    ("wrap_up", 0 * _S, _H),
    ("agent_cool_down", _S, _H),
    ("agent_presence_max", _M, 7 * _D),
    ("number_in_use_hold", _S, _H),
    ("missed_life", 0 * _S, 30 * _D),
    ("follows_within", 0 * _S, 30 * _D),
    ("confirm_time_max", _S, 2 * _M),
    ("prompt_time_max", _S, 5 * _M),
    ("customer_hold_max", _S, 5 * _M),
    ("ring_on_max", 5 * _S, 5 * _M),
    ("no_shows_window", _D, 365 * _D),
)


def _is_text(value: object, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _check_names(policy: QueuePolicy) -> None:
    if not _is_text(policy.queue, _QUEUE_NAME):
        raise ConfigurationError("queue", policy.queue, "1 to 64 letters, digits, '_', '.', '-'")
    if not _is_text(policy.default_region, _REGION):
        raise ConfigurationError("default_region", policy.default_region, "two capital letters, such as 'US'")
    if policy.default_region not in _known_regions():
        raise ConfigurationError(
            "default_region", policy.default_region, "the code of a country with phone numbers"
        )
    for field in ("caller_id", "dial_prefix", "route", "company", "company_number"):
        text: object = getattr(policy, field)
        if text is not None and not is_name(text):
            raise ConfigurationError(field, text, f"None, or a text of 1 to {NAME_LENGTH_MAX} characters")
    if not is_name(policy.language):
        raise ConfigurationError("language", policy.language, f"a text of 1 to {NAME_LENGTH_MAX} characters")
    for field in ("offer_segments", "other_channels"):
        names: object = getattr(policy, field)
        if not isinstance(names, tuple):
            raise ConfigurationError(field, names, NAMES_ALLOWED)
        for name in cast("tuple[object, ...]", names):
            if not is_name(name):
                raise ConfigurationError(field, name, NAMES_ALLOWED)


_LOAD_MAX: Final = 10_000


def _check_shares(policy: QueuePolicy) -> None:
    if not _is_number(policy.offer_ratio) or not 0 <= policy.offer_ratio <= 1:
        raise ConfigurationError("offer_ratio", policy.offer_ratio, "a number, 0 to 1")
    load = policy.offer_load_min
    if load is not None and (not _is_number(load) or not 0 < load <= _LOAD_MAX):
        raise ConfigurationError("offer_load_min", load, f"None, or a number above 0, to {_LOAD_MAX:,}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _known_regions() -> frozenset[str]:
    import phonenumbers  # on first use

    return frozenset(phonenumbers.SUPPORTED_REGIONS)


def _check_retry_rules(policy: QueuePolicy) -> None:
    never = (Disposition.CONNECTED, Disposition.CANCELLED_BY_US)
    for disposition, rule in policy.retry_rules.items():
        field = f"retry_rules[{disposition}]"
        if not isinstance(disposition, Disposition) or not isinstance(rule, RetryRule):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(field, rule, RULES_ALLOWED)
        if disposition in never:
            raise ConfigurationError(field, rule, "no rule: nothing is tried again because of it")
        if rule.shortest_rest >= policy.callback_life:
            raise ConfigurationError(
                f"{field}.rest", Shown(rule.shortest_rest), f"less than callback_life, {policy.callback_life}"
            )
    unknown = policy.retry_rules.get(Disposition.UNKNOWN)
    longest = policy.ring_time + policy.customer_hold_max + policy.hang_up_time_max
    if unknown is not None and unknown.retries_max and unknown.shortest_rest <= longest:
        raise ConfigurationError(
            "retry_rules[unknown].rest",
            Shown(unknown.shortest_rest),
            f"more than ring_time + customer_hold_max + hang_up_time_max, {longest}: the phone may still be ringing",
        )


def check_policies(policies: object) -> tuple[QueuePolicy, ...]:
    """
    Return *policies* as they are.

    Raises:
        ConfigurationError: they are one policy, a mapping, or hold anything else.
    """
    if not _is_list(policies):
        raise _no_list_of_policies(policies)
    found: list[QueuePolicy] = []
    for policy in cast("Iterable[object]", policies):
        if not isinstance(policy, QueuePolicy):
            raise _no_list_of_policies(policy)
        found.append(policy)
    return tuple(found)


def _is_list(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, Mapping | str)


def _no_list_of_policies(value: object) -> ConfigurationError:
    return ConfigurationError("policies", type(value).__name__, "a list of QueuePolicy")

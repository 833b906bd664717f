"""Policies: every bound at both sides, every contradiction, and what each refusal says."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest

from callbackq import (
    KEYS_DEFAULT,
    KEYS_S2,
    RETRY_S2,
    Acd,
    AfterRefusal,
    Catalogue,
    Choice,
    ConfigurationError,
    Disposition,
    Duplicates,
    Keys,
    Messages,
    Mode,
    PlaceAfter,
    PlaceFrom,
    QueueName,
    QueuePolicy,
    RetryRule,
)
from callbackq.effects import Prompt
from callbackq.model import Channel, Confirmation, NoticeKind, NumberType
from callbackq.policy import (
    CONFIRM_KEYS,
    RETRIES_GENESYS,
    RETRIES_MINDFUL,
    RETRIES_S2,
    RETRY_PRESETS,
    STRICT_CREDIT,
    AllDeclined,
    CalledIn,
    CallingPolicy,
    Caps,
    Confirm,
    DuplicateScope,
    ExponentialRest,
    FixedSeats,
    KeypadPolicy,
    Limit,
    NextBusinessDay,
    NumberChoice,
    NumberPolicy,
    RequestLimits,
    RetryPreset,
    SlotPolicy,
    Span,
    SteppedRest,
    Verify,
    Voicemail,
    WeekHours,
    check_policies,
    weekdays,
)

S, M, H, D = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
US = timedelta(microseconds=1)
SUPPORT = QueueName("support")


def a_policy(**changes: Any) -> QueuePolicy:
    """Return a policy in which nothing contradicts the field that is looked at: neither rests nor preferences."""
    return QueuePolicy(**{"queue": SUPPORT, "retry_rules": {}, "preferred_agent_time": 0 * S, **changes})


DEFAULTS = {
    "queue": "support",
    "default_region": "US",
    "mode": Mode.AGENT_FIRST,
    "duplicates": Duplicates.REFUSE,
    "duplicates_over": DuplicateScope.QUEUE,
    "follows_within": 24 * H,
    "numbers": NumberPolicy(),
    "calling": CallingPolicy(),
    "limits": RequestLimits(),
    "keypad": KeypadPolicy(),
    "verify": None,
    "priority_default": 100,
    "priority_credit": 366 * D,
    "place_from": PlaceFrom.ENTERED,
    "acd": Acd.CALLBACKQ,
    "served_first": 100,
    "agents_kept": 0,
    "preferred_agent_time": 2 * M,
    "offer_wait_min": 2 * M,
    "offer_waited_min": 90 * S,
    "offer_position_min": None,
    "offer_load_min": None,
    "served_soon_wait": 30 * S,
    "served_soon_position": 0,
    "virtual_wait_max": 45 * M,
    "pending_max": 10_000,
    "offer_closing_margin": 2 * M,
    "offer_ratio": 1.0,
    "offer_segments": (),
    "offer_life": 60 * S,
    "declines_max": 2,
    "offer_again_after": 5 * M,
    "keys": KEYS_DEFAULT,
    "other_channels": (),
    "after_refusal": AfterRefusal.KEEP_HOLDING,
    "abandoned_wait_min": None,
    "response_window": 10 * M,
    "place_after_window": PlaceAfter.KEEP,
    "handle_time": 5 * M,
    "callback_life": 24 * H,
    "call_life": 8 * H,
    "attempts_max": 2,
    "retry_rules": RETRY_S2,
    "hours": None,
    "slots": None,
    "caps": Caps(),
    "called_in": CalledIn.KEEP_BOTH,
    "missed_life": 24 * H,
    "messages": None,
    "all_declined": AllDeclined.KEEP_WAITING,
    "confirm": Confirm.NEVER,
    "confirm_keys": CONFIRM_KEYS,
    "confirm_time_max": 10 * S,
    "detect": False,
    "customer_hold_max": 30 * S,
    "ring_on_max": None,
    "survey": False,
    "no_shows_max": 3,
    "no_shows_window": 90 * D,
    "caller_id": None,
    "dial_prefix": None,
    "route": None,
    "record": False,
    "company": None,
    "company_number": None,
    "language": "en",
    "prompt_time_max": 30 * S,
    "prompts": {},
    "agent_ring_time": 20 * S,
    "ring_time": 45 * S,
    "join_time_max": 10 * S,
    "talk_time_max": 4 * H,
    "hang_up_time_max": 10 * S,
    "wrap_up": 0 * S,
    "agent_cool_down": 30 * S,
    "agent_presence_max": 16 * H,
    "number_in_use_hold": 30 * S,
}

DURATIONS = [
    ("priority_credit", 0 * S, 366 * D, "0:00:00 to 366 days, 0:00:00"),
    ("preferred_agent_time", 0 * S, 12 * H, "0:00:00 to 12:00:00"),
    ("offer_wait_min", 0 * S, 24 * H, "0:00:00 to 1 day, 0:00:00"),
    ("offer_waited_min", 0 * S, 24 * H, "0:00:00 to 1 day, 0:00:00"),
    ("served_soon_wait", 0 * S, H, "0:00:00 to 1:00:00"),
    ("virtual_wait_max", M, 7 * D, "0:01:00 to 7 days, 0:00:00"),
    ("offer_closing_margin", 0 * S, 24 * H, "0:00:00 to 1 day, 0:00:00"),
    ("offer_again_after", 0 * S, 24 * H, "0:00:00 to 1 day, 0:00:00"),
    ("abandoned_wait_min", 0 * S, 24 * H, "0:00:00 to 1 day, 0:00:00"),
    ("response_window", M, 24 * H, "0:01:00 to 1 day, 0:00:00"),
    ("offer_life", 5 * S, H, "0:00:05 to 1:00:00"),
    ("handle_time", S, 24 * H, "0:00:01 to 1 day, 0:00:00"),
    ("callback_life", M, 30 * D, "0:01:00 to 30 days, 0:00:00"),
    ("call_life", M, 7 * D, "0:01:00 to 7 days, 0:00:00"),
    ("agent_ring_time", 5 * S, 5 * M, "0:00:05 to 0:05:00"),
    ("ring_time", 15 * S, 5 * M, "0:00:15 to 0:05:00"),
    ("join_time_max", S, 5 * M, "0:00:01 to 0:05:00"),
    ("talk_time_max", M, 24 * H, "0:01:00 to 1 day, 0:00:00"),
    ("hang_up_time_max", S, 5 * M, "0:00:01 to 0:05:00"),
    ("wrap_up", 0 * S, H, "0:00:00 to 1:00:00"),
    ("agent_cool_down", S, H, "0:00:01 to 1:00:00"),
    ("agent_presence_max", M, 7 * D, "0:01:00 to 7 days, 0:00:00"),
    ("number_in_use_hold", S, H, "0:00:01 to 1:00:00"),
    ("missed_life", 0 * S, 30 * D, "0:00:00 to 30 days, 0:00:00"),
    ("follows_within", 0 * S, 30 * D, "0:00:00 to 30 days, 0:00:00"),
    ("confirm_time_max", S, 2 * M, "0:00:01 to 0:02:00"),
    ("prompt_time_max", S, 5 * M, "0:00:01 to 0:05:00"),
    ("customer_hold_max", S, 5 * M, "0:00:01 to 0:05:00"),
    ("ring_on_max", 5 * S, 5 * M, "0:00:05 to 0:05:00"),
    ("no_shows_window", D, 365 * D, "1 day, 0:00:00 to 365 days, 0:00:00"),
]
WHOLE_NUMBERS = [
    ("priority_default", 0, 255),
    ("attempts_max", 1, 100),
    ("served_first", 0, 255),
    ("agents_kept", 0, 10_000),
    ("offer_position_min", 1, 1_000_000),
    ("served_soon_position", 0, 1_000_000),
    ("pending_max", 1, 1_000_000),
    ("declines_max", 1, 100),
    ("no_shows_max", 1, 100),
]
MEMBERS = [
    ("duplicates", Duplicates),
    ("duplicates_over", DuplicateScope),
    ("place_from", PlaceFrom),
    ("acd", Acd),
    ("after_refusal", AfterRefusal),
    ("place_after_window", PlaceAfter),
    ("mode", Mode),
    ("called_in", CalledIn),
    ("all_declined", AllDeclined),
    ("confirm", Confirm),
]
SWITCHES = ["detect", "record", "survey"]
TEXTS = ["caller_id", "dial_prefix", "route", "company", "company_number"]
NEVER = {
    "offer_wait_min",
    "offer_waited_min",
    "offer_position_min",
    "abandoned_wait_min",
    "response_window",
    "ring_on_max",
}
"""Where None says: never for this reason, or no bound."""


def refused(**changes: Any) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        a_policy(**changes)
    return caught.value


def test_the_defaults_are_what_is_documented() -> None:
    """Every figure; a default that moves is a change that users notice."""
    assert attrs.asdict(QueuePolicy(queue=SUPPORT), recurse=False) == DEFAULTS


def test_every_field_is_looked_at() -> None:
    """Each has its bounds below, or its own test."""
    bounded = {name for table in (DURATIONS, WHOLE_NUMBERS, MEMBERS) for name, *_ in table}
    bounded |= {*SWITCHES, *TEXTS}
    own_tests = {"queue", "default_region", "retry_rules", "keys", "offer_segments", "other_channels"}
    own_tests |= {"offer_ratio", "offer_load_min", "caps", "confirm_keys", "language", "prompts"}
    own_tests |= {"numbers", "keypad"}  # in `policy/test_numbers.py` and `policy/test_keypad.py`
    own_tests |= {
        "limits",
        "calling",
        "verify",
    }  # in `policy/test_jurisdictions.py` and `policy/test_guards.py`
    own_tests |= {"messages"}  # in `policy/test_messages.py`
    own_tests |= {"hours", "slots"}  # in `policy/test_hours.py` and `policy/test_slots.py`
    assert set(DEFAULTS) - bounded == own_tests


@pytest.mark.parametrize(("field", "low", "high", "allowed"), DURATIONS)
def test_a_duration_at_its_bounds(field: str, low: timedelta, high: timedelta, allowed: str) -> None:
    """Both bounds will do; a microsecond beyond them does not; the refusal names field, value and bounds."""
    for value in (low, high):
        assert getattr(a_policy(**{field: value}), field) == value
    for value in (low - US, high + US, -D, timedelta.max, timedelta.min):
        error = refused(**{field: value})
        assert (error.field, error.allowed) == (field, allowed)
        assert str(error) == f"{field} is {value}; allowed: {allowed}"


@pytest.mark.parametrize("value", [30, 30.0, "30 s", None, True, [S]])
@pytest.mark.parametrize(("field", "low", "high", "allowed"), DURATIONS)
def test_a_duration_is_a_timedelta(
    field: str, low: timedelta, high: timedelta, allowed: str, value: Any
) -> None:
    """Seconds as a number would be a guess."""
    if value is None and field in NEVER:
        return
    error = refused(**{field: value})
    assert str(error) == f"{field} is {value!r}; allowed: a timedelta, {allowed}"


@pytest.mark.parametrize(("field", "low", "high"), WHOLE_NUMBERS)
def test_a_whole_number_at_its_bounds(field: str, low: int, high: int) -> None:
    """Both bounds will do; one beyond them does not; nor does what is no whole number."""
    for value in (low, high):
        assert getattr(a_policy(**{field: value}), field) == value
    wrong: list[Any] = [low - 1, high + 1, 1.0, float("nan"), float("inf"), "1", None, True, [1]]
    for value in wrong:
        if value is None and field in NEVER:
            continue
        error = refused(**{field: value})
        assert str(error) == f"{field} is {value!r}; allowed: a whole number, {low} to {high}"


@pytest.mark.parametrize("field", sorted(NEVER))
def test_what_may_be_never(field: str) -> None:
    """None is said, not a very large number."""
    assert getattr(a_policy(**{field: None}), field) is None


@pytest.mark.parametrize("value", [0, 0.0, 1, 1.0, 0.05, 5e-324])
def test_a_share_at_its_bounds(value: float) -> None:
    """From nobody to everybody."""
    assert a_policy(offer_ratio=value).offer_ratio == value


@pytest.mark.parametrize("value", [None, 1e-9, 0.5, 3, 10_000])
def test_a_load_at_its_bounds(value: float | None) -> None:
    """Places for each agent; never for this reason if None."""
    assert a_policy(offer_load_min=value).offer_load_min == value


NO_NUMBERS: list[Any] = [float("nan"), float("inf"), float("-inf"), True, False, "1", [1], Decimal(1), 1j, M]


@pytest.mark.parametrize("value", [*NO_NUMBERS, None, -0.01, 1.01, 50])
def test_what_is_no_share_is_refused(value: Any) -> None:
    """A percentage, or no number at all."""
    assert str(refused(offer_ratio=value)) == f"offer_ratio is {value!r}; allowed: a number, 0 to 1"


@pytest.mark.parametrize("value", [*NO_NUMBERS, 0, 0.0, -1, 10_000.5])
def test_what_is_no_load_is_refused(value: Any) -> None:
    """At none at all everybody would be offered one, always."""
    error = refused(offer_load_min=value)
    assert str(error) == f"offer_load_min is {value!r}; allowed: None, or a number above 0, to 10,000"


@pytest.mark.parametrize("field", ["attempts_at_once_max", "attempts_per_minute_max"])
def test_a_cap_at_its_bounds(field: str) -> None:
    """One to a million; None is no cap, and so is saying nothing."""
    for value in (None, 1, 1_000_000):
        assert getattr(a_policy(caps=Caps(**{field: value})).caps, field) == value
    assert Caps() == Caps(attempts_at_once_max=None, attempts_per_minute_max=None)
    wrong: list[Any] = [0, -1, 1_000_001, 1.0, float("nan"), "1", True, [1]]
    for value in wrong:
        with pytest.raises(ConfigurationError) as caught:
            Caps(**{field: value})
        assert str(caught.value) == f"Caps.{field} is {value!r}; allowed: a whole number, 1 to 1000000"


def test_a_cap_for_each_number_at_its_bounds() -> None:
    """G9: one to a thousand in a minute to sixty days; no cap unless it is said."""
    for value in (None, 1, 1_000):
        assert Caps(attempts_per_number_max=value).attempts_per_number_max == value
    for period in (M, 60 * D):
        assert Caps(number_period=period).number_period == period
    assert (Caps().attempts_per_number_max, Caps().number_period) == (None, 24 * H)
    wrong: list[Any] = [0, -1, 1_001, 1.0, float("nan"), "1", True, [1]]
    for value in wrong:
        with pytest.raises(ConfigurationError) as caught:
            Caps(attempts_per_number_max=value)
        allowed = "a whole number, 1 to 1000"
        assert str(caught.value) == f"Caps.attempts_per_number_max is {value!r}; allowed: {allowed}"
    for period in (M - US, 60 * D + US, 0 * S, -M):
        with pytest.raises(ConfigurationError) as caught:
            Caps(number_period=period)
        assert str(caught.value) == f"Caps.number_period is {period}; allowed: 0:01:00 to 60 days, 0:00:00"
    for nonsense in (None, 60, "1 h"):
        with pytest.raises(ConfigurationError, match=r"^Caps\.number_period is .*; allowed: a timedelta, "):
            Caps(number_period=nonsense)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [None, 30, (30, 10), {"attempts_at_once_max": 30}, Caps])
def test_caps_are_caps(value: Any) -> None:
    """A number alone would be a guess at which of the two is meant."""
    error = refused(caps=value)
    assert (error.field, error.allowed) == ("caps", "a member of Caps")


# ---------------------------------------------------------------------------- names and keys


@pytest.mark.parametrize("field", ["offer_segments", "other_channels"])
@pytest.mark.parametrize(
    ("names", "kept"),
    [
        ((), ()),
        (["premium", "gold"], ("premium", "gold")),
        (("b", "a", "b"), ("b", "a")),
        ("premium", ("premium",)),
        (iter(["a", "b"]), ("a", "b")),
        ({"b", "a", "c"}, ("a", "b", "c")),
        (frozenset({"b", "a"}), ("a", "b")),
        (["x" * 64, "Über uns"], ("x" * 64, "Über uns")),
    ],
)
def test_names_are_kept_in_their_order(field: str, names: Any, kept: tuple[str, ...]) -> None:
    """Each once; and those that came without an order in one that is the same in every process."""
    names = copy.copy(names)
    assert getattr(a_policy(**{field: names}), field) == kept


@pytest.mark.parametrize("field", ["offer_segments", "other_channels"])
@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ("", ""),
        ([""], ""),
        ([" "], " "),
        (["x" * 65], "x" * 65),
        (["a\n"], "a\n"),
        (["\ud800"], "\ud800"),
        (["a", 7], 7),
        (["a", None], None),
        ({"a": 1}, {"a": 1}),
        (b"", b""),
        ([["a"]], [["a"]]),
        ({"a", 7}, {"a", 7}),
        (None, None),
        (7, 7),
        (True, True),
    ],
)
def test_what_are_no_names_is_refused(field: str, names: Any, shown: Any) -> None:
    """By the field's name, whatever it is: empty, blank, unprintable, no text, or no list."""
    assert str(refused(**{field: names})) == f"{field} is {shown!r}; allowed: texts of 1 to 64 characters"


def test_a_menu_is_read_in_lower_case() -> None:
    """Blanks around a word do not matter, nor how it is written."""
    keys = Keys({" 1 ": Choice.STAY, "Call  Me": Choice.CALLBACK_NOW, "CALL ME": Choice.CALLBACK_NOW})
    assert dict(keys) == {"1": Choice.STAY, "call me": Choice.CALLBACK_NOW}
    assert len(keys) == 2
    assert repr(keys).startswith("Keys({")
    assert a_policy(keys={"1": Choice.STAY}) == a_policy(keys=Keys({" 1": Choice.STAY}))
    assert a_policy(keys={}).keys == {}


def test_the_presets_are_those_of_the_documents() -> None:
    """Key 3 asks and the star declines; in the handbook 1 holds, 2 calls back, 3 schedules."""
    assert {said: choice.value for said, choice in KEYS_DEFAULT.items()} == {"3": "callback_now", "*": "stay"}
    assert {said: choice.value for said, choice in KEYS_S2.items()} == {
        "1": "stay",
        "*": "stay",
        "hold": "stay",
        "2": "callback_now",
        "callback": "callback_now",
        "3": "schedule",
        "schedule": "schedule",
    }


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({3: Choice.STAY}, "keys is 3; allowed: keys and words, texts of 1 to 64 characters"),
        ({None: Choice.STAY}, "keys is None; allowed: keys and words"),
        ({b"3": Choice.STAY}, "keys is b'3'; allowed: keys and words"),
        ({"": Choice.STAY}, "keys is ''; allowed: keys and words"),
        ({"  ": Choice.STAY}, "keys is '  '; allowed: keys and words"),
        ({"x" * 65: Choice.STAY}, "allowed: keys and words"),
        ({"3\n": Choice.STAY}, "allowed: keys and words"),
        ({"3": "stay"}, "keys['3'] is 'stay'; allowed: a member of Choice"),
        ({"3": None}, "keys['3'] is None; allowed: a member of Choice"),
        (
            {"A": Choice.STAY, " a": Choice.CALLBACK_NOW},
            "keys[' a'] is <Choice.CALLBACK_NOW: 'callback_now'>; allowed: one meaning for each key or word",
        ),
    ],
)
def test_a_menu_that_means_nothing_or_two_things_is_refused(keys: Any, said: str) -> None:
    """Given as a mapping, or made by itself."""
    assert said in str(refused(keys=keys))
    with pytest.raises(ConfigurationError):
        Keys(keys)


@pytest.mark.parametrize("keys", [[("3", Choice.STAY)], "3", None, 7])
def test_what_is_no_menu_is_refused(keys: Any) -> None:
    """It is a mapping."""
    assert str(refused(keys=keys)) == f"keys is {keys!r}; allowed: Choice by key or word"


@pytest.mark.parametrize("queue", ["a", "support", "Support_2.eu-west", "0", "x" * 64])
def test_a_queue_has_a_plain_name(queue: str) -> None:
    """Letters, digits and three signs; 1 to 64."""
    assert a_policy(queue=queue).queue == queue


@pytest.mark.parametrize(
    "queue",
    [
        "",
        "x" * 65,
        "-a",
        ".a",
        "_a",
        "a b",
        "a/b",
        "a\n",
        "süd",
        "a'; --",
        "\ud800",
        "٣",
        None,
        7,
        b"support",
        ["a"],
    ],
)
def test_a_queue_without_a_plain_name_is_refused(queue: Any) -> None:
    """What would be read differently in a path, a metric or a query; and what is no text."""
    error = refused(queue=queue)
    assert str(error) == f"queue is {queue!r}; allowed: 1 to 64 letters, digits, '_', '.', '-'"


@pytest.mark.parametrize("region", ["us", "USA", "U", "", "U1", " US", "ÜS", None, 1, b"US", ["US"]])
def test_a_region_is_two_capital_letters(region: Any) -> None:
    """As telephone numbers are read by it."""
    error = refused(default_region=region)
    assert str(error) == f"default_region is {region!r}; allowed: two capital letters, such as 'US'"


@pytest.mark.parametrize("region", ["XX", "EU", "UK"])
def test_a_region_without_numbers_is_refused(region: str) -> None:
    """It would make every national number unreadable, and nobody would know why."""
    with pytest.raises(ConfigurationError, match="default_region"):
        QueuePolicy(queue="support", default_region=region)


@pytest.mark.parametrize("field", SWITCHES)
def test_a_switch_is_on_or_off(field: str) -> None:
    """Nothing that is only true or false when asked: "no" would be yes."""
    for value in (True, False):
        assert getattr(a_policy(**{field: value}), field) is value
    nonsense: list[Any] = [0, 1, "no", None, "", [], 1.0]
    for value in nonsense:
        assert str(refused(**{field: value})) == f"{field} is {value!r}; allowed: a member of bool"


@pytest.mark.parametrize("field", TEXTS)
def test_a_text_for_the_telephony_at_its_bounds(field: str) -> None:
    """1 to 64 characters that can be shown; or none."""
    for value in (None, "x", "x" * 64, "+12125550100", "Über uns"):
        assert getattr(a_policy(**{field: value}), field) == value
    nonsense: list[Any] = ["", " ", "x" * 65, "a\n", "\ud800", "\x00", 7, b"x", True, ["x"], {"x": 1}]
    for value in nonsense:
        error = refused(**{field: value})
        assert str(error) == f"{field} is {value!r}; allowed: None, or a text of 1 to 64 characters"


def test_the_language_of_the_house_at_its_bounds() -> None:
    """As the texts for the telephony are; but there is always one."""
    for language in ("en", "fr-CA", "x" * 64):
        assert a_policy(language=language).language == language
    nonsense: list[Any] = [None, "", " ", "x" * 65, "a\n", "\ud800", "\x00", 7, b"en", True, ["en"]]
    for value in nonsense:
        error = refused(language=value)
        assert str(error) == f"language is {value!r}; allowed: a text of 1 to 64 characters"


@pytest.mark.parametrize(("field", "kind"), MEMBERS)
def test_what_is_chosen_is_a_member(field: str, kind: Any) -> None:
    """Every member of the enum will do, and nothing like them: not even its text."""
    for member in kind:
        assert getattr(a_policy(**{field: member}), field) is member
    other = Duplicates.ALLOW if kind is Mode else Mode.AGENT_FIRST
    nonsense: list[Any] = [*(member.value for member in kind), None, True, 0, other]
    for value in nonsense:
        error = refused(**{field: value})
        assert str(error) == f"{field} is {value!r}; allowed: a member of {kind.__name__}"


# ---------------------------------------------------------------------------- retry rules


@pytest.mark.parametrize(("retries_max", "rest"), [(0, 0 * S), (100, 30 * D), (1, 2 * M)])
def test_a_retry_rule_at_its_bounds(retries_max: int, rest: timedelta) -> None:
    """Never to a hundred times, at once to 30 days later."""
    for place in PlaceAfter:
        rule = RetryRule(retries_max=retries_max, rest=rest, place=place)
        assert (rule.retries_max, rule.rest, rule.place) == (retries_max, rest, place)
    assert RetryRule().place is PlaceAfter.KEEP


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"retries_max": -1}, "RetryRule.retries_max is -1; allowed: a whole number, 0 to 100"),
        ({"retries_max": 101}, "RetryRule.retries_max is 101; allowed: a whole number, 0 to 100"),
        ({"retries_max": True}, "RetryRule.retries_max is True; allowed: a whole number, 0 to 100"),
        ({"rest": -US}, "RetryRule.rest is -1 day, 23:59:59.999999; allowed: 0:00:00 to 30 days, 0:00:00"),
        (
            {"rest": 30 * D + US},
            "RetryRule.rest is 30 days, 0:00:00.000001; allowed: 0:00:00 to 30 days, 0:00:00",
        ),
        ({"rest": 120}, "RetryRule.rest is 120; allowed: a timedelta, 0:00:00 to 30 days, 0:00:00"),
        ({"place": "front"}, "RetryRule.place is 'front'; allowed: a member of PlaceAfter"),
        ({"place": None}, "RetryRule.place is None; allowed: a member of PlaceAfter"),
        ({"rest": None}, "RetryRule.rest is None; allowed: a timedelta, 0:00:00 to 30 days, 0:00:00"),
        ({"rest": SteppedRest}, f"RetryRule.rest is {SteppedRest!r}; allowed: a timedelta"),
        ({"jitter_ratio": -0.01}, "RetryRule.jitter_ratio is -0.01; allowed: a number, 0 to 1"),
        ({"jitter_ratio": 1.01}, "RetryRule.jitter_ratio is 1.01; allowed: a number, 0 to 1"),
        ({"jitter_ratio": 20}, "RetryRule.jitter_ratio is 20; allowed: a number, 0 to 1"),
        ({"jitter_ratio": float("nan")}, "RetryRule.jitter_ratio is nan; allowed: a number, 0 to 1"),
        ({"jitter_ratio": True}, "RetryRule.jitter_ratio is True; allowed: a number, 0 to 1"),
        ({"jitter_ratio": "0.5"}, "RetryRule.jitter_ratio is '0.5'; allowed: a number, 0 to 1"),
        ({"jitter_ratio": None}, "RetryRule.jitter_ratio is None; allowed: a number, 0 to 1"),
        ({"number": "next"}, "RetryRule.number is 'next'; allowed: a member of NumberChoice"),
        ({"number": 1}, "RetryRule.number is 1; allowed: a member of NumberChoice"),
        ({"voicemail": "prompt"}, "RetryRule.voicemail is 'prompt'; allowed: a member of Voicemail"),
        ({"voicemail": True}, "RetryRule.voicemail is True; allowed: a member of Voicemail"),
        ({"notice": "missed"}, "RetryRule.notice is 'missed'; allowed: a member of NoticeKind"),
        ({"last_notice": False}, "RetryRule.last_notice is False; allowed: a member of NoticeKind"),
        (
            {"follow_up_within": M - US},
            "RetryRule.follow_up_within is 0:00:59.999999; allowed: 0:01:00 to 30 days, 0:00:00",
        ),
        (
            {"follow_up_within": 30 * D + US},
            "RetryRule.follow_up_within is 30 days, 0:00:00.000001; allowed: 0:01:00 to 30 days, 0:00:00",
        ),
        (
            {"follow_up_within": 24},
            "RetryRule.follow_up_within is 24; allowed: a timedelta, 0:01:00 to 30 days, 0:00:00",
        ),
    ],
)
def test_a_retry_rule_out_of_bounds_is_refused(changes: dict[str, Any], said: str) -> None:
    """Named, with what is allowed."""
    with pytest.raises(ConfigurationError) as caught:
        RetryRule(**changes)
    assert str(caught.value).startswith(said)


TO_CUSTOMER = {
    NoticeKind.MISSED,
    NoticeKind.UNREACHED,
    NoticeKind.OTHER_TIME,
    NoticeKind.NO_SHOWS,
    NoticeKind.NO_AGENT,
    NoticeKind.SURVEY,
}


@pytest.mark.parametrize("field", ["notice", "last_notice"])
@pytest.mark.parametrize("kind", NoticeKind)
def test_a_rule_tells_the_customer_what_is_for_the_customer(field: str, kind: NoticeKind) -> None:
    """G6: notes, follow-ups and flags follow by themselves; a rule that names one would give it twice."""
    if kind in TO_CUSTOMER:
        assert getattr(RetryRule(**{field: kind}), field) is kind  # type: ignore[arg-type]
        return
    with pytest.raises(ConfigurationError) as caught:
        RetryRule(**{field: kind})  # type: ignore[arg-type]
    assert str(caught.value) == f"RetryRule.{field} is {kind!r}; allowed: what is for the customer"


def test_what_a_rule_is_unless_it_says_otherwise() -> None:
    """S2: no retry, the same number, the place kept; a message at the end, and a follow-up within a day."""
    assert attrs.asdict(RetryRule()) == {
        "retries_max": 0,
        "rest": 0 * S,
        "jitter_ratio": 0.0,
        "number": NumberChoice.SAME,
        "place": PlaceAfter.KEEP,
        "voicemail": Voicemail.NOTHING,
        "notice": None,
        "last_notice": NoticeKind.UNREACHED,
        "follow_up_within": 24 * H,
    }
    assert RetryRule(last_notice=None, follow_up_within=None).follow_up_within is None
    for within in (M, 30 * D):
        assert RetryRule(follow_up_within=within).follow_up_within == within
    for ratio in (0, 1, 0.5, 5e-324):
        assert RetryRule(jitter_ratio=ratio).jitter_ratio == ratio


# ---------------------------------------------------------------------------- kinds of rest


@pytest.mark.parametrize(
    ("rest", "shortest"),
    [
        (2 * M, 2 * M),
        (SteppedRest(rests=(2 * M, 10 * M)), 2 * M),
        (SteppedRest(rests=(10 * M, 0 * M, 2 * M)), 0 * M),
        (SteppedRest(rests=(30 * D,)), 30 * D),
        (ExponentialRest(first=S), S),
        (ExponentialRest(first=30 * D, factor=100, rest_max=30 * D), 30 * D),
        (ExponentialRest(first=M, factor=1.0, rest_max=M), M),
        (NextBusinessDay(), 0 * S),
        (NextBusinessDay(at=time(23, 59, 59, 999_999), zone="Europe/Berlin", weekdays=(6,)), 0 * S),
    ],
)
def test_the_shortest_that_a_rest_can_be(rest: Any, shortest: timedelta) -> None:
    """G3: what the other settings are held against."""
    assert RetryRule(rest=rest).shortest_rest == shortest


def test_rests_that_change_later_do_not_change_a_rule() -> None:
    """G3: the host's own list is copied, and a rule of every kind can be hashed and compared."""
    rests = [M, H]
    rest = SteppedRest(rests=rests)  # type: ignore[arg-type]
    rests[0] = -M
    assert rest == SteppedRest(rests=(M, H))
    for one in (rest, ExponentialRest(first=M), NextBusinessDay()):
        assert len({RetryRule(rest=one), RetryRule(rest=copy.deepcopy(one))}) == 1


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        (SteppedRest, {"rests": ()}, "SteppedRest.rests is (); allowed: a list of at least one timedelta"),
        (SteppedRest, {"rests": []}, "SteppedRest.rests is []; allowed: a list"),
        (SteppedRest, {"rests": None}, "SteppedRest.rests is None; allowed: a list"),
        (SteppedRest, {"rests": M}, "SteppedRest.rests is datetime.timedelta(seconds=60); allowed: a list"),
        (SteppedRest, {"rests": 5}, "SteppedRest.rests is 5; allowed: a list"),
        (SteppedRest, {"rests": "2m"}, "SteppedRest.rests is '2m'; allowed: a list"),
        (SteppedRest, {"rests": {M: H}}, "SteppedRest.rests is {"),
        (SteppedRest, {"rests": {M}}, "SteppedRest.rests is {"),
        (
            SteppedRest,
            {"rests": (M, -US)},
            "SteppedRest.rests is -1 day, 23:59:59.999999; allowed: 0:00:00 to",
        ),
        (SteppedRest, {"rests": (30 * D + US,)}, "SteppedRest.rests is 30 days, 0:00:00.000001; allowed: "),
        (
            SteppedRest,
            {"rests": (M, 120)},
            "SteppedRest.rests is 120; allowed: a timedelta, 0:00:00 to 30 days",
        ),
        (SteppedRest, {"rests": (M, None)}, "SteppedRest.rests is None; allowed: a timedelta"),
        (ExponentialRest, {"first": 0 * S}, "ExponentialRest.first is 0:00:00; allowed: 0:00:01 to 30 days"),
        (
            ExponentialRest,
            {"first": 31 * D},
            "ExponentialRest.first is 31 days, 0:00:00; allowed: 0:00:01 to",
        ),
        (ExponentialRest, {"first": 60}, "ExponentialRest.first is 60; allowed: a timedelta"),
        *(
            (
                ExponentialRest,
                {"first": M, "factor": factor},
                f"ExponentialRest.factor is {factor!r}; allowed: a number, 1 to 100",
            )
            for factor in (0, 0.99, -2, 100.01, float("nan"), float("inf"), True, "2", None, [2], 1j)
        ),
        (
            ExponentialRest,
            {"first": M, "rest_max": S},
            "ExponentialRest.rest_max is 0:00:01; allowed: 0:01:00 to 30 days, 0:00:00",
        ),
        (
            ExponentialRest,
            {"first": M, "rest_max": 30 * D + US},
            "ExponentialRest.rest_max is 30 days, 0:00:00.000001; allowed: 0:01:00 to",
        ),
        # The longest rest is a day, unless it is said to be more.
        (ExponentialRest, {"first": 2 * D}, "ExponentialRest.rest_max is 1 day, 0:00:00; allowed: 2 days"),
        *(
            (NextBusinessDay, {"at": at}, f"NextBusinessDay.at is {at!r}; allowed: a time without a zone")
            for at in (time(9, tzinfo=UTC), datetime(2026, 1, 5, 9, tzinfo=UTC), "09:00", 9, None, 9 * H)
        ),
        *(
            (
                NextBusinessDay,
                {"zone": zone},
                f"NextBusinessDay.zone is {zone!r}; allowed: an IANA key, such as 'Europe/Berlin'",
            )
            for zone in (
                "Europe/Atlantis",
                "Europe",
                "",
                "/etc/passwd",
                "../UTC",
                "a\0b",
                "\ud800",
                "CET+1",
                None,
                7,
                b"UTC",
                ["UTC"],
                UTC,
            )
        ),
        *(
            (
                NextBusinessDay,
                {"weekdays": days},
                f"NextBusinessDay.weekdays is {days!r}; allowed: a tuple of days, 0 (Monday) to 6",
            )
            for days in ((), [0, 1], {0}, "01", 0, None, range(5))
        ),
        *(
            (
                NextBusinessDay,
                {"weekdays": (0, day)},
                f"NextBusinessDay.weekdays is {day!r}; allowed: a whole number, 0 to 6",
            )
            for day in (-1, 7, 1.0, True, "1", None)
        ),
    ],
)
def test_what_is_no_rest_is_refused(kind: Any, changes: dict[str, Any], said: str) -> None:
    """G3: by its field and value, with what is allowed; and by no other error."""
    with pytest.raises(ConfigurationError) as caught:
        kind(**changes)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("rest", "shown"),
    [
        (SteppedRest(rests=(25 * H, 24 * H)), "1 day, 0:00:00"),
        (ExponentialRest(first=24 * H), "1 day, 0:00:00"),
        (ExponentialRest(first=25 * H, rest_max=30 * D), "1 day, 1:00:00"),
    ],
)
def test_the_shortest_rest_must_end_before_the_promise(rest: Any, shown: str) -> None:
    """G3: of any kind: a callback that would only rest is not tried again."""
    error = refused(retry_rules={Disposition.BUSY: RetryRule(retries_max=1, rest=rest)})
    assert (
        str(error) == f"retry_rules[busy].rest is {shown}; allowed: less than callback_life, 1 day, 0:00:00"
    )
    assert a_policy(callback_life=30 * D, retry_rules={Disposition.BUSY: RetryRule(rest=rest)})


@pytest.mark.parametrize(
    "rest",
    [
        NextBusinessDay(),
        SteppedRest(rests=(H, 85 * S)),
        ExponentialRest(first=S, factor=100, rest_max=D),
    ],
)
def test_after_doubt_every_rest_outlives_the_ringing(rest: Any) -> None:
    """Of any kind: also from just before midnight to the next day of work at midnight."""
    error = refused(retry_rules={Disposition.UNKNOWN: RetryRule(retries_max=1, rest=rest)})
    assert error.field == "retry_rules[unknown].rest"
    assert "0:01:25: the phone may still be ringing" in error.allowed


# ---------------------------------------------------------------------------- presets


def test_the_preset_is_that_of_the_support_document() -> None:
    """No answer again after 2 minutes, busy after 3, unreachable after 5: once each."""
    assert {disposition.value: shown(rule) for disposition, rule in RETRY_S2.items()} == {
        "no_answer": (1, 2 * M, "same", "nothing"),
        "busy": (1, 3 * M, "same", "nothing"),
        "machine": (0, 0 * M, "same", "prompt"),
        "unreachable": (1, 5 * M, "same", "nothing"),
        "congested": (1, 5 * M, "same", "nothing"),
        "network_failure": (1, 5 * M, "same", "nothing"),
        "unknown": (1, 5 * M, "same", "nothing"),
        "answered_then_left": (1, 2 * M, "same", "nothing"),
        **OURS,
    }
    assert (RETRIES_S2.attempts_max, RETRIES_S2.rules) == (2, RETRY_S2)
    assert QueuePolicy(queue=SUPPORT) == with_preset("s2")


OURS = {
    "agent_unavailable": (1, 0 * M, "same", "nothing"),
    "declined_by_customer": (1, 15 * M, "same", "nothing"),
    "wrong_person": (1, 0 * M, "other", "nothing"),
    "invalid_number": (1, 0 * M, "other", "nothing"),
}


def shown(rule: RetryRule) -> tuple[int, Any, str, str]:
    """Return what differs between the rules of the presets; the rest is as in a rule that says nothing."""
    plain = RetryRule(
        retries_max=rule.retries_max,
        rest=rule.rest,
        number=rule.number,
        voicemail=rule.voicemail,
        last_notice=rule.last_notice,
    )
    assert rule == plain
    return rule.retries_max, rule.rest, rule.number.value, rule.voicemail.value


def with_preset(name: str) -> QueuePolicy:
    settings: Any = RETRY_PRESETS[name].settings()
    return QueuePolicy(queue=SUPPORT, **settings)


@pytest.mark.parametrize(("name", "preset"), [("genesys", RETRIES_GENESYS), ("mindful", RETRIES_MINDFUL)])
def test_the_presets_of_the_products(name: str, preset: RetryPreset) -> None:
    """G2: three dials in all, 300 s apart, whatever became of them; our own doings as everywhere."""
    again = ["no_answer", "busy", "machine", "unreachable", "congested", "network_failure"]
    again += ["answered_then_left", "unknown"]
    assert {disposition.value: shown(rule) for disposition, rule in preset.rules.items()} == {
        **OURS,
        **dict.fromkeys(again, (2, 300 * S, "same", "nothing")),
    }
    policy = with_preset(name)
    assert (policy.attempts_max, policy.retry_rules) == (3, preset.rules)
    assert RETRY_PRESETS[name] is preset
    assert set(RETRY_PRESETS) == {"s2", "genesys", "mindful"}


@pytest.mark.parametrize("name", RETRY_PRESETS)
def test_whom_we_failed_is_told_so(name: str) -> None:
    """Whose phone rang for an agent who went away was not unreached: nobody could take the call."""
    rules = RETRY_PRESETS[name].rules
    ours = {Disposition.AGENT_UNAVAILABLE: NoticeKind.NO_AGENT}
    assert {disposition: rule.last_notice for disposition, rule in rules.items()} == {
        **dict.fromkeys(rules, NoticeKind.UNREACHED),
        **ours,
    }


@pytest.mark.parametrize("disposition", [Disposition.CONNECTED, Disposition.CANCELLED_BY_US])
def test_what_always_ends_has_no_rule(disposition: Disposition) -> None:
    """A conversation is not tried again, and neither is what was cancelled."""
    error = refused(retry_rules={disposition: RetryRule()})
    assert (error.field, error.value) == (f"retry_rules[{disposition.value}]", RetryRule())
    assert error.allowed == "no rule: nothing is tried again because of it"


@pytest.mark.parametrize(
    "rules",
    [
        {"no_anwser": RetryRule()},
        {"no_answer": RetryRule()},
        {None: RetryRule()},
        {7: RetryRule()},
        {Disposition.BUSY: None},
        {Disposition.BUSY: (1, 3 * M)},
        {Disposition.BUSY: 3 * M},
        [(Disposition.BUSY, RetryRule())],
        "busy",
        None,
        7,
    ],
)
def test_what_are_no_retry_rules_is_refused(rules: Any) -> None:
    """A misspelt disposition would never be found again; a rule that is none would fail at the first busy line."""
    error = refused(retry_rules=rules)
    assert error.field == (f"retry_rules[{next(iter(rules))}]" if isinstance(rules, dict) else "retry_rules")
    assert error.allowed == "RetryRule by Disposition"


@pytest.mark.parametrize("rest", [24 * H, 24 * H + US])
def test_a_rest_must_end_before_the_promise(rest: timedelta) -> None:
    """A callback that would only rest until it expires is not tried again."""
    error = refused(retry_rules={Disposition.BUSY: RetryRule(retries_max=1, rest=rest)})
    assert str(error) == f"retry_rules[busy].rest is {rest}; allowed: less than callback_life, 1 day, 0:00:00"
    shorter = RetryRule(retries_max=1, rest=24 * H - US)
    assert a_policy(retry_rules={Disposition.BUSY: shorter}).retry_rules[Disposition.BUSY] == shorter


def test_a_short_life_contradicts_the_preset() -> None:
    """Fifteen minutes until "call me later" do not fit into a life of fifteen minutes."""
    with pytest.raises(ConfigurationError, match=r"less than callback_life, 0:15:00"):
        QueuePolicy(queue=SUPPORT, callback_life=15 * M)
    assert QueuePolicy(queue=SUPPORT, callback_life=15 * M + US)


TIMES = {"ring_time": 60 * S, "customer_hold_max": 20 * S, "hang_up_time_max": 10 * S}


def test_after_doubt_the_rest_outlives_the_ringing() -> None:
    """Else the phone might still ring from the attempt of which nothing is known."""
    enough = RetryRule(retries_max=1, rest=90 * S + US)
    assert a_policy(**TIMES, retry_rules={Disposition.UNKNOWN: enough})
    error = refused(**TIMES, retry_rules={Disposition.UNKNOWN: RetryRule(retries_max=1, rest=90 * S)})
    assert str(error) == (
        "retry_rules[unknown].rest is 0:01:30; allowed: more than ring_time + customer_hold_max + hang_up_time_max, "
        "0:01:30: the phone may still be ringing"
    )


def test_without_a_retry_after_doubt_no_rest_is_needed() -> None:
    """What is not tried again need not rest; and other dispositions are not in doubt."""
    rules = {Disposition.UNKNOWN: RetryRule(), Disposition.BUSY: RetryRule(retries_max=1, rest=S)}
    assert a_policy(**TIMES, retry_rules=rules).retry_rules == rules


# ---------------------------------------------------------------------------- keys and prompts of the callback


def test_keys_that_confirm() -> None:
    """1 connects, 2 is later, 3 is never; a host may have its own, and need not have all."""
    default = {"1": Confirmation.ACCEPTED, "2": Confirmation.LATER, "3": Confirmation.CANCEL}
    assert default == CONFIRM_KEYS
    for keys in ({"5": Confirmation.ACCEPTED}, {"#": Confirmation.ACCEPTED, "12": Confirmation.CANCEL}):
        assert a_policy(confirm_keys=keys).confirm_keys == keys


ACCEPTED = Confirmation.ACCEPTED


@pytest.mark.parametrize(
    ("keys", "field", "allowed"),
    [
        (None, "confirm_keys", "Confirmation by key"),
        ("1", "confirm_keys", "Confirmation by key"),
        ([("1", ACCEPTED)], "confirm_keys", "Confirmation by key"),
        ({}, "confirm_keys", "a key that accepts, among them"),
        ({"2": Confirmation.LATER}, "confirm_keys", "a key that accepts, among them"),
        ({"1": "accepted"}, "confirm_keys['1']", "a member of Confirmation"),
        ({"1": None}, "confirm_keys['1']", "a member of Confirmation"),
        ({"1": Confirmation.SILENT}, "confirm_keys['1']", "a key, and what it means"),
        ({1: ACCEPTED}, "confirm_keys[1]", "a key, and what it means"),
        ({"": ACCEPTED}, "confirm_keys['']", "a key, and what it means"),
        ({" ": ACCEPTED}, "confirm_keys[' ']", "a key, and what it means"),
        ({None: ACCEPTED}, "confirm_keys[None]", "a key, and what it means"),
        ({"1" * 65: ACCEPTED}, f"confirm_keys['{'1' * 65}']", "a key, and what it means"),
        # What is pressed is read without blanks: such a key could never be pressed, and nobody be connected.
        ({" 1": ACCEPTED}, "confirm_keys[' 1']", "a key, and what it means"),
        ({"1 ": ACCEPTED}, "confirm_keys['1 ']", "a key, and what it means"),
        ({"1\n": ACCEPTED}, "confirm_keys['1\\n']", "a key, and what it means"),
    ],
)
def test_keys_with_which_nobody_could_be_connected_are_refused(keys: Any, field: str, allowed: str) -> None:
    """By the key, with what is allowed."""
    error = refused(confirm_keys=keys)
    assert (error.field, error.allowed) == (field, allowed)


WORDS = "Guten Tag, hier ist {company}."


@pytest.mark.parametrize(
    "prompts",
    [
        {},
        {"de": {}},
        {"de": {Prompt.VOICEMAIL: "{agent} von {company}: bitte {number} anrufen, {name}."}},
        {"de": {Prompt.PLEASE_HOLD: WORDS}, "fr-CA": {Prompt.PLEASE_HOLD: "x" * 1_000}},
        {"en": {Prompt.CALL_LATER: "100 % {{sure}}"}},
    ],
)
def test_a_host_has_its_own_words(prompts: Any) -> None:
    """By language and prompt; as copies that nobody can change."""
    policy = a_policy(prompts=prompts)
    assert policy.prompts == prompts
    assert hash(policy) == hash(a_policy(prompts=copy.deepcopy(prompts)))


@pytest.mark.parametrize(
    ("prompts", "field"),
    [
        (None, "prompts"),
        ("Hello", "prompts"),
        ([("en", {})], "prompts"),
        ({7: {}}, "prompts"),
        ({"": {}}, "prompts"),
        ({"en": WORDS}, "prompts"),
        ({"en": None}, "prompts"),
        ({"en": {"voicemail": WORDS}}, "prompts['en'][voicemail]"),
        ({"en": {None: WORDS}}, "prompts['en'][None]"),
        *(
            ({"en": {Prompt.VOICEMAIL: text}}, "prompts['en'][voicemail]")
            for text in (
                None,
                7,
                b"Hello",
                "",
                "  ",
                "{agent}",
                "x" * 1_001,
                "Hello {",
                "Hello }",
                "Hello {}",
                "Hello {0}",
                "Hello {customer}",
                "Hello {name.__class__}",
                "Hello {name[0]}",
                "Hello {name!r}",
                "Hello {name:d}",
                "Hello {name:>9999999999}",
                "Hello {name:{number}}",
            )
        ),
    ],
)
def test_words_that_could_not_be_spoken_are_refused(prompts: Any, field: str) -> None:
    """When the policy is built, not when the first machine answers; and nothing is filled in but the four."""
    error = refused(prompts=prompts)
    assert error.field == field
    assert error.allowed.startswith("by language and Prompt: a text of 1 to 1,000 characters, with {company}")


# ---------------------------------------------------------------------------- frozen


def test_a_policy_is_frozen() -> None:
    """It is checked when it is built, and never fails later: so it never changes."""
    policy = QueuePolicy(queue=SUPPORT)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        policy.ring_time = S  # type: ignore[misc]
    with pytest.raises(TypeError):
        policy.retry_rules[Disposition.BUSY] = RetryRule()  # type: ignore[index]
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        RetryRule().rest = S  # type: ignore[misc]


def test_rules_that_change_later_do_not_change_a_policy() -> None:
    """The host's own dictionary is copied: an unchecked rule cannot get in by it."""
    rules = {Disposition.BUSY: RetryRule(retries_max=1, rest=3 * M)}
    policy = a_policy(retry_rules=rules)
    rules[Disposition.CONNECTED] = RetryRule(retries_max=100)
    assert policy.retry_rules == {Disposition.BUSY: RetryRule(retries_max=1, rest=3 * M)}
    with pytest.raises(TypeError):
        policy.retry_rules[Disposition.BUSY] = RetryRule()  # type: ignore[index]


def test_a_changed_policy_is_a_new_one_and_is_checked_again() -> None:
    """`attrs.evolve` goes through the same checks."""
    policy = QueuePolicy(queue=SUPPORT)
    assert attrs.evolve(policy, ring_time=30 * S).ring_time == 30 * S
    assert policy.ring_time == 45 * S
    with pytest.raises(ConfigurationError):
        attrs.evolve(policy, ring_time=S)


def test_equal_settings_are_equal_policies() -> None:
    """However the rules were written down."""
    assert QueuePolicy(queue=SUPPORT) == QueuePolicy(queue=SUPPORT, retry_rules=dict(RETRY_S2))
    assert QueuePolicy(queue=SUPPORT) != QueuePolicy(queue=SUPPORT, attempts_max=3)
    assert STRICT_CREDIT == 366 * D


def test_a_policy_can_be_hashed_and_handed_to_another_process() -> None:
    """Equal settings have one hash, and come back equal from a pickle."""
    policy = QueuePolicy(queue="support", retry_rules={Disposition.BUSY: RetryRule(retries_max=2)})
    copied = pickle.loads(pickle.dumps(policy))
    assert copied == policy
    assert hash(copied) == hash(policy) != hash(QueuePolicy(queue="support"))
    assert repr(policy.retry_rules).startswith("RetryRules({")
    with pytest.raises(TypeError):
        policy.retry_rules[Disposition.FAX] = RetryRule()  # type: ignore[index]


FULL = {
    "numbers": NumberPolicy(blocked=["+1900"], cost_day_max=100, types_refused={NumberType.PAGER}),
    "calling": CallingPolicy(asked_life=H),
    "limits": RequestLimits(per_number=Limit(6, D)),
    "keypad": KeypadPolicy(tries_max=2),
    "verify": Verify(channels={Channel.WEB, Channel.MESSAGE}),
    "retry_rules": {
        Disposition.BUSY: RetryRule(retries_max=2, place=PlaceAfter.FRONT, jitter_ratio=0.5),
        Disposition.NO_ANSWER: RetryRule(
            retries_max=9, rest=SteppedRest(rests=(M, H)), notice=NoticeKind.MISSED, number=NumberChoice.NEXT
        ),
        Disposition.UNREACHABLE: RetryRule(retries_max=9, rest=ExponentialRest(first=M, factor=1.5)),
        Disposition.MACHINE: RetryRule(
            rest=NextBusinessDay(at=time(8, 30), zone="Europe/Berlin"), voicemail=Voicemail.AGENT
        ),
        Disposition.FAX: RetryRule(last_notice=None, follow_up_within=None),
    },
    "hours": WeekHours(zone="Europe/Berlin", week=weekdays(Span(time(9), time(17)))),
    "slots": SlotPolicy(seats=FixedSeats(seats=3), kept_seats=1, show_ratio=0.9),
    "caps": Caps(attempts_per_number_max=3, number_period=H),
    "mode": Mode.SIMULTANEOUS,
    "messages": Messages(languages={"en": Catalogue(language="en", texts={"cancelled": "It is off."})}),
    "called_in": CalledIn.TELL,
    "all_declined": AllDeclined.END,
    "confirm": Confirm.UNLESS_HUMAN,
    "confirm_keys": {"9": Confirmation.ACCEPTED},
    "ring_on_max": 18 * S,
    "detect": True,
    "record": True,
    "survey": True,
    "caller_id": "+12125550100",
    "company": "Example",
    "language": "de",
    "prompts": {"de": {Prompt.VOICEMAIL: "Hallo"}},
    "keys": {"9": Choice.SCHEDULE},
    "offer_segments": ["premium", "gold"],
    "other_channels": {"chat", "mail"},
    "offer_load_min": 2.5,
    "offer_ratio": 0.25,
    "place_from": PlaceFrom.REQUESTED,
    "response_window": None,
}


def test_every_kind_of_field_can_be_hashed_copied_and_pickled() -> None:
    """Also in the oldest way of pickling that keeps all of it; the copy is as frozen as the policy."""
    policy = QueuePolicy(queue="support", **FULL)  # type: ignore[arg-type]
    copies = [copy.copy(policy), copy.deepcopy(policy), attrs.evolve(policy)]
    copies += [pickle.loads(pickle.dumps(policy, number)) for number in range(2, pickle.HIGHEST_PROTOCOL + 1)]
    for copied in copies:
        assert copied == policy
        assert hash(copied) == hash(policy)
        assert repr(copied) == repr(policy)
        with pytest.raises(TypeError):
            copied.keys["8"] = Choice.STAY
        with pytest.raises(TypeError):
            copied.confirm_keys["8"] = Confirmation.ACCEPTED
        with pytest.raises(TypeError):
            copied.prompts["de"][Prompt.VOICEMAIL] = "Hello"


def test_what_can_be_hashed_has_every_field_set() -> None:
    """Else the test above would say less than it seems to: what is not set there is a number, a duration or a text."""
    plain = (int, float, timedelta, str)
    assert [
        name for name, value in DEFAULTS.items() if name not in FULL and not isinstance(value, plain)
    ] == [
        "offer_position_min",
        "abandoned_wait_min",
        "dial_prefix",
        "route",
        "company_number",
    ]


def test_what_a_host_changes_later_does_not_change_a_policy() -> None:
    """Its own dictionary, list and set were copied."""
    keys, segments, channels = {"9": Choice.SCHEDULE}, ["premium"], {"chat"}
    confirm, prompts = {"1": Confirmation.ACCEPTED}, {"de": {Prompt.VOICEMAIL: "Hallo"}}
    policy = a_policy(
        keys=keys,
        offer_segments=segments,
        other_channels=channels,
        confirm_keys=confirm,
        prompts=prompts,
    )
    before = hash(policy)
    keys["9"], keys["8"] = Choice.STAY, Choice.STAY
    segments.append("gold")
    channels.clear()
    confirm.clear()
    prompts["de"].clear()
    assert (policy.confirm_keys, policy.prompts) == (
        {"1": Confirmation.ACCEPTED},
        {"de": {Prompt.VOICEMAIL: "Hallo"}},
    )
    assert (policy.keys, policy.offer_segments, policy.other_channels) == (
        {"9": Choice.SCHEDULE},
        ("premium",),
        ("chat",),
    )
    assert hash(policy) == before


@pytest.mark.parametrize("field", [name for name in DEFAULTS if name != "queue"])
@pytest.mark.parametrize("value", [object(), [[]], {1: 2}, float("nan"), -1, "\x00", b"", lambda: None])
def test_nonsense_is_refused_by_the_name_of_its_field(field: str, value: Any) -> None:
    """Whatever stands in whichever field: no other error comes out, and no nonsense stays in."""
    error = refused(**{field: value})
    assert error.field.partition("[")[0] == field
    assert str(error).startswith(field)


def test_a_list_of_policies_is_one() -> None:
    """Not one policy, and nothing that only looks like a list of them."""
    one, other = QueuePolicy(queue="support"), QueuePolicy(queue="sales")
    for policies in ([one, other], (one, other), iter([one, other])):
        assert check_policies(policies) == (one, other)
    assert check_policies([]) == ()
    nonsense: list[tuple[object, str]] = [
        (one, "QueuePolicy"),
        ({"support": one}, "dict"),
        ("support", "str"),
        (None, "NoneType"),
        ([one, "sales"], "str"),
        ([one, None], "NoneType"),
    ]
    for policies, shown in nonsense:
        with pytest.raises(
            ConfigurationError, match=rf"^policies is '{shown}'; allowed: a list of QueuePolicy$"
        ):
            check_policies(policies)


@pytest.mark.parametrize("life", [M, H, 12 * H])
def test_a_place_is_open_to_all_before_its_life_is_over(life: timedelta) -> None:
    """Otherwise only the preferred agent could ever serve it."""
    longest = life - S
    assert a_policy(callback_life=life, preferred_agent_time=longest).preferred_agent_time == longest
    error = refused(callback_life=life, preferred_agent_time=life)
    assert str(error) == f"preferred_agent_time is {life}; allowed: less than callback_life, {life}"

"""Policies: every bound at both sides, every contradiction, and what each refusal says."""

from __future__ import annotations

import pickle
from datetime import timedelta
from typing import Any

import attrs
import pytest

from callbackq import (
    RETRY_S2,
    ConfigurationError,
    Disposition,
    Duplicates,
    Mode,
    QueueName,
    QueuePolicy,
    RetryRule,
)
from callbackq.policy import STRICT_CREDIT

S, M, H, D = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
US = timedelta(microseconds=1)
SUPPORT = QueueName("support")


def a_policy(**changes: Any) -> QueuePolicy:
    """Return a policy without retry rules, so that nothing contradicts the field that is looked at."""
    return QueuePolicy(**{"queue": SUPPORT, "retry_rules": {}, **changes})


DEFAULTS = {
    "queue": "support",
    "default_region": "US",
    "mode": Mode.AGENT_FIRST,
    "duplicates": Duplicates.REFUSE,
    "priority_default": 100,
    "priority_credit": 366 * D,
    "offer_wait_min": 2 * M,
    "offer_life": 60 * S,
    "handle_time": 5 * M,
    "callback_life": 24 * H,
    "call_life": 8 * H,
    "attempts_max": 2,
    "retry_rules": RETRY_S2,
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
    ("offer_wait_min", 0 * S, 24 * H, "0:00:00 to 1 day, 0:00:00"),
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
]
WHOLE_NUMBERS = [("priority_default", 0, 255), ("attempts_max", 1, 100)]


def refused(**changes: Any) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        a_policy(**changes)
    return caught.value


def test_the_defaults_are_what_is_documented() -> None:
    """Every figure; a default that moves is a change that users notice."""
    assert attrs.asdict(QueuePolicy(queue=SUPPORT), recurse=False) == DEFAULTS


def test_every_field_is_looked_at() -> None:
    """Each has its bounds below, or its own test."""
    bounded = {name for name, *_ in DURATIONS} | {name for name, *_ in WHOLE_NUMBERS}
    assert set(DEFAULTS) - bounded == {"queue", "default_region", "mode", "duplicates", "retry_rules"}


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
    error = refused(**{field: value})
    assert str(error) == f"{field} is {value!r}; allowed: a timedelta, {allowed}"


@pytest.mark.parametrize(("field", "low", "high"), WHOLE_NUMBERS)
def test_a_whole_number_at_its_bounds(field: str, low: int, high: int) -> None:
    """Both bounds will do; one beyond them does not; nor does what is no whole number."""
    for value in (low, high):
        assert getattr(a_policy(**{field: value}), field) == value
    wrong: list[Any] = [low - 1, high + 1, 1.0, float("nan"), "1", None, True, [1]]
    for value in wrong:
        error = refused(**{field: value})
        assert str(error) == f"{field} is {value!r}; allowed: a whole number, {low} to {high}"


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


@pytest.mark.parametrize("mode", [Mode.CUSTOMER_FIRST, Mode.SIMULTANEOUS, "agent_first", None])
def test_a_mode_that_is_not_built_is_refused(mode: Any) -> None:
    """Said when the policy is built, not when the first customer is dialed."""
    error = refused(mode=mode)
    assert (error.field, error.value) == ("mode", mode)
    assert error.allowed == "Mode.AGENT_FIRST; the other modes are not built yet"


@pytest.mark.parametrize("duplicates", ["refuse", "allow", None, True])
def test_duplicates_are_refused_or_allowed(duplicates: Any) -> None:
    """By the enum's members, nothing like them."""
    assert (
        str(refused(duplicates=duplicates))
        == f"duplicates is {duplicates!r}; allowed: a member of Duplicates"
    )


# ---------------------------------------------------------------------------- retry rules


@pytest.mark.parametrize(("retries_max", "rest"), [(0, 0 * S), (100, 30 * D), (1, 2 * M)])
def test_a_retry_rule_at_its_bounds(retries_max: int, rest: timedelta) -> None:
    """Never to a hundred times, at once to 30 days later."""
    rule = RetryRule(retries_max=retries_max, rest=rest)
    assert (rule.retries_max, rule.rest) == (retries_max, rest)


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
    ],
)
def test_a_retry_rule_out_of_bounds_is_refused(changes: dict[str, Any], said: str) -> None:
    """Named, with what is allowed."""
    with pytest.raises(ConfigurationError) as caught:
        RetryRule(**changes)
    assert str(caught.value) == said


def test_the_preset_is_that_of_the_support_document() -> None:
    """No answer again after 2 minutes, busy after 3, unreachable after 5: once each."""
    assert {disposition.value: (rule.retries_max, rule.rest) for disposition, rule in RETRY_S2.items()} == {
        "no_answer": (1, 2 * M),
        "busy": (1, 3 * M),
        "unreachable": (1, 5 * M),
        "congested": (1, 5 * M),
        "network_failure": (1, 5 * M),
        "unknown": (1, 5 * M),
        "answered_then_left": (1, 2 * M),
        "agent_unavailable": (1, 0 * M),
    }


@pytest.mark.parametrize("disposition", [Disposition.CONNECTED, Disposition.CANCELLED_BY_US])
def test_what_always_ends_has_no_rule(disposition: Disposition) -> None:
    """A conversation is not tried again, and neither is what was cancelled."""
    error = refused(retry_rules={disposition: RetryRule()})
    assert (error.field, error.value) == (f"retry_rules[{disposition.value}]", RetryRule())
    assert error.allowed == "no rule: this disposition always ends the callback"


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
    """Five minutes of rest do not fit into a life of five minutes."""
    with pytest.raises(ConfigurationError, match=r"less than callback_life, 0:05:00"):
        QueuePolicy(queue=SUPPORT, callback_life=5 * M)
    assert QueuePolicy(queue=SUPPORT, callback_life=5 * M + US)


TIMES = {"ring_time": 60 * S, "join_time_max": 20 * S, "hang_up_time_max": 10 * S}


def test_after_doubt_the_rest_outlives_the_ringing() -> None:
    """Else the phone might still ring from the attempt of which nothing is known."""
    enough = RetryRule(retries_max=1, rest=90 * S + US)
    assert a_policy(**TIMES, retry_rules={Disposition.UNKNOWN: enough})
    error = refused(**TIMES, retry_rules={Disposition.UNKNOWN: RetryRule(retries_max=1, rest=90 * S)})
    assert str(error) == (
        "retry_rules[unknown].rest is 0:01:30; allowed: more than ring_time + join_time_max + hang_up_time_max, "
        "0:01:30: the phone may still be ringing"
    )


def test_without_a_retry_after_doubt_no_rest_is_needed() -> None:
    """What is not tried again need not rest; and other dispositions are not in doubt."""
    rules = {Disposition.UNKNOWN: RetryRule(), Disposition.BUSY: RetryRule(retries_max=1, rest=S)}
    assert a_policy(**TIMES, retry_rules=rules).retry_rules == rules


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

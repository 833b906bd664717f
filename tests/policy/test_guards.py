"""Settings of limits and of one-time codes: bounds, and what is said of a value that is out of them."""

from __future__ import annotations

import pickle
from datetime import timedelta
from typing import Any

import pytest

from callbackq import LIMITS_GENESYS, Channel, ConfigurationError, Limit, QueuePolicy, RequestLimits, Verify

S, M, H, D = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
US = timedelta(microseconds=1)


def refused(build: Any) -> ConfigurationError:
    """Return what is raised by building it."""
    with pytest.raises(ConfigurationError) as caught:
        build()
    return caught.value


@pytest.mark.parametrize(("most", "period"), [(1, S), (10_000_000, 60 * D), (6, D)])
def test_a_limit_at_its_bounds(most: int, period: timedelta) -> None:
    """Both bounds will do."""
    assert (Limit(most, period).most, Limit(most, period).period) == (most, period)


@pytest.mark.parametrize(
    ("most", "period", "field"),
    [
        (0, H, "Limit.most"),
        (-1, H, "Limit.most"),
        (10_000_001, H, "Limit.most"),
        (1.0, H, "Limit.most"),
        (True, H, "Limit.most"),
        (1, S - US, "Limit.period"),
        (1, 60 * D + US, "Limit.period"),
        (1, 3600, "Limit.period"),
        (1, None, "Limit.period"),
    ],
)
def test_a_limit_beyond_its_bounds(most: Any, period: Any, field: str) -> None:
    """The refusal names the field and what is allowed."""
    error = refused(lambda: Limit(most, period))
    assert error.field == field
    assert "to" in error.allowed


@pytest.mark.parametrize("given", [Limit(1, H), (Limit(1, H),), [Limit(1, H)]])
def test_one_limit_or_several(given: Any) -> None:
    """They are kept as a tuple, whatever they were given as."""
    assert RequestLimits(per_number=given, per_source=given, in_queue=given) == RequestLimits(
        per_number=(Limit(1, H),), per_source=(Limit(1, H),), in_queue=(Limit(1, H),)
    )


@pytest.mark.parametrize("given", [6, "6 a day", None, {Limit(1, H): 1}, [6], (Limit(1, H), 6)])
def test_what_are_no_limits(given: Any) -> None:
    """Said by its type: it may be anything."""
    for field in ("per_number", "per_source", "in_queue"):
        assert "Limit" in refused(lambda field=field: RequestLimits(**{field: given})).allowed


def test_the_preset_is_that_of_its_source() -> None:
    """K3: the defaults of Genesys Mobile Services, as FIELD.md has them."""
    assert (
        RequestLimits(per_number=Limit(6, 24 * H), in_queue=(Limit(500, 300 * S), Limit(1_000, 3_600 * S)))
        == LIMITS_GENESYS
    )


@pytest.mark.parametrize(
    ("field", "low", "high"),
    [
        ("code_length", 4, 10),
        ("tries_max", 1, 10),
        ("code_life", 30 * S, D),
        ("proof_life", M, D),
    ],
)
def test_codes_at_and_beyond_their_bounds(field: str, low: Any, high: Any) -> None:
    """Both bounds will do, and nothing beyond them."""
    step: Any = US if isinstance(low, timedelta) else 1
    for value in (low, high):
        assert getattr(Verify(**{field: value}), field) == value
    for value in (low - step, high + step, None, "6"):
        assert refused(lambda value=value: Verify(**{field: value})).field == f"Verify.{field}"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (Channel.WEB, {Channel.WEB}),
        ({Channel.WEB, Channel.MESSAGE}, {Channel.WEB, Channel.MESSAGE}),
        (["web", "in_queue"], {Channel.WEB, Channel.IN_QUEUE}),
        ((), set()),
    ],
)
def test_channels_where_a_number_is_proved(given: Any, kept: set[Channel]) -> None:
    """One, several, or their words."""
    assert Verify(channels=given).channels == kept


@pytest.mark.parametrize("given", ["fax", 3, None, {"web", "fax"}])
def test_what_are_no_channels(given: Any) -> None:
    """What is allowed is named."""
    error = refused(lambda: Verify(channels=given))
    assert (error.field, "in_queue" in error.allowed) == ("Verify.channels", True)


@pytest.mark.parametrize(
    ("field", "bad"), [("typed", 1), ("typed", None), ("codes_max", 3), ("codes_max", None)]
)
def test_what_is_no_switch_and_no_limit(field: str, bad: Any) -> None:
    """Nothing is guessed."""
    assert refused(lambda: Verify(**{field: bad})).field == f"Verify.{field}"


@pytest.mark.parametrize("bad", [True, "yes", 6])
def test_a_queue_verifies_by_a_setting_or_not_at_all(bad: Any) -> None:
    """None is never."""
    assert QueuePolicy(queue="support").verify is None
    assert refused(lambda: QueuePolicy(queue="support", verify=bad)).field == "verify"


@pytest.mark.parametrize("made", [Limit(6, D), LIMITS_GENESYS, Verify(typed=True)])
def test_they_can_be_hashed_and_pickled(made: Any) -> None:
    """As every setting can."""
    assert pickle.loads(pickle.dumps(made)) == made
    assert hash(made) == hash(pickle.loads(pickle.dumps(made)))

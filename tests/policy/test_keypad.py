"""The keypad policy as a host writes it: bounds at both sides, keys of their own, and words with their figures."""

from __future__ import annotations

import pickle
from typing import Any

import attrs
import pytest

from callbackq.errors import ConfigurationError
from callbackq.policy.keypad import FIGURES, KeypadPhrase, KeypadPolicy

P = KeypadPhrase


def test_defaults() -> None:
    """S2: three tries, and the number is read back."""
    assert attrs.asdict(KeypadPolicy(), recurse=False) == {
        "tries_max": 3,
        "confirm": True,
        "extension": False,
        "right_key": "1",
        "again_key": "2",
        "words": {},
    }


def test_policy_is_a_value() -> None:
    """It can be hashed and pickled, and the host's words are copied."""
    words = {"de": {P.STAY_BY: "Mit dem Stern bleiben Sie dran."}}
    policy = KeypadPolicy(words=words)
    words["de"] = {}
    assert policy.words["de"][P.STAY_BY] == "Mit dem Stern bleiben Sie dran."
    assert pickle.loads(pickle.dumps(policy)) == policy
    assert hash(policy) == hash(pickle.loads(pickle.dumps(policy)))


@pytest.mark.parametrize("tries_max", [1, 10])
def test_bounds_are_allowed(tries_max: int) -> None:
    """Both of them."""
    assert KeypadPolicy(tries_max=tries_max).tries_max == tries_max


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("tries_max", 0, "a whole number, 1 to 10"),
        ("tries_max", 11, "a whole number, 1 to 10"),
        ("tries_max", True, "a whole number, 1 to 10"),
        ("tries_max", 3.0, "a whole number, 1 to 10"),
        ("confirm", 1, "a member of bool"),
        ("extension", None, "a member of bool"),
        ("right_key", "", "one digit, '0' to '9'"),
        ("right_key", "10", "one digit, '0' to '9'"),
        ("right_key", "01", "one digit, '0' to '9'"),
        ("right_key", "#", "one digit, '0' to '9'"),
        ("again_key", "*", "one digit, '0' to '9'"),
        ("again_key", "٢", "one digit, '0' to '9'"),
        ("again_key", 2, "one digit, '0' to '9'"),
        ("again_key", "1", "another key than right_key"),
        ("words", None, "by language and KeypadPhrase"),
        ("words", {"": {}}, "by language and KeypadPhrase"),
        ("words", {"de": "Hallo"}, "by language and KeypadPhrase"),
    ],
)
def test_what_is_out_of_bounds_is_refused(field: str, value: Any, allowed: str) -> None:
    """With the field, and with what is allowed."""
    with pytest.raises(ConfigurationError) as refused:
        KeypadPolicy(**{field: value})
    assert refused.value.field == f"KeypadPolicy.{field}"
    assert allowed in str(refused.value)


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        (P.STAY_BY, ""),
        (P.STAY_BY, "  "),
        (P.STAY_BY, "x" * 1_001),
        (P.STAY_BY, 7),
        (P.STAY_BY, "Press {key}."),
        (P.STAY_BY, "Press {."),
        (P.STAY_BY, "Press {}."),
        (P.RIGHT_BY, "Press one."),
        (P.RIGHT_BY, "{key}"),
        (P.RIGHT_BY, "Press {key!r}."),
        (P.RIGHT_BY, "Press {key:>9}."),
        (P.RIGHT_BY, "Press {key.real}."),
        (P.RIGHT_BY, "Press {key} or {digits}."),
        (P.READ_BACK, "The number is this."),
        (P.INSTEAD, "Write to {name}."),
    ],
)
def test_words_have_their_figure_and_no_other(phrase: KeypadPhrase, text: Any) -> None:
    """A number that is read back without its digits would be confirmed unheard."""
    with pytest.raises(ConfigurationError, match=rf"words\['de'\]\[{phrase}\]"):
        KeypadPolicy(words={"de": {phrase: text}})


@pytest.mark.parametrize("phrase", ["stay_by", None])
def test_words_are_of_phrases(phrase: Any) -> None:
    """Not of texts that look like one."""
    with pytest.raises(ConfigurationError, match="by language and KeypadPhrase"):
        KeypadPolicy(words={"de": {phrase: "Stern."}})


@pytest.mark.parametrize("phrase", KeypadPhrase)
def test_words_can_be_had_for_every_phrase(phrase: KeypadPhrase) -> None:
    """With the figure that belongs to it; a brace that is said is written twice."""
    figure = f"{{{FIGURES[phrase]}}}" if phrase in FIGURES else "{{}}"
    text = f"Words: {figure}"
    assert KeypadPolicy(words={"de": {phrase: text}}).words["de"][phrase] == text

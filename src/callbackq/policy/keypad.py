"""How a number or a code is asked for by keypad: tries, read-back, keys, and the host's own words."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from string import Formatter
from types import MappingProxyType
from typing import Final

import attrs

from callbackq.errors import ConfigurationError
from callbackq.policy.checks import Frozen, check_member, int_within, is_name
from callbackq.policy.prompts import PROMPT_LENGTH_MAX


class KeypadPhrase(enum.StrEnum):
    """One thing that is said while a number or a code is keyed in. Each stands for a recording, or for words."""

    # What is asked for.
    ENTER_NUMBER = "enter_number"
    SAME_BY = "same_by"
    ENTER_EXTENSION = "enter_extension"
    NO_EXTENSION_BY = "no_extension_by"
    ENTER_CODE = "enter_code"
    STAY_BY = "stay_by"
    LEAVE_BY = "leave_by"
    # What was heard.
    READ_BACK = "read_back"
    READ_BACK_ABROAD = "read_back_abroad"
    READ_BACK_EXTENSION = "read_back_extension"
    RIGHT_BY = "right_by"
    AGAIN_BY = "again_by"
    # What is wrong with it.
    NUMBER_NEEDED = "number_needed"
    NOT_UNDERSTOOD = "not_understood"
    NOT_ENDED = "not_ended"
    TOO_LONG = "too_long"
    CODE_TOO_SHORT = "code_too_short"
    CODE_WRONG = "code_wrong"
    # Why this number is not called, one for each `NumberProblem`.
    NUMBER_NOT_A_NUMBER = "number_not_a_number"
    NUMBER_IMPOSSIBLE = "number_impossible"
    NUMBER_INVALID = "number_invalid"
    NUMBER_EMERGENCY = "number_emergency"
    NUMBER_SHORT_CODE = "number_short_code"
    NUMBER_PREMIUM_RATE = "number_premium_rate"
    NUMBER_SHARED_COST = "number_shared_cost"
    NUMBER_SATELLITE = "number_satellite"
    NUMBER_TYPE_REFUSED = "number_type_refused"
    NUMBER_BLOCKED = "number_blocked"
    NUMBER_REGION_NOT_SERVED = "number_region_not_served"
    NUMBER_TIER_NEEDED = "number_tier_needed"
    NUMBER_EXTENSION = "number_extension"
    INSTEAD = "instead"
    # How it ends without a number.
    TRIES_USED_UP = "tries_used_up"
    PLACE_KEPT = "place_kept"
    NOTHING_CHANGED = "nothing_changed"


FIGURES: Final[Mapping[KeypadPhrase, str]] = MappingProxyType(
    {
        KeypadPhrase.READ_BACK: "digits",
        KeypadPhrase.READ_BACK_ABROAD: "digits",
        KeypadPhrase.READ_BACK_EXTENSION: "digits",
        KeypadPhrase.RIGHT_BY: "key",
        KeypadPhrase.AGAIN_BY: "key",
        KeypadPhrase.ENTER_CODE: "length",
        KeypadPhrase.CODE_TOO_SHORT: "length",
        KeypadPhrase.INSTEAD: "names",
    }
)
"""What a phrase must have in its words, in braces. Others have nothing."""


def _own_words(words: Mapping[str, Mapping[KeypadPhrase, str]]) -> Mapping[str, Mapping[KeypadPhrase, str]]:
    """Copy the host's words, so that none can change after the check."""
    allowed = f"by language and KeypadPhrase: a text of 1 to {PROMPT_LENGTH_MAX:,} characters"
    if not isinstance(words, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError("KeypadPolicy.words", words, allowed)
    for language, texts in words.items():
        if not is_name(language) or not isinstance(texts, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError("KeypadPolicy.words", language, allowed)
        for phrase, text in texts.items():
            field = f"KeypadPolicy.words[{language!r}][{phrase!s}]"
            if not isinstance(phrase, KeypadPhrase) or not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ConfigurationError(field, text, allowed)
            figure = FIGURES.get(phrase)
            if not 1 <= len(text) <= PROMPT_LENGTH_MAX or not _has_only(text, figure):
                inside = f"{{{figure}}}" if figure else "no braces"
                raise ConfigurationError(field, text, f"{allowed}, with {inside} in it")
    return Frozen({language: Frozen(texts) for language, texts in words.items()})


def _has_only(text: str, figure: str | None) -> bool:
    """Whether *text* says something, and names its one figure, as it is, and nothing else."""
    try:
        parts = list(Formatter().parse(text))
    except ValueError:
        return False
    if any(name is not None and (name != figure or how or kind) for _, name, how, kind in parts):
        return False
    named = any(name is not None for _, name, *_ in parts)
    return named is (figure is not None) and any(said.strip() for said, *_ in parts)


NO_WORDS: Final[Mapping[str, Mapping[KeypadPhrase, str]]] = Frozen({})
"""None but the built-in ones."""


@attrs.frozen(kw_only=True)
class KeypadPolicy:
    """
    How a number or a one-time code is asked for by keypad.

    Digits are ended by the hash key, and the star keeps holding. Neither can be changed.

    Args:
        tries_max: how many wrong entries end the dialogue; the caller holds on, with the place kept. 1 to 10.
        confirm: whether a number is read back, and taken only once the caller says that it is right. A number that
            is not read back must be ended by the hash key: a pause is not enough.
        extension: whether an extension is asked for after the number; also after the caller's own.
        right_key: says that the number that was read back is right. One digit.
        again_key: says that it is not, and asks for it again. Another digit.
        words: the host's own words, by language and phrase; the built-in ones stand for what is not in it.

    Raises:
        ConfigurationError: a value is out of its bounds, one key means two things, or words lack their figure.

    >>> KeypadPolicy().tries_max
    3
    """

    tries_max: int = 3
    confirm: bool = True
    extension: bool = False
    right_key: str = "1"
    again_key: str = "2"
    words: Mapping[str, Mapping[KeypadPhrase, str]] = attrs.field(default=NO_WORDS, converter=_own_words)

    def __attrs_post_init__(self) -> None:
        int_within("KeypadPolicy.tries_max", self.tries_max, 1, 10)
        for field in ("confirm", "extension"):
            check_member(f"KeypadPolicy.{field}", getattr(self, field), bool)
        for field in ("right_key", "again_key"):
            key: object = getattr(self, field)
            if not isinstance(key, str) or len(key) != 1 or key not in "0123456789":
                raise ConfigurationError(f"KeypadPolicy.{field}", key, "one digit, '0' to '9'")
        if self.right_key == self.again_key:
            raise ConfigurationError("KeypadPolicy.again_key", self.again_key, "another key than right_key")

"""
What a keypad dialogue is made of: its states, the table of what can follow, its results, and the dialogues themselves.

`core.keypad` has the rules.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs

from callbackq.core.keypad_speech import KeypadSay
from callbackq.core.numbers import PhoneNumber
from callbackq.policy import NumberPolicy
from callbackq.policy.keypad import KeypadPolicy


class KeypadInput(enum.StrEnum):
    """What a dialogue is given."""

    DIGIT = "digit"
    HASH = "hash"
    STAR = "star"
    SILENCE = "silence"


class NumberState(enum.StrEnum):
    """Where a dialogue about a number is."""

    ASKING = "asking"
    EXTENSION = "extension"
    READING_BACK = "reading_back"
    DONE = "done"


class CodeState(enum.StrEnum):
    """Where a dialogue about a one-time code is."""

    ASKING = "asking"
    DONE = "done"


_N, _C, _I = NumberState, CodeState, KeypadInput
TRANSITIONS: Final[Mapping[tuple[NumberState | None, KeypadInput | None], frozenset[NumberState]]] = (
    MappingProxyType(
        {
            (None, None): frozenset({_N.ASKING}),
            (_N.ASKING, _I.DIGIT): frozenset({_N.ASKING, _N.DONE}),
            (_N.ASKING, _I.HASH): frozenset({_N.ASKING, _N.EXTENSION, _N.READING_BACK, _N.DONE}),
            (_N.ASKING, _I.STAR): frozenset({_N.DONE}),
            (_N.ASKING, _I.SILENCE): frozenset({_N.ASKING, _N.EXTENSION, _N.READING_BACK, _N.DONE}),
            (_N.EXTENSION, _I.DIGIT): frozenset({_N.EXTENSION, _N.DONE}),
            (_N.EXTENSION, _I.HASH): frozenset({_N.READING_BACK, _N.DONE}),
            (_N.EXTENSION, _I.STAR): frozenset({_N.DONE}),
            (_N.EXTENSION, _I.SILENCE): frozenset({_N.EXTENSION, _N.READING_BACK, _N.DONE}),
            (_N.READING_BACK, _I.DIGIT): frozenset({_N.ASKING, _N.READING_BACK, _N.DONE}),
            (_N.READING_BACK, _I.HASH): frozenset({_N.READING_BACK, _N.DONE}),
            (_N.READING_BACK, _I.STAR): frozenset({_N.DONE}),
            (_N.READING_BACK, _I.SILENCE): frozenset({_N.DONE}),
            (_N.DONE, _I.DIGIT): frozenset({_N.DONE}),
            (_N.DONE, _I.HASH): frozenset({_N.DONE}),
            (_N.DONE, _I.STAR): frozenset({_N.DONE}),
            (_N.DONE, _I.SILENCE): frozenset({_N.DONE}),
        }
    )
)
"""To which states an input can lead from each. (None, None) is the beginning."""

CODE_TRANSITIONS: Final[Mapping[tuple[CodeState | None, KeypadInput | None], frozenset[CodeState]]] = (
    MappingProxyType(
        {
            (None, None): frozenset({_C.ASKING}),
            (_C.ASKING, _I.DIGIT): frozenset({_C.ASKING, _C.DONE}),
            (_C.ASKING, _I.HASH): frozenset({_C.ASKING, _C.DONE}),
            (_C.ASKING, _I.STAR): frozenset({_C.DONE}),
            (_C.ASKING, _I.SILENCE): frozenset({_C.ASKING, _C.DONE}),
            (_C.DONE, _I.DIGIT): frozenset({_C.DONE}),
            (_C.DONE, _I.HASH): frozenset({_C.DONE}),
            (_C.DONE, _I.STAR): frozenset({_C.DONE}),
            (_C.DONE, _I.SILENCE): frozenset({_C.DONE}),
        }
    )
)
"""The same of a dialogue about a one-time code."""


# ---------------------------------------------------------------------------- results


class KeypadEnd(enum.StrEnum):
    """Why a dialogue ended."""

    SAME = "same"
    """The number that the caller is calling from: by the hash key alone, or because it was keyed in."""
    CONFIRMED = "confirmed"
    """The number was read back, and is right."""
    NOT_CONFIRMED = "not_confirmed"
    """The policy has numbers taken without being read back."""
    CODE_ENTERED = "code_entered"
    STAR = "star"
    TRIES_USED_UP = "tries_used_up"
    SILENCE = "silence"


@attrs.frozen(kw_only=True)
class SameNumber:
    """Call the caller id. `number` has it, read: say it in the request, for the caller may be known by another one."""

    number: PhoneNumber
    reason: KeypadEnd = KeypadEnd.SAME

    @property
    def text(self) -> str:
        """The number as `request` and `change_number` read it."""
        return _text_of(self.number)


@attrs.frozen(kw_only=True)
class GivenNumber:
    """Call this number. It can be called, by the rules that the dialogue was begun with."""

    number: PhoneNumber
    reason: KeypadEnd

    @property
    def text(self) -> str:
        """The number, with its extension if there is one, as `request` and `change_number` read it."""
        return _text_of(self.number)


@attrs.frozen(kw_only=True)
class GivenCode:
    """These digits were entered. Whether they are the code is for the service to say."""

    code: str = attrs.field(repr=False)
    reason: KeypadEnd = KeypadEnd.CODE_ENTERED


@attrs.frozen(kw_only=True)
class KeepHolding:
    """There is no number, and no code. Nothing was changed: the caller holds on, with the place kept."""

    reason: KeypadEnd


def _text_of(number: PhoneNumber) -> str:
    return f"{number.e164};ext={number.extension}" if number.extension else number.e164


# ---------------------------------------------------------------------------- dialogues


@attrs.frozen(kw_only=True)
class NumberDialogue:
    """
    A dialogue about a number, between two keys. `begin` makes one.

    Args:
        state: where it is.
        policy, region, numbers, tier, language, changing: what it was begun with.
        same: the caller id, where there is one that can be called.
        typed: the digits that were not ended yet.
        number: the number that was understood; it is not taken yet.
        wrong_count: the tries that are used up.
        done: the result, once there is one.
    """

    state: NumberState = NumberState.ASKING
    policy: KeypadPolicy
    region: str
    numbers: NumberPolicy
    tier: str | None
    language: str
    changing: bool
    same: PhoneNumber | None
    typed: str = attrs.field(default="", repr=False)
    number: PhoneNumber | None = None
    wrong_count: int = 0
    done: SameNumber | GivenNumber | KeepHolding | None = None


@attrs.frozen(kw_only=True)
class CodeDialogue:
    """
    A dialogue about a one-time code, between two keys. `begin_code` makes one.

    Args:
        state: where it is.
        policy, code_length, language, changing: what it was begun with.
        typed: the digits that were not ended yet.
        wrong_count: the tries that are used up.
        done: the result, once there is one.
    """

    state: CodeState = CodeState.ASKING
    policy: KeypadPolicy
    code_length: int
    language: str
    changing: bool
    typed: str = attrs.field(default="", repr=False)
    wrong_count: int = 0
    done: GivenCode | KeepHolding | None = None


@attrs.frozen
class NumberStep:
    """What follows an input: the next `dialogue`, what to `say` now, if anything, and the result once it is `done`."""

    dialogue: NumberDialogue
    say: tuple[KeypadSay, ...] = ()

    @property
    def done(self) -> SameNumber | GivenNumber | KeepHolding | None:
        """The result; None while the dialogue goes on."""
        return self.dialogue.done


@attrs.frozen
class CodeStep:
    """What follows an input: the next `dialogue`, what to `say` now, if anything, and the result once it is `done`."""

    dialogue: CodeDialogue
    say: tuple[KeypadSay, ...] = ()

    @property
    def done(self) -> GivenCode | KeepHolding | None:
        """The result; None while the dialogue goes on."""
        return self.dialogue.done

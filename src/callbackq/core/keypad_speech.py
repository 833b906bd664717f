"""
The words of the keypad dialogue: what is asked, what was heard, and what is wrong with it.

English is built in. A policy brings other languages, or other words, by language and phrase. The language is looked
for as it is (`fr-CA`), then without its region (`fr`), then in English. Digits are spelled one by one, in groups, so
that any voice that reads text speaks them as a person would.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Final

import attrs

from callbackq.core.numbers import PhoneNumber
from callbackq.errors import InvalidNumber, NumberRefused
from callbackq.model import NumberProblem
from callbackq.policy.keypad import KeypadPhrase, KeypadPolicy

_P = KeypadPhrase
ENGLISH: Final[Mapping[KeypadPhrase, str]] = MappingProxyType(
    {
        _P.ENTER_NUMBER: "Please enter the number at which we should call you, and press hash at the end.",
        _P.SAME_BY: "To be called at the number that you are calling from, press only hash.",
        _P.ENTER_EXTENSION: "Please enter the extension, and press hash at the end.",
        _P.NO_EXTENSION_BY: "If there is none, press only hash.",
        _P.ENTER_CODE: "Please enter the code of {length} digits.",
        _P.STAY_BY: "To keep holding, press star.",
        _P.LEAVE_BY: "To leave everything as it is, press star.",
        _P.READ_BACK: "The number is {digits}.",
        _P.READ_BACK_ABROAD: "The number is plus {digits}.",
        _P.READ_BACK_EXTENSION: "The extension is {digits}.",
        _P.RIGHT_BY: "If that is right, press {key}.",
        _P.AGAIN_BY: "To enter it again, press {key}.",
        _P.NUMBER_NEEDED: "We do not know the number that you are calling from.",
        _P.NOT_UNDERSTOOD: "We could not understand that.",
        _P.NOT_ENDED: "The hash key was missing at the end.",
        _P.TOO_LONG: "Those were too many digits.",
        _P.CODE_TOO_SHORT: "The code has {length} digits.",
        _P.CODE_WRONG: "That is not the code.",
        _P.NUMBER_NOT_A_NUMBER: "That is not a phone number.",
        _P.NUMBER_IMPOSSIBLE: "That number is too short or too long.",
        _P.NUMBER_INVALID: "There is no such phone number.",
        _P.NUMBER_EMERGENCY: "We cannot call an emergency number.",
        _P.NUMBER_SHORT_CODE: "We cannot call a short number.",
        _P.NUMBER_PREMIUM_RATE: "We cannot call a premium rate number.",
        _P.NUMBER_SHARED_COST: "We cannot call a number whose cost is shared.",
        _P.NUMBER_SATELLITE: "We cannot call a satellite phone.",
        _P.NUMBER_TYPE_REFUSED: "We cannot call a number of that kind.",
        _P.NUMBER_BLOCKED: "We cannot call that number.",
        _P.NUMBER_REGION_NOT_SERVED: "We cannot call numbers of that country.",
        _P.NUMBER_TIER_NEEDED: "We call numbers of that country for some customers only.",
        _P.NUMBER_EXTENSION: "We need a number without an extension.",
        _P.INSTEAD: "You can also reach us by {names}.",
        _P.TRIES_USED_UP: "That did not work.",
        _P.PLACE_KEPT: "Please hold on: you keep your place in line.",
        _P.NOTHING_CHANGED: "Nothing was changed: you keep your place in line.",
    }
)
BUILT_IN: Final[Mapping[str, Mapping[KeypadPhrase, str]]] = MappingProxyType({"en": ENGLISH})
"""The built-in words, by language. Each language has every phrase."""

PROBLEMS: Final[Mapping[str, KeypadPhrase]] = MappingProxyType(
    {
        NumberProblem.NOT_A_NUMBER: _P.NUMBER_NOT_A_NUMBER,
        NumberProblem.IMPOSSIBLE: _P.NUMBER_IMPOSSIBLE,
        NumberProblem.INVALID: _P.NUMBER_INVALID,
        NumberProblem.EMERGENCY: _P.NUMBER_EMERGENCY,
        NumberProblem.SHORT_CODE: _P.NUMBER_SHORT_CODE,
        NumberProblem.PREMIUM_RATE: _P.NUMBER_PREMIUM_RATE,
        NumberProblem.SHARED_COST: _P.NUMBER_SHARED_COST,
        NumberProblem.SATELLITE: _P.NUMBER_SATELLITE,
        NumberProblem.TYPE_REFUSED: _P.NUMBER_TYPE_REFUSED,
        NumberProblem.BLOCKED: _P.NUMBER_BLOCKED,
        NumberProblem.REGION_NOT_SERVED: _P.NUMBER_REGION_NOT_SERVED,
        NumberProblem.TIER_NEEDED: _P.NUMBER_TIER_NEEDED,
        NumberProblem.EXTENSION: _P.NUMBER_EXTENSION,
    }
)
"""What is said of each problem of a number."""

_GROUP_MAX: Final = 4


@attrs.frozen(kw_only=True)
class KeypadSay:
    """
    One phrase, with its figures and its words. Play a recording for `phrase`, or let a voice read `text`.

    Args:
        phrase: what is said.
        text: the words, in the customer's language.
        groups: digits to be said one by one, with a short pause after each group; empty where none are said.
        key: the key that does it, where the policy names it.
        length: how many digits a code has.
        names: other ways to reach the company, as the policy names them.
    """

    phrase: KeypadPhrase
    text: str = attrs.field(repr=False)
    groups: tuple[str, ...] = attrs.field(default=(), repr=False)
    key: str | None = None
    length: int | None = None
    names: tuple[str, ...] = ()


def said(says: Iterable[KeypadSay]) -> str:
    """Return the words of phrases as one text. It may have a number in it: it is for a voice, not for a log."""
    return " ".join(say.text for say in says)


@attrs.frozen
class Voice:
    """Makes phrases with their words in one language."""

    policy: KeypadPolicy
    language: str

    def say(
        self,
        phrase: KeypadPhrase,
        *,
        groups: tuple[str, ...] = (),
        key: str | None = None,
        length: int | None = None,
        names: tuple[str, ...] = (),
    ) -> KeypadSay:
        """Return one phrase with its words."""
        text = _template(phrase, self.policy.words, self.language).format(
            digits=", ".join(" ".join(group) for group in groups),
            key=key,
            length=length,
            names=", ".join(names),
        )
        return KeypadSay(phrase=phrase, text=text, groups=groups, key=key, length=length, names=names)

    def read_back(self, number: PhoneNumber, *, region: str) -> tuple[KeypadSay, ...]:
        """Read a number back, as it is dialed in *region*, and ask whether it is right."""
        phrase, groups = _digits_of(number, region)
        extension = (
            (self.say(KeypadPhrase.READ_BACK_EXTENSION, groups=_split(number.extension)),)
            if number.extension
            else ()
        )
        return (
            self.say(phrase, groups=groups),
            *extension,
            self.say(KeypadPhrase.RIGHT_BY, key=self.policy.right_key),
            self.say(KeypadPhrase.AGAIN_BY, key=self.policy.again_key),
        )

    def problem(self, error: InvalidNumber) -> tuple[KeypadSay, ...]:
        """Say why a number is not called, and what there is instead. Nothing of the error's own text is said."""
        why = self.say(PROBLEMS.get(error.problem, KeypadPhrase.NUMBER_BLOCKED))
        others = error.alternatives if isinstance(error, NumberRefused) else ()
        return (why, self.say(KeypadPhrase.INSTEAD, names=others)) if others else (why,)


def _template(phrase: KeypadPhrase, own: Mapping[str, Mapping[KeypadPhrase, str]], language: str) -> str:
    for wanted in (language, language.replace("_", "-").split("-", maxsplit=1)[0]):
        for words in (own, BUILT_IN):
            if phrase in words.get(wanted, {}):
                return words[wanted][phrase]
    return own.get("en", ENGLISH).get(phrase, ENGLISH[phrase])


def _digits_of(number: PhoneNumber, region: str) -> tuple[KeypadPhrase, tuple[str, ...]]:
    """Return the groups of a number as people write it: without the country code where *region* has the same."""
    import phonenumbers

    parsed = phonenumbers.parse(number.e164)
    here = parsed.country_code == phonenumbers.country_code_for_region(region)
    form = phonenumbers.PhoneNumberFormat
    text = phonenumbers.format_number(parsed, form.NATIONAL if here else form.INTERNATIONAL)
    groups = tuple(part for group in re.findall("[0-9]+", text) for part in _split(group))
    return KeypadPhrase.READ_BACK if here else KeypadPhrase.READ_BACK_ABROAD, groups


def _split(digits: str) -> tuple[str, ...]:
    """
    Split what is too long to be kept in mind, into parts that differ by one digit at most.

    >>> _split("0123"), _split("12345"), _split("123456789")
    (('0123',), ('123', '45'), ('123', '456', '789'))
    """
    parts = -(-len(digits) // _GROUP_MAX)
    size, longer = divmod(len(digits), parts)
    starts = [index * size + min(index, longer) for index in range(parts + 1)]
    return tuple(digits[start:end] for start, end in pairwise(starts))

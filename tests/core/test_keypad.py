"""The keypad dialogue: what is pressed, what is said, and what comes of it. S1 has its keys, S2 its read-back."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from itertools import product
from string import Formatter
from typing import Any, Final

import attrs
import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core import keypad
from callbackq.core.keypad import (
    CODE_TRANSITIONS,
    DIGITS_MAX,
    KEYS,
    KEYS_MAX,
    TRANSITIONS,
    CodeDialogue,
    CodeState,
    CodeStep,
    GivenCode,
    GivenNumber,
    KeepHolding,
    KeypadEnd,
    KeypadInput,
    KeypadPhrase,
    KeypadPolicy,
    NumberDialogue,
    NumberState,
    NumberStep,
    SameNumber,
    begin,
    begin_code,
    enter,
    press,
    said,
    silence,
)
from callbackq.core.keypad_speech import BUILT_IN, PROBLEMS, Voice
from callbackq.core.numbers import PhoneNumber, read_number
from callbackq.errors import ConfigurationError, InvalidNumber, InvalidText, NumberRefused
from callbackq.model import NumberProblem
from callbackq.policy import Access, NumberPolicy, RegionRule
from callbackq.policy.keypad import FIGURES
from core.samples import LAW

P, E = KeypadPhrase, KeypadEnd
CALLER = "+12125550101"
GOOD = "2125550123"
E164 = "+12125550123"
DONE_BY_HASH = SameNumber(number=PhoneNumber(CALLER))
CONFIRMED = GivenNumber(number=PhoneNumber(E164), reason=E.CONFIRMED)
UNREAD = GivenNumber(number=PhoneNumber(E164), reason=E.NOT_CONFIRMED)
ASK = [P.ENTER_NUMBER, P.SAME_BY, P.STAY_BY]
READ = [P.READ_BACK, P.RIGHT_BY, P.AGAIN_BY, P.STAY_BY]
EXTENSION = [P.ENTER_EXTENSION, P.NO_EXTENSION_BY, P.STAY_BY]
USED_UP = [P.TRIES_USED_UP, P.PLACE_KEPT]
PAUSE = "."
"""In the tables of this file: nothing more was pressed."""

DEFAULT = KeypadPolicy()
UNCONFIRMED = KeypadPolicy(confirm=False)
EXTENDED = KeypadPolicy(extension=True)
PLAIN_EXTENDED = KeypadPolicy(confirm=False, extension=True)


def asked(caller_id: str | None = CALLER, *, region: str = "US", **settings: Any) -> NumberDialogue:
    """Return a dialogue that has just begun."""
    return begin(caller_id=caller_id, region=region, **settings).dialogue


def hear(dialogue: NumberDialogue | CodeDialogue, keys: str) -> NumberStep | CodeStep:
    """Press one key after the other; a point is a silence."""
    step = NumberStep(dialogue) if isinstance(dialogue, NumberDialogue) else CodeStep(dialogue)
    for key in keys:
        step = silence(step.dialogue) if key == PAUSE else press(step.dialogue, key)
    return step


def phrases(step: NumberStep | CodeStep) -> list[KeypadPhrase]:
    return [say.phrase for say in step.say]


# ---------------------------------------------------------------------------- what is asked


def test_number_is_asked_for_as_in_s3() -> None:
    """S3: the number in full, ended by the hash; only the hash for the current number; the star keeps holding."""
    step = begin(caller_id=CALLER, region="US")
    assert (step.done, phrases(step)) == (None, ASK)
    assert said(step.say) == (
        "Please enter the number at which we should call you, and press hash at the end. "
        "To be called at the number that you are calling from, press only hash. To keep holding, press star."
    )


def test_change_of_a_number_can_be_left() -> None:
    """C10: who has a callback already is not told to hold, but that nothing was changed."""
    step = begin(caller_id=CALLER, region="US", changing=True)
    assert phrases(step) == [P.ENTER_NUMBER, P.SAME_BY, P.LEAVE_BY]
    left = press(step.dialogue, "*")
    assert (left.done, phrases(left)) == (KeepHolding(reason=E.STAR), [P.NOTHING_CHANGED])


@pytest.mark.parametrize("region", ["us", "XX", "", "001", None, 49])
def test_region_is_one(region: Any) -> None:
    """Without one, no local number could ever be read."""
    with pytest.raises(ConfigurationError, match="region is"):
        begin(caller_id=CALLER, region=region)


# ---------------------------------------------------------------------------- the whole dialogue

TABLE: Final[list[tuple[str, KeypadPolicy, Any, list[KeypadPhrase]]]] = [
    # S1, S3: the hash alone, the star, at any time.
    ("#", DEFAULT, DONE_BY_HASH, []),
    ("*", DEFAULT, KeepHolding(reason=E.STAR), [P.PLACE_KEPT]),
    ("212*", DEFAULT, KeepHolding(reason=E.STAR), [P.PLACE_KEPT]),
    (f"{GOOD}#*", DEFAULT, KeepHolding(reason=E.STAR), [P.PLACE_KEPT]),
    (f"{GOOD}#*", EXTENDED, KeepHolding(reason=E.STAR), [P.PLACE_KEPT]),
    # Digits are not answered.
    ("2", DEFAULT, None, []),
    (GOOD, DEFAULT, None, []),
    # S2: read back, confirmed.
    (f"{GOOD}#", DEFAULT, None, READ),
    (f"{GOOD}#1", DEFAULT, CONFIRMED, []),
    (f"{GOOD}#", UNCONFIRMED, UNREAD, []),
    # The caller takes it back, and enters another one.
    (f"{GOOD}#2", DEFAULT, None, ASK),
    (f"2125550199#2{GOOD}#1", DEFAULT, CONFIRMED, []),
    (f"{GOOD}#2#", DEFAULT, DONE_BY_HASH, []),
    # Keys that mean nothing.
    (f"{GOOD}#7", DEFAULT, None, [P.NOT_UNDERSTOOD, *READ]),
    (f"{GOOD}##", DEFAULT, None, [P.NOT_UNDERSTOOD, *READ]),
    (f"{GOOD}##1", DEFAULT, CONFIRMED, []),
    # What is no number.
    ("5#", DEFAULT, None, [P.NUMBER_NOT_A_NUMBER, *ASK]),
    ("21255501#", DEFAULT, None, [P.NUMBER_IMPOSSIBLE, *ASK]),
    ("1115550123#", DEFAULT, None, [P.NUMBER_INVALID, *ASK]),
    ("911#", DEFAULT, None, [P.NUMBER_EMERGENCY, *ASK]),
    (f"5#{GOOD}#1", DEFAULT, CONFIRMED, []),
    ("5##", DEFAULT, DONE_BY_HASH, []),
    # Three tries, however they are used up; the place is kept.
    ("5#5#5#", DEFAULT, KeepHolding(reason=E.TRIES_USED_UP), [P.NUMBER_NOT_A_NUMBER, *USED_UP]),
    (f"{GOOD}#2" * 3, DEFAULT, KeepHolding(reason=E.TRIES_USED_UP), USED_UP),
    (f"{GOOD}#789", DEFAULT, KeepHolding(reason=E.TRIES_USED_UP), [P.NOT_UNDERSTOOD, *USED_UP]),
    (f"5#{GOOD}#7", DEFAULT, None, [P.NOT_UNDERSTOOD, *READ]),
    (f"5#{GOOD}#72", DEFAULT, KeepHolding(reason=E.TRIES_USED_UP), USED_UP),
    (f"5#5#{GOOD}#1", DEFAULT, CONFIRMED, []),
    ("5#", KeypadPolicy(tries_max=1), KeepHolding(reason=E.TRIES_USED_UP), [P.NUMBER_NOT_A_NUMBER, *USED_UP]),
    # Silence.
    (".", DEFAULT, KeepHolding(reason=E.SILENCE), [P.PLACE_KEPT]),
    ("5#.", DEFAULT, KeepHolding(reason=E.SILENCE), [P.PLACE_KEPT]),
    (f"{GOOD}.", DEFAULT, None, READ),
    (f"{GOOD}.1", DEFAULT, CONFIRMED, []),
    ("21255501.", DEFAULT, None, [P.NUMBER_IMPOSSIBLE, *ASK]),
    (f"{GOOD}#.", DEFAULT, KeepHolding(reason=E.SILENCE), [P.PLACE_KEPT]),
    (f"{GOOD}.", UNCONFIRMED, None, [P.NOT_ENDED, *ASK]),
    (f"{GOOD}." * 3, UNCONFIRMED, KeepHolding(reason=E.TRIES_USED_UP), [P.NOT_ENDED, *USED_UP]),
    (".", UNCONFIRMED, KeepHolding(reason=E.SILENCE), [P.PLACE_KEPT]),
    # Too many digits are refused at once, and are no part of what follows.
    ("1" * 20, DEFAULT, None, []),
    ("1" * 21, DEFAULT, None, [P.TOO_LONG, *ASK]),
    ("1" * 21 + f"{GOOD}#1", DEFAULT, CONFIRMED, []),
    ("1" * 63, DEFAULT, KeepHolding(reason=E.TRIES_USED_UP), [P.TOO_LONG, *USED_UP]),
    # Keys of the host's own.
    (f"{GOOD}#9", KeypadPolicy(right_key="9", again_key="0"), CONFIRMED, []),
    (f"{GOOD}#0", KeypadPolicy(right_key="9", again_key="0"), None, ASK),
    (f"{GOOD}#1", KeypadPolicy(right_key="9", again_key="0"), None, [P.NOT_UNDERSTOOD, *READ]),
    # An extension.
    (f"{GOOD}#", EXTENDED, None, EXTENSION),
    (f"{GOOD}#4", EXTENDED, None, []),
    (f"{GOOD}##", EXTENDED, None, READ),
    (f"{GOOD}##1", EXTENDED, CONFIRMED, []),
    (f"{GOOD}#.", EXTENDED, None, READ),
    (f"{GOOD}.", EXTENDED, None, EXTENSION),
    (f"{GOOD}#42#", EXTENDED, None, [P.READ_BACK, P.READ_BACK_EXTENSION, *READ[1:]]),
    (f"{GOOD}#42.", EXTENDED, None, [P.READ_BACK, P.READ_BACK_EXTENSION, *READ[1:]]),
    (f"{GOOD}##", PLAIN_EXTENDED, UNREAD, []),
    (f"{GOOD}#.", PLAIN_EXTENDED, UNREAD, []),
    (f"{GOOD}#42.", PLAIN_EXTENDED, None, [P.NOT_ENDED, *EXTENSION]),
    (f"{GOOD}#42.#", PLAIN_EXTENDED, UNREAD, []),
    (f"{GOOD}#" + "4" * 21, EXTENDED, None, [P.TOO_LONG, *EXTENSION]),
    (f"{GOOD}#42#2", EXTENDED, None, ASK),
    (f"{GOOD}#42#2{GOOD}##1", EXTENDED, CONFIRMED, []),
    # S4: the extension of the number that the caller is calling from.
    ("#", EXTENDED, None, EXTENSION),
    ("##", EXTENDED, DONE_BY_HASH, []),
    ("#.", EXTENDED, DONE_BY_HASH, []),
    ("##", PLAIN_EXTENDED, DONE_BY_HASH, []),
    ("#*", EXTENDED, KeepHolding(reason=E.STAR), [P.PLACE_KEPT]),
    ("#42#", EXTENDED, None, [P.READ_BACK, P.READ_BACK_EXTENSION, *READ[1:]]),
    ("#42#1", EXTENDED, GivenNumber(number=PhoneNumber(CALLER, "42"), reason=E.CONFIRMED), []),
    ("#42#", PLAIN_EXTENDED, GivenNumber(number=PhoneNumber(CALLER, "42"), reason=E.NOT_CONFIRMED), []),
    ("#42#2", EXTENDED, None, ASK),
    # The caller id, keyed in: it is the same number, and not read back.
    ("2125550101#", DEFAULT, DONE_BY_HASH, []),
    ("2125550101.", DEFAULT, DONE_BY_HASH, []),
    ("2125550101#", UNCONFIRMED, DONE_BY_HASH, []),
    ("2125550101.", UNCONFIRMED, None, [P.NOT_ENDED, *ASK]),
    ("2125550101##", EXTENDED, DONE_BY_HASH, []),
]


@pytest.mark.parametrize(("keys", "policy", "done", "then"), TABLE)
def test_dialogue(keys: str, policy: KeypadPolicy, done: Any, then: list[KeypadPhrase]) -> None:
    """What the last key leads to: the result, and what is said."""
    step = hear(asked(policy=policy), keys)
    assert (step.done, phrases(step)) == (done, then)
    assert (step.dialogue.state == "done") is (done is not None)


@pytest.mark.parametrize(
    ("keys", "policy", "reason"),
    [(f"{GOOD}#42#1", EXTENDED, E.CONFIRMED), (f"{GOOD}#42#", PLAIN_EXTENDED, E.NOT_CONFIRMED)],
)
def test_extension_is_part_of_the_number(keys: str, policy: KeypadPolicy, reason: KeypadEnd) -> None:
    """And of the text that a request reads."""
    done = hear(asked(policy=policy), keys).done
    assert done == GivenNumber(number=PhoneNumber(E164, "42"), reason=reason)
    assert isinstance(done, GivenNumber)
    assert done.text == "+12125550123;ext=42"
    assert read_number(done.text, region="DE") == done.number


def test_results_as_text() -> None:
    """Without an extension it is E.164."""
    assert (DONE_BY_HASH.text, CONFIRMED.text) == (CALLER, E164)


@pytest.mark.parametrize(
    ("region", "keys", "e164", "phrase", "groups"),
    [
        ("US", "2125550123", "+12125550123", P.READ_BACK, ("212", "555", "0123")),
        ("US", "12125550123", "+12125550123", P.READ_BACK, ("212", "555", "0123")),
        ("US", "01112125550123", "+12125550123", P.READ_BACK, ("212", "555", "0123")),
        ("US", "0114930123456", "+4930123456", P.READ_BACK_ABROAD, ("49", "30", "123", "456")),
        ("CA", "2125550123", "+12125550123", P.READ_BACK, ("212", "555", "0123")),
        ("DE", "030123456", "+4930123456", P.READ_BACK, ("030", "123", "456")),
        ("DE", "004930123456", "+4930123456", P.READ_BACK, ("030", "123", "456")),
        ("DE", "0012125550123", "+12125550123", P.READ_BACK_ABROAD, ("1", "212", "555", "0123")),
        ("GB", "02079460958", "+442079460958", P.READ_BACK, ("020", "7946", "0958")),
        ("AU", "00114930123456", "+4930123456", P.READ_BACK_ABROAD, ("49", "30", "123", "456")),
        ("IT", "0212345678", "+390212345678", P.READ_BACK, ("02", "1234", "5678")),
    ],
)
def test_numbers_are_read_by_region(
    region: str, keys: str, e164: str, phrase: KeypadPhrase, groups: tuple[str, ...]
) -> None:
    """As people dial there, and read back as people write them there."""
    step = enter(asked(region=region), f"{keys}#")
    assert (step.say[0].phrase, step.say[0].groups) == (phrase, groups)
    done = press(step.dialogue, "1").done
    assert isinstance(done, GivenNumber)
    assert done.number.e164 == e164


@pytest.mark.parametrize("keys", ["004930123456", "4930123456", "0114930"])
def test_prefixes_of_other_countries_are_none(keys: str) -> None:
    """In the United States, 00 reaches nobody: a number is never guessed."""
    assert phrases(enter(asked(), f"{keys}#"))[1:] == ASK


# ---------------------------------------------------------------------------- withheld


@pytest.mark.parametrize(
    "caller_id", [None, "", "anonymous", "Restricted", "unknown", "+1", "0", "911", "+19005550123", "x" * 99]
)
def test_withheld_caller_id_is_no_number(caller_id: str | None) -> None:
    """C8: it is not offered; the hash alone is told that a number is needed, and costs a try."""
    step = begin(caller_id=caller_id, region="US")
    assert phrases(step) == [P.ENTER_NUMBER, P.STAY_BY]
    assert step.dialogue.same is None
    again = press(step.dialogue, "#")
    assert (again.done, phrases(again)) == (None, [P.NUMBER_NEEDED, P.ENTER_NUMBER, P.STAY_BY])
    assert enter(again.dialogue, f"{GOOD}#1").done == CONFIRMED
    used_up = enter(again.dialogue, "##")
    assert (used_up.done, phrases(used_up)) == (
        KeepHolding(reason=E.TRIES_USED_UP),
        [P.NUMBER_NEEDED, *USED_UP],
    )


def test_caller_id_is_read_by_region() -> None:
    """A PBX may give it as a local number."""
    done = press(asked("030 123456", region="DE"), "#").done
    assert done == SameNumber(number=PhoneNumber("+4930123456"))


# ---------------------------------------------------------------------------- numbers that are not called

HOME = NumberPolicy(
    blocked=("+1242",),
    regions={
        "DE": RegionRule(access=Access.TIERS, tiers=("gold",)),
        "FR": RegionRule(access=Access.REFUSE, alternatives=("whatsapp", "chat")),
    },
)


@pytest.mark.parametrize(
    ("keys", "then"),
    [
        ("9005550123", [P.NUMBER_PREMIUM_RATE]),
        ("12423591234", [P.NUMBER_BLOCKED]),
        ("0114930123456", [P.NUMBER_TIER_NEEDED]),
        ("01133123456789", [P.NUMBER_REGION_NOT_SERVED, P.INSTEAD]),
    ],
)
def test_refused_numbers_are_told_why(keys: str, then: list[KeypadPhrase]) -> None:
    """By the rules of the queue, with what it offers instead."""
    step = enter(asked(numbers=HOME), f"{keys}#")
    assert (step.done, phrases(step)) == (None, [*then, *ASK])
    assert [say.names for say in step.say if say.phrase is P.INSTEAD] == [("whatsapp", "chat")] * (
        len(then) - 1
    )


def test_tier_opens_a_region() -> None:
    """The same number, for one who is served there."""
    assert phrases(enter(asked(numbers=HOME, tier="gold"), "0114930123456#")) == [
        P.READ_BACK_ABROAD,
        *READ[1:],
    ]


def test_refused_caller_id_is_not_offered() -> None:
    """Else the hash alone would end in a refusal of the request."""
    assert asked("+33123456789", numbers=HOME).same is None


def test_every_problem_has_words() -> None:
    """One phrase for each; what is not known here is said without a reason."""
    assert set(PROBLEMS) == set(NumberProblem)
    assert len(set(PROBLEMS.values())) == len(NumberProblem)
    voice = Voice(DEFAULT, "en")
    for problem in NumberProblem:
        (why,) = voice.problem(InvalidNumber(problem=problem))
        assert why.phrase == f"number_{problem}"
    assert [say.phrase for say in voice.problem(NumberRefused("new", ""))] == [P.NUMBER_BLOCKED]


# ---------------------------------------------------------------------------- keys


@pytest.mark.parametrize("key", ["", "12", "a", "A", "+", " ", "٣", "３", "²", "\n", "\ud800", None, 1, b"1"])  # noqa: RUF001
def test_other_keys_are_refused(key: Any) -> None:
    """Of either dialogue, and wherever it is; nothing of them is shown."""
    for dialogue in (asked(), hear(asked(), f"{GOOD}#").dialogue, begin_code().dialogue):
        with pytest.raises(InvalidText, match="one of the keys") as refused:
            press(dialogue, key)
        assert "12" not in str(refused.value).split(";", maxsplit=1)[0]


@pytest.mark.parametrize("keys", ["", "1" * 101, "212 555", "+12125550123#", "٣#", None, ["1"]])
def test_other_texts_are_refused(keys: Any) -> None:
    """All of it, before any key of it is heard."""
    with pytest.raises(InvalidText, match="1 to 100 of the keys") as refused:
        enter(asked(), keys)
    assert "555" not in str(refused.value)


@pytest.mark.parametrize("tail", ["", "#", "34567#", "3" * 79, "345*"])
def test_too_many_digits_at_once_are_one_try(tail: str) -> None:
    """The rest of them was keyed in before anything could be said."""
    step = enter(asked(), "2" * 21 + tail)
    assert step.dialogue.wrong_count == 1
    assert step.done == (KeepHolding(reason=E.STAR) if tail.endswith("*") else None)


def test_keys_after_the_end_change_nothing() -> None:
    """They come late, and are not answered."""
    for ended in (hear(asked(), "#"), hear(asked(), f"{GOOD}#1"), hear(asked(), "*")):
        for key in (*KEYS, PAUSE):
            assert hear(ended.dialogue, key) == attrs.evolve(ended, say=())
    code = hear(begin_code().dialogue, "123456")
    for key in (*KEYS, PAUSE):
        assert hear(code.dialogue, key) == code


# ---------------------------------------------------------------------------- codes


@pytest.mark.parametrize(
    ("keys", "done", "then"),
    [
        ("123456", GivenCode(code="123456"), []),
        ("123456#", GivenCode(code="123456"), []),
        ("000000", GivenCode(code="000000"), []),
        ("12345", None, []),
        ("*", KeepHolding(reason=E.STAR), [P.PLACE_KEPT]),
        ("123*", KeepHolding(reason=E.STAR), [P.PLACE_KEPT]),
        (".", KeepHolding(reason=E.SILENCE), [P.PLACE_KEPT]),
        ("#", None, [P.CODE_TOO_SHORT, P.ENTER_CODE, P.STAY_BY]),
        ("12345#", None, [P.CODE_TOO_SHORT, P.ENTER_CODE, P.STAY_BY]),
        ("12345.", None, [P.CODE_TOO_SHORT, P.ENTER_CODE, P.STAY_BY]),
        ("12345#123456", GivenCode(code="123456"), []),
        ("###", KeepHolding(reason=E.TRIES_USED_UP), [P.CODE_TOO_SHORT, *USED_UP]),
        ("1#.", KeepHolding(reason=E.SILENCE), [P.PLACE_KEPT]),
    ],
)
def test_code(keys: str, done: Any, then: list[KeypadPhrase]) -> None:
    """C7: the last digit ends it; the hash key is not needed."""
    step = hear(begin_code(code_length=6).dialogue, keys)
    assert (step.done, phrases(step)) == (done, then)


def test_code_is_asked_for() -> None:
    """And, after a wrong one, asked for again."""
    assert said(begin_code(code_length=4).say) == (
        "Please enter the code of 4 digits. To keep holding, press star."
    )
    again = begin_code(wrong=True, changing=True)
    assert phrases(again) == [P.CODE_WRONG, P.ENTER_CODE, P.LEAVE_BY]


@pytest.mark.parametrize("code_length", [3, 11, 6.0, True, None])
def test_code_has_a_length(code_length: Any) -> None:
    """As a policy can have it: 4 to 10."""
    with pytest.raises(ConfigurationError, match="code_length is"):
        begin_code(code_length=code_length)
    assert [enter(begin_code(code_length=each).dialogue, "1" * each).done for each in (4, 10)] == [
        GivenCode(code="1" * 4),
        GivenCode(code="1" * 10),
    ]


# ---------------------------------------------------------------------------- words


@pytest.mark.parametrize("language", BUILT_IN)
def test_no_language_lacks_a_phrase(language: str) -> None:
    """Each has words for each phrase, and in them the figure that belongs to it, and no other."""
    words = BUILT_IN[language]
    assert set(words) == set(KeypadPhrase)
    for phrase, text in words.items():
        figures = [name for _, name, *_ in Formatter().parse(text) if name is not None]
        assert figures == ([FIGURES[phrase]] if phrase in FIGURES else [])
        assert text.endswith(".")


OWN = KeypadPolicy(
    words={
        "de": {P.ENTER_NUMBER: "Bitte die Nummer, dann Raute.", P.READ_BACK: "Ihre Nummer: {digits}."},
        "de-AT": {P.STAY_BY: "Mit dem Stern bleiben Sie dran."},
    }
)


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("de", ("Bitte die Nummer, dann Raute.", "To keep holding, press star.")),
        ("de-AT", ("Bitte die Nummer, dann Raute.", "Mit dem Stern bleiben Sie dran.")),
        ("de_CH", ("Bitte die Nummer, dann Raute.", "To keep holding, press star.")),
    ],
)
def test_words_of_the_host(language: str, texts: tuple[str, ...]) -> None:
    """As it is, without its region, and English for what the host has no words for."""
    step = begin(caller_id=None, region="DE", policy=OWN, language=language)
    assert tuple(say.text for say in step.say) == texts
    assert enter(step.dialogue, "030123456#").say[0].text == "Ihre Nummer: 0 3 0, 1 2 3, 4 5 6."


def test_english_of_the_host() -> None:
    """It stands for the built-in English in every language that has no words of its own."""
    policy = KeypadPolicy(words={"en": {P.STAY_BY: "Star keeps you on the line."}})
    for language in ("en", "en-US", "fr"):
        step = begin(caller_id=None, region="US", policy=policy, language=language)
        assert said(step.say) == f"{BUILT_IN['en'][P.ENTER_NUMBER]} Star keeps you on the line."


@pytest.mark.parametrize("language", ["fr", "en", "en-GB", "", "x", None])
def test_unknown_language_is_english(language: str | None) -> None:
    """As everywhere."""
    assert begin(caller_id=None, region="DE", policy=OWN, language=language).say[1].text == (
        "To keep holding, press star."
    )


def test_figures_are_in_the_words() -> None:
    """Digits one by one, with the key that does it; abroad with a plus."""
    step = enter(asked(policy=EXTENDED), "0114930123456#")
    assert said(enter(step.dialogue, "12345#").say) == (
        "The number is plus 4 9, 3 0, 1 2 3, 4 5 6. The extension is 1 2 3, 4 5. If that is right, press 1. "
        "To enter it again, press 2. To keep holding, press star."
    )
    refused = enter(asked(numbers=HOME), "01133123456789#")
    assert said(refused.say[:2]) == (
        "We cannot call numbers of that country. You can also reach us by whatsapp, chat."
    )


def examples() -> Iterator[tuple[str, PhoneNumber]]:
    """Yield a valid number of each type that a region has."""
    for region, kind in product(
        sorted(phonenumbers.SUPPORTED_REGIONS), phonenumbers.PhoneNumberType.values()
    ):
        number = phonenumbers.example_number_for_type(region, kind)
        if number is not None:
            e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
            if phonenumbers.is_valid_number(number):
                yield region, read_number(e164, region=region)


def test_what_is_read_back_is_the_number() -> None:
    """The digits that are said, dialed in that country, or after a plus in another one, reach the same number."""
    voice, said_at_once = Voice(DEFAULT, "en"), set[int]()
    for region, number in examples():
        for at in {region, "US", "DE"}:
            say = voice.read_back(number, region=at)[0]
            digits = "".join(say.groups)
            plus = "+" if say.phrase is P.READ_BACK_ABROAD else ""
            assert read_number(plus + digits, region=at) == number
            said_at_once |= {len(group) for group in say.groups}
    assert said_at_once == {1, 2, 3, 4}


# ---------------------------------------------------------------------------- laws

KINDS = dict.fromkeys("0123456789", KeypadInput.DIGIT) | {
    "#": KeypadInput.HASH,
    "*": KeypadInput.STAR,
    PAUSE: KeypadInput.SILENCE,
}
ANSWERS = st.sampled_from(
    [
        GOOD,
        f"{GOOD}#",
        f"{GOOD}.",
        f"{GOOD}#1",
        f"{GOOD}#2",
        f"{GOOD}##",
        f"{GOOD}##2",
        f"{GOOD}#42#",
        "0114930123456#",
        "911#",
        "5#",
        "2125550101#",
        "1",
        "2",
        "#",
        PAUSE,
        "1" * DIGITS_MAX,
    ]
)
ONE_KEY = st.sampled_from("0123456789###*" + PAUSE)
INPUTS = st.lists(ANSWERS | ANSWERS | ONE_KEY, max_size=12).map("".join)
POLICIES = st.builds(
    KeypadPolicy, tries_max=st.integers(1, 4), confirm=st.booleans(), extension=st.booleans()
)
CALLERS = st.sampled_from([CALLER, None, "anonymous"])


def steps(dialogue: NumberDialogue, keys: str) -> Iterator[tuple[NumberStep, str, NumberStep]]:
    """Yield each input with the step before it and the one that it leads to."""
    before = NumberStep(dialogue)
    for key in keys:
        after = silence(before.dialogue) if key == PAUSE else press(before.dialogue, key)
        yield before, key, after
        before = after


@LAW
@given(INPUTS, POLICIES, CALLERS)
def test_law_no_step_leaves_the_table(keys: str, policy: KeypadPolicy, caller_id: str | None) -> None:
    """Whatever is pressed; no try is lost, and none is left once the dialogue is over for want of one."""
    for before, key, after in steps(asked(caller_id, policy=policy), keys):
        old, new = before.dialogue, after.dialogue
        assert new.state in TRANSITIONS[old.state, KINDS[key]]
        assert (new.done is not None) is (new.state is NumberState.DONE)
        assert old.wrong_count <= new.wrong_count <= min(old.wrong_count + 1, policy.tries_max)
        used_up = new.done == KeepHolding(reason=E.TRIES_USED_UP)
        assert used_up is (new.wrong_count == policy.tries_max)
        assert len(new.typed) <= DIGITS_MAX
        assert (new.number is not None) is (new.state in {NumberState.EXTENSION, NumberState.READING_BACK})


@LAW
@given(INPUTS, POLICIES, CALLERS)
def test_law_given_number_was_read_back(keys: str, policy: KeypadPolicy, caller_id: str | None) -> None:
    """A number that is given can be read, and was said and confirmed just before, unless the policy has it so."""
    read_back: Sequence[Any] = ()
    for before, key, after in steps(asked(caller_id, policy=policy), keys):
        if before.dialogue.state is NumberState.READING_BACK and before.say:
            read_back = before.say
        done = after.done
        if before.done is None and isinstance(done, GivenNumber):
            assert read_number(done.text, region="US") == done.number
            assert done.reason is (E.CONFIRMED if policy.confirm else E.NOT_CONFIRMED)
            heard = Voice(policy, "en").read_back(done.number, region="US")
            if policy.confirm:
                assert (key, read_back[-1 - len(heard) : -1]) == (policy.right_key, heard)
        if isinstance(done, SameNumber):
            assert done.number.e164 == caller_id == CALLER


@LAW
@given(POLICIES, st.text(alphabet="0123456789#", min_size=4 * 45, max_size=4 * 45))
def test_law_every_dialogue_ends(policy: KeypadPolicy, keys: str) -> None:
    """At the latest when every try was spent on the longest number and the longest extension."""
    assert hear(asked(None, policy=policy), keys).done is not None


@LAW
@given(st.text(alphabet=KEYS, min_size=1, max_size=KEYS_MAX), POLICIES)
def test_law_keys_at_once_are_keys_one_by_one(keys: str, policy: KeypadPolicy) -> None:
    """But where there are too many digits, of which the rest is dropped."""
    dialogue = asked(policy=policy)
    too_long = any(P.TOO_LONG in phrases(after) for _, _, after in steps(dialogue, keys))
    at_once = enter(dialogue, keys)
    assert too_long or at_once == hear(dialogue, keys)
    code = begin_code(policy=policy).dialogue
    assert enter(code, keys) == hear(code, keys)


@LAW
@given(st.text(alphabet=[*KEYS, PAUSE], max_size=40), POLICIES, st.integers(4, 10))
def test_law_codes(keys: str, policy: KeypadPolicy, code_length: int) -> None:
    """No step leaves the table, and a code has its length."""
    dialogue = begin_code(code_length=code_length, policy=policy).dialogue
    for key in keys:
        after = hear(dialogue, key).dialogue
        assert isinstance(after, CodeDialogue)
        assert after.state in CODE_TRANSITIONS[dialogue.state, KINDS[key]]
        assert len(after.typed) < code_length
        assert dialogue.wrong_count <= after.wrong_count <= policy.tries_max
        if isinstance(after.done, GivenCode):
            assert len(after.done.code) == code_length
        dialogue = after


@LAW
@given(INPUTS, POLICIES)
def test_law_digits_are_in_no_repr(keys: str, policy: KeypadPolicy) -> None:
    """Neither of a step nor of what is said in it; and nothing of a dialogue is lost in a pickle."""
    for _, _, after in steps(asked(policy=policy), keys):
        shown = repr(after)
        assert not any(text in shown for text in ("5550", "2 1 2", "123456"))
        assert pickle.loads(pickle.dumps(after)) == after
    assert "4242" not in repr(hear(begin_code(policy=policy).dialogue, "424242"))
    assert "4242" not in repr(hear(begin_code(policy=policy).dialogue, "42424"))


def test_table_has_nothing_that_cannot_happen() -> None:
    """Every state that it has is reached: here is an input that leads there."""
    reached = {state: set[NumberState]() for state in TRANSITIONS}
    reached[None, None].add(asked().state)
    policies = [
        KeypadPolicy(tries_max=tries, confirm=confirm, extension=extension)
        for tries, confirm, extension in product((1, 2), (True, False), (True, False))
    ]
    starts = [
        "",
        GOOD,
        "5",
        "1" * DIGITS_MAX,
        f"{GOOD}#",
        f"{GOOD}#4",
        f"{GOOD}#" + "4" * DIGITS_MAX,
        f"{GOOD}##",
    ]
    for policy, start, caller_id in product(policies, starts, (CALLER, None)):
        dialogue = hear(asked(caller_id, policy=policy), start).dialogue
        assert isinstance(dialogue, NumberDialogue)
        for key, kind in KINDS.items():
            after = hear(dialogue, key).dialogue
            assert isinstance(after, NumberDialogue)
            reached[dialogue.state, kind].add(after.state)
    assert reached == TRANSITIONS


def test_table_of_codes_has_nothing_that_cannot_happen() -> None:
    """The same of the smaller table."""
    reached = {state: set[CodeState]() for state in CODE_TRANSITIONS}
    reached[None, None].add(begin_code().dialogue.state)
    for tries, start in product((1, 2), ("", "1", "12345", "123456")):
        dialogue = hear(begin_code(policy=KeypadPolicy(tries_max=tries)).dialogue, start).dialogue
        assert isinstance(dialogue, CodeDialogue)
        for key, kind in KINDS.items():
            after = hear(dialogue, key).dialogue
            assert isinstance(after, CodeDialogue)
            reached[dialogue.state, kind].add(after.state)
    assert reached == CODE_TRANSITIONS


def test_all_is_exported() -> None:
    """What a host needs stands in one module."""
    assert [name for name in keypad.__all__ if not hasattr(keypad, name)] == []
    assert sorted(keypad.__all__) == sorted(set(keypad.__all__))

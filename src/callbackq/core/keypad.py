"""
The keypad dialogue: a caller keys in the number at which to be called, or a one-time code.

A dialogue is a value. Each key, and each silence, gives a step: the dialogue that follows, what is said now, and the
result once there is one. The host plays what is said, waits for a key, and says so; how long it waits is its own
affair, for there is no clock here. A dialogue can be pickled and kept between two requests of a web hook.

Nothing is changed by a dialogue: the caller keeps the place in line until the host makes the promise, or changes the
number, with what the dialogue gave. So every end but a number leaves all as it was.

::

    ASKING ── digits, # ──> EXTENSION (if asked for) ── digits, # ──> READING_BACK (if confirmed) ── right ──> DONE
        ^                                                                  │
        └──────────────────────────── again ───────────────────────────────┘

Without digits, the hash key is the number that the caller is calling from, which is not read back; and no extension.

The star keeps holding, wherever the caller is. What is wrong is said in words and counted as a try: a number that
cannot be called, one that the caller takes back, a key that means nothing. When the tries are used up, the caller
holds on.

Rule 1: TRANSITIONS is the whole truth. A step that is not in it cannot happen.
Rule 2: every dialogue ends: each input adds a digit, of which there is a highest number, or moves on, or costs a try.
Rule 3: digits are in no repr and in no error.
"""

from __future__ import annotations

from typing import Final, cast, overload

import attrs

from callbackq.core.keypad_speech import KeypadSay, Voice, said
from callbackq.core.keypad_states import (
    CODE_TRANSITIONS,
    TRANSITIONS,
    CodeDialogue,
    CodeState,
    CodeStep,
    GivenCode,
    GivenNumber,
    KeepHolding,
    KeypadEnd,
    KeypadInput,
    NumberDialogue,
    NumberState,
    NumberStep,
    SameNumber,
)
from callbackq.core.number_rules import check_dialable
from callbackq.core.numbers import PhoneNumber, read_number
from callbackq.errors import ConfigurationError, InvalidNumber, InvalidText
from callbackq.policy import NumberPolicy
from callbackq.policy.checks import int_within
from callbackq.policy.keypad import KeypadPhrase, KeypadPolicy

__all__ = [
    "CODE_TRANSITIONS",
    "DIGITS_MAX",
    "KEYS",
    "KEYS_MAX",
    "TRANSITIONS",
    "CodeDialogue",
    "CodeState",
    "CodeStep",
    "GivenCode",
    "GivenNumber",
    "KeepHolding",
    "KeypadEnd",
    "KeypadInput",
    "KeypadPhrase",
    "KeypadPolicy",
    "KeypadSay",
    "NumberDialogue",
    "NumberState",
    "NumberStep",
    "SameNumber",
    "begin",
    "begin_code",
    "enter",
    "press",
    "said",
    "silence",
]

KEYS: Final = "0123456789*#"
KEYS_MAX: Final = 100
"""The longest text of keys that `enter` takes at once."""
DIGITS_MAX: Final = 20
"""The longest number or extension: 15 digits, and what is dialed before them to reach another country."""
_CODE_LENGTH_MIN, _CODE_LENGTH_MAX = 4, 10

_DEFAULT: Final = KeypadPolicy()
_NUMBERS: Final = NumberPolicy()
_ENGLISH: Final = "en"


def begin(
    *,
    caller_id: str | None,
    region: str,
    policy: KeypadPolicy = _DEFAULT,
    numbers: NumberPolicy = _NUMBERS,
    tier: str | None = None,
    language: str | None = None,
    changing: bool = False,
) -> NumberStep:
    """
    Begin to ask for the number at which to call.

    Args:
        caller_id: the number that the caller is calling from; None, or any text that is no number, if it is withheld.
            Where it cannot be called, it is not offered, and a number is needed.
        region: the country in which numbers without a country code are read, such as `US`: the queue's
            `default_region`.
        numbers: which numbers are called: the queue's. tier: the customer's.
        language: of the words, such as `de-AT`; English if None, and where neither callbackq nor the policy has any.
        changing: the number of a callback that there is already is changed. The star then leaves it as it is.

    Returns:
        The first step, with what is asked.

    Raises:
        ConfigurationError: there is no such region.

    Cost: some tens of microseconds; more with the first number of a process.

    >>> step = begin(caller_id="+1 212 555 0101", region="US")
    >>> step = enter(step.dialogue, "2125550123#")
    >>> [say.text for say in step.say]  # doctest: +NORMALIZE_WHITESPACE
    ['The number is 2 1 2, 5 5 5, 0 1 2 3.', 'If that is right, press 1.', 'To enter it again, press 2.',
     'To keep holding, press star.']
    >>> press(step.dialogue, "1").done
    GivenNumber(number=PhoneNumber(e164='+1…23'), reason=<KeypadEnd.CONFIRMED: 'confirmed'>)
    """
    _check_region(region)
    dialogue = NumberDialogue(
        policy=policy,
        region=region,
        numbers=numbers,
        tier=tier,
        language=language or _ENGLISH,
        changing=changing,
        same=_same(caller_id, region, numbers, tier),
    )
    return _ask(dialogue)


def begin_code(
    *,
    code_length: int = 6,
    policy: KeypadPolicy = _DEFAULT,
    language: str | None = None,
    wrong: bool = False,
    changing: bool = False,
) -> CodeStep:
    """
    Begin to ask for a one-time code.

    Args:
        code_length: how many digits it has, 4 to 10: the `code_length` of the queue's `Verify`. The last of them
            ends the dialogue; the hash key is not needed.
        language: of the words, as in `begin`.
        wrong: the code that was entered before was not the right one: that is said first.
        changing: as in `begin`.

    Raises:
        ConfigurationError: *code_length* is out of its bounds.

    >>> enter(begin_code(code_length=6).dialogue, "123456").done
    GivenCode(reason=<KeypadEnd.CODE_ENTERED: 'code_entered'>)
    """
    int_within("code_length", code_length, _CODE_LENGTH_MIN, _CODE_LENGTH_MAX)
    dialogue = CodeDialogue(
        policy=policy, code_length=code_length, language=language or _ENGLISH, changing=changing
    )
    why = (_voice(dialogue).say(KeypadPhrase.CODE_WRONG),) if wrong else ()
    return _ask_code(dialogue, why)


def _check_region(region: object) -> None:
    import phonenumbers

    if not isinstance(region, str) or region not in phonenumbers.SUPPORTED_REGIONS:
        raise ConfigurationError("region", region, "two capital letters of a country with phone numbers")


def _same(caller_id: str | None, region: str, numbers: NumberPolicy, tier: str | None) -> PhoneNumber | None:
    """Return the caller id where it is a number that can be called: "anonymous" is none."""
    try:
        return _dialable(caller_id, region, numbers, tier)
    except InvalidNumber:
        return None


def _dialable(text: str | None, region: str, numbers: NumberPolicy, tier: str | None) -> PhoneNumber:
    """Read a number that can be called. Raises: InvalidNumber, NumberRefused."""
    number = read_number(text, region=region)
    check_dialable(number.e164, policy=numbers, tier=tier)
    return number


# ---------------------------------------------------------------------------- inputs


@overload
def press(dialogue: NumberDialogue, key: str) -> NumberStep: ...
@overload
def press(dialogue: CodeDialogue, key: str) -> CodeStep: ...
def press(dialogue: NumberDialogue | CodeDialogue, key: str) -> NumberStep | CodeStep:
    """
    Hear one key. After the end, keys change nothing.

    Args:
        key: one of 0 to 9, `*` and `#`, in ASCII.

    Raises:
        InvalidText: it is none of these. It is not shown, for it may be part of a number.

    Cost: less than ten microseconds for a digit; up to two hundred where a number is read and said.
    """
    return _heard(dialogue, _checked(key, 1))


@overload
def enter(dialogue: NumberDialogue, keys: str) -> NumberStep: ...
@overload
def enter(dialogue: CodeDialogue, keys: str) -> CodeStep: ...
def enter(dialogue: NumberDialogue | CodeDialogue, keys: str) -> NumberStep | CodeStep:
    """
    Hear several keys at once, for an IVR that collects them: as `press`, one after the other.

    Of what is said on the way, only the last step's is returned: nobody heard the rest. Where there are too many
    digits, the rest of them is dropped with the hash key that ends them, so that they are one wrong try and not two.

    Args:
        keys: 1 to 100 keys. An IVR that keeps the hash key for itself must give it back: `digits + "#"`. If nothing
            was pressed, say `silence`.

    Raises:
        InvalidText: it is empty, too long, or has anything else in it. Then nothing of it was heard.

    >>> enter(begin(caller_id="+12125550101", region="US").dialogue, "#").done
    SameNumber(number=PhoneNumber(e164='+1…01'), reason=<KeypadEnd.SAME: 'same'>)
    """
    key, left = _checked(keys, KEYS_MAX)[0], keys[1:]
    step = _heard(dialogue, key)
    while left:
        key, left = left[0], left[1:]
        step = _heard(step.dialogue, key)
        if step.say and step.say[0].phrase is KeypadPhrase.TOO_LONG:
            left = left.lstrip("0123456789").removeprefix("#")
    return step


@overload
def silence(dialogue: NumberDialogue) -> NumberStep: ...
@overload
def silence(dialogue: CodeDialogue) -> CodeStep: ...
def silence(dialogue: NumberDialogue | CodeDialogue) -> NumberStep | CodeStep:
    """
    Hear that nothing more was pressed for as long as the host waits.

    After digits of a number it is a hash key that was forgotten: the number is read back. Where numbers are not read
    back it is a wrong try, for nobody knows whether the number was complete. Where an extension can be given, it
    means that there is none. After some digits of a code it is a wrong try. Else the caller holds on. After the end
    it changes nothing.
    """
    return _heard(dialogue, None)


def _checked(keys: object, most: int) -> str:
    allowed = f"1 to {most} of the keys {KEYS}" if most > 1 else f"one of the keys {KEYS}"
    if not isinstance(keys, str):
        raise InvalidText(f"keys are {type(keys).__name__}; allowed: {allowed}")
    if not 1 <= len(keys) <= most:
        raise InvalidText(f"there are {len(keys)} keys; allowed: {allowed}")
    if not set(keys) <= set(KEYS):
        raise InvalidText(f"there is something else among the keys; allowed: {allowed}")
    return keys


def _heard(dialogue: NumberDialogue | CodeDialogue, key: str | None) -> NumberStep | CodeStep:
    """Hear one key; None: silence."""
    return _in_code(dialogue, key) if isinstance(dialogue, CodeDialogue) else _in_number(dialogue, key)


# ---------------------------------------------------------------------------- a number


def _in_number(dialogue: NumberDialogue, key: str | None) -> NumberStep:
    if dialogue.state is NumberState.DONE:
        return NumberStep(dialogue)
    if key == "*":
        return _hold(dialogue, KeypadEnd.STAR)
    if dialogue.state is NumberState.READING_BACK:
        return _answered(dialogue, key)
    if key is None:
        return _paused(dialogue)
    if key != "#":
        return _typed(dialogue, key)
    return _number_ended(dialogue) if dialogue.state is NumberState.ASKING else _extension_ended(dialogue)


def _typed(dialogue: NumberDialogue, key: str) -> NumberStep:
    if len(dialogue.typed) >= DIGITS_MAX:
        return _wrong(dialogue, (_voice(dialogue).say(KeypadPhrase.TOO_LONG),))
    return NumberStep(attrs.evolve(dialogue, typed=dialogue.typed + key))


def _paused(dialogue: NumberDialogue) -> NumberStep:
    if dialogue.typed and not dialogue.policy.confirm:
        return _wrong(dialogue, (_voice(dialogue).say(KeypadPhrase.NOT_ENDED),))
    if dialogue.state is NumberState.EXTENSION:
        return _extension_ended(dialogue)
    return _number_ended(dialogue) if dialogue.typed else _hold(dialogue, KeypadEnd.SILENCE)


def _number_ended(dialogue: NumberDialogue) -> NumberStep:
    number = dialogue.same
    if dialogue.typed:
        try:
            number = _dialable(dialogue.typed, dialogue.region, dialogue.numbers, dialogue.tier)
        except InvalidNumber as error:
            return _wrong(dialogue, _voice(dialogue).problem(error))
    elif number is None:
        return _wrong(dialogue, (_voice(dialogue).say(KeypadPhrase.NUMBER_NEEDED),))
    understood = attrs.evolve(dialogue, typed="", number=number)
    if dialogue.policy.extension:
        return _ask(attrs.evolve(understood, state=NumberState.EXTENSION))
    return _understood(understood, number)


def _extension_ended(dialogue: NumberDialogue) -> NumberStep:
    number = _number_of(dialogue)
    if dialogue.typed:
        number = attrs.evolve(number, extension=dialogue.typed)
    return _understood(attrs.evolve(dialogue, typed="", number=number), number)


def _number_of(dialogue: NumberDialogue) -> PhoneNumber:
    """Return the number that was understood: in each state after ASKING there is one."""
    return cast("PhoneNumber", dialogue.number)


def _understood(dialogue: NumberDialogue, number: PhoneNumber) -> NumberStep:
    """Read the number back, if that has to be: not the caller id, of which nobody can be wrong."""
    if number == dialogue.same:
        return _number_done(dialogue, SameNumber(number=number))
    if dialogue.policy.confirm:
        return _ask(attrs.evolve(dialogue, state=NumberState.READING_BACK))
    return _number_done(dialogue, GivenNumber(number=number, reason=KeypadEnd.NOT_CONFIRMED))


def _answered(dialogue: NumberDialogue, key: str | None) -> NumberStep:
    """Hear whether the number that was read back is right."""
    if key is None:
        return _hold(dialogue, KeypadEnd.SILENCE)
    if key == dialogue.policy.right_key:
        given = GivenNumber(number=_number_of(dialogue), reason=KeypadEnd.CONFIRMED)
        return _number_done(dialogue, given)
    if key == dialogue.policy.again_key:
        return _wrong(attrs.evolve(dialogue, state=NumberState.ASKING, number=None), ())
    return _wrong(dialogue, (_voice(dialogue).say(KeypadPhrase.NOT_UNDERSTOOD),))


def _wrong(dialogue: NumberDialogue, why: tuple[KeypadSay, ...]) -> NumberStep:
    """Count a try, say why, and ask again; or let the caller hold on, if it was the last."""
    counted = attrs.evolve(dialogue, typed="", wrong_count=dialogue.wrong_count + 1)
    if counted.wrong_count >= dialogue.policy.tries_max:
        return _hold(counted, KeypadEnd.TRIES_USED_UP, why)
    return _ask(counted, why)


def _ask(dialogue: NumberDialogue, why: tuple[KeypadSay, ...] = ()) -> NumberStep:
    """Say what is wrong, if anything is, and what is asked where the dialogue is."""
    voice, says = _voice(dialogue), list(why)
    if dialogue.state is NumberState.READING_BACK:
        says += voice.read_back(_number_of(dialogue), region=dialogue.region)
    elif dialogue.state is NumberState.EXTENSION:
        says += voice.say(KeypadPhrase.ENTER_EXTENSION), voice.say(KeypadPhrase.NO_EXTENSION_BY)
    else:
        says.append(voice.say(KeypadPhrase.ENTER_NUMBER))
        if dialogue.same is not None:
            says.append(voice.say(KeypadPhrase.SAME_BY))
    return NumberStep(dialogue, (*says, _star(dialogue)))


def _hold(dialogue: NumberDialogue, reason: KeypadEnd, why: tuple[KeypadSay, ...] = ()) -> NumberStep:
    held = KeepHolding(reason=reason)
    return NumberStep(_number_done(dialogue, held).dialogue, (*why, *_held(dialogue, reason)))


def _number_done(dialogue: NumberDialogue, done: SameNumber | GivenNumber | KeepHolding) -> NumberStep:
    """End it. What was keyed in stands in the result, and nowhere else."""
    return NumberStep(attrs.evolve(dialogue, state=NumberState.DONE, typed="", number=None, done=done))


# ---------------------------------------------------------------------------- a code


def _in_code(dialogue: CodeDialogue, key: str | None) -> CodeStep:
    if dialogue.state is CodeState.DONE:
        return CodeStep(dialogue)
    if key == "*":
        return _hold_code(dialogue, KeypadEnd.STAR)
    if key is None and not dialogue.typed:
        return _hold_code(dialogue, KeypadEnd.SILENCE)
    if key is None or key == "#":
        return _short_code(dialogue)
    typed = dialogue.typed + key
    if len(typed) < dialogue.code_length:
        return CodeStep(attrs.evolve(dialogue, typed=typed))
    return CodeStep(attrs.evolve(dialogue, state=CodeState.DONE, typed="", done=GivenCode(code=typed)))


def _short_code(dialogue: CodeDialogue) -> CodeStep:
    """Count a try. A code that has all its digits is taken with the last of them, so this one lacks some."""
    why = (_voice(dialogue).say(KeypadPhrase.CODE_TOO_SHORT, length=dialogue.code_length),)
    counted = attrs.evolve(dialogue, typed="", wrong_count=dialogue.wrong_count + 1)
    if counted.wrong_count >= dialogue.policy.tries_max:
        return _hold_code(counted, KeypadEnd.TRIES_USED_UP, why)
    return _ask_code(counted, why)


def _ask_code(dialogue: CodeDialogue, why: tuple[KeypadSay, ...] = ()) -> CodeStep:
    ask = _voice(dialogue).say(KeypadPhrase.ENTER_CODE, length=dialogue.code_length)
    return CodeStep(dialogue, (*why, ask, _star(dialogue)))


def _hold_code(dialogue: CodeDialogue, reason: KeypadEnd, why: tuple[KeypadSay, ...] = ()) -> CodeStep:
    ended = attrs.evolve(dialogue, state=CodeState.DONE, typed="", done=KeepHolding(reason=reason))
    return CodeStep(ended, (*why, *_held(dialogue, reason)))


# ---------------------------------------------------------------------------- what both say


def _voice(dialogue: NumberDialogue | CodeDialogue) -> Voice:
    return Voice(dialogue.policy, dialogue.language)


def _star(dialogue: NumberDialogue | CodeDialogue) -> KeypadSay:
    """Say what the star does."""
    return _voice(dialogue).say(KeypadPhrase.LEAVE_BY if dialogue.changing else KeypadPhrase.STAY_BY)


def _held(dialogue: NumberDialogue | CodeDialogue, reason: KeypadEnd) -> tuple[KeypadSay, ...]:
    """Say that nothing came of it, and that nothing is lost."""
    voice = _voice(dialogue)
    failed = (voice.say(KeypadPhrase.TRIES_USED_UP),) if reason is KeypadEnd.TRIES_USED_UP else ()
    return (
        *failed,
        voice.say(KeypadPhrase.NOTHING_CHANGED if dialogue.changing else KeypadPhrase.PLACE_KEPT),
    )

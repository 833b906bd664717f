"""
Random input for every entry that takes what strangers write: numbers, keys, codes, zones and hours.

The rule: nothing is raised but the documented errors, nothing of the input is shown in them or in what they come of,
and what is taken is what the docstrings say. All chance follows from a seed; the n-th input of a seed is the same in
every process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from random import Random
from types import MappingProxyType
from typing import Final
from unicodedata import decimal

import attrs

from callbackq.core import codes, keypad
from callbackq.core.customer_hours import read_hours
from callbackq.core.number_rules import check_dialable
from callbackq.core.numbers import read_number
from callbackq.core.zones import check_zone, zones_of_number
from callbackq.errors import InvalidNumber, InvalidText
from callbackq.ids import DEFAULT_TENANT, QueueName, VerificationId
from callbackq.model import Verification
from callbackq.policy import NumberPolicy, Verify
from callbackq.testing.clock import START

REGIONS: Final = ("US", "GB", "DE", "FR", "IT", "AU", "IN", "BR", "JP", "ZA")
_MESSAGE_MAX: Final = 400
_DIGITS_SHOWN_MAX: Final = 4
_LONG: Final = 10_000
_CODE: Final = "402713"
_PEPPER: Final = bytes(32)
_VERIFY: Final = Verify()
_NUMBERS: Final = NumberPolicy()


@attrs.frozen(kw_only=True)
class FuzzFinding:
    """An input that was not treated as it should be: which, and what came of it."""

    entry: str
    index: int
    problem: str


@attrs.frozen(kw_only=True)
class FuzzReport:
    """What came of many inputs: how many each entry took, and refused; and what was found."""

    inputs_count: int = 0
    taken: Counter[str] = attrs.field(factory=Counter[str])
    refused: Counter[str] = attrs.field(factory=Counter[str])
    findings: tuple[FuzzFinding, ...] = ()

    def __add__(self, other: FuzzReport) -> FuzzReport:
        return FuzzReport(
            inputs_count=self.inputs_count + other.inputs_count,
            taken=self.taken + other.taken,
            refused=self.refused + other.refused,
            findings=self.findings + other.findings,
        )


# ---------------------------------------------------------------------------- what strangers write

_SCRIPTS: Final = tuple(ord(zero) for zero in "0٠۰०০௦๐０𝟎")  # noqa: RUF001
_MARKS: Final = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2069\u200b\u200c\u200d\u2060\ufeff\u00ad"
_PLUSES: Final = "+＋﹢⁺➕"  # noqa: RUF001
_BETWEEN: Final = " -.()/\u2011\u2013\u00a0\u3000x#*;,"
_ATTACKS: Final = (
    "'; DROP TABLE callbackq_callbacks; --",
    "1 OR 1=1",
    "\r\nINFO login ok user=admin",
    "\x1b[2J\x1b[31m",
    "%s%n%x",
    "${jndi:ldap://x}",
    "{0.__class__}",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "\x00",
    "\ud800",
    "🎉☎️",
    "tel:+12125550101;phone-context=evil;isub=1",
    "sip:100@10.0.0.1",
)
_ZONES: Final = (
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "UTC",
    "localtime",
    "posix/UTC",
    "Factory",
)
_HOURS: Final = ("09:00-12:00", "14:00-18:00", "22:00-02:00", "24:00-25:00", "9-5", "00:00-24:00")
_KEYS: Final = "0123456789*#"


def _digits(chance: Random, count: int) -> str:
    zero = chance.choice(_SCRIPTS) if chance.random() < 0.2 else ord("0")
    return "".join(chr(zero + chance.randrange(10)) for _ in range(count))


def _like_a_number(chance: Random) -> str:
    """Return digits of a likely length, with or without plus, spaces, extension and invisible marks."""
    plus = chance.choice(_PLUSES) if chance.random() < 0.5 else ""
    country = (
        chance.choice(("1", "44", "49", "33", "39", "61", "91", "55", "81", "27", "882", "800", ""))
        if plus
        else ""
    )
    body = _digits(chance, chance.randrange(0, 16))
    if chance.random() < 0.4:
        body = "".join(
            character + (chance.choice(_BETWEEN) if chance.random() < 0.3 else "") for character in body
        )
    extension = f" ext. {_digits(chance, chance.randrange(1, 9))}" if chance.random() < 0.1 else ""
    return _marked(chance, f"{plus}{country}{body}{extension}")


def _example(chance: Random) -> str:
    """Return a number that some country gives as an example of some type, its last digits changed, in any format."""
    import phonenumbers

    region = chance.choice(_all_regions())
    example = phonenumbers.example_number_for_type(region, chance.randrange(11))
    if example is None:
        return _like_a_number(chance)
    national = phonenumbers.national_significant_number(example)
    kept = len(national) - chance.randrange(4)
    digits = national[:kept] + "".join(str(chance.randrange(10)) for _ in national[kept:])
    plain = f"+{example.country_code}{digits}"
    if chance.random() < 0.5:
        return _marked(chance, plain)
    return _marked(chance, "".join(f"{digit}{chance.choice(('', '', ' ', '-'))}" for digit in plain))


@cache
def _all_regions() -> tuple[str, ...]:
    import phonenumbers

    return tuple(sorted(phonenumbers.SUPPORTED_REGIONS))


def _marked(chance: Random, text: str) -> str:
    if chance.random() < 0.2:
        at = chance.randrange(len(text) + 1)
        text = text[:at] + chance.choice(_MARKS) + text[at:]
    return text


def _noise(chance: Random) -> str:
    kind = chance.randrange(4)
    if kind == 0:
        return chance.choice(_ATTACKS) + _digits(chance, chance.randrange(8))
    if kind == 1:
        return chance.choice("0+ *a☎") * chance.choice((_LONG, 65, 64, 251))
    count = chance.randrange(40)
    return "".join(
        chr(chance.choice((chance.randrange(0x80), chance.randrange(0x11_0000)))) for _ in range(count)
    )


def _text(chance: Random) -> str:
    kind = chance.random()
    if kind < 0.4:
        return _example(chance)
    return _like_a_number(chance) if kind < 0.75 else _noise(chance)


# ---------------------------------------------------------------------------- the entries


def _number(chance: Random) -> bool:
    text = _text(chance)
    try:
        number = read_number(text, region=chance.choice(REGIONS))
        check_dialable(number.e164, policy=_NUMBERS, tier=None)
    except InvalidNumber as error:
        _check_error(error, text)
        return False
    assert read_number(number.e164, region="US").e164 == number.e164, "what was read is read otherwise again"
    assert number.e164[1:].isascii(), "not ASCII"
    assert number.e164[1:].isdigit(), "not digits"
    assert zones_of_number(number.e164) is not None
    return True


def _keys(chance: Random) -> bool:
    caller_id = _text(chance) if chance.random() < 0.5 else "+12125550101"
    step = keypad.begin(caller_id=caller_id, region=chance.choice(REGIONS))
    for _ in range(chance.randrange(1, 12)):
        if step.done is not None:
            break
        kind = chance.random()
        if kind < 0.1:
            step = keypad.silence(step.dialogue)
            continue
        keys = "".join(chance.choice(_KEYS) for _ in range(chance.randrange(1, 24)))
        junk = kind < 0.15
        text = _noise(chance) if junk else keys + ("#1" if chance.random() < 0.5 else "")
        try:
            step = keypad.enter(step.dialogue, text)
        except InvalidText as error:
            assert junk, "keys of a phone were refused"
            _check_error(error, text)
            return False
    if isinstance(step.done, keypad.GivenNumber):
        again = read_number(step.done.number.e164, region="US").e164
        assert again == step.done.number.e164, "a number was given that is none"
    return step.done is not None


def _code(chance: Random) -> bool:
    sent = Verification(
        tenant_id=DEFAULT_TENANT,
        verification_id=VerificationId("vf_1"),
        number_key="k",
        queue=QueueName("support"),
        code_hash=codes.hash_code(
            _CODE, verification_id=VerificationId("vf_1"), tenant_id=DEFAULT_TENANT, pepper=_PEPPER
        ),
        sent_at=START,
        expires_at=START + timedelta(minutes=10),
    )
    entered = _CODE if chance.random() < 0.05 else chance.choice((_text, _noise))(chance)
    if chance.random() < 0.5:
        entered = _digits(chance, 6)
    after, verdict = codes.check(sent, entered, policy=_VERIFY, pepper=_PEPPER, now=START)
    right = codes.read_code(entered) == _CODE
    assert (verdict is codes.Verdict.RIGHT) == right, f"the verdict is {verdict.value}"
    assert right or after.tries_count == 1, "a wrong code is no try"
    return right


def _zone(chance: Random) -> bool:
    kind = chance.random()
    text = chance.choice(_ZONES) if kind < 0.4 else _noise(chance)
    if kind < 0.2:
        text = _marked(chance, text) + chance.choice(("", "/", " ", "\x00", "/.."))
    try:
        check_zone(text)
    except InvalidText as error:
        _check_error(error, text)
        return False
    assert text in _ZONES, "no such zone was taken"
    return True


def _hours(chance: Random) -> bool:
    days = ("monday", "sunday", "funday", "Monday", "")
    hours: object = {
        chance.choice(days): (
            ",".join(chance.choice(_HOURS) for _ in range(chance.randrange(1, 4)))
            if chance.random() < 0.7
            else _noise(chance)
        )
        for _ in range(chance.randrange(3))
    }
    if chance.random() < 0.1:
        hours = _noise(chance)
    try:
        read_hours(hours)
    except InvalidText as error:
        _check_error(error, "")
        return False
    return True


def _check_error(error: BaseException | None, text: str) -> None:
    """Neither it nor what it comes of tells anything of the input: both stand in a traceback."""
    while error is not None:
        _check_message(str(error), text)
        error = error.__cause__ or error.__context__


def _check_message(message: str, text: str) -> None:
    """A message is short, can be shown in one line of a log, and tells nothing of the input but a masked number."""
    assert message.isprintable(), "a message cannot be shown in one line"
    assert len(message) <= _MESSAGE_MAX, "a message is too long"
    digits = "".join(str(found) for character in text if (found := decimal(character, -1)) >= 0)
    run = ""
    for character in f"{message} ":
        run = run + character if character.isascii() and character.isdigit() else ""
        assert len(run) <= _DIGITS_SHOWN_MAX or run not in digits, "a message shows a part of the number"


ENTRIES: Final[Mapping[str, Callable[[Random], bool]]] = MappingProxyType(
    {"number": _number, "keypad": _keys, "code": _code, "zone": _zone, "hours": _hours}
)
"""Each takes one random input, and says whether it was taken. What it raises is a finding."""

_ORDER: Final = ("number", "keypad", "code", "number", "zone", "keypad", "code", "number", "hours", "keypad")


def fuzz(seed: int, *, inputs: int, first: int = 0) -> FuzzReport:
    """
    Try *inputs* random inputs, from the *first* of this seed on.

    Cost: 50 to 300 us each.

    >>> report = fuzz(1, inputs=100)
    >>> report.inputs_count, report.findings
    (100, ())
    """
    taken, refused = Counter[str](), Counter[str]()
    findings: list[FuzzFinding] = []
    for index in range(first, first + inputs):
        entry = _ORDER[index % len(_ORDER)]
        try:
            counted = taken if ENTRIES[entry](Random(f"{seed}/{index}")) else refused
        except Exception as error:
            findings.append(FuzzFinding(entry=entry, index=index, problem=f"{type(error).__name__}: {error}"))
            continue
        counted[entry] += 1
    return FuzzReport(inputs_count=inputs, taken=taken, refused=refused, findings=tuple(findings))

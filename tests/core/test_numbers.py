"""Phone numbers as people, PBXs and attackers write them: a valid number in E.164, or `InvalidNumber`."""

from __future__ import annotations

import re
from typing import Any

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callbackq.core import numbers
from callbackq.core.number_plans import is_read_as_written
from callbackq.core.numbers import (
    INPUT_MAX,
    NumberKind,
    PhoneNumber,
    kind_of,
    number_key,
    read_number,
)
from callbackq.errors import InvalidNumber, NumberRefused
from callbackq.model import NumberProblem, NumberType
from core.samples import LAW

E164 = re.compile(r"\+[1-9][0-9]{4,14}")
PEPPER = bytes(range(32))

FULL_WIDTH = str.maketrans("+0123456789", "＋０１２３４５６７８９")  # noqa: RUF001
ARABIC_INDIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
DEVANAGARI = str.maketrans("0123456789", "०१२३४५६७८९")


@pytest.mark.parametrize(
    ("text", "region", "e164", "extension"),
    [
        ("+12125550123", "US", "+12125550123", None),
        ("+12125550123", "DE", "+12125550123", None),
        ("212-555-0123", "US", "+12125550123", None),
        ("(212) 555-0123", "US", "+12125550123", None),
        ("2125550123", "US", "+12125550123", None),
        ("12125550123", "US", "+12125550123", None),
        ("1-800-FLOWERS", "US", "+18003569377", None),
        ("tel:+1-212-555-0123", "US", "+12125550123", None),
        ("00 1 212 555 0123", "DE", "+12125550123", None),
        ("030 123456", "DE", "+4930123456", None),
        ("+49 (0)30 123456", "US", "+4930123456", None),
        ("020 7946 0958", "GB", "+442079460958", None),
        ("02 1234 5678", "IT", "+390212345678", None),
        ("(212) 555-0123 ext. 7", "US", "+12125550123", "7"),
        ("+12125550123;ext=0042", "US", "+12125550123", "0042"),
        ("212-555-0123 x 123", "US", "+12125550123", "123"),
        ("+12125550123".translate(FULL_WIDTH), "US", "+12125550123", None),
        ("2125550123".translate(ARABIC_INDIC), "US", "+12125550123", None),
        ("+12125550123".translate(DEVANAGARI), "US", "+12125550123", None),
        ("212\u2011555\u20110123", "US", "+12125550123", None),
        ("\u200e+12125550123", "US", "+12125550123", None),
        ("\u202a+12125550123\u202c", "US", "+12125550123", None),
        ("  +1 212 555 0123  ", "US", "+12125550123", None),
        ("+12125550123\n", "US", "+12125550123", None),
        ("\u2068+1\u200a212\u202f555\u20090123\u2069", "US", "+12125550123", None),
        ("+1\u200b212\u200f555\ufeff0123", "US", "+12125550123", None),
        ("06\u202f12\u202f34\u202f56\u202f78", "FR", "+33612345678", None),
        ("\u3000０９０－１２３４－５６７８", "JP", "+819012345678", None),  # noqa: RUF001
        ("+1 2125550123", "US", "+12125550123", None),
        ("+1 (212) 555-0123;ext=\u0661\u0662", "US", "+12125550123", "12"),
    ],
)
def test_a_number_is_read_as_people_write_it(
    text: str, region: str, e164: str, extension: str | None
) -> None:
    """National, international, vanity, with an extension, in other digits, with marks around it: one E.164."""
    assert read_number(text, region=region) == PhoneNumber(e164, extension)


@pytest.mark.parametrize(
    "text",
    [
        "anonymous",
        "Restricted",
        "unknown",
        "+",
        "++",
        "+1",
        "0",
        "-",
        "911",
        "112",
        "+911",
        "123",
        "555-0123",
        "12345678901234567890",
        "+999123456789",
        "+12125550123@example.com; DROP TABLE callbacks; --",
        "' OR 1=1 --",
        "'; DELETE FROM callbackq_subjects; --",
        "sip:alice@example.com",
        "<script>alert(1)</script>",
        "\x00",
        "\x00\x00\x00\x00\x00\x00\x00",
        "\ud800",
        "\u200f\u200f\u200f",
        "🙂" * 10,
        " ",
        "\n",
        "+" * INPUT_MAX,
        "9" * INPUT_MAX,
        "(" * INPUT_MAX,
        "x" * INPUT_MAX,
    ],
)
def test_what_is_no_number_is_refused(text: str) -> None:
    """Words, fragments, emergency numbers, SQL, half characters: `InvalidNumber`, and nothing else."""
    with pytest.raises(InvalidNumber):
        read_number(text, region="US")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "a number has 0 characters; allowed: 1 to 64"),
        ("2" * 65, "a number has 65 characters; allowed: 1 to 64"),
        ("2" * 10_000, "a number has 10000 characters; allowed: 1 to 64"),
        (None, "a number is NoneType; allowed: text"),
        (12125550123, "a number is int; allowed: text"),
        (b"+12125550123", "a number is bytes; allowed: text"),
        (["+12125550123"], "a number is list; allowed: text"),
        ("anonymous", "… is not a phone number"),
        ("+", "… is not a phone number"),
        ("+19995550123", "+1…23 is not a valid number of its country"),
    ],
)
def test_a_refusal_says_why_and_shows_no_number(value: Any, said: str) -> None:
    """The message says what is wrong and what is allowed, with the number masked."""
    with pytest.raises(InvalidNumber) as caught:
        read_number(value, region="US")
    assert str(caught.value) == said
    assert "212555" not in str(caught.value)


def test_a_number_as_long_as_allowed_is_read() -> None:
    """64 characters will do."""
    text = "+12125550123".ljust(INPUT_MAX)
    assert len(text) == INPUT_MAX
    assert read_number(text, region="US").e164 == "+12125550123"


@pytest.mark.parametrize(
    ("text", "region", "problem"),
    [
        ("anonymous", "US", NumberProblem.NOT_A_NUMBER),
        ("+", "US", NumberProblem.NOT_A_NUMBER),
        ("7", "US", NumberProblem.NOT_A_NUMBER),
        ("+" * INPUT_MAX, "US", NumberProblem.NOT_A_NUMBER),
        ("", "US", NumberProblem.NOT_A_NUMBER),
        ("2" * 65, "US", NumberProblem.NOT_A_NUMBER),
        ("2125550123; DROP TABLE x", "US", NumberProblem.NOT_A_NUMBER),
        ("2125550123\nERROR forged", "US", NumberProblem.NOT_A_NUMBER),
        ("%s%n 2125550123 %x", "US", NumberProblem.NOT_A_NUMBER),
        ("+1", "US", NumberProblem.NOT_A_NUMBER),
        ("+4", "US", NumberProblem.NOT_A_NUMBER),
        ("+911", "US", NumberProblem.IMPOSSIBLE),
        ("555-0123", "US", NumberProblem.IMPOSSIBLE),
        ("+49 30", "US", NumberProblem.IMPOSSIBLE),
        ("+1 212 555 01234", "US", NumberProblem.IMPOSSIBLE),
        ("9" * INPUT_MAX, "US", NumberProblem.IMPOSSIBLE),
        ("+49 8912345 6789012345", "US", NumberProblem.IMPOSSIBLE),
        ("+999123456789", "US", NumberProblem.INVALID),
        ("+0012125550123", "ZZ", NumberProblem.INVALID),
        ("2125550123", "ZZ", NumberProblem.INVALID),
        ("+19995550123", "US", NumberProblem.INVALID),
        ("1125550123", "US", NumberProblem.INVALID),
        ("07700 900123", "GB", NumberProblem.INVALID),
        ("911", "US", NumberProblem.EMERGENCY),
        ("112", "US", NumberProblem.EMERGENCY),
        ("tel:911", "US", NumberProblem.EMERGENCY),
        ("911".translate(FULL_WIDTH), "US", NumberProblem.EMERGENCY),
        ("\u202e999", "GB", NumberProblem.EMERGENCY),
        ("1 1 2", "DE", NumberProblem.EMERGENCY),
        ("17", "FR", NumberProblem.EMERGENCY),
        ("+44 999", "US", NumberProblem.EMERGENCY),
        ("911 x 3", "CA", NumberProblem.EMERGENCY),
        ("911, please!", "US", NumberProblem.EMERGENCY),
        ("211", "BB", NumberProblem.EMERGENCY),
        ("211 ext. 4", "BB", NumberProblem.EMERGENCY),
        ("211", "US", NumberProblem.SHORT_CODE),
        ("+1 112", "BB", NumberProblem.EMERGENCY),
        ("001", "UZ", NumberProblem.EMERGENCY),
        ("+49 911", "US", NumberProblem.IMPOSSIBLE),
        ("311", "CA", NumberProblem.SHORT_CODE),
        ("+1 411", "GB", NumberProblem.SHORT_CODE),
        ("116117", "DE", NumberProblem.SHORT_CODE),
    ],
)
def test_a_refusal_names_its_problem(text: str, region: str, problem: NumberProblem) -> None:
    """Each reason is told apart; it is no `NumberRefused`, which is about what a policy says."""
    with pytest.raises(InvalidNumber) as caught:
        read_number(text, region=region)
    assert caught.value.problem == problem
    assert not isinstance(caught.value, NumberRefused)
    assert not re.search("[0-9]{5}", str(caught.value))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("${jndi:ldap://x/2125550123}", "2125550123"),
        ("<b>212</b>-555-0123", None),
        ("'+12125550123'", "2125550123"),
        ("+12125550123' OR '1'='1", None),
        ("212-555-0123\r\n2026-01-01 ERROR forged", None),
        ("+12125550123\u202e321", None),
        ("+1212\u06665550123", None),
        ("+12125550123\u2028\u2029", "2125550123"),
        ("\x1b[31m+12125550123\x1b[0m", None),
    ],
)
def test_what_surrounds_a_number_is_never_kept(text: str, digits: str | None) -> None:
    """Code, escapes, quotes and forged lines around a number: refused, or dropped, and never shown."""
    try:
        number = read_number(text, region="US")
    except InvalidNumber as error:
        read, said = None, str(error)
    else:
        read, said = number.e164, repr(number)
    assert read == (f"+1{digits}" if digits else None)
    assert said.isprintable()
    assert not re.search(r"[<>{}]|[0-9]{5}|forged", said)


@pytest.mark.parametrize(
    "text", ["+4989123456789012", "+491512345678901234", "+8100777777777777", "+62177123456789012"]
)
def test_a_number_has_fifteen_digits_at_most(text: str) -> None:
    """Longer ones exist in some plans; nobody abroad can dial them."""
    with pytest.raises(InvalidNumber) as caught:
        read_number(text, region="US")
    assert caught.value.problem == NumberProblem.IMPOSSIBLE


@LAW
@given(st.text(max_size=80), st.sampled_from(["US", "DE", "IT", "ZZ"]))
def test_any_text_is_a_number_or_refused(text: str, region: str) -> None:
    """Only `InvalidNumber` comes out; what is read is E.164, and reading that again changes nothing."""
    _read_or_refuse(text, region)


@LAW
@given(
    st.text(alphabet="0123456789+-() .;=/*#xXeEtTlL:,~\u200f\uff0b\u0661", max_size=64),
    st.sampled_from(["US", "GB", "AR", "MX", "ZZ"]),
)
def test_anything_like_a_number_is_a_number_or_refused(text: str, region: str) -> None:
    """The same law, on texts that look like numbers."""
    _read_or_refuse(text, region)


@LAW
@given(
    st.sampled_from(["+12125550123", "(212) 555-0123", "+44 20 7946 0958", "+49 30 123456"]),
    st.sampled_from([";ext=", " ext. ", " extension ", " x", "x ", " #", ",", ", ", "~"]),
    st.text(alphabet="0123456789", min_size=1, max_size=25),
)
def test_a_number_with_an_extension_is_read_once_and_for_all(base: str, mark: str, extension: str) -> None:
    """However the extension is written: read or refused, and the same person when read again."""
    _read_or_refuse(base + mark + extension, "US")


def _read_or_refuse(text: str, region: str) -> None:
    try:
        number = read_number(text, region=region)
    except InvalidNumber as error:
        digits = "".join(character for character in text if character.isdigit())
        shown = "".join(character for character in str(error) if character.isdigit())
        assert len(digits) < 6 or digits not in shown or len(text) > INPUT_MAX
        return
    assert E164.fullmatch(number.e164)
    assert number.extension is None or re.fullmatch("[0-9]+", number.extension)
    assert read_number(number.e164, region=region).e164 == number.e164
    assert read_number(number.identity, region=region) == number


def _examples() -> list[str]:
    kinds = [
        phonenumbers.PhoneNumberType.FIXED_LINE,
        phonenumbers.PhoneNumberType.MOBILE,
        phonenumbers.PhoneNumberType.TOLL_FREE,
        phonenumbers.PhoneNumberType.VOIP,
    ]
    found = [
        phonenumbers.example_number_for_type(region, kind)
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)
        for kind in kinds
    ]
    form = phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return [phonenumbers.format_number(number, form) for number in found if number is not None]


def test_every_country_reads_its_own_numbers_once_and_for_all() -> None:
    """For an example of each kind and country: valid, E.164, the same when read again from any region."""
    examples = _examples()
    assert len(examples) > 500
    for text in examples:
        number = read_number(text, region="US")
        assert E164.fullmatch(number.e164), text
        assert read_number(number.e164, region="DE") == number, text


THEIR_TYPES = {
    phonenumbers.PhoneNumberType.FIXED_LINE: NumberType.FIXED_LINE,
    phonenumbers.PhoneNumberType.MOBILE: NumberType.MOBILE,
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE: NumberType.FIXED_LINE_OR_MOBILE,
    phonenumbers.PhoneNumberType.TOLL_FREE: NumberType.TOLL_FREE,
    phonenumbers.PhoneNumberType.PREMIUM_RATE: NumberType.PREMIUM_RATE,
    phonenumbers.PhoneNumberType.SHARED_COST: NumberType.SHARED_COST,
    phonenumbers.PhoneNumberType.VOIP: NumberType.VOIP,
    phonenumbers.PhoneNumberType.PERSONAL_NUMBER: NumberType.PERSONAL,
    phonenumbers.PhoneNumberType.PAGER: NumberType.PAGER,
    phonenumbers.PhoneNumberType.UAN: NumberType.UAN,
    phonenumbers.PhoneNumberType.VOICEMAIL: NumberType.VOICEMAIL,
}
NETWORKS = {870, 878, 881, 882, 883}


def _theirs(text: str, region: str) -> tuple[str, NumberKind] | None:
    """Read a text with phonenumbers and nothing else: the oracle of the fast path. None: it is refused."""
    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if not phonenumbers.is_valid_number(parsed) or len(e164) > 16:
        return None
    its_region = phonenumbers.region_code_for_number(parsed)
    assert its_region is not None
    satellite = parsed.country_code in NETWORKS
    kind = NumberType.SATELLITE if satellite else THEIR_TYPES[phonenumbers.number_type(parsed)]
    return e164, NumberKind(kind, its_region)


def _ours(text: str, region: str) -> tuple[str, NumberKind] | None:
    try:
        e164 = read_number(text, region=region).e164
    except InvalidNumber:
        return None
    return e164, kind_of(e164)


def _all_examples() -> list[str]:
    """An example of every type of every region and of every code of no country, in E.164."""
    numbers = [
        phonenumbers.example_number_for_type(region, kind)
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)
        for kind in THEIR_TYPES
    ]
    numbers += [
        phonenumbers.example_number_for_non_geo_entity(code)
        for code in sorted(phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS)
    ]
    form = phonenumbers.PhoneNumberFormat.E164
    return sorted({phonenumbers.format_number(number, form) for number in numbers if number is not None})


EXAMPLES = _all_examples()
CODES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
TRUNKS = ["0", "1", "8", "06", "00", "15", "9", "011"]
"""What is dialed at home before an area code, and has no place behind a country code."""


def test_the_fast_path_reads_every_example_as_phonenumbers_does() -> None:
    """Of all regions, Italian zeros among them; and with a trunk prefix where none belongs."""
    assert len(EXAMPLES) > 900
    assert sum(example.startswith("+390") for example in EXAMPLES) >= 2
    for example in EXAMPLES:
        assert _ours(example, "US") == _theirs(example, "US") is not None, example
        code = len(str(phonenumbers.parse(example).country_code)) + 1
        for trunk in TRUNKS:
            text = example[:code] + trunk + example[code:]
            assert _ours(text, "DE") == _theirs(text, "DE"), text


@settings(parent=LAW, max_examples=800)
@given(
    st.sampled_from(CODES), st.text(alphabet="0123456789", max_size=15), st.sampled_from(["US", "IT", "ZZ"])
)
def test_the_fast_path_reads_any_digits_as_phonenumbers_does(code: int, digits: str, region: str) -> None:
    """Behind a country code that exists: the same number, type and region, or refused."""
    text = f"+{code}{digits}"
    assert _ours(text, region) == _theirs(text, region)


@settings(parent=LAW, max_examples=800)
@given(st.sampled_from(EXAMPLES), st.data())
def test_the_fast_path_reads_what_is_nearly_a_number_as_phonenumbers_does(
    example: str, data: st.DataObject
) -> None:
    """A digit changed, added or lost, anywhere: most of these are at the edge of a range."""
    at = data.draw(st.integers(1, len(example)))
    new = data.draw(st.text(alphabet="0123456789", max_size=2))
    text = example[:at] + new + example[at + data.draw(st.integers(0, 2)) :]
    assert _ours(text, "US") == _theirs(text, "US")


@LAW
@given(st.from_regex(r"\+[0-9]{1,20}", fullmatch=True), st.sampled_from(["US", "RU", "FI", "ZZ"]))
def test_the_fast_path_reads_a_plus_and_digits_as_phonenumbers_does(text: str, region: str) -> None:
    """Codes that do not exist, and numbers of any length, among them."""
    assert _ours(text, region) == _theirs(text, region)


@pytest.mark.parametrize(
    ("code", "national", "as_written"),
    [
        (44, "2079460018", True),
        (44, "02079460018", False),
        (39, "0612345678", True),
        (1, "2125550123", True),
        (1, "12125550123", False),
        (54, "1123456789", True),
        (54, "111523456789", False),
        (7, "8001234567", False),
        (55, "11961234567", True),
        (55, "01511961234567", False),
        (0, "", False),
    ],
)
def test_only_digits_that_may_be_a_prefix_are_parsed(code: int, national: str, as_written: bool) -> None:
    """Trunk prefixes, carriers and what Argentina dials for mobiles at home: there the fast path asks `parse`."""
    assert is_read_as_written(code, national) is as_written


def test_no_country_code_begins_with_another() -> None:
    """So a number in E.164 has one country code only, and it is found by its first digits."""
    codes = {str(code) for code in CODES}
    assert {code for code in codes for end in range(1, len(code)) if code[:end] in codes} == set()


@pytest.mark.parametrize(
    ("e164", "kind", "region"),
    [
        ("+19995550123", NumberType.UNKNOWN, "US"),
        ("+447700900123", NumberType.UNKNOWN, "GB"),
        ("+870000", NumberType.SATELLITE, "001"),
        ("+8000", NumberType.UNKNOWN, "001"),
        ("+999123456789", NumberType.UNKNOWN, "001"),
        ("+", NumberType.UNKNOWN, "001"),
        ("", NumberType.UNKNOWN, "001"),
        ("anonymous", NumberType.UNKNOWN, "001"),
        ("+12125550123 ext. 7", NumberType.UNKNOWN, "001"),
        ("+１２１２５５５０１２３", NumberType.UNKNOWN, "001"),  # noqa: RUF001
    ],
)
def test_the_kind_of_what_is_no_valid_number(e164: str, kind: NumberType, region: str) -> None:
    """Of unknown type, and of the main region of its country code if it has one; nothing is raised."""
    assert kind_of(e164) == NumberKind(kind, region)


def test_a_number_is_read_once_and_forgotten_in_the_end() -> None:
    """The same text gives the same object, and so does the same kind; the caches are bounded."""
    assert read_number("(212) 555-0123", region="US") is read_number("(212) 555-0123", region="US")
    assert kind_of("+12125550123") is kind_of("+16465550123")
    for cached in (numbers._read, numbers._valid_kind, numbers._kind):
        info = cached.cache_info()
        assert info.maxsize is not None
        assert info.currsize <= info.maxsize <= 65_536


@settings(parent=LAW, max_examples=500)
@given(
    st.text(
        alphabet=st.one_of(
            st.sampled_from("0123456789+-() .;=/*#xXeEtTlL:,~'\"%${}<>\\\r\n\t\0"),
            st.characters(categories=["Nd", "Cf", "Zs", "Pd", "No"]),
        ),
        max_size=90,
    ),
    st.sampled_from(["US", "GB", "AR", "FR", "BR", "NE", "ZZ"]),
)
def test_no_message_shows_what_was_written(text: str, region: str) -> None:
    """Digits of any script, marks, quotes and lines: `InvalidNumber` and nothing else, one line, five digits never."""
    try:
        read_number(text, region=region)
    except InvalidNumber as error:
        said, problem = str(error), error.problem
    else:
        return
    assert said.isprintable()
    assert not re.search(r"\d{5}", said)
    assert problem in set(NumberProblem)


def test_the_identity_tells_extensions_apart() -> None:
    """Two people behind one switchboard are two; the same person is one, however the number is written."""
    one = read_number("(212) 555-0123 ext. 7", region="US")
    same = read_number("+12125550123;ext=7", region="GB")
    other = read_number("+12125550123 ext 8", region="US")
    nobody = read_number("+12125550123", region="US")
    assert one.identity == same.identity == "tel:+12125550123;ext=7"
    assert other.identity == "tel:+12125550123;ext=8"
    assert nobody.identity == "tel:+12125550123"


def test_a_number_is_masked_where_it_is_shown() -> None:
    """Neither number nor extension stands in the repr."""
    shown = repr(read_number("+12125550123 ext 4711", region="US"))
    assert shown == "PhoneNumber(e164='+1…23')"


def test_a_refusal_gives_no_number_through_its_cause() -> None:
    """The cause of the error, which tracebacks show, holds no number either."""
    with pytest.raises(InvalidNumber) as caught:
        read_number("+99912345678901234567", region="US")
    cause: BaseException | None = caught.value
    while cause is not None:
        assert "2345678" not in f"{cause!s}{cause!r}"
        cause = cause.__cause__


def test_the_key_of_a_number_depends_on_the_pepper() -> None:
    """Equal for equal numbers of one tenant under one pepper; different otherwise; and it does not hold the number."""
    key = number_key("+12125550123", tenant_id="acme", pepper=PEPPER)
    assert key == number_key("+12125550123", tenant_id="acme", pepper=PEPPER)
    assert re.fullmatch("[0-9a-f]{32}", key)
    others = {
        number_key("+12125550124", tenant_id="acme", pepper=PEPPER),
        number_key("+12125550123", tenant_id="acme", pepper=bytes(32)),
        number_key("+12125550123", tenant_id="acme", pepper=PEPPER[::-1]),
        number_key("+12125550123", tenant_id="bolt", pepper=PEPPER),
    }
    assert len(others) == 4
    assert key not in others


def test_the_key_of_a_number_never_changes() -> None:
    """Keys are stored: another digest would forget who is being called."""
    assert number_key("+12125550123", tenant_id="acme", pepper=PEPPER) == "99cfb6db61287ce33d9b9021d9d989ef"

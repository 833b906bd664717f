"""Phone numbers as people, PBXs and attackers write them: a valid number in E.164, or `InvalidNumber`."""

from __future__ import annotations

import re
from typing import Any

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.numbers import INPUT_MAX, PhoneNumber, number_key, read_number
from callbackq.errors import InvalidNumber
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

"""
Phone numbers: read, normalised to E.164, told apart by kind, and turned into keys.

`phonenumbers` is imported on first use. Results are kept in bounded caches: the same number costs once.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from unicodedata import category

import attrs

from callbackq.core.number_plans import (
    NO_COUNTRY,
    is_read_as_written,
    main_region,
    region_and_type,
    split_code,
)
from callbackq.errors import InvalidNumber
from callbackq.masking import mask_number, repr_masked
from callbackq.model import NumberProblem, NumberType

if TYPE_CHECKING:
    import phonenumbers

INPUT_MAX: Final = 64
_CACHE_SIZE: Final = 65_536
_KINDS_MAX: Final = 4096
_E164: Final = re.compile(r"\+[1-9][0-9]{3,14}")
_E164_LENGTH_MAX: Final = 16
"""The plus and 15 digits: ITU-T E.164. Some plans have longer numbers, which only their own country can dial."""


@attrs.frozen
class PhoneNumber:
    """A number in E.164, and the extension that is dialed after the answer."""

    e164: str = attrs.field(repr=repr_masked)
    extension: str | None = attrs.field(default=None, repr=False)

    @property
    def identity(self) -> str:
        """The default identity of the person behind the number. The extension tells persons apart."""
        return f"tel:{self.e164};ext={self.extension}" if self.extension else f"tel:{self.e164}"


@attrs.frozen
class NumberKind:
    """What kind of number it is, and of which region: two letters, or `001` for numbers of no country."""

    type: NumberType
    region: str


# ---------------------------------------------------------------------------- reading


def read_number(text: object, *, region: str) -> PhoneNumber:
    """
    Read a number as people and PBXs write it.

    Args:
        text: at most 64 characters. A number without a country code is read as one of *region*.
        region: two capital letters, such as `US`.

    Raises:
        InvalidNumber: it is no number, or not a valid one of its country. Shows it masked. `problem` says why, as a
            `NumberProblem`: not a number, impossible, invalid, an emergency number, or a short code.

    Cost: tens of microseconds the first time, less than one while it is in the cache. A number that is in E.164
    already costs a third of one that is not.

    >>> read_number("(212) 555-0123 ext. 7", region="US").identity
    'tel:+12125550123;ext=7'
    >>> read_number("anonymous", region="US")
    Traceback (most recent call last):
    ...
    callbackq.errors.InvalidNumber: … is not a phone number
    """
    if not isinstance(text, str):
        raise InvalidNumber(f"a number is {type(text).__name__}; allowed: text")
    if not 1 <= len(text) <= INPUT_MAX:
        raise InvalidNumber(f"a number has {len(text)} characters; allowed: 1 to {INPUT_MAX}")
    return _read(text, region)


@lru_cache(maxsize=_CACHE_SIZE)
def _read(text: str, region: str) -> PhoneNumber:
    if _E164.fullmatch(text) and is_read_as_written(*split_code(text)) and _valid_kind(text):
        return PhoneNumber(text)
    return _parse(text, region)


def _parse(text: str, region: str) -> PhoneNumber:
    """Read any text. Raises: InvalidNumber."""
    import phonenumbers

    text = _without_marks(text)
    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise _refusal(_why_unread(text, region, error.error_type), text) from error
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if not _valid_kind(e164):
        impossible = len(e164) > _E164_LENGTH_MAX
        raise _refusal(NumberProblem.IMPOSSIBLE if impossible else _why_invalid(parsed, region), text)
    return PhoneNumber(e164, phonenumbers.normalize_digits_only(parsed.extension or "") or None)


def _without_marks(text: str) -> str:
    """Numbers that are copied from a page come with marks of direction, and with spaces of any width."""
    if text.isascii():
        return text
    seen = ((character, category(character)) for character in text)
    return "".join(" " if kind == "Zs" else character for character, kind in seen if kind != "Cf")


# ---------------------------------------------------------------------------- why a number is not read


def _refusal(problem: NumberProblem, text: str) -> InvalidNumber:
    return InvalidNumber(f"{mask_number(text)} {_SAID[problem]}", problem=problem)


_SAID: Final = {
    NumberProblem.NOT_A_NUMBER: "is not a phone number",
    NumberProblem.IMPOSSIBLE: "is too short or too long for a number of its country",
    NumberProblem.INVALID: "is not a valid number of its country",
    NumberProblem.EMERGENCY: "is an emergency number",
    NumberProblem.SHORT_CODE: "is a short code, not a full number",
}


def _why_unread(text: str, region: str, error_type: int) -> NumberProblem:
    """Say why `phonenumbers.parse` refused a text."""
    from phonenumbers import NumberParseException as Reason
    from phonenumbers import shortnumberinfo

    if shortnumberinfo.is_emergency_number(text, region):
        return NumberProblem.EMERGENCY
    if error_type == Reason.NOT_A_NUMBER:
        return NumberProblem.NOT_A_NUMBER
    return NumberProblem.INVALID if error_type == Reason.INVALID_COUNTRY_CODE else NumberProblem.IMPOSSIBLE


def _why_invalid(parsed: phonenumbers.PhoneNumber, region: str) -> NumberProblem:
    """Say why what was read is no valid number. The rarest reason that fits is the one that is told."""
    import phonenumbers
    from phonenumbers import shortnumberinfo

    national = phonenumbers.national_significant_number(parsed)
    code = parsed.country_code or 0
    at_home = region if region in phonenumbers.region_codes_for_country_code(code) else main_region(code)
    if any(shortnumberinfo.is_emergency_number(national, one) for one in (at_home, main_region(code))):
        return NumberProblem.EMERGENCY
    if shortnumberinfo.is_valid_short_number(parsed):
        return NumberProblem.SHORT_CODE
    possible = phonenumbers.ValidationResult.IS_POSSIBLE
    if phonenumbers.is_possible_number_with_reason(parsed) != possible:
        return NumberProblem.IMPOSSIBLE
    return NumberProblem.INVALID


# ---------------------------------------------------------------------------- kinds

_NETWORKS: Final = frozenset({870, 878, 881, 882, 883})
"""Codes of satellite systems and of networks of no country, whatever services these have: ITU-T E.164 assigns them."""


def kind_of(e164: str) -> NumberKind:
    """
    Tell what kind of number this is, as far as numbering plans tell.

    What is no valid number (any more) is of unknown type, and of the main region of its country code.

    Cost: some microseconds the first time, a tenth of one while it is in the cache.

    >>> kind_of("+12125550123")
    NumberKind(type=<NumberType.FIXED_LINE_OR_MOBILE: 'fixed_line_or_mobile'>, region='US')
    >>> kind_of("+870773111632").type
    <NumberType.SATELLITE: 'satellite'>
    """
    return _valid_kind(e164) or _invalid_kind(e164)


@lru_cache(maxsize=_CACHE_SIZE)
def _valid_kind(e164: str) -> NumberKind | None:
    """Return the kind of a valid number; None for any other text."""
    code, national = split_code(e164) if _E164.fullmatch(e164) else (0, "")
    found = region_and_type(code, national) if code else None
    if found is None:
        return None
    region, kind = found
    return _kind(NumberType.SATELLITE if code in _NETWORKS else kind, region)


def _invalid_kind(e164: str) -> NumberKind:
    code, _ = split_code(e164) if _E164.fullmatch(e164) else (0, "")
    kind = NumberType.SATELLITE if code in _NETWORKS else NumberType.UNKNOWN
    return _kind(kind, main_region(code) if code else NO_COUNTRY)


@lru_cache(maxsize=_KINDS_MAX)
def _kind(kind: NumberType, region: str) -> NumberKind:
    """Return the same object for the same kind: one for all numbers in the cache."""
    return NumberKind(kind, region)


# ---------------------------------------------------------------------------- keys


def number_key(e164: str, *, tenant_id: str, pepper: bytes) -> str:
    """
    Return a keyed digest of a number: equal for equal numbers of one tenant, and telling nothing without *pepper*.

    >>> len(number_key("+12125550123", tenant_id="acme", pepper=bytes(32)))
    32
    """
    return hashlib.blake2b(f"{tenant_id}\x00{e164}".encode(), key=pepper, digest_size=16).hexdigest()

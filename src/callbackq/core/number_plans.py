"""
The numbering plans of the world, as `phonenumbers` holds them: which region a number is of, and of what type.

The answers are those of `phonenumbers.region_code_for_number` and `number_type`. Those look their patterns up in a
cache of `re` that holds those of some thirty countries, and are ten times slower as soon as numbers of more come in.
Here each pattern is compiled once, when the first number of its region is seen.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import attrs

from callbackq.model import NumberType

if TYPE_CHECKING:
    from phonenumbers import PhoneMetadata
    from phonenumbers.phonemetadata import PhoneNumberDesc

NO_COUNTRY: Final = "001"
"""The region of numbers that belong to no country."""
_PLANS_MAX: Final = 1024
"""More than there are regions and country codes."""


@attrs.frozen
class _Range:
    """All numbers of one type: their lengths, and a pattern for the whole of their digits."""

    lengths: frozenset[int]
    pattern: re.Pattern[str]

    def has(self, national: str) -> bool:
        return len(national) in self.lengths and self.pattern.fullmatch(national) is not None


@attrs.frozen
class _Plan:
    """
    The numbering plan of one region.

    `special` are the types that are looked for before fixed lines and mobiles, in this order.
    """

    anything: _Range | None
    special: tuple[tuple[NumberType, _Range], ...]
    fixed: _Range | None
    mobile: _Range | None
    same: bool
    """Fixed lines and mobiles cannot be told apart."""
    leading: re.Pattern[str] | None
    """What its numbers begin with, where several regions share a country code."""

    def type_of(self, national: str) -> NumberType | None:
        """Return the type of a number; None: it is no number of this region."""
        if self.anything is None or not self.anything.has(national):
            return None
        for kind, its_range in self.special:
            if its_range.has(national):
                return kind
        fixed = self.fixed is not None and self.fixed.has(national)
        if fixed and self.same:
            return NumberType.FIXED_LINE_OR_MOBILE
        mobile = not self.same and self.mobile is not None and self.mobile.has(national)
        if fixed:
            return NumberType.FIXED_LINE_OR_MOBILE if mobile else NumberType.FIXED_LINE
        return NumberType.MOBILE if mobile else None


def split_code(e164: str) -> tuple[int, str]:
    """Return the country code and the digits after it. No code begins with another one. 0: it is nobody's."""
    known = _regions_by_code()
    for end in (2, 3, 4):
        code = int(e164[1:end])
        if code in known:
            return code, e164[end:]
    return 0, ""


def main_region(code: int) -> str:
    """Return the region that gives a country code its rules."""
    return _regions_by_code()[code][0]


def region_and_type(code: int, national: str) -> tuple[str, NumberType] | None:
    """Return the region and the type of a number; None: it is valid in no region of this country code."""
    regions = _regions_by_code()[code]
    for region in regions:
        plan = _plan(code, region)
        if len(regions) == 1 or (plan.leading is not None and plan.leading.match(national)):
            kind = plan.type_of(national)
            return (region, kind) if kind is not None else None
        if plan.leading is None and (kind := plan.type_of(national)) is not None:
            return region, kind
    return None


def is_read_as_written(code: int, national: str) -> bool:
    """Whether `phonenumbers.parse` changes nothing in these digits, because none can be a national prefix."""
    if not code:
        return False
    prefix = _prefix(code)
    found = prefix.match(national) if prefix is not None else None
    return found is None or (not found.end() and not any(found.groups()))


@lru_cache(maxsize=1)
def _regions_by_code() -> dict[int, tuple[str, ...]]:
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    return COUNTRY_CODE_TO_REGION_CODE


def _metadata(code: int, region: str) -> PhoneMetadata:
    from phonenumbers import PhoneMetadata

    found = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    assert found is not None, "every region of the table of country codes has metadata"
    return found


@lru_cache(maxsize=_PLANS_MAX)
def _prefix(code: int) -> re.Pattern[str] | None:
    """What may be a national prefix, or an area code that is written in another way at home."""
    prefix = _metadata(code, main_region(code)).national_prefix_for_parsing
    return re.compile(prefix) if prefix else None


@lru_cache(maxsize=_PLANS_MAX)
def _plan(code: int, region: str) -> _Plan:
    metadata = _metadata(code, region)
    special = (
        (NumberType.PREMIUM_RATE, metadata.premium_rate),
        (NumberType.TOLL_FREE, metadata.toll_free),
        (NumberType.SHARED_COST, metadata.shared_cost),
        (NumberType.VOIP, metadata.voip),
        (NumberType.PERSONAL, metadata.personal_number),
        (NumberType.PAGER, metadata.pager),
        (NumberType.UAN, metadata.uan),
        (NumberType.VOICEMAIL, metadata.voicemail),
    )
    ranges = ((kind, _range(described)) for kind, described in special)
    return _Plan(
        anything=_range(metadata.general_desc),
        special=tuple((kind, its_range) for kind, its_range in ranges if its_range is not None),
        fixed=_range(metadata.fixed_line),
        mobile=_range(metadata.mobile),
        same=metadata.same_mobile_and_fixed_line_pattern,
        leading=re.compile(metadata.leading_digits) if metadata.leading_digits is not None else None,
    )


def _range(described: PhoneNumberDesc | None) -> _Range | None:
    """Return a range of a plan; None: there are no numbers of this type."""
    if described is None or not described.national_number_pattern:
        return None
    return _Range(frozenset(described.possible_length), re.compile(described.national_number_pattern))

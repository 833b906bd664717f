"""Which numbers are dialed: a table of the world's plans, and what a policy says of type, region and range."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import shortnumberinfo

from callbackq.core.number_rules import check_dialable, cost_of, problem_of
from callbackq.core.numbers import NumberKind, kind_of, read_number
from callbackq.errors import InvalidNumber, NumberRefused
from callbackq.masking import mask_number
from callbackq.model import NumberProblem, NumberType
from callbackq.policy import Access, NumberPolicy, RegionRule
from core.samples import LAW

T, P = NumberType, NumberProblem
ANY_TYPE = NumberPolicy(types_refused=frozenset())
DEFAULT = NumberPolicy()


class Row(NamedTuple):
    """A number as somebody writes it, the region it is written in, and what its country's plan says of it."""

    text: str
    written_in: str
    e164: str | None
    type: NumberType
    problem: NumberProblem | None
    """Of reading it, or of dialing it under the default policy. None: it is dialed."""
    region: str
    """Of the number, as two letters, or 001. Of one that is not read: of those who would have it."""


ROWS = [
    # The North American plan (nanpa.com): fixed lines and mobiles share area codes. 500-599: personal, 8xx: toll free,
    # 900: premium, N11: short codes, of which 911 is for emergencies. 868 619: voice mail boxes in Trinidad.
    Row("(212) 555-0123", "US", "+12125550123", T.FIXED_LINE_OR_MOBILE, None, "US"),
    Row("416 555 0123", "US", "+14165550123", T.FIXED_LINE_OR_MOBILE, None, "CA"),
    Row("1-800-555-0199", "US", "+18005550199", T.TOLL_FREE, None, "US"),
    Row("1-900-555-0123", "US", "+19005550123", T.PREMIUM_RATE, P.PREMIUM_RATE, "US"),
    Row("1-500-555-0123", "US", "+15005550123", T.PERSONAL, P.TYPE_REFUSED, "US"),
    Row("+1 868 619 0123", "GB", "+18686190123", T.VOICEMAIL, P.TYPE_REFUSED, "TT"),
    Row("911", "US", None, T.UNKNOWN, P.EMERGENCY, "US"),
    Row("9-1-1", "CA", None, T.UNKNOWN, P.EMERGENCY, "CA"),
    Row("+1 911", "GB", None, T.UNKNOWN, P.EMERGENCY, "US"),
    Row("411", "US", None, T.UNKNOWN, P.SHORT_CODE, "US"),
    Row("555-0123", "US", None, T.UNKNOWN, P.IMPOSSIBLE, "US"),
    Row("+1 999 555 0123", "US", None, T.UNKNOWN, P.INVALID, "US"),
    # Ofcom's National Telephone Numbering Plan: 01 and 02 places, 03 one number for a company, 055 and 056 by
    # internet, 070 personal, 076 pagers, 07 mobiles, 080 free, 084 and 087 with a service charge, 09 premium.
    Row("020 7946 0018", "GB", "+442079460018", T.FIXED_LINE, None, "GB"),
    Row("07400 123456", "GB", "+447400123456", T.MOBILE, None, "GB"),
    Row("0808 157 0123", "GB", "+448081570123", T.TOLL_FREE, None, "GB"),
    Row("0909 879 0123", "GB", "+449098790123", T.PREMIUM_RATE, P.PREMIUM_RATE, "GB"),
    Row("0844 412 3456", "GB", "+448444123456", T.PREMIUM_RATE, P.PREMIUM_RATE, "GB"),
    Row("070 1234 5678", "GB", "+447012345678", T.PERSONAL, P.TYPE_REFUSED, "GB"),
    Row("07640 123456", "GB", "+447640123456", T.PAGER, P.TYPE_REFUSED, "GB"),
    Row("056 1234 5678", "GB", "+445612345678", T.VOIP, None, "GB"),
    Row("0303 123 4567", "GB", "+443031234567", T.UAN, None, "GB"),
    Row("999", "GB", None, T.UNKNOWN, P.EMERGENCY, "GB"),
    Row("+44 999", "US", None, T.UNKNOWN, P.EMERGENCY, "GB"),
    Row("118 500", "GB", None, T.UNKNOWN, P.SHORT_CODE, "GB"),
    # The Bundesnetzagentur's plan: 015 to 017 mobiles, 0180 shared cost, 0700 personal, 0800 free, 0900 premium.
    Row("030 123456", "DE", "+4930123456", T.FIXED_LINE, None, "DE"),
    Row("0151 23456789", "DE", "+4915123456789", T.MOBILE, None, "DE"),
    Row("0800 1234567", "DE", "+498001234567", T.TOLL_FREE, None, "DE"),
    Row("0900 1 234567", "DE", "+499001234567", T.PREMIUM_RATE, P.PREMIUM_RATE, "DE"),
    Row("0180 5 123456", "DE", "+491805123456", T.SHARED_COST, P.SHARED_COST, "DE"),
    Row("0700 12345678", "DE", "+4970012345678", T.PERSONAL, P.TYPE_REFUSED, "DE"),
    Row("110", "DE", None, T.UNKNOWN, P.EMERGENCY, "DE"),
    Row("115", "DE", None, T.UNKNOWN, P.SHORT_CODE, "DE"),
    # The BAKOM's plan: 058 one number for a company, 074 pagers, 0840 to 0848 shared cost, 0860 voice mail, 0878
    # personal, 0900 to 0906 premium.
    Row("044 668 18 00", "CH", "+41446681800", T.FIXED_LINE, None, "CH"),
    Row("078 123 45 67", "CH", "+41781234567", T.MOBILE, None, "CH"),
    Row("0900 123 456", "CH", "+41900123456", T.PREMIUM_RATE, P.PREMIUM_RATE, "CH"),
    Row("0842 123 456", "CH", "+41842123456", T.SHARED_COST, P.SHARED_COST, "CH"),
    Row("0878 123 456", "CH", "+41878123456", T.PERSONAL, P.TYPE_REFUSED, "CH"),
    Row("074 012 34 56", "CH", "+41740123456", T.PAGER, P.TYPE_REFUSED, "CH"),
    Row("058 123 45 67", "CH", "+41581234567", T.UAN, None, "CH"),
    Row("0860 78 123 45 67", "CH", "+41860781234567", T.VOICEMAIL, P.TYPE_REFUSED, "CH"),
    # The plan of Arcep: 01 to 05 places, 06 and 07 mobiles, 080 free, 081 and 082 shared cost, 089 premium, 09 by
    # internet, 3xxx short codes.
    Row("01 23 45 67 89", "FR", "+33123456789", T.FIXED_LINE, None, "FR"),
    Row("06 12 34 56 78", "FR", "+33612345678", T.MOBILE, None, "FR"),
    Row("0801 23 45 67", "FR", "+33801234567", T.TOLL_FREE, None, "FR"),
    Row("0891 23 45 67", "FR", "+33891234567", T.PREMIUM_RATE, P.PREMIUM_RATE, "FR"),
    Row("0810 12 34 56", "FR", "+33810123456", T.SHARED_COST, P.SHARED_COST, "FR"),
    Row("09 12 34 56 78", "FR", "+33912345678", T.VOIP, None, "FR"),
    Row("15", "FR", None, T.UNKNOWN, P.EMERGENCY, "FR"),
    Row("3631", "FR", None, T.UNKNOWN, P.SHORT_CODE, "FR"),
    # Italy keeps the zero of its places abroad; mobiles have none. 178 personal, 848 shared cost, 899 premium.
    Row("06 1234 5678", "IT", "+390612345678", T.FIXED_LINE, None, "IT"),
    Row("+39 312 345 6789", "DE", "+393123456789", T.MOBILE, None, "IT"),
    Row("899 123456", "IT", "+39899123456", T.PREMIUM_RATE, P.PREMIUM_RATE, "IT"),
    Row("848 123456", "IT", "+39848123456", T.SHARED_COST, P.SHARED_COST, "IT"),
    Row("178 123 4567", "IT", "+391781234567", T.PERSONAL, P.TYPE_REFUSED, "IT"),
    Row("55 1234 5678", "IT", "+395512345678", T.VOIP, None, "IT"),
    # Spain: 6 and 7 mobiles, 70 personal, 803 premium, 901 and 902 shared cost, 51 one number for a company.
    Row("612 34 56 78", "ES", "+34612345678", T.MOBILE, None, "ES"),
    Row("803 123 456", "ES", "+34803123456", T.PREMIUM_RATE, P.PREMIUM_RATE, "ES"),
    Row("901 123 456", "ES", "+34901123456", T.SHARED_COST, P.SHARED_COST, "ES"),
    Row("701 234 567", "ES", "+34701234567", T.PERSONAL, P.TYPE_REFUSED, "ES"),
    # The rest of Europe.
    Row("085 5 123 4567", "IE", "+3538551234567", T.VOICEMAIL, P.TYPE_REFUSED, "IE"),
    Row("085 012 3456", "IE", "+353850123456", T.MOBILE, None, "IE"),
    Row("0906 1234", "NL", "+319061234", T.PREMIUM_RATE, P.PREMIUM_RATE, "NL"),
    Row("066 2345678", "NL", "+31662345678", T.PAGER, P.TYPE_REFUSED, "NL"),
    Row("070 123 45 67", "SE", "+46701234567", T.MOBILE, None, "SE"),
    Row("020 12 34 56", "SE", "+4620123456", T.TOLL_FREE, None, "SE"),
    Row("074 012 34 56", "SE", "+46740123456", T.PAGER, P.TYPE_REFUSED, "SE"),
    Row("829 12 345", "NO", "+4782912345", T.PREMIUM_RATE, P.PREMIUM_RATE, "NO"),
    Row("810 21 234", "NO", "+4781021234", T.SHARED_COST, P.SHARED_COST, "NO"),
    Row("815 12 345", "NO", "+4781512345", T.UAN, None, "NO"),
    Row("90 12 34 56", "DK", "+4590123456", T.PREMIUM_RATE, P.PREMIUM_RATE, "DK"),
    Row("801 234 567", "PL", "+48801234567", T.SHARED_COST, P.SHARED_COST, "PL"),
    Row("8 (495) 123-45-67", "RU", "+74951234567", T.FIXED_LINE, None, "RU"),
    Row("8 800 123-45-67", "RU", "+78001234567", T.TOLL_FREE, None, "RU"),
    # Africa and the Near East.
    Row("071 123 4567", "ZA", "+27711234567", T.MOBILE, None, "ZA"),
    Row("087 123 4567", "ZA", "+27871234567", T.VOIP, None, "ZA"),
    Row("0861 123 456", "ZA", "+27861123456", T.UAN, None, "ZA"),
    Row("10111", "ZA", None, T.UNKNOWN, P.EMERGENCY, "ZA"),
    Row("0100 123 4567", "EG", "+201001234567", T.MOBILE, None, "EG"),
    Row("1-700-123-456", "IL", "+9721700123456", T.SHARED_COST, P.SHARED_COST, "IL"),
    Row("050 123 4567", "AE", "+971501234567", T.MOBILE, None, "AE"),
    # Asia.
    Row("03-1234-5678", "JP", "+81312345678", T.FIXED_LINE, None, "JP"),
    Row("090-1234-5678", "JP", "+819012345678", T.MOBILE, None, "JP"),
    Row("050-1234-5678", "JP", "+815012345678", T.VOIP, None, "JP"),
    Row("0570-012-345", "JP", "+81570012345", T.UAN, None, "JP"),
    Row("0990-012-345", "JP", "+81990012345", T.PREMIUM_RATE, P.PREMIUM_RATE, "JP"),
    Row("119", "JP", None, T.UNKNOWN, P.EMERGENCY, "JP"),
    Row("060-234-5678", "KR", "+82602345678", T.PREMIUM_RATE, P.PREMIUM_RATE, "KR"),
    Row("070-1234-5678", "KR", "+827012345678", T.VOIP, None, "KR"),
    Row("131 2345 6789", "CN", "+8613123456789", T.MOBILE, None, "CN"),
    Row("400 123 4567", "CN", "+864001234567", T.SHARED_COST, P.SHARED_COST, "CN"),
    Row("098765 43210", "IN", "+919876543210", T.MOBILE, None, "IN"),
    Row("1800 123 4567", "SG", "+6518001234567", T.TOLL_FREE, None, "SG"),
    Row("900 1234 5678", "HK", "+85290012345678", T.PREMIUM_RATE, P.PREMIUM_RATE, "HK"),
    # Australia, New Zealand.
    Row("0412 345 678", "AU", "+61412345678", T.MOBILE, None, "AU"),
    Row("1300 123 456", "AU", "+611300123456", T.SHARED_COST, P.SHARED_COST, "AU"),
    Row("1900 123 456", "AU", "+611900123456", T.PREMIUM_RATE, P.PREMIUM_RATE, "AU"),
    Row("000", "AU", None, T.UNKNOWN, P.EMERGENCY, "AU"),
    Row("0900 12345", "NZ", "+6490012345", T.PREMIUM_RATE, P.PREMIUM_RATE, "NZ"),
    Row("111", "NZ", None, T.UNKNOWN, P.EMERGENCY, "NZ"),
    # Latin America.
    Row("(11) 96123-4567", "BR", "+5511961234567", T.MOBILE, None, "BR"),
    Row("4004-1234", "BR", "+5540041234", T.SHARED_COST, P.SHARED_COST, "BR"),
    Row("190", "BR", None, T.UNKNOWN, P.EMERGENCY, "BR"),
    Row("011 15-2345-6789", "AR", "+5491123456789", T.MOBILE, None, "AR"),
    Row("900 123 4567", "MX", "+529001234567", T.PREMIUM_RATE, P.PREMIUM_RATE, "MX"),
    # Of no country, by the ITU: 800 free, 808 shared cost, 870 Inmarsat, 878 personal numbers of networks, 8816
    # Iridium, 8818 Globalstar, 88216 Thuraya, 8835100 iNum, 888 one number for a company, 979 premium.
    Row("+800 1234 5678", "US", "+80012345678", T.TOLL_FREE, None, "001"),
    Row("+808 1234 5678", "US", "+80812345678", T.SHARED_COST, P.SHARED_COST, "001"),
    Row("+870 773 111 632", "US", "+870773111632", T.SATELLITE, P.SATELLITE, "001"),
    Row("+878 10 1234567890", "US", "+878101234567890", T.SATELLITE, P.SATELLITE, "001"),
    Row("+8816 123 45678", "US", "+881612345678", T.SATELLITE, P.SATELLITE, "001"),
    Row("+8818 123 45678", "US", "+881812345678", T.SATELLITE, P.SATELLITE, "001"),
    Row("+882 16 1234567", "US", "+882161234567", T.SATELLITE, P.SATELLITE, "001"),
    Row("+883 5100 12345678", "US", "+883510012345678", T.SATELLITE, P.SATELLITE, "001"),
    Row("+888 12345678901", "US", "+88812345678901", T.UAN, None, "001"),
    Row("+979 1 2345 6789", "US", "+979123456789", T.PREMIUM_RATE, P.PREMIUM_RATE, "001"),
    Row("+999 123 456 789", "US", None, T.UNKNOWN, P.INVALID, "001"),
]
THEIR_TYPES = {
    phonenumbers.PhoneNumberType.FIXED_LINE: T.FIXED_LINE,
    phonenumbers.PhoneNumberType.MOBILE: T.MOBILE,
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE: T.FIXED_LINE_OR_MOBILE,
    phonenumbers.PhoneNumberType.TOLL_FREE: T.TOLL_FREE,
    phonenumbers.PhoneNumberType.PREMIUM_RATE: T.PREMIUM_RATE,
    phonenumbers.PhoneNumberType.SHARED_COST: T.SHARED_COST,
    phonenumbers.PhoneNumberType.VOIP: T.VOIP,
    phonenumbers.PhoneNumberType.PERSONAL_NUMBER: T.PERSONAL,
    phonenumbers.PhoneNumberType.PAGER: T.PAGER,
    phonenumbers.PhoneNumberType.UAN: T.UAN,
    phonenumbers.PhoneNumberType.VOICEMAIL: T.VOICEMAIL,
    phonenumbers.PhoneNumberType.UNKNOWN: T.UNKNOWN,
}
"""Every type that phonenumbers knows, and the one of ours that it is."""
LINES = (T.FIXED_LINE, T.MOBILE)
UNREAD = {P.NOT_A_NUMBER, P.IMPOSSIBLE, P.INVALID, P.EMERGENCY, P.SHORT_CODE}
OWN_PROBLEM = {T.PREMIUM_RATE: P.PREMIUM_RATE, T.SHARED_COST: P.SHARED_COST, T.SATELLITE: P.SATELLITE}
GB, DE, US = "+442079460018", "+4930123456", "+12125550123"


def verdict(text: str, region: str, policy: NumberPolicy) -> tuple[str | None, str | None]:
    """Read a number and ask whether it is dialed. Return its E.164 and what is wrong with it."""
    try:
        number = read_number(text, region=region)
    except InvalidNumber as error:
        return None, error.problem
    refused = problem_of(number.e164, policy=policy, tier=None)
    return number.e164, refused.problem if refused else None


# ---------------------------------------------------------------------------- the table


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.written_in} {row.text}")
def test_a_number_is_what_its_plan_says(row: Row) -> None:
    """Read or refused, of the type and region of the plan, and dialed or not by default, for the stated reason."""
    assert verdict(row.text, row.written_in, DEFAULT) == (row.e164, row.problem)
    if row.e164 is None:
        assert row.problem in UNREAD
        return
    assert kind_of(row.e164) == NumberKind(row.type, row.region)
    assert check_dialable(row.e164, policy=ANY_TYPE, tier=None) == NumberKind(row.type, row.region)
    alone = NumberPolicy(types_refused=frozenset({row.type}))
    assert verdict(row.text, row.written_in, alone) == (
        row.e164,
        OWN_PROBLEM.get(row.type, P.TYPE_REFUSED),
    )


def test_the_table_has_every_type_and_many_countries() -> None:
    """At least 60 numbers of at least 25 regions; each type of phonenumbers and of ours; each reason to refuse one."""
    assert len(THEIR_TYPES) == len(phonenumbers.PhoneNumberType.values())
    assert set(THEIR_TYPES) == set(phonenumbers.PhoneNumberType.values())
    assert {row.type for row in ROWS} == {*THEIR_TYPES.values(), T.SATELLITE} == set(T)
    assert len({row.text for row in ROWS}) >= 60
    assert len({row.region for row in ROWS} - {"001"}) >= 25
    assert len({row.region for row in ROWS if row.e164} - {"001"}) >= 25
    by_type_and_range = {P.NOT_A_NUMBER, P.BLOCKED, P.REGION_NOT_SERVED, P.TIER_NEEDED, P.EXTENSION}
    assert {row.problem for row in ROWS if row.problem} == set(P) - by_type_and_range


@pytest.mark.parametrize("row", [row for row in ROWS if row.e164], ids=lambda row: f"{row.region} {row.text}")
def test_a_number_is_the_same_in_every_spelling(row: Row) -> None:
    """From abroad, with a trunk zero in brackets, as a URI, or with an extension: the same number, the same verdict."""
    assert row.e164 is not None
    parsed = phonenumbers.parse(row.e164)
    spellings = [
        row.e164,
        phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL),
        phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.RFC3966),
        f"{row.e164} ext. 12",
        row.text.replace(" ", "\u00a0"),
        row.text.replace(" ", "\u2009").replace("-", "\u2010"),
    ]
    assert {verdict(spelling, row.written_in, DEFAULT) for spelling in spellings} == {(row.e164, row.problem)}


# ---------------------------------------------------------------------------- all regions


def _example(region: str, kind: int) -> str | None:
    number = phonenumbers.example_number_for_type(region, kind)
    if number is None:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


EXAMPLES = [
    (region, ours, e164)
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    for theirs, ours in THEIR_TYPES.items()
    if ours is not T.FIXED_LINE_OR_MOBILE  # There is no example of its own for this one.
    if (e164 := _example(region, theirs))
]


@LAW
@given(st.sampled_from(EXAMPLES), st.sets(st.sampled_from(T)))
def test_the_verdict_of_a_type_is_that_of_all_its_numbers(
    example: tuple[str, NumberType, str], refused: set[NumberType]
) -> None:
    """For an example of any region and type, and any set of types that a policy refuses."""
    region, kind, e164 = example
    policy = NumberPolicy(types_refused=frozenset(refused))
    found = kind_of(e164)
    assert found.type is kind or (kind in LINES and found.type is T.FIXED_LINE_OR_MOBILE)
    problem = problem_of(e164, policy=policy, tier=None)
    if found.type in refused:
        assert problem is not None
        assert problem.problem is OWN_PROBLEM.get(found.type, P.TYPE_REFUSED)
        assert mask_number(e164) in str(problem)
    else:
        assert problem is None
    assert read_number(e164, region=region).e164 == e164


def test_every_example_of_the_world_is_of_its_type_and_country_code() -> None:
    """All of them, not only those that the law above draws: no plan is compiled wrongly."""
    assert len(EXAMPLES) > 1000
    assert len({region for region, _, _ in EXAMPLES}) == len(phonenumbers.SUPPORTED_REGIONS)
    for region, kind, e164 in EXAMPLES:
        found = kind_of(e164)
        assert found.type is kind or (kind in LINES and found.type is T.FIXED_LINE_OR_MOBILE), e164
        shared = phonenumbers.region_codes_for_country_code(phonenumbers.country_code_for_region(region))
        assert found.region in shared, e164


@pytest.mark.parametrize("code", sorted(phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS))
def test_codes_of_no_country_are_of_region_001(code: int) -> None:
    """Satellite systems and networks of no country have a type of their own; the others are what they are for."""
    number = phonenumbers.example_number_for_non_geo_entity(code)
    assert number is not None
    kind = kind_of(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    said = {800: T.TOLL_FREE, 808: T.SHARED_COST, 888: T.UAN, 979: T.PREMIUM_RATE}
    assert kind == NumberKind(said.get(code, T.SATELLITE), "001")


@pytest.mark.parametrize("region", sorted(shortnumberinfo.SUPPORTED_SHORT_REGIONS))
def test_emergency_numbers_are_refused_in_every_region(region: str) -> None:
    """As they are dialed there, with dashes, in other digits, and with the country's code before them."""
    metadata = phonenumbers.PhoneMetadata.short_metadata_for_region(region)
    assert metadata is not None
    if metadata.emergency is None:
        return
    number = metadata.emergency.example_number
    assert number
    arabic = number.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    for text in (number, f" {'-'.join(number)} ", arabic):
        assert verdict(text, region, ANY_TYPE) == (None, P.EMERGENCY), text
    abroad = verdict(f"+{phonenumbers.country_code_for_region(region)}{number}", region, ANY_TYPE)
    assert abroad == (None, P.EMERGENCY)


# ---------------------------------------------------------------------------- what a policy says


def test_the_range_is_asked_first_then_the_type_then_the_region() -> None:
    """A number that all three refuse is refused for its range; without that for its type; then for its region."""
    closed = RegionRule(access=Access.REFUSE)
    number = "+19005550123"
    blocked = NumberPolicy(blocked=("+1900",), other_regions=closed)
    refused = NumberPolicy(other_regions=closed)
    others = NumberPolicy(types_refused=frozenset(), other_regions=closed)
    said = [problem_of(number, policy=policy, tier=None) for policy in (blocked, refused, others, ANY_TYPE)]
    assert [one and one.problem for one in said] == [
        P.BLOCKED,
        P.PREMIUM_RATE,
        P.REGION_NOT_SERVED,
        None,
    ]


@pytest.mark.parametrize(
    ("blocked", "number", "is_blocked"),
    [
        ((), US, False),
        (("+1",), US, True),
        (("+1",), GB, False),
        (("+1212555",), US, True),
        (("+1212556",), US, False),
        ((US,), US, True),
        ((f"{US}4",), US, False),
        (("+49", "+44", "+1900"), GB, True),
        (("+44900", "+4420"), GB, True),
    ],
)
def test_a_range_is_blocked_by_what_its_numbers_begin_with(
    blocked: tuple[str, ...], number: str, is_blocked: bool
) -> None:
    """One number, an area or a whole country; the plus counts, so that `+1` is not `+49`."""
    refused = problem_of(number, policy=NumberPolicy(blocked=blocked), tier="vip")
    assert (refused is not None) is is_blocked
    assert refused is None or (refused.problem, refused.alternatives) == (P.BLOCKED, ())


def test_a_type_that_is_refused_has_no_alternatives() -> None:
    """Nothing but a region offers any; and a wider type does not stand for a narrower one."""
    policy = NumberPolicy(
        types_refused=frozenset({T.MOBILE}), regions={"GB": RegionRule(alternatives=("chat",))}
    )
    refused = problem_of("+447400123456", policy=policy, tier=None)
    assert refused is not None
    assert (refused.problem, refused.alternatives) == (P.TYPE_REFUSED, ())
    assert problem_of(US, policy=policy, tier=None) is None


def test_a_region_that_is_not_served_comes_with_alternatives() -> None:
    """Those of its own rule, in their order; a region with a rule of its own is not touched by that of the others."""
    policy = NumberPolicy(
        regions={
            "US": RegionRule(),
            "GB": RegionRule(access=Access.REFUSE, alternatives=("whatsapp", "email")),
        },
        other_regions=RegionRule(access=Access.REFUSE, alternatives=("chat",)),
    )
    assert check_dialable(US, policy=policy, tier=None).region == "US"
    for number, alternatives in ((GB, ("whatsapp", "email")), (DE, ("chat",))):
        with pytest.raises(NumberRefused) as caught:
            check_dialable(number, policy=policy, tier="vip")
        assert caught.value.problem == P.REGION_NOT_SERVED
        assert caught.value.alternatives == alternatives
    assert str(caught.value) == (
        "number refused (region_not_served): numbers of DE are not called; instead: chat"
    )


@pytest.mark.parametrize(
    ("tier", "problem"),
    [("vip", None), ("gold", None), ("silver", P.TIER_NEEDED), ("VIP", P.TIER_NEEDED), (None, P.TIER_NEEDED)],
)
def test_a_region_may_be_for_customers_of_some_tiers(tier: str | None, problem: str | None) -> None:
    """Of a tier that is named they are called; others, and who has none, are told what there is instead."""
    rule = RegionRule(access=Access.TIERS, tiers=("vip", "gold"), alternatives=("email",))
    policy = NumberPolicy(regions={"GB": rule})
    refused = problem_of(GB, policy=policy, tier=tier)
    assert (refused and refused.problem) == problem
    assert refused is None or refused.alternatives == ("email",)
    assert check_dialable(US, policy=policy, tier=tier).region == "US"


def test_regions_are_told_apart_where_they_share_a_country_code() -> None:
    """+1 is many countries, and so is +44: a rule is about one of them."""
    closed = NumberPolicy(
        regions={region: RegionRule(access=Access.REFUSE) for region in ("CA", "JM", "JE", "KZ", "VA")}
    )
    for closed_number, open_number in (
        ("+14165550123", US),
        ("+18765230123", "+18686190123"),
        ("+441534456789", GB),
        ("+77123456789", "+74951234567"),
        ("+390669812345", "+390612345678"),
    ):
        refused = problem_of(closed_number, policy=closed, tier=None)
        assert refused is not None, closed_number
        assert refused.problem == P.REGION_NOT_SERVED
        found = problem_of(open_number, policy=closed, tier=None)
        assert found is None or found.problem != P.REGION_NOT_SERVED, open_number


def test_numbers_of_no_country_have_a_rule_of_their_own() -> None:
    """Satellite phones are called where the type is allowed and region 001 is served."""
    served = NumberPolicy(types_refused=frozenset(), regions={"001": RegionRule(cost=900)})
    closed = NumberPolicy(types_refused=frozenset(), regions={"001": RegionRule(access=Access.REFUSE)})
    satellite = "+881612345678"
    assert check_dialable(satellite, policy=served, tier=None) == NumberKind(T.SATELLITE, "001")
    assert cost_of(satellite, policy=served) == 900
    refused = problem_of(satellite, policy=closed, tier=None)
    assert refused is not None
    assert refused.problem == P.REGION_NOT_SERVED


def test_the_cost_of_an_attempt_is_that_of_its_region() -> None:
    """0 where nothing is said."""
    policy = NumberPolicy(
        regions={"GB": RegionRule(cost=3), "US": RegionRule()}, other_regions=RegionRule(cost=40)
    )
    assert [cost_of(number, policy=policy) for number in (GB, US, DE, "+881612345678")] == [3, 0, 40, 40]
    assert cost_of(GB, policy=DEFAULT) == 0


def test_what_is_no_number_any_more_goes_by_its_country_code() -> None:
    """Plans change: a stored number that is invalid today has no type, and still a region, a range and a cost."""
    policy = NumberPolicy(regions={"US": RegionRule(access=Access.REFUSE, cost=5)}, blocked=("+44999",))
    gone = "+19995550123"
    refused = problem_of(gone, policy=policy, tier=None)
    assert refused is not None
    assert refused.problem == P.REGION_NOT_SERVED
    assert cost_of(gone, policy=policy) == 5
    strict = NumberPolicy(types_refused=frozenset({T.UNKNOWN}))
    with pytest.raises(NumberRefused, match="type_refused"):
        check_dialable(gone, policy=strict, tier=None)


@LAW
@given(st.sampled_from(EXAMPLES), st.data())
def test_no_refusal_shows_a_number(example: tuple[str, NumberType, str], data: st.DataObject) -> None:
    """Whatever is refused, and why: no five digits of the number stand in the message in a row."""
    _, _, e164 = example
    closed = RegionRule(access=Access.REFUSE, alternatives=("whatsapp",))
    policies: list[dict[str, Any]] = [
        {"blocked": (e164[: data.draw(st.integers(2, len(e164)))],)},
        {"types_refused": frozenset(T)},
        {"types_refused": frozenset(), "other_regions": closed},
        {"types_refused": frozenset(), "other_regions": RegionRule(access=Access.TIERS, tiers=("vip",))},
    ]
    refused = problem_of(e164, policy=NumberPolicy(**data.draw(st.sampled_from(policies))), tier=None)
    assert refused is not None
    assert not re.search(r"[0-9]{5}", str(refused))

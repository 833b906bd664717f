"""The rules of places: what comes with callbackq, what a host's own file may hold, and what is refused and how."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

import attrs
import phonenumbers
import pytest
from phonenumbers import PhoneNumberType, geocoder

from callbackq.errors import ConfigurationError
from callbackq.model import Purpose
from callbackq.policy import CallingPolicy, CallingRule, Limit, QueuePolicy, Span
from callbackq.policy.jurisdictions import built_in_rules, closed_dates, read_rules

REQUESTED, SERVICE, SALES = Purpose.REQUESTED, Purpose.SERVICE, Purpose.SALES
D, H, M = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
DAY: Final = Span(time(9), time(17))
GOOD: Final[dict[str, Any]] = {
    "key": "own",
    "region": "AU",
    "week": {SALES: {0: [DAY]}},
    "source": "a test",
    "as_of": date(2026, 1, 1),
}
STATES: Final = {
    "us-al": "Alabama",
    "us-ct": "Connecticut",
    "us-fl": "Florida",
    "us-ky": "Kentucky",
    "us-la": "Louisiana",
    "us-ma": "Massachusetts",
    "us-md": "Maryland",
    "us-mi": "Michigan",
    "us-mn": "Minnesota",
    "us-ms": "Mississippi",
    "us-nm": "New Mexico",
    "us-nv": "Nevada",
    "us-ok": "Oklahoma",
    "us-wa": "Washington State",
}
BUILT_IN: Final = {rule.key: rule for rule in built_in_rules()}


def refused(make: Callable[[], object]) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        make()
    return caught.value


# ---------------------------------------------------------------------------- what comes with callbackq


def test_every_rule_says_where_it_is_from() -> None:
    """And when it was read."""
    assert set(BUILT_IN) == {"default", "fr", "gb", "us", "us-other", *STATES}
    for rule in BUILT_IN.values():
        assert rule.source
        assert date(2025, 1, 1) <= rule.as_of <= datetime.now(tz=UTC).date()
        assert rule.region == (None if rule.key == "default" else rule.key[:2].upper())


def test_which_purposes_rules_are_about() -> None:
    """Those of countries about all; those of states about sales, for solicitation is what their laws are about."""
    for key, rule in BUILT_IN.items():
        expected = {SALES} if key in STATES else set() if key == "us-other" else set(Purpose)
        assert set(rule.week) == expected, key
        assert bool(rule.area_codes) is key.startswith("us-")


def test_which_rules_limit_how_often() -> None:
    """And only for sales."""
    assert {key: dict(rule.limits) for key, rule in BUILT_IN.items() if rule.limits} == {
        "us-fl": {SALES: (Limit(3, D),)},
        "us-ok": {SALES: (Limit(3, D),)},
        "fr": {SALES: (Limit(4, 30 * D),)},
        "default": {SALES: (Limit(4, 30 * D),)},
    }


def place_of(area_code: str) -> str | None:
    """Return what the geocoder most often says of numbers with an area code; None: none of them is a phone's."""
    said: Counter[str] = Counter()
    for exchange in ("234", "300", "456", "555", "600", "777", "868", "943"):
        number = phonenumbers.PhoneNumber(country_code=1, national_number=int(f"{area_code}{exchange}2345"))
        if phonenumbers.region_code_for_number(number) != "US":
            continue
        if phonenumbers.number_type(number) == PhoneNumberType.FIXED_LINE_OR_MOBILE:
            said[geocoder.description_for_number(number, "en").rsplit(", ", maxsplit=1)[-1]] += 1
    return said.most_common(1)[0][0] if said else None


def _short(key: str) -> str:
    """Return what the geocoder calls a state after the name of a city."""
    return key.removeprefix("us-").upper()


@pytest.mark.parametrize("key", STATES)
def test_area_codes_are_of_the_state(key: str) -> None:
    """By the geocoder of phonenumbers."""
    assert BUILT_IN[key].area_codes
    said = {code: place_of(code) for code in BUILT_IN[key].area_codes}
    assert set(said.values()) <= {STATES[key], _short(key)}


def test_no_area_code_is_missing() -> None:
    """Each that phonenumbers knows in the USA is in one rule, and each that is in a rule is known."""
    listed = [code for rule in BUILT_IN.values() for code in rule.area_codes]
    assert len(listed) == len(set(listed))
    assert {f"{code}" for code in range(200, 1000) if place_of(f"{code}")} == set(listed)


def test_the_rest_is_of_no_state_with_a_rule() -> None:
    """Nor does the geocoder leave open of which it is."""
    said = {place_of(code) for code in BUILT_IN["us-other"].area_codes}
    assert not said & {*STATES.values(), *map(_short, STATES), "United States", None}


# ---------------------------------------------------------------------------- days of the year


@pytest.mark.parametrize(
    ("year", "moving"),
    [
        (2024, ["04-01", "05-09", "05-20"]),
        (2026, ["04-06", "05-14", "05-25"]),
        (2027, ["03-29", "05-06", "05-17"]),
        (2038, ["04-26", "06-03", "06-14"]),
    ],
)
def test_french_holidays(year: int, moving: list[str]) -> None:
    """As calendars have them: Easter Monday, Ascension and Whit Monday move."""
    fixed = ["01-01", "05-01", "05-08", "07-14", "08-15", "11-01", "11-11", "12-25"]
    found = closed_dates(BUILT_IN["fr"].closed_on[SALES], year=year)
    assert found == {date.fromisoformat(f"{year}-{day}") for day in (*fixed, *moving)}


def test_days_of_the_year() -> None:
    """The 29th of February is one where there is one; days before Easter count back."""
    assert closed_dates(["02-29"], year=2027) == frozenset()
    assert closed_dates(["02-29"], year=2100) == frozenset()
    assert closed_dates(["02-29"], year=2028) == {date(2028, 2, 29)}
    assert closed_dates(["easter-2", "easter"], year=2026) == {date(2026, 4, 3), date(2026, 4, 5)}


@pytest.mark.parametrize(("day", "years"), [("easter-80", (2008, 2285)), ("easter+250", (2038, 2011))])
def test_days_by_easter_are_of_its_year(day: str, years: tuple[int, int]) -> None:
    """Both bounds are allowed, and of the year that is asked for even where Easter is earliest or latest."""
    assert CallingRule(**GOOD | {"closed_on": {SALES: [day]}}).closed_on[SALES] == (day,)
    assert [found.year for year in years for found in closed_dates([day], year=year)] == list(years)


# ---------------------------------------------------------------------------- a rule


def test_a_rule_is_a_value() -> None:
    """Equal, hashed and pickled by what it says; shown by its key; nobody changes it."""
    week = {SALES: {0: [DAY]}}
    one, same = CallingRule(**GOOD | {"week": week}), CallingRule(**GOOD)
    week[SALES][1] = [DAY]
    assert one == same == pickle.loads(pickle.dumps(one))
    assert len({one, same, attrs.evolve(one, key="other")}) == 2
    assert repr(one) == "CallingRule('own')"
    assert repr(CallingPolicy(rules=(one,))).count("own") == 1
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        one.key = "other"  # type: ignore[misc]


def test_a_policy_with_rules_is_a_value() -> None:
    """It can be sent to another process."""
    policy = QueuePolicy(queue="support")
    assert pickle.loads(pickle.dumps(policy)) == policy
    assert hash(CallingPolicy()) == hash(pickle.loads(pickle.dumps(CallingPolicy())))


def test_spans_are_sorted_and_may_end_at_midnight() -> None:
    """As in opening hours."""
    late, early = Span(time(20), time(0)), Span(time(8), time(12))
    assert CallingRule(**GOOD | {"week": {SALES: {0: [late, early]}}}).week == {SALES: {0: (early, late)}}


WRONG: Final[list[tuple[dict[str, Any], str, str]]] = [
    ({"key": ""}, "key", "small letters"),
    ({"key": "US"}, "key", "small letters"),
    ({"key": 1}, "key", "small letters"),
    ({"region": "us"}, "region", "two capital letters"),
    ({"region": "USA"}, "region", "two capital letters"),
    ({"region": 1}, "region", "two capital letters"),
    ({"area_codes": 212}, "area_codes", "list"),
    ({"area_codes": ["2a"]}, "area_codes", "1 to 8 digits"),
    ({"area_codes": [212]}, "area_codes", "1 to 8 digits"),
    ({"area_codes": [""]}, "area_codes", "1 to 8 digits"),
    ({"area_codes": ["212"], "region": None}, "area_codes", "none, where there is no region"),
    ({"week": {}}, "week", "a purpose at least"),
    ({"week": [DAY]}, "week", "a mapping by Purpose"),
    ({"week": {"sales": {}}}, "week", "a mapping by Purpose"),
    ({"week": {SALES: [DAY]}}, "week[sales]", "spans by day"),
    ({"week": {SALES: {7: [DAY]}}}, "week[sales]", "0 to 6"),
    ({"week": {SALES: {0: DAY}}}, "week[sales][0]", "a list of Span"),
    ({"week": {SALES: {0: ["9-17"]}}}, "week[sales][0]", "Span"),
    ({"week": {SALES: {0: [DAY, DAY]}}}, "week[sales][0]", "overlaps"),
    ({"week": {SALES: {0: [Span(time(22), time(2))]}}}, "week[sales][0]", "midnight at the latest"),
    ({"closed_on": ["12-25"]}, "closed_on", "a mapping by Purpose"),
    ({"closed_on": {SERVICE: ["12-25"]}}, "closed_on", "the purposes of week"),
    ({"closed_on": {SALES: "12-25"}}, "closed_on[sales]", "a list"),
    ({"closed_on": {SALES: ["02-30"]}}, "closed_on[sales]", "'MM-DD'"),
    ({"closed_on": {SALES: ["13-01"]}}, "closed_on[sales]", "'MM-DD'"),
    ({"closed_on": {SALES: ["easter+251"]}}, "closed_on[sales]", "'MM-DD'"),
    ({"closed_on": {SALES: ["easter-81"]}}, "closed_on[sales]", "-80 to 250"),
    ({"closed_on": {SALES: ["Easter"]}}, "closed_on[sales]", "'MM-DD'"),
    ({"closed_on": {SALES: [date(2026, 1, 1)]}}, "closed_on[sales]", "'MM-DD'"),
    ({"closed_on": {SALES: ["12-25"] * 61}}, "closed_on[sales]", "60 entries"),
    ({"limits": Limit(3, D)}, "limits", "a mapping by Purpose"),
    ({"limits": {SERVICE: (Limit(3, D),)}}, "limits", "the purposes of week"),
    ({"limits": {SALES: Limit(3, D)}}, "limits[sales]", "a tuple of Limit"),
    ({"limits": {SALES: [3]}}, "limits[sales]", "Limit"),
    ({"source": ""}, "source", "a text on one line"),
    ({"source": "a\nb"}, "source", "a text on one line"),
    ({"source": None}, "source", "a text on one line"),
    ({"as_of": "2026-01-01"}, "as_of", "a date without a time"),
    ({"as_of": datetime(2026, 1, 1, tzinfo=UTC)}, "as_of", "a date without a time"),
]


@pytest.mark.parametrize(("changes", "field", "allowed"), WRONG)
def test_what_is_no_rule_is_refused(changes: dict[str, Any], field: str, allowed: str) -> None:
    """With the field, the value and what is allowed."""
    error = refused(lambda: CallingRule(**GOOD | changes))
    assert error.field == f"CallingRule.{field}"
    assert allowed in error.allowed


@pytest.mark.parametrize("code", ["2", "12345678"])
@pytest.mark.parametrize("region", ["AU", "001"])
def test_bounds_of_a_rule(region: str, code: str) -> None:
    """The longest and the shortest area code; and a key of 64 characters."""
    rule = CallingRule(**GOOD | {"region": region, "area_codes": [code], "week": {}, "key": "a" * 64})
    assert (rule.region, rule.area_codes, dict(rule.week)) == (region, (code,), {})
    assert refused(lambda: attrs.evolve(rule, key="a" * 65)).field == "CallingRule.key"
    assert refused(lambda: attrs.evolve(rule, area_codes=["123456789"])).field == "CallingRule.area_codes"
    assert CallingRule(**GOOD | {"closed_on": {SALES: ["12-25"] * 60}}).closed_on == {SALES: ("12-25",) * 60}


# ---------------------------------------------------------------------------- a policy


def test_rules_of_a_policy() -> None:
    """One rule, a list or a tuple of them; the built-in ones, if nothing is said."""
    own = CallingRule(**GOOD)
    assert CallingPolicy().rules == built_in_rules()
    assert CallingPolicy(rules=own).rules == CallingPolicy(rules=[own]).rules == (own,)  # type: ignore[arg-type]
    assert CallingPolicy(rules=()).rules == ()


@pytest.mark.parametrize(
    ("rules", "allowed"),
    [("us", "CallingRule"), ([None], "CallingRule"), ([CallingRule(**GOOD)] * 2, "each key once")],
)
def test_what_are_no_rules_of_a_policy(rules: Any, allowed: str) -> None:
    """A rule that stands there twice is a mistake: one was to replace the other."""
    error = refused(lambda: CallingPolicy(rules=rules))
    assert error.field == "CallingPolicy.rules"
    assert allowed in error.allowed


@pytest.mark.parametrize("asked_life", [timedelta(0), D])
def test_bounds_of_asked_life(asked_life: timedelta) -> None:
    """Both are allowed, and nothing beyond."""
    assert CallingPolicy(asked_life=asked_life).asked_life == asked_life
    beyond = asked_life + (timedelta(microseconds=1) if asked_life else -timedelta(microseconds=1))
    assert refused(lambda: CallingPolicy(asked_life=beyond)).field == "CallingPolicy.asked_life"


# ---------------------------------------------------------------------------- files

FILE: Final = """
[au]
region = "AU"
area_codes = ["2", "3"]
source = "our lawyer"
as_of = 2026-03-01

[au.service]
sunday = []
every_day = ["08:00-20:00"]
weekdays = ["07:00-12:00", "13:30-24:00"]
wednesday = ["00:00-24:00"]

[au.sales]
saturday = ["09:00-17:00"]
closed_on = ["12-25", "easter-2"]
limits = [{ most = 1, minutes = 30 }, { most = 2, hours = 5 }, { most = 3, days = 7 }]

[rest]
source = "our lawyer"
as_of = 2026-03-01
sales.monday = []
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_is_read(tmp_path: Path) -> None:
    """A named day goes before weekdays, and these before every day, wherever they stand."""
    own, rest = read_rules(write(tmp_path, FILE))
    usual = (Span(time(7), time(12)), Span(time(13, 30), time(0)))
    assert own == CallingRule(
        key="au",
        region="AU",
        area_codes=("2", "3"),
        week={
            SERVICE: {
                **dict.fromkeys((0, 1, 3, 4), usual),
                2: [Span(time(0), time(0))],
                5: [Span(time(8), time(20))],
                6: [],
            },
            SALES: {5: [DAY]},
        },
        closed_on={SALES: ["12-25", "easter-2"]},
        limits={SALES: [Limit(1, 30 * M), Limit(2, 5 * H), Limit(3, 7 * D)]},
        source="our lawyer",
        as_of=date(2026, 3, 1),
    )
    assert (rest.key, rest.region, rest.week) == ("rest", None, {SALES: {0: ()}})
    assert read_rules(str(tmp_path / "mine.toml")) == (own, rest)


HEAD: Final = '[au]\nregion = "AU"\nsource = "our lawyer"\nas_of = 2026-03-01\n'
WRONG_FILES: Final = [
    ("[au", "mine.toml", "TOML"),
    ("au = 1", "mine.toml [au]: rule", "a table of"),
    ('[au]\nsource = "x"', "mine.toml [au]: as_of", "a date"),
    ("[au]\nas_of = 2026-03-01", "mine.toml [au]: source", "a text"),
    (
        HEAD + 'name = "x"',
        "mine.toml [au]: rule",
        "area_codes, as_of, region, requested, sales, service, source",
    ),
    (HEAD + "sales = 1", "mine.toml [au]: sales", "a table of"),
    (HEAD + "sales.mondays = []", "mine.toml [au]: sales", "monday"),
    (HEAD + "sales.limits = []", "mine.toml [au]: sales", "a day at least"),
    (HEAD + 'sales.monday = "08:00-20:00"', "mine.toml [au]: sales.monday", "a list of spans"),
    (HEAD + "sales.monday = [8]", "mine.toml [au]: sales.monday", "a list of spans"),
    (HEAD + 'sales.monday = ["8-20"]', "mine.toml [au]: sales.monday", "a list of spans"),
    (HEAD + 'sales.monday = ["24:00-08:00"]', "mine.toml [au]: sales.monday", "a list of spans"),
    (HEAD + 'sales.monday = ["08:00-24:01"]', "mine.toml [au]: sales.monday", "a list of spans"),
    (HEAD + 'sales.monday = ["22:00-02:00"]', "mine.toml [au]: CallingRule.week[sales][0]", "midnight"),
    (HEAD + "sales.monday = []\nsales.limits = 3", "mine.toml [au]: sales.limits", "a list such as"),
    (HEAD + "sales.monday = []\nsales.limits = [3]", "mine.toml [au]: sales.limits", "a table of"),
    (HEAD + "sales.monday = []\nsales.limits = [{ most = 3 }]", "mine.toml [au]: sales.limits", "by minutes"),
    (
        HEAD + "sales.monday = []\nsales.limits = [{ hours = 3 }]",
        "mine.toml [au]: sales.limits",
        "by minutes",
    ),
    (
        HEAD + "sales.monday = []\nsales.limits = [{ most = 3, hours = 3, days = 1 }]",
        "mine.toml [au]: sales.limits",
        "by minutes",
    ),
    (
        HEAD + "sales.monday = []\nsales.limits = [{ most = 3, hours = 1.5 }]",
        "mine.toml [au]: sales.limits",
        "whole number",
    ),
    (
        HEAD + "sales.monday = []\nsales.limits = [{ most = 3, days = 61 }]",
        "mine.toml [au]: Limit.period",
        "60 days",
    ),
    (
        HEAD + 'sales.monday = []\nsales.closed_on = ["x"]',
        "mine.toml [au]: CallingRule.closed_on[sales]",
        "MM",
    ),
    (HEAD.replace('"AU"', '"au"') + "sales.monday = []", "mine.toml [au]: CallingRule.region", "two capital"),
    (HEAD.replace("[au]", "[AU]") + "sales.monday = []", "mine.toml [AU]: CallingRule.key", "small letters"),
]


@pytest.mark.parametrize(("text", "field", "allowed"), WRONG_FILES)
def test_what_is_no_file_of_rules_is_refused(tmp_path: Path, text: str, field: str, allowed: str) -> None:
    """With the file, the rule, the field and what is allowed."""
    error = refused(lambda: read_rules(write(tmp_path, text)))
    assert error.field == field
    assert allowed in error.allowed


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    """And one that is not there is no setting at all."""
    (tmp_path / "mine.toml").write_bytes("# é".encode("latin-1"))
    assert refused(lambda: read_rules(tmp_path / "mine.toml")).allowed == "text in UTF-8"
    with pytest.raises(FileNotFoundError):
        read_rules(tmp_path / "missing.toml")


def test_importing_reads_no_rules() -> None:
    """The first policy does."""
    code = """
import callbackq
from callbackq.policy.jurisdictions import built_in_rules
assert built_in_rules.cache_info().currsize == 0
callbackq.QueuePolicy(queue="support")
callbackq.QueuePolicy(queue="sales")
assert built_in_rules.cache_info().misses == 1
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

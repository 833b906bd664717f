"""When a number may be called: every bound of every place, and laws against a reckoning of its own."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers.timezone import time_zones_for_number

from callbackq.core.calling import SEARCH, Permission, limits_of, may_call, rules_of
from callbackq.core.hours import OpenHours
from callbackq.core.zones import zones_of_number
from callbackq.errors import InvalidTime
from callbackq.model import Purpose
from callbackq.policy import CallingPolicy, CallingRule, Limit, Span, WeekHours
from callbackq.policy.jurisdictions import built_in_rules
from core.samples import LAW, D, H, M

US: Final = timedelta(microseconds=1)
CALLING: Final = CallingPolicy()
REQUESTED, SERVICE, SALES = Purpose.REQUESTED, Purpose.SERVICE, Purpose.SALES
TOLL_FREE, AUSTRALIAN, SATELLITE = "+18005551212", "+61412345678", "+870773111632"
DRAMA: Final = "+447700900123"
"""A number for films: it is in no zone."""

NUMBERS: Final = {
    "us-al": "+12055550123",
    "us-ct": "+12035550123",
    "us-fl": "+13055550123",
    "us-ky": "+15025550123",
    "us-la": "+15045550123",
    "us-ma": "+16175550123",
    "us-md": "+14105550123",
    "us-mi": "+13135550123",
    "us-mn": "+16125550123",
    "us-ms": "+16015550123",
    "us-nm": "+15055550123",
    "us-nv": "+17025550123",
    "us-ok": "+14055550123",
    "us-wa": "+12065550123",
    "us": "+12125550123",
    "gb": "+442071838750",
    "fr": "+33142685300",
    "default": "+493012345678",
}
"""A number of each place."""


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def region_of(e164: str) -> str:
    return phonenumbers.region_code_for_number(phonenumbers.parse(e164)) or "001"


def ask(e164: str, now: datetime, purpose: Purpose = SALES, **changes: Any) -> Permission:
    given: dict[str, Any] = {"region": region_of(e164), "zone": None, "calling": CALLING} | changes
    return may_call(e164, purpose=purpose, now=now, **given)


def rule(key: str = "own", *spans: str, purpose: Purpose = SALES, **changes: Any) -> CallingRule:
    """Return a rule with the same spans on every day."""
    week = {purpose: dict.fromkeys(range(7), tuple(span(text) for text in spans))}
    return CallingRule(**{"key": key, "week": week, "source": "a test", "as_of": date(2026, 1, 1)} | changes)


def span(text: str) -> Span:
    opens, closes = text.split("-")
    return Span(time.fromisoformat(opens), time.fromisoformat(closes))


# ---------------------------------------------------------------------------- a reckoning of its own

_MONDAY_TO_FRIDAY: Final = range(5)
_OF_STATES: Final = {
    "us-al": (8, 20), "us-ct": (9, 20), "us-fl": (8, 20), "us-ky": (10, 21), "us-la": (8, 20), "us-ma": (8, 20),
    "us-md": (8, 20), "us-mi": (9, 21), "us-mn": (9, 21), "us-ms": (8, 20), "us-nm": (9, 21), "us-nv": (9, 20),
    "us-ok": (8, 20), "us-wa": (8, 20),
}  # fmt: skip
"""From the notes on the field: the hours of sales."""
_NO_SUNDAY: Final = {"us-al", "us-la", "us-ms"}
_OF_NUMBER: Final = {number: key for key, number in NUMBERS.items()}


def easter(year: int) -> date:
    """By Butcher's rule."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (b - (b + 8) // 25 + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    el = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * el) // 451
    month, day = divmod(h + el - 7 * m + 114, 31)
    return date(year, month, day + 1)


@cache
def french_holidays(year: int) -> frozenset[date]:
    fixed = [(1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25)]
    return frozenset(
        [*(date(year, *day) for day in fixed), *(easter(year) + days * D for days in (1, 39, 50))]
    )


def in_hours(key: str, purpose: Purpose, wall: datetime) -> bool:
    """Whether the clock on a wall shows a time at which one place permits a call."""
    day, clock = wall.weekday(), wall.time()
    if purpose is not SALES or key in ("us", "gb"):
        return time(8) <= clock < time(21)
    if key in _OF_STATES:
        opens, closes = _OF_STATES[key]
        return time(opens) <= clock < time(closes) and not (day == 6 and key in _NO_SUNDAY)
    if key == "fr" and wall.date() in french_holidays(wall.year):
        return False
    return day in _MONDAY_TO_FRIDAY and (time(10) <= clock < time(13) or time(14) <= clock < time(20))


def places(e164: str) -> list[str]:
    if e164 == TOLL_FREE:
        return ["us", *_OF_STATES]
    key = _OF_NUMBER.get(e164, "default")
    return ["us", key] if key.startswith("us-") else [key]


def reckoned(e164: str, purpose: Purpose, now: datetime, *, zone: str | None = None) -> bool:
    """Whether a call is permitted by all places and all zones of a number."""
    zones = [zone] if zone else time_zones_for_number(phonenumbers.parse(e164))
    assert "Etc/Unknown" not in zones
    keys = places(e164)
    walls = (now.astimezone(ZoneInfo(name)) for name in zones)
    return all(in_hours(key, purpose, wall) for wall in walls for key in keys)


SPREAD: Final = (TOLL_FREE, AUSTRALIAN, "+79226212345", "+18687804765", "+18765550123", "+5511961234567")
"""Numbers that may be in many zones."""
ELSEWHERE: Final = ("+919876543210", "+9779841234567", "+6421234567")


@LAW
@given(
    e164=st.sampled_from([*NUMBERS.values(), *SPREAD, *ELSEWHERE]),
    purpose=st.sampled_from(Purpose),
    now=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    parts=st.lists(st.integers(0, 999), min_size=20, max_size=20),
)
def test_it_is_what_the_walls_show(e164: str, purpose: Purpose, now: datetime, parts: list[int]) -> None:
    """By a reckoning of its own; and no instant before the opening is one at which a call is permitted."""
    found = ask(e164, now, purpose)
    assert found.allowed is reckoned(e164, purpose, now)
    if found.opens_at is not None:
        assert now <= found.opens_at <= now + SEARCH
        assert (found.opens_at == now) is found.allowed
        assert reckoned(e164, purpose, found.opens_at)
        assert found.allowed or not reckoned(e164, purpose, found.opens_at - US)
    before = (found.opens_at or now + SEARCH) - now
    between = [now + before * part // 1000 for part in parts if not found.allowed]
    assert not any(reckoned(e164, purpose, each) for each in between)


@LAW
@given(
    e164=st.sampled_from([*NUMBERS.values(), TOLL_FREE]),
    purpose=st.sampled_from(Purpose),
    zone=st.sampled_from(["America/New_York", "Pacific/Kiritimati", "Asia/Kathmandu", "Australia/Lord_Howe"]),
    now=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_the_zone_of_the_customer_is_the_only_one(
    e164: str, purpose: Purpose, zone: str, now: datetime
) -> None:
    """It takes the place of those of the number; the rules stay."""
    found = ask(e164, now, purpose, zone=zone)
    assert found.allowed is reckoned(e164, purpose, now, zone=zone)
    assert found.zone == zone


def no_opening_by_the_quarter(e164: str, now: datetime, purpose: Purpose) -> bool:
    return not any(reckoned(e164, purpose, now + step * 15 * M) for step in range(14 * 24 * 4))


@pytest.mark.parametrize("e164", SPREAD)
@pytest.mark.parametrize("now", [at("2026-01-15"), at("2026-03-02"), at("2026-07-15"), at("2026-10-28")])
def test_where_many_zones_leave_no_hour_it_is_said(e164: str, now: datetime) -> None:
    """None means that no quarter of an hour of 14 days is permitted; and whoever asked for a call gets an hour."""
    assert (ask(e164, now).opens_at is None) is no_opening_by_the_quarter(e164, now, SALES)
    requested = ask(e164, now, REQUESTED).opens_at
    assert requested is not None
    assert requested - now < D


# Clocks change in the USA, in Australia, in the USA, in Australia.
@pytest.mark.parametrize("around", ["2026-03-07", "2026-04-04", "2026-10-03", "2026-10-31"])
@pytest.mark.parametrize("e164", [TOLL_FREE, AUSTRALIAN])
@pytest.mark.parametrize("purpose", [SALES, REQUESTED])
def test_every_zone_must_permit_it(e164: str, around: str, purpose: Purpose) -> None:
    """Every 5 minutes of 3 days, and every minute around each change."""
    start = at(around)
    told = {start + step * 5 * M: None for step in range(3 * 24 * 12)}
    changes = [
        now for now in told if ask(e164, now, purpose).allowed != ask(e164, now - 5 * M, purpose).allowed
    ]
    told |= dict.fromkeys(now + minutes * M for now in changes for minutes in range(-6, 2))
    assert all(ask(e164, now, purpose).allowed is reckoned(e164, purpose, now) for now in told)
    assert bool(changes) is not (purpose is SALES and e164 == TOLL_FREE)


# ---------------------------------------------------------------------------- each place

_SUNDAY, _MONDAY = "2026-06-28", "2026-06-29"


@pytest.mark.parametrize(
    ("key", "zone", "opens", "closes"),
    [(key, "America/New_York", *hours) for key, hours in _OF_STATES.items()]
    + [("us", "America/New_York", 8, 21), ("gb", "Europe/London", 8, 21)]
    + [("fr", "Europe/Paris", 10, 13), ("fr", "Europe/Paris", 14, 20)]
    + [("default", "Europe/Berlin", 10, 13), ("default", "Europe/Berlin", 14, 20)],
)
def test_bounds_of_sales(key: str, zone: str, opens: int, closes: int) -> None:
    """Exact to the microsecond, in summer and in winter."""
    for day in (_MONDAY, "2026-12-14"):
        opens_at, closes_at = (at(f"{day} {hour:02}:00", zone) for hour in (opens, closes))
        early = ask(NUMBERS[key], opens_at - US, zone=zone)
        assert (early.allowed, early.opens_at, early.zone) == (False, opens_at, zone)
        assert ask(NUMBERS[key], opens_at, zone=zone).allowed
        assert ask(NUMBERS[key], closes_at - US, zone=zone).allowed
        assert not ask(NUMBERS[key], closes_at, zone=zone).allowed


@pytest.mark.parametrize("key", NUMBERS)
@pytest.mark.parametrize("purpose", [REQUESTED, SERVICE])
def test_bounds_of_other_calls(key: str, purpose: Purpose) -> None:
    """Who asked for a call, or has something with the company, is called from 8 to 21 h on every day, everywhere."""
    for day in (_SUNDAY, _MONDAY):
        opens_at, closes_at = (at(f"{day} {hour:02}:00", "Europe/Paris") for hour in (8, 21))
        asked = [opens_at - US, opens_at, closes_at - US, closes_at]
        found = [ask(NUMBERS[key], now, purpose, zone="Europe/Paris").allowed for now in asked]
        assert found == [False, True, True, False]


@pytest.mark.parametrize("key", ["us-al", "us-la", "us-ms"])
def test_no_sales_on_sunday(key: str) -> None:
    """From Saturday evening to Monday morning, by the state's rule."""
    found = ask(NUMBERS[key], at("2026-06-27 20:00", "America/Chicago"))
    assert found == Permission(
        allowed=False,
        opens_at=at(f"{_MONDAY} 08:00", "America/Chicago"),
        rule_key=key,
        zone="America/Chicago",
    )


@pytest.mark.parametrize("key", ["us-fl", "us-wa", "us", "gb"])
def test_other_sundays_are_days(key: str) -> None:
    """Their rules say nothing of the day."""
    assert ask(NUMBERS[key], at(f"{_SUNDAY} 12:00", "Europe/London"), zone="Europe/London").allowed


def test_french_lunch_and_evening() -> None:
    """A break is as closed as the night; Friday evening lasts until Monday."""
    paris = "Europe/Paris"
    noon = ask(NUMBERS["fr"], at("2026-06-26 13:00", paris))
    assert (noon.allowed, noon.opens_at, noon.rule_key) == (False, at("2026-06-26 14:00", paris), "fr")
    assert ask(NUMBERS["fr"], at("2026-06-26 20:00", paris)).opens_at == at(f"{_MONDAY} 10:00", paris)


@pytest.mark.parametrize(
    ("eve", "opens"),
    [
        ("2026-04-03 20:00", "2026-04-07 10:00"),  # Easter
        ("2026-05-13 20:00", "2026-05-15 10:00"),  # Ascension
        ("2026-05-22 20:00", "2026-05-26 10:00"),  # Whitsun
        ("2026-07-13 20:00", "2026-07-15 10:00"),
        ("2026-12-24 20:00", "2026-12-28 10:00"),
        ("2026-12-31 20:00", "2027-01-04 10:00"),
        ("2027-05-05 20:00", "2027-05-07 10:00"),  # Ascension
    ],
)
def test_french_holidays(eve: str, opens: str) -> None:
    """No sales on them; a call that was asked for is none."""
    paris = "Europe/Paris"
    assert ask(NUMBERS["fr"], at(eve, paris)).opens_at == at(opens, paris)
    assert ask(NUMBERS["fr"], at(eve, paris) + 14 * H, REQUESTED).allowed


# ---------------------------------------------------------------------------- which rules


@pytest.mark.parametrize("key", NUMBERS)
def test_rules_of_a_place(key: str) -> None:
    """A state's stands beside the federal one; a state without hours of its own has but an empty one."""
    number = NUMBERS[key]
    keys = {found.key for found in rules_of(number, region=region_of(number), rules=CALLING.rules)}
    assert keys == ({"us-other", "us"} if key == "us" else {*places(number)})


@pytest.mark.parametrize("number", [TOLL_FREE, "+19005551234", "+15005551234", "+12995550123", "+1"])
def test_a_number_of_no_state_may_be_in_all(number: str) -> None:
    """Toll-free, premium, personal; and area codes that no rule knows."""
    keys = [found.key for found in rules_of(number, region="US", rules=CALLING.rules)]
    assert keys == [found.key for found in built_in_rules() if found.region == "US"]


@pytest.mark.parametrize(
    ("number", "region"),
    [
        (SATELLITE, "001"),
        ("+80012345678", "001"),
        ("+493012345678", "DE"),
        ("+17875550123", "PR"),
        ("x", "ZZ"),
    ],
)
def test_other_regions_have_the_cautious_rule(number: str, region: str) -> None:
    """What no rule is about, and what is no number."""
    assert [found.key for found in rules_of(number, region=region, rules=CALLING.rules)] == ["default"]


def test_a_number_of_no_country_of_its_code_may_be_in_each() -> None:
    """A toll-free number of North America may be Canadian; a fixed line of New York is not."""
    rules = (*built_in_rules(), rule("ca", "09:00-17:00", region="CA"))
    for number, expected in ((TOLL_FREE, True), ("+12125550123", False)):
        found = rules_of(number, region="US", rules=rules)
        assert ("ca" in [one.key for one in found]) is expected


def test_rules_keep_their_order() -> None:
    """That of the policy."""
    rules = tuple(reversed(built_in_rules()))
    found = rules_of(TOLL_FREE, region="US", rules=rules)
    assert found == tuple(one for one in rules if one.region == "US")


def test_of_several_the_strictest_decides() -> None:
    """A number of no state has the latest opening and the earliest closing of all, and no Sunday."""
    new_york = "America/New_York"
    opens_at, closes_at = (at(f"{_MONDAY} {hour:02}:00", new_york) for hour in (10, 20))
    early = ask(TOLL_FREE, opens_at - US, zone=new_york)
    assert early == Permission(allowed=False, opens_at=opens_at, rule_key="us-ky", zone=new_york)
    assert ask(TOLL_FREE, opens_at, zone=new_york).allowed
    assert ask(TOLL_FREE, closes_at, zone=new_york).opens_at == opens_at + D
    assert not ask(TOLL_FREE, at(f"{_SUNDAY} 12:00", new_york), zone=new_york).allowed


def test_a_purpose_that_no_rule_of_the_place_is_about_has_the_rule_without_a_region() -> None:
    """And is free where there is none such."""
    own, rest = rule("au", "08:00-20:00", region="AU"), rule("rest", "09:00-10:00", purpose=SERVICE)
    now = at(f"{_MONDAY} 12:00")
    for rules, allowed, key in (((own, rest), False, "rest"), ((own,), True, ""), ((), True, "")):
        found = ask(AUSTRALIAN, now, SERVICE, calling=CallingPolicy(rules=rules))
        assert (found.allowed, found.rule_key) == (allowed, key)


# ---------------------------------------------------------------------------- which limits


@pytest.mark.parametrize(
    ("number", "purpose", "expected"),
    [
        (NUMBERS["us-fl"], SALES, (Limit(3, D),)),
        (NUMBERS["us-ok"], SALES, (Limit(3, D),)),
        (TOLL_FREE, SALES, (Limit(3, D),)),
        (NUMBERS["fr"], SALES, (Limit(4, 30 * D),)),
        (AUSTRALIAN, SALES, (Limit(4, 30 * D),)),
        (NUMBERS["us-fl"], REQUESTED, ()),
        (NUMBERS["us-fl"], SERVICE, ()),
        (NUMBERS["fr"], REQUESTED, ()),
        (NUMBERS["us-wa"], SALES, ()),
        (NUMBERS["us"], SALES, ()),
        (NUMBERS["gb"], SALES, ()),
    ],
)
def test_limits_of_a_number(number: str, purpose: Purpose, expected: tuple[Limit, ...]) -> None:
    """They bind sales alone."""
    found = limits_of(number, region=region_of(number), purpose=purpose, calling=CALLING)
    assert found == expected


LIMITS: Final = st.builds(Limit, st.integers(1, 6), st.integers(1, 6).map(lambda hours: hours * H))


@LAW
@given(st.lists(LIMITS, max_size=4), st.lists(LIMITS, max_size=4))
def test_no_limit_is_lost_and_none_is_needless(ones: list[Limit], others: list[Limit]) -> None:
    """Each of every rule is among those that are left, or follows from one of them; and none of those from another."""
    rules = (
        rule("one", "08:00-20:00", limits={SALES: ones}),
        rule("other", "08:00-20:00", limits={SALES: others}),
    )
    left = limits_of("+1", region="AU", purpose=SALES, calling=CallingPolicy(rules=rules))
    assert set(left) <= {*ones, *others}
    assert [limit.period for limit in left] == sorted({limit.period for limit in left})

    def follows(limit: Limit, other: Limit) -> bool:
        return other.most <= limit.most and other.period >= limit.period

    assert all(any(follows(limit, other) for other in left) for limit in (*ones, *others))
    assert not any(follows(limit, other) for limit in left for other in left if other != limit)


# ---------------------------------------------------------------------------- zones


def test_a_number_without_a_zone_has_those_of_its_country() -> None:
    """All of them: in winter and in summer the same four in the United Kingdom."""
    assert zones_of_number(DRAMA) == frozenset()
    opens_at = at(f"{_MONDAY} 08:00", "Europe/London")
    early, then = ask(DRAMA, opens_at - US, region="GB"), ask(DRAMA, opens_at, region="GB")
    assert (early.allowed, early.opens_at, early.zone) == (False, opens_at, "Europe/Guernsey")
    assert then.allowed


@pytest.mark.parametrize("purpose", [REQUESTED, SERVICE])
def test_a_number_of_nowhere_has_the_clock_of_utc(purpose: Purpose) -> None:
    """All zones of the world would leave no hour of the day."""
    opens_at = at(f"{_MONDAY} 08:00")
    expected = Permission(allowed=False, opens_at=opens_at, rule_key="default", zone="UTC")
    assert ask(SATELLITE, opens_at - US, purpose) == expected
    assert ask(SATELLITE, opens_at, purpose).allowed


def test_nobody_sells_to_a_number_of_nowhere() -> None:
    """At no time; but for a customer whose zone is known."""
    now = at(f"{_MONDAY} 12:00")
    never = Permission(allowed=False, opens_at=None, rule_key="default", zone="")
    assert ask(SATELLITE, now) == never
    assert ask(SATELLITE, now, zone="Atlantic/Azores").allowed


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "localtime"])
def test_a_zone_that_is_unknown_here_is_none(zone: str) -> None:
    """A node with older zone data asks all zones of the number."""
    now = at(f"{_MONDAY} 12:30")
    assert ask(NUMBERS["us-fl"], now, zone=zone) == ask(NUMBERS["us-fl"], now)


# ---------------------------------------------------------------------------- what decides


def test_what_will_forbid_it_first_is_named() -> None:
    """While a call is allowed: the pair of rule and zone that closes first, here the eastern one in winter."""
    found = ask(AUSTRALIAN, at(f"{_MONDAY} 02:00"), REQUESTED)
    assert found == Permission(
        allowed=True, opens_at=at(f"{_MONDAY} 02:00"), rule_key="default", zone="Australia/Lord_Howe"
    )


def test_a_day_that_ends_at_midnight_goes_on_in_the_next() -> None:
    """The last of several closings is asked: not midnight, nor the end of a day of UTC."""
    week = {day: [Span(time(0), time(0))] for day in range(6)}
    own = CallingPolicy(rules=(rule("open", "00:00-00:00"), rule("no-sunday", week={SALES: week})))
    found = ask(NUMBERS["default"], at(f"{_MONDAY} 12:00"), calling=own)
    assert (found.allowed, found.rule_key) == (True, "no-sunday")
    closes_at = at("2026-07-05 00:00", "Europe/Berlin")
    assert ask(NUMBERS["default"], closes_at - US, calling=own).allowed
    assert ask(NUMBERS["default"], closes_at, calling=own).opens_at == closes_at + D


def test_what_never_closes_is_decided_by_the_first() -> None:
    """Somebody has to be named."""
    own = CallingPolicy(rules=(rule("one", "00:00-00:00"), rule("other", "00:00-00:00")))
    now = at(f"{_MONDAY} 12:00")
    found = ask(AUSTRALIAN, now, calling=own)
    assert found == Permission(
        allowed=True, opens_at=now, rule_key="one", zone=min(zones_of_number(AUSTRALIAN))
    )


@pytest.mark.parametrize("others", [(), ("12:00-13:00",)])
def test_rules_that_leave_nothing(others: tuple[str, ...]) -> None:
    """A call is never permitted, and who forbids it now is named."""
    own = CallingPolicy(rules=(rule("noon", "11:00-12:00"), rule("other", *others)))
    now = at(f"{_MONDAY} 11:30", "Europe/Berlin")
    found = ask(NUMBERS["default"], now, calling=own)
    assert found == Permission(allowed=False, opens_at=None, rule_key="other", zone="Europe/Berlin")
    later = ask(NUMBERS["default"], now + H, calling=own)
    assert (later.opens_at, later.rule_key) == (None, "noon")


@pytest.mark.parametrize(("early", "expected"), [(US, None), (0 * US, 14 * D)])
def test_fourteen_days_are_looked_ahead(early: timedelta, expected: timedelta | None) -> None:
    """An opening that is a microsecond further away is not found."""
    closed = [f"06-{day:02}" for day in range(15, 31)]
    own = CallingPolicy(rules=(rule("own", "10:00-11:00", closed_on={SALES: closed}),))
    opens_at = at("2026-07-01 10:00")
    now = opens_at - 14 * D - early
    found = ask(SATELLITE, now, calling=own, zone="UTC").opens_at
    assert found == (None if expected is None else now + expected)


# ---------------------------------------------------------------------------- clocks that are changed

SPANS: Final = st.lists(
    st.tuples(st.integers(0, 95), st.integers(1, 96)).filter(lambda pair: pair[0] < pair[1]), max_size=3
)
CHANGING: Final = {
    "America/New_York": ["2026-03-08 07:00", "2026-11-01 06:00"],
    "Europe/London": ["2026-03-29 01:00", "2026-10-25 01:00"],
    "Australia/Lord_Howe": ["2026-04-04 15:00", "2026-10-03 15:30"],
    "America/Nuuk": ["2026-03-29 01:00", "2026-10-25 01:00"],
    "Pacific/Easter": ["2026-04-05 03:00", "2026-09-06 04:00"],
    "Atlantic/Azores": ["2026-03-29 01:00", "2026-10-25 01:00"],
    "Asia/Beirut": ["2026-03-28 22:00", "2026-10-24 21:00"],
    "Pacific/Apia": ["2011-12-30 10:00"],
}


def quarters(pairs: list[tuple[int, int]]) -> list[Span]:
    """Return spans that do not overlap, from quarters of an hour."""
    taken: set[int] = {quarter for first, last in pairs for quarter in range(first, last)}
    edges = [quarter for quarter in range(97) if (quarter in taken) is not (quarter - 1 in taken)]
    clocks = [time(quarter // 4 % 24, quarter % 4 * 15) for quarter in edges]
    return [Span(*clocks[index : index + 2]) for index in range(0, len(clocks), 2)]


@settings(LAW, max_examples=300)
@given(
    data=st.data(),
    zone=st.sampled_from(sorted(CHANGING)),
    ones=SPANS,
    others=SPANS,
    minutes=st.lists(st.integers(-2880, 2880), min_size=10, max_size=10),
)
def test_rules_with_any_spans_are_as_opening_hours(
    data: st.DataObject,
    zone: str,
    ones: list[tuple[int, int]],
    others: list[tuple[int, int]],
    minutes: list[int],
) -> None:
    """Around every change of clocks: two rules permit a call where two queues with these hours would both be open."""
    change = at(data.draw(st.sampled_from(CHANGING[zone])))
    own = CallingPolicy(
        rules=(
            rule(week={SALES: dict.fromkeys(range(7), quarters(ones))}),
            rule("other", week={SALES: dict.fromkeys(range(7), quarters(others))}),
        )
    )
    hours = [
        OpenHours(WeekHours(zone=zone, week=dict.fromkeys(range(7), quarters(pairs))))
        for pairs in (ones, others)
        if pairs
    ]
    for now in [change - US, change, *(change + minute * M for minute in minutes)]:
        found = ask(SATELLITE, now, calling=own, zone=zone)
        assert found.allowed is (len(hours) == 2 and all(each.is_open(now) for each in hours))


def test_the_hour_that_is_skipped() -> None:
    """What opens in it opens at its end; what lies in it is none."""
    own = CallingPolicy(rules=(rule("own", "02:30-04:00"), rule("other", "00:00-02:15", "02:45-00:00")))
    found = ask(SATELLITE, at("2026-03-08 06:00"), calling=own, zone="America/New_York")
    assert found.opens_at == at("2026-03-08 07:00")
    assert ask(SATELLITE, at("2026-03-08 08:00") - US, calling=own, zone="America/New_York").allowed
    assert not ask(SATELLITE, at("2026-03-08 08:00"), calling=own, zone="America/New_York").allowed


def test_the_hour_that_comes_twice() -> None:
    """What is permitted in it is permitted twice."""
    own = CallingPolicy(rules=(rule("own", "01:00-02:00"),))
    opens_at, closes_at = at("2026-11-01 05:00"), at("2026-11-01 07:00")
    asked = [opens_at - US, opens_at, at("2026-11-01 06:00"), closes_at - US, closes_at]
    found = [ask(SATELLITE, now, calling=own, zone="America/New_York").allowed for now in asked]
    assert found == [False, True, True, True, False]


# ---------------------------------------------------------------------------- instants


def test_instants_may_be_in_any_zone() -> None:
    """Answers are in UTC."""
    now = datetime(2026, 6, 29, 12, tzinfo=ZoneInfo("America/New_York"))
    found = ask(NUMBERS["us-fl"], now)
    assert (found.allowed, found.opens_at) == (True, now)
    assert found.opens_at is not None
    assert found.opens_at.tzinfo is UTC


@pytest.mark.parametrize("now", [datetime(2026, 6, 29, 12), at("1999-12-31 23:59"), at("2100-01-01"), None])  # noqa: DTZ001
def test_other_instants_are_refused(now: Any) -> None:
    """Naive ones, those of other centuries, and what is none."""
    with pytest.raises(InvalidTime):
        ask(NUMBERS["us-fl"], now)


def test_the_first_and_the_last_day_can_be_asked() -> None:
    """Nothing is found beyond the last."""
    first, last = at("2000-01-01 00:00"), at("2100-01-01") - US
    assert ask(NUMBERS["gb"], first, REQUESTED).opens_at == at("2000-01-01 08:00")
    assert ask(NUMBERS["us"], last, REQUESTED).allowed
    assert ask(NUMBERS["gb"], last, REQUESTED).opens_at is None

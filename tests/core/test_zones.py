"""Zones of customers: which one, what its clocks show, and which instant a promise on them is, as rules come and go."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zoneinfo
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core import zones
from callbackq.core.zones import (
    OTHERS_MAX,
    CustomerZone,
    ShowDate,
    ZoneSource,
    abbreviation,
    check_zone,
    forget_zones,
    instant_of,
    offset_text,
    read_wall,
    text_of_time,
    wall_of,
    zone_of_customer,
    zones_of_number,
)
from callbackq.errors import ConfigurationError, InvalidText, InvalidTime
from callbackq.model.wall import GapPolicy, OverlapPolicy, WallTime
from core.samples import LAW, D, H, M, S

NEW_YORK, LONDON, BERLIN = "America/New_York", "Europe/London", "Europe/Berlin"
LORD_HOWE, TROLL, APIA, MOSCOW = "Australia/Lord_Howe", "Antarctica/Troll", "Pacific/Apia", "Europe/Moscow"
SAO_PAULO = "America/Sao_Paulo"
REFUSED = {"Factory", "localtime", "posixrules"}
ZONES = sorted(available_timezones() - REFUSED)
EARLY, FIRST, LAST = (datetime(year, 1, 1, tzinfo=UTC) for year in (2010, 2020, 2041))
NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def wall(text: str, zone: str, fold: int = 0) -> WallTime:
    return WallTime(wall_at=datetime.fromisoformat(text), zone=zone, fold=fold)


def shown(at: datetime, zone: str) -> datetime:
    """Return what a clock shows, asked of the standard library."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@cache
def changes_of(zone: str) -> tuple[datetime, ...]:
    """Return every instant from 2010 to 2040 at which clocks go forward or back. None is soon undone by another."""
    here = ZoneInfo(zone)

    def offset(at: datetime) -> timedelta | None:
        return at.astimezone(here).utcoffset()

    def change(low: datetime, high: datetime) -> datetime:
        after = offset(high)
        while high - low > S:
            middle = low + (high - low) // 2 // S * S
            low, high = (low, middle) if offset(middle) == after else (middle, high)
        return high

    weeks = [EARLY + number * 7 * D for number in range((LAST - EARLY) // (7 * D) + 1)]
    return tuple(change(low, high) for low, high in pairwise(weeks) if offset(low) != offset(high))


@st.composite
def places_and_instants(draw: st.DrawFn) -> tuple[str, datetime]:
    """Draw a zone and an instant of 2020 to 2040; half of them near a change of its clocks, if it has any."""
    zone = draw(st.sampled_from(ZONES))
    near = [change for change in changes_of(zone) if change >= FIRST + D]
    if near and draw(st.sampled_from([True, False])):
        return zone, draw(st.sampled_from(near)) + draw(st.integers(-180, 180)) * M
    return zone, FIRST + draw(st.integers(0, (LAST - FIRST) // M)) * M


# ---------------------------------------------------------------------------- keys


@pytest.mark.parametrize("key", [NEW_YORK, "UTC", "Etc/GMT+5", "EST5EDT", "America/Argentina/Buenos_Aires"])
def test_a_known_zone_is_returned_as_it_is(key: str) -> None:
    """H11: a key is taken as it is written."""
    assert check_zone(key) == key


@pytest.mark.parametrize(
    "key",
    [
        *("", " ", ".", "..", "../x", "../../etc/passwd", "/etc/localtime", "Europe/../Europe/London"),
        *("a\0b", "\ud800", "\n", "UTC\n"),
        *("America", "US", "America/", "Europe/London/", "Europe//London", "Europe/./London", "America\\New_York"),
        *("europe/london", "EUROPE/LONDON", "Europe/London ", "London", "New York", "PST", "EDT", "UTC+3", "+03:00"),
        *("zone.tab", "tzdata.zi", "leapseconds", "__init__.py", "posix/UTC", "right/UTC", "posixrules", "localtime"),
        *("Factory", "Etc/Unknown", "x" * 100_000, "Europe/" * 1_000, "é", "con"),
    ],
)  # fmt: skip
def test_what_is_no_zone_is_refused_and_not_shown(key: str) -> None:
    """H11: a path, a folder, another spelling, a name of this machine only: one error, without the text."""
    with pytest.raises(
        InvalidText, match=r"^customer_zone is not known here; allowed: an IANA key"
    ) as caught:
        check_zone(key, "customer_zone")
    assert len(str(caught.value)) < 100
    for use in (
        lambda: read_wall(datetime(2026, 1, 1), zone=key),  # noqa: DTZ001
        lambda: instant_of(wall("2026-01-01", key)),
        lambda: wall_of(NOW, zone=key),
        lambda: abbreviation(NOW, zone=key),
        lambda: offset_text(NOW, zone=key),
        lambda: text_of_time(NOW, zone=key),
    ):
        with pytest.raises(InvalidText, match=r"^zone is not known here"):
            use()


@pytest.mark.parametrize("key", [None, 5, b"UTC", ["UTC"], UTC, ZoneInfo("UTC")])
def test_a_zone_is_text(key: Any) -> None:
    """H11: a zone object is no key: a key can be stored."""
    with pytest.raises(InvalidText, match=rf"^zone is {type(key).__name__}; allowed: text$"):
        check_zone(key)


def test_every_zone_of_the_library_is_taken_but_three() -> None:
    """H11: of all keys that there are, those are refused that mean something else on every machine."""
    refused = set()
    for key in available_timezones():
        try:
            assert check_zone(key) == key
        except InvalidText:
            refused.add(key)
    assert refused == available_timezones() & REFUSED
    assert len(ZONES) > 400


@LAW
@given(st.text() | st.sampled_from(ZONES).map(str.lower) | st.binary() | st.none() | st.integers())
def test_nothing_but_one_error_comes_of_any_key(key: Any) -> None:
    """H11: whatever is given, it is a zone or `InvalidText`."""
    try:
        assert check_zone(key) in ZONES
    except InvalidText:
        assert key not in ZONES


def test_importing_zones_is_light() -> None:
    """The numbers' zones are loaded on first use."""
    script = "import sys, callbackq.core.zones; print('phonenumbers' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.fixture
def fresh() -> Iterator[None]:
    forget_zones()
    yield
    forget_zones()


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(
    "error", [OSError(24, "Too many open files"), ValueError("magic"), zoneinfo.ZoneInfoNotFoundError()]
)
def test_rules_that_cannot_be_read_now_are_read_later(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """H11: a failure of the machine is one error of ours, and is not remembered."""

    def fail(_key: str) -> ZoneInfo:
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(zones, "_rules", fail)
        with pytest.raises(InvalidText, match=r"^zone is not known here"):
            check_zone(BERLIN)
    assert check_zone(BERLIN) == BERLIN


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("found", [set[str](), {"America/New_York"}, OSError(24, "Too many open files")])
def test_a_machine_without_zone_data_says_so(
    monkeypatch: pytest.MonkeyPatch, found: set[str] | OSError
) -> None:
    """H11: it is not the customer's fault; and it is not remembered."""

    def look() -> set[str]:
        if isinstance(found, OSError):
            raise found
        return found

    with monkeypatch.context() as bare:
        bare.setattr(zoneinfo, "available_timezones", look)
        with pytest.raises(ConfigurationError, match="or the package tzdata"):
            check_zone(NEW_YORK)
    assert check_zone(NEW_YORK) == NEW_YORK


# ---------------------------------------------------------------------------- the record


def test_a_wall_time_is_a_plain_time_without_zone_and_fold() -> None:
    """H12: two records of one promise are equal, whatever the datetime was that they were made of."""

    class Other(datetime):
        """As other libraries have them."""

    made = WallTime(wall_at=Other(2026, 11, 1, 1, 30, 5, 7, fold=1), zone=NEW_YORK)
    assert made == wall("2026-11-01T01:30:05.000007", NEW_YORK)
    assert hash(made) == hash(wall("2026-11-01T01:30:05.000007", NEW_YORK))
    assert type(made.wall_at) is datetime
    assert made.wall_at.fold == made.fold == 0
    assert type(WallTime(wall_at=made.wall_at, zone=NEW_YORK, fold=True).fold) is int


@pytest.mark.parametrize(
    ("wall_at", "fold", "message"),
    [
        (NOW, 0, "without a zone"),
        (NOW.date(), 0, "wall_at is date; allowed: a datetime"),
        ("2026-01-01T09:00", 0, "wall_at is str; allowed: a datetime"),
        (datetime(1998, 12, 31), 0, "years 1999 to 2100"),  # noqa: DTZ001
        (datetime.max, 0, "years 1999 to 2100"),  # noqa: DTZ901
        (datetime(2026, 1, 1), 2, "fold is neither 0 nor 1"),  # noqa: DTZ001
        (datetime(2026, 1, 1), -1, "fold is neither 0 nor 1"),  # noqa: DTZ001
        (datetime(2026, 1, 1), "1", "fold is neither 0 nor 1"),  # noqa: DTZ001
    ],
)
def test_a_wall_time_is_checked_when_it_is_made(wall_at: Any, fold: Any, message: str) -> None:
    """H12: nothing is kept from which no instant follows."""
    with pytest.raises(InvalidTime, match=message):
        WallTime(wall_at=wall_at, zone=NEW_YORK, fold=fold)
    with pytest.raises(InvalidTime, match=message):
        read_wall(wall_at, zone=NEW_YORK, fold=fold)


# ---------------------------------------------------------------------------- what was said, and which instant it is


@pytest.mark.parametrize(
    ("said", "zone", "at"),
    [
        ("2026-01-15T15:00", NEW_YORK, "2026-01-15T20:00"),
        ("2026-07-15T15:00", NEW_YORK, "2026-07-15T19:00"),
        # Clocks change on other dates: for three weeks of spring and one of autumn it is an hour less to London.
        ("2026-03-07T15:00", NEW_YORK, "2026-03-07T20:00"),
        ("2026-03-10T15:00", NEW_YORK, "2026-03-10T19:00"),
        ("2026-03-10T15:00", LONDON, "2026-03-10T15:00"),
        ("2026-03-29T15:00", LONDON, "2026-03-29T14:00"),
        ("2026-10-26T15:00", LONDON, "2026-10-26T15:00"),
        ("2026-10-26T15:00", NEW_YORK, "2026-10-26T19:00"),
        # The last and the first moment around changes.
        ("2026-03-08T01:59:59.999999", NEW_YORK, "2026-03-08T06:59:59.999999"),
        ("2026-03-08T03:00", NEW_YORK, "2026-03-08T07:00"),
        ("2026-11-01T00:59", NEW_YORK, "2026-11-01T04:59"),
        ("2026-11-01T02:00", NEW_YORK, "2026-11-01T07:00"),
        # Odd offsets, both ends of the world, leap days.
        ("2026-01-01T00:00", "Asia/Kathmandu", "2025-12-31T18:15"),
        ("2026-01-01T00:00", "Asia/Kolkata", "2025-12-31T18:30"),
        ("2026-01-01T00:00", "Pacific/Kiritimati", "2025-12-31T10:00"),
        ("2026-01-01T00:00", "Pacific/Niue", "2026-01-01T11:00"),
        ("2028-02-29T12:00", LONDON, "2028-02-29T12:00"),
        # Ramadan: winter time within the summer.
        ("2026-02-14T12:00", "Africa/Casablanca", "2026-02-14T11:00"),
        ("2026-03-01T12:00", "Africa/Casablanca", "2026-03-01T12:00"),
        ("2026-04-01T12:00", "Africa/Casablanca", "2026-04-01T11:00"),
        # A day that Samoa did not have, and its neighbours.
        ("2011-12-29T23:59", APIA, "2011-12-30T09:59"),
        ("2011-12-31T00:00", APIA, "2011-12-30T10:00"),
    ],
)
def test_a_time_that_comes_once(said: str, zone: str, at: str) -> None:
    """H12: whatever the policies say, and whatever fold."""
    asked, expected = datetime.fromisoformat(said), (wall(said, zone), utc(at))
    for fold in (None, 0, 1):
        for gap in GapPolicy:
            for overlap in OverlapPolicy:
                assert read_wall(asked, zone=zone, fold=fold, gap=gap, overlap=overlap) == expected
    assert instant_of(wall(said, zone, 1)) == instant_of(wall(said, zone)) == utc(at)
    assert wall_of(utc(at), zone=zone) == wall(said, zone)


@pytest.mark.parametrize(
    ("said", "zone", "message", "later", "at"),
    [
        (
            *("2026-03-08T02:30", NEW_YORK),
            "02:30 does not exist in America/New_York on 2026-03-08: clocks go from 02:00 to 03:00",
            *("2026-03-08T03:00", "2026-03-08T07:00"),
        ),
        (
            *("2026-03-08T02:00", NEW_YORK),
            "02:00 does not exist in America/New_York on 2026-03-08: clocks go from 02:00 to 03:00",
            *("2026-03-08T03:00", "2026-03-08T07:00"),
        ),
        (
            *("2026-03-08T02:59:59.999999", NEW_YORK),
            "02:59 does not exist in America/New_York on 2026-03-08: clocks go from 02:00 to 03:00",
            *("2026-03-08T03:00", "2026-03-08T07:00"),
        ),
        (
            *("2026-03-29T01:15", LONDON),
            "01:15 does not exist in Europe/London on 2026-03-29: clocks go from 01:00 to 02:00",
            *("2026-03-29T02:00", "2026-03-29T01:00"),
        ),
        (
            *("2026-10-04T02:15", LORD_HOWE),
            "02:15 does not exist in Australia/Lord_Howe on 2026-10-04: clocks go from 02:00 to 02:30",
            *("2026-10-04T02:30", "2026-10-03T15:30"),
        ),
        (
            *("2026-03-29T02:59", TROLL),
            "02:59 does not exist in Antarctica/Troll on 2026-03-29: clocks go from 01:00 to 03:00",
            *("2026-03-29T03:00", "2026-03-29T01:00"),
        ),
        (
            *("2026-03-22T02:00", "Africa/Casablanca"),
            "02:00 does not exist in Africa/Casablanca on 2026-03-22: clocks go from 02:00 to 03:00",
            *("2026-03-22T03:00", "2026-03-22T02:00"),
        ),
        (
            *("2011-12-30T15:00", APIA),
            "15:00 does not exist in Pacific/Apia on 2011-12-30: clocks go from 00:00 to 2011-12-31 00:00",
            *("2011-12-31T00:00", "2011-12-30T10:00"),
        ),
        (
            *("2026-03-28T23:30", "America/Nuuk"),
            "23:30 does not exist in America/Nuuk on 2026-03-28: clocks go from 23:00 to 2026-03-29 00:00",
            *("2026-03-29T00:00", "2026-03-29T01:00"),
        ),
    ],
)
def test_a_time_that_is_missing(said: str, zone: str, message: str, later: str, at: str) -> None:
    """H12: refused with its reason, or moved to the first instant after the gap; a kept promise is moved always."""
    for fold in (None, 0, 1):
        with pytest.raises(InvalidTime, match=f"^{re.escape(message)}$"):
            read_wall(datetime.fromisoformat(said), zone=zone, fold=fold)
        found = read_wall(datetime.fromisoformat(said), zone=zone, fold=fold, gap=GapPolicy.LATER)
        assert found == (wall(later, zone), utc(at))
    assert instant_of(wall(said, zone, 0)) == instant_of(wall(said, zone, 1)) == utc(at)


@pytest.mark.parametrize(
    ("said", "zone", "first", "second", "offsets"),
    [
        ("2026-11-01T01:30", NEW_YORK, "2026-11-01T05:30", "2026-11-01T06:30", ("UTC-4", "UTC-5")),
        ("2026-11-01T01:00", NEW_YORK, "2026-11-01T05:00", "2026-11-01T06:00", ("UTC-4", "UTC-5")),
        ("2026-11-01T01:59:59", NEW_YORK, "2026-11-01T05:59:59", "2026-11-01T06:59:59", ("UTC-4", "UTC-5")),
        ("2026-10-25T01:30", LONDON, "2026-10-25T00:30", "2026-10-25T01:30", ("UTC+1", "UTC")),
        ("2026-04-05T01:45", LORD_HOWE, "2026-04-04T14:45", "2026-04-04T15:15", ("UTC+11", "UTC+10:30")),
        ("2026-10-25T02:30", TROLL, "2026-10-25T00:30", "2026-10-25T02:30", ("UTC+2", "UTC")),
        ("2026-02-15T02:30", "Africa/Casablanca", "2026-02-15T01:30", "2026-02-15T02:30", ("UTC+1", "UTC")),
        ("2014-10-26T01:30", MOSCOW, "2014-10-25T21:30", "2014-10-25T22:30", ("UTC+4", "UTC+3")),
    ],
)
def test_a_time_that_comes_twice(
    said: str, zone: str, first: str, second: str, offsets: tuple[str, str]
) -> None:
    """H12: the fold says which one; where it is not said, policy does; the promise is unambiguous."""
    asked = datetime.fromisoformat(said)
    both = [(wall(said, zone, 0), utc(first)), (wall(said, zone, 1), utc(second))]
    assert read_wall(asked, zone=zone) == both[0]
    assert read_wall(asked, zone=zone, overlap=OverlapPolicy.FIRST) == both[0]
    assert read_wall(asked, zone=zone, overlap=OverlapPolicy.SECOND) == both[1]
    for overlap in OverlapPolicy:
        for fold in (0, 1):
            assert read_wall(asked, zone=zone, fold=fold, overlap=overlap) == both[fold]
    with pytest.raises(InvalidTime, match=rf"comes twice in {zone} on \S+, at ") as caught:
        read_wall(asked, zone=zone, overlap=OverlapPolicy.REFUSE)
    assert f"at {offsets[0]} and at {offsets[1]};" in str(caught.value)
    for promise, at in both:
        assert instant_of(promise) == at
        assert wall_of(at, zone=zone) == promise
        assert offset_text(at, zone=zone) == offsets[promise.fold]


def test_policies_may_be_their_values() -> None:
    """A policy from a settings file is as good as the member."""
    gap: Any = "later"
    overlap: Any = "second"
    assert read_wall(datetime(2026, 3, 8, 2, 30), zone=NEW_YORK, gap=gap)[1] == utc("2026-03-08T07:00")  # noqa: DTZ001
    said = datetime(2026, 11, 1, 1, 30)  # noqa: DTZ001
    assert read_wall(said, zone=NEW_YORK, overlap=overlap)[0].fold == 1


@pytest.mark.parametrize(
    "use",
    [
        lambda at: wall_of(at, zone=NEW_YORK),
        lambda at: abbreviation(at, zone=NEW_YORK),
        lambda at: offset_text(at, zone=NEW_YORK),
        lambda at: text_of_time(at, zone=NEW_YORK),
        lambda at: text_of_time(NOW, zone=NEW_YORK, now=at),
        lambda at: zone_of_customer(
            chosen=None, known=None, number_zones=frozenset(), at=at, queue_zone=NEW_YORK
        ),
    ],
)
@pytest.mark.parametrize(
    "at",
    [NOW.replace(tzinfo=None), datetime(1999, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC), "now"],
)
def test_an_instant_is_aware_and_of_this_century(use: Callable[[Any], object], at: Any) -> None:
    with pytest.raises(InvalidTime, match=r"^at is "):
        use(at)


def test_the_first_and_the_last_moments_of_the_century() -> None:
    """H12: what can be shown can be kept, and is the same instant again; what is beyond is refused."""
    ends = utc("2000-01-01"), utc("2100-01-01") - timedelta(microseconds=1)
    for zone in ZONES:
        for at in ends:
            assert instant_of(wall_of(at, zone=zone)) == at
    with pytest.raises(InvalidTime, match=r"^wall_at is 2100-01-01.* years 2000 to 2099$"):
        read_wall(datetime(2099, 12, 31, 23), zone=NEW_YORK)  # noqa: DTZ001
    with pytest.raises(InvalidTime, match=r"^wall_at is 1999-12-31.* years 2000 to 2099$"):
        read_wall(datetime(2000, 1, 1), zone=BERLIN)  # noqa: DTZ001


# ---------------------------------------------------------------------------- laws of promises, everywhere


@LAW
@given(places_and_instants(), st.timedeltas(timedelta(0), M))
def test_what_is_shown_is_the_same_instant_again(place: tuple[str, datetime], more: timedelta) -> None:
    """H12: instant -> wall clock -> instant, in every zone, to the microsecond; and again from what a person says."""
    zone, at = place
    at += more
    promise = wall_of(at, zone=zone)
    assert promise.wall_at == shown(at, zone)
    assert instant_of(promise) == at
    assert read_wall(promise.wall_at, zone=zone, fold=promise.fold) == (promise, at)


@pytest.mark.parametrize("zone", ZONES)
def test_every_change_of_clocks_from_2010_to_2040(zone: str) -> None:
    """H12: in every zone, around each change: the law holds, a gap has no reading, an overlap two."""
    for change in changes_of(zone):
        before, after = shown(change - S, zone) + S, shown(change, zone)
        moved = abs(after - before)
        for at in (
            change - moved - S,
            change - moved,
            change - S,
            change,
            change + moved - S,
            change + moved,
        ):
            assert instant_of(wall_of(at, zone=zone)) == at
        middle = min(before, after) + moved / 2
        if before < after:
            assert instant_of(WallTime(wall_at=before, zone=zone)) == change
            assert instant_of(WallTime(wall_at=middle, zone=zone, fold=1)) == change
            with pytest.raises(InvalidTime, match="does not exist"):
                read_wall(middle, zone=zone)
        else:
            twice = [instant_of(WallTime(wall_at=middle, zone=zone, fold=fold)) for fold in (0, 1)]
            assert twice == [change - moved / 2, change + moved / 2]


@LAW
@given(
    places_and_instants(),
    st.integers(-180, 180),
    st.sampled_from([None, 0, 1]),
    st.sampled_from(OverlapPolicy),
)
def test_a_time_is_never_read_as_an_earlier_one(
    place: tuple[str, datetime], minutes: int, fold: int | None, overlap: OverlapPolicy
) -> None:
    """H12: with `LATER`, clocks show at least what was asked, and nothing between; nothing else is ever refused."""
    zone, near = place
    asked = shown(near, zone) + minutes * M
    try:
        promise, at = read_wall(asked, zone=zone, fold=fold, gap=GapPolicy.LATER, overlap=overlap)
    except InvalidTime:
        assert (fold, overlap) == (None, OverlapPolicy.REFUSE)
        assert len({instant_of(WallTime(wall_at=asked, zone=zone, fold=fold)) for fold in (0, 1)}) == 2
        return
    assert at.tzinfo is UTC
    assert promise == wall_of(at, zone=zone)
    assert promise.wall_at == shown(at, zone) >= asked
    if promise.wall_at > asked:
        assert shown(at - timedelta(microseconds=1), zone) < asked


# ---------------------------------------------------------------------------- rules that change


def made_zone(footer: str) -> ZoneInfo:
    """Return a zone with rules of the test's own, as a POSIX TZ string: the smallest file that there is."""
    header = b"TZif2" + bytes(15) + b"".join(n.to_bytes(4, "big") for n in (0, 0, 0, 0, 1, 4))
    block = header + bytes(6) + b"LMT\0"
    return ZoneInfo.from_file(io.BytesIO(block + block + f"\n{footer}\n".encode()))


@pytest.mark.parametrize(
    ("zone", "today", "said", "fold", "before", "after"),
    [
        # New York stays on standard time, on summer time, changes earlier, or changes back later.
        (NEW_YORK, "EST5", "2026-07-10T15:00", 0, "2026-07-10T19:00", "2026-07-10T20:00"),
        (NEW_YORK, "EDT4", "2026-01-10T15:00", 0, "2026-01-10T20:00", "2026-01-10T19:00"),
        (NEW_YORK, "EST5EDT,M3.1.0,M11.1.0", "2026-03-05T15:00", 0, "2026-03-05T20:00", "2026-03-05T19:00"),
        # The time has come to be missing: the first instant after the gap.
        (NEW_YORK, "EST5EDT,M3.1.0,M11.1.0", "2026-03-01T02:30", 0, "2026-03-01T07:30", "2026-03-01T07:00"),
        (NEW_YORK, "EST5EDT,M3.1.0,M11.1.0", "2026-03-01T02:30", 1, "2026-03-01T07:30", "2026-03-01T07:00"),
        # It comes twice no longer.
        (NEW_YORK, "EST5", "2026-11-01T01:30", 0, "2026-11-01T05:30", "2026-11-01T06:30"),
        (NEW_YORK, "EST5", "2026-11-01T01:30", 1, "2026-11-01T06:30", "2026-11-01T06:30"),
        (NEW_YORK, "EDT4", "2026-11-01T01:30", 1, "2026-11-01T06:30", "2026-11-01T05:30"),
        # It has come to be there twice: the first, unless it was promised as a second.
        (NEW_YORK, "EST5EDT,M3.2.0,M10.5.0", "2026-10-25T01:30", 0, "2026-10-25T05:30", "2026-10-25T05:30"),
        # Brazil has summer time again.
        (SAO_PAULO, "<-03>3<-02>,M10.3.0/0,M2.3.0/0", "2026-01-10T09:00", 0, "2026-01-10T12:00", "2026-01-10T11:00"),
        # A country moves over the date line: a day that was promised is not there.
        (APIA, "<-11>11<+13>-13,J10/0,J365/0", "2026-01-10T12:00", 0, "2026-01-09T23:00", "2026-01-10T11:00"),
    ],
)  # fmt: skip
def test_rules_change_and_the_wall_clock_is_kept(
    monkeypatch: pytest.MonkeyPatch, zone: str, today: str, said: str, fold: int, before: str, after: str
) -> None:
    """H12: the promise is the wall clock: when the rules change, its instant moves."""
    promise = wall(said, zone, fold)
    assert instant_of(promise) == utc(before)
    monkeypatch.setattr(zones, "_rules", lambda _key: made_zone(today))
    assert instant_of(promise) == utc(after)
    assert promise == wall(said, zone, fold)
    assert wall_of(utc(after), zone=zone).wall_at >= promise.wall_at


@LAW
@given(
    st.sampled_from(ZONES),
    st.sampled_from(ZONES),
    st.integers(0, (LAST - FIRST) // M),
    st.integers(0, 59_999_999),
    st.sampled_from([0, 1]),
)
def test_whatever_the_rules_become_a_promise_has_an_instant(
    zone: str, rules_of: str, minutes: int, microseconds: int, fold: int
) -> None:
    """H12: under the rules of any other country: never an error, and never before the wall clock says so."""
    wall_at = (FIRST + minutes * M).replace(tzinfo=None) + timedelta(microseconds=microseconds)
    promise = WallTime(wall_at=wall_at, zone=zone, fold=fold)
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(zones, "_rules", lambda _key: ZoneInfo(rules_of))
        at = instant_of(promise)
    assert shown(at, rules_of) >= promise.wall_at
    assert shown(at, rules_of) - promise.wall_at <= D


@pytest.mark.usefixtures("fresh")
def test_rules_are_read_once_and_again_after_they_were_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """H12: a process that runs for years takes an update of its machine without a restart."""
    promise = wall("2026-07-10T15:00", NEW_YORK)
    assert instant_of(promise) == utc("2026-07-10T19:00")
    updated = SimpleNamespace(no_cache=lambda _key: made_zone("EST5"))
    monkeypatch.setattr(zoneinfo, "ZoneInfo", updated)
    assert instant_of(promise) == utc("2026-07-10T19:00")
    forget_zones()
    assert instant_of(promise) == utc("2026-07-10T20:00")


@pytest.mark.usefixtures("fresh")
def test_a_zone_that_came_with_an_update_is_found_after_the_old_ones_were_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """H11: also among the zones of a number that was looked up before."""
    with monkeypatch.context() as old:
        old.setattr(zoneinfo, "available_timezones", lambda: {"UTC", LONDON})
        assert zones_of_number("+12125550123") == frozenset()
    forget_zones()
    assert zones_of_number("+12125550123") == {NEW_YORK}


# ---------------------------------------------------------------------------- abbreviations


@pytest.mark.parametrize(
    ("at", "zone", "name", "offset"),
    [
        ("2026-01-15", NEW_YORK, "EST", "UTC-5"),
        ("2026-07-15", NEW_YORK, "EDT", "UTC-4"),
        ("2026-01-15", LONDON, "GMT", "UTC"),
        ("2026-07-15", LONDON, "BST", "UTC+1"),
        ("2026-07-15", "Europe/Dublin", "IST", "UTC+1"),
        ("2026-07-15", BERLIN, "CEST", "UTC+2"),
        ("2026-07-15", "America/Phoenix", "MST", "UTC-7"),
        ("2026-07-15", "Pacific/Guam", "ChST", "UTC+10"),
        ("2026-07-15", "UTC", "UTC", "UTC"),
        ("2026-07-15", "Asia/Kolkata", "IST", "UTC+5:30"),
        # Zones whose abbreviations are figures.
        ("2026-07-15", "Asia/Riyadh", "UTC+3", "UTC+3"),
        ("2026-07-15", "America/Sao_Paulo", "UTC-3", "UTC-3"),
        ("2026-07-15", "Asia/Tehran", "UTC+3:30", "UTC+3:30"),
        ("2026-07-15", "Asia/Kathmandu", "UTC+5:45", "UTC+5:45"),
        ("2026-07-15", "Pacific/Marquesas", "UTC-9:30", "UTC-9:30"),
        ("2026-07-15", "Pacific/Kiritimati", "UTC+14", "UTC+14"),
        ("2026-07-15", "Etc/GMT+12", "UTC-12", "UTC-12"),
        ("2026-07-15", "Atlantic/Azores", "UTC", "UTC"),
        ("2026-01-15", "Atlantic/Azores", "UTC-1", "UTC-1"),
        ("2026-01-15", LORD_HOWE, "UTC+11", "UTC+11"),
        ("2026-07-15", LORD_HOWE, "UTC+10:30", "UTC+10:30"),
        ("2026-01-15", TROLL, "UTC", "UTC"),
        ("2026-07-15", TROLL, "UTC+2", "UTC+2"),
    ],
)
def test_the_abbreviation_is_right_on_that_date(at: str, zone: str, name: str, offset: str) -> None:
    """H10: EST in January and EDT in July; where there is only a number, the offset as people read it."""
    assert abbreviation(utc(at), zone=zone) == name
    assert offset_text(utc(at), zone=zone) == offset


def test_an_offset_with_seconds_is_shown_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """H10: no zone of our time has one; the arithmetic does not depend on it."""
    monkeypatch.setattr(zones, "_rules", lambda _key: made_zone("<-004430>0:44:30"))
    assert abbreviation(NOW, zone=NEW_YORK) == "UTC-0:44:30"
    assert text_of_time(NOW, zone=NEW_YORK, now=NOW) == "11:15 AM UTC-0:44:30"
    assert instant_of(wall_of(NOW, zone=NEW_YORK)) == NOW
    monkeypatch.setattr(zones, "_rules", lambda _key: made_zone("<+000030>-0:00:30"))
    assert abbreviation(NOW, zone=NEW_YORK) == "UTC+0:00:30"


@LAW
@given(places_and_instants())
def test_an_abbreviation_is_never_empty_nor_a_bare_number(place: tuple[str, datetime]) -> None:
    """H10: letters, or UTC with an offset that is right."""
    zone, at = place
    assert re.fullmatch(r"[A-Za-z]{3,5}|UTC[+-]\d{1,2}(:\d\d)?", abbreviation(at, zone=zone))
    assert read_offset(offset_text(at, zone=zone)) == at.astimezone(ZoneInfo(zone)).utcoffset()


# ---------------------------------------------------------------------------- texts

EST_3PM, EDT_3PM, LONDON_3PM = utc("2026-01-15T20:00"), utc("2026-07-15T19:00"), utc("2026-03-10T15:00")


@pytest.mark.parametrize(
    ("at", "zone", "language", "now", "text"),
    [
        (EST_3PM, NEW_YORK, "en", EST_3PM, "3:00 PM EST"),
        (EDT_3PM, NEW_YORK, "en-US", EDT_3PM, "3:00 PM EDT"),
        (EDT_3PM, NEW_YORK, "en_us", EDT_3PM, "3:00 PM EDT"),
        (EDT_3PM, "America/Los_Angeles", "en", EDT_3PM, "12:00 PM PDT"),
        (LONDON_3PM, LONDON, "en-GB", LONDON_3PM, "15:00 GMT"),
        (LONDON_3PM, LONDON, "EN-AU", LONDON_3PM, "15:00 GMT"),
        (LONDON_3PM, BERLIN, "de", LONDON_3PM, "16:00 CET"),
        (LONDON_3PM, BERLIN, "enm", NOW, "2026-03-10, 16:00 CET"),
        (LONDON_3PM, BERLIN, "", LONDON_3PM, "16:00 CET"),
        # Midnight and noon.
        (utc("2026-01-15T05:00"), NEW_YORK, "en", utc("2026-01-15T06:00"), "12:00 AM EST"),
        (utc("2026-01-15T17:05:59"), NEW_YORK, "en", utc("2026-01-15T06:00"), "12:05 PM EST"),
        (utc("2026-01-15T00:00"), LONDON, "en-GB", utc("2026-01-15T06:00"), "00:00 GMT"),
        # Another day, in that zone.
        (utc("2026-03-10T19:00"), NEW_YORK, "en", NOW, "Tuesday, March 10, 3:00 PM EDT"),
        (LONDON_3PM, LONDON, "en-GB", NOW, "Tuesday 10 March, 15:00 GMT"),
        (LONDON_3PM - H, BERLIN, "de-DE", NOW, "2026-03-10, 15:00 CET"),
        (utc("2026-01-15T04:00"), NEW_YORK, "en", utc("2026-01-15T06:00"), "Wednesday, January 14, 11:00 PM EST"),
        (utc("2026-01-15T04:00"), NEW_YORK, "en", utc("2026-01-15T03:00"), "11:00 PM EST"),
        # Another year, or no day of the telling.
        (utc("2027-01-01T14:00"), NEW_YORK, "en", NOW, "Friday, January 1, 2027, 9:00 AM EST"),
        (utc("2027-01-01T14:00"), LONDON, "en-GB", NOW, "Friday 1 January 2027, 14:00 GMT"),
        (utc("2026-12-31T14:00"), LONDON, "en-GB", None, "Thursday 31 December 2026, 14:00 GMT"),
        (utc("2026-12-31T14:00"), NEW_YORK, "en", None, "Thursday, December 31, 2026, 9:00 AM EST"),
        (utc("2026-12-31T14:00"), "Asia/Tokyo", "ja", None, "2026-12-31, 23:00 JST"),
        # The hour that comes twice.
        (utc("2026-11-01T05:30"), NEW_YORK, "en", utc("2026-11-01T04:30"), "1:30 AM EDT"),
        (utc("2026-11-01T06:30"), NEW_YORK, "en", utc("2026-11-01T04:30"), "1:30 AM EST"),
        (utc("2014-10-25T21:30"), MOSCOW, "ru", utc("2014-10-26T00:30"), "01:30 MSK (UTC+4)"),
        (utc("2014-10-25T22:30"), MOSCOW, "ru", utc("2014-10-26T00:30"), "01:30 MSK (UTC+3)"),
        (utc("2014-10-25T23:30"), MOSCOW, "ru", utc("2014-10-26T00:30"), "02:30 MSK"),
        # No name.
        (LONDON_3PM, "Asia/Kathmandu", "en", LONDON_3PM, "8:45 PM UTC+5:45"),
        (LONDON_3PM, "America/Sao_Paulo", "pt-BR", LONDON_3PM, "12:00 UTC-3"),
    ],
)  # fmt: skip
def test_a_time_as_a_customer_reads_it(
    at: datetime, zone: str, language: str, now: datetime | None, text: str
) -> None:
    """H10: 12 hours in American, 24 elsewhere; with the date on another day; nothing is translated."""
    assert text_of_time(at, zone=zone, language=language, now=now) == text


def test_the_date_is_shown_always_or_never() -> None:
    """H10: a message may have its own way to say the date."""
    at = utc("2026-03-10T19:00")
    with_date = text_of_time(at, zone=NEW_YORK, show_date=ShowDate.ALWAYS, now=at)
    assert with_date == "Tuesday, March 10, 3:00 PM EDT"
    assert text_of_time(at, zone=NEW_YORK, show_date=ShowDate.NEVER, now=NOW) == "3:00 PM EDT"
    assert text_of_time(at, zone=NEW_YORK, show_date=ShowDate.NEVER) == "3:00 PM EDT"


MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TIME = re.compile(
    r"(?P<hour>\d\d?):(?P<minute>\d\d)(?P<half> [AP]M)? (?P<name>\S+)(?: \((?P<offset>UTC\S*)\))?$"
)
ISO_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d), $")


def read_offset(text: str) -> timedelta:
    """Read an offset as it is shown; fails on what is none."""
    match = re.fullmatch(r"UTC(?:([+-])(\d+)(?::(\d\d))?)?", text)
    assert match is not None
    size: timedelta = int(match[2] or 0) * H + int(match[3] or 0) * M
    return -size if match[1] == "-" else size


def read_date(text: str, told: date) -> date:
    """Read a date as it is shown, in any of the three styles; the day or year of the telling if none is."""
    if not text:
        return told
    if iso := ISO_DATE.match(text):
        return date(*map(int, iso.groups()))
    words = re.findall(r"\w+", text)
    numbers = [int(word) for word in words if word.isdigit()]
    weekday, month = words[0], next(word for word in words[1:] if not word.isdigit())
    found = date(([*numbers[1:], told.year])[0], MONTHS.index(month[:3].lower()) + 1, numbers[0])
    assert WEEKDAYS.index(weekday[:3].lower()) == found.weekday()
    return found


def read_text(text: str, zone: str, *, told: date) -> tuple[datetime, str, str | None]:
    """Read a text as a person does: what the clock shows, the name of its time, and the offset if it is there."""
    match = TIME.search(text)
    assert match is not None
    hour = int(match["hour"])
    if match["half"] is not None:
        assert 1 <= hour <= 12
        hour = hour % 12 + (12 if match["half"] == " PM" else 0)
    day = read_date(text[: match.start()], told)
    return datetime(day.year, day.month, day.day, hour, int(match["minute"])), match["name"], match["offset"]  # noqa: DTZ001


def could_mean(wall_at: datetime, name: str, offset: str | None, zone: str) -> set[datetime]:
    """Return the instants that a person may take it for, by the standard library alone."""
    found = set()
    for fold in (0, 1):
        local = wall_at.replace(tzinfo=ZoneInfo(zone), fold=fold)
        at = local.astimezone(UTC)
        named = local.tzname() == name or (name[:3] == "UTC" and read_offset(name) == local.utcoffset())
        if (
            shown(at, zone) == wall_at
            and named
            and (offset is None or read_offset(offset) == local.utcoffset())
        ):
            found.add(at)
    return found


@LAW
@given(
    places_and_instants(),
    st.sampled_from(["en", "en-US", "en-GB", "en-IN", "de", "ar-EG", "zh-Hant-TW"]),
    st.sampled_from([ShowDate.OTHER_DAY, ShowDate.ALWAYS]),
    st.none() | st.integers(-3 * 24 * 60, 400 * 24 * 60),
)
def test_every_text_means_one_instant(
    place: tuple[str, datetime], language: str, show_date: ShowDate, ago: int | None
) -> None:
    """H10, H12: a text, the zone and the day of its telling lead back to the instant: alone, and by the fold."""
    zone, at = place
    now = None if ago is None else at - ago * M
    text = text_of_time(at, zone=zone, language=language, show_date=show_date, now=now)
    told = date.min if now is None else shown(now, zone).date()
    wall_at, name, offset = read_text(text, zone, told=told)
    assert could_mean(wall_at, name, offset, zone) == {at}
    assert instant_of(WallTime(wall_at=wall_at, zone=zone, fold=wall_of(at, zone=zone).fold)) == at
    assert text.isascii()


def test_no_text_of_an_hour_that_comes_twice_is_ambiguous() -> None:
    """H10, H12: in every zone, in each hour from 2010 to 2040 that clocks show twice: two different texts."""
    count, by_offset = 0, set()
    for zone in ZONES:
        for change in changes_of(zone):
            moved = shown(change - S, zone) + S - shown(change, zone)
            if moved > timedelta(0):
                pair = (change - moved / 2, change + moved / 2)
                first, second = (text_of_time(at, zone=zone, now=change) for at in pair)
                assert first.split()[:1] == second.split()[:1]
                assert first != second
                count += 1
                by_offset |= {zone} if "(" in first + second else set()
    assert count > 1_000
    assert MOSCOW in by_offset


# ---------------------------------------------------------------------------- the zones of a number


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+12125550123", {NEW_YORK}),
        ("+442079460000", {LONDON}),
        ("+33612345678", {"Europe/Paris"}),
        ("+81312345678", {"Asia/Tokyo"}),
    ],
)
def test_a_number_of_one_zone(number: str, expected: set[str]) -> None:
    """H11: an area code, or a country, that has one."""
    assert zones_of_number(number) == expected


@pytest.mark.parametrize(
    ("number", "some", "at_least"),
    [
        ("+18005550123", {NEW_YORK, "America/Los_Angeles", "Pacific/Honolulu"}, 30),
        ("+18687804765", {"America/Port_of_Spain"}, 30),
        ("+61412345678", {"Australia/Sydney", "Australia/Perth"}, 5),
        ("+79226212345", {"Europe/Moscow", "Asia/Vladivostok"}, 9),
        ("+447911123456", {LONDON}, 1),
    ],
)
def test_a_number_of_many_zones(number: str, some: set[str], at_least: int) -> None:
    """H11: toll-free numbers and mobiles of wide countries: the set, never a guess. FIELD 40."""
    found = zones_of_number(number)
    assert found >= some
    assert len(found) >= at_least
    assert all(check_zone(zone) for zone in found)


@pytest.mark.parametrize(
    "number",
    [
        *("", "+", "anonymous", "2125550123", "+1", "+999123456789", "+447700900123", "+80012345678", "+8821234567"),
        *("+1 (212) 555-0123", "+12125550123" + "0" * 100, "\0", "sip:a@b", "+" * 16),
    ],
)  # fmt: skip
def test_a_number_of_which_nothing_is_known(number: str) -> None:
    """H11: no number, an invalid one, or one of no country: the empty set, and no error."""
    assert zones_of_number(number) == frozenset()


@LAW
@given(st.text(max_size=20) | st.from_regex(r"\A\+[1-9][0-9]{4,14}\Z"))
def test_whatever_the_number_its_zones_are_zones(number: str) -> None:
    """H11: a set of keys that can all be used."""
    assert zones_of_number(number) <= frozenset(ZONES)


# ---------------------------------------------------------------------------- the zone of a customer

TOLL_FREE = frozenset({NEW_YORK, "America/Los_Angeles", "America/Chicago"})
JULY, JANUARY = utc("2026-07-15T18:00"), utc("2026-01-15T18:00")


def customer(
    *,
    chosen: str | None = None,
    known: str | None = None,
    number: frozenset[str] = frozenset(),
    at: datetime = JULY,
    queue_zone: str = LONDON,
) -> CustomerZone:
    return zone_of_customer(chosen=chosen, known=known, number_zones=number, at=at, queue_zone=queue_zone)


def certain(zone: str, source: ZoneSource) -> CustomerZone:
    return CustomerZone(zone=zone, certain=True, source=source)


def test_the_customer_knows_best_then_the_records_then_the_number() -> None:
    """H11: the number's set is narrowed by what the customer or the CRM says."""
    one = frozenset({NEW_YORK})
    assert customer(chosen="Asia/Tokyo", known=BERLIN, number=one) == certain("Asia/Tokyo", ZoneSource.CHOSEN)
    assert customer(known=BERLIN, number=one) == certain(BERLIN, ZoneSource.RECORDS)
    assert customer(number=one) == certain(NEW_YORK, ZoneSource.NUMBER)
    assert customer(known=BERLIN, number=TOLL_FREE) == certain(BERLIN, ZoneSource.RECORDS)


def test_a_zone_that_nobody_knows_is_the_queues_own_and_says_so() -> None:
    """H11: shown and named, not certain; where else the customer may be is listed."""
    doubtful = CustomerZone(
        zone=LONDON,
        certain=False,
        source=ZoneSource.QUEUE,
        others=("America/Chicago", "America/Los_Angeles", NEW_YORK),
    )
    assert customer(number=TOLL_FREE) == doubtful
    assert customer(number=TOLL_FREE, queue_zone=NEW_YORK).others == (
        "America/Chicago",
        "America/Los_Angeles",
    )
    assert customer() == CustomerZone(zone=LONDON, certain=False, source=ZoneSource.QUEUE)
    assert customer(number=zones_of_number("+61412345678")).others[0] == "Australia/Adelaide"


def test_zones_that_show_the_same_time_are_as_good_as_one() -> None:
    """H11: at that instant: Phoenix is with Denver in winter, and with Los Angeles in summer."""
    both = frozenset({"America/Phoenix", "America/Denver"})
    assert customer(number=both, at=JANUARY) == certain("America/Denver", ZoneSource.NUMBER)
    assert not customer(number=both, at=JULY).certain
    west = frozenset({"America/Phoenix", "America/Los_Angeles"})
    assert not customer(number=west, at=JANUARY).certain
    assert customer(number=west, at=JULY) == certain("America/Los_Angeles", ZoneSource.NUMBER)
    isles = zones_of_number("+447911123456")
    assert customer(number=isles, queue_zone=NEW_YORK) == certain(min(isles), ZoneSource.NUMBER)


@pytest.mark.parametrize("bad", ["", "Eastern", "EDT", "America", "../x", "localtime", "x" * 1_000])
def test_a_bad_zone_of_the_customer_is_an_error_and_one_of_the_records_is_none(bad: str) -> None:
    """H11: the customer can be asked again; what stands in a CRM may be anybody's free text."""
    with pytest.raises(InvalidText, match=r"^chosen is not known here"):
        customer(chosen=bad)
    with pytest.raises(InvalidText, match=r"^queue_zone is not known here"):
        customer(chosen=BERLIN, queue_zone=bad)
    assert customer(known=bad, number=frozenset({NEW_YORK})) == certain(NEW_YORK, ZoneSource.NUMBER)
    assert customer(number=frozenset({NEW_YORK, bad})) == certain(NEW_YORK, ZoneSource.NUMBER)
    assert customer(known=bad, number=frozenset({bad})) == customer()


def test_no_more_than_so_many_others_are_listed() -> None:
    """H11: an agent's screen has room for some."""
    others = customer(number=frozenset(ZONES)).others
    assert len(others) == OTHERS_MAX
    assert others == tuple(ZONES[:OTHERS_MAX])


@LAW
@given(
    places_and_instants(),
    st.none() | st.sampled_from(ZONES),
    st.none() | st.sampled_from([*ZONES, "Eastern", ""]),
    st.frozensets(st.sampled_from([*ZONES, "Etc/Unknown"]), max_size=4),
)
def test_a_certain_zone_shows_the_time_of_every_zone_that_is_left(
    place: tuple[str, datetime], chosen: str | None, known: str | None, number: frozenset[str]
) -> None:
    """H11: certain is what shows the customer's own time, wherever the customer is, as far as anybody said."""
    queue_zone, at = place
    found = customer(chosen=chosen, known=known, number=number, at=at, queue_zone=queue_zone)
    usable = number & set(ZONES)
    left = {chosen} if chosen else {known} if known in ZONES else usable
    assert found.certain == (len({shown(at, zone or "") for zone in left}) == 1)
    assert found.zone in left if found.certain else found.zone == queue_zone
    assert found.others == (() if found.certain else tuple(sorted(usable - {queue_zone})))
    assert (found.source is ZoneSource.QUEUE) == (not found.certain)

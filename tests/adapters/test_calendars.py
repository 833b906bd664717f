"""Calendars: what is read of them is exact or refused, and what is written is read alike by everybody."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import attrs
import icalendar
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from callbackq.adapters.calendars import StaffPlan, booking_calendar, busy_times, closures_of, holidays_of
from callbackq.adapters.calendars.lines import TEXT_BYTES_MAX
from callbackq.core.hours import OpenHours
from callbackq.errors import ConfigurationError, InvalidText, InvalidTime
from callbackq.ids import BookingId, CallbackId, QueueName
from callbackq.model.bookings import BookedCallback
from callbackq.model.intervals import Interval
from callbackq.model.words import CallbackState
from callbackq.policy.hours import Span, WeekHours, weekdays

NEW_YORK = "America/New_York"
FROM = datetime(2026, 3, 1, tzinfo=UTC)
UNTIL = datetime(2026, 3, 31, tzinfo=UTC)
SUPPORT = QueueName("support")
# Alike on every run, and without a limit that a busy machine breaks.
steady = settings(
    derandomize=True, deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow]
)


def calendar(*parts: str, head: str = "") -> str:
    """Return a file of these components."""
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\n{head}{''.join(parts)}END:VCALENDAR\r\n"


def event(*lines: str, uid: str = "one") -> str:
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uid}", *lines, "END:VEVENT", ""])


def read(
    *parts: str, zone: str = NEW_YORK, from_at: datetime = FROM, until_at: datetime = UNTIL
) -> list[str]:
    """Return the busy times of a file, short."""
    found = busy_times(calendar(*parts), from_at=from_at, until_at=until_at, zone=zone)
    return [f"{each.starts_at:%m-%dT%H:%M}/{each.ends_at:%m-%dT%H:%M}" for each in found]


# ---------------------------------------------------------------------------- busy times, exactly


def test_a_weekly_rule_keeps_its_wall_clock_over_a_change() -> None:
    """Monday at 10 in New York: 15:00 in UTC before 8 March 2026, 14:00 after it."""
    weekly = event(
        f"DTSTART;TZID={NEW_YORK}:20260105T100000",
        f"DTEND;TZID={NEW_YORK}:20260105T110000",
        "RRULE:FREQ=WEEKLY;BYDAY=MO",
    )
    assert read(weekly, zone="UTC") == [
        "03-02T15:00/03-02T16:00",
        "03-09T14:00/03-09T15:00",
        "03-16T14:00/03-16T15:00",
        "03-23T14:00/03-23T15:00",
        "03-30T14:00/03-30T15:00",
    ]


def test_what_is_taken_out_of_a_rule_is_free() -> None:
    """By an instant in any zone, or by its day."""
    weekly = event(
        f"DTSTART;TZID={NEW_YORK}:20260302T100000",
        "DURATION:PT30M",
        "RRULE:FREQ=WEEKLY;COUNT=5",
        f"EXDATE;TZID={NEW_YORK}:20260309T100000,20260316T100000",
        "EXDATE:20260323T140000Z",
        "EXDATE;VALUE=DATE:20260330",
    )
    assert read(weekly) == ["03-02T15:00/03-02T15:30"]


def test_a_recurrence_that_was_moved_or_cancelled_counts_as_it_is_now() -> None:
    master = event(
        "DTSTART:20260302T100000", "DTEND:20260302T110000", "RRULE:FREQ=WEEKLY;UNTIL=20260316T140000Z"
    )
    moved = event("RECURRENCE-ID:20260309T140000Z", "DTSTART:20260310T090000", "DURATION:PT2H")
    cancelled = event("RECURRENCE-ID:20260316T100000", "DTSTART:20260316T100000", "STATUS:CANCELLED")
    assert read(moved, master, cancelled) == ["03-02T15:00/03-02T16:00", "03-10T13:00/03-10T15:00"]


def test_dates_that_are_listed_count_besides_the_rule() -> None:
    listed = event(
        "DTSTART:20260302T100000Z",
        "DURATION:PT1H",
        "RDATE:20260303T100000Z,20260304T100000Z",
        "RDATE;VALUE=PERIOD:20260305T100000Z/PT3H,20260306T100000Z/20260306T101500Z",
        "EXDATE:20260304T100000Z",
    )
    assert read(listed) == [
        "03-02T10:00/03-02T11:00",
        "03-03T10:00/03-03T11:00",
        "03-05T10:00/03-05T13:00",
        "03-06T10:00/03-06T10:15",
    ]


def test_a_whole_day_is_one_of_the_readers_zone() -> None:
    """8 March has 23 hours in New York."""
    whole = event("DTSTART;VALUE=DATE:20260308")
    two = event("DTSTART;VALUE=DATE:20260310", "DTEND;VALUE=DATE:20260312", uid="two")
    itself = event("DTSTART;VALUE=DATE:20260320", "DTEND;VALUE=DATE:20260320", uid="three")
    assert read(whole, two, itself) == [
        "03-08T05:00/03-09T04:00",
        "03-10T04:00/03-12T04:00",
        "03-20T04:00/03-21T04:00",
    ]
    assert read(whole, zone="Asia/Tokyo") == ["03-07T15:00/03-08T15:00"]


def test_days_are_counted_by_the_clock_and_hours_are_not() -> None:
    """Over the change of 8 March a day has 23 hours, and PT24H has 24."""
    day = event(f"DTSTART;TZID={NEW_YORK}:20260307T120000", "DURATION:P1D")
    hours = event(f"DTSTART;TZID={NEW_YORK}:20260307T120000", "DURATION:PT24H")
    assert read(day) == ["03-07T17:00/03-08T16:00"]
    assert read(hours) == ["03-07T17:00/03-08T17:00"]


def test_a_skipped_or_doubled_time_is_as_zoneinfo_has_it() -> None:
    skipped = event(f"DTSTART;TZID={NEW_YORK}:20260308T023000", "DURATION:PT10M")
    assert read(skipped) == ["03-08T07:30/03-08T07:40"]
    twice = event(f"DTSTART;TZID={NEW_YORK}:20261101T013000", "DURATION:PT10M")
    november = {"from_at": datetime(2026, 11, 1, tzinfo=UTC), "until_at": datetime(2026, 11, 3, tzinfo=UTC)}
    assert read(twice, **november) == ["11-01T05:30/11-01T05:40"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "line",
    ["STATUS:CANCELLED", "TRANSP:TRANSPARENT", "status:cancelled"],
)
def test_what_is_cancelled_or_shown_as_free_is_left_out(line: str) -> None:
    assert read(event("DTSTART:20260302T100000Z", "DURATION:PT1H", line)) == []


def test_tentative_is_busy_and_nothing_is_no_time() -> None:
    assert read(event("DTSTART:20260302T100000Z", "DURATION:PT1H", "STATUS:TENTATIVE"))
    assert read(event("DTSTART:20260302T100000Z")) == []


def test_a_file_that_cancels_has_nothing() -> None:
    text = calendar(event("DTSTART:20260302T100000Z", "DURATION:PT1H"), head="METHOD:CANCEL\r\n")
    assert busy_times(text, from_at=FROM, until_at=UNTIL, zone="UTC") == []


def test_the_newest_version_of_an_event_counts() -> None:
    old = event("DTSTART:20260302T100000Z", "DURATION:PT1H")
    new = event("DTSTART:20260303T100000Z", "DURATION:PT1H", "SEQUENCE:2")
    gone = event("DTSTART:20260303T100000Z", "SEQUENCE:3", "STATUS:CANCELLED")
    assert read(new, old) == ["03-03T10:00/03-03T11:00"]
    assert read(old, gone, new) == []


def test_free_busy_lines_are_read() -> None:
    part = (
        "BEGIN:VFREEBUSY\r\nUID:x\r\nFREEBUSY;FBTYPE=BUSY-TENTATIVE:20260302T100000Z/PT1H,"
        "20260302T103000Z/20260302T123000Z\r\nFREEBUSY;FBTYPE=FREE:20260303T100000Z/PT1H\r\n"
        "FREEBUSY:20260304T100000Z/PT1H\r\nEND:VFREEBUSY\r\n"
    )
    assert read(part) == ["03-02T10:00/03-02T12:30", "03-04T10:00/03-04T11:00"]


OWN_ZONE = (
    "BEGIN:VTIMEZONE\r\nTZID:{name}\r\nBEGIN:STANDARD\r\nDTSTART:16010101T020000\r\n"
    "RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11\r\nTZOFFSETFROM:-0400\r\nTZOFFSETTO:-0500\r\nEND:STANDARD\r\n"
    "BEGIN:DAYLIGHT\r\nDTSTART:16010101T020000\r\nRRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3\r\n"
    "TZOFFSETFROM:-0500\r\nTZOFFSETTO:-0400\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n"
)


@pytest.mark.parametrize(
    ("tzid", "own"),
    [
        ("Eastern Standard Time", ""),
        ("Eastern Standard Time", OWN_ZONE.format(name="Eastern Standard Time")),
        ("Our office", OWN_ZONE.format(name="Our office")),
        ("/example.org/2026a/America/New_York", ""),
        ('"America/New_York"', ""),
    ],
)
def test_a_zone_is_known_by_key_or_windows_or_by_itself(tzid: str, own: str) -> None:
    weekly = event(f"DTSTART;TZID={tzid}:20260302T100000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=2")
    assert read(weekly, own, zone="UTC") == ["03-02T15:00/03-02T16:00", "03-09T14:00/03-09T15:00"]


@steady
@given(at=st.datetimes(datetime(2007, 6, 1), datetime(2040, 1, 1)))  # noqa: DTZ001
@example(at=datetime(2026, 3, 8, 2, 30))  # noqa: DTZ001
@example(at=datetime(2026, 11, 1, 1, 30))  # noqa: DTZ001
def test_a_zone_of_its_own_is_read_as_zoneinfo_reads_it(at: datetime) -> None:
    """Gaps and overlaps too."""
    at = at.replace(microsecond=0)
    expected = at.replace(tzinfo=ZoneInfo(NEW_YORK)).astimezone(UTC)
    text = calendar(
        event(f"DTSTART;TZID=Own:{at:%Y%m%dT%H%M%S}", "DURATION:PT1S"), OWN_ZONE.format(name="Own")
    )
    day = timedelta(days=1)
    found = busy_times(text, from_at=expected - day, until_at=expected + day, zone="UTC")
    assert found[0].starts_at == expected


def test_times_are_merged_and_cut_to_the_range() -> None:
    parts = [
        event("DTSTART:20260228T100000Z", "DTEND:20260301T010000Z", uid="before"),
        event("DTSTART:20260301T010000Z", "DTEND:20260301T020000Z", uid="touches"),
        event("DTSTART:20260301T013000Z", "DTEND:20260301T014500Z", uid="inside"),
        event("DTSTART:20260330T230000Z", "DTEND:20260501T000000Z", uid="after"),
    ]
    assert read(*parts) == ["03-01T00:00/03-01T02:00", "03-30T23:00/03-31T00:00"]


def test_a_long_event_that_repeats_reaches_into_the_range() -> None:
    yearly = event("DTSTART;VALUE=DATE:20000101", "DURATION:P70D", "RRULE:FREQ=YEARLY")
    assert read(yearly, zone="UTC") == ["03-01T00:00/03-12T00:00"]


def test_lines_may_be_folded_and_end_in_any_way() -> None:
    text = calendar(event("DTSTART:20260302T100000Z", "DURATION:PT1H", "SUMMARY:É")).replace(
        "20260302", "2026\r\n 0302"
    )
    expected = [
        Interval(starts_at=datetime(2026, 3, 2, 10, tzinfo=UTC), ends_at=datetime(2026, 3, 2, 11, tzinfo=UTC))
    ]
    for each in (
        text,
        text.replace("\r\n", "\n"),
        ("\ufeff" + text).encode(),
        text.lower().replace("t1", "T1"),
    ):
        assert busy_times(each, from_at=FROM, until_at=UNTIL, zone="UTC") == expected


def test_closures_are_the_busy_times_of_a_calendar() -> None:
    """They close the hours."""
    closures = closures_of(
        calendar(event("DTSTART;VALUE=DATE:20260304")), from_at=FROM, until_at=UNTIL, zone=NEW_YORK
    )
    week = weekdays(Span(clock_time(9), clock_time(17)))
    hours = OpenHours(WeekHours(zone=NEW_YORK, week=week, closures=closures))
    assert not hours.is_open(datetime(2026, 3, 4, 15, tzinfo=UTC))
    assert hours.is_open(datetime(2026, 3, 5, 15, tzinfo=UTC))


# ---------------------------------------------------------------------------- what is refused

TIMED = ("DTSTART:20260302T100000Z", "DURATION:PT1H")


@pytest.mark.parametrize(
    ("lines", "kind", "says"),
    [
        ((), InvalidText, "no DTSTART"),
        (("DTSTART:20260302T100000Z", "DTSTART:20260302T100000Z"), InvalidText, "2 lines DTSTART"),
        (("DTSTART:20260230T100000Z",), InvalidTime, "not in the calendar"),
        (("DTSTART:20260302T246000",), InvalidTime, "not in the calendar"),
        (("DTSTART:tomorrow",), InvalidTime, "no time"),
        (("DTSTART:00010101T000000",), InvalidTime, "out of range"),
        (("DTSTART;TZID=Mars/Olympus:20260302T100000",), InvalidTime, "'Mars/Olympus' is not known"),
        (("DTSTART;TZID=../../etc/passwd:20260302T100000",), InvalidTime, "is not known"),
        (("DTSTART:20260302T100000Z", "DTEND:20260302T090000Z"), InvalidTime, "ends before it begins"),
        (("DTSTART:20260302T100000Z", "DTEND;VALUE=DATE:20260303"), InvalidTime, "only one is a date"),
        ((*TIMED, "DTEND:20260302T110000Z"), InvalidText, "both DTEND and DURATION"),
        (("DTSTART:20260302T100000Z", "DURATION:-PT1H"), InvalidTime, "no length"),
        (("DTSTART:20260302T100000Z", "DURATION:P9999999W"), InvalidTime, "longer than"),
        ((*TIMED, "RRULE:FREQ=OFTEN"), InvalidText, "cannot be read at 'FREQ=OFTEN'"),
        ((*TIMED, "RRULE:FREQ=DAILY;INTERVAL=0"), InvalidText, "INTERVAL=0"),
        ((*TIMED, "RRULE:FREQ=DAILY;COUNT=2;UNTIL=20260401"), InvalidText, "both COUNT and UNTIL"),
        ((*TIMED, "RRULE:COUNT=2"), InvalidText, "no FREQ"),
        ((*TIMED, "RRULE:FREQ=MONTHLY;RSCALE=HEBREW"), InvalidText, "RSCALE"),
        ((*TIMED, "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"), InvalidText, "never gives a time"),
        ((*TIMED, "RRULE:FREQ=SECONDLY"), InvalidText, "more than 20,000 times"),
        ((*TIMED, "RRULE:FREQ=HOURLY;INTERVAL=2;BYHOUR=1"), InvalidText, "contradicts itself"),
        ((*TIMED, "EXRULE:FREQ=DAILY"), InvalidText, "EXRULE"),
        ((*TIMED, "RECURRENCE-ID;RANGE=THISANDFUTURE:20260302T100000Z"), InvalidText, "RANGE"),
        ((*TIMED, "SEQUENCE:two"), InvalidText, "SEQUENCE"),
        ((*TIMED, "RDATE;VALUE=PERIOD:20260303T100000Z/20260303T090000Z"), InvalidTime, "before it begins"),
    ],
)
def test_nonsense_is_refused_by_its_uid(lines: tuple[str, ...], kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=re.escape(says)) as caught:
        read(event(*lines, uid="the-uid"))
    assert str(caught.value).startswith("event 'the-uid': ")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        b"\xff\xfe",
        "BEGIN:VEVENT\nEND:VEVENT\n",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\n",
        "BEGIN:VCALENDAR\n",
        "BEGIN:VCALENDAR\nBEGIN:VCALENDAR\nEND:VCALENDAR\nEND:VCALENDAR\n",
        "BEGIN:VCALENDAR\n" + "BEGIN:X\n" * 50,
        "BEGIN:VCALENDAR\nDTSTART;=:x\nEND:VCALENDAR",
        "x" * (TEXT_BYTES_MAX + 1),
        "é" * (TEXT_BYTES_MAX // 2 + 1),
        b" " * (TEXT_BYTES_MAX + 1),
        None,
    ],
)
def test_what_is_no_calendar_is_refused(text: Any) -> None:
    with pytest.raises(InvalidText):
        busy_times(text, from_at=FROM, until_at=UNTIL, zone="UTC")


def test_the_range_and_the_zone_are_checked() -> None:
    text = calendar()
    for from_at, until_at in ((UNTIL, FROM), (FROM, FROM), (FROM, FROM + timedelta(days=401))):
        with pytest.raises(InvalidTime, match="allowed: more than 0, 400 days"):
            busy_times(text, from_at=from_at, until_at=until_at, zone="UTC")
    with pytest.raises(InvalidTime):
        busy_times(text, from_at=FROM.replace(tzinfo=None), until_at=UNTIL, zone="UTC")
    with pytest.raises(InvalidText, match="zone"):
        busy_times(text, from_at=FROM, until_at=UNTIL, zone="Nowhere")


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=SECONDLY;COUNT=999999",
        "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MINUTELY;INTERVAL=7;BYMONTH=2;BYMONTHDAY=30;COUNT=3",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31",
        "FREQ=YEARLY;BYHOUR=" + ",".join(map(str, range(24))) + ";BYMINUTE=" + ",".join(map(str, range(60))),
    ],
)
def test_a_rule_that_could_take_for_ever_ends_soon(rule: str) -> None:
    """However often it stands in the file: the first is refused."""
    began = time.process_time()
    events = [
        event("DTSTART:19700101T000000", "DURATION:PT1S", f"RRULE:{rule}", uid=f"{n}") for n in range(50)
    ]
    until = FROM + timedelta(days=400)
    with contextlib.suppress(InvalidText):
        busy_times(calendar(*events), from_at=FROM, until_at=until, zone="UTC")
    assert time.process_time() - began < 30


def test_a_rule_in_a_zone_of_its_own_is_bounded_too() -> None:
    zone = OWN_ZONE.format(name="Own").replace("YEARLY", "SECONDLY")
    with pytest.raises(InvalidText, match="allowed: FREQ=YEARLY"):
        read(zone, event("DTSTART;TZID=Own:20260302T100000"))


VALID = calendar(
    OWN_ZONE.format(name="Own"),
    event(f"DTSTART;TZID={NEW_YORK}:20260302T100000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=5;BYDAY=MO"),
    event(
        "RECURRENCE-ID:20260309T140000Z", "DTSTART;TZID=Own:20260310T090000", "DTEND;TZID=Own:20260310T100000"
    ),
    event(
        "DTSTART;VALUE=DATE:20260308", "RDATE;VALUE=DATE:20260315", "EXDATE;VALUE=DATE:20260308", uid="two"
    ),
    "BEGIN:VFREEBUSY\r\nFREEBUSY:20260304T100000Z/PT1H\r\nEND:VFREEBUSY\r\n",
)


def settled(text: str | bytes) -> None:
    """Read a text: it is refused in the right way, or gives times that are in order and in the range."""
    try:
        found = busy_times(text, from_at=FROM, until_at=UNTIL, zone=NEW_YORK)
    except (InvalidText, InvalidTime):
        return
    bounds = [at for each in found for at in (each.starts_at, each.ends_at)]
    assert bounds == sorted(set(bounds))
    assert all(FROM <= at <= UNTIL for at in bounds)


@steady
@given(st.text() | st.binary())
def test_any_text_is_read_or_refused(text: str | bytes) -> None:
    settled(text)


@steady
@given(
    st.lists(st.sampled_from(sorted(set(re.findall(r"[A-Z-]+|[0-9]+|\W", VALID)))), max_size=60).map("".join)
)
def test_any_words_of_calendars_are_read_or_refused(words: str) -> None:
    settled(calendar(event("DTSTART:20260302T100000Z", words)))


@settings(steady, max_examples=600)
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(VALID)),
            st.integers(0, 30),
            st.text(max_size=3)
            | st.sampled_from(["9", "0", "-", ";", ":", ",", "T", "Z", "\r\n", "999999", "SECONDLY"]),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_a_file_that_was_changed_anywhere_is_read_or_refused(changes: list[tuple[int, int, str]]) -> None:
    text = VALID
    for at, cut, put in changes:
        text = text[:at] + put + text[at + cut :]
    settled(text)


@steady
@given(st.lists(st.integers(0, VALID.count("\r\n") - 1), max_size=6), st.randoms(use_true_random=False))
def test_a_file_whose_lines_are_mixed_is_read_or_refused(dropped: list[int], mix: Any) -> None:
    lines = [line for number, line in enumerate(VALID.split("\r\n")) if number not in dropped]
    first, second = mix.randrange(len(lines)), mix.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]
    settled("\r\n".join(lines))


# ---------------------------------------------------------------------------- holidays


def test_holidays_are_those_of_the_country_and_its_part() -> None:
    bavaria = holidays_of("DE", years=[2026, 2025], subdivision="BY", language="en_US")
    assert bavaria[date(2026, 1, 6)] == "Epiphany"
    assert list(bavaria) == sorted(bavaria)
    assert date(2026, 1, 6) not in holidays_of("DE", years=2026)
    assert date(2026, 7, 3) in holidays_of("US", years=2026)  # in lieu of Saturday the 4th
    assert {day.year for day in bavaria} == {2025, 2026}


def test_hours_take_holidays_as_they_are() -> None:
    hours = WeekHours(
        zone="Europe/Berlin",
        week=weekdays(Span(clock_time(9), clock_time(17))),
        holidays=holidays_of("DE", years=2026),
    )
    assert not OpenHours(hours).is_open(datetime(2026, 1, 1, 10, tzinfo=UTC))


@pytest.mark.parametrize(
    ("given_", "says"),
    [
        ({"country": "XX", "years": 2026}, "country is 'XX'; allowed: one of A"),
        ({"country": "ECB", "years": 2026}, "country is 'ECB'"),
        ({"country": "HolidayBase", "years": 2026}, "country is 'HolidayBase'"),
        ({"country": None, "years": 2026}, "country is None"),
        (
            {"country": "DE", "years": 2026, "subdivision": "Bavaria"},
            "subdivision is 'Bavaria'; allowed: None, or one of ",
        ),
        (
            {"country": "DE", "years": 2026, "language": "tlh"},
            "language is 'tlh'; allowed: None, or one of de,",
        ),
        ({"country": "DE", "years": 99999}, "years is 99999; allowed: 1 to 100 years of 1900 to 2199"),
        ({"country": "DE", "years": True}, "years is True"),
        ({"country": "DE", "years": []}, "years is 'a list of 0'"),
        ({"country": "DE", "years": "2026"}, "years is '2026'"),
    ],
)
def test_unknown_holidays_are_refused(given_: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        holidays_of(**given_)
    assert str(caught.value).startswith(says)


@pytest.mark.parametrize(
    ("package", "call"),
    [
        ("holidays", "holidays_of('DE', years=2026)"),
        ("icalendar", "booking_calendar([], company='Acme', now=datetime.now(UTC))"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(package: str, call: str) -> None:
    """And nothing is imported before it is used."""
    script = (
        "import sys\nfrom datetime import UTC, datetime\nfrom callbackq.adapters.calendars import *\n"
        "print(sorted({'holidays', 'icalendar'} & set(sys.modules)))\n"
        f"sys.modules[{package!r}] = None\n"
        f"try:\n    {call}\nexcept ModuleNotFoundError as error:\n    print(error.name, error)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "[]",
        f"{package} callbackq.adapters.calendars needs {package}: pip install 'callbackq[calendars]'",
    ]


# ---------------------------------------------------------------------------- seats


def naive_seats(
    hours: list[OpenHours | None],
    busy: list[list[Interval]],
    at: datetime,
    length: timedelta,
    handle: timedelta,
    ratio: str,
) -> int:
    """Count minute by minute."""
    minute, free = timedelta(minutes=1), 0
    for own_hours, own_busy in zip(hours, busy, strict=True):
        for number in range(length // minute):
            now = at + number * minute
            works = own_hours is None or own_hours.is_open(now)
            free += works and not any(each.starts_at <= now < each.ends_at for each in own_busy)
    return int(
        Fraction(free * minute // timedelta(microseconds=1), handle // timedelta(microseconds=1))
        * Fraction(ratio)
    )


minutes = st.integers(0, 7 * 24 * 60)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def interval_of(start: int, length: int) -> Interval:
    starts_at = MONDAY + timedelta(minutes=start)
    return Interval(starts_at=starts_at, ends_at=starts_at + timedelta(minutes=length))


@settings(steady, max_examples=60)
@given(
    busy=st.lists(
        st.lists(st.builds(interval_of, minutes, st.integers(0, 300)), max_size=6), min_size=1, max_size=4
    ),
    starts=st.lists(minutes, max_size=8).map(sorted),
    length=st.sampled_from([15, 30, 47]),
    handle_time=st.sampled_from([timedelta(seconds=7), timedelta(minutes=5), timedelta(hours=1)]),
    ratio=st.sampled_from(["0.1", "0.7", "1", "0.333"]),
)
def test_seats_are_what_counting_by_minutes_gives(
    busy: list[list[Interval]], starts: list[int], length: int, handle_time: timedelta, ratio: str
) -> None:
    week = WeekHours(
        zone="Europe/Berlin",
        week=weekdays(Span(clock_time(8), clock_time(12)), Span(clock_time(13), clock_time(17))),
    )
    hours = [OpenHours(week) if number % 2 else None for number in range(len(busy))]
    names = [f"a{number}" for number in range(len(busy))]
    plan = StaffPlan(
        agents=dict(zip(names, hours, strict=True)),
        busy=dict(zip(names, busy, strict=True)),
        handle_time=handle_time,
        share_ratio=float(ratio),
    )
    ats = [MONDAY + timedelta(minutes=start) for start in starts]
    span = timedelta(minutes=length)
    assert plan.seats(SUPPORT, ats, span) == [
        min(naive_seats(hours, busy, at, span, handle_time, ratio), 10_000) for at in ats
    ]


def test_a_share_is_what_its_digits_say() -> None:
    """0.1 x 10 agents x 30 minutes / 30 minutes is one seat; in binary it would be a hair less or more."""
    half_hour = timedelta(minutes=30)
    for count, ratio, expected in ((10, 0.1, 1), (10, 0.7 + 0.1, 8), (3, 1 / 3, 0), (10_000_0, 1.0, 10_000)):
        plan = StaffPlan(
            agents={f"{n}": None for n in range(count)}, handle_time=half_hour, share_ratio=ratio
        )
        assert plan.seats(SUPPORT, [MONDAY], half_hour) == [expected]


def test_who_works_on_which_queue() -> None:
    hour = timedelta(hours=1)
    plan = StaffPlan(
        agents={"ann": None, "ben": None},
        handle_time=hour,
        share_ratio=1,
        queues={"support": ["ann"], "sales": {"ann", "ben"}},
    )
    assert [plan.seats(QueueName(queue), [MONDAY], hour) for queue in ("support", "sales", "other")] == [
        [1],
        [2],
        [0],
    ]
    assert plan.seats(SUPPORT, [], hour) == []


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"handle_time": timedelta(0)}, "StaffPlan.handle_time"),
        ({"share_ratio": 0}, "StaffPlan.share_ratio"),
        ({"share_ratio": float("nan")}, "StaffPlan.share_ratio"),
        ({"busy": {"zoe": []}}, "StaffPlan.busy is 'zoe'"),
        ({"busy": {"ann": [1]}}, "StaffPlan.busy is 1"),
        ({"queues": {"support": ["zoe"]}}, "StaffPlan.queues['support'] is 'zoe'"),
        ({"agents": {"ann": "always"}}, "StaffPlan.agents is 'always'"),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(wrong: dict[str, Any], says: str) -> None:
    good: dict[str, Any] = {"agents": {"ann": None}, "handle_time": timedelta(minutes=5)}
    with pytest.raises(ConfigurationError) as caught:
        StaffPlan(**{**good, **wrong})
    assert str(caught.value).startswith(says)


# ---------------------------------------------------------------------------- bookings

NOW = datetime(2026, 3, 1, 8, 30, 15, 123456, tzinfo=UTC)


def booking(**changes: Any) -> BookedCallback:
    starts_at = changes.get("slot_at", datetime(2026, 3, 10, 14, tzinfo=UTC))
    fields: dict[str, Any] = {
        "booking_id": BookingId("bk_1"),
        "callback_id": CallbackId("cb_1"),
        "queue": SUPPORT,
        "slot_at": starts_at,
        "ends_at": starts_at + timedelta(minutes=30),
        "state": CallbackState.SCHEDULED,
        "zone": NEW_YORK,
        "customer_time": "10:00 AM EDT",
        "agent_time": "2:00 PM GMT",
        "number_masked": "…23",
        "name": "Jane Doe",
        "priority": 100,
        "changed_at": NOW - timedelta(days=1),
    }
    return BookedCallback(**{**fields, **changes})


def export(*rows: BookedCallback, **given_: Any) -> bytes:
    return booking_calendar(rows, **{"company": "Acme", "now": NOW, **given_})


def events(data: bytes) -> list[Any]:
    return icalendar.Calendar.from_ical(data).walk("VEVENT")  # type: ignore[no-any-return]


def unfolded(data: bytes) -> list[str]:
    return data.decode().replace("\r\n ", "").split("\r\n")


def test_one_booking_is_written_so() -> None:
    """Every line of it."""
    lines = unfolded(export(booking(ticket_id="INC0012345", context={"topic": "refund; late, very"})))
    assert lines[:5] == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//callbackq//Acme//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
    ]
    assert {
        "TZID:America/New_York",
        "UID:bk_1@callbackq.invalid",
        "DTSTAMP:20260301T083015Z",
        "LAST-MODIFIED:20260228T083015Z",
        "SEQUENCE:0",
        "DTSTART;TZID=America/New_York:20260310T100000",
        "DTEND;TZID=America/New_York:20260310T103000",
        "SUMMARY:Callback: Jane Doe",
        "DESCRIPTION:Queue: support\\nCustomer's time: 10:00 AM EDT\\nTicket: INC0012345\\n"
        "topic: refund\\; late\\, very",
        "STATUS:CONFIRMED",
        "TRIGGER:-PT15M",
        "RRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3",
        "RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11",
    } <= set(lines)


def test_updates_and_cancellations_have_the_same_uid() -> None:
    rows = [booking(), booking(moves_count=2), booking(moves_count=2, called_off=True)]
    found = [events(export(row))[0] for row in rows]
    assert {str(each["UID"]) for each in found} == {"bk_1@callbackq.invalid"}
    assert [int(each["SEQUENCE"]) for each in found] == [0, 2, 3]
    assert [str(each["STATUS"]) for each in found] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert found[2].walk("VALARM") == []


@pytest.mark.parametrize(
    ("rows", "given_", "method"),
    [
        ([booking()], {}, "PUBLISH"),
        ([booking()], {"organizer": "desk@example.com"}, "PUBLISH"),
        ([booking()], {"organizer": "desk@example.com", "attendee": "ann@example.com"}, "REQUEST"),
        ([booking(called_off=True)], {}, "CANCEL"),
        (
            [booking(called_off=True)],
            {"organizer": "desk@example.com", "attendee": "ann@example.com"},
            "CANCEL",
        ),
        ([booking(), booking(booking_id="bk_2", called_off=True)], {}, "PUBLISH"),
        (
            [booking(), booking(booking_id="bk_2")],
            {"organizer": "desk@example.com", "attendee": "ann@example.com"},
            "PUBLISH",
        ),
        ([], {}, "PUBLISH"),
    ],
)
def test_a_file_has_the_method_that_its_reader_needs(
    rows: list[BookedCallback], given_: dict[str, str], method: str
) -> None:
    lines = unfolded(export(*rows, **given_))
    assert f"METHOD:{method}" in lines
    invites = "attendee" in given_ and method != "PUBLISH"
    assert any(line.startswith("ATTENDEE") for line in lines) == invites
    assert any(line.startswith("ORGANIZER") for line in lines) == ("organizer" in given_ and bool(rows))


def test_the_hour_that_comes_twice_and_strange_zones_are_in_utc() -> None:
    first, second = datetime(2026, 11, 1, 5, 45, tzinfo=UTC), datetime(2026, 11, 1, 6, 45, tzinfo=UTC)
    assert "DTSTART:20261101T064500Z" in unfolded(export(booking(slot_at=second)))
    assert "DTSTART:20261101T054500Z" in unfolded(export(booking(slot_at=first)))
    for zone in ("Africa/Casablanca", "No/Where", "UTC"):
        lines = unfolded(export(booking(zone=zone)))
        assert "DTSTART:20260310T140000Z" in lines
        assert not any("TZID" in line for line in lines)


def test_the_same_input_gives_the_same_bytes() -> None:
    """In any order, in every process."""
    rows = [booking(), booking(booking_id="bk_2", zone="Europe/Berlin", context={"b": "1", "a": "2"})]
    assert export(*rows) == export(*reversed(rows))
    assert export(attrs.evolve(rows[1], context={"a": "2", "b": "1"}), rows[0]) == export(*rows)


def test_lines_are_short_in_bytes() -> None:
    data = export(booking(name="é" * 100, context={"topic": "日本語" * 60}))
    assert max(len(line) for line in data.split(b"\r\n")) <= 75


hostile = st.text(max_size=40) | st.sampled_from(
    [
        "x\r\nATTENDEE:mailto:eve@example.com",
        "x\nEND:VEVENT\nBEGIN:VEVENT",
        "\u2028DTSTART:20000101",
        "\x85X:1",
        '"; CN=x:',
        "\\n\\;\\,",
        "\ud800",
        "\u202egnp.exe",
        "+1 (212) 555-0123",
        "0049-30-1234567",
        "^n^'",
    ]
)


@steady
@given(
    name=st.none() | hostile,
    ticket=st.none() | hostile.filter(lambda text: not text.isdigit()),
    context=st.dictionaries(hostile, hostile, max_size=3),
    queue=hostile,
    company=hostile,
)
def test_no_text_adds_a_line_or_says_a_number(
    name: str | None, ticket: str | None, context: dict[str, str], queue: str, company: str
) -> None:
    """Whatever is in it: the same lines as without it, in their order."""
    row = booking(name=name, ticket_id=ticket, context=context, queue=queue)
    data = export(row, company=company, organizer="desk@example.com")
    plain = export(booking(), organizer="desk@example.com")

    def names(file: bytes) -> list[str]:
        return [re.split("[;:]", line, maxsplit=1)[0] for line in unfolded(file)]

    assert names(data) == names(plain)
    assert not re.search(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202e]", data.decode())
    digits = [re.sub(r"\D", "", line) for line in unfolded(data)]
    assert not any("2125550123" in each or "491234567" in each or "301234567" in each for each in digits)
    assert len(events(data)) == 1


def test_numbers_are_masked_and_dates_are_not() -> None:
    context = {
        "call": "at 212.555.0123 or +44 20 7946 0018",
        "due": "2026-03-10",
        "order": "12345",
        "id": "tel2125550123",
    }
    text = str(
        events(export(booking(context=context, name=None, ticket_id="+12125550123")))[0]["DESCRIPTION"]
    )
    assert text.split("\n")[2:] == [
        "Ticket: +1…23",
        "call: at 2…23 or +4…18",
        "due: 2026-03-10",
        "id: tel2…23",
        "order: 12345",
    ]
    assert str(events(export(booking(name=None)))[0]["SUMMARY"]) == "Callback: …23"


def test_long_texts_are_cut() -> None:
    found = events(
        export(booking(name="n" * 5_000, context={f"k{n:02}" * 50: "v" * 5_000 for n in range(50)}))
    )[0]
    assert len(str(found["SUMMARY"])) == len("Callback: ") + 100
    assert len(str(found["DESCRIPTION"])) < 20 * (64 + 2 + 200 + 1) + 200
    assert str(found["DESCRIPTION"]).endswith("… and 30 more")


@pytest.mark.parametrize(
    ("given_", "kind"),
    [
        ({"domain": "a\r\nb"}, ConfigurationError),
        ({"domain": ""}, ConfigurationError),
        ({"organizer": "desk"}, ConfigurationError),
        ({"organizer": "a@b.c\r\nX:1"}, ConfigurationError),
        ({"attendee": "a@example.com"}, ConfigurationError),
        ({"alarm_before": timedelta(days=8)}, ConfigurationError),
        ({"now": datetime(2026, 3, 1)}, InvalidTime),  # noqa: DTZ001
    ],
)
def test_settings_of_a_file_are_checked(given_: dict[str, Any], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        export(booking(), **given_)


def test_bookings_are_checked() -> None:
    for rows in ([booking(), booking()], [booking(booking_id="x\ny")], [booking(booking_id="")]):
        with pytest.raises(InvalidText):
            export(*rows)


ZONES = sorted(zone for zone in available_timezones() if zone not in {"Factory", "localtime", "posixrules"})


@settings(steady, max_examples=400)
@given(
    zone=st.sampled_from(ZONES),
    at=st.datetimes(datetime(2020, 1, 1), datetime(2040, 12, 31)),  # noqa: DTZ001
    length=st.integers(1, 8 * 60),
)
@example(zone=NEW_YORK, at=datetime(2026, 11, 1, 5, 45), length=30)  # noqa: DTZ001
@example(zone=NEW_YORK, at=datetime(2026, 11, 1, 6, 45), length=30)  # noqa: DTZ001
@example(zone="Australia/Lord_Howe", at=datetime(2026, 4, 4, 14, 45), length=30)  # noqa: DTZ001
@example(zone="Europe/Dublin", at=datetime(2026, 10, 25, 0, 45), length=90)  # noqa: DTZ001
@example(zone="Pacific/Apia", at=datetime(2021, 4, 3, 14, 0), length=30)  # noqa: DTZ001
def test_everybody_reads_the_same_instants(zone: str, at: datetime, length: int) -> None:
    """By the package icalendar, by `busy_times`, and by the VTIMEZONE alone."""
    starts_at = at.replace(microsecond=0, tzinfo=UTC)
    ends_at = starts_at + timedelta(minutes=length)
    data = export(booking(zone=zone, slot_at=starts_at, ends_at=ends_at))
    found = events(data)[0]
    assert [found[key].dt.astimezone(UTC) for key in ("DTSTART", "DTEND")] == [starts_at, ends_at]
    expected = [Interval(starts_at=starts_at, ends_at=ends_at)]
    day = timedelta(days=1)
    own = re.sub(rb"(?<=TZID[=:])" + re.escape(zone.encode()) + rb"(?=[:\r])", b"X-Own zone", data)
    for text in (data, own):
        assert (
            busy_times(text, from_at=starts_at - day, until_at=ends_at + day, zone="Asia/Tokyo") == expected
        )


def test_most_zones_are_written_as_such() -> None:
    """All where clocks are never changed, or by yearly rules."""
    in_utc = {zone for zone in ZONES if b"DTSTART:20260310T140000Z" in export(booking(zone=zone))}
    assert {"Africa/Casablanca", "Africa/El_Aaiun"} <= in_utc
    assert (
        not {NEW_YORK, "Europe/Berlin", "Europe/Dublin", "Australia/Sydney", "Asia/Kolkata", "Asia/Tokyo"}
        & in_utc
    )
    assert len(in_utc) < 60


def test_the_busy_times_of_a_day_are_its_bookings() -> None:
    rows = [
        booking(
            booking_id=f"bk_{n}",
            slot_at=datetime(2026, 3, 10, 9 + n, tzinfo=UTC),
            zone=zone,
            called_off=n == 2,
        )
        for n, zone in enumerate((NEW_YORK, "Europe/Berlin", "Asia/Tokyo", "Africa/Casablanca"))
    ]
    found = busy_times(export(*rows), from_at=FROM, until_at=UNTIL, zone="UTC")
    assert found == [
        Interval(starts_at=row.slot_at, ends_at=row.ends_at) for row in rows if not row.called_off
    ]

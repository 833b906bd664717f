"""Opening hours as a host writes them: every contradiction is refused by its field, and nothing can change later."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from callbackq.errors import ConfigurationError
from callbackq.policy.hours import ENTRIES_MAX, SPANS_MAX, WHOLE_DAY, Closure, Span, WeekHours, weekdays

H = timedelta(hours=1)
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
DAY = Span(time(9), time(17))
NIGHT = Span(time(22), time(2))
EARLY = Span(time(1), time(6))
XMAS_EVE, XMAS = date(2026, 12, 24), date(2026, 12, 25)


def hours(**changes: Any) -> WeekHours:
    """Return 9 to 17 from Monday to Friday."""
    return WeekHours(**{"zone": "Europe/Berlin", "week": weekdays(DAY), **changes})


def refused(make: Callable[[], object]) -> tuple[str, str]:
    """Return the field that is refused, and the message."""
    with pytest.raises(ConfigurationError) as caught:
        make()
    return caught.value.field, str(caught.value)


# ---------------------------------------------------------------------------- spans


@pytest.mark.parametrize(
    ("span", "runs_over"),
    [
        (DAY, False),
        (NIGHT, True),
        (WHOLE_DAY, True),
        (Span(time(9), time(0)), True),
        (Span(time(9), time(9)), True),
        (Span(time(0), time(0, 0, 0, 1)), False),
    ],
)
def test_a_span_that_does_not_close_later_closes_the_day_after(span: Span, runs_over: bool) -> None:
    assert span.runs_over is runs_over


@pytest.mark.parametrize(
    "value", [None, True, 9, "09:00", NOON, XMAS, timedelta(hours=9), time(9, tzinfo=UTC), b"09:00"]
)
def test_what_is_no_plain_time_is_refused(value: Any) -> None:
    field, message = refused(lambda: Span(value, time(17)))
    assert (field, "a time without a zone" in message) == ("Span.opens", True)
    assert refused(lambda: Span(time(9), value))[0] == "Span.closes"


def test_a_span_does_not_say_which_of_two_equal_times_it_means() -> None:
    span = Span(time(1, 30, fold=1), time(2, 30, fold=1))
    assert (span.opens.fold, span.closes.fold) == (0, 0)


def test_a_span_is_written_as_people_write_it() -> None:
    assert str(Span(time(9), time(17, 30, 15))) == "09:00:00-17:30:15"


# ---------------------------------------------------------------------------- closures


def test_a_closure_is_kept_in_utc() -> None:
    there = NOON.astimezone(ZoneInfo("Asia/Kathmandu"))
    closure = Closure(from_at=there, until_at=there + H)
    assert (closure.from_at, closure.from_at.tzinfo) == (NOON, UTC)
    assert (closure.until_at, closure.until_at.tzinfo) == (NOON + H, UTC)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "2026-07-01T12:00Z",
        XMAS,
        NOON.replace(tzinfo=None),
        datetime.max.replace(tzinfo=timezone(-H)),
        datetime.min.replace(tzinfo=timezone(H)),
    ],
)
def test_what_is_no_instant_is_refused(value: Any) -> None:
    field, message = refused(lambda: Closure(from_at=value, until_at=NOON))
    assert (field, "an aware datetime" in message) == ("Closure.from_at", True)
    assert refused(lambda: Closure(from_at=NOON, until_at=value))[0] == "Closure.until_at"


@pytest.mark.parametrize("until_at", [NOON, NOON - H])
def test_a_closure_lasts(until_at: datetime) -> None:
    assert refused(lambda: Closure(from_at=NOON, until_at=until_at))[0] == "Closure.until_at"


@pytest.mark.parametrize("reason", ["", " ", "a\nb", "x" * 65, 3])
def test_a_reason_is_a_short_text(reason: Any) -> None:
    assert refused(lambda: Closure(from_at=NOON, until_at=NOON + H, reason=reason))[0] == "Closure.reason"
    assert Closure(from_at=NOON, until_at=NOON + H, reason="x" * 64).reason == "x" * 64


# ---------------------------------------------------------------------------- zones


@pytest.mark.parametrize(
    "zone", ["UTC", "Etc/GMT+12", "America/Argentina/Buenos_Aires", "EST5EDT", "NZ-CHAT"]
)
def test_zones_of_every_form(zone: str) -> None:
    assert hours(zone=zone).zone == zone


@pytest.mark.parametrize(
    "zone",
    [
        None,
        True,
        3,
        b"UTC",
        ["UTC"],
        ZoneInfo("UTC"),
        "",
        "Europe",
        "Europe/",
        "/UTC",
        "./UTC",
        "UTC/..",
        "../UTC",
        "../../../etc/passwd",
        "/etc/localtime",
        "C:\\UTC",
        "Europe//Berlin",
        "Europe/Berlin\n",
        "Europe/Atlantis",
        "UTC\0",
        "\ud800",
        "x" * 5_000,
        "localtime",
        "posixrules",
        "Factory",
        "posix/UTC",
        "right/UTC",
        "zone.tab",
        "leapseconds",
        "+01:00",
    ],
)
def test_a_zone_that_is_none_is_refused_by_its_name(zone: Any) -> None:
    assert refused(lambda: hours(zone=zone))[0] == "WeekHours.zone"


# ---------------------------------------------------------------------------- the week


@pytest.mark.parametrize("week", [None, [DAY], (), "week", 5, {(0, DAY)}])
def test_a_week_is_a_mapping(week: Any) -> None:
    assert refused(lambda: hours(week=week))[0] == "WeekHours.week"


@pytest.mark.parametrize("day", [-1, 7, True, False, None, "0", 0.0, XMAS])
def test_a_day_of_the_week_is_0_to_6(day: Any) -> None:
    assert refused(lambda: hours(week={day: [DAY]}))[0] == "WeekHours.week"


@pytest.mark.parametrize(
    "spans", [None, DAY, "9-17", {DAY}, {DAY: DAY}, [None], [(time(9), time(17))], iter([DAY])]
)
def test_a_day_is_a_list_of_spans(spans: Any) -> None:
    assert refused(lambda: hours(week={0: spans}))[0] == "WeekHours.week[0]"
    assert refused(lambda: hours(special={XMAS: spans}))[0] == "WeekHours.special[2026-12-25]"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (DAY, DAY),
        (DAY, Span(time(16, 59), time(18))),
        (DAY, Span(time(10), time(11))),
        (NIGHT, Span(time(22), time(23))),
        (NIGHT, Span(time(23), time(23, 30))),
        (NIGHT, Span(time(23), time(1))),
        (WHOLE_DAY, DAY),
        (WHOLE_DAY, WHOLE_DAY),
    ],
)
def test_spans_of_one_day_do_not_overlap(one: Span, other: Span) -> None:
    for spans in ([one, other], [other, one]):
        field, message = refused(lambda spans=spans: hours(week={3: spans}))
        assert (field, "no span that overlaps" in message) == ("WeekHours.week[3]", True)
        assert refused(lambda spans=spans: hours(special={XMAS: spans}))[0] == "WeekHours.special[2026-12-25]"


def test_spans_may_touch_and_are_kept_in_the_order_of_the_clock() -> None:
    morning, evening = Span(time(8), time(9)), Span(time(17), time(22))
    assert hours(week={0: [NIGHT, evening, DAY, morning]}).week[0] == (morning, DAY, evening, NIGHT)


@pytest.mark.parametrize(("day", "after"), [(0, 1), (5, 6), (6, 0)])
def test_a_night_does_not_run_into_the_next_morning(day: int, after: int) -> None:
    field, message = refused(lambda: hours(week={day: [NIGHT], after: [EARLY]}))
    assert field == f"WeekHours.week[{after}]"
    assert message.endswith(
        "is '01:00:00-06:00:00'; allowed: no span that overlaps 22:00:00-02:00:00, which opens the day before"
    )
    assert hours(week={day: [NIGHT], after: [Span(time(2), time(6))]}).week[after]


def test_one_day_alone_can_be_open_for_24_hours_from_any_time() -> None:
    around = Span(time(9), time(9))
    assert hours(week={day: [around] for day in range(7)}).week[6] == (around,)
    assert (
        refused(lambda: hours(week={0: [around], 1: [Span(time(8, 59), time(10))]}))[0] == "WeekHours.week[1]"
    )


@pytest.mark.parametrize("week", [{}, {0: []}, {0: (), 6: []}])
def test_something_opens(week: dict[int, list[Span]]) -> None:
    assert refused(lambda: hours(week=week))[0] == "WeekHours.week"
    assert refused(lambda: hours(week=week, special={XMAS: []}))[0] == "WeekHours.week"
    assert hours(week=week, special={XMAS: [DAY]}).spans_on(XMAS) == (DAY,)


def test_no_more_than_20_spans_open_on_one_day() -> None:
    spans = [Span(time(hour), time(hour, 30)) for hour in range(SPANS_MAX)]
    assert len(hours(week={0: spans}).week[0]) == SPANS_MAX
    field, message = refused(lambda: hours(week={0: [*spans, Span(time(22), time(23))]}))
    assert (field, message) == (
        "WeekHours.week[0]",
        "WeekHours.week[0] is 'a list of 21'; allowed: 20 spans a day",
    )


# ---------------------------------------------------------------------------- dates


class BankHolidays(dict[date, str]):
    """As the package `holidays` gives them: a dict that would grow if it were asked for a date."""

    def __contains__(self, key: object) -> bool:
        raise AssertionError(key)


@pytest.mark.parametrize(
    "days",
    [
        [XMAS_EVE, XMAS],
        (XMAS, XMAS_EVE, XMAS),
        {XMAS, XMAS_EVE},
        {XMAS: "Christmas", XMAS_EVE: "Eve"},
        BankHolidays({XMAS: "Christmas", XMAS_EVE: "Eve"}),
        iter([XMAS_EVE, XMAS]),
    ],
)
def test_holidays_are_any_dates(days: Any) -> None:
    assert hours(holidays=days).holidays == {XMAS_EVE, XMAS}


@pytest.mark.parametrize(
    "days", [None, XMAS, "2026-12-25", b"2026", 5, [None], ["2026-12-25"], [NOON], [XMAS, NOON], [[]]]
)
def test_holidays_that_are_no_dates_are_refused(days: Any) -> None:
    assert refused(lambda: hours(holidays=days))[0] == "WeekHours.holidays"


@pytest.mark.parametrize(
    "special", [None, [XMAS], "2026-12-25", {NOON: [DAY]}, {"2026-12-25": [DAY]}, {None: [DAY]}]
)
def test_special_dates_are_a_mapping_by_date(special: Any) -> None:
    assert refused(lambda: hours(special=special))[0] == "WeekHours.special"


@pytest.mark.parametrize("day", [date.min, date(1899, 12, 31), date(2200, 1, 1), date.max])
def test_a_date_is_of_years_that_people_mean(day: date) -> None:
    assert refused(lambda: hours(holidays=[day]))[0] == "WeekHours.holidays"
    assert refused(lambda: hours(special={day: [NIGHT]}))[0] == "WeekHours.special"
    assert hours(special={date(1900, 1, 1): [NIGHT], date(2199, 12, 31): [NIGHT]})


def test_a_special_date_wins_over_a_holiday_and_a_holiday_over_the_week() -> None:
    short = Span(time(9), time(12))
    found = hours(holidays=[XMAS_EVE, XMAS], special={XMAS_EVE: [short], date(2026, 12, 23): []})
    assert found.spans_on(XMAS_EVE) == (short,)
    assert found.spans_on(XMAS) == ()
    assert found.spans_on(date(2026, 12, 23)) == ()
    assert found.spans_on(date(2026, 12, 22)) == (DAY,)
    assert found.spans_on(date(2026, 12, 26)) == ()  # a Saturday


def test_a_special_date_fits_between_its_neighbors() -> None:
    nights = dict.fromkeys(range(7), (NIGHT,))
    assert refused(lambda: hours(week=nights, special={XMAS: [EARLY]}))[0] == "WeekHours.special[2026-12-25]"
    early = dict.fromkeys(range(7), (EARLY,))
    assert refused(lambda: hours(week=early, special={XMAS: [NIGHT]}))[0] == "WeekHours.special[2026-12-25]"


def test_a_special_date_looks_at_what_its_neighbors_really_have() -> None:
    nights = dict.fromkeys(range(7), (NIGHT,))
    assert hours(week=nights, special={XMAS_EVE: [], XMAS: [EARLY]})
    assert hours(week=nights, holidays=[XMAS_EVE], special={XMAS: [EARLY]})
    early = dict.fromkeys(range(7), (EARLY,))
    assert hours(week=early, holidays=[XMAS], special={XMAS_EVE: [NIGHT]})
    both = {XMAS_EVE: [NIGHT], XMAS: [EARLY]}
    assert refused(lambda: hours(special=both))[0].startswith("WeekHours.special[2026-12-2")
    assert refused(lambda: hours(holidays=both, special=both))[0].startswith("WeekHours.special[2026-12-2")


def test_too_much_is_refused() -> None:
    days = [date(2026, 1, 1) + timedelta(days=count) for count in range(ENTRIES_MAX + 1)]
    closures = [Closure(from_at=NOON, until_at=NOON + H)] * (ENTRIES_MAX + 1)
    for field, many in (
        ("holidays", days),
        ("holidays", (day for day in days)),
        ("special", dict.fromkeys(days, ())),
        ("closures", closures),
    ):
        found, message = refused(lambda field=field, many=many: hours(**{field: many}))
        assert (found, message) == (
            f"WeekHours.{field}",
            f"WeekHours.{field} is 'more than 5,000'; allowed: 5,000 entries",
        )
    full = hours(holidays=days[1:], special=dict.fromkeys(days[1:], ()), closures=closures[1:])
    assert [len(held) for held in (full.holidays, full.special, full.closures)] == [ENTRIES_MAX] * 3


@pytest.mark.parametrize(
    "closures", [None, 5, "closure", Closure(from_at=NOON, until_at=NOON + H), [NOON], [None]]
)
def test_closures_are_a_list_of_them(closures: Any) -> None:
    assert refused(lambda: hours(closures=closures))[0] == "WeekHours.closures"


def test_closures_are_kept_in_their_order() -> None:
    late, early = (Closure(from_at=at, until_at=at + 3 * H) for at in (NOON + H, NOON))
    assert hours(closures=iter([late, early])).closures == (early, late)


# ---------------------------------------------------------------------------- sharing


def test_nothing_can_be_changed_from_outside() -> None:
    week, spans, holidays, special = {0: [DAY]}, [DAY], {XMAS}, {XMAS: [DAY]}
    week[1] = spans
    found = hours(week=week, holidays=holidays, special=special)
    before = copy.deepcopy(found)
    spans.clear()
    week.clear()
    holidays.clear()
    special.clear()
    assert found == before
    with pytest.raises(TypeError):
        found.week[2] = (DAY,)  # type: ignore[index]
    with pytest.raises(AttributeError):
        found.zone = "UTC"  # type: ignore[misc]


def test_equal_hours_are_equal_however_they_were_written() -> None:
    closure = Closure(from_at=NOON, until_at=NOON + H)
    one = hours(week={0: [DAY, NIGHT], 1: (DAY,)}, holidays=[XMAS], special={XMAS: ()}, closures=[closure])
    other = hours(
        week={1: [DAY], 0: (NIGHT, DAY)}, holidays={XMAS: ""}, special={XMAS: []}, closures=(closure,)
    )
    assert one == other
    assert hash(one) == hash(other)
    assert pickle.loads(pickle.dumps(one)) == one
    assert one != hours()


def test_weekdays_are_monday_to_friday() -> None:
    assert weekdays(DAY, NIGHT) == dict.fromkeys(range(5), (DAY, NIGHT))

"""When it is quiet, by the clocks of wherever a customer may be."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.quiet import quiet_until
from callbackq.core.zones import zones_of_number
from core.samples import LAW

NEW_YORK, LOS_ANGELES, BERLIN = "America/New_York", "America/Los_Angeles", "Europe/Berlin"
ALL = (NEW_YORK, LOS_ANGELES, BERLIN, "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Pago_Pago", "UTC")
EVENING, MORNING = time(21), time(8)


def local(zone: str, *when: int) -> datetime:
    """Return an instant by the clocks of a zone."""
    return datetime(*when, tzinfo=ZoneInfo(zone)).astimezone(UTC)  # type: ignore[arg-type, misc]


def is_quiet(zone: str, at: datetime, begin: time, end: time) -> bool:
    """Say by its clock whether it is quiet in a zone."""
    clock = at.astimezone(ZoneInfo(zone)).time()
    return begin <= clock < end if begin < end else clock >= begin or clock < end


def night(at: datetime, *zones: str) -> datetime | None:
    return quiet_until(zones, quiet_from=EVENING, quiet_until=MORNING, now=at)


@pytest.mark.parametrize(
    ("clock", "until"),
    [
        ((2026, 1, 5, 20, 59, 59), None),
        ((2026, 1, 5, 21), (2026, 1, 6, 8)),
        ((2026, 1, 5, 23, 30), (2026, 1, 6, 8)),
        ((2026, 1, 6, 0), (2026, 1, 6, 8)),
        ((2026, 1, 6, 7, 59, 59), (2026, 1, 6, 8)),
        ((2026, 1, 6, 8), None),
        ((2026, 1, 6, 13), None),
        ((2025, 12, 31, 22), (2026, 1, 1, 8)),
    ],
)
@pytest.mark.parametrize("zone", [NEW_YORK, BERLIN, "Asia/Kathmandu"])
def test_a_night_in_one_zone(zone: str, clock: tuple[int, ...], until: tuple[int, ...] | None) -> None:
    """The beginning belongs to it, the end does not."""
    assert night(local(zone, *clock), zone) == (None if until is None else local(zone, *until))


def test_hours_within_one_day() -> None:
    """Where the end is later than the beginning: a pause at noon."""
    pause = {"quiet_from": time(12), "quiet_until": time(14)}
    assert quiet_until({BERLIN}, now=local(BERLIN, 2026, 1, 5, 11, 59), **pause) is None
    assert quiet_until({BERLIN}, now=local(BERLIN, 2026, 1, 5, 12), **pause) == local(BERLIN, 2026, 1, 5, 14)
    assert quiet_until({BERLIN}, now=local(BERLIN, 2026, 1, 5, 14), **pause) is None


def test_nowhere_it_is_never_quiet() -> None:
    """Of whom no zone is known at all."""
    assert night(local(NEW_YORK, 2026, 1, 5, 23)) is None


def test_it_must_be_quiet_in_none_of_several() -> None:
    """11 PM in New York: the day begins for both when it is 8 AM in Los Angeles."""
    at = local(NEW_YORK, 2026, 1, 5, 23)
    assert night(at, NEW_YORK, LOS_ANGELES) == local(LOS_ANGELES, 2026, 1, 6, 8)
    assert night(local(LOS_ANGELES, 2026, 1, 5, 18, 30), NEW_YORK, LOS_ANGELES) == local(
        LOS_ANGELES, 2026, 1, 6, 8
    )


def test_a_toll_free_number_may_be_anywhere() -> None:
    """From Saint John's to Guam two hours of the day are left, 22 to 24 UTC."""
    zones = zones_of_number("+18005550123")
    assert night(datetime(2026, 1, 5, 15, tzinfo=UTC), *zones) == datetime(2026, 1, 5, 22, tzinfo=UTC)
    assert night(datetime(2026, 1, 5, 23, tzinfo=UTC), *zones) is None


def test_zones_so_far_apart_that_one_is_always_quiet() -> None:
    """An answer comes all the same: the end of the night somewhere, and never a moment that has passed."""
    at = datetime(2026, 1, 5, 12, tzinfo=UTC)
    zones = (*ALL, "Asia/Tokyo", "Pacific/Honolulu", "Asia/Karachi")
    found = night(at, *zones)
    assert found is not None
    assert at < found <= at + timedelta(days=8)
    assert any(found.astimezone(ZoneInfo(zone)).time() == MORNING for zone in zones)


@pytest.mark.parametrize(
    ("begin", "end", "until"),
    [
        # Summer time begins: the night is an hour shorter.
        ((2026, 3, 7, 23), MORNING, datetime(2026, 3, 8, 12, tzinfo=UTC)),
        # It ends: an hour longer.
        ((2026, 10, 31, 23), MORNING, datetime(2026, 11, 1, 13, tzinfo=UTC)),
        # The end does not exist on that day: when the clocks have jumped over it.
        ((2026, 3, 7, 23), time(2, 30), datetime(2026, 3, 8, 7, tzinfo=UTC)),
        # The end comes twice: the first one.
        ((2026, 10, 31, 23), time(1, 30), datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
    ],
)
def test_the_night_in_which_the_clocks_change(begin: tuple[int, ...], end: time, until: datetime) -> None:
    """By the clock on the wall."""
    at = local(NEW_YORK, *begin)
    assert quiet_until({NEW_YORK}, quiet_from=EVENING, quiet_until=end, now=at) == until


def test_quiet_again_in_the_hour_that_comes_twice() -> None:
    """1:15 AM for the second time, and quiet until 1:30 AM: that of the second time, not the one that has passed."""
    at = datetime(2026, 11, 1, 6, 15, tzinfo=UTC)
    found = quiet_until({NEW_YORK}, quiet_from=EVENING, quiet_until=time(1, 30), now=at)
    assert found == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)


CLOCKS = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))


@LAW
@given(
    zone=st.sampled_from(ALL),
    minutes=st.integers(0, 366 * 24 * 60),
    begin=CLOCKS,
    end=CLOCKS,
)
def test_it_ends_when_the_clock_says_so(zone: str, minutes: int, begin: time, end: time) -> None:
    """None exactly where it is not quiet now; else a later moment, within some 25 hours, when it is not."""
    if begin == end:
        return
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    found = quiet_until({zone}, quiet_from=begin, quiet_until=end, now=at)
    assert (found is not None) == is_quiet(zone, at, begin, end)
    if found is not None:
        assert at < found <= at + timedelta(hours=26)
        assert not is_quiet(zone, found, begin, end)

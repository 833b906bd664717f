"""How many callbacks are dialed at once and per minute."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.capping import WINDOW, Cap, Capped, capped
from callbackq.policy import Caps
from callbackq.testing import START

SECOND = timedelta(seconds=1)


def at(*seconds_ago: int) -> list[datetime]:
    """Return instants so many seconds before START, the latest first."""
    return [START - seconds * SECOND for seconds in seconds_ago]


def test_without_caps_nothing_is_capped() -> None:
    """As many as there are free agents."""
    assert capped(Caps(), open_count=10**6, starts=at(*range(60)), now=START) is None


@pytest.mark.parametrize(("open_count", "expected"), [(0, False), (2, False), (3, True), (9, True)])
def test_at_once(open_count: int, expected: bool) -> None:
    """Time alone changes nothing: an attempt must end."""
    found = capped(Caps(attempts_at_once_max=3), open_count=open_count, starts=[], now=START)
    assert (found is not None) is expected
    assert found in (None, Capped(cap=Cap.AT_ONCE, limit=3))


def test_per_minute_opens_when_the_window_leaves_the_first_behind() -> None:
    """Two in any 60 seconds: the older of the last two decides."""
    caps = Caps(attempts_per_minute_max=2)
    found = capped(caps, open_count=0, starts=at(5, 20, 100), now=START)
    assert found == Capped(cap=Cap.PER_MIN, limit=2, until_at=START + 40 * SECOND)
    assert capped(caps, open_count=0, starts=at(5, 60), now=START) is None
    assert capped(caps, open_count=0, starts=at(5), now=START) is None


def test_what_a_clock_that_is_ahead_started_says_nothing_yet() -> None:
    """Else the cap would be closed for as long as the clock is ahead."""
    caps = Caps(attempts_per_minute_max=2)
    assert capped(caps, open_count=0, starts=at(-600, -300, 5), now=START) is None
    found = capped(caps, open_count=0, starts=at(-600, 0, 20), now=START)
    assert found == Capped(cap=Cap.PER_MIN, limit=2, until_at=START + 40 * SECOND)


@given(st.lists(st.integers(0, 200), max_size=40), st.integers(1, 8))
def test_no_window_ever_holds_more_than_the_cap(arrivals: list[int], limit: int) -> None:
    """Whenever attempts are wanted, those that the cap lets start never exceed it in any 60 s."""
    started: list[datetime] = []
    for second in sorted(arrivals):
        now = START + second * SECOND
        caps = Caps(attempts_per_minute_max=limit)
        if capped(caps, open_count=0, starts=sorted(started, reverse=True), now=now) is None:
            started.append(now)
        assert sum(now - WINDOW < each <= now for each in started) <= limit

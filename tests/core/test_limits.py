"""Limits over rolling windows: held against a plain log of every instant at which something was counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbackq.core.instants import from_microseconds, microseconds
from callbackq.core.limits import EXACT_MAX, Reached, _windows, count
from callbackq.ids import DEFAULT_TENANT
from callbackq.model import Tally
from callbackq.policy.limits import Limit
from core.samples import LAW, START, H, M, S

T0 = microseconds(START)
US = timedelta(microseconds=1)
Log = list[tuple[int, int]]
"""When something was counted, in microseconds, and how much."""


def counted(tally: Tally | None, limits: Sequence[Limit], at: int, *, weight: int = 1) -> Tally | Reached:
    return count(tally, limits, tenant_id=DEFAULT_TENANT, key="all", weight=weight, now=from_microseconds(at))


def tallied(limits: Sequence[Limit], moments: Sequence[int], *, weight: int = 1) -> Tally:
    """Count at every one of these moments: none is refused."""
    tally = None
    for at in moments:
        after = counted(tally, limits, at, weight=weight)
        assert isinstance(after, Tally)
        tally = after
    assert tally is not None
    return tally


def refused(tally: Tally, limits: Sequence[Limit], at: int, *, weight: int = 1) -> Reached:
    after = counted(tally, limits, at, weight=weight)
    assert isinstance(after, Reached)
    return after


def us(length: timedelta) -> int:
    return length // US


def most_in_any(log: Log, period: int) -> int:
    """Return the most that the log has in any rolling period, which begins at one of its instants."""
    return max(sum(weight for at, weight in log if start <= at < start + period) for start, _ in log)


def has_room(log: Log, limits: Sequence[Limit], at: int, weight: int, *, longer: int = 0) -> bool:
    """Whether a plain log would count so much more: it looks back for each period, or for a part of it longer."""
    for limit in limits:
        period = us(limit.period)
        since = at - period - (period // longer if longer else 0)
        if sum(counted for then, counted in log if then > since) + weight > limit.most:
            return False
    return True


# ---------------------------------------------------------------------------- laws

few = st.lists(
    st.builds(Limit, st.integers(1, EXACT_MAX), st.integers(1, 30).map(lambda count: count * S)),
    min_size=1,
    max_size=3,
)
many = st.lists(
    st.builds(Limit, st.integers(1, 400), st.integers(1, 300).map(lambda count: count * S)),
    min_size=1,
    max_size=3,
)
bursts = st.lists(
    st.tuples(st.integers(1, 60), st.integers(0, 3_000_000), st.sampled_from([1, 1, 1, 2, 7])),
    min_size=1,
    max_size=12,
)
"""So many readings, so far from each other, each of such a weight."""


def readings(steps: list[tuple[int, int, int]]) -> Log:
    """Return when something is to be counted, and how much; time goes on."""
    found, at = [], T0
    for repeats, gap, weight in steps:
        for _ in range(repeats):
            at += gap
            found.append((at, weight))
    return found


@LAW
@given(few, bursts)
def test_few_are_counted_exactly(limits: list[Limit], steps: list[tuple[int, int, int]]) -> None:
    """Up to 64 in a window it counts what a plain log would, and refuses what that would refuse."""
    tally: Tally | None = None
    log: Log = []
    for at, weight in readings(steps):
        after = counted(tally, limits, at, weight=weight)
        assert isinstance(after, Tally) == has_room(log, limits, at, weight)
        if isinstance(after, Tally):
            tally = after
            log.append((at, weight))


@LAW
@given(many, bursts)
def test_many_are_refused_only_a_little_longer(
    limits: list[Limit], steps: list[tuple[int, int, int]]
) -> None:
    """What fits though every period were a 64th longer is counted."""
    tally: Tally | None = None
    log: Log = []
    for at, weight in readings(steps):
        after = counted(tally, limits, at, weight=weight)
        if isinstance(after, Tally):
            tally = after
            log.append((at, weight))
        else:
            assert not has_room(log, limits, at, weight, longer=EXACT_MAX)


@LAW
@given(many, bursts, st.lists(st.floats(0, 1), min_size=12, max_size=12))
def test_never_more_than_the_most(
    limits: list[Limit], steps: list[tuple[int, int, int]], backs: list[float]
) -> None:
    """In no rolling period of the instants, though the clock goes back by the longest period or less."""
    longest = max(us(limit.period) for limit in limits)
    tally: Tally | None = None
    log: Log = []
    at = highest = T0
    for (repeats, gap, weight), back in zip(steps, backs, strict=False):
        at = max(at - int(longest * max(0.0, back - 0.5)), highest - longest)
        for _ in range(repeats):
            at += gap
            highest = max(at, highest)
            after = counted(tally, limits, at, weight=weight)
            if isinstance(after, Tally):
                tally = after
                log.append((at, weight))
    for limit in limits:
        assert not log or most_in_any(log, us(limit.period)) <= limit.most


@LAW
@given(
    many,
    bursts,
    st.lists(st.integers(-400, 400), min_size=12, max_size=12),
    st.sampled_from([us(S), us(M), us(366 * 24 * H)]),
)
def test_again_at_is_exact_and_near(
    limits: list[Limit], steps: list[tuple[int, int, int]], jumps: list[int], far: int
) -> None:
    """However the clock jumped: refused just before, counted then, and within five periods; so nothing is stuck."""
    longest = max(us(limit.period) for limit in limits)
    tally: Tally | None = None
    at = T0
    for (repeats, gap, weight), jump in zip(steps, jumps, strict=False):
        at = max(at + jump * far // 400, 0)
        for _ in range(repeats):
            at += gap
            after = counted(tally, limits, at, weight=weight)
            if isinstance(after, Tally):
                tally = after
            elif not after.never:
                again_at = microseconds(after.again_at)
                assert at < again_at <= at + 5 * longest
                assert after.limit in limits
                assert isinstance(counted(tally, limits, again_at - 1, weight=weight), Reached)
                assert isinstance(counted(tally, limits, again_at, weight=weight), Tally)


@pytest.mark.parametrize("gap", [1_000, 3_300, 7_000])
def test_moments_do_not_drift(gap: int) -> None:
    """However often they are put together: at a steady rate each is over a 64th of its period too late at most."""
    limits = [Limit(250, S), Limit(700, 4 * S)]
    tally: Tally | None = None
    log: Log = []
    for at in range(T0, T0 + 3_000 * gap, gap):
        after = counted(tally, limits, at)
        if isinstance(after, Tally):
            tally = after
            log = [*log[-700:], (at, 1)]
        else:
            assert not has_room(log, limits, at, 1, longer=EXACT_MAX)


@LAW
@given(many)
def test_grids_lie_in_each_other(limits: list[Limit]) -> None:
    """So a moment that was put together twice has left neither cell; and no cell is longer than a 64th."""
    windows = _windows(tuple(limits)).each
    for inner, outer in pairwise(windows):
        assert inner.period <= outer.period
        assert outer.cell % inner.cell == 0
    assert all(0 < window.cell * EXACT_MAX <= window.period for window in windows)


@LAW
@given(many, bursts)
def test_the_order_of_limits_means_nothing(limits: list[Limit], steps: list[tuple[int, int, int]]) -> None:
    """The same is counted, and kept."""
    one: Tally | None = None
    for at, weight in readings(steps):
        after = counted(one, limits, at, weight=weight)
        other = counted(one, limits[::-1], at, weight=weight)
        if isinstance(after, Tally):
            assert other == after
            one = after
        else:
            assert isinstance(other, Reached)
            assert other.again_at == after.again_at or after.never or other.never


# ---------------------------------------------------------------------------- cases


def test_first_is_counted() -> None:
    """A tally of one moment, to be inserted."""
    tally = counted(None, [Limit(1, M)], T0, weight=1)
    assert tally == Tally(
        tenant_id=DEFAULT_TENANT,
        key="all",
        version=1,
        moments=(T0,),
        weights=(1,),
        over_at=START + 2 * M,
    )


def test_window_rolls() -> None:
    """It does not begin at midnight: what was counted is over one period later, to the microsecond."""
    six = [Limit(6, 24 * H)]
    tally = tallied(six, [T0 + hour * us(H) for hour in range(6)])
    assert refused(tally, six, T0 + us(23 * H)).again_at == START + 24 * H
    assert isinstance(counted(tally, six, T0 + us(24 * H) - 1), Reached)
    after = counted(tally, six, T0 + us(24 * H))
    assert isinstance(after, Tally)
    assert after.version == 7


def test_several_limits_share_a_tally() -> None:
    """It keeps what the longest needs; the one that is waited for longest is named."""
    short, long = Limit(2, M), Limit(3, H)
    tally = tallied([short, long], [T0, T0 + us(S)])
    told = refused(tally, [long, short], T0 + us(2 * S))
    assert (told.limit, told.again_at) == (short, START + M)
    third = counted(tally, [short, long], T0 + us(M))
    assert isinstance(third, Tally)
    told = refused(third, [short, long], T0 + us(M) + us(2 * S))
    assert (told.limit, told.again_at) == (long, START + H)
    assert third.over_at == START + M + 2 * H


def test_moments_ahead_enter_a_window() -> None:
    """While another one is waited for; of the same limit, and of a longer one."""
    short, long = Limit(1, 10 * S), Limit(2, 60 * S)
    tally = tallied([short], [T0, T0 + us(15 * S)])
    told = refused(tally, [short], T0 + 1)
    assert (told.limit, told.again_at) == (short, START + 25 * S)
    tally = tallied([short, long], [T0, T0 + us(15 * S)])
    told = refused(tally, [short, long], T0 + 1)
    assert (told.limit, told.again_at) == (long, START + 60 * S)


@pytest.mark.parametrize("in_a_minute", [2, 3, 5, 7])
def test_few_stay_exact_where_a_longer_limit_has_many(in_a_minute: int) -> None:
    """Some a minute for hours: the limit by the hour puts moments together, and the one by the minute sees none."""
    limits = [Limit(in_a_minute, M), Limit(1_000_000, H)]
    tally: Tally | None = None
    for minute in range(400):
        for number in range(in_a_minute):
            after = counted(tally, limits, T0 + minute * us(M) + number * 100_000)
            assert isinstance(after, Tally)
            tally = after


def test_weights_count() -> None:
    """What does not fit waits until enough is over; a smaller one may fit at once."""
    ten = [Limit(10, M)]
    tally = tallied(ten, [T0, T0 + us(S), T0 + us(2 * S)], weight=3)
    assert isinstance(counted(tally, ten, T0 + us(3 * S), weight=1), Tally)
    assert refused(tally, ten, T0 + us(3 * S), weight=2).again_at == START + M
    assert refused(tally, ten, T0 + us(3 * S), weight=5).again_at == START + M + S


def test_more_than_the_most_never_fits() -> None:
    """It says so, and names a time for those who ask again."""
    told = counted(None, [Limit(9, H), Limit(10, M)], T0, weight=10)
    assert told == Reached(limit=Limit(9, H), again_at=START + H, never=True)


@pytest.mark.parametrize(("limits", "weight"), [([], 1), ([Limit(1, M)], 0), ([Limit(1, M)], -1)])
def test_nothing_is_not_counted(limits: list[Limit], weight: int) -> None:
    """Neither without a limit, nor nothing, nor less."""
    with pytest.raises(ValueError, match="allowed: 1 or more"):
        counted(None, limits, T0, weight=weight)


def test_clock_that_was_years_ahead_stops_nobody() -> None:
    """What it counted is forgotten when it is right again, and the limit holds from then on."""
    two, wrong = [Limit(2, M)], T0 + us(30 * 366 * 24 * H)
    tally = tallied(two, [wrong, wrong + 1, T0, T0 + 1])
    assert tally.moments == (T0, T0 + 1)
    assert refused(tally, two, T0 + 2).again_at == START + M


def test_clock_that_goes_back_a_little_counts_on() -> None:
    """What lies ahead counts; what was over is not forgotten, and counts again."""
    two = [Limit(2, M)]
    tally = tallied(two, [T0, T0 + us(59 * S)])
    assert refused(tally, two, T0 + us(30 * S)).again_at == START + M
    tally = tallied(two, [T0, T0 + us(59 * S), T0 + us(M)])
    assert tally.moments[0] == T0
    assert refused(tally, two, T0 + us(59 * S)).again_at == START + 59 * S + M


def test_short_limit_holds_where_moments_were_made_one() -> None:
    """A clock goes back to where a long limit has put moments together, later than they were: they count there."""
    short, long = Limit(1, S), Limit(1_000_000, 6_400 * S)
    tally = tallied([short, long], [T0 + number * us(2 * S) for number in range(400)])
    assert len(tally.moments) < 300
    for number in range(300):
        assert isinstance(counted(tally, [short, long], T0 + number * us(2 * S)), Reached)


@pytest.mark.parametrize("per_minute", [10, 64, 1_000, 100_000])
def test_tally_stays_small(per_minute: int) -> None:
    """However many are counted: some dozens of moments for each limit. None is lost."""
    limits = [Limit(10_000_000, M), Limit(10_000_000, 7 * M), Limit(10_000_000, H)]
    gap = us(M) // per_minute
    tally = tallied(limits, [T0 + number * gap for number in range(12_000)])
    assert len(tally.moments) <= 5 * EXACT_MAX
    assert tally.moments[-1] == T0 + 11_999 * gap
    in_two_hours = min(12_000, 120 * per_minute)
    assert in_two_hours <= sum(tally.weights) <= in_two_hours + in_two_hours // 30


def test_same_instant_counts_each_time() -> None:
    """A clock that stands still counts all the same."""
    hundred = [Limit(100, M)]
    tally = tallied(hundred, [T0] * 100)
    assert sum(tally.weights) == 100
    assert refused(tally, hundred, T0).again_at == START + M

"""
Opening hours as instants: what the clock on the wall says, made exact where clocks are changed.

- A time that the clock skips becomes the end of what is skipped, be it 30 minutes or a whole day. A span of which
  every moment is skipped is empty.
- Of a time that comes twice, an opening time is the first and a closing time the second. So what is open in the hour
  that comes twice is open twice; and a break within that hour is none. A closing time to which clocks go back exactly
  is the first as well: what closes at 2:00 is not open in an hour from 2:00 on.

In other words: a span is open from the first moment at which the clock shows its opening time or later, until the
clock shows less than its closing time for the last time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import Final
from zoneinfo import ZoneInfo

import attrs

from callbackq.core.instants import check_instant
from callbackq.core.zones import end_of_gap
from callbackq.errors import InvalidTime
from callbackq.model import Opening
from callbackq.model.intervals import Interval
from callbackq.policy.checks import check_member
from callbackq.policy.hours import Span, WeekHours

LOOK_AHEAD: Final = timedelta(days=400)
"""A change that is not nearer than this is not looked for."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BLOCK: Final = timedelta(days=16)
_BLOCKS_MAX: Final = 128
_ZERO: Final = timedelta(0)
_ONE_DAY: Final = timedelta(days=1)
_MICROSECOND: Final = timedelta(microseconds=1)

Piece = tuple[datetime, datetime]
"""From when until when, in UTC."""


class OpenHours:
    """
    Says when a `WeekHours` is open. Instants are aware, in any zone, of the years 2000 to 2099; answers are in UTC.

    What was found is kept for the 5 years that were asked for last. Threads may share one.

    Raises:
        ConfigurationError: *hours* are no `WeekHours`.

    >>> from callbackq.policy.hours import weekdays
    >>> hours = OpenHours(WeekHours(zone="Europe/London", week=weekdays(Span(time(9), time(17)))))
    >>> friday = datetime(2026, 3, 27, 16, tzinfo=UTC)
    >>> hours.is_open(friday)
    True
    >>> hours.next_opening(friday + timedelta(hours=1)).isoformat()  # summer time has begun
    '2026-03-30T08:00:00+00:00'
    """

    def __init__(self, hours: WeekHours) -> None:
        check_member("hours", hours, WeekHours)
        self._hours = hours
        self._zone = ZoneInfo(hours.zone)
        self._closed = tuple(joined_pieces((closure.from_at, closure.until_at) for closure in hours.closures))
        self._closed_until = tuple(until_at for _, until_at in self._closed)
        self._block = lru_cache(maxsize=_BLOCKS_MAX)(self._new_block)

    def opening(self, at: datetime) -> Opening:
        """
        Return whether it is open at *at*, and the next moment at which that changes.

        None instead of that moment if nothing changes for 400 days.

        Raises:
            InvalidTime: *at* is naive, or outside 2000 to 2099.

        Cost: about 5 microseconds; 100 to 200 where the days around *at* are new. Hours that do not change for long:
            as `open_time_between` for so long.
        """
        now = check_instant(at, "at")
        look_until = now + LOOK_AHEAD
        starts_at, ends_at = next(self._pieces(now, look_until), (look_until, look_until))
        is_open = starts_at == now
        changes_at = ends_at if is_open else starts_at
        return Opening(is_open=is_open, changes_at=changes_at if changes_at < look_until else None)

    def is_open(self, at: datetime) -> bool:
        """
        Return whether it is open at *at*. At the moment of closing it is not.

        Raises:
            InvalidTime: *at* is naive, or outside 2000 to 2099.

        Cost: about a microsecond; 100 to 200 where the days around *at* are new.
        """
        now = check_instant(at, "at")
        return self._block(_number(now)).is_open(now)

    def next_opening(self, at: datetime) -> datetime | None:
        """
        Return the first moment from *at* on at which it is open: *at* itself, if it is open then.

        None if it opens at no time in the next 400 days.

        Raises:
            InvalidTime: *at* is naive, or outside 2000 to 2099.

        Cost: as `opening`.
        """
        now = check_instant(at, "at")
        return next((starts_at for starts_at, _ in self._pieces(now, now + LOOK_AHEAD)), None)

    def intervals(self, from_at: datetime, *, until_at: datetime) -> Iterator[Interval]:
        """
        Return when it is open between two instants, in order.

        The intervals do not touch, and none goes beyond the two instants. There is none if *until_at* is not after
        *from_at*.

        Raises:
            InvalidTime: an instant is naive, or outside 2000 to 2099.

        Cost: a microsecond for each interval, and about 5 for each day that is new.
        """
        pieces = self._pieces(check_instant(from_at, "from_at"), check_instant(until_at, "until_at"))
        return (Interval(starts_at=starts_at, ends_at=ends_at) for starts_at, ends_at in pieces)

    def open_time_between(self, from_at: datetime, *, until_at: datetime) -> timedelta:
        """
        Return for how long it is open between two instants: 0 if *until_at* is not after *from_at*.

        Raises:
            InvalidTime: an instant is naive, or outside 2000 to 2099.

        Cost: about 5 microseconds for each day that is new: a year is 1 to 3 ms, and 10 microseconds when it is known.

        >>> from callbackq.policy.hours import WHOLE_DAY
        >>> always = OpenHours(WeekHours(zone="UTC", week=dict.fromkeys(range(7), [WHOLE_DAY])))
        >>> year = datetime(2028, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)
        >>> always.open_time_between(year[0], until_at=year[1]).days
        366
        """
        start, end = check_instant(from_at, "from_at"), check_instant(until_at, "until_at")
        if end <= start:
            return _ZERO
        first, last = _number(start), _number(end)
        whole = sum((self._block(number).length for number in range(first, last)), _ZERO)
        return whole + self._block(last).open_until(end) - self._block(first).open_until(start)

    def spans_on(self, day: date) -> tuple[Span, ...]:
        """
        Return the spans that open on *day*, as the clock shows them and in its order. Closures are not looked at.

        Raises:
            InvalidTime: *day* is no date, or has a time.
        """
        _check_day(day)
        return self._hours.spans_on(day)

    def _pieces(self, from_at: datetime, until_at: datetime) -> Iterator[Piece]:
        """Return when it is open between the two, joined across blocks."""
        if until_at <= from_at:
            return iter(())
        numbers = range(_number(from_at), _number(until_at) + 1)
        return joined_pieces(
            piece for number in numbers for piece in self._block(number).pieces(from_at, until_at)
        )

    def _new_block(self, number: int) -> _Block:
        """Find out when it is open in the 16 days of that number."""
        from_at = _EPOCH + number * _BLOCK
        until_at = from_at + _BLOCK
        # A span ends on the next date at the latest. One date more on each side: clocks may be set back by a day.
        day = from_at.astimezone(self._zone).date() - 2 * _ONE_DAY
        last = until_at.astimezone(self._zone).date() + _ONE_DAY
        found: list[Piece] = []  # In order: what the clock shows first later, begins later.
        while day <= last:
            found.extend(pieces_on(day, self._hours.spans_on(day), self._zone))
            day += _ONE_DAY
        left = [piece for open_piece in joined_pieces(found) for piece in self._without_closures(*open_piece)]
        return _block_of(
            (max(starts_at, from_at), min(ends_at, until_at))
            for starts_at, ends_at in left
            if starts_at < until_at and ends_at > from_at
        )

    def _without_closures(self, starts_at: datetime, ends_at: datetime) -> Iterator[Piece]:
        """Return what is left of a piece; nothing if it is empty."""
        for index in range(bisect_right(self._closed_until, starts_at), len(self._closed)):
            closed_from, closed_until = self._closed[index]
            if closed_from >= ends_at:
                break
            if starts_at < closed_from:
                yield starts_at, closed_from
            starts_at = closed_until
        if starts_at < ends_at:
            yield starts_at, ends_at


# ---------------------------------------------------------------------------- blocks


@attrs.frozen
class _Block:
    """
    When it is open within 16 days: disjoint pieces in order, and how long it is open before each of them.

    `open_before` has one entry more than there are pieces: the open time of the whole block.
    """

    starts: tuple[datetime, ...]
    ends: tuple[datetime, ...]
    open_before: tuple[timedelta, ...]

    @property
    def length(self) -> timedelta:
        return self.open_before[-1]

    def is_open(self, at: datetime) -> bool:
        index = bisect_right(self.starts, at)
        return index > 0 and at < self.ends[index - 1]

    def open_until(self, at: datetime) -> timedelta:
        """Return for how long it is open in this block before *at*."""
        index = bisect_right(self.starts, at)
        if index == 0:
            return _ZERO
        return self.open_before[index] - max(self.ends[index - 1] - at, _ZERO)

    def pieces(self, from_at: datetime, until_at: datetime) -> Iterator[Piece]:
        """Return the pieces between the two, cut to them."""
        for index in range(bisect_right(self.ends, from_at), len(self.starts)):
            starts_at = self.starts[index]
            if starts_at >= until_at:
                break
            yield max(starts_at, from_at), min(self.ends[index], until_at)


def _block_of(pieces: Iterable[Piece]) -> _Block:
    held = tuple(pieces)
    open_before = accumulate((ends_at - starts_at for starts_at, ends_at in held), initial=_ZERO)
    return _Block(tuple(piece[0] for piece in held), tuple(piece[1] for piece in held), tuple(open_before))


def _number(at: datetime) -> int:
    """Return the number of the block that *at* is in."""
    return (at - _EPOCH) // _BLOCK


def joined_pieces(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Make one of pieces that touch or overlap. They come in the order of their starts."""
    held: Piece | None = None
    for piece in pieces:
        if held is None:
            held = piece
        elif piece[0] <= held[1]:
            held = held[0], max(held[1], piece[1])
        else:
            yield held
            held = piece
    if held is not None:
        yield held


# ---------------------------------------------------------------------------- from the wall to the instant


def _check_day(day: object) -> None:
    if not isinstance(day, date) or isinstance(day, datetime):
        raise InvalidTime(f"day is {type(day).__name__}; allowed: a date without a time")


def pieces_on(day: date, spans: tuple[Span, ...], zone: ZoneInfo) -> Iterator[Piece]:
    """Return when the spans that open on *day* begin and end: at the same moment if all of it is skipped."""
    for span in spans:
        closing_day = day + _ONE_DAY if span.runs_over else day
        yield _instant(day, span.opens, zone, fold=0), _instant(closing_day, span.closes, zone, fold=1)


def _instant(day: date, clock: time, zone: ZoneInfo, *, fold: int) -> datetime:
    """
    Return the instant at which the clock shows a time: of two, the one that *fold* says.

    A time that is skipped becomes the first instant after it: the end of what is skipped.
    """
    wall = datetime.combine(day, clock, UTC)
    before = zone.utcoffset(wall)
    after = zone.utcoffset(datetime.combine(day, _second(clock), UTC))
    assert before is not None
    assert after is not None
    if before < after:
        return end_of_gap(wall.replace(tzinfo=None), rules=zone)
    if fold and before > after and (wall - after - _MICROSECOND).astimezone(zone).utcoffset() == before:
        return wall - before  # Clocks go back to that very time: they never show less again.
    return wall - (after if fold else before)


@lru_cache(maxsize=1_024)
def _second(clock: time) -> time:
    return clock.replace(fold=1)

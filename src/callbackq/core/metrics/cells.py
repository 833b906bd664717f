"""
Cells: the counts of the stories that began in one local hour, in one queue, through one channel.

A live call counts where it entered, a callback where it was asked for, each with all that became of it. So cells add up
to any part: a day, a week, a queue, the whole. The hour is one on the clocks of the queue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import attrs

from callbackq.core.metrics.counts import Counts, count_call, count_callback, gist_of_call, gist_of_callback
from callbackq.core.metrics.stories import Facts
from callbackq.core.zones import wall_of
from callbackq.ids import QueueName
from callbackq.model.figures import CallbackGist, CallFacts, CallGist
from callbackq.model.words import Channel

ZoneOf = Callable[[QueueName], str]
"""Says in which zone the days of a queue are told apart: an IANA key."""

_QUARTER: Final = timedelta(minutes=15)
"""Clocks are set by whole quarters of an hour."""
_FIRST: Final = datetime(2000, 1, 1, tzinfo=UTC)


@attrs.frozen(kw_only=True)
class LocalHour:
    """One hour on the clocks of a zone. `fold` is 1 for the second of two hours that read the same."""

    begins_at: datetime
    wall_at: datetime
    fold: int = 0


_Quarter = tuple[datetime, datetime, LocalHour]
"""When it begins, when it ends, and the hour that it is in."""


class LocalHours:
    """Finds the local hours of instants in one zone. What was found is kept: 4 for each hour that was asked for."""

    def __init__(self, zone: str) -> None:
        self.zone: Final = zone
        self._by_quarter: dict[int, _Quarter] = {}
        self._known: dict[datetime, LocalHour] = {}
        self._last = self._last_of_day = self._quarter(_FIRST)

    def of(self, at: datetime) -> LocalHour:
        """Return the local hour that an instant is in. It is soonest found again by the next one that is near."""
        if not self._last[0] <= at < self._last[1]:
            self._last = self._quarter(at)
        return self._last[2]

    def hour_of_day(self, at: datetime) -> int:
        """Return the hour of the day that an instant is in, 0 to 23."""
        if not self._last_of_day[0] <= at < self._last_of_day[1]:
            self._last_of_day = self._quarter(at)
        return self._last_of_day[2].wall_at.hour

    def _quarter(self, at: datetime) -> _Quarter:
        number = (at - _FIRST) // _QUARTER
        found = self._by_quarter.get(number)
        if found is None:
            begins_at = _FIRST + number * _QUARTER
            found = self._by_quarter[number] = (begins_at, begins_at + _QUARTER, self._find(at))
        return found

    def _find(self, at: datetime) -> LocalHour:
        wall = wall_of(at, zone=self.zone)
        past = timedelta(
            minutes=wall.wall_at.minute, seconds=wall.wall_at.second, microseconds=wall.wall_at.microsecond
        )
        hour = LocalHour(
            begins_at=at.astimezone(UTC) - past, wall_at=wall.wall_at - past, fold=1 if wall.fold else 0
        )
        return self._known.setdefault(hour.begins_at, hour)


@attrs.frozen(kw_only=True)
class Cell:
    """One local hour of one queue and one channel. Live calls have no channel."""

    queue: QueueName
    channel: Channel | None
    hour: LocalHour


CountsByCell = Sequence[tuple[Cell, Counts]]
"""What was counted, cell by cell: `Cells.counted`, all at once."""


class Cells:
    """
    What was counted, by cell. Not safe in threads.

    Args:
        zone_of: says in which zone the days of a queue are told apart.
    """

    def __init__(self, zone_of: ZoneOf) -> None:
        self._zone_of = zone_of
        self._hours: dict[str, LocalHours] = {}
        self._of_queue: dict[QueueName, LocalHours] = {}
        self._counts: dict[tuple[QueueName, Channel | None, datetime], tuple[Cell, Counts]] = {}

    def add(self, facts: Facts, *, sign: int = 1) -> None:
        """Add what one story counts; with sign -1 take it away. Cost: some microseconds."""
        if isinstance(facts, CallFacts):
            self.add_calls(facts.queue, (gist_of_call(facts),), sign=sign)
        else:
            self.add_callbacks(facts.queue, (gist_of_callback(facts),), sign=sign)

    def add_calls(self, queue: QueueName, calls: Iterable[CallGist], *, sign: int = 1) -> None:
        """Add what live calls of one queue count. Cost: a microsecond each, if they come by when they entered."""
        hours, last = self.hours_of(queue), None
        counts = Counts()
        for call in calls:
            hour = hours.of(call[1])
            if hour is not last:
                last, counts = hour, self._at(queue, None, hour)
            count_call(counts, call, sign=sign)

    def add_callbacks(self, queue: QueueName, callbacks: Iterable[CallbackGist], *, sign: int = 1) -> None:
        """Add what callbacks of one queue count. Cost: some microseconds each."""
        hours, last, last_channel = self.hours_of(queue), None, None
        counts = Counts()
        for callback in callbacks:
            hour, channel = hours.of(callback[1]), callback[2]
            if hour is not last or channel is not last_channel:
                last, last_channel, counts = hour, channel, self._at(queue, channel, hour)
            count_callback(counts, callback, hour_of=hours.hour_of_day, sign=sign)

    def add_counts(self, counted: CountsByCell) -> None:
        """Add what was counted elsewhere, such as in another process. O(its cells)."""
        for cell, counts in counted:
            self._at(cell.queue, cell.channel, cell.hour).add(counts)

    def hours_of(self, queue: QueueName) -> LocalHours:
        """Return the hours on the clocks of a queue."""
        found = self._of_queue.get(queue)
        if found is None:
            zone = self._zone_of(queue)
            found = self._of_queue[queue] = self._hours.setdefault(zone, LocalHours(zone))
        return found

    def _at(self, queue: QueueName, channel: Channel | None, hour: LocalHour) -> Counts:
        key = (queue, channel, hour.begins_at)
        found = self._counts.get(key)
        if found is None:
            found = self._counts[key] = (Cell(queue=queue, channel=channel, hour=hour), Counts())
        return found[1]

    def counted(
        self, *, from_at: datetime | None = None, until_at: datetime | None = None
    ) -> Iterator[tuple[Cell, Counts]]:
        """
        Give the cells in which something was counted.

        Args:
            from_at: only those of which the hour begins then, or later.
            until_at: only those of which the hour begins before.
        """
        for cell, counts in self._counts.values():
            begins_at = cell.hour.begins_at
            if (from_at is not None and begins_at < from_at) or (
                until_at is not None and begins_at >= until_at
            ):
                continue
            if not counts.is_empty:
                yield cell, counts

    def forget(self, *, before: datetime) -> int:
        """Let go of the cells whose hour began before *before*; return how many. O(cells)."""
        old = [key for key, (cell, _) in self._counts.items() if cell.hour.begins_at < before]
        for key in old:
            del self._counts[key]
        return len(old)

    def as_mapping(self) -> Mapping[tuple[QueueName, Channel | None, datetime], Counts]:
        """Return what was counted by queue, channel and beginning of the hour, without empty cells. To compare."""
        return {
            (cell.queue, cell.channel, cell.hour.begins_at): counts.without_zeros()
            for cell, counts in self.counted()
        }

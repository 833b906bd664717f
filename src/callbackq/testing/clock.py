"""Time and ids that a test moves by hand. Nothing here needs pytest."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

START: Final = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
"""A Monday morning: where a manual clock starts unless told otherwise."""


class ManualClock:
    """
    A clock that stands still until it is moved, and does what was planned for the time that it reaches.

    >>> clock = ManualClock()
    >>> clock.plan(clock.now() + timedelta(seconds=30), lambda: print("ring"))
    >>> clock.advance(timedelta(minutes=1))
    ring
    >>> clock.now().isoformat()
    '2026-01-05T08:01:00+00:00'
    """

    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self._planned: list[tuple[datetime, int, Callable[[], None]]] = []
        self._planned_count = 0

    def now(self) -> datetime:
        """Return the present instant."""
        return self._now

    def plan(self, at: datetime, action: Callable[[], None]) -> None:
        """Do *action* when the clock reaches *at*; at the next move if that is past. Ties go by planning."""
        self._planned_count += 1
        heapq.heappush(self._planned, (max(at, self._now), self._planned_count, action))

    def next_planned_at(self) -> datetime | None:
        """Return when the next planned action is to be done."""
        return self._planned[0][0] if self._planned else None

    def run_next(self) -> None:
        """Move to the next planned action, and do that one only."""
        at, _, action = heapq.heappop(self._planned)
        self._now = max(self._now, at)
        action()

    def move_to(self, at: datetime) -> None:
        """Move to *at*, doing all that is planned up to then. Never moves back."""
        while self._planned and self._planned[0][0] <= at:
            self.run_next()
        self._now = max(self._now, at)

    def advance(self, duration: timedelta) -> None:
        """Move on by *duration*."""
        self.move_to(self._now + duration)


class SequentialIds:
    """
    Ids that count, so that a test can name them and two runs agree.

    >>> SequentialIds().new("cb", now=START)
    'cb_000001'
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def new(self, prefix: str, *, now: datetime) -> str:
        """Return the next id of this prefix."""
        self._counts[prefix] = self._counts.get(prefix, 0) + 1
        return f"{prefix}_{self._counts[prefix]:06d}"

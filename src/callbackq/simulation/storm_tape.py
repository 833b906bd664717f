"""
The tape of a storm: everything that happened in one world, in the order in which it happened.

The history knows what the engine decided, the network's log what really happened. The tape puts them in one order,
with what lies between: what was told of a leg and when, what went wrong, and when the process ended.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import attrs

from callbackq.effects import Notice
from callbackq.events import Event
from callbackq.model import Report
from callbackq.simulation.world import WorldLine
from callbackq.testing.telephony import CarrierEntry


@attrs.frozen(kw_only=True)
class Incident:
    """Something that concerns everybody: the store fails, the connection is lost, the process ends."""

    what: str
    serious: bool


Seen = CarrierEntry | WorldLine | Report | Notice | Incident
"""What the network logged, what happened to a person, what the engine was told, what it told, what went wrong."""


@attrs.frozen(kw_only=True)
class Taped:
    """One thing seen, and how many events the history had by then."""

    at: datetime
    events_count: int
    what: Seen


class Tape:
    """
    Takes down what is seen, in order.

    Args:
        now: what time it is.
        history: every event so far.
    """

    def __init__(self, now: Callable[[], datetime], history: Callable[[], list[Event]]) -> None:
        self._now: Final = now
        self._history: Final = history
        self._lines: Final[list[Taped]] = []

    def see(self, what: Seen) -> None:
        """Take it down. O(events so far)."""
        self._lines.append(Taped(at=self._now(), events_count=len(self._history()), what=what))

    def in_order(self) -> list[Taped | Event]:
        """Return the history with all that was seen, each at its place."""
        history = self._history()
        found: list[Taped | Event] = []
        done = 0
        for line in self._lines:
            found += history[done : line.events_count]
            done = max(done, line.events_count)
            found.append(line)
        return found + history[done:]

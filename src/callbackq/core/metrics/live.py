"""
Figures that go along with what happens: each event changes the counts of its story, and nothing is counted anew.

What a story counted before the event is taken away, and what it counts after is added. As counts are integers, the
sums are those that counting from scratch gives, to the last microsecond.

Events of one record are counted in the order of their versions, whatever the order in which they are heard: two threads
that commit one after the other may tell of it the other way round. What was heard already changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Final

from callbackq.core.metrics.cells import Cells, ZoneOf
from callbackq.core.metrics.report import NO_HOST, Stretch, report_of
from callbackq.core.metrics.stories import Facts, StoryKey, after, key_of, story_of
from callbackq.errors import InvalidTime
from callbackq.events import AttemptEvent, Event
from callbackq.model.figures import CallFacts, FiguresReport, HostFigures

HELD_MAX: Final = 10_000
"""So many events are kept whose beginning was not heard yet; of more there is no hope."""
_ANY: Final = 0
"""The version of a record that was read: nobody said which."""

_Record = tuple[str, str]


class LiveFigures:
    """
    Keeps figures up to date, event by event.

    Give it as a listener to a service, or feed it from history, which knows what other nodes did as well:
    `service.feed_figures`.

    Args:
        zone_of: says in which zone the days of a queue are told apart: `service.zone_of`.
        guard: entered while it works, such as a lock; without one it is not safe in threads.
            `service.live_figures` gives it one.

    Memory: about two kilobytes for each story, ended or not, until `forget`.
    """

    def __init__(self, zone_of: ZoneOf, *, guard: AbstractContextManager[object] | None = None) -> None:
        self._cells = Cells(zone_of)
        self._guard: AbstractContextManager[object] = guard if guard is not None else nullcontext()
        self._stories: dict[StoryKey, Facts] = {}
        self._versions: dict[_Record, int] = {}
        self._held: dict[_Record, list[Event]] = {}
        self._held_count = 0
        self._dropped_count = 0

    def __call__(self, events: Iterable[Event], /) -> None:
        """Hear the events of one transaction, as listeners do. Cost: some tens of microseconds for each."""
        with self._guard:
            for event in events:
                self._hear(event)

    def hear(self, event: Event) -> None:
        """Take note of one event."""
        self((event,))

    def know(self, facts: Facts) -> None:
        """Take a story as it is by now, such as one that was read from rows."""
        with self._guard:
            key = key_of(facts)
            self._versions.update(dict.fromkeys(_records_of(facts), _ANY))
            self._replace(key, facts)
            self._hear_again(key)

    def _hear(self, event: Event) -> None:
        key = story_of(event)
        if key is None:
            return
        record = ("attempt", str(event.attempt_id)) if isinstance(event, AttemptEvent) else key
        known = self._versions.get(record)
        if record != key and key not in self._stories:
            self._hold(key, event)  # It has to be known whose attempt it is.
        elif known != _ANY and event.version > (known or 0) + 1:
            self._hold(record, event)
        elif known is None or event.version >= known:
            self._count(key, record, event)

    def _count(self, key: StoryKey, record: _Record, event: Event) -> None:
        facts = after(self._stories.get(key), event)
        if facts is None:
            self._dropped_count += 1
            return
        self._versions[record] = event.version
        self._replace(key, facts)
        self._hear_again(record)

    def _replace(self, key: StoryKey, facts: Facts) -> None:
        before = self._stories.get(key)
        if facts == before:
            return
        if before is not None:
            self._cells.add(before, sign=-1)
        self._cells.add(facts)
        self._stories[key] = facts

    def _hold(self, record: _Record, event: Event) -> None:
        """Keep an event until what comes before it is heard."""
        if self._held_count < HELD_MAX:
            self._held.setdefault(record, []).append(event)
            self._held_count += 1
        else:
            self._dropped_count += 1

    def _hear_again(self, record: _Record) -> None:
        held = self._held.pop(record, None)
        if held is not None:
            self._held_count -= len(held)
            for event in sorted(held, key=lambda one: one.version):
                self._hear(event)

    @property
    def stories_count(self) -> int:
        """How many live calls and callbacks are known."""
        return len(self._stories)

    @property
    def unknown_count(self) -> int:
        """How many events are not counted, for what came before them was not heard: their story began too early."""
        return self._held_count + self._dropped_count

    @property
    def cells(self) -> Cells:
        """What was counted so far. Not to be changed."""
        return self._cells

    def forget(self, *, before: datetime) -> int:
        """
        Let go of what began in hours before *before*: of the stories, and of what they counted.

        Returns:
            How many stories it were. What is told of them later changes nothing.

        Cost: O(stories).
        """
        with self._guard:
            old = [key for key, facts in self._stories.items() if self._hour_of(facts) < before]
            for key in old:
                for record in _records_of(self._stories.pop(key)):
                    self._versions.pop(record, None)
            self._dropped_count += self._held_count
            self._held, self._held_count = {}, 0
            self._cells.forget(before=before)
            return len(old)

    def _hour_of(self, facts: Facts) -> datetime:
        began_at = facts.entered_at if isinstance(facts, CallFacts) else facts.requested_at
        return self._cells.hours_of(facts.queue).of(began_at).begins_at

    def report(self, stretch: Stretch, *, host: HostFigures = NO_HOST) -> FiguresReport:
        """
        Return the figures of a stretch of whole hours.

        Raises:
            InvalidTime: the stretch begins or ends within an hour of a queue.

        Cost: O(hours that are known), and a tenth of a millisecond for each part.
        """
        with self._guard:
            cells = list(self._cells.counted(from_at=stretch.from_at, until_at=stretch.until_at))
            for cell, _ in cells:
                hours = self._cells.hours_of(cell.queue)
                for name, at in (("from_at", stretch.from_at), ("until_at", stretch.until_at)):
                    if hours.of(at).begins_at != at:
                        raise InvalidTime(
                            f"{name} is {at.isoformat()}; allowed: the beginning of an hour in {hours.zone}"
                        )
            return report_of(self._cells, cells, stretch, host=host)


def _records_of(facts: Facts) -> list[_Record]:
    """Return the records whose events tell of a story."""
    attempts = () if isinstance(facts, CallFacts) else facts.attempts
    return [key_of(facts), *(("attempt", str(one.attempt_id)) for one in attempts)]

"""The figures of a stretch of time: read from rows, or folded from history, and handed to `core.metrics`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from threading import RLock
from typing import Final, TypeVar

from callbackq.core.instants import check_instant, check_name
from callbackq.core.metrics import Cells, LiveFigures, Stretch, make_report, stories
from callbackq.core.metrics.cells import CountsByCell
from callbackq.core.metrics.counts import gist_of_call, gist_of_callback
from callbackq.core.metrics.report import NO_HOST
from callbackq.core.metrics.stories import Facts
from callbackq.errors import InvalidTime
from callbackq.events import Event
from callbackq.ids import QueueName
from callbackq.model.figures import (
    CallbackFacts,
    CallbackGist,
    CallFacts,
    CallGist,
    FiguresReport,
    Grain,
    HostFigures,
)
from callbackq.ports import CanGiveFacts, CanGiveGists, Commit, Transaction
from callbackq.ports.figures import Behind
from callbackq.service.base import ServiceBase

FACTS_TOGETHER: Final = 2_000
"""So many stories are read in one transaction."""
_EVENTS_TOGETHER: Final = 1_000
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER: Final = datetime(9999, 12, 31, tzinfo=UTC)

Progress = Callable[[int, int], object]
"""Told how many stories were counted so far, and how many there are; 0 where nobody knows how many."""
Steps = Generator[tuple[int, int], None, FiguresReport]
_PageT = TypeVar("_PageT")


class FiguresCommands(ServiceBase):
    """What a supervisor asks for. Nothing is changed."""

    def figures(
        self,
        *,
        from_at: datetime,
        until_at: datetime,
        queues: Collection[str] | None = None,
        grain: Grain = Grain.DAY,
        host: HostFigures | None = None,
        progress: Progress | None = None,
        counted: Iterable[CountsByCell] | None = None,
    ) -> FiguresReport:
        """
        Return the figures of a stretch of time, each as `core.metrics.DEFINITIONS` says.

        A live call counts if it entered in the stretch, a callback if it was asked for in it; each with all that became
        of it later. So the figures of a stretch still change while callbacks of it are open.

        Args:
            from_at: where it begins; aware.
            until_at: where it ends; this moment is no part of it.
            queues: only these queues; all, also those that are no longer configured, if None.
            grain: by what time the parts are told apart, in the zone of each queue.
            host: what only the host knows: costs, staffed time. What is not given is said to be missing.
            progress: told after each page how many live calls and callbacks were counted, and how many there are.
            counted: what `figure_counts` gave for the parts of the stretch, so that nothing is counted here.

        Raises:
            InvalidTime: an instant is naive, or the stretch is empty.
            InvalidText: a queue has no name.

        Cost: about 9 µs for each live call and callback, read 2,000 at a time, each page in a transaction of its own:
            others go on working, and what they change meanwhile may be in the figures or not. A store that cannot
            give facts (`ports.CanGiveFacts`) is asked for its whole history.
        """
        steps = self.figures_in_steps(
            from_at=from_at, until_at=until_at, queues=queues, grain=grain, host=host, counted=counted
        )
        while not isinstance(found := next_step(steps), FiguresReport):
            if progress is not None:
                progress(*found)
        return found

    def figures_in_steps(
        self,
        *,
        from_at: datetime,
        until_at: datetime,
        queues: Collection[str] | None = None,
        grain: Grain = Grain.DAY,
        host: HostFigures | None = None,
        counted: Iterable[CountsByCell] | None = None,
    ) -> Steps:
        """
        Do what `figures` does one page at a time: each `next` reads one, and gives how far it is.

        Returns:
            A generator; the report is what it returns. `service.figures.next_step` gives one after the other.

        Raises:
            InvalidTime, InvalidText: as `figures`, before anything is read.
        """
        stretch, wanted = self._asked(from_at, until_at, queues, grain)
        return self._report(stretch, wanted, host or NO_HOST, counted)

    def figure_counts(
        self, *, from_at: datetime, until_at: datetime, queues: Collection[str] | None = None
    ) -> CountsByCell:
        """
        Count one part of what `figures` counts: several processes may count one each.

        The parts of a stretch make up its report, as `figures(counted=...)`, whatever their bounds are, as long as
        they lie side by side.

        Raises:
            InvalidTime, InvalidText: as `figures`.

        Cost: as `figures`.
        """
        cells = Cells(self.zone_of)
        for _ in self._count(cells, *self._asked(from_at, until_at, queues)):
            pass
        return list(cells.counted())

    def stories_count(
        self, *, from_at: datetime, until_at: datetime, queues: Collection[str] | None = None
    ) -> int | None:
        """
        Return how many live calls and callbacks `figures` would count; None where the store cannot say it soon.

        Raises:
            InvalidTime, InvalidText: as `figures`.

        Cost: O(those), but a hundredth of counting them.
        """
        stretch, wanted = self._asked(from_at, until_at, queues)
        seen = self._run(Commit.READ_ONLY, _queues)
        return None if seen is None else self._how_many(stretch, seen if wanted is None else wanted)

    def live_figures(self) -> LiveFigures:
        """
        Return figures that go along with what happens, empty so far, for the queues of this service.

        Give it the history by `feed_figures`, again and again; or, where no other process works on the store, let it
        listen. It is safe in threads.
        """
        return LiveFigures(self.zone_of, guard=RLock())

    def feed_figures(self, live: LiveFigures, *, after: int = 0) -> int:
        """
        Tell *live* what stands in the history behind *after*: of all nodes.

        Returns:
            The number of the last event: hand it in as *after* the next time. On PostgreSQL an event that is committed
            late may have a lower number than one that was read: go back a little, by as many events as are written in
            a minute. What was heard already changes nothing.

        Cost: O(events), some tens of microseconds each, in pages of 1,000.
        """
        for number, event in self._events(after=after):
            live.hear(event)
            after = number
        return after

    def zone_of(self, queue: str) -> str:
        """Return the zone in which the days of a queue are told apart: that of its hours; UTC if it has none."""
        name = QueueName(queue)
        return self.seating.zone(name) if name in self.policies else "UTC"

    def last_began_at(self) -> datetime | None:
        """
        Return when the last live call entered that is open, was taken or ended; or the last callback was asked for.

        The day of it is the last one of which there are figures. None if nothing ever was.

        Cost: O(log n) for each queue.
        """
        return self._run(Commit.READ_ONLY, _last_began_at)

    # ------------------------------------------------------------------ counting

    def _asked(
        self,
        from_at: datetime,
        until_at: datetime,
        queues: Collection[str] | None,
        grain: Grain = Grain.DAY,
    ) -> tuple[Stretch, list[QueueName] | None]:
        """Return what is asked about, and the queues if not all are wanted. Raises: InvalidTime, InvalidText."""
        begin, end = check_instant(from_at, "from_at"), check_instant(until_at, "until_at")
        if begin >= end:
            raise InvalidTime(f"until_at is {end.isoformat()}; allowed: later than from_at")
        wanted = None if queues is None else sorted({QueueName(check_name(queue)) for queue in queues})
        stretch = Stretch(
            tenant_id=self.tenant_id,
            from_at=begin,
            until_at=end,
            made_at=self.now(),
            grain=grain,
            queues=tuple(wanted if wanted is not None else sorted(self.policies)),
        )
        return stretch, wanted

    def _report(
        self,
        stretch: Stretch,
        wanted: list[QueueName] | None,
        host: HostFigures,
        counted: Iterable[CountsByCell] | None,
    ) -> Steps:
        cells = Cells(self.zone_of)
        if counted is None:
            yield from self._count(cells, stretch, wanted)
        else:
            for one in counted:
                cells.add_counts(one)
        return make_report(cells, stretch, host=host)

    def _count(
        self, cells: Cells, stretch: Stretch, wanted: list[QueueName] | None
    ) -> Iterator[tuple[int, int]]:
        seen = self._run(Commit.READ_ONLY, _queues)
        if seen is None:
            yield from self._count_history(cells, stretch, wanted)
        else:
            yield from self._count_rows(cells, stretch, wanted if wanted is not None else seen)

    def _how_many(self, stretch: Stretch, queues: list[QueueName]) -> int:
        return sum(self._run(Commit.READ_ONLY, partial(_how_many, queue, stretch)) for queue in queues)

    def _count_rows(
        self, cells: Cells, stretch: Stretch, queues: list[QueueName]
    ) -> Iterator[tuple[int, int]]:
        done, total = 0, self._how_many(stretch, queues)
        for queue in queues:
            for calls in self._paged(partial(_call_gists, queue, stretch), _end_of_gists):
                cells.add_calls(queue, calls)
                done += len(calls)
                yield done, max(done, total)
            for callbacks in self._paged(partial(_callback_gists, queue, stretch), _end_of_gists):
                cells.add_callbacks(queue, callbacks)
                done += len(callbacks)
                yield done, max(done, total)

    def _paged(
        self,
        read: Callable[[Behind | None, Transaction, datetime], list[_PageT]],
        end_of: Callable[[_PageT], Behind],
    ) -> Iterator[list[_PageT]]:
        """Read page by page, each behind the last row of the one before, and in a transaction of its own."""
        after: Behind | None = None
        while page := self._run(Commit.READ_ONLY, partial(read, after)):
            yield page
            after = end_of(page[-1])

    def _count_history(
        self, cells: Cells, stretch: Stretch, wanted: list[QueueName] | None
    ) -> Iterator[tuple[int, int]]:
        done = 0
        for facts in stories(event for _, event in self._events(after=0)):
            if _is_in(facts, stretch) and (wanted is None or facts.queue in wanted):
                cells.add(facts)
                done += 1
                if done % FACTS_TOGETHER == 0:
                    yield done, 0

    def _facts(self, queue: QueueName, *, from_at: datetime, until_at: datetime) -> Iterator[Facts]:
        """Give the facts of one queue in a stretch of time, page by page: what a report on it would count."""
        stretch = Stretch(
            tenant_id=self.tenant_id,
            from_at=from_at,
            until_at=until_at,
            made_at=until_at,
            grain=Grain.DAY,
            queues=(queue,),
        )
        if self._run(Commit.READ_ONLY, _queues) is not None:
            for calls in self._paged(partial(_calls, queue, stretch), _end_of_call):
                yield from calls
            for callbacks in self._paged(partial(_callbacks, queue, stretch), _end_of_callback):
                yield from callbacks
            return
        for facts in stories(event for _, event in self._events(after=0)):
            if facts.queue == queue and _is_in(facts, stretch):
                yield facts

    def _events(self, *, after: int) -> Iterator[tuple[int, Event]]:
        """Read the history page by page, each in a transaction of its own."""
        while page := self._run(Commit.READ_ONLY, partial(_links, after=after)):
            yield from page
            after = page[-1][0]


def next_step(steps: Steps) -> tuple[int, int] | FiguresReport:
    """Read one page more, and return how far it is; or the report, at the end."""
    try:
        return next(steps)
    except StopIteration as over:
        report: FiguresReport = over.value
        return report


def _queues(tx: Transaction, _now: datetime) -> list[QueueName] | None:
    """Return the queues of which there is something; None where the store cannot give facts."""
    return tx.facts.queues() if isinstance(tx, CanGiveFacts) else None


def _last_began_at(tx: Transaction, _now: datetime) -> datetime | None:
    """Look at the ends of what is in order anyway."""
    found: list[datetime] = []
    queues = {*tx.queues.in_use(), *tx.queues.with_callbacks()}
    if isinstance(tx, CanGiveFacts):
        queues.update(tx.facts.queues())
    for queue in queues:
        calls = [
            *tx.calls.open(queue),
            *tx.calls.last_taken(queue, limit=1),
            *tx.calls.last_ended(queue, limit=1),
        ]
        found += [call.entered_at for call in calls]
        last = tx.callbacks.requested(queue, from_at=_EVER, before=(_NEVER, ""), limit=1)
        found += [callback.requested_at for callback in last]
    return max(found, default=None)


def _how_many(queue: QueueName, stretch: Stretch, tx: Transaction, _now: datetime) -> int:
    assert isinstance(tx, CanGiveFacts)
    return tx.facts.count(queue, from_at=stretch.from_at, until_at=stretch.until_at)


def _calls(
    queue: QueueName, stretch: Stretch, after: Behind | None, tx: Transaction, _now: datetime
) -> list[CallFacts]:
    assert isinstance(tx, CanGiveFacts)
    return tx.facts.calls(
        queue, from_at=stretch.from_at, until_at=stretch.until_at, after=after, limit=FACTS_TOGETHER
    )


def _callbacks(
    queue: QueueName, stretch: Stretch, after: Behind | None, tx: Transaction, _now: datetime
) -> list[CallbackFacts]:
    assert isinstance(tx, CanGiveFacts)
    return tx.facts.callbacks(
        queue, from_at=stretch.from_at, until_at=stretch.until_at, after=after, limit=FACTS_TOGETHER
    )


def _call_gists(
    queue: QueueName, stretch: Stretch, after: Behind | None, tx: Transaction, now: datetime
) -> list[CallGist]:
    assert isinstance(tx, CanGiveFacts)
    if isinstance(tx.facts, CanGiveGists):
        return tx.facts.call_gists(
            queue, from_at=stretch.from_at, until_at=stretch.until_at, after=after, limit=FACTS_TOGETHER
        )
    return [gist_of_call(one) for one in _calls(queue, stretch, after, tx, now)]


def _callback_gists(
    queue: QueueName, stretch: Stretch, after: Behind | None, tx: Transaction, now: datetime
) -> list[CallbackGist]:
    assert isinstance(tx, CanGiveFacts)
    if isinstance(tx.facts, CanGiveGists):
        return tx.facts.callback_gists(
            queue, from_at=stretch.from_at, until_at=stretch.until_at, after=after, limit=FACTS_TOGETHER
        )
    return [gist_of_callback(one) for one in _callbacks(queue, stretch, after, tx, now)]


def _end_of_call(call: CallFacts) -> Behind:
    return call.entered_at, call.call_id


def _end_of_callback(callback: CallbackFacts) -> Behind:
    return callback.requested_at, callback.callback_id


def _end_of_gists(last: CallGist | CallbackGist) -> Behind:
    return last[1], last[0]


def _links(tx: Transaction, _now: datetime, *, after: int) -> list[tuple[int, Event]]:
    links = tx.history.links(after=after, limit=_EVENTS_TOGETHER)
    return [(link.history_number, link.event) for link in links]


def _is_in(facts: Facts, stretch: Stretch) -> bool:
    began_at = facts.entered_at if isinstance(facts, CallFacts) else facts.requested_at
    return stretch.from_at <= began_at < stretch.until_at

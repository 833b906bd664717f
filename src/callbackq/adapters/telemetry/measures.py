"""
What is measured, once for all who ask: the values of a board, and figures that only grow.

Nothing is counted here. A value of this moment is a field of `model.board`, by its name; what grows is a figure of
`core.metrics.DEFINITIONS`, by its name, computed as that says. Labels are bounded: tenant, queue, channel, and state.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Final

import attrs

from callbackq.core.history import KEYS
from callbackq.core.metrics import LiveFigures
from callbackq.core.metrics.counts import Counts
from callbackq.core.metrics.definition import Definition
from callbackq.core.metrics.definitions import DEFINITIONS
from callbackq.core.metrics.report import NO_HOST
from callbackq.errors import CallbackqError, ConfigurationError
from callbackq.events import Event
from callbackq.ids import QueueName, TenantId
from callbackq.model.board import Board, QueueBoard
from callbackq.model.figures import FigureGroup, FigureUnit
from callbackq.model.words import Channel
from callbackq.ports import Clock
from callbackq.service import CallbackService

logger = logging.getLogger("callbackq")

LIVE: Final = "live_call"
"""The channel of what is counted of live calls: they came by none of a callback's."""
KEPT_FOR: Final = timedelta(days=3)
"""For so long after it began a story is followed. What becomes of it later is not counted any more."""
_KEPT_MIN: Final = timedelta(hours=1)
_AGAIN: Final = 500
"""So many events of the history are heard again: on some stores one may be committed late, under a lower number."""


class Kind(enum.StrEnum):
    """How a measure behaves."""

    GAUGE = "gauge"
    COUNTER = "counter"
    SUMMARY = "summary"
    """A sum and a count, each of which only grows; the one over the other is the mean, or the share."""


@attrs.frozen
class Sample:
    """One value. `count` is that of a SUMMARY, whose `value` is the sum."""

    labels: Mapping[str, str]
    value: float
    count: float | None = None


@attrs.frozen(kw_only=True)
class Family:
    """All values of one measure. `unit` is `"seconds"`, or empty."""

    name: str
    text: str
    kind: Kind
    unit: str = ""
    samples: tuple[Sample, ...] = ()


# ---------------------------------------------------------------------------- what only grows


class Totals:
    """
    What was counted of the stories since this began: a listener, or a reader of the history. Safe in threads.

    Where one process does all, give it to `CallbackService(listeners=[totals])`. Where several nodes work on one store,
    no node hears of all: then leave it out of the listeners, and let it read the history (`Measures(follow=True)`).
    A story that began before is not counted.

    Args:
        kept_for: for how long after its begin a story is followed. An hour or more.

    Raises:
        ConfigurationError: *kept_for* is too short.

    Memory: about two kilobytes for each story of that time.
    """

    def __init__(self, *, kept_for: timedelta = KEPT_FOR) -> None:
        if kept_for < _KEPT_MIN:
            raise ConfigurationError("Totals.kept_for", kept_for, "an hour or more")
        self._kept_for: Final = kept_for
        self._lock: Final = Lock()
        self._live: Final = _Recent()
        self._carried: dict[tuple[QueueName, Channel | None], Counts] = {}
        self._read_up_to = 0

    def __call__(self, events: Iterable[Event], /) -> None:
        """Hear the events of one transaction."""
        with self._lock:
            self._live(events)

    def read(self, service: CallbackService) -> None:
        """
        Read what the history of a service has by now, of all nodes.

        Raises:
            StoreUnavailable: it cannot be read now; what was read is kept.

        Cost: some tens of microseconds for each new event, at first for all there are.
        """
        with self._lock:
            self._live.since = self._since(service)
            after = max(0, self._read_up_to - _AGAIN)
            self._read_up_to = max(self._read_up_to, service.feed_figures(self._live, after=after))

    def counts(self, service: CallbackService) -> dict[tuple[QueueName, Channel | None], Counts]:
        """Return what was counted so far, by queue and channel; and let go of what is old. O(hours that are kept)."""
        with self._lock:
            self._forget(self._since(service))
            found = {key: _sum([counts]) for key, counts in self._carried.items()}
            for cell, counts in self._live.cells.counted():
                found.setdefault((cell.queue, cell.channel), Counts()).add(counts)
            return found

    def _since(self, service: CallbackService) -> datetime:
        return service.now().replace(minute=0, second=0, microsecond=0) - self._kept_for

    def _forget(self, before: datetime) -> None:
        old = list(self._live.cells.counted(until_at=before))
        if old:
            for cell, counts in old:
                self._carried.setdefault((cell.queue, cell.channel), Counts()).add(counts)
            self._live.forget(before=before)


class _Recent(LiveFigures):
    """Figures of recent stories. What is heard twice counts once, and what is too old to be followed not at all."""

    def __init__(self) -> None:
        super().__init__(lambda _queue: "UTC")
        self.since: datetime | None = None
        self._heard: dict[tuple[str, str, int], None] = {}

    def hear(self, event: Event) -> None:
        """Take note of one event."""
        if self.since is not None and event.at < self.since:
            return
        if event.entity not in KEYS:
            return
        key = (event.entity, str(getattr(event, KEYS[event.entity])), event.version)
        if key in self._heard:
            return
        super().hear(event)
        self._heard[key] = None
        if len(self._heard) > 4 * _AGAIN:
            del self._heard[next(iter(self._heard))]  # The oldest.


def _sum(parts: Iterable[Counts]) -> Counts:
    total = Counts()
    for part in parts:
        total.add(part)
    return total


# ---------------------------------------------------------------------------- all of it


class Measures:
    """
    All measures of one service.

    Args:
        service: whose board is looked at.
        totals: figures that grow; only the board is measured without.
        follow: let *totals* read the history at each look, instead of being a listener.
    """

    def __init__(
        self,
        service: CallbackService,
        *,
        totals: Totals | None = None,
        follow: bool = False,
    ) -> None:
        self._service: Final = service
        self._totals: Final = totals
        self._follow: Final = follow
        self._highest: dict[tuple[str, str, bool], float] = {}
        self._lock: Final = Lock()

    def catalogue(self) -> list[Family]:
        """Return every measure that `look` can have, without a value. Nothing is read."""
        return catalogue(self._service.tenant_id)

    @property
    def clock(self) -> Clock:
        """The clock of the service."""
        return self._service.clock

    def look(self) -> list[Family]:
        """
        Return all measures as they are now. A store that cannot be read is told by `store_up`, and raises nothing.

        Cost: that of `service.board`, and some milliseconds.
        """
        families: list[Family] = []
        tenant = {"tenant": self._service.tenant_id}
        try:
            if self._totals is not None and self._follow:
                self._totals.read(self._service)
            families += board_families(self._service.board())
            is_up = True
        except CallbackqError as error:
            logger.warning("the board cannot be read: %s", type(error).__name__)
            is_up = False
        families.append(attrs.evolve(STORE_UP, samples=(Sample(tenant, float(is_up)),)))
        if self._totals is not None:
            with self._lock:
                families += self._figures(self._totals.counts(self._service), tenant)
        return families

    def _figures(
        self, counts: Mapping[tuple[QueueName, Channel | None], Counts], tenant: Mapping[str, str]
    ) -> Iterator[Family]:
        places = sorted(counts, key=lambda place: (place[0], place[1] or ""))
        for definition in FIGURES:
            samples: list[Sample] = []
            for queue, channel in places:
                worked = definition.work(counts[queue, channel], NO_HOST)
                labels = {**tenant, "queue": queue, "channel": channel or LIVE}
                where = f"{queue}\n{labels['channel']}"
                if kind_of(definition) is Kind.COUNTER:
                    samples.append(Sample(labels, self._grown(definition.name, where, worked.value)))
                else:
                    total = self._grown(definition.name, where, worked.numerator)
                    count = self._grown(definition.name, where, worked.denominator, is_count=True)
                    samples.append(Sample(labels, total, count))
            yield family_of(definition, tuple(samples))

    def _grown(self, name: str, where: str, value: float | None, *, is_count: bool = False) -> float:
        """Return a value that never falls: a person may take back what was counted, and a counter may not."""
        key = (name, where, is_count)
        grown = self._highest[key] = max(value or 0.0, self._highest.get(key, 0.0))
        return grown


_LEFT_OUT: Final = frozenset({"callbacks_open", "occupancy", "quote_bias", "lateness"})
FIGURES: Final = tuple(
    one for one in DEFINITIONS.values() if one.group is not FigureGroup.COST and one.name not in _LEFT_OUT
)
"""
The figures that only grow, or are a mean of what does. Left out are costs and occupancy, which need what only the host
knows; the bias of quotes and lateness, whose sums fall as well; and the callbacks that are open, which the board has.
"""


def kind_of(definition: Definition) -> Kind:
    """Return how a figure is measured: what has no value where nothing was counted is a sum over a count."""
    return Kind.COUNTER if definition.work(Counts(), NO_HOST).value is not None else Kind.SUMMARY


def family_of(definition: Definition, samples: tuple[Sample, ...] = ()) -> Family:
    """Return a figure as a measure."""
    return Family(
        name=definition.name,
        text=f"{definition.title}: {definition.formula}",
        kind=kind_of(definition),
        unit="seconds" if definition.unit is FigureUnit.SECONDS else "",
        samples=samples,
    )


STORE_UP: Final = Family(name="store_up", text="1: the store could be read", kind=Kind.GAUGE)


def catalogue(tenant_id: TenantId) -> list[Family]:
    """Return every measure that there can be, without a value."""
    empty = Board(tenant_id=tenant_id, at=datetime.min.replace(tzinfo=UTC), queues=())
    return [STORE_UP, *board_families(empty), *(family_of(definition) for definition in FIGURES)]


# ---------------------------------------------------------------------------- the board

_Value = Callable[[QueueBoard], float | None]
_BY_QUEUE: Final[tuple[tuple[str, str, str, _Value], ...]] = (
    ("calls_waiting", "", "live calls in line", lambda queue: queue.calls_waiting_count),
    (
        "calls_longest_wait",
        "seconds",
        "how long the live call has waited that waits for longest; 0 if none does",
        lambda queue: queue.calls_longest_wait_s or 0.0,
    ),
    (
        "callbacks_longest_wait",
        "seconds",
        "since when the callback in line entered the queue that waits for longest; 0 if none does",
        lambda queue: queue.callbacks_longest_wait_s or 0.0,
    ),
    (
        "expected_wait",
        "seconds",
        "EWT: what a caller would be told who came now; not there if unknown",
        lambda queue: queue.wait.mean_s,
    ),
    (
        "attempts_in_flight",
        "",
        "attempts where the two do not hear each other yet",
        lambda queue: queue.attempts_in_flight_count,
    ),
    ("attempts_connected", "", "attempts in conversation", lambda queue: queue.attempts_connected_count),
    (
        "attempts_in_doubt",
        "",
        "attempts whose customer's phone may or may not ring still",
        lambda queue: queue.attempts_in_doubt_count,
    ),
    (
        "bookings_due",
        "",
        "bookings whose slot begins within the hour",
        lambda queue: queue.bookings_due_count,
    ),
    (
        "promises_at_risk",
        "",
        "callbacks that will probably or certainly miss a promise, or have done so",
        lambda queue: queue.promises_at_risk_count,
    ),
    (
        "promises_missed",
        "",
        "callbacks that have not ended and have missed a promise",
        lambda queue: queue.promises_missed_count,
    ),
    ("offering_paused", "", "1: no callback is offered", lambda queue: float(queue.offering_paused)),
    ("dialing_paused", "", "1: nobody is called back", lambda queue: float(queue.dialing_paused)),
)
_STATES: Final[tuple[tuple[str, _Value], ...]] = (
    ("waiting", lambda queue: queue.callbacks_waiting_count),
    ("scheduled", lambda queue: queue.callbacks_scheduled_count),
    ("resting", lambda queue: queue.callbacks_resting_count),
    ("held", lambda queue: queue.callbacks_held_count),
    ("attempting", lambda queue: queue.callbacks_attempting_count),
)
_STAFF: Final[tuple[tuple[str, _Value], ...]] = (
    ("free", lambda queue: queue.agents.free_count),
    ("reserved", lambda queue: queue.agents.reserved_count),
    ("talking", lambda queue: queue.agents.talking_count),
    ("wrap_up", lambda queue: queue.agents.wrap_up_count),
    ("away", lambda queue: queue.agents.away_count),
)


def board_families(board: Board) -> list[Family]:
    """Return the values of a board as measures."""
    tenant = {"tenant": board.tenant_id}
    families = [
        Family(
            name=name,
            text=text,
            kind=Kind.GAUGE,
            unit=unit,
            samples=tuple(
                Sample({**tenant, "queue": queue.queue}, float(value))
                for queue in board.queues
                if (value := value_of(queue)) is not None
            ),
        )
        for name, unit, text, value_of in _BY_QUEUE
    ]
    families.append(_by_state("callbacks_open", "callbacks that have not ended, by state", _STATES, board))
    families.append(_by_state("agents", "agents who are signed in, by what they do", _STAFF, board))
    overdue_s = (board.at - board.next_wakeup_at).total_seconds() if board.next_wakeup_at is not None else 0.0
    for name, unit, text, value in (
        (
            "messages_in_doubt",
            "",
            "messages of which nobody knows whether they were sent",
            board.messages_in_doubt_count,
        ),
        (
            "wakeup_overdue",
            "seconds",
            "for how long something has been due: more than a few seconds, and no dispatcher is at work",
            max(0.0, overdue_s),
        ),
    ):
        sample = Sample(tenant, float(value))
        families.append(Family(name=name, text=text, kind=Kind.GAUGE, unit=unit, samples=(sample,)))
    return families


def _by_state(name: str, text: str, states: tuple[tuple[str, _Value], ...], board: Board) -> Family:
    samples = tuple(
        Sample({"tenant": board.tenant_id, "queue": queue.queue, "state": state}, float(value_of(queue) or 0))
        for queue in board.queues
        for state, value_of in states
    )
    return Family(name=name, text=text, kind=Kind.GAUGE, samples=samples)

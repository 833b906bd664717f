"""Facts of stories as the tests of figures need them: all fields to be overridden."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from callbackq.core.metrics import Cells, figures_of
from callbackq.core.metrics.counts import Counts
from callbackq.core.metrics.stories import Facts
from callbackq.ids import AttemptId, CallbackId, CallId, QueueName
from callbackq.model import CallOutcome, Channel, Disposition, Mode, Outcome
from callbackq.model.figures import AttemptFacts, CallbackFacts, CallFacts, Figure, HostFigures
from core.samples import START, SUPPORT, M, S

NO_HOST = HostFigures()


def call_facts(**changes: Any) -> CallFacts:
    """Return a live call that waits."""
    fields: dict[str, Any] = {"call_id": CallId("call-1"), "queue": SUPPORT, "entered_at": START}
    return CallFacts(**{**fields, **changes})


def converted(**changes: Any) -> CallFacts:
    """Return a live call that was offered a callback, and became one after a minute."""
    fields: dict[str, Any] = {
        "offers_count": 1,
        "outcome": CallOutcome.CONVERTED,
        "ended_at": START + M,
        "callback_id": CallbackId("cb_1"),
    }
    return call_facts(**{**fields, **changes})


def attempt_facts(number: int = 1, **changes: Any) -> AttemptFacts:
    """Return an attempt of so many minutes after the request, in which the customer did not answer for 30 s."""
    at = START + number * 5 * M
    fields: dict[str, Any] = {
        "attempt_id": AttemptId(f"at_{number}"),
        "started_at": at,
        "customer_dialed": True,
        "customer_rang": True,
        "ended_at": at + 30 * S,
        "disposition": Disposition.NO_ANSWER,
    }
    return AttemptFacts(**{**fields, **changes})


def talked(number: int = 1, **changes: Any) -> AttemptFacts:
    """Return an attempt whose customer answered after 10 s, was joined after 20 s, and talked for 3 minutes."""
    at = START + number * 5 * M
    fields: dict[str, Any] = {
        "customer_answered_at": at + 10 * S,
        "connected_at": at + 20 * S,
        "ended_at": at + 20 * S + 3 * M,
        "disposition": Disposition.CONNECTED,
    }
    return attempt_facts(number, **{**fields, **changes})


def callback_facts(**changes: Any) -> CallbackFacts:
    """Return a callback that was made from a live call, and waits."""
    fields: dict[str, Any] = {
        "callback_id": CallbackId("cb_1"),
        "queue": SUPPORT,
        "channel": Channel.IN_QUEUE,
        "mode": Mode.AGENT_FIRST,
        "call_id": CallId("call-1"),
        "entered_at": START - M,
        "requested_at": START,
    }
    return CallbackFacts(**{**fields, **changes})


def completed(*attempts: AttemptFacts, **changes: Any) -> CallbackFacts:
    """Return a callback that was completed with the last of these attempts; with one after 320 s, if none is given."""
    tries = attempts or (talked(),)
    fields: dict[str, Any] = {
        "outcome": Outcome.COMPLETED,
        "last_disposition": Disposition.CONNECTED,
        "ended_at": tries[-1].connected_at,
        "attempts": tries,
    }
    return callback_facts(**{**fields, **changes})


def counted(*facts: Facts, zones: Mapping[QueueName, str] | None = None) -> Counts:
    """Return what some stories count together."""
    total = Counts()
    for _, counts in cells_of(*facts, zones=zones).counted():
        total.add(counts)
    return total


def cells_of(*facts: Facts, zones: Mapping[QueueName, str] | None = None) -> Cells:
    """Return the cells of some stories, in UTC unless their queue has a zone."""
    cells = Cells(lambda queue: (zones or {}).get(queue, "UTC"))
    for one in facts:
        cells.add(one)
    return cells


def figure(name: str, *facts: Facts, host: HostFigures = NO_HOST) -> Figure:
    """Return one figure of some stories."""
    found = {one.name: one for one in figures_of(counted(*facts), host=host)}
    return found[name]


def value(name: str, *facts: Facts, host: HostFigures = NO_HOST) -> float | None:
    """Return the value of one figure of some stories."""
    return figure(name, *facts, host=host).value


def at(minutes: float) -> datetime:
    """Return an instant so many minutes after the start."""
    return START + timedelta(minutes=minutes)

"""Each event as one line of a log, by the `logging` of the standard library: for whoever reads logs, and machines."""

from __future__ import annotations

import enum
import json
import logging
from typing import Final

from callbackq.adapters.telemetry.telling import Told, told
from callbackq.events import Event

logger: Final = logging.getLogger("callbackq.events")


class Style(enum.StrEnum):
    """How the text of a line is written."""

    PAIRS = "pairs"
    """`callback_ended callback_id=cb_… queue=support outcome=completed`."""
    JSON = "json"
    """`{"event": "callback_ended", "callback_id": "cb_…", …}`."""


class EventLog:
    """
    A listener that logs each event as one line, with no personal data: see `CallbackService(listeners=...)`.

    A line holds what `telemetry.telling.told` lets through: states, reasons and ids, and no number, name, agent, or
    text that somebody wrote. The same values stand in the record's `callbackq`, as a mapping, for formatters that want
    fields.

    Args:
        style: of the text.
        level: of `logging`.
        log: where it goes to; the logger `callbackq.events`.

    >>> from callbackq import CallbackService, MemoryStore, QueuePolicy
    >>> from callbackq.testing import ManualClock
    >>> lines = []
    >>> handler = logging.Handler()
    >>> handler.emit = lambda record: lines.append(record.getMessage())
    >>> log = logging.Logger("events")
    >>> log.addHandler(handler)
    >>> service = CallbackService(
    ...     MemoryStore(), [QueuePolicy(queue="support")], clock=ManualClock(), listeners=[EventLog(log=log)]
    ... )
    >>> _ = service.call_joined("support", call_id="SIP/12125550123-1")
    >>> lines[0][:58]
    'call_joined at=2026-01-05T08:00:00+00:00 tenant_id=default'
    """

    def __init__(
        self, *, style: Style = Style.PAIRS, level: int = logging.INFO, log: logging.Logger = logger
    ) -> None:
        self._style: Final = Style(style)
        self._level: Final = level
        self._log: Final = log

    def __call__(self, events: tuple[Event, ...], /) -> None:
        """Log the events of one transaction. Cost: some tens of microseconds each; next to nothing if not enabled."""
        if not self._log.isEnabledFor(self._level):
            return
        for event in events:
            fields: dict[str, Told] = {"event": event.kind, "at": event.at.isoformat(), **told(event)}
            self._log.log(self._level, "%s", self._written(fields), extra={"callbackq": fields})

    def _written(self, fields: dict[str, Told]) -> str:
        if self._style is Style.JSON:
            return json.dumps(fields)
        return " ".join(
            [str(fields["event"]), *(_pair(*pair) for pair in fields.items() if pair[0] != "event")]
        )


def _pair(name: str, value: Told) -> str:
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    return (
        f"{name}={json.dumps(shown)}"
        if set(shown) & set(' "=') or not shown.isprintable()
        else f"{name}={shown}"
    )

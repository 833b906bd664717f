"""What is paused for whole queues. Everything that changes a `QueueControl` is in this file."""

from __future__ import annotations

from datetime import datetime

import attrs

from callbackq.core.decision import Decision, head
from callbackq.events import QueueSwitched
from callbackq.ids import QueueName, TenantId
from callbackq.model import QueueControl


@attrs.frozen(kw_only=True)
class Switch:
    """What is to be paused, or resumed; what is not named stays as it is."""

    pause: bool
    offering: bool
    dialing: bool
    reason: str | None = None


def nothing_paused(tenant_id: TenantId, queue: QueueName, *, now: datetime) -> QueueControl:
    """Return the control of a queue for which nothing was ever switched. It is not stored: its version is 0."""
    return QueueControl(tenant_id=tenant_id, queue=queue, version=0, changed_at=now)


def switch(before: QueueControl, wanted: Switch, *, now: datetime) -> Decision:
    """Pause or resume. What changes nothing writes nothing."""
    if not wanted.offering and not wanted.dialing:
        return Decision()
    offering = wanted.pause if wanted.offering else before.offering_paused
    dialing = wanted.pause if wanted.dialing else before.dialing_paused
    reason = (wanted.reason if wanted.pause else before.reason) if offering or dialing else None
    if (offering, dialing, reason) == (before.offering_paused, before.dialing_paused, before.reason):
        return Decision()
    record = attrs.evolve(
        before,
        version=before.version + 1,
        offering_paused=offering,
        dialing_paused=dialing,
        reason=reason,
        changed_at=now,
    )
    event = QueueSwitched(
        **head(record, at=now),
        offering_paused=offering,
        dialing_paused=dialing,
        reason=reason,
        changed_at=now,
    )
    return Decision(records=(record,), events=(event,))


def both(queue: QueueName, own: QueueControl | None, every: QueueControl | None) -> QueueControl | None:
    """
    Return what holds for a queue, by its own row and by the one for all queues; None if nothing was ever switched.

    Reason and time are those of the row that pauses dialing, or else of the one that pauses offering.
    """
    rows = [row for row in (every, own) if row is not None]
    if not rows:
        return None
    pausing = (
        [row for row in rows if row.dialing_paused] or [row for row in rows if row.offering_paused] or rows
    )
    return attrs.evolve(
        pausing[0],
        queue=queue,
        offering_paused=any(row.offering_paused for row in rows),
        dialing_paused=any(row.dialing_paused for row in rows),
    )

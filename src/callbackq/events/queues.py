"""What is switched for queues."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import attrs

from callbackq.events.base import Event
from callbackq.ids import QueueName
from callbackq.model import Entity


@attrs.frozen(kw_only=True)
class QueueSwitched(Event):
    """Offering or dialing was paused or resumed, for one queue or for all."""

    entity: ClassVar[Entity] = Entity.QUEUE
    queue: QueueName
    offering_paused: bool
    dialing_paused: bool
    reason: str | None
    changed_at: datetime

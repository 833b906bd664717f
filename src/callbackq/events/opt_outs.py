"""Who wants to be left alone."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import attrs

from callbackq.events.base import Event
from callbackq.model import Entity


@attrs.frozen(kw_only=True)
class OptOutChanged(Event):
    """Somebody wants no calls or messages at a number, or wants them again. It tells no number: only its digest."""

    entity: ClassVar[Entity] = Entity.OPT_OUT
    number_key: str
    calls_at: datetime | None
    messages_at: datetime | None
    by: str | None
    changed_at: datetime

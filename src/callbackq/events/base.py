"""The head of every event, and the law that all of them keep."""

from __future__ import annotations

import re
from datetime import datetime
from typing import ClassVar

import attrs

from callbackq.ids import TenantId
from callbackq.model import DueReason, Entity


@attrs.frozen(kw_only=True)
class Event:
    """
    The head of every event.

    `version` is the version of the record after the event; `at` is when it happened.
    """

    entity: ClassVar[Entity]
    kind: ClassVar[str]

    tenant_id: TenantId
    version: int
    at: datetime
    due_at: datetime | None
    due_reason: DueReason | None

    def __init_subclass__(cls) -> None:
        cls.kind = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

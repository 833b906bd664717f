"""What is done to the history itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

import attrs

from callbackq.events.base import Event
from callbackq.model import Entity


@attrs.frozen(kw_only=True)
class HistoryPruned(Event):
    """
    What was over for long was removed: whole chains, and the beginnings of chains that go on.

    Prunings are a chain of their own, with the one id `pruned`; there is no row. `version` counts them.
    `heads_digest` seals the last link of each chain that was removed (`core.pruning.digest_of_heads`), so that who kept
    these links can tell what was pruned from what was taken away. `cut` names the chains that go on, by entity and id,
    with the number and the digest of the last event that was removed of each: `"57 9f86…"`.
    """

    entity: ClassVar[Entity] = Entity.HISTORY
    history_id: str
    ended_before_at: datetime
    chains_count: int
    events_count: int
    heads_digest: str
    cut: Mapping[str, str]
    by: str | None

"""History as a chain: the last links of records, and what is found where somebody laid hands on one."""

from __future__ import annotations

import attrs

from callbackq.model.words import Entity


@attrs.frozen(kw_only=True)
class ChainHead:
    """The last link of the history of one record: how many events it has, and their digest."""

    entity: Entity
    record_id: str
    events_count: int
    digest: str


@attrs.frozen(kw_only=True)
class PrunedHeads:
    """The last links of chains that `prune` removes together. The history says so under a seal over all of them."""

    heads: tuple[ChainHead, ...]


@attrs.frozen(kw_only=True)
class BrokenChain:
    """A history that is not as it was written: from `event_number` (from 1) on it cannot be trusted."""

    entity: Entity
    record_id: str
    event_number: int
    problem: str


@attrs.frozen(kw_only=True)
class HistoryCheck:
    """
    What `verify_history` found.

    `chains_count` and `events_count` are of what is there, `pruned_count` is how many chains were removed by `prune`,
    as the history says.
    """

    chains_count: int
    events_count: int
    pruned_count: int = 0
    broken: tuple[BrokenChain, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether nothing was changed, taken out or put in."""
        return not self.broken

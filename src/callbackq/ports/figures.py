"""What figures are counted from, read cheaply: an optional part of a store. Provisional before 1.0."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, runtime_checkable

from callbackq.ids import QueueName
from callbackq.model.figures import CallbackFacts, CallbackGist, CallFacts, CallGist

Behind = tuple[datetime, str]
"""Where a page of facts ends: the moment by which they are ordered, and the id."""


class FactsTable(Protocol):
    """The facts of stories, of one tenant: what figures need of each row, and no more."""

    def queues(self) -> list[QueueName]:
        """Return the queues of which there is a live call or a callback, ended or not, in order. O(log n) each."""
        ...

    def count(self, queue: QueueName, *, from_at: datetime, until_at: datetime) -> int:
        """Count the live calls that entered in a stretch, and the callbacks that were asked for. O(those)."""
        ...

    def calls(
        self,
        queue: QueueName,
        *,
        from_at: datetime,
        until_at: datetime,
        after: Behind | None = None,
        limit: int,
    ) -> list[CallFacts]:
        """
        Return the facts of live calls that entered at or after *from_at* and before *until_at*, by that, then by id.

        O(limit + log n).

        Args:
            after: only those behind this moment and id in this order.
        """
        ...

    def callbacks(
        self,
        queue: QueueName,
        *,
        from_at: datetime,
        until_at: datetime,
        after: Behind | None = None,
        limit: int,
    ) -> list[CallbackFacts]:
        """
        Return the facts of callbacks that were asked for in a stretch, with their attempts, by that, then by id.

        O(limit + log n), and log n for each.

        Args:
            after: only those behind this moment and id in this order.
        """
        ...


@runtime_checkable
class CanGiveGists(Protocol):
    """Facts that can be had bare as well. None need to: without it gists are taken out of facts, at twice the cost."""

    def call_gists(
        self,
        queue: QueueName,
        *,
        from_at: datetime,
        until_at: datetime,
        after: Behind | None = None,
        limit: int,
    ) -> list[CallGist]:
        """Return what `FactsTable.calls` does, bare."""
        ...

    def callback_gists(
        self,
        queue: QueueName,
        *,
        from_at: datetime,
        until_at: datetime,
        after: Behind | None = None,
        limit: int,
    ) -> list[CallbackGist]:
        """Return what `FactsTable.callbacks` does, bare."""
        ...


@runtime_checkable
class CanGiveFacts(Protocol):
    """A transaction that can give facts. None needs to: without it figures are counted from the whole history."""

    @property
    def facts(self) -> FactsTable:
        """What figures are counted from."""
        ...

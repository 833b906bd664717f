"""A store that is gone at times, or commits and cannot say so: seeded faults around any store. Needs no pytest."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from random import Random
from typing import Final

from callbackq.errors import CommitUncertain, StoreError, StoreUnavailable
from callbackq.ids import TenantId
from callbackq.ports import Commit, Store, Transaction


class FlakyStore:
    """
    Passes everything on to another store, and fails by chance.

    Args:
        store: the store that keeps the rows.
        random: where chance comes from.
        gone_ratio: the share of transactions that raise StoreUnavailable, with nothing written. 0 to 1.
        lost_reply_ratio: the share of writing transactions that are committed and raise CommitUncertain. 0 to 1.

    Attributes:
        behind: the other store, which never fails.
        failures_count: how many failed so far.
        on_failure: who is told of each failure, before it is raised.
    """

    def __init__(
        self, store: Store, *, random: Random, gone_ratio: float = 0.0, lost_reply_ratio: float = 0.0
    ) -> None:
        self.behind: Final = store
        self._random: Final = random
        self._gone_ratio: Final = gone_ratio
        self._lost_reply_ratio: Final = lost_reply_ratio
        self.failures_count = 0
        self.on_failure: Callable[[StoreError], object] = lambda _error: None

    @property
    def pepper(self) -> bytes:
        """The pepper of the store behind."""
        return self.behind.pepper

    def transaction(self, tenant_id: TenantId, *, commit: Commit) -> AbstractContextManager[Transaction]:
        """Open a transaction, or fail before it, or after its commit."""
        return self._transaction(tenant_id, commit)

    @contextmanager
    def _transaction(self, tenant_id: TenantId, commit: Commit) -> Generator[Transaction]:
        if self._random.random() < self._gone_ratio:
            raise self._failing(StoreUnavailable("gone, by chance"))
        with self.behind.transaction(tenant_id, commit=commit) as tx:
            yield tx
        if commit is not Commit.READ_ONLY and self._random.random() < self._lost_reply_ratio:
            raise self._failing(CommitUncertain("the reply was lost, by chance"))

    def _failing(self, error: StoreError) -> StoreError:
        self.failures_count += 1
        self.on_failure(error)
        return error

    def scrub(self) -> bool:
        """Scrub the store behind, or fail before it."""
        if self._random.random() < self._gone_ratio:
            raise self._failing(StoreUnavailable("gone, by chance"))
        return self.behind.scrub()

    def close(self) -> None:
        """Close the store behind."""
        self.behind.close()

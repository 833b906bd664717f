"""Small centers for tests: a store of either kind, and what a run left behind."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from callbackq.core.history import fold
from callbackq.model import Entity, Record
from callbackq.ports import Commit, Store, Transaction
from callbackq.simulation import ContactCenter
from callbackq.stores.memory import MemoryStore
from callbackq.stores.sqlite import Flush, SQLiteStore

MORNING = datetime(2026, 1, 5, 8, tzinfo=UTC)
STORES = ("memory", "sqlite")


@contextmanager
def a_store(kind: str) -> Generator[Store]:
    """Open an empty store, and let go of it."""
    with tempfile.TemporaryDirectory() as folder:
        store: Store = (
            MemoryStore()
            if kind == "memory"
            else SQLiteStore(Path(folder) / "center.db", flush=Flush.RELAXED)
        )
        try:
            yield store
        finally:
            store.close()


def row_of(tx: Transaction, entity: Entity, row_id: str) -> Record:
    """Read the row that the history tells of."""
    tables = {
        Entity.CALLBACK: tx.callbacks,
        Entity.CALL: tx.calls,
        Entity.AGENT: tx.agents,
        Entity.ATTEMPT: tx.attempts,
    }
    return tables[entity].get(row_id)


def assert_history_tells_all(center: ContactCenter, store: Store) -> None:
    """The law: folding the history gives the rows."""
    folded = fold(center.history())
    with store.transaction("default", commit=Commit.READ_ONLY) as tx:
        assert folded == {key: row_of(tx, *key) for key in folded}

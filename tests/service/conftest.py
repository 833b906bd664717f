"""Every test here runs on both stores, and ends with the law of history: fold(history) == rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from callbackq import DEFAULT_TENANT, Commit, Entity, MemoryStore, QueuePolicy, SQLiteStore, Store
from callbackq.core.history import fold
from callbackq.testing import VirtualHost


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind."""
    opened: Store = MemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "callbacks.db")
    yield opened
    check_fold(opened)
    opened.close()


def check_fold(store: Store) -> None:
    """Check that history, folded, gives every row."""
    with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        tables: dict[Entity, Any] = {
            Entity.CALLBACK: tx.callbacks,
            Entity.CALL: tx.calls,
            Entity.AGENT: tx.agents,
            Entity.ATTEMPT: tx.attempts,
        }
        for (entity, key), record in fold(tx.history.all()).items():
            assert tables[entity].get(key) == record


@pytest.fixture
def make_host(store: Store) -> Callable[..., VirtualHost]:
    """Make a host with one queue `support`, its policy changed as asked."""

    def make(**policy: Any) -> VirtualHost:
        return VirtualHost(store, [QueuePolicy(queue="support", **policy), QueuePolicy(queue="sales")])

    return make


@pytest.fixture
def host(make_host: Callable[..., VirtualHost]) -> VirtualHost:
    """A host with the default policy, and one agent `ann` who is busy with a live call `busy`."""
    made = make_host()
    made.service.agent_available("ann", queues=["support"])
    made.service.call_joined("support", call_id="busy")
    made.run_for(timedelta(0))
    return made

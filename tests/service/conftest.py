"""Every test here runs on every store, and ends with the law of history: fold(history) == rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from callbackq import (
    DEFAULT_TENANT,
    Commit,
    Entity,
    MemoryStore,
    QueueName,
    QueuePolicy,
    SQLiteStore,
    Store,
)
from callbackq.core.history import fold
from callbackq.testing import VirtualHost
from stores.postgres_server import conninfo, fresh_schema, fresh_store
from untraced import untraced

_LONG = (
    "test_line_machine.py",
    "test_hosts_load.py",
    "test_identity_fights.py",
    "test_identity_storm.py",
    "test_conversations.py",
    "test_message_faults.py",
    "test_message_kills.py",
    "test_message_nodes.py",
    "test_eight_nodes.py",
    "test_kills.py",
    "test_node_runners.py",
    "test_forks.py",
    "test_slot_fights.py",
    "test_slot_laws.py",
)


@pytest.fixture(autouse=True)
def databases_untraced(request: pytest.FixtureRequest) -> Iterator[None]:
    """Trace the short tests on the store in memory alone: on the others they are the same."""
    on_database = any(kind in request.node.name for kind in ("sqlite", "postgres"))
    with untraced(when=on_database or request.path.name in _LONG):
        yield


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind."""
    with ExitStack() as stack:
        opened: Store
        if request.param == "memory":
            opened = MemoryStore()
        elif request.param == "sqlite":
            opened = SQLiteStore(tmp_path / "callbacks.db")
        else:
            opened = stack.enter_context(fresh_store())
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
            Entity.BOOKING: tx.bookings,
            Entity.MESSAGE: tx.messages,
        }
        for (entity, key), record in fold(tx.history.all()).items():
            assert found_record(tx, tables, entity, key) == record


def found_record(tx: Any, tables: dict[Entity, Any], entity: Entity, key: str) -> Any:
    """Return the row that a history tells of."""
    if entity is Entity.QUEUE:
        return tx.queues.find(QueueName(key))
    return tx.opt_outs.find(key) if entity is Entity.OPT_OUT else tables[entity].get(key)


@pytest.fixture
def make_host(store: Store) -> Callable[..., VirtualHost]:
    """Make a host with one queue `support`, its policy changed as asked. People are called at any hour."""

    def make(**policy: Any) -> VirtualHost:
        support = QueuePolicy(queue="support", **{"calling": None, **policy})
        return VirtualHost(store, [support, QueuePolicy(queue="sales", calling=None)])

    return make


@pytest.fixture
def host(make_host: Callable[..., VirtualHost]) -> VirtualHost:
    """A host with the default policy, and one agent `ann` who is busy with a live call `busy`."""
    made = make_host()
    made.service.agent_available("ann", queues=["support"])
    made.service.call_joined("support", call_id="busy")
    made.run_for(timedelta(0))
    return made


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Where several processes find one store: its kind, and how it is opened."""
    if request.param == "sqlite":
        yield "sqlite", str(tmp_path / "callbacks.db")
        return
    with fresh_schema() as schema:
        yield "postgres", f"{conninfo()} {schema}"

"""All stores do what every store must do; SQLite also where several processes share one file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from callbackq.ports import Store
from callbackq.stores import Flush, MemoryStore, SQLiteStore
from callbackq.testing.contracts import StoreContract
from callbackq.testing.store_contract.keys import KeyContract
from callbackq.testing.store_contract.lanes import LaneContract
from callbackq.testing.store_contract.transactions import ThreadContract, TransactionContract
from stores.every_store import empty_file, sharers
from stores.postgres_server import fresh_store


class TestMemoryStore(StoreContract):
    """The reference; its indexes are verified after every test."""

    def open_store(self) -> Store:
        self.opened = MemoryStore()
        return self.opened

    @pytest.fixture(autouse=True)
    def _check_indexes(self, store: Store):
        yield
        self.opened.check()


class TestSQLiteStore(StoreContract):
    """The default, in a file."""

    @pytest.fixture(autouse=True)
    def _copy(self, tmp_path: Path) -> None:
        self.path = shutil.copy(empty_file(), tmp_path)

    def open_store(self) -> Store:
        return SQLiteStore(self.path)


class TestSQLiteStoreBesideAWriter(TransactionContract, ThreadContract, KeyContract, LaneContract):
    """The same file, into which another process writes rows of another tenant all the while."""

    @pytest.fixture(autouse=True)
    def _disturbed(self, tmp_path: Path) -> Iterator[None]:
        self.path = Path(shutil.copy(empty_file(), tmp_path))
        with sharers().disturbing(self.path):
            yield

    def open_store(self) -> Store:
        return SQLiteStore(self.path, flush=Flush.RELAXED)


class TestSharedSQLiteStore(StoreContract):
    """One file that two processes have open: each transaction runs in the other one."""

    def open_store(self) -> Store:
        return cast("Store", sharers().fresh_store())


class TestPostgresStore(StoreContract):
    """The one for several machines, on a real server."""

    @pytest.fixture(autouse=True)
    def _fresh(self) -> Iterator[None]:
        with fresh_store() as self.opened:
            yield

    def open_store(self) -> Store:
        return self.opened

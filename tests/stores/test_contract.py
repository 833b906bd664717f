"""All three stores do what every store must do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from callbackq.ports import Store
from callbackq.stores import MemoryStore, SQLiteStore
from callbackq.testing.contracts import StoreContract
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
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def open_store(self) -> Store:
        return SQLiteStore(self.folder / "callbackq.db")


class TestPostgresStore(StoreContract):
    """The one for several machines, on a real server."""

    @pytest.fixture(autouse=True)
    def _fresh(self) -> Iterator[None]:
        with fresh_store() as self.opened:
            yield

    def open_store(self) -> Store:
        return self.opened

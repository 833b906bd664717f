"""Both stores do what every store must do."""

from __future__ import annotations

from pathlib import Path

import pytest

from callbackq.ports import Store
from callbackq.stores import MemoryStore, SQLiteStore
from callbackq.testing.contracts import StoreContract


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

"""Where anything of a person could be left: every byte of a store's files, every row of a database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs

from callbackq import MemoryStore, SQLiteStore, Store
from callbackq.stores import PostgresStore
from stores.postgres_server import admin


def everything_in(store: Store, folder: Path) -> bytes:
    """
    Return all that a store keeps, as bytes: the files of one in SQLite, the rows of any other.

    Args:
        folder: where the files are, and nothing else.
    """
    if isinstance(store, SQLiteStore):
        files = sorted(folder.iterdir())
        assert files != []
        return b"".join(path.read_bytes() for path in files)
    if isinstance(store, PostgresStore):
        return "\n".join(_rows_of(_schema_of(store))).encode()
    assert isinstance(store, MemoryStore)
    return "\n".join(_objects_of(store)).encode()


def _schema_of(store: Any) -> str:
    schema: str = store._schema
    return schema


def _rows_of(schema: str) -> list[str]:
    names = admin().execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema]).fetchall()
    assert len(names) > 5
    return [
        str(row)
        for (name,) in names
        for (row,) in admin().execute(f'SELECT t::text FROM "{schema}"."{name}" AS t').fetchall()
    ]


def _objects_of(store: Any) -> list[str]:
    found: list[str] = []
    for tenant in store._tenants.values():
        for rows in tenant.rows.values():
            found += [f"{key} {attrs.asdict(row)}" for key, row in rows.items()]
        rest = {name: getattr(tenant, name) for name in _names_of(tenant) if name != "rows"}
        found += [repr(value) for value in rest.values()]
    return found


def _names_of(tenant: Any) -> list[str]:
    return [*getattr(tenant, "__slots__", ()), *getattr(tenant, "__dict__", {})]

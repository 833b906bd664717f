"""
Where records are kept: a store knows keys, versions, order and uniqueness, and no rule of the trade.

`MemoryStore` is the reference, `SQLiteStore` the default, and `PostgresStore` the one for several machines; it needs
the extra `postgres`, and is imported when it is asked for. What every store must do is written once, as
`callbackq.testing.contracts.StoreContract`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callbackq.stores.memory import MemoryStore
from callbackq.stores.sqlite import Flush, SQLiteStore

if TYPE_CHECKING:
    from callbackq.stores.postgres import PostgresStore

__all__ = ["Flush", "MemoryStore", "PostgresStore", "SQLiteStore"]


def __getattr__(name: str) -> Any:
    """Import what is optional when it is first used."""
    if name == "PostgresStore":
        from callbackq.stores.postgres import PostgresStore

        return PostgresStore
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)

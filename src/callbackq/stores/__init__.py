"""
Where records are kept: a store knows keys, versions, order and uniqueness, and no rule of the trade.

`MemoryStore` is the reference, `SQLiteStore` the default. What every store must do is written once, as
`callbackq.testing.contracts.StoreContract`.
"""

from __future__ import annotations

from callbackq.stores.memory import MemoryStore
from callbackq.stores.sqlite import Flush, SQLiteStore

__all__ = ["Flush", "MemoryStore", "SQLiteStore"]

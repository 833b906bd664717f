"""
The webhooks of one tenant, in a transaction in memory.

The rule: as in `memory_tables`. The rows of one endpoint stand next to each other, in the order of their ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from callbackq.model import Webhook

if TYPE_CHECKING:
    from callbackq.stores.memory import MemoryTransaction


class Webhooks:
    """How far the endpoints were told."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: MemoryTransaction) -> None:
        self._transaction = transaction

    def of_endpoint(self, endpoint: str) -> list[Webhook]:
        """Return all rows of one endpoint by what they are about. O(log n + found)."""
        tenant = self._transaction.tenant
        rows: dict[tuple[str, str], Webhook] = tenant.rows[Webhook]
        ids = tenant.in_order[Webhook].irange((endpoint,), (f"{endpoint}\0",), inclusive=(True, False))
        return [rows[row_id[0], row_id[1]] for row_id in ids]

    def endpoints(self) -> list[Webhook]:
        """Return the own row of every endpoint, by name. O(rows)."""
        tenant = self._transaction.tenant
        rows: dict[tuple[str, str], Webhook] = tenant.rows[Webhook]
        return [rows[row_id[0], row_id[1]] for row_id in tenant.in_order[Webhook] if not row_id[1]]

    def remove(self, row: Webhook) -> None:
        """Delete a row, whatever its version. O(log n)."""
        transaction = self._transaction
        transaction.refuse_if_read_only()
        stored: Webhook | None = transaction.tenant.rows[Webhook].get((row.endpoint, row.about))
        if stored is not None:
            transaction.delete(stored)

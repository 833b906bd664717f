"""
The webhooks of one tenant, in an SQLite transaction.

The rule: as in `sqlite_tables`. The rows of one endpoint stand next to each other in the primary key.
"""

from __future__ import annotations

from callbackq.model import Webhook
from callbackq.stores import sqlite_statements as sql
from callbackq.stores.sqlite_session import Part


class Webhooks(Part):
    """How far the endpoints were told."""

    __slots__ = ()

    def of_endpoint(self, endpoint: str) -> list[Webhook]:
        """Return all rows of one endpoint by what they are about. O(log n + found)."""
        return self._session.records(sql.WEBHOOKS, sql.WEBHOOKS_OF, endpoint)

    def endpoints(self) -> list[Webhook]:
        """Return the own row of every endpoint, by name. O(rows)."""
        return self._session.records(sql.WEBHOOKS, sql.WEBHOOKS_THEMSELVES)

    def remove(self, row: Webhook) -> None:
        """Delete a row, whatever its version. O(log n)."""
        session = self._session
        session.refuse_if_read_only()
        session.write(sql.REMOVE_WEBHOOK, (session.tenant_id, row.endpoint, row.about))

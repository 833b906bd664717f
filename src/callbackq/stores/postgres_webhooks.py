"""
The webhooks of one tenant, in a transaction in PostgreSQL.

The rule: as in `postgres_tables`; but nobody takes a turn here: who delivers waits for no dispatcher.
"""

from __future__ import annotations

from typing import Final

from callbackq.model import Webhook
from callbackq.stores import postgres_statements as sql
from callbackq.stores.postgres_session import Part

WEBHOOKS_OF: Final = f"{sql.WEBHOOKS.select} AND endpoint = $2 ORDER BY about"
WEBHOOKS_THEMSELVES: Final = f"{sql.WEBHOOKS.select} AND about = '' ORDER BY endpoint"
_REMOVE: Final = "DELETE FROM callbackq_webhooks WHERE tenant_id = $1 AND endpoint = $2 AND about = $3"


class Webhooks(Part):
    """How far the endpoints were told."""

    __slots__ = ()

    def of_endpoint(self, endpoint: str) -> list[Webhook]:
        """Return all rows of one endpoint by what they are about. O(log n + found)."""
        return self._session.records(sql.WEBHOOKS, WEBHOOKS_OF, endpoint)

    def endpoints(self) -> list[Webhook]:
        """Return the own row of every endpoint, by name. O(rows)."""
        return self._session.records(sql.WEBHOOKS, WEBHOOKS_THEMSELVES)

    def remove(self, row: Webhook) -> None:
        """Delete a row, whatever its version. O(log n)."""
        session = self._session
        session.refuse_if_read_only()
        session.write(_REMOVE, (session.tenant_id, row.endpoint, row.about))

"""
The nodes of one tenant, in a transaction in PostgreSQL.

The rule: as in `postgres_tables`; but nobody takes a turn here: a beat waits for no dispatcher.
"""

from __future__ import annotations

from datetime import datetime

from callbackq.ids import NodeId
from callbackq.model import Node
from callbackq.stores import postgres_statements as sql
from callbackq.stores.postgres_session import Part
from callbackq.stores.rows import as_utc


class Nodes(Part):
    """The processes that run a dispatcher."""

    __slots__ = ()

    def find(self, node_id: NodeId) -> Node | None:
        """Return one node, or None. O(log n)."""
        return self._session.record(sql.NODES, sql.NODES.get, node_id)

    def present(self) -> list[Node]:
        """Return the nodes that are not GONE, by id. O(n)."""
        return self._session.records(sql.NODES, sql.NODES_PRESENT)

    def all(self) -> list[Node]:
        """Return every node, by id. O(n)."""
        return self._session.records(sql.NODES, sql.NODES_ALL)

    def due(self, *, now: datetime, limit: int) -> list[Node]:
        """Return those with `due_at` at or before *now*, earliest first, then by id. O(limit + log n)."""
        return self._session.records(sql.NODES, sql.NODES.due, as_utc(now), limit)

    def forget(self, *, gone_before: datetime, limit: int) -> int:
        """Delete nodes that are GONE and were seen last before *gone_before*; return how many. O(n)."""
        return self._session.forget(sql.FORGET_NODES, gone_before, limit)

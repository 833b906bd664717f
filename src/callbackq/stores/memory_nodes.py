"""
The nodes of one tenant, in a transaction in memory.

The rule: as in `memory_tables`. They are few, so those that are gone have no index.
"""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter

from callbackq.ids import NodeId
from callbackq.model import Node, NodeState
from callbackq.stores.memory_tables import Table
from callbackq.stores.rows import as_utc


class Nodes(Table[Node]):
    """The processes that run a dispatcher."""

    __slots__ = ()

    def find(self, node_id: NodeId) -> Node | None:
        """Return one node, or None. O(1)."""
        return self._find(node_id)

    def present(self) -> list[Node]:
        """Return the nodes that are not GONE, by id. O(n log n)."""
        return [node for node in self.all() if node.state is not NodeState.GONE]

    def all(self) -> list[Node]:
        """Return every node, by id. O(n log n)."""
        nodes: dict[str, Node] = self._transaction.tenant.rows[Node]
        return sorted(nodes.values(), key=attrgetter("node_id"))

    def forget(self, *, gone_before: datetime, limit: int) -> int:
        """Delete nodes that are GONE and were seen last before *gone_before*; return how many. O(n log n)."""
        self._transaction.refuse_if_read_only()
        before = as_utc(gone_before)
        gone = [node for node in self.all() if node.state is NodeState.GONE and node.seen_at < before]
        found = sorted(gone, key=attrgetter("seen_at", "node_id"))[:limit]
        for node in found:
            self._transaction.delete(node)
        return len(found)

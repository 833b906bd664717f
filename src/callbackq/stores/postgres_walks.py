"""How PostgreSQL names each queue of a table once: it walks along an index, from one queue to the next."""

from __future__ import annotations


def queues_walk(table: str, condition: str) -> str:
    """Return a statement that finds the queues of a table by the index that has this condition. O(log n) each."""
    first = f"SELECT queue FROM callbackq_{table} WHERE tenant_id = $1 AND {condition}"
    order = "ORDER BY queue LIMIT 1"
    return f"""
    WITH RECURSIVE queues(queue) AS (
        ({first} {order})
        UNION ALL
        SELECT (SELECT found.queue FROM ({first} AND queue > queues.queue {order}) AS found)
          FROM queues WHERE queue IS NOT NULL
    ) SELECT queue FROM queues WHERE queue IS NOT NULL"""

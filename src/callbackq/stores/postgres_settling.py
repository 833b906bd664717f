"""
Up to which number the history in PostgreSQL is settled: nothing will appear below it any more.

The rule: an event gets its number when it is written, and is seen when it is committed. So a transaction that runs for
longer may bring lower numbers than what is there already. Whoever writes history holds a lock on its table, as every
INSERT does, from before its first number until its end. So:

1. note the last number that can be seen, and then who holds such a lock. Whoever has a number below it, and has not
   ended, is among them;
2. when all of these have ended, everything up to that number can be seen by transactions that begin from then on.

The oldest transaction of the whole server (`pg_snapshot_xmin`) would say the same, but waits for transactions of other
databases too; and a number may be given before a transaction has the id that it looks at.
"""

from __future__ import annotations

import threading
from typing import Final

from callbackq.ids import TenantId

LAST_NUMBER: Final = "SELECT max(history_number) FROM callbackq_history WHERE tenant_id = $1"
HISTORY: Final = "callbackq_history"
WRITERS: Final = """
    SELECT DISTINCT virtualtransaction FROM pg_catalog.pg_locks
     WHERE locktype = 'relation' AND relation = $1::regclass AND mode = 'RowExclusiveLock'
       AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())"""


class Settling:
    """What the transactions of one store have learned of it, by tenant. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock: Final = threading.Lock()
        self._settled: Final[dict[TenantId, int]] = {}
        self._noted: Final[dict[TenantId, tuple[int, frozenset[str]]]] = {}

    def known(self, tenant_id: TenantId) -> int:
        """Return up to which number all can be seen by a transaction that begins now."""
        return self._settled.get(tenant_id, 0)

    def look(self, tenant_id: TenantId, last: int, writers: frozenset[str]) -> None:
        """
        Take note of what a transaction found.

        Args:
            last: the last number that it saw.
            writers: who was writing, asked after that.
        """
        with self._lock:
            noted, before = self._noted.pop(tenant_id, (last, writers))
            if not writers:
                noted = max(noted, last)
            left = before & writers
            if left:
                self._noted[tenant_id] = noted, left
                return
            self._settled[tenant_id] = max(noted, self._settled.get(tenant_id, 0))
            if writers:
                self._noted[tenant_id] = last, writers

"""
A process whose files may not grow. `test_sqlite_faults` starts it.

For each write of one command the limit is set so that just this write finds no room: the first byte beyond it is
refused by the system, as a full disk refuses it.
"""

from __future__ import annotations

import resource
import sqlite3
import sys
from datetime import timedelta
from pathlib import Path

from callbackq import CallbackService, CommitUncertain, QueuePolicy, SQLiteStore, StoreUnavailable
from callbackq.core.history import fold
from callbackq.ports import Commit
from callbackq.stores import Flush
from callbackq.testing import ManualClock
from callbackq.testing.store_contract.base import TENANT

FRAME = 4096 + 24


def may_grow_to(size: int) -> None:
    """Refuse to write beyond *size* bytes of any file."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))


def main(path: str) -> None:
    """Print how often each error came, how many promises stand, and whether the file is sound."""
    clock = ManualClock()
    store = SQLiteStore(path, flush=Flush.FULL)
    service = CallbackService(store, [QueuePolicy(queue="support")], clock=clock)
    service.request("support", number="+12125550100")
    end = Path(f"{path}-wal").stat().st_size  # There the next commit begins, also after one that failed.
    failed: dict[str, int] = {}
    made = 1
    for at_frame in range(1_000):
        clock.advance(timedelta(seconds=1))
        may_grow_to(end + at_frame * FRAME + FRAME // 2)
        try:
            service.request("support", number=f"+1212555{made:04d}")
        except (StoreUnavailable, CommitUncertain) as error:
            failed[type(error).__name__] = failed.get(type(error).__name__, 0) + 1
        else:
            break
        finally:
            may_grow_to(resource.RLIM_INFINITY)
        assert len(service.line("support")) == made
    # The next one finds room without opening the store again.
    service.request("support", number="+12125559999")
    with store.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
        for (_, key), record in fold(tx.history.all()).items():
            assert tx.callbacks.get(key) == record  # type: ignore[arg-type]
    standing = len(service.line("support"))
    store.close()
    check = sqlite3.connect(path)
    sound = check.execute("PRAGMA integrity_check").fetchone()[0]
    check.close()
    print(sum(failed.values()), standing, sound, *sorted(failed))


if __name__ == "__main__":
    main(sys.argv[1])

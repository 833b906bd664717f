"""The store of a host that is there already: a file of SQLite, or a database of PostgreSQL."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from callbackq.cli.common import refuse
from callbackq.errors import CallbackqError
from callbackq.ids import QueueName
from callbackq.service import CallbackService
from callbackq.settings import TenantSettings, read_settings
from callbackq.stores.pepper import PEPPER_BYTES
from callbackq.stores.sqlite import SQLiteStore
from callbackq.system import SystemClock

if TYPE_CHECKING:
    from callbackq.stores.postgres import PostgresStore

POSTGRES: Final = ("postgres://", "postgresql://")
_META: Final = "callbackq_meta"


@attrs.frozen(kw_only=True)
class Kept:
    """Which store, whose rows in it, and how its host is configured, where that is said."""

    store: str
    tenant_id: str
    schema: str
    pepper_file: Path | None
    settings_file: Path | None = None


@contextmanager
def service_of(kept: Kept) -> Generator[CallbackService]:
    """
    Open a store that is there, and close it.

    Without settings it knows no queue: whatever is wound up is so by the default policy. Its tables are not changed:
    of those that an older release made, it is said what to run. Whatever the store or a command refuses is said in one
    sentence, and ends with code 2.
    """
    pepper, settings = pepper_of(kept.pepper_file), settings_of(kept)
    try:
        opened = _postgres(kept, pepper) if kept.store.startswith(POSTGRES) else _sqlite(kept, pepper)
        with closing(opened) as store:
            yield CallbackService(
                store,
                clock=SystemClock(),
                tenant_id=kept.tenant_id,
                capacity=_UnknownCapacity(),
                **settings.arguments() if settings is not None else {"policies": []},
            )
    except CallbackqError as error:
        refuse(f"{error}.")


def _sqlite(kept: Kept, pepper: bytes | None) -> SQLiteStore:
    path = Path(kept.store)
    refuse_another(path)
    return SQLiteStore(path, pepper=pepper, migrate=False)


def refuse_another(path: Path) -> None:
    """Refuse a file that does not hold callbackq's tables, for opening it would make them in it; or cannot be read."""
    found = None
    try:
        if path.is_file():
            with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
                found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", [_META]).fetchone()
    except sqlite3.OperationalError as error:
        refuse(f"{path} cannot be opened: {_hindrance(path) or error}.")
    except sqlite3.Error:
        pass
    if found is None:
        refuse(f"{path} is no database of callbackq: name one that is there.")


def _hindrance(path: Path) -> str | None:
    """Say what SQLite would only call a file that cannot be opened."""
    if not os.access(path, os.R_OK):
        return "it may not be read"
    if not os.access(path.absolute().parent, os.W_OK | os.X_OK):
        return "its directory may not be written, where its log must stand"
    return None


def _postgres(kept: Kept, pepper: bytes | None) -> PostgresStore:
    try:
        import psycopg

        from callbackq.stores.postgres import PostgresStore
    except ModuleNotFoundError as error:
        refuse(f"A PostgreSQL database needs {error.name}: pip install 'callbackq[postgres]'")
    try:
        with psycopg.connect(kept.store) as connection:
            found = connection.execute("SELECT to_regclass(%s)", [f'"{kept.schema}".{_META}']).fetchone()
    except psycopg.Error as error:
        refuse(f"The database cannot be reached: {type(error).__name__}.")
    if found is None or found[0] is None:
        refuse(f"The schema {kept.schema} of that database holds no tables of callbackq.")
    return PostgresStore(kept.store, schema=kept.schema, pepper=pepper, migrate=False)


class _UnknownCapacity:
    """How many seats a slot has, where the host says it: nothing here books any."""

    def seats(self, queue: QueueName, starts: Sequence[datetime], length: timedelta) -> Sequence[int]:  # noqa: ARG002
        """Return that there are none."""
        return [0 for _ in starts]


def settings_of(kept: Kept) -> TenantSettings | None:
    """Read the settings of the tenant, if a file is named."""
    if kept.settings_file is None:
        return None
    try:
        return read_settings(kept.settings_file).of(kept.tenant_id)
    except OSError as error:
        refuse(f"{kept.settings_file} cannot be read: {error.strerror}.")
    except CallbackqError as error:
        refuse(f"{error}")


def pepper_of(path: Path | None) -> bytes | None:
    """Read the pepper from a file, if one is named."""
    if path is None:
        return None
    try:
        pepper = path.read_bytes()
    except OSError as error:
        refuse(f"The pepper cannot be read: {error.strerror}.")
    if len(pepper) != PEPPER_BYTES:
        refuse(f"{path} has {len(pepper)} bytes; a pepper has {PEPPER_BYTES}.")
    return pepper

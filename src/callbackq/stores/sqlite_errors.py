"""
What SQLite's errors mean to callbackq: one table from result codes to the exception tree.

The rule: an error inside a transaction means that nothing was written, for it is rolled back. Only an
input or output error of COMMIT itself leaves it open whether the commit stands.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from callbackq.errors import CommitUncertain, StoreUnavailable, UniquenessViolated
from callbackq.stores.rows import UNIQUE_RULES

_REASONS: Final = {
    sqlite3.SQLITE_BUSY: "another connection keeps it locked",
    sqlite3.SQLITE_LOCKED: "another connection keeps a table locked",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened or made",
    sqlite3.SQLITE_NOTADB: "it is not an SQLite database",
    sqlite3.SQLITE_CORRUPT: "it is damaged",
    sqlite3.SQLITE_READONLY: "it may not be written",
    sqlite3.SQLITE_PERM: "access is denied",
    sqlite3.SQLITE_AUTH: "access is denied",
    sqlite3.SQLITE_IOERR: "reading or writing it failed",
    sqlite3.SQLITE_PROTOCOL: "its lock could not be had",
    sqlite3.SQLITE_NOMEM: "memory has run out",
    sqlite3.SQLITE_INTERRUPT: "the statement was interrupted",
}
"""Why the file cannot be used, by primary result code. Any other code is a bug, and is let through."""

_RULES: Final = {
    "callbackq_attempts.agent_leg_id": "leg_id",
    "callbackq_attempts.customer_leg_id": "leg_id",
    "callbackq_bookings.callback_id": "booking_callback_id",
    "callbackq_bookings.slot_at": "agent_slot",
    "callbackq_history.event_number": "chain",
}
"""The rule of an index, by its last column, where it has another name than that."""


def _code(error: sqlite3.Error) -> int:
    """Return the extended result code, or 0 for an error that Python's module found itself."""
    return getattr(error, "sqlite_errorcode", 0)


def is_busy(error: sqlite3.Error) -> bool:
    """Say whether the file was only locked by another connection."""
    return _code(error) & 0xFF == sqlite3.SQLITE_BUSY


def translate(error: sqlite3.Error, path: str) -> Exception:
    """Return the exception that stands for *error*: of our own tree, or *error* itself where it is a bug."""
    code = _code(error)
    if code in {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_TRIGGER}:
        column = str(error).rpartition(" ")[2]
        return UniquenessViolated(UNIQUE_RULES.get(_RULES.get(column, column.rpartition(".")[2])))
    if code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
        return UniquenessViolated(UNIQUE_RULES["id"])
    if code == sqlite3.SQLITE_CONSTRAINT_CHECK:
        return ValueError(f"the row breaks a rule of the schema: {error}")
    reason = _REASONS.get(code & 0xFF)
    return error if reason is None else StoreUnavailable(f"{path}: {reason}")


def translate_commit(error: sqlite3.Error, path: str) -> Exception:
    """Return the exception that stands for *error* out of COMMIT."""
    if _code(error) & 0xFF == sqlite3.SQLITE_IOERR:
        return CommitUncertain(f"{path}: writing failed during the commit, which may have happened")
    return translate(error, path)

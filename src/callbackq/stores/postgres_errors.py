"""
What PostgreSQL's errors mean to callbackq: one table from its codes to the exception tree.

The rule: an error inside a transaction means that nothing was written, for it is rolled back. Only a connection that
is lost during COMMIT leaves it open whether the commit stands. What an error tells of the rows themselves is never
passed on: it may hold a number.

Nothing here needs psycopg before there is an error of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from callbackq.errors import (
    CommitUncertain,
    Conflict,
    InvalidText,
    StaleVersion,
    StoreUnavailable,
    UniquenessViolated,
)
from callbackq.stores.rows import UNIQUE_RULES

if TYPE_CHECKING:
    import psycopg

_CHANGED_MEANWHILE: Final = "40001"
_DEADLOCK: Final = "40P01"
_UNIQUE_VIOLATION: Final = "23505"
_BROKEN_RULES: Final = frozenset({"23502", "23514"})
_TEXTS: Final[Mapping[str, str]] = {
    "22021": "a text holds a character that PostgreSQL cannot store",
    "22P05": "a text holds a character that PostgreSQL cannot store",
    "54000": "a text is too long for an index",
}

_REASONS: Final[Mapping[str, str]] = {
    "08": "the connection failed",
    "28": "access is denied",
    "3D": "there is no such database",
    "3F": "there is no such schema",
    "53": "it has run out of memory, disk or files",
    "57": "it is stopping or starting, or an administrator intervened",
    "58": "reading or writing its files failed",
    "0A000": "it may not be written: it is a standby",
    "25006": "it may not be written: it is read-only, or a standby",
    "25P03": "this transaction was idle for too long",
    "25P04": "this transaction took too long",
    "42501": "the role may not do this",
    "53100": "its disk is full",
    "53300": "it takes no more connections",
    "55P03": "another transaction keeps a row or a lock for too long",
    "57014": "the statement took too long, or was cancelled",
    "57P03": "it takes no connections now",
    "XX000": "it failed within, such as on a file that may not grow",
    "XX001": "its files are damaged",
    "XX002": "its files are damaged",
}
"""Why the server cannot be used, by code, or by its class, the first two signs. Any other is a bug, let through."""

_IDLE_FOR_TOO_LONG: Final = "25P03"
_LOST: Final = frozenset({"57P01", "57P02", "57P05", _IDLE_FOR_TOO_LONG, "25P04"})
"""Codes after which the server ends the connection."""

_RULE_OF_KEY: Final[Mapping[str, str]] = {
    "pkey": "id",
    "legs_pkey": "leg_id",
    "slot_days_pkey": "id",
    "bookings_callback_id": "booking_callback_id",
}


def driver_error() -> type[psycopg.Error]:
    """Return the base class of the driver's errors. Named in an `except`, it is only looked up when there is one."""
    from psycopg import Error

    return Error


def is_lost(error: psycopg.Error) -> bool:
    """Say whether the connection is gone: the server said so, or said nothing more."""
    from psycopg import InterfaceError, OperationalError

    code = error.sqlstate
    if code is None:
        return isinstance(error, OperationalError | InterfaceError)
    return code in _LOST or code.startswith("08")


def translate(error: psycopg.Error, name: str) -> Exception:
    """
    Return the exception that stands for *error*: of our own tree, or *error* itself where it is a bug.

    Args:
        name: the server and the database, as a message may show them.
    """
    code = error.sqlstate
    if code is None:
        return _without_code(error, name)
    if code == _UNIQUE_VIOLATION:
        return UniquenessViolated(_rule_of(error.diag.constraint_name))
    if code == _CHANGED_MEANWHILE:
        return StaleVersion("another transaction has changed the row since this one began")
    if code == _DEADLOCK:
        return Conflict("this transaction and another one waited for each other")
    if code in _BROKEN_RULES:
        return ValueError(f"the row breaks a rule of the schema: {error.diag.constraint_name or 'NOT NULL'}")
    if code in _TEXTS:
        return InvalidText(_TEXTS[code])
    reason = _REASONS.get(code) or _REASONS.get(code[:2])
    return error if reason is None else unavailable(f"{name}: {reason}", error)


def _without_code(error: psycopg.Error, name: str) -> Exception:
    """Return what stands for an error that the driver found itself."""
    from psycopg import DataError

    if is_lost(error):
        return unavailable(f"{name}: the connection was lost", error)
    if isinstance(error, DataError):
        return InvalidText(_TEXTS["22021"])
    return error


def translate_commit(error: psycopg.Error, name: str) -> Exception:
    """
    Return the exception that stands for *error* out of the COMMIT of a transaction that wrote something.

    One that was ended because nobody said anything had not heard of the COMMIT.
    """
    if not is_lost(error) or error.sqlstate == _IDLE_FOR_TOO_LONG:
        return translate(error, name)
    uncertain = CommitUncertain(f"{name}: the connection was lost during the commit, which may have happened")
    uncertain.__cause__ = error
    return uncertain


def unavailable(message: str, error: psycopg.Error) -> StoreUnavailable:
    """Build a StoreUnavailable that keeps the driver's error. That one tells of the server, never of a row."""
    built = StoreUnavailable(message)
    built.__cause__ = error
    return built


def _rule_of(constraint: str | None) -> str | None:
    """Return what a constraint or unique index stands for, in words."""
    if constraint is None:
        return None
    key = constraint.removeprefix("callbackq_")
    if key not in _RULE_OF_KEY:
        key = key.partition("_")[2]
    return UNIQUE_RULES.get(_RULE_OF_KEY.get(key, key))

"""Which tables, indexes, triggers and views a database must have, by the scripts that made it."""

from __future__ import annotations

import re
from typing import Final

from callbackq.stores.migrations import Dialect, known_scripts

_MADE: Final = re.compile(
    r"^\s*(?P<verb>CREATE|DROP)\s+(?:OR\s+REPLACE\s+)?(?:UNIQUE\s+)?(?P<kind>TABLE|INDEX|TRIGGER|VIEW)\s+"
    r"(?:CONCURRENTLY\s+)?(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?P<name>\w+)",
    re.IGNORECASE | re.MULTILINE,
)


def objects_of(dialect: Dialect, *, version: int) -> dict[str, str]:
    """
    Return what the scripts up to a version of the schema make and do not take away: the kind by the name.

    >>> objects_of("sqlite", version=7)["callbackq_callbacks_due"]
    'index'
    """
    found: dict[str, str] = {}
    for script in known_scripts(dialect):
        if script.version > version:
            continue
        for made in _MADE.finditer(script.text):
            name = made["name"].lower()
            if made["verb"].upper() == "CREATE":
                found[name] = made["kind"].lower()
            else:
                found.pop(name, None)
    return found

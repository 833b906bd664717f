"""Every statement of the two stores in SQL: by the names of the modules and constants that hold them."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Final

import callbackq.stores

_FIRST_WORD: Final = re.compile(r"[\s(]*(SELECT|INSERT|UPDATE|DELETE|WITH)\s")
_IS_OF_A_STORE: Final = re.compile(r"callbackq_(?!meta\b)\w+")
_NO_TRAFFIC: Final = tuple(
    f"_{name}"
    for name in (
        "opening",
        "health",
        "file",
        "commits",
        "errors",
        "connections",
        "pools",
        "guests",
        "joined",
    )
)
"""Modules that work on connections, files and catalogs, and know no rows."""

_PARTS: Final = {"_EVENTS"}


def statements_of(dialect: str) -> dict[str, str]:
    """
    Return the text of each statement, by where it stands.

    Left out is what is no statement but a part of others: `select`, and what asks for a `due_at` where there is none.
    """
    found: dict[str, str] = {}
    for module in _modules(dialect):
        for name, value in vars(module).items():
            for where, text in _texts(name, value):
                if text not in found.values() and not _is_part(where, text):
                    found[f"{module.__name__.removeprefix('callbackq.stores.')}.{where}"] = text
    return found


def _is_part(where: str, text: str) -> bool:
    columns = re.split(r"\W+", text.partition(" FROM ")[0])
    if where.endswith((".due", ".due_in")):
        return "due_at" not in columns or ("queue" not in columns and where.endswith("_in"))
    return where in _PARTS or where.endswith(".select")


def _modules(dialect: str) -> Iterator[ModuleType]:
    # The module of the statements first: others name what is there.
    names = [module.name for module in pkgutil.iter_modules(callbackq.stores.__path__)]
    for name in sorted(names, key=lambda name: (not name.endswith("_statements"), name)):
        if name.startswith(f"{dialect}_") and not name.endswith(_NO_TRAFFIC):
            yield importlib.import_module(f"callbackq.stores.{name}")


def _texts(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Give what is a statement in a constant: itself, or one of its parts."""
    if isinstance(value, str):
        if _FIRST_WORD.match(value) and _IS_OF_A_STORE.search(value):
            yield name, value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _texts(f"{name}[{key!r}]", part)
    elif isinstance(value, tuple | list):
        for number, part in enumerate(value):
            yield from _texts(f"{name}[{number}]", part)
    elif type(value).__module__.startswith("callbackq.stores."):
        for key in _fields(value):
            yield from _texts(f"{name}.{key}", getattr(value, key))


def _fields(value: Any) -> list[str]:
    own = list(getattr(value, "__dict__", {}))
    slots = [name for cls in type(value).__mro__ for name in getattr(cls, "__slots__", ())]
    return [name for name in own + slots if hasattr(value, name) and not name.startswith("__")]

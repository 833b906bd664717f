"""How settings are checked: a value that is out of its bounds is refused with its field and with what is allowed."""

from __future__ import annotations

import enum
from collections.abc import Hashable, Iterable, Iterator, Mapping, Set
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from callbackq.errors import ConfigurationError
from callbackq.model.wall import ZONES_ALLOWED, zone_keys

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
E = TypeVar("E", bound=enum.StrEnum)


class Frozen(Mapping[K, V]):
    """
    A mapping of which a policy keeps its own copy: nobody can change it, and it can be hashed and pickled.

    >>> Frozen({"a": 1})["a"]
    1
    """

    __slots__ = ("_held",)

    def __init__(self, held: Mapping[K, V]) -> None:
        self._held: dict[K, V] = dict(held)

    def __getitem__(self, key: K) -> V:
        return self._held[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def __hash__(self) -> int:
        return hash(frozenset(self._held.items()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._held!r})"


def within(field: str, value: Any, low: timedelta, high: timedelta) -> None:
    """Check a duration, bounds included. Raises: ConfigurationError."""
    if not isinstance(value, timedelta):
        raise ConfigurationError(field, value, f"a timedelta, {low} to {high}")
    if not low <= value <= high:
        raise ConfigurationError(field, Shown(value), f"{low} to {high}")


def int_within(field: str, value: Any, low: int, high: int) -> None:
    """Check a whole number, bounds included. Raises: ConfigurationError."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ConfigurationError(field, value, f"a whole number, {low} to {high}")


def number_within(field: str, value: object, low: int, high: int) -> None:
    """Check a number, bounds included. Raises: ConfigurationError."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ConfigurationError(field, value, f"a number, {low} to {high}")


def check_member(field: str, value: object, kind: type[Any]) -> None:
    """Check the type of a value. Raises: ConfigurationError."""
    if not isinstance(value, kind):
        raise ConfigurationError(field, value, f"a member of {kind.__name__}")


NAME_LENGTH_MAX: Final = 64
NAMES_ALLOWED: Final = f"texts of 1 to {NAME_LENGTH_MAX} characters"


def is_name(value: object) -> bool:
    """Whether *value* is a text that can be shown and is not blank."""
    if not isinstance(value, str) or not value.isprintable():
        return False
    return 1 <= len(value) <= NAME_LENGTH_MAX and not value.isspace()


class Shown:
    """Show a duration in an error as people write it."""

    def __init__(self, value: timedelta) -> None:
        self._value = value

    def __repr__(self) -> str:
        return str(self._value)


def own_members(field: str, given: object, kind: type[E]) -> frozenset[E]:
    """Copy words of one kind: one, or several. Raises: ConfigurationError."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        given = (given,)
    words = cast("Iterable[object]", given)
    try:
        return frozenset(kind(str(word)) for word in words)
    except ValueError as error:
        allowed = f"any of: {', '.join(map(str, kind))}"
        raise ConfigurationError(field, words, allowed) from error


def repr_sorted(words: Iterable[str]) -> str:
    """Show a set of words in their order, as an attrs field's `repr`: the same in every process."""
    return "{" + ", ".join(sorted(map(str, words))) + "}"


def check_zone_key(field: str, zone: object) -> None:
    """Check the key of a zone; nothing else is looked for on the disk. Raises: ConfigurationError."""
    if not isinstance(zone, str) or zone not in zone_keys():
        raise ConfigurationError(field, zone, ZONES_ALLOWED)


def text_of_file(file: Path) -> str:
    """Return the text of a settings file. Raises: ConfigurationError: it is not in UTF-8. OSError."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(file.name, str(error), "text in UTF-8") from error


def own_names(names: Iterable[str]) -> tuple[str, ...]:
    """Copy names, each once, in their order; sorted if they have none. What are no names is refused by its field."""
    if isinstance(names, str):
        return (names,)
    try:
        if not isinstance(names, bytes | Mapping):
            return tuple(dict.fromkeys(sorted(names) if isinstance(names, Set) else names))
    except TypeError:
        pass
    return cast("tuple[str, ...]", names)

"""What stands in a settings file, each value with its place: file, line and key."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, cast

import attrs

from callbackq.errors import SettingWrong
from callbackq.masking import mask_number

KeyPath = tuple[str | int, ...]

SHOWN_MAX: Final = 60
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_NUMBER_LIKE: Final = re.compile(r"\+?\d[\d ()./\-]{4,}\d")
_DIGITS_MIN: Final = 6
_SHORT_MIN: Final = 3
"""So many letters of a word are enough to know it by, if no other begins with them."""
_LETTERS_MAX: Final = 3
_CLOCK_LIKE: Final = re.compile(r"\b[0-9]{1,2}:[0-9]{2}\b", re.ASCII)
_LONG: Final = 10**18
_DATE_LIKE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


@attrs.frozen
class Place:
    """
    Where a value stands.

    Args:
        file: its name as it was given; for a preset its name.
        line: from 1; None where no file has it.
        path: the keys down to it, and the places in lists, from 0.
    """

    file: str
    line: int | None
    path: KeyPath

    @property
    def key(self) -> str:
        """The path as it is written in TOML: `queue.support.ring_time`, `limits[0].most`."""
        return key_text(self.path)


@attrs.frozen
class Node:
    """
    A value and its place.

    Args:
        value: a mapping of nodes, a list of nodes, or what TOML knows besides.
    """

    value: Any
    place: Place

    @property
    def table(self) -> Mapping[str, Node] | None:
        """The nodes by their keys; None: it is no table."""
        return cast("Mapping[str, Node]", self.value) if isinstance(self.value, dict) else None

    @property
    def items(self) -> list[Node] | None:
        """The nodes of a list; None: it is none."""
        return cast("list[Node]", self.value) if isinstance(self.value, list) else None


class Problems:
    """What is wrong, in the order in which it was found; the same is said once."""

    def __init__(self) -> None:
        self._held: dict[tuple[object, ...], SettingWrong] = {}

    def __bool__(self) -> bool:
        return bool(self._held)

    def add(self, place: Place, value: object, allowed: str, *, suggestion: str | None = None) -> None:
        """Note one problem. Numbers in the value are masked, and long ones cut."""
        wrong = SettingWrong(
            place.key, shown(value), allowed, file=place.file, line=place.line, suggestion=suggestion
        )
        self._held.setdefault((place.file, place.line, place.key, str(wrong)), wrong)

    def found(self) -> tuple[SettingWrong, ...]:
        """Return them by file, line and order."""
        return tuple(
            sorted(self._held.values(), key=lambda wrong: (wrong.file, wrong.line is None, wrong.line or 0))
        )


def node_of(data: object, *, file: str, line_of: Callable[[KeyPath], int | None], path: KeyPath = ()) -> Node:
    """Return what `tomllib` has read with the place of each value."""
    value: Any = data
    if isinstance(data, dict):
        value = {
            key: node_of(each, file=file, line_of=line_of, path=(*path, key))
            for key, each in cast("dict[str, object]", data).items()
        }
    elif isinstance(data, list):
        value = [
            node_of(each, file=file, line_of=line_of, path=(*path, number))
            for number, each in enumerate(cast("list[object]", data))
        ]
    return Node(value, Place(file, line_of(path), path))


def key_text(path: Iterable[str | int]) -> str:
    """
    Write a path as TOML does, with numbers of phones masked, and nothing that a terminal would act on.

    >>> key_text(("queue", "support", "closures", 0, "a b"))
    'queue.support.closures[0]."a b"'
    """
    said = ""
    for key in path:
        if isinstance(key, int):
            said += f"[{key}]"
            continue
        name = _masked(key)
        quoted = name if _BARE.fullmatch(name) else f'"{"".join(map(_in_quotes, name))}"'
        said += f".{quoted}" if said else quoted
    return said


def _in_quotes(character: str) -> str:
    if character in {'"', "\\"}:
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08x}"


def nearest(word: str, words: Iterable[str]) -> str | None:
    """
    Return the word that was probably meant.

    >>> nearest("ring_tme", ["ring_time", "hours"]), nearest("wed", ["monday", "wednesday"])
    ('ring_time', 'wednesday')
    """
    if len(word) > SHOWN_MAX:
        return None
    from difflib import get_close_matches

    plain = word.strip().lower().replace("-", "_").replace(" ", "_")
    known = list(words)
    longer = [one for one in known if one.startswith(plain)] if len(plain) >= _SHORT_MIN else []
    if len(longer) == 1:
        return longer[0]
    found = get_close_matches(plain, known, n=1, cutoff=0.6)
    return found[0] if found else None


class Said:
    """Show a text in an error as it is, without quotes."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Said) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))


def shown(value: object) -> object:
    """
    Return what an error may show of a value: no number that could be dialed, and nothing long.

    >>> shown("+1 212 555 0123"), shown("45 s"), shown(7)
    ('+1…23', '45 s', 7)
    """
    if isinstance(value, int) and abs(value) >= 10**_DIGITS_MIN:
        return Said(mask_number(str(value)) if abs(value) < _LONG else "a very long number")
    if isinstance(value, Said | bool | int | float) or value is None:
        return value
    if isinstance(value, dict):
        return Said("a table")
    if isinstance(value, list):
        return Said("a list")
    if not isinstance(value, str):
        return Said(str(value))
    return _masked(value)


def _masked(text: str) -> str:
    """Mask what looks like a number that could be dialed, and cut what is long."""
    return masked(text if len(text) <= SHOWN_MAX else text[: SHOWN_MAX - 1] + "…")


def masked(text: str) -> str:
    """
    Mask what looks like a number that could be dialed, whatever stands between its digits.

    >>> masked("call +1 212 555 0123 on 2026-12-24"), masked("212_555_0123")
    ('call +1…23 on 2026-12-24', '2…23')
    """
    digits, letters = sum(map(str.isdigit, text)), sum(map(str.isalpha, text))
    is_number = digits > _DIGITS_MIN and letters <= _LETTERS_MAX
    if is_number and not _DATE_LIKE.match(text) and not _CLOCK_LIKE.search(text):
        return mask_number(text)
    return _NUMBER_LIKE.sub(_mask, text)


def _mask(found: re.Match[str]) -> str:
    digits = sum(character.isdigit() for character in found[0])
    is_date = _DATE_LIKE.fullmatch(found[0]) is not None
    return found[0] if digits < _DIGITS_MIN or is_date else mask_number(found[0])

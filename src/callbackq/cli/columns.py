"""The columns of an exported table: which there are, of which type, and what stands in them."""

from __future__ import annotations

import enum
import json
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, Final, cast

import attrs

from callbackq.cli.telling import HIDDEN
from callbackq.core.legs import number_at
from callbackq.model import Subject


class Kind(enum.Enum):
    """What stands in a column. Each may be empty."""

    TEXT = "text"
    WHOLE = "whole number"
    NUMBER = "number"
    TRUTH = "truth"
    INSTANT = "instant"
    TEXTS = "texts"


@attrs.frozen
class Column:
    """One column, and how its value is got out of a record."""

    name: str
    kind: Kind
    value_of: Callable[[Any], Any]


_KINDS: Final[Mapping[type[Any], Kind]] = {
    str: Kind.TEXT,
    bool: Kind.TRUTH,
    int: Kind.WHOLE,
    float: Kind.NUMBER,
    datetime: Kind.INSTANT,
    timedelta: Kind.NUMBER,
    tuple: Kind.TEXTS,
}


def columns_of(record_class: type[Any]) -> tuple[Column, ...]:
    """Return the columns of a class of records: its fields, but for those that nobody is shown."""
    hints = typing.get_type_hints(record_class)
    fields = attrs.fields(record_class)
    return tuple(_column(field.name, hints[field.name]) for field in fields if field.name not in HIDDEN)


def _column(name: str, hint: Any) -> Column:
    bare = _bare(hint)
    if issubclass(bare, enum.Enum):
        return Column(name, Kind.TEXT, lambda record: _word(getattr(record, name)))
    if bare is timedelta:
        return Column(f"{name}_s", Kind.NUMBER, lambda record: _seconds(getattr(record, name)))
    if bare is tuple:
        return Column(name, Kind.TEXTS, lambda record: [str(one) for one in getattr(record, name) or ()])
    return Column(name, _KINDS[bare], lambda record: getattr(record, name))


def _bare(hint: Any) -> type[Any]:
    """Return the type of a field, where it may be None, or has another name."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        (hint,) = (one for one in typing.get_args(hint) if one is not types.NoneType)
    if isinstance(hint, typing.NewType):
        hint = hint.__supertype__
    return cast("type[Any]", typing.get_origin(hint) or hint)


def _word(value: enum.Enum | None) -> str | None:
    return None if value is None else str(value.value)


def _seconds(value: timedelta | None) -> float | None:
    return None if value is None else value.total_seconds()


# ---------------------------------------------------------------------------- numbers

NUMBER: Final = "number"
"""The column that holds personal data, and is there only where that was said."""


def number_column(numbers: Mapping[Any, Subject]) -> Column:
    """Return the column of the number that a record is about: the one that is dialed, or was. *numbers* may change."""

    def number_of(record: Any) -> str | None:
        person = numbers.get(record.subject_id)
        if person is None or not person.number:
            return None
        return number_at(person, getattr(record, "number_index", 0))

    return Column(NUMBER, Kind.TEXT, number_of)


# ---------------------------------------------------------------------------- history

_OWN: Final = (
    "entity",
    "record_id",
    "event_number",
    "at",
    "kind",
    "callback_id",
    "state",
    "due_at",
    "due_reason",
)


def history_row(line: str) -> dict[str, Any]:
    """Return the cells of one line of an exported history: what every event has, and the rest as JSON."""
    link = cast("dict[str, Any]", json.loads(line))
    said = cast("dict[str, Any]", json.loads(link["text"]))
    rest = {name: value for name, value in said.items() if name not in HIDDEN and name not in _OWN}
    return {
        "history_number": link["number"],
        "event_number": link["event_number"],
        "entity": link["entity"],
        "record_id": link["record_id"],
        "at": datetime.fromisoformat(said["at"]),
        "kind": said["kind"],
        "state": said.get("state"),
        "callback_id": said.get("callback_id"),
        "due_at": datetime.fromisoformat(said["due_at"]) if said.get("due_at") else None,
        "due_reason": said.get("due_reason"),
        "details": json.dumps(rest, separators=(",", ":"), sort_keys=True),
    }


def history_columns() -> tuple[Column, ...]:
    """Return the columns of the history."""
    kinds = {
        "history_number": Kind.WHOLE,
        "event_number": Kind.WHOLE,
        "at": Kind.INSTANT,
        "due_at": Kind.INSTANT,
    }
    names: Sequence[str] = (
        "history_number", "event_number", "entity", "record_id", "at", "kind", "state", "callback_id", "due_at",
        "due_reason", "details",
    )  # fmt: skip
    return tuple(Column(name, kinds.get(name, Kind.TEXT), itemgetter(name)) for name in names)

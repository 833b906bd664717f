"""The forms of what has parts: what may be missing, lists, mappings, one of several, and whole records."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import attrs

from callbackq.errors import ConfigurationError
from callbackq.policy.forms.base import WRONG, Form, Refused, Schema, SingleForm
from callbackq.policy.forms.docs import FieldWords, as_in_files, field_words, summary
from callbackq.policy.forms.durations import duration_text
from callbackq.policy.forms.nodes import Node, Place, Problems, Said, nearest


class OptionalForm(Form):
    """A value or None. TOML has no None: it is written as `false`; and `true` is a record with its defaults."""

    def __init__(self, inner: Form) -> None:
        self.inner: Final = inner

    def read(self, node: Node, base: Any, problems: Problems) -> Any:
        """Return None for `false`."""
        if node.value is False:
            return None
        if node.value is True and isinstance(self.inner, RecordForm) and not self.inner.required:
            node = Node({}, node.place)
        if isinstance(self.inner, SingleForm):
            try:
                return self.inner.parse(node.value)
            except Refused as refused:
                allowed = f"{refused.allowed}; or false: none"
                problems.add(node.place, node.value, allowed, suggestion=refused.suggestion)
                return WRONG
        return self.inner.read(node, base, problems)

    def write(self, value: Any, base: Any, *, whole: bool) -> Any:
        """Write `false` for None."""
        if value is None:
            return False
        written = self.inner.write(value, base, whole=whole)
        return written or True if isinstance(self.inner, RecordForm) else written

    def schema(self, defs: dict[str, Schema]) -> Schema:
        """Allow `false`, and `true` where it has a meaning."""
        has_defaults = isinstance(self.inner, RecordForm) and not self.inner.required
        none: Schema = {"type": "boolean"} if has_defaults else {"const": False}
        return {"anyOf": [self.inner.schema(defs), none]}

    def merge(self, low: Node, high: Node) -> Node:
        """As what is inside does."""
        return self.inner.merge(low, high)

    def parts(self) -> Sequence[Form]:
        """Return what is inside."""
        return (self.inner,)


class ListForm(Form):
    """A list. What is no list is none of one."""

    def __init__(self, item: Form, *, kind: type[Any] = tuple) -> None:
        self._item: Final = item
        self._kind: Final = kind

    def read(self, node: Node, base: Any, problems: Problems) -> Any:
        """Return all items, or WRONG if one is."""
        _ = base
        if node.items is None:
            problems.add(node.place, node.value, "a list, such as [...]")
            return WRONG
        found = [self._item.read(each, None, problems) for each in node.items]
        return WRONG if WRONG in found else self._kind(found)

    def write(self, value: Any, base: Any, *, whole: bool) -> Any:
        """Write sets in their order."""
        _ = base
        items = sorted(value) if self._kind is frozenset else value
        return [self._item.write(each, None, whole=whole) for each in items]

    def schema(self, defs: dict[str, Schema]) -> Schema:
        """Return an array of its items."""
        found: Schema = {"type": "array", "items": self._item.schema(defs)}
        return found | {"uniqueItems": True} if self._kind is frozenset else found

    def parts(self) -> Sequence[Form]:
        """Return that of its items."""
        return (self._item,)


class MapForm(Form):
    """
    A table by keys that are not fields. An entry `false` is left out.

    Args:
        merges: whether what the file does not name stays as it is; else the table is all there is.
    """

    def __init__(self, key: SingleForm, value: Form, *, merges: bool = True) -> None:
        self._key: Final = key
        self._value: Final = value
        self._merges: Final = merges

    def read(self, node: Node, base: Any, problems: Problems) -> Any:
        """Return a mapping by the keys as they are meant."""
        if node.table is None:
            problems.add(node.place, node.value, "a table")
            return WRONG
        found: dict[Any, Any] = dict(base or {}) if self._merges else {}
        is_wrong = False
        for name, child in node.table.items():
            try:
                key = self._key.parse(name)
            except Refused as refused:
                problems.add(child.place, Said("no key"), refused.allowed, suggestion=refused.suggestion)
                is_wrong = True
                continue
            if child.value is False:
                found.pop(key, None)
                continue
            value = self._value.read(child, found.get(key), problems)
            is_wrong = is_wrong or value is WRONG
            found[key] = value
        return WRONG if is_wrong else found

    def write(self, value: Any, base: Any, *, whole: bool) -> Any:
        """Write what differs from the base, and `false` for what is missing from it."""
        held: Mapping[Any, Any] = base or {} if self._merges else {}
        found: dict[str, Any] = {}
        for key, each in value.items():
            if whole or key not in held or held[key] != each:
                found[str(self._key.text(key))] = self._value.write(each, held.get(key), whole=whole)
        return found | {str(self._key.text(key)): False for key in held if key not in value}

    def schema(self, defs: dict[str, Schema]) -> Schema:
        """Return an object of any keys that the form of keys allows."""
        value = self._value.schema(defs)
        return {
            "type": "object",
            "propertyNames": self._key.keys_schema(),
            "additionalProperties": {"anyOf": [value, {"const": False}]} if self._merges else value,
        }

    def merge(self, low: Node, high: Node) -> Node:
        """Key by key; or the higher one alone."""
        if not self._merges:
            return high
        return merged_tables(low, high, lambda _key: self._value)

    def parts(self) -> Sequence[Form]:
        """Return those of keys and values."""
        return (self._key, self._value)


class UnionForm(Form):
    """One of several: a single value, or one of some records, told by `kind` or by their keys."""

    def __init__(self, single: SingleForm | None, records: Sequence[RecordForm]) -> None:
        self._single: Final = single
        self._records: Final = {record.name: record for record in records}

    def _allowed(self) -> str:
        records = [f"a table of {', '.join(record.fields)}" for record in self._records.values()]
        return "; or ".join(([] if self._single is None else ["a single value"]) + records)

    def read(self, node: Node, base: Any, problems: Problems) -> Any:
        """Return the one that it is."""
        _ = base
        table = node.table
        if table is None:
            if self._single is not None:
                return self._single.read(node, None, problems)
            problems.add(node.place, node.value, self._allowed())
            return WRONG
        keys = set(table) - {"kind"}
        kind = table["kind"].value if "kind" in table else self._kind_by(keys)
        if not isinstance(kind, str) or kind not in self._records:
            place = table["kind"].place if "kind" in table else node.place
            allowed = (
                f"kind = {' or '.join(map(repr, self._records))}" if "kind" in table else self._allowed()
            )
            problems.add(
                place, Said("a table of " + ", ".join(sorted(keys))) if kind is None else kind, allowed
            )
            return WRONG
        rest = Node({key: child for key, child in table.items() if key != "kind"}, node.place)
        return self._records[kind].read(rest, None, problems)

    def _kind_by(self, keys: set[str]) -> str | None:
        """Return the first whose fields these may be; or, where one is misspelled, that with most of them."""
        best = max(self._records.values(), key=lambda record: len(keys & set(record.fields)))
        return best.name if keys & set(best.fields) else None

    def write(self, value: Any, base: Any, *, whole: bool) -> Any:
        """Write a record with its kind."""
        _ = base
        for name, record in self._records.items():
            if isinstance(value, record.kind):
                return {"kind": name, **record.write(value, None, whole=whole)}
        assert self._single is not None
        return self._single.write(value, None, whole=whole)

    def schema(self, defs: dict[str, Schema]) -> Schema:
        """Return any of them."""
        found: list[Schema] = [] if self._single is None else [self._single.schema(defs)]
        for name, record in self._records.items():
            found.append(record.schema(defs))
            kind = {"const": name, "description": "Which of several this is; need not be said."}
            table = defs[record.kind.__name__]
            table["properties"] = {"kind": kind, **table["properties"]}
        return {"anyOf": found}

    def parts(self) -> Sequence[Form]:
        """Return all of them."""
        return (*([] if self._single is None else [self._single]), *self._records.values())


_FIELD: Final = re.compile(r"\w+|\[[^\]]*\]")
_CLOCKED: Final = re.compile(
    r"(?<![\d:-])(?:(-?\d+) days?, )?(-?\d+):(\d\d):(\d\d)(?:\.(\d{6}))?(?![\d:+.-])", re.ASCII
)
"""A duration as `str` shows it; no time of a date or of a span."""


def plain_durations(text: str) -> str:
    """
    Write the durations in an error as files have them.

    >>> plain_durations("0:00:15 to 7 days, 0:00:00")
    '15 s to 7 days'
    """

    def plain(found: re.Match[str]) -> str:
        days, hours, minutes, seconds, rest = (int(part or 0) for part in found.groups())
        value = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds, microseconds=rest)
        return duration_text(value) if value >= timedelta(0) else found[0]

    return _CLOCKED.sub(plain, text)


class RecordForm(Form):
    """
    A class of settings as a table: each key is a field.

    Args:
        kind: the class.
        name: what tells it among others, where it is one of several.
        fields: the forms of the fields that a file may name.
    """

    def __init__(self, kind: type[Any], *, name: str, fields: Mapping[str, Form]) -> None:
        self.kind: Final = kind
        self.name: Final = name
        self.fields: Final = dict(fields)
        self._attributes: Final = attrs.fields_dict(kind)
        self.required: Final = tuple(
            name for name in fields if self._attributes[name].default is attrs.NOTHING
        )

    def default_of(self, field: str) -> Any:
        """Return what a field has where nothing is said; None, where something must be."""
        default: Any = self._attributes[field].default
        if default is attrs.NOTHING:
            return None
        return default.factory() if isinstance(default, attrs.Factory) else default  # type: ignore[arg-type]

    def read(
        self, node: Node, base: Any, problems: Problems, *, fixed: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the record, with what the file does not say as *base* has it, or as the class does."""
        table = node.table
        if table is None:
            problems.add(node.place, node.value, self._allowed("a table"))
            return WRONG
        given: dict[str, Any] = {}
        dropped: set[str] = set()
        for key, child in table.items():
            form = self.fields.get(key)
            if form is None:
                self._unknown(child, key, problems)
                continue
            held = self.default_of(key) if base is None else getattr(base, key)
            value = form.read(child, held, problems)
            if value is WRONG:
                dropped.add(key)
            else:
                given[key] = value
        missing = [name for name in self.required if base is None and name not in table]
        for name in missing:
            problems.add(_below(node.place, name), Said("missing"), self._needed(name))
        if missing or (base is None and dropped & set(self.required)):
            return WRONG
        made = self._build({**(fixed or {}), **given}, base, node, problems, dropped)
        return WRONG if dropped else made

    def _build(
        self, given: dict[str, Any], base: Any, node: Node, problems: Problems, dropped: set[str]
    ) -> Any:
        """Build the record; note what the class refuses, and look for more without it."""
        while True:
            try:
                return self.kind(**given) if base is None else attrs.evolve(base, **given)
            except ConfigurationError as error:
                path = self._path_of(error)
                said = re.sub(r"^a (whole )?number\b", "", error.allowed)
                if any(re.search(rf"\b{name}\b", said) for name in dropped):
                    return WRONG  # It may be no mistake: another value is not known.
                place, value = self._found(node, path, error)
                problems.add(place, value, plain_durations(error.allowed))
                if path[0] not in given or (
                    base is None and self._attributes[path[0]].default is attrs.NOTHING
                ):
                    dropped.add(path[0])
                    return WRONG
                del given[path[0]]
                dropped.add(path[0])

    def _path_of(self, error: ConfigurationError) -> list[str]:
        """Return the keys that an error of the class is about."""
        field = error.field.rpartition(": ")[2]
        parts = [part.strip("[]'\"") for part in _FIELD.findall(field)]
        if len(parts) > 1 and parts[0].lower() == self.kind.__name__.lower():
            parts = parts[1:]
        return parts

    def _found(self, node: Node, path: Sequence[str], error: ConfigurationError) -> tuple[Place, object]:
        """Return the deepest place that the file has of a path, and the value as it is written there."""
        for part in path:
            table = node.table
            if table is None or part not in table:
                break
            node = table[part]
        else:
            if not isinstance(node.value, dict | list):
                return node.place, node.value
        value = error.value
        said = value if isinstance(value, str) else Said(plain_durations(str(value)))
        deep = len(path) if node.table is None else 0
        known = path[0] if path[0] in self.fields and deep == 0 and path[0] not in node.place.path else None
        return (node.place if known is None else _below(node.place, known)), said

    def _unknown(self, child: Node, key: str, problems: Problems) -> None:
        problems.add(
            child.place, Said("no setting"), self._allowed("settings"), suggestion=nearest(key, self.fields)
        )

    def _allowed(self, what: str) -> str:
        names = list(self.fields)
        return f"{what}: {', '.join(names)}" if len(names) <= 12 else f"{what} of {self.kind.__name__}"

    def _needed(self, name: str) -> str:
        meaning = self.words(name).meaning
        return f"a value: {meaning[:1].lower()}{meaning[1:]}".rstrip(".") if meaning else "a value"

    def words(self, field: str) -> FieldWords:
        """Return what the class says of a field."""
        return field_words(self.kind).get(field, FieldWords(meaning=""))

    def write(self, value: Any, base: Any, *, whole: bool) -> Any:
        """Write the fields that differ."""
        found: dict[str, Any] = {}
        for name, form in self.fields.items():
            own = getattr(value, name)
            held = self.default_of(name) if base is None else getattr(base, name)
            is_needed = base is None and name in self.required
            if whole or is_needed or own != held:
                found[name] = form.write(own, held, whole=whole)
        return found

    def schema(self, defs: dict[str, Schema]) -> Schema:
        """Return a reference to an object of the fields."""
        reference = {"$ref": f"#/$defs/{self.kind.__name__}"}
        if self.kind.__name__ in defs:
            return reference
        own: Schema = {"type": "object", "description": summary(self.kind)}
        defs[self.kind.__name__] = own
        own["properties"] = {name: self.field_schema(name, defs) for name in self.fields}
        if self.required:
            own["required"] = list(self.required)
        own["additionalProperties"] = False
        return reference

    def field_schema(self, name: str, defs: dict[str, Schema]) -> Schema:
        """Return the schema of one field: its form, bounds, meaning and default."""
        words = self.words(name)
        found = _bounded(self.fields[name].schema(defs), words)
        bounds = f" {words.bounds[:1].upper()}{words.bounds[1:]}." if words.bounds else ""
        said = as_in_files(f"{words.meaning}{bounds}".strip())
        if said:
            found = {**found, "description": said}
        if name not in self.required:
            default = self.fields[name].write(self.default_of(name), None, whole=False)
            found = {**found, "default": default}
        return found

    def merge(self, low: Node, high: Node) -> Node:
        """Field by field."""
        return merged_tables(low, high, self.fields.get)

    def parts(self) -> Sequence[Form]:
        """Return those of its fields."""
        return tuple(self.fields.values())


def _bounded(schema: Schema, words: FieldWords) -> Schema:
    """Add the bounds of a number to its schema."""
    if words.low is None or words.high is None:
        return schema
    if "anyOf" in schema:
        return {"anyOf": [_bounded(schema["anyOf"][0], words), *schema["anyOf"][1:]]}
    if schema.get("type") not in {"integer", "number"}:
        return schema
    low, high = (int(words.low), int(words.high)) if schema["type"] == "integer" else (words.low, words.high)
    return {**schema, "exclusiveMinimum" if words.above else "minimum": low, "maximum": high}


def _below(place: Place, name: str) -> Place:
    return Place(place.file, place.line, (*place.path, name))


def merged_tables(low: Node, high: Node, form_of: Callable[[str], Form | None]) -> Node:
    """Return two tables as one, key by key; the higher one alone, if one of them is no table."""
    lower, higher = low.table, high.table
    if lower is None or higher is None:
        return high
    held = dict(lower)
    for key, node in higher.items():
        form = form_of(key)
        held[key] = form.merge(held[key], node) if key in held and form is not None else node
    return Node(held, high.place)

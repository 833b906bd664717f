"""What files write in another way than the classes hold it: spans, days of the week, texts and rules of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from callbackq.errors import ConfigurationError
from callbackq.model import Purpose
from callbackq.model.wall import ZONES_ALLOWED, zone_keys
from callbackq.policy import (
    CallingPolicy,
    CallingRule,
    Catalogue,
    Messages,
    NextBusinessDay,
    QueuePolicy,
    Span,
    WeekHours,
    built_in_rules,
    read_catalogue,
    read_rules,
)
from callbackq.policy.catalogue import plain_language
from callbackq.policy.forms import (
    WRONG,
    Form,
    Forms,
    ListForm,
    MapForm,
    Node,
    Problems,
    RecordForm,
    Refused,
    Schema,
    SingleForm,
)
from callbackq.policy.forms.base import WordForm, read_time, time_text
from callbackq.policy.forms.nodes import Said, masked, nearest

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
GROUPS: Final[Mapping[str, range]] = {"every_day": range(7), "weekdays": range(5)}
"""Names of several days. The name of a day wins over them, and `weekdays` over `every_day`."""
BUILT_IN: Final = "built_in"
_MIDNIGHT: Final = time(0)


class SpanForm(SingleForm):
    """`09:00-17:00`; `24:00` ends a day."""

    def parse(self, given: Any) -> Span:
        """Return the span."""
        parts = given.split("-") if isinstance(given, str) else []
        times = [read_time(part.strip()) for part in parts]
        if len(parts) == 2 and parts[1].strip() == "24:00":
            times[1] = _MIDNIGHT
        if len(times) != 2 or times[0] is None or times[1] is None:
            raise Refused("a span of time, such as '09:00-17:00'; '24:00' ends a day")
        return Span(times[0], times[1])

    def text(self, value: Span) -> str:
        """Write it with its times as short as they can be."""
        end = "24:00" if value.closes == _MIDNIGHT else time_text(value.closes)
        return f"{time_text(value.opens)}-{end}"

    def schema(self, defs: dict[str, Schema]) -> Schema:
        """Return a reference to what spans look like."""
        clock = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
        defs.setdefault(
            "Span",
            {
                "type": "string",
                "pattern": rf"^ *{clock} *- *({clock}|24:00) *$",
                "description": "From one time of day to another. One that is not after the first is of the next day.",
                "examples": ["09:00-17:00", "22:00-02:00", "00:00-24:00"],
            },
        )
        return {"$ref": "#/$defs/Span"}


class WeekdayForm(SingleForm):
    """A day by its English name; 0 is Monday."""

    def parse(self, given: Any) -> int:
        """Return its number."""
        if isinstance(given, str) and given in WEEKDAYS:
            return WEEKDAYS.index(given)
        suggestion = nearest(given, WEEKDAYS) if isinstance(given, str) else None
        raise Refused("any of: " + ", ".join(WEEKDAYS), suggestion=suggestion)

    def text(self, value: int) -> str:
        """Return its name."""
        return WEEKDAYS[value]

    def schema(self, defs: dict[str, Schema]) -> Schema:
        """Return the list of the names."""
        _ = defs
        return {"type": "string", "enum": list(WEEKDAYS)}


class ZoneForm(SingleForm):
    """The key of a zone."""

    def parse(self, given: Any) -> str:
        """Return the key, if there is such a zone."""
        if isinstance(given, str) and given in zone_keys():
            return given
        raise Refused(ZONES_ALLOWED, suggestion=_nearest_zone(given) if isinstance(given, str) else None)

    def text(self, value: str) -> str:
        """Return it as it is."""
        return value

    def schema(self, defs: dict[str, Schema]) -> Schema:
        """Return a text: which zones there are depends on the machine."""
        _ = defs
        return {"type": "string", "examples": ["America/New_York", "Europe/Berlin"]}


def _nearest_zone(given: str) -> str | None:
    """Return the zone that was probably meant; that of a place alone is found as well."""
    by_name = {key.casefold(): key for key in sorted(zone_keys())}
    by_name |= {key.rpartition("/")[2].casefold(): key for key in sorted(zone_keys()) if "/" in key}
    found = nearest(given.replace(" ", "_").casefold(), by_name)
    return None if found is None else by_name[found]


class WeekForm(Form):
    """The spans of each day: by its name, by `weekdays` or by `every_day`. A day that is not named is closed."""

    def __init__(self) -> None:
        self._spans: Final = ListForm(SpanForm())

    def read(self, node: Node, base: Any, problems: Problems) -> Any:
        """Return the spans by the number of the day."""
        _ = base
        names = (*GROUPS, *WEEKDAYS)
        if node.table is None:
            problems.add(node.place, node.value, f"a table of {', '.join(names)}")
            return WRONG
        read: dict[str, Any] = {}
        for key, child in node.table.items():
            if key in names:
                read[key] = self._spans.read(child, None, problems)
            else:
                problems.add(
                    child.place, Said("no day"), f"any of: {', '.join(names)}", suggestion=nearest(key, names)
                )
                read[key] = WRONG
        if WRONG in read.values():
            return WRONG
        week: dict[int, Any] = {}
        for name in (*GROUPS, *WEEKDAYS):
            if name in read:
                week |= dict.fromkeys(GROUPS.get(name) or (WEEKDAYS.index(name),), read[name])
        return week

    def write(self, value: Any, base: Any, *, whole: bool) -> Any:
        """Write all days as one, or Monday to Friday, where they are alike."""
        _ = base, whole
        held = cast("Mapping[int, tuple[Span, ...]]", value)
        found: dict[str, Any] = {}
        grouped = range(0)
        for group, days in GROUPS.items():
            first = held.get(days[0])
            if not grouped and first is not None and all(held.get(day) == first for day in days):
                found[group] = self._spans.write(first, None, whole=whole)
                grouped = days
        for day, name in enumerate(WEEKDAYS):
            if day in held and day not in grouped:
                found[name] = self._spans.write(held[day], None, whole=whole)
        return found

    def schema(self, defs: dict[str, Schema]) -> Schema:
        """Return an object of the days."""
        spans = self._spans.schema(defs)
        defs.setdefault(
            "Week",
            {
                "type": "object",
                "description": "Spans by day. The name of a day wins over weekdays, and weekdays over every_day.",
                "properties": dict.fromkeys((*GROUPS, *WEEKDAYS), spans),
                "additionalProperties": False,
            },
        )
        return {"$ref": "#/$defs/Week"}


class FileForm(Form):
    """A record, or the name of a file that holds it."""

    def __init__(self, record: RecordForm) -> None:
        self.record: Final = record

    def schema(self, defs: dict[str, Schema]) -> Schema:
        """Return either."""
        path: Schema = {"type": "string", "description": "The name of a file, from the folder of this one."}
        return {"anyOf": [self.record.schema(defs), path]}

    def parts(self) -> Sequence[Form]:
        """Return that of the record."""
        return (self.record,)

    def file_of(self, node: Node) -> Path:
        """Return the file that a node names, from the folder of the file in which it does."""
        return Path(node.place.file).parent / cast("str", node.value)


class CatalogueForm(FileForm):
    """The texts of one language: a table, or a file."""

    def read(self, node: Node, base: Any, problems: Problems) -> Any:
        """Return the catalogue. Its language is the key, unless it says one."""
        if isinstance(node.value, str):
            try:
                return read_catalogue(self.file_of(node))
            except (ConfigurationError, OSError) as error:
                problems.add(node.place, node.value, _why(error))
                return WRONG
        if node.table is not None and "language" not in node.table:
            key = Node(str(node.place.path[-1]), node.place)
            node = Node({**node.table, "language": key}, node.place)
        return self.record.read(node, base, problems)

    def write(self, value: Any, base: Any, *, whole: bool) -> Any:
        """Write the table, with the language where the key does not say it."""
        catalogue = cast("Catalogue", value)
        found = self.record.write(catalogue, base, whole=whole)
        if catalogue.language == plain_language(catalogue.language):
            found.pop("language", None)
        return found

    def schema(self, defs: dict[str, Schema]) -> Schema:
        """Need no language: the key says it."""
        found = super().schema(defs)
        defs[self.record.kind.__name__].pop("required", None)
        return found

    def merge(self, low: Node, high: Node) -> Node:
        """Field by field."""
        return self.record.merge(low, high)


class RulesForm(FileForm):
    """A list of calling rules: tables, names of files, and `built_in` for those that come with callbackq."""

    def read(self, node: Node, base: Any, problems: Problems) -> Any:
        """Return all rules in their order."""
        _ = base
        if node.items is None:
            problems.add(node.place, node.value, f"a list of tables, of names of files, and of '{BUILT_IN}'")
            return WRONG
        found: list[CallingRule] = []
        is_wrong = False
        for each in node.items:
            rules = self._rules(each, problems)
            is_wrong = is_wrong or rules is None
            found += rules or ()
        return WRONG if is_wrong else tuple(found)

    def _rules(self, node: Node, problems: Problems) -> tuple[CallingRule, ...] | None:
        if node.value == BUILT_IN:
            return built_in_rules()
        if not isinstance(node.value, str):
            rule = self.record.read(node, None, problems)
            return None if rule is WRONG else (rule,)
        try:
            return read_rules(self.file_of(node))
        except (ConfigurationError, OSError) as error:
            problems.add(node.place, node.value, _why(error))
            return None

    def write(self, value: Any, base: Any, *, whole: bool) -> Any:
        """Write the built-in rules by their name where they all stand at the beginning."""
        _ = base
        rules, own = cast("tuple[CallingRule, ...]", value), built_in_rules()
        named: list[Any] = [BUILT_IN] if own and rules[: len(own)] == own else []
        rest = rules[len(own) :] if named else rules
        return named + [self.record.write(rule, None, whole=whole) for rule in rest]

    def schema(self, defs: dict[str, Schema]) -> Schema:
        """Return a list of them."""
        return {"type": "array", "items": super().schema(defs)}


def _why(error: ConfigurationError | OSError) -> str:
    if isinstance(error, OSError):
        return f"the name of a file that can be read, from the folder of this one ({error.strerror})"
    return f"a file without mistakes ({masked(str(error))})"


@cache
def forms() -> Forms:
    """Return how all settings are written."""
    days = Forms(by_type={Span: SpanForm()}, by_field={(CallingRule, "week"): _WEEKS, **_DAYS})
    return Forms(
        by_type={Span: SpanForm()},
        by_field={
            **_DAYS,
            (QueuePolicy, "queue"): None,
            (Messages, "languages"): MapForm(_text(), CatalogueForm(days.record(Catalogue))),
            (CallingPolicy, "rules"): RulesForm(days.record(CallingRule)),
        },
    )


_DAYS: Final[Mapping[tuple[type[Any], str], Form]] = {
    (WeekHours, "week"): WeekForm(),
    (WeekHours, "zone"): ZoneForm(),
    (NextBusinessDay, "zone"): ZoneForm(),
    (NextBusinessDay, "weekdays"): ListForm(WeekdayForm()),
}
_WEEKS: Final = MapForm(WordForm(Purpose), WeekForm(), merges=False)


def _text() -> SingleForm:
    form = Forms().of(str)
    assert isinstance(form, SingleForm)
    return form


def policy_form() -> RecordForm:
    """Return how the settings of a queue are written."""
    return forms().record(QueuePolicy)

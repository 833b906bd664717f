"""What a form is, and the forms of single values: numbers, texts, durations, times, words."""

from __future__ import annotations

import enum
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar, Final, Generic, TypeVar

from callbackq.policy.forms.durations import DURATION_PATTERN, duration_text, read_duration
from callbackq.policy.forms.nodes import Node, Problems, nearest

Schema = dict[str, Any]
E = TypeVar("E", bound=enum.StrEnum)


class Wrong:
    """What a form reads from what it refuses. The problem is noted."""


WRONG: Final = Wrong()


class Refused(Exception):
    """A single value is not as it must be."""

    def __init__(self, allowed: str, *, suggestion: str | None = None) -> None:
        super().__init__(allowed)
        self.allowed = allowed
        self.suggestion = suggestion


class Form(ABC):
    """
    How the values of one type are written in a file.

    What it writes it reads as the same value. `base` is what holds where the file says nothing.
    """

    @abstractmethod
    def read(self, node: Node, base: Any, problems: Problems) -> Any:
        """Return the value of a node, or WRONG, with what is wrong noted in *problems*."""

    @abstractmethod
    def write(self, value: Any, base: Any, *, whole: bool) -> Any:
        """Return the value as plain data, without what *base* says already unless *whole*."""

    @abstractmethod
    def schema(self, defs: dict[str, Schema]) -> Schema:
        """Return the JSON Schema of what it reads. What is used often goes into *defs*."""

    def merge(self, low: Node, high: Node) -> Node:
        """Return what holds where two layers of a file say something: the higher one, unless it can be told apart."""
        _ = low
        return high

    def parts(self) -> Sequence[Form]:
        """Return the forms of what it has in it."""
        return ()


class SingleForm(Form):
    """A value without parts."""

    @abstractmethod
    def parse(self, given: Any) -> Any:
        """Return the value. Raises: Refused."""

    @abstractmethod
    def text(self, value: Any) -> Any:
        """Return the value as TOML has it: the reverse of `parse`."""

    def read(self, node: Node, base: Any, problems: Problems) -> Any:
        """Return the value of a node."""
        _ = base
        try:
            return self.parse(node.value)
        except Refused as refused:
            problems.add(node.place, node.value, refused.allowed, suggestion=refused.suggestion)
            return WRONG

    def write(self, value: Any, base: Any, *, whole: bool) -> Any:
        """Return the value as TOML has it."""
        _ = base, whole
        return self.text(value)

    def keys_schema(self) -> Schema:
        """Return the JSON Schema of keys of this form."""
        return self.schema({})


_INTEGER_MAX: Final = 2**63 - 1


class PlainForm(SingleForm):
    """What TOML has itself: whole numbers, numbers, texts, and true or false."""

    _ALLOWED: ClassVar[dict[type, str]] = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "a text in quotes",
    }
    _SCHEMAS: ClassVar[dict[type, str]] = {bool: "boolean", int: "integer", float: "number", str: "string"}

    def __init__(self, kind: type) -> None:
        self._kind = kind

    def parse(self, given: Any) -> Any:
        """Return the value as it is, if it is one."""
        kinds = (int, float) if self._kind is float else self._kind
        if not isinstance(given, kinds) or (isinstance(given, bool) and self._kind is not bool):
            raise Refused(self._ALLOWED[self._kind])
        if isinstance(given, int) and abs(given) > _INTEGER_MAX:
            raise Refused(f"{self._ALLOWED[self._kind]} of 64 bits")
        if isinstance(given, float) and not math.isfinite(given):
            raise Refused("a number that is not infinite")
        return given

    def text(self, value: Any) -> Any:
        """Return it as it is; of a text, the text alone."""
        return str(value) if self._kind is str else value

    def schema(self, defs: dict[str, Schema]) -> Schema:
        """Return its type."""
        _ = defs
        return {"type": self._SCHEMAS[self._kind]}


class WordForm(SingleForm, Generic[E]):
    """A word of an enum, in lower case."""

    def __init__(self, kind: type[E]) -> None:
        self._kind = kind

    def parse(self, given: Any) -> E:
        """Return the member."""
        words = [str(word) for word in self._kind]
        if isinstance(given, str) and given in words:
            return self._kind(given)
        suggestion = nearest(given, words) if isinstance(given, str) else None
        raise Refused("any of: " + ", ".join(words), suggestion=suggestion)

    def text(self, value: Any) -> str:
        """Return the word."""
        return str(value)

    def schema(self, defs: dict[str, Schema]) -> Schema:
        """Return the list of the words."""
        defs.setdefault(self._kind.__name__, {"type": "string", "enum": [str(word) for word in self._kind]})
        return {"$ref": f"#/$defs/{self._kind.__name__}"}

    def keys_schema(self) -> Schema:
        """Return the list of the words, as keys."""
        return {"enum": [str(word) for word in self._kind]}


class DurationForm(SingleForm):
    """A duration with its unit."""

    def parse(self, given: Any) -> timedelta:
        """Return the duration."""
        found = read_duration(given) if isinstance(given, str) else None
        if found is None:
            raise Refused("a duration with its unit, such as '45 s', '2 min', '1 h 30 min' or 'PT45S'")
        return found

    def text(self, value: timedelta) -> str:
        """Return it with its units."""
        return duration_text(value)

    def schema(self, defs: dict[str, Schema]) -> Schema:
        """Return a reference to what durations look like."""
        defs.setdefault(
            "Duration",
            {
                "type": "string",
                "pattern": DURATION_PATTERN,
                "description": "A duration with its unit: 45 s, 2 min, 1 h 30 min, 7 days; or as ISO 8601: PT45S.",
                "examples": ["45 s", "2 min", "1 h 30 min"],
            },
        )
        return {"$ref": "#/$defs/Duration"}


_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?", re.ASCII)
TIME_PATTERN: Final = r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?$"


def read_time(text: str) -> time | None:
    """Return a time of day as it is written; None: it is none."""
    return time.fromisoformat(text) if _TIME.fullmatch(text) else None


def time_text(value: time) -> str:
    """
    Write a time of day as short as it can be.

    >>> time_text(time(9)), time_text(time(9, 0, 30))
    ('09:00', '09:00:30')
    """
    return f"{value:%H:%M}" if not value.second and not value.microsecond else value.isoformat()


class TimeForm(SingleForm):
    """A time of day on the clock, without a zone."""

    def parse(self, given: Any) -> time:
        """Return the time, of a text or as TOML has it."""
        found = given if isinstance(given, time) else read_time(given) if isinstance(given, str) else None
        if found is None:
            raise Refused("a time on the clock, such as '09:00'")
        return found

    def text(self, value: time) -> str:
        """Return it as a text."""
        return time_text(value)

    def schema(self, defs: dict[str, Schema]) -> Schema:
        """Return a reference to what times look like."""
        defs.setdefault(
            "Time",
            {
                "type": "string",
                "pattern": TIME_PATTERN,
                "description": "A time on the clock: 09:00 or 09:00:30.",
            },
        )
        return {"$ref": "#/$defs/Time"}


class DateForm(SingleForm):
    """A date without a time."""

    def parse(self, given: Any) -> date:
        """Return the date, of a text or as TOML has it."""
        if isinstance(given, date) and not isinstance(given, datetime):
            return given
        if isinstance(given, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", given, re.ASCII):
            try:
                return date.fromisoformat(given)
            except ValueError:
                pass
        raise Refused("a date without a time, such as 2026-12-24")

    def text(self, value: date) -> date:
        """Return it as it is: TOML has dates."""
        return value

    def schema(self, defs: dict[str, Schema]) -> Schema:
        """Return what dates look like."""
        _ = defs
        return {"type": "string", "format": "date", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}


class InstantForm(SingleForm):
    """An instant: date and time with its distance to UTC."""

    def parse(self, given: Any) -> datetime:
        """Return the instant as it is written; in UTC, if that can be."""
        if not isinstance(given, datetime) or given.utcoffset() is None:
            raise Refused(
                "a date and time with its distance to UTC, such as 2026-12-24T12:00:00-05:00 or ...Z"
            )
        return given

    def text(self, value: datetime) -> datetime:
        """Return it in UTC: TOML has instants."""
        return value.astimezone(UTC)

    def schema(self, defs: dict[str, Schema]) -> Schema:
        """Return what instants look like."""
        _ = defs
        return {"type": "string", "format": "date-time"}

"""
iCalendar text, cut into components and lines (RFC 5545, 3.1). Nothing here says what they mean.

The reader of the package icalendar leaves out what it cannot read of an event, and goes on. Then a broken rule would
be a meeting that does not repeat, and its agent would be booked. Here what matters is read, or refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from callbackq.errors import InvalidText

TEXT_BYTES_MAX: Final = 10_000_000
_DEPTH_MAX: Final = 8

_NEEDED: Final = frozenset(
    {
        "DTEND",
        "DTSTAMP",
        "DTSTART",
        "DURATION",
        "EXDATE",
        "EXRULE",
        "FREEBUSY",
        "METHOD",
        "RDATE",
        "RECURRENCE-ID",
        "RRULE",
        "SEQUENCE",
        "STATUS",
        "TRANSP",
        "TZID",
        "TZOFFSETFROM",
        "TZOFFSETTO",
        "UID",
    }
)
_FOLD: Final = re.compile(r"(?:\r\n|\n|\r)[ \t]")
_BREAK: Final = re.compile(r"\r\n|\n|\r")
_NAME: Final = re.compile(r"([A-Za-z0-9-]{1,100})[;:]")
_VALUE: Final = r'(?:"[^"]*"|[^";:,]*)'
_PARAM: Final = rf";([A-Za-z0-9-]+)=({_VALUE}(?:,{_VALUE})*)"
_LINE: Final = re.compile(rf"[A-Za-z0-9-]+((?:{_PARAM})*):(.*)", re.DOTALL)
_EACH_PARAM: Final = re.compile(_PARAM)


@attrs.frozen
class Line:
    """One property of a component: `DTSTART;TZID=Europe/Berlin:20260310T100000`."""

    name: str
    params: Mapping[str, str]
    value: str


@attrs.frozen
class Component:
    """What stands between BEGIN and END. Only those lines are kept that somebody here reads."""

    name: str
    lines: list[Line] = attrs.field(factory=list[Line])
    parts: list[Component] = attrs.field(factory=list["Component"])

    def all(self, name: str) -> list[Line]:
        """Return the lines of that name."""
        return [line for line in self.lines if line.name == name]

    def one(self, name: str) -> Line | None:
        """
        Return the line of that name; None if there is none.

        Raises:
            InvalidText: there are several.
        """
        found = self.all(name)
        if len(found) > 1:
            raise InvalidText(f"there are {len(found)} lines {name}; allowed: one")
        return found[0] if found else None

    def word(self, name: str) -> str:
        """Return the value of the line of that name, in capitals; empty if there is none."""
        line = self.one(name)
        return "" if line is None else line.value.strip().upper()


def shown(text: str) -> str:
    """Return what somebody else wrote as an error may show it: short, and without characters that do something."""
    return repr(text if len(text) <= 60 else text[:60] + "…").encode("ascii", "backslashreplace").decode()


def read_components(text: str | bytes) -> list[Component]:
    """
    Return the VCALENDAR components of a text.

    Raises:
        InvalidText: it is no iCalendar text, is no UTF-8, or is too long.
    """
    found: list[Component] = []
    open_ones: list[Component] = []
    for number, line in enumerate(_lines(text), 1):
        name = _NAME.match(line)
        if name is None:
            if line.strip():
                raise InvalidText(f"line {number} of the calendar is {shown(line)}; allowed: NAME:value")
            continue
        key = name[1].upper()
        if key == "BEGIN":
            _begin(_word_of(line), open_ones, found)
        elif not open_ones:
            raise InvalidText(f"the calendar begins with {shown(line)}; allowed: BEGIN:VCALENDAR")
        elif key == "END":
            _end(_word_of(line), open_ones)
        elif key in _NEEDED:
            open_ones[-1].lines.append(_read_line(key, line))
    if open_ones:
        raise InvalidText(f"{open_ones[-1].name} does not end: the calendar was cut off")
    if not found:
        raise InvalidText("the text has no VCALENDAR; allowed: iCalendar data")
    return found


def _lines(text: object) -> Iterator[str]:
    """Return the lines, unfolded."""
    if isinstance(text, str):
        if len(text) > TEXT_BYTES_MAX or len(text.encode("utf-8", "surrogatepass")) > TEXT_BYTES_MAX:
            raise InvalidText(f"the calendar is longer than {TEXT_BYTES_MAX:,} bytes")
    elif isinstance(text, bytes):
        if len(text) > TEXT_BYTES_MAX:
            raise InvalidText(f"the calendar is longer than {TEXT_BYTES_MAX:,} bytes")
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidText("the calendar is no UTF-8") from error
    else:
        raise InvalidText(f"the calendar is {type(text).__name__}; allowed: text or bytes")
    return iter(_BREAK.split(_FOLD.sub("", text.removeprefix("\ufeff"))))


def _word_of(line: str) -> str:
    return line.partition(":")[2].strip().upper()


def _begin(name: str, open_ones: list[Component], found: list[Component]) -> None:
    if (name == "VCALENDAR") != (not open_ones):
        raise InvalidText(f"{shown(name)} begins out of place; allowed: components in one VCALENDAR")
    if len(open_ones) >= _DEPTH_MAX:
        raise InvalidText(f"more than {_DEPTH_MAX} components in each other")
    component = Component(name)
    (open_ones[-1].parts if open_ones else found).append(component)
    open_ones.append(component)


def _end(name: str, open_ones: list[Component]) -> None:
    if name != open_ones[-1].name:
        raise InvalidText(f"{shown(name)} ends where {shown(open_ones[-1].name)} was begun")
    open_ones.pop()


def _read_line(name: str, line: str) -> Line:
    whole = _LINE.fullmatch(line)
    if whole is None:
        raise InvalidText(f"{shown(line)} cannot be read; allowed: {name};PARAMETER=value:value")
    params = {each[1].upper(): each[2].replace('"', "") for each in _EACH_PARAM.finditer(whole[1])}
    return Line(name, params, whole[4])

"""
On which line of a TOML text each key stands.

`tomllib` reads the text and says nothing of lines. This scans the same text for keys and values, in one pass and
without recursion. Of a text that is no TOML it finds what stands before the mistake.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

import attrs

from callbackq.policy.forms.nodes import KeyPath

DEPTH_MAX: Final = 32
"""No key is so deep in settings, and no list within so many others."""

_BLANK: Final = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SPACE: Final = re.compile(r"[ \t]*")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_BASIC: Final = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"')
_LITERAL: Final = re.compile(r"'[^'\n]*'")
_LONG_BASIC: Final = re.compile(r'"""(?:[^"\\]|\\[\s\S]|"{1,2}(?!"))*"{3,5}')
_LONG_LITERAL: Final = re.compile(r"'''[\s\S]*?'''(?:'{1,2}(?!'))?")
_PLAIN: Final = re.compile(r"[^,\]}#\n]+")
_ESCAPE: Final = re.compile(r'\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([btnfr"\\]))')
_ESCAPED: Final = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


@attrs.frozen
class KeyLines:
    """
    The lines of keys.

    Args:
        lines: from 1, by the path of a key or of an item of a list.
        too_deep_line: the line of the first key that is too deep; None: there is none.
    """

    lines: dict[KeyPath, int]
    too_deep_line: int | None = None

    def line_of(self, path: KeyPath) -> int | None:
        r"""
        Return the line of a key, or else of what it stands in; None: nothing of it is there.

        >>> found = key_lines('[queue.support]\nring_time = "45 s"')
        >>> found.line_of(("queue", "support", "ring_time")), found.line_of(("queue", "support", "hours"))
        (2, 1)
        """
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


def key_lines(text: str) -> KeyLines:
    """
    Return on which line each key of a TOML text stands.

    Cost: in proportion to the text; about three seconds for a million characters of short items.
    """
    scan = _Scan(text)
    try:
        scan.run()
    except _Lost:
        pass
    except _TooDeep:
        return KeyLines(scan.lines, scan.line)
    return KeyLines(scan.lines)


class _Lost(Exception):
    """What follows is no TOML, or none that this understands."""


class _TooDeep(Exception):
    """More keys or lists within one another than settings have."""


class _Scan:
    """One pass over a text."""

    def __init__(self, text: str) -> None:
        self._text: Final = text
        self._ends: Final = [found.start() for found in re.finditer("\n", text)]
        self._at = 0
        self._counts: dict[KeyPath, int] = {}
        self.lines: Final[dict[KeyPath, int]] = {}

    @property
    def line(self) -> int:
        """The line of the place that is looked at."""
        return bisect_right(self._ends, self._at - 1) + 1

    def run(self) -> None:
        """Go through the text. Raises: _Lost, _TooDeep."""
        table: KeyPath = ()
        while True:
            self._skip(_BLANK)
            if self._at >= len(self._text):
                return
            if self._text.startswith("[[", self._at):
                table = self._header(2)
            elif self._text.startswith("[", self._at):
                table = self._header(1)
            else:
                self._values(self._assigned(table))

    def _skip(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise _Lost
        self._at = found.end()
        return found[0]

    def _take(self, mark: str) -> None:
        if not self._text.startswith(mark, self._at):
            raise _Lost
        self._at += len(mark)

    def _note(self, path: KeyPath) -> None:
        if len(path) > DEPTH_MAX:
            raise _TooDeep
        self.lines.setdefault(path, self.line)

    # ---------------------------------------------------------------- keys

    def _key(self) -> Iterator[str]:
        while True:
            self._skip(_SPACE)
            if self._text.startswith('"', self._at):
                yield _ESCAPE.sub(_unescaped, self._skip(_BASIC)[1:-1])
            elif self._text.startswith("'", self._at):
                yield self._skip(_LITERAL)[1:-1]
            else:
                yield self._skip(_BARE)
            self._skip(_SPACE)
            if not self._text.startswith(".", self._at):
                return
            self._at += 1

    def _header(self, brackets: int) -> KeyPath:
        self._take("[" * brackets)
        path: KeyPath = ()
        array: KeyPath = ()
        for name in self._key():
            array = (*path, name)
            path = self._last(array)
            self._note(path)
        self._take("]" * brackets)
        if brackets == 1:
            return path
        self._counts[array] = self._counts.get(array, -1) + 1
        path = (*array, self._counts[array])
        self._note(path)
        return path

    def _last(self, path: KeyPath) -> KeyPath:
        """Return the path of the last table of an array of tables; of anything else, the path."""
        return (*path, self._counts[path]) if path in self._counts else path

    def _assigned(self, table: KeyPath) -> KeyPath:
        """Read a key up to its value."""
        path = table
        for name in self._key():
            path = (*path, name)
            self._note(path)
        self._take("=")
        self._skip(_SPACE)
        return path

    # ---------------------------------------------------------------- values

    def _values(self, path: KeyPath) -> None:
        """Read a value, with all that is in it."""
        opened: list[tuple[str, KeyPath, int]] = []
        while True:
            mark = self._text[self._at : self._at + 1]
            if mark in {"[", "{"}:
                self._at += 1
                opened.append(("]" if mark == "[" else "}", path, -1))
                is_over = False
            else:
                self._single()
                is_over = True
            next_path = self._next(opened, is_over=is_over)
            if next_path is None:
                return
            path = next_path

    def _next(self, opened: list[tuple[str, KeyPath, int]], *, is_over: bool) -> KeyPath | None:
        """Go to the next value of what is open, closing what ends; None: nothing is open any more."""
        while opened:
            end, path, count = opened[-1]
            self._skip(_BLANK)
            if is_over and self._text.startswith(",", self._at):
                self._at += 1
                self._skip(_BLANK)
                is_over = False
            if self._text.startswith(end, self._at):
                self._at += 1
                opened.pop()
                is_over = True
                continue
            if is_over:
                raise _Lost
            if end == "}":
                return self._assigned(path)
            opened[-1] = (end, path, count + 1)
            self._note((*path, count + 1))
            return (*path, count + 1)
        return None

    def _single(self) -> None:
        for mark, pattern in (
            ('"""', _LONG_BASIC),
            ("'''", _LONG_LITERAL),
            ('"', _BASIC),
            ("'", _LITERAL),
            ("", _PLAIN),
        ):
            if self._text.startswith(mark, self._at):
                self._skip(pattern)
                return


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    if code is None:
        return _ESCAPED[found[3]]
    number = int(code, 16)
    return chr(number) if number <= 0x10FFFF else found[0]

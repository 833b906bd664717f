"""From a file to its values, each with its line; and what is no file of settings at all."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from callbackq.policy.forms import Node, Place, Problems, node_of
from callbackq.policy.forms.nodes import Said, masked
from callbackq.settings.lines import DEPTH_MAX, key_lines

SIZE_MAX: Final = 256 * 1024
"""No file of settings is larger: 5,000 holidays take 70 kB."""
_PLACE: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)\Z")
_LONG_NUMBER: Final = re.compile(r"[0-9_]{1000}")


def read_file(path: Path, problems: Problems) -> Node | None:
    """Return the whole of a file as one node; None: it is no such file. Raises: OSError."""
    with path.open("rb") as file:
        data = file.read(SIZE_MAX + 1)
    return read_bytes(data, file=str(path), problems=problems)


def read_bytes(data: bytes, *, file: str, problems: Problems) -> Node | None:
    """Return what the bytes of a file hold as one node; None: nothing that could be read."""
    if len(data) > SIZE_MAX:
        problems.add(Place(file, None, ()), Said("a file that is too large"), f"{SIZE_MAX // 1024} kB")
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problems.add(Place(file, line, ()), Said(f"the byte 0x{data[error.start]:02x}"), "text in UTF-8")
        return None
    return read_text(text, file=file, problems=problems)


def read_text(text: str, *, file: str, problems: Problems) -> Node | None:
    """Return what a text holds as one node; None: it is no TOML."""
    import tomllib

    lines = key_lines(text)
    if lines.too_deep_line is not None:
        place = Place(file, lines.too_deep_line, ())
        problems.add(place, Said("a key or a list that is too deep"), f"{DEPTH_MAX} within one another")
        return None
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        line, said = _mistake(error, text)
        problems.add(Place(file, line, ()), said, "TOML")
        return None
    return node_of(data, file=file, line_of=lines.line_of)


def _mistake(error: Exception, text: str) -> tuple[int | None, Said]:
    """Return on which line the text is no TOML, and why."""
    said = masked(str(error))
    found = _PLACE.search(said)
    if found is not None:
        line: int | None = int(found[1]) if found[1] else text.count("\n") + 1
        return line, Said(said[: found.start()])
    long = _LONG_NUMBER.search(text)
    line = None if long is None else text.count("\n", 0, long.start()) + 1
    return line, Said("a number that is too long" if long else said)

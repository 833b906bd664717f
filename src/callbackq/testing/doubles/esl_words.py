"""
How FreeSWITCH reads a line: into words, and the braces of a dial string into variables.

Written from what the real one does with quotes, escapes and separators, so that a value which would be a second
command, a second variable or a second telephone there is one here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_BECOMES: Final[Mapping[str, str]] = {"n": "\n", "r": "\r", "t": "\t", "s": " "}
_ADDRESS_ENDS: Final = (":_:", "|", ",")
"""Between two addresses: both are called, or the second when the first does not answer."""


def separated(text: str, delimiter: str = " ", *, parts_max: int = 0) -> list[str]:
    r"""
    Cut *text* at a delimiter that is neither quoted nor escaped; *parts_max* 0: as often as it comes.

    >>> separated("one 'two three' fo\\,ur"), separated("a=b,c='d,e'", ",")
    (['one', 'two three', 'fo\\,ur'], ['a=b', 'c=d,e'])
    """
    if text.startswith("^^") and len(text) > 3:
        delimiter, text = text[2], text[3:]
    parts, start, at, quoted = list[str](), 0, 0, False
    while at < len(text):
        one = text[at]
        if one == "\\":
            at += 1
        elif one == "'":
            quoted = not quoted and (delimiter == " " or "'" in text[at + 1 :])
        elif one == delimiter and not quoted:
            if delimiter != " " or at > start:
                parts.append(text[start:at])
            start = at + 1
            if parts_max and len(parts) == parts_max - 1:
                break
        at += 1
    if start < len(text) or (delimiter != " " and parts):
        parts.append(text[start:])
    return [_clean(part, delimiter) for part in parts]


def _clean(part: str, delimiter: str) -> str:
    found, at, quoted, kept = list[str](), 0, False, 0
    part = part.lstrip(" ")
    while at < len(part):
        one, after = part[at], part[at + 1 : at + 2]
        if (
            one == "\\"
            and after
            and (after in "'\"\\" or after in _BECOMES or (delimiter != " " and after == delimiter))
        ):
            found.append(_BECOMES.get(after, after))
            kept = len(found)
            at += 1
        elif one == "'" and (quoted or "'" in part[at + 1 :]):
            quoted = not quoted
            kept = len(found)
        else:
            found.append(one)
            if one != " " or quoted:
                kept = len(found)
        at += 1
    return "".join(found[:kept])


def braces(text: str) -> tuple[dict[str, str], str]:
    """
    Take the variables in braces from the front of a dial string; return them, and the rest.

    >>> braces("{a=1,b=x y}sofia/gateway/trunk/1")
    ({'a': '1', 'b': 'x y'}, 'sofia/gateway/trunk/1')
    """
    found: dict[str, str] = {}
    while text.startswith("{"):
        end = _end_of_braces(text)
        if end < 0:
            break
        for assigned in separated(text[1:end], ","):
            parts = separated(assigned, "=", parts_max=2)
            if len(parts) == 2:
                found.setdefault(parts[0], parts[1])
        text = text[end + 1 :].lstrip(" ")
    return found, text


def addresses(text: str) -> list[str]:
    """
    Return all that a dial string without its variables would call, sooner or later.

    >>> addresses("user/1,sofia/gateway/a/2|user/3")
    ['user/1', 'sofia/gateway/a/2', 'user/3']
    """
    for end in _ADDRESS_ENDS:
        text = text.replace(end, "\n")
    return [one for one in text.split("\n") if one]


def _end_of_braces(text: str) -> int:
    depth = 0
    for at, one in enumerate(text):
        depth += (one == "{") - (one == "}")
        if depth == 0:
            return at
    return -1

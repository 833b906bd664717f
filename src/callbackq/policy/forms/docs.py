"""What a class of settings says of its fields in its docstring: what each means, and its bounds."""

from __future__ import annotations

import inspect
import re
from functools import cache
from typing import Any, Final

import attrs

BOUNDS: Final = re.compile(
    r"(?P<above>Above )?(?P<low>\d[\d,.]*)(?: (?P<low_unit>ms|s|min|h|days))?,? to (?P<high>\d[\d,.]*)"
    r"(?: (?P<high_unit>ms|s|min|h|days?))?(?P<more>, lower first|, and less than `\w+`)?"
)
"""A sentence of a docstring that says the bounds of a field."""


@attrs.frozen(kw_only=True)
class FieldWords:
    """
    What is said of one field.

    Args:
        meaning: in words, without the bounds.
        bounds: as they are written: `15 s to 5 min`; empty: none are said.
        low, high: those of a number, as numbers; None: none are said, or it is a duration.
        above: whether `low` itself is not allowed.
    """

    meaning: str
    bounds: str = ""
    low: float | None = None
    high: float | None = None
    above: bool = False


def field_words(kind: type[Any]) -> dict[str, FieldWords]:
    """
    Return what the docstring of a class says of its fields; of what it does not name, nothing.

    >>> from callbackq.policy.caps import Caps
    >>> field_words(Caps)["attempts_per_number_max"].high
    1000.0
    """
    return _field_words(inspect.getdoc(kind) or "")


@cache
def _field_words(doc: str) -> dict[str, FieldWords]:
    text = doc.partition("Args:\n")[2]
    text = re.split(r"\n\n(?!    )", text, maxsplit=1)[0]
    found: dict[str, FieldWords] = {}
    for line in re.findall(r"^ {4}(\w+(?:, \w+)*: .*(?:\n {8}.*)*)", text, re.MULTILINE):
        said = " ".join(line.split())
        for part in re.split(r"(?<=\. )(?=[a-z_]+(?:, [a-z_]+)*: )", said):
            names, _, words = part.partition(": ")
            for name in names.split(", "):
                found[name] = _words(words.strip())
    return found


def _words(said: str) -> FieldWords:
    sentences = re.split(r"(?<=\.) ", said)
    bounds = [BOUNDS.fullmatch(sentence.rstrip(".")) for sentence in sentences]
    meaning = " ".join(sentence for sentence, bound in zip(sentences, bounds, strict=True) if bound is None)
    one = next((bound for bound in bounds if bound is not None), None)
    words = meaning[:1].upper() + meaning[1:]
    if one is None:
        return FieldWords(meaning=words)
    low, high = (None, None) if one["high_unit"] else (_number(one["low"]), _number(one["high"]))
    return FieldWords(
        meaning=words,
        bounds=one[0].removesuffix(one["more"] or ""),
        low=low,
        high=high,
        above=one["above"] is not None,
    )


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def summary(kind: type[Any]) -> str:
    """Return the first paragraph of a class's docstring, on one line, as files have it."""
    return as_in_files(" ".join((inspect.getdoc(kind) or "").partition("\n\n")[0].split()))


def as_in_files(text: str) -> str:
    """
    Say `false` for None, which TOML has not.

    >>> as_in_files("None: never.")
    'false: never.'
    """
    return re.sub(r"\bNone\b", "false", text)

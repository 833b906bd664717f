"""
Templates of messages: their grammar, and what each may and must name.

A template is plain text with placeholders, `{company}`. What stands in `[[ ... ]]` vanishes as a whole when a
placeholder in it has no value; `[[ ... || ... ]]` shows the second part then, or vanishes if that lacks a value as
well. A placeholder that may have no value stands only there. Values are put in as they are: never read again, never
cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

import attrs

from callbackq.model import MessageKind as Kind
from callbackq.policy.checks import Frozen

TEMPLATE_LENGTH_MAX: Final = 1_000


# ---------------------------------------------------------------------------- grammar


@attrs.frozen
class Piece:
    """A run of a template: literal text and placeholders in turn, which is shown as a whole or not at all."""

    literals: tuple[str, ...]
    """One more than there are names: the first stands before the first name."""
    names: tuple[str, ...]


@attrs.frozen
class Part:
    """What always stands there (`otherwise` is None), or what stands there only if all its placeholders have values."""

    piece: Piece
    otherwise: Piece | None = None

    @property
    def is_optional(self) -> bool:
        """Whether it vanishes when a value is missing."""
        return self.otherwise is not None


_NAME: Final = re.compile(r"\{([a-z_]+)\}", re.ASCII)
_OPTIONAL: Final = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)
_NOTHING: Final = Piece(("",), ())
_SPACE: Final = " "


def parse(template: str) -> tuple[Part, ...]:
    """
    Read a template.

    Raises:
        ValueError: it is none. Says what is wrong with it.

    >>> [part.is_optional for part in parse("We call you[[ at {time}]].")]
    [False, True, False]
    """
    return _parsed(template)


@lru_cache(maxsize=1_024)
def _parsed(template: str) -> tuple[Part, ...]:
    pieces = _OPTIONAL.split(template)
    return tuple(
        _optional(text) if index % 2 else Part(_piece(text)) for index, text in enumerate(pieces) if text
    )


def _optional(text: str) -> Part:
    shown, *rest = text.split("||")
    if len(rest) > 1:
        raise ValueError("'||' stands once in [[ ]]")
    piece = _piece(shown)
    if not piece.names:
        raise ValueError("[[ ]] holds no placeholder, so it would never vanish")
    otherwise = _piece(rest[0]) if rest else _NOTHING
    if set(piece.names) <= set(otherwise.names):
        raise ValueError("the part behind '||' holds every placeholder of the first, so it would never show")
    return Part(piece, otherwise)


def _piece(text: str) -> Piece:
    found = _NAME.split(text)
    literals, names = tuple(found[::2]), tuple(found[1::2])
    for literal in literals:
        if "{" in literal or "}" in literal:
            raise ValueError("a brace belongs to no placeholder: {name}, with nothing but the name in it")
        if "[[" in literal or "]]" in literal or "||" in literal:
            raise ValueError("[[ ]] must be closed, and holds no other [[ ]]; '||' stands within")
    return Piece(literals, names)


def fill(template: str, values: Mapping[str, str | None]) -> str:
    """
    Return the text of a template: a value that is missing or None takes its `[[ ]]` along. Nothing in a value is read.

    Raises:
        LookupError: a value is missing that stands outside of `[[ ]]`. Names the placeholder.
        ValueError: *template* is none.

    >>> fill("We call you[[ at {time}]].", {"time": "3:00 PM EST"}), fill("We call you[[ at {time}]].", {})
    ('We call you at 3:00 PM EST.', 'We call you.')
    >>> offer = "We call you.[[ {cancel} cancels, {other_time} moves it.|| {cancel} cancels.]]"
    >>> fill(offer, {"cancel": "9", "other_time": "2"}), fill(offer, {"cancel": "9"}), fill(offer, {})
    ('We call you. 9 cancels, 2 moves it.', 'We call you. 9 cancels.', 'We call you.')
    """
    shown: list[str] = []
    for part in parse(template):
        piece = part.piece
        missing = [name for name in piece.names if values.get(name) is None]
        if missing and part.otherwise is None:
            raise LookupError(missing[0])
        if missing and part.otherwise is not None:
            piece = part.otherwise
            if any(values.get(name) is None for name in piece.names):
                continue
        _append(shown, piece, values)
    return "".join(shown).strip()


def _append(shown: list[str], piece: Piece, values: Mapping[str, str | None]) -> None:
    for literal, name in zip(piece.literals, (*piece.names, None), strict=True):
        ends_blank = not shown or shown[-1].endswith((_SPACE, "\n"))
        said = literal.lstrip(_SPACE) if ends_blank else literal
        if said:
            shown.append(said)
        value = None if name is None else values.get(name)
        if value:
            shown.append(value)


def names_in(template: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the placeholders that always stand there, and those within `[[ ]]`. Raises: ValueError."""
    always: set[str] = set()
    optional: set[str] = set()
    for part in parse(template):
        (optional if part.is_optional else always).update(part.piece.names)
        if part.otherwise is not None:
            optional.update(part.otherwise.names)
    return frozenset(always), frozenset(optional)


# ---------------------------------------------------------------------------- what each may and must name


COMMON: Final = frozenset(
    {
        "company",
        "company_number",
        "name",
        "link",
        "other_channels",
        "cancel",
        "other_time",
        "change_number",
        "status",
        "call_me",
    }
)
"""Placeholders that every template may have, within `[[ ]]`: each may have no value."""


@attrs.frozen(kw_only=True)
class Rule:
    """
    What one template names.

    Args:
        required: it must name these, and they always have values.
        optional: it may name these besides `COMMON`, within `[[ ]]`.
    """

    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()


def _rule(required: str = "", optional: str = "") -> Rule:
    return Rule(required=frozenset(required.split()), optional=frozenset(optional.split()))


VARIANTS: Final[Mapping[Kind, tuple[str, ...]]] = Frozen(
    {
        Kind.CONFIRMATION: ("", "wait", "turn"),
        Kind.REMINDER: ("", "soon"),
        Kind.AGENT_CHANGED: ("", "turn"),
        Kind.RESCHEDULE: ("", "none"),
        Kind.SLOTS_FULL: ("", "none"),
        Kind.OTHER_TIMES: ("", "none"),
        Kind.LATE: ("", "none"),
        Kind.SLIPPED: ("", "unknown"),
        Kind.STATUS: ("", "turn", "later", "calling", "over"),
    }
)
"""The variants of a template, behind a dot; `""` is the one with the bare name, and all that other kinds have."""

_RULES: Final[Mapping[str, Rule]] = Frozen(
    {
        "confirmation": _rule("time", "number_end"),
        "confirmation.wait": _rule("wait", "number_end position"),
        "confirmation.turn": _rule("", "number_end position"),
        "reminder": _rule("time", "number_end"),
        "reminder.soon": _rule("", "number_end"),
        "missed": _rule("", "time number_end"),
        "unreached": _rule("", "number_end"),
        "cancelled": _rule("", "time"),
        "agent_changed": _rule("time", "number_end"),
        "agent_changed.turn": _rule("", "number_end"),
        "reschedule": _rule("choices", "time"),
        "reschedule.none": _rule("", "time"),
        "slots_full": _rule("choices", "time"),
        "slots_full.none": _rule("", "time"),
        "other_times": _rule("choices", "wait"),
        "other_times.none": _rule("", "wait"),
        "late": _rule("choices", "time"),
        "late.none": _rule("", "time"),
        "slipped": _rule("wait", "time position"),
        "slipped.unknown": _rule("", "time position"),
        "no_agent": _rule("", "time"),
        "verification": _rule("code"),
        "status": _rule("time", "number_end"),
        "status.turn": _rule("", "number_end position wait"),
        "status.later": _rule("", "number_end time"),
        "status.calling": _rule("", "number_end"),
        "which": _rule("callbacks"),
        "enter_code": _rule("", "number_end"),
        "number_changed": _rule("", "number_end time"),
        "number_refused": _rule("", "number_end"),
    }
)
"""What a template names besides `COMMON`; one that is not here, nothing."""


def names_of(kind: Kind) -> tuple[str, ...]:
    """
    Return the names of a kind's templates.

    >>> names_of(Kind.REMINDER)
    ('reminder', 'reminder.soon')
    """
    return tuple(f"{kind}.{variant}" if variant else str(kind) for variant in VARIANTS.get(kind, ("",)))


TEMPLATES: Final[Mapping[str, Rule]] = Frozen(
    {name: _RULES.get(name, Rule()) for kind in Kind for name in names_of(kind)}
)
"""Every template that there is, by name."""


def problem_of(template: object, *, rule: Rule) -> tuple[str, str] | None:
    """Return what is wrong with a template, and what is allowed; None: nothing."""
    if not isinstance(template, str) or not template.strip():
        return "no text", f"a text of 1 to {TEMPLATE_LENGTH_MAX:,} characters"
    if len(template) > TEMPLATE_LENGTH_MAX or not template.replace("\n", "").isprintable():
        return "a text", f"1 to {TEMPLATE_LENGTH_MAX:,} characters that can be shown, and ends of lines"
    try:
        always, optional = names_in(template)
    except ValueError as error:
        return str(error), "plain {names}, with what may have no value in [[ ]]"
    may_lack = COMMON | rule.optional
    if unknown := (always | optional) - may_lack - rule.required:
        return _listed("unknown", unknown), _listed("", may_lack | rule.required)
    if lacking := rule.required - always:
        return _listed("missing outside of [[ ]]:", lacking), f"with {_listed('', rule.required)}"
    if bare := always & may_lack:
        return _listed("outside of [[ ]]:", bare), "within [[ ]], for they may have no value"
    if not any(literal.strip() for part in parse(template) for literal in part.piece.literals):
        return "placeholders only", "a text that says something"
    return None


def _listed(before: str, names: Iterable[str]) -> str:
    return f"{before} {', '.join(f'{{{name}}}' for name in sorted(names))}".strip()

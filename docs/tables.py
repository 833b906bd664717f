"""
The tables of these pages that say what the code says. `generate.py` puts them into the pages.

Each function returns the lines of one Markdown table. What the code cannot say, such as when a command is given, is
said here in words; a name without its words is an error.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from datetime import timedelta

import attrs
import diagrams

from callbackq import (
    KEYS_DEFAULT,
    RETRY_S2,
    AnsweredBy,
    AttemptState,
    CallbackqError,
    Caps,
    Disposition,
    QueuePolicy,
    errors,
)
from callbackq.core.attempt import CUSTOMER_DISPOSITION, DEADLINES
from callbackq.core.lifecycle import TRANSITIONS, Command
from callbackq.core.retry import counts

COMMAND_WORDS = {
    Command.REQUEST: "you called `request`",
    Command.SCHEDULE: "you called `request` with `scheduled_at`",
    Command.READY: "its time came, or its rest or hold is over",
    Command.PLACE: "you gave it another place: `prioritize`, `put_first`, `move`, `rerank`, or `merge` into it",
    Command.OPEN: "its preferred agent did not come in time, or went away: any agent with the skills may serve it",
    Command.REQUEUE: "its turn came, and could not be used within the response window",
    Command.MARK_LONG_WAIT: "it has waited longer than `virtual_wait_max`; it keeps its place",
    Command.TICKET: "a ticket was opened for it",
    Command.HOLD: "its number is in another live attempt",
    Command.ATTEMPT: "its turn came, and an agent was reserved",
    Command.LOOK_AGAIN: "it outlasted its time, and its own deadlines are yet to end it",
    Command.GIVE_BACK: "the attempt ended and does not count; the place is as it was",
    Command.REST: "the attempt counts and failed, and a rule allows one more",
    Command.COMPLETE: "agent and customer can hear each other",
    Command.GIVE_UP: "the attempt counts and failed, and no rule allows one more",
    Command.MERGE: "you called `merge`, and another callback of this person goes on",
    Command.CANCEL: "you called `cancel`",
    Command.EXPIRE: "its life is over, and it was not done",
}

SILENT = {"priority_default": "the priority of a place for which none is given."}
"""Fields of a policy whose docstring gives their bounds only."""


def _table(head: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def _code(word: object) -> str:
    return f"`{word}`"


def transition_table() -> list[str]:
    """What takes a callback from one state to another."""
    return _table(
        ["from", "command", "to", "when"],
        [
            (
                _code(str(before).upper()) if before else "",
                command,
                _code(after.upper()),
                COMMAND_WORDS[command],
            )
            for (before, command), after in TRANSITIONS.items()
        ],
    )


def attempt_table() -> list[str]:
    """What takes an attempt from one state to another, and what the telephony is asked to do."""
    found: dict[tuple[str, str], tuple[dict[str, None], dict[str, None]]] = {}
    for move in diagrams.attempt_moves_in_order():
        states, effects = found.setdefault((move.before, _heard(move)), ({}, {}))
        states[_code(move.after.upper())] = None
        effects.update(dict.fromkeys(move.effects))
    order = list(AttemptState)
    rows = sorted(found.items(), key=lambda item: order.index(AttemptState(item[0][0])))
    return _table(
        ["in state", "heard", "then", "asked of the telephony"],
        [
            (_code(before.upper()), heard, " or ".join(sorted(states, reverse=True)), ", ".join(effects))
            for (before, heard), (states, effects) in rows
        ],
    )


def _heard(move: diagrams.Move) -> str:
    if move.why in DEADLINES:
        return f"deadline {_code(move.why)}"
    if move.answered_by is None or move.before is not AttemptState.AGENT_ON_LINE:
        return move.why
    machines = {AnsweredBy.MACHINE, AnsweredBy.FAX}
    return f"{move.why}: {'a machine or a fax' if move.answered_by in machines else 'a human, or not known'}"


def cause_table() -> list[str]:
    """What each cause of a customer's leg means."""
    return _table(
        ["cause that you report", "disposition, if the two were not joined yet"],
        [(_code(f"Cause.{cause.name}"), _code(found)) for cause, found in CUSTOMER_DISPOSITION.items()],
    )


def retry_table() -> list[str]:
    """What follows each disposition under the rules that a policy has unless you give others."""
    rows = []
    for disposition in Disposition:
        rule = RETRY_S2.get(disposition)
        if disposition is Disposition.CONNECTED:
            follows = "the callback is completed"
        elif disposition is Disposition.CANCELLED_BY_US:
            follows = "the callback is cancelled"
        elif rule is None or not rule.retries_max:
            follows = "the callback ends as unreached"
        else:
            rest = f"after {_duration(rule.rest)}" if rule.rest else "at once"
            follows = f"again {rest}, {_times(rule.retries_max)}"
        rows.append((_code(disposition), follows, _counts(disposition)))
    return _table(["disposition", "what follows", "counts as an attempt"], rows)


def _counts(disposition: Disposition) -> str:
    first, _ = diagrams.new_attempt()
    silent = attrs.evolve(first, disposition=disposition, customer_rang=False)
    rang = attrs.evolve(silent, customer_rang=True)
    return "yes" if counts(silent) else "if the customer's phone rang" if counts(rang) else "no"


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def error_table() -> list[str]:
    """Every error, the deeper ones indented, with what it means and whether the same call is safe again."""

    def below(error: type[CallbackqError], depth: int) -> Iterator[tuple[str, str, str]]:
        also = [
            base.__name__
            for base in error.__bases__
            if base.__module__ == "builtins" and base is not Exception
        ]
        name = "&emsp;" * depth + _code(error.__name__) + (f", a {_code(also[0])}" if also else "")
        yield name, " ".join((inspect.getdoc(error) or "").split()), "**yes**" if error.retry_safe else "no"
        names = errors.__all__
        for child in sorted(error.__subclasses__(), key=_place_in_source):
            if child.__name__ in names:
                yield from below(child, depth + 1)

    return _table(["error", "what happened", "safe to try again as it is"], list(below(CallbackqError, 0)))


def _place_in_source(error: type[CallbackqError]) -> int:
    return inspect.getsourcelines(error)[1]


BOUNDS = re.compile(
    r"(Above )?(\d[\d,]*)(?: (s|min|h))?,? to (\d[\d,]*)(?: (s|min|h|days))?(?:, lower first|, and less than `\w+`)?"
)
"""What a docstring says of the bounds of a field."""


def policy_fields() -> dict[str, tuple[str, str, str]]:
    """Return default, what is allowed, and meaning of each field of a policy, from its class and docstring."""
    text = (inspect.getdoc(QueuePolicy) or "").partition("Args:\n")[2].partition("\n\n")[0]
    said = dict(re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", text, re.MULTILINE))
    found = {}
    for name, field in attrs.fields_dict(QueuePolicy).items():
        sentences = re.split(r"(?<=\.) ", " ".join(said[name].split()))
        allowed = [sentence for sentence in sentences if BOUNDS.fullmatch(sentence.rstrip("."))]
        words = [sentence for sentence in sentences if sentence not in allowed]
        meaning = " ".join(words) or SILENT[name]
        found[name] = (_default(field), "".join(allowed).rstrip("."), meaning[:1].upper() + meaning[1:])
    return found


def _default(field: attrs.Attribute[object]) -> str:
    if field.default is attrs.NOTHING:
        return "you give it"
    for name, preset in (("RETRY_S2", RETRY_S2), ("KEYS_DEFAULT", KEYS_DEFAULT), ("Caps()", Caps())):
        if field.default == preset:
            return _code(name)
    if isinstance(field.default, timedelta):
        return _duration(field.default)
    return _code(field.default)


def _duration(value: timedelta) -> str:
    for unit, seconds in (("days", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        number, rest = divmod(value.total_seconds(), seconds)
        if number and not rest and not (unit == "days" and number == 1):
            return f"{number:g} {unit}"
    return "0"


def policy_table() -> list[str]:
    """Every field of a policy."""
    return _table(
        ["field", "default", "allowed", "meaning"],
        [(_code(name), *cells) for name, cells in policy_fields().items()],
    )


TABLES = {
    "transitions": transition_table,
    "attempts": attempt_table,
    "causes": cause_table,
    "retries": retry_table,
    "errors": error_table,
    "policy": policy_table,
}

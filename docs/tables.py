"""
The tables of these pages that say what the code says. `generate.py` puts them into the pages.

Each function returns the lines of one Markdown table. What the code cannot say, such as when a command is given, is
said here in words; a name without its words is an error.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cache

import attrs
import diagrams

from callbackq import (
    KEYS_DEFAULT,
    RETRY_S2,
    AttemptState,
    CallbackqError,
    Caps,
    Disposition,
    QueuePolicy,
    errors,
)
from callbackq import causes as codes
from callbackq.core import outbox
from callbackq.core.attempt import CUSTOMER_DISPOSITION, DEADLINES
from callbackq.core.lifecycle import TRANSITIONS, Command
from callbackq.core.metrics import DEFINITIONS, Definition
from callbackq.core.retry import counts
from callbackq.model.figures import FigureGroup, FigureUnit
from callbackq.policy import CONFIRM_KEYS, NumberChoice, RetryRule, Voicemail
from callbackq.policy.presetting import preset_names, preset_title
from callbackq.policy.prompts import NO_PROMPTS
from callbackq.policy.reply_words import carrier_words
from callbackq.policy.status_words import product_words, status_products
from callbackq.policy.templates import TEMPLATES
from callbackq.settings import json_schema

COMMAND_WORDS = {
    Command.REQUEST: "you called `request`",
    Command.SCHEDULE: "you called `request` with `scheduled_at`",
    Command.WATCH: "its booked time is near, and it need not stand in line yet",
    Command.RESCHEDULE: "you called `reschedule`, or the rules of its zone have changed",
    Command.READY: "its time came, or its rest or hold is over",
    Command.PLACE: "you gave it another place: `prioritize`, `put_first`, `move`, `rerank`, or `merge` into it",
    Command.OPEN: "its preferred agent did not come in time, or went away: any agent with the skills may serve it",
    Command.REQUEUE: "its turn came, and could not be used within the response window",
    Command.MARK_LONG_WAIT: "it has waited longer than `virtual_wait_max`; it keeps its place",
    Command.TICKET: "a ticket was opened for it",
    Command.HOLD: "its turn came, and a rule forbids calling this person now; the table above has the reasons",
    Command.TELL: "every agent declined it, and all rules permit the call that tells the customer so",
    Command.ATTEMPT: "its turn came, and an agent was reserved",
    Command.LOOK_AGAIN: "it outlasted its time, and its own deadlines are yet to end it",
    Command.GIVE_BACK: "the attempt ended and does not count; the place is as it was",
    Command.REST: "the attempt counts and failed, and a rule allows one more",
    Command.COMPLETE: "agent and customer can hear each other",
    Command.GIVE_UP: "the attempt counts and failed, and no rule allows one more; or nobody can take it, and the "
    "customer was told so by a call, or cannot be",
    Command.REFUSE: "its turn came, and a rule forbids calling this person at any of their numbers",
    Command.MERGE: "you called `merge`, and another callback of this person goes on",
    Command.CANCEL: "you called `cancel`",
    Command.EXPIRE: "its life is over, and it was not done",
    Command.FAIL: "somebody else answered, and no other number is tried: the right one is asked for; or every agent "
    "has declined it, and the customer is to be told",
    Command.RETRY: "a person said that it was no conversation; a rule allows one more",
    Command.CORRECT: "a person said that somebody else had answered; the right number is asked for",
    Command.REVISE: "a person said that it was no conversation, and no rule allows one more, or the customer asked "
    "again; or you called `mark_done` for one that was not reached, or expired",
    Command.RENUMBER: "you called `change_number`",
    Command.CALL_IN: "the customer called in; also after it was missed",
    Command.DONE: "you called `mark_done`, or the customer was served as a live call",
    Command.SCORE: "you called `report_score` or `reopen_ticket`",
}

MESSAGE_WORDS = {
    outbox.Command.QUEUE: "history tells of something that the customer should know",
    outbox.Command.HOLD: "it is due, and must wait: for quiet hours to end, or for a call that is being made",
    outbox.Command.SEND: "it is given out to be sent: the intent is stored; an answer begins with it",
    outbox.Command.WITHDRAW: "it is no longer true, comes too late, or nobody wants it; `problem` says which",
    outbox.Command.ACCEPT: "the provider has taken it",
    outbox.Command.DELIVER: "a receipt says that it arrived",
    outbox.Command.REQUEUE: "it certainly did not arrive: once more, or by the next channel",
    outbox.Command.FAIL: "it certainly did not arrive, and no channel is left",
    outbox.Command.DOUBT: "nobody knows: the messenger raised, or said nothing for `send_time_max`",
    outbox.Command.OPT_OUT: "the provider says that its receiver opted out",
    outbox.Command.TIME_OUT: "no receipt came within `receipt_time_max`, or nobody settled it within `uncertain_life`",
    outbox.Command.SETTLE: "you called `settle_message`",
}

SILENT = {
    "priority_default": "the priority of a place for which none is given.",
    "no_shows_window": "how long a missed time that was chosen is remembered.",
}
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
            (
                _code(before.upper()),
                heard,
                " or ".join(sorted(states, reverse=True)),
                ", ".join(sorted(effects)),
            )
            for (before, heard), (states, effects) in rows
        ],
    )


def _heard(move: diagrams.Move) -> str:
    if move.why in DEADLINES:
        return f"deadline {_code(move.why)}"
    given = _given_words()[move.before, move.why, move.given]
    return f"{move.why}: {given}" if given else move.why


@cache
def _given_words() -> Mapping[tuple[str, str, str], str]:
    """Put together what leads to the same states; nothing need be said where all of it does."""
    after: dict[tuple[str, str], dict[str, set[str]]] = {}
    for move in diagrams.attempt_moves():
        after.setdefault((move.before, move.why), {}).setdefault(move.given, set()).add(move.after)
    words = {}
    for (before, why), given in after.items():
        for one, states in given.items():
            alike = sorted(other for other, others in given.items() if others == states)
            said = ", ".join(other or "a human, or not known" for other in alike)
            words[before, why, one] = said if len(alike) < len(given) else ""
    return words


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
        elif disposition is Disposition.WRONG_PERSON:
            follows = (
                f"{_again(RETRY_S2[disposition])}; it is held until the number is corrected, if there is none"
            )
        elif rule is None or not rule.retries_max:
            follows = f"{_voicemail(rule)}the callback ends as unreached"
        else:
            follows = _again(rule)
        rows.append((_code(disposition), follows, _counts(disposition)))
    return _table(["disposition", "what follows", "counts as an attempt"], rows)


def _again(rule: RetryRule) -> str:
    assert isinstance(rule.rest, timedelta)
    rest = f"after {_duration(rule.rest)}" if rule.rest else "at once"
    other = ", at another of the person's numbers" if rule.number is NumberChoice.OTHER else ""
    return f"again {rest}, {_times(rule.retries_max)}{other}"


def _voicemail(rule: RetryRule | None) -> str:
    return "a short voicemail; " if rule is not None and rule.voicemail is Voicemail.PROMPT else ""


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


PRESETS = {
    "RETRY_S2": RETRY_S2,
    "KEYS_DEFAULT": KEYS_DEFAULT,
    "CONFIRM_KEYS": CONFIRM_KEYS,
    "Caps()": Caps(),
    "{}": NO_PROMPTS,
}
"""What a field has unless you say otherwise, where its own words would be long."""

BOUNDS = re.compile(
    r"(Above )?(\d[\d,]*)(?: (s|min|h))?,? to (\d[\d,]*)(?: (s|min|h|days))?(?:, lower first|, and less than `\w+`)?"
)
"""What a docstring says of the bounds of a field."""


def policy_fields() -> dict[str, tuple[str, str, str]]:
    """Return default, what is allowed, and meaning of each field of a policy, from its class and docstring."""
    text = (inspect.getdoc(QueuePolicy) or "").partition("Args:\n")[2].partition("\n\n")[0]
    said = {
        name: words
        for names, words in re.findall(r"^ {4}(\w+(?:, \w+)*): (.*(?:\n {8}.*)*)", text, re.MULTILINE)
        for name in names.split(", ")
    }
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
    for name, preset in PRESETS.items():
        if field.default == preset:
            return _code(name)
    if isinstance(field.default, timedelta):
        return _duration(field.default)
    made_by = getattr(
        field.default, "factory", type(field.default)
    )  # settings of their own have a page of their own
    if attrs.has(made_by):
        return _code(f"{made_by.__name__}()")
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


def code_table(rows: Mapping[int, codes.CauseRow] | Mapping[str, codes.CauseRow]) -> list[str]:
    """What each code of a phone system means for a customer's leg that was not answered."""
    return _table(
        ["code", "in words", "cause", "disposition", "if the phone never rang"],
        [
            (
                _code(code),
                row.words,
                _code(row.cause),
                _code(CUSTOMER_DISPOSITION[row.cause]),
                f"{_code(row.unrung)}, {_code(CUSTOMER_DISPOSITION[row.unrung])}" if row.unrung else "",
            )
            for code, row in rows.items()
        ],
    )


ENDS = {
    # What happens: (rang, answered, by us), Asterisk's cause and SIP code, FreeSWITCH's name and SIP code.
    "busy": ((False, False, False), (17, 486), ("USER_BUSY", 486)),
    "the customer declines": ((True, False, False), (21, 603), ("CALL_REJECTED", 603)),
    "rings, and nobody picks up in time": ((True, False, False), (19, 480), ("NO_ANSWER", 487)),
    "the network gives up after ringing": (
        (True, False, False),
        (18, 408),
        ("RECOVERY_ON_TIMER_EXPIRE", 408),
    ),
    "switched off, or no coverage": ((False, False, False), (19, 480), ("NO_USER_RESPONSE", 480)),
    "no such number": ((False, False, False), (1, 404), ("UNALLOCATED_NUMBER", 404)),
    "no circuit": ((False, False, False), (34, 503), ("NORMAL_TEMPORARY_FAILURE", 503)),
    "you hang up while it rings": ((True, False, True), (16, None), ("NORMAL_CLEARING", None)),
    "answers, and leaves later": ((True, True, False), (16, None), ("NORMAL_CLEARING", None)),
}


def end_table() -> list[str]:
    """What both PBXs say of the same end, and the one cause that it is read as."""
    rows = []
    for words, (known, (number, sip), (name, sip_too)) in ENDS.items():
        facts = dict(zip(("rang", "answered", "by_us"), known, strict=True))
        cause = codes.ari_cause(number, tech_cause=sip, **facts)
        if cause is not codes.freeswitch_cause(name, sip=sip_too, **facts):
            raise ValueError(f"the PBXs differ: {words}")
        asterisk = f"{number}, SIP {sip}" if sip else str(number)
        freeswitch = f"{_code(name)}, SIP {sip_too}" if sip_too else _code(name)
        rows.append((words, asterisk, freeswitch, _code(cause), _code(CUSTOMER_DISPOSITION[cause])))
    return _table(["what happens", "Asterisk", "FreeSWITCH", "cause", "disposition"], rows)


def answered_by_table() -> list[str]:
    """What a detector of answering machines says."""
    return _table(
        ["result", "answered by"],
        [(_code(result), _code(f"AnsweredBy.{who.name}")) for result, who in codes.ANSWERED_BY.items()],
    )


def message_table() -> list[str]:
    """What takes a message from one state to another."""
    return _table(
        ["from", "command", "to", "when"],
        [
            (
                _code(str(before).upper()) if before else "",
                command,
                _code(after.upper()),
                MESSAGE_WORDS[command],
            )
            for (before, command), after in outbox.TRANSITIONS.items()
        ],
    )


def carrier_table() -> list[str]:
    """The words that carriers act on, from the data file."""
    return _table(
        ["who", "opts out with", "and in again with", "source", "read on"],
        [
            (each.name, _words(each.opt_out), _words(each.opt_in), each.source, str(each.as_of))
            for each in carrier_words().carriers
        ],
    )


def status_product_table() -> list[str]:
    """Whose words there are, what they are, and where they were read."""
    return _table(
        [
            "product",
            "in full",
            "its words for a call are",
            "its words for a contact are",
            "source",
            "read on",
        ],
        [
            (_code(each.key), each.name, each.call_is, each.contact_is, each.source, str(each.as_of))
            for each in map(product_words, status_products())
        ],
    )


def status_contact_table() -> list[str]:
    """What contacts are called, by outcome."""
    rows: list[tuple[str, ...]] = []
    for each in map(product_words, status_products()):
        said = {
            **{(_code(outcome), ""): pair.contact for outcome, pair in each.outcomes.items()},
            **{(_code(outcome), _code(last)): pair.contact for (outcome, last), pair in each.after.items()},
        }
        rows += [(each.name, outcome, after, _code(word)) for (outcome, after), word in said.items() if word]
    return _table(["product", "outcome", "after", "contact"], rows)


def status_call_table() -> list[str]:
    """What calls are called, by disposition."""
    return _table(
        ["product", "disposition", "call"],
        [
            (each.name, _code(disposition), _code(word))
            for each in map(product_words, status_products())
            for disposition, word in each.dispositions.items()
        ],
    )


def status_state_table() -> list[str]:
    """What open callbacks are called, by state."""
    return _table(
        ["product", "state", "contact"],
        [
            (each.name, _code(state.upper()), _code(word))
            for each in map(product_words, status_products())
            for state, word in each.states.items()
        ],
    )


def _words(words: frozenset[str]) -> str:
    return ", ".join(sorted(word.upper() for word in words))


def template_table() -> list[str]:
    """The templates of messages, and what each must and may name."""
    return _table(
        ["template", "must name", "may name as well"],
        [
            (_code(name), _placeholders(rule.required), _placeholders(rule.optional))
            for name, rule in TEMPLATES.items()
        ],
    )


def _placeholders(names: frozenset[str]) -> str:
    return ", ".join(_code(f"{{{name}}}") for name in sorted(names))


def figure_table(group: FigureGroup) -> list[str]:
    """The figures of one group: what each is, and what was chosen where documents differ."""
    return _table(
        ["name", "in a report", "what it is", "target", "source", "what was chosen"],
        [
            (
                _code(one.name),
                one.title,
                one.formula,
                _target(one),
                one.source,
                one.choice or "",
            )
            for one in DEFINITIONS.values()
            if one.group is group
        ],
    )


def figure_terms_table() -> list[str]:
    """Every figure with its formula, what it is divided by, and its target."""
    return _table(
        ["figure", "formula", "divided by", "target", "source"],
        [
            (one.title, one.formula, one.denominator or "", _target(one), one.source)
            for one in DEFINITIONS.values()
        ],
    )


def _target(one: Definition) -> str:
    """Return the target of a figure as a person writes it."""
    target = one.target
    if target is None:
        return ""
    sign, bound = (">", target.more_than) if target.more_than is not None else ("<", target.less_than)
    assert bound is not None
    if one.unit is FigureUnit.SECONDS:
        return f"{sign} {bound / 60:g} min"
    if one.unit is FigureUnit.SCORE:
        return f"{sign} {bound:g} of 5"
    of = f" of {_code(target.of)}" if target.of is not None else ""
    return f"{sign} {bound * 100:g} %{of}"


SETTINGS_IN = {
    "QueuePolicy": "`[queue.NAME]`, and the same in `[defaults]`",
    "Caps": "`[caps]`, and `caps` of a queue",
    "HostFigures": "`[figures]`",
    "RunnerSettings": "`[runner]`",
    "NumberPolicy": "`numbers` of a queue",
    "RegionRule": "each of `numbers.regions`, and `numbers.other_regions`",
    "CallingPolicy": "`calling` of a queue",
    "CallingRule": "each of `calling.rules` that is a table",
    "RequestLimits": "`limits` of a queue",
    "Limit": "each limit",
    "KeypadPolicy": "`keypad` of a queue",
    "Verify": "`verify` of a queue",
    "RetryRule": "each of `retry_rules` of a queue",
    "SteppedRest": "`rest` of a retry rule: steps",
    "ExponentialRest": "`rest` of a retry rule: longer each time",
    "NextBusinessDay": "`rest` of a retry rule: the next day of work",
    "WeekHours": "`hours` of a queue",
    "Closure": "each of `hours.closures`",
    "Week": "a week of opening hours",
    "SlotPolicy": "`slots` of a queue",
    "FixedSeats": "`slots.seats`: always the same",
    "StaffedSeats": "`slots.seats`: by the agents",
    "Messages": "`messages` of a queue",
    "Catalogue": "each of `messages.languages` that is a table",
    "Dates": "`dates` of a catalogue",
}
"""Where the settings of each class stand in a file."""


def settings_tables() -> list[str]:
    """Every setting that a file may name, class by class."""
    schema = json_schema()
    defs = schema["$defs"]
    lines = []
    for name, where in SETTINGS_IN.items():
        lines += [f"## {name}", "", f"{where[:1].upper()}{where[1:]}. {defs[name]['description']}", ""]
        lines += _table(
            ["key", "value", "default", "meaning"],
            [
                (
                    _code(key),
                    _setting_kind(field, defs),
                    _setting_default(field, needed=key in defs[name].get("required", ())),
                    field.get("description", "").replace("|", "\\|"),
                )
                for key, field in defs[name]["properties"].items()
            ],
        )
        lines.append("")
    missing = {name for name, table in defs.items() if "properties" in table} - set(SETTINGS_IN)
    if missing:
        raise ValueError(f"no words for {missing}")
    return lines[:-1]


def _setting_kind(field: Mapping[str, object], defs: Mapping[str, object]) -> str:
    """What is to be written, in words."""
    if "enum" in field:
        return ", ".join(map(_code, field["enum"]))
    if "const" in field:
        return _code(str(field["const"]).lower() if isinstance(field["const"], bool) else field["const"])
    if "anyOf" in field:
        return " or ".join(_setting_kind(each, defs) for each in field["anyOf"])
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        if "enum" in defs[name]:
            return _setting_kind(defs[name], defs)
        plain = {"Duration": "a duration", "Time": "a time", "Span": "a span"}
        return plain.get(name) or f"[{name}](#{name.lower()})"
    if field["type"] == "array":
        return f"a list of: {_setting_kind(field['items'], defs)}"
    if field["type"] == "object":
        return f"a table of: {_setting_kind(field['additionalProperties'], defs)}"
    kinds = {
        "integer": "a whole number",
        "number": "a number",
        "boolean": "`true` or `false`",
        "string": "a text",
    }
    if field.get("format") == "date-time":
        return "date and time, with the distance to UTC"
    return "a date" if field.get("format") == "date" else kinds[field["type"]]


def _setting_default(field: Mapping[str, object], *, needed: bool) -> str:
    if needed:
        return "must be said"
    default = field.get("default")
    if default is None:
        return ""
    text = json.dumps(default)
    return _code(text) if len(text) <= 60 else "see `callbackq settings-schema`"


def preset_table() -> list[str]:
    """The presets, and what they stand for."""
    return _table(
        ["preset", "what it stands for"], [(_code(name), preset_title(name)) for name in preset_names()]
    )


TABLES = {
    "transitions": transition_table,
    "attempts": attempt_table,
    "causes": cause_table,
    "retries": retry_table,
    "errors": error_table,
    "policy": policy_table,
    "ends": end_table,
    "answered_by": answered_by_table,
    "q850": lambda: code_table(codes.Q850),
    "sip": lambda: code_table(codes.SIP),
    "asterisk": lambda: code_table(codes.ASTERISK),
    "freeswitch": lambda: code_table(codes.FREESWITCH),
    "twilio": lambda: code_table(codes.TWILIO),
    "twilio_errors": lambda: code_table(codes.TWILIO_ERRORS),
    "messages": message_table,
    "carriers": carrier_table,
    "status_products": status_product_table,
    "status_contacts": status_contact_table,
    "status_calls": status_call_table,
    "status_states": status_state_table,
    "templates": template_table,
    "settings": settings_tables,
    "presets": preset_table,
    "figures_volume": lambda: figure_table(FigureGroup.VOLUME),
    "figures_success": lambda: figure_table(FigureGroup.SUCCESS),
    "figures_waits": lambda: figure_table(FigureGroup.WAITS),
    "figures_promises": lambda: figure_table(FigureGroup.PROMISES),
    "figures_cost": lambda: figure_table(FigureGroup.COST),
    "figure_terms": figure_terms_table,
}

"""The JSON Schema of settings files, made from the classes that they are read into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from callbackq.policy.forms import RecordForm, Schema
from callbackq.policy.presetting import preset_names, preset_node, preset_title
from callbackq.settings.reading import PRESET, single_forms
from callbackq.settings.special import policy_form

SCHEMA_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """
    Return the schema of a settings file, as draft 2020-12 of JSON Schema has it.

    It is for editors and other programs: what it allows may still contradict itself, and is refused when it is read.
    Dates and times are texts in it, as JSON has them.

    >>> sorted(json_schema()["properties"])
    ['caps', 'defaults', 'figures', 'limits', 'queue', 'runner', 'tenant']
    """
    defs: dict[str, Schema] = {}
    policy = policy_form().schema(defs)
    queue_table = defs[policy["$ref"].rpartition("/")[2]]
    _add_preset(queue_table, "queue")
    single = {name: form.schema(defs) for name, form in single_forms().items()}
    _add_preset(defs["HostFigures"], "figures")
    words = {
        "defaults": "What holds for every queue, unless the queue says otherwise.",
        "queue": "A table for each queue, by its name: [queue.support].",
        "caps": "How many callbacks are dialed at once and per minute over all queues.",
        "limits": "How many requests are taken over all queues.",
        "figures": "What only you know, for reports.",
        "runner": "How runners go about their work.",
        "tenant": "What differs for one tenant: [tenant.acme.defaults], [tenant.acme.queue.support].",
    }
    queues: Schema = {"type": "object", "additionalProperties": policy}
    shared = {
        "defaults": policy,
        "queue": queues,
        **{name: single[name] for name in ("caps", "limits", "figures")},
    }
    tenant = {
        "type": "object",
        "properties": {
            **shared,
            "queues": {"type": "array", "minItems": 1, "items": {"type": "string"}},
        },
        "additionalProperties": False,
    }
    tables = {
        **shared,
        "runner": single["runner"],
        "tenant": {"type": "object", "additionalProperties": tenant},
    }
    return {
        "$schema": SCHEMA_DIALECT,
        "title": "Settings of callbackq",
        "type": "object",
        "properties": {name: {**table, "description": words[name]} for name, table in tables.items()},
        "additionalProperties": False,
        "$defs": {name: defs[name] for name in sorted(defs)},
    }


def _add_preset(table: Schema, part: str) -> None:
    """Let a table name a preset, from which it differs."""
    names = [name for name in preset_names() if part in (preset_node(name).table or {})]
    titles = "; ".join(f"{name}: {preset_title(name)}" for name in names)
    said = {"enum": names, "description": f"What holds where this table says nothing. {titles}."}
    table["properties"] = {PRESET: said, **table["properties"]}


def records() -> Sequence[RecordForm]:
    """Return all classes of settings that a file may name, each after what names it."""
    found: dict[str, RecordForm] = {}
    todo: list[Any] = [policy_form(), *single_forms().values()]
    while todo:
        form = todo.pop(0)
        if isinstance(form, RecordForm):
            if form.kind.__name__ in found:
                continue
            found[form.kind.__name__] = form
        todo += form.parts()
    return tuple(found.values())

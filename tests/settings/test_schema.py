"""The JSON Schema is what the classes say and do: fields, types, bounds, words, defaults; and files are held to it."""

from __future__ import annotations

import json
import tomllib
from datetime import date, datetime, time, timedelta
from typing import Any

import attrs
import pytest
from jsonschema import Draft202012Validator

from callbackq import ConfigurationError, QueuePolicy
from callbackq.policy.forms import duration_text, read_duration
from callbackq.policy.forms.compound import RecordForm
from callbackq.policy.presetting import preset_names, preset_text
from callbackq.settings import json_schema, to_toml
from callbackq.settings.schema import records
from settings.test_reading import MISTAKES
from settings.test_round_trip import everything

SCHEMA = json_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
RECORDS = {form.kind.__name__: form for form in records()}


def as_json(value: Any) -> Any:
    """Return what TOML holds as JSON can hold it."""
    if isinstance(value, dict):
        return {key: as_json(each) for key, each in value.items()}
    if isinstance(value, list):
        return [as_json(each) for each in value]
    return value.isoformat() if isinstance(value, datetime | date | time) else value


def mistakes(text: str) -> list[str]:
    """Return where a text is not as the schema says."""
    return [error.json_path for error in VALIDATOR.iter_errors(as_json(tomllib.loads(text)))]


def test_it_is_a_schema_of_the_draft_that_it_names() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    assert "None" not in json.dumps(SCHEMA), "TOML has no None: it is written as false"


@pytest.mark.parametrize("name", RECORDS)
def test_every_field_of_a_class_is_in_it(name: str) -> None:
    """And no other, with its default; `queue` is the name of the table."""
    form, table = RECORDS[name], SCHEMA["$defs"][name]
    fields = {field.name for field in attrs.fields(form.kind)} - (
        {"queue"} if form.kind is QueuePolicy else set()
    )
    assert set(table["properties"]) - {"preset", "kind"} == fields
    assert table["additionalProperties"] is False
    for field in fields:
        needed = form.kind.__name__ != "Catalogue" and field in form.required
        assert (field in table.get("required", ())) is needed
        assert ("default" in table["properties"][field]) is (field not in form.required)


NEEDED: dict[str, dict[str, Any]] = {
    "ExponentialRest": {"first": timedelta(seconds=1)},
    "FixedSeats": {"seats": 1},
    "Limit": {"most": 1, "period": timedelta(seconds=1)},
    "SlotPolicy": {"seats": None, "lead_min": timedelta(0), "horizon": timedelta(days=30)},
    "StaffedSeats": {"agents": 1},
    "QueuePolicy": {"queue": "a", "callback_life": timedelta(days=30), "retry_rules": {}},
}


def taken(form: RecordForm, field: str, value: Any) -> bool:
    """Whether the class takes a value; what is refused because of another field does not count."""
    given = {key: it for key, it in NEEDED.get(form.kind.__name__, {}).items() if key != field}
    try:
        form.kind(**given, **{field: value})
    except ConfigurationError as error:
        return error.field.rpartition(".")[2] != field
    return True


BOUNDED = [
    (name, field)
    for name, form in RECORDS.items()
    for field in form.fields
    if form.words(field).bounds and name != "HostFigures"
]


@pytest.mark.parametrize(("name", "field"), BOUNDED)
def test_bounds_are_those_that_the_class_checks(name: str, field: str) -> None:
    """The value at each bound is taken, and the one beyond it is refused, in all classes."""
    form = RECORDS[name]
    words = form.words(field)
    if words.low is not None and words.high is not None:
        step = 1 if "whole" in str(allowed(form, field)) else 1e-6
        low, high = (int(words.low), int(words.high)) if step == 1 else (words.low, words.high)
        assert taken(form, field, low + step if words.above else low)
        assert not taken(form, field, low if words.above else low - step)
        assert taken(form, field, high)
        assert not taken(form, field, high + step)
        return
    text = words.bounds.removeprefix("Above ")
    first, _, last = text.replace(",", "").partition(" to ")
    unit = last.partition(" ")[2]
    low_at = read_duration(first if " " in first else f"{first} {unit}")
    high_at = read_duration(last)
    assert low_at is not None
    assert high_at is not None
    tick = timedelta(microseconds=1)
    assert taken(form, field, low_at)
    assert not taken(form, field, low_at - tick)
    assert taken(form, field, high_at), duration_text(high_at)
    assert not taken(form, field, high_at + tick)


def allowed(form: RecordForm, field: str) -> str:
    """Return what the class says when it is given a text."""
    given = {key: it for key, it in NEEDED.get(form.kind.__name__, {}).items() if key != field}
    with pytest.raises(ConfigurationError) as caught:
        form.kind(**given, **{field: "x"})
    return caught.value.allowed


def test_most_bounds_are_said() -> None:
    """Of what is a number or a duration; these few have none of their own."""
    bare = {
        f"{name}.{field}"
        for name, form in RECORDS.items()
        for field, it in form.fields.items()
        if not form.words(field).bounds and name != "HostFigures"
        if type(getattr(it, "inner", it)).__name__ == "DurationForm"
        or it.schema({}).get("type") in {"integer", "number"}
    }
    assert bare == {"ExponentialRest.rest_max", "Messages.slip_margin"}


@pytest.mark.parametrize("name", preset_names())
def test_presets_are_valid(name: str) -> None:
    found = tomllib.loads(preset_text(name))
    found.pop("about")
    found["queue"] = {"a": found["queue"]}
    assert [error.json_path for error in VALIDATOR.iter_errors(found)] == []


@pytest.mark.parametrize("whole", [False, True])
def test_what_is_written_is_valid(whole: bool) -> None:
    assert mistakes(to_toml(everything(), whole=whole)) == []
    assert (
        mistakes(
            "[defaults]\npreset = 's2'\n[queue.a]\nmessages = true\nkeys.3 = false\n[tenant.x]\nqueues = ['a']"
        )
        == []
    )


CROSS = (
    "kept_seats",
    "unknown.rest",
    "preferred_agent_time",
    "overlaps",
    "blocked",
    "agent_changed",
    "regions.USA",
)
IN_WORDS = ("'5 s'", "zone is", "'soon'", "a number that is too long", "rest.first is '0 s'", "'9-5'")
NO_JSON = ("company = 2026", "attempts_max = 1.0", "nan")


@pytest.mark.parametrize(
    "text",
    [
        text
        for text, _, said, _ in MISTAKES
        if not any(word in said + text for word in (*CROSS, *IN_WORDS, *NO_JSON)) and len(text) < 1_000
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(text: str) -> None:
    """All but what only values together, names of zones or lengths of durations tell, or what JSON cannot say."""
    assert mistakes(f"[queue.a]\n{text}")

"""What is generated is up to date, and the tables say what the code does."""

from __future__ import annotations

import re
from datetime import timedelta
from types import ModuleType

import attrs
import pytest

from callbackq import ConfigurationError, QueuePolicy, errors
from callbackq.core import outbox
from callbackq.core.lifecycle import Command

UNITS = {None: None, "s": timedelta(seconds=1), "min": timedelta(minutes=1), "h": timedelta(hours=1)}
UNITS["days"] = timedelta(days=1)
STEPS = {"int": 1, "float": 1e-6, "timedelta": timedelta(microseconds=1)}
FIELDS = list(attrs.fields_dict(QueuePolicy))


def test_pages_and_pictures_are_up_to_date(generate: ModuleType) -> None:
    """If this fails: `python docs/generate.py`."""
    found = generate.generated()
    stale = [path.name for path, text in found.items() if path.read_text(encoding="utf-8") != text]
    assert stale == []
    assert len(found) >= 7


def test_every_table_is_in_a_page(generate: ModuleType, tables: ModuleType) -> None:
    """Each generated table is used once."""
    pages = "".join(path.read_text(encoding="utf-8") for path in generate.DOCS.rglob("*.md"))
    assert sorted(re.findall(r"<!-- generated: (\w+) -->", pages)) == sorted(tables.TABLES)


def test_filling_a_page_leaves_the_rest_of_it(generate: ModuleType) -> None:
    """Only what stands between the two comments is replaced, also where nothing stands there yet."""
    page = "a\n<!-- generated: causes -->\n<!-- end -->\nb\n<!-- generated: errors -->\nstale-table\n<!-- end -->\nc\n"
    filled = generate.filled(page)
    assert re.sub(r"\n\| .*", "", filled).split() == page.replace("stale-table", "").split()
    assert generate.filled(filled) == filled
    assert "stale-table" not in filled


def test_every_error_is_in_the_table(tables: ModuleType) -> None:
    """With its own answer to whether trying again is safe."""
    rows = {re.search(r"`(\w+)`", row).group(1): row for row in tables.error_table()[2:]}  # type: ignore[union-attr]
    assert set(rows) == {"CallbackqError", *errors.__all__}
    for name, row in rows.items():
        assert row.endswith("| **yes** |" if getattr(errors, name).retry_safe else "| no |")


def test_every_command_has_its_words(tables: ModuleType) -> None:
    """And no word is left of a command that is gone."""
    assert set(tables.COMMAND_WORDS) == set(Command)
    assert set(tables.MESSAGE_WORDS) == {command for _, command in outbox.TRANSITIONS}


def test_every_field_of_a_policy_is_in_the_table(tables: ModuleType) -> None:
    """With what its docstring says."""
    fields = tables.policy_fields()
    assert list(fields) == FIELDS
    assert all(meaning for _, _, meaning in fields.values())


@pytest.mark.parametrize("name", FIELDS)
def test_bounds_of_a_policy_are_what_the_table_says(tables: ModuleType, name: str) -> None:
    """The value at each bound is taken, and the one beyond it is refused."""
    allowed = tables.policy_fields()[name][1]
    kinds = str(attrs.fields_dict(QueuePolicy)[name].type).split(" | ")
    if kinds[0] not in STEPS:
        assert not allowed
        return
    above, low, low_unit, high, high_unit = tables.BOUNDS.fullmatch(allowed).groups()
    unit, step = UNITS[high_unit], STEPS[kinds[0]]
    assert (unit is not None) is (kinds[0] == "timedelta")
    lowest = number(low) * (UNITS[low_unit] or unit) if unit else number(low)
    highest = number(high) * unit if unit else number(high)
    taken, too_low = (lowest + step, lowest) if above else (lowest, lowest - step)
    assert name not in refused(name, taken) + refused(name, highest)
    assert refused(name, too_low) == [name]
    assert refused(name, highest + step) == [name]
    assert refused(name, None) == ([] if "None" in kinds else [name])


def number(text: str) -> int:
    """Read a whole number with its commas."""
    return int(text.replace(",", ""))


def refused(name: str, value: object) -> list[str]:
    """Return the field that a policy is refused for; none if it is taken."""
    try:
        QueuePolicy(queue="support", **{name: value})  # type: ignore[arg-type]
    except ConfigurationError as error:
        return [error.field]
    return []

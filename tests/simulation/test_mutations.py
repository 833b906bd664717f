"""A deliberately broken engine is found out every time, and the whole one never: `mutations` says what is broken."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from callbackq.simulation.storm import PEOPLE, Storm
from callbackq.testing.faults import Fault
from simulation.mutations import ERROR, MUTATIONS, Mutation


def found_in(seed: int, weather: Mapping[Fault, float], *, people: int = PEOPLE) -> set[str]:
    """Return which checks find something in a world. An error that ends it is a finding as well."""
    storm = Storm(seed, people=people)
    storm.telephony.ratios.update(weather)
    try:
        findings = storm.run().findings
    except Exception:
        return {ERROR}
    return {finding.check for finding in findings.all}


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.breaks.__name__)
def test_a_broken_engine_is_found_out(mutation: Mutation, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the check that is for it, and in the first few worlds."""
    mutation.breaks(monkeypatch)
    found: set[str] = set()
    for seed in mutation.seeds:
        found |= found_in(seed, mutation.weather, people=mutation.people)
        if mutation.found_by in found:
            return
    pytest.fail(f"{mutation.broken}: found by {sorted(found) or 'nobody'}; expected: {mutation.found_by}")


def test_the_whole_engine_is_not() -> None:
    """The same worlds, in the same weather: nothing is found."""
    worlds = {(seed, row.people, *row.weather.items()) for row in MUTATIONS for seed in row.seeds}
    for seed, people, *weather in sorted(worlds):
        assert found_in(seed, dict(weather), people=people) == set(), f"world {seed} with {weather}"


def test_ten_or_more_are_broken_in_as_many_ways() -> None:
    """No two rows are the same, and most checks have a row of their own."""
    assert len({row.broken for row in MUTATIONS}) == len({row.breaks for row in MUTATIONS}) == len(MUTATIONS)
    assert len({row.found_by for row in MUTATIONS}) >= 15


def test_the_page_lists_what_is_broken() -> None:
    """In the same order and words."""
    page = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "storm-test.md"
    rows = re.findall(r"^\| (.+) \| (.+) \|$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows[1:] == [(row.broken, row.found_by) for row in MUTATIONS]

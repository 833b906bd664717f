"""`callbackq fuzz`: what it prints, how it ends, and that what it found can be replayed."""

from __future__ import annotations

import json
from random import Random

import pytest
from typer.testing import CliRunner

from callbackq.cli.app import app
from callbackq.testing import fuzz as fuzzing


def test_figures_are_the_same_over_processes() -> None:
    """Each input follows from the seed and its number, wherever it is tried."""
    alone = CliRunner().invoke(app, ["fuzz", "--inputs", "6000", "--processes", "1", "--json"])
    both = CliRunner().invoke(app, ["fuzz", "--inputs", "6000", "--processes", "2", "--json"])
    assert (alone.exit_code, both.exit_code) == (0, 0)
    figures = json.loads(alone.stdout)
    assert figures == json.loads(both.stdout)
    assert (figures["seed"], figures["inputs"], figures["findings"]) == (1, 6000, [])
    assert sum(figures["taken"].values()) + sum(figures["refused"].values()) == 6000


def test_a_table_says_what_was_taken_and_refused() -> None:
    """For people: each entry, and that nothing was found."""
    done = CliRunner().invoke(app, ["fuzz", "--inputs", "100"])
    assert done.exit_code == 0
    assert all(entry in done.stdout for entry in fuzzing.ENTRIES)
    assert "Nothing was raised but the documented errors." in done.stdout


def test_a_finding_is_named_with_the_command_that_replays_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends with code 1, as a storm does."""

    def broken(_chance: Random) -> bool:
        raise RuntimeError("no such thing")

    monkeypatch.setattr(fuzzing, "ENTRIES", {**fuzzing.ENTRIES, "zone": broken})
    done = CliRunner().invoke(app, ["fuzz", "--inputs", "10", "--seed", "3"])
    assert done.exit_code == 1
    assert "Findings: 1" in done.stdout
    assert "zone: RuntimeError: no such thing" in done.stderr
    assert "callbackq fuzz --seed 3 --first 4 --inputs 1" in done.stderr

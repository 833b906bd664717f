"""`callbackq fleet`: figures that repeat, findings on stdout with the command that replays them, and stories."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from typer.testing import CliRunner

from callbackq.cli.app import app
from callbackq.cli.fleet import command_of
from callbackq.simulation.fleet import playing
from callbackq.simulation.fleet.accounts import findings_of
from callbackq.testing.checkers import Finding

if TYPE_CHECKING:
    from click.testing import Result

KEYS = ["seed", "worlds", "counts", "dispositions", "outcomes", "went_wrong", "found", "bad_worlds"]


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["fleet", *(str(argument) for argument in arguments)])


@pytest.fixture
def finding(monkeypatch: pytest.MonkeyPatch) -> Finding:
    """What the checkers find in every world where somebody was promised something."""
    found = Finding(check="a rule", what="was broken", which="cb_000001", at=None)

    def every(fleet: Any, rows: Any) -> list[Finding]:
        return [*findings_of(fleet, rows), *([found] if fleet.crowd.promised else [])]

    monkeypatch.setattr(playing, "findings_of", every)
    return found


def test_fleet_prints_figures_that_repeat() -> None:
    """Nothing found, as JSON."""
    result = invoke("--seeds", 2, "--processes", 1, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    found = json.loads(result.stdout)
    assert list(found) == KEYS
    assert (found["seed"], found["worlds"], found["found"], found["bad_worlds"]) == (1, 2, {}, [])
    assert found["counts"]["callbacks"] == sum(found["outcomes"].values())
    assert found["counts"]["attempts"] == sum(found["dispositions"].values())


def test_fleet_as_people_read_it() -> None:
    """What there was, and what went wrong how often."""
    result = invoke("--seeds", 1, "--seed", 4, "--processes", 1, "--store", "sqlite")
    assert (result.exit_code, result.stderr) == (0, "")
    for words in ("1 worlds: seed 4", "callbacks", "outcome", "what went wrong", "found nothing"):
        assert words in result.stdout
    assert result.stdout.isascii()


def test_what_is_found_is_printed_with_the_command_that_replays_it(finding: Finding) -> None:
    """On stdout, at the end, with code 1; as JSON too."""
    result = invoke("--seeds", 2, "--processes", 1)
    assert (result.exit_code, result.stderr) == (1, "")
    lines = result.stdout.splitlines()
    assert lines[-1] == f"Replay it: {command_of(2)}"
    assert lines.count(str(finding)) == 2
    as_json = invoke("--seeds", 1, "--processes", 1, "--json")
    assert as_json.exit_code == 1
    bad = json.loads(as_json.stdout)["bad_worlds"]
    assert [(world["seed"], world["replay"]) for world in bad] == [(1, command_of(1))]
    assert bad[0]["findings"] == [{**attrs.asdict(finding)}]


def test_a_world_is_made_small_and_its_story_told(finding: Finding) -> None:
    """One person is enough for what is found here."""
    result = invoke("--world", 3, "--shrink")
    assert result.exit_code == 1, result.output
    assert "Made small in " in result.stdout
    assert "1 people, 1 nodes, 0 web processes, 0 agents, 0 incidents, 0 pieces of bad luck" in result.stdout
    assert "is promised cb_000001" in result.stdout
    assert str(finding) in result.stdout


def test_the_story_of_a_world_and_of_one_callback() -> None:
    """Of a callback only what concerns it; numbers are masked."""
    whole = invoke("--world", 2, "--story")
    assert whole.exit_code == 0, whole.output
    assert "begins" in whole.stdout
    assert "found nothing" in whole.stdout
    assert "+1201" not in whole.stdout
    one = invoke("--world", 2, "--callback", "cb_000001", "--json")
    story = json.loads(one.stdout)["story"]
    assert any(line["what"].startswith("is promised cb_000001") for line in story)
    assert not any("cb_000002" in line["what"] for line in story)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--story"], "--shrink, --story and --callback need --world SEED."),
        (["--store", "paper"], "--store is paper; allowed: memory, sqlite."),
        (["--world", "1", "--store", "paper"], "--store is paper; allowed: memory, sqlite."),
        (["--world", "1", "--callback", "nobody"], "there is no callback 'nobody' in this world."),
    ],
)
def test_mistakes_are_one_sentence(arguments: list[str], sentence: str) -> None:
    """With code 2, and nothing on stdout."""
    result = invoke(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.strip() == sentence

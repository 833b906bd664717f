"""`callbackq storm`: figures that repeat, one command to replay what was found, and a story that can be read."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from callbackq.cli.app import app
from callbackq.cli.storm import command_of
from callbackq.simulation import storm as storm_module
from callbackq.simulation import storms
from callbackq.simulation.storm import Storm
from callbackq.testing.checkers import Finding, Findings

if TYPE_CHECKING:
    from click.testing import Result

KEYS = [
    "seed", "worlds", "attempts", "callbacks", "modes", "dispositions", "outcomes", "went_wrong", "findings",
    "bad_worlds",
]  # fmt: skip


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["storm", *(str(argument) for argument in arguments)])


def figures(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.fixture
def finding(monkeypatch: pytest.MonkeyPatch) -> Finding:
    """What the checkers find in every world."""
    found = Finding(check="a rule", what="was broken", which="cb_000001", at=None)
    monkeypatch.setattr(storm_module, "check_storm", lambda _evidence: Findings((found,)))
    return found


# ---------------------------------------------------------------------------- many worlds


def test_storm_prints_figures_that_repeat() -> None:
    """Enough attempts, nothing found, and the same bytes however many processes there are."""
    alone = invoke("--attempts", 200, "--processes", 1, "--json")
    found = figures(alone)
    assert list(found) == KEYS
    assert (found["seed"], found["findings"], found["bad_worlds"]) == (1, 0, [])
    assert found["attempts"] >= 200
    assert found["attempts"] == sum(found["dispositions"].values()) == sum(found["modes"].values())
    assert found["callbacks"] == sum(found["outcomes"].values())
    assert invoke("--attempts", 200, "--processes", 2, "--json").stdout == alone.stdout


def test_storm_as_people_read_it() -> None:
    """What came of it, and what went wrong how often."""
    result = invoke("--attempts", 100, "--seed", 4, "--processes", 1)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    for words in (
        "one world: seed 4",
        "disposition",
        "simultaneous",
        "unreached",
        "report lost",
        "found nothing",
    ):
        assert words in result.stdout
    assert result.stdout.isascii()


def test_what_is_found_comes_with_the_command_that_replays_it(finding: Finding) -> None:
    """Exit code 1, one line for each finding, and an end after too many."""
    result = invoke("--attempts", 150, "--seed", 4, "--processes", 1)
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert lines[:2] == [str(finding), f"Replay it: {command_of(4)}"]
    assert f"Findings: {len(lines) // 2}, in worlds: {len(lines) // 2}" in result.stdout


def test_a_world_that_ends_by_an_error_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its traceback, and the command that replays it."""

    def breaks(_storm: Storm) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Storm, "run", breaks)
    monkeypatch.setattr(storms, "WORLDS_WITH_FINDINGS_MAX", 2)
    result = invoke("--processes", 1, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["bad_worlds"] == [1, 2]
    assert "RuntimeError: a bug" in result.stderr
    assert result.stderr.endswith(f"Replay it: {command_of(2)}\n")
    again = invoke("--world", 2)
    assert again.exit_code == 1
    assert isinstance(again.exception, RuntimeError)


# ---------------------------------------------------------------------------- one world


def test_one_world_is_shown_with_its_settings() -> None:
    """The same world as among many."""
    result = invoke("--world", 4)
    assert result.exit_code == 0, result.output
    for words in (
        "The world 4: everything may fail",
        "attempts at most",
        "one world: seed 4",
        "found nothing",
    ):
        assert words in result.stdout
    found = figures(invoke("--world", 4, "--json"))
    assert list(found) == [key for key in KEYS if key not in ("worlds", "bad_worlds")]
    assert found["findings"] == []
    assert (
        found["attempts"]
        == figures(invoke("--seed", 4, "--attempts", 1, "--processes", 1, "--json"))["attempts"]
    )


def test_a_finding_comes_with_the_command_that_tells_its_story(finding: Finding) -> None:
    result = invoke("--world", 4)
    assert result.exit_code == 1
    assert str(finding) in result.stdout
    assert f"Its story: {command_of(4, 'cb_000001')}" in result.stdout


def test_the_story_of_a_callback_stands_in_two_columns() -> None:
    """What the history says beside what happened, in order of time, without a number."""
    result = invoke("--world", 4, "--callback", "cb_000001")
    assert result.exit_code == 0, result.output
    heading, *lines = result.stdout.splitlines()
    middle = heading.index("what happened, and what was told")
    assert any("callback requested [" in line[:middle] for line in lines)
    assert any("world: promised" in line[middle:] for line in lines)
    times = [line[:12] for line in lines if line[:1].strip()]
    assert times == sorted(times)
    assert not re.search(r"\+?\d{8}", result.stdout.replace("_", ""))
    found = figures(invoke("--world", 4, "--callback", "cb_000001", "--json"))
    assert {line["who"] for line in found["story"]} >= {"cb_000001", "world"}
    assert [line["at"] for line in found["story"]] == sorted(line["at"] for line in found["story"])


def test_a_story_with_findings_is_exit_code_one(finding: Finding) -> None:
    """The findings are named beside it."""
    result = invoke("--world", 4, "--callback", "cb_000001")
    assert result.exit_code == 1
    assert result.stderr == f"{finding}\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--callback", "cb_000001"), "--callback needs --world SEED"),
        (("--world", 4, "--callback", "cb_999999"), "there is no callback 'cb_999999' in this world."),
    ],
)
def test_a_mistake_is_one_sentence(arguments: tuple[object, ...], sentence: str) -> None:
    """And exit code 2."""
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_help_teaches_with_an_example() -> None:
    shown = invoke("--help").stdout
    for words in ("Example:", "--attempts", "--seed", "--processes", "--world", "--callback", "--json"):
        assert words in shown

"""`callbackq kills`: figures, a world that can be played again, and one sentence for each mistake."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from callbackq.cli import kills as kills_command
from callbackq.cli import local_postgres
from callbackq.cli.app import app
from callbackq.cli.kills import KillStore, command_of
from callbackq.simulation.kill_draws import points_to_die_at
from callbackq.simulation.kill_world import AN_ANSWER, ANY_MOMENT
from callbackq.simulation.kills import KillsOfWorld, KillsReport
from callbackq.testing.checkers import Finding

if TYPE_CHECKING:
    from click.testing import Result


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["kills", *(str(argument) for argument in arguments)])


def test_kills_are_counted_until_there_are_enough() -> None:
    """In processes of their own: the figures say where they died."""
    result = invoke("--kills", 1, "--seed", 13, "--processes", 1, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    assert (found["store"], found["seed"], found["worlds"], found["findings"]) == ("sqlite", 13, 1, 0)
    assert found["kills"] == sum(found["kills_by_point"].values()) >= 1
    assert found["callbacks"] == sum(found["outcomes"].values()) > 5
    assert found["points"] == len(points_to_die_at())


def test_what_was_found_is_named_with_the_command_that_replays_it(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = KillsOfWorld(
        seed=7,
        kills=("before Telephony.dial", "after Telephony.dial", ANY_MOMENT, AN_ANSWER),
        passed=frozenset(points_to_die_at()),
        callbacks_count=3,
        findings=(Finding(check="promise lost", what="no such row", which="cb_1", at=None),),
    )
    failed = KillsOfWorld(seed=8, target="before Telephony.dial", error="Traceback: a world failed")
    report = KillsReport(seed=7, kills_asked=1).plus(bad).plus(failed)
    monkeypatch.setattr(kills_command, "many_kills", lambda *_args, **_more: report)
    result = invoke("--kills", 1)
    assert result.exit_code == 1
    assert "4 processes killed" in result.stdout
    assert "Telephony.dial" in result.stdout
    assert "Findings: 2" in result.stdout
    assert "promise lost: cb_1: no such row" in result.stderr
    assert "Replay it: callbackq kills --store sqlite --world 7\n" in result.stderr
    assert command_of(failed, KillStore.POSTGRES) in (
        'callbackq kills --store postgres --world 8 --point "before Telephony.dial"'
    )
    assert report.findings_count == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--point", "before Telephony.dial"], "--point needs --world SEED"),
        (["--world", "1", "--point", "before lunch"], "before lunch is no fault point."),
        (["--postgres", "postgresql://nowhere"], "--postgres needs --store postgres."),
    ],
)
def test_a_mistake_is_one_sentence(arguments: list[str], sentence: str) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr


def test_without_a_server_it_says_how_to_have_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_postgres, "is_there", lambda: False)
    result = invoke("--store", "postgres")
    assert result.exit_code == 2
    assert "--postgres CONNINFO" in result.stderr

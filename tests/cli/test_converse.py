"""`callbackq converse`: what it prints, how it ends, and that what it found can be replayed."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from callbackq.cli import converse as command
from callbackq.cli.app import app
from callbackq.testing import conversations
from callbackq.testing.conversations import ConversationsReport, Part, Tally


def test_figures_say_what_was_written_and_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """As JSON, for machines: a short run, in this process."""
    monkeypatch.setattr(conversations, "EXAMPLES", 3)
    done = CliRunner().invoke(app, ["converse", "--conversations", "1", "--processes", "1", "--json"])
    assert done.exit_code == 0, done.output
    figures = json.loads(done.stdout)
    assert figures["conversations"] >= 1
    assert figures["texts"] == sum(figures["wishes"].values())
    assert figures["failed_part"] is None


def test_a_table_says_that_nothing_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """For people."""
    tally = Tally(conversations=1_234, texts=5_000)
    tally.wishes["opt_out"] += 7
    report = ConversationsReport(seed=1, parts_count=2, tally=tally)
    monkeypatch.setattr(command, "converse", lambda *_, **__: report)
    done = CliRunner().invoke(app, ["converse"])
    assert done.exit_code == 0
    assert "1,234 conversations, 5,000 texts: seed 1, parts 0 to 1" in done.stdout
    assert "opt out" in done.stdout
    assert "The checkers found nothing." in done.stdout


def test_what_was_found_is_printed_with_the_command_that_replays_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends with code 1, as a storm does."""

    def failed(seed: int, number: int) -> Part:
        assert (seed, number) == (3, 4)
        return Part(number=4, tally=Tally(), failure="state.customers_write(...)")

    monkeypatch.setattr(command, "one_part", failed)
    done = CliRunner().invoke(app, ["converse", "--seed", "3", "--part", "4"])
    assert done.exit_code == 1
    assert "state.customers_write(...)" in done.stderr
    assert "callbackq converse --seed 3 --part 4" in done.stderr


def test_without_hypothesis_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line does not need it otherwise."""
    monkeypatch.setattr(command, "find_spec", lambda _name: None)
    done = CliRunner().invoke(app, ["converse"])
    assert done.exit_code == 2
    assert "callbackq[cli,testing]" in done.stderr

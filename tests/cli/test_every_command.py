"""What holds for every command: figures as JSON, help that teaches, mistakes in a sentence, nothing made by mistake."""

from __future__ import annotations

import io
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from callbackq import SQLiteStore
from callbackq.cli.app import GROUPS
from callbackq.cli.piping import CUT_OFF, piped
from cli.asking import COMMANDS, invoke

if TYPE_CHECKING:
    pass

WITHOUT_JSON = {
    "export-history": "it prints JSON Lines",
    "preset": "it prints TOML, for a file of settings",
    "settings-schema": "it prints JSON in any case",
}
"""Commands without --json, and why."""
NEEDED = {"callback_id": ["cb_1"], "by": ["--by", "kim"], "to": ["--to", "never.csv"], "target": ["never.db"]}
"""What a command must be told besides its store."""
PEOPLE = {"erase": ["--number", "+12125550101"], "prune": ["--personal-days", "3650"]}
"""What a command refuses to go without."""
NUMBERS = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
OF_A_STORE = sorted(
    name
    for name, command in COMMANDS.items()
    if any(parameter.name == "store" and parameter.required for parameter in command.params)
)
each_of_a_store = pytest.mark.parametrize("name", OF_A_STORE)


def asked(name: str, store: object) -> list[str]:
    """Return a command of a store with all that it must be told."""
    needed = [one.name for one in COMMANDS[name].params if one.required and one.name != "store"]
    told = [word for parameter in needed for word in NEEDED[parameter]]
    return [name, str(store), *told, *PEOPLE.get(name, [])]


def test_every_command_stands_in_one_group_of_the_help() -> None:
    """The groups come in their order, and each command says in its first line what it does."""
    shown = invoke("--help").stdout
    places = [shown.index(group.PANEL) for group in GROUPS]
    assert places == sorted(places)
    assert {command.rich_help_panel for command in COMMANDS.values()} == {group.PANEL for group in GROUPS}
    assert [name for name in COMMANDS if f"│ {name} " not in shown] == []


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_teaches_how_it_is_used(name: str) -> None:
    """An example that begins with its name and has only options that it has, and a sentence for each option."""
    command = COMMANDS[name]
    assert f"callbackq {name}" in command.epilog
    options = {option for one in command.params for option in one.opts}
    words = command.epilog.replace("*", " ").split()
    assert [word for word in words if word.startswith("--") and word.rstrip(",.") not in options] == []
    assert [one.name for one in command.params if one.name != "help" and not one.help] == []
    assert command.help.strip().splitlines()[0].endswith((".", "?"))


def test_every_command_gives_figures_as_json() -> None:
    """All but those that give nothing else."""
    without = {
        name for name, command in COMMANDS.items() if all("--json" not in one.opts for one in command.params)
    }
    assert without == set(WITHOUT_JSON)


@each_of_a_store
def test_a_typing_error_in_the_name_of_a_store_makes_none(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code 2, one sentence, nothing on stdout, and no file."""
    monkeypatch.chdir(tmp_path)
    result = invoke(*asked(name, tmp_path / "calbacks.db"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@each_of_a_store
def test_the_password_of_a_database_is_never_printed(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where it cannot be reached."""
    monkeypatch.chdir(tmp_path)
    result = invoke(*asked(name, "postgresql://ann:hunter2@127.0.0.1:1/none"))
    assert result.exit_code == 2
    assert "hunter2" not in result.output
    assert list(tmp_path.iterdir()) == []


@each_of_a_store
def test_no_command_brings_older_tables_forward_but_migrate(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All others say what to run. (A copy is one of the older tables.)"""
    monkeypatch.chdir(tmp_path)
    store = tmp_path / "callbacks.db"
    with closing(SQLiteStore(store)):
        pass
    with closing(sqlite3.connect(store)) as hands, hands:
        hands.execute("DROP INDEX callbackq_callbacks_requested")
        hands.execute("UPDATE callbackq_meta SET value = '7' WHERE name = 'schema_version'")
    result = invoke(*asked(name, store), *(["--check"] if name == "migrate" else []))
    with closing(sqlite3.connect(store)) as hands:
        (version,) = hands.execute(
            "SELECT value FROM callbackq_meta WHERE name = 'schema_version'"
        ).fetchone()
    assert version == "7"
    assert result.exit_code == {"migrate": 1, "backup": 0}.get(name, 2), result.output
    if name not in {"migrate", "backup"}:
        assert "migrate" in result.stderr


# ---------------------------------------------------------------------------- the page


def test_the_page_counts_and_lists_the_commands() -> None:
    """One table for each group of the help, each command once; the first sentences count them."""
    page = (Path(__file__).parents[2] / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")
    top = page.split("\n## ")[0]
    tables = [re.findall(r"^\| `callbackq ([a-z-]+)", part, re.MULTILINE) for part in top.split("\n\n")]
    listed = [set(table) for table in tables if table]
    groups = [
        {name for name, command in COMMANDS.items() if command.rich_help_panel == group.PANEL}
        for group in GROUPS
    ]
    assert listed == groups
    counted = re.findall(rf"\b({'|'.join(NUMBERS)})\b", top.split("\n\n")[1].lower())
    assert [NUMBERS.index(word) for word in counted] == [len(group) for group in groups]


# ---------------------------------------------------------------------------- the shell


def test_completion_can_be_installed() -> None:
    """For the shells that Typer knows."""
    assert "--install-completion" in invoke("--help").stdout


def run(*arguments: object, stdout: Any) -> subprocess.CompletedProcess[str]:
    """Run the command line as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "callbackq.cli", *map(str, arguments)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_reader_who_has_had_enough_ends_a_command_in_silence(tmp_path: Path) -> None:
    """As `head` does: no traceback, and a code of its own, for nobody knows what would have been found."""
    with closing(SQLiteStore(tmp_path / "callbacks.db")):
        pass
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = run("list", tmp_path / "callbacks.db", "--json", stdout=writing)
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr) == (CUT_OFF, "")


class _Full:
    """A stdout on a disk that is full."""

    def fileno(self) -> int:
        raise io.UnsupportedOperation

    def write(self, text: str) -> int:
        raise OSError(28, f"No space left on device for {len(text)}")

    def flush(self) -> None:
        """Have nothing to write."""


def test_a_disk_that_is_full_is_said_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With code 2: what was asked cannot be done."""
    monkeypatch.setattr(sys, "stdout", _Full())
    with pytest.raises(SystemExit) as ended, piped():
        print("figures")
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("stdout cannot be written: No space left")


@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])
def test_a_terminal_without_a_sign_shows_a_question_mark(
    errors: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A masked number has a …, which ASCII has not, whatever the locale does about it."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii", errors=errors))
    with piped():
        print("+1…03")
        sys.stdout.flush()
    assert (written.getvalue(), capsys.readouterr().err) == (b"+1?03\n", "")


def test_a_stdout_that_is_closed_is_said_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As in a shell by >&-: Python has none then."""
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(SystemExit) as ended, piped():
        print("figures")
    assert (ended.value.code, sys.stdout) == (2, None)
    assert capsys.readouterr().err == "stdout cannot be written: it is closed.\n"


def test_what_is_written_in_whole_ends_as_it_would(capsys: pytest.CaptureFixture[str]) -> None:
    """The code of the command is kept, and stdout is what it was."""
    before = sys.stdout
    with piped():
        sys.stdout.writelines(["figures", "\n"])
        assert sys.stdout is not before
    with pytest.raises(SystemExit) as ended, piped():
        sys.exit(1)
    assert ended.value.code == 1
    assert sys.stdout is before
    assert capsys.readouterr().out == "figures\n"

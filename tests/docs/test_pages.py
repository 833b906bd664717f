"""What the pages say in their own words is what the code does."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import attrs
import pytest
import typer

from callbackq import MessageKind, SQLiteStore
from callbackq.aio import AsyncCallbackService, AsyncDispatcher, _Awaited
from callbackq.cli.app import app
from callbackq.simulation.anonymous_bank import COLUMNS, LogFigures
from callbackq.simulation.report import SamePeople, SimulationReport

Columns = dict[str, tuple[str, bool] | None]


def code_of(path: Path) -> str:
    """Return an example without its docstring and what makes it a script."""
    text = path.read_text(encoding="utf-8").split('"""\n\n', 1)[1]
    return text.split("\n\n\nif __name__", maxsplit=1)[0].strip()


def test_tutorial_shows_the_example(docs: Path, examples: Path) -> None:
    """The code that the tutorial prints is the example, and fits its title."""
    page = (docs / "tutorial" / "first-callback.md").read_text(encoding="utf-8")
    code = code_of(examples / "first_callback.py")
    assert f"```python\n{code}\n```" in page
    assert len([line for line in code.splitlines() if line]) <= 20


def test_page_on_testing_shows_the_example(docs: Path, examples: Path) -> None:
    """All but what makes it a script."""
    page = (docs / "how-to" / "test-your-host.md").read_text(encoding="utf-8")
    code = code_of(examples / "test_my_host.py").replace("import subprocess\nimport sys\n", "")
    assert f"```python\n{code}\n```" in page


def test_page_on_aio_names_all_that_is_awaited(docs: Path) -> None:
    """The reference links each awaited method."""
    page = (docs / "reference" / "api" / "aio.md").read_text(encoding="utf-8")
    linked = re.findall(r"\{meth\}`~callbackq\.\w+\.(\w+\.\w+)`", page)
    faces = (("CallbackService", AsyncCallbackService), ("Dispatcher", AsyncDispatcher))
    awaited = [
        f"{name}.{key}" for name, face in faces for key, it in vars(face).items() if isinstance(it, _Awaited)
    ]
    assert linked == awaited


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Columns]:
    """The tables and views of a new file: for each column its type, and whether it may be null."""
    path = tmp_path_factory.mktemp("schema") / "callbacks.db"
    SQLiteStore(path).close()
    with closing(sqlite3.connect(path)) as database:
        kinds = database.execute(
            "SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view')"
        ).fetchall()
        return {
            name: {
                column: (declared.lower(), not not_null) if kind == "table" else None
                for _, column, declared, not_null, _, _ in database.execute(f"PRAGMA table_info({name})")
            }
            for name, kind in kinds
        }


def test_schema_page_names_every_table_and_column(docs: Path, stored: dict[str, Columns]) -> None:
    """The columns in their order, with type, null and a meaning."""
    page = (docs / "reference" / "schema.md").read_text(encoding="utf-8")
    written: dict[str, Columns] = {}
    for section in page.split("\n### ")[1:]:
        rows = re.findall(
            r"^\| `(\w+)` \|(?: (\w+) \| (may be null)? ?\|)? (\S.*) \|$", section, re.MULTILINE
        )
        written[section.split("\n", 1)[0]] = {
            column: (declared, bool(null)) if declared else None for column, declared, null, _ in rows
        }
    assert sorted(written) == sorted(stored)
    for name, columns in stored.items():
        assert list(written[name].items()) == list(columns.items()), name


def test_numbers_in_pages_are_nobodys(docs: Path) -> None:
    """They are reserved for examples."""
    for page in sorted(docs.rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        for number in re.findall(r"\+1[ \d().-]{10,}", text):
            assert "55501" in re.sub(r"\D", "", number), (page.name, number)


def first_cells(page: str, heading: str) -> list[str]:
    """Return what stands as code in the first column of the table below a heading."""
    section = re.split(rf"^##+ {re.escape(heading)}$", page, flags=re.MULTILINE)[1]
    return re.findall(r"^\| `([^`]+)` \|", re.split(r"^##", section, flags=re.MULTILINE)[0], re.MULTILINE)


def test_page_on_messages_says_when_each_kind_is_sent(docs: Path) -> None:
    """Each once, in the first column of its table."""
    page = (docs / "how-to" / "send-messages.md").read_text(encoding="utf-8")
    section = page.split("\n## What is sent when\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    named = [name for row in rows[1:] for name in re.findall(r"`(\w+)`", row[1:].split("|")[0])]
    assert sorted(named) == sorted(MessageKind)


def test_page_on_the_command_line_names_every_option(docs: Path) -> None:
    """In any order, of both commands."""
    page = (docs / "reference" / "command-line.md").read_text(encoding="utf-8")
    commands = typer.main.get_command(app).commands.values()  # type: ignore[attr-defined]
    options = {name for command in commands for it in command.params for name in it.opts}
    assert {name.lower() for name in first_cells(page, "Options")} == options - {"--help"}


def test_page_on_the_command_line_names_every_figure(docs: Path) -> None:
    """In the order in which they are printed."""
    page = (docs / "reference" / "command-line.md").read_text(encoding="utf-8")
    left_out = {"findings", "starts_at", "ended_at", "hours"}
    figures = [name for name in attrs.fields_dict(SimulationReport) if name not in left_out]
    assert first_cells(page, "Figures of a run") == [*figures, "findings"]
    assert first_cells(page, "In `took_a_callback`") == list(attrs.fields_dict(SamePeople))
    assert first_cells(page, "In `log`") == list(attrs.fields_dict(LogFigures))
    assert first_cells(page, "The format `anonymous-bank`") == list(COLUMNS)


def test_count_of_features_is_right(docs: Path) -> None:
    """The sentence at the top of the page counts the rows of its tables."""
    page = (docs / "features.md").read_text(encoding="utf-8")
    counts: Counter[str] = Counter()
    for line in re.findall(r"^\| [A-Z]\d.*$", page, re.MULTILINE):
        row, _, state = [cell.strip(" *") for cell in line.split("|")[1:4]]
        numbers = [int(number) for number in re.findall(r"\d+", row)]
        counts[state] += numbers[-1] - numbers[0] + 1
    done, partly, not_yet = counts.pop("done"), counts.pop("partly"), counts.pop("not yet")
    assert not counts
    total = done + partly + not_yet
    assert f"Of {total} rows {done} are done, {partly} partly, and {not_yet} not yet." in page


def test_layers_are_drawn_alike(docs: Path) -> None:
    """In the two files that show them."""
    drawn = []
    for name in ("ARCHITECTURE.md", "CONTRIBUTING.md"):
        text = (docs.parent / name).read_text(encoding="utf-8")
        drawn.append(re.findall(r"^```\n(cli .*?)^```", text, re.DOTALL | re.MULTILINE))
    assert len(drawn[0]) == 1
    assert drawn[0] == drawn[1]

"""How `callbackq report` looks: in any terminal nothing that counts is cut off, and it says what it is about."""

from __future__ import annotations

import io
import re
from contextlib import closing
from pathlib import Path

import attrs
import pytest
from rich.console import Console

from callbackq import SQLiteStore
from callbackq.cli.report import show
from callbackq.model.figures import S2_HOST
from callbackq.reporting import Stretch
from cli.asking import invoke
from reporting.made_up import s2_week

WEEK = s2_week()
COLUMNS = [
    Stretch(title="Fri 9 Jan", figures=WEEK.periods[0]),
    Stretch(title="Its week", figures=WEEK.whole),
]


def shown(*, width: int, encoding: str = "utf-8") -> str:
    """Return what a terminal shows."""
    written = io.BytesIO()
    file = io.TextIOWrapper(written, encoding=encoding, errors="strict", newline="\n")
    show(Console(file=file, width=width, force_terminal=True, color_system=None), WEEK, COLUMNS, host=S2_HOST)
    file.flush()
    return written.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [200, 80, 60])
def test_nothing_is_cut_off_in_a_narrow_terminal(width: int) -> None:
    """Titles, values, targets and verdicts: where there is no room for them in one line, there are two."""
    lines = shown(width=width).splitlines()[3:]
    tables = [line for line in lines if not re.match("  [^ ]", line)]  # The rest are notes.
    assert max(map(len, tables)) <= width
    text = " ".join(" ".join(tables).split())
    assert "…" not in text
    words = text.split()
    judged = [one for one in WEEK.whole.figures if one.is_met is not None]
    assert words.count("met") >= len(judged)
    assert [one.title.split()[-1] for one in WEEK.whole.figures if one.title.split()[-1] not in text] == []


def test_in_80_columns_a_verdict_stands_below_its_value() -> None:
    """And in more beside it."""
    wide, narrow = (shown(width=width).splitlines() for width in (120, 80))
    (accepted,) = (line for line in wide if line.startswith("Callbacks accepted"))
    assert accepted.split()[-8:] == ["✗", "not", "met", ">", "70", "%", "of", "offered"]
    (place,) = (place for place, line in enumerate(narrow) if line.startswith("Callbacks accepted"))
    assert narrow[place + 1].split() == ["✓", "met", "✗", "not", "met"]


def test_a_terminal_without_the_signs_has_words() -> None:
    """It could not show them."""
    assert " met" in shown(width=80, encoding="ascii")


def test_it_is_said_of_which_stretch_the_other_figures_are() -> None:
    """The volume has two columns, and all else that of the last one."""
    headings = [
        line.split() for line in shown(width=120).splitlines() if line.startswith(("Success", "Waits"))
    ]
    assert headings == [["Success", "Its", "week", "Target"], ["Waits", "Its", "week"]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store in which nothing ever was."""
    where = tmp_path / "callbacks.db"
    with closing(SQLiteStore(where)):
        return where


def test_a_report_of_some_queues_names_them(path: Path, tmp_path: Path) -> None:
    """In the terminal and on the page."""
    page = tmp_path / "report.html"
    queues = ["--queue", "support", "--queue", "sales"]
    assert "(UTC), only of support, sales\n" in invoke("report", path, *queues, "--html", page).stdout
    assert '<p class="when">Only of support, sales</p>' in page.read_text(encoding="utf-8")
    assert "only of" not in invoke("report", path).stdout


@pytest.mark.parametrize(
    ("cost", "says"),
    [
        ("scores_max=0", "--cost: HostFigures.scores_max is 0.0; allowed: a number above 0.\n"),
        (
            "abandons_avoided_ratio=40",
            "--cost: HostFigures.abandons_avoided_ratio is 40.0; allowed: a number, 0 to 1.\n",
        ),
    ],
)
def test_a_cost_out_of_its_bounds_is_one_sentence(path: Path, cost: str, says: str) -> None:
    """With code 2, and no traceback."""
    refused = invoke("report", path, "--cost", cost)
    assert (refused.exit_code, refused.stderr) == (2, says)


@pytest.mark.parametrize("option", ["--csv", "--html"])
def test_stdout_is_no_file(path: Path, option: str) -> None:
    """A file of that name would be hard to find, and to remove."""
    refused = invoke("report", path, option, "-")
    assert (refused.exit_code, refused.stderr) == (
        2,
        "--csv and --html write files: name one. --json prints to stdout.\n",
    )


def test_one_is_no_plural() -> None:
    """In the head."""
    out = io.StringIO()
    one = attrs.evolve(WEEK, calls_count=1, callbacks_count=2)
    show(Console(file=out, width=180), one, COLUMNS)
    assert "1 live call, 2 callbacks, 4 of them not ended yet" in out.getvalue()

"""What the commands share: what was asked, where the store is, progress, and figures as JSON or as people read them."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

import attrs
import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from callbackq.errors import StoreError
from callbackq.simulation.report import SimulationReport
from callbackq.stores.sqlite import Flush, SQLiteStore

BAR_WIDTH: Final = 40
_PAGE_WIDTH: Final = 180
_EIGHTHS: Final = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")


@attrs.frozen(kw_only=True)
class Asked:
    """What every command is asked."""

    as_json: bool
    seed: int
    accept_ratio: float
    store: Path | None


def refuse(sentence: str) -> NoReturn:
    """Say what is wrong with what was asked, and end with code 2."""
    sys.stderr.write(f"{sentence}\n")
    raise typer.Exit(2)


@contextmanager
def new_store(path: Path | None, *, name: str) -> Generator[tuple[SQLiteStore, Path]]:
    """Open a new database, at *path* or in a temporary folder that is left to the user, and close it."""
    if path is not None and path.exists():
        refuse(f"{path} exists already, and is not written over: name a file that does not exist yet.")
    place = path or Path(tempfile.mkdtemp(prefix="callbackq-")) / name
    try:
        store = SQLiteStore(place, flush=Flush.RELAXED)
    except StoreError as error:
        refuse(f"No database can be made at {place}: {error}.")
    try:
        yield store, place
    finally:
        store.close()


@contextmanager
def progress_bar(what: str, *, shown: bool) -> Generator[Callable[[int, int], None]]:
    """Give a function that is told how far the work has come; the bar is on stderr, and only in a terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(BAR_WIDTH),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    if not shown or not console.is_terminal:
        yield lambda _done, _total: None
        return
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def print_json(figures: Mapping[str, Any]) -> None:
    """Print figures to stdout."""
    typer.echo(json.dumps(figures, indent=2))


def end_by(report: SimulationReport) -> None:
    """Name on stderr what the checkers found, and end with code 1 if they found anything."""
    for finding in report.findings:
        sys.stderr.write(f"{finding}\n")
    if report.findings:
        raise typer.Exit(1)


# ---------------------------------------------------------------------------- as people read it


def page() -> Console:
    """Return stdout, to be written to: with colours and blocks in a terminal, plain elsewhere."""
    return Console(highlight=False)


def wide_page() -> Console:
    """Return stdout, to be written to: as wide as the terminal, and wide enough for tables elsewhere."""
    console = page()
    return console if console.is_terminal else Console(highlight=False, width=_PAGE_WIDTH)


def bar(console: Console, value: float | None, *, of: float, width: int = BAR_WIDTH) -> str:
    """
    Draw *value* as a bar; *of* is as long as *width*.

    In a terminal it is made of blocks and their eighths, elsewhere of number signs.
    """
    eighths = round(8 * width * (value or 0) / of) if of else 0
    if not console.is_terminal or not console.encoding.lower().startswith("utf"):
        return "#" * round(eighths / 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8]


def new_table(console: Console) -> Table:
    """Return an empty table: ruled in a terminal, plain elsewhere."""
    return Table(box=box.SIMPLE_HEAD if console.is_terminal else None, show_edge=False, pad_edge=False)


def minutes(seconds: float | None) -> str:
    """
    Write a duration as a clock does.

    >>> minutes(83.4), minutes(None)
    ('1:23', '-')
    """
    if seconds is None:
        return "-"
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
    return f"{whole // 60}:{whole % 60:02d}"


def share(part: float, whole: float) -> str:
    """
    Write a share in percent.

    >>> share(1, 3), share(1, 0)
    ('33.3 %', '-')
    """
    return f"{100 * part / whole:.1f} %" if whole else "-"

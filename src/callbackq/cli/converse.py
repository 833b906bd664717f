"""`callbackq converse`: random conversations by message, and what was found in them."""

from __future__ import annotations

import sys
from collections import Counter
from importlib.util import find_spec
from typing import Any

import typer
from rich.console import Console

from callbackq.cli.common import new_table, page, print_json, progress_bar, refuse
from callbackq.testing.conversations import ConversationsReport, converse, one_part


def command_of(seed: int, part: int) -> str:
    """
    Return the command that replays one part.

    >>> command_of(1, 7)
    'callbackq converse --seed 1 --part 7'
    """
    return f"callbackq converse --seed {seed} --part {part}"


def run(*, conversations: int, seed: int, part: int | None, processes: int, as_json: bool) -> None:
    """Play so many conversations, or one part; show what there was, and end with code 1 if anything was found."""
    if find_spec("hypothesis") is None:
        refuse("This needs hypothesis: install callbackq[cli,testing].")
    if part is None:
        report = _many(conversations, seed=seed, processes=processes, as_json=as_json)
    else:
        played = one_part(seed, part)
        failed = played if played.failure is not None else None
        report = ConversationsReport(seed=seed, parts_count=1, tally=played.tally, failed=failed)
    if as_json:
        print_json(figures_of(report))
    else:
        _show(page(), report)
    if report.failed is not None:
        again = command_of(seed, report.failed.number)
        sys.stderr.write(f"{report.failed.failure}\nReplay it: {again}\n")
        raise typer.Exit(1)


def _many(conversations: int, *, seed: int, processes: int, as_json: bool) -> ConversationsReport:
    with progress_bar(f"{conversations:,} conversations", shown=not as_json) as progress:
        return converse(seed, conversations=conversations, processes=processes, progress=progress)


def figures_of(report: ConversationsReport) -> dict[str, Any]:
    """Return the figures as they are printed as JSON."""
    tally = report.tally
    return {
        "seed": report.seed,
        "parts": report.parts_count,
        "conversations": tally.conversations,
        "texts": tally.texts,
        "wishes": _by_name(tally.wishes),
        "sent": _by_name(tally.kinds),
        "ended": _by_name(tally.messages),
        "failed_part": report.failed.number if report.failed is not None else None,
    }


def _by_name(counter: Counter[str]) -> dict[str, int]:
    return {str(name): times for name, times in sorted(counter.items())}


def _show(console: Console, report: ConversationsReport) -> None:
    tally = report.tally
    console.print()
    console.print(
        f"[bold]{tally.conversations:,} conversations[/bold], {tally.texts:,} texts: seed {report.seed}, "
        f"parts 0 to {report.parts_count - 1}"
        if report.parts_count != 1
        else f"[bold]{tally.conversations:,} conversations[/bold], {tally.texts:,} texts: one part",
        soft_wrap=True,
    )
    for heading, counter in (
        ("what was asked for", tally.wishes),
        ("what was sent", tally.kinds),
        ("how messages ended", tally.messages),
    ):
        table = new_table(console)
        table.add_column(heading, width=24)
        table.add_column("times", justify="right", style="cyan", width=12)
        for name, times in sorted(counter.items(), key=lambda item: (-item[1], item[0])):
            table.add_row(str(name).replace("_", " "), f"{times:,}")
        console.print()
        console.print(table)
    console.print()
    if report.failed is None:
        console.print("The checkers found nothing.")
    else:
        console.print(f"[bold]Found[/bold] in part {report.failed.number}.")

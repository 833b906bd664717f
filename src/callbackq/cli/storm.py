"""`callbackq storm`: worlds in which nearly everything goes wrong; and one of them, to be read."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import attrs
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from callbackq.cli.common import new_table, page, print_json, progress_bar, refuse
from callbackq.simulation.storm import Storm, StormReport
from callbackq.simulation.storm_story import StoryLine, callback_of, story_of
from callbackq.simulation.storms import StormsReport, World, many_storms
from callbackq.testing.checkers import Finding

_PAGE_WIDTH = 180
_HISTORY_WIDTH = 92


def command_of(seed: int, callback_id: str | None = None) -> str:
    """
    Return the command that replays one world, or tells the story of one callback of it.

    >>> command_of(7, "cb_000001")
    'callbackq storm --world 7 --callback cb_000001'
    """
    return f"callbackq storm --world {seed}" + (f" --callback {callback_id}" if callback_id else "")


# ---------------------------------------------------------------------------- many


def run(*, attempts: int, seed: int, processes: int, as_json: bool) -> None:
    """Let storms rage, show what came of them, and end with code 1 if anything was found."""
    with progress_bar(f"{attempts:,} attempts", shown=not as_json) as progress:
        report = many_storms(seed, attempts=attempts, processes=processes, progress=progress)
    if as_json:
        print_json(figures_of(report))
    else:
        _show(page(), report)
    for world in report.bad:
        _name(world)
    if report.bad:
        raise typer.Exit(1)


def figures_of(report: StormsReport) -> dict[str, Any]:
    """Return the figures as they are printed as JSON."""
    return {
        "seed": report.seed,
        "worlds": report.worlds_count,
        "attempts": report.attempts_count,
        "callbacks": report.callbacks_count,
        "modes": by_name(report.modes),
        "dispositions": by_name(report.dispositions),
        "outcomes": by_name(report.outcomes),
        "went_wrong": by_name(report.went_wrong),
        "findings": report.findings_count,
        "bad_worlds": [world.seed for world in report.bad],
    }


def by_name(counter: Counter[str]) -> dict[str, int]:
    """Return a counter in the order of its names."""
    return dict(sorted(counter.items()))


def _show(console: Console, report: StormsReport) -> None:
    last = report.seed + report.worlds_count - 1
    worlds = f"{report.worlds_count:,} worlds: seeds {report.seed} to {last}"
    console.print()
    console.print(
        f"[bold]{report.attempts_count:,} attempts[/bold] of {report.callbacks_count:,} callbacks, in "
        + (worlds if report.worlds_count != 1 else f"one world: seed {report.seed}"),
        soft_wrap=True,
    )
    for heading, counter in (
        ("mode", report.modes),
        ("disposition", report.dispositions),
        ("outcome", report.outcomes),
        ("what went wrong", report.went_wrong),
    ):
        console.print()
        console.print(counted(console, heading, counter))
    console.print()
    if report.bad:
        console.print(f"[bold]Findings: {report.findings_count:,}[/bold], in worlds: {len(report.bad):,}")
    else:
        console.print("The checkers found nothing.")


def counted(console: Console, heading: str, counter: Counter[str]) -> Table:
    """Return a table of a counter, what is most frequent first."""
    table = new_table(console)
    table.add_column(heading, width=24)
    table.add_column("times", justify="right", style="cyan", width=12)
    for name, times in sorted(counter.items(), key=lambda item: (-item[1], item[0])):
        table.add_row(name.replace("_", " "), f"{times:,}")
    return table


def _name(world: World) -> None:
    """Name on stderr what was found in a world, and the command that replays it."""
    if world.error is not None:
        sys.stderr.write(f"{world.error}\n")
    for finding in world.report.findings.all if world.report is not None else ():
        sys.stderr.write(f"{finding}\n")
    sys.stderr.write(f"Replay it: {command_of(world.seed)}\n")


# ---------------------------------------------------------------------------- one


def run_one(seed: int, *, callback_id: str | None, as_json: bool) -> None:
    """Let one world rage, and show what was found, or the story of one callback."""
    storm = Storm(seed, taped=True)
    report, error = None, None
    try:
        report = storm.run()
    except Exception as raised:
        error = raised
    findings = report.findings.all if report is not None else ()
    story = _story(storm, callback_id) if callback_id is not None else []
    if as_json:
        print_json(_figures_of_one(storm, report, findings=findings, story=story))
    elif callback_id is not None:
        _show_story(story)
    elif report is not None:
        _show_world(page(), storm, report)
    if error is not None:
        raise error
    if as_json or callback_id is not None:
        for finding in findings:
            sys.stderr.write(f"{finding}\n")
    if findings:
        raise typer.Exit(1)


def _story(storm: Storm, callback_id: str) -> list[StoryLine]:
    assert storm.tape is not None
    try:
        return story_of(storm.tape, callback_id)
    except LookupError as error:
        refuse(f"{error.args[0]}.")


def _figures_of_one(
    storm: Storm, report: StormReport | None, *, findings: tuple[Finding, ...], story: list[StoryLine]
) -> dict[str, Any]:
    figures: dict[str, Any] = {"seed": storm.seed, "findings": [_as_json(finding) for finding in findings]}
    if report is not None:
        world = World(seed=storm.seed, report=report)
        counted = figures_of(StormsReport(seed=storm.seed, attempts_asked=1).plus(world))
        figures = {**counted, **figures}
        del figures["worlds"], figures["bad_worlds"]
    if story:
        figures["story"] = [_as_json(line) for line in story]
    return figures


def _as_json(of: Finding | StoryLine) -> dict[str, Any]:
    return {**attrs.asdict(of), "at": of.at.isoformat() if of.at is not None else None}


def _show_world(console: Console, storm: Storm, report: StormReport) -> None:
    console.print()
    weather = "store, process and connection hold" if storm.calm else "everything may fail"
    console.print(f"[bold]The world {storm.seed}[/bold]: {weather}", soft_wrap=True)
    for policy in storm.policies:
        console.print(
            f"  {policy.queue}: {policy.mode}, {policy.attempts_max} attempts at most", soft_wrap=True
        )
    _show(
        console, StormsReport(seed=storm.seed, attempts_asked=1).plus(World(seed=storm.seed, report=report))
    )
    for finding in report.findings.all:
        console.print(str(finding), soft_wrap=True, markup=False)
        callback_id = callback_of(storm.evidence().history, finding.which)
        if callback_id is not None:
            console.print(f"  Its story: {command_of(storm.seed, callback_id)}", soft_wrap=True, markup=False)


def _show_story(story: list[StoryLine]) -> None:
    """Print two columns: what the history says, and what was seen."""
    console = page()
    if not console.is_terminal:
        console = Console(highlight=False, width=_PAGE_WIDTH)
    table = new_table(console)
    table.add_column("time", no_wrap=True)
    table.add_column("history", style="cyan", max_width=_HISTORY_WIDTH)
    table.add_column("what happened, and what was told")
    at = ""
    for line in story:
        time = f"{line.at:%H:%M:%S}.{line.at.microsecond // 1000:03d}"
        text = escape(f"{line.who}: {line.what}")
        cells = (text, "") if line.is_history else ("", text)
        table.add_row(time if time != at else "", *cells)
        at = time
    console.print(table)

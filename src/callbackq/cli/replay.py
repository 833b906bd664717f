"""`callbackq replay`: a real log's calls through the engine, beside what the log says came of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
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
    SOURCE,
    YEARS_ON,
    BankLog,
    NotALog,
    figures_of_log,
    read_log,
)
from callbackq.simulation.replaying import (
    BREAK_MIN,
    OFFER_AFTER,
    OFFER_WAIT_MIN,
    PAUSE_MAX,
    Compared,
    Habits,
    center_of_log,
    compare_with_log,
    habits_of_log,
)
from callbackq.simulation.report import SimulationReport, rounded
from callbackq.stores.memory import MemoryStore

BAD_LINES_SHOWN: Final = 10
ASSUMED: Final = (
    "On duty: an agent, from the start of a service on, for the kinds of calls served that day. Away: between two "
    f"services more than {BREAK_MIN.seconds // 60} minutes apart, and where for more than {PAUSE_MAX.seconds} s "
    "somebody waited whom this agent could have served. A call under way when an agent goes is finished. The last "
    "one on duty stays while anybody is left whom this agent can serve.",
    "After each call agents pause as long as the log shows them pause, on average, while somebody waits; pauses "
    f"above {PAUSE_MAX.seconds} s are absences.",
    "Patience: of who hung up in the log, what the log shows. Who was served would have held longer than that; how "
    "much longer is drawn from the law of the same kind of call (Kaplan and Meier), and beyond the longest wait of "
    "the log from an exponential tail.",
    "Service times: the log's; for who hung up in the log, drawn from those of the same kind of call.",
    f"Offers: after {OFFER_AFTER.seconds} s on hold, to who is expected to wait {OFFER_WAIT_MIN.seconds} s or more; "
    "93 % of the calls back are answered.",
    "One queue, in order of arrival; priority 2 has a head start of 90 s.",
    f"Dates are moved on by {YEARS_ON} years, to the same day of the week. The store does not wait for the disk.",
)


@attrs.frozen(kw_only=True)
class _Replayed:
    """All there is to show."""

    asked: Asked
    file: Path
    log: BankLog
    habits: Habits
    report: SimulationReport
    without: SimulationReport
    place: Path


def run(asked: Asked, *, file: Path, days: int | None) -> None:
    """
    Read the log, run it twice, with callbacks on SQLite and without in memory, and show all three.

    How people are is learned from the whole log, also when only its first days are run.
    """
    try:
        log = read_log(file)
    except NotALog as error:
        refuse(f"{error}.")
    habits = habits_of_log(log)
    if days is not None:
        log = log.first_days(days)
    center = partial(center_of_log, log, seed=asked.seed, habits=habits)
    with (
        new_store(asked.store, name="replay.db") as (store, place),
        progress_bar("With callbacks", shown=not asked.as_json) as progress,
    ):
        report = center(store, accept_ratio=asked.accept_ratio).run(progress=progress)
    with progress_bar("Without", shown=not asked.as_json) as progress:
        without = center(MemoryStore(), accept_ratio=None).run(progress=progress)
    replayed = _Replayed(
        asked=asked, file=file, log=log, habits=habits, report=report, without=without, place=place
    )
    if asked.as_json:
        print_json(_as_json(replayed))
    else:
        _show(page(), replayed)
    end_by(report)


def _as_json(it: _Replayed) -> dict[str, Any]:
    compared = compare_with_log(it.log, without=it.without, with_callbacks=it.report)
    laws = {"all": it.habits.patience.overall, **it.habits.patience.by_kind}
    return {
        "file": it.file.name,
        "format": "anonymous-bank",
        "source": SOURCE,
        "seed": it.asked.seed,
        "accept_ratio": it.asked.accept_ratio,
        "rows": it.log.rows,
        "ended_in_menu": len(it.log.menu_days),
        "bad_lines": len(it.log.bad),
        "first_bad_lines": [attrs.asdict(bad) for bad in it.log.bad[:BAD_LINES_SHOWN]],
        **it.report.figures(),
        "log": rounded(attrs.asdict(figures_of_log(it.log))),
        "without_callbacks": it.without.figures(),
        "compared": {
            name: rounded({**attrs.asdict(row), "off_percent": row.off_percent})
            for name, row in compared.items()
        },
        "agent_pause_s": round(it.habits.pause.total_seconds(), 3),
        "patience_mean_s": rounded({kind: law.tail_mean_s for kind, law in laws.items()}),
        "assumed": list(ASSUMED),
        "store": str(it.place),
    }


def _show(console: Console, it: _Replayed) -> None:
    console.print()
    console.print(
        f"[bold]{it.file.name}[/bold]: {it.log.rows:,} rows, {len(it.log.calls):,} calls to an agent",
        soft_wrap=True,
    )
    console.print(
        f"{len(it.log.menu_days):,} more ended in the voice menu, and were not sent.", soft_wrap=True
    )
    if it.log.bad:
        console.print(f"[bold]{len(it.log.bad):,} bad rows[/bold] were left out; the first of them:")
        for bad in it.log.bad[:BAD_LINES_SHOWN]:
            console.print(f"  line {bad.line}: {bad.why}", soft_wrap=True, markup=False)
    console.print()
    console.print(_comparison(console, it))
    console.print()
    console.print(
        "Off by: how far the model is from the log before anything is changed. Trust the last column no further.",
        soft_wrap=True,
    )
    report = it.report
    console.print(
        f"Of {report.offers:,} offers {report.accepted:,} were accepted; {report.connected:,} were called back and "
        f"talked, {report.unreached:,} were not reached, {report.expired:,} expired.\n"
        f"Promises lost {report.lost}, double dialed {report.double_dialed}, overtaken {report.overtaken}.",
        soft_wrap=True,
    )
    console.print()
    console.print(_learned(it.habits), soft_wrap=True)
    console.print("Taken as given, for the log does not say:")
    for sentence in ASSUMED:
        console.print(f"  - {sentence}", soft_wrap=True)
    console.print()
    console.print(SOURCE, soft_wrap=True)
    console.print(f"The replay is in [bold]{it.place}[/bold]", soft_wrap=True)


def _learned(habits: Habits) -> str:
    """Say what the log tells of people."""
    laws = {"all": habits.patience.overall, **habits.patience.by_kind}
    known = (f"{kind} {law.tail_mean_s:.0f} s" for kind, law in laws.items() if law.tail_mean_s is not None)
    return (
        f"Learned from the log: agents pause {habits.pause.total_seconds():.1f} s after a call; time on hold for "
        f"each who gave up: {', '.join(known) or 'nobody did'}."
    )


_Writer = Callable[[float | None], str]


def _count(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _time(value: float | None) -> str:
    return "" if value is None else minutes(value)


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def _off(value: float | None) -> str:
    return "" if value is None else f"{value:+.1f} %"


ROWS: Final[tuple[tuple[str, str, _Writer], ...]] = (
    ("queued", "found no agent free", _count),
    ("abandoned", "gave up on hold", _count),
    ("abandoned_of_queued_ratio", "share of those who found none", _percent),
    ("mean_hold_queued_s", "mean time on hold of those", _time),
    ("served", "talked to an agent", _count),
    ("mean_wait_live_s", "mean wait, served on hold", _time),
    ("mean_wait_callback_s", "mean wait, hung up and called back", _time),
    ("attempts", "customers' phones dialed", _count),
    ("promises_kept_ratio", "promises kept", _percent),
)


def _comparison(console: Console, it: _Replayed) -> Table:
    table = new_table(console)
    table.add_column("")
    table.add_column("the log", justify="right", style="bold")
    table.add_column("the model,\nno callbacks", justify="right")
    table.add_column("off by", justify="right")
    table.add_column(f"the model,\n{it.asked.accept_ratio:.0%} accept", justify="right", style="cyan")
    compared: dict[str, Compared] = compare_with_log(it.log, without=it.without, with_callbacks=it.report)
    for name, words, write in ROWS:
        row = compared[name]
        table.add_row(
            words,
            write(row.log),
            write(row.without_callbacks),
            _off(row.off_percent),
            write(row.with_callbacks),
        )
    return table

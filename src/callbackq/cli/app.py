"""
The commands, and what they have in common. One module for each command says what it does and shows.

The rule: figures go to stdout, all else to stderr. A mistake of the user is one sentence and exit code 2.
"""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from callbackq.cli import demo as demo_command
from callbackq.cli import replay as replay_command
from callbackq.cli.common import Asked
from callbackq.simulation.center import ACCEPT_RATIO


class LogFormat(enum.StrEnum):
    """The call logs that can be read."""

    ANONYMOUS_BANK = "anonymous-bank"


app = typer.Typer(
    name="callbackq",
    help=(
        "Callers hang up, keep their place in line, and are called back: see the engine at work.\n\n"
        "Start with: **callbackq demo**"
    ),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)

_Json = Annotated[
    bool, typer.Option("--json", help="Print figures as JSON, and nothing else. Seconds end in _s.")
]
_Seed = Annotated[
    int, typer.Option(help="Where all chance comes from: the same seed, the same people and figures.")
]
_Store = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="Where to write the database. Must not exist yet.",
        show_default="a temporary file",
    ),
]
_Accept = Annotated[
    float,
    typer.Option(min=0, max=1, metavar="RATIO", help="The share of offers that callers accept, 0 to 1."),
]


@app.command(epilog="Example: **callbackq demo --seed 7 --store monday.db**")
def demo(
    *, as_json: _Json = False, seed: _Seed = 7, accept: _Accept = ACCEPT_RATIO, store: _Store = None
) -> None:
    """
    Play one busy day of ten agents, with callbacks and without.

    The people are made up and the time is virtual; service, dispatcher and SQLite store are the real ones. The
    same people call on both days, so what differs is what callbacks do. Look into the database afterwards: every
    promise and all that happened to it stands there in plain columns.
    """
    demo_command.run(Asked(as_json=as_json, seed=seed, accept_ratio=accept, store=store))


@app.command(
    epilog=("Example: **callbackq replay anonymous_bank_1999_01.csv.gz --format anonymous-bank --days 5**")
)
def replay(
    file: Annotated[Path, typer.Argument(help="The log; plain or compressed with gzip.", show_default=False)],
    *,
    log_format: Annotated[LogFormat, typer.Option("--format", help="What the log's columns mean.")] = (
        LogFormat.ANONYMOUS_BANK
    ),
    days: Annotated[
        int | None, typer.Option(min=1, help="Only the first days of the log.", show_default="all")
    ] = None,
    as_json: _Json = False,
    seed: _Seed = 7,
    accept: _Accept = ACCEPT_RATIO,
    store: _Store = None,
) -> None:
    """
    Send the calls of a real log through the engine, and compare.

    Calls come in the log's order with the log's service times. Patience, and who was on duty for which calls, is
    learned from the log; what it cannot tell, such as who would accept a callback, is drawn from the seed. The
    log, the model without callbacks and the model with them stand side by side, so the first two tell how far to
    trust the third. The store does not wait for the disk.
    """
    assert log_format is LogFormat.ANONYMOUS_BANK
    replay_command.run(
        Asked(as_json=as_json, seed=seed, accept_ratio=accept, store=store), file=file, days=days
    )

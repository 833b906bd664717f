"""
The commands, and what they have in common. One module for each command says what it does and shows.

The rule: figures go to stdout, all else to stderr. A mistake of the user is one sentence and exit code 2.
"""

from __future__ import annotations

import enum
import os
from pathlib import Path
from typing import Annotated

import typer

from callbackq.cli import demo as demo_command
from callbackq.cli import replay as replay_command
from callbackq.cli import storm as storm_command
from callbackq.cli.common import Asked, refuse
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


@app.command(epilog="Example: **callbackq storm --attempts 2000**, and then **callbackq storm --world 1**")
def storm(
    *,
    attempts: Annotated[
        int, typer.Option(min=1, help="So many attempts at least, over all worlds.")
    ] = 200_000,
    seed: Annotated[
        int, typer.Option(min=0, help="The seed of the first world; each further one has the next.")
    ] = 1,
    processes: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How many worlds at once; makes no difference to the figures.",
            show_default="one per CPU",
        ),
    ] = None,
    world: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="SEED", help="Only this world: what was found in it.", show_default="all"
        ),
    ] = None,
    callback: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="With --world: the story of one callback, by its id or that of an attempt or a leg.",
            show_default="none",
        ),
    ] = None,
    as_json: _Json = False,
) -> None:
    """
    Let nearly everything go wrong in small worlds, and check that all promises hold.

    In every world agents, people, network, store and the process itself do what they should not, by chance that
    follows from the seed; the engine is the real one. Checkers that share no code with it then hold the network's
    log and the people's own account against its rows and its history. What they find ends the command with code 1,
    and is printed with the command that replays it.
    """
    if world is not None:
        storm_command.run_one(world, callback_id=callback, as_json=as_json)
    elif callback is not None:
        refuse("--callback needs --world SEED: a callback is known in its own world only.")
    else:
        storm_command.run(
            attempts=attempts, seed=seed, processes=processes or os.cpu_count() or 1, as_json=as_json
        )

"""Commands that show the engine at work, or try to break it."""

from __future__ import annotations

import enum
import os
from pathlib import Path
from typing import Annotated, Final

import typer

from callbackq.cli import converse as converse_command
from callbackq.cli import demo as demo_command
from callbackq.cli import fuzz as fuzz_command
from callbackq.cli import kills as kills_command
from callbackq.cli import replay as replay_command
from callbackq.cli import storm as storm_command
from callbackq.cli.common import Asked, refuse
from callbackq.cli.fleet_options import fleet
from callbackq.cli.options import (
    AcceptOption,
    FirstSeedOption,
    JsonOption,
    NewStoreOption,
    ProcessesOption,
    SeedOption,
    WorldOption,
)
from callbackq.simulation.center import ACCEPT_RATIO

PANEL: Final = "See it at work, or try to break it"
"""The heading under which `callbackq --help` lists them."""

group = typer.Typer()


class LogFormat(enum.StrEnum):
    """The call logs that can be read."""

    ANONYMOUS_BANK = "anonymous-bank"


@group.command(epilog="Example: **callbackq demo --seed 7 --store monday.db**", rich_help_panel=PANEL)
def demo(
    *,
    as_json: JsonOption = False,
    seed: SeedOption = 7,
    accept: AcceptOption = ACCEPT_RATIO,
    store: NewStoreOption = None,
) -> None:
    """
    Play one busy day of ten agents, with callbacks and without.

    The people are made up and the time is virtual; service, dispatcher and SQLite store are the real ones. The
    same people call on both days, so what differs is what callbacks do. Look into the database afterwards: every
    promise and all that happened to it stands there in plain columns.
    """
    demo_command.run(Asked(as_json=as_json, seed=seed, accept_ratio=accept, store=store))


@group.command(
    epilog=("Example: **callbackq replay anonymous_bank_1999_01.csv.gz --format anonymous-bank --days 5**"),
    rich_help_panel=PANEL,
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
    as_json: JsonOption = False,
    seed: SeedOption = 7,
    accept: AcceptOption = ACCEPT_RATIO,
    store: NewStoreOption = None,
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


@group.command(
    epilog="Example: **callbackq storm --attempts 2000**, and then **callbackq storm --world 1**",
    rich_help_panel=PANEL,
)
def storm(
    *,
    attempts: Annotated[
        int, typer.Option(min=1, help="So many attempts at least, over all worlds.")
    ] = 200_000,
    seed: FirstSeedOption = 1,
    processes: ProcessesOption = None,
    world: WorldOption = None,
    callback: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="With --world: the story of one callback, by its id or that of an attempt or a leg.",
            show_default="none",
        ),
    ] = None,
    as_json: JsonOption = False,
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


group.command(
    epilog="Example: **callbackq fleet --seeds 200**, and then **callbackq fleet --world 1 --story**",
    rich_help_panel=PANEL,
)(fleet)


@group.command(
    epilog="Example: **callbackq kills --kills 50**, and then **callbackq kills --world 1**",
    rich_help_panel=PANEL,
)
def kills(
    *,
    kills: Annotated[int, typer.Option("--kills", min=1, help="So many processes at least.")] = 500,
    every_point: Annotated[
        bool, typer.Option("--every-point", help="Instead: at least one at each fault point.")
    ] = False,
    store: Annotated[
        kills_command.KillStore, typer.Option("--store", help="Where the rows are.")
    ] = kills_command.KillStore.SQLITE,
    postgres: Annotated[
        str | None,
        typer.Option(
            metavar="CONNINFO",
            help="With --store postgres: a database in which a schema is made, and dropped again.",
            show_default="a server that is started for the command",
        ),
    ] = None,
    seed: FirstSeedOption = 1,
    processes: ProcessesOption = None,
    world: WorldOption = None,
    point: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help='With --world: where a node is killed first, as "before Telephony.dial".',
            show_default="as the seed says",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """
    Kill real processes by SIGKILL at every boundary, let others go on, and check that nothing is lost.

    Small contact centers on a durable store, with one to three nodes that are processes. They are killed before or
    after they ask the telephony, a provider or the store for anything, or at any moment, and again when they begin
    anew. The telephone network, the provider and the people live outside of them and forget nothing: what was
    acknowledged to somebody must be kept, and nothing done twice. What is found ends the command with code 1, and is
    printed with the command that replays it.
    """
    if point is not None and world is None:
        refuse("--point needs --world SEED: each world has a first kill of its own.")
    kills_command.run(
        kills_command.KillsAsked(
            kills=None if every_point else kills,
            seed=seed,
            store=store,
            postgres=postgres,
            processes=processes or os.cpu_count() or 1,
            world=world,
            point=point,
            as_json=as_json,
        )
    )


@group.command(epilog="Example: **callbackq fuzz --inputs 100000**", rich_help_panel=PANEL)
def fuzz(
    *,
    inputs: Annotated[int, typer.Option(min=1, help="How many inputs.")] = 2_000_000,
    seed: Annotated[int, typer.Option(min=0, help="Where all chance comes from.")] = 1,
    first: Annotated[
        int, typer.Option(min=0, help="The number of the first input: to replay one that was found.")
    ] = 0,
    processes: ProcessesOption = None,
    as_json: JsonOption = False,
) -> None:
    """
    Try random input on everything that strangers can write: numbers, keys, codes, zones and hours.

    Nothing may be raised but the documented errors, and none of them may show what was written. Anything else ends
    the command with code 1, and is printed with the command that replays it.
    """
    fuzz_command.run(
        inputs=inputs, seed=seed, first=first, processes=processes or os.cpu_count() or 1, as_json=as_json
    )


@group.command(epilog="Example: **callbackq converse --conversations 2000**", rich_help_panel=PANEL)
def converse(
    *,
    conversations: Annotated[int, typer.Option(min=1, help="So many conversations at least.")] = 100_000,
    seed: SeedOption = 1,
    processes: ProcessesOption = None,
    part: Annotated[
        int | None,
        typer.Option(min=0, help="Only this part: to replay what was found in it.", show_default="all"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """
    Let customers write whatever comes to their mind, and check what is done and sent.

    Each conversation is with one customer, in small worlds in which the host acts, agents call, time passes and much
    goes wrong; the engine is the real one. Checkers that share no code with it hold to an account of their own that no
    text touches what is somebody else's, that nothing is sent twice, untrue, or after an opt-out. What they find ends
    the command with code 1, and is printed as the shortest example, with the command that replays it. Needs hypothesis
    (the extra `testing`).
    """
    converse_command.run(
        conversations=conversations,
        seed=seed,
        part=part,
        processes=processes or os.cpu_count() or 1,
        as_json=as_json,
    )

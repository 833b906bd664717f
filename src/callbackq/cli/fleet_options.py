"""What can be asked of `callbackq fleet`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from callbackq.cli import fleet as fleet_command
from callbackq.cli.common import refuse
from callbackq.cli.options import FirstSeedOption, JsonOption, ProcessesOption, WorldOption


def fleet(
    *,
    seeds: Annotated[int, typer.Option(min=1, help="So many worlds.")] = 10_000,
    seed: FirstSeedOption = 1,
    processes: ProcessesOption = None,
    store: Annotated[
        str, typer.Option(metavar="KIND", help="Where the rows are: memory, or sqlite, in temporary files.")
    ] = "memory",
    world: WorldOption = None,
    shrink: Annotated[
        bool,
        typer.Option(
            "--shrink", help="With --world: make it small, as long as it fails alike; tell its story."
        ),
    ] = False,
    story: Annotated[
        bool, typer.Option("--story", help="With --world: tell all that happens in it, in its order.")
    ] = False,
    callback: Annotated[
        str | None,
        typer.Option(metavar="ID", help="With --world: tell the story of one callback.", show_default="none"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """
    Let two to five nodes share one store, everything go wrong between them, and check that all promises hold.

    Nodes end, stand still, lose the store or the telephony, are replaced; replies are lost, reports go to the wrong
    node, clocks disagree. The engine is the real one, the time is virtual, and all follows from the seed. What the
    checkers find ends the command with code 1, and is printed with the command that replays its world, made small.
    """
    if world is not None:
        asked = fleet_command.AskedOne(
            seed=world,
            store=store,
            small=shrink,
            story=story or callback is not None,
            callback_id=callback,
            as_json=as_json,
        )
        fleet_command.run_one(asked)
    elif shrink or story or callback is not None:
        refuse("--shrink, --story and --callback need --world SEED.")
    else:
        fleet_command.run(
            worlds=seeds, seed=seed, processes=processes or os.cpu_count() or 1, store=store, as_json=as_json
        )

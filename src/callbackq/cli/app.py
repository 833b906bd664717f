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

from callbackq.cli import backup as backup_command
from callbackq.cli import converse as converse_command
from callbackq.cli import demo as demo_command
from callbackq.cli import doctor as doctor_command
from callbackq.cli import erase as erase_command
from callbackq.cli import fuzz as fuzz_command
from callbackq.cli import history as history_command
from callbackq.cli import kills as kills_command
from callbackq.cli import lint as lint_command
from callbackq.cli import migrate as migrate_command
from callbackq.cli import prune as prune_command
from callbackq.cli import replay as replay_command
from callbackq.cli import storm as storm_command
from callbackq.cli.common import Asked, refuse
from callbackq.cli.fleet_options import fleet
from callbackq.cli.kept import Kept
from callbackq.ids import DEFAULT_TENANT
from callbackq.policy import Wording
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

_Kept = Annotated[
    str,
    typer.Argument(
        metavar="STORE",
        help="The store: a file of SQLite, or where a PostgreSQL database is, as postgresql://...",
        show_default=False,
    ),
]
_Tenant = Annotated[str, typer.Option(metavar="ID", help="Whose rows of the store.")]
_Schema = Annotated[str, typer.Option(metavar="NAME", help="Of a PostgreSQL database: where the tables are.")]
_Pepper = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="A file with the 32 bytes of the pepper, for a store that does not keep it.",
        show_default="the store's own",
    ),
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


app.command(
    epilog="Example: **callbackq fleet --seeds 200**, and then **callbackq fleet --world 1 --story**"
)(fleet)


@app.command(epilog="Example: **callbackq kills --kills 50**, and then **callbackq kills --world 1**")
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
    seed: Annotated[
        int, typer.Option(min=0, help="The seed of the first world; each further one has the next.")
    ] = 1,
    processes: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How many worlds at once, each with one to three nodes.",
            show_default="one per CPU",
        ),
    ] = None,
    world: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="SEED", help="Only this world: what was found in it.", show_default="all"
        ),
    ] = None,
    point: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help='With --world: where a node is killed first, as "before Telephony.dial".',
            show_default="as the seed says",
        ),
    ] = None,
    as_json: _Json = False,
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


@app.command(epilog="Example: **callbackq erase callbacks.db --number +12125550101**")
def erase(
    store: _Kept,
    *,
    number: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER",
            help="Whoever is known by this number, or called at it, as +1... With `-` it is read from stdin.",
            show_default="none",
        ),
    ] = None,
    customer: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Whoever has this customer id of yours.", show_default="none"),
    ] = None,
    reason: Annotated[
        str, typer.Option(metavar="TEXT", help="Why callbacks are cancelled; kept in history.")
    ] = "erased",
    tenant: _Tenant = DEFAULT_TENANT,
    schema: _Schema = "public",
    pepper_file: _Pepper = None,
    as_json: _Json = False,
) -> None:
    """
    Forget a person: names, numbers, preferences and context.

    Open callbacks are cancelled. Counts, history and opt-outs stay, and name nobody. It cannot be taken back. Hosts
    may be at work in the store meanwhile. Ends with code 1 where somebody was reading, so that the store's files may
    still hold what was erased: erase once more then.
    """
    kept = Kept(store=store, tenant_id=tenant, schema=schema, pepper_file=pepper_file)
    erase_command.run(kept, number=number, customer_id=customer, reason=reason, as_json=as_json)


@app.command(epilog="Example: **callbackq backup callbacks.db callbacks-sunday.db**")
def backup(
    store: _Kept,
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="Where the copy is to stand.")],
    *,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a copy that is there, in one moment.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """
    Copy a store in SQLite, while it is in use.

    The copy is what was committed when it began. It stands there when it is whole; copied by other means while a host
    is running, a file may be damaged. The progress is shown on stderr.
    """
    backup_command.run(store, target, overwrite=overwrite, as_json=as_json)


@app.command(epilog="Example: **callbackq migrate callbacks.db --check**")
def migrate(
    store: _Kept,
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; end with code 1 if there is something to do.")
    ] = False,
    create: Annotated[bool, typer.Option("--create", help="Make the tables if there are none.")] = False,
    schema: _Schema = "public",
    pepper_file: _Pepper = None,
    as_json: _Json = False,
) -> None:
    """
    Bring the tables of a store forward to this release.

    Opening a store does the same. Do it ahead where the tables are large, or where the host's own role may not change
    them. Nodes of older releases go on meanwhile, unless a version breaks with them: then it is refused while one of
    them is up. What fails leaves the tables as they were.
    """
    kept = Kept(store=store, tenant_id=DEFAULT_TENANT, schema=schema, pepper_file=pepper_file)
    migrate_command.run(kept, check=check, create=create, as_json=as_json)


@app.command(epilog="Example: **callbackq verify callbacks.db --heads november.heads**")
def verify(
    store: _Kept,
    *,
    heads: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Digests that were kept earlier: without them no end that was cut off is found.",
            show_default="none",
        ),
    ] = None,
    pruned: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="What `callbackq prune --keep` wrote: chains that it removed are not missed.",
            show_default="none",
        ),
    ] = None,
    save_heads: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Where to write the digests of today, if all is well. Must not exist yet.",
            show_default="nowhere",
        ),
    ] = None,
    tenant: _Tenant = DEFAULT_TENANT,
    schema: _Schema = "public",
    pepper_file: _Pepper = None,
    as_json: _Json = False,
) -> None:
    """
    Check that the history is as it was written.

    The events of each record are sealed by digests, each over the one before it. Ends with code 1 if one was changed,
    taken out, put in or moved, and says which.
    """
    kept = Kept(store=store, tenant_id=tenant, schema=schema, pepper_file=pepper_file)
    history_command.verify(kept, heads_file=heads, pruned_file=pruned, save_file=save_heads, as_json=as_json)


@app.command(epilog="Example: **callbackq doctor callbacks.db --thorough**")
def doctor(
    store: _Kept,
    *,
    thorough: Annotated[
        bool,
        typer.Option(
            "--thorough", help="Hold every record against its history too, and read the whole store."
        ),
    ] = False,
    stuck_after: Annotated[
        int,
        typer.Option(
            min=1, max=86_400, metavar="SECONDS", help="What should have moved so long ago is stuck."
        ),
    ] = 120,
    limit: Annotated[
        int, typer.Option(min=1, help="So many open records of each kind are looked at, at most.")
    ] = 100_000,
    tenant: _Tenant = DEFAULT_TENANT,
    schema: _Schema = "public",
    pepper_file: _Pepper = None,
    as_json: _Json = False,
) -> None:
    """
    Look for what is in doubt, stuck or inconsistent, and say what to do about it.

    Nothing is changed, and hosts may be at work in the store meanwhile. It names records by their ids, and nobody. Ends
    with code 1 if anything was found, and with code 2 if it cannot look.
    """
    kept = Kept(store=store, tenant_id=tenant, schema=schema, pepper_file=pepper_file)
    doctor_command.run(kept, thorough=thorough, stuck_after_s=stuck_after, limit=limit, as_json=as_json)


@app.command(epilog="Example: **callbackq prune callbacks.db --ended-before 2025-01-01 --keep pruned.heads**")
def prune(
    store: _Kept,
    *,
    ended_before: Annotated[
        str | None,
        typer.Option(
            metavar="DATE",
            help="Remove what ended before it, as 2026-01-31 (UTC); 60 days ago or earlier.",
            show_default="nothing",
        ),
    ] = None,
    personal_days: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=36_525,
            metavar="DAYS",
            help="Forget persons of whom nothing was heard for so long.",
            show_default="nobody",
        ),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Where to write the last digest of each chain that is removed, for `callbackq verify --pruned`.",
            show_default="nowhere",
        ),
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who wants it; kept in history.", show_default="nobody")
    ] = None,
    tenant: _Tenant = DEFAULT_TENANT,
    schema: _Schema = "public",
    pepper_file: _Pepper = None,
    as_json: _Json = False,
) -> None:
    """
    Remove for good what ended long ago: callbacks, live calls, and their history.

    With --personal-days also persons of whom nothing was heard for long lose all that names them. Hosts may be at work
    in the store meanwhile. It cannot be taken back; killed in between, it goes on when it is run again. The history of
    what is left stays whole, and tells what was removed. Opt-outs stay.
    """
    prune_command.run(
        Kept(store=store, tenant_id=tenant, schema=schema, pepper_file=pepper_file),
        ended_before=ended_before,
        personal_days=personal_days,
        keep_file=keep,
        by=by,
        as_json=as_json,
    )


@app.command("export-history", epilog="Example: **callbackq export-history callbacks.db > history.jsonl**")
def export_history(
    store: _Kept,
    *,
    after: Annotated[
        int, typer.Option(min=0, metavar="NUMBER", help="Go on behind the line with this number.")
    ] = 0,
    tenant: _Tenant = DEFAULT_TENANT,
    schema: _Schema = "public",
    pepper_file: _Pepper = None,
) -> None:
    """
    Print the history as JSON Lines: each event with its digest.

    No line holds a phone number, a name or context. Whoever has the file can verify it without callbackq.
    """
    kept = Kept(store=store, tenant_id=tenant, schema=schema, pepper_file=pepper_file)
    history_command.export(kept, after=after)


@app.command(epilog="Example: **callbackq fuzz --inputs 100000**")
def fuzz(
    *,
    inputs: Annotated[int, typer.Option(min=1, help="How many inputs.")] = 2_000_000,
    seed: Annotated[int, typer.Option(min=0, help="Where all chance comes from.")] = 1,
    first: Annotated[
        int, typer.Option(min=0, help="The number of the first input: to replay one that was found.")
    ] = 0,
    processes: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How many processes; makes no difference to the figures.",
            show_default="one per CPU",
        ),
    ] = None,
    as_json: _Json = False,
) -> None:
    """
    Try random input on everything that strangers can write: numbers, keys, codes, zones and hours.

    Nothing may be raised but the documented errors, and none of them may show what was written. Anything else ends
    the command with code 1, and is printed with the command that replays it.
    """
    fuzz_command.run(
        inputs=inputs, seed=seed, first=first, processes=processes or os.cpu_count() or 1, as_json=as_json
    )


@app.command("lint-texts", epilog="Example: **callbackq lint-texts texts/pl.toml**")
def lint_texts(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]...",
            help="Catalogues of your own, in the format of the built-in ones.",
            show_default="the built-in texts",
        ),
    ] = None,
    *,
    wording: Annotated[
        Wording, typer.Option(help="How texts say what can be answered, as in Messages.wording.")
    ] = Wording.DIGITS,
    as_json: _Json = False,
) -> None:
    """
    Check the texts of messages: reserved words, and lengths.

    Carriers act on some words before you hear of them: who answers CANCEL, STOP or END gets no message any more. Ends
    with code 1 if a text advertises one: in capitals, in quotes, or directly behind "Reply" and its like. Shows in how
    many parts each text goes out as an SMS.
    """
    lint_command.run(files or [], wording=wording, as_json=as_json)


@app.command(epilog="Example: **callbackq converse --conversations 2000**")
def converse(
    *,
    conversations: Annotated[int, typer.Option(min=1, help="So many conversations at least.")] = 100_000,
    seed: _Seed = 1,
    processes: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How many processes; makes no difference to the figures.",
            show_default="one per CPU",
        ),
    ] = None,
    part: Annotated[
        int | None,
        typer.Option(min=0, help="Only this part: to replay what was found in it.", show_default="all"),
    ] = None,
    as_json: _Json = False,
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

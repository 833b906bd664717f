"""Commands that look after a store: what is wrong with it, copies, newer tables, and what is to be forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from callbackq.cli import backup as backup_command
from callbackq.cli import cancelling as cancel_command
from callbackq.cli import doctor as doctor_command
from callbackq.cli import erase as erase_command
from callbackq.cli import history as history_command
from callbackq.cli import migrate as migrate_command
from callbackq.cli import prune as prune_command
from callbackq.cli import webhooks as webhooks_command
from callbackq.cli.kept import Kept
from callbackq.cli.options import (
    CallbackArgument,
    JsonOption,
    PepperOption,
    SchemaOption,
    StoreArgument,
    TenantOption,
)
from callbackq.ids import DEFAULT_TENANT

PANEL: Final = "Look after a store"
"""The heading under which `callbackq --help` lists them."""

group = typer.Typer()


@group.command(
    epilog="Example: **callbackq cancel callbacks.db cb_019b8d627a80f00dfeed00c0ffee --by kim**",
    rich_help_panel=PANEL,
)
def cancel(
    store: StoreArgument,
    callback_id: CallbackArgument,
    *,
    by: Annotated[
        str, typer.Option(metavar="NAME", help="Who wants it; kept in history.", show_default=False)
    ],
    reason: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Why; kept in history.", show_default="none")
    ] = None,
    tenant: TenantOption = DEFAULT_TENANT,
    schema: SchemaOption = "public",
    pepper_file: PepperOption = None,
    as_json: JsonOption = False,
) -> None:
    """
    Take the promise of one callback back.

    An attempt that is under way is hung up by the host's dispatcher at its next step. What is cancelled already stays
    as it is; what ended in another way is refused, with code 2.
    """
    kept = Kept(store=store, tenant_id=tenant, schema=schema, pepper_file=pepper_file)
    cancel_command.run(kept, callback_id=callback_id, by=by, reason=reason, as_json=as_json)


@group.command(epilog="Example: **callbackq doctor callbacks.db --thorough**", rich_help_panel=PANEL)
def doctor(
    store: StoreArgument,
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
    tenant: TenantOption = DEFAULT_TENANT,
    schema: SchemaOption = "public",
    pepper_file: PepperOption = None,
    as_json: JsonOption = False,
) -> None:
    """
    Look for what is in doubt, stuck or inconsistent, and say what to do about it.

    Nothing is changed, and hosts may be at work in the store meanwhile. It names records by their ids, and nobody. Ends
    with code 1 if anything was found, and with code 2 if it cannot look.
    """
    kept = Kept(store=store, tenant_id=tenant, schema=schema, pepper_file=pepper_file)
    doctor_command.run(kept, thorough=thorough, stuck_after_s=stuck_after, limit=limit, as_json=as_json)


@group.command(
    epilog="Example: **callbackq verify callbacks.db --heads november.heads**", rich_help_panel=PANEL
)
def verify(
    store: StoreArgument,
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
    tenant: TenantOption = DEFAULT_TENANT,
    schema: SchemaOption = "public",
    pepper_file: PepperOption = None,
    as_json: JsonOption = False,
) -> None:
    """
    Check that the history is as it was written.

    The events of each record are sealed by digests, each over the one before it. Ends with code 1 if one was changed,
    taken out, put in or moved, and says which.
    """
    kept = Kept(store=store, tenant_id=tenant, schema=schema, pepper_file=pepper_file)
    history_command.verify(kept, heads_file=heads, pruned_file=pruned, save_file=save_heads, as_json=as_json)


@group.command(
    "export-history",
    epilog="Example: **callbackq export-history callbacks.db > history.jsonl**",
    rich_help_panel=PANEL,
)
def export_history(
    store: StoreArgument,
    *,
    after: Annotated[
        int, typer.Option(min=0, metavar="NUMBER", help="Go on behind the line with this number.")
    ] = 0,
    tenant: TenantOption = DEFAULT_TENANT,
    schema: SchemaOption = "public",
    pepper_file: PepperOption = None,
) -> None:
    """
    Print the history as JSON Lines: each event with its digest.

    No line holds a phone number, a name or context. Whoever has the file can verify it without callbackq.
    """
    kept = Kept(store=store, tenant_id=tenant, schema=schema, pepper_file=pepper_file)
    history_command.export(kept, after=after)


@group.command(epilog="Example: **callbackq backup callbacks.db callbacks-sunday.db**", rich_help_panel=PANEL)
def backup(
    store: StoreArgument,
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="Where the copy is to stand.")],
    *,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a copy that is there, in one moment.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """
    Copy a store in SQLite, while it is in use.

    The copy is what was committed when it began. It stands there when it is whole; copied by other means while a host
    is running, a file may be damaged. The progress is shown on stderr.
    """
    backup_command.run(store, target, overwrite=overwrite, as_json=as_json)


@group.command(epilog="Example: **callbackq migrate callbacks.db --check**", rich_help_panel=PANEL)
def migrate(
    store: StoreArgument,
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; end with code 1 if there is something to do.")
    ] = False,
    create: Annotated[bool, typer.Option("--create", help="Make the tables if there are none.")] = False,
    schema: SchemaOption = "public",
    pepper_file: PepperOption = None,
    as_json: JsonOption = False,
) -> None:
    """
    Bring the tables of a store forward to this release.

    Opening a store does the same. Do it ahead where the tables are large, or where the host's own role may not change
    them. Nodes of older releases go on meanwhile, unless a version breaks with them: then it is refused while one of
    them is up. What fails leaves the tables as they were.
    """
    kept = Kept(store=store, tenant_id=DEFAULT_TENANT, schema=schema, pepper_file=pepper_file)
    migrate_command.run(kept, check=check, create=create, as_json=as_json)


@group.command(
    epilog="Example: **callbackq prune callbacks.db --ended-before 2025-01-01 --keep pruned.heads**",
    rich_help_panel=PANEL,
)
def prune(
    store: StoreArgument,
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
    tenant: TenantOption = DEFAULT_TENANT,
    schema: SchemaOption = "public",
    pepper_file: PepperOption = None,
    as_json: JsonOption = False,
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


@group.command(
    epilog="Example: **callbackq erase callbacks.db --number +12125550101**", rich_help_panel=PANEL
)
def erase(
    store: StoreArgument,
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
    tenant: TenantOption = DEFAULT_TENANT,
    schema: SchemaOption = "public",
    pepper_file: PepperOption = None,
    as_json: JsonOption = False,
) -> None:
    """
    Forget a person: names, numbers, preferences and context.

    Open callbacks are cancelled. Counts, history and opt-outs stay, and name nobody. It cannot be taken back. Hosts
    may be at work in the store meanwhile. Ends with code 1 where somebody was reading, so that the store's files may
    still hold what was erased: erase once more then.
    """
    kept = Kept(store=store, tenant_id=tenant, schema=schema, pepper_file=pepper_file)
    erase_command.run(kept, number=number, customer_id=customer, reason=reason, as_json=as_json)


@group.command(
    epilog="Example: **callbackq webhooks callbacks.db --replay crm --from 24h**", rich_help_panel=PANEL
)
def webhooks(
    store: StoreArgument,
    *,
    replay: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Send this endpoint everything again.", show_default="none"),
    ] = None,
    from_at: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="WHEN",
            help="From when on: 90m, 24h, 7d, 2026-01-31 or 2026-01-31T18:00, in UTC.",
            show_default="none",
        ),
    ] = None,
    from_number: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="From this history_number on.", show_default="none"),
    ] = None,
    opens: Annotated[
        str | None,
        typer.Option(
            "--open",
            metavar="NAME",
            help="Send to this endpoint again, and at once what rests.",
            show_default="none",
        ),
    ] = None,
    closes: Annotated[
        str | None,
        typer.Option(
            "--close",
            metavar="NAME",
            help="Send this endpoint nothing until it is opened.",
            show_default="none",
        ),
    ] = None,
    tenant: TenantOption = DEFAULT_TENANT,
    schema: SchemaOption = "public",
    pepper_file: PepperOption = None,
    as_json: JsonOption = False,
) -> None:
    """
    Show how far the endpoints of webhooks were told, what they are behind with, and what was given up.

    It sends nothing itself: the host does, at its next round. A replay sends events under the ids that they had, so
    that a receiver knows them again.
    """
    kept = Kept(store=store, tenant_id=tenant, schema=schema, pepper_file=pepper_file)
    asked = webhooks_command.Asked(
        replay=replay,
        from_number=from_number,
        from_at=from_at,
        opens=opens,
        closes=closes,
        as_json=as_json,
    )
    webhooks_command.run(kept, asked)

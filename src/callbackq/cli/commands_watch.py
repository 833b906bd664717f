"""Commands that show what is in a store: callbacks one by one, and figures over all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from callbackq.cli import explaining as explain_command
from callbackq.cli import exporting as export_command
from callbackq.cli import listing as list_command
from callbackq.cli import telling as show_command
from callbackq.cli.kept import Kept
from callbackq.cli.options import (
    CallbackArgument,
    JsonOption,
    PepperOption,
    SchemaOption,
    SettingsOption,
    SinceOption,
    StoreArgument,
    TenantOption,
    ZoneOption,
)
from callbackq.cli.report_options import report
from callbackq.cli.wallboard_options import wallboard
from callbackq.ids import DEFAULT_TENANT

PANEL: Final = "See what is in a store"
"""The heading under which `callbackq --help` lists them."""

group = typer.Typer()


@group.command(
    "list",
    epilog="Example: **callbackq list callbacks.db --queue support --state open --since 24h**",
    rich_help_panel=PANEL,
)
def list_callbacks(
    store: StoreArgument,
    *,
    queue: Annotated[
        list[str] | None,
        typer.Option(
            "--queue",
            metavar="NAME",
            help="Only of this queue; may be given several times.",
            show_default="all",
        ),
    ] = None,
    state: Annotated[
        list[str] | None,
        typer.Option(
            "--state",
            metavar="STATE",
            help=f"Only these: open, {', '.join(list_command.STATES)}; may be given several times.",
            show_default="all",
        ),
    ] = None,
    since: SinceOption = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="Only what began before it, as in --since.", show_default="now"),
    ] = None,
    number: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER",
            help="Only of whoever is known by it, or called at it, as +1... With `-` it is read from stdin.",
            show_default="all",
        ),
    ] = None,
    customer: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Only of whoever has this customer id of yours.", show_default="all"),
    ] = None,
    after: Annotated[
        str | None,
        typer.Option(
            metavar="CALLBACK_ID",
            help="The next page: the last callback of the one before.",
            show_default="the first",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="So many at most.")] = 50,
    zone: ZoneOption = None,
    settings: SettingsOption = None,
    tenant: TenantOption = DEFAULT_TENANT,
    schema: SchemaOption = "public",
    pepper_file: PepperOption = None,
    as_json: JsonOption = False,
) -> None:
    """
    List callbacks, those that were requested last first: state, place, what is next and why, tries, outcome.

    Numbers are masked. Nothing is changed, and hosts may be at work in the store meanwhile.
    """
    asked = list_command.Asked(
        queues=queue or (),
        states=state or (),
        since=since,
        until=until,
        number=number,
        customer_id=customer,
        after=after,
        limit=limit,
        zone=zone,
        as_json=as_json,
    )
    list_command.run(
        Kept(store=store, tenant_id=tenant, schema=schema, pepper_file=pepper_file, settings_file=settings),
        asked,
    )


@group.command(
    epilog="Example: **callbackq show callbacks.db cb_019b8d627a80f00dfeed00c0ffee --zone Europe/Berlin**",
    rich_help_panel=PANEL,
)
def show(
    store: StoreArgument,
    callback_id: CallbackArgument,
    *,
    zone: ZoneOption = None,
    settings: SettingsOption = None,
    tenant: TenantOption = DEFAULT_TENANT,
    schema: SchemaOption = "public",
    pepper_file: PepperOption = None,
    as_json: JsonOption = False,
) -> None:
    """
    Tell all of one callback: what it is, its attempts, bookings and messages, and what happened to it.

    Numbers are masked, and neither name nor context is shown. Nothing is changed.
    """
    kept = Kept(store=store, tenant_id=tenant, schema=schema, pepper_file=pepper_file, settings_file=settings)
    show_command.run(kept, callback_id=callback_id, zone=zone, as_json=as_json)


@group.command(
    epilog="Example: **callbackq explain callbacks.db cb_019b8d627a80f00dfeed00c0ffee --settings queues.toml**",
    rich_help_panel=PANEL,
)
def explain(
    store: StoreArgument,
    callback_id: CallbackArgument,
    *,
    settings: SettingsOption = None,
    zone: ZoneOption = None,
    tenant: TenantOption = DEFAULT_TENANT,
    schema: SchemaOption = "public",
    pepper_file: PepperOption = None,
    as_json: JsonOption = False,
) -> None:
    """
    Say why a callback is or is not being dialed now: the rule that decides, and when time alone changes it.

    Give the host's settings, for many rules stand in them: caps, calling hours, who goes first. Nothing is changed.
    """
    kept = Kept(store=store, tenant_id=tenant, schema=schema, pepper_file=pepper_file, settings_file=settings)
    explain_command.run(kept, callback_id=callback_id, zone=zone, as_json=as_json)


group.command(epilog="Example: **callbackq report callbacks.db --html report.html**", rich_help_panel=PANEL)(
    report
)
group.command(epilog="Example: **callbackq wallboard callbacks.db --queue support**", rich_help_panel=PANEL)(
    wallboard
)


@group.command(
    epilog="Example: **callbackq export callbacks.db --to callbacks.csv --since 30d**", rich_help_panel=PANEL
)
def export(
    store: StoreArgument,
    *,
    to: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="Where to write it: as its name ends in .csv, .jsonl or .parquet.",
            show_default=False,
        ),
    ],
    what: Annotated[export_command.What, typer.Option(help="Which table.")] = export_command.What.CALLBACKS,
    since: SinceOption = None,
    zone: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="On which clocks --since is read.", show_default="UTC"),
    ] = None,
    with_numbers: Annotated[
        bool,
        typer.Option("--with-numbers", help="Add a column with the number that is called: personal data."),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a file that is there, in one moment.")
    ] = False,
    tenant: TenantOption = DEFAULT_TENANT,
    schema: SchemaOption = "public",
    pepper_file: PepperOption = None,
    as_json: JsonOption = False,
) -> None:
    """
    Write a table to a file: CSV, JSON Lines, or Parquet (extra `parquet`).

    Times are UTC. No row holds a name or a number unless you say --with-numbers. What a spreadsheet could run as a
    formula begins with an apostrophe in CSV. Memory does not grow with the store, and hosts may be at work in it.
    """
    asked = export_command.Asked(
        target=to,
        what=what,
        since=since,
        zone=zone,
        with_numbers=with_numbers,
        overwrite=overwrite,
        as_json=as_json,
    )
    export_command.run(Kept(store=store, tenant_id=tenant, schema=schema, pepper_file=pepper_file), asked)

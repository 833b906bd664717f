"""What `callbackq report` can be asked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from callbackq.cli import report as report_command
from callbackq.cli.kept import Kept
from callbackq.cli.options import (
    JsonOption,
    PepperOption,
    SchemaOption,
    SettingsOption,
    StoreArgument,
    TenantOption,
)
from callbackq.ids import DEFAULT_TENANT
from callbackq.model.figures import Grain


def report(
    store: StoreArgument,
    *,
    from_text: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="WHEN",
            help="Where the stretch of time begins: a day as 2026-01-31, a time, or an age as 24h or 7d.",
            show_default="the Monday before",
        ),
    ] = None,
    until_text: Annotated[
        str | None,
        typer.Option(
            "--until",
            metavar="WHEN",
            help="Where it ends; this moment is no part of it.",
            show_default="the end of the last day on which there was anything; with --from: now",
        ),
    ] = None,
    queue: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this queue; may be given several times.", show_default="all"),
    ] = None,
    grain: Annotated[
        Grain, typer.Option(help="By what time the parts are told apart, in the JSON, the CSV and the page.")
    ] = Grain.DAY,
    csv_file: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Write all figures here too.", show_default="nowhere"),
    ] = None,
    html_file: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="FILE",
            help="Write one page with charts here too, that needs nothing else.",
            show_default="nowhere",
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Reckon with the costs of a preset, as s2.", show_default="none"),
    ] = None,
    cost: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="What only you know, as cost_of_abandon=10; may be given several times.",
            show_default="of --settings",
        ),
    ] = None,
    settings: SettingsOption = None,
    tenant: TenantOption = DEFAULT_TENANT,
    schema: SchemaOption = "public",
    pepper_file: PepperOption = None,
    as_json: JsonOption = False,
) -> None:
    """
    Print what a supervisor asks for: volume, success, cost impact, and whether targets are met.

    Of the last day on which there was anything, beside its week; or of any stretch of time. What only you know, such as
    the cost of a caller who gives up, comes from --settings, --preset or --cost: what needs it and has it not says so.
    Nothing is changed, hosts may be at work in the store meanwhile, and nobody is named.
    """
    report_command.run(
        Kept(
            store=store,
            tenant_id=tenant,
            schema=schema,
            pepper_file=pepper_file,
            settings_file=settings,
        ),
        report_command.ReportAsked(
            from_text=from_text,
            until_text=until_text,
            queues=tuple(queue or ()),
            grain=grain,
            preset=preset,
            costs=tuple(cost or ()),
            csv_file=csv_file,
            html_file=html_file,
            as_json=as_json,
        ),
    )

"""What `callbackq wallboard` can be asked."""

from __future__ import annotations

from typing import Annotated

import typer

from callbackq.cli import wallboard as wallboard_command
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


def wallboard(
    store: StoreArgument,
    *,
    queue: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this queue; may be given several times.", show_default="all"),
    ] = None,
    every: Annotated[
        float, typer.Option(min=0.2, max=3_600, metavar="SECONDS", help="How long to wait between two looks.")
    ] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Look once, print it, and end.")] = False,
    settings: SettingsOption = None,
    tenant: TenantOption = DEFAULT_TENANT,
    schema: SchemaOption = "public",
    pepper_file: PepperOption = None,
    as_json: JsonOption = False,
) -> None:
    """
    Show how the queues stand now: who waits and for how long, agents, calls back, and promises at risk.

    It looks again and again until Ctrl-C; outside a terminal, and with --json, once. Nothing is changed, hosts may be
    at work in the store meanwhile, and nobody is named. Without settings, waits and promises are those of a queue with
    the default ones.
    """
    kept = Kept(store=store, tenant_id=tenant, schema=schema, pepper_file=pepper_file, settings_file=settings)
    wallboard_command.run(kept, queues=queue or (), every_s=every, once=once, as_json=as_json)

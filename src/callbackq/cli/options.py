"""
What several commands can be asked, each thing once.

A command names them in its signature, as `store: StoreArgument, *, tenant: TenantOption = DEFAULT_TENANT`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print figures as JSON, and nothing else. Seconds end in _s.")
]

# ---------------------------------------------------------------------------- a store that is there

StoreArgument = Annotated[
    str,
    typer.Argument(
        metavar="STORE",
        help="The store: a file of SQLite, or where a PostgreSQL database is, as postgresql://...",
        show_default=False,
    ),
]
CallbackArgument = Annotated[
    str,
    typer.Argument(metavar="CALLBACK_ID", help="Its id, as `callbackq list` shows it.", show_default=False),
]
SettingsOption = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        metavar="FILE",
        help="The host's settings in TOML: without them nothing is known of how queues are configured.",
        show_default="none",
    ),
]
ZoneOption = Annotated[
    str | None,
    typer.Option(
        "--zone",
        metavar="KEY",
        help="On which clocks times are read and shown, as Europe/Berlin.",
        show_default="of the queue's hours, with --settings; else UTC",
    ),
]
SinceOption = Annotated[
    str | None,
    typer.Option(
        metavar="WHEN",
        help="Only what began at or after it: 90m, 24h, 7d, 2026-01-31 or 2026-01-31T18:00.",
        show_default="all",
    ),
]
TenantOption = Annotated[str, typer.Option(metavar="ID", help="Whose rows of the store.")]
SchemaOption = Annotated[
    str, typer.Option(metavar="NAME", help="Of a PostgreSQL database: where the tables are.")
]
PepperOption = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="A file with the 32 bytes of the pepper, for a store that does not keep it.",
        show_default="the store's own",
    ),
]

# ---------------------------------------------------------------------------- worlds that are played

SeedOption = Annotated[
    int, typer.Option(help="Where all chance comes from: the same seed, the same people and figures.")
]
FirstSeedOption = Annotated[
    int, typer.Option(min=0, help="The seed of the first world; each further one has the next.")
]
WorldOption = Annotated[
    int | None,
    typer.Option(min=0, metavar="SEED", help="Only this world: what was found in it.", show_default="all"),
]
ProcessesOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="How many processes at once; makes no difference to the figures.",
        show_default="one per CPU",
    ),
]
NewStoreOption = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="Where to write the database. Must not exist yet.",
        show_default="a temporary file",
    ),
]
AcceptOption = Annotated[
    float,
    typer.Option(min=0, max=1, metavar="RATIO", help="The share of offers that callers accept, 0 to 1."),
]

"""
The command line as a whole. The commands are grouped by what they are for; each has a module that does the work.

The rule: figures go to stdout, all else to stderr. A mistake of the user is one sentence and exit code 2.
"""

from __future__ import annotations

from typing import Final

import typer

from callbackq.cli import commands_keep, commands_settings, commands_try, commands_watch

app = typer.Typer(
    name="callbackq",
    help=(
        "Callers hang up, keep their place in line, and are called back: see the engine at work, and look into "
        "the store of a host.\n\n"
        "Start with: **callbackq demo**"
    ),
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)

GROUPS: Final = (commands_watch, commands_keep, commands_settings, commands_try)
"""In the order in which `callbackq --help` lists them."""

for _module in GROUPS:
    app.add_typer(_module.group)

"""Commands that check what you wrote: settings and texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from callbackq.cli import check as check_command
from callbackq.cli import lint as lint_command
from callbackq.cli.options import JsonOption
from callbackq.policy import Wording

PANEL: Final = "Settings and texts"
"""The heading under which `callbackq --help` lists them."""

group = typer.Typer()


@group.command(epilog="Example: **callbackq check settings.toml**", rich_help_panel=PANEL)
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The settings, in TOML.", show_default=False)],
    *,
    as_json: JsonOption = False,
) -> None:
    """
    Check a settings file, and say what it means.

    Every mistake is named with its line and with what is allowed; then it ends with code 2. Of a file without mistakes
    each queue is told in sentences, with what differs from the defaults and what the host must do besides. Ends with
    code 1 if settings contradict each other.
    """
    check_command.run(file, as_json=as_json)


@group.command(
    "settings-schema", epilog="Example: **callbackq settings-schema > schema.json**", rich_help_panel=PANEL
)
def settings_schema() -> None:
    """
    Print the JSON Schema of settings files.

    For editors that complete and check what you write, and for programs.
    """
    check_command.show_schema()


@group.command(epilog="Example: **callbackq preset s2**", rich_help_panel=PANEL)
def preset(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Which one.", show_default="a list of them")
    ] = None,
) -> None:
    """
    Print a preset: how a product or a handbook treats callbacks, as a settings file would say it.

    Each value says in a comment what it stands for.
    """
    check_command.show_preset(name)


@group.command("lint-texts", epilog="Example: **callbackq lint-texts texts/pl.toml**", rich_help_panel=PANEL)
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
    as_json: JsonOption = False,
) -> None:
    """
    Check the texts of messages: reserved words, and lengths.

    Carriers act on some words before you hear of them: who answers CANCEL, STOP or END gets no message any more. Ends
    with code 1 if a text advertises one: in capitals, in quotes, or directly behind "Reply" and its like. Shows in how
    many parts each text goes out as an SMS.
    """
    lint_command.run(files or [], wording=wording, as_json=as_json)

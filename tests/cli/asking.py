"""How a test asks the command line: in this process, and without building all commands anew for each question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

import typer
from typer.testing import CliRunner

from callbackq.cli.app import app

if TYPE_CHECKING:
    from click.testing import Result

_RUNNER: Final = CliRunner()
_COMMAND: Final[Any] = typer.main.get_command(app)
COMMANDS: Final[dict[str, Any]] = dict(_COMMAND.commands)
"""Every command by its name."""


def invoke(*arguments: object, told: str | None = None) -> Result:
    """Run one command; *told* stands in stdin."""
    with patch("typer.testing._get_command", return_value=_COMMAND):
        return _RUNNER.invoke(app, [str(argument) for argument in arguments], input=told)

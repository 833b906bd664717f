"""
The command line: `callbackq demo`, `callbackq replay` and `callbackq storm`. Needs the extra `cli`.

Nothing is imported here before `main` runs, so that a missing package is one sentence and no traceback.
"""

from __future__ import annotations

import sys

_NEEDED = ("typer", "rich")


def main() -> None:
    """Run the command line. Ends the process: 0 is well, 1 a broken promise, 2 a mistake in what was asked."""
    try:
        from callbackq.cli.app import app
    except ModuleNotFoundError as error:
        if error.name not in _NEEDED:
            raise
        sys.stderr.write(f"The command line needs {error.name}: pip install 'callbackq[cli]'\n")
        sys.exit(2)
    app()

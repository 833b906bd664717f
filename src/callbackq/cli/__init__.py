"""
The command line: `callbackq`. Needs the extra `cli`.

Nothing is imported here before `main` runs, so that a missing package is one sentence and no traceback.
"""

from __future__ import annotations

import sys

_NEEDED = ("typer", "rich")


def main() -> None:
    """
    Run the command line. Ends the process.

    With 0 where all is well; 1: something was found; 2: a mistake in what was asked; 141: whoever read stdout had
    enough, and nothing more was said.
    """
    try:
        from callbackq.cli.app import app
        from callbackq.cli.piping import piped
    except ModuleNotFoundError as error:
        if error.name not in _NEEDED:
            raise
        sys.stderr.write(f"The command line needs {error.name}: pip install 'callbackq[cli]'\n")
        sys.exit(2)
    with piped():
        app()

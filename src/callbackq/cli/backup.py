"""`callbackq backup`: copy the file of a store that may be in use."""

from __future__ import annotations

from pathlib import Path

import typer

from callbackq.cli.common import print_json, progress_bar, refuse
from callbackq.cli.kept import POSTGRES, refuse_another
from callbackq.errors import CallbackqError
from callbackq.stores.sqlite_backup import copy_file


def run(store: str, target: Path, *, overwrite: bool, as_json: bool) -> None:
    """
    Copy a file of SQLite, and say what was copied.

    Raises:
        Exit: with 2 where the store or the name of the copy is refused, or the copy cannot be written.
    """
    if store.startswith(POSTGRES):
        refuse("A PostgreSQL database is copied with its own tools: pg_dump, or pg_basebackup.")
    path = Path(store)
    refuse_another(path)
    try:
        with progress_bar("copying", shown=not as_json) as told:
            size = copy_file(path, target, overwrite=overwrite, progress=told)
    except CallbackqError as error:
        refuse(f"{error}.")
    if as_json:
        print_json({"store": str(path), "copy": str(target), "bytes": size})
    else:
        typer.echo(f"{target} is a copy of {path} now: {size:,} bytes.")

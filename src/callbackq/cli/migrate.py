"""`callbackq migrate`: bring the tables of a store forward, or say what that would do."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from callbackq.cli.common import print_json, refuse
from callbackq.cli.kept import POSTGRES, Kept, pepper_of, refuse_another
from callbackq.errors import CallbackqError
from callbackq.stores import sqlite_opening
from callbackq.stores.migrations import Plan, known_scripts, plan
from callbackq.stores.sqlite import SQLiteStore


def run(kept: Kept, *, check: bool, create: bool, as_json: bool) -> None:
    """
    Migrate, and say what was done. With *check* only say what would be: then code 1 means that there is something.

    Raises:
        Exit: with 1, or with 2 where the store is refused, or has no tables and *create* is false.
    """
    pepper = pepper_of(kept.pepper_file)
    try:
        found = _postgres_plan(kept) if kept.store.startswith(POSTGRES) else _sqlite_plan(Path(kept.store))
        if found.is_new and not (check or create):
            refuse(f"{_shown(kept)} holds no tables of callbackq: with --create they are made.")
        if found.steps and not check:
            _migrate(kept, found, pepper)
    except CallbackqError as error:
        refuse(f"{error}.")
    if as_json:
        print_json(_figures(found, done=not check))
    else:
        _show(_shown(kept), found, done=not check)
    if check and found.steps:
        raise typer.Exit(1)


def _sqlite_plan(path: Path) -> Plan:
    if not path.exists():
        return plan(None, known_scripts("sqlite"), where=str(path))
    refuse_another(path)
    return sqlite_opening.look(path)


def _postgres_plan(kept: Kept) -> Plan:
    try:
        import psycopg
    except ModuleNotFoundError as error:
        refuse(f"A PostgreSQL database needs {error.name}: pip install 'callbackq[postgres]'")
    from callbackq.stores import postgres_opening

    assert psycopg
    return postgres_opening.look(kept.store, schema=kept.schema)


def _migrate(kept: Kept, found: Plan, pepper: bytes | None) -> None:
    if kept.store.startswith(POSTGRES):
        from callbackq.stores import postgres_opening

        postgres_opening.migrate(kept.store, schema=kept.schema, pepper=pepper, progress=_tell)
    elif found.is_new:
        SQLiteStore(kept.store, pepper=pepper).close()
    else:
        sqlite_opening.migrate(Path(kept.store), pepper=pepper, progress=_tell)


def _tell(file: str) -> None:
    sys.stderr.write(f"{file} ...\n")


def _shown(kept: Kept) -> str:
    return f"The schema {kept.schema} of that database" if kept.store.startswith(POSTGRES) else kept.store


def _figures(found: Plan, *, done: bool) -> dict[str, object]:
    return {
        "found": found.found,
        "version": found.version,
        "files": [script.name for script in found.scripts],
        "outside_a_transaction": [script.name for step in found.steps for script in step.outside],
        "breaks_before": found.breaks,
        "migrated": done and bool(found.steps),
    }


def _show(where: str, found: Plan, *, done: bool) -> None:
    if not found.steps:
        typer.echo(f"{where} has schema version {found.version}: nothing is to be done.")
        return
    was = "no tables" if found.is_new else f"schema version {found.found}"
    had, has = ("had", "has") if done else ("has", "would have")
    typer.echo(f"{where} {had} {was}, and {has} version {found.version}{' now' if done else ''}:")
    for step in found.steps:
        for script in step.outside:
            typer.echo(f"  {script.name}, outside a transaction")
        for script in step.scripts:
            typer.echo(f"  {script.name}")
    if found.breaks is not None:
        typer.echo(f"Releases that do not know version {found.breaks} cannot use it then.")

"""`callbackq verify` and `callbackq export-history`: whether the history is as it was written, and a copy of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn, cast

import attrs
import typer
from rich.console import Console
from rich.markup import escape

from callbackq.cli.common import new_table, page, print_json, refuse
from callbackq.cli.kept import Kept, service_of
from callbackq.cli.prune import read_pruned
from callbackq.model import ChainHead, Entity, HistoryCheck

_PAGE_WIDTH = 180


def verify(
    kept: Kept,
    *,
    heads_file: Path | None,
    save_file: Path | None,
    pruned_file: Path | None = None,
    as_json: bool,
) -> None:
    """Check every chain, keep the heads if that is asked and all is well, and end with code 1 if it is not."""
    heads = read_heads(heads_file) if heads_file is not None else ()
    pruned = read_pruned(pruned_file) if pruned_file is not None else ()
    if save_file is not None and save_file.exists():
        _refuse_to_overwrite(save_file)
    with service_of(kept) as service:
        check = service.verify_history(heads=heads, pruned=pruned)
        if save_file is not None and check.is_whole:
            write_heads(save_file, service.history_heads())
    if as_json:
        print_json(
            {
                "chains": check.chains_count,
                "events": check.events_count,
                "heads": len(heads),
                "pruned": check.pruned_count,
                "whole": check.is_whole,
                "broken": [attrs.asdict(one) for one in check.broken],
            }
        )
    else:
        _show(check, heads_count=len(heads) if heads_file is not None else None)
    if not check.is_whole:
        raise typer.Exit(1)


def _show(check: HistoryCheck, *, heads_count: int | None) -> None:
    console = page()
    if not console.is_terminal:
        console = Console(highlight=False, width=_PAGE_WIDTH)
    console.print(f"[bold]{check.events_count:,} events[/bold] of {check.chains_count:,} records")
    if check.pruned_count:
        console.print(f"Records that were pruned, as it says: {check.pruned_count:,}")
    if check.is_whole:
        console.print("The history is as it was written.")
        if heads_count is not None:
            console.print(f"Heads that were kept, and are in it: {heads_count:,}")
        return
    table = new_table(console)
    for heading in ("record", "id", "from event", "what is wrong"):
        table.add_column(heading)
    for one in check.broken:
        table.add_row(one.entity.value, escape(one.record_id), f"{one.event_number:,}", one.problem)
    console.print(table)


def export(kept: Kept, *, after: int) -> None:
    """Print the history to stdout, one line for each event."""
    with service_of(kept) as service:
        for line in service.export_history(after=after):
            sys.stdout.write(f"{line}\n")


# ---------------------------------------------------------------------------- heads


def write_heads(path: Path, heads: Sequence[ChainHead]) -> None:
    """Write heads as JSON Lines, and never over a file that is there: older heads prove more."""
    try:
        with path.open("x", encoding="utf-8") as file:
            for head in heads:
                file.write(f"{json.dumps(attrs.asdict(head))}\n")
    except FileExistsError:
        _refuse_to_overwrite(path)
    except OSError as error:
        refuse(f"{path} cannot be written: {error.strerror}.")


def _refuse_to_overwrite(path: Path) -> NoReturn:
    refuse(f"{path} exists already, and is not written over: name a file that does not exist yet.")


def read_heads(path: Path) -> tuple[ChainHead, ...]:
    """Read heads as `write_heads` wrote them. Ends with code 2 if they are none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        refuse(f"{path} cannot be read: {error.strerror}.")
    except ValueError:
        refuse(f"{path} is no file of heads.")
    return tuple(_head(line, path=path, number=number) for number, line in enumerate(lines, start=1))


def _head(line: str, *, path: Path, number: int) -> ChainHead:
    try:
        fields = cast("dict[str, Any]", json.loads(line))
        return ChainHead(
            entity=Entity(fields["entity"]),
            record_id=str(fields["record_id"]),
            events_count=int(fields["events_count"]),
            digest=str(fields["digest"]),
        )
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        refuse(f"{path} is no file of heads: line {number} cannot be read.")

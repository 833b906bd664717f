"""`callbackq erase`: forget a person, in a store that a host works with."""

from __future__ import annotations

import sys

import typer

from callbackq.cli.common import page, print_json, refuse
from callbackq.cli.kept import Kept, service_of
from callbackq.model import Erased

STDIN = "-"


def run(kept: Kept, *, number: str | None, customer_id: str | None, reason: str, as_json: bool) -> None:
    """Erase, say how many persons that were, and end with code 1 if something of them may still be in the files."""
    if number is None and customer_id is None:
        refuse("Nobody to erase: give --number, --customer, or both.")
    if number == STDIN:
        number = sys.stdin.readline().strip()
    with service_of(kept) as service:
        done = service.erase(number=number, customer_id=customer_id, reason=reason)
    if as_json:
        print_json({"persons": done.subjects_count, "cancelled": list(done.cancelled), "again": done.more})
    else:
        _show(done)
    if done.more:
        sys.stderr.write(
            "The files could not be cleaned, mostly for somebody was reading older data: erase once more later.\n"
        )
        raise typer.Exit(1)


def _show(done: Erased) -> None:
    console = page()
    persons = "1 person" if done.subjects_count == 1 else f"{done.subjects_count:,} persons"
    console.print(f"Erased: [bold]{persons}[/bold]; callbacks cancelled: {len(done.cancelled):,}")
    for callback_id in done.cancelled:
        console.print(f"  {callback_id}", markup=False)

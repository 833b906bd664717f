"""`callbackq prune`: what ended long ago leaves a store that a host works with."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import attrs

from callbackq.cli.common import page, print_json, refuse
from callbackq.cli.kept import Kept, service_of
from callbackq.model import ChainHead, Entity, Pruned, PrunedHeads

_AT_ONCE = 500
_BEGINNING = b'{"heads":'
"""With this each line of kept heads begins."""


def run(
    kept: Kept,
    *,
    ended_before: str | None,
    personal_days: int | None,
    keep_file: Path | None,
    by: str | None,
    as_json: bool,
) -> None:
    """Prune until there is no more to do, and say how much is gone."""
    if ended_before is None and personal_days is None:
        refuse("Nothing to prune: give --ended-before, --personal-days, or both.")
    before = _read_date(ended_before) if ended_before is not None else None
    life = timedelta(days=personal_days) if personal_days is not None else None
    done = Pruned(subjects_count=0)
    with _kept_heads(keep_file) as keep, service_of(kept) as service:
        while True:
            one = service.prune(ended_before=before, personal_life=life, keep=keep, by=by, limit=_AT_ONCE)
            done = _sum(done, one)
            if sys.stderr.isatty():
                sys.stderr.write(f"\r{done.callbacks_count:,} callbacks, {done.events_count:,} events")
                sys.stderr.flush()
            if not one.more:
                break
    if sys.stderr.isatty():
        sys.stderr.write("\n")
    _show(done, as_json=as_json)


def _read_date(text: str) -> datetime:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        refuse("The date cannot be read: write it as 2026-01-31, or with a time and a zone.")
    if read.tzinfo is None:
        if len(text) > len("2026-01-31"):
            refuse("A time needs its zone: write it as 2026-01-31T06:00:00+00:00.")
        read = read.replace(tzinfo=UTC)
    return read


def _sum(done: Pruned, one: Pruned) -> Pruned:
    names = ("subjects_count", "callbacks_count", "calls_count", "rows_count", "events_count")
    return attrs.evolve(done, **{name: getattr(done, name) + getattr(one, name) for name in names})


def _show(done: Pruned, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "callbacks": done.callbacks_count,
                "calls": done.calls_count,
                "rows": done.rows_count,
                "events": done.events_count,
                "persons": done.subjects_count,
            }
        )
        return
    console = page()
    console.print(
        f"Removed: [bold]{done.callbacks_count:,} callbacks[/bold], {done.calls_count:,} live calls,"
        f" {done.rows_count:,} other rows, {done.events_count:,} events of the history"
    )
    console.print(f"Persons forgotten: {done.subjects_count:,}")


# ---------------------------------------------------------------------------- the last links of what goes


@contextmanager
def _kept_heads(path: Path | None) -> Generator[Callable[[PrunedHeads], None] | None]:
    """Give a function that writes the last links to a file, on the disk before it returns; behind what is there."""
    if path is None:
        yield None
        return
    _refuse_another_file(path)
    try:
        with path.open("a+", encoding="ascii") as file:
            file.truncate(_whole_length(path))

            def keep(pruned: PrunedHeads) -> None:
                heads = [
                    [one.entity.value, one.record_id, one.events_count, one.digest] for one in pruned.heads
                ]
                file.write(f"{json.dumps({'heads': heads}, separators=(',', ':'))}\n")
                file.flush()
                os.fsync(file.fileno())

            yield keep
    except OSError as error:
        refuse(f"{path} cannot be written: {error.strerror}. What was not written there was not removed.")


def _refuse_another_file(path: Path) -> None:
    """Refuse a file that was not written here: its end would be taken for what a crash cut off."""
    if not path.is_file():
        return
    read_pruned(path)
    cut_off = path.read_bytes()[_whole_length(path) :]
    if not cut_off.startswith(_BEGINNING[: len(cut_off)]):
        refuse(f"{path} is no file of pruned heads.")


def _whole_length(path: Path) -> int:
    """Return how long the whole lines of a file are. What a crash cut off belongs to nothing that was removed."""
    return path.read_bytes().rfind(b"\n") + 1


def read_pruned(path: Path) -> tuple[PrunedHeads, ...]:
    """Read what `--keep` wrote. A last line that was cut off by a crash is left out: it was not removed."""
    try:
        lines = path.read_text(encoding="ascii").split("\n")
    except OSError as error:
        refuse(f"{path} cannot be read: {error.strerror}.")
    except ValueError:
        refuse(f"{path} is no file of pruned heads.")
    *whole, _ = lines
    return tuple(_read_line(line, path=path, number=number) for number, line in enumerate(whole, start=1))


def _read_line(line: str, *, path: Path, number: int) -> PrunedHeads:
    try:
        fields = cast("dict[str, list[list[Any]]]", json.loads(line))
        return PrunedHeads(
            heads=tuple(
                ChainHead(
                    entity=Entity(entity),
                    record_id=str(record_id),
                    events_count=int(count),
                    digest=str(digest),
                )
                for entity, record_id, count, digest in fields["heads"]
            )
        )
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        refuse(f"{path} is no file of pruned heads: line {number} cannot be read.")

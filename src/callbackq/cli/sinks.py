"""Files that rows are written to: CSV, JSON Lines, Parquet. None of them keeps more than some thousand rows."""

from __future__ import annotations

import csv
import importlib
import json
import os
import tempfile
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from callbackq.cli.columns import Column, Kind
from callbackq.cli.common import refuse
from callbackq.cli.moments import iso
from callbackq.reporting.spreadsheets import harmless

Row = Sequence[Any]
Write = Callable[[Row], None]

_GROUP: Final = 20_000
"""So many rows are written to Parquet at once."""


@contextmanager
def _csv(path: Path, columns: Sequence[Column]) -> Generator[Write]:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([column.name for column in columns])
        kinds = [column.kind for column in columns]
        yield lambda row: writer.writerow([cell(one, kind) for one, kind in zip(row, kinds, strict=True)])


def cell(value: Any, kind: Kind) -> object:
    """
    Write a value as a cell of a table. A text that a spreadsheet could run as a formula begins with an apostrophe.

    >>> cell("=1+1", Kind.TEXT), cell("plain", Kind.TEXT), cell(-3, Kind.WHOLE), cell(None, Kind.TEXT)
    ("'=1+1", 'plain', -3, '')
    """
    if value is None:
        return ""
    if kind is Kind.INSTANT:
        return iso(value)
    if kind is Kind.TRUTH:
        return "true" if value else "false"
    if kind is Kind.TEXTS:
        value = json.dumps(value, ensure_ascii=False) if value else ""
    return harmless(value) if isinstance(value, str) else value


@contextmanager
def _json_lines(path: Path, columns: Sequence[Column]) -> Generator[Write]:
    names = [column.name for column in columns]

    def write(row: Row) -> None:
        plain = [iso(one) if isinstance(one, datetime) else one for one in row]
        file.write(json.dumps(dict(zip(names, plain, strict=True)), separators=(",", ":")) + "\n")

    with path.open("w", encoding="utf-8") as file:
        yield write


@contextmanager
def _parquet(path: Path, columns: Sequence[Column]) -> Generator[Write]:
    try:
        arrow: Any = importlib.import_module("pyarrow")
        parquet: Any = importlib.import_module("pyarrow.parquet")
    except ModuleNotFoundError:
        refuse("A Parquet file needs pyarrow: pip install 'callbackq[parquet]'")
    types = {
        Kind.TEXT: arrow.string(),
        Kind.WHOLE: arrow.int64(),
        Kind.NUMBER: arrow.float64(),
        Kind.TRUTH: arrow.bool_(),
        Kind.INSTANT: arrow.timestamp("us", tz="UTC"),
        Kind.TEXTS: arrow.list_(arrow.string()),
    }
    schema = arrow.schema([(column.name, types[column.kind]) for column in columns])
    held: list[Row] = []

    def flush() -> None:
        cells: list[list[Any]] = [list(some) for some in zip(*held, strict=True)] or [[] for _ in columns]
        arrays = [arrow.array(some, type=field.type) for some, field in zip(cells, schema, strict=True)]
        writer.write_table(arrow.Table.from_arrays(arrays, schema=schema))
        held.clear()

    def write(row: Row) -> None:
        held.append(row)
        if len(held) >= _GROUP:
            flush()

    with parquet.ParquetWriter(str(path), schema, compression="zstd") as writer:
        yield write
        if held:
            flush()


SINKS: Final[Mapping[str, Callable[[Path, Sequence[Column]], Any]]] = {
    ".csv": _csv,
    ".jsonl": _json_lines,
    ".parquet": _parquet,
}
"""By the end of the file's name."""


@contextmanager
def sink(path: Path, columns: Sequence[Column], *, overwrite: bool) -> Generator[Write]:
    """
    Give a function that writes a row to a file. It stands there when it is whole, and only its owner may read it.

    Ends with code 2 if the file cannot be written, or is there already.
    """
    open_sink = SINKS.get(path.suffix)
    if open_sink is None:
        refuse(f"The format of {path} is not known: its name ends in {', '.join(SINKS)}.")
    if path.exists() and not overwrite:
        refuse(f"{path} exists already: name a file that does not exist yet, or say --overwrite.")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        part = Path(name)
        try:
            with open_sink(part, columns) as write:
                yield write
            part.replace(path)
        finally:
            with suppress(FileNotFoundError):
                part.unlink()
    except OSError as error:
        refuse(f"{path} cannot be written: {error.strerror}.")

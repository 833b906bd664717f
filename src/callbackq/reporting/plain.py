"""A report as JSON and as CSV: every figure with what it was divided by, for other programs and for spreadsheets."""

from __future__ import annotations

import csv
import enum
import io
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import attrs

from callbackq.model.figures import Figure, FigureSet, FiguresReport
from callbackq.reporting.spreadsheets import harmless

COLUMNS: Final[tuple[str, ...]] = (
    "part", "label", "from_at", "until_at", "queue", "channel", "group", "name", "title", "unit", "value",
    "numerator", "denominator", "more_than", "less_than", "target_of", "target_source",
    "is_met", "missing",
)  # fmt: skip
"""The columns of the CSV."""
PARTS: Final = ("periods", "queues", "channels")
BINS: Final = ("quotes", "attempts", "hours_of_day", "waits_of_day")


def as_dict(report: FiguresReport) -> dict[str, Any]:
    """
    Return a report as plain values, that JSON can hold: instants as text, figures by their names.

    Args:
        report: the figures of a stretch of time.

    Returns:
        A new dictionary; the names are those of `FiguresReport`.
    """
    plain: dict[str, Any] = attrs.asdict(report, recurse=False)
    plain["whole"] = _set_as_dict(report.whole)
    for part in PARTS:
        plain[part] = [_set_as_dict(one) for one in getattr(report, part)]
    for name in BINS:
        plain[name] = [attrs.asdict(one) for one in getattr(report, name)]
    return {name: _plain(value) for name, value in plain.items()}


def as_json(report: FiguresReport) -> str:
    """
    Write a report as JSON.

    Args:
        report: the figures of a stretch of time.

    Returns:
        One object, indented by two; `null` where a figure has no value. It names nobody.
    """
    return json.dumps(as_dict(report), indent=2, ensure_ascii=False, allow_nan=False)


def as_csv(report: FiguresReport) -> str:
    """
    Write a report as CSV: one figure in a row, and one number of a chart in a row.

    Text that a spreadsheet would run as a formula gets an apostrophe in front. Lines end as RFC 4180 says.

    Args:
        report: the figures of a stretch of time.

    Returns:
        The text of a file, with a heading; the columns are `COLUMNS`. It names nobody.
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for row in _rows(report):
        writer.writerow([_csv_cell(row.get(name)) for name in COLUMNS])
    return file.getvalue()


def _set_as_dict(figures: FigureSet) -> dict[str, Any]:
    fields = {name: _plain(value) for name, value in attrs.asdict(figures, recurse=False).items()}
    return fields | {"figures": {one.name: _figure_as_dict(one) for one in figures.figures}}


def _figure_as_dict(figure: Figure) -> dict[str, Any]:
    fields = attrs.asdict(figure)
    del fields["name"]
    return {name: _plain(value) for name, value in fields.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, enum.Enum) else value


def _rows(report: FiguresReport) -> Iterator[dict[str, Any]]:
    yield from _rows_of_set("whole", report.whole)
    for part in PARTS:
        for one in getattr(report, part):
            yield from _rows_of_set(part, one)
    for name in BINS:
        for one in getattr(report, name):
            (key, label), *numbers = attrs.asdict(one).items()
            for field, value in numbers:
                unit = "seconds" if field.endswith("_s") else "count"
                yield {"part": name, "label": f"{key} {label:g}", "name": field, "unit": unit, "value": value}


def _rows_of_set(part: str, figures: FigureSet) -> Iterator[dict[str, Any]]:
    for figure in figures.figures:
        row = {"part": part, **attrs.asdict(figures, recurse=False), **attrs.asdict(figure, recurse=False)}
        target = figure.target
        del row["figures"], row["target"]
        if target is not None:
            row |= {"more_than": target.more_than, "less_than": target.less_than}
            row |= {"target_of": target.of, "target_source": target.source}
        yield row


def _csv_cell(value: Any) -> Any:
    value = _plain(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return harmless(value)
    return "" if value is None else value

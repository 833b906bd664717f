"""`callbackq report`: the figures of a stretch of time, as S2's dashboard, JSON, CSV, or one page of HTML."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Final

import attrs
from rich.console import Console, JustifyMethod, OverflowMethod
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from callbackq.cli.common import new_table, print_json, progress_bar, refuse, wide_page
from callbackq.cli.kept import Kept, service_of, settings_of
from callbackq.cli.moments import read_moment
from callbackq.cli.report_counting import count
from callbackq.errors import ConfigurationError, SettingsInvalid
from callbackq.model.figures import FigureSet, FiguresReport, Grain, HostFigures
from callbackq.policy.presetting import preset_names
from callbackq.reporting import (
    Cell,
    Formats,
    Row,
    Section,
    Stretch,
    Verdict,
    as_csv,
    as_html,
    said,
    sections,
    short_stretch,
    stretch,
    targets_met,
)
from callbackq.reporting.formats import MARKS, MINUS, NOTHING, counted
from callbackq.reporting.plain import COLUMNS, as_dict
from callbackq.reporting.times import zone_of
from callbackq.service import CallbackService
from callbackq.settings import settings_of as read_text

_DAY: Final = timedelta(days=1)
_MOMENT: Final = timedelta(microseconds=1)
_STYLES: Final = {Verdict.MET: "green", Verdict.NOT_MET: "bold red"}
_ON_A_TYPEWRITER: Final = (
    (NOTHING, "-"),
    (MINUS, "-"),
    *((f"{mark} ", "") for mark in MARKS.values() if mark and not mark.isascii()),
)
"""What stands for signs outside of a terminal: verdicts are words anyway."""
_JOINT: Final = "\v"
"""Stands between a value and its verdict, until it is known whether there is room for both in one line."""
_WIDEST: Final = 1_000
_RATIOS: Final = ("abandons_avoided_ratio", "retention_per_score_point")


@attrs.frozen(kw_only=True)
class ReportAsked:
    """
    What a report is asked for.

    Args:
        from_text, until_text: the stretch of time, as it was written; the last day and its week if both are None.
        costs: of what only the host knows, each as NAME=VALUE.
        csv_file, html_file: where to write the report too.
    """

    from_text: str | None
    until_text: str | None
    queues: tuple[str, ...]
    grain: Grain
    preset: str | None
    costs: tuple[str, ...]
    csv_file: Path | None
    html_file: Path | None
    as_json: bool


@attrs.frozen(kw_only=True)
class _Span:
    """The stretch of a report, and the last day in it."""

    from_at: datetime
    until_at: datetime
    day_from_at: datetime
    day_title: str
    title: str


def run(kept: Kept, asked: ReportAsked) -> None:
    """Count, write the files that are wanted, and print."""
    host = host_figures(kept, preset=asked.preset, costs=asked.costs)
    for path, beginning in ((asked.csv_file, _CSV_BEGINNING), (asked.html_file, _HTML_BEGINNING)):
        _refuse_another_file(path, beginning)
    with service_of(kept) as service:
        zone = _zone(service, asked.queues)
        span = _span(service, asked, zone)
        report = _count(kept, service, asked, host, (span.from_at, span.until_at))
        day = _day_of(report, span)
        if day is None and span.day_from_at > span.from_at:
            day = _count(kept, service, asked, host, (span.day_from_at, span.until_at)).whole
    columns = [Stretch(title=span.day_title, figures=day or report.whole)]
    if span.title:
        columns.append(Stretch(title=span.title, figures=report.whole))
    if asked.html_file is not None:
        _write(asked.html_file, as_html(report, host=host, stretches=columns, queues=asked.queues))
    if asked.csv_file is not None:
        _write(asked.csv_file, as_csv(report))
    if asked.as_json:
        print_json(as_dict(report))
    else:
        show(wide_page(), report, columns, host=host, queues=asked.queues)


def _count(
    kept: Kept,
    service: CallbackService,
    asked: ReportAsked,
    host: HostFigures,
    bounds: tuple[datetime, datetime],
) -> FiguresReport:
    queues = asked.queues or None
    with progress_bar("Counting", shown=not asked.as_json) as progress:
        return count(kept, service, bounds, queues=queues, grain=asked.grain, host=host, progress=progress)


# ---------------------------------------------------------------------------- which time


def _zone(service: CallbackService, queues: Sequence[str]) -> tzinfo:
    """Return the zone in which days begin: that of the queues, if it is one."""
    zones = {service.zone_of(queue) for queue in queues or service.policies}
    return zone_of(zones.pop() if len(zones) == 1 else "UTC")


def _span(service: CallbackService, asked: ReportAsked, zone: tzinfo) -> _Span:
    now = service.now()
    given_from = read_moment(asked.from_text, "--from", zone=zone, now=now)
    until_at = read_moment(asked.until_text, "--until", zone=zone, now=now)
    if until_at is None and given_from is not None:
        until_at = now
    if until_at is None:
        until_at = _midnight((service.last_began_at() or now).astimezone(zone), days=1)
    day = _midnight((until_at - _MOMENT).astimezone(zone))
    from_at = given_from if given_from is not None else _midnight(day, days=-day.weekday())
    if from_at >= until_at:
        refuse("--from must be before --until.")
    is_today = day == _midnight(now.astimezone(zone))
    title = "This week" if is_today else "Its week"
    if given_from is not None:
        title = short_stretch(from_at, until_at, zone=str(zone)) if from_at < day else ""
    return _Span(
        from_at=from_at,
        until_at=until_at,
        day_from_at=max(from_at, day),
        day_title="Today" if is_today else short_stretch(day, until_at, zone=str(zone)),
        title=title,
    )


def _midnight(at: datetime, *, days: int = 0) -> datetime:
    """Return the beginning of the day of *at*, or of a day before or after it, on the clocks of its zone."""
    return (at.replace(hour=0, minute=0, second=0, microsecond=0) + days * _DAY).replace(fold=0)


def _day_of(report: FiguresReport, span: _Span) -> FigureSet | None:
    """Return the figures of the last day, if the report has them as a period."""
    if span.from_at == span.day_from_at:
        return report.whole
    bounds = (span.day_from_at, _midnight(span.day_from_at, days=1))
    if span.until_at != bounds[1]:
        return None
    return next((one for one in report.periods if (one.from_at, one.until_at) == bounds), None)


# ---------------------------------------------------------------------------- what only the host knows


def host_figures(kept: Kept, *, preset: str | None, costs: Sequence[str]) -> HostFigures:
    """Return what the host has said: by its settings, by a preset instead, and by single options over both."""
    figures = HostFigures()
    if preset is not None:
        figures = _preset_figures(preset)
    elif (settings := settings_of(kept)) is not None:
        figures = settings.figures
    for cost in costs:
        name, sign, text = cost.partition("=")
        if not sign or name not in attrs.fields_dict(HostFigures):
            names = ", ".join(attrs.fields_dict(HostFigures))
            refuse(f"--cost is written as NAME=VALUE; the names are: {names}.")
        given: dict[str, Any] = {name: _read_cost(name, text.strip())}
        try:
            figures = attrs.evolve(figures, **given)
        except ConfigurationError as error:
            refuse(f"--cost: {error}.")
    return figures


def _preset_figures(preset: str) -> HostFigures:
    if preset not in preset_names():
        refuse(f"There is no preset of this name; the names are: {', '.join(preset_names())}.")
    try:
        return read_text(f'[queue.any]\n[figures]\npreset = "{preset}"').figures
    except SettingsInvalid:
        refuse(f"The preset {preset} has no cost figures; s2 has.")


def _read_cost(name: str, text: str) -> float | str:
    if name == "currency":
        return text
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0 or (text.endswith("%") and name not in _RATIOS):
        refuse(f"--cost {name} cannot be read: write a number that is not negative, as {name}=0.4.")
    return value


# ---------------------------------------------------------------------------- as people read it


def show(
    console: Console,
    report: FiguresReport,
    columns: Sequence[Stretch],
    *,
    host: HostFigures | None = None,
    queues: Sequence[str] = (),
) -> None:
    """Print the dashboard: the volume of each of the stretches, and all else of the last one."""
    of_time = stretch(report.from_at, report.until_at, zone=report.zone)
    met, judged = targets_met(report.whole)
    console.print()
    only = f", only of {escape(', '.join(queues))}" if queues else ""
    console.print(f"[bold]Callbacks, {of_time}[/bold] ({escape(report.zone)}){only}", soft_wrap=True)
    console.print(
        f"{counted(report.calls_count, 'live call')}, {counted(report.callbacks_count, 'callback')}"
        + (f", {report.not_ended_count:,} of them not ended yet" if report.not_ended_count else "")
        + (f"; [bold]{met} of {judged} targets met[/bold]" if judged else "; no target can be judged yet"),
        soft_wrap=True,
    )
    for section in sections(columns, Formats.of(host), host=host):
        _show_section(console, section, has_stretches=len(columns) > 1)


def _show_section(console: Console, section: Section, *, has_stretches: bool) -> None:
    console.print()
    table = _table(console, section, has_stretches=has_stretches)
    if Measurement.get(console, console.options.update(max_width=_WIDEST), table).maximum > console.width:
        table = _table(console, section, has_stretches=has_stretches, is_folded=True)
    console.print(table)
    notes = [f"{row.title}: {row.missing}" for row in section.rows if row.missing is not None]
    if any("HostFigures" in note for note in notes):
        notes.append("Here HostFigures come from --cost NAME=VALUE, --preset, or --settings.")
    for note in notes:
        console.print(f"  {escape(note)}", style="dim", soft_wrap=True)


def _table(console: Console, section: Section, *, has_stretches: bool, is_folded: bool = False) -> Table:
    """Draw a section; folded, verdicts stand below their values, and words are not cut off in a narrow terminal."""
    is_wide = len(section.columns) > 1
    has_targets = any(row.verdict is not Verdict.NONE for row in section.rows)
    table = new_table(console)
    headings = section.columns if has_stretches else ("Value",)
    headings = (*headings, "Target") if has_targets else headings
    headings = (*headings, "") if has_targets and not is_wide else headings
    overflow: OverflowMethod = "fold" if is_folded else "ellipsis"
    table.add_column(section.title, no_wrap=not is_folded, overflow=overflow)
    for heading in headings:
        justify: JustifyMethod = "right" if heading else "left"
        table.add_column(heading, justify=justify, no_wrap=not is_folded, overflow=overflow)
    for row in section.rows:
        cells = _cells(console, row, is_wide=is_wide, has_targets=has_targets)
        table.add_row(*(cell.replace(_JOINT, "\n" if is_folded else " ") for cell in cells))
    return table


def _cells(console: Console, row: Row, *, is_wide: bool, has_targets: bool) -> list[str]:
    cells = [_cell(one) if is_wide else escape(one.text) for one in row.cells]
    if has_targets:
        cells.append(escape(row.target))
        if not is_wide:
            cells.append(_verdict(row.verdict))
    cells.insert(0, escape(row.title))
    has_signs = console.is_terminal and console.encoding.lower().startswith("utf")
    return cells if has_signs else [_plain(cell) for cell in cells]


def _plain(text: str) -> str:
    for sign, plain in _ON_A_TYPEWRITER:
        text = text.replace(sign, plain)
    return text


def _cell(one: Cell) -> str:
    return (
        f"{escape(one.text)}{_JOINT}{_verdict(one.verdict)}" if one.verdict in _STYLES else escape(one.text)
    )


def _verdict(one: Verdict) -> str:
    style = _STYLES.get(one)
    return f"[{style}]{said(one)}[/{style}]" if style is not None else said(one)


# ---------------------------------------------------------------------------- files

_CSV_BEGINNING: Final = ",".join(COLUMNS[:4]).encode()
_HTML_BEGINNING: Final = b"<!doctype html>"


def _refuse_another_file(path: Path | None, beginning: bytes) -> None:
    """Refuse a name under which something stands that is no report: it would be lost."""
    if path == Path("-"):
        refuse("--csv and --html write files: name one. --json prints to stdout.")
    if path is None or not path.exists():
        return
    try:
        with path.open("rb") as file:
            found = file.read(len(beginning))
    except OSError as error:
        refuse(f"{path} cannot be read: {error.strerror}.")
    if found not in {b"", beginning}:
        refuse(f"{path} exists already and is no report: it is not written over.")


def _write(path: Path, text: str) -> None:
    """Write a file so that it is there as a whole, or not at all."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        refuse(f"{path} cannot be written: {error.strerror}.")

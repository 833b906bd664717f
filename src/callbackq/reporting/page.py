"""
A report as one HTML file: it needs no network and no script, and can be read aloud, printed, and mailed.

Everything that comes from a report is escaped. Headings, tables and pictures carry what a screen reader needs; colours
follow the reader's choice of light or dark, and nothing is said by colour alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from callbackq.core.metrics.definitions import DEFINITIONS
from callbackq.model.figures import FigureSet, FiguresReport, HostFigures
from callbackq.reporting.charts import Chart, charts, draw_mark
from callbackq.reporting.dashboard import (
    HOW_TO_TELL,
    TILES,
    Cell,
    Row,
    Section,
    Stretch,
    cell,
    lacks_host_figures,
    said,
    sections,
    targets_met,
)
from callbackq.reporting.drawing import Drawing
from callbackq.reporting.formats import MARKS, NOTHING, Formats, Verdict, counted, verdict
from callbackq.reporting.style import CHART_STYLE, PAGE_STYLE, colours
from callbackq.reporting.times import in_zone, short_stretch, stretch_of

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""What a browser may load or run for the page: its own style, and nothing else."""
_PERIODS_MAX: Final = 62
_TOGETHER: Final = tuple(
    (pair, pair.replace(" ", "\u00a0")) for pair in (" %", " min", " h,", "&gt; ", "&lt; ")
)
"""What stays in one line: a number and its unit, a target and its sign."""
_CODE: Final = re.compile(r"`([^`<>]+)`")
_OF_PARTS: Final = (
    "inbound_calls", "offers", "accepted", "callbacks", "answer_rate", "callback_wait", "abandon_rate",
)  # fmt: skip
"""The columns of the tables by period, queue and channel."""


def as_html(
    report: FiguresReport,
    *,
    host: HostFigures | None = None,
    stretches: Sequence[Stretch] = (),
    queues: Sequence[str] = (),
) -> str:
    """
    Write a report as a page of HTML that stands on its own.

    Args:
        report: the figures of a stretch of time.
        host: what the host has said, for the currency and the best score.
        stretches: the columns of the volume; the last is the whole. The whole alone, if there are none.
        queues: of which alone the figures are; they are named at the top. Of all, if there are none.

    Returns:
        The text of the file, to be written as UTF-8. It names nobody: no number, no name, no id of a customer.
    """
    formats = Formats.of(host)
    title = short_stretch(report.from_at, report.until_at, zone=report.zone)
    columns = stretches or (Stretch(title=title, figures=report.whole),)
    body = "\n".join(
        (
            '<a class="skip" href="#figures">To the figures</a>',
            _header(report, queues),
            '<main id="figures">',
            _tiles(report.whole, formats),
            _charts(charts(report)),
            _dashboard(sections(columns, formats, host=host)),
            _parts(report, formats),
            _definitions(report),
            "</main>",
            _footer(report),
        )
    )
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="referrer" content="no-referrer">',
            f"<title>Callbacks, {escape(stretch_of(report))}</title>",
            f"<style>\n{colours()}\n{CHART_STYLE}\n{PAGE_STYLE}\n</style>",
            "</head>",
            "<body>",
            body,
            "</body>",
            "</html>",
            "",
        )
    )


# ---------------------------------------------------------------------------- head and foot


def _header(report: FiguresReport, queues: Sequence[str]) -> str:
    met, judged = targets_met(report.whole)
    told = [f"{counted(report.calls_count, 'live call')} and {counted(report.callbacks_count, 'callback')}"]
    if report.not_ended_count:
        open_ones = counted(report.not_ended_count, "callback")
        told.append(f"{open_ones} not ended yet: figures that hang on that will still change")
    target = f'<p class="verdict">{met} of {judged} targets met</p>' if judged else ""
    return "\n".join(
        (
            "<header>",
            "<h1>Callbacks</h1>",
            f'<p class="when">{escape(stretch_of(report))}</p>',
            f'<p class="when">Only of {escape(", ".join(queues))}</p>' if queues else "",
            target,
            f'<p class="soft">{". ".join(told)}.</p>',
            "</header>",
        )
    )


def _footer(report: FiguresReport) -> str:
    made = in_zone(report.made_at, report.zone)
    clocks = f"Times are those of {report.zone}."
    if "," in report.zone:
        clocks = (
            f"Days and hours are those of each queue's own clocks ({report.zone}); all other times are UTC."
        )
    return (
        f"<footer><p>Made {made:%Y-%m-%d %H:%M} by callbackq. {escape(clocks)} A live call counts by when it entered,"
        " a callback by when it was asked for, each with all that became of it later.</p></footer>"
    )


# ---------------------------------------------------------------------------- figures


def _tiles(whole: FigureSet, formats: Formats) -> str:
    by_name = {one.name: one for one in whole.figures}
    tiles: list[str] = []
    for name in TILES:
        figure = by_name.get(name)
        if figure is None or figure.value is None:
            continue
        one = verdict(figure)
        aim = f"target {formats.target(figure)}" if figure.target is not None else "no target"
        tiles.append(
            f'<li class="card tile {_class(one)}"><span class="name">{escape(figure.title)}</span>'
            f"<b>{_text(formats.value(figure))}</b>"
            f'<span class="aim">{_text(aim)} {_mark(one)}</span></li>'
        )
    if not tiles:
        return ""
    return _section("glance", "At a glance", f'<ul class="tiles">{"".join(tiles)}</ul>')


def _dashboard(made: Iterable[Section]) -> str:
    drawn = [_dashboard_section(one) for one in made]
    if not drawn:
        return ""
    first, *others = drawn
    return "\n".join((first, '<div class="pair">', *others, "</div>"))


def _dashboard_section(section: Section) -> str:
    has_verdicts = any(row.verdict is not Verdict.NONE for row in section.rows)
    is_wide = len(section.columns) > 1
    heads = ["Figure", *(section.columns if is_wide else ("Value",))]
    heads += ["Target"] if has_verdicts else []
    heads += ["Met"] if has_verdicts and not is_wide else []
    rows = [
        _dashboard_row(row, heads=len(heads), is_wide=is_wide, has_verdicts=has_verdicts)
        for row in section.rows
    ]
    table = _table(f"{section.title}: {', '.join(section.columns)}", heads, rows)
    told = f'<p class="note">{_text(HOW_TO_TELL)}</p>' if lacks_host_figures(section) else ""
    return _section(_id(section.title), section.title, f'<div class="card">{table}{told}</div>')


def _dashboard_row(row: Row, *, heads: int, is_wide: bool, has_verdicts: bool) -> str:
    first = f'<th scope="row">{escape(row.title)}</th>'
    if row.missing is not None and row.cells[-1].text == NOTHING:
        return f'<tr>{first}<td class="long" colspan="{heads - 1}">{_text(row.missing)}</td></tr>'
    if row.missing is not None:
        first = f'<th scope="row">{escape(row.title)}<span class="note">{_text(row.missing)}</span></th>'
    cells = [_cell(one, marked=is_wide) for one in row.cells]
    if has_verdicts:
        cells.append(f"<td>{_text(row.target)}</td>")
        if not is_wide:
            cells.append(f"<td>{_mark(row.verdict)}</td>")
    return f"<tr>{first}{''.join(cells)}</tr>"


def _parts(report: FiguresReport, formats: Formats) -> str:
    named = (
        (f"By {report.grain.replace('_', ' ')}", report.periods),
        ("By queue", report.queues),
        ("By channel", report.channels),
    )
    return "\n".join(_part_table(title, sets, formats) for title, sets in named if sets)


def _part_table(title: str, sets: Sequence[FigureSet], formats: Formats) -> str:
    shown = sets[-_PERIODS_MAX:]
    known = {figure.name: figure for figure in shown[0].figures}
    names = [name for name in _OF_PARTS if name in known]
    heads = [title.removeprefix("By ").capitalize(), *(known[name].title for name in names)]
    rows = [
        f'<tr><th scope="row">{escape(one.label)}</th>'
        + "".join(_cell(cell(one.figure(name), formats), marked=True) for name in names)
        + "</tr>"
        for one in shown
    ]
    caption = title if len(shown) == len(sets) else f"{title}: the last {len(shown)} of {len(sets)}"
    return _section(
        _id(title), title, f'<div class="card">{_table(caption, heads, rows)}</div>', style="parts"
    )


def _definitions(report: FiguresReport) -> str:
    """Say how each figure is computed, in a part that can be opened."""
    terms: list[str] = []
    for figure in report.whole.figures:
        one = DEFINITIONS.get(figure.name)
        if one is not None:
            choice = f" <em>{_text(one.choice)}.</em>" if one.choice is not None else ""
            terms.append(f"<dt>{escape(figure.title)}</dt><dd>{_text(one.formula)}.{choice}</dd>")
    if not terms:
        return ""
    inner = f'<details class="card"><summary>All definitions</summary><dl>{"".join(terms)}</dl></details>'
    return _section("definitions", "How each figure is computed", inner, style="on-screen")


# ---------------------------------------------------------------------------- charts


def _charts(drawn: Iterable[Chart]) -> str:
    return _section("charts", "In pictures", f'<div class="charts">{"".join(map(_chart, drawn))}</div>')


def _chart(chart: Chart) -> str:
    parts = [
        f'<figure class="card" aria-labelledby="{chart.name}-head">',
        f'<figcaption><h3 id="{chart.name}-head">{escape(chart.title)}</h3><p>{_text(chart.says)}</p></figcaption>',
    ]
    if chart.drawing is not None:
        if chart.key:
            parts.append(f'<ul class="key">{"".join(_key(*one) for one in chart.key)}</ul>')
        parts.append(chart.drawing.svg(name=chart.name, title=chart.title, description=chart.says))
        rows = [
            f'<tr><th scope="row">{_text(row[0])}</th>'
            + "".join(f"<td>{_text(text)}</td>" for text in row[1:])
            + "</tr>"
            for row in chart.rows
        ]
        table = _table(f"{chart.title}: what is drawn", chart.columns, rows)
        parts.append(f"<details><summary>{escape(chart.title)}, as a table</summary>{table}</details>")
    parts.append("</figure>")
    return "\n".join(parts)


def _key(style: str, words: str) -> str:
    """Return what a mark means. The words say it; the mark is left out for who listens."""
    drawing = Drawing(height=16)
    if not style:
        return f"<li>{escape(words)}</li>"
    draw_mark(drawing, style)
    shapes = "".join(drawing.parts)
    return f'<li><svg viewBox="0 0 28 16" aria-hidden="true">{shapes}</svg>{escape(words)}</li>'


# ---------------------------------------------------------------------------- parts of a page


def _section(name: str, title: str, inner: str, *, style: str = "figures") -> str:
    head = f'<h2 id="{name}-heading">{escape(title)}</h2>'
    return f'<section class="{style}" aria-labelledby="{name}-heading">{head}\n{inner}\n</section>'


def _table(caption: str, heads: Sequence[str], rows: Iterable[str]) -> str:
    """Return a table that can be scrolled sideways, with the keyboard too, where it is too wide."""
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    label = escape(caption)
    return (
        f'<div class="scroll" role="group" tabindex="0" aria-label="{label}"><table><caption>{label}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cell(one: Cell, *, marked: bool) -> str:
    mark = f" {_mark(one.verdict)}" if marked and one.verdict in {Verdict.MET, Verdict.NOT_MET} else ""
    return f"<td>{_text(one.text)}{mark}</td>"


def _mark(one: Verdict) -> str:
    if one is Verdict.NONE:
        return ""
    sign = f'<span aria-hidden="true">{MARKS[one]}</span> '
    return (
        f'<span class="mark {_class(one)}">{sign}{escape(said(one).removeprefix(MARKS[one]).strip())}</span>'
    )


def _text(words: str) -> str:
    """Escape words, and keep a number and its unit in one line."""
    coded = _CODE.sub(r"<code>\1</code>", escape(words))
    for before, after in _TOGETHER:
        coded = coded.replace(before, after)
    return coded


def _class(one: Verdict) -> str:
    return one.value.replace(" ", "-")


def _id(title: str) -> str:
    return title.lower().replace(" ", "-")

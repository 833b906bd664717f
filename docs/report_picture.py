"""
Draw some charts of the report of the demo's day: `python docs/report_picture.py`.

The day is played as `callbackq demo` does, so the picture is drawn by hand when the charts or the demo change; it takes
some seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from html import escape
from pathlib import Path

from callbackq import CallbackService, MemoryStore
from callbackq.model.figures import FiguresReport
from callbackq.reporting.charts import Chart, charts, draw_mark
from callbackq.reporting.drawing import WIDTH, Drawing
from callbackq.reporting.style import CHART_STYLE, colours
from callbackq.simulation.busy_day import OPENS_AT, POLICY, busy_day
from callbackq.simulation.center import ACCEPT_RATIO
from callbackq.testing import ManualClock

PICTURE = Path(__file__).resolve().parent / "pictures" / "report.svg"
SEED = 7
NAMES = ("waits", "funnel", "promises", "hours")
COLUMNS, GAP, HEAD, MARGIN = 2, 48, 50, 28
STYLE = """
svg svg { overflow: visible }
.page { fill: var(--paper); stroke: var(--edge) }
svg .head { fill: var(--ink); font-size: 16px; font-weight: 700 }
""".strip()


def demos_day() -> FiguresReport:
    """Play the day of the demo, in memory, and count it."""
    store = MemoryStore()
    busy_day(SEED).center(store, accept_ratio=ACCEPT_RATIO).run()
    until_at = OPENS_AT.replace(hour=0) + timedelta(days=1)
    service = CallbackService(store, [POLICY], clock=ManualClock(until_at))
    return service.figures(from_at=until_at - timedelta(days=1), until_at=until_at)


def svg(drawn: Sequence[Chart]) -> str:
    """Return charts beside each other, as the text of an SVG file: the same text for the same charts."""
    shown = [chart for chart in drawn if chart.drawing is not None]
    rows = [shown[at : at + COLUMNS] for at in range(0, len(shown), COLUMNS)]
    parts: list[str] = []
    y = float(MARGIN)
    for row in rows:
        for column, chart in enumerate(row):
            parts += _one(chart, MARGIN + column * (WIDTH + GAP), y)
        y += HEAD + max(chart.drawing.height for chart in row if chart.drawing) + GAP
    width, height = 2 * MARGIN + COLUMNS * WIDTH + (COLUMNS - 1) * GAP, y - GAP + MARGIN
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:g}" width="{width}"'
            f' height="{height:g}" role="img">',
            "<title>Charts of the report of the demo's day</title>",
            f"<style>\n{colours()}\n{CHART_STYLE}\n{STYLE}\n</style>",
            f'<rect class="page" x="0.5" y="0.5" width="{width - 1}" height="{height - 1:g}" rx="8"/>',
            *parts,
            "</svg>",
            "",
        )
    )


def _one(chart: Chart, x: float, y: float) -> list[str]:
    assert chart.drawing is not None
    height = chart.drawing.height
    drawn = chart.drawing.svg(name=chart.name, title=chart.title, description=chart.says)
    placed = f'<svg x="0" y="{HEAD}" width="{WIDTH}" height="{height:g}"'
    return [
        f'<g transform="translate({x:g} {y:g})">',
        f'<text class="head" x="0" y="14">{escape(chart.title)}</text>',
        *_key(chart),
        drawn.replace("<svg", placed, 1),
        "</g>",
    ]


def _key(chart: Chart) -> list[str]:
    parts: list[str] = []
    x = 0
    for style, words in chart.key:
        drawing = Drawing(height=16)
        if style:
            draw_mark(drawing, style)
        parts += [f'<g transform="translate({x} 24)">', *drawing.parts, "</g>"]
        x += 34 if style else 0
        parts.append(f'<text x="{x}" y="36">{escape(words)}</text>')
        x += 24 + 7 * len(words)
    return parts


def main() -> None:
    """Play the day, and write the picture."""
    drawn = [chart for chart in charts(demos_day()) if chart.name in NAMES]
    PICTURE.write_text(svg(drawn), encoding="utf-8")
    print(f"written: {PICTURE.name}")


if __name__ == "__main__":
    main()

"""
Draw how like the log a replay is, hour by hour: `python docs/replay_picture.py LOG [LOG]`.

Each log gets a panel: of those who joined in an hour of the day and found no agent free, the share that gave up.
The logs are no part of the project, so the picture is drawn by hand when the model changes; it takes some minutes.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from callbackq.simulation import Happened, WorldLine
from callbackq.simulation.anonymous_bank import SOURCE, BankLog, read_log
from callbackq.simulation.center import ACCEPT_RATIO
from callbackq.simulation.replaying import center_of_log
from callbackq.stores.memory import MemoryStore

PICTURE = Path(__file__).resolve().parent / "pictures" / "replay.svg"
SEED = 7
QUEUED_MIN = 100
"""An hour of the day in which fewer callers of the log found no agent free is left out."""

Shares = Mapping[int, float]
"""For each hour of the day, how many of those who found no agent free gave up: 0 to 1."""


@dataclass(frozen=True)
class Panel:
    """One log: its name, and its lines as (style, words, shares)."""

    title: str
    lines: tuple[tuple[str, str, Shares], ...]


# ---------------------------------------------------------------------------- what is drawn


def _shares(queued: Counter[int], gave_up: Counter[int], hours: Iterable[int]) -> Shares:
    return {hour: gave_up[hour] / queued[hour] for hour in hours if queued[hour]}


def _of_run(world: Sequence[WorldLine]) -> tuple[Counter[int], Counter[int]]:
    joined: dict[str, int] = {}
    queued: Counter[int] = Counter()
    gave_up: Counter[int] = Counter()
    for line in world:
        if line.what is Happened.JOINED:
            joined[line.call_id] = line.at.hour
        elif line.what is Happened.WAITS:
            queued[joined[line.call_id]] += 1
        elif line.what is Happened.HUNG_UP:
            gave_up[joined[line.call_id]] += 1
    return queued, gave_up


def panel(log: BankLog) -> Panel:
    """Replay a log twice, in memory."""
    queued = Counter(call.joined_s // 3600 % 24 for call in log.calls if call.queued)
    gave_up = Counter(call.joined_s // 3600 % 24 for call in log.calls if not call.served)
    hours = [hour for hour in range(24) if queued[hour] >= QUEUED_MIN]
    lines = [("log", "the log", _shares(queued, gave_up, hours))]
    runs = (("without", "no callbacks", None), ("with", f"{ACCEPT_RATIO:.0%} accept", ACCEPT_RATIO))
    for style, words, accept_ratio in runs:
        center = center_of_log(log, MemoryStore(), accept_ratio=accept_ratio, seed=SEED)
        center.run()
        lines.append((style, words, _shares(*_of_run(center.journal.lines()), hours)))
    return Panel(f"{log.calls[0].day:%B %Y}", tuple(lines))


# ---------------------------------------------------------------------------- SVG

WIDTH, HEIGHT = 360, 220
LEFT, RIGHT, TOP, BOTTOM = 48, 24, 40, 34
HEAD, FOOT = 34, 48
HOURS = (6, 24)
SHARE_MAX = 0.45
_CREDIT = 'Data: "Anonymous Bank" call log, Technion (I. Guedj and A. Mandelbaum, 2000)'
_STYLE = """
.page { fill: #ffffff; stroke: #d0d7de }
.grid { stroke: #d8dee4; stroke-width: 1 }
.line { fill: none; stroke-width: 2 }
.log { stroke: #24292f }
.without { stroke: #4a6fa5; stroke-dasharray: 6 3 }
.with { stroke: #953800 }
text { font: 12px ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #24292f }
.title { font-weight: 700 }
.hint { font-size: 10px; fill: #6e7781 }
@media (prefers-color-scheme: dark) {
  .page { fill: #161b22; stroke: #30363d }
  .grid { stroke: #30363d }
  .log { stroke: #e6edf3 }
  .without { stroke: #79a7e3 }
  .with { stroke: #ffa657 }
  text { fill: #e6edf3 }
  .hint { fill: #9198a1 }
}
""".strip()


def _x(hour: float) -> float:
    return LEFT + (hour - HOURS[0]) / (HOURS[1] - HOURS[0]) * (WIDTH - LEFT - RIGHT)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share / SHARE_MAX * (HEIGHT - TOP - BOTTOM)


def _text(words: str, x: float, y: float, style: str = "", anchor: str = "start") -> str:
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _panel(one: Panel) -> list[str]:
    parts = [_text(one.title, LEFT, TOP - 12, "title")]
    for percent in range(0, 50, 10):
        y = _y(percent / 100)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f} H{WIDTH - RIGHT}"/>')
        parts.append(_text(f"{percent} %", LEFT - 6, y + 4, "hint", "end"))
    parts += [
        _text(f"{hour}:00", _x(hour), HEIGHT - BOTTOM + 16, "hint", "middle")
        for hour in range(HOURS[0], HOURS[1] + 1, 3)
    ]
    for style, _, shares in one.lines:
        # An hour's share stands in the middle of the hour.
        points = " ".join(f"{_x(hour + 0.5):.1f},{_y(share):.1f}" for hour, share in sorted(shares.items()))
        parts.append(f'<polyline class="line {style}" points="{points}"/>')
    return parts


def svg(panels: Sequence[Panel]) -> str:
    """Return the picture as the text of an SVG file: the same text for the same panels."""
    width, height = WIDTH * len(panels), HEAD + HEIGHT + FOOT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" role="img">',
        "<title>Who gave up, of those who found no agent free, by hour of the day</title>",
        f"<style>\n{_STYLE}\n</style>",
        f'<rect class="page" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>',
        _text("gave up, of those who found no agent free", LEFT, 24),
    ]
    for index, one in enumerate(panels):
        parts += [f'<g transform="translate({index * WIDTH} {HEAD})">', *_panel(one), "</g>"]
    x = LEFT
    for style, words, _ in panels[0].lines:
        y = HEAD + HEIGHT + 8
        parts.append(f'<path class="line {style}" d="M{x} {y - 4} h24"/>')
        parts.append(_text(words, x + 30, y))
        x += 50 + 8 * len(words)
    parts.append(_text(_CREDIT, LEFT, HEAD + HEIGHT + 32, "hint"))
    return "\n".join([*parts, "</svg>", ""])


def main(paths: Sequence[str]) -> None:
    """Replay the logs, and write the picture."""
    PICTURE.write_text(svg([panel(read_log(Path(path))) for path in paths]), encoding="utf-8")
    print(f"written: {PICTURE.name}. {SOURCE}")


if __name__ == "__main__":
    main(sys.argv[1:])

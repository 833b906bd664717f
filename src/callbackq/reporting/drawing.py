"""What the charts are drawn with: shapes in SVG, scales, and text that is escaped."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

import attrs

WIDTH: Final = 520
"""Of every drawing, in its own units; a page shows it as wide as there is room."""

_MINUTE_STEPS: Final = (0.25, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 240, 480, 720, 1440)


@attrs.define(kw_only=True)
class Drawing:
    """Shapes, from the back to the front. `style` is the name of a class in `style.CHART_STYLE`."""

    height: float
    parts: list[str] = attrs.field(factory=list[str])

    def bar(self, x: float, y: float, width: float, height: float, style: str) -> None:
        """Fill a rectangle."""
        self.parts.append(
            f'<rect class="{style}" x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" rx="2"/>'
        )

    def line(self, points: Iterable[tuple[float, float]], style: str) -> None:
        """Draw a line through points."""
        way = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
        self.parts.append(f'<polyline class="{style}" points="{way}"/>')

    def area(self, points: Iterable[tuple[float, float]], style: str) -> None:
        """Fill what points enclose."""
        way = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
        self.parts.append(f'<polygon class="{style}" points="{way}"/>')

    def dot(self, x: float, y: float, radius: float, style: str) -> None:
        """Draw a circle."""
        self.parts.append(f'<circle class="{style}" cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}"/>')

    def diamond(self, x: float, y: float, radius: float, style: str) -> None:
        """Draw a square that stands on its corner."""
        self.area(((x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y)), style)

    def text(self, words: str, x: float, y: float, style: str = "label", *, anchor: str = "start") -> None:
        """Write *words*: they begin, end or have their middle at *x*."""
        self.parts.append(
            f'<text class="{style}" x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}">{escape(words)}</text>'
        )

    def svg(self, *, name: str, title: str, description: str, head: str = "") -> str:
        """
        Return the drawing as an image that is announced by its title and its description.

        *name* begins the ids: no two drawings of a page have the same. *head* is put in front of the shapes as it is.
        """
        return "\n".join(
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {_n(self.height)}" role="img"'
                f' aria-labelledby="{name}-title {name}-desc">',
                f'<title id="{name}-title">{escape(title)}</title>',
                f'<desc id="{name}-desc">{escape(description)}</desc>',
                *([head] if head else []),
                *self.parts,
                "</svg>",
            )
        )


@attrs.frozen(kw_only=True)
class Scale:
    """Values from `low` to `high`, laid between two places of a drawing."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return where a value is."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def count_ticks(largest: float, *, wanted: int = 4) -> Sequence[float]:
    """
    Return round numbers from 0 to at least *largest*.

    >>> count_ticks(37), count_ticks(0)
    ([0, 10, 20, 30, 40], [0, 1])
    """
    if largest <= 0:
        return [0, 1]
    rough = largest / wanted
    tens = 10 ** math.floor(math.log10(rough))
    step = max(1, next(tens * unit for unit in (1, 2, 5, 10) if tens * unit >= rough))
    return [step * index for index in range(math.ceil(largest / step) + 1)]


def minute_ticks(longest_s: float, *, wanted: int = 4) -> Sequence[float]:
    """
    Return round numbers of minutes from 0 to at least *longest_s* seconds.

    >>> minute_ticks(1500)
    [0, 10, 20, 30]
    """
    rough = longest_s / 60 / wanted
    step = next((each for each in _MINUTE_STEPS if each >= rough), math.ceil(rough / 1440) * 1440)
    return [step * index for index in range(max(1, math.ceil(longest_s / 60 / step)) + 1)]


def _n(number: float) -> str:
    """Write a place: short, and the same on every machine."""
    return f"{round(number, 1):g}"

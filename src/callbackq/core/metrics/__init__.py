"""
The figures of a contact center: each defined once, counted from stories, and worked out for any part.

`stories` makes facts of history, `counts` says what one story counts, `cells` keeps that by hour, queue and channel,
`definitions` holds every figure, `report` works them out, and `live` keeps them up to date event by event.
"""

from callbackq.core.metrics.cells import Cells
from callbackq.core.metrics.definition import Definition
from callbackq.core.metrics.definitions import DEFINITIONS
from callbackq.core.metrics.live import LiveFigures
from callbackq.core.metrics.report import Stretch, figures_of, make_report
from callbackq.core.metrics.stories import stories

__all__ = [
    "DEFINITIONS",
    "Cells",
    "Definition",
    "LiveFigures",
    "Stretch",
    "figures_of",
    "make_report",
    "stories",
]

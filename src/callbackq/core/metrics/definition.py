"""What a definition of a figure is."""

from __future__ import annotations

import attrs

from callbackq.core.metrics.working import Work
from callbackq.model.figures import FigureGroup, FigureUnit, Target


@attrs.frozen(kw_only=True)
class Definition:
    """
    What a figure is, once for reports, wallboards, exports and telemetry.

    Args:
        formula: how it is computed, in words.
        denominator: what it is divided by, in words; None where nothing is divided.
        source: who asks for it: a document by its number, or what else it rests on.
        choice: where documents differ, what was chosen here, and why.
        work: computes it.
    """

    name: str
    title: str
    group: FigureGroup
    unit: FigureUnit
    formula: str
    denominator: str | None = None
    source: str
    choice: str | None = None
    target: Target | None = None
    work: Work = attrs.field(repr=False)

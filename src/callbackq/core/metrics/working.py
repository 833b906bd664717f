"""How figures are worked out of counts: a number, a share, a mean; and what to say where something is missing."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from callbackq.core.metrics.counts import MILLION, Counts
from callbackq.model.figures import HostFigures


@attrs.frozen
class Worked:
    """What a figure came to. See `model.Figure`."""

    value: float | None
    numerator: float | None = None
    denominator: float | None = None
    missing: str | None = None


Work = Callable[[Counts, HostFigures], Worked]
Amount = Callable[[Counts], float]


def amount(name: str) -> Amount:
    """Return a function that gives one of the counts; of times in seconds."""
    if name.endswith("_us"):
        return lambda counts: float(getattr(counts, name) / MILLION)
    return lambda counts: float(getattr(counts, name))


def number(name: str, *, of: str | None = None) -> Work:
    """
    Return how a count is worked out.

    Args:
        name: of the count; a time is given in seconds.
        of: of which count its target means a share.
    """
    counted = amount(name)
    if of is None:
        return lambda counts, _host: Worked(counted(counts))
    whole = amount(of)

    def with_share(counts: Counts, _host: HostFigures) -> Worked:
        value = counted(counts)
        return Worked(value, value, whole(counts))

    return with_share


def ratio(part: str, whole: str, *, missing: str | None = None) -> Work:
    """
    Return how one count is divided by another: a share, or a mean.

    Args:
        part: the name of what is divided; a time is given in seconds.
        whole: the name of what it is divided by.
        missing: what to say where there is nothing to divide by.
    """
    above, below = amount(part), amount(whole)

    def divided(counts: Counts, _host: HostFigures) -> Worked:
        numerator, denominator = above(counts), below(counts)
        if not denominator:
            return Worked(None, numerator, denominator, missing)
        return Worked(numerator / denominator, numerator, denominator)

    return divided


def told(*names: str) -> str:
    """Return what to say where the host has not given some of its figures."""
    fields = " and ".join(names) if len(names) < 3 else ", ".join(names[:-1]) + f" and {names[-1]}"
    return f"give {fields} in HostFigures, as `host` of `service.figures`"

"""How many requests are taken, and how many codes are sent, in rolling windows of time."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, cast

import attrs

from callbackq.errors import ConfigurationError
from callbackq.policy.checks import int_within, within
from callbackq.policy.presetting import read_preset

PERIOD_MAX: Final = timedelta(days=60)


@attrs.frozen
class Limit:
    """
    At most so many in any period of this length: a rolling window, not one that begins at midnight.

    Exact up to 64 in the window. Beyond, what was counted may count up to a 64th of the period longer: never more than
    `most` in any period, and sometimes one a little later than it could be.

    Args:
        most: 1 to 10,000,000.
        period: 1 s to 60 days.

    >>> Limit(6, timedelta(days=1))
    Limit(most=6, period=datetime.timedelta(days=1))
    """

    most: int
    period: timedelta

    def __attrs_post_init__(self) -> None:
        int_within("Limit.most", self.most, 1, 10_000_000)
        within("Limit.period", self.period, timedelta(seconds=1), PERIOD_MAX)


def _own_limits(limits: object) -> tuple[Limit, ...]:
    given = cast("tuple[object, ...]", tuple(limits) if isinstance(limits, tuple | list) else (limits,))  # pyright: ignore[reportUnknownArgumentType]
    for one in given:
        if not isinstance(one, Limit):
            raise ConfigurationError("RequestLimits", type(one).__name__, "a Limit, or a tuple of them")
    return cast("tuple[Limit, ...]", given)


@attrs.frozen(kw_only=True)
class RequestLimits:
    """
    How many requests are taken. Each is a `Limit` or a tuple of them; none, where it is empty.

    Requests that are refused, or were made before (same request key), are not counted.

    Args:
        per_number: for one phone number, in this queue.
        per_source: from one source, such as the address of a web client, in this queue: `request(source=…)`.
        in_queue: for the queue.

    >>> from datetime import timedelta
    >>> RequestLimits(per_number=Limit(6, timedelta(days=1))).per_number
    (Limit(most=6, period=datetime.timedelta(days=1)),)
    """

    per_number: tuple[Limit, ...] = attrs.field(default=(), converter=_own_limits)
    per_source: tuple[Limit, ...] = attrs.field(default=(), converter=_own_limits)
    in_queue: tuple[Limit, ...] = attrs.field(default=(), converter=_own_limits)


NO_LIMITS: Final = RequestLimits()
LIMITS_GENESYS: Final[RequestLimits] = read_preset(RequestLimits, "genesys", "queue", "limits")
"""The defaults of Genesys Mobile Services: 6 per number and day; 500 in 5 minutes and 1,000 in an hour for a queue."""

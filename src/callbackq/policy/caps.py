"""How many callbacks are dialed at once, per minute, and to one number."""

from __future__ import annotations

from datetime import timedelta

import attrs

from callbackq.policy.checks import int_within, within


@attrs.frozen(kw_only=True)
class Caps:
    """
    How many callbacks are dialed, at once and per minute. None: as many as there are free agents.

    Args:
        attempts_at_once_max: attempts under way, conversations included: as many as there are trunks.
            1 to 1,000,000.
        attempts_per_minute_max: attempts started in any 60 s. 1 to 1,000,000.
        attempts_per_number_max: attempts at which one number was dialed, of whichever callback and queue, in any
            `number_period`; a callback that would be one more is held until the oldest is out of it. 1 to 1,000.
        number_period: 1 min to 60 days.

    >>> Caps(attempts_at_once_max=30).attempts_per_minute_max is None
    True
    """

    attempts_at_once_max: int | None = None
    attempts_per_minute_max: int | None = None
    attempts_per_number_max: int | None = None
    number_period: timedelta = timedelta(hours=24)

    def __attrs_post_init__(self) -> None:
        for field in ("attempts_at_once_max", "attempts_per_minute_max"):
            if getattr(self, field) is not None:
                int_within(f"Caps.{field}", getattr(self, field), 1, 1_000_000)
        if self.attempts_per_number_max is not None:
            int_within("Caps.attempts_per_number_max", self.attempts_per_number_max, 1, 1_000)
        within("Caps.number_period", self.number_period, timedelta(minutes=1), timedelta(days=60))

"""Stretches of time between two instants."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs


@attrs.frozen(kw_only=True)
class Interval:
    """
    A stretch of time: from `starts_at` on, and until `ends_at`, which is no longer part of it. Both are aware UTC.

    >>> from datetime import UTC
    >>> nine = datetime(2026, 1, 5, 9, tzinfo=UTC)
    >>> Interval(starts_at=nine, ends_at=nine.replace(hour=17)).length
    datetime.timedelta(seconds=28800)
    """

    starts_at: datetime
    ends_at: datetime

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.ends_at - self.starts_at

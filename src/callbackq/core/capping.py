"""Whether one more callback may be dialed now: caps on attempts at once and per minute, of a queue and in all."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import attrs

from callbackq.policy import Caps

WINDOW: Final = timedelta(seconds=60)


class Cap(enum.StrEnum):
    """Which cap is reached."""

    AT_ONCE = "attempts_at_once_max"
    PER_MIN = "attempts_per_minute_max"


@attrs.frozen(kw_only=True)
class Capped:
    """
    No attempt may be started now.

    Args:
        cap: which cap is reached.
        limit: its value.
        until_at: when time alone lets one more start; None where an attempt must end first.
    """

    cap: Cap
    limit: int
    until_at: datetime | None = None


def capped(caps: Caps, *, open_count: int, starts: Sequence[datetime], now: datetime) -> Capped | None:
    """
    Say whether a cap is reached.

    Args:
        open_count: attempts that have not ended; may stop at the cap.
        starts: when the last attempts were started, the latest first; as many as the cap per minute, or more.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
    >>> reached = capped(Caps(attempts_per_minute_max=1), open_count=0, starts=[noon], now=noon)
    >>> (reached.until_at - noon).total_seconds()
    60.0
    """
    at_once, per_min = caps.attempts_at_once_max, caps.attempts_per_minute_max
    if at_once is not None and open_count >= at_once:
        return Capped(cap=Cap.AT_ONCE, limit=at_once)
    known = [at for at in starts if at <= now]
    if per_min is not None and len(known) >= per_min:
        until_at = known[per_min - 1] + WINDOW
        if until_at > now:
            return Capped(cap=Cap.PER_MIN, limit=per_min, until_at=until_at)
    return None

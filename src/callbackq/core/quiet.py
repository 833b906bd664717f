"""Quiet hours: when a message waits, for the customer may be asleep."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, time, timedelta
from typing import Final

from callbackq.core.zones import instant_of, wall_of
from callbackq.model import WallTime

_LOOKS_MAX: Final = 8
_DAY: Final = timedelta(days=1)


def quiet_until(
    zones: Collection[str], *, quiet_from: time, quiet_until: time, now: datetime
) -> datetime | None:
    """
    Return when it is quiet nowhere any more; None if that is now.

    Args:
        zones: where the customer may be. It must be quiet in none of them. Nowhere: it never is quiet.
        quiet_from, quiet_until: on the clocks of each zone, the end excluded; over midnight where the first is later.

    Where the zones are so far apart that one of them is quiet at any hour, the answer is a moment at which it is quiet
    in the fewest: the end of the last one that was looked at.

    Cost: some 10 µs for each zone, a few times.

    >>> from datetime import UTC
    >>> at = datetime(2026, 3, 10, 3, tzinfo=UTC)  # 23:00 in New York
    >>> quiet_until({"America/New_York"}, quiet_from=time(21), quiet_until=time(8), now=at).isoformat()
    '2026-03-10T12:00:00+00:00'
    """
    at = now
    for _ in range(_LOOKS_MAX):
        ends = [_end(zone, quiet_from, quiet_until, at) for zone in sorted(zones)]
        quiet = [end for end in ends if end is not None]
        if not quiet:
            break
        at = max(quiet)
    return at if at > now else None


def _end(zone: str, start: time, end: time, at: datetime) -> datetime | None:
    """Return when it ends to be quiet in one zone; None if it is not quiet there."""
    local = wall_of(at, zone=zone).wall_at
    clock = local.time()
    if start < end:
        is_quiet, ends_on = start <= clock < end, local.date()
    else:
        is_quiet = clock >= start or clock < end
        ends_on = local.date() if clock < end else local.date() + _DAY
    if not is_quiet:
        return None
    wall_at = datetime.combine(ends_on, end)
    first = instant_of(WallTime(wall_at=wall_at, zone=zone))
    return first if first > at else instant_of(WallTime(wall_at=wall_at, zone=zone, fold=1))

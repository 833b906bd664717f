"""Who is on duty when. A shift is from an instant to an instant; breaks are the time between two shifts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import attrs


@attrs.frozen(kw_only=True)
class Shift:
    """
    One agent, on duty from `starts_at` to `ends_at`.

    A call under way at the end is finished. The last agent on duty stays until the line is empty.
    """

    agent_id: str
    starts_at: datetime
    ends_at: datetime
    queues: tuple[str, ...] = ("support",)
    skills: tuple[str, ...] = ()


def on_duty(
    agents: int,
    *,
    starts_at: datetime,
    ends_at: datetime,
    breaks_from: datetime | None = None,
    break_length: timedelta = timedelta(minutes=30),
) -> list[Shift]:
    """
    Return the shifts of *agents* agents who are all there from start to end.

    Args:
        breaks_from: from then on one after another has a break of `break_length`; no breaks if None.
    """
    shifts: list[Shift] = []
    for index in range(agents):
        agent_id = f"agent-{index + 1:02d}"
        if breaks_from is None:
            shifts.append(Shift(agent_id=agent_id, starts_at=starts_at, ends_at=ends_at))
            continue
        away_at = breaks_from + index * break_length
        shifts += [
            Shift(agent_id=agent_id, starts_at=starts_at, ends_at=away_at),
            Shift(agent_id=agent_id, starts_at=away_at + break_length, ends_at=ends_at),
        ]
    return shifts


def shifts_of_services(
    services: Sequence[tuple[str, datetime, datetime]],
    *,
    break_min: timedelta,
    queues: tuple[str, ...] = ("support",),
) -> list[Shift]:
    """
    Infer shifts from who served when: a log without log-in data knows no more.

    Args:
        services: (agent, start, end) of each service, in any order.
        break_min: an agent who served nobody for longer than this was away for that time.

    Returns:
        For each agent the spans from the start of a service to the end of the last one before a break.

    Cost: O(n log n).
    """
    shifts: list[Shift] = []
    spans: dict[str, tuple[datetime, datetime]] = {}
    for agent_id, starts_at, ends_at in sorted(services):
        span = spans.get(agent_id)
        if span is not None and starts_at - span[1] <= break_min:
            spans[agent_id] = span[0], max(span[1], ends_at)
            continue
        if span is not None:
            shifts.append(Shift(agent_id=agent_id, starts_at=span[0], ends_at=span[1], queues=queues))
        spans[agent_id] = starts_at, ends_at
    shifts += [
        Shift(agent_id=agent_id, starts_at=span[0], ends_at=span[1], queues=queues)
        for agent_id, span in spans.items()
    ]
    return sorted(shifts, key=lambda shift: (shift.starts_at, shift.agent_id))

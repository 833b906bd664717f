"""
Who was on duty, for which calls, inferred from a log without log-in data: from who served whom while who waited.

The log shows when agents serve. It does not show whether they are there between two services: resting from the
first, ready for a call, or gone. But where a caller waited whom they could have served, they were not ready. So:

* an agent can serve, on a day, the kinds of calls that the log shows this agent serving that day;
* after a service comes a pause, of the length that such pauses have while somebody waits (`pauses`);
* between two services an agent was away, all the time, if the break was long, or if during it somebody waited
  whom this agent could have served for longer than such a pause takes (`infer_shifts`).

Where nobody waited the log is silent: there an agent counts as ready.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Final, NamedTuple

from callbackq.simulation.staffing import Shift
from callbackq.simulation.survival import Seen

_ZERO: Final = timedelta(0)


class Service(NamedTuple):
    """A call of one kind, served by an agent. Instants are UTC."""

    agent_id: str
    kind: str
    starts_at: datetime
    ends_at: datetime


class Hold(NamedTuple):
    """A caller of one kind who waits, until served or gone. Instants are UTC."""

    kind: str
    starts_at: datetime
    ends_at: datetime


class Span(NamedTuple):
    """From an instant to a later one."""

    starts_at: datetime
    ends_at: datetime


Skills = Mapping[tuple[str, date], tuple[str, ...]]
"""The kinds of calls that an agent can serve on a day."""


def skills_by_day(services: Iterable[Service]) -> Skills:
    """
    Return for each agent and day the kinds of calls served, sorted; a service counts for the day it starts.

    >>> at = datetime(2027, 1, 3, 8)
    >>> dict(skills_by_day([Service("ann", "NW", at, at), Service("ann", "NE", at, at)]))
    {('ann', datetime.date(2027, 1, 3)): ('NE', 'NW')}
    """
    found: dict[tuple[str, date], set[str]] = {}
    for service in services:
        found.setdefault((service.agent_id, service.starts_at.date()), set()).add(service.kind)
    return {key: tuple(sorted(kinds - {""})) for key, kinds in found.items()}


def pauses(services: Sequence[Service], holds: Iterable[Hold]) -> list[Seen]:
    """
    Return how long each agent paused after a service, of all services at whose end somebody could be served next.

    A pause is seen to end when the agent serves again while all the time somebody waited whom the agent can
    serve. When that line gets empty first, the agent may have been ready and have had nobody to serve: the pause
    is censored there. So is the pause after the last service of all, in which agents go home.

    Cost: O(n log n) for each different set of skills.
    """
    line, skills = _Line(holds), skills_by_day(services)
    found: list[Seen] = []
    for agent_id, rows in _rows_by_agent(services).items():
        for this, following in zip(rows, [*rows[1:], None], strict=True):
            waits = line.at(this.ends_at, kinds=skills[agent_id, this.starts_at.date()])
            if waits is None:
                continue
            ended = following is not None and following.starts_at <= waits.ends_at
            until = following.starts_at if ended and following else waits.ends_at
            found.append(Seen((until - this.ends_at).total_seconds(), ended))
    return found


def infer_shifts(
    services: Sequence[Service],
    holds: Iterable[Hold],
    *,
    break_min: timedelta,
    pause_max: timedelta,
    queues: tuple[str, ...] = ("support",),
) -> list[Shift]:
    """
    Return who was on duty when, and for which kinds of calls.

    Args:
        services: of agents whose names are known, in any order.
        holds: of all callers who waited.
        break_min: an agent who served nobody for longer than this was away.
        pause_max: so was one who served nobody while, for longer than this without a gap, somebody waited whom
            the agent could have served.
        queues: of every shift.

    Returns:
        Shifts in order of their start. Each runs from the start of a service to the end of the last one before
        the agent was away, and has the skills of the day on which it starts.

    Cost: O(n log n) for each different set of skills.
    """
    line, skills = _Line(holds), skills_by_day(services)
    shifts: list[Shift] = []

    def end(agent_id: str, starts_at: datetime, ends_at: datetime) -> None:
        kinds = skills[agent_id, starts_at.date()]
        shifts.append(
            Shift(agent_id=agent_id, starts_at=starts_at, ends_at=ends_at, queues=queues, skills=kinds)
        )

    for agent_id, rows in _rows_by_agent(services).items():
        starts_at = rows[0].starts_at
        for this, following in pairwise(rows):
            gap = Span(this.ends_at, following.starts_at)
            kinds = skills[agent_id, starts_at.date()]
            if gap.ends_at - gap.starts_at > break_min or line.longest(gap, kinds=kinds) > pause_max:
                end(agent_id, starts_at, this.ends_at)
                starts_at = following.starts_at
        end(agent_id, starts_at, rows[-1].ends_at)
    return sorted(shifts, key=lambda shift: (shift.starts_at, shift.agent_id))


def _rows_by_agent(services: Iterable[Service]) -> dict[str, list[Span]]:
    """Return when each agent was serving; services of one agent that overlap are one."""
    by_agent: dict[str, list[Span]] = {}
    for service in services:
        by_agent.setdefault(service.agent_id, []).append(Span(service.starts_at, service.ends_at))
    return {agent_id: list(_joined(spans)) for agent_id, spans in sorted(by_agent.items())}


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Join what overlaps or touches; in order."""
    open_span: Span | None = None
    for span in sorted(spans):
        if open_span is None:
            open_span = span
        elif span.starts_at <= open_span.ends_at:
            open_span = Span(open_span.starts_at, max(open_span.ends_at, span.ends_at))
        else:
            yield open_span
            open_span = span
    if open_span is not None:
        yield open_span


class _Line:
    """When somebody of some kinds waited: spans without a gap, made once for each set of kinds."""

    def __init__(self, holds: Iterable[Hold]) -> None:
        by_kind: dict[str, list[Span]] = {}
        for hold in holds:
            by_kind.setdefault(hold.kind, []).append(Span(hold.starts_at, hold.ends_at))
        self._by_kind: Final = {kind: list(_joined(spans)) for kind, spans in by_kind.items()}
        self._by_kinds: Final[dict[tuple[str, ...], list[Span]]] = {}

    def _spans(self, kinds: tuple[str, ...]) -> list[Span]:
        """Anybody serves a call that says no kind."""
        if kinds not in self._by_kinds:
            self._by_kinds[kinds] = list(
                _joined(span for kind in (*kinds, "") for span in self._by_kind.get(kind, []))
            )
        return self._by_kinds[kinds]

    def at(self, instant: datetime, *, kinds: tuple[str, ...]) -> Span | None:
        """Return the span in the midst of which the instant lies."""
        spans = self._spans(kinds)
        index = bisect_right(spans, instant, key=_start) - 1
        inside = index >= 0 and spans[index].starts_at < instant < spans[index].ends_at
        return spans[index] if inside else None

    def longest(self, gap: Span, *, kinds: tuple[str, ...]) -> timedelta:
        """Return for how long at most somebody waited without a break, within a gap."""
        spans = self._spans(kinds)
        longest = _ZERO
        for index in range(max(0, bisect_right(spans, gap.starts_at, key=_start) - 1), len(spans)):
            span = spans[index]
            if span.starts_at >= gap.ends_at:
                break
            longest = max(longest, min(span.ends_at, gap.ends_at) - max(span.starts_at, gap.starts_at))
        return longest


def _start(span: Span) -> datetime:
    return span.starts_at

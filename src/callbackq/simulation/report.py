"""
What came of a run. Waits are counted from entering the queue to hearing an agent, on hold and called back alike.

The figures come from the world's journal and the checkers; from the store only the outcomes of callbacks and
what agents did. Durations are seconds, and their names end in `_s`; ratios are 0 to 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from callbackq.events import AgentEvent
from callbackq.model import AgentState, Outcome
from callbackq.simulation.world import Happened, WorldLine
from callbackq.testing.checkers import Evidence, Finding, check_all


@attrs.frozen(kw_only=True)
class Hour:
    """The callers who joined within one hour, and the waits of those of them who were served."""

    starts_at: datetime
    calls: int
    served: int
    mean_wait_s: float | None
    mean_wait_live_s: float | None
    mean_wait_callback_s: float | None


@attrs.frozen(kw_only=True)
class SimulationReport:
    """
    The results of one run.

    Args:
        calls: callers who joined.
        offers, accepted: callbacks that were offered, and that were promised.
        connected: callers who were called back and heard an agent.
        unreached, expired, declined: promises that ended so; `open` ones have not ended.
        served_live: callers who were served on hold.
        abandoned: callers who gave up on hold.
        unserved: callers who were still on hold at the end.
        attempts: customers' phones dialed.
        lost, double_dialed, overtaken: what the checkers found; zero unless the engine is broken.
        findings: all that the checkers found, in words.
        mean_wait_s: of all who were served, live and called back.
        mean_hold_s: time on hold of all callers, whatever became of them; who accepts hangs up and holds no more.
        queued: callers who found no agent free.
        mean_hold_queued_s: time on hold of those.
        occupancy_ratio: the share of their time on duty that agents were reserved or busy.
    """

    calls: int
    offers: int
    accepted: int
    connected: int
    unreached: int
    expired: int
    declined: int
    open: int
    served_live: int
    abandoned: int
    unserved: int
    attempts: int
    lost: int
    double_dialed: int
    overtaken: int
    findings: tuple[Finding, ...]
    mean_wait_s: float | None
    mean_wait_live_s: float | None
    mean_wait_callback_s: float | None
    longest_wait_s: float | None
    mean_hold_s: float | None
    queued: int
    mean_hold_queued_s: float | None
    occupancy_ratio: float | None
    starts_at: datetime | None
    ended_at: datetime
    hours: tuple[Hour, ...]

    def figures(self) -> dict[str, int | float | None]:
        """Return the plain figures, for JSON: no instants, hours or findings, but how many findings there are."""
        left_out = ("findings", "starts_at", "ended_at", "hours")
        names = [field.name for field in attrs.fields(SimulationReport) if field.name not in left_out]
        return rounded({**{name: getattr(self, name) for name in names}, "findings": len(self.findings)})


@attrs.frozen(kw_only=True)
class SamePeople:
    """
    Those who took a callback in one run, and the same people in a run without callbacks.

    Args:
        people: how many took one.
        hold_s: their mean time on hold with callbacks.
        hold_without_s: their mean time on hold without.
        reached: how many of them heard an agent.
        reached_without: how many of them heard an agent when there were no callbacks.
    """

    people: int
    hold_s: float | None
    hold_without_s: float | None
    reached: int
    reached_without: int

    def figures(self) -> dict[str, int | float | None]:
        """Return the figures, for JSON."""
        return rounded(attrs.asdict(self))


def rounded(figures: Mapping[str, int | float | None]) -> dict[str, int | float | None]:
    """Return figures with at most three places, so that they read well and are the same on every machine."""
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in figures.items()}


@attrs.define
class _Visit:
    """What became of one caller."""

    joined_at: datetime
    waited: bool = False
    connected_at: datetime | None = None
    promised_at: datetime | None = None
    hung_up_at: datetime | None = None

    @property
    def wait_s(self) -> float | None:
        """From joining to hearing an agent; None if that never was."""
        return None if self.connected_at is None else (self.connected_at - self.joined_at).total_seconds()

    def hold_s(self, ended_at: datetime) -> float:
        """Time on the line, waiting."""
        until = self.promised_at or self.hung_up_at or self.connected_at or ended_at
        return (until - self.joined_at).total_seconds()


def summarize(evidence: Evidence) -> SimulationReport:
    """Count a run, and check it."""
    visits = list(_visits_by_call(evidence.world).values())
    live, called_back = _waits(visits)
    holds = [visit.hold_s(evidence.ended_at) for visit in visits]
    queued = [visit for visit in visits if visit.waited]
    outcomes = Counter(row.outcome for row in evidence.callbacks)
    found = check_all(evidence)
    gave_up = sum(visit.hung_up_at is not None for visit in visits)
    accepted = sum(visit.promised_at is not None for visit in visits)
    return SimulationReport(
        calls=len(visits),
        offers=sum(event.kind == "call_offered" for event in evidence.history),
        accepted=accepted,
        connected=len(called_back),
        unreached=outcomes[Outcome.UNREACHED],
        expired=outcomes[Outcome.EXPIRED],
        declined=outcomes[Outcome.DECLINED_BY_AGENTS],
        open=outcomes[None],
        served_live=len(live),
        abandoned=gave_up,
        unserved=len(visits) - len(live) - gave_up - accepted,
        attempts=sum(line.what == "dialed" and line.role == "customer" for line in evidence.carrier),
        lost=found.lost,
        double_dialed=found.double_dialed,
        overtaken=found.overtaken,
        findings=found.all,
        mean_wait_s=_mean(live + called_back),
        mean_wait_live_s=_mean(live),
        mean_wait_callback_s=_mean(called_back),
        longest_wait_s=max(live + called_back, default=None),
        mean_hold_s=_mean(holds),
        queued=len(queued),
        mean_hold_queued_s=_mean([visit.hold_s(evidence.ended_at) for visit in queued]),
        occupancy_ratio=_occupancy(evidence.history, ended_at=evidence.ended_at),
        starts_at=visits[0].joined_at if visits else None,
        ended_at=evidence.ended_at,
        hours=_hours(visits),
    )


def compare(world: Sequence[WorldLine], *, without: Sequence[WorldLine]) -> SamePeople:
    """Look at those who took a callback in the journal of one run, in both: the two runs must have the same callers."""
    visits, others = _visits_by_call(world), _visits_by_call(without)
    took = [call_id for call_id, visit in visits.items() if visit.promised_at is not None]
    return SamePeople(
        people=len(took),
        hold_s=_mean([visits[call_id].hold_s(world[-1].at) for call_id in took]),
        hold_without_s=_mean([others[call_id].hold_s(without[-1].at) for call_id in took]),
        reached=sum(visits[call_id].connected_at is not None for call_id in took),
        reached_without=sum(others[call_id].connected_at is not None for call_id in took),
    )


def _waits(visits: Iterable[_Visit]) -> tuple[list[float], list[float]]:
    """Return the waits of those who were served: on hold, and called back."""
    live: list[float] = []
    called_back: list[float] = []
    for visit in visits:
        if visit.wait_s is not None:
            (live if visit.promised_at is None else called_back).append(visit.wait_s)
    return live, called_back


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _visits_by_call(world: Iterable[WorldLine]) -> dict[str, _Visit]:
    visits: dict[str, _Visit] = {}
    for line in world:
        match line.what:
            case Happened.JOINED:
                visits[line.call_id] = _Visit(line.at)
            case Happened.WAITS:
                visits[line.call_id].waited = True
            case Happened.CONNECTED:
                visits[line.call_id].connected_at = visits[line.call_id].connected_at or line.at
            case Happened.PROMISED:
                visits[line.call_id].promised_at = line.at
            case Happened.HUNG_UP:
                visits[line.call_id].hung_up_at = line.at
            case Happened.TOLD | Happened.PARTED | Happened.CORRECTED | Happened.SETTLED:
                pass
    return visits


def _hours(visits: Sequence[_Visit]) -> tuple[Hour, ...]:
    """Group callers by the hour in which they joined; hours without callers are left out."""
    groups: dict[datetime, list[_Visit]] = {}
    for visit in visits:
        groups.setdefault(visit.joined_at.replace(minute=0, second=0, microsecond=0), []).append(visit)
    hours: list[Hour] = []
    for starts_at, group in sorted(groups.items()):
        live, called_back = _waits(group)
        hours.append(
            Hour(
                starts_at=starts_at,
                calls=len(group),
                served=len(live) + len(called_back),
                mean_wait_s=_mean(live + called_back),
                mean_wait_live_s=_mean(live),
                mean_wait_callback_s=_mean(called_back),
            )
        )
    return tuple(hours)


_AT_WORK = (AgentState.RESERVED, AgentState.BUSY, AgentState.WRAP_UP)


def _occupancy(history: Iterable[Any], *, ended_at: datetime) -> float | None:
    """Share of the time not signed out that agents spent reserved, busy or wrapping up."""
    since: dict[str, tuple[AgentState, datetime]] = {}
    there = busy = timedelta(0)

    def close(agent_id: str, at: datetime) -> None:
        nonlocal there, busy
        state, began_at = since[agent_id]
        if state is not AgentState.SIGNED_OUT:
            there += at - began_at
            busy += at - began_at if state in _AT_WORK else timedelta(0)

    for event in history:
        if isinstance(event, AgentEvent):
            if event.agent_id in since:
                close(event.agent_id, event.at)
            since[event.agent_id] = event.state, event.at
    for agent_id in since:
        close(agent_id, ended_at)
    return busy / there if there else None

"""
What callbacks saved and cost: figures that need what only the host knows.

The rule: nothing is assumed. What the host has not given is named, and what needs it has no value; the sum counts
what is known, and names what is not in it.
"""

from __future__ import annotations

from typing import Final

from callbackq.core.metrics.counts import Counts
from callbackq.core.metrics.definition import Definition
from callbackq.core.metrics.working import Worked, number, told
from callbackq.model.figures import FigureGroup, FigureUnit, HostFigures

_G, _U = FigureGroup, FigureUnit
_TALKS: Final = "conversations of both kinds are needed, with callers who held and with callbacks"
_SCORES: Final = "report scores, by `service.report_score(callback_id, score=...)`"


def _avoided(counts: Counts, host: HostFigures) -> Worked:
    if host.abandons_avoided_ratio is None:
        return Worked(None, missing=told("abandons_avoided_ratio"))
    return Worked(counts.converted * host.abandons_avoided_ratio)


def _abandon_money(counts: Counts, host: HostFigures) -> Worked:
    avoided = _avoided(counts, host).value
    if avoided is None or host.cost_of_abandon is None:
        return Worked(None, missing=told("cost_of_abandon", "abandons_avoided_ratio"))
    return Worked(avoided * host.cost_of_abandon)


def _abandon_cost(counts: Counts, host: HostFigures) -> Worked:
    if host.cost_of_abandon is None:
        return Worked(None, missing=told("cost_of_abandon"))
    return Worked(counts.abandoned * host.cost_of_abandon)


def _line_money(counts: Counts, host: HostFigures) -> Worked:
    if host.cost_of_line_minute is None:
        return Worked(None, missing=told("cost_of_line_minute"))
    return Worked(counts.hold_saved_us / 60e6 * host.cost_of_line_minute)


def _agent_time(counts: Counts, _host: HostFigures) -> Worked:
    if not counts.call_talks or not counts.callback_talks:
        return Worked(None, missing=_TALKS)
    shorter_us = counts.call_talk_us / counts.call_talks - counts.callback_talk_us / counts.callback_talks
    return Worked(shorter_us * counts.callback_talks / 1e6)


def _agent_money(counts: Counts, host: HostFigures) -> Worked:
    saved = _agent_time(counts, host)
    if host.cost_of_agent_hour is None:
        return Worked(None, missing=told("cost_of_agent_hour"))
    if saved.value is None:
        return saved
    return Worked(saved.value / 3600 * host.cost_of_agent_hour)


def _retention(counts: Counts, host: HostFigures) -> Worked:
    if host.retention_per_score_point is None or host.score_without is None:
        return Worked(None, missing=told("retention_per_score_point", "score_without"))
    if not counts.scored:
        return Worked(None, missing=_SCORES)
    better_by = counts.score_millionths / 1e6 / counts.scored - host.score_without
    return Worked(better_by * host.retention_per_score_point)


def _retention_money(counts: Counts, host: HostFigures) -> Worked:
    gain = _retention(counts, host)
    if host.value_of_customer is None:
        return Worked(None, missing=told("value_of_customer"))
    if gain.value is None:
        return gain
    return Worked(gain.value * counts.completed * host.value_of_customer)


def _outbound_cost(counts: Counts, host: HostFigures) -> Worked:
    line = None if host.cost_of_line_minute is None else counts.line_us / 60e6 * host.cost_of_line_minute
    agents = (
        None if host.cost_of_agent_hour is None else counts.connecting_us / 3600e6 * host.cost_of_agent_hour
    )
    lacking = [
        name for name, cost in (("cost_of_line_minute", line), ("cost_of_agent_hour", agents)) if cost is None
    ]
    missing = told(*lacking) if lacking else None
    if len(lacking) == 2:
        return Worked(None, missing=missing)
    return Worked((line or 0.0) + (agents or 0.0), missing=missing)


def _net(counts: Counts, host: HostFigures) -> Worked:
    saved = {
        "abandon_money_saved": _abandon_money(counts, host),
        "line_money_saved": _line_money(counts, host),
        "agent_money_saved": _agent_money(counts, host),
        "retention_money": _retention_money(counts, host),
    }
    cost = _outbound_cost(counts, host)
    unknown = [name for name, one in saved.items() if one.value is None]
    if cost.missing is not None:
        unknown.append("outbound_cost" if cost.value is None else "a part of outbound_cost")
    missing = f"not in it: {', '.join(unknown)}; see there" if unknown else None
    known = [one.value for one in saved.values() if one.value is not None]
    if not known:
        return Worked(None, missing=missing)
    return Worked(sum(known) - (cost.value or 0.0), missing=missing)


COSTS: Final = (
    Definition(
        name="abandon_cost",
        title="Cost of abandoned calls",
        group=_G.COST,
        unit=_U.MONEY,
        formula="abandoned_calls × HostFigures.cost_of_abandon",
        source="S2: $5 to $15 a call, $10 on average",
        work=_abandon_cost,
    ),
    Definition(
        name="abandons_avoided",
        title="Abandoned calls avoided",
        group=_G.COST,
        unit=_U.COUNT,
        formula="live calls that became callbacks by the caller's wish × HostFigures.abandons_avoided_ratio",
        source="S2: 40 % fewer",
        choice=(
            "S2 says 40 % fewer abandoned calls, and not of how many: here, of those who took a callback, so many "
            "would have given up"
        ),
        work=_avoided,
    ),
    Definition(
        name="abandon_money_saved",
        title="Saved by avoided abandons",
        group=_G.COST,
        unit=_U.MONEY,
        formula="abandons_avoided × HostFigures.cost_of_abandon",
        source="S2",
        work=_abandon_money,
    ),
    Definition(
        name="line_money_saved",
        title="Saved on lines",
        group=_G.COST,
        unit=_U.MONEY,
        formula="hold_time_saved in minutes × HostFigures.cost_of_line_minute",
        source="S2",
        choice="the conversation itself would have cost a line as well, and is not set off: it is rather too little",
        work=_line_money,
    ),
    Definition(
        name="agent_time_saved",
        title="Agents' time saved",
        group=_G.COST,
        unit=_U.SECONDS,
        formula=(
            "(mean conversation of live calls - mean conversation of callbacks) × conversations of callbacks; "
            "negative where those are longer"
        ),
        source="S2: agents prepare, and callers who did not hold are sooner done",
        choice="S2 gives no number; so what is measured counts, and nothing else",
        work=_agent_time,
    ),
    Definition(
        name="agent_money_saved",
        title="Saved by agents' time",
        group=_G.COST,
        unit=_U.MONEY,
        formula="agent_time_saved in hours × HostFigures.cost_of_agent_hour",
        source="S2",
        work=_agent_money,
    ),
    Definition(
        name="retention_gain",
        title="Customers who stay, more than without",
        group=_G.COST,
        unit=_U.RATIO,
        formula="(csat - HostFigures.score_without) × HostFigures.retention_per_score_point; negative where worse",
        source="S2: 0.3 points of CSAT are 5 %",
        choice="no share of anything: a difference of two",
        work=_retention,
    ),
    Definition(
        name="retention_money",
        title="Worth of customers who stay",
        group=_G.COST,
        unit=_U.MONEY,
        formula="retention_gain × completed × HostFigures.value_of_customer",
        source="S2",
        work=_retention_money,
    ),
    Definition(
        name="outbound_line_time",
        title="Time on the line of calls to customers",
        group=_G.COST,
        unit=_U.SECONDS,
        formula="time from the answer until the end of the customer's call, of all attempts and announcements",
        source="callbackq",
        choice="ringing is not charged for, so it is not in it",
        work=number("line_us"),
    ),
    Definition(
        name="outbound_cost",
        title="Cost of calls to customers",
        group=_G.COST,
        unit=_U.MONEY,
        formula=(
            "outbound_line_time in minutes × HostFigures.cost_of_line_minute + time that agents were kept for attempts "
            "before or without a conversation, in hours × HostFigures.cost_of_agent_hour"
        ),
        source="callbackq",
        work=_outbound_cost,
    ),
    Definition(
        name="net_saved",
        title="Saved, less what it cost",
        group=_G.COST,
        unit=_U.MONEY,
        formula=(
            "abandon_money_saved + line_money_saved + agent_money_saved + retention_money - outbound_cost; of those "
            "that are known"
        ),
        source="S2",
        choice="where one of them is missing the sum says so, and is no whole one",
        work=_net,
    ),
)

"""
What the telephony's own account of its legs says that was not reported: after a lost connection, or a crash.

Pure: an attempt and a snapshot in, the missing reports out. They are applied like any other, so what follows from
them stands in one table only (`attempt.RULES`).
"""

from __future__ import annotations

from datetime import datetime

from callbackq.core.legs import agent_leg_id, is_live, leg_of
from callbackq.ids import LegId
from callbackq.model import (
    Attempt,
    AttemptState,
    Cause,
    DueReason,
    LegSnapshot,
    LegState,
    Mode,
    Report,
    ReportKind,
    Role,
    TelephonySnapshot,
)
from callbackq.policy import QueuePolicy

_NOT_SEEN = "not in the snapshot"
_SEEN = "still in the snapshot"


def reports_of(
    attempt: Attempt, snapshot: TelephonySnapshot, *, policy: QueuePolicy, has_changed: bool = False
) -> tuple[Report, ...]:
    """
    Return the reports that were missed: first the ends, then what was answered, then the bridge.

    The customer's end comes before the agent's. A phone that rang when a PBX died may ring on: an attempt whose
    customer is gone for a cause that nobody knows is followed by a long rest, one whose agent left is not.

    A leg that was intended after the snapshot was taken, or so shortly before that it may not have been dialed by
    then, is left as it is. One that has ended meanwhile, ended for a cause that nobody knows.

    Args:
        has_changed: the attempt is not what it was when the telephony was asked. What the snapshot has still went on;
            what it has not may have come since, whatever the clocks say.
    """
    legs = ((agent_leg_id(attempt), Role.AGENT), (attempt.customer_leg_id, Role.CUSTOMER))
    ends: list[Report] = []
    others: list[Report] = []
    for leg_id, role in legs:
        known = leg_of(attempt, leg_id)
        if known is None or not is_live(known):
            continue
        found = snapshot.legs.get(leg_id)
        if found is not None:
            others += _went_on(leg_id, known, found)
            if role is Role.CUSTOMER and attempt.due_reason is DueReason.LEG_IN_DOUBT:
                others.append(Report(leg_id=leg_id, kind=ReportKind.UNCERTAIN, raw_cause=_SEEN))
        elif not has_changed and _intended_at(attempt, role, policy=policy) < snapshot.as_of:
            ends.append(
                Report(leg_id=leg_id, kind=ReportKind.ENDED, cause=Cause.UNKNOWN, raw_cause=_NOT_SEEN)
            )
    return (*reversed(ends), *others, *_of_bridge(attempt, snapshot, has_changed=has_changed))


def _went_on(leg_id: LegId, known: LegState, found: LegSnapshot) -> list[Report]:
    if found.state is LegState.ANSWERED and known is not LegState.ANSWERED:
        return [Report(leg_id=leg_id, kind=ReportKind.ANSWERED)]
    if found.state is LegState.RINGING and known is LegState.INTENDED:
        return [Report(leg_id=leg_id, kind=ReportKind.RINGING)]
    return []


def _of_bridge(attempt: Attempt, snapshot: TelephonySnapshot, *, has_changed: bool) -> list[Report]:
    leg_id = attempt.customer_leg_id
    found = snapshot.legs.get(leg_id)
    if found is None:
        return []
    if attempt.state is AttemptState.JOINING and found.joined:
        return [Report(leg_id=leg_id, kind=ReportKind.BRIDGED)]
    was_joined = attempt.connected_at is not None and attempt.connected_at < snapshot.as_of
    if attempt.state is AttemptState.CONNECTED and was_joined and not has_changed and not found.joined:
        return [Report(leg_id=leg_id, kind=ReportKind.UNBRIDGED)]
    return []


def _intended_at(attempt: Attempt, role: Role, *, policy: QueuePolicy) -> datetime:
    """Return when the leg was intended. Its clock says so, where it is not the first; one without has gone on since."""
    first = Role.CUSTOMER if attempt.mode is Mode.CUSTOMER_FIRST else Role.AGENT
    at_once = attempt.mode is Mode.SIMULTANEOUS or role is first
    if role is Role.AGENT:
        until, rings = attempt.agent_until_at, policy.agent_ring_time
        at_once = at_once and attempt.agents_rung_count <= 1
    else:
        until, rings = attempt.customer_until_at, policy.ring_time
        if attempt.customer_answered_at is not None:
            return attempt.customer_answered_at
    if at_once or until is None:
        return attempt.started_at
    return until - rings - policy.hang_up_time_max

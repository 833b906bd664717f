"""
Checkers for worlds in which nearly everything goes wrong: the usual ones, and what connecting two people must keep.

The rule of `checkers` holds here too: nothing is taken from callbackq but the accounts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from callbackq.testing.checkers import (
    Evidence,
    Finding,
    Findings,
    agents_left_free,
    attempts_above_agents,
    attempts_over_max,
    dialed_after_connected,
    entries_rewritten,
    legs_dialed_twice,
    numbers_on_two_legs,
    places_overtaken,
    promises_lost,
    two_active_callbacks,
)

ALONE = "customer left alone on the line"
HANGING = "left hanging"
NOTICE_TWICE = "told twice"
WRONG_NUMBER = "wrong number dialed again"
CUT = "conversation cut short"
RUNG_TWICE = "agent's phone on two live legs"


@attrs.frozen(kw_only=True)
class StormEvidence(Evidence):
    """
    The accounts of a storm.

    Args:
        attempts, agents: every row of them, as it is at the end.
        attempts_max_of: how often policy lets a callback be dialed, by queue.
        told: when the engine was first told of a leg that it rings or is answered.
        notices: all that was to be told, in order.
        alone_max: how long an answered customer may be neither joined nor ended; not looked at if None.
        calm: neither store nor connection nor adapter failed, so agents are never left free.
        called_off: customers' legs of attempts that were called off because the customer was calling us. They count as
            no attempts, whenever the network dialed them.
    """

    attempts: Sequence[Any]
    attempts_max_of: Mapping[str, int]
    agents: Sequence[Any]
    told: Mapping[str, datetime]
    notices: Sequence[Any]
    alone_max: timedelta | None
    calm: bool
    called_off: Collection[str] = ()


def check_storm(evidence: StormEvidence) -> Findings:
    """Run every check that holds in a storm."""
    world, carrier, history = evidence.world, evidence.carrier, evidence.history
    ended_at = evidence.ended_at
    findings = [
        *legs_dialed_twice(carrier),
        *numbers_on_two_legs(carrier),
        *dialed_after_connected(carrier, world=world),
        *_attempts_over_max(evidence),
        *places_overtaken(history),
        *two_active_callbacks(history),
        *attempts_above_agents(history),
        *entries_rewritten(history, callbacks=evidence.callbacks, world=world),
        *promises_lost(world, callbacks=evidence.callbacks, ended_at=ended_at),
        *left_hanging(
            evidence.attempts, agents=evidence.agents, callbacks=evidence.callbacks, ended_at=ended_at
        ),
        *conversations_cut(world),
        *told_twice(evidence.notices),
        *wrong_numbers_dialed(carrier, world=world),
    ]
    if evidence.alone_max is not None:
        findings += left_alone(carrier, alone_max=evidence.alone_max, ended_at=ended_at)
    if evidence.calm:
        findings += agents_left_free(history, world=world)
        findings += agents_on_two_legs(carrier)
    return Findings(tuple(findings))


def _attempts_over_max(evidence: StormEvidence) -> list[Finding]:
    """Each queue has a maximum of its own. An attempt that failed by us, and of which no ringing was told, is none."""
    ours = ("agent_unavailable", "cancelled_by_us")
    by_us = {
        row.customer_leg_id: row.ended_at or evidence.ended_at
        for row in evidence.attempts
        if row.disposition in ours
    }
    announced = {row.customer_leg_id for row in evidence.attempts if getattr(row, "announces", None)}
    findings: list[Finding] = []
    for queue, attempts_max in evidence.attempts_max_of.items():
        of_queue = {row.callback_id for row in evidence.callbacks if row.queue == queue}
        carrier = [
            line
            for line in evidence.carrier
            if line.callback_id in of_queue and line.leg_id not in evidence.called_off
        ]
        findings += attempts_over_max(
            carrier,
            attempts_max=attempts_max,
            world=evidence.world,
            told=evidence.told,
            by_us=by_us,
            announced=announced,
        )
    return findings


def legs_called_off(history: Iterable[Any]) -> set[str]:
    """
    Return the customers' legs of attempts that were called off because the customer was calling us.

    The journal tells when somebody rang us up. A process that stands still or is killed has it written down later, and
    another one dials meanwhile: so what tells that a call was there is that it was written while the attempt went on.
    """
    going_on: dict[str, Any] = {}
    called_in, called_off = set[str](), set[str]()
    for event in history:
        if event.kind == "attempt_started":
            going_on[event.callback_id] = event
        elif event.kind == "callback_called_in" and event.callback_id in going_on:
            called_in.add(going_on[event.callback_id].attempt_id)
        elif (
            event.kind == "attempt_ended"
            and event.attempt_id in called_in
            and event.disposition == "cancelled_by_us"
        ):
            called_off.add(going_on[event.callback_id].customer_leg_id)
    return called_off


def left_alone(carrier: Iterable[Any], *, alone_max: timedelta, ended_at: datetime) -> list[Finding]:
    """No customer who answered is left on the line for long without an agent."""
    alone_since: dict[str, datetime] = {}
    findings: list[Finding] = []

    def over(leg_id: str, at: datetime) -> None:
        since = alone_since.pop(leg_id, None)
        if since is not None and at - since > alone_max:
            what = f"alone for {(at - since).total_seconds():.1f} s; allowed: {alone_max.total_seconds()} s"
            findings.append(Finding(check=ALONE, what=what, which=leg_id, at=at))

    for line in carrier:
        if line.role != "customer":
            continue
        if line.what in ("answered", "unbridged"):
            alone_since[line.leg_id] = line.at
        elif line.what in ("bridged", "ended"):
            over(line.leg_id, line.at)
    for leg_id in list(alone_since):
        over(leg_id, ended_at)
    return findings


def agents_on_two_legs(carrier: Iterable[Any]) -> list[Finding]:
    """Nobody rings an agent whose phone rings already, or who talks."""
    live: dict[str, str] = {}
    findings: list[Finding] = []
    for line in carrier:
        if line.role != "agent" or line.agent_id is None:
            continue
        if line.what == "dialed":
            if line.agent_id in live:
                what = f"{line.agent_id} is on {live[line.agent_id]} already"
                findings.append(Finding(check=RUNG_TWICE, what=what, which=line.leg_id, at=line.at))
            live[line.agent_id] = line.leg_id
        elif line.what == "ended" and live.get(line.agent_id) == line.leg_id:
            del live[line.agent_id]
    return findings


def left_hanging(
    attempts: Iterable[Any], *, agents: Iterable[Any], callbacks: Iterable[Any] = (), ended_at: datetime
) -> list[Finding]:
    """When all is over no attempt and no promise is open, and no agent is held for an attempt."""
    findings: list[Finding] = []
    for row in attempts:
        if row.ended_at is None:
            what = f"still {row.state}"
            findings.append(Finding(check=HANGING, what=what, which=row.attempt_id, at=ended_at))
    for row in callbacks:
        if row.ended_at is None:
            what = f"still {row.state}, long after all lives are over"
            findings.append(Finding(check=HANGING, what=what, which=row.callback_id, at=ended_at))
    for row in agents:
        if row.attempt_id is not None:
            what = f"held for {row.attempt_id}"
            findings.append(Finding(check=HANGING, what=what, which=row.agent_id, at=ended_at))
    return findings


def conversations_cut(world: Iterable[Any]) -> list[Finding]:
    """Nobody hangs up on two people who talk, and are known to: `parted` with a note says that it was done."""
    connected: set[str] = set()
    findings: list[Finding] = []
    for line in world:
        if line.what == "connected" and line.leg_id is not None:
            connected.add(line.leg_id)
        elif line.what == "parted" and line.note is not None and line.leg_id in connected:
            findings.append(Finding(check=CUT, what=line.note, which=line.leg_id, at=line.at))
    return findings


def told_twice(notices: Iterable[Any]) -> list[Finding]:
    """Nothing is told twice for one cause."""
    counted = Counter(str(notice.notice_id) for notice in notices)
    return [
        Finding(check=NOTICE_TWICE, what=f"{count} times", which=notice_id, at=None)
        for notice_id, count in counted.items()
        if count > 1
    ]


def wrong_numbers_dialed(carrier: Iterable[Any], *, world: Iterable[Any]) -> list[Finding]:
    """
    A number at which somebody else answered is not dialed for that callback again, unless its owner asks for it.

    `note` of a correction is that number, `leg_id` the leg that it is about: the last word about a leg counts.
    """
    lines = list(world)
    words = {line.leg_id: line for line in lines if line.what == "corrected" and line.leg_id is not None}
    wrong: defaultdict[tuple[str, str], list[datetime]] = defaultdict(list)
    for word in words.values():
        if word.note is not None:
            wrong[word.callback_id, word.note].append(word.at)
    asked: defaultdict[str, list[datetime]] = defaultdict(list)
    for line in lines:
        if line.what == "promised":
            asked[line.number.split(";", maxsplit=1)[0]].append(line.at)
    return [
        Finding(check=WRONG_NUMBER, what="dialed again", which=line.leg_id, at=line.at)
        for line in carrier
        if line.what == "dialed" and line.role == "customer"
        for said_at in wrong.get((line.callback_id, line.number), ())
        if said_at < line.at and not any(said_at <= at <= line.at for at in asked[line.number])
    ]

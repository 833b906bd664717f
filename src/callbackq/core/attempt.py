"""
The life of an attempt: when what is done. What is done is in `steps`, and to one leg in `legs`.

One table drives all three modes; they differ in which leg starts first (STARTS). The intent is recorded with both
leg ids (INTENDED) before anything is dialed. Whoever answers first waits for the other: AGENT_ON_LINE while the
customer's phone rings, CUSTOMER_ON_LINE while the agent's does, or while another agent is looked for. A customer who
must press a key first is CONFIRMING. When both are there they are bridged (JOINING), and only the bridge's own report
makes it CONNECTED. As soon as the disposition is known the legs that are left are hung up (ENDING); when no leg is
left, or the time for that is over, it is ENDED.

An attempt that only announces something has the customer's leg alone: whoever answers is told, and it is ENDING.

An agent who declines, or does not pick up, while the customer's phone rings or is answered, leaves the attempt
without an agent (`agent_id` is None): the dispatcher gives it the next one who is free.

Reports may come twice, late, and in another order. A leg only ever moves forward (intended, ringing, answered,
ended); a report that would not move it forward is ignored and kept in history. A leg that answers after it was
told to end is told again: nobody is left in silence.

Rule 1: RULES and DEADLINES are the whole truth. A pair that is in neither is ignored.
Rule 2: every state but ENDED has a deadline: nothing waits for ever for a report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import attrs

from callbackq.core import steps
from callbackq.core.decision import Decision, head, told
from callbackq.core.legs import (
    Context,
    clocked,
    hang_up,
    is_live,
    leg_of,
    ring_agent,
    ring_customer,
    role_of,
    sorry,
)
from callbackq.effects import Effect, ReserveAgent
from callbackq.events import AttemptEnded, AttemptMoved, AttemptStarted, ReportIgnored
from callbackq.ids import AgentId, AttemptId, LegId, NodeId
from callbackq.model import (
    Announcement,
    Attempt,
    AttemptState,
    Disposition,
    DueReason,
    LegState,
    Mode,
    Report,
    ReportKind,
    Role,
)

_LEG_ORDER: Final = MappingProxyType({state: index for index, state in enumerate(LegState)})
_LEG_AFTER: Final = MappingProxyType(
    {
        ReportKind.RINGING: LegState.RINGING,
        ReportKind.ANSWERED: LegState.ANSWERED,
        ReportKind.ENDED: LegState.ENDED,
    }
)
CUSTOMER_DISPOSITION: Final = steps.CUSTOMER_DISPOSITION
BEFORE_JOINING: Final = (
    AttemptState.INTENDED,
    AttemptState.AGENT_ON_LINE,
    AttemptState.CONFIRMING,
    AttemptState.CUSTOMER_ON_LINE,
)

# ---------------------------------------------------------------------------- start

STARTS: Final[Mapping[Mode, tuple[Role, ...]]] = MappingProxyType(
    {
        Mode.AGENT_FIRST: (Role.AGENT,),
        Mode.CUSTOMER_FIRST: (Role.CUSTOMER,),
        Mode.SIMULTANEOUS: (Role.AGENT, Role.CUSTOMER),
    }
)
"""Which legs start at once. The other one starts when it is needed."""


def start(
    context: Context,
    *,
    attempt_id: AttemptId,
    agent_id: AgentId,
    agent_leg_id: LegId,
    customer_leg_id: LegId,
    node_id: NodeId,
    number_key: str,
) -> Decision:
    """Record the intent, and start the first leg, or both, once it is durable."""
    intended = Attempt(
        **_head(context),
        attempt_id=attempt_id,
        mode=context.callback.mode,
        agent_id=agent_id,
        node_id=node_id,
        agent_leg_id=agent_leg_id,
        customer_leg_id=customer_leg_id,
        number_key=number_key,
    )
    reserved = ReserveAgent(agent_id=agent_id, attempt_id=attempt_id)
    return _started(intended, STARTS[intended.mode], context, reserved)


def announce(
    context: Context,
    what: Announcement,
    *,
    attempt_id: AttemptId,
    agent_leg_id: LegId,
    customer_leg_id: LegId,
    node_id: NodeId,
    number_key: str,
) -> Decision:
    """
    Record the intent to call the customer and tell them *what*, and dial them once it is durable.

    No agent is reserved, or looked for. Whatever the mode of the callback, the customer's leg is first, and alone.
    """
    intended = Attempt(
        **_head(context),
        attempt_id=attempt_id,
        mode=Mode.CUSTOMER_FIRST,
        announces=what,
        agent_id=None,
        node_id=node_id,
        agent_leg_id=agent_leg_id,
        customer_leg_id=customer_leg_id,
        number_key=number_key,
    )
    return _started(intended, (Role.CUSTOMER,), context)


def _head(context: Context) -> dict[str, Any]:
    """Return what every new attempt has from its callback, before a leg was dialed."""
    callback = context.callback
    return {
        "tenant_id": callback.tenant_id,
        "version": 1,
        "state": AttemptState.INTENDED,
        "callback_id": callback.callback_id,
        "queue": callback.queue,
        "subject_id": callback.subject_id,
        "agent_leg": LegState.NONE,
        "customer_leg": LegState.NONE,
        "number_index": callback.number_index,
        "started_at": context.now,
        "due_at": None,
        "due_reason": None,
    }


def _started(intended: Attempt, first: Sequence[Role], context: Context, *effects: Effect) -> Decision:
    """Start the first legs."""
    attempt = intended
    for role in first:
        attempt, order = (ring_agent if role is Role.AGENT else ring_customer)(attempt, context)
        effects += (order,)
    attempt = clocked(attempt)
    event = told(AttemptStarted, attempt, at=context.now)
    return Decision(records=(attempt,), events=(event,), effects=effects)


def wants_agent(attempt: Attempt) -> bool:
    """Whether an agent is looked for."""
    has_none = attempt.agent_id is None and attempt.announces is None
    return has_none and attempt.state in BEFORE_JOINING


def found_agent(attempt: Attempt, agent_id: AgentId, context: Context) -> Decision:
    """Give the attempt another agent, and ring them if the customer is, or may soon be, waiting for one."""
    found = attrs.evolve(attempt, agent_id=agent_id, agent_leg=LegState.NONE)
    effects: list[Effect] = [ReserveAgent(agent_id=agent_id, attempt_id=attempt.attempt_id)]
    if Role.AGENT in STARTS[attempt.mode] or attempt.state is AttemptState.CUSTOMER_ON_LINE:
        found, order = ring_agent(found, context)
        effects.append(order)
    return _written(clocked(found), tuple(effects), "agent found", context)


# ---------------------------------------------------------------------------- what a report does

_A, _R, _K = AttemptState, Role, ReportKind
RULES: Final[Mapping[tuple[AttemptState, Role, ReportKind], steps.Action]] = MappingProxyType(
    {
        (_A.INTENDED, _R.AGENT, _K.RINGING): steps.note,
        (_A.INTENDED, _R.AGENT, _K.ANSWERED): steps.agent_first_there,
        (_A.INTENDED, _R.AGENT, _K.ENDED): steps.agent_declined,
        (_A.INTENDED, _R.CUSTOMER, _K.RINGING): steps.rang,
        (_A.INTENDED, _R.CUSTOMER, _K.ANSWERED): steps.customer_there,
        (_A.INTENDED, _R.CUSTOMER, _K.ENDED): steps.customer_gone,
        (_A.AGENT_ON_LINE, _R.CUSTOMER, _K.RINGING): steps.rang,
        (_A.AGENT_ON_LINE, _R.CUSTOMER, _K.ANSWERED): steps.customer_there,
        (_A.AGENT_ON_LINE, _R.CUSTOMER, _K.ENDED): steps.customer_gone,
        (_A.AGENT_ON_LINE, _R.AGENT, _K.ENDED): steps.agent_gone,
        (_A.CONFIRMING, _R.CUSTOMER, _K.PLAYED): steps.asked,
        (_A.CONFIRMING, _R.CUSTOMER, _K.DIGIT): steps.pressed,
        (_A.CONFIRMING, _R.CUSTOMER, _K.DETECTED): steps.detected,
        (_A.CONFIRMING, _R.CUSTOMER, _K.ENDED): steps.customer_gone,
        (_A.CONFIRMING, _R.AGENT, _K.RINGING): steps.note,
        (_A.CONFIRMING, _R.AGENT, _K.ANSWERED): steps.agent_there,
        (_A.CONFIRMING, _R.AGENT, _K.ENDED): steps.agent_declined,
        (_A.CUSTOMER_ON_LINE, _R.CUSTOMER, _K.DETECTED): steps.detected,
        (_A.CUSTOMER_ON_LINE, _R.CUSTOMER, _K.ENDED): steps.customer_gone,
        (_A.CUSTOMER_ON_LINE, _R.AGENT, _K.RINGING): steps.note,
        (_A.CUSTOMER_ON_LINE, _R.AGENT, _K.ANSWERED): steps.agent_there,
        (_A.CUSTOMER_ON_LINE, _R.AGENT, _K.ENDED): steps.agent_declined,
        (_A.JOINING, _R.CUSTOMER, _K.BRIDGED): steps.connected,
        (_A.JOINING, _R.CUSTOMER, _K.DETECTED): steps.detected,
        (_A.JOINING, _R.CUSTOMER, _K.ENDED): steps.gone_while_joining,
        (_A.JOINING, _R.AGENT, _K.ENDED): steps.gone_while_joining,
        (_A.CONNECTED, _R.CUSTOMER, _K.UNBRIDGED): steps.talk_over,
        (_A.CONNECTED, _R.CUSTOMER, _K.ENDED): steps.talk_over,
        (_A.CONNECTED, _R.AGENT, _K.ENDED): steps.talk_over,
        (_A.ENDING, _R.AGENT, _K.ENDED): steps.one_gone,
        (_A.ENDING, _R.CUSTOMER, _K.ENDED): steps.one_gone,
        (_A.ENDING, _R.AGENT, _K.ANSWERED): steps.again,
        (_A.ENDING, _R.CUSTOMER, _K.ANSWERED): steps.again,
        (_A.ENDING, _R.CUSTOMER, _K.RINGING): steps.rang,
        (_A.ENDING, _R.CUSTOMER, _K.BRIDGED): steps.joined_late,
        (_A.ENDING, _R.CUSTOMER, _K.UNBRIDGED): steps.joined_late,
        (_A.ENDING, _R.CUSTOMER, _K.UNCERTAIN): steps.still_there,
    }
)
"""
(state, whose leg, what is reported) -> what is done.

BRIDGED and UNBRIDGED are reported of either leg, and read as the customer's.
"""

_OF_BOTH: Final = (ReportKind.BRIDGED, ReportKind.UNBRIDGED)


def report(attempt: Attempt, said: Report, context: Context) -> Decision:
    """
    Apply one report.

    Returns:
        A decision with a new attempt; or, where the report changes nothing, with a `ReportIgnored` event only.
    """
    leg = leg_of(attempt, said.leg_id)
    role = Role.CUSTOMER if said.kind in _OF_BOTH else role_of(attempt, said.leg_id)
    if leg is None:
        return _ignored(attempt, said, role, context, reason="the leg of an earlier agent")
    if leg is LegState.NONE:
        return _ignored(attempt, said, role, context, reason="the leg was not dialed")
    leg_after = _LEG_AFTER.get(said.kind, leg)
    if said.kind in _LEG_AFTER and _LEG_ORDER[leg_after] <= _LEG_ORDER[leg]:
        return _ignored(attempt, said, role, context, reason="the leg is already there or further")
    rule = RULES.get((attempt.state, role, said.kind))
    if rule is None:
        return _ignored(attempt, said, role, context, reason="no rule in this state")
    with_leg = _with_leg(attempt, said.leg_id, leg_after)
    if said.recording_id is not None:
        with_leg = attrs.evolve(with_leg, recording_id=said.recording_id)
    after, effects = rule(with_leg, said, context)
    if after == attempt and not effects:
        return _ignored(attempt, said, role, context, reason="nothing new")
    cause = f"{role} {said.kind}" + (f" {said.cause}" if said.kind is ReportKind.ENDED else "")
    return _written(after, effects, cause, context, raw_cause=said.raw_cause)


def _with_leg(attempt: Attempt, leg_id: LegId, state: LegState) -> Attempt:
    if leg_id == attempt.customer_leg_id:
        return attrs.evolve(attempt, customer_leg=state)
    return attrs.evolve(attempt, agent_leg=state)


def _ignored(attempt: Attempt, said: Report, role: Role, context: Context, *, reason: str) -> Decision:
    """Keep a report in history that changes nothing; but a recording is kept, however late it is told of."""
    effects = _unwanted(attempt, said, role, context)
    if said.recording_id is not None and said.recording_id != attempt.recording_id:
        recorded = attrs.evolve(attempt, recording_id=said.recording_id)
        return _written(recorded, effects, "recording", context, raw_cause=said.raw_cause)
    event = ReportIgnored(
        **head(attempt, at=context.now),
        leg_id=said.leg_id,
        role=role,
        report=said.kind,
        leg_cause=said.cause,
        reason=reason,
        raw_cause=said.raw_cause,
    )
    return Decision(events=(event,), effects=effects)


def _unwanted(attempt: Attempt, said: Report, role: Role, context: Context) -> tuple[Effect, ...]:
    """Whoever answers and is not waited for is told to hang up."""
    over = attempt.state in (AttemptState.ENDING, AttemptState.ENDED)
    unwanted = over or leg_of(attempt, said.leg_id) in (None, LegState.NONE)
    if not unwanted or said.kind is not ReportKind.ANSWERED:
        return ()
    unheard = role is Role.CUSTOMER and attempt.customer_answered_at is None
    return (hang_up(said.leg_id, sorry(attempt) if unheard else None, context),)


# ---------------------------------------------------------------------------- what time does

DEADLINES: Final[Mapping[DueReason, steps.Deadline]] = MappingProxyType(
    {
        DueReason.AGENT_RING_OVER: steps.agent_silent,
        DueReason.RING_OVER: steps.customer_silent,
        DueReason.CONFIRM_OVER: steps.nothing_pressed,
        DueReason.CUSTOMER_HOLD_OVER: steps.held_too_long,
        DueReason.JOIN_OVERDUE: steps.never_joined,
        DueReason.TALK_OVERDUE: steps.end_talk,
        DueReason.HANG_UP_WANTED: steps.hang_up_now,
        DueReason.HANG_UP_OVERDUE: steps.still_up,
        DueReason.LEG_IN_DOUBT: steps.leg_in_doubt,
    }
)
"""What is done when the deadline has come without the report that the attempt waits for."""


def deadline(attempt: Attempt, context: Context) -> Decision:
    """Do what time alone does to an attempt whose `due_at` has come."""
    assert attempt.due_reason is not None
    after, effects = DEADLINES[attempt.due_reason](attempt, context)
    return _written(after, effects, str(attempt.due_reason), context)


# ---------------------------------------------------------------------------- what people do


def may_call_off(attempt: Attempt) -> bool:
    """Whether an attempt can still be ended before its time: before the two are connected."""
    return attempt.state in (*BEFORE_JOINING, AttemptState.JOINING)


def call_off(
    attempt: Attempt,
    disposition: Disposition,
    context: Context,
    *,
    by: str | None = None,
    reason: str | None = None,
) -> Decision:
    """
    End an attempt before its time: the callback was cancelled, the agent went away, or a person settled it.

    The legs that are left are hung up by the deadline rule, due at once: the decision may be taken on a node
    that reaches no telephony. Calling off what has ended changes nothing.
    """
    if attempt.state is AttemptState.ENDED:
        return Decision()
    ending, _ = steps.end(attempt, disposition, context)
    if by is not None:
        ending = attrs.evolve(ending, disposition=disposition)
    wanted = attrs.evolve(ending, due_at=context.now, due_reason=DueReason.HANG_UP_WANTED)
    return _written(wanted, (), f"called off: {disposition}", context, by=by, reason=reason)


def agent_left(attempt: Attempt, context: Context) -> Decision:
    """
    The agent goes away before having accepted: the attempt is over, or another agent is looked for.

    An agent who has accepted finishes first, and one who has declined has gone already: nothing is done.
    """
    accepted = attempt.agent_leg is LegState.ANSWERED or attempt.state not in BEFORE_JOINING
    if accepted or attempt.agent_id is None:
        return Decision()
    if not is_live(attempt.customer_leg):
        return call_off(attempt, Disposition.AGENT_UNAVAILABLE, context)
    if attempt.agent_leg is LegState.NONE:
        after, _ = steps.without_agent(attempt, context)
    else:
        # The agent's phone is hung up by the deadline, due at once, on a node that reaches it.
        after = clocked(attrs.evolve(attempt, agent_until_at=context.now))
    return _written(after, (), "agent left", context)


def dispose(
    attempt: Attempt, disposition: Disposition, context: Context, *, by: str, reason: str | None = None
) -> Decision:
    """Keep what a person says about a conversation: how the attempt ended, or will have when it is over."""
    said = attrs.evolve(attempt, disposition=disposition)
    return _written(said, (), f"said: {disposition}", context, by=by, reason=reason)


# ---------------------------------------------------------------------------- shared steps


def wants(attempt: Attempt, leg_id: LegId) -> bool:
    """Whether the leg should be in the world now."""
    leg = leg_of(attempt, leg_id)
    if leg is None or attempt.state in (AttemptState.ENDING, AttemptState.ENDED):
        return False
    return is_live(leg)


def _written(
    after: Attempt,
    effects: tuple[Effect, ...],
    cause: str,
    context: Context,
    *,
    raw_cause: str | None = None,
    by: str | None = None,
    reason: str | None = None,
) -> Decision:
    record = attrs.evolve(after, version=after.version + 1)
    kind = AttemptMoved if record.ended_at is None else AttemptEnded
    event = told(kind, record, at=context.now, cause=cause, raw_cause=raw_cause, by=by, reason=reason)
    return Decision(records=(record,), events=(event,), effects=effects)

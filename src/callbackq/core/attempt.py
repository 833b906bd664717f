"""
The life of an attempt. Everything that changes an attempt or one of its legs is in this file.

Agent first. The intent is recorded with both leg ids (INTENDED) before anything is dialed. The agent's leg is
rung; the answer is the acceptance. Then the customer's leg is dialed (AGENT_ON_LINE). When it is answered the
two are bridged (JOINING), and only the bridge's own report makes it CONNECTED. As soon as the disposition is
known the legs that are left are hung up (ENDING); when no leg is left, or the time for that is over, it is ENDED.

Reports may come twice, late, and in another order. A leg only ever moves forward (intended, ringing, answered,
ended); a report that would not move it forward is ignored and kept in history. A leg that answers after it was
told to end is told again: nobody is left in silence.

Rule 1: RULES and DEADLINES are the whole truth. A pair that is in neither is ignored.
Rule 2: every state but ENDED has a deadline: nothing waits for ever for a report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

import attrs

from callbackq.core.decision import Decision, head
from callbackq.effects import Bridge, Dial, Effect, HangUp, Prompt
from callbackq.events import AttemptEnded, AttemptMoved, AttemptStarted, ReportIgnored
from callbackq.ids import AgentId, AttemptId, LegId, NodeId
from callbackq.model import (
    AnsweredBy,
    Attempt,
    AttemptState,
    Callback,
    Cause,
    Disposition,
    DueReason,
    LegState,
    Report,
    ReportKind,
    Role,
    Subject,
)
from callbackq.policy import QueuePolicy

_LEG_ORDER: Final = MappingProxyType({state: index for index, state in enumerate(LegState)})
_LEG_AFTER: Final = MappingProxyType(
    {
        ReportKind.RINGING: LegState.RINGING,
        ReportKind.ANSWERED: LegState.ANSWERED,
        ReportKind.ENDED: LegState.ENDED,
    }
)
CUSTOMER_DISPOSITION: Final[Mapping[Cause, Disposition]] = MappingProxyType(
    {
        Cause.NORMAL: Disposition.ANSWERED_THEN_LEFT,
        Cause.NO_ANSWER: Disposition.NO_ANSWER,
        Cause.BUSY: Disposition.BUSY,
        Cause.REJECTED: Disposition.REJECTED,
        Cause.INVALID_NUMBER: Disposition.INVALID_NUMBER,
        Cause.UNREACHABLE: Disposition.UNREACHABLE,
        Cause.CONGESTED: Disposition.CONGESTED,
        Cause.FAILED: Disposition.NETWORK_FAILURE,
        Cause.CANCELLED: Disposition.UNKNOWN,
        Cause.UNKNOWN: Disposition.UNKNOWN,
    }
)
"""What a customer's leg that ended before it was joined means."""


@attrs.frozen(kw_only=True)
class Context:
    """What the rules of an attempt look at besides the record and the report."""

    callback: Callback
    subject: Subject
    policy: QueuePolicy
    now: datetime


# ---------------------------------------------------------------------------- start


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
    """Record the intent, and ring the agent once it is durable."""
    callback, now = context.callback, context.now
    attempt = Attempt(
        tenant_id=callback.tenant_id,
        attempt_id=attempt_id,
        version=1,
        state=AttemptState.INTENDED,
        callback_id=callback.callback_id,
        queue=callback.queue,
        subject_id=callback.subject_id,
        number_key=number_key,
        mode=callback.mode,
        agent_id=agent_id,
        node_id=node_id,
        agent_leg_id=agent_leg_id,
        agent_leg=LegState.INTENDED,
        customer_leg_id=customer_leg_id,
        customer_leg=LegState.NONE,
        started_at=now,
        due_at=now + context.policy.agent_ring_time + context.policy.hang_up_time_max,
        due_reason=DueReason.AGENT_RING_OVER,
    )
    event = AttemptStarted(
        **head(attempt, at=now),
        queue=attempt.queue,
        subject_id=attempt.subject_id,
        number_key=number_key,
        mode=attempt.mode,
        agent_id=agent_id,
        node_id=node_id,
        agent_leg_id=agent_leg_id,
        agent_leg=attempt.agent_leg,
        customer_leg_id=customer_leg_id,
        customer_leg=attempt.customer_leg,
        started_at=now,
    )
    effect = _dial(attempt, Role.AGENT, context)
    return Decision(records=(attempt,), events=(event,), effects=(effect,))


def _dial(attempt: Attempt, role: Role, context: Context) -> Dial:
    callback, subject = context.callback, context.subject
    for_agent = role is Role.AGENT
    return Dial(
        leg_id=attempt.agent_leg_id if for_agent else attempt.customer_leg_id,
        role=role,
        attempt_id=attempt.attempt_id,
        callback_id=attempt.callback_id,
        queue=attempt.queue,
        agent_id=attempt.agent_id,
        number=subject.number,
        extension=subject.extension,
        name=subject.name,
        language=subject.language,
        entered_at=callback.entered_at,
        requested_at=callback.requested_at,
        scheduled_at=callback.scheduled_at,
        channel=callback.channel,
        priority=callback.priority,
        owner_id=callback.owner_id,
        ticket_id=callback.ticket_id,
        attempt_number=callback.attempts_count + 1,
        ring_time=context.policy.agent_ring_time if for_agent else context.policy.ring_time,
        context=dict(subject.contexts.get(callback.callback_id, {})),
    )


# ---------------------------------------------------------------------------- what a report does

Step = tuple[Attempt, tuple[Effect, ...]]
Action = Callable[[Attempt, Report, Context], Step]


def _note(attempt: Attempt, _report: Report, _context: Context) -> Step:
    return attempt, ()


def _dial_customer(attempt: Attempt, _report: Report, context: Context) -> Step:
    moved = _wait_for(
        attempt,
        AttemptState.AGENT_ON_LINE,
        context,
        context.policy.ring_time + context.policy.hang_up_time_max,
        DueReason.RING_OVER,
        customer_leg=LegState.INTENDED,
    )
    return moved, (_dial(moved, Role.CUSTOMER, context),)


def _join(attempt: Attempt, report: Report, context: Context) -> Step:
    attempt = attrs.evolve(attempt, customer_rang=True, answered_by=report.answered_by)
    if report.answered_by is AnsweredBy.MACHINE:
        return _end(attempt, Disposition.MACHINE, context, to_agent=Prompt.CUSTOMER_NOT_REACHED)
    if report.answered_by is AnsweredBy.FAX:
        return _end(attempt, Disposition.FAX, context, to_agent=Prompt.CUSTOMER_NOT_REACHED)
    moved = _wait_for(
        attempt, AttemptState.JOINING, context, context.policy.join_time_max, DueReason.JOIN_OVERDUE
    )
    bridge = Bridge(
        attempt_id=moved.attempt_id, agent_leg_id=moved.agent_leg_id, customer_leg_id=moved.customer_leg_id
    )
    return moved, (bridge,)


def _rang(attempt: Attempt, _report: Report, _context: Context) -> Step:
    return attrs.evolve(attempt, customer_rang=True), ()


def _connected(attempt: Attempt, _report: Report, context: Context) -> Step:
    moved = _wait_for(
        attempt,
        AttemptState.CONNECTED,
        context,
        context.policy.talk_time_max,
        DueReason.TALK_OVERDUE,
        connected_at=context.now,
    )
    return moved, ()


def _customer_gone(attempt: Attempt, report: Report, context: Context) -> Step:
    if attempt.answered_by is not None:
        return _end(attempt, Disposition.ANSWERED_THEN_LEFT, context, to_agent=Prompt.CUSTOMER_LEFT)
    disposition = CUSTOMER_DISPOSITION[report.cause]
    return _end(attempt, disposition, context, to_agent=Prompt.CUSTOMER_NOT_REACHED)


def _agent_gone(attempt: Attempt, _report: Report, context: Context) -> Step:
    return _end(attempt, Disposition.AGENT_UNAVAILABLE, context, to_customer=Prompt.COULD_NOT_CONNECT)


def _talk_over(attempt: Attempt, _report: Report, context: Context) -> Step:
    return _end(attempt, Disposition.CONNECTED, context)


def _one_gone(attempt: Attempt, _report: Report, context: Context) -> Step:
    assert attempt.disposition is not None
    return _end(attempt, attempt.disposition, context)


def _again(attempt: Attempt, report: Report, _context: Context) -> Step:
    by_customer = report.leg_id == attempt.customer_leg_id
    told = HangUp(leg_id=report.leg_id, prompt=Prompt.COULD_NOT_CONNECT if by_customer else None)
    return attrs.evolve(attempt, customer_rang=attempt.customer_rang or by_customer), (told,)


_A, _R, _K = AttemptState, Role, ReportKind
RULES: Final[Mapping[tuple[AttemptState, Role, ReportKind], Action]] = MappingProxyType(
    {
        (_A.INTENDED, _R.AGENT, _K.RINGING): _note,
        (_A.INTENDED, _R.AGENT, _K.ANSWERED): _dial_customer,
        (_A.INTENDED, _R.AGENT, _K.ENDED): _agent_gone,
        (_A.AGENT_ON_LINE, _R.CUSTOMER, _K.RINGING): _rang,
        (_A.AGENT_ON_LINE, _R.CUSTOMER, _K.ANSWERED): _join,
        (_A.AGENT_ON_LINE, _R.CUSTOMER, _K.ENDED): _customer_gone,
        (_A.AGENT_ON_LINE, _R.AGENT, _K.ENDED): _agent_gone,
        (_A.JOINING, _R.CUSTOMER, _K.BRIDGED): _connected,
        (_A.JOINING, _R.CUSTOMER, _K.ENDED): _customer_gone,
        (_A.JOINING, _R.AGENT, _K.ENDED): _agent_gone,
        (_A.CONNECTED, _R.CUSTOMER, _K.ENDED): _talk_over,
        (_A.CONNECTED, _R.AGENT, _K.ENDED): _talk_over,
        (_A.ENDING, _R.AGENT, _K.ENDED): _one_gone,
        (_A.ENDING, _R.CUSTOMER, _K.ENDED): _one_gone,
        (_A.ENDING, _R.AGENT, _K.ANSWERED): _again,
        (_A.ENDING, _R.CUSTOMER, _K.ANSWERED): _again,
        (_A.ENDING, _R.CUSTOMER, _K.RINGING): _rang,
    }
)
"""
(state, whose leg, what is reported) -> what is done.

BRIDGED is reported of either leg, and read as the customer's.
"""


def report(attempt: Attempt, said: Report, context: Context) -> Decision:
    """
    Apply one report.

    Returns:
        A decision with a new attempt; or, where the report changes nothing, with a `ReportIgnored` event only.
    """
    role = Role.AGENT if said.leg_id == attempt.agent_leg_id else Role.CUSTOMER
    leg = attempt.agent_leg if role is Role.AGENT else attempt.customer_leg
    leg_after = _LEG_AFTER.get(said.kind, leg)
    if said.kind is ReportKind.BRIDGED:
        role = Role.CUSTOMER
    rule = RULES.get((attempt.state, role, said.kind))
    moves = said.kind not in _LEG_AFTER or _LEG_ORDER[leg_after] > _LEG_ORDER[leg]
    if rule is None or not moves or leg is LegState.NONE:
        return _ignored(attempt, said, role, context, moves=moves)
    with_leg = _with_leg(attempt, said.leg_id, leg_after)
    after, effects = rule(with_leg, said, context)
    cause = f"{role} {said.kind}" + (f" {said.cause}" if said.kind is ReportKind.ENDED else "")
    return _written(after, effects, cause, context, raw_cause=said.raw_cause)


def _with_leg(attempt: Attempt, leg_id: LegId, state: LegState) -> Attempt:
    if leg_id == attempt.agent_leg_id:
        return attrs.evolve(attempt, agent_leg=state)
    return attrs.evolve(attempt, customer_leg=state)


def _ignored(attempt: Attempt, said: Report, role: Role, context: Context, *, moves: bool) -> Decision:
    event = ReportIgnored(
        **head(attempt, at=context.now),
        leg_id=said.leg_id,
        role=role,
        report=said.kind,
        leg_cause=said.cause,
        reason="no rule in this state" if moves else "the leg is already there or further",
        raw_cause=said.raw_cause,
    )
    over = attempt.state in (AttemptState.ENDING, AttemptState.ENDED)
    alone = over and said.kind is ReportKind.ANSWERED
    return Decision(events=(event,), effects=(HangUp(leg_id=said.leg_id),) if alone else ())


# ---------------------------------------------------------------------------- what time does

Deadline = Callable[[Attempt, Context], Step]


def _agent_silent(attempt: Attempt, context: Context) -> Step:
    return _end(attempt, Disposition.AGENT_UNAVAILABLE, context)


def _customer_silent(attempt: Attempt, context: Context) -> Step:
    disposition = Disposition.NO_ANSWER if attempt.customer_rang else Disposition.UNKNOWN
    return _end(attempt, disposition, context, to_agent=Prompt.CUSTOMER_NOT_REACHED)


def _never_joined(attempt: Attempt, context: Context) -> Step:
    told = Prompt.COULD_NOT_CONNECT
    return _end(attempt, Disposition.UNKNOWN, context, to_agent=told, to_customer=told)


def _end_talk(attempt: Attempt, context: Context) -> Step:
    return _end(attempt, Disposition.CONNECTED, context)


def _hang_up_now(attempt: Attempt, context: Context) -> Step:
    later = _wait_for(
        attempt, attempt.state, context, context.policy.hang_up_time_max, DueReason.HANG_UP_OVERDUE
    )
    return later, _hang_ups(attempt)


def _still_up(attempt: Attempt, context: Context) -> Step:
    if not is_live(attempt.customer_leg):
        return _close_legs(attempt, context)
    # The customer's phone may ring on: until it cannot, nobody else may dial that number.
    longest = context.policy.ring_time + context.policy.hang_up_time_max
    later = _wait_for(attempt, attempt.state, context, longest, DueReason.LEG_IN_DOUBT)
    if attempt.disposition is Disposition.AGENT_UNAVAILABLE:
        later = attrs.evolve(later, disposition=Disposition.UNKNOWN)
    return later, _hang_ups(attempt)


def _close_legs(attempt: Attempt, context: Context) -> Step:
    after, _ = _one_gone(_legs_gone(attempt), _NO_REPORT, context)
    return after, _hang_ups(attempt)


DEADLINES: Final[Mapping[DueReason, Deadline]] = MappingProxyType(
    {
        DueReason.AGENT_RING_OVER: _agent_silent,
        DueReason.RING_OVER: _customer_silent,
        DueReason.JOIN_OVERDUE: _never_joined,
        DueReason.TALK_OVERDUE: _end_talk,
        DueReason.HANG_UP_WANTED: _hang_up_now,
        DueReason.HANG_UP_OVERDUE: _still_up,
        DueReason.LEG_IN_DOUBT: _close_legs,
    }
)
"""What is done when the deadline has come without the report that the attempt waits for."""


def deadline(attempt: Attempt, context: Context) -> Decision:
    """Do what time alone does to an attempt whose `due_at` has come."""
    assert attempt.due_reason is not None
    after, effects = DEADLINES[attempt.due_reason](attempt, context)
    return _written(after, effects, str(attempt.due_reason), context)


def may_call_off(attempt: Attempt, disposition: Disposition) -> bool:
    """Whether an attempt can still be ended before its time; for an agent who goes, only before accepting."""
    if disposition is Disposition.AGENT_UNAVAILABLE:
        return attempt.state is AttemptState.INTENDED
    return attempt.state in (AttemptState.INTENDED, AttemptState.AGENT_ON_LINE, AttemptState.JOINING)


def call_off(attempt: Attempt, disposition: Disposition, context: Context) -> Decision:
    """
    End an attempt before its time, for the callback was cancelled or the agent went away.

    The legs that are left are hung up by the deadline rule, due at once: the decision may be taken on a node
    that reaches no telephony. Calling off what has ended changes nothing.
    """
    if attempt.state is AttemptState.ENDED:
        return Decision()
    ending, _ = _end(attempt, disposition, context)
    wanted = attrs.evolve(ending, due_at=context.now, due_reason=DueReason.HANG_UP_WANTED)
    return _written(wanted, (), f"called off: {disposition}", context)


# ---------------------------------------------------------------------------- shared steps


def wants(attempt: Attempt, leg_id: LegId) -> bool:
    """Whether the leg should be in the world now."""
    leg = attempt.agent_leg if leg_id == attempt.agent_leg_id else attempt.customer_leg
    return is_live(leg) and attempt.state not in (AttemptState.ENDING, AttemptState.ENDED)


def is_live(leg: LegState) -> bool:
    """Whether the leg may be in the world: dialed or about to be, and not known to have ended."""
    return leg in (LegState.INTENDED, LegState.RINGING, LegState.ANSWERED)


def _legs_gone(attempt: Attempt) -> Attempt:
    return attrs.evolve(attempt, agent_leg=LegState.ENDED, customer_leg=LegState.ENDED)


def _wait_for(
    attempt: Attempt,
    state: AttemptState,
    context: Context,
    time_max: timedelta,
    reason: DueReason,
    **changes: Any,
) -> Attempt:
    return attrs.evolve(attempt, state=state, due_at=context.now + time_max, due_reason=reason, **changes)


def _end(
    attempt: Attempt,
    disposition: Disposition,
    context: Context,
    *,
    to_agent: Prompt | None = None,
    to_customer: Prompt | None = None,
) -> Step:
    if not is_live(attempt.agent_leg) and not is_live(attempt.customer_leg):
        ended = attrs.evolve(
            attempt,
            state=AttemptState.ENDED,
            disposition=disposition,
            ended_at=context.now,
            due_at=None,
            due_reason=None,
        )
        return ended, ()
    if attempt.state is AttemptState.ENDING:
        return attempt, ()
    ending = _wait_for(
        attempt,
        AttemptState.ENDING,
        context,
        context.policy.hang_up_time_max,
        DueReason.HANG_UP_OVERDUE,
        disposition=disposition,
    )
    return ending, _hang_ups(attempt, to_agent=to_agent, to_customer=to_customer)


def _hang_ups(
    attempt: Attempt, *, to_agent: Prompt | None = None, to_customer: Prompt | None = None
) -> tuple[Effect, ...]:
    legs = (
        (attempt.agent_leg_id, attempt.agent_leg, to_agent),
        (attempt.customer_leg_id, attempt.customer_leg, to_customer),
    )
    return tuple(
        HangUp(leg_id=leg_id, prompt=prompt if leg is LegState.ANSWERED else None)
        for leg_id, leg, prompt in legs
        if is_live(leg)
    )


_NO_REPORT: Final = Report(leg_id=LegId(""), kind=ReportKind.ENDED)


def _written(
    after: Attempt,
    effects: tuple[Effect, ...],
    cause: str,
    context: Context,
    *,
    raw_cause: str | None = None,
) -> Decision:
    record = attrs.evolve(after, version=after.version + 1)
    told: dict[str, Any] = {
        **head(record, at=context.now),
        "cause": cause,
        "raw_cause": raw_cause,
        "agent_leg": record.agent_leg,
        "customer_leg": record.customer_leg,
        "customer_rang": record.customer_rang,
        "answered_by": record.answered_by,
        "disposition": record.disposition,
        "connected_at": record.connected_at,
    }
    event: AttemptMoved | AttemptEnded = (
        AttemptMoved(**told) if record.ended_at is None else AttemptEnded(**told, ended_at=record.ended_at)
    )
    return Decision(records=(record,), events=(event,), effects=effects)

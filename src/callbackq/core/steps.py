"""
What a report, or a silence, does to an attempt: the actions of the tables in `attempt`, which alone say when.

Each takes the attempt, with its leg moved on already, and returns it as it is then, with what the world must do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

import attrs

from callbackq.core.legs import (
    RING_TIME_MIN,
    Context,
    agent_leg_id,
    clocked,
    extension_of,
    hang_up,
    hang_ups,
    is_live,
    number_has_changed,
    play,
    ring_agent,
    ring_customer,
    sorry,
    wait_for,
)
from callbackq.core.lifecycle import ALONE_TIME_MAX
from callbackq.core.retry import is_told
from callbackq.effects import Bridge, Effect, HangUp, LookUp, Prompt, SendDigits, StopPlay
from callbackq.ids import LegId
from callbackq.model import (
    AnsweredBy,
    Attempt,
    AttemptState,
    Cause,
    Confirmation,
    Disposition,
    DueReason,
    LegState,
    Report,
    ReportKind,
)
from callbackq.policy import Confirm, RetryRule, Voicemail

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


_NO_RULE: Final = RetryRule()
_MACHINES: Final = (AnsweredBy.MACHINE, AnsweredBy.FAX)


# ---------------------------------------------------------------------------- what a report does

Step = tuple[Attempt, tuple[Effect, ...]]
Action = Callable[[Attempt, Report, Context], Step]


def note(attempt: Attempt, _report: Report, _context: Context) -> Step:
    """Only the leg went on."""
    return attempt, ()


def agent_first_there(attempt: Attempt, _report: Report, context: Context) -> Step:
    """The agent has accepted: the customer is dialed, or rings on if that was done."""
    if attempt.customer_leg is LegState.NONE and number_has_changed(attempt, context):
        # Another number was locked than would be dialed: the callback goes back, and begins with the new one.
        changed, to_agent = Disposition.CANCELLED_BY_US, Prompt.NO_LONGER_NEEDED
        return end(attempt, changed, context, to_agent=to_agent)
    there = attrs.evolve(attempt, state=AttemptState.AGENT_ON_LINE, agent_until_at=None)
    if attempt.customer_leg is LegState.NONE:
        rung, order = ring_customer(there, context)
        return clocked(rung), (order,)
    assert attempt.customer_until_at is not None
    until = attempt.customer_until_at
    if context.policy.ring_on_max is not None:
        rings_on_at = max(context.now + context.policy.ring_on_max, attempt.started_at + RING_TIME_MIN)
        until = min(until, rings_on_at)
    return clocked(attrs.evolve(there, customer_until_at=until)), ()


def agent_there(attempt: Attempt, _report: Report, context: Context) -> Step:
    """The agent has accepted while the customer holds, or is asked to press a key."""
    there = attrs.evolve(attempt, agent_until_at=None)
    if attempt.state is AttemptState.CONFIRMING:
        return clocked(there), ()
    return _join(there, context, StopPlay(leg_id=attempt.customer_leg_id))


def customer_there(attempt: Attempt, report: Report, context: Context) -> Step:
    """The customer's phone was answered, by whomever or whatever."""
    policy, there = context.policy, _answered(attempt, report, context)
    by = there.answered_by
    if attempt.announces is None and by in _MACHINES:
        return _machine(there, context)
    extension = extension_of(attempt, context.subject)
    digits: tuple[Effect, ...] = ()
    if extension is not None:
        digits = (SendDigits(leg_id=attempt.customer_leg_id, digits=extension),)
    if attempt.announces is not None:
        after, effects = _announce(there, context)
        return after, digits + effects
    asked = policy.confirm is Confirm.ALWAYS or (
        policy.confirm is Confirm.UNLESS_HUMAN and by is not AnsweredBy.HUMAN
    )
    after, effects = _ask(there, context) if asked else _customer_ready(there, context)
    return after, digits + effects


def _answered(attempt: Attempt, report: Report, context: Context) -> Attempt:
    by = _heard(attempt, report, context)
    return attrs.evolve(attempt, customer_rang=True, customer_answered_at=context.now, answered_by=by)


def _announce(attempt: Attempt, context: Context) -> Step:
    """Nobody is fetched, and no key is asked for: whoever, or whatever, listens is told, and the leg ends."""
    said = None if attempt.answered_by is AnsweredBy.FAX else sorry(attempt)
    return end(attempt, _announced(attempt, context), context, to_customer=said)


def _announced(attempt: Attempt, context: Context) -> Disposition:
    """What an announcement ends as that was answered. Behind an extension nobody knows who has heard it."""
    if attempt.answered_by is AnsweredBy.FAX:
        return Disposition.FAX
    if extension_of(attempt, context.subject) is not None:
        return Disposition.UNKNOWN
    machine = attempt.answered_by is AnsweredBy.MACHINE
    return Disposition.MACHINE if machine else Disposition.AGENT_UNAVAILABLE


def _heard(attempt: Attempt, report: Report, context: Context) -> AnsweredBy:
    """Who answered. Before an extension a machine is to be expected, and says nothing of who is behind it."""
    by = report.answered_by
    expected = by in _MACHINES and extension_of(attempt, context.subject) is not None
    return AnsweredBy.UNKNOWN if expected else by


def _ask(attempt: Attempt, context: Context) -> Step:
    asking = attrs.evolve(
        attempt,
        state=AttemptState.CONFIRMING,
        customer_until_at=context.now + context.policy.prompt_time_max + context.policy.confirm_time_max,
    )
    return clocked(asking), (play(attempt.customer_leg_id, Prompt.PRESS_TO_CONNECT, context),)


def _customer_ready(attempt: Attempt, context: Context) -> Step:
    """The customer is there: joined if the agent is, and else held until one is, for a time."""
    if attempt.agent_leg is LegState.ANSWERED:
        return _join(attempt, context)
    holding = attrs.evolve(
        attempt,
        state=AttemptState.CUSTOMER_ON_LINE,
        customer_until_at=context.now + context.policy.customer_hold_max,
    )
    told_to_hold = play(attempt.customer_leg_id, Prompt.PLEASE_HOLD, context)
    if attempt.agent_id is not None and attempt.agent_leg is LegState.NONE:
        holding, order = ring_agent(holding, context)
        return clocked(holding), (told_to_hold, order)
    return clocked(holding), (told_to_hold,)


def _join(attempt: Attempt, context: Context, *first: Effect) -> Step:
    time_max = context.policy.join_time_max
    moved = wait_for(attempt, AttemptState.JOINING, context, time_max, DueReason.JOIN_OVERDUE)
    bridge = Bridge(
        attempt_id=moved.attempt_id,
        agent_leg_id=agent_leg_id(moved),
        customer_leg_id=moved.customer_leg_id,
    )
    return moved, (*first, bridge)


def _machine(attempt: Attempt, context: Context) -> Step:
    """No person answered: a message is left, if policy asks for one."""
    if attempt.answered_by is AnsweredBy.FAX:
        return end(attempt, Disposition.FAX, context, to_agent=Prompt.CUSTOMER_NOT_REACHED)
    rule = context.policy.retry_rules.get(Disposition.MACHINE, _NO_RULE)
    agent_is_there = attempt.agent_leg is LegState.ANSWERED
    if rule.voicemail is Voicemail.AGENT and agent_is_there and attempt.answered_by is AnsweredBy.MACHINE:
        joining = attempt.state is AttemptState.JOINING
        return (attempt, ()) if joining else _join(attempt, context, StopPlay(leg_id=attempt.customer_leg_id))
    left = None if rule.voicemail is Voicemail.NOTHING else Prompt.VOICEMAIL
    to_agent = Prompt.CUSTOMER_NOT_REACHED
    return end(attempt, Disposition.MACHINE, context, to_agent=to_agent, to_customer=left)


def detected(attempt: Attempt, report: Report, context: Context) -> Step:
    """What answered is known only now. A doubt takes back nothing, and who has pressed a key is a person."""
    by = _heard(attempt, report, context)
    if by in (AnsweredBy.UNKNOWN, attempt.answered_by) or attempt.confirmation is Confirmation.ACCEPTED:
        return attempt, ()
    known = attrs.evolve(attempt, answered_by=by)
    if by in _MACHINES:
        return _machine(known, context)
    if attempt.state is AttemptState.CONFIRMING and context.policy.confirm is not Confirm.ALWAYS:
        after, effects = _customer_ready(known, context)
        return after, (StopPlay(leg_id=attempt.customer_leg_id), *effects)
    return known, ()


def asked(attempt: Attempt, _report: Report, context: Context) -> Step:
    """The question was played to its end: from now on a key is waited for."""
    assert attempt.customer_until_at is not None
    until = min(attempt.customer_until_at, context.now + context.policy.confirm_time_max)
    return clocked(attrs.evolve(attempt, customer_until_at=until)), ()


def pressed(attempt: Attempt, report: Report, context: Context) -> Step:
    """The customer pressed a key. One that means nothing is answered by asking again."""
    leg_id = attempt.customer_leg_id
    said = context.policy.confirm_keys.get((report.digits or "").strip())
    if said is None:
        return attempt, (play(leg_id, Prompt.PRESS_TO_CONNECT, context),)
    pressed = attrs.evolve(attempt, confirmation=said)
    if said is Confirmation.ACCEPTED:
        human = attrs.evolve(pressed, answered_by=AnsweredBy.HUMAN)
        after, effects = _customer_ready(human, context)
        return after, (StopPlay(leg_id=leg_id), *effects)
    to_customer = Prompt.CALL_LATER if said is Confirmation.LATER else Prompt.CALLED_OFF
    declined, to_agent = Disposition.DECLINED_BY_CUSTOMER, Prompt.CUSTOMER_DECLINED
    return end(pressed, declined, context, to_agent=to_agent, to_customer=to_customer)


def rang(attempt: Attempt, _report: Report, _context: Context) -> Step:
    """The customer's phone rings: from now on the attempt counts, whatever becomes of it."""
    return attrs.evolve(attempt, customer_rang=True), ()


def connected(attempt: Attempt, _report: Report, context: Context) -> Step:
    """They can hear each other."""
    moved = wait_for(
        attempt,
        AttemptState.CONNECTED,
        context,
        context.policy.talk_time_max,
        DueReason.TALK_OVERDUE,
        connected_at=context.now,
    )
    return moved, ()


def customer_gone(attempt: Attempt, report: Report, context: Context) -> Step:
    """The customer's leg ended before the two were joined: what the end, or the answer before it, means."""
    if attempt.answered_by is not None:
        return end(attempt, _if_answered(attempt), context, to_agent=Prompt.CUSTOMER_LEFT)
    disposition = CUSTOMER_DISPOSITION[report.cause]
    return end(attempt, disposition, context, to_agent=Prompt.CUSTOMER_NOT_REACHED)


def _if_answered(attempt: Attempt) -> Disposition:
    machine = attempt.answered_by is AnsweredBy.MACHINE
    return Disposition.MACHINE if machine else Disposition.ANSWERED_THEN_LEFT


def agent_gone(attempt: Attempt, _report: Report, context: Context) -> Step:
    """The agent hung up after accepting."""
    return end(attempt, Disposition.AGENT_UNAVAILABLE, context, to_customer=Prompt.COULD_NOT_CONNECT)


MAY_TALK_AFTER: Final = timedelta(seconds=2)
"""So long after a bridge was asked for they may hear each other, though it was never reported."""


def gone_while_joining(attempt: Attempt, report: Report, context: Context) -> Step:
    """
    One of the two is gone before a bridge was reported.

    Where nobody knows why, as after a lost connection, or where the bridge was asked for some time ago, they may have
    talked: the attempt is in doubt.
    """
    of_customer = report.leg_id == attempt.customer_leg_id
    assert attempt.due_at is not None
    asked_at = attempt.due_at - context.policy.join_time_max
    may_have_talked = report.cause is Cause.UNKNOWN or context.now >= asked_at + MAY_TALK_AFTER
    if may_have_talked and attempt.answered_by is not AnsweredBy.MACHINE:
        to_customer, to_agent = Prompt.COULD_NOT_CONNECT, Prompt.CUSTOMER_LEFT
        return end(attempt, Disposition.UNKNOWN, context, to_agent=to_agent, to_customer=to_customer)
    return (customer_gone if of_customer else agent_gone)(attempt, report, context)


_MAY_HAVE_TALKED: Final = (
    Disposition.AGENT_UNAVAILABLE,
    Disposition.ANSWERED_THEN_LEFT,
    Disposition.UNKNOWN,
)


def joined_late(attempt: Attempt, _report: Report, _context: Context) -> Step:
    """
    A bridge, or its end, is reported after the end of a leg: they may have heard each other, if only for a moment.

    Nobody knows, for a PBX joins legs that die in the same instant: the attempt is in doubt after an answer.
    """
    answered = attempt.customer_answered_at is not None and attempt.answered_by is not AnsweredBy.MACHINE
    if not answered or attempt.disposition not in _MAY_HAVE_TALKED:
        return attempt, ()
    return attrs.evolve(attempt, disposition=Disposition.UNKNOWN), ()


def agent_declined(attempt: Attempt, report: Report, context: Context) -> Step:
    """The agent's leg ended. Was it accepted before, it is for good; else the customer may have another agent."""
    if attempt.agent_until_at is None:
        return agent_gone(attempt, report, context)
    return without_agent(attempt, context)


def without_agent(attempt: Attempt, context: Context, *first: Effect) -> Step:
    """The next agent is looked for, if the customer's phone rings or is answered; else the attempt is over."""
    if not is_live(attempt.customer_leg):
        return end(attempt, Disposition.AGENT_UNAVAILABLE, context)
    without = attrs.evolve(attempt, agent_id=None, agent_leg=LegState.NONE, agent_until_at=None)
    return clocked(without), first


def talk_over(attempt: Attempt, _report: Report, context: Context) -> Step:
    """One of the two hung up, or they were parted: the conversation is over."""
    return end(attempt, _talked(attempt), context)


def _talked(attempt: Attempt) -> Disposition:
    """A conversation with a machine, which the agent spoke to, is none."""
    machine = attempt.answered_by is AnsweredBy.MACHINE
    return Disposition.MACHINE if machine else Disposition.CONNECTED


def one_gone(attempt: Attempt, _report: Report, context: Context) -> Step:
    """One leg less, of those that were told to end."""
    assert attempt.disposition is not None
    return end(attempt, attempt.disposition, context)


def again(attempt: Attempt, report: Report, context: Context) -> Step:
    """It answered after it was told to end: it is told again; a customer hears why, and there is time for that."""
    if report.leg_id != attempt.customer_leg_id:
        return attempt, (hang_up(report.leg_id, None, context),)
    told = (hang_up(report.leg_id, sorry(attempt), context),)
    rang = attrs.evolve(attempt, customer_rang=True)
    if attempt.announces is not None and attempt.disposition in (Disposition.NO_ANSWER, Disposition.UNKNOWN):
        rang = _answered(attempt, report, context)
        rang = attrs.evolve(rang, disposition=_announced(rang, context))
    if rang.due_reason is DueReason.HANG_UP_WANTED:
        return rang, told
    assert rang.due_at is not None
    return attrs.evolve(rang, due_at=max(rang.due_at, context.now + _time_to_hang_up(told, context))), told


# ---------------------------------------------------------------------------- what time does

Deadline = Callable[[Attempt, Context], Step]


def agent_silent(attempt: Attempt, context: Context) -> Step:
    """The agent did not pick up in time."""
    return without_agent(attempt, context, HangUp(leg_id=agent_leg_id(attempt)))


def customer_silent(attempt: Attempt, context: Context) -> Step:
    """The ring time is over, and nothing was reported."""
    disposition = Disposition.NO_ANSWER if attempt.customer_rang else Disposition.UNKNOWN
    return end(attempt, disposition, context, to_agent=Prompt.CUSTOMER_NOT_REACHED)


def nothing_pressed(attempt: Attempt, context: Context) -> Step:
    """No key was pressed in time: most likely a machine listens, unless it is known to be a person."""
    silent = attrs.evolve(attempt, confirmation=Confirmation.SILENT)
    if attempt.answered_by is not AnsweredBy.HUMAN:
        return _machine(silent, context)
    left, to_agent = Disposition.ANSWERED_THEN_LEFT, Prompt.CUSTOMER_LEFT
    return end(silent, left, context, to_agent=to_agent, to_customer=Prompt.COULD_NOT_CONNECT)


def held_too_long(attempt: Attempt, context: Context) -> Step:
    """The customer has held as long as anybody may."""
    told_so = Prompt.COULD_NOT_CONNECT
    return end(attempt, Disposition.AGENT_UNAVAILABLE, context, to_customer=told_so)


def never_joined(attempt: Attempt, context: Context) -> Step:
    """The bridge was never reported: nobody knows whether they hear each other."""
    told_so = Prompt.COULD_NOT_CONNECT
    return end(attempt, Disposition.UNKNOWN, context, to_agent=told_so, to_customer=told_so)


def end_talk(attempt: Attempt, context: Context) -> Step:
    """The end of the conversation was never reported."""
    return end(attempt, _talked(attempt), context)


def hang_up_now(attempt: Attempt, context: Context) -> Step:
    """What is left is hung up, at the word of a node that could not do it itself; both hear why."""
    cancelled = attempt.disposition is Disposition.CANCELLED_BY_US
    if attempt.disposition in (Disposition.CONNECTED, Disposition.MACHINE, Disposition.FAX):
        return _hang_up_rest(attempt, hang_ups(attempt, context), context)
    return _hang_up_rest(
        attempt,
        hang_ups(
            attempt,
            context,
            to_agent=Prompt.NO_LONGER_NEEDED,
            to_customer=Prompt.CALLED_OFF if cancelled else sorry(attempt),
        ),
        context,
    )


def _hang_up_rest(attempt: Attempt, told: tuple[Effect, ...], context: Context) -> Step:
    time_max = _time_to_hang_up(told, context)
    later = wait_for(attempt, attempt.state, context, time_max, DueReason.HANG_UP_OVERDUE)
    return later, told


def _time_to_hang_up(told: tuple[Effect, ...], context: Context) -> timedelta:
    """Return how long the legs may take to end: longer where something is said to one of them first."""
    speaks = any(isinstance(effect, HangUp) and effect.prompt is not None for effect in told)
    spoken = context.policy.prompt_time_max if speaks else timedelta(0)
    return context.policy.hang_up_time_max + spoken


def still_up(attempt: Attempt, context: Context) -> Step:
    """A leg was told to end, and no end was reported."""
    if not is_live(attempt.customer_leg):
        return close_legs(attempt, context)
    # The customer's phone may ring on: until it cannot, nobody else may dial that number.
    longest = context.policy.ring_time + context.policy.hang_up_time_max
    later = wait_for(attempt, attempt.state, context, longest, DueReason.LEG_IN_DOUBT)
    if attempt.disposition is Disposition.AGENT_UNAVAILABLE or is_told(attempt):
        later = attrs.evolve(later, disposition=Disposition.UNKNOWN)
    return later, (*hang_ups(attempt, context), LookUp(attempt_id=attempt.attempt_id))


def still_there(attempt: Attempt, _report: Report, context: Context) -> Step:
    """
    The customer's leg was told to end, and the telephony says that it has it still: it is told again.

    As long as it is there nobody else may dial that number; but not longer than anybody talks.
    """
    too_long = context.now >= attempt.started_at + context.policy.talk_time_max
    if too_long or not is_live(attempt.customer_leg):
        return attempt, ()
    return _hang_up_rest(attempt, hang_ups(attempt, context), context)


def leg_in_doubt(attempt: Attempt, context: Context) -> Step:
    """Who answered may be on the line still, and hear nobody: told again for two minutes. Else no leg is left."""
    since = attempt.customer_answered_at or attempt.started_at
    if attempt.customer_leg is LegState.ANSWERED and context.now < since + ALONE_TIME_MAX:
        return still_up(attempt, context)
    return close_legs(attempt, context)


def close_legs(attempt: Attempt, context: Context) -> Step:
    """No phone can ring any more: the attempt is over, confirmed or not."""
    gone = attrs.evolve(attempt, agent_leg=LegState.ENDED, customer_leg=LegState.ENDED)
    after, _ = one_gone(gone, _NO_REPORT, context)
    return after, hang_ups(attempt, context)


# ---------------------------------------------------------------------------- the end


_NO_REPORT: Final = Report(leg_id=LegId(""), kind=ReportKind.ENDED)


def end(
    attempt: Attempt,
    disposition: Disposition,
    context: Context,
    *,
    to_agent: Prompt | None = None,
    to_customer: Prompt | None = None,
) -> Step:
    """
    Bring the attempt to its end: at once if no leg is left, and else when the legs are hung up.

    A disposition that is known already stands.
    """
    disposition = attempt.disposition or disposition
    if not is_live(attempt.agent_leg) and not is_live(attempt.customer_leg):
        ended = attrs.evolve(
            attempt,
            state=AttemptState.ENDED,
            agent_until_at=None,
            customer_until_at=None,
            disposition=disposition,
            ended_at=context.now,
            due_at=None,
            due_reason=None,
        )
        return ended, ()
    if attempt.state is AttemptState.ENDING:
        return attempt, ()
    told = hang_ups(attempt, context, to_agent=to_agent, to_customer=to_customer)
    ending = wait_for(
        attempt,
        AttemptState.ENDING,
        context,
        _time_to_hang_up(told, context),
        DueReason.HANG_UP_OVERDUE,
        disposition=disposition,
    )
    return ending, told

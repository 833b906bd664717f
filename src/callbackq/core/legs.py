"""
The two legs of an attempt: their ids, how one is started, by when it must have gone on, and how it is ended.

The first agent who is rung has the leg `agent_leg_id`, the n-th `agent_leg_id.n`; so a late report of an earlier
agent's leg still finds its attempt, and is known for what it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

import attrs

from callbackq.core.numbers import number_key
from callbackq.core.prompts import text_of
from callbackq.effects import Dial, Effect, HangUp, Play, Prompt
from callbackq.ids import LegId
from callbackq.model import (
    Announcement,
    Attempt,
    AttemptState,
    Callback,
    Disposition,
    DueReason,
    LegState,
    PastAttempt,
    PastCallback,
    Role,
    Subject,
)
from callbackq.policy import QueuePolicy

RING_TIME_MIN: Final = timedelta(seconds=15)
"""A customer's phone rings at least so long: the floor of Ofcom's and the FTC's rules on abandoned calls."""

_SUFFIX: Final = re.compile(r"(.+)\.([1-9][0-9]{0,8})")


@attrs.frozen(kw_only=True)
class Context:
    """What the rules of an attempt look at besides the record and the report. `past` and `attempts` are for Dial."""

    callback: Callback
    subject: Subject
    policy: QueuePolicy
    now: datetime
    past: tuple[PastCallback, ...] = ()
    attempts: tuple[PastAttempt, ...] = ()
    pepper: bytes = attrs.field(default=b"", repr=False)


# ---------------------------------------------------------------------------- ids and numbers


def agent_leg_id(attempt: Attempt) -> LegId:
    """Return the id of the leg of the agent who is rung now, or was last."""
    number = attempt.agents_rung_count
    return attempt.agent_leg_id if number <= 1 else LegId(f"{attempt.agent_leg_id}.{number}")


def first_leg_id(leg_id: LegId) -> LegId | None:
    """
    Return the id under which the attempt of a later agent's leg is known; None if it is no such id.

    >>> first_leg_id(LegId("leg_7.2")), first_leg_id(LegId("leg_7"))
    ('leg_7', None)
    """
    found = _SUFFIX.fullmatch(leg_id)
    return LegId(found[1]) if found is not None else None


def leg_of(attempt: Attempt, leg_id: LegId) -> LegState | None:
    """Return the state of a leg; None if it is one of an earlier agent."""
    if leg_id == attempt.customer_leg_id:
        return attempt.customer_leg
    none_since = attempt.agent_leg is LegState.NONE and attempt.agents_rung_count > 0
    return attempt.agent_leg if leg_id == agent_leg_id(attempt) and not none_since else None


def role_of(attempt: Attempt, leg_id: LegId) -> Role:
    """Return whose leg it is."""
    return Role.CUSTOMER if leg_id == attempt.customer_leg_id else Role.AGENT


def is_live(leg: LegState) -> bool:
    """Whether the leg may be in the world: dialed or about to be, and not known to have ended."""
    return leg in (LegState.INTENDED, LegState.RINGING, LegState.ANSWERED)


def numbers_of(subject: Subject) -> tuple[str, ...]:
    """Return the person's numbers, the main one first."""
    return (subject.number, *subject.alternatives)


def number_at(subject: Subject, index: int) -> str:
    """Return one of the person's numbers; they may have become fewer since it was chosen."""
    numbers = numbers_of(subject)
    return numbers[index % len(numbers)]


def extension_of(attempt: Attempt, subject: Subject) -> str | None:
    """Return the digits that put one through to the person. Only the main number has any: others ring by themselves."""
    is_main = attempt.number_index % len(numbers_of(subject)) == 0
    return subject.extension if is_main else None


def number_has_changed(attempt: Attempt, context: Context) -> bool:
    """Whether the person's number is another one by now than the attempt was begun for."""
    if not context.pepper:
        return False
    number = number_at(context.subject, attempt.number_index)
    key = number_key(number, tenant_id=attempt.tenant_id, pepper=context.pepper)
    return key != attempt.number_key


def with_usable_number(callback: Callback, subject: Subject) -> Callback:
    """Let the callback dial the next number of the person that is not known to be wrong; the same if none is right."""
    numbers = numbers_of(subject)
    index = callback.number_index % len(numbers)
    order = (*range(index, len(numbers)), *range(index))
    usable = (one for one in order if numbers[one] not in subject.wrong_numbers)
    return attrs.evolve(callback, number_index=next(usable, index))


# ---------------------------------------------------------------------------- starting a leg


def ring_agent(attempt: Attempt, context: Context) -> tuple[Attempt, Dial]:
    """Ring the agent of the attempt."""
    policy = context.policy
    rung = attrs.evolve(
        attempt,
        agent_leg=LegState.INTENDED,
        agents_rung_count=attempt.agents_rung_count + 1,
        agent_until_at=context.now + policy.agent_ring_time + policy.hang_up_time_max,
    )
    return rung, _order(rung, Role.AGENT, context)


def ring_customer(attempt: Attempt, context: Context) -> tuple[Attempt, Dial]:
    """Dial the customer."""
    policy = context.policy
    rung = attrs.evolve(
        attempt,
        customer_leg=LegState.INTENDED,
        customer_until_at=context.now + policy.ring_time + policy.hang_up_time_max,
    )
    return rung, _order(rung, Role.CUSTOMER, context)


def _order(attempt: Attempt, role: Role, context: Context) -> Dial:
    callback, subject, policy = context.callback, context.subject, context.policy
    for_agent = role is Role.AGENT
    number = number_at(subject, attempt.number_index)
    extension = extension_of(attempt, subject)
    fields = dict(subject.contexts.get(callback.callback_id, {}))
    return Dial(
        leg_id=agent_leg_id(attempt) if for_agent else attempt.customer_leg_id,
        role=role,
        attempt_id=attempt.attempt_id,
        callback_id=attempt.callback_id,
        queue=attempt.queue,
        agent_id=attempt.agent_id,
        number=number,
        extension=extension,
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
        ring_time=policy.agent_ring_time if for_agent else policy.ring_time,
        mode=attempt.mode,
        alternative=attempt.number_index > 0,
        number_differs=None if subject.record_number is None else number != subject.record_number,
        caller_id=callback.caller_id or policy.caller_id,
        dial_prefix=policy.dial_prefix,
        route=policy.route,
        media=callback.media,
        record=policy.record,
        detect=policy.detect and not for_agent and extension is None,
        reason=fields.get("reason"),
        past=context.past,
        attempts=context.attempts,
        context=fields,
    )


# ---------------------------------------------------------------------------- clocks

_CUSTOMER_CLOCK: Final[Mapping[AttemptState, DueReason]] = MappingProxyType(
    {
        AttemptState.INTENDED: DueReason.RING_OVER,
        AttemptState.AGENT_ON_LINE: DueReason.RING_OVER,
        AttemptState.CONFIRMING: DueReason.CONFIRM_OVER,
        AttemptState.CUSTOMER_ON_LINE: DueReason.CUSTOMER_HOLD_OVER,
    }
)


def clocked(attempt: Attempt) -> Attempt:
    """Make the attempt due at the earlier of the clocks of its two legs, before they are joined."""
    clocks = (
        (attempt.customer_until_at, _CUSTOMER_CLOCK.get(attempt.state)),
        (attempt.agent_until_at, DueReason.AGENT_RING_OVER),
    )
    due_at, reason = min(
        ((at, reason) for at, reason in clocks if at is not None), key=lambda clock: clock[0]
    )
    return attrs.evolve(attempt, due_at=due_at, due_reason=reason)


def wait_for(
    attempt: Attempt,
    state: AttemptState,
    context: Context,
    time_max: timedelta,
    reason: DueReason,
    **changes: Any,
) -> Attempt:
    """Let the whole attempt have one deadline, whatever its legs had."""
    return attrs.evolve(
        attempt,
        state=state,
        agent_until_at=None,
        customer_until_at=None,
        due_at=context.now + time_max,
        due_reason=reason,
        **changes,
    )


# ---------------------------------------------------------------------------- what a leg hears

SAID: Final[Mapping[Announcement, Prompt]] = MappingProxyType({Announcement.NO_AGENT: Prompt.NO_AGENT})
"""In which words a customer is told what an attempt announces."""


def sorry(attempt: Attempt) -> Prompt:
    """Return what a customer hears who is not connected: that, or what the attempt was to tell them."""
    if attempt.announces is None:
        return Prompt.COULD_NOT_CONNECT
    taken_back = attempt.disposition is Disposition.CANCELLED_BY_US
    return Prompt.CALLED_OFF if taken_back else SAID[attempt.announces]


def hang_up(leg_id: LegId, prompt: Prompt | None, context: Context, *, of: Role = Role.CUSTOMER) -> HangUp:
    """End a leg with a prompt, in words too: the customer's in their language, the agent's in the policy's."""
    if prompt is None:
        return HangUp(leg_id=leg_id)
    spoken = _language(context) if of is Role.CUSTOMER else context.policy.language
    return HangUp(leg_id=leg_id, prompt=prompt, text=_words(prompt, spoken, context), language=spoken)


def play(leg_id: LegId, prompt: Prompt, context: Context) -> Play:
    """Play a prompt, in words too."""
    spoken = _language(context)
    return Play(leg_id=leg_id, prompt=prompt, text=_words(prompt, spoken, context), language=spoken)


def _language(context: Context) -> str:
    return context.subject.language or context.policy.language


def _words(prompt: Prompt, language: str, context: Context) -> str:
    return text_of(
        prompt,
        policy=context.policy,
        language=language,
        name=context.subject.name,
        owner_id=context.callback.owner_id,
        caller_id=context.callback.caller_id,
    )


def hang_ups(
    attempt: Attempt,
    context: Context,
    *,
    to_agent: Prompt | None = None,
    to_customer: Prompt | None = None,
) -> tuple[Effect, ...]:
    """End both legs, as far as they may be in the world; those that were answered hear a prompt."""
    legs = (
        (agent_leg_id(attempt), attempt.agent_leg, to_agent, Role.AGENT),
        (attempt.customer_leg_id, attempt.customer_leg, to_customer, Role.CUSTOMER),
    )
    return tuple(
        hang_up(leg_id, prompt if leg is LegState.ANSWERED else None, context, of=role)
        for leg_id, leg, prompt, role in legs
        if is_live(leg)
    )

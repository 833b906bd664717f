"""
Why a callback is or is not being dialed now: the rule, what it looked at, and when time alone can change it.

`Rule` names every rule of the package that can stand between a promise and a ringing phone. Each has its words in one
place, and so has every state, outcome and deadline that the words mention. Whoever adds a rule explains it here: a
test fails until then. No name and no number appears, only ids, counts and instants, as texts.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final, assert_never

import attrs

from callbackq.core.capping import Capped
from callbackq.ids import QueueName
from callbackq.model import (
    Ahead,
    Attempt,
    AttemptState,
    Callback,
    CallbackState,
    DueReason,
    Explanation,
    HoldReason,
    LegState,
    NoOffer,
    NoOfferReason,
    Offer,
    OfferReason,
    Outcome,
    QueueControl,
)


class Rule(enum.StrEnum):
    """Which rule decides."""

    SCHEDULED = "scheduled"
    DUE = "due"
    QUEUE_NOT_CONFIGURED = "queue_not_configured"
    DIALING_PAUSED = "dialing_paused"
    CAP_REACHED = "cap_reached"
    PREFERRED_AGENT = "preferred_agent"
    NOBODY_STAFFED = "nobody_staffed"
    NOBODY_HAS_SKILLS = "nobody_has_skills"
    NO_AGENT_AVAILABLE = "no_agent_available"
    EARLIER_LIVE_CALL = "earlier_live_call"
    AGENTS_KEPT = "agents_kept"
    OTHER_QUEUE_FIRST = "other_queue_first"
    AHEAD_IN_LINE = "ahead_in_line"
    NEXT_STEP = "next_step"
    NUMBER_IN_USE = "number_in_use"
    NUMBER_LIMIT = "number_limit"
    WRONG_NUMBER = "wrong_number"
    CALLING_HOURS = "calling_hours"
    CUSTOMER_HOURS = "customer_hours"
    COST_CEILING = "cost_ceiling"
    DO_NOT_CALL_UNKNOWN = "do_not_call_unknown"
    TO_BE_TOLD = "to_be_told"
    REST = "rest"
    ATTEMPTING = "attempting"
    ATTEMPT_OVERDUE = "attempt_overdue"
    ENDED = "ended"


@attrs.frozen(kw_only=True)
class ClosedHours:
    """
    Hours in which a person must not, or does not want to, be called now.

    Args:
        reason: whose hours: CALLING_HOURS or CUSTOMER_HOURS.
        rule_key: the rule of a place; None: the customer's own hours.
        zone: on whose clocks.
        opens_at: from when a call is permitted; None: not for as long as anybody looks ahead.
    """

    reason: HoldReason
    rule_key: str | None = None
    zone: str | None = None
    opens_at: datetime | None = None


@attrs.frozen(kw_only=True)
class ExplainFacts:
    """
    What is known besides the record, read in the same transaction.

    Args:
        ahead: who stands before it.
        agents_staffed: how many agents are signed in for its queue.
        agents_able: how many of them have its skills.
        agents_available: how many of those are free now.
        attempt: the one under way; needed while it is ATTEMPTING.
        queue_is_known: whether a policy is configured here for its queue.
        control: what is switched for its queue, by its own row or the one for all; None if nothing is.
        capped: the cap that is reached, of its queue or over all; None if none is.
        live_call_first: the host's own ACD gives out live calls, and an earlier one waits.
        kept_for: the queue for which the free agents are kept; None if one is left.
        goes_first: the other queue whose places take the free agents first, for it is served first, or they came
            earlier; None if an agent is left.
        preferred_signed_in: whether its preferred agent is signed in.
        skills: that its place needs.
        closed: the hours that forbid a call now, of one that is HELD for them, or to be told; None: they would permit
            it now.
    """

    ahead: Ahead
    agents_staffed: int
    agents_able: int
    agents_available: int
    attempt: Attempt | None
    queue_is_known: bool = True
    control: QueueControl | None = None
    capped: Capped | None = None
    live_call_first: bool = False
    kept_for: QueueName | None = None
    goes_first: QueueName | None = None
    preferred_signed_in: bool = False
    skills: tuple[str, ...] = ()
    closed: ClosedHours | None = None


# ---------------------------------------------------------------------------- words

_WORDS: Final[Mapping[Rule, str]] = MappingProxyType(
    {
        Rule.SCHEDULED: "not dialed: it is scheduled for {scheduled_at}",
        Rule.DUE: "not dialed: since {due_at} it waits for a step of a dispatcher, and then {then}",
        Rule.QUEUE_NOT_CONFIGURED: "not dialed: no policy is configured here for its queue",
        Rule.DIALING_PAUSED: "not dialed: dialing is paused, {paused_because}",
        Rule.CAP_REACHED: "not dialed: as many attempts as its caps allow, {cap} {cap_limit}",
        Rule.PREFERRED_AGENT: (
            "not dialed: it waits for agent {preferred_agent_id} alone, until {preferred_until_at};"
            " that agent is {preferred_is}"
        ),
        Rule.NOBODY_STAFFED: "not dialed: no agent is signed in for its queue",
        Rule.NOBODY_HAS_SKILLS: (
            "not dialed: no agent has the skills {skills}, of {agents_staffed} signed in for its queue"
        ),
        Rule.NO_AGENT_AVAILABLE: (
            "not dialed: {ahead_in_words} ahead of it,"
            " and no agent is free, of {agents_able} who can serve it"
        ),
        Rule.EARLIER_LIVE_CALL: "not dialed: a live call that came earlier waits for the host's own ACD",
        Rule.AGENTS_KEPT: "not dialed: the agents who are free are kept for queue {kept_for}",
        Rule.OTHER_QUEUE_FIRST: "not dialed: the agents who are free serve queue {goes_first} first",
        Rule.AHEAD_IN_LINE: (
            "not dialed: {ahead_in_words} ahead of it, and {agents_available} agents free who can serve it"
        ),
        Rule.NEXT_STEP: "about to be dialed: {ahead_in_words} ahead of it, and an agent is free for it",
        Rule.NUMBER_IN_USE: "not dialed: its number is in another call; at {due_at} {then}",
        Rule.NUMBER_LIMIT: (
            "not dialed: its number was dialed as often as its caps, or the rules of its place, allow;"
            " at {due_at} {then}"
        ),
        Rule.WRONG_NUMBER: (
            "not dialed: somebody else answered its number, and it waits for the right one; at {due_at} {then}"
        ),
        Rule.CALLING_HOURS: "not dialed: {hours_in_words}; at {due_at} {then}",
        Rule.CUSTOMER_HOURS: "not dialed: {hours_in_words}; at {due_at} {then}",
        Rule.COST_CEILING: (
            "not dialed: it would cost more than its queue may spend in 24 hours; at {due_at} {then}"
        ),
        Rule.DO_NOT_CALL_UNKNOWN: (
            "not dialed: the do-not-call list could not be asked, and nobody is called without; at {due_at} {then}"
        ),
        Rule.TO_BE_TOLD: (
            "not dialed: every agent declined it, and the customer is to be called and told so{hindrance};"
            " at {due_at} {then}"
        ),
        Rule.REST: (
            "not dialed: it rests after {last_disposition}, attempts so far: {attempts_count};"
            " at {due_at} {then}"
        ),
        Rule.ATTEMPTING: "being dialed: {attempt_in_words}",
        Rule.ATTEMPT_OVERDUE: (
            "being dialed: {attempt_in_words}; since {overdue_at} that waits for a step of a dispatcher"
        ),
        Rule.ENDED: "not dialed: it ended as {outcome} at {ended_at}: {outcome_in_words}",
    }
)

_RULE_OF_HOLD: Final[Mapping[HoldReason, Rule]] = MappingProxyType(
    {
        HoldReason.NUMBER_IN_USE: Rule.NUMBER_IN_USE,
        HoldReason.NUMBER_LIMIT: Rule.NUMBER_LIMIT,
        HoldReason.WRONG_NUMBER: Rule.WRONG_NUMBER,
        HoldReason.CALLING_HOURS: Rule.CALLING_HOURS,
        HoldReason.CUSTOMER_HOURS: Rule.CUSTOMER_HOURS,
        HoldReason.COST_CEILING: Rule.COST_CEILING,
        HoldReason.DO_NOT_CALL_UNKNOWN: Rule.DO_NOT_CALL_UNKNOWN,
        HoldReason.TO_BE_TOLD: Rule.TO_BE_TOLD,
    }
)

_HOURS: Final[Mapping[HoldReason, str]] = MappingProxyType(
    {
        HoldReason.CALLING_HOURS: "the rules of the places where its number may be did not permit a call",
        HoldReason.CUSTOMER_HOURS: "the customer wants to be called at other hours",
    }
)
"""What is said of hours that forbade a call, and forbid it no more."""

_ATTEMPT: Final[Mapping[AttemptState, str]] = MappingProxyType(
    {
        AttemptState.INTENDED: "{both_legs}",
        AttemptState.AGENT_ON_LINE: "agent {agent_id} is on the line, and the customer's phone is being dialed",
        AttemptState.CONFIRMING: "the customer answered, and is asked to press a key; {agent_leg}",
        AttemptState.CUSTOMER_ON_LINE: "the customer answered, and holds; {agent_leg}",
        AttemptState.JOINING: "the customer answered, and is being joined to agent {agent_id}",
        AttemptState.CONNECTED: "the customer talks to agent {agent_id}",
        AttemptState.ENDING: "the attempt{with_agent} is over, and its legs are being hung up",
        AttemptState.ENDED: "the attempt{with_agent} has just ended",
    }
)
_ANNOUNCING: Final[Mapping[AttemptState, str]] = MappingProxyType(
    {
        AttemptState.INTENDED: "the customer's phone is being dialed, to say that nobody can take it",
        AttemptState.ENDING: "the customer was called to be told that nobody can take it, and the leg is being hung up",
    }
)
"""The same of one that only tells the customer something."""
_AGENT_LEG: Final[Mapping[LegState, str]] = MappingProxyType(
    {
        LegState.NONE: "agent {agent_id} is kept for it",
        LegState.INTENDED: "agent {agent_id} is being asked to take it",
        LegState.RINGING: "agent {agent_id} is being asked to take it",
        LegState.ANSWERED: "agent {agent_id} is on the line",
        LegState.ENDED: "agent {agent_id} is not on the line any more",
    }
)

_OUTCOME: Final[Mapping[Outcome, str]] = MappingProxyType(
    {
        Outcome.COMPLETED: "customer and agent could hear each other",
        Outcome.CANCELLED: "the customer or an operator took it back",
        Outcome.EXPIRED: "its life was over before it was done",
        Outcome.UNREACHED: "the customer was not reached, and no attempt is left",
        Outcome.DECLINED_BY_AGENTS: "every agent declined it",
        Outcome.REPLACED: "another callback of the same person has its place",
        Outcome.REFUSED_BY_RULE: "a rule forbids dialing this customer",
        Outcome.SERVED_ELSEWHERE: "the customer was served in another way",
    }
)

_THEN: Final[Mapping[DueReason, str]] = MappingProxyType(
    {
        DueReason.EXPIRES: "it expires",
        DueReason.SCHEDULED: "its time comes, and it stands in line",
        DueReason.PREFERENCE_OVER: "any agent who has the skills may serve it",
        DueReason.WAITED_LONG: "it has waited longer than the longest virtual wait, and keeps its place",
        DueReason.WINDOW_OVER: "its response window is over, and it is queued again",
        DueReason.REST_OVER: "its rest is over, and it stands in line",
        DueReason.HOLD_OVER: "it stands in line again, and the rule is asked again",
        DueReason.TO_BE_TOLD: "the customer is called and told that nobody can take it, if every rule permits it",
        DueReason.ATTEMPT_OVERDUE: "the attempt must be over, or is ended",
        DueReason.AGENT_RING_OVER: "the agent has not accepted in time",
        DueReason.RING_OVER: "the customer has not answered in time",
        DueReason.CONFIRM_OVER: "the customer has pressed no key in time",
        DueReason.CUSTOMER_HOLD_OVER: "the customer has held for an agent as long as anybody may",
        DueReason.JOIN_OVERDUE: "the two could not be joined in time",
        DueReason.TALK_OVERDUE: "the conversation has lasted as long as it may, and is hung up",
        DueReason.HANG_UP_WANTED: "the legs are hung up",
        DueReason.HANG_UP_OVERDUE: "legs whose end was not reported are hung up once more",
        DueReason.LEG_IN_DOUBT: "a leg whose end was never reported cannot ring any more, and is closed",
        DueReason.SLOT_HOLD_OVER: "the seat that is held for somebody who decides is free again",
        DueReason.REMINDER: "agent and customer are reminded of the booked time",
        DueReason.SLOT_OVERDUE: "the booked time is over by more than is tolerated, and the customer is told",
        DueReason.CALLBACK_OVER: "the callback of the booking must be over, and the booking is closed",
        DueReason.MESSAGE_WAITS: "it is sent, if it is still true",
        DueReason.SEND_OVERDUE: "nobody knows whether it was sent, and it is not repeated",
        DueReason.RECEIPT_OVERDUE: "it counts as sent, for no receipt came",
        DueReason.UNCERTAIN_TOO_LONG: "it is given up: nobody learned whether it was sent",
    }
)
"""What time alone does next: to a callback, its attempt, its booking. Agents have deadlines that no callback has."""

_NO_OFFER: Final[Mapping[NoOfferReason, str]] = MappingProxyType(
    {
        NoOfferReason.ABOUT_TO_BE_SERVED: "the caller is about to be served",
        NoOfferReason.WAIT_IS_SHORT: "no trigger of the policy holds: expected wait, time waited, position or load",
        NoOfferReason.WAIT_TOO_LONG: "the estimated wait is longer than the longest virtual wait",
        NoOfferReason.NOBODY_STAFFED: "nobody is signed in who can serve the caller, so the wait is unknown",
        NoOfferReason.WAIT_UNKNOWN: "the wait cannot be estimated: those who go first come faster than they are served",
        NoOfferReason.QUEUE_CLOSED: "the queue is closed",
        NoOfferReason.CLOSING_TOO_SOON: "the queue is likely to close before the callback could begin",
        NoOfferReason.HOURS_UNKNOWN: "the host's hours could not say whether the queue is open",
        NoOfferReason.TOO_MANY_PENDING: "as many callbacks of the queue are pending as its policy allows",
        NoOfferReason.OFFERING_PAUSED: "offering is paused",
        NoOfferReason.NOT_IN_ROLLOUT: "the caller is not among those who are offered callbacks",
        NoOfferReason.DECLINED_BEFORE: "the caller declined a callback before",
        NoOfferReason.ALREADY_HAS_CALLBACK: "the caller has a callback already",
    }
)

_OFFER: Final[Mapping[OfferReason, str]] = MappingProxyType(
    {
        OfferReason.ASKED: "the caller asked for it",
        OfferReason.EXPECTED_WAIT: "the estimated wait is long enough",
        OfferReason.WAITED: "the caller has waited long enough",
        OfferReason.DEPTH: "the line is deep enough",
        OfferReason.LOAD: "enough places wait for each agent",
    }
)


# ---------------------------------------------------------------------------- callbacks


def explain(callback: Callback, *, facts: ExplainFacts, now: datetime) -> Explanation:
    """
    Explain *callback*.

    Returns:
        The rule that decides, in words and with what it looked at. `next_change_at` is the next moment at which time
        alone can change it: now, if that moment has passed and no dispatcher has made a step since.
    """
    rule, found, in_words = _why(callback, facts, now)
    due_at, due_reason = _next_due(callback, facts.attempt)
    values = {**found}
    if due_at is not None and due_reason is not None:
        values |= {"due_at": _iso(due_at), "due_reason": str(due_reason), "then": _THEN[due_reason]}
    return Explanation(
        callback_id=callback.callback_id,
        at=now,
        state=callback.state,
        rule=rule.value,
        text=_WORDS[rule].format_map({**values, **in_words}),
        values=values,
        next_change_at=_next_change_at(callback, rule, facts, due_at, now),
    )


def _next_change_at(
    callback: Callback, rule: Rule, facts: ExplainFacts, due_at: datetime | None, now: datetime
) -> datetime | None:
    if callback.due_reason is DueReason.WAITED_LONG:  # It is marked, and nothing else changes.
        due_at = min(callback.preferred_until_at or callback.expires_at, callback.expires_at)
    opens_at = facts.capped.until_at if rule is Rule.CAP_REACHED and facts.capped else None
    moments = [at for at in (due_at, opens_at) if at is not None]
    return max(min(moments), now) if moments else None


_Why = tuple[Rule, dict[str, str], dict[str, str]]
"""The rule, its values as data, and what is needed for its words only."""


def _why(callback: Callback, facts: ExplainFacts, now: datetime) -> _Why:
    match callback.state:
        case CallbackState.ATTEMPTING:
            return _why_attempting(callback, facts, now)
        case CallbackState.ENDED:
            return _why_ended(callback)
        case CallbackState.WAITING:
            values, in_words = _line_values(callback, facts)
            return _why_waiting(callback, facts, now), values, in_words
        case CallbackState.SCHEDULED | CallbackState.RESTING | CallbackState.HELD:
            rule, values, in_words = _why_out_of_line(callback, facts)
            return _unless_due(rule, callback, facts, now), values, in_words
        case _:
            assert_never(callback.state)


def _why_out_of_line(callback: Callback, facts: ExplainFacts) -> _Why:
    if callback.state is CallbackState.SCHEDULED:
        return Rule.SCHEDULED, {"scheduled_at": _iso(callback.scheduled_at)}, {}
    if callback.state is CallbackState.RESTING:
        values = {
            "last_disposition": str(callback.last_disposition),
            "attempts_count": str(callback.attempts_count),
        }
        return Rule.REST, values, {}
    reason = callback.hold_reason
    assert reason is not None
    values = {"hold_reason": str(reason)}
    if reason is HoldReason.TO_BE_TOLD:
        values |= _hours_values(facts.closed) | _switch_values(facts)
        return Rule.TO_BE_TOLD, values, {"hindrance": _hindrance(facts)}
    if reason not in _HOURS:
        return _RULE_OF_HOLD[reason], values, {}
    closed = facts.closed if facts.closed is not None and facts.closed.reason is reason else None
    values |= _hours_values(closed)
    return _RULE_OF_HOLD[reason], values, {"hours_in_words": _hours_in_words(reason, closed)}


def _hours_values(closed: ClosedHours | None) -> dict[str, str]:
    if closed is None:
        return {}
    more = {"rule_key": closed.rule_key, "zone": closed.zone, "opens_at": _iso(closed.opens_at)}
    return {name: value for name, value in more.items() if value}


def _hindrance(facts: ExplainFacts) -> str:
    """Say what forbids now, as far as it is known, to tell the customer by a call; nothing if it is not known."""
    if facts.control is not None and facts.control.dialing_paused:
        return ", and dialing is paused"
    if facts.capped is not None:
        return ", and as many attempts as its caps allow were started"
    if facts.closed is not None:
        return f", and {_hours_in_words(facts.closed.reason, facts.closed)}"
    return ""


def _hours_in_words(reason: HoldReason, closed: ClosedHours | None) -> str:
    """Say whose hours permit a call, on whose clocks, and from when."""
    if closed is None:
        return _HOURS[reason]
    clock = f" in {closed.zone}" if closed.zone is not None else ""
    whose = f"the rules of {closed.rule_key or 'its place'}{clock} permit a call"
    if reason is HoldReason.CUSTOMER_HOURS:
        whose = f"the customer{clock} wants to be called"
    when = f"from {_iso(closed.opens_at)}" if closed.opens_at is not None else "at no time in sight"
    return f"{whose} {when}"


def _unless_due(rule: Rule, callback: Callback, facts: ExplainFacts, now: datetime) -> Rule:
    """Return *rule*; but if its time is over, what the callback waits for is a step of a dispatcher that knows it."""
    if callback.due_at is None or now < callback.due_at:
        return rule
    return Rule.DUE if facts.queue_is_known else Rule.QUEUE_NOT_CONFIGURED


def _why_waiting(callback: Callback, facts: ExplainFacts, now: datetime) -> Rule:
    """Ask the rules in the order in which they forbid: the queue, the agents, and who goes before it."""
    not_yet = callback.preferred_until_at is not None and not facts.agents_available
    rules = (
        (Rule.QUEUE_NOT_CONFIGURED, not facts.queue_is_known),
        (Rule.DUE, _unless_due(Rule.NEXT_STEP, callback, facts, now) is Rule.DUE),
        (Rule.DIALING_PAUSED, facts.control is not None and facts.control.dialing_paused),
        (Rule.CAP_REACHED, facts.capped is not None),
        (Rule.PREFERRED_AGENT, not_yet),
        (Rule.NOBODY_STAFFED, not facts.agents_staffed),
        (Rule.NOBODY_HAS_SKILLS, not facts.agents_able),
        (Rule.NO_AGENT_AVAILABLE, not facts.agents_available),
        (Rule.EARLIER_LIVE_CALL, facts.live_call_first),
        (Rule.AGENTS_KEPT, facts.kept_for is not None),
        (Rule.OTHER_QUEUE_FIRST, facts.goes_first is not None),
        (Rule.AHEAD_IN_LINE, facts.ahead.count >= facts.agents_available),
    )
    return next((rule for rule, holds in rules if holds), Rule.NEXT_STEP)


def _line_values(callback: Callback, facts: ExplainFacts) -> tuple[dict[str, str], dict[str, str]]:
    ahead = facts.ahead
    values = {
        "ahead": str(ahead.count),
        "ahead_calls": str(ahead.calls),
        "ahead_callbacks": str(ahead.callbacks),
        "ahead_exact": str(ahead.exact).lower(),
        "agents_staffed": str(facts.agents_staffed),
        "agents_able": str(facts.agents_able),
        "agents_available": str(facts.agents_available),
        "skills": ", ".join(facts.skills),
    }
    others = {"kept_for": facts.kept_for, "goes_first": facts.goes_first}
    values |= {name: queue for name, queue in others.items() if queue is not None}
    if callback.preferred_until_at is not None:
        values |= {
            "preferred_agent_id": callback.preferred_agent_id or "",
            "preferred_until_at": _iso(callback.preferred_until_at),
            "preferred_signed_in": str(facts.preferred_signed_in).lower(),
        }
    values |= _switch_values(facts)
    reason = facts.control.reason if facts.control else None
    in_words = {
        "ahead_in_words": str(ahead.count) if ahead.exact else f"about {ahead.count}",
        "preferred_is": "signed in and not free" if facts.preferred_signed_in else "not signed in",
        "paused_because": f"for the reason: {reason}" if reason else "no reason given",
    }
    return values, in_words


def _switch_values(facts: ExplainFacts) -> dict[str, str]:
    """Return the cap that is reached, and the pause, where there are any."""
    values = dict[str, str]()
    if facts.capped is not None:
        values |= {"cap": facts.capped.cap.value, "cap_limit": str(facts.capped.limit)}
    if facts.control is not None and facts.control.dialing_paused:
        at, reason = facts.control.changed_at, facts.control.reason
        values |= {"paused_at": _iso(at), "paused_reason": reason or ""}
    return values


def _why_attempting(callback: Callback, facts: ExplainFacts, now: datetime) -> _Why:
    attempt = facts.attempt
    assert attempt is not None
    values = {
        "attempt_id": attempt.attempt_id,
        "attempt_state": str(attempt.state),
        "agent_id": attempt.agent_id or "",
        "attempts_count": str(callback.attempts_count),
    }
    in_words = {"attempt_in_words": _attempt_in_words(attempt)}
    due_at, _ = _next_due(callback, attempt)
    if due_at is None or now < due_at:
        return Rule.ATTEMPTING, values, in_words
    return Rule.ATTEMPT_OVERDUE, {**values, "overdue_at": _iso(due_at)}, in_words


def _attempt_in_words(attempt: Attempt) -> str:
    agent_id = attempt.agent_id
    if attempt.announces is not None and attempt.state in _ANNOUNCING:
        return _ANNOUNCING[attempt.state]
    agent_leg = "an agent is looked for"
    if agent_id is not None:
        agent_leg = _AGENT_LEG[attempt.agent_leg].format_map({"agent_id": agent_id})
    is_dialed = attempt.customer_leg is not LegState.NONE
    return _ATTEMPT[attempt.state].format_map(
        {
            "agent_id": agent_id,
            "agent_leg": agent_leg,
            "both_legs": f"the customer's phone is being dialed; {agent_leg}" if is_dialed else agent_leg,
            "with_agent": f" with agent {agent_id}" if agent_id is not None else "",
        }
    )


def _why_ended(callback: Callback) -> _Why:
    outcome = callback.outcome
    assert outcome is not None
    values = {
        "outcome": str(outcome),
        "ended_at": _iso(callback.ended_at),
        "attempts_count": str(callback.attempts_count),
    }
    words = _OUTCOME[outcome]
    if callback.merged_into_id is not None:
        values["merged_into_id"] = callback.merged_into_id
        words = f"{words}, {callback.merged_into_id}"
    return Rule.ENDED, values, {"outcome_in_words": words}


def _next_due(callback: Callback, attempt: Attempt | None) -> tuple[datetime | None, DueReason | None]:
    """Return what time does next: to the callback, or sooner to its attempt."""
    own = callback.due_at, callback.due_reason
    if callback.state is not CallbackState.ATTEMPTING or attempt is None or attempt.due_at is None:
        return own
    if callback.due_at is not None and callback.due_at < attempt.due_at:
        return own
    return attempt.due_at, attempt.due_reason


def _iso(at: datetime | None) -> str:
    return at.isoformat() if at is not None else ""


# ---------------------------------------------------------------------------- offers


def explain_offer(offer: Offer) -> str:
    """Say in words why a callback was offered."""
    return f"offered: {_OFFER[offer.reason]}"


def explain_no_offer(no_offer: NoOffer) -> str:
    """
    Say in words why no callback was offered, and when time alone can change that.

    For operators and logs; what a caller is told is `core.speech.say_no_offer`.
    """
    text = f"not offered: {_NO_OFFER[no_offer.reason]}"
    return text if no_offer.again_at is None else f"{text}; it can change at {_iso(no_offer.again_at)}"

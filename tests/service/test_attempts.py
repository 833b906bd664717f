"""Agent first: an agent is reserved, then the customer is dialed, and what follows when it does not work."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from callbackq import (
    DEFAULT_TENANT,
    AgentState,
    AttemptNotFound,
    AttemptState,
    CallbackState,
    Cause,
    Commit,
    Dial,
    Disposition,
    Duplicates,
    HoldReason,
    LegId,
    Outcome,
    Report,
    ReportKind,
    Role,
    Store,
)
from callbackq.effects import Prompt
from callbackq.testing import (
    ANSWERS,
    DECLINES,
    IS_BUSY,
    NEVER_ANSWERS,
    Behaviour,
    Carried,
    VirtualHost,
)

BOB = "+12125550101"
SECOND = timedelta(seconds=1)


def promise(host: VirtualHost, number: str = BOB, queue: str = "support") -> str:
    """Ask for a callback, and free the agent."""
    callback_id = host.service.request(queue, number=number).callback_id
    host.service.call_left("busy")
    return callback_id


def customer_dials(host: VirtualHost) -> list[timedelta]:
    """Return when the customer was dialed, from the first time on."""
    times = [entry.at for entry in host.telephony.log if entry.what is Carried.DIALED and entry.number]
    return [at - times[0] for at in times]


def agent_state(host: VirtualHost, store: Store, agent_id: str = "ann") -> AgentState:
    """Read the agent's state."""
    with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        return next(a for a in [tx.agents.find(agent_id)] if a).state  # type: ignore[arg-type]


def test_agent_first_in_order(host: VirtualHost) -> None:
    """F1: the agent answers before the customer is dialed; complete when both can hear each other."""
    host.telephony.agent("ann", Behaviour(answers_after=5 * SECOND))
    host.telephony.person(BOB, Behaviour(answers_after=8 * SECOND, talks_for=timedelta(minutes=4)))
    callback_id = promise(host)
    host.run_for(10 * SECOND)
    assert host.service.get(callback_id).state is CallbackState.ATTEMPTING
    host.run_for(timedelta(minutes=10))
    story = [
        (entry.role, entry.what)
        for entry in host.telephony.log
        if entry.what in (Carried.DIALED, Carried.ANSWERED, Carried.BRIDGED, Carried.ENDED)
    ]
    assert story == [
        (Role.AGENT, Carried.DIALED),
        (Role.AGENT, Carried.ANSWERED),
        (Role.CUSTOMER, Carried.DIALED),
        (Role.CUSTOMER, Carried.ANSWERED),
        (Role.CUSTOMER, Carried.BRIDGED),
        (Role.CUSTOMER, Carried.ENDED),
        (Role.AGENT, Carried.ENDED),
    ]
    callback = host.service.get(callback_id)
    assert callback.outcome is Outcome.COMPLETED
    assert callback.attempts_count == 1


def test_call_ends_with_a_typed_disposition(host: VirtualHost, store: Store) -> None:
    """F13: the attempt ends as CONNECTED, with its times, and the agent is free again."""
    callback_id = promise(host)
    host.run_for(timedelta(minutes=5))
    attempt_id = host.service.get(callback_id).attempt_id
    assert attempt_id is not None
    with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        attempt = tx.attempts.get(attempt_id)
    assert attempt.state is AttemptState.ENDED
    assert attempt.disposition is Disposition.CONNECTED
    assert attempt.connected_at is not None
    assert attempt.ended_at == attempt.connected_at + timedelta(minutes=3)
    assert agent_state(host, store) is AgentState.AVAILABLE


def test_agent_who_declines_is_left_alone_and_the_next_is_asked(host: VirtualHost) -> None:
    """F1/F4: the place is kept, the decliner cools down, the next agent is asked; nothing counts as an attempt."""
    host.telephony.agent("ann", DECLINES, ANSWERS)
    host.service.agent_available("ben", queues=["sales"])
    callback_id = promise(host)
    host.run_for(4 * SECOND)
    callback = host.service.get(callback_id)
    assert callback.state is CallbackState.WAITING
    assert callback.attempts_count == 0
    assert callback.last_disposition is Disposition.AGENT_UNAVAILABLE
    host.service.agent_available("ben", queues=["support"])
    host.run_for(SECOND)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    asked = [e.agent_id for e in host.telephony.log if e.what is Carried.DIALED and e.role is Role.AGENT]
    assert asked == ["ann", "ben"]


def test_agent_who_does_not_react_times_out(host: VirtualHost) -> None:
    """F1: a reservation that is not accepted in its time ends, and the same agent is asked after the cool-down."""
    host.telephony.agent("ann", NEVER_ANSWERS, ANSWERS)
    callback_id = promise(host)
    host.run_for(20 * SECOND)
    assert host.service.get(callback_id).state is CallbackState.WAITING
    host.run_for(29 * SECOND)
    assert host.telephony.dialed(BOB) == 0
    host.run_for(2 * SECOND)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


def test_agent_who_leaves_before_accepting_loses_the_reservation(host: VirtualHost, store: Store) -> None:
    """F1: the phone stops ringing, the callback keeps its place, the agent is signed out."""
    host.telephony.agent("ann", NEVER_ANSWERS)
    callback_id = promise(host)
    host.run_for(2 * SECOND)
    host.service.agent_unavailable("ann")
    host.run_for(2 * SECOND)
    assert host.telephony.live_legs() == []
    assert host.service.get(callback_id).state is CallbackState.WAITING
    assert agent_state(host, store) is AgentState.SIGNED_OUT


def test_agent_who_hangs_up_while_the_customer_rings(host: VirtualHost) -> None:
    """The customer's phone stops; the attempt counts, for the phone rang; the place is taken up again."""
    host.telephony.person(BOB, Behaviour(answers_after=30 * SECOND), ANSWERS)
    callback_id = promise(host)
    host.run_for(5 * SECOND)
    host.telephony.hang_up_by("ann")
    host.run_for(SECOND)
    assert host.telephony.live_legs() == []
    callback = host.service.get(callback_id)
    assert callback.attempts_count == 1
    assert callback.last_disposition is Disposition.AGENT_UNAVAILABLE
    host.run_for(timedelta(minutes=1))
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


@pytest.mark.parametrize(
    ("behaviour", "disposition", "rest"),
    [
        (NEVER_ANSWERS, Disposition.NO_ANSWER, timedelta(minutes=2)),
        (IS_BUSY, Disposition.BUSY, timedelta(minutes=3)),
        (
            Behaviour(answers_after=None, fails_after=SECOND, cause=Cause.UNREACHABLE),
            Disposition.UNREACHABLE,
            timedelta(minutes=5),
        ),
    ],
    ids=["no answer", "busy", "unreachable"],
)
def test_s2_retries_once_after_its_rest(
    host: VirtualHost, behaviour: Behaviour, disposition: Disposition, rest: timedelta
) -> None:
    """G2: once more after the rest of S2, and at most two attempts in all; then unreached."""
    host.telephony.person(BOB, behaviour)
    callback_id = promise(host)
    host.run_until(lambda: host.service.get(callback_id).state is CallbackState.RESTING)
    rested_at = host.clock.now()
    resting = host.service.get(callback_id)
    assert resting.last_disposition is disposition
    assert resting.due_at == rested_at + rest
    host.run_until(lambda: host.service.get(callback_id).state is CallbackState.ENDED)
    assert len(customer_dials(host)) == 2
    ended = host.service.get(callback_id)
    assert ended.outcome is Outcome.UNREACHED
    assert ended.attempts_count == 2
    host.run_for(timedelta(hours=1))
    assert len(customer_dials(host)) == 2


def test_second_try_can_succeed_in_the_place_of_the_first(host: VirtualHost) -> None:
    """G2: after the rest the callback stands where it stood, before those who came later."""
    host.telephony.person(BOB, NEVER_ANSWERS, ANSWERS)
    callback_id = promise(host)
    host.run_for(timedelta(minutes=1))
    host.service.call_joined("support", call_id="later")
    host.run_for(SECOND)
    host.service.call_joined("support", call_id="last")
    host.run_for(timedelta(minutes=2))
    position = host.service.position(callback_id)
    assert position is not None
    assert position.number == 1
    host.service.call_left("later")
    host.run_for(timedelta(0))
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


def test_contexts_of_many_callbacks_behind_one_number_are_kept(make_host: Callable[..., VirtualHost]) -> None:
    """A switchboard: thirty open callbacks of one person, in turn; each agent sees what belongs to each."""
    host = make_host(duplicates=Duplicates.ALLOW)
    dials: list[Dial] = []

    def remember(order: Dial, _before: int) -> Behaviour:
        if order.role is Role.CUSTOMER:
            dials.append(order)
        return ANSWERS

    host.telephony.behaviour_of = remember
    for n in range(30):
        host.service.request("support", number=BOB, context={"n": str(n)})
        host.run_for(SECOND)
    host.service.agent_available("ann", queues=["support"])
    host.run_for(timedelta(hours=3))
    assert host.telephony.dialed(BOB) == 30
    assert [dial.context for dial in dials] == [{"n": str(n)} for n in range(30)]


def test_other_answers_end_it_without_a_retry(host: VirtualHost) -> None:
    """G2: an invalid number is never tried again."""
    invalid = Behaviour(answers_after=None, fails_after=SECOND, cause=Cause.INVALID_NUMBER)
    host.telephony.person(BOB, invalid)
    callback_id = promise(host)
    host.run_for(timedelta(hours=1))
    callback = host.service.get(callback_id)
    assert callback.outcome is Outcome.UNREACHED
    assert callback.last_disposition is Disposition.INVALID_NUMBER
    assert len(customer_dials(host)) == 1


def test_agent_is_told_when_nobody_is_there(host: VirtualHost) -> None:
    """The agent is never left in silence."""
    host.telephony.person(BOB, NEVER_ANSWERS)
    promise(host)
    host.run_for(timedelta(minutes=1))
    told = [e.prompt for e in host.telephony.log if e.role is Role.AGENT and e.what is Carried.ENDED]
    assert told == [Prompt.CUSTOMER_NOT_REACHED]


def test_one_number_never_rings_twice_at_once(make_host: Callable[..., VirtualHost]) -> None:
    """G4: a person with callbacks in two queues and two free agents gets one call, then the other."""
    host = make_host()
    first = host.service.request("support", number=BOB).callback_id
    second = host.service.request("sales", number=BOB).callback_id
    host.service.agent_available("ann", queues=["support"])
    host.service.agent_available("ben", queues=["sales"])
    host.run_for(SECOND)
    assert len(host.telephony.live_legs(Role.CUSTOMER)) == 1
    held = host.service.get(second)
    assert held.state is CallbackState.HELD
    assert held.hold_reason is HoldReason.NUMBER_IN_USE
    assert host.service.explain(second).rule == "number_in_use"
    host.run_for(timedelta(minutes=5))
    assert host.service.get(first).outcome is Outcome.COMPLETED
    host.run_for(timedelta(minutes=5))
    assert host.service.get(second).outcome is Outcome.COMPLETED


def test_reports_twice_late_and_reordered_change_nothing(host: VirtualHost) -> None:
    """N2: every report again, at every later moment: same rows, nobody dialed again."""
    reports: list[Report] = []
    tell = host.telephony.on_report

    def remember(report: Report) -> None:
        reports.append(report)
        tell(report)
        for earlier in reports:
            repeated = host.service.report(earlier)
            assert not repeated.changed
            assert all(effect.__class__.__name__ == "HangUp" for effect in repeated.effects)

    host.telephony.on_report = remember
    callback_id = promise(host)
    host.run_for(timedelta(minutes=10))
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    assert host.telephony.dialed(BOB) == 1
    before = host.service.get(callback_id)
    for report in reversed(reports):
        assert not host.driver.report(report).changed
    assert host.service.get(callback_id) == before
    kept = [event.kind for event in host.service.history(callback_id)]
    assert kept.count("report_ignored") > len(reports)


def test_report_of_an_unknown_leg_is_said(host: VirtualHost) -> None:
    """No attempt ever had it."""
    with pytest.raises(AttemptNotFound, match="leg_of_nobody"):
        host.service.report(Report(leg_id=LegId("leg_of_nobody"), kind=ReportKind.RINGING))


def test_cancel_while_the_phone_rings_hangs_up(host: VirtualHost, store: Store) -> None:
    """The promise ends at once, the legs at the next step; the agent is free; nobody is dialed again."""
    host.telephony.person(BOB, NEVER_ANSWERS)
    callback_id = promise(host)
    host.run_for(5 * SECOND)
    cancelled = host.service.cancel(callback_id)
    assert cancelled.outcome is Outcome.CANCELLED
    host.run_for(timedelta(0))
    assert host.telephony.live_legs() == []
    assert agent_state(host, store) is AgentState.AVAILABLE
    host.run_for(timedelta(hours=1))
    assert host.telephony.dialed(BOB) == 1


def test_customer_who_answers_as_we_cancel_is_not_left_in_silence(host: VirtualHost) -> None:
    """An answer after the cancellation is hung up again, and connects nobody."""
    host.telephony.person(BOB, Behaviour(answers_after=10 * SECOND))
    callback_id = promise(host)
    host.run_for(5 * SECOND)
    leg = host.telephony.leg_of(BOB)
    assert leg is not None
    host.service.cancel(callback_id)
    again = host.service.report(Report(leg_id=leg, kind=ReportKind.ANSWERED))
    assert [getattr(effect, "leg_id", None) for effect in again.effects] == [leg]
    host.run_for(timedelta(minutes=1))
    assert host.telephony.live_legs() == []
    assert host.service.get(callback_id).outcome is Outcome.CANCELLED


def test_lost_reports_are_ended_by_the_deadline(host: VirtualHost, store: Store) -> None:
    """Nothing waits for ever: with no report at all the attempt ends, and the promise goes on."""
    host.telephony.on_report = lambda _report: None
    callback_id = promise(host)
    host.run_for(timedelta(minutes=1))
    callback = host.service.get(callback_id)
    assert callback.last_disposition is Disposition.AGENT_UNAVAILABLE
    host.telephony.on_report = host.driver.report
    host.run_for(timedelta(minutes=1))
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


def test_customer_leg_of_which_nothing_is_heard_is_in_doubt(host: VirtualHost) -> None:
    """Unknown counts, rests longer than the phone can ring, and is tried once more."""
    tell = host.telephony.on_report

    def agents_only(report: Report) -> None:
        customer = host.telephony.leg_of(BOB)
        if report.leg_id != customer:
            tell(report)

    host.telephony.on_report = agents_only
    callback_id = promise(host)
    host.run_for(timedelta(minutes=2))
    callback = host.service.get(callback_id)
    assert callback.state is CallbackState.RESTING
    assert callback.last_disposition is Disposition.UNKNOWN
    assert callback.attempts_count == 1
    host.telephony.on_report = tell
    host.run_for(timedelta(minutes=10))
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


def test_explain_names_the_rule_in_every_state(host: VirtualHost) -> None:
    """Why it is or is not being dialed, in words, with the next moment that can change it."""
    host.telephony.person(BOB, NEVER_ANSWERS)
    callback_id = host.service.request("support", number=BOB).callback_id
    explain = host.service.explain
    assert explain(callback_id).rule == "no_agent_available"
    assert "0 ahead of it" in explain(callback_id).text
    host.service.agent_available("ben", queues=["support"])
    assert explain(callback_id).rule == "next_step"
    host.run_for(SECOND)
    assert explain(callback_id).rule == "attempting"
    assert explain(callback_id).values["agent_id"] == "ben"
    host.run_for(timedelta(minutes=1))
    resting = explain(callback_id)
    assert resting.rule == "rest"
    assert resting.next_change_at == host.service.get(callback_id).due_at
    host.run_for(timedelta(hours=1))
    assert explain(callback_id).rule == "ended"


def test_explain_counts_only_agents_with_the_skills(make_host: Callable[..., VirtualHost]) -> None:
    """An agent who is free and cannot serve the place is no promise that it is next."""
    host = make_host()
    host.service.agent_available("ann", queues=["support"])
    receipt = host.service.request("support", number=BOB, skills=["german"])
    host.run_for(timedelta(minutes=1))
    explained = host.service.explain(receipt.callback_id)
    assert explained.rule == "nobody_has_skills"
    assert explained.values["skills"] == "german"
    host.service.agent_available("eva", queues=["support"], skills=["german"])
    assert host.service.explain(receipt.callback_id).rule == "next_step"

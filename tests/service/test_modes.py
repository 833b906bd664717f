"""The three ways of connecting: who is dialed when, who waits for whom, and what follows when somebody stays away."""

from __future__ import annotations

from datetime import timedelta

import pytest

from callbackq import (
    AgentState,
    AllDeclined,
    AttemptState,
    CallbackState,
    CallState,
    Cause,
    DialUncertain,
    Disposition,
    LegId,
    Mode,
    NoticeKind,
    Outcome,
    Prompt,
    Report,
    ReportKind,
    RetryRule,
    Role,
    Store,
)
from callbackq.testing import (
    ANSWERS,
    DECLINES,
    IS_BUSY,
    IS_MACHINE,
    NEVER_ANSWERS,
    START,
    Behaviour,
    Carried,
    FakeNotices,
    VirtualHost,
)
from service.scenes import (
    BOB,
    EVE,
    HOUR,
    MINUTE,
    SECOND,
    ZERO,
    attempt_by_id,
    attempt_of,
    events,
    heard,
    house,
    kinds,
    orders_of,
    promised,
    rung,
    sign_in,
    whom,
)

CUSTOMER_FIRST, SIMULTANEOUS, AGENT_FIRST = Mode.CUSTOMER_FIRST, Mode.SIMULTANEOUS, Mode.AGENT_FIRST


def after(seconds: float, *, talks_for: timedelta | None = 3 * MINUTE) -> Behaviour:
    """Return somebody who answers after so many seconds."""
    return Behaviour(answers_after=timedelta(seconds=seconds), talks_for=talks_for)


def declines_after(seconds: float) -> Behaviour:
    """Return somebody who declines after so many seconds."""
    return Behaviour(answers_after=None, fails_after=timedelta(seconds=seconds), cause=Cause.REJECTED)


def seconds_of(host: VirtualHost, what: Carried, role: Role) -> list[float]:
    """Return when something happened to the legs of one side, in seconds from the start."""
    return [
        (entry.at - START).total_seconds()
        for entry in host.telephony.log
        if entry.what is what and entry.role is role
    ]


def agent(host: VirtualHost, agent_id: str) -> AgentState:
    """Return what an agent does."""
    return host.service.agent(agent_id).state


# ---------------------------------------------------------------------------- who starts


def test_customer_first_dials_the_customer_and_rings_the_agent_when_they_answer(store: Store) -> None:
    """F2: an agent is reserved, and is rung only when the customer is there, who is told to hold meanwhile."""
    host = house(store, mode=CUSTOMER_FIRST)
    host.telephony.person(BOB, after(10))
    host.telephony.agent("ann", after(4))
    callback_id = promised(host)
    host.run_for(9 * SECOND)
    assert whom(host) == [BOB]
    assert agent(host, "ann") is AgentState.RESERVED
    host.run_for(4 * SECOND)
    assert whom(host) == [BOB, "ann"]
    assert attempt_of(host, store, callback_id).state is AttemptState.CUSTOMER_ON_LINE
    assert seconds_of(host, Carried.PLAYED, Role.CUSTOMER) == [10]
    host.run_for(SECOND)
    assert seconds_of(host, Carried.BRIDGED, Role.CUSTOMER) == [14]
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    assert agent(host, "ann") is AgentState.BUSY


def test_simultaneous_rings_both_at_once_and_both_answer(store: Store) -> None:
    """F3: both legs at once; both answer: connected."""
    host = house(store, mode=SIMULTANEOUS)
    callback_id = promised(host)
    host.run_for(SECOND)
    assert rung(host) == [(START, "ann"), (START, BOB)]
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    assert attempt_of(host, store, callback_id).state is AttemptState.CONNECTED


def test_simultaneous_customer_first_waits_for_the_agent(store: Store) -> None:
    """F3: the customer answers first, is told to hold, and is joined when the agent answers within the hold."""
    host = house(store, mode=SIMULTANEOUS)
    host.telephony.person(BOB, after(2))
    host.telephony.agent("ann", after(19))
    callback_id = promised(host)
    host.run_for(18 * SECOND)
    assert heard(host, Role.CUSTOMER) == [Prompt.PLEASE_HOLD]
    assert host.service.get(callback_id).state is CallbackState.ATTEMPTING
    host.run_for(SECOND)
    assert seconds_of(host, Carried.BRIDGED, Role.CUSTOMER) == [19]
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


def test_simultaneous_agent_first_and_the_customers_phone_rings_on(store: Store) -> None:
    """F3: the agent answered first: the customer's leg rings on, its whole ring time by default."""
    host = house(store, mode=SIMULTANEOUS)
    host.telephony.person(BOB, after(44))
    callback_id = promised(host)
    host.run_for(43 * SECOND)
    assert attempt_of(host, store, callback_id).state is AttemptState.AGENT_ON_LINE
    host.run_for(SECOND)
    assert whom(host) == ["ann", BOB]
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


@pytest.mark.parametrize(
    ("ring_on_max", "agent_after", "over_at"),
    [(18, 10, 28), (5, 2, 15), (60, 10, 45), (None, 10, 45)],
    ids=["three rings more", "never less than 15 s in all", "never longer than the ring time", "by default"],
)
def test_simultaneous_the_customers_phone_rings_on_for_so_long(
    store: Store, ring_on_max: int | None, agent_after: int, over_at: int
) -> None:
    """F3: `ring_on_max` after the agent is there; then it stops, the agent is told, and a redial is a new attempt."""
    ring_on = timedelta(seconds=ring_on_max) if ring_on_max is not None else None
    host = house(store, mode=SIMULTANEOUS, ring_on_max=ring_on)
    host.telephony.person(BOB, NEVER_ANSWERS, ANSWERS)
    host.telephony.agent("ann", after(agent_after), ANSWERS)
    callback_id = promised(host)
    host.run_for(MINUTE)
    assert seconds_of(host, Carried.ENDED, Role.CUSTOMER) == [over_at]
    assert heard(host, Role.AGENT) == [Prompt.CUSTOMER_NOT_REACHED]
    first = attempt_of(host, store, callback_id)
    assert (first.state, first.disposition) == (AttemptState.ENDED, Disposition.NO_ANSWER)
    host.run_for(3 * MINUTE)
    again = attempt_of(host, store, callback_id)
    assert again.attempt_id != first.attempt_id
    assert {again.customer_leg_id, again.agent_leg_id}.isdisjoint({first.customer_leg_id, first.agent_leg_id})
    assert host.telephony.dialed(BOB) == 2
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


def test_simultaneous_neither_answers_and_another_time_is_offered(store: Store) -> None:
    """F3: neither: missed, with the message that policy names; one attempt, though two phones rang."""
    notices = FakeNotices()
    other_time = RetryRule(last_notice=NoticeKind.OTHER_TIME, follow_up_within=None)
    rules = {Disposition.NO_ANSWER: other_time}
    host = house(store, notices=notices, mode=SIMULTANEOUS, retry_rules=rules)
    host.telephony.person(BOB, NEVER_ANSWERS)
    host.telephony.agent("ann", NEVER_ANSWERS)
    callback_id = promised(host)
    host.run_for(2 * MINUTE)
    callback = host.service.get(callback_id)
    assert (callback.outcome, callback.attempts_count) == (Outcome.UNREACHED, 1)
    assert callback.last_disposition is Disposition.NO_ANSWER
    assert notices.kinds(callback_id) == [NoticeKind.OTHER_TIME, NoticeKind.TICKET_NOTE]


@pytest.mark.parametrize("mode", Mode)
def test_an_agent_is_reserved_in_every_mode_and_released_after(store: Store, mode: Mode) -> None:
    """F11: with one agent one attempt at a time, whoever is dialed first; the PBX is told to keep the agent free."""
    host = house(store, mode=mode)
    host.telephony.person(BOB, after(5, talks_for=MINUTE))
    first = promised(host)
    host.clock.advance(SECOND)
    second = promised(host, EVE)
    host.run_for(3 * SECOND)
    assert host.service.get(second).state is CallbackState.WAITING
    assert host.telephony.reserved == {"ann": attempt_of(host, store, first).attempt_id}
    host.run_for(5 * MINUTE)
    assert {host.service.get(one).outcome for one in (first, second)} == {Outcome.COMPLETED}
    assert host.telephony.reserved == {}
    assert whom(host).index(EVE) > whom(host).index(BOB)


# ---------------------------------------------------------------------------- the agent declines


@pytest.mark.parametrize("refuses", [DECLINES, NEVER_ANSWERS], ids=["declines", "lets it time out"])
def test_a_decline_goes_to_the_next_agent_while_the_customer_holds(store: Store, refuses: Behaviour) -> None:
    """F4: customer first: the customer is dialed once, and the decliner cools down."""
    host = house(store, agents=("ann", "ben"), mode=CUSTOMER_FIRST)
    host.telephony.agent("ann", refuses)
    callback_id = promised(host)
    host.run_until(lambda: host.service.get(callback_id).state is CallbackState.ENDED)
    assert whom(host) == [BOB, "ann", "ben"]
    callback = host.service.get(callback_id)
    assert (callback.outcome, callback.attempts_count) == (Outcome.COMPLETED, 1)
    assert agent(host, "ann") is AgentState.COOLING_DOWN
    assert agent(host, "ben") is AgentState.BUSY
    assert "ann" not in host.telephony.reserved
    host.run_for(30 * SECOND)
    assert agent(host, "ann") is AgentState.AVAILABLE


def test_a_decline_goes_to_the_next_agent_while_the_customers_phone_rings(store: Store) -> None:
    """F4: simultaneous: the customer's phone rings on, and is not dialed again."""
    host = house(store, agents=("ann", "ben"), mode=SIMULTANEOUS)
    host.telephony.agent("ann", declines_after(3))
    host.telephony.person(BOB, after(20))
    callback_id = promised(host)
    host.run_for(21 * SECOND)
    assert [(at - START, who) for at, who in rung(host)] == [(ZERO, "ann"), (ZERO, BOB), (3 * SECOND, "ben")]
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    assert agent(host, "ann") is AgentState.COOLING_DOWN
    assert attempt_of(host, store, callback_id).agent_id == "ben"


def test_who_has_answered_has_the_next_free_agent_before_anybody_in_line(store: Store) -> None:
    """F3/F4: an agent who comes free takes the customer who holds, and not the live caller who waited longer."""
    host = house(store, mode=CUSTOMER_FIRST)
    host.telephony.agent("ann", DECLINES)
    callback_id = promised(host)
    host.run_for(10 * SECOND)
    host.service.call_joined("support", call_id="long", entered_at=START - HOUR)
    assert attempt_of(host, store, callback_id).agent_id is None
    sign_in(host, "ben")
    host.run_for(SECOND)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    assert host.service.call("long").state is CallState.WAITING


@pytest.mark.parametrize("mode", [CUSTOMER_FIRST, SIMULTANEOUS])
def test_nobody_else_is_free_and_the_customer_holds_at_most_30_s(store: Store, mode: Mode) -> None:
    """F3: then they are told so, and the callback has its place again."""
    host = house(store, mode=mode)
    host.telephony.agent("ann", DECLINES)
    host.telephony.person(BOB, after(5))
    callback_id = promised(host)
    placed = host.service.get(callback_id)
    host.run_for(36 * SECOND)
    assert seconds_of(host, Carried.ENDED, Role.CUSTOMER) == [35]
    assert heard(host, Role.CUSTOMER) == [Prompt.PLEASE_HOLD, Prompt.COULD_NOT_CONNECT]
    attempt = attempt_of(host, store, callback_id)
    assert (attempt.state, attempt.disposition) == (AttemptState.ENDED, Disposition.AGENT_UNAVAILABLE)
    callback = host.service.get(callback_id)
    assert callback.state is CallbackState.WAITING
    assert (callback.rank, callback.entered_at) == (placed.rank, placed.entered_at)


def test_customer_who_hangs_up_while_holding_leaves_nobody_ringing(store: Store) -> None:
    """F2: the agent's phone stops, the agent is free, and the attempt is one that was answered and left."""
    host = house(store, mode=CUSTOMER_FIRST)
    host.telephony.agent("ann", NEVER_ANSWERS)
    host.telephony.person(BOB, Behaviour(hangs_up_after=8 * SECOND))
    callback_id = promised(host)
    host.run_for(9 * SECOND)
    assert host.telephony.live_legs() == []
    callback = host.service.get(callback_id)
    assert callback.last_disposition is Disposition.ANSWERED_THEN_LEFT
    assert callback.state is CallbackState.RESTING
    assert agent(host, "ann") is AgentState.AVAILABLE


def test_customer_who_does_not_answer_costs_the_agent_nothing(store: Store) -> None:
    """F2: customer first: the agent was never rung, and is free at once."""
    host = house(store, mode=CUSTOMER_FIRST)
    host.telephony.person(BOB, NEVER_ANSWERS)
    callback_id = promised(host)
    host.run_for(46 * SECOND)
    assert whom(host) == [BOB]
    assert host.service.get(callback_id).last_disposition is Disposition.NO_ANSWER
    assert agent(host, "ann") is AgentState.AVAILABLE


# ---------------------------------------------------------------------------- the agent goes away


@pytest.mark.parametrize(
    ("mode", "answers_after"),
    [(SIMULTANEOUS, 20), (CUSTOMER_FIRST, 20), (CUSTOMER_FIRST, 1)],
    ids=["both ring", "the customer rings", "the customer holds"],
)
def test_reserved_agent_who_leaves_is_replaced_with_the_whole_context(
    store: Store, mode: Mode, answers_after: float
) -> None:
    """F15: the next available agent sees all that the first one saw; the customer is dialed once."""
    host = house(store, agents=("ann", "ben"), mode=mode)
    host.telephony.agent("ann", NEVER_ANSWERS)
    host.telephony.person(BOB, after(answers_after))
    orders = orders_of(host)
    callback_id = promised(host, name="Bob", context={"account": "A-1", "reason": "refund"})
    host.run_for(5 * SECOND)
    host.service.agent_unavailable("ann")
    host.run_for(ZERO)
    assert agent(host, "ann") is AgentState.SIGNED_OUT
    assert attempt_of(host, store, callback_id).agent_id == "ben"
    host.run_for(20 * SECOND)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    assert host.telephony.dialed(BOB) == 1
    assert whom(host)[-1] == "ben"
    to_ben = orders[-1]
    assert (to_ben.agent_id, to_ben.name, to_ben.reason) == ("ben", "Bob", "refund")
    assert to_ben.context == {"account": "A-1", "reason": "refund"}


def test_reserved_agent_who_leaves_before_anybody_rings_costs_no_attempt(store: Store) -> None:
    """F15: agent first: the phone stops, the callback keeps its place, the next agent is asked."""
    host = house(store, agents=("ann", "ben"))
    host.telephony.agent("ann", NEVER_ANSWERS)
    callback_id = promised(host)
    host.run_for(5 * SECOND)
    host.service.agent_unavailable("ann")
    host.run_for(SECOND)
    assert whom(host) == ["ann", "ben", BOB]
    callback = host.service.get(callback_id)
    assert (callback.outcome, callback.attempts_count) == (Outcome.COMPLETED, 1)
    assert agent(host, "ann") is AgentState.SIGNED_OUT


@pytest.mark.parametrize("mode", [CUSTOMER_FIRST, SIMULTANEOUS])
def test_reserved_agent_who_leaves_and_nobody_else_is_there(store: Store, mode: Mode) -> None:
    """F15: the customer who answers is told, after the hold; the callback waits for the next agent."""
    host = house(store, mode=mode)
    host.telephony.agent("ann", NEVER_ANSWERS)
    host.telephony.person(BOB, after(10), ANSWERS)
    callback_id = promised(host)
    host.run_for(5 * SECOND)
    host.service.agent_unavailable("ann")
    host.run_for(MINUTE)
    assert heard(host, Role.CUSTOMER) == [Prompt.PLEASE_HOLD, Prompt.COULD_NOT_CONNECT]
    assert host.telephony.live_legs() == []
    assert host.service.get(callback_id).state is CallbackState.WAITING
    sign_in(host, "ben")
    host.run_for(SECOND)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


# ---------------------------------------------------------------------------- everybody declines


def test_all_agents_declined_and_the_callback_waits_on(store: Store) -> None:
    """F5: by default; when the cool-down is over they are asked again."""
    host = house(store, agents=("ann", "ben"))
    for name in ("ann", "ben"):
        host.telephony.agent(name, DECLINES, ANSWERS)
    callback_id = promised(host)
    host.run_for(10 * SECOND)
    assert whom(host) == ["ann", "ben"]
    assert host.service.get(callback_id).state is CallbackState.WAITING
    host.run_for(30 * SECOND)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


def test_all_agents_declined_and_the_callback_ends_by_policy(store: Store) -> None:
    """F5: END: its own outcome, the customer is told, somebody should follow up; nobody's phone rang."""
    notices = FakeNotices()
    host = house(store, agents=("ann", "ben"), notices=notices, all_declined=AllDeclined.END)
    host.service.agent_available("eva", queues=["sales"])
    for name in ("ann", "ben"):
        host.telephony.agent(name, DECLINES)
    callback_id = promised(host)
    host.run_for(4 * SECOND)
    assert host.service.get(callback_id).state is not CallbackState.ENDED, "only one has declined"
    host.run_for(4 * SECOND)
    callback = host.service.get(callback_id)
    assert (callback.outcome, callback.attempts_count) == (Outcome.DECLINED_BY_AGENTS, 0)
    told = [NoticeKind.NO_AGENT, NoticeKind.TICKET_NOTE, NoticeKind.FOLLOW_UP]
    assert notices.kinds(callback_id) == told
    (ended,) = events(host, callback_id, "callback_ended")
    assert (ended.reason, list(ended.notices)) == ("all_declined", told)
    assert ended.follow_up_due_at == ended.at + timedelta(hours=24)
    assert host.telephony.dialed(BOB) == 0


# ---------------------------------------------------------------------------- nobody is left in silence


@pytest.mark.parametrize(
    ("customer", "told"),
    [
        (NEVER_ANSWERS, Prompt.CUSTOMER_NOT_REACHED),
        (IS_BUSY, Prompt.CUSTOMER_NOT_REACHED),
        (Behaviour(answered_by="machine"), Prompt.CUSTOMER_NOT_REACHED),  # type: ignore[arg-type]
        (Behaviour(answers_after=None, fails_after=SECOND, cause=Cause.FAILED), Prompt.CUSTOMER_NOT_REACHED),
    ],
    ids=["no answer", "busy", "machine", "network failure"],
)
@pytest.mark.parametrize("mode", [AGENT_FIRST, SIMULTANEOUS])
def test_agent_on_the_line_is_told_why_nobody_is_there(
    store: Store, mode: Mode, customer: Behaviour, told: Prompt
) -> None:
    """F8: the agent who has accepted hears why, and then the leg ends."""
    host = house(store, mode=mode)
    host.telephony.person(BOB, customer)
    promised(host)
    host.run_for(50 * SECOND)
    assert heard(host, Role.AGENT) == [told]
    assert host.telephony.live_legs() == []


@pytest.mark.parametrize(
    ("stayed", "disposition"), [(1, Disposition.ANSWERED_THEN_LEFT), (3, Disposition.UNKNOWN)]
)
def test_agent_is_told_that_the_customer_left_before_they_were_joined(
    store: Store, stayed: int, disposition: Disposition
) -> None:
    """F8: in its own words: they had answered. After two seconds they may have talked, and it is in doubt."""
    host = house(store)
    host.telephony.bridge = lambda _order: None  # type: ignore[method-assign]
    host.telephony.person(BOB, Behaviour(hangs_up_after=stayed * SECOND))
    callback_id = promised(host)
    host.run_for(5 * SECOND)
    assert heard(host, Role.AGENT) == [Prompt.CUSTOMER_LEFT]
    assert host.service.get(callback_id).last_disposition is disposition


@pytest.mark.parametrize("mode", Mode)
def test_agent_who_hangs_up_before_they_are_joined(store: Store, mode: Mode) -> None:
    """F15: an agent who had accepted is not replaced: the customer is told, and tried again."""
    host = house(store, mode=mode)
    host.telephony.bridge = lambda _order: None  # type: ignore[method-assign]
    callback_id = promised(host)
    host.run_for(SECOND)
    host.telephony.hang_up_by("ann")
    host.run_for(SECOND)
    assert host.telephony.live_legs() == []
    assert heard(host, Role.CUSTOMER)[-1] == Prompt.COULD_NOT_CONNECT
    callback = host.service.get(callback_id)
    assert callback.last_disposition is Disposition.AGENT_UNAVAILABLE
    assert callback.attempts_count == 1


# ---------------------------------------------------------------------------- what goes wrong


@pytest.mark.parametrize("mode", Mode)
def test_an_attempt_of_which_nothing_is_heard_ends_in_every_mode(store: Store, mode: Mode) -> None:
    """F14: every state has a deadline: no report at all, and still the promise goes on and the agent is free."""
    host = house(store, mode=mode)
    host.telephony.on_report = lambda _report: None
    callback_id = promised(host)
    host.run_until(lambda: host.service.get(callback_id).state is not CallbackState.ATTEMPTING)
    assert host.clock.now() - START < 3 * MINUTE
    host.telephony.on_report = host.driver.report
    host.run_until(lambda: host.service.get(callback_id).state is CallbackState.ENDED)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    host.run_for(5 * MINUTE)
    assert agent(host, "ann") is AgentState.AVAILABLE
    assert host.telephony.reserved == {}


@pytest.mark.parametrize("mode", [CUSTOMER_FIRST, SIMULTANEOUS])
def test_a_bridge_that_is_never_reported_is_in_doubt(store: Store, mode: Mode) -> None:
    """F14: nobody knows whether they talked: both are told, and they are not dialed again by themselves."""
    host = house(store, mode=mode)
    host.telephony.bridge = lambda _order: None  # type: ignore[method-assign]
    callback_id = promised(host)
    host.run_for(11 * SECOND)
    assert heard(host, Role.AGENT) == [Prompt.COULD_NOT_CONNECT]
    callback = host.service.get(callback_id)
    assert (callback.outcome, callback.last_disposition) == (Outcome.UNREACHED, Disposition.UNKNOWN)
    (ended,) = events(host, callback_id, "callback_ended")
    assert ended.reason == "in_doubt_after_answer"
    host.run_for(HOUR)
    assert host.telephony.dialed(BOB) == 1


@pytest.mark.parametrize("mode", Mode)
def test_a_dial_that_may_have_happened_is_never_done_again_under_its_id(store: Store, mode: Mode) -> None:
    """N3: the adapter raises as it dials the customer: in doubt, rested, and then a new attempt with new legs."""
    host = house(store, mode=mode)
    original, failed = host.telephony.dial, list[str]()

    def dial(order):  # type: ignore[no-untyped-def]
        if order.role is Role.CUSTOMER and not failed:
            failed.append(order.leg_id)
            raise DialUncertain
        original(order)

    host.telephony.dial = dial  # type: ignore[method-assign]
    callback_id = promised(host)
    host.run_until(lambda: host.service.get(callback_id).state is CallbackState.ENDED)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    assert host.telephony.dialed(BOB) == 1
    assert attempt_of(host, store, callback_id).customer_leg_id not in failed
    assert events(host, callback_id, "callback_rested")[0].last_disposition is Disposition.UNKNOWN


@pytest.mark.parametrize("mode", Mode)
def test_reports_twice_late_and_reordered_change_nothing_in_any_mode(store: Store, mode: Mode) -> None:
    """N2: every report again at every later moment; nobody is dialed again, and nobody is hung up who talks."""
    host = house(store, agents=("ann", "ben"), mode=mode)
    host.telephony.agent("ann", declines_after(3))
    host.telephony.person(BOB, after(5))
    reports: list[Report] = []
    tell = host.telephony.on_report

    def remember(report: Report) -> None:
        reports.append(report)
        tell(report)
        for earlier in reports:
            assert not host.service.report(earlier).changed

    host.telephony.on_report = remember
    callback_id = promised(host)
    host.run_for(10 * MINUTE)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    assert host.telephony.dialed(BOB) == 1
    before = host.service.get(callback_id)
    for report in reversed(reports):
        assert not host.driver.report(report).changed
    assert host.service.get(callback_id) == before
    assert len(reports) > 5


@pytest.mark.parametrize("mode", [CUSTOMER_FIRST, SIMULTANEOUS])
def test_late_report_of_an_earlier_agents_leg_changes_nothing(store: Store, mode: Mode) -> None:
    """N2: it is known for what it is, kept in history, and hung up where it says that somebody is there."""
    host = house(store, agents=("ann", "ben"), mode=mode)
    host.telephony.agent("ann", declines_after(3))
    host.telephony.agent("ben", NEVER_ANSWERS)
    host.telephony.person(BOB, after(1))
    callback_id = promised(host)
    host.run_for(10 * SECOND)
    before = attempt_of(host, store, callback_id)
    assert (before.agent_id, before.agents_rung_count) == ("ben", 2)
    earlier = before.agent_leg_id
    late = host.service.report(Report(leg_id=earlier, kind=ReportKind.ANSWERED))
    assert not late.changed
    assert [(type(effect).__name__, effect.leg_id) for effect in late.effects] == [("HangUp", earlier)]  # type: ignore[union-attr]
    assert host.service.report(Report(leg_id=earlier, kind=ReportKind.ENDED)).effects == ()
    assert attempt_by_id(store, before.attempt_id) == before
    ignored = [one for one in events(host, callback_id, "report_ignored") if one.leg_id == earlier]
    assert [(one.report, one.reason) for one in ignored] == [
        (ReportKind.ANSWERED, "the leg of an earlier agent"),
        (ReportKind.ENDED, "the leg of an earlier agent"),
    ]
    ben = LegId(f"{earlier}.2")
    assert host.driver.report(Report(leg_id=ben, kind=ReportKind.ANSWERED)).changed


def test_cancel_while_the_customer_holds_hangs_up_both(store: Store) -> None:
    """The promise ends at once, the legs at the next step, and the customer is not left in silence."""
    host = house(store, mode=CUSTOMER_FIRST)
    host.telephony.agent("ann", NEVER_ANSWERS)
    callback_id = promised(host)
    host.run_for(5 * SECOND)
    assert len(host.telephony.live_legs()) == 2
    host.service.cancel(callback_id)
    host.run_for(SECOND)
    assert host.telephony.live_legs() == []
    assert host.service.get(callback_id).outcome is Outcome.CANCELLED
    assert agent(host, "ann") is AgentState.AVAILABLE
    assert "callback_ended" in kinds(host, callback_id)


# ---------------------------------------------------------------------------- how long it takes


@pytest.mark.parametrize(
    ("mode", "reconnect_s"),
    [(AGENT_FIRST, 4 + 10), (CUSTOMER_FIRST, 10 + 4), (SIMULTANEOUS, 10)],
)
def test_reconnect_time_is_measured_in_every_mode(store: Store, mode: Mode, reconnect_s: float) -> None:
    """E4: from the start of an attempt until both can hear each other; a chosen time is begun so much earlier."""
    host = house(store, mode=mode)
    host.telephony.agent("ann", after(4))
    host.telephony.person(BOB, after(10, talks_for=MINUTE))
    promised(host)
    host.run_for(5 * MINUTE)
    assert host.service.rates("support").reconnect_s == reconnect_s
    chosen = host.clock.now() + HOUR
    later = promised(host, EVE, scheduled_at=chosen)
    assert host.service.get(later).due_at == chosen - timedelta(seconds=reconnect_s)


def test_machine_that_is_found_out_late_is_not_joined_to_anybody(store: Store) -> None:
    """F7: customer first: who seemed to be there is a machine: the agent, who was being rung, is free again."""
    host = house(store, mode=CUSTOMER_FIRST, detect=True)
    host.telephony.person(BOB, IS_MACHINE)
    host.telephony.agent("ann", after(10))
    callback_id = promised(host)
    host.run_for(5 * SECOND)
    assert host.service.get(callback_id).last_disposition is Disposition.MACHINE
    assert host.telephony.live_legs() == []
    assert agent(host, "ann") is AgentState.AVAILABLE

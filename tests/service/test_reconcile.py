"""F14, N1, N2: what the telephony's own account says that was not reported; and the time when it cannot be reached."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from callbackq import (
    AgentState,
    AttemptId,
    AttemptState,
    CallbackService,
    CallbackState,
    CallState,
    Cause,
    ConnectCall,
    Dial,
    Dispatcher,
    Disposition,
    Driver,
    HangUp,
    LegId,
    LegSnapshot,
    LegState,
    LookUp,
    Mode,
    Notice,
    Outcome,
    Prompt,
    Reconciled,
    Report,
    ReportKind,
    Role,
    Store,
    TelephonySnapshot,
)
from callbackq.testing import NEVER_ANSWERS, START, Behaviour, FakeTelephony, VirtualHost
from service.scenes import (
    BOB,
    EVE,
    HOUR,
    MINUTE,
    SECOND,
    ZERO,
    attempt_of,
    events,
    heard,
    house,
    promised,
    rows,
    sign_in,
    whom,
)

LONG = Behaviour(answers_after=30 * SECOND)
AGENT_FIRST, CUSTOMER_FIRST, SIMULTANEOUS = Mode.AGENT_FIRST, Mode.CUSTOMER_FIRST, Mode.SIMULTANEOUS


def deaf(host: VirtualHost, *kinds: ReportKind) -> None:
    """Lose what is reported from now on: these kinds, or all."""

    def hear(report: Report) -> None:
        if kinds and report.kind not in kinds:
            host.driver.report(report)

    host.telephony.on_report = hear


def back(host: VirtualHost) -> Reconciled:
    """Hear again, ask which legs there are, and do what follows."""
    host.telephony.on_report = host.driver.report
    found = host.service.reconcile(host.telephony.snapshot())
    host.driver.perform(found.effects)
    return found


def counts(found: Reconciled) -> tuple[int, int, int]:
    """Return how many attempts were open, of how many something was learned, and how many legs nobody wanted."""
    return found.attempts_count, found.changed_count, found.orphans_count


def snapshot(as_of: datetime, **legs: LegSnapshot) -> TelephonySnapshot:
    """Return an account."""
    return TelephonySnapshot(legs={LegId(key): leg for key, leg in legs.items()}, as_of=as_of)


# ---------------------------------------------------------------------------- a leg is gone


@pytest.mark.parametrize("mode", Mode)
def test_customers_leg_that_is_gone_has_ended_for_an_unknown_cause(store: Store, mode: Mode) -> None:
    """F14: nobody knows how: unknown, it counts, and is tried again after a rest; an agent on the line is told."""
    host = house(store, mode=mode)
    host.telephony.person(BOB, LONG)
    callback_id = promised(host)
    host.run_for(5 * SECOND)
    deaf(host)
    host.telephony.fail_by(BOB, Cause.BUSY)
    host.run_for(SECOND)
    assert host.service.get(callback_id).state is CallbackState.ATTEMPTING
    assert counts(back(host)) == (1, 1, 0)
    host.run_for(SECOND)
    callback = host.service.get(callback_id)
    assert (callback.state, callback.last_disposition) == (CallbackState.RESTING, Disposition.UNKNOWN)
    assert callback.attempts_count == 1
    assert heard(host, Role.AGENT) == ([] if mode is CUSTOMER_FIRST else [Prompt.CUSTOMER_NOT_REACHED])
    raw = {event.raw_cause for event in events(host, callback_id, "attempt_moved")}
    ended = {event.raw_cause for event in events(host, callback_id, "attempt_ended")}
    assert "not in the snapshot" in raw | ended
    host.run_for(10 * MINUTE)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


def test_agents_leg_that_is_gone_gives_the_place_back(store: Store) -> None:
    """F14: agent first: nobody was dialed: nothing is counted, the agent cools down."""
    host = house(store)
    host.telephony.agent("ann", LONG, Behaviour())
    callback_id = promised(host)
    host.run_for(5 * SECOND)
    deaf(host)
    host.telephony.fail_by("ann", Cause.REJECTED)
    host.run_for(SECOND)
    assert counts(back(host)) == (1, 1, 0)
    callback = host.service.get(callback_id)
    assert (callback.state, callback.attempts_count) == (CallbackState.WAITING, 0)
    assert host.service.agent("ann").state is AgentState.COOLING_DOWN


@pytest.mark.parametrize("mode", [CUSTOMER_FIRST, SIMULTANEOUS])
def test_agents_leg_that_is_gone_while_the_customer_holds_asks_the_next(store: Store, mode: Mode) -> None:
    """F14/F4: as if it had been reported: the next agent is rung, the customer holds on."""
    host = house(store, agents=("ann", "ben"), mode=mode)
    host.telephony.agent("ann", LONG)
    callback_id = promised(host)
    host.run_for(5 * SECOND)
    deaf(host)
    host.telephony.fail_by("ann", Cause.REJECTED)
    host.run_for(SECOND)
    back(host)
    host.run_for(SECOND)
    assert whom(host)[-1] == "ben"
    assert host.telephony.dialed(BOB) == 1
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


def test_both_legs_that_are_gone_end_the_attempt_at_once(store: Store) -> None:
    """F14: the PBX was restarted: it is over, it counts, and the agent is free."""
    host = house(store)
    host.telephony.person(BOB, LONG)
    callback_id = promised(host)
    host.run_for(5 * SECOND)
    deaf(host)
    for who in (BOB, "ann"):
        host.telephony.fail_by(who, Cause.FAILED)
    host.run_for(SECOND)
    assert counts(back(host)) == (1, 1, 0)
    assert attempt_of(host, store, callback_id).state is AttemptState.ENDED
    assert host.service.get(callback_id).attempts_count == 1
    assert host.service.agent("ann").attempt_id is None
    assert host.telephony.reserved == {}


# ---------------------------------------------------------------------------- it went on meanwhile


def test_agent_who_answered_meanwhile_is_not_kept_waiting(store: Store) -> None:
    """F14: the customer is dialed now."""
    host = house(store)
    host.telephony.agent("ann", Behaviour(answers_after=5 * SECOND))
    callback_id = promised(host)
    host.run_for(2 * SECOND)
    deaf(host)
    host.run_for(5 * SECOND)
    assert whom(host) == ["ann"]
    assert counts(back(host)) == (1, 1, 0)
    host.run_for(SECOND)
    assert whom(host) == ["ann", BOB]
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


@pytest.mark.parametrize("mode", Mode)
def test_customer_who_answered_meanwhile_is_connected(store: Store, mode: Mode) -> None:
    """F14: in every mode what follows an answer follows now."""
    host = house(store, mode=mode)
    host.telephony.person(BOB, Behaviour(answers_after=5 * SECOND))
    callback_id = promised(host)
    host.run_for(2 * SECOND)
    deaf(host)
    host.run_for(5 * SECOND)
    assert host.service.get(callback_id).state is CallbackState.ATTEMPTING
    assert counts(back(host)) == (1, 1, 0)
    host.run_for(SECOND)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    assert host.telephony.dialed(BOB) == 1


def test_both_who_answered_meanwhile_are_connected(store: Store) -> None:
    """F14: simultaneous: all that was missed is applied in order, in one go."""
    host = house(store, mode=SIMULTANEOUS)
    for who in ("ann", BOB):
        host.telephony.person(who, Behaviour(answers_after=5 * SECOND))
    callback_id = promised(host)
    host.run_for(2 * SECOND)
    deaf(host)
    host.run_for(5 * SECOND)
    back(host)
    host.run_for(SECOND)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


def test_phone_that_began_to_ring_meanwhile_counts(store: Store) -> None:
    """F14: an agent who leaves then has cost the customer an attempt."""
    host = house(store)
    host.telephony.person(BOB, LONG)
    callback_id = promised(host)
    deaf(host, ReportKind.RINGING)
    host.run_for(SECOND)
    assert not attempt_of(host, store, callback_id).customer_rang
    back(host)
    assert attempt_of(host, store, callback_id).customer_rang


def test_bridge_that_was_made_meanwhile_keeps_the_promise(store: Store) -> None:
    """F14: they talk, and nobody had said so."""
    host = house(store)
    callback_id = promised(host)
    deaf(host, ReportKind.BRIDGED)
    host.run_for(5 * SECOND)
    assert attempt_of(host, store, callback_id).state is AttemptState.JOINING
    assert counts(back(host)) == (1, 1, 0)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    assert host.service.agent("ann").state is AgentState.BUSY
    host.run_for(5 * MINUTE)
    assert attempt_of(host, store, callback_id).disposition is Disposition.CONNECTED


def test_two_who_were_parted_meanwhile_have_talked(store: Store) -> None:
    """F14: the conversation is over: both legs are hung up, and the agent is free."""
    host = house(store)
    callback_id = promised(host)
    host.run_for(MINUTE)
    deaf(host)
    host.telephony.part(BOB)
    host.run_for(SECOND)
    assert len(host.telephony.live_legs()) == 2
    assert counts(back(host)) == (1, 1, 0)
    host.run_for(SECOND)
    assert host.telephony.live_legs() == []
    assert attempt_of(host, store, callback_id).disposition is Disposition.CONNECTED
    assert host.service.agent("ann").state is AgentState.AVAILABLE


def test_talk_that_ended_meanwhile_frees_the_agent(store: Store) -> None:
    """F14: the customer hung up, and nobody had said so: the promise was kept, the agent's leg is hung up."""
    host = house(store)
    callback_id = promised(host)
    host.run_for(MINUTE)
    deaf(host)
    host.run_for(5 * MINUTE)
    assert host.service.agent("ann").state is AgentState.BUSY
    back(host)
    host.run_for(SECOND)
    assert host.telephony.live_legs() == []
    assert host.service.agent("ann").state is AgentState.AVAILABLE
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


# ---------------------------------------------------------------------------- what is left alone, and what is not


def test_legs_that_nobody_wants_are_hung_up(store: Store) -> None:
    """N1: of an attempt that is over; no other leg is touched, nor one that this tenant never had."""
    host = house(store, agents=("ann", "ben"))
    host.telephony.person(BOB, Behaviour(talks_for=None))
    host.telephony.person(EVE, LONG)
    callback_id = promised(host)
    host.run_for(MINUTE)
    over = promised(host, EVE)
    host.run_for(5 * SECOND)
    of_over = attempt_of(host, store, over)
    host.service.settle(over, Disposition.BUSY, by="eva")
    host.run_for(2 * MINUTE)
    assert attempt_of(host, store, over).state is AttemptState.ENDED
    talking = attempt_of(host, store, callback_id)
    live = LegSnapshot(state=LegState.ANSWERED, joined=True)
    ringing = LegSnapshot(state=LegState.RINGING)
    legs = {talking.agent_leg_id: live, talking.customer_leg_id: live, "leg_of_nobody": ringing}
    account = snapshot(host.clock.now(), **legs, **{of_over.customer_leg_id: ringing})  # type: ignore[arg-type]
    found = host.service.reconcile(account)
    assert counts(found) == (1, 0, 1)
    assert [(type(one), one.leg_id) for one in found.effects] == [  # type: ignore[union-attr]
        (HangUp, of_over.customer_leg_id)
    ]


def test_first_leg_that_was_intended_after_the_snapshot_is_left_alone(store: Store) -> None:
    """N1: the account is older than the leg: nothing is learned of it; at its very moment it is not either."""
    host = house(store)
    asked_at = host.clock.now()
    host.telephony.agent("ann", LONG)
    host.clock.advance(SECOND)
    callback_id = promised(host)
    host.run_for(2 * SECOND)
    written = rows(host, store)
    for as_of in (asked_at, asked_at + SECOND):
        assert counts(host.service.reconcile(snapshot(as_of))) == (1, 0, 0)
    assert rows(host, store) == written
    assert counts(host.service.reconcile(snapshot(asked_at + 2 * SECOND))) == (1, 1, 0)
    assert host.service.get(callback_id).state is CallbackState.WAITING


def test_second_leg_that_was_intended_after_the_snapshot_is_left_alone(store: Store) -> None:
    """N1: the customer's leg of an attempt that was there already when the telephony was asked."""
    host = house(store)
    host.telephony.agent("ann", Behaviour(answers_after=10 * SECOND))
    host.telephony.person(BOB, NEVER_ANSWERS)
    callback_id = promised(host)
    host.run_for(5 * SECOND)
    account = host.telephony.snapshot()
    host.run_for(10 * SECOND)
    written = rows(host, store)
    assert counts(host.service.reconcile(account)) == (1, 0, 0)
    assert rows(host, store) == written
    gone = snapshot(host.clock.now(), **{attempt_of(host, store, callback_id).agent_leg_id: ANSWERED_LEG})  # type: ignore[arg-type]
    assert counts(host.service.reconcile(gone)) == (1, 1, 0)


ANSWERED_LEG = LegSnapshot(state=LegState.ANSWERED)


@pytest.mark.parametrize("mode", Mode)
def test_next_agents_leg_that_was_intended_after_the_snapshot_is_left_alone(store: Store, mode: Mode) -> None:
    """N1/F4: the account was made while the earlier agent was rung: the later one rings on."""
    host = house(store, agents=("ann", "ben"), mode=mode)
    host.telephony.agent("ann", Behaviour(answers_after=None, fails_after=5 * SECOND))
    host.telephony.agent("ben", LONG)
    promised(host)
    host.run_for(2 * SECOND)
    account = host.telephony.snapshot()
    host.run_for(5 * SECOND)
    assert whom(host)[-1] == "ben"
    found = host.service.reconcile(account)
    assert found.changed_count == 0
    assert [one for one in found.effects if isinstance(one, HangUp)] == [
        HangUp(leg_id=LegId(leg_id)) for leg_id in account.legs if "leg_000001" in leg_id
    ]


@pytest.mark.parametrize("mode", Mode)
def test_account_that_agrees_changes_nothing(store: Store, mode: Mode) -> None:
    """N2: asked in any second of an attempt's life; and a second time after one that did change something."""
    host = house(store, agents=("ann", "ben"), mode=mode)
    host.telephony.agent("ann", Behaviour(answers_after=None, fails_after=3 * SECOND))
    host.telephony.agent("ben", Behaviour(answers_after=4 * SECOND))
    host.telephony.person(BOB, Behaviour(answers_after=6 * SECOND, talks_for=10 * SECOND))
    callback_id = promised(host)
    for _ in range(30):
        host.run_for(SECOND)
        written = rows(host, store)
        found = host.service.reconcile(host.telephony.snapshot())
        assert (found.changed_count, found.orphans_count, found.effects) == (0, 0, ())
        assert rows(host, store) == written
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("lost_for", [1, 4, 8, 20])
def test_account_twice_is_as_once(store: Store, mode: Mode, lost_for: int) -> None:
    """N2: whatever was missed, the same account again changes nothing more."""
    host = house(store, mode=mode)
    host.telephony.agent("ann", Behaviour(answers_after=3 * SECOND))
    host.telephony.person(BOB, Behaviour(answers_after=6 * SECOND, talks_for=10 * SECOND))
    callback_id = promised(host)
    host.run_for(2 * SECOND)
    deaf(host)
    host.run_for(lost_for * SECOND)
    account = host.telephony.snapshot()
    host.service.reconcile(account)
    written = rows(host, store)
    assert host.service.reconcile(account).changed_count == 0
    assert rows(host, store) == written
    back(host)
    host.run_for(10 * MINUTE)
    assert host.service.get(callback_id).state is CallbackState.ENDED
    assert host.telephony.live_legs() == []


# ---------------------------------------------------------------------------- a clock that is ahead


class AheadClock:
    """The clock of another machine, half a minute ahead."""

    def __init__(self, host: VirtualHost) -> None:
        self._clock = host.clock

    def now(self) -> datetime:
        return self._clock.now() + 30 * SECOND


class StandsStill(FakeTelephony):
    """The network as another node has it: five seconds pass between what it says and when that is heard."""

    def __init__(self, host: VirtualHost) -> None:
        super().__init__(host.clock)
        self._host = host
        self.meanwhile: Callable[[], object] = lambda: None
        self.orders: list[object] = []

    def snapshot(self) -> TelephonySnapshot:
        account = self._host.telephony.snapshot()
        self.meanwhile()
        self._host.run_for(5 * SECOND)
        return account

    def hang_up(self, order: HangUp) -> None:
        self.orders.append(order)
        self._host.telephony.hang_up(order)


class OtherNode:
    """A second node on the same store, whose clock is ahead, and which stands still while it asks for a snapshot."""

    def __init__(self, host: VirtualHost, store: Store) -> None:
        self.network = StandsStill(host)
        self.service = CallbackService(store, host.service.policies.values(), clock=AheadClock(host))
        self.driver = Driver(self.service, Dispatcher(self.service, node_id="other"), self.network)

    def comes_up(self) -> None:
        """It starts, or its connection is there again."""
        self.driver.telephony_up()

    def looks_up(self) -> None:
        """It looks for what was never reported: of any attempt, and so of all."""
        self.driver.perform([LookUp(attempt_id=AttemptId("at_any"))])


WAYS = pytest.mark.parametrize("asks", [OtherNode.comes_up, OtherNode.looks_up], ids=["comes up", "looks up"])


@WAYS
def test_two_who_were_joined_since_the_snapshot_are_not_parted(
    store: Store, asks: Callable[[OtherNode], None]
) -> None:
    """N1/N5: by the clock of the node that asked they were joined long before; they talk on, to their own end."""
    host = house(store)
    host.telephony.person(BOB, Behaviour(answers_after=5 * SECOND, talks_for=MINUTE))
    callback_id = promised(host)
    host.run_for(3 * SECOND)
    other = OtherNode(host, store)
    asks(other)
    joined = attempt_of(host, store, callback_id)
    assert joined.state is AttemptState.CONNECTED
    assert other.network.orders == []
    host.run_for(50 * SECOND)
    assert len(host.telephony.live_legs()) == 2
    host.run_for(MINUTE)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    ended, connected_at = events(host, callback_id, "attempt_ended"), joined.connected_at
    assert [event.ended_at - connected_at for event in ended] == [MINUTE]


@WAYS
@pytest.mark.parametrize("mode", [AGENT_FIRST, CUSTOMER_FIRST])
def test_second_leg_that_was_intended_since_the_snapshot_is_not_gone(
    store: Store, mode: Mode, asks: Callable[[OtherNode], None]
) -> None:
    """N1/N5: by the clock of the node that asked it should be there: it rings on, and nobody is dialed again."""
    host = house(store, mode=mode)
    first, second = ("ann", BOB) if mode is AGENT_FIRST else (BOB, "ann")
    for who, answers_after in ((first, 4 * SECOND), (second, 12 * SECOND)):
        host.telephony.person(who, Behaviour(answers_after=answers_after))
    callback_id = promised(host)
    host.run_for(2 * SECOND)
    asks(OtherNode(host, store))
    assert len(host.telephony.live_legs()) == 2
    host.run_for(10 * MINUTE)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    assert whom(host) == [first, second]


@WAYS
def test_attempt_that_began_since_the_snapshot_is_not_gone(
    store: Store, asks: Callable[[OtherNode], None]
) -> None:
    """N1/N5: there was none when the telephony was asked."""
    host = house(store)
    other = OtherNode(host, store)
    host.telephony.agent("ann", Behaviour(answers_after=10 * SECOND))
    other.network.meanwhile = lambda: promised(host)
    asks(other)
    assert len(host.telephony.live_legs()) == 1
    assert len(host.service.open_attempts()) == 1
    host.run_for(10 * MINUTE)
    assert whom(host) == ["ann", BOB]


@WAYS
def test_what_one_snapshot_left_alone_the_next_one_says(
    store: Store, asks: Callable[[OtherNode], None]
) -> None:
    """N1: a leg that came and went while the node stood still is found to be gone when it asks again."""
    host = house(store)
    host.telephony.agent("ann", Behaviour(answers_after=4 * SECOND))
    host.telephony.person(BOB, LONG)
    callback_id = promised(host)
    host.run_for(2 * SECOND)
    other = OtherNode(host, store)
    asks(other)
    deaf(host)
    host.telephony.fail_by(BOB, Cause.BUSY)
    host.run_for(SECOND)
    assert host.service.get(callback_id).state is CallbackState.ATTEMPTING
    host.telephony.on_report = host.driver.report
    asks(other)
    host.run_for(SECOND)
    assert host.service.get(callback_id).last_disposition is Disposition.UNKNOWN


def test_versions_say_which_attempts_the_account_may_speak_of(store: Store) -> None:
    """N1: a leg is gone only where its attempt is what it was; without versions the clock alone decides."""
    host = house(store)
    host.telephony.agent("ann", LONG)
    callback_id = promised(host)
    host.run_for(2 * SECOND)
    now = host.service.open_attempts()
    (version,) = now.values()
    account = snapshot(host.clock.now())
    for known in ({}, dict.fromkeys(now, version - 1)):
        assert counts(host.service.reconcile(account, known=known)) == (1, 0, 0)
    assert counts(host.service.reconcile(account, known=now)) == (1, 1, 0)
    assert host.service.get(callback_id).state is CallbackState.WAITING
    host.run_for(ZERO)
    assert counts(host.service.reconcile(account, known=now)) == (0, 0, 0)


# ---------------------------------------------------------------------------- the telephony cannot be reached


def test_nobody_is_dialed_while_the_telephony_is_down(store: Store) -> None:
    """F14/N3: no callback and no live call is given out; with it back both are, in order."""
    host = house(store)
    sign_in(host, "ben")
    callback_id = promised(host)
    host.clock.advance(SECOND)
    host.service.call_joined("support", call_id="live")
    dispatcher = Dispatcher(host.service)
    for _ in range(5):
        assert dispatcher.step(host.clock.now(), telephony=False) == ()
        host.clock.advance(MINUTE)
    assert host.service.get(callback_id).state is CallbackState.WAITING
    assert host.service.call("live").state is CallState.WAITING
    effects = dispatcher.step(host.clock.now())
    assert [type(one) for one in effects if isinstance(one, Dial | ConnectCall)] == [Dial, ConnectCall]


@pytest.mark.parametrize("mode", Mode)
def test_no_deadline_of_an_attempt_comes_while_the_telephony_is_down(store: Store, mode: Mode) -> None:
    """F14/N3: what rang may be ringing still: the attempt is where it was, and so is its callback, for hours."""
    host = house(store, mode=mode)
    host.telephony.person(BOB, NEVER_ANSWERS)
    callback_id = promised(host)
    host.run_for(5 * SECOND)
    before, callback = attempt_of(host, store, callback_id), host.service.get(callback_id)
    dispatcher = Dispatcher(host.service)
    for after in (MINUTE, HOUR, 3 * HOUR):
        assert dispatcher.step(host.clock.now() + after, telephony=False) == ()
    assert attempt_of(host, store, callback_id) == before
    assert host.service.get(callback_id) == callback


def test_live_calls_agents_and_promises_go_on_while_the_telephony_is_down(store: Store) -> None:
    """F14: chosen times come, rests are over, lives end, agents who are not heard of are signed out."""
    host = house(store, call_life=HOUR, agent_presence_max=2 * HOUR, preferred_agent_time=MINUTE)
    host.telephony.person(EVE, NEVER_ANSWERS)
    resting = promised(host, EVE)
    host.run_for(MINUTE)
    assert host.service.get(resting).state is CallbackState.RESTING
    chosen = promised(host, scheduled_at=host.clock.now() + 10 * MINUTE)
    preferring = promised(host, "+12125550107", preferred_agent="ann")
    host.service.call_joined("support", call_id="lost")
    ending = promised(host, "+12125550108", queue="sales")
    dispatcher = Dispatcher(host.service)

    def step(after: timedelta) -> None:
        host.clock.advance(after)
        effects = dispatcher.step(host.clock.now(), telephony=False)
        assert all(isinstance(effect, Notice) for effect in effects)

    step(5 * MINUTE)
    assert host.service.get(resting).state is CallbackState.WAITING
    assert host.service.get(preferring).preferred_until_at is None
    assert host.service.get(chosen).state is CallbackState.SCHEDULED
    step(5 * MINUTE)
    assert host.service.get(chosen).state is CallbackState.WAITING
    step(3 * HOUR)
    assert host.service.call("lost").state is CallState.ENDED
    assert host.service.agent("ann").state is AgentState.SIGNED_OUT
    assert host.service.cancel(preferring).outcome is Outcome.CANCELLED
    step(timedelta(hours=24))
    assert host.service.get(ending).outcome is Outcome.EXPIRED


@pytest.mark.parametrize("mode", Mode)
def test_all_goes_on_when_the_telephony_is_back(store: Store, mode: Mode) -> None:
    """F14/N1: in every mode: what it says settles the attempt, and the promise is kept."""
    host = house(store, mode=mode)
    host.telephony.person(BOB, NEVER_ANSWERS, Behaviour())
    callback_id = promised(host)
    host.run_for(5 * SECOND)
    deaf(host)
    host.driver.telephony_down()
    host.run_for(15 * MINUTE)
    assert host.service.get(callback_id).state is CallbackState.ATTEMPTING
    host.telephony.on_report = host.driver.report
    host.driver.telephony_up(host.telephony.snapshot())
    host.run_for(ZERO)
    callback = host.service.get(callback_id)
    assert (callback.state, callback.last_disposition) == (CallbackState.RESTING, Disposition.UNKNOWN)
    host.run_for(10 * MINUTE)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    assert host.telephony.live_legs() == []


def test_next_wakeup_is_not_asked_to_do_what_must_wait(store: Store) -> None:
    """F14: the driver looks again once a second at most while the telephony is down."""
    host = house(store)
    host.telephony.person(BOB, NEVER_ANSWERS)
    promised(host)
    host.run_for(5 * SECOND)
    host.driver.telephony_down()
    host.clock.advance(HOUR)
    assert host.clock.now() > START
    wakes_at = host.driver.next_wakeup()
    assert wakes_at is not None
    assert wakes_at >= host.clock.now() + SECOND

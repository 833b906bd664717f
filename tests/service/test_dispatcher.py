"""The dispatcher: commits first, returns effects as data, says when to be called again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from callbackq import (
    DEFAULT_TENANT,
    AttemptState,
    CallbackService,
    CallbackState,
    Commit,
    ConfigurationError,
    ConnectCall,
    Dial,
    Dispatcher,
    Disposition,
    InvalidText,
    InvalidTime,
    QueueName,
    QueuePolicy,
    RandomIds,
    Report,
    ReportKind,
    ReserveAgent,
    Role,
    Store,
    StoreUnavailable,
)
from callbackq.core import lifecycle
from callbackq.core.decision import Decision, told
from callbackq.events import AttemptMoved
from callbackq.testing import START, Behaviour, ManualClock, SequentialIds, VirtualHost
from callbackq.writing import write
from service.scenes import BOB, EVE, dials


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still."""
    return ManualClock()


@pytest.fixture
def service(store: Store, clock: ManualClock) -> CallbackService:
    """A service without any telephony."""
    return CallbackService(
        store, [QueuePolicy(queue="support", calling=None)], clock=clock, ids=SequentialIds()
    )


def test_effects_come_after_the_commit_and_once(service: CallbackService, store: Store) -> None:
    """The intent is in the store when the dial is given out; the next step gives it out no more."""
    dispatcher = Dispatcher(service)
    callback_id = service.request("support", number=BOB).callback_id
    service.agent_available("ann", queues=["support"])
    (dial,) = dials(dispatcher.step(START))
    assert dial.role is Role.AGENT
    with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        attempt = tx.attempts.by_leg(dial.leg_id)
    assert attempt is not None
    assert attempt.state is AttemptState.INTENDED
    assert attempt.callback_id == callback_id
    assert dispatcher.step(START) == ()


def test_agent_sees_the_whole_context(service: CallbackService) -> None:
    """The effect for the agent's leg carries name, number (masked in its repr), context and times."""
    dispatcher = Dispatcher(service)
    service.call_joined("support", call_id="c", number=BOB, name="Bob", context={"menu": "billing"})
    service.request("support", call_id="c", context={"reason": "refund"}, language="de")
    service.agent_available("ann", queues=["support"])
    (dial,) = dials(dispatcher.step(START))
    assert dial.context == {"menu": "billing", "reason": "refund"}
    assert (dial.name, dial.language, dial.number, dial.attempt_number) == ("Bob", "de", BOB, 1)
    assert "5550101" not in repr(dial)
    assert "Bob" not in repr(dial)
    assert "refund" not in repr(dial)


def test_next_wakeup_is_the_earliest_due_time(service: CallbackService, clock: ManualClock) -> None:
    """A host with its own loop learns when to step though nobody said anything."""
    dispatcher = Dispatcher(service)
    assert dispatcher.next_wakeup() is None
    service.request("support", number=BOB)
    assert dispatcher.next_wakeup() == START + timedelta(minutes=45), "it will have waited long"
    service.agent_available("ann", queues=["support"])
    assert dispatcher.next_wakeup() == START + timedelta(minutes=45)
    dispatcher.step(START)
    assert dispatcher.next_wakeup() == START + timedelta(seconds=30)
    clock.move_to(START + timedelta(seconds=30))
    dispatcher.step(clock.now())
    assert dispatcher.next_wakeup() == START + timedelta(seconds=40)


def test_batches_bound_a_step(service: CallbackService, clock: ManualClock) -> None:
    """More is due than one step takes: the rest comes with the next, at once."""
    dispatcher = Dispatcher(service, batch_max=2)
    receipts = [service.request("support", number=f"+1212555010{n}") for n in range(1, 6)]
    clock.advance(timedelta(days=2))
    for ended in (2, 4, 5):
        dispatcher.step(clock.now())
        states = [service.get(receipt.callback_id).state for receipt in receipts]
        assert states.count(CallbackState.ENDED) == ended
    assert dispatcher.next_wakeup() is None


def test_promise_that_is_due_now_goes_before_a_later_live_call(
    service: CallbackService, clock: ManualClock
) -> None:
    """A callback whose rest is over at this very moment is promoted before agents are given work."""
    dispatcher = Dispatcher(service)
    scheduled_at = START + timedelta(minutes=5)
    receipt = service.request("support", number=BOB, scheduled_at=scheduled_at)
    clock.move_to(scheduled_at + timedelta(seconds=1))
    service.call_joined("support", call_id="later")
    service.agent_available("ann", queues=["support"])
    effects = dispatcher.step(clock.now())
    assert [type(effect) for effect in effects] == [ReserveAgent, Dial]
    assert [dial.callback_id for dial in dials(effects)] == [receipt.callback_id]


def test_live_calls_before_and_after_a_callback_are_served_in_order(
    service: CallbackService, clock: ManualClock
) -> None:
    """One step with three free agents keeps the order over both kinds."""
    service.call_joined("support", call_id="1")
    clock.advance(timedelta(seconds=1))
    service.request("support", number=BOB)
    clock.advance(timedelta(seconds=1))
    service.call_joined("support", call_id="3")
    for name in ("a", "b", "c"):
        service.agent_available(name, queues=["support"])
    effects = Dispatcher(service).step(clock.now())
    assert [type(effect) for effect in effects] == [ConnectCall, ReserveAgent, Dial, ConnectCall]


def test_attempt_that_outlived_every_deadline_is_let_go(
    service: CallbackService, store: Store, clock: ManualClock
) -> None:
    """Should an attempt ever lose its own due time, the callback is not lost with it."""
    dispatcher = Dispatcher(service)
    callback_id = service.request("support", number=BOB).callback_id
    service.agent_available("ann", queues=["support"])
    dispatcher.step(START)
    attempt_id = service.get(callback_id).attempt_id
    assert attempt_id is not None
    with store.transaction(DEFAULT_TENANT, commit=Commit.FLUSHED) as tx:
        attempt = tx.attempts.get(attempt_id)
        stuck = attrs.evolve(attempt, version=2, due_at=START + timedelta(days=9))
        write(tx, Decision(records=(stuck,), events=(told(AttemptMoved, stuck, at=START, cause=""),)))
    clock.move_to(START + timedelta(minutes=10))
    dispatcher.step(clock.now())
    assert service.get(callback_id).state is CallbackState.ATTEMPTING  # Its legs may be up still.
    with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        assert tx.attempts.get(attempt_id).state is AttemptState.ENDING
    for _ in range(2):
        dispatcher.step(clock.now())
        clock.advance(timedelta(minutes=1))
    dispatcher.step(clock.now())
    callback = service.get(callback_id)
    assert callback.state is CallbackState.RESTING
    assert callback.last_disposition is Disposition.UNKNOWN
    with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        assert tx.attempts.get(attempt_id).state is AttemptState.ENDED


@pytest.mark.parametrize("now", [datetime(2026, 1, 5), datetime(1970, 1, 1, tzinfo=UTC)])  # noqa: DTZ001
def test_step_refuses_a_bad_time(service: CallbackService, now: datetime) -> None:
    """A naive time, or one out of range, is refused."""
    with pytest.raises(InvalidTime):
        Dispatcher(service).step(now)


def test_service_refuses_a_clock_without_a_zone(store: Store) -> None:
    """A host's clock that returns naive times is named."""

    class NaiveClock:
        def now(self) -> datetime:
            return datetime(2026, 1, 5)  # noqa: DTZ001

    with pytest.raises(InvalidTime, match="clock"):
        CallbackService(store, [QueuePolicy(queue="support")], clock=NaiveClock()).agent_available(
            "a", queues=[]
        )


def test_commands_wake_the_dispatcher(service: CallbackService) -> None:
    """Whoever registered is told of every command that wrote something, and of no reader."""
    woken: list[int] = []
    service.when_changed(lambda: woken.append(1))
    receipt = service.request("support", number=BOB)
    assert len(woken) == 1
    service.get(receipt.callback_id)
    service.explain(receipt.callback_id)
    assert len(woken) == 1


def test_agent_first_attempts_never_exceed_free_agents(make_host: Callable[..., VirtualHost]) -> None:
    """Invariant 9: three promises and two agents make two attempts."""
    host = make_host()
    for number in (BOB, EVE, "+12125550103"):
        host.service.request("support", number=number)
    for name in ("a", "b"):
        host.service.agent_available(name, queues=["support"])
    host.run_for(timedelta(seconds=1))
    assert len(host.telephony.live_legs(Role.AGENT)) == 2
    assert len(host.telephony.live_legs(Role.CUSTOMER)) == 2


def test_ringing_report_says_what_it_changed(make_host: Callable[..., VirtualHost]) -> None:
    """A report's answer says whether it moved anything."""
    host = make_host()
    host.telephony.on_report = lambda _report: None
    host.service.request("support", number=BOB)
    host.service.agent_available("a", queues=["support"])
    host.run_for(timedelta(0))
    (leg,) = host.telephony.live_legs()
    assert host.service.report(Report(leg_id=leg, kind=ReportKind.RINGING)).changed
    assert not host.service.report(Report(leg_id=leg, kind=ReportKind.RINGING)).changed


def test_queues_without_a_policy_are_left_to_others(store: Store, clock: ManualClock) -> None:
    """A node that does not know a queue neither touches its rows nor stumbles over them."""
    both = [QueuePolicy(queue="support", calling=None), QueuePolicy(queue="sales", calling=None)]
    whole = CallbackService(store, both, clock=clock, ids=SequentialIds())
    part = CallbackService(store, both[:1], clock=clock, ids=SequentialIds())
    lost = whole.request("sales", number=BOB)
    whole.call_joined("sales", call_id="s")
    whole.agent_available("ann", queues=["sales", "support"])
    dispatcher = Dispatcher(part)
    assert dispatcher.step(clock.now()) == ()
    clock.advance(timedelta(days=2))
    dispatcher.step(clock.now())
    assert dispatcher.next_wakeup() is None
    assert whole.get(lost.callback_id).state is CallbackState.WAITING
    Dispatcher(whole).step(clock.now())
    assert whole.get(lost.callback_id).outcome == "expired"


def fails_when_flushed(store: Store, error: Exception) -> Store:
    """Return a view of *store* whose flushed transactions fail."""

    class Failing:
        pepper = store.pepper

        def transaction(self, tenant_id, *, commit):  # type: ignore[no-untyped-def]
            if commit is Commit.FLUSHED:
                raise error
            return store.transaction(tenant_id, commit=commit)

        def close(self) -> None:
            return None

    return Failing()


def test_what_the_first_pass_committed_is_given_out_though_the_second_fails(
    service: CallbackService, store: Store, clock: ManualClock
) -> None:
    """The live caller is connected; the promise is done by the next step."""
    service.call_joined("support", call_id="live")
    clock.advance(timedelta(seconds=1))
    callback_id = service.request("support", number=BOB).callback_id
    for name in ("a", "b"):
        service.agent_available(name, queues=["support"])
    broken = CallbackService(
        fails_when_flushed(store, StoreUnavailable()), service.policies.values(), clock=clock, ids=RandomIds()
    )
    (effect,) = Dispatcher(broken).step(clock.now())
    assert isinstance(effect, ConnectCall)
    with pytest.raises(StoreUnavailable):
        Dispatcher(broken).step(clock.now())
    (dial,) = dials(Dispatcher(service).step(clock.now()))
    assert dial.callback_id == callback_id


def test_one_record_that_cannot_be_moved_stops_no_other(
    service: CallbackService, store: Store, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """What is due is then done one by one; the bad one is named, without its contents."""
    for number in (BOB, EVE, "+12125550103"):
        service.request("support", number=number)
    bad = "cb_000002"
    original = lifecycle.expire

    def stumble(callback, **rest):  # type: ignore[no-untyped-def]
        if callback.callback_id == bad:
            raise RuntimeError(BOB)
        return original(callback, **rest)

    clock.advance(timedelta(days=2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lifecycle, "expire", stumble)
        Dispatcher(service).step(clock.now())
    assert [service.get(f"cb_00000{n}").state for n in (1, 3)] == [CallbackState.ENDED] * 2
    assert service.get(bad).state is not CallbackState.ENDED
    assert f"{bad} cannot be moved: RuntimeError" in caplog.text
    assert "5550101" not in caplog.text
    Dispatcher(service).step(clock.now())
    assert service.get(bad).state is CallbackState.ENDED


@pytest.mark.parametrize("down", [timedelta(minutes=1), timedelta(minutes=7), timedelta(hours=3)])
def test_a_node_that_was_down_costs_nobody_an_attempt(
    service: CallbackService, clock: ManualClock, down: timedelta
) -> None:
    """Only the agent was being rung: however long nobody was there, the place is kept and nothing is counted."""
    callback_id = service.request("support", number=BOB).callback_id
    service.agent_available("ann", queues=["support"])
    Dispatcher(service).step(clock.now())
    clock.advance(down)
    dispatcher = Dispatcher(service)
    for _ in range(4):
        dispatcher.step(clock.now())
        clock.advance(timedelta(seconds=30))
    callback = service.get(callback_id)
    assert callback.attempts_count == 0
    assert callback.state in {CallbackState.WAITING, CallbackState.ATTEMPTING}
    kinds = [event.kind for event in service.history(callback_id)]
    assert "callback_returned" in kinds
    assert ("callback_watched" in kinds) is (
        down > lifecycle.attempt_time_max(service.policies[QueueName("support")])
    )


def test_a_conversation_that_never_ends_is_hung_up_before_its_agent_is_free(
    make_host: Callable[..., VirtualHost],
) -> None:
    """No agent is on two calls, and no number on two legs, though the end was never reported."""
    host = make_host(talk_time_max=timedelta(minutes=1))
    host.telephony.person(BOB, Behaviour(talks_for=None))
    host.service.request("support", number=BOB)
    host.service.request("support", number=EVE)
    host.service.agent_available("ann", queues=["support"])
    host.run_for(timedelta(seconds=59))
    assert len(host.telephony.live_legs()) == 2
    host.run_for(timedelta(seconds=2))
    assert host.telephony.dialed(EVE) == 1
    assert len(host.telephony.live_legs()) == 2


@pytest.mark.parametrize("batch_max", [0, -1])
def test_a_step_that_could_do_nothing_is_refused(service: CallbackService, batch_max: int) -> None:
    """It would never come to an end."""
    with pytest.raises(ConfigurationError, match="batch_max"):
        Dispatcher(service, batch_max=batch_max)


def test_reports_are_read_as_text_too_and_bounded(
    make_host: Callable[..., VirtualHost], store: Store
) -> None:
    """An adapter may say the words of the enums; the PBX's own words are cut and cleaned; nonsense is refused."""
    host = make_host()
    host.telephony.on_report = lambda _report: None
    callback_id = host.service.request("support", number=BOB).callback_id
    host.service.agent_available("a", queues=["support"])
    host.run_for(timedelta(0))
    (leg,) = host.telephony.live_legs()
    words = Report(leg_id=leg, kind="ended", cause="rejected", raw_cause="x\ud800\n" * 10_000)  # type: ignore[arg-type]
    assert words.raw_cause == ("x??" * 100)[:200]
    assert host.service.report(words).changed
    assert host.service.get(callback_id).state is CallbackState.WAITING
    for nonsense in ({"kind": "sneezed"}, {"cause": "?"}, {"answered_by": "cat"}):
        with pytest.raises(ValueError, match="not a valid"):
            Report(**{"leg_id": leg, "kind": "ended", **nonsense})  # type: ignore[arg-type]
    with pytest.raises(InvalidText, match="leg_id"):
        host.service.report(Report(leg_id="\udce9", kind=ReportKind.RINGING))  # type: ignore[arg-type]


def test_what_expired_is_not_dialed_though_more_is_due_than_a_step_takes(
    service: CallbackService, clock: ManualClock
) -> None:
    """After a long time down: first everything that is due, and nobody is called about a promise of days ago."""
    for n in range(10):
        service.request("support", number=f"+1212555{n:04d}")
    clock.advance(timedelta(days=3))
    service.agent_available("ann", queues=["support"])
    dispatcher = Dispatcher(service, batch_max=3)
    for _ in range(6):
        assert dispatcher.step(clock.now()) == ()


def test_a_queue_that_is_gone_is_wound_up(store: Store, clock: ManualClock) -> None:
    """Its reports are taken, its callbacks can be cancelled, its agents go free; and explain says why nobody dials."""
    both = [QueuePolicy(queue="support", calling=None), QueuePolicy(queue="sales", calling=None)]
    whole = CallbackService(store, both, clock=clock, ids=SequentialIds())
    waiting = whole.request("sales", number=EVE)
    clock.advance(timedelta(seconds=1))
    begun = whole.request("sales", number=BOB, priority=0)
    whole.agent_available("ann", queues=["sales", "support"])
    (dial,) = dials(Dispatcher(whole).step(clock.now()))
    part = CallbackService(store, both[:1], clock=clock, ids=RandomIds())
    assert part.report(Report(leg_id=dial.leg_id, kind=ReportKind.ENDED)).changed
    assert part.get(begun.callback_id).state is CallbackState.WAITING
    assert part.explain(waiting.callback_id).rule == "queue_not_configured"
    assert part.cancel(waiting.callback_id).outcome == "cancelled"
    part.call_joined("support", call_id="live")
    clock.advance(timedelta(seconds=30))
    assert [type(effect) for effect in Dispatcher(part).step(clock.now())] == [ConnectCall]


def test_what_expired_is_never_dialed_even_if_its_expiry_stumbles(
    service: CallbackService, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The head of the line is looked at once more before anybody is called."""
    receipt = service.request("support", number=BOB)
    clock.advance(timedelta(days=2))
    service.agent_available("ann", queues=["support"])

    def stumble(_callback, *, now):  # type: ignore[no-untyped-def]
        raise RuntimeError

    monkeypatch.setattr(lifecycle, "due", stumble)
    assert Dispatcher(service).step(clock.now()) == ()
    assert service.get(receipt.callback_id).outcome == "expired"

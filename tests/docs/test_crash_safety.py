"""Each row of the table in `docs/explanation/crash-safety.md`: a process dies there, and another one goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from callbackq import (
    DEFAULT_TENANT,
    AgentState,
    Attempt,
    Callback,
    CallbackService,
    CallbackState,
    Commit,
    ConnectCall,
    Dial,
    Disposition,
    Effect,
    HangUp,
    Outcome,
    QueuePolicy,
    RandomIds,
    Report,
    ReportKind,
    SlotUnavailable,
    SQLiteStore,
)
from callbackq.core import calls
from callbackq.dispatcher import Dispatcher
from callbackq.policy import FixedSeats, SlotPolicy
from callbackq.testing import Carried, FakeTelephony, ManualClock, VirtualHost

BOB = "+12125550101"
POLICY = QueuePolicy(queue="support")
BOOKABLE = QueuePolicy(
    queue="support", calling=None, slots=SlotPolicy(seats=FixedSeats(seats=1), closing_ratio=None)
)


class Mute(FakeTelephony):
    """One that cannot say which legs it has."""

    snapshot = None  # type: ignore[assignment]


class Crash:
    """One process that stops at a point of an attempt, and the one that opens the file after it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = ManualClock()
        self.store = SQLiteStore(path)
        self.host = VirtualHost(self.store, [POLICY], clock=self.clock, telephony=Mute)
        self.dispatcher = Dispatcher(self.host.service)
        self.callback_id = self.host.service.request("support", number=BOB).callback_id
        self.host.service.agent_available("ann", queues=["support"])

    def step(self) -> Dial:
        (effect,) = [effect for effect in self.dispatcher.step(self.clock.now()) if isinstance(effect, Dial)]
        return effect

    def report(self, effect: Effect, kind: ReportKind) -> tuple[Effect, ...]:
        leg_id = getattr(effect, "leg_id", None) or effect.customer_leg_id  # type: ignore[union-attr]
        return self.host.service.report(Report(leg_id=leg_id, kind=kind)).effects

    def restart(self) -> None:
        """Nothing of the old process is left but the file."""
        self.store.close()
        self.store = SQLiteStore(self.path)
        self.host = VirtualHost(self.store, [POLICY], clock=self.clock, ids=RandomIds(), telephony=Mute)

    @property
    def callback(self) -> Callback:
        return self.host.service.get(self.callback_id)

    @property
    def attempt(self) -> Attempt:
        attempt_id = next(
            e.attempt_id for e in self.host.service.history(self.callback_id) if e.entity == "attempt"
        )  # type: ignore[attr-defined]
        with self.store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
            return tx.attempts.get(attempt_id)

    @property
    def agent_state(self) -> AgentState:
        with self.store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
            agent = tx.agents.find("ann")  # type: ignore[arg-type]
            assert agent is not None
            return agent.state

    def run_until_attempt_ended(self) -> timedelta:
        started_at = self.clock.now()
        self.host.run_until(lambda: self.attempt.ended_at is not None)
        return self.clock.now() - started_at


@pytest.fixture
def crash(tmp_path: Path) -> Iterator[Crash]:
    made = Crash(tmp_path / "callbacks.db")
    yield made
    made.store.close()


def test_before_the_promise_is_stored(tmp_path: Path) -> None:
    """Nothing: no receipt was given, and the caller is still in line."""
    store = SQLiteStore(tmp_path / "callbacks.db")
    service = CallbackService(store, [POLICY], clock=ManualClock())
    service.call_joined("support", call_id="bob", number=BOB)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calls, "convert", _dies)
        with pytest.raises(KeyboardInterrupt):
            service.request("support", call_id="bob")
    store.close()
    again = CallbackService(SQLiteStore(tmp_path / "callbacks.db"), [POLICY], clock=ManualClock())
    position = again.call_position("bob")
    assert position is not None
    assert position.number == 1
    assert again.request("support", call_id="bob").position == position
    again.store.close()


def _dies(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_after_the_promise_is_stored(tmp_path: Path) -> None:
    """Asking again with the same live call gives the same receipt."""
    receipts = []
    for _ in range(2):
        store = SQLiteStore(tmp_path / "callbacks.db")
        service = CallbackService(store, [POLICY], clock=ManualClock())
        if not receipts:
            service.call_joined("support", call_id="bob", number=BOB)
        receipts.append(service.request("support", call_id="bob"))
        store.close()
    assert receipts[0] == receipts[1]


def test_before_a_live_caller_is_connected(crash: Crash) -> None:
    """Taken, and never connected: the host says so, and the caller has the same place again."""
    crash.host.service.cancel(crash.callback_id)
    crash.host.service.call_joined("support", call_id="live")
    (connect,) = crash.dispatcher.step(crash.clock.now())
    assert isinstance(connect, ConnectCall)
    crash.restart()
    assert crash.host.service.call_position("live") is None
    crash.host.service.call_returned("live")
    position = crash.host.service.call_position("live")
    assert position is not None
    assert position.number == 1


def test_after_a_seat_was_held(tmp_path: Path) -> None:
    """Nobody knows of it: it is held for a while, and free then."""
    clock, first = ManualClock(), SQLiteStore(tmp_path / "callbacks.db")
    service = CallbackService(first, [BOOKABLE], clock=clock)
    (slot,) = service.free_slots("support", limit=1)
    lost = service.hold_slot("support", slot_at=slot.starts_at, number=BOB)
    first.close()  # And its answer is lost.
    with closing(SQLiteStore(tmp_path / "callbacks.db")) as second:
        service = CallbackService(second, [BOOKABLE], clock=clock)
        with pytest.raises(SlotUnavailable):
            service.hold_slot("support", slot_at=slot.starts_at, number=BOB)
        assert service.free_slots("support", limit=1)[0].starts_at > slot.starts_at
        clock.advance(BOOKABLE.slots.hold_time if BOOKABLE.slots else timedelta(0))
        again = service.hold_slot("support", slot_at=slot.starts_at, number=BOB)
        assert again.booking_id != lost.booking_id


def test_after_a_seat_was_booked(tmp_path: Path) -> None:
    """Asked again it is the same promise, and the same seat; and it is kept at its time."""
    clock, first = ManualClock(), SQLiteStore(tmp_path / "callbacks.db")
    service = CallbackService(first, [BOOKABLE], clock=clock)
    (slot,) = service.free_slots("support", limit=1)
    held = service.hold_slot("support", slot_at=slot.starts_at, number=BOB)
    lost = service.request("support", number=BOB, booking_id=held.booking_id, request_key="form-1")
    first.close()  # And the receipt is lost.
    with closing(SQLiteStore(tmp_path / "callbacks.db")) as second:
        host = VirtualHost(second, [BOOKABLE], clock=clock, ids=RandomIds(), telephony=Mute)
        again = host.service.request("support", number=BOB, booking_id=held.booking_id, request_key="form-1")
        assert again.callback_id == lost.callback_id
        same = next(one for one in host.service.slots("support") if one.starts_at == slot.starts_at)
        assert (same.taken_count, same.seats_count) == (1, 1)
        assert host.service.get(lost.callback_id).state is CallbackState.SCHEDULED
        host.service.agent_available("ann", queues=["support"])
        host.run_until(slot.ends_at)
        assert host.service.get(lost.callback_id).outcome is Outcome.COMPLETED


def test_before_the_intent_is_stored(crash: Crash) -> None:
    """The callback waits as before."""
    crash.restart()
    assert crash.callback.state is CallbackState.WAITING
    crash.host.run_for(timedelta(seconds=1))
    assert crash.callback.outcome is Outcome.COMPLETED
    assert crash.host.telephony.dialed(BOB) == 1


def test_while_the_agent_is_being_asked(crash: Crash) -> None:
    """The attempt does not count, the place is kept, and the customer's phone never rang."""
    crash.step()
    crash.restart()
    assert crash.run_until_attempt_ended() == timedelta(seconds=40)
    assert crash.attempt.disposition is Disposition.AGENT_UNAVAILABLE
    assert crash.callback.state is CallbackState.WAITING
    assert crash.callback.attempts_count == 0
    assert crash.agent_state is AgentState.COOLING_DOWN
    assert crash.host.telephony.dialed(BOB) == 0


def test_while_the_customer_is_being_dialed(crash: Crash) -> None:
    """In doubt: unknown, counted, and rested."""
    crash.report(crash.step(), ReportKind.ANSWERED)
    crash.restart()
    assert crash.run_until_attempt_ended() == timedelta(seconds=150)
    assert crash.attempt.disposition is Disposition.UNKNOWN
    assert crash.callback.state is CallbackState.RESTING
    assert crash.callback.attempts_count == 1
    assert crash.callback.due_at == crash.clock.now() + timedelta(minutes=5)
    assert crash.agent_state is AgentState.AVAILABLE


def test_while_the_customers_phone_rings(crash: Crash) -> None:
    """It is known to have rung: no answer."""
    (dial,) = crash.report(crash.step(), ReportKind.ANSWERED)
    crash.report(dial, ReportKind.RINGING)
    crash.restart()
    crash.run_until_attempt_ended()
    assert crash.attempt.disposition is Disposition.NO_ANSWER
    assert crash.callback.state is CallbackState.RESTING
    assert crash.callback.due_at == crash.clock.now() + timedelta(minutes=2)


def test_when_the_customer_has_answered(crash: Crash) -> None:
    """Nobody knows what was said: never dialed again by itself."""
    (dial,) = crash.report(crash.step(), ReportKind.ANSWERED)
    crash.report(dial, ReportKind.ANSWERED)
    crash.restart()
    assert crash.run_until_attempt_ended() == timedelta(seconds=160)
    assert crash.attempt.disposition is Disposition.UNKNOWN
    assert crash.callback.outcome is Outcome.UNREACHED
    assert crash.host.service.history(crash.callback_id)[-1].reason == "in_doubt_after_answer"  # type: ignore[attr-defined]
    crash.host.run_for(timedelta(days=1))
    assert crash.host.telephony.dialed(BOB) == 0


def test_during_the_conversation(crash: Crash) -> None:
    """The promise is kept; the agent is busy until the end is reported, or the legs are hung up at last."""
    (dial,) = crash.report(crash.step(), ReportKind.ANSWERED)
    (bridge,) = crash.report(dial, ReportKind.ANSWERED)
    crash.report(bridge, ReportKind.BRIDGED)
    crash.restart()
    assert crash.callback.outcome is Outcome.COMPLETED
    crash.host.run_for(POLICY.talk_time_max - timedelta(seconds=1))
    assert crash.agent_state is AgentState.BUSY
    crash.host.run_for(timedelta(minutes=2))
    assert crash.agent_state is AgentState.AVAILABLE
    assert crash.attempt.disposition is Disposition.CONNECTED


def test_while_the_legs_are_being_hung_up(crash: Crash) -> None:
    """The legs are hung up again."""
    first = crash.step()
    crash.clock.advance(timedelta(seconds=30))
    crash.dispatcher.step(crash.clock.now())  # the hang-up is lost
    crash.restart()
    dispatcher = Dispatcher(crash.host.service)
    crash.clock.advance(POLICY.hang_up_time_max)
    effects = dispatcher.step(crash.clock.now())
    assert [effect.leg_id for effect in effects if isinstance(effect, HangUp)] == [first.leg_id]
    assert crash.callback.state is CallbackState.WAITING


def test_reports_that_come_to_the_new_process_are_taken(crash: Crash) -> None:
    """If the phone system lived on, its reports go on where they were."""
    (dial,) = crash.report(crash.step(), ReportKind.ANSWERED)
    crash.restart()
    (bridge,) = crash.report(dial, ReportKind.ANSWERED)
    crash.report(bridge, ReportKind.BRIDGED)
    assert crash.callback.outcome is Outcome.COMPLETED


@pytest.mark.parametrize("answers", [0, 1, 2])
def test_no_leg_is_dialed_again(crash: Crash, answers: int) -> None:
    """The legs of an attempt that was left behind are never dialed by the process after it."""
    legs = [dial := crash.step()]
    for _ in range(answers):
        (dial,) = crash.report(dial, ReportKind.ANSWERED)
        legs.append(dial)  # type: ignore[arg-type]
    crash.restart()
    crash.host.run_for(timedelta(hours=2))
    dialed = {entry.leg_id for entry in crash.host.telephony.log if entry.what is Carried.DIALED}
    assert not dialed & {getattr(leg, "leg_id", None) for leg in legs}
    assert bool(dialed) is (answers < 2)

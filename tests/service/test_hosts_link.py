"""The connection to the telephony: lost, found again, and what must be known before dialing goes on."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import attrs
import pytest

from callbackq import (
    AgentState,
    AttemptId,
    AttemptState,
    CallbackService,
    CallbackState,
    Commit,
    Dispatcher,
    Disposition,
    Driver,
    HangUp,
    LegId,
    LookUp,
    MemoryStore,
    Outcome,
    QueuePolicy,
    StoreUnavailable,
    TelephonyDown,
    TelephonySnapshot,
    ThreadRunner,
)
from callbackq.runners.link import BAD_SNAPSHOTS_MAX
from callbackq.testing import Behaviour, FakeTelephony, ManualClock, VirtualHost
from service.hosts_network import (
    FastClock,
    wait_for,
)

BOB = "+12125550101"
SECOND = timedelta(seconds=1)
ANSWERS_LATE = Behaviour(answers_after=timedelta(seconds=30))


class Network(FakeTelephony):
    """A network whose reports are lost while the connection is down, and whose snapshot may fail."""

    down = False
    error: BaseException | None = None
    asked_count = 0

    def _report(self, report: Any) -> None:
        if not self.down:
            super()._report(report)

    def snapshot(self) -> TelephonySnapshot:
        self.asked_count += 1
        if self.error is not None:
            raise self.error
        return super().snapshot()


class WithoutSnapshot:
    """The same, but it cannot say which legs it has."""

    def __init__(self, network: FakeTelephony) -> None:
        for name in (
            "dial",
            "bridge",
            "hang_up",
            "play",
            "stop_play",
            "send_digits",
            "connect_call",
        ):
            setattr(self, name, getattr(network, name))


def ringing_host() -> tuple[VirtualHost, Network, str]:
    """Return a host in which Ann has accepted, and Bob's phone rings."""
    policy = QueuePolicy(queue="support", agent_presence_max=timedelta(hours=1))
    host = VirtualHost(MemoryStore(), [policy], telephony=Network)
    network = host.telephony
    assert isinstance(network, Network)
    network.person(BOB, ANSWERS_LATE)
    callback_id = host.service.request("support", number=BOB).callback_id
    host.service.agent_available("ann", queues=["support"])
    host.run_for(5 * SECOND)
    assert network.dialed(BOB) == 1
    return host, network, callback_id


def lose(host: VirtualHost, network: Network) -> None:
    """Lose the connection."""
    network.down = True
    host.driver.telephony_down()


def find(host: VirtualHost, network: Network) -> None:
    """Find it again."""
    network.down = False
    host.driver.telephony_up()


def test_no_deadline_comes_while_the_telephony_is_down() -> None:
    """Long after the ring time nobody was given up, and nobody else is begun; the rest of the house goes on."""
    host, network, callback_id = ringing_host()
    lose(host, network)
    host.service.call_joined("support", call_id="live")
    host.service.agent_available("ben", queues=["support"])
    other = host.service.request("support", number="+12125550102").callback_id
    host.run_for(timedelta(minutes=30))
    assert host.service.get(callback_id).state is CallbackState.ATTEMPTING
    assert network.dialed("+12125550102") == 0
    assert host.service.call_position("live") is not None
    assert host.service.cancel(other).outcome is Outcome.CANCELLED
    host.run_for(timedelta(hours=1))
    assert host.service.agent("ben").state is AgentState.SIGNED_OUT  # Nobody heard of them for so long.


def test_who_answered_meanwhile_is_joined_when_it_is_up() -> None:
    """The snapshot says so; the promise is kept, with one dial."""
    host, network, callback_id = ringing_host()
    lose(host, network)
    host.run_for(timedelta(minutes=5))
    find(host, network)
    host.run_for(SECOND)
    assert host.driver.telephony_is_up
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    assert network.dialed(BOB) == 1


def test_who_hung_up_meanwhile_is_an_ending_that_nobody_knows() -> None:
    """It is counted, and rests as long as that asks for, before the next dial."""
    host, network, callback_id = ringing_host()
    lose(host, network)
    host.run_for(timedelta(minutes=2))
    network.hang_up_by(BOB)
    host.run_for(SECOND)
    find(host, network)
    host.run_for(SECOND)
    assert host.service.get(callback_id).last_disposition in (
        Disposition.UNKNOWN,
        Disposition.ANSWERED_THEN_LEFT,
    )
    assert network.dialed(BOB) == 1
    host.run_for(timedelta(minutes=10))
    assert network.dialed(BOB) == 2


def test_a_snapshot_that_is_given_is_not_asked_for() -> None:
    """A host that has it already hands it over; a clock that runs ahead of ours is not believed."""
    host, network, callback_id = ringing_host()
    lose(host, network)
    host.run_for(timedelta(minutes=2))
    network.down = False
    ahead = attrs.evolve(FakeTelephony.snapshot(network), as_of=host.clock.now() + timedelta(hours=1))
    host.driver.telephony_up(ahead)
    assert network.asked_count == 0
    host.run_for(SECOND)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


def test_it_stays_down_as_long_as_it_says_so() -> None:
    """Asked again once a second, for as long as it takes; a word of the host takes it back."""
    host, network, callback_id = ringing_host()
    lose(host, network)
    network.error = TelephonyDown()
    host.driver.telephony_up()
    host.run_for(timedelta(minutes=5))
    assert not host.driver.telephony_is_up
    assert 100 < network.asked_count <= 302
    assert host.service.get(callback_id).state is CallbackState.ATTEMPTING
    host.driver.telephony_down()
    asked = network.asked_count
    host.run_for(timedelta(minutes=1))
    assert network.asked_count == asked
    network.error = None
    find(host, network)
    host.run_for(SECOND)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


def test_a_snapshot_that_never_comes_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    """A bug of the adapter does not end all dialing: after some tries deadlines decide, and the log says so."""
    host, network, callback_id = ringing_host()
    lose(host, network)
    network.error = RuntimeError("+12125550101")
    with caplog.at_level(logging.WARNING):
        find(host, network)
        host.run_for(timedelta(seconds=BAD_SNAPSHOTS_MAX + 1))
    assert host.driver.telephony_is_up
    assert network.asked_count == BAD_SNAPSHOTS_MAX
    assert "no snapshot can be had" in caplog.text
    assert "5550101" not in caplog.text
    host.run_for(timedelta(hours=1))
    assert host.service.get(callback_id).state is CallbackState.ENDED


def test_a_store_that_is_gone_keeps_it_down() -> None:
    """What could not be learned is asked again, however often."""
    host, network, callback_id = ringing_host()
    lose(host, network)
    host.run_for(timedelta(minutes=2))
    failures = 2 * BAD_SNAPSHOTS_MAX

    class Flaky(CallbackService):
        def reconcile(self, snapshot: TelephonySnapshot, **more: Any) -> Any:
            nonlocal failures
            failures -= 1
            if failures >= 0:
                raise StoreUnavailable
            return super().reconcile(snapshot, **more)

    flaky = Flaky(host.service.store, host.service.policies.values(), clock=host.clock)
    driver = Driver(flaky, Dispatcher(flaky), network)
    network.on_report = driver.report
    driver.telephony_down()
    network.down = False
    driver.telephony_up()
    for _ in range(3 * BAD_SNAPSHOTS_MAX):
        host.clock.advance(SECOND)
        driver.step(host.clock.now())
    assert driver.telephony_is_up
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


@pytest.mark.parametrize("nonsense", [None, "legs", {"leg_1": "up"}], ids=["none", "text", "mapping"])
def test_a_snapshot_that_is_none_is_refused(nonsense: object, caplog: pytest.LogCaptureFixture) -> None:
    """What is no snapshot is not taken for an empty one."""
    host, network, callback_id = ringing_host()
    lose(host, network)
    network.snapshot = lambda: nonsense  # type: ignore[method-assign, assignment, return-value]
    find(host, network)
    assert not host.driver.telephony_is_up
    assert "failed: snapshot of the telephony: " in caplog.text
    assert host.service.get(callback_id).state is CallbackState.ATTEMPTING


def test_telephony_that_cannot_say_is_believed_to_be_up() -> None:
    """Then deadlines decide what became of its legs."""
    host, network, _ = ringing_host()
    driver = Driver(host.service, Dispatcher(host.service), WithoutSnapshot(network))  # type: ignore[arg-type]
    driver.telephony_down()
    assert not driver.telephony_is_up
    assert driver.next_wakeup() is not None
    driver.telephony_up()
    assert driver.telephony_is_up


def test_legs_that_nobody_wants_are_hung_up_when_it_is_up() -> None:
    """A leg of an attempt that ended here while the connection was lost."""
    host, network, callback_id = ringing_host()
    lose(host, network)
    host.service.cancel(callback_id)
    host.run_for(SECOND)
    assert len(network.live_legs()) == 2
    find(host, network)
    assert network.live_legs() == []


def test_next_wakeup_never_stands_still_while_it_is_down() -> None:
    """What is overdue and has to wait does not make a loop without rest."""
    host, network, _ = ringing_host()
    lose(host, network)
    host.clock.advance(timedelta(hours=1))
    host.driver.step(host.clock.now())
    at = host.driver.next_wakeup()
    assert at is not None
    assert at > host.clock.now()


def test_a_runner_asks_before_it_dials_anybody() -> None:
    """What a process before this one left in the world is settled first; only then is somebody dialed."""
    clock = FastClock()
    store = MemoryStore()
    policy = QueuePolicy(queue="support")
    service = CallbackService(store, [policy], clock=clock)
    network = Network(ManualClock())
    network.error = TelephonyDown()
    service.request("support", number=BOB)
    service.agent_available("ann", queues=["support"])
    with ThreadRunner(service, network, idle_max=timedelta(milliseconds=10)) as runner:
        wait_for(lambda: network.asked_count >= 1)
        assert not runner.telephony_is_up
        assert network.log == []
        network.error = None
        wait_for(lambda: network.log != [])
        assert runner.telephony_is_up
        # Said before the start, it stands.
        runner.stop()
        runner.telephony_down()
        runner.start()
        assert not runner.telephony_is_up
    with store.transaction(service.tenant_id, commit=Commit.READ_ONLY) as tx:
        assert [attempt.state for attempt in tx.attempts.open("support")] == [AttemptState.INTENDED]


def test_a_look_up_leaves_alone_who_is_being_dialed() -> None:
    """An account that is asked for in the middle of the day may not have a leg yet that was just intended."""
    host, network, callback_id = ringing_host()
    network.snapshot = lambda: TelephonySnapshot(legs={}, as_of=host.clock.now())  # type: ignore[method-assign]
    look_up = LookUp(attempt_id=AttemptId("at_1"))
    host.driver.perform([look_up])
    assert host.service.get(callback_id).state is CallbackState.ATTEMPTING
    host.run_for(6 * SECOND)
    host.driver.perform([look_up])
    host.run_for(SECOND)
    assert (
        host.service.get(callback_id).state is not CallbackState.ATTEMPTING
    )  # Both legs are gone, as it says.


def broken(network: Network) -> None:
    """Lose the connection without a word: orders find it gone, and reports are lost."""

    def cannot(*_order: object) -> None:
        raise TelephonyDown

    network.down, network.error = True, TelephonyDown()
    network.hang_up = network.dial = network.bridge = cannot  # type: ignore[method-assign]


def repaired(network: Network) -> None:
    """Have the connection back, without a word."""
    network.down, network.error = False, None
    for name in ("hang_up", "dial", "bridge"):
        vars(network).pop(name, None)


def test_a_loss_that_nobody_spoke_of_is_found_by_the_first_order() -> None:
    """Bob picks up, and hears nobody: he is hung up when the legs can be asked for, before anybody dials him again."""
    host, network, callback_id = ringing_host()
    broken(network)
    host.run_for(timedelta(seconds=55))  # The ring time is over, and nobody can be told to hang up.
    assert not host.driver.telephony_is_up
    host.run_for(timedelta(minutes=3))
    assert host.service.get(callback_id).state is CallbackState.ATTEMPTING
    repaired(network)
    host.run_for(2 * SECOND)
    assert host.driver.telephony_is_up
    assert network.live_legs() == []
    host.run_for(timedelta(minutes=1))
    assert network.dialed(BOB) == 1


def test_an_order_that_finds_no_connection_says_nothing_new_where_the_host_has_spoken() -> None:
    """It is down until the host says that it is up; and one that cannot say its legs is believed to be up."""
    host, network, _ = ringing_host()
    lose(host, network)
    broken(network)
    host.driver.perform([HangUp(leg_id=LegId("leg_1"))])
    network.error = None
    host.run_for(timedelta(minutes=1))
    assert not host.driver.telephony_is_up
    driver = Driver(host.service, Dispatcher(host.service), WithoutSnapshot(network))  # type: ignore[arg-type]
    driver.perform([HangUp(leg_id=LegId("leg_1"))])
    assert driver.telephony_is_up


def test_a_connection_that_is_lost_again_while_it_comes_up_is_asked_again() -> None:
    """Who was to be hung up could not be told: it does not count as reached."""
    host, network, callback_id = ringing_host()
    lose(host, network)
    host.service.cancel(callback_id)
    broken(network)
    network.error = None
    host.driver.telephony_up()
    assert not host.driver.telephony_is_up
    assert len(network.live_legs()) == 2
    repaired(network)
    host.run_for(2 * SECOND)
    assert host.driver.telephony_is_up
    assert network.live_legs() == []


def test_a_look_up_that_fails_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged; deadlines decide, as for telephony that cannot say."""
    host, network, callback_id = ringing_host()
    look_up = LookUp(attempt_id=AttemptId("at_1"))
    network.error = RuntimeError("+12125550101")
    host.driver.perform([look_up])
    network.snapshot = lambda: None  # type: ignore[method-assign, assignment, return-value]
    host.driver.perform([look_up])
    cannot = Driver(host.service, Dispatcher(host.service), WithoutSnapshot(network))  # type: ignore[arg-type]
    cannot.perform([look_up])
    assert host.service.get(callback_id).state is CallbackState.ATTEMPTING
    assert caplog.text.count("failed: look-up of at_1") == 2
    assert "5550101" not in caplog.text

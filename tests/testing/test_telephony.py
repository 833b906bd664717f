"""The fake network does what its scripts say, and logs it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest

from callbackq import (
    AgentId,
    AnsweredBy,
    AttemptId,
    Bridge,
    CallbackId,
    Cause,
    Channel,
    Dial,
    DialRefused,
    HangUp,
    LegId,
    MemoryStore,
    QueueName,
    QueuePolicy,
    Report,
    ReportKind,
    Role,
)
from callbackq.effects import Notice, Play, Prompt, ReleaseAgent, ReserveAgent, SendDigits, StopPlay
from callbackq.model import LegSnapshot, LegState, NoticeKind
from callbackq.ports import CanReserve, CanSnapshot, Notices
from callbackq.testing import (
    ACCEPTS,
    ANSWERS,
    IS_MACHINE,
    NEVER_ANSWERS,
    START,
    Behaviour,
    Carried,
    CarrierEntry,
    FakeNotices,
    FakeTelephony,
    ManualClock,
    VirtualHost,
)

BOB = "+12125550101"
ANN = AgentId("ann")
CUSTOMER, AGENT = LegId("leg_customer"), LegId("leg_agent")
BRIDGE = Bridge(attempt_id=AttemptId("at_1"), agent_leg_id=AGENT, customer_leg_id=CUSTOMER)
SECOND = timedelta(seconds=1)


def dial(role: Role = Role.CUSTOMER, **changes: Any) -> Dial:
    """Return an order to dial the one customer, or the one agent."""
    order = Dial(
        leg_id=CUSTOMER if role is Role.CUSTOMER else AGENT,
        role=role,
        attempt_id=AttemptId("at_1"),
        callback_id=CallbackId("cb_1"),
        queue=QueueName("support"),
        agent_id=ANN,
        number=BOB,
        entered_at=START,
        requested_at=START,
        channel=Channel.WEB,
        priority=100,
        attempt_number=1,
        ring_time=30 * SECOND,
        detect=True,
    )
    return attrs.evolve(order, **changes)


@attrs.define
class Network:
    """A network, its time, and what it reported."""

    clock: ManualClock = attrs.field(factory=ManualClock)
    telephony: FakeTelephony = attrs.field(init=False)
    heard: list[tuple[datetime, Report]] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.telephony = FakeTelephony(self.clock)
        self.telephony.on_report = lambda report: self.heard.append((self.clock.now(), report))

    def said(self, *kinds: ReportKind) -> list[tuple[float, Report]]:
        """Return what was reported, of some kinds, with the seconds from the start."""
        return [((at - START).total_seconds(), report) for at, report in self.heard if report.kind in kinds]

    def logged(self, what: Carried) -> list[CarrierEntry]:
        return [entry for entry in self.telephony.log if entry.what is what]

    def both_up(self) -> None:
        """Dial both, and let them answer."""
        self.telephony.dial(dial(Role.AGENT))
        self.telephony.dial(dial())
        self.clock.advance(SECOND)


@pytest.fixture
def net() -> Network:
    """A network in which nothing has happened."""
    return Network()


def test_keys_are_pressed_one_by_one(net: Network) -> None:
    """From `presses_after` the answer on, half a second between two."""
    net.telephony.person(BOB, Behaviour(answers_after=3 * SECOND, presses="91"))
    net.telephony.dial(dial())
    net.clock.advance(10 * SECOND)
    assert [(at, report.digits) for at, report in net.said(ReportKind.DIGIT)] == [(5.0, "9"), (5.5, "1")]
    assert [entry.digits for entry in net.logged(Carried.PRESSED)] == ["9", "1"]
    assert "9" not in repr(net.logged(Carried.PRESSED)[0]).split("digits")[-1]


@pytest.mark.parametrize(("detect", "found"), [(True, [(2.0, AnsweredBy.MACHINE)]), (False, [])])
def test_a_machine_is_found_out_where_that_is_asked_for(net: Network, detect: bool, found: object) -> None:
    """ANSWERED says nothing of it; DETECTED does, later."""
    net.telephony.person(BOB, IS_MACHINE)
    net.telephony.dial(dial(detect=detect))
    net.clock.advance(10 * SECOND)
    assert net.said(ReportKind.ANSWERED)[0][1].answered_by is AnsweredBy.UNKNOWN
    assert [(at, report.answered_by) for at, report in net.said(ReportKind.DETECTED)] == found


def test_who_is_not_joined_hangs_up(net: Network) -> None:
    """So long after the answer; who is joined by then stays."""
    impatient = Behaviour(hangs_up_after=5 * SECOND, talks_for=None)
    net.telephony.person(BOB, impatient)
    net.telephony.dial(dial())
    net.clock.advance(10 * SECOND)
    assert [(at, report.cause) for at, report in net.said(ReportKind.ENDED)] == [(5.0, Cause.NORMAL)]
    joined = Network()
    joined.telephony.person(BOB, impatient)
    joined.both_up()
    joined.telephony.bridge(BRIDGE)
    joined.clock.advance(60 * SECOND)
    assert not joined.said(ReportKind.ENDED)


def test_behind_an_extension_nobody_does_anything_until_it_is_sent(net: Network) -> None:
    """Other digits do nothing; the right ones put through."""
    net.telephony.person(BOB, attrs.evolve(ACCEPTS, extension="42"))
    net.telephony.dial(dial())
    net.clock.advance(10 * SECOND)
    net.telephony.send_digits(SendDigits(leg_id=CUSTOMER, digits="41"))
    net.clock.advance(10 * SECOND)
    assert not net.said(ReportKind.DIGIT)
    net.telephony.send_digits(SendDigits(leg_id=CUSTOMER, digits="42"))
    net.telephony.send_digits(SendDigits(leg_id=CUSTOMER, digits="42"))
    net.clock.advance(10 * SECOND)
    assert [at for at, _ in net.said(ReportKind.DIGIT)] == [22.0]
    assert [entry.digits for entry in net.logged(Carried.DIGITS)] == ["41", "42", "42"]


@pytest.mark.parametrize(("sent", "ended"), [([], []), (["42"], [181.0])])
def test_behind_an_extension_nobody_talks_either(net: Network, sent: list[str], ended: list[float]) -> None:
    """An agent who was joined to the switchboard talks to nobody, until the extension is sent."""
    net.telephony.person(BOB, Behaviour(extension="42"))
    net.both_up()
    net.telephony.bridge(BRIDGE)
    net.clock.advance(timedelta(0))
    for digits in sent:
        net.telephony.send_digits(SendDigits(leg_id=CUSTOMER, digits=digits))
    net.clock.advance(timedelta(hours=1))
    assert [at for at, _ in net.said(ReportKind.ENDED)] == ended


def test_a_prompt_takes_time_or_is_stopped(net: Network) -> None:
    """PLAYED comes at its end, whichever that is, and once."""
    net.telephony.dial(dial())
    net.clock.advance(SECOND)
    net.telephony.play(Play(leg_id=CUSTOMER, prompt=Prompt.PRESS_TO_CONNECT))
    net.clock.advance(10 * SECOND)
    net.telephony.play(Play(leg_id=CUSTOMER, prompt=Prompt.PLEASE_HOLD))
    net.clock.advance(SECOND)
    for _ in range(2):
        net.telephony.stop_play(StopPlay(leg_id=CUSTOMER))
    net.clock.advance(10 * SECOND)
    assert [at for at, _ in net.said(ReportKind.PLAYED)] == [5.0, 12.0]
    assert [entry.prompt for entry in net.logged(Carried.PLAYED)] == [
        Prompt.PRESS_TO_CONNECT,
        Prompt.PLEASE_HOLD,
    ]
    assert len(net.logged(Carried.STOPPED)) == 1


def test_a_second_prompt_takes_the_place_of_the_first(net: Network) -> None:
    """The first one's own end is none of the second."""
    net.telephony.dial(dial())
    net.clock.advance(SECOND)
    net.telephony.play(Play(leg_id=CUSTOMER, prompt=Prompt.PRESS_TO_CONNECT))
    net.clock.advance(2 * SECOND)
    net.telephony.play(Play(leg_id=CUSTOMER, prompt=Prompt.PRESS_TO_CONNECT))
    net.clock.advance(10 * SECOND)
    assert [at for at, _ in net.said(ReportKind.PLAYED)] == [3.0, 7.0]


@pytest.mark.parametrize(("stopped", "at"), [(True, 2.0), (False, 5.0)])
def test_a_bridge_waits_for_the_prompt(net: Network, stopped: bool, at: float) -> None:
    """Until it is over, or stopped, as on Asterisk."""
    net.both_up()
    net.telephony.play(Play(leg_id=CUSTOMER, prompt=Prompt.PLEASE_HOLD))
    net.telephony.bridge(BRIDGE)
    net.clock.advance(SECOND)
    assert not net.said(ReportKind.BRIDGED)
    if stopped:
        net.telephony.stop_play(StopPlay(leg_id=CUSTOMER))
    net.clock.advance(10 * SECOND)
    assert [bridged_at for bridged_at, _ in net.said(ReportKind.BRIDGED)] == [at]
    assert [(entry.at - START).total_seconds() for entry in net.logged(Carried.BRIDGED)] == [at]


def test_a_prompt_may_play_until_it_is_stopped(net: Network) -> None:
    """Then a bridge never comes about by itself."""
    net.telephony.play_time_of = lambda order: None if order.prompt is Prompt.PLEASE_HOLD else SECOND
    net.both_up()
    net.telephony.play(Play(leg_id=CUSTOMER, prompt=Prompt.PLEASE_HOLD))
    net.telephony.bridge(BRIDGE)
    net.clock.advance(timedelta(hours=1))
    assert not net.said(ReportKind.BRIDGED, ReportKind.PLAYED)


def test_the_snapshot_follows_the_legs(net: Network) -> None:
    """Ringing, answered, joined, alone, gone."""
    net.telephony.person(BOB, Behaviour(answers_after=5 * SECOND))
    net.telephony.dial(dial(Role.AGENT))
    net.telephony.dial(dial())
    assert net.telephony.snapshot().legs[AGENT] == LegSnapshot(state=LegState.RINGING)
    net.clock.advance(10 * SECOND)
    net.telephony.bridge(BRIDGE)
    net.clock.advance(SECOND)
    talking = LegSnapshot(state=LegState.ANSWERED, joined=True)
    assert net.telephony.snapshot().legs == {AGENT: talking, CUSTOMER: talking}
    assert net.telephony.snapshot().as_of == net.clock.now()
    net.telephony.hang_up_by(BOB)
    assert net.telephony.snapshot().legs == {AGENT: LegSnapshot(state=LegState.ANSWERED)}
    net.telephony.hang_up(HangUp(leg_id=AGENT))
    assert not net.telephony.snapshot().legs


def test_two_can_be_parted(net: Network) -> None:
    """UNBRIDGED of both, and both stay up."""
    net.both_up()
    net.telephony.bridge(BRIDGE)
    net.clock.advance(SECOND)
    assert net.telephony.joined_to(CUSTOMER) == AGENT
    net.telephony.part(BOB)
    assert {report.leg_id for _, report in net.said(ReportKind.UNBRIDGED)} == {AGENT, CUSTOMER}
    assert net.telephony.live_legs() == [AGENT, CUSTOMER]
    assert net.telephony.joined_to(CUSTOMER) is None


def test_what_is_refused_is_not_dialed(net: Network) -> None:
    """It is raised, logged for what it is, and tried anew the next time."""
    net.telephony.person(BOB, Behaviour(refused=True), ANSWERS)
    with pytest.raises(DialRefused):
        net.telephony.dial(dial())
    assert [entry.what for entry in net.telephony.log] == [Carried.REFUSED]
    assert net.telephony.dialed(BOB) == 0
    net.telephony.dial(dial(leg_id=LegId("leg_2")))
    assert net.telephony.dialed(BOB) == 1


def test_agents_are_reserved_and_released(net: Network) -> None:
    """Twice is no error."""
    assert isinstance(net.telephony, CanReserve)
    assert isinstance(net.telephony, CanSnapshot)
    attempt_id = AttemptId("at_1")
    for _ in range(2):
        net.telephony.reserve_agent(ReserveAgent(agent_id=ANN, attempt_id=attempt_id))
    assert net.telephony.reserved == {ANN: attempt_id}
    for _ in range(2):
        net.telephony.release_agent(ReleaseAgent(agent_id=ANN, attempt_id=attempt_id))
    assert not net.telephony.reserved
    assert [str(entry.what) for entry in net.telephony.log] == ["reserved"] * 2 + ["released"] * 2


def test_people_act_at_a_tests_word(net: Network) -> None:
    """Whoever has no leg does nothing; who declines a phone that rings has rejected it."""
    net.telephony.person(BOB, NEVER_ANSWERS)
    for act in (net.telephony.answer_by, net.telephony.hang_up_by, net.telephony.part):
        act(BOB)
    net.telephony.press_by(BOB, "1")
    net.telephony.fail_by(BOB, Cause.BUSY)
    assert not net.telephony.log
    net.telephony.dial(dial())
    net.telephony.press_by(BOB, "1")
    net.telephony.hang_up_by(BOB)
    net.clock.advance(SECOND)
    assert [(report.kind, report.cause) for _, report in net.heard] == [(ReportKind.ENDED, Cause.REJECTED)]


def test_the_log_can_be_followed(net: Network) -> None:
    """Line by line, as it is written."""
    followed: list[CarrierEntry] = []
    net.telephony.on_entry = followed.append
    net.both_up()
    net.telephony.bridge(BRIDGE)
    net.clock.advance(timedelta(hours=1))
    assert followed == net.telephony.log


def test_notices_are_kept() -> None:
    """Also those at which it raised."""
    notices = FakeNotices()
    taken: Notices = notices
    notice = Notice(
        notice_id="n_1",
        kind=NoticeKind.FOLLOW_UP,
        callback_id=CallbackId("cb_1"),
        queue=QueueName("support"),
        number=BOB,
    )
    taken.tell(notice)
    notices.error = LookupError()
    with pytest.raises(LookupError):
        taken.tell(attrs.evolve(notice, callback_id=CallbackId("cb_2")))
    assert notices.kinds() == [NoticeKind.FOLLOW_UP] * 2
    assert notices.kinds("cb_2") == [NoticeKind.FOLLOW_UP]


def test_the_virtual_host_takes_a_network_and_notices() -> None:
    """The parts that it is given are the ones that it uses."""
    notices = FakeNotices()
    host = VirtualHost(
        MemoryStore(), [QueuePolicy(queue="support")], telephony=FakeTelephony, notices=notices
    )
    callback_id = host.service.request("support", number=BOB).callback_id
    host.service.agent_available("ann", queues=["support"])
    host.run_for(timedelta(minutes=10))
    assert host.service.get(callback_id).outcome is not None
    assert host.telephony.dialed(BOB) == 1

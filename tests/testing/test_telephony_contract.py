"""The telephony contract: an honest network keeps it, and each that does wrong breaks it where it should."""

from __future__ import annotations

import inspect
from asyncio import CancelledError
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import attrs
import pytest

from callbackq import AgentId, Bridge, Cause, Dial, DialRefused, HangUp, LegId, Report, ReportKind, Role
from callbackq.adapters.legs import LegBook, Seen, why
from callbackq.testing import Behaviour, Carried, FakeTelephony, ManualClock
from callbackq.testing.contracts import (
    ConnectedFarEnd,
    MisbehavingFarEnd,
    MischiefContract,
    PartContract,
    PartingFarEnd,
    Phone,
    ReserveContract,
    ReservingFarEnd,
    SnapshotContract,
    TelephonyContract,
)
from callbackq.testing.faults import Fault, FaultyTelephony, Pbx
from callbackq.testing.telephony_contract.base import check_reports, end_all

PHONES = {
    Phone.RINGS: Behaviour(answers_after=None),
    Phone.UNREACHABLE: Behaviour(rings_after=None, answers_after=None, cause=Cause.UNREACHABLE),
    Phone.REFUSED: Behaviour(refused=True),
}


class FakeFarEnd(ConnectedFarEnd, ReservingFarEnd, PartingFarEnd):
    """A network of scripted phones; each leg has a number, or an agent, of its own."""

    def __init__(self, telephony: FakeTelephony, clock: ManualClock) -> None:
        self._telephony = telephony
        self._clock = clock
        self._heard: list[Report] = []
        self._who: dict[LegId, str] = {}
        telephony.on_report = self._heard.append

    @property
    def telephony(self) -> FakeTelephony:
        return self._telephony

    @property
    def reports(self) -> list[Report]:
        return self._heard

    def let_pass(self, duration: timedelta) -> None:
        self._clock.advance(duration)

    def prepare(self, order: Dial, phone: Phone) -> Dial:
        index = len(self._who)
        own = attrs.evolve(order, number=f"+1212555{index:04}", agent_id=AgentId(f"agent-{index}"))
        for_agent = order.role is Role.AGENT
        who = self._who[own.leg_id] = f"agent-{index}" if for_agent else own.number
        (self._telephony.agent if for_agent else self._telephony.person)(who, PHONES[phone])
        return own

    def calls_count(self, leg_id: LegId) -> int:
        rang = [entry.leg_id for entry in self._telephony.log if entry.what is Carried.RINGING]
        return sum(found is not None and found.split("~")[0] == leg_id for found in rang)

    def is_live(self, leg_id: LegId) -> bool:
        return leg_id in self._telephony.live_legs()

    def are_joined(self, one: LegId, other: LegId) -> bool:
        return self._telephony.joined_to(one) == other

    def answer(self, leg_id: LegId) -> None:
        self._telephony.answer_by(self._who[leg_id])

    def be_busy(self, leg_id: LegId) -> None:
        self._telephony.fail_by(self._who[leg_id], Cause.BUSY)

    def reject(self, leg_id: LegId) -> None:
        self._telephony.hang_up_by(self._who[leg_id])

    def press(self, leg_id: LegId, digits: str) -> None:
        self._telephony.press_by(self._who[leg_id], digits)

    def heard_digits(self, leg_id: LegId) -> str:
        sent = [entry for entry in self._telephony.log if entry.what is Carried.DIGITS]
        return "".join(entry.digits or "" for entry in sent if entry.leg_id == leg_id)

    def hang_up(self, leg_id: LegId) -> None:
        self._telephony.hang_up_by(self._who[leg_id])

    def disconnect(self) -> None:
        assert isinstance(self._telephony, FaultyTelephony)
        self._telephony.disconnect()

    def reconnect(self) -> None:
        assert isinstance(self._telephony, FaultyTelephony)
        self._telephony.reconnect()

    def is_reserved(self, agent_id: AgentId) -> bool:
        return agent_id in self._telephony.reserved

    def part(self, leg_id: LegId) -> None:
        self._telephony.part(self._who[leg_id])


class TestFakeTelephony(TelephonyContract, ReserveContract, PartContract):
    """The honest fake."""

    def open_far_end(self) -> FakeFarEnd:
        clock = ManualClock()
        return FakeFarEnd(FakeTelephony(clock), clock)


class TestFaultlessAsterisk(TelephonyContract, SnapshotContract, ReserveContract, PartContract):
    """The network that does wrong, when it does not; legs that answer during an outage are hung up."""

    pbx = Pbx.ASTERISK

    def open_far_end(self) -> FakeFarEnd:
        clock = ManualClock()
        return FakeFarEnd(FaultyTelephony(clock, random=Random(7), pbx=self.pbx), clock)


class CarefulTelephony:
    """An adapter with a `LegBook`, whose PBX is the network that does wrong: its reports are events here."""

    def __init__(self, pbx: FaultyTelephony) -> None:
        self.pbx = pbx
        self.book = LegBook()
        self.seen = Seen()
        self.events: list[Report] = []  # Kept, so that no two have one `id`.
        self.joining: dict[LegId, LegId] = {}
        self.reports: list[Report] = []
        pbx.on_report = self.hear

    def __getattr__(self, name: str) -> Any:
        return getattr(self.pbx, name)

    def dial(self, order: Dial) -> None:
        if self.book.begin(order.leg_id, role=order.role):
            try:
                self.pbx.dial(order)
            except DialRefused:
                self.book.refused(order.leg_id)
                raise

    def hang_up(self, order: HangUp) -> None:
        self.book.hanging_up(order.leg_id)
        self.pbx.hang_up(order)

    def bridge(self, order: Bridge) -> None:
        self.joining[order.customer_leg_id] = order.agent_leg_id
        self.pbx.bridge(order)

    def hear(self, event: Report) -> None:
        self.events.append(event)
        leg_id, report = event.leg_id, None
        match event.kind:
            case ReportKind.RINGING:
                report = self.book.rang(leg_id)
            case ReportKind.ANSWERED:
                report = self.book.answered(leg_id)
            case ReportKind.PLAYED:
                report = self.book.played(leg_id)
            case ReportKind.DIGIT if self.is_new(event):
                report = self.book.pressed(leg_id, event.digits or "")
            case ReportKind.BRIDGED:
                report = self.book.joined(self.joining[leg_id], leg_id)
            case ReportKind.UNBRIDGED:
                report = self.book.parted(leg_id)
            case ReportKind.ENDED:
                report = self.book.ended(leg_id, why(event.cause))
            case _:
                pass
        if report is not None:
            self.reports.append(report)

    def is_new(self, event: Report) -> bool:
        """Whether it is no second telling of an event: real PBXs number theirs."""
        return self.seen.is_new(id(event))


DAY = {Fault.REPORT_TWICE: 0.5, Fault.REPORT_LATE: 0.5}


class MisbehavingEnd(FakeFarEnd, MisbehavingFarEnd):
    """The network that does wrong, and an adapter that knows that it may."""

    def __init__(self, make: Callable[[FaultyTelephony], Any] = CarefulTelephony) -> None:
        clock = ManualClock()
        self.network = FaultyTelephony(clock, random=Random(7), late_max=self.late)
        super().__init__(self.network, clock)
        self.adapter = make(self.network)

    @property
    def telephony(self) -> Any:
        return self.adapter

    @property
    def reports(self) -> list[Report]:
        found: list[Report] = getattr(self.adapter, "reports", self._heard)
        return found

    def misbehave(self, seed: int) -> None:
        self.network._random.seed(seed)
        self.network.ratios = dict(DAY)


class TestCarefulTelephony(
    TelephonyContract, SnapshotContract, ReserveContract, PartContract, MischiefContract
):
    """What an adapter with a `LegBook` makes of it."""

    def open_far_end(self) -> MisbehavingEnd:
        return MisbehavingEnd()


class TestFaultlessFreeSwitch(TestFaultlessAsterisk):
    """Legs that answer during an outage stay up."""

    pbx = Pbx.FREESWITCH


class Everything(TelephonyContract, SnapshotContract, ReserveContract, PartContract):
    """All tests of the contract."""


TESTS = sorted(name for name, _ in inspect.getmembers(Everything) if name.startswith("test_"))

BREAKS = {
    Fault.DIAL_REFUSED: ["a_phone_rings_and_is_answered", "busy_is_busy"],
    Fault.DIAL_FAILS_BEFORE: ["a_phone_rings_and_is_answered", "what_is_refused_is_raised"],
    Fault.DIAL_FAILS_AFTER: ["a_phone_rings_and_is_answered"],
    Fault.DIAL_TWICE: ["a_leg_id_dialed_twice_is_one_call", "a_leg_id_is_not_dialed_again_after_its_end"],
    Fault.HANG_UP_ANSWERED: ["hung_up_before_the_answer", "a_prompt_holds_up_no_phone_that_rings"],
    Fault.HANG_UP_ERROR: ["hung_up_before_the_answer"],
    Fault.HANG_UP_LATE: ["hung_up_before_the_answer", "hung_up_at_the_answer", "hung_up_after_the_answer"],
    Fault.HANG_UP_FAILS: ["hung_up_after_the_answer", "hung_up_twice", "a_leg_that_nobody_knows"],
    Fault.BRIDGE_TO_DEAD: ["two_legs_are_joined", "joined_while_something_is_played"],
    Fault.BRIDGE_SILENT: ["two_legs_are_joined"],
    Fault.BRIDGE_NEVER: ["two_legs_are_joined", "what_is_played_is_stopped_before"],
    Fault.BRIDGE_SLOW: ["two_legs_are_joined"],
    Fault.BRIDGE_FAILS: ["two_legs_are_joined"],
    Fault.LEFT_ALONE: ["one_leaves", "a_leg_left_alone_is_not_joined"],
    Fault.PLAY_FOR_EVER: ["the_end_of_what_is_played_is_reported"],
    Fault.REPORT_TWICE: ["hung_up_after_the_answer", "the_other_side_hangs_up"],
    Fault.REPORT_LATE: ["a_phone_rings_and_is_answered", "hung_up_after_the_answer"],
    Fault.REPORT_LOST: ["a_phone_rings_and_is_answered", "rang_out_is_no_answer", "keys_are_reported"],
    Fault.NONSENSE: ["a_phone_rings_and_is_answered", "the_other_side_hangs_up", "keys_are_reported"],
    Fault.OTHER_FAILS: ["nothing_to_stop", "a_leg_that_is_gone", "a_snapshot_has_the_live_legs_only"],
    Fault.OUTAGE: ["a_phone_rings_and_is_answered", "two_legs_are_joined"],
}
"""What must be found out about a network that does one thing wrong whenever it can."""

ALLOWED = [Fault.DIAL_ANSWERED_EARLY, Fault.UNSURE, Fault.OUTAGE_UNNOTICED]
"""What an adapter may do, for it cannot help it; and what comes only together with an outage."""


def is_broken(name: str, fault: Fault, *, seed: int) -> bool:
    """Run one test of the contract, with what is checked after it, against a network with one fault."""
    clock = ManualClock()
    telephony = FaultyTelephony(clock, random=Random(seed), ratios={fault: 1})
    far_end = FakeFarEnd(telephony, clock)
    try:
        getattr(Everything(), name)(far_end)
        end_all(far_end)
        check_reports(far_end.reports)
    except (Exception, CancelledError, pytest.fail.Exception):
        return True
    return False


def test_every_fault_has_its_place() -> None:
    """A new one must be found out, or be allowed."""
    assert {*BREAKS, *ALLOWED} == set(Fault)


@pytest.mark.parametrize(("fault", "name"), [(fault, name) for fault in BREAKS for name in BREAKS[fault]])
def test_what_is_wrong_is_found_out(fault: Fault, name: str) -> None:
    """Some faults go one of two ways, of which only one is seen: a few seeds are enough."""
    assert any(is_broken(f"test_{name}", fault, seed=seed) for seed in range(5))


@pytest.mark.parametrize("fault", ALLOWED)
@pytest.mark.parametrize("name", TESTS)
def test_what_is_allowed_breaks_nothing(fault: Fault, name: str) -> None:
    """Events before the reply of a dial, above all."""
    assert not is_broken(name, fault, seed=7)


# ---------------------------------------------------------------------------- mischief


class Passes(CarefulTelephony):
    """Hands on what it hears."""

    def hear(self, event: Report) -> None:
        self.reports.append(event)


class ForgetsKeys(CarefulTelephony):
    """Takes each telling for another key."""

    def is_new(self, event: Report) -> bool:
        return True


class OneKeyOnly(CarefulTelephony):
    """Takes the same key for the same telling."""

    def is_new(self, event: Report) -> bool:
        return self.seen.is_new((event.leg_id, event.digits))


class DialsAgain(CarefulTelephony):
    """Keeps no leg ids: a leg that rings twice, in a network that lets it."""

    def dial(self, order: Dial) -> None:
        self.book.begin(order.leg_id, role=order.role)
        self.pbx.ratios[Fault.DIAL_TWICE] = 1
        self.pbx.dial(order)


class BelievesBridges(CarefulTelephony):
    """Takes the reply for a bridge."""

    def bridge(self, order: Bridge) -> None:
        super().bridge(order)
        self.reports.append(Report(leg_id=order.customer_leg_id, kind=ReportKind.BRIDGED))


class SaysNoParting(CarefulTelephony):
    """Says nothing of those who are parted."""

    def hear(self, event: Report) -> None:
        if event.kind is not ReportKind.UNBRIDGED:
            super().hear(event)


MISTAKES: list[tuple[type[CarefulTelephony], list[str]]] = [
    (Passes, ["a_call_has_one_course", "many_calls_do_not_mix", "two_are_joined"]),
    (ForgetsKeys, ["a_key_is_pressed_once"]),
    (OneKeyOnly, ["a_key_is_pressed_once"]),
    (DialsAgain, ["a_leg_id_is_one_call"]),
    (BelievesBridges, ["who_has_just_gone_is_joined_to_nobody"]),
    (SaysNoParting, ["who_is_left_alone_is_heard_of"]),
]
"""An adapter that makes a mistake, and the tests that find it out."""


@pytest.mark.parametrize(
    ("adapter", "name"), [(adapter, name) for adapter, names in MISTAKES for name in names]
)
def test_a_careless_adapter_is_found_out(adapter: type[CarefulTelephony], name: str) -> None:
    """By one of the seeds at least."""

    def fails(seed: int) -> bool:
        far_end = MisbehavingEnd(adapter)
        test = getattr(TestCarefulTelephony(), f"test_{name}")
        try:
            test(far_end, *([seed] if "seed" in inspect.signature(test).parameters else []))
        except (Exception, pytest.fail.Exception):
            return True
        return False

    assert any(fails(seed) for seed in (1, 2, 3))


def test_every_test_of_mischief_can_fail() -> None:
    """Each finds out one adapter."""
    names = {*dir(MischiefContract), *dir(PartContract)}
    tests = {name.removeprefix("test_") for name in names if name.startswith("test_")}
    assert tests == {name for _, names in MISTAKES for name in names}

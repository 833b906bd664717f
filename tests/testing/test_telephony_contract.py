"""The telephony contract: an honest network keeps it, and each that does wrong breaks it where it should."""

from __future__ import annotations

import inspect
from asyncio import CancelledError
from datetime import timedelta
from random import Random

import attrs
import pytest

from callbackq import AgentId, Cause, Dial, LegId, Report, Role
from callbackq.testing import Behaviour, Carried, FakeTelephony, ManualClock
from callbackq.testing.contracts import (
    ConnectedFarEnd,
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


class FakeFarEnd(ConnectedFarEnd, ReservingFarEnd):
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


class TestFakeTelephony(TelephonyContract, ReserveContract):
    """The honest fake."""

    def open_far_end(self) -> FakeFarEnd:
        clock = ManualClock()
        return FakeFarEnd(FakeTelephony(clock), clock)


class TestFaultlessAsterisk(TelephonyContract, SnapshotContract, ReserveContract):
    """The network that does wrong, when it does not; legs that answer during an outage are hung up."""

    pbx = Pbx.ASTERISK

    def open_far_end(self) -> FakeFarEnd:
        clock = ManualClock()
        return FakeFarEnd(FaultyTelephony(clock, random=Random(7), pbx=self.pbx), clock)


class TestFaultlessFreeSwitch(TestFaultlessAsterisk):
    """Legs that answer during an outage stay up."""

    pbx = Pbx.FREESWITCH


class Everything(TelephonyContract, SnapshotContract, ReserveContract):
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

"""What becomes of events that a PBX says twice, late and in another order; and of two who are parted by the PBX."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest

from callbackq.effects import HangUp
from callbackq.ids import LegId
from callbackq.model import Cause, LegSnapshot, LegState, ReportKind, Role
from callbackq.ports import CanSnapshot
from callbackq.testing.telephony_contract.base import (
    ContractBase,
    FarEnd,
    answered,
    both_answered,
    check_reports,
    ended_once,
    is_bridged,
    joined,
    order,
    pressed,
    ringing,
)

_each_seed = pytest.mark.parametrize("seed", [1, 2, 3])
_MANY = 10
_COURSE = [ReportKind.RINGING, ReportKind.ANSWERED, ReportKind.ENDED]


class MisbehavingFarEnd(FarEnd):
    """
    A far end whose PBX can be made to say its events twice, late, and in another order. For `MischiefContract`.

    Attributes:
        late: how late an event comes at most.
    """

    late: timedelta = timedelta(seconds=0.5)

    @abstractmethod
    def misbehave(self, seed: int) -> None:
        """
        Let much of what the PBX says from now on come twice, late, or after what happened later; by this seed.

        Nothing is lost, and what it is asked for it does.
        """


class PartingFarEnd(FarEnd):
    """A far end whose PBX can take a leg out of a bridge, and leave it up. For `PartContract`."""

    @abstractmethod
    def part(self, leg_id: LegId) -> None:
        """Let the PBX take this leg out of its bridge, as somebody at its console can. Both stay up, each alone."""


def _misbehaving(far_end: FarEnd, seed: int) -> MisbehavingFarEnd:
    assert isinstance(far_end, MisbehavingFarEnd)
    far_end.misbehave(seed)
    return far_end


def _ended(far_end: MisbehavingFarEnd, leg_id: LegId) -> Cause:
    """Wait for the end of a leg, and until all has come that may still come of it."""
    cause = ended_once(far_end, leg_id)
    far_end.let_pass(far_end.late)
    assert ended_once(far_end, leg_id) is cause
    check_reports(far_end.reports)
    return cause


class MischiefContract(ContractBase):
    """
    Events that come twice, late, or in another order change nothing. Needs a `MisbehavingFarEnd`.

    RINGING may be left out where the answer was heard of first. After ENDED nothing comes.
    """

    @_each_seed
    def test_a_call_has_one_course(self, far_end: FarEnd, seed: int) -> None:
        """Ringing, answered, ended: in this order, with one end, and its cause is the true one."""
        end = _misbehaving(far_end, seed)
        leg_id = answered(end)
        end.let_pass(end.late)
        assert end.course(leg_id) == _COURSE[:2]
        end.hang_up(leg_id)
        assert _ended(end, leg_id) is Cause.NORMAL
        assert end.course(leg_id) == _COURSE

    @_each_seed
    def test_many_calls_do_not_mix(self, far_end: FarEnd, seed: int) -> None:
        """Answered, declined, hung up by us while they ring: each ends as it did, and was called once."""
        end = _misbehaving(far_end, seed)
        legs = [ringing(end, role=list(Role)[number % 2]) for number in range(_MANY)]
        for leg_id in legs[0::3]:
            end.answer(leg_id)
        for leg_id in legs[1::3]:
            end.reject(leg_id)
        for leg_id in legs[2::3]:
            end.telephony.hang_up(HangUp(leg_id=leg_id))
        assert end.wait_until(lambda: all(ReportKind.ANSWERED in end.kinds(leg_id) for leg_id in legs[0::3]))
        for leg_id in legs[0::3]:
            end.hang_up(leg_id)
        assert end.wait_until(lambda: all(end.causes(leg_id) for leg_id in legs)), "ENDED of every leg"
        end.let_pass(end.late)
        causes = (Cause.NORMAL, Cause.REJECTED, Cause.CANCELLED)
        for number, leg_id in enumerate(legs):
            assert end.causes(leg_id) == [causes[number % 3]]
            assert (ReportKind.ANSWERED in end.kinds(leg_id)) is (number % 3 == 0)
            assert end.calls_count(leg_id) == 1
        check_reports(end.reports)

    @_each_seed
    def test_two_are_joined(self, far_end: FarEnd, seed: int) -> None:
        """BRIDGED comes, and both are there until one of them leaves."""
        end = _misbehaving(far_end, seed)
        bridge = joined(end)
        end.let_pass(end.late)
        assert end.are_joined(bridge.agent_leg_id, bridge.customer_leg_id)
        assert not end.causes(bridge.agent_leg_id) + end.causes(bridge.customer_leg_id)
        end.hang_up(bridge.customer_leg_id)
        _ended(end, bridge.customer_leg_id)
        end.telephony.hang_up(HangUp(leg_id=bridge.agent_leg_id))
        _ended(end, bridge.agent_leg_id)

    @_each_seed
    def test_who_has_just_gone_is_joined_to_nobody(self, far_end: FarEnd, seed: int) -> None:
        """Also where the PBX says first that they were joined, and then that one of them is gone."""
        end = _misbehaving(far_end, seed)
        bridge = both_answered(end)
        end.hang_up(bridge.customer_leg_id)
        with suppress(Exception):
            end.telephony.bridge(bridge)
        _ended(end, bridge.customer_leg_id)
        assert not is_bridged(end, bridge)
        end.telephony.hang_up(HangUp(leg_id=bridge.agent_leg_id))
        _ended(end, bridge.agent_leg_id)

    @_each_seed
    def test_a_key_is_pressed_once(self, far_end: FarEnd, seed: int) -> None:
        """However often the PBX says so: a second 1 may mean something else. Pressed again, it is said again."""
        end = _misbehaving(far_end, seed)
        leg_id = answered(end)
        for keys in ("7", "77", "777", "7777", "77777"):
            end.press(leg_id, "7")
            assert end.wait_until(partial(_is_pressed, end, leg_id, keys)), "DIGIT"
            end.let_pass(end.late)
            assert pressed(end, leg_id) == keys

    @_each_seed
    def test_a_leg_id_is_one_call(self, far_end: FarEnd, seed: int) -> None:
        """Whatever is heard of it, and when."""
        end = _misbehaving(far_end, seed)
        dialed = order(end)
        for _ in range(3):
            end.telephony.dial(dialed)
        assert end.wait_until(lambda: bool(end.kinds(dialed.leg_id))), "RINGING"
        end.telephony.hang_up(HangUp(leg_id=dialed.leg_id))
        end.telephony.dial(dialed)
        assert _ended(end, dialed.leg_id) is Cause.CANCELLED
        end.telephony.dial(dialed)
        end.let_pass(end.late)
        assert end.calls_count(dialed.leg_id) == 1


class PartContract(ContractBase):
    """Two who are parted though both are up: it is said, lest they listen to silence. Needs a `PartingFarEnd`."""

    def test_who_is_left_alone_is_heard_of(self, far_end: FarEnd) -> None:
        """UNBRIDGED comes of one of them at least, or ENDED; and both can be hung up."""
        assert isinstance(far_end, PartingFarEnd)
        for parted in Role:
            bridge = joined(far_end)
            legs = (bridge.agent_leg_id, bridge.customer_leg_id)
            far_end.part(legs[0] if parted is Role.AGENT else legs[1])
            assert far_end.wait_until(partial(_is_over, far_end, legs)), "UNBRIDGED, or ENDED"
            assert not far_end.are_joined(*legs)
            self._check_snapshot(far_end, *legs)
            for leg_id in legs:
                far_end.telephony.hang_up(HangUp(leg_id=leg_id))
                ended_once(far_end, leg_id)

    def _check_snapshot(self, far_end: FarEnd, *legs: LegId) -> None:
        telephony = far_end.telephony
        if isinstance(telephony, CanSnapshot):
            there = telephony.snapshot().legs
            for leg_id in legs:
                assert there.get(leg_id) in (None, LegSnapshot(state=LegState.ANSWERED))


def _is_over(far_end: FarEnd, legs: tuple[LegId, ...]) -> bool:
    said = {kind for leg_id in legs for kind in far_end.kinds(leg_id)}
    return not said.isdisjoint({ReportKind.UNBRIDGED, ReportKind.ENDED})


def _is_pressed(far_end: FarEnd, leg_id: LegId, keys: str) -> bool:
    return pressed(far_end, leg_id) == keys

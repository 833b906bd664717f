"""Dialing: one call for each leg id, said as it is."""

from __future__ import annotations

import pytest

from callbackq.effects import HangUp
from callbackq.errors import DialRefused
from callbackq.model import Cause, ReportKind, Role
from callbackq.testing.telephony_contract.base import (
    ContractBase,
    FarEnd,
    Phone,
    answered,
    ended_once,
    order,
    ringing,
)


class DialContract(ContractBase):
    """What `dial` places, and what is reported of it."""

    def test_a_phone_rings_and_is_answered(self, far_end: FarEnd) -> None:
        """RINGING, and then ANSWERED; nothing is said of an end. Agents and customers alike."""
        for role in Role:
            leg_id = answered(far_end, role=role)
            far_end.let_pass(far_end.quiet)
            assert far_end.course(leg_id) == [ReportKind.RINGING, ReportKind.ANSWERED]
            assert far_end.is_live(leg_id)

    def test_dial_does_not_wait_for_the_answer(self, far_end: FarEnd) -> None:
        """It returns while the phone rings, and says nothing that has not happened."""
        leg_id = ringing(far_end)
        far_end.let_pass(far_end.quiet)
        assert far_end.course(leg_id) == [ReportKind.RINGING]

    def test_a_leg_id_dialed_twice_is_one_call(self, far_end: FarEnd) -> None:
        """While it rings, and when it was answered: nothing is raised, and no second phone rings."""
        dialed = order(far_end)
        far_end.telephony.dial(dialed)
        far_end.telephony.dial(dialed)
        assert far_end.wait_until(lambda: bool(far_end.kinds(dialed.leg_id))), "RINGING"
        far_end.answer(dialed.leg_id)
        assert far_end.wait_until(lambda: ReportKind.ANSWERED in far_end.kinds(dialed.leg_id)), "ANSWERED"
        far_end.telephony.dial(dialed)
        far_end.let_pass(far_end.quiet)
        assert far_end.calls_count(dialed.leg_id) == 1
        assert far_end.course(dialed.leg_id) == [ReportKind.RINGING, ReportKind.ANSWERED]
        far_end.telephony.hang_up(HangUp(leg_id=dialed.leg_id))
        ended_once(far_end, dialed.leg_id)

    def test_a_leg_id_is_not_dialed_again_after_its_end(self, far_end: FarEnd) -> None:
        """The PBX has forgotten the name by then; the adapter has not."""
        dialed = order(far_end)
        far_end.telephony.dial(dialed)
        assert far_end.wait_until(lambda: bool(far_end.kinds(dialed.leg_id))), "RINGING"
        far_end.telephony.hang_up(HangUp(leg_id=dialed.leg_id))
        ended_once(far_end, dialed.leg_id)
        far_end.telephony.dial(dialed)
        far_end.let_pass(far_end.quiet)
        assert far_end.calls_count(dialed.leg_id) == 1
        assert far_end.count(dialed.leg_id, ReportKind.ENDED) == 1

    def test_what_is_refused_is_raised(self, far_end: FarEnd) -> None:
        """The PBX refuses, and no event will ever come: `DialRefused`, at once."""
        refused = order(far_end, phone=Phone.REFUSED)
        with pytest.raises(DialRefused):
            far_end.telephony.dial(refused)
        far_end.let_pass(far_end.quiet)
        assert far_end.calls_count(refused.leg_id) == 0
        assert set(far_end.kinds(refused.leg_id)) <= {ReportKind.ENDED}

    def test_busy_is_busy(self, far_end: FarEnd) -> None:
        """One ENDED, no ANSWERED."""
        dialed = order(far_end)
        far_end.telephony.dial(dialed)
        far_end.be_busy(dialed.leg_id)
        assert ended_once(far_end, dialed.leg_id) is Cause.BUSY
        assert ReportKind.ANSWERED not in far_end.kinds(dialed.leg_id)

    def test_declined_is_rejected(self, far_end: FarEnd) -> None:
        """A person has decided: it is neither busy nor unanswered. Many PBXs call it NOANSWER somewhere."""
        leg_id = ringing(far_end)
        far_end.reject(leg_id)
        assert ended_once(far_end, leg_id) is Cause.REJECTED
        assert ReportKind.ANSWERED not in far_end.kinds(leg_id)

    def test_rang_out_is_no_answer(self, far_end: FarEnd) -> None:
        """The PBX ends it when its ring time is over."""
        dialed = order(far_end, ring_time=far_end.short)
        far_end.telephony.dial(dialed)
        far_end.let_pass(far_end.short)
        assert ended_once(far_end, dialed.leg_id) is Cause.NO_ANSWER
        assert ReportKind.RINGING in far_end.kinds(dialed.leg_id)

    def test_ringing_is_reported_only_if_it_rang(self, far_end: FarEnd) -> None:
        """A number that cannot be reached often has the cause of one that rang out: only RINGING tells them apart."""
        dialed = order(far_end, phone=Phone.UNREACHABLE, ring_time=far_end.short)
        far_end.telephony.dial(dialed)
        far_end.let_pass(far_end.short)
        assert ended_once(far_end, dialed.leg_id) is Cause.UNREACHABLE
        assert far_end.kinds(dialed.leg_id) == [ReportKind.ENDED]

    def test_the_other_side_hangs_up(self, far_end: FarEnd) -> None:
        """One ENDED, as any call ends."""
        leg_id = answered(far_end)
        far_end.hang_up(leg_id)
        assert ended_once(far_end, leg_id) is Cause.NORMAL

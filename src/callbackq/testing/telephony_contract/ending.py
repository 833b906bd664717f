"""Hanging up: before, at and after the answer, once and twice, with a prompt and without."""

from __future__ import annotations

from datetime import timedelta

from callbackq.effects import HangUp, Prompt
from callbackq.ids import LegId
from callbackq.model import Cause, ReportKind
from callbackq.testing.telephony_contract.base import ContractBase, FarEnd, answered, ended_once, ringing


class HangUpContract(ContractBase):
    """What `hang_up` ends."""

    def test_hung_up_before_the_answer(self, far_end: FarEnd) -> None:
        """The phone stops ringing: one ENDED, for our own reason, and no ANSWERED."""
        leg_id = ringing(far_end)
        far_end.telephony.hang_up(HangUp(leg_id=leg_id))
        assert ended_once(far_end, leg_id) is Cause.CANCELLED
        assert ReportKind.ANSWERED not in far_end.kinds(leg_id)

    def test_hung_up_at_the_answer(self, far_end: FarEnd) -> None:
        """Whoever is first: one ENDED, nothing after it, and nobody is left on the line."""
        for milliseconds in (0, 1, 3, 6, 12):
            leg_id = ringing(far_end)
            far_end.answer(leg_id)
            far_end.let_pass(timedelta(milliseconds=milliseconds))
            far_end.telephony.hang_up(HangUp(leg_id=leg_id))
            said = len(far_end.kinds(leg_id))
            assert ended_once(far_end, leg_id) in (Cause.NORMAL, Cause.CANCELLED)
            assert ReportKind.ANSWERED not in far_end.kinds(leg_id)[said:], "no ANSWERED after the hang-up"

    def test_hung_up_with_a_prompt_at_the_answer(self, far_end: FarEnd) -> None:
        """Whoever is first: it is said to somebody or to nobody, and the leg ends. Nobody is left in silence."""
        for milliseconds in (0, 3):
            leg_id = ringing(far_end)
            far_end.answer(leg_id)
            far_end.let_pass(timedelta(milliseconds=milliseconds))
            far_end.telephony.hang_up(
                HangUp(leg_id=leg_id, prompt=Prompt.COULD_NOT_CONNECT, text="Goodbye.", language="en")
            )
            assert ended_once(far_end, leg_id) in (Cause.NORMAL, Cause.CANCELLED)

    def test_hung_up_after_the_answer(self, far_end: FarEnd) -> None:
        """One ENDED, as any call ends."""
        leg_id = answered(far_end)
        far_end.telephony.hang_up(HangUp(leg_id=leg_id))
        assert ended_once(far_end, leg_id) is Cause.NORMAL

    def test_hung_up_with_a_prompt(self, far_end: FarEnd) -> None:
        """It ends all the same, when the prompt was said."""
        leg_id = answered(far_end)
        told = HangUp(leg_id=leg_id, prompt=Prompt.COULD_NOT_CONNECT, text="Goodbye.", language="en")
        far_end.telephony.hang_up(told)
        assert ended_once(far_end, leg_id) is Cause.NORMAL

    def test_a_prompt_holds_up_no_phone_that_rings(self, far_end: FarEnd) -> None:
        """There is nobody to say it to."""
        leg_id = ringing(far_end)
        far_end.telephony.hang_up(HangUp(leg_id=leg_id, prompt=Prompt.COULD_NOT_CONNECT))
        assert ended_once(far_end, leg_id) is Cause.CANCELLED

    def test_hung_up_twice(self, far_end: FarEnd) -> None:
        """No error, and one ENDED; also where the other side has hung up."""
        by_us, by_them = answered(far_end), answered(far_end)
        far_end.telephony.hang_up(HangUp(leg_id=by_us))
        far_end.telephony.hang_up(HangUp(leg_id=by_us))
        ended_once(far_end, by_us)
        far_end.hang_up(by_them)
        far_end.telephony.hang_up(HangUp(leg_id=by_them))
        ended_once(far_end, by_them)
        for leg_id in (by_us, by_them):
            far_end.telephony.hang_up(HangUp(leg_id=leg_id))
            ended_once(far_end, leg_id)

    def test_a_leg_that_nobody_knows(self, far_end: FarEnd) -> None:
        """No error: it is gone, and that was wanted."""
        far_end.telephony.hang_up(HangUp(leg_id=LegId("leg_of_nobody")))
        far_end.let_pass(far_end.quiet)
        assert set(far_end.kinds(LegId("leg_of_nobody"))) <= {ReportKind.ENDED}

"""Prompts and keys: what one leg hears, and what is pressed."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from callbackq.effects import HangUp, Play, Prompt, SendDigits, StopPlay
from callbackq.ids import LegId
from callbackq.model import ReportKind
from callbackq.testing.telephony_contract.base import ContractBase, FarEnd, answered, ended_once, pressed

_PROMPT_TIME_MAX: Final = timedelta(seconds=30)
_NOBODY: Final = LegId("leg_of_nobody")


def _ask(leg_id: LegId) -> Play:
    return Play(leg_id=leg_id, prompt=Prompt.PRESS_TO_CONNECT, text="Press 1 to be connected.", language="en")


class PlayContract(ContractBase):
    """What `play`, `stop_play` and `send_digits` do to one leg."""

    def test_the_end_of_what_is_played_is_reported(self, far_end: FarEnd) -> None:
        """PLAYED comes when it is over, and the leg is still there."""
        leg_id = answered(far_end)
        far_end.telephony.play(_ask(leg_id))
        played = far_end.wait_until(
            lambda: ReportKind.PLAYED in far_end.kinds(leg_id), time_max=_PROMPT_TIME_MAX
        )
        assert played, "PLAYED"
        assert far_end.is_live(leg_id)

    def test_what_is_played_can_be_stopped(self, far_end: FarEnd) -> None:
        """PLAYED comes then, and the leg is still there."""
        leg_id = answered(far_end)
        far_end.telephony.play(_ask(leg_id))
        far_end.let_pass(far_end.quiet)
        far_end.telephony.stop_play(StopPlay(leg_id=leg_id))
        assert far_end.wait_until(lambda: ReportKind.PLAYED in far_end.kinds(leg_id)), "PLAYED"
        assert far_end.is_live(leg_id)

    def test_nothing_to_stop(self, far_end: FarEnd) -> None:
        """No error, and the leg is still there."""
        leg_id = answered(far_end)
        far_end.telephony.stop_play(StopPlay(leg_id=leg_id))
        far_end.let_pass(far_end.quiet)
        assert far_end.is_live(leg_id)
        assert ReportKind.ENDED not in far_end.kinds(leg_id)

    def test_a_leg_that_is_gone(self, far_end: FarEnd) -> None:
        """Playing, stopping and pressing are no error, whether it has ended or never was; nothing more is said."""
        gone = answered(far_end)
        far_end.telephony.hang_up(HangUp(leg_id=gone))
        ended_once(far_end, gone)
        for leg_id in (gone, _NOBODY):
            far_end.telephony.play(_ask(leg_id))
            far_end.telephony.stop_play(StopPlay(leg_id=leg_id))
            far_end.telephony.send_digits(SendDigits(leg_id=leg_id, digits="1"))
        ended_once(far_end, gone)
        assert not far_end.kinds(_NOBODY)

    def test_gone_during_what_is_played(self, far_end: FarEnd) -> None:
        """One ENDED, and nothing after it: no PLAYED that comes too late."""
        leg_id = answered(far_end)
        far_end.telephony.play(_ask(leg_id))
        far_end.let_pass(far_end.quiet)
        far_end.hang_up(leg_id)
        ended_once(far_end, leg_id)

    def test_keys_are_reported(self, far_end: FarEnd) -> None:
        """Also while something is played: who knows the prompt does not wait for its end."""
        leg_id = answered(far_end)
        far_end.press(leg_id, "7")
        assert far_end.wait_until(lambda: pressed(far_end, leg_id) == "7"), "DIGIT"
        far_end.telephony.play(_ask(leg_id))
        far_end.let_pass(far_end.quiet)
        far_end.press(leg_id, "1")
        assert far_end.wait_until(lambda: pressed(far_end, leg_id) == "71"), "DIGIT"

    def test_keys_are_pressed(self, far_end: FarEnd) -> None:
        """The other side hears them, in order."""
        leg_id = answered(far_end)
        far_end.telephony.send_digits(SendDigits(leg_id=leg_id, digits="4711#"))
        assert far_end.wait_until(lambda: far_end.heard_digits(leg_id) == "4711#"), "the keys"
        assert far_end.is_live(leg_id)

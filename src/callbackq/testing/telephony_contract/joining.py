"""Joining two legs: BRIDGED is said when they can hear each other, and only then."""

from __future__ import annotations

from contextlib import suppress

from callbackq.effects import Bridge, HangUp, Play, Prompt, StopPlay
from callbackq.ids import AttemptId, LegId
from callbackq.model import ReportKind, Role
from callbackq.testing.telephony_contract.base import (
    ContractBase,
    FarEnd,
    answered,
    both_answered,
    ended_once,
    is_bridged,
    joined,
    ringing,
)


def _legs(bridge: Bridge) -> tuple[LegId, LegId]:
    return bridge.agent_leg_id, bridge.customer_leg_id


class BridgeContract(ContractBase):
    """What `bridge` joins, and what is left when one of the two goes."""

    def test_two_legs_are_joined(self, far_end: FarEnd) -> None:
        """BRIDGED comes; then they hear each other, and both are there."""
        bridge = joined(far_end)
        assert far_end.are_joined(*_legs(bridge))
        far_end.let_pass(far_end.quiet)
        assert far_end.are_joined(*_legs(bridge))
        assert not any(far_end.causes(leg_id) for leg_id in _legs(bridge))

    def test_joined_twice(self, far_end: FarEnd) -> None:
        """It does no harm."""
        bridge = joined(far_end)
        far_end.telephony.bridge(bridge)
        far_end.let_pass(far_end.quiet)
        assert far_end.are_joined(*_legs(bridge))

    def test_not_before_both_have_answered(self, far_end: FarEnd) -> None:
        """A leg that rings is joined to nobody, whatever the reply is; an error is none of ours."""
        agent_leg_id, customer_leg_id = answered(far_end, role=Role.AGENT), ringing(far_end)
        bridge = Bridge(
            attempt_id=AttemptId("at_early"), agent_leg_id=agent_leg_id, customer_leg_id=customer_leg_id
        )
        with suppress(Exception):
            far_end.telephony.bridge(bridge)
        far_end.let_pass(far_end.quiet)
        assert not is_bridged(far_end, bridge)
        assert ReportKind.ENDED not in far_end.kinds(agent_leg_id)

    def test_one_has_just_gone(self, far_end: FarEnd) -> None:
        """A reply that all is well means nothing: who is gone was joined to nobody. The other one can be ended."""
        for role in Role:
            bridge = both_answered(far_end)
            gone, left = _legs(bridge) if role is Role.AGENT else reversed(_legs(bridge))
            far_end.hang_up(gone)
            with suppress(Exception):
                far_end.telephony.bridge(bridge)
            ended_once(far_end, gone)
            assert not far_end.are_joined(gone, left)
            assert not is_bridged(far_end, bridge) or _gone_after_bridged(far_end, gone)
            far_end.telephony.hang_up(HangUp(leg_id=left))
            ended_once(far_end, left)

    def test_one_leaves(self, far_end: FarEnd) -> None:
        """Their ENDED comes. The other leg is ended too, or can be: nobody stays alone in silence."""
        for role in Role:
            bridge = joined(far_end)
            gone, left = _legs(bridge) if role is Role.AGENT else reversed(_legs(bridge))
            far_end.hang_up(gone)
            ended_once(far_end, gone)
            far_end.telephony.hang_up(HangUp(leg_id=left))
            ended_once(far_end, left)

    def test_what_is_played_is_stopped_before(self, far_end: FarEnd) -> None:
        """Play, stop, join: nothing has to be waited for."""
        bridge = both_answered(far_end)
        far_end.telephony.play(Play(leg_id=bridge.customer_leg_id, prompt=Prompt.PLEASE_HOLD, text="Hold."))
        far_end.let_pass(far_end.quiet)
        far_end.telephony.stop_play(StopPlay(leg_id=bridge.customer_leg_id))
        far_end.telephony.bridge(bridge)
        assert far_end.wait_until(lambda: is_bridged(far_end, bridge)), "BRIDGED"
        assert far_end.are_joined(*_legs(bridge))

    def test_joined_while_something_is_played(self, far_end: FarEnd) -> None:
        """`bridge` returns, though the PBX may hold its reply until the end; stopping what is played frees it."""
        bridge = both_answered(far_end)
        far_end.telephony.play(Play(leg_id=bridge.customer_leg_id, prompt=Prompt.PLEASE_HOLD, text="Hold."))
        far_end.let_pass(far_end.quiet)
        far_end.telephony.bridge(bridge)
        far_end.telephony.stop_play(StopPlay(leg_id=bridge.customer_leg_id))
        assert far_end.wait_until(lambda: is_bridged(far_end, bridge)), "BRIDGED"
        assert far_end.are_joined(*_legs(bridge))

    def test_gone_while_the_bridge_waits(self, far_end: FarEnd) -> None:
        """The leg ends during what is played: it was joined to nobody."""
        bridge = both_answered(far_end)
        far_end.telephony.play(Play(leg_id=bridge.customer_leg_id, prompt=Prompt.PLEASE_HOLD, text="Hold."))
        far_end.let_pass(far_end.quiet)
        far_end.telephony.bridge(bridge)
        already = is_bridged(far_end, bridge)
        far_end.hang_up(bridge.customer_leg_id)
        ended_once(far_end, bridge.customer_leg_id)
        assert (
            already or not is_bridged(far_end, bridge) or _gone_after_bridged(far_end, bridge.customer_leg_id)
        )
        far_end.telephony.hang_up(HangUp(leg_id=bridge.agent_leg_id))
        ended_once(far_end, bridge.agent_leg_id)


def _gone_after_bridged(far_end: FarEnd, gone: LegId) -> bool:
    """Whether the end of a leg was reported after the last BRIDGED."""
    kinds = [
        report.kind
        for report in far_end.reports
        if report.kind is ReportKind.BRIDGED or (report.kind is ReportKind.ENDED and report.leg_id == gone)
    ]
    return kinds[-1] is ReportKind.ENDED

"""What an adapter may do besides: say which legs it has, also after a lost connection; reserve agents."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import suppress

import pytest

from callbackq.effects import HangUp, ReleaseAgent, ReserveAgent
from callbackq.errors import DialRefused, TelephonyDown
from callbackq.ids import AgentId, AttemptId, LegId
from callbackq.model import LegSnapshot, LegState, ReportKind
from callbackq.ports import CanReserve, CanSnapshot
from callbackq.testing.telephony_contract.base import (
    ContractBase,
    FarEnd,
    answered,
    ended_once,
    joined,
    order,
    ringing,
)


class ConnectedFarEnd(FarEnd):
    """A far end whose connection, from the adapter to the PBX, can be cut. For `SnapshotContract`."""

    @abstractmethod
    def disconnect(self) -> None:
        """Cut the connection, and wait until the adapter has noticed. Calls go on."""

    @abstractmethod
    def reconnect(self) -> None:
        """Let the adapter connect again, and wait until it has."""


class ReservingFarEnd(FarEnd):
    """A far end with queues of its own. For `ReserveContract`."""

    @abstractmethod
    def is_reserved(self, agent_id: AgentId) -> bool:
        """Return whether the PBX's own queues give this agent no calls."""


def _legs(far_end: FarEnd) -> dict[LegId, LegSnapshot]:
    telephony = far_end.telephony
    assert isinstance(telephony, CanSnapshot)
    return dict(telephony.snapshot().legs)


class SnapshotContract(ContractBase):
    """What `snapshot` says, and what comes after a lost connection. Needs a `ConnectedFarEnd`."""

    def test_a_snapshot_has_the_live_legs_only(self, far_end: FarEnd) -> None:
        """Ringing, answered, joined, as they are; what has ended is not in it."""
        before = _legs(far_end)
        rings, waits, bridge = ringing(far_end), answered(far_end), joined(far_end)
        over = answered(far_end)
        far_end.telephony.hang_up(HangUp(leg_id=over))
        ended_once(far_end, over)
        talking = LegSnapshot(state=LegState.ANSWERED, joined=True)
        assert _legs(far_end) == {
            **before,
            rings: LegSnapshot(state=LegState.RINGING),
            waits: LegSnapshot(state=LegState.ANSWERED),
            bridge.agent_leg_id: talking,
            bridge.customer_leg_id: talking,
        }

    def test_a_leg_left_alone_is_not_joined(self, far_end: FarEnd) -> None:
        """Who is left in a bridge alone is joined to nobody, if still there at all."""
        bridge = joined(far_end)
        far_end.hang_up(bridge.customer_leg_id)
        ended_once(far_end, bridge.customer_leg_id)
        legs = _legs(far_end)
        assert bridge.customer_leg_id not in legs
        assert legs.get(bridge.agent_leg_id) in (None, LegSnapshot(state=LegState.ANSWERED))

    def test_nothing_is_known_without_a_connection(self, far_end: FarEnd) -> None:
        """`TelephonyDown`: an empty snapshot would say that every leg is gone. Nothing is dialed either."""
        assert isinstance(far_end, ConnectedFarEnd)
        leg_id = answered(far_end)
        far_end.disconnect()
        with pytest.raises(TelephonyDown):
            _legs(far_end)
        late = order(far_end)
        with pytest.raises((DialRefused, TelephonyDown)):
            far_end.telephony.dial(late)
        with suppress(Exception):
            far_end.telephony.hang_up(HangUp(leg_id=LegId("leg_of_nobody")))
        far_end.reconnect()
        legs = _legs(far_end)
        assert legs.get(leg_id) == LegSnapshot(state=LegState.ANSWERED)
        assert late.leg_id not in legs
        assert far_end.calls_count(late.leg_id) == 0

    def test_what_ended_meanwhile_is_gone(self, far_end: FarEnd) -> None:
        """The snapshot says so. ENDED may be reported too, once."""
        assert isinstance(far_end, ConnectedFarEnd)
        leg_id = answered(far_end)
        far_end.disconnect()
        far_end.hang_up(leg_id)
        far_end.let_pass(far_end.quiet)
        far_end.reconnect()
        assert leg_id not in _legs(far_end)
        assert far_end.count(leg_id, ReportKind.ENDED) <= 1

    def test_what_was_answered_meanwhile_is_not_left_in_silence(self, far_end: FarEnd) -> None:
        """It was hung up by the PBX, or it is in the snapshot as answered and can be hung up."""
        assert isinstance(far_end, ConnectedFarEnd)
        leg_id = ringing(far_end)
        far_end.disconnect()
        far_end.answer(leg_id)
        far_end.let_pass(far_end.quiet)
        far_end.reconnect()
        found = _legs(far_end).get(leg_id)
        assert found in (None, LegSnapshot(state=LegState.ANSWERED))
        assert far_end.is_live(leg_id) == (found is not None)
        if found is not None:
            far_end.telephony.hang_up(HangUp(leg_id=leg_id))
            ended_once(far_end, leg_id)


class ReserveContract(ContractBase):
    """What `reserve_agent` and `release_agent` do. Needs a `ReservingFarEnd`."""

    def test_an_agent_is_reserved_and_released(self, far_end: FarEnd) -> None:
        """Twice is no error, and neither is releasing who was not reserved."""
        telephony = far_end.telephony
        assert isinstance(telephony, CanReserve)
        assert isinstance(far_end, ReservingFarEnd)
        agent_id, attempt_id = AgentId("ann"), AttemptId("at_reserving")
        telephony.release_agent(ReleaseAgent(agent_id=agent_id, attempt_id=attempt_id))
        assert not far_end.is_reserved(agent_id)
        for _ in range(2):
            telephony.reserve_agent(ReserveAgent(agent_id=agent_id, attempt_id=attempt_id))
            assert far_end.wait_until(lambda: far_end.is_reserved(agent_id)), "reserved"
        for _ in range(2):
            telephony.release_agent(ReleaseAgent(agent_id=agent_id, attempt_id=attempt_id))
            assert far_end.wait_until(lambda: not far_end.is_reserved(agent_id)), "released"

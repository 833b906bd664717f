"""The telephony contract over both doubles at once: legs are moved over ARI, and agents are reserved over AMI."""

from __future__ import annotations

from adapters.asterisk.ami_scene import ami_settings, policy, queue_settings
from adapters.asterisk.ari_far_end import AriFarEnd
from callbackq import CallbackService, MemoryStore, SystemClock
from callbackq.adapters.asterisk.queue_telephony import WithQueues
from callbackq.adapters.asterisk.queues import AsteriskQueues
from callbackq.aio import AsyncCallbackService
from callbackq.ids import AgentId
from callbackq.testing.contracts import ReserveContract, ReservingFarEnd, SnapshotContract
from callbackq.testing.doubles.ami import AmiDouble
from callbackq.testing.telephony_contract.awaiting import Blocking


class QueuedFarEnd(AriFarEnd, ReservingFarEnd):
    """An Asterisk of which Ann is a member of two queues."""

    def __init__(self) -> None:
        super().__init__()
        self.ami = AmiDouble()
        for queue in ("support", "sales"):
            self.ami.queue.add_member(queue, "PJSIP/ann")
        self.waiting.wait(self.ami.start())
        service = CallbackService(MemoryStore(), [policy()], clock=SystemClock())
        self.aio = AsyncCallbackService(service)
        self.queues = AsteriskQueues(ami_settings(self.ami), self.aio, queues=queue_settings())
        self.waiting.wait(self.queues.open())
        self.waiting.wait(self.queues.in_step())
        self._telephony = Blocking(WithQueues(self.adapter, self.queues), self.waiting)

    def is_reserved(self, agent_id: AgentId) -> bool:
        return self.ami.queue.is_paused(f"PJSIP/{agent_id}")

    def close(self) -> None:
        self.waiting.wait(self.queues.close())
        self.waiting.wait(self.aio.close())
        self.waiting.wait(self.ami.stop())
        super().close()


class TestOverBothDoubles(SnapshotContract, ReserveContract):
    """An honest Asterisk. How legs are moved alone is tested with the adapter for ARI."""

    def open_far_end(self) -> QueuedFarEnd:
        return QueuedFarEnd()

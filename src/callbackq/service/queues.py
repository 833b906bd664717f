"""The switches of whole queues: offering and dialing are paused and resumed apart, at run time, on every node."""

from __future__ import annotations

from datetime import datetime

from callbackq.core import switches
from callbackq.core.instants import optional_text
from callbackq.errors import RequestRefused
from callbackq.ids import QueueName
from callbackq.model import ALL_QUEUES, QueueControl
from callbackq.ports import Commit, Transaction
from callbackq.service.base import ServiceBase
from callbackq.writing import policy_of, write


class QueueCommands(ServiceBase):
    """The switches of whole queues."""

    def pause(
        self, queue: str | None, *, offering: bool = False, dialing: bool = False, reason: str | None = None
    ) -> QueueControl:
        """
        Pause offering callbacks, dialing them, or both, in one queue or in all.

        While dialing is paused no new attempt is started: callbacks keep their places, and live callers are served
        past them; attempts under way go on. While offering is paused every offer is refused with its own reason;
        `request` goes on. Durable on return, and true for all nodes. Pausing twice changes nothing but the reason.

        Args:
            queue: its name; None for all queues of this tenant.
            reason: for people; shown by `explain`.

        Raises:
            UnknownQueue, InvalidText: nothing was changed.
            RequestRefused: neither offering nor dialing was named.
        """
        return self._switch(queue, pause=True, offering=offering, dialing=dialing, reason=reason)

    def resume(self, queue: str | None, *, offering: bool = False, dialing: bool = False) -> QueueControl:
        """
        Resume offering, dialing, or both. What is paused for all queues stays paused for each of them.

        Raises:
            UnknownQueue: nothing was changed.
            RequestRefused: neither offering nor dialing was named.
        """
        return self._switch(queue, pause=False, offering=offering, dialing=dialing, reason=None)

    def _switch(
        self, queue: str | None, *, pause: bool, offering: bool, dialing: bool, reason: str | None
    ) -> QueueControl:
        if not offering and not dialing:
            raise RequestRefused("nothing to switch; allowed: offering=True, dialing=True, or both")
        name: QueueName = ALL_QUEUES if queue is None else policy_of(self.policies, queue).queue
        why = optional_text(reason, "reason")

        def switched(tx: Transaction, now: datetime) -> QueueControl:
            wanted = switches.Switch(pause=pause, offering=offering, dialing=dialing, reason=why)
            before = tx.queues.find(name) or switches.nothing_paused(self.tenant_id, name, now=now)
            write(tx, switches.switch(before, wanted, now=now))
            return tx.queues.find(name) or before

        return self._run(Commit.FLUSHED, switched)

"""How customers are told by a call that nobody can take their callback: when it may be made, and when it is put off."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import attrs

from callbackq.core import announcing, attempt, lifecycle
from callbackq.core.announcing import AGAIN_AFTER
from callbackq.core.legs import Context
from callbackq.effects import Effect
from callbackq.facts import capped_now, dialing_paused
from callbackq.ids import AttemptId, LegId, NodeId
from callbackq.model import Announcement, Callback, HoldReason, Mode, Subject
from callbackq.permission import Asker, May, Never, Wait
from callbackq.policy import QueuePolicy
from callbackq.ports import IdSource, Transaction
from callbackq.writing import policy_of, write

_UNKNOWN_MAX: Final = 10
"""A do-not-call list that could not be asked so often in a step may take its time: it is not asked again in it."""


@attrs.frozen(kw_only=True)
class Announcer:
    """
    Makes the calls that announce something, in one transaction.

    They ask all that every call asks, but for an agent: opt-outs and lists, hours, limits, caps, a pause.

    Args:
        asker: who knows whether a person may be called, in this transaction.
        node_id: of the process that makes the calls.
    """

    asker: Asker
    ids: IdSource
    node_id: NodeId

    @property
    def tx(self) -> Transaction:
        """The transaction."""
        return self.asker.tx

    @property
    def now(self) -> datetime:
        """The instant of the step."""
        return self.asker.now

    def tell(self, callback: Callback) -> tuple[Effect, ...]:
        """
        Call the customer of a callback that is to be told, whose time has come; or put it off, or end it.

        Returns:
            The order to dial, or notices. The callback must be HELD, and must not have expired.
        """
        policy = policy_of(self.asker.policies, callback.queue)
        subject = self.tx.subjects.get(callback.subject_id)
        if subject.erased_at is not None:
            write(self.tx, lifecycle.cancel(callback, reason="erased", now=self.now))
            return ()
        until = self._closed_until(callback)
        if until is not None:
            write(self.tx, announcing.put_off(callback, until=until, now=self.now))
            return ()
        # The customer's phone rings at once, whatever the callback's mode.
        match self.asker.ask(attrs.evolve(callback, mode=Mode.CUSTOMER_FIRST), subject, policy=policy):
            case Wait(reason=reason, until=until):
                if until >= callback.expires_at and reason is not HoldReason.WRONG_NUMBER:
                    return self._end_untold(callback, subject)
                write(self.tx, announcing.put_off(callback, until=until, now=self.now))
                return ()
            case Never():
                return self._end_untold(callback, subject)
            case May() as may:
                chosen = attrs.evolve(callback, number_index=may.callback.number_index)
                return self._call(chosen, may, subject, policy=policy)

    def _closed_until(self, callback: Callback) -> datetime | None:
        """Return when to ask again, if nothing of its queue may be dialed now; None if it may."""
        again_at = self.now + AGAIN_AFTER
        asker = self.asker
        if dialing_paused(self.tx, callback.queue) or asker.unknown_count >= _UNKNOWN_MAX:
            return again_at
        capped = capped_now(self.tx, callback.queue, policies=asker.policies, caps=asker.caps, now=self.now)
        if capped is None:
            return None
        return capped.until_at or again_at

    def _end_untold(self, callback: Callback, subject: Subject) -> tuple[Effect, ...]:
        """No rule will permit the call: the customer is told otherwise."""
        decision = announcing.untold(callback, subject, now=self.now)
        write(self.tx, decision)
        return decision.effects

    def _call(
        self, chosen: Callback, may: May, subject: Subject, *, policy: QueuePolicy
    ) -> tuple[Effect, ...]:
        attempt_id = AttemptId(self.ids.new("at", now=self.now))
        decision = announcing.begin(chosen, attempt_id, policy=policy, now=self.now)
        decision += attempt.announce(
            Context(callback=chosen, subject=subject, policy=policy, now=self.now),
            Announcement.NO_AGENT,
            attempt_id=attempt_id,
            agent_leg_id=LegId(self.ids.new("leg", now=self.now)),
            customer_leg_id=LegId(self.ids.new("leg", now=self.now)),
            node_id=self.node_id,
            number_key=may.number_key,
        )
        if may.tally is not None:
            self.tx.save(may.tally)
        write(self.tx, decision)
        return decision.effects

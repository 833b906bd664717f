"""What a wallboard shows: the momentary values of the queues, from rows, in one transaction that only reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import attrs

from callbackq.core import board as rules
from callbackq.core.instants import check_text
from callbackq.core.ordering import RANK_MAX, rank
from callbackq.facts import control_of
from callbackq.gauge import Gauge
from callbackq.ids import PlaceId, QueueName
from callbackq.model import (
    POSITION_EXACT_MAX,
    Booking,
    BookingState,
    Callback,
    CallbackState,
    Place,
)
from callbackq.model.board import Board, PromiseAtRisk, QueueBoard
from callbackq.policy import QueuePolicy
from callbackq.ports import Commit, Transaction
from callbackq.service.base import ServiceBase
from callbackq.writing import policy_of, policy_or_default

LOOKED_AT_MAX: Final = 500
"""So many places of a line, and callbacks in each other state, are looked at for promises at risk."""
BOOKED_AHEAD: Final = timedelta(hours=1)
_LISTED_MAX: Final = 1_000
_COUNTED_MAX: Final = POSITION_EXACT_MAX + 1


class BoardQuestions(ServiceBase):
    """How the queues stand now."""

    def board(self, *, queues: Iterable[str] | None = None) -> Board:
        """
        Return the momentary values of queues: who waits and how long, agents, attempts, and promises at risk.

        It names no person. What was, `figures` tells, with the same names where it is the same thing.

        Args:
            queues: which; all that have a policy here, and those in which something has not ended, if None.

        Raises:
            UnknownQueue: no policy is configured for it, and nothing in it has not ended.

        Cost: some 20 reads of indexes for each queue, and of at most 500 callbacks of its line, and as many in each
            other state; nothing grows with the line beyond that and the bounds of `Line.count_ahead`. As measured
            under load, for 100 that wait and for 10,000: in memory 2 and 12 ms, in SQLite 9 and 60 ms, in PostgreSQL
            20 and 65 ms; for 100,000 between 10 and 140 ms.
        """
        asked = None if queues is None else [check_text(name, "queue") for name in queues]

        def read(tx: Transaction, now: datetime) -> Board:
            names = self._names(tx, asked)
            glance = _Glance(tx=tx, policies=self._policies_of(names), gauge=self._gauge_of(names), now=now)
            return Board(
                tenant_id=self.tenant_id,
                at=now,
                queues=tuple(glance.queue(name) for name in names),
                messages_in_doubt_count=len(tx.messages.uncertain(limit=_LISTED_MAX)),
                next_wakeup_at=tx.next_due_at(queues=names),
            )

        return self._run(Commit.READ_ONLY, read)

    def _names(self, tx: Transaction, asked: Sequence[str] | None) -> list[QueueName]:
        in_use = tx.queues.in_use()
        if asked is None:
            return sorted({*self.policies, *in_use})
        known = [name if name in in_use else policy_of(self.policies, name).queue for name in asked]
        return [QueueName(name) for name in dict.fromkeys(known)]

    def _policies_of(self, names: Iterable[QueueName]) -> Mapping[QueueName, QueuePolicy]:
        return {**self.policies, **{name: policy_or_default(self.policies, name) for name in names}}

    def _gauge_of(self, names: Iterable[QueueName]) -> Gauge:
        """Return what estimates: the service's own, or one that also knows queues without a policy."""
        if all(name in self.policies for name in names):
            return self.gauge
        return Gauge(None, policies=self._policies_of(names), caps=self.caps)


@attrs.frozen(kw_only=True)
class _Glance:
    """One look at the queues."""

    tx: Transaction
    policies: Mapping[QueueName, QueuePolicy]
    gauge: Gauge
    now: datetime

    def queue(self, name: QueueName) -> QueueBoard:
        """Look at one queue."""
        tx, policy = self.tx, self.policies[name]
        counts = tx.callbacks.counts(name, limit=_COUNTED_MAX)
        line = tx.line.count_ahead(name, rank=RANK_MAX, place_id=PlaceId(""))
        places = tx.line.places(name, limit=LOOKED_AT_MAX)
        calls_since, callbacks_since = tx.line.oldest(name)
        attempts = rules.attempts(tx.attempts.open(name))
        risks = rules.by_urgency(self._risks(places, policy))
        control = control_of(tx, name)
        soon = tx.bookings.between(
            name, from_at=self.now, until_at=self.now + BOOKED_AHEAD, limit=_LISTED_MAX
        )
        others = {state: count for state, count in counts.items() if state is not CallbackState.WAITING}
        return QueueBoard(
            queue=name,
            calls_waiting_count=line.calls,
            callbacks_waiting_count=line.callbacks,
            callbacks_scheduled_count=min(others[CallbackState.SCHEDULED], POSITION_EXACT_MAX),
            callbacks_resting_count=min(others[CallbackState.RESTING], POSITION_EXACT_MAX),
            callbacks_held_count=min(others[CallbackState.HELD], POSITION_EXACT_MAX),
            callbacks_attempting_count=min(others[CallbackState.ATTEMPTING], POSITION_EXACT_MAX),
            is_exact=line.exact and max(others.values()) <= POSITION_EXACT_MAX,
            calls_longest_wait_s=self._since(calls_since),
            callbacks_longest_wait_s=self._since(callbacks_since),
            wait=self.gauge.look(
                tx,
                rank=rank(self.now, priority=policy.priority_default, policy=policy),
                place_id=PlaceId(""),
                priority=policy.priority_default,
                lane=0,
                policy=policy,
                now=self.now,
            )[1],
            agents=rules.staff(tx.agents.counts(name)),
            attempts_in_flight_count=attempts.in_flight,
            attempts_connected_count=attempts.connected,
            attempts_in_doubt_count=attempts.in_doubt,
            bookings_due_count=sum(one.state is BookingState.BOOKED for one in soon),
            promises_at_risk_count=len(risks),
            promises_missed_count=sum(risk.is_missed for risk in risks),
            is_risk_exact=line.count <= LOOKED_AT_MAX
            and all(others[state] <= LOOKED_AT_MAX for state in _LOOKED_INTO),
            at_risk=tuple(risks[: rules.SHOWN_MAX]),
            offering_paused=control is not None and control.offering_paused,
            dialing_paused=control is not None and control.dialing_paused,
            paused_reason=control.reason if control is not None else None,
            first=rules.first_places(places, risks),
        )

    def _since(self, entered_at: datetime | None) -> float | None:
        return None if entered_at is None else max(0.0, (self.now - entered_at).total_seconds())

    def _risks(self, places: Sequence[Place], policy: QueuePolicy) -> list[PromiseAtRisk]:
        """Return the promises at risk among the first of the line, and among those that are not in it."""
        waits = self.gauge.waits(self.tx, rules.aheads(places), policy=policy, now=self.now)
        found = [
            self._risk(place, policy, wait_s=rules.wait_at(number, waits))
            for number, place in enumerate(places, start=1)
            if isinstance(place, Callback)
        ]
        # Of those whose time is still to come nothing can be missed; those whose time has come are due.
        late = self.tx.callbacks.due(now=self.now, limit=LOOKED_AT_MAX, queues=[policy.queue])
        others = [one for one in late if one.state is CallbackState.SCHEDULED]
        for state in _LOOKED_INTO:
            others += self.tx.callbacks.in_state(policy.queue, state, limit=LOOKED_AT_MAX)
        found += [self._risk(callback, policy, wait_s=None) for callback in others]
        return [risk for risk in found if risk is not None]

    def _risk(self, callback: Callback, policy: QueuePolicy, *, wait_s: float | None) -> PromiseAtRisk | None:
        risk = rules.at_risk(callback, wait_s=wait_s, policy=policy, now=self.now)
        if risk is None or callback.booking_id is None:
            return risk
        booking: Booking = self.tx.bookings.get(callback.booking_id)  # Its window may be longer.
        return rules.at_risk(callback, wait_s=wait_s, booking=booking, policy=policy, now=self.now)


_LOOKED_INTO: Final = (CallbackState.ATTEMPTING, CallbackState.RESTING, CallbackState.HELD)

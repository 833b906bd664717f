"""How a message is put into words: who reads it, in which zone, where their callback stands, and the link to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import attrs

from callbackq.asking import Desk
from callbackq.booking import find_booking
from callbackq.core.legs import number_at
from callbackq.core.links import make_link_token
from callbackq.core.texts import Text, TextFacts, text_of
from callbackq.core.zones import zone_of_customer, zones_of_number
from callbackq.ids import QueueName
from callbackq.model import (
    Booking,
    Callback,
    CallbackState,
    DueReason,
    MessageKind,
    Subject,
    Wait,
)
from callbackq.policy import QueuePolicy
from callbackq.ports import Transaction


@attrs.frozen(kw_only=True)
class Writer:
    """Puts the messages of one service into words, in one transaction."""

    tx: Transaction
    desk: Desk
    policies: Mapping[QueueName, QueuePolicy]
    now: datetime

    def text(
        self,
        kind: MessageKind,
        *,
        policy: QueuePolicy,
        subject: Subject | None,
        callback: Callback | None,
        facts: TextFacts | None = None,
        language: str | None = None,
    ) -> Text:
        """Return the words of a message. *facts* are those that do not follow from person and callback."""
        of = facts if facts is not None else TextFacts()
        wanted = language or (subject.language if subject is not None else None)
        if subject is not None:
            of = attrs.evolve(of, name=subject.name)
        if callback is not None and subject is not None:
            at = of.at or _told_at(kind, callback)
            of = attrs.evolve(
                of,
                number=of.number or number_at(subject, callback.number_index),
                at=at,
                link=self.link(callback, policy),
                state=callback.state,
            )
        zone = of.zone or self.zone_of(subject, callback, policy)
        of = attrs.evolve(
            of,
            zone=zone,
            now=self.now,
            other_channels=policy.other_channels,
            can_choose=self._can_choose(callback, policy, can_request=of.can_request),
        )
        return text_of(kind, of, policy=policy, language=wanted)

    def _can_choose(self, callback: Callback | None, policy: QueuePolicy, *, can_request: bool) -> bool:
        """Whether who answers that they want another time gets one; or a new callback, where theirs is over."""
        if callback is None or callback.state is not CallbackState.ENDED:
            return self.desk.seating.has_slots(policy.queue)
        return can_request and policy.messages is not None and policy.messages.requests

    def zone_of(self, subject: Subject | None, callback: Callback | None, policy: QueuePolicy) -> str:
        """Return the zone in which a customer reads times: of the booking, or their own, or else the queue's."""
        booking = self._booking(callback)
        if booking is not None:
            return booking.zone
        queue_zone = self.queue_zone(policy.queue)
        if subject is None or not subject.number:
            return queue_zone
        found = zone_of_customer(
            chosen=None,
            known=subject.zone,
            number_zones=zones_of_number(subject.number),
            at=self.now,
            queue_zone=queue_zone,
        )
        return found.zone

    def _booking(self, callback: Callback | None) -> Booking | None:
        if callback is None or callback.booking_id is None:
            return None
        return find_booking(self.tx, callback.booking_id)

    def link(self, callback: Callback, policy: QueuePolicy) -> str | None:
        """Return the address of the page on which a callback can be changed, if the host has one."""
        messages = policy.messages
        if messages is None or messages.link is None or callback.state is CallbackState.ENDED:
            return None
        token = make_link_token(
            callback.callback_id,
            tenant_id=self.desk.tenant_id,
            expires_at=self.now + messages.link_life,
            key=self.desk.pepper,
        )
        return messages.link.replace("{token}", token)

    def standing(self, callback: Callback, policy: QueuePolicy) -> tuple[int | None, Wait | None]:
        """Return where a callback stands and how long it will wait, while it waits in line."""
        if callback.state is not CallbackState.WAITING:
            return None, None
        position, wait, _ = self.desk.gauge.look(
            self.tx,
            rank=callback.rank,
            place_id=callback.place_id,
            priority=callback.priority,
            lane=callback.lane,
            policy=policy,
            now=self.now,
        )
        return position.number, wait

    def queue_zone(self, queue: QueueName) -> str:
        """Return the zone of a queue; UTC for one that is not configured here."""
        return self.desk.seating.zone(queue) if queue in self.policies else "UTC"


_AT_ITS_TIME: Final = frozenset(
    {MessageKind.CONFIRMATION, MessageKind.REMINDER, MessageKind.AGENT_CHANGED, MessageKind.LATE}
)
_AT_THE_NEXT: Final = frozenset({MessageKind.STATUS, MessageKind.MISSED, MessageKind.NUMBER_CHANGED})


def _told_at(kind: MessageKind, callback: Callback) -> datetime | None:
    """Return the time that a message tells: the chosen one; or when it is tried next, if that is known."""
    if kind in _AT_ITS_TIME:
        return callback.scheduled_at
    if kind not in _AT_THE_NEXT:
        return None
    if callback.state is CallbackState.SCHEDULED:
        return callback.scheduled_at
    return callback.due_at if callback.due_reason in (DueReason.REST_OVER, DueReason.HOLD_OVER) else None

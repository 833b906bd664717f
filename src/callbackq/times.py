"""When queues are open: by the host's own hours, or else by their policies."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

import attrs

from callbackq.core.hours import OpenHours
from callbackq.core.slots import ALWAYS, OpenTimes
from callbackq.ids import QueueName
from callbackq.model import Interval, Opening
from callbackq.policy import QueuePolicy
from callbackq.ports import Hours

logger = logging.getLogger("callbackq")

_CHANGES_MAX: Final = 10_000


class PolicyHours:
    """The hours of the queues' policies. A queue without any never closes."""

    def __init__(self, policies: Mapping[QueueName, QueuePolicy]) -> None:
        self._hours: Final = {
            queue: OpenHours(policy.hours) for queue, policy in policies.items() if policy.hours is not None
        }

    def opening(self, queue: QueueName, at: datetime) -> Opening:
        """Return whether *queue* is open at *at*, and when that changes next."""
        hours = self._hours.get(queue)
        return Opening(is_open=True) if hours is None else hours.opening(at)

    def times(self, queue: QueueName) -> OpenTimes:
        """Return when *queue* is open."""
        return self._hours.get(queue, ALWAYS)


@attrs.frozen
class HostTimes:
    """
    When a queue is open, learned from the host's hours one change after the other.

    An answer without a next change holds to the end. Where the hours raise, or answer nonsense, it is closed from
    there on, and the log says so: nothing is booked into hours that nobody knows.
    """

    hours: Hours
    queue: QueueName

    def intervals(self, from_at: datetime, *, until_at: datetime) -> Iterator[Interval]:
        """Return when it is open, in order."""
        learned = self._learn(from_at, until_at)
        while True:
            try:
                yield next(learned)
            except StopIteration:
                return
            except Exception as error:
                logger.warning("the hours of queue %s failed: %s", self.queue, type(error).__name__)
                return

    def _learn(self, from_at: datetime, until_at: datetime) -> Iterator[Interval]:
        at = from_at
        begin: datetime | None = None
        for _ in range(_CHANGES_MAX):
            if at >= until_at:
                break
            opening = self.hours.opening(self.queue, at)
            if opening.is_open and begin is None:
                begin = at
            elif not opening.is_open and begin is not None:
                yield Interval(starts_at=begin, ends_at=at)
                begin = None
            changes_at = opening.changes_at or until_at
            if changes_at <= at:
                raise ValueError("hours that do not get on")
            # In UTC: two times of one other zone are told apart by what its clocks show, not by how far they are.
            at = min(changes_at, until_at).astimezone(UTC)
        else:
            raise ValueError("hours that change too often")
        if begin is not None:
            yield Interval(starts_at=begin, ends_at=until_at)


def times_of(queue: QueueName, *, host: Hours | None, policies: PolicyHours) -> OpenTimes:
    """Return when a queue is open: the host's word counts before the policy's."""
    return policies.times(queue) if host is None else HostTimes(host, queue)

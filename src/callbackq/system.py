"""What a host gets that brings nothing of its own: the machine's time and chance, and queues that never close."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from callbackq.ids import QueueName, make_id
from callbackq.model import Opening


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        """Return the present instant."""
        return datetime.now(UTC)


class RandomIds:
    """Ids from the time in milliseconds and 64 random bits of the operating system. Safe in threads and forks."""

    def new(self, prefix: str, *, now: datetime) -> str:
        """Return a new id, such as `cb_019b8d627a80f00dfeed00c0ffee`. Cost: a few microseconds."""
        return make_id(prefix, milliseconds=int(now.timestamp() * 1000), tail=os.urandom(8).hex())


class AlwaysOpen:
    """Hours of queues that never close."""

    def opening(self, queue: QueueName, at: datetime) -> Opening:  # noqa: ARG002
        """Return that it is open, and stays so."""
        return Opening(is_open=True)

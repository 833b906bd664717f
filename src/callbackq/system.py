"""The machine's own time and chance, for hosts that ask for them."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from callbackq.ids import make_id


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

"""
The world's own journal: what happened to people, whatever the engine may think of it.

The center writes a line when something happens in the world, never from what the store says. So it is an account
that the checkers can hold against the store's.
"""

from __future__ import annotations

import enum
from datetime import datetime

import attrs

from callbackq.masking import repr_masked


class Happened(enum.StrEnum):
    """What happened to a person."""

    JOINED = "joined"
    WAITS = "waits"
    TOLD = "told"
    PROMISED = "promised"
    CONNECTED = "connected"
    PARTED = "parted"
    HUNG_UP = "hung_up"
    CORRECTED = "corrected"
    SETTLED = "settled"


@attrs.frozen(kw_only=True)
class WorldLine:
    """
    One line of the journal.

    WAITS follows JOINED where no agent was free. CONNECTED has the agent; for a callback also the leg and the
    callback. HUNG_UP is giving up on the line before being served, PARTED the end of a conversation. CORRECTED is a
    person's word that what was taken for a conversation was none, or that the number is another one. SETTLED is a
    person's word that an attempt under way has failed, whatever happens on the line. TOLD says in `note` what was
    said.
    """

    at: datetime
    what: Happened
    call_id: str
    number: str = attrs.field(repr=repr_masked)
    skills: tuple[str, ...] = ()
    callback_id: str | None = None
    leg_id: str | None = None
    agent_id: str | None = None
    note: str | None = None


class Journal:
    """
    The lines, as they are written.

    >>> from datetime import UTC
    >>> journal, noon = Journal(), datetime(2026, 1, 5, 12, tzinfo=UTC)
    >>> journal.write(WorldLine(at=noon, what=Happened.JOINED, call_id="call-1", number="+12015550100"))
    >>> [line.what.value for line in journal.lines()]
    ['joined']
    """

    def __init__(self) -> None:
        self._lines: list[WorldLine] = []

    def write(self, line: WorldLine) -> None:
        """Add a line; its time may be to come, if it is certain."""
        self._lines.append(line)

    def lines(self) -> list[WorldLine]:
        """Return every line in order of time, and of writing within one instant. O(n log n)."""
        return sorted(self._lines, key=_at)


def _at(line: WorldLine) -> datetime:
    return line.at

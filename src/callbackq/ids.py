"""
Typed ids. They are text, carry a readable prefix, and sort by the time they were made.

The core never makes one: ids come from an `IdSource`, as an argument.
"""

from __future__ import annotations

from typing import Final, NewType

TenantId = NewType("TenantId", str)
QueueName = NewType("QueueName", str)
CallbackId = NewType("CallbackId", str)
AttemptId = NewType("AttemptId", str)
LegId = NewType("LegId", str)
OfferId = NewType("OfferId", str)
SubjectId = NewType("SubjectId", str)
CallId = NewType("CallId", str)
"""The host's own name for a live call, such as the channel id of its PBX."""
AgentId = NewType("AgentId", str)
"""The host's own name for an agent."""
NodeId = NewType("NodeId", str)
PlaceId = NewType("PlaceId", str)
"""The id under which a place in line was first taken. It breaks ties, and survives a live call becoming a callback."""

DEFAULT_TENANT: Final = TenantId("default")


def make_id(prefix: str, *, milliseconds: int, tail: str) -> str:
    """
    Join *prefix*, a sortable time (milliseconds since 1970) and a unique *tail*.

    >>> make_id("cb", milliseconds=1_767_603_600_000, tail="00ff")
    'cb_019b8d627a8000ff'
    """
    return f"{prefix}_{milliseconds:012x}{tail}"

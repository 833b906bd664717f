"""
Typed ids. They are text, carry a readable prefix, and sort by the time they were made.

The core never makes one: ids come from an `IdSource`, as an argument.
"""

from __future__ import annotations

from typing import Final, NewType

TenantId = NewType("TenantId", str)
"""Whose promises: the host's own name for one of the businesses it serves."""
QueueName = NewType("QueueName", str)
"""The name of a contact-center queue, such as `support`."""
CallbackId = NewType("CallbackId", str)
"""The id of a callback: `cb_…`."""
AttemptId = NewType("AttemptId", str)
"""The id of an attempt: `at_…`."""
LegId = NewType("LegId", str)
"""The id of one leg of an attempt: `leg_…`. Chosen before dialing, and dialed at most once."""
BookingId = NewType("BookingId", str)
"""The id of a seat in a slot: `bk_…`."""
VerificationId = NewType("VerificationId", str)
"""The id of a one-time code that was sent: `vf_…`."""
MessageId = NewType("MessageId", str)
"""The id of a message to a customer: `ms_…`."""
OfferId = NewType("OfferId", str)
"""The id of an offer: `of_…`."""
SubjectId = NewType("SubjectId", str)
"""The id of the person behind callbacks: `su_…`."""
CallId = NewType("CallId", str)
"""The host's own name for a live call, such as the channel id of its PBX."""
AgentId = NewType("AgentId", str)
"""The host's own name for an agent."""
NodeId = NewType("NodeId", str)
"""The name of a process that runs a dispatcher."""
PlaceId = NewType("PlaceId", str)
"""The id under which a place in line was first taken. It breaks ties, and outlives the live call."""

DEFAULT_TENANT: Final = TenantId("default")


def make_id(prefix: str, *, milliseconds: int, tail: str) -> str:
    """
    Join *prefix*, a sortable time (milliseconds since 1970) and a unique *tail*.

    >>> make_id("cb", milliseconds=1_767_603_600_000, tail="00ff")
    'cb_019b8d627a8000ff'
    """
    return f"{prefix}_{milliseconds:012x}{tail}"

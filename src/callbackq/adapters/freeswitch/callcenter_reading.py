"""What `mod_callcenter` says of its queues, agents and callers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

import attrs

from callbackq.adapters.freeswitch.framing import Event

ON_BREAK: Final = "On Break"
_TAKES_CALLS: Final = frozenset({"Available", "Available (On Demand)"})
IN_A_CALL: Final = "In a queue call"
WAITING: Final = "Waiting"
_ABANDONED: Final = "Abandoned"
_ANSWERED: Final = "Answered"
_SYSTEM: Final = "system"
_AGENTS: Final = UUID("0a5b8b1c-52e5-5f0e-8f4e-9a0d2b7c6d10")


@attrs.frozen(kw_only=True)
class CcCaller:
    """
    A caller in a queue of `mod_callcenter`.

    Args:
        call_id: under which callbackq knows the call: one for each time that a channel enters a queue.
        channel: the id of the channel.
        queue: the name there.
        entered_at: since when the caller waits, by the caller's score; aware, in UTC, to the second.
        agent: with whom the caller talks; None while the caller waits.
        key: by which the caller left, if by one.
    """

    call_id: str
    channel: str
    queue: str
    number: str | None = attrs.field(default=None, repr=False)
    name: str | None = attrs.field(default=None, repr=False)
    entered_at: datetime | None = None
    agent: str | None = None
    key: str | None = None


@attrs.frozen(kw_only=True)
class CcQueue:
    """How a queue is set up, as far as it matters here."""

    name: str
    abandoned_resume_allowed: bool
    counts_from_answer: bool


def call_id_of(member: str, channel: str) -> str:
    """Return the call id of a caller: a place that was taken over by another channel is another call."""
    return f"{member}.{channel}"


def reserved_name(agent: str) -> str:
    """Return the name of the global variable that says that we took an agent out of the queues."""
    return f"callbackq_reserved_{uuid5(_AGENTS, agent).hex}"


def takes_calls(status: str) -> bool:
    """Whether an agent of this status is given calls."""
    return status in _TAKES_CALLS


def caller(event: Event, queues: Mapping[str, CcQueue]) -> CcCaller:
    """Return the caller whom a `callcenter::info` is about."""
    queue = event["CC-Queue"]
    channel = event["CC-Member-Session-UUID"] or event.channel
    joined = _number(event.variable("cc_queue_joined_epoch") or event["CC-Member-Joined-Time"])
    waited = _number(event.variable("cc_base_score"))
    found = queues.get(queue)
    answered = _number(event["Caller-Channel-Answered-Time"]) // 1_000_000
    if found is not None and found.counts_from_answer and joined and answered:
        waited += max(0, joined - answered)
    return CcCaller(
        call_id=call_id_of(event["CC-Member-UUID"], channel),
        channel=channel,
        queue=queue,
        number=event["CC-Member-CID-Number"] or None,
        name=event["CC-Member-CID-Name"] or None,
        entered_at=_since(joined, waited),
        agent=event["CC-Agent"] or None,
        key=event.variable("cc_exit_key") or None,
    )


def table(said: str) -> list[dict[str, str]]:
    r"""
    Read a table as `callcenter_config … list` gives it. A name may hold the mark that stands between columns.

    >>> table("name|status\nann|On Break\n+OK\n"), table("+OK\n"), table("-ERR Invalid!")
    ([{'name': 'ann', 'status': 'On Break'}], [], [])
    """
    lines = [line for line in said.splitlines() if line and not line.startswith(("+OK", "-"))]
    if not lines:
        return []
    head = lines[0].split("|")
    return [dict(zip(head, _cells(line, head), strict=False)) for line in lines[1:]]


def queue_of(row: Mapping[str, str]) -> CcQueue:
    """Return a row of `queue list`."""
    return CcQueue(
        name=row.get("name", ""),
        abandoned_resume_allowed=row.get("abandoned_resume_allowed") == "true",
        counts_from_answer=row.get("time_base_score") == _SYSTEM,
    )


def caller_of(row: Mapping[str, str]) -> CcCaller | None:
    """Return a row of `queue list members`; None for one who is not there any more."""
    channel, state = row.get("session_uuid", ""), row.get("state", "")
    if not channel or state == _ABANDONED:
        return None
    return CcCaller(
        call_id=call_id_of(row.get("uuid", ""), channel),
        channel=channel,
        queue=row.get("queue", ""),
        number=row.get("cid_number") or None,
        name=row.get("cid_name") or None,
        entered_at=_since(_number(row.get("joined_epoch", "")), _number(row.get("base_score", ""))),
        agent=(row.get("serving_agent") or None) if state == _ANSWERED else None,
    )


def _cells(line: str, head: list[str]) -> list[str]:
    cells = line.split("|")
    too_many = len(cells) - len(head)
    if too_many > 0 and "cid_name" in head:
        at = head.index("cid_name")
        cells[at : at + too_many + 1] = ["|".join(cells[at : at + too_many + 1])]
    return cells


def _since(joined: int, waited: int) -> datetime | None:
    if not 0 < joined < 1 << 40:
        return None
    return datetime.fromtimestamp(joined, UTC) - timedelta(seconds=min(max(waited, 0), 30 * 86_400))


def _number(said: str) -> int:
    said = said.strip()
    return int(said) if said.isascii() and said.isdigit() and len(said) < 20 else 0

"""
What app_queue says of its members, and what follows for callbackq's agents. Pure: it keeps no time and does nothing.

A *member* is one interface in one queue. An agent may have several interfaces, and be a member of several queues.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final, Self

import attrs

from callbackq.adapters.asterisk.ami_framing import Message
from callbackq.ids import AttemptId, QueueName
from callbackq.model import Agent, AgentState


class Device(enum.IntEnum):
    """The state of a device, as `Status` has it."""

    UNKNOWN = 0
    NOT_INUSE = 1
    INUSE = 2
    BUSY = 3
    INVALID = 4
    UNAVAILABLE = 5
    RINGING = 6
    RINGINUSE = 7
    ONHOLD = 8


_AT_WORK: Final = frozenset({Device.INUSE, Device.BUSY, Device.RINGINUSE, Device.ONHOLD})


class Mood(enum.Enum):
    """What the members of one agent add up to."""

    FREE = enum.auto()
    RINGING = enum.auto()
    """The phone rings: for a queue of the PBX, or for us."""
    AT_WORK = enum.auto()
    """The phone is in use."""
    WRAPPING_UP = enum.auto()
    """The pause after a call of app_queue."""
    GONE = enum.auto()
    """Paused by somebody, no member any more, or without a phone that can be reached."""


@attrs.frozen(kw_only=True)
class Member:
    """
    One interface in one queue.

    Args:
        reason: of the present pause. others_reason: of the last pause that is not ours and was not ended; None: there
            is none.
        last_call_s, wrap_up_s: the end of the last call, by the PBX's clock, and the pause after it.
    """

    queue: str
    interface: str = attrs.field(repr=False)
    name: str = attrs.field(repr=False)
    status: int = Device.UNKNOWN
    is_paused: bool = False
    reason: str = ""
    others_reason: str | None = None
    last_call_s: int = 0
    wrap_up_s: int = 0

    @classmethod
    def read(cls, message: Message) -> Self | None:
        """Read an event, or an entry of a list; None if it is of no member."""
        queue, interface = message.get("queue"), message.get("interface") or message.get("location")
        if not queue or not interface:
            return None
        return cls(
            queue=queue,
            interface=interface,
            name=message.get("membername") or message.get("name"),
            status=message.whole("status"),
            is_paused=message.get("paused") == "1",
            reason=message.get("pausedreason") or message.get("reason"),
            last_call_s=message.whole("lastcall"),
            wrap_up_s=message.whole("wrapuptime"),
        )


AgentOf = Callable[[Member], str | None]
"""Says which agent a member is; None: nobody whom callbackq knows."""


def agent_of_interface(member: Member) -> str | None:
    """
    Return the middle of the interface.

    >>> agent_of_interface(Member(queue="support", interface="PJSIP/ann", name=""))
    'ann'
    >>> agent_of_interface(Member(queue="support", interface="Local/ann@agents/n", name="Ann Lee"))
    'ann'
    """
    middle = member.interface.partition("/")[2] or member.interface
    return middle.partition("@")[0].partition("/")[0] or None


@attrs.frozen(kw_only=True)
class View:
    """
    What the PBX says of one agent.

    Args:
        queues: callbackq's queues of which calls may be given.
        until_s: for WRAPPING_UP: its end, by the PBX's clock.
    """

    mood: Mood
    queues: tuple[QueueName, ...] = ()
    until_s: float | None = None


class MemberBook:
    """
    The members of all queues of one PBX, those that callbackq does not serve included: they give calls, too.

    Args:
        queues: callbackq's name of each queue that it serves.
        agent_of: which agent a member is.
        wrap_up_s: the queue's own pause after a call (`wrapuptime` in queues.conf), which AMI does not tell.
        pause_reason: pauses whose reason begins with it are ours.
    """

    def __init__(
        self,
        *,
        queues: Mapping[str, QueueName],
        agent_of: AgentOf,
        wrap_up_s: Mapping[str, int],
        pause_reason: str,
    ) -> None:
        self._queues: Final = queues
        self._agent_of: Final = agent_of
        self._wrap_up_s: Final = wrap_up_s
        self._prefix: Final = f"{pause_reason}:"
        self._members: Final[dict[tuple[str, str], Member]] = {}
        self._of_agent: Final[dict[str, set[tuple[str, str]]]] = {}
        self._agents: Final[dict[tuple[str, str], str | None]] = {}
        self._completed_s: Final[dict[tuple[str, str], float]] = {}
        self._called: Final[set[str]] = set()

    # ------------------------------------------------------------------ what the PBX says

    def replace(self, members: Iterable[Member]) -> set[str]:
        """Take over a whole account; return all agents, also those who are members no more."""
        found = {(member.queue, member.interface): member for member in members}
        agents = set(self._of_agent)
        for key in [key for key in self._members if key not in found]:
            self._drop(key)
        for member in found.values():
            self.note(member)
        return agents | set(self._of_agent)

    def note(self, member: Member) -> str | None:
        """Take over how a member is now; return their agent."""
        key = (member.queue, member.interface)
        before = self._members.get(key)
        others = before.others_reason if before is not None else None
        if not member.is_paused:
            others = None
        elif not self.is_ours(member):
            others = member.reason
        if before is None:
            self._agents[key] = agent_id = self._agent_of(member)
            if agent_id is not None:
                self._of_agent.setdefault(agent_id, set()).add(key)
        self._members[key] = attrs.evolve(member, others_reason=others)
        if member.status == Device.NOT_INUSE:
            self._called.discard(member.interface)
        return self._agents[key]

    def set_pause(self, member: Member, *, is_paused: bool, reason: str) -> None:
        """Asterisk has done what we asked for: it is so before its event comes."""
        known = self._members.get((member.queue, member.interface))
        if known is not None:
            self.note(attrs.evolve(known, is_paused=is_paused, reason=reason if is_paused else ""))

    def remove(self, member: Member) -> str | None:
        """A member left its queue; return their agent."""
        key = (member.queue, member.interface)
        agent_id = self._agents.get(key)
        self._drop(key)
        return agent_id

    def called(self, queue: str, interface: str) -> str | None:
        """
        App_queue lets the phone ring.

        The state of the device need not say so: a phone that takes one call is BUSY while it rings.
        """
        agent_id = self._agents.get((queue, interface))
        if agent_id is not None:
            self._called.add(interface)
        return agent_id

    def rings_no_more(self, queue: str, interface: str) -> str | None:
        """The agent was connected, or did not answer."""
        self._called.discard(interface)
        return self._agents.get((queue, interface))

    def is_called(self, agent_id: str) -> bool:
        """Whether app_queue lets a phone of the agent ring."""
        return any(interface in self._called for _, interface in self._of_agent.get(agent_id, ()))

    def completed(self, queue: str, interface: str, *, at_s: float) -> str | None:
        """A call of app_queue is over: the pause after it begins, though `LastCall` may not say so yet."""
        key = (queue, interface)
        if key in self._members:
            self._completed_s[key] = at_s
        return self._agents.get(key)

    def agent(self, queue: str, interface: str) -> str | None:
        """Return the agent of a member; None if there is none."""
        return self._agents.get((queue, interface))

    # ------------------------------------------------------------------ what follows

    @property
    def agents(self) -> tuple[str, ...]:
        """Every agent who is a member of a queue."""
        return tuple(self._of_agent)

    def members_of(self, agent_id: str) -> tuple[Member, ...]:
        """Return the members that are one agent."""
        return tuple(self._members[key] for key in sorted(self._of_agent.get(agent_id, ())))

    def is_ours(self, member: Member) -> bool:
        """Whether the member is paused by us."""
        return member.is_paused and member.reason.startswith(self._prefix)

    def reason_for(self, attempt_id: str) -> str:
        """Return the reason of a pause of ours."""
        return f"{self._prefix}{attempt_id}"

    def attempt_of(self, member: Member) -> AttemptId | None:
        """Return the attempt for which a member is paused by us; None if they are not."""
        return AttemptId(member.reason.removeprefix(self._prefix)) if self.is_ours(member) else None

    def view(self, agent_id: str, *, now_s: float) -> View:
        """
        Return what the members of an agent add up to.

        Args:
            now_s: by the PBX's clock.
        """
        members = self.members_of(agent_id)
        served = [member for member in members if member.queue in self._queues]
        there = [
            member
            for member in served
            if member.others_reason is None
            and member.status not in (Device.UNKNOWN, Device.INVALID, Device.UNAVAILABLE)
        ]
        if not there:
            return View(mood=Mood.GONE)
        queues = tuple(sorted({self._queues[member.queue] for member in there}))
        if any(member.status in _AT_WORK and member.interface not in self._called for member in members):
            return View(mood=Mood.AT_WORK, queues=queues)
        if any(member.status == Device.RINGING or member.interface in self._called for member in members):
            return View(mood=Mood.RINGING, queues=queues)
        until_s = max((self._wraps_up_until_s(member) for member in members), default=0.0)
        if until_s > now_s:
            return View(mood=Mood.WRAPPING_UP, queues=queues, until_s=until_s)
        return View(mood=Mood.FREE, queues=queues)

    def _wraps_up_until_s(self, member: Member) -> float:
        pause_s = member.wrap_up_s or self._wrap_up_s.get(member.queue, 0)
        if not pause_s:
            return 0.0
        key = (member.queue, member.interface)
        return max(member.last_call_s, self._completed_s.get(key, 0.0)) + pause_s

    def _drop(self, key: tuple[str, str]) -> None:
        self._members.pop(key, None)
        self._completed_s.pop(key, None)
        if not any(interface == key[1] for _, interface in self._members):
            self._called.discard(key[1])
        agent_id = self._agents.pop(key, None)
        if agent_id is not None:
            keys = self._of_agent[agent_id]
            keys.discard(key)
            if not keys:
                del self._of_agent[agent_id]


class Say(enum.Enum):
    """What is said to the service of an agent."""

    NOTHING = enum.auto()
    AVAILABLE = enum.auto()
    UNAVAILABLE = enum.auto()
    LATER = enum.auto()
    """Nothing yet: look again when the grace is over."""


def what_to_say(
    view: View,
    known: Agent | None,
    *,
    skills: tuple[str, ...],
    is_steady: bool,
    has_call: bool,
    ends_rest: bool,
    renew_at: datetime | None = None,
) -> Say:
    """
    Say what the service must be told of an agent.

    The rule: work that callbackq knows of is not contradicted by the phone that does it. An agent who is RESERVED,
    BUSY, wrapping up or cooling down stays so while the phone rings or is in use; only who is gone is said to be.

    Args:
        known: the agent as the service has them; None if it has none.
        skills: what the agent should have.
        is_steady: the phone has been so for longer than it takes to learn of the call that it is used for.
        has_call: the agent is with a caller of app_queue, of whom the service was told.
        ends_rest: the agent said that the pause after a callback is over.
        renew_at: who would be taken for lost by then is said to be there.

    >>> what_to_say(
    ...     View(mood=Mood.GONE), None, skills=(), is_steady=True, has_call=False, ends_rest=False
    ... ).name
    'NOTHING'
    """
    is_out = known is None or known.state is AgentState.SIGNED_OUT or known.leaving
    if view.mood is Mood.GONE:
        return Say.NOTHING if is_out else Say.UNAVAILABLE
    if view.mood is Mood.FREE:
        if known is None or is_out:
            return Say.AVAILABLE
        is_same = set(known.queues) == set(view.queues) and set(known.skills) == set(skills)
        if known.state is AgentState.WRAP_UP:  # Whoever says it now ends the pause.
            return Say.AVAILABLE if ends_rest else Say.NOTHING
        is_late = renew_at is not None and known.due_at is not None and known.due_at <= renew_at
        return Say.AVAILABLE if not is_same or is_late else Say.NOTHING
    if known is None or is_out or view.mood is Mood.RINGING or has_call:
        return Say.NOTHING
    if known.state not in (AgentState.AVAILABLE, AgentState.WRAP_UP):
        return Say.NOTHING
    if view.mood is Mood.WRAPPING_UP:
        return Say.NOTHING if known.state is AgentState.WRAP_UP else Say.UNAVAILABLE
    return Say.UNAVAILABLE if is_steady else Say.LATER

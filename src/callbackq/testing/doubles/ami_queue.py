"""A small app_queue: callers, members and what is said of them, as an Asterisk 22 was heard to say it."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count
from typing import Final

import attrs

Headers = dict[str, str]
Say = Callable[[str, Headers], None]

NOT_IN_USE: Final = 1
IN_USE: Final = 2
BUSY: Final = 3
UNAVAILABLE: Final = 5
RINGING: Final = 6


@attrs.define(kw_only=True)
class Channel:
    """A caller's channel, as long as the call lives."""

    uniqueid: str
    name: str
    number: str
    caller_name: str
    context: str = "from-outside"
    exten: str = "100"
    variables: dict[str, str] = attrs.field(factory=dict[str, str])

    def headers(self, prefix: str = "") -> Headers:
        """Return what every event of a channel says of it."""
        return {
            f"{prefix}Channel": self.name,
            f"{prefix}ChannelState": "6",
            f"{prefix}ChannelStateDesc": "Up",
            f"{prefix}CallerIDNum": self.number,
            f"{prefix}CallerIDName": self.caller_name,
            f"{prefix}ConnectedLineNum": "<unknown>",
            f"{prefix}ConnectedLineName": "<unknown>",
            f"{prefix}Language": "en",
            f"{prefix}AccountCode": "",
            f"{prefix}Context": self.context,
            f"{prefix}Exten": self.exten,
            f"{prefix}Priority": "1",
            f"{prefix}Uniqueid": self.uniqueid,
            f"{prefix}Linkedid": self.uniqueid,
        }


@attrs.define(kw_only=True)
class Entry:
    """A channel that waits in a queue."""

    channel: Channel
    entered_s: float
    is_withdrawn: bool = False


@attrs.define(kw_only=True)
class Membership:
    """One interface in one queue."""

    queue: str
    interface: str
    name: str
    status: int = NOT_IN_USE
    is_paused: bool = False
    reason: str = ""
    last_call_s: int = 0
    wrap_up_s: int = 0
    is_in_call: bool = False

    def headers(self) -> Headers:
        """Return what every event of a member says of them."""
        return {
            "Queue": self.queue,
            "MemberName": self.name,
            "Interface": self.interface,
            "StateInterface": self.interface,
            "Membership": "static",
            "Penalty": "0",
            "CallsTaken": "0",
            "LastCall": str(self.last_call_s),
            "LastPause": "0",
            "LoginTime": "0",
            "InCall": str(int(self.is_in_call)),
            "Status": str(self.status),
            "Paused": str(int(self.is_paused)),
            "PausedReason": self.reason,
            "Ringinuse": "1",
            "Wrapuptime": str(self.wrap_up_s),
        }


class QueueModel:
    """
    The queues, their members and callers, steered by a test.

    Args:
        say: is given each event.
        now_s: the clock of this PBX.

    Attributes:
        queues: who waits, in order, by queue.
        members: by queue and interface.
        channels: the calls that live, by unique id.
        talking: the interface with which a caller talks, by unique id.
    """

    def __init__(self, say: Say, *, now_s: Callable[[], float] = time.time) -> None:
        self._say: Final = say
        self._now_s: Final = now_s
        self._numbers: Final = count(1)
        self.queues: Final[dict[str, list[Entry]]] = {}
        self.members: Final[dict[tuple[str, str], Membership]] = {}
        self.channels: Final[dict[str, Channel]] = {}
        self.talking: Final[dict[str, tuple[str, str]]] = {}

    # ------------------------------------------------------------------ members

    def add_queue(self, queue: str) -> None:
        """Have a queue."""
        self.queues.setdefault(queue, [])

    def add_member(self, queue: str, interface: str, *, name: str = "", wrap_up_s: int = 0) -> None:
        """Let an interface be a member of a queue."""
        self.add_queue(queue)
        there = [member for member in self.members.values() if member.interface == interface]
        member = Membership(queue=queue, interface=interface, name=name or interface, wrap_up_s=wrap_up_s)
        if there:
            member.status = there[0].status
        self.members[queue, interface] = member
        self._say("QueueMemberAdded", member.headers())

    def remove_member(self, queue: str, interface: str) -> None:
        """Let an interface be no member of a queue any more."""
        self._say("QueueMemberRemoved", self.members.pop((queue, interface)).headers())

    def set_device(self, interface: str, status: int) -> None:
        """Let a phone be in another state."""
        for member in self._members_of(interface):
            if member.status != status:
                member.status = status
                self._say("QueueMemberStatus", member.headers())

    def has_member(self, interface: str, *, queue: str = "") -> bool:
        """Return whether an interface is a member of a queue, or of any."""
        return any(queue in {"", member.queue} for member in self._members_of(interface))

    def pause(self, interface: str, *, queue: str = "", is_paused: bool = True, reason: str = "") -> None:
        """Pause a member, or end the pause, in one queue or in all."""
        for member in self._members_of(interface):
            if queue not in {"", member.queue}:
                continue
            member.is_paused, member.reason = is_paused, reason
            self._say("QueueMemberPause", member.headers())
            if not is_paused:
                member.reason = ""

    def is_paused(self, interface: str) -> bool:
        """Return whether app_queue gives an interface no call of any queue."""
        return all(member.is_paused for member in self._members_of(interface))

    # ------------------------------------------------------------------ callers

    def join(
        self,
        queue: str,
        *,
        number: str = "2125550101",
        name: str = "<unknown>",
        uniqueid: str | None = None,
        waited_s: float = 0.0,
        position: int | None = None,
    ) -> str:
        """Let a caller enter a queue: a new one, or one who is on the line. Return the id of the channel."""
        number_of_call = next(self._numbers)
        key = uniqueid or f"1700000000.{number_of_call}"
        channel = self.channels.get(key)
        if channel is None:
            channel = Channel(
                uniqueid=key, name=f"PJSIP/trunk-{number_of_call:08x}", number=number, caller_name=name
            )
            self.channels[key] = channel
        self.add_queue(queue)
        line = self.queues[queue]
        at = len(line) if position is None else min(max(position - 1, 0), len(line))
        line.insert(at, Entry(channel=channel, entered_s=self._now_s() - waited_s))
        said = {"Queue": queue, "Position": str(at + 1), "Count": str(len(line))}
        self._say("QueueCallerJoin", channel.headers() | said)
        return key

    def exit_by_key(self, uniqueid: str, *, key: str = "1") -> None:
        """Let a caller leave the queue by a key, and stay on the line."""
        channel = self.channels[uniqueid]
        channel.context, channel.exten = "queue-exit", key
        self._leave(uniqueid)

    def time_out(self, uniqueid: str, *, why: str = "TIMEOUT") -> None:
        """Let the dialplan go on: the time is over, nobody is there, or the caller was withdrawn."""
        self._abandon(uniqueid)
        self._leave(uniqueid)
        self.channels[uniqueid].variables["QUEUESTATUS"] = why

    def hang_up(self, uniqueid: str) -> None:
        """Let a caller hang up, whatever they did."""
        if self._entry(uniqueid) is not None:
            self._abandon(uniqueid)
            self._leave(uniqueid)
        elif uniqueid in self.talking:
            self.complete(uniqueid, reason="caller")
        channel = self.channels.pop(uniqueid)
        self._say("Hangup", channel.headers() | {"Cause": "16", "Cause-txt": "Normal Clearing"})

    def ring(self, uniqueid: str, interface: str, *, status: int = BUSY) -> None:
        """Let the phone of a member ring for a caller. A phone that takes one call is BUSY then."""
        self._say("AgentCalled", self._agent_headers(uniqueid, interface))
        self.set_device(interface, status)

    def give_up(self, uniqueid: str, interface: str) -> None:
        """Let a member not answer."""
        self._say("AgentRingNoAnswer", self._agent_headers(uniqueid, interface))
        self.set_device(interface, NOT_IN_USE)

    def connect(self, uniqueid: str, interface: str) -> None:
        """Let a member answer a caller."""
        self.set_device(interface, IN_USE)
        headers = self._agent_headers(uniqueid, interface)
        self._leave(uniqueid)
        self.talking[uniqueid] = (headers["Queue"], interface)
        self._say("AgentConnect", headers)

    def complete(self, uniqueid: str, *, reason: str = "agent") -> None:
        """Let the conversation be over. The caller stays on the line until `hang_up`."""
        queue, interface = self.talking.pop(uniqueid)
        said = {"Queue": queue, "Interface": interface, "TalkTime": "1", "HoldTime": "1", "Reason": reason}
        self._say("AgentComplete", self.channels[uniqueid].headers() | said)
        for member in self._members_of(interface):
            member.last_call_s = int(self._now_s())
        self.set_device(interface, NOT_IN_USE)

    def withdraw(self, queue: str, channel_name: str) -> str | None:
        """Note that a caller is to be taken out, by the name of the channel; return what is wrong, if anything is."""
        if queue not in self.queues:
            return "No such queue"
        for entry in self.queues[queue]:
            if entry.channel.name == channel_name:
                if entry.is_withdrawn:
                    return "Already requested"
                entry.is_withdrawn = True
                return None
        return "No such caller"

    def take_out_withdrawn(self) -> None:
        """Let those be out who were withdrawn: Asterisk does it when it looks at the caller next."""
        for line in self.queues.values():
            for entry in [entry for entry in line if entry.is_withdrawn]:
                self.time_out(entry.channel.uniqueid, why="WITHDRAW")

    def restart(self) -> None:
        """Begin anew, as Asterisk does: no calls, and no pause of a static member."""
        for line in self.queues.values():
            line.clear()
        self.channels.clear()
        self.talking.clear()
        for member in self.members.values():
            member.is_paused, member.reason, member.status = False, "", NOT_IN_USE
            member.last_call_s = 0

    def lose(self, uniqueid: str) -> None:
        """Let a caller hang up while nobody hears of it."""
        for line in self.queues.values():
            line[:] = [entry for entry in line if entry.channel.uniqueid != uniqueid]
        self.talking.pop(uniqueid, None)
        self.channels.pop(uniqueid, None)

    # ------------------------------------------------------------------ the whole account

    def status(self, queue: str = "") -> list[tuple[str, Headers]]:
        """Return what `QueueStatus` lists."""
        found: list[tuple[str, Headers]] = []
        for name, line in self.queues.items():
            if queue not in {"", name}:
                continue
            found.append(
                ("QueueParams", {"Queue": name, "Max": "0", "Strategy": "ringall", "Calls": str(len(line))})
            )
            for member in self.members.values():
                if member.queue == name:
                    headers = member.headers()
                    headers["Name"], headers["Location"] = headers.pop("MemberName"), headers.pop("Interface")
                    found.append(("QueueMember", headers))
            for place, entry in enumerate(line, 1):
                channel = entry.channel
                said = {
                    "Queue": name,
                    "Position": str(place),
                    "Channel": channel.name,
                    "Uniqueid": channel.uniqueid,
                    "CallerIDNum": "unknown" if channel.number == "<unknown>" else channel.number,
                    "CallerIDName": "unknown" if channel.caller_name == "<unknown>" else channel.caller_name,
                    "Wait": str(int(self._now_s() - entry.entered_s)),
                    "Priority": "0",
                }
                found.append(("QueueEntry", said))
        return found

    def position(self, uniqueid: str) -> int | None:
        """Return the place of a caller, from 1; None for one who waits in no queue."""
        for line in self.queues.values():
            for place, entry in enumerate(line, 1):
                if entry.channel.uniqueid == uniqueid:
                    return place
        return None

    # ------------------------------------------------------------------ inside

    def _members_of(self, interface: str) -> list[Membership]:
        return [member for member in self.members.values() if member.interface == interface]

    def _entry(self, uniqueid: str) -> tuple[str, int] | None:
        for queue, line in self.queues.items():
            for index, entry in enumerate(line):
                if entry.channel.uniqueid == uniqueid:
                    return queue, index
        return None

    def _agent_headers(self, uniqueid: str, interface: str) -> Headers:
        found = self._entry(uniqueid)
        assert found is not None, "the caller waits in no queue"
        dest = {"DestChannel": f"{interface}-0000000a", "DestUniqueid": f"{uniqueid}0"}
        said = {
            "Queue": found[0],
            "Interface": interface,
            "MemberName": interface,
            "HoldTime": "1",
            "RingTime": "1",
        }
        return self.channels[uniqueid].headers() | dest | said

    def _abandon(self, uniqueid: str) -> None:
        found = self._entry(uniqueid)
        assert found is not None, "the caller waits in no queue"
        queue, index = found
        said = {"Queue": queue, "Position": str(index + 1), "OriginalPosition": "1", "HoldTime": "1"}
        self._say("QueueCallerAbandon", self.channels[uniqueid].headers() | said)

    def _leave(self, uniqueid: str) -> None:
        found = self._entry(uniqueid)
        assert found is not None, "the caller waits in no queue"
        queue, index = found
        line = self.queues[queue]
        said = {"Queue": queue, "Position": str(index + 1), "Count": str(len(line) - 1)}
        self._say("QueueCallerLeave", line.pop(index).channel.headers() | said)
        self.channels[uniqueid].variables["QUEUEPOSITION"] = str(index + 1)

"""The queues of a FreeSWITCH that is not there: what `mod_callcenter` keeps, says and takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from uuid import uuid4

import attrs

_STATUSES: Final = ("Unknown", "Logged Out", "Available", "Available (On Demand)", "On Break")
_STATES: Final = ("Waiting", "Receiving", "In a queue call", "Idle", "Reserved")
_OK: Final = "+OK\n"


@attrs.define(kw_only=True)
class CcAgent:
    """One agent."""

    name: str
    status: str = "Logged Out"
    state: str = "Waiting"
    contact: str = ""


@attrs.define(kw_only=True)
class CcMember:
    """One caller who waits, or talks to an agent."""

    queue: str
    uuid: str
    channel: str
    number: str = ""
    name: str = ""
    joined_epoch: int = 0
    base_score: int = 0
    state: str = "Waiting"
    agent: str = ""


@attrs.define(kw_only=True)
class CcQueue:
    """One queue, and whether an abandoned place is taken over by the next call with the same number."""

    name: str
    abandoned_resume_allowed: bool = False
    agents: list[str] = attrs.field(factory=list[str])


class EslCallcenter:
    """
    The agents, queues and callers. A test says what people do.

    Args:
        fire: is given each event `callcenter::info`.
    """

    def __init__(self, fire: Callable[[Mapping[str, str]], None]) -> None:
        self._fire: Final = fire
        self.is_loaded = True
        """Whether the module is there at all."""
        self.agents: dict[str, CcAgent] = {}
        self.queues: dict[str, CcQueue] = {}
        self.members: dict[str, CcMember] = {}
        self.callers: dict[str, dict[str, str]] = {}
        """Everybody who called, by channel, with the variables of the channel."""

    # ------------------------------------------------------------------ what people do

    def queue(self, name: str, *, agents: Iterable[str] = (), abandoned_resume_allowed: bool = False) -> None:
        """Have a queue, and its agents."""
        self.queues[name] = CcQueue(
            name=name, agents=list(agents), abandoned_resume_allowed=abandoned_resume_allowed
        )
        for agent in agents:
            self.agents.setdefault(agent, CcAgent(name=agent, contact=f"user/{agent}"))

    def set_status(self, agent: str, status: str) -> None:
        """An agent logs in or out, or takes a break."""
        self.agents[agent].status = status
        self._agent(agent, "agent-status-change", **{"CC-Agent-Status": status})

    def set_state(self, agent: str, state: str) -> None:
        """An agent is rung, talks, or waits."""
        self.agents[agent].state = state
        self._agent(agent, "agent-state-change", **{"CC-Agent-State": state})

    def join(
        self, queue: str, *, number: str = "", name: str = "", waited_s: int = 0, channel: str = ""
    ) -> CcMember:
        """A caller enters a queue. One with the number of an abandoned place may take it over."""
        channel = channel or str(uuid4())
        self.callers.setdefault(channel, {"number": number, "name": name})
        taken = self._abandoned(queue, number)
        if taken is not None:
            taken.state, taken.channel = "Waiting", channel
            self._member(taken, "member-queue-resume")
            return taken
        member = CcMember(
            queue=queue,
            uuid=str(uuid4()),
            channel=channel,
            number=number,
            name=name,
            joined_epoch=int(time.time()),
            base_score=waited_s,
        )
        self.members[member.uuid] = member
        self._member(member, "member-queue-start")
        return member

    def enter_again(self, channel: str, queue: str) -> CcMember:
        """A caller who left is sent back, with the seconds that the channel's variable says."""
        of = self.callers[channel]
        waited_s = int(of.get("cc_base_score", "0"))
        return self.join(queue, number=of["number"], name=of["name"], waited_s=waited_s, channel=channel)

    def leave(self, member: CcMember, *, reason: str = "BREAK_OUT", key: str = "") -> None:
        """A caller hangs up (`BREAK_OUT`), or leaves with a key."""
        reason = "EXIT_WITH_KEY" if key else reason
        member.state = "Abandoned"
        if not self.queues[member.queue].abandoned_resume_allowed:
            self.members.pop(member.uuid, None)
        variables = {"variable_cc_exit_key": key} if key else {}
        self._member(
            member, "member-queue-end", **{"CC-Cause": "Cancel", "CC-Cancel-Reason": reason}, **variables
        )

    def serve(self, member: CcMember, agent: str) -> None:
        """A caller is given to an agent, who takes it."""
        self.set_state(agent, "Receiving")
        member.state, member.agent = "Answered", agent
        self._member(member, "bridge-agent-start", **{"CC-Agent": agent})
        self.set_state(agent, "In a queue call")

    def end(self, member: CcMember) -> None:
        """The conversation is over."""
        self.members.pop(member.uuid, None)
        self._member(member, "bridge-agent-end", **{"CC-Agent": member.agent})
        self._member(member, "member-queue-end", **{"CC-Cause": "Terminated", "CC-Agent": member.agent})
        self.set_state(member.agent, "Waiting")

    # ------------------------------------------------------------------ what is asked

    def config(self, words: list[str]) -> str:
        """Answer `callcenter_config …`."""
        match words:
            case ["agent", "list"]:
                return _table([attrs.asdict(agent) for agent in self.agents.values()])
            case ["agent", "get", "status", agent]:
                return self.agents[agent].status if agent in self.agents else "-ERR Agent not found!\n"
            case ["agent", "set", "status", agent, status]:
                return self._set_status(agent, status)
            case ["queue", "list"]:
                return _table([_row(queue) for queue in self.queues.values()])
            case ["queue", "list", "members", queue]:
                return _table([_member_row(one) for one in self._of(queue)])
            case ["tier", "list"]:
                tiers = [
                    {"queue": queue.name, "agent": agent, "state": "Ready", "level": "1", "position": "1"}
                    for queue in self.queues.values()
                    for agent in queue.agents
                ]
                return _table(tiers)
            case _:
                return "-ERR Invalid!\n"

    def _set_status(self, agent: str, status: str) -> str:
        if agent not in self.agents:
            return "-ERR Agent not found!\n"
        if status not in _STATUSES[1:]:
            return "-ERR Invalid Agent Status!\n"
        self.set_status(agent, status)
        return _OK

    def _of(self, queue: str) -> list[CcMember]:
        now = int(time.time())
        waiting = [one for one in self.members.values() if one.queue == queue]
        return sorted(waiting, key=lambda one: one.joined_epoch - one.base_score - now)

    def _abandoned(self, queue: str, number: str) -> CcMember | None:
        return next(
            (one for one in self._of(queue) if one.state == "Abandoned" and number and one.number == number),
            None,
        )

    def _agent(self, agent: str, action: str, **headers: str) -> None:
        self._fire({"CC-Agent": agent, "CC-Action": action, **headers})

    def _member(self, member: CcMember, action: str, **headers: str) -> None:
        said = {
            "Unique-ID": member.channel,
            "CC-Queue": member.queue,
            "CC-Action": action,
            "CC-Member-UUID": member.uuid,
            "CC-Member-Session-UUID": member.channel,
            "CC-Member-CID-Name": member.name,
            "CC-Member-CID-Number": member.number,
            "CC-Member-Joined-Time": str(member.joined_epoch),
            "variable_cc_queue_joined_epoch": str(member.joined_epoch),
            "variable_cc_member_uuid": member.uuid,
        }
        if member.base_score:
            said["variable_cc_base_score"] = str(member.base_score)
        self._fire(said | headers)


def _row(queue: CcQueue) -> Mapping[str, object]:
    return {
        "name": queue.name,
        "strategy": "longest-idle-agent",
        "time_base_score": "queue",
        "abandoned_resume_allowed": "true" if queue.abandoned_resume_allowed else "false",
    }


def _member_row(member: CcMember) -> Mapping[str, object]:
    return {
        "queue": member.queue,
        "uuid": member.uuid,
        "session_uuid": "" if member.state == "Abandoned" else member.channel,
        "cid_number": member.number,
        "cid_name": member.name,
        "joined_epoch": member.joined_epoch,
        "base_score": member.base_score,
        "skill_score": 0,
        "serving_agent": member.agent,
        "state": member.state,
    }


def _table(rows: list[Mapping[str, object]] | list[dict[str, object]] | list[dict[str, str]]) -> str:
    lines = ["|".join(rows[0])] if rows else []
    lines += ["|".join(str(value) for value in row.values()) for row in rows]
    return "\n".join([*lines, _OK])

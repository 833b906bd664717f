"""
What app_queue says of its callers, and what the service must be told. Pure: it keeps no time and does nothing.

Who left app_queue is not gone: one who pressed a key is being asked for a number, one whose time was over hears an
announcement, and one to whom an agent was found is connected a moment later. So leaving ends nothing: the place is
kept until the caller hangs up, is connected, or was away for too long. That also makes the order of events no matter:
the exit by a key is known on the other socket (ARI) before `QueueCallerLeave` comes on this one.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import attrs

from callbackq.adapters.asterisk.ami_framing import Message
from callbackq.ids import QueueName

_NAME_MAX: Final = 100
_LIVES_KEPT_MAX: Final = 10_000
_WAIT_MAX_S: Final = 30 * 86_400
_POSITION_MAX: Final = 100_000
_POSITION: Final = timedelta(microseconds=1)
"""By so much those are told apart who have waited for the same number of seconds."""


class Stay(enum.Enum):
    """Where a caller is."""

    WAITING = enum.auto()
    OUT = enum.auto()
    """Out of app_queue, and on the line."""
    TALKING = enum.auto()


@attrs.frozen(kw_only=True)
class Caller:
    """
    One caller of a queue.

    Args:
        uniqueid: Asterisk's id of the channel, which is also ARI's.
        call_id: callbackq's id of the live call: the same, unless the channel had one before.
        queue: callbackq's name; pbx_queue: app_queue's.
        out_count: how often the caller left app_queue.
    """

    uniqueid: str
    call_id: str
    channel: str = attrs.field(repr=False)
    queue: QueueName
    pbx_queue: str
    entered_at: datetime
    number: str | None = attrs.field(default=None, repr=False)
    name: str | None = attrs.field(default=None, repr=False)
    stay: Stay = Stay.WAITING
    agent_id: str | None = None
    out_count: int = 0


@attrs.frozen
class Joined:
    """Say `call_joined`."""

    caller: Caller


@attrs.frozen
class Moved:
    """Say `move_call`: the caller entered another queue."""

    caller: Caller


@attrs.frozen
class Served:
    """Say `call_served`."""

    caller: Caller


@attrs.frozen
class Left:
    """Say `call_left`."""

    caller: Caller


@attrs.frozen
class WentOut:
    """Say nothing, and `Left` if nothing is heard for long."""

    caller: Caller


@attrs.frozen
class Doubt:
    """It cannot be so, or came late: look at what the PBX has."""


Word = Joined | Moved | Served | Left | WentOut | Doubt


class CallerBook:
    """
    The callers of the queues that callbackq serves.

    Methods that take an event return what must be said, in order; nothing for what is known, or comes twice.

    Args:
        queues: callbackq's name of each queue.
    """

    def __init__(self, queues: Mapping[str, QueueName]) -> None:
        self._queues: Final = queues
        self._callers: Final[dict[str, Caller]] = {}
        self._by_call: Final[dict[str, str]] = {}
        self._lives: Final[dict[str, int]] = {}
        self._hung: Final[dict[str, None]] = {}

    # ------------------------------------------------------------------ what is there

    def get(self, uniqueid: str) -> Caller | None:
        """Return a caller by the channel."""
        return self._callers.get(uniqueid)

    def of_call(self, call_id: str) -> Caller | None:
        """Return a caller by callbackq's id."""
        return self._callers.get(self._by_call.get(call_id, ""))

    def call_id_of(self, uniqueid: str) -> str:
        """Return callbackq's id of the live call of a channel, also of one that is over."""
        life = self._lives.get(uniqueid, 1)
        return uniqueid if life == 1 else f"{uniqueid}/{life}"

    def of_queue(self, queue: QueueName) -> list[Caller]:
        """Return the callers of one queue of callbackq, in the order in which they entered."""
        found = [caller for caller in self._callers.values() if caller.queue == queue]
        return sorted(found, key=lambda caller: (caller.entered_at, caller.uniqueid))

    def position(self, caller: Caller) -> int:
        """Return where app_queue must put a caller, so that nobody who entered earlier is passed."""
        ahead = sum(
            other.stay is Stay.WAITING
            and other.pbx_queue == caller.pbx_queue
            and (other.entered_at, other.uniqueid) < (caller.entered_at, caller.uniqueid)
            for other in self._callers.values()
        )
        return ahead + 1

    # ------------------------------------------------------------------ what the PBX says

    def joined(self, event: Message, *, at: datetime) -> list[Word]:
        """`QueueCallerJoin`."""
        caller = self._read(event, entered_at=at)
        if caller is None or caller.uniqueid in self._hung:
            return []
        known = self._callers.get(caller.uniqueid)
        if known is None and caller.uniqueid in self._lives:
            return [Doubt()]  # Late, or back again: the account of the PBX tells.
        if known is None:
            return [Joined(self._keep(caller))]
        if known.stay is Stay.TALKING:
            return [Doubt()]
        back = attrs.evolve(
            known, stay=Stay.WAITING, channel=caller.channel, queue=caller.queue, pbx_queue=caller.pbx_queue
        )
        self._keep(back)
        return [Moved(back)] if known.queue != back.queue else []

    def left(self, event: Message) -> list[Word]:
        """`QueueCallerLeave`."""
        known = self._callers.get(event.get("uniqueid"))
        if known is None or known.stay is not Stay.WAITING or known.pbx_queue != event.get("queue"):
            return []
        return [WentOut(self._keep(_out(known)))]

    def connected(self, event: Message, agent_id: str | None, *, at: datetime) -> list[Word]:
        """`AgentConnect`."""
        uniqueid = event.get("uniqueid")
        if uniqueid in self._hung:
            return []
        known, words = self._callers.get(uniqueid), list[Word]()
        if known is None:
            if uniqueid in self._lives:
                return [Doubt()]
            known = self._read(event, entered_at=at)
            if known is None:
                return []
            words.append(Joined(self._keep(known)))
        if known.stay is Stay.TALKING:
            return []
        return [*words, Served(self._keep(attrs.evolve(known, stay=Stay.TALKING, agent_id=agent_id)))]

    def completed(self, event: Message) -> list[Word]:
        """`AgentComplete`: the conversation is over. The caller may stay on the line."""
        known = self._callers.get(event.get("uniqueid"))
        if known is None or known.stay is not Stay.TALKING:
            return []
        return [Left(self._forget(known))]

    def hung_up(self, event: Message) -> list[Word]:
        """`Hangup` of any channel."""
        uniqueid = event.get("uniqueid")
        if not uniqueid:
            return []
        self._hung[uniqueid] = None
        while len(self._hung) > _LIVES_KEPT_MAX:
            del self._hung[next(iter(self._hung))]
        known = self._callers.get(uniqueid)
        return [Left(self._forget(known))] if known is not None else []

    def away_too_long(self, caller: Caller) -> list[Word]:
        """Nothing was heard since *caller* went out."""
        known = self._callers.get(caller.uniqueid)
        if known is None or known.stay is not Stay.OUT or known.out_count != caller.out_count:
            return []
        return [Left(self._forget(known))]

    # ------------------------------------------------------------------ its whole account

    def waiting(self, entries: Sequence[Message], *, asked_at: datetime) -> list[Word]:
        """Take over who waits in all queues: `QueueEntry`. Who calls this tells the service of those who are new."""
        words, there = list[Word](), set[str]()
        for entry in entries:
            position = min(max(0, entry.whole("position")), _POSITION_MAX) * _POSITION
            waited = timedelta(seconds=min(max(0, entry.whole("wait")), _WAIT_MAX_S))
            caller = self._read(entry, entered_at=asked_at - waited + position)
            if caller is None:
                continue
            there.add(caller.uniqueid)
            self._hung.pop(caller.uniqueid, None)
            known = self._callers.get(caller.uniqueid)
            if known is not None and known.stay is not Stay.TALKING:
                caller = attrs.evolve(caller, call_id=known.call_id, entered_at=known.entered_at)
            self._keep(caller)
        for known in list(self._callers.values()):
            if known.stay is Stay.WAITING and known.uniqueid not in there:
                words.append(WentOut(self._keep(_out(known))))
        return words

    def on_line(self, uniqueids: Collection[str]) -> list[Word]:
        """Take over which channels there are: `CoreShowChannel`. Who is not there has hung up."""
        gone = [caller for uniqueid, caller in self._callers.items() if uniqueid not in uniqueids]
        return [Left(self._forget(caller)) for caller in gone]

    def found(self, caller: Caller) -> list[Word]:
        """Take over a caller whom the service had before we came, and who is in no queue."""
        if caller.uniqueid in self._callers or caller.uniqueid in self._hung:
            return []
        pbx_queue = next((name for name, queue in self._queues.items() if queue == caller.queue), None)
        if pbx_queue is None:
            return []
        kept = self._keep(attrs.evolve(caller, pbx_queue=pbx_queue))
        return [WentOut(kept)] if kept.stay is Stay.OUT else []

    def is_talking(self, agent_id: str) -> bool:
        """Whether an agent is with a caller."""
        return any(
            caller.agent_id == agent_id and caller.stay is Stay.TALKING for caller in self._callers.values()
        )

    def again(self, caller: Caller) -> Caller:
        """Give a caller whose live call is over, and who is back in the queue, an id that was never used."""
        self._lives[caller.uniqueid] = self._lives.get(caller.uniqueid, 1) + 1
        self._by_call.pop(caller.call_id, None)
        return self._keep(attrs.evolve(caller, call_id=self.call_id_of(caller.uniqueid)))

    # ------------------------------------------------------------------ inside

    def _read(self, message: Message, *, entered_at: datetime) -> Caller | None:
        uniqueid, pbx_queue = message.get("uniqueid"), message.get("queue")
        queue = self._queues.get(pbx_queue)
        if not uniqueid or queue is None:
            return None
        return Caller(
            uniqueid=uniqueid,
            call_id=self.call_id_of(uniqueid),
            channel=message.get("channel"),
            queue=queue,
            pbx_queue=pbx_queue,
            entered_at=entered_at,
            number=_number(message.get("calleridnum")),
            name=_name(message.get("calleridname")),
        )

    def _keep(self, caller: Caller) -> Caller:
        self._callers[caller.uniqueid] = caller
        self._by_call[caller.call_id] = caller.uniqueid
        self._lives.setdefault(caller.uniqueid, 1)
        return caller

    def _forget(self, caller: Caller) -> Caller:
        del self._callers[caller.uniqueid]
        self._by_call.pop(caller.call_id, None)
        while len(self._lives) > _LIVES_KEPT_MAX + len(self._callers):
            oldest = next((uniqueid for uniqueid in self._lives if uniqueid not in self._callers), None)
            if oldest is None:
                break
            del self._lives[oldest]
        return caller


def _out(caller: Caller) -> Caller:
    return attrs.evolve(caller, stay=Stay.OUT, out_count=caller.out_count + 1)


def _number(text: str) -> str | None:
    """Return a caller id; None where none is shown. What is no number is for the service to see."""
    return text if any(sign.isdigit() for sign in text) else None


def _name(text: str) -> str | None:
    """Return a name that can be shown; None for what Asterisk says where there is none."""
    shown = "".join(sign for sign in text if sign.isprintable()).strip()[:_NAME_MAX]
    return shown if shown and shown.lower() not in {"<unknown>", "unknown", "anonymous"} else None

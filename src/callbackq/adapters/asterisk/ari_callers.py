"""
Callers who are in our application by the dialplan: who wants a callback, and who waits in a queue of ours.

What happens to them is given to the host as events, and the host tells the service. Words of `Stasis()`:

* `callback-request,<queue>,<entered epoch>[,<position>]`: a caller of a queue of Asterisk's pressed the key for it.
* `queue,<queue>[,<entered epoch>]`: a caller who waits here until `connect_call`, with music.
"""

from __future__ import annotations

import enum
import inspect
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Final, TypeAlias
from uuid import uuid4

import attrs

from callbackq.adapters.asterisk.ari_client import NoReply
from callbackq.adapters.asterisk.ari_hands import NOT_HERE, Hands
from callbackq.adapters.asterisk.ari_reading import Channel, Entered
from callbackq.effects import ConnectCall
from callbackq.errors import AdapterError
from callbackq.ids import AgentId, CallId, QueueName
from callbackq.masking import repr_masked, without_text

logger = logging.getLogger("callbackq")

REQUEST: Final = "callback-request"
QUEUE: Final = "queue"
CALLED_AGENT: Final = "call"
"""The first word of a channel that we dialed to connect a live caller to an agent."""
_BRIDGE: Final = "call-"


@attrs.frozen(kw_only=True)
class CallerRequest:
    """
    A live caller wants to be called back, and waits to hear what becomes of it.

    Say it to the service, and then call `AriTelephony.dismiss`, or `send_back` where it was refused. It may come again
    after a lost connection, as long as the caller waits: give `request_key=call_id`. Where your code raises, the caller
    goes on in the dialplan.

    Args:
        call_id: the channel's unique id: the same as in the events of a queue of Asterisk's.
        number: the caller id; None where it is withheld.
        entered_at: when the caller came into the queue; None where the dialplan did not say.
        position: the place in Asterisk's queue, counted from 1, among live callers only.
    """

    call_id: CallId
    queue: QueueName
    number: str | None = attrs.field(default=None, repr=repr_masked)
    entered_at: datetime | None = None
    position: int | None = None
    language: str | None = None


@attrs.frozen(kw_only=True)
class CallerJoined:
    """A live caller waits in our application. Say `call_joined`."""

    call_id: CallId
    queue: QueueName
    number: str | None = attrs.field(default=None, repr=repr_masked)
    entered_at: datetime | None = None
    language: str | None = None


@attrs.frozen(kw_only=True)
class CallerReturned:
    """The agent did not take the live caller, who waits again. Say `call_returned`."""

    call_id: CallId
    agent_id: AgentId


@attrs.frozen(kw_only=True)
class CallerLeft:
    """A live caller is gone: gave up, talked and hung up, or went on in the dialplan. Say `call_left`."""

    call_id: CallId


CallerEvent: TypeAlias = CallerRequest | CallerJoined | CallerReturned | CallerLeft
OnCaller: TypeAlias = Callable[[CallerEvent], Awaitable[None] | None]


class _State(enum.Enum):
    ASKING = "asking"
    WAITING = "waiting"
    RINGING = "ringing"
    TALKING = "talking"


@attrs.define(kw_only=True, eq=False)
class _Caller:
    call_id: CallId
    state: _State
    agent_id: AgentId | None = None
    agent_channel: str | None = None

    @property
    def bridge(self) -> str:
        return f"{_BRIDGE}{self.agent_channel}"


class Callers:
    """
    Who is in our application without being a leg.

    Args:
        hands: what can be done to channels.
        on_caller: who is told; nobody if None: then callers go on in the dialplan at once.
        agent_ring_time_s: how long an agent's phone rings for a live caller.
    """

    def __init__(self, hands: Hands, on_caller: OnCaller | None, *, agent_ring_time_s: float) -> None:
        self._hands: Final = hands
        self._on_caller: Final = on_caller
        self._ring_time_s: Final = math.ceil(agent_ring_time_s)
        self._callers: Final[dict[CallId, _Caller]] = {}
        self._by_agent: Final[dict[str, _Caller]] = {}

    # ------------------------------------------------------------------ what the host asks for

    async def connect(self, order: ConnectCall) -> None:
        """
        Ring the agent, and join the two when they answer.

        Raises:
            AdapterError: the caller is not here, or the agent's phone cannot be rung.
        """
        caller = self._callers.get(order.call_id)
        if caller is None or caller.state is _State.ASKING:
            raise AdapterError(
                f"the call {order.call_id} does not wait in this application."
                " Callers in a queue of Asterisk's are given out by that queue: set acd to host in the policy"
            )
        if caller.state is not _State.WAITING:
            return
        channel, endpoint = f"call_{uuid4().hex}", self._hands.settings.endpoint_for(order)
        caller.state, caller.agent_id, caller.agent_channel = _State.RINGING, order.agent_id, channel
        self._by_agent[channel] = caller
        body: dict[str, object] = {
            "endpoint": endpoint,
            "app": self._hands.settings.app,
            "appArgs": CALLED_AGENT,
            "channelId": channel,
            "timeout": self._ring_time_s,
        }
        if order.number is not None and self._hands.settings.customer_on_agents_phone:
            body["callerId"] = order.number
        try:
            reply = await self._hands.client.request("POST", "channels", body=body)
        except AdapterError:
            self._wait_again(caller)
            raise
        if not reply.is_good:
            self._wait_again(caller)
            raise AdapterError(f"the agent's phone was not rung: {reply.problem}")

    async def dismiss(self, call_id: str, *, sound: str | None) -> None:
        """Play something to a caller, and hang up. Gone is no error."""
        try:
            is_said = sound is not None and await self._hands.play(call_id, sound, goodbye=True)
        except NoReply:
            is_said = False  # Who has a promise must not wait on, only because nothing could be said.
        if not is_said:
            await self._hands.delete(call_id)

    async def send_back(
        self, call_id: str, *, context: str | None, extension: str | None, priority: int | None
    ) -> None:
        """Let a caller go on in the dialplan. Raises: AdapterError: it could not be, and the caller is there."""
        place = {"context": context, "extension": extension, "priority": priority}
        body = {name: value for name, value in place.items() if value is not None}
        reply = await self._hands.client.request("POST", "channels", call_id, "continue", body=body)
        if not reply.is_good and reply.status not in NOT_HERE:
            raise AdapterError(f"the caller could not go on in the dialplan: {reply.problem}")

    # ------------------------------------------------------------------ what Asterisk says

    def entered(self, fact: Entered) -> None:
        """A channel that is no leg came into our application."""
        word = fact.args[0] if fact.args else ""
        if word == CALLED_AGENT:
            self._agent_there(fact.channel)
        elif self._on_caller is not None and word in (REQUEST, QUEUE) and len(fact.args) > 1 and fact.args[1]:
            self._came(fact, word)
        elif word not in ("leg", "amd"):
            logger.warning(
                "Asterisk (ARI): a channel came without words that are known; it goes on in the dialplan"
            )
            self._hands.begin(self._go_on(fact.channel), "to go on in the dialplan")

    def left(self, channel: str) -> None:
        """A channel went on in the dialplan, or is about to end."""
        self._over(channel)

    def gone(self, channel: str) -> None:
        """A channel that is no leg has ended."""
        self._hands.sounds.forget(channel)
        self._over(channel)

    def look(self, channels: tuple[Channel, ...], bridges: Mapping[str, frozenset[str]]) -> None:
        """Compare with what Asterisk has, after a time in which it could not be heard."""
        there = {one.channel for one in channels}
        for channel in [*self._callers, *self._by_agent]:
            if channel not in there:
                self._over(channel)
        for bridge, inside in bridges.items():
            if bridge.startswith(_BRIDGE):
                self._found_talking(bridge.removeprefix(_BRIDGE), inside)
        for one in channels:
            word = one.args[0] if one.args else None
            caller = self._callers.get(CallId(one.channel))
            if caller is not None and caller.state is _State.ASKING and word == REQUEST:
                del self._callers[caller.call_id]  # Nobody may have heard of it: it is asked again.
            known = one.channel in self._callers or one.channel in self._by_agent
            if not known and word in (REQUEST, QUEUE, CALLED_AGENT):
                self.entered(one.entered())

    # ------------------------------------------------------------------ inside

    def _found_talking(self, agent_channel: str, inside: frozenset[str]) -> None:
        """A conversation of an earlier process of ours goes on."""
        callers = inside - {agent_channel}
        if agent_channel in self._by_agent or agent_channel not in inside or len(callers) != 1:
            return
        call_id = CallId(next(iter(callers)))
        caller = _Caller(call_id=call_id, state=_State.TALKING, agent_channel=agent_channel)
        self._callers[call_id] = self._by_agent[agent_channel] = caller

    def _came(self, fact: Entered, word: str) -> None:
        call_id = CallId(fact.channel)
        if call_id in self._callers:
            return
        queue, entered_at = QueueName(fact.args[1]), _epoch(fact.args, 2)
        self._callers[call_id] = _Caller(
            call_id=call_id, state=_State.ASKING if word == REQUEST else _State.WAITING
        )
        if word == REQUEST:
            self._tell(
                CallerRequest(
                    call_id=call_id,
                    queue=queue,
                    number=fact.number,
                    entered_at=entered_at,
                    position=_whole(fact.args, 3),
                    language=fact.language,
                )
            )
            return
        self._tell(
            CallerJoined(
                call_id=call_id,
                queue=queue,
                number=fact.number,
                entered_at=entered_at or fact.created_at,
                language=fact.language,
            )
        )
        self._hands.begin(self._music(call_id), "music")

    def _agent_there(self, channel: str) -> None:
        caller = self._by_agent.get(channel)
        if caller is None:
            self._hands.begin(self._hands.delete(channel), "hang-up of an agent whom nobody waits for")
        elif caller.state is _State.RINGING:
            caller.state = _State.TALKING
            self._hands.begin(self._join(caller, channel), "to join a live caller and an agent")

    async def _join(self, caller: _Caller, channel: str) -> None:
        request = self._hands.client.request
        await request("DELETE", "channels", caller.call_id, "moh")
        await request("POST", "bridges", caller.bridge, body={"type": "mixing"})
        for one in (caller.call_id, channel):
            reply = await request("POST", "bridges", caller.bridge, "addChannel", body={"channel": one})
            if not reply.is_good:
                caller.state = _State.RINGING  # The caller waits again, when the agent is gone.
                self._hands.begin(self._music(caller.call_id), "music")
                await self._hands.delete(channel)
                raise AdapterError(f"{one} was not joined: {reply.problem}")

    def _over(self, channel: str) -> None:
        caller = self._by_agent.pop(channel, None)
        if caller is not None:
            self._agent_gone(caller)
            return
        caller = self._callers.pop(CallId(channel), None)
        if caller is None:
            return
        if caller.agent_channel is not None:
            self._by_agent.pop(caller.agent_channel, None)
            self._hands.begin(self._hands.delete(caller.agent_channel), "hang-up of the agent")
            self._hands.begin(self._hands.clear(caller.bridge), "end of a bridge")
        if caller.state is not _State.ASKING:
            self._tell(CallerLeft(call_id=caller.call_id))

    def _agent_gone(self, caller: _Caller) -> None:
        if caller.state is _State.TALKING:
            self._hands.begin(self._hands.delete(caller.call_id), "hang-up of a caller who has talked")
            return
        agent_id = caller.agent_id
        self._wait_again(caller)
        if agent_id is not None:
            self._tell(CallerReturned(call_id=caller.call_id, agent_id=agent_id))

    def _wait_again(self, caller: _Caller) -> None:
        if caller.agent_channel is not None:
            self._by_agent.pop(caller.agent_channel, None)
        if caller.state is _State.RINGING:
            caller.state = _State.WAITING
        caller.agent_id = caller.agent_channel = None

    async def _music(self, call_id: CallId) -> None:
        music = self._hands.settings.hold_music
        if music is not None:
            await self._hands.client.request("POST", "channels", call_id, "moh", body={"mohClass": music})

    async def _go_on(self, channel: str) -> None:
        await self._hands.client.request("POST", "channels", channel, "continue")

    def _tell(self, event: CallerEvent) -> None:
        if self._on_caller is not None:
            self._hands.begin(self._told(self._on_caller, event), type(event).__name__)

    async def _told(self, on_caller: OnCaller, event: CallerEvent) -> None:
        try:
            done = on_caller(event)
            if inspect.isawaitable(done):
                await done
        except Exception as error:
            logger.error(  # noqa: TRY400 - its text may hold a number
                "the host's on_caller failed on %s: %s", type(event).__name__, without_text(error)
            )
            if isinstance(event, CallerRequest):
                await self._go_on(event.call_id)


def _epoch(args: tuple[str, ...], index: int) -> datetime | None:
    seconds = _whole(args, index)
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _whole(args: tuple[str, ...], index: int) -> int | None:
    text = args[index].strip() if len(args) > index else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 and int(text) > 0 else None

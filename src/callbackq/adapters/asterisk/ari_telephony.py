"""
`AriTelephony`: legs as channels of Asterisk, over its REST interface.

A channel has the leg id as its own id, so that Asterisk itself refuses a second one. What happens is heard on the
websocket, read as facts (`ari_reading`), and made into reports by the book of legs.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

from callbackq.adapters.asterisk.ari_callers import Callers, OnCaller
from callbackq.adapters.asterisk.ari_client import AriClient, NoReply
from callbackq.adapters.asterisk.ari_events import LEG, Events
from callbackq.adapters.asterisk.ari_hands import NOT_HERE, Hands, Speak, Wish
from callbackq.adapters.asterisk.ari_reading import Channel, bridges_of, channels_of, fact_of
from callbackq.adapters.asterisk.ari_settings import AriSettings
from callbackq.adapters.connection import Connection, LoginRefused, ReplacedByAnother
from callbackq.adapters.legs import Leg, why
from callbackq.adapters.switchboard import Switchboard, Teller
from callbackq.effects import Bridge, ConnectCall, Dial, HangUp, Play, SendDigits, StopPlay
from callbackq.errors import AdapterError, DialRefused, DialUncertain, TelephonyDown
from callbackq.ids import LegId
from callbackq.model import Cause, LegSnapshot, LegState, Report, Role, TelephonySnapshot

logger = logging.getLogger("callbackq")

_LEG_PREFIX: Final = "leg_"
_NOT_NEEDED: Final = (
    "ChannelCallerId",
    "ChannelConnectedLine",
    "ChannelDialplan",
    "ChannelHold",
    "ChannelTalkingFinished",
    "ChannelTalkingStarted",
    "ChannelUnhold",
    "ChannelVarset",
    "DeviceStateChanged",
)
"""Events that Asterisk need not send: half of all, without them."""
_APP_LOOKS: Final = 20
_APP_LOOK_S: Final = 0.05

Variables = Callable[[Dial], Mapping[str, str]]
"""Returns the channel variables of a leg."""


def _usual_variables(order: Dial) -> Mapping[str, str]:
    """Name the callback: no number and no word of the customer's."""
    return {
        "CALLBACKQ_ATTEMPT": order.attempt_id,
        "CALLBACKQ_CALLBACK": order.callback_id,
        "CALLBACKQ_QUEUE": order.queue,
        "CALLBACKQ_ROLE": order.role.value,
    }


class AriTelephony:
    """
    The telephony port over Asterisk's REST interface, for an `AsyncRunner`. Asterisk 20 or later.

    Args:
        settings: where Asterisk is, and what things are called there.
        speak: makes a sound of an order's text and returns its media URI; None, or where it returns None: the sounds
            of the settings.
        variables: the channel variables of each leg, for your dialplan, or for headers of SIP. Unless given: the ids
            of the callback and the attempt, the queue and the role.
        on_caller: is told of callers who came into the application by your dialplan: who wants a callback, who waits
            (`CallerEvent`). None: such callers go on in the dialplan at once.

    Open it as an async context manager, in the loop of the runner, after `attach`::

        telephony = AriTelephony(AriSettings.from_env(os.environ))
        runner = AsyncRunner(service, telephony)
        telephony.attach(runner)
        async with telephony, runner:
            ...

    A connection that is lost is made again, with waits that grow; until then nobody is dialed. An Asterisk that cannot
    be reached when it is opened is waited for in the same way. Methods may be called from the loop only.

    Raises:
        LoginRefused: `open` was told that the user or the password is wrong.
    """

    def __init__(
        self,
        settings: AriSettings,
        *,
        speak: Speak | None = None,
        variables: Variables = _usual_variables,
        on_caller: OnCaller | None = None,
    ) -> None:
        self._settings: Final = settings
        self._client: Final = AriClient(settings)
        self._hands: Final = Hands(settings, self._client, tell=self._tell, speak=speak)
        self._callers: Final = Callers(
            self._hands, on_caller, agent_ring_time_s=settings.agent_ring_time.total_seconds()
        )
        self._events: Final = Events(self._hands, self._callers)
        self._variables: Final = variables
        self._teller: Teller | None = None
        self._replaced: ReplacedByAnother | None = None
        self._connection: Final = Connection(
            "Asterisk (ARI)", self._session, went_down=self._went_down, waits=settings.waits
        )

    # ------------------------------------------------------------------ open and closed

    def attach(self, switchboard: Switchboard) -> None:
        """Say who is told: the runner. Before it is opened."""
        self._teller = Teller(switchboard)

    async def open(self) -> None:
        """
        Connect, and wait for the first try.

        Raises:
            RuntimeError: nobody is attached.
            LoginRefused: the user or the password is wrong. Nothing is left open.
        """
        if self._teller is None:
            raise RuntimeError("attach a runner before the telephony is opened")
        self._replaced = None
        if self._settings.can_be_read:
            logger.warning(
                "Asterisk (ARI): the password can be read on the way to another machine: use https://"
            )
        await self._client.open()
        try:
            await self._connection.open()
        except BaseException:
            await self.close()
            raise
        if not self._connection.is_up:
            self._teller.switchboard.telephony_down()

    async def close(self) -> None:
        """Let go of the connection. Calls go on; their ends are not heard."""
        await self._connection.close()
        await self._hands.close()
        await self._client.close()
        if self._teller is not None:
            await self._teller.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def is_up(self) -> bool:
        """Whether events come, and orders can be given."""
        return self._connection.is_up

    @property
    def is_replaced(self) -> bool:
        """Whether another process has taken the application: then nothing more happens here until it is opened anew."""
        return self._replaced is not None

    # ------------------------------------------------------------------ the port

    async def dial(self, order: Dial) -> None:
        """Place one leg. See `Telephony.dial`."""
        if not self.is_up:
            raise DialRefused(str(self._down()))
        body = self._originate(order)
        if not self._hands.book.begin(order.leg_id, role=order.role):
            return
        wish = Wish(record=order.record, detect=order.detect, is_dialing=True)
        self._hands.wishes[order.leg_id] = wish
        try:
            await self._place(order.leg_id, body, wish)
        finally:
            wish.is_dialing = False
        leg = self._hands.book.get(order.leg_id)
        if leg is not None and leg.hanging_up:
            await self._hands.delete(order.leg_id)

    async def bridge(self, order: Bridge) -> None:
        """Join two legs. See `Telephony.bridge`. Raises: AdapterError: one of them is not there to be joined."""
        self._check_up()
        book, legs = self._hands.book, (order.agent_leg_id, order.customer_leg_id)
        for leg_id in legs:
            leg = book.get(leg_id)
            if leg is None or not leg.can_hear:
                raise AdapterError(f"{leg_id} cannot be joined: it is not answered, or over")
        for leg_id in legs:
            await self._hands.silence(leg_id)
        meeting = self._hands.meetings.want(
            order.attempt_id,
            agent=order.agent_leg_id,
            customer=order.customer_leg_id,
            record=any(self._hands.wishes.get(leg_id, Wish()).record for leg_id in legs),
        )
        await self._hands.join(meeting)

    async def hang_up(self, order: HangUp) -> None:
        """End a leg. See `Telephony.hang_up`."""
        self._check_up()
        leg_id = order.leg_id
        leg = self._hands.book.get(leg_id)
        if leg is not None and leg.is_over:
            return
        self._hands.book.hanging_up(leg_id)
        can_hear = leg is not None and leg.answered
        if order.prompt is None or not can_hear or not await self._says_goodbye(order):
            await self._hands.delete(leg_id)

    async def play(self, order: Play) -> None:
        """Play a prompt. See `Telephony.play`."""
        self._check_up()
        leg = self._hands.book.get(order.leg_id)
        if leg is not None and leg.can_hear:
            await self._hands.say(order)

    async def stop_play(self, order: StopPlay) -> None:
        """End what is played. See `Telephony.stop_play`."""
        self._check_up()
        await self._hands.silence(order.leg_id)

    async def send_digits(self, order: SendDigits) -> None:
        """Press keys. See `Telephony.send_digits`. Raises: AdapterError: they were not pressed."""
        self._check_up()
        leg = self._hands.book.get(order.leg_id)
        if leg is None or not leg.can_hear:
            return
        wait_ms = round(self._settings.digits_after.total_seconds() * 1000)
        body = {"dtmf": order.digits, "before": wait_ms}
        reply = await self._client.request("POST", "channels", order.leg_id, "dtmf", body=body)
        if not reply.is_good and reply.status not in NOT_HERE:
            raise AdapterError(f"the keys were not pressed on {order.leg_id}: {reply.problem}")

    async def connect_call(self, order: ConnectCall) -> None:
        """
        Connect a live caller, who waits in our application, to an agent. See `Telephony.connect_call`.

        Callers in a queue of Asterisk's own are given out by that queue, and not here: their policy says `acd = host`.

        Raises:
            AdapterError: the caller is not here, or the agent's phone could not be rung.
        """
        self._check_up()
        await self._callers.connect(order)

    async def snapshot(self) -> TelephonySnapshot:
        """Return which legs there are. See `CanSnapshot.snapshot`. Two requests. Raises: TelephonyDown."""
        self._check_up()
        as_of = datetime.now(UTC)
        channels, bridges = await self._ask()
        legs = self._legs_of(channels, bridges)
        for leg_id, wish in self._hands.wishes.items():
            if wish.is_dialing:  # It may ring any moment. Who is missing is believed to be gone.
                legs.setdefault(leg_id, LegSnapshot(state=LegState.RINGING))
        return TelephonySnapshot(legs=legs, as_of=as_of)

    # ------------------------------------------------------------------ callers

    async def dismiss(self, call_id: str, *, sound: str | None = None) -> None:
        """Say something to a caller by a media URI, and hang up: the answer to a `CallerRequest` that was taken."""
        self._check_up()
        await self._callers.dismiss(call_id, sound=sound)

    async def send_back(
        self,
        call_id: str,
        *,
        context: str | None = None,
        extension: str | None = None,
        priority: int | None = None,
    ) -> None:
        """
        Let a caller go on in the dialplan: after `Stasis()`, or where you say.

        Raises:
            AdapterError: the caller is there, and could not be moved.
        """
        self._check_up()
        await self._callers.send_back(call_id, context=context, extension=extension, priority=priority)

    async def _says_goodbye(self, order: HangUp) -> bool:
        """Say it, unless it is being said; return whether it is. One that cannot be must not keep the leg."""
        sound = self._hands.sounds.of(order.leg_id)
        if sound is not None and sound.goodbye:
            return True
        try:
            return await self._hands.say(order, goodbye=True)
        except NoReply:
            return False

    # ------------------------------------------------------------------ dialing

    def _originate(self, order: Dial) -> dict[str, object]:
        """Return the request for a leg. Raises: DialRefused: there can be none."""
        body: dict[str, object] = {
            "endpoint": self._settings.endpoint_for(order),
            "app": self._settings.app,
            "appArgs": f"{LEG},{order.role}",
            "channelId": order.leg_id,
            "timeout": max(1, math.ceil(order.ring_time.total_seconds())),
            "variables": dict(self._variables(order)),
        }
        for_agent = order.role is Role.AGENT
        shown = order.number if for_agent and self._settings.customer_on_agents_phone else None
        caller_id = shown if for_agent else order.caller_id
        if caller_id is not None:
            body["callerId"] = caller_id
        return body

    async def _place(self, leg_id: LegId, body: Mapping[str, object], wish: Wish) -> None:
        try:
            reply = await self._client.request("POST", "channels", body=body)
        except NoReply as error:
            raise DialUncertain(str(error)) from None
        except TelephonyDown as error:
            self._not_placed(leg_id)
            raise DialRefused(str(error)) from None
        if reply.is_good or reply.status == 409:  # 409: this leg is there already.
            wish.is_placed = True
            return
        if reply.status in (502, 504):  # Something in between gave up waiting.
            raise DialUncertain(f"no reply of Asterisk: {reply.problem}")
        self._not_placed(leg_id)
        raise DialRefused(f"Asterisk refused the leg: {reply.problem}")

    def _not_placed(self, leg_id: LegId) -> None:
        self._hands.book.refused(leg_id)
        self._hands.wishes.pop(leg_id, None)

    # ------------------------------------------------------------------ the connection

    async def _session(self, came_up: Callable[[], None]) -> None:
        """Hold one websocket, from its opening to its end."""
        async with self._client.events() as events:
            await self._wait_for_app()
            await self._catch_up()
            came_up()
            assert self._teller is not None
            self._teller.switchboard.telephony_up()
            async for event in events:
                self._hear(event)
        raise TelephonyDown("the websocket is closed")

    def _hear(self, event: object) -> None:
        fact = fact_of(event)
        if fact is None:
            return
        try:
            self._events.hear(fact)
        except ReplacedByAnother as error:
            self._replaced = error
            raise
        except Exception as error:
            # The websocket stays: without one, Asterisk hangs up whoever answers. A text may hold a number.
            logger.error("Asterisk (ARI): an event was not understood: %s", type(error).__name__)  # noqa: TRY400

    async def _wait_for_app(self) -> None:
        """Wait until Asterisk knows the application, and say which events need not come."""
        body = {"disallowed": [{"type": name} for name in _NOT_NEEDED]}
        for _ in range(_APP_LOOKS):
            reply = await self._client.request(
                "PUT", "applications", self._settings.app, "eventFilter", body=body
            )
            if reply.status == 403:
                raise LoginRefused(
                    f"the user {self._settings.username!r} may only read: set read_only = no in ari.conf"
                )
            if reply.status != 404:
                return
            await asyncio.sleep(_APP_LOOK_S)
        raise TelephonyDown(f"Asterisk does not know the application {self._settings.app!r}")

    async def _catch_up(self) -> None:
        """Take over what Asterisk has; what it has no more, has ended for a cause that nobody knows."""
        asked_of = self._hands.book.live()
        channels, bridges = await self._ask()
        legs = self._legs_of(channels, bridges)
        wishes = self._hands.wishes
        dialing = {leg_id for leg_id, wish in wishes.items() if wish.is_dialing}
        lost = [leg for leg in asked_of if leg.leg_id not in legs and leg.leg_id not in dialing]
        # Customers first: phones that rang when Asterisk died may ring on, and must not be called again at once.
        for leg in sorted(lost, key=lambda leg: leg.role is not Role.CUSTOMER):
            self._lost(leg)
        new = [leg_id for leg_id in legs if self._hands.book.get(leg_id) is None]
        joined: dict[LegId, LegId] = {}
        for bridge, inside in bridges.items():
            meeting = self._hands.meetings.found(bridge, inside, legs)
            if meeting is not None and meeting.is_full:
                joined |= {meeting.agent: meeting.customer, meeting.customer: meeting.agent}
            elif meeting is None and self._hands.meetings.is_ours(bridge) and not inside:
                self._hands.begin(self._hands.clear(bridge), "end of a bridge")
        self._hands.book.found(legs, asked_of=(), joined=joined)
        for leg_id in new:
            await self._client.request(
                "POST",
                "applications",
                self._settings.app,
                "subscription",
                body={"eventSource": f"channel:{leg_id}"},
            )
        self._callers.look(channels, bridges)

    def _lost(self, leg: Leg) -> None:
        self._hands.sounds.forget(leg.leg_id)
        self._hands.wishes.pop(leg.leg_id, None)
        self._tell(self._hands.book.ended(leg.leg_id, why(Cause.UNKNOWN), raw_cause="gone when asked"))
        self._events.clear(leg.leg_id)

    def _went_down(self) -> None:
        if self._teller is not None:
            self._teller.switchboard.telephony_down()

    # ------------------------------------------------------------------ inside

    async def _ask(self) -> tuple[tuple[Channel, ...], dict[str, frozenset[str]]]:
        """Ask for all channels and bridges. Raises: TelephonyDown: there is no answer that can be used."""
        found: list[object] = []
        for what in ("channels", "bridges"):
            try:
                reply = await self._client.request("GET", what)
            except NoReply as error:
                raise TelephonyDown(str(error)) from None
            if not reply.is_good:
                raise TelephonyDown(f"Asterisk does not say which {what} it has: {reply.problem}")
            found.append(reply.data)
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            return channels_of(found[0], app=self._settings.app), bridges_of(found[1])
        raise TelephonyDown("what Asterisk says of its channels cannot be read")

    def _legs_of(
        self, channels: tuple[Channel, ...], bridges: Mapping[str, frozenset[str]]
    ) -> dict[LegId, LegSnapshot]:
        """Return the legs among the channels: those that we dialed, and those that have such a name."""
        book = self._hands.book
        ours = {
            one.channel: one
            for one in channels
            if one.channel.startswith(_LEG_PREFIX) or book.get(LegId(one.channel)) is not None
        }
        joined: set[str] = set()
        for inside in bridges.values():
            legs = inside & ours.keys()
            if len(legs) > 1:
                joined |= legs
        return {
            LegId(name): LegSnapshot(
                state=LegState.ANSWERED if one.is_up else LegState.RINGING, joined=name in joined
            )
            for name, one in ours.items()
        }

    def _tell(self, report: Report | None) -> None:
        assert self._teller is not None
        self._teller.tell(report)

    def _check_up(self) -> None:
        if not self.is_up:
            raise self._down()

    def _down(self) -> TelephonyDown:
        if self._replaced is not None:
            return ReplacedByAnother(str(self._replaced))
        return TelephonyDown("there is no connection to Asterisk; nothing was done")

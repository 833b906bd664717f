"""
A real Asterisk, and phones at its other end that a test steers: the far halves of `Local` channels, or real SIP.

`CALLBACKQ_ARI_URL` is the address with user and password. `CALLBACKQ_ARI_PHONE` is what is dialed to reach a phone,
with `{app}` and `{digits}`. There, the dialplan lets it come into an application of that name:

    [cbqphones]
    exten => _a-.,1,Stasis(${CUT(EXTEN,-,2)},${CUT(EXTEN,-,3-)})

`CALLBACKQ_ARI_FAR_URL` is where that dialplan is, if it is another Asterisk, which is dialed by SIP.
"""

from __future__ import annotations

import asyncio
import json
import os
from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
import attrs

from adapters.asterisk.ari_far_end import Board
from callbackq import ConnectCall, Dial, LegId, Report
from callbackq.adapters.asterisk.ari_settings import AriSettings
from callbackq.adapters.asterisk.ari_telephony import AriTelephony
from callbackq.adapters.connection import Waits
from callbackq.ids import AgentId
from callbackq.testing.contracts import ConnectedFarEnd, Phone
from callbackq.testing.telephony_contract.awaiting import Blocking, Waiting

PHONE = "Local/a-{app}-{digits}@cbqphones/n"


class Phones:
    """The phones: channels in an application of their own, by the digits that were dialed."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._url = f"{parts.scheme}://{parts.hostname}:{parts.port}{parts.path}"
        login = f"{parts.username}:{parts.password}".encode()
        self._login = "Basic " + b64encode(login).decode("ascii")
        self.app = f"phones{uuid4().hex[:8]}"
        self.channels: dict[str, str] = {}
        self.calls: Counter[str] = Counter()
        self.heard: dict[str, str] = {}
        self.silent: set[str] = set()
        self._session: aiohttp.ClientSession | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(headers={"Authorization": self._login})
        socket = await self._session.ws_connect(f"{self._url}/events?app={self.app}&subscribeAll=false")
        self._task = asyncio.get_running_loop().create_task(self._listen(socket))

    async def close(self) -> None:
        assert self._task is not None
        assert self._session is not None
        for digits in list(self.channels):
            await self.do("DELETE", digits)
        self._task.cancel()
        await asyncio.wait({self._task})
        await self._session.close()

    async def do(self, method: str, digits: str, what: str = "", **query: str) -> None:
        channel = self.channels.get(digits)
        assert self._session is not None
        if channel is not None:
            path = f"{self._url}/channels/{channel}{'/' + what if what else ''}"
            async with self._session.request(method, path, params=query) as reply:
                await reply.read()

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        try:
            async for message in socket:
                event = json.loads(message.data)
                channel = event.get("channel", {}).get("id", "")
                digits = next((name for name, one in self.channels.items() if one == channel), None)
                if event["type"] == "StasisStart":
                    name = event["args"][0]
                    self.channels[name] = channel
                    self.calls[name] += 1
                    if name not in self.silent:
                        await self.do("POST", name, "ring")
                elif event["type"] == "StasisEnd" and digits is not None:
                    del self.channels[digits]
                elif event["type"] == "ChannelDtmfReceived" and digits is not None:
                    self.heard[digits] = self.heard.get(digits, "") + event["digit"]
        finally:
            await socket.close()


class RealFarEnd(ConnectedFarEnd):
    """The adapter connected to a real Asterisk."""

    patience = timedelta(seconds=10)
    quiet = timedelta(seconds=0.4)
    tick = timedelta(seconds=0.02)
    short = timedelta(seconds=2)

    def __init__(self) -> None:
        self.waiting = Waiting(patience=timedelta(seconds=20))
        url = os.environ["CALLBACKQ_ARI_URL"]
        self._phone = os.environ.get("CALLBACKQ_ARI_PHONE", PHONE)
        self._refused: set[LegId] = set()
        self.phones = Phones(os.environ.get("CALLBACKQ_ARI_FAR_URL", url))
        self._digits: dict[LegId, str] = {}
        self.board = Board()
        self.adapter = AriTelephony(
            AriSettings(
                url=url,
                app=f"cbq-{uuid4().hex[:8]}",
                customer=self._endpoint_of,
                agent=self._endpoint_of,
                sound="sound:hello",  # A short one, of the core sounds.
                waits=Waits(first_s=0.1, max_s=0.5),
            )
        )
        self.adapter.attach(self.board)
        self.waiting.wait(self.phones.open())
        self.waiting.wait(self.adapter.open())
        self._telephony = Blocking(self.adapter, self.waiting)

    @property
    def telephony(self) -> Blocking:
        return self._telephony

    @property
    def reports(self) -> Sequence[Report]:
        return self.board.reports

    def let_pass(self, duration: timedelta) -> None:
        self.waiting.let_pass(duration)

    def prepare(self, order: Dial, phone: Phone) -> Dial:
        digits = f"1{uuid4().int % 10**9:09}"
        self._digits[order.leg_id] = digits
        if phone is Phone.UNREACHABLE:
            self.phones.silent.add(digits)
        if phone is Phone.REFUSED:
            self._refused.add(order.leg_id)
        return attrs.evolve(order, number=f"+{digits}", agent_id=AgentId(digits))

    def calls_count(self, leg_id: LegId) -> int:
        return self.phones.calls[self._digits[leg_id]]

    def is_live(self, leg_id: LegId) -> bool:
        return self._digits[leg_id] in self.phones.channels

    def are_joined(self, one: LegId, other: LegId) -> bool:
        legs = self._telephony.snapshot().legs
        return all(leg_id in legs and legs[leg_id].joined for leg_id in (one, other))

    def answer(self, leg_id: LegId) -> None:
        self._do("POST", leg_id, "answer")

    def be_busy(self, leg_id: LegId) -> None:
        assert self.wait_until(lambda: self.is_live(leg_id))
        self._do("DELETE", leg_id, reason_code="17")

    def reject(self, leg_id: LegId) -> None:
        self._do("DELETE", leg_id, reason_code="21")

    def press(self, leg_id: LegId, digits: str) -> None:
        self._do("POST", leg_id, "dtmf", dtmf=digits)

    def heard_digits(self, leg_id: LegId) -> str:
        return self.phones.heard.get(self._digits[leg_id], "")

    def hang_up(self, leg_id: LegId) -> None:
        self._do("DELETE", leg_id, reason_code="16")

    def disconnect(self) -> None:
        self.waiting.wait(self.adapter._connection.close())
        assert not self.adapter.is_up

    def reconnect(self) -> None:
        self.waiting.wait(self.adapter._connection.open())
        assert self.adapter.is_up

    def close(self) -> None:
        self.waiting.wait(self.adapter.close())
        self.waiting.wait(self.phones.close())
        self.waiting.let_pass(timedelta(seconds=0.05))
        self.waiting.close()

    def _endpoint_of(self, order: Dial | ConnectCall) -> str:
        assert isinstance(order, Dial)
        if order.leg_id in self._refused:
            return "PJSIP/no-such-endpoint"
        return self._phone.format(app=self.phones.app, digits=self._digits[order.leg_id])

    def _do(self, method: str, leg_id: LegId, what: str = "", **query: str) -> None:
        self.waiting.wait(self.phones.do(method, self._digits[leg_id], what, **query))

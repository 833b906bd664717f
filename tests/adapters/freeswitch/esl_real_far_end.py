"""
A real FreeSWITCH, and the phones that the contract needs, in that same FreeSWITCH.

It takes an event socket (`CALLBACKQ_ESL_URL`) and `mod_loopback`, and no dialplan. A leg is a loopback channel whose
far half is parked, and is told over the event socket to ring, to answer, to press keys and to hang up. The connection
of the adapter goes through a relay, which can be cut. One run at a time: each adapter finds the legs of the other too.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import attrs

from adapters.freeswitch.esl_far_end import Board
from callbackq import AgentId, Dial, LegId, Report
from callbackq.adapters.connection import Waits
from callbackq.adapters.freeswitch import EslSettings, EslTelephony
from callbackq.adapters.freeswitch.client import EslClient
from callbackq.adapters.freeswitch.framing import Event
from callbackq.adapters.freeswitch.words import channel_of
from callbackq.testing.contracts import ConnectedFarEnd, Phone
from callbackq.testing.telephony_contract.awaiting import Blocking, Waiting

_ROUTES = {
    Phone.RINGS: "loopback/app=park",
    Phone.UNREACHABLE: "error/SUBSCRIBER_ABSENT",
    Phone.REFUSED: "nosuch/phone",
}


class Relay:
    """A cable between the adapter and FreeSWITCH."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self.port = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        there, back = await asyncio.open_connection(*self._to)
        self._writers |= {writer, back}
        await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        self._writers -= {writer, back}
        self._tasks.discard(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
        writer.close()


class RealFarEnd(ConnectedFarEnd):
    """The adapter, connected to `CALLBACKQ_ESL_URL`."""

    patience = timedelta(seconds=5)
    quiet = timedelta(seconds=0.3)
    tick = timedelta(seconds=0.02)
    short = timedelta(seconds=2)

    def __init__(self) -> None:
        self.settings = EslSettings.from_env(os.environ)
        self.waiting = Waiting(patience=timedelta(seconds=20))
        self._far: dict[str, str] = {}
        self._placed: Counter[str] = Counter()
        self._keys: dict[str, str] = {}
        self._live: set[str] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._phones = EslClient(
            self.settings, heard=self._heard, went_up=lambda: None, went_down=lambda: None
        )
        self._relay = Relay(self.settings.host, self.settings.port)
        self.waiting.wait(self._open())
        self._telephony = Blocking(self.adapter, self.waiting)

    async def _open(self) -> None:
        await self._phones.open()
        await self._relay.open()
        self.board = Board()
        self.adapter = EslTelephony(
            attrs.evolve(
                self.settings,
                url=f"esl://127.0.0.1:{self._relay.port}",
                customer=lambda order: order.route or "",
                agent=lambda order: order.route or "",
                variables={"loopback_bowout": "false"},
                sound="silence_stream://1000",
                waits=Waits(first_s=0.05, max_s=0.2),
                digits_after=timedelta(0),
            )
        )
        self.adapter.attach(self.board)
        await self.adapter.open()

    def _heard(self, event: Event) -> None:
        """What happens at the far halves."""
        leg_id, name = event.variable("callbackq_leg_id"), event["Channel-Name"]
        if event.name == "DTMF" and event.channel in self._keys:
            self._keys[event.channel] += event["DTMF-Digit"]
        if not leg_id or not (name.startswith("loopback/") and name.endswith("-b")):
            return
        if event.name == "CHANNEL_CREATE":
            self._placed[leg_id] += 1
            self._far[leg_id], self._keys[event.channel] = event.channel, ""
            self._live.add(leg_id)
        elif event.name == "CHANNEL_PARK":
            self._soon(f"uuid_ring_ready {event.channel}")
        elif event.name.startswith("CHANNEL_HANGUP"):
            self._live.discard(leg_id)

    def _soon(self, command: str) -> None:
        task = asyncio.ensure_future(self._phones.api(command))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def telephony(self) -> Blocking:
        return self._telephony

    @property
    def reports(self) -> Sequence[Report]:
        return self.board.reports

    def let_pass(self, duration: timedelta) -> None:
        self.waiting.let_pass(duration)

    def prepare(self, order: Dial, phone: Phone) -> Dial:
        return attrs.evolve(order, route=_ROUTES[phone], agent_id=AgentId("agent"))

    def calls_count(self, leg_id: LegId) -> int:
        return self._placed[leg_id]

    def is_live(self, leg_id: LegId) -> bool:
        return leg_id in self._live

    def are_joined(self, one: LegId, other: LegId) -> bool:
        said = self.waiting.wait(self._phones.api(f"uuid_dump {channel_of(one)} json"))
        return not said.startswith("-") and json.loads(said).get("variable_bridge_to") == channel_of(other)

    def answer(self, leg_id: LegId) -> None:
        self._tell(leg_id, "uuid_answer {0}")

    def be_busy(self, leg_id: LegId) -> None:
        self._tell(leg_id, "uuid_kill {0} USER_BUSY")

    def reject(self, leg_id: LegId) -> None:
        self._tell(leg_id, "uuid_kill {0} CALL_REJECTED")

    def press(self, leg_id: LegId, digits: str) -> None:
        self._tell(leg_id, f"uuid_send_dtmf {{0}} {digits}")

    def heard_digits(self, leg_id: LegId) -> str:
        return self._keys[self._far[leg_id]]

    def hang_up(self, leg_id: LegId) -> None:
        self._tell(leg_id, "uuid_kill {0} NORMAL_CLEARING")

    def disconnect(self) -> None:
        self.waiting.wait(self._relay.cut())
        assert self.wait_until(lambda: not self.adapter.is_up)

    def reconnect(self) -> None:
        self.waiting.wait(self._relay.open())
        assert self.wait_until(lambda: self.adapter.is_up)

    def close(self) -> None:
        async def shut() -> None:
            await self.adapter.close()
            for channel in self._far.values():
                await self._phones.api(f"uuid_kill {channel}")
            await self._phones.close()
            await self._relay.cut()

        self.waiting.wait(shut())
        self.waiting.close()

    def _tell(self, leg_id: LegId, command: str) -> None:
        assert self.wait_until(lambda: leg_id in self._far)
        self.waiting.wait(self._phones.api(command.format(self._far[leg_id])))

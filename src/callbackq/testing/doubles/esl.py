"""
`EslDouble`: a FreeSWITCH that is not there. A server on the loopback that speaks the event socket (ESL).

Built from exchanges with FreeSWITCH 1.11 and from its documentation. It needs no other package.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, Self
from urllib.parse import quote
from uuid import UUID

from callbackq.testing.doubles.esl_callcenter import EslCallcenter
from callbackq.testing.doubles.esl_channels import ChannelState, EslChannel, EslChannels, EslPhone
from callbackq.testing.doubles.esl_commands import EslCommands
from callbackq.testing.doubles.mischief import Mischief

__all__ = ["ChannelState", "EslChannel", "EslDouble", "EslPhone"]

Event = dict[str, str]
_LINE_SIZE_MAX: Final = 1_000_000


def _rings(_address: str) -> EslPhone:
    return EslPhone()


class EslDouble:
    """
    A FreeSWITCH with phones that a test steers, and with `mod_callcenter`.

    Open it as an async context manager; `url` is where it listens. Honest unless *mischief* is not.

    Args:
        password: what a client must know.
        phone_of: what there is at an address that is dialed, such as `user/ann`; a phone that rings, unless told.
        mischief: what it does to its own events.

    Attributes:
        phones: the channels: `place`, `answer`, `hang_up`, `press` and so on.
        callcenter: the queues.
        logins_count: how often somebody said a password, right or wrong.
        commands: `commands.given` is all that was asked for, but passwords.
    """

    def __init__(
        self,
        *,
        password: str = "ClueCon",
        phone_of: Callable[[str], EslPhone] = _rings,
        mischief: Mischief | None = None,
        seed: int = 0,
    ) -> None:
        self.password = password
        self.phone_of = phone_of
        self.mischief = mischief or Mischief(0)
        self._chance: Final = random.Random(seed)
        self._core = self._new_id()
        self._sequence = 0
        self._server: asyncio.Server | None = None
        self._port = 0
        self._sessions: Final[set[_Session]] = set()
        self.phones: Final = EslChannels(fire=self._fire, job_over=self.job_over, chance=self._chance)
        self.callcenter: Final = EslCallcenter(
            lambda headers: self._fire("CUSTOM", {"Event-Subclass": "callcenter::info", **headers})
        )
        self.refuses_machine = False
        self.logins_count = 0
        self.connections_count = 0
        self.commands: Final = EslCommands(self.phones, self.callcenter, phone_of=self._phone_of)

    # ------------------------------------------------------------------ life

    @property
    def url(self) -> str:
        """Where it listens, without the password."""
        return f"esl://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Listen; on the same port as before, if it ever did."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, limit=_LINE_SIZE_MAX)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more, and cut all connections; calls go on."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        await self.cut()

    async def cut(self) -> None:
        """Cut all connections. Calls go on, and nobody hears of them."""
        for session in tuple(self._sessions):
            session.end()
        while self._sessions:
            await asyncio.sleep(0)

    async def crash(self) -> None:
        """Fall over, as a FreeSWITCH does that is killed: no call is left. `start` starts it again."""
        self.phones.forget_all()
        await self.stop()
        self._core = self._new_id()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.phones.forget_all()
        await self.stop()

    # ------------------------------------------------------------------ events

    def _fire(self, name: str, headers: Mapping[str, str]) -> None:
        self._sequence += 1
        event = {
            "Event-Name": name,
            "Core-UUID": self._core,
            "FreeSWITCH-Hostname": "double",
            "Event-Date-Timestamp": str(int(time.time() * 1_000_000)),
            "Event-Sequence": str(self._sequence),
            **headers,
        }
        for session in tuple(self._sessions):
            if session.hears(event):
                self.mischief.send(event, now=session.tell, later=session.tell_later)

    def job_over(self, job: str, result: str) -> None:
        """Say that a job is over."""
        self._fire("BACKGROUND_JOB", {"Job-UUID": job, "_body": result, "Content-Length": str(len(result))})

    def _phone_of(self, address: str) -> EslPhone:
        return self.phone_of(address)  # Which a test may change.

    def _new_id(self) -> str:
        return str(UUID(int=self._chance.getrandbits(128), version=4))

    # ------------------------------------------------------------------ connections

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = _Session(self, reader, writer)
        self._sessions.add(session)
        self.connections_count += 1
        try:
            await session.run()
        finally:
            self._sessions.discard(session)


class _Session:
    """One connection of a client."""

    def __init__(self, double: EslDouble, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._double: Final = double
        self._reader: Final = reader
        self._writer: Final = writer
        self._is_known = False
        self._format = "plain"
        self._names: frozenset[str] = frozenset()

    async def run(self) -> None:
        if self._double.refuses_machine:
            self._send({"Content-Type": "text/rude-rejection"}, "Access Denied, go away.\n")
        else:
            self._send({"Content-Type": "auth/request"})
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                while self._take((await self._reader.readuntil(b"\n\n")).decode().strip("\n")):
                    pass
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    def hears(self, event: Event) -> bool:
        name = event.get("Event-Subclass") or event["Event-Name"]
        return name in self._names or "ALL" in self._names

    def tell(self, event: Event) -> None:
        body = json.dumps(event) if self._format == "json" else _plain(event)
        self._send({"Content-Type": f"text/event-{self._format}"}, body)

    def tell_later(self, after_s: float, event: Event) -> None:
        asyncio.get_running_loop().call_later(after_s, self.tell, event)

    def end(self) -> None:
        self._writer.close()
        self._reader.feed_eof()

    def _take(self, command: str) -> bool:
        """Do one command; say whether the connection goes on."""
        line, _, more = command.partition("\n")
        name, _, rest = line.partition(" ")
        if name == "auth":
            return self._log_in(rest)
        if name == "exit":
            self._reply("+OK bye")
            self._send({"Content-Type": "text/disconnect-notice"}, "Disconnected, goodbye.\n")
            return False
        if not self._is_known:
            self._reply("-ERR command not found")
        elif name == "event":
            self._format, *names = rest.split(" ")
            self._names |= frozenset(names)
            self._reply(f"+OK event listener enabled {self._format}")
        elif name == "api":
            answer = self._double.commands.run(rest)
            self._send({"Content-Type": "api/response"}, answer or "-ERR no reply\n")
        elif name == "bgapi":
            self._start(rest, more)
        else:
            self._reply("-ERR command not found")
        return True

    def _log_in(self, said: str) -> bool:
        self._double.logins_count += 1
        self._is_known = said == self._double.password
        self._reply("+OK accepted" if self._is_known else "-ERR invalid")
        if not self._is_known:
            self._send({"Content-Type": "text/disconnect-notice"}, "Disconnected, goodbye.\n")
        return self._is_known

    def _start(self, command: str, more: str) -> None:
        job = next(
            (line[10:] for line in more.split("\n") if line.startswith("Job-UUID: ")), self._double.url
        )
        result = self._double.commands.run(command, job=job)
        self._reply(f"+OK Job-UUID: {job}", {"Job-UUID": job})
        if result is not None:
            self._double.job_over(job, result)

    def _reply(self, text: str, more: Mapping[str, str] | None = None) -> None:
        self._send({"Content-Type": "command/reply", "Reply-Text": text, **(more or {})})

    def _send(self, head: Mapping[str, str], body: str = "") -> None:
        if self._writer.is_closing():
            return
        data = body.encode()
        size = {"Content-Length": str(len(data))} if data else {}
        lines = "".join(f"{name}: {value}\n" for name, value in {**head, **size}.items())
        self._writer.write(lines.encode() + b"\n" + data)


def _plain(event: Event) -> str:
    body = event.get("_body", "")
    lines = "".join(
        f"{name}: {quote(value, safe=' /:@-_.+')}\n" for name, value in event.items() if name != "_body"
    )
    return f"{lines}\n{body}"

"""
`AmiDouble`: a server on the loopback that speaks Asterisk's manager interface (AMI), with a small app_queue behind it.

Built from exchanges that were recorded with Asterisk 22.10. It is honest unless it is told otherwise.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import ssl
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from callbackq.testing.doubles.ami_queue import Headers, QueueModel
from callbackq.testing.doubles.mischief import Mischief

_EOL: Final = "\r\n"
_UNKNOWN: Final = "Invalid/unknown command: {name}. Use Action: ListCommands to show available commands."


class AmiDouble:
    """
    An Asterisk as its manager interface shows it. `async with` starts and stops it; it belongs to one loop.

    Args:
        username, secret: who may log in.
        version: what `CoreSettings` says; the position of `Queue()` is where this version has it.
        tls: makes the port an encrypted one.
        mischief: what happens to events; answers and lists come in order, as on one connection they do.
        denied: actions for which the user has no permission.
        cuts: whether what is sent is cut anywhere, as a network may.
        seed: of where it is cut.

    Attributes:
        queue: the queues, their members and callers: steer them.
        connections_count: how often somebody connected. logins_count: how often the login was right.
        refusals_count: how often it was not.
        actions: the names and headers of what was asked for, without secrets.
        is_mute: it accepts connections and answers nothing.
        withdraw_takes_s: after which time a caller who was withdrawn is out.
        timestamps: whether events say when they happened, as with `timestampevents = yes`.
    """

    def __init__(
        self,
        *,
        username: str = "callbackq",
        secret: str = "the-ami-secret",
        version: str = "22.10.1",
        tls: ssl.SSLContext | None = None,
        mischief: Mischief | None = None,
        denied: Collection[str] = (),
        cuts: bool = False,
        seed: int = 0,
    ) -> None:
        self.username: Final = username
        self.secret: Final = secret
        self.version: Final = version
        self.mischief: Final = mischief or Mischief(seed)
        self.queue: Final = QueueModel(self._tell)
        self.connections_count = 0
        self.logins_count = 0
        self.refusals_count = 0
        self.actions: Final[list[tuple[str, Mapping[str, str]]]] = []
        self.denied: Final = set(denied)
        self.is_mute = False
        self.timestamps = False
        self.withdraw_takes_s = 0.01
        self._tls: Final = tls
        self._cuts: Final = cuts
        self._chance: Final = random.Random(seed)
        self._server: asyncio.Server | None = None
        self._port = 0
        self._sessions: Final[set[_Session]] = set()

    # ------------------------------------------------------------------ life

    @property
    def url(self) -> str:
        """Where it listens, without who may log in."""
        scheme = "ami" if self._tls is None else "amis"
        return f"{scheme}://localhost:{self._port}" if self._tls else f"{scheme}://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Listen: at any port, and after `stop` at the same one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, ssl=self._tls)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Refuse connections, and end those that there are. The calls go on."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        self.disconnect()
        while self._sessions:
            await asyncio.wait({session.task for session in self._sessions})
        if server is not None:
            await server.wait_closed()

    def disconnect(self) -> None:
        """Cut every connection. Calls go on, and nobody hears of them."""
        for session in self._sessions:
            session.writer.transport.abort()

    async def restart(self) -> None:
        """Stop, forget all calls and pauses, and start."""
        await self.stop()
        self.queue.restart()
        await self.start()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def send_raw(self, data: bytes) -> None:
        """Send anything to everybody who is logged in."""
        for session in self._sessions:
            if session.is_in:
                session.write(data)

    def say(self, event: str, headers: Headers) -> None:
        """Send one event to everybody who is logged in, at once."""
        stamp = {"Timestamp": f"{time.time():.6f}"} if self.timestamps else {}
        for session in self._sessions:
            if session.is_in:
                session.send({"Event": event, "Privilege": "agent,all"} | stamp | headers)

    def count(self, action: str) -> int:
        """Return how often an action was asked for."""
        return sum(name == action for name, _ in self.actions)

    # ------------------------------------------------------------------ inside

    def _tell(self, event: str, headers: Headers) -> None:
        if not self._sessions:
            return
        loop = asyncio.get_running_loop()
        self.mischief.send(
            (event, headers),
            now=lambda said: self.say(*said),
            later=lambda wait_s, said: loop.call_later(wait_s, self.say, *said),
        )

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections_count += 1
        task = asyncio.current_task()
        assert task is not None
        session = _Session(self, reader, writer, task, cuts=self._chance if self._cuts else None)
        self._sessions.add(session)
        try:
            await session.run()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._sessions.discard(session)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


class _Session:
    """One connection."""

    def __init__(
        self,
        double: AmiDouble,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        task: asyncio.Task[None],
        *,
        cuts: random.Random | None,
    ) -> None:
        self.writer: Final = writer
        self.task: Final = task
        self.is_in = False
        self._double: Final = double
        self._reader: Final = reader
        self._cuts: Final = cuts
        self._challenge: Final = str(random.Random(id(self)).randrange(10**9))

    def write(self, data: bytes) -> None:
        """Send bytes, perhaps in pieces."""
        if self._cuts is None:
            self.writer.write(data)
            return
        while data:
            size = self._cuts.randrange(1, 40)
            self.writer.write(data[:size])
            data = data[size:]

    def send(self, headers: Headers) -> None:
        """Send one message."""
        self.write((_EOL.join(f"{key}: {value}" for key, value in headers.items()) + _EOL * 2).encode())

    async def run(self) -> None:
        """Answer until the other side goes, or is thrown out."""
        if not self._double.is_mute:
            self.write(b"Asterisk Call Manager/11.0.0\r\n")
        while True:
            text = (await self._reader.readuntil(b"\r\n\r\n")).decode()
            pairs = (line.partition(": ") for line in text.strip().split(_EOL))
            asked = {key.lower(): value for key, _, value in pairs}
            shown = {key: value for key, value in asked.items() if key not in {"secret", "key", "actionid"}}
            self._double.actions.append((asked.get("action", ""), shown))
            if not self._double.is_mute and not self._answer(asked):
                await self.writer.drain()
                return

    def _answer(self, asked: Headers) -> bool:
        """Answer one action; say whether the connection stays."""
        name = asked.get("action", "")
        if name == "Challenge":
            self._done(asked, {"Challenge": self._challenge})
        elif name == "Login":
            return self._log_in(asked)
        elif not self.is_in or name in self._double.denied:
            self._refuse(asked, "Permission denied")
        else:
            answer = _ANSWERS.get(name)
            if answer is None:
                self._refuse(asked, _UNKNOWN.format(name=name))
            else:
                answer(self, asked)
        return True

    def _log_in(self, asked: Headers) -> bool:
        double = self._double
        key = hashlib.md5(f"{self._challenge}{double.secret}".encode(), usedforsecurity=False).hexdigest()
        knows = asked.get("key") == key if "key" in asked else asked.get("secret") == double.secret
        if asked.get("username") != double.username or not knows:
            double.refusals_count += 1
            self._refuse(asked, "Authentication failed")
            return False
        double.logins_count += 1
        self.is_in = True
        self._done(asked, {"Message": "Authentication accepted"})
        self.send({"Event": "FullyBooted", "Privilege": "system,all", "Status": "Fully Booted"})
        return True

    # ------------------------------------------------------------------ actions

    def ping(self, asked: Headers) -> None:
        self._done(asked, {"Ping": "Pong", "Timestamp": f"{time.time():.6f}"})

    def core_settings(self, asked: Headers) -> None:
        self._done(asked, {"AMIversion": "11.0.0", "AsteriskVersion": self._double.version})

    def queue_status(self, asked: Headers) -> None:
        self._list(asked, "QueueStatusComplete", self._double.queue.status(asked.get("queue", "")))

    def core_show_channels(self, asked: Headers) -> None:
        channels = self._double.queue.channels.values()
        self._list(
            asked,
            "CoreShowChannelsComplete",
            [("CoreShowChannel", channel.headers()) for channel in channels],
        )

    def queue_pause(self, asked: Headers) -> None:
        is_paused = asked.get("paused") == "true"
        interface, queue = asked.get("interface", ""), asked.get("queue", "")
        if not self._double.queue.has_member(interface, queue=queue):
            self._refuse(asked, "Interface not found")
            return
        self._done(asked, {"Message": f"Interface {'paused' if is_paused else 'unpaused'} successfully"})
        self._double.queue.pause(interface, queue=queue, is_paused=is_paused, reason=asked.get("reason", ""))

    def queue_withdraw(self, asked: Headers) -> None:
        problem = self._double.queue.withdraw(asked.get("queue", ""), asked.get("caller", ""))
        if problem is not None:
            self._refuse(asked, f"Unable to request withdraw from queue: {problem}")
            return
        self._done(asked, {"Message": "Withdraw requested successfully"})
        asyncio.get_running_loop().call_later(
            self._double.withdraw_takes_s, self._double.queue.take_out_withdrawn
        )

    def setvar(self, asked: Headers) -> None:
        uniqueid = self._channel(asked)
        if uniqueid is not None:
            variables = self._double.queue.channels[uniqueid].variables
            variables[asked.get("variable", "")] = asked.get("value", "")
            self._done(asked, {"Message": "Variable Set"})

    def redirect(self, asked: Headers) -> None:
        """Go to the dialplan, which has one line: `Queue(${CALLBACKQ_QUEUE})`."""
        uniqueid = self._channel(asked)
        if uniqueid is None:
            return
        self._done(asked, {"Message": "Redirect successful"})
        queue = self._double.queue
        arguments = queue.channels[uniqueid].variables.get("CALLBACKQ_QUEUE", "").split(",")
        index = 8 if int(self._double.version.partition(".")[0]) >= 21 else 9
        position = arguments[index] if len(arguments) > index else ""
        if queue.position(uniqueid) is None and arguments[0]:
            queue.join(arguments[0], uniqueid=uniqueid, position=int(position) if position else None)

    # ------------------------------------------------------------------ answers

    def _channel(self, asked: Headers) -> str | None:
        for uniqueid, channel in self._double.queue.channels.items():
            if channel.name == asked.get("channel"):
                return uniqueid
        self._refuse(asked, "No such channel")
        return None

    def _done(self, asked: Headers, said: Headers) -> None:
        self.send({"Response": "Success", **_id_of(asked), **said})

    def _refuse(self, asked: Headers, problem: str) -> None:
        self.send({"Response": "Error", **_id_of(asked), "Message": problem})

    def _list(self, asked: Headers, end: str, entries: list[tuple[str, Headers]]) -> None:
        self._done(asked, {"EventList": "start", "Message": "A list will follow"})
        for event, headers in entries:
            self.send({"Event": event, **headers, **_id_of(asked)})
        self.send({"Event": end, **_id_of(asked), "EventList": "Complete", "ListItems": str(len(entries))})


def _id_of(asked: Headers) -> Headers:
    return {"ActionID": asked["actionid"]} if "actionid" in asked else {}


_ANSWERS: Final = {
    "Ping": _Session.ping,
    "CoreSettings": _Session.core_settings,
    "QueueStatus": _Session.queue_status,
    "CoreShowChannels": _Session.core_show_channels,
    "QueuePause": _Session.queue_pause,
    "QueueWithdrawCaller": _Session.queue_withdraw,
    "Setvar": _Session.setvar,
    "Redirect": _Session.redirect,
}

"""
`AriDouble`: an Asterisk that is not there, behind a real web server on the loopback, with the REST interface (ARI).

Needs the extra `asterisk`. It is honest by default; see `AriDouble.mischief` and `AriDouble.trouble` for bad days.
"""

from __future__ import annotations

import asyncio
import enum
import inspect
import json
import re
import ssl
from base64 import b64decode
from types import TracebackType
from typing import Any, Final, Self

import attrs

from callbackq.testing.doubles.ari_world import AriChannel, AriPhone, AriWorld, HttpProblem, Json
from callbackq.testing.doubles.mischief import HONEST, Mischief, Rates

try:
    from aiohttp import WSMsgType, web
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        "the double of ARI needs aiohttp: pip install 'callbackq[asterisk]'", name=missing.name
    ) from missing

__all__ = ["AriChannel", "AriDouble", "AriPhone", "AriWorld", "Trouble"]


class Trouble(enum.Enum):
    """What goes wrong with one request."""

    LOST_BEFORE = "lost_before"
    """The connection breaks, and nothing was done."""
    LOST_AFTER = "lost_after"
    """It was done, and the connection breaks before the reply."""
    SILENT = "silent"
    """No reply comes, and nothing is done."""
    UNAVAILABLE = "unavailable"
    """Status 503."""
    GATEWAY_TIMEOUT = "gateway_timeout"
    """Status 504, by something in between."""
    FAILS = "fails"
    """Status 500."""


_STATUS: Final = {Trouble.UNAVAILABLE: 503, Trouble.GATEWAY_TIMEOUT: 504, Trouble.FAILS: 500}


@attrs.define(kw_only=True)
class _Expected:
    method: str
    path: re.Pattern[str]
    trouble: Trouble
    left: int


class AriDouble:
    """
    A web server on 127.0.0.1 that is an Asterisk to whoever asks. An async context manager, in the running loop.

    Args:
        username, password: who may log in. reader: whose password is *password* too, and who may only read.
        seed, rates: what happens to its events; see `callbackq.testing.doubles.mischief`.
        tls: its certificate; without, it speaks plainly.

    Attributes:
        world: its channels and bridges, and the phones at the far end, which a test steers.
        mischief: what happens to events. May be changed at any time.
        requests: the method and path of each request that came, in order.
        early_events: events of a new channel are sent before the reply to its request.
        unknown_app_times: so often a new application is not known yet, when it is asked for.
        logins_refused_count: how often a login was refused.
        sockets_count: how often a websocket was opened; a hot loop is seen here.
        filters: the events that each application did not want.

    >>> async def first_event():
    ...     async with AriDouble() as asterisk:
    ...         return asterisk.url.endswith("/ari")
    >>> asyncio.run(first_event())
    True
    """

    def __init__(
        self,
        *,
        username: str = "callbackq",
        password: str = "not a secret",
        reader: str = "reader",
        seed: int = 0,
        rates: Rates = HONEST,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.username: Final = username
        self.password = password
        self.reader: Final = reader
        self.mischief = Mischief(seed, rates=rates)
        self.world: Final = AriWorld(self._emit, self._listens)
        self.requests: list[tuple[str, str]] = []
        self.early_events = False
        self.unknown_app_times = 0
        self.logins_refused_count = 0
        self.sockets_count = 0
        self.filters: dict[str, frozenset[str]] = {}
        self._sockets: dict[str, web.WebSocketResponse] = {}
        self._replaced: list[web.WebSocketResponse] = []
        self._transports: dict[web.WebSocketResponse, asyncio.WriteTransport] = {}
        self._expected: list[_Expected] = []
        self._runner: web.AppRunner | None = None
        self._tls: Final = tls
        self._port = 0
        self._closed = False
        self._sending: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._sender: asyncio.Task[None] | None = None
        self._timers: set[asyncio.TimerHandle] = set()
        self._stopped = asyncio.Event()

    @property
    def url(self) -> str:
        """Return its address, without a user."""
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self._port}/ari"

    # ------------------------------------------------------------------ up and down

    async def start(self) -> None:
        """Listen: the first time on a port that is free, and after that on the same."""
        self._stopped = asyncio.Event()
        app = web.Application()
        app.router.add_route("*", "/ari/{path:.*}", self._request)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True, ssl_context=self._tls)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self._sender = asyncio.get_running_loop().create_task(self._send_all())

    async def stop(self) -> None:
        """Stop: all calls are gone, all connections break, and nobody is told."""
        self.world.vanish()
        self._stopped.set()
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self.lose_websockets()
        sender, self._sender = self._sender, None
        if sender is not None:
            sender.cancel()
            await asyncio.wait({sender})
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def restart(self) -> None:
        """Be killed, and start again on the same port, without a call."""
        await self.stop()
        await self.start()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # ------------------------------------------------------------------ bad days

    def lose_websockets(self) -> None:
        """Every websocket breaks, in the middle."""
        sockets = [*self._sockets.values(), *self._replaced]
        self._sockets.clear()
        self._replaced.clear()
        for socket in sockets:
            transport = self._transports.pop(socket, None)
            if transport is not None:
                transport.abort()

    def close_door(self) -> None:
        """Every websocket breaks, and none is opened any more; requests are refused too. Calls go on."""
        self._closed = True
        self.lose_websockets()

    def open_door(self) -> None:
        """Let them in again."""
        self._closed = False

    def trouble(self, method: str, path: str, trouble: Trouble, *, times: int = 1) -> None:
        """Let the next requests to such a path (a regular expression, after `/ari`) go wrong."""
        self._expected.append(_Expected(method=method, path=re.compile(path), trouble=trouble, left=times))

    def send_raw(self, app: str, text: str) -> None:
        """Send something to an application that need be no event."""
        self._sending.put_nowait((app, text))

    # ------------------------------------------------------------------ phones, in short

    def answer(self, channel: str) -> None:
        """The phone is picked up."""
        self.world.answer(channel)

    def end(self, channel: str, *, cause: int = 16, sip: int | None = None) -> None:
        """The far end hangs up, declines, or is busy: for this cause."""
        self.world.end(channel, cause=cause, sip=sip)

    def press(self, channel: str, keys: str) -> None:
        """Somebody presses keys."""
        self.world.press(channel, keys)

    # ------------------------------------------------------------------ events

    def _listens(self, app: str) -> bool:
        return app in self._sockets

    def _emit(self, app: str, event: Json) -> None:
        """Send an event on, once or twice, now or later."""
        if event["type"] in self.filters.get(app, ()):
            return
        self.mischief.send(
            json.dumps(event),
            now=lambda text: self._sending.put_nowait((app, text)),
            later=lambda seconds, text: self._send_later(seconds, app, text),
        )

    def _send_later(self, seconds: float, app: str, text: str) -> None:
        def fire() -> None:
            self._timers.discard(timer)
            self._sending.put_nowait((app, text))

        timer = asyncio.get_running_loop().call_later(seconds, fire)
        self._timers.add(timer)

    async def _send_all(self) -> None:
        while True:
            app, text = await self._sending.get()
            socket = self._sockets.get(app)
            if socket is not None and not socket.closed:
                try:
                    await socket.send_str(text)
                except (ConnectionError, RuntimeError):
                    self._sockets.pop(app, None)

    # ------------------------------------------------------------------ requests

    async def _request(self, request: web.Request) -> web.StreamResponse:
        path = "/" + request.match_info["path"]
        self.requests.append((request.method, path))
        expected = self._next_trouble(request.method, path)
        if self._closed:
            return self._broken(request)
        if expected in _STATUS:
            return web.json_response({"message": "trouble"}, status=_STATUS[expected])
        if expected is Trouble.LOST_BEFORE:
            return self._broken(request)
        if expected is Trouble.SILENT:
            await self._stopped.wait()
        try:
            self._check_login(request)
            response = await self._routed(request, path)
        except HttpProblem as problem:
            response = web.json_response(problem.body, status=problem.status)
        return self._broken(request) if expected is Trouble.LOST_AFTER else response

    async def _routed(self, request: web.Request, path: str) -> web.StreamResponse:
        if path == "/events":
            return await self._events(request)
        body: Json = dict(request.query)
        if request.can_read_body:
            body |= await request.json()
        parts = path.strip("/").split("/")
        done: object = self._do(request.method, parts, body)
        if inspect.isawaitable(done):
            done = await done
        return web.Response(status=204) if done is None else web.json_response(done)

    def _do(self, method: str, parts: list[str], body: Json) -> Any:
        """Find who does it, by the pattern of method and path."""
        match (method, *parts):
            case ("GET", "asterisk", "info"):
                return {"system": {"version": "22.10.1"}}
            case (_, "applications", app, *rest):
                return self._application(app, rest, body)
            case (_, "channels", *rest):
                return self._channels(method, rest, body)
            case (_, "bridges", *rest):
                return self._bridges(method, rest, body)
            case ("DELETE", "playbacks", playback):
                return self.world.stop(playback)
            case ("POST", "recordings", "live", _, "stop"):
                return None
            case _:
                raise HttpProblem(404, "Resource not found")

    def _application(self, app: str, rest: list[str], body: Json) -> Json:
        if app not in self._sockets or self.unknown_app_times:
            self.unknown_app_times -= app in self._sockets
            raise HttpProblem(404, "Application not found")
        if rest == ["eventFilter"]:
            self.filters[app] = frozenset(one["type"] for one in body.get("disallowed", ()))
        if rest == ["subscription"]:
            channel = self.world.channels.get(str(body.get("eventSource", "")).removeprefix("channel:"))
            if channel is None:
                raise HttpProblem(422, "Event source does not exist")
            channel.app = app
        return {"name": app, "channel_ids": [], "bridge_ids": []}

    def _channels(self, method: str, rest: list[str], body: Json) -> Any:
        world = self.world
        match (method, *rest):
            case ("GET",):
                return [channel.json() for channel in world.channels.values()]
            case ("POST",):
                return self._originate(body)
            case ("DELETE", channel):
                return world.delete(channel, reason=str(body.get("reason", "normal")))
            case ("POST", channel, "continue"):
                return world.go_on(channel, body)
            case ("POST", channel, "play", playback):
                language = body.get("lang")
                return world.play(channel, playback, media=str(body["media"]), language=language)
            case ("POST", channel, "dtmf"):
                return world.press_at_far_end(channel, str(body["dtmf"]))
            case ("POST" | "DELETE", channel, "moh"):
                return world.music(channel, on=method == "POST")
            case _:
                raise HttpProblem(404, "Resource not found")

    def _originate(self, body: Json) -> Any:
        made = self.world.originate(body)
        if not self.early_events:
            return made

        async def after_its_events() -> Json:
            await asyncio.sleep(0.02)
            return made

        return after_its_events()

    def _bridges(self, method: str, rest: list[str], body: Json) -> Any:
        world = self.world
        match (method, *rest):
            case ("GET",):
                return [world.bridge_json(bridge) for bridge in world.bridges]
            case ("POST", bridge):
                return world.make_bridge(bridge)
            case ("DELETE", bridge):
                return world.delete_bridge(bridge)
            case ("POST", bridge, "addChannel"):
                return self._join(bridge, str(body["channel"]))
            case ("POST", bridge, "record"):
                world.record(bridge, str(body["name"]))
                return {"name": body["name"], "state": "queued"}
            case _:
                raise HttpProblem(404, "Resource not found")

    async def _join(self, bridge: str, channel: str) -> None:
        silent = self.world.to_be_silent(bridge, channel)
        if silent is not None:
            await silent
        self.world.join(bridge, channel)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        app = request.query.get("app", "")
        if not app:
            raise HttpProblem(400, "Missing parameter 'app'")
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        self.sockets_count += 1
        if request.transport is not None:
            self._transports[socket] = request.transport
        before = self._sockets.get(app)
        self._sockets[app] = socket
        if before is not None:
            self._replaced.append(before)
            await before.send_str(json.dumps({"type": "ApplicationReplaced", "application": app}))
        async for message in socket:
            if message.type is WSMsgType.ERROR:
                break
        if self._sockets.get(app) is socket:
            del self._sockets[app]
        self._transports.pop(socket, None)
        return socket

    # ------------------------------------------------------------------ inside

    def _check_login(self, request: web.Request) -> None:
        scheme, _, coded = request.headers.get("Authorization", "").partition(" ")
        try:
            user, _, password = b64decode(coded).decode().partition(":")
        except ValueError:
            user = password = ""
        if scheme != "Basic" or password != self.password or user not in (self.username, self.reader):
            self.logins_refused_count += 1
            raise HttpProblem(401, "Authentication required")
        if user == self.reader and request.method != "GET":
            raise HttpProblem(403, "Write access denied")

    def _next_trouble(self, method: str, path: str) -> Trouble | None:
        for expected in self._expected:
            if expected.left and expected.method == method and expected.path.fullmatch(path):
                expected.left -= 1
                return expected.trouble
        return None

    def _broken(self, request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

"""
The client of ARI: requests that are bounded in time and in number at once, and the events of one websocket.

It knows no leg, and tries nothing again. The password goes into a header, never into an address.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from base64 import b64encode
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, cast
from urllib.parse import quote, urlencode

import attrs

from callbackq.adapters.asterisk.ari_settings import AriSettings
from callbackq.adapters.connection import LoginRefused
from callbackq.errors import AdapterError, TelephonyDown

try:
    import aiohttp
    from yarl import URL
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        "ARI needs aiohttp: pip install 'callbackq[asterisk]'", name=missing.name
    ) from missing

_EVENT_MAX: Final = 4 * 1024 * 1024
_REPLY_MAX: Final = 64 * 1024 * 1024
"""In bytes: an account of some fifty thousand channels."""
_SAID_MAX: Final = 200
_DIGITS: Final = re.compile(r"\d{5,}")
_CLOSING_S: Final = 1.0
_KEPT_OPEN_S: Final = 5.0
"""Asterisk closes an idle connection after 15 s by default: a request must not meet that."""


class NoReply(AdapterError):
    """A request was sent, and no reply came. Nobody knows whether it was done."""


@attrs.frozen
class Reply:
    """The reply to one request: its status, what it says went wrong, and its data."""

    status: int
    data: Any = attrs.field(default=None, repr=False)

    @property
    def is_good(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300

    @property
    def problem(self) -> str:
        """Return the status and Asterisk's words for it, short and without what could be a number."""
        data = cast("Mapping[str, object]", self.data if isinstance(self.data, Mapping) else {})
        said = data.get("message") or data.get("error")
        return f"{self.status} {_shown(said)}" if isinstance(said, str) else str(self.status)


class AriClient:
    """
    Requests and events of one ARI. Belongs to the loop in which it is opened.

    Args:
        settings: where, and as whom.
        reply_size_max: a reply of more bytes is given up.
    """

    def __init__(self, settings: AriSettings, *, reply_size_max: int = _REPLY_MAX) -> None:
        self._settings: Final = settings
        self._reply_size_max: Final = reply_size_max
        self._slots: Final = asyncio.Semaphore(settings.connections_max)
        self._session: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._dropping: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Make ready. Connects nowhere."""
        if self._session is not None:
            return
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._settings.connections_max + 1,  # The websocket has one of them for itself.
                keepalive_timeout=_KEPT_OPEN_S,
                ssl=self._settings.tls or True,
            ),
            headers={"Authorization": self._login()},
            timeout=aiohttp.ClientTimeout(total=self._settings.request_time_max.total_seconds()),
            raise_for_status=False,
        )

    async def close(self) -> None:
        """Close every connection."""
        session, self._session = self._session, None
        if self._dropping is not None:
            await asyncio.wait({self._dropping})
        if session is not None:
            await session.close()
            await asyncio.sleep(0)  # Transports that are closing are closed.

    async def request(
        self,
        method: str,
        *path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> Reply:
        """
        Make one request, and return its reply, whatever its status.

        Raises:
            LoginRefused: status 401.
            TelephonyDown: it was certainly not sent.
            NoReply: it was sent, and what became of it is not known.
        """
        url = self._url(*path, query=query)
        async with self._slot():
            reply = await self._exchange(method, url, body)
        if reply.status == 401:
            raise self._login_refused()
        if reply.status == 503:
            self._drop()
        return reply

    @asynccontextmanager
    async def events(self) -> AsyncGenerator[AsyncIterator[object]]:
        """
        Open the websocket, to which Asterisk gives the events of our application as long as it is open.

        Raises:
            LoginRefused: the user or the password is wrong.
            TelephonyDown: it cannot be opened for another reason.
        """
        url = self._url("events", query={"app": self._settings.app, "subscribeAll": "false"})
        heartbeat_s = self._settings.heartbeat.total_seconds()
        try:
            async with asyncio.timeout(self._settings.request_time_max.total_seconds()):
                socket = await self._opened().ws_connect(url, heartbeat=heartbeat_s, max_msg_size=_EVENT_MAX)
        except aiohttp.WSServerHandshakeError as error:
            raise self._no_websocket(error.status) from None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise TelephonyDown(self._unreachable(error)) from None
        self._socket = socket
        try:
            yield _read(socket)
        finally:
            self._socket = None
            await _close(socket)

    # ------------------------------------------------------------------ inside

    def _drop(self) -> None:
        """Close the websocket: an Asterisk that goes down keeps it open for a while, and says nothing more on it."""
        socket, self._socket = self._socket, None
        if socket is not None:
            self._dropping = asyncio.get_running_loop().create_task(_close(socket))

    def _login(self) -> str:
        words = f"{self._settings.username}:{self._settings.password}"
        return "Basic " + b64encode(words.encode()).decode("ascii")

    def _url(self, *path: str, query: Mapping[str, str] | None = None) -> URL:
        address = "/".join((self._settings.url, *(quote(part, safe="") for part in path)))
        return URL(f"{address}?{urlencode(query)}" if query else address, encoded=True)

    @asynccontextmanager
    async def _slot(self) -> AsyncGenerator[None]:
        """Wait for a place among the requests at once, but no longer than a request may take."""
        limit_s = self._settings.request_time_max.total_seconds()
        try:
            await asyncio.wait_for(self._slots.acquire(), limit_s)
        except TimeoutError:
            raise TelephonyDown(
                "too many requests to Asterisk wait for a reply; this one was not sent"
            ) from None
        try:
            yield
        finally:
            self._slots.release()

    async def _exchange(self, method: str, url: URL, body: Mapping[str, object] | None) -> Reply:
        session = self._opened()
        try:
            async with session.request(method, url, json=body, allow_redirects=False) as response:
                return Reply(response.status, _data_of(await self._body_of(response)))
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL, ssl.SSLError) as error:
            raise TelephonyDown(self._unreachable(error)) from None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            name = type(error).__name__
            raise NoReply(f"Asterisk did not reply ({name}); it may have done it") from None

    async def _body_of(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for part in response.content.iter_any():
            body += part
            if len(body) > self._reply_size_max:
                response.close()
                raise NoReply("a reply of Asterisk was longer than it can be; it may have done it")
        return bytes(body)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise TelephonyDown("the adapter is not open")
        return self._session

    def _login_refused(self) -> LoginRefused:
        return LoginRefused(
            f"Asterisk refused the user {self._settings.username!r}: unknown in ari.conf, or another password"
        )

    def _no_websocket(self, status: int) -> TelephonyDown:
        if status == 401:
            return self._login_refused()
        if status == 404:
            return TelephonyDown(
                "there is a web server, and no ARI: Asterisk starts, or see enabled in ari.conf and prefix in http.conf"
            )
        return TelephonyDown(f"the websocket of ARI was refused with status {status}")

    def _unreachable(self, error: BaseException) -> str:
        """Say why there is no connection, without an address of somebody's or a secret."""
        if isinstance(error, aiohttp.ClientConnectorCertificateError | ssl.SSLCertVerificationError):
            return "the certificate of Asterisk cannot be trusted: give its authority as AriSettings.tls"
        reason = error.os_error.strerror if isinstance(error, aiohttp.ClientConnectorError) else None
        return f"Asterisk cannot be reached: {reason or type(error).__name__}"


async def _close(socket: aiohttp.ClientWebSocketResponse) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_CLOSING_S):
            await socket.close()


async def _read(socket: aiohttp.ClientWebSocketResponse) -> AsyncIterator[object]:
    """Give the events, until the websocket is over. What is no JSON is left out."""
    async for message in socket:
        if message.type is aiohttp.WSMsgType.TEXT:
            event = _data_of(message.data)
            if event is not None:
                yield event


def _data_of(body: bytes | str) -> Any:
    if not body:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _shown(text: str) -> str:
    return _DIGITS.sub("…", "".join(sign for sign in text[:_SAID_MAX] if sign.isprintable()))

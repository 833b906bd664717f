"""
Webhooks by HTTP/1.1, one connection for each, with what Python brings.

The rules, so that an address which somebody else has given leads nowhere else: no redirect is followed and no proxy
used; names are looked up once, and the address that was checked is the one that is called; what is not public is
refused. The whole request is bounded in time, and the answer in size.
"""

from __future__ import annotations

import io
import socket
import ssl
import time
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Final, TypeAlias, cast
from urllib.parse import SplitResult, urlsplit

from callbackq.adapters.webhooks.addresses import is_public
from callbackq.model import WebhookAnswer, WebhookOrder
from callbackq.release import __version__

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_ANSWER_MAX: Final = 64 * 1024
"""So many bytes of an answer are read at most: its head must be in them."""
_PORTS: Final = {"https": 443, "http": 80}

_Address: TypeAlias = tuple[socket.AddressFamily, tuple[str, int]]


class AddressRefused(OSError):
    """The address of an endpoint is one that must not be called from here. Nothing was sent."""


class _BoundedAnswer(io.RawIOBase):
    """What comes from a socket until a moment, and no more than so much of it."""

    def __init__(self, connection: socket.socket, left_s: Callable[[], float]) -> None:
        self._connection: Final = connection
        self._left_s: Final = left_s
        self._bytes_left = _ANSWER_MAX

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)[: self._bytes_left]
        if not view:
            raise HTTPException("the answer is too long")
        self._connection.settimeout(self._left_s())
        count = self._connection.recv_into(view)
        self._bytes_left -= count
        return count

    def makefile(self, *_mode: str) -> io.BufferedReader:
        """Return itself, buffered: what `HTTPResponse` asks a socket for."""
        return io.BufferedReader(self)


class HttpSender:
    """
    A `ports.WebhookSender` by HTTP. From any thread.

    Args:
        allow_http: whether `http://` may be called: what is sent can be read on the way then.
        allow_private: whether addresses that are not public may be: in your own network, and on this machine.
        tls: how the endpoint's certificate is checked; as the system does it, unless given.

    The name is looked up by the system, which takes as long as it takes: that alone is not bounded by `time_max`.
    """

    def __init__(
        self, *, allow_http: bool = False, allow_private: bool = False, tls: ssl.SSLContext | None = None
    ) -> None:
        self._allow_http: Final = allow_http
        self._allow_private: Final = allow_private
        self._tls: Final = tls if tls is not None else ssl.create_default_context()

    def send(self, order: WebhookOrder) -> WebhookAnswer:
        """
        Make one request, and return its answer.

        Raises:
            AddressRefused: the address may not be called from here.
            OSError: no connection, no certificate that can be trusted, or no answer in time.
            http.client.HTTPException: what came is no answer of HTTP.
        """
        parts = urlsplit(order.url)
        if parts.scheme != "https" and not self._allow_http:
            raise AddressRefused("the address is not https://")
        addresses = self._addresses(parts)
        end_s = time.monotonic() + order.time_max.total_seconds()

        def left_s() -> float:
            left = end_s - time.monotonic()
            if left <= 0:
                raise TimeoutError("the time of the request is over")
            return left

        connection = self._connected(addresses, left_s)
        try:
            if parts.scheme == "https":
                connection.settimeout(left_s())
                connection = self._tls.wrap_socket(connection, server_hostname=parts.hostname)
            connection.settimeout(left_s())
            connection.sendall(_request(order, parts))
            return _answer(_BoundedAnswer(connection, left_s))
        finally:
            connection.close()

    def _addresses(self, parts: SplitResult) -> list[_Address]:
        """Look up where to call. All that the name stands for must be allowed. Raises: AddressRefused, OSError."""
        assert parts.hostname is not None
        port = parts.port if parts.port is not None else _PORTS[parts.scheme]
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        addresses: list[_Address] = [
            (family, cast("tuple[str, int]", address)) for family, _, _, _, address in found
        ]
        if not self._allow_private and not all(is_public(address[0]) for _, address in addresses):
            raise AddressRefused("the name leads to an address that is not public")
        return addresses

    def _connected(self, addresses: list[_Address], left_s: Callable[[], float]) -> socket.socket:
        """Connect to the first address that answers."""
        failure: OSError = OSError("the name leads to no address")
        for family, address in addresses:
            connection = socket.socket(family, socket.SOCK_STREAM)
            try:
                connection.settimeout(left_s())
                connection.connect(address)
            except OSError as error:
                connection.close()
                failure = error
            else:
                return connection
        raise failure


def _request(order: WebhookOrder, parts: SplitResult) -> bytes:
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    if parts.port is not None and parts.port != _PORTS[parts.scheme]:
        shown = f"{shown}:{parts.port}"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {
        "host": shown,
        "user-agent": f"callbackq/{__version__}",
        "accept": "*/*",
        "connection": "close",
        **order.headers,
        "content-length": str(len(order.body)),
    }
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header cannot hold the end of a line")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + order.body


def _answer(bounded: _BoundedAnswer) -> WebhookAnswer:
    response = HTTPResponse(cast("socket.socket", bounded), method="POST")
    response.begin()
    return WebhookAnswer(status=response.status, retry_after=response.getheader("Retry-After"))

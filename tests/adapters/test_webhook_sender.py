"""The sender of webhooks by HTTP: the contract, and that an address leads nowhere that it must not."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import timedelta
from http.client import HTTPException

import attrs
import pytest

from callbackq.adapters.webhooks import AddressRefused, HttpSender, is_public
from callbackq.model import WebhookOrder
from callbackq.ports import WebhookSender
from callbackq.testing.webhook_contract import WebhookFarEnd, WebhookSenderContract


class TestHttpSender(WebhookSenderContract):
    """What every sender must do."""

    def open_sender(self) -> WebhookSender:
        return HttpSender(allow_http=True, allow_private=True)

    def test_who_may_not_be_called_is_not(self, end: WebhookFarEnd) -> None:
        """Neither without a certificate, nor in the own network, unless it is allowed."""
        for sender, word in (
            (HttpSender(allow_private=True), "https"),
            (HttpSender(allow_http=True), "not public"),
        ):
            with pytest.raises(AddressRefused, match=word):
                sender.send(self.order(end.url))
        assert end.received == []

    def test_a_header_cannot_bring_another_one(self, end: WebhookFarEnd) -> None:
        """The end of a line in it is refused."""
        order = attrs.evolve(self.order(end.url), headers={"webhook-id": "ev_1\r\nhost: elsewhere"})
        with pytest.raises(ValueError, match="end of a line"):
            self.open_sender().send(order)

    def test_no_proxy_is_used(self, end: WebhookFarEnd, monkeypatch: pytest.MonkeyPatch) -> None:
        """One from the environment would call what was not checked."""
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        assert self.open_sender().send(self.order(end.url)).status == 204

    def test_the_name_is_looked_up_once_and_all_it_stands_for_is_checked(
        self, end: WebhookFarEnd, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A name that has a public address beside an inner one, or another one the second time, gets nowhere."""
        asked: list[str] = []

        def look_up(host: str, port: int, **_: object) -> list[object]:
            asked.append(host)
            inner = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
            outer = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", port))
            return [outer, inner]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        with pytest.raises(AddressRefused, match="not public"):
            HttpSender(allow_http=True).send(self.order("http://rebound.example.com/"))
        assert asked == ["rebound.example.com"]


@contextmanager
def answering(*parts: bytes, wrap: ssl.SSLContext | None = None) -> Generator[int]:
    """A server that answers one request with these bytes, and then nothing more until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            with suppress(ConnectionError):  # Who has read enough does not wait for the rest.
                for part in parts:
                    connection.sendall(part)
            over.wait(30)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        thread.join(30)
        listener.close()


def order_to(port: int, *, scheme: str = "http", ms: int = 20_000) -> WebhookOrder:
    return WebhookOrder(
        endpoint="crm",
        webhook_id="ev_1",
        url=f"{scheme}://127.0.0.1:{port}/",
        headers={},
        body=b"{}",
        time_max=timedelta(milliseconds=ms),
    )


SENDER = HttpSender(allow_http=True, allow_private=True)


def test_an_endless_body_is_not_read() -> None:
    """The head of the answer says all."""
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\nxxxx") as port:
        assert SENDER.send(order_to(port)).status == 200


def test_an_endless_head_is_refused() -> None:
    """So much is read and no more."""
    lines = (b"x-%d: " % number + b"y" * 1000 + b"\r\n" for number in range(90))
    with (
        answering(b"HTTP/1.1 200 OK\r\n", *lines) as port,
        pytest.raises(HTTPException, match="the answer is too long"),
    ):
        SENDER.send(order_to(port))


def test_a_drop_at_a_time_does_not_make_more_time() -> None:
    """The whole request is bounded, and not each wait."""
    with answering(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n") as port, pytest.raises(TimeoutError):
        SENDER.send(order_to(port, ms=200))


def test_what_is_no_http_is_an_error() -> None:
    """It says nothing of a delivery."""
    with answering(b"220 mail.example.com ESMTP\r\n") as port, pytest.raises(HTTPException):
        SENDER.send(order_to(port))


def test_who_cannot_prove_who_they_are_get_nothing() -> None:
    """A server without a certificate that is trusted."""
    with answering(b"no TLS here") as port, pytest.raises(ssl.SSLError):
        HttpSender(allow_private=True).send(order_to(port, scheme="https"))


PRIVATE = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.1",
    "192.0.0.8",
    "192.88.99.1",
    "3fff::1",
    "fec0::1",
    "feff::1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "ff02::1",
    "2001:db8::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_of_somebodys_inside_is_not_public(address: str) -> None:
    """Whatever it is written as."""
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"]
)
def test_an_address_of_the_network_is_public(address: str) -> None:
    """By IPv4, IPv6, and by a translator."""
    assert is_public(address)

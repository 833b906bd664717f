"""What every sender of webhooks must do, as tests. Needs the extra `testing`."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import attrs
import pytest

from callbackq.model import WebhookOrder
from callbackq.ports import WebhookSender

_BODY: Final = json.dumps({"text": "é ↯"}).encode("utf-8")


@attrs.define
class WebhookFarEnd:
    """
    A server of HTTP on this machine that answers as it is told.

    Attributes:
        url: where it is.
        received: the path, the headers (names in small letters) and the body of each request.
        status: what it answers, with these headers.
        may_answer: while it is not set, nothing is answered.
    """

    url: str = ""
    received: list[tuple[str, dict[str, str], bytes]] = attrs.field(factory=list)
    status: int = 204
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    may_answer: threading.Event = attrs.field(factory=threading.Event)
    _server: ThreadingHTTPServer | None = None
    _thread: threading.Thread | None = None

    def open(self) -> None:
        """Begin to listen."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.may_answer.set()

    def close(self) -> None:
        """End it."""
        assert self._server is not None
        assert self._thread is not None
        self.may_answer.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(end: WebhookFarEnd) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            end.received.append((self.path, headers, body))
            end.may_answer.wait(30)
            self.send_response(end.status)
            for name, value in end.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    return Handler


class WebhookSenderContract:
    """The specification of `callbackq.ports.WebhookSender`: subclass, and say how one is made."""

    def open_sender(self) -> WebhookSender:
        """Return a sender that may call `http://` on this machine. The subclass says how."""
        raise NotImplementedError

    @pytest.fixture
    def end(self) -> Iterator[WebhookFarEnd]:
        """Give one test a server."""
        end = WebhookFarEnd()
        end.open()
        yield end
        end.close()

    def order(self, url: str, *, time_max: timedelta = timedelta(seconds=20)) -> WebhookOrder:
        """Return a request to an address."""
        headers = {"content-type": "application/json", "webhook-id": "ev_1", "webhook-signature": "v1,a v1,b"}
        return WebhookOrder(
            endpoint="crm", webhook_id="ev_1", url=url, headers=headers, body=_BODY, time_max=time_max
        )

    def test_the_body_and_the_headers_arrive_as_they_are(self, end: WebhookFarEnd) -> None:
        """By POST, to the path with its query; each byte of the body, for it is signed."""
        order = self.order(f"{end.url}/hooks/crm?key=a%20b")
        assert self.open_sender().send(order).status == 204
        ((path, headers, body),) = end.received
        assert (path, body) == ("/hooks/crm?key=a%20b", _BODY)
        assert order.headers.items() <= headers.items()

    @pytest.mark.parametrize("status", [200, 302, 404, 410, 500])
    def test_every_answer_is_returned_and_no_redirect_followed(self, end: WebhookFarEnd, status: int) -> None:
        """What it means is not the sender's affair."""
        end.status, end.headers = status, {"Location": f"{end.url}/elsewhere"}
        assert self.open_sender().send(self.order(f"{end.url}/hook")).status == status
        assert [path for path, _, _ in end.received] == ["/hook"]

    def test_the_rest_that_an_endpoint_asks_for_is_told(self, end: WebhookFarEnd) -> None:
        """As it came; None if it asks for none."""
        sender = self.open_sender()
        assert sender.send(self.order(end.url)).retry_after is None
        end.status, end.headers = 503, {"Retry-After": "120"}
        assert sender.send(self.order(end.url)).retry_after == "120"

    def test_who_does_not_answer_in_time_is_an_error(self, end: WebhookFarEnd) -> None:
        """It may have arrived: nobody knows."""
        end.may_answer.clear()
        with pytest.raises(OSError, match=r"."):
            self.open_sender().send(self.order(end.url, time_max=timedelta(milliseconds=100)))

    def test_where_nobody_listens_is_an_error(self, end: WebhookFarEnd) -> None:
        """Nothing was sent."""
        end.close()
        try:
            with pytest.raises(OSError, match=r"."):
                self.open_sender().send(self.order(end.url))
        finally:
            end.open()

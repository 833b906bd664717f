"""The REST server of a `TwilioDouble`."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, cast
from urllib.parse import parse_qs, urlsplit

import attrs


@attrs.frozen
class Answer:
    """A status, and what is said as JSON."""

    status: int
    body: Mapping[str, Any]


Answering = Callable[[str, str, Mapping[str, str], str | None], Answer | None]


class RestServer:
    """Serves on a port of this machine, which stays the same when it is stopped and started again."""

    def __init__(self, answer: Answering) -> None:
        self._answer: Final = answer
        self._port = 0
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Take connections."""
        if self._server is None:
            self._server = _Server(("127.0.0.1", self._port), self._answer)
            self._port = self._server.server_address[1]
            self._thread = threading.Thread(
                target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Finish what is being answered, close every connection, and take none."""
        server, self._server = self._server, None
        if server is not None and self._thread is not None:
            server.shutdown()
            server.server_close()
            server.drop_all()
            self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], answer: Answering) -> None:
        self.answer: Final = answer
        self._open: Final[set[socket.socket]] = set()
        self._lock: Final = threading.Condition()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._lock:
            self._open.discard(request)
            self._lock.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news."""

    def drop_all(self) -> None:
        with self._lock:
            left = tuple(self._open)
        for request in left:
            try:
                request.shutdown(socket.SHUT_RD)
            except OSError:
                continue
        with self._lock:
            self._lock.wait_for(lambda: not self._open, timeout=5.0)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._do("GET")

    def do_POST(self) -> None:
        self._do("POST")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing."""

    def _do(self, method: str) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        asked = self.rfile.read(length)
        if len(asked) < length:  # Cut off when the server was stopped: it never heard of it.
            self.close_connection = True
            return
        parsed = parse_qs(asked.decode(), keep_blank_values=True)
        fields = {name: " ".join(values) for name, values in parsed.items()}
        answer = cast("_Server", self.server).answer(method, urlsplit(self.path).path, fields, self._login())
        if answer is None:
            self.close_connection = True
            return
        body = json.dumps(answer.body).encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if answer.status == 429:
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(body)

    def _login(self) -> str | None:
        scheme, _, value = (self.headers.get("Authorization") or "").partition(" ")
        return base64.b64decode(value).decode() if scheme == "Basic" else None

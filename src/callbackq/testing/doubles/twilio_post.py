"""What a `TwilioDouble` sends to the web app: signed as Twilio signs, over HTTP or straight into a WSGI app."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

import attrs

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
_TIMEOUT_S: Final = 10.0
_FORM: Final = "application/x-www-form-urlencoded"
NO_ANSWER: Final = 0
"""The status of a request that nobody took."""


@attrs.frozen(kw_only=True)
class Posted:
    """A request that was sent, and its answer."""

    url: str
    fields: Mapping[str, str] = attrs.field(repr=False)
    token: str
    status: int
    body: bytes = attrs.field(repr=False)


class Poster:
    """
    Sends requests. Safe in threads.

    Args:
        auth_token: with what they are signed.
    """

    def __init__(self, auth_token: str) -> None:
        self._auth_token: Final = auth_token
        self.app: WsgiApp | None = None
        self.posted: Final[list[Posted]] = []
        self.requests_count = 0

    def sign(self, url: str, fields: Mapping[str, str]) -> str:
        """Return the signature of a request: HMAC-SHA1 over the URL and the sorted fields."""
        text = url + "".join(name + fields[name] for name in sorted(fields))
        digest = hmac.new(self._auth_token.encode(), text.encode(), hashlib.sha1).digest()
        return base64.b64encode(digest).decode()

    def post(self, url: str, fields: Mapping[str, str]) -> Posted:
        """Send one request; again, with the same token, where its URL asks for that."""
        plain, _, fragment = url.partition("#")
        overrides = parse_qs(fragment)
        tries_max = 1 + int(overrides.get("rc", ["0"])[0])
        policies = overrides.get("rp", ["ct"])[0].split(",")
        token = uuid4().hex
        while True:
            done = self._once(plain, fields, token)
            self.posted.append(done)
            tries_max -= 1
            failed = done.status == NO_ANSWER or (done.status >= 500 and "5xx" in policies)
            if tries_max <= 0 or not failed:
                return done

    def _once(self, url: str, fields: Mapping[str, str], token: str) -> Posted:
        headers = {
            "Content-Type": _FORM,
            "X-Twilio-Signature": self.sign(url, fields),
            "I-Twilio-Idempotency-Token": token,
            "User-Agent": "TwilioProxy/1.1",
        }
        body = urlencode(fields).encode()
        self.requests_count += 1
        send = self._into_app if self.app is not None else _over_http
        status, answer = send(url, body, headers)
        return Posted(url=url, fields=dict(fields), token=token, status=status, body=answer)

    def _into_app(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        assert self.app is not None
        found: list[str] = []

        def start(status: str, _headers: object, *_more: object) -> None:
            found.append(status)

        answer = b"".join(self.app(environ_of(url, body, headers), start))
        return int(found[0].split()[0]), answer


def environ_of(url: str, body: bytes, headers: Mapping[str, str], *, method: str = "POST") -> dict[str, Any]:
    """Return a request as a WSGI server would give it."""
    parts = urlsplit(url)
    named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    content_type = named.pop("HTTP_CONTENT_TYPE", _FORM)
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": parts.path,
        "QUERY_STRING": parts.query,
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **named,
    }


def _over_http(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
    request = urllib.request.Request(url, data=body, headers=dict(headers), method="POST")
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
    except OSError:
        return NO_ANSWER, b""

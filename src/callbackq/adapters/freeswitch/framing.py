"""
The event socket's way of writing: bytes in, messages out. Nothing here reads or writes a socket.

A message is lines of `Name: value`, an empty line, and, where `Content-Length` says so, a body. An event is such a body
again: in JSON, or as lines whose values are percent-encoded. What the other side says of sizes is not believed
beyond bounds, for a wrong size would fill the memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final, cast
from urllib.parse import unquote

import attrs

from callbackq.errors import TelephonyDown

HEAD_SIZE_MAX: Final = 64 * 1024
"""In bytes. FreeSWITCH's own heads are far below 1,000."""
BODY_SIZE_MAX: Final = 32 * 1024 * 1024
"""In bytes: an account of some twenty thousand channels."""
_HEAD_END: Final = b"\n\n"

EVENT_JSON: Final = "text/event-json"
EVENT_PLAIN: Final = "text/event-plain"


class NotUnderstood(TelephonyDown):
    """What came is not the event socket's protocol; the connection is of no use any more. Nothing was done."""


@attrs.frozen
class Message:
    """
    What the other side said: its head, by names in lower case, and its body.

    Neither is in the repr: numbers and names stand in both.
    """

    head: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(default=b"", repr=False)

    @property
    def kind(self) -> str:
        """`Content-Type`: `auth/request`, `command/reply`, `api/response`, `text/event-json`, and others."""
        return self.head.get("content-type", "")

    @property
    def reply(self) -> str:
        """`Reply-Text`, such as `+OK accepted`."""
        return self.head.get("reply-text", "")

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")


class Framing:
    r"""
    Cuts a stream into messages. Give it what came, in pieces of any size.

    Args:
        body_size_max: a body that claims to be larger is refused.

    >>> framing = Framing()
    >>> [message.kind for message in framing.feed(b"Content-Type: auth/request\n\nContent-")]
    ['auth/request']
    >>> [message.text for message in framing.feed(b"Type: api/response\nContent-Length: 3\n\n+OK")]
    ['+OK']
    """

    def __init__(self, *, body_size_max: int = BODY_SIZE_MAX) -> None:
        self._body_size_max: Final = body_size_max
        self._buffer = bytearray()
        self._head: Mapping[str, str] | None = None
        self._size = 0
        self._searched = 0

    def feed(self, data: bytes) -> Iterator[Message]:
        """
        Take bytes, and give each message that is whole.

        Raises:
            NotUnderstood: a size is no number or out of its bounds, or a head has no end. Give nothing more then.
        """
        self._buffer += data
        while (message := self._next()) is not None:
            yield message

    def _next(self) -> Message | None:
        if self._head is None and not self._read_head():
            return None
        if len(self._buffer) < self._size:
            return None
        head, body = self._head or {}, bytes(self._buffer[: self._size])
        del self._buffer[: self._size]
        self._head, self._size, self._searched = None, 0, 0
        return Message(head, body)

    def _read_head(self) -> bool:
        while self._buffer.startswith(b"\n"):  # Some replies end with one line more than they should.
            del self._buffer[:1]
        end = self._buffer.find(_HEAD_END, max(0, self._searched - 1))
        if end < 0:
            self._searched = len(self._buffer)
        if max(end, self._searched if end < 0 else 0) > HEAD_SIZE_MAX:
            raise NotUnderstood("a head of more than 64 KiB: this is not an event socket")
        if end < 0:
            return False
        self._head = _lines(self._buffer[:end].decode("utf-8", "replace"))
        del self._buffer[: end + len(_HEAD_END)]
        self._size = self._read_size(self._head.get("content-length"))
        return True

    def _read_size(self, said: str | None) -> int:
        if said is None:
            return 0
        if not (said.isascii() and said.isdigit() and len(said) <= 12):
            raise NotUnderstood("a size that is no number: this is not an event socket")
        if int(said) > self._body_size_max:
            raise NotUnderstood(f"a message of {int(said):,} bytes; allowed: {self._body_size_max:,}")
        return int(said)


@attrs.frozen
class Event:
    r"""
    One event: its headers as FreeSWITCH spells them, and its body. Neither is in the repr, but its name is.

    >>> event = read_event("text/event-plain", b"Event-Name: DTMF\nDTMF-Digit: %23\n\n")
    >>> event.name, event["DTMF-Digit"], event["Unique-ID"]
    ('DTMF', '#', '')
    """

    name: str
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: str = attrs.field(default="", repr=False)

    def __getitem__(self, header: str) -> str:
        """Return a header; nothing, where the event has none of this name."""
        return self.headers.get(header, "")

    @property
    def channel(self) -> str:
        """`Unique-ID`: of which channel it is."""
        return self["Unique-ID"]

    def variable(self, name: str) -> str:
        """Return a variable of the channel, as far as the event shows it."""
        return self["variable_" + name]


def read_event(kind: str, body: bytes) -> Event:
    """
    Read the body of a message of *kind* `text/event-json` or `text/event-plain`.

    Raises:
        NotUnderstood: it is no event.
    """
    headers = _json(body) if kind == EVENT_JSON else _plain(body)
    return Event(headers.get("Event-Name", ""), headers, headers.pop("_body", ""))


def _json(body: bytes) -> dict[str, str]:
    try:
        found: object = json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise NotUnderstood("an event that is no JSON") from None
    if not isinstance(found, dict):
        raise NotUnderstood("an event that is no object")
    named = cast("dict[str, object]", found)
    return {name: value for name, value in named.items() if isinstance(value, str)}


def _plain(body: bytes) -> dict[str, str]:
    head, _, rest = body.decode("utf-8", "replace").partition("\n\n")
    headers: dict[str, str] = {}
    for line in head.split("\n"):
        name, found, value = line.partition(": ")
        if found:
            headers.setdefault(name, unquote(value.rstrip("\r"), errors="replace"))
    if headers.get("Content-Length"):
        headers["_body"] = rest
    return headers


def _lines(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text.split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.strip().lower(), value.strip())
    return found

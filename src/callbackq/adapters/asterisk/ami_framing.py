"""
The text of Asterisk's manager interface (AMI): bytes in, messages out. Bounded, whatever the other side sends.

A message is some lines `Key: value` and an empty one. What is longer than it can be is skipped, and counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from callbackq.errors import TelephonyDown

LINE_MAX: Final = 16 * 1024
"""A line that has more bytes is skipped, with its message. Those of Asterisk have some hundred."""
LINES_MAX: Final = 512
"""A message that has more lines is skipped."""
_BANNER: Final = b"Asterisk Call Manager/"


def _names_only(fields: Mapping[str, str]) -> str:
    """Show what a message is, and no value of it: it may hold a number."""
    return repr(fields.get("event") or fields.get("response") or "…")


@attrs.frozen
class Message:
    """
    An event, or the answer to an action. Keys are in lower case; of a key that comes twice the first counts.

    >>> Message({"event": "Hangup", "uniqueid": "1.2"}).get("Uniqueid")
    '1.2'
    """

    fields: Mapping[str, str] = attrs.field(repr=_names_only)

    def get(self, key: str, default: str = "") -> str:
        """Return a value; *default* where there is none."""
        return self.fields.get(key.lower(), default)

    def whole(self, key: str, default: int = 0) -> int:
        """Return a whole number; *default* where there is none, or what is no number."""
        text = self.get(key)
        return (
            int(text) if text.isascii() and text.removeprefix("-").isdigit() and len(text) < 20 else default
        )

    @property
    def event(self) -> str:
        """The name of the event; empty if it is none."""
        return self.get("event")


class Framer:
    r"""
    Cuts what comes from a connection into messages, wherever the network cut it.

    Attributes:
        banner: the first line, which says the version of the protocol.
        skipped_count: how many messages were longer than they can be.

    >>> framer = Framer()
    >>> list(framer.feed(b"Asterisk Call Manager/11.0.0\r\nEvent: Fully"))
    []
    >>> [message.event for message in framer.feed(b"Booted\r\n\r\n")]
    ['FullyBooted']
    """

    def __init__(self) -> None:
        self.banner: str | None = None
        self.skipped_count = 0
        self._rest = bytearray()
        self._fields: dict[str, str] = {}
        self._lines_count = 0
        self._is_damaged = False
        self._skips_line = False

    def feed(self, data: bytes) -> Iterator[Message]:
        """
        Take bytes; give the messages that they complete.

        Raises:
            TelephonyDown: what is there is no manager interface.
        """
        self._rest += data
        begin = 0
        while (end := self._rest.find(b"\n", begin)) >= 0:
            line = bytes(self._rest[begin:end])
            begin = end + 1
            message = self._line(line)
            if message is not None:
                yield message
        del self._rest[:begin]
        if len(self._rest) > LINE_MAX:
            self._check_banner()
            self._skips_line = True
            self._rest.clear()

    def _line(self, line: bytes) -> Message | None:
        if self._skips_line or len(line) > LINE_MAX:
            self._check_banner()
            self._skips_line, self._is_damaged = False, True
            return None
        line = line.rstrip(b"\r")
        if self.banner is None:
            if not line.startswith(_BANNER):
                raise TelephonyDown("what answers there is no manager interface of Asterisk (AMI)")
            self.banner = line.decode("ascii", "replace")
            return None
        if not line:
            return self._ended()
        self._lines_count += 1
        if self._lines_count > LINES_MAX:
            self._is_damaged = True
            return None
        key, colon, value = line.decode("utf-8", "replace").partition(":")
        if colon:
            self._fields.setdefault(key.strip().lower(), value.strip())
        return None

    def _ended(self) -> Message | None:
        fields, is_damaged = self._fields, self._is_damaged
        self._fields, self._is_damaged, self._lines_count = {}, False, 0
        if is_damaged:
            self.skipped_count += 1
            return None
        return Message(fields) if fields else None

    def _check_banner(self) -> None:
        if self.banner is None:
            raise TelephonyDown("what answers there is no manager interface of Asterisk (AMI)")


def action_text(name: str, action_id: str, headers: Mapping[str, str]) -> bytes:
    """
    Return an action as it is sent.

    Raises:
        ValueError: a value has the end of a line in it: it would begin a header of somebody else's making.
    """
    lines = [f"Action: {name}", f"ActionID: {action_id}"]
    lines += [f"{key}: {value}" for key, value in headers.items() if value]
    if any("\r" in line or "\n" in line or "\0" in line for line in lines):
        raise ValueError("a header of an action cannot hold the end of a line")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()

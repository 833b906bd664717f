"""`ConsoleMessenger`: prints messages instead of sending them."""

from __future__ import annotations

import sys
from threading import Lock
from typing import Final, TextIO
from unicodedata import category

from callbackq.adapters.messengers.once import Once
from callbackq.effects import SendMessage
from callbackq.masking import mask_number


class ConsoleMessenger:
    """
    Prints each message, for development. Safe in threads.

    Args:
        stream: where to; standard output, as it is at that moment, unless given.
        shows_numbers: prints the whole number or address, which is masked otherwise. The text is always shown.

    What would move the cursor or colour the screen is shown as an escape.

    >>> from callbackq import MessageId, MessageKind, QueueName
    >>> order = SendMessage(
    ...     send_id="msg_1.1",
    ...     message_id=MessageId("msg_1"),
    ...     kind=MessageKind.CANCELLED,
    ...     channel="sms",
    ...     queue=QueueName("support"),
    ...     to="+12125550123",
    ...     text="Your callback is cancelled.",
    ...     title="",
    ...     segments_count=1,
    ...     language="en",
    ... )
    >>> ConsoleMessenger().send(order)
    sms to +1…23: cancelled (en, 1 segment)
    Your callback is cancelled.
    <BLANKLINE>
    """

    def __init__(self, stream: TextIO | None = None, *, shows_numbers: bool = False) -> None:
        self._stream: Final = stream
        self._shows_numbers: Final = shows_numbers
        self._lock: Final = Lock()
        self._once: Final = Once()

    def send(self, order: SendMessage) -> None:
        """Print one message; nothing, if it was printed before. Raises: OSError, if the stream is gone."""
        self._once.send(order.send_id, lambda: self._print(order))

    def _print(self, order: SendMessage) -> None:
        stream = sys.stdout if self._stream is None else self._stream
        shown = order.to if self._shows_numbers else mask_number(order.to)
        to = "" if order.to is None else f" to {shown}"
        parts = "1 segment" if order.segments_count == 1 else f"{order.segments_count} segments"
        lines = [f"{order.channel}{to}: {order.kind} ({order.language}, {parts})"]
        lines += [f"Subject: {order.title}"] if order.title else []
        lines += [*order.text.split("\n"), ""]
        printed = "".join(f"{_visible(line)}\n" for line in lines)
        encoding = stream.encoding or "utf-8"
        with self._lock:
            # A console that lacks a letter shows its escape.
            stream.write(printed.encode(encoding, "backslashreplace").decode(encoding))
            stream.flush()


def _visible(line: str) -> str:
    return "".join(
        character
        if character.isprintable() or category(character) == "Zs"
        else character.encode("unicode_escape").decode("ascii")
        for character in line
    )

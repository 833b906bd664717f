"""`FileMessenger`: writes messages to a file instead of sending them."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any, Final

from callbackq.effects import SendMessage
from callbackq.errors import MessageRefused

_OWNER_ONLY: Final = 0o600
_CHUNK: Final = 1 << 20


class FileMessenger:
    """
    Writes each message as one line of JSON, for development and for tests that kill processes. Safe in threads.

    On return the line is on the disk. A send id that stands in the file is not written again, whichever process wrote
    it; a line that a power cut left unfinished was not sent, and makes room for the next. Processes may share a file
    where the system can lock one (not on Windows).

    Args:
        path: the file; made, readable for its owner only, with the first message. **It holds numbers and texts.**

    >>> from tempfile import TemporaryDirectory
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
    >>> with TemporaryDirectory() as folder:
    ...     messenger = FileMessenger(Path(folder) / "sent.jsonl")
    ...     print(messenger.send(order), messenger.send(order))
    ...     print([sent["text"] for sent in messenger.sent()])
    file:msg_1.1 file:msg_1.1
    ['Your callback is cancelled.']
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path: Final = Path(path)
        self._lock: Final = Lock()
        self._known: Final = set[str]()
        self._read_to = 0
        self._file_id: tuple[int, int] | None = None

    def send(self, order: SendMessage) -> str:
        """
        Write one message, unless it stands there.

        Raises:
            MessageRefused: the file cannot be opened, read or written; it does not have the message.
            OSError: nobody knows whether the line is on the disk.
        """
        with self._lock, self._opened() as file:
            try:
                end = self._read(file)
            except OSError as error:
                raise _refused(error) from error
            except (ValueError, KeyError, TypeError):
                raise MessageRefused("the file holds what no messenger wrote", problem="file") from None
            if order.send_id not in self._known:
                self._write(file, _line(order), end)
                self._known.add(order.send_id)
        return f"file:{order.send_id}"

    def sent(self) -> list[dict[str, Any]]:
        """Return what stands in the file, in order: the fields of `SendMessage`, as JSON has them."""
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return []
        lines = data[: data.rfind(b"\n") + 1].splitlines()
        return [json.loads(line) for line in lines]

    @contextmanager
    def _opened(self) -> Generator[int]:
        """Have the file open, and for nobody else."""
        is_new = not self._path.exists()
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), _OWNER_ONLY)
        except OSError as error:
            raise _refused(error) from error
        try:
            _lock_file(file)
            if is_new:
                _sync_folder(self._path.parent)
            yield file
        finally:
            os.close(file)

    def _read(self, file: int) -> int:
        """Learn what was written since the last time, and return where the last whole line ends."""
        found = os.fstat(file)
        if (found.st_dev, found.st_ino) != self._file_id or found.st_size < self._read_to:
            # Another file than before, or a shorter one: what stood in the old one is none of its business.
            self._file_id, self._read_to = (found.st_dev, found.st_ino), 0
            self._known.clear()
        os.lseek(file, self._read_to, os.SEEK_SET)
        data = b"".join(iter(lambda: os.read(file, _CHUNK), b""))
        whole = data[: data.rfind(b"\n") + 1]
        self._known.update(json.loads(line)["send_id"] for line in whole.splitlines())
        self._read_to += len(whole)
        return self._read_to

    def _write(self, file: int, line: bytes, end: int) -> None:
        try:
            os.ftruncate(file, end)
            os.lseek(file, end, os.SEEK_SET)
            written = os.write(file, line)
        except OSError as error:
            os.ftruncate(file, end)
            raise _refused(error) from error
        if written != len(line):
            os.ftruncate(file, end)
            raise MessageRefused("the disk is full", problem="ENOSPC")
        os.fsync(file)
        self._read_to = end + len(line)


def _line(order: SendMessage) -> bytes:
    fields = {
        "send_id": order.send_id,
        "message_id": order.message_id,
        "kind": order.kind,
        "channel": order.channel,
        "queue": order.queue,
        "to": order.to,
        "title": order.title,
        "text": order.text,
        "segments_count": order.segments_count,
        "language": order.language,
        "is_answer": order.is_answer,
        "callback_id": order.callback_id,
        "ticket_id": order.ticket_id,
        "customer_id": order.customer_id,
    }
    return json.dumps(fields).encode("ascii") + b"\n"


def _refused(error: OSError) -> MessageRefused:
    return MessageRefused("the file cannot be written", problem=errno.errorcode.get(error.errno or 0))


def _lock_file(file: int) -> None:
    """Wait until no other process has the file. The lock goes with the descriptor, also when the process is killed."""
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)


def _sync_folder(folder: Path) -> None:
    """Let the name of a new file be on the disk, where a folder can be opened at all."""
    with suppress(PermissionError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

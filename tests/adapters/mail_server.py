"""A mail server in a thread, as far as the tests of `MailMessenger` need one: it keeps what it is given."""

from __future__ import annotations

import email
import socketserver
import threading
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import default
from typing import Any, Final

import attrs

_PATIENCE_S: Final = 20.0


@attrs.frozen
class Mail:
    """One mail that was taken."""

    sender: str
    to: str
    data: bytes

    @property
    def parsed(self) -> EmailMessage:
        return email.message_from_bytes(self.data, policy=default)


class MailServer:
    """
    Speaks SMTP on a port of this machine.

    Attributes:
        mails: what it has taken.
        said: the commands that it has heard.
        answers: by command (`RCPT TO:<bob@example.com>`, or just `RCPT`), the answer in place of the usual one. One
            that is empty hangs up instead. `.` stands for the end of a text, `connect` for the greeting.
        extensions: what it says that it can.
    """

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.said: list[str] = []
        self.answers: dict[str, str] = {}
        self.extensions: list[str] = ["8BITMIME", "ENHANCEDSTATUSCODES"]
        self.keeps_what_it_refuses = False
        house = self

        class Handler(socketserver.StreamRequestHandler):
            timeout = _PATIENCE_S

            def handle(self) -> None:
                _Conversation(house, self.rfile, self.wfile.write).run()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop, and wait for it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(_PATIENCE_S)


class _HungUpError(Exception):
    """The server hangs up."""


class _Conversation:
    """One connection."""

    def __init__(self, house: MailServer, lines: Any, write: Callable[[bytes], Any]) -> None:
        self._house = house
        self._lines = lines
        self._write = write
        self._sender = ""
        self._to = ""

    def run(self) -> None:
        try:
            self._answer("connect", "220 test")
            while line := self._lines.readline():
                command, space, rest = line.rstrip(b"\r\n").decode(errors="replace").partition(" ")
                self._hear(f"{command.upper()}{space}{rest}")
        except (_HungUpError, OSError):
            return

    def _hear(self, line: str) -> None:
        self._house.said.append(line)
        match line.split(" ", maxsplit=1)[0]:
            case "EHLO":
                lines = ["test", *self._house.extensions]
                said = [f"250-{one}" for one in lines[:-1]] + [f"250 {lines[-1]}"]
                self._answer(line, "\r\n".join(said))
            case "MAIL":
                self._sender = line.partition("<")[2].partition(">")[0]
                self._answer(line, "250 2.1.0 ok")
            case "RCPT":
                self._to = line.partition("<")[2].partition(">")[0]
                self._answer(line, "250 2.1.5 ok")
            case "DATA":
                if self._answer(line, "354 go on"):
                    self._take()
            case "QUIT":
                self._answer(line, "221 bye")
                raise _HungUpError
            case "STARTTLS":
                self._answer(line, "220 go on")
            case "AUTH":
                self._answer(line, "235 2.7.0 ok")
            case _:
                self._answer(line, "500 what?")

    def _take(self) -> None:
        data = b""
        while (line := self._lines.readline()) != b".\r\n":
            if not line:
                raise _HungUpError
            data += line.removeprefix(b".") if line.startswith(b"..") else line
        answer = self._answer_to(f". {self._to}")
        if answer is None or self._house.keeps_what_it_refuses:
            self._house.mails.append(Mail(self._sender, self._to, data))
        self._say("250 2.0.0 ok" if answer is None else answer)

    def _answer(self, line: str, usual: str) -> bool:
        """Answer, and say whether it was as usual."""
        own = self._answer_to(line)
        self._say(usual if own is None else own)
        return own is None

    def _answer_to(self, line: str) -> str | None:
        answers = self._house.answers
        return answers.get(line, answers.get(line.split(" ", maxsplit=1)[0]))

    def _say(self, answer: str) -> None:
        if not answer:
            raise _HungUpError
        self._write(f"{answer}\r\n".encode())

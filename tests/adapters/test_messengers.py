"""The messengers of the standard library: mail, and for development the console and a file."""

from __future__ import annotations

import io
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from adapters.mail_server import MailServer
from callbackq import ConfigurationError
from callbackq.adapters.messengers import ConsoleMessenger, FileMessenger, MailMessenger
from callbackq.adapters.messengers.once import Once
from callbackq.effects import SendMessage
from callbackq.errors import AdapterError, MessageImpossible, MessageRefused
from callbackq.testing import make_send
from callbackq.testing.contracts import (
    Inbox,
    MessageFarEnd,
    MessengerContract,
    Received,
    RefusalContract,
    UncertaintyContract,
)

SENDER = "Example <callback@example.com>"
BOB = "bob@example.org"


@pytest.fixture
def server() -> Iterator[MailServer]:
    """A mail server on this machine."""
    server = MailServer()
    yield server
    server.close()


def mail_messenger(server: MailServer, **settings: Any) -> MailMessenger:
    """Return a messenger that gives its mail to this server."""
    return MailMessenger("127.0.0.1", server.port, **{"sender": SENDER, "starttls": False, **settings})


def mail(send_id: str = "ms_1.1", **changes: Any) -> SendMessage:
    """Return an order to send one mail."""
    return make_send(send_id, **{"channel": "email", "to": BOB, **changes})


# ---------------------------------------------------------------------------- the contract


class MailEnd(MessageFarEnd):
    """A mail server, and the inboxes behind it."""

    channel = "email"

    def __init__(self) -> None:
        self._server = MailServer()
        self._server.keeps_what_it_refuses = True
        self._messenger = mail_messenger(self._server)
        self._count = 0

    @property
    def messenger(self) -> MailMessenger:
        return self._messenger

    @property
    def received(self) -> Sequence[Received]:
        return [
            Received(to=taken.to, text=taken.parsed.get_content(), title=str(taken.parsed["Subject"] or ""))
            for taken in list(self._server.mails)
        ]

    def prepare(self, order: SendMessage, inbox: Inbox) -> SendMessage:
        self._count += 1
        to = f"customer-{self._count}@example.org"
        answers = {
            Inbox.TAKES: {},
            Inbox.REFUSES: {f"RCPT TO:<{to}>": f"450 4.2.0 <{to}> is greylisted"},
            Inbox.IMPOSSIBLE: {f"RCPT TO:<{to}>": f"550 5.1.1 no such user {to}"},
            Inbox.BREAKS: {f". {to}": ""},
        }
        self._server.answers.update(answers[inbox])
        return attrs.evolve(order, to=to)

    def close(self) -> None:
        self._server.close()


class TestMailMessenger(MessengerContract, RefusalContract, UncertaintyContract):
    """Over a server on this machine."""

    def open_message_end(self) -> MailEnd:
        return MailEnd()


# ---------------------------------------------------------------------------- mail


def test_a_mail_says_who_sent_it_and_that_it_was_a_machine(server: MailServer) -> None:
    """The Message-ID is made of the send id, so that what is seen twice can be told."""
    message_id = mail_messenger(server).send(mail("ms_7.2", title="Rückruf", language="de"))
    (taken,) = server.mails
    assert message_id == "<ms_7.2@example.com>"
    assert taken.parsed["Message-ID"] == message_id
    assert (taken.sender, taken.to) == ("callback@example.com", BOB)
    assert taken.parsed["From"] == SENDER
    assert taken.parsed["To"] == BOB
    assert taken.parsed["Subject"] == "Rückruf"
    assert taken.parsed["Auto-Submitted"] == "auto-generated"
    assert taken.parsed["Content-Language"] == "de"
    assert taken.parsed["Date"].datetime is not None
    assert max(len(line) for line in taken.data.splitlines()) <= 998
    assert taken.data.isascii()
    assert server.said[-1] == "QUIT"


def test_a_send_id_that_is_no_id_of_a_mail_is_digested(server: MailServer) -> None:
    """A host's own ids may have any sign in them; the same one gives the same Message-ID."""
    odd = mail("a b>\r\nX: y.1")
    assert mail_messenger(server).send(odd) == mail_messenger(server).send(odd)
    assert all(taken.parsed["X"] is None for taken in server.mails)


@pytest.mark.parametrize(
    "title",
    ["Yours\r\nBcc: all@example.org", "Yours\nBcc: all@example.org", "a\rb", "a\x00b", "a\u2028b", "\ud800"],
    ids=ascii,
)
def test_a_title_adds_no_header(server: MailServer, title: str) -> None:
    """Nobody writes headers through a title: it is refused before the server is asked."""
    with pytest.raises(MessageImpossible) as caught:
        mail_messenger(server).send(mail(title=title))
    assert caught.value.problem == "header"
    assert server.said == []


@pytest.mark.parametrize(
    "to",
    [
        "",
        "bob",
        "@example.org",
        "bob@",
        "bob@example.org, eve@example.org",
        "bob@example.org;eve@example.org",
        "Bob <bob@example.org>",
        "bob@example.org\r\nRCPT TO:<eve@example.org>",
        "bob@example.org\nBcc: eve@example.org",
        "bob@exam ple.org",
        "bob@@example.org",
        "bob@..",
        f"bob@{'ü' * 70}.org",
        "+12125550101",
        "\ud800@example.org",
    ],
    ids=ascii,
)
def test_what_is_no_address_of_one_mailbox_is_impossible(server: MailServer, to: str) -> None:
    """Another channel may do; nothing is said to the server, and the error does not show it."""
    with pytest.raises(MessageImpossible) as caught:
        mail_messenger(server).send(mail(to=to))
    assert caught.value.problem == "address"
    assert not to or to not in str(caught.value)
    assert server.said == []


def test_no_address_and_no_text_that_can_be_written_are_impossible(server: MailServer) -> None:
    """Half of a pair of signs is no text."""
    for order, problem in ((mail(to=None), "no_address"), (mail(text="a \ud800 b"), "header")):
        with pytest.raises(MessageImpossible) as caught:
            mail_messenger(server).send(order)
        assert caught.value.problem == problem
    assert server.said == []


def test_addresses_of_the_world(server: MailServer) -> None:
    """A domain goes as the network knows it; a name outside ASCII only to a server that can (RFC 6531)."""
    messenger = mail_messenger(server)
    messenger.send(mail("ms_1.1", to="bob@bücher.example"))
    assert server.mails[0].to == "bob@xn--bcher-kva.example"
    with pytest.raises(MessageImpossible) as caught:
        messenger.send(mail("ms_2.1", to="josé@example.org"))
    assert caught.value.problem == "smtputf8"
    server.extensions.append("SMTPUTF8")
    messenger.send(mail("ms_3.1", to="josé@example.org"))
    assert server.mails[1].to == "josé@example.org"
    assert any(line.startswith("MAIL") and "SMTPUTF8" in line for line in server.said)


@pytest.mark.parametrize(
    ("command", "answer", "error", "problem"),
    [
        ("connect", "554 no service for you", MessageRefused, "554"),
        ("connect", "421 4.3.2 closing", MessageRefused, "421"),
        ("connect", "", MessageRefused, "SMTPServerDisconnected"),
        ("EHLO", "", MessageRefused, "SMTPServerDisconnected"),
        ("MAIL", "550 5.7.1 you may not", MessageRefused, "550 5.7.1"),
        ("MAIL", "452 4.3.1 full", MessageRefused, "452 4.3.1"),
        ("MAIL", "", MessageRefused, "SMTPServerDisconnected"),
        ("RCPT", "450 4.2.0 greylisted", MessageRefused, "450 4.2.0"),
        ("RCPT", "550 5.1.1 <bob@example.org> unknown", MessageImpossible, "550 5.1.1"),
        ("RCPT", "550 unknown", MessageImpossible, "550"),
        ("RCPT", "", MessageRefused, "SMTPServerDisconnected"),
        ("DATA", "451 later", MessageRefused, "451"),
        ("DATA", "554 5.5.1 no", MessageImpossible, "554 5.5.1"),
        ("DATA", "", MessageRefused, "SMTPServerDisconnected"),
        (".", "452 4.2.2 mailbox full", MessageRefused, "452 4.2.2"),
        (".", "554 5.7.1 looks like spam", MessageImpossible, "554 5.7.1"),
    ],
)
def test_what_was_certainly_not_sent_is_refused(
    server: MailServer, command: str, answer: str, error: type[MessageRefused], problem: str
) -> None:
    """For good only where it is the recipient or the mail; a server that will not serve us may do so later."""
    server.answers[command] = answer
    messenger = mail_messenger(server)
    with pytest.raises(MessageRefused) as caught:
        messenger.send(mail())
    assert type(caught.value) is error
    assert caught.value.problem == problem
    assert BOB not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert server.mails == []
    # It was not sent, so that the same send id may be tried again.
    server.answers.clear()
    messenger.send(mail())
    assert len(server.mails) == 1


def test_a_mailbox_that_forwards_is_one(server: MailServer) -> None:
    """251 is no refusal (RFC 5321, 4.2.3)."""
    server.answers["RCPT"] = "251 2.1.5 will forward"
    mail_messenger(server).send(mail())
    assert [taken.to for taken in server.mails] == [BOB]


@pytest.mark.parametrize("answer", ["", "what"])
def test_lost_after_the_text_nobody_knows(server: MailServer, answer: str) -> None:
    """Neither refused nor sent; and asked again it says the same, without a second mail."""
    server.answers["."], server.keeps_what_it_refuses = answer, True
    messenger = mail_messenger(server)
    for _ in range(2):
        with pytest.raises(AdapterError) as caught:
            messenger.send(mail())
        assert not isinstance(caught.value, MessageRefused)
    assert len(server.mails) == 1


def test_a_server_that_is_not_there_is_asked_later() -> None:
    """Nothing listens at that port any more; and no machine has that name."""
    server = MailServer()
    server.close()
    for host in ("127.0.0.1", "a..b", f"{'x' * 70}.invalid"):
        messenger = MailMessenger(host, server.port, sender=SENDER, timeout=timedelta(seconds=1))
        with pytest.raises(MessageRefused) as caught:
            messenger.send(mail())
        assert caught.value.retry_safe


def test_a_server_that_says_nothing_is_given_up() -> None:
    """After the time that a step may take."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        messenger = MailMessenger(
            "127.0.0.1", silent.getsockname()[1], sender=SENDER, timeout=timedelta(seconds=1)
        )
        with pytest.raises(MessageRefused) as caught:
            messenger.send(mail())
    assert caught.value.problem in {"TimeoutError", "SMTPServerDisconnected"}


def test_nothing_is_said_in_clear_to_a_server_that_cannot_encrypt(server: MailServer) -> None:
    """Neither the password nor the mail."""
    messenger = mail_messenger(server, starttls=True, user="us", password="secret")
    with pytest.raises(MessageRefused) as caught:
        messenger.send(mail())
    assert caught.value.problem == "SMTPNotSupportedError"
    assert {line.split(" ")[0] for line in server.said} == {"EHLO"}


class PlainContext(ssl.SSLContext):
    """Encrypts nothing, but remembers what it was asked for."""

    asked: list[str | None]

    def wrap_socket(self, sock: Any, *_args: Any, **kwargs: Any) -> Any:
        self.asked.append(kwargs.get("server_hostname"))
        return sock


def plain_context() -> PlainContext:
    context = PlainContext(ssl.PROTOCOL_TLS_CLIENT)
    context.asked = []
    return context


def test_encrypts_before_it_logs_in(server: MailServer) -> None:
    """STARTTLS comes first, with the server's name to check, and what the server could before is asked again."""
    server.extensions += ["STARTTLS", "AUTH PLAIN"]
    context = plain_context()
    mail_messenger(server, starttls=True, context=context, user="us", password="secret").send(mail())
    assert context.asked == ["127.0.0.1"]
    commands = [line.split(" ")[0] for line in server.said]
    assert commands == ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "QUIT"]


def test_a_port_that_is_encrypted_from_the_start(server: MailServer) -> None:
    """No STARTTLS then."""
    context = plain_context()
    mail_messenger(server, starttls=True, tls=True, context=context).send(mail())
    assert context.asked == ["127.0.0.1"]
    assert "STARTTLS" not in server.said
    assert len(server.mails) == 1


def test_a_certificate_that_nobody_vouches_for_is_refused(server: MailServer) -> None:
    """The server speaks no TLS at all: the handshake fails, and nothing was sent."""
    server.extensions.append("STARTTLS")
    for settings in ({"starttls": True}, {"tls": True}):
        with pytest.raises(MessageRefused) as caught:
            mail_messenger(server, timeout=timedelta(seconds=1), **settings).send(mail())
        assert caught.value.problem in {"SSLError", "TimeoutError", "SSLEOFError", "ConnectionResetError"}
    assert server.mails == []


def test_a_wrong_password_is_refused_for_now(server: MailServer) -> None:
    """It is our mistake, and the customer can still be written to once it is mended. No password in the error."""
    server.extensions += ["STARTTLS", "AUTH PLAIN"]
    server.answers["AUTH"] = "535 5.7.8 no"
    messenger = mail_messenger(server, starttls=True, context=plain_context(), user="us", password="secret")
    with pytest.raises(MessageRefused) as caught:
        messenger.send(mail())
    assert type(caught.value) is MessageRefused
    assert caught.value.problem == "535"
    assert "secret" not in f"{caught.value!r} {messenger!r}"


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"port": 0}, "port"),
        ({"port": 70_000}, "port"),
        ({"timeout": timedelta(0)}, "timeout"),
        ({"timeout": timedelta(hours=1)}, "timeout"),
        ({"user": "us"}, "user"),
        ({"password": "secret"}, "user"),
        ({"user": "us", "password": "secret", "starttls": False}, "starttls"),
        ({"sender": "nobody"}, "sender"),
        ({"sender": "a@example.com, b@example.com"}, "sender"),
        ({"sender": "Example\r\nBcc: <all@example.com>"}, "sender"),
        ({"sender": ""}, "sender"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], field: str) -> None:
    """When it is built, and not with the first message."""
    with pytest.raises(ConfigurationError, match=field) as caught:
        MailMessenger("mail.example.com", **{"sender": SENDER, **settings})
    assert "secret" not in str(caught.value)


# ---------------------------------------------------------------------------- the console


def test_the_console_masks_numbers_unless_asked() -> None:
    """The text is what a developer wants to read."""
    hidden, shown = io.StringIO(), io.StringIO()
    order = make_send("ms_1.1", to="+12125550123", title="", segments_count=2)
    ConsoleMessenger(hidden).send(order)
    ConsoleMessenger(shown, shows_numbers=True).send(order)
    assert hidden.getvalue() == f"sms to +1…23: confirmation (en, 2 segments)\n{order.text}\n\n"
    assert "+12125550123" in shown.getvalue()


def test_the_console_cannot_be_steered_by_a_text() -> None:
    """An escape sequence in a customer's name is shown, and does nothing; spaces that do not break are spaces."""
    stream = io.StringIO()
    ConsoleMessenger(stream).send(make_send(text="Dear \x1b[2JBob\r\u202e, 10\u202fh", title="\x07"))
    assert "\x1b" not in stream.getvalue()
    assert "Dear \\x1b[2JBob\\r\\u202e, 10\u202fh" in stream.getvalue()
    assert "Subject: \\x07\n" in stream.getvalue()


def test_a_console_that_lacks_a_letter_shows_its_escape() -> None:
    """Rather than fail: then nobody would know whether it was printed."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    ConsoleMessenger(stream).send(make_send(text="Grüße 🙂"))
    assert b"Gr\\xfc\\xdfe \\U0001f642\n" in raw.getvalue()


# ---------------------------------------------------------------------------- the file


def test_a_file_knows_what_another_process_wrote(tmp_path: Path) -> None:
    """A messenger that is made later, or beside another one, does not write what stands there."""
    path = tmp_path / "sent.jsonl"
    first, beside = FileMessenger(path), FileMessenger(path)
    first.send(make_send("ms_1.1"))
    beside.send(make_send("ms_1.1"))
    beside.send(make_send("ms_2.1"))
    first.send(make_send("ms_2.1"))
    FileMessenger(path).send(make_send("ms_2.1"))
    assert [sent["send_id"] for sent in first.sent()] == ["ms_1.1", "ms_2.1"]
    assert set(first.sent()[0]) == {field.name for field in attrs.fields(SendMessage)}


def test_a_file_is_for_its_owner(tmp_path: Path) -> None:
    """Numbers and texts stand in it."""
    FileMessenger(tmp_path / "sent.jsonl").send(make_send())
    assert (tmp_path / "sent.jsonl").stat().st_mode & 0o777 == 0o600
    assert FileMessenger(tmp_path / "none.jsonl").sent() == []


def test_a_line_that_was_not_finished_was_not_sent(tmp_path: Path) -> None:
    """It makes room for the whole one, also when a messenger that has read before finds it."""
    path = tmp_path / "sent.jsonl"
    messenger = FileMessenger(path)
    messenger.send(make_send("ms_1.1"))
    with path.open("ab") as file:
        file.write(b'{"send_id": "ms_2.1", "te')
    assert [sent["send_id"] for sent in messenger.sent()] == ["ms_1.1"]
    messenger.send(make_send("ms_2.1"))
    assert [json.loads(line)["send_id"] for line in path.read_text().splitlines()] == ["ms_1.1", "ms_2.1"]


def test_a_file_that_was_taken_away_is_begun_again(tmp_path: Path) -> None:
    """Removed, or emptied: what stood in it is forgotten."""
    path = tmp_path / "sent.jsonl"
    messenger = FileMessenger(path)
    for _ in range(2):
        messenger.send(make_send("ms_1.1"))
        path.unlink()
    messenger.send(make_send("ms_1.1"))
    path.write_bytes(b"")
    messenger.send(make_send("ms_1.1"))
    assert len(messenger.sent()) == 1


def test_a_file_that_cannot_be_written_has_nothing(tmp_path: Path) -> None:
    """Certainly not sent: no such folder, or a file with something else in it, which is left as it is."""
    with pytest.raises(MessageRefused) as caught:
        FileMessenger(tmp_path / "none" / "sent.jsonl").send(make_send())
    assert caught.value.problem == "ENOENT"
    for foreign in ("hello\n", "[1]\n", '{"text": "hello"}\n'):
        (tmp_path / "notes.txt").write_text(foreign)
        with pytest.raises(MessageRefused) as caught:
            FileMessenger(tmp_path / "notes.txt").send(make_send())
        assert caught.value.problem == "file"
        assert (tmp_path / "notes.txt").read_text() == foreign


@pytest.mark.parametrize("failure", ["error", "short"])
def test_a_full_disk_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: str) -> None:
    """No half of a line stays, and what is sent once there is room is written."""
    messenger = FileMessenger(tmp_path / "sent.jsonl")
    messenger.send(make_send("ms_1.1"))
    real = os.write

    def full(file: int, data: bytes) -> int:
        if failure == "error":
            raise OSError(28, "No space left on device")
        return real(file, data[:10])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(MessageRefused) as caught:
            messenger.send(make_send("ms_2.1"))
    assert caught.value.problem == "ENOSPC"
    assert (tmp_path / "sent.jsonl").read_bytes().endswith(b"}\n")
    messenger.send(make_send("ms_2.1"))
    assert [sent["send_id"] for sent in messenger.sent()] == ["ms_1.1", "ms_2.1"]


def test_a_disk_that_does_not_say_leaves_it_uncertain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written, and perhaps not on the disk: neither refused, nor written a second time."""
    messenger = FileMessenger(tmp_path / "sent.jsonl")
    messenger.send(make_send("ms_1.1"))

    def fails(_file: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fails)
        with pytest.raises(OSError, match="Input/output"):
            messenger.send(make_send("ms_2.1"))
    messenger.send(make_send("ms_2.1"))
    assert [sent["send_id"] for sent in messenger.sent()] == ["ms_1.1", "ms_2.1"]


_WRITER = """
import sys
from callbackq.adapters.messengers import FileMessenger
from callbackq.testing import make_send
messenger = FileMessenger(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for n in range(int(sys.argv[2])):
    messenger.send(make_send(f"ms_{n}.1"))
"""


def _writer(path: Path, count: int) -> subprocess.Popen[str]:
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path), str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    return writer


def _go(writer: subprocess.Popen[str]) -> None:
    assert writer.stdin is not None
    writer.stdin.write("go\n")
    writer.stdin.flush()


def test_processes_share_a_file(tmp_path: Path) -> None:
    """Three write the same sends at once: each stands there once."""
    path = tmp_path / "sent.jsonl"
    writers = [_writer(path, 40) for _ in range(3)]
    for writer in writers:
        _go(writer)
    for writer in writers:
        assert writer.wait(60) == 0
        writer.communicate()
    assert sorted(sent["send_id"] for sent in FileMessenger(path).sent()) == sorted(
        f"ms_{n}.1" for n in range(40)
    )


def test_a_process_that_is_killed_leaves_whole_lines(tmp_path: Path) -> None:
    """And the next one goes on where it was, without a send that stands there twice."""
    path = tmp_path / "sent.jsonl"
    writer = _writer(path, 1_000_000)
    _go(writer)
    messenger = FileMessenger(path)
    while len(messenger.sent()) < 20:
        assert writer.poll() is None
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    count = len(messenger.sent())
    for n in range(count + 5):
        messenger.send(make_send(f"ms_{n}.1"))
    assert [sent["send_id"] for sent in messenger.sent()] == [f"ms_{n}.1" for n in range(count + 5)]


# ---------------------------------------------------------------------------- once


def test_once_forgets_the_oldest_only() -> None:
    """It holds no more than it may."""
    once = Once(known_max=2)
    sent: list[str] = []
    for send_id in ("a", "b", "c", "b", "c", "a"):
        once.send(send_id, lambda send_id=send_id: sent.append(send_id))  # type: ignore[misc]
    assert sent == ["a", "b", "c", "a"]


def test_once_lets_who_comes_second_wait_for_the_same_end() -> None:
    """Whatever it is: here the first is refused, and so is who waited; who comes later may try."""
    once, begun, go_on = Once(), threading.Event(), threading.Event()
    calls: list[str] = []
    ends: list[object] = []

    def refused() -> str | None:
        calls.append("sent")
        begun.set()
        go_on.wait(20)
        raise MessageRefused("no")

    def send() -> None:
        try:
            ends.append(once.send("a", refused))
        except MessageRefused as error:
            ends.append(error)

    threads = [threading.Thread(target=send) for _ in range(2)]
    threads[0].start()
    assert begun.wait(20)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(20)
    assert all(isinstance(end, MessageRefused) for end in ends)
    assert len(ends) == 2
    calls.clear()
    assert once.send("a", lambda: "id") == "id"
    assert calls == []

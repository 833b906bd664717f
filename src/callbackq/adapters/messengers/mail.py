"""`MailMessenger`: sends messages by mail, through a server that takes them by SMTP."""

from __future__ import annotations

import re
import smtplib
import ssl
from contextlib import suppress
from datetime import timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import formatdate, getaddresses
from hashlib import sha256
from typing import Final, Self
from unicodedata import category

import attrs

from callbackq.adapters.messengers.once import Once
from callbackq.effects import SendMessage
from callbackq.errors import AdapterError, ConfigurationError, MessageImpossible, MessageRefused

_OK: Final = 250
_OK_FORWARDED: Final = 251
_GO_ON: Final = 354
_TRANSIENT: Final = 400
_PERMANENT: Final = 500
_CODES_END: Final = 600
_PORT_MAX: Final = 65_535
_TIME_MAX: Final = timedelta(minutes=10)
_NOT_IN_A_HEADER: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_ENHANCED_CODE: Final = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}\b")
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_LINE_THAT_BEGINS_WITH_A_DOT: Final = re.compile(rb"(?m)^\.")


class MailMessenger:
    """
    Sends messages by mail. Safe in threads; each message has a connection of its own.

    Args:
        host, port: the server that takes mail from you: a relay of your own, or a provider's. 587 is the usual port
            for that (RFC 6409).
        sender: what stands in From: an address, or `Name <address>`. Bounces go to this address.
        user, password: how to log in; no login if None.
        starttls: encrypts before anything is said, and refuses a server that cannot.
        tls: the port is encrypted from the first byte (usually 465), in place of *starttls*.
        context: how the server's certificate is checked; against the system's authorities unless given.
        timeout: how long each step of the conversation may take. 1 s to 10 min. A runner gives the whole send up after
            `Messages.send_time_max`.

    The title of a message is its subject, and its send id gives the Message-ID, by which a provider that sees it twice
    can tell (RFC 5322, 3.6.4). It is marked as sent by a machine, so that nobody's absence note answers (RFC 3834).
    The provider's id that is returned is the Message-ID.

    What the server says decides: a recipient that it refuses for good (5xx) cannot be reached by mail, one that it
    refuses for now (4xx) is tried again. What fails before the text was given was certainly not sent. A connection
    that is lost afterwards leaves it uncertain.

    Raises:
        ConfigurationError: a value is out of its bounds; or a password without encryption.

    >>> messenger = MailMessenger("mail.example.com", sender="Example <callback@example.com>")
    """

    def __init__(
        self,
        host: str,
        port: int = 587,
        *,
        sender: str,
        user: str | None = None,
        password: str | None = None,
        starttls: bool = True,
        tls: bool = False,
        context: ssl.SSLContext | None = None,
        timeout: timedelta = timedelta(seconds=15),
    ) -> None:
        if not 1 <= port <= _PORT_MAX:
            raise ConfigurationError("MailMessenger.port", port, f"1 to {_PORT_MAX:,}")
        if not timedelta(seconds=1) <= timeout <= _TIME_MAX:
            raise ConfigurationError("MailMessenger.timeout", timeout, "1 s to 10 min")
        if (user is None) != (password is None):
            raise ConfigurationError("MailMessenger.user", user, "both a user and a password, or neither")
        if user is not None and not (starttls or tls):
            raise ConfigurationError("MailMessenger.starttls", starttls, "True where there is a password")
        self._sender: Final = _read_sender(sender)
        self._host: Final = host
        self._port: Final = port
        self._login: Final = None if user is None or password is None else (user, password)
        self._starttls: Final = starttls and not tls
        self._tls: Final = tls
        self._context: Final = context
        self._timeout_s: Final = timeout.total_seconds()
        self._once: Final = Once()

    def send(self, order: SendMessage) -> str | None:
        """
        Send one mail, and return its Message-ID.

        Raises:
            MessageImpossible: there is no address, or none that can be written to; the server refused the recipient or
                the mail for good.
            MessageRefused: certainly not sent, for another reason. `problem` is the code of the server's answer.
            AdapterError: the connection was lost when the text had been given: nobody knows.
        """
        return self._once.send(order.send_id, lambda: self._send(order))

    def _send(self, order: SendMessage) -> str:
        mail = _Mail.of(order, self._sender)
        try:
            connection = self._connected()
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise MessageRefused("the mail server cannot be reached", problem=_code_of(error)) from None
        try:
            self._hand_over(connection, mail)
        finally:
            connection.close()
        return mail.message_id

    def _connected(self) -> smtplib.SMTP:
        """Return a connection on which mail can be given. Raises: OSError, SMTPException."""
        if self._tls:
            context = self._context or ssl.create_default_context()
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=self._timeout_s, context=context
            )
        else:
            connection = smtplib.SMTP(self._host, self._port, timeout=self._timeout_s)
        try:
            connection.ehlo_or_helo_if_needed()
            if self._starttls:
                connection.starttls(context=self._context or ssl.create_default_context())
                connection.ehlo_or_helo_if_needed()
            if self._login is not None:
                connection.login(*self._login)
        except BaseException:
            connection.close()
            raise
        return connection

    def _hand_over(self, connection: smtplib.SMTP, mail: _Mail) -> None:
        """Give one mail."""
        options = []
        if mail.needs_utf8:
            if not connection.has_extn("smtputf8"):
                raise MessageImpossible("the server takes no such address", problem="smtputf8")
            options = ["SMTPUTF8", "BODY=8BITMIME"]
        try:
            _expect(connection.mail(mail.sender, options), _OK, never=False)
            _expect(connection.rcpt(mail.to), _OK, _OK_FORWARDED, never=True)
            _expect(connection.docmd("DATA"), _GO_ON, never=True)
        except (OSError, smtplib.SMTPException) as error:
            raise MessageRefused("the connection was lost before the text", problem=_code_of(error)) from None
        try:
            connection.send(mail.data)
            answer = connection.getreply()
        except (OSError, smtplib.SMTPException) as error:
            raise AdapterError(
                f"the connection was lost after the text ({type(error).__name__}): it may have been sent"
            ) from None
        if not _TRANSIENT <= answer[0] < _CODES_END and answer[0] != _OK:
            raise AdapterError("the server's answer to the text is none: it may have been sent")
        _expect(answer, _OK, never=True)
        with suppress(OSError, smtplib.SMTPException):
            connection.docmd("QUIT")


@attrs.frozen(kw_only=True)
class _Mail:
    """One mail, as it is given to the server."""

    message_id: str
    sender: str
    to: str = attrs.field(repr=False)
    data: bytes = attrs.field(repr=False)
    needs_utf8: bool

    @classmethod
    def of(cls, order: SendMessage, sender: Address) -> Self:
        """Write a mail. Raises: MessageImpossible, if it cannot be one."""
        if order.to is None:
            raise MessageImpossible("a mail needs an address", problem="no_address")
        to = _read_recipient(order.to)
        needs_utf8 = not (to.username.isascii() and sender.username.isascii())
        message_id = _message_id(order.send_id, sender.domain)
        mail = EmailMessage(policy=SMTPUTF8 if needs_utf8 else SMTP)
        try:
            mail["From"], mail["To"] = sender, to
            mail["Subject"] = _one_line(order.title)
            mail["Date"] = formatdate(usegmt=True)
            mail["Message-ID"] = message_id
            mail["Auto-Submitted"] = "auto-generated"
            mail.set_content(order.text, charset="utf-8", cte="quoted-printable")
            mail["Content-Language"] = _one_line(order.language)
            data = mail.as_bytes()
        except (ValueError, LookupError, MessageError):
            raise MessageImpossible("this cannot be written as a mail", problem="header") from None
        dotted = _LINE_THAT_BEGINS_WITH_A_DOT.sub(b"..", data)
        return cls(
            message_id=message_id,
            sender=sender.addr_spec,
            to=to.addr_spec,
            data=dotted.removesuffix(b"\r\n") + b"\r\n.\r\n",
            needs_utf8=needs_utf8,
        )


def _read_sender(sender: str) -> Address:
    try:
        ((name, address),) = getaddresses([_one_line(sender)])
        found = _address(address)
        return Address(display_name=name, addr_spec=found.addr_spec)
    except (ValueError, LookupError, MessageError):
        raise ConfigurationError("MailMessenger.sender", "…", "an address, or Name <address>") from None


def _read_recipient(to: str) -> Address:
    try:
        return _address(to)
    except (ValueError, LookupError, MessageError):
        raise MessageImpossible("this is no address of one mailbox", problem="address") from None


def _address(text: str) -> Address:
    """Return one plain address, its domain as the network knows it. Raises: ValueError and others, if it is none."""
    if not text.isprintable() or any(character in text for character in " ,;<>"):
        raise ValueError("not one address")
    username, _, domain = text.rpartition("@")
    domain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    # What is outside ASCII is a letter like any other (RFC 6531): the rest must be an address.
    plain = "".join(character if character.isascii() else "x" for character in username)
    Address(addr_spec=f"{plain}@{domain}")
    return Address(username=username, domain=domain)


def _one_line(title: str) -> str:
    """Return a title. Raises: ValueError, for a line break would begin a header of somebody else's making."""
    if any(category(character) in _NOT_IN_A_HEADER for character in title):
        raise ValueError("a control character")
    return title


def _message_id(send_id: str, domain: str) -> str:
    """Return the same id for the same send."""
    plain = send_id if _PLAIN_ID.fullmatch(send_id) else sha256(send_id.encode(errors="replace")).hexdigest()
    return f"<{plain}@{domain}>"


def _expect(answer: tuple[int, bytes], *good: int, never: bool) -> None:
    """
    Go on, if the server says so.

    Raises:
        MessageImpossible: it refuses for good, what it would *never* take for this recipient.
        MessageRefused: it refuses for now; or for good, but for what is the same for all recipients.
    """
    code, text = answer
    if code in good:
        return
    kind = MessageImpossible if never and code >= _PERMANENT else MessageRefused
    raise kind("the mail server refused", problem=_problem(code, text))


def _problem(code: int, text: bytes) -> str:
    """Return the codes of an answer, without its words: those may name the address."""
    enhanced = _ENHANCED_CODE.match(text)
    return f"{code} {enhanced[0].decode('ascii')}" if enhanced else str(code)


def _code_of(error: Exception) -> str:
    """Return what is known of a failure, without its words."""
    if isinstance(error, smtplib.SMTPResponseException):
        return str(error.smtp_code)
    return type(error).__name__

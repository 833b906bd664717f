"""
A client of Asterisk's manager interface (AMI): actions with their answers, and events in their order.

Written for this, on asyncio's streams. What there was did not fit: a reconnect every two seconds for ever, also with a
wrong password; actions that were given before a lost connection are sent again after it; no bound on what the other
side sends; messages in the log.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import secrets
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import attrs

from callbackq.adapters.asterisk.ami_framing import Framer, Message, action_text
from callbackq.adapters.asterisk.ami_settings import AmiSettings
from callbackq.adapters.connection import Connection, LoginRefused
from callbackq.errors import AdapterError, TelephonyDown

logger = logging.getLogger("callbackq")

_READ_SIZE: Final = 64 * 1024
_CLOSING_S: Final = 1.0
_CLOCK_OFF_MAX_S: Final = 100 * 365 * 86_400.0
_LIST_MAX: Final = 50_000
"""A list of more entries is not waited for."""
_DIGITS: Final = re.compile(r"\d{3,}")
_VERSION: Final = re.compile(r"(?:^|[^0-9.])(\d{1,3})(?:\.\d|-|$)")
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

Take = Callable[[list[Message]], None]
"""Is given the entries of a list, before any event that came after it."""
Then = Callable[[], None]


class AmiRefused(AdapterError):
    """Asterisk understood an action, and refused it: nothing was done. The text has its words, without numbers."""


@attrs.frozen(kw_only=True)
class _Asked:
    """An action whose answer has not come."""

    answer: asyncio.Future[Message]
    entries: list[Message] | None = None
    take: Take | None = None
    then: Then | None = None


class Ami:
    """
    One connection to a manager interface, which is kept. It belongs to the loop in which it is opened.

    Args:
        settings: where it is, and who we are.
        on_event: is given each event, in the order in which they come; must return soon, and not raise.
        on_up: called when the login is through; the loop's next event comes after it.
        on_down: called when a connection that was up is lost.

    Attributes:
        version: the first number of Asterisk's version, such as 22; None while it is not known.
        clock_ahead_s: by how much Asterisk's clock is ahead of ours, in seconds.
    """

    def __init__(
        self,
        settings: AmiSettings,
        *,
        on_event: Callable[[Message], None],
        on_up: Callable[[], None],
        on_down: Callable[[], None],
        now_s: Callable[[], float],
    ) -> None:
        self._settings: Final = settings
        self._on_event: Final = on_event
        self._on_up: Final = on_up
        self._now_s: Final = now_s
        self._where: Final = f"{settings.host}:{settings.port}"
        self._connection: Final = Connection(
            "Asterisk (AMI)", self._session, went_down=on_down, waits=settings.waits
        )
        self._asked: Final[dict[str, _Asked]] = {}
        self._prefix: Final = f"callbackq-{secrets.token_hex(4)}"
        self._actions_count = 0
        self._writer: asyncio.StreamWriter | None = None
        self.version: int | None = None
        self.clock_ahead_s = 0.0

    @property
    def is_up(self) -> bool:
        """Whether it is connected and logged in."""
        return self._connection.is_up

    async def open(self) -> None:
        """
        Connect, and keep connected. A PBX that cannot be reached yet is tried again.

        Raises:
            LoginRefused: it was reached, and refused the login.
        """
        settings = self._settings
        if not settings.is_encrypted and settings.host not in _LOOPBACK:
            logger.warning("Asterisk (AMI): what goes to %s can be read on the way: use amis://", self._where)
        await self._connection.open()

    async def close(self) -> None:
        """Disconnect, and stay so."""
        await self._connection.close()

    # ------------------------------------------------------------------ actions

    async def act(self, action: str, /, *, then: Then | None = None, **headers: str) -> Message:
        """
        Give one action, and return its answer. It is given once.

        Args:
            then: called where the answer says that it was done, before any event that comes after it.
            headers: empty ones are left out.

        Raises:
            TelephonyDown: there is no connection; nothing was done.
            AmiRefused: nothing was done.
            AdapterError: no answer came in time, or the connection was lost: it may have been done.
        """
        if not self.is_up:
            raise TelephonyDown("there is no connection to Asterisk (AMI)")
        return await self._act(action, headers, then=then)

    async def read_list(self, action: str, /, *, take: Take, **headers: str) -> None:
        """
        Ask for a list, and give its entries to *take* before any event that comes after it.

        Raises:
            TelephonyDown, AmiRefused, AdapterError: as for `act`.
        """
        if not self.is_up:
            raise TelephonyDown("there is no connection to Asterisk (AMI)")
        await self._act(action, headers, take=take)

    async def _act(
        self, action: str, headers: dict[str, str], *, take: Take | None = None, then: Then | None = None
    ) -> Message:
        writer = self._writer
        if writer is None:
            raise TelephonyDown("there is no connection to Asterisk (AMI)")
        self._actions_count += 1
        action_id = f"{self._prefix}-{self._actions_count}"
        text = action_text(action, action_id, headers)
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._asked[action_id] = _Asked(answer=answer, entries=[] if take else None, take=take, then=then)
        try:
            async with asyncio.timeout(self._settings.action_time_max.total_seconds()):
                writer.write(text)
                await writer.drain()
                message = await answer
        except TimeoutError:
            raise AdapterError(f"Asterisk did not answer {action} in time: it may have been done") from None
        except OSError:
            raise AdapterError(f"the connection was lost in {action}: it may have been done") from None
        finally:
            self._asked.pop(action_id, None)
        if message.get("response").lower() == "error":
            raise AmiRefused(f"Asterisk refused {action}: {_without_numbers(message.get('message'))}")
        return message

    # ------------------------------------------------------------------ one session

    async def _session(self, came_up: Callable[[], None]) -> None:
        reader, writer = await self._connected()
        self._writer = writer
        reading = asyncio.create_task(self._read(reader))
        talking = asyncio.create_task(self._talk(came_up))
        try:
            await asyncio.wait({reading, talking}, return_when=asyncio.FIRST_COMPLETED)
            for task in (talking, reading):  # What was understood says more than a connection that ended.
                if task.done():
                    task.result()
        finally:
            self._writer = None
            for task in (reading, talking):
                task.cancel()
            self._lose_all()
            writer.close()
            await asyncio.wait({reading, talking})
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(_CLOSING_S):  # `wait_for` may forget that it was cancelled.
                    await writer.wait_closed()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        settings = self._settings
        context = None
        if settings.is_encrypted:
            context = settings.tls or ssl.create_default_context()
        try:
            async with asyncio.timeout(settings.connect_time_max.total_seconds()):
                return await asyncio.open_connection(settings.host, settings.port, ssl=context)
        except ssl.SSLCertVerificationError as error:
            raise TelephonyDown(
                f"the certificate of {self._where} is not trusted: {error.verify_message}"
            ) from None
        except ssl.SSLError as error:
            raise TelephonyDown(f"{self._where} speaks no TLS that we do ({error.reason})") from None
        except ConnectionRefusedError:
            raise TelephonyDown(
                f"{self._where} refuses the connection: is AMI enabled in manager.conf?"
            ) from None
        except TimeoutError:
            raise TelephonyDown(f"{self._where} does not answer") from None
        except OSError as error:
            raise TelephonyDown(f"{self._where} cannot be reached ({type(error).__name__})") from None

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Read until the connection ends. Raises: TelephonyDown, as an end of it."""
        framer = Framer()
        skipped_count = 0
        while True:
            try:
                data = await reader.read(_READ_SIZE)
            except OSError as error:
                raise TelephonyDown(f"it broke: {type(error).__name__}") from None
            if not data:
                raise TelephonyDown("Asterisk closed it")
            for message in framer.feed(data):
                self._heard(message)
            if framer.skipped_count > skipped_count:
                skipped_count = framer.skipped_count
                logger.warning("Asterisk (AMI): a message was longer than it can be, and is left out")

    async def _talk(self, came_up: Callable[[], None]) -> None:
        """Log in, and then ask now and then whether the other side still hears."""
        settings = self._settings
        try:
            async with asyncio.timeout(settings.connect_time_max.total_seconds()):
                await self._log_in()
        except TimeoutError:
            raise TelephonyDown(f"{self._where} does not answer the login") from None
        await self._learn_version()
        await self._ping()
        came_up()
        self._on_up()
        while True:
            await asyncio.sleep(settings.heartbeat.total_seconds())
            await self._ping()

    async def _log_in(self) -> None:
        settings = self._settings
        headers = {"Username": settings.username, "Secret": settings.secret}
        try:
            if not settings.is_encrypted:
                challenge = (await self._act("Challenge", {"AuthType": "MD5"})).get("challenge")
                both = f"{challenge}{settings.secret}".encode()
                key = hashlib.md5(both, usedforsecurity=False).hexdigest()
                headers = {"AuthType": "MD5", "Username": settings.username, "Key": key}
            await self._act("Login", headers)
        except AmiRefused:
            raise LoginRefused(
                f"{self._where} refused the login of {settings.username!r}: "
                "check the name, its secret, and deny and permit in manager.conf"
            ) from None

    async def _learn_version(self) -> None:
        try:
            settings = await self._act("CoreSettings", {})
        except AmiRefused:
            logger.warning("Asterisk (AMI): no CoreSettings: give the user write=reporting in manager.conf")
            return
        self.version = version_of(settings.get("AsteriskVersion"))

    async def _ping(self) -> None:
        """Raises: TelephonyDown, if no answer comes."""
        try:
            pong = await self._act("Ping", {})
        except AmiRefused:
            return
        except AdapterError:
            raise TelephonyDown("Asterisk answers no more") from None
        self._learn_clock(pong.get("timestamp"))

    def _learn_clock(self, text: str) -> None:
        with suppress(ValueError):
            ahead_s = float(text) - self._now_s()
            if abs(ahead_s) < _CLOCK_OFF_MAX_S:  # Neither `nan` nor `inf` is.
                self.clock_ahead_s = ahead_s

    # ------------------------------------------------------------------ what comes

    def _heard(self, message: Message) -> None:
        asked = self._asked.get(message.get("actionid"))
        if asked is None:
            if message.event:
                self._on_event(message)
            return
        if asked.answer.done():
            return
        if asked.entries is None or asked.take is None or message.get("response").lower() == "error":
            if message.get("response"):
                if asked.then is not None and message.get("response").lower() == "success":
                    asked.then()
                asked.answer.set_result(message)
        elif message.get("eventlist").lower() == "complete":
            try:
                asked.take(asked.entries)
            except Exception as error:  # The connection is none the worse.
                asked.answer.set_exception(error)
            else:
                asked.answer.set_result(message)
        elif message.event:
            asked.entries.append(message)
            if len(asked.entries) > _LIST_MAX:
                asked.answer.set_exception(AdapterError("a list of Asterisk has no end"))

    def _lose_all(self) -> None:
        for asked in self._asked.values():
            if not asked.answer.done():
                asked.answer.set_exception(AdapterError("the connection was lost: it may have been done"))
                asked.answer.exception()  # Its awaiter may have gone.
        self._asked.clear()


def version_of(text: str) -> int | None:
    """
    Return the first number of a version of Asterisk; None for one that has none, such as a branch.

    >>> (
    ...     version_of("22.10.1"),
    ...     version_of("certified/18.9-cert5"),
    ...     version_of("GIT-20-1a2b3c4"),
    ...     version_of("x"),
    ... )
    (22, 18, 20, None)
    """
    found = _VERSION.search(text)
    return int(found[1]) if found else None


def _without_numbers(text: str) -> str:
    """Return what Asterisk says, short, and without anything that could be a phone number."""
    shown = _DIGITS.sub("…", "".join(sign for sign in text if sign.isprintable()))
    return shown[:160] or "it does not say why"

"""`EslClient`: a connection to the event socket that is kept, commands with their replies, and events, each once."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final
from uuid import uuid4

from callbackq.adapters.connection import Connection, LoginRefused
from callbackq.adapters.freeswitch.framing import (
    EVENT_JSON,
    EVENT_PLAIN,
    Event,
    Framing,
    Message,
    NotUnderstood,
    read_event,
)
from callbackq.adapters.freeswitch.settings import EslSettings
from callbackq.adapters.freeswitch.words import one_line
from callbackq.adapters.legs import Seen
from callbackq.errors import TelephonyDown

logger = logging.getLogger("callbackq")

EVENTS: Final = (
    "CHANNEL_CREATE CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA CHANNEL_ANSWER CHANNEL_PARK CHANNEL_BRIDGE "
    "CHANNEL_UNBRIDGE CHANNEL_EXECUTE_COMPLETE CHANNEL_HANGUP CHANNEL_HANGUP_COMPLETE PLAYBACK_STOP DTMF "
    "BACKGROUND_JOB SHUTDOWN CUSTOM callcenter::info avmd::beep"
)
_READ_SIZE: Final = 64 * 1024
_GOING_DOWN_S: Final = 2.0
"""A FreeSWITCH that is being shut down takes connections for 1.2 s more (measured): it is left alone meanwhile."""
_REPLIES: Final = frozenset({"command/reply", "api/response"})


class ReplyLost(TelephonyDown):
    """The connection was lost, or nothing came in time, after a command was sent: it may have been done."""


class _GoingDown(TelephonyDown):
    """It hangs up all calls now, and still takes commands: what it were given would be lost."""


class EslClient:
    """
    Speaks with FreeSWITCH. It belongs to the loop in which it was opened.

    Args:
        heard: is given each event, once, but the results of jobs. What it raises is logged by its type.
        prepare: is awaited when the connection is there and events come, before it counts as up.
        went_up, went_down: are told when it is up, and when it is no more.
        chance: for the waits between tries.
    """

    def __init__(
        self,
        settings: EslSettings,
        *,
        heard: Callable[[Event], None],
        went_up: Callable[[], None],
        went_down: Callable[[], None],
        chance: random.Random | None = None,
    ) -> None:
        self._settings: Final = settings
        self._heard: Final = heard
        self._went_up: Final = went_up
        self._seen: Final = Seen()
        self._line: _Line | None = None
        self._is_open = False
        self._rest_s = 0.0
        self._connection: Final = Connection(
            f"FreeSWITCH ({settings.host}:{settings.port})",
            self._session,
            went_down=went_down,
            waits=settings.waits,
            chance=chance,
        )

    @property
    def is_up(self) -> bool:
        """Whether commands can be given."""
        return self._connection.is_up and self._line is not None

    @property
    def is_open(self) -> bool:
        """Whether it was opened, and not closed since."""
        return self._is_open

    async def open(self) -> None:
        """Connect, and stay connected. Raises: LoginRefused: the password, or this machine, is not welcome."""
        self._is_open = True
        try:
            await self._connection.open()
        except BaseException:
            self._is_open = False
            raise

    async def close(self) -> None:
        """Hang up on FreeSWITCH; calls go on."""
        self._is_open = False
        await self._connection.close()

    async def api(self, command: str) -> str:
        """
        Give a command, and return what it said, such as `+OK` or `-ERR No such channel!`.

        Raises:
            ReplyLost: it may have been done.
            TelephonyDown: there is no connection; nothing was done.
        """
        return (await self._up().ask(f"api {one_line(command)}")).text.strip()

    async def job(self, command: str) -> asyncio.Future[str]:
        """
        Give a command that takes its time; return, once it was taken, what will have its result.

        The result raises ReplyLost where the connection was lost before it came.

        Raises:
            ReplyLost: it may have been taken.
            TelephonyDown: there is no connection; or it was not taken. Nothing was done.
        """
        line = self._up()
        job_id = str(uuid4())
        result = line.expect(job_id)
        try:
            reply = (await line.ask(f"bgapi {one_line(command)}\nJob-UUID: {job_id}")).reply
        except BaseException:
            line.expect_no_more(job_id)
            raise
        if reply.startswith("-"):
            line.expect_no_more(job_id)
            raise TelephonyDown(f"FreeSWITCH takes no jobs: {reply[:80]}")
        return result

    # ------------------------------------------------------------------ inside

    def _up(self) -> _Line:
        if self._line is None:
            raise TelephonyDown("no connection to FreeSWITCH")
        return self._line

    async def _session(self, came_up: Callable[[], None]) -> None:
        rest_s, self._rest_s = self._rest_s, 0.0
        await asyncio.sleep(rest_s)
        line = await self._connected()
        tasks = [asyncio.create_task(line.pump())]
        try:
            await line.log_in(self._settings.password)
            await line.ask(f"event json {EVENTS}")
            self._line = line
            came_up()
            self._went_up()
            tasks.append(asyncio.create_task(line.beat(self._settings.heartbeat.total_seconds())))
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            raise line.why_over()
        except LoginRefused:
            raise
        except TelephonyDown as error:
            raise line.why_over(error) from None
        finally:
            self._line = None
            self._rest_s = _GOING_DOWN_S if isinstance(line.why_over(), _GoingDown) else 0.0
            line.close()  # Before anything is awaited: who closes the client may cancel this.
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await line.closed()

    async def _connected(self) -> _Line:
        settings = self._settings
        time_max_s = settings.request_time_max.total_seconds()
        try:
            async with asyncio.timeout(time_max_s):
                reader, writer = await asyncio.open_connection(settings.host, settings.port)
        except (OSError, TimeoutError) as error:
            raise TelephonyDown(
                f"nobody takes the connection ({type(error).__name__}): is FreeSWITCH running, with mod_event_socket "
                "loaded, and does it listen there?"
            ) from None
        return _Line(reader, writer, time_max_s=time_max_s, heard=self._take)

    def _take(self, event: Event) -> None:
        mark = event["Event-Sequence"]
        if mark and not self._seen.is_new((event["Core-UUID"], mark)):
            return
        try:
            self._heard(event)
        except Exception as error:
            logger.error(  # noqa: TRY400 - a traceback may hold a number
                "FreeSWITCH: %s was not understood: %s", event.name, type(error).__name__
            )


class _Line:
    """One connection, from its beginning to its end."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        time_max_s: float,
        heard: Callable[[Event], None],
    ) -> None:
        self._reader: Final = reader
        self._writer: Final = writer
        self._time_max_s: Final = time_max_s
        self._heard: Final = heard
        self._asked: Final[deque[asyncio.Future[Message]]] = deque()
        self._jobs: Final[dict[str, asyncio.Future[str]]] = {}
        self._greeting: Final[asyncio.Future[Message]] = asyncio.get_running_loop().create_future()
        self._why: TelephonyDown | None = None

    def why_over(self, error: TelephonyDown | None = None) -> TelephonyDown:
        """Return why the connection is over, in words for the log; *error*, if nobody knows better."""
        return self._why or error or TelephonyDown("it is over")

    async def log_in(self, password: str) -> None:
        greeting = await self._in_time(self._greeting)
        if greeting.kind == "text/rude-rejection":
            raise LoginRefused("it refuses this machine: see apply-inbound-acl in event_socket.conf.xml")
        if greeting.kind != "auth/request":
            raise NotUnderstood("whoever listens there is no event socket")
        reply = (await self.ask(f"auth {password}")).reply
        if not reply.startswith("+OK"):
            raise LoginRefused(
                "it is another password: see event_socket.conf.xml, and CALLBACKQ_ESL_PASSWORD"
            )

    async def ask(self, command: str) -> Message:
        """Send a command and return its reply. Replies come in the order of the commands."""
        if self._why is not None:
            raise TelephonyDown("no connection to FreeSWITCH")
        reply: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._asked.append(reply)
        self._writer.write(f"{command}\n\n".encode())
        return await self._in_time(reply)

    def expect(self, job_id: str) -> asyncio.Future[str]:
        result: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        result.add_done_callback(_forgive)
        self._jobs[job_id] = result
        return result

    def expect_no_more(self, job_id: str) -> None:
        self._jobs.pop(job_id, None)

    async def pump(self) -> None:
        """Read until the connection is over."""
        framing = Framing()
        try:
            while data := await self._reader.read(_READ_SIZE):
                for message in framing.feed(data):
                    self._take(message)
            self._lose(TelephonyDown("FreeSWITCH has closed it"))
        except TelephonyDown as error:
            self._lose(error)
        except OSError as error:
            self._lose(TelephonyDown(f"it broke ({type(error).__name__})"))

    async def beat(self, every_s: float) -> None:
        """Ask now and then for a sign of life: a machine that is gone says nothing of it."""
        with suppress(TelephonyDown):
            while True:
                await asyncio.sleep(every_s)
                await self.ask("api uuid_exists callbackq")

    def close(self) -> None:
        self._lose(TelephonyDown("we have ended it"))
        self._writer.close()

    async def closed(self) -> None:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(1.0):
                await self._writer.wait_closed()

    def _take(self, message: Message) -> None:
        if message.kind in (EVENT_JSON, EVENT_PLAIN):
            self._take_event(read_event(message.kind, message.body))
        elif message.kind in _REPLIES:
            if not self._asked:
                raise NotUnderstood("a reply to nothing that was asked")
            reply = self._asked.popleft()
            if not reply.done():
                reply.set_result(message)
        elif message.kind == "text/disconnect-notice":
            raise TelephonyDown("FreeSWITCH has ended it")
        elif not self._greeting.done():
            self._greeting.set_result(message)

    def _take_event(self, event: Event) -> None:
        if event.name == "SHUTDOWN":
            raise _GoingDown("FreeSWITCH is being shut down")
        if event.name != "BACKGROUND_JOB":
            self._heard(event)
            return
        result = self._jobs.pop(event["Job-UUID"], None)
        if result is not None and not result.done():
            result.set_result(event.body.strip())

    async def _in_time(self, reply: asyncio.Future[Message]) -> Message:
        try:
            async with asyncio.timeout(self._time_max_s):
                return await reply
        except TimeoutError:
            # The next reply would be taken for this one's: the connection is of no use any more.
            silent = ReplyLost(f"FreeSWITCH said nothing for {self._time_max_s:g} s")
            self._lose(silent)
            self._writer.close()
            raise silent from None

    def _lose(self, why: TelephonyDown) -> None:
        """Tell whoever waits that nothing will come."""
        self._why = self._why or why
        waiting: list[asyncio.Future[Any]] = [self._greeting, *self._asked, *self._jobs.values()]
        self._asked.clear()
        self._jobs.clear()
        for future in waiting:
            if not future.done():
                future.set_exception(ReplyLost("the connection to FreeSWITCH was lost"))
                future.add_done_callback(_forgive)


def _forgive(future: asyncio.Future[Message] | asyncio.Future[str]) -> None:
    """Look at the error of a result that nobody may wait for, so that nobody complains of it."""
    if not future.cancelled():
        future.exception()

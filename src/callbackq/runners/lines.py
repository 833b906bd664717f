"""
Performs effects side by side in one event loop: those of one attempt in order, those of different attempts at once.

An effect waits for what was given out before it in its lines: the one of its attempt, live call or notice, and the
one of the agent whom it reserves or releases; a message for those of its callback and of its address. A call of the
host's code that takes longer than it may leaves its lines: it is named in the log, its leg or message counts as
uncertain, and the next effect has its turn. A coroutine is cancelled then. Nobody can end a thread; when the call
comes back after all, its result is dealt with.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, Protocol, TypeVar, cast

import attrs

from callbackq.aio import finish
from callbackq.effects import (
    Bridge,
    ConnectCall,
    Dial,
    Effect,
    LookUp,
    Notice,
    ReleaseAgent,
    ReserveAgent,
    SendMessage,
)
from callbackq.errors import ConfigurationError
from callbackq.ids import AttemptId, LegId
from callbackq.ports import AsyncNotices, AsyncTelephony
from callbackq.runners.hands import Act, Done, WhenLate, is_meant_for_the_process
from callbackq.runners.performing import Performing
from callbackq.runners.sending import Messengers
from callbackq.runners.threads import DaemonThreads, Pools
from callbackq.service import CallbackService

logger = logging.getLogger("callbackq")

R = TypeVar("R")

_DAY: Final = timedelta(days=1)
_THREADS_MAX: Final = 1_000
MESSAGES_MAX: Final = 200
"""With so many messages under way, no more are given out on this node."""
_LEGS_KNOWN_MAX: Final = 65_536
"""So many legs are known by their attempt. One that was forgotten is a line of its own."""
_LOOK_UP: Final = "look up"


class Ask(Protocol):
    """Gives a command to the service, in one thread, so that the loop never waits for a flush."""

    def __call__(self, command: Callable[[], R], /) -> Awaitable[R]:
        """Return what the command returns, when it is awaited."""
        ...


@attrs.frozen(kw_only=True)
class Host:
    """What runners are given: the host's code, and how long and how often it may block. Checked when built."""

    telephony: AsyncTelephony
    notices: AsyncNotices | None
    messengers: Messengers
    idle_max: timedelta
    call_time_max: timedelta
    threads_max: int

    def __attrs_post_init__(self) -> None:
        for field in ("idle_max", "call_time_max"):
            value: timedelta = getattr(self, field)
            if not timedelta(0) < value <= _DAY:
                raise ConfigurationError(field, value, f"more than zero, at most {_DAY}")
        if not 1 <= self.threads_max <= _THREADS_MAX:
            raise ConfigurationError("threads_max", self.threads_max, f"1 to {_THREADS_MAX:,}")


async def in_thread(threads: DaemonThreads, call: Callable[[], R]) -> R:
    """Await a call in another thread. Who is cancelled takes nothing back: the call is made, or goes on."""
    future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
    threads.submit(partial(finish, partial(_in_a_thread_of_ours, call), future))
    return await future


def _in_a_thread_of_ours(call: Callable[[], R]) -> R:
    """Let nothing through that asks the process to end: from here it would only end the loop that waits."""
    try:
        return call()
    except BaseException as error:
        if is_meant_for_the_process(error):
            raise RuntimeError(f"{type(error).__name__} in a thread of a runner") from error
        raise


# ---------------------------------------------------------------------------- the lines


@attrs.frozen(eq=False)
class _Place:
    """Where one effect stands."""

    keys: tuple[str, ...]
    is_message: bool = False
    over: asyncio.Event = attrs.field(factory=asyncio.Event)


class Lines:
    """
    Performs effects in the event loop that is running. All methods must be called in its thread.

    Args:
        ask: how commands reach the service.
        pools: where methods that block are called.
        owns_loop: the loop is the runner's own: what asks the process to end must not end that loop.
        lost: is told that the telephony could not be reached.
    """

    def __init__(
        self,
        service: CallbackService,
        host: Host,
        *,
        ask: Ask,
        pools: Pools,
        owns_loop: bool,
        lost: Callable[[datetime], None],
    ) -> None:
        self.ask: Final = ask
        self.owns_loop: Final = owns_loop
        self.call_time_max_s: Final = host.call_time_max.total_seconds()
        self._pools: Final = pools
        self._slots_of_calls: Final = asyncio.Semaphore(host.threads_max)
        self._slots_of_messages: Final = asyncio.Semaphore(host.threads_max)
        self._service: Final = service
        self._host: Final = host
        self._lost: Final = lost
        self._tasks: Final = set[asyncio.Task[Any]]()
        self._tails: Final = dict[str, _Place]()
        self._attempt_of: Final = dict[LegId, AttemptId]()
        self._looked_up_count = 0
        self._under_way: Final = set[_Place]()
        self._messages_count = 0
        self._idle: Final = asyncio.Event()
        self._calm: Final = asyncio.Event()
        self._look_whether_idle()

    @property
    def has_enough_messages(self) -> bool:
        """Whether more messages would only wait here: given out, they would be uncertain if this process died."""
        return self._messages_count >= MESSAGES_MAX

    def add(self, effects: Iterable[Effect], attempt_id: AttemptId | None = None) -> None:
        """
        Perform effects, each when it is its turn; returns at once.

        Args:
            attempt_id: the attempt that they are of, where that is known.
        """
        for effect in effects:
            place = _Place(self._keys(effect, attempt_id), is_message=isinstance(effect, SendMessage))
            performing = self.performing(partial(self._leave, place))
            if not performing.can(effect):
                continue
            before = [self._tails[key].over for key in place.keys if key in self._tails]
            self._tails.update(dict.fromkeys(place.keys, place))
            self._enter(place)
            task = self.start(self._in_turn(performing, effect, before))
            task.add_done_callback(partial(self._task_over, place))

    def performing(self, leave: Callable[[], None]) -> Performing:
        """Return the programs, for one effect that leaves its lines by *leave* when it takes too long."""
        return Performing(
            self._service,
            self._host.telephony,
            notices=self._host.notices,
            messengers=self._host.messengers,
            hands=_Hands(self, leave),
            follow=self.add,
            lost=self._lost,
            dial_time_max=self._host.call_time_max,
        )

    def start(self, work: Coroutine[Any, Any, R]) -> asyncio.Task[R]:
        """Begin a task that is kept until it is over."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @contextmanager
    def held(self) -> Generator[None]:
        """Count as not drained: what is done inside may bring effects."""
        place = _Place(())
        self._enter(place)
        try:
            yield
        finally:
            self._leave(place)

    async def drained(self, *, timeout_s: float) -> bool:
        """Wait until no effect is left in any line, but no longer than that; say whether it came about."""
        return await _came(self._idle, timeout_s)

    async def calm(self, *, timeout_s: float) -> bool:
        """Wait as `drained` does, but for no message: what is sent has nothing to do with legs."""
        return await _came(self._calm, timeout_s)

    def threads(self, act: Act) -> DaemonThreads:
        """Return where this call is made, if it may block."""
        return self._pools.messages if act.is_message else self._pools.calls

    def slots(self, act: Act) -> asyncio.Semaphore:
        """Return what is held meanwhile."""
        return self._slots_of_messages if act.is_message else self._slots_of_calls

    async def close(self, *, timeout_s: float) -> None:
        """Cancel all that is left, and wait a little for it to be over. Calls in threads are left to themselves."""
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=timeout_s)

    async def _in_turn(self, performing: Performing, effect: Effect, before: Iterable[asyncio.Event]) -> None:
        looked_up_count = self._looked_up_count
        for over in before:
            await over.wait()
        if isinstance(effect, LookUp):
            if looked_up_count != self._looked_up_count:
                return  # Another one has asked since this was given out, and for all attempts.
            self._looked_up_count += 1
        try:
            await performing.one(effect)
        except Exception as error:
            # The type only: an error's text may hold a number.
            logger.error("an effect failed, the runner goes on: %s", type(error).__name__)  # noqa: TRY400

    def _task_over(self, place: _Place, _task: asyncio.Task[None]) -> None:
        self._leave(place)

    def _leave(self, place: _Place) -> None:
        """Let the next one have its turn."""
        place.over.set()
        if place in self._under_way:
            self._under_way.discard(place)
            self._messages_count -= place.is_message
        for key in place.keys:
            if self._tails.get(key) is place:
                del self._tails[key]
        self._look_whether_idle()

    def _enter(self, place: _Place) -> None:
        self._under_way.add(place)
        self._messages_count += place.is_message
        self._look_whether_idle()

    def _look_whether_idle(self) -> None:
        count = len(self._under_way)
        for event, is_so in ((self._idle, not count), (self._calm, count == self._messages_count)):
            if is_so:
                event.set()
            else:
                event.clear()

    def _keys(self, effect: Effect, attempt_id: AttemptId | None) -> tuple[str, ...]:
        """Return the lines in which an effect stands."""
        match effect:
            case SendMessage():
                about = effect.callback_id or effect.message_id
                return (about,) if effect.to is None else (about, f"to {effect.to}")
            case Notice():
                return (effect.notice_id,)
            case ConnectCall():
                return (effect.call_id,)
            case ReserveAgent() | ReleaseAgent():
                return effect.attempt_id, f"agent {effect.agent_id}"
            case Dial():
                self._know(effect.leg_id, effect.attempt_id)
                return (effect.attempt_id,)
            case Bridge():
                return (effect.attempt_id,)
            case LookUp():
                return (_LOOK_UP,)
            case _:
                return (attempt_id or self._attempt_of.get(effect.leg_id) or effect.leg_id,)

    def _know(self, leg_id: LegId, attempt_id: AttemptId) -> None:
        self._attempt_of[leg_id] = attempt_id
        if len(self._attempt_of) > _LEGS_KNOWN_MAX:
            del self._attempt_of[next(iter(self._attempt_of))]


async def _came(event: asyncio.Event, timeout_s: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), timeout_s)
    except TimeoutError:
        return False
    return True


# ---------------------------------------------------------------------------- the hands


def _is_awaited(act: Act) -> bool:
    """Whether the method says of itself that it must be awaited. Any other one may block."""
    method: object = getattr(act.owner, act.method, None)
    called: object = getattr(type(method), "__call__", None)  # noqa: B004
    return inspect.iscoroutinefunction(method) or inspect.iscoroutinefunction(called)


class _Call:
    """
    One call of the host's code: in a thread, or awaited, or first the one and then the other. It never raises.

    Attributes:
        task: its end.
    """

    def __init__(self, act: Act, lines: Lines) -> None:
        self._act: Final = act
        self._lines: Final = lines
        self._awaiting: asyncio.Task[Done] | None = None
        self.task: Final = lines.start(self._run())

    def give_up(self) -> None:
        """Cancel what can be cancelled."""
        if self._awaiting is not None:
            self._awaiting.cancel()

    async def _run(self) -> Done:
        act = self._act
        done = _called(act) if _is_awaited(act) else await self._in_thread()
        if done.error is not None or not isinstance(done.value, Awaitable):
            return done
        self._awaiting = self._lines.start(self._awaited(cast("Awaitable[object]", done.value)))
        await asyncio.wait({self._awaiting})
        if self._awaiting.cancelled():  # Before it had begun.
            return Done(error=asyncio.CancelledError())
        return self._awaiting.result()

    async def _in_thread(self) -> Done:
        try:
            return await in_thread(self._lines.threads(self._act), partial(_called, self._act))
        except RuntimeError as error:  # There can be no more threads.
            return Done(error=error)

    async def _awaited(self, value: Awaitable[object]) -> Done:
        try:
            return Done(value=await value)
        except (KeyboardInterrupt, SystemExit) as error:
            if not self._lines.owns_loop:
                raise
            return Done(error=error)
        except GeneratorExit:
            raise
        except BaseException as error:
            return Done(error=error)


def _called(act: Act) -> Done:
    try:
        return Done(value=act.call())
    except BaseException as error:  # Nothing in a thread can ask the process to end.
        return Done(error=error)


class _Hands:
    """The hands of one effect."""

    def __init__(self, lines: Lines, leave: Callable[[], None]) -> None:
        self._lines: Final = lines
        self._leave: Final = leave

    async def ask(self, command: Callable[[], R]) -> R:
        return await self._lines.ask(command)

    def turn(self, act: Act) -> AbstractAsyncContextManager[None]:
        return nullcontext() if _is_awaited(act) else self._lines.slots(act)

    async def act(self, act: Act, *, when_late: WhenLate | None = None) -> Done:
        call = _Call(act, self._lines)
        time_max_s = self._lines.call_time_max_s if act.time_max is None else act.time_max.total_seconds()
        await asyncio.wait({call.task}, timeout=time_max_s)
        if not call.task.done():
            logger.warning("late: %s of %s takes more than %g s", act.method, act.which, time_max_s)
            if when_late is not None:
                await when_late()
            self._leave()
            call.give_up()
            await asyncio.wait({call.task})
        return call.task.result()

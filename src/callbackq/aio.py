"""
The same names, awaited. No code is written twice: each name here is the method of the service, run in one thread.

Commands that are awaited together share a hop: one thread belongs to the service, and takes all that has piled up.
The event loop never waits for a flush.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import islice
from threading import Lock
from types import TracebackType
from typing import Any, Concatenate, Final, Generic, ParamSpec, Self, TypeVar, overload

from callbackq.dispatcher import Dispatcher
from callbackq.service import CallbackService

P = ParamSpec("P")
R = TypeVar("R")
Owner = TypeVar("Owner")
_LINES_TOGETHER: Final = 1_000


class _Hop:
    """One thread, and what waits for it."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="callbackq-aio")
        self._waiting: deque[tuple[Callable[[], Any], asyncio.Future[Any]]] = deque()
        self._lock = Lock()
        self._draining = False
        self._closed = False

    def run(self, call: Callable[[], R]) -> asyncio.Future[R]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        with self._lock:
            if self._closed:
                raise RuntimeError("this AsyncCallbackService is closed")
            self._waiting.append((call, future))
            if not self._draining:
                self._draining = True
                self._executor.submit(self._drain)
        return future

    def _drain(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._draining = False
                    return
                batch = list(self._waiting)
                self._waiting.clear()
            for call, future in batch:
                finish(call, future)

    def close(self) -> None:
        with self._lock:
            self._closed = True
        self._executor.shutdown(wait=True)


def finish(call: Callable[[], R], future: asyncio.Future[R]) -> None:
    """
    Make a call in this thread for a future of a loop in another one.

    It is made though its awaiter may have gone: what was asked for is done or refused, never half.
    """
    try:
        result = call()
    except BaseException as error:
        if isinstance(error, StopIteration):  # A future cannot hold one.
            error = RuntimeError("a command raised StopIteration")
        _hand_over(future, future.set_exception, error)
    else:
        _hand_over(future, future.set_result, result)


def _hand_over(future: asyncio.Future[Any], setter: Callable[[Any], None], value: object) -> None:
    def set_unless_gone() -> None:
        if not future.done():
            setter(value)

    with suppress(RuntimeError):  # The loop is closed: nobody waits any more.
        future.get_loop().call_soon_threadsafe(set_unless_gone)


class _Awaited(Generic[Owner, P, R]):
    """A method of the synchronous class, under the same name, as a coroutine function."""

    def __init__(self, method: Callable[Concatenate[Owner, P], R]) -> None:
        self._method = method
        self.__doc__ = method.__doc__
        self.__wrapped__ = method

    def __call__(self, face: _Face[Owner], *args: P.args, **kwargs: P.kwargs) -> Awaitable[R]:
        method = self._method
        return face.hop.run(lambda: method(face.sync, *args, **kwargs))

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, instance: _Face[Owner], owner: type[Any]) -> Callable[P, Awaitable[R]]: ...
    def __get__(self, instance: _Face[Owner] | None, owner: type[Any]) -> Self | Callable[P, Awaitable[R]]:
        if instance is None:
            return self
        return partial(self, instance)


class _Face(Generic[Owner]):
    def __init__(self, sync: Owner, hop: _Hop) -> None:
        self.sync: Final = sync
        self.hop: Final = hop


class AsyncCallbackService(_Face[CallbackService]):
    """
    `CallbackService` for asyncio hosts: the same methods, the same arguments and errors, awaited.

    Args:
        service: the synchronous service. It can be used beside this one.

    A coroutine that is cancelled does not take its command back: the command is done or refused all the same, so
    after a cancellation read before asking again, or ask with the same request key.

    Use it as an async context manager, or call `close`.
    """

    def __init__(self, service: CallbackService) -> None:
        super().__init__(service, _Hop())

    call_joined = _Awaited(CallbackService.call_joined)
    call_left = _Awaited(CallbackService.call_left)
    call_returned = _Awaited(CallbackService.call_returned)
    call_served = _Awaited(CallbackService.call_served)
    resync_calls = _Awaited(CallbackService.resync_calls)
    offer = _Awaited(CallbackService.offer)
    offer_declined = _Awaited(CallbackService.offer_declined)
    choice_of = _Awaited(CallbackService.choice_of)
    request = _Awaited(CallbackService.request)
    request_spoken = _Awaited(CallbackService.request_spoken)
    customer_zone = _Awaited(CallbackService.customer_zone)
    request_many = _Awaited(CallbackService.request_many)
    cancel = _Awaited(CallbackService.cancel)
    receipt = _Awaited(CallbackService.receipt)
    prioritize = _Awaited(CallbackService.prioritize)
    prioritize_call = _Awaited(CallbackService.prioritize_call)
    put_first = _Awaited(CallbackService.put_first)
    move = _Awaited(CallbackService.move)
    move_call = _Awaited(CallbackService.move_call)
    merge = _Awaited(CallbackService.merge)
    rerank = _Awaited(CallbackService.rerank)
    pause = _Awaited(CallbackService.pause)
    resume = _Awaited(CallbackService.resume)
    get = _Awaited(CallbackService.get)
    position = _Awaited(CallbackService.position)
    call_position = _Awaited(CallbackService.call_position)
    explain = _Awaited(CallbackService.explain)
    history = _Awaited(CallbackService.history)
    line = _Awaited(CallbackService.line)
    control = _Awaited(CallbackService.control)
    context = _Awaited(CallbackService.context)
    call = _Awaited(CallbackService.call)
    call_history = _Awaited(CallbackService.call_history)
    agent = _Awaited(CallbackService.agent)
    agent_history = _Awaited(CallbackService.agent_history)
    queue_history = _Awaited(CallbackService.queue_history)
    rates = _Awaited(CallbackService.rates)
    quotes = _Awaited(CallbackService.quotes)
    overtakes = _Awaited(CallbackService.overtakes)
    agent_available = _Awaited(CallbackService.agent_available)
    agent_unavailable = _Awaited(CallbackService.agent_unavailable)
    report = _Awaited(CallbackService.report)
    leg_is_wanted = _Awaited(CallbackService.leg_is_wanted)
    reconcile = _Awaited(CallbackService.reconcile)
    settle = _Awaited(CallbackService.settle)
    set_disposition = _Awaited(CallbackService.set_disposition)
    call_now = _Awaited(CallbackService.call_now)
    mark_done = _Awaited(CallbackService.mark_done)
    change_number = _Awaited(CallbackService.change_number)
    report_score = _Awaited(CallbackService.report_score)
    slots = _Awaited(CallbackService.slots)
    free_slots = _Awaited(CallbackService.free_slots)
    hold_slot = _Awaited(CallbackService.hold_slot)
    release_slot = _Awaited(CallbackService.release_slot)
    reschedule = _Awaited(CallbackService.reschedule)
    booked = _Awaited(CallbackService.booked)
    booking = _Awaited(CallbackService.booking)
    crowded_slots = _Awaited(CallbackService.crowded_slots)
    punctuality = _Awaited(CallbackService.punctuality)
    expected_between = _Awaited(CallbackService.expected_between)
    keep_wall_clock = _Awaited(CallbackService.keep_wall_clock)
    callbacks_of = _Awaited(CallbackService.callbacks_of)
    send_code = _Awaited(CallbackService.send_code)
    enter_code = _Awaited(CallbackService.enter_code)
    set_preferences = _Awaited(CallbackService.set_preferences)
    preferences = _Awaited(CallbackService.preferences)
    opt_out = _Awaited(CallbackService.opt_out)
    opt_in = _Awaited(CallbackService.opt_in)
    opted_out = _Awaited(CallbackService.opted_out)
    message_is_wanted = _Awaited(CallbackService.message_is_wanted)
    delivery = _Awaited(CallbackService.delivery)
    message_received = _Awaited(CallbackService.message_received)
    settle_message = _Awaited(CallbackService.settle_message)
    message = _Awaited(CallbackService.message)
    messages_of = _Awaited(CallbackService.messages_of)
    uncertain_messages = _Awaited(CallbackService.uncertain_messages)
    link_token = _Awaited(CallbackService.link_token)
    open_link = _Awaited(CallbackService.open_link)
    erase = _Awaited(CallbackService.erase)
    prune = _Awaited(CallbackService.prune)
    verify_history = _Awaited(CallbackService.verify_history)
    history_heads = _Awaited(CallbackService.history_heads)

    async def export_history(self, *, after: int = 0) -> AsyncIterator[str]:
        """
        Give the history out as `CallbackService.export_history` does: `async for line in service.export_history()`.

        It is read in the service's thread, 1,000 lines at a time; other commands are done in between.
        """
        lines = await self.hop.run(lambda: self.sync.export_history(after=after))
        while some := await self.hop.run(lambda: list(islice(lines, _LINES_TOGETHER))):
            for line in some:
                yield line

    def dispatcher(self, dispatcher: Dispatcher) -> AsyncDispatcher:
        """Return *dispatcher*, awaited, in the same thread."""
        return AsyncDispatcher(dispatcher, self.hop)

    async def close(self) -> None:
        """Finish what was asked for, and let go of the thread. The store stays open."""
        await asyncio.get_running_loop().run_in_executor(None, self.hop.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class AsyncDispatcher(_Face[Dispatcher]):
    """`Dispatcher`, awaited. Get one from `AsyncCallbackService.dispatcher`."""

    step = _Awaited(Dispatcher.step)
    next_wakeup = _Awaited(Dispatcher.next_wakeup)

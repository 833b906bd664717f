"""
The same names, awaited. No code is written twice: each name here is the method of the service, run in one thread.

Commands that are awaited together share a hop: one thread belongs to the service, and takes all that has piled up.
Where the store can (`ports.CanShareFlushes`), they share a flush too: an awaiter goes on when its rows are on the disk.
The event loop never waits for a flush.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from functools import partial
from itertools import islice, zip_longest
from threading import Lock
from types import TracebackType
from typing import Any, Concatenate, Final, Generic, NamedTuple, ParamSpec, Self, TypeVar, overload

from callbackq.dispatcher import Dispatcher
from callbackq.model.figures import FiguresReport, Grain, HostFigures
from callbackq.ports import CanShareFlushes, ListedT, Store
from callbackq.service import CallbackService
from callbackq.service.base import ServiceBase
from callbackq.service.figures import Progress, next_step

P = ParamSpec("P")
R = TypeVar("R")
Owner = TypeVar("Owner")
OwnerT_co = TypeVar("OwnerT_co", covariant=True)
_LINES_TOGETHER: Final = 1_000
_SHARED_MAX: Final = 64
"""So many commands share a flush: the first of them waits for the last."""


class _Asked(NamedTuple):
    """A call that waits for the thread, and who waits for it."""

    call: Callable[[], Any]
    future: asyncio.Future[Any]
    shares: bool


class _Hop:
    """One thread, and what waits for it."""

    def __init__(self, store: Store) -> None:
        self._store = store if isinstance(store, CanShareFlushes) else None
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="callbackq-aio")
        self._waiting: deque[_Asked] = deque()
        self._lock = Lock()
        self._draining = False
        self._closed = False
        self._process_id = os.getpid()

    def run(self, call: Callable[[], R], *, shares: bool = False) -> asyncio.Future[R]:
        if os.getpid() != self._process_id:  # The thread is not there, and the lock may be held for ever.
            raise RuntimeError("this AsyncCallbackService was made before a fork; make one in each process")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        with self._lock:
            if self._closed:
                raise RuntimeError("this AsyncCallbackService is closed")
            self._waiting.append(_Asked(call, future, shares))
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
            for asked in _shares_of(batch):
                if self._store is None or len(asked) == 1:  # Who is alone commits directly.
                    for one in asked:
                        finish(one.call, one.future)
                else:
                    _finish_together(asked, self._store)

    def close(self) -> None:
        with self._lock:
            self._closed = True
        self._executor.shutdown(wait=True)


def _shares_of(batch: Iterable[_Asked]) -> Iterator[list[_Asked]]:
    """Cut a batch, in its order, into calls that may share a flush, and single ones that may not."""
    together: list[_Asked] = []
    for asked in batch:
        if together and (not asked.shares or len(together) == _SHARED_MAX):
            yield together
            together = []
        if asked.shares:
            together.append(asked)
        else:
            yield [asked]
    if together:
        yield together


def _finish_together(batch: list[_Asked], store: CanShareFlushes) -> None:
    """Make calls that share a flush. Nobody learns what came of a call before it is on the disk."""
    outcomes: list[Callable[[], None]] = []
    failures: list[Exception | None]

    def make(asked: _Asked) -> None:
        outcomes.append(_made(asked.call, asked.future))

    try:
        failures = store.together([partial(make, asked) for asked in batch])
    except Exception as error:  # The store could not begin.
        failures = [error] * len(batch)
    tellings: dict[asyncio.AbstractEventLoop, list[Callable[[], None]]] = {}
    for asked, failure, outcome in zip_longest(batch, failures, outcomes):
        failed = partial(_tell, asked.future, asked.future.set_exception, failure)
        tellings.setdefault(asked.future.get_loop(), []).append(outcome if failure is None else failed)
    for loop, some in tellings.items():  # All at once, so that what they ask for next comes together too.
        _hand_over(loop, some)


def finish(call: Callable[[], R], future: asyncio.Future[R]) -> None:
    """
    Make a call in this thread for a future of a loop in another one.

    It is made though its awaiter may have gone: what was asked for is done or refused, never half.
    """
    _hand_over(future.get_loop(), [_made(call, future)])


def _made(call: Callable[[], R], future: asyncio.Future[R]) -> Callable[[], None]:
    """Make a call, and return what tells its future what came of it, for the future's own loop to run."""
    try:
        result = call()
    except BaseException as error:
        if isinstance(error, StopIteration):  # A future cannot hold one.
            error = RuntimeError("a command raised StopIteration")
        return partial(_tell, future, future.set_exception, error)
    return partial(_tell, future, future.set_result, result)


def _tell(future: asyncio.Future[Any], setter: Callable[[Any], None], value: object) -> None:
    if not future.done():  # Its awaiter may have gone.
        setter(value)


def _hand_over(loop: asyncio.AbstractEventLoop, tellings: Iterable[Callable[[], None]]) -> None:
    def tell_all() -> None:
        for tell in tellings:
            tell()

    with suppress(RuntimeError):  # The loop is closed: nobody waits any more.
        loop.call_soon_threadsafe(tell_all)


def _always(_owner: object) -> bool:
    return True


def _never(_owner: object) -> bool:
    return False


def _without_tickets(service: ServiceBase) -> bool:
    """Say whether a request has nobody outside to tell. A ticket must not be opened for what may be undone."""
    return service.tickets is None


class _Awaited(Generic[Owner, P, R]):
    """
    A method of the synchronous class, under the same name, as a coroutine function.

    *shares* says whether it may share a flush: it has one transaction that must be on the disk, tells nobody outside,
    and hides no failure of the store.
    """

    def __init__(
        self, method: Callable[Concatenate[Owner, P], R], *, shares: Callable[[Owner], bool] = _never
    ) -> None:
        self._shares = shares
        self._method = method
        self.__doc__ = method.__doc__
        self.__wrapped__ = method

    def __call__(self, face: _Face[Owner], *args: P.args, **kwargs: P.kwargs) -> Awaitable[R]:
        method = self._method
        return face.hop.run(lambda: method(face.sync, *args, **kwargs), shares=self._shares(face.sync))

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, instance: _Face[Owner], owner: type[Any]) -> Callable[P, Awaitable[R]]: ...
    def __get__(self, instance: _Face[Owner] | None, owner: type[Any]) -> Self | Callable[P, Awaitable[R]]:
        if instance is None:
            return self
        return partial(self, instance)


class _Face(Generic[OwnerT_co]):
    def __init__(self, sync: OwnerT_co, hop: _Hop) -> None:
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
        super().__init__(service, _Hop(service.store))

    call_joined = _Awaited(CallbackService.call_joined, shares=_always)
    call_left = _Awaited(CallbackService.call_left, shares=_always)
    call_returned = _Awaited(CallbackService.call_returned, shares=_always)
    call_served = _Awaited(CallbackService.call_served, shares=_always)
    resync_calls = _Awaited(CallbackService.resync_calls)
    offer = _Awaited(CallbackService.offer, shares=_always)
    offer_declined = _Awaited(CallbackService.offer_declined, shares=_always)
    choice_of = _Awaited(CallbackService.choice_of)
    request = _Awaited(CallbackService.request, shares=_without_tickets)
    request_spoken = _Awaited(CallbackService.request_spoken)
    customer_zone = _Awaited(CallbackService.customer_zone)
    request_many = _Awaited(CallbackService.request_many)
    cancel = _Awaited(CallbackService.cancel, shares=_always)
    receipt = _Awaited(CallbackService.receipt, shares=_always)
    prioritize = _Awaited(CallbackService.prioritize, shares=_always)
    prioritize_call = _Awaited(CallbackService.prioritize_call, shares=_always)
    put_first = _Awaited(CallbackService.put_first, shares=_always)
    move = _Awaited(CallbackService.move, shares=_always)
    move_call = _Awaited(CallbackService.move_call, shares=_always)
    merge = _Awaited(CallbackService.merge, shares=_always)
    rerank = _Awaited(CallbackService.rerank)
    pause = _Awaited(CallbackService.pause, shares=_always)
    resume = _Awaited(CallbackService.resume, shares=_always)
    get = _Awaited(CallbackService.get, shares=_always)
    position = _Awaited(CallbackService.position, shares=_always)
    call_position = _Awaited(CallbackService.call_position, shares=_always)
    explain = _Awaited(CallbackService.explain)
    history = _Awaited(CallbackService.history)
    line = _Awaited(CallbackService.line)
    control = _Awaited(CallbackService.control, shares=_always)
    context = _Awaited(CallbackService.context)
    call = _Awaited(CallbackService.call, shares=_always)
    call_history = _Awaited(CallbackService.call_history)
    agent = _Awaited(CallbackService.agent, shares=_always)
    agent_history = _Awaited(CallbackService.agent_history)
    nodes = _Awaited(CallbackService.nodes)
    queue_history = _Awaited(CallbackService.queue_history)
    rates = _Awaited(CallbackService.rates)
    quotes = _Awaited(CallbackService.quotes)
    overtakes = _Awaited(CallbackService.overtakes)
    agent_available = _Awaited(CallbackService.agent_available, shares=_always)
    agent_unavailable = _Awaited(CallbackService.agent_unavailable, shares=_always)
    report = _Awaited(CallbackService.report, shares=_always)
    report_all = _Awaited(CallbackService.report_all)
    leg_is_wanted = _Awaited(CallbackService.leg_is_wanted, shares=_always)
    open_attempts = _Awaited(CallbackService.open_attempts)
    reconcile = _Awaited(CallbackService.reconcile)
    settle = _Awaited(CallbackService.settle, shares=_always)
    set_disposition = _Awaited(CallbackService.set_disposition, shares=_always)
    call_now = _Awaited(CallbackService.call_now, shares=_always)
    mark_done = _Awaited(CallbackService.mark_done, shares=_always)
    change_number = _Awaited(CallbackService.change_number, shares=_always)
    report_score = _Awaited(CallbackService.report_score, shares=_always)
    reopen_ticket = _Awaited(CallbackService.reopen_ticket, shares=_always)
    demand = _Awaited(CallbackService.demand)
    quote_scores = _Awaited(CallbackService.quote_scores)
    slots = _Awaited(CallbackService.slots)
    free_slots = _Awaited(CallbackService.free_slots)
    hold_slot = _Awaited(CallbackService.hold_slot, shares=_always)
    release_slot = _Awaited(CallbackService.release_slot, shares=_always)
    reschedule = _Awaited(CallbackService.reschedule, shares=_always)
    booked = _Awaited(CallbackService.booked)
    booking = _Awaited(CallbackService.booking, shares=_always)
    crowded_slots = _Awaited(CallbackService.crowded_slots)
    punctuality = _Awaited(CallbackService.punctuality)
    expected_between = _Awaited(CallbackService.expected_between)
    keep_wall_clock = _Awaited(CallbackService.keep_wall_clock)
    callbacks_of = _Awaited(CallbackService.callbacks_of)
    find = _Awaited(CallbackService.find)
    send_code = _Awaited(CallbackService.send_code)
    enter_code = _Awaited(CallbackService.enter_code, shares=_always)
    set_preferences = _Awaited(CallbackService.set_preferences, shares=_always)
    preferences = _Awaited(CallbackService.preferences, shares=_always)
    opt_out = _Awaited(CallbackService.opt_out, shares=_always)
    opt_in = _Awaited(CallbackService.opt_in, shares=_always)
    opted_out = _Awaited(CallbackService.opted_out, shares=_always)
    message_is_wanted = _Awaited(CallbackService.message_is_wanted, shares=_always)
    delivery = _Awaited(CallbackService.delivery, shares=_always)
    message_received = _Awaited(CallbackService.message_received)
    settle_message = _Awaited(CallbackService.settle_message, shares=_always)
    message = _Awaited(CallbackService.message, shares=_always)
    messages_of = _Awaited(CallbackService.messages_of)
    uncertain_messages = _Awaited(CallbackService.uncertain_messages)
    link_token = _Awaited(CallbackService.link_token)
    open_link = _Awaited(CallbackService.open_link)
    erase = _Awaited(CallbackService.erase)
    prune = _Awaited(CallbackService.prune)
    verify_history = _Awaited(CallbackService.verify_history)
    history_heads = _Awaited(CallbackService.history_heads)
    doctor = _Awaited(CallbackService.doctor)
    board = _Awaited(CallbackService.board)
    feed_figures = _Awaited(CallbackService.feed_figures)
    last_began_at = _Awaited(CallbackService.last_began_at)
    changed = _Awaited(CallbackService.changed)

    async def export_history(self, *, after: int = 0) -> AsyncIterator[str]:
        """
        Give the history out as `CallbackService.export_history` does: `async for line in service.export_history()`.

        It is read in the service's thread, 1,000 lines at a time; other commands are done in between.
        """
        lines = await self.hop.run(lambda: self.sync.export_history(after=after))
        while some := await self.hop.run(lambda: list(islice(lines, _LINES_TOGETHER))):
            for line in some:
                yield line

    async def records(self, kind: type[ListedT], *, since: datetime | None = None) -> AsyncIterator[ListedT]:
        """
        Give all records of one kind as `CallbackService.records` does: `async for one in service.records(Callback)`.

        They are read in the service's thread, 1,000 at a time; other commands are done in between.
        """
        found = await self.hop.run(lambda: self.sync.records(kind, since=since))
        while some := await self.hop.run(lambda: list(islice(found, _LINES_TOGETHER))):
            for one in some:
                yield one

    async def figures(
        self,
        *,
        from_at: datetime,
        until_at: datetime,
        queues: Collection[str] | None = None,
        grain: Grain = Grain.DAY,
        host: HostFigures | None = None,
        progress: Progress | None = None,
    ) -> FiguresReport:
        """
        Return the figures of a stretch of time, as `CallbackService.figures` does.

        They are read in the service's thread, 2,000 stories at a time; other commands are done in between. *progress*
        is told in the loop.
        """
        steps = await self.hop.run(
            lambda: self.sync.figures_in_steps(
                from_at=from_at, until_at=until_at, queues=queues, grain=grain, host=host
            )
        )
        while True:
            found: tuple[int, int] | FiguresReport = await self.hop.run(lambda: next_step(steps))
            if isinstance(found, FiguresReport):
                return found
            if progress is not None:
                progress(*found)

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
    register = _Awaited(Dispatcher.register)
    drain = _Awaited(Dispatcher.drain)
    is_drained = _Awaited(Dispatcher.is_drained)
    leave = _Awaited(Dispatcher.leave)

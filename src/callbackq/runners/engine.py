"""
The loop of both runners: steps when something changed or is due, sleeps in between, and hands effects to the lines.

It is written once, for an event loop: `AsyncRunner` runs it in the host's, `ThreadRunner` in one of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar

from callbackq.core.nodes import beats_every
from callbackq.dispatcher import Dispatcher
from callbackq.effects import Delivered, Effect, Heard, Reported
from callbackq.errors import ConfigurationError, Conflict, StoreError
from callbackq.ids import AttemptId
from callbackq.model import Delivery, Inbound, NodeState, Report
from callbackq.ports import CanListen
from callbackq.runners.hands import is_meant_for_the_process
from callbackq.runners.lines import Ask, Host, Lines
from callbackq.runners.link import ASK_AGAIN_AFTER, Link, Question, come_up
from callbackq.runners.listening import Ears
from callbackq.runners.piling import Pile
from callbackq.runners.threads import Pools
from callbackq.runners.watchdog import Watchdog
from callbackq.service import CallbackService

logger = logging.getLogger("callbackq")

R = TypeVar("R")

_PAUSE_MIN_S: Final = 0.005
"""Between two steps at least this, so that a record which cannot be moved never makes a loop without rest."""


_ANSWER_TIMES: Final = 2
"""A snapshot, and what is learned from it, may take so many times as long as another call."""


def _forget(asking: asyncio.Future[Any]) -> None:
    """Take note of how it ended, so that nobody complains that nobody did."""
    if not asking.cancelled():
        asking.exception()


class Engine:
    """
    Steps and performs, in the event loop in which it is made.

    Its coroutines belong to that loop; its other methods may be called from any thread.

    Attributes:
        handed_over: whether it left something to other nodes when it was closed, or may have.
        closed: set when that is known.
    """

    def __init__(
        self,
        service: CallbackService,
        dispatcher: Dispatcher,
        host: Host,
        *,
        link: Link,
        pile: Pile,
        ask: Ask,
        pools: Pools,
        owns_loop: bool,
    ) -> None:
        self._service: Final = service
        self._dispatcher: Final = dispatcher
        self._host: Final = host
        self._link: Final = link
        self._pile: Final = pile
        self._ask: Final = ask
        self._lines: Final = Lines(service, host, ask=ask, pools=pools, owns_loop=owns_loop, lost=self._lost)
        self._loop: Final = asyncio.get_running_loop()
        self._wake: Final = asyncio.Event()
        self._owns_loop: Final = owns_loop
        self._leaves_some: Final = host.messengers.leaves_some(service.policies.values())
        self._stopping = False
        self._drains = False
        beat = beats_every(dispatcher.lease) if dispatcher.lease is not None else host.idle_max
        self._idle_max_s: Final = min(host.idle_max, beat).total_seconds()
        self._watchdog: Final = Watchdog(self._loop, node_id=dispatcher.node_id, lease=dispatcher.lease)
        self.handed_over = True
        self.closed: Final = asyncio.Event()
        self._ears: Final = (
            Ears(service.store, service.tenant_id, heard=self.wake)
            if isinstance(service.store, CanListen)
            else None
        )

    # ------------------------------------------------------------------ from any thread

    def hand_over(self, effects: Iterable[Effect], attempt_id: AttemptId | None = None) -> None:
        """Let effects be performed. Raises: RuntimeError, if the loop is closed."""
        self._loop.call_soon_threadsafe(self._lines.add, tuple(effects), attempt_id)

    def wake(self) -> None:
        """Step soon. Never raises."""
        with suppress(RuntimeError):  # The loop is closed.
            self._loop.call_soon_threadsafe(self._wake.set)

    def stop(self) -> None:
        """Step no more."""
        self._stopping = True
        self.wake()

    def drain(self) -> None:
        """Begin nothing more, and stop when what was begun is over."""
        self._dispatcher.drain()
        self._drains = True
        self.wake()

    # ------------------------------------------------------------------ in the loop

    async def report(self, report: Report) -> Reported:
        """Take a report, and perform what it asks for, though who awaits it may go. Raises: AttemptNotFound."""
        return await self._shielded(self._report(report))

    async def message_received(self, inbound: Inbound) -> Heard:
        """Take what a customer wrote, and send the answers, though who awaits it may go."""
        return await self._shielded(self._message_received(inbound))

    async def delivery(self, report: Delivery) -> Delivered:
        """Take a receipt."""
        return await self._ask(partial(self._service.delivery, report))

    async def _shielded(self, work: Coroutine[Any, Any, R]) -> R:
        task = self._lines.start(work)
        task.add_done_callback(_forget)
        return await asyncio.shield(task)

    async def _message_received(self, inbound: Inbound) -> Heard:
        with self._lines.held():
            heard = await self._ask(partial(self._service.message_received, inbound))
            self._lines.add(heard.effects)
        return heard

    async def _report(self, report: Report) -> Reported:
        with self._lines.held():
            piled = self._pile.add(report)
            try:
                reported = await self._ask(piled.taken)
            except BaseException:
                piled.withdraw()
                raise
            self._lines.add(reported.effects, reported.attempt_id)
        return reported

    async def run(self) -> None:
        """Step until `stop`, or until it is drained. A step under way is finished."""
        forget = self._service.when_changed(self.wake, does_all=self._does_all)
        if self._ears is not None:
            self._ears.open()
        self._watchdog.stepped()
        try:
            while not self._stopping:
                self._wake.clear()
                pause_s = await self._step()
                if self._drains and await self._is_drained():
                    break
                timer = self._loop.call_later(pause_s, self._wake.set)
                await self._wake.wait()
                timer.cancel()
        finally:
            self._watchdog.end()
            forget()
            if self._ears is not None:
                self._ears.close()

    async def close(self, *, timeout_s: float) -> None:
        """Wait for the effects that were given out, but no longer than that; then cancel what is left."""
        end_s = self._loop.time() + timeout_s
        await asyncio.sleep(0)  # What was handed over until now is in line after this.
        try:
            await self._lines.drained(timeout_s=timeout_s)
        finally:
            try:
                await self._lines.close(timeout_s=max(0.1, end_s - self._loop.time()))
                await self._leave(timeout_s=min(1.0, max(0.1, end_s - self._loop.time())))
            finally:
                self.closed.set()

    async def _leave(self, *, timeout_s: float) -> None:
        """Leave to others what is not done, and wait for what listens."""
        with suppress(RuntimeError):  # Who gives the commands has gone before.
            leaving = asyncio.ensure_future(self._ask(self._go))
            leaving.add_done_callback(_forget)
            await asyncio.wait({leaving}, timeout=timeout_s)
        if self._ears is not None:
            await asyncio.to_thread(self._ears.join, timeout_s)

    def _go(self) -> None:
        """Hand over what is left of what this node began. If that fails, the others wait until its lease is over."""
        if self._dispatcher.lease is not None or self._drains:
            with suppress(StoreError, Conflict):
                self.handed_over = self._dispatcher.leave(self._service.now())
        self._service.tell_others()

    async def _is_alone(self) -> bool:
        """Whether no other node is there, or is believed to be."""
        with suppress(StoreError):
            nodes = await self._ask(self._service.nodes)
            mine = self._dispatcher.node_id
            return all(node.node_id == mine or node.state is NodeState.GONE for node in nodes)
        return False

    async def _is_drained(self) -> bool:
        with suppress(StoreError):
            return await self._ask(self._dispatcher.is_drained)
        return False

    async def _step(self) -> float:
        """Step once, and return for how many seconds there is nothing to do."""
        idle_max_s = self._idle_max_s
        try:
            now = self._service.now()
            question = self._link.next_question(now)
            if question is not None:
                self._lines.start(self._come_up(question))
            # Who is cancelled loses none of the effects that were committed.
            await asyncio.shield(self._lines.start(self._give_out()))
            self._watchdog.stepped()
            due_at = await self._ask(self._dispatcher.next_wakeup)
            return self._pause_s(due_at, idle_max_s)
        except StoreError as error:
            logger.warning("the store failed, the runner goes on: %s", type(error).__name__)
        except ConfigurationError as error:  # Other nodes order the line in another way; it names no person.
            logger.error("this node gives nothing out: %s", error)  # noqa: TRY400
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # The next step tries again; a loop that ended would try nothing.
            if is_meant_for_the_process(error) and not self._owns_loop:
                raise
            # The type only: an error's text may hold a number.
            logger.error("a step failed, the runner goes on: %s", type(error).__name__)  # noqa: TRY400
        return min(idle_max_s, ASK_AGAIN_AFTER.total_seconds())

    async def _give_out(self) -> None:
        with self._lines.held():
            self._lines.add(await self._ask(self._step_dispatcher))

    def _step_dispatcher(self) -> tuple[Effect, ...]:
        effects = self._dispatcher.step(
            self._service.clock.now(),
            telephony=self._link.is_up,
            messages=self._host.messengers.can_send and not self._lines.has_enough_messages,
        )
        self._service.tell_others()
        return effects

    def _does_all(self) -> bool:
        """Whether this node does all that may follow from what is written here."""
        waits = self._stopping or self._leaves_some or self._lines.has_enough_messages
        return self._link.is_up and not waits and not self._dispatcher.is_going

    def _pause_s(self, due_at: datetime | None, idle_max_s: float) -> float:
        if not self._link.is_up or (self._ears is not None and not self._ears.are_open):
            idle_max_s = min(idle_max_s, ASK_AGAIN_AFTER.total_seconds())
        if due_at is None:
            return idle_max_s
        pause_s = (due_at - self._service.clock.now()).total_seconds()
        may_have_to_wait = self._leaves_some or not self._link.is_up or self._lines.has_enough_messages
        if pause_s <= 0 and may_have_to_wait:
            # For the telephony, for another node, or for a message to be sent: then it is told, and wakes this loop.
            return idle_max_s
        return min(idle_max_s, max(_PAUSE_MIN_S, pause_s))

    def _lost(self, now: datetime) -> None:
        self._link.lost(now)
        self.wake()

    async def _come_up(self, question: Question) -> None:
        # A leg that is being dialed, here or by another node, may not be in an account that is taken now, and would be
        # believed to be gone.
        time_max = self._host.call_time_max
        drained = await self._lines.calm(timeout_s=time_max.total_seconds())
        performing = self._lines.performing(lambda: None)
        dials_for = timedelta(0) if drained and await self._is_alone() else time_max
        asking = asyncio.ensure_future(come_up(self._link, question, performing, dials_for=dials_for))
        await asyncio.wait({asking}, timeout=_ANSWER_TIMES * time_max.total_seconds())
        if not asking.done():
            # An answer that comes later is dropped; the thread is lost to a method that blocks.
            asking.add_done_callback(_forget)
            self._link.not_settled(question, TimeoutError(), now=self._service.now(), counts=True)
            return
        found = asking.result()
        if found is not None:
            # Who is to be hung up may ring at a number that is dialed next: that goes first.
            self._lines.add(found.effects)
            await self._lines.calm(timeout_s=time_max.total_seconds())
            self._link.answered(question, found)
            self.wake()

"""`Driver`: performs effects in the thread that calls it, in order. It never sleeps, and starts nothing."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime
from typing import Final, TypeVar

from callbackq.dispatcher import Dispatcher
from callbackq.effects import Delivered, Effect, Heard, Reported
from callbackq.errors import ConfigurationError
from callbackq.model import Delivery, Inbound, Report, TelephonySnapshot
from callbackq.ports import Messenger, Notices, Telephony
from callbackq.runners.hands import Act, Done, WhenLate, at_once, is_meant_for_the_process
from callbackq.runners.link import ASK_AGAIN_AFTER, Link, come_up
from callbackq.runners.performing import Performing
from callbackq.runners.sending import Messengers
from callbackq.service import CallbackService

R = TypeVar("R")


class _HandsAtOnce:
    """Everything in the thread that is here, right now."""

    async def ask(self, command: Callable[[], R]) -> R:
        return command()

    def turn(self, act: Act) -> AbstractAsyncContextManager[None]:  # noqa: ARG002
        return nullcontext()

    async def act(self, act: Act, *, when_late: WhenLate | None = None) -> Done:  # noqa: ARG002
        try:
            value: object = act.call()
        except BaseException as error:
            if is_meant_for_the_process(error):
                raise
            return Done(error=error)
        if inspect.isawaitable(value):
            if inspect.iscoroutine(value):
                value.close()
            return Done(error=TypeError(f"{act.method} must be awaited: use a runner"))
        return Done(value=value)


class Driver:
    """
    Performs effects through a telephony port, in the thread that calls. May be used from several threads.

    It holds no lock and no transaction meanwhile, and what it does depends on nothing but the calls made: in virtual
    time two runs are the same.

    Args:
        service: takes the reports.
        dispatcher: of the same service.
        telephony: the host's adapter. An exception out of it is bounded: a refused dial ends the leg, any other
            one leaves the leg in doubt until its deadline, and is logged without numbers. A method that blocks
            blocks the caller.
        notices: who tells customers and the company's own systems what happened; nobody if None.
        messenger: who sends the messages to customers: for all channels, or by channel; nobody if None. One that
            blocks blocks the caller.

    Raises:
        ConfigurationError: a method of an adapter must be awaited; only runners can do that.
    """

    def __init__(
        self,
        service: CallbackService,
        dispatcher: Dispatcher,
        telephony: Telephony,
        *,
        notices: Notices | None = None,
        messenger: Messenger | Mapping[str, Messenger] | None = None,
    ) -> None:
        messengers = Messengers(messenger)
        for owner in (telephony, notices):
            _check_plain(owner, *_METHODS)
        for one in messengers.all():
            _check_plain(one, "send")
        self._service: Final = service
        self._dispatcher: Final = dispatcher
        self._link: Final = Link()
        self._can_send: Final = messengers.can_send
        self._leaves_some: Final = messengers.leaves_some(service.policies.values())
        self._performing: Final = Performing(
            service,
            telephony,
            notices=notices,
            messengers=messengers,
            hands=_HandsAtOnce(),
            lost=self._link.lost,
        )
        messengers.log_what_is_missing(service.policies.values())

    @property
    def telephony_is_up(self) -> bool:
        """Whether the dispatcher may begin what needs the telephony."""
        return self._link.is_up

    def step(self, now: datetime) -> int:
        """
        Step the dispatcher, perform what it returns, and say how many effects there were.

        Where that alone changed something, as a refused dial frees its agent, it steps again: at most ten times.
        """
        self._come_up(now)
        count = 0
        for _ in range(_STEPS_MAX):
            known = self._performing.changes_count
            effects = self._dispatcher.step(now, telephony=self._link.is_up, messages=self._can_send)
            self.perform(effects)
            count += len(effects)
            if self._performing.changes_count == known:
                break
        return count

    def next_wakeup(self) -> datetime | None:
        """Return when to step again though nobody said anything."""
        due_at, now = self._dispatcher.next_wakeup(), self._service.now()
        is_due = due_at is not None and due_at <= now
        if self._link.is_up and not (is_due and self._leaves_some):
            return due_at
        # What is due may have to wait for the telephony, or for another node: look again, but not without rest.
        again_at = now + ASK_AGAIN_AFTER
        return again_at if due_at is None or is_due else min(due_at, again_at)

    def report(self, report: Report) -> Reported:
        """
        Take a report of the telephony, and perform what it asks for.

        Raises:
            AttemptNotFound: no attempt ever had this leg.
        """
        reported = self._service.report(report)
        self.perform(reported.effects)
        return reported

    def report_all(self, reports: Sequence[Report]) -> tuple[Reported | Exception, ...]:
        """
        Take several reports, in this order, and perform what they ask for: see `CallbackService.report_all`.

        Nothing is performed before all are taken.
        """
        done = self._service.report_all(reports)
        for one in done:
            if isinstance(one, Reported):
                self.perform(one.effects)
        return done

    def message_received(self, inbound: Inbound) -> Heard:
        """Take what a customer wrote, and send the answers. Raises: as `CallbackService.message_received`."""
        heard = self._service.message_received(inbound)
        self.perform(heard.effects)
        return heard

    def delivery(self, report: Delivery) -> Delivered:
        """Take a receipt of a provider. Raises: as `CallbackService.delivery`."""
        return self._service.delivery(report)

    def drain(self) -> None:
        """Begin nothing more: see `Dispatcher.drain`. Go on stepping until `is_drained`, or until you must `leave`."""
        self._dispatcher.drain()

    def is_drained(self) -> bool:
        """Say whether nothing is left of what this node began. Raises: as `Dispatcher.is_drained`."""
        return self._dispatcher.is_drained()

    def leave(self) -> bool:
        """Hand over what is left, and step no more: see `Dispatcher.leave`."""
        return self._dispatcher.leave(self._service.now())

    def perform(self, effects: Iterable[Effect]) -> None:
        """Perform effects in order: of a step, a report, or a person's word. Never raises what the adapter raises."""
        at_once(self._performing.all(effects))

    def telephony_down(self) -> None:
        """
        The connection to the telephony is lost.

        Until `telephony_up`, `step` lets no deadline of an attempt come, dials nobody and connects no live call;
        agents, live calls and other promises go on. Reports are still taken.
        """
        self._link.down()

    def telephony_up(self, snapshot: TelephonySnapshot | None = None) -> None:
        """
        The telephony can be reached again: learn which legs it has, and go on.

        Args:
            snapshot: its legs; if None it is asked for them, if it can say. One that cannot is believed to be up:
                deadlines decide.

        While it says `TelephonyDown`, or the store cannot be reached, it stays down: steps ask again, once a second.
        """
        self._link.up(snapshot)
        self._come_up(self._service.now())

    def _come_up(self, now: datetime) -> None:
        question = self._link.next_question(now)
        if question is None:
            return
        found = at_once(come_up(self._link, question, self._performing))
        if found is not None:
            self.perform(found.effects)
            self._link.answered(question, found)


def _check_plain(owner: object, *names: str) -> None:
    for name in names:
        if inspect.iscoroutinefunction(getattr(owner, name, None)):
            raise ConfigurationError(name, "a coroutine function", "a plain method; or use a runner")


_STEPS_MAX: Final = 10
_METHODS: Final = (
    "dial",
    "bridge",
    "hang_up",
    "play",
    "stop_play",
    "send_digits",
    "connect_call",
    "snapshot",
    "reserve_agent",
    "release_agent",
    "tell",
)

"""A host in virtual time: the real service, dispatcher and driver around a fake network. Nothing here needs pytest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from callbackq.dispatcher import Dispatcher
from callbackq.effects import Heard
from callbackq.model import SMS, Inbound
from callbackq.policy import Caps, Limit, QueuePolicy
from callbackq.ports import (
    CodeSender,
    DoNotCall,
    Estimator,
    Hours,
    IdSource,
    Listener,
    Notices,
    SlotCapacity,
    Store,
    Tickets,
)
from callbackq.runners import Driver
from callbackq.service import CallbackService
from callbackq.testing.clock import ManualClock, SequentialIds
from callbackq.testing.fakes import FakeMessenger
from callbackq.testing.telephony import FakeTelephony

NO_CAPS: Final = Caps()
_STEPS_AT_ONE_INSTANT_MAX: Final = 10_000
_STEPS_AFTER_ONE_EVENT_MAX: Final = 10


class VirtualHost:
    """
    Runs a contact center as fast as the machine can, in the order of its events, one at a time.

    After each event, and at each due time, the dispatcher is stepped until it has nothing more to do. Ids count from
    1, so that tests can name them; on a store that holds rows already, give `ids=RandomIds()`.

    Args:
        telephony: makes the network, in the time of the clock: an honest one, unless you give another.
        notices: who tells customers and the company's own systems what happened; nobody if None.
        messenger: the provider of messages, for all channels: one that takes everything, unless you give another.
            Messages are sent for the queues whose policies have some.

    Attributes:
        service, clock, telephony, messenger, driver: the parts; use them as a host would.
    """

    def __init__(
        self,
        store: Store,
        policies: Iterable[QueuePolicy],
        *,
        clock: ManualClock | None = None,
        ids: IdSource | None = None,
        tenant_id: str = "default",
        caps: Caps = NO_CAPS,
        hours: Hours | None = None,
        estimator: Estimator | None = None,
        tickets: Tickets | None = None,
        capacity: SlotCapacity | None = None,
        do_not_call: DoNotCall | None = None,
        codes: CodeSender | None = None,
        limits: Sequence[Limit] = (),
        listeners: Iterable[Listener] = (),
        telephony: Callable[[ManualClock], FakeTelephony] = FakeTelephony,
        notices: Notices | None = None,
        messenger: FakeMessenger | None = None,
    ) -> None:
        self.clock: Final = clock or ManualClock()
        self.telephony: Final = telephony(self.clock)
        self.messenger: Final = messenger or FakeMessenger(self.clock)
        self.service: Final = CallbackService(
            store,
            policies,
            clock=self.clock,
            ids=ids or SequentialIds(),
            tenant_id=tenant_id,
            caps=caps,
            hours=hours,
            estimator=estimator,
            tickets=tickets,
            capacity=capacity,
            do_not_call=do_not_call,
            codes=codes,
            limits=limits,
            listeners=listeners,
        )
        dispatcher = Dispatcher(self.service, node_id="node")
        self.driver: Final = Driver(
            self.service, dispatcher, self.telephony, notices=notices, messenger=self.messenger
        )
        self.messenger.on_delivery = self.driver.delivery
        self._replies_count = 0
        self.telephony.on_report = self.driver.report
        self.telephony.on_connection = self._hear_of_connection

    def run_until(
        self, until: datetime | Callable[[], bool], *, time_max: timedelta = timedelta(days=7)
    ) -> None:
        """
        Let time pass until an instant, or until a condition holds.

        Raises:
            TimeoutError: the condition did not hold within *time_max*, or nothing is left to happen.
        """
        end = until if isinstance(until, datetime) else self.clock.now() + time_max
        self._step()
        steps_here = 0
        while isinstance(until, datetime) or not until():
            at = self._next_at()
            if at is None or at > end:
                self.clock.move_to(end)
                break
            steps_here = steps_here + 1 if at <= self.clock.now() else 0
            if steps_here > _STEPS_AT_ONE_INSTANT_MAX:
                raise TimeoutError(f"time stands still at {self.clock.now().isoformat()}")
            self._to_next_event(at)
            self._step()
        if not isinstance(until, datetime) and not until():
            raise TimeoutError(f"the condition did not hold by {self.clock.now().isoformat()}")

    def run_for(self, duration: timedelta) -> None:
        """Let *duration* pass."""
        self.run_until(self.clock.now() + duration)

    def reply(
        self,
        text: str,
        *,
        sender: str | None = None,
        queue: str | None = None,
        channel: str = SMS,
        inbound_id: str | None = None,
        answers_id: str | None = None,
    ) -> Heard:
        """
        Let a customer write, and send the answers at once. Time does not pass.

        Args:
            text: what is written.
            sender: who writes; whoever was sent the last message, unless given.
            queue: to which queue's number; that of the sender's last message unless given, or else the first queue.
            inbound_id: the provider's id of it; a new one unless given.

        Raises:
            LookupError: nobody was sent a message, and no *sender* is given.
        """
        who = sender if sender is not None else self.messenger.last.to
        if who is None:
            raise LookupError("the last message went to no number or address: give the sender")
        queues = [order.queue for order in self.messenger.sent_to(who)]
        self._replies_count += 1
        return self.driver.message_received(
            Inbound(
                inbound_id=inbound_id or f"inbound-{self._replies_count}",
                sender=who,
                text=text,
                queue=queue or (queues[-1] if queues else next(iter(self.service.policies))),
                channel=channel,
                answers_id=answers_id,
            )
        )

    def _hear_of_connection(self, is_up: bool) -> None:
        if is_up:
            self.driver.telephony_up()
        else:
            self.driver.telephony_down()

    def _step(self) -> None:
        """Step until nothing more is to be done now: performing may change what the next step finds."""
        for _ in range(_STEPS_AFTER_ONE_EVENT_MAX):
            if not self.driver.step(self.clock.now()):
                return

    def _next_at(self) -> datetime | None:
        times = (self.clock.next_planned_at(), self.driver.next_wakeup())
        return min((at for at in times if at is not None), default=None)

    def _to_next_event(self, at: datetime) -> None:
        planned_at = self.clock.next_planned_at()
        if planned_at is not None and planned_at <= at:
            self.clock.run_next()
        else:
            self.clock.move_to(at)

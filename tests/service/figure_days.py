"""Days of a contact center in which anything may happen, drawn from a seed: for what must hold of any history."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import time, timedelta
from random import Random

from callbackq import CallbackqError, Disposition, Offer, QueuePolicy, Store
from callbackq.model import AnsweredBy
from callbackq.policy import Duplicates, Span, WeekHours
from callbackq.ports import Listener
from callbackq.testing import ANSWERS, IS_BUSY, IS_MACHINE, NEVER_ANSWERS, Behaviour, VirtualHost

NUMBERS = tuple(f"+121255501{number:02}" for number in range(10))
AGENTS = ("ann", "ben", "cleo")
"""Few of each, so that they meet again."""
_DECLINES = Behaviour(answers_after=None, fails_after=timedelta(seconds=3))
_LEAVES = Behaviour(hangs_up_after=timedelta(seconds=1))
_PEOPLE = (
    ANSWERS,
    ANSWERS,
    IS_BUSY,
    NEVER_ANSWERS,
    IS_MACHINE,
    _LEAVES,
    Behaviour(answered_by=AnsweredBy.FAX),
)
_NIGHT_AND_DAY = {day: (Span(time(0), time(12)), Span(time(12), time(23, 59))) for day in range(7)}


def policies() -> list[QueuePolicy]:
    """Return two queues in two zones, of which one merges duplicates and calls back who gave up."""
    lord_howe = WeekHours(zone="Australia/Lord_Howe", week=_NIGHT_AND_DAY)
    return [
        QueuePolicy(
            queue="support",
            calling=None,
            duplicates=Duplicates.MERGE,
            abandoned_wait_min=timedelta(minutes=2),
        ),
        QueuePolicy(queue="billing", calling=None, duplicates=Duplicates.ALLOW, hours=lord_howe),
    ]


class Day:
    """
    What happens: `moves` times somebody does something, and some time passes.

    Args:
        listeners: as of the service.
    """

    def __init__(self, store: Store, *, seed: int, listeners: tuple[Listener, ...] = ()) -> None:
        self.host = VirtualHost(store, policies(), listeners=listeners)
        self.service = self.host.service
        self._chance = Random(seed)
        self._calls: list[str] = []
        self._callbacks: list[str] = []
        for number in NUMBERS:
            self.host.telephony.person(number, *self._chance.choices(_PEOPLE, k=6))
        for agent in AGENTS:
            self.host.telephony.agent(agent, *self._chance.choices((ANSWERS, ANSWERS, _DECLINES), k=9))
            self.service.agent_available(agent, queues=["support", "billing"])

    def go_on(self, moves: int) -> None:
        """Let so many things happen. What the service refuses is refused."""
        does: list[Callable[[], object]] = [
            self._call,
            self._call,
            self._offer,
            self._offer,
            self._leave,
            self._ask,
            self._ask,
            self._change,
            self._report,
        ]
        for _ in range(moves):
            with suppress(CallbackqError):
                self._chance.choice(does)()
            self.host.run_for(timedelta(seconds=self._chance.choice([0, 5, 40, 300, 1_500])))

    def _queue(self) -> str:
        return self._chance.choice(["support", "billing"])

    def _a_call(self) -> str:
        """Return one of those who called last."""
        return self._chance.choice(self._calls[-3:] or ["nobody"])

    def _call(self) -> None:
        call_id = f"call-{len(self._calls) + 1}"
        self._calls.append(call_id)
        self.service.call_joined(self._queue(), call_id=call_id, number=self._chance.choice(NUMBERS))

    def _offer(self) -> None:
        """Offer a callback to one who called lately; most take it, and one in three for a time of their own."""
        call_id = self._a_call()
        found = self.service.offer(call_id, asked=self._chance.random() < 0.5)
        if isinstance(found, Offer) and self._chance.random() < 0.3:
            self.service.offer_declined(call_id)
            return
        at = self.host.clock.now() + timedelta(hours=1) if self._chance.random() < 0.3 else None
        queue = self.service.call(call_id).queue
        self._callbacks.append(self.service.request(queue, call_id=call_id, scheduled_at=at).callback_id)

    def _leave(self) -> None:
        self.service.call_left(self._chance.choice(self._calls[-8:] or ["nobody"]))

    def _ask(self) -> None:
        receipt = self.service.request(self._queue(), number=self._chance.choice(NUMBERS), confirmed=True)
        self._callbacks.append(receipt.callback_id)

    def _change(self) -> None:
        callback_id, how = self._chance.choice(self._callbacks or ["cb_none"]), self._chance.randrange(6)
        if how == 0:
            self.service.move(callback_id, queue=self._queue())
        elif how == 1:
            self.service.reschedule(callback_id, scheduled_at=self.host.clock.now() + timedelta(hours=2))
        elif how == 2:
            self.service.cancel(callback_id)
        elif how == 3:
            self.service.mark_done(callback_id, by="eva")
        elif how == 4:
            self.service.move_call(self._a_call(), queue=self._queue())
        else:
            self.service.set_disposition(callback_id, Disposition.WRONG_PERSON, by="eva")

    def _report(self) -> None:
        callback_id = self._chance.choice(self._callbacks or ["cb_none"])
        resolved = self._chance.choice([None, True, False])
        self.service.report_score(callback_id, score=self._chance.choice([None, 3.2, 5]), resolved=resolved)

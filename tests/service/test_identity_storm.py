"""
J1, J2: people with shared numbers ask, call in, hang up, change their numbers and are merged, in no order at all.

After every few steps: nobody has two callbacks under one key, or two attempts at once; no phone has two legs; what was
replaced was taken over by another promise, and what has not ended has a time at which it is looked at again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import attrs
import pytest

from callbackq import (
    DEFAULT_TENANT,
    Callback,
    CallbackState,
    CalledIn,
    Commit,
    Disposition,
    Duplicates,
    DuplicateScope,
    Entity,
    FixedSeats,
    HoldReason,
    Mode,
    Outcome,
    Person,
    QueuePolicy,
    RequestRefused,
    SlotPolicy,
    Store,
)
from callbackq.core.history import fold
from callbackq.testing import Behaviour, VirtualHost
from callbackq.testing.checkers import legs_dialed_twice, numbers_on_two_legs
from callbackq.testing.telephony import DECLINES, IS_BUSY, NEVER_ANSWERS
from service.scenes import BOB, DAN, EVE, HOUR, SECOND

NUMBERS = (BOB, EVE, DAN)
QUEUES = ("support", "sales", "jobs")
STEPS = 70
SAID = (Disposition.WRONG_PERSON, Disposition.MACHINE, Disposition.ANSWERED_THEN_LEFT)


@attrs.define
class Storm:
    """One host, and what is done to it."""

    store: Store
    chance: Random
    host: VirtualHost
    made: list[str] = attrs.field(factory=list)
    calls_count: int = 0

    @classmethod
    def begin(cls, store: Store, seed: int) -> Storm:
        """Open a house with rules, and people with habits, that are drawn."""
        chance = Random(seed)
        host = VirtualHost(store, [drawn_policy(queue, chance) for queue in QUEUES])
        for agent_id in ("ann", "ben"):
            host.service.agent_available(agent_id, queues=QUEUES)
        for number in NUMBERS:
            habits = [
                Behaviour(answers_after=chance.randint(0, 30) * SECOND),
                IS_BUSY,
                NEVER_ANSWERS,
                DECLINES,
            ]
            host.telephony.person(number, *chance.choices(habits, k=8))
        return cls(store, chance, host)

    # ------------------------------------------------------------------ what can happen

    def ask(self) -> None:
        """Somebody asks by a form, in a message, or through an agent."""
        fields, queue = self.somebody(), self.queue()
        if self.chance.random() < 0.3:
            fields["scheduled_at"] = self.host.clock.now() + self.chance.randint(1, 4) * HOUR
        if self.chance.random() < 0.3:
            fields["request_key"] = f"form-{self.chance.randint(0, 5)}"
        if self.chance.random() < 0.3:
            fields["owner"] = "uma"
        if self.chance.random() < 0.2:
            fields["alternatives"] = [self.chance.choice(NUMBERS)]
        if self.host.service.policies[queue].duplicates is Duplicates.ASK and self.chance.random() < 0.7:
            fields["on_duplicate"] = self.chance.choice(("merge", "replace", "allow"))
        self.made.append(self.host.service.request(queue, **fields).callback_id)

    def happen(self) -> None:
        """Something happens that concerns two people."""
        people = [Person(number=self.number(), customer_id=self.customer_id()) for _ in range(2)]
        key = f"event-{self.chance.randint(0, 3)}"
        done = self.host.service.request_many(self.queue(), people=people, event_key=key)
        self.made += [receipt.callback_id for receipt in done.receipts.values()]

    def call(self) -> None:
        """Somebody calls in, and asks for a callback, hangs up, or holds on."""
        self.calls_count += 1
        call_id, queue = f"call-{self.calls_count}", self.queue()
        self.host.service.call_joined(queue, call_id=call_id, **self.somebody())
        self.host.run_for(self.chance.choice((0, 15)) * SECOND)
        what = self.chance.random()
        if what < 0.5:
            number = self.number() if self.chance.random() < 0.4 else None
            self.made.append(self.host.service.request(queue, call_id=call_id, number=number).callback_id)
        elif what < 0.9:
            self.host.service.call_left(call_id)

    def change(self) -> None:
        """One of the commands about a callback."""
        service, one = self.host.service, self.one()
        commands: tuple[Callable[[], object], ...] = (
            lambda: service.cancel(one),
            lambda: service.change_number(one, self.number()),
            lambda: service.move(one, queue=self.queue()),
            lambda: service.merge(one, into=self.one()),
            lambda: service.set_disposition(one, self.chance.choice(SAID), by="ann"),
            lambda: service.mark_done(one, by="ann"),
        )
        self.chance.choice(commands)()

    def forget(self) -> None:
        """Somebody is erased."""
        self.host.service.erase(number=self.number())

    def wait(self) -> None:
        """Time goes by."""
        self.host.run_for(self.chance.choice((1, 5, 60, 600)) * SECOND)

    def step(self) -> None:
        """Do any of these."""
        acts = (self.ask, self.happen, self.call, self.change, self.forget, self.wait)
        (act,) = self.chance.choices(acts, weights=(36, 6, 10, 28, 2, 18))
        try:
            act()
        except RequestRefused:
            return

    # ------------------------------------------------------------------ whom, and where

    def somebody(self) -> dict[str, Any]:
        """Return who asks: by number, by customer id, or by both."""
        customer_id = self.customer_id()
        number = self.number() + self.chance.choice(("", "", " x7"))
        if customer_id is None:
            return {"number": number}
        return {"customer_id": customer_id, "number": number if self.chance.random() < 0.8 else None}

    def number(self) -> str:
        """Return one of three numbers."""
        return self.chance.choice(NUMBERS)

    def customer_id(self) -> str | None:
        """Return one of two customers, or nobody."""
        return self.chance.choice((None, None, "c-1", "c-2"))

    def queue(self) -> Any:
        """Return one of the queues."""
        return self.chance.choice(QUEUES)

    def one(self) -> str:
        """Return one of the callbacks; one more is asked for, if there is none."""
        if not self.made:
            self.made.append(self.host.service.request("support", number=BOB).callback_id)
        return self.chance.choice(self.made)

    # ------------------------------------------------------------------ what must hold

    def check(self) -> None:
        """Check what holds at any time."""
        assert not numbers_on_two_legs(self.host.telephony.log)
        assert not legs_dialed_twice(self.host.telephony.log)
        with self.store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
            history = list(tx.history.all())
            found: list[Any] = [row for (of, _), row in fold(history).items() if of is Entity.CALLBACK]
            people = {row.subject_id: tx.subjects.get(row.subject_id) for row in found}
        rows: dict[str, Callback] = {row.callback_id: row for row in found}
        active = [row for row in found if row.state is not CallbackState.ENDED]
        keys = Counter(row.dedup_key for row in active if row.dedup_key is not None)
        called = Counter(row.subject_id for row in active if row.state is CallbackState.ATTEMPTING)
        assert {*keys.values(), *called.values()} <= {1}
        for row in active:
            person = people[row.subject_id]
            assert row.due_at is not None
            assert person.erased_at is None
            assert person.number not in person.alternatives
            if row.hold_reason is HoldReason.WRONG_NUMBER:
                assert {person.number, *person.alternatives} & {*person.wrong_numbers}
        followed = {row.follows_id for row in found}
        for row in found:
            if row.outcome is Outcome.REPLACED:
                end = [event for event in history if getattr(event, "callback_id", None) == row.callback_id][
                    -1
                ]
                self.check_taken_over(row, end.reason, rows, followed)

    def check_taken_over(
        self, row: Callback, reason: str | None, rows: dict[str, Callback], followed: set[Any]
    ) -> None:
        """Check that what was replaced goes on as another promise to the same person, or as a live call."""
        if row.merged_into_id is not None:
            kept = rows[row.merged_into_id]
            assert kept.subject_id == row.subject_id
            assert kept.expires_at >= row.expires_at or reason == "asked_again"
        else:
            assert reason == "called_in" or row.callback_id in followed


def drawn_policy(queue: str, chance: Random) -> QueuePolicy:
    """Return a policy with any rule for duplicates."""
    return QueuePolicy(
        queue=queue,
        duplicates=chance.choice(list(Duplicates)),
        duplicates_over=chance.choice(list(DuplicateScope)),
        calling=None,
        mode=chance.choice(list(Mode)),
        called_in=chance.choice(list(CalledIn)),
        abandoned_wait_min=chance.choice((None, 10 * SECOND)),
        callback_life=chance.choice((HOUR, 24 * HOUR)),
        slots=chance.choice((None, SlotPolicy(seats=FixedSeats(seats=2)))),
    )


@pytest.mark.parametrize("seed", range(4))
def test_whatever_people_ask_no_promise_is_lost_or_kept_twice(store: Store, seed: int) -> None:
    """J1, J2, C9, G4: on every store; in the end every callback is over."""
    storm = Storm.begin(store, seed)
    for _ in range(STEPS // 5):
        for _ in range(5):
            storm.step()
        storm.check()
    storm.host.run_for(timedelta(days=2))
    storm.check()
    assert storm.made
    for callback_id in storm.made:
        assert storm.host.service.get(callback_id).state is CallbackState.ENDED

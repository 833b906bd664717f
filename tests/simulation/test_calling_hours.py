"""Invariant 5: no dial outside the permitted hours of any zone the number may be in, over days, people and modes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from random import Random
from typing import Final

import phonenumbers
import pytest
from phonenumbers.timezone import time_zones_for_number

from callbackq import (
    CallingPolicy,
    Channel,
    Commit,
    Disposition,
    MemoryStore,
    Mode,
    Purpose,
    QueueName,
    QueuePolicy,
    RetryRule,
)
from callbackq.testing import (
    DECLINES,
    IS_BUSY,
    NEVER_ANSWERS,
    START,
    Behaviour,
    Carried,
    VirtualHost,
)
from callbackq.testing.checkers import Finding, dialed_after_hours, numbers_on_two_legs

HOUR: Final = timedelta(hours=1)
DAYS: Final = 3
ASKED_LIFE: Final = timedelta(hours=2)
EVERY_DAY: Final = {day: [(time(8), time(21))] for day in range(7)}
CANVASSING: Final = {day: [(time(10), time(13)), (time(14), time(20))] for day in range(5)}
FLORIDA: Final = {day: [(time(8), time(20))] for day in range(7)}
SALES: Final = {"+3314050": CANVASSING, "+130555": FLORIDA}
"""Where something is sold, with the hours of the law there."""
PLACES: Final = (
    *("+121255501", "+130555501", "+131255501", "+130355501", "+121355501", "+190755501", "+180855501"),
    *(
        "+180055501",
        "+6141234567",
        "+792262123",
        "+44207946012",
        "+3314050607",
        "+8131234567",
        "+91981234567",
    ),
    *("+551198765432", "+186868047", "+167173412"),
)
"""Numbers of one zone and of many, from Hawaii to Japan, with one or two digits to come."""
MODES: Final = {f"{mode}": mode for mode in Mode}


def number_of(place: str, index: int) -> str:
    """Return a number of a place that is as long as its numbers are."""
    for digits in (1, 2):
        number = f"{place}{index:0{digits}}"
        if phonenumbers.is_valid_number(phonenumbers.parse(number)):
            return number
    raise AssertionError(f"{place}: no such number")


def week_of(number: str) -> Mapping[int, list[tuple[time, time]]]:
    """Return the hours of a number in this world: those for sales in some places, else those for everybody."""
    return next((week for begin, week in SALES.items() if number.startswith(begin)), EVERY_DAY)


class World:
    """Three queues, one for each mode, six agents, and people of many places who ask or are asked for."""

    def __init__(self, seed: int, *, calling: CallingPolicy | None) -> None:
        self.random = random = Random(seed)
        retries = RetryRule(retries_max=9, rest=timedelta(minutes=97))
        rules: dict[Disposition, RetryRule] = dict.fromkeys(
            (Disposition.BUSY, Disposition.NO_ANSWER, Disposition.REJECTED), retries
        )
        self.host = VirtualHost(
            MemoryStore(pepper=bytes(32)),
            [
                QueuePolicy(
                    queue=QueueName(queue),
                    mode=mode,
                    calling=calling,
                    retry_rules=rules,
                    attempts_max=9,
                    callback_life=timedelta(days=7),
                    agent_presence_max=timedelta(days=7),
                )
                for queue, mode in MODES.items()
            ],
        )
        self.host.telephony.behaviour_of = lambda order, _before: self._behaviour(order.agent_id, order.role)
        for index in range(6):
            self.host.service.agent_available(f"agent-{index}", queues=list(MODES))
        self.asked: dict[str, list[tuple[datetime, datetime]]] = {}
        self.numbers = [number_of(place, index) for place in PLACES for index in range(1, 9)]
        for number in self.numbers:
            self.host.clock.plan(START + random.uniform(0, DAYS * 24) * HOUR, lambda of=number: self._ask(of))  # type: ignore[misc]

    def _behaviour(self, _agent_id: object, role: object) -> Behaviour:
        slow = Behaviour(answers_after=timedelta(seconds=self.random.uniform(0, 29)))
        if role == "agent":
            return self.random.choice((slow, slow, slow, DECLINES))
        return self.random.choice((slow, IS_BUSY, IS_BUSY, NEVER_ANSWERS))

    def _ask(self, number: str) -> None:
        random, now = self.random, self.host.clock.now()
        queue = random.choice(list(MODES))
        if week_of(number) is not EVERY_DAY:
            self.host.service.request(queue, number=number, channel=Channel.AGENT, purpose=Purpose.SALES)
            return
        channel = random.choice((Channel.WEB, Channel.AGENT))
        at = random.choice((None, now + random.uniform(1, 20) * HOUR))
        callback_id = self.host.service.request(
            queue, number=number, channel=channel, scheduled_at=at
        ).callback_id
        if channel is Channel.WEB:
            from_at = now if at is None else at - ASKED_LIFE
            self.asked[callback_id] = [(from_at, (at or now) + ASKED_LIFE)]

    def run(self) -> list[Finding]:
        """Let three days and some hours pass, and return what the checker found."""
        self.host.run_until(START + (DAYS * 24 + 12) * HOUR)
        zones = {one: time_zones_for_number(phonenumbers.parse(one)) for one in self.numbers}
        weeks = {one: dict.fromkeys(zones[one], week_of(one)) for one in self.numbers}
        return dialed_after_hours(self.host.telephony.log, weeks=weeks, asked=self.asked)


@pytest.mark.parametrize("seed", range(3))
def test_nobody_is_dialed_in_the_night_of_any_place(seed: int) -> None:
    """K1: the checker knows the hours and the zones by itself, and finds nothing in hundreds of calls."""
    world = World(seed, calling=CallingPolicy(asked_life=ASKED_LIFE))
    assert world.run() == []
    dialed = [line for line in world.host.telephony.log if line.what is Carried.DIALED and line.number]
    to_customers = {line.number for line in dialed if line.role == "customer"}
    assert len(to_customers) > len(world.numbers) * 0.7
    assert numbers_on_two_legs(world.host.telephony.log) == []
    held = {"calling_hours": 0, "number_limit": 0}
    with world.host.service.store.transaction(world.host.service.tenant_id, commit=Commit.READ_ONLY) as tx:
        for event in tx.history.all():
            reason = getattr(event, "hold_reason", None)
            if event.kind == "callback_held" and reason in held:
                held[reason] += 1
    assert held["calling_hours"] > 50


def test_the_checker_finds_the_nights_of_a_world_without_rules() -> None:
    """What is found with the rules switched off is what the rules prevent."""
    findings = World(0, calling=None).run()
    assert len(findings) > 50

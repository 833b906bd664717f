"""
Who lives in a storm, and by which settings: everything that one world is drawn from.

Small, unlucky and short of agents, so that every branch is taken often. All follows from the random numbers given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Final, TypeVar

import attrs

from callbackq.effects import Dial
from callbackq.model import AnsweredBy, Cause, Disposition, Mode, Role
from callbackq.policy import (
    AllDeclined,
    CalledIn,
    Caps,
    Confirm,
    ExponentialRest,
    NumberChoice,
    QueuePolicy,
    RetryRule,
    Voicemail,
)
from callbackq.simulation.people import AT_ANY_HOUR, fictional_number
from callbackq.testing.telephony import Behaviour

T = TypeVar("T")
QUEUES: Final = ("support", "sales", "desk")
SKILLS: Final = ("german", "billing")
ATTEMPTS_MAX: Final = 4
_SECOND: Final = timedelta(seconds=1)
_FAILURES: Final = (
    Cause.BUSY,
    Cause.REJECTED,
    Cause.INVALID_NUMBER,
    Cause.UNREACHABLE,
    Cause.CONGESTED,
    Cause.FAILED,
    Cause.UNKNOWN,
    Cause.NO_ANSWER,
    Cause.NORMAL,
)


@attrs.frozen(kw_only=True)
class Worker:
    """One agent: which queues, which skills, and how long on duty before a break, and away in it."""

    agent_id: str
    queues: tuple[str, ...]
    skills: tuple[str, ...]
    works_for: timedelta
    rests_for: timedelta


@attrs.frozen(kw_only=True)
class Wisher:
    """One person who wants to be called back, or calls and may turn into one who does."""

    number: str = attrs.field(repr=False)
    alternatives: tuple[str, ...] = attrs.field(default=(), repr=False)
    queue: str
    after: timedelta
    calls: bool
    converts: bool
    skills: tuple[str, ...] = ()
    scheduled_in: timedelta | None = None
    preferred: str | None = None


def some(random: Random, of: Mapping[T, float]) -> T:
    """Draw one of these, by weight."""
    return random.choices(list(of), weights=list(of.values()))[0]


def seconds(random: Random, low: float, high: float) -> timedelta:
    """Draw a duration, in whole milliseconds."""
    return timedelta(milliseconds=random.randint(int(low * 1000), int(high * 1000)))


def draw_policies(random: Random) -> list[QueuePolicy]:
    """Draw the settings of one to three queues."""
    return [_policy(name, random) for name in QUEUES[: random.randint(1, len(QUEUES))]]


def _policy(queue: str, random: Random) -> QueuePolicy:
    rules: dict[Disposition, RetryRule] = {
        disposition: RetryRule(
            retries_max=random.randint(0, 3),
            rest=_rest(random),
            jitter_ratio=random.choice((0.0, 0.5)),
            number=random.choice(tuple(NumberChoice)),
            voicemail=random.choice(tuple(Voicemail)),
        )
        for disposition in Disposition
        if disposition not in (Disposition.CONNECTED, Disposition.CANCELLED_BY_US, Disposition.UNKNOWN)
    }
    rules[Disposition.UNKNOWN] = RetryRule(retries_max=2, rest=timedelta(minutes=random.randint(3, 6)))
    return QueuePolicy(
        queue=queue,
        mode=random.choice(tuple(Mode)),
        calling=AT_ANY_HOUR,
        callback_life=timedelta(hours=random.choice((1, 2, 4))),
        preferred_agent_time=_SECOND * random.choice((0, 30)),
        attempts_max=random.randint(1, ATTEMPTS_MAX),
        retry_rules=rules,
        caps=Caps(attempts_per_number_max=random.choice((None, None, 3)), number_period=timedelta(hours=1)),
        called_in=random.choice(tuple(CalledIn)),
        # Without TELL, so that the worlds of a seed stay what they are; a test puts it in the place of END.
        all_declined=random.choice((AllDeclined.KEEP_WAITING, AllDeclined.END)),
        confirm=random.choice(tuple(Confirm)),
        detect=random.random() < 0.5,
        customer_hold_max=_SECOND * random.choice((5, 30)),
        ring_on_max=random.choice((None, 5 * _SECOND, 18 * _SECOND)),
        agent_ring_time=_SECOND * random.choice((5, 20)),
        ring_time=_SECOND * random.choice((15, 45)),
        wrap_up=_SECOND * random.choice((0, 20)),
        agent_cool_down=_SECOND * random.choice((1, 30)),
        hang_up_time_max=_SECOND * random.choice((3, 10)),
        survey=random.random() < 0.3,
        no_shows_max=random.randint(1, 3),
    )


def _rest(random: Random) -> timedelta | ExponentialRest:
    first = _SECOND * random.choice((0, 20, 120))
    return ExponentialRest(first=max(first, _SECOND)) if random.random() < 0.3 else first


def draw_workers(random: Random, queues: Sequence[str]) -> list[Worker]:
    """Draw the agents; the first serves everything, so that nobody waits for whom nobody can serve."""
    everything = Worker(
        agent_id="agent-0",
        queues=tuple(queues),
        skills=SKILLS,
        works_for=timedelta(days=1),
        rests_for=_SECOND,
    )
    return [everything, *(_worker(index, random, queues) for index in range(1, random.randint(2, 8)))]


def _worker(index: int, random: Random, queues: Sequence[str]) -> Worker:
    return Worker(
        agent_id=f"agent-{index}",
        queues=tuple(queue for queue in queues if random.random() < 0.7) or tuple(queues[:1]),
        skills=tuple(skill for skill in SKILLS if random.random() < 0.5),
        works_for=seconds(random, 60, 2400),
        rests_for=seconds(random, 5, 300),
    )


def draw_wishers(random: Random, *, count: int, queues: Sequence[str], span: timedelta) -> list[Wisher]:
    """Draw the people. Some come more than once, some have further numbers, some choose a time."""
    persons = max(count * 3 // 4, 1)
    return [_wisher(random, persons, queues, span) for _ in range(count)]


def _wisher(random: Random, persons: int, queues: Sequence[str], span: timedelta) -> Wisher:
    index = random.randrange(persons)
    number = fictional_number(index)
    if random.random() < 0.1:
        number += f";ext={random.randint(1, 99)}"
    calls = random.random() < 0.4
    return Wisher(
        number=number,
        alternatives=(fictional_number(10_000 + index),) if random.random() < 0.3 else (),
        queue=random.choice(list(queues)),
        after=span * random.random(),
        calls=calls,
        converts=calls and random.random() < 0.6,
        skills=tuple(skill for skill in SKILLS if random.random() < 0.15),
        scheduled_in=seconds(random, 60, 1800) if random.random() < 0.15 else None,
        preferred=f"agent-{random.randint(0, 3)}" if random.random() < 0.1 else None,
    )


# ---------------------------------------------------------------------------- what people do


def draw_behaviour(order: Dial, random: Random) -> Behaviour:
    """Draw what happens on one leg."""
    if order.role is Role.AGENT:
        return _of_agent(order, random)
    return _of_customer(order, random)


def _of_agent(order: Dial, random: Random) -> Behaviour:
    ring_s = order.ring_time.total_seconds()
    what = some(random, {"accepts": 75, "declines": 12, "is_away": 8, "fails": 5})
    rings_after = random.choice((None, timedelta(0), _SECOND))
    if what == "accepts":
        leaves = seconds(random, 1, 40) if random.random() < 0.06 else None
        return Behaviour(
            rings_after=rings_after,
            answers_after=seconds(random, 0, ring_s),
            hangs_up_after=leaves,
            talks_for=None,
        )
    if what == "is_away":
        return Behaviour(rings_after=rings_after, answers_after=None, talks_for=None)
    cause = Cause.REJECTED if what == "declines" else random.choice(_FAILURES)
    return Behaviour(
        rings_after=rings_after,
        answers_after=None,
        fails_after=seconds(random, 0, ring_s),
        cause=cause,
        talks_for=None,
    )


def _of_customer(order: Dial, random: Random) -> Behaviour:
    ring_s = order.ring_time.total_seconds()
    rings_after = random.choice((None, timedelta(0), _SECOND))
    what = some(random, {"answers": 65, "misses": 15, "fails": 20})
    if what == "misses":
        return Behaviour(rings_after=rings_after, answers_after=None)
    if what == "fails":
        return Behaviour(
            rings_after=rings_after,
            answers_after=None,
            fails_after=seconds(random, 0, ring_s),
            cause=random.choice(_FAILURES),
        )
    by = some(
        random,
        {AnsweredBy.HUMAN: 50, AnsweredBy.UNKNOWN: 35, AnsweredBy.MACHINE: 12, AnsweredBy.FAX: 3},
    )
    found = random.choice((None, AnsweredBy.HUMAN, AnsweredBy.MACHINE)) if by is AnsweredBy.UNKNOWN else None
    return Behaviour(
        rings_after=rings_after,
        answers_after=seconds(random, 0, ring_s),
        answered_by=by,
        detected_as=found,
        detected_after=seconds(random, 1, 5),
        presses=some(random, {"1": 60, "": 15, "91": 10, "2": 10, "3": 5}),
        presses_after=seconds(random, 1, 8),
        hangs_up_after=seconds(random, 0, some(random, {60: 65, 600: 35})),
        extension=order.extension,
        talks_for=seconds(random, 1, 240),
    )

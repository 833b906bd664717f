"""
The fast model of a line and the real engine are the same thing: on the same people, the same microseconds.

This is what makes the figures of the model the engine's figures. The baselines, which no engine runs, are held
against a plain walk through all events instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import islice
from pathlib import Path
from random import Random
from statistics import mean

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import callbackq
from callbackq.errors import ConfigurationError
from callbackq.policy import QueuePolicy
from callbackq.simulation import Caller, ContactCenter, Happened, on_duty
from callbackq.simulation.baselines import Discipline, Turn, serve
from callbackq.simulation.line_model import (
    FOR_EVER_US,
    MINUTE_US,
    Newcomer,
    Outcome,
    draw_newcomers,
    keep_place,
    overtakes,
)
from callbackq.simulation.people import AT_ANY_HOUR, fictional_number
from simulation.small_centers import MORNING, a_store

MICROSECOND = timedelta(microseconds=1)
POLICY = QueuePolicy(
    queue="support",
    offer_wait_min=timedelta(0),
    virtual_wait_max=timedelta(days=7),
    handle_time=timedelta(seconds=1),
    calling=AT_ANY_HOUR,
)
"""Waits look short to the engine, so that no rule keeps anybody from a callback for a long one."""


@attrs.frozen(kw_only=True)
class Center:
    """Rates a minute, mean patience in minutes, and how many call at the very start."""

    arrivals: float
    agents: int
    patience: float | None
    rush: int = 0
    callers: int = 300


CENTERS = {
    "one agent": Center(arrivals=1.1, agents=1, patience=3.0),
    "ten agents": Center(arrivals=9.5, agents=10, patience=2.0, rush=12),
    "ten agents, too many calls": Center(arrivals=14.0, agents=10, patience=2.0),
    "ten agents, nobody hangs up": Center(arrivals=11.0, agents=10, patience=None),
    "fifty agents": Center(arrivals=48.0, agents=50, patience=2.0, rush=60, callers=500),
}
SHARES = (0.0, 0.37, 1.0)


def people_of(center: Center, *, accept: float, seed: int) -> list[Newcomer]:
    """Draw them; the first ones all call within the first second."""
    drawn = draw_newcomers(
        arrivals_per_min=center.arrivals,
        service_mean_min=1.0,
        patience_mean_min=center.patience,
        accept_ratio=accept,
        random=Random(f"same people {seed}"),
    )
    rush = [
        person._replace(joins_us=index * 1_009) for index, person in enumerate(islice(drawn, center.rush))
    ]
    rest = list(islice(drawn, center.callers - center.rush))
    since = rest[0].joins_us - MINUTE_US // 30
    return rush + [person._replace(joins_us=person.joins_us - since) for person in rest]


def engine_turns(
    people: Sequence[Newcomer], *, agents: int, kind: str = "memory"
) -> list[tuple[int, Outcome]]:
    """Let the real engine serve them: no phone rings, everybody answers. Return waits and outcomes, in order."""
    callers = [
        Caller(
            call_id=f"call-{index:04d}",
            number=fictional_number(index),
            joins_at=MORNING + person.joins_us * MICROSECOND,
            patience=None if person.patience_us == FOR_EVER_US else person.patience_us * MICROSECOND,
            service=person.service_us * MICROSECOND,
            acceptance=0.0 if person.accepts else 1.0,
        )
        for index, person in enumerate(people)
    ]
    with a_store(kind) as store:
        center = ContactCenter(
            store,
            policies=[POLICY],
            callers=callers,
            shifts=on_duty(agents, starts_at=MORNING, ends_at=MORNING + timedelta(hours=12)),
            accept_ratio=0.5,
            offer_after=timedelta(0),
            asked=True,
            pick_up=timedelta(0),
        )
        assert center.run().findings == ()
        ends = {
            line.call_id: line
            for line in center.journal.lines()
            if line.what in {Happened.CONNECTED, Happened.HUNG_UP}
        }
    turns: list[tuple[int, Outcome]] = []
    for caller in callers:
        line = ends[caller.call_id]
        served = Outcome.CALLED_BACK if line.callback_id else Outcome.SERVED_LIVE
        wait_us = (line.at - caller.joins_at) // MICROSECOND
        turns.append((wait_us, served if line.what is Happened.CONNECTED else Outcome.ABANDONED))
    return turns


def model_turns(people: Sequence[Newcomer], *, agents: int) -> list[tuple[int, Outcome]]:
    return [(passage.wait_us, passage.outcome) for passage in keep_place(people, agents=agents)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("accept", SHARES)
@pytest.mark.parametrize("name", CENTERS)
def test_the_engine_serves_and_loses_exactly_whom_the_model_does(name: str, accept: float, seed: int) -> None:
    center = CENTERS[name]
    people = people_of(center, accept=accept, seed=seed)
    expected = model_turns(people, agents=center.agents)
    assert engine_turns(people, agents=center.agents) == expected
    # Nothing would be shown if nobody waited, were called back, or gave up where people do.
    waited = [outcome for wait_us, outcome in expected if wait_us]
    assert len(waited) > center.callers / 10
    assert (Outcome.CALLED_BACK in waited) is (accept > 0)
    assert (Outcome.SERVED_LIVE in waited) is (accept < 1)
    assert (Outcome.ABANDONED in waited) is (accept < 1 and center.patience is not None)


def test_the_engine_does_so_on_a_file_too() -> None:
    center = CENTERS["ten agents, too many calls"]
    people = people_of(center, accept=0.37, seed=1)
    assert engine_turns(people, agents=10, kind="sqlite") == model_turns(people, agents=10)


# ---------------------------------------------------------------------------- the order kept, and not kept


def overtakes_of(turns: Sequence[Turn]) -> list[int]:
    return overtakes(
        joined_us=[turn.newcomer.joins_us for turn in turns],
        ended_us=[turn.ends_us for turn in turns],
        served=[turn.outcome is not Outcome.ABANDONED for turn in turns],
    )


@pytest.mark.parametrize("accept", SHARES)
@pytest.mark.parametrize("name", CENTERS)
def test_the_baseline_by_entry_is_the_recursion(name: str, accept: float) -> None:
    """Two ways to keep the place, one by the order of the heads of two lines, agree on everything."""
    center = attrs.evolve(CENTERS[name], callers=3_000)
    people = people_of(center, accept=accept, seed=0)
    passages = list(keep_place(people, agents=center.agents))
    turns = serve(people, agents=center.agents, discipline=Discipline.BY_ENTRY)
    assert turns == [Turn(passage.newcomer, passage.wait_us, passage.outcome) for passage in passages]
    assert [turn.ends_us for turn in turns] == [passage.ends_us for passage in passages]
    assert set(overtakes_of(turns)) == {0}


def walk(people: Sequence[Newcomer], *, agents: int, discipline: Discipline) -> list[tuple[int, Outcome]]:
    """Go from event to event and look at everybody, every time. Slow, and plain to read."""
    ends: dict[int, tuple[int, Outcome]] = {}
    busy_until: list[int] = []
    now, joined = -1, 0
    while len(ends) < len(people):
        waiting = [i for i in range(joined) if i not in ends]
        hang_ups = [people[i].joins_us + people[i].patience_us for i in waiting if not people[i].accepts]
        joins = [people[joined].joins_us] if joined < len(people) else []
        now = min(joins + hang_ups + [until for until in busy_until if until > now])
        if joins == [now]:
            waiting.append(joined)
            joined += 1
        busy_until = [until for until in busy_until if until > now]
        order = {
            Discipline.BY_ENTRY: lambda i: i,
            Discipline.CALLBACKS_FIRST: lambda i: (not people[i].accepts, i),
            Discipline.CALLBACKS_LAST: lambda i: (people[i].accepts, i),
        }[discipline]
        for i in sorted(waiting, key=order):
            wait_us = now - people[i].joins_us
            if len(busy_until) < agents:
                called_back = people[i].accepts and wait_us > 0
                ends[i] = wait_us, Outcome.CALLED_BACK if called_back else Outcome.SERVED_LIVE
                busy_until.append(now + people[i].service_us)
            elif not people[i].accepts and wait_us == people[i].patience_us:
                ends[i] = wait_us, Outcome.ABANDONED
    return [ends[i] for i in range(len(people))]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("discipline", Discipline)
@pytest.mark.parametrize("name", CENTERS)
def test_every_baseline_is_what_a_plain_walk_gives(name: str, discipline: Discipline, seed: int) -> None:
    center = CENTERS[name]
    people = people_of(center, accept=0.37, seed=seed)
    turns = serve(people, agents=center.agents, discipline=discipline)
    assert [(turn.wait_us, turn.outcome) for turn in turns] == walk(
        people, agents=center.agents, discipline=discipline
    )


@pytest.mark.parametrize(
    ("discipline", "overtaken"),
    [(Discipline.CALLBACKS_FIRST, Outcome.SERVED_LIVE), (Discipline.CALLBACKS_LAST, Outcome.CALLED_BACK)],
)
def test_an_unfair_baseline_overtakes_one_kind_only(discipline: Discipline, overtaken: Outcome) -> None:
    people = people_of(CENTERS["ten agents, too many calls"], accept=0.37, seed=0)
    turns = serve(people, agents=10, discipline=discipline)
    counted = zip(turns, overtakes_of(turns), strict=True)
    found = {turn.outcome for turn, count in counted if count and turn.outcome is not Outcome.ABANDONED}
    assert found == {overtaken}


def test_only_the_simulation_knows_the_unfair_orders() -> None:
    home = Path(callbackq.__file__).parent
    users = {
        path.relative_to(home).parts[0]
        for path in home.rglob("*.py")
        if "baselines" in path.read_text("utf-8")
    }
    assert users <= {"simulation"}


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 20), st.booleans()), max_size=12).map(
        lambda drawn: sorted(drawn, key=lambda one: one[0])
    )
)
def test_overtakes_are_counted_as_they_are_defined(drawn: list[tuple[int, int, bool]]) -> None:
    joined = [joins for joins, _, _ in drawn]
    ended = [joins + wait for joins, wait, _ in drawn]
    served = [is_served for _, _, is_served in drawn]
    size = range(len(drawn))
    by_definition = [sum(j > i and served[j] and ended[j] < ended[i] for j in size) for i in size]
    assert overtakes(joined_us=joined, ended_us=ended, served=served) == by_definition


# ---------------------------------------------------------------------------- the people


def test_the_people_are_those_that_were_asked_for() -> None:
    size = 100_000
    drawn = draw_newcomers(
        arrivals_per_min=4.0, service_mean_min=3.0, patience_mean_min=2.0, accept_ratio=0.25, random=Random(1)
    )
    people = list(islice(drawn, size))
    assert mean(person.service_us for person in people) == pytest.approx(3 * MINUTE_US, rel=0.01)
    assert mean(person.patience_us for person in people) == pytest.approx(2 * MINUTE_US, rel=0.01)
    assert mean(person.accepts for person in people) == pytest.approx(0.25, rel=0.02)
    assert people[-1].joins_us / size == pytest.approx(MINUTE_US / 4, rel=0.01)
    assert people == sorted(people, key=lambda person: person.joins_us)


def test_the_share_that_accepts_changes_nobody_else() -> None:
    """Lines with and without callbacks, and with and without patience, see the same people."""

    def drawn(accept: float, patience: float | None) -> list[Newcomer]:
        people = draw_newcomers(
            arrivals_per_min=4.0,
            service_mean_min=3.0,
            patience_mean_min=patience,
            accept_ratio=accept,
            random=Random(1),
        )
        return list(islice(people, 50))

    some, nobody, patient = drawn(0.37, 2.0), drawn(0.0, 2.0), drawn(0.37, None)
    assert any(person.accepts for person in some)
    assert [person._replace(accepts=False) for person in some] == nobody
    assert [person._replace(patience_us=FOR_EVER_US) for person in some] == patient


@pytest.mark.parametrize(
    "wrong",
    [
        {"arrivals_per_min": 0.0},
        {"service_mean_min": -1.0},
        {"patience_mean_min": 0.0},
        {"patience_mean_min": float("inf")},
        {"accept_ratio": 1.1},
        {"accept_ratio": float("nan")},
    ],
)
def test_people_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    right = {"arrivals_per_min": 4.0, "service_mean_min": 3.0, "patience_mean_min": 2.0, "accept_ratio": 0.25}
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        draw_newcomers(**(right | wrong), random=Random(1))


def test_a_line_without_agents_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="agents"):
        keep_place([], agents=0)
    with pytest.raises(ConfigurationError, match="agents"):
        serve([], agents=0, discipline=Discipline.BY_ENTRY)

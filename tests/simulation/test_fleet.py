"""
Several nodes over one store, and everything goes wrong between them: nothing is found, and everything did go wrong.

When one of these fails, its message names the seed: `callbackq fleet --world SEED --shrink` replays it, made small.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import attrs
import pytest

from callbackq.errors import CommitUncertain, Conflict, StoreUnavailable
from callbackq.ids import DEFAULT_TENANT
from callbackq.policy import FixedSeats
from callbackq.ports import Commit
from callbackq.simulation.fleet import playing
from callbackq.simulation.fleet.accounts import TAKEN_OVER_TWICE, taken_over_twice
from callbackq.simulation.fleet.chance import Chance
from callbackq.simulation.fleet.plan import Ill, Incident, Trouble, draw_plan
from callbackq.simulation.fleet.playing import FleetReport, many_fleets, one_fleet, opened, play
from callbackq.simulation.fleet.story import story_of
from callbackq.simulation.fleet.world import ERROR, Fleet
from callbackq.stores.memory import MemoryStore
from callbackq.testing.faults import Fault
from stores.postgres_server import conninfo, fresh_schema

SEEDS = range(10, 34)


@pytest.fixture(scope="module")
def reports() -> list[FleetReport]:
    """What came of the worlds, which are played once for all tests."""
    return [play(draw_plan(seed))[1] for seed in SEEDS]


def in_all(reports: list[FleetReport], name: str) -> Counter[str]:
    return sum((getattr(report, name) for report in reports), Counter[str]())


# ---------------------------------------------------------------------------- many worlds


def test_the_checkers_find_nothing(reports: list[FleetReport]) -> None:
    """In no world; and there was something to find: promises, seats, messages, dials, and take-overs."""
    found = {report.seed: [str(one) for one in report.findings] for report in reports if report.findings}
    assert found == {}
    counts = in_all(reports, "counts")
    assert counts["dials"] > 200
    assert counts["attempts taken over"] >= 3
    assert counts["bookings"] > 10
    assert counts["messages taken"] > 50


def test_everything_went_wrong(reports: list[FleetReport]) -> None:
    """Every kind of bad luck at a border of a process, every trouble, and nearly all that real networks do."""
    went_wrong = in_all(reports, "went_wrong")
    assert {str(ill) for ill in Ill} - set(went_wrong) == set()
    assert {str(trouble) for trouble in Trouble} - set(went_wrong) == set()
    not_here = {Fault.DIAL_TWICE, Fault.OUTAGE, Fault.OUTAGE_UNNOTICED}
    assert len({str(fault) for fault in set(Fault) - not_here} - set(went_wrong)) <= 2


def test_what_a_seed_draws() -> None:
    """Two to five nodes whose clocks disagree, seats, messages, hours that begin or end, and some calm worlds."""
    plans = [draw_plan(seed) for seed in range(80)]
    assert {len(plan.nodes) for plan in plans} == {2, 3, 4, 5}
    assert max(plan.skew_max for plan in plans) > timedelta(minutes=1.5)
    assert any(plan.calm and not plan.incidents for plan in plans)
    policies = [policy for plan in plans for policy in plan.policies]
    assert {policy.calling is None for policy in policies} == {True, False}
    assert {policy.messages is None for policy in policies} == {True, False}
    seats = {policy.slots.seats for policy in policies if policy.slots is not None}
    assert seats == {FixedSeats(seats=1), FixedSeats(seats=2)}


def test_the_same_seed_is_the_same_world(reports: list[FleetReport]) -> None:
    """Taped or not, and also when what hit is given by name."""
    plan = draw_plan(12)
    fleet, again = play(plan, taped=True)
    assert again == reports[12 - SEEDS.start]
    assert fleet.tape
    replayed = play(attrs.evolve(plan, only=frozenset(again.happened)))[1]
    assert replayed == again


@pytest.mark.parametrize("seed", [14])
def test_a_world_on_sqlite_is_the_one_in_memory(seed: int, reports: list[FleetReport]) -> None:
    """Where the rows are makes no difference to what happens."""
    assert one_fleet(seed, store="sqlite") == attrs.evolve(reports[seed - SEEDS.start], happened=())


def test_a_world_on_postgres_is_the_one_in_memory(reports: list[FleetReport]) -> None:
    """Through one connection after the other: what nodes do at once is tested elsewhere."""
    from callbackq.stores.postgres import PostgresStore

    with fresh_schema() as schema:
        store = PostgresStore(conninfo(), schema=schema, pepper=bytes(32))
        fleet, report = play(draw_plan(5, people=4), store=store)
        assert report == play(draw_plan(5, people=4))[1]
        assert fleet.written
        store.close()


# ---------------------------------------------------------------------------- one after the other


def test_the_figures_do_not_depend_on_the_number_of_processes() -> None:
    """Worlds are counted by seed."""
    told: list[tuple[int, int]] = []
    alone = many_fleets(5, worlds=2, progress=lambda done, total: told.append((done, total)))
    assert alone == many_fleets(5, worlds=2, processes=2)
    assert (alone.worlds_count, alone.bad, told) == (2, (), [(1, 2), (2, 2)])


def test_a_world_that_breaks_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its error is kept, and after so many of them there is an end."""

    def breaks(_fleet: Fleet) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Fleet, "play", breaks)
    report = one_fleet(3)
    assert [(one.check, one.what) for one in report.findings] == [(ERROR, "RuntimeError: a bug")]
    assert "a bug" in (report.error or "")
    every = many_fleets(1, worlds=1000)
    assert every.worlds_count == len(every.bad) == playing.BAD_MAX
    assert every.found == {ERROR: playing.BAD_MAX}


def test_a_store_of_another_kind_is_refused() -> None:
    """With what is allowed."""
    with pytest.raises(ValueError, match="allowed: memory, sqlite"), opened("paper"):
        pass


# ---------------------------------------------------------------------------- chance


def test_a_draw_follows_from_its_name() -> None:
    """What is left out changes nothing for the rest; what is given by name hits and nothing else does."""
    whole = Chance(7, {"crash": 0.5, "stall": 0.5})
    hits = [whole.hits(kind, f"node-{index % 3}") for index in range(60) for kind in ("crash", "stall")]
    assert 30 < sum(hits) < 90
    part = Chance(7, {"crash": 0.5, "stall": 0.5})
    for index in range(60):
        part.hits("crash", f"node-{index % 3}")
    assert part.happened == [name for name in whole.happened if name.startswith("crash")]
    named = Chance(7, {"crash": 1.0}, only=["crash/node-1//2"])
    assert [named.hits("crash", "node-1") for _ in range(3)] == [False, True, False]
    named.calm()
    assert not named.hits("crash", "node-1")
    whole.topic = "person-1"
    first = whole.random()
    assert whole.random() != first == Chance(7, {}).share("/person-1/1")


# ---------------------------------------------------------------------------- what befalls a node


def quiet(seed: int, *incidents: Incident, people: int = 6, **ratios: float) -> Fleet:
    """Play a world in which only this goes wrong."""
    plan = draw_plan(seed, people=people)
    kinds = {getattr(Ill, name.upper()).value: ratio for name, ratio in ratios.items()}
    fleet, report = play(attrs.evolve(plan, incidents=incidents, ratios=kinds), taped=True)
    assert [str(one) for one in report.findings] == []
    return fleet


def told(fleet: Fleet) -> str:
    return "\n".join(str(line) for line in story_of(fleet))


def test_a_node_that_ends_comes_back() -> None:
    """As a new process, which asks the telephony first."""
    fleet = quiet(7, Incident(at=timedelta(minutes=2), what=Trouble.KILLED, who="node-1"))
    words = told(fleet)
    assert "!! is killed" in words
    assert words.count("begins") == len(fleet.plan.nodes) + 1


def test_a_node_that_is_deployed_is_drained() -> None:
    """A new one begins beside it; it ends when nothing is left of what it began."""
    deployed = Incident(
        at=timedelta(minutes=2), what=Trouble.DEPLOYED, who="node-2", length=timedelta(minutes=1)
    )
    words = told(quiet(7, deployed))
    assert "node-2.2    begins" in words
    assert "node-2      !! leaves" in words


def test_a_node_that_is_cut_off_goes_on_afterwards() -> None:
    """From the store, from the telephony, or from both; noticed or not."""
    cuts = (Trouble.CUT_FROM_STORE, Trouble.CUT_FROM_PBX, Trouble.CUT_UNNOTICED, Trouble.CUT_FROM_BOTH)
    for what in cuts:
        minute = timedelta(minutes=1)
        fleet = quiet(9, *(Incident(at=minute, what=what, who=f"node-{n}", length=minute) for n in (1, 2, 3)))
        assert fleet.went_wrong[what] == 3


@pytest.mark.parametrize(
    ("ill", "error"),
    [
        (Ill.STORE_GONE, StoreUnavailable),
        (Ill.LOST_REPLY, CommitUncertain),
        (Ill.CONFLICT, Conflict),
    ],
)
def test_a_view_fails_before_at_or_after_the_commit(ill: Ill, error: type[Exception]) -> None:
    """Only what lost its reply is written."""
    behind = MemoryStore()
    plan = attrs.evolve(draw_plan(7, people=0), ratios={str(ill): 1.0}, incidents=(), meddlings=())
    fleet = Fleet(attrs.evolve(plan, faults_for=timedelta(0)), store=behind)
    fleet.play()
    node = next(process for process in fleet._alive() if process.name == "node-1")
    fleet.chance.ratios[ill] = 1.0
    before = len(fleet.written)
    with pytest.raises(error):
        node.service.agent_available("ann", queues=[fleet.policies[0].queue])
    with behind.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        assert (tx.agents.find("ann") is not None) == (len(fleet.written) > before) == (ill is Ill.LOST_REPLY)  # type: ignore[arg-type]


def test_what_was_taken_over_from_who_no_longer_had_it_is_found(reports: list[FleetReport]) -> None:
    """The history is told in true time: who had an attempt last is who it is taken from."""
    seed = next(report.seed for report in reports if report.counts["attempts taken over"])
    fleet, _ = play(draw_plan(seed))
    index = next(i for i, one in enumerate(fleet.written) if one.event.kind == "attempt_taken_over")
    taken = fleet.written[index]
    event: Any = taken.event
    wrong = attrs.evolve(taken, event=attrs.evolve(event, from_node_id="node-9"))
    found = taken_over_twice([*fleet.written[:index], wrong])
    assert taken_over_twice(fleet.written) == []
    assert [one.check for one in found] == [TAKEN_OVER_TWICE]

"""
Worlds in which nearly everything goes wrong: nothing is found, every time the same, and everything did go wrong.

When one of these fails, its message names the seed: `callbackq storm --world SEED` replays it.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from callbackq.errors import CommitUncertain, StoreError, StoreUnavailable
from callbackq.ids import DEFAULT_TENANT
from callbackq.model import Disposition, Mode, Outcome
from callbackq.ports import Commit
from callbackq.simulation import storms
from callbackq.simulation.storm import Storm, StormReport
from callbackq.simulation.storm_story import callback_of, story_of
from callbackq.simulation.storms import World, many_storms, one_world
from callbackq.stores.memory import MemoryStore
from callbackq.stores.sqlite import Flush, SQLiteStore
from callbackq.testing.checkers import Finding, Findings
from callbackq.testing.faults import Fault
from callbackq.testing.store_faults import FlakyStore

SEEDS = range(1, 33)


@pytest.fixture(scope="module")
def reports() -> list[StormReport]:
    """What came of the worlds, which are let rage once for all tests."""
    return [Storm(seed).run() for seed in SEEDS]


def told_of(found: World) -> str:
    assert found.report is not None, found.error
    return f"callbackq storm --world {found.seed}: {[str(finding) for finding in found.report.findings.all]}"


def in_all(reports: list[StormReport], name: str) -> Counter[str]:
    return sum((getattr(report, name) for report in reports), Counter[str]())


# ---------------------------------------------------------------------------- many worlds


def test_the_checkers_find_nothing(reports: list[StormReport]) -> None:
    """In no world."""
    bad = [World(seed=report.seed, report=report) for report in reports if report.findings.all]
    assert [told_of(world) for world in bad] == []
    assert sum(report.attempts_count for report in reports) > 3000


def test_everything_went_wrong(reports: list[StormReport]) -> None:
    """Every fault happened; but for the second dial of one leg, which the engine never gives out."""
    happened = {Fault(name) for name in in_all(reports, "went_wrong") if name in set(Fault)}
    assert set(Fault) - happened == {Fault.DIAL_TWICE}
    assert in_all(reports, "went_wrong") >= Counter({"store": 100, "crash": 5, "report of no leg": 50})


def test_everything_that_can_come_of_it_came(reports: list[StormReport]) -> None:
    """Every mode, every disposition, and every outcome but that of rules, which there are none of."""
    assert set(in_all(reports, "modes")) == {str(mode) for mode in Mode}
    assert set(in_all(reports, "dispositions")) == {str(disposition) for disposition in Disposition}
    assert set(in_all(reports, "outcomes")) == {str(outcome) for outcome in Outcome} - {"refused_by_rule"}


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_seed_is_the_same_world(seed: int, reports: list[StormReport]) -> None:
    """Taped or not, and whatever the pepper of the store is."""
    storm = Storm(seed, store=MemoryStore(pepper=bytes(32)), taped=True)
    assert storm.run() == reports[seed - SEEDS.start]


@pytest.mark.parametrize("seed", [1, 2, 6])
def test_a_world_on_sqlite_is_the_one_in_memory(seed: int, tmp_path: Path) -> None:
    """With the same report, and the same history."""
    store = SQLiteStore(tmp_path / "world.db", flush=Flush.RELAXED, pepper=bytes(32))
    on_disk = Storm(seed, people=40, store=store)
    in_memory = Storm(seed, people=40, store=MemoryStore(pepper=bytes(32)))
    assert on_disk.run() == in_memory.run()
    assert on_disk.evidence().history == in_memory.evidence().history
    store.close()


# ---------------------------------------------------------------------------- one after the other


def test_the_figures_do_not_depend_on_the_number_of_processes() -> None:
    """Worlds are counted by seed, and those that were begun too many are left out."""
    alone = many_storms(5, attempts=250)
    assert alone == many_storms(5, attempts=250, processes=2)
    assert alone.attempts_count >= 250 > alone.attempts_count - 250
    assert alone.callbacks_count == alone.outcomes.total()
    assert alone.attempts_count == alone.modes.total()
    assert (alone.bad, alone.findings_count) == ((), 0)


def test_progress_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """After each world, in attempts, and never more than were asked for."""
    told: list[tuple[int, int]] = []
    report = many_storms(1, attempts=150, progress=lambda done, total: told.append((done, total)))
    assert len(told) == report.worlds_count
    assert told[-1] == (150, 150)


def test_a_world_that_breaks_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its error is kept, and after so many of them there is an end."""

    def breaks(_storm: Storm) -> StormReport:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Storm, "run", breaks)
    world = one_world(3)
    assert "RuntimeError: a bug" in (world.error or "")
    assert not world.is_well
    report = many_storms(1, attempts=10**6)
    assert report.worlds_count == len(report.bad) == report.findings_count == storms.WORLDS_WITH_FINDINGS_MAX
    assert report.attempts_count == 0


def test_what_was_found_is_counted(reports: list[StormReport]) -> None:
    """Every finding; the world is kept."""
    finding = Finding(check="a rule", what="was broken", which="cb_000001", at=None)
    bad = World(
        seed=7,
        report=StormReport(
            seed=7,
            attempts_count=3,
            callbacks_count=2,
            findings=Findings((finding, finding)),
            modes=Counter(),
            dispositions=Counter(),
            outcomes=Counter(),
            went_wrong=Counter(),
        ),
    )
    report = storms.StormsReport(seed=7, attempts_asked=3).plus(bad)
    assert (report.findings_count, report.bad, report.is_over) == (2, (bad,), True)


# ---------------------------------------------------------------------------- the story of one callback


@pytest.fixture(scope="module")
def taped() -> Storm:
    """A world on tape, in which the connection is lost now and then."""
    storm = Storm(1, taped=True)
    storm.telephony.ratios[Fault.OUTAGE] = 0.01
    storm.run()
    return storm


def test_a_story_has_all_that_happened_in_its_order(taped: Storm) -> None:
    """What the history says stands beside what the network did and was told; numbers are masked."""
    assert taped.tape is not None
    evidence = taped.evidence()
    attempt = next(row for row in evidence.attempts if row.connected_at is not None)
    story = story_of(taped.tape, attempt.callback_id)
    assert [line.at for line in story] == sorted(line.at for line in story)
    events = [
        event for event in evidence.history if getattr(event, "callback_id", None) == attempt.callback_id
    ]
    told = [line for line in story if line.is_history and not line.who.startswith("agent")]
    assert len(told) == len(events)
    log = [entry for entry in taped.telephony.log if entry.callback_id == attempt.callback_id]
    assert len([line for line in story if line.who == "network" and "leg_" in line.what]) == len(log)
    words = "\n".join(line.what for line in story)
    for part in ("callback requested", "attempt started", "bridged", "callback ended", "agent reserved"):
        assert part in words
    assert {line.number for line in log if line.number and line.number in words} == set()
    before = next(index for index, line in enumerate(story) if "attempt started" in line.what)
    after = next(index for index, line in enumerate(story) if line.what.startswith("dialed"))
    assert before < after


def test_a_story_is_found_by_an_attempt_a_leg_or_a_place(taped: Storm) -> None:
    """A finding names any of them. The second agent's leg is of the same attempt."""
    assert taped.tape is not None
    history = taped.evidence().history
    attempt = taped.evidence().attempts[0]
    story = story_of(taped.tape, attempt.callback_id)
    for which in (
        attempt.attempt_id,
        attempt.agent_leg_id,
        f"{attempt.agent_leg_id}.2",
        attempt.customer_leg_id,
    ):
        assert story_of(taped.tape, which) == story
    assert callback_of(history, "nobody") is None
    with pytest.raises(LookupError, match="no callback 'nobody'"):
        story_of(taped.tape, "nobody")


def test_serious_incidents_are_told_while_the_story_lasts(taped: Storm) -> None:
    """A lost connection concerns everybody; a lost report only those to whom something happens just then."""
    assert taped.tape is not None
    stories = [story_of(taped.tape, row.callback_id) for row in taped.evidence().callbacks]
    incidents = [line for story in stories for line in story if line.who == "incident"]
    assert any("connection" in line.what for line in incidents)
    for story in stories:
        times = {line.at for line in story if line.who != "incident"}
        for line in story:
            assert line.at in times or line.what.startswith("!! ")


# ---------------------------------------------------------------------------- the store that fails


def test_a_flaky_store_fails_before_or_after_the_commit() -> None:
    """Nothing is written by one that is gone; all is by one that lost the reply. Who asks is told of each."""
    from random import Random

    for ratios, error in (
        ({"gone_ratio": 1.0}, StoreUnavailable),
        ({"lost_reply_ratio": 1.0}, CommitUncertain),
    ):
        store = FlakyStore(MemoryStore(pepper=bytes(32)), random=Random(7), **ratios)
        heard: list[StoreError] = []
        store.on_failure = heard.append
        with pytest.raises(error), store.transaction(DEFAULT_TENANT, commit=Commit.FLUSHED):
            pass
        assert store.failures_count == len(heard) == 1
        assert store.pepper == bytes(32)
        store.close()

"""Three bugs that only several nodes meet are found, each made small to a story that can be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from callbackq.simulation.fleet.plan import draw_plan
from callbackq.simulation.fleet.playing import FleetReport, play
from callbackq.simulation.fleet.shrinking import Shrunk, shrink, size_of
from callbackq.simulation.fleet.story import cast_of, story_of_findings
from simulation.fleet_bugs import BUGS, Bug


def report_of(seed: int) -> FleetReport:
    return play(draw_plan(seed))[1]


def small(bug: Bug) -> Shrunk:
    """Return the smallest world that shows it, found as `callbackq fleet --shrink` finds it."""
    return shrink(draw_plan(bug.seed), report_of(bug.seed), check=bug.found_by, plays_max=bug.plays_max)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.breaks.__name__)
def test_a_bug_is_found_and_made_small(bug: Bug, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the named world, by the check that is for it; and the story that is left can be read at one look."""
    with monkeypatch.context() as patch:
        bug.breaks(patch)
        shrunk = small(bug)
        fleet, report = play(shrunk.plan, taped=True)
    assert bug.found_by in {finding.check for finding in report.findings}
    assert report == shrunk.report
    story = story_of_findings(fleet, report.findings)
    assert len(story) <= bug.lines_max, "\n".join(map(str, story))
    assert len(shrunk.plan.people) <= bug.people_max
    assert len(cast_of(shrunk.plan)) <= len(cast_of(draw_plan(bug.seed)))
    assert size_of(shrunk.plan).startswith(f"{len(shrunk.plan.people)} people, ")


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.breaks.__name__)
def test_the_whole_engine_is_not(bug: Bug) -> None:
    """In the same world: nothing is found, and nothing can be made small."""
    report = report_of(bug.seed)
    assert [str(finding) for finding in report.findings] == []
    with pytest.raises(ValueError, match="nothing was found"):
        shrink(draw_plan(bug.seed), report)


def test_the_page_lists_what_is_broken() -> None:
    """In the same order and words, with the seeds."""
    page = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "fleet-test.md"
    rows = re.findall(r"^\| (.+) \| (.+) \| (\d+) \|$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [(bug.broken, bug.found_by, str(bug.seed)) for bug in BUGS]

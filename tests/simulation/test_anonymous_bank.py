"""The real log, read and replayed: on made-up lines and, where it is there, on the log itself."""

from __future__ import annotations

import gzip
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from callbackq.core.ordering import rank
from callbackq.simulation import Caller, Shift, Temper
from callbackq.simulation.anonymous_bank import COLUMNS, BankLog, NotALog, figures_of_log, read_log
from callbackq.simulation.replaying import (
    HEAD_START,
    Compared,
    callers_of_log,
    center_of_log,
    compare_with_log,
    habits_of_log,
    pauses_of_log,
    policy_of_log,
    shifts_of_log,
)
from callbackq.stores.memory import MemoryStore

HEADING = ",".join(COLUMNS)
GOOD = (
    "1999-01-03,c1,2,PS,30000,10,0,,0,AGENT,30010,200,a01",
    "1999-01-03,,0,PS,30020,5,1,30025,185,AGENT,30210,60,a01",
    "1999-01-03,c2,1,NW,30030,5,1,30035,40,HANG,,0,",
    "1999-01-03,,0,PS,30040,5,0,,0,HANG,,0,",
    "1999-01-04,c1,0,PS,86390,5,1,86395,10,AGENT,5,30,a02",
)


def log_file(folder: Path, *lines: str, packed: bool = False) -> Path:
    content = "\n".join((HEADING, *lines)) + "\n"
    path = folder / ("log.csv.gz" if packed else "log.csv")
    path.write_bytes(gzip.compress(content.encode()) if packed else content.encode())
    return path


@pytest.mark.parametrize("packed", [False, True])
def test_a_log_is_read_plain_or_packed(tmp_path: Path, packed: bool) -> None:
    """Calls to an agent are kept, in order; those that ended in the menu are counted."""
    log = read_log(log_file(tmp_path, *GOOD, packed=packed))
    assert [call.line for call in log.calls] == [2, 3, 4, 6]
    assert (log.rows, len(log.menu_days), log.bad) == (5, 1, ())
    figures = figures_of_log(log)
    assert (figures.calls, figures.served, figures.abandoned, figures.queued) == (4, 3, 1, 3)
    assert figures.mean_hold_queued_s == pytest.approx((185 + 40 + 10) / 3)
    assert log.handle_time == timedelta(seconds=290 / 3)


def test_dates_are_moved_on_to_the_same_weekday(tmp_path: Path) -> None:
    """The engine takes instants from 2000 on."""
    call = read_log(log_file(tmp_path, *GOOD)).calls[0]
    assert call.at(call.joined_s) == datetime(2027, 1, 3, 8, 20, 10, tzinfo=UTC)
    assert date(1999, 1, 3).weekday() == date(2027, 1, 3).weekday()


def test_a_service_after_midnight_belongs_to_the_call_before_it(tmp_path: Path) -> None:
    """Seconds start anew at midnight; the call does not."""
    call = read_log(log_file(tmp_path, *GOOD)).calls[-1]
    assert call.service_starts_s == 86_405


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("1999-01-03,c1,2,PS", "4 columns; expected 13"),
        ("1999-13-03,,0,PS,1,1,0,,0,AGENT,2,3,a", "date is '1999-13-03'"),
        ("1999-01-03,,7,PS,1,1,0,,0,AGENT,2,3,a", "priority is '7'; expected 0 or 1 or 2"),
        ("1999-01-03,,0,P S,1,1,0,,0,AGENT,2,3,a", "type is 'P S'; expected at most 16 letters or digits"),
        (f"1999-01-03,,0,{'P' * 17},1,1,0,,0,AGENT,2,3,a", "type is 'PPPPPPPPPPPPPPPPP'"),
        ("1999-01-03,,0,PS,x,1,0,,0,AGENT,2,3,a", "arr is 'x'"),
        ("1999-01-03,,0,PS,1,-1,0,,0,AGENT,2,3,a", "vru_s is '-1'"),
        ("1999-01-03,,0,PS,1,1,1,,0,HANG,,0,", "q_start is ''"),
        ("1999-01-03,,0,PS,1,1,yes,,0,AGENT,2,3,a", "queued is 'yes'"),
        ("1999-01-03,,0,PS,1,1,0,,0,PHANTOM,2,3,a", "outcome is 'PHANTOM'"),
        ("1999-01-03,,0,PS,1,1,0,,0,AGENT,,3,a", "s_start is ''"),
        ("1999-01-03,,0,PS,1,1,0,,0,AGENT,2,99999999999,a", "s_s is '99999999999'"),
    ],
)
def test_a_bad_line_is_named_and_left_out(tmp_path: Path, line: str, why: str) -> None:
    """With its number in the file, and what is wrong with it."""
    log = read_log(log_file(tmp_path, GOOD[0], line, GOOD[1]))
    assert [call.line for call in log.calls] == [2, 4]
    (bad,) = log.bad
    assert bad.line == 3
    assert why in bad.why


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "its columns are not"),
        (b"name,age\nAda,36\n", "its columns are not"),
        (HEADING.encode() + b"\n", "it holds no call"),
        (b"\x1f\x8b and no more", "not text in columns|CRC|Not a gzipped|gzip"),
        (b"\xff\xfe\x00", "not text in columns"),
    ],
)
def test_a_file_that_is_no_log_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    """In one sentence that names the file."""
    path = tmp_path / "letters.txt"
    path.write_bytes(content)
    with pytest.raises(NotALog, match=why) as caught:
        read_log(path)
    assert str(caught.value).startswith("letters.txt is not a log of the format anonymous-bank: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    """It cannot be opened, and that is said."""
    with pytest.raises(NotALog, match="No such file"):
        read_log(tmp_path / "nothing.csv")


def test_a_log_of_too_many_types_is_refused(tmp_path: Path) -> None:
    """An agent can have so many skills and no more."""
    lines = [f"1999-01-03,,0,T{index},{30000 + index},5,0,,0,AGENT,30010,200,a01" for index in range(51)]
    assert len(read_log(log_file(tmp_path, *lines[:50])).calls) == 50
    with pytest.raises(NotALog, match="it has more than 50 types of calls"):
        read_log(log_file(tmp_path, *lines))


# ---------------------------------------------------------------------------- people


def callers(log: BankLog, *, seed: int = 1) -> list[Caller]:
    return callers_of_log(log, patience=habits_of_log(log).patience, temper=Temper(), random=Random(seed))


def test_patience_is_the_log_s_or_longer(tmp_path: Path) -> None:
    """Who hung up holds as long as the log says; who was served held so long at least, and a little more."""
    log = read_log(log_file(tmp_path, *GOOD))
    for seed in range(20):
        found = {caller.call_id: caller.patience for caller in callers(log, seed=seed)}
        assert found["line-0000004"] == timedelta(seconds=40)
        longer = {"line-0000002": 0, "line-0000003": 185, "line-0000006": 10}
        for call_id, wait_s in longer.items():
            patience = found[call_id]
            assert patience is not None
            assert patience > timedelta(seconds=wait_s)


def test_where_nobody_hung_up_all_hold_for_ever(tmp_path: Path) -> None:
    """The log tells nothing of patience."""
    log = read_log(log_file(tmp_path, GOOD[0], GOOD[1]))
    assert [caller.patience for caller in callers(log)] == [None, None]


def test_callers_need_the_skill_of_their_kind(tmp_path: Path) -> None:
    """A call without a type needs none. Service times are drawn from the same kind, if any of it was served."""
    log = read_log(log_file(tmp_path, *GOOD, "1999-01-04,,0,,50000,5,1,50005,9,HANG,,0,"))
    found = {caller.call_id: caller for caller in callers(log)}
    assert [found[f"line-{line:07d}"].skills for line in (2, 4, 7)] == [("PS",), ("NW",), ()]
    drawn = {callers(log, seed=seed)[2].service.total_seconds() for seed in range(30)}
    assert drawn == {200, 60, 30}  # of the NW caller: none was served, so of all
    more = read_log(log_file(tmp_path, *GOOD, "1999-01-04,,0,NW,50000,5,0,,0,AGENT,50004,77,a02"))
    assert callers(more)[2].service == timedelta(seconds=77)


def test_two_runs_of_one_seed_have_the_same_people(tmp_path: Path) -> None:
    """So what differs between them is what callbacks do."""
    log = read_log(log_file(tmp_path, *GOOD))
    assert callers(log, seed=3) == callers(log, seed=3) != callers(log, seed=4)


def test_persons_have_one_number_each(tmp_path: Path) -> None:
    """The same label is the same person; a call without a label is a person of its own."""
    log = read_log(log_file(tmp_path, *GOOD))
    numbers = [caller.number for caller in callers(log)]
    assert numbers[0] == numbers[3]
    assert len(set(numbers)) == 3


def test_priority_two_has_a_head_start_of_ninety_seconds(tmp_path: Path) -> None:
    """A call of priority 2 ranks as one of another priority that joined 90 s before."""
    log = read_log(log_file(tmp_path, *GOOD))
    policy = policy_of_log(log, pause=timedelta(seconds=5))
    high, regular = (caller.priority for caller in callers(log)[:2])
    assert high is not None
    assert regular is not None
    at = datetime(2027, 1, 3, 8, tzinfo=UTC)
    assert rank(at, priority=high, policy=policy) == rank(at - HEAD_START, priority=regular, policy=policy)


# ---------------------------------------------------------------------------- agents


def test_shifts_come_from_who_served(tmp_path: Path) -> None:
    """One row of services each, for the kinds of calls that were among them."""
    log = read_log(log_file(tmp_path, *GOOD))
    day = datetime(2027, 1, 3, tzinfo=UTC)
    assert shifts_of_log(log)[0] == Shift(
        agent_id="a01",
        starts_at=day + timedelta(seconds=30_010),
        ends_at=day + timedelta(seconds=30_270),
        queues=("bank",),
        skills=("PS",),
    )


def test_agents_pause_as_the_log_shows(tmp_path: Path) -> None:
    """While somebody waits: 7 s and 11 s; the 180 s are an absence, and no pause."""
    waits = "1999-01-03,,0,PS,30000,0,1,30000,{},AGENT,{},{},{}"
    log = read_log(
        log_file(
            tmp_path,
            waits.format(10, 30_010, 100, "a01"), waits.format(117, 30_117, 100, "a01"),
            waits.format(228, 30_228, 100, "a01"), waits.format(508, 30_508, 100, "a01"),
        )
    )  # fmt: skip
    law = pauses_of_log(log)
    assert (law.times_s, law.ended) == ((7, 11, 180), 3)
    pause = habits_of_log(log).pause
    assert pause == timedelta(seconds=9)
    policy = policy_of_log(log, pause=pause)
    assert (policy.wrap_up, policy.handle_time) == (pause, timedelta(seconds=109))
    assert len(shifts_of_log(log)) == 2


def test_a_service_without_a_label_tells_nothing_of_agents(tmp_path: Path) -> None:
    """Nobody is on duty for it."""
    log = read_log(log_file(tmp_path, "1999-01-03,,0,PS,30000,10,0,,0,AGENT,30010,200,"))
    assert shifts_of_log(log) == []


# ---------------------------------------------------------------------------- replaying


def test_the_first_days_can_be_taken(tmp_path: Path) -> None:
    """Days with calls are counted; menu calls of later days are left out too."""
    log = read_log(log_file(tmp_path, *GOOD)).first_days(1)
    assert (len(log.calls), len(log.menu_days)) == (3, 1)


def test_a_small_log_is_replayed_as_it_was(tmp_path: Path) -> None:
    """With the log's agents and nobody called back, the engine serves whom the log says, at the same time."""
    log = read_log(log_file(tmp_path, *GOOD))
    for accept_ratio, offers in ((0.0, 1), (None, 0)):
        center = center_of_log(log, MemoryStore(), accept_ratio=accept_ratio, seed=7)
        report = center.run()
        assert (report.served_live, report.abandoned, report.findings) == (3, 1, ())
        assert report.offers == offers
    assert report.mean_hold_queued_s == pytest.approx((185 + 40 + 10) / 3)


def test_log_and_runs_stand_side_by_side(tmp_path: Path) -> None:
    """How far the run without callbacks is off is told where the log has the figure."""
    log = read_log(log_file(tmp_path, *GOOD))
    report = center_of_log(log, MemoryStore(), accept_ratio=None, seed=7).run()
    rows = compare_with_log(log, without=report, with_callbacks=report)
    assert rows["queued"] == Compared(log=3, without_callbacks=3, with_callbacks=3)
    assert rows["abandoned_of_queued_ratio"].log == pytest.approx(1 / 3)
    assert rows["mean_wait_live_s"].log == pytest.approx((0 + 185 + 10) / 3)
    assert {name for name, row in rows.items() if row.off_percent is None} == {
        "mean_wait_callback_s", "attempts", "promises_kept_ratio"
    }  # fmt: skip
    assert all(row.off_percent == pytest.approx(0) for row in rows.values() if row.log is not None)
    assert Compared(log=0, without_callbacks=3, with_callbacks=None).off_percent is None


def test_the_real_log_says_what_is_published() -> None:
    """January 1999: 16,536 queued, 3,090 of them hung up, and the mean wait of those who queued was 67.95 s."""
    folder = os.environ.get("CALLBACKQ_DATA")
    if not folder:
        pytest.skip("CALLBACKQ_DATA is not set: the folder with anonymous_bank_1999_01.csv.gz")
    log = read_log(Path(folder) / "anonymous_bank_1999_01.csv.gz")
    figures = figures_of_log(log)
    assert (log.rows, log.bad) == (31_209, ())
    assert (figures.queued, figures.abandoned) == (16_536, 3_090)
    assert figures.mean_hold_queued_s == pytest.approx(67.95, abs=0.005)

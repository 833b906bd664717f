"""The reader of the real log, on made-up lines and, where it is there, on the log itself."""

from __future__ import annotations

import gzip
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from callbackq.core.ordering import rank
from callbackq.simulation import Shift, Temper
from callbackq.simulation.anonymous_bank import (
    COLUMNS,
    HEAD_START,
    BankLog,
    NotALog,
    callers_of_log,
    center_of_log,
    figures_of_log,
    policy_of_log,
    read_log,
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


def callers_by_line(log: BankLog) -> dict[str, timedelta | None]:
    return {
        caller.call_id: caller.patience for caller in callers_of_log(log, temper=Temper(), random=Random(1))
    }


def test_patience_is_the_log_s_or_endless(tmp_path: Path) -> None:
    """Who hung up held as long as the log says; who was served would have held for ever."""
    log = read_log(log_file(tmp_path, *GOOD))
    assert callers_by_line(log) == {
        "line-0000002": None,
        "line-0000003": None,
        "line-0000004": timedelta(seconds=40),
        "line-0000006": None,
    }


def test_persons_have_one_number_each(tmp_path: Path) -> None:
    """The same label is the same person; a call without a label is a person of its own."""
    log = read_log(log_file(tmp_path, *GOOD))
    numbers = [caller.number for caller in callers_of_log(log, temper=Temper(), random=Random(1))]
    assert numbers[0] == numbers[3]
    assert len(set(numbers)) == 3


def test_priority_two_has_a_head_start_of_ninety_seconds(tmp_path: Path) -> None:
    """A call of priority 2 ranks as one of another priority that joined 90 s before."""
    log = read_log(log_file(tmp_path, *GOOD))
    policy = policy_of_log(log)
    high, regular = (caller.priority for caller in callers_of_log(log, temper=Temper(), random=Random(1))[:2])
    assert high is not None
    assert regular is not None
    at = datetime(2027, 1, 3, 8, tzinfo=UTC)
    assert rank(at, priority=high, policy=policy) == rank(at - HEAD_START, priority=regular, policy=policy)


def test_shifts_come_from_who_served(tmp_path: Path) -> None:
    """One row of services each."""
    log = read_log(log_file(tmp_path, *GOOD))
    day = datetime(2027, 1, 3, tzinfo=UTC)
    assert shifts_of_log(log)[0] == Shift(
        agent_id="a01",
        starts_at=day + timedelta(seconds=30_010),
        ends_at=day + timedelta(seconds=30_270),
        queues=("bank",),
    )


def test_the_first_days_can_be_taken(tmp_path: Path) -> None:
    """Days with calls are counted; menu calls of later days are left out too."""
    log = read_log(log_file(tmp_path, *GOOD)).first_days(1)
    assert (len(log.calls), len(log.menu_days)) == (3, 1)


def test_a_small_log_is_replayed_as_it_was(tmp_path: Path) -> None:
    """With the log's agents and nobody called back, the engine serves whom the log says, at the same time."""
    log = read_log(log_file(tmp_path, *GOOD))
    center = center_of_log(log, MemoryStore(), accept_ratio=0.0, seed=7)
    report = center.run()
    assert (report.served_live, report.abandoned, report.findings) == (3, 1, ())
    assert report.mean_hold_queued_s == pytest.approx((185 + 40 + 10) / 3)


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

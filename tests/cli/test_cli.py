"""The command line: figures that repeat, mistakes in one sentence, and help that teaches."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

import callbackq.cli
from callbackq.cli.app import app
from callbackq.cli.common import bar, minutes, page, share
from callbackq.reporting.palette import DARK
from callbackq.simulation.busy_day import PICK_UP
from reporting.browsers import AXE, axe_findings, browsers, drawn
from untraced import untraced

if TYPE_CHECKING:
    from click.testing import Result

HEADING = "date,caller,priority,type,arr,vru_s,queued,q_start,q_s,outcome,s_start,s_s,agent"
KEYS = {
    "calls", "offers", "accepted", "connected", "unreached", "abandoned", "lost", "double_dialed", "overtaken",
    "mean_wait_s", "store",
}  # fmt: skip


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def figures(result: Result) -> dict[str, Any]:
    """Read the JSON; nothing else may stand on stdout."""
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def small_log(folder: Path, *bad: str) -> Path:
    """Two hours of one agent and too many callers."""
    path = folder / "small.csv"
    calls = [
        f"1999-01-03,c{index},{index % 3},PS,{30000 + 60 * index},5,1,{30005 + 60 * index},{40 * index % 300},"
        + ("HANG,,0," if index % 4 == 3 else f"AGENT,{30005 + 100 * index},95,a01")
        for index in range(60)
    ]
    path.write_text("\n".join((HEADING, *calls[:10], *bad, *calls[10:])) + "\n")
    return path


@pytest.fixture(scope="module", autouse=True)
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let no database outlive the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("stores")))
        yield


# ---------------------------------------------------------------------------- demo


@pytest.fixture(scope="module")
def demo(temporary: None) -> Result:
    with untraced(when=True):
        return invoke("demo", "--seed", 7, "--json")


def test_demo_prints_the_same_bytes_twice(demo: Result) -> None:
    """The path of the store apart."""
    again = invoke("demo", "--seed", 7, "--json")
    first, second = (
        [line for line in result.stdout.splitlines() if '"store"' not in line] for result in (demo, again)
    )
    assert first == second
    assert len(first) == len(demo.stdout.splitlines()) - 1


def test_demo_loses_nothing(demo: Result) -> None:
    """Every key is there; no promise is lost, nobody is dialed twice or overtaken."""
    found = figures(demo)
    assert set(found) >= KEYS
    assert (found["lost"], found["double_dialed"], found["overtaken"], found["findings"]) == (0, 0, 0, 0)
    assert found["calls"] > found["offers"] > found["accepted"] >= found["connected"] > 0
    assert found["without_callbacks"]["calls"] == found["calls"]
    assert found["without_callbacks"]["accepted"] == 0
    assert found["without_callbacks"]["abandoned"] > found["abandoned"]


def test_the_database_of_the_demo_can_be_read(demo: Result) -> None:
    """Every promise stands in it."""
    found = figures(demo)
    with sqlite3.connect(found["store"]) as connection:
        (count,) = connection.execute("SELECT count(*) FROM callbackq_callbacks").fetchone()
    connection.close()
    assert count == found["accepted"]


def test_demo_is_plain_when_not_in_a_terminal(tmp_path: Path) -> None:
    """A funnel, the waits, a bar for each hour; no colours, and the file at the end."""
    result = invoke("demo", "--seed", 3, "--store", tmp_path / "day.db")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert "were offered a callback" in result.stdout
    assert "gave up on hold" in result.stdout
    assert "###" in result.stdout
    assert result.stdout.isascii()
    assert str(tmp_path / "day.db") in result.stdout.splitlines()[-1]


def test_demo_with_another_seed_is_another_day(demo: Result) -> None:
    """And nobody accepts where nobody is to."""
    other = figures(invoke("demo", "--seed", 8, "--accept", 0, "--json"))
    assert other["calls"] != figures(demo)["calls"]
    assert (other["accepted"], other["connected"]) == (0, 0)


# ---------------------------------------------------------------------------- the report of the demo's day

# Where S2's words for the same thing differ from ours, they stand behind.
S2_VOLUME = (
    ("Total inbound calls", "-"),
    ("Callback offers presented", "> 30 % of inbound"),
    ("Callbacks accepted", "> 70 % of offered"),
    ("Scheduled callbacks requested", "-"),
    ("Immediate callbacks executed", "-"),
)
S2_SUCCESS = (
    ("Callback adoption rate", "> 40 %"),
    ("Callback answer rate", "> 85 %"),
    ("Callback-to-resolution rate", "> 90 %"),
    ("First-call resolution (callbacks)", "> 80 %"),
    ("Avg time from callback request to call", "< 15 min"),
    ("Avg callback wait time", "< 15 min"),
    ("Callback CSAT", "> 4.5/5.0"),  # CSAT (callback customers)
    ("Abandoned call rate", "< 5 %"),  # Abandoned call rate (with callback)
    ("Hold-to-callback conversion rate", "> 70 %"),
)
S2_COST = (
    ("One abandoned call costs (as told)", "$10"),  # $5 to $15 per call, $10 on average
    ("Who took a callback and would have given up (as told)", "40 %"),  # 40 % fewer abandoned calls
    ("More customers stay, for each point of CSAT (as told)", "16.7 %"),  # 0.3 points are 5 %
)


@pytest.fixture(scope="module")
def printed(demo: Result) -> list[list[str]]:
    """What `callbackq report` prints of the demo's day, by lines and cells."""
    result = invoke("report", figures(demo)["store"], "--preset", "s2")
    assert (result.exit_code, result.stderr) == (0, "")
    return [re.split("  +", line.strip()) for line in result.stdout.splitlines()]


def section(printed: list[list[str]], title: str) -> list[list[str]]:
    begin = next(number for number, cells in enumerate(printed) if cells[0] == title)
    return printed[begin + 1 : printed.index([""], begin)]


def test_the_report_stands_line_by_line_beside_s2(printed: list[list[str]]) -> None:
    """Every line of S2's tables, in its order, each with its target, and with a verdict in words."""
    volume = section(printed, "Volume")
    assert [(cells[0], cells[-1]) for cells in volume] == list(S2_VOLUME)
    for _, today, week, target in volume:
        assert (today.split()[-1] == week.split()[-1] == "met") is (target != "-")
    success = section(printed, "Success")[: len(S2_SUCCESS)]
    assert [(cells[0], cells[2]) for cells in success] == list(S2_SUCCESS)
    assert {cells[3] for cells in success} == {"met", "not met", "? no value"}
    cost = section(printed, "Cost impact")
    assert tuple((cells[0], cells[-1]) for cells in cost[:3]) == S2_COST
    named = [cells[0] for cells in cost[3:]]
    for line in (
        "Cost of abandoned calls",
        "Abandoned calls avoided",
        "Saved by avoided abandons",
        "Agents' time saved",
    ):
        assert line in named


def test_the_report_says_what_the_people_say(demo: Result, printed: list[list[str]]) -> None:
    """Its figures, from rows, are those of the demo, from the journal of its world."""
    told = figures(demo)
    value = {cells[0]: cells[1].split()[0] for cells in printed if len(cells) > 1}
    share = {cells[0]: cells[1] for cells in printed if len(cells) > 1}
    for title, name in (
        ("Total inbound calls", "calls"),
        ("Callback offers presented", "offers"),
        ("Callbacks accepted", "accepted"),
        ("Callbacks completed", "connected"),
        ("Live calls served", "served_live"),
        ("Live calls abandoned", "abandoned"),
    ):
        assert value[title] == f"{told[name]:,}", title
    assert share["Callbacks accepted"].startswith(
        f"{told['accepted']} ({100 * told['accepted'] / told['offers']:.1f} %)"
    )
    assert share["Abandoned call rate"] == f"{100 * told['abandoned'] / told['calls']:.1f} %"
    taken_after_s = (
        told["mean_wait_live_s"] - PICK_UP.total_seconds()
    )  # The people wait until they hear somebody.
    assert share["Avg speed of answer (live calls)"] == f"{minutes(taken_after_s)} min"
    assert value["Cost of abandoned calls"] == f"${10 * told['abandoned']:,}"
    assert value["Abandoned calls avoided"] == f"{0.4 * told['accepted']:g}"


if browsers():

    def test_a_browser_shows_the_page_of_the_demos_day(demo: Result, tmp_path: Path) -> None:
        """In the dark, as its reader likes it; axe-core finds nothing, where it is there."""
        path = tmp_path / "report.html"
        assert invoke("report", figures(demo)["store"], "--preset", "s2", "--html", path).exit_code == 0
        found = drawn(browsers()[0], path, dark=True)
        assert all(found[DARK[name].removeprefix("#")] > 20 for name in ("page", "hold", "back"))
        for axe in (one for one in (AXE,) if one.exists()):
            assert axe_findings(browsers()[0], path, axe=axe, dark=True)["violations"] == []


# ---------------------------------------------------------------------------- replay


def test_replay_puts_the_log_beside_the_engine(tmp_path: Path) -> None:
    """Figures of both, the source, and what was taken as given."""
    found = figures(invoke("replay", small_log(tmp_path), "--format", "anonymous-bank", "--json"))
    assert set(found) >= KEYS
    assert found["log"]["calls"] == found["calls"] == 60
    assert found["log"]["abandoned"] == 15
    assert (found["lost"], found["double_dialed"], found["overtaken"]) == (0, 0, 0)
    assert found["accepted"] > 0
    assert "Technion" in found["source"]
    assert any("Kaplan and Meier" in sentence for sentence in found["assumed"])
    assert Path(found["store"]).is_file()
    compared = found["compared"]
    assert compared["abandoned"]["log"] == 15
    for name in ("queued", "abandoned", "mean_hold_queued_s", "mean_wait_live_s"):
        assert compared[name]["without_callbacks"] == found["without_callbacks"][name]
        assert compared[name]["with_callbacks"] == found[name]
        off = 100 * (compared[name]["without_callbacks"] / compared[name]["log"] - 1)
        assert compared[name]["off_percent"] == pytest.approx(off, abs=0.1)
    assert compared["attempts"]["with_callbacks"] == found["attempts"]
    assert compared["attempts"]["without_callbacks"] is compared["attempts"]["off_percent"] is None
    assert compared["promises_kept_ratio"]["with_callbacks"] == pytest.approx(
        found["connected"] / found["accepted"], abs=0.001
    )
    assert set(found["patience_mean_s"]) == {"all"}  # too few hung up for a law of a kind
    assert found["agent_pause_s"] >= 0


def test_replay_prints_the_same_bytes_twice(tmp_path: Path) -> None:
    """The path of the store apart."""
    log = small_log(tmp_path)
    printed = [
        invoke("replay", log, "--json", "--store", tmp_path / name).stdout for name in ("1.db", "2.db")
    ]
    assert printed[0].replace("1.db", "2.db") == printed[1]


def test_replay_as_people_read_it(tmp_path: Path) -> None:
    """With the source and what was taken as given."""
    result = invoke("replay", small_log(tmp_path))
    assert result.exit_code == 0, result.output
    for words in (
        "the log", "off by", "gave up on hold", "Brown et al.", "Kaplan and Meier", "agents pause", "replay.db"
    ):  # fmt: skip
        assert words in result.stdout


def test_bad_rows_are_counted_and_the_first_ten_named(tmp_path: Path) -> None:
    """The rest of the log is replayed."""
    log = small_log(tmp_path, *["1999-01-03,,0,PS,noon,1,0,,0,AGENT,2,3,a"] * 12)
    found = figures(invoke("replay", log, "--json"))
    assert (found["bad_lines"], found["calls"], found["rows"]) == (12, 60, 72)
    assert [bad["line"] for bad in found["first_bad_lines"]] == list(range(12, 22))
    shown = invoke("replay", log).stdout
    assert "12 bad rows" in shown
    assert "line 12: arr is 'noon'; expected seconds, 0 to 172799" in shown
    assert "line 22" not in shown


def test_a_file_that_is_no_log_is_one_sentence(tmp_path: Path) -> None:
    """And exit code 2; no store is left behind."""
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear Ada,\n")
    result = invoke("replay", letter, "--store", tmp_path / "new.db")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("letter.txt is not a log of the format anonymous-bank")
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "new.db").exists()


def test_the_real_log_is_replayed() -> None:
    """Its first two days: nothing is lost, and people are called back."""
    folder = os.environ.get("CALLBACKQ_DATA")
    if not folder:
        pytest.skip("CALLBACKQ_DATA is not set: the folder with anonymous_bank_1999_01.csv.gz")
    found = figures(invoke("replay", Path(folder) / "anonymous_bank_1999_01.csv.gz", "--days", 2, "--json"))
    assert found["calls"] == found["log"]["calls"] == 763
    assert (found["lost"], found["double_dialed"], found["overtaken"], found["findings"]) == (0, 0, 0, 0)
    assert found["connected"] > 0
    assert found["unserved"] == found["open"] == 0
    assert found["agent_pause_s"] == pytest.approx(9.57, abs=0.01)  # learned from the whole month


# ---------------------------------------------------------------------------- both


@pytest.mark.parametrize("command", ["demo", "replay"])
def test_a_store_that_exists_is_not_written_over(tmp_path: Path, command: str) -> None:
    """One sentence, exit code 2, and the file as it was."""
    store = tmp_path / "precious.db"
    store.write_text("mine")
    arguments = ["demo"] if command == "demo" else ["replay", small_log(tmp_path)]
    result = invoke(*arguments, "--store", store)
    assert result.exit_code == 2
    assert "exists already" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert store.read_text() == "mine"


def test_a_store_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    """In a folder that is not there."""
    result = invoke("demo", "--store", tmp_path / "nowhere" / "day.db")
    assert result.exit_code == 2
    assert result.stderr.startswith("No database can be made at ")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["demo", "replay"])
def test_help_teaches_with_an_example(command: str) -> None:
    """What it does, every option, and a line to copy."""
    shown = invoke(command, "--help").stdout
    assert "Example:" in shown
    for option in ("--json", "--seed", "--store", "--accept"):
        assert option in shown


def test_help_names_the_commands() -> None:
    """Without any argument too."""
    assert all(name in invoke("--help").stdout for name in ("demo", "replay"))
    assert "demo" in invoke().output


def test_a_mistake_in_the_options_is_exit_code_two() -> None:
    """A ratio above one."""
    assert invoke("demo", "--accept", 2).exit_code == 2


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_the_extra_one_sentence_says_what_to_install(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And exit code 2."""
    for name in [name for name in sys.modules if name.startswith("callbackq.cli.")]:
        monkeypatch.delitem(sys.modules, name)
        monkeypatch.delattr(callbackq.cli, name.split(".")[2], raising=False)
    for name in [name for name in sys.modules if name.split(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(SystemExit) as ended:
        callbackq.cli.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"The command line needs {missing}: pip install 'callbackq[cli]'\n"


def test_durations_shares_and_bars_are_written_for_people() -> None:
    """As a clock does, in percent, and to scale."""
    assert [minutes(value) for value in (0, 59.6, 3725, None)] == ["0:00", "1:00", "1:02:05", "-"]
    assert [share(1, 8), share(0, 0)] == ["12.5 %", "-"]
    assert [bar(page(), value, of=10, width=20) for value in (0, 5, 10, None)] == ["", "#" * 10, "#" * 20, ""]

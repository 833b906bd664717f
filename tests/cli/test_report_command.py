"""`callbackq report`: which time it is of, whose costs it reckons with, what it writes, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
import re
from bisect import bisect_left
from contextlib import closing, nullcontext
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from callbackq import QueueName, QueuePolicy, SQLiteStore, Store
from callbackq.cli import report as report_command
from callbackq.cli import report_counting
from callbackq.cli.app import app
from callbackq.model.figures import S2_HOST
from callbackq.reporting import Stretch
from callbackq.reporting.plain import COLUMNS
from callbackq.testing import ManualClock, VirtualHost
from reporting.made_up import s2_week

if TYPE_CHECKING:
    from click.testing import Result

BOB, EVE = "+12125550101", "+12125550102"
WEDNESDAY = datetime(2026, 1, 7, 9, tzinfo=UTC)


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["report", *(str(argument) for argument in arguments)])


def figures(*arguments: object) -> dict[str, Any]:
    """Read the JSON; nothing else may stand on stdout."""
    result = invoke(*arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def value(found: dict[str, Any], name: str) -> Any:
    return found["whole"]["figures"][name]["value"]


def lived_in(store: Store) -> None:
    """Let callbacks be asked for on Tuesday and Wednesday, each for a queue of its own."""
    clock = ManualClock(WEDNESDAY - timedelta(days=1))
    policies = [QueuePolicy(queue=QueueName(name), calling=None) for name in ("support", "sales")]
    host = VirtualHost(store, policies, clock=clock)
    host.service.request("support", number=BOB, name="Kowalski", context={"reason": "refund"})
    host.run_for(timedelta(days=1))
    host.service.request("sales", number=EVE, name="Nowak", context={"reason": "a secret"})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database that a host has left."""
    where = tmp_path / "callbacks.db"
    with closing(SQLiteStore(where)) as store:
        lived_in(store)
    return where


# ---------------------------------------------------------------------------- which time


def test_the_last_day_stands_beside_its_week(path: Path) -> None:
    """From its Monday on to the end of the day."""
    found = figures(path)
    assert (found["from_at"], found["until_at"]) == ("2026-01-05T00:00:00+00:00", "2026-01-08T00:00:00+00:00")
    assert value(found, "callbacks") == 2
    lines = invoke(path).stdout.splitlines()
    assert "Callbacks, Monday 5 January 2026 to Wednesday 7 January 2026 (UTC)" in lines
    (heading,) = (line for line in lines if line.startswith("Volume"))
    assert re.split("  +", heading) == ["Volume", "Wed 7 Jan", "Its week", "Target"]
    assert [line.split()[3:] for line in lines if line.startswith("Total inbound calls")] == [["0", "0", "-"]]
    (promised,) = (line.split() for line in lines if line.startswith("Callbacks promised"))
    assert promised[-1] == "2"
    assert invoke(path).stdout.isascii()


@pytest.mark.parametrize(
    ("options", "until", "callbacks"),
    [
        (["--until", "2026-01-07"], "2026-01-07T00:00:00+00:00", 1),
        (["--from", "2026-01-07", "--until", "2026-01-07T18:00"], "2026-01-07T18:00:00+00:00", 1),
        (
            ["--from", "2026-01-01", "--until", "2026-02-01", "--queue", "sales"],
            "2026-02-01T00:00:00+00:00",
            1,
        ),
        (["--from", "2026-01-06T10:00", "--until", "2026-01-07T08:00"], "2026-01-07T08:00:00+00:00", 0),
    ],
)
def test_any_stretch_can_be_asked_for(path: Path, options: list[str], until: str, callbacks: int) -> None:
    """And only some queues."""
    found = figures(path, *options)
    assert (found["until_at"], value(found, "callbacks")) == (until, callbacks)
    assert invoke(path, *options).exit_code == 0


def test_a_stretch_within_one_day_has_one_column(path: Path) -> None:
    """The day is the whole."""
    result = invoke(path, "--from", "2026-01-07", "--until", "2026-01-08")
    (heading,) = (line for line in result.stdout.splitlines() if line.startswith("Volume"))
    assert heading.split() == ["Volume", "Value", "Target"]


def test_days_are_those_of_the_queues_of_the_settings(path: Path, tmp_path: Path) -> None:
    """Their zone says when a day and a week begin, and the page says which zone it is."""
    settings = tmp_path / "settings.toml"
    week = 'hours = { zone = "Pacific/Auckland", week = { weekdays = ["09:00-17:00"] } }'
    hours = f"[queue.support]\n{week}\n[queue.sales]\n{week}\n"
    settings.write_text(f"{hours}[figures]\ncost_of_abandon = 7\n", encoding="utf-8")
    found = figures(path, "--settings", settings)
    assert found["zone"] == "Pacific/Auckland"
    assert found["until_at"] == "2026-01-07T11:00:00+00:00"
    assert found["whole"]["figures"]["abandon_cost"]["value"] == 0


def test_without_an_end_a_stretch_ends_now(path: Path) -> None:
    """From a day or an age on; the day is today, and it is said so."""
    before = datetime.now(UTC)
    found = figures(path, "--from", "2d")
    assert before <= datetime.fromisoformat(found["until_at"]) <= datetime.now(UTC)
    assert value(found, "callbacks") == 0
    (heading,) = (
        line for line in invoke(path, "--from", "2d").stdout.splitlines() if line.startswith("Volume")
    )
    assert "Today" in heading


def test_a_store_in_which_nothing_was_has_a_report(tmp_path: Path) -> None:
    """Of today and this week, with nothing in it."""
    SQLiteStore(tmp_path / "new.db").close()
    result = invoke(tmp_path / "new.db", "--html", tmp_path / "new.html")
    assert result.exit_code == 0, result.output
    assert "0 live calls, 0 callbacks; no target can be judged yet" in result.stdout
    assert "This week" in result.stdout
    assert "Nobody called in this time." in (tmp_path / "new.html").read_text(encoding="utf-8")


def test_a_terminal_shows_verdicts_by_sign_word_and_colour() -> None:
    """Never by colour alone; outside of a terminal the words are left."""
    week = s2_week()
    columns = [
        Stretch(title="Today", figures=week.periods[0]),
        Stretch(title="This week", figures=week.whole),
    ]
    shown: dict[bool, str] = {}
    for is_terminal in (True, False):
        file = io.StringIO()
        console = Console(
            file=file,
            force_terminal=is_terminal,
            width=120,
            highlight=False,
            color_system="standard" if is_terminal else None,
        )
        report_command.show(console, week, columns, host=S2_HOST)
        shown[is_terminal] = file.getvalue()
    assert "120 (35.3 %) \x1b[32m✓ met\x1b[0m" in shown[True]
    assert "470 (69.1 %) \x1b[1;31m✗ not met\x1b[0m" in shown[True]
    assert "120 (35.3 %) met" in shown[False]
    assert "470 (69.1 %) not met" in shown[False]
    assert "7 of 10 targets met" in shown[False]
    assert "-1:23 min" in shown[False]
    assert "4 of them not ended yet" in shown[False]
    assert shown[False].isascii()


# ---------------------------------------------------------------------------- what only the host knows


def test_costs_come_from_options_over_a_preset(path: Path) -> None:
    """What is given is printed as told, in the currency; what is missing is named, with the way to give it."""
    costs = (
        "--cost",
        "cost_of_line_minute=0.25",
        "--cost",
        "currency=EUR",
        "--cost",
        "abandons_avoided_ratio=25%",
    )
    lines = invoke(path, "--preset", "s2", *costs).stdout.splitlines()
    told = {line.split("  ")[0]: line.split("  ")[-1].strip() for line in lines if "(as told)" in line}
    assert told == {
        "One abandoned call costs (as told)": "EUR 10",
        "Who took a callback and would have given up (as told)": "25 %",
        "A minute of a line costs (as told)": "EUR 0.25",
        "More customers stay, for each point of CSAT (as told)": "16.7 %",
    }
    assert any(line.startswith("  Saved by agents' time: give cost_of_agent_hour") for line in lines)
    assert "  Here HostFigures come from --cost NAME=VALUE, --preset, or --settings." in lines


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--cost", "price=3"], "--cost is written as NAME=VALUE; the names are: currency, cost_of_abandon,"),
        (["--cost", "cost_of_abandon"], "--cost is written as NAME=VALUE"),
        (["--cost", "cost_of_abandon=ten"], "--cost cost_of_abandon cannot be read"),
        (["--cost", "cost_of_abandon=-1"], "--cost cost_of_abandon cannot be read"),
        (["--cost", "cost_of_abandon=nan"], "--cost cost_of_abandon cannot be read"),
        (["--cost", "value_of_customer=10%"], "--cost value_of_customer cannot be read"),
        (["--preset", "nobody"], "There is no preset of this name; the names are:"),
        (["--preset", "talkdesk"], "The preset talkdesk has no cost figures; s2 has."),
        (["--from", "soon"], "--from cannot be read"),
        (["--from", "2026-01-08", "--until", "2026-01-07"], "--from must be before --until."),
        (["--settings", "nowhere.toml"], "nowhere.toml cannot be read"),
    ],
)
def test_mistakes_are_one_sentence(path: Path, options: list[str], said: str) -> None:
    """On stderr, with exit code 2."""
    result = invoke(path, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(said)
    assert result.stderr.count("\n") == 1


# ---------------------------------------------------------------------------- files


def test_files_are_written_and_written_again(path: Path, tmp_path: Path) -> None:
    """As a whole, with what is printed beside them; nothing in them says who asked for a callback, or why."""
    page, table = tmp_path / "report.html", tmp_path / "report.csv"
    for _ in range(2):
        assert invoke(path, "--html", page, "--csv", table).exit_code == 0
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert {row["label"] for row in rows if row["part"] == "queues"} == {"sales", "support"}
    assert [row["label"] for row in rows if row["part"] == "periods" and row["name"] == "callbacks"] == [
        "2026-01-05", "2026-01-06", "2026-01-07",
    ]  # fmt: skip
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    for secret in (BOB, EVE, BOB[2:], EVE[-4:], "Kowalski", "Nowak", "refund", "secret", "cb_0"):
        assert secret not in text
        assert secret not in table.read_text(encoding="utf-8")
    assert sorted(file.name for file in tmp_path.iterdir() if file.suffix not in {".db", ".db-shm", ".db-wal"}) == [
        "report.csv", "report.html",
    ]  # fmt: skip


def test_what_is_no_report_is_not_written_over(path: Path, tmp_path: Path) -> None:
    """Least of all the store."""
    before = path.read_bytes()
    for option in ("--html", "--csv"):
        result = invoke(path, option, path)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr == f"{path} exists already and is no report: it is not written over.\n"
        assert invoke(path, option, tmp_path / "nowhere" / "file").stderr.endswith(
            "No such file or directory.\n"
        )
        assert invoke(path, option, tmp_path).stderr == f"{tmp_path} cannot be read: Is a directory.\n"
    assert path.read_bytes() == before


def test_the_day_is_counted_alone_where_the_parts_are_no_days(path: Path) -> None:
    """By hours or weeks there is no period that is the day; the dashboard shows it all the same."""
    by_day, by_week = (invoke(path, "--grain", grain).stdout for grain in ("day", "week"))
    assert by_day == by_week
    assert [one["label"] for one in figures(path, "--grain", "week")["periods"]] == ["2026-W02"]


# ---------------------------------------------------------------------------- a great many


def test_what_several_processes_count_is_the_same_report(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each some stretches of time; the bar is told of each part, and of the whole at the end."""
    alone = figures(path)
    told: list[tuple[int, int]] = []
    for name, value in (("ALONE_MAX", 0), ("PART", 1)):
        monkeypatch.setattr(report_counting, name, value)
    monkeypatch.setattr(report_counting.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(
        report_command, "progress_bar", lambda *_, **__: nullcontext(lambda *pair: told.append(pair))
    )
    together = figures(path)
    assert {**together, "made_at": alone["made_at"]} == alone
    assert told[-1] == (2, 2)
    monkeypatch.setattr(report_counting.os, "cpu_count", lambda: 1)
    assert {**figures(path), "made_at": alone["made_at"]} == alone


@pytest.mark.parametrize("close", [1, 60, 3_600, 90_000])
def test_parts_hold_about_as_many_stories_each(close: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However close together they lie, in however long a stretch: none is left out, and none is in two parts."""
    monkeypatch.setattr(report_counting, "PART", 10)
    at = [WEDNESDAY + timedelta(seconds=close * number) for number in range(300)]
    looked: list[int] = []

    def how_many(bounds: tuple[datetime, datetime]) -> int:
        looked.append(bisect_left(at, bounds[1]) - bisect_left(at, bounds[0]))
        return looked[-1]

    bounds = (WEDNESDAY - timedelta(days=9_000), WEDNESDAY + timedelta(days=400))
    parts = list(report_counting.parts_of(how_many, bounds))
    assert sum(many for _, many in parts) == 300
    assert all(how_many(part) == many for part, many in parts)
    assert all(one[1] <= other[0] for (one, _), (other, _) in pairwise(parts))
    assert max(many for _, many in parts) <= (60 if close == 1 else 20)
    assert len(parts) <= 60

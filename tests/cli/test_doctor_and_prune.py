"""`callbackq doctor` and `callbackq prune`: what they say of a store that is there, and what they end with."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from callbackq import QueuePolicy, SQLiteStore, Store, SystemClock
from callbackq.cli import doctor as doctor_command
from callbackq.cli import prune as prune_command
from callbackq.cli.app import app
from callbackq.cli.kept import Kept
from callbackq.testing import ManualClock, VirtualHost
from stores.postgres_server import conninfo, fresh_store

if TYPE_CHECKING:
    from click.testing import Result

DAY = timedelta(days=1)


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def figures(result: Result, code: int = 0) -> dict[str, Any]:
    """Read the JSON; nothing else may stand on stdout."""
    assert result.exit_code == code, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def lived_in(store: Store, *, days_ago: int = 100) -> VirtualHost:
    """Let two callbacks be asked for so long ago: one was done, the other ended when its life was over."""
    clock = ManualClock(SystemClock().now() - days_ago * DAY)
    host = VirtualHost(store, [QueuePolicy(queue="support", calling=None)], clock=clock)
    for number in ("+12125550101", "+12125550102"):
        host.service.request("support", number=number, name="Kowalski")
    host.service.mark_done("cb_000001", by="kim")
    host.run_for(DAY)
    return host


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database that a host has left, long ago."""
    where = tmp_path / "callbacks.db"
    with closing(SQLiteStore(where)) as store:
        lived_in(store)
    return where


@pytest.fixture(params=["sqlite", "postgres"])
def at_work(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[VirtualHost, list[str]]]:
    """A host that is at work in its store, and how the command line names that."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            store: Any = stack.enter_context(closing(SQLiteStore(tmp_path / "callbacks.db")))
            named = [str(tmp_path / "callbacks.db")]
        else:
            store = stack.enter_context(fresh_store())
            named = [conninfo(), "--schema", store._schema]
        yield lived_in(store), named


# ---------------------------------------------------------------------------- doctor


def test_a_store_that_is_well_ends_with_code_0(path: Path) -> None:
    """And says what was looked at."""
    result = invoke("doctor", path)
    assert result.exit_code == 0
    assert "Nothing was found." in result.stdout
    assert "--thorough" in result.stdout
    found = figures(invoke("doctor", path, "--thorough", "--json"))
    assert (found["well"], found["findings"], found["cut"]) == (True, [], [])
    assert found["looked_at"]["events"] > 3
    assert found["store"]["schema_version"] >= 7


def test_what_is_wrong_ends_with_code_1_and_a_remedy(path: Path) -> None:
    """By the ids of records; nobody is named."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE callbackq_callbacks SET score = 7.0 WHERE callback_id = 'cb_000001'")
    found = figures(invoke("doctor", path, "--thorough", "--json"), code=1)
    (one,) = found["findings"]
    assert (one["kind"], one["severity"], one["entity"], one["record_id"]) == (
        "history_differs",
        "error",
        "callback",
        "cb_000001",
    )
    result = invoke("doctor", path, "--thorough")
    assert result.exit_code == 1
    assert "error history_differs: callback cb_000001, since " in result.stdout
    assert "score is not what the history says" in result.stdout
    assert "Found: 1 error." in result.stdout
    assert "Kowalski" not in result.stdout
    assert invoke("doctor", path).exit_code == 0


def test_what_waits_and_nobody_steps_is_found_beside_its_neighbours(
    at_work: tuple[VirtualHost, list[str]],
) -> None:
    """The bound and the limit are said by options."""
    host, named = at_work
    clock = ManualClock(SystemClock().now() - 10 * timedelta(minutes=1))
    later = VirtualHost(host.service.store, host.service.policies.values(), clock=clock, ids=host.service.ids)
    later.service.call_joined("support", call_id="c1")
    later.service.call_joined("support", call_id="c2")
    later.service.agent_available("ann", queues=["support"])
    found = figures(invoke("doctor", *named, "--json", "--limit", "1"), code=1 if "--schema" in named else 0)
    assert found["cut"] == ["live calls"]
    assert not [one for one in found["findings"] if one["kind"] != "store"]
    shown = invoke("doctor", *named, "--limit", "1").stdout
    assert "There were more live calls than that" in shown


def test_what_cannot_be_looked_at_ends_with_code_2(tmp_path: Path) -> None:
    """A file that is not there, or is none of ours."""
    missing = invoke("doctor", tmp_path / "none.db")
    assert (missing.exit_code, missing.stdout) == (2, "")
    assert "is no database of callbackq" in missing.stderr
    assert invoke("prune", tmp_path / "none.db", "--ended-before", "2020-01-01").exit_code == 2


def test_how_far_it_has_come_is_told_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """In events, on one line that is written over."""
    doctor_command._progress(1_234)
    assert capsys.readouterr().err == "\r1,234 events of the history"


def test_what_was_found_stands_on_lines_of_its_own(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a terminal the progress goes before it, on the same screen."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    kept = Kept(store=str(path), tenant_id="default", schema="public", pepper_file=None)
    doctor_command.run(kept, thorough=True, stuck_after_s=120, limit=10, as_json=False)
    prune_command.run(
        kept, ended_before="2020-01-01", personal_days=None, keep_file=None, by=None, as_json=False
    )
    looked, removed = capsys.readouterr().err.split("\n")[:-1]
    assert looked.endswith("events of the history")
    assert removed == "\r0 callbacks, 0 events"


# ---------------------------------------------------------------------------- prune


def test_prune_removes_what_ended_and_verify_knows_it(
    at_work: tuple[VirtualHost, list[str]], tmp_path: Path
) -> None:
    """With the digests that were kept before and meanwhile, the history is as it was written."""
    _, named = at_work
    heads, kept = tmp_path / "before.heads", tmp_path / "pruned.heads"
    assert invoke("verify", *named, "--save-heads", heads).exit_code == 0
    before = (SystemClock().now() - 70 * DAY).date().isoformat()
    done = figures(invoke("prune", *named, "--ended-before", before, "--keep", kept, "--by", "kim", "--json"))
    assert (done["callbacks"], done["calls"], done["persons"]) == (2, 0, 0)
    again = figures(invoke("prune", *named, "--ended-before", before, "--keep", kept, "--json"))
    assert again["callbacks"] == again["events"] == 0
    check = figures(invoke("verify", *named, "--heads", heads, "--pruned", kept, "--json"))
    assert (check["whole"], check["pruned"]) == (True, 2)
    shown = invoke("verify", *named, "--pruned", kept, "--heads", heads).stdout
    assert "Records that were pruned, as it says: 2" in shown
    assert figures(invoke("verify", *named, "--heads", heads, "--json"), code=1)["broken"]


def test_what_a_crash_cut_off_of_the_kept_heads_is_written_over(path: Path, tmp_path: Path) -> None:
    """It was not removed: it is removed, and kept, now."""
    kept = tmp_path / "pruned.heads"
    kept.write_text('{"heads":[]}\n{"heads":[["callb')
    before = (SystemClock().now() - 70 * DAY).isoformat()
    result = invoke("prune", path, "--ended-before", before, "--keep", kept)
    assert "Removed: 2 callbacks, 0 live calls" in result.stdout
    lines = kept.read_text().splitlines()
    assert [len(json.loads(line)["heads"]) for line in lines] == [0, 2]
    assert invoke("verify", path, "--pruned", kept).exit_code == 0


@pytest.mark.parametrize("text", ["a shopping list", "line\nline", '{"heads":[]}\nnotes', "\x81"])
def test_a_file_of_another_kind_is_not_written_over(path: Path, tmp_path: Path, text: str) -> None:
    """Nor is the store itself, named twice by mistake; and nothing is removed."""
    other = tmp_path / "other"
    other.write_text(text, encoding="latin-1")
    before = (SystemClock().now() - 70 * DAY).isoformat()
    for file in (other, path):
        was = file.read_bytes()
        result = invoke("prune", path, "--ended-before", before, "--keep", file)
        assert (result.exit_code, result.stdout) == (2, "")
        assert f"{file} is no file of pruned heads" in result.stderr
        assert file.read_bytes() == was


def test_prune_forgets_persons_as_well(path: Path) -> None:
    """Of whom nothing was heard for so long."""
    done = figures(invoke("prune", path, "--personal-days", "60", "--json"))
    assert (done["persons"], done["callbacks"]) == (2, 0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "Nothing to prune: give --ended-before, --personal-days, or both."),
        (("--ended-before", "last year"), "The date cannot be read"),
        (("--ended-before", "2020-01-31T06:00:00"), "A time needs its zone"),
        (("--ended-before", "2090-01-01"), "ended_before is too late"),
        (("--ended-before", "2020-01-01", "--keep", "."), "cannot be written"),
    ],
)
def test_what_cannot_be_pruned_is_refused(path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    """In one sentence, and nothing is removed."""
    result = invoke("prune", path, *arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    "text", ['{"heads": 7}\n', "no json\n", '{"heads":[["nobody","x",1,"5e"]]}\n', "\x81\n"]
)
def test_a_file_that_holds_no_pruned_heads_is_refused(path: Path, tmp_path: Path, text: str) -> None:
    """And so is one that is not there."""
    kept = tmp_path / "pruned.heads"
    kept.write_text(text, encoding="latin-1")
    result = invoke("verify", path, "--pruned", kept)
    assert result.exit_code == 2
    assert "is no file of pruned heads" in result.stderr
    assert invoke("verify", path, "--pruned", tmp_path / "none").exit_code == 2

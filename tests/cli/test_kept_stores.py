"""`callbackq erase`, `verify` and `export-history`: what they do to a store that is there, and what they refuse."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from callbackq import Outcome, QueueName, QueuePolicy, SQLiteStore, Store
from callbackq.cli.app import app
from callbackq.core.histories import check_chain, read_export
from callbackq.testing import VirtualHost
from stores.postgres_server import conninfo, fresh_store

if TYPE_CHECKING:
    from click.testing import Result

BOB, EVE = "+12125550101", "+12125550102"
PEPPER = bytes(range(32))


def invoke(*arguments: object, told: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=told)


def figures(result: Result, code: int = 0) -> dict[str, Any]:
    """Read the JSON; nothing else may stand on stdout."""
    assert result.exit_code == code, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def lived_in(store: Store) -> VirtualHost:
    """Let two callbacks be asked for, one of which is done; the other waits, for nobody is there."""
    host = VirtualHost(store, [QueuePolicy(queue=QueueName("support"), calling=None)])
    for number in (BOB, EVE):
        host.service.request("support", number=number, name="Kowalski", context={"reason": "refund"})
    host.service.mark_done("cb_000002", by="kim")
    return host


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database that a host has left."""
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


# ---------------------------------------------------------------------------- erase


def test_erase_forgets_a_person_while_the_host_works(at_work: tuple[VirtualHost, list[str]]) -> None:
    """The callback is cancelled, the receipt masks nothing any more, and the other person stays."""
    host, named = at_work
    found = figures(invoke("erase", *named, "--number", "+1 212 555 0101", "--reason", "by letter", "--json"))
    assert found == {"persons": 1, "cancelled": ["cb_000001"], "again": False}
    assert host.service.get("cb_000001").outcome is Outcome.CANCELLED
    assert host.service.history("cb_000001")[-1].reason == "by letter"  # type: ignore[attr-defined]
    assert host.service.receipt("cb_000001").number_masked == "…"
    assert host.service.receipt("cb_000002").number_masked == "+1…02"
    again = figures(invoke("erase", *named, "--number", BOB, "--json"))
    assert again == {"persons": 0, "cancelled": [], "again": False}


def test_erase_by_customer_and_by_a_number_from_stdin(path: Path) -> None:
    """A number that is typed stands in the history of the shell; one that is read does not."""
    with closing(SQLiteStore(path)) as store:
        host = VirtualHost(store, [])
        host.service.set_preferences(customer_id="crm-77", preferred_number=EVE)
    result = invoke("erase", path, "--customer", "crm-77")
    assert (result.exit_code, result.stdout) == (0, "Erased: 1 person; callbacks cancelled: 0\n")
    result = invoke("erase", path, "--number", "-", told=f"{BOB}\n")
    assert result.stdout == "Erased: 1 person; callbacks cancelled: 1\n  cb_000001\n"
    assert b"2125550101" not in path.read_bytes()
    assert invoke("erase", path, "--number", BOB).stdout.startswith("Erased: 0 persons")


def test_erase_says_when_somebody_was_reading(path: Path) -> None:
    """What was erased may still stand in the files: code 1, and what to do."""
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM callbackq_subjects").fetchone()
        result = invoke("erase", path, "--number", BOB, "--json")
        assert figures(result, 1)["again"] is True
        assert "erase once more" in result.stderr
    assert figures(invoke("erase", path, "--number", BOB, "--json"))["again"] is False
    assert b"2125550101" not in b"".join(file.read_bytes() for file in path.parent.iterdir())


def test_erase_reaches_one_tenant_only(path: Path) -> None:
    """Another one has nobody."""
    found = figures(invoke("erase", path, "--number", BOB, "--tenant", "acme", "--json"))
    assert found["persons"] == 0


# ---------------------------------------------------------------------------- verify


def test_verify_counts_what_is_whole(at_work: tuple[VirtualHost, list[str]]) -> None:
    """Code 0, in words and as figures."""
    _, named = at_work
    found = figures(invoke("verify", *named, "--json"))
    assert (found["whole"], found["broken"], found["heads"]) == (True, [], 0)
    result = invoke("verify", *named)
    assert result.exit_code == 0
    assert result.stdout == (
        f"{found['events']} events of {found['chains']} records\nThe history is as it was written.\n"
    )


def test_verify_names_what_was_changed(path: Path) -> None:
    """Code 1, with the record and the event."""
    with closing(sqlite3.connect(path)) as hands, hands:
        hands.execute(
            "UPDATE callbackq_history SET version = 9 WHERE record_id = 'cb_000002' AND event_number = 2"
        )
    found = figures(invoke("verify", path, "--json"), 1)
    assert found["whole"] is False
    (broken,) = found["broken"]
    assert (broken["entity"], broken["record_id"], broken["event_number"]) == ("callback", "cb_000002", 2)
    shown = invoke("verify", path)
    assert shown.exit_code == 1
    assert "cb_000002" in shown.stdout
    assert broken["problem"] in shown.stdout


def test_heads_that_were_kept_find_an_end_that_is_gone(path: Path, tmp_path: Path) -> None:
    """They are written once, read again later, and never written over."""
    heads = tmp_path / "november.heads"
    assert invoke("verify", path, "--save-heads", heads).exit_code == 0
    kept = heads.read_text()
    assert figures(invoke("verify", path, "--heads", heads, "--json"))["heads"] == len(kept.splitlines()) > 0
    shown = invoke("verify", path, "--heads", heads).stdout
    assert f"Heads that were kept, and are in it: {len(kept.splitlines())}" in shown
    again = invoke("verify", path, "--save-heads", heads)
    assert (again.exit_code, again.stdout, heads.read_text()) == (2, "", kept)
    assert "not written over" in again.stderr
    with closing(sqlite3.connect(path)) as hands, hands:
        hands.execute("DELETE FROM callbackq_history WHERE record_id = 'cb_000002' AND event_number = 2")
    assert invoke("verify", path).exit_code == 0
    (broken,) = figures(invoke("verify", path, "--heads", heads, "--json"), 1)["broken"]
    assert (broken["record_id"], broken["event_number"]) == ("cb_000002", 2)
    other = tmp_path / "december.heads"
    assert invoke("verify", path, "--heads", heads, "--save-heads", other).exit_code == 1
    assert not other.exists()


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "{}",
        "[]",
        '{"entity":"dog","record_id":"1","events_count":1,"digest":""}',
        '{"entity":"callback","record_id":"1","events_count":1e999,"digest":""}',
        "[" * 100_000,
    ],
    ids=["no json", "empty", "list", "no entity", "infinite", "deep"],
)
def test_a_file_that_holds_no_heads_is_refused(path: Path, tmp_path: Path, text: str) -> None:
    """Code 2, and the line."""
    heads = tmp_path / "wrong.heads"
    heads.write_text(f"{text}\n")
    result = invoke("verify", path, "--heads", heads)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "line 1 cannot be read" in result.stderr


def test_files_that_cannot_be_read_or_written_are_refused(path: Path, tmp_path: Path) -> None:
    """Each in one sentence."""
    binary = tmp_path / "binary.heads"
    binary.write_bytes(b"\xff\xfe")
    for arguments in (
        ("--heads", tmp_path / "never.heads"),
        ("--heads", binary),
        ("--save-heads", tmp_path / "nowhere" / "new.heads"),
        ("--pepper-file", tmp_path / "never.pepper"),
        ("--pepper-file", binary),
    ):
        result = invoke("verify", path, *arguments)
        assert (result.exit_code, result.stdout) == (2, ""), arguments
        assert len(result.stderr.splitlines()) == 1


# ---------------------------------------------------------------------------- export-history


def test_export_prints_lines_that_can_be_verified(at_work: tuple[VirtualHost, list[str]]) -> None:
    """All of it, or what is behind a number; nobody is named."""
    host, named = at_work
    lines = invoke("export-history", *named).stdout.splitlines()
    assert check_chain(read_export(lines)) == host.service.verify_history()
    assert [line for line in lines if "5550101" in line or "Kowalski" in line] == []
    second = json.loads(lines[1])["number"]
    assert invoke("export-history", *named, "--after", second).stdout.splitlines() == lines[2:]


# ---------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize("command", [["erase", "--number", BOB], ["verify"], ["export-history"]])
def test_what_is_no_store_is_refused_and_left_alone(tmp_path: Path, command: list[str]) -> None:
    """A file that is not there, a text, a database of somebody else: code 2, one sentence, nothing is made."""
    text, other = tmp_path / "notes.txt", tmp_path / "other.db"
    text.write_text("hello")
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    before = {file: file.read_bytes() for file in (text, other)}
    for where in (tmp_path / "never.db", text, other, tmp_path):
        result = invoke(command[0], where, *command[1:])
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr == f"{where} is no database of callbackq: name one that is there.\n"
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("forbidden", "says"),
    [
        ("callbacks.db", "it may not be read"),
        ("folder", "its directory may not be written, where its log must stand"),
        ("", "unable to open database file"),
    ],
)
def test_a_store_that_cannot_be_opened_is_not_called_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forbidden: str, says: str
) -> None:
    """As for a role that may read the folder of a host, and not write its log there."""
    path = tmp_path / "folder" / "callbacks.db"
    path.parent.mkdir()
    with closing(SQLiteStore(path)):
        pass

    def refused(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("unable to open database file")

    monkeypatch.setattr("sqlite3.connect", refused)
    monkeypatch.setattr("os.access", lambda asked, _mode: Path(asked).name != forbidden)
    result = invoke("verify", path)
    assert (result.exit_code, result.stderr) == (2, f"{path} cannot be opened: {says}.\n")


def test_a_database_without_our_tables_is_refused_and_left_alone() -> None:
    """Opening it would make them; and a server that is not there is said in one sentence."""
    result = invoke("verify", conninfo(), "--schema", "callbackq_never_made")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "holds no tables of callbackq" in result.stderr
    result = invoke("verify", "postgresql://nobody@127.0.0.1:1/none")
    assert (result.exit_code, result.stderr) == (2, "The database cannot be reached: OperationalError.\n")


@pytest.mark.parametrize(
    "arguments", [[], ["--number", "212 555 0101"], ["--customer", ""], ["--number", "x"]]
)
def test_erase_refuses_what_it_cannot_read(path: Path, arguments: list[str]) -> None:
    """Code 2, one sentence, and no number in it."""
    result = invoke("erase", path, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert "5550101" not in result.stderr.replace(" ", "")


def test_a_pepper_that_is_kept_elsewhere_is_given_in_a_file(tmp_path: Path) -> None:
    """The store is not opened without it."""
    where, pepper = tmp_path / "callbacks.db", tmp_path / "pepper"
    with closing(SQLiteStore(where, pepper=PEPPER)) as store:
        lived_in(store)
    pepper.write_bytes(PEPPER)
    assert invoke("verify", where).exit_code == 2
    assert invoke("verify", where, "--pepper-file", pepper).exit_code == 0


# ---------------------------------------------------------------------------- report


def test_report_counts_while_the_host_works(at_work: tuple[VirtualHost, list[str]]) -> None:
    """On both stores: of the last day on which there was anything."""
    host, named = at_work
    found = figures(invoke("report", *named, "--json"))
    day = host.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    assert found["until_at"] == (day + timedelta(days=1)).isoformat()
    assert (found["callbacks_count"], found["not_ended_count"]) == (2, 1)
    assert BOB not in invoke("report", *named).stdout

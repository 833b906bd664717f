"""`callbackq export`: tables as files, whole or not at all, and nobody's number unless that is said."""

from __future__ import annotations

import csv
import importlib
import json
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from callbackq import QueueName, QueuePolicy, SQLiteStore
from callbackq.cli import exporting, kept
from callbackq.cli.columns import Kind, columns_of
from callbackq.cli.exporting import What
from callbackq.cli.sinks import cell, sink
from callbackq.cli.telling import HIDDEN
from callbackq.model import Attempt, Booking, Callback, LiveCall, Message
from callbackq.testing import VirtualHost
from cli.asking import invoke

if TYPE_CHECKING:
    pass

parquet: Any = importlib.import_module("pyarrow.parquet")
BOB, EVE = "+12125550101", "+12125550102"
FORMULA = '=HYPERLINK("http://example.com")'


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One callback that is done, and a minute later one that is not, with a ticket that looks like a formula."""
    where = tmp_path_factory.mktemp("export") / "callbacks.db"
    with closing(SQLiteStore(where)) as opened:
        host = VirtualHost(opened, [QueuePolicy(queue=QueueName("support"), calling=None)])
        host.telephony.person(BOB)
        host.service.agent_available("ann", queues=["support"])
        host.service.request("support", number=BOB, name="Kowalski", context={"reason": "refund"})
        host.run_for(timedelta(minutes=1))
        host.service.call_joined("support", call_id="-1+1", number=EVE)
        host.service.request("support", number=EVE, caller_id="+18005550100", ticket_id=FORMULA)
    return where


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is two minutes after the first request."""

    class Clock:
        def now(self) -> datetime:
            return datetime(2026, 1, 5, 8, 2, tzinfo=UTC)

    monkeypatch.setattr(kept, "SystemClock", Clock)


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_callbacks_are_written_as_csv(store: Path, tmp_path: Path) -> None:
    """A heading and a line for each, instants in UTC, and no text that a spreadsheet would run."""
    target = tmp_path / "callbacks.csv"
    result = invoke("export", store, "--to", target)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"Written: 2 rows of callbacks, to {target}\n"
    with target.open(encoding="utf-8", newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["callback_id"], first["outcome"], first["resolved"]) == ("cb_000001", "completed", "")
    assert (second["requested_at"], second["quoted_position_exact"]) == ("2026-01-05T08:01:00Z", "true")
    assert second["ticket_id"] == f"'{FORMULA}"


def test_no_file_names_anybody_unless_that_is_said(store: Path, tmp_path: Path) -> None:
    """No number, no name and no context, in any table and format."""
    for what in What:
        for ending in ("csv", "jsonl", "parquet") if what is What.CALLBACKS else ("jsonl",):
            target = tmp_path / f"{what}.{ending}"
            assert invoke("export", store, "--to", target, "--what", what).exit_code == 0
            if ending == "parquet":
                text = str(parquet.read_table(target).to_pylist())
            else:
                text = target.read_text(encoding="utf-8")
            for secret in ("5550101", "5550102", "5550100", "Kowalski", "refund"):
                assert secret not in text, (what, ending)


def test_numbers_are_added_when_that_is_said(store: Path, tmp_path: Path) -> None:
    """The one that is called: of callbacks, attempts, live calls and messages. No cell begins a formula."""
    for what, numbers in (
        (What.CALLBACKS, [BOB, EVE]),
        (What.ATTEMPTS, [BOB]),
        (What.CALLS, [EVE]),
        (What.MESSAGES, []),
    ):
        target = tmp_path / f"{what}.jsonl"
        result = invoke("export", store, "--to", target, "--what", what, "--with-numbers", "--json")
        assert json.loads(result.stdout)["with_numbers"] is True
        assert [line["number"] for line in lines_of(target)] == numbers
    assert invoke("export", store, "--to", tmp_path / "a.csv", "--with-numbers").exit_code == 0
    assert f",'{BOB}" in (tmp_path / "a.csv").read_text()
    for what in (What.HISTORY, What.BOOKINGS):
        result = invoke("export", store, "--to", tmp_path / "b.csv", "--what", what, "--with-numbers")
        assert (result.exit_code, result.stdout) == (2, "")
        assert "say nobody's number" in result.stderr


def test_who_was_erased_has_no_number(tmp_path: Path) -> None:
    """The row stays, and names nobody."""
    where = tmp_path / "callbacks.db"
    with closing(SQLiteStore(where)) as opened:
        host = VirtualHost(opened, [QueuePolicy(queue=QueueName("support"), calling=None)])
        host.service.request("support", number=BOB)
        host.service.erase(number=BOB)
    assert invoke("export", where, "--to", tmp_path / "a.jsonl", "--with-numbers").exit_code == 0
    assert [line["number"] for line in lines_of(tmp_path / "a.jsonl")] == [None]


def test_only_what_began_lately_is_written(store: Path, tmp_path: Path) -> None:
    """By an age, or a time on the clocks of a zone; as data it is said since when."""
    target = tmp_path / "some.jsonl"
    for since in ("1m", "2026-01-05T17:01"):
        result = invoke(
            "export", store, "--to", target, "--since", since, "--zone", "Asia/Tokyo", "--overwrite", "--json"
        )
        assert json.loads(result.stdout) == {
            "file": str(target),
            "what": "callbacks",
            "since_at": "2026-01-05T08:01:00Z",
            "rows": 1,
            "with_numbers": False,
        }
        assert [line["callback_id"] for line in lines_of(target)] == ["cb_000002"]
    told = invoke("export", store, "--to", target, "--what", "history", "--since", "1m", "--overwrite").stdout
    assert " since 2026-01-05 08:01, to " in told
    assert {line["at"] >= "2026-01-05T08:01" for line in lines_of(target)} == {True}


def test_history_is_written_with_the_details_of_each_event(store: Path, tmp_path: Path) -> None:
    """In order; what only some events have stands together in one column."""
    invoke("export", store, "--to", tmp_path / "h.jsonl", "--what", "history")
    lines = lines_of(tmp_path / "h.jsonl")
    assert [line["history_number"] for line in lines] == sorted(line["history_number"] for line in lines)
    (ended,) = (line for line in lines if line["kind"] == "callback_ended")
    assert (ended["record_id"], ended["state"]) == ("cb_000001", "ended")
    assert json.loads(ended["details"])["outcome"] == "completed"
    assert {name for line in lines for name in json.loads(line["details"])} & HIDDEN == set()


def test_parquet_has_typed_columns(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Instants in UTC, counts as whole numbers; also in more than one group, and without a row."""
    monkeypatch.setattr("callbackq.cli.sinks._GROUP", 1)
    target = tmp_path / "callbacks.parquet"
    assert invoke("export", store, "--to", target).exit_code == 0
    table = parquet.read_table(target)
    types = {field.name: str(field.type) for field in table.schema}
    assert types["requested_at"] == types["ended_at"] == "timestamp[us, tz=UTC]"
    assert (types["attempts_count"], types["quoted_wait_s"], types["state"]) == ("int64", "double", "string")
    assert (types["resolved"], parquet.read_metadata(target).num_row_groups) == ("bool", 2)
    assert table["requested_at"].to_pylist()[1] == datetime(2026, 1, 5, 8, 1, tzinfo=UTC)
    assert invoke("export", store, "--to", tmp_path / "m.parquet", "--what", "messages").exit_code == 0
    empty = parquet.read_table(tmp_path / "m.parquet")
    assert (empty.num_rows, str(empty.schema.field("channels_over").type)) == (0, "list<element: string>")


def test_parquet_without_its_package_is_one_sentence(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what to install, and leaves nothing behind."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = invoke("export", store, "--to", tmp_path / "a.parquet")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "A Parquet file needs pyarrow: pip install 'callbackq[parquet]'\n"
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_whole_or_not_there(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there is not touched unless that is said, and then only by what is whole; others cannot read it."""
    target = tmp_path / "a.csv"
    target.write_text("older")
    again = invoke("export", store, "--to", target)
    assert (again.exit_code, again.stdout, target.read_text()) == (2, "", "older")
    assert "--overwrite" in again.stderr

    def fail(_count: int) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(exporting, "_progress", fail)
        assert isinstance(invoke("export", store, "--to", target, "--overwrite").exception, ZeroDivisionError)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.csv", "older")]
    assert invoke("export", store, "--to", target, "--overwrite").exit_code == 0
    assert target.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("name", "said"), [("a.xlsx", "ends in .csv, .jsonl, .parquet"), ("no/a.csv", "cannot be written")]
)
def test_a_file_that_cannot_be_written_is_refused(store: Path, tmp_path: Path, name: str, said: str) -> None:
    """In one sentence."""
    result = invoke("export", store, "--to", tmp_path / name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\t=1", "\r", "\n=1", " =1", "\uff1d1"])
def test_no_cell_begins_a_formula(text: str) -> None:
    """However it is disguised; numbers are left alone."""
    assert cell(text, Kind.TEXT) == f"'{text}"
    assert cell([text], Kind.TEXTS) == json.dumps([text], ensure_ascii=False)
    assert cell(-1, Kind.WHOLE) == -1


@pytest.mark.parametrize("kind", [Callback, LiveCall, Attempt, Booking, Message])
def test_every_field_of_a_record_is_a_column_or_hidden(kind: type[Any]) -> None:
    """Whoever adds one decides: a type that no column has is a KeyError here."""
    names = [column.name.removesuffix("_s") for column in columns_of(kind)]
    shown = [field.name.removesuffix("_s") for field in attrs.fields(kind) if field.name not in HIDDEN]
    assert names == shown


def test_memory_does_not_grow_with_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No sink keeps more rows than it writes at once."""
    monkeypatch.setattr("callbackq.cli.sinks._GROUP", 10)
    columns = columns_of(Booking)[:1]
    with sink(tmp_path / "a.parquet", columns, overwrite=False) as write:
        for number in range(100):
            write([f"bk_{number}"])
    assert parquet.read_metadata(tmp_path / "a.parquet").num_row_groups == 10

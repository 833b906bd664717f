"""`callbackq backup`: a copy of a file that may be in use, and of one of another release."""

from __future__ import annotations

import gzip
import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from callbackq import SQLiteStore
from callbackq.cli.app import app
from callbackq.stores import sqlite_opening
from callbackq.testing.builders import QUEUE, make_callback
from callbackq.testing.store_contract.base import ask, put

if TYPE_CHECKING:
    from click.testing import Result

GOLDEN = Path(__file__).parent.parent / "stores" / "golden"


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["backup", *map(str, arguments)])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with closing(SQLiteStore(tmp_path / "callbacks.db")) as store:
        put(store, make_callback("cb_1"))
    return tmp_path / "callbacks.db"


def test_a_store_that_is_open_is_copied(path: Path, tmp_path: Path) -> None:
    """With what was committed by now."""
    target = tmp_path / "copy.db"
    with closing(SQLiteStore(path)) as store:
        put(store, make_callback("cb_2"))
        result = invoke(path, target)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{target} is a copy of {path} now: {target.stat().st_size:,} bytes.\n"
    assert result.stderr == ""
    with closing(SQLiteStore(target)) as copy:
        assert ask(copy, lambda tx: tx.line.waiting_count(QUEUE)) == 2


def test_the_figures_as_json(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    figures = json.loads(invoke(path, target, "--json").stdout)
    assert figures == {"store": str(path), "copy": str(target), "bytes": target.stat().st_size}


def test_a_file_of_an_older_release_is_copied_as_it_is(tmp_path: Path) -> None:
    """Before its tables are brought forward."""
    path, target = tmp_path / "old.db", tmp_path / "copy.db"
    path.write_bytes(gzip.decompress((GOLDEN / "sqlite_6.db.gz").read_bytes()))
    assert invoke(path, target).exit_code == 0
    assert sqlite_opening.look(target).found == 6


def test_what_is_refused_is_one_sentence(path: Path, tmp_path: Path) -> None:
    """With code 2, and nothing is made."""
    taken = tmp_path / "taken.db"
    taken.write_text("mine")
    for arguments, says in (
        ([tmp_path / "none.db", tmp_path / "copy.db"], "is no database of callbackq"),
        ([taken, tmp_path / "copy.db"], "is no database of callbackq"),
        ([path, taken], "a name that is not taken"),
        ([path, path, "--overwrite"], "another file than the store's own"),
        ([path, tmp_path / "nowhere" / "copy.db"], "cannot be written"),
        (["postgresql://nowhere/db", tmp_path / "copy.db"], "pg_dump"),
    ):
        result = invoke(*arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert says in result.stderr
        assert len(result.stderr.splitlines()) == 1
    assert taken.read_text() == "mine"
    assert not (tmp_path / "copy.db").exists()
    assert invoke(path, taken, "--overwrite").exit_code == 0

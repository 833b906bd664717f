"""A store in SQLite and fork: the child is refused, and does the parent's file no harm, whatever it does and ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from callbackq.stores import SQLiteStore
from callbackq.testing.builders import make_callback
from callbackq.testing.store_contract.base import put
from stores.slow_disk import Caller, SlowDisk

FORKER = Path(__file__).with_name("forker.py")
EXIT_BY_THE_FIRST_REFUSAL = 7


def _without_coverage() -> dict[str, str]:
    """
    Return the environment without what starts coverage in other processes.

    It writes a SQLite file of its own when a process ends. A child that was forked while a thread of its parent was
    inside SQLite must not enter SQLite: the locks of the library, which are global, may be held by nobody there.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "COVERAGE_"))}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return what `forker` says: a line of its first part, two of its second, one of its third."""
    folder = tmp_path_factory.mktemp("forks")
    ended = subprocess.run(
        [sys.executable, str(FORKER), str(folder)],
        env={**_without_coverage(), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=folder,
    )
    assert ended.returncode == 0, ended.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["each.db", "lock.db", "write.db"]
    return ended.stdout.splitlines()


def test_children_that_come_and_go_do_no_harm_to_a_writing_parent(said: list[str]) -> None:
    """Each is refused five times, closes, and ends as usual, while the parent is amid its transactions."""
    written, found = said[0].split()
    assert int(written) == int(found) > 0


def test_the_end_of_a_child_takes_no_lock_from_its_parent(said: list[str]) -> None:
    """POSIX drops a process's locks when any of its descriptors of the file is closed: its own, and no other's."""
    assert said[1:3] == ["refused: database is locked", "1"]


def test_each_process_opens_its_own_after_the_fork(said: list[str]) -> None:
    """As with a server that loads the program once, and forks."""
    assert said[3:] == ["0 0 0 16"]


def test_a_child_is_refused_also_where_a_thread_of_the_parent_held_every_lock(tmp_path: Path) -> None:
    """That thread is not there to give it back: so the child must not wait for it, not even to close."""
    store = SQLiteStore(tmp_path / "callbackq.db")
    disk = SlowDisk(store)
    disk.hold()
    writer = Caller(lambda: put(store, make_callback("cb_1")))
    assert disk.is_reached.wait(30)
    pid = os.fork()
    if pid == 0:
        try:
            put(store, make_callback("cb_child"))
        except RuntimeError:
            store.close()
            os._exit(EXIT_BY_THE_FIRST_REFUSAL)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == EXIT_BY_THE_FIRST_REFUSAL
    disk.let_go()
    assert writer.end() is None
    store.close()

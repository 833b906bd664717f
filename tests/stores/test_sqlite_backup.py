"""A copy of a store that is in use: whole or not there, and with every promise that was given before it began."""

from __future__ import annotations

import os
import resource
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from callbackq import CallbackService, QueuePolicy, SystemClock
from callbackq.core.history import fold
from callbackq.errors import ConfigurationError, StoreUnavailable
from callbackq.events import Event
from callbackq.model import Entity
from callbackq.ports import Commit
from callbackq.stores import Flush, SQLiteStore, sqlite_backup
from callbackq.testing.builders import QUEUE, make_callback
from callbackq.testing.store_contract.base import TENANT, ask, put


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    store = SQLiteStore(tmp_path / "callbackq.db", flush=Flush.RELAXED)
    yield store
    store.close()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "copies"
    folder.mkdir()
    return folder / "copy.db"


def waiting(path: Path) -> int:
    with closing(SQLiteStore(path)) as copy:
        return ask(copy, lambda tx: tx.line.waiting_count(QUEUE))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ---------------------------------------------------------------------------- while it is in use


def test_four_threads_promise_while_it_is_copied(
    store: SQLiteStore, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy opens, its history gives its rows, and each receipt that was given before is in it."""
    monkeypatch.setattr(sqlite_backup, "_STEP_PAGES", 8)
    service = CallbackService(store, [QueuePolicy(queue="support")], clock=SystemClock())
    is_over = threading.Event()
    given: list[list[str]] = [[] for _ in range(4)]

    def promise(number: int) -> None:
        while not is_over.is_set():
            phone = f"+1212{5_550_000 + 1_000 * number + len(given[number]) % 1_000:07d}"
            given[number].append(service.request("support", number=phone).callback_id)

    writers = [threading.Thread(target=promise, args=[number]) for number in range(4)]
    for writer in writers:
        writer.start()
    while min(map(len, given)) < 10:
        writers[0].join(0.001)
    before = [callback_id for some in given for callback_id in list(some)]
    meanwhile: list[int] = []

    def told(_done: int, _total: int) -> None:
        """Wait, at each step, until somebody has promised: the copy is never of a store that stands still."""
        count = sum(map(len, given))
        meanwhile.append(count)
        while sum(map(len, given)) == count:
            writers[0].join(0.001)

    store.backup(target, progress=told)
    is_over.set()
    for writer in writers:
        writer.join()
    assert len(meanwhile) > 3
    assert len(set(meanwhile)) == len(meanwhile)
    with closing(SQLiteStore(target)) as copy:
        assert copy.pepper == store.pepper
        service = CallbackService(copy, [QueuePolicy(queue="support")], clock=SystemClock())
        for callback_id in before:
            assert service.receipt(callback_id).callback_id == callback_id
        with copy.transaction(TENANT, commit=Commit.READ_ONLY) as tx:
            events: list[Event] = tx.history.all()
            for (entity, key), record in fold(events).items():
                if entity is Entity.CALLBACK:
                    assert tx.callbacks.get(key) == record  # type: ignore[arg-type]
        assert not service.verify_history().broken
        service.request("support", number="+12125550999")
    check = sqlite3.connect(target)
    assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    check.close()


def test_what_is_committed_meanwhile_is_not_in_it(
    store: SQLiteStore, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By this store, and by another one on the file: the copy is of one moment, and is never begun anew."""
    monkeypatch.setattr(sqlite_backup, "_STEP_PAGES", 32)
    put(store, *(make_callback(f"cb_{number}") for number in range(1_000)))
    steps: list[tuple[int, int]] = []
    with closing(SQLiteStore(store._path, flush=Flush.RELAXED)) as other:

        def told(done: int, total: int) -> None:
            put(store, make_callback(f"cb_mine_{len(steps)}"))
            put(other, make_callback(f"cb_other_{len(steps)}"))
            steps.append((done, total))

        size = store.backup(target, progress=told)
    assert len(steps) > 1
    assert [done for done, _ in steps] == sorted({done for done, _ in steps})
    assert {total for _, total in steps} == {size} == {steps[-1][0]} == {target.stat().st_size}
    assert waiting(target) == 1_000
    assert ask(store, lambda tx: tx.line.waiting_count(QUEUE)) == 1_000 + 2 * len(steps)


def test_a_copy_of_a_store_in_memory(target: Path) -> None:
    """So that what a program had in memory only can be kept."""
    with closing(SQLiteStore(":memory:")) as store:
        put(store, make_callback("cb_1"))
        store.backup(target)
    assert waiting(target) == 1


# ---------------------------------------------------------------------------- its name


def test_a_name_that_is_taken_is_refused_unless_it_is_said(store: SQLiteStore, target: Path) -> None:
    """And then there is always a whole copy under it: the old one, or the new one."""
    store.backup(target)
    put(store, make_callback("cb_1"))
    with pytest.raises(ConfigurationError, match="not taken"):
        store.backup(target)
    seen: list[int] = []

    def told(_done: int, _total: int) -> None:
        seen.append(sqlite3_count(target))

    store.backup(target, overwrite=True, progress=told)
    assert seen == [0]
    assert waiting(target) == 1
    assert names(target.parent) == ["copy.db"]


def sqlite3_count(path: Path) -> int:
    """Count the callbacks of a file that is not touched."""
    with closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM callbackq_callbacks").fetchone()
        assert isinstance(count, int)
        return count


def test_a_name_that_is_taken_meanwhile_is_not_taken_away(store: SQLiteStore, target: Path) -> None:
    """Somebody else may have the same idea."""
    with pytest.raises(ConfigurationError, match="meanwhile"):
        store.backup(target, progress=lambda *_: target.write_text("mine"))
    assert target.read_text() == "mine"
    assert names(target.parent) == ["copy.db"]


def test_where_there_are_no_links_the_copy_is_moved(
    store: SQLiteStore, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on disks of other systems."""

    def no_links(_self: Path, _other: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    store.backup(target)
    assert waiting(target) == 0
    assert names(target.parent) == ["copy.db"]


def test_names_that_no_copy_can_have(store: SQLiteStore, target: Path) -> None:
    """The store's own; a directory; and one beside which the log of another file lies."""
    with pytest.raises(ConfigurationError, match="the store's own"):
        store.backup(store._path, overwrite=True)
    with pytest.raises(ConfigurationError, match="directory"):
        store.backup(target.parent, overwrite=True)
    with closing(SQLiteStore(target)) as in_use:
        put(in_use, make_callback("cb_1"))
        with pytest.raises(ConfigurationError, match=r"copy\.db-wal beside it"):
            store.backup(target, overwrite=True)
    assert waiting(target) == 1


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("end", ["-wal", "-shm", "-journal"])
def test_a_copy_never_takes_the_place_of_a_log_of_the_store(
    store: SQLiteStore, tmp_path: Path, end: str, overwrite: bool
) -> None:
    """Nor through another name of its directory. What is promised already would be gone, or nobody could open it."""
    put(store, make_callback("cb_1"))
    (tmp_path / "here").symlink_to(tmp_path)
    with pytest.raises(ConfigurationError, match="a log of the store's own"):
        store.backup(tmp_path / "here" / f"callbackq.db{end}", overwrite=overwrite)
    put(store, make_callback("cb_2"))
    assert waiting(Path(store._path)) == 2


def test_a_copy_never_takes_the_place_of_what_is_no_file(store: SQLiteStore, target: Path) -> None:
    """A pipe or a device of that name is somebody's: /dev/null, say."""
    os.mkfifo(target)
    with pytest.raises(ConfigurationError, match="pipe"):
        store.backup(target, overwrite=True)
    assert target.is_fifo()


def test_nobody_else_may_read_it_who_may_not_read_the_store(store: SQLiteStore, target: Path) -> None:
    """It holds the same persons."""
    Path(store._path).chmod(0o640)
    seen: list[int] = []

    def told(_done: int, _total: int) -> None:
        (draft,) = target.parent.glob(".*.part")
        seen.append(stat.S_IMODE(draft.stat().st_mode))

    store.backup(target, progress=told)
    assert seen == [0o600]
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


# ---------------------------------------------------------------------------- failing


def test_a_disk_without_room_leaves_nothing(store: SQLiteStore, target: Path) -> None:
    """Here the system refuses files beyond a size, as a full disk does."""
    put(store, *(make_callback(f"cb_{number}") for number in range(1_000)))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    (pages,) = sqlite3.connect(store._path).execute("PRAGMA page_count").fetchone()
    resource.setrlimit(resource.RLIMIT_FSIZE, (pages * 4096 // 2, before[1]))
    try:
        with pytest.raises(StoreUnavailable, match="copies, for the copy: reading or writing it failed"):
            store.backup(target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert names(target.parent) == []
    store.backup(target)
    assert waiting(target) == 1_000


def test_a_directory_that_is_missing_is_said(store: SQLiteStore, target: Path) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be written: No such file or directory"):
        store.backup(target.parent / "nowhere" / "copy.db")


def test_a_backup_that_is_broken_off_leaves_nothing(store: SQLiteStore, target: Path) -> None:
    """By whoever is told of its progress: Ctrl-C, for example."""

    def told(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.backup(target, progress=told)
    assert names(target.parent) == []


def test_a_store_that_is_damaged_is_not_copied_as_if_it_were_whole(store: SQLiteStore, target: Path) -> None:
    """It is said that it is the store that cannot be read."""
    store.close()
    with Path(store._path).open("r+b") as file:
        file.seek(100)
        file.write(b"\xa5" * 3_000)
    with pytest.raises(StoreUnavailable, match=r"callbackq\.db: it is damaged"):
        sqlite_backup.copy_file(Path(store._path), target, overwrite=False, progress=None)
    assert names(target.parent) == []


def test_a_closed_store_is_not_copied(store: SQLiteStore, target: Path) -> None:
    store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        store.backup(target)
    assert names(target.parent) == []


def test_it_is_on_the_disk_before_it_has_its_name(
    store: SQLiteStore, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file first, then the directory."""
    order: list[str] = []
    real = os.fsync

    def flush(descriptor: int) -> None:
        order.append(
            "directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else f"file, {target.exists()}"
        )
        real(descriptor)

    monkeypatch.setattr(os, "fsync", flush)
    store.backup(target)
    assert order == ["file, False", "directory"]

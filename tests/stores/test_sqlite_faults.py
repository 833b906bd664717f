"""What happens to a file in real life: full, locked, damaged, replaced, not ours. Each has its own sentence."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from callbackq.errors import CommitUncertain, ConfigurationError, StoreUnavailable
from callbackq.events import CallbackReady
from callbackq.ports import Commit
from callbackq.stores import SQLiteStore
from callbackq.testing.builders import QUEUE, make_callback, make_event
from callbackq.testing.store_contract.base import TENANT, ask, put
from stores.every_store import empty_file
from stores.slow_disk import connection_of

NOBODY = 65_534
PAGE = 4_096


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with tables."""
    return Path(shutil.copy(empty_file(), tmp_path / "callbackq.db"))


@pytest.fixture
def store(path: Path) -> Iterator[SQLiteStore]:
    store = SQLiteStore(path, lock_wait_max=timedelta(milliseconds=30))
    yield store
    store.close()


def promise(store: SQLiteStore, key: str) -> None:
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        tx.save(make_callback(key))


def waiting(store: SQLiteStore) -> int:
    return ask(store, lambda tx: tx.line.waiting_count(QUEUE))


def refused(work: Callable[[], object]) -> str:
    """Return what the error says after the file's name; it says that trying again is safe."""
    with pytest.raises(StoreUnavailable) as caught:
        work()
    assert caught.value.retry_safe
    return str(caught.value).partition("callbackq.db: ")[2]


# ---------------------------------------------------------------------------- full


def test_a_disk_that_is_full_at_any_write_of_a_command_leaves_nothing_half_done(path: Path) -> None:
    """Each write of a request is refused once: no promise stands half, and the next one is taken without reopening."""
    ended = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("full_disk.py")), str(path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    failures, standing, sound, *kinds = ended.stdout.split()
    assert int(failures) > 5
    assert (standing, sound) == ("3", "ok")
    assert set(kinds) <= {"StoreUnavailable", "CommitUncertain"}


def test_a_database_that_may_not_grow_takes_what_fits_and_goes_on_when_it_may(store: SQLiteStore) -> None:
    """SQLite's own limit on the pages: whatever is told as done is there, whatever was refused is not."""
    connection = connection_of(store)
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 8}").fetchall()
    kept = 0
    with pytest.raises(StoreUnavailable, match="the disk is full"):  # noqa: PT012
        while True:
            promise(store, f"cb_{kept}")
            kept += 1
    assert kept > 0
    assert waiting(store) == kept
    connection.execute("PRAGMA max_page_count = 1000000").fetchall()
    promise(store, "cb_more")
    assert waiting(store) == kept + 1


# ---------------------------------------------------------------------------- locked


def test_a_file_that_another_program_has_for_itself_is_unavailable_for_all(
    store: SQLiteStore, path: Path
) -> None:
    """For reading too; after so long as the store may wait. It works again when the lock is gone."""
    promise(store, "cb_1")
    store.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as greedy:
        greedy.execute("PRAGMA locking_mode = EXCLUSIVE")
        greedy.execute("BEGIN IMMEDIATE")
        assert refused(lambda: SQLiteStore(path, lock_wait_max=timedelta(milliseconds=30))) == (
            "another connection keeps it locked"
        )
    with closing(SQLiteStore(path)) as again:
        assert waiting(again) == 1


def test_a_checkpoint_that_keeps_readers_out_is_waited_for(store: SQLiteStore, path: Path) -> None:
    """A writer of another program that takes its time stops writers here, and no readers."""
    promise(store, "cb_1")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert refused(lambda: promise(store, "cb_2")) == "another connection keeps it locked"
        assert waiting(store) == 1
        other.execute("ROLLBACK")
    promise(store, "cb_2")
    assert waiting(store) == 2


def test_how_long_a_lock_is_waited_for_is_no_negative_time(path: Path) -> None:
    """None is allowed: then a locked file is unavailable at once."""
    with pytest.raises(ConfigurationError, match="lock_wait_max"):
        SQLiteStore(path, lock_wait_max=timedelta(seconds=-1))
    with closing(SQLiteStore(path, lock_wait_max=timedelta())) as store:
        promise(store, "cb_1")


# ---------------------------------------------------------------------------- gone, or another one


@pytest.mark.parametrize(
    ("end", "what"), [("", "the file"), ("-wal", "its log"), ("-shm", "the index of its log")]
)
def test_a_file_that_is_moved_away_takes_no_promise(
    store: SQLiteStore, path: Path, end: str, what: str
) -> None:
    """SQLite would go on writing to it, and nobody would find it again. When it is back, work goes on."""
    promise(store, "cb_1")
    part, away = Path(f"{path}{end}"), path.with_name("away")
    part.rename(away)
    for _ in range(2):
        assert refused(lambda: promise(store, "cb_2")) == (
            f"{what} was deleted or moved while it was open; put it back, or open the store again"
        )
    away.rename(part)
    promise(store, "cb_2")
    assert waiting(store) == 2


def test_a_file_in_whose_place_another_one_stands_takes_no_promise(store: SQLiteStore, path: Path) -> None:
    """A backup that was put there, for example: the store must be opened again to have it."""
    promise(store, "cb_1")
    store.backup(path.with_name("copy.db"))
    promise(store, "cb_2")
    path.with_name("copy.db").replace(path)
    said = "the file was replaced by another one while it was open; put it back, or open the store again"
    assert refused(lambda: promise(store, "cb_3")) == said
    assert refused(lambda: store.backup(path.with_name("again.db"))) == said
    store.close()
    for end in ("-wal", "-shm"):
        Path(f"{path}{end}").unlink(missing_ok=True)
    with closing(SQLiteStore(path)) as again:
        assert waiting(again) == 1


def test_a_link_that_leads_to_another_file_meanwhile_takes_no_promise(tmp_path: Path) -> None:
    """Whoever opens it by this name from now on has the other one. When it leads back, work goes on."""
    link, one = tmp_path / "callbackq.db", tmp_path / "one.db"
    link.symlink_to(one)
    with closing(SQLiteStore(link)) as store:
        promise(store, "cb_1")
        link.unlink()
        link.symlink_to(tmp_path / "two.db")
        SQLiteStore(link).close()
        assert refused(lambda: promise(store, "cb_2")).startswith("the file was replaced by another one")
        link.unlink()
        link.symlink_to(one)
        promise(store, "cb_2")
        assert waiting(store) == 2


# ---------------------------------------------------------------------------- damaged


def overwrite(path: Path, at: int, size: int) -> None:
    """Write nonsense into a file, as another program would: from another process."""
    todo = "import sys; f = open(sys.argv[1], 'r+b'); f.seek(int(sys.argv[2])); f.write(b'\\xa5' * int(sys.argv[3]))"
    subprocess.run([sys.executable, "-S", "-c", todo, str(path), str(at), str(size)], check=True)


def filled(path: Path, *, count: int = 200) -> None:
    """Put callbacks with their history into a file, and close it."""
    with closing(SQLiteStore(path)) as store, store.transaction(TENANT, commit=Commit.RELAXED) as tx:
        for number in range(count):
            tx.save(make_callback(f"cb_{number:03}", rank=number))
            tx.history.append([make_event(CallbackReady, version=number)])


@pytest.mark.parametrize(
    ("at", "size", "says"),
    [(0, 16, "it is not an SQLite database"), (100, PAGE - 100, "it is damaged")],
    ids=["header", "first page"],
)
def test_a_file_with_a_damaged_beginning_is_not_opened(path: Path, at: int, size: int, says: str) -> None:
    """It is left as it is: somebody may still save what is in it."""
    filled(path)
    overwrite(path, at, size)
    before = path.read_bytes()
    assert refused(lambda: SQLiteStore(path)) == says
    assert path.read_bytes() == before


def test_a_damaged_page_is_told_when_it_is_reached(path: Path) -> None:
    """What does not need the page goes on; what does is undone."""
    filled(path)
    with closing(sqlite3.connect(path)) as dba:
        (page,) = dba.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'callbackq_callbacks_line'"
        ).fetchone()
    overwrite(path, (page - 1) * PAGE, PAGE)
    with closing(SQLiteStore(path)) as store:
        assert refused(lambda: ask(store, lambda tx: tx.line.head(QUEUE, lanes=(0,)))) == "it is damaged"
        assert refused(lambda: put(store, make_callback("cb_new"))) == "it is damaged"
        assert len(ask(store, lambda tx: tx.history.all())) == 200
        with pytest.raises(LookupError):
            ask(store, lambda tx: tx.callbacks.get("cb_new"))  # type: ignore[arg-type]


def test_a_log_that_was_cut_off_loses_whole_commits_only(path: Path, tmp_path: Path) -> None:
    """As after a loss of power, with commits that did not wait for the disk: wherever it is cut, the books agree."""
    folder = tmp_path / "crashed"
    folder.mkdir()
    with closing(SQLiteStore(path)) as store:
        for number in range(12):
            with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
                tx.save(make_callback(f"cb_{number:02}", rank=number))
                tx.history.append([make_event(CallbackReady, version=number)])
        log = Path(f"{path}-wal").read_bytes()
        base = path.read_bytes()
    found: list[int] = []
    for part in range(9):
        crashed = folder / f"{part}.db"
        crashed.write_bytes(base)
        Path(f"{crashed}-wal").write_bytes(log[: len(log) * part // 8])
        with closing(SQLiteStore(crashed)) as store:
            found.append(waiting(store))
            assert len(ask(store, lambda tx: tx.history.all())) == found[-1]
            promise(store, "cb_next")
    assert found == sorted(found)
    assert (found[0], found[-1]) == (0, 12)
    assert len(set(found)) > 4


# ---------------------------------------------------------------------------- not a store


def test_a_directory_is_no_store(tmp_path: Path) -> None:
    """Not even one of the right name."""
    (tmp_path / "callbackq.db").mkdir()
    assert refused(lambda: SQLiteStore(tmp_path / "callbackq.db")) == "it is a directory"


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    """As one that is not there does: `mktemp` makes such a file."""
    path = tmp_path / "callbackq.db"
    path.touch()
    with closing(SQLiteStore(path)) as store:
        promise(store, "cb_1")
        assert waiting(store) == 1


@pytest.mark.parametrize("content", [b"PK\x03\x04" + b"\0" * 5000, b"number,name\n" * 500, b"{}"])
def test_a_file_of_another_program_is_left_alone(tmp_path: Path, content: bytes) -> None:
    """An archive, a list; and one that is so short that SQLite would take it for an empty one."""
    path = tmp_path / "callbackq.db"
    path.write_bytes(content)
    assert refused(lambda: SQLiteStore(path)) == "it is not an SQLite database"
    assert path.read_bytes() == content


# ---------------------------------------------------------------------------- rights


def as_nobody(work: Callable[[], object]) -> str:
    """Do *work* in a child without the rights of root, and return what it said, or nothing."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        said = ""
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(NOBODY, NOBODY, NOBODY)
                os.setresuid(NOBODY, NOBODY, NOBODY)
            work()
        except BaseException as error:
            said = f"{type(error).__name__} {str(error).partition('callbackq.db: ')[2] or error}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(pid, 0)
    with os.fdopen(reading) as answer:
        return answer.read()


@pytest.fixture
def nobody_s() -> Iterator[Path]:
    """A folder of somebody who is not root, with a store in it."""
    with tempfile.TemporaryDirectory(prefix="callbackq-") as name:
        folder = Path(name)
        shutil.copy(empty_file(), folder / "callbackq.db")
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
            os.chown(folder / "callbackq.db", NOBODY, NOBODY)
        yield folder / "callbackq.db"
        folder.chmod(0o700)


def opened(path: Path) -> Callable[[], None]:
    def work() -> None:
        with closing(SQLiteStore(path)) as store:
            promise(store, "cb_1")

    return work


def test_a_file_that_may_not_be_written_is_refused_until_it_may(nobody_s: Path) -> None:
    """A store cannot only be read: every process that reads it writes to its log."""
    nobody_s.chmod(0o400)
    assert as_nobody(opened(nobody_s)) == "StoreUnavailable it may not be read and written"
    nobody_s.chmod(0o000)
    assert as_nobody(opened(nobody_s)) == "StoreUnavailable it may not be read and written"
    nobody_s.chmod(0o600)
    assert as_nobody(opened(nobody_s)) == ""


def test_a_directory_that_may_not_be_written_is_refused_until_it_may(nobody_s: Path) -> None:
    """The log must stand beside the file."""
    nobody_s.parent.chmod(0o500)
    assert as_nobody(opened(nobody_s)) == (
        "StoreUnavailable its directory may not be written, where its log must stand"
    )
    nobody_s.parent.chmod(0o700)
    assert as_nobody(opened(nobody_s)) == ""


def test_rights_that_are_taken_while_it_is_open_stop_no_open_store(nobody_s: Path) -> None:
    """Who has the file open has it; the next one to open it is told."""

    def work() -> None:
        with closing(SQLiteStore(nobody_s)) as store:
            promise(store, "cb_1")
            nobody_s.chmod(0o400)
            promise(store, "cb_2")
            assert waiting(store) == 2

    assert as_nobody(work) == ""
    assert as_nobody(opened(nobody_s)) == "StoreUnavailable it may not be read and written"


# ---------------------------------------------------------------------------- the disk itself


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        (sqlite3.SQLITE_FULL, StoreUnavailable),
        (sqlite3.SQLITE_IOERR_WRITE, CommitUncertain),
        (sqlite3.SQLITE_IOERR_FSYNC, CommitUncertain),
        (sqlite3.SQLITE_CORRUPT, StoreUnavailable),
        (sqlite3.SQLITE_READONLY_DBMOVED, StoreUnavailable),
    ],
)
def test_what_a_commit_may_say_has_one_meaning_and_the_store_goes_on(
    store: SQLiteStore, code: int, wanted: type[Exception]
) -> None:
    """Uncertain is only what the disk did not do, or did not say that it did."""
    real, says = connection_of(store), [code]

    class OneFailure:
        def execute(self, sql: str, parameters: object = ()) -> sqlite3.Cursor:
            if sql == "COMMIT" and says:
                error = sqlite3.OperationalError("as told")
                error.sqlite_errorcode = says.pop()
                raise error
            return real.execute(sql, parameters)  # type: ignore[arg-type]

        def __getattr__(self, name: str) -> object:
            return getattr(real, name)

    store._commits.connection = OneFailure()  # type: ignore[assignment]
    with pytest.raises(wanted):
        promise(store, "cb_1")
    assert waiting(store) == 0
    promise(store, "cb_1")
    assert waiting(store) == 1

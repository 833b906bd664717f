"""What was deleted or overwritten in an SQLite file is in none of its bytes once it was scrubbed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from callbackq.errors import StoreUnavailable
from callbackq.model import Subject
from callbackq.ports import Commit
from callbackq.stores import Flush, SQLiteStore
from callbackq.testing.builders import (
    make_conversation,
    make_subject,
    make_tally,
    make_verification,
    next_version,
)
from callbackq.testing.clock import START
from callbackq.testing.store_contract.base import TENANT, ask, put

MARK = "MARK0017"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "callbackq.db"


@pytest.fixture
def store(path: Path) -> Iterator[SQLiteStore]:
    store = SQLiteStore(path, flush=Flush.RELAXED)
    yield store
    store.close()


def bytes_of(path: Path) -> bytes:
    """Return all bytes of the file, and of those beside it."""
    return b"".join(file.read_bytes() for file in sorted(path.parent.iterdir()))


def marked(subject: Subject, mark: str, *, length: int = 1) -> Subject:
    """Write a mark wherever a person's record can hold one."""
    return next_version(
        subject,
        identity=f"tel:{mark}",
        number=mark,
        name=mark,
        customer_id=mark,
        preferred_number=mark,
        alternatives=(mark,),
        contexts={f"cb_{n}": {"note": mark * length} for n in range(length % 7)},
    )


def erased(subject: Subject) -> Subject:
    """Return what is left of a person."""
    return next_version(
        subject,
        identity=f"erased:{subject.subject_id}",
        number="",
        name=None,
        customer_id=None,
        preferred_number=None,
        alternatives=(),
        contexts={},
        erased_at=START,
    )


def test_an_overwritten_name_is_in_no_byte(store: SQLiteStore, path: Path) -> None:
    """It was there, in the log at least, until the file was scrubbed."""
    subject = make_subject("su_1", name=MARK)
    put(store, subject)
    put(store, next_version(subject, name=None))
    assert MARK.encode() in bytes_of(path)
    assert store.scrub() is True
    assert MARK.encode() not in bytes_of(path)
    assert path.with_name(f"{path.name}-wal").stat().st_size == 0
    store.close()
    assert MARK.encode() not in bytes_of(path)


@pytest.mark.parametrize("seed", range(3))
def test_rows_that_moved_leave_nothing(store: SQLiteStore, path: Path, seed: int) -> None:
    """Rows grow and shrink at random, so that pages split; then some persons are erased, and some stay."""
    random = Random(seed)
    rows: dict[str, Subject] = {}
    for step in range(400):
        subject_id = f"su_{random.randrange(10**5) if random.random() < 0.5 else random.randrange(150):05}"
        old = rows.get(subject_id)
        if old is None:
            put(store, old := make_subject(subject_id))
        rows[subject_id] = marked(old, f"MARK{step:04}X", length=random.choice([1, 2, 6, 30, 300]))
        put(store, rows[subject_id])
    kept = set(random.sample(sorted(rows), len(rows) // 3))
    for subject_id, subject in rows.items():
        if subject_id not in kept:
            put(store, erased(subject))
    living = {rows[subject_id].name for subject_id in kept}
    assert store.scrub() is True
    data = bytes_of(path)
    found = {f"MARK{step:04}X" for step in range(400) if f"MARK{step:04}X".encode() in data}
    assert found == living
    for subject_id in kept:
        assert (
            ask(store, lambda tx, key=rows[subject_id]: tx.subjects.get(key.subject_id)) == rows[subject_id]
        )


def test_what_was_forgotten_leaves_nothing(store: SQLiteStore, path: Path) -> None:
    """Tallies, one-time codes and conversations, with their keys and digests."""
    put(
        store,
        *(make_tally(f"{MARK}-{n}", moments=(n,) * (n % 50), weights=(1,) * (n % 50)) for n in range(300)),
    )
    put(store, *(make_verification(f"vf_{n:04}", code_hash=f"{MARK}-{n}") for n in range(300)))
    put(store, *(make_conversation(f"{MARK}-{n}", heard_ids=(f"{MARK}-{n}",) * (n % 9)) for n in range(300)))
    with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
        late = START + timedelta(days=2)
        assert tx.conversations.forget(over_before=late, limit=999) == 300
        assert tx.tallies.forget(over_before=late, limit=999) == 300
        assert tx.verifications.forget(expired_before=late, limit=999) == 300
    assert store.scrub() is True
    assert MARK.encode() not in bytes_of(path)


def test_deleted_content_becomes_zeros_at_once(store: SQLiteStore) -> None:
    """On every connection, also after the file was opened again."""
    connection = store._commits.connection
    assert connection is not None
    assert connection.execute("PRAGMA secure_delete").fetchone() == (1,)


def test_a_reader_of_older_data_is_in_the_way(store: SQLiteStore, path: Path) -> None:
    """Then the answer is no; when he is done it is yes. Nothing else waits for him."""
    subject = make_subject("su_1", name=MARK)
    put(store, subject)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT name FROM callbackq_subjects").fetchall() == [(MARK,)]
    put(store, next_version(subject, name=None))
    assert store.scrub() is False
    assert reader.execute("SELECT name FROM callbackq_subjects").fetchall() == [(MARK,)]
    reader.execute("COMMIT")
    assert store.scrub() is True
    assert MARK.encode() not in bytes_of(path)
    assert reader.execute("SELECT name FROM callbackq_subjects").fetchall() == [(None,)]
    reader.close()


def test_a_writer_is_in_the_way(path: Path) -> None:
    """The file is unavailable then, and all rows are as they were."""
    store = SQLiteStore(path, lock_wait_max=timedelta(milliseconds=50))
    put(store, make_subject("su_1", name=MARK))
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        store.scrub()
    writer.execute("ROLLBACK")
    writer.close()
    assert store.scrub() is True
    assert len(ask(store, lambda tx: tx.subjects.unseen_since(START + timedelta(days=1), limit=9))) == 1
    store.close()


def test_a_full_disk_leaves_all_rows(store: SQLiteStore) -> None:
    """Writing them anew needs room for a second copy; without it nothing has happened."""
    put(store, *(make_subject(f"su_{n}", contexts={"cb_1": {"note": "x" * 500}}) for n in range(50)))
    connection = store._commits.connection
    assert connection is not None
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreUnavailable, match="full"):
        store.scrub()
    assert len(ask(store, lambda tx: tx.subjects.unseen_since(START + timedelta(days=1), limit=99))) == 50
    connection.execute("PRAGMA max_page_count = 1000000")
    assert store.scrub() is True

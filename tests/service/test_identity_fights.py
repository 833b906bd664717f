"""
J3: many ask for the same person at once: threads on every store, and processes on those that several can open.

Started as a program, this file is one of the processes.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Barrier, Lock, Thread

import pytest

from callbackq import (
    DEFAULT_TENANT,
    Commit,
    Conflict,
    DuplicateCallback,
    Duplicates,
    DuplicateScope,
    MemoryStore,
    QueuePolicy,
    SQLiteStore,
    Store,
    SubjectId,
)
from callbackq.service import CallbackService
from callbackq.stores import PostgresStore
from callbackq.stores.sqlite import Flush
from callbackq.system import RandomIds
from callbackq.testing import ManualClock
from service.fighters import open_place, together, wait_for_the_others
from stores.postgres_server import conninfo, fresh_schema

THREADS = 32
PROCESSES = 8
TURNS = 4
NUMBER = "+12125550101"
SPELLINGS = (NUMBER, "(212) 555-0101", "tel:+1-212-555-0101", "1 212 555 0101")


def service_of(store: Store, rule: Duplicates) -> CallbackService:
    """Return a service with two queues, of which a person may have one callback in all."""
    policies = [
        QueuePolicy(queue=queue, duplicates=rule, duplicates_over=DuplicateScope.EVERYWHERE, calling=None)
        for queue in ("support", "sales")
    ]
    return CallbackService(store, policies, clock=ManualClock(), ids=RandomIds())


def ask(service: CallbackService, who: int) -> str:
    """Ask as the n-th of many: in one queue or the other, in this spelling or that, with an id or without."""
    queue = ("support", "sales")[who % 2]
    customer_id = "c-1" if who % 3 == 0 else None
    while True:
        try:
            service.request(queue, number=SPELLINGS[who % 4], customer_id=customer_id)
        except DuplicateCallback as refused:
            return f"has {refused.existing_id[:3]}"
        except Conflict:
            continue
        return "promised"


def open_callbacks(store: Store) -> int:
    """Count the callbacks that have not ended."""
    with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        return sum(tx.callbacks.open_count(queue, limit=1_000) for queue in ("support", "sales"))


def persons(store: Store) -> set[SubjectId]:
    """Return who stands behind all callbacks that were ever made."""
    with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        made = [event for event in tx.history.all() if event.kind == "callback_requested"]
        return {event.subject_id for event in made}  # type: ignore[attr-defined]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind."""
    if request.param == "memory":
        yield MemoryStore()
    elif request.param == "sqlite":
        with closing(SQLiteStore(tmp_path / "callbacks.db", flush=Flush.RELAXED)) as opened:
            yield opened
    else:
        with (
            fresh_schema() as schema,
            closing(PostgresStore(conninfo(), schema=schema, connections_max=THREADS // 2)) as opened,
        ):
            yield opened


def at_once(work: Callable[[int], str]) -> Counter[str]:
    """Let all threads do their work at once; return how often each thing came out."""
    together, lock = Barrier(THREADS), Lock()
    outcomes: Counter[str] = Counter()

    def run(who: int) -> None:
        together.wait()
        try:
            answer = work(who)
        except Exception as error:
            answer = f"{type(error).__name__}: {error}"
        with lock:
            outcomes[answer] += 1

    threads = [Thread(target=run, args=(who,)) for who in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_32_threads_ask_for_one_person(store: Store) -> None:
    """J3: one callback and one person, however it is spelled, in whichever queue; the others hear which it is."""
    service = service_of(store, Duplicates.REFUSE)
    assert at_once(lambda who: ask(service, who)) == {"promised": 1, "has cb_": THREADS - 1}
    assert open_callbacks(store) == 1
    assert len(persons(store)) == 1


def test_32_threads_ask_and_are_merged(store: Store) -> None:
    """J1, J3: nobody is refused, and one callback goes on."""
    service = service_of(store, Duplicates.MERGE)
    assert at_once(lambda who: ask(service, who)) == {"promised": THREADS}
    assert open_callbacks(store) == 1
    assert len(persons(store)) == 1


def test_32_threads_ask_and_replace_one_another(store: Store) -> None:
    """J1, J3: the last one stands."""
    service = service_of(store, Duplicates.REPLACE)
    assert at_once(lambda who: ask(service, who)) == {"promised": THREADS}
    assert open_callbacks(store) == 1


def test_32_threads_are_different_people(store: Store) -> None:
    """J3: nobody is in the way of anybody else."""
    service = service_of(store, Duplicates.REFUSE)

    def own(who: int) -> str:
        while True:
            try:
                service.request("support", number=f"+1212555{1000 + who}", customer_id=f"c-{who}")
            except Conflict:
                continue
            return "promised"

    assert at_once(own) == {"promised": THREADS}
    assert len(persons(store)) == THREADS


# ---------------------------------------------------------------------------- processes


def test_8_processes_ask_for_one_person(place: tuple[str, str]) -> None:
    """J3: what holds between threads holds between nodes."""
    with closing(open_place(*place)) as store:
        answers = together(__file__, [(*place, number) for number in range(PROCESSES)])
        outcomes = Counter(line for answer in answers for line in answer.splitlines())
        assert outcomes == {"promised": 1, "has cb_": TURNS * PROCESSES - 1}
        assert open_callbacks(store) == 1
        assert len(persons(store)) == 1


def be_one_of_several(kind: str, where: str, number: int) -> None:
    """Open the store, wait for the others, and ask some times, as fast as possible."""
    with closing(open_place(kind, where)) as store:
        service = service_of(store, Duplicates.REFUSE)
        wait_for_the_others()
        for turn in range(TURNS):
            print(ask(service, number + turn), flush=True)


if __name__ == "__main__":
    be_one_of_several(sys.argv[1], sys.argv[2], int(sys.argv[3]))

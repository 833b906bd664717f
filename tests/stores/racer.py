"""One of several processes that work on one file at the same time. `test_sqlite` starts them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from callbackq import events
from callbackq.errors import StaleVersion, UniquenessViolated
from callbackq.ids import AgentId, CallId
from callbackq.model import CallState, LiveCall
from callbackq.ports import Commit
from callbackq.stores import SQLiteStore
from callbackq.testing.builders import QUEUE, make_callback, make_event, next_version
from callbackq.testing.store_contract.base import TENANT, append, ask, put
from callbackq.testing.store_contract.bookings import take_seat

SEATS = 30


def count(store: SQLiteStore, rounds: int) -> int:
    """Add one to a live call's counter, *rounds* times, by compare-and-set; return how often it was late."""
    late = 0
    for _ in range(rounds):
        while True:
            call = ask(store, lambda tx: tx.calls.get(CallId("counter")))
            try:
                put(store, next_version(call, offers_count=call.offers_count + 1))
            except StaleVersion:
                late += 1
                continue
            break
    return late


def claim(store: SQLiteStore) -> list[str]:
    """Take the head of the line until nobody waits; return who was taken."""
    taken: list[str] = []
    while True:
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            head = tx.line.head(QUEUE, lanes=(0,))
            if head is None:
                return taken
            assert isinstance(head, LiveCall)
            tx.save(next_version(head, state=CallState.TAKEN))
        taken.append(head.call_id)


def request(store: SQLiteStore, name: str, people: int) -> int:
    """Ask for a callback for each of *people*; return how many were made here."""
    made = 0
    for person in range(people):
        try:
            put(store, make_callback(f"cb_{person}_{name}", queue="web", dedup_key=f"person_{person}"))
        except UniquenessViolated:
            continue
        made += 1
    return made


def race(path: str, name: str) -> None:
    """Open the file when all are ready, do everything, and print what came out."""
    store = SQLiteStore(path)
    print("open", store.pepper.hex(), flush=True)
    sys.stdin.readline()
    late = count(store, 25)
    made = request(store, name, 10)
    seats = sum(take_seat(store, limit=SEATS) for _ in range(10))
    for version in range(10):
        append(store, make_event(events.AgentAvailable, agent_id=AgentId(name), version=version))
    print(late, made, seats, *claim(store), flush=True)
    store.close()


def die(path: str) -> None:
    """Commit without waiting for the disk, start another transaction, and be gone in the middle of it."""
    store = SQLiteStore(path)
    for number in range(20):
        with store.transaction(TENANT, commit=Commit.RELAXED) as tx:
            tx.save(make_callback(f"cb_{number:02}", rank=number))
            tx.history.append([make_event(events.CallbackReady, version=number)])
    with store.transaction(TENANT, commit=Commit.FLUSHED) as tx:
        tx.save(make_callback("cb_lost", rank=-1))
        os._exit(9)


if __name__ == "__main__":
    todo, path, name = sys.argv[1:4]
    assert Path(path).parent.is_dir()
    if todo == "race":
        race(path, name)
    else:
        die(path)

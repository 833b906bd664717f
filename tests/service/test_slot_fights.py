"""
Many at once want the last seats: threads on every store, and processes on those that several can open.

Started as a program, this file is one of the processes.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Lock, Thread
from typing import Any

import pytest

from callbackq import (
    CallbackqError,
    NotPossibleNow,
    SlotProblem,
    SlotUnavailable,
    Store,
    TimeWindow,
)
from callbackq.service import CallbackService
from callbackq.stores import PostgresStore
from callbackq.system import RandomIds
from service.fighters import open_place, together, wait_for_the_others
from service.test_slots import HOUR, MINUTE, at, check_books, opened_store, slot_house, taken
from stores.postgres_server import conninfo, fresh_schema

THREADS = 64
PROCESSES = 8
SEATS = 5
NINE, TEN = at("09:00"), at("10:00")


def number_of(who: int) -> str:
    """Return the number of the n-th of many people."""
    return f"+1212555{1000 + who}"


def fight(work: Callable[[int], object], *, count: int = THREADS) -> Counter[str]:
    """Let many threads do their work at once; return how often each thing came out."""
    together, lock = Barrier(count), Lock()
    outcomes: Counter[str] = Counter()

    def run(who: int) -> None:
        together.wait()
        try:
            answer = str(work(who))
        except SlotUnavailable as refused:
            answer = str(refused.reason)
        except Exception as error:
            answer = f"{type(error).__name__}: {error}"
        with lock:
            outcomes[answer] += 1

    threads = [Thread(target=run, args=(who,)) for who in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def ask_for(service: CallbackService, who: int, **fields: Any) -> str:
    """Ask for a slot: nine o'clock, unless another one is named."""
    service.request("support", number=number_of(who), **(fields or {"scheduled_at": NINE}))
    return "booked"


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind; the one in a server has many connections, so that none waits long for one."""
    if request.param != "postgres":
        with opened_store(request.param, tmp_path) as opened:
            yield opened
        return
    with (
        fresh_schema() as schema,
        closing(PostgresStore(conninfo(), schema=schema, connections_max=THREADS // 2)) as made,
    ):
        yield made
        check_books(made)


# ---------------------------------------------------------------------------- threads


def test_64_threads_want_the_last_five_seats(store: Store) -> None:
    """H3: five get one, the others hear that it is full and what else there is; nobody gets anything else."""
    host = slot_house(store, seats=SEATS, ids=RandomIds())
    outcomes = fight(lambda who: ask_for(host.service, who))
    assert outcomes == {"booked": SEATS, "full": THREADS - SEATS}
    assert taken(host, NINE) == SEATS
    assert len(host.service.booked("support")) == SEATS


def test_64_threads_hold_the_last_five_seats(store: Store) -> None:
    """H3: as many are held as there are, and those who hold one can book it."""
    host = slot_house(store, seats=SEATS, ids=RandomIds())

    def held_and_booked(who: int) -> str:
        hold = host.service.hold_slot("support", slot_at=NINE)
        return ask_for(host.service, who, booking_id=hold.booking_id)

    assert fight(held_and_booked) == {"booked": SEATS, "full": THREADS - SEATS}
    assert taken(host, NINE) == SEATS


def test_64_threads_want_any_slot_of_a_window(store: Store) -> None:
    """H5: all seats of the window are given, and none twice; who comes too late hears that there is none."""
    host = slot_house(store, seats=SEATS, ids=RandomIds())
    morning = [TimeWindow(from_at=NINE, until_at=TEN)]
    outcomes = fight(lambda who: ask_for(host.service, who, windows=morning))
    assert outcomes == {"booked": 2 * SEATS, "none_in_window": THREADS - 2 * SEATS}
    assert (taken(host, NINE), taken(host, at("09:30"))) == (SEATS, SEATS)


def test_64_threads_hold_book_and_release_as_they_like(store: Store) -> None:
    """H3: the counters agree with what is booked and held at the end, and no slot was ever given too often."""
    host = slot_house(store, seats=SEATS, ids=RandomIds())
    service, problems = host.service, Counter[str]()

    def live(who: int) -> str:
        dice = random.Random(who)
        for turn in range(3):
            when = dice.choice((NINE, at("09:30"), TEN))
            try:
                hold = service.hold_slot("support", slot_at=when)
            except SlotUnavailable as refused:
                problems[refused.reason] += 1
                continue
            if dice.random() < 0.5:
                service.release_slot(hold.booking_id)
            elif dice.random() < 0.5:
                made = service.request(
                    "support", number=number_of(who * 3 + turn), booking_id=hold.booking_id
                ).callback_id
                if dice.random() < 0.5:
                    service.cancel(made)
        return "done"

    assert fight(live) == {"done": THREADS}
    assert set(problems) <= {SlotProblem.FULL}
    check_books(store)
    for when in (NINE, at("09:30"), TEN):
        assert taken(host, when) <= SEATS


def test_nobody_waits_crosswise_who_moves_between_two_slots(store: Store) -> None:
    """H9: some from nine to ten, the others from ten to nine, both nearly full: all end, and no seat is lost."""
    host = slot_house(store, seats=THREADS // 2 + 1, ids=RandomIds())
    service = host.service
    booked = []
    for who in range(THREADS):
        when = NINE if who % 2 else TEN
        receipt = service.request("support", number=number_of(who), scheduled_at=when)
        booked.append(receipt.callback_id)

    def swap(who: int) -> str:
        service.reschedule(booked[who], scheduled_at=TEN if who % 2 else NINE)
        return "moved"

    outcomes = fight(swap)
    assert set(outcomes) <= {"moved", "full"}
    assert outcomes["moved"] >= 2
    assert taken(host, NINE) + taken(host, TEN) == THREADS
    check_books(store)


def test_two_full_slots_let_nobody_change_places(store: Store) -> None:
    """H9: with no seat free in either, everybody keeps theirs, and hears that the other one is full."""
    host = slot_house(store, seats=THREADS // 4, ids=RandomIds())
    service = host.service
    booked = [
        service.request("support", number=number_of(who), scheduled_at=NINE if who % 2 else TEN).callback_id
        for who in range(THREADS // 2)
    ]
    outcomes = fight(
        lambda who: service.reschedule(booked[who], scheduled_at=TEN if who % 2 else NINE),
        count=THREADS // 2,
    )
    assert outcomes == {"full": THREADS // 2}
    check_books(store)


def test_one_hold_is_booked_once(store: Store) -> None:
    """H3: many want to book the same hold: one does, the others hear that it is booked already."""
    host = slot_house(store, seats=SEATS, ids=RandomIds())
    hold = host.service.hold_slot("support", slot_at=NINE)

    def book(who: int) -> str:
        try:
            return ask_for(host.service, who, booking_id=hold.booking_id)
        except NotPossibleNow:
            return "taken"

    assert fight(book) == {"booked": 1, "taken": THREADS - 1}
    assert taken(host, NINE) == 1


def test_a_hold_that_is_over_goes_to_one_of_many(store: Store) -> None:
    """H3: nobody has swept it yet: one gets its seat, the others hear that it is full."""
    host = slot_house(store, ids=RandomIds())
    host.service.hold_slot("support", slot_at=NINE)
    host.clock.advance(timedelta(seconds=30))
    assert fight(lambda who: ask_for(host.service, who)) == {"booked": 1, "full": THREADS - 1}


def test_one_request_asked_many_times_takes_one_seat(store: Store) -> None:
    """B8: the same request key from 64 threads: one callback, one seat, one receipt."""
    host = slot_house(store, seats=SEATS, ids=RandomIds())
    outcomes = fight(
        lambda _who: host.service.request(
            "support", number=number_of(1), scheduled_at=NINE, request_key="form-1"
        )
    )
    assert list(outcomes.values()) == [THREADS]
    assert taken(host, NINE) == 1


def test_an_agent_is_booked_once_at_a_time(store: Store) -> None:
    """B4: many follow-ups for ann at nine: one is booked, the others hear that she is busy."""
    host = slot_house(store, seats=THREADS, ids=RandomIds())
    outcomes = fight(lambda who: ask_for(host.service, who, scheduled_at=NINE, owner="ann"))
    assert outcomes == {"booked": 1, "agent_busy": THREADS - 1}
    assert taken(host, NINE) == 1


def test_an_agent_is_booked_once_in_two_queues(store: Store) -> None:
    """B4: they want overlapping times of ann, which do not begin together, in two queues: one is booked."""
    host = slot_house(store, seats=THREADS, ids=RandomIds(), grid=15 * MINUTE)

    def ask(who: int) -> str:
        queue, when = (("support", NINE), ("sales", at("09:15")))[who % 2]
        host.service.request(queue, number=number_of(who), scheduled_at=when, owner="ann")
        return "booked"

    assert fight(ask) == {"booked": 1, "agent_busy": THREADS - 1}


# ---------------------------------------------------------------------------- processes


def test_8_processes_want_the_last_five_seats(place: tuple[str, str]) -> None:
    """H3: at nine, at half past and at ten: each slot gives five seats, over all processes, and no more."""
    with closing(open_place(*place)) as store:
        host = slot_house(store, seats=SEATS)
        answers = together(__file__, [(*place, number) for number in range(PROCESSES)])
        outcomes = Counter(line for answer in answers for line in answer.splitlines())
        assert outcomes == {"booked": 3 * SEATS, "full": 4 * 3 * PROCESSES - 3 * SEATS}
        assert [taken(host, when) for when in (NINE, at("09:30"), TEN)] == [SEATS] * 3
        check_books(store)


def be_one_of_several(kind: str, where: str, number: int) -> None:
    """Want three slots four times each, as fast as possible, and say what came of it."""
    with closing(open_place(kind, where)) as store:
        service = slot_house(store, seats=SEATS, ids=RandomIds()).service
        wait_for_the_others()
        for turn in range(4):
            for slot in range(3):
                who = (number * 4 + turn) * 3 + slot
                try:
                    answer = ask_for(service, who, scheduled_at=NINE + slot * HOUR / 2)
                except SlotUnavailable as refused:
                    answer = str(refused.reason)
                except CallbackqError as error:
                    answer = f"{type(error).__name__}: {error}"
                print(answer, flush=True)


if __name__ == "__main__":
    be_one_of_several(sys.argv[1], sys.argv[2], int(sys.argv[3]))

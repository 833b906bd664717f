"""Requests are counted against every limit that they fall under, on every store, and a flood of them stays outside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Barrier, Thread
from typing import Any, cast

import pytest

from callbackq import (
    CallbackService,
    Channel,
    Commit,
    Conflict,
    DuplicateCallback,
    Limit,
    NotVerified,
    Person,
    QueueName,
    QueuePolicy,
    RequestLimits,
    Store,
    TenantId,
    TooManyRequests,
    Transaction,
    Verify,
)
from callbackq.limiting import Flood, LimitKey, count_all, keys_of
from callbackq.model import Tally
from callbackq.testing import ManualClock

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ANN, BOB = "+12125550101", "+12125550102"
HERE, THERE = "192.0.2.1", "2001:db8::1"
NONE = RequestLimits()
SUPPORT, SALES = QueueName("support"), QueueName("sales")
THREADS = 32


class CountingStore:
    """Any store; counts transactions, and what is saved in them."""

    def __init__(self, behind: Store) -> None:
        self.behind = behind
        self.done = Counter[str]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.behind, name)

    @contextmanager
    def transaction(self, tenant_id: TenantId, *, commit: Commit) -> Generator[Transaction]:
        self.done["transactions"] += 1
        self.done[commit.value] += 1
        with self.behind.transaction(tenant_id, commit=commit) as tx:
            yield cast("Transaction", CountingTransaction(tx, self.done))


class CountingTransaction:
    """A transaction that counts what is saved."""

    def __init__(self, behind: Transaction, done: Counter[str]) -> None:
        self.behind = behind
        self.done = done

    def __getattr__(self, name: str) -> Any:
        return getattr(self.behind, name)

    def save(self, record: Any) -> None:
        self.done["saved"] += 1
        self.behind.save(record)


@pytest.fixture
def clock() -> ManualClock:
    """A clock that is moved by hand."""
    return ManualClock()


def house(
    store: Store, clock: ManualClock, *, all_limits: tuple[Limit, ...] = (), **limits: Any
) -> CallbackService:
    """Open a service with these limits of requests in queue `support`; `sales` has none of its own."""
    queues = [
        QueuePolicy(queue=SUPPORT, calling=None, limits=RequestLimits(**limits)),
        QueuePolicy(queue=SALES, calling=None),
    ]
    return CallbackService(store, queues, clock=clock, limits=all_limits)


def took(
    service: CallbackService,
    *,
    number: str | None = ANN,
    source: str | None = HERE,
    queue: QueueName = SUPPORT,
    limits: RequestLimits = NONE,
    all_limits: tuple[Limit, ...] = (),
) -> None:
    """Count one request as intake does, in a transaction of its own."""
    keys = keys_of(
        limits=limits,
        all_limits=all_limits,
        queue=queue,
        number=number,
        source=source,
        tenant_id=service.tenant_id,
        pepper=service.store.pepper,
    )
    service._run(Commit.FLUSHED, lambda tx, now: count_all(tx, keys, tenant_id=service.tenant_id, now=now))


def tallies(service: CallbackService, keys: list[str]) -> dict[str, Tally]:
    """Read counters as they stand."""
    return service._run(Commit.RELAXED, lambda tx, _now: tx.tallies.locked(keys))


def refusal(work: Callable[[], object]) -> TooManyRequests:
    with pytest.raises(TooManyRequests) as caught:
        work()
    return caught.value


# ---------------------------------------------------------------------------- counted


def test_nothing_is_looked_at_without_a_limit(clock: ManualClock) -> None:
    """Not even the store is asked."""
    keys = keys_of(
        limits=NONE,
        all_limits=(),
        queue=SUPPORT,
        number=ANN,
        source=HERE,
        tenant_id=TenantId("acme"),
        pepper=bytes(32),
    )
    assert keys == ()
    count_all(cast("Transaction", object()), keys, tenant_id=TenantId("acme"), now=clock.now())


def test_each_limit_counts_its_own(store: Store, clock: ManualClock) -> None:
    """By number, by source, by queue and in all; the error names the limit, and when one more may be made."""
    service, start = house(store, clock), clock.now()
    each = RequestLimits(
        per_number=Limit(1, HOUR), per_source=Limit(2, 2 * HOUR), in_queue=Limit(3, 3 * HOUR)
    )
    in_all = (Limit(4, 4 * HOUR),)
    took(service, limits=each, all_limits=in_all)
    told = refusal(lambda: took(service, limits=each, all_limits=in_all))
    assert (told.limit, told.again_at) == ("per_number", start + HOUR)
    took(service, number=BOB, limits=each, all_limits=in_all)
    told = refusal(lambda: took(service, number="+12125550103", limits=each, all_limits=in_all))
    assert (told.limit, told.again_at) == ("per_source", start + 2 * HOUR)
    took(service, number="+12125550103", source=THERE, limits=each, all_limits=in_all)
    told = refusal(lambda: took(service, number="+12125550104", source=THERE, limits=each, all_limits=in_all))
    assert (told.limit, told.again_at) == ("in_queue", start + 3 * HOUR)
    took(service, queue=SALES, limits=NONE, all_limits=in_all)
    told = refusal(lambda: took(service, queue=SALES, limits=NONE, all_limits=in_all))
    assert (told.limit, told.again_at) == ("in_all", start + 4 * HOUR)
    clock.advance(4 * HOUR)
    took(service, limits=each, all_limits=in_all)


def test_refused_request_counts_nowhere(store: Store, clock: ManualClock) -> None:
    """Nothing is written; of several limits that are reached the one that is waited for is named."""
    counting = CountingStore(store)
    service = house(cast("Store", counting), clock)
    limits = RequestLimits(per_number=Limit(1, HOUR), per_source=Limit(9, HOUR), in_queue=Limit(1, MINUTE))
    took(service, limits=limits)
    assert counting.done["saved"] == 3
    told = refusal(lambda: took(service, limits=limits))
    assert (told.limit, told.again_at) == ("per_number", clock.now() + HOUR)
    assert counting.done["saved"] == 3


def test_queues_and_tenants_count_apart(store: Store, clock: ManualClock) -> None:
    """Under the same number and source."""
    service = house(store, clock)
    other = CallbackService(store, [], clock=clock, tenant_id="acme")
    limits = RequestLimits(per_number=Limit(1, HOUR), per_source=Limit(1, HOUR), in_queue=Limit(1, HOUR))
    took(service, limits=limits)
    took(service, limits=limits, queue=SALES)
    took(other, limits=limits)
    assert refusal(lambda: took(other, limits=limits)).limit in {"per_number", "per_source", "in_queue"}


def test_what_is_not_known_is_not_limited(store: Store, clock: ManualClock) -> None:
    """A request without a source falls under no limit of sources; one without a number under none of numbers."""
    service = house(store, clock)
    limits = RequestLimits(per_number=Limit(1, HOUR), per_source=Limit(1, HOUR))
    for _ in range(3):
        took(service, number=None, source=None, limits=limits)
    took(service, number=ANN, source=None, limits=limits)
    took(service, number=None, source=HERE, limits=limits)
    assert refusal(lambda: took(service, number=ANN, source=None, limits=limits)).limit == "per_number"
    assert refusal(lambda: took(service, number=None, source=HERE, limits=limits)).limit == "per_source"


def test_counters_tell_no_number(store: Store, clock: ManualClock) -> None:
    """Neither number nor source stands in a key, and the same text has another digest in another store."""
    service = house(store, clock)
    limits = RequestLimits(per_number=Limit(1, HOUR), per_source=Limit(1, HOUR), in_queue=Limit(1, HOUR))
    keys = [
        [
            one.key
            for one in keys_of(
                limits=limits,
                all_limits=(Limit(1, HOUR),),
                queue=SUPPORT,
                number=ANN,
                source=HERE,
                tenant_id=service.tenant_id,
                pepper=pepper,
            )
        ]
        for pepper in (store.pepper, bytes(32))
    ]
    took(service, limits=limits, all_limits=(Limit(1, HOUR),))
    assert set(tallies(service, keys[0])) == set(keys[0])
    assert tallies(service, keys[1][:2]) == {}
    assert [key.rsplit("/", 1)[0] for key in keys[0]] == ["number/support", "source/support", "queue", "all"]
    assert not any(secret in key for key in keys[0] for secret in (ANN, ANN[1:], HERE))


def test_what_is_undone_was_not_counted(store: Store, clock: ManualClock) -> None:
    """The counters are part of the transaction."""
    service = house(store, clock)
    one = [LimitKey("per_number", "number/support/x", (Limit(1, HOUR),))]

    def fails(tx: Transaction, now: datetime) -> None:
        count_all(tx, one, tenant_id=service.tenant_id, now=now)
        raise LookupError

    with pytest.raises(LookupError):
        service._run(Commit.FLUSHED, fails)
    assert tallies(service, [one[0].key]) == {}


# ---------------------------------------------------------------------------- requests


def test_requests_are_limited(store: Store, clock: ManualClock) -> None:
    """In a rolling window; one that was cancelled counts, for it was taken."""
    service = house(store, clock, per_number=Limit(2, HOUR))
    start = clock.now()
    service.cancel(service.request("support", number=ANN).callback_id)
    clock.advance(MINUTE)
    service.cancel(service.request("support", number=ANN).callback_id)
    told = refusal(lambda: service.request("support", number="(212) 555-0101"))
    assert (told.limit, told.again_at) == ("per_number", start + HOUR)
    service.request("sales", number=ANN)
    clock.move_to(told.again_at)
    service.request("support", number=ANN)


def test_what_was_asked_before_has_its_receipt(store: Store, clock: ManualClock) -> None:
    """The same request key is no new request, whatever is exhausted."""
    service = house(store, clock, in_queue=Limit(1, HOUR))
    first = service.request("support", number=ANN, request_key="once")
    assert refusal(lambda: service.request("support", number=BOB, request_key="twice")).limit == "in_queue"
    assert refusal(lambda: service.request("support", number=BOB)).limit == "in_queue"
    assert service.request("support", number=ANN, request_key="once") == first


def test_duplicates_are_not_counted(store: Store, clock: ManualClock) -> None:
    """They are refused: whoever asks ten times has one callback, and one of two requests left."""
    service = house(store, clock, per_number=Limit(2, HOUR))
    made = service.request("support", number=ANN)
    for _ in range(10):
        with pytest.raises(DuplicateCallback):
            service.request("support", number=ANN)
    service.cancel(made.callback_id)
    service.request("support", number=ANN)


def test_sources_are_limited(store: Store, clock: ManualClock) -> None:
    """One address asks for many numbers; another one is free to."""
    service = house(store, clock, per_source=Limit(1, HOUR))
    service.request("support", number=ANN, source=HERE)
    assert refusal(lambda: service.request("support", number=BOB, source=HERE)).limit == "per_source"
    service.request("support", number=BOB, source=THERE)


def test_limit_in_all_is_over_all_queues(store: Store, clock: ManualClock) -> None:
    """It is the service's, and names itself."""
    service = house(store, clock, all_limits=(Limit(1, HOUR),))
    service.request("sales", number=ANN)
    assert refusal(lambda: service.request("support", number=BOB)).limit == "in_all"


def test_limits_hold_within_one_transaction(store: Store, clock: ManualClock) -> None:
    """Many of one event are promised together: those before the limit are, and the others are told."""
    service = house(store, clock, in_queue=Limit(2, HOUR))
    people = [Person(number=f"+1212555010{number}") for number in range(4)]
    answer = service.request_many("support", people=people, event_key="outage")
    assert len(answer.receipts) == 2
    assert [type(error) for error in answer.refused.values()] == [TooManyRequests, TooManyRequests]
    again = service.request_many("support", people=people, event_key="outage")
    assert again.receipts == answer.receipts


def test_who_proves_nothing_is_not_counted(store: Store, clock: ManualClock) -> None:
    """Though others of the same transaction are."""
    queue = QueuePolicy(
        queue=SUPPORT,
        calling=None,
        limits=RequestLimits(in_queue=Limit(1, HOUR)),
        verify=Verify(channels={Channel.EVENT}),
    )
    service = CallbackService(store, [queue], clock=clock)
    answer = service.request_many("support", people=[Person(number=ANN)], event_key="outage")
    assert [type(error) for error in answer.refused.values()] == [NotVerified]
    assert tallies(service, ["queue/support"]) == {}


# ---------------------------------------------------------------------------- many at once


def test_many_at_once_get_what_there_is(store: Store, clock: ManualClock) -> None:
    """Thirty-two threads, a limit of five: five are counted, and all others are told when to come again."""
    service = house(store, clock)
    limits, together = RequestLimits(in_queue=Limit(5, HOUR)), Barrier(THREADS)
    outcomes: Counter[str] = Counter()

    def ask(who: int) -> None:
        together.wait()
        while True:
            try:
                took(service, number=f"+1212555{1000 + who}", limits=limits, all_limits=(Limit(9, HOUR),))
            except Conflict:
                continue
            except TooManyRequests as told:
                outcomes[f"{told.limit} {told.again_at - clock.now()}"] += 1
            else:
                outcomes["counted"] += 1
            return

    threads = [Thread(target=ask, args=(who,)) for who in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == {"counted": 5, "in_queue 1:00:00": THREADS - 5}
    assert {key: sum(one.weights) for key, one in tallies(service, ["queue/support", "all"]).items()} == {
        "queue/support": 5,
        "all": 5,
    }


# ---------------------------------------------------------------------------- a flood

ONE = LimitKey("per_number", "number/support/x", (Limit(1, HOUR),))
QUEUE = LimitKey("in_queue", "queue/support", (Limit(1, HOUR),))


def flooded(flood: Flood, key: LimitKey, *, now: datetime, until: datetime) -> None:
    """Let one request be refused."""
    with pytest.raises(TooManyRequests), flood.watch([ONE, QUEUE, key], now=now):
        raise TooManyRequests(key.name, until)


def test_flood_does_not_reach_the_store(store: Store, clock: ManualClock) -> None:
    """Once a counter is exhausted nobody writes until its time has come; a request with a key is looked for first."""
    counting = CountingStore(store)
    service = house(cast("Store", counting), clock, in_queue=Limit(1, HOUR))
    service.request("support", number=ANN)
    first = refusal(lambda: service.request("support", number=BOB))
    before = counting.done["transactions"]
    for who in range(100):
        told = refusal(lambda who=who: service.request("support", number=f"+1212555{1000 + who}"))
        assert (told.limit, told.again_at) == (first.limit, first.again_at)
    assert counting.done["transactions"] == before
    keyed = [
        refusal(lambda n=n: service.request("support", number=BOB, request_key=str(n))) for n in range(9)
    ]
    assert {told.again_at for told in keyed} == {first.again_at}
    assert counting.done["transactions"] == before + 9
    assert counting.done["read_only"] == 9
    clock.move_to(first.again_at)
    service.request("support", number=BOB)


def test_flood_knows_the_counter_that_was_exhausted(clock: ManualClock) -> None:
    """And no other one; of two it tells the later."""
    flood, now = Flood(), clock.now()
    assert flood.refusal([ONE, QUEUE], now=now) is None
    flooded(flood, QUEUE, now=now, until=now + MINUTE)
    assert flood.refusal([ONE], now=now) is None
    flooded(flood, ONE, now=now, until=now + HOUR)
    for keys in ([ONE, QUEUE], [QUEUE, ONE]):
        told = flood.refusal(keys, now=now)
        assert told is not None
        assert (told.limit, told.again_at) == ("per_number", now + HOUR)
    assert flood.refusal([QUEUE], now=now + MINUTE) is None


def test_flood_asks_the_store_where_a_clock_went_back(clock: ManualClock) -> None:
    """What was refused by a clock that was years ahead is forgotten with it."""
    flood, now = Flood(), clock.now()
    flooded(flood, ONE, now=now, until=now + HOUR)
    assert flood.refusal([ONE], now=now - timedelta(microseconds=1)) is None
    assert flood.refusal([ONE], now=now) is not None


def test_flood_forgets_the_oldest(clock: ManualClock) -> None:
    """It is bounded; a counter that was refused again is new."""
    flood, now = Flood(keys_max=2), clock.now()
    keys = [LimitKey("per_number", f"number/support/{name}", (Limit(1, HOUR),)) for name in "abc"]
    for number in (0, 1, 0, 2):
        with pytest.raises(TooManyRequests), flood.watch([keys[number]], now=now):
            raise TooManyRequests("per_number", now + HOUR)
    assert [flood.refusal([key], now=now) is not None for key in keys] == [True, False, True]


def test_flood_may_be_shared(clock: ManualClock) -> None:
    """Between threads that fill and empty it."""
    flood, now, together = Flood(keys_max=8), clock.now(), Barrier(8)
    failed: list[BaseException] = []

    def work(who: int) -> None:
        together.wait()
        try:
            for number in range(2_000):
                key = LimitKey("per_number", f"number/support/{(who * 7 + number) % 24}", (Limit(1, HOUR),))
                flooded(flood, key, now=now, until=now + HOUR)
                flood.refusal([key], now=now)
        except Exception as error:
            failed.append(error)

    threads = [Thread(target=work, args=(who,)) for who in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(flood._until) == 8

"""Figures of what the service did: by rows, by history and as it happens, they are the same."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callbackq import (
    AttemptState,
    CallHasEnded,
    Commit,
    InvalidText,
    InvalidTime,
    MemoryStore,
    QueuePolicy,
    Store,
    Transaction,
)
from callbackq.core.metrics import LiveFigures, Stretch
from callbackq.core.metrics.counts import gist_of_call, gist_of_callback
from callbackq.model.figures import S2_HOST, FiguresReport, Grain
from callbackq.ports.figures import CanGiveGists
from callbackq.service import CallbackService
from callbackq.service.figures import FACTS_TOGETHER
from callbackq.testing import ManualClock
from callbackq.testing.builders import make_attempt, make_call, make_callback
from callbackq.testing.clock import START
from core.samples import LAW
from service.figure_days import Day

DAY = timedelta(days=1)
FROM, UNTIL = START.replace(hour=0) - DAY, START.replace(hour=0) + 9 * DAY
FEW = settings(LAW, max_examples=8)


WANTED = (
    "inbound_calls",
    "callbacks",
    "accepted",
    "scheduled",
    "abandoned_calls",
    "merged",
    "unreached",
    "cancelled",
    "served_elsewhere",
    "csat",
)
"""Of what there has to be something in a day that is to tell anything."""


class WithoutFacts:
    """A store whose transactions give no facts, as one of a host's own may be."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.pepper = store.pepper

    def transaction(self, tenant_id: Any, *, commit: Commit) -> AbstractContextManager[Any]:
        return self._transaction(tenant_id, commit)

    @contextmanager
    def _transaction(self, tenant_id: Any, commit: Commit) -> Iterator[Any]:
        with self._store.transaction(tenant_id, commit=commit) as tx:
            yield _Narrow(tx)


class _Narrow:
    """A transaction with its history alone."""

    def __init__(self, tx: Transaction) -> None:
        self.history = tx.history


def by_history(day: Day, store: Store, **asked: Any) -> FiguresReport:
    """Return the figures as a store without facts gives them."""
    narrow: Any = WithoutFacts(store)
    service = CallbackService(narrow, day.service.policies.values(), clock=day.host.clock)
    return service.figures(**asked)


def as_it_happened(live: LiveFigures, report: FiguresReport) -> FiguresReport:
    """Return the same report out of figures that went along."""
    stretch = Stretch(
        tenant_id=report.tenant_id,
        from_at=report.from_at,
        until_at=report.until_at,
        made_at=report.made_at,
        grain=report.grain,
        queues=tuple(one.queue for one in report.queues if one.queue is not None),
    )
    return live.report(stretch, host=S2_HOST)


def shares_of(report: FiguresReport) -> Iterator[float]:
    parts = [report.whole, *report.periods, *report.queues, *report.channels]
    for part in parts:
        for figure in part.figures:
            if figure.unit == "ratio" and figure.value is not None:
                yield figure.value


# ---------------------------------------------------------------------------- one truth


@FEW
@given(seed=st.integers(0, 2**32), grain=st.sampled_from(Grain))
def test_incremental_figures_are_those_from_scratch(seed: int, grain: Grain) -> None:
    """For any history: heard as it happened, read from history in two goes, folded from history, and read from rows."""
    store = MemoryStore()
    heard = Day(MemoryStore(), seed=0).service.live_figures()
    day = Day(store, seed=seed, listeners=(heard,))
    fed = day.service.live_figures()
    day.go_on(12)
    last = day.service.feed_figures(fed)
    day.go_on(12)
    assert day.service.feed_figures(fed, after=last) > last
    asked: dict[str, Any] = {"from_at": FROM, "until_at": UNTIL, "grain": grain, "host": S2_HOST}
    report = day.service.figures(**asked)
    assert by_history(day, store, **asked) == report
    assert as_it_happened(heard, report) == report
    assert as_it_happened(fed, report) == report
    assert all(0 <= share <= 1 for share in shares_of(report))
    assert report.calls_count + report.callbacks_count > 0


def test_the_same_day_has_the_same_figures_on_every_store(store: Store) -> None:
    """And rows are the history: with bookings, merges, moves, retries, abandons and scores in it."""
    day = Day(store, seed=39)
    day.go_on(60)
    asked: dict[str, Any] = {"from_at": FROM, "until_at": UNTIL, "grain": Grain.HOUR, "host": S2_HOST}
    report = day.service.figures(**asked)
    assert by_history(day, store, **asked) == report
    beside = Day(MemoryStore(), seed=39)
    beside.go_on(60)
    assert beside.service.figures(**asked) == report
    counted = {one.name: one.value or 0 for one in report.whole.figures}
    for name in WANTED:
        assert counted[name] > 0, name
    assert counted["attempts"] > counted["executed"]


# ---------------------------------------------------------------------------- reading


def save(store: Store, *records: Any) -> None:
    with store.transaction("default", commit=Commit.FLUSHED) as tx:  # type: ignore[arg-type]
        for record in records:
            tx.save(record)


def read(store: Store, kind: str, **asked: Any) -> list[Any]:
    with store.transaction("default", commit=Commit.READ_ONLY) as tx:  # type: ignore[arg-type]
        facts: Any = tx
        found: list[Any] = getattr(facts.facts, kind)("support", **asked)
        return found


def test_facts_come_page_by_page_in_their_order(store: Store) -> None:
    """By moment, then by id; who stands on the end of the stretch is not in it, who stands on its beginning is."""
    moments = {"a": 0, "b": 0, "c": 1, "d": 2, "e": 3}
    for name, minute in moments.items():
        at = START + timedelta(minutes=minute)
        save(store, make_call(name, entered_at=at, place_id=name))
        save(store, make_callback(f"cb_{name}", requested_at=at, place_id=f"p{name}"))
    save(store, make_call("x", queue="billing", entered_at=START))
    stretch = {"from_at": START, "until_at": START + timedelta(minutes=3)}
    first = read(store, "calls", **stretch, limit=3)
    assert [one.call_id for one in first] == ["a", "b", "c"]
    rest = read(store, "calls", **stretch, after=(first[1].entered_at, "b"), limit=9)
    assert [one.call_id for one in rest] == ["c", "d"]
    callbacks = read(store, "callbacks", **stretch, limit=9)
    assert [one.callback_id for one in callbacks] == ["cb_a", "cb_b", "cb_c", "cb_d"]
    after = (callbacks[-1].requested_at, callbacks[-1].callback_id)
    assert read(store, "callbacks", **stretch, after=after, limit=9) == []
    with store.transaction("default", commit=Commit.READ_ONLY) as tx:  # type: ignore[arg-type]
        facts: Any = tx
        assert facts.facts.queues() == ["billing", "support"]
        assert facts.facts.count("support", **stretch) == 8
        assert facts.facts.count("nowhere", **stretch) == 0


def test_what_is_given_bare_is_what_the_facts_hold(store: Store) -> None:
    """By every store that gives it: in the same order, page by page."""
    day = Day(store, seed=39)
    day.go_on(40)
    with store.transaction("default", commit=Commit.READ_ONLY) as tx:  # type: ignore[arg-type]
        transaction: Any = tx
        table = transaction.facts
        assert isinstance(table, CanGiveGists) != isinstance(store, MemoryStore)
        for queue in table.queues() if isinstance(table, CanGiveGists) else ():
            asked = {"from_at": FROM, "until_at": UNTIL, "limit": 7}
            after = None
            while calls := table.calls(queue, **asked, after=after):
                assert table.call_gists(queue, **asked, after=after) == [gist_of_call(one) for one in calls]
                after = (calls[-1].entered_at, calls[-1].call_id)
            after = None
            while some := table.callbacks(queue, **asked, after=after):
                assert table.callback_gists(queue, **asked, after=after) == [
                    gist_of_callback(one) for one in some
                ]
                after = (some[-1].requested_at, some[-1].callback_id)


def test_facts_of_a_callback_have_its_attempts_in_order(store: Store) -> None:
    """By their start, whatever their ids; and no attempt of another callback."""
    minute = timedelta(minutes=1)
    save(store, make_callback("cb_1"), make_callback("cb_2", place_id="p2"))
    for number, (callback_id, at) in enumerate([("cb_1", 2), ("cb_2", 0), ("cb_1", 1)]):
        attempt = make_attempt(
            f"at_{number}",
            callback_id=callback_id,
            state=AttemptState.ENDED,
            number_key=f"key {number}",
            agent_leg_id=f"a{number}",
            customer_leg_id=f"c{number}",
            started_at=START + at * minute,
        )
        save(store, attempt)
    stretch = {"from_at": START - DAY, "until_at": START + DAY}
    one, two = read(store, "callbacks", **stretch, limit=2)
    assert [attempt.attempt_id for attempt in one.attempts] == ["at_2", "at_0"]
    assert [attempt.attempt_id for attempt in two.attempts] == ["at_1"]


def test_other_tenants_are_not_counted(store: Store) -> None:
    """A service reports on its own."""
    clock, policy = ManualClock(), [QueuePolicy(queue="support", calling=None)]
    mine = CallbackService(store, policy, clock=clock)
    other = CallbackService(store, policy, clock=clock, tenant_id="other")
    other.call_joined("support", call_id="call-1")
    assert mine.figures(from_at=FROM, until_at=UNTIL).calls_count == 0
    assert other.figures(from_at=FROM, until_at=UNTIL).calls_count == 1


# ---------------------------------------------------------------------------- what is asked for


def many_calls(count: int) -> MemoryStore:
    store = MemoryStore()
    save(store, *(make_call(f"call-{number}", place_id=f"p{number}") for number in range(count)))
    return store


def test_progress_is_told_after_each_page() -> None:
    """How many were counted, and how many there are; without facts nobody knows how many."""
    store = many_calls(FACTS_TOGETHER + 1)
    service = CallbackService(store, [QueuePolicy(queue="support")], clock=ManualClock())
    told: list[tuple[int, int]] = []
    service.figures(from_at=FROM, until_at=UNTIL, progress=lambda done, total: told.append((done, total)))
    total = FACTS_TOGETHER + 1
    assert told == [(FACTS_TOGETHER, total), (total, total)]


def test_parts_that_lie_side_by_side_make_up_the_report() -> None:
    """Wherever they meet, and whoever counted them; how many there are is known before."""
    store = MemoryStore()
    day = Day(store, seed=39)
    day.go_on(30)
    asked: dict[str, Any] = {"grain": Grain.HOUR, "host": S2_HOST}
    report = day.service.figures(from_at=FROM, until_at=UNTIL, **asked)
    cuts = [FROM, START + timedelta(minutes=7, microseconds=1), START + timedelta(minutes=61), UNTIL]
    parts = [{"from_at": one, "until_at": other} for one, other in pairwise(cuts)]
    counted = [day.service.figure_counts(**part) for part in parts]
    assert day.service.figures(from_at=FROM, until_at=UNTIL, counted=counted, **asked) == report
    known = [day.service.stories_count(**part) or 0 for part in parts]
    assert sum(known) == day.service.stories_count(from_at=FROM, until_at=UNTIL) > max(known)
    some = {**parts[1], "queues": ["nowhere"]}
    assert (day.service.stories_count(**some), day.service.figure_counts(**some)) == (0, [])
    narrow: Any = WithoutFacts(store)
    folded = CallbackService(narrow, day.service.policies.values(), clock=day.host.clock)
    assert folded.stories_count(**parts[1]) is None
    again = [counted[0], folded.figure_counts(**parts[1]), counted[2]]
    assert day.service.figures(from_at=FROM, until_at=UNTIL, counted=again, **asked) == report


def test_only_the_queues_that_are_asked_for_are_counted() -> None:
    """A queue that is no longer configured counts like any other, in UTC; one that is asked for is shown empty too."""
    store = MemoryStore()
    save(store, make_call("call-1", queue="gone"), make_call("call-2", place_id="p2"))
    service = CallbackService(
        store, [QueuePolicy(queue="support"), QueuePolicy(queue="vip")], clock=ManualClock()
    )
    both = service.figures(from_at=FROM, until_at=UNTIL)
    assert [one.label for one in both.queues] == ["gone", "support", "vip"]
    assert both.zone == "UTC"
    one = service.figures(from_at=FROM, until_at=UNTIL, queues=["gone", "empty"])
    assert [part.label for part in one.queues] == ["empty", "gone"]
    assert one.calls_count == 1
    narrow: Any = WithoutFacts(store)
    folded = CallbackService(narrow, [QueuePolicy(queue="support")], clock=ManualClock())
    assert (
        folded.figures(from_at=FROM, until_at=UNTIL, queues=["gone"]).calls_count == 0
    )  # It has no history.


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"from_at": UNTIL, "until_at": UNTIL}, InvalidTime),
        ({"from_at": FROM.replace(tzinfo=None), "until_at": UNTIL}, InvalidTime),
        ({"from_at": FROM, "until_at": FROM.replace(tzinfo=None)}, InvalidTime),
        ({"from_at": FROM, "until_at": UNTIL, "queues": [""]}, InvalidText),
    ],
)
def test_what_is_no_stretch_is_refused(asked: dict[str, Any], error: type[Exception]) -> None:
    """Before anything is read."""
    service = CallbackService(MemoryStore(), [QueuePolicy(queue="support")], clock=ManualClock())
    with pytest.raises(error):
        service.figures_in_steps(**asked)


def test_a_listener_that_hears_the_same_again_counts_it_once() -> None:
    """As after a page of history that was read twice."""
    day = Day(MemoryStore(), seed=1)
    day.go_on(10)
    live = day.service.live_figures()
    last = day.service.feed_figures(live)
    before = dict(live.cells.as_mapping())
    assert day.service.feed_figures(live) == last
    assert live.cells.as_mapping() == before


def test_figures_that_listen_are_right_with_many_threads() -> None:
    """Each tells of its own commits, whenever it comes to it."""
    store = MemoryStore()
    policy = [QueuePolicy(queue="support", calling=None)]
    live = CallbackService(store, policy, clock=ManualClock()).live_figures()
    service = CallbackService(store, policy, clock=ManualClock(), listeners=(live,))

    def calls(_thread: int) -> None:
        for number in range(10):
            with suppress(CallHasEnded):
                service.call_joined("support", call_id=f"call-{number}")
            service.call_left(f"call-{number}")
            service.request("support", number=f"+121255501{number:02}", request_key=f"key {number}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(calls, range(4)))
    report = service.figures(from_at=FROM, until_at=UNTIL, host=S2_HOST)
    assert as_it_happened(live, report) == report
    assert (report.calls_count, report.callbacks_count, live.unknown_count) == (10, 10, 0)


def test_the_last_thing_that_began_is_found(store: Store) -> None:
    """Whether it is open, over, or a callback; None where nothing ever was."""
    service = CallbackService(store, [QueuePolicy(queue="support")], clock=ManualClock())
    assert service.last_began_at() is None
    save(store, make_call("call-1", entered_at=START))
    assert service.last_began_at() == START
    save(store, make_callback("cb_1", queue="gone", requested_at=START + DAY))
    assert service.last_began_at() == START + DAY

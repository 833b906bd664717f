"""Reports that have piled up: taken together they come to the same as one by one, and none spoils another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest

from callbackq import (
    DEFAULT_TENANT,
    AnsweredBy,
    AsyncRunner,
    AttemptNotFound,
    CallbackService,
    Cause,
    Commit,
    CommitUncertain,
    Conflict,
    Dial,
    Dispatcher,
    Driver,
    Effect,
    HangUp,
    LegId,
    MemoryStore,
    QueuePolicy,
    Report,
    Reported,
    ReportKind,
    Store,
    StoreUnavailable,
    ThreadRunner,
)
from callbackq.aio import AsyncCallbackService
from callbackq.core import attempt
from callbackq.errors import InvalidText
from callbackq.runners.piling import Pile
from callbackq.testing import ManualClock, SequentialIds

PEOPLE = 5


class Center:
    """A queue in which some people wait, and as many agents are free; all by one clock and one row of ids."""

    def __init__(self, store: Any, *, people: int = PEOPLE) -> None:
        self.store = store
        policy = QueuePolicy(queue="support", calling=None)
        self.service = CallbackService(store, [policy], clock=ManualClock(), ids=SequentialIds())
        self.dispatcher = Dispatcher(self.service, node_id="node")
        for number in range(people):
            self.service.request("support", number=f"+1212555{number:04d}")
            self.service.agent_available(f"agent_{number}", queues=["support"])

    def begin(self) -> list[LegId]:
        """Give everybody an agent; return the legs of the agents."""
        effects = self.dispatcher.step(self.service.now())
        return [effect.leg_id for effect in effects if isinstance(effect, Dial)]

    def history(self) -> list[Any]:
        """What happened, with its place in its chain."""
        with self.store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
            return [(link.event, link.digest) for link in tx.history.links(limit=10_000)]


class Between:
    """A store whose transactions are counted, and may fail as they end."""

    def __init__(self, behind: Store) -> None:
        self.behind = behind
        self.commits: list[Commit] = []
        self.errors: list[Exception | None] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.behind, name)

    @contextmanager
    def transaction(self, tenant_id: Any, *, commit: Commit) -> Generator[Any]:
        with self.behind.transaction(tenant_id, commit=commit) as tx:
            self.commits.append(commit)
            yield tx
            error = self.errors.pop(0) if self.errors else None
            if error is not None:
                raise error


def answered(leg_id: str) -> Report:
    return Report(leg_id=LegId(leg_id), kind=ReportKind.ANSWERED, answered_by=AnsweredBy.HUMAN)


def said_at_random(random: Random, legs: Sequence[LegId]) -> list[Report]:
    """Return what a telephony might say of these legs, in any order, twice, or of a leg that is none."""
    kinds = [kind for kind in ReportKind if kind is not ReportKind.DIGIT]
    return [
        Report(
            leg_id=random.choice([*legs, LegId("leg_of_nobody")]),
            kind=random.choice([*kinds, ReportKind.ANSWERED, ReportKind.ANSWERED, ReportKind.BRIDGED]),
            answered_by=random.choice((AnsweredBy.HUMAN, AnsweredBy.UNKNOWN)),
            cause=random.choice((Cause.NORMAL, Cause.NO_ANSWER, Cause.BUSY)),
        )
        for _ in range(random.randint(2, 9))
    ]


def legs_of(outcomes: Sequence[Any]) -> list[LegId]:
    """Return the legs that are to be dialed."""
    effects: list[Effect] = [
        effect for one in outcomes if isinstance(one, Reported) for effect in one.effects
    ]
    return [effect.leg_id for effect in effects if isinstance(effect, Dial)]


def one_by_one(service: CallbackService, reports: Sequence[Report]) -> list[Any]:
    outcomes: list[Any] = []
    for report in reports:
        try:
            outcomes.append(service.report(report))
        except AttemptNotFound as error:
            outcomes.append(error)
    return outcomes


def same(outcome: Any) -> Any:
    """Errors are the same if they say the same."""
    return (type(outcome), str(outcome)) if isinstance(outcome, Exception) else outcome


@pytest.mark.parametrize("seed", range(6))
def test_together_comes_to_the_same_as_one_by_one(store: Store, seed: int) -> None:
    """Whatever is reported, in whatever order: the same answers, rows, history and chains."""
    random = Random(seed)
    with_others, alone = Center(store), Center(MemoryStore(pepper=store.pepper))
    legs = with_others.begin()
    assert legs == alone.begin()
    for _ in range(12):
        reports = said_at_random(random, legs)
        together = with_others.service.report_all(reports)
        singly = one_by_one(alone.service, reports)
        assert [same(one) for one in together] == [same(one) for one in singly]
        legs += legs_of(singly)
    assert with_others.history() == alone.history()
    assert any(event.kind == "attempt_ended" for event, _ in alone.history())
    assert with_others.service.verify_history().is_whole


def test_what_has_piled_up_waits_for_one_flush(store: Store) -> None:
    """Five agents answer at once: one flushed transaction, and none where nothing was said."""
    between = Between(store)
    center = Center(between)
    legs = center.begin()
    between.commits.clear()
    outcomes = center.service.report_all([answered(leg) for leg in legs])
    assert len(legs_of(outcomes)) == PEOPLE
    assert between.commits == [Commit.FLUSHED]
    assert center.service.report_all([]) == ()
    ringing = [Report(leg_id=leg, kind=ReportKind.RINGING) for leg in legs_of(outcomes)]
    center.service.report_all(ringing)
    assert between.commits == [Commit.FLUSHED, Commit.RELAXED]


def test_more_than_share_one_transaction_are_taken_in_several() -> None:
    """Of a hundred the first need not wait for the last."""
    between = Between(MemoryStore())
    center = Center(between, people=100)
    legs = center.begin()
    between.commits.clear()
    assert len(legs_of(center.service.report_all([answered(leg) for leg in legs]))) == 100
    assert between.commits == [Commit.FLUSHED] * 2


def test_a_report_that_cannot_be_taken_spoils_no_other(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A leg of nobody, a leg that is no text, and a rule that fails: each is told of its own."""
    center = Center(store)
    legs = center.begin()
    apply = attempt.report

    def report(of: Any, said: Report, context: Any) -> Any:
        if said.leg_id == legs[1]:
            raise ZeroDivisionError
        return apply(of, said, context)

    monkeypatch.setattr(attempt, "report", report)
    reports = [answered(leg) for leg in (*legs, "leg_of_nobody", "")]
    outcomes = center.service.report_all(reports)
    names = [type(outcome) for outcome in outcomes]
    assert names == [Reported, ZeroDivisionError, Reported, Reported, Reported, AttemptNotFound, InvalidText]
    assert len(legs_of(outcomes)) == PEOPLE - 1


def test_who_was_second_is_tried_again_and_the_others_are_taken(store: Store) -> None:
    """A conflict undoes the transaction that they share: then each has one of its own."""
    between = Between(store)
    center = Center(between)
    legs = center.begin()
    between.errors = [Conflict(), Conflict()]
    outcomes = center.service.report_all([answered(leg) for leg in legs])
    assert len(legs_of(outcomes)) == PEOPLE
    assert all(isinstance(one, Reported) and one.changed for one in outcomes)


def test_a_commit_of_which_nobody_knows_is_told_to_all(store: Store) -> None:
    """Each has an error of its own, and none is given again: its effects may be under way."""
    between = Between(store)
    center = Center(between)
    legs = center.begin()
    between.commits.clear()
    between.errors = [CommitUncertain("lost")]
    outcomes = center.service.report_all([answered(leg) for leg in legs])
    assert [type(one) for one in outcomes] == [CommitUncertain] * PEOPLE
    assert len(set(map(id, outcomes))) == PEOPLE
    assert len(between.commits) == 1


def test_a_store_that_is_gone_is_not_asked_for_each(store: Store) -> None:
    """Twice in a row is enough; one that fails alone, as for a row that somebody keeps, is told alone."""
    between = Between(store)
    center = Center(between)
    legs = center.begin()
    reports = [answered(leg) for leg in legs]
    between.commits.clear()
    between.errors = [StoreUnavailable("gone"), StoreUnavailable("one"), StoreUnavailable("two")]
    outcomes = center.service.report_all(reports)
    assert [str(one) for one in outcomes] == ["one", "two", "two", "two", "two"]
    assert len(between.commits) == 3
    between.errors = [StoreUnavailable("gone"), None, StoreUnavailable("kept")]
    outcomes = center.service.report_all(reports)
    assert [type(one) for one in outcomes] == [Reported, StoreUnavailable, Reported, Reported, Reported]


def test_a_driver_performs_what_all_of_them_ask_for(store: Store) -> None:
    """In order, when all are taken."""
    center = Center(store)
    phones = Phones()
    driver = Driver(center.service, center.dispatcher, phones)
    legs = center.begin()
    reports = [answered(legs[0]), answered("leg_of_nobody"), answered(legs[1])]
    outcomes = driver.report_all(reports)
    assert [type(one) for one in outcomes] == [Reported, AttemptNotFound, Reported]
    assert phones.dialed == legs_of(outcomes)


# ---------------------------------------------------------------------------- runners


class Phones:
    """A telephony that notes who is dialed."""

    def __init__(self) -> None:
        self.dialed: list[str] = []
        self.changed = threading.Condition()

    def dial(self, order: Dial) -> None:
        with self.changed:
            self.dialed.append(order.leg_id)
            self.changed.notify_all()

    def hang_up(self, order: HangUp) -> None:
        """Do nothing."""

    def __getattr__(self, name: str) -> Callable[[Any], None]:
        if name not in {"bridge", "play", "stop_play", "send_digits", "connect_call"}:
            raise AttributeError(name)
        return lambda _order: None


class Gate:
    """Holds the first transaction of a thread of reports until it is let go."""

    def __init__(self, between: Between) -> None:
        self.reached, self.open = threading.Event(), threading.Event()
        self._between = between
        self._transaction = between.transaction
        between.transaction = self.transaction  # type: ignore[method-assign]

    @contextmanager
    def transaction(self, tenant_id: Any, *, commit: Commit) -> Generator[Any]:
        if commit is Commit.FLUSHED and not self.reached.is_set():
            self.reached.set()
            assert self.open.wait(30)
        with self._transaction(tenant_id, commit=commit) as tx:
            yield tx


def piled_up(pile: Pile, *, count: int) -> None:
    """Wait until so many reports lie on the pile."""
    while len(pile._waiting) < count:
        threading.Event().wait(0.001)


def test_reports_of_several_threads_pile_up_and_share_the_next_transaction(store: Store) -> None:
    """The first is taken alone, at once; the four that come meanwhile are taken together."""
    between = Between(store)
    center = Center(between)
    legs = center.begin()
    runner = ThreadRunner(center.service, Phones(), lease=None)
    gate = Gate(between)
    between.commits.clear()
    outcomes: dict[str, Reported] = {}

    def tell(leg: str) -> None:
        outcomes[leg] = runner.report(answered(leg))

    threads = [threading.Thread(target=tell, args=(leg,)) for leg in legs]
    threads[0].start()
    assert gate.reached.wait(30)
    for thread in threads[1:]:
        thread.start()
    piled_up(runner._pile, count=PEOPLE - 1)
    gate.open.set()
    for thread in threads:
        thread.join(30)
    assert len(legs_of(list(outcomes.values()))) == PEOPLE
    assert between.commits.count(Commit.FLUSHED) == 2


def test_a_thread_that_reports_what_is_nobodys_is_told_so(store: Store) -> None:
    """The error is raised in the thread that it concerns."""
    center = Center(store)
    runner = ThreadRunner(center.service, Phones(), lease=None)
    with pytest.raises(AttemptNotFound):
        runner.report(answered("leg_of_nobody"))
    legs = center.begin()
    outcomes = runner.report_all([answered("leg_of_nobody"), answered(legs[0])])
    assert [type(one) for one in outcomes] == [AttemptNotFound, Reported]


def test_reports_that_are_awaited_together_share_a_transaction(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the thread of an event loop takes the first; and what another thread tells is performed as well."""
    between = Between(store)
    center = Center(between)
    phones = Phones()
    take, counts = center.service.report_all, list[int]()

    def counted(reports: Sequence[Report]) -> Any:
        counts.append(len(reports))
        return take(reports)

    monkeypatch.setattr(center.service, "report_all", counted)

    async def work() -> list[Any]:
        async with AsyncCallbackService(center.service) as service:
            runner = AsyncRunner(service, phones, lease=None)
            await runner.start()
            assert await asyncio.to_thread(_came, phones, PEOPLE)
            agents = list(phones.dialed)
            gate = Gate(between)
            telling = [asyncio.ensure_future(runner.report(answered(leg))) for leg in agents[1:]]
            assert await asyncio.to_thread(gate.reached.wait, 30)
            gate.open.set()
            outcomes = await asyncio.gather(*telling)
            assert sum(counts) == PEOPLE - 1
            assert len(counts) <= 2
            last = await asyncio.to_thread(runner.report_from_thread, answered(agents[0]))
            assert await asyncio.to_thread(_came, phones, 2 * PEOPLE)
            await runner.stop()
            return [*outcomes, last]

    outcomes = asyncio.run(work())
    assert len(legs_of(outcomes)) == PEOPLE
    assert sorted(phones.dialed[PEOPLE:]) == sorted(legs_of(outcomes))


def _came(phones: Phones, count: int) -> bool:
    with phones.changed:
        return phones.changed.wait_for(lambda: len(phones.dialed) >= count, timeout=30)


class Failing:
    """A service that takes no reports."""

    def __init__(self, error: BaseException) -> None:
        self.error: BaseException | None = error
        self.asked: list[int] = []

    def report_all(self, reports: Sequence[Report]) -> tuple[str, ...]:
        self.asked.append(len(reports))
        if self.error is not None:
            raise self.error
        return ("taken",) * len(reports)


def test_who_is_interrupted_leaves_the_others_on_the_pile() -> None:
    """They are taken by whoever waits for them. Any other error is told to all."""
    failing = Failing(KeyboardInterrupt())
    pile = Pile(failing)  # type: ignore[arg-type]
    first, second, third, gone = (pile.add(answered(f"leg_{number}")) for number in range(4))
    gone.withdraw()
    with pytest.raises(KeyboardInterrupt):
        first.taken()
    assert not second.is_taken
    failing.error = None
    pile.add(answered("leg_4"))
    with pytest.raises(RuntimeError, match="withdrawn"):
        gone.taken()
    outcomes: list[Any] = [second.taken(), third.taken()]
    assert outcomes == ["taken"] * 2
    assert failing.asked == [3, 3]
    third.withdraw()
    failing.error = ZeroDivisionError()
    one, other = (pile.add(answered(f"leg_{number}")) for number in range(2))
    for each in (one, other):
        with pytest.raises(ZeroDivisionError):
            each.taken()
    assert failing.asked == [3, 3, 2]

"""Who keeps no contract: each does one thing wrong, and is found out by the test that is about it."""

from __future__ import annotations

import inspect
import itertools
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from time import sleep
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from callbackq import (
    MemoryStore,
    Opening,
    QueuePolicy,
    SystemClock,
    TicketOrder,
    Wait,
)
from callbackq.effects import Notice
from callbackq.errors import MessageRefused
from callbackq.model import NoticeKind, Purpose
from callbackq.system import RandomIds
from callbackq.testing import (
    ManualClock,
    SequentialIds,
)
from callbackq.testing.contracts import (
    ClockContract,
    CodeRefusalContract,
    CodeSenderContract,
    DoNotCallContract,
    EstimatorContract,
    FactsContract,
    HoursContract,
    IdSourceContract,
    ListenerContract,
    ManyNodesIdsContract,
    NoticesContract,
    SlotCapacityContract,
    TicketsAgainContract,
    TicketsContract,
)
from callbackq.testing.host_contract.people import LISTED
from callbackq.times import PolicyHours
from testing.host_ends import (
    BEFORE_THE_CHANGE,
    FakeCodeEnd,
    FakeNoticeEnd,
    KeyedDesk,
    KeyedTickets,
    MessageEnd,
    week,
)


class Wrong:
    """One who does right, with one thing done wrong: a method that is given the right one first."""

    def __init__(self, right: Any, **changed: Callable[..., Any]) -> None:
        for name in dir(right):
            if not name.startswith("_"):
                setattr(self, name, getattr(right, name))
        for name, change in changed.items():
            setattr(self, name, partial(change, getattr(right, name)))


def right_hours() -> Any:
    return PolicyHours({"support": QueuePolicy(queue="support", hours=week())})


def right_wait() -> Wait:
    return Wait(mean_s=60.0, low_s=20.0, high_s=180.0, estimator="fake")


class Unsafe:
    """Counts as it should not be done: reads, lets others in, and writes."""

    def __init__(self) -> None:
        self.count = 0

    def new(self, prefix: str, *, now: datetime) -> str:
        count = self.count + 1
        sleep(0)
        if count % 50 == 0:
            sleep(0.001)
        self.count = count
        return f"{prefix}_{count:09}"


def backwards(now: Callable[[], datetime]) -> datetime:
    at = now()
    return at - timedelta(microseconds=at.microsecond % 7 * 1000)


def in_another_thread(now: Callable[[], datetime]) -> datetime:
    return now() - timedelta(hours=threading.current_thread() is not threading.main_thread())


def counted_ids(layout: str) -> Callable[[], Any]:
    """Return what makes sources of ids that count, each for itself."""

    def make() -> Any:
        numbers = itertools.count(1)
        return SimpleNamespace(
            new=lambda prefix, *, now: layout.format(prefix=prefix, number=next(numbers), now=now)
        )

    return make


def counting_down() -> Any:
    numbers = itertools.count(999_999, -1)
    return SimpleNamespace(new=lambda prefix, *, now: f"{prefix}_{next(numbers)}")


def of_the_wall(new: Any, prefix: str, *, now: datetime) -> str:
    return f"{prefix}_{now:%Y%m%d%H%M%S%f}{next(NUMBERS):09}"


NUMBERS = itertools.count()


def late_change(opening: Any, queue: str, at: datetime) -> Opening:
    found = opening(queue, at)
    return attrs.evolve(found, changes_at=found.changes_at + timedelta(minutes=30))


def early_change(opening: Any, queue: str, at: datetime) -> Opening:
    found = opening(queue, at)
    return attrs.evolve(found, changes_at=at + (found.changes_at - at) / 2)


def naive_change(opening: Any, queue: str, at: datetime) -> Opening:
    found = opening(queue, at)
    return attrs.evolve(found, changes_at=found.changes_at.replace(tzinfo=None))


def closes_a_moment_early(opening: Any, queue: str, at: datetime) -> Opening:
    found = opening(queue, at)
    almost = found.changes_at - at <= timedelta.resolution
    return attrs.evolve(found, is_open=found.is_open and not almost)


def alternating(answers: Sequence[Any]) -> Callable[..., Any]:
    """Return a method that gives one answer after the other, whatever it is asked."""
    numbers = itertools.count()

    def answer(*args: Any, **kwargs: Any) -> Any:
        found = answers[next(numbers) % len(answers)]
        return found(*args, **kwargs) if callable(found) else found

    return answer


def loud(send: Any, order: Any) -> Any:
    logging.getLogger("host").info("asked: %s", order.number)
    return send(order)


def loud_code(send: Any, order: Any) -> Any:
    logging.getLogger("host").info("code %s", order.code)
    return send(order)


def changes_order(do: Any, order: Any) -> Any:
    object.__setattr__(order, "queue", "another")
    return do(order)


def in_groups(is_listed: Any, number: str, purpose: Purpose) -> bool:
    logging.getLogger("host").debug("%s-%s-%s", number[:5], number[5:8], number[8:])
    return is_listed(number, purpose)


def only(kinds: Iterable[NoticeKind], tell: Any, order: Notice) -> None:
    if order.kind not in kinds:
        raise KeyError(order.kind)
    tell(order)


def needs(field: str, do: Any, order: Any) -> Any:
    assert getattr(order, field) is not None
    return do(order)


class WrongDesk(KeyedDesk):
    """A help desk whose tickets are opened by what does wrong."""

    def __init__(self, change: Callable[..., Any]) -> None:
        super().__init__(lambda desk: Wrong(KeyedTickets(desk), open=partial(change, desk)))


def second_ticket(desk: KeyedDesk, right: Any, order: TicketOrder) -> str:
    return desk.post(f"{order.callback_id}.{len(desk.kept)}", "again")


def one_for_all(desk: KeyedDesk, right: Any, order: TicketOrder) -> str:
    return desk.post(order.number, "of this person")


def never_there(desk: KeyedDesk, right: Any, order: TicketOrder) -> str:
    return "4711"


def long_id(desk: KeyedDesk, right: Any, order: TicketOrder) -> str:
    return right(order) * 100


def needs_a_name(desk: KeyedDesk, right: Any, order: TicketOrder) -> str:
    return right(order) if order.name.isascii() else ""


def logs_name(desk: KeyedDesk, right: Any, order: TicketOrder) -> str:
    logging.getLogger("host").info("ticket for %s", order.name)
    return right(order)


def own_memory(desk: KeyedDesk, right: Any, order: TicketOrder) -> str:
    return desk.post(f"{order.callback_id} of {threading.get_ident()} {id(right)}", "mine")


def tells_number(desk: KeyedDesk, right: Any, order: TicketOrder) -> str:
    try:
        return right(order)
    except ConnectionError:
        raise ConnectionError(f"no reply about {order.number}") from None


def after_a_break(desk: KeyedDesk, right: Any, order: TicketOrder) -> str:
    """Open another one after an error."""
    key = getattr(desk, "key", order.callback_id)
    try:
        return desk.post(key, "once more")
    except ConnectionError:
        desk.key = f"{order.callback_id} again"  # type: ignore[attr-defined]
        raise


def swallows(desk: KeyedDesk, right: Any, order: TicketOrder) -> str:
    try:
        return right(order)
    except ConnectionError:
        return "unknown"


def mixed_up() -> Callable[..., Any]:
    """Return a method that keeps one order for all threads, and sends what it holds a little later."""
    held: list[Any] = []

    def send(right: Any, order: Any) -> Any:
        held.append(order)
        sleep(0.02)
        return right(held[-1])

    return send


class WrongMessages(MessageEnd):
    """Codes by a messenger, sent by what does wrong."""

    def __init__(self, change: Callable[..., Any]) -> None:
        super().__init__()
        self._wrong = Wrong(self._sender, send=change)

    @property
    def sender(self) -> Any:
        return self._wrong


def suppressed(send: Any, order: Any) -> None:
    with suppress(MessageRefused):
        send(order)


def outspoken(send: Any, order: Any) -> None:
    try:
        send(order)
    except MessageRefused:
        raise LookupError(f"nobody at {order.number}") from None


def broken_for_good() -> Callable[..., Any]:
    """Return a method that never sends again after an error."""
    errors: list[Exception] = []

    def send(right: Any, order: Any) -> None:
        if errors:
            raise errors[0]
        try:
            right(order)
        except MessageRefused as error:
            errors.append(error)
            raise

    return send


class WrongFacts:
    """A store in memory whose facts are given by what does wrong; by nothing at all, if nothing is changed."""

    def __init__(self, **changes: Callable[..., Any]) -> None:
        self._store = MemoryStore()
        self._changes = changes
        self.pepper = self._store.pepper

    @contextmanager
    def transaction(self, tenant_id: Any, *, commit: Any) -> Iterator[Any]:
        with self._store.transaction(tenant_id, commit=commit) as tx:
            facts: Any = Wrong(tx.facts, **self._changes) if self._changes else None
            yield _Changed(tx, facts)

    def close(self) -> None:
        self._store.close()


class _Changed:
    def __init__(self, tx: Any, facts: Any) -> None:
        self._tx = tx
        if facts is not None:
            self.facts = facts

    def __getattr__(self, name: str) -> Any:
        if name == "facts":
            raise AttributeError(name)
        return getattr(self._tx, name)


def with_the_end(ask: Any, *args: Any, until_at: datetime, **kwargs: Any) -> Any:
    return ask(*args, until_at=until_at + timedelta.resolution, **kwargs)


def by_moment_alone(ask: Any, *args: Any, after: Any = None, **kwargs: Any) -> Any:
    return ask(*args, after=after and (after[0], "~"), **kwargs)


def attempts_reversed(ask: Any, *args: Any, **kwargs: Any) -> Any:
    return [attrs.evolve(one, attempts=one.attempts[::-1]) for one in ask(*args, **kwargs)]


def without_the_last(ask: Any, *args: Any, **kwargs: Any) -> Any:
    return ask(*args, **kwargs)[:-1]


class Deaf:
    """A listener that knows a fixed set of events."""

    def __call__(self, events: tuple[Any, ...]) -> None:
        for event in events:
            if type(event).__module__.startswith("callbackq.testing"):
                raise LookupError(event.kind)


class Raising:
    """A listener that stumbles over one kind of event."""

    def __call__(self, events: tuple[Any, ...]) -> None:
        if any(event.kind == "booking_moved" for event in events):
            raise ValueError("?")


class Telling:
    """A listener that writes down whom it knows of."""

    def __call__(self, events: tuple[Any, ...]) -> None:
        logging.getLogger("host").debug("called by 1 212 555 0121")


class NotShared:
    """A listener for one thread alone."""

    def __init__(self) -> None:
        self.busy = False

    def __call__(self, events: tuple[Any, ...]) -> None:
        assert not self.busy
        self.busy = True
        sleep(0.0005)
        self.busy = False


def opened(contract: type[Any], **changes: Any) -> Any:
    """Return a contract whose way to open something is another one."""
    return type("Wrongly", (contract,), {name: staticmethod(how) for name, how in changes.items()})()


class _LondonHours(HoursContract):
    begin_at = BEFORE_THE_CHANGE
    end_at = BEFORE_THE_CHANGE + timedelta(days=10)


class _BothTickets(TicketsContract, TicketsAgainContract):
    pass


def wrong_hours(change: Any) -> Any:
    return type("Wrongly", (_LondonHours,), {"open_hours": lambda _: Wrong(right_hours(), opening=change)})()


def wrong_clock(how: Callable[[], Any]) -> Any:
    return opened(ClockContract, open_clock=how, let_pass=lambda clock: sleep(0.002))


def wrong_seats(answer: Any) -> Any:
    return opened(SlotCapacityContract, open_capacity=lambda: SimpleNamespace(seats=answer))


def wrong_waits(answer: Any, name: str = "fake") -> Any:
    return opened(EstimatorContract, open_estimator=lambda: SimpleNamespace(name=name, estimate=answer))


def wrong_list(answer: Any) -> Any:
    return opened(
        DoNotCallContract, open_do_not_call=lambda listed: SimpleNamespace(is_listed=answer(set(listed)))
    )


def wrong_codes(change: Any) -> Any:
    return opened(
        CodeSenderContract, open_code_end=lambda: FakeCodeEnd(lambda fake: Wrong(fake, send=change))
    )


def wrong_messages(change: Any) -> Any:
    return opened(CodeRefusalContract, open_code_end=lambda: WrongMessages(change))


def wrong_facts(**changes: Any) -> Any:
    return opened(FactsContract, open_store=lambda: WrongFacts(**changes))


def wrong_desk(change: Any) -> Any:
    return opened(_BothTickets, open_help_desk=lambda: WrongDesk(change))


def wrong_notices(change: Any) -> Any:
    return opened(
        NoticesContract, open_notice_end=lambda: FakeNoticeEnd(lambda fake: Wrong(fake, tell=change))
    )


def wrong_listener(how: Any) -> Any:
    return opened(ListenerContract, open_listener=how)


def flat(count: Any) -> Callable[..., Any]:
    return lambda queue, starts, length: [count for _ in starts]


def wait(**changes: Any) -> Callable[..., Wait]:
    return lambda facts: attrs.evolve(right_wait(), **changes)


WRONG: dict[str, tuple[Callable[[], Any], list[str]]] = {
    # Time and ids.
    "naive": (
        lambda: wrong_clock(lambda: SimpleNamespace(now=lambda: datetime.now(UTC).replace(tzinfo=None))),
        ["it_says_an_instant"],
    ),
    "stands still": (lambda: wrong_clock(ManualClock), ["it_goes_on"]),
    "goes back": (lambda: wrong_clock(lambda: Wrong(SystemClock(), now=backwards)), ["it_never_goes_back"]),
    "each thread its own": (
        lambda: wrong_clock(lambda: Wrong(SystemClock(), now=in_another_thread)),
        ["all_threads_have_one_time"],
    ),
    "no prefix": (
        lambda: opened(IdSourceContract, open_ids=counted_ids("{number:09}")),
        ["an_id_begins_with_its_prefix"],
    ),
    "nothing but prefix": (
        lambda: opened(IdSourceContract, open_ids=counted_ids("{prefix}_")),
        ["an_id_begins_with_its_prefix", "no_id_is_made_again"],
    ),
    "with a space": (
        lambda: opened(IdSourceContract, open_ids=counted_ids("{prefix}_ {number:09}")),
        ["an_id_can_be_kept_and_shown"],
    ),
    "by the time alone": (
        lambda: opened(IdSourceContract, open_ids=counted_ids("{prefix}_{now:%Y%m%d%H%M%S}")),
        ["no_id_is_made_again"],
    ),
    "unsafe": (lambda: opened(IdSourceContract, open_ids=Unsafe), ["no_id_is_made_again_in_another_thread"]),
    "down": (lambda: opened(IdSourceContract, open_ids=counting_down), ["later_ones_sort_behind"]),
    "by the clock on the wall": (
        lambda: opened(IdSourceContract, open_ids=lambda: Wrong(RandomIds(), new=of_the_wall)),
        ["later_ones_sort_behind"],
    ),
    "each process from 1": (
        lambda: opened(ManyNodesIdsContract, open_ids=SequentialIds),
        ["two_processes_never_make_the_same"],
    ),
    # Hours, seats, waits.
    "late change": (lambda: wrong_hours(late_change), ["the_stretch_can_be_followed"]),
    "early change": (
        lambda: wrong_hours(early_change),
        ["the_stretch_can_be_followed", "asked_in_the_middle_it_says_the_same"],
    ),
    "naive change": (lambda: wrong_hours(naive_change), ["an_answer_can_be_used"]),
    "a moment early": (lambda: wrong_hours(closes_a_moment_early), ["the_stretch_can_be_followed"]),
    "does not get on": (
        lambda: wrong_hours(lambda _, queue, at: Opening(is_open=True, changes_at=at)),
        ["an_answer_can_be_used", "the_stretch_can_be_followed"],
    ),
    "no opening": (lambda: wrong_hours(lambda _, queue, at: True), ["an_answer_can_be_used"]),
    "moody": (
        lambda: wrong_hours(alternating([Opening(is_open=True), Opening(is_open=False)])),
        ["asked_in_the_middle_it_says_the_same", "threads_share_them"],
    ),
    "one too few": (
        lambda: wrong_seats(lambda queue, starts, length: [1 for _ in starts[1:]]),
        ["each_slot_has_a_number"],
    ),
    "below 0": (lambda: wrong_seats(flat(-1)), ["each_slot_has_a_number"]),
    "halves": (lambda: wrong_seats(flat(1.5)), ["each_slot_has_a_number"]),
    "yes": (lambda: wrong_seats(flat(True)), ["each_slot_has_a_number"]),
    "first of nothing": (
        lambda: wrong_seats(lambda queue, starts, length: [2 for _ in (starts[0], *starts[1:])]),
        ["nothing_asked_nothing_said"],
    ),
    "shared among those asked": (
        lambda: wrong_seats(lambda queue, starts, length: [100 // len(starts) for _ in starts]),
        ["one_by_one_is_all_at_once"],
    ),
    "taken by asking": (
        lambda: wrong_seats(alternating([flat(3), flat(2)])),
        ["asked_again_it_says_the_same", "threads_share_it"],
    ),
    "no name": (lambda: wrong_waits(wait(), name=""), ["it_has_a_name"]),
    "unnamed waits": (lambda: wrong_waits(wait(estimator=None)), ["a_wait_names_who_found_it"]),
    "a mean alone": (lambda: wrong_waits(wait(low_s=None)), ["a_wait_is_one"]),
    "upside down": (lambda: wrong_waits(wait(low_s=200.0)), ["a_wait_is_one"]),
    "no number": (lambda: wrong_waits(wait(high_s=float("nan"))), ["a_wait_is_one"]),
    "in the past": (lambda: wrong_waits(wait(low_s=-1.0)), ["a_wait_is_one"]),
    "a float": (lambda: wrong_waits(lambda facts: 60.0), ["a_wait_is_one"]),
    "divides by staff": (
        lambda: wrong_waits(lambda facts: right_wait() if 1 / facts.agents else None),
        ["a_wait_is_one"],
    ),
    "by chance": (
        lambda: wrong_waits(alternating([wait(), wait(mean_s=61.0), wait()])),
        ["the_same_facts_have_the_same_wait"],
    ),
    # People.
    "1 for true": (
        lambda: wrong_list(lambda listed: lambda number, purpose: int(number in listed)),
        ["who_is_listed_is_found", "every_purpose_has_an_answer"],
    ),
    "none for false": (
        lambda: wrong_list(lambda listed: lambda number, purpose: number in listed or None),
        ["who_is_not_listed_is_not_found"],
    ),
    "without plus": (
        lambda: wrong_list(lambda listed: lambda number, purpose: number.lstrip("+") in listed),
        ["who_is_listed_is_found"],
    ),
    "by the last digits": (
        lambda: wrong_list(
            lambda listed: lambda number, purpose: any(one.startswith(number) for one in listed)
        ),
        ["who_is_not_listed_is_not_found"],
    ),
    "once": (
        lambda: wrong_list(
            lambda listed: lambda number, purpose: number in listed and (listed.remove(number) or True)
        ),
        ["who_is_listed_is_found"],
    ),
    "one purpose": (
        lambda: wrong_list(lambda listed: lambda number, purpose: {Purpose.SALES: number in listed}[purpose]),
        ["every_purpose_has_an_answer"],
    ),
    "always somebody": (
        lambda: wrong_list(lambda listed: lambda number, purpose: number >= max(listed)),
        ["an_empty_list_has_nobody"],
    ),
    "list in the log": (
        lambda: wrong_list(lambda listed: partial(in_groups, lambda number, purpose: number in listed)),
        ["nobody_is_named_in_the_log"],
    ),
    "code as number": (
        lambda: wrong_codes(lambda send, order: send(attrs.evolve(order, code=str(int(order.code))))),
        ["a_code_arrives_once", "each_code_arrives"],
    ),
    "code twice": (
        lambda: wrong_codes(lambda send, order: [send(order), send(order)]),
        ["a_code_arrives_once"],
    ),
    "code elsewhere": (
        lambda: wrong_codes(lambda send, order: send(attrs.evolve(order, number=LISTED[1]))),
        ["a_code_arrives_once"],
    ),
    "four digits": (
        lambda: wrong_codes(lambda send, order: send(attrs.evolve(order, code=order.code[:4]))),
        ["each_code_arrives"],
    ),
    "two languages": (
        lambda: wrong_codes(lambda send, order: {None: send, "en": send}[order.language](order)),
        ["any_language_is_taken"],
    ),
    "the last code of all": (
        lambda: wrong_codes(mixed_up()),
        ["many_threads_send"],
    ),
    "changes a code order": (lambda: wrong_codes(changes_order), ["an_order_is_left_as_it_is"]),
    "code in the log": (lambda: wrong_codes(loud_code), ["the_log_tells_no_code"]),
    "number in the log": (lambda: wrong_codes(loud), ["the_log_tells_no_code"]),
    "swallows refusals": (lambda: wrong_messages(suppressed), ["what_was_not_sent_is_raised"]),
    "tells in its errors": (lambda: wrong_messages(outspoken), ["what_was_not_sent_is_raised"]),
    "broken after a refusal": (lambda: wrong_messages(broken_for_good()), ["a_refusal_holds_up_nobody_else"]),
    # Tickets.
    "second ticket": (
        lambda: wrong_desk(second_ticket),
        ["a_callback_has_one_ticket", "another_process_finds_the_ticket"],
    ),
    "one for all": (
        lambda: wrong_desk(one_for_all),
        ["each_callback_has_its_own", "many_threads_open", "a_callback_has_one_ticket"],
    ),
    "never there": (lambda: wrong_desk(never_there), ["a_ticket_is_opened"]),
    "long id": (lambda: wrong_desk(long_id), ["a_ticket_is_opened"]),
    "needs a name": (lambda: wrong_desk(needs_a_name), ["a_ticket_needs_little"]),
    "changes a ticket order": (
        lambda: wrong_desk(lambda desk, right, order: changes_order(right, order)),
        ["an_order_is_left_as_it_is"],
    ),
    "name in the log": (lambda: wrong_desk(logs_name), ["nobody_is_named_in_the_log"]),
    "own memory": (lambda: wrong_desk(own_memory), ["another_process_finds_the_ticket"]),
    "number in an error": (lambda: wrong_desk(tells_number), ["a_lost_reply_opens_no_second_ticket"]),
    "anew after an error": (lambda: wrong_desk(after_a_break), ["a_lost_reply_opens_no_second_ticket"]),
    "swallows an error": (lambda: wrong_desk(swallows), ["a_lost_reply_opens_no_second_ticket"]),
    # Who is told.
    "known kinds": (lambda: wrong_notices(partial(only, {NoticeKind.SURVEY})), ["every_kind_is_taken"]),
    "needs a ticket": (lambda: wrong_notices(partial(needs, "ticket_id")), ["a_notice_needs_little"]),
    "loses some": (
        lambda: wrong_notices(lambda tell, order: order.notice_id.endswith("3") or tell(order)),
        ["many_threads_tell"],
    ),
    "changes a notice": (lambda: wrong_notices(changes_order), ["a_notice_is_left_as_it_is"]),
    "notice in the log": (lambda: wrong_notices(loud), ["nobody_is_named_in_the_log"]),
    "closed set of events": (lambda: wrong_listener(Deaf), ["what_it_does_not_know_is_no_error"]),
    "stumbles": (lambda: wrong_listener(Raising), ["a_day_is_heard", "threads_tell_it"]),
    "listener that tells": (lambda: wrong_listener(Telling), ["nobody_is_named_in_the_log"]),
    "one thread": (lambda: wrong_listener(NotShared), ["threads_tell_it"]),
    # Figures.
    "no facts": (wrong_facts, ["a_transaction_gives_facts"]),
    "counts the end": (lambda: wrong_facts(count=with_the_end), ["a_stretch_has_a_beginning_and_an_end"]),
    "gives the end": (lambda: wrong_facts(calls=with_the_end), ["a_stretch_has_a_beginning_and_an_end"]),
    "skips who came at the same moment": (
        lambda: wrong_facts(calls=by_moment_alone),
        ["pages_follow_one_another"],
    ),
    "attempts backwards": (
        lambda: wrong_facts(callbacks=attempts_reversed),
        ["attempts_come_with_their_callback"],
    ),
    "without the last": (
        lambda: wrong_facts(callbacks=without_the_last),
        ["figures_are_those_of_the_history"],
    ),
}
"""One who does one thing wrong, as a contract that opens them, and the tests that must find it out."""

CONTRACTS = (
    ClockContract,
    IdSourceContract,
    ManyNodesIdsContract,
    HoursContract,
    SlotCapacityContract,
    EstimatorContract,
    DoNotCallContract,
    CodeSenderContract,
    CodeRefusalContract,
    TicketsContract,
    TicketsAgainContract,
    NoticesContract,
    ListenerContract,
    FactsContract,
)

OPENED: dict[str, Callable[[Any], Any]] = {
    "clock": lambda contract: contract.open_clock(),
    "ids": lambda contract: contract.open_ids(),
    "hours": lambda contract: contract.open_hours(),
    "capacity": lambda contract: contract.open_capacity(),
    "estimator": lambda contract: contract.open_estimator(),
    "do_not_call": lambda contract: contract.open_do_not_call(LISTED),
    "code_end": lambda contract: contract.open_code_end(),
    "help_desk": lambda contract: contract.open_help_desk(),
    "notice_end": lambda contract: contract.open_notice_end(),
    "listener": lambda contract: contract.open_listener(),
    "store": lambda contract: contract.open_store(),
}


def is_broken(contract: Any, name: str, caplog: pytest.LogCaptureFixture) -> bool:
    """Run one test of a contract against one who does wrong."""
    test = getattr(contract, f"test_{name}")
    wanted = inspect.signature(test).parameters
    given = {one: caplog if one == "caplog" else OPENED[one](contract) for one in wanted}
    try:
        test(**given)
    except (Exception, pytest.fail.Exception):
        return True
    return False


@pytest.mark.parametrize(
    ("what", "name"), [(what, name) for what, (_, names) in WRONG.items() for name in names]
)
def test_what_is_wrong_is_found_out(what: str, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """By the test that is about it."""
    assert is_broken(WRONG[what][0](), name, caplog)


def test_every_test_of_a_contract_can_fail() -> None:
    """Each finds out somebody: a test that finds out nobody says nothing."""
    found = {(type(make()).__mro__, name) for make, names in WRONG.values() for name in names}
    for contract in CONTRACTS:
        tests = {name.removeprefix("test_") for name in dir(contract) if name.startswith("test_")}
        seen = {name for mro, name in found if contract in mro}
        assert tests - seen == set(), contract.__name__

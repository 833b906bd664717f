"""
Random conversations: customers who write whatever comes to their mind, in worlds in which much goes wrong.

`converse` plays as many as are asked for, with hypothesis (the extra `testing`); `machine_of` gives the machine itself,
for any store. All chance follows from a seed and the number of the part; a part is the same in every process.

What is held to be true, by `message_checkers`, at every step: a text changes nothing that is somebody else's; after an
opt-out nothing is sent but one confirmation, where the policy has it confirmed; nothing is sent twice; whatever is sent
is true at that moment, goes to the customer's own address, and keeps the quiet hours; nobody is answered without end.
At the end each message has ended, history gives every row, and neither tells of a person.
"""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing
from datetime import timedelta
from functools import cache
from itertools import count
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Final

import attrs

from callbackq.model import EMAIL, SMS, DeliveryKind, Medium
from callbackq.policy import Messages
from callbackq.ports import Store
from callbackq.stores.memory import MemoryStore
from callbackq.testing.clock import START
from callbackq.testing.conversation_people import (
    CUSTOMERS_COUNT,
    LANGUAGES,
    MARK,
    QUEUES,
    WHATSAPP,
    Customer,
    customers,
)
from callbackq.testing.conversation_world import CALL_ENDS, FATES, PEPPER, STOPS, Tally, World

if TYPE_CHECKING:
    from hypothesis.stateful import RuleBasedStateMachine

EXAMPLES: Final = 80
"""So many worlds in one part."""
STEPS: Final = 40
"""So many things at most that happen in one world, texts of several customers at once among them."""
_AHEAD: Final = 3
_PAUSES: Final = (
    timedelta(seconds=1),
    timedelta(seconds=40),
    timedelta(minutes=3),
    timedelta(minutes=16),
    timedelta(hours=1),
    timedelta(hours=5),
    timedelta(hours=13),
    timedelta(hours=26),
    timedelta(days=3),
)
_JUNK: Final = (
    "",
    " ",
    "?",
    "\x00",
    "\ud800",
    "🎉☎️",
    "STOP? no, do not stop",
    "do not cancel it",
    "I had to cancel my subscription with somebody else and now I wait for a call from you people",
    "> Reply 9 to cancel\n4",
    "Liked “Reply CANCEL to cancel”",
    "\u0967",
    "\uff19",
    "9" * 5_000,
    "cancel " * 3_000,
    "'; DROP TABLE callbackq_messages; --",
    "{number} {link} %s ${jndi:ldap://x}",
    "call me at 3",
    "call me tomorrow",
    "yes",
    "Y",
    "no",
    "CANCEL",
    "cancel",
    "cancel 1",
    "cancel 2",
    "RESCHEDULE",
    "UPDATE",
    "HELP",
    "START",
    "unstop",
    "UNSTOP",
    f"my {MARK} is broken, my mail is reader0@example.com and my name is Quirin",
    "I am driving right now and will see your message later. (Automatic answer)",
)
_DIGITS: Final = ("1", "2", "3", "4", "9", "9.", "#2", "option 3", "5", "6", "0", "12", "99")


@cache
def texts() -> tuple[str, ...]:
    """
    Return what is written: words of all languages, digits, stop words, and what nobody expects.

    >>> "STOP" in texts(), len(texts()) > 200
    (True, True)
    """
    catalogues = [Messages().catalogue(language) for language in LANGUAGES if language is not None]
    words = dict.fromkeys(word for one in catalogues for said in one.words.values() for word in said)
    return (*_DIGITS * 6, *_JUNK, *STOPS, *words)


# ---------------------------------------------------------------------------- what one customer does

_WAYS: Final = (
    "text",
    "text",
    "text",
    "digit",
    "digit",
    "code",
    "wrong code",
    "new number",
    "number of another",
    "echo",
    "answer",
    "answer of another",
    "by whatsapp",
    "by mail",
)


def _write(world: World, customer: Customer, way: str, number: int) -> None:
    """Let one customer write in one way. *number* says which text, code or message it is."""
    queue = QUEUES[number % 3]
    sender, channel, answers_id = customer.phone, SMS, None
    other = customers()[number % CUSTOMERS_COUNT]
    text = texts()[number % len(texts())]
    match way:
        case "digit":
            text = _DIGITS[number % len(_DIGITS)]
        case "code" | "wrong code":
            known = [code for _, code in sorted(world.book.codes.items())]
            own = world.book.codes.get(customer.spare)
            text = ["000000", *known][number % (len(known) + 1)]
            if own is not None and way == "code":
                text = own
        case "new number":
            text = f"{customer.spare}" if number % 2 else f"my new number is {customer.spare}"
        case "number of another":
            text = other.phone
        case "echo":
            got = list(world.shown_to(sender))
            text = got[-1 - number % len(got)].text if got else text
        case "answer" | "answer of another":
            whose = other if way == "answer of another" else customer
            ids = [f"provider-{one.send_id}" for one in world.shown_to(whose.phone)]
            answers_id = ids[-1 - number % len(ids)] if ids else None
        case "by whatsapp":
            channel = WHATSAPP
        case "by mail":
            sender, channel = customer.email or "nobody@example.com", EMAIL
        case _:
            pass
    world.write(text, sender=sender, queue=queue, channel=channel, answers_id=answers_id)


_DEEDS: Final = (
    "cancel",
    "reschedule",
    "reschedule",
    "change number",
    "number of another",
    "erase",
    "opt out",
    "opt out of calls",
    "opt in",
    "zone",
    "channel",
    "mark done",
    "call now",
    "move",
    "settle message",
)
_OVERTAKING: Final = ("cancel", "reschedule", "mark done", "call now")
_ZONES: Final = ("Asia/Tokyo", "America/New_York", "Europe/Berlin", None)
_CHANNELS: Final = ("email", "push", None)


def _do(world: World, customer: Customer, deed: str, number: int) -> None:
    """Let the host do something about one customer."""
    service = world.service
    if deed in ("opt out", "opt out of calls", "opt in"):
        medium = Medium.CALLS if deed == "opt out of calls" else (Medium.MESSAGES, None)[number % 2]
        world.opt(customer.phone, wanted=deed == "opt in", medium=medium)
        return
    if deed == "erase":
        world.try_to(service.erase, number=customer.phone)
        return
    if deed in ("zone", "channel"):
        who: dict[str, Any] = {"number": customer.phone}
        if customer.customer_id is not None:
            who = {"customer_id": customer.customer_id}
        wanted: Any = _ZONES[number % len(_ZONES)] if deed == "zone" else _CHANNELS[number % len(_CHANNELS)]
        world.try_to(service.set_preferences, **who, **{deed: wanted})
        return
    if deed == "settle message":
        for one in service.uncertain_messages(limit=2):
            world.try_to(service.settle_message, one.message_id, sent=bool(number % 2), by="host")
        return
    callback_id = world.callback_of(customer, number)
    if callback_id is not None:
        _do_to(world, callback_id, customer, deed, number)


def _do_to(world: World, callback_id: str, customer: Customer, deed: str, number: int) -> None:
    service = world.service
    match deed:
        case "cancel":
            world.try_to(service.cancel, callback_id, reason="host")
        case "reschedule":
            free = service.free_slots("slots", limit=60)
            if free:
                at = free[number % len(free)].starts_at
                world.try_to(service.reschedule, callback_id, scheduled_at=at, by="host")
        case "change number":
            world.try_to(service.change_number, callback_id, customer.spare, by="host")
        case "number of another":
            other = customers()[number % CUSTOMERS_COUNT]
            world.try_to(service.change_number, callback_id, other.phone, by="host")
        case "mark done":
            world.try_to(service.mark_done, callback_id, by="host")
        case "call now":
            world.try_to(service.call_now, callback_id, by="host")
        case _:
            world.try_to(service.move, callback_id, queue=QUEUES[number % len(QUEUES)])


# ---------------------------------------------------------------------------- the machine


def memory() -> AbstractContextManager[Store]:
    """Return an empty store in memory."""
    return closing(MemoryStore(pepper=PEPPER))


def machine_of(
    fresh: Callable[[], AbstractContextManager[Store]] = memory,
    *,
    done: Callable[[Tally], object] = lambda _tally: None,
) -> type[RuleBasedStateMachine]:
    """
    Return the machine that hypothesis runs: one world for each example.

    Args:
        fresh: gives an empty store.
        done: is told what there was in each world that came to its end.
    """
    from hypothesis import strategies as st
    from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

    who = st.integers(0, CUSTOMERS_COUNT - 1)
    number = st.integers(0, 999)

    class Conversations(RuleBasedStateMachine):
        """Customers write, the host acts, agents call, time passes, and much goes wrong."""

        def __init__(self) -> None:
            super().__init__()
            self.stack = ExitStack()
            self.world: World | None = None

        @property
        def here(self) -> World:
            assert self.world is not None
            return self.world

        @initialize(
            hour=st.integers(0, 23),
            asked=st.lists(
                st.tuples(who, st.sampled_from(QUEUES), st.none() | st.integers(0, 60)),
                min_size=4,
                max_size=16,
            ),
        )
        def begins(self, hour: int, asked: list[tuple[int, str, int | None]]) -> None:
            self.world = World(self.stack.enter_context(fresh()), start=START + timedelta(hours=hour))
            self.stack.callback(self.world.close)
            for customer, queue, slot in asked:
                self.world.request(customers()[customer], queue, slot=slot)
            self.world.step()

        @rule(said=st.lists(st.tuples(who, st.sampled_from(_WAYS), number), min_size=2, max_size=8))
        def customers_write(self, said: list[tuple[int, str, int]]) -> None:
            for customer, way, which in said:
                _write(self.here, customers()[customer], way, which)
            self.here.step()

        @rule(customer=who, said=st.lists(st.tuples(st.sampled_from(_WAYS), number), min_size=2, max_size=6))
        def one_customer_writes(self, customer: int, said: list[tuple[str, int]]) -> None:
            for way, which in said:
                _write(self.here, customers()[customer], way, which)
                self.here.step()

        @rule(customer=who, which=number)
        def a_number_is_changed(self, customer: int, which: int) -> None:
            ways = (
                ("digit", "new number", "wrong code", "code")
                if which % 2
                else ("digit", "new number", "code")
            )
            for way in ways:
                _write(self.here, customers()[customer], way, 2 if way == "digit" else which)
                self.here.step()

        @rule(index=st.integers(0, 30))
        def a_text_comes_again(self, index: int) -> None:
            self.here.write_again(index)

        @rule(customer=who, which=number, rounds=st.integers(2, 25))
        def a_machine_answers(self, customer: int, which: int, rounds: int) -> None:
            text = texts()[which % len(texts())]
            self.here.chatter(
                text, sender=customers()[customer].phone, queue=QUEUES[which % 3], rounds=rounds
            )

        @rule(customer=who, queue=st.sampled_from(QUEUES), slot=st.none() | st.integers(0, 60))
        def a_callback_is_asked_for(self, customer: int, queue: str, slot: int | None) -> None:
            self.here.request(customers()[customer], queue, slot=slot)
            self.here.step()

        @rule(customer=who, deed=st.sampled_from(_DEEDS), which=number)
        def the_host_acts(self, customer: int, deed: str, which: int) -> None:
            _do(self.here, customers()[customer], deed, which)
            self.here.step()

        @rule(pause=st.sampled_from(_PAUSES))
        def time_passes(self, pause: timedelta) -> None:
            self.here.pass_time(pause)

        @rule(fates=st.lists(st.sampled_from(FATES), min_size=1, max_size=10))
        def sending_goes_wrong(self, fates: list[str]) -> None:
            self.here.fates.extend(fates)

        @rule(index=st.integers(0, 12), kind=st.sampled_from(DeliveryKind), by_provider=st.booleans())
        def a_receipt_comes(self, index: int, kind: DeliveryKind, by_provider: bool) -> None:
            self.here.receipt(index, kind, by_provider=by_provider)
            self.here.step()

        @rule(agents=st.integers(0, 3), end=st.sampled_from(CALL_ENDS), queue=st.sampled_from(QUEUES))
        def agents_call(self, agents: int, end: str, queue: str) -> None:
            world = self.here
            world.call_end = end
            for index in range(3):
                if index < agents:
                    world.try_to(world.service.agent_available, f"agent-{index}", queues=[queue])
                else:
                    world.try_to(world.service.agent_unavailable, f"agent-{index}")
            world.step()

        @rule(which=number, fate=st.sampled_from(("refuses", "late")), deed=st.sampled_from(_OVERTAKING))
        def a_reminder_is_overtaken(self, which: int, fate: str, deed: str) -> None:
            callback_id = self.here.to_reminder(which, fate)
            if callback_id is not None:
                _do_to(self.here, callback_id, customers()[which % CUSTOMERS_COUNT], deed, which)
                self.here.pass_time(timedelta(seconds=45))

        @rule()
        def all_nodes_start_again(self) -> None:
            self.here.restart()

        def teardown(self) -> None:
            with self.stack:
                if self.world is not None:
                    done(self.world.end())

    return Conversations


# ---------------------------------------------------------------------------- many


@attrs.frozen(kw_only=True)
class Part:
    """What came of one part. `failure` is the example that failed, as text; None if none did."""

    number: int
    tally: Tally
    failure: str | None = None


@attrs.frozen(kw_only=True)
class ConversationsReport:
    """What came of many parts."""

    seed: int
    parts_count: int = 0
    tally: Tally = attrs.field(factory=Tally)
    failed: Part | None = None


def one_part(seed: int, number: int, *, examples: int | None = None, shrunk: bool = True) -> Part:
    """
    Play the *number*-th part of a seed: some hundred conversations. Never raises.

    Args:
        examples: in so many worlds; EXAMPLES unless given.
        shrunk: whether an example that fails is made as short as it can be, which takes minutes.
    """
    from hypothesis import HealthCheck, Phase, Verbosity, settings
    from hypothesis import seed as seeded
    from hypothesis.stateful import run_state_machine_as_test

    tallies: list[Tally] = []
    machine = seeded(seed * 1_000_003 + number)(machine_of(done=tallies.append))
    how = settings(
        max_examples=examples or EXAMPLES,
        stateful_step_count=STEPS,
        database=None,
        deadline=None,
        derandomize=False,
        phases=(Phase.generate, Phase.shrink) if shrunk else (Phase.generate,),
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=(
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.filter_too_much,
            HealthCheck.large_base_example,
        ),
        verbosity=Verbosity.normal,
    )
    failure = None
    try:
        run_state_machine_as_test(machine, settings=how)
    except Exception as error:
        failure = "".join(traceback.format_exception(error))
    return Part(number=number, tally=_sum_of(tallies), failure=failure)


def _sum_of(tallies: list[Tally]) -> Tally:
    whole = Tally()
    for tally in tallies:
        whole += tally
    return whole


def converse(
    seed: int,
    *,
    conversations: int,
    processes: int = 1,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> ConversationsReport:
    """
    Play part after part, until there were so many conversations; or until one failed.

    Args:
        processes: how many parts at once; 1 plays all in this process.
        progress: told how many conversations there were, and of how many.

    Cost: some ms for each conversation and process.
    """
    report = ConversationsReport(seed=seed)
    with closing(_parts(seed, processes)) as parts:
        for part in parts:
            report = attrs.evolve(
                report,
                parts_count=report.parts_count + 1,
                tally=report.tally + part.tally,
                failed=part if part.failure is not None else None,
            )
            progress(min(report.tally.conversations, conversations), conversations)
            if report.failed is not None or report.tally.conversations >= conversations:
                break
    return report


def _parts(seed: int, processes: int) -> Generator[Part]:
    """Give what came of each part, in their order, without end."""
    numbers: Iterator[int] = count()
    if processes == 1:
        yield from (one_part(seed, number) for number in numbers)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        begun: deque[Future[Part]] = deque()
        try:
            while True:
                while len(begun) < _AHEAD * processes:
                    begun.append(pool.submit(one_part, seed, next(numbers)))
                yield begun.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

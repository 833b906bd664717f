"""Messages: what they add to a request, how fast they go out and come in beside bare rows, and over full outboxes."""

from __future__ import annotations

import itertools
import statistics
import string
from collections.abc import Callable, Iterator
from datetime import timedelta

from harness import median_us, ratio, table
from line import STORES

from callbackq import CallbackService, Dispatcher, QueuePolicy, Store
from callbackq.core.replies import all_words, read_reply
from callbackq.core.texts import TextFacts, text_of
from callbackq.effects import SendMessage
from callbackq.ids import DEFAULT_TENANT, CallbackId, SubjectId
from callbackq.model import Delivery, DeliveryKind, Inbound, MessageEnd, MessageKind, MessageState
from callbackq.policy import Messages
from callbackq.ports import Commit
from callbackq.system import RandomIds
from callbackq.testing import START, ManualClock
from callbackq.testing.builders import make_message

BATCH = 100
ROUNDS = 5
FILLED_AT_ONCE = 5_000
OUTBOXES = {"memory": (0, 100_000), "sqlite": (0, 100_000), "postgres": (0, 20_000)}
MESSAGES = Messages(quiet_from=None, quiet_until=None, slip_margin=None)
numbers = itertools.count()


def fresh_number() -> str:
    """Return the number of somebody new."""
    return f"+1212{2_000_000 + next(numbers):07d}"


def fill(store: Store, count: int) -> None:
    """Let an outbox hold so many messages: nine of ten are over, the others wait for a later day."""
    for first in range(0, count, FILLED_AT_ONCE):
        with store.transaction(DEFAULT_TENANT, commit=Commit.RELAXED) as tx:
            for number in range(first, min(first + FILLED_AT_ONCE, count)):
                of = {
                    "callback_id": CallbackId(f"cb_old_{number}"),
                    "subject_id": SubjectId(f"su_old_{number}"),
                }
                if number % 10 == 0:
                    tx.save(make_message(f"ms_old_{number}", due_at=START + timedelta(days=6), **of))
                    continue
                ended = {
                    "state": MessageState.ENDED,
                    "ended_as": MessageEnd.DELIVERED,
                    "ended_at": START,
                    "sent_at": START,
                    "channel": "sms",
                    "address_key": f"key_{number // 5}",
                    "provider_key": f"SM_old_{number}",
                }
                tx.save(make_message(f"ms_old_{number}", **of, **ended))


class Desk:
    """One queue on one store, with messages or without; people who have asked, and are owed what they were sent."""

    def __init__(self, store: Store, *, messages: Messages | None) -> None:
        self.clock = ManualClock()
        policy = QueuePolicy(queue="support", messages=messages, calling=None, pending_max=1_000_000)
        self.service = CallbackService(store, [policy], clock=self.clock, ids=RandomIds())
        self.dispatcher = Dispatcher(self.service)
        self.inbound = itertools.count()

    def requested(self, count: int = BATCH) -> int:
        for _ in range(count):
            self.clock.advance(timedelta(microseconds=1))
            self.service.request("support", number=fresh_number())
        return count

    def given_out(self) -> list[SendMessage]:
        orders: list[SendMessage] = []
        while given := self.dispatcher.step(self.clock.now()):
            orders += [effect for effect in given if isinstance(effect, SendMessage)]
        return orders

    def noted(self, orders: list[SendMessage]) -> int:
        for order in orders:
            self.service.message_is_wanted(order.send_id)
            self.service.delivery(
                Delivery(
                    kind=DeliveryKind.ACCEPTED,
                    send_id=order.send_id,
                    channel=order.channel,
                    provider_id=f"SM-{order.send_id}",
                )
            )
        return len(orders)

    def heard(self, orders: list[SendMessage], text: str) -> int:
        for order in orders:
            assert order.to is not None
            inbound_id = f"in-{next(self.inbound)}"
            self.service.message_received(
                Inbound(inbound_id=inbound_id, sender=order.to, text=text, queue="support")
            )
        return len(orders)

    def round(self) -> list[float]:
        """Let people ask, be told, write for the status, and cancel; return what each of the last four costs."""
        self.requested()
        orders: list[SendMessage] = []

        def give() -> int:
            orders.extend(self.given_out())
            return len(orders)

        works = (
            give,
            lambda: self.noted(orders),
            lambda: self.heard(orders, "4"),
            lambda: self.heard(orders, "9"),
        )
        costs = [median_us(work, runs=1) for work in works]
        self.noted(self.given_out())
        return costs


def requests(name: str) -> list[str]:
    """What a request costs more where it is confirmed by a message: the two in turn, each on a store of its own."""
    opened, _ = STORES[name]
    with opened() as one, opened() as other:
        desks = (Desk(one, messages=None), Desk(other, messages=MESSAGES))
        for desk in desks:
            desk.requested()
        costs = [[median_us(desk.requested, runs=1) for desk in desks] for _ in range(2 * ROUNDS + 1)]
    plain, told = (statistics.median(each) for each in zip(*costs, strict=True))
    return [name, f"{plain:.0f}", f"{told:.0f}", f"{told / plain:.2f}"]


def bare_rows(store: Store) -> Callable[[], int]:
    """Return work that inserts messages, and nothing else, in commits of 50."""
    names = itertools.count()

    def work() -> int:
        for _ in range(0, BATCH, 50):
            with store.transaction(DEFAULT_TENANT, commit=Commit.FLUSHED) as tx:
                for _ in range(50):
                    tx.save(make_message(f"ms_bare_{next(names)}", due_at=START + timedelta(days=9)))
        return BATCH

    return work


def flows(name: str) -> Iterator[list[str]]:
    """How fast messages go out and come in, with an outbox that is empty, or has been in use for long."""
    opened, _ = STORES[name]
    for count in OUTBOXES[name]:
        with opened() as store:
            fill(store, count)
            desk = Desk(store, messages=MESSAGES)
            rounds = [desk.round() for _ in range(ROUNDS)]
            bare = median_us(bare_rows(store))
        costs = [statistics.median(each) for each in zip(*rounds, strict=True)]
        rates = (1e6 / cost for cost in (bare, *costs))
        yield [name, f"{count:,}", *(f"{rate:,.0f}" for rate in rates), ratio(bare, costs[0])]


def words() -> str:
    """What it costs to write a text, and to read one."""
    policy = QueuePolicy(queue="support", company="Acme", company_number="800-555-0100", messages=MESSAGES)
    facts = TextFacts(name="Ada", number="+12125550123", zone="America/New_York", now=START)
    timed = TextFacts(
        name="Ada", number="+12125550123", zone="America/New_York", at=START + timedelta(hours=5), now=START
    )
    template = string.Template(
        "Hello $name. We saved your place at $company. We will call the number ending in $end."
    )
    split = "Could you please cancel my callback, thanks"
    every = all_words(*(MESSAGES.catalogue(language).words for language in ("en", "de", "fr", "es")))

    def times(work: Callable[[], object]) -> float:
        return median_us(lambda: sum(work() is not None for _ in range(BATCH)), runs=9)

    written = times(lambda: template.substitute(name="Ada", company="Acme", end="0123"))
    read = times(split.casefold().split)
    rows = [
        [what, f"{cost:.1f}", f"{bare:.2f}", ratio(bare, cost)]
        for what, cost, bare in (
            (
                "text_of, no time",
                times(lambda: text_of(MessageKind.CONFIRMATION, facts, policy=policy, language="en")),
                written,
            ),
            (
                "text_of, a time",
                times(lambda: text_of(MessageKind.CONFIRMATION, timed, policy=policy, language="de")),
                written,
            ),
            ("read_reply, a digit", times(lambda: read_reply("9", words=every)), read),
            ("read_reply, a sentence", times(lambda: read_reply(split, words=every)), read),
        )
    ]
    return table("Texts (bare: string.Template; casefold and split)", ["", "us", "bare us", "of bare"], rows)


def run() -> str:
    asked = table(
        "A request, and one that is confirmed by a message",
        ["store", "no messages us", "with us", "times"],
        map(requests, STORES),
    )
    heads = [
        "store",
        "outbox",
        "bare rows/s",
        "given out/s",
        "asked and noted/s",
        "status/s",
        "cancel/s",
        "out of bare",
    ]
    title = "Messages out and in; one caller (bare: rows of messages inserted, 50 in a commit)"
    rows = [row for name in STORES for row in flows(name)]
    return f"{asked}\n{table(title, heads, rows)}\n{words()}"

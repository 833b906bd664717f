"""The machine of random conversations: what everybody does in one world. It needs hypothesis."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, closing
from datetime import timedelta
from functools import cache
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

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


_WHO = st.integers(0, CUSTOMERS_COUNT - 1)
_NUMBER = st.integers(0, 999)


class Conversations(RuleBasedStateMachine):
    """Customers write, the host acts, agents call, time passes, and much goes wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.world: World | None = None

    def fresh(self) -> AbstractContextManager[Store]:
        """Return an empty store."""
        return memory()

    def done(self, tally: Tally) -> object:
        """Take note of what there was, at the end."""
        return tally

    @property
    def here(self) -> World:
        """Return the world, once it has begun."""
        assert self.world is not None
        return self.world

    @initialize(
        hour=st.integers(0, 23),
        asked=st.lists(
            st.tuples(_WHO, st.sampled_from(QUEUES), st.none() | st.integers(0, 60)),
            min_size=4,
            max_size=16,
        ),
    )
    def begins(self, hour: int, asked: list[tuple[int, str, int | None]]) -> None:
        """Let some customers ask for callbacks."""
        self.world = World(self.stack.enter_context(self.fresh()), start=START + timedelta(hours=hour))
        self.stack.callback(self.world.close)
        for customer, queue, slot in asked:
            self.world.request(customers()[customer], queue, slot=slot)
        self.world.step()

    @rule(said=st.lists(st.tuples(_WHO, st.sampled_from(_WAYS), _NUMBER), min_size=2, max_size=8))
    def customers_write(self, said: list[tuple[int, str, int]]) -> None:
        """Let several write at once."""
        for customer, way, which in said:
            _write(self.here, customers()[customer], way, which)
        self.here.step()

    @rule(customer=_WHO, said=st.lists(st.tuples(st.sampled_from(_WAYS), _NUMBER), min_size=2, max_size=6))
    def one_customer_writes(self, customer: int, said: list[tuple[str, int]]) -> None:
        """Let one write again and again."""
        for way, which in said:
            _write(self.here, customers()[customer], way, which)
            self.here.step()

    @rule(customer=_WHO, which=_NUMBER)
    def a_number_is_changed(self, customer: int, which: int) -> None:
        """Let one give another number, and prove it."""
        ways = ("digit", "new number", "wrong code", "code") if which % 2 else ("digit", "new number", "code")
        for way in ways:
            _write(self.here, customers()[customer], way, 2 if way == "digit" else which)
            self.here.step()

    @rule(index=st.integers(0, 30))
    def a_text_comes_again(self, index: int) -> None:
        """Let the provider deliver a text again."""
        self.here.write_again(index)

    @rule(customer=_WHO, which=_NUMBER, rounds=st.integers(2, 25))
    def a_machine_answers(self, customer: int, which: int, rounds: int) -> None:
        """Let a machine answer each message."""
        text = texts()[which % len(texts())]
        self.here.chatter(text, sender=customers()[customer].phone, queue=QUEUES[which % 3], rounds=rounds)

    @rule(customer=_WHO, queue=st.sampled_from(QUEUES), slot=st.none() | st.integers(0, 60))
    def a_callback_is_asked_for(self, customer: int, queue: str, slot: int | None) -> None:
        """Let one ask for a callback."""
        self.here.request(customers()[customer], queue, slot=slot)
        self.here.step()

    @rule(customer=_WHO, deed=st.sampled_from(_DEEDS), which=_NUMBER)
    def the_host_acts(self, customer: int, deed: str, which: int) -> None:
        """Let the host change something."""
        _do(self.here, customers()[customer], deed, which)
        self.here.step()

    @rule(pause=st.sampled_from(_PAUSES))
    def time_passes(self, pause: timedelta) -> None:
        """Let time pass."""
        self.here.pass_time(pause)

    @rule(fates=st.lists(st.sampled_from(FATES), min_size=1, max_size=10))
    def sending_goes_wrong(self, fates: list[str]) -> None:
        """Let the next sends go wrong."""
        self.here.fates.extend(fates)

    @rule(index=st.integers(0, 12), kind=st.sampled_from(DeliveryKind), by_provider=st.booleans())
    def a_receipt_comes(self, index: int, kind: DeliveryKind, by_provider: bool) -> None:
        """Let a receipt come, of any send."""
        self.here.receipt(index, kind, by_provider=by_provider)
        self.here.step()

    @rule(agents=st.integers(0, 3), end=st.sampled_from(CALL_ENDS), queue=st.sampled_from(QUEUES))
    def agents_call(self, agents: int, end: str, queue: str) -> None:
        """Let agents come or go, and calls end so."""
        world = self.here
        world.call_end = end
        for index in range(3):
            if index < agents:
                world.try_to(world.service.agent_available, f"agent-{index}", queues=[queue])
            else:
                world.try_to(world.service.agent_unavailable, f"agent-{index}")
        world.step()

    @rule(which=_NUMBER, fate=st.sampled_from(("refuses", "late")), deed=st.sampled_from(_OVERTAKING))
    def a_reminder_is_overtaken(self, which: int, fate: str, deed: str) -> None:
        """Let something happen while a reminder is on its way."""
        callback_id = self.here.to_reminder(which, fate)
        if callback_id is not None:
            _do_to(self.here, callback_id, customers()[which % CUSTOMERS_COUNT], deed, which)
            self.here.pass_time(timedelta(seconds=45))

    @rule()
    def all_nodes_start_again(self) -> None:
        """Let all nodes crash and start again."""
        self.here.restart()

    def teardown(self) -> None:
        """Let everything come to its end."""
        with self.stack:
            if self.world is not None:
                self.done(self.world.end())


def machine_of(
    fresh: Callable[[], AbstractContextManager[Store]] = memory,
    *,
    done: Callable[[Tally], object] = lambda _tally: None,
) -> type[Conversations]:
    """
    Return the machine that hypothesis runs: one world for each example.

    Args:
        fresh: gives an empty store.
        done: is told what there was in each world that came to its end.
    """

    class Played(Conversations):
        """The same, on the stores that are asked for."""

        def fresh(self) -> AbstractContextManager[Store]:
            """Return an empty store."""
            return fresh()

        def done(self, tally: Tally) -> object:
            """Take note of what there was, at the end."""
            return done(tally)

    return Played

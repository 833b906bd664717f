"""
A small world of customers who write, for `conversations`: the real service and dispatcher, and all around them made up.

Nothing is drawn here: what happens is said by whoever has the world. Each text, and each message that is given out, is
held at once against the account of the `MessageBook`.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any, Final

import attrs

from callbackq.core.history import fold
from callbackq.core.numbers import number_key
from callbackq.dispatcher import Dispatcher
from callbackq.effects import Bridge, Dial, Effect, HangUp, Heard, SendMessage
from callbackq.errors import CallbackNotFound, CallbackqError, MessageNotFound
from callbackq.ids import DEFAULT_TENANT
from callbackq.model import (
    SMS,
    AnsweredBy,
    Cause,
    Delivery,
    DeliveryKind,
    Disposition,
    Entity,
    Inbound,
    Medium,
    Message,
    ReplyWish,
    Report,
    ReportKind,
    Role,
    Wait,
)
from callbackq.ports import Commit, Store
from callbackq.service import CallbackService
from callbackq.testing.clock import START, ManualClock, SequentialIds
from callbackq.testing.conversation_people import (
    Customer,
    numbers,
    policies,
    rules_of_messages,
    secrets,
    zones_of,
)
from callbackq.testing.fakes import FakeEstimator
from callbackq.testing.message_checkers import Facts, MessageBook, Rows

PEPPER: Final = bytes(range(32))
STOPS: Final = ("STOP", "stop", "Stop.", "UNSUBSCRIBE", "QUIT", "end", "Please stop texting me", "stop all")
"""Whoever writes this wants no more messages, whatever is made of it."""
FATES: Final = (
    "accepts",
    "refuses",
    "is impossible",
    "knows of an opt-out",
    "fails, not sent",
    "fails, sent",
    "sends, says nothing",
    "late",
    "lost",
)
CALL_ENDS: Final = ("answered", "no answer", "busy", "wrong", "rings on", "agent away", "machine")
_OLD_HEARD_MAX: Final = 12
_STEPS_MAX: Final = 14
_DAY: Final = timedelta(days=1)
_TEN_MINUTES: Final = Wait(mean_s=500, low_s=300, high_s=600)
_REPORTED: Final = {
    "accepts": DeliveryKind.ACCEPTED,
    "refuses": DeliveryKind.REFUSED,
    "is impossible": DeliveryKind.IMPOSSIBLE,
    "knows of an opt-out": DeliveryKind.OPTED_OUT,
    "fails, not sent": DeliveryKind.UNCERTAIN,
    "fails, sent": DeliveryKind.UNCERTAIN,
}
_NOT_SENT: Final = frozenset({"refuses", "is impossible", "knows of an opt-out", "fails, not sent"})


class _Ids(SequentialIds):
    """Ids that count, and are remembered."""

    def __init__(self) -> None:
        super().__init__()
        self.made: dict[str, list[str]] = {}

    def new(self, prefix: str, *, now: datetime) -> str:
        made = super().new(prefix, now=now)
        self.made.setdefault(prefix, []).append(made)
        return made


class _Errors(logging.Handler):
    """Remembers what was logged as an error: nothing of what happens here is one."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record.getMessage())


class _Service(CallbackService):
    """The real one, whose one-time codes follow from a seed."""

    chance: Random

    def _draw(self, below: int) -> int:
        return self.chance.randrange(below)


@attrs.frozen(kw_only=True)
class Tally:
    """What there was in one world, or in many."""

    conversations: int = 0
    texts: int = 0
    wishes: Counter[str] = attrs.field(factory=Counter[str])
    messages: Counter[str] = attrs.field(factory=Counter[str])
    kinds: Counter[str] = attrs.field(factory=Counter[str])

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            conversations=self.conversations + other.conversations,
            texts=self.texts + other.texts,
            wishes=self.wishes + other.wishes,
            messages=self.messages + other.messages,
            kinds=self.kinds + other.kinds,
        )


# ---------------------------------------------------------------------------- the world


class World:
    """
    One contact center with its customers, provider and telephones, in virtual time.

    Args:
        store: an empty one.
        start: when it begins.
    """

    def __init__(self, store: Store, *, start: datetime = START) -> None:
        self.store: Final = store
        self.clock: Final = ManualClock(start)
        self.ids: Final = _Ids()
        endings = frozenset(one[-4:] for one in numbers())
        self.book: Final = MessageBook(
            rules=rules_of_messages(), endings=endings, company=frozenset({"+18005550100"})
        )
        self.fates: deque[str] = deque()
        self.call_end = "answered"
        self.late: list[SendMessage] = []
        self.sent: list[tuple[SendMessage, str]] = []
        self.received: dict[tuple[str, str], list[SendMessage]] = {}
        self.written: list[tuple[Inbound, int]] = []
        self.heard_by: Counter[tuple[str, str]] = Counter()
        self.wishes: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self._inbound_ids = count(1)
        self._chance = Random(0)
        self._errors = _Errors()
        logging.getLogger("callbackq").addHandler(self._errors)
        self.restart()

    def close(self) -> None:
        """Listen to the log no more."""
        logging.getLogger("callbackq").removeHandler(self._errors)

    def restart(self) -> None:
        """Let two new nodes take over what the store has."""
        services = [self._new_service() for _ in range(2)]
        self.service: CallbackService = services[0]
        self.nodes: deque[Dispatcher] = deque(
            Dispatcher(service, node_id=f"node-{number}") for number, service in enumerate(services)
        )
        self.late = []

    def _new_service(self) -> CallbackService:
        service = _Service(
            self.store, policies(), clock=self.clock, ids=self.ids, estimator=FakeEstimator(_TEN_MINUTES)
        )
        service.chance = self._chance
        return service

    @property
    def now(self) -> datetime:
        """What time it is."""
        return self.clock.now()

    # ------------------------------------------------------------------ rows

    def rows(self) -> Rows:
        """Return all callbacks and persons as they are."""
        with self.store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
            callbacks = self._found(tx.callbacks.get, "cb")
            subjects = self._found(tx.subjects.get, "su")
        return Rows(callbacks=callbacks, subjects=subjects)

    def messages(self) -> dict[str, Message]:
        """Return all messages as they are."""
        with self.store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
            return self._found(tx.messages.get, "ms")

    def _found(self, get: Any, prefix: str) -> dict[str, Any]:
        """Return the rows of all ids that were ever made. Not all were stored: a transaction may have been undone."""
        found: dict[str, Any] = {}
        for key in self.ids.made.get(prefix, ()):
            try:
                found[key] = get(key)
            except LookupError:
                continue
        return found

    def facts(self, order: SendMessage) -> Facts:
        """Return what a message is about."""
        with self.store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
            message = tx.messages.get(order.message_id)
            callback = tx.callbacks.get(message.callback_id) if message.callback_id is not None else None
            booking_id = callback.booking_id if callback is not None else None
            booking = tx.bookings.get(booking_id) if booking_id is not None else None
            subject = tx.subjects.get(message.subject_id) if message.subject_id is not None else None
        zones: tuple[str, ...] = ()
        if subject is not None and subject.number:
            zones = (subject.zone,) if subject.zone is not None else zones_of(subject.number)
        return Facts(
            now=self.now, message=message, callback=callback, booking=booking, subject=subject, zones=zones
        )

    # ------------------------------------------------------------------ customers

    def write(
        self,
        text: str,
        *,
        sender: str,
        queue: str,
        channel: str = SMS,
        answers_id: str | None = None,
        again: bool = False,
    ) -> Heard:
        """Let somebody write, hold what comes of it against the account, and send the answers."""
        inbound = Inbound(
            inbound_id=f"in-{next(self._inbound_ids)}",
            sender=sender,
            text=text,
            queue=queue,
            channel=channel,
            answers_id=answers_id,
        )
        self.heard_by[channel, sender] += 1
        self.written.append((inbound, self.heard_by[channel, sender]))
        return self._received(inbound)

    def write_again(self, index: int) -> None:
        """Let the provider hand on a text once more that was heard a short while ago: nothing may follow from it."""
        recent = [
            inbound
            for inbound, number in self.written
            if self.heard_by[inbound.channel, inbound.sender] - number < _OLD_HEARD_MAX
        ]
        if not recent:
            return
        inbound = recent[index % len(recent)]
        before = self.rows()
        heard = self.service.message_received(inbound)
        after = self.rows()
        assert not heard.effects, f"{inbound.inbound_id} was answered twice"
        assert not heard.changed, f"{inbound.inbound_id} was heard twice"
        assert before == after, f"{inbound.inbound_id} has changed something twice"

    def _received(self, inbound: Inbound) -> Heard:
        before = self.rows()
        sender = inbound.sender
        self.book.wrote(sender, inbound.channel, inbound.text, now=self.now)
        heard = self.service.message_received(inbound)
        of = before.callbacks.get(heard.callback_id) if heard.callback_id is not None else None
        about = of.queue if of is not None and of.queue in self.book.rules else inbound.queue
        self.book.changed(before, self.rows(), sender=sender, text=inbound.text, queue=about, at=self.now)
        self.wishes[heard.wish or "none"] += 1
        if heard.wish in (ReplyWish.OPT_OUT, ReplyWish.CANCEL_AND_OPT_OUT) or inbound.text in STOPS:
            self.book.opted_out(sender, queue=inbound.queue)
        elif heard.wish is ReplyWish.OPT_IN:
            self.book.opted_in(sender)
        self.perform(heard.effects, answers=sender)
        return heard

    def chatter(self, text: str, *, sender: str, queue: str, rounds: int) -> None:
        """Let a machine answer each message with the message itself, at once; and begin with *text*."""
        said = text
        for _ in range(rounds):
            seen = len(self.received.get((SMS, sender), ()))
            self.write(said, sender=sender, queue=queue)
            self.clock.advance(timedelta(seconds=4))
            self.step()
            got = self.received.get((SMS, sender), [])
            if len(got) > seen:
                said = got[-1].text

    # ------------------------------------------------------------------ time

    def step(self) -> None:
        """Let one of the nodes do what is due, and perform what it gives out."""
        self.nodes.rotate()
        effects = self.nodes[0].step(self.now)
        assert not self._errors.seen, f"logged as an error: {self._errors.seen[0]}"
        self.perform(effects)

    def pass_time(self, duration: timedelta) -> None:
        """Let time pass; the nodes step whenever something is due, but not without end."""
        until = self.now + duration
        waiting, self.late = self.late, []
        for order in waiting:
            self._send(order, "accepts")
        for _ in range(_STEPS_MAX):
            at = self.nodes[0].next_wakeup()
            if at is None or at > until:
                break
            self.clock.move_to(max(at, self.now))
            self.step()
        self.clock.move_to(until)
        self.step()

    def end(self) -> Tally:
        """Let all come to its end, check every row and event, and return what there was."""
        self.fates.clear()
        self.call_end = "no answer"
        for _ in range(7):
            self.clock.advance(_DAY)
            self.step()
        messages = self.messages()
        self.book.over(messages.values(), now=self.now)
        self._check_history()
        ends = Counter(str(row.ended_as) for row in messages.values())
        return Tally(
            conversations=len(self.heard_by),
            texts=self.heard_by.total(),
            wishes=self.wishes,
            messages=ends,
            kinds=self.kinds,
        )

    def _check_history(self) -> None:
        """Check that history gives every row, and that neither it nor messages and conversations tell of persons."""
        with self.store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
            tables: dict[Entity, Any] = {
                Entity.CALLBACK: tx.callbacks.get,
                Entity.AGENT: tx.agents.get,
                Entity.ATTEMPT: tx.attempts.get,
                Entity.BOOKING: tx.bookings.get,
                Entity.OPT_OUT: tx.opt_outs.find,
                Entity.MESSAGE: tx.messages.get,
            }
            events = tx.history.all()
            folded = fold(events)
            for (entity, key), record in folded.items():
                assert tables[entity](key) == record, f"{entity} {key} is not as its history says"
            keys = [f"{channel}/{self._key(sender)}" for channel, sender in self.heard_by]
            conversations = [tx.conversations.find(key) for key in keys]
        assert {key for entity, key in folded if entity is Entity.MESSAGE} == set(self.messages())
        assert None not in conversations, "who has written has no conversation"
        records = [record for (entity, _), record in folded.items() if entity is Entity.MESSAGE]
        shown = (
            f"{type(one).__name__}{attrs.astuple(one, recurse=False)}"
            for one in (*events, *records, *conversations)
            if one is not None
        )
        self.book.check_personal(shown, secrets=secrets(), now=self.now)

    def _key(self, address: str) -> str:
        return number_key(address, tenant_id=DEFAULT_TENANT, pepper=self.store.pepper)

    # ------------------------------------------------------------------ performing

    def perform(self, effects: Sequence[Effect], *, answers: str | None = None) -> None:
        """Judge all messages as they were given out, and then do what is to be done."""
        for effect in effects:
            if isinstance(effect, SendMessage):
                self.book.given_out(effect, self.facts(effect), answers=answers)
                if answers is not None and not self.service.message_is_wanted(effect.send_id):
                    self.book.unwanted(effect, now=self.now)
        for effect in effects:
            match effect:
                case SendMessage():
                    self._hand_on(effect)
                case Dial():
                    self._dial(effect)
                case Bridge():
                    self._bridge(effect)
                case HangUp():
                    self._report(Report(leg_id=effect.leg_id, kind=ReportKind.ENDED, cause=Cause.NORMAL))
                case _:
                    pass

    def _hand_on(self, order: SendMessage) -> None:
        fate = self.fates.popleft() if self.fates else "accepts"
        if fate == "late":
            self.late.append(order)
        elif fate != "lost":
            self._send(order, fate)

    def _send(self, order: SendMessage, fate: str) -> None:
        """Do as a runner does: ask whether it is wanted, send it, and tell what came of it."""
        if not self.service.message_is_wanted(order.send_id):
            return
        self.book.may_be_sent(order, self.facts(order))
        kind = _REPORTED.get(fate)
        provider_id = f"provider-{order.send_id}"
        if fate not in _NOT_SENT:
            self.sent.append((order, provider_id))
            self.kinds[order.kind] += 1
            if order.to is not None:
                self.received.setdefault((order.channel, order.to), []).append(order)
        if kind is None:
            return
        told = provider_id if kind is DeliveryKind.ACCEPTED else None
        self._deliver(order, Delivery(kind=kind, send_id=order.send_id, provider_id=told))

    def receipt(self, index: int, kind: DeliveryKind, *, by_provider: bool) -> None:
        """Let the provider tell later, once more or wrongly what became of a message that was sent."""
        if not self.sent:
            return
        order, provider_id = self.sent[-1 - index % len(self.sent)]
        given: dict[str, Any] = {"send_id": order.send_id}
        if by_provider:
            given = {"provider_id": provider_id, "channel": order.channel}
        try:
            self._deliver(order, Delivery(kind=kind, **given))
        except MessageNotFound:
            assert by_provider, "a send that was given out is not known"

    def _deliver(self, order: SendMessage, delivery: Delivery) -> None:
        self.book.reported(order.send_id, delivery.kind)
        self.service.delivery(delivery)
        if delivery.kind is DeliveryKind.OPTED_OUT and order.to is not None:
            self.book.opted_out(order.to, queue=None)

    # ------------------------------------------------------------------ calls

    def _report(self, report: Report) -> None:
        self.perform(self.service.report(report).effects)

    def _dial(self, effect: Dial) -> None:
        leg_id, end = effect.leg_id, self.call_end
        if effect.role is Role.AGENT:
            if end == "agent away":
                self._report(Report(leg_id=leg_id, kind=ReportKind.ENDED, cause=Cause.NO_ANSWER))
            else:
                self._report(Report(leg_id=leg_id, kind=ReportKind.ANSWERED))
        elif end in ("answered", "wrong", "machine"):
            by = AnsweredBy.MACHINE if end == "machine" else AnsweredBy.HUMAN
            self._report(Report(leg_id=leg_id, kind=ReportKind.ANSWERED, answered_by=by))
        elif end in ("no answer", "busy"):
            cause = Cause.BUSY if end == "busy" else Cause.NO_ANSWER
            self._report(Report(leg_id=leg_id, kind=ReportKind.ENDED, cause=cause))

    def _bridge(self, effect: Bridge) -> None:
        for leg_id in (effect.agent_leg_id, effect.customer_leg_id):
            self._report(Report(leg_id=leg_id, kind=ReportKind.BRIDGED))
        self._report(Report(leg_id=effect.customer_leg_id, kind=ReportKind.ENDED, cause=Cause.NORMAL))
        self._report(Report(leg_id=effect.agent_leg_id, kind=ReportKind.ENDED, cause=Cause.NORMAL))
        if self.call_end == "wrong":
            with self.store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
                callback_id = tx.attempts.get(effect.attempt_id).callback_id
            said = self.try_to(
                self.service.set_disposition, callback_id, Disposition.WRONG_PERSON, by="agent"
            )
            self.perform(said.effects if said is not None else ())

    # ------------------------------------------------------------------ the host

    def try_to(self, deed: Any, *args: Any, **kwargs: Any) -> Any:
        """Give the service a command that it may refuse, and perform what follows."""
        try:
            return deed(*args, **kwargs)
        except (CallbackqError, CallbackNotFound):
            return None

    def request(self, customer: Customer, queue: str, *, slot: int | None) -> None:
        """Ask for a callback as one customer: in line, or at one of the next free times."""
        scheduled_at = None
        if slot is not None and queue == "slots":
            free = self.service.free_slots(queue, limit=60)
            scheduled_at = free[slot % len(free)].starts_at if free else None
        number = (
            customer.phone if customer.extension is None else f"{customer.phone};ext={customer.extension}"
        )
        self.try_to(
            self.service.request,
            queue,
            number=number,
            customer_id=customer.customer_id,
            name=customer.name,
            language=customer.language,
            scheduled_at=scheduled_at,
        )
        if customer.email is not None:
            who = {"customer_id": customer.customer_id} if customer.customer_id else {"number": number}
            self.try_to(self.service.set_preferences, **who, email=customer.email)

    def callback_of(self, customer: Customer, index: int) -> str | None:
        """Return one callback of whoever is called at a customer's telephone, the latest first."""
        rows = self.rows()
        theirs = [
            callback_id
            for callback_id, row in rows.callbacks.items()
            if rows.subjects[row.subject_id].number == customer.phone
        ]
        return theirs[-1 - index % len(theirs)] if theirs else None

    def to_reminder(self, index: int, fate: str) -> str | None:
        """Let time pass until somebody is reminded of a callback, and sending go wrong; return which callback."""
        booked = [
            (row.scheduled_at, callback_id)
            for callback_id, row in self.rows().callbacks.items()
            if row.queue == "slots" and row.state == "scheduled"
        ]
        ahead = sorted(one for one in booked if one[0] - timedelta(hours=1) > self.now)
        if not ahead:
            return None
        at, callback_id = ahead[index % len(ahead)]
        self.pass_time(at - timedelta(hours=1, seconds=5) - self.now)
        self.fates = deque([fate] * 3)
        self.pass_time(timedelta(seconds=6))
        return callback_id

    def opt(self, address: str, *, wanted: bool, medium: Medium | None) -> None:
        """Let the host say that somebody wants no messages, or wants them again."""
        verb = self.service.opt_in if wanted else self.service.opt_out
        verb(address, medium=medium, by="host")
        if medium is not Medium.CALLS:
            if wanted:
                self.book.opted_in(address)
            else:
                self.book.opted_out(address, queue=None)

    def shown_to(self, sender: str, channel: str = SMS) -> Iterable[SendMessage]:
        """Return what somebody was sent, in order."""
        return self.received.get((channel, sender), ())

"""
What people do in a world whose nodes are killed, and what they were told: the account that the checkers believe.

Whoever gets no answer asks again, with the same key. What was answered once stands in the account: a receipt, a seat
that is held, a cancelled callback. A line of the account is written when the answer has come, and never before.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import attrs

from callbackq.effects import ConnectCall, SendMessage
from callbackq.ids import CallbackId
from callbackq.model import CallSnapshot, Disposition, Inbound, Person, Receipt, SlotHold
from callbackq.simulation.kill_node import chance
from callbackq.simulation.kill_parts import CAPS, LIMITS, HelpDesk, Phones, Provider
from callbackq.simulation.kill_world import KillWorld, RefusedBy, Unanswered
from callbackq.simulation.people import fictional_number
from callbackq.simulation.storm_people import Wisher, Worker, draw_wishers, draw_workers, seconds
from callbackq.simulation.world import Happened, Journal, WorldLine
from callbackq.testing.clock import START

SPAN: Final = timedelta(minutes=12)
"""So long people come."""
FAULTS_END: Final = timedelta(minutes=70)
_MEDDLING_TIME: Final = timedelta(minutes=50)
HOLD_LOST: Final = "held seat lost"
CONTRADICTS: Final = "the store contradicts itself"
DOUBLED: Final = "two receipts for one request"
_SECOND: Final = timedelta(seconds=1)
_MINUTE: Final = timedelta(minutes=1)
_OF_CALLBACK: Final = (
    "get",
    "position",
    "explain",
    "history",
    "context",
    "receipt",
    "booking",
    "expected_between",
    "messages_of",
)
"""What a clerk looks at, of one callback."""


class People:
    """
    Everybody in one world: callers, agents, the boss, and a clerk who looks at everything.

    Attributes:
        receipts: what each request was given, by its key.
        served_elsewhere: the live calls that somebody served of whom nobody here knows.
        cancelled_at: when it was said of a callback that it is cancelled.
        ticketed: the callbacks whose request was answered by the desk that opens tickets.
    """

    def __init__(self, world: KillWorld, *, count: int) -> None:
        self.world: Final = world
        self.journal: Final = Journal()
        self.provider: Final = Provider(world, chance(world.seed, "provider"))
        self.desk: Final = HelpDesk()
        self.phones: Final = Phones()
        self.receipts: Final[dict[str, Receipt]] = {}
        self.ticketed: Final[set[CallbackId]] = set()
        self.served_elsewhere: Final[set[str]] = set()
        self.cancelled_at: Final[dict[CallbackId, datetime]] = {}
        self._random: Final = chance(world.seed, "acts")
        self._promised: Final[dict[CallbackId, Wisher]] = {}
        self._on_hold: Final[dict[str, Wisher]] = {}
        self._joined: Final[list[str]] = []
        queues = [policy.queue for policy in world.policies]
        self.workers: Final = [
            attrs.evolve(worker, works_for=4 * worker.works_for, rests_for=max(worker.rests_for, _MINUTE))
            for worker in draw_workers(self._random, queues)[:3]
        ]
        self._wishers: Final = draw_wishers(self._random, count=count, queues=queues, span=SPAN)
        world.ports.update({"messenger": self.provider, "tickets": self.desk, "codes": self.phones})
        world.birth_parts = {"limits": LIMITS, "caps": CAPS}
        world.telephony.on_connect_call = self._talk

    def plan(self) -> None:
        """Plan what everybody will do."""
        world, random = self.world, self._random
        for worker in self.workers:
            world.plan(timedelta(0), partial(self._sign_in, worker))
        for index, wisher in enumerate(self._wishers):
            world.plan(wisher.after, partial(self._wish, f"call-{index:03d}", wisher))
        for index, act in enumerate(
            (self._book, self._book_and_move, self._prove, self._event, self._together, self._strange)
        ):
            world.plan(SPAN * random.random(), partial(act, f"act-{index}", self._somebody(100 + index)))
        for _ in range(2):
            world.plan(SPAN * random.random(), self._book_more)
        world.plan(_MINUTE, self._meddle)
        for after in (SPAN * 0.4, SPAN, FAULTS_END):
            world.plan(after, self._look_at_everything)
        world.plan(SPAN * (0.5 + random.random()), world.deploy)
        world.plan(FAULTS_END, world.end_faults)

    def _somebody(self, index: int, queue: str | None = None) -> Wisher:
        policies = self.world.policies
        return Wisher(
            number=fictional_number(index) + (f";ext={index}" if index % 2 else ""),
            queue=queue or policies[0].queue,
            after=timedelta(0),
            calls=False,
            converts=False,
        )

    # ------------------------------------------------------------------ agents

    def _sign_in(self, worker: Worker) -> None:
        if self._is_late():
            return
        world = self.world
        world.again(
            lambda: world.say(
                "agent_available", worker.agent_id, queues=worker.queues, skills=worker.skills, wants=False
            )
        )
        world.note_change()
        world.plan(worker.works_for, partial(self._sign_out, worker))

    def _sign_out(self, worker: Worker) -> None:
        self.world.again(lambda: self.world.say("agent_unavailable", worker.agent_id, wants=False))
        self.world.note_change()
        self.world.plan(worker.rests_for, partial(self._sign_in, worker))

    def _is_late(self) -> bool:
        return self.world.clock.now() - START > timedelta(hours=3)

    # ------------------------------------------------------------------ callers

    def _wish(self, call_id: str, wisher: Wisher) -> None:
        world = self.world
        if wisher.calls:
            self._write(Happened.JOINED, wisher, call_id=call_id)
            world.again(partial(self._join, call_id, wisher, world.clock.now()))
        else:
            world.again(partial(self._ask, call_id, wisher))

    def _join(self, call_id: str, wisher: Wisher, at: datetime) -> None:
        world = self.world
        world.note_change()
        world.say(
            "call_joined",
            wisher.queue,
            call_id=call_id,
            number=wisher.number,
            skills=wisher.skills,
            entered_at=at,
            wants=False,
        )
        self._on_hold[call_id] = wisher
        self._joined.append(call_id)
        stays = seconds(self._random, 0, self._random.choice((3, 120)))
        if wisher.converts:
            world.plan(stays, lambda: world.again(partial(self._press, call_id, wisher)))
        else:
            world.plan(stays, lambda: world.again(partial(self._leave_if_waiting, call_id)))

    def _press(self, call_id: str, wisher: Wisher) -> None:
        """Hear the offer, and press the key."""
        try:
            offer = self.world.say("offer", call_id, asked=self._random.random() < 0.5)
            if self._random.random() < 0.1:
                self.world.say("offer_declined", call_id, wants=False)
        except RefusedBy:
            return
        self._ask(call_id, wisher, call_id=call_id, offer_id=getattr(offer, "offer_id", None))

    def _leave_if_waiting(self, call_id: str) -> None:
        if self.world.say("call", call_id).agent_id is not None:
            return
        if self._random.random() < 0.3:
            # The phone system gives the caller to somebody of whom nobody here knows.
            self.served_elsewhere.add(call_id)
            self.world.say("call_served", call_id, wants=False)
            self._talk_on(call_id)
        else:
            self.world.say("call_left", call_id, wants=False)
        self._on_hold.pop(call_id, None)
        self.world.note_change()

    def _ask(self, key: str, wisher: Wisher, *, call_id: str | None = None, **more: Any) -> None:
        """Ask for a callback, until there is an answer; and once in a while again afterwards."""
        now = self.world.clock.now()
        scheduled_at = more.pop("scheduled_at", None)
        if (
            scheduled_at is None
            and wisher.scheduled_in
            and call_id is None
            and self._has_no_slots(wisher.queue)
        ):
            scheduled_at = now + wisher.scheduled_in
        ask = partial(
            self._ask_with,
            key,
            wisher,
            call_id=call_id,
            number=wisher.number,
            request_key=f"wish-{key}",
            skills=wisher.skills,
            alternatives=wisher.alternatives,
            scheduled_at=scheduled_at,
            source=f"10.0.0.{len(key)}",
            context={"why": "billing"},
            confirmed=True,
            **more,
        )
        self.world.again(ask)
        if self._random.random() < 0.25:
            self.world.plan(seconds(self._random, 1, 600), lambda: self.world.again(ask))

    def _has_no_slots(self, queue: str) -> bool:
        return all(policy.slots is None for policy in self.world.policies if policy.queue == queue)

    def _ask_with(self, key: str, wisher: Wisher, **request: Any) -> None:
        world = self.world
        world.note_change()
        receipt: Receipt = world.say("request", wisher.queue, **request)
        is_new = self._given(key, wisher, receipt, call_id=request["call_id"])
        if request["call_id"] is None:
            self.ticketed.add(receipt.callback_id)
        elif is_new:
            self._on_hold.pop(request["call_id"], None)

    def _given(self, key: str, wisher: Wisher, receipt: Receipt, *, call_id: str | None = None) -> bool:
        """Write down that somebody was given a receipt; say whether it is the first one."""
        before = self.receipts.setdefault(key, receipt)
        if before.callback_id != receipt.callback_id:
            self.world.found(DOUBLED, what=f"{before.callback_id} before", which=receipt.callback_id)
        if before is not receipt:
            return False
        self._promised[receipt.callback_id] = wisher
        if call_id is None:
            self._write(Happened.JOINED, wisher, call_id=receipt.callback_id)
        self._write(Happened.PROMISED, wisher, call_id=key, callback_id=receipt.callback_id)
        return True

    def _talk(self, order: ConnectCall) -> None:
        """A live caller is with an agent."""
        self._talk_on(order.call_id)

    def _talk_on(self, call_id: str) -> None:
        """Talk for a while, and hang up."""
        self._on_hold.pop(call_id, None)
        self.world.plan(seconds(self._random, 5, 200), lambda: self._hang_up(call_id))

    def _hang_up(self, call_id: str) -> None:
        self.world.again(lambda: self.world.say("call_left", call_id, wants=False))
        self.world.note_change()

    # ------------------------------------------------------------------ booked times

    def _book_more(self) -> None:
        index = self._random.randrange(200, 1000)
        self._book(f"book-{index}", self._somebody(index))

    def _book(self, key: str, wisher: Wisher, *, then: Callable[[CallbackId], object] | None = None) -> None:
        """Look at the free slots, hold one, and book it."""
        world = self.world

        def hold() -> None:
            slots = world.say("free_slots", wisher.queue)
            if not slots:
                return
            slot_at = self._random.choice(slots).starts_at
            held: SlotHold = world.say("hold_slot", wisher.queue, slot_at=slot_at, number=wisher.number)
            if self._random.random() < 0.2:
                world.again(lambda: world.say("release_slot", held.booking_id, wants=False))
                return
            world.plan(seconds(self._random, 0, 50), lambda: world.again(partial(book, held)))

        def book(held: SlotHold) -> None:
            in_time = world.clock.now() < held.expires_at
            world.note_change()
            try:
                self._ask_with(
                    key,
                    wisher,
                    call_id=None,
                    number=wisher.number,
                    request_key=f"wish-{key}",
                    booking_id=held.booking_id,
                    confirmed=True,
                )
            except RefusedBy as refused:
                if in_time and refused.error in ("SlotUnavailable", "BookingNotFound"):
                    world.found(HOLD_LOST, what=refused.error, which=held.booking_id)
                return
            if then is not None and key in self.receipts:
                then(self.receipts[key].callback_id)

        world.again(hold)

    def _book_and_move(self, key: str, wisher: Wisher) -> None:
        world = self.world

        def move(callback_id: CallbackId) -> None:
            slots = world.say("free_slots", wisher.queue)
            if slots:
                world.say("reschedule", callback_id, scheduled_at=slots[-1].starts_at, wants=False)

        def moves(callback_id: CallbackId) -> None:
            world.plan(30 * _SECOND, lambda: world.again(partial(move, callback_id)))

        self._book(key, wisher, then=moves)

    # ------------------------------------------------------------------ codes, events, strangers

    def _prove(self, key: str, wisher: Wisher) -> None:
        """Prove a number by a code, and ask with it."""
        world = self.world

        def prove() -> None:
            sent = world.say("send_code", wisher.queue, number=wisher.number)
            world.again(partial(enter, sent.verification_id))

        def enter(verification_id: str) -> None:
            code = self.phones.codes.get(verification_id, "000000")
            world.say("enter_code", verification_id, code=code, wants=False)
            world.again(
                partial(
                    self._ask_with,
                    key,
                    wisher,
                    call_id=None,
                    number=wisher.number,
                    request_key=f"wish-{key}",
                    verification_id=verification_id,
                    confirmed=True,
                )
            )

        world.again(prove)

    def _event(self, key: str, wisher: Wisher) -> None:
        """Something happened, and several customers are to be called because of it."""
        world = self.world
        queue = world.policies[-1].queue
        people = [Person(number=fictional_number(300 + index), priority=200) for index in range(3)]

        def trigger() -> None:
            world.note_change()
            receipts: dict[int, Receipt] = world.say(".request_many", queue, people=people, event_key=key)
            for index, receipt in receipts.items():
                one = attrs.evolve(wisher, number=people[index].number, queue=queue)
                self._given(f"{key}-{index}", one, receipt)

        world.again(trigger)

    def _together(self, key: str, wisher: Wisher) -> None:
        """Several ask in the same moment, and share what it takes to answer them."""
        world = self.world
        queue = world.policies[-1].queue
        wishers = [
            attrs.evolve(wisher, number=fictional_number(400 + index), queue=queue) for index in range(3)
        ]
        names = [f"{key}-{index}" for index in range(3)]

        def ask() -> None:
            world.note_change()
            requests = [
                {"number": one.number, "request_key": f"wish-{name}"}
                for one, name in zip(wishers, names, strict=True)
            ]
            receipts: list[Receipt | None] = world.say(".request_together", queue, requests)
            for one, name, receipt in zip(wishers, names, receipts, strict=True):
                if receipt is not None:
                    self._given(name, one, receipt)
            if None in receipts:
                raise Unanswered

        world.again(ask)

    def _strange(self, _key: str, wisher: Wisher) -> None:
        """Somebody whom nobody promised anything: wishes to be left alone, and to be forgotten."""
        world, number = self.world, wisher.number.split(";", maxsplit=1)[0]
        acts: list[Callable[[], object]] = [
            lambda: world.say("set_preferences", customer_id="c-7", language="de", wants=False),
            lambda: world.say("preferences", customer_id="c-7", wants=False),
            lambda: world.say("opt_out", number, wants=False),
            lambda: world.say("opted_out", number, wants=False),
            lambda: world.say("opt_in", number, wants=False),
            lambda: world.say(".erase", number=number, wants=False),
        ]
        for index, act in enumerate(acts):
            world.plan(index * 20 * _SECOND, partial(world.again, act))

    # ------------------------------------------------------------------ who writes

    def write(self, text: str, order: SendMessage) -> None:
        """A customer answers a message, and the provider says so until somebody hears it."""
        world = self.world
        inbound = Inbound(
            inbound_id=f"in-{order.send_id}",
            sender=order.to or "",
            text=text,
            queue=order.queue,
            channel=order.channel,
        )
        world.note_change()
        world.again(lambda: world.say(".message_received", inbound, wants=False))

    # ------------------------------------------------------------------ people who know better

    def _meddle(self) -> None:
        """Somebody does something to one of the promises, now and then."""
        world, random = self.world, self._random
        if world.clock.now() - START > _MEDDLING_TIME:
            return
        world.plan(seconds(random, 20, 150), self._meddle)
        if self.provider.orders and random.random() < 0.3:
            texts = ("9", "1", "STOP", "call me", "2")
            self.write(random.choice(texts), random.choice(self.provider.orders))
        if self._promised:
            callback_id = random.choice(list(self._promised))
            world.again(lambda: self._act(callback_id))
            world.note_change()

    def _act(self, callback_id: CallbackId) -> None:
        world, random = self.world, self._random
        what = random.choice(
            ("cancel", "cancel", "call_now", "mark_done", "settle", "correct", "prioritize", "link")
        )
        if what == "cancel":
            world.say("cancel", callback_id, wants=False)
            self.cancelled_at.setdefault(callback_id, world.clock.now())
        elif what == "call_now":
            world.say("call_now", callback_id, by="boss", wants=False)
        elif what == "mark_done":
            world.say("mark_done", callback_id, by="boss", reason="met in the hall", wants=False)
        elif what == "prioritize":
            world.say("report_score", callback_id, score=4, resolved=True, wants=False)
        elif what == "link":
            token = world.say("link_token", callback_id)
            world.say("open_link", token, wants=False)
        elif what == "settle":
            self._noting(
                Happened.SETTLED,
                callback_id,
                lambda: world.say(
                    ".settle",
                    callback_id,
                    random.choice((Disposition.NO_ANSWER, Disposition.BUSY)),
                    by="boss",
                    wants=False,
                ),
            )
        else:
            self._noting(
                Happened.CORRECTED,
                callback_id,
                lambda: world.say(
                    ".set_disposition", callback_id, Disposition.MACHINE, by="agent", wants=False
                ),
            )

    def _noting(self, what: Happened, callback_id: CallbackId, act: Callable[[], object]) -> None:
        """Write down a person's word, also where no answer came: it may have been taken."""
        try:
            act()
        except Unanswered:
            self._write(what, self._promised[callback_id], callback_id=callback_id)
            raise
        self._write(what, self._promised[callback_id], callback_id=callback_id)

    # ------------------------------------------------------------------ who looks

    def _look_at_everything(self) -> None:
        """A clerk looks at all that there is to be seen."""
        world, queue = self.world, self.world.policies[0].queue
        now = world.clock.now()
        some: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
            ("line", (queue,), {}),
            ("control", (queue,), {}),
            ("pause", (queue,), {"offering": True}),
            ("resume", (queue,), {"offering": True}),
            ("queue_history", (queue,), {}),
            ("rates", (queue,), {}),
            ("quotes", (queue,), {}),
            ("overtakes", (queue,), {}),
            ("slots", (queue,), {}),
            ("booked", (queue,), {}),
            ("crowded_slots", (queue,), {}),
            ("punctuality", (queue,), {"from_at": now - SPAN, "until_at": now}),
            ("agent", (self.workers[0].agent_id,), {}),
            ("agent_history", (self.workers[0].agent_id,), {}),
            ("uncertain_messages", (), {}),
            ("history_heads", (), {}),
            (".export", (), {}),
            ("prune", (), {"personal_life": timedelta(days=30)}),
        ]
        for callback_id in list(self._promised)[-2:]:
            some += [(what, (callback_id,), {}) for what in _OF_CALLBACK]
            some.append(("callbacks_of", (), {"number": self._promised[callback_id].number}))
        for call_id in self._joined[-1:]:
            some += [(what, (call_id,), {}) for what in ("call_position", "call_history")]
        for what, args, kwargs in some:
            world.again(partial(world.say, what, *args, wants=False, **kwargs))
        self._resync(queue)
        world.again(self._see_the_doctor)

    def _see_the_doctor(self) -> None:
        """The store contradicts itself nowhere."""
        for found in self.world.say(".doctor"):
            self.world.found(CONTRADICTS, what=found, which="the doctor")

    def prune(self) -> None:
        """When all has been over for long it is removed; whoever is killed at that does no harm."""
        self.world.again(self._remove)

    def _remove(self) -> None:
        if not self.world.say(".prune"):
            self.world.found(CONTRADICTS, what="the history is not whole after pruning", which="the history")

    def _resync(self, queue: str) -> None:
        """The PBX says which live calls it has."""
        calls = [
            CallSnapshot(call_id=call_id, number=wisher.number)
            for call_id, wisher in self._on_hold.items()
            if wisher.queue == queue
        ]
        world = self.world
        world.again(lambda: world.say("resync_calls", queue, calls=calls, as_of=None, wants=False))
        world.note_change()

    def _write(self, what: Happened, wisher: Wisher, **ids: str | None) -> None:
        self.journal.write(
            WorldLine(
                at=self.world.clock.now(),
                what=what,
                call_id=ids.pop("call_id", None) or "",
                number=wisher.number,
                skills=wisher.skills,
                **ids,
            )
        )

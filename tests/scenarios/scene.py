"""
The words in which the scenarios are told: agents, customers, time that passes, and what was seen of it.

A scene is a support center of the handbook "Callback & Scheduled Call Management" (S2), around the real engine. What
was seen is a story: one line for each thing that a bystander would have noticed, with its time, such as
`"0:05 Ann accepts"`. It is read off the telephone network and the notices, not off the engine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

import attrs

from callbackq import (
    KEYS_S2,
    RETRIES_S2,
    AnsweredBy,
    Callback,
    CallbackService,
    CallbackState,
    Cause,
    Choice,
    Dial,
    Disposition,
    Event,
    HangUp,
    LegId,
    Mode,
    Notice,
    NoticeKind,
    Play,
    QueuePolicy,
    Receipt,
    Role,
    Store,
    TicketOrder,
    Tickets,
)
from callbackq.policy import FixedSeats, SlotPolicy, Span, WeekHours, weekdays
from callbackq.testing import (
    IS_BUSY,
    NEVER_ANSWERS,
    Behaviour,
    Carried,
    CarrierEntry,
    FakeTelephony,
    ManualClock,
    VirtualHost,
)

QUEUE: Final = "support"
"""The only queue."""

S2: Final[Mapping[str, Any]] = MappingProxyType(
    {
        **RETRIES_S2.settings(),
        "mode": Mode.SIMULTANEOUS,
        "ring_on_max": timedelta(seconds=18),  # Three rings.
        "keys": KEYS_S2,
        "survey": True,
        "company": "Acme Support",
        "company_number": "555-0199",
    }
)
"""What the handbook asks for and a queue does not do by itself: dialing both at once, three rings, keys, a survey."""

NEW_YORK: Final = ZoneInfo("America/New_York")
AFTERNOON: Final = datetime(2026, 1, 5, 18, 40, tzinfo=UTC)
"""A Monday, 1:40 PM in New York: the slots of the handbook are all within the next 4 hours."""

START: Final = datetime(2026, 1, 5, 8, tzinfo=UTC)


def seats(count: int, **settings: Any) -> SlotPolicy:
    """Return slots every quarter of an hour, each with so many seats."""
    return SlotPolicy(seats=FixedSeats(seats=count), length=timedelta(minutes=15), **settings)


SLOTS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "hours": WeekHours(zone="America/New_York", week=weekdays(Span(time(9), time(18)))),
        "slots": seats(1),
        "mode": Mode.CUSTOMER_FIRST,
        "ring_on_max": None,
    }
)
"""Slots every quarter of an hour, with one seat; the customer is dialed, and then the agent joins."""

TALK: Final = [
    "0:00 Ann is rung",
    "0:00 Bob is called",
    "0:00 Ann accepts",
    "0:05 Bob answers",
    "0:05 Ann and Bob talk",
]
"""The story of a callback that goes well, where Ann accepts at once and Bob answers after five seconds."""

_UNITS: Final = {"s": 1, "min": 60, "h": 3_600, "days": 86_400}


def time_of(text: str) -> timedelta:
    """
    Read a span of time.

    >>> time_of("2 min"), time_of("24 h")
    (datetime.timedelta(seconds=120), datetime.timedelta(days=1))
    """
    count, unit = text.split()
    return timedelta(seconds=int(count) * _UNITS[unit])


# ---------------------------------------------------------------------------- people


@attrs.define(eq=False)
class Agent:
    """One who takes calls. What is said of how they take them holds for the next ones, in order; the last for all."""

    scene: Scene
    name: str
    _does: list[Behaviour] = attrs.field(factory=list)

    def accepts_after(self, seconds: float) -> Agent:
        """Clicks "Accept" so many seconds after being rung."""
        return self._will(Behaviour(answers_after=timedelta(seconds=seconds)))

    def declines_after(self, seconds: float) -> Agent:
        return self._will(
            Behaviour(answers_after=None, fails_after=timedelta(seconds=seconds), cause=Cause.REJECTED)
        )

    def does_not_react(self) -> Agent:
        return self._will(NEVER_ANSWERS)

    def is_free(self) -> Agent:
        """Is there, and takes calls."""
        self.scene.service.agent_available(self.name, queues=[QUEUE])
        return self

    def goes_away(self) -> None:
        """Is sick, or takes a break: takes no more calls."""
        self.scene.service.agent_unavailable(self.name)

    def is_on_a_call_with(self, customer: Customer) -> None:
        """Talks to somebody who had waited on the line."""
        self.is_free()
        customer.holds()
        self.scene.after("0 s")

    def says_it_was(self, what: Disposition, customer: Customer) -> None:
        """Says that it was not *customer* who was on the line, but a stranger, or a machine."""
        said = self.scene.service.set_disposition(customer.callback_id, what, by=self.name)
        self.scene.host.driver.perform(said.effects)

    @property
    def screen(self) -> Dial:
        """What the agent was shown when rung last."""
        return self.scene.network.order_to(self.name)

    def _will(self, does: Behaviour) -> Agent:
        self._does.append(does)
        self.scene.network.agent(self.name, *self._does)
        return self


@attrs.define(eq=False)
class Customer:
    """One who wants to be called. What happens when they are called is said in order; the last holds for all after."""

    scene: Scene
    name: str
    number: str
    callback_id: str = ""
    receipt: Receipt | None = None
    _does: list[Behaviour] = attrs.field(factory=list)

    # ------------------------------------------------------------------ what happens when they are called

    def answers_after(self, seconds: float) -> Customer:
        return self._will(Behaviour(answers_after=timedelta(seconds=seconds)))

    def misses(self) -> Customer:
        """Lets it ring."""
        return self._will(NEVER_ANSWERS)

    def is_busy(self) -> Customer:
        """Talks to somebody else: there is a busy signal, after a second."""
        return self._will(IS_BUSY)

    def cannot_be_reached(self) -> Customer:
        """The network has nowhere to put the call, after a second."""
        gone = Behaviour(
            rings_after=None,
            answers_after=None,
            fails_after=timedelta(seconds=1),
            cause=Cause.UNREACHABLE,
        )
        return self._will(gone)

    def has_voicemail_after(self, seconds: float) -> Customer:
        """A machine answers, and the telephony says so."""
        machine = AnsweredBy.MACHINE
        return self._will(Behaviour(answers_after=timedelta(seconds=seconds), answered_by=machine))

    def answers_and_presses(self, key: str, *, after: float) -> Customer:
        return self._will(Behaviour(answers_after=timedelta(seconds=after), presses=key))

    def from_now_on(self) -> Customer:
        """Forget what was said of their phone: what is said next holds for every call."""
        self._does.clear()
        return self

    # ------------------------------------------------------------------ what they do

    def asks_for_a_callback(self, **request: Any) -> Customer:
        """On the web, as soon as possible, unless said otherwise."""
        self.receipt = self.scene.service.request(QUEUE, number=self.number, name=self.name, **request)
        self.callback_id = self.receipt.callback_id
        return self

    def books(self, text: str, **request: Any) -> Customer:
        """Chooses a time: so long from now."""
        return self.asks_for_a_callback(scheduled_at=self.scene.now + time_of(text), **request)

    def books_at(self, clock: str, **request: Any) -> Customer:
        """Chooses a slot: by a clock in New York, today."""
        return self.asks_for_a_callback(scheduled_at=self.scene.at(clock), **request)

    def moves_to(self, clock: str) -> Receipt:
        """Replies "RESCHEDULE", and chooses one of the times that are named."""
        return self.scene.service.reschedule(
            self.callback_id, scheduled_at=self.scene.at(clock), by="customer"
        )

    def holds(self, **call: Any) -> Customer:
        """Calls, and waits on the line."""
        self.scene.service.call_joined(QUEUE, call_id=self.name, number=self.number, name=self.name, **call)
        return self

    def presses_for_a_callback(self, said: str) -> Customer:
        """Presses a key, or says a word, while holding: of those that mean a callback now."""
        assert self.scene.service.choice_of(QUEUE, said=said) is Choice.CALLBACK_NOW
        self.receipt = self.scene.service.request(QUEUE, call_id=self.name)
        self.callback_id = self.receipt.callback_id
        return self

    def hangs_up(self) -> None:
        """Ends the call that was begun by holding."""
        self.scene.service.call_left(self.name)

    def cancels(self) -> None:
        self.scene.service.cancel(self.callback_id, reason="by message")

    def corrects_the_number(self, number: str) -> None:
        self.number = number
        self.scene.service.change_number(self.callback_id, number)
        self.scene.knows(self)
        self._will_again()

    # ------------------------------------------------------------------ what became of it

    @property
    def callback(self) -> Callback:
        return self.scene.service.get(self.callback_id)

    def notice(self, kind: NoticeKind) -> Notice:
        """Return the latest notice of a kind because of the callback."""
        mine = [one for one in self.scene.notices.notices if one.callback_id == self.callback_id]
        return next(one for one in reversed(mine) if one.kind is kind)

    @property
    def is_waiting(self) -> bool:
        return self.callback.state is CallbackState.WAITING

    @property
    def position(self) -> int | None:
        """How many stand ahead in line, plus one."""
        found = self.scene.service.position(self.callback_id)
        return found.number if found is not None else None

    @property
    def times_called(self) -> int:
        return self.scene.network.dialed(self.number)

    @property
    def told(self) -> list[NoticeKind]:
        """What was to be told because of the callback, to whomever."""
        return self.scene.notices.kinds(self.callback_id)

    def _will(self, does: Behaviour) -> Customer:
        self._does.append(does)
        self._will_again()
        return self

    def _will_again(self) -> None:
        self.scene.network.person(self.number, *self._does)


class HelpDesk:
    """Opens tickets, T-1 and so on, one for each callback."""

    def __init__(self) -> None:
        self.orders: list[TicketOrder] = []

    def open(self, order: TicketOrder) -> str:
        self.orders.append(order)
        return f"T-{len(self.orders)}"


# ---------------------------------------------------------------------------- what is seen


class Seen:
    """The lines of the story, and the notices that were given."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.since = clock.now()
        self.lines: list[str] = []
        self.notices: list[Notice] = []
        self.names: dict[str, str] = {}

    def note(self, text: str) -> None:
        seconds = int((self._clock.now() - self.since).total_seconds())
        minutes, left = divmod(seconds, 60)
        clock = f"{minutes}:{left:02d}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{left:02d}"
        self.lines.append(f"{clock} {text}")

    # ------------------------------------------------------------------ the port for notices

    def tell(self, order: Notice) -> None:
        self.notices.append(order)
        whom = order.name or order.number
        match order.kind:
            case NoticeKind.TICKET_NOTE:
                self.note(f"note on {order.ticket_id or 'no ticket'}: {order.note}")
            case NoticeKind.FOLLOW_UP:
                assert order.follow_up_due_at is not None
                hours = (order.follow_up_due_at - self._clock.now()) / timedelta(hours=1)
                self.note(f"task: see to {whom} within {hours:g} h")
            case NoticeKind.CUSTOMER_FLAGGED:
                self.note(f"{whom} is flagged")
            case NoticeKind.AGENT_REMINDER:
                self.note(f"reminder for {order.owner_id or 'all agents'}: the call with {whom}")
            case NoticeKind.NUMBER_WRONG:
                self.note(f"{order.number} is marked as not {whom}'s")
            case _:
                self.note(f"message to {whom}: {_MESSAGES[order.kind]}")

    def kinds(self, callback_id: str) -> list[NoticeKind]:
        return [notice.kind for notice in self.notices if notice.callback_id == callback_id]


_MESSAGES: Final[Mapping[NoticeKind, str]] = MappingProxyType(
    {
        NoticeKind.MISSED: "we missed you, and call again",
        NoticeKind.UNREACHED: "we tried to reach you",
        NoticeKind.OTHER_TIME: "choose another time",
        NoticeKind.NO_SHOWS: "we tried several times, call us or write to us",
        NoticeKind.NO_AGENT: "nobody could take your call",
        NoticeKind.SURVEY: "how was it?",
        NoticeKind.REMINDER: "we call you soon",
        NoticeKind.BACKUP_AGENT: "we call you as promised, somebody else does",
        NoticeKind.LATE: "we are late, or choose another time",
    }
)

_NOT_ANSWERED: Final[Mapping[Cause, str]] = MappingProxyType(
    {
        Cause.NO_ANSWER: "does not answer",
        Cause.BUSY: "is on another call",
        Cause.REJECTED: "declines",
        Cause.UNREACHABLE: "cannot be reached",
        Cause.CANCELLED: "is rung no more",
    }
)


class Network(FakeTelephony):
    """The telephone network, with somebody who watches it."""

    def __init__(self, clock: ManualClock, seen: Seen) -> None:
        super().__init__(clock)
        self._seen = seen
        self._orders: dict[LegId, Dial] = {}
        self._answered: set[LegId] = set()
        self._text = ""
        self.on_entry = self._note_entry

    def order_to(self, name: str) -> Dial:
        """Return the latest order to ring an agent."""
        return next(order for order in reversed(self._orders.values()) if self._name(order) == name)

    def dial(self, order: Dial) -> None:
        self._orders[order.leg_id] = order
        super().dial(order)

    def play(self, order: Play) -> None:
        self._text = order.text or ""
        super().play(order)

    def hang_up(self, order: HangUp) -> None:
        self._text = order.text or ""
        super().hang_up(order)

    def _note_entry(self, entry: CarrierEntry) -> None:
        if entry.leg_id is None:
            return
        leg_id, order = entry.leg_id, self._orders[entry.leg_id]
        who, is_agent = self._name(order), order.role is Role.AGENT
        match entry.what:
            case Carried.DIALED:
                self._seen.note(f"{who} is rung" if is_agent else f"{who} is called")
            case Carried.ANSWERED:
                self._answered.add(leg_id)
                self._seen.note(f"{who} accepts" if is_agent else f"{who} answers")
            case Carried.PRESSED:
                self._seen.note(f"{who} presses {entry.digits}")
            case Carried.PLAYED:
                self._seen.note(f"{who} hears: {self._text}")
            case Carried.BRIDGED:
                other = self.joined_to(leg_id)
                assert other is not None
                self._seen.note(f"{self._name(self._orders[other])} and {who} talk")
            case Carried.ENDED if leg_id not in self._answered:
                assert entry.cause is not None
                self._seen.note(f"{who} {_NOT_ANSWERED[entry.cause]}")
            case Carried.ENDED if entry.prompt is not None:
                self._seen.note(f"{who} hears: {self._text}")
            case Carried.ENDED:
                self._seen.note(f"{who} is off the line")
            case _:
                pass

    def _name(self, order: Dial) -> str:
        if order.role is Role.AGENT:
            return str(order.agent_id)
        return self._seen.names.get(order.number, order.number)


# ---------------------------------------------------------------------------- the scene


class Scene:
    """
    A support center for one scenario.

    Args:
        now: when it begins.
        tickets: where tickets are opened.
        settings: what is changed of S2.
    """

    def __init__(
        self, store: Store, *, now: datetime = START, tickets: Tickets | None = None, **settings: Any
    ) -> None:
        clock = ManualClock(now)
        self._store = store
        self.notices = Seen(clock)
        self.host = VirtualHost(
            store,
            [QueuePolicy(queue=QUEUE, **{**S2, "calling": None, **settings})],
            clock=clock,
            tickets=tickets,
            telephony=lambda clock: Network(clock, self.notices),
            notices=self.notices,
        )
        self.service = self.host.service

    @property
    def network(self) -> Network:
        """The telephone network of this scene."""
        network = self.host.telephony
        assert isinstance(network, Network)
        return network

    @property
    def policy(self) -> QueuePolicy:
        """The policy of the only queue."""
        (policy,) = self.service.policies.values()
        return policy

    def reopened(self, policy: QueuePolicy) -> CallbackService:
        """Return the service as it is after the host was started again, with another policy."""
        return CallbackService(self._store, [policy], clock=self.host.clock)

    @property
    def now(self) -> datetime:
        return self.service.now()

    def at(self, clock: str) -> datetime:
        """Return when a clock in New York shows a time today, such as "3:15 PM"."""
        hour, minute = clock.split(maxsplit=1)[0].split(":")
        found = time(int(hour) % 12 + (12 if clock.endswith("PM") else 0), int(minute), tzinfo=NEW_YORK)
        return datetime.combine(self.now.astimezone(NEW_YORK), found).astimezone(UTC)

    def fills(self, *clocks: str) -> None:
        """Let other people book one seat of each of these slots."""
        for clock in clocks:
            self.customer(f"Somebody at {clock}").books_at(clock)

    # ------------------------------------------------------------------ who is there

    def agent(self, name: str) -> Agent:
        return Agent(self, name)

    def customer(self, name: str) -> Customer:
        """Return somebody with a number of their own."""
        customer = Customer(self, name, f"+1212555{100 + len(self.notices.names):04d}")
        self.knows(customer)
        return customer

    def knows(self, customer: Customer) -> None:
        """Call whoever has this number by the customer's name."""
        self.notices.names[customer.number] = customer.name

    # ------------------------------------------------------------------ what passes

    def after(self, text: str) -> None:
        """Let so much time pass."""
        self.host.run_for(time_of(text))

    def begins_anew(self) -> None:
        """Forget the story until now, and count time from here."""
        self.notices.lines.clear()
        self.notices.since = self.now

    # ------------------------------------------------------------------ what was seen

    @property
    def story(self) -> list[str]:
        """What was seen since the scene began, in order."""
        return list(self.notices.lines)

    def history_says(self, customer: Customer, *said: str) -> None:
        """Check that the history of the callback says this, in this order, and perhaps more between."""
        lines = [_line(event) for event in self.service.history(customer.callback_id)]
        left = iter(lines)
        missing = [one for one in said if one not in left]
        assert not missing, f"{missing} not in this order in {lines}"


def _line(event: Event) -> str:
    """
    Say an event in words: its kind, and how it went.

    Such as "attempt ended: no answer", "callback rested: no answer", "callback ended: unreached, attempts used up".
    """
    details = [
        str(value).replace("_", " ")
        for field in ("outcome", "disposition", "hold_reason", "score", "reason")
        if (value := getattr(event, field, None)) is not None
    ]
    if event.kind in ("callback_rested", "callback_returned"):
        details = [str(getattr(event, "last_disposition", "")).replace("_", " ")]
    name = re.sub("_", " ", event.kind)
    return f"{name}: {', '.join(details)}" if details else name

"""The outbox: each message goes out once at most, while it is true, wanted and not too late, by the way that works."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from callbackq import (
    AllDeclined,
    CallbackNotFound,
    CallbackService,
    CallbackState,
    Dispatcher,
    Disposition,
    Inbound,
    InvalidText,
    Medium,
    MessageNotFound,
    NoticeKind,
    NotPossibleNow,
    Outcome,
    QueuePolicy,
    RequestRefused,
    SendMessage,
    Store,
)
from callbackq.model import Delivery, DeliveryKind, Message, MessageEnd, MessageKind, MessageState
from callbackq.policy import Messages, Span, WeekHours, weekdays
from callbackq.policy.messages import KINDS_DEFAULT
from callbackq.testing import NEVER_ANSWERS, Behaviour, FakeNotices, ManualClock, Reaction, VirtualHost
from scenarios.scene import seats
from service.letters import (
    IN_MEMORY,
    NOON,
    answers,
    kinds_to,
    message_of,
    orders_in,
    post_office,
    told_of,
    writes,
)
from service.scenes import BOB, EVE, HOUR, MINUTE, SECOND, ZERO, house, kinds, promised, sign_in
from service.test_slot_fights import fight
from service.traces import everything_in

K, S = MessageKind, MessageState
NEW_YORK = ZoneInfo("America/New_York")
TOLL_FREE = "+18005550123"
DAY = 24 * HOUR
THREE = Messages(channels=("whatsapp", "sms", "email"))
ANN_AT = "ann@example.com"
BOOKED: dict[str, Any] = {
    "slots": seats(1, horizon=2 * DAY),
    "hours": WeekHours(zone="America/New_York", week=weekdays(Span(time(6), time(22)))),
}


def in_new_york(*when: int) -> datetime:
    """Return an instant by the clocks of New York."""
    return datetime(*when, tzinfo=NEW_YORK).astimezone(UTC)  # type: ignore[arg-type, misc]


def sent_at(host: VirtualHost, callback_id: str, kind: MessageKind) -> datetime | None:
    """Return when the one message of a kind was sent, if it was."""
    return message_of(host, callback_id, kind).sent_at


def tried(host: VirtualHost, since: datetime) -> list[tuple[float, str]]:
    """Return what was asked of the messenger: how long after the beginning, in seconds, and by which channel."""
    found: list[tuple[float, str]] = []
    take = host.messenger.send

    def send(order: SendMessage) -> str | None:
        found.append(((host.clock.now() - since).total_seconds(), order.channel))
        return take(order)

    host.messenger.send = send  # type: ignore[method-assign]
    return found


# ---------------------------------------------------------------------------- once at most


def test_one_cause_gives_one_message_on_any_number_of_nodes(store: Store) -> None:
    """I6: three nodes step again and again; nobody reports what became of it; it is given out once."""
    host = post_office(store)
    policies = list(host.service.policies.values())
    nodes = [
        Dispatcher(CallbackService(store, policies, clock=host.clock), node_id=f"n{n}") for n in range(3)
    ]
    ids = [promised(host, number) for number in (BOB, EVE)]
    given: list[SendMessage] = []
    for _ in range(40):
        for node in nodes:
            given += orders_in(node.step(host.clock.now()))
        host.clock.advance(HOUR)
    told = [(order.callback_id, order.kind) for order in given if order.kind is K.CONFIRMATION]
    assert sorted(told) == sorted((one, K.CONFIRMATION) for one in ids)
    assert len({order.send_id for order in given}) == len(given)
    for one in ids:
        ended = message_of(host, one, K.CONFIRMATION)
        assert (ended.state, ended.ended_as, ended.sends_count) == (S.ENDED, MessageEnd.UNCERTAIN, 1)


def test_nodes_that_step_at_the_same_moment_give_out_each_message_once(store: Store) -> None:
    """Four of them, in threads."""
    host = post_office(store)
    policies = list(host.service.policies.values())
    nodes = [
        Dispatcher(CallbackService(store, policies, clock=host.clock), node_id=f"n{n}") for n in range(4)
    ]
    ids = [promised(host, f"+121255501{n:02d}") for n in range(10, 22)]
    given: list[SendMessage] = []

    def steps(who: int) -> str:
        for _ in range(3):
            given.extend(orders_in(nodes[who].step(host.clock.now())))
        return "stepped"

    assert fight(steps, count=4) == {"stepped": 4}
    assert sorted(str(order.callback_id) for order in given) == sorted(ids)


def test_a_request_that_comes_twice_is_confirmed_once(store: Store) -> None:
    """The same request key, and a customer who asks again: one place, one message."""
    host = post_office(store)
    promised(host, request_key="r-1")
    host.run_for(MINUTE)
    promised(host, request_key="r-1")
    host.run_for(HOUR)
    assert kinds_to(host, BOB) == [K.CONFIRMATION]


def test_a_node_that_died_leaves_the_message_uncertain(store: Store) -> None:
    """It was given out, and nothing is heard of it: after its time nobody knows, and nobody sends it again."""
    host = post_office(store)
    one = promised(host)
    (order,) = orders_in(Dispatcher(host.service).step(host.clock.now()))
    assert host.service.message(order.message_id).state is S.SENDING
    host.run_for(59 * SECOND)
    assert host.service.uncertain_messages() == []
    host.run_for(2 * SECOND)
    (lost,) = host.service.uncertain_messages()
    assert (lost.message_id, lost.callback_id, lost.state) == (order.message_id, one, S.UNCERTAIN)
    assert not host.service.message_is_wanted(order.send_id)
    host.run_for(2 * DAY)
    assert message_of(host, one, K.CONFIRMATION).ended_as is MessageEnd.UNCERTAIN
    assert host.service.uncertain_messages() == []
    assert host.messenger.orders == []


def test_it_is_not_sent_when_its_time_to_be_sent_is_over(store: Store) -> None:
    """The runner was slow, and nobody has stepped meanwhile: from then on it may count as uncertain elsewhere."""
    host = post_office(store)
    promised(host)
    (order,) = orders_in(Dispatcher(host.service).step(host.clock.now()))
    host.clock.advance(59 * SECOND)
    assert host.service.message_is_wanted(order.send_id)
    host.clock.advance(SECOND)
    assert not host.service.message_is_wanted(order.send_id)


def test_what_is_cancelled_while_it_is_given_out_is_not_sent(store: Store) -> None:
    """Between the step and the send the customer cancels: the runner asks once more, and only the news goes out."""
    host = post_office(store)
    one = promised(host)
    effects = Dispatcher(host.service).step(host.clock.now())
    (order,) = orders_in(effects)
    assert host.service.message_is_wanted(order.send_id)
    host.service.cancel(one)
    assert not host.service.message_is_wanted(order.send_id)
    host.driver.perform(effects)
    host.run_for(HOUR)
    assert kinds_to(host, BOB) == [K.CANCELLED]
    withdrawn = message_of(host, one, K.CONFIRMATION)
    assert (withdrawn.ended_as, withdrawn.sent_at) == (MessageEnd.WITHDRAWN, None)


@IN_MEMORY
def test_what_is_no_send_id_is_refused(store: Store) -> None:
    """And one of which nothing is known is not wanted."""
    host = post_office(store)
    for send_id in ("", "nonsense", "ms_000001", "ms_1.0", "cb_1.1"):
        with pytest.raises(InvalidText):
            host.service.message_is_wanted(send_id)
    assert not host.service.message_is_wanted("ms_unknown.1")


def test_a_node_without_a_messenger_leaves_messages_to_others(store: Store) -> None:
    """Nothing is given out there, and nothing is lost: another node sends it, late."""
    host = post_office(store)
    one = promised(host)
    mute = Dispatcher(host.service, node_id="mute")
    for _ in range(3):
        assert orders_in(mute.step(host.clock.now(), messages=False)) == []
        host.clock.advance(MINUTE)
    host.run_for(ZERO)
    assert sent_at(host, one, K.CONFIRMATION) == NOON + 3 * MINUTE


# ---------------------------------------------------------------------------- no longer true


def asleep(store: Store, **policy: Any) -> tuple[VirtualHost, str]:
    """Bob asks at 7 PM, and is missed twice at 11 PM: what tells of it waits for the morning."""
    host = post_office(store, at=in_new_york(2026, 1, 5, 19), **policy)
    host.telephony.person(BOB, NEVER_ANSWERS)
    one = promised(host)
    host.run_for(4 * HOUR)
    sign_in(host, "ann")
    host.run_for(10 * MINUTE)
    assert host.service.get(one).outcome is Outcome.UNREACHED
    assert message_of(host, one, K.UNREACHED).state is S.WAITING
    return host, one


def test_quiet_hours_hold_a_message_until_the_morning_there(store: Store) -> None:
    """I7: at 8 AM in New York, to the second, and once."""
    host, one = asleep(store)
    host.run_for(2 * DAY)
    assert sent_at(host, one, K.UNREACHED) == in_new_york(2026, 1, 6, 8)
    assert kinds_to(host, BOB) == [K.CONFIRMATION, K.UNREACHED]
    assert [event.kind for event in told_of(store, message_of(host, one, K.UNREACHED).message_id)] == [
        "message_queued",
        "message_held",
        "message_sending",
        "message_sent",
    ]


def test_what_would_come_too_late_is_not_sent(store: Store) -> None:
    """A life of two hours ends before the morning: it is withdrawn at once, and history says why."""
    host = post_office(store, at=in_new_york(2026, 1, 5, 19), messages=Messages(message_life=2 * HOUR))
    host.telephony.person(BOB, NEVER_ANSWERS)
    one = promised(host)
    host.run_for(4 * HOUR)
    sign_in(host, "ann")
    host.run_for(DAY)
    late = message_of(host, one, K.UNREACHED)
    assert (late.ended_as, late.problem, late.sends_count) == (MessageEnd.WITHDRAWN, "too_late", 0)


def test_a_callback_that_is_taken_up_again_takes_the_message_back(store: Store) -> None:
    """Ann says that Bob had rung off at once, and he is called again: the survey that waited is not sent."""
    host = post_office(store, at=in_new_york(2026, 1, 5, 19), survey=True)
    one = promised(host)
    host.run_for(4 * HOUR)
    sign_in(host, "ann")
    host.run_for(10 * MINUTE)
    assert host.service.get(one).outcome is Outcome.COMPLETED
    assert message_of(host, one, K.SURVEY).state is S.WAITING
    host.telephony.person(BOB, NEVER_ANSWERS)
    said = host.service.set_disposition(one, Disposition.ANSWERED_THEN_LEFT, by="ann")
    host.driver.perform(said.effects)
    assert host.service.get(one).state is CallbackState.RESTING
    assert message_of(host, one, K.SURVEY).ended_as is MessageEnd.WITHDRAWN
    host.run_for(DAY)
    assert kinds_to(host, BOB) == [K.CONFIRMATION, K.UNREACHED]


@pytest.mark.parametrize("becomes", ["cancelled", "erased"])
def test_what_waits_goes_with_what_it_tells_of(store: Store, becomes: str) -> None:
    """Before any node has sent the confirmation the callback is gone: nothing but the news of that goes out."""
    host = post_office(store)
    one = promised(host)
    if becomes == "cancelled":
        host.service.cancel(one)
    else:
        host.service.erase(number=BOB)
    host.run_for(DAY)
    assert message_of(host, one, K.CONFIRMATION).ended_as is MessageEnd.WITHDRAWN
    assert kinds_to(host, BOB) == ([K.CANCELLED] if becomes == "cancelled" else [])


def test_no_other_times_are_offered_where_none_is_free(store: Store) -> None:
    """Bob waits long, and all seats are taken: there is nothing to choose."""
    host = post_office(store, slots=seats(0), virtual_wait_max=10 * MINUTE)
    one = promised(host)
    host.run_for(HOUR)
    assert kinds_to(host, BOB) == [K.CONFIRMATION]
    assert message_of(host, one, K.OTHER_TIMES).problem == "no_times"


def test_a_moved_time_is_told_and_not_the_one_before(store: Store) -> None:
    """Moved twice before anything was sent: one confirmation, of the last time."""
    host = post_office(store, **BOOKED)
    one = promised(host, scheduled_at=NOON + 2 * HOUR)
    for hours in (3, 4):
        host.service.reschedule(one, scheduled_at=NOON + hours * HOUR)
    host.run_for(HOUR)
    (order,) = host.messenger.sent_to(BOB)
    assert "4:00 PM EST" in order.text
    confirmations = [m for m in host.service.messages_of(one) if m.message_kind is K.CONFIRMATION]
    assert [m.problem for m in reversed(confirmations)] == ["superseded", "superseded", None]


def test_a_time_that_was_given_out_and_then_moved_is_not_told_again(store: Store) -> None:
    """The first confirmation is out while the time is moved: it is not wanted any more, nor tried again if refused."""
    host = post_office(store, **BOOKED)
    one = promised(host, scheduled_at=NOON + 2 * HOUR)
    (order,) = orders_in(Dispatcher(host.service).step(host.clock.now()))
    assert host.service.message_is_wanted(order.send_id)
    host.service.reschedule(one, scheduled_at=NOON + 3 * HOUR)
    assert not host.service.message_is_wanted(order.send_id)
    host.service.delivery(Delivery(kind=DeliveryKind.REFUSED, send_id=order.send_id, problem="429"))
    host.run_for(HOUR)
    (sent,) = host.messenger.sent_to(BOB)
    assert "3:00 PM EST" in sent.text
    confirmations = [m for m in host.service.messages_of(one) if m.message_kind is K.CONFIRMATION]
    assert [m.problem for m in reversed(confirmations)] == ["superseded", None]


def test_the_reminder_goes_with_the_time_that_is_moved(store: Store) -> None:
    """It is due, and no node has sent it yet; then the time is moved: it is not true any more."""
    host = post_office(store, **BOOKED)
    one = promised(host, scheduled_at=NOON + 2 * HOUR)
    host.run_for(HOUR)
    host.clock.move_to(NOON + 106 * MINUTE)
    Dispatcher(host.service).step(host.clock.now(), messages=False)
    assert message_of(host, one, K.REMINDER).state is S.WAITING
    host.service.reschedule(one, scheduled_at=NOON + 5 * HOUR)
    assert message_of(host, one, K.REMINDER).problem == "moved"
    host.run_for(10 * MINUTE)
    assert kinds_to(host, BOB) == [K.CONFIRMATION, K.CONFIRMATION]


def test_what_a_provider_calls_a_message_is_kept_as_a_digest(store: Store, tmp_path: Path) -> None:
    """Some providers write the receiver's number into their ids: it finds the message, and stands nowhere."""
    host = post_office(store)
    one = promised(host)
    (order,) = orders_in(Dispatcher(host.service).step(host.clock.now()))
    named = {"provider_id": "true_12125550199@c.us_3EB0", "channel": order.channel}
    host.service.delivery(Delivery(kind=DeliveryKind.ACCEPTED, send_id=order.send_id, **named))
    host.service.delivery(Delivery(kind=DeliveryKind.DELIVERED, **named))
    assert message_of(host, one, K.CONFIRMATION).ended_as is MessageEnd.DELIVERED
    assert b"12125550199" not in everything_in(store, tmp_path)


def test_an_erased_customer_is_sent_nothing_and_nothing_is_left(store: Store, tmp_path: Path) -> None:
    """What waits for the morning, what was given out, and what they would answer: no number stays in any row."""
    host, one = asleep(store)
    writes(host, "change my number to 212-555-0177", BOB)
    host.messenger.does(BOB, Reaction.FAILS)
    host.service.set_preferences(number=BOB, email="bob.secret@example.com")
    sent = len(host.messenger.sent)
    host.service.erase(number=BOB)
    host.run_for(3 * DAY)
    assert len(host.messenger.sent) == sent
    assert message_of(host, one, K.UNREACHED).problem in ("erased", "ended")
    left = everything_in(store, tmp_path)
    for secret in ("2125550101", "5550101", "5550177", "bob.secret", "Acme callback"):
        assert secret.encode() not in left, secret


def test_the_number_that_another_had_given_goes_with_its_owner(store: Store, tmp_path: Path) -> None:
    """Bob gave Eve's number and never proved it: when Eve is erased, it is in nobody's record."""
    host = post_office(store)
    promised(host, BOB)
    promised(host, EVE)
    host.run_for(ZERO)
    writes(host, f"call me at {EVE}", BOB)
    host.service.erase(number=EVE)
    host.run_for(MINUTE)
    assert EVE[1:].encode() not in everything_in(store, tmp_path)


# ---------------------------------------------------------------------------- quiet hours


def missed_at(
    store: Store, at: datetime, *, number: str = BOB, messages: Messages | None = None, **prefers: Any
) -> datetime | None:
    """Let somebody who asked four hours before be missed for good at about *at*; return when they are told of it."""
    host = post_office(store, at=at - 4 * HOUR, messages=messages)
    if prefers:
        host.service.set_preferences(number=number, preferred_number=number, **prefers)
    host.telephony.person(number, NEVER_ANSWERS)
    one = promised(host, number)
    host.run_for(4 * HOUR)
    sign_in(host, "ann")
    host.run_for(3 * DAY)
    return sent_at(host, one, K.UNREACHED)


@IN_MEMORY
@pytest.mark.parametrize(
    ("at", "morning"),
    [
        ((2026, 3, 7, 23), (2026, 3, 8, 8)),  # Summer time begins that night: an hour less.
        ((2026, 10, 31, 23), (2026, 11, 1, 8)),  # And ends: an hour more.
        ((2026, 1, 6, 3), (2026, 1, 6, 8)),
    ],
)
def test_the_morning_is_that_of_the_clock_there(
    store: Store, at: tuple[int, ...], morning: tuple[int, ...]
) -> None:
    """I7: over a change of the clocks as well."""
    assert missed_at(store, in_new_york(*at)) == in_new_york(*morning)


def test_a_message_by_day_is_not_held(store: Store) -> None:
    """The counterpart: 3 PM."""
    at = in_new_york(2026, 1, 5, 15)
    told_at = missed_at(store, at)
    assert told_at is not None
    assert told_at < at + 10 * MINUTE


def test_the_zone_that_the_customer_has_told_goes_before_that_of_the_number(store: Store) -> None:
    """11 PM in New York is 8 PM in Los Angeles, where Bob is."""
    at = in_new_york(2026, 1, 5, 23)
    told_at = missed_at(store, at, zone="America/Los_Angeles")
    assert told_at is not None
    assert told_at < at + 10 * MINUTE


@IN_MEMORY
def test_a_toll_free_number_is_sent_to_when_it_is_day_wherever_it_may_ring(store: Store) -> None:
    """From Saint John's to Guam there are two hours of day for all: 5 PM to 7 PM in New York."""
    told_at = missed_at(
        store, in_new_york(2026, 1, 5, 11), number=TOLL_FREE, messages=Messages(message_life=2 * DAY)
    )
    assert told_at == in_new_york(2026, 1, 5, 17)


def test_answers_are_not_held(store: Store) -> None:
    """Who writes at 11 PM is awake: the answer comes at once, and what follows from it too."""
    host = post_office(store, at=in_new_york(2026, 1, 5, 19))
    promised(host)
    host.run_for(4 * HOUR)
    assert answers(host, "status", BOB) == [K.STATUS]
    assert answers(host, "9", BOB) == [K.CANCELLED]


def test_messages_near_the_chosen_time_are_not_held(store: Store) -> None:
    """A call at 7:30 AM, chosen the day before, is reminded of at 7:15 AM."""
    host = post_office(store, at=in_new_york(2026, 1, 5, 14), **BOOKED)
    one = promised(host, scheduled_at=in_new_york(2026, 1, 6, 7, 30))
    host.run_for(DAY)
    assert sent_at(host, one, K.REMINDER) == in_new_york(2026, 1, 6, 7, 15)


def test_who_asks_at_night_is_confirmed_at_once(store: Store) -> None:
    """At 11 PM, for now and for the next afternoon: who has just asked is awake."""
    host = post_office(store, at=in_new_york(2026, 1, 5, 23), **BOOKED)
    now = promised(host, BOB)
    later = promised(host, EVE, scheduled_at=in_new_york(2026, 1, 6, 15))
    host.run_for(MINUTE)
    for one in (now, later):
        assert sent_at(host, one, K.CONFIRMATION) == in_new_york(2026, 1, 5, 23)


def test_a_policy_without_quiet_hours_sends_at_any_hour(store: Store) -> None:
    """Both None."""
    at = in_new_york(2026, 1, 5, 23)
    told_at = missed_at(store, at, messages=Messages(quiet_from=None, quiet_until=None))
    assert told_at is not None
    assert told_at < at + 10 * MINUTE


# ---------------------------------------------------------------------------- refused, and the next channel


def known(host: VirtualHost, **prefers: Any) -> str:
    """Let Bob, whose address is known, ask for a callback."""
    host.service.set_preferences(number=BOB, preferred_number=BOB, email=ANN_AT, **prefers)
    return promised(host)


def test_a_refused_message_is_tried_again_and_then_goes_by_the_next_channel(store: Store) -> None:
    """I5: after 30 s and 60 s; then WhatsApp is given up for SMS, SMS for e-mail, and then it has failed."""
    host = post_office(store, messages=THREE)
    host.messenger.does(None, Reaction.REFUSES)
    seen = tried(host, NOON)
    one = known(host)
    host.run_for(DAY)
    assert seen[:9] == [
        (0, "whatsapp"),
        (30, "whatsapp"),
        (90, "whatsapp"),
        (90, "sms"),
        (120, "sms"),
        (180, "sms"),
        (180, "email"),
        (210, "email"),
        (270, "email"),
    ]
    failed = message_of(host, one, K.CONFIRMATION)
    assert (failed.ended_as, failed.sends_count, failed.problem) == (MessageEnd.FAILED, 9, "fake_refused")
    assert failed.channels_over == ("whatsapp", "sms"), "and the last one is that of the latest send"
    assert host.messenger.sent == []


def test_it_arrives_by_the_second_try(store: Store) -> None:
    """Nothing is sent again after that."""
    host = post_office(store)
    host.messenger.does(BOB, Reaction.REFUSES, Reaction.ACCEPTS)
    one = promised(host)
    host.run_for(HOUR)
    assert kinds_to(host, BOB) == [K.CONFIRMATION]
    assert sent_at(host, one, K.CONFIRMATION) == NOON + 30 * SECOND


def test_what_a_channel_cannot_deliver_goes_by_the_next_at_once(store: Store) -> None:
    """No second try by a channel that says: never."""
    host = post_office(store, messages=THREE)
    host.messenger.does(BOB, Reaction.IMPOSSIBLE)
    seen = tried(host, NOON)
    known(host)
    host.run_for(MINUTE)
    assert seen == [(0, "whatsapp"), (0, "sms"), (0, "email")]
    (order,) = host.messenger.sent
    assert (order.channel, order.to) == ("email", ANN_AT)
    assert order.title.startswith("Your callback")


def test_the_channel_that_the_customer_prefers_goes_first(store: Store) -> None:
    """Then the others, in the order of the policy; one that is not among them is not used."""
    host = post_office(store, messages=THREE)
    host.messenger.does(None, Reaction.IMPOSSIBLE)
    seen = tried(host, NOON)
    known(host, channel="email")
    host.run_for(MINUTE)
    host.service.set_preferences(number=BOB, channel="pigeon")
    host.service.set_preferences(number=BOB, email=None)
    seen.append((-1, "then"))
    host.service.cancel(host.service.callbacks_of(number=BOB)[0].callback_id)
    host.run_for(MINUTE)
    by = [channel for _, channel in seen]
    assert by == ["email", "whatsapp", "sms", "then", "whatsapp", "sms"]


def test_who_can_be_reached_by_no_channel_is_sent_nothing(store: Store) -> None:
    """Only e-mail, and no address is known: history says so."""
    host = post_office(store, messages=Messages(channels=("email",)))
    one = promised(host)
    host.run_for(MINUTE)
    withdrawn = message_of(host, one, K.CONFIRMATION)
    assert (withdrawn.ended_as, withdrawn.problem) == (MessageEnd.WITHDRAWN, "no_address")
    assert host.messenger.orders == []


def test_push_goes_to_whom_the_host_knows(store: Store) -> None:
    """By the customer's id, without a number, and without anything to answer."""
    host = post_office(store, messages=Messages(channels=("push", "sms")))
    promised(host, customer_id="c-1")
    host.run_for(ZERO)
    (order,) = host.messenger.sent
    assert (order.channel, order.to, order.customer_id) == ("push", None, "c-1")
    assert "Reply" not in order.text


def test_what_did_not_arrive_goes_by_the_next_channel(store: Store) -> None:
    """A receipt says so an hour later: SMS instead of WhatsApp, and not by WhatsApp again."""
    host = post_office(store, messages=THREE)
    one = promised(host)
    host.run_for(HOUR)
    host.messenger.receipt(host.messenger.last, DeliveryKind.UNDELIVERED, problem="30003")
    host.run_for(ZERO)
    assert [order.channel for order in host.messenger.sent_to(BOB)] == ["whatsapp", "sms"]
    host.messenger.receipt(host.messenger.last, DeliveryKind.UNDELIVERED, problem="30006")
    host.run_for(HOUR)
    failed = message_of(host, one, K.CONFIRMATION)
    assert (failed.ended_as, failed.problem, failed.sends_count) == (MessageEnd.FAILED, "30006", 2)


# ---------------------------------------------------------------------------- nobody knows


@pytest.mark.parametrize("reaction", [Reaction.FAILS, Reaction.FAILS_AFTER])
def test_what_nobody_knows_of_is_not_repeated(store: Store, reaction: Reaction) -> None:
    """I6: it is listed as long as a receipt or a person may clear it up: for a day."""
    host = post_office(store)
    host.messenger.does(BOB, reaction)
    one = promised(host)
    host.run_for(23 * HOUR)
    (lost,) = host.service.uncertain_messages()
    assert (lost.callback_id, lost.state) == (one, S.UNCERTAIN)
    assert host.service.uncertain_messages(limit=0) == []
    host.run_for(2 * HOUR)
    assert host.service.uncertain_messages() == []
    ended = host.service.message(lost.message_id)
    assert (ended.ended_as, ended.sends_count) == (MessageEnd.UNCERTAIN, 1)
    assert [order.kind for order in host.messenger.orders].count(K.CONFIRMATION) == 1


def uncertain(host: VirtualHost) -> Message:
    """Let a confirmation be lost on its way, or arrive: nobody knows."""
    host.messenger.does(BOB, Reaction.FAILS_AFTER)
    promised(host)
    host.run_for(MINUTE)
    (lost,) = host.service.uncertain_messages()
    return lost


@pytest.mark.parametrize(
    ("kind", "end"),
    [(DeliveryKind.DELIVERED, MessageEnd.DELIVERED), (DeliveryKind.UNDELIVERED, MessageEnd.FAILED)],
)
def test_a_receipt_settles_it(store: Store, kind: DeliveryKind, end: MessageEnd) -> None:
    """By the id of the send, where the provider hands it back."""
    host = post_office(store)
    lost = uncertain(host)
    assert host.service.delivery(Delivery(kind=kind, send_id=lost.send_id)).changed
    assert host.service.message(lost.message_id).ended_as is end
    assert host.service.uncertain_messages() == []


def test_an_undelivered_one_of_which_nobody_knew_goes_by_the_next_channel(store: Store) -> None:
    """Now it is certain that it reached nobody."""
    host = post_office(store, messages=THREE)
    lost = uncertain(host)
    host.messenger.does(BOB, Reaction.ACCEPTS)
    host.service.delivery(Delivery(kind=DeliveryKind.UNDELIVERED, send_id=lost.send_id))
    host.run_for(ZERO)
    assert [order.channel for order in host.messenger.sent_to(BOB)] == ["whatsapp", "sms"]


@pytest.mark.parametrize(("sent", "end"), [(True, MessageEnd.SENT), (False, MessageEnd.WITHDRAWN)])
def test_a_person_settles_it(store: Store, sent: bool, end: MessageEnd) -> None:
    """It is over either way; who said so stands in history."""
    host = post_office(store)
    lost = uncertain(host)
    settled = host.service.settle_message(lost.message_id, sent=sent, by="eva", reason="asked the carrier")
    assert (settled.state, settled.ended_as) == (S.ENDED, end)
    event: Any = told_of(store, lost.message_id)[-1]
    assert (event.kind, event.by, event.reason) == ("message_ended", "eva", "asked the carrier")
    host.run_for(2 * DAY)
    assert [order.kind for order in host.messenger.orders].count(K.CONFIRMATION) == 1
    with pytest.raises(NotPossibleNow):
        host.service.settle_message(lost.message_id, sent=sent, by="eva")


def test_only_what_is_uncertain_can_be_settled(store: Store) -> None:
    """Not what was sent, and not what is unknown."""
    host = post_office(store)
    one = promised(host)
    host.run_for(ZERO)
    with pytest.raises(NotPossibleNow):
        host.service.settle_message(message_of(host, one, K.CONFIRMATION).message_id, sent=True, by="eva")
    with pytest.raises(MessageNotFound):
        host.service.settle_message("ms_unknown", sent=True, by="eva")
    with pytest.raises(MessageNotFound):
        host.service.message("ms_unknown")


def test_the_messages_about_a_callback_are_listed_the_latest_first(store: Store) -> None:
    """At most as many as are wanted; of a callback that is there."""
    host = post_office(store)
    one = promised(host)
    host.run_for(MINUTE)
    host.service.cancel(one)
    host.run_for(ZERO)
    assert [each.message_kind for each in host.service.messages_of(one)] == [K.CANCELLED, K.CONFIRMATION]
    assert [each.message_kind for each in host.service.messages_of(one, limit=1)] == [K.CANCELLED]
    assert host.service.messages_of(one, limit=-1) == []
    with pytest.raises(CallbackNotFound):
        host.service.messages_of("cb_unknown")


# ---------------------------------------------------------------------------- receipts


def sent(host: VirtualHost) -> SendMessage:
    """Let a confirmation be sent."""
    promised(host)
    host.run_for(ZERO)
    return host.messenger.last


def test_receipts_that_come_twice_late_or_in_any_order_change_nothing(store: Store) -> None:
    """The first that ends it counts; what comes after is kept in history, and nothing else."""
    host = post_office(store, messages=THREE)
    order = sent(host)
    provider_id = host.messenger.provider_id_of(order)
    by_provider = {"provider_id": provider_id, "channel": "whatsapp"}

    def told(kind: DeliveryKind, **which: Any) -> bool:
        return host.service.delivery(Delivery(kind=kind, **(which or by_provider))).changed

    assert not told(DeliveryKind.ACCEPTED)
    assert not told(DeliveryKind.UNCERTAIN)
    assert told(DeliveryKind.DELIVERED)
    before = host.service.message(order.message_id)
    assert (before.ended_as, before.ended_at) == (MessageEnd.DELIVERED, NOON)
    for kind in DeliveryKind:
        if kind is not DeliveryKind.OPTED_OUT:
            assert not told(kind)
            assert not told(kind, send_id=order.send_id)
    assert host.service.message(order.message_id) == before
    host.run_for(4 * DAY)
    assert [one.kind for one in host.messenger.orders].count(K.CONFIRMATION) == 1


def test_a_receipt_of_the_send_before_does_not_touch_the_one_after(store: Store) -> None:
    """WhatsApp has failed and the SMS is out: what WhatsApp says now is of no matter."""
    host = post_office(store, messages=THREE)
    first = sent(host)
    host.messenger.receipt(first, DeliveryKind.UNDELIVERED)
    host.run_for(ZERO)
    second = host.messenger.last
    assert (second.channel, second.message_id) == ("sms", first.message_id)
    assert not host.service.delivery(Delivery(kind=DeliveryKind.UNDELIVERED, send_id=first.send_id)).changed
    assert host.service.message(first.message_id).state is S.SENT
    assert host.service.delivery(Delivery(kind=DeliveryKind.DELIVERED, send_id=second.send_id)).changed


def test_no_receipt_within_its_time_ends_it_as_sent(store: Store) -> None:
    """After three days."""
    host = post_office(store)
    order = sent(host)
    host.run_for(71 * HOUR)
    assert host.service.message(order.message_id).state is S.SENT
    host.run_for(2 * HOUR)
    assert host.service.message(order.message_id).ended_as is MessageEnd.SENT


NO_REPORTS: list[tuple[Any, type[Exception]]] = [
    (Delivery(kind=DeliveryKind.DELIVERED), InvalidText),
    (Delivery(kind=DeliveryKind.DELIVERED, provider_id="p-1"), InvalidText),
    (Delivery(kind=DeliveryKind.DELIVERED, channel="sms"), InvalidText),
    (Delivery(kind=DeliveryKind.DELIVERED, send_id="cb_1.1"), InvalidText),
    (Delivery(kind=DeliveryKind.DELIVERED, send_id="ms_none.1", problem="x" * 65), InvalidText),
    (Delivery(kind="lost", send_id="ms_none.1"), InvalidText),  # type: ignore[arg-type]
    (Delivery(kind=DeliveryKind.DELIVERED, send_id="ms_none.1"), MessageNotFound),
    (Delivery(kind=DeliveryKind.DELIVERED, provider_id="p-1", channel="sms"), MessageNotFound),
    ("delivered", InvalidText),
]


@IN_MEMORY
def test_a_report_of_no_send_is_refused(store: Store) -> None:
    """Whichever way it is none."""
    service = post_office(store).service
    for report, error in NO_REPORTS:
        with pytest.raises(error):
            service.delivery(report)


# ---------------------------------------------------------------------------- who wants none


def later_on(host: VirtualHost) -> list[MessageKind]:
    """Let all kinds of things happen to Bob; return what was sent to him, by any channel, from now on."""
    before = len(host.messenger.sent)
    for one in host.service.callbacks_of(number=BOB):
        if one.state is not CallbackState.ENDED:
            host.service.cancel(one.callback_id)
    host.run_for(MINUTE)
    promised(host)
    host.run_for(HOUR)
    answers(host, "4", BOB)
    host.telephony.person(BOB, NEVER_ANSWERS)
    sign_in(host, "ann")
    host.run_for(HOUR)
    host.service.agent_unavailable("ann")
    return [order.kind for order in host.messenger.sent[before:]]


def stops(host: VirtualHost) -> None:
    writes(host, "STOP", BOB)


def opts_out(host: VirtualHost) -> None:
    host.service.opt_out(BOB, medium=Medium.MESSAGES)


def provider_knows(host: VirtualHost) -> None:
    host.messenger.does(BOB, Reaction.OPTED_OUT)
    host.service.cancel(host.service.callbacks_of(number=BOB)[0].callback_id)
    host.run_for(ZERO)
    host.messenger.does(BOB, Reaction.ACCEPTS)


def receipt_says(host: VirtualHost) -> None:
    host.messenger.receipt(host.messenger.sent_to(BOB)[-1], DeliveryKind.OPTED_OUT, problem="21610")


@pytest.mark.parametrize(
    ("how", "confirmed"),
    [(stops, False), (stops, True), (opts_out, True), (provider_knows, True), (receipt_says, True)],
)
def test_nothing_is_sent_after_an_opt_out_by_any_channel(
    store: Store, how: Callable[[VirtualHost], None], confirmed: bool
) -> None:
    """I3: one confirmation of STOP at most; START brings all back."""
    policy = Messages(channels=("sms", "whatsapp", "email"), opt_out_confirmed=confirmed)
    host = post_office(store, messages=policy)
    known(host)
    host.run_for(ZERO)
    assert kinds_to(host, BOB) == [K.CONFIRMATION]
    how(host)
    confirmation = [K.OPTED_OUT] if how is stops and confirmed else []
    assert kinds_to(host, BOB) == [K.CONFIRMATION, *confirmation]
    assert later_on(host) == []
    assert answers(host, "STOP", BOB) == []
    assert host.service.opted_out(BOB).messages_at is not None
    assert kinds_to(host, ANN_AT) == []
    assert answers(host, "START", BOB) == [K.OPTED_IN]
    assert K.CONFIRMATION in later_on(host)


@pytest.mark.parametrize("is_answer", [False, True])
def test_a_late_word_of_the_first_channel_is_kept_for_the_first_address(
    store: Store, is_answer: bool
) -> None:
    """SMS failed and the e-mail is out; then the carrier says: the number has opted out. Not the mail."""
    host = post_office(store, messages=Messages(channels=("sms", "email")))
    known(host)
    host.run_for(ZERO)
    if is_answer:  # About no callback.
        assert answers(host, "what is this?", BOB) == [K.HELP]
    first = host.messenger.last
    host.messenger.receipt(first, DeliveryKind.UNDELIVERED)
    host.run_for(ZERO)
    assert host.messenger.last.to == ANN_AT
    host.service.delivery(Delivery(kind=DeliveryKind.OPTED_OUT, send_id=first.send_id, channel="sms"))
    assert host.service.opted_out(BOB).messages_at == NOON


def test_a_stop_by_sms_ends_mails_too(store: Store) -> None:
    """Who wants no messages at the number is not written to in another way."""
    host = post_office(store, messages=Messages(channels=("email", "sms")))
    one = known(host)
    host.run_for(ZERO)
    assert answers(host, "STOP", BOB, queue="support") == []
    host.service.cancel(one)
    host.run_for(DAY)
    assert (kinds_to(host, ANN_AT), kinds_to(host, BOB)) == ([K.CONFIRMATION], [])


def test_a_mail_after_a_stop_by_sms_is_not_answered(store: Store) -> None:
    """What they ask for is done all the same."""
    host = post_office(store, messages=Messages(channels=("sms", "email"), opt_out_confirmed=False))
    one = known(host)
    host.run_for(ZERO)
    host.messenger.receipt(host.messenger.last, DeliveryKind.UNDELIVERED)
    host.run_for(ZERO)
    assert kinds_to(host, ANN_AT) == [K.CONFIRMATION]
    assert answers(host, "STOP", BOB) == []
    heard = writes(host, "what is this?", ANN_AT, channel="email")
    assert heard.effects == ()
    assert writes(host, "cancel my callback", ANN_AT, channel="email").changed
    assert host.service.get(one).outcome is Outcome.CANCELLED
    host.run_for(DAY)
    assert kinds_to(host, ANN_AT) == [K.CONFIRMATION]


def test_an_opt_out_of_calls_is_none_of_messages(store: Store) -> None:
    """And the other way round: who wants no messages is called."""
    host = post_office(store, agents=())
    promised(host)
    host.service.opt_out(BOB, medium=Medium.CALLS)
    host.run_for(ZERO)
    assert kinds_to(host, BOB) == [K.CONFIRMATION]
    host.service.opt_out(EVE, medium=Medium.MESSAGES)
    promised(host, EVE)
    host.run_for(MINUTE)
    sign_in(host, "ann")
    host.run_for(10 * MINUTE)
    assert (kinds_to(host, EVE), host.telephony.dialed(EVE)) == ([], 1)


def test_a_message_that_is_out_when_the_customer_stops_is_not_sent(store: Store) -> None:
    """Between the step and the send."""
    host = post_office(store)
    one = promised(host)
    effects = Dispatcher(host.service).step(host.clock.now())
    host.service.message_received(Inbound(inbound_id="1", sender=BOB, text="stop", queue="support"))
    host.driver.perform(effects)
    host.run_for(HOUR)
    assert host.messenger.sent == []
    assert message_of(host, one, K.CONFIRMATION).problem == "opted_out"


# ---------------------------------------------------------------------------- whose number it is


def test_a_wrong_number_is_sent_nothing(store: Store) -> None:
    """Somebody else answered there: no text about Bob's callback goes to them, and theirs have no power over it."""
    host = post_office(store, agents=("ann",))
    one = promised(host)
    host.run_for(ZERO)
    host.run_for(10 * MINUTE)
    said = host.service.set_disposition(one, Disposition.WRONG_PERSON, by="ann")
    host.driver.perform(said.effects)
    before = len(host.messenger.sent_to(BOB))
    assert answers(host, "4", BOB) == [K.NO_CALLBACK]
    host.service.cancel(one)
    host.run_for(DAY)
    assert kinds_to(host, BOB)[before:] == [K.NO_CALLBACK]


def test_with_a_new_number_messages_go_there(store: Store) -> None:
    """An agent corrects it: the news goes to the new one, and so does all that follows."""
    host = post_office(store)
    one = promised(host)
    host.run_for(ZERO)
    host.service.change_number(one, EVE, by="ann")
    host.run_for(ZERO)
    host.service.cancel(one)
    host.run_for(HOUR)
    assert (kinds_to(host, BOB), kinds_to(host, EVE)) == ([K.CONFIRMATION], [K.NUMBER_CHANGED, K.CANCELLED])


def test_a_switchboard_is_sent_no_text(store: Store) -> None:
    """Behind an extension is one person of many: what is sent to the number would be read by somebody else."""
    host = post_office(store, messages=Messages(channels=("sms", "email")))
    one = promised(host, f"{BOB};ext=7")
    host.run_for(ZERO)
    assert host.messenger.orders == []
    assert message_of(host, one, K.CONFIRMATION).problem == "no_address"


# ---------------------------------------------------------------------------- notices


def test_the_company_is_told_as_before_and_the_customer_once(store: Store) -> None:
    """What callbackq sends by itself does not come as a notice as well; what it does not send does."""
    notices = FakeNotices()
    kinds_sent = KINDS_DEFAULT - {K.UNREACHED}
    host = post_office(
        store,
        messages=Messages(kinds=kinds_sent),
        notices=notices,
        agents=("ann",),
        all_declined=AllDeclined.END,
    )
    host.telephony.person(BOB, NEVER_ANSWERS)
    host.telephony.agent("ann", Behaviour(), Behaviour(), Behaviour(answers_after=None, fails_after=SECOND))
    missed = promised(host)
    host.run_for(10 * MINUTE)
    assert notices.kinds(missed) == [NoticeKind.UNREACHED, NoticeKind.TICKET_NOTE, NoticeKind.FOLLOW_UP]
    assert kinds_to(host, BOB) == [K.CONFIRMATION]
    declined = promised(host, EVE)
    host.run_for(10 * MINUTE)
    assert host.service.get(declined).outcome is Outcome.DECLINED_BY_AGENTS
    assert notices.kinds(declined) == [NoticeKind.TICKET_NOTE, NoticeKind.FOLLOW_UP]
    assert kinds_to(host, EVE) == [K.CONFIRMATION, K.NO_AGENT]


def test_a_queue_without_messages_is_as_before(store: Store) -> None:
    """Notices for the customer come, nothing is sent, and what customers write is refused."""
    notices = FakeNotices()
    host = house(store, notices=notices)
    host.telephony.person(BOB, NEVER_ANSWERS)
    one = promised(host)
    host.run_for(10 * MINUTE)
    assert notices.kinds(one) == [NoticeKind.UNREACHED, NoticeKind.TICKET_NOTE, NoticeKind.FOLLOW_UP]
    assert (host.messenger.orders, host.service.messages_of(one)) == ([], [])
    assert not any("message" in kind for kind in kinds(host, one))
    with pytest.raises(RequestRefused):
        host.reply("9", sender=BOB)


def test_a_queue_that_stops_sending_withdraws_what_waits(store: Store) -> None:
    """The host was started again, with a policy without messages."""
    host, one = asleep(store)
    bare = QueuePolicy(queue="support", calling=None)
    again = VirtualHost(store, [bare], clock=ManualClock(host.clock.now()))
    again.run_for(DAY)
    assert message_of(again, one, K.UNREACHED).problem == "no_messages"
    assert again.messenger.orders == []


def test_the_wait_that_slips_is_told_once_whatever_happens(store: Store) -> None:
    """I9: moved in line, refused, tried again, restarted: one text, and no second."""
    host = post_office(store, handle_time=5 * MINUTE)
    host.service.agent_available("ann", queues=["support"])
    host.service.call_joined("support", call_id="busy")
    host.run_for(ZERO)
    one = promised(host)
    host.messenger.does(BOB, Reaction.ACCEPTS, Reaction.REFUSES, Reaction.ACCEPTS)
    high_s = host.service.get(one).quoted_wait_high_s
    assert high_s is not None
    due_at = NOON + timedelta(seconds=high_s) + 15 * MINUTE
    host.run_until(due_at - SECOND)
    assert kinds_to(host, BOB) == [K.CONFIRMATION]
    host.run_until(due_at + SECOND)
    host.service.prioritize(one, priority=5)
    host.run_for(3 * HOUR)
    assert kinds_to(host, BOB) == [K.CONFIRMATION, K.SLIPPED]
    assert sent_at(host, one, K.SLIPPED) == due_at + 30 * SECOND

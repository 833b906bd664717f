"""K1, K2, K4, G9, B10: whether a person may be called at a number now is asked at every attempt."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest

from callbackq import (
    Access,
    AgentState,
    CallbackState,
    Channel,
    Commit,
    Dial,
    Dispatcher,
    HoldReason,
    Medium,
    MemoryStore,
    Mode,
    NoticeKind,
    NumberChoice,
    NumberPolicy,
    Outcome,
    Person,
    Purpose,
    QueueName,
    QueuePolicy,
    RandomIds,
    RegionRule,
    RetryRule,
    Role,
    Store,
)
from callbackq.core.zones import zones_of_number
from callbackq.model import Disposition
from callbackq.permission import closed_by
from callbackq.testing import (
    IS_BUSY,
    NEVER_ANSWERS,
    Behaviour,
    Carried,
    FakeDoNotCall,
    FakeNotices,
    ManualClock,
    VirtualHost,
)
from service.scenes import BOB, EVE, HOUR, MINUTE, SECOND, dials, events, promised, sign_in

NEW_YORK, FLORIDA, TOLL_FREE, AUSTRALIA = (
    ZoneInfo("America/New_York"),
    "+13055550123",
    "+18005550199",
    "+61412345678",
)
DAY = 24 * HOUR
LATE = 20 * SECOND + 10 * SECOND
"""So long after an attempt was started the customer's phone may begin to ring."""
MONDAY = date(2026, 7, 6)


def at(hour: int, minute: int = 0, *, day: int = 0, zone: ZoneInfo = NEW_YORK) -> datetime:
    """Return a time of that Monday, or of a day after it, on the clocks of New York."""
    return datetime.combine(MONDAY + day * DAY, time(hour, minute), tzinfo=zone).astimezone(UTC)


def house(
    store: Store,
    now: datetime,
    *,
    agents: tuple[str, ...] = ("ann",),
    do_not_call: FakeDoNotCall | None = None,
    notices: FakeNotices | None = None,
    **policy: Any,
) -> VirtualHost:
    """Open a house with the queues `support` and `sales`, of one policy, in which callbacks live for a week."""
    settings: dict[str, Any] = {
        "callback_life": 7 * DAY,
        "virtual_wait_max": 7 * DAY,
        "response_window": None,
        "agent_presence_max": 7 * DAY,
        **policy,
    }
    host = VirtualHost(
        store,
        [QueuePolicy(queue=QueueName(name), **settings) for name in ("support", "sales")],
        clock=ManualClock(now),
        ids=RandomIds(),
        do_not_call=do_not_call,
        notices=notices,
    )
    sign_in(host, *agents)
    return host


def asked(host: VirtualHost, number: str = BOB, queue: str = "support", **fields: Any) -> str:
    """Ask for a callback for somebody else: an agent does, about an order."""
    return promised(host, number, queue, channel=Channel.AGENT, **fields)


def rung_at(host: VirtualHost, number: str | None = None) -> list[datetime]:
    """Return when customers' phones, or that of one number, were dialed."""
    return [
        entry.at
        for entry in host.telephony.log
        if entry.what is Carried.DIALED and entry.role is Role.CUSTOMER and number in (None, entry.number)
    ]


def held(host: VirtualHost, callback_id: str) -> tuple[CallbackState, HoldReason | None, datetime | None]:
    """Return whether it is held, for what, and until when."""
    callback = host.service.get(callback_id)
    return callback.state, callback.hold_reason, callback.due_at


def check_nothing_started(host: VirtualHost, callback_id: str) -> None:
    """Check that no attempt was begun and no agent reserved."""
    assert host.service.get(callback_id).attempt_id is None
    assert not [event for event in host.service.history(callback_id) if event.kind == "attempt_started"]
    assert host.service.agent("ann").state is AgentState.AVAILABLE
    assert host.telephony.log == []


# ---------------------------------------------------------------------------- calling hours


def test_an_event_at_night_waits_for_the_morning(store: Store) -> None:
    """K1: it is held with the rule, the zone and the moment in its explanation, and dialed at that moment."""
    host = house(store, at(3))
    (receipt,) = host.service.request_many(
        "support", people=[Person(number=BOB)], event_key="outage"
    ).receipts.values()
    callback_id = receipt.callback_id
    host.run_for(MINUTE)
    assert held(host, callback_id) == (CallbackState.HELD, HoldReason.CALLING_HOURS, at(8))
    check_nothing_started(host, callback_id)
    why = host.service.explain(callback_id)
    opens_at = at(8).isoformat()
    assert why.text == (
        f"not dialed: the rules of us in America/New_York permit a call from {opens_at};"
        f" at {opens_at} it stands in line again, and the rule is asked again"
    )
    assert (why.values["rule_key"], why.values["zone"]) == ("us", "America/New_York")
    assert why.next_change_at == at(8)
    host.run_until(at(9))
    assert rung_at(host) == [at(8)]


def test_who_asked_late_in_the_evening_is_called_then(store: Store) -> None:
    """K1: who asks at 23:00 wants to be called at 23:05; a second try next morning waits for the window."""
    rules = {Disposition.NO_ANSWER: RetryRule(retries_max=3, rest=8 * HOUR + 30 * MINUTE)}
    host = house(store, at(23), agents=(), retry_rules=rules, attempts_max=3)
    host.telephony.person(BOB, NEVER_ANSWERS)
    callback_id = promised(host)
    host.run_until(at(23, 5))
    sign_in(host, "ann")
    host.run_until(at(7, 50, day=1))
    assert rung_at(host) == [at(23, 5)]
    assert held(host, callback_id) == (CallbackState.HELD, HoldReason.CALLING_HOURS, at(8, day=1))
    host.run_until(at(8, 30, day=1))
    assert rung_at(host) == [at(23, 5), at(8, day=1)]


def test_a_retry_in_the_night_of_the_request_is_made(store: Store) -> None:
    """K1: within two hours after asking every hour will do, at every attempt; and later it will not."""
    rules = {Disposition.BUSY: RetryRule(retries_max=9, rest=50 * MINUTE)}
    host = house(store, at(23), retry_rules=rules, attempts_max=9)
    host.telephony.person(BOB, IS_BUSY)
    promised(host)
    host.run_until(at(8, 10, day=1))
    *asked_for, in_the_morning = rung_at(host)
    assert len(asked_for) == 3
    assert all(at(23) <= one < at(1, day=1) for one in asked_for)
    assert in_the_morning == at(8, day=1)


def test_who_asked_again_in_the_evening_is_called_then(store: Store) -> None:
    """K1, J1: the second request was merged into the first, and its consent is the one that counts."""
    host = house(store, at(12), agents=())
    callback = host.service.get(promised(host))
    policy = host.service.policies[QueueName("support")]
    with store.transaction(host.service.tenant_id, commit=Commit.READ_ONLY) as tx:
        subject = tx.subjects.get(callback.subject_id)
    late = closed_by(callback, subject, BOB, policy=policy, now=at(23, 5))
    assert late is not None
    assert (late.reason, late.opens_at) == (HoldReason.CALLING_HOURS, at(8, day=1))
    again = attrs.evolve(callback, consent_at=at(23))
    assert closed_by(again, subject, BOB, policy=policy, now=at(23, 5)) is None


def test_a_time_that_the_customer_chose_is_kept(store: Store) -> None:
    """K1: 22:00 was asked for, and it is 22:00 that it is."""
    host = house(store, at(10))
    promised(host, scheduled_at=at(22))
    host.run_until(at(23))
    assert rung_at(host) == [at(22)]


def test_a_time_that_an_agent_chose_is_not(store: Store) -> None:
    """K1: nobody asked for 22:00."""
    host = house(store, at(10))
    callback_id = asked(host, scheduled_at=at(22))
    host.run_until(at(23))
    assert held(host, callback_id) == (CallbackState.HELD, HoldReason.CALLING_HOURS, at(8, day=1))
    host.run_until(at(9, day=1))
    assert rung_at(host) == [at(8, day=1)]


def test_the_phone_never_rings_after_hours_because_the_agent_took_time(store: Store) -> None:
    """K1: an agent may accept up to 30 seconds later; an attempt that could ring at 21:00 is not begun."""
    last = at(21) - LATE - SECOND
    host = house(store, last)
    host.telephony.agent("ann", Behaviour(answers_after=19 * SECOND))
    asked(host)
    asked(host, EVE)
    host.run_until(at(22))
    assert rung_at(host) == [last + 19 * SECOND]
    assert max(rung_at(host)) < at(21)
    host = house(MemoryStore(), last + SECOND)
    callback_id = asked(host)
    host.run_for(SECOND)
    assert held(host, callback_id) == (CallbackState.HELD, HoldReason.CALLING_HOURS, at(8, day=1))
    host = house(MemoryStore(), last + SECOND, mode=Mode.CUSTOMER_FIRST)
    asked(host)
    host.run_for(SECOND)
    assert len(rung_at(host)) == 1, "the customer's phone rings at once, and not at 21:00"


@pytest.mark.parametrize("number", [TOLL_FREE, AUSTRALIA])
def test_a_number_of_many_zones_is_dialed_only_when_all_permit(store: Store, number: str) -> None:
    """K1: it may be in any of them, and it is nobody's night in any."""
    zones = zones_of_number(number)
    assert len(zones) >= 8
    rules = {Disposition.BUSY: RetryRule(retries_max=50, rest=47 * MINUTE)}
    host = house(store, at(0), retry_rules=rules, attempts_max=50)
    host.telephony.person(number, IS_BUSY)
    callback_id = asked(host, number)
    host.run_for(2 * DAY)
    dialed = rung_at(host)
    assert dialed, host.service.explain(callback_id).text
    for moment in dialed:
        for zone in zones:
            local = moment.astimezone(ZoneInfo(zone))
            assert time(8) <= local.time() < time(21), f"{moment} is {local:%H:%M} in {zone}"


def test_a_zone_that_is_known_goes_before_the_number(store: Store) -> None:
    """B10: a customer in Los Angeles with a number of New York is called by the clocks of Los Angeles."""
    host = house(store, at(8, 30))
    host.service.set_preferences(number=BOB, zone="America/Los_Angeles")
    callback_id = asked(host)
    host.run_for(MINUTE)
    assert held(host, callback_id) == (CallbackState.HELD, HoldReason.CALLING_HOURS, at(11))
    assert "America/Los_Angeles" in host.service.explain(callback_id).text


def test_no_rules_permit_every_hour(store: Store) -> None:
    """K1: a company that has rules of its own switches these off."""
    host = house(store, at(3), calling=None)
    asked(host)
    host.run_for(MINUTE)
    assert rung_at(host) == [at(3)]


def test_call_now_does_not_make_night_day(store: Store) -> None:
    """K1: an operator chooses the place in line, and not what is allowed."""
    host = house(store, at(3))
    callback_id = asked(host)
    host.run_for(MINUTE)
    host.service.call_now(callback_id, by="boss")
    host.run_for(MINUTE)
    assert held(host, callback_id) == (CallbackState.HELD, HoldReason.CALLING_HOURS, at(8))
    check_nothing_started(host, callback_id)


def test_others_are_served_while_one_is_held(store: Store) -> None:
    """K1: nobody waits behind somebody who sleeps, and who sleeps keeps the place."""
    host = house(store, at(8, 30), agents=())
    early = asked(host, "+12135550123")
    host.run_for(SECOND)
    late = asked(host, EVE)
    sign_in(host, "ann")
    host.run_for(MINUTE)
    assert host.service.get(early).hold_reason is HoldReason.CALLING_HOURS
    assert host.service.get(late).outcome is Outcome.COMPLETED
    assert host.service.get(early).rank < host.service.get(late).rank


def test_what_is_never_permitted_is_held_for_its_life(store: Store) -> None:
    """K1: nobody sells to a number that may be anywhere in the world; the promise ends with its life."""
    host = house(store, at(10), callback_life=DAY)
    callback_id = asked(host, "+80012345678", purpose=Purpose.SALES)
    host.run_for(MINUTE)
    assert held(host, callback_id) == (CallbackState.HELD, HoldReason.CALLING_HOURS, at(10, day=1))
    assert "permit a call at no time in sight" in host.service.explain(callback_id).text
    host.run_for(DAY)
    assert host.service.get(callback_id).outcome is Outcome.EXPIRED
    assert rung_at(host) == []


def test_a_long_line_that_is_closed_is_held_in_parts(store: Store) -> None:
    """K1: a step holds as many as its batch, says that it is to be called again at once, and loses nobody."""
    host = house(store, at(20), agents=())
    asleep: list[str] = []
    for index in range(5):
        asleep.append(asked(host, f"+1212555012{index}"))
        host.clock.advance(SECOND)
    awake = asked(host, "+12135550123")
    host.service.agent_available("ann", queues=["support"])
    host.clock.move_to(at(22))
    dispatcher = Dispatcher(host.service, batch_max=2)
    for held_count in (2, 4):
        assert dispatcher.step(host.clock.now()) == ()
        assert dispatcher.next_wakeup() == host.clock.now()
        states = [host.service.get(one).state for one in asleep]
        assert states == [CallbackState.HELD] * held_count + [CallbackState.WAITING] * (5 - held_count)
    assert len(dispatcher.step(host.clock.now())) > 0
    assert host.service.get(awake).state is CallbackState.ATTEMPTING
    wakeup = dispatcher.next_wakeup()
    assert wakeup is not None
    assert wakeup > host.clock.now()


# ---------------------------------------------------------------------------- the customer's own hours


def test_a_customer_is_called_in_the_hours_of_their_choice(store: Store) -> None:
    """B10: an agent's request waits for them, with the reason and the moment."""
    host = house(store, at(10))
    host.service.set_preferences(
        number=BOB, zone="America/Chicago", hours={"monday": "11:00-12:00,14:00-18:00"}
    )
    callback_id = asked(host)
    host.run_for(MINUTE)
    noon = at(12)
    assert held(host, callback_id) == (CallbackState.HELD, HoldReason.CUSTOMER_HOURS, noon)
    then = "it stands in line again, and the rule is asked again"
    assert host.service.explain(callback_id).text == (
        f"not dialed: the customer in America/Chicago wants to be called from {noon.isoformat()};"
        f" at {noon.isoformat()} {then}"
    )
    check_nothing_started(host, callback_id)
    host.run_until(at(13))
    assert rung_at(host) == [noon]


def test_who_asks_outside_their_own_hours_is_called(store: Store) -> None:
    """B10: what is asked for now goes before what is usually preferred."""
    host = house(store, at(10))
    host.service.set_preferences(number=BOB, zone="America/Chicago", hours={"friday": "11:00-12:00"})
    promised(host)
    host.run_for(MINUTE)
    assert rung_at(host) == [at(10)]


@pytest.mark.parametrize(("number", "opens_at"), [(BOB, at(14)), (AUSTRALIA, None)])
def test_hours_without_a_zone_are_of_the_number(store: Store, number: str, opens_at: datetime | None) -> None:
    """B10: where it tells one. Else nobody knows which clock is meant, and the wish is left aside."""
    host = house(store, at(10), calling=None)
    host.service.set_preferences(number=number, hours={"monday": "14:00-18:00", "tuesday": "14:00-18:00"})
    asked(host, number)
    host.run_until(at(20))
    assert rung_at(host) == [opens_at or at(10)]


def test_a_zone_that_this_node_does_not_know_is_none(store: Store) -> None:
    """B10: another node has newer rules of zones: here those of the number decide, and the line goes on."""
    host = house(store, at(7, 30), agents=())
    host.service.set_preferences(number=BOB, zone="America/Chicago", hours={"monday": "09:00-18:00"})
    callback_id = asked(host)
    subject_id = host.service.get(callback_id).subject_id
    with store.transaction(host.service.tenant_id, commit=Commit.FLUSHED) as tx:
        subject = tx.subjects.get(subject_id)
        tx.save(attrs.evolve(subject, version=subject.version + 1, zone="America/Atlantis"))
    sign_in(host, "ann")
    host.run_for(MINUTE)
    assert held(host, callback_id) == (CallbackState.HELD, HoldReason.CALLING_HOURS, at(8))
    host.run_until(at(8, 30))
    assert held(host, callback_id) == (CallbackState.HELD, HoldReason.CUSTOMER_HOURS, at(9))
    host.run_until(at(9, 30))
    assert rung_at(host) == [at(9)]


# ---------------------------------------------------------------------------- opt-outs and lists


def test_who_opted_out_is_not_called_and_the_company_is_told(store: Store) -> None:
    """K2: the promise is over, with the rule in its history, and without a number in any word of it."""
    notices = FakeNotices()
    host = house(store, at(10), agents=(), notices=notices)
    callback_id = asked(host)
    host.service.opt_out(BOB, medium=Medium.CALLS, by="letter")
    sign_in(host, "ann")
    host.run_for(MINUTE)
    callback = host.service.get(callback_id)
    assert (callback.state, callback.outcome) == (CallbackState.ENDED, Outcome.REFUSED_BY_RULE)
    (end,) = events(host, callback_id, "callback_ended")
    assert (end.reason, end.notices) == ("opted_out", (NoticeKind.REFUSED_BY_RULE,))
    assert [(one.kind, one.note) for one in notices.told] == [
        (NoticeKind.REFUSED_BY_RULE, "Callback refused by a rule: opted out.")
    ]
    check_nothing_started(host, callback_id)
    assert host.service.explain(callback_id).text.endswith("a rule forbids dialing this customer")


def test_who_asked_before_opting_out_is_not_called_and_who_asks_after_it_is(store: Store) -> None:
    """K2: the later word counts."""
    host = house(store, at(10), agents=())
    before = promised(host)
    host.run_for(SECOND)
    host.service.opt_out(BOB)
    host.service.opt_out(EVE)
    host.run_for(SECOND)
    after = promised(host, EVE)
    sign_in(host, "ann")
    host.run_for(MINUTE)
    assert host.service.get(before).outcome is Outcome.REFUSED_BY_RULE
    assert host.service.get(after).outcome is Outcome.COMPLETED


@pytest.mark.parametrize("medium", [Medium.MESSAGES, None])
def test_who_takes_it_back_or_wants_no_messages_is_called(store: Store, medium: Medium | None) -> None:
    """K2: an opt-out of messages is none of calls, and one that was taken back is none."""
    host = house(store, at(10), agents=())
    callback_id = asked(host)
    host.service.opt_out(BOB, medium=medium)
    if medium is None:
        host.service.opt_in(BOB)
    sign_in(host, "ann")
    host.run_for(MINUTE)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


def test_an_opt_out_of_the_main_number_is_not_got_round(store: Store) -> None:
    """K2: who wants no calls is not called at their other number instead."""
    host = house(store, at(10), agents=())
    callback_id = asked(host, alternatives=[EVE])
    host.service.opt_out(BOB)
    sign_in(host, "ann")
    host.run_for(MINUTE)
    assert host.service.get(callback_id).outcome is Outcome.REFUSED_BY_RULE
    assert rung_at(host) == []


def test_an_opt_out_of_the_main_number_stops_the_tries_at_another(store: Store) -> None:
    """K2: the other number is being tried when they say so."""
    rules = {Disposition.BUSY: RetryRule(retries_max=9, rest=10 * MINUTE, number=NumberChoice.NEXT)}
    host = house(store, at(10), retry_rules=rules, attempts_max=9)
    for number in (BOB, EVE):
        host.telephony.person(number, IS_BUSY)
    callback_id = asked(host, alternatives=[EVE])
    host.run_for(MINUTE)
    assert host.service.get(callback_id).number_index == 1
    host.service.opt_out(BOB)
    host.run_for(HOUR)
    assert host.service.get(callback_id).outcome is Outcome.REFUSED_BY_RULE
    assert rung_at(host, EVE) == []


def test_a_stranger_who_opts_out_speaks_for_their_own_phone(store: Store) -> None:
    """C9, K2: a main number that is somebody else's is not dialed, and what they want is not about the customer."""
    host = house(store, at(10), agents=())
    callback_id = asked(host, alternatives=[EVE])
    subject_id = host.service.get(callback_id).subject_id
    with store.transaction(host.service.tenant_id, commit=Commit.FLUSHED) as tx:
        subject = tx.subjects.get(subject_id)
        tx.save(attrs.evolve(subject, version=subject.version + 1, wrong_numbers=(BOB,)))
    host.service.opt_out(BOB)
    sign_in(host, "ann")
    host.run_for(MINUTE)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    assert (rung_at(host, BOB), len(rung_at(host, EVE))) == ([], 1)


def test_an_opt_out_of_another_number_leaves_the_main_one(store: Store) -> None:
    """K2: at work they want no calls; their own number is dialed again and again."""
    rules = {Disposition.BUSY: RetryRule(retries_max=9, rest=10 * MINUTE)}
    host = house(store, at(10), agents=(), retry_rules=rules, attempts_max=3)
    host.telephony.person(BOB, IS_BUSY)
    asked(host, alternatives=[EVE])
    host.service.opt_out(EVE)
    sign_in(host, "ann")
    host.run_for(HOUR)
    assert (len(rung_at(host, BOB)), len(rung_at(host, EVE))) == (3, 0)


def test_a_list_is_asked_at_every_attempt(store: Store) -> None:
    """K2: a number that was put on it between two attempts is not dialed again."""
    rules = {Disposition.BUSY: RetryRule(retries_max=9, rest=10 * MINUTE)}
    lists = FakeDoNotCall()
    host = house(store, at(10), do_not_call=lists, retry_rules=rules, attempts_max=9)
    host.telephony.person(BOB, IS_BUSY)
    callback_id = asked(host)
    host.run_for(MINUTE)
    lists.listed.add(BOB)
    host.run_for(HOUR)
    callback = host.service.get(callback_id)
    assert (callback.outcome, callback.attempts_count) == (Outcome.REFUSED_BY_RULE, 1)
    (end,) = events(host, callback_id, "callback_ended")
    assert end.reason == "do_not_call"
    assert rung_at(host) == [at(10)]
    assert lists.asked[-1] == (BOB, Purpose.SERVICE)


def test_the_next_number_is_dialed_where_one_is_listed(store: Store) -> None:
    """K2: a list holds numbers, and this person has two."""
    lists = FakeDoNotCall()
    host = house(store, at(10), agents=(), do_not_call=lists)
    callback_id = asked(host, alternatives=[EVE])
    lists.listed.add(BOB)
    sign_in(host, "ann")
    host.run_for(MINUTE)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    assert (rung_at(host, BOB), rung_at(host, EVE)) == ([], [at(10)])


@pytest.mark.parametrize("answer", ["raises", None, "no"])
def test_nobody_is_called_while_the_list_cannot_say(
    store: Store, answer: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """K2: it is asked again after half a minute; the log says so once in a step, and shows no number."""
    lists = FakeDoNotCall()
    host = house(store, at(10), agents=(), do_not_call=lists)
    both = [asked(host), asked(host, EVE)]
    if answer == "raises":
        lists.error = OSError(f"no route to {BOB}")
    else:
        lists.is_listed = _saying(lists, answer)  # type: ignore[method-assign]
    lists.asked.clear()
    sign_in(host, "ann")
    with caplog.at_level(logging.ERROR, logger="callbackq"):
        host.run_for(SECOND)
    for callback_id in both:
        expected = (CallbackState.HELD, HoldReason.DO_NOT_CALL_UNKNOWN, at(10) + 30 * SECOND)
        assert held(host, callback_id) == expected
        check_nothing_started(host, callback_id)
    assert len(lists.asked) == 2
    (record,) = caplog.records
    assert record.getMessage().startswith("the do-not-call list ")
    assert BOB not in record.getMessage()
    assert "the do-not-call list could not be asked" in host.service.explain(both[0]).text
    host.telephony.log.clear()
    lists.error = None
    lists.__dict__.pop("is_listed", None)
    host.run_for(10 * MINUTE)
    assert [host.service.get(one).outcome for one in both] == [Outcome.COMPLETED, Outcome.COMPLETED]
    assert rung_at(host)[0] == at(10) + 30 * SECOND


def test_one_number_that_breaks_the_list_stops_nobody_else(store: Store) -> None:
    """K2: the list raises for one number alone; the others are called, in the same step, and whenever it is asked."""
    lists = FakeDoNotCall()
    host = house(store, at(10), agents=(), do_not_call=lists)
    broken = asked(host)
    host.run_for(SECOND)
    other = asked(host, EVE)

    def is_listed(number: str, _purpose: Purpose) -> bool:
        if number == BOB:
            raise ValueError
        return False

    lists.is_listed = is_listed  # type: ignore[method-assign, assignment]
    sign_in(host, "ann")
    host.run_for(10 * MINUTE)
    assert host.service.get(broken).hold_reason is HoldReason.DO_NOT_CALL_UNKNOWN
    assert host.service.get(other).outcome is Outcome.COMPLETED


def test_a_list_that_is_down_is_not_asked_for_a_whole_line_in_one_step(store: Store) -> None:
    """K2: it may take its time to fail: a step ends after ten failures, and the next one goes on at once."""
    lists = FakeDoNotCall()
    host = house(store, at(10), agents=(), do_not_call=lists)
    for index in range(12):
        asked(host, f"+121255501{index:02}")
    host.service.agent_available("ann", queues=["support"])
    lists.asked.clear()
    lists.error = TimeoutError()
    dispatcher = Dispatcher(host.service)
    for asked_count in (10, 12):
        dispatcher.step(host.clock.now())
        assert len(lists.asked) == asked_count
        wakeup = dispatcher.next_wakeup()
        assert (wakeup == host.clock.now()) is (asked_count == 10)


def _saying(lists: FakeDoNotCall, answer: Any) -> Any:
    def is_listed(number: str, purpose: Purpose) -> Any:
        lists.asked.append((number, purpose))
        return answer

    return is_listed


# ---------------------------------------------------------------------------- numbers

CLOSED_US = NumberPolicy(regions={"US": RegionRule(access=Access.REFUSE)})
TIERED_US = NumberPolicy(regions={"US": RegionRule(access=Access.TIERS, tiers=("gold",))})


def with_another_policy(host: VirtualHost, store: Store, **policy: Any) -> VirtualHost:
    """Open the house again, on the same rows, with other settings."""
    return house(store, host.clock.now(), **policy)


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        (CLOSED_US, "number_region_not_served"),
        (TIERED_US, "number_tier_needed"),
        (NumberPolicy(blocked=("+1212",)), "number_blocked"),
        (NumberPolicy(types_refused={"fixed_line_or_mobile"}), "number_type_refused"),
    ],
)
def test_a_number_that_was_closed_after_the_request_is_not_dialed(
    store: Store, numbers: NumberPolicy, reason: str
) -> None:
    """K4: what was allowed when it was asked for is asked again; the rule is named, and no number."""
    host = house(store, at(10), agents=())
    callback_id = promised(host)
    notices = FakeNotices()
    host = with_another_policy(host, store, numbers=numbers, notices=notices)
    host.run_for(MINUTE)
    assert host.service.get(callback_id).outcome is Outcome.REFUSED_BY_RULE
    (end,) = events(host, callback_id, "callback_ended")
    assert end.reason == reason
    assert notices.kinds(callback_id) == [NoticeKind.REFUSED_BY_RULE]
    check_nothing_started(host, callback_id)


def test_the_first_number_that_is_forbidden_says_why(store: Store) -> None:
    """K2, K4: the main one is closed, and of the other one they opted out: there is nothing left."""
    host = house(store, at(10), agents=())
    callback_id = asked(host, alternatives=["+442079460123"])
    host.service.opt_out("+442079460123")
    host = with_another_policy(host, store, numbers=CLOSED_US)
    host.run_for(MINUTE)
    (end,) = events(host, callback_id, "callback_ended")
    assert (end.outcome, end.reason) == (Outcome.REFUSED_BY_RULE, "number_region_not_served")
    check_nothing_started(host, callback_id)


def test_a_tier_opens_a_region(store: Store) -> None:
    """K4: for whom it is served, it is."""
    host = house(store, at(10), numbers=TIERED_US)
    callback_id = promised(host, tier="gold")
    host.run_for(MINUTE)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED


def test_another_number_is_dialed_where_the_main_one_is_closed(store: Store) -> None:
    """K4: the person's next number is in a region that is served."""
    host = house(store, at(10), agents=())
    callback_id = promised(host, alternatives=["+442079460123"])
    host = with_another_policy(host, store, numbers=CLOSED_US)
    host.run_for(MINUTE)
    assert host.service.get(callback_id).outcome is Outcome.COMPLETED
    assert (rung_at(host, BOB), len(rung_at(host, "+442079460123"))) == ([], 1)


def test_a_wrong_number_can_be_corrected_though_the_others_are_closed(store: Store) -> None:
    """C9, K4: somebody else answers the only number that is open: it is held for correction, not refused."""
    host = house(store, at(10), agents=())
    callback_id = promised(host, "+442079460123", alternatives=[EVE])
    subject_id = host.service.get(callback_id).subject_id
    with store.transaction(host.service.tenant_id, commit=Commit.FLUSHED) as tx:
        subject = tx.subjects.get(subject_id)
        wrong = attrs.evolve(subject, version=subject.version + 1, wrong_numbers=("+442079460123",))
        tx.save(wrong)
    host = with_another_policy(host, store, numbers=CLOSED_US)
    host.run_for(MINUTE)
    callback = host.service.get(callback_id)
    assert (callback.hold_reason, callback.due_at) == (HoldReason.WRONG_NUMBER, callback.expires_at)
    check_nothing_started(host, callback_id)


# ---------------------------------------------------------------------------- how often, and at what cost


def test_the_fourth_call_within_a_day_waits(store: Store) -> None:
    """G9: three calls in 24 hours about a sale, over all queues; the next when a day after the first has passed."""
    rules = {Disposition.BUSY: RetryRule(retries_max=9, rest=HOUR)}
    host = house(store, at(10), retry_rules=rules, attempts_max=9)
    host.telephony.person(FLORIDA, IS_BUSY)
    asked(host, FLORIDA, purpose=Purpose.SALES)
    host.run_for(90 * MINUTE)
    other = asked(host, FLORIDA, "sales", purpose=Purpose.SALES)
    host.run_until(at(9, day=1))
    first, *others = rung_at(host)
    assert len(others) == 2
    free_at = first + DAY + LATE
    assert held(host, other) == (CallbackState.HELD, HoldReason.NUMBER_LIMIT, free_at)
    why = host.service.explain(other).text
    assert why.startswith(
        "not dialed: its number was dialed as often as its caps, or the rules of its place, allow"
    )
    host.run_until(at(12, day=1))
    assert rung_at(host)[3] == free_at


def test_a_service_call_has_no_such_limit(store: Store) -> None:
    """G9: the limit is about sales."""
    rules = {Disposition.BUSY: RetryRule(retries_max=9, rest=10 * MINUTE)}
    host = house(store, at(10), retry_rules=rules, attempts_max=5)
    host.telephony.person(FLORIDA, IS_BUSY)
    asked(host, FLORIDA)
    host.run_for(2 * HOUR)
    assert len(rung_at(host)) == 5


COSTLY = NumberPolicy(regions={"US": RegionRule(cost=40)}, cost_day_max=100)


def test_a_ceiling_of_cost_frees_exactly_after_a_day(store: Store) -> None:
    """K4: two attempts at 40 of 100 in 24 hours; the third when the first is a day ago, and not a moment before."""
    rules = {Disposition.BUSY: RetryRule(retries_max=9, rest=HOUR)}
    host = house(store, at(10), retry_rules=rules, attempts_max=3, numbers=COSTLY, calling=None)
    host.telephony.person(BOB, IS_BUSY)
    callback_id = promised(host)
    host.run_until(at(20))
    first, second = rung_at(host)
    assert held(host, callback_id) == (CallbackState.HELD, HoldReason.COST_CEILING, first + DAY)
    assert "it would cost more than its queue may spend in 24 hours" in host.service.explain(callback_id).text
    host.run_until(first + DAY - SECOND)
    assert rung_at(host) == [first, second]
    host.run_until(first + DAY)
    assert rung_at(host) == [first, second, first + DAY]


def test_a_ceiling_is_of_one_queue_and_of_regions_that_cost(store: Store) -> None:
    """K4: another queue has its own, and calls to other regions go on."""
    host = house(store, at(10), agents=("ann", "ben", "cy", "dan"), numbers=COSTLY, calling=None)
    here = [promised(host, number) for number in (BOB, EVE, FLORIDA)]
    elsewhere = promised(host, "+12125550104", "sales")
    free = promised(host, "+442079460123")
    host.run_for(10 * MINUTE)
    assert [host.service.get(one).outcome for one in here].count(Outcome.COMPLETED) == 2
    assert [host.service.get(one).outcome for one in (elsewhere, free)] == [Outcome.COMPLETED] * 2


def test_one_step_counts_every_attempt_that_it_starts(store: Store) -> None:
    """K4: three agents come at once, and two calls are what the ceiling lets through."""
    host = house(store, at(10), agents=(), numbers=COSTLY, calling=None)
    for number in (BOB, EVE, FLORIDA):
        promised(host, number)
    sign_in(host, "ann", "ben", "cy")
    host.run_for(SECOND)
    assert len(rung_at(host)) == 2


def test_nodes_share_one_ceiling(store: Store) -> None:
    """K4: three nodes start attempts at the same time, and together they spend no more than one."""
    host = house(store, at(10), agents=(), numbers=COSTLY, calling=None)
    for index in range(8):
        promised(host, f"+1212555010{index}")
        host.service.agent_available(f"agent-{index}", queues=["support"])
    dialed: list[Dial] = []

    def work(node: str) -> None:
        dispatcher = Dispatcher(host.service, node_id=node, batch_max=3)
        for _ in range(8):
            dialed.extend(dials(dispatcher.step(host.clock.now())))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, ("one", "two", "three")))
    assert len(dialed) == 2


def test_what_costs_more_than_a_day_may_is_held_for_its_life(store: Store) -> None:
    """K4: it never fits; nothing is asked again and again."""
    numbers = NumberPolicy(regions={"US": RegionRule(cost=101)}, cost_day_max=100)
    host = house(store, at(10), numbers=numbers)
    callback_id = promised(host)
    host.run_for(MINUTE)
    expires_at = host.service.get(callback_id).expires_at
    assert held(host, callback_id) == (CallbackState.HELD, HoldReason.COST_CEILING, expires_at)
    check_nothing_started(host, callback_id)


def test_a_hold_that_was_for_another_reason_costs_nothing(store: Store) -> None:
    """K4: what waits for the morning has taken nothing of the night's ceiling."""
    host = house(store, at(3), agents=("ann", "ben"), numbers=COSTLY)
    for number in (BOB, EVE):
        asked(host, number)
    host.run_until(at(9))
    assert len(rung_at(host)) == 2

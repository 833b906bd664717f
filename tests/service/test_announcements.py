"""F5: every agent declined: the customer is called by no agent, told so, and the callback is over."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from callbackq import (
    DEFAULT_TENANT,
    AgentState,
    AllDeclined,
    Announcement,
    AnsweredBy,
    AttemptId,
    AttemptState,
    CallbackService,
    CallbackState,
    CalledIn,
    CallState,
    Caps,
    Cause,
    Channel,
    Commit,
    Conflict,
    Dial,
    Dispatcher,
    Disposition,
    Duplicates,
    HangUp,
    HoldReason,
    LegId,
    MessageKind,
    Messages,
    Mode,
    Notice,
    NoticeKind,
    NumberPolicy,
    Outcome,
    Prompt,
    QueueName,
    QueuePolicy,
    RandomIds,
    RegionRule,
    Report,
    ReportKind,
    Role,
    Store,
)
from callbackq.core import announcing
from callbackq.testing import (
    ANSWERS,
    DECLINES,
    IS_BUSY,
    NEVER_ANSWERS,
    START,
    Behaviour,
    Carried,
    FakeDoNotCall,
    FakeNotices,
    ManualClock,
    SequentialIds,
    VirtualHost,
)
from service.scenes import (
    BOB,
    EVE,
    HOUR,
    MINUTE,
    SECOND,
    attempt_of,
    events,
    heard,
    house,
    kinds,
    promised,
    rung,
    sign_in,
    whom,
)

DAY = 24 * HOUR
TOLD = [NoticeKind.TICKET_NOTE, NoticeKind.FOLLOW_UP]
UNTOLD = [NoticeKind.NO_AGENT, *TOLD]
RINGS_LONG = Behaviour(answers_after=30 * SECOND)
NEW_YORK = ZoneInfo("America/New_York")


class Scene:
    """A house in which both agents decline whatever they are given, and a callback that they have declined."""

    def __init__(self, store: Store, *, caps: Caps | None = None, asks: bool = True, **policy: Any) -> None:
        self.store = store
        self.notices = FakeNotices()
        settings = {"all_declined": AllDeclined.TELL, "agent_cool_down": HOUR, **policy}
        self.host = house(store, agents=("ann", "ben"), notices=self.notices, caps=caps or Caps(), **settings)
        for name in ("ann", "ben"):
            self.host.telephony.agent(name, DECLINES)
        self.callback_id = promised(self.host) if asks else ""

    def declined(self) -> None:
        """Let time pass until the last agent has declined."""
        self.host.run_until(lambda: "callback_failed" in kinds(self.host, self.callback_id))

    def run(self, duration: timedelta) -> None:
        self.host.run_for(duration)

    @property
    def callback(self) -> Any:
        return self.host.service.get(self.callback_id)

    @property
    def dialed(self) -> list[datetime]:
        """When the customer's phone was dialed."""
        return [at for at, who in rung(self.host) if who == BOB]

    def check_over(self, notices: list[NoticeKind], *, attempts_count: int = 0) -> None:
        """Check that it is over, that exactly these were told, and that nobody and nothing is left."""
        callback = self.callback
        assert (callback.state, callback.outcome) == (CallbackState.ENDED, Outcome.DECLINED_BY_AGENTS)
        assert callback.attempts_count == attempts_count
        assert callback.last_disposition is Disposition.AGENT_UNAVAILABLE
        assert self.notices.kinds(self.callback_id) == notices
        (ended,) = events(self.host, self.callback_id, "callback_ended")
        assert (ended.reason, list(ended.notices)) == ("all_declined", notices)
        assert self.host.telephony.live_legs() == []

    def check_no_agent(self) -> None:
        """Check that the last attempt had no agent, at any time."""
        last = attempt_of(self.host, self.store, self.callback_id)
        assert last.announces is Announcement.NO_AGENT
        mine = [
            event
            for event in self.host.service.history(self.callback_id)
            if getattr(event, "attempt_id", None) == last.attempt_id and hasattr(event, "agent_id")
        ]
        assert {event.agent_id for event in mine} == {None}
        assert last.attempt_id not in {
            entry.attempt_id for entry in self.host.telephony.log if entry.agent_id
        }


# ---------------------------------------------------------------------------- told, or not


@pytest.mark.parametrize("by", [AnsweredBy.HUMAN, AnsweredBy.UNKNOWN, AnsweredBy.MACHINE])
def test_customer_is_called_and_told_that_nobody_takes_it(store: Store, by: AnsweredBy) -> None:
    """F5: by a call without an agent; who hears it, or whose machine does, gets no notice."""
    scene = Scene(store)
    scene.host.telephony.person(BOB, Behaviour(answers_after=8 * SECOND, answered_by=by))
    scene.declined()
    scene.run(SECOND)
    assert scene.callback.state is CallbackState.ATTEMPTING
    why = scene.host.service.explain(scene.callback_id)
    assert why.text == "being dialed: the customer's phone is being dialed, to say that nobody can take it"
    scene.run(MINUTE)
    assert whom(scene.host) == ["ann", "ben", BOB]
    assert heard(scene.host, Role.CUSTOMER) == [Prompt.NO_AGENT]
    scene.check_over(TOLD)
    scene.check_no_agent()


def test_first_who_declines_ends_nothing(store: Store) -> None:
    """While one who has not declined is there, the callback waits for that one."""
    scene = Scene(store)
    scene.host.telephony.agent("ben", ANSWERS)
    scene.run(5 * MINUTE)
    assert scene.callback.outcome is Outcome.COMPLETED
    assert heard(scene.host, Role.CUSTOMER) == []


@pytest.mark.parametrize(
    ("customer", "disposition"),
    [
        (NEVER_ANSWERS, Disposition.NO_ANSWER),
        (IS_BUSY, Disposition.BUSY),
        (Behaviour(answered_by=AnsweredBy.FAX), Disposition.FAX),
        (
            Behaviour(answers_after=None, fails_after=SECOND, cause=Cause.INVALID_NUMBER),
            Disposition.INVALID_NUMBER,
        ),
    ],
    ids=["no answer", "busy", "fax", "invalid number"],
)
def test_call_is_tried_once_and_then_a_notice_says_it(
    store: Store, customer: Behaviour, disposition: Disposition
) -> None:
    """Not reached is the end, whatever the rules for retries say."""
    scene = Scene(store)
    scene.host.telephony.person(BOB, customer, ANSWERS)
    scene.run(3 * HOUR)
    assert len(scene.dialed) == 1
    assert attempt_of(scene.host, store, scene.callback_id).disposition is disposition
    scene.check_over(UNTOLD)
    scene.check_no_agent()


@pytest.mark.parametrize("mode", [Mode.CUSTOMER_FIRST, Mode.SIMULTANEOUS])
def test_who_was_reached_and_got_no_agent_is_called_to_be_told(store: Store, mode: Mode) -> None:
    """In other modes the customer has answered and held in vain: that counts, and the call that tells them does not."""
    scene = Scene(store, mode=mode)
    scene.run(10 * MINUTE)
    assert heard(scene.host, Role.CUSTOMER)[-2:] == [Prompt.COULD_NOT_CONNECT, Prompt.NO_AGENT]
    assert len(scene.dialed) == 2
    scene.check_over(TOLD, attempts_count=1)
    scene.check_no_agent()


def test_the_call_comes_on_top_of_all_attempts(store: Store) -> None:
    """The attempts may be used up: this one is none of them."""
    scene = Scene(store, mode=Mode.CUSTOMER_FIRST, attempts_max=1)
    scene.run(10 * MINUTE)
    assert len(scene.dialed) == 2
    scene.check_over(TOLD, attempts_count=1)


def test_extension_is_dialed_and_the_notice_goes_out_as_well(store: Store) -> None:
    """Who hears it behind a switchboard nobody knows."""
    scene = Scene(store, asks=False)
    scene.callback_id = promised(scene.host, f"{BOB} ext. 7")
    scene.run(5 * MINUTE)
    digits = [entry.digits for entry in scene.host.telephony.log if entry.what is Carried.DIGITS]
    assert (digits, heard(scene.host, Role.CUSTOMER)) == (["7"], [Prompt.NO_AGENT])
    scene.check_over(UNTOLD)


@pytest.mark.parametrize(("customer", "count"), [(ANSWERS, 0), (NEVER_ANSWERS, 1)])
def test_message_goes_to_who_was_not_told_by_the_call(store: Store, customer: Behaviour, count: int) -> None:
    """H1: where the queue sends messages, the one that nobody takes it stands in for the notice."""
    scene = Scene(store, messages=Messages())
    scene.host.telephony.person(BOB, customer)
    scene.run(10 * MINUTE)
    sent = [order.kind for order in scene.host.messenger.sent_to(BOB)]
    assert sent.count(MessageKind.NO_AGENT) == count
    assert scene.callback.outcome is Outcome.DECLINED_BY_AGENTS
    assert scene.notices.kinds(scene.callback_id) == TOLD


# ---------------------------------------------------------------------------- no agent, no place


def test_no_agent_is_ever_given_to_it(store: Store) -> None:
    """One who comes, and is free, while the customer's phone rings to tell them, is given the next in line."""
    scene = Scene(store)
    scene.host.telephony.person(BOB, RINGS_LONG)
    scene.declined()
    scene.run(SECOND)
    assert len(scene.dialed) == 1
    other = promised(scene.host, EVE)
    sign_in(scene.host, "cid")
    scene.run(SECOND)
    assert scene.host.service.agent("cid").state is AgentState.BUSY
    assert scene.host.service.get(other).outcome is Outcome.COMPLETED
    scene.run(5 * MINUTE)
    scene.check_over(TOLD)
    scene.check_no_agent()


def test_it_is_out_of_the_line(store: Store) -> None:
    """It stands before no one while it waits to be told, and whoever is served meanwhile has overtaken nobody."""
    scene = Scene(store)
    scene.run(4 * SECOND)
    scene.host.service.pause("support", dialing=True)
    scene.run(10 * SECOND)
    assert scene.callback.hold_reason is HoldReason.TO_BE_TOLD
    behind = promised(scene.host, EVE)
    position = scene.host.service.position(behind)
    assert position is not None
    assert position.number == 1
    scene.host.service.call_joined("support", call_id="live")
    sign_in(scene.host, "cid", "dan")
    scene.run(SECOND)
    assert scene.host.service.call("live").state is CallState.TAKEN
    scene.host.service.resume("support", dialing=True)
    scene.run(10 * MINUTE)
    assert scene.host.service.get(behind).outcome is Outcome.COMPLETED
    served = scene.host.service.get(behind)
    assert (served.overtook_calls_count, served.overtook_callbacks_count) == (0, 0)
    assert (scene.callback.overtook_calls_count, scene.callback.overtook_callbacks_count) == (0, 0)
    scene.check_over(TOLD)


# ---------------------------------------------------------------------------- what forbids it


def test_paused_dialing_puts_it_off(store: Store) -> None:
    """It is looked at again once a minute, and explain says what it waits for."""
    scene = Scene(store)
    scene.run(4 * SECOND)
    scene.host.service.pause("support", dialing=True, reason="storm")
    scene.run(10 * MINUTE)
    assert scene.dialed == []
    assert scene.callback.state is CallbackState.HELD
    why = scene.host.service.explain(scene.callback_id)
    assert why.rule == "to_be_told"
    assert "the customer is to be called and told so, and dialing is paused" in why.text
    assert why.next_change_at is not None
    assert why.next_change_at <= scene.host.clock.now() + MINUTE
    scene.host.service.resume("support", dialing=True)
    scene.run(2 * MINUTE)
    scene.check_over(TOLD)


def test_telephony_that_is_down_puts_it_off(store: Store) -> None:
    """Nobody is dialed, nothing is lost."""
    scene = Scene(store)
    scene.run(4 * SECOND)
    scene.host.service.pause("support", dialing=True)
    scene.run(10 * SECOND)
    scene.host.service.resume("support", dialing=True)
    scene.host.driver.telephony_down()
    scene.run(10 * MINUTE)
    assert (scene.dialed, scene.callback.hold_reason) == ([], HoldReason.TO_BE_TOLD)
    scene.host.driver.telephony_up(scene.host.telephony.snapshot())
    scene.run(2 * MINUTE)
    scene.check_over(TOLD)


def test_node_that_reaches_no_telephony_leaves_it_to_others(store: Store) -> None:
    """It writes nothing, whatever else is due is done, and the end of its life comes on any node."""
    clock = ManualClock()
    policy = QueuePolicy(queue="support", calling=None, all_declined=AllDeclined.TELL)
    service = CallbackService(store, [policy], clock=clock, ids=SequentialIds())
    callback_id = service.request("support", number=BOB).callback_id
    service.agent_available("ann", queues=["support"])
    deaf, node = Dispatcher(service, batch_max=1), Dispatcher(service)
    (asked,) = [effect for effect in node.step(clock.now()) if isinstance(effect, Dial)]
    service.report(Report(leg_id=asked.leg_id, kind=ReportKind.ENDED, cause=Cause.REJECTED))
    clock.advance(SECOND)
    later = service.request("support", number=EVE, scheduled_at=clock.now() + MINUTE).callback_id
    before = service.history(callback_id)
    clock.advance(2 * MINUTE)
    assert deaf.step(clock.now(), telephony=False) == ()
    assert service.history(callback_id) == before
    assert service.get(later).state is CallbackState.WAITING
    clock.advance(2 * DAY)
    notices = [
        effect
        for _ in range(3)
        for effect in deaf.step(clock.now(), telephony=False)
        if isinstance(effect, Notice) and effect.callback_id == callback_id
    ]
    assert [notice.kind for notice in notices] == UNTOLD
    assert service.get(callback_id).outcome is Outcome.DECLINED_BY_AGENTS


def test_list_that_is_down_is_asked_ten_times_in_a_step(store: Store) -> None:
    """K3: many wait to be told: a step asks for some of them, and all are told when the list is back."""
    clock, lists = ManualClock(), FakeDoNotCall()
    policy = QueuePolicy(queue="support", calling=None, all_declined=AllDeclined.TELL, agent_cool_down=SECOND)
    service = CallbackService(store, [policy], clock=clock, ids=SequentialIds(), do_not_call=lists)
    service.agent_available("ann", queues=["support"])
    node = Dispatcher(service)
    callback_ids = []
    for number in range(12):
        callback_ids.append(service.request("support", number=f"+1212555{number + 100:04d}").callback_id)
        (asked,) = [effect for effect in node.step(clock.now()) if isinstance(effect, Dial)]
        service.report(Report(leg_id=asked.leg_id, kind=ReportKind.ENDED, cause=Cause.REJECTED))
        lists.error = RuntimeError("down")
        clock.advance(SECOND)
        node.step(clock.now())
        lists.error = None
        assert service.get(callback_ids[-1]).hold_reason is HoldReason.TO_BE_TOLD
    lists.error = RuntimeError("down")
    service.agent_unavailable("ann")
    clock.advance(2 * MINUTE)
    asked_before = len(lists.asked)
    node.step(clock.now())
    assert len(lists.asked) - asked_before == 10
    lists.error = None
    clock.advance(2 * MINUTE)
    dialed = [effect for effect in node.step(clock.now()) if isinstance(effect, Dial)]
    assert {dial.callback_id for dial in dialed} == {*callback_ids}


def test_a_rate_per_minute_holds_for_it_too(store: Store) -> None:
    """F11: the two that were declined are the two that the minute allows."""
    scene = Scene(store, caps=Caps(attempts_per_minute_max=2))
    scene.run(30 * SECOND)
    assert "as many attempts as its caps allow" in scene.host.service.explain(scene.callback_id).text
    scene.run(MINUTE)
    assert scene.dialed == [START + MINUTE]
    scene.check_over(TOLD)


def test_attempts_at_once_hold_for_it_too(store: Store) -> None:
    """F11: it needs a line of its own, and waits until one is free."""
    scene = Scene(store, caps=Caps(attempts_at_once_max=1), asks=False)
    scene.host.service.agent_available("cid", queues=["sales"])
    scene.callback_id = promised(scene.host)
    scene.run(4 * SECOND)
    scene.host.service.pause("support", dialing=True)
    scene.run(5 * SECOND)
    promised(scene.host, EVE, "sales")
    scene.run(SECOND)
    scene.host.service.resume("support", dialing=True)
    scene.run(2 * MINUTE)
    assert scene.dialed == []
    scene.run(5 * MINUTE)
    scene.check_over(TOLD)


def at(hour: int, minute: int = 0, *, day: int = 0) -> datetime:
    """Return a time of a Monday in summer, or of a day after it, on the clocks of New York."""
    return datetime.combine(date(2026, 7, 6 + day), time(hour, minute), tzinfo=NEW_YORK).astimezone(UTC)


def night(
    store: Store, *, lists: FakeDoNotCall | None = None, **policy: Any
) -> tuple[VirtualHost, FakeNotices, str]:
    """Return a house at the end of the hours in which people may be called, and a callback that was declined."""
    notices = FakeNotices()
    settings: dict[str, Any] = {
        "all_declined": AllDeclined.TELL,
        "agent_cool_down": HOUR,
        "agent_presence_max": 7 * DAY,
        "response_window": None,
        **policy,
    }
    host = VirtualHost(
        store,
        [QueuePolicy(queue=QueueName(name), **settings) for name in ("support", "sales")],
        clock=ManualClock(at(20, 59)),
        ids=RandomIds(),
        do_not_call=lists,
        notices=notices,
    )
    sign_in(host, "ann")
    host.telephony.agent("ann", DECLINES)
    callback_id = promised(host, channel=Channel.AGENT)
    host.run_for(2 * SECOND)
    host.service.pause("support", dialing=True)
    host.run_until(at(21, 5))
    assert host.service.get(callback_id).hold_reason is HoldReason.TO_BE_TOLD
    host.service.resume("support", dialing=True)
    return host, notices, callback_id


def test_closed_hours_are_waited_for(store: Store) -> None:
    """K1: nobody's phone rings in the night to say no: in the morning, at the first moment that is permitted."""
    host, notices, callback_id = night(store)
    host.run_for(2 * MINUTE)
    callback = host.service.get(callback_id)
    assert (callback.state, callback.hold_reason) == (CallbackState.HELD, HoldReason.TO_BE_TOLD)
    assert (callback.due_at, callback.due_reason) == (at(8, day=1), "to_be_told")
    why = host.service.explain(callback_id)
    opens_at = at(8, day=1).isoformat()
    assert f"told so, and the rules of us in America/New_York permit a call from {opens_at}" in why.text
    assert why.next_change_at == at(8, day=1)
    host.run_until(at(9, day=1))
    assert [when for when, who in rung(host) if who == BOB] == [at(8, day=1)]
    assert host.service.get(callback_id).outcome is Outcome.DECLINED_BY_AGENTS
    assert notices.kinds(callback_id) == TOLD


def test_hours_that_open_too_late_end_it_with_a_notice(store: Store) -> None:
    """The callback would be over before anybody may call: the customer need not wait for that to be told."""
    host, notices, callback_id = night(store, callback_life=4 * HOUR)
    host.run_for(2 * MINUTE)
    callback = host.service.get(callback_id)
    assert (callback.outcome, notices.kinds(callback_id)) == (Outcome.DECLINED_BY_AGENTS, UNTOLD)
    assert BOB not in whom(host)


def test_its_life_is_over_before_it_can_be_told(store: Store) -> None:
    """Dialing was paused to the end: it ends as declined, and a notice says so."""
    scene = Scene(store, callback_life=2 * HOUR)
    scene.run(4 * SECOND)
    scene.host.service.pause("support", dialing=True)
    scene.run(3 * HOUR)
    assert scene.dialed == []
    scene.check_over(UNTOLD)
    (ended,) = events(scene.host, scene.callback_id, "callback_ended")
    assert ended.at == START + 2 * HOUR


def test_who_opted_out_meanwhile_is_not_called(store: Store) -> None:
    """K4: nor later: it is over at once; a notice may still go out, by what they did not opt out of."""
    scene = Scene(store)
    scene.run(4 * SECOND)
    scene.host.service.opt_out(BOB)
    scene.run(MINUTE)
    assert scene.dialed == []
    scene.check_over(UNTOLD)


def test_who_is_on_a_list_is_not_called(store: Store) -> None:
    """K3: the list is asked before this call as before every one; while it cannot say, nobody is called."""
    lists = FakeDoNotCall()
    host, notices, callback_id = night(store, lists=lists)
    lists.listed.add(BOB)
    host.run_until(at(9, day=1))
    assert BOB not in whom(host)
    assert notices.kinds(callback_id) == UNTOLD


def test_number_in_use_puts_it_off(store: Store) -> None:
    """C5: they talk to somebody else of us: when that is over, they are told."""
    scene = Scene(store)
    scene.host.telephony.person(BOB, Behaviour(talks_for=3 * MINUTE), ANSWERS)
    scene.run(4 * SECOND)
    scene.host.service.pause("support", dialing=True)
    scene.run(10 * SECOND)
    scene.host.service.agent_available("cid", queues=["sales"])
    promised(scene.host, BOB, "sales")
    scene.run(SECOND)
    scene.host.service.resume("support", dialing=True)
    scene.run(2 * MINUTE)
    assert len(scene.dialed) == 1
    assert scene.callback.hold_reason is HoldReason.TO_BE_TOLD
    scene.run(5 * MINUTE)
    assert len(scene.dialed) == 2
    assert heard(scene.host, Role.CUSTOMER) == [Prompt.NO_AGENT]
    scene.check_over(TOLD)


def test_what_it_costs_is_counted(store: Store) -> None:
    """K9: it is paid for as every call is; where the day's ceiling is reached, it waits until a part of it is free."""
    costs = NumberPolicy(regions={"US": RegionRule(cost=10)}, cost_day_max=25)
    scene = Scene(store, numbers=costs, agent_presence_max=7 * DAY, callback_life=7 * DAY)
    scene.run(HOUR)
    assert (scene.dialed, scene.callback.hold_reason) == ([], HoldReason.TO_BE_TOLD)
    scene.run(DAY)
    assert scene.dialed == [START + DAY]
    scene.check_over(TOLD)


# ---------------------------------------------------------------------------- what people do meanwhile


def test_cancelled_while_it_is_to_be_told(store: Store) -> None:
    """It is cancelled, and nobody is called."""
    scene = Scene(store)
    scene.run(4 * SECOND)
    scene.host.service.pause("support", dialing=True)
    scene.run(MINUTE)
    assert scene.host.service.cancel(scene.callback_id).outcome is Outcome.CANCELLED
    scene.host.service.resume("support", dialing=True)
    scene.run(HOUR)
    assert scene.dialed == []


def test_cancelled_while_their_phone_rings(store: Store) -> None:
    """The leg is hung up; no notice, and no second end."""
    scene = Scene(store)
    scene.host.telephony.person(BOB, RINGS_LONG)
    scene.declined()
    scene.run(5 * SECOND)
    assert scene.host.service.cancel(scene.callback_id).outcome is Outcome.CANCELLED
    scene.run(MINUTE)
    last = attempt_of(scene.host, store, scene.callback_id)
    assert (last.state, last.disposition) == (AttemptState.ENDED, Disposition.CANCELLED_BY_US)
    assert scene.host.telephony.live_legs() == []
    assert (heard(scene.host, Role.CUSTOMER), scene.notices.told) == ([], [])
    assert kinds(scene.host, scene.callback_id).count("callback_ended") == 1


@pytest.mark.parametrize("ringing", [False, True])
@pytest.mark.parametrize("how", [Outcome.SERVED_ELSEWHERE, Outcome.REPLACED])
def test_marked_as_done_or_replaced_meanwhile(store: Store, how: Outcome, ringing: bool) -> None:
    """As in every other state: the promise is over, and nobody is told that nobody takes it."""
    scene = Scene(store, duplicates=Duplicates.REPLACE)
    scene.host.telephony.person(BOB, RINGS_LONG)
    scene.run(4 * SECOND)
    if not ringing:
        scene.host.service.pause("support", dialing=True)
    scene.run(5 * SECOND)
    assert len(scene.dialed) == ringing
    if how is Outcome.REPLACED:
        promised(scene.host)
    else:
        scene.host.service.mark_done(scene.callback_id, by="op")
    assert scene.callback.outcome is how
    scene.run(MINUTE)
    scene.host.service.resume("support", dialing=True)
    scene.run(10 * MINUTE)
    assert len(scene.dialed) == ringing
    assert (heard(scene.host, Role.CUSTOMER), scene.notices.kinds(scene.callback_id)) == ([], [])


def test_call_now_puts_it_in_line_again(store: Store) -> None:
    """A person knows of somebody who takes it: agents are asked anew."""
    scene = Scene(store)
    scene.run(4 * SECOND)
    scene.host.service.pause("support", dialing=True)
    scene.run(10 * SECOND)
    assert scene.host.service.call_now(scene.callback_id, by="op").state is CallbackState.WAITING
    sign_in(scene.host, "cid")
    scene.host.service.resume("support", dialing=True)
    scene.run(5 * MINUTE)
    assert scene.callback.outcome is Outcome.COMPLETED


@pytest.mark.parametrize("called_in", [CalledIn.KEEP_BOTH, CalledIn.RESTORE])
def test_who_calls_in_while_their_phone_rings_is_not_told_by_it(store: Store, called_in: CalledIn) -> None:
    """The leg is hung up. Who keeps both is told when they have gone unserved; who has the place back never."""
    scene = Scene(store, called_in=called_in)
    scene.host.telephony.person(BOB, RINGS_LONG, ANSWERS)
    scene.declined()
    scene.run(5 * SECOND)
    scene.host.service.call_joined("support", call_id="live", number=BOB)
    scene.run(MINUTE)
    assert len(scene.dialed) == 1
    if called_in is CalledIn.RESTORE:
        assert scene.callback.outcome is Outcome.REPLACED
        return
    assert scene.callback.hold_reason is HoldReason.TO_BE_TOLD
    scene.host.service.call_left("live")
    scene.run(2 * MINUTE)
    assert len(scene.dialed) == 2
    scene.check_over(TOLD)


def test_another_number_is_called(store: Store) -> None:
    """Who gives another number while it is put off is told there."""
    scene = Scene(store)
    scene.run(4 * SECOND)
    scene.host.service.pause("support", dialing=True)
    scene.run(10 * SECOND)
    scene.host.service.change_number(scene.callback_id, EVE)
    scene.host.service.resume("support", dialing=True)
    scene.run(2 * MINUTE)
    assert whom(scene.host)[-1] == EVE
    scene.check_over(TOLD)


def test_who_was_erased_is_not_called(store: Store) -> None:
    """Nobody is left to be told."""
    scene = Scene(store)
    scene.run(4 * SECOND)
    scene.host.service.pause("support", dialing=True)
    scene.run(10 * SECOND)
    scene.host.service.erase(number=BOB)
    scene.host.service.resume("support", dialing=True)
    scene.run(2 * MINUTE)
    assert (scene.dialed, scene.callback.outcome) == ([], Outcome.CANCELLED)


# ---------------------------------------------------------------------------- crashes, nodes


def test_after_a_crash_it_is_in_doubt_and_never_dialed_again(store: Store) -> None:
    """The intent was durable, and nobody knows whether it was dialed: over, with a notice."""
    clock = ManualClock()
    policy = QueuePolicy(queue="support", calling=None, all_declined=AllDeclined.TELL)
    service = CallbackService(store, [policy], clock=clock, ids=SequentialIds())
    callback_id = service.request("support", number=BOB).callback_id
    service.agent_available("ann", queues=["support"])
    first = Dispatcher(service)
    (asked,) = [effect for effect in first.step(clock.now()) if isinstance(effect, Dial)]
    service.report(Report(leg_id=asked.leg_id, kind=ReportKind.ENDED, cause=Cause.REJECTED))
    (dialed,) = [effect for effect in first.step(clock.now()) if isinstance(effect, Dial)]
    assert (dialed.role, dialed.number, dialed.agent_id) == (Role.CUSTOMER, BOB, None)
    found: list[Any] = []
    for node in (Dispatcher(service), Dispatcher(service)):
        for _ in range(20):
            clock.advance(10 * SECOND)
            found += node.step(clock.now())
    assert not [effect for effect in found if isinstance(effect, Dial) and effect.role is Role.CUSTOMER]
    assert dialed.leg_id in [effect.leg_id for effect in found if isinstance(effect, HangUp)]
    callback = service.get(callback_id)
    assert callback.outcome is Outcome.DECLINED_BY_AGENTS
    (ended,) = [event for event in service.history(callback_id) if event.kind == "callback_ended"]
    assert list(ended.notices) == UNTOLD  # type: ignore[attr-defined]


def test_what_the_telephony_has_after_a_crash_is_told(store: Store) -> None:
    """Its own account says that the customer has answered: they hear it now, and once."""
    scene = Scene(store)
    scene.host.telephony.person(BOB, Behaviour(answers_after=5 * SECOND))
    scene.declined()
    scene.run(SECOND)
    scene.host.telephony.on_report = lambda _report: None
    scene.run(10 * SECOND)
    assert heard(scene.host, Role.CUSTOMER) == []
    scene.host.telephony.on_report = scene.host.driver.report
    found = scene.host.service.reconcile(scene.host.telephony.snapshot())
    scene.host.driver.perform(found.effects)
    scene.run(MINUTE)
    assert heard(scene.host, Role.CUSTOMER) == [Prompt.NO_AGENT]
    scene.check_over(TOLD)


def test_two_nodes_never_dial_twice(store: Store) -> None:
    """Both find it due; one dials."""
    clock = ManualClock()
    policy = QueuePolicy(queue="support", calling=None, all_declined=AllDeclined.TELL)
    service = CallbackService(store, [policy], clock=clock, ids=RandomIds())
    nodes = [Dispatcher(service, node_id=f"node-{number}") for number in range(2)]
    for number in range(5):
        service.request("support", number=f"+1212555{number + 100:04d}")
    service.agent_available("ann", queues=["support"])
    dialed: list[LegId] = []
    for _ in range(40):
        clock.advance(15 * SECOND)
        for node in (*nodes, *reversed(nodes)):
            for effect in node.step(clock.now()):
                if not isinstance(effect, Dial):
                    continue
                if effect.role is Role.CUSTOMER:
                    dialed.append(effect.leg_id)
                    service.report(Report(leg_id=effect.leg_id, kind=ReportKind.ANSWERED))
                    service.report(Report(leg_id=effect.leg_id, kind=ReportKind.ENDED))
                else:
                    service.report(Report(leg_id=effect.leg_id, kind=ReportKind.ENDED, cause=Cause.REJECTED))
    assert len(dialed) == len(set(dialed)) == 5


def test_who_lost_the_race_dials_nobody(store: Store) -> None:
    """Its version is old by then: nothing of what it wanted to write is written, no order is given out."""
    scene = Scene(store)
    scene.run(4 * SECOND)
    scene.host.service.pause("support", dialing=True)
    scene.run(10 * SECOND)
    with store.transaction(DEFAULT_TENANT, commit=Commit.READ_ONLY) as tx:
        stale = tx.callbacks.get(scene.callback_id)
    scene.host.service.resume("support", dialing=True)
    scene.run(2 * MINUTE)
    scene.check_over(TOLD)
    late = announcing.begin(stale, AttemptId("at_late"), policy=QueuePolicy(queue="support"), now=START)
    with pytest.raises(Conflict), store.transaction(DEFAULT_TENANT, commit=Commit.FLUSHED) as tx:
        tx.save(late.records[0])


def test_reports_twice_and_late_tell_once(store: Store) -> None:
    """N2: every report again, later: nothing new, nobody dialed, nothing said but to hang up."""
    scene = Scene(store)
    reports: list[Report] = []
    tell = scene.host.telephony.on_report

    def remember(report: Report) -> None:
        reports.append(report)
        tell(report)

    scene.host.telephony.on_report = remember
    scene.run(2 * MINUTE)
    scene.check_over(TOLD)
    for report in reports:
        again = scene.host.service.report(report)
        assert not again.changed
        assert [
            effect.prompt for effect in again.effects if isinstance(effect, HangUp) and effect.prompt
        ] == []
    assert len(scene.dialed) == 1


def test_lost_reports_end_it_by_its_deadlines(store: Store) -> None:
    """F14: nothing is heard any more: it is over in time, and the customer is told otherwise."""
    scene = Scene(store)
    scene.declined()
    scene.host.telephony.on_report = lambda _report: None
    scene.run(10 * MINUTE)
    assert scene.callback.outcome is Outcome.DECLINED_BY_AGENTS
    assert scene.notices.kinds(scene.callback_id) == UNTOLD
    assert attempt_of(scene.host, store, scene.callback_id).disposition is Disposition.UNKNOWN
    assert scene.host.service.explain(scene.callback_id).rule == "ended"

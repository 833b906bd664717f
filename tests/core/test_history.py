"""History as a second account: the records are built again from events alone, and a gap is seen."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from callbackq import events
from callbackq.core import (
    agents,
    announcing,
    attempt,
    calls,
    lifecycle,
    merging,
    nodes,
    outbox,
    placing,
    promising,
    settling,
    switches,
)
from callbackq.core.decision import Decision
from callbackq.core.history import KEYS, RECORDS, fold
from callbackq.core.legs import Context
from callbackq.core.lifecycle import DueFacts
from callbackq.core.retry import Correct, GoBack, NextStep, Rest, Tell
from callbackq.effects import Dial, ReserveAgent
from callbackq.events import Event
from callbackq.ids import (
    DEFAULT_TENANT,
    AgentId,
    AttemptId,
    CallbackId,
    LegId,
    MessageId,
    NodeId,
    PlaceId,
    SubjectId,
)
from callbackq.model import (
    Agent,
    Ahead,
    AnsweredBy,
    Attempt,
    AttemptState,
    Booking,
    Callback,
    Confirmation,
    Delivery,
    DeliveryKind,
    Disposition,
    DueReason,
    Entity,
    HoldReason,
    LiveCall,
    Message,
    MessageKind,
    Mode,
    OptOut,
    QueueControl,
    Report,
    ReportKind,
)
from callbackq.policy import Confirm, Messages
from core.samples import (
    ANN,
    ATTEMPT_ID,
    BOOKING_ID,
    CALL_ID,
    CALLBACK_ID,
    POLICY,
    START,
    SUPPORT,
    Book,
    D,
    H,
    M,
    S,
    a_callback,
    a_stand,
    a_subject,
    an_attempt,
    asked_for,
    changed,
)

JOINING = calls.Joining(
    tenant_id=DEFAULT_TENANT, call_id=CALL_ID, subject_id=None, stand=a_stand(), entered_at=START
)
PRESENCE = agents.Presence(
    tenant_id=DEFAULT_TENANT, agent_id=ANN, queues=(SUPPORT,), skills=("billing",), presence_max=H
)


def a_call_that_was_served() -> list[Event]:
    joined = calls.join(JOINING, policy=POLICY, now=START)
    (call,) = joined.records
    assert isinstance(call, LiveCall)
    taken = calls.take(call, ANN, subject=None, overtook=Ahead(), policy=POLICY, now=START + S)
    (call,) = taken.records
    assert isinstance(call, LiveCall)
    return [*joined.events, *taken.events, *calls.leave(call, now=START + M).events]


def test_nothing_happened() -> None:
    """No events, no records."""
    assert fold([]) == {}


def test_every_entity_has_its_record_and_its_key() -> None:
    """The kinds of record, each built from the events that name it."""
    assert dict(RECORDS) == {
        Entity.CALLBACK: Callback,
        Entity.CALL: LiveCall,
        Entity.AGENT: Agent,
        Entity.ATTEMPT: Attempt,
        Entity.QUEUE: QueueControl,
        Entity.BOOKING: Booking,
        Entity.OPT_OUT: OptOut,
        Entity.MESSAGE: Message,
    }
    assert dict(KEYS) == {
        Entity.CALLBACK: "callback_id",
        Entity.CALL: "call_id",
        Entity.AGENT: "agent_id",
        Entity.ATTEMPT: "attempt_id",
        Entity.QUEUE: "queue",
        Entity.BOOKING: "booking_id",
        Entity.OPT_OUT: "number_key",
        Entity.MESSAGE: "message_id",
    }


def test_a_record_is_built_from_its_events() -> None:
    """Field by field what the events say last; and for what they never say, the default."""
    record = fold(a_call_that_was_served())[Entity.CALL, CALL_ID]
    assert isinstance(record, LiveCall)
    assert (record.version, record.state, record.outcome) == (3, "ended", "served")
    assert (record.agent_id, record.taken_at, record.ended_at) == (ANN, START + S, START + M)
    assert (record.offers_count, record.callback_id, record.due_at) == (0, None, None)


def test_records_that_are_told_of_in_turn_are_kept_apart() -> None:
    """Events of several records stand in one history; each builds its own, and only its own."""
    call_events = a_call_that_was_served()
    agent_events = agents.sign_in(None, PRESENCE, now=START).events
    mixed = fold([call_events[0], *agent_events, *call_events[1:]])
    assert mixed == {**fold(call_events), **fold(agent_events)}
    assert set(mixed) == {(Entity.CALL, CALL_ID), (Entity.AGENT, ANN)}


def test_an_attempt_is_not_its_callback() -> None:
    """Events of an attempt name the callback too: they build the attempt."""
    context = Context(callback=a_callback(), subject=a_subject(), policy=POLICY, now=START)
    started = _start(context)
    assert fold(started.events) == {(Entity.ATTEMPT, ATTEMPT_ID): started.records[0]}
    assert [type(effect) for effect in started.effects] == [ReserveAgent, Dial]


def test_an_ignored_report_is_told_and_changes_nothing() -> None:
    """Two events may tell of one version: the second, of what was ignored."""
    context = Context(callback=a_callback(), subject=a_subject(), policy=POLICY, now=START)
    started = _start(context)
    (record,) = started.records
    assert isinstance(record, Attempt)
    late = attempt.report(record, Report(leg_id=LegId("two"), kind=ReportKind.ENDED), context)
    assert not late.records
    assert fold([*started.events, *late.events]) == fold(started.events)


def _start(context: Context) -> Decision:
    return attempt.start(
        context,
        attempt_id=AttemptId(ATTEMPT_ID),
        agent_id=ANN,
        agent_leg_id=LegId("one"),
        customer_leg_id=LegId("two"),
        node_id=NodeId("node"),
        number_key="digest",
    )


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ([1], "from version 0 to 2"),
        ([0, 2], "from version 1 to 3"),
        ([0, 1, 0], "from version 2 to 1"),
        ([0, 2, 1], "from version 1 to 3"),
    ],
)
def test_a_gap_in_history_is_seen(order: list[int], said: str) -> None:
    """An event that is missing, or stands in the wrong place, is found by the versions."""
    events = a_call_that_was_served()
    with pytest.raises(AssertionError) as caught:
        fold([events[number] for number in order])
    assert said in str(caught.value)
    assert CALL_ID in str(caught.value)


def test_a_forged_event_is_seen() -> None:
    """History is an account of its own: changed by one field, it builds another record."""
    events = a_call_that_was_served()
    honest = fold(events)
    forged = fold([attrs.evolve(events[0], priority=0), *events[1:]])
    assert forged != honest
    assert CALLBACK_ID not in {key for _, key in honest}
    before, after = honest[Entity.CALL, CALL_ID], forged[Entity.CALL, CALL_ID]
    assert changed(attrs.evolve(before, version=before.version - 1), after) == {"priority": 0}


# ---------------------------------------------------------------------------- every kind


class _Day:
    """One callback, another of the same person, one live call and one queue, written down step by step."""

    def __init__(self) -> None:
        self.book, self.now = Book(), START

    def told(self) -> set[str]:
        return {event.kind for event in self.book.events}

    def callback(self, callback_id: str = CALLBACK_ID) -> Callback:
        record = self.book.records[Entity.CALLBACK, callback_id]
        assert isinstance(record, Callback)
        return record

    def call(self) -> LiveCall:
        record = self.book.records[Entity.CALL, CALL_ID]
        assert isinstance(record, LiveCall)
        return record

    def ask(self, callback_id: str) -> None:
        asked = asked_for(
            callback_id=CallbackId(callback_id),
            request_key=callback_id,
            stand=a_stand(lane=9, preferred_until_at=START + M),
            place_id=PlaceId(callback_id),
            entered_at=START - H,
            preferred_agent_id=ANN,
        )
        self.book.write(promising.request(asked, policy=POLICY, now=START))

    def be_due(self, reason: DueReason) -> None:
        """Let time do what it does to the callback for *reason*."""
        callback = self.callback()
        assert callback.due_reason is reason
        assert callback.due_at is not None
        assert callback.due_at >= self.now
        facts = DueFacts(lane=4, stand=placing.opened(callback, lane=4))
        self.now = callback.due_at
        self.book.write(lifecycle.due(callback, facts=facts, policy=POLICY, now=self.now))

    def attempt(self) -> None:
        """Let an attempt be started."""
        self.now += S
        self.book.write(
            lifecycle.attempt(
                self.callback(),
                attempt_id=ATTEMPT_ID,
                agent_id=ANN,
                overtook=Ahead(calls=1, callbacks=2),
                policy=POLICY,
                now=self.now,
            )
        )

    def attempt_that(self, step: NextStep) -> None:
        """Let an attempt be made that comes to nothing."""
        self.attempt()
        self.book.write(lifecycle.look_again(self.callback(), at=self.now + H, now=self.now))
        self.book.write(
            lifecycle.attempt_failed(
                self.callback(), disposition=Disposition.BUSY, step=step, policy=POLICY, now=self.now
            )
        )

    def place(self, kind: type[events.CallbackPlaced], callback_id: str = CALLBACK_ID) -> None:
        callback = self.callback(callback_id)
        stand = placing.with_head_start(callback, H, policy=POLICY)
        self.book.write(lifecycle.place(callback, kind, stand=stand, policy=POLICY, now=self.now))


def _kinds(base: type[Event]) -> set[str]:
    """Return the kinds that are stored of one entity: of every class that no other one is made of."""
    below = base.__subclasses__()
    return {base.kind} if not below else set().union(*(_kinds(kind) for kind in below))


def test_every_kind_of_event_builds_its_record() -> None:
    """A day of a callback on which everything happens to it: `fold(history)` is the record after each step."""
    day = _Day()
    for callback_id in (CALLBACK_ID, "cb_2"):
        day.ask(callback_id)
    day.be_due(DueReason.PREFERENCE_OVER)
    for kind in (events.CallbackMoved, events.CallbackPrioritized, events.CallbackReranked):
        day.place(kind)
    day.book.write(lifecycle.ticket(day.callback(), "T-1", now=day.now))
    day.book.write(
        lifecycle.hold(day.callback(), reason=HoldReason.NUMBER_IN_USE, until=day.now + M, now=day.now)
    )
    day.be_due(DueReason.HOLD_OVER)
    day.attempt_that(GoBack())
    day.attempt_that(Tell())
    day.book.write(announcing.put_off(day.callback(), until=day.now + M, now=day.now))
    day.book.write(announcing.begin(day.callback(), ATTEMPT_ID, policy=POLICY, now=day.now))
    back = lifecycle.attempt_failed(
        day.callback(), disposition=Disposition.CANCELLED_BY_US, step=GoBack(), policy=POLICY, now=day.now
    )
    day.book.write(back)
    day.attempt_that(Rest(M))
    day.be_due(DueReason.REST_OVER)
    day.be_due(DueReason.WINDOW_OVER)
    day.be_due(DueReason.WAITED_LONG)
    day.book.write(settling.called_in(day.callback(), CALL_ID, now=day.now))
    day.attempt_that(Correct())
    day.book.write(settling.renumber(day.callback(), dedup_key="other", by="ann", now=day.now))
    again = placing.opened(day.callback(), lane=4)
    day.book.write(lifecycle.ready(day.callback(), stand=again, policy=POLICY, now=day.now, by="ann"))
    later = a_stand(lane=4, ranked_at=day.now + H)
    rescheduled = promising.reschedule(
        day.callback(),
        scheduled_at=day.now + H,
        booking_id=BOOKING_ID,
        stand=later,
        policy=POLICY,
        by="ann",
        now=day.now,
    )
    day.book.write(rescheduled)
    day.book.write(promising.look_again(day.callback(), at=day.now + H, now=day.now))
    day.be_due(DueReason.SCHEDULED)
    stand = placing.merged(day.callback(), day.callback("cb_2"), lane=4, policy=POLICY)
    day.book.write(
        merging.merge(day.callback("cb_2"), day.callback(), stand=stand, policy=POLICY, now=day.now)
    )
    day.attempt()
    day.book.write(lifecycle.complete(day.callback(), now=day.now))
    day.book.write(settling.score(day.callback(), score=0.5, resolved=True, by="ann", now=day.now))
    day.book.write(
        settling.reopen_ticket(day.callback(), [], reopened_at=day.now, by="desk", reason=None, now=day.now)
    )
    machine = an_attempt(disposition=Disposition.MACHINE)
    day.book.write(
        settling.reopen(
            day.callback(), machine, step=Rest(M), held_by=None, by="ann", life=2 * D, now=day.now
        )
    )
    day.be_due(DueReason.REST_OVER)
    day.be_due(DueReason.WINDOW_OVER)
    day.be_due(DueReason.WAITED_LONG)
    day.be_due(DueReason.EXPIRES)
    assert day.told() == _kinds(events.CallbackEvent)


def test_every_kind_of_event_builds_its_attempt() -> None:
    """One with two agents, a key that is pressed, a recording, and a word of the agent's: step by step."""
    book = Book()
    policy = attrs.evolve(POLICY, confirm=Confirm.ALWAYS)
    callback = a_callback(mode=Mode.SIMULTANEOUS)
    context = Context(callback=callback, subject=a_subject(extension=None), policy=policy, now=START)

    def now() -> Attempt:
        record = book.records[Entity.ATTEMPT, ATTEMPT_ID]
        assert isinstance(record, Attempt)
        return record

    def said(leg_id: str, kind: ReportKind, **more: Any) -> None:
        book.write(attempt.report(now(), Report(leg_id=LegId(leg_id), kind=kind, **more), context))

    book.write(_start(context))
    said("one", ReportKind.ENDED)
    book.write(attempt.found_agent(now(), AgentId("bob"), context))
    said("one.2", ReportKind.ANSWERED)
    book.write(nodes.take_over(now(), NodeId("other"), now=START))
    said("two", ReportKind.ANSWERED)
    said("two", ReportKind.DIGIT, digits="1")
    said("two", ReportKind.BRIDGED, recording_id="rec_1")
    book.write(attempt.dispose(now(), Disposition.WRONG_PERSON, context, by="bob"))
    said("two", ReportKind.ENDED)
    said("one.2", ReportKind.ENDED)
    said("one", ReportKind.ANSWERED)
    assert {event.kind for event in book.events} == _kinds(events.AttemptEvent)
    said("two", ReportKind.PLAYED, recording_id="rec_2")
    ended = now()
    assert (ended.state, ended.agent_id, ended.agents_rung_count) == (AttemptState.ENDED, "bob", 2)
    assert (ended.confirmation, ended.answered_by) == (Confirmation.ACCEPTED, AnsweredBy.HUMAN)
    assert (ended.recording_id, ended.disposition) == ("rec_2", Disposition.WRONG_PERSON)
    assert ended.connected_at == ended.customer_answered_at == ended.ended_at == START


def test_every_kind_of_event_builds_its_live_call() -> None:
    """The same for a caller; what is offered has its own tests."""
    day, taken = _Day(), Ahead(calls=1)
    stand = a_stand(lane=9, preferred_until_at=START + M)
    day.book.write(calls.join(attrs.evolve(JOINING, stand=stand), policy=POLICY, now=START))
    day.book.write(calls.due(day.call(), lane=4, policy=POLICY, now=START + M))
    for kind in (events.CallMoved, events.CallPrioritized, events.CallReranked):
        again = placing.with_head_start(day.call(), H, policy=POLICY)
        day.book.write(calls.place(day.call(), kind, stand=again, policy=POLICY, now=START + M))
    day.book.write(calls.take(day.call(), ANN, subject=None, overtook=taken, policy=POLICY, now=START + M))
    day.book.write(calls.give_back(day.call(), policy=POLICY, now=START + 2 * M))
    day.book.write(calls.served(day.call(), None, overtook=taken, policy=POLICY, now=START + 2 * M))
    day.book.write(calls.due(day.call(), lane=4, policy=POLICY, now=START + 3 * M))
    day.book.write(calls.rejoin(day.call(), policy=POLICY, now=START + 4 * M))
    day.book.write(calls.leave(day.call(), now=START + 5 * M))
    assert day.call().overtook_calls_count == 2
    assert day.told() == _kinds(events.CallEvent) - {"call_offered", "call_declined"}


def test_what_is_paused_is_built_from_history() -> None:
    """A queue has a history as every record has."""
    book = Book()
    control = switches.nothing_paused(DEFAULT_TENANT, SUPPORT, now=START)
    wanted = switches.Switch(pause=True, offering=True, dialing=True, reason="storm")
    book.write(switches.switch(control, wanted, now=START))
    assert book.records[Entity.QUEUE, SUPPORT] == attrs.evolve(
        control, version=1, offering_paused=True, dialing_paused=True, reason="storm"
    )


def test_every_kind_of_event_builds_its_message() -> None:
    """One that is held, refused, taken and not delivered, in doubt on the next channel, and found to have arrived."""
    book, policy = Book(), Messages(channels=("sms", "email"))
    key = MessageId("ms_1")
    born = outbox.Born(
        kind=MessageKind.REMINDER,
        cause="bk_1.2.reminder",
        queue=SUPPORT,
        callback_id=CALLBACK_ID,
        booking_id=BOOKING_ID,
        subject_id=SubjectId("su_1"),
        due_at=START,
        best_before_at=START + D,
    )

    def now_is() -> Message:
        record = book.records[Entity.MESSAGE, key]
        assert isinstance(record, Message)
        return record

    def send(channel: str) -> None:
        sent = outbox.send(
            now_is(),
            channel=channel,
            address_key=f"key of {channel}",
            choices=("2026-01-05T09:00:00+00:00",),
            segments_count=2,
            policy=policy,
            now=START + H,
        )
        book.write(sent)

    def report(kind: DeliveryKind) -> None:
        delivery = Delivery(kind=kind, send_id=now_is().send_id, provider_id="SM1", problem="30003")
        book.write(
            outbox.delivered(now_is(), delivery, channels=policy.channels, policy=policy, now=START + H)
        )

    book.write(outbox.queue(born, tenant_id=DEFAULT_TENANT, message_id=key, now=START))
    book.write(outbox.hold(now_is(), until=START + H, now=START))
    send("sms")
    report(DeliveryKind.REFUSED)
    send("sms")
    report(DeliveryKind.ACCEPTED)
    report(DeliveryKind.UNDELIVERED)
    send("email")
    report(DeliveryKind.UNCERTAIN)
    report(DeliveryKind.UNCERTAIN)
    report(DeliveryKind.DELIVERED)
    assert {event.kind for event in book.events} == _kinds(events.MessageEvent)
    ended = now_is()
    assert (ended.sends_count, ended.tries_count, ended.channels_over) == (3, 1, ("sms",))
    assert (ended.state, ended.ended_as, ended.channel) == ("ended", "delivered", "email")

"""
The public API, used as a host would. This file is type-checked, and its functions are never called.

It is checked by `test_api.py` beside it, with `mypy --strict`. Every `assert_type` is a promise to hosts; every line
with an ignored error is a mistake that the types must show: were it accepted, the unused ignore would be an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import assert_never, assert_type

import callbackq
from callbackq import (
    RETRY_S2,
    Agent,
    AnsweredBy,
    Bridge,
    Callback,
    CallbackId,
    CallbackqError,
    CallbackService,
    CallId,
    Caps,
    Cause,
    Channel,
    Choice,
    Clock,
    ConnectCall,
    Dial,
    DialRefused,
    Dispatcher,
    Disposition,
    Driver,
    DuplicateCallback,
    Duplicates,
    Effect,
    Event,
    Explanation,
    HangUp,
    IdSource,
    LegId,
    LiveCall,
    LookUp,
    MemoryStore,
    NoOffer,
    NoOfferReason,
    Notice,
    Offer,
    Play,
    Position,
    Prompt,
    QueueName,
    QueuePolicy,
    RandomIds,
    Receipt,
    ReleaseAgent,
    Report,
    Reported,
    ReportKind,
    ReserveAgent,
    RetryRule,
    Role,
    SendDigits,
    SendMessage,
    SQLiteStore,
    StopPlay,
    Store,
    SystemClock,
    Telephony,
    ThreadRunner,
    Wait,
)

# ---------------------------------------------------------------------------- what a host plugs in


class MyPbx:
    """A host's telephony needs no base class: the shape is enough."""

    def dial(self, order: Dial) -> None:
        """Place a leg."""
        assert_type(order.leg_id, LegId)
        assert_type(order.number, str)
        assert_type(order.extension, str | None)
        assert_type(order.ring_time, timedelta)
        assert_type(order.context, Mapping[str, str])
        assert_type(order.channel, Channel)
        assert_type(order.priority, int)
        assert_type(order.scheduled_at, datetime | None)
        assert_type(order.ticket_id, str | None)
        if order.role is Role.AGENT:
            raise DialRefused("no such phone")

    def bridge(self, order: Bridge) -> None:
        """Join two legs."""
        assert_type(order.agent_leg_id, LegId)

    def hang_up(self, order: HangUp) -> None:
        """End a leg."""
        assert_type(order.prompt, Prompt | None)

    def play(self, order: Play) -> None:
        """Play a prompt."""
        assert_type(order.text, str | None)

    def stop_play(self, order: StopPlay) -> None:
        """End what is played."""

    def send_digits(self, order: SendDigits) -> None:
        """Press keys."""
        assert_type(order.digits, str)

    def connect_call(self, order: ConnectCall) -> None:
        """Connect a live caller."""
        assert_type(order.call_id, CallId)
        assert_type(order.number, str | None)
        assert_type(order.name, str | None)
        assert_type(order.entered_at, datetime)
        assert_type(order.context, Mapping[str, str])


class HalfAPbx:
    """One that cannot hang up."""

    def dial(self, order: Dial) -> None:
        """Place a leg."""


class MyClock:
    """A host's own clock."""

    def now(self) -> datetime:
        """Return the present instant."""
        return datetime.now(UTC)


class MyIds:
    """A host's own ids."""

    def new(self, prefix: str, *, now: datetime) -> str:
        """Return a new id."""
        return f"{prefix}_{now.isoformat()}"


def what_a_host_plugs_in(telephony: Telephony, clock: Clock, ids: IdSource, store: Store) -> None:
    """Whatever has the shape is accepted; what has not is refused."""
    assert_type(callbackq.__version__, str)
    what_a_host_plugs_in(MyPbx(), MyClock(), MyIds(), MemoryStore())
    what_a_host_plugs_in(MyPbx(), SystemClock(), RandomIds(), SQLiteStore("callbacks.db"))
    what_a_host_plugs_in(HalfAPbx(), clock, ids, store)  # type: ignore[arg-type]
    what_a_host_plugs_in(telephony, ids, ids, store)  # type: ignore[arg-type]


# ---------------------------------------------------------------------------- settings


def a_policy() -> QueuePolicy:
    """A policy is built by name, frozen, and knows the types of its fields."""
    policy = QueuePolicy(
        queue="support",
        duplicates=Duplicates.ALLOW,
        attempts_max=3,
        ring_time=timedelta(seconds=30),
        retry_rules={Disposition.BUSY: RetryRule(retries_max=2, rest=timedelta(minutes=3))},
        caps=Caps(attempts_at_once_max=30),
    )
    assert_type(policy.caps.attempts_per_minute_max, int | None)
    QueuePolicy(queue="support", caps=30)  # type: ignore[arg-type]
    assert_type(policy.queue, QueueName)
    assert_type(policy.ring_time, timedelta)
    assert_type(RETRY_S2, Mapping[Disposition, RetryRule])
    policy.ring_time = timedelta(seconds=45)  # type: ignore[misc]
    QueuePolicy("support")  # type: ignore[call-arg]
    QueuePolicy(queue="support", ring_time=30)  # type: ignore[arg-type]
    QueuePolicy(queue="support", retry_rules={"busy": RetryRule()})  # type: ignore[dict-item]
    RETRY_S2[Disposition.BUSY] = RetryRule()  # type: ignore[index]
    return policy


# ---------------------------------------------------------------------------- service


def promises(policy: QueuePolicy, ids: IdSource) -> CallbackService:
    """What a phone system says, asks for, and is told."""
    service = CallbackService(MemoryStore(), [policy], clock=SystemClock(), ids=ids, tenant_id="acme")
    CallbackService(MemoryStore(), [policy])  # type: ignore[call-arg]
    CallbackService(MemoryStore(), [policy], SystemClock())  # type: ignore[call-arg]

    call = service.call_joined("support", call_id="SIP/7-0001", number="+12125550123", skills=["billing"])
    assert_type(call, LiveCall)
    service.call_joined("support", "SIP/7-0001")  # type: ignore[call-arg]
    assert_type(service.call_left("SIP/7-0001"), LiveCall)
    assert_type(service.call_returned("SIP/7-0001"), LiveCall)
    assert_type(service.call_position("SIP/7-0001"), Position | None)

    answer = service.offer("SIP/7-0001", asked=True)
    match answer:
        case Offer():
            assert_type(answer.wait, Wait)
            assert_type(answer.wait.mean_s, float | None)
            assert_type(answer.choices, tuple[Choice, ...])
            assert_type(answer.expires_at, datetime)
        case NoOffer():
            assert_type(answer.reason, NoOfferReason)
        case _:
            assert_never(answer)

    receipt = service.request(
        "support",
        number="(212) 555-0123",
        request_key="form-7",
        channel=Channel.WEB,
        priority=50,
        scheduled_at=datetime(2026, 1, 5, 15, 0, tzinfo=UTC),
        context={"topic": "invoice"},
    )
    assert_type(receipt, Receipt)
    assert_type(receipt.callback_id, CallbackId)
    assert_type(receipt.position, Position | None)
    assert_type(receipt.expected_at, datetime | None)
    service.request("support", number=12125550123)  # type: ignore[arg-type]
    service.request("support", context={"age": 7})  # type: ignore[dict-item]
    try:
        service.request("support", call_id="SIP/7-0001")
    except DuplicateCallback as error:
        assert_type(service.receipt(error.existing_id), Receipt)
    except CallbackqError as error:
        assert_type(error.retry_safe, bool)

    assert_type(service.cancel(receipt.callback_id, reason="changed my mind"), Callback)
    assert_type(service.get(receipt.callback_id), Callback)
    assert_type(service.position(receipt.callback_id), Position | None)
    assert_type(service.explain(receipt.callback_id), Explanation)
    assert_type(service.history(receipt.callback_id), list[Event])
    assert_type(service.agent_available("ann", queues=["support"], skills=["billing"]), Agent)
    assert_type(service.agent_unavailable("ann"), Agent)
    service.get(receipt.callback_id).state = "ended"  # type: ignore[misc, assignment]
    return service


# ---------------------------------------------------------------------------- driving it


def perform(effects: Sequence[Effect], pbx: Telephony) -> None:
    """Every effect is one of these: a host's own loop can be sure."""
    for effect in effects:
        match effect:
            case Dial():
                pbx.dial(effect)
            case Bridge():
                pbx.bridge(effect)
            case HangUp():
                pbx.hang_up(effect)
            case Play():
                pbx.play(effect)
            case StopPlay():
                pbx.stop_play(effect)
            case SendDigits():
                pbx.send_digits(effect)
            case ConnectCall():
                pbx.connect_call(effect)
            case ReserveAgent() | ReleaseAgent() | LookUp():
                pass
            case Notice():
                assert_type(effect.notice_id, str)
            case SendMessage():
                assert_type(effect.to, str | None)
            case _:
                assert_never(effect)


def driving(service: CallbackService, pbx: Telephony, clock: Clock) -> None:
    """With a loop of one's own, or with a thread."""
    reported = service.report(
        Report(leg_id=LegId("leg_1"), kind=ReportKind.ANSWERED, answered_by=AnsweredBy.HUMAN)
    )
    assert_type(reported, Reported)
    assert_type(reported.effects, tuple[Effect, ...])
    service.report(Report(leg_id=LegId("leg_1"), kind="answered"))  # The words of the enums will do.
    Report(leg_id=LegId("leg_1"), kind=ReportKind.ENDED, cause=Cause.BUSY, raw_cause="SIP 486")

    dispatcher = Dispatcher(service, node_id="pbx-1")
    assert_type(dispatcher.next_wakeup(), datetime | None)

    perform(dispatcher.step(clock.now()), pbx)
    assert_type(Driver(service, dispatcher, pbx).step(clock.now()), int)

    with ThreadRunner(service, pbx, idle_max=timedelta(seconds=5)) as runner:
        assert_type(runner, ThreadRunner)
        assert_type(runner.report(Report(leg_id=LegId("leg_1"), kind=ReportKind.RINGING)), Reported)
